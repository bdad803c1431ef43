//! Passkeys as a user has them: which host they belong to, how one is made, shown and removed, and how one is judged.
//! Whoever asks brings the challenge and sees to it that it is used once; the rules stand in `auth/webauthn.rs`.

mod ceremony;

pub use ceremony::Ceremony;

use crate::Pools;
use crate::auth::factors::Factor;
use crate::auth::webauthn::{
    ALGORITHMS, Assertion, Fault, Known, Registered, Registration, RelyingParty, Seen,
};
use crate::limits;
use crate::messages::Occasion;
use crate::outgoing::shown_name;
use crate::pool::Pool;
use crate::step::{At, Proof, Subject};
use crate::user::{Acting, Status, User};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, Error, refusal, refuse};
use postern_store::passkeys::PasskeyRow;
use postern_store::{Timestamp, Tx, random};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How long a challenge of a ceremony may wait for its answer (rule F4).
pub const CHALLENGE_MS: i64 = 5 * 60_000;
/// Passkeys of one user (quota).
const PASSKEYS_MAX: usize = 20;
/// What browsers are told to wait for a new passkey, as Cognito tells them.
const REGISTRATION_TIMEOUT_MS: i64 = 60_000;
const ASSERTION_TIMEOUT_MS: i64 = 180_000;

/// Who wants to change their passkeys, and by which sign-in.
pub struct Owner<'a> {
    pub user: &'a User,
    pub acting: Acting,
}

/// Whose passkey will do.
#[derive(Clone, Copy)]
pub enum Whose<'a> {
    /// That of whoever a sign-in was begun for; nobody's, where that is nobody.
    Of(&'a Subject),
    /// Anybody's who is named by the passkey itself.
    Anybody,
}

/// What is remembered of a passkey beside its key.
#[derive(Serialize, Deserialize)]
pub struct Facts {
    pub name: String,
    pub attachment: Option<String>,
    pub transports: Vec<String>,
    /// The model of the authenticator, in hex.
    model: String,
    may_be_backed_up: bool,
    is_backed_up: bool,
}

/// Draws a challenge: 256 bits.
pub fn fresh_challenge() -> String {
    BASE64URL.encode(random::bytes::<32>())
}

impl Pools {
    /// The relying party of a pool: what its settings say, else its own domain, else the host of its prefix domain, which is
    /// ours unless the prefix is a name of its own elsewhere. Nothing where there is none of these.
    pub fn relying_party(&self, tx: &mut Tx<'_>, pool: &Pool) -> Answer<Option<RelyingParty>> {
        let mut own_origin = self.place.public_url.clone();
        let id = match &pool.passkeys.relying_party {
            Some(id) => Some(id.clone()),
            None => {
                let domains = tx.domains_of_pool(&pool.id)?;
                match domains.iter().find(|domain| domain.custom) {
                    Some(custom) => Some(custom.name.clone()),
                    None => domains.first().map(|prefix| {
                        let url = self.place.domain_url(&prefix.name, false);
                        if let Some(url) = url.filter(|url| !is_below(host(url), host(&own_origin))) {
                            own_origin = url;
                        }
                        host(&own_origin).to_owned()
                    }),
                }
            }
        };
        let verifies_user = pool.passkeys.verifies_user;
        Ok(id.map(|id| RelyingParty { id, own_origin, verifies_user }))
    }

    /// Tells whether somebody may register a passkey here, and with whom: only who has proven lately who they are
    /// (rule F4), for whoever borrows a session should not keep a key to it.
    pub fn may_register(&self, tx: &mut Tx<'_>, at: &At, owner: &Owner<'_>) -> Answer<RelyingParty> {
        if !at.pool.allowed_factors.contains(&Factor::WebAuthn) {
            return refuse(WebAuthnNotEnabledException, "Passkeys are not enabled for this user pool.");
        }
        if owner.user.status == Status::ExternalProvider {
            return refuse(NotAuthorizedException, "A user of an identity provider signs in there.");
        }
        self.require_recent_proof(at, owner)?;
        self.relying_party(tx, &at.pool)?.ok_or_else(|| {
            refusal(
                WebAuthnConfigurationMissingException,
                "The user pool has no relying party: set RelyingPartyId or add a domain.",
            )
        })
    }

