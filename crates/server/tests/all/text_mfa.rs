//! Codes by text message as the second factor: set up by an administrator, asked for after the password, and no way
//! around them.

use crate::mfa::{ALICE, BOB, PASSWORD, begins};
use crate::story::{App, Reply, another, challenge, claims, code_in, newest_mail, text};
use crate::support::TestServer;
use crate::texts::{EXTERNAL_ID, NUMBER, good_role, role, sms, trust};
use serde_json::{Value, json};

const MASKED: &str = "+*******0123";
/// Longer than a code works.
const TOO_LONG_MS: i64 = 3 * 60_000 + 1;
const NO_TEXTS: &str =
    "SMS configuration and Auto verification for phone_number are required when MFA is required/optional";

/// A pool whose second factor is a text, Alice with a telephone, and Bob without.
async fn pool<'a>(server: &'a TestServer, mode: &str) -> App<'a> {
    let factors = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } });
    let app = App::with(server, json!({ "Policies": factors }), json!({})).await;
    for person in [ALICE, BOB] {
        app.person(person).await;
        app.password(person, PASSWORD).await;
    }
    let number = json!({ "Username": ALICE, "UserAttributes": [
        { "Name": "phone_number", "Value": NUMBER }, { "Name": "phone_number_verified", "Value": "true" },
    ] });
    app.signed("AdminUpdateUserAttributes", number).await.ok();
    let block = json!({
        "SmsAuthenticationMessage": "Shop: {####}",
        "SmsConfiguration": sms(&good_role(server).await),
    });
    app.signed("SetUserPoolMfaConfig", json!({ "MfaConfiguration": mode, "SmsMfaConfiguration": block }))
        .await
        .ok();
    app
}

async fn chooses_texts(app: &App<'_>) {
    let settings = json!({ "Enabled": true, "PreferredMfa": true });
    app.signed("AdminSetUserMFAPreference", json!({ "Username": ALICE, "SMSMfaSettings": settings }))
        .await
        .ok();
}

async fn answers(app: &App<'_>, name: &str, asked: &Value, code: &str) -> Reply {
    app.replies(&challenge(asked), json!({ "USERNAME": name, "SMS_MFA_CODE": code })).await
}

