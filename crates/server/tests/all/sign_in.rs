//! Signing in by code and by password, as an app sees it.

use crate::story::{App, another, call, challenge, claims, newest_mail, text};
use crate::support::TestServer;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const ALICE: &str = "alice@example.com";
const BOB: &str = "bob@example.com";

#[tokio::test]
async fn a_code_from_the_mail_signs_in_and_gives_three_tokens() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let sub = app.person(ALICE).await;

    let asked = app.asks(ALICE).await.ok();
    assert_eq!(asked["ChallengeName"], "EMAIL_OTP");
    assert_eq!(asked["AvailableChallenges"], json!(["EMAIL_OTP"]));
    assert_eq!(
        asked["ChallengeParameters"],
        json!({ "CODE_DELIVERY_DELIVERY_MEDIUM": "EMAIL", "CODE_DELIVERY_DESTINATION": "a***@e***" })
    );
    let code = app.code(ALICE).await;
    assert_eq!(code.len(), 8);
    let answer = app.answers(ALICE, &challenge(&asked), &code).await.ok();
    assert_eq!(answer["ChallengeParameters"], json!({}));
    let result = &answer["AuthenticationResult"];
    assert_eq!((&result["ExpiresIn"], &result["TokenType"]), (&json!(3600), &json!("Bearer")));

    let id = claims(&text(result, "/IdToken"));
    let access = claims(&text(result, "/AccessToken"));
    for (claims, token_use) in [(&id, "id"), (&access, "access")] {
        assert_eq!(claims["sub"], json!(sub));
        assert_eq!(claims["token_use"], json!(token_use));
        assert_eq!(claims["iss"], json!(format!("{}/{}", server.app.public_url, app.pool_id)));
        assert_eq!(claims["auth_time"], json!(server.clock.now().seconds()));
    }
    assert_eq!(id["aud"], json!(app.client_id));
    assert_eq!(id["email"], json!(ALICE));
    assert_eq!(id["email_verified"], json!(true));
    assert_eq!(id["amr"], json!(["otp", "email_otp"]));
    assert_eq!(access["client_id"], json!(app.client_id));
    assert_eq!(access["scope"], json!("aws.cognito.signin.user.admin"));
    assert_eq!(id["origin_jti"], access["origin_jti"]);
    assert_ne!(id["jti"], access["jti"]);

    let me = call(&server, "GetUser", json!({ "AccessToken": result["AccessToken"] })).await.ok();
    assert_eq!(me["Username"], json!(sub));
    assert_eq!(me["UserAttributes"][0], json!({ "Name": "sub", "Value": sub }));
}

#[tokio::test]
async fn a_wrong_code_leaves_the_session_usable_until_the_attempts_are_spent() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;

    let asked = app.asked(ALICE).await;
    let code = app.code(ALICE).await;
    for _ in 0..4 {
        app.answers(ALICE, &asked, &another(&code))
            .await
            .refused("CodeMismatchException", "Invalid code or auth state for the user.");
    }
    app.answers(ALICE, &asked, &code).await.ok();

    let asked = app.asked(ALICE).await;
    let code = app.code(ALICE).await;
    for _ in 0..5 {
        app.answers(ALICE, &asked, &another(&code))
            .await
            .refused("CodeMismatchException", "Invalid code or auth state for the user.");
    }
    app.answers(ALICE, &asked, &code)
        .await
        .refused("NotAuthorizedException", "Invalid session for the user, session is expired.");
}

#[tokio::test]
async fn a_code_works_once_and_only_in_time() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;

    let asked = app.asked(ALICE).await;
    let code = app.code(ALICE).await;
    server.clock.advance(179_000);
    app.answers(ALICE, &asked, &code).await.ok();
    app.answers(ALICE, &asked, &code)
        .await
        .refused("NotAuthorizedException", "Invalid session for the user, session can only be used once.");

    let asked = app.asked(ALICE).await;
    let code = app.code(ALICE).await;
    server.clock.advance(181_000);
    app.answers(ALICE, &asked, &code)
        .await
        .refused("NotAuthorizedException", "Invalid session for the user, session is expired.");
}

