//! The demo app's page after a sign-in, in development mode: what the tokens say, and how to get the same in code.

use postern_store::Timestamp;
use serde_json::{Map, Value};

use super::assets;
use super::moment::Moment;

/// One statement of a token.
pub struct Claim {
    name: String,
    value: String,
    moment: Option<Moment>,
}

impl Claim {
    /// Lists what a token's body says.
    pub fn all(body: &Map<String, Value>) -> Vec<Claim> {
        body.iter().map(|(name, value)| Claim::new(name, value)).collect()
    }

    fn new(name: &str, value: &Value) -> Claim {
        let is_time = matches!(name, "exp" | "iat" | "auth_time" | "nbf");
        let seconds = value.as_i64().filter(|_| is_time);
        let moment = seconds.and_then(|s| s.checked_mul(1000)).map(|ms| Moment(Timestamp::from_ms(ms)));
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Claim { name: name.to_owned(), value, moment }
    }

    /// Says in plain words what a claim means (OpenID Connect Core §2 and §5.1; the user pools' own claims).
    fn meaning(&self) -> &'static str {
        match self.name.as_str() {
            "sub" => "Who signed in. Never changes; use it as the key in your database.",
            "iss" => "Who made the token. Your app checks that it is this server.",
            "aud" => "The app client the token is for. Your app checks that it is its own.",
            "client_id" => "The app client that asked for the token.",
            "token_use" => "What the token is for: “id” says who somebody is, “access” lets them in.",
            "auth_time" => "When the person last proved who they are.",
            "iat" => "When this token was made.",
            "exp" => "When it stops working. Refresh before then.",
            "jti" => "This token's own number.",
            "origin_jti" => "The sign-in this token comes from; stays the same through refreshes.",
            "event_id" => "The sign-in in the log.",
            "nonce" => "What your app sent along, to tie the token to its request.",
            "at_hash" => "Ties this token to the access token that came with it.",
            "email" => "Their email address.",
            "email_verified" => "Whether they showed that the email address is theirs.",
            "phone_number" => "Their phone number.",
            "phone_number_verified" => "Whether they showed that the phone number is theirs.",
            "cognito:username" | "username" => "Their name in the user pool.",
            "cognito:groups" => "The groups they are in.",
            "cognito:roles" => "The roles that their groups bring.",
            "cognito:preferred_role" => "The role of their first group.",
            "scope" => "What the access token opens.",
            "version" => "The layout of the token.",
            "name" => "Their full name.",
            "given_name" => "Their first name.",
            "family_name" => "Their last name.",
            "updated_at" => "When their profile last changed.",
            custom if custom.starts_with("custom:") => "An attribute that your pool defines.",
            _ => "",
        }
    }
}

/// "You're signed in".
#[derive(askama::Template)]
#[template(path = "demo.html")]
pub struct Demo {
    /// The email address or name of whoever signed in.
    pub name: String,
    pub csrf: String,
    pub id_claims: Vec<Claim>,
    pub access_claims: Vec<Claim>,
    pub id_token: String,
    pub access_token: String,
    pub refresh_token: Option<String>,
    /// Whether these tokens come from the refresh button just now.
    pub refreshed: bool,
    /// Where the refresh button posts `csrf`.
    pub refresh_action: String,
    pub sign_out_href: String,
    pub inbox_href: String,
    /// Base address of this server: `http://localhost:9320`.
    pub public_url: String,
    pub region: String,
    pub client_id: String,
}

impl Demo {
    /// The name for the code samples, which people paste into shells: a plain one, or a stand-in.
    fn sample_name(&self) -> &str {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@._+-".contains(&byte);
        if self.name.bytes().all(plain) { &self.name } else { "name@example.com" }
    }

    fn tokens(&self) -> Vec<(&'static str, &'static str, &str)> {
        let mut tokens = vec![("id-token", "ID token", self.id_token.as_str())];
        tokens.push(("access-token", "Access token", &self.access_token));
        tokens.extend(self.refresh_token.as_deref().map(|token| ("refresh-token", "Refresh token", token)));
        tokens
    }

    fn tables(&self) -> [(&'static str, &'static str, &[Claim]); 2] {
        [
            ("ID token", "Says who you are. For the app itself.", &self.id_claims),
            ("Access token", "Lets you in. For the app's server.", &self.access_claims),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Page;
    use serde_json::json;

    fn demo() -> Demo {
        let body = json!({"sub": "<b>1</b>", "exp": 1_767_323_045, "cognito:groups": ["a", "b"], "email_verified": true});
        let body = body.as_object().expect("claims are an object");
        Demo {
            name: "alice@example.com".to_owned(),
            csrf: "csrf-1".to_owned(),
            id_claims: Claim::all(body),
            access_claims: Vec::new(),
            id_token: "id.token.1".to_owned(),
            access_token: "access.token.1".to_owned(),
            refresh_token: None,
            refreshed: false,
            refresh_action: "/demo/refresh".to_owned(),
            sign_out_href: "/logout".to_owned(),
            inbox_href: "/inbox".to_owned(),
            public_url: "http://localhost:9320".to_owned(),
            region: "us-east-1".to_owned(),
            client_id: "client1".to_owned(),
        }
    }

    #[test]
    fn claims_are_explained_and_escaped() {
        let html = demo().render();
        assert!(html.contains("&#60;b&#62;1&#60;/b&#62;") && !html.contains("<b>1</b>"));
        assert!(html.contains("Who signed in."));
        assert!(html.contains(r#"<time datetime="2026-01-02T03:04:05Z">2 Jan 2026, 03:04:05 UTC</time>"#));
        assert!(html.contains("[&#34;a&#34;,&#34;b&#34;]"));
    }

    #[test]
    fn the_code_samples_name_this_server() {
        let html = demo().render();
        assert_eq!(html.matches("<details name=\"sample\"").count(), 3);
        assert!(html.contains("http://localhost:9320") && html.contains("client1"));
    }

    #[test]
    fn a_name_that_a_shell_would_run_stays_out_of_the_samples() {
        let html = Demo { name: "$(touch x)@example.com".to_owned(), ..demo() }.render();
        assert_eq!(html.matches("$(touch x)").count(), 1);
        assert!(html.contains("USERNAME=name@example.com"));
    }

    #[test]
    fn without_a_refresh_token_there_is_nothing_to_refresh() {
        assert!(!demo().render().contains("/demo/refresh"));
        let page = Demo { refresh_token: Some("refresh.1".to_owned()), ..demo() };
        let html = page.render();
        assert!(html.contains(r#"<form method="post" action="/demo/refresh""#) && html.contains("csrf-1"));
    }
}
