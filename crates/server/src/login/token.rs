//! The OAuth endpoints that apps call themselves: `/oauth2/token`, `/oauth2/userInfo` and `/oauth2/revoke`, from
//! servers and from pages of other origins.

use super::visit::{Knock, Unread, Visit};
use crate::app::fresh_request_id;
use crate::respond::{json, response, with_header};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, PRAGMA,
    RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use postern_model::{Answer, Error, Refusal, Secret, refusal, refuse};
use postern_pools::oauth::errors::{INVALID_CLIENT, INVALID_REQUEST, SERVER_ERROR, TEMPORARILY_UNAVAILABLE};
use postern_pools::oauth::token::ClientProof;
use postern_pools::tokens::Tokens;
use serde_json::{Value, json as value};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-cognito-request-id");

/// `POST /oauth2/token`
pub async fn token(Knock(visit): Knock) -> Response {
    let visit = match visit {
        Ok(visit) => visit,
        Err(unread) => return refused(&fresh_request_id(), unread_refusal(unread), false),
    };
    let is_basic = visit.authorization().is_some();
    let answer: Answer<Tokens> = async {
        nothing_in_address(&visit)?;
        let proof = ClientProof::read(visit.authorization(), &visit.form)?;
        visit.app.pools.token(&visit.caller, visit.only(), proof, &visit.form).await
    }
    .await;
    match answer {
        Ok(tokens) => said(&visit.caller.request_id, json(StatusCode::OK, &shown(tokens))),
        Err(error) => refused(&visit.caller.request_id, error, is_basic),
    }
}

/// `POST /oauth2/revoke`
pub async fn revoke(Knock(visit): Knock) -> Response {
    let visit = match visit {
        Ok(visit) => visit,
        Err(unread) => return refused(&fresh_request_id(), unread_refusal(unread), true),
    };
    let answer: Answer<()> = async {
        nothing_in_address(&visit)?;
        let proof = ClientProof::read(visit.authorization(), &visit.form)?;
        visit.app.pools.revoke_for_app(&visit.caller, visit.only(), proof, &visit.form).await
    }
    .await;
    let request_id = &visit.caller.request_id;
    match answer {
        Ok(()) => said(request_id, response(StatusCode::OK, "application/json", "")),
        // Here an unproved client is 401 in any case (Developer Guide, "The revoke endpoint").
        Err(error) => refused(request_id, error, true),
    }
}

/// `GET` and `POST /oauth2/userInfo`
pub async fn user_info(Knock(visit): Knock) -> Response {
    let visit = match visit {
        Ok(visit) => visit,
        Err(unread) => return refused(&fresh_request_id(), unread_refusal(unread), false),
    };
    let request_id = &visit.caller.request_id;
    let Some(token) = bearer_token(&visit) else {
        let refused = refusal(INVALID_REQUEST, "Bad OAuth2 request at UserInfo Endpoint");
        return unbearable(request_id, refused);
    };
    match visit.app.pools.user_info(visit.only(), token).await {
        Ok(mut claims) => {
            let mut shown = serde_json::Map::new();
            // The sub first, as everywhere.
            shown.extend(claims.remove_entry("sub"));
            shown.append(&mut claims);
            said(request_id, json(StatusCode::OK, &Value::Object(shown)))
        }
        Err(error) => unbearable(request_id, error),
    }
}