#[tokio::test]
async fn a_newer_challenge_leaves_the_older_one_good() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;

    let first = app.asked(ALICE).await;
    let first_code = app.code(ALICE).await;
    let second = app.asked(ALICE).await;
    let second_code = app.code(ALICE).await;
    app.answers(ALICE, &second, &first_code).await.refused_as("CodeMismatchException");
    let used = async || -> Vec<Value> {
        server.mails_to(ALICE).await.iter().map(|mail| json!([mail["code"], mail["used"]])).collect()
    };
    assert_eq!(used().await, [json!([second_code, false]), json!([first_code, false])]);
    app.answers(ALICE, &first, &first_code).await.ok();
    assert_eq!(used().await, [json!([second_code, false]), json!([first_code, true])]);
    app.answers(ALICE, &second, &second_code).await.ok();
}

#[tokio::test]
async fn the_choice_shows_what_this_person_can_really_use() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    app.person(BOB).await;
    app.password(BOB, "Correct-horse-1").await;

    let alice = app.begins(ALICE).await.ok();
    assert_eq!(alice["ChallengeName"], "SELECT_CHALLENGE");
    assert_eq!(alice["AvailableChallenges"], json!(["EMAIL_OTP"]));
    let bob = app.begins(BOB).await.ok();
    assert_eq!(bob["AvailableChallenges"], json!(["PASSWORD_SRP", "PASSWORD", "EMAIL_OTP"]));

    app.replies(&challenge(&alice), json!({ "USERNAME": ALICE, "ANSWER": "PASSWORD" }))
        .await
        .refused_as("InvalidParameterException");
    let asked =
        app.replies(&challenge(&alice), json!({ "USERNAME": ALICE, "ANSWER": "EMAIL_OTP" })).await.ok();
    assert_eq!(asked["ChallengeName"], "EMAIL_OTP");
    let code = app.code(ALICE).await;
    app.answers(ALICE, &challenge(&asked), &code).await.ok();
    app.replies(&challenge(&alice), json!({ "USERNAME": ALICE, "ANSWER": "EMAIL_OTP" }))
        .await
        .refused("NotAuthorizedException", "Invalid session for the user, session can only be used once.");
}

#[tokio::test]
async fn a_password_signs_in_by_choice_in_one_step_and_in_two() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(BOB).await;
    app.password(BOB, "Correct-horse-1").await;

    let chosen = challenge(&app.begins(BOB).await.ok());
    let given = json!({ "USERNAME": BOB, "ANSWER": "PASSWORD", "PASSWORD": "Correct-horse-1" });
    assert!(app.replies(&chosen, given).await.ok()["AuthenticationResult"].is_object());

    let chosen = challenge(&app.begins(BOB).await.ok());
    let asked = app.replies(&chosen, json!({ "USERNAME": BOB, "ANSWER": "PASSWORD" })).await.ok();
    assert_eq!(asked["ChallengeName"], "PASSWORD");
    let asked = challenge(&asked);
    app.replies(&asked, json!({ "USERNAME": BOB, "PASSWORD": "wrong" }))
        .await
        .refused("NotAuthorizedException", "Incorrect username or password.");
    app.replies(&asked, json!({ "USERNAME": BOB, "PASSWORD": "Correct-horse-1" })).await.ok();

    let parameters = json!({ "USERNAME": BOB, "PASSWORD": "Correct-horse-1" });
    app.public("InitiateAuth", json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters }))
        .await
        .ok();
}

#[tokio::test]
async fn failed_passwords_lock_for_a_while_even_the_right_one() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(BOB).await;
    app.password(BOB, "Correct-horse-1").await;
    let tries = async |password: &str| {
        let parameters = json!({ "USERNAME": BOB, "PASSWORD": password });
        app.public("InitiateAuth", json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters }))
            .await
    };
    for _ in 0..5 {
        tries("wrong").await.refused("NotAuthorizedException", "Incorrect username or password.");
    }
    tries("Correct-horse-1").await.refused("NotAuthorizedException", "Password attempts exceeded");
    server.clock.advance(1_100);
    tries("Correct-horse-1").await.ok();
}

