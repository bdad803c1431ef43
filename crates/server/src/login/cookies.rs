//! The pages' cookies: one that names the browser, and one per pool in which somebody is signed in. Whatever they
//! open is kept by us under their keyed hashes (rules B1 and B2).

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_pools::recognised::MARK_MS;
use postern_store::random;

const BROWSER: &str = "postern";
const SESSION: &str = "postern-session-";
const MARK: &str = "postern-known-";
const BY_PASSWORD: &str = "postern-password-";
const YEAR_S: i64 = 31_536_000;

/// The cookies that came with a request.
#[derive(Clone, Default)]
pub struct Cookies {
    pairs: Vec<(String, String)>,
    is_https: bool,
}

impl Cookies {
    pub fn read(headers: &HeaderMap, is_https: bool) -> Self {
        let pairs = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Cookies { pairs, is_https }
    }

    /// A cookie by the name it has without its prefix.
    pub fn get(&self, name: &str) -> Option<&str> {
        let name = self.name(name);
        self.pairs.iter().find(|(each, _)| *each == name).map(|(_, value)| value.as_str())
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The cookie that ties a person's steps to one browser.
    pub fn browser(&self) -> Option<&str> {
        self.get(BROWSER).filter(|value| value.len() == 43)
    }

    /// Draws a browser's cookie: 256 bits.
    pub fn fresh_browser() -> String {
        BASE64URL.encode(random::bytes::<32>())
    }

    pub fn set_browser(&self, value: &str) -> Setting {
        Setting(format!("{}={value}; {}", self.name(BROWSER), self.attributes()))
    }

    /// The handle of a session in a pool.
    pub fn session(&self, pool_id: &str) -> Option<&str> {
        self.get(&format!("{SESSION}{pool_id}"))
    }

    /// The pools in which this browser says it has a session, and the handles.
    pub fn sessions(&self) -> impl Iterator<Item = (&str, &str)> {
        let prefix = self.name(SESSION);
        self.pairs.iter().filter_map(move |(name, value)| Some((name.strip_prefix(&prefix)?, value.as_str())))
    }

    pub fn set_session(&self, pool_id: &str, handle: &str, seconds: i64) -> Setting {
        self.set(&format!("{SESSION}{pool_id}"), handle, seconds)
    }

    pub fn clear_session(&self, pool_id: &str) -> Setting {
        self.set(&format!("{SESSION}{pool_id}"), "", 0)
    }

    /// By which a pool recognises this browser.
    pub fn mark(&self, pool_id: &str) -> Option<&str> {
        self.get(&format!("{MARK}{pool_id}"))
    }

    pub fn set_mark(&self, pool_id: &str, mark: &str) -> Setting {
        self.set(&format!("{MARK}{pool_id}"), mark, MARK_MS / 1000)
    }

    /// Whether a password opened the pool here last.
    pub fn came_by_password(&self, pool_id: &str) -> bool {
        self.get(&format!("{BY_PASSWORD}{pool_id}")).is_some()
    }

    /// Remembers whether it was a password, where that is news.
    pub fn set_by_password(&self, pool_id: &str, by_password: bool) -> Option<Setting> {
        let seconds = if by_password { YEAR_S } else { 0 };
        let is_news = by_password != self.came_by_password(pool_id);
        is_news.then(|| self.set(&format!("{BY_PASSWORD}{pool_id}"), "1", seconds))
    }

    /// Any other cookie, for so many seconds.
    pub fn set(&self, name: &str, value: &str, seconds: i64) -> Setting {
        Setting(format!("{}={value}; {}; Max-Age={seconds}", self.name(name), self.attributes()))
    }

    /// Browsers take `__Host-` over TLS only.
    fn name(&self, name: &str) -> String {
        if self.is_https { format!("__Host-{name}") } else { name.to_owned() }
    }

    fn attributes(&self) -> &'static str {
        if self.is_https {
            "Path=/; Secure; HttpOnly; SameSite=Lax"
        } else {
            "Path=/; HttpOnly; SameSite=Lax"
        }
    }
}

/// A cookie to be set.
pub struct Setting(String);

impl Setting {
    /// Puts the cookie on a response.
    pub fn on(self, mut response: Response) -> Response {
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            response.headers_mut().append(SET_COOKIE, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(header: &'static str, is_https: bool) -> Cookies {
        let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(header))]);
        Cookies::read(&headers, is_https)
    }

    #[test]
    fn cookies_are_read_by_their_full_names() {
        let plain = cookies("a=1; postern-session-us-east-1_A=h1;postern-session-us-east-1_B=h2", false);
        assert_eq!(plain.session("us-east-1_A"), Some("h1"));
        assert_eq!(plain.sessions().collect::<Vec<_>>(), [("us-east-1_A", "h1"), ("us-east-1_B", "h2")]);
        let tls = cookies("postern-session-p=planted; __Host-postern-session-p=own", true);
        assert_eq!(tls.session("p"), Some("own"));
        assert_eq!(tls.sessions().count(), 1);
        assert_eq!(cookies("postern=short", false).browser(), None);
    }

    #[test]
    fn cookies_are_bound_to_the_host_and_hidden_from_scripts() {
        let Setting(tls) = cookies("a=1", true).set_session("p", "h", 3600);
        assert_eq!(tls, "__Host-postern-session-p=h; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=3600");
        let Setting(plain) = cookies("a=1", false).set_browser("b");
        assert_eq!(plain, "postern=b; Path=/; HttpOnly; SameSite=Lax");
    }
}
