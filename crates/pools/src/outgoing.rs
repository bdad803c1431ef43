//! Messages on their way out: how often they may go (rules S1 to S4), what they are made of, and what it means to the
//! person when the mail service refuses one. Also the audit's words about sign-in.

use crate::Pools;
use crate::destination::{Destination, Medium};
use crate::functions::message::Chosen;
use crate::limits::Sends;
use crate::messages::{ENGLISH, Facts, Occasion, Template, Words, render, text_message};
use crate::names::NameKind;
use crate::pool::{Pool, Sender};
use crate::settings::sms;
use crate::step::{At, Subject};
use crate::user::User;
use postern_mail::address::{Address, Mailbox};
use postern_mail::message::Message;
use postern_mail::text::{Text, TextKind};
use postern_mail::texting::{TextDraft, TextRole};
use postern_mail::{Draft, Sender as OnBehalf, Unsent, log_undelivered};
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, Error, refusal, refuse};
use postern_store::audit::AuditRecord;
use postern_store::users::UserName;
use postern_store::{Timestamp, Tx, random};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A message about an account.
pub struct Letter<'a> {
    pub occasion: Occasion,
    pub to: &'a Destination,
    /// The code, the temporary password, or the link that the message carries.
    pub code: Option<&'a str>,
    pub user: Option<&'a User>,
    pub not_after: Timestamp,
    /// Costs the same and is never sent.
    pub decoy: bool,
}

impl Letter<'_> {
    /// Tells whether the message confirms a sign-up by a link: text messages keep their codes.
    pub fn carries_link(&self, pool: &Pool) -> bool {
        self.occasion.confirms() && self.to.medium == Medium::Email && pool.confirms_by_link()
    }
}

const MINUTE_MS: i64 = 60_000;
/// Rows over which a shared count is spread.
const SHARDS: i64 = 16;
const SHARED_WINDOW_MS: i64 = 10 * MINUTE_MS;
const BEGINS_WINDOW_MS: i64 = 10 * MINUTE_MS;
/// The last digits that a range of numbers leaves open.
const RANGE_DIGITS: usize = 4;
/// One text in so many must be used, or the breaker stops them.
const TEXTS_USED: i64 = 5;

impl Pools {
    /// Accepts a message for sending, in the caller's unit of work.
    pub fn send(&self, tx: &mut Tx<'_>, at: &At, letter: Letter<'_>) -> Answer<()> {
        let sent = match letter.to.medium {
            Medium::Email => self.send_mail(tx, at, letter),
            Medium::Sms => self.send_text(tx, at, letter),
        };
        sent.map_err(|error| error.unsent(&at.pool.id))
    }

    fn send_text(&self, tx: &mut Tx<'_>, at: &At, letter: Letter<'_>) -> Answer<()> {
        let pool = &at.pool;
        let handover = self.custom_sender(tx, at, &letter)?;
        let chosen = match &handover {
            // The words are the function's that sends it.
            Some(_) => Chosen::default(),
            None => self.custom_message(tx, at, &letter)?,
        };
        let template = chosen.sms.as_deref().or(pool.text_template(letter.occasion));
        let draft = TextDraft {
            text: Text {
                to: letter.to.address.clone(),
                text: text_message(letter.occasion, template, letter.code, &spoken_name(pool, &letter)),
                sender_id: None,
                kind: TextKind::Transactional,
            },
            purpose: letter.occasion.title().to_owned(),
            expires: Some(letter.not_after),
            urgent: letter.occasion.is_awaited(),
            pool_id: Some(pool.id.clone()),
            user_id: letter.user.map(|user| user.id.clone()),
            code: letter.code.filter(|_| !letter.occasion.undoes()).map(str::to_owned),
            facts: told_of(at, &letter),
            decoy: letter.decoy,
            price_max: None,
            handover,
        };
        if draft.handover.is_some() {
            return self.mail.hand_text_over(tx, &draft, at.now).map(drop).map_err(sms::refused);
        }
        let Some(texting) = &pool.texting else {
            return refuse(CodeDeliveryFailureException, sms::NOT_SET_UP);
        };
        let role = TextRole {
            pool_id: &pool.id,
            pool_arn: &pool.arn,
            role_arn: &texting.role_arn,
            external_id: texting.external_id.as_deref(),
        };
        self.mail.send_text(tx, &role, &draft, at.now).map(drop).map_err(|untexted| {
            tracing::warn!(pool = pool.id, request_id = at.caller.request_id, "a text message was refused");
            sms::refused(untexted)
        })
    }

