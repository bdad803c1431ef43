//! Proves who signed a request: looks up the key, checks the signature, names the caller.

use crate::access::Access;
use crate::caller::Principal;
use crate::fault::SignatureFault;
use crate::names::{role_arn, user_arn};
use crate::sigv4::{self, Presented, Request};
use anyhow::Result;
use postern_store::{Purpose, Timestamp, Tx};

/// How long a note of a key's last use stands, so that not every call writes one.
const NOTE_EVERY_MS: i64 = 15 * 60 * 1000;

/// Why a request's signature proves nothing.
#[derive(Debug)]
pub enum Unproved {
    Fault(SignatureFault),
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Unproved {
    fn from(cause: anyhow::Error) -> Self {
        Unproved::Failed(cause)
    }
}

impl From<SignatureFault> for Unproved {
    fn from(fault: SignatureFault) -> Self {
        Unproved::Fault(fault)
    }
}

/// A key that a signature can be checked with.
struct Known {
    principal: Principal,
    secret: String,
    /// A session's end.
    expires: Option<Timestamp>,
    /// The note of its last use is old.
    to_note: bool,
}

impl Access {
    /// Proves who signed a request to a service (`cognito-idp`, `ses`, `iam`, `sts`). Any region will do.
    pub async fn authenticate(&self, request: &Request<'_>, service: &str) -> Result<Principal, Unproved> {
        let presented = sigv4::parse(request)?;
        let now = self.clock.now();
        let (access, asked) = (self.clone(), presented.clone());
        let found = self.store.read(move |tx| access.find_key(tx, &asked, now)).await?;
        let Some(known) = found else { return Err(SignatureFault::UnknownKey.into()) };
        sigv4::verify(&presented, &known.secret, service, now)?;
        // Said only to who holds the secret.
        if known.expires.is_some_and(|expires| now >= expires) {
            return Err(SignatureFault::ExpiredSession.into());
        }
        if known.to_note {
            let id = presented.access_key_id;
            self.store.write(move |tx| tx.note_iam_key_used(&id, now)).await?;
        }
        Ok(known.principal)
    }

    /// Proves who holds a long-term key, by its secret itself: what a person types at the console. The comparison
    /// is that of signatures, so nothing is told about the secret.
    pub async fn prove_key(&self, key_id: &str, secret: &str) -> Result<Principal, Unproved> {
        let (access, asked, now) = (self.clone(), key_id.to_owned(), self.clock.now());
        let found = self.store.read(move |tx| access.long_term_key(tx, &asked, now)).await?;
        let Some(known) = found else { return Err(SignatureFault::UnknownKey.into()) };
        let keys = self.store.keys();
        let given = keys.mac(Purpose::Handle, &[b"typed secret", secret.as_bytes()]);
        if !keys.mac_matches(Purpose::Handle, &[b"typed secret", known.secret.as_bytes()], &given) {
            return Err(SignatureFault::Mismatch.into());
        }
        if known.to_note {
            let id = key_id.to_owned();
            self.store.write(move |tx| tx.note_iam_key_used(&id, now)).await?;
        }
        Ok(known.principal)
    }

    /// Tells whose key this is, if it is there and active.
    pub fn holder_of_key(&self, tx: &mut Tx<'_>, key_id: &str) -> Result<Option<Principal>> {
        Ok(self.long_term_key(tx, key_id, self.clock.now())?.map(|known| known.principal))
    }

    /// The user of an id, while it is there.
    pub fn user(&self, tx: &mut Tx<'_>, id: &str) -> Result<Option<Principal>> {
        let user = tx.find_iam_user_by_id(id)?;
        Ok(user.map(|user| {
            let arn = user_arn(&self.account, &user.path, &user.name);
            Principal::User { name: user.name, id: user.id, arn }
        }))
    }

    fn long_term_key(&self, tx: &mut Tx<'_>, key_id: &str, now: Timestamp) -> Result<Option<Known>> {
        let Some((key, secret)) = tx.find_iam_key(key_id)?.filter(|(key, _)| key.active) else {
            return Ok(None);
        };
        let Some(principal) = self.user(tx, &key.user_id)? else { return Ok(None) };
        Ok(Some(Known {
            principal,
            secret,
            expires: None,
            to_note: key.last_used.is_none_or(|noted| now.since(noted) > NOTE_EVERY_MS),
        }))
    }

    /// Tells whether the key that a request names is there, before anything is known to be signed by it.
    pub async fn knows_key(&self, request: &Request<'_>) -> Result<bool> {
        let Ok(presented) = sigv4::parse(request) else { return Ok(false) };
        let (access, now) = (self.clone(), self.clock.now());
        self.store.read(move |tx| Ok(access.find_key(tx, &presented, now)?.is_some())).await
    }

    /// Finds an active long-term key, or a session whose token was presented. A key with a token that is not its
    /// own is as good as unknown.
    fn find_key(&self, tx: &mut Tx<'_>, presented: &Presented, now: Timestamp) -> Result<Option<Known>> {
        let key_id = &presented.access_key_id;
        let Some(token) = &presented.token else { return self.long_term_key(tx, key_id, now) };
        let Some(secret) = tx.iam_session_secret(key_id, token)? else { return Ok(None) };
        let Some(session) = tx.find_iam_session(key_id)? else { return Ok(None) };
        let Some(role) = tx.find_iam_role_by_id(&session.role_id)? else { return Ok(None) };
        Ok(Some(Known {
            principal: Principal::Session {
                role_arn: role_arn(&self.account, &role.path, &role.name),
                role_name: role.name,
                role_id: role.id,
                session: session.session,
                key_id: Some(session.key_id),
            },
            secret,
            expires: Some(session.expires),
            to_note: false,
        }))
    }
}
