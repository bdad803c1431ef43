//! What an app learns about a person at `/oauth2/userInfo` (OpenID Connect Core §5.3).

use super::OPENID;
use super::errors::{INSUFFICIENT_SCOPE, INVALID_TOKEN};
use crate::Pools;
use crate::tokens::{SignInFacts, scope_covers};
use postern_model::{Answer, Error, Secret, refuse};
use serde_json::{Map, Value};

impl Pools {
    /// The claims that an access token's scopes cover, and the client may read. Flags are texts here, unlike in the
    /// ID token (Developer Guide, "The userInfo endpoint").
    pub async fn user_info(&self, access_token: Secret) -> Answer<Map<String, Value>> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let bearer = match pools.bearer_of_any_scope(tx, access_token.reveal()) {
                    Ok(bearer) => bearer,
                    Err(Error::Refused(_)) => {
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
                };
                let shown = |name: &str| {
                    name == "sub" || (bearer.client.can_read(name) && scope_covers(&facts, name))
                };
                let mut claims: Map<String, Value> = bearer
                    .user
                    .shown_attributes()
                    .filter(|(name, _)| shown(name))
                    .map(|(name, value)| (name.to_owned(), value.into()))
                    .collect();
                claims.insert("username".into(), bearer.user.username.clone().into());
                Ok(claims)
            })
            .await
    }
}
