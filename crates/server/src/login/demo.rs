//! The demo app, in development mode: an app without a secret, with PKCE, that does what any app would. What it knows
//! between two requests is sealed in its own cookies, so that its page can be opened again.

use super::flow::{csrf, csrf_matches};
use super::press::redirect;
use super::problem;
use super::visit::Visit;
use crate::pages::demo::{Claim, Demo};
use crate::pages::login::SignedOut;
use crate::pages::problem::Trouble;
use crate::pages::{Frame, Page as _};
use crate::respond::page;
use crate::seed::{CALLBACK_PATH, SIGNED_OUT_PATH, demo};
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_model::{Answer, Error, refuse};
use postern_pools::keys::{TokenUse, of_pool};
use postern_pools::oauth::errors::INVALID_REQUEST;
use postern_pools::oauth::pairs::{Pairs, query};
use postern_pools::oauth::pkce;
use postern_pools::oauth::token::ClientProof;
use postern_pools::tokens::Tokens;
use postern_store::{Keys, Purpose, random};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the app knows while a person signs in: a cookie for each beginning, so that tabs do not spoil each other.
const START: &str = "postern-demo";
/// The tokens it got, in two cookies, for browsers keep 4096 bytes in one.
const ID_TOKEN: &str = "postern-demo-id";
const ACCESS_TOKEN: &str = "postern-demo-access";
const COOKIE_LIFE_S: i64 = 3600;

#[derive(Serialize, Deserialize)]
struct Start {
    client_id: String,
    verifier: String,
    state: String,
}

#[derive(Serialize, Deserialize)]
struct IdToken {
    client_id: String,
    token: String,
    refreshed: bool,
}

#[derive(Serialize, Deserialize)]
struct AccessToken {
    token: String,
    refresh_token: Option<String>,
}

/// `GET /demo`: sends the person to sign in.
pub async fn start(visit: Visit) -> Response {
    let client_id = match demo(&visit.app).await {
        Ok(demo) => demo.client_id,
        Err(cause) => return problem::failed(&visit, &format!("{cause:#}")),
    };
    let start = Start {
        client_id,
        verifier: BASE64URL.encode(random::bytes::<32>()),
        state: BASE64URL.encode(random::bytes::<16>()),
    };
    let parameters = query(&[
        ("response_type", "code"),
        ("client_id", &start.client_id),
        ("redirect_uri", &callback(&visit)),
        ("state", &start.state),
        ("scope", "openid email profile aws.cognito.signin.user.admin"),
        ("code_challenge", &pkce::challenge_of(&start.verifier)),
        ("code_challenge_method", "S256"),
    ]);
    let response = redirect(StatusCode::FOUND, &format!("/oauth2/authorize?{parameters}"));
    put(&visit, response, &start_of(&start.state), &start)
}

/// `GET /demo/callback`: with a code, changes it into tokens; without one, shows what the tokens say.
pub async fn called_back(visit: Visit) -> Response {
    if visit.query.has("code") || visit.query.has("error") {
        return match exchange(&visit).await {
            Ok((client_id, tokens)) => keep(&visit, client_id, tokens, false),
            Err(error) => failed(&visit, error),
        };
    }
    let (Some(id), Some(access)) =
        (take::<IdToken>(&visit, ID_TOKEN), take::<AccessToken>(&visit, ACCESS_TOKEN))
    else {
        return redirect(StatusCode::FOUND, super::DEMO_PATH);
    };
    match shown(&visit, id, access).await {
        Ok(Some(demo)) => page(StatusCode::OK, demo.render()),
        // Tokens of another time, or of data that is gone.
        Ok(None) => redirect(StatusCode::FOUND, super::DEMO_PATH),
        Err(error) => failed(&visit, error),
    }
}

/// `POST /demo/refresh`
pub async fn refresh(visit: Visit) -> Response {
    let given = visit.form.first("csrf").unwrap_or_default();
    let tokens = (take::<IdToken>(&visit, ID_TOKEN), take::<AccessToken>(&visit, ACCESS_TOKEN));
    let (Some(id), Some(AccessToken { refresh_token: Some(refresh_token), .. })) = tokens else {
        return redirect(StatusCode::SEE_OTHER, super::DEMO_PATH);
    };
    if !visit.is_from_here() || !csrf_matches(&visit.app, &visit.cookies, START, given) {
        return super::press::gone(&visit);
    }
    let proof = ClientProof { id: id.client_id.clone(), secrets: Vec::new() };
    let form = Pairs::from([("grant_type", "refresh_token"), ("refresh_token", &refresh_token)]);
    match visit.app.pools.token(&visit.caller, visit.only(), proof, &form).await {
        Ok(tokens) => {
            let refresh_token = tokens.refresh_token.or(Some(refresh_token));
            keep(&visit, id.client_id, Tokens { refresh_token, ..tokens }, true)
        }
        // Signed out elsewhere, or too old: the app asks again.
        Err(Error::Refused(_)) => redirect(StatusCode::SEE_OTHER, super::DEMO_PATH),
        Err(error) => failed(&visit, error),
    }
}