    /// Tells whether whoever proved themselves at a moment may change their passkeys now.
    pub fn is_fresh(&self, at: &At, auth: Timestamp) -> bool {
        limits::is_fresh(auth.seconds(), self.rules.fresh_sign_in_s, at.now)
    }

    fn require_recent_proof(&self, at: &At, owner: &Owner<'_>) -> Answer<()> {
        if self.is_fresh(at, owner.acting.since) {
            return Ok(());
        }
        refuse(
            NotAuthorizedException,
            format!(
                "Sign in again to change your passkeys: the last sign-in is more than {} minutes old (setting \
                 limits.fresh_sign_in_minutes).",
                self.rules.fresh_sign_in_s / 60
            ),
        )
    }

    /// What a browser needs to make a passkey (`PublicKeyCredentialCreationOptionsJSON`).
    pub fn registration_options(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        owner: &Owner<'_>,
        challenge: &str,
    ) -> Answer<Value> {
        let party = self.may_register(tx, at, owner)?;
        let there = tx.passkeys_of_user(&at.pool.id, &owner.user.id)?;
        refuse_more(&there)?;
        Ok(creation_options(&party, &owner.user.id, shown_name(&at.pool, owner.user), &there, challenge))
    }

    /// Registers what a browser made for a challenge. What is wrong with it is the inner refusal, so that the
    /// challenge stays used.
    pub fn register_passkey(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        owner: &Owner<'_>,
        challenge: &str,
        registration: Registration,
    ) -> Answer<Result<(), Error>> {
        let subject = Subject::of(owner.user);
        let party = match self.may_register(tx, at, owner) {
            Ok(party) => party,
            Err(refused @ Error::Refused(_)) => return Ok(Err(refused)),
            Err(failed) => return Err(failed),
        };
        let registered = match registration.judge(&party, challenge) {
            Ok(registered) => registered,
            Err(fault) => {
                self.audit(tx, at, &subject, "RegisterPasskey", "refused", &fault.to_string())?;
                return Ok(Err(refused_registration(fault)));
            }
        };
        // Others who change this user wait from here on, so that the count holds.
        let mut user = self.user_to_change(tx, owner.user)?;
        if let Err(too_many) = refuse_more(&tx.passkeys_of_user(&at.pool.id, &user.id)?) {
            return Ok(Err(too_many));
        }
        let row = row_of(&registered, &party, &at.pool.id, &user.id, at.now)?;
        if !tx.add_passkey(&row)? {
            return Ok(Err(refusal(InvalidParameterException, "This passkey is registered already.")));
        }
        self.audit(tx, at, &subject, "RegisterPasskey", "registered", "")?;
        user.sign_out_others(tx, owner.acting, at.now)?;
        self.tell(tx, at, &user, Occasion::PasskeyAdded)?;
        Ok(Ok(()))
    }

    /// Removes a passkey of its owner.
    pub fn remove_passkey(&self, tx: &mut Tx<'_>, at: &At, owner: &Owner<'_>, id: &str) -> Answer<()> {
        self.require_recent_proof(at, owner)?;
        let is_gone = match BASE64URL.decode(id) {
            Ok(id) => tx.delete_passkey(&at.pool.id, &owner.user.id, &id)?,
            Err(_) => false,
        };
        if !is_gone {
            return refuse(ResourceNotFoundException, "The passkey does not exist.");
        }
        self.audit(tx, at, &Subject::of(owner.user), "RemovePasskey", "removed", "")?;
        let mut user = self.user_to_change(tx, owner.user)?;
        user.sign_out_others(tx, owner.acting, at.now)?;
        self.tell(tx, at, owner.user, Occasion::PasskeyRemoved)
    }

    /// Tells whether somebody has a passkey for a pool's relying party. Looks in any case, so that time tells nothing.
    pub fn has_passkey(&self, tx: &mut Tx<'_>, pool: &Pool, subject: &Subject) -> Answer<bool> {
        let Some(party) = self.relying_party(tx, pool)? else { return Ok(false) };
        let there = tx.passkeys_of_user(&pool.id, subject.bound())?;
        Ok(subject.user.is_some() && there.iter().any(|row| row.rp_id == party.id))
    }

