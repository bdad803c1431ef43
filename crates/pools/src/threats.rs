//! Threat protection: what happens around the sign-ins of a pool that watches is remembered, each sign-in is judged by
//! it, and what the pool wants done about a risk is done. The rules are in `auth/risk.rs`.

use crate::Pools;
use crate::activity_log;
use crate::auth::acr::{Goal, Level};
use crate::auth::risk::{self, FAILURES, FAILURES_MS, Guard, MEMORY_MS, OWN_MAX, Origin, Past, Risk};
use crate::auth::second_factor::{self, Demand, Next};
use crate::messages::{ENGLISH, device_words};
use crate::notices::Notice;
use crate::outgoing::{shown_name, to_person};
use crate::settings::risk::Risks;
use crate::step::{At, By, Subject};
use crate::user::{User, uuid_text};
use crate::watch::Watch;
use postern_mail::address::Mailbox;
use postern_mail::{Draft, Sender};
use postern_model::cognito_idp::errors::{NotAuthorizedException, PasswordResetRequiredException};
use postern_model::cognito_idp::*;
use postern_model::{Answer, Error, Shape, refusal, refuse};
use postern_store::log_lines::LogSource;
use postern_store::threats::AuthEventRow;
use postern_store::{Keys, Purpose, Timestamp, Tx, random};
use std::net::IpAddr;

/// What somebody is told whose sign-in is too risky.
pub const BLOCKED: &str = "Unable to login because of security reasons.";

const DAY_MS: i64 = 86_400_000;
/// How long an event is kept: somebody's, and nobody's.
const KEPT_MS: i64 = 2 * 365 * DAY_MS;
const NOBODYS_KEPT_MS: i64 = 3_600_000;
/// How long the person may say by a notice whose sign-in it was.
const FEEDBACK_MS: i64 = 7 * DAY_MS;

/// The steps of an event, as `ChallengeResponses` names them.
type Steps<'a> = &'a [(&'a str, &'a str)];

/// What the audit is told of, by action and outcome, and the event that it is.
const EVENTS: [(&str, &str, EventType, EventResponseType); 15] = [
    ("SignIn", "signed in", EventType::SignIn, EventResponseType::Pass),
    ("SignIn", "refused", EventType::SignIn, EventResponseType::Fail),
    ("SignIn", "wrong code", EventType::SignIn, EventResponseType::Fail),
    ("SignIn", "wrong device proof", EventType::SignIn, EventResponseType::Fail),
    ("SignIn", "wrong passkey", EventType::SignIn, EventResponseType::Fail),
    ("SignIn", "wrong password", EventType::SignIn, EventResponseType::Fail),
    ("SignUp", "created", EventType::SignUp, EventResponseType::InProgress),
    ("SignUp", "created and confirmed", EventType::SignUp, EventResponseType::Pass),
    ("ConfirmSignUp", "confirmed", EventType::SignUp, EventResponseType::Pass),
    ("ResendConfirmationCode", "sent", EventType::ResendCode, EventResponseType::Pass),
    ("ForgotPassword", "sent", EventType::ForgotPassword, EventResponseType::InProgress),
    ("ForgotPassword", "withheld", EventType::ForgotPassword, EventResponseType::Fail),
    ("ConfirmForgotPassword", "wrong code", EventType::ForgotPassword, EventResponseType::Fail),
    ("ConfirmForgotPassword", "password set", EventType::ForgotPassword, EventResponseType::Pass),
    ("ChangePassword", "changed", EventType::PasswordChange, EventResponseType::Pass),
];

/// What is to happen to a sign-in whose first factor is proven.
pub(crate) enum Judged {
    GoesOn(Box<At>),
    Blocked(Error),
}

