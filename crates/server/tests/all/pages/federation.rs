//! Signing in by an outside provider: with a second server as the provider, and with one that lies.

use super::browser::{Browser, Shown};
use super::scene::{Scene, text};
use crate::support::{Does, Lambda, OpenIdProvider};
use postern_pools::keys::TokenUse;
use postern_server::seed::{ALICE, BOB};
use serde_json::{Value, json};

/// Has people of the demo app come from Corp, too.
async fn add_corp(scene: &Scene, issuer: &str, more: Value) {
    let mut details = json!({
        "client_id": "postern", "client_secret": "corp-secret", "authorize_scopes": "openid email",
        "oidc_issuer": issuer, "attributes_request_method": "GET",
    });
    for (key, value) in more.as_object().expect("an object") {
        details[key] = value.clone();
    }
    let provider = json!({
        "ProviderName": "Corp", "ProviderType": "OIDC", "ProviderDetails": details,
        "AttributeMapping": { "email": "email", "given_name": "given_name" },
        "IdpIdentifiers": ["corp.example"],
    });
    scene.admin("CreateIdentityProvider", provider).await;
    takes(scene, &["COGNITO", "Corp"]).await;
}

/// Has the demo app take these ways to sign in.
pub(super) async fn takes(scene: &Scene, providers: &[&str]) {
    let ids = json!({ "UserPoolId": scene.demo.pool_id, "ClientId": scene.demo.client_id });
    let shown = scene.server.signed("DescribeUserPoolClient", ids).await.ok().body;
    let mut client = shown["UserPoolClient"].clone();
    client
        .as_object_mut()
        .expect("a client")
        .retain(|name, _| !["CreationDate", "LastModifiedDate", "ClientSecret"].contains(&name.as_str()));
    client["SupportedIdentityProviders"] = json!(providers);
    scene.admin("UpdateUserPoolClient", client).await;
}

pub(super) async fn user(scene: &Scene, name: &str) -> Value {
    let input = json!({ "UserPoolId": scene.demo.pool_id, "Username": name });
    scene.server.signed("AdminGetUser", input).await.ok().body
}

pub(super) async fn is_there(scene: &Scene, name: &str) -> bool {
    let input = json!({ "UserPoolId": scene.demo.pool_id, "Username": name });
    scene.server.signed("AdminGetUser", input).await.status == 200
}

pub(super) fn attribute(user: &Value, name: &str) -> Option<String> {
    let attributes = user["UserAttributes"].as_array().expect("attributes");
    let found = attributes.iter().find(|attribute| attribute["Name"] == name)?;
    Some(found["Value"].as_str().expect("a text").to_owned())
}

/// A provider that says whatever a test wants, and an app that sends people there.
struct Play {
    corp: OpenIdProvider,
    scene: Scene,
}

impl Play {
    async fn new() -> Play {
        let corp = OpenIdProvider::start().await;
        let scene = Scene::new().await;
        add_corp(&scene, &corp.url, json!({})).await;
        Play { corp, scene }
    }

    /// Sends a browser out, and gives where it was sent.
    async fn sent(&self, browser: &Browser) -> Shown {
        let out = browser.open(&self.scene.authorize(&[("identity_provider", "Corp")])).await;
        assert!(out.to().starts_with(&format!("{}/authorize?", self.corp.url)), "{out:?}");
        out
    }

    fn claims(&self, subject: &str, nonce: &str) -> Value {
        let now = self.scene.server.clock.now().seconds();
        json!({
            "iss": self.corp.url, "aud": "postern", "sub": subject, "nonce": nonce, "iat": now,
            "exp": now + 300,
        })
    }

    /// Comes back as somebody, after a change of what the provider says.
    async fn comes(&self, browser: &Browser, subject: &str, change: impl FnOnce(&mut Value)) -> Shown {
        let out = self.sent(browser).await;
        let mut claims = self.claims(subject, &out.parameter("nonce"));
        change(&mut claims);
        self.corp.says(claims);
        let state = out.parameter("state");
        browser.open(&format!("/oauth2/idpresponse?code=c-1&state={state}")).await
    }

    /// The claims of the ID token that a redirect to the app leads to.
    async fn claims_of(&self, home: &Shown) -> Value {
        let (status, tokens) = self.scene.redeem(&home.parameter("code")).await;
        assert_eq!(status, 200, "{tokens}");
        self.scene.verified(text(&tokens, "id_token"), TokenUse::Id).await
    }
}

