//! The functions that send messages in the pool's place (CustomEmailSender, CustomSMSSender): what they get, that only
//! they can read the code, and that their faults do not reach whoever asked for it.

use super::house;
use crate::mfa::PASSWORD;
use crate::story::{App, challenge, mail_settles, newest_mail, own_sender, text};
use crate::support::{Does, Lambda, TestServer};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_mail::transport::functions::CodeKey;
use serde_json::{Value, json};

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/codes";

async fn posted<'a>(server: &'a TestServer, lambda: &Lambda) -> App<'a> {
    let config = json!({
        "CustomEmailSender": { "LambdaVersion": "V1_0", "LambdaArn": lambda.arn("post") },
        "KMSKeyID": KEY,
    });
    App::with(server, json!({ "LambdaConfig": config }), json!({})).await
}

async fn house_with_key() -> (Lambda, TestServer) {
    let lambda = Lambda::start().await;
    let server = TestServer::with(|settings| {
        lambda.serve(settings);
        settings.functions.code_keys.insert(KEY.into(), CodeKey([7; 32]));
    })
    .await;
    (lambda, server)
}

/// Takes a message of the AWS Encryption SDK apart, as one who has the key can.
fn opened(message: &str, context: &[(&str, &str)]) -> String {
    let message = STANDARD.decode(message).expect("base64");
    let mut rest = &message[..];
    let mut take = |length: usize| {
        let (part, after) = rest.split_at(length);
        rest = after;
        part.to_vec()
    };
    let number = |bytes: Vec<u8>| bytes.iter().fold(0, |sum, byte| sum * 256 + usize::from(*byte));
    assert_eq!(take(3), [2, 0x04, 0x78]);
    let id = take(32);
    let length = number(take(2));
    let aad = take(length);
    let mut expected = (context.len() as u16).to_be_bytes().to_vec();
    for part in context.iter().flat_map(|(name, value)| [name, value]) {
        expected.extend_from_slice(&(part.len() as u16).to_be_bytes());
        expected.extend_from_slice(part.as_bytes());
    }
    assert_eq!(aad, expected);
    assert_eq!(number(take(2)), 1);
    let length = number(take(2));
    assert_eq!(take(length), b"postern");
    let length = number(take(2));
    let info = take(length);
    assert!(info.starts_with(KEY.as_bytes()));
    let length = number(take(2));
    let wrapped = take(length);
    let data_key = decrypt(&[7; 32], &info[info.len() - 12..], &aad, wrapped);
    take(1 + 4 + 32 + 16);
    assert_eq!(take(4), [255; 4]);
    let sequence = take(4);
    let nonce = take(12);
    let length = take(4);
    let text = take(number(length.clone()) + 16);
    let mut key = [0; 32];
    struct Length;
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            32
        }
    }
    let derived = hkdf::Salt::new(hkdf::HKDF_SHA512, &id);
    let derived = derived.extract(&data_key);
    derived.expand(&[&[0x04, 0x78], b"DERIVEKEY"], Length).expect("a key").fill(&mut key).expect("a key");
    let bound = [&id[..], b"AWSKMSEncryptionClient Final Frame", &sequence, &[0; 4], &length].concat();
    String::from_utf8(decrypt(&key, &nonce, &bound, text)).expect("text")
}

fn decrypt(key: &[u8], nonce: &[u8], bound: &[u8], mut text: Vec<u8>) -> Vec<u8> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("a key"));
    let nonce = Nonce::try_assume_unique_for_key(nonce).expect("a nonce");
    key.open_in_place(nonce, Aad::from(bound), &mut text).expect("the text is whole").to_vec()
}

#[tokio::test]
async fn a_function_sends_codes_in_our_place_and_it_alone_can_read_them() {
    let (lambda, server) = house_with_key().await;
    let app = posted(&server, &lambda).await;
    let sub = app.person("ann@example.com").await;
    let challenge = app.asked("ann@example.com").await;
    mail_settles(&server).await;
    assert!(server.mails_to("ann@example.com").await.is_empty());

    let events = lambda.events("post");
    assert_eq!(events.len(), 1);
    let request = &events[0]["request"];
    assert_eq!(events[0]["triggerSource"], "CustomEmailSender_Authentication");
    assert_eq!(
        (&events[0]["userName"], &request["type"]),
        (&json!(sub), &json!("customEmailSenderRequestV1"))
    );
    assert_eq!(request["userAttributes"]["email"], "ann@example.com");
    let code = opened(&text(request, "/code"), &[("userpool-id", &app.pool_id)]);
    app.answers("ann@example.com", &challenge, &code).await.ok();
}