    /// What a browser needs to sign in by a passkey (`PublicKeyCredentialRequestOptionsJSON`). Where existence is
    /// hidden no passkeys are named, for anybody: all of ours can be found without (rule E5).
    pub fn assertion_options(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        whose: Whose<'_>,
        challenge: &str,
    ) -> Answer<Option<Value>> {
        let Some(party) = self.relying_party(tx, &at.pool)? else { return Ok(None) };
        let named = match whose {
            Whose::Of(subject) if !at.client.hides_existence => {
                tx.passkeys_of_user(&at.pool.id, subject.bound())?
            }
            _ => Vec::new(),
        };
        let mut allowed = Vec::new();
        for row in named.iter().filter(|row| row.rp_id == party.id) {
            let facts: Facts = serde_json::from_str(&row.facts).map_err(anyhow::Error::from)?;
            let id = BASE64URL.encode(&row.id);
            allowed.push(json!({ "id": id, "type": "public-key", "transports": facts.transports }));
        }
        Ok(Some(request_options(&party, &allowed, challenge)))
    }

    /// Judges what a browser answered to a challenge. A right answer moves the passkey's counter on, by a conditional
    /// write, so that one answer counts once.
    pub fn judge_passkey(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        challenge: &str,
        whose: Whose<'_>,
        assertion: &Assertion,
    ) -> Answer<Result<(User, Proof), Fault>> {
        let Some(party) = self.relying_party(tx, &at.pool)? else { return Ok(Err(Fault::RelyingParty)) };
        let row = tx.find_passkey(&at.pool.id, &assertion.id)?.filter(|row| row.rp_id == party.id);
        let row = row.filter(|row| match whose {
            Whose::Of(subject) => subject.user.as_ref().is_some_and(|user| user.id == row.user_id),
            Whose::Anybody => assertion.user_handle.as_deref() == Some(row.user_id.as_bytes()),
        });
        let Some(row) = row else { return Ok(Err(Fault::Owner)) };
        let (seen, facts) = match judged(&row, &party, challenge, assertion)? {
            Ok(seen) => seen,
            Err(fault) => return Ok(Err(fault)),
        };
        if !tx.note_passkey_use(&row, i64::from(seen.sign_count), &text_of(&facts)?, at.now)? {
            return Ok(Err(Fault::Counter));
        }
        let user = tx.user_by_id(&at.pool.id, &row.user_id)?.map(User::from_row).transpose()?;
        let Some(user) = user else { return Ok(Err(Fault::Owner)) };
        let mut amr = vec![if facts.may_be_backed_up { "swk" } else { "hwk" }.to_owned()];
        if at.pool.passkeys.counts_as_mfa && seen.verified_user {
            amr.push("mfa".to_owned());
        }
        Ok(Ok((user, Proof { amr, told: "by passkey" })))
    }
}

impl Facts {
    fn of(registered: &Registered) -> Facts {
        Facts {
            name: name_of(registered).to_owned(),
            attachment: registered.attachment.clone(),
            transports: registered.transports.clone(),
            model: hex::encode(registered.model),
            may_be_backed_up: registered.may_be_backed_up,
            is_backed_up: registered.is_backed_up,
        }
    }
}

/// What a passkey is called in lists: by its keeper where that says who it is, else by its kind.
fn name_of(registered: &Registered) -> &'static str {
    const KEEPERS: [(&str, &str); 8] = [
        ("ea9b8d664d011d213ce4b6b48cb575d4", "Google Password Manager"),
        ("adce000235bcc60a648b0b25f1f05503", "Chrome on Mac"),
        ("fbfc3007154e4ecc8c0b6e020557d7bd", "iCloud Keychain"),
        ("9ddd1817af5a4672a2b93e3dd95000a9", "Windows Hello"),
        ("6028b017b1d44c02b4b3afcdafc96bb2", "Windows Hello"),
        ("bada5566a7aa401fbd9645619a55120d", "1Password"),
        ("d548826e79b4db40a3d811116f7e8349", "Bitwarden"),
        ("531126d6e717415c93203d9aa6981239", "Dashlane"),
    ];
    let model = hex::encode(registered.model);
    match KEEPERS.iter().find(|(keeper, _)| *keeper == model) {
        Some((_, name)) => name,
        None if registered.attachment.as_deref() == Some("platform") => "Platform passkey",
        None => "Roaming passkey",
    }
}