#[tokio::test]
async fn a_temporary_password_asks_for_a_new_one() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let body = json!({
        "Username": BOB, "TemporaryPassword": "Temporary-1",
        "UserAttributes": [{ "Name": "email", "Value": BOB }],
    });
    let made = app.signed("AdminCreateUser", body).await.ok();
    assert_eq!(made["User"]["UserStatus"], "FORCE_CHANGE_PASSWORD");
    let mail = newest_mail(&server, BOB).await;
    assert!(text(&mail, "/text").contains("Temporary-1"));

    let parameters = json!({ "USERNAME": BOB, "PASSWORD": "Temporary-1" });
    let begin = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let asked = app.public("InitiateAuth", begin.clone()).await.ok();
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    assert_eq!(asked["ChallengeParameters"]["requiredAttributes"], "[]");
    let asked = challenge(&asked);
    app.replies(&asked, json!({ "USERNAME": BOB, "NEW_PASSWORD": "short" })).await.refused(
        "InvalidPasswordException",
        "Password did not conform with policy: Password not long enough",
    );
    app.replies(&asked, json!({ "USERNAME": BOB, "NEW_PASSWORD": "Brand-new-1" })).await.ok();
    app.public("InitiateAuth", begin.clone()).await.refused_as("NotAuthorizedException");

    app.signed("AdminSetUserPassword", json!({ "Username": BOB, "Password": "Temporary-1" })).await.ok();
    server.clock.advance(8 * 86_400_000);
    app.public("InitiateAuth", begin).await.refused(
        "NotAuthorizedException",
        "Temporary password has expired and must be reset by an administrator.",
    );
}

#[tokio::test]
async fn signing_up_without_a_password_ends_in_tokens_at_once() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let attributes = json!([{ "Name": "email", "Value": ALICE }]);
    let signed_up =
        app.public("SignUp", json!({ "Username": ALICE, "UserAttributes": attributes })).await.ok();
    assert_eq!(signed_up["UserConfirmed"], json!(false));
    assert_eq!(
        signed_up["CodeDeliveryDetails"],
        json!({ "Destination": "a***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email" })
    );
    let code = app.code(ALICE).await;
    assert_eq!(code.len(), 6);
    let confirm = |code: &str| json!({ "Username": ALICE, "ConfirmationCode": code });
    app.public("ConfirmSignUp", confirm(&another(&code)))
        .await
        .refused("CodeMismatchException", "Invalid verification code provided, please try again.");
    let confirmed = app.public("ConfirmSignUp", confirm(&code)).await.ok();
    assert_eq!(newest_mail(&server, ALICE).await["used"], json!(true));
    let begin = json!({
        "AuthFlow": "USER_AUTH", "Session": confirmed["Session"], "AuthParameters": { "USERNAME": ALICE },
    });
    let answer = app.public("InitiateAuth", begin.clone()).await.ok();
    assert!(answer["AuthenticationResult"]["IdToken"].is_string());
    app.public("InitiateAuth", begin).await.refused_as("NotAuthorizedException");
    let seen = app.signed("AdminGetUser", json!({ "Username": ALICE })).await.ok();
    assert_eq!(seen["UserStatus"], "CONFIRMED");
}

#[tokio::test]
async fn an_unconfirmed_person_is_confirmed_by_a_sign_in_code() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let attributes = json!([{ "Name": "email", "Value": ALICE }]);
    let body = json!({ "Username": ALICE, "Password": "Somebody-elses-1", "UserAttributes": attributes });
    app.public("SignUp", body).await.ok();
    newest_mail(&server, ALICE).await;
    let password = json!({ "USERNAME": ALICE, "PASSWORD": "Somebody-elses-1" });
    let by_password = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": password });
    app.public("InitiateAuth", by_password.clone())
        .await
        .refused("UserNotConfirmedException", "User is not confirmed.");
    app.signs_in(ALICE).await;
    let seen = app.signed("AdminGetUser", json!({ "Username": ALICE })).await.ok();
    assert_eq!(seen["UserStatus"], "CONFIRMED");
    // Whoever set that password before the mailbox was proven may have been somebody else.
    app.public("InitiateAuth", by_password).await.refused_as("NotAuthorizedException");
}

