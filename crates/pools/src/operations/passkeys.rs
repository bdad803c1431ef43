//! A user's own passkeys: StartWebAuthnRegistration, CompleteWebAuthnRegistration, ListWebAuthnCredentials,
//! DeleteWebAuthnCredential.

use crate::Pools;
use crate::auth::challenge::{Handle, Standing, standing};
use crate::auth::webauthn::Registration;
use crate::operations::tokens::Bearer;
use crate::page;
use crate::passkeys::{CHALLENGE_MS, Facts, Owner, fresh_challenge};
use crate::sign_in::{At, Kind, Subject};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::{
    CompleteWebAuthnRegistrationRequest, CompleteWebAuthnRegistrationResponse,
    DeleteWebAuthnCredentialRequest, DeleteWebAuthnCredentialResponse, ListWebAuthnCredentialsRequest,
    ListWebAuthnCredentialsResponse, StartWebAuthnRegistrationRequest, StartWebAuthnRegistrationResponse,
    WebAuthnCredentialDescription, op,
};
use postern_model::shape::Timestamp as Moment;
use postern_model::{Answer, refusal};
use postern_store::Tx;

/// Passkeys on one page of the list at most.
const PAGE_MAX: usize = 20;

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::StartWebAuthnRegistration, Pools::start_web_authn_registration)
        .on(op::CompleteWebAuthnRegistration, Pools::complete_web_authn_registration)
        .on(op::ListWebAuthnCredentials, Pools::list_web_authn_credentials)
        .on(op::DeleteWebAuthnCredential, Pools::delete_web_authn_credential)
}

impl Pools {
    /// Gives what a browser needs to make a passkey, under a challenge that only this sign-in can use.
    pub async fn start_web_authn_registration(
        &self,
        caller: &Caller,
        request: StartWebAuthnRegistrationRequest,
    ) -> Answer<StartWebAuthnRegistrationResponse> {
        let (pools, caller) = (self.clone(), caller.clone());
        self.store
            .write(move |tx| {
                let bearer = pools.passkey_bearer(tx, request.access_token.reveal())?;
                let at = pools.at_bearer(&bearer, &caller);
                let challenge = fresh_challenge();
                let options = pools.registration_options(tx, &at, &owner(&bearer), &challenge)?;
                // The browser brings the challenge back: it is the handle of what was asked.
                let handle = Handle::of(tx.keys(), challenge);
                let expires = at.now.plus_ms(CHALLENGE_MS);
                let subject = Subject::of(&bearer.user);
                pools.remember_registration(tx, &at, &subject, &handle, expires, &session(&bearer))?;
                pools.audit(tx, &at, &subject, "RegisterPasskey", "begun", "")?;
                Ok(StartWebAuthnRegistrationResponse { credential_creation_options: options })
            })
            .await
    }

    /// Registers the passkey that a browser made.
    pub async fn complete_web_authn_registration(
        &self,
        caller: &Caller,
        request: CompleteWebAuthnRegistrationRequest,
    ) -> Answer<CompleteWebAuthnRegistrationResponse> {
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        self.sign_in_unit(caller, move |tx| {
            let bearer = pools.passkey_bearer(tx, request.access_token.reveal())?;
            let at = pools.at_bearer(&bearer, &caller_of_unit);
            let registration = Registration::read(&request.credential).map_err(|fault| {
                refusal(InvalidParameterException, format!("The passkey cannot be registered: {fault}."))
            })?;
            let challenge = registration.challenge().to_owned();
            pools.use_registration_challenge(tx, &at, &bearer, &challenge)?;
            pools.register_passkey(tx, &at, &owner(&bearer), &challenge, registration)
        })
        .await??;
        Ok(CompleteWebAuthnRegistrationResponse {})
    }