#[track_caller]
pub(super) fn told(shown: &Shown, error: &str, description: &str) {
    let answer = shown.answer();
    assert!(shown.to().contains("/demo/callback?"), "{}", shown.to());
    assert_eq!((answer.first("error"), answer.first("error_description")), (Some(error), Some(description)));
    assert_eq!(answer.first("state"), Some("a&b"));
    assert!(answer.first("iss").is_some() && answer.first("code").is_none());
}

#[tokio::test]
async fn a_person_signs_in_at_another_server_and_is_somebody_here() {
    let idp = Scene::new().await;
    let sp = Scene::new().await;
    let back = format!("{}/oauth2/idpresponse", sp.server.app.public_url);
    let made = json!({
        "UserPoolId": idp.demo.pool_id, "ClientName": "Shop", "GenerateSecret": true,
        "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": ["openid", "email"], "CallbackURLs": [back],
        "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    });
    let made = idp.server.signed("CreateUserPoolClient", made).await.ok().body["UserPoolClient"].clone();
    let issuer = format!("{}/{}", idp.server.app.public_url, idp.demo.pool_id);
    let app = json!({ "client_id": made["ClientId"], "client_secret": made["ClientSecret"] });
    add_corp(&sp, &issuer, app).await;

    let (here, there) = (sp.browser(), idp.browser());
    let page = here.visit(&sp.authorize(&[])).await;
    let out = here.open(&page.link("Continue with Corp")).await;
    let to = out.leads_to().expect("the way out");
    let path = to.strip_prefix(&idp.server.app.public_url).expect("the other server");
    let page = there.visit(path).await;
    let page = there.press(&page, "/login", &[("username", ALICE)]).await;
    let code = idp.code(ALICE).await;
    let home = there.press_once(&page, "/login/code", &[("code", &code)]).await;
    let to = home.leads_to().expect("the way back");
    let path = to.strip_prefix(&sp.server.app.public_url).expect("this server");
    let home = here.open(path).await;
    let (status, tokens) = sp.redeem(&home.parameter("code")).await;
    assert_eq!(status, 200, "{tokens}");
    let claims = sp.verified(text(&tokens, "id_token"), TokenUse::Id).await;
    assert_eq!(claims["nonce"], "n-1");
    assert_eq!(claims["email"], ALICE);
    assert_eq!(claims["email_verified"], false, "no provider's word makes an address verified");
    assert_eq!(claims["amr"], json!(["fed"]));
    let identity = &claims["identities"][0];
    assert_eq!(identity["providerName"], "Corp");
    assert_eq!(identity["primary"], "true");
    let name = format!("Corp_{}", identity["userId"].as_str().expect("a subject"));
    assert_eq!(claims["cognito:username"], name.as_str());
    assert_eq!(claims["cognito:groups"], json!([format!("{}_Corp", sp.demo.pool_id)]));
    // Alice of this pool is somebody else, though their address is the same.
    assert_ne!(claims["sub"].as_str(), attribute(&user(&sp, ALICE).await, "sub").as_deref());
    assert_eq!(user(&sp, &name).await["UserStatus"], "EXTERNAL_PROVIDER");

    // The answer does its work once, and in this browser.
    assert!(here.open(path).await.to().starts_with("/oauth2/authorize?"));
    assert_eq!(sp.browser().open(path).await.status, 400);
    // The browser is signed in now, for the apps that take people from there.
    let again = here.open(&sp.authorize(&[])).await;
    assert!(again.answer().first("code").is_some());
    takes(&sp, &["COGNITO"]).await;
    assert_eq!(here.visit(&sp.authorize(&[])).await.heading(), "Sign in");
}

#[tokio::test]
async fn a_browser_is_sent_out_with_secrets_of_its_own_and_the_provider_is_asked_as_it_asks_to_be() {
    let play = Play::new().await;
    let browser = play.scene.browser();
    let out = browser
        .open(&play.scene.authorize(&[("idp_identifier", "corp.example"), ("prompt", "login consent")]))
        .await;
    let asked = out.answer();
    assert_eq!(asked.first("client_id"), Some("postern"));
    assert_eq!(asked.first("scope"), Some("openid email"));
    assert_eq!(asked.first("prompt"), Some("login consent"));
    assert_eq!(asked.first("code_challenge_method"), Some("S256"));
    let other = play.sent(&play.scene.browser()).await;
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(asked.first(name), Some(other.parameter(name).as_str()), "{name}");
    }
    play.corp.tells(json!({ "sub": "a-1", "email": "a@corp.example", "given_name": "Ana" }));
    let home = play.comes(&browser, "a-1", |_| {}).await;
    let claims = play.claims_of(&home).await;
    assert_eq!(claims["email"], "a@corp.example");
    let (token, _) = play.corp.asked("/token").expect("a call");
    assert_eq!(token.first("client_secret"), Some("corp-secret"));
    assert_eq!(token.first("code"), Some("c-1"));
    let verifier = token.first("code_verifier").expect("a verifier");
    assert_eq!(verifier.len(), 43);
    let (_, headers) = play.corp.asked("/me").expect("a call");
    assert_eq!(headers.get("authorization").map(|value| value.as_bytes()), Some(&b"Bearer at-1"[..]));

    // What is told at the next sign-in is taken over; it is the same person.
    play.corp.tells(json!({ "sub": "a-1", "email": "ana@corp.example", "given_name": "Anna" }));
    let browser = play.scene.browser();
    let again = play.claims_of(&play.comes(&browser, "a-1", |_| {}).await).await;
    assert_eq!((&again["email"], &again["sub"]), (&json!("ana@corp.example"), &claims["sub"]));
    assert_eq!(attribute(&user(&play.scene, "Corp_a-1").await, "given_name").as_deref(), Some("Anna"));
}

#[tokio::test]
async fn what_the_provider_does_not_vouch_for_signs_nobody_in() {
    let play = Play::new().await;
    let browser = play.scene.browser();
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 5] = [
        (|claims| claims["aud"] = "another".into(), "Bad id_token audience"),
        (|claims| claims["iss"] = "https://evil.example".into(), "Bad id_token issuer"),
        (|claims| claims["nonce"] = "stolen".into(), "Bad id_token nonce"),
        (
            |claims| claims["exp"] = (claims["iat"].as_i64().expect("a time") - 3600).into(),
            "Bad id_token exp",
        ),
        (|claims| claims["sub"] = "".into(), "Bad id_token sub"),
    ];
    for (change, words) in cases {
        told(&play.comes(&browser, "e-1", change).await, "invalid_request", words);
    }
    play.corp.heads(json!({ "alg": "none", "kid": "k1" }));
    told(&play.comes(&browser, "e-1", |_| {}).await, "invalid_request", "Bad id_token algorithm");
    play.corp.heads(json!({ "alg": "ES256", "kid": "k1" }));
    play.corp.tells(json!({ "sub": "somebody-else", "email": "x@corp.example" }));
    told(
        &play.comes(&browser, "e-1", |_| {}).await,
        "invalid_request",
        "Attributes endpoint speaks of another subject",
    );
    play.corp.tells(json!({}));
    play.corp.fails(400);
    told(
        &play.comes(&browser, "e-1", |_| {}).await,
        "invalid_request",
        "Corp Error - 400 error getting token",
    );
    play.corp.fails(200);
    play.corp.changes_key(false);
    told(&play.comes(&browser, "e-1", |_| {}).await, "invalid_request", "Bad id_token signature");
    assert!(!is_there(&play.scene, "Corp_e-1").await);
}

