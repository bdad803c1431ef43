//! Passkeys as an app meets them: registered, listed, used to sign in, removed. The authenticator is in software.

mod abuse;
mod first_proof;

use crate::story::{App, Challenge, Reply, call, challenge, mail_settles, text};
use crate::support::TestServer;
use crate::support::passkey::{Attested, Ceremony, PRESENT, Passkey, VERIFIED};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_server::settings::Settings;
use serde_json::{Value, json};

const ALICE: &str = "alice@example.com";
const BOB: &str = "bob@example.com";
const PARTY: &str = "localhost";
const NO: &str = "Incorrect username or password.";
const MINUTE_MS: i64 = 60_000;

/// A pool that takes passkeys beside codes and passwords.
async fn app<'a>(server: &'a TestServer, client: Value) -> App<'a> {
    let factors = json!({ "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"] });
    let app = App::with(server, json!({ "Policies": { "SignInPolicy": factors } }), client).await;
    asks_of_passkeys(&app, json!({ "RelyingPartyId": PARTY, "UserVerification": "preferred" })).await;
    app
}

async fn asks_of_passkeys(app: &App<'_>, settings: Value) {
    app.signed("SetUserPoolMfaConfig", json!({ "WebAuthnConfiguration": settings })).await.ok();
}

/// A fresh sign-in's access token.
async fn token(app: &App<'_>, email: &str) -> String {
    text(&app.signs_in(email).await, "/AuthenticationResult/AccessToken")
}

async fn starts(app: &App<'_>, token: &str) -> Reply {
    call(app.server, "StartWebAuthnRegistration", json!({ "AccessToken": token })).await
}

async fn completes(app: &App<'_>, token: &str, credential: &Value) -> Reply {
    let body = json!({ "AccessToken": token, "Credential": credential });
    call(app.server, "CompleteWebAuthnRegistration", body).await
}

/// The challenge of a registration.
async fn asked(app: &App<'_>, token: &str) -> String {
    text(&starts(app, token).await.ok(), "/CredentialCreationOptions/challenge")
}

/// Registers a passkey of somebody who is signed in.
async fn register(app: &App<'_>, token: &str) -> Passkey {
    let options = starts(app, token).await.ok();
    let options = &options["CredentialCreationOptions"];
    let handle = BASE64URL.decode(text(options, "/user/id")).expect("base64url");
    let passkey = Passkey { user_handle: Some(handle), ..Passkey::fresh() };
    let ceremony = Ceremony::create(&text(options, "/challenge"), PARTY);
    completes(app, token, &passkey.registers(&ceremony, Attested::No)).await.ok();
    passkey
}

/// Somebody with a passkey.
async fn with_passkey(app: &App<'_>, email: &str) -> Passkey {
    app.person(email).await;
    register(app, &token(app, email).await).await
}

async fn begins_with(app: &App<'_>, name: &str, preferred: &str) -> Reply {
    let parameters = json!({ "USERNAME": name, "PREFERRED_CHALLENGE": preferred });
    app.public("InitiateAuth", json!({ "AuthFlow": "USER_AUTH", "AuthParameters": parameters })).await
}

/// Asks for a passkey; gives the session and what the browser is asked.
async fn asks(app: &App<'_>, name: &str) -> (Challenge, Value) {
    let answer = begins_with(app, name, "WEB_AUTHN").await.ok();
    assert_eq!(answer["ChallengeName"], "WEB_AUTHN", "{answer}");
    let options = text(&answer, "/ChallengeParameters/CREDENTIAL_REQUEST_OPTIONS");
    (challenge(&answer), serde_json::from_str(&options).expect("JSON"))
}

fn ceremony(options: &Value) -> Ceremony {
    Ceremony::get(&text(options, "/challenge"), PARTY)
}

async fn answers(app: &App<'_>, name: &str, session: &Challenge, credential: &Value) -> Reply {
    app.replies(session, json!({ "USERNAME": name, "CREDENTIAL": credential.to_string() })).await
}

fn claims(token: &str) -> Value {
    let payload = BASE64URL.decode(token.split('.').nth(1).expect("a payload")).expect("base64url");
    serde_json::from_slice(&payload).expect("JSON")
}

