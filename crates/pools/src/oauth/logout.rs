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

/// Reads where a client's sign-out leads; its addresses are compared like those of sign-in (rules B5 and O10).
/// `is_hinted` says that an ID token of this client came along.
pub fn next(pairs: &Pairs, client: &Client, is_hinted: bool) -> Result<Next, Wrong> {
    let allowed = client.config.logout_urls.clone().unwrap_or_default();
    let app = |sent: &str, state: Option<&str>| {
        if !redirect::is_registered(sent, &allowed) {
            return Err(Wrong::Redirect { sent: sent.to_owned(), allowed: allowed.clone() });
        }
        Ok(Next::App(match state {
            Some(state) => redirect::with(sent, &[("state", state)]),
            None => sent.to_owned(),
        }))
    };
    if let Some(sent) = pairs.once("logout_uri")? {
        return app(sent, None);
    }
    if let Some(sent) = pairs.once("post_logout_redirect_uri")? {
        let target = app(sent, pairs.once("state")?)?;
        return Ok(if is_hinted { target } else { Next::Here });
    }
    match (pairs.once("redirect_uri")?, pairs.once("response_type")?) {
        (Some(_), Some(_)) => Ok(Next::SignIn),
        (Some(_), None) => Err(Wrong::Request("Required parameter response_type is not present".into())),
        _ => Ok(Next::Here),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        let mut client = Client::none("us-east-1_a");
        client.config.logout_urls = Some(vec!["https://app.example/bye".into()]);
        client
    }

    #[test]
    fn sign_out_leads_to_registered_addresses_only() {
        let next = |query: &str, hinted| next(&Pairs::parse(query).expect("UTF-8"), &client(), hinted);
        let bye = Ok(Next::App("https://app.example/bye".into()));
        assert_eq!(next("logout_uri=https://app.example/bye", false), bye);
        assert_eq!(next("logout_uri=https://app.example/bye&redirect_uri=https://evil.example", false), bye);
        assert_eq!(next("post_logout_redirect_uri=https://app.example/bye", true), bye);
        assert_eq!(next("post_logout_redirect_uri=https://app.example/bye", false), Ok(Next::Here));
        assert_eq!(
            next("post_logout_redirect_uri=https://app.example/bye&state=a%26b", true),
            Ok(Next::App("https://app.example/bye?state=a%26b".into()))
        );
        assert_eq!(next("redirect_uri=https://x.example&response_type=code", false), Ok(Next::SignIn));
        assert_eq!(next("", false), Ok(Next::Here));
        for wrong in [
            "logout_uri=https://app.example/bye/",
            "logout_uri=//app.example/bye",
            "logout_uri=https://app.example@evil.example/bye",
            "post_logout_redirect_uri=https://app.example/bye?x=1",
        ] {
            assert!(matches!(next(wrong, true), Err(Wrong::Redirect { .. })), "{wrong}");
        }
        for wrong in ["logout_uri=a&logout_uri=b", "redirect_uri=https://x.example"] {
            assert!(matches!(next(wrong, false), Err(Wrong::Request(_))), "{wrong}");
        }
    }
}
