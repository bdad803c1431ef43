//! A test call of a trigger's function, in the console and by its operation.

use crate::console::{audit, closed, pool, sign_in};
use crate::functions::{config, house};
use crate::pages::browser::Browser;
use crate::support::{Answer, Does, Key, TestServer, allowing};
use postern_model::Service;
use serde_json::{Value, json};

async fn test(server: &TestServer, key: &Key, pool_id: &str, trigger: &str) -> Answer {
    let input = json!({ "UserPoolId": pool_id, "Trigger": trigger });
    server.client.json_to(Service::Postern, "TestFunction", &input, Some(key)).await
}

/// Every trigger whose answer the story waits for, and what its event is called.
const TRIGGERS: [(&str, &str); 10] = [
    ("PreSignUp", "PreSignUp_SignUp"),
    ("PostConfirmation", "PostConfirmation_ConfirmSignUp"),
    ("UserMigration", "UserMigration_Authentication"),
    ("PreAuthentication", "PreAuthentication_Authentication"),
    ("PostAuthentication", "PostAuthentication_Authentication"),
    ("PreTokenGeneration", "TokenGeneration_Authentication"),
    ("DefineAuthChallenge", "DefineAuthChallenge_Authentication"),
    ("CreateAuthChallenge", "CreateAuthChallenge_Authentication"),
    ("VerifyAuthChallengeResponse", "VerifyAuthChallengeResponse_Authentication"),
    ("CustomMessage", "CustomMessage_Authentication"),
];

#[tokio::test]
async fn every_trigger_can_be_tried_with_the_event_that_a_sign_in_sends() {
    let (lambda, server) = house().await;
    let named = TRIGGERS.map(|(trigger, _)| (trigger, trigger));
    lambda.fills("DefineAuthChallenge", json!({ "issueTokens": true }));
    let made = json!({ "PoolName": "Shop", "LambdaConfig": config(&lambda, &named) });
    let pool_id = server.signed("CreateUserPool", made).await.ok().text_at("UserPool.Id");
    for (trigger, source) in TRIGGERS {
        lambda.forget();
        let told = test(&server, &server.key, &pool_id, trigger).await.ok();
        assert_eq!(told.body.get("Fault"), None, "{trigger}: {}", told.text);
        let events = lambda.events(trigger);
        assert_eq!(events.len(), 1, "{trigger} is asked once");
        assert_eq!(events[0]["triggerSource"], source);
        let event: Value = serde_json::from_str(&told.text_at("Event")).expect("JSON");
        assert_eq!((&event, told.text_at("Function")), (&events[0], lambda.arn(trigger)));
        assert!(events[0].to_string().contains("sample"), "{}", events[0]);
    }
    // It was nobody's sign-in: nobody has come to be, and no mail has gone out.
    let users = server.signed("ListUsers", json!({ "UserPoolId": pool_id })).await.ok();
    assert_eq!(users.body["Users"], json!([]));
    assert!(server.mails_to("sample@example.com").await.is_empty());
}

#[tokio::test]
async fn what_the_story_has_against_an_answer_is_told_word_for_word() {
    let (lambda, server) = house().await;
    let triggers = [("PreSignUp", "gate"), ("CustomMessage", "words"), ("PreAuthentication", "lost")];
    let made = json!({ "PoolName": "Shop", "LambdaConfig": config(&lambda, &triggers) });
    let pool_id = server.signed("CreateUserPool", made).await.ok().text_at("UserPool.Id");
    let fault =
        async |trigger: &str| test(&server, &server.key, &pool_id, trigger).await.ok().text_at("Fault");
    lambda.on("gate", |_| Does::Throws("No guests"));
    assert_eq!(fault("PreSignUp").await, "PreSignUp failed with error No guests.");
    lambda.on("gate", |_| Does::Answers(json!({ "nothing": 1 })));
    assert_eq!(fault("PreSignUp").await, "Unrecognizable lambda output");
    lambda.on("gate", |_| Does::Sleeps);
    assert!(fault("PreSignUp").await.contains("Socket timeout while invoking Lambda function"));
    // A message without its code would be refused at a sign-in, and so it is here.
    lambda.fills("words", json!({ "emailSubject": "Hello", "emailMessage": "No place for it" }));
    assert!(fault("CustomMessage").await.starts_with("CustomMessage: "));
    lambda.on("lost", |_| Does::Says(404, &[("x-amzn-errortype", "ResourceNotFoundException")], "{}"));
    assert!(fault("PreAuthentication").await.contains("ResourceNotFoundException"));
    // A trigger without a function, a pool that is not there, a word that is no trigger.
    test(&server, &server.key, &pool_id, "UserMigration").await.refused("InvalidParameterException");
    test(&server, &server.key, "us-east-1_Nowhere1", "PreSignUp").await.refused("ResourceNotFoundException");
    test(&server, &server.key, &pool_id, "PreSign").await.refused("InvalidParameterException");
}