#[tokio::test]
async fn case_58_a_passkey_that_comes_or_goes_ends_all_other_sign_ins() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    app.person(ALICE).await;
    let is_alive = async |token: &str| {
        server.clock.advance(1_000);
        call(&server, "GetUser", json!({ "AccessToken": token })).await.status == 200
    };
    let other = token(&app, ALICE).await;
    let own = token(&app, ALICE).await;
    server.clock.advance(1_000);
    let passkey = register(&app, &own).await;
    assert!(!is_alive(&other).await && is_alive(&own).await);

    let other = token(&app, ALICE).await;
    server.clock.advance(1_000);
    let gone = json!({ "AccessToken": own, "CredentialId": BASE64URL.encode(&passkey.id) });
    call(&server, "DeleteWebAuthnCredential", gone).await.ok();
    assert!(!is_alive(&other).await && is_alive(&own).await);
}

#[tokio::test]
async fn a_passkey_is_registered_and_signs_in() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    let sub = app.person(ALICE).await;
    let token = token(&app, ALICE).await;

    let options = starts(&app, &token).await.ok();
    let options = &options["CredentialCreationOptions"];
    let made = text(options, "/challenge");
    assert_eq!(BASE64URL.decode(&made).expect("base64url").len(), 32);
    assert_eq!(
        *options,
        json!({
            "rp": { "id": PARTY, "name": PARTY },
            "user": { "id": BASE64URL.encode(&sub), "name": ALICE, "displayName": ALICE },
            "challenge": made,
            "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }, { "type": "public-key", "alg": -257 }],
            "timeout": 60000,
            "excludeCredentials": [],
            "authenticatorSelection": {
                "requireResidentKey": true, "residentKey": "required", "userVerification": "preferred",
            },
        })
    );
    let passkey = Passkey { user_handle: Some(sub.clone().into_bytes()), ..Passkey::fresh() };
    let done =
        completes(&app, &token, &passkey.registers(&Ceremony::create(&made, PARTY), Attested::No)).await;
    assert_eq!(done.ok(), json!({}));
    mail_settles(&server).await;
    let told = server.mails_to(ALICE).await.remove(0);
    assert_eq!(text(&told, "/subject"), "A passkey was added to your account");

    let choice = app.begins(ALICE).await.ok();
    assert_eq!(choice["AvailableChallenges"], json!(["EMAIL_OTP", "WEB_AUTHN"]));
    let factors = json!(["EMAIL_OTP", "WEB_AUTHN"]);
    let own = call(&server, "GetUserAuthFactors", json!({ "AccessToken": token })).await.ok();
    assert_eq!(own["ConfiguredUserAuthFactors"], factors);
    let shown = app.signed("AdminGetUserAuthFactors", json!({ "Username": ALICE })).await.ok();
    assert_eq!(shown["ConfiguredUserAuthFactors"], factors);
    let (session, options) = asks(&app, ALICE).await;
    let made = text(&options, "/challenge");
    assert_eq!(
        options,
        json!({
            "challenge": made,
            "timeout": 180000,
            "rpId": PARTY,
            "allowCredentials": [],
            "userVerification": "preferred",
        })
    );
    let tokens = answers(&app, ALICE, &session, &passkey.asserts(&ceremony(&options))).await.ok();
    let access = text(&tokens, "/AuthenticationResult/AccessToken");
    let id = claims(&text(&tokens, "/AuthenticationResult/IdToken"));
    assert_eq!((&id["sub"], &id["amr"]), (&json!(sub), &json!(["hwk"])));

    let list = call(&server, "ListWebAuthnCredentials", json!({ "AccessToken": access })).await.ok();
    assert_eq!(
        list,
        json!({ "Credentials": [{
            "CredentialId": BASE64URL.encode(&passkey.id),
            "FriendlyCredentialName": "Platform passkey",
            "RelyingPartyId": PARTY,
            "AuthenticatorAttachment": "platform",
            "AuthenticatorTransports": ["internal", "hybrid"],
            "CreatedAt": list["Credentials"][0]["CreatedAt"],
        }]})
    );
    let again = starts(&app, &access).await.ok();
    assert_eq!(
        again["CredentialCreationOptions"]["excludeCredentials"],
        json!([{ "type": "public-key", "id": BASE64URL.encode(&passkey.id) }])
    );
}