    fn send_mail(&self, tx: &mut Tx<'_>, at: &At, letter: Letter<'_>) -> Answer<()> {
        let handover = self.custom_sender(tx, at, &letter)?;
        let chosen = match &handover {
            // The words are the function's that sends it.
            Some(_) => Chosen::default(),
            None => self.custom_message(tx, at, &letter)?,
        };
        let link = self.confirm_link(tx, at, &letter)?;
        let mut draft = self.draft(at, &letter, link.as_deref(), chosen)?;
        draft.handover = handover;
        let sender = match &at.pool.sender {
            Sender::Default { .. } | Sender::Lent(_) => OnBehalf::Default { pool_arn: &at.pool.arn },
            Sender::Developer { .. } => OnBehalf::Pool { pool_id: &at.pool.id, pool_arn: &at.pool.arn },
        };
        match self.mail.send(tx, &sender, &draft, at.now) {
            Ok(_) => Ok(()),
            Err(unsent) => refused_send(at, unsent),
        }
    }

    /// Tells a person what happened to their account, at the address they have proven. That the mail service refuses the
    /// mail is kept in the audit and stops nothing.
    pub fn tell(&self, tx: &mut Tx<'_>, at: &At, user: &User, occasion: Occasion) -> Answer<()> {
        const LIFE_MS: i64 = 86_400_000;
        let Some(to) = user.email().filter(|_| user.is_verified("email")) else { return Ok(()) };
        let letter = Letter {
            occasion,
            to: &Destination::email(&to),
            code: None,
            user: Some(user),
            not_after: at.now.plus_ms(LIFE_MS),
            decoy: false,
        };
        match self.send(tx, at, letter) {
            Err(Error::Refused(refused)) => {
                let reason = refused.reason.unwrap_or_else(|| refused.message.into_owned());
                self.note_untold(tx, at, user, refused.kind.code, &reason)
            }
            sent => sent,
        }
    }

    /// Keeps in the audit and in the pool's log why a person was not told something.
    pub(crate) fn note_untold(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        user: &User,
        outcome: &str,
        reason: &str,
    ) -> Answer<()> {
        log_undelivered(tx, &at.pool.id, reason, at.now)?;
        let subject = Subject { name_key: user.username.clone(), user: Some(user.clone()) };
        self.audit(tx, at, &subject, "SendMail", outcome, reason)
    }