#[tokio::test]
async fn tokens_are_refreshed_revoked_and_signed_out() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let first = app.signs_in(ALICE).await["AuthenticationResult"].clone();
    server.clock.advance(60_000);
    let refresh = json!({ "RefreshToken": first["RefreshToken"] });
    let second = app.public("GetTokensFromRefreshToken", refresh.clone()).await.ok();
    let second = second["AuthenticationResult"].clone();
    let (before, after) = (claims(&text(&first, "/IdToken")), claims(&text(&second, "/IdToken")));
    assert_eq!(before["auth_time"], after["auth_time"]);
    assert_eq!(before["origin_jti"], after["origin_jti"]);
    assert_ne!(before["iat"], after["iat"]);
    assert!(second.get("RefreshToken").is_none());
    let by_flow = json!({
        "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": { "REFRESH_TOKEN": first["RefreshToken"] },
    });
    app.public("InitiateAuth", by_flow).await.ok();

    app.public("RevokeToken", json!({ "Token": first["RefreshToken"] })).await.ok();
    app.public("GetTokensFromRefreshToken", refresh)
        .await
        .refused("NotAuthorizedException", "Refresh Token has been revoked");
    let me = json!({ "AccessToken": second["AccessToken"] });
    call(&server, "GetUser", me).await.refused("NotAuthorizedException", "Access Token has been revoked");

    let third = app.signs_in(ALICE).await["AuthenticationResult"].clone();
    server.clock.advance(1);
    call(&server, "GlobalSignOut", json!({ "AccessToken": third["AccessToken"] })).await.ok();
    call(&server, "GetUser", json!({ "AccessToken": third["AccessToken"] }))
        .await
        .refused("NotAuthorizedException", "Access Token has been revoked");
    server.clock.advance(1);
    let fourth = app.signs_in(ALICE).await["AuthenticationResult"].clone();
    server.clock.advance(3_600_000);
    call(&server, "GetUser", json!({ "AccessToken": fourth["AccessToken"] }))
        .await
        .refused("NotAuthorizedException", "Access Token has expired");
}

#[tokio::test]
async fn where_tokens_are_not_revoked_one_by_one_they_still_end_with_a_sign_out_of_all() {
    let server = TestServer::start().await;
    let app = App::with(&server, json!({}), json!({ "EnableTokenRevocation": false })).await;
    app.person(ALICE).await;
    let who = async |token: &Value| call(&server, "GetUser", json!({ "AccessToken": token })).await;
    let parameters = json!({ "USERNAME": ALICE, "PASSWORD": "Correct-horse-1" });
    let begin = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let mut token = Value::Null;
    // Whatever part of a second has passed when the password is set, a sign-in behind it counts.
    for _ in 0..3 {
        server.clock.advance(333);
        app.password(ALICE, "Correct-horse-1").await;
        token = app.public("InitiateAuth", begin.clone()).await.ok()["AuthenticationResult"]["AccessToken"]
            .clone();
        who(&token).await.ok();
    }
    server.clock.advance(1_000);
    app.signed("AdminUserGlobalSignOut", json!({ "Username": ALICE })).await.ok();
    who(&token).await.refused("NotAuthorizedException", "Access Token has been revoked");
    app.public("RevokeToken", json!({ "Token": "x" })).await.refused_as("UnsupportedOperationException");

    // So does the first sign-in by code of somebody who had signed up.
    app.public("SignUp", json!({ "Username": BOB, "Password": "Correct-horse-1" })).await.ok();
    server.clock.advance(333);
    let tokens = app.signs_in(BOB).await;
    who(&tokens["AuthenticationResult"]["AccessToken"]).await.ok();
}

#[tokio::test]
async fn a_refresh_token_ends_with_its_time() {
    let server = TestServer::start().await;
    let hour = json!({ "RefreshTokenValidity": 60, "TokenValidityUnits": { "RefreshToken": "minutes" } });
    let app = App::with(&server, json!({}), hour).await;
    app.person(ALICE).await;
    let refresh = app.signs_in(ALICE).await["AuthenticationResult"]["RefreshToken"].clone();
    server.clock.advance(3_600_000);
    app.public("GetTokensFromRefreshToken", json!({ "RefreshToken": refresh }))
        .await
        .refused("NotAuthorizedException", "Refresh Token has expired");
}

#[tokio::test]
async fn a_rotated_refresh_token_that_comes_back_ends_the_sign_in() {
    let server = TestServer::start().await;
    let rotation = json!({
        "ExplicitAuthFlows": ["ALLOW_USER_AUTH"],
        "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": 10 },
    });
    let app = App::with(&server, json!({}), rotation).await;
    app.person(ALICE).await;
    let first = app.signs_in(ALICE).await["AuthenticationResult"]["RefreshToken"].clone();
    let refresh =
        async |token: &Value| app.public("GetTokensFromRefreshToken", json!({ "RefreshToken": token })).await;
    let second = refresh(&first).await.ok()["AuthenticationResult"]["RefreshToken"].clone();
    assert_ne!(first, second);
    server.clock.advance(9_000);
    refresh(&first).await.ok();
    server.clock.advance(30_000);
    refresh(&first).await.refused_as("RefreshTokenReuseException");
    refresh(&second).await.refused_as("NotAuthorizedException");
}

