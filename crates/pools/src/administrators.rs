//! How administrators sign in at the console beside their access keys: by a code mailed to an address of theirs, or by a
//! passkey. The same rules hold as for users' codes and passkeys, and the house itself sends the mails. What somebody may
//! do there is said by IAM policies alone.

mod again;
mod passkeys;
mod recognised;

use crate::Pools;
use crate::auth::challenge::{CodeBinding, Handle, Standing, code_is_right, standing};
use crate::destination::Destination;
use crate::limits::{
    self, ATTEMPTS_MAX, Guesses, SEND_PAUSE_MS, SENDS_MAX, Sends, guesses_of_recognised, guesses_per_day,
};
use crate::messages::{ENGLISH, Facts, Occasion, Template, Words, render};
use crate::outgoing::{clock_text, source_bucket, too_often};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_access::{Caller, Context, Principal};
use postern_mail::address::{Address, Mailbox};
use postern_mail::message::Message;
use postern_mail::{Draft, Sender, Unsent};
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, refuse};
use postern_store::administrators::AdministratorEmail;
use postern_store::audit::AuditRecord;
use postern_store::auth::ChallengeRow;
use postern_store::{Timestamp, Tx, random};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// How long a code works.
pub const CODE_LIFE_MS: i64 = 5 * MINUTE_MS;
const DIGITS: u32 = 8;
/// What the counts and challenges of administrators are kept under: no pool has this id.
const POOL: &str = "";
const CLIENT: &str = "console";
const GUESSES: &str = "guesses/console";
/// What mails call the place.
const APP: &str = "the Postern console";
/// What the audit calls signing in here.
pub const SIGN_IN: &str = "postern:SignIn";
/// What policies and the audit say of somebody's own address and passkeys.
const CHANGE: &str = "postern:ChangeOwnSignIn";

const ADDRESS_CHANGED: &str = "The email address that you sign in to the Postern console with was changed to another. If \
     that was not you, tell whoever runs the server.";

/// A request at the console, by an administrator or whoever wants to be one.
#[derive(Clone)]
pub struct Doorstep {
    pub caller: Caller,
    /// The console's address.
    pub url: String,
    /// What its ceremonies are bound to: the cookie of the browser, or the session.
    pub browser: String,
    /// The mark that the browser was given when somebody signed in in it.
    pub mark: Option<String>,
    pub now: Timestamp,
}

/// What opened a session of the console, and ends it by ending itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    Key(String),
    Code,
    Passkey(Vec<u8>),
}

impl Opened {
    pub fn text(&self) -> String {
        match self {
            Opened::Key(id) => format!("key {id}"),
            Opened::Code => "code".to_owned(),
            Opened::Passkey(id) => format!("passkey {}", BASE64URL.encode(id)),
        }
    }

    pub fn read(text: &str) -> Option<Opened> {
        match text.split_once(' ') {
            Some(("key", id)) => Some(Opened::Key(id.to_owned())),
            Some(("passkey", id)) => BASE64URL.decode(id).ok().map(Opened::Passkey),
            None if text == "code" => Some(Opened::Code),
            _ => None,
        }
    }

    /// The same in the words of the audit.
    pub fn told(&self) -> &'static str {
        match self {
            Opened::Key(_) => "by access key",
            Opened::Code => "by e-mailed code",
            Opened::Passkey(_) => "by passkey",
        }
    }
}

/// What a code is for; it is good for nothing else (rule C5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeFor {
    SignIn,
    /// To prove an address that is to become an administrator's.
    NewAddress,
}

impl CodeFor {
    fn kind(self) -> &'static str {
        match self {
            CodeFor::SignIn => "CONSOLE_SIGN_IN",
            CodeFor::NewAddress => "CONSOLE_ADDRESS",
        }
    }

    fn occasion(self) -> Occasion {
        match self {
            CodeFor::SignIn => Occasion::SignIn,
            CodeFor::NewAddress => Occasion::VerifyAttribute,
        }
    }

    /// The action in the audit.
    fn action(self) -> &'static str {
        match self {
            CodeFor::SignIn => SIGN_IN,
            CodeFor::NewAddress => CHANGE,
        }
    }
}

/// A code that was asked for, as the page after it needs to know it.
pub struct Awaited {
    /// Where it seems to have gone.
    pub masked: String,
    pub expires: Timestamp,
    pub attempts_left: i64,
    /// How long to wait before another one is sent; nothing where none is any more.
    pub again_ms: Option<i64>,
}

