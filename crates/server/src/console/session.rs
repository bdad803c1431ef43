//! An administrator's session: opened with an access key, held by a cookie whose hash is all that is kept, ended by
//! leaving, by time, and by the end of the key. Where the console is open, the known administrator's session opens by
//! itself.

use crate::app::{App, fresh_request_id};
use crate::login::cookies::{Cookies, Setting};
use crate::login::visit::{Knock, Unread, Visit};
use crate::loopback::is_own_name;
use crate::pages::console::{ConsoleSignIn, rendered};
use crate::pages::problem::{Problem, Trouble};
use crate::pages::words::Language;
use crate::pages::{Frame, Page as _};
use crate::respond::{page, with_header};
use anyhow::Result;
use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_access::{Principal, Unproved};
use postern_store::audit::AuditRecord;
use postern_store::console::ConsoleSessionRow;
use postern_store::{Purpose, Timestamp, Tx, random};

/// How long a session lasts without use, and at most (rule B4).
const IDLE_MS: i64 = 30 * 60_000;
const LIFE_MS: i64 = 12 * 60 * 60_000;
/// How long a page may keep itself up to date before that counts as opening it anew.
const WATCH_MS: i64 = 60 * 60_000;
/// How long a note of its last use stands, so that not every page writes one.
const NOTE_EVERY_MS: i64 = 60_000;

const COOKIE: &str = "postern-console";
/// The cookie that a sign-in form is bound to, before there is a session.
const DOORSTEP: &str = "postern-console-door";
const SIGN_IN: &str = "/console/sign-in";

const WRONG: &str = "That access key isn't right, or is no longer active.";

/// A session that holds.
#[derive(Clone, Debug)]
pub struct Session {
    pub handle: String,
    pub mac: Vec<u8>,
    pub principal: Principal,
    pub is_open: bool,
}

impl Session {
    pub fn name(&self) -> &str {
        match &self.principal {
            Principal::User { name, .. } => name,
            _ => "",
        }
    }

    /// The token of this session's forms (rule B3).
    pub fn csrf(&self, app: &App) -> String {
        form_token(app, &self.handle)
    }

    /// What lets a page that was opened now look again at itself, for a while.
    pub fn watch(&self, app: &App, path: &str) -> String {
        let until = app.clock.now().plus_ms(WATCH_MS).ms();
        let mac = app.store.keys().mac(Purpose::Handle, &self.watched(path, &until.to_string()));
        format!("{until}.{}", BASE64URL.encode(mac))
    }

    pub fn watches(&self, app: &App, path: &str, given: &str) -> bool {
        let Some((until, mac)) = given.split_once('.') else { return false };
        let Ok(mac) = BASE64URL.decode(mac) else { return false };
        until.parse().is_ok_and(|until: i64| app.clock.now().ms() < until)
            && app.store.keys().mac_matches(Purpose::Handle, &self.watched(path, until), &mac)
    }

    fn watched<'a>(&'a self, path: &'a str, until: &'a str) -> [&'a [u8]; 4] {
        [b"console watch", self.handle.as_bytes(), path.as_bytes(), until.as_bytes()]
    }

    pub fn csrf_matches(&self, app: &App, given: &str) -> bool {
        form_token_matches(app, &self.handle, given)
    }
}

fn form_token(app: &App, handle: &str) -> String {
    BASE64URL.encode(app.store.keys().mac(Purpose::Handle, &[b"console form", handle.as_bytes()]))
}

fn form_token_matches(app: &App, handle: &str, given: &str) -> bool {
    let Ok(given) = BASE64URL.decode(given) else { return false };
    app.store.keys().mac_matches(Purpose::Handle, &[b"console form", handle.as_bytes()], &given)
}

fn parts(handle: &str) -> [&[u8]; 2] {
    [b"console session", handle.as_bytes()]
}

fn cookies(app: &App, headers: &HeaderMap) -> Cookies {
    Cookies::read(headers, is_https(app))
}

fn is_https(app: &App) -> bool {
    app.console_url().is_some_and(|url| url.starts_with("https://"))
}

/// Lets in who has a session, and sends others to sign in.
pub async fn admit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let is_open = app.settings.development.open_console;
    if is_open && !is_own_name(request.headers()) {
        return turned_away(&app, Trouble::NotFound);
    }
    let cookies = cookies(&app, request.headers());
    let found = match cookies.get(COOKIE) {
        Some(handle) => find(&app, handle.to_owned()).await,
        None => Ok(None),
    };
    let (session, setting) = match found {
        Ok(Some(session)) => (session, None),
        Ok(None) if is_open => match open_by_itself(&app).await {
            Ok(session) => {
                let setting = cookies.set(COOKIE, &session.handle, LIFE_MS / 1000);
                (session, Some(setting))
            }
            Err(cause) => return failed(&app, &cause),
        },
        Ok(None) => {
            let to = request.uri().path_and_query().map_or("", |to| to.as_str());
            return to_sign_in(to);
        }
        Err(cause) => return failed(&app, &cause),
    };
    request.extensions_mut().insert(session);
    let response = next.run(request).await;
    match setting {
        Some(setting) => setting.on(response),
        None => response,
    }
}

