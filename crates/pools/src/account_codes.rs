//! Codes about an account: to confirm a sign-up, to set a new password, to verify an address. They are found by whom
//! they are for, not by a handle; all of them are made, remembered, sent and judged here.

use crate::Pools;
use crate::auth::challenge::{ACCOUNT_DIGITS, CodeBinding};
use crate::destination::Destination;
use crate::limits::{ATTEMPTS_MAX, TRIES_OF_OTHERS, Tries, guesses_per_day};
use crate::messages::Occasion;
use crate::names::NameKind;
use crate::outgoing::{Letter, source_bucket, too_often};
use crate::step::{At, Subject};
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, Error, refusal};
use postern_store::auth::UserCodeRow;
use postern_store::{Timestamp, Tx, random};
use serde::{Deserialize, Serialize};

const HOUR_MS: i64 = 3_600_000;
/// Tries at all codes of one purpose that an account bears in a day.
const TRIES: usize = guesses_per_day(ACCOUNT_DIGITS) as usize;

/// What a code about an account is good for, and for nothing else (rule C5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountCode {
    SignUp,
    Reset,
    Verify(NameKind),
}

impl AccountCode {
    /// The purpose in the store.
    pub(crate) fn purpose(self) -> &'static str {
        match self {
            AccountCode::SignUp => "sign-up",
            AccountCode::Reset => "reset",
            AccountCode::Verify(NameKind::PhoneNumber) => "verify phone_number",
            AccountCode::Verify(_) => "verify email",
        }
    }

    /// The ledger of tries, one for each purpose.
    fn tries(self) -> &'static str {
        match self {
            AccountCode::SignUp => "tries/sign-up",
            AccountCode::Reset => "tries/reset",
            AccountCode::Verify(NameKind::PhoneNumber) => "tries/verify phone_number",
            AccountCode::Verify(_) => "tries/verify email",
        }
    }

    /// The part of it that is of who asked for no code.
    fn tries_of_others(self) -> &'static str {
        match self {
            AccountCode::SignUp => "tries of others/sign-up",
            AccountCode::Reset => "tries of others/reset",
            AccountCode::Verify(_) => "tries of others/verify",
        }
    }

    /// How long the code works (Developer Guide: "Signing up and confirming user accounts", "Recovering user accounts").
    pub fn life_ms(self) -> i64 {
        match self {
            AccountCode::SignUp | AccountCode::Verify(_) => 24 * HOUR_MS,
            AccountCode::Reset => HOUR_MS,
        }
    }
}

/// A code that is to be sent.
pub struct Sending<'a> {
    pub code: AccountCode,
    pub subject: &'a Subject,
    pub to: &'a Destination,
    pub occasion: Occasion,
    /// When it does not, all is done alike, and nothing is sent and no code is right.
    pub counts: bool,
}

/// Who asked for the newest two codes: through which app, and from where.
#[derive(Default, Serialize, Deserialize)]
struct Askers {
    #[serde(default)]
    newest: String,
    #[serde(default)]
    older: String,
}

impl Askers {
    fn of(row: &UserCodeRow) -> Askers {
        serde_json::from_str(&row.facts).unwrap_or_default()
    }

    fn are(&self, asker: &str) -> bool {
        self.newest == asker || self.older == asker
    }
}

fn asker(at: &At) -> String {
    format!("{} {}", at.client.id, source_bucket(at.caller.source))
}

/// A right code that is still to be used up.
#[derive(Clone)]
pub struct RightCode {
    row: UserCodeRow,
    code: String,
    pub destination: Destination,
}

/// How an answer was judged. What it cost is written down in any case.
pub enum Judged {
    /// It was right and is used up; it had gone to this destination.
    Right {
        destination: Destination,
    },
    Wrong,
    /// It was right once: only who has the code learns that it came too late.
    Late,
    /// The code has had all its attempts: what was given is not looked at.
    Spent,
    /// No code was asked for, or none that still works.
    NoCode,
}

