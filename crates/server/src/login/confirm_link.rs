//! The link of a sign-up (`CONFIRM_WITH_LINK`). Opening it changes nothing, for scanners of mail open links, too; its
//! button confirms the account (rule M5). Whether the link is good shows only then, so that looking at it tries no
//! codes. It signs nobody in: where the sign-up was begun, it goes on.

use super::flow::{Fault, hiding};
use super::press::{fault_of, redirect};
use super::problem::{self, dressed};
use super::visit::Visit;
use crate::pages::Page as _;
use crate::pages::confirm_link::{ConfirmAccount, Link};
use crate::pages::problem::Trouble;
use crate::respond::{page, with_header};
use axum::http::StatusCode;
use axum::http::header::REFERRER_POLICY;
use axum::response::Response;
use postern_model::{Answer, Error};
use postern_pools::confirm_link::PATH;
use postern_pools::functions;
use postern_pools::oauth::authorize::Wrong;
use postern_pools::oauth::logout::front_page;
use postern_pools::oauth::pairs::{Pairs, query};
use postern_pools::sign_in::{At, Step};
use postern_pools::unit::kept;

/// What a link says.
#[derive(Clone)]
struct Asked {
    client_id: String,
    user_name: String,
    code: String,
}

impl Asked {
    fn read(pairs: &Pairs) -> Result<Asked, Wrong> {
        let needed = |name: &str| match pairs.once(name)? {
            Some(value) => Ok(value.to_owned()),
            None => Err(Wrong::Request(format!("Required parameter {name} is not present"))),
        };
        Ok(Asked {
            client_id: needed("client_id")?,
            user_name: needed("user_name")?,
            code: needed("confirmation_code")?,
        })
    }
}

/// `GET /confirmUser`
pub async fn opened(visit: Visit) -> Response {
    let response = match Asked::read(&visit.query) {
        Ok(asked) => {
            let link = Link::Ask {
                client_id: asked.client_id.clone(),
                user_name: asked.user_name,
                code: asked.code,
            };
            show(&visit, &asked.client_id, StatusCode::OK, |_| link).await
        }
        Err(wrong) => problem::wrong(&visit, wrong),
    };
    // The address of this page holds a code (rule M6).
    with_header(visit.keep_language(response), REFERRER_POLICY, "no-referrer")
}

/// `POST /confirmUser`. Without a referrer browsers send no origin either; what shows that the press is meant is the code.
pub async fn pressed(visit: Visit) -> Response {
    let asked = match Asked::read(&visit.form) {
        Ok(asked) => asked,
        Err(wrong) => return problem::wrong(&visit, wrong),
    };
    let leads_to = |page: &str| {
        let query = query(&[("client_id", asked.client_id.as_str())]);
        redirect(StatusCode::SEE_OTHER, &format!("{PATH}/{page}?{query}"))
    };
    match visit.confirm(asked.clone()).await {
        Ok(Ok(true)) => leads_to("done"),
        Ok(Ok(false)) => leads_to("expired"),
        Ok(Err(wrong)) => problem::wrong(&visit, wrong),
        Err(Error::Refused(refused)) => match fault_of(&refused, visit.app.clock.now().ms()) {
            Fault::TooMany { .. } => {
                let minutes = u64::from(refused.retry_after_s.unwrap_or(60).div_ceil(60));
                problem::page(&visit, "", Trouble::TooMany { minutes })
            }
            // Somebody else has proven the address meanwhile, or the account is gone.
            _ => leads_to("expired"),
        },
        Err(cause) => problem::failed(&visit, &cause),
    }
}

/// `GET /confirmUser/done`
pub async fn done(visit: Visit) -> Response {
    outcome(visit, StatusCode::OK, |at| Link::Confirmed { app_href: front_page(&at.client) }).await
}

/// `GET /confirmUser/expired`
pub async fn expired(visit: Visit) -> Response {
    outcome(visit, StatusCode::NOT_FOUND, |at| Link::Dead { app_href: front_page(&at.client) }).await
}

async fn outcome(visit: Visit, status: StatusCode, link: impl FnOnce(&At) -> Link) -> Response {
    let client_id = visit.query.first("client_id").unwrap_or_default().to_owned();
    let response = show(&visit, &client_id, status, link).await;
    visit.keep_language(response)
}

async fn show(
    visit: &Visit,
    client_id: &str,
    status: StatusCode,
    link: impl FnOnce(&At) -> Link,
) -> Response {
    let (looking, client_id) = (visit.clone(), client_id.to_owned());
    match visit.app.store.read(move |tx| looking.client_named(tx, &client_id)).await {
        Ok(Ok(at)) => page(status, ConfirmAccount { frame: dressed(visit, &at), link: link(&at) }.render()),
        Ok(Err(wrong)) => problem::wrong(visit, wrong),
        Err(cause) => problem::failed(visit, &cause),
    }
}

impl Visit {
    /// Judges a link and tells whether it has confirmed an account. A wrong one is counted like a wrong code.
    async fn confirm(&self, asked: Asked) -> Answer<Result<bool, Wrong>> {
        let visit = self.clone();
        self.app
            .pools
            .page_unit(&self.caller, move |tx| {
                let at = match visit.client_named(tx, &asked.client_id)? {
                    Ok(at) => At { client: hiding(at.client), ..at },
                    Err(wrong) => return Ok(Err(wrong)),
                };
                let pools = &visit.app.pools;
                let step = pools.confirm_in_unit(tx, &at, &asked.user_name, &asked.code, false, None);
                Ok(Ok(match kept(step)? {
                    Step::Done(_) => true,
                    // A function that fails afterwards takes nothing back.
                    Step::No(Error::Refused(refused)) => functions::refused(refused.kind),
                    Step::No(failed) => return Err(failed),
                    Step::Ask(_) | Step::Check(_) => {
                        return Err(anyhow::anyhow!("confirming asked for more").into());
                    }
                }))
            })
            .await
    }
}
