//! The sign-in pages and the OAuth endpoints in front of them.

use crate::app::App;
use axum::Router;

/// Where the demo app's sign-in begins.
pub const DEMO_PATH: &str = "/demo";

pub fn routes() -> Router<App> {
    Router::new()
}
