//! An administrator's session: held by a cookie whose hash is all that is kept, ended by leaving, by time, and by the end
//! of what opened it. Where the console is open, the known administrator's session opens by itself.

use crate::app::{App, fresh_request_id};
use crate::login::cookies::{Cookies, Setting};
use crate::login::visit::Unread;
use crate::loopback::is_own_name;
use crate::pages::problem::{Problem, Trouble};
use crate::pages::words::Language;
use crate::pages::{Frame, Page as _};
use crate::respond::{page, with_header};
use anyhow::Result;
use axum::extract::{Request, State};
use axum::http::header::{LOCATION, REFERER};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_access::Principal;
use postern_pools::administrators::Opened;
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
pub const SIGN_IN: &str = "/console/sign-in";

/// A session that holds.
#[derive(Clone, Debug)]
pub struct Session {
    pub handle: String,
    pub mac: Vec<u8>,
    pub principal: Principal,
    pub opened: Opened,
    /// When its administrator was last known to be who they are.
    pub signed_in: Timestamp,
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

pub fn form_token(app: &App, handle: &str) -> String {
    BASE64URL.encode(app.store.keys().mac(Purpose::Handle, &[b"console form", handle.as_bytes()]))
}

pub fn form_token_matches(app: &App, handle: &str, given: &str) -> bool {
    let Ok(given) = BASE64URL.decode(given) else { return false };
    app.store.keys().mac_matches(Purpose::Handle, &[b"console form", handle.as_bytes()], &given)
}

fn parts(handle: &str) -> [&[u8]; 2] {
    [b"console session", handle.as_bytes()]
}

pub fn cookies(app: &App, headers: &HeaderMap) -> Cookies {
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
                let setting = held(&cookies, &session);
                (session, Some(setting))
            }
            Err(cause) => return failed(&app, &cause),
        },
        Ok(None) => {
            return to_sign_in(back_to(&request));
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
    let begun = begin_by_key(app, &key_id).await?;
    begun.ok_or_else(|| anyhow::anyhow!("the known administrator's key {key_id} is not active any more"))
}

/// Begins a session of whoever holds a key.
pub async fn begin_by_key(app: &App, key_id: &str) -> Result<Option<Session>> {
    let (app_, key_id) = (app.clone(), key_id.to_owned());
    app.store
        .write(move |tx| {
            let Some(principal) = app_.access.holder_of_key(tx, &key_id)? else { return Ok(None) };
            begin(&app_, tx, principal, Opened::Key(key_id.clone())).map(Some)
        })
        .await
}

/// Begins a session, in the unit that proved whose it is. A new handle at each sign-in (rule B1).
pub fn begin(app: &App, tx: &mut Tx<'_>, principal: Principal, opened: Opened) -> Result<Session> {
    let (handle, now) = (BASE64URL.encode(random::bytes::<32>()), app.clock.now());
    let mac = tx.keys().mac(Purpose::Handle, &parts(&handle)).to_vec();
    tx.add_console_session(&ConsoleSessionRow {
        handle_mac: mac.clone(),
        user_id: principal.user_id(&app.account),
        opened_by: opened.text(),
        seen: now,
        created: now,
        expires: now.plus_ms(IDLE_MS),
    })?;
    let is_open = app.settings.development.open_console;
    Ok(Session { handle, mac, principal, opened, signed_in: now, is_open })
}

async fn find(app: &App, handle: String) -> Result<Option<Session>> {
    let (app_, now, asked) = (app.clone(), app.clock.now(), handle.clone());
    let found: Option<(Session, ConsoleSessionRow)> = app
        .store
        .read(move |tx: &mut Tx<'_>| -> Result<_> {
            let macs = tx.keys().macs(Purpose::Handle, &parts(&asked));
            let Some(row) = tx.find_console_session(&macs, now)? else { return Ok(None) };
            let Some(opened) = Opened::read(&row.opened_by) else { return Ok(None) };
            let behind = app_.pools.behind_session(tx, &row.user_id, &opened, row.created)?;
            let Some(principal) = behind else { return Ok(None) };
            let is_open = app_.settings.development.open_console;
            // Whoever sits at an open console is let in again at any time.
            let signed_in = if is_open { now } else { row.created };
            let mac = row.handle_mac.clone();
            let session = Session { handle: asked.clone(), mac, principal, opened, signed_in, is_open };
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

/// The cookie that holds a session.
pub fn held(cookies: &Cookies, session: &Session) -> Setting {
    cookies.set(COOKIE, &session.handle, LIFE_MS / 1000)
}

pub fn redirect(to: &str) -> Response {
    with_header(page(StatusCode::SEE_OTHER, String::new()), LOCATION, to)
}

/// Where somebody goes on after signing in: to the page that they asked for, or to the one whose button they pressed.
fn back_to(request: &Request) -> &str {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return request.uri().path_and_query().map_or("", |to| to.as_str());
    }
    let from = request.headers().get(REFERER).and_then(|from| from.to_str().ok()).unwrap_or_default();
    let place = from.split_once("://").map_or("", |(_, place)| place);
    place.find('/').map_or("", |at| &place[at..])
}

fn to_sign_in(to: &str) -> Response {
    let to = own_path(to);
    redirect(&format!("{SIGN_IN}?to={}", postern_pools::oauth::pairs::encoded(&to)))
}

/// A path of the console to go on to; anything else leads to its beginning (rule B5).
pub fn own_path(to: &str) -> String {
    let is_ours = to.starts_with("/console/")
        && !to.starts_with(SIGN_IN)
        && !to.contains("..")
        && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_ours { to.to_owned() } else { "/console/pools".to_owned() }
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
