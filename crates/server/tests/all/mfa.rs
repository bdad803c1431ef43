//! Second factors as a person with an authenticator meets them: set up, asked for, chosen, changed and taken away.

use crate::pages::browser::Browser;
use crate::story::{App, Challenge, Reply, another, challenge, newest_mail, own_sender, text};
use crate::support::authenticator::{Authenticator, STEP_MS};
use crate::support::{Client, TestServer};
use serde_json::{Value, json};
use tokio::task::JoinSet;

pub const ALICE: &str = "alice@example.com";
pub const BOB: &str = "bob@example.com";
pub const PASSWORD: &str = "Correct-Horse-1";

/// A pool with authenticators as a second factor, and Alice, who has a password.
pub async fn pool<'a>(server: &'a TestServer, mode: &str) -> App<'a> {
    let factors = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } });
    let app = App::with(server, json!({ "Policies": factors }), json!({})).await;
    let set = json!({ "MfaConfiguration": mode, "SoftwareTokenMfaConfiguration": { "Enabled": true } });
    app.signed("SetUserPoolMfaConfig", set).await.ok();
    for person in [ALICE, BOB] {
        app.person(person).await;
        app.password(person, PASSWORD).await;
    }
    app
}

/// The same with codes by mail beside authenticators. People have plain names, and may have no address.
pub async fn pool_with_mail<'a>(server: &'a TestServer, mode: &str, first: &[&str]) -> App<'a> {
    let settings = json!({
        "UsernameAttributes": [],
        "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": first } },
        "EmailConfiguration": own_sender(server, "no-reply@example.com").await,
    });
    let app = App::with(server, settings, json!({})).await;
    let set = json!({
        "MfaConfiguration": mode,
        "SoftwareTokenMfaConfiguration": { "Enabled": true },
        "EmailMfaConfiguration": { "Message": "Second: {####}", "Subject": "Your second step" },
    });
    app.signed("SetUserPoolMfaConfig", set).await.ok();
    for (name, email) in [("alice", Some(ALICE)), ("bob", None)] {
        let attributes: Value =
            email.map(|email| json!([{ "Name": "email", "Value": email }])).unwrap_or(json!([]));
        let person = json!({
            "Username": name,
            "MessageAction": "SUPPRESS",
            "TemporaryPassword": PASSWORD,
            "UserAttributes": attributes,
        });
        app.signed("AdminCreateUser", person).await.ok();
        app.password(name, PASSWORD).await;
    }
    app
}

/// Gives a password and says what came back.
pub async fn begins(app: &App<'_>, email: &str) -> Reply {
    app.server.clock.advance(1);
    app.public(
        "InitiateAuth",
        json!({
            "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": { "USERNAME": email, "PASSWORD": PASSWORD },
        }),
    )
    .await
}

/// Signs in where a password is enough, and gives the access token.
pub async fn access_token(app: &App<'_>, email: &str) -> String {
    text(&begins(app, email).await.ok(), "/AuthenticationResult/AccessToken")
}

/// Sets an authenticator up by an access token, and asks to be asked for it.
pub async fn sets_up(app: &App<'_>, token: &str) -> Authenticator {
    let server = app.server;
    let made = server.api("AssociateSoftwareToken", json!({ "AccessToken": token })).await.ok().body;
    assert_eq!(made.get("Session"), None);
    let authenticator = Authenticator::new(&text(&made, "/SecretCode"));
    let verify = json!({ "AccessToken": token, "UserCode": authenticator.code(server), "FriendlyDeviceName": "phone" });
    let verified = server.api("VerifySoftwareToken", verify).await.ok().body;
    assert_eq!(verified, json!({ "Status": "SUCCESS" }));
    let prefer = json!({ "AccessToken": token, "SoftwareTokenMfaSettings": { "Enabled": true, "PreferredMfa": true } });
    assert_eq!(server.api("SetUserMFAPreference", prefer).await.ok().body, json!({}));
    authenticator
}

pub async fn answers(app: &App<'_>, email: &str, asked: &Challenge, code: &str) -> Reply {
    app.replies(asked, json!({ "USERNAME": email, "SOFTWARE_TOKEN_MFA_CODE": code })).await
}

/// The claims of a token, which is not checked here.
fn claims(answer: &Value, token: &str) -> Value {
    use base64::Engine;
    let token = text(answer, &format!("/AuthenticationResult/{token}"));
    let payload = token.split('.').nth(1).expect("a payload");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&bytes).expect("claims")
}

