//! Codes by text message: the role that may send them, signing in and signing up with a telephone, and what keeps the
//! bill small.

use crate::story::{App, another, challenge, code_in, mail_settles, newest_mail, text};
use crate::support::{TestServer, allowing};
use serde_json::{Value, json};

pub const NUMBER: &str = "+15555550123";
const MASKED: &str = "+*******0123";
pub const EXTERNAL_ID: &str = "an-external-id";

pub fn trust(service: &str, external_id: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": service },
            "Action": "sts:AssumeRole",
            "Condition": { "StringEquals": { "sts:ExternalId": external_id } },
        }],
    })
}

/// Makes a role that user pools may assume, and that may publish to these resources.
pub async fn role(server: &TestServer, name: &str, trust: &Value, resources: &[&str]) -> String {
    let trust = trust.to_string();
    let made =
        server.iam("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", &trust)]).await.ok();
    let policy = allowing(&["sns:Publish"], resources).to_string();
    let parameters = [("RoleName", name), ("PolicyName", "publish"), ("PolicyDocument", policy.as_str())];
    server.iam("PutRolePolicy", &parameters).await.ok();
    made.xml("Arn")
}

pub async fn good_role(server: &TestServer) -> String {
    role(server, "texts", &trust("cognito-idp.amazonaws.com", EXTERNAL_ID), &["*"]).await
}

pub fn sms(role_arn: &str) -> Value {
    json!({ "SnsCallerArn": role_arn, "ExternalId": EXTERNAL_ID, "SnsRegion": "us-east-1" })
}

/// A pool of people with telephones.
async fn phone_pool(server: &TestServer, more: Value) -> App<'_> {
    let role_arn = good_role(server).await;
    let mut settings = json!({
        "UsernameAttributes": ["phone_number"],
        "AutoVerifiedAttributes": ["phone_number"],
        "SmsConfiguration": sms(&role_arn),
        "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "SMS_OTP"] } },
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        settings[name] = value.clone();
    }
    App::with(server, settings, json!({})).await
}

async fn person(app: &App<'_>, number: &str) {
    let attributes = json!([{ "Name": "phone_number", "Value": number }]);
    let body = json!({ "Username": number, "MessageAction": "SUPPRESS", "UserAttributes": attributes });
    app.signed("AdminCreateUser", body).await.ok();
}

async fn asks(app: &App<'_>, name: &str) -> crate::story::Reply {
    app.server.clock.advance(1);
    let parameters = json!({ "USERNAME": name, "PREFERRED_CHALLENGE": "SMS_OTP" });
    app.public("InitiateAuth", json!({ "AuthFlow": "USER_AUTH", "AuthParameters": parameters })).await
}

#[tokio::test]
async fn a_pool_names_what_keeps_its_texts_from_leaving() {
    let failure = async |server: &TestServer| {
        let role_arn = good_role(server).await;
        let asked = json!({ "PoolName": "people", "SmsConfiguration": sms(&role_arn) });
        let pool_id = server.signed("CreateUserPool", asked).await.ok().text_at("UserPool.Id");
        let shown = async || {
            let asked = json!({ "UserPoolId": pool_id });
            let pool = server.signed("DescribeUserPool", asked).await.ok().body["UserPool"].clone();
            pool["SmsConfigurationFailure"].clone()
        };
        let before = shown().await;
        let policy = [("RoleName", "texts"), ("PolicyName", "publish")];
        server.iam("DeleteRolePolicy", &policy).await.ok();
        (before, shown().await)
    };
    let server = TestServer::start().await;
    let denied = json!("InvalidSmsRoleAccessPolicyException");
    assert_eq!(failure(&server).await, (Value::Null, denied));
    let sandbox = TestServer::with(|settings| settings.text_sandbox = true).await;
    assert_eq!(failure(&sandbox).await, (json!("SNSSandbox"), json!("SNSSandbox")));
}

