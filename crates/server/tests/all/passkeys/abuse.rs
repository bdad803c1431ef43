//! Every way to cheat with passkeys, and what it gets (attack cases 30 and 56).

use super::*;
use crate::support::Client;
use tokio::task::JoinSet;

#[tokio::test]
async fn case_56_no_abuse_of_a_ceremony_signs_in() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    let passkey = with_passkey(&app, ALICE).await;
    let bobs = with_passkey(&app, BOB).await;

    // Replayed: in the same session, and as the answer to another.
    let (session, options) = asks(&app, ALICE).await;
    let used = passkey.asserts(&ceremony(&options));
    answers(&app, ALICE, &session, &used).await.ok();
    answers(&app, ALICE, &session, &used)
        .await
        .refused("NotAuthorizedException", "Invalid session for the user, session can only be used once.");
    let (session, _) = asks(&app, ALICE).await;
    answers(&app, ALICE, &session, &used).await.refused("NotAuthorizedException", NO);

    type Spoil = fn(&mut Ceremony);
    let spoils: [Spoil; 8] = [
        |ceremony| ceremony.origin = "https://evil.example".into(),
        |ceremony| ceremony.origin = "http://localhost.evil.example".into(),
        |ceremony| ceremony.party = "app.localhost".into(),
        |ceremony| ceremony.party = "example.com".into(),
        |ceremony| ceremony.kind = "webauthn.create",
        |ceremony| ceremony.flags = VERIFIED,
        |ceremony| ceremony.is_framed = true,
        |ceremony| ceremony.challenge = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".into(),
    ];
    for spoil in spoils {
        let (session, options) = asks(&app, ALICE).await;
        let mut spoiled = ceremony(&options);
        spoil(&mut spoiled);
        answers(&app, ALICE, &session, &passkey.asserts(&spoiled))
            .await
            .refused("NotAuthorizedException", NO);
        // One answer a session: the right one comes too late.
        answers(&app, ALICE, &session, &passkey.asserts(&ceremony(&options)))
            .await
            .refused_as("NotAuthorizedException");
    }

    // Somebody else's passkey, also when it says that it is hers, and one that nobody registered.
    let pretending = Passkey { user_handle: passkey.user_handle.clone(), ..bobs };
    let unknown = Passkey { user_handle: passkey.user_handle.clone(), ..Passkey::fresh() };
    for foreign in [&pretending, &unknown] {
        let (session, options) = asks(&app, ALICE).await;
        answers(&app, ALICE, &session, &foreign.asserts(&ceremony(&options)))
            .await
            .refused("NotAuthorizedException", NO);
    }
    // A session of hers under his name.
    let (session, options) = asks(&app, ALICE).await;
    answers(&app, BOB, &session, &passkey.asserts(&ceremony(&options)))
        .await
        .refused("NotAuthorizedException", "Invalid session for the user.");
    // What is no answer at all.
    for words in ["", "{}", "null", "[]", "not JSON"] {
        let (session, _) = asks(&app, ALICE).await;
        let responses = json!({ "USERNAME": ALICE, "CREDENTIAL": words });
        app.replies(&session, responses).await.refused_as("NotAuthorizedException");
    }
    // Too late.
    let (session, options) = asks(&app, ALICE).await;
    server.clock.advance(3 * MINUTE_MS);
    answers(&app, ALICE, &session, &passkey.asserts(&ceremony(&options)))
        .await
        .refused("NotAuthorizedException", "Invalid session for the user, session is expired.");
    // Still good after all of that.
    let (session, options) = asks(&app, ALICE).await;
    answers(&app, ALICE, &session, &passkey.asserts(&ceremony(&options))).await.ok();
}

#[tokio::test]
async fn a_long_session_does_not_stretch_a_passkeys_challenge() {
    let server = TestServer::start().await;
    let app = app(&server, json!({ "AuthSessionValidity": 15 })).await;
    let passkey = with_passkey(&app, ALICE).await;
    let (session, options) = asks(&app, ALICE).await;
    let choice = app.begins(ALICE).await.ok();
    server.clock.advance(5 * MINUTE_MS);
    answers(&app, ALICE, &session, &passkey.asserts(&ceremony(&options)))
        .await
        .refused("NotAuthorizedException", "Invalid session for the user, session is expired.");
    let options: Value =
        serde_json::from_str(&text(&choice, "/ChallengeParameters/CREDENTIAL_REQUEST_OPTIONS"))
            .expect("JSON");
    let credential = passkey.asserts(&ceremony(&options)).to_string();
    app.replies(
        &challenge(&choice),
        json!({ "USERNAME": ALICE, "ANSWER": "WEB_AUTHN", "CREDENTIAL": credential }),
    )
    .await
    .refused("NotAuthorizedException", NO);
}

#[tokio::test]
async fn a_counter_that_does_not_go_forward_is_refused_and_kept_in_the_audit() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    let passkey = with_passkey(&app, ALICE).await;
    let count = |options: &Value, count| Ceremony { count, ..ceremony(options) };
    for (counter, right) in [(7, true), (7, false), (6, false), (0, false), (8, true)] {
        let (session, options) = asks(&app, ALICE).await;
        let reply = answers(&app, ALICE, &session, &passkey.asserts(&count(&options, counter))).await;
        match right {
            true => drop(reply.ok()),
            false => reply.refused("NotAuthorizedException", NO),
        }
    }
}