#[tokio::test]
async fn a_provider_may_change_its_keys() {
    let play = Play::new().await;
    play.claims_of(&play.comes(&play.scene.browser(), "a-1", |_| {}).await).await;
    play.corp.heads(json!({ "alg": "ES256", "kid": "k2" }));
    play.corp.changes_key(true);
    play.claims_of(&play.comes(&play.scene.browser(), "a-1", |_| {}).await).await;
}

#[tokio::test]
async fn an_answer_is_good_once_for_the_browser_that_was_sent_out() {
    let play = Play::new().await;
    let (mine, other) = (play.scene.browser(), play.scene.browser());
    let out = play.sent(&mine).await;
    let state = out.parameter("state");
    play.corp.says(play.claims("a-1", &out.parameter("nonce")));
    let answer = format!("/oauth2/idpresponse?code=c-1&state={state}");
    // Another browser, with and without a sign-in of its own; a state that is made up, or of another sign-in.
    assert_eq!(other.open(&answer).await.status, 400);
    let theirs = play.sent(&other).await.parameter("state");
    assert_eq!(other.open(&answer).await.status, 400);
    assert_eq!(mine.open(&format!("/oauth2/idpresponse?code=c-1&state={theirs}")).await.status, 400);
    let (flow, _) = state.split_once('.').expect("a flow");
    for wrong in ["", ".", flow, &format!("{flow}."), &format!("{flow}.x")] {
        let shown = mine.open(&format!("/oauth2/idpresponse?code=c-1&state={wrong}")).await;
        assert_eq!(shown.status, 400, "{wrong}");
    }
    assert!(play.corp.asked("/token").is_none(), "nobody's code was changed so far");
    let home = mine.open(&answer).await;
    assert!(home.answer().first("code").is_some(), "{home:?}");
    // It was used: what comes again asks the provider nothing, and only leads on to who is signed in.
    let again = mine.copy();
    again.lose("postern-session-");
    let shown = again.follow(again.open(&answer).await).await;
    assert_eq!(shown.heading(), "Sign in");
    // An answer that failed is used up, too.
    let out = play.sent(&other).await;
    let answer = format!("/oauth2/idpresponse?code=c-1&state={}", out.parameter("state"));
    play.corp.says(play.claims("e-1", "wrong"));
    told(&other.open(&answer).await, "invalid_request", "Bad id_token nonce");
    play.corp.says(play.claims("e-1", &out.parameter("nonce")));
    assert_eq!(other.open(&answer).await.status, 400);
    assert!(!is_there(&play.scene, "Corp_e-1").await);
}

