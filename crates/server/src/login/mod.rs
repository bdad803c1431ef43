//! The sign-in pages and the OAuth endpoints in front of them. Each step is a page of its own: its form posts, one unit
//! of work moves the flow, and a redirect leads to a page that can be opened again. No GET changes anything, but for the
//! ways to an outside provider and back, which browsers take so.

mod authorize;
mod back;
pub(crate) mod brand;
mod code;
mod confirm_link;
pub mod cookies;
mod demo;
mod flow;
mod forgot;
mod identify;
mod language;
mod logout;
pub(crate) mod multipart;
mod outside;
mod passkey;
mod password;
mod press;
mod problem;
mod saml;
mod saml_logout;
mod second_factor;
mod show;
mod sign_up;
mod token;
pub(crate) mod typed;
pub(crate) mod visit;

use crate::app::App;
use axum::Router;
use axum::routing::{get, post};

/// Where the demo app's sign-in begins.
pub const DEMO_PATH: &str = "/demo";

/// The doors of the pages. The demo app has its own only where the settings say so.
pub fn routes(app: &App) -> Router<App> {
    let router = Router::new()
        .route("/oauth2/authorize", get(authorize::authorize).post(authorize::authorize_posted))
        .route("/oauth2/token", post(token::token).options(token::preflight))
        .route("/oauth2/revoke", post(token::revoke).options(token::preflight))
        .route("/oauth2/userInfo", get(token::user_info).post(token::user_info).options(token::preflight))
        .route("/login", get(show::identify).post(identify::named))
        .route("/login/choose", get(show::choose).post(identify::chosen))
        .route("/login/code", get(show::code).post(code::typed_in))
        .route("/login/resend", post(identify::again))
        .route("/login/password", get(show::password).post(password::typed_in))
        .route("/login/passkey", get(show::passkey).post(passkey::used))
        .route("/login/passkey/options", get(passkey::options))
        .route("/passkeys/add", get(passkey::offer).post(passkey::added))
        .route("/passkeys/options", get(passkey::options_to_add))
        .route("/login/new-password", get(show::new_password).post(password::renewed))
        .route("/login/authenticator", get(show::authenticator).post(second_factor::typed_in))
        .route("/login/second", get(show::second).post(second_factor::chosen))
        .route("/login/set-up", get(show::set_up).post(second_factor::set_up))
        .route("/login/set-up-email", post(second_factor::set_up_email))
        .route("/login/provider", get(outside::chosen))
        .route("/login/provider/back", get(outside::posted_before))
        .route("/oauth2/idpresponse", get(outside::returned).post(outside::posted))
        .route(saml::ANSWERS, post(saml::posted))
        .route(saml_logout::MESSAGES, get(saml_logout::opened).post(saml_logout::posted))
        .route("/signup", get(show::sign_up).post(sign_up::created))
        .route("/forgotPassword", get(show::forgot).post(forgot::asked))
        .route("/confirmforgotPassword", get(show::reset).post(forgot::chosen))
        .route("/resendcode", get(show::identify).post(identify::again))
        .route("/confirm", get(show::confirm).post(sign_up::confirmed))
        .route("/confirmUser", get(confirm_link::opened).post(confirm_link::pressed))
        .route("/confirmUser/", get(confirm_link::opened))
        .route("/confirmUser/done", get(confirm_link::done))
        .route("/confirmUser/expired", get(confirm_link::expired))
        .route("/logout", get(logout::logout).post(logout::logout_posted))
        .route("/logout/confirm", post(logout::confirmed))
        .route("/error", get(problem::told))
        .route("/brand/{id}/{file}", get(brand::file));
    match app.settings.development.demo {
        true => router
            .route(DEMO_PATH, get(demo::start))
            .route("/demo/callback", get(demo::called_back))
            .route("/demo/refresh", post(demo::refresh))
            .route("/demo/sign-out", get(demo::sign_out))
            .route("/demo/signed-out", get(demo::signed_out)),
        false => router,
    }
}
