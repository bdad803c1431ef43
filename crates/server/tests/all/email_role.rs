//! Who may send a pool's mail: the service-linked role, decided anew for each mail, and an audit that says why not.

use crate::story::{App, mail_settles, newest_mail, own_sender, text};
use crate::support::TestServer;
use serde_json::json;

const ALICE: &str = "alice@example.com";
const SENDER: &str = "no-reply@example.com";
pub const ROLE: &str = "AWSServiceRoleForAmazonCognitoIdpEmailService";
const POLICY: &str = "arn:aws:iam::aws:policy/aws-service-role/AmazonCognitoIdpEmailServiceRolePolicy";

/// A pool that sends as a verified address, through the role.
pub async fn developer_pool(server: &TestServer) -> App<'_> {
    let email = own_sender(server, SENDER).await;
    App::with(server, json!({ "EmailConfiguration": email }), json!({})).await
}

/// What no call of IAM does to the role, an operator with the database at hand does.
pub async fn detach_the_roles_policy(server: &TestServer) {
    let detached = server.app.store.write(|tx| {
        let role = tx.find_iam_role(ROLE)?.expect("the role");
        tx.detach_policy(&role.id, POLICY)
    });
    detached.await.expect("the store answers");
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
    detach_the_roles_policy(&server).await;
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

#[tokio::test]
async fn the_default_service_sends_as_an_address_whose_own_policy_lets_it() {
    let server = TestServer::start().await;
    let mut email = own_sender(&server, SENDER).await;
    email["EmailSendingAccount"] = "COGNITO_DEFAULT".into();
    email["ReplyToEmailAddress"] = "help@example.com".into();
    let app = App::with(&server, json!({ "EmailConfiguration": email }), json!({})).await;
    let shown = app.signed("DescribeUserPool", json!({})).await.ok();
    assert_eq!(shown["UserPool"]["EmailConfiguration"], email);
    app.person(ALICE).await;
    // Without a policy nobody lends it.
    app.asks(ALICE).await.refused_as("InvalidEmailRoleAccessPolicyException");
    let account = &server.app.account;
    let lends = |pool: &str| {
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": "email.cognito-idp.amazonaws.com" },
                "Action": ["ses:SendEmail", "ses:SendRawEmail"],
                "Resource": format!("arn:aws:ses:us-east-1:{account}:identity/{SENDER}"),
                "Condition": {
                    "StringEquals": { "aws:SourceAccount": account.to_string() },
                    "ArnLike": { "aws:SourceArn": format!("arn:aws:cognito-idp:us-east-1:{account}:userpool/{pool}") },
                },
            }],
        })
        .to_string()
    };
    let path = format!("/identities/{}/policies/codes", SENDER.replace('@', "%40"));
    // Nor by one that lends it to another pool.
    server.ses("POST", &path, json!({ "Policy": lends("us-east-1_another") })).await.ok();
    app.asks(ALICE).await.refused_as("InvalidEmailRoleAccessPolicyException");
    server.ses("PUT", &path, json!({ "Policy": lends(&app.pool_id) })).await.ok();
    app.signs_in(ALICE).await;
    let mail = newest_mail(&server, ALICE).await;
    assert_eq!(text(&mail, "/from"), format!("Acme <{SENDER}>"));
    // No role was needed, and none was made.
    server.iam("GetRole", &[("RoleName", ROLE)]).await.refused("NoSuchEntity");

    // An address that is not verified is none, and a name needs the identity that it is of.
    let mut stranger = email.clone();
    stranger["SourceArn"] = format!("arn:aws:ses:us-east-1:{account}:identity/stranger@example.org").into();
    let update = json!({ "EmailConfiguration": stranger });
    app.signed("UpdateUserPool", update).await.refused_as("InvalidParameterException");
    let update = json!({ "EmailConfiguration": { "From": "a@example.com" } });
    app.signed("UpdateUserPool", update)
        .await
        .refused("InvalidParameterException", "SourceArn is required where From is given.");
}