/// How a code was judged. What it cost is written down in any case.
#[derive(Debug, PartialEq, Eq)]
pub enum Judged {
    /// Right: the administrator's user id.
    Right(String),
    Wrong,
    /// Late, used, guessed at too often, or never asked for.
    Over,
}

/// A mail to an administrator.
struct Letter<'a> {
    title: &'static str,
    words: Words,
    to: &'a Address,
    code: Option<&'a str>,
    not_after: Timestamp,
    decoy: bool,
}

impl Pools {
    /// Who is behind a session of the console, while what opened it stands.
    pub fn behind_session(
        &self,
        tx: &mut Tx<'_>,
        user_id: &str,
        opened: &Opened,
        since: Timestamp,
    ) -> anyhow::Result<Option<Principal>> {
        let stands = match opened {
            Opened::Key(id) => return self.access.holder_of_key(tx, id),
            Opened::Code => tx.administrator_email(user_id)?.is_some_and(|email| email.created <= since),
            Opened::Passkey(id) => {
                tx.find_administrator_passkey(id)?.is_some_and(|passkey| passkey.user_id == user_id)
            }
        };
        if stands { self.access.user(tx, user_id) } else { Ok(None) }
    }

    /// Tells whether whoever signed in at a moment may change how they sign in: policies allow it, and they have lately
    /// proven who they are (rules F4 and F6).
    pub fn may_change_own_sign_in(
        &self,
        tx: &mut Tx<'_>,
        door: &Doorstep,
        signed_in: Timestamp,
    ) -> Answer<()> {
        self.access
            .authorize(tx, &door.caller, CHANGE, &door.caller.arn(), &Context::new())
            .map_err(|stop| stop.refused(AccessDeniedException))?;
        if limits::is_fresh(signed_in.seconds(), self.rules.fresh_sign_in_s, door.now) {
            return Ok(());
        }
        refuse(
            NotAuthorizedException,
            format!(
                "Sign out and in again to change how you sign in: you signed in more than {} minutes ago.",
                self.rules.fresh_sign_in_s / 60
            ),
        )
    }

    /// Sends a code to an address that signs in, or seems to where it is nobody's. Gives the handle that the code
    /// belongs to.
    pub fn ask_administrator(&self, tx: &mut Tx<'_>, door: &Doorstep, typed: &str) -> Answer<String> {
        let typed = own_address(typed)?;
        let found = tx.administrator_by_email(&typed.canonical())?;
        let (user_id, to) = match found {
            Some(email) => (Some(email.user_id), Address::parse(&email.email).ok()),
            None => (None, None),
        };
        self.send_administrator_code(tx, door, CodeFor::SignIn, user_id, &typed, to.as_ref())
    }

    /// Sends a code to an address that is to become an administrator's.
    pub fn ask_new_address(
        &self,
        tx: &mut Tx<'_>,
        door: &Doorstep,
        user_id: &str,
        typed: &str,
    ) -> Answer<String> {
        let typed = own_address(typed)?;
        let asked = user_id.to_owned();
        self.send_administrator_code(tx, door, CodeFor::NewAddress, Some(asked), &typed, Some(&typed))
    }

    /// Makes a code, remembers its challenge, and mails it. Where it counts for nobody all is done alike, and nothing is
    /// sent and no code is right.
    fn send_administrator_code(
        &self,
        tx: &mut Tx<'_>,
        door: &Doorstep,
        purpose: CodeFor,
        user_id: Option<String>,
        typed: &Address,
        to: Option<&Address>,
    ) -> Answer<String> {
        self.note_administrator_code(tx, door, typed)?;
        let handle = Handle::fresh(tx.keys(), door.now);
        let expires = door.now.plus_ms(CODE_LIFE_MS);
        let code = random::digits(DIGITS);
        let mut challenge = ChallengeRow {
            handle_mac: handle.mac.to_vec(),
            pool_id: POOL.to_owned(),
            client_id: CLIENT.to_owned(),
            user_id,
            name_key: typed.canonical(),
            kind: purpose.kind().to_owned(),
            code_mac: None,
            code_mac_old: None,
            old_expires: Timestamp::from_ms(0),
            // As it was typed: how an administrator's is spelled is not told.
            destination: Some(typed.spelling()),
            attempts: 0,
            attempts_max: ATTEMPTS_MAX,
            sends: 1,
            sent: door.now,
            spent: false,
            facts: "{}".to_owned(),
            created: door.now,
            expires,
        };
        let key = guesses_key(&challenge);
        let mut borne = hold_guesses(tx, &challenge, guesses_per_day(DIGITS), door.now)?;
        if !borne && self.recognises_administrator(tx, door, challenge.user_id.as_deref())? {
            challenge.facts = RECOGNISED.to_owned();
            borne = hold_guesses(tx, &challenge, guesses_of_recognised(DIGITS), door.now)?;
        }
        let mac = CodeBinding::of(&challenge).mac(tx.keys(), &code);
        let counts = borne && to.is_some();
        challenge.code_mac = counts.then(|| mac.to_vec());
        tx.add_challenge(&challenge)?;
        let letter = Letter {
            title: purpose.occasion().title(),
            words: words(door, purpose.occasion(), Some(&code), CODE_LIFE_MS),
            to: to.unwrap_or(typed),
            code: Some(&code),
            not_after: expires,
            decoy: !counts,
        };
        self.mail_administrator(tx, door, letter)?;
        if let (false, Some(to)) = (borne, to) {
            self.tell_administrator_of_guesses(tx, door, &key, to)?;
        }
        let outcome = if counts { "sent" } else { "withheld" };
        self.note_at_door(tx, door, None, "postern:SendCode", outcome, "")?;
        Ok(handle.text)
    }

