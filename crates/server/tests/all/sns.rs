//! SNS as its clients call it: text messages to numbers, the account's attributes, the sandbox, and numbers that want
//! no texts.

use crate::story::{another, mail_settles, newest_mail, text};
use crate::support::{Answer, Key, TestServer, allowing};
use postern_model::Service;
use serde_json::json;

const NUMBER: &str = "+15555550123";

async fn sns(server: &TestServer, action: &str, parameters: &[(&str, &str)]) -> Answer {
    sns_by(server, &server.key, action, parameters).await
}

async fn sns_by(server: &TestServer, key: &Key, action: &str, parameters: &[(&str, &str)]) -> Answer {
    // Messages are in order of time, so no two are sent in the same moment.
    server.clock.advance(1);
    server.client.form(Service::Sns, action, parameters, Some(key)).await
}

async fn states(server: &TestServer) -> Vec<(String, String)> {
    mail_settles(server).await;
    let rows = server.app.store.read(|tx| tx.list_mails(None, 10)).await.expect("the outbox");
    rows.into_iter().map(|row| (row.state, row.reply)).collect()
}

#[tokio::test]
async fn a_text_is_published_to_a_number() {
    let server = TestServer::start().await;
    let parameters = [
        ("PhoneNumber", NUMBER),
        ("Message", "Hello & goodbye"),
        ("MessageAttributes.entry.1.Name", "AWS.SNS.SMS.SenderID"),
        ("MessageAttributes.entry.1.Value.DataType", "String"),
        ("MessageAttributes.entry.1.Value.StringValue", "Acme"),
    ];
    let sent = sns(&server, "Publish", &parameters).await.ok();
    assert_eq!(sent.xml("MessageId").len(), 36, "a UUID");
    assert!(sent.text.contains("http://sns.amazonaws.com/doc/2010-03-31/"));
    let message = newest_mail(&server, NUMBER).await;
    assert_eq!((text(&message, "/text"), text(&message, "/from")), ("Hello & goodbye".into(), "Acme".into()));
}

#[tokio::test]
async fn what_is_no_text_is_refused_in_the_words_of_sns() {
    let server = TestServer::start().await;
    let sender = |id: &'static str| {
        vec![
            ("PhoneNumber", NUMBER),
            ("Message", "x"),
            ("MessageAttributes.entry.1.Name", "AWS.SNS.SMS.SenderID"),
            ("MessageAttributes.entry.1.Value.DataType", "String"),
            ("MessageAttributes.entry.1.Value.StringValue", id),
        ]
    };
    let long = "a".repeat(1601);
    for (parameters, words) in [
        (
            vec![("PhoneNumber", "+1a234"), ("Message", "x")],
            "Invalid parameter: PhoneNumber Reason: +1a234 is not valid to publish to",
        ),
        (
            vec![("Message", "x")],
            "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter",
        ),
        (vec![("PhoneNumber", NUMBER), ("Message", "")], "Invalid parameter: Empty message"),
        (vec![("PhoneNumber", NUMBER), ("Message", &long)], "Invalid parameter: Message too long"),
        (sender("AB"), "Invalid parameter: AWS.SNS.SMS.SenderID is invalid"),
        (sender("123456"), "Invalid parameter: AWS.SNS.SMS.SenderID is invalid"),
    ] {
        assert_eq!(sns(&server, "Publish", &parameters).await.refused("InvalidParameter"), words);
    }
    let topic = [("TopicArn", "arn:aws:sns:us-east-1:123456789012:codes"), ("Message", "x")];
    sns(&server, "Publish", &topic).await.refused("NotFound");
    assert!(states(&server).await.is_empty());
}

#[tokio::test]
async fn only_a_statement_on_every_resource_lets_somebody_text_a_number() {
    let server = TestServer::start().await;
    let parameters = [("PhoneNumber", NUMBER), ("Message", "x")];
    let topic = "arn:aws:sns:us-east-1:123456789012:*";
    let topics = server.user_with_policy("topics", &allowing(&["sns:Publish"], &[topic])).await;
    let refused = sns_by(&server, &topics, "Publish", &parameters).await;
    assert_eq!(refused.status, 403);
    let words = refused.refused("AuthorizationError");
    assert!(words.contains("is not authorized to perform: SNS:Publish on resource: +15555550123"), "{words}");
    assert!(words.contains("because no identity-based policy allows the SNS:Publish action"), "{words}");

    let texter = server.user_with_policy("texter", &allowing(&["sns:Publish"], &["*"])).await;
    sns_by(&server, &texter, "Publish", &parameters).await.ok();
    // The usual guard: everything but topics.
    let guard = json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Effect": "Allow", "Action": "sns:*", "Resource": "*" },
            { "Effect": "Deny", "Action": "sns:Publish", "NotResource": "arn:aws:sns:*:*:*" },
        ],
    });
    let guarded = server.user_with_policy("guarded", &guard).await;
    sns_by(&server, &guarded, "Publish", &parameters).await.refused("AuthorizationError");
    server
        .client
        .form(Service::Sns, "Publish", &parameters, None)
        .await
        .refused("MissingAuthenticationToken");
}

