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
            Ok(Some(document(&pool, &place.public_url, pages).to_string()))
        })
        .await;
    published(found, &headers)
}

/// The discovery document (OpenID Connect Discovery 1.0 §3; RFC 9207 for the issuer in responses).
fn document(pool: &Pool, public_url: &str, pages: &str) -> Value {
    value!({
        "authorization_endpoint": format!("{pages}/oauth2/authorize"),
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": false,
        "claims_supported": CLAIMS,
        "code_challenge_methods_supported": ["S256"],
        "end_session_endpoint": format!("{pages}/logout"),
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "issuer": pool.issuer,
        "jwks_uri": format!("{public_url}/{}/.well-known/jwks.json", pool.id),
        "prompt_values_supported": ["none", "login", "select_account", "consent"],
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "response_modes_supported": ["query", "form_post"],
        "response_types_supported": ["code"],
        "revocation_endpoint": format!("{pages}/oauth2/revoke"),
        "revocation_endpoint_auth_methods_supported": AUTHENTICATION,
        "scopes_supported": ["openid", "email", "phone", "profile"],
        "subject_types_supported": ["public"],
        "token_endpoint": format!("{pages}/oauth2/token"),
        "token_endpoint_auth_methods_supported": AUTHENTICATION,
        "userinfo_endpoint": format!("{pages}/oauth2/userInfo"),
    })
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
