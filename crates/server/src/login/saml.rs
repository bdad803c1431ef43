//! `POST /saml2/idpresponse`: a SAML provider has a browser post its answer. It is judged at once, and what it proves is
//! left for the browser's next request, since browsers send no cookie along when another site has them post.

use super::authorize::wanted;
use super::back::{self, Away};
use super::cookies::Cookies;
use super::flow::{Flow, Page, State};
use super::outside::{Answered, No, left_at, told};
use super::press::gone;
use super::problem;
use super::visit::Visit;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_model::cognito_idp::IdentityProviderTypeType;
use postern_model::{Answer, Error};
use postern_pools::federation::saml::{Proven, request_id};
use postern_pools::federation::{Secrets, Sent};
use postern_pools::oauth::authorize::{self, AuthorizeRequest, Stop, Wrong};
use postern_pools::oauth::pairs::Pairs;
use postern_pools::oauth::redirect::Back;
use postern_pools::provider::Provider;
use postern_pools::sign_in::At;
use postern_store::Tx;

/// Where answers are posted.
pub const ANSWERS: &str = "/saml2/idpresponse";

/// Takes an answer: to a request of ours, or, where a provider may begin by itself, to none.
pub async fn posted(visit: Visit) -> Response {
    let text = |name: &str| visit.form.first(name).unwrap_or_default().to_owned();
    let answer: String = text("SAMLResponse").chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let Some(answer) = STANDARD.decode(answer).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return gone(&visit);
    };
    let relay = text("RelayState");
    let taken = match asked(&visit, &relay).await {
        Ok(Some((flow, provider, sent, secrets))) => {
            answered(&visit, flow, &provider, &sent, &secrets, answer).await
        }
        Ok(None) => unasked(&visit, &relay, answer).await,
        Err(error) => Err(error),
    };
    match taken {
        Ok(response) => response,
        Err(Error::Refused(_)) => gone(&visit),
        Err(failed) => problem::failed(&visit, &failed),
    }
}

/// The flow that waits for an answer, with what its browser was sent out with.
async fn asked(visit: &Visit, flow_id: &str) -> Answer<Option<(Flow, Provider, Sent, Secrets)>> {
    let (pools, caller, id) = (visit.app.pools.clone(), visit.caller.clone(), flow_id.to_owned());
    visit
        .app
        .store
        .read(move |tx| {
            let Some(flow) = Flow::find_in_any_browser(tx, &pools, &caller, &id)? else { return Ok(None) };
            let waits = !flow.is_expired && !flow.state.done;
            let Some(sent) = flow.state.sent.clone().filter(|_| waits) else { return Ok(None) };
            let provider = Provider::find(tx, &flow.at.pool.id, &sent.provider)?.filter(is_saml);
            let Some((provider, secrets)) = provider.zip(sent.open(tx.keys())) else { return Ok(None) };
            Ok(Some((flow, provider, sent, secrets)))
        })
        .await
}

fn is_saml(provider: &Provider) -> bool {
    provider.kind == IdentityProviderTypeType::Saml
}

async fn answered(
    visit: &Visit,
    flow: Flow,
    provider: &Provider,
    sent: &Sent,
    secrets: &Secrets,
    answer: String,
) -> Answer<Response> {
    let pools = visit.app.pools.clone();
    let id = request_id(secrets);
    let judged = pools.judge_saml(provider, answer, sent.redirect_uri.clone(), Some(id)).await;
    let proven = match judged {
        Ok(proven) => proven,
        Err(trouble) => return Ok(told(visit, &flow, No::from(trouble))),
    };
    let (caller, id, state) = (visit.caller.clone(), flow.id.clone(), secrets.state.clone());
    let is_left: Answer<bool> = visit
        .app
        .store
        .write(move |tx| {
            let Some(mut flow) = Flow::find_in_any_browser(tx, &pools, &caller, &id)? else {
                return Ok(false);
            };
            // It still waits for this very answer.
            let waits = flow.state.sent.as_ref().and_then(|sent| sent.open(tx.keys()));
            if !waits.is_some_and(|secrets| secrets.is_state(&state)) || !use_up(tx, &flow.at, &proven)? {
                return Ok(false);
            }
            flow.state.brought = Some(Answered::arrived(&proven.arrived).sealed(tx.keys())?);
            flow.save(tx)?;
            Ok(true)
        })
        .await;
    Ok(match is_left? {
        true => Away::of_flow(&flow, left_at(&flow.id)).response(visit),
        false => gone(visit),
    })
}