#[tokio::test]
async fn a_role_for_texts_must_be_there_trust_user_pools_and_be_allowed_to_publish() {
    let server = TestServer::start().await;
    let cognito = "cognito-idp.amazonaws.com";
    let stranger = role(&server, "stranger", &trust("lambda.amazonaws.com", EXTERNAL_ID), &["*"]).await;
    let other_id = role(&server, "other-id", &trust(cognito, "another-id"), &["*"]).await;
    let topic = "arn:aws:sns:us-east-1:123456789012:codes";
    let topics_only = role(&server, "topics", &trust(cognito, EXTERNAL_ID), &[topic]).await;
    let nobody = format!("{stranger}-nobody");
    let trust_words = "Role does not have a trust relationship allowing Cognito to assume the role";
    let policy_words = "Role does not have permission to publish with SNS";
    for (role_arn, kind, words) in [
        (&nobody, "InvalidSmsRoleTrustRelationshipException", trust_words),
        (&stranger, "InvalidSmsRoleTrustRelationshipException", trust_words),
        (&other_id, "InvalidSmsRoleTrustRelationshipException", trust_words),
        (&topics_only, "InvalidSmsRoleAccessPolicyException", policy_words),
    ] {
        let asked = json!({ "PoolName": "people", "SmsConfiguration": sms(role_arn) });
        assert_eq!(server.signed("CreateUserPool", asked).await.refused(kind), words, "{role_arn}");
    }
    let good = good_role(&server).await;
    let asked = json!({ "PoolName": "people", "SmsConfiguration": sms(&good) });
    let made = server.signed("CreateUserPool", asked.clone()).await.ok().body;
    assert_eq!(made["UserPool"]["SmsConfiguration"], sms(&good));

    // Whoever saves the pool must be allowed to hand the role over.
    let key = server.user_with_policy("clerk", &allowing(&["cognito-idp:*"], &["*"])).await;
    let words = server.signed_by(&key, "CreateUserPool", asked).await.refused("AccessDeniedException");
    assert!(words.contains("iam:PassRole"), "{words}");

    // A change is held to the same, and an empty role takes the configuration away.
    let pool_id = text(&made, "/UserPool/Id");
    let update = json!({ "UserPoolId": pool_id, "SmsConfiguration": sms(&topics_only) });
    server.signed("UpdateUserPool", update).await.refused("InvalidSmsRoleAccessPolicyException");
    let away = json!({ "UserPoolId": pool_id, "SmsConfiguration": { "SnsCallerArn": "" } });
    server.signed("UpdateUserPool", away).await.ok();
    let shown = server.signed("DescribeUserPool", json!({ "UserPoolId": pool_id })).await.ok().body;
    assert_eq!(shown["UserPool"].get("SmsConfiguration"), None);
}

#[tokio::test]
async fn a_texted_code_signs_in_once() {
    let server = TestServer::start().await;
    let app = phone_pool(&server, json!({})).await;
    person(&app, NUMBER).await;
    let asked = asks(&app, NUMBER).await.ok();
    assert_eq!(asked["ChallengeName"], "SMS_OTP");
    assert_eq!(
        asked["ChallengeParameters"],
        json!({ "CODE_DELIVERY_DELIVERY_MEDIUM": "SMS", "CODE_DELIVERY_DESTINATION": MASKED })
    );
    let waiting = challenge(&asked);
    let message = newest_mail(&server, NUMBER).await;
    let code = code_in(&message);
    assert_eq!(code.len(), 8);
    assert_eq!(message["text"], format!("Your authentication code is {code}. "));
    assert_eq!((&message["medium"], &message["parts"]), (&json!("SMS"), &json!(1)));

    let answer = |code: &str| json!({ "USERNAME": NUMBER, "SMS_OTP_CODE": code });
    let wrong = app.replies(&waiting, answer(&another(&code))).await;
    wrong.refused("CodeMismatchException", "Invalid code or auth state for the user.");
    // The code is one for texts: by another name it opens nothing.
    let mut by_mail = waiting.clone();
    by_mail.name = "EMAIL_OTP".to_owned();
    let responses = json!({ "USERNAME": NUMBER, "EMAIL_OTP_CODE": code });
    app.replies(&by_mail, responses).await.refused("NotAuthorizedException", "Invalid session for the user.");

    let tokens = app.replies(&waiting, answer(&code)).await.ok();
    assert!(tokens["AuthenticationResult"]["AccessToken"].is_string());
    let again = app.replies(&waiting, answer(&code)).await;
    again.refused("NotAuthorizedException", "Invalid session for the user, session can only be used once.");
    let user = app.signed("AdminGetUser", json!({ "Username": NUMBER })).await.ok();
    let verified = json!({ "Name": "phone_number_verified", "Value": "true" });
    assert!(user["UserAttributes"].as_array().expect("attributes").contains(&verified), "{user}");
}