#[tokio::test]
async fn whoever_sets_an_authenticator_up_is_asked_for_it_from_then_on() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    let token = access_token(&app, ALICE).await;
    let authenticator = sets_up(&app, &token).await;

    let asked = begins(&app, ALICE).await.ok();
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    assert_eq!(asked["ChallengeParameters"]["FRIENDLY_DEVICE_NAME"], "phone");
    assert!(asked.get("AuthenticationResult").is_none(), "{asked}");
    let tokens = answers(&app, ALICE, &challenge(&asked), &authenticator.next_code(&server)).await.ok();
    assert_eq!(tokens["ChallengeParameters"], json!({}));
    assert_eq!(claims(&tokens, "IdToken")["amr"], json!(["pwd", "otp", "mfa"]));

    // Who has none is not asked.
    begins(&app, BOB).await.ok().pointer("/AuthenticationResult/AccessToken").expect("tokens");
}

#[tokio::test]
async fn what_a_user_has_is_shown_wherever_users_are() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    let token = access_token(&app, ALICE).await;
    let own = async |operation| server.api(operation, json!({ "AccessToken": token })).await.ok().body;
    let as_admin = async |operation| app.signed(operation, json!({ "Username": ALICE })).await.ok();
    for shown in [own("GetUser").await, as_admin("AdminGetUser").await] {
        assert!(shown.get("UserMFASettingList").is_none() && shown.get("PreferredMfaSetting").is_none());
    }
    sets_up(&app, &token).await;
    for shown in [
        own("GetUser").await,
        own("GetUserAuthFactors").await,
        as_admin("AdminGetUser").await,
        as_admin("AdminGetUserAuthFactors").await,
    ] {
        assert_eq!(shown["UserMFASettingList"], json!(["SOFTWARE_TOKEN_MFA"]), "{shown}");
        assert_eq!(shown["PreferredMfaSetting"], "SOFTWARE_TOKEN_MFA");
    }
    assert_eq!(own("GetUserAuthFactors").await["ConfiguredUserAuthFactors"], json!(["PASSWORD"]));
    app.signed("AdminGetUserAuthFactors", json!({ "Username": "nobody" }))
        .await
        .refused_as("UserNotFoundException");
}

#[tokio::test]
async fn a_wrong_code_leaves_the_session_usable_and_five_end_it() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    let authenticator = sets_up(&app, &access_token(&app, ALICE).await).await;
    let words = "Invalid code received for user";

    let asked = challenge(&begins(&app, ALICE).await.ok());
    let code = authenticator.next_code(&server);
    answers(&app, ALICE, &asked, &another(&code)).await.refused("CodeMismatchException", words);
    answers(&app, BOB, &asked, &code).await.refused_as("NotAuthorizedException");
    answers(&app, ALICE, &asked, &code).await.ok();

    let asked = challenge(&begins(&app, ALICE).await.ok());
    let code = authenticator.next_code(&server);
    for _ in 0..5 {
        answers(&app, ALICE, &asked, &another(&code)).await.refused("CodeMismatchException", words);
    }
    let words = "Invalid session for the user, session is expired.";
    answers(&app, ALICE, &asked, &code).await.refused("NotAuthorizedException", words);
}