/// Notes that an assertion was used; false when it was before.
fn use_up(tx: &mut Tx<'_>, at: &At, proven: &Proven) -> Answer<bool> {
    let parts: [&[u8]; 3] = [b"assertion", at.pool.id.as_bytes(), proven.assertion.as_bytes()];
    let mac = tx.keys().mac(postern_store::Purpose::Handle, &parts);
    Ok(tx.use_assertion(&mac, proven.expires)?)
}

/// What an unasked answer is for.
enum For {
    App(Box<(At, AuthorizeRequest, Provider)>),
    Wrong(Wrong),
    Back { app_name: String, back: Back },
}

/// Takes an answer that nobody asked for, where the provider's settings let it begin by itself (`IDPInit`). What it is for
/// stands in its `RelayState`, as an app would ask for it.
async fn unasked(visit: &Visit, relay: &str, answer: String) -> Answer<Response> {
    let Some(pairs) = Pairs::parse(relay).filter(|pairs| pairs.has("client_id")) else {
        return Ok(gone(visit));
    };
    let looking = visit.clone();
    let found: Answer<Option<For>> = visit.app.store.read(move |tx| looking.unasked_for(tx, &pairs)).await;
    let (at, request, provider) = match found? {
        Some(For::App(app)) => *app,
        Some(For::Wrong(wrong)) => return Ok(problem::wrong(visit, wrong)),
        Some(For::Back { app_name, back }) => return Ok(back::send_on(visit, &app_name, back)),
        None => return Ok(gone(visit)),
    };
    let pools = visit.app.pools.clone();
    let answer_to = format!("{}{ANSWERS}", visit.own_url());
    let proven = match pools.judge_saml(&provider, answer, answer_to.clone(), None).await {
        Ok(proven) => proven,
        Err(trouble) => {
            let refused = request.refused("invalid_request", &trouble.0);
            return Ok(back::send_on(visit, at.app_name(), refused.back(&at.pool.issuer)));
        }
    };
    // The browser's own cookie did not come along; from now on it goes by a new one.
    let browser = Cookies::fresh_browser();
    let (sent, _) = Sent::fresh(visit.app.store.keys(), &provider, answer_to)?;
    let (its_browser, beginning) = (browser.clone(), pools.clone());
    let begun: Answer<Option<Away>> = visit
        .app
        .store
        .write(move |tx| {
            if !use_up(tx, &at, &proven)? {
                return Ok(None);
            }
            let mut state = State::new(request.clone(), Page::Identify);
            state.sent = Some(sent.clone());
            state.brought = Some(Answered::arrived(&proven.arrived).sealed(tx.keys())?);
            let id = Flow::begin(tx, &beginning, &at, &its_browser, &state)?;
            Ok(Some(Away::to_app(at.app_name(), left_at(&id))))
        })
        .await;
    Ok(match begun? {
        Some(away) => visit.cookies.set_browser(&browser).on(away.response(visit)),
        None => gone(visit),
    })
}

impl Visit {
    fn unasked_for(&self, tx: &mut Tx<'_>, pairs: &Pairs) -> Answer<Option<For>> {
        let client_id = match authorize::client_id(pairs) {
            Ok(client_id) => client_id,
            Err(wrong) => return Ok(Some(For::Wrong(wrong))),
        };
        let at = match self.client_named(tx, client_id)? {
            Ok(at) => at,
            Err(wrong) => return Ok(Some(For::Wrong(wrong))),
        };
        let send = |back: Back| Some(For::Back { app_name: at.app_name().to_owned(), back });
        let request = match authorize::parse(pairs, &at.client, self.app.pools.rules.pkce_required) {
            Ok(request) => request,
            Err(Stop::Page(wrong)) => return Ok(Some(For::Wrong(wrong))),
            Err(Stop::Back(refused)) => return Ok(send(refused.back(&at.pool.issuer))),
        };
        let name = match wanted(tx, &at, &request)? {
            Ok(name) => name.unwrap_or_default(),
            Err(refused) => return Ok(send(refused.back(&at.pool.issuer))),
        };
        let provider = Provider::find(tx, &at.pool.id, &name)?.filter(is_saml);
        let may_begin = |provider: &Provider| provider.says("IDPInit");
        Ok(provider.filter(may_begin).map(|provider| For::App(Box::new((at, request, provider)))))
    }
}