async fn open_by_itself(app: &App) -> Result<Session> {
    let known = app.settings.development.administrator.as_ref();
    let key_id = known.map(|known| known.key_id.clone()).unwrap_or_default();
    let begun = begin(app, &key_id).await?;
    begun.ok_or_else(|| anyhow::anyhow!("the known administrator's key {key_id} is not active any more"))
}

/// Begins a session of whoever holds a key.
async fn begin(app: &App, key_id: &str) -> Result<Option<Session>> {
    let handle = BASE64URL.encode(random::bytes::<32>());
    let (app_, key_id, now) = (app.clone(), key_id.to_owned(), app.clock.now());
    app.store
        .write(move |tx| {
            let Some(principal) = app_.access.holder_of_key(tx, &key_id)? else { return Ok(None) };
            let mac = tx.keys().mac(Purpose::Handle, &parts(&handle)).to_vec();
            tx.add_console_session(&ConsoleSessionRow {
                handle_mac: mac.clone(),
                key_id: key_id.clone(),
                seen: now,
                created: now,
                expires: now.plus_ms(IDLE_MS),
            })?;
            let is_open = app_.settings.development.open_console;
            Ok(Some(Session { handle: handle.clone(), mac, principal, is_open }))
        })
        .await
}

async fn find(app: &App, handle: String) -> Result<Option<Session>> {
    let (app_, now, asked) = (app.clone(), app.clock.now(), handle.clone());
    let found: Option<(Session, ConsoleSessionRow)> = app
        .store
        .read(move |tx: &mut Tx<'_>| -> Result<_> {
            let macs = tx.keys().macs(Purpose::Handle, &parts(&asked));
            let Some(row) = tx.find_console_session(&macs, now)? else { return Ok(None) };
            let Some(principal) = app_.access.holder_of_key(tx, &row.key_id)? else { return Ok(None) };
            let is_open = app_.settings.development.open_console;
            let session = Session { handle: asked.clone(), mac: row.handle_mac.clone(), principal, is_open };
            Ok(Some((session, row)))
        })
        .await?;
    let Some((session, row)) = found else { return Ok(None) };
    if now.since(row.seen) >= NOTE_EVERY_MS {
        let expires = now.plus_ms(IDLE_MS).min(row.created.plus_ms(LIFE_MS));
        app.store.write(move |tx| tx.keep_console_session(&row.handle_mac, now, expires)).await?;
    }
    Ok(Some(session))
}

fn redirect(to: &str) -> Response {
    with_header(page(StatusCode::SEE_OTHER, String::new()), LOCATION, to)
}

fn to_sign_in(to: &str) -> Response {
    let to = own_path(to);
    redirect(&format!("{SIGN_IN}?to={}", postern_pools::oauth::pairs::encoded(&to)))
}

/// A path of the console to go on to; anything else leads to its beginning (rule B5).
fn own_path(to: &str) -> String {
    let is_ours = to.starts_with("/console/")
        && !to.starts_with(SIGN_IN)
        && !to.contains("..")
        && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_ours { to.to_owned() } else { "/console/pools".to_owned() }
}

/// `GET /console/sign-in`
pub async fn ask(State(app): State<App>, Knock(visit): Knock) -> Response {
    let visit = match visit {
        Ok(visit) => visit,
        Err(fault) => return unread(&app, fault),
    };
    let to = visit.query.first("to").unwrap_or_default();
    if app.settings.development.open_console {
        return redirect(&own_path(to));
    }
    show(&app, &visit, to)
}

fn show(app: &App, visit: &Visit, to: &str) -> Response {
    let cookies = cookies(app, &visit.headers);
    let held = cookies.get(DOORSTEP).filter(|value| value.len() == 43).map(str::to_owned);
    let door = held.unwrap_or_else(Cookies::fresh_browser);
    let shown = ConsoleSignIn {
        host: app.console_url().unwrap_or_default().split("://").last().unwrap_or_default().to_owned(),
        to: own_path(to),
        csrf: form_token(app, &door),
        problem: visit.query.has("wrong").then_some(WRONG),
    };
    cookies.set(DOORSTEP, &door, LIFE_MS / 1000).on(page(StatusCode::OK, rendered(&shown)))
}