#[tokio::test]
async fn a_texted_code_is_late_when_its_session_has_ended() {
    let server = TestServer::start().await;
    let app = phone_pool(&server, json!({})).await;
    person(&app, NUMBER).await;
    let waiting = challenge(&asks(&app, NUMBER).await.ok());
    let code = code_in(&newest_mail(&server, NUMBER).await);
    server.clock.advance(3 * 60_000);
    let late = app.replies(&waiting, json!({ "USERNAME": NUMBER, "SMS_OTP_CODE": code })).await;
    late.refused("NotAuthorizedException", "Invalid session for the user, session is expired.");
}

#[tokio::test]
async fn every_text_is_sent_by_the_role_as_it_is_then() {
    let server = TestServer::start().await;
    let app = phone_pool(&server, json!({})).await;
    person(&app, NUMBER).await;
    asks(&app, NUMBER).await.ok();
    newest_mail(&server, NUMBER).await;
    server.iam("DeleteRolePolicy", &[("RoleName", "texts"), ("PolicyName", "publish")]).await.ok();
    asks(&app, NUMBER)
        .await
        .refused("InvalidSmsRoleAccessPolicyException", "Role does not have permission to publish with SNS");
    server.iam("DeleteRole", &[("RoleName", "texts")]).await.ok();
    asks(&app, NUMBER).await.refused_as("InvalidSmsRoleTrustRelationshipException");
    // Nobody's number is refused alike.
    asks(&app, "+15555550999").await.refused_as("InvalidSmsRoleTrustRelationshipException");
    mail_settles(&server).await;
    assert_eq!(server.mails_to(NUMBER).await.len(), 1);
}

