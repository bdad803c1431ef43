//! `/logout`: ends the session of this browser, and goes to where the app may send it; by way of the SAML provider that the
//! person came from, if that one takes part. Who does not show by an ID token whose sign-in it was has the person asked
//! first (rule O10).

use super::back::{Away, page_before};
use super::cookies::Cookies;
use super::flow::{csrf, csrf_matches};
use super::press::{gone, redirect};
use super::problem::{self, dressed};
use super::visit::Visit;
use crate::pages::login::{SignOut, SignedOut};
use crate::pages::{Frame, Page as _};
use crate::respond::page;
use axum::http::StatusCode;
use axum::response::Response;
use postern_model::Answer;
use postern_pools::federation::saml_logout::Leaving;
use postern_pools::oauth::authorize::Wrong;
use postern_pools::oauth::browser::{Hinted, Person};
use postern_pools::oauth::logout::{self, Next};
use postern_pools::oauth::pairs::query;
use postern_pools::sign_in::At;
use postern_store::Tx;

/// What the form of the question is tied to, in place of a flow.
const FORM: &str = "sign out";

/// Where a sign-out leads, and the pools that were left.
struct Left {
    pools: Vec<String>,
    /// A provider at which the sign-out goes on before.
    by_way_of: Option<Leaving>,
    to: To,
}

enum To {
    App {
        app_name: String,
        href: String,
    },
    SignIn,
    OurPage {
        frame: Box<Frame>,
        /// Where the app is; its own pages know how a sign-in begins.
        app_href: Option<String>,
    },
    Question {
        frame: Box<Frame>,
        /// The app's address that a yes leads to.
        then: String,
    },
}

/// `GET /logout`
pub async fn logout(visit: Visit) -> Response {
    let leaving = visit.clone();
    match visit.app.store.write(move |tx| leaving.leave(tx, false)).await {
        Ok(Ok(left)) => show(&visit, left).await,
        Ok(Err(wrong)) => problem::wrong(&visit, wrong),
        Err(cause) => problem::failed(&visit, &cause),
    }
}

/// `POST /logout`
pub async fn logout_posted(visit: Visit) -> Response {
    visit.taken_on("/logout").await
}

/// `POST /logout/confirm`: the person says yes, and goes on to the app; or to our own page, which the same request once
/// more then brings.
pub async fn confirmed(visit: Visit) -> Response {
    let given = visit.form.first("csrf").unwrap_or_default();
    if !visit.is_from_here() || !csrf_matches(&visit.app, &visit.cookies, FORM, given) {
        return gone(&visit);
    }
    let asked = visit.form.without(&["csrf"]);
    let leaving = Visit { query: asked.clone(), ..visit.clone() };
    let left = match visit.app.store.write(move |tx| leaving.leave(tx, true)).await {
        Ok(Ok(left)) => left,
        Ok(Err(wrong)) => return problem::wrong(&visit, wrong),
        Err(cause) => return problem::failed(&visit, &cause),
    };
    let to = match (provider_href(&visit, left.by_way_of).await, left.to) {
        (Some(href), _) => Away::to_app("", href).response(&visit),
        (None, To::App { app_name, href }) => Away::to_app(&app_name, href).response(&visit),
        _ => redirect(StatusCode::SEE_OTHER, &format!("/logout?{}", asked.query())),
    };
    without_sessions(&visit, to, &left.pools)
}

/// The address at which a sign-out goes on. A provider that cannot be asked keeps nobody: here they are signed out.
async fn provider_href(visit: &Visit, leaving: Option<Leaving>) -> Option<String> {
    match visit.app.pools.leaving_href(&leaving?).await {
        Ok(href) => Some(href),
        Err(trouble) => {
            let request_id = &visit.caller.request_id;
            tracing::warn!(request_id, %trouble, "a sign-out could not go on at its provider");
            None
        }
    }
}

async fn show(visit: &Visit, left: Left) -> Response {
    if let Some(href) = provider_href(visit, left.by_way_of).await {
        return without_sessions(visit, redirect(StatusCode::FOUND, &href), &left.pools);
    }
    let response = match left.to {
        To::App { href, .. } => redirect(StatusCode::FOUND, &href),
        To::SignIn => redirect(StatusCode::FOUND, &visit.sign_in_href()),
        To::OurPage { frame, app_href } => {
            let html = SignedOut { frame: *frame, sign_in_href: app_href }.render();
            visit.keep_language(page(StatusCode::OK, html))
        }
        To::Question { frame, then } => return ask(visit, *frame, &then),
    };
    without_sessions(visit, response, &left.pools)
}

fn ask(visit: &Visit, frame: Frame, then: &str) -> Response {
    let known = visit.cookies.browser().map(str::to_owned);
    let browser = known.clone().unwrap_or_else(Cookies::fresh_browser);
    let form = SignOut {
        frame,
        csrf: csrf(visit.app.store.keys(), &browser, FORM),
        parameters: visit.query.without(&["csrf"]).into_iter().collect(),
    };
    let response = visit.keep_language(page_before(then, form.render()));
    match known {
        Some(_) => response,
        None => visit.cookies.set_browser(&browser).on(response),
    }
}