#[tokio::test]
async fn a_day_bears_ten_wrong_codes_in_whatever_sessions() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    let authenticator = sets_up(&app, &access_token(&app, ALICE).await).await;
    let code = authenticator.next_code(&server);
    for _ in 0..2 {
        let asked = challenge(&begins(&app, ALICE).await.ok());
        for _ in 0..5 {
            answers(&app, ALICE, &asked, &another(&code)).await.refused_as("CodeMismatchException");
        }
    }
    let asked = challenge(&begins(&app, ALICE).await.ok());
    let words = "Attempt limit exceeded, please try after some time.";
    answers(&app, ALICE, &asked, &code).await.refused("LimitExceededException", words);
    server.clock.advance(24 * 3_600_000);
    let asked = challenge(&begins(&app, ALICE).await.ok());
    answers(&app, ALICE, &asked, &authenticator.code(&server)).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_works_once_however_many_use_it_at_once() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    let authenticator = sets_up(&app, &access_token(&app, ALICE).await).await;
    let words = "Your software token has already been used once.";
    // The code that proved the set-up is used, too.
    let asked = challenge(&begins(&app, ALICE).await.ok());
    answers(&app, ALICE, &asked, &authenticator.code(&server)).await.refused("ExpiredCodeException", words);

    let code = authenticator.next_code(&server);
    let mut running = JoinSet::new();
    for _ in 0..8 {
        let asked = challenge(&begins(&app, ALICE).await.ok());
        let body = json!({
            "ClientId": app.client_id,
            "ChallengeName": asked.name,
            "Session": asked.session,
            "ChallengeResponses": { "USERNAME": ALICE, "SOFTWARE_TOKEN_MFA_CODE": code },
        });
        let client = Client::new(&server.url, server.clock.clone());
        running.spawn(async move { client.json("RespondToAuthChallenge", &body, None).await });
    }
    let mut signed_in = 0;
    while let Some(answer) = running.join_next().await {
        let answer = answer.expect("the request ends");
        match answer.status {
            200 => signed_in += 1,
            _ => assert_eq!(answer.refused("ExpiredCodeException"), words),
        }
    }
    assert_eq!(signed_in, 1);
}

#[tokio::test]
async fn a_code_that_is_late_or_early_by_more_than_a_step_is_wrong() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    let authenticator = sets_up(&app, &access_token(&app, ALICE).await).await;
    let old = authenticator.next_code(&server);
    server.clock.advance(2 * STEP_MS);
    let asked = challenge(&begins(&app, ALICE).await.ok());
    answers(&app, ALICE, &asked, &old).await.refused_as("CodeMismatchException");
    let early = authenticator.code_at(server.clock.now().seconds() + 60);
    answers(&app, ALICE, &asked, &early).await.refused_as("CodeMismatchException");
    // Within a step the authenticator's clock may differ.
    let ahead = authenticator.code_at(server.clock.now().seconds() + 30);
    answers(&app, ALICE, &asked, &ahead).await.ok();

    let asked = challenge(&begins(&app, ALICE).await.ok());
    server.clock.advance(3 * 60_000);
    let words = "Invalid session for the user, session is expired.";
    answers(&app, ALICE, &asked, &authenticator.code(&server)).await.refused("NotAuthorizedException", words);
}

#[tokio::test]
async fn where_a_second_factor_is_demanded_it_is_set_up_on_the_way_in() {
    let server = TestServer::start().await;
    let app = pool(&server, "ON").await;
    let asked = begins(&app, ALICE).await.ok();
    assert_eq!(asked["ChallengeName"], "MFA_SETUP");
    assert_eq!(asked["ChallengeParameters"]["MFAS_CAN_SETUP"], "[\"SOFTWARE_TOKEN_MFA\"]");
    let asked = challenge(&asked);

    // It cannot be ended before anything is set up.
    app.replies(&asked, json!({ "USERNAME": ALICE }))
        .await
        .refused("InvalidParameterException", "User has not set up software token mfa");
    let made = server.api("AssociateSoftwareToken", json!({ "Session": asked.session })).await.ok().body;
    let authenticator = Authenticator::new(&text(&made, "/SecretCode"));
    server
        .api("AssociateSoftwareToken", json!({ "Session": asked.session }))
        .await
        .refused("NotAuthorizedException");
    let asked = Challenge { session: text(&made, "/Session"), ..asked };
    let code = authenticator.code(&server);
    let verify = |session: &str, code: &str| json!({ "Session": session, "UserCode": code });
    let words = "Code mismatch and fail enable Software Token MFA";
    let wrong = server.api("VerifySoftwareToken", verify(&asked.session, &another(&code))).await;
    assert_eq!(wrong.refused("EnableSoftwareTokenMFAException"), words);
    let verified = server.api("VerifySoftwareToken", verify(&asked.session, &code)).await.ok().body;
    assert_eq!(verified["Status"], "SUCCESS");
    let asked = Challenge { session: text(&verified, "/Session"), ..asked };
    let tokens = app.replies(&asked, json!({ "USERNAME": ALICE })).await.ok();
    assert_eq!(claims(&tokens, "IdToken")["amr"], json!(["pwd", "otp", "mfa"]));
    app.replies(&asked, json!({ "USERNAME": ALICE })).await.refused_as("NotAuthorizedException");

    // From now on it is asked for.
    let asked = begins(&app, ALICE).await.ok();
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    answers(&app, ALICE, &challenge(&asked), &authenticator.next_code(&server)).await.ok();
}

