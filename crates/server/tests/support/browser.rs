//! A browser without script: it keeps cookies, fills in forms, and follows redirects one at a time.

use crate::support::filled;
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use postern_pools::oauth::pairs::{Pairs, query};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// One person's browser. Clones share its cookies, as tabs do.
#[derive(Clone)]
pub struct Browser {
    url: String,
    /// The name in the address bar, where it is not the server's own.
    host: Option<String>,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
    http: HttpClient<HttpConnector, Full<Bytes>>,
}

/// What the address bar and the window show.
#[derive(Clone, Debug)]
pub struct Shown {
    pub status: u16,
    /// The path that was asked for.
    pub path: String,
    pub headers: HeaderMap,
    pub html: String,
}

impl Browser {
    pub fn new(url: &str) -> Browser {
        Browser {
            url: url.to_owned(),
            host: None,
            cookies: Arc::default(),
            http: HttpClient::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Another browser that somehow has the same cookies now.
    pub fn copy(&self) -> Browser {
        let cookies = self.jar().clone();
        Browser { cookies: Arc::new(Mutex::new(cookies)), ..self.clone() }
    }

    /// The same browser at another name of the server.
    pub fn at(&self, host: &str) -> Browser {
        Browser { host: Some(host.to_owned()), ..Browser::new(&self.url) }
    }

    /// What its cookies hold.
    pub fn cookie_values(&self) -> Vec<String> {
        self.jar().values().cloned().collect()
    }

    fn origin(&self) -> String {
        self.host.as_ref().map_or_else(|| self.url.clone(), |host| format!("http://{host}"))
    }

    /// Opens something that is not a page: its status, content type and bytes.
    pub async fn open_bytes(&self, path: &str) -> (u16, String, Vec<u8>) {
        let request = Request::get(format!("{}{path}", self.url)).body(Full::default()).expect("a request");
        let response = self.http.request(request).await.expect("the server answers");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole answer").to_bytes();
        let kind = parts.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        (parts.status.as_u16(), kind.to_owned(), bytes.to_vec())
    }

    /// Loses the cookies whose names begin so.
    pub fn lose(&self, prefix: &str) {
        self.jar().retain(|name, _| !name.starts_with(prefix));
    }

    /// Opens an address.
    pub async fn open(&self, path: &str) -> Shown {
        self.send("GET", path, "", &[]).await
    }

    /// Opens an address, and whatever it leads to on this server.
    pub async fn visit(&self, path: &str) -> Shown {
        let shown = self.open(path).await;
        self.follow(shown).await
    }

    /// Goes where answers lead, as long as that is on this server and not back to an app.
    pub async fn follow(&self, mut shown: Shown) -> Shown {
        for _ in 0..10 {
            let Some(to) = shown.leads_to() else { return shown };
            let Some(path) = self.own_path(&to) else { return shown };
            shown = self.open(&path).await;
        }
        panic!("redirects without end at {}", shown.path);
    }

    /// Presses the button of the form on a page that posts to `action`, and follows.
    pub async fn press(&self, page: &Shown, action: &str, fields: &[(&str, &str)]) -> Shown {
        let shown = self.press_once(page, action, fields).await;
        self.follow(shown).await
    }

    /// Presses a button and looks at the first answer.
    pub async fn press_once(&self, page: &Shown, action: &str, fields: &[(&str, &str)]) -> Shown {
        let hidden = page.hidden(action);
        let mut all: Vec<(&str, &str)> =
            hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        // A script fills hidden fields in, too.
        all.retain(|(name, _)| fields.iter().all(|(filled, _)| filled != name));
        all.extend_from_slice(fields);
        let answer =
            self.post(action, &all, &[("origin", &self.origin()), ("sec-fetch-site", "same-origin")]).await;
        let stays = answer.status == 200 && answer.leads_to().is_none();
        assert!(!stays, "{action} answers a press with a page that cannot be opened again");
        answer
    }

    /// Saves a form of a page as it is filled in, but for some fields, and follows. A field with nothing given is left
    /// empty, and a box not ticked.
    pub async fn save(&self, page: &Shown, action: &str, changes: &[(&str, &str)]) -> Shown {
        let mut all = filled::fields(&page.html, action);
        all.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        let given = changes.iter().filter(|(_, value)| !value.is_empty());
        all.extend(given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let all: Vec<(&str, &str)> =
            all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let own = [("origin", self.origin()), ("sec-fetch-site", "same-origin".to_owned())];
        let own: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let shown = self.post(action, &all, &own).await;
        self.follow(shown).await
    }

    /// Posts a form, whatever page it is from.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Shown {
        self.send("POST", path, &query(fields), headers).await
    }

    pub async fn send(&self, method: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> Shown {
        let cookies: Vec<String> = self.jar().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some(host) = &self.host {
            request = request.header("host", host);
        }
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        if method == "POST" && headers.iter().all(|(name, _)| *name != "content-type") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).expect("a request");
        let response = self.http.request(request).await.expect("the server answers");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole answer").to_bytes();
        for cookie in parts.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("a cookie is text");
            let (pair, attributes) = cookie.split_once(';').expect("a cookie has attributes");
            let (name, value) = pair.split_once('=').expect("a cookie has a value");
            match attributes.contains("Max-Age=0") {
                true => self.jar().remove(name),
                false => self.jar().insert(name.to_owned(), value.to_owned()),
            };
        }
        Shown {
            status: parts.status.as_u16(),
            path: path.to_owned(),
            headers: parts.headers,
            html: String::from_utf8(bytes.to_vec()).expect("UTF-8"),
        }
    }

    fn own_path(&self, to: &str) -> Option<String> {
        let path = to.strip_prefix(&self.url).unwrap_or(to);
        let is_apps = ["/demo/callback?", "/demo/callback#"].iter().any(|apps| path.starts_with(apps));
        (path.starts_with('/') && !is_apps).then(|| path.to_owned())
    }

    fn jar(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().expect("no test panics with the cookies in hand")
    }
}

impl Shown {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Where a redirect leads, or a page that goes on by itself.
    pub fn leads_to(&self) -> Option<String> {
        match self.status {
            200 => self.header("refresh").strip_prefix("0;url=").map(str::to_owned),
            300..400 => Some(self.header("location").to_owned()),
            _ => None,
        }
    }

