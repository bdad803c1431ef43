//! Opening a page: what a flow says, put into the page's struct. Nothing here changes anything or sends a mail.

mod forgot;
mod second_factor;

use super::authorize;
use super::back::{Away, page_before};
use super::code::FEW_TRIES;
use super::flow::{Fault, Flow, Notice, Page, csrf};
use super::passkey::takes_passkeys;
use super::press::{gone, redirect};
use super::problem::dressed;
use super::typed::CODE;
use super::visit::Visit;
use super::{problem, sign_up, typed};
use crate::pages::login::{
    CheckCode, Choose, CodeError, CodeKind, CodeNotice, Factor, Field, FieldError, Identify, NameError,
    NewPassword, NewPasswordError, Password, PasswordError, PasswordField, PasswordRule, ProviderLink,
    SignUp, SignUpError, Unsent,
};
use crate::pages::problem::Trouble;
use crate::pages::{Form, Frame, Page as _};
use axum::http::StatusCode;
use axum::response::Response;
use postern_model::Answer;
use postern_pools::account_codes::AccountCode;
use postern_pools::auth::challenge::{Handle, Standing, standing};
use postern_pools::auth::factors;
use postern_pools::auth::password::Policy;
use postern_pools::limits::{SEND_PAUSE_MS, SENDS_MAX};
use postern_pools::oauth::pairs::query;
use postern_pools::sign_in::code_life_ms;
use postern_pools::terms;
use postern_store::auth::ChallengeRow;

const MINUTE_MS: i64 = 60_000;

pub async fn identify(visit: Visit) -> Response {
    begin_or_open(visit, Page::Identify).await
}

pub async fn sign_up(visit: Visit) -> Response {
    begin_or_open(visit, Page::SignUp).await
}

pub async fn code(visit: Visit) -> Response {
    open(visit, Page::Code).await
}

pub async fn choose(visit: Visit) -> Response {
    open(visit, Page::Choose).await
}

pub async fn password(visit: Visit) -> Response {
    open(visit, Page::Password).await
}

pub async fn passkey(visit: Visit) -> Response {
    open(visit, Page::Passkey).await
}

pub async fn new_password(visit: Visit) -> Response {
    open(visit, Page::NewPassword).await
}

pub async fn forgot(visit: Visit) -> Response {
    begin_or_open(visit, Page::Forgot).await
}

pub async fn reset(visit: Visit) -> Response {
    begin_or_open(visit, Page::Reset).await
}

pub async fn confirm(visit: Visit) -> Response {
    begin_or_open(visit, Page::Confirm).await
}

pub async fn authenticator(visit: Visit) -> Response {
    open(visit, Page::Authenticator).await
}

pub async fn second(visit: Visit) -> Response {
    open(visit, Page::ChooseSecond).await
}

pub async fn set_up(visit: Visit) -> Response {
    open(visit, Page::SetUp).await
}

/// Opens a page, or begins there by the parameters of an authorization request.
async fn begin_or_open(visit: Visit, page: Page) -> Response {
    if visit.query.has("flow") || !visit.query.has("client_id") {
        return open(visit, page).await;
    }
    let first = match page {
        // A code is not asked for before one was sent.
        Page::Confirm | Page::Reset => Page::Identify,
        page => page,
    };
    authorize::begin(visit, first).await
}

/// What a page shows something of.
struct Found {
    flow: Flow,
    /// The challenge that waits.
    challenge: Option<ChallengeRow>,
    /// The seed that waits for an authenticator.
    seed: Option<String>,
    /// The outside providers on offer.
    providers: Vec<String>,
    takes_passkeys: bool,
}