    /// How a code stands that was asked for; nothing when it is over.
    pub fn awaited_code(
        &self,
        tx: &mut Tx<'_>,
        purpose: CodeFor,
        handle: &str,
        now: Timestamp,
    ) -> anyhow::Result<Option<Awaited>> {
        let found = live(tx, purpose, handle, now)?;
        Ok(found.map(|challenge| Awaited {
            masked: Destination::read(challenge.destination.as_deref().unwrap_or_default()).masked(),
            expires: challenge.expires,
            attempts_left: challenge.attempts_max - challenge.attempts,
            again_ms: (challenge.sends < SENDS_MAX).then(|| pause_ms(&challenge, now)),
        }))
    }

    /// Judges a code that signs in. The caller commits whatever comes of it: an attempt is spent before anything is
    /// compared, and a right code is used up by one conditional write.
    pub fn answer_administrator(
        &self,
        tx: &mut Tx<'_>,
        door: &Doorstep,
        handle: &str,
        code: &str,
    ) -> Answer<Judged> {
        let (judged, challenge) = self.judge_administrator_code(tx, door, CodeFor::SignIn, handle, code)?;
        let (Judged::Right(user_id), Some(challenge)) = (&judged, challenge) else { return Ok(judged) };
        // The address may have become another's, or nobody's, since the code was sent.
        let still = tx.administrator_by_email(&challenge.name_key)?;
        if still.is_none_or(|email| email.user_id != *user_id || email.created > challenge.created) {
            return Ok(Judged::Over);
        }
        Ok(judged)
    }

    /// Judges a code for a new address; a right one makes it the administrator's, in the place of the one before, which
    /// is told.
    pub fn answer_new_address(
        &self,
        tx: &mut Tx<'_>,
        door: &Doorstep,
        user_id: &str,
        handle: &str,
        code: &str,
    ) -> Answer<Judged> {
        let (judged, challenge) =
            self.judge_administrator_code(tx, door, CodeFor::NewAddress, handle, code)?;
        let (Judged::Right(asked), Some(challenge)) = (&judged, challenge) else { return Ok(judged) };
        let address = Address::parse(challenge.destination.as_deref().unwrap_or_default()).ok();
        let Some(address) = address.filter(|_| asked == user_id) else { return Ok(Judged::Over) };
        let before = tx.administrator_email(user_id)?;
        self.set_administrator_email(tx, user_id, &address, door.now)?;
        if let Some(before) = before.and_then(|before| Address::parse(&before.email).ok()) {
            let words = Words {
                subject: "The email address of your account changed".to_owned(),
                text: format!("{ADDRESS_CHANGED}\r\n"),
                html: format!(
                    "<!doctype html><html lang=\"en\"><body><p>{ADDRESS_CHANGED}</p></body></html>"
                ),
            };
            let not_after = door.now.plus_ms(DAY_MS);
            let letter =
                Letter { title: "Address changed", words, to: &before, code: None, not_after, decoy: false };
            self.mail_administrator(tx, door, letter)?;
        }
        self.note_at_door(tx, door, Some(&door.caller.principal), CHANGE, "ok", "address")?;
        Ok(judged)
    }