/// What browsers ask before an app's page may call: anything may, for cookies play no part here.
pub async fn preflight(headers: HeaderMap) -> Response {
    let asked = headers.get(ACCESS_CONTROL_REQUEST_HEADERS).and_then(|names| names.to_str().ok());
    let response = response(StatusCode::OK, "text/plain; charset=utf-8", "");
    let response = with_header(response, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    let response = with_header(response, ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS");
    let response = with_header(
        response,
        ACCESS_CONTROL_ALLOW_HEADERS,
        asked.unwrap_or("authorization, content-type, x-amz-user-agent, x-requested-with"),
    );
    with_header(response, ACCESS_CONTROL_MAX_AGE, "172800")
}

/// Reads the token from the header, or from a posted form (RFC 6750 §2.1 and §2.2), not from both.
fn bearer_token(visit: &Visit) -> Option<Secret> {
    let in_header = visit.authorization().map(|header| header.split_once(' '));
    let in_form = visit.form.once("access_token").ok()?;
    match (in_header, in_form) {
        (Some(Some((scheme, token))), None) if scheme.eq_ignore_ascii_case("bearer") => {
            Some(Secret::new(token.trim()))
        }
        (None, Some(token)) => Some(Secret::new(token)),
        _ => None,
    }
}

/// Secrets in an address end in logs (RFC 6749 §2.3.1).
fn nothing_in_address(visit: &Visit) -> Answer<()> {
    for name in ["client_secret", "code", "refresh_token", "token", "code_verifier"] {
        if visit.query.has(name) {
            return refuse(INVALID_REQUEST, format!("{name} must be in the body"));
        }
    }
    Ok(())
}

fn shown(tokens: Tokens) -> Value {
    let mut shown = serde_json::Map::new();
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    if let Some(id_token) = tokens.id_token {
        put("id_token", id_token.into());
    }
    put("access_token", tokens.access_token.into());
    if let Some(refresh_token) = tokens.refresh_token {
        put("refresh_token", refresh_token.into());
    }
    put("expires_in", tokens.expires_in_s.into());
    put("token_type", "Bearer".into());
    Value::Object(shown)
}

fn said(request_id: &str, response: Response) -> Response {
    let response = with_header(response, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    let response = with_header(response, PRAGMA, "no-cache");
    let response = with_header(response, REQUEST_ID, request_id);
    with_header(response, ACCESS_CONTROL_EXPOSE_HEADERS, "x-amz-cognito-request-id, www-authenticate")
}

fn unread_refusal(unread: Unread) -> Error {
    match unread {
        Unread::TooMany { wait_s } => {
            refusal(TEMPORARILY_UNAVAILABLE, "too many requests").retry_after(wait_s)
        }
        Unread::NotAForm => {
            refusal(INVALID_REQUEST, "the content type must be application/x-www-form-urlencoded")
        }
        Unread::TooLarge => refusal(INVALID_REQUEST, "the body is too large, or did not arrive"),
        Unread::NotUtf8 => refusal(INVALID_REQUEST, "the parameters are not UTF-8"),
    }
}

/// An error in JSON (RFC 6749 §5.2). A client that tried to prove itself by a header gets 401.
fn refused(request_id: &str, error: Error, is_basic: bool) -> Response {
    let refused = told(request_id, error);
    let is_unproved = refused.kind == INVALID_CLIENT && is_basic;
    let status = if is_unproved { StatusCode::UNAUTHORIZED } else { status(&refused) };
    let response = said(request_id, json(status, &body(&refused)));
    let response = match refused.retry_after_s {
        Some(wait_s) => with_header(response, RETRY_AFTER, &wait_s.to_string()),
        None => response,
    };
    match is_unproved {
        true => with_header(response, WWW_AUTHENTICATE, "Basic realm=\"postern\""),
        false => response,
    }
}

/// An error about an access token, said in the header as well (RFC 6750 §3).
fn unbearable(request_id: &str, error: Error) -> Response {
    let refused = told(request_id, error);
    let challenge =
        format!("Bearer error=\"{}\", error_description=\"{}\"", refused.kind.code, refused.message);
    let response = said(request_id, json(status(&refused), &body(&refused)));
    with_header(response, WWW_AUTHENTICATE, &challenge)
}

fn told(request_id: &str, error: Error) -> Refusal {
    match error {
        Error::Refused(refused) => refused,
        Error::Failed(cause) => {
            tracing::error!(request_id, cause = format!("{cause:#}"), "an OAuth request failed");
            Refusal::new(SERVER_ERROR, format!("Something went wrong. Reference: {request_id}"))
        }
    }
}

fn status(refused: &Refusal) -> StatusCode {
    StatusCode::from_u16(refused.kind.status).unwrap_or(StatusCode::BAD_REQUEST)
}

fn body(refused: &Refusal) -> Value {
    match refused.message.is_empty() {
        true => value!({ "error": refused.kind.code }),
        false => value!({ "error": refused.kind.code, "error_description": refused.message }),
    }
}