fn without_sessions(visit: &Visit, response: Response, pools: &[String]) -> Response {
    pools.iter().fold(response, |response, pool_id| visit.cookies.clear_session(pool_id).on(response))
}

impl Visit {
    /// Signs the browser out, unless the person has to be asked first and has not said yes.
    fn leave(&self, tx: &mut Tx<'_>, is_agreed: bool) -> Answer<Result<Left, Wrong>> {
        let wrong = |why: &str| Ok(Err(Wrong::Request(why.to_owned())));
        let hinted = match self.query.once("id_token_hint") {
            Ok(Some(hint)) => match self.app.pools.hinted(tx, hint)? {
                Some(hinted) => Some(hinted),
                None => return wrong("id_token_hint is no ID token of this server"),
            },
            Ok(None) => None,
            Err(twice) => return Ok(Err(twice.into())),
        };
        // A picture or a frame on somebody's page signs nobody out (attack case 69).
        if !is_agreed && !self.is_opened() {
            return wrong("Sign-out must be opened as a page");
        }
        let named = match self.query.once("client_id") {
            Ok(named) => named.or(hinted.as_ref().map(|hinted| hinted.client_id.as_str())),
            Err(twice) => return Ok(Err(twice.into())),
        };
        let Some(client_id) = named else { return self.leave_all(tx, is_agreed).map(Ok) };
        if hinted.as_ref().is_some_and(|hinted| hinted.client_id != client_id) {
            return wrong("id_token_hint is no ID token of this client");
        }
        let at = match self.client_named(tx, client_id)? {
            Ok(at) => at,
            Err(wrong) => return Ok(Err(wrong)),
        };
        let next = match logout::next(&self.query, &at.client) {
            Ok(next) => next,
            Err(wrong) => return Ok(Err(wrong)),
        };
        if !is_agreed && logout::asks_first(&self.query) && self.is_somebody_else(tx, &at, hinted.as_ref())? {
            let then = if let Next::App(href) = next { href } else { String::new() };
            let to = To::Question { frame: Box::new(dressed(self, &at)), then };
            return Ok(Ok(Left { pools: Vec::new(), by_way_of: None, to }));
        }
        let then = match &next {
            Next::App(href) => href.clone(),
            Next::SignIn => self.sign_in_href(),
            Next::Here => format!("/logout?{}", query(&[("client_id", client_id)])),
        };
        let by_way_of = match self.cookies.session(&at.pool.id) {
            Some(handle) => self.leave_pool(tx, &at.pool.id, handle, &then)?,
            None => None,
        };
        let to = match next {
            Next::App(href) => To::App { app_name: at.app_name().to_owned(), href },
            Next::SignIn => To::SignIn,
            Next::Here => {
                To::OurPage { frame: Box::new(dressed(self, &at)), app_href: logout::front_page(&at.client) }
            }
        };
        Ok(Ok(Left { pools: vec![at.pool.id.clone()], by_way_of, to }))
    }

    /// Where somebody signs in again by the parameters of a sign-out.
    fn sign_in_href(&self) -> String {
        format!("/login?{}", self.query.query())
    }

    /// Ends the session of a pool; it may have to go on at a provider.
    fn leave_pool(
        &self,
        tx: &mut Tx<'_>,
        pool_id: &str,
        handle: &str,
        then: &str,
    ) -> Answer<Option<Leaving>> {
        let vouched = self.app.pools.sign_browser_out(tx, &self.caller, handle)?;
        self.app.pools.leave_provider(tx, pool_id, vouched, then)
    }

    /// Tells whether somebody is signed in who is not whom the app means.
    fn is_somebody_else(&self, tx: &mut Tx<'_>, at: &At, hinted: Option<&Hinted>) -> Answer<bool> {
        let person = self.person(tx, at)?;
        let is_meant = |person: &Person| {
            hinted.is_some_and(|hinted| hinted.is_proven && hinted.user_id == person.user.id)
        };
        Ok(person.is_some_and(|person| !is_meant(&person)))
    }

    /// Nobody says which app: the browser leaves every pool, once the person says so.
    fn leave_all(&self, tx: &mut Tx<'_>, is_agreed: bool) -> Answer<Left> {
        if !is_agreed && self.cookies.sessions().next().is_some() {
            let to = To::Question { frame: Box::new(problem::reopened(self, "")), then: String::new() };
            return Ok(Left { pools: Vec::new(), by_way_of: None, to });
        }
        let (mut pools, mut by_way_of) = (Vec::new(), None);
        for (pool_id, handle) in self.cookies.sessions() {
            // Two ways cannot be gone at once.
            by_way_of = self.leave_pool(tx, pool_id, handle, "/logout")?.or(by_way_of);
            pools.push(pool_id.to_owned());
        }
        let to = To::OurPage { frame: Box::new(problem::reopened(self, "")), app_href: None };
        Ok(Left { pools, by_way_of, to })
    }
}
