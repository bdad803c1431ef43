//! A server with the demo pool, whose client plays an app of our own, and what people and the app do there.

use super::browser::{Browser, Shown};
use crate::support::TestServer;
use postern_model::Service;
use postern_pools::keys::{TokenUse, of_pool};
use postern_pools::oauth::pairs::query;
use postern_pools::oauth::pkce::challenge_of;
use postern_server::api::{Call, perform};
use postern_server::seed::{self, Demo};
use postern_server::settings::Settings;
use serde_json::{Value, json};

pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A server with the demo pool, and the demo client as an app of our own.
pub struct Scene {
    pub server: TestServer,
    pub demo: Demo,
}

impl Scene {
    pub async fn new() -> Scene {
        Scene::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Scene {
        let server = TestServer::with(|settings| {
            settings.development.demo = true;
            change(settings);
        })
        .await;
        let demo = seed::demo(&server.app).await.expect("the demo can be made");
        Scene { server, demo }
    }

    pub fn browser(&self) -> Browser {
        Browser::new(&self.server.url)
    }

    pub fn callback(&self) -> String {
        format!("{}/demo/callback", self.server.app.public_url)
    }

    /// The address that the app sends people to.
    pub fn authorize(&self, more: &[(&str, &str)]) -> String {
        let (callback, challenge) = (self.callback(), challenge_of(VERIFIER));
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", self.demo.client_id.as_str()),
            ("redirect_uri", &callback),
            ("state", "a&b"),
            ("nonce", "n-1"),
            ("scope", "openid email"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        pairs.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        pairs.extend(more.iter().filter(|(_, value)| !value.is_empty()));
        format!("/oauth2/authorize?{}", query(&pairs))
    }

    /// Opens the sign-in page and types a name.
    pub async fn named(&self, browser: &Browser, name: &str) -> Shown {
        let page = browser.visit(&self.authorize(&[])).await;
        assert_eq!(page.heading(), "Sign in");
        browser.press(&page, "/login", &[("username", name)]).await
    }

    /// The code in the newest mail.
    pub async fn code(&self, address: &str) -> String {
        let mail = self.server.wait_mail(address).await;
        // The next mail is a later one.
        self.server.clock.advance(1);
        mail["code"].as_str().expect("a code").to_owned()
    }

    /// Signs in by code; gives the redirect to the app.
    pub async fn signed_in(&self, browser: &Browser, name: &str) -> Shown {
        let page = self.named(browser, name).await;
        let code = self.code(name).await;
        let home = browser.press_once(&page, "/login/code", &[("code", &code)]).await;
        assert!(home.leads_to().is_some(), "{}", home.html);
        home
    }

    pub async fn token(&self, fields: &[(&str, &str)]) -> (u16, Value) {
        let mut fields = fields.to_vec();
        fields.push(("client_id", &self.demo.client_id));
        let answer = self.browser().post("/oauth2/token", &fields, &[]).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("cache-control"), "no-store");
        (answer.status, serde_json::from_str(&answer.html).expect("JSON"))
    }

    pub async fn redeem(&self, code: &str) -> (u16, Value) {
        let callback = self.callback();
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &callback),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    pub async fn refresh(&self, token: &str) -> (u16, Value) {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    pub async fn tokens(&self, browser: &Browser, name: &str) -> Value {
        let home = self.signed_in(browser, name).await;
        let (status, tokens) = self.redeem(&home.parameter("code")).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    /// What the demo pool says of itself.
    pub async fn discovery(&self) -> Value {
        let path = format!("/{}/.well-known/openid-configuration", self.demo.pool_id);
        serde_json::from_str(&self.browser().open(&path).await.html).expect("JSON")
    }

    pub async fn user_info(&self, authorization: &str) -> Shown {
        let headers = [("authorization", authorization)];
        self.browser().send("GET", "/oauth2/userInfo", "", &headers).await
    }

    pub async fn verified(&self, token: &str, token_use: TokenUse) -> Value {
        let (pool_id, token) = (self.demo.pool_id.clone(), token.to_owned());
        let claims: anyhow::Result<Option<Value>> = self
            .server
            .app
            .store
            .read(move |tx| Ok(of_pool(tx, &pool_id)?.verified(&token, token_use)))
            .await;
        claims.expect("keys").expect("a good signature")
    }

    /// Calls an administrator's operation on the pool.
    pub async fn admin(&self, operation: &str, mut input: Value) {
        input["UserPoolId"] = self.demo.pool_id.clone().into();
        let call = Call::find(Service::CognitoIdp, operation).expect("an operation");
        let app = &self.server.app;
        perform(app, &app.own_caller(), call, &input).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Signs somebody in through the API by password and a code by mail.
    pub async fn access_token_by_mail(&self, name: &str, password: &str) -> String {
        let client_id = &self.demo.client_id;
        let begin = json!({
            "ClientId": client_id,
            "AuthFlow": "USER_AUTH",
            "AuthParameters": { "USERNAME": name, "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": password },
        });
        let asked = self.server.api("InitiateAuth", begin).await.ok().body;
        let answer = json!({
            "ClientId": client_id,
            "ChallengeName": asked["ChallengeName"],
            "Session": asked["Session"],
            "ChallengeResponses": { "USERNAME": name, "EMAIL_OTP_CODE": self.code(name).await },
        });
        let tokens = self.server.api("RespondToAuthChallenge", answer).await.ok().body;
        text(&tokens["AuthenticationResult"], "AccessToken").to_owned()
    }

    pub async fn temporary(&self, name: &str, password: &str) {
        self.admin(
            "AdminCreateUser",
            json!({
                "Username": name,
                "TemporaryPassword": password,
                "MessageAction": "SUPPRESS",
                "UserAttributes": [{ "Name": "email", "Value": name }],
            }),
        )
        .await;
    }
}

pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// Gives a code that is surely not this one.
pub fn another(code: &str) -> String {
    let last = if code.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &code[..code.len() - 1])
}