#[tokio::test]
async fn a_passkey_that_was_removed_opens_nothing() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    let passkey = with_passkey(&app, ALICE).await;
    let (session, options) = asks(&app, ALICE).await;
    let access = token(&app, ALICE).await;
    let removes = |id: &str| {
        let body = json!({ "AccessToken": access, "CredentialId": id });
        call(&server, "DeleteWebAuthnCredential", body)
    };
    app.person(BOB).await;
    let bobs = token(&app, BOB).await;
    let id = BASE64URL.encode(&passkey.id);
    let body = json!({ "AccessToken": bobs, "CredentialId": id });
    call(&server, "DeleteWebAuthnCredential", body).await.refused_as("ResourceNotFoundException");
    removes("AAAA").await.refused_as("ResourceNotFoundException");
    removes("*").await.refused_as("ResourceNotFoundException");

    assert_eq!(removes(&id).await.ok(), json!({}));
    removes(&id).await.refused_as("ResourceNotFoundException");
    mail_settles(&server).await;
    let told = server.mails_to(ALICE).await.remove(0);
    assert_eq!(text(&told, "/subject"), "A passkey was removed from your account");
    let credential = passkey.asserts(&ceremony(&options));
    answers(&app, ALICE, &session, &credential).await.refused("NotAuthorizedException", NO);
    assert_eq!(app.begins(ALICE).await.ok()["AvailableChallenges"], json!(["EMAIL_OTP"]));

    // A sign-in that is no longer fresh neither adds nor removes.
    let other = register(&app, &access).await;
    server.clock.advance(6 * MINUTE_MS);
    removes(&BASE64URL.encode(&other.id)).await.refused_as("NotAuthorizedException");
    starts(&app, &access).await.refused_as("NotAuthorizedException");
}

#[tokio::test]
async fn the_setting_takes_any_sign_in_as_cognito_does() {
    let server = TestServer::with(|settings| settings.rules.fresh_sign_in_s = 0).await;
    let app = app(&server, json!({})).await;
    app.person(ALICE).await;
    let token = token(&app, ALICE).await;
    server.clock.advance(50 * MINUTE_MS);
    register(&app, &token).await;
}

#[tokio::test]
async fn passkeys_are_registered_only_where_the_pool_has_them() {
    let server = TestServer::start().await;
    let without = App::new(&server).await;
    without.person(ALICE).await;
    let alices = token(&without, ALICE).await;
    starts(&without, &alices).await.refused_as("WebAuthnNotEnabledException");

    let factors = json!({ "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"] });
    let nowhere = App::with(&server, json!({ "Policies": { "SignInPolicy": factors } }), json!({})).await;
    nowhere.person(ALICE).await;
    let alices = token(&nowhere, ALICE).await;
    starts(&nowhere, &alices).await.refused_as("WebAuthnConfigurationMissingException");
    // With a prefix domain the passkeys belong to the host of our own pages.
    let domain = format!("passkeys-{}", hex::encode(postern_store::random::bytes::<4>()));
    nowhere.signed("CreateUserPoolDomain", json!({ "Domain": domain })).await.ok();
    let options = starts(&nowhere, &alices).await.ok();
    assert_eq!(options["CredentialCreationOptions"]["rp"]["id"], PARTY);
}

#[tokio::test]
async fn where_a_prefix_is_a_name_of_its_own_passkeys_belong_to_it() {
    let elsewhere = |settings: &mut Settings| {
        settings.prefix_url = Some("https://{domain}.auth.example.com".to_owned());
    };
    let server = TestServer::with(elsewhere).await;
    let factors = json!({ "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"] });
    let app = App::with(&server, json!({ "Policies": { "SignInPolicy": factors } }), json!({})).await;
    app.person(ALICE).await;
    app.signed("CreateUserPoolDomain", json!({ "Domain": "shop" })).await.ok();
    let alices = token(&app, ALICE).await;
    let options = starts(&app, &alices).await.ok();
    let party = text(&options, "/CredentialCreationOptions/rp/id");
    assert_eq!(party, "shop.auth.example.com");
    let challenge = text(&options, "/CredentialCreationOptions/challenge");
    let ceremony = Ceremony { origin: format!("https://{party}"), ..Ceremony::create(&challenge, &party) };
    completes(&app, &alices, &Passkey::fresh().registers(&ceremony, Attested::No)).await.ok();
}

