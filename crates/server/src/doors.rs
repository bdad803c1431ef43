//! All doors of the server, in one list.

use crate::api;
use crate::app::App;
use crate::pages::assets;
use crate::respond::{finish, json, response, with_header};
use crate::settings::ConsoleDoor;
use crate::{console, health, inbox, links, login, notices, upload, well_known};
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::get;
use serde_json::json as value;

/// Makes the router. Notices, the inbox and the console have doors only where the settings say so.
pub fn router(app: &App) -> Router {
    let mut router = Router::new()
        .merge(api::routes())
        .merge(health::routes())
        .merge(well_known::routes())
        .merge(links::routes())
        .merge(upload::routes())
        .merge(login::routes(app))
        .merge(notices::routes(app))
        .route("/assets/{file}", get(asset));
    if app.settings.development.inbox {
        router = router.merge(inbox::routes());
    }
    if app.settings.console == ConsoleDoor::Shared {
        router = router.merge(console::routes(app));
    }
    finished(router, app)
}

/// Makes the router of a console that has addresses of its own.
pub fn console_router(app: &App) -> Router {
    // Its previews show the pictures of brands.
    let files = Router::new()
        .route("/assets/{file}", get(asset))
        .route("/brand/{id}/{file}", get(login::brand::file));
    let router = Router::new().merge(console::routes(app)).merge(files).route("/", get(console::home));
    finished(router, app)
}

fn finished(router: Router<App>, app: &App) -> Router {
    router
        .fallback(nothing_here)
        .method_not_allowed_fallback(other_method)
        .layer(from_fn_with_state(app.clone(), finish))
        .with_state(app.clone())
}

/// Files under addresses that change with their content, to be kept for ever.
async fn asset(Path(file): Path<String>) -> Response {
    match assets::find(&format!("/assets/{file}")) {
        Some(asset) => with_header(
            response(StatusCode::OK, asset.content_type, asset.bytes),
            CACHE_CONTROL,
            "public, max-age=31536000, immutable",
        ),
        None => nothing_here().await,
    }
}

async fn nothing_here() -> Response {
    json(StatusCode::NOT_FOUND, &value!({ "message": "There is nothing here." }))
}

async fn other_method() -> Response {
    json(StatusCode::METHOD_NOT_ALLOWED, &value!({ "message": "This path does not take this method." }))
}
