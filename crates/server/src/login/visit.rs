//! A request to the pages and the OAuth endpoints: who sends it, from where, and what it brings.

use super::cookies::Cookies;
use super::language;
use super::multipart::{self, File};
use super::problem;
use crate::app::{App, fresh_request_id};
use crate::pages::problem::Trouble;
use crate::source::{self, Peer};
use axum::extract::{FromRequest, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN, USER_AGENT};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use http_body_util::{BodyExt as _, Limited};
use postern_access::{Caller, Principal};
use postern_pools::oauth::pairs::Pairs;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// What a form or a token request may hold (rule R5).
const BODY_MAX: usize = 64 * 1024;
/// A client's time to send it.
const BODY_PATIENCE: Duration = Duration::from_secs(10);
/// The same for a form with files.
const FILE_PATIENCE: Duration = Duration::from_secs(120);

/// Says of an address that it takes a form with files, and how much they may hold together.
#[derive(Clone, Copy)]
pub struct FileMax(pub usize);

/// A request, taken apart.
#[derive(Clone)]
pub struct Visit {
    pub app: App,
    pub caller: Caller,
    pub path: String,
    pub query: Pairs,
    pub form: Pairs,
    /// The files that came with the form, where its address takes any.
    pub files: Vec<File>,
    pub cookies: Cookies,
    pub headers: HeaderMap,
    /// The pool's domain by which the browser came, if it did.
    pub home: Option<Home>,
}

/// A pool's domain, and where it is.
#[derive(Clone)]
pub struct Home {
    pub pool_id: String,
    pub url: String,
}

/// The same for programs, whose refusals are not pages.
pub struct Knock(pub Result<Visit, Unread>);

/// Why a request could not be taken.
#[derive(Clone, Copy, Debug)]
pub enum Unread {
    TooMany { wait_s: u32 },
    NotAForm,
    TooLarge,
    NotUtf8,
}

impl FromRequest<App> for Knock {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Knock(read(request, app).await))
    }
}

impl FromRequest<App> for Visit {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let language = language::known(&Cookies::read(request.headers(), app.is_https()), request.headers());
        read(request, app).await.map_err(|unread| {
            let trouble = match unread {
                Unread::TooMany { wait_s } => Trouble::TooMany { minutes: u64::from(wait_s.div_ceil(60)) },
                Unread::NotAForm => Trouble::BadRequest { why: "The request is not a form".to_owned() },
                Unread::TooLarge => Trouble::BadRequest { why: "The form is too large".to_owned() },
                Unread::NotUtf8 => Trouble::BadRequest { why: "The parameters are not UTF-8".to_owned() },
            };
            problem::unread(app, language, trouble, &fresh_request_id())
        })
    }
}

async fn read(request: Request, app: &App) -> Result<Visit, Unread> {
    let (parts, body) = request.into_parts();
    let peer = parts.extensions.get::<Peer>().map_or(IpAddr::from(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
    let source = source::of(peer, &parts.headers, &app.settings.trusted_proxies);
    let user_agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let caller = Caller {
        principal: Principal::Anonymous,
        account: app.account.to_string(),
        region: app.access.region.to_string(),
        source: Some(source),
        is_secure: app.is_secure(peer, &parts.headers),
        user_agent: user_agent.to_owned(),
        request_id: fresh_request_id(),
    };
    app.pace(&caller).await.map_err(|wait_s| Unread::TooMany { wait_s })?;
    let home = home(app, peer, &parts.uri, &parts.headers).await;
    let query = Pairs::parse(parts.uri.query().unwrap_or_default()).ok_or(Unread::NotUtf8)?;
    let (form, files) = match (&parts.method, parts.extensions.get::<FileMax>()) {
        (&Method::POST, Some(FileMax(max))) => read_files(app, &parts.headers, body, *max).await?,
        (&Method::POST, None) => (read_form(&parts.headers, body).await?, Vec::new()),
        _ => (Pairs::default(), Vec::new()),
    };
    Ok(Visit {
        caller,
        path: parts.uri.path().to_owned(),
        query,
        form,
        files,
        cookies: Cookies::read(&parts.headers, app.is_https()),
        headers: parts.headers,
        home,
        app: app.clone(),
    })
}

/// Finds the domain that a browser asked for. Where that is the server's own name, no domain is looked for.
async fn home(app: &App, peer: IpAddr, uri: &Uri, headers: &HeaderMap) -> Option<Home> {
    let asked =
        headers.get(HOST).and_then(|host| host.to_str().ok()).or(uri.authority().map(Authority::as_str));
    let host = source::forwarded_host(peer, headers, &app.settings.trusted_proxies).or(asked)?;
    if host == app.public_host() {
        return None;
    }
    let place = app.pools.place.clone();
    let names = place.domains_at(host);
    if names.is_empty() {
        return None;
    }
    let found: anyhow::Result<Option<Home>> = app
        .store
        .read(move |tx| {
            for (name, is_custom) in &names {
                let row = tx.find_domain(name)?.filter(|row| row.custom == *is_custom);
                if let Some((row, url)) = row.zip(place.domain_url(name, *is_custom)) {
                    return Ok(Some(Home { pool_id: row.pool_id, url }));
                }
            }
            Ok(None)
        })
        .await;
    found.unwrap_or_else(|cause| {
        tracing::error!(cause = format!("{cause:#}"), "a domain could not be looked for");
        None
    })
}

/// Reads a form with files, a few at a time on all of the server.
async fn read_files(
    app: &App,
    headers: &HeaderMap,
    body: axum::body::Body,
    max: usize,
) -> Result<(Pairs, Vec<File>), Unread> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    // Nobody ends the turns while the server runs.
    let _turn = app.large_bodies.acquire().await.map_err(|_| Unread::TooLarge)?;
    let reading = multipart::read(kind, body, (max + BODY_MAX) as u64);
    tokio::time::timeout(FILE_PATIENCE, reading).await.unwrap_or(Err(Unread::TooLarge))
}

async fn read_form(headers: &HeaderMap, body: axum::body::Body) -> Result<Pairs, Unread> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_form = |kind: &str| {
        let essence = kind.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    };
    let reading = tokio::time::timeout(BODY_PATIENCE, Limited::new(body, BODY_MAX).collect());
    let bytes = reading.await.ok().and_then(Result::ok).ok_or(Unread::TooLarge)?.to_bytes();
    if bytes.is_empty() {
        return Ok(Pairs::default());
    }
    if !kind.is_some_and(is_form) {
        return Err(Unread::NotAForm);
    }
    std::str::from_utf8(&bytes).ok().and_then(Pairs::parse).ok_or(Unread::NotUtf8)
}

