//! A user as the rules see it: the row of the store with its attributes read.

use crate::auth::factors::Has;
use crate::destination::{Destination, Medium};
use crate::names::name_key;
use anyhow::Result;
use postern_mail::address::Address;
use postern_store::users::UserRow;
use postern_store::{Timestamp, Tx, random};
use std::collections::BTreeMap;
use std::fmt;

/// The attribute, and the claim, that tells who a user is at outside providers.
pub const IDENTITIES: &str = "identities";

/// Where a user stands (`UserStatusType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Unconfirmed,
    Confirmed,
    ForceChangePassword,
    ResetRequired,
    /// Signs in by an outside provider, and in no other way.
    ExternalProvider,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Unconfirmed => "UNCONFIRMED",
            Status::Confirmed => "CONFIRMED",
            Status::ForceChangePassword => "FORCE_CHANGE_PASSWORD",
            Status::ResetRequired => "RESET_REQUIRED",
            Status::ExternalProvider => "EXTERNAL_PROVIDER",
        }
    }

    /// Tells whether somebody may set a new password by a code. One who waits for confirmation or for the change of a
    /// temporary password goes on with that instead.
    pub fn may_reset(self) -> bool {
        matches!(self, Status::Confirmed | Status::ResetRequired)
    }

    pub fn parse(text: &str) -> Option<Self> {
        [
            Status::Unconfirmed,
            Status::Confirmed,
            Status::ForceChangePassword,
            Status::ResetRequired,
            Status::ExternalProvider,
        ]
        .into_iter()
        .find(|status| status.as_str() == text)
    }
}

/// What is kept of a password: both parts are made where it is set, and go together.
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    /// Argon2id in PHC format, or what was taken over.
    pub hash: String,
    /// The SRP verifier, sealed; a hash that was taken over has none.
    pub verifier: Option<Vec<u8>>,
}

/// A user of a pool.
#[derive(Clone)]
pub struct User {
    pub pool_id: String,
    /// The `sub`: UUID-shaped, stable, never used again.
    pub id: String,
    pub username: String,
    pub status: Status,
    pub enabled: bool,
    /// Values by name, without the `sub`.
    pub attributes: BTreeMap<String, String>,
    pub password: Option<Password>,
    pub password_expires: Option<Timestamp>,
    /// The moment up to which no sign-in counts: see [`User::sign_out_up_to`].
    pub signed_out: Timestamp,
    pub created: Timestamp,
    pub modified: Timestamp,
}

/// By which sign-in a user acts.
#[derive(Clone, Copy)]
pub struct Acting {
    /// Tokens of a client that cannot revoke them do not tell, nor do browsers.
    pub sign_in: Option<[u8; 16]>,
    pub since: Timestamp,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "User({}, {})", self.id, self.status.as_str())
    }
}

/// Draws a fresh `sub`. Its shape is a UUID's; Cognito's has no version bits either.
pub fn fresh_id() -> String {
    uuid_text(random::bytes())
}

/// Makes a user that is still to be filled.
pub fn blank(pool_id: &str, now: Timestamp) -> User {
    User {
        pool_id: pool_id.to_owned(),
        id: fresh_id(),
        username: String::new(),
        status: Status::Unconfirmed,
        enabled: true,
        attributes: BTreeMap::new(),
        password: None,
        password_expires: None,
        signed_out: Timestamp::default(),
        created: now,
        modified: now,
    }
}

/// Writes 16 bytes as a UUID.
pub fn uuid_text(bytes: [u8; 16]) -> String {
    uuid::Uuid::from_bytes(bytes).to_string()
}

