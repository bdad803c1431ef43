//! The way to an outside provider and back. A browser is sent out with secrets that its flow keeps; it comes back with
//! the provider's answer, once; and what went wrong is told to the app, as the OAuth of RFC 6749 §4.1.2.1 words it.

use super::back::{self, Away};
use super::flow::{Flow, Page};
use super::press::{Hand, Pressed, Went, gone, redirect};
use super::problem;
use super::visit::Visit;
use crate::pages::problem::Trouble as Shown;
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_model::{Answer, Error};
use postern_pools::federation::oidc::Brought;
use postern_pools::federation::{Arrived, Hints, Secrets, Sent, Trouble, Way};
use postern_pools::oauth::authorize::{AuthorizeRequest, Prompt};
use postern_pools::oauth::pairs::Pairs;
use postern_pools::provider::Provider;
use postern_pools::sign_in::Step;
use postern_store::{Keys, Purpose};
use serde::{Deserialize, Serialize};

/// What a provider answered: a code, or why there is none.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Answered {
    code: Option<String>,
    user: Option<String>,
    issuer: Option<String>,
    error: Option<String>,
    description: Option<String>,
    /// Whom a SAML provider vouched for.
    arrived: Option<Arrived>,
}

/// A browser that has come back, with what it was sent out with.
struct Back {
    flow: Flow,
    provider: Provider,
    sent: Sent,
    secrets: Secrets,
}

