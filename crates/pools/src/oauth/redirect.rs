//! Where an app may be answered: addresses compared byte by byte, and answers written into them.

use super::pairs;
use serde::{Deserialize, Serialize};

/// How an answer travels (OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    #[default]
    Query,
    /// Behind the `#` of the address, which browsers send to no server.
    Fragment,
    FormPost,
}

/// An answer on its way to an app, at an address that is registered.
#[derive(Debug, PartialEq, Eq)]
pub struct Back {
    pub address: String,
    pub parameters: Vec<(&'static str, String)>,
    pub mode: Mode,
}

impl Back {
    /// The address with the answer in it.
    pub fn href(&self) -> String {
        let parameters: Vec<(&str, &str)> =
            self.parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        match self.mode {
            Mode::Fragment => format!("{}#{}", self.address, pairs::query(&parameters)),
            Mode::Query | Mode::FormPost => with(&self.address, &parameters),
        }
    }
}

/// Finds out whether an address is a registered one: the same bytes, but for the port of a loopback IP literal, which
/// an app on somebody's own machine cannot know beforehand (rule O1, RFC 8252 §7.3).
pub fn is_registered(sent: &str, registered: &[String]) -> bool {
    registered.iter().any(|one| one == sent || is_loopback_twin(sent, one))
}

fn is_loopback_twin(sent: &str, registered: &str) -> bool {
    match (loopback(sent), loopback(registered)) {
        (Some(sent), Some(registered)) => sent == registered,
        _ => false,
    }
}

/// Splits `http://127.0.0.1:PORT/rest` into its host and its rest; nothing for any other address.
fn loopback(address: &str) -> Option<(&'static str, &str)> {
    let (host, rest) = ["http://127.0.0.1", "http://[::1]"]
        .into_iter()
        .find_map(|host| address.strip_prefix(host).map(|rest| (host, rest)))?;
    let rest = match rest.strip_prefix(':') {
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (port, rest) = rest.split_at(digits);
            port.parse::<u16>().ok().filter(|port| *port > 0)?;
            rest
        }
        None => rest,
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}

/// Adds parameters to an address that may have a query already (RFC 6749 §3.1.2).
pub fn with(address: &str, parameters: &[(&str, &str)]) -> String {
    let joint = match address.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{address}{joint}{}", pairs::query(parameters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_byte_by_byte() {
        let registered =
            ["https://app.example/cb", "http://localhost:3000/cb", "myapp://cb"].map(str::to_owned);
        for sent in &registered {
            assert!(is_registered(sent, &registered), "{sent}");
        }
        for sent in [
            "",
            "https://app.example/cb/",
            "https://app.example/CB",
            "https://app.example/cb?",
            "https://app.example/cb#",
            "https://app.example/cb?x=1",
            "https://app.example/cb;x",
            "https://app.example/c%62",
            "https://app.example:443/cb",
            "https://app.example./cb",
            "HTTPS://app.example/cb",
            "http://app.example/cb",
            "//app.example/cb",
            "https:/\\app.example/cb",
            "https://app.example\t/cb",
            "https://app.example/cb\n",
            "https://user@app.example/cb",
            "https://app.example@evil.example/cb",
            "https://app.example/x/../cb",
            "http://localhost:3001/cb",
            "http://localhost/cb",
            "myapp://cb/",
        ] {
            assert!(!is_registered(sent, &registered), "{sent}");
        }
    }

    #[test]
    fn only_loopback_literals_may_change_their_port() {
        let registered =
            ["http://127.0.0.1:3000/cb", "http://[::1]/cb", "https://127.0.0.1:1/tls"].map(str::to_owned);
        for sent in ["http://127.0.0.1/cb", "http://127.0.0.1:65535/cb", "http://[::1]:8080/cb"] {
            assert!(is_registered(sent, &registered), "{sent}");
        }
        for sent in [
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:3000@evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1:3000/cb2",
            "http://127.0.0.2:3000/cb",
            "http://[::1]:80/cb?x",
            "https://127.0.0.1:3000/cb",
            "https://127.0.0.1:2/tls",
        ] {
            assert!(!is_registered(sent, &registered), "{sent}");
        }
    }

    #[test]
    fn an_answer_is_added_to_the_query() {
        let parameters = [("code", "a b"), ("state", "1&2")];
        assert_eq!(with("https://a.example/cb", &parameters), "https://a.example/cb?code=a%20b&state=1%262");
        assert_eq!(with("https://a.example/cb?x=1", &[("code", "c")]), "https://a.example/cb?x=1&code=c");
        assert_eq!(with("myapp://cb?", &[("code", "c")]), "myapp://cb?code=c");
    }
}