#[tokio::test]
async fn of_two_who_set_up_at_once_one_is_first_and_the_other_has_to_answer() {
    let server = TestServer::start().await;
    let app = pool(&server, "ON").await;
    let first = challenge(&begins(&app, ALICE).await.ok());
    let second = challenge(&begins(&app, ALICE).await.ok());
    let made = server.api("AssociateSoftwareToken", json!({ "Session": first.session })).await.ok().body;
    let authenticator = Authenticator::new(&text(&made, "/SecretCode"));
    let verify = json!({ "Session": text(&made, "/Session"), "UserCode": authenticator.code(&server) });
    server.api("VerifySoftwareToken", verify).await.ok();
    // Whoever has only the password does not put their own authenticator in its place.
    server
        .api("AssociateSoftwareToken", json!({ "Session": second.session }))
        .await
        .refused("NotAuthorizedException");
    assert_eq!(challenge(&begins(&app, ALICE).await.ok()).name, "SOFTWARE_TOKEN_MFA");
}

#[tokio::test]
async fn preferences_are_refused_for_what_is_not_there() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    let token = access_token(&app, ALICE).await;
    let prefers = async |settings: Value| {
        let mut body = settings;
        body["AccessToken"] = token.clone().into();
        Reply::from(server.api("SetUserMFAPreference", body).await)
    };
    let totp = json!({ "SoftwareTokenMfaSettings": { "Enabled": true } });
    let kind = "InvalidParameterException";
    prefers(totp.clone()).await.refused(kind, "User has not set up software token mfa");
    server.api("AssociateSoftwareToken", json!({ "AccessToken": token })).await.ok();
    prefers(totp.clone()).await.refused(kind, "User has not verified software token mfa");
    let mut by_admin = totp;
    by_admin["Username"] = ALICE.into();
    app.signed("AdminSetUserMFAPreference", by_admin)
        .await
        .refused(kind, "User does not have delivery config set to turn on SOFTWARE_TOKEN_MFA");
    prefers(json!({ "EmailMfaSettings": { "Enabled": true } }))
        .await
        .refused(kind, "EMAIL_OTP is not enabled as an MFA method of the user pool.");
    prefers(json!({ "SoftwareTokenMfaSettings": { "PreferredMfa": true } }))
        .await
        .refused(kind, "SOFTWARE_TOKEN_MFA cannot be preferred without being enabled.");
    let words = "SMS_MFA is not enabled as an MFA method of the user pool.";
    let texts = json!([{ "DeliveryMedium": "SMS", "AttributeName": "phone_number" }]);
    let old = server.api("SetUserSettings", json!({ "AccessToken": token, "MFAOptions": texts })).await;
    assert_eq!(old.refused(kind), words);
    server.api("SetUserSettings", json!({ "AccessToken": token, "MFAOptions": [] })).await.ok();
    app.signed("AdminSetUserSettings", json!({ "Username": ALICE, "MFAOptions": [] })).await.ok();

    // Nothing of all this came to be.
    begins(&app, ALICE).await.ok().pointer("/AuthenticationResult").expect("tokens");
    let off = App::new(&server).await;
    off.person(BOB).await;
    let token = text(&off.signs_in(BOB).await, "/AuthenticationResult/AccessToken");
    let words = "Software Token MFA has not been enabled by the userPool";
    let none = server.api("AssociateSoftwareToken", json!({ "AccessToken": token })).await;
    assert_eq!(none.refused("SoftwareTokenMFANotFoundException"), words);
    let both = server
        .api("AssociateSoftwareToken", json!({ "AccessToken": token, "Session": "A".repeat(30) }))
        .await;
    both.refused("InvalidParameterException");
}