impl Visit {
    /// The name in the address bar.
    pub fn host(&self) -> &str {
        match &self.home {
            Some(home) => home.url.split_once("://").map_or("", |(_, host)| host),
            None => self.app.public_host(),
        }
    }

    /// The only pool that this door is for, where it is one of a domain.
    pub fn only(&self) -> Option<&str> {
        self.home.as_ref().map(|home| home.pool_id.as_str())
    }

    /// Where the browser is, without a final slash.
    pub fn own_url(&self) -> &str {
        self.home.as_ref().map_or(&self.app.public_url, |home| &home.url)
    }

    pub fn authorization(&self) -> Option<&str> {
        self.headers.get(AUTHORIZATION)?.to_str().ok()
    }

    /// Tells whether a form was sent from our own pages, as far as the browser says so (rule B3).
    pub fn is_from_here(&self) -> bool {
        self.is_from(self.own_url())
    }

    /// The same for pages under an address of their own.
    pub fn is_from(&self, own_url: &str) -> bool {
        let text = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        let fetch_site = text("sec-fetch-site");
        let origin = text(ORIGIN.as_str());
        fetch_site.is_none_or(|site| matches!(site, "same-origin" | "none"))
            && origin.is_none_or(|origin| is_own_origin(origin, own_url, text(HOST.as_str())))
    }

    /// Tells whether a person opens this as a page, rather than a page as its picture or frame.
    pub fn is_opened(&self) -> bool {
        let says = |name: &str, value: &str| self.headers.get(name).is_none_or(|given| given == value);
        says("sec-fetch-mode", "navigate") && says("sec-fetch-dest", "document")
    }
}

/// Our own origin is that of the public URL. On a developer's machine any name of the loopback interface will do,
/// if it is the one that the browser asked for.
fn is_own_origin(origin: &str, public_url: &str, host: Option<&str>) -> bool {
    if origin == public_url {
        return true;
    }
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let name = authority.rsplit_once(':').map_or(authority, |(name, _)| name);
    let is_loopback = |name: &str| ["localhost", "127.0.0.1", "[::1]"].contains(&name);
    let is_local_server = public_url
        .strip_prefix("http://")
        .is_some_and(|own| is_loopback(own.rsplit_once(':').map_or(own, |(name, _)| name)));
    is_local_server && scheme == "http" && is_loopback(name) && host == Some(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_our_own_origin() {
        let local = "http://localhost:9320";
        let public = "https://login.example.com";
        let cases = [
            (local, "http://localhost:9320", "localhost:9320", true),
            (local, "http://127.0.0.1:9320", "127.0.0.1:9320", true),
            (local, "http://127.0.0.1:3000", "127.0.0.1:9320", false),
            (local, "http://evil.example:9320", "evil.example:9320", false),
            (local, "http://localhost.evil.example", "localhost.evil.example", false),
            (local, "null", "localhost:9320", false),
            (public, "https://login.example.com", "10.0.0.1", true),
            (public, "http://login.example.com", "login.example.com", false),
            (public, "https://login.example.com.evil.example", "login.example.com", false),
            (public, "http://localhost", "localhost", false),
        ];
        for (own, origin, host, is_own) in cases {
            assert_eq!(is_own_origin(origin, own, Some(host)), is_own, "{own} {origin} {host}");
        }
    }
}