#[tokio::test]
async fn an_answer_that_a_provider_posts_waits_for_the_browsers_own_request() {
    let play = Play::new().await;
    let (mine, other) = (play.scene.browser(), play.scene.browser());
    let out = play.sent(&mine).await;
    play.corp.says(play.claims("a-1", &out.parameter("nonce")));
    let state = out.parameter("state");
    let fields = [("code", "c-1"), ("state", state.as_str())];
    // Browsers send no cookie along when another site has them post.
    let stranger = play.scene.browser();
    let wrong = format!("{state}x");
    let refused = stranger.post("/oauth2/idpresponse", &[("code", "c-1"), ("state", &wrong)], &[]).await;
    assert_eq!(refused.status, 400);
    let posted = stranger.post("/oauth2/idpresponse", &fields, &[("sec-fetch-site", "cross-site")]).await;
    let to = posted.leads_to().expect("the way on");
    assert!(!to.contains("c-1"), "{to}");
    assert_eq!(other.open(&to).await.status, 400);
    let home = mine.open(&to).await;
    assert_eq!(play.claims_of(&home).await["identities"][0]["userId"], "a-1");
    let again = mine.copy();
    again.lose("postern-session-");
    assert_eq!(again.follow(again.open(&to).await).await.heading(), "Sign in");
}

#[tokio::test]
async fn who_is_refused_there_is_told_to_the_app() {
    let play = Play::new().await;
    let browser = play.scene.browser();
    let state = play.sent(&browser).await.parameter("state");
    let answer =
        format!("/oauth2/idpresponse?error=access_denied&error_description=No%20%22thanks%22&state={state}");
    told(&browser.open(&answer).await, "access_denied", "No thanks");
    let state = play.sent(&browser).await.parameter("state");
    told(
        &browser.open(&format!("/oauth2/idpresponse?error=server_error&state={state}")).await,
        "invalid_request",
        "server_error",
    );
    // An answer of another provider (RFC 9207).
    let state = play.sent(&browser).await.parameter("state");
    told(
        &browser
            .open(&format!("/oauth2/idpresponse?code=c&iss=https%3A%2F%2Fevil.example&state={state}"))
            .await,
        "invalid_request",
        "The answer is another provider's",
    );
    assert!(play.corp.asked("/token").is_none());
    // Whose account is disabled here comes in by no provider.
    play.claims_of(&play.comes(&browser, "a-1", |_| {}).await).await;
    play.scene.admin("AdminDisableUser", json!({ "Username": "Corp_a-1" })).await;
    told(&play.comes(&play.scene.browser(), "a-1", |_| {}).await, "invalid_request", "User is disabled.");
}

