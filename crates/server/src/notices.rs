//! Where SNS posts notices of bounces and complaints: `/notices/sns`, where the settings name a topic.

use crate::app::{App, fresh_request_id};
use crate::respond::json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use postern_mail::notices::{BYTES_MAX, Noticed};
use serde_json::json as value;

pub fn routes() -> Router<App> {
    Router::new().route("/notices/sns", post(take)).layer(DefaultBodyLimit::max(BYTES_MAX))
}

async fn take(State(app): State<App>, body: Bytes) -> Response {
    match app.notices.take(&app.mail, &body).await {
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