#[tokio::test]
async fn attributes_of_the_account_hold_for_texts_that_say_nothing_else() {
    let server = TestServer::start().await;
    let set = |name: &'static str, value: &'static str| {
        [("attributes.entry.1.key", name), ("attributes.entry.1.value", value)]
    };
    sns(&server, "SetSMSAttributes", &set("DefaultSenderID", "Acme")).await.ok();
    sns(&server, "SetSMSAttributes", &set("DefaultSMSType", "Transactional")).await.ok();
    for (name, value) in [
        ("DefaultSenderID", "12345"),
        ("DefaultSMSType", "Urgent"),
        ("Colour", "red"),
        ("MonthlySpendLimit", "-1"),
        ("MonthlySpendLimit", "a lot"),
        ("UsageReportS3Bucket", "bucket"),
    ] {
        let words = sns(&server, "SetSMSAttributes", &set(name, value)).await.refused("InvalidParameter");
        assert!(words.starts_with("Invalid parameter: "), "{words}");
    }
    let all = sns(&server, "GetSMSAttributes", &[]).await.ok();
    assert!(all.text.contains("<key>MonthlySpendLimit</key><value>1</value>"), "{}", all.text);
    assert!(all.text.contains("<key>DefaultSenderID</key><value>Acme</value>"), "{}", all.text);
    let one = sns(&server, "GetSMSAttributes", &[("attributes.member.1", "DefaultSMSType")]).await.ok();
    assert!(one.text.contains("Transactional") && !one.text.contains("Acme"), "{}", one.text);
    sns(&server, "Publish", &[("PhoneNumber", NUMBER), ("Message", "x")]).await.ok();
    assert_eq!(text(&newest_mail(&server, NUMBER).await, "/from"), "Acme");
}

#[tokio::test]
async fn in_the_sandbox_only_verified_numbers_get_texts() {
    let server = TestServer::with(|settings| settings.text_sandbox = true).await;
    assert_eq!(sns(&server, "GetSMSSandboxAccountStatus", &[]).await.ok().xml("IsInSandbox"), "true");
    let publish = [("PhoneNumber", NUMBER), ("Message", "Hello")];
    sns(&server, "Publish", &publish).await.ok();
    let failed = ("failed".to_owned(), "the number is not verified in the SMS sandbox".to_owned());
    assert_eq!(states(&server).await, [failed]);
    assert!(server.mails_to(NUMBER).await.is_empty());

    let german = [("PhoneNumber", NUMBER), ("LanguageCode", "de-DE")];
    sns(&server, "CreateSMSSandboxPhoneNumber", &german).await.ok();
    let message = newest_mail(&server, NUMBER).await;
    let code = text(&message, "/code");
    assert_eq!(text(&message, "/text"), format!("Ihr Bestätigungscode lautet {code}."));
    let guess = another(&code);
    let parameters = [("PhoneNumber", NUMBER), ("OneTimePassword", guess.as_str())];
    let wrong = sns(&server, "VerifySMSSandboxPhoneNumber", &parameters).await;
    wrong.refused("VerificationException");
    let parameters = [("PhoneNumber", NUMBER), ("OneTimePassword", code.as_str())];
    sns(&server, "VerifySMSSandboxPhoneNumber", &parameters).await.ok();
    sns(&server, "VerifySMSSandboxPhoneNumber", &parameters).await.refused("VerificationException");
    let listed = sns(&server, "ListSMSSandboxPhoneNumbers", &[]).await.ok();
    assert_eq!((listed.xml("PhoneNumber"), listed.xml("Status")), (NUMBER.into(), "Verified".into()));
    sns(&server, "Publish", &publish).await.ok();
    assert_eq!(text(&newest_mail(&server, NUMBER).await, "/text"), "Hello");

    // A number stays a day.
    let number = [("PhoneNumber", NUMBER)];
    sns(&server, "DeleteSMSSandboxPhoneNumber", &number).await.refused("UserError");
    server.clock.advance(24 * 3_600_000);
    sns(&server, "DeleteSMSSandboxPhoneNumber", &number).await.ok();
    sns(&server, "DeleteSMSSandboxPhoneNumber", &number).await.refused("ResourceNotFound");
    sns(&server, "VerifySMSSandboxPhoneNumber", &parameters).await.refused("ResourceNotFound");
}