#[tokio::test]
async fn the_role_for_texts_is_checked_and_is_the_pools_wherever_it_is_set() {
    let server = TestServer::start().await;
    let factors = json!({ "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } });
    let app = App::with(&server, json!({ "Policies": factors }), json!({})).await;
    let set = |block: Value| {
        app.signed(
            "SetUserPoolMfaConfig",
            json!({ "MfaConfiguration": "OPTIONAL", "SmsMfaConfiguration": block }),
        )
    };
    set(json!({})).await.refused("InvalidParameterException", NO_TEXTS);
    let stranger = role(&server, "stranger", &trust("lambda.amazonaws.com", EXTERNAL_ID), &["*"]).await;
    set(json!({ "SmsConfiguration": sms(&stranger) })).await.refused(
        "InvalidSmsRoleTrustRelationshipException",
        "Role does not have a trust relationship allowing Cognito to assume the role",
    );
    let topic = ["arn:aws:sns:us-east-1:123456789012:codes"];
    let topics = role(&server, "topics", &trust("cognito-idp.amazonaws.com", EXTERNAL_ID), &topic).await;
    set(json!({ "SmsConfiguration": sms(&topics) }))
        .await
        .refused("InvalidSmsRoleAccessPolicyException", "Role does not have permission to publish with SNS");
    let shown = app.signed("GetUserPoolMfaConfig", json!({})).await.ok();
    assert_eq!(shown, json!({ "MfaConfiguration": "OFF" }));

    let block = json!({
        "SmsAuthenticationMessage": "Shop: {####}",
        "SmsConfiguration": sms(&good_role(&server).await),
    });
    let answer = set(block.clone()).await.ok();
    assert_eq!(answer["SmsMfaConfiguration"], block);
    assert_eq!(app.signed("GetUserPoolMfaConfig", json!({})).await.ok(), answer);
    let pool = app.signed("DescribeUserPool", json!({})).await.ok();
    assert_eq!(pool["UserPool"]["SmsConfiguration"], block["SmsConfiguration"]);
    assert_eq!(pool["UserPool"]["MfaConfiguration"], "OPTIONAL");
    // Without the role the factor could not be asked for.
    app.signed("UpdateUserPool", json!({ "Policies": factors, "MfaConfiguration": "OPTIONAL" }))
        .await
        .refused("InvalidParameterException", NO_TEXTS);
}

#[tokio::test]
async fn who_chose_texts_is_asked_for_one_after_the_password() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    begins(&app, ALICE)
        .await
        .ok()
        .pointer("/AuthenticationResult/AccessToken")
        .expect("nothing is chosen yet");
    chooses_texts(&app).await;

    let asked = begins(&app, ALICE).await.ok();
    assert_eq!(asked["ChallengeName"], "SMS_MFA");
    assert_eq!(asked.get("AuthenticationResult"), None);
    let parameters = &asked["ChallengeParameters"];
    assert_eq!(parameters["CODE_DELIVERY_DELIVERY_MEDIUM"], "SMS");
    assert_eq!(parameters["CODE_DELIVERY_DESTINATION"], MASKED);
    let message = newest_mail(&server, NUMBER).await;
    let code = code_in(&message);
    assert_eq!(text(&message, "/text"), format!("Shop: {code}"));

    answers(&app, ALICE, &asked, &another(&code)).await.refused_as("CodeMismatchException");
    answers(&app, BOB, &asked, &code).await.refused_as("NotAuthorizedException");
    let other = app.second_client().await;
    answers(&other, ALICE, &asked, &code).await.refused_as("NotAuthorizedException");
    let tokens = answers(&app, ALICE, &asked, &code).await.ok();
    let token = text(&tokens, "/AuthenticationResult/AccessToken");
    let id_token = text(&tokens, "/AuthenticationResult/IdToken");
    assert_eq!(claims(&id_token)["amr"], json!(["pwd", "otp", "sms", "mfa"]));
    answers(&app, ALICE, &asked, &code).await.refused_as("NotAuthorizedException");
    let user = server.api("GetUser", json!({ "AccessToken": token })).await.ok().body;
    assert_eq!(user["PreferredMfaSetting"], "SMS_MFA");
    assert_eq!(user["UserMFASettingList"], json!(["SMS_MFA"]));

    // Late is as good as wrong.
    let asked = begins(&app, ALICE).await.ok();
    let code = code_in(&newest_mail(&server, NUMBER).await);
    server.clock.advance(TOO_LONG_MS);
    answers(&app, ALICE, &asked, &code).await.refused_as("NotAuthorizedException");

    // The code of one sign-in is no use in another.
    let first = begins(&app, ALICE).await.ok();
    let code = code_in(&newest_mail(&server, NUMBER).await);
    server.clock.advance(TOO_LONG_MS);
    let second = begins(&app, ALICE).await.ok();
    assert_ne!(text(&first, "/Session"), text(&second, "/Session"));
    answers(&app, ALICE, &second, &code).await.refused_as("CodeMismatchException");
}

#[tokio::test]
async fn where_a_second_factor_is_demanded_a_telephone_needs_no_setting_up() {
    let server = TestServer::start().await;
    let app = pool(&server, "ON").await;
    let asked = begins(&app, ALICE).await.ok();
    assert_eq!(asked["ChallengeName"], "SMS_MFA");
    let code = code_in(&newest_mail(&server, NUMBER).await);
    answers(&app, ALICE, &asked, &code).await.ok();
    // Who has none cannot get in.
    begins(&app, BOB).await.refused_as("InvalidParameterException");
    let preference = json!({ "Username": BOB, "SMSMfaSettings": { "Enabled": true } });
    app.signed("AdminSetUserMFAPreference", preference).await.refused_as("InvalidParameterException");
}

#[tokio::test]
async fn the_old_options_turn_texts_on_and_off() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    let signed_in = begins(&app, ALICE).await.ok();
    let token = text(&signed_in, "/AuthenticationResult/AccessToken");
    let options = json!([{ "DeliveryMedium": "SMS", "AttributeName": "phone_number" }]);
    server.api("SetUserSettings", json!({ "AccessToken": token, "MFAOptions": options })).await.ok();
    let user = server.api("GetUser", json!({ "AccessToken": token })).await.ok().body;
    assert_eq!(user["MFAOptions"], options);
    assert_eq!(user["UserMFASettingList"], json!(["SMS_MFA"]));
    let asked = begins(&app, ALICE).await.ok();
    assert_eq!(asked["ChallengeName"], "SMS_MFA");
    let code = code_in(&newest_mail(&server, NUMBER).await);
    answers(&app, ALICE, &asked, &code).await.ok();

    app.signed("AdminSetUserSettings", json!({ "Username": ALICE, "MFAOptions": [] })).await.ok();
    let user = app.signed("AdminGetUser", json!({ "Username": ALICE })).await.ok();
    assert_eq!(user.get("MFAOptions"), None);
    begins(&app, ALICE).await.ok().pointer("/AuthenticationResult/AccessToken").expect("tokens");
    let set = json!({ "Username": ALICE, "MFAOptions": options });
    app.signed("AdminSetUserSettings", set).await.ok();
    assert_eq!(begins(&app, ALICE).await.ok()["ChallengeName"], "SMS_MFA");
    // Who has no telephone gets no texts.
    let nobody = json!({ "Username": BOB, "MFAOptions": options });
    app.signed("AdminSetUserSettings", nobody).await.refused_as("InvalidParameterException");
}

#[tokio::test]
async fn whoever_begins_again_gets_a_code_or_is_told_to_wait_and_no_false_alarm() {
    let server = TestServer::start().await;
    let app = pool(&server, "OPTIONAL").await;
    chooses_texts(&app).await;
    // One wrong code is no reason for a third code to stay away: it has fewer tries.
    let first = begins(&app, ALICE).await.ok();
    let code = app.code(NUMBER).await;
    answers(&app, ALICE, &first, &another(&code)).await.refused_as("CodeMismatchException");
    server.clock.advance(TOO_LONG_MS);
    begins(&app, ALICE).await.ok();
    let third = begins(&app, ALICE).await.ok();
    let code = app.code(NUMBER).await;
    for _ in 0..3 {
        answers(&app, ALICE, &third, &another(&code)).await.refused_as("CodeMismatchException");
    }
    answers(&app, ALICE, &third, &code).await.ok();

    server.clock.advance(86_400_000);
    for _ in 0..2 {
        begins(&app, ALICE).await.ok();
    }
    let sent = server.mails_to(NUMBER).await.len();
    let no = begins(&app, ALICE).await;
    let wait_s: i64 = no.headers["retry-after"].to_str().expect("a number").parse().expect("a number");
    no.refused("LimitExceededException", "Attempt limit exceeded, please try after some time.");
    assert_eq!(server.mails_to(NUMBER).await.len(), sent);
    let told = server.mails_to(ALICE).await;
    assert!(!told.iter().any(|mail| text(mail, "/subject").contains("Wrong codes")), "nobody guessed wrong");
    server.clock.advance(wait_s * 1000);
    begins(&app, ALICE).await.ok();
}
