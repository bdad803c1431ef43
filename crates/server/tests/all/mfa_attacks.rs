//! The attack cases of the security specification that concern second factors, by their numbers there.

use crate::mfa::{ALICE, BOB, PASSWORD, access_token, answers, begins, pool, pool_with_mail, sets_up};
use crate::story::{App, Challenge, challenge, own_sender, text};
use crate::support::authenticator::Authenticator;
use crate::support::{Client, TestServer};
use serde_json::json;
use tokio::task::JoinSet;

/// Alice signs in by her password alone; gives her refresh token.
async fn begun_before(app: &App<'_>) -> String {
    let before = text(&begins(app, ALICE).await.ok(), "/AuthenticationResult/RefreshToken");
    app.server.clock.advance(5_000);
    before
}

async fn has_ended(app: &App<'_>, refresh: &str) {
    let refresh = json!({ "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": { "REFRESH_TOKEN": refresh } });
    app.public("InitiateAuth", refresh)
        .await
        .refused("NotAuthorizedException", "Refresh Token has been revoked");
}

#[tokio::test]
async fn case_58_a_factor_ends_what_was_begun_before_also_where_tokens_name_no_sign_in() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    let unnamed = json!({
        "ClientId": app.client_id, "EnableTokenRevocation": false,
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    });
    app.signed("UpdateUserPoolClient", unnamed).await.ok();
    let before = begun_before(&app).await;
    let token = access_token(&app, ALICE).await;
    sets_up(&app, &token).await;
    has_ended(&app, &before).await;
    // By which it was set up goes on.
    server.api("GetUser", json!({ "AccessToken": token })).await.ok();
}

#[tokio::test]
async fn case_58_a_factor_that_is_set_up_on_the_way_in_ends_what_was_begun_before() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    let before = begun_before(&app).await;
    let set = json!({ "MfaConfiguration": "ON", "SoftwareTokenMfaConfiguration": { "Enabled": true } });
    app.signed("SetUserPoolMfaConfig", set).await.ok();
    let asked = challenge(&begins(&app, ALICE).await.ok());
    let made = server.api("AssociateSoftwareToken", json!({ "Session": asked.session })).await.ok().body;
    let authenticator = Authenticator::new(&text(&made, "/SecretCode"));
    let verify = json!({ "Session": text(&made, "/Session"), "UserCode": authenticator.code(&server) });
    let verified = server.api("VerifySoftwareToken", verify).await.ok().body;
    let asked = Challenge { session: text(&verified, "/Session"), ..asked };
    let tokens = app.replies(&asked, json!({ "USERNAME": ALICE })).await.ok();
    has_ended(&app, &before).await;
    let access = text(&tokens, "/AuthenticationResult/AccessToken");
    server.api("GetUser", json!({ "AccessToken": access })).await.ok();
}

/// F2: a mailbox is one factor, however often it is asked.
#[tokio::test]
async fn case_53_what_proves_the_mailbox_proves_it_once() {
    let server = TestServer::start().await;
    let app = pool_with_mail(&server, "OPTIONAL", &["PASSWORD", "EMAIL_OTP"]).await;
    // Her mailbox was proven before, so that nothing else follows from proving it.
    let proven = json!([{ "Name": "email", "Value": ALICE }, { "Name": "email_verified", "Value": "true" }]);
    app.signed("AdminUpdateUserAttributes", json!({ "Username": "alice", "UserAttributes": proven }))
        .await
        .ok();
    let early = app.asked("alice").await;
    let code = app.code(ALICE).await;
    let on = json!({ "Username": "alice", "EmailMfaSettings": { "Enabled": true } });
    app.signed("AdminSetUserMFAPreference", on).await.ok();
    let words = "User has no MFA method that can be used.";
    app.answers("alice", &early, &code).await.refused("InvalidParameterException", words);

    // The code of a sign-up proves the mailbox, too: what is left to set up is something else.
    let factors = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } });
    let email = own_sender(&server, "other@example.com").await;
    let settings = json!({ "Policies": factors, "EmailConfiguration": email });
    let app = App::with(&server, settings, json!({})).await;
    let set = json!({
        "MfaConfiguration": "ON",
        "SoftwareTokenMfaConfiguration": { "Enabled": true },
        "EmailMfaConfiguration": {},
    });
    app.signed("SetUserPoolMfaConfig", set).await.ok();
    let account = json!({
        "Username": BOB,
        "Password": PASSWORD,
        "UserAttributes": [{ "Name": "email", "Value": BOB }],
    });
    app.public("SignUp", account).await.ok();
    let code = app.code(BOB).await;
    let confirm = json!({ "Username": BOB, "ConfirmationCode": code });
    let session = text(&app.public("ConfirmSignUp", confirm).await.ok(), "/Session");
    let begin = json!({ "AuthFlow": "USER_AUTH", "AuthParameters": { "USERNAME": BOB }, "Session": session });
    let asked = app.public("InitiateAuth", begin).await.ok();
    assert_eq!(asked["ChallengeName"], "MFA_SETUP");
    assert_eq!(asked["ChallengeParameters"]["MFAS_CAN_SETUP"], "[\"SOFTWARE_TOKEN_MFA\"]");
    // After the password the mailbox is another factor.
    assert_eq!(begins(&app, BOB).await.ok()["ChallengeName"], "EMAIL_OTP");
}