impl Pools {
    /// Refuses whoever comes from an address that the pool blocks, before anything is asked of them.
    pub(crate) fn is_not_blocked(&self, tx: &mut Tx<'_>, at: &At) -> Answer<()> {
        if at.pool.guard != Guard::Enforced {
            return Ok(());
        }
        match source(at) {
            Some(source) if contains(&self.risks(tx, at)?.blocked, source) => Err(blocked()),
            _ => Ok(()),
        }
    }

    /// What is done about risks at an app: what it has set, or else its pool.
    fn risks(&self, tx: &mut Tx<'_>, at: &At) -> Answer<Risks> {
        for client in [at.client.id.as_str(), ""] {
            if let Some((config, _)) = tx.risk_configuration(&at.pool.id, client)? {
                return Ok(Risks::of(read(&config)?));
            }
        }
        Ok(Risks::default())
    }

    /// Remembers what the audit is told of: an event of its own, or the end of the sign-in that is under way.
    pub(crate) fn remember_event(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        action: &str,
        outcome: &str,
    ) -> Answer<()> {
        let known = EVENTS.iter().find(|(of, with, ..)| *of == action && *with == outcome);
        let Some((_, _, kind, response)) = known.filter(|_| at.pool.guard != Guard::Off) else {
            return Ok(());
        };
        let under_way = match (&at.watch.event, kind) {
            (Some(id), EventType::SignIn) => tx.find_auth_event(&at.pool.id, id)?,
            _ => None,
        };
        let Some(mut under_way) = under_way else {
            let steps: Steps<'_> = if outcome == "wrong password" { &[("Password", "Failure")] } else { &[] };
            let event = event(tx.keys(), at, subject.user.as_ref(), *kind, *response, steps);
            tx.add_auth_event(&event)?;
            return log(tx, at, subject, &event);
        };
        let mut steps: Vec<(String, String)> =
            serde_json::from_str(&under_way.challenges).map_err(anyhow::Error::from)?;
        if at.watch.is_second {
            let went = if *response == EventResponseType::Pass { "Success" } else { "Failure" };
            steps.retain(|(name, _)| name != "Mfa");
            steps.push(("Mfa".to_owned(), went.to_owned()));
        }
        under_way.challenges = serde_json::json!(steps).to_string();
        under_way.response = response.as_str().to_owned();
        tx.go_on_with_auth_event(&under_way.id, &under_way.response, &under_way.challenges)?;
        log(tx, at, subject, &under_way)
    }

    /// Judges a right password: whether it is one that attackers know. Only one that was sent can be looked at.
    pub(crate) fn judge_password(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        user: &User,
        by: &By,
    ) -> Answer<Judged> {
        let known = match by {
            By::Password(password) if at.pool.guard != Guard::Off => {
                self.rules.known_passwords.contains(password.reveal())
            }
            _ => false,
        };
        let watch = Watch { compromised: known, ..at.watch.clone() };
        let at = At { watch, ..at.clone() };
        let is_refused = known
            && at.pool.guard == Guard::Enforced
            && self.risks(tx, &at)?.blocks_known_passwords_at(EventFilterType::SignIn);
        if !is_refused {
            return Ok(Judged::GoesOn(Box::new(at)));
        }
        let mut event = opened(tx.keys(), &at, user, &["pwd".to_owned()]);
        event.decision = RiskDecisionType::Block.as_str().to_owned();
        tx.add_auth_event(&event)?;
        self.audit(tx, &under_way(&at, event.id, None), subject, "SignIn", "refused", "by a known password")?;
        Ok(Judged::Blocked(refusal(
            PasswordResetRequiredException,
            "Password reset required for the user due to security reasons",
        )))
    }