#[tokio::test]
async fn case_65_a_refresh_token_that_was_rotated_away_long_ago_is_known_again() {
    let server = TestServer::start().await;
    let rotation = json!({
        "ExplicitAuthFlows": ["ALLOW_USER_AUTH"],
        "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": 0 },
    });
    let app = App::with(&server, json!({}), rotation).await;
    app.person(ALICE).await;
    let first = text(&app.signs_in(ALICE).await, "/AuthenticationResult/RefreshToken");
    let refresh =
        async |token: &str| app.public("GetTokensFromRefreshToken", json!({ "RefreshToken": token })).await;
    let mut newest = first.clone();
    for _ in 0..40 {
        server.clock.advance(1_000);
        newest = text(&refresh(&newest).await.ok(), "/AuthenticationResult/RefreshToken");
    }
    // One of the same sign-in that was never ours says nothing about it.
    let mut forged = URL_SAFE_NO_PAD.decode(&first).expect("base64");
    forged[47] ^= 1;
    refresh(&URL_SAFE_NO_PAD.encode(&forged))
        .await
        .refused("NotAuthorizedException", "Invalid Refresh Token");
    newest = text(&refresh(&newest).await.ok(), "/AuthenticationResult/RefreshToken");
    // The first of all ends the sign-in, for whoever has it now.
    refresh(&first).await.refused_as("RefreshTokenReuseException");
    refresh(&newest).await.refused("NotAuthorizedException", "Refresh Token has been revoked");
}

#[tokio::test]
async fn flows_secrets_and_clients_are_checked_first() {
    let server = TestServer::start().await;
    let app = App::with(&server, json!({}), json!({ "GenerateSecret": true })).await;
    app.person(ALICE).await;
    let no_hash =
        format!("Client {} is configured with secret but SECRET_HASH was not received", app.client_id);
    app.asks(ALICE).await.refused("NotAuthorizedException", &no_hash);
    let parameters = json!({ "USERNAME": ALICE, "SECRET_HASH": "d3Jvbmc=" });
    let wrong = format!("Unable to verify secret hash for client {}", app.client_id);
    app.public("InitiateAuth", json!({ "AuthFlow": "USER_AUTH", "AuthParameters": parameters }))
        .await
        .refused("NotAuthorizedException", &wrong);

    let closed =
        App::with(&server, json!({}), json!({ "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"] })).await;
    closed
        .asks(ALICE)
        .await
        .refused("InvalidParameterException", "USER_AUTH flow not enabled for this client");
    let body = json!({ "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "AuthParameters": { "USERNAME": ALICE } });
    closed
        .public("InitiateAuth", body)
        .await
        .refused("InvalidParameterException", "Initiate Auth method not supported.");
    call(&server, "InitiateAuth", json!({ "AuthFlow": "USER_AUTH", "ClientId": "nobodysclient", "AuthParameters": { "USERNAME": "x" } }))
        .await
        .refused("ResourceNotFoundException", "User pool client nobodysclient does not exist.");
}

#[tokio::test]
async fn who_asked_for_existence_to_be_told_is_told() {
    let server = TestServer::start().await;
    let app = App::with(&server, json!({}), json!({ "PreventUserExistenceErrors": "LEGACY" })).await;
    app.person(ALICE).await;
    app.asks(BOB).await.refused("UserNotFoundException", "User does not exist.");
    app.signed("AdminDisableUser", json!({ "Username": ALICE })).await.ok();
    app.asks(ALICE).await.refused("NotAuthorizedException", "User is disabled.");
}

#[tokio::test]
async fn administrators_begin_and_answer_too() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    let parameters = json!({ "USERNAME": ALICE, "PREFERRED_CHALLENGE": "EMAIL_OTP" });
    let body = json!({ "ClientId": app.client_id, "AuthFlow": "USER_AUTH", "AuthParameters": parameters });
    let asked = challenge(&app.signed("AdminInitiateAuth", body).await.ok());
    let code = app.code(ALICE).await;
    let responses = json!({ "USERNAME": ALICE, "EMAIL_OTP_CODE": code });
    let body = json!({
        "ClientId": app.client_id, "ChallengeName": "EMAIL_OTP", "Session": asked.session,
        "ChallengeResponses": responses,
    });
    let answer = app.signed("AdminRespondToAuthChallenge", body).await.ok();
    assert!(answer["AuthenticationResult"]["AccessToken"].is_string());
}