/// F2 and F7: who reads the mailbox and nothing else does not get in by having a password reset first.
#[tokio::test]
async fn case_53_a_mailbox_that_is_the_second_factor_brings_no_password_back() {
    for (mode, chosen) in [("OPTIONAL", true), ("ON", false)] {
        let server = TestServer::start().await;
        let app = pool_with_mail(&server, mode, &["PASSWORD"]).await;
        let proven =
            json!([{ "Name": "email", "Value": ALICE }, { "Name": "email_verified", "Value": "true" }]);
        app.signed("AdminUpdateUserAttributes", json!({ "Username": "alice", "UserAttributes": proven }))
            .await
            .ok();
        if chosen {
            let on = json!({ "Username": "alice", "EmailMfaSettings": { "Enabled": true } });
            app.signed("AdminSetUserMFAPreference", on).await.ok();
        }
        assert_eq!(begins(&app, "alice").await.ok()["ChallengeName"], "EMAIL_OTP", "{mode}");
        let before = server.mails_to(ALICE).await.len();
        // It looks as it does for anybody, and nothing is sent that could be answered.
        app.public("ForgotPassword", json!({ "Username": "alice" })).await.ok();
        assert_eq!(server.mails_to(ALICE).await.len(), before, "{mode}");
        app.signed("AdminResetUserPassword", json!({ "Username": "alice" }))
            .await
            .refused_as("InvalidParameterException");
    }
}

/// F3: what stands between the factors opens nothing.
#[tokio::test]
async fn case_54_a_half_done_sign_in_opens_nothing() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    let authenticator = sets_up(&app, &access_token(&app, ALICE).await).await;
    let asked = challenge(&begins(&app, ALICE).await.ok());
    let half = asked.session.clone();
    for operation in [
        "GetUser",
        "GlobalSignOut",
        "DeleteUser",
        "AssociateSoftwareToken",
        "SetUserMFAPreference",
        "GetUserAuthFactors",
    ] {
        server.api(operation, json!({ "AccessToken": half })).await.refused("NotAuthorizedException");
    }
    server.api("AssociateSoftwareToken", json!({ "Session": half })).await.refused("NotAuthorizedException");
    let verify = json!({ "Session": half, "UserCode": "000000" });
    server.api("VerifySoftwareToken", verify).await.refused("NotAuthorizedException");
    let refresh = json!({ "ClientId": app.client_id, "RefreshToken": half });
    server.api("GetTokensFromRefreshToken", refresh).await.refused("NotAuthorizedException");
    // Nor is it good for any other question, at another client, or as the session of a sign-up.
    for (name, responses) in [
        ("MFA_SETUP", json!({ "USERNAME": ALICE })),
        ("SELECT_MFA_TYPE", json!({ "USERNAME": ALICE, "ANSWER": "SOFTWARE_TOKEN_MFA" })),
        ("SELECT_CHALLENGE", json!({ "USERNAME": ALICE, "ANSWER": "PASSWORD" })),
        ("PASSWORD", json!({ "USERNAME": ALICE, "PASSWORD": PASSWORD })),
        ("EMAIL_OTP", json!({ "USERNAME": ALICE, "EMAIL_OTP_CODE": "00000000" })),
        ("NEW_PASSWORD_REQUIRED", json!({ "USERNAME": ALICE, "NEW_PASSWORD": "Another-Horse-2" })),
    ] {
        let other = Challenge { name: name.to_owned(), session: half.clone() };
        app.replies(&other, responses).await.refused_as("NotAuthorizedException");
    }
    let begin = json!({
        "AuthFlow": "USER_AUTH",
        "AuthParameters": { "USERNAME": ALICE },
        "Session": half,
    });
    app.public("InitiateAuth", begin).await.refused_as("NotAuthorizedException");
    let other = app.second_client().await;
    let code = authenticator.next_code(&server);
    answers(&other, ALICE, &asked, &code).await.refused_as("NotAuthorizedException");
    answers(&app, ALICE, &asked, &code).await.ok();
}