/// What a browser needs to make a passkey for somebody beside those that are there.
pub(crate) fn creation_options(
    party: &RelyingParty,
    handle: &str,
    name: &str,
    there: &[PasskeyRow],
    challenge: &str,
) -> Value {
    let algorithms: Vec<Value> =
        ALGORITHMS.iter().map(|number| json!({ "type": "public-key", "alg": number })).collect();
    let excluded: Vec<Value> =
        there.iter().map(|row| json!({ "type": "public-key", "id": BASE64URL.encode(&row.id) })).collect();
    json!({
        "rp": { "id": party.id, "name": party.id },
        "user": { "id": BASE64URL.encode(handle), "name": name, "displayName": name },
        "challenge": challenge,
        "pubKeyCredParams": algorithms,
        "timeout": REGISTRATION_TIMEOUT_MS,
        "excludeCredentials": excluded,
        "authenticatorSelection": {
            "requireResidentKey": true,
            "residentKey": "required",
            "userVerification": user_verification(party),
        },
    })
}

/// What a browser needs to use a passkey.
pub(crate) fn request_options(party: &RelyingParty, allowed: &[Value], challenge: &str) -> Value {
    json!({
        "challenge": challenge,
        "timeout": ASSERTION_TIMEOUT_MS,
        "rpId": party.id,
        "allowCredentials": allowed,
        "userVerification": user_verification(party),
    })
}

/// A passkey that was just made, as it is kept.
pub(crate) fn row_of(
    registered: &Registered,
    party: &RelyingParty,
    pool_id: &str,
    user_id: &str,
    now: Timestamp,
) -> Answer<PasskeyRow> {
    Ok(PasskeyRow {
        pool_id: pool_id.to_owned(),
        id: registered.id.clone(),
        user_id: user_id.to_owned(),
        rp_id: party.id.clone(),
        public_key: registered.public_key.clone(),
        sign_count: i64::from(registered.sign_count),
        facts: text_of(&Facts::of(registered))?,
        created: now,
        used: None,
    })
}

/// Judges the answer of a passkey that is known; gives what it showed, and what is to be remembered of it now.
pub(crate) fn judged(
    row: &PasskeyRow,
    party: &RelyingParty,
    challenge: &str,
    assertion: &Assertion,
) -> Answer<Result<(Seen, Facts), Fault>> {
    let mut facts: Facts = serde_json::from_str(&row.facts).map_err(anyhow::Error::from)?;
    let known = Known {
        public_key: &row.public_key,
        sign_count: u32::try_from(row.sign_count).unwrap_or(u32::MAX),
        may_be_backed_up: facts.may_be_backed_up,
        user_handle: row.user_id.as_bytes(),
    };
    Ok(assertion.judge(party, challenge, &known).map(|seen| {
        facts.is_backed_up = seen.is_backed_up;
        (seen, facts)
    }))
}

pub(crate) fn refuse_more(there: &[PasskeyRow]) -> Answer<()> {
    if there.len() >= PASSKEYS_MAX {
        return refuse(LimitExceededException, format!("A user can have {PASSKEYS_MAX} passkeys."));
    }
    Ok(())
}

pub(crate) fn refused_registration(fault: Fault) -> Error {
    let kind = match fault {
        Fault::Challenge => WebAuthnChallengeNotFoundException,
        Fault::Origin | Fault::Framed => WebAuthnOriginNotAllowedException,
        Fault::RelyingParty => WebAuthnRelyingPartyMismatchException,
        Fault::Key | Fault::Attestation => WebAuthnCredentialNotSupportedException,
        _ => InvalidParameterException,
    };
    refusal(kind, format!("The passkey cannot be registered: {fault}."))
}

fn user_verification(party: &RelyingParty) -> &'static str {
    if party.verifies_user { "required" } else { "preferred" }
}

pub(crate) fn text_of(facts: &Facts) -> Answer<String> {
    Ok(serde_json::to_string(facts).map_err(anyhow::Error::from)?)
}

/// The host of a URL, without its port.
/// Tells whether the passkeys of one host may be used at another.
fn is_below(host: &str, party: &str) -> bool {
    host == party || host.strip_suffix(party).is_some_and(|rest| rest.ends_with('.'))
}

pub(crate) fn host(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    authority.split([':', '/']).next().unwrap_or_default()
}