#[tokio::test]
async fn no_address_links_anybody_and_a_link_keeps_its_owners_addresses() {
    let play = Play::new().await;
    // Somebody there has Bob's address, and says so.
    play.corp.tells(json!({ "sub": "m-1", "email": BOB, "email_verified": true, "given_name": "Mallory" }));
    let mallory = play.claims_of(&play.comes(&play.scene.browser(), "m-1", |_| {}).await).await;
    let bob = user(&play.scene, BOB).await;
    assert_ne!(mallory["sub"].as_str(), attribute(&bob, "sub").as_deref());
    // Bob still signs in by his address, and Mallory does not by hers.
    let home = play.scene.signed_in(&play.scene.browser(), BOB).await;
    assert_eq!(Some(play.claims_of(&home).await["sub"].clone()), attribute(&bob, "sub").map(Value::from));

    let link = json!({
        "DestinationUser": { "ProviderName": "Cognito", "ProviderAttributeValue": BOB },
        "SourceUser": {
            "ProviderName": "Corp", "ProviderAttributeName": "Cognito_Subject", "ProviderAttributeValue": "b-1",
        },
    });
    play.scene.admin("AdminLinkProviderForUser", link).await;
    play.corp.tells(json!({ "sub": "b-1", "email": "mallory@corp.example", "given_name": "Robert" }));
    let claims = play.claims_of(&play.comes(&play.scene.browser(), "b-1", |_| {}).await).await;
    assert_eq!(Some(claims["sub"].clone()), attribute(&bob, "sub").map(Value::from));
    assert_eq!(claims["email"], BOB, "a provider's word does not move the address that he signs in by");
    assert_eq!(attribute(&user(&play.scene, BOB).await, "given_name").as_deref(), Some("Robert"));
    let unlink = json!({ "User": {
        "ProviderName": "Corp", "ProviderAttributeName": "Cognito_Subject", "ProviderAttributeValue": "b-1",
    } });
    play.scene.admin("AdminDisableProviderForUser", unlink).await;
    let claims = play.claims_of(&play.comes(&play.scene.browser(), "b-1", |_| {}).await).await;
    assert_eq!(claims["cognito:username"], "Corp_b-1");
}

#[tokio::test]
async fn what_a_provider_calls_somebody_is_nobodys_address() {
    let play = Play::new().await;
    let shown = "Corp_ana@example.com";
    let mailbox = "corp_ana@example.com";
    let ana = play.claims_of(&play.comes(&play.scene.browser(), "ana@example.com", |_| {}).await).await;
    assert_eq!(ana["cognito:username"], shown);
    // Somebody has a mailbox that looks like it, and signs in by it, however they write it.
    let made = json!({
        "Username": mailbox, "MessageAction": "SUPPRESS",
        "UserAttributes": [{ "Name": "email", "Value": mailbox }, { "Name": "email_verified", "Value": "true" }],
    });
    play.scene.admin("AdminCreateUser", made).await;
    let other = play.scene.signed_in(&play.scene.browser(), mailbox).await;
    let other = play.claims_of(&other).await;
    assert_ne!(other["sub"], ana["sub"]);
    assert_eq!(other["email"], mailbox);
    // Both are found by what the API shows them as.
    let sub = |user: Value| attribute(&user, "sub").map(Value::from);
    assert_eq!(sub(user(&play.scene, shown).await), Some(ana["sub"].clone()));
    assert_eq!(sub(user(&play.scene, mailbox).await), Some(other["sub"].clone()));
    // And the other way round: who comes after the mailbox's owner still comes in.
    let ana = play.claims_of(&play.comes(&play.scene.browser(), "ana@example.com", |_| {}).await).await;
    assert_eq!(ana["cognito:username"], shown);
}

