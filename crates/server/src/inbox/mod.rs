//! The local inbox of development mode: mails that were caught instead of sent, for people at `/inbox` and for tests at
//! `/inbox/api/messages`. Codes lie open here, so it answers this machine's own names only, and no other site.

mod api;
mod events;
mod pages;

use crate::app::App;
use crate::loopback::is_own_name;
use crate::respond::json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use serde_json::json as value;

pub fn routes() -> Router<App> {
    Router::new()
        .merge(pages::routes())
        .merge(events::routes())
        .merge(api::routes())
        .layer(DefaultBodyLimit::max(4096))
        .layer(from_fn(guard))
}

/// Refuses requests under foreign names (a rebound DNS name would be one), and changes that another site asks for.
async fn guard(request: Request, next: Next) -> Response {
    let is_change = !matches!(*request.method(), Method::GET | Method::HEAD);
    if is_own_name(request.headers()) && (!is_change || is_own_site(request.headers())) {
        next.run(request).await
    } else {
        json(
            StatusCode::FORBIDDEN,
            &value!({ "message": "The inbox is open to this machine's own pages only." }),
        )
    }
}

fn text(headers: &HeaderMap, name: impl axum::http::header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn is_own_site(headers: &HeaderMap) -> bool {
    let host = text(headers, HOST).unwrap_or_default();
    let own_origin = match text(headers, ORIGIN) {
        // The two schemes are never answered at one address.
        Some(origin) => {
            ["http://", "https://"].iter().any(|scheme| origin.strip_prefix(scheme) == Some(host))
        }
        None => !headers.contains_key(ORIGIN),
    };
    own_origin && matches!(text(headers, "sec-fetch-site"), None | Some("same-origin" | "none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_asked_for_by_own_pages_or_by_no_page() {
        let host = ("host", "localhost:9320");
        let table: [(&[(&str, &str)], bool); 7] = [
            (&[host], true),
            (&[host, ("origin", "http://localhost:9320"), ("sec-fetch-site", "same-origin")], true),
            (&[host, ("origin", "https://localhost:9320"), ("sec-fetch-site", "same-origin")], true),
            (&[host, ("origin", "http://localhost:3000")], false),
            (&[host, ("origin", "http://evil.example")], false),
            (&[host, ("origin", "null")], false),
            (&[host, ("sec-fetch-site", "cross-site")], false),
        ];
        for (pairs, allowed) in table {
            let headers: HeaderMap = pairs
                .iter()
                .map(|(name, value)| {
                    (name.parse::<axum::http::HeaderName>().expect("a name"), value.parse().expect("a value"))
                })
                .collect();
            assert_eq!(is_own_site(&headers), allowed, "{pairs:?}");
        }
    }
}