#[tokio::test]
async fn a_function_is_handed_the_notice_of_a_risky_sign_in_without_a_code() {
    let (lambda, server) = house_with_key().await;
    let sender = own_sender(&server, "alerts@example.com").await;
    let config = json!({
        "CustomEmailSender": { "LambdaVersion": "V1_0", "LambdaArn": lambda.arn("post") },
        "KMSKeyID": KEY,
    });
    let watches = json!({
        "LambdaConfig": config, "UserPoolTier": "PLUS", "UserPoolAddOns": { "AdvancedSecurityMode": "ENFORCED" },
    });
    let flows = json!({ "ExplicitAuthFlows": ["ALLOW_ADMIN_USER_PASSWORD_AUTH"] });
    let app = App::with(&server, watches, flows).await;
    app.person("ann@example.com").await;
    app.password("ann@example.com", PASSWORD).await;
    let tells = json!({ "EventAction": "NO_ACTION", "Notify": true });
    let set = json!({ "AccountTakeoverRiskConfiguration": {
        "Actions": { "LowAction": tells, "MediumAction": tells, "HighAction": tells },
        "NotifyConfiguration": { "SourceArn": sender["SourceArn"], "From": "alerts@example.com" },
    } });
    app.signed("SetRiskConfiguration", set).await.ok();
    for address in ["192.0.2.7", "198.51.100.9"] {
        server.clock.advance(1_000);
        let begin = json!({
            "ClientId": app.client_id, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
            "ContextData": {
                "IpAddress": address, "ServerName": "shop.example", "ServerPath": "/login",
                "HttpHeaders": [{ "headerName": "User-Agent", "headerValue": "Firefox/128.0" }],
            },
            "AuthParameters": { "USERNAME": "ann@example.com", "PASSWORD": PASSWORD },
        });
        app.signed("AdminInitiateAuth", begin).await.ok();
    }
    mail_settles(&server).await;
    let events = lambda.events("post");
    let [event] = events.as_slice() else { panic!("one notice: {events:?}") };
    assert_eq!(event["triggerSource"], "CustomEmailSender_AccountTakeOverNotification");
    assert_eq!(event["request"]["userAttributes"]["email"], "ann@example.com");
    assert_eq!(event["request"].get("code"), Some(&Value::Null));
    assert!(server.mails_to("ann@example.com").await.is_empty());
}

#[tokio::test]
async fn temporary_passwords_travel_escaped() {
    let (lambda, server) = house_with_key().await;
    let app = posted(&server, &lambda).await;
    let body = json!({
        "Username": "ann@example.com",
        "TemporaryPassword": "Correct<1>",
        "UserAttributes": [{ "Name": "email", "Value": "ann@example.com" }],
    });
    app.signed("AdminCreateUser", body).await.ok();
    mail_settles(&server).await;
    let events = lambda.events("post");
    assert_eq!(events[0]["triggerSource"], "CustomEmailSender_AdminCreateUser");
    let password = opened(&text(&events[0]["request"], "/code"), &[("userpool-id", &app.pool_id)]);
    assert_eq!(password, "Correct&lt;1&gt;");
}

#[tokio::test]
async fn nobody_is_asked_to_send_to_nobody_and_a_fault_does_not_reach_who_asked() {
    let (lambda, server) = house_with_key().await;
    let app = posted(&server, &lambda).await;
    app.person("ann@example.com").await;
    app.asked("nobody@example.com").await;
    mail_settles(&server).await;
    assert!(lambda.calls().is_empty());

    // What goes wrong behind the call does not reach it.
    lambda.on("post", |_| Does::Throws("The post office is closed"));
    app.asked("ann@example.com").await;
}