#[tokio::test]
async fn a_sandbox_code_dies_and_bears_five_guesses() {
    let server = TestServer::with(|settings| settings.text_sandbox = true).await;
    let number = [("PhoneNumber", NUMBER)];
    sns(&server, "CreateSMSSandboxPhoneNumber", &number).await.ok();
    let code = text(&newest_mail(&server, NUMBER).await, "/code");
    let wrong = another(&code);
    for _ in 0..5 {
        let guess = [("PhoneNumber", NUMBER), ("OneTimePassword", wrong.as_str())];
        sns(&server, "VerifySMSSandboxPhoneNumber", &guess).await.refused("VerificationException");
    }
    let right = [("PhoneNumber", NUMBER), ("OneTimePassword", code.as_str())];
    sns(&server, "VerifySMSSandboxPhoneNumber", &right).await.refused("VerificationException");

    sns(&server, "CreateSMSSandboxPhoneNumber", &number).await.ok();
    let code = text(&newest_mail(&server, NUMBER).await, "/code");
    server.clock.advance(15 * 60_000);
    let late = [("PhoneNumber", NUMBER), ("OneTimePassword", code.as_str())];
    sns(&server, "VerifySMSSandboxPhoneNumber", &late).await.refused("VerificationException");

    for _ in 0..3 {
        sns(&server, "CreateSMSSandboxPhoneNumber", &number).await.ok();
    }
    sns(&server, "CreateSMSSandboxPhoneNumber", &number).await.refused("Throttled");
    for last in 1..10 {
        let other = format!("+1555555020{last}");
        sns(&server, "CreateSMSSandboxPhoneNumber", &[("PhoneNumber", other.as_str())]).await.ok();
    }
    let eleventh = [("PhoneNumber", "+15555550300")];
    sns(&server, "CreateSMSSandboxPhoneNumber", &eleventh).await.refused("UserError");
}

#[tokio::test]
async fn a_number_that_texts_stop_gets_nothing_until_it_is_opted_in() {
    let server = TestServer::start().await;
    let reply = |words: &str| json!({ "from": NUMBER, "text": words }).to_string();
    let answer = server.client.post("/inbox/api/replies", &reply("thanks")).await.ok();
    assert_eq!(answer.body["optedOut"], false);
    let answer = server.client.post("/inbox/api/replies", &reply(" stop ")).await.ok();
    assert_eq!(answer.body["optedOut"], true);

    let publish = [("PhoneNumber", NUMBER), ("Message", "Hello")];
    sns(&server, "Publish", &publish).await.ok();
    let stopped = ("suppressed".to_owned(), "the number has opted out of text messages".to_owned());
    assert_eq!(states(&server).await, [stopped]);
    let number = [("phoneNumber", NUMBER)];
    let is_out = async || sns(&server, "CheckIfPhoneNumberIsOptedOut", &number).await.ok().xml("isOptedOut");
    assert_eq!(is_out().await, "true");
    assert!(sns(&server, "ListPhoneNumbersOptedOut", &[]).await.ok().text.contains(NUMBER));
    sns(&server, "CreateSMSSandboxPhoneNumber", &[("PhoneNumber", NUMBER)]).await.refused("OptedOut");

    sns(&server, "OptInPhoneNumber", &number).await.ok();
    assert_eq!(is_out().await, "false");
    sns(&server, "Publish", &publish).await.ok();
    assert_eq!(text(&newest_mail(&server, NUMBER).await, "/text"), "Hello");
    // Once in thirty days.
    server.client.post("/inbox/api/replies", &reply("STOP")).await.ok();
    sns(&server, "OptInPhoneNumber", &number).await.refused("InvalidParameter");
    server.clock.advance(30 * 24 * 3_600_000);
    sns(&server, "OptInPhoneNumber", &number).await.ok();
    let words = sns(&server, "OptInPhoneNumber", &[("phoneNumber", "5")]).await.refused("InvalidParameter");
    assert_eq!(words, "Invalid parameter: PhoneNumber Reason: input incorrectly formatted");
}

#[tokio::test]
async fn no_more_is_spent_in_a_month_than_was_said_nor_on_a_text_than_it_may_cost() {
    let server = TestServer::strict().await;
    let limit = [("attributes.entry.1.key", "MonthlySpendLimit"), ("attributes.entry.1.value", "0.1")];
    sns(&server, "SetSMSAttributes", &limit).await.ok();
    let shown = sns(&server, "GetSMSAttributes", &[]).await.ok();
    assert!(shown.text.contains("<key>MonthlySpendLimit</key><value>0.1</value>"), "{}", shown.text);
    let publish = |price: &'static str| {
        vec![
            ("PhoneNumber", NUMBER),
            ("Message", "x"),
            ("MessageAttributes.entry.1.Name", "AWS.SNS.SMS.MaxPrice"),
            ("MessageAttributes.entry.1.Value.DataType", "Number"),
            ("MessageAttributes.entry.1.Value.StringValue", price),
        ]
    };
    sns(&server, "Publish", &publish("dear")).await.refused("InvalidParameter");
    // A part costs 0.05, as long as nobody says otherwise.
    for price in ["0.04", "0.05", "0.5", "0.5"] {
        sns(&server, "Publish", &publish(price)).await.ok();
    }
    let failed = |why: &str| ("failed".to_owned(), why.to_owned());
    let states = states(&server).await;
    assert_eq!(states[3], failed("the message costs more than its MaxPrice"));
    assert_eq!(states[0], failed("what may be spent on text messages in this month is spent"));
    assert_eq!(server.mails_to(NUMBER).await.len(), 2);
    let more = [("attributes.entry.1.key", "MonthlySpendLimit"), ("attributes.entry.1.value", "1")];
    sns(&server, "SetSMSAttributes", &more).await.ok();
    sns(&server, "Publish", &publish("0.5")).await.ok();
    assert_eq!(server.mails_to(NUMBER).await.len(), 3);
}