    /// The same; nothing where it leads nowhere.
    pub fn to(&self) -> String {
        self.leads_to().unwrap_or_default()
    }

    /// The parameters of the address that a redirect leads to.
    #[track_caller]
    pub fn answer(&self) -> Pairs {
        let to = self.leads_to().unwrap_or_else(|| panic!("no redirect: {} {}", self.status, self.html));
        Pairs::parse(to.split_once('?').expect("parameters").1).expect("UTF-8")
    }

    /// A parameter of the address that a redirect leads to.
    #[track_caller]
    pub fn parameter(&self, name: &str) -> String {
        self.answer().first(name).unwrap_or_else(|| panic!("no {name} in {}", self.to())).to_owned()
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Shown {
        let html = self.html.replace("&#39;", "'");
        assert!(html.contains(text), "{text:?} is not on {}: {html}", self.path);
        self
    }

    #[track_caller]
    pub fn says_not(&self, text: &str) -> &Shown {
        let html = self.html.replace("&#39;", "'");
        assert!(!html.contains(text), "{text:?} is on {}", self.path);
        self
    }

    #[track_caller]
    pub fn heading(&self) -> String {
        let (_, rest) = self.html.split_once("<h1>").unwrap_or_else(|| panic!("no heading: {}", self.html));
        rest.split_once("</h1>").expect("a heading ends").0.replace("&#39;", "'")
    }

    /// The address of the link with some words on it.
    #[track_caller]
    pub fn link(&self, words: &str) -> String {
        let at = self
            .html
            .find(&format!(">{words}</a>"))
            .unwrap_or_else(|| panic!("no link {words}: {}", self.html));
        let (_, href) = self.html[..at].rsplit_once("href=\"").expect("a link has an address");
        href.split_once('"').expect("an address ends").0.replace("&#38;", "&").replace("&amp;", "&")
    }

    /// The value of the first hidden field of a name.
    #[track_caller]
    pub fn field(&self, name: &str) -> String {
        let start = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
        let (_, rest) =
            self.html.split_once(&start).unwrap_or_else(|| panic!("no field {name}: {}", self.html));
        rest.split_once('"').expect("a value ends").0.to_owned()
    }

    /// The hidden fields of the form that posts to `action`.
    #[track_caller]
    pub fn hidden(&self, action: &str) -> Vec<(String, String)> {
        let form = format!("action=\"{action}\"");
        let at = self.html.find(&form).unwrap_or_else(|| panic!("no form for {action}: {}", self.html));
        let form = self.html[at..].split_once("</form>").expect("a form ends").0;
        form.split("<input type=\"hidden\" name=\"")
            .skip(1)
            .map(|input| {
                let (name, rest) = input.split_once("\" value=\"").expect("a hidden field has a value");
                (name.to_owned(), rest.split_once('"').expect("a value ends").0.to_owned())
            })
            .collect()
    }
}
