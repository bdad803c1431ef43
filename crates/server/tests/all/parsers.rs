//! Parsers that strangers reach beside the pages and the operations' documents: addresses, the `Authorization` of
//! signatures, templates of messages, and reports of mails that came back. Each is fed a kept corpus and what is drawn
//! from it; what once broke something is added to `tests/corpus`.

use crate::fuzz::drawn;
use crate::story::{App, code_in, newest_mail, text};
use crate::support::TestServer;
use http::HeaderValue;
use postern_mail::address::{Address, Mailbox};
use serde_json::json;

/// Draws for each line of a corpus: many where nothing but the parser runs, few where a server answers.
const PURE: usize = 2_000;
const SERVED: usize = 25;

#[test]
fn an_address_that_is_taken_is_one_mailbox_and_stays_so() {
    for text in drawn(include_str!("../corpus/address.txt"), PURE) {
        // It has to end, whatever it gives.
        let _ = Mailbox::parse(&text);
        let Ok(address) = Address::parse(&text) else { continue };
        let spelling = address.spelling();
        assert!(spelling.is_ascii() && spelling.len() <= 254, "{text:?}");
        assert_eq!(spelling.matches('@').count(), 1, "{text:?}");
        let is_plain = |c: char| c.is_ascii_graphic() && !"\"(),:;<>[\\]".contains(c);
        assert!(spelling.chars().all(is_plain), "{text:?}");
        assert_eq!(Address::parse(&spelling).as_ref(), Ok(&address), "{text:?}");
        let canonical = address.canonical();
        assert_eq!(Address::parse(&canonical).map(|twin| twin.canonical()), Ok(canonical), "{text:?}");
    }
}

#[tokio::test]
async fn no_authorization_opens_anything_but_a_signature() {
    let server = TestServer::start().await;
    for line in drawn(include_str!("../corpus/authorization.txt"), SERVED) {
        let Ok(value) = HeaderValue::from_str(&line) else { continue };
        for target in ["AWSCognitoIdentityProviderService.ListUserPools", "AmazonSimpleEmailService.x"] {
            let request = server.client.request("POST", "/");
            let request = request
                .header("content-type", "application/x-amz-json-1.1")
                .header("x-amz-target", target)
                .header("authorization", value.clone())
                .body("{\"MaxResults\":1}".into());
            let reply = server.client.send(request.expect("a request")).await;
            assert!((400..500).contains(&reply.status), "{} for {line}", reply.status);
            assert!(reply.body["__type"].is_string(), "{}", reply.text);
        }
    }
}

#[tokio::test]
async fn a_template_that_is_taken_makes_a_mail_with_the_code() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let mut taken = 0;
    for (number, line) in drawn(include_str!("../corpus/template.txt"), SERVED).into_iter().enumerate() {
        let words = json!({
            "EmailMessage": line, "EmailSubject": "Code", "DefaultEmailOption": "CONFIRM_WITH_CODE",
        });
        let reply = app.signed(
            "UpdateUserPool",
            json!({
                "VerificationMessageTemplate": words, "AutoVerifiedAttributes": ["email"],
            }),
        );
        let reply = reply.await;
        assert!(reply.status < 500, "{line:?}: {}", reply.text);
        if reply.status != 200 {
            continue;
        }
        taken += 1;
        let address = format!("p{number}@example.com");
        let attributes = json!([{ "Name": "email", "Value": address }]);
        app.public(
            "SignUp",
            json!({
                "Username": address, "Password": "Correct-horse-1", "UserAttributes": attributes,
            }),
        )
        .await
        .ok();
        let mail = newest_mail(&server, &address).await;
        let (said, code) = (format!("{}{}", text(&mail, "/text"), mail["html"]), code_in(&mail));
        assert!(said.contains(&code), "{line:?}: {said:?}");
    }
    assert!(taken > 20, "{taken} templates");
}

#[tokio::test]
async fn no_report_of_a_mail_that_came_back_meets_a_fault_or_is_believed() {
    let server =
        TestServer::with(|settings| settings.ses.report_domains = vec!["mail.test".to_owned()]).await;
    for line in drawn(include_str!("../corpus/report.txt"), SERVED) {
        let reply = server.client.post("/notices/dsn", &line.replace('|', "\r\n")).await;
        assert_eq!(reply.status, 403, "{line:?}");
    }
    let listed = server.ses("GET", "/suppression/addresses", json!({})).await.ok().body;
    assert_eq!(listed["SuppressedDestinationSummaries"].as_array().map(Vec::len), Some(0));
}