#[tokio::test]
async fn a_level_that_a_provider_has_signed_counts_as_it_is_mapped() {
    let play = Play::new().await;
    let mapped = |mapping: Value| json!({ "ProviderName": "Corp", "AcrMapping": mapping });
    let twice = json!({ "UserPoolId": play.scene.demo.pool_id, "ProviderName": "Corp",
        "AcrMapping": { "Level1": "gold", "Level2": "gold" } });
    play.scene.server.signed("UpdateIdentityProvider", twice).await.refused("InvalidParameterException");
    play.scene.admin("UpdateIdentityProvider", mapped(json!({ "Level2": "silver", "Level4": "gold" }))).await;
    let said = play.scene.discovery().await;
    let names = ["urn:cognito:loa:1", "urn:cognito:loa:2", "urn:cognito:loa:4"];
    assert_eq!(said["acr_values_supported"], json!(names));

    // What an app asks for is asked of the provider in its own words; what it answers shows in the tokens, and stays.
    let best = "urn:cognito:loa:4 urn:cognito:loa:3 urn:cognito:loa:2";
    let comes = |browser: Browser, more: Vec<(&'static str, &'static str)>, acr: Option<&'static str>| {
        let play = &play;
        async move {
            let asked = [&more[..], &[("identity_provider", "Corp"), ("acr_values", best)]].concat();
            let out = browser.open(&play.scene.authorize(&asked)).await;
            assert_eq!(out.parameter("acr_values"), "gold silver");
            let mut claims = play.claims("a-1", &out.parameter("nonce"));
            claims["acr"] = acr.into();
            play.corp.says(claims);
            browser.open(&format!("/oauth2/idpresponse?code=c-1&state={}", out.parameter("state"))).await
        }
    };
    let browser = play.scene.browser();
    let home = comes(browser.clone(), vec![], Some("gold")).await;
    let level = |tokens: &Value| crate::story::claims(text(tokens, "access_token"))["acr"].clone();
    let (_, tokens) = play.scene.redeem(&home.parameter("code")).await;
    assert_eq!(level(&tokens), "urn:cognito:loa:4");
    let (_, refreshed) = play.scene.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!(level(&refreshed), "urn:cognito:loa:4");
    let silently = |level| vec![("prompt", "none"), ("acr_values", level)];
    let home = browser.open(&play.scene.authorize(&silently("urn:cognito:loa:4"))).await;
    assert!(home.answer().first("code").is_some(), "{home:?}");

    // Words that mean nothing here are the lowest level, and unsigned ones are none.
    play.corp.tells(json!({ "sub": "a-1", "acr": "gold" }));
    for (acr, reached) in [(Some("tin"), json!("urn:cognito:loa:1")), (None, Value::Null)] {
        let low = play.scene.browser();
        let home = comes(low.clone(), vec![], acr).await;
        let (_, tokens) = play.scene.redeem(&home.parameter("code")).await;
        assert_eq!(level(&tokens), reached, "{acr:?}");
        // It is not enough for what needs more, once the browser has had the time to come home with it.
        play.scene.server.clock.advance(31_000);
        let no = low.open(&play.scene.authorize(&silently("urn:cognito:loa:2"))).await;
        assert_eq!(no.parameter("error"), "login_required");
    }
    // An app that has its answer posted has it at once, however far somebody came.
    let low = play.scene.browser();
    let away = comes(low.clone(), vec![("response_mode", "form_post")], Some("tin")).await;
    let posting = low.open(&away.leads_to().expect("the way home")).await;
    posting.says("name=\"code\"");
}

#[tokio::test]
async fn who_comes_from_a_provider_has_no_other_way_in() {
    let play = Play::new().await;
    play.corp.tells(json!({ "sub": "a-1", "email": "a@corp.example" }));
    play.claims_of(&play.comes(&play.scene.browser(), "a-1", |_| {}).await).await;
    let name = "Corp_a-1";
    let begin = |flow: &str| {
        json!({
            "ClientId": play.scene.demo.client_id, "AuthFlow": flow,
            "AuthParameters": { "USERNAME": name, "PREFERRED_CHALLENGE": "EMAIL_OTP", "PASSWORD": "x" },
        })
    };
    play.scene.server.api("InitiateAuth", begin("USER_AUTH")).await;
    let forgot = json!({ "ClientId": play.scene.demo.client_id, "Username": name });
    play.scene.server.api("ForgotPassword", forgot).await;
    assert!(play.scene.server.mails_to("a@corp.example").await.is_empty());
    // The same issuer's name under another issuer is nobody we know.
    let other = OpenIdProvider::start().await;
    let details = json!({
        "ProviderName": "Corp",
        "ProviderDetails": {
            "client_id": "postern", "authorize_scopes": "openid", "oidc_issuer": other.url,
            "attributes_request_method": "GET",
        },
    });
    play.scene.admin("UpdateIdentityProvider", details).await;
    let moved = Play { corp: other, scene: play.scene };
    told(
        &moved.comes(&moved.scene.browser(), "a-1", |_| {}).await,
        "invalid_request",
        "Already found an entry for username Corp_a-1",
    );
}