async fn open(visit: Visit, page: Page) -> Response {
    let looking = visit.clone();
    let found: Answer<Option<Found>> = visit
        .app
        .store
        .read(move |tx| {
            let id = looking.query.first("flow").unwrap_or_default();
            let browser = looking.cookies.browser();
            let Some(flow) = Flow::find(tx, &looking.app.pools, &looking.caller, id, browser)? else {
                return Ok(None);
            };
            let challenge = match flow.session(tx.keys()) {
                Some(session) => {
                    let macs = Handle::macs(tx.keys(), &session);
                    tx.find_challenge(&macs)?
                }
                None => None,
            };
            let seed = match &challenge {
                Some(challenge)
                    if page == Page::SetUp && standing(challenge, flow.at.now) == Standing::Live =>
                {
                    looking.app.pools.waiting_seed(tx, challenge, flow.at.now)?
                }
                _ => None,
            };
            let providers = match page {
                Page::Identify if flow.at.client.providers().next().is_some() => {
                    let mut known = tx.provider_names(&flow.at.pool.id)?;
                    known.retain(|name| flow.at.client.supports(Some(name)));
                    known
                }
                _ => Vec::new(),
            };
            let takes_passkeys = matches!(page, Page::Identify | Page::SignUp)
                && takes_passkeys(tx, &looking.app.pools, &flow)?;
            Ok(Some(Found { flow, challenge, seed, providers, takes_passkeys }))
        })
        .await;
    let Found { flow, challenge, seed, providers, takes_passkeys } = match found {
        Ok(Some(found)) => found,
        Ok(None) if visit.query.has("flow") && visit.cookies.is_empty() => {
            return cookies_blocked(&visit).await;
        }
        Ok(None) => return gone(&visit),
        Err(cause) => return problem::failed(&visit, &cause),
    };
    if flow.state.done {
        return Away::of_flow(&flow, flow.state.request.href(true)).response(&visit);
    }
    if flow.is_expired {
        let trouble = Trouble::Expired { back_href: Some(flow.state.request.href(false)) };
        return problem::page_of(&visit, &flow.at, trouble);
    }
    if flow.state.fault == Some((page, Fault::Blocked)) {
        let trouble = Trouble::Blocked { back_href: flow.state.request.href(false) };
        return problem::page_of(&visit, &flow.at, trouble);
    }
    let another_name = page == Page::Identify && visit.query.has("other");
    if !another_name && !flow.fits(page) {
        return redirect(StatusCode::SEE_OTHER, &flow.stands_href());
    }
    let view = View { visit: &visit, page, flow: &flow, challenge: challenge.as_ref(), takes_passkeys };
    let html = match page {
        Page::Identify => view.identify(another_name, &providers).render(),
        Page::Code => view.code().render(),
        Page::Choose => view.choose().render(),
        Page::Password => view.password().render(),
        Page::Passkey => view.passkey().render(),
        Page::NewPassword => view.new_password().render(),
        Page::SignUp => view.sign_up().render(),
        Page::Confirm => view.confirm().render(),
        Page::Forgot => view.forgot().render(),
        Page::Reset => view.reset().render(),
        Page::Authenticator => view.authenticator().render(),
        Page::ChooseSecond => view.choose_second().render(),
        Page::SetUp => view.set_up(seed.as_deref()).render(),
        // Only a flow that is done is there.
        Page::AddPasskey => return redirect(StatusCode::SEE_OTHER, &flow.href(flow.state.page)),
    };
    visit.keep_language(page_before(&flow.state.request.redirect_uri, html))
}

/// A browser that brings no cookie at all. Where its flow was just begun, it keeps none, and may try the same once more;
/// otherwise it had one before.
async fn cookies_blocked(visit: &Visit) -> Response {
    let looking = visit.clone();
    let begun = visit.app.store.read(move |tx| {
        let id = looking.query.first("flow").unwrap_or_default();
        Flow::find_in_any_browser(tx, &looking.app.pools, &looking.caller, id)
    });
    match begun.await {
        Ok(Some(flow)) if flow.is_untouched() => {
            let trouble = Trouble::CookiesBlocked { retry_href: Some(flow.begin_href()) };
            problem::page_of(visit, &flow.at, trouble)
        }
        Ok(_) => gone(visit),
        Err(cause) => problem::failed(visit, &cause),
    }
}

/// A flow on its way onto a page.
pub(super) struct View<'a> {
    pub(super) visit: &'a Visit,
    pub(super) page: Page,
    pub(super) flow: &'a Flow,
    /// The challenge that waits, as it stands.
    pub(super) challenge: Option<&'a ChallengeRow>,
    pub(super) takes_passkeys: bool,
}