    fn draft(&self, at: &At, letter: &Letter<'_>, link: Option<&str>, chosen: Chosen) -> Answer<Draft> {
        let pool = &at.pool;
        // What is carried to take a change back is a link itself.
        let link = link.or(letter.code.filter(|_| letter.occasion.undoes()));
        let template = pool.template(letter.occasion);
        let template = Template {
            subject: chosen.email_subject.or(template.subject),
            body: chosen.email.or(template.body),
        };
        let to = Address::parse(&letter.to.address)
            .map_err(|_| refusal(InvalidParameterException, "Invalid email address format."))?;
        // What language a pool's own words are in, nobody says.
        let lang = if template.body.is_none() { at.words.lang } else { ENGLISH.lang };
        let words = render(&Facts {
            occasion: letter.occasion,
            template: &template,
            app: if at.client.name.is_empty() { &pool.name } else { &at.client.name },
            code: letter.code,
            link,
            username: &spoken_name(pool, letter),
            valid_minutes: letter.not_after.since(at.now) / MINUTE_MS,
            user_agent: &at.caller.user_agent,
            asked_at: &clock_text(at.now),
            words: at.words,
        });
        let own = pool.sender.own_address();
        let from = match own {
            Some(address) => address.mailbox().ok_or_else(|| {
                refusal(InvalidEmailRoleAccessPolicyException, "The sender's address is no address.")
            })?,
            None => self.mail.settings().default_sender.clone(),
        };
        let (reply_to, configuration_set) = match &pool.sender {
            Sender::Default { reply_to } => (reply_to, &None),
            Sender::Lent(address) => (&address.reply_to, &None),
            Sender::Developer { address, configuration_set } => (&address.reply_to, configuration_set),
        };
        let message = to_person(from, to, reply_to.as_deref(), words, lang);
        let mut draft = Draft::new(message, letter.occasion.title());
        draft.configuration_set = configuration_set.clone();
        draft.source_arn = own.map(|address| address.source_arn.clone());
        draft.expires = Some(letter.not_after);
        draft.urgent = letter.occasion.is_awaited();
        draft.pool_id = Some(pool.id.clone());
        draft.user_id = letter.user.map(|user| user.id.clone());
        draft.code = letter.code.filter(|_| link.is_none()).map(str::to_owned);
        draft.decoy = letter.decoy;
        draft.facts = told_of(at, letter);
        Ok(draft)
    }

    /// Counts a challenge that a source begins.
    pub fn note_begin(&self, tx: &mut Tx<'_>, at: &At) -> Answer<()> {
        self.is_not_blocked(tx, at)?;
        let source = source_bucket(at.caller.source);
        self.within(tx, at.now, "begins/source", &source, BEGINS_WINDOW_MS, self.rules.begins_per_source)
    }

    /// Counts a sign-in that a source begins on the pages: as many as challenges, since each may lead to one.
    pub fn note_flow(&self, tx: &mut Tx<'_>, at: &At) -> Answer<()> {
        let source = source_bucket(at.caller.source);
        self.within(tx, at.now, "flows/source", &source, BEGINS_WINDOW_MS, self.rules.begins_per_source)
    }

    /// Counts a code that is to go somewhere, or says how long to wait. What the limits of a source, an app, an address or
    /// a range of numbers say depends only on what was asked for, never on whether the account exists. What protects
    /// a sender, the breakers and the day's texts, counts only what is really sent, so that nobody switches it off by
    /// asking for names that nobody has.
    pub fn note_send(&self, tx: &mut Tx<'_>, at: &At, to: &Destination, is_sent: bool) -> Answer<()> {
        let source = source_bucket(at.caller.source);
        self.within(tx, at.now, "sends/source", &source, 60 * MINUTE_MS, self.rules.sends_per_source)?;
        self.within_shared(tx, at.now, "sends/client", &at.client.id, self.rules.sends_per_client)?;
        match to.medium {
            Medium::Email => self.note_send_of_pool(tx, at, is_sent)?,
            Medium::Sms => self.note_text(tx, at, &to.address, is_sent)?,
        }
        if self.rules.address_limits {
            let key = to.limit_key();
            let mut sends = Sends::read(&tx.ledger(&at.pool.id, "sends", key.as_bytes())?);
            sends.note(at.now).map_err(|wait_ms| too_often("sends/address", wait_ms))?;
            tx.put_ledger(&at.pool.id, "sends", key.as_bytes(), &sends.write(), sends.expires())?;
        }
        Ok(())
    }

    /// Counts a change of somebody's own password: five an hour (Developer Guide, "Quotas").
    pub fn note_password_change(&self, tx: &mut Tx<'_>, at: &At, user_id: &str) -> Answer<()> {
        let subject = format!("{} {user_id}", at.pool.id);
        let most = if self.rules.address_limits { 5 } else { 0 };
        self.within(tx, at.now, "changes/password", &subject, 60 * MINUTE_MS, most)
    }