#[tokio::test]
async fn a_registration_belongs_to_one_sign_in_of_one_user_at_one_app_and_works_once() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    app.person(ALICE).await;
    app.person(BOB).await;
    let alices = token(&app, ALICE).await;
    let registers =
        |made: &str| Passkey::fresh().registers(&Ceremony::create(made, PARTY), Attested::ByItself);
    let gone = "WebAuthnChallengeNotFoundException";

    let made = asked(&app, &alices).await;
    completes(&app, &token(&app, BOB).await, &registers(&made)).await.refused_as(gone);
    completes(&app, &token(&app, ALICE).await, &registers(&made)).await.refused_as(gone);
    let other = app.second_client().await;
    let elsewhere = token(&other, ALICE).await;
    completes(&app, &elsewhere, &registers(&made)).await.refused_as("WebAuthnClientMismatchException");
    completes(&app, &alices, &registers("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"))
        .await
        .refused_as(gone);
    completes(&app, &alices, &registers(&made)).await.ok();
    completes(&app, &alices, &registers(&made)).await.refused_as(gone);

    // An answer that was wrong has used its challenge up, too.
    let alices = token(&app, ALICE).await;
    let made = asked(&app, &alices).await;
    let mut elsewhere = Ceremony::create(&made, PARTY);
    elsewhere.origin = "https://evil.example".into();
    let wrong = Passkey::fresh().registers(&elsewhere, Attested::No);
    completes(&app, &alices, &wrong).await.refused_as("WebAuthnOriginNotAllowedException");
    completes(&app, &alices, &registers(&made)).await.refused_as(gone);

    let made = asked(&app, &alices).await;
    server.clock.advance(5 * MINUTE_MS);
    completes(&app, &alices, &registers(&made)).await.refused_as(gone);
}

#[tokio::test]
async fn a_wrong_registration_has_its_own_refusal() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    app.person(ALICE).await;
    let alices = token(&app, ALICE).await;
    type Spoil = fn(&mut Ceremony, &mut Passkey);
    let spoils: [(Spoil, &str); 8] = [
        (|ceremony, _| ceremony.origin = "http://127.0.0.1:3000".into(), "WebAuthnOriginNotAllowedException"),
        (|ceremony, _| ceremony.is_framed = true, "WebAuthnOriginNotAllowedException"),
        (|ceremony, _| ceremony.party = "example.com".into(), "WebAuthnRelyingPartyMismatchException"),
        (|_, passkey| passkey.algorithm = -8, "WebAuthnCredentialNotSupportedException"),
        (|ceremony, _| ceremony.kind = "webauthn.get", "InvalidParameterException"),
        (|ceremony, _| ceremony.flags = VERIFIED, "InvalidParameterException"),
        (|ceremony, _| ceremony.behind = vec![1, 2, 3], "InvalidParameterException"),
        (|ceremony, _| ceremony.flags |= 0x10, "InvalidParameterException"),
    ];
    for (spoil, refusal) in spoils {
        let mut ceremony = Ceremony::create(&asked(&app, &alices).await, PARTY);
        let mut passkey = Passkey::fresh();
        spoil(&mut ceremony, &mut passkey);
        completes(&app, &alices, &passkey.registers(&ceremony, Attested::No)).await.refused_as(refusal);
    }
    for credential in [json!({}), json!({ "type": "public-key" }), json!({ "id": 5, "rawId": [] })] {
        completes(&app, &alices, &credential).await.refused_as("InvalidParameterException");
    }
    let list = call(&server, "ListWebAuthnCredentials", json!({ "AccessToken": alices })).await.ok();
    assert_eq!(list, json!({ "Credentials": [] }));
}

#[tokio::test]
async fn a_user_has_twenty_passkeys_at_most_and_pages_of_them() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    app.person(ALICE).await;
    let alices = token(&app, ALICE).await;
    let mut ids = Vec::new();
    for _ in 0..19 {
        ids.push(BASE64URL.encode(register(&app, &alices).await.id));
        server.clock.advance(1);
    }
    // Two that are made at once: one of them is the twenty-first.
    let (first, second) = (asked(&app, &alices).await, asked(&app, &alices).await);
    let last = Passkey::fresh();
    let credential = last.registers(&Ceremony::create(&first, PARTY), Attested::No);
    completes(&app, &alices, &credential).await.ok();
    ids.push(BASE64URL.encode(&last.id));
    let credential = Passkey::fresh().registers(&Ceremony::create(&second, PARTY), Attested::No);
    completes(&app, &alices, &credential).await.refused_as("LimitExceededException");
    starts(&app, &alices).await.refused_as("LimitExceededException");

    let mut listed = Vec::new();
    let mut next = Value::Null;
    for page in 0..3 {
        let body = json!({ "AccessToken": alices, "MaxResults": 8, "NextToken": next });
        let list = call(&server, "ListWebAuthnCredentials", body).await.ok();
        let page_of = list["Credentials"].as_array().expect("a list");
        assert_eq!(page_of.len(), if page < 2 { 8 } else { 4 });
        listed.extend(page_of.iter().map(|one| text(one, "/CredentialId")));
        next = list["NextToken"].clone();
    }
    assert_eq!((listed, next), (ids, Value::Null));
    let foreign = json!({ "AccessToken": alices, "NextToken": "AAAA" });
    call(&server, "ListWebAuthnCredentials", foreign).await.refused_as("InvalidParameterException");
}

