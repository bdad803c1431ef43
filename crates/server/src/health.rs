//! Whether the process is up, and whether it can do its work.

use crate::app::App;
use crate::respond::json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::json as value;

pub fn routes() -> Router<App> {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz))
}

async fn healthz() -> Response {
    json(StatusCode::OK, &value!({ "status": "up" }))
}

/// Ready means that the store answers, and keeps what it is told: a full disk can still be read.
async fn readyz(State(app): State<App>) -> Response {
    let now = app.clock.now().ms().to_string();
    match app.store.write(move |tx| tx.put_setting("ready", &now)).await {
        Ok(_) => json(StatusCode::OK, &value!({ "status": "ready" })),
        Err(cause) => {
            tracing::error!(cause = format!("{cause:#}"), "the store does not answer");
            json(StatusCode::SERVICE_UNAVAILABLE, &value!({ "status": "the store does not answer" }))
        }
    }
}