    /// Counts a code of a pool, against what a pool may send, and for the breaker: it stops a pool's codes while they are
    /// asked for and not used (rule S1).
    fn note_send_of_pool(&self, tx: &mut Tx<'_>, at: &At, is_sent: bool) -> Answer<()> {
        let most = match self.rules.sends_per_pool {
            0 => 0,
            most => (most / SHARDS).max(1),
        };
        let breaker_after = self.rules.breaker_after / SHARDS;
        let start = window(at.now, SHARED_WINDOW_MS);
        let end = start.plus_ms(SHARED_WINDOW_MS);
        let forgotten = end.plus_ms(SHARED_WINDOW_MS);
        let shard = shard(&at.pool.id);
        if most > 0 && tx.count("sends/pool", &shard, start, forgotten)? > most {
            return Err(too_often("sends/pool", end.since(at.now)));
        }
        if breaker_after == 0 {
            return Ok(());
        }
        let sends = tx.count_by(i64::from(is_sent), "breaker/sends", &shard, start, forgotten)?;
        if sends > breaker_after && tx.counted("breaker/uses", &shard, start)? * 100 < sends {
            tracing::error!(pool = at.pool.id, sends, "codes are asked for and not used: sending is paused");
            return Err(too_often("breaker", end.since(at.now)));
        }
        Ok(())
    }

    /// Counts a text against what all numbers, those beside this one, and this pool may get (rule S7): who pumps texts
    /// asks for many to numbers of one range, and uses none of the codes.
    fn note_text(&self, tx: &mut Tx<'_>, at: &At, number: &str, is_sent: bool) -> Answer<()> {
        let rules = &self.rules.texts;
        if !rules.allow(number) {
            return refuse(CodeDeliveryFailureException, sms::NOT_TO_COUNTRY);
        }
        let range = &number[..number.len().saturating_sub(RANGE_DIGITS)];
        self.within(tx, at.now, "texts/range", range, 60 * MINUTE_MS, rules.per_range)?;
        if rules.per_day > 0 {
            let day_ms = 24 * 60 * MINUTE_MS;
            let day = window(at.now, day_ms);
            let count = tx.count_by(i64::from(is_sent), "texts/day", "all", day, day.plus_ms(2 * day_ms))?;
            if count + i64::from(!is_sent) > rules.per_day {
                return Err(too_often("texts/day", day.plus_ms(day_ms).since(at.now)));
            }
        }
        if rules.breaker_after == 0 {
            return Ok(());
        }
        let start = window(at.now, SHARED_WINDOW_MS);
        let forgotten = start.plus_ms(2 * SHARED_WINDOW_MS);
        let sends = tx.count_by(i64::from(is_sent), "texts/pool", &at.pool.id, start, forgotten)?;
        let is_pumped =
            sends > rules.breaker_after && tx.counted("texts/used", &at.pool.id, start)? * TEXTS_USED < sends;
        if is_pumped {
            tracing::error!(pool = at.pool.id, sends, "texts are asked for and not used: sending is paused");
            return Err(too_often("texts/pool", start.plus_ms(SHARED_WINDOW_MS).since(at.now)));
        }
        Ok(())
    }

    /// Counts a code that was used, for the breaker of its medium, and tells the local inbox.
    pub fn note_use(&self, tx: &mut Tx<'_>, at: &At, to: &Destination, code: &str) -> Answer<()> {
        self.mail.code_was_used(tx, &to.address, code)?;
        let start = window(at.now, SHARED_WINDOW_MS);
        let end = start.plus_ms(2 * SHARED_WINDOW_MS);
        match to.medium {
            Medium::Email if self.rules.breaker_after > 0 => {
                tx.count("breaker/uses", &shard(&at.pool.id), start, end)?;
            }
            Medium::Sms if self.rules.texts.breaker_after > 0 => {
                tx.count("texts/used", &at.pool.id, start, end)?;
            }
            Medium::Email | Medium::Sms => {}
        }
        Ok(())
    }

    /// Counts against a large number that many share. The count is spread over rows, each with its part of the
    /// number, so that they need not wait for one another.
    fn within_shared(
        &self,
        tx: &mut Tx<'_>,
        now: Timestamp,
        topic: &'static str,
        subject: &str,
        most: i64,
    ) -> Answer<()> {
        match most {
            0 => Ok(()),
            most => self.within(tx, now, topic, &shard(subject), SHARED_WINDOW_MS, (most / SHARDS).max(1)),
        }
    }

