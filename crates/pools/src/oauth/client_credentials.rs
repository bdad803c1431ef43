//! Tokens that an app gets for itself (RFC 6749 §4.4), at the token endpoint and by `GetClientToken`.

use super::errors::{INVALID_SCOPE, INVALID_TARGET, UNAUTHORIZED_CLIENT};
use crate::Pools;
use crate::scopes;
use crate::settings::client::is_absolute_address;
use crate::sign_in::At;
use crate::tokens::{Grant, of_client};
use postern_model::cognito_idp::OAuthFlowType;
use postern_model::{Answer, refuse};
use postern_store::Tx;
use postern_store::audit::AuditRecord;

impl Pools {
    /// Makes an access token of an app that has proven who it is. It is good for scopes of resource servers only:
    /// all that the client has where none is asked for. One that its resource server no longer has is left out.
    /// A resource binds the token to one API (RFC 8707).
    pub(crate) fn client_token(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        asked: Option<&[&str]>,
        resource: Option<&str>,
    ) -> Answer<Grant> {
        let config = &at.client.config;
        let may = config.allowed_oauth_flows.iter().flatten().any(|f| *f == OAuthFlowType::ClientCredentials)
            && config.allowed_oauth_flows_user_pool_client == Some(true);
        // Without a secret nobody has proven anything.
        if !may || at.client.secrets.is_empty() {
            return refuse(UNAUTHORIZED_CLIENT, "");
        }
        let has: Vec<&str> = config
            .allowed_oauth_scopes
            .iter()
            .flatten()
            .map(String::as_str)
            .filter(|scope| scopes::is_custom(scope))
            .collect();
        let mut granted: Vec<&str> = Vec::new();
        for scope in asked.unwrap_or(&has) {
            if !has.contains(scope) {
                return refuse(INVALID_SCOPE, "");
            }
            if !granted.contains(scope) {
                granted.push(scope);
            }
        }
        if !resource.is_none_or(is_absolute_address) {
            return refuse(INVALID_TARGET, "resource must be an absolute address without a fragment");
        }
        let scope = scopes::live(tx, &at.pool.id, &granted.join(" "))?;
        if scope.is_empty() {
            return refuse(INVALID_SCOPE, "");
        }
        tx.add_audit(&AuditRecord {
            time: at.now,
            request_id: at.caller.request_id.clone(),
            who: format!("client {}", at.client.id),
            action: "ClientToken".into(),
            resource: format!("{} client {}", at.pool.arn, at.client.id),
            source: at.caller.source.map(|ip| ip.to_string()).unwrap_or_default(),
            outcome: "issued".into(),
            detail: scope.clone(),
        })?;
        let mut grant = of_client(tx, &at.pool, &at.client, &scope, at.now)?;
        if let Some(resource) = resource {
            grant.access_claims["aud"] = resource.into();
        }
        self.pre_token_generation_of_client(tx, at, &mut grant)?;
        Ok(grant)
    }
}