#[tokio::test]
async fn what_the_house_says_itself_it_also_sends_itself() {
    let (lambda, server) = house_with_key().await;
    let app = posted(&server, &lambda).await;
    app.person("ann@example.com").await;
    let body = json!({
        "Username": "ann@example.com",
        "Password": "Correct1!",
        "UserAttributes": [{ "Name": "email", "Value": "ann@example.com" }],
    });
    app.public("SignUp", body).await.ok();
    let mail = newest_mail(&server, "ann@example.com").await;
    assert_eq!(mail["subject"], "You already have an account");
    assert!(lambda.calls().is_empty());
}

#[tokio::test]
async fn a_sender_needs_a_key_that_is_known() {
    let (lambda, server) = house().await;
    let sender = json!({ "LambdaVersion": "V1_0", "LambdaArn": lambda.arn("post") });
    let pool = |config: Value| json!({ "PoolName": "people", "LambdaConfig": config });
    let config = json!({ "CustomEmailSender": sender });
    server.signed("CreateUserPool", pool(config)).await.refused("InvalidParameterException");
    let config = json!({ "CustomEmailSender": sender, "KMSKeyID": KEY });
    let words = server.signed("CreateUserPool", pool(config)).await.refused("InvalidParameterException");
    assert_eq!(
        words,
        format!("No key is known for the KMSKeyID {KEY}: see the setting functions.code_keys.")
    );
}

#[tokio::test]
async fn a_function_texts_codes_in_our_place_and_needs_no_role_of_ours() {
    let (lambda, server) = house_with_key().await;
    let number = "+15555550123";
    let settings = json!({
        "UsernameAttributes": ["phone_number"],
        "AutoVerifiedAttributes": ["phone_number"],
        "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "SMS_OTP"] } },
        "LambdaConfig": {
            "CustomSMSSender": { "LambdaVersion": "V1_0", "LambdaArn": lambda.arn("texter") },
            "KMSKeyID": KEY,
        },
    });
    let app = App::with(&server, settings, json!({})).await;
    let sign_up = json!({
        "Username": number,
        "UserAttributes": [{ "Name": "phone_number", "Value": number }],
        "ClientMetadata": { "shop": "north" },
    });
    let made = app.public("SignUp", sign_up).await.ok();
    assert_eq!(made["CodeDeliveryDetails"]["DeliveryMedium"], "SMS");
    mail_settles(&server).await;
    let code_of = |event: &Value| opened(&text(&event["request"], "/code"), &[("userpool-id", &app.pool_id)]);
    let event = lambda.events("texter").remove(0);
    assert_eq!(event["triggerSource"], "CustomSMSSender_SignUp");
    assert_eq!(event["request"]["type"], "customSMSSenderRequestV1");
    assert_eq!(event["request"]["userAttributes"]["phone_number"], number);
    assert_eq!(event["request"]["clientMetadata"], json!({ "shop": "north" }));
    let confirm = json!({ "Username": number, "ConfirmationCode": code_of(&event) });
    app.public("ConfirmSignUp", confirm).await.ok();

    let begin = |name: &str| {
        let parameters = json!({ "USERNAME": name, "PREFERRED_CHALLENGE": "SMS_OTP" });
        json!({ "AuthFlow": "USER_AUTH", "AuthParameters": parameters })
    };
    lambda.forget();
    let asked = app.public("InitiateAuth", begin(number)).await.ok();
    assert_eq!(asked["ChallengeName"], "SMS_OTP");
    mail_settles(&server).await;
    assert!(server.mails_to(number).await.is_empty());
    let events = lambda.events("texter");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["triggerSource"], "CustomSMSSender_Authentication");
    let answer = json!({ "USERNAME": number, "SMS_OTP_CODE": code_of(&events[0]) });
    app.replies(&challenge(&asked), answer).await.ok();

    // Nobody's number is asked for alike, and the function is not called for it; its faults stay its own.
    lambda.forget();
    app.public("InitiateAuth", begin("+15555550999")).await.ok();
    mail_settles(&server).await;
    assert!(lambda.calls().is_empty());
    lambda.on("texter", |_| Does::Throws("No signal"));
    app.public("InitiateAuth", begin(number)).await.ok();
}