impl User {
    pub fn from_row(row: UserRow) -> Result<Self> {
        let mut attributes: BTreeMap<String, String> = serde_json::from_str(&row.attributes)?;
        // The id alone says who somebody is, whatever was once written beside it.
        attributes.remove("sub");
        Ok(User {
            attributes,
            status: Status::parse(&row.status)
                .ok_or_else(|| anyhow::anyhow!("user {} has an unknown status", row.id))?,
            pool_id: row.pool_id,
            id: row.id,
            username: row.username,
            enabled: row.enabled,
            password: row.password.map(|hash| Password { hash, verifier: row.verifier }),
            password_expires: row.password_expires,
            signed_out: row.signed_out,
            created: row.created,
            modified: row.modified,
        })
    }

    pub fn to_row(&self) -> Result<UserRow> {
        Ok(UserRow {
            pool_id: self.pool_id.clone(),
            id: self.id.clone(),
            username: self.username.clone(),
            status: self.status.as_str().into(),
            enabled: self.enabled,
            attributes: serde_json::to_string(&self.attributes)?,
            // Searches fold case, whatever sign-in does.
            email_key: self.attributes.get("email").map(|email| name_key(email, false)),
            phone_key: self.attributes.get("phone_number").cloned(),
            password: self.password.as_ref().map(|password| password.hash.clone()),
            verifier: self.password.as_ref().and_then(|password| password.verifier.clone()),
            password_expires: self.password_expires,
            signed_out: self.signed_out,
            created: self.created,
            modified: self.modified,
        })
    }

    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Where a medium reaches the user: the stored address, never one that was typed (rule A5).
    pub fn destination(&self, medium: Medium) -> Option<Destination> {
        match medium {
            Medium::Email => self.email().map(|address| Destination::email(&address)),
            Medium::Sms => self.attribute(medium.attribute()).map(Destination::phone),
        }
    }

    pub fn email(&self) -> Option<Address> {
        self.attribute("email").and_then(|email| Address::parse(email).ok())
    }

    pub fn is_verified(&self, attribute: &str) -> bool {
        self.attribute(&format!("{attribute}_verified")) == Some("true")
    }

    pub fn set_verified(&mut self, attribute: &str, verified: bool) {
        self.attributes.insert(format!("{attribute}_verified"), verified.to_string());
    }

    /// What the user's own row says they have.
    pub fn has(&self) -> Has {
        let password = self.password.as_ref();
        Has {
            password: password.is_some(),
            verifier: password.is_some_and(|password| password.verifier.is_some()),
            email: self.email().is_some(),
            phone: self.destination(Medium::Sms).is_some(),
            passkey: false,
        }
    }

    /// All attributes with the `sub` first, as every answer shows them.
    pub fn shown_attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        std::iter::once(("sub", self.id.as_str())).chain(
            self.attributes
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.as_str(), value.as_str())),
        )
    }

    /// Has no sign-in up to a moment count any more. None that has ended comes back, however late or early the clock was
    /// read that this moment is from.
    pub fn sign_out_up_to(&mut self, moment: Timestamp) {
        self.signed_out = self.signed_out.max(moment);
    }

    /// Revokes all tokens of the user, by one moment up to which none counts.
    pub fn sign_out(&mut self, tx: &mut Tx<'_>, now: Timestamp) -> Result<()> {
        self.sign_out_up_to(now);
        self.save(tx, now)?;
        Ok(())
    }

    /// Ends all sign-ins but the one by which the user acts: a factor was changed (rule B4). Where it does not tell which
    /// one it is, those that began before it end.
    pub fn sign_out_others(&mut self, tx: &mut Tx<'_>, acting: Acting, now: Timestamp) -> Result<()> {
        // What begins in the moment itself counts.
        self.sign_out_up_to(acting.sign_in.map_or(acting.since, |_| now).minus_ms(1));
        self.save(tx, now)?;
        if let Some(kept) = acting.sign_in {
            // One that counts from then on is later than all that end here.
            tx.count_sign_in_from(&kept, self.signed_out.plus_ms(1))?;
        }
        Ok(())
    }

    /// Writes the user back; false when it is gone.
    pub fn save(&mut self, tx: &mut Tx<'_>, now: Timestamp) -> Result<bool> {
        self.modified = now;
        tx.change_user(&self.to_row()?)
    }
}