#[tokio::test]
async fn nobodys_number_is_answered_like_somebodys_and_gets_no_text() {
    let server = TestServer::start().await;
    let app = phone_pool(
        &server,
        json!({ "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["SMS_OTP"] } } }),
    )
    .await;
    person(&app, NUMBER).await;
    let known = asks(&app, NUMBER).await.ok();
    let unknown = asks(&app, "+15555550999").await.ok();
    assert_eq!(unknown["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"], "+*******0999");
    let shape = |answer: &Value| {
        let keys: Vec<String> = answer.as_object().expect("an object").keys().cloned().collect();
        (keys, answer["ChallengeName"].clone(), text(answer, "/Session").len())
    };
    assert_eq!(shape(&known), shape(&unknown));
    mail_settles(&server).await;
    assert!(server.mails_to("+15555550999").await.is_empty());
    let guess = json!({ "USERNAME": "+15555550999", "SMS_OTP_CODE": "00000000" });
    app.replies(&challenge(&unknown), guess).await.refused_as("CodeMismatchException");
}

#[tokio::test]
async fn a_sign_up_is_confirmed_by_text_before_mail() {
    let server = TestServer::start().await;
    let texts = json!({
        "AutoVerifiedAttributes": ["email", "phone_number"],
        "UsernameAttributes": ["email", "phone_number"],
        "SmsVerificationMessage": "Acme: {####} confirms your account",
    });
    let app = phone_pool(&server, texts).await;
    let attributes = json!([
        { "Name": "email", "Value": "alice@example.com" },
        { "Name": "phone_number", "Value": NUMBER },
    ]);
    let body = json!({ "Username": NUMBER, "UserAttributes": attributes });
    let made = app.public("SignUp", body).await.ok();
    assert_eq!(
        made["CodeDeliveryDetails"],
        json!({ "Destination": MASKED, "DeliveryMedium": "SMS", "AttributeName": "phone_number" })
    );
    let message = newest_mail(&server, NUMBER).await;
    let code = code_in(&message);
    assert_eq!(code.len(), 6);
    assert_eq!(message["text"], format!("Acme: {code} confirms your account"));
    assert!(server.mails_to("alice@example.com").await.is_empty());

    let confirm = |code: &str| json!({ "Username": NUMBER, "ConfirmationCode": code });
    app.public("ConfirmSignUp", confirm(&another(&code))).await.refused_as("CodeMismatchException");
    let confirmed = app.public("ConfirmSignUp", confirm(&code)).await.ok();
    let user = app.signed("AdminGetUser", json!({ "Username": NUMBER })).await.ok();
    let names: Vec<&Value> = user["UserAttributes"].as_array().expect("attributes").iter().collect();
    assert!(names.contains(&&json!({ "Name": "phone_number_verified", "Value": "true" })), "{user}");
    assert!(!names.contains(&&json!({ "Name": "email_verified", "Value": "true" })), "{user}");
    let begin = json!({
        "AuthFlow": "USER_AUTH", "AuthParameters": { "USERNAME": NUMBER }, "Session": confirmed["Session"],
    });
    assert!(app.public("InitiateAuth", begin).await.ok()["AuthenticationResult"].is_object());

    // The same number again: the answer is that of a new account, and its owner is told.
    let again =
        json!({ "Username": NUMBER, "UserAttributes": [{ "Name": "phone_number", "Value": NUMBER }] });
    server.clock.advance(1);
    let second = app.public("SignUp", again).await.ok();
    assert_eq!(second["CodeDeliveryDetails"], made["CodeDeliveryDetails"]);
    let told = newest_mail(&server, NUMBER).await;
    assert!(text(&told, "/text").starts_with("You already have an account"), "{told}");
}

#[tokio::test]
async fn the_sign_in_after_a_sign_up_by_text_says_so() {
    let server = TestServer::start().await;
    let app = phone_pool(&server, json!({})).await;
    app.public("SignUp", json!({ "Username": NUMBER })).await.ok();
    let code = app.code(NUMBER).await;
    let confirmed =
        app.public("ConfirmSignUp", json!({ "Username": NUMBER, "ConfirmationCode": code })).await.ok();
    let begin = json!({
        "AuthFlow": "USER_AUTH", "Session": confirmed["Session"], "AuthParameters": { "USERNAME": NUMBER },
    });
    let tokens = app.public("InitiateAuth", begin).await.ok();
    let id = crate::story::claims(&text(&tokens, "/AuthenticationResult/IdToken"));
    assert_eq!(id["amr"], json!(["otp", "sms"]));
}

#[tokio::test]
async fn a_verified_number_is_an_alias_and_an_unverified_one_is_not() {
    let server = TestServer::start().await;
    let role_arn = good_role(&server).await;
    let settings = json!({
        "PoolName": "aliases",
        "AliasAttributes": ["phone_number"],
        "SmsConfiguration": sms(&role_arn),
        "AutoVerifiedAttributes": ["phone_number"],
        "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "SMS_OTP"] } },
    });
    let made = server.signed("CreateUserPool", settings).await.ok().body;
    let pool_id = text(&made, "/UserPool/Id");
    let client = json!({ "UserPoolId": pool_id, "ClientName": "app", "ExplicitAuthFlows": ["ALLOW_USER_AUTH"],
        "PreventUserExistenceErrors": "LEGACY" });
    let made = server.signed("CreateUserPoolClient", client).await.ok().body;
    let app = App { server: &server, pool_id, client_id: text(&made, "/UserPoolClient/ClientId") };
    let wrong_name = json!({ "Username": NUMBER, "MessageAction": "SUPPRESS" });
    app.signed("AdminCreateUser", wrong_name).await.refused_as("InvalidParameterException");
    let attributes = json!([{ "Name": "phone_number", "Value": NUMBER }]);
    let body = json!({ "Username": "alice", "MessageAction": "SUPPRESS", "UserAttributes": attributes,
        "TemporaryPassword": "Temporary-1" });
    app.signed("AdminCreateUser", body).await.ok();
    asks(&app, NUMBER).await.refused("UserNotFoundException", "User does not exist.");

    let waiting = challenge(&asks(&app, "alice").await.ok());
    let code = code_in(&newest_mail(&server, NUMBER).await);
    app.replies(&waiting, json!({ "USERNAME": "alice", "SMS_OTP_CODE": code })).await.ok();
    assert_eq!(asks(&app, NUMBER).await.ok()["ChallengeName"], "SMS_OTP");
}

#[tokio::test]
async fn texts_go_only_to_the_countries_that_are_listed() {
    let server = TestServer::with(|settings| settings.rules.texts.countries = vec!["+1".to_owned()]).await;
    let app = phone_pool(&server, json!({})).await;
    let abroad = "+447700900123";
    person(&app, abroad).await;
    app.password(abroad, "Correct-horse-7").await;
    // By text is not among the ways in, whoever asks.
    for name in [abroad, "+447700900999"] {
        assert_eq!(
            asks(&app, name).await.ok()["AvailableChallenges"],
            json!(["PASSWORD_SRP", "PASSWORD"]),
            "{name}"
        );
    }
    let attributes = json!([{ "Name": "phone_number", "Value": "+447700900555" }]);
    let body =
        json!({ "Username": "+447700900555", "UserAttributes": attributes, "Password": "Correct-horse-7" });
    app.public("SignUp", body)
        .await
        .refused("CodeDeliveryFailureException", "Text messages are not sent to this country.");
    let unmade = app.signed("AdminGetUser", json!({ "Username": "+447700900555" })).await;
    unmade.refused_as("UserNotFoundException");
}

#[tokio::test]
async fn a_range_of_numbers_and_a_day_get_so_many_texts() {
    let server = TestServer::with(|settings| {
        settings.rules.texts.per_range = 2;
        settings.rules.texts.per_day = 2;
    })
    .await;
    let app = phone_pool(
        &server,
        json!({ "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["SMS_OTP"] } } }),
    )
    .await;
    for number in [NUMBER, "+15556660125", "+15557770125"] {
        person(&app, number).await;
    }
    asks(&app, NUMBER).await.ok();
    asks(&app, "+15555550124").await.ok();
    let over = asks(&app, NUMBER).await;
    assert!(!over.header("retry-after").is_empty());
    over.refused("LimitExceededException", "Attempt limit exceeded, please try after some time.");
    asks(&app, "+15555550125").await.refused_as("LimitExceededException");
    // Of a day's texts nothing goes to numbers that are nobody's.
    for nobodys in ["+15551110125", "+15552220125", "+15553330125"] {
        asks(&app, nobodys).await.ok();
    }
    asks(&app, "+15556660125").await.ok();
    for number in ["+15557770125", "+15558880125"] {
        asks(&app, number).await.refused_as("LimitExceededException");
    }
    server.clock.advance(24 * 3_600_000);
    asks(&app, NUMBER).await.ok();
}

#[tokio::test]
async fn a_pool_stops_texting_when_codes_are_asked_for_and_not_used() {
    let server = TestServer::with(|settings| settings.rules.texts.breaker_after = 5).await;
    let app = phone_pool(
        &server,
        json!({ "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["SMS_OTP"] } } }),
    )
    .await;
    person(&app, NUMBER).await;
    for _ in 0..5 {
        asks(&app, NUMBER).await.ok();
    }
    asks(&app, NUMBER).await.refused_as("LimitExceededException");
    // In the next ten minutes codes are used again, and then more may go.
    server.clock.advance(10 * 60_000);
    for round in 0..8 {
        let waiting = challenge(&asks(&app, NUMBER).await.ok());
        if round % 3 == 0 {
            let code = code_in(&newest_mail(&server, NUMBER).await);
            app.replies(&waiting, json!({ "USERNAME": NUMBER, "SMS_OTP_CODE": code })).await.ok();
        }
    }
}

#[tokio::test]
async fn a_pool_without_a_role_offers_no_texts_and_sends_none() {
    let server = TestServer::start().await;
    let settings = json!({
        "UsernameAttributes": ["phone_number"],
        "AutoVerifiedAttributes": ["phone_number"],
        "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "SMS_OTP"] } },
    });
    let app = App::with(&server, settings, json!({})).await;
    person(&app, NUMBER).await;
    app.password(NUMBER, "Correct-horse-7").await;
    assert_eq!(asks(&app, NUMBER).await.ok()["AvailableChallenges"], json!(["PASSWORD_SRP", "PASSWORD"]));
    let body = json!({ "Username": "+15555550777", "Password": "Correct-horse-7" });
    app.public("SignUp", body).await.refused_as("CodeDeliveryFailureException");
}

#[tokio::test]
async fn an_invitation_is_texted_where_that_is_asked_for_or_all_there_is() {
    let server = TestServer::start().await;
    let invitation = json!({
        "AdminCreateUserConfig": { "InviteMessageTemplate": { "SMSMessage": "{username}: {####}" } },
        "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } },
        "UsernameAttributes": ["email", "phone_number"],
    });
    let app = phone_pool(&server, invitation).await;
    app.signed("AdminCreateUser", json!({ "Username": NUMBER, "TemporaryPassword": "Temporary-1" }))
        .await
        .ok();
    assert_eq!(newest_mail(&server, NUMBER).await["text"], format!("{NUMBER}: Temporary-1"));

    let both = |media: Value| {
        let attributes = json!([{ "Name": "phone_number", "Value": "+15555550888" }]);
        json!({ "Username": "alice@example.com", "TemporaryPassword": "Temporary-1",
            "UserAttributes": attributes, "DesiredDeliveryMediums": media })
    };
    app.signed("AdminCreateUser", both(json!(["SMS", "EMAIL"]))).await.ok();
    newest_mail(&server, "+15555550888").await;
    newest_mail(&server, "alice@example.com").await;

    let plain = App::new(&server).await;
    plain
        .signed("AdminCreateUser", both(json!(["SMS"])))
        .await
        .refused("InvalidParameterException", "SMS configuration is required to invite users by SMS.");
}

#[tokio::test]
async fn a_new_number_waits_for_its_code_where_the_pool_says_so() {
    let server = TestServer::start().await;
    let role_arn = good_role(&server).await;
    let settings = json!({
        "AutoVerifiedAttributes": ["email", "phone_number"],
        "SmsConfiguration": sms(&role_arn),
        "UserAttributeUpdateSettings": { "AttributesRequireVerificationBeforeUpdate": ["phone_number"] },
    });
    let app = App::with(&server, settings, json!({})).await;
    let shown = app.signed("DescribeUserPool", json!({})).await.ok();
    assert_eq!(
        shown["UserPool"]["UserAttributeUpdateSettings"],
        json!({ "AttributesRequireVerificationBeforeUpdate": ["phone_number"] })
    );
    let alice = "alice@example.com";
    app.person(alice).await;
    let old = [("phone_number", NUMBER), ("phone_number_verified", "true")]
        .map(|(name, value)| json!({ "Name": name, "Value": value }));
    app.signed("AdminUpdateUserAttributes", json!({ "Username": alice, "UserAttributes": old })).await.ok();
    let token = text(&app.signs_in(alice).await, "/AuthenticationResult/AccessToken");
    let asks = |operation: &'static str, mut body: Value| {
        body["AccessToken"] = token.clone().into();
        async { server.api(operation, body).await }
    };
    let number_of = async || {
        let me = asks("GetUser", json!({})).await.ok().body;
        let attributes = me["UserAttributes"].as_array().expect("attributes").clone();
        let value =
            |name: &str| attributes.iter().find(|one| one["Name"] == name).map(|one| text(one, "/Value"));
        (value("phone_number"), value("phone_number_verified"))
    };
    let new = "+15555550777";
    let change = |value: &str| json!({ "UserAttributes": [{ "Name": "phone_number", "Value": value }] });
    let sent = asks("UpdateUserAttributes", change(new)).await.ok().body;
    assert_eq!(sent["CodeDeliveryDetailsList"][0]["Destination"], "+*******0777");
    assert_eq!(number_of().await, (Some(NUMBER.to_owned()), Some("true".to_owned())));

    let code = code_in(&newest_mail(&server, new).await);
    let verify = |code: &str| json!({ "AttributeName": "phone_number", "Code": code });
    asks("VerifyUserAttribute", verify(&another(&code))).await.refused("CodeMismatchException");
    let as_mail = json!({ "AttributeName": "email", "Code": code });
    asks("VerifyUserAttribute", as_mail).await.refused("ExpiredCodeException");
    asks("VerifyUserAttribute", verify(&code)).await.ok();
    assert_eq!(number_of().await, (Some(new.to_owned()), Some("true".to_owned())));
    asks("VerifyUserAttribute", verify(&code)).await.refused("ExpiredCodeException");

    // A code that comes too late changes nothing.
    server.clock.advance(60_000);
    asks("UpdateUserAttributes", change(NUMBER)).await.ok();
    let late = code_in(&newest_mail(&server, NUMBER).await);
    server.clock.advance(24 * 3_600_000);
    let again = text(&app.signs_in(alice).await, "/AuthenticationResult/AccessToken");
    let body = json!({ "AccessToken": again, "AttributeName": "phone_number", "Code": late });
    server.api("VerifyUserAttribute", body).await.refused("ExpiredCodeException");
}

#[tokio::test]
async fn what_may_be_spent_in_a_month_ends_the_texts_for_everybody_alike() {
    let server = TestServer::strict_with(|settings| {
        let dollars = [("+".to_owned(), 0.3), ("+44".to_owned(), 0.05)].into();
        settings.text_prices = (postern_mail::price::Prices::new(&dollars).expect("prices"), 1_000_000);
    })
    .await;
    let app = phone_pool(
        &server,
        json!({ "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["SMS_OTP"] } } }),
    )
    .await;
    let numbers: Vec<_> = (0..5).map(|number| format!("+1555{number}550123")).collect();
    for number in &numbers {
        person(&app, number).await;
    }
    // Nobody's numbers cost nothing.
    for nobodys in 0..6 {
        asks(&app, &format!("+1666{nobodys}550123")).await.ok();
    }
    for number in &numbers[..4] {
        asks(&app, number).await.ok();
    }
    // 1.20 of 1.00 are spent: known and unknown numbers are answered alike, at any price.
    let words = "Attempt limit exceeded, please try after some time.";
    for number in [&numbers[4], "+16667770123", "+447700900123"] {
        asks(&app, number).await.refused("LimitExceededException", words);
    }
    mail_settles(&server).await;
    assert!(server.mails_to(&numbers[4]).await.is_empty());
    let audit = server.app.store.read(|tx| tx.newest_audit(100)).await.expect("the audit");
    let told: Vec<_> = audit.iter().filter(|record| record.action == "SpendOnTexts").collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].detail, "MonthlySpendLimit of 1 USD: no more texts until next month");
    // The next month has its own.
    server.clock.advance(31 * 86_400_000);
    asks(&app, &numbers[4]).await.ok();
}

#[tokio::test]
async fn a_number_that_is_changed_is_told_and_can_take_it_back() {
    let server = TestServer::start().await;
    let app = phone_pool(&server, json!({})).await;
    person(&app, NUMBER).await;
    let signs_in = async |number: &str| {
        let waiting = challenge(&asks(&app, number).await.ok());
        let code = code_in(&newest_mail(&server, number).await);
        app.replies(&waiting, json!({ "USERNAME": number, "SMS_OTP_CODE": code })).await.ok()
    };
    let token = text(&signs_in(NUMBER).await, "/AuthenticationResult/AccessToken");
    let new = "+15555559876";
    let change =
        json!({ "AccessToken": token, "UserAttributes": [{ "Name": "phone_number", "Value": new }] });
    server.api("UpdateUserAttributes", change).await.ok();
    let notice = newest_mail(&server, NUMBER).await;
    assert_eq!(text(&notice, "/purpose"), "Number change");
    assert!(notice["code"].is_null(), "a link is no code: {notice}");
    let words = text(&notice, "/text");
    let link = words.split_whitespace().find(|word| word.contains("/account/undo?token=")).expect("a link");
    let code = code_in(&newest_mail(&server, new).await);
    let verify = json!({ "AccessToken": token, "AttributeName": "phone_number", "Code": code });
    server.api("VerifyUserAttribute", verify).await.ok();
    signs_in(new).await;

    let path = &link[link.find("/account").expect("a path")..];
    let page = server.client.get(path).await.ok().text;
    assert!(page.contains("+*******0123") && page.contains("<form"), "{page}");
    let press = async || {
        let token = path.split_once("token=").expect("a token").1;
        let request = server
            .client
            .request("POST", "/account/undo")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("token={token}").into());
        server.client.send(request.expect("a request")).await.status
    };
    assert_eq!(press().await, 200);
    server.api("GetUser", json!({ "AccessToken": token })).await.refused("NotAuthorizedException");
    signs_in(NUMBER).await;
    assert_eq!(press().await, 404);
}

#[tokio::test]
async fn where_no_text_can_go_the_owners_mailbox_hears_of_the_number() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person("alice@example.com").await;
    let attributes = json!([
        { "Name": "phone_number", "Value": NUMBER }, { "Name": "phone_number_verified", "Value": "true" },
    ]);
    let set = json!({ "Username": "alice@example.com", "UserAttributes": attributes });
    app.signed("AdminUpdateUserAttributes", set).await.ok();
    let token = text(&app.signs_in("alice@example.com").await, "/AuthenticationResult/AccessToken");
    let remove = json!({ "AccessToken": token, "UserAttributeNames": ["phone_number"] });
    server.api("DeleteUserAttributes", remove).await.ok();
    let told = newest_mail(&server, "alice@example.com").await;
    assert_eq!(text(&told, "/subject"), "The telephone number of your account is changing");
    assert!(server.mails_to(NUMBER).await.is_empty());
}
