//! Passkeys on the pages: signing in by one, and the offer to make one. A challenge is a moment and a keyed hash over
//! the flow as it stands; the flow moves with any answer, so each challenge takes one (rule F4).

use super::authorize;
use super::back::{Away, page_before};
use super::flow::{Fault, Flow, Page, PasskeyBrowser, csrf_matches, is_told};
use super::press::{Hand, OFFERING_MS, POSTING_MS, Went, gone, redirect};
use super::show::View;
use super::visit::Visit;
use super::{problem, typed};
use crate::pages::Page as _;
use crate::pages::passkey::{AddPasskey, UsePasskey};
use crate::respond::json;
use axum::http::StatusCode;
use axum::response::Response;
use postern_model::cognito_idp::ExplicitAuthFlowsType;
use postern_model::{Answer, Error};
use postern_pools::auth::factors::Factor;
use postern_pools::auth::second_factor::Mode;
use postern_pools::auth::webauthn::{self, Assertion, Registration};
use postern_pools::oauth::authorize::Prompt;
use postern_pools::oauth::browser::Person;
use postern_pools::oauth::pairs::query;
use postern_pools::passkeys::{Ceremony, Owner, Whose};
use postern_pools::sign_in::{Step, Subject};
use postern_pools::user::{Acting, Status};
use postern_pools::{PasskeyOffer, Pools};
use postern_store::{Keys, Tx};
use serde_json::{Value, json as value};

/// How long "Not now" is remembered.
const LATER_S: i64 = 30 * 86_400;
const LATER: &str = "postern-passkey-later";
/// The challenge of a flow as it stands now.
fn challenge(ceremony: Ceremony, keys: &Keys, flow: &Flow) -> String {
    let version = flow.version().to_be_bytes();
    ceremony.challenge(keys, &[b"flow", flow.id.as_bytes(), &version], flow.at.now)
}

/// Tells whether a challenge is this flow's, and of late.
fn is_live(ceremony: Ceremony, keys: &Keys, flow: &Flow, challenge: &str) -> bool {
    let version = flow.version().to_be_bytes();
    let bound: [&[u8]; 3] = [b"flow", flow.id.as_bytes(), &version];
    ceremony.live_until(keys, &bound, challenge, flow.at.now).is_some()
}

impl View<'_> {
    /// Where the script learns what to ask passkeys on the first page; nothing where none will do.
    pub(super) fn passkey_options_href(&self) -> Option<String> {
        self.takes_passkeys.then(|| format!("/login/passkey/options?flow={}", self.flow.id))
    }

    pub(super) fn passkey(&self) -> UsePasskey {
        let state = &self.flow.state;
        UsePasskey {
            frame: self.frame(),
            form: self.form(),
            name: state.name.clone(),
            different_href: self.different_href(),
            options_href: format!("/login/passkey/options?flow={}", self.flow.id),
            wrong: state.fault_on(Page::Passkey).is_some(),
            other_way_href: self.other_way_href(),
        }
    }

    fn add_passkey(&self) -> AddPasskey {
        AddPasskey {
            frame: self.frame(),
            form: self.form(),
            options_href: format!("/passkeys/options?flow={}", self.flow.id),
            wrong: self.flow.state.fault_on(Page::AddPasskey).is_some(),
        }
    }
}

/// Tells whether people can sign in by passkey here.
pub(super) fn takes_passkeys(tx: &mut Tx<'_>, pools: &Pools, flow: &Flow) -> Answer<bool> {
    Ok(flow.at.pool.may_begin_with_passkey(flow.at.pool.second.mode == Mode::On)
        && flow.at.client.supports(None)
        && flow.at.client.allows(ExplicitAuthFlowsType::AllowUserAuth)
        && pools.relying_party(tx, &flow.at.pool)?.is_some())
}