/// `GET /demo/sign-out`: the app forgets its tokens, and signs the browser out.
pub async fn sign_out(visit: Visit) -> Response {
    let client_id = take::<IdToken>(&visit, ID_TOKEN).map(|id| id.client_id);
    let href = match client_id {
        Some(client_id) => {
            let logout_uri = format!("{}{SIGNED_OUT_PATH}", visit.app.public_url);
            format!("/logout?{}", query(&[("client_id", &client_id), ("logout_uri", &logout_uri)]))
        }
        None => SIGNED_OUT_PATH.to_owned(),
    };
    [ID_TOKEN, ACCESS_TOKEN].into_iter().fold(redirect(StatusCode::FOUND, &href), |response, name| {
        visit.cookies.set(name, "", 0).on(response)
    })
}

/// `GET /demo/signed-out`
pub async fn signed_out(visit: Visit) -> Response {
    let frame: Frame = problem::frame(&visit, "Demo app");
    let sign_in_href = Some(super::DEMO_PATH.to_owned());
    page(StatusCode::OK, SignedOut { frame, sign_in_href }.render())
}

fn start_of(state: &str) -> String {
    format!("{START}-{state}")
}

fn callback(visit: &Visit) -> String {
    format!("{}{CALLBACK_PATH}", visit.app.public_url)
}

async fn exchange(visit: &Visit) -> Answer<(String, Tokens)> {
    let given = |name: &str| visit.query.first(name).unwrap_or_default();
    let Some(start) =
        take::<Start>(visit, &start_of(given("state"))).filter(|start| start.state == given("state"))
    else {
        return refuse(INVALID_REQUEST, "The state is not the one that this browser began with");
    };
    if visit.query.has("error") {
        return refuse(INVALID_REQUEST, format!("{}: {}", given("error"), given("error_description")));
    }
    let proof = ClientProof { id: start.client_id.clone(), secrets: Vec::new() };
    let form = Pairs::from([
        ("grant_type", "authorization_code"),
        ("code", given("code")),
        ("redirect_uri", &callback(visit)),
        ("code_verifier", &start.verifier),
    ]);
    let tokens = visit.app.pools.token(&visit.caller, visit.only(), proof, &form).await?;
    Ok((start.client_id, tokens))
}

/// Keeps tokens in the browser, sealed, and goes to the page that shows them.
fn keep(visit: &Visit, client_id: String, tokens: Tokens, refreshed: bool) -> Response {
    let id = IdToken { client_id, token: tokens.id_token.unwrap_or_default(), refreshed };
    let access = AccessToken { token: tokens.access_token, refresh_token: tokens.refresh_token };
    let response = redirect(StatusCode::SEE_OTHER, CALLBACK_PATH);
    let begun = start_of(visit.query.first("state").unwrap_or_default());
    let response = match take::<Start>(visit, &begun) {
        Some(_) => visit.cookies.set(&begun, "", 0).on(response),
        None => response,
    };
    put(visit, put(visit, response, ID_TOKEN, &id), ACCESS_TOKEN, &access)
}

/// What the page shows, if both tokens are good.
async fn shown(visit: &Visit, id: IdToken, access: AccessToken) -> Answer<Option<Demo>> {
    let (id_token, access_token) = (id.token.clone(), access.token.clone());
    let client_id = id.client_id.clone();
    let verified: Answer<Option<(Value, Value)>> = visit
        .app
        .store
        .read(move |tx| {
            let Some(client) = tx.find_client(&client_id)? else { return Ok(None) };
            let keys = of_pool(tx, &client.pool_id)?;
            let id_claims = keys.verified(&id_token, TokenUse::Id);
            let access_claims = keys.verified(&access_token, TokenUse::Access);
            Ok(id_claims.zip(access_claims))
        })
        .await;
    let Some((Value::Object(id_claims), Value::Object(access_claims))) = verified? else { return Ok(None) };
    let browser = visit.cookies.browser().unwrap_or_default();
    Ok(Some(Demo {
        name: name_in(&id_claims),
        csrf: csrf(visit.app.store.keys(), browser, START),
        id_claims: Claim::all(&id_claims),
        access_claims: Claim::all(&access_claims),
        id_token: id.token,
        access_token: access.token,
        refresh_token: access.refresh_token,
        refreshed: id.refreshed,
        refresh_action: "/demo/refresh".to_owned(),
        sign_out_href: "/demo/sign-out".to_owned(),
        inbox_href: "/inbox".to_owned(),
        public_url: visit.app.public_url.clone(),
        region: visit.app.access.region.to_string(),
        client_id: id.client_id,
    }))
}

fn name_in(claims: &Map<String, Value>) -> String {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    text("email").or_else(|| text("cognito:username")).unwrap_or_default()
}

fn failed(visit: &Visit, error: Error) -> Response {
    match error {
        Error::Refused(refused) => {
            let why = format!("{} {}", refused.kind.code, refused.message);
            let trouble = Trouble::BadRequest { why: why.trim().to_owned() };
            problem::page(visit, "Demo app", trouble)
        }
        failed => problem::failed(visit, &failed),
    }
}

fn put(visit: &Visit, response: Response, name: &str, value: &impl Serialize) -> Response {
    let keys: &Keys = visit.app.store.keys();
    let text = serde_json::to_vec(value).unwrap_or_default();
    let sealed = BASE64URL.encode(keys.seal(Purpose::Handle, &text));
    visit.cookies.set(name, &sealed, COOKIE_LIFE_S).on(response)
}

fn take<T: DeserializeOwned>(visit: &Visit, name: &str) -> Option<T> {
    let sealed = BASE64URL.decode(visit.cookies.get(name)?).ok()?;
    let text = visit.app.store.keys().open(Purpose::Handle, &sealed).ok()?;
    serde_json::from_slice(&text).ok()
}