#[tokio::test]
async fn the_console_shows_what_was_asked_and_answered() {
    let (lambda, server) = house().await;
    let browser = Browser::new(&server.url);
    let empty = pool(&server, "Empty").await;
    browser.visit(&format!("/console/pools/{empty}/extensions")).await.says_not("Test a function");
    browser.visit(&format!("/console/pools/{empty}/extensions/test")).await.says("no function yet");

    let made = json!({ "PoolName": "Shop", "LambdaConfig": config(&lambda, &[("PreSignUp", "gate")]) });
    let pool_id = server.signed("CreateUserPool", made).await.ok().text_at("UserPool.Id");
    lambda.fills("gate", json!({ "autoConfirmUser": true, "note": "<b>bold</b>" }));
    let page = browser.visit(&format!("/console/pools/{pool_id}/extensions")).await;
    let path = page.link("Test a function");
    let form = browser.visit(&path).await;
    form.says("Pre sign-up").says_not("Migrate user");
    let shown = browser.press(&form, &path, &[("trigger", "PreSignUp")]).await;
    shown.says("Answered in").says("PreSignUp_SignUp").says("autoConfirmUser").says_not("<b>bold");
    lambda.on("gate", |_| Does::Throws("No guests"));
    browser.press(&shown, &path, &[("trigger", "PreSignUp")]).await.says("failed with error No guests.");
    let noted = audit(&server).await;
    let of = |record: &&postern_store::audit::AuditRecord| record.action == "postern:TestFunction";
    let record = noted.iter().find(of).expect("it is in the audit");
    assert!(record.resource.ends_with(&format!("userpool/{pool_id}")), "{}", record.resource);
}

#[tokio::test]
async fn who_may_only_look_after_people_calls_no_function() {
    let server = closed().await;
    let pool_id = pool(&server, "Shop").await;
    for policy in ["ReadOnlyAccess", "PosternOperatorAccess"] {
        server.iam("CreateUser", &[("UserName", policy)]).await.ok();
        let arn = format!("arn:aws:iam::aws:policy/{policy}");
        server.iam("AttachUserPolicy", &[("UserName", policy), ("PolicyArn", &arn)]).await.ok();
        let made = server.iam("CreateAccessKey", &[("UserName", policy)]).await.ok();
        let key = Key::new(&made.xml("AccessKeyId"), &made.xml("SecretAccessKey"));
        test(&server, &key, &pool_id, "PreSignUp").await.refused("AccessDeniedException");
        let (browser, _) = sign_in(&server, &key).await;
        browser.visit("/console/activity").await.says("Calls and sign-ins");
    }
    // One pool is not another.
    let other = pool(&server, "Other").await;
    let arn = format!("arn:aws:cognito-idp:us-east-1:123456789012:userpool/{other}");
    let key = server.user_with_policy("one", &allowing(&["postern:TestFunction"], &[&arn])).await;
    test(&server, &key, &pool_id, "PreSignUp").await.refused("AccessDeniedException");
    test(&server, &key, &other, "PreSignUp").await.refused("InvalidParameterException");
}