/// F1: no way in asks for less than the policy does.
#[tokio::test]
async fn case_55_asking_for_a_weaker_way_does_not_give_one() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let set = json!({ "MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": { "Enabled": true } });
    app.signed("SetUserPoolMfaConfig", set).await.ok();
    app.person(ALICE).await;
    app.password(ALICE, PASSWORD).await;
    // An e-mailed code that was asked for before the second factor was there.
    let early = app.asked(ALICE).await;
    let code = app.code(ALICE).await;
    sets_up(&app, &access_token(&app, ALICE).await).await;

    let mails = server.mails_to(ALICE).await.len();
    let asked = app.asks(ALICE).await.ok();
    assert_eq!(asked["ChallengeName"], "SELECT_CHALLENGE");
    assert_eq!(asked["AvailableChallenges"], json!(["PASSWORD_SRP", "PASSWORD"]));
    let choice = challenge(&asked);
    app.replies(&choice, json!({ "USERNAME": ALICE, "ANSWER": "EMAIL_OTP" }))
        .await
        .refused_as("InvalidParameterException");
    let other = app.second_client().await;
    assert_eq!(other.asks(ALICE).await.ok()["ChallengeName"], "SELECT_CHALLENGE");
    let shortcut = json!({ "USERNAME": ALICE, "ANSWER": "PASSWORD", "PASSWORD": PASSWORD });
    let asked = app.replies(&choice, shortcut).await.ok();
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    // The early code is the first factor, no more.
    let asked = app.answers(ALICE, &early, &code).await.ok();
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    assert_eq!(server.mails_to(ALICE).await.len(), mails);
}

/// F6: whatever happens at once, a user who chose a second factor is never let in without one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_60_factors_changed_at_once_leave_a_whole_state() {
    let server = TestServer::start().await;
    let app = pool(&server, "ON").await;
    let asked = challenge(&begins(&app, ALICE).await.ok());
    let made = server.api("AssociateSoftwareToken", json!({ "Session": asked.session })).await.ok().body;
    let authenticator = Authenticator::new(&text(&made, "/SecretCode"));
    let verify = json!({ "Session": text(&made, "/Session"), "UserCode": authenticator.code(&server) });
    let verified = server.api("VerifySoftwareToken", verify).await.ok().body;
    let asked = Challenge { session: text(&verified, "/Session"), ..asked };
    let tokens = app.replies(&asked, json!({ "USERNAME": ALICE })).await.ok();
    let token = text(&tokens, "/AuthenticationResult/AccessToken");

    let mut running = JoinSet::new();
    for number in 0..20 {
        let client = Client::new(&server.url, server.clock.clone());
        let (operation, body) = match number % 4 {
            0 => ("AssociateSoftwareToken", json!({ "AccessToken": token })),
            1 => {
                let settings = json!({ "Enabled": number % 8 == 1 });
                (
                    "SetUserMFAPreference",
                    json!({ "AccessToken": token, "SoftwareTokenMfaSettings": settings }),
                )
            }
            2 => ("VerifySoftwareToken", json!({ "AccessToken": token, "UserCode": "000000" })),
            _ => {
                let parameters = json!({ "USERNAME": ALICE, "PASSWORD": PASSWORD });
                let flow = json!({
                    "ClientId": app.client_id,
                    "AuthFlow": "USER_PASSWORD_AUTH",
                    "AuthParameters": parameters,
                });
                ("InitiateAuth", flow)
            }
        };
        running.spawn(async move { (operation, client.json(operation, &body, None).await) });
    }
    while let Some(ended) = running.join_next().await {
        let (operation, answer) = ended.expect("the request ends");
        assert!(answer.status < 500, "{operation}: {}", answer.text);
        if operation == "InitiateAuth" {
            let name = answer.ok().body["ChallengeName"].clone();
            assert!(name == "SOFTWARE_TOKEN_MFA" || name == "MFA_SETUP", "{name}");
        }
    }
    // The authenticator whose code was given is still the one; whatever was begun beside it counts for nothing.
    let on = json!({ "Username": ALICE, "SoftwareTokenMfaSettings": { "Enabled": true } });
    app.signed("AdminSetUserMFAPreference", on).await.ok();
    let asked = challenge(&begins(&app, ALICE).await.ok());
    answers(&app, ALICE, &asked, &authenticator.next_code(&server)).await.ok();
}