    /// Gives an administrator an address to sign in by. Each is one administrator's.
    pub fn set_administrator_email(
        &self,
        tx: &mut Tx<'_>,
        user_id: &str,
        address: &Address,
        now: Timestamp,
    ) -> Answer<()> {
        let email =
            AdministratorEmail { user_id: user_id.to_owned(), email: address.spelling(), created: now };
        if tx.put_administrator_email(&address.canonical(), &email)? {
            return Ok(());
        }
        refuse(AliasExistsException, "Another administrator signs in by this address.")
    }

    fn judge_administrator_code(
        &self,
        tx: &mut Tx<'_>,
        door: &Doorstep,
        purpose: CodeFor,
        handle: &str,
        code: &str,
    ) -> Answer<(Judged, Option<ChallengeRow>)> {
        let Some(challenge) = live(tx, purpose, handle, door.now)? else { return Ok((Judged::Over, None)) };
        if !tx.spend_attempt(&challenge.handle_mac, door.now)? {
            return Ok((Judged::Over, None));
        }
        let keys = tx.keys().clone();
        let right = code_is_right(&challenge, &keys, code, door.now);
        let key = guesses_key(&challenge);
        let mut guesses = Guesses::read(&tx.ledger(POOL, GUESSES, &key)?);
        match right {
            true => guesses.release(&challenge.handle_mac),
            false => guesses.note_wrong(&challenge.handle_mac),
        }
        tx.put_ledger(POOL, GUESSES, &key, &guesses.write(), guesses.expires())?;
        if !right {
            self.note_at_door(tx, door, None, purpose.action(), "refused", "wrong code")?;
            return Ok((Judged::Wrong, None));
        }
        if !tx.consume_challenge(&challenge.handle_mac, &challenge.kind, door.now)? {
            return Ok((Judged::Over, None));
        }
        self.mail.code_was_used(tx, challenge.destination.as_deref().unwrap_or_default(), code)?;
        match challenge.user_id.clone() {
            Some(user_id) => Ok((Judged::Right(user_id), Some(challenge))),
            None => Ok((Judged::Over, None)),
        }
    }

    /// Counts a code that is to be sent, or says how long to wait; by what was asked for alone, never by whether it is
    /// anybody's.
    fn note_administrator_code(&self, tx: &mut Tx<'_>, door: &Doorstep, typed: &Address) -> Answer<()> {
        let source = source_bucket(door.caller.source);
        let most = self.rules.sends_per_source;
        self.within(tx, door.now, "sends/source", &source, 60 * MINUTE_MS, most)?;
        if self.rules.address_limits {
            let key = typed.limit_key();
            let mut sends = Sends::read(&tx.ledger(POOL, "sends", key.as_bytes())?);
            sends.note(door.now).map_err(|wait_ms| too_often("sends/address", wait_ms))?;
            tx.put_ledger(POOL, "sends", key.as_bytes(), &sends.write(), sends.expires())?;
        }
        Ok(())
    }

    /// Tells an administrator once a day that codes are held back because of wrong guesses (rule C10).
    fn tell_administrator_of_guesses(
        &self,
        tx: &mut Tx<'_>,
        door: &Doorstep,
        key: &[u8],
        to: &Address,
    ) -> Answer<()> {
        const TOPIC: &str = "told of guesses";
        let told = tx.ledger(POOL, TOPIC, key)?;
        let told_ms = <[u8; 8]>::try_from(told.as_slice()).map_or(0, i64::from_be_bytes);
        if door.now.ms() - told_ms < DAY_MS {
            return Ok(());
        }
        tx.put_ledger(POOL, TOPIC, key, &door.now.ms().to_be_bytes(), door.now.plus_ms(DAY_MS))?;
        self.tell_administrator(tx, door, Occasion::GuessesUsedUp, to)
    }

    /// Tells an administrator what became of their ways in.
    fn tell_administrator(
        &self,
        tx: &mut Tx<'_>,
        door: &Doorstep,
        occasion: Occasion,
        to: &Address,
    ) -> Answer<()> {
        let letter = Letter {
            title: occasion.title(),
            words: words(door, occasion, None, DAY_MS),
            to,
            code: None,
            not_after: door.now.plus_ms(DAY_MS),
            decoy: false,
        };
        self.mail_administrator(tx, door, letter)
    }

