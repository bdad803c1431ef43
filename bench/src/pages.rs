//! The same people through a browser: authorize, name, code, callback, token; and an app that refreshes with rotation.

use crate::load::Done;
use crate::mails::{Mails, code};
use crate::prepare::{CALLBACK, Door, Machine, SCOPE, address, username};
use crate::tokens::Tokens;
use crate::wire::{Answer, Connection};
use anyhow::{Context as _, Result, ensure};
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, REFRESH, SET_COOKIE};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use serde_json::Value;
use std::time::{Duration, Instant};

const MAIL_PATIENCE: Duration = Duration::from_secs(10);
/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A browser that has just been opened.
struct Browser<'a> {
    connection: &'a mut Connection,
    origin: &'a str,
    cookies: Vec<String>,
}

impl Browser<'_> {
    async fn step(&mut self, method: Method, path: &str, form: String) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(path);
        if !self.cookies.is_empty() {
            request = request.header(COOKIE, self.cookies.join("; "));
        }
        if !form.is_empty() {
            request =
                request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").header(ORIGIN, self.origin);
        }
        let answer = self.connection.send(request.body(Full::from(form))?).await?;
        for cookie in answer.headers.get_all(SET_COOKIE) {
            self.cookies.extend(cookie.to_str()?.split(';').next().map(str::to_owned));
        }
        Ok(answer)
    }

    /// Opens a page that must be there.
    async fn open(&mut self, path: &str) -> Result<String> {
        let answer = self.step(Method::GET, path, String::new()).await?.good()?;
        Ok(String::from_utf8(answer.to_vec())?)
    }
}

/// Where a redirect leads, or a page that goes on by itself.
fn location(answer: &Answer) -> Result<String> {
    let said = || String::from_utf8_lossy(&answer.body).into_owned();
    let to = answer.headers.get(LOCATION).or_else(|| answer.headers.get(REFRESH));
    let to = to.with_context(|| format!("{}: {}", answer.status, said()))?.to_str()?;
    Ok(to.trim_start_matches("0;url=").to_owned())
}

/// The hidden fields of the first form on a page, as a form.
fn hidden(page: &str) -> Result<String> {
    let fields: Vec<String> = page
        .split("<input type=\"hidden\" name=\"")
        .skip(1)
        .take(2)
        .filter_map(|field| {
            let (name, rest) = field.split_once("\" value=\"")?;
            Some(format!("{name}={}", rest.split_once('"')?.0))
        })
        .collect();
    ensure!(fields.len() == 2, "the page has no form");
    Ok(fields.join("&"))
}

/// Signs a person in on the pages, and changes the code into tokens.
pub async fn sign_in(
    connection: &mut Connection,
    door: &Door,
    mails: &Mails,
    person: u32,
    due: Instant,
) -> Result<(Done, Tokens)> {
    let mail = mails.expect(&address(person));
    let began = Instant::now();
    let mut browser = Browser { connection, origin: &door.origin, cookies: Vec::new() };
    let start = format!(
        "/oauth2/authorize?response_type=code&client_id={}&redirect_uri={CALLBACK}&scope=openid&state=s\
         &code_challenge={CHALLENGE}&code_challenge_method=S256",
        door.web
    );
    let first = location(&browser.step(Method::GET, &start, String::new()).await?).context("authorize")?;
    let page = browser.open(&first).await.context("the first page")?;
    let name = format!("{}&username={}", hidden(&page)?, username(person));
    let second = location(&browser.step(Method::POST, "/login", name).await?).context("the name")?;
    let page = browser.open(&second).await.context("the page for the code")?;
    let asked_at = Instant::now();

    let mail = tokio::time::timeout(MAIL_PATIENCE, mail).await.context("no mail came")??;
    let mail_at = Instant::now();
    let code = code(&mail).context("the mail has no code")?;
    let typed = format!("{}&code={code}", hidden(&page)?);
    let back = location(&browser.step(Method::POST, "/login/code", typed).await?).context("the code")?;
    let code =
        back.split_once("code=").and_then(|(_, rest)| rest.split('&').next()).context("no code came back")?;
    let form = format!(
        "grant_type=authorization_code&client_id={}&redirect_uri={CALLBACK}&code={code}&code_verifier={VERIFIER}",
        door.web
    );
    let answer = token(browser.connection, form).await?;
    let done_at = Instant::now();
    let text =
        |name: &str| answer[name].as_str().map(str::to_owned).with_context(|| format!("no {name} came"));
    let tokens = Tokens { id: Some(text("id_token")?), access: text("access_token")? };
    let done = Done {
        whole: done_at - due,
        begin: asked_at - began,
        mail: mail_at - asked_at,
        answer: done_at - mail_at,
    };
    Ok((done, tokens))
}

/// Changes a refresh token into the next one.
pub async fn refresh(
    connection: &mut Connection,
    door: &Door,
    refresh_token: &str,
) -> Result<(Done, Tokens, String)> {
    let began = Instant::now();
    let form = format!("grant_type=refresh_token&client_id={}&refresh_token={refresh_token}", door.rotating);
    let answer = token(connection, form).await?;
    let text =
        |name: &str| answer[name].as_str().map(str::to_owned).with_context(|| format!("no {name} came"));
    let tokens = Tokens { id: Some(text("id_token")?), access: text("access_token")? };
    Ok((Done::whole(began.elapsed()), tokens, text("refresh_token")?))
}

/// Gets a token for a program itself (RFC 6749 §4.4).
pub async fn client_credentials(connection: &mut Connection, door: &Door) -> Result<(Done, Tokens)> {
    let began = Instant::now();
    let Machine { client, secret } = &door.machine;
    let form =
        format!("grant_type=client_credentials&client_id={client}&client_secret={secret}&scope={SCOPE}");
    let answer = token(connection, form).await?;
    let access = answer["access_token"].as_str().context("no access_token came")?.to_owned();
    Ok((Done::whole(began.elapsed()), Tokens { id: None, access }))
}

async fn token(connection: &mut Connection, form: String) -> Result<Value> {
    let request = Request::post("/oauth2/token")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::from(form))?;
    let answer = connection.send(request).await?;
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    ensure!(answer.status == StatusCode::OK, "token: {} {}", answer.status, said["error"]);
    Ok(said)
}