#[tokio::test]
async fn adding_a_factor_needs_a_fresh_sign_in_and_ends_the_others() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    let elsewhere = access_token(&app, ALICE).await;
    let stale = access_token(&app, ALICE).await;
    server.clock.advance(6 * 60_000);
    let words = "Sign in again to change how you sign in.";
    let late = server.api("AssociateSoftwareToken", json!({ "AccessToken": stale })).await;
    assert_eq!(late.refused("NotAuthorizedException"), words);

    let fresh = access_token(&app, ALICE).await;
    server.clock.advance(1);
    sets_up(&app, &fresh).await;
    server.api("GetUser", json!({ "AccessToken": fresh })).await.ok();
    for ended in [elsewhere, stale] {
        let gone = server.api("GetUser", json!({ "AccessToken": ended })).await;
        assert_eq!(gone.refused("NotAuthorizedException"), "Access Token has been revoked");
    }

    // So does taking it away.
    server.clock.advance(6 * 60_000);
    let off = json!({ "AccessToken": fresh, "SoftwareTokenMfaSettings": { "Enabled": false } });
    assert_eq!(server.api("SetUserMFAPreference", off).await.refused("NotAuthorizedException"), words);
    assert_eq!(challenge(&begins(&app, ALICE).await.ok()).name, "SOFTWARE_TOKEN_MFA");
}

#[tokio::test]
async fn an_administrator_takes_a_lost_authenticator_away_and_all_sign_ins_end() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    let token = access_token(&app, ALICE).await;
    let take = async || app.signed("AdminDeleteSoftwareToken", json!({ "Username": ALICE })).await;
    take().await.refused("ResourceNotFoundException", "User has not set up software token mfa");
    let authenticator = sets_up(&app, &token).await;
    let asked = challenge(&begins(&app, ALICE).await.ok());
    server.clock.advance(1);
    take().await.ok();
    server.clock.advance(1);
    server.api("GetUser", json!({ "AccessToken": token })).await.refused("NotAuthorizedException");
    // A sign-in that waited for the code ends, too.
    answers(&app, ALICE, &asked, &authenticator.next_code(&server))
        .await
        .refused_as("NotAuthorizedException");
    let tokens = begins(&app, ALICE).await.ok();
    let token = text(&tokens, "/AuthenticationResult/AccessToken");
    let shown = server.api("GetUser", json!({ "AccessToken": token })).await.ok().body;
    assert!(shown.get("UserMFASettingList").is_none(), "{shown}");
}

#[tokio::test]
async fn where_an_address_is_there_a_code_by_mail_needs_no_setting_up() {
    let server = TestServer::start().await;
    let app = pool_with_mail(&server, "ON", &["PASSWORD"]).await;
    let asked = begins(&app, "alice").await.ok();
    assert_eq!(asked["ChallengeName"], "EMAIL_OTP");
    let parameters = &asked["ChallengeParameters"];
    assert_eq!(parameters["CODE_DELIVERY_DELIVERY_MEDIUM"], "EMAIL");
    assert_eq!(parameters["CODE_DELIVERY_DESTINATION"], "a***@e***");
    assert_eq!(parameters["USER_ID_FOR_SRP"], "alice");
    let mail = newest_mail(&server, ALICE).await;
    assert_eq!(text(&mail, "/subject"), "Your second step");
    let (asked, code) = (challenge(&asked), app.code(ALICE).await);
    assert_eq!(code.len(), 6);
    app.answers("alice", &asked, &another(&code))
        .await
        .refused("CodeMismatchException", "Invalid code or auth state for the user.");
    let tokens = app.answers("alice", &asked, &code).await.ok();
    let claims = claims(&tokens, "IdToken");
    assert_eq!(claims["amr"], json!(["pwd", "otp", "email_otp", "mfa"]));
    // The address was not verified; now it is.
    assert_eq!(claims["email_verified"], true);
    app.answers("alice", &asked, &code).await.refused_as("NotAuthorizedException");
}

#[tokio::test]
async fn an_address_is_set_up_as_a_second_factor_by_its_first_code() {
    let server = TestServer::start().await;
    let app = pool_with_mail(&server, "ON", &["PASSWORD"]).await;
    let asked = begins(&app, "bob").await.ok();
    assert_eq!(asked["ChallengeName"], "MFA_SETUP");
    assert_eq!(asked["ChallengeParameters"]["MFAS_CAN_SETUP"], "[\"SOFTWARE_TOKEN_MFA\",\"EMAIL_OTP\"]");
    let wrong = json!({ "USERNAME": "bob", "EMAIL": "bob" });
    app.replies(&challenge(&asked), wrong)
        .await
        .refused("InvalidParameterException", "Invalid email address format.");
    let set_up = json!({ "USERNAME": "bob", "EMAIL": BOB });
    let asked = app.replies(&challenge(&asked), set_up).await.ok();
    assert_eq!(asked["ChallengeName"], "EMAIL_OTP");
    // An address with a slip in it locks nobody out: it is not the user's before its code was given.
    assert_eq!(begins(&app, "bob").await.ok()["ChallengeName"], "MFA_SETUP");
    let code = app.code(BOB).await;
    let tokens = app.answers("bob", &challenge(&asked), &code).await.ok();
    assert_eq!(claims(&tokens, "IdToken")["email"], BOB);
    let shown = app.signed("AdminGetUser", json!({ "Username": "bob" })).await.ok();
    assert_eq!(shown["PreferredMfaSetting"], "EMAIL_OTP");
    assert_eq!(begins(&app, "bob").await.ok()["ChallengeName"], "EMAIL_OTP");
}