/// Why an app gets an error.
pub(super) struct No(&'static str, String);

impl From<Trouble> for No {
    fn from(trouble: Trouble) -> No {
        No("invalid_request", trouble.0)
    }
}

impl Answered {
    fn read(pairs: &Pairs) -> Answered {
        let text = |name: &str| pairs.first(name).filter(|text| !text.is_empty()).map(str::to_owned);
        Answered {
            code: text("code"),
            user: text("user"),
            issuer: text("iss"),
            error: text("error"),
            description: text("error_description"),
            arrived: None,
        }
    }

    pub(super) fn arrived(arrived: &Arrived) -> Answered {
        Answered { arrived: Some(arrived.clone()), ..Answered::default() }
    }

    pub(super) fn sealed(&self, keys: &Keys) -> Answer<String> {
        let text = serde_json::to_string(self).map_err(anyhow::Error::from)?;
        Ok(BASE64URL.encode(keys.seal(Purpose::Handle, text.as_bytes())))
    }

    fn open(keys: &Keys, sealed: &str) -> Option<Answered> {
        let sealed = BASE64URL.decode(sealed).ok()?;
        serde_json::from_slice(&keys.open(Purpose::Handle, &sealed).ok()?).ok()
    }

    /// The code, if the provider gave one.
    fn code(&self, provider: &Provider) -> Result<&str, No> {
        if let Some(error) = &self.error {
            let was_denied = error == "access_denied" || error.starts_with("user_cancelled");
            let error_told = if was_denied { "access_denied" } else { "invalid_request" };
            return Err(No(error_told, self.description.as_ref().unwrap_or(error).clone()));
        }
        // An answer of another provider is none of this one's (RFC 9207 §2.4).
        let issuer = self.issuer.as_deref().map(|issuer| issuer.trim_end_matches('/'));
        if issuer.is_some_and(|issuer| issuer != provider.issuer()) {
            return Err(No("invalid_request", "The answer is another provider's".to_owned()));
        }
        self.code.as_deref().ok_or_else(|| No("invalid_request", "The provider gave no code".to_owned()))
    }
}

/// `GET /login/provider`: a provider was chosen on a page.
pub async fn chosen(visit: Visit) -> Response {
    let text = |name: &str| visit.query.first(name).unwrap_or_default().to_owned();
    let (flow_id, provider) = (text("flow"), text("provider"));
    let Some(browser) = visit.cookies.browser().filter(|_| visit.is_opened()).map(str::to_owned) else {
        return gone(&visit);
    };
    go(&visit, &flow_id, &browser, &provider).await
}

/// Sends a browser to a provider.
pub async fn go(visit: &Visit, flow_id: &str, browser: &str, name: &str) -> Response {
    match sent_out(visit, flow_id, browser, name).await {
        Ok(response) => response,
        Err(Error::Refused(_)) => gone(visit),
        Err(failed) => problem::failed(visit, &failed),
    }
}

async fn sent_out(visit: &Visit, flow_id: &str, browser: &str, name: &str) -> Answer<Response> {
    let pools = visit.app.pools.clone();
    let (caller, id, its_browser) = (visit.caller.clone(), flow_id.to_owned(), browser.to_owned());
    let (looking, named) = (pools.clone(), name.to_owned());
    let found: Answer<Option<(Flow, Option<Provider>)>> = visit
        .app
        .store
        .read(move |tx| {
            let Some(flow) = Flow::find(tx, &looking, &caller, &id, Some(&its_browser))? else {
                return Ok(None);
            };
            let provider = match flow.at.client.supports(Some(&named)) {
                true => Provider::find(tx, &flow.at.pool.id, &named)?,
                false => None,
            };
            Ok(Some((flow, provider)))
        })
        .await;
    let Some((flow, provider)) = found? else { return Ok(gone(visit)) };
    let request = flow.state.request.clone();
    if flow.state.done {
        return Ok(redirect(StatusCode::SEE_OTHER, &request.href(true)));
    }
    if flow.is_expired {
        let back_href = Some(request.href(false));
        return Ok(problem::page(visit, flow.app_name(), Shown::Expired { back_href }));
    }
    let Some(provider) = provider else {
        return Ok(redirect(StatusCode::SEE_OTHER, &flow.different_href()));
    };
    let way = match pools.way_to(&provider).await {
        Ok(way) => way,
        Err(trouble) => return Ok(told(visit, &flow, No::from(trouble))),
    };
    let redirect_uri = format!("{}{}", visit.own_url(), way.answers());
    let (sent, secrets) = Sent::fresh(visit.app.store.keys(), &provider, redirect_uri.clone())?;
    let hints = Hints {
        login_hint: request.login_hint.as_deref(),
        asks_again: request.prompt == Prompt::Always,
        prompt: request.prompt_words.as_deref(),
        max_age_s: request.max_age_s,
        lang: request.lang.as_deref(),
        levels: request.levels(&flow.at.pool),
        now: flow.at.now,
    };
    let href = match way.href(&pools, &provider, flow_id, &secrets, &redirect_uri, &hints).await {
        Ok(href) => href,
        Err(trouble) => return Ok(told(visit, &flow, No::from(trouble))),
    };
    let (caller, id, its_browser) = (visit.caller.clone(), flow_id.to_owned(), browser.to_owned());
    let is_kept: Answer<bool> = visit
        .app
        .store
        .write(move |tx| {
            let Some(mut flow) = Flow::find(tx, &pools, &caller, &id, Some(&its_browser))? else {
                return Ok(false);
            };
            flow.state.clear();
            flow.state.sent = Some(sent.clone());
            flow.state.brought = None;
            flow.save(tx)?;
            Ok(true)
        })
        .await;
    Ok(if is_kept? { redirect(StatusCode::FOUND, &href) } else { gone(visit) })
}

/// `GET /oauth2/idpresponse`: a browser comes back.
pub async fn returned(visit: Visit) -> Response {
    let answered = Answered::read(&visit.query);
    let state = visit.query.first("state").unwrap_or_default().to_owned();
    let Some((flow_id, state)) = state.split_once('.') else { return gone(&visit) };
    come_back(&visit, flow_id, Some(state), Some(answered)).await
}

/// `POST /oauth2/idpresponse`: a provider has a browser post its answer. It is kept for the browser's next request.
pub async fn posted(visit: Visit) -> Response {
    let answered = Answered::read(&visit.form);
    let state = visit.form.first("state").unwrap_or_default().to_owned();
    let Some((flow_id, state)) =
        state.split_once('.').map(|(flow, state)| (flow.to_owned(), state.to_owned()))
    else {
        return gone(&visit);
    };
    let (pools, caller, id) = (visit.app.pools.clone(), visit.caller.clone(), flow_id.clone());
    let left: Answer<Option<Away>> = visit
        .app
        .store
        .write(move |tx| {
            let Some(mut flow) = Flow::find_in_any_browser(tx, &pools, &caller, &id)? else {
                return Ok(None);
            };
            let secrets = flow.state.sent.as_ref().and_then(|sent| sent.open(tx.keys()));
            if flow.is_expired || flow.state.done || !secrets.is_some_and(|secrets| secrets.is_state(&state))
            {
                return Ok(None);
            }
            flow.state.brought = Some(answered.sealed(tx.keys())?);
            flow.save(tx)?;
            Ok(Some(Away::of_flow(&flow, left_at(&flow.id))))
        })
        .await;
    match left {
        Ok(Some(away)) => away.response(&visit),
        Ok(None) | Err(Error::Refused(_)) => gone(&visit),
        Err(failed) => problem::failed(&visit, &failed),
    }
}

/// Where the browser itself goes on with what a provider had it post.
pub(super) fn left_at(flow_id: &str) -> String {
    format!("/login/provider/back?flow={flow_id}")
}

/// `GET /login/provider/back`: goes on with what the browser was made to post.
pub async fn posted_before(visit: Visit) -> Response {
    let flow_id = visit.query.first("flow").unwrap_or_default().to_owned();
    come_back(&visit, &flow_id, None, None).await
}

/// Goes on with an answer, given or left before; in the browser that was sent out, and once.
async fn come_back(
    visit: &Visit,
    flow_id: &str,
    state: Option<&str>,
    answered: Option<Answered>,
) -> Response {
    let hand = Hand { pools: visit.app.pools.clone(), visit: visit.clone(), flow_id: flow_id.to_owned() };
    let (taking, state) = (hand.clone(), state.map(str::to_owned));
    let taken: Answer<Result<(Back, Answered), Pressed>> = visit
        .app
        .store
        .write(move |tx| {
            let mut flow = match taking.found(tx)? {
                Ok(flow) => flow,
                Err(pressed) => return Ok(Err(pressed)),
            };
            let left = flow.state.brought.as_deref().and_then(|left| Answered::open(tx.keys(), left));
            let (Some(sent), Some(answered)) = (flow.state.sent.clone(), answered.clone().or(left)) else {
                return Ok(Err(Pressed::Gone));
            };
            let Some(secrets) = sent.open(tx.keys()) else { return Ok(Err(Pressed::Gone)) };
            if state.as_deref().is_some_and(|state| !secrets.is_state(state)) {
                return Ok(Err(Pressed::Gone));
            }
            let Some(provider) = Provider::find(tx, &flow.at.pool.id, &sent.provider)? else {
                return Ok(Err(Pressed::Gone));
            };
            // Whatever becomes of it, no answer is taken twice.
            flow.state.sent = None;
            flow.state.brought = None;
            flow.save(tx)?;
            Ok(Ok((Back { flow, provider, sent, secrets }, answered)))
        })
        .await;
    let (back, answered) = match taken {
        Ok(Ok(taken)) => taken,
        Ok(Err(pressed)) => return hand.respond(Ok(pressed)),
        Err(Error::Refused(_)) => return gone(visit),
        Err(failed) => return problem::failed(visit, &failed),
    };
    match hand.arrived(&back, &answered).await {
        Ok(arrived) => hand.end(back, arrived).await,
        Err(no) => told(visit, &back.flow, no),
    }
}

impl Hand {
    /// Changes an answer into who the person is there.
    async fn arrived(&self, back: &Back, answered: &Answered) -> Result<Arrived, No> {
        if let Some(arrived) = &answered.arrived {
            return Ok(arrived.clone());
        }
        let code = answered.code(&back.provider)?;
        let Way::OpenId(endpoints) = self.pools.way_to(&back.provider).await? else {
            return Err(No("invalid_request", "The provider answers elsewhere".to_owned()));
        };
        let brought = Brought { code, redirect_uri: &back.sent.redirect_uri, user: answered.user.as_deref() };
        Ok(self.pools.exchange(&back.provider, &endpoints, &back.secrets, &brought).await?)
    }

    /// Signs in who has arrived, and ends the flow.
    async fn end(&self, back: Back, arrived: Arrived) -> Response {
        let (hand, provider) = (self.clone(), back.provider.clone());
        let ended: Answer<Result<Pressed, Error>> = self
            .pools
            .page_unit(&self.visit.caller, move |tx| {
                let mut flow = match hand.found(tx)? {
                    Ok(flow) => flow,
                    Err(pressed) => return Ok(Ok(pressed)),
                };
                let signed_in = match hand.pools.arrive(tx, &flow.at, &provider, &arrived)? {
                    Step::Done(signed_in) => signed_in,
                    Step::No(no) => return Ok(Err(no)),
                    Step::Ask(_) | Step::Check(_) => {
                        return Err(anyhow::anyhow!("an arrival asked for more").into());
                    }
                };
                flow.state.page = Page::Identify;
                flow.state.vouched = Some(arrived.vouched_by(&provider));
                let went: Went = hand.home(tx, &mut flow, signed_in)?;
                flow.save(tx)?;
                Ok(Ok(Pressed::Went { flow: flow.id, went }))
            })
            .await;
        match ended {
            Ok(Ok(pressed)) => self.respond(Ok(pressed)),
            Ok(Err(Error::Refused(no))) | Err(Error::Refused(no)) => {
                told(&self.visit, &back.flow, No("invalid_request", no.message.into_owned()))
            }
            Ok(Err(failed)) | Err(failed) => self.respond(Err(failed)),
        }
    }
}

/// Tells the app why nobody is signed in.
pub(super) fn told(visit: &Visit, flow: &Flow, No(error, description): No) -> Response {
    let request: &AuthorizeRequest = &flow.state.request;
    tracing::info!(
        request_id = visit.caller.request_id,
        error,
        description,
        "a sign-in by an outside provider came to nothing"
    );
    let refused = request.refused(error, &description);
    back::send_on(visit, flow.app_name(), refused.back(&flow.at.pool.issuer))
}