    /// Counts an event against the most that a subject may have of it in a window, or says how long to wait.
    pub(crate) fn within(
        &self,
        tx: &mut Tx<'_>,
        now: Timestamp,
        topic: &'static str,
        subject: &str,
        window_ms: i64,
        most: i64,
    ) -> Answer<()> {
        if most == 0 {
            return Ok(());
        }
        let start = window(now, window_ms);
        if tx.count(topic, subject, start, start.plus_ms(2 * window_ms))? > most {
            return Err(too_often(topic, start.plus_ms(window_ms).since(now)));
        }
        Ok(())
    }

    /// Writes down what happened in a sign-in, in the same unit of work; pools that watch for threats remember it, too.
    pub fn audit(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        action: &str,
        outcome: &str,
        detail: &str,
    ) -> Answer<()> {
        tx.add_audit(&AuditRecord {
            time: at.now,
            request_id: at.caller.request_id.clone(),
            who: match &subject.user {
                Some(user) => format!("user {}", user.id),
                None => "nobody".into(),
            },
            action: action.into(),
            resource: format!("{} client {}", at.pool.arn, at.client.id),
            source: at.caller.source.map(|ip| ip.to_string()).unwrap_or_default(),
            outcome: outcome.into(),
            detail: detail.into(),
        })?;
        self.remember_event(tx, at, subject, action, outcome)
    }

    /// Makes a verified address a name to sign in with, where the pool has it as an alias. Somebody else's name
    /// stays theirs.
    pub fn settle_alias(&self, tx: &mut Tx<'_>, pool: &Pool, user: &User, medium: Medium) -> Answer<bool> {
        let kind = match medium {
            Medium::Email => NameKind::Email,
            Medium::Sms => NameKind::PhoneNumber,
        };
        if !pool.alias_attributes.contains(&kind) || !user.is_verified(kind.as_str()) {
            return Ok(true);
        }
        let Some(value) = user.attribute(kind.as_str()) else { return Ok(true) };
        let name = UserName { key: pool.name_key(value), kind: kind.as_str() };
        Ok(tx.add_user_name(&pool.id, &user.id, &name)?)
    }
}

/// What the inbox shows of where a message comes from.
fn told_of(at: &At, letter: &Letter<'_>) -> BTreeMap<String, String> {
    [
        ("pool", at.pool.name.as_str()),
        ("client", at.client.name.as_str()),
        ("user", letter.user.map_or("", |user| user.username.as_str())),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

/// The name that a person signs in with: the address or number where that is the name.
pub(crate) fn shown_name<'a>(pool: &Pool, user: &'a User) -> &'a str {
    let mut names = pool.username_attributes.iter().filter_map(|kind| user.attribute(kind.as_str()));
    names.next().unwrap_or(&user.username)
}

/// The name that a message calls a person by. One that they chose themselves is not to bring a stranger's link or message
/// into our mail (rule M2): it is cut, and where it looks like an address of the web, the message names its own instead. In
/// an invitation the name is an administrator's, and has to be told whole.
fn spoken_name(pool: &Pool, letter: &Letter<'_>) -> String {
    const LENGTH_MAX: usize = 64;
    let Some(user) = letter.user else { return letter.to.address.clone() };
    let name = shown_name(pool, user);
    if matches!(letter.occasion, Occasion::Invitation | Occasion::InvitationWithoutPassword) {
        return name.to_owned();
    }
    let leads_away = name.contains(['/', '\\']) || name.to_lowercase().contains("www.");
    if leads_away {
        return letter.to.masked();
    }
    // Marks that turn the direction of writing make a text read otherwise than it is written.
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    name.chars().filter(|c| !c.is_control() && !turns(*c)).take(LENGTH_MAX).collect()
}

