//! The links in mails of the mail service. Opening one changes nothing; its button does (rule M5).

use crate::app::{App, fresh_request_id};
use crate::pages::links::{Link, VerifyAddress};
use crate::pages::problem::{Problem, Trouble};
use crate::pages::words::Language;
use crate::pages::{Frame, Page as _};
use crate::respond::{page, with_header};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, Query, State};
use axum::http::StatusCode;
use axum::http::header::REFERRER_POLICY;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

pub fn routes() -> Router<App> {
    Router::new().route("/ses/verify", get(ask).post(confirm)).layer(DefaultBodyLimit::max(4096))
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
}

async fn ask(State(app): State<App>, Query(Token { token }): Query<Token>) -> Response {
    let found = app.mail.peek_address(&token).await;
    show(&app, found.map(|address| address.map_or(Link::Dead, |address| Link::Ask { address, token })))
}

async fn confirm(State(app): State<App>, Form(Token { token }): Form<Token>) -> Response {
    let found = app.mail.confirm_address(&token).await;
    show(&app, found.map(|address| address.map_or(Link::Dead, |address| Link::Done { address })))
}

fn show(app: &App, link: anyhow::Result<Link>) -> Response {
    let frame = Frame::new(Language::English, "Postern", app.public_host());
    let shown = match link {
        Ok(link) => {
            let status = if matches!(link, Link::Dead) { StatusCode::NOT_FOUND } else { StatusCode::OK };
            page(status, VerifyAddress { frame, link }.render())
        }
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
