//! Who may send a pool's mail: the service-linked role, decided anew for each mail, and an audit that says why not.

use crate::story::{App, mail_settles, newest_mail, own_sender, text};
use crate::support::TestServer;
use serde_json::json;

const ALICE: &str = "alice@example.com";
const SENDER: &str = "no-reply@example.com";
const ROLE: &str = "AWSServiceRoleForAmazonCognitoIdpEmailService";
const POLICY: &str = "arn:aws:iam::aws:policy/aws-service-role/AmazonCognitoIdpEmailServiceRolePolicy";

/// A pool that sends as a verified address, through the role.
async fn developer_pool(server: &TestServer) -> App<'_> {
    let email = own_sender(server, SENDER).await;
    App::with(server, json!({ "EmailConfiguration": email }), json!({})).await
}

/// The newest record of the audit about a mail.
async fn why(server: &TestServer) -> (String, String) {
    let records = server.app.store.read(|tx| tx.newest_audit(20)).await.expect("the audit");
    let record = records.into_iter().find(|record| record.action == "SendMail").expect("a record");
    (record.outcome, record.detail)
}

#[tokio::test]
async fn the_roles_policy_lets_the_code_go_and_without_it_no_mail_leaves() {
    let server = TestServer::start().await;
    let app = developer_pool(&server).await;
    app.person(ALICE).await;
    app.signs_in(ALICE).await;
    assert_eq!(text(&newest_mail(&server, ALICE).await, "/from"), format!("Acme <{SENDER}>"));

    // Nobody detaches it through IAM: the role is protected.
    let words = server.iam("DetachRolePolicy", &[("RoleName", ROLE), ("PolicyArn", POLICY)]).await;
    assert!(words.refused("UnmodifiableEntity").contains("this role is only modifiable by AWS"));
    app.signs_in(ALICE).await;

    // An operator with the database at hand does, and the next mail is not sent.
    let before = server.mails_to(ALICE).await.len();
    server
        .app
        .store
        .write(|tx| {
            let role = tx.find_iam_role(ROLE)?.expect("the role");
            tx.detach_policy(&role.id, POLICY)
        })
        .await
        .expect("the store answers");
    app.asks(ALICE).await.refused_as("InvalidEmailRoleAccessPolicyException");
    mail_settles(&server).await;
    assert_eq!(server.mails_to(ALICE).await.len(), before);
    let (outcome, detail) = why(&server).await;
    assert_eq!(outcome, "InvalidEmailRoleAccessPolicyException");
    assert!(detail.contains("ses:SendEmail") && detail.contains(ROLE), "{detail}");
}

#[tokio::test]
async fn a_policy_of_the_identity_that_denies_stops_the_mail_until_it_is_gone() {
    let server = TestServer::start().await;
    let app = developer_pool(&server).await;
    app.person(ALICE).await;
    let account = &server.app.account;
    let role = format!("arn:aws:iam::{account}:role/aws-service-role/email.cognito-idp.amazonaws.com/{ROLE}");
    let deny = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Deny",
            "Principal": { "AWS": role },
            "Action": "ses:SendEmail",
            "Resource": format!("arn:aws:ses:us-east-1:{account}:identity/{SENDER}"),
        }],
    });
    let path = format!("/identities/{}/policies/no-codes", SENDER.replace('@', "%40"));
    server.ses("POST", &path, json!({ "Policy": deny.to_string() })).await.ok();
    app.asks(ALICE).await.refused_as("InvalidEmailRoleAccessPolicyException");
    let (_, detail) = why(&server).await;
    assert!(detail.contains("no-codes"), "the record names the policy that decides: {detail}");
    assert!(!detail.contains(ALICE));
    assert!(server.mails_to(ALICE).await.is_empty());

    server.ses("DELETE", &path, json!(null)).await.ok();
    app.signs_in(ALICE).await;
}