    fn mail_administrator(&self, tx: &mut Tx<'_>, door: &Doorstep, letter: Letter<'_>) -> Answer<()> {
        let message = Message {
            from: self.mail.settings().default_sender.clone(),
            to: vec![Mailbox::from(letter.to.clone())],
            cc: Vec::new(),
            reply_to: Vec::new(),
            subject: letter.words.subject,
            text: Some(letter.words.text),
            html: Some(letter.words.html),
            language: Some("en".to_owned()),
            automatic: true,
            headers: Vec::new(),
        };
        let mut draft = Draft::new(message, letter.title);
        draft.expires = Some(letter.not_after);
        draft.urgent = letter.code.is_some();
        draft.code = letter.code.map(str::to_owned);
        draft.decoy = letter.decoy;
        draft.facts = [("client".to_owned(), APP.to_owned())].into();
        match self.mail.send(tx, &Sender::House, &draft, door.now) {
            Ok(_) => Ok(()),
            Err(Unsent::Failed(cause)) => Err(cause.into()),
            Err(unsent) => refuse(CodeDeliveryFailureException, unsent.words()),
        }
    }

    /// Writes down what happened at the door, in the same unit of work.
    pub fn note_at_door(
        &self,
        tx: &mut Tx<'_>,
        door: &Doorstep,
        who: Option<&Principal>,
        action: &str,
        outcome: &str,
        detail: &str,
    ) -> anyhow::Result<()> {
        tx.add_audit(&AuditRecord {
            time: door.now,
            request_id: door.caller.request_id.clone(),
            // What a stranger says of themselves is not kept.
            who: who.map_or_else(|| "unproved".to_owned(), |who| who.arn(&door.caller.account)),
            action: action.to_owned(),
            source: door.caller.source.map(|source| source.to_string()).unwrap_or_default(),
            outcome: outcome.to_owned(),
            detail: detail.to_owned(),
            ..AuditRecord::default()
        })?;
        Ok(())
    }
}

/// What the facts of a challenge say whose guesses are charged to the budget of recognised browsers.
const RECOGNISED: &str = r#"{"recognised":true}"#;

/// Holds the guesses at a new code back from the budget that bears it; false when it does not.
fn hold_guesses(tx: &mut Tx<'_>, challenge: &ChallengeRow, budget: i64, now: Timestamp) -> Answer<bool> {
    let key = guesses_key(challenge);
    let mut guesses = Guesses::read(&tx.ledger(POOL, GUESSES, &key)?);
    let range = ATTEMPTS_MAX..=ATTEMPTS_MAX;
    let held = guesses.hold(&challenge.handle_mac, range, budget, now, challenge.expires);
    tx.put_ledger(POOL, GUESSES, &key, &guesses.write(), guesses.expires())?;
    Ok(held > 0)
}

/// What is left of the pause between two codes.
fn pause_ms(challenge: &ChallengeRow, now: Timestamp) -> i64 {
    (SEND_PAUSE_MS - now.since(challenge.sent)).max(0)
}

fn own_address(typed: &str) -> Answer<Address> {
    Address::parse(typed)
        .or_else(|_| refuse(InvalidParameterException, "Enter an email address like name@example.com."))
}

fn words(door: &Doorstep, occasion: Occasion, code: Option<&str>, life_ms: i64) -> Words {
    render(&Facts {
        occasion,
        template: &Template::default(),
        app: APP,
        code,
        link: None,
        username: "",
        valid_minutes: life_ms / MINUTE_MS,
        user_agent: &door.caller.user_agent,
        asked_at: &clock_text(door.now),
        words: &ENGLISH,
    })
}

/// The challenge of a handle, while it can be answered.
fn live(
    tx: &mut Tx<'_>,
    purpose: CodeFor,
    handle: &str,
    now: Timestamp,
) -> anyhow::Result<Option<ChallengeRow>> {
    let macs = Handle::macs(tx.keys(), handle);
    let found = tx.find_challenge(&macs)?;
    Ok(found.filter(|row| {
        row.client_id == CLIENT && row.kind == purpose.kind() && standing(row, now) == Standing::Live
    }))
}

/// What the ledger of guesses knows an administrator by, or an address that is nobody's.
fn guesses_key(challenge: &ChallengeRow) -> Vec<u8> {
    let key = match &challenge.user_id {
        Some(id) => format!("u:{id}"),
        None => format!("n:{}", challenge.name_key),
    };
    let of = if challenge.facts == RECOGNISED { " recognised" } else { "" };
    format!("{key}{of}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_opened_a_session_is_read_as_it_was_written() {
        for opened in [Opened::Key("AKIA1".to_owned()), Opened::Code, Opened::Passkey(vec![1, 2, 250])] {
            assert_eq!(Opened::read(&opened.text()), Some(opened));
        }
        for other in ["", "key", "code x", "passkey !", "AKIA1"] {
            assert_eq!(Opened::read(other), None, "{other}");
        }
    }
}
