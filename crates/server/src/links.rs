//! The links in mails of the mail service, and in notices about an account. Opening one changes nothing; its button does (rule M5).

use crate::app::{App, fresh_request_id};
use crate::login::visit::Visit;
use crate::pages::links::{Link, VerifyAddress};
use crate::pages::problem::{Problem, Trouble};
use crate::pages::undo::UndoChange;
use crate::pages::words::Language;
use crate::pages::{Frame, Page as _};
use crate::respond::{page, with_header};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, Query, State};
use axum::http::StatusCode;
use axum::http::header::REFERRER_POLICY;
use axum::response::Response;
use axum::routing::get;
use postern_model::Error;
use postern_pools::address_change::Undo;
use postern_pools::oauth::pairs::Pairs;
use serde::Deserialize;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/ses/verify", get(ask).post(confirm))
        .route("/account/undo", get(ask_to_undo).post(undo))
        .layer(DefaultBodyLimit::max(4096))
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
}

async fn ask(State(app): State<App>, Query(Token { token }): Query<Token>) -> Response {
    let found = app.mail.peek_address(&token).await;
    show_link(&app, found.map(|address| address.map_or(Link::Dead, |address| Link::Ask { address, token })))
}

async fn confirm(State(app): State<App>, Form(Token { token }): Form<Token>) -> Response {
    let found = app.mail.confirm_address(&token).await;
    show_link(&app, found.map(|address| address.map_or(Link::Dead, |address| Link::Done { address })))
}

async fn ask_to_undo(visit: Visit) -> Response {
    let token = token_in(&visit.query);
    let found = visit.app.pools.peek_undo(&token).await;
    show_undo(&visit.app, found, token)
}

async fn undo(visit: Visit) -> Response {
    let token = token_in(&visit.form);
    let done = match visit.app.pools.undo_address_change(&visit.caller, &token).await {
        Ok(undo) => Ok(undo),
        // Somebody else has the address now.
        Err(Error::Refused(_)) => Ok(Undo::Dead),
        Err(Error::Failed(cause)) => Err(cause),
    };
    show_undo(&visit.app, done, token)
}

fn token_in(pairs: &Pairs) -> String {
    pairs.once("token").ok().flatten().unwrap_or_default().to_owned()
}

fn show_undo(app: &App, undo: anyhow::Result<Undo>, token: String) -> Response {
    show(app, undo, |frame, undo| {
        let status = if undo == Undo::Dead { StatusCode::NOT_FOUND } else { StatusCode::OK };
        page(status, UndoChange { frame, undo, token }.render())
    })
}

fn show_link(app: &App, link: anyhow::Result<Link>) -> Response {
    show(app, link, |frame, link| {
        let status = if matches!(link, Link::Dead) { StatusCode::NOT_FOUND } else { StatusCode::OK };
        page(status, VerifyAddress { frame, link }.render())
    })
}

fn show<T>(app: &App, found: anyhow::Result<T>, shown: impl FnOnce(Frame, T) -> Response) -> Response {
    let frame = Frame::new(Language::English, "Postern", app.public_host());
    let shown = match found {
        Ok(found) => shown(frame, found),
        Err(cause) => {
            let reference = fresh_request_id();
            tracing::error!(reference, cause = format!("{cause:#}"), "a link could not be followed");
            let problem = Problem { frame, trouble: Trouble::Fault, reference };
            page(StatusCode::INTERNAL_SERVER_ERROR, problem.render())
        }
    };
    // The address of this page holds a token (rule M6).
    with_header(shown, REFERRER_POLICY, "no-referrer")
}