    /// Judges a sign-in whose first factor is proven, and does what the pool wants done about its risk.
    pub(crate) fn judge_sign_in(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        user: &User,
        amr: &[String],
    ) -> Answer<Judged> {
        let is_by = |name: &str| amr.iter().any(|way| way == name);
        let guard = if is_by("custom") { at.pool.guard_of_custom } else { at.pool.guard };
        if guard == Guard::Off || is_by("fed") {
            return Ok(Judged::GoesOn(Box::new(at.clone())));
        }
        let risks = self.risks(tx, at)?;
        let risk = self.risk(tx, at, user, &risks)?;
        let is_blocked = source(at).is_some_and(|source| contains(&risks.blocked, source));
        let wanted = match guard {
            Guard::Enforced if is_blocked => Some((AccountTakeoverEventActionType::Block, false)),
            Guard::Enforced => risk.and_then(|risk| action(&risks, risk)),
            Guard::Audit | Guard::Off => None,
        };
        let (mut action, notify) = wanted.unwrap_or((AccountTakeoverEventActionType::NoAction, false));
        let goal = match action {
            AccountTakeoverEventActionType::MfaIfConfigured => {
                Some(Goal { level: Level::Three, voluntary: true })
            }
            AccountTakeoverEventActionType::MfaRequired => {
                Some(Goal { level: Level::Three, voluntary: false })
            }
            _ => None,
        };
        if let Some(goal) = goal.filter(|goal| !goal.voluntary) {
            let demand = Demand { goal: Some(goal), ..at.pool.second.clone() };
            let held = self.second_factors(tx, user)?.held(user);
            if second_factor::next(&demand, &held, amr) == Next::Nothing {
                action = AccountTakeoverEventActionType::Block;
            }
        }
        let is_blocked = action == AccountTakeoverEventActionType::Block;
        let mut event = opened(tx.keys(), at, user, amr);
        event.level = risk.map(|risk| risk.as_str().to_owned()).unwrap_or_default();
        event.decision = match action {
            AccountTakeoverEventActionType::Block => RiskDecisionType::Block,
            AccountTakeoverEventActionType::NoAction => RiskDecisionType::NoRisk,
            _ => RiskDecisionType::AccountTakeover,
        }
        .as_str()
        .to_owned();
        tx.add_auth_event(&event)?;
        if notify {
            self.tell_of_sign_in(tx, at, user, &event, &risks, action)?;
        }
        let at = under_way(at, event.id, goal);
        if is_blocked {
            self.audit(tx, &at, subject, "SignIn", "refused", "too risky")?;
            return Ok(Judged::Blocked(blocked()));
        }
        Ok(Judged::GoesOn(Box::new(at)))
    }

    /// How risky a sign-in is. An address that is always let in is not looked at.
    fn risk(&self, tx: &mut Tx<'_>, at: &At, user: &User, risks: &Risks) -> Answer<Option<Risk>> {
        if source(at).is_some_and(|source| contains(&risks.skipped, source)) {
            return Ok(None);
        }
        let origin = Origin { source: source(at), device: device(tx.keys(), at, user) };
        let (pool, since) = (&at.pool.id, |ms: i64| id_from(at.now.minus_ms(ms)));
        let mut before = tx.telling_sign_ins(pool, &user.id, &since(MEMORY_MS), OWN_MAX)?;
        before.extend(tx.failed_sign_ins(pool, &user.id, &since(FAILURES_MS), FAILURES as i64)?);
        let before: Vec<Past> = before.iter().map(past).collect();
        Ok(risk::judge(&origin, self.recognises(tx, at, user)?, &before, at.now))
    }