impl Pools {
    /// Makes, remembers and sends a code. One before that went to the same place stays good while it has attempts left,
    /// and the two share them (rule C9): of whoever asks again, the own one gives way, not that of somebody else.
    pub fn send_account_code(&self, tx: &mut Tx<'_>, at: &At, sending: &Sending<'_>) -> Answer<()> {
        let Sending { code: kind, subject, to, occasion, counts } = *sending;
        self.note_send(tx, at, to, counts)?;
        // A code that could not be answered any more is not sent.
        let tries = Tries::read(&tx.ledger(&at.pool.id, kind.tries(), &subject.ledger_key())?);
        if let Some(wait_ms) = tries.wait_ms(TRIES, at.now) {
            return Err(too_often("guesses/account", wait_ms));
        }
        let code = random::digits(ACCOUNT_DIGITS);
        let mac = binding(at, &at.client.id, subject, kind, &to.address).mac(tx.keys(), &code).to_vec();
        let expires = at.now.plus_ms(kind.life_ms());
        self.remember_account_code(tx, at, sending, counts.then_some(mac))?;
        self.send(
            tx,
            at,
            Letter {
                occasion,
                to,
                code: Some(&code),
                user: subject.user.as_ref(),
                not_after: expires,
                decoy: !counts,
            },
        )
    }

    /// Remembers who asked for a code where none is sent, as it is remembered for who gets one. A code that somebody waits
    /// for stays.
    pub fn note_asker(&self, tx: &mut Tx<'_>, at: &At, sending: &Sending<'_>) -> Answer<()> {
        let Sending { code: kind, subject, .. } = *sending;
        let row = tx.find_user_code(&at.pool.id, subject.bound(), kind.purpose())?;
        let Some(mut row) = row.filter(|row| !is_over(row, at.now)) else {
            return self.remember_account_code(tx, at, sending, None);
        };
        let (mut askers, asker) = (Askers::of(&row), asker(at));
        if !askers.are(&asker) && askers.older.is_empty() {
            askers.older = asker;
        }
        row.facts = serde_json::to_string(&askers).map_err(anyhow::Error::from)?;
        tx.put_user_code(&row)?;
        Ok(())
    }

    /// Remembers a code and who asked for it.
    fn remember_account_code(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        sending: &Sending<'_>,
        mac: Option<Vec<u8>>,
    ) -> Answer<()> {
        let Sending { code: kind, subject, to, .. } = *sending;
        let before = tx
            .find_user_code(&at.pool.id, subject.bound(), kind.purpose())?
            .filter(|row| !is_over(row, at.now) && row.destination == to.address)
            .filter(|row| row.attempts < row.attempts_max);
        let attempts = before.as_ref().map_or(0, |row| row.attempts);
        let newest = asker(at);
        let (code_mac_old, older) = match before.map(|row| (Askers::of(&row), row)) {
            None => (None, String::new()),
            Some((askers, row)) if askers.newest == newest && !askers.older.is_empty() => {
                match askers.older {
                    older if older == newest => (row.code_mac, older),
                    older => (row.code_mac_old, older),
                }
            }
            Some((askers, row)) => (row.code_mac, askers.newest),
        };
        let facts = serde_json::to_string(&Askers { newest, older }).map_err(anyhow::Error::from)?;
        tx.put_user_code(&UserCodeRow {
            pool_id: at.pool.id.clone(),
            subject: subject.bound().to_owned(),
            purpose: kind.purpose().into(),
            code_mac: mac,
            attempts,
            code_mac_old,
            destination: to.address.clone(),
            attempts_max: ATTEMPTS_MAX,
            facts,
            created: at.now,
            expires: at.now.plus_ms(kind.life_ms()),
        })?;
        Ok(())
    }

    /// Judges an answer and uses a right one up. The caller commits whatever comes of it: attempts are spent before
    /// anything is compared. Refuses when the day's tries are used up. Who answers from elsewhere than the code was asked
    /// for spends none of its attempts, and has a part of the day's tries only: nobody's guesses end a code that somebody
    /// else waits for.
    pub fn judge_account_code(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        kind: AccountCode,
        code: &str,
    ) -> Answer<Judged> {
        match self.try_account_code(tx, at, subject, kind, code)? {
            Ok(right) if self.use_account_code(tx, at, &right)? => {
                Ok(Judged::Right { destination: right.destination })
            }
            Ok(_) => Ok(Judged::Late),
            Err(judged) => Ok(judged),
        }
    }

    /// Uses a right code up; true for one caller only, and only while it works.
    pub fn use_account_code(&self, tx: &mut Tx<'_>, at: &At, right: &RightCode) -> Answer<bool> {
        if !tx.consume_user_code(&right.row, at.now)? {
            return Ok(false);
        }
        self.note_use(tx, at, &right.destination, &right.code)?;
        Ok(true)
    }

    /// How many answers the code that was sent to a name last still takes; nothing where none works.
    pub fn account_code_tries(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        kind: AccountCode,
    ) -> Answer<Option<u64>> {
        let user = self.find_user(tx, &at.pool, username)?;
        let subject = Subject { name_key: at.pool.name_key(username), user };
        let row = tx.find_user_code(&at.pool.id, subject.bound(), kind.purpose())?;
        let row = row.filter(|row| !is_over(row, at.now));
        Ok(row.map(|row| u64::try_from(row.attempts_max - row.attempts).unwrap_or_default()))
    }

