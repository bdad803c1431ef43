//! What responses have in common: pages with their security headers, plain JSON, and what is said of every response.

use crate::app::App;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::Value;

/// No script or style but our own files, no frames, forms to ourselves (rule B6).
pub const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A response of a type, not to be kept.
pub fn response(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A page, under [`PAGE_POLICY`].
pub fn page(status: StatusCode, html: String) -> Response {
    page_under(PAGE_POLICY, status, html)
}

/// A page under a policy of its own.
pub fn page_under(policy: &str, status: StatusCode, html: String) -> Response {
    let response = response(status, "text/html; charset=utf-8", html);
    with_header(response, CONTENT_SECURITY_POLICY, policy)
}

/// A page whose forms may lead to further places than ourselves, as policies write them. Browsers hold `form-action`
/// against every redirect that a form sets off, however far it leads.
pub fn page_leading_to(places: &str, html: String) -> Response {
    let policy = PAGE_POLICY.replace("form-action 'self'", &format!("form-action 'self' {places}"));
    page_under(&policy, StatusCode::OK, html)
}

pub fn json(status: StatusCode, value: &Value) -> Response {
    response(status, "application/json", value.to_string())
}

/// Sets a header; a value that cannot be one is left out.
pub fn with_header(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// Adds what every response says, and to HTML without a policy the strict one, so that no page can forget it.
pub async fn finish(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    let is_html = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/html"));
    if is_html {
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(PAGE_POLICY));
    }
    if app.is_https() {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}