    /// Tells a person by mail of a sign-in that was risky. That the mail service refuses the mail is kept in the audit and
    /// stops nothing.
    fn tell_of_sign_in(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: &User,
        event: &AuthEventRow,
        risks: &Risks,
        action: AccountTakeoverEventActionType,
    ) -> Answer<()> {
        let takeover = risks.config.account_takeover_risk_configuration.as_ref();
        let Some(notify) = takeover.and_then(|takeover| takeover.notify_configuration.as_ref()) else {
            return Ok(());
        };
        let Some(to) = user.email().filter(|_| user.is_verified("email")) else { return Ok(()) };
        let identity = notify.source_arn.rsplit_once('/').map_or("", |(_, name)| name);
        let Ok(from) = Mailbox::parse(notify.from.as_deref().unwrap_or(identity)) else { return Ok(()) };
        let own = match action {
            AccountTakeoverEventActionType::Block => &notify.block_email,
            AccountTakeoverEventActionType::NoAction => &notify.no_action_email,
            _ => &notify.mfa_email,
        };
        let words = Notice {
            app: at.app_name(),
            username: shown_name(&at.pool, user),
            is_blocked: action == AccountTakeoverEventActionType::Block,
            source: &event.source,
            device: &event.device,
            login_ms: at.now.ms(),
            event_id: &event.id,
            feedback_token: &feedback_token(tx.keys(), &at.pool.id, &event.id),
        }
        .written(own.as_ref());
        let message = to_person(from, to, notify.reply_to.as_deref(), words, ENGLISH.lang);
        let mut draft = Draft::new(message, "Risky sign-in");
        draft.source_arn = Some(notify.source_arn.clone());
        draft.handover = self.custom_notice(at, user)?;
        draft.expires = Some(at.now.plus_ms(DAY_MS));
        draft.pool_id = Some(at.pool.id.clone());
        draft.user_id = Some(user.id.clone());
        let sender = Sender::Pool { pool_id: &at.pool.id, pool_arn: &at.pool.arn };
        if let Err(unsent) = self.mail.send(tx, &sender, &draft, at.now) {
            self.note_untold(tx, at, user, "refused", &unsent.words())?;
        }
        Ok(())
    }
}

/// Writes an event to the pool's log, where it has one.
fn log(tx: &mut Tx<'_>, at: &At, subject: &Subject, event: &AuthEventRow) -> Answer<()> {
    let name = subject.user.as_ref().map_or("", |user| user.username.as_str());
    let line = activity_log::line(event, name, &at.caller.request_id, at.now);
    Ok(tx.add_log_line(&at.pool.id, LogSource::UserAuthEvents, &line, at.now)?)
}

fn blocked() -> Error {
    refusal(NotAuthorizedException, BLOCKED)
}

/// Reads a configuration as it is kept.
pub(crate) fn read(config: &str) -> Answer<RiskConfigurationType> {
    let document = serde_json::from_str(config).map_err(anyhow::Error::from)?;
    RiskConfigurationType::read(&document).map_err(|mismatch| Error::Failed(mismatch.into()))
}

/// What lets the person a notice went to say whose sign-in it was.
pub(crate) fn feedback_token(keys: &Keys, pool_id: &str, event_id: &str) -> String {
    hex::encode(keys.mac(Purpose::Handle, &feedback_parts(pool_id, event_id)))
}

/// Refuses a token of another event, of none, or one that came too late. The event's id tells its moment.
pub(crate) fn prove_feedback_token(
    keys: &Keys,
    pool_id: &str,
    event_id: &str,
    token: &str,
    now: Timestamp,
) -> Answer<()> {
    let is_its = hex::decode(token)
        .is_ok_and(|mac| keys.mac_matches(Purpose::Handle, &feedback_parts(pool_id, event_id), &mac));
    let is_late = event_id < id_from(now.minus_ms(FEEDBACK_MS)).as_str();
    if is_its && !is_late { Ok(()) } else { refuse(NotAuthorizedException, "Invalid feedback token.") }
}

/// The least id of an event at a moment or later.
fn id_from(at: Timestamp) -> String {
    let mut id = [0; 16];
    id[..6].copy_from_slice(&at.ms().to_be_bytes()[2..]);
    uuid_text(id)
}

fn feedback_parts<'a>(pool_id: &'a str, event_id: &'a str) -> [&'a [u8]; 3] {
    [b"event feedback", pool_id.as_bytes(), event_id.as_bytes()]
}

/// The address that the person is at.
fn source(at: &At) -> Option<IpAddr> {
    let told = &at.watch.told;
    told.source.or(at.caller.source.filter(|_| !told.by_server)).map(|source| source.to_canonical())
}