    /// Judges an answer as [`Pools::judge_account_code`] does, and leaves a right one to be used up later.
    pub fn try_account_code(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        kind: AccountCode,
        code: &str,
    ) -> Answer<Result<RightCode, Judged>> {
        let key = subject.ledger_key();
        let topics = [(kind.tries(), TRIES), (kind.tries_of_others(), TRIES_OF_OTHERS)];
        let row = tx.find_user_code(&at.pool.id, subject.bound(), kind.purpose())?;
        // An address is verified by nobody but who is signed in.
        let is_asker = matches!(kind, AccountCode::Verify(_))
            || row.as_ref().is_some_and(|row| Askers::of(row).are(&asker(at)));
        let mut spent_of = Vec::new();
        for (topic, most) in topics.into_iter().take(if is_asker { 1 } else { 2 }) {
            let mut tries = Tries::read(&tx.ledger(&at.pool.id, topic, &key)?);
            tries.spend(most, at.now).map_err(|wait_ms| too_often("guesses/account", wait_ms))?;
            tx.put_ledger(&at.pool.id, topic, &key, &tries.write(), tries.expires())?;
            spent_of.push((topic, most, tries));
        }
        let judged = judge_row(tx, at, subject, kind, row, code, is_asker)?;
        if judged.is_ok() {
            for (topic, _, mut tries) in spent_of {
                tries.give_back();
                tx.put_ledger(&at.pool.id, topic, &key, &tries.write(), tries.expires())?;
            }
        } else if spent_of.iter().any(|(_, most, tries)| tries.wait_ms(*most, at.now).is_some()) {
            self.tell_of_guesses(tx, at, subject)?;
        }
        Ok(judged)
    }
}

/// Compares an answer with what is remembered, if there is still an attempt to spend.
fn judge_row(
    tx: &mut Tx<'_>,
    at: &At,
    subject: &Subject,
    kind: AccountCode,
    row: Option<UserCodeRow>,
    code: &str,
    is_asker: bool,
) -> Answer<Result<RightCode, Judged>> {
    let Some(row) = row else { return Ok(Err(Judged::NoCode)) };
    if is_over(&row, at.now) {
        let was_right = is_right(tx, at, subject, kind, &row, code);
        return Ok(Err(if was_right { Judged::Late } else { Judged::NoCode }));
    }
    let may = match is_asker {
        true => tx.spend_user_code_attempt(&at.pool.id, subject.bound(), kind.purpose(), at.now)?,
        false => row.attempts < row.attempts_max,
    };
    Ok(match may {
        false => Err(Judged::Spent),
        true if is_right(tx, at, subject, kind, &row, code) => {
            let destination = Destination::read(&row.destination);
            Ok(RightCode { destination, code: code.to_owned(), row })
        }
        true => Err(Judged::Wrong),
    })
}

/// What a wrong code is answered.
pub fn code_mismatch() -> Error {
    refusal(CodeMismatchException, "Invalid verification code provided, please try again.")
}

/// What a code that no longer works is answered.
pub fn code_expired() -> Error {
    refusal(ExpiredCodeException, "Invalid code provided, please request a code again.")
}

fn is_over(row: &UserCodeRow, now: Timestamp) -> bool {
    now >= row.expires
}

/// A code is bound to its account, client, purpose and destination.
fn binding<'a>(
    at: &'a At,
    client_id: &'a str,
    subject: &'a Subject,
    kind: AccountCode,
    to: &'a str,
) -> CodeBinding<'a> {
    CodeBinding {
        pool_id: &at.pool.id,
        client_id,
        subject: subject.bound(),
        purpose: kind.purpose(),
        destination: to,
        asking: b"",
    }
}

/// Tells whether a code is one of the newest two, made for this client or, by an administrator, for any.
fn is_right(
    tx: &Tx<'_>,
    at: &At,
    subject: &Subject,
    kind: AccountCode,
    row: &UserCodeRow,
    code: &str,
) -> bool {
    let mut right = false;
    for client_id in [at.client.id.as_str(), ""] {
        let binding = binding(at, client_id, subject, kind, &row.destination);
        for mac in [&row.code_mac, &row.code_mac_old].into_iter().flatten() {
            right |= binding.matches(tx.keys(), code, mac);
        }
    }
    right
}