/// `GET /login/passkey/options`: what the browser is to ask. Nothing is changed by looking.
pub async fn options(visit: Visit) -> Response {
    let pools = visit.app.pools.clone();
    answer(&visit, move |tx, flow, _| {
        if flow.state.done || !takes_passkeys(tx, &pools, flow)? {
            return Ok(None);
        }
        let challenge = challenge(Ceremony::Use, tx.keys(), flow);
        pools.assertion_options(tx, &flow.at, Whose::Anybody, &challenge)
    })
    .await
}

/// `GET /passkeys/options`: what the browser is to make.
pub async fn options_to_add(visit: Visit) -> Response {
    let pools = visit.app.pools.clone();
    answer(&visit, move |tx, flow, visit| {
        let Some(person) = signed_in(tx, flow, visit)? else { return Ok(None) };
        let challenge = challenge(Ceremony::Add, tx.keys(), flow);
        let owner = Owner { user: &person.user, acting: Acting { sign_in: None, since: person.auth } };
        match pools.registration_options(tx, &flow.at, &owner, &challenge) {
            Ok(options) => Ok(Some(options)),
            Err(Error::Refused(_)) => Ok(None),
            Err(failed) => Err(failed),
        }
    })
    .await
}

/// Answers a script with what a look at its flow gives.
async fn answer(
    visit: &Visit,
    mut look: impl FnMut(&mut Tx<'_>, &Flow, &Visit) -> Answer<Option<Value>> + Send + 'static,
) -> Response {
    let looking = visit.clone();
    let found = visit.app.store.read(move |tx| match flow_of(tx, &looking, Flow::id_in(&looking))? {
        Some(flow) if !flow.is_expired => look(tx, &flow, &looking),
        _ => Ok(None),
    });
    match found.await {
        Ok(Some(options)) => json(StatusCode::OK, &options),
        Ok(None) => json(StatusCode::CONFLICT, &value!({ "message": "This sign-in has gone on." })),
        Err(cause) => problem::failed(visit, &cause),
    }
}

fn flow_of(tx: &mut Tx<'_>, visit: &Visit, id: &str) -> Answer<Option<Flow>> {
    Flow::find(tx, &visit.app.pools, &visit.caller, id, visit.cookies.browser())
}

impl Flow {
    fn id_in(visit: &Visit) -> &str {
        visit.query.first("flow").unwrap_or_default()
    }
}

/// Who signed in at the end of a flow and still is.
fn signed_in(tx: &mut Tx<'_>, flow: &Flow, visit: &Visit) -> Answer<Option<Person>> {
    match visit.cookies.session(&flow.at.pool.id) {
        Some(handle) if flow.state.done => visit.app.pools.person_in_browser(tx, &flow.at, handle),
        _ => Ok(None),
    }
}

/// `POST /login/passkey`: the browser's answer.
pub async fn used(visit: Visit) -> Response {
    let hand = match Hand::of(&visit) {
        Ok(hand) => hand,
        Err(response) => return *response,
    };
    let page = if hand.field("anybody").is_empty() { Page::Passkey } else { Page::Identify };
    let unit = hand.clone();
    hand.respond(hand.press(page, move |tx, flow| unit.passkey(tx, flow, page)).await)
}

impl Hand {
    /// What the script of a page said that the browser can do.
    pub(super) fn passkey_browser(&self) -> PasskeyBrowser {
        match self.field("passkey") {
            "use" => PasskeyBrowser::Use,
            "keep" => PasskeyBrowser::Keep,
            _ => PasskeyBrowser::None,
        }
    }

    /// Tells whether the person's browser is asked for a passkey: it can, and the name seems to have one.
    pub(super) fn asks_for_passkey(&self, tx: &mut Tx<'_>, flow: &mut Flow) -> Answer<bool> {
        if flow.state.passkeys == PasskeyBrowser::None || !takes_passkeys(tx, &self.pools, flow)? {
            return Ok(false);
        }
        let (ways, destination) = self.pools.ways(tx, &flow.at, &flow.state.name)?;
        if !ways.contains(&Factor::WebAuthn) {
            return Ok(false);
        }
        flow.state.destination = destination;
        flow.state.offered = ways.iter().map(|factor| factor.as_str().to_owned()).collect();
        Ok(true)
    }

    fn passkey(&self, tx: &mut Tx<'_>, flow: &mut Flow, page: Page) -> Answer<Went> {
        if !takes_passkeys(tx, &self.pools, flow)? {
            return Ok(Went::To(flow.state.page));
        }
        let subject = match page {
            Page::Identify => Subject { name_key: String::new(), user: None },
            _ => self.pools.subject(tx, &flow.at, &flow.state.name)?,
        };
        let whose = if page == Page::Identify { Whose::Anybody } else { Whose::Of(&subject) };
        let judged = match Assertion::parse(self.field("credential")) {
            Ok(assertion) if is_live(Ceremony::Use, tx.keys(), flow, assertion.challenge()) => {
                self.pools.judge_passkey(tx, &flow.at, assertion.challenge(), whose, &assertion)?
            }
            Ok(_) => Err(webauthn::Fault::Challenge),
            Err(fault) => Err(fault),
        };
        // Nobody was named before: now it is known whose sign-in begins.
        let subject = match &judged {
            Ok((user, _)) if page == Page::Identify => self.pools.subject(tx, &flow.at, &user.username)?,
            _ => subject,
        };
        match self.pools.signed_in_by_passkey(tx, &flow.at, subject, judged)? {
            Step::Done(signed_in) => self.home(tx, flow, signed_in),
            Step::No(no) => {
                if page == Page::Identify {
                    flow.state.name = typed::name(&flow.state.name).to_owned();
                }
                match no {
                    Error::Refused(no) if is_told(&no) => flow.state.stay_told(page, &no),
                    _ => flow.state.stay(page, Fault::Wrong),
                }
                Ok(Went::To(page))
            }
            Step::Ask(_) | Step::Check(_) => {
                Err(anyhow::anyhow!("a passkey that was judged asked for more").into())
            }
        }
    }

    /// Tells whether a person who has just signed in is offered a passkey: never where the app is in a hurry, nor where
    /// they said "Not now", nor where they have one.
    pub(super) fn offers_passkey(&self, tx: &mut Tx<'_>, flow: &Flow, person: &Person) -> Answer<bool> {
        let state = &flow.state;
        if !takes_passkeys(tx, &self.pools, flow)? || person.user.status == Status::ExternalProvider {
            return Ok(false);
        }
        if state.wants_passkey {
            return Ok(true);
        }
        let is_time = match self.pools.rules.passkey_offer {
            PasskeyOffer::Never => false,
            PasskeyOffer::SignUp => state.page == Page::Confirm,
            PasskeyOffer::SignIn => true,
        };
        let in_a_hurry = state.request.prompt == Prompt::Always || state.request.max_age_s.is_some();
        let by_passkey = person.amr.iter().any(|way| way == "swk" || way == "hwk");
        if !is_time
            || in_a_hurry
            || by_passkey
            || state.passkeys != PasskeyBrowser::Keep
            || self.visit.cookies.get(LATER).is_some()
        {
            return Ok(false);
        }
        let subject = Subject { name_key: String::new(), user: Some(person.user.clone()) };
        Ok(!self.pools.has_passkey(tx, &flow.at.pool, &subject)?)
    }
}

/// `GET /passkeys/add`: the offer, at the end of a flow, or wherever an app sends people.
pub async fn offer(visit: Visit) -> Response {
    if !visit.query.has("flow") && visit.query.has("client_id") {
        return authorize::begin(visit, Page::AddPasskey).await;
    }
    let looking = visit.clone();
    let found = visit.app.store.read(move |tx| -> Answer<_> {
        let Some(flow) = flow_of(tx, &looking, Flow::id_in(&looking))? else { return Ok(None) };
        let is_there = signed_in(tx, &flow, &looking)?.is_some();
        Ok(Some((flow, is_there)))
    });
    match found.await {
        Ok(Some((flow, true))) if !flow.is_expired => {
            let view = View {
                visit: &visit,
                page: Page::AddPasskey,
                flow: &flow,
                challenge: None,
                takes_passkeys: true,
            };
            page_before(&flow.state.request.redirect_uri, view.add_passkey().render())
        }
        Ok(Some((flow, _))) => Away::of_flow(&flow, flow.state.request.href(true)).response(&visit),
        Ok(None) => gone(&visit),
        Err(cause) => problem::failed(&visit, &cause),
    }
}

/// What an answer to the offer leads to.
enum Added {
    Over(Away),
    /// To the offer once more.
    Again(String),
}

/// `POST /passkeys/add`: a passkey was made, or "Not now".
pub async fn added(visit: Visit) -> Response {
    let flow_id = visit.form.first("flow").unwrap_or_default().to_owned();
    let csrf = visit.form.first("csrf").unwrap_or_default();
    if !visit.is_from_here() || !csrf_matches(&visit.app, &visit.cookies, &flow_id, csrf) {
        return gone(&visit);
    }
    let is_later = visit.form.has("later");
    let adding = visit.clone();
    let done = visit
        .app
        .pools
        .page_unit(&visit.caller, move |tx| -> Answer<_> {
            let Some(mut flow) = flow_of(tx, &adding, &flow_id)?.filter(|flow| !flow.is_expired) else {
                return Ok(None);
            };
            let away = Away::of_flow(&flow, flow.state.request.href(true));
            let Some(person) = signed_in(tx, &flow, &adding)? else { return Ok(Some(Added::Over(away))) };
            if is_later || add(tx, &adding, &flow, &person)? {
                flow.state.fault = None;
                flow.save(tx)?;
                if let Some(session) = adding.cookies.session(&flow.at.pool.id) {
                    adding.app.pools.end_question(tx, &flow.at, session, OFFERING_MS, POSTING_MS)?;
                }
                return Ok(Some(Added::Over(away)));
            }
            flow.state.fault = Some((Page::AddPasskey, Fault::Refused));
            flow.save(tx)?;
            Ok(Some(Added::Again(flow.href(Page::AddPasskey))))
        })
        .await;
    match done {
        Ok(Some(Added::Over(away))) if is_later => {
            visit.cookies.set(LATER, "1", LATER_S).on(away.response(&visit))
        }
        Ok(Some(Added::Over(away))) => away.response(&visit),
        Ok(Some(Added::Again(href))) => redirect(StatusCode::SEE_OTHER, &href),
        // Pressed twice: the first press counts.
        Err(Error::Refused(_)) => {
            let flow = [("flow", visit.form.first("flow").unwrap_or_default())];
            redirect(StatusCode::SEE_OTHER, &format!("{}?{}", Page::AddPasskey.path(), query(&flow)))
        }
        Ok(None) => gone(&visit),
        Err(cause) => problem::failed(&visit, &cause),
    }
}

/// Registers what the browser made; false when it will not do.
fn add(tx: &mut Tx<'_>, visit: &Visit, flow: &Flow, person: &Person) -> Answer<bool> {
    let credential = visit.form.first("credential").unwrap_or_default();
    let registration = serde_json::from_str(credential)
        .map_err(|_| webauthn::Fault::Malformed)
        .and_then(|credential| Registration::read(&credential));
    let Ok(registration) = registration else { return Ok(false) };
    let challenge = registration.challenge().to_owned();
    if !is_live(Ceremony::Add, tx.keys(), flow, &challenge) {
        return Ok(false);
    }
    let owner = Owner { user: &person.user, acting: Acting { sign_in: None, since: person.auth } };
    let registered = visit.app.pools.register_passkey(tx, &flow.at, &owner, &challenge, registration)?;
    Ok(registered.is_ok())
}
