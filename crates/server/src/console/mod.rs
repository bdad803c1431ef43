//! The administrators' console. It owns no rule and no query: what it shows is read, and what it changes is changed, by
//! operations of the API in the administrator's name, with the same checks, permissions and audit.

mod activity;
mod area;
mod branding;
mod branding_pages;
mod client_areas;
mod clients;
mod command;
mod curl;
mod desk;
mod domain;
mod doorstep;
mod durations;
mod edit;
mod email;
mod groups;
mod imports;
mod lists;
mod logs;
mod menu;
mod message_areas;
mod metrics;
mod note;
mod outbox;
mod outcomes;
mod pool_areas;
mod pools;
mod provider_kinds;
mod providers;
mod quick_start;
mod resource_servers;
mod roles;
mod senders;
mod session;
mod settings;
mod suppressions;
mod text_areas;
mod threat_areas;
mod trigger_areas;
mod trigger_test;
mod user_events;
mod users;
mod view;
mod you;

use crate::app::App;
use crate::login::visit::FileMax;
use crate::pages::console::field::Field;
use crate::pages::console::form::Form;
use crate::pages::console::{Block as _, Html};
use crate::pages::problem::Trouble;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use desk::Desk;
use postern_pools::operations::import_file::FILE_MAX;

/// The doors of the console.
pub fn routes(app: &App) -> Router<App> {
    let inside = Router::new()
        .route("/console", get(home))
        .route("/console/sign-out", post(sign_out))
        .route("/console/pools", get(pools::list))
        .route("/console/pools/new", get(pools::ask_new).post(pools::make))
        .route("/console/pools/{pool}", get(pools::overview))
        .route("/console/pools/{pool}/delete", get(pools::ask_delete).post(pools::delete))
        .route("/console/pools/{pool}/methods", get(settings::methods))
        .route("/console/pools/{pool}/sign-in", get(settings::sign_in))
        .route("/console/pools/{pool}/sign-up", get(settings::sign_up))
        .route("/console/pools/{pool}/extensions", get(settings::extensions))
        .route("/console/pools/{pool}/extensions/test", get(trigger_test::ask).post(trigger_test::call))
        .route("/console/pools/{pool}/threats", get(settings::threats))
        .route("/console/pools/{pool}/messages", get(settings::messages))
        .route("/console/pools/{pool}/settings", get(settings::general))
        .route("/console/pools/{pool}/edit/{area}", get(settings::edit).post(settings::save))
        .route("/console/pools/{pool}/logs", get(logs::page))
        .route("/console/pools/{pool}/logs/edit", get(logs::ask_edit).post(logs::save))
        .route("/console/pools/{pool}/domain", get(domain::page).post(domain::make))
        .route("/console/pools/{pool}/domain/{kind}/edit", get(domain::ask_edit).post(domain::save))
        .route("/console/pools/{pool}/domain/{kind}/delete", get(domain::ask_delete).post(domain::delete))
        .route(
            "/console/pools/{pool}/resource-servers/new",
            get(resource_servers::ask_new).post(resource_servers::make),
        )
        .route(
            "/console/pools/{pool}/resource-servers/{identifier}",
            get(resource_servers::one).post(resource_servers::save),
        )
        .route(
            "/console/pools/{pool}/resource-servers/{identifier}/delete",
            get(resource_servers::ask_delete).post(resource_servers::delete),
        )
        .route("/console/pools/{pool}/branding", get(branding::list))
        .route("/console/pools/{pool}/branding/{client}", get(branding::one).post(branding::save))
        .route("/console/pools/{pool}/branding/{client}/page", get(branding::page))
        .route("/console/pools/{pool}/branding/{client}/style.css", get(branding::sheet))
        .route(
            "/console/pools/{pool}/branding/{client}/logo",
            post(branding::upload).layer(Extension(FileMax(branding::PICTURES_MAX))),
        )
        .route("/console/pools/{pool}/branding/{client}/logo/delete", post(branding::drop_logo))
        .route(
            "/console/pools/{pool}/branding/{client}/delete",
            get(branding::ask_delete).post(branding::delete),
        )
        .route("/console/pools/{pool}/clients", get(clients::list))
        .route("/console/pools/{pool}/clients/new", get(clients::ask_new).post(clients::make))
        .route("/console/pools/{pool}/clients/{client}", get(clients::one))
        .route("/console/pools/{pool}/clients/{client}/secret", post(clients::reveal))
        .route(
            "/console/pools/{pool}/clients/{client}/delete",
            get(clients::ask_delete).post(clients::delete),
        )
        .route(
            "/console/pools/{pool}/clients/{client}/edit/{area}",
            get(settings::edit_client).post(settings::save_client),
        )
        .route("/console/pools/{pool}/users", get(users::list))
        .route("/console/pools/{pool}/users/new", get(users::ask_new).post(users::make))
        .route("/console/pools/{pool}/users/imports", get(imports::list))
        .route(
            "/console/pools/{pool}/users/imports/new",
            get(imports::ask_new).post(imports::make).layer(Extension(FileMax(FILE_MAX))),
        )
        .route("/console/pools/{pool}/users/imports/{job}", get(imports::one))
        .route("/console/pools/{pool}/users/imports/{job}/act", post(imports::act))
        .route("/console/pools/{pool}/users/{user}", get(users::one))
        .route("/console/pools/{pool}/users/{user}/act", post(users::act))
        .route(
            "/console/pools/{pool}/users/{user}/events",
            get(user_events::list).post(user_events::feedback),
        )
        .route("/console/pools/{pool}/users/{user}/edit", get(users::ask_edit).post(users::save))
        .route(
            "/console/pools/{pool}/users/{user}/password",
            get(users::ask_password).post(users::set_password),
        )
        .route("/console/pools/{pool}/users/{user}/delete", get(users::ask_delete).post(users::delete))
        .route("/console/pools/{pool}/providers", get(providers::list))
        .route("/console/pools/{pool}/providers/new", get(providers::ask_new).post(providers::make))
        .route("/console/pools/{pool}/providers/{provider}", get(providers::one))
        .route(
            "/console/pools/{pool}/providers/{provider}/edit",
            get(providers::ask_edit).post(providers::save),
        )
        .route(
            "/console/pools/{pool}/providers/{provider}/delete",
            get(providers::ask_delete).post(providers::delete),
        )
        .route("/console/pools/{pool}/groups", get(groups::list))
        .route("/console/pools/{pool}/groups/new", get(groups::ask_new).post(groups::make))
        .route("/console/pools/{pool}/groups/{group}", get(groups::one))
        .route("/console/pools/{pool}/groups/{group}/members", post(groups::members))
        .route("/console/pools/{pool}/groups/{group}/edit", post(groups::save))
        .route("/console/pools/{pool}/groups/{group}/delete", get(groups::ask_delete).post(groups::delete))
        .route("/console/roles", get(roles::list))
        .route("/console/roles/{role}", get(roles::one))
        .route("/console/activity", get(activity::list))
        .route("/console/activity/{id}", get(activity::one))
        .route("/console/metrics", get(metrics::page))
        .route("/console/you", get(you::page))
        .route("/console/you/email", get(you::ask_code).post(you::send_code))
        .route("/console/you/email/answer", post(you::answer_code))
        .route("/console/you/passkeys", post(you::add_passkey))
        .route("/console/you/passkeys/options", get(you::passkey_options))
        .route("/console/you/passkeys/remove", post(you::remove_passkey))
        .route("/console/email", get(email::all))
        .route("/console/email/new", get(email::ask_new).post(email::make))
        .route("/console/email/production", get(email::ask_production).post(email::request_production))
        .route("/console/email/review/approve", post(email::approve))
        .route("/console/email/review/deny", get(email::ask_deny).post(email::deny))
        .route("/console/email/identities/{name}/check", post(email::check))
        .route("/console/email/identities/{name}/publish", post(email::publish))
        .route("/console/email/test", get(email::ask_test).post(email::send_test))
        .route("/console/email/outbox", get(outbox::list))
        .route("/console/email/suppressions", get(suppressions::list))
        .route("/console/email/suppressions/new", get(suppressions::ask_new).post(suppressions::put))
        .route("/console/email/suppressions/{address}", get(suppressions::one))
        .route("/console/email/suppressions/{address}/delete", post(suppressions::take_off))
        .route("/console/email/identities/{name}", get(email::one))
        .route("/console/email/identities/{name}/delete", get(email::ask_delete).post(email::delete))
        .route_layer(from_fn_with_state(app.clone(), session::admit));
    Router::new()
        .merge(inside)
        .route("/metrics", get(metrics::export))
        .route("/console/sign-in", get(doorstep::ask).post(doorstep::by_key))
        .route("/console/sign-in/code", get(doorstep::ask_code).post(doorstep::send_code))
        .route("/console/sign-in/again", post(doorstep::send_again))
        .route("/console/sign-in/answer", post(doorstep::answer_code))
        .route("/console/sign-in/passkey", get(doorstep::passkey_options).post(doorstep::by_passkey))
        .route("/console/", get(home))
        .route("/console/{*rest}", any(nothing_here))
        .method_not_allowed_fallback(nothing_here)
        .layer(DefaultBodyLimit::max(64 * 1024))
}

