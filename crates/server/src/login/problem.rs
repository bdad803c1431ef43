//! When a sign-in cannot go on: our own page says so, and redirects nowhere (rule O12).

use super::visit::Visit;
use crate::app::App;
use crate::pages::brand::Brand;
use crate::pages::problem::{Problem, Trouble};
use crate::pages::words::Language;
use crate::pages::{Frame, Page as _};
use crate::respond;
use axum::http::StatusCode;
use axum::response::Response;
use postern_model::Refusal;
use postern_pools::oauth::authorize::Wrong;
use postern_pools::sign_in::At;

/// Shows what is wrong, with the reference that the log has.
pub fn page(visit: &Visit, app_name: &str, trouble: Trouble) -> Response {
    shown(frame(visit, app_name), trouble, &visit.caller.request_id)
}

/// The same in the look of an app.
pub fn page_of(visit: &Visit, at: &At, trouble: Trouble) -> Response {
    shown(dressed(visit, at), trouble, &visit.caller.request_id)
}

/// The same for a request that could not be read, so that nothing is known of it but who reads the answer.
pub fn unread(app: &App, language: Language, trouble: Trouble, request_id: &str) -> Response {
    shown(Frame::new(language, "", app.public_host()), trouble, request_id)
}

fn shown(frame: Frame, trouble: Trouble, request_id: &str) -> Response {
    let status = match trouble {
        Trouble::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        Trouble::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        Trouble::NotFound => StatusCode::NOT_FOUND,
        Trouble::Blocked { .. } => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    };
    let reference = request_id.split('-').next().unwrap_or_default().to_owned();
    let problem = Problem { frame, trouble, reference };
    tracing::info!(request_id, reason = ?problem.trouble, "a sign-in cannot go on");
    respond::page(status, problem.render())
}

/// The frame of a page.
pub fn frame(visit: &Visit, app_name: &str) -> Frame {
    let app = &visit.app;
    let inbox_href = app.settings.development.inbox.then(|| "/inbox".to_owned());
    Frame { inbox_href, ..Frame::new(visit.language(), app_name, visit.host()) }
}

/// The frame of a page that can be opened again in another language.
pub fn reopened(visit: &Visit, app_name: &str) -> Frame {
    let query = visit.query.without(&["lang"]).query();
    let language_href = Some(format!("{}?{query}&lang=", visit.path));
    Frame { language_href, ..frame(visit, app_name) }
}

/// The same for a page of an app, in its colours.
pub fn dressed(visit: &Visit, at: &At) -> Frame {
    let brand = at.client.style.as_ref().map(|style| Brand::of(style, visit.language()));
    Frame { brand, ..reopened(visit, at.app_name()) }
}

/// Says what an app got wrong. Which addresses are allowed is told in development mode only.
pub fn wrong(visit: &Visit, wrong: Wrong) -> Response {
    let trouble = match wrong {
        Wrong::Request(why) => Trouble::BadRequest { why },
        Wrong::UnknownClient(client_id) => Trouble::UnknownApp { client_id },
        Wrong::Redirect { sent, allowed } => {
            let allowed = visit.app.settings.development.demo.then_some(allowed);
            Trouble::RedirectRefused { sent, allowed }
        }
    };
    page(visit, "", trouble)
}

/// `GET /error`: the page by which Cognito's domains say that an app got something wrong. Nothing that came along is
/// repeated on it.
pub async fn told(visit: Visit) -> Response {
    let trouble = match visit.query.first("error") {
        Some("redirect_mismatch") => {
            Trouble::BadRequest { why: "The redirect address is not one of the app client's".to_owned() }
        }
        Some("invalid_client" | "unauthorized_client") => {
            Trouble::BadRequest { why: "The app client is unknown, or may not do this".to_owned() }
        }
        Some("server_error") => Trouble::Fault,
        _ => Trouble::BadRequest { why: "A parameter is missing or wrong".to_owned() },
    };
    page(&visit, "", trouble)
}

/// Says how long to wait to who begins too much.
pub fn too_many(visit: &Visit, refused: &Refusal) -> Response {
    let minutes = u64::from(refused.retry_after_s.unwrap_or_default().div_ceil(60).max(1));
    page(visit, "", Trouble::TooMany { minutes })
}

/// Logs a failure of ours and shows its reference.
pub fn failed(visit: &Visit, cause: &dyn std::fmt::Display) -> Response {
    let request_id = &visit.caller.request_id;
    tracing::error!(request_id, cause = format!("{cause:#}"), "a page could not be served");
    page(visit, "", Trouble::Fault)
}