#[tokio::test]
async fn one_answer_signs_in_once_however_often_it_is_sent_at_once() {
    let (here, there) = TestServer::two_nodes().await;
    let app = app(&here, json!({})).await;
    let passkey = with_passkey(&app, ALICE).await;
    let (session, options) = asks(&app, ALICE).await;
    let credential = passkey.asserts(&ceremony(&options)).to_string();
    let mut running = JoinSet::new();
    for number in 0..10 {
        let server = if number % 2 == 0 { &here } else { &there };
        let client = Client::new(&server.url, server.clock.clone());
        let body = json!({
            "ClientId": app.client_id,
            "ChallengeName": session.name,
            "Session": session.session,
            "ChallengeResponses": { "USERNAME": ALICE, "CREDENTIAL": credential },
        });
        running.spawn(async move { client.json("RespondToAuthChallenge", &body, None).await.status });
    }
    let mut signed_in = 0;
    while let Some(status) = running.join_next().await {
        signed_in += usize::from(status.expect("the request ends") == 200);
    }
    assert_eq!(signed_in, 1);
}

#[tokio::test]
async fn case_30_what_a_browser_is_asked_tells_nothing_of_accounts() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    let passkey = with_passkey(&app, ALICE).await;
    let names: Vec<String> = (0..40).map(|number| format!("nobody-{number}@example.com")).collect();
    let mut with = Vec::new();
    for name in &names {
        let answer = begins_with(&app, name, "WEB_AUTHN").await.ok();
        match answer["ChallengeName"].as_str() {
            Some("WEB_AUTHN") => with.push(name),
            Some("SELECT_CHALLENGE") => {
                let offered = answer["AvailableChallenges"].as_array().expect("a list");
                assert!(offered.contains(&json!("EMAIL_OTP")) && !offered.contains(&json!("WEB_AUTHN")));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(!with.is_empty() && with.len() < names.len());
    // Steady, and alike to the end.
    let unknown = with[0];
    let shape = |options: &Value| {
        let mut shape = options.clone();
        shape["challenge"] = text(options, "/challenge").len().into();
        shape
    };
    let (known_session, known) = asks(&app, ALICE).await;
    let (session, options) = asks(&app, unknown).await;
    assert_eq!(shape(&options), shape(&known));
    assert_eq!(session.session.len(), known_session.session.len());
    let credential = passkey.asserts(&ceremony(&options));
    answers(&app, unknown, &session, &credential).await.refused("NotAuthorizedException", NO);
    let again = "Invalid session for the user, session can only be used once.";
    answers(&app, unknown, &session, &credential).await.refused("NotAuthorizedException", again);
    asks(&app, unknown).await;

    // Where the app wants to be told, it is.
    let telling = app_that_tells(&app).await;
    let (_, options) = asks(&telling, ALICE).await;
    assert_eq!(
        options["allowCredentials"],
        json!([{ "id": BASE64URL.encode(&passkey.id), "type": "public-key", "transports": ["internal", "hybrid"] }])
    );
    begins_with(&telling, unknown, "WEB_AUTHN")
        .await
        .refused("UserNotFoundException", "User does not exist.");
}

async fn app_that_tells<'a>(app: &App<'a>) -> App<'a> {
    let settings = json!({
        "ClientName": "telling",
        "ExplicitAuthFlows": ["ALLOW_USER_AUTH"],
        "PreventUserExistenceErrors": "LEGACY",
    });
    let made = app.signed("CreateUserPoolClient", settings).await.ok();
    App {
        client_id: text(&made, "/UserPoolClient/ClientId"),
        pool_id: app.pool_id.clone(),
        server: app.server,
    }
}

#[tokio::test]
async fn a_user_who_is_disabled_or_gone_has_no_use_of_a_passkey() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    let passkey = with_passkey(&app, ALICE).await;
    let (session, options) = asks(&app, ALICE).await;
    app.signed("AdminDisableUser", json!({ "Username": ALICE })).await.ok();
    answers(&app, ALICE, &session, &passkey.asserts(&ceremony(&options)))
        .await
        .refused("NotAuthorizedException", "User is disabled.");
    app.signed("AdminEnableUser", json!({ "Username": ALICE })).await.ok();
    let (session, options) = asks(&app, ALICE).await;
    app.signed("AdminDeleteUser", json!({ "Username": ALICE })).await.ok();
    answers(&app, ALICE, &session, &passkey.asserts(&ceremony(&options)))
        .await
        .refused("NotAuthorizedException", NO);
    // Whoever has the address next begins with nothing.
    app.person(ALICE).await;
    let begun = app.begins(ALICE).await.ok();
    assert_eq!(begun["AvailableChallenges"], json!(["EMAIL_OTP"]));
}

#[tokio::test]
async fn case_9_a_passkey_works_when_strangers_used_up_the_guesses() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    let passkey = with_passkey(&app, ALICE).await;
    let mut mails = server.mails_to(ALICE).await.len();
    // Strangers guess until no more codes come.
    for round in 0..20 {
        let asked = app.asked(ALICE).await;
        for _ in 0..5 {
            app.answers(ALICE, &asked, "no code").await.refused_as("CodeMismatchException");
        }
        let now = server.mails_to(ALICE).await.len();
        if now == mails {
            break;
        }
        assert!(round < 19, "codes never end");
        mails = now;
    }
    let (session, options) = asks(&app, ALICE).await;
    answers(&app, ALICE, &session, &passkey.asserts(&ceremony(&options))).await.ok();
}

#[tokio::test]
async fn a_registration_ends_when_the_pool_takes_no_passkeys_any_more() {
    let server = TestServer::start().await;
    let app = app(&server, json!({})).await;
    app.person(ALICE).await;
    let token = token(&app, ALICE).await;
    let made = asked(&app, &token).await;
    let factors = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] } });
    app.signed("UpdateUserPool", json!({ "Policies": factors })).await.ok();
    let credential = Passkey::fresh().registers(&Ceremony::create(&made, PARTY), Attested::No);
    completes(&app, &token, &credential).await.refused_as("WebAuthnNotEnabledException");
}
