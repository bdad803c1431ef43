//! The way from our pages to an app's. Requests of apps are answered by plain redirects; a person's press is answered by a
//! page that goes on by itself, because browsers hold a page's `form-action` against the whole chain of redirects that its
//! form sets off, and where an app leads people afterwards nobody knows here.

use super::flow::Flow;
use super::press::redirect;
use super::problem;
use super::visit::Visit;
use crate::pages::brand::Brand;
use crate::pages::login::{Onward, PostBack};
use crate::pages::{Frame, Page as _};
use crate::respond::{page, page_leading_to, with_header};
use axum::http::StatusCode;
use axum::http::header::REFRESH;
use axum::response::Response;
use postern_pools::client::Client;
use postern_pools::oauth::redirect::{Back, Mode};
use std::sync::Arc;

/// A place outside of our forms that a person goes on to.
pub struct Away {
    app_name: String,
    /// The client whose look the page on the way has.
    client: Option<Arc<Client>>,
    href: String,
    /// The way ends in an app on a device, which the system opens at once or not at all.
    to_device: bool,
}

impl Away {
    /// The address of an app.
    pub fn to_app(app_name: &str, href: String) -> Away {
        let to_device = own_scheme(&href).is_some();
        Away { app_name: app_name.to_owned(), client: None, href, to_device }
    }

    /// An address that leads on to the app of a flow.
    pub fn of_flow(flow: &Flow, href: String) -> Away {
        let to_device = own_scheme(&flow.state.request.redirect_uri).is_some();
        let client = Some(flow.at.client.clone());
        Away { app_name: flow.app_name().to_owned(), client, href, to_device }
    }

    /// Lets the person go. To an app on a device leads a redirect, which carries the press along; there is nothing
    /// behind it that a policy could stop.
    pub fn response(&self, visit: &Visit) -> Response {
        if self.to_device {
            return redirect(StatusCode::SEE_OTHER, &self.href);
        }
        let style = self.client.as_ref().and_then(|client| client.style.as_ref());
        let brand = style.map(|style| Brand::of(style, visit.language()));
        let frame = Frame { brand, ..problem::frame(visit, &self.app_name) };
        let html = Onward { frame, href: self.href.clone() }.render();
        with_header(page(StatusCode::OK, html), REFRESH, &format!("0;url={}", self.href))
    }
}

/// Answers an app's own request.
pub fn send(visit: &Visit, app_name: &str, back: Back) -> Response {
    match back.mode {
        Mode::Query | Mode::Fragment => redirect(StatusCode::FOUND, &back.href()),
        Mode::FormPost => post(visit, app_name, back),
    }
}

/// Answers an app at the end of a way that may have begun with a form, here or at a provider.
pub fn send_on(visit: &Visit, app_name: &str, back: Back) -> Response {
    match back.mode {
        Mode::Query | Mode::Fragment => Away::to_app(app_name, back.href()).response(visit),
        Mode::FormPost => post(visit, app_name, back),
    }
}

/// A page that posts an answer. It takes nothing from anybody, so its one form may lead as far as the app likes.
fn post(visit: &Visit, app_name: &str, back: Back) -> Response {
    let places = own_scheme(&back.address).map_or("*".to_owned(), |scheme| format!("* {scheme}"));
    let frame = problem::frame(visit, app_name);
    page_leading_to(&places, PostBack { frame, address: back.address, parameters: back.parameters }.render())
}

/// A page on the way to an app's address: its forms lead to ourselves, and to the scheme of an app that has its own.
pub fn page_before(address: &str, html: String) -> Response {
    match own_scheme(address) {
        Some(scheme) => page_leading_to(scheme, html),
        None => page(StatusCode::OK, html),
    }
}

/// The scheme of an address, as a policy names it (`myapp:`), if it is an app's own rather than the web's.
fn own_scheme(address: &str) -> Option<&str> {
    let (scheme, _) = address.split_once(':')?;
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let is_web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    (!scheme.is_empty() && scheme.chars().all(is_scheme) && !is_web).then(|| &address[..=scheme.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_scheme_of_ones_own_goes_into_a_policy() {
        let cases = [
            ("https://app.example/cb?x=1", None),
            ("HTTPS://app.example/cb", None),
            ("http://[::1]:3000?x", None),
            ("myapp://cb", Some("myapp:")),
            ("com.example.app:/cb", Some("com.example.app:")),
            ("/oauth2/authorize?redirect_uri=myapp:", None),
            ("my app://cb", None),
            ("a;script-src *://cb", None),
            ("://cb", None),
            ("nothing", None),
        ];
        for (address, expected) in cases {
            assert_eq!(own_scheme(address), expected, "{address}");
        }
    }
}