impl View<'_> {
    pub(super) fn frame(&self) -> Frame {
        let frame = dressed(self.visit, &self.flow.at);
        let not_now = frame.words.not_now;
        let said = self.flow.state.said.as_ref().filter(|(page, _)| *page == self.page);
        let said = said.map(|(_, said)| if said.is_empty() { not_now.to_owned() } else { said.clone() });
        Frame { said, ..frame }
    }

    pub(super) fn form(&self) -> Form {
        let browser = self.visit.cookies.browser().unwrap_or_default();
        let csrf = csrf(self.visit.app.store.keys(), browser, &self.flow.id);
        Form { flow: self.flow.id.clone(), csrf }
    }

    pub(super) fn different_href(&self) -> String {
        self.flow.different_href()
    }

    pub(super) fn other_way_href(&self) -> Option<String> {
        self.flow.fits(Page::Choose).then(|| self.flow.href(Page::Choose))
    }

    fn minutes(&self, until_ms: i64) -> u64 {
        self.flow.seconds_until(until_ms).div_ceil(60).max(1)
    }

    fn identify(&self, another_name: bool, providers: &[String]) -> Identify {
        let state = &self.flow.state;
        let fault = state.fault_on(Page::Identify).filter(|_| !another_name);
        Identify {
            frame: self.frame(),
            form: self.form(),
            kind: typed::name_kind(&self.flow.at.pool),
            value: if another_name { String::new() } else { state.name.clone() },
            error: fault.map(|fault| self.name_error(fault)),
            takes_names: self.flow.at.client.supports(None),
            providers: providers
                .iter()
                .map(|name| ProviderLink {
                    name: known_as(name).to_owned(),
                    href: format!(
                        "/login/provider?{}",
                        query(&[("flow", self.flow.id.as_str()), ("provider", name)])
                    ),
                })
                .collect(),
            sign_up_href: self.flow.may_sign_up().then(|| self.flow.href(Page::SignUp)),
            passkey_options_href: self.passkey_options_href(),
        }
    }

    fn name_error(&self, fault: Fault) -> NameError {
        match fault {
            Fault::NotAnAddress => NameError::NotAnAddress,
            Fault::NotAPhone => NameError::NotAPhone,
            Fault::Empty => NameError::Empty,
            Fault::Wrong => NameError::Passkey,
            Fault::Expired => NameError::TookTooLong,
            other => NameError::Unsent(self.unsent(other)),
        }
    }

    /// Why no code was sent.
    fn unsent(&self, fault: Fault) -> Unsent {
        let pause_s = SEND_PAUSE_MS.unsigned_abs() / 1000;
        match fault {
            Fault::TooMany { until_ms } => match self.flow.seconds_until(until_ms) {
                wait_s @ 1.. if wait_s <= pause_s => Unsent::TooSoon { ago_s: pause_s - wait_s, wait_s },
                _ => Unsent::TooMany { minutes: self.minutes(until_ms) },
            },
            Fault::SendFailed => Unsent::Mail,
            Fault::TextFailed => Unsent::Text,
            _ => Unsent::Refused,
        }
    }

    /// What is wrong with a code.
    fn about_code(&self, fault: Fault) -> CodeError {
        match fault {
            Fault::Empty => CodeError::Empty,
            Fault::Wrong => CodeError::Wrong,
            Fault::WrongLeft { tries } => CodeError::WrongLeft { tries },
            Fault::Expired => CodeError::Expired,
            Fault::Spent => CodeError::Spent,
            Fault::Used => CodeError::Used,
            Fault::Taken => CodeError::Taken,
            Fault::TooMany { until_ms } => CodeError::TooMany { minutes: self.minutes(until_ms) },
            Fault::SendFailed | Fault::TextFailed => CodeError::SendFailed,
            _ => CodeError::Refused,
        }
    }

    /// What is wrong with a code about an account, or with sending one. That one was asked for too soon is no fault.
    fn account_code_error(&self, page: Page) -> Option<CodeError> {
        let state = &self.flow.state;
        let sending = state.fault_on(page).filter(|fault| !matches!(fault, Fault::TooMany { .. }));
        state.field_faults.get(CODE).copied().or(sending).map(|fault| self.about_code(fault))
    }

    fn code(&self) -> CheckCode {
        let state = &self.flow.state;
        let now = self.flow.at.now;
        let (standing, left, sends, sent_ms, expires_ms) = match self.challenge {
            Some(row) => {
                let left = u64::try_from(row.attempts_max - row.attempts).unwrap_or_default();
                (standing(row, now), left, row.sends, row.sent.ms(), row.expires.ms())
            }
            None => (Standing::Expired, 0, 0, 0, 0),
        };
        let error = match (standing, state.fault_on(Page::Code)) {
            (Standing::Expired, _) | (_, Some(Fault::Expired)) => Some(CodeError::Expired),
            (Standing::Exhausted, _) => Some(CodeError::Spent),
            (Standing::Used, _) => Some(CodeError::Used),
            (Standing::Live, Some(Fault::Wrong)) if left <= FEW_TRIES => {
                Some(CodeError::WrongLeft { tries: left })
            }
            (Standing::Live, Some(Fault::TooMany { .. }) | None) => None,
            (Standing::Live, Some(fault)) => Some(self.about_code(fault)),
        };
        let is_live = standing == Standing::Live;
        let sent = u64::try_from(sends).unwrap_or_default();
        let wait_s = self.flow.seconds_until(sent_ms + SEND_PAUSE_MS);
        let none_left = Some(CodeNotice::NoneLeft { sent, wait_minutes: self.minutes(expires_ms) });
        let notice = match (state.notice, state.fault_on(Page::Code)) {
            (_, Some(Fault::TooMany { until_ms })) => self.refused_send(until_ms, sent),
            _ if !is_live => None,
            (Some(Notice::Sent), _) => Some(CodeNotice::Sent),
            (Some(Notice::TooSoon), _) => self.too_soon(wait_s),
            (Some(Notice::NoneLeft), _) => none_left,
            (None, _) => None,
        };
        CheckCode {
            frame: self.frame(),
            form: self.form(),
            kind: CodeKind::SignIn,
            destination: state.destination.clone(),
            name: state.name.clone(),
            different_href: self.different_href(),
            minutes: minutes(code_life_ms(&self.flow.at.client)),
            left_s: if is_live { self.flow.seconds_until(expires_ms) } else { 0 },
            error,
            notice,
            resend_wait_s: if is_live { wait_s } else { 0 },
            may_resend: !is_live || sends < SENDS_MAX || state.notice != Some(Notice::NoneLeft),
            other_way_href: match state.second_asked() {
                Some(_) => self.other_second_href(),
                None => self.other_way_href(),
            },
            from: self.from(),
        }
    }

    fn too_soon(&self, wait_s: u64) -> Option<CodeNotice> {
        let pause_s = SEND_PAUSE_MS.unsigned_abs() / 1000;
        (wait_s > 0).then(|| CodeNotice::TooSoon { ago_s: pause_s.saturating_sub(wait_s), wait_s })
    }

    /// The pace at which an address gets codes was passed, perhaps from another browser.
    fn refused_send(&self, until_ms: i64, sent: u64) -> Option<CodeNotice> {
        let wait_s = self.flow.seconds_until(until_ms);
        if wait_s * 1000 <= SEND_PAUSE_MS.unsigned_abs() {
            return self.too_soon(wait_s);
        }
        Some(CodeNotice::NoneLeft { sent: sent.max(1), wait_minutes: wait_s.div_ceil(60) })
    }

    fn confirm(&self) -> CheckCode {
        let state = &self.flow.state;
        let fault = state.fault_on(Page::Confirm);
        let wait_s = self.flow.seconds_until(state.sent_ms + SEND_PAUSE_MS);
        CheckCode {
            frame: self.frame(),
            form: self.form(),
            kind: if self.flow.waits_for_link() { CodeKind::ConfirmByLink } else { CodeKind::ConfirmSignUp },
            destination: state.destination.clone(),
            name: state.name.clone(),
            different_href: self.different_href(),
            minutes: minutes(AccountCode::SignUp.life_ms()),
            left_s: 0,
            error: self.account_code_error(Page::Confirm),
            notice: match (state.notice, fault) {
                (_, Some(Fault::TooMany { until_ms })) => self.refused_send(until_ms, 1),
                (Some(Notice::Sent), _) => Some(CodeNotice::Sent),
                (Some(Notice::TooSoon), _) => self.too_soon(wait_s),
                (Some(Notice::NoneLeft) | None, _) => None,
            },
            resend_wait_s: wait_s,
            may_resend: true,
            other_way_href: None,
            from: self.from(),
        }
    }

    fn choose(&self) -> Choose {
        let state = &self.flow.state;
        // Only where a code went before is it known, masked, to where the next one goes.
        let known = |is_text: bool| {
            let destination = &state.destination;
            if destination.starts_with('+') == is_text { destination.clone() } else { String::new() }
        };
        let offered = state.offered.iter().filter_map(|name| factors::Factor::parse(name));
        Choose {
            frame: self.frame(),
            form: self.form(),
            name: state.name.clone(),
            different_href: self.different_href(),
            factors: offered
                .map(|factor| match factor {
                    factors::Factor::EmailOtp => Factor::EmailCode { destination: known(false) },
                    factors::Factor::SmsOtp => Factor::TextCode { destination: known(true) },
                    factors::Factor::Password | factors::Factor::PasswordSrp => Factor::Password,
                    factors::Factor::WebAuthn => Factor::Passkey,
                })
                .collect(),
            error: state.fault_on(Page::Choose).map(|fault| self.unsent(fault)),
            back_href: self.flow.fits(Page::Code).then(|| self.flow.href(Page::Code)),
        }
    }

    fn password(&self) -> Password {
        let state = &self.flow.state;
        let email_instead = state.offers(factors::Factor::EmailOtp);
        Password {
            frame: self.frame(),
            form: self.form(),
            name: state.name.clone(),
            different_href: self.different_href(),
            error: state.fault_on(Page::Password).map(|fault| match fault {
                Fault::Empty => PasswordError::Empty,
                Fault::Expired => PasswordError::TookTooLong,
                Fault::TooMany { until_ms } => {
                    PasswordError::TooMany { minutes: self.minutes(until_ms), email_instead }
                }
                _ => PasswordError::Wrong,
            }),
            forgot_href: self.flow.may_recover().then(|| self.flow.href(Page::Forgot)),
            other_way_href: self.other_way_href(),
        }
    }

    fn new_password(&self) -> NewPassword {
        let state = &self.flow.state;
        NewPassword {
            frame: self.frame(),
            form: self.form(),
            name: state.name.clone(),
            different_href: self.different_href(),
            fields: state.missing.iter().map(|name| self.field(name)).collect(),
            password: PasswordField {
                rules: rules(self.flow.at.pool.password_policy),
                error: self.wanted_password_fault(Page::NewPassword),
            },
        }
    }

    fn sign_up(&self) -> SignUp {
        let state = &self.flow.state;
        let needs_password = sign_up::needs_password(self.flow);
        let shows_password = needs_password || state.with_password || self.visit.query.has("password");
        let error = match state.fault_on(Page::SignUp) {
            Some(fault) if fault.is_unsent() => Some(SignUpError::Unsent(self.unsent(fault))),
            None | Some(Fault::Empty | Fault::RulesUnmet | Fault::Reused) => None,
            Some(_) => Some(SignUpError::Refused),
        };
        SignUp {
            frame: self.frame(),
            form: self.form(),
            fields: sign_up::fields(self.flow).iter().map(|name| self.field_known(name)).collect(),
            password: shows_password.then(|| PasswordField {
                rules: rules(self.flow.at.pool.password_policy),
                error: self.wanted_password_fault(Page::SignUp),
            }),
            use_password_href: (!shows_password)
                .then(|| format!("{}&password=1", self.flow.href(Page::SignUp))),
            terms: self.terms(),
            error,
            sign_in_href: self.different_href(),
            asks_for_passkeys: self.takes_passkeys,
        }
    }

    /// Where the app's documents are, for who reads this language.
    fn terms(&self) -> Option<(String, String)> {
        let terms = self.flow.at.client.terms.as_ref()?;
        let language = self.visit.language().cognito_name();
        let of = |links| terms::link(links, language).map(str::to_owned);
        of(&terms.terms_of_use).zip(of(&terms.privacy_policy))
    }

    fn field(&self, name: &str) -> Field {
        let state = &self.flow.state;
        Field {
            attribute: name.to_owned(),
            value: state.fields.get(name).cloned().unwrap_or_default(),
            error: state.field_faults.get(name).map(|fault| match fault {
                Fault::Empty => FieldError::Empty,
                _ => FieldError::Wrong,
            }),
        }
    }

    /// A field that begins with what is known.
    fn field_known(&self, name: &str) -> Field {
        let field = self.field(name);
        match self.flow.state.fields.contains_key(name) {
            true => field,
            false => Field { value: sign_up::known(self.flow, name), ..field },
        }
    }

    fn wanted_password_fault(&self, page: Page) -> Option<NewPasswordError> {
        match self.flow.state.fault_on(page)? {
            Fault::Empty => Some(NewPasswordError::Empty),
            Fault::RulesUnmet => Some(NewPasswordError::RulesUnmet),
            Fault::Reused => Some(NewPasswordError::Reused),
            _ => None,
        }
    }

    /// The address that the pool's mails come from.
    fn from(&self) -> Option<String> {
        match self.flow.at.pool.sender.own_address() {
            Some(own) => own.mailbox().map(|mailbox| mailbox.address.spelling()),
            None => Some(self.visit.app.mail.settings().default_sender.address.spelling()),
        }
    }
}

fn minutes(life_ms: i64) -> u64 {
    u64::try_from(life_ms / MINUTE_MS).unwrap_or_default()
}

/// What people know a provider by.
fn known_as(name: &str) -> &str {
    match name {
        "LoginWithAmazon" => "Amazon",
        "SignInWithApple" => "Apple",
        other => other,
    }
}

fn rules(policy: Policy) -> Vec<PasswordRule> {
    let mut rules = vec![PasswordRule::Length(policy.length_min as u64)];
    rules.extend(policy.uppercase.then_some(PasswordRule::Uppercase));
    rules.extend(policy.lowercase.then_some(PasswordRule::Lowercase));
    rules.extend(policy.numbers.then_some(PasswordRule::Number));
    rules.extend(policy.symbols.then_some(PasswordRule::Symbol));
    rules
}
