//! Answers on their way back to an app: by a redirect, or by a form that the browser posts.

use super::press::redirect;
use super::problem;
use super::visit::Visit;
use crate::pages::Page as _;
use crate::pages::login::PostBack;
use crate::respond::{page, page_leading_to};
use axum::http::StatusCode;
use axum::response::Response;
use postern_pools::oauth::redirect::{Back, Mode};

/// Sends an answer to an app.
pub fn send(visit: &Visit, app_name: &str, back: Back) -> Response {
    match back.mode {
        Mode::Query => redirect(StatusCode::FOUND, &back.href()),
        Mode::FormPost => {
            let frame = problem::frame(visit, app_name);
            let html =
                PostBack { frame, address: back.address.clone(), parameters: back.parameters }.render();
            match origin(&back.address) {
                Some(origin) => page_leading_to(origin, StatusCode::OK, html),
                None => page(StatusCode::OK, html),
            }
        }
    }
}

/// What a policy calls the place that an address is at: `https://host:port`, or `scheme:` for an app's own scheme.
pub fn origin(address: &str) -> Option<&str> {
    let (scheme, rest) = address.split_once(':')?;
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if scheme.is_empty() || !scheme.chars().all(is_scheme) {
        return None;
    }
    let Some(rest) = rest.strip_prefix("//").filter(|_| ["http", "https"].contains(&scheme)) else {
        return Some(&address[..=scheme.len()]);
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
    let is_plain = !authority.is_empty() && authority.chars().all(is_host);
    is_plain.then(|| &address[..scheme.len() + 3 + authority.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_of_an_address_is_all_that_a_policy_gets() {
        let cases = [
            ("https://app.example/cb?x=1", Some("https://app.example")),
            ("http://localhost:3000/cb", Some("http://localhost:3000")),
            ("http://[::1]:3000?x", Some("http://[::1]:3000")),
            ("myapp://cb", Some("myapp:")),
            ("com.example.app:/cb", Some("com.example.app:")),
            ("https://app.example;script-src *", None),
            ("https://a b/", None),
            ("my app://cb", None),
            ("nothing", None),
        ];
        for (address, expected) in cases {
            assert_eq!(origin(address), expected, "{address}");
        }
    }
}
