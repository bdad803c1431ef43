//! A pool's public keys and its OpenID Connect discovery document.

use crate::app::App;
use crate::respond::{json, with_header};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, ETAG, IF_NONE_MATCH,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use postern_pools::keys;
use postern_pools::pool::Pool;
use postern_pools::scopes;
use postern_pools::tokens::USER_ADMIN_SCOPE;
use serde_json::{Value, json as value};

/// What ID tokens and userInfo may say, but for attributes that a pool adds itself.
const CLAIMS: &[&str] = &[
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "at_hash",
    "amr",
    "cognito:username",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
];
/// Scopes that every pool has, the one first that all others of OpenID Connect need.
const SCOPES: [&str; 5] = ["openid", "email", "phone", "profile", USER_ADMIN_SCOPE];
/// How clients show who they are at the endpoints that they call themselves.
const AUTHENTICATION: [&str; 3] = ["client_secret_basic", "client_secret_post", "none"];

pub fn routes() -> Router<App> {
    Router::new()
        .route("/{pool}/.well-known/jwks.json", get(jwks).options(preflight))
        .route("/{pool}/.well-known/openid-configuration", get(configuration).options(preflight))
}

async fn preflight() -> Response {
    let response = json(StatusCode::OK, &value!({}));
    let response = with_header(response, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    let response = with_header(response, ACCESS_CONTROL_ALLOW_METHODS, "GET, OPTIONS");
    let response = with_header(response, ACCESS_CONTROL_ALLOW_HEADERS, "*");
    with_header(response, ACCESS_CONTROL_MAX_AGE, "172800")
}

async fn jwks(State(app): State<App>, Path(pool): Path<String>, headers: HeaderMap) -> Response {
    let now = app.clock.now();
    let found: anyhow::Result<Option<String>> = app
        .store
        .read(move |tx| match tx.pool_version(&pool)? {
            Some(_) => Ok(Some(keys::of_pool(tx, &pool)?.jwks(now))),
            None => Ok(None),
        })
        .await;
    published(found, &headers)
}

async fn configuration(State(app): State<App>, Path(pool): Path<String>, headers: HeaderMap) -> Response {
    let place = app.pools.place.clone();
    let found: anyhow::Result<Option<String>> = app
        .store
        .read(move |tx| {
            let Some(pool) = Pool::find(tx, &place, &pool)? else { return Ok(None) };
            // A name of one's own before a prefix.
            let mut domains = tx.domains_of_pool(&pool.id)?;
            domains.sort_by_key(|row| !row.custom);
            let own = domains.iter().find_map(|row| place.domain_url(&row.name, row.custom));
            let pages = own.as_deref().unwrap_or(&place.public_url);
            let scopes = scopes::custom(tx, &pool.id)?;
            Ok(Some(document(&pool, &scopes, &place.public_url, pages).to_string()))
        })
        .await;
    published(found, &headers)
}

/// The discovery document (OpenID Connect Discovery 1.0 §3; RFC 9207 for the issuer in responses). It says what the pool's
/// clients can be allowed, the scopes of its resource servers too, and the levels that its factors lead to.
fn document(pool: &Pool, custom_scopes: &[String], public_url: &str, pages: &str) -> Value {
    let levels = pool.levels_within_reach();
    let claims = CLAIMS.iter().copied().chain((!levels.is_empty()).then_some("acr"));
    let scopes = SCOPES.iter().copied().chain(custom_scopes.iter().map(String::as_str));
    let mut document = value!({
        "authorization_endpoint": format!("{pages}/oauth2/authorize"),
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": false,
        "claims_supported": claims.collect::<Vec<_>>(),
        "code_challenge_methods_supported": ["S256"],
        "end_session_endpoint": format!("{pages}/logout"),
        "grant_types_supported": ["authorization_code", "implicit", "refresh_token", "client_credentials"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "issuer": pool.issuer,
        "jwks_uri": format!("{public_url}/{}/.well-known/jwks.json", pool.id),
        "prompt_values_supported": ["none", "login", "select_account", "consent"],
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "response_modes_supported": ["query", "fragment", "form_post"],
        "response_types_supported": ["code", "token"],
        "revocation_endpoint": format!("{pages}/oauth2/revoke"),
        "revocation_endpoint_auth_methods_supported": AUTHENTICATION,
        "scopes_supported": scopes.collect::<Vec<_>>(),
        "subject_types_supported": ["public"],
        "token_endpoint": format!("{pages}/oauth2/token"),
        "token_endpoint_auth_methods_supported": AUTHENTICATION,
        "userinfo_endpoint": format!("{pages}/oauth2/userInfo"),
    });
    if !levels.is_empty() {
        document["acr_values_supported"] = levels.into();
    }
    document
}

/// A document that anyone may keep for a day, and ask for again by its tag.
fn published(found: anyhow::Result<Option<String>>, asked: &HeaderMap) -> Response {
    let text = match found {
        Ok(Some(text)) => text,
        Ok(None) => {
            let missing = value!({ "message": "There is no such user pool." });
            return with_header(json(StatusCode::NOT_FOUND, &missing), ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        }
        Err(cause) => {
            tracing::error!(cause = format!("{cause:#}"), "a pool's documents could not be read");
            let failed = value!({ "message": "Something went wrong." });
            return with_header(
                json(StatusCode::INTERNAL_SERVER_ERROR, &failed),
                ACCESS_CONTROL_ALLOW_ORIGIN,
                "*",
            );
        }
    };
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let tag = format!("\"{}\"", hex::encode(&hash.as_ref()[..12]));
    let unchanged = asked.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).is_some_and(|tags| {
        tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag || known.trim() == "*")
    });
    let response = if unchanged {
        crate::respond::response(StatusCode::NOT_MODIFIED, "application/json", "")
    } else {
        crate::respond::response(StatusCode::OK, "application/json", text)
    };
    let response = with_header(response, ETAG, &tag);
    let response = with_header(response, CACHE_CONTROL, "public, max-age=86400");
    with_header(response, ACCESS_CONTROL_ALLOW_ORIGIN, "*")
}
