//! Where the files of user imports are put: at the address that a job gave, while it waits for its file.

use crate::app::{App, fresh_request_id};
use crate::respond::{json, response};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::put;
use http_body_util::{BodyExt as _, Limited};
use postern_pools::operations::import_file::{FILE_MAX, Upload};
use serde::Deserialize;
use serde_json::json as value;

pub fn routes() -> Router<App> {
    Router::new().route("/import/{job}", put(take))
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
}

/// Reads nothing from whoever does not know the address.
async fn take(
    State(app): State<App>,
    Path(job): Path<String>,
    Query(Token { token }): Query<Token>,
    body: Body,
) -> Response {
    let taken = async {
        if !app.pools.awaits_import_file(&job, &token).await? {
            return Ok(Upload::NoJob);
        }
        let _turn = app.large_bodies.acquire().await?;
        match Limited::new(body, FILE_MAX).collect().await {
            Ok(file) => app.pools.take_import_file(&job, &token, file.to_bytes().to_vec()).await,
            Err(_) => Ok(Upload::Unreadable("The file is larger than 100 MB, or did not arrive.")),
        }
    };
    match taken.await {
        Ok(Upload::Taken) => response(StatusCode::OK, "text/plain; charset=utf-8", ""),
        Ok(Upload::NoJob) => refused(StatusCode::FORBIDDEN, "This address takes no file, or no longer."),
        Ok(Upload::Unreadable(fault)) => refused(StatusCode::BAD_REQUEST, fault),
        Err(cause) => {
            let reference = fresh_request_id();
            let cause: anyhow::Error = cause;
            tracing::error!(reference, cause = format!("{cause:#}"), "a file could not be taken");
            refused(
                StatusCode::INTERNAL_SERVER_ERROR,
                &format!("Something went wrong. Reference: {reference}"),
            )
        }
    }
}

fn refused(status: StatusCode, words: &str) -> Response {
    json(status, &value!({ "message": words }))
}