/// What one source is counted as: an IPv4 address, or an IPv6 /64; an IPv4-mapped address is IPv4 (rule R9).
pub fn source_bucket(source: Option<IpAddr>) -> String {
    match source.map(|ip| ip.to_canonical()) {
        None => "unknown".into(),
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Draws the row that counts this event.
fn shard(subject: &str) -> String {
    format!("{subject}#{}", random::below(SHARDS as u64))
}

pub(crate) fn window(now: Timestamp, length_ms: i64) -> Timestamp {
    Timestamp::from_ms(now.ms() - now.ms().rem_euclid(length_ms))
}

/// The same refusal for operations whose models have no word of their own for a code too many.
pub fn too_many(error: Error) -> Error {
    match error {
        Error::Refused(refused) if refused.kind == LimitExceededException => {
            let told =
                refusal(TooManyRequestsException, "Attempt limit exceeded, please try after some time.");
            match refused.retry_after_s {
                Some(wait_s) => told.retry_after(wait_s),
                None => told,
            }
        }
        other => other,
    }
}

pub(crate) fn too_often(limit: &'static str, wait_ms: i64) -> postern_model::Error {
    let wait_s = u32::try_from((wait_ms + 999) / 1000).unwrap_or(u32::MAX);
    refusal(LimitExceededException, "Attempt limit exceeded, please try after some time.")
        .retry_after(wait_s)
        .held_to(limit)
}

/// Gives the time of day for a mail, in UTC.
pub(crate) fn clock_text(now: Timestamp) -> String {
    let minutes = now.seconds().rem_euclid(86_400) / 60;
    format!("{:02}:{:02} UTC", minutes / 60, minutes % 60)
}

/// A mail to one person, which no person wrote.
pub(crate) fn to_person(
    from: Mailbox,
    to: Address,
    reply_to: Option<&str>,
    words: Words,
    lang: &str,
) -> Message {
    let reply_to = reply_to.and_then(|text| Mailbox::parse(text).ok());
    Message {
        from,
        to: vec![Mailbox::from(to)],
        cc: Vec::new(),
        reply_to: reply_to.into_iter().collect(),
        subject: words.subject,
        text: Some(words.text),
        html: Some(words.html),
        language: Some(lang.into()),
        automatic: true,
        headers: Vec::new(),
    }
}

/// What the person's call gets when the mail service refuses; the reason is for the audit, not for them.
fn refused_send(at: &At, unsent: Unsent) -> Answer<()> {
    let words = unsent.words().into_owned();
    let reason = match &unsent {
        Unsent::NoRole(denied) | Unsent::Denied(denied) => denied.told(),
        // The words name addresses, which the audit does not.
        Unsent::NotVerified { sender: true, .. } => "the sender is no verified identity".to_owned(),
        Unsent::NotVerified { .. } => "SES is in its sandbox and the recipient is not verified".to_owned(),
        _ => words.clone(),
    };
    tracing::warn!(pool = at.pool.id, request_id = at.caller.request_id, reason, "a mail was refused");
    let told = match unsent {
        Unsent::Failed(cause) => return Err(cause.into()),
        Unsent::DefaultSenderLimit => refusal(LimitExceededException, words),
        Unsent::NoRole(_) | Unsent::Denied(_) => refusal(
            InvalidEmailRoleAccessPolicyException,
            "Amazon Cognito is not allowed to use your email identity.",
        ),
        Unsent::NotVerified { sender: false, .. } => refusal(
            CodeDeliveryFailureException,
            "Amazon SES account is in Sandbox. Verify Send-to email address or Amazon SES Account",
        ),
        _ => refusal(CodeDeliveryFailureException, words),
    };
    Err(told.because(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_an_ipv4_address_or_an_ipv6_network() {
        let bucket = |text: &str| source_bucket(text.parse().ok());
        assert_eq!(bucket("192.0.2.7"), "192.0.2.7");
        assert_eq!(bucket("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(bucket("2001:db8:1:2:3::4"), bucket("2001:db8:1:2:ffff::1"));
        assert_ne!(bucket("2001:db8:1:2::1"), bucket("2001:db8:1:3::1"));
    }
}
