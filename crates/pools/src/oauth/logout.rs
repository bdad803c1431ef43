//! Where a person goes after `/logout`: Cognito's own parameters, and those of OpenID Connect RP-Initiated Logout.

use super::authorize::Wrong;
use super::pairs::Pairs;
use super::redirect;
use crate::client::Client;

/// Where a browser goes once it is signed out.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// To an address of the app.
    App(String),
    /// To sign in again, by the same parameters.
    SignIn,
    /// To our own page.
    Here,
}

/// Tells whether a sign-out is asked for in OpenID Connect's way, where the person is asked first unless the app shows
/// by an ID token whose sign-in it was (RP-Initiated Logout 1.0 §2). Cognito's own way asks nobody.
pub fn asks_first(pairs: &Pairs) -> bool {
    !["logout_uri", "redirect_uri"].iter().any(|name| pairs.first(name).is_some_and(|sent| !sent.is_empty()))
}

/// Reads where a client's sign-out leads; its addresses are compared like those of sign-in (rules B5 and O10), and OpenID's
/// byte by byte, a port of this machine too (RP-Initiated Logout 1.0 §3).
pub fn next(pairs: &Pairs, client: &Client) -> Result<Next, Wrong> {
    let allowed = client.config.logout_urls.clone().unwrap_or_default();
    let app = |sent: &str, is_allowed: bool, state: Option<&str>| {
        if !is_allowed {
            return Err(Wrong::Redirect { sent: sent.to_owned(), allowed: allowed.clone() });
        }
        Ok(Next::App(match state {
            Some(state) => redirect::with(sent, &[("state", state)]),
            None => sent.to_owned(),
        }))
    };
    if let Some(sent) = pairs.once("logout_uri")? {
        return app(sent, redirect::is_registered(sent, &allowed), None);
    }
    if let Some(sent) = pairs.once("post_logout_redirect_uri")? {
        return app(sent, allowed.iter().any(|one| one == sent), pairs.once("state")?);
    }
    match (pairs.once("redirect_uri")?, pairs.once("response_type")?) {
        (Some(_), Some(_)) => Ok(Next::SignIn),
        (Some(_), None) => Err(Wrong::Request("Required parameter response_type is not present".into())),
        _ => Ok(Next::Here),
    }
}

/// The front page of an app, as far as its first callback address tells.
pub fn front_page(client: &Client) -> Option<String> {
    let callback = client.config.callback_urls.as_ref()?.first()?;
    let (scheme, rest) =
        callback.split_once("://").filter(|(scheme, _)| ["http", "https"].contains(scheme))?;
    let host = rest.split(['/', '?']).next().filter(|host| !host.is_empty())?;
    Some(format!("{scheme}://{host}/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        let mut client = Client::none("us-east-1_a");
        client.config.logout_urls =
            Some(vec!["https://app.example/bye".into(), "http://127.0.0.1/bye".into()]);
        client
    }

    #[test]
    fn sign_out_leads_to_registered_addresses_only() {
        let next = |query: &str| next(&Pairs::parse(query).expect("UTF-8"), &client());
        let bye = Ok(Next::App("https://app.example/bye".into()));
        assert_eq!(next("logout_uri=https://app.example/bye"), bye);
        assert_eq!(next("logout_uri=https://app.example/bye&redirect_uri=https://evil.example"), bye);
        assert_eq!(next("post_logout_redirect_uri=https://app.example/bye"), bye);
        assert_eq!(
            next("post_logout_redirect_uri=https://app.example/bye&state=a%26b"),
            Ok(Next::App("https://app.example/bye?state=a%26b".into()))
        );
        let here = Ok(Next::App("http://127.0.0.1:4711/bye".into()));
        assert_eq!(next("logout_uri=http://127.0.0.1:4711/bye"), here);
        assert_eq!(next("redirect_uri=https://x.example&response_type=code"), Ok(Next::SignIn));
        assert_eq!(next(""), Ok(Next::Here));
        assert_eq!(next("state=s"), Ok(Next::Here));
        for wrong in [
            "logout_uri=https://app.example/bye/",
            "logout_uri=//app.example/bye",
            "logout_uri=https://app.example@evil.example/bye",
            "post_logout_redirect_uri=https://app.example/bye?x=1",
            "post_logout_redirect_uri=http://127.0.0.1:4711/bye",
        ] {
            assert!(matches!(next(wrong), Err(Wrong::Redirect { .. })), "{wrong}");
        }
        for wrong in ["logout_uri=a&logout_uri=b", "redirect_uri=https://x.example"] {
            assert!(matches!(next(wrong), Err(Wrong::Request(_))), "{wrong}");
        }
    }

    #[test]
    fn the_front_page_is_that_of_the_first_callback() {
        for (callback, front) in [
            ("https://app.example/cb?x=1", Some("https://app.example/")),
            ("http://localhost:3000", Some("http://localhost:3000/")),
            ("com.example.app:/cb", None),
            ("myapp://cb", None),
        ] {
            let mut client = client();
            client.config.callback_urls = Some(vec![callback.into(), "https://other.example/".into()]);
            assert_eq!(front_page(&client).as_deref(), front, "{callback}");
        }
        assert_eq!(front_page(&client()), None);
    }

    #[test]
    fn only_openids_way_asks_first() {
        for (query, asks) in [
            ("", true),
            ("client_id=a", true),
            ("logout_uri=", true),
            ("post_logout_redirect_uri=https://app.example/bye", true),
            ("logout_uri=https://app.example/bye", false),
            ("redirect_uri=https://app.example/cb&response_type=code", false),
        ] {
            assert_eq!(asks_first(&Pairs::parse(query).expect("UTF-8")), asks, "{query}");
        }
    }
}