#[tokio::test]
async fn an_app_of_a_provider_alone_sends_people_there_at_once() {
    let play = Play::new().await;
    takes(&play.scene, &["Corp"]).await;
    let browser = play.scene.browser();
    let out = browser.open(&play.scene.authorize(&[])).await;
    assert!(out.to().starts_with(&play.corp.url), "{out:?}");
    let quiet = browser.open(&play.scene.authorize(&[("prompt", "none")])).await;
    assert_eq!(quiet.parameter("error"), "login_required");
    for (name, value) in [
        ("identity_provider", "COGNITO"),
        ("identity_provider", "Google"),
        ("idp_identifier", "other.example"),
    ] {
        let refused = browser.open(&play.scene.authorize(&[(name, value)])).await;
        assert_eq!(refused.parameter("error"), "invalid_request", "{name}={value}");
    }
    // With two of them there is something to choose, and still no field for a name.
    let second = OpenIdProvider::start().await;
    let provider = json!({
        "ProviderName": "Partner", "ProviderType": "OIDC",
        "ProviderDetails": {
            "client_id": "postern", "authorize_scopes": "openid", "oidc_issuer": second.url,
            "attributes_request_method": "GET",
        },
    });
    play.scene.admin("CreateIdentityProvider", provider).await;
    takes(&play.scene, &["Corp", "Partner"]).await;
    let page = browser.visit(&play.scene.authorize(&[])).await;
    page.says("Continue with Corp").says("Continue with Partner").says_not("name=\"username\"");
    let flow = page.link("Continue with Corp");
    let (_, flow) = flow.split_once("flow=").expect("a flow");
    let flow = flow.split('&').next().expect("a flow");
    let hidden = format!("/forgotPassword?flow={flow}");
    assert_eq!(browser.visit(&hidden).await.heading(), "Sign in");
    // A provider that is nowhere is told to the app.
    let gone = json!({
        "ProviderName": "Partner",
        "ProviderDetails": {
            "client_id": "postern", "authorize_scopes": "openid", "oidc_issuer": "http://127.0.0.1:9",
            "attributes_request_method": "GET",
        },
    });
    play.scene.admin("UpdateIdentityProvider", gone).await;
    told(
        &browser.open(&page.link("Continue with Partner")).await,
        "invalid_request",
        "Connection reset in calling IdP discovery endpoint",
    );
}

#[tokio::test]
async fn functions_hear_of_who_comes_and_may_refuse_or_link_them() {
    let lambda = Lambda::start().await;
    let corp = OpenIdProvider::start().await;
    let scene = Scene::with(|settings| lambda.serve(settings)).await;
    add_corp(&scene, &corp.url, json!({})).await;
    let triggers = [
        ("PreSignUp", "welcome"),
        ("PostConfirmation", "confirmed"),
        ("PreAuthentication", "before"),
        ("PostAuthentication", "after"),
    ];
    let config = crate::functions::config(&lambda, &triggers);
    let body = json!({ "AutoVerifiedAttributes": ["email"], "LambdaConfig": config });
    scene.admin("UpdateUserPool", body).await;
    let play = Play { corp, scene };
    play.corp.tells(json!({ "sub": "a-1", "email": "a@corp.example" }));

    lambda.on("welcome", |_| Does::Throws("Staff only"));
    told(
        &play.comes(&play.scene.browser(), "a-1", |_| {}).await,
        "invalid_request",
        "PreSignUp failed with error Staff only.",
    );
    assert!(!is_there(&play.scene, "Corp_a-1").await);
    lambda.on("welcome", Does::Answers);
    lambda.forget();
    play.claims_of(&play.comes(&play.scene.browser(), "a-1", |_| {}).await).await;
    assert_eq!(lambda.sources(), ["PreSignUp_ExternalProvider", "PostConfirmation_ConfirmSignUp"]);
    let event = &lambda.events("welcome")[0];
    assert_eq!(event["userName"], "Corp_a-1");
    assert_eq!(event["request"]["userAttributes"]["email"], "a@corp.example");
    lambda.forget();
    play.claims_of(&play.comes(&play.scene.browser(), "a-1", |_| {}).await).await;
    assert_eq!(lambda.sources(), ["PreAuthentication_Authentication", "PostAuthentication_Authentication"]);
}
