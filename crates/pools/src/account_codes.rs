//! Codes about an account: to confirm a sign-up, to set a new password, to verify an address. They are found by whom
//! they are for, not by a handle; all of them are made, remembered, sent and judged here.

use crate::Pools;
use crate::auth::challenge::{ACCOUNT_DIGITS, CodeBinding};
use crate::destination::Destination;
use crate::limits::{ATTEMPTS_MAX, Tries, guesses_per_day};
use crate::messages::Occasion;
use crate::names::NameKind;
use crate::outgoing::Letter;
use crate::step::{At, Subject};
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, Error, refusal, refuse};
use postern_store::auth::UserCodeRow;
use postern_store::{Timestamp, Tx, random};

const HOUR_MS: i64 = 3_600_000;

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
    /// No code was asked for, or none that still works.
    NoCode,
}

impl Pools {
    /// Makes, remembers and sends a code. One before that went to the same place stays good while it has attempts left,
    /// and the two share them (rule C9).
    pub fn send_account_code(&self, tx: &mut Tx<'_>, at: &At, sending: &Sending<'_>) -> Answer<()> {
        let Sending { code: kind, subject, to, occasion, counts } = *sending;
        self.note_send(tx, at, to, counts)?;
        let code = random::digits(ACCOUNT_DIGITS);
        let mac = binding(at, &at.client.id, subject, kind, &to.address).mac(tx.keys(), &code).to_vec();
        let before = tx
            .find_user_code(&at.pool.id, subject.bound(), kind.purpose())?
            .filter(|row| !is_over(row, at.now) && row.destination == to.address)
            .filter(|row| row.attempts < row.attempts_max);
        let expires = at.now.plus_ms(kind.life_ms());
        tx.put_user_code(&UserCodeRow {
            pool_id: at.pool.id.clone(),
            subject: subject.bound().to_owned(),
            purpose: kind.purpose().into(),
            code_mac: counts.then_some(mac),
            attempts: before.as_ref().map_or(0, |row| row.attempts),
            code_mac_old: before.and_then(|row| row.code_mac),
            destination: to.address.clone(),
            attempts_max: ATTEMPTS_MAX,
            facts: "{}".into(),
            created: at.now,
            expires,
        })?;
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

    /// Judges an answer and uses a right one up. The caller commits whatever comes of it: attempts are spent before
    /// anything is compared. Refuses when the day's tries are used up.
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
        let mut tries = Tries::read(&tx.ledger(&at.pool.id, kind.tries(), &key)?);
        if !tries.spend(guesses_per_day(ACCOUNT_DIGITS), at.now) {
            return refuse(LimitExceededException, "Attempt limit exceeded, please try after some time.");
        }
        tx.put_ledger(&at.pool.id, kind.tries(), &key, &tries.write(), tries.expires())?;
        let row = tx.find_user_code(&at.pool.id, subject.bound(), kind.purpose())?;
        let spent = tx.spend_user_code_attempt(&at.pool.id, subject.bound(), kind.purpose(), at.now)?;
        let Some(row) = row else { return Ok(Err(Judged::NoCode)) };
        if !is_right(tx, at, subject, kind, &row, code) {
            return Ok(Err(if is_over(&row, at.now) { Judged::NoCode } else { Judged::Wrong }));
        }
        if !spent {
            return Ok(Err(Judged::Late));
        }
        tries.give_back();
        tx.put_ledger(&at.pool.id, kind.tries(), &key, &tries.write(), tries.expires())?;
        Ok(Ok(RightCode { destination: Destination::read(&row.destination), code: code.to_owned(), row }))
    }
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
