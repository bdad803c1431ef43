//! `/logout`: ends the session of this browser, and goes to where the app may send it.

use super::press::redirect;
use super::problem;
use super::visit::Visit;
use crate::pages::Page as _;
use crate::pages::login::SignedOut;
use crate::respond::page;
use axum::http::StatusCode;
use axum::response::Response;
use postern_model::Answer;
use postern_pools::oauth::authorize::Wrong;
use postern_pools::oauth::logout::{self, Next};
use postern_store::Tx;

/// Where a sign-out leads, and the pools that were left.
struct Left {
    pools: Vec<String>,
    to: To,
}

enum To {
    Address(String),
    OurPage { app_name: String },
}

/// `GET /logout`
pub async fn logout(visit: Visit) -> Response {
    let leaving = visit.clone();
    let left = match visit.app.store.write(move |tx| leaving.leave(tx)).await {
        Ok(Ok(left)) => left,
        Ok(Err(wrong)) => return problem::wrong(&visit.app, wrong, &visit.caller.request_id),
        Err(cause) => return problem::failed(&visit.app, &cause, &visit.caller.request_id),
    };
    let response = match left.to {
        To::Address(href) => redirect(StatusCode::FOUND, &href),
        To::OurPage { app_name } => {
            let frame = problem::frame(&visit.app, &app_name);
            page(StatusCode::OK, SignedOut { frame, sign_in_href: None }.render())
        }
    };
    left.pools.iter().fold(response, |response, pool_id| visit.cookies.clear_session(pool_id).on(response))
}

/// `POST /logout`: taken on as a GET, for which browsers send our cookies though another site sends them here.
pub async fn logout_posted(visit: Visit) -> Response {
    redirect(StatusCode::SEE_OTHER, &format!("/logout?{}", visit.form.query()))
}

impl Visit {
    fn leave(&self, tx: &mut Tx<'_>) -> Answer<Result<Left, Wrong>> {
        let wrong = |why: &str| Ok(Err(Wrong::Request(why.to_owned())));
        let hinted = match self.query.first("id_token_hint") {
            Some(hint) => match self.app.pools.hinted(tx, hint)? {
                Some(hinted) => Some(hinted),
                None => return wrong("id_token_hint is no ID token of this server"),
            },
            None => None,
        };
        // A picture or a frame on somebody's page signs nobody out (attack case 69).
        if !self.is_opened() {
            return wrong("Sign-out must be opened as a page");
        }
        let client_id =
            self.query.first("client_id").or(hinted.as_ref().map(|hinted| hinted.client_id.as_str()));
        let Some(client_id) = client_id else {
            if self.is_from_elsewhere() {
                return wrong("Required parameter client_id is not present");
            }
            return self.leave_all(tx).map(Ok);
        };
        if hinted.as_ref().is_some_and(|hinted| hinted.client_id != client_id) {
            return wrong("id_token_hint is no ID token of this client");
        }
        let at = match self.client_named(tx, client_id)? {
            Ok(at) => at,
            Err(wrong) => return Ok(Err(wrong)),
        };
        let next = match logout::next(&self.query, &at.client, hinted.is_some()) {
            Ok(next) => next,
            Err(wrong) => return Ok(Err(wrong)),
        };
        if let Some(handle) = self.cookies.session(&at.pool.id) {
            self.app.pools.sign_browser_out(tx, handle)?;
        }
        let to = match next {
            Next::App(href) => To::Address(href),
            Next::SignIn => To::Address(format!("/login?{}", self.query.query())),
            Next::Here => To::OurPage { app_name: at.client.name.clone() },
        };
        Ok(Ok(Left { pools: vec![at.pool.id.clone()], to }))
    }

    /// Nobody says which app: the browser leaves every pool.
    fn leave_all(&self, tx: &mut Tx<'_>) -> Answer<Left> {
        let mut pools = Vec::new();
        for (pool_id, handle) in self.cookies.sessions() {
            self.app.pools.sign_browser_out(tx, handle)?;
            pools.push(pool_id.to_owned());
        }
        Ok(Left { pools, to: To::OurPage { app_name: String::new() } })
    }
}