    /// Uses up the challenge of a registration, if it was made for this user, app and sign-in.
    fn use_registration_challenge(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        bearer: &Bearer,
        challenge: &str,
    ) -> Answer<()> {
        let not_found = || {
            refusal(
                WebAuthnChallengeNotFoundException,
                "The challenge was not found: start the registration again.",
            )
        };
        let kind = Kind::RegisteringPasskey;
        let row = tx
            .find_challenge(&Handle::macs(tx.keys(), challenge))?
            .filter(|row| row.kind == kind.as_str() && row.pool_id == at.pool.id)
            .filter(|row| row.user_id.as_ref() == Some(&bearer.user.id))
            .ok_or_else(not_found)?;
        if row.client_id != at.client.id {
            return Err(refusal(
                WebAuthnClientMismatchException,
                "The registration was started by another app client.",
            ));
        }
        let is_its = self.registration_session(&row)? == session(bearer);
        if is_its
            && standing(&row, at.now) == Standing::Live
            && tx.consume_challenge(&row.handle_mac, kind.as_str(), at.now)?
        {
            return Ok(());
        }
        Err(not_found())
    }

    /// Lists a user's passkeys, the oldest first.
    pub async fn list_web_authn_credentials(
        &self,
        _: &Caller,
        request: ListWebAuthnCredentialsRequest,
    ) -> Answer<ListWebAuthnCredentialsResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let bearer = pools.passkey_bearer(tx, request.access_token.reveal())?;
                let place = format!("passkeys of {}", bearer.user.id);
                let after = match &request.next_token {
                    Some(token) => Some(page::read(tx.keys(), &place, token)?),
                    None => None,
                };
                let size = request.max_results.and_then(|most| usize::try_from(most).ok());
                let size = size.filter(|most| *most > 0).unwrap_or(PAGE_MAX);
                let mut all = Vec::new();
                for row in tx.passkeys_of_user(&bearer.pool.id, &bearer.user.id)? {
                    let facts: Facts = serde_json::from_str(&row.facts).map_err(anyhow::Error::from)?;
                    all.push(WebAuthnCredentialDescription {
                        credential_id: BASE64URL.encode(&row.id),
                        friendly_credential_name: facts.name,
                        relying_party_id: row.rp_id,
                        authenticator_attachment: facts.attachment,
                        authenticator_transports: facts.transports,
                        created_at: Moment(row.created.ms()),
                    });
                }
                let start = match after {
                    Some(after) => {
                        all.iter().position(|one| one.credential_id == after).map_or(0, |at| at + 1)
                    }
                    None => 0,
                };
                let mut credentials = all.split_off(start.min(all.len()));
                let more = credentials.len() > size;
                credentials.truncate(size);
                let last = credentials.last().filter(|_| more);
                let next_token = last.map(|last| page::write(tx.keys(), &place, &last.credential_id));
                Ok(ListWebAuthnCredentialsResponse { credentials, next_token })
            })
            .await
    }

    /// Removes a passkey.
    pub async fn delete_web_authn_credential(
        &self,
        caller: &Caller,
        request: DeleteWebAuthnCredentialRequest,
    ) -> Answer<DeleteWebAuthnCredentialResponse> {
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        self.sign_in_unit(caller, move |tx| {
            let bearer = pools.passkey_bearer(tx, request.access_token.reveal())?;
            let at = pools.at_bearer(&bearer, &caller_of_unit);
            pools.remove_passkey(tx, &at, &owner(&bearer), &request.credential_id)?;
            Ok(DeleteWebAuthnCredentialResponse {})
        })
        .await
    }

    /// The bearer of a token; these operations' models have no word for a user that is gone.
    fn passkey_bearer(&self, tx: &mut Tx<'_>, token: &str) -> Answer<Bearer> {
        self.bearer(tx, token).map_err(|error| match error.kind() {
            Some(kind) if kind == UserNotFoundException => {
                refusal(NotAuthorizedException, "Access Token has been revoked")
            }
            _ => error,
        })
    }
}

fn owner(bearer: &Bearer) -> Owner<'_> {
    Owner { user: &bearer.user, acting: bearer.acting() }
}

/// What tells one sign-in of a user from another.
fn session(bearer: &Bearer) -> String {
    match bearer.claims.sign_in {
        Some(id) => hex::encode(id),
        None => bearer.claims.auth_time.to_string(),
    }
}
