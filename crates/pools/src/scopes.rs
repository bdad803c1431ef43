//! Scopes: those that every pool has, and those of a pool's resource servers, written `identifier/name`.

use anyhow::{Context, Result};
use postern_model::Shape;
use postern_model::cognito_idp::ResourceServerScopeType;
use postern_store::Tx;
use postern_store::resource_servers::ResourceServerRow;

/// Resource servers one pool may have (Developer Guide, "Quotas").
pub const SERVERS_MAX: i64 = 25;

/// Scopes that every pool has.
pub const STANDARD: [&str; 5] = ["phone", "email", "openid", "profile", "aws.cognito.signin.user.admin"];

/// Tells whether a scope is a resource server's.
pub fn is_custom(scope: &str) -> bool {
    scope.contains('/')
}

/// Reads the scopes of a resource server.
pub fn of_server(server: &ResourceServerRow) -> Result<Vec<ResourceServerScopeType>> {
    let listed: Vec<serde_json::Value> = serde_json::from_str(&server.scopes)?;
    listed
        .iter()
        .map(|scope| ResourceServerScopeType::read(scope).ok().context("a resource server's scopes"))
        .collect()
}

/// All scopes of a pool's resource servers, as clients and tokens name them.
pub fn custom(tx: &mut Tx<'_>, pool_id: &str) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for server in tx.list_resource_servers(pool_id, "", SERVERS_MAX)? {
        let scopes = of_server(&server)?;
        all.extend(scopes.into_iter().map(|scope| format!("{}/{}", server.identifier, scope.scope_name)));
    }
    Ok(all)
}

/// Leaves out the scopes whose resource server no longer has them (Developer Guide, "Scopes, M2M, and resource
/// servers"). Scopes that every pool has need no look.
pub fn live(tx: &mut Tx<'_>, pool_id: &str, granted: &str) -> Result<String> {
    if !granted.split(' ').any(is_custom) {
        return Ok(granted.to_owned());
    }
    let known = custom(tx, pool_id)?;
    let is_live = |scope: &&str| !is_custom(scope) || known.iter().any(|one| one == scope);
    Ok(granted.split(' ').filter(is_live).collect::<Vec<_>>().join(" "))
}
