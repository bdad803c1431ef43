//! Tracked sign-ins: in pools that ask for it, people see where they are signed in and end one of them. The oldest
//! goes when there are too many.

use crate::messages::device_words;
use crate::pool::Pool;
use crate::step::At;
use crate::user::User;
use anyhow::Result;
use postern_model::cognito_idp::RevokeAssociatedSessionsType;
use postern_model::cognito_idp::errors::InvalidParameterException;
use postern_model::{Answer, refuse};
use postern_store::token_sessions::TokenSessionRow;
use postern_store::{Timestamp, Tx};

/// Sessions that a list may hold (API reference, `ListUserSessions`).
pub const LISTED_MAX: i64 = 125;

/// The letters of a session's id, after what says which kind it is.
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const LENGTH: usize = 25;
const TOKEN: &str = "tkn";

/// Remembers where a sign-in came from, and ends the oldest ones beyond what one user may have.
pub fn track(tx: &mut Tx<'_>, at: &At, user: &User, sign_in: &[u8; 16], life_s: i64) -> Result<()> {
    let Some(max) = at.pool.tracked_sessions else { return Ok(()) };
    tx.add_token_session(&TokenSessionRow {
        sign_in_id: sign_in.to_vec(),
        pool_id: at.pool.id.clone(),
        user_id: user.id.clone(),
        client_id: at.client.id.clone(),
        device: device_words(&at.caller.user_agent),
        source: source_text(at),
        created: at.now,
        used: at.now,
        expires: at.now.plus_ms(life_s * 1000),
    })?;
    let others = tracked(tx, &at.pool, user, at.now)?;
    for beyond in others.iter().filter(|row| row.sign_in_id != sign_in).skip(max.saturating_sub(1)) {
        if let Ok(id) = beyond.sign_in_id.as_slice().try_into() {
            tx.revoke_sign_in(&id)?;
        }
    }
    Ok(())
}

/// Notes that a sign-in was used.
pub fn track_use(tx: &mut Tx<'_>, at: &At, sign_in: &[u8; 16]) -> Result<()> {
    match at.pool.tracked_sessions {
        Some(_) => tx.use_token_session(sign_in, &source_text(at), at.now),
        None => Ok(()),
    }
}

/// A user's sign-ins that still work, the newest first.
pub fn tracked(tx: &mut Tx<'_>, pool: &Pool, user: &User, now: Timestamp) -> Result<Vec<TokenSessionRow>> {
    tx.token_sessions(&pool.id, &user.id, user.signed_out, now, LISTED_MAX)
}

/// Sign-ins are not linked to the browser's session they came from.
pub fn not_linked(asked: Option<RevokeAssociatedSessionsType>) -> Answer<()> {
    match asked {
        Some(RevokeAssociatedSessionsType::Linked) => refuse(
            InvalidParameterException,
            "RevokeAssociatedSessions LINKED is not available on this server yet.",
        ),
        _ => Ok(()),
    }
}

/// Where a request comes from, as it is kept.
pub(crate) fn source_text(at: &At) -> String {
    at.caller.source.map(|source| source.to_canonical().to_string()).unwrap_or_default()
}

/// The id under which a sign-in is shown: its own, written in 25 letters and digits.
pub fn session_id(sign_in: &[u8]) -> String {
    let mut number = sign_in.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let mut letters = [b'0'; LENGTH];
    for letter in letters.iter_mut().rev() {
        *letter = DIGITS[(number % 36) as usize];
        number /= 36;
    }
    format!("{TOKEN}{}", String::from_utf8_lossy(&letters))
}

/// Reads which sign-in such an id shows.
pub fn sign_in_shown_as(id: &str) -> Option<[u8; 16]> {
    let letters = id.strip_prefix(TOKEN).filter(|letters| letters.len() == LENGTH)?;
    let number = letters.bytes().try_fold(0_u128, |number, letter| {
        let digit = DIGITS.iter().position(|digit| *digit == letter)?;
        number.checked_mul(36)?.checked_add(digit as u128)
    })?;
    Some(number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_shows_its_sign_in_and_nothing_else_does() {
        for sign_in in [[0; 16], [255; 16], *b"0123456789abcdef"] {
            let id = session_id(&sign_in);
            assert_eq!(id.len(), 28);
            assert_eq!(sign_in_shown_as(&id), Some(sign_in), "{id}");
        }
        for id in [
            "",
            "tkn",
            "sso0000000000000000000000000",
            "tknzzzzzzzzzzzzzzzzzzzzzzzzz",
            "tkn_000000000000000000000000",
        ] {
            assert_eq!(sign_in_shown_as(id), None, "{id}");
        }
    }
}