#[tokio::test]
async fn whoever_has_two_and_prefers_none_chooses() {
    let server = TestServer::start().await;
    let app = pool_with_mail(&server, "OPTIONAL", &["PASSWORD"]).await;
    let token = access_token(&app, "alice").await;
    let authenticator = sets_up(&app, &token).await;
    let both = json!({
        "AccessToken": token,
        "SoftwareTokenMfaSettings": { "Enabled": true, "PreferredMfa": false },
        "EmailMfaSettings": { "Enabled": true },
    });
    server.api("SetUserMFAPreference", both).await.ok();
    let asked = begins(&app, "alice").await.ok();
    assert_eq!(asked["ChallengeName"], "SELECT_MFA_TYPE");
    assert_eq!(asked["ChallengeParameters"]["MFAS_CAN_CHOOSE"], "[\"SOFTWARE_TOKEN_MFA\",\"EMAIL_OTP\"]");
    let asked = challenge(&asked);
    let choose = |answer: &str| json!({ "USERNAME": "alice", "ANSWER": answer });
    app.replies(&asked, choose("SMS_MFA")).await.refused_as("InvalidParameterException");
    let by_mail = app.replies(&asked, choose("EMAIL_OTP")).await.ok();
    assert_eq!(by_mail["ChallengeName"], "EMAIL_OTP");
    let code = app.code(ALICE).await;
    app.answers("alice", &challenge(&by_mail), &code).await.ok();
    app.replies(&asked, choose("EMAIL_OTP")).await.refused_as("NotAuthorizedException");

    let asked = challenge(&begins(&app, "alice").await.ok());
    let by_app = app.replies(&asked, choose("SOFTWARE_TOKEN_MFA")).await.ok();
    answers(&app, "alice", &challenge(&by_app), &authenticator.next_code(&server)).await.ok();

    let one = json!({ "Username": "alice", "EmailMfaSettings": { "Enabled": true, "PreferredMfa": true } });
    app.signed("AdminSetUserMFAPreference", one).await.ok();
    assert_eq!(begins(&app, "alice").await.ok()["ChallengeName"], "EMAIL_OTP");
}

#[tokio::test]
async fn the_owner_is_told_by_mail_when_a_factor_comes_or_goes() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    sets_up(&app, &access_token(&app, ALICE).await).await;
    let mail = newest_mail(&server, ALICE).await;
    assert_eq!(text(&mail, "/subject"), "A second step was added to your sign-in");
    server.clock.advance(1);
    app.signed("AdminDeleteSoftwareToken", json!({ "Username": ALICE })).await.ok();
    let mail = newest_mail(&server, ALICE).await;
    assert_eq!(text(&mail, "/subject"), "A second step was taken away from your sign-in");
    let audit = server.app.store.read(|tx| tx.newest_audit(50)).await.expect("the audit");
    for outcome in ["added", "removed"] {
        assert!(audit.iter().any(|record| record.action == "SecondFactor" && record.outcome == outcome));
    }
}

#[tokio::test]
async fn a_sign_in_that_was_asked_for_more_is_not_counted_as_failed() {
    let server = TestServer::start().await;
    let app = pool_with_mail(&server, "ON", &["PASSWORD"]).await;
    let asked = challenge(&begins(&app, "alice").await.ok());
    let code = app.code(ALICE).await;
    app.answers("alice", &asked, &code).await.ok();
    let linked: anyhow::Result<u64> = server.app.store.write(|tx| tx.link_audit()).await;
    linked.expect("the audit is linked");
    let page = Browser::new(&server.url).visit("/console/metrics").await;
    page.says("None failed in the last 24 hours.").says_not("second factor asked for");
}
