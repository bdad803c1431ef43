//! Questions that wait for their answer: remembered under a handle, found again, used up once.

use crate::Pools;
use crate::auth::acr::Goal;
use crate::auth::challenge::{Handle, Standing, standing};
use crate::limits::ATTEMPTS_MAX;
use crate::step::{Asked, At, Kind, Subject};
use crate::user::User;
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, Error, refusal, refuse};
use postern_store::auth::ChallengeRow;
use postern_store::{Timestamp, Tx};
use serde::{Deserialize, Serialize};

/// What the next step of a challenge needs to know.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Facts {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) offered: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) amr: Vec<String>,
    /// The second factor that was set up on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) set_up: Option<String>,
    /// Where the first code of a factor goes that is being set up: no address of the user's yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
    /// What custom challenges go on from, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) custom: Option<String>,
    /// The code is charged to the budget of recognised devices.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) recognised: bool,
    /// What a passkey is to sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) challenge: Option<String>,
    /// The sign-in in which a passkey is registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<String>,
    /// The device that the app says it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) device: Option<String>,
    /// Where the question was asked from, when it may be answered without its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<String>,
    /// The level that the sign-in is to reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) goal: Option<Goal>,
    /// The event that the sign-in is remembered as, and what it is to reach because it is risky.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) risk_goal: Option<Goal>,
}

impl Facts {
    /// What a challenge keeps. What cannot be read refuses: among it is what the sign-in still has to reach.
    pub(super) fn of(challenge: &ChallengeRow) -> Answer<Facts> {
        Ok(serde_json::from_str(&challenge.facts).map_err(anyhow::Error::from)?)
    }

    /// The facts as a challenge keeps them, with what the sign-in carries along.
    pub(super) fn text(&self, at: &At) -> Answer<String> {
        let device = at.device_key().map(str::to_owned).or_else(|| self.device.clone());
        let facts = Facts {
            device,
            goal: at.goal.or(self.goal),
            event: at.watch.event.clone().or_else(|| self.event.clone()),
            risk_goal: at.watch.goal.or(self.risk_goal),
            ..self.clone()
        };
        Ok(serde_json::to_string(&facts).map_err(anyhow::Error::from)?)
    }
}

impl Pools {
    /// Remembers a question without a code.
    pub(super) fn remember(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        kind: Kind,
        facts: &Facts,
    ) -> Answer<Asked> {
        let handle = Handle::fresh(tx.keys(), at.now);
        let expires = at.now.plus_ms(at.client.session_ms);
        tx.add_challenge(&self.row(at, subject, kind, &handle, expires, facts)?)?;
        Ok(Asked {
            kind,
            session: handle.text,
            available: Vec::new(),
            destination: None,
            expires,
            parameters: Vec::new(),
            user: None,
            missing: Vec::new(),
            second: Vec::new(),
            device: None,
        })
    }

    /// Remembers that a passkey is being registered, in one sign-in of its owner.
    pub(crate) fn remember_registration(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        handle: &Handle,
        expires: Timestamp,
        session: &str,
    ) -> Answer<()> {
        let facts = Facts { session: Some(session.to_owned()), ..Facts::default() };
        tx.add_challenge(&self.row(at, subject, Kind::RegisteringPasskey, handle, expires, &facts)?)?;
        Ok(())
    }

    /// The sign-in in which a passkey is being registered.
    pub(crate) fn registration_session(&self, challenge: &ChallengeRow) -> Answer<String> {
        Ok(Facts::of(challenge)?.session.unwrap_or_default())
    }

    /// Asks for a new password; the right temporary one was given.
    pub(crate) fn ask_for_new_password(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        user: User,
        missing: Vec<String>,
        challenge: Option<&ChallengeRow>,
    ) -> Answer<Asked> {
        // The pool's own challenges still follow where the password was asked for among them.
        let before = challenge.map(Facts::of).transpose()?.unwrap_or_default();
        let facts = Facts { amr: vec!["pwd".into()], custom: before.custom, ..Facts::default() };
        let asked = self.remember(tx, at, subject, Kind::NewPasswordRequired, &facts)?;
        Ok(Asked { user: Some(Box::new(user)), missing, ..asked })
    }

    /// Makes the session of a sign-up that was begun, or of one that was confirmed, with what its code has proven.
    pub(crate) fn session_of(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        subject: &Subject,
        kind: Kind,
        amr: &[&str],
    ) -> Answer<String> {
        let facts = Facts { amr: amr.iter().map(|&word| word.into()).collect(), ..Facts::default() };
        Ok(self.remember(tx, at, subject, kind, &facts)?.session)
    }

    pub(super) fn row(
        &self,
        at: &At,
        subject: &Subject,
        kind: Kind,
        handle: &Handle,
        expires: Timestamp,
        facts: &Facts,
    ) -> Answer<ChallengeRow> {
        Ok(ChallengeRow {
            handle_mac: handle.mac.to_vec(),
            pool_id: at.pool.id.clone(),
            client_id: at.client.id.clone(),
            user_id: subject.user.as_ref().map(|user| user.id.clone()),
            name_key: subject.name_key.clone(),
            kind: kind.as_str().into(),
            code_mac: None,
            code_mac_old: None,
            old_expires: Timestamp::default(),
            destination: None,
            attempts: 0,
            attempts_max: ATTEMPTS_MAX,
            sends: 0,
            sent: at.now,
            spent: false,
            facts: facts.text(at)?,
            created: at.now,
            expires,
        })
    }

    /// Finds the challenge that a session names, if it is of this kind, client and user. Nothing is spent when it
    /// is not.
    pub(crate) fn challenge(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        session: &str,
        kind: Kind,
        username: &str,
    ) -> Answer<ChallengeRow> {
        self.challenge_among(tx, at, session, &[kind], username)
    }

    /// The same where the session may be of several kinds.
    pub(super) fn challenge_among(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        session: &str,
        kinds: &[Kind],
        username: &str,
    ) -> Answer<ChallengeRow> {
        let macs = Handle::macs(tx.keys(), session);
        let challenge = tx
            .find_challenge(&macs)?
            .filter(|row| row.client_id == at.client.id && kinds.iter().any(|kind| kind.as_str() == row.kind))
            .ok_or_else(invalid_session)?;
        if at.pool.name_key(username) != challenge.name_key
            && !self.is_stand_in_name(tx, at, &challenge, username)
        {
            let named = self.find_user(tx, &at.pool, username)?.map(|user| user.id);
            if named.is_none() || named != challenge.user_id {
                return Err(invalid_session());
            }
        }
        Ok(challenge)
    }

    pub(crate) fn live(&self, challenge: &ChallengeRow, now: Timestamp) -> Answer<()> {
        match standing(challenge, now) {
            Standing::Live => Ok(()),
            Standing::Used => {
                refuse(NotAuthorizedException, "Invalid session for the user, session can only be used once.")
            }
            Standing::Expired | Standing::Exhausted => {
                refuse(NotAuthorizedException, "Invalid session for the user, session is expired.")
            }
        }
    }

    pub(crate) fn consume(
        &self,
        tx: &mut Tx<'_>,
        challenge: &ChallengeRow,
        kind: Kind,
        now: Timestamp,
    ) -> Answer<()> {
        if tx.consume_challenge(&challenge.handle_mac, kind.as_str(), now)? {
            return Ok(());
        }
        refuse(NotAuthorizedException, "Invalid session for the user, session can only be used once.")
    }
}

pub(super) fn invalid_session() -> Error {
    refusal(NotAuthorizedException, "Invalid session for the user.")
}
