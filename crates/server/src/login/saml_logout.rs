//! `/saml2/logout`: a SAML provider says that a session has ended there, or has sessions ended here. What it says is signed;
//! nothing depends on the browser that carries it.

use super::back::Away;
use super::press::redirect;
use super::problem;
use super::visit::Visit;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use postern_pools::federation::saml_logout::Carried;
use postern_pools::oauth::authorize::Wrong;

/// Where messages about sign-outs are sent.
pub const MESSAGES: &str = "/saml2/logout";

/// `POST /saml2/logout`
pub async fn posted(visit: Visit) -> Response {
    take(&visit, Carried::posted(&visit.form)).await
}

/// `GET /saml2/logout`
pub async fn opened(RawQuery(query): RawQuery, visit: Visit) -> Response {
    take(&visit, Carried::in_address(&query.unwrap_or_default())).await
}

async fn take(visit: &Visit, carried: Option<Carried>) -> Response {
    let wrong = |why: &str| problem::wrong(visit, Wrong::Request(why.to_owned()));
    let Some(carried) = carried else { return wrong("This is no message of a SAML provider") };
    let (pools, here) = (&visit.app.pools, format!("{}{MESSAGES}", visit.own_url()));
    let taken = match carried.asks {
        true => pools.end_as_asked(&carried, &here, visit.only()).await,
        false => pools.has_left(&carried, &here).await,
    };
    match taken {
        // Straight back, also in a frame of the provider's, in which no page of ours is shown.
        Ok(Ok(href)) if carried.asks => redirect(StatusCode::SEE_OTHER, &href),
        Ok(Ok(href)) => Away::to_app("", href).response(visit),
        Ok(Err(trouble)) => wrong(&trouble.0),
        Err(cause) => problem::failed(visit, &cause),
    }
}
