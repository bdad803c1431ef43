//! The implicit grant (RFC 6749 §4.2, OpenID Connect Core §3.2): a person's tokens go straight to an app through the
//! browser. There is no refresh token, and what is remembered of the sign-in ends with its tokens.

use super::authorize::AuthorizeRequest;
use super::browser::Person;
use super::redirect::Back;
use crate::Pools;
use crate::functions;
use crate::sign_in::{At, Subject};
use crate::tokens::{Grant, grant_once};
use postern_model::{Answer, Error, Refusal};
use postern_store::Tx;

impl Pools {
    /// Prepares the tokens that answer a request. The inner refusal is a function's of the pool, for the app to be told.
    pub fn grant_to_browser(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        request: &AuthorizeRequest,
        person: &Person,
    ) -> Answer<Result<Grant, Refusal>> {
        let facts = person.facts(&at.pool, request);
        let mut grant = grant_once(tx, &at.pool, &at.client, &person.user, &facts, at.now)?;
        match self.pre_token_generation(tx, at, &person.user, "HostedAuth", &mut grant) {
            Ok(()) => {}
            Err(Error::Refused(no)) if functions::refused(no.kind) => {
                tx.revoke_sign_in(&grant.id)?;
                return Ok(Err(no));
            }
            Err(error) => return Err(error),
        }
        crate::sessions::track(tx, at, &person.user, &grant.id, at.client.lifetimes.longest_s())?;
        self.audit(tx, at, &Subject::of(&person.user), "GrantTokens", "granted", "to a browser")?;
        Ok(Ok(grant))
    }

    /// Signs the tokens, and writes them into the answer.
    pub async fn answer_with_tokens(
        &self,
        request: &AuthorizeRequest,
        issuer: &str,
        grant: Grant,
    ) -> Answer<Back> {
        let tokens = self.sign(grant).await?;
        let mut parameters = Vec::new();
        parameters.extend(tokens.id_token.map(|token| ("id_token", token)));
        parameters.push(("access_token", tokens.access_token));
        parameters.push(("expires_in", tokens.expires_in_s.to_string()));
        parameters.push(("token_type", "Bearer".to_owned()));
        parameters.extend(request.state.clone().map(|state| ("state", state)));
        parameters.push(("iss", issuer.to_owned()));
        Ok(Back { address: request.redirect_uri.clone(), parameters, mode: request.mode })
    }
}
