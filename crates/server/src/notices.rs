//! Where bounces and complaints are told of: `/notices/sns`, where the settings name a topic of SNS, and `/notices/dsn`,
//! where they name domains of return paths, for the mails that come there (RFC 3464).

use crate::app::{App, fresh_request_id};
use crate::respond::json;
use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use postern_mail::notices::{BYTES_MAX, Noticed};
use serde_json::json as value;

pub fn routes(app: &App) -> Router<App> {
    let mut router = Router::new();
    if app.notices.are_wanted() {
        router = router.route("/notices/sns", post(from_sns));
    }
    if app.mail.takes_reports() {
        router = router.route("/notices/dsn", post(from_mail_server));
    }
    router.layer(DefaultBodyLimit::max(BYTES_MAX))
}

async fn from_sns(State(app): State<App>, body: Bytes) -> Response {
    answer(app.notices.take(&app.mail, &body).await)
}

async fn from_mail_server(State(app): State<App>, body: Bytes) -> Response {
    answer(app.mail.take_report(&body).await)
}

fn answer(noticed: Result<Noticed>) -> Response {
    match noticed {
        Ok(Noticed::Taken) => json(StatusCode::OK, &value!({})),
        Ok(Noticed::Refused(words)) => {
            tracing::warn!(words, "a notice was refused");
            json(StatusCode::FORBIDDEN, &value!({ "message": words }))
        }
        Err(cause) => {
            let reference = fresh_request_id();
            tracing::error!(reference, cause = format!("{cause:#}"), "a notice could not be taken");
            let words = format!("Something went wrong. Reference: {reference}");
            json(StatusCode::INTERNAL_SERVER_ERROR, &value!({ "message": words }))
        }
    }
}
