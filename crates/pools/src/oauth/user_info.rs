//! What an app learns about a person at `/oauth2/userInfo` (OpenID Connect Core §5.3).

use super::OPENID;
use super::errors::{INSUFFICIENT_SCOPE, INVALID_TOKEN};
use crate::Pools;
use crate::tokens::{SignInFacts, is_flag, scope_covers, standard_claim};
use postern_model::{Answer, Error, Secret, refuse};
use serde_json::{Map, Value};

impl Pools {
    /// The claims that an access token's scopes cover, and the client may read; where a pool is named, of its tokens only.
    /// Flags are texts here, unlike in the ID token (Developer Guide, "The userInfo endpoint"), unless the settings say
    /// otherwise.
    pub async fn user_info(&self, only: Option<&str>, access_token: Secret) -> Answer<Map<String, Value>> {
        let (pools, only) = (self.clone(), only.map(str::to_owned));
        self.store
            .read(move |tx| {
                let bearer = match pools.bearer_of_any_scope(tx, access_token.reveal()) {
                    // A domain is the door of one pool (rule H5).
                    Ok(bearer) if only.as_ref().is_none_or(|pool_id| *pool_id == bearer.pool.id) => bearer,
                    Ok(_) | Err(Error::Refused(_)) => {
                        return refuse(
                            INVALID_TOKEN,
                            "Access token is expired, disabled, or deleted, or the user has globally signed out.",
                        );
                    }
                    Err(failed) => return Err(failed),
                };
                if !bearer.claims.scope.split(' ').any(|scope| scope == OPENID) {
                    return refuse(INSUFFICIENT_SCOPE, "Access token does not contain openid scope");
                }
                let facts = SignInFacts {
                    auth_time: bearer.claims.auth_time,
                    event_id: String::new(),
                    scope: bearer.claims.scope.clone(),
                    amr: Vec::new(),
                    acr: None,
                    oauth: true,
                    nonce: None,
                    resource: None,
                    device: None,
                    revocable: false,
                };
                let shown = |name: &str| {
                    name == "sub" || (bearer.client.can_read(name) && scope_covers(&facts, name))
                };
                let mut claims: Map<String, Value> = bearer
                    .user
                    .shown_attributes()
                    .filter(|(name, _)| shown(name))
                    .map(|(name, value)| {
                        let told = match pools.rules.user_info_flags && is_flag(name) {
                            true => (value == "true").into(),
                            false => standard_claim(name, value),
                        };
                        (name.to_owned(), told)
                    })
                    .collect();
                claims.insert("username".into(), bearer.user.username.clone().into());
                Ok(claims)
            })
            .await
    }
}
