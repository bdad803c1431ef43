//! A person without scripts: opens the sign-in pages, fills in their forms, and ends at the app's address.

use std::collections::BTreeMap;

/// What keeps the cookies and follows the redirects.
pub struct Browser {
    url: String,
    cookies: BTreeMap<String, String>,
}

/// Where a request ended.
pub enum Page {
    /// A page of the server.
    Html(String),
    /// An address elsewhere, which is not opened.
    Elsewhere(String),
}

impl Page {
    /// The address elsewhere that the person was sent to.
    pub fn left_for(self) -> String {
        match self {
            Page::Elsewhere(address) => address,
            Page::Html(html) => panic!("the person was to be sent on, and got a page: {html}"),
        }
    }
}

impl Browser {
    pub fn new(url: &str) -> Browser {
        Browser { url: url.to_owned(), cookies: BTreeMap::new() }
    }

    pub fn open(&mut self, address: &str) -> Page {
        self.follow(minreq::get(address))
    }

    /// Sends the form that a page has for an action, filled in.
    pub fn press(&mut self, page: &Page, action: &str, fields: &[(&str, &str)]) -> Page {
        let Page::Html(html) = page else { panic!("there is no page to press on") };
        let form =
            html.split(&format!("action=\"{action}\"")).nth(1).and_then(|rest| rest.split("</form>").next());
        let form = form.unwrap_or_else(|| panic!("no form for {action}: {html}"));
        let hidden = form.split("<input type=\"hidden\" name=\"").skip(1).filter_map(|rest| {
            let (name, rest) = rest.split_once("\" value=\"")?;
            Some((name, rest.split_once('"')?.0))
        });
        let fields: Vec<(&str, &str)> = hidden.chain(fields.iter().copied()).collect();
        let body: String = form_text(&fields);
        let request = minreq::post(format!("{}{action}", self.url))
            .with_header("origin", &self.url)
            .with_header("content-type", "application/x-www-form-urlencoded")
            .with_body(body);
        self.follow(request)
    }

    fn follow(&mut self, request: minreq::Request) -> Page {
        let mut next = request;
        loop {
            let cookies: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = next
                .with_header("cookie", cookies.join("; "))
                .with_follow_redirects(false)
                .with_timeout(30)
                .send()
                .expect("the server answers");
            for cookie in answer.headers("set-cookie") {
                let pair = cookie.split(';').next().unwrap_or_default();
                if let Some((name, value)) = pair.split_once('=') {
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
            }
            // A redirect, or a page that goes on by itself.
            let onward = answer.header("refresh").and_then(|refresh| refresh.strip_prefix("0;url="));
            let Some(location) = answer.header("location").or(onward) else {
                return Page::Html(answer.as_str().expect("a page of text").to_owned());
            };
            let address = if location.starts_with('/') {
                format!("{}{location}", self.url)
            } else {
                location.to_owned()
            };
            if !address.starts_with(&format!("{}/", self.url)) {
                return Page::Elsewhere(address);
            }
            next = minreq::get(address);
        }
    }
}

fn form_text(fields: &[(&str, &str)]) -> String {
    let mut text = openidconnect::url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(fields);
    text.finish()
}