/// Where the console begins.
pub async fn home() -> Response {
    desk::redirect("/console/pools")
}

/// A page for who looks for one that there is not, or that only forms lead to.
async fn nothing_here(State(app): State<App>) -> Response {
    session::turned_away(&app, Trouble::NotFound)
}

async fn sign_out(State(app): State<App>, desk: Desk) -> Response {
    session::end(&app, &desk.visit.headers, &desk.session).await
}

/// Wants the name of what is to be destroyed.
fn asked_for_name(typed: &str, wanted: &str) -> Result<(), postern_model::Error> {
    if typed == wanted {
        return Ok(());
    }
    postern_model::refuse(
        postern_model::cognito_idp::errors::InvalidParameterException,
        format!("Type {wanted} to confirm."),
    )
}

/// A form that asks before something is destroyed: its name is to be typed.
fn deletion(desk: &Desk, what: &str, name: &str, action: &str, back: &str) -> Html {
    let field = Field::line("confirm", &format!("Type {name} to confirm"), "");
    let mut form = Form::new(action, &desk.csrf(), &format!("Delete {what}"), vec![field]).cancel(back);
    form.is_danger = true;
    desk.fill(&mut form);
    if let Some(problem) = form.problem.take() {
        form.fields[0].error = Some(problem);
    }
    form.html()
}