/// `POST /console/sign-in`
pub async fn sign_in(State(app): State<App>, Knock(visit): Knock) -> Response {
    let visit = match visit {
        Ok(visit) => visit,
        Err(fault) => return unread(&app, fault),
    };
    let field = |name: &str| visit.form.first(name).unwrap_or_default().trim();
    let cookies = cookies(&app, &visit.headers);
    let own_url = app.console_url().unwrap_or_default();
    let is_ours = visit.is_from(own_url)
        && cookies.get(DOORSTEP).is_some_and(|door| form_token_matches(&app, door, field("csrf")));
    if !is_ours {
        return turned_away(&app, Trouble::Expired { back_href: Some(SIGN_IN.to_owned()) });
    }
    let key_id = field("key");
    let proved = app.access.prove_key(key_id, field("secret")).await;
    let outcome = match &proved {
        Ok(_) => "ok",
        Err(Unproved::Fault(_)) => "refused",
        Err(Unproved::Failed(_)) => "failed",
    };
    let who = match &proved {
        Ok(principal) => principal.arn(&app.account),
        // A stranger's text is not kept.
        Err(_) => "unproved".to_owned(),
    };
    let record = AuditRecord {
        time: app.clock.now(),
        request_id: visit.caller.request_id.clone(),
        who,
        action: "postern:SignIn".to_owned(),
        source: visit.caller.source.map(|source| source.to_string()).unwrap_or_default(),
        outcome: outcome.to_owned(),
        ..AuditRecord::default()
    };
    let noted: Result<()> = app.store.write(move |tx| tx.add_audit(&record)).await;
    if let Err(cause) = noted {
        return failed(&app, &cause);
    }
    match proved {
        Ok(_) => match begin(&app, key_id).await {
            Ok(Some(session)) => {
                // A new handle at each sign-in; the doorstep's cookie is of no more use (rule B1).
                let response = redirect(&own_path(field("to")));
                let response = set(&cookies, COOKIE, &session.handle).on(response);
                cookies.set(DOORSTEP, "", 0).on(response)
            }
            Ok(None) => wrong(field("to")),
            Err(cause) => failed(&app, &cause),
        },
        Err(Unproved::Fault(_)) => wrong(field("to")),
        Err(Unproved::Failed(cause)) => failed(&app, &cause),
    }
}

/// Back to the form, which says what was wrong.
fn wrong(to: &str) -> Response {
    let to = postern_pools::oauth::pairs::encoded(&own_path(to));
    redirect(&format!("{SIGN_IN}?wrong=yes&to={to}"))
}

fn set(cookies: &Cookies, name: &str, value: &str) -> Setting {
    cookies.set(name, value, LIFE_MS / 1000)
}

/// Ends a session and forgets its cookie.
pub async fn end(app: &App, headers: &HeaderMap, session: &Session) -> Response {
    let mac = session.mac.clone();
    let ended: Result<bool> = app.store.write(move |tx| tx.end_console_session(&mac)).await;
    match ended {
        Ok(_) => cookies(app, headers).set(COOKIE, "", 0).on(redirect(SIGN_IN)),
        Err(cause) => failed(app, &cause),
    }
}

pub fn unread(app: &App, unread: Unread) -> Response {
    turned_away(
        app,
        match unread {
            Unread::TooMany { wait_s } => Trouble::TooMany { minutes: u64::from(wait_s.div_ceil(60)) },
            Unread::TooLarge => Trouble::BadRequest { why: "The form is too large".to_owned() },
            Unread::NotUtf8 => Trouble::BadRequest { why: "The parameters are not UTF-8".to_owned() },
            Unread::NotAForm => Trouble::BadRequest { why: "The request is not a form".to_owned() },
        },
    )
}

/// A page for who does not get in.
pub fn turned_away(app: &App, trouble: Trouble) -> Response {
    told(app, trouble, &fresh_request_id())
}

fn told(app: &App, trouble: Trouble, request_id: &str) -> Response {
    let status = match trouble {
        Trouble::Fault => StatusCode::INTERNAL_SERVER_ERROR,
        Trouble::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        Trouble::NotFound => StatusCode::NOT_FOUND,
        Trouble::Expired { .. } => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    };
    let host = app.console_url().and_then(|url| url.split("://").last()).unwrap_or_default();
    let frame = Frame::new(Language::English, "Postern console", host);
    let reference = request_id.split('-').next().unwrap_or_default().to_owned();
    page(status, Problem { frame, trouble, reference }.render())
}

/// Logs a failure of ours and shows its reference.
pub fn failed(app: &App, cause: &anyhow::Error) -> Response {
    let request_id = fresh_request_id();
    tracing::error!(request_id, cause = format!("{cause:#}"), "the console could not answer");
    told(app, Trouble::Fault, &request_id)
}

/// When a note of what became of a form is forgotten.
pub fn note_until(now: Timestamp) -> Timestamp {
    now.plus_ms(IDLE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_console_is_gone_on_to() {
        assert_eq!(own_path("/console/pools/us-east-1_A?note=x"), "/console/pools/us-east-1_A?note=x");
        for elsewhere in [
            "",
            "/",
            "//evil.example/console/",
            "https://evil.example/console/",
            "/console/../login",
            "/console/\\evil",
            "/consolex",
            "/console/sign-in?to=x",
            "/console/\r\nx",
        ] {
            assert_eq!(own_path(elsewhere), "/console/pools", "{elsewhere:?}");
        }
    }
}
