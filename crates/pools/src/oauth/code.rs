//! Authorization codes: given to an app through the browser, changed into tokens once, within a minute (rule O3).

use super::authorize::AuthorizeRequest;
use super::browser::Person;
use super::errors::{INVALID_GRANT, INVALID_TARGET};
use super::pkce;
use super::redirect::Back;
use crate::Pools;
use crate::functions;
use crate::sign_in::{At, Subject};
use crate::tokens::{Grant, SignInFacts, grant};
use crate::user::{User, fresh_id};
use postern_model::{Answer, Error, refusal};
use postern_store::login::AuthorizationCodeRow;
use postern_store::{Purpose, Timestamp, Tx};
use serde::{Deserialize, Serialize};

/// Life of a code. AWS gives five minutes; an app needs seconds (RFC 6749 §4.1.2, rule O3).
const LIFE_MS: i64 = 60_000;
/// What the audit calls the change of a code into tokens.
const ACTION: &str = "RedeemCode";

/// What a code stands for.
#[derive(Serialize, Deserialize)]
struct Facts {
    user_id: String,
    redirect_uri: String,
    redirect_uri_sent: bool,
    code_challenge: Option<String>,
    issued_ms: i64,
    sign_in: SignInFacts,
}

/// A code as it was presented.
pub struct Presented<'a> {
    pub code: &'a str,
    pub redirect_uri: Option<&'a str>,
    pub code_verifier: Option<&'a str>,
    pub resource: Option<&'a str>,
}

impl Pools {
    /// Makes a code for a person, for the browser to take to the app.
    pub fn answer_with_code(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        request: &AuthorizeRequest,
        person: &Person,
    ) -> Answer<Back> {
        let code = fresh_id();
        let facts = Facts {
            user_id: person.user.id.clone(),
            redirect_uri: request.redirect_uri.clone(),
            redirect_uri_sent: request.redirect_uri_sent,
            code_challenge: request.code_challenge.clone(),
            issued_ms: at.now.ms(),
            sign_in: person.facts(&at.pool, request),
        };
        tx.add_authorization_code(&AuthorizationCodeRow {
            code_mac: tx.keys().mac(Purpose::Token, &parts(&code)).to_vec(),
            pool_id: at.pool.id.clone(),
            client_id: at.client.id.clone(),
            facts: serde_json::to_string(&facts).map_err(anyhow::Error::from)?,
            spent: false,
            sign_in_id: None,
            expires: at.now.plus_ms(LIFE_MS),
        })?;
        let mut parameters = vec![("code", code)];
        parameters.extend(request.state.clone().map(|state| ("state", state)));
        parameters.push(("iss", at.pool.issuer.clone()));
        Ok(Back { address: request.redirect_uri.clone(), parameters, mode: request.mode })
    }

    /// Uses a code up. A refusal that must be remembered (the code came back, or was presented wrongly) is the
    /// inner one, so that what it wrote stays.
    pub(super) fn redeem_or_note(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        presented: &Presented<'_>,
    ) -> Answer<Result<Grant, Error>> {
        let macs = tx.keys().macs(Purpose::Token, &parts(presented.code));
        let Some(row) = tx.find_authorization_code(&macs)? else { return Ok(Err(no())) };
        if row.spent {
            return self.code_came_back(tx, at, &row);
        }
        let facts: Facts = serde_json::from_str(&row.facts).map_err(anyhow::Error::from)?;
        if row.pool_id != at.pool.id || row.client_id != at.client.id || !is_proven(&facts, presented) {
            tx.spoil_authorization_code(&row.code_mac)?;
            let subject = owner_of(tx, &row.pool_id, &facts)?;
            self.audit(tx, at, &subject, ACTION, "refused", "presented by who did not ask for it")?;
            return Ok(Err(no()));
        }
        let user = tx.user_by_id(&row.pool_id, &facts.user_id)?.map(User::from_row).transpose()?;
        let issued = Timestamp::from_ms(facts.issued_ms);
        let Some(user) = user.filter(|user| user.enabled && issued > user.signed_out) else {
            return Ok(Err(no()));
        };
        if at.now >= row.expires {
            return Ok(Err(no()));
        }
        // A code stays bound to the resource that it was asked for (RFC 8707 §2.2).
        if presented.resource.is_some() && presented.resource != facts.sign_in.resource.as_deref() {
            return Ok(Err(refusal(INVALID_TARGET, "resource must be the one of the authorization request")));
        }
        let mut grant = grant(tx, &at.pool, &at.client, &user, &facts.sign_in, at.now)?;
        crate::sessions::track(tx, at, &user, &grant.id, at.client.lifetimes.refresh_s)?;
        if tx.consume_authorization_code(&row.code_mac, &grant.id, at.now)? {
            return match self.pre_token_generation(tx, at, &user, "HostedAuth", &mut grant) {
                Ok(()) => {
                    self.audit(tx, at, &Subject::of(&user), ACTION, "redeemed", "")?;
                    Ok(Ok(grant))
                }
                // The code is used up, whatever the function says.
                Err(Error::Refused(no)) if functions::refused(no.kind) => {
                    tx.revoke_sign_in(&grant.id)?;
                    Ok(Err(Error::Refused(no)))
                }
                Err(error) => Err(error),
            };
        }
        // Somebody else was faster by a moment: neither keeps anything.
        tx.revoke_sign_in(&grant.id)?;
        match tx.find_authorization_code(&macs)? {
            Some(row) => self.code_came_back(tx, at, &row),
            None => Ok(Err(no())),
        }
    }

    /// A code that comes a second time was stolen, before or after: what was made of it ends (RFC 9700 §4.5.3).
    fn code_came_back(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        row: &AuthorizationCodeRow,
    ) -> Answer<Result<Grant, Error>> {
        if let Some(id) = row.sign_in_id.as_deref().and_then(|id| <[u8; 16]>::try_from(id).ok())
            && tx.revoke_sign_in(&id)?
        {
            let facts: Facts = serde_json::from_str(&row.facts).map_err(anyhow::Error::from)?;
            let subject = owner_of(tx, &row.pool_id, &facts)?;
            self.audit(tx, at, &subject, ACTION, "reused", "all tokens of the sign-in are revoked")?;
        }
        Ok(Err(no()))
    }
}

/// Tells whether whoever presents a code is the one that asked for it.
fn is_proven(facts: &Facts, presented: &Presented<'_>) -> bool {
    let redirect_uri_matches = match presented.redirect_uri {
        Some(redirect_uri) => redirect_uri == facts.redirect_uri,
        None => !facts.redirect_uri_sent,
    };
    redirect_uri_matches && pkce::proves(facts.code_challenge.as_deref(), presented.code_verifier)
}

/// Whom a code stands for.
fn owner_of(tx: &mut Tx<'_>, pool_id: &str, facts: &Facts) -> Answer<Subject> {
    let user = tx.user_by_id(pool_id, &facts.user_id)?.map(User::from_row).transpose()?;
    Ok(Subject { name_key: facts.user_id.clone(), user })
}

fn parts(code: &str) -> [&[u8]; 2] {
    [b"authorization code", code.as_bytes()]
}

fn no() -> Error {
    refusal(INVALID_GRANT, "")
}