fn contains(ranges: &[postern_mail::transport::Network], source: IpAddr) -> bool {
    ranges.iter().any(|range| range.contains(source))
}

/// The browser and system of the person, in known words.
fn device_name(at: &At) -> String {
    let told = &at.watch.told;
    let own = if told.by_server { "" } else { at.caller.user_agent.as_str() };
    device_words(told.user_agent.as_deref().unwrap_or(own))
}

/// What a device of a user is known by: the id that the app keeps on it, or else its kind.
fn device(keys: &Keys, at: &At, user: &User) -> Option<String> {
    let name = device_name(at);
    let known = at.watch.told.device.clone().or_else(|| (!name.is_empty()).then_some(name))?;
    let parts: [&[u8]; 4] = [b"device", at.pool.id.as_bytes(), user.id.as_bytes(), known.as_bytes()];
    Some(hex::encode(keys.mac(Purpose::Handle, &parts)))
}

fn event(
    keys: &Keys,
    at: &At,
    user: Option<&User>,
    kind: EventType,
    response: EventResponseType,
    steps: Steps<'_>,
) -> AuthEventRow {
    AuthEventRow {
        id: uuid_text(random::ordered(at.now)),
        pool_id: at.pool.id.clone(),
        user_id: user.map(|user| user.id.clone()).unwrap_or_default(),
        client_id: at.client.id.clone(),
        kind: kind.as_str().to_owned(),
        response: response.as_str().to_owned(),
        source: source(at).map(|source| source.to_string()).unwrap_or_default(),
        device: device_name(at),
        device_mac: user.and_then(|user| device(keys, at, user)).unwrap_or_default(),
        timezone: at.watch.told.timezone.clone().unwrap_or_default(),
        level: String::new(),
        decision: RiskDecisionType::NoRisk.as_str().to_owned(),
        compromised: at.watch.compromised,
        challenges: serde_json::json!(steps).to_string(),
        feedback: String::new(),
        feedback_by: String::new(),
        feedback_at: Timestamp::default(),
        created: at.now,
        expires: at.now.plus_ms(if user.is_some() { KEPT_MS } else { NOBODYS_KEPT_MS }),
    }
}

/// The event of a sign-in whose first factor is proven.
fn opened(keys: &Keys, at: &At, user: &User, amr: &[String]) -> AuthEventRow {
    let steps: Steps<'_> = if amr.iter().any(|way| way == "pwd") { &[("Password", "Success")] } else { &[] };
    event(keys, at, Some(user), EventType::SignIn, EventResponseType::InProgress, steps)
}

/// The sign-in with its event, and with what it is to reach.
fn under_way(at: &At, event: String, goal: Option<Goal>) -> At {
    let watch = Watch { event: Some(event), goal: goal.or(at.watch.goal), ..at.watch.clone() };
    At { watch, ..at.clone() }
}

fn past(event: &AuthEventRow) -> Past {
    let device = (!event.device_mac.is_empty()).then(|| event.device_mac.clone());
    Past {
        origin: Origin { source: event.source.parse().ok(), device },
        at: event.created,
        passed: match event.response.as_str() {
            "Pass" => Some(true),
            "Fail" => Some(false),
            _ => None,
        },
        owned: match event.feedback.as_str() {
            "Valid" => Some(true),
            "Invalid" => Some(false),
            _ => None,
        },
    }
}

/// What is to be done about a risk, and whether the person is told.
fn action(risks: &Risks, risk: Risk) -> Option<(AccountTakeoverEventActionType, bool)> {
    let actions = &risks.config.account_takeover_risk_configuration.as_ref()?.actions;
    let action = match risk {
        Risk::Low => &actions.low_action,
        Risk::Medium => &actions.medium_action,
        Risk::High => &actions.high_action,
    };
    action.as_ref().map(|action| (action.event_action, action.notify))
}