#[tokio::test]
async fn a_choice_is_answered_with_and_without_the_credential() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    let passkey = with_passkey(&app, ALICE).await;

    let choice = challenge(&app.begins(ALICE).await.ok());
    let next = app.replies(&choice, json!({ "USERNAME": ALICE, "ANSWER": "WEB_AUTHN" })).await.ok();
    assert_eq!(next["ChallengeName"], "WEB_AUTHN");
    let options: Value =
        serde_json::from_str(&text(&next, "/ChallengeParameters/CREDENTIAL_REQUEST_OPTIONS")).expect("JSON");
    answers(&app, ALICE, &challenge(&next), &passkey.asserts(&ceremony(&options))).await.ok();

    let choice = app.begins(ALICE).await.ok();
    let options: Value =
        serde_json::from_str(&text(&choice, "/ChallengeParameters/CREDENTIAL_REQUEST_OPTIONS"))
            .expect("JSON");
    let credential = passkey.asserts(&ceremony(&options)).to_string();
    let both = json!({ "USERNAME": ALICE, "ANSWER": "WEB_AUTHN", "CREDENTIAL": credential });
    app.replies(&challenge(&choice), both.clone()).await.ok();
    app.replies(&challenge(&choice), both.clone()).await.refused_as("NotAuthorizedException");
    let another = app.begins(ALICE).await.ok();
    app.replies(&challenge(&another), both).await.refused("NotAuthorizedException", NO);
}

#[tokio::test]
async fn a_person_is_verified_where_the_pool_requires_it() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    let passkey = with_passkey(&app, ALICE).await;
    let present = |options: &Value| Ceremony { flags: PRESENT, ..ceremony(options) };

    let (session, options) = asks(&app, ALICE).await;
    answers(&app, ALICE, &session, &passkey.asserts(&present(&options))).await.ok();
    for settings in [
        json!({ "RelyingPartyId": PARTY, "UserVerification": "required" }),
        json!({ "RelyingPartyId": PARTY, "FactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION" }),
    ] {
        asks_of_passkeys(&app, settings).await;
        let (session, options) = asks(&app, ALICE).await;
        assert_eq!(options["userVerification"], "required");
        answers(&app, ALICE, &session, &passkey.asserts(&present(&options)))
            .await
            .refused("NotAuthorizedException", NO);
    }
    let (session, options) = asks(&app, ALICE).await;
    let tokens = answers(&app, ALICE, &session, &passkey.asserts(&ceremony(&options))).await.ok();
    assert_eq!(claims(&text(&tokens, "/AuthenticationResult/IdToken"))["amr"], json!(["hwk", "mfa"]));

    // Passkeys of another relying party are none of this one's.
    asks_of_passkeys(&app, json!({ "RelyingPartyId": "example.com" })).await;
    assert_eq!(app.begins(ALICE).await.ok()["AvailableChallenges"], json!(["EMAIL_OTP"]));
}

#[tokio::test]
async fn the_settings_of_passkeys_are_kept_and_judged() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let set = |settings: Value| app.signed("SetUserPoolMfaConfig", settings);
    let block = json!({ "RelyingPartyId": "login.example.com", "UserVerification": "required" });
    let answer = set(json!({ "WebAuthnConfiguration": block })).await.ok();
    assert_eq!(answer, json!({ "MfaConfiguration": "OFF", "WebAuthnConfiguration": block }));
    // The mode is set without losing what the passkeys that are there belong to.
    set(json!({ "MfaConfiguration": "OFF" })).await.ok();
    let shown = app.signed("GetUserPoolMfaConfig", json!({})).await.ok();
    assert_eq!(shown["WebAuthnConfiguration"], block);
    for id in ["com", "127.0.0.1", "https://example.com", "example.com:8443"] {
        set(json!({ "WebAuthnConfiguration": { "RelyingPartyId": id } }))
            .await
            .refused_as("InvalidParameterException");
    }
    let alone = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["WEB_AUTHN"] } });
    app.signed("UpdateUserPool", json!({ "Policies": alone })).await.refused_as("InvalidParameterException");
    let lite = json!({ "PoolName": "lite", "UserPoolTier": "LITE" });
    let made = server.signed("CreateUserPool", lite).await.ok().body;
    let factor = json!({ "FactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION" });
    let body = json!({ "UserPoolId": text(&made, "/UserPool/Id"), "WebAuthnConfiguration": factor });
    let reply: Reply = server.signed("SetUserPoolMfaConfig", body).await.into();
    reply.refused_as("FeatureUnavailableInTierException");
}
