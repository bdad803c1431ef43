//! The mail service as those who run and use it find it: who may do what to an identity, the way out of the sandbox, and the
//! records that prove a domain.

use crate::email_role::ROLE;
use crate::pages::browser::Browser;
use crate::story::{App, own_sender};
use crate::support::{TestServer, allowing};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_model::Service;
use serde_json::{Value, json};

const ACCOUNT: &str = "123456789012";

#[tokio::test]
async fn an_identity_is_the_same_however_its_name_is_spelled() {
    let server = TestServer::start().await;
    for name in ["shop.example.net", "xn--bcher-kva.example.net"] {
        server.ses("POST", "/identities", json!({ "EmailIdentity": name })).await.ok();
    }
    let arn = |name: &str| format!("arn:aws:ses:us-east-1:{ACCOUNT}:identity/{name}");
    let key = server
        .user_with_policy(
            "clerk",
            &json!({ "Version": "2012-10-17", "Statement": [
                { "Effect": "Allow", "Action": "ses:*", "Resource": "*" },
                { "Effect": "Deny", "Action": "ses:*",
                    "Resource": [arn("shop.example.net"), arn("xn--bcher-kva.example.net")] },
            ] }),
        )
        .await;
    for spelled in ["shop.example.net", "SHOP.example.net", "shop.EXAMPLE.net", "b%C3%BCcher.example.net"] {
        for method in ["GET", "DELETE"] {
            let path = format!("/identities/{spelled}");
            server.ses_by(&key, method, &path, Value::Null).await.refused("AccessDeniedException");
        }
        let dkim = format!("/identities/{spelled}/dkim");
        server
            .ses_by(&key, "PUT", &dkim, json!({ "SigningEnabled": false }))
            .await
            .refused("AccessDeniedException");
    }
    server.ses("GET", "/identities/shop.example.net", Value::Null).await.ok();
}

#[tokio::test]
async fn a_policy_may_ask_for_the_version_of_the_api() {
    let server = TestServer::start().await;
    let of_version = |effect: &str, version: &str| {
        json!({ "Effect": effect, "Action": "ses:*", "Resource": "*",
            "Condition": { "StringEquals": { "ses:ApiVersion": version } } })
    };
    let policy = |statements: Value| json!({ "Version": "2012-10-17", "Statement": statements });
    let only_two = server.user_with_policy("two", &policy(json!([of_version("Allow", "2")]))).await;
    server.ses_by(&only_two, "GET", "/account", Value::Null).await.ok();
    let all = json!({ "Effect": "Allow", "Action": "ses:*", "Resource": "*" });
    let not_two = server.user_with_policy("one", &policy(json!([all, of_version("Deny", "2")]))).await;
    server.ses_by(&not_two, "GET", "/account", Value::Null).await.refused("AccessDeniedException");
}

async fn ask_for_production(server: &TestServer) {
    let asked = json!({
        "MailType": "TRANSACTIONAL", "WebsiteURL": "https://shop.example", "ProductionAccessEnabled": true,
        "UseCaseDescription": "Codes for our customers.",
    });
    server.ses("POST", "/account/details", asked).await.ok();
}

#[tokio::test]
async fn whoever_runs_the_server_grants_production_access_in_the_console_or_denies_it() {
    let server = TestServer::with(|settings| {
        settings.ses.production = false;
        settings.ses.auto_approve = false;
    })
    .await;
    let browser = Browser::new(&server.url);
    let email = "/console/email";
    browser.visit(email).await.says_not("Approve");
    ask_for_production(&server).await;
    let page = browser.visit(email).await;
    page.says("waits for whoever runs this server").says("Codes for our customers.").says("Deny");

    let deny = "/console/email/review/deny";
    let form = browser.visit(deny).await;
    browser
        .press(&form, deny, &[("reason", "Tell us more.")])
        .await
        .says("Production access denied")
        .says("was denied");
    ask_for_production(&server).await;
    let page = browser.visit(email).await;
    browser
        .press(&page, "/console/email/review/approve", &[])
        .await
        .says("Production access granted")
        .says("mail goes to everybody");
    let account = server.ses("GET", "/account", Value::Null).await.ok();
    assert_eq!(account.body["ProductionAccessEnabled"], true);

    // It is a right of its own.
    let ses = server.user_with_policy("clerk", &allowing(&["ses:*"], &["*"])).await;
    server
        .client
        .json_to(Service::Postern, "ReviewProductionAccess", &json!({ "Decision": "DENY" }), Some(&ses))
        .await
        .refused("AccessDeniedException");
}

#[tokio::test]
async fn a_domain_shows_its_records_and_what_was_found_of_each_and_can_be_tried_out_here() {
    let server = TestServer::start().await;
    server.ses("POST", "/identities", json!({ "EmailIdentity": "shop.test" })).await.ok();
    let mail_from = json!({ "MailFromDomain": "bounce.shop.test", "BehaviorOnMxFailure": "REJECT_MESSAGE" });
    server.ses("PUT", "/identities/shop.test/mail-from", mail_from).await.ok();
    let browser = Browser::new(&server.url);
    let path = format!("/console/email/identities/{}", URL_SAFE_NO_PAD.encode("shop.test"));
    let page = browser.visit(&path).await;
    page.says("._domainkey.shop.test")
        .says("10 feedback-smtp.us-east-1.amazonses.com")
        .says("include:amazonses.com")
        .says("_dmarc.shop.test");
    let checked = browser.press(&page, &format!("{path}/check"), &[]).await;
    checked.says("Looked at its records").says("There is no record of that name yet.");
    let published = browser.press(&checked, &format!("{path}/publish"), &[]).await;
    published.says("Records published").says("Verified").says("Its MX record stands");
    let identity = server.ses("GET", "/identities/shop.test", Value::Null).await.ok();
    assert_eq!(identity.body["VerifiedForSendingStatus"], true);

    // A policy on the identity holds for what is done to its records, too.
    let arn = format!("arn:aws:ses:us-east-1:{ACCOUNT}:identity/other.test");
    let other = server.user_with_policy("other", &allowing(&["postern:CheckIdentity"], &[&arn])).await;
    let check = async |name: &str| {
        let input = json!({ "EmailIdentity": name });
        server.client.json_to(Service::Postern, "CheckIdentity", &input, Some(&other)).await
    };
    check("SHOP.test").await.refused("AccessDeniedException");
    check("other.test").await.refused("ResourceNotFoundException");
}

#[tokio::test]
async fn who_is_made_anew_under_an_old_name_does_not_inherit_an_identitys_policy() {
    let server = TestServer::start().await;
    let email = own_sender(&server, "news@example.com").await;
    let arn = email["SourceArn"].as_str().expect("an ARN");
    let nothing = allowing(&["iam:GetUser"], &["arn:aws:iam::123456789012:user/nobody"]);
    let alice = server.user_with_policy("alice", &nothing).await;
    let who = format!("arn:aws:iam::{ACCOUNT}:user/alice");
    let policy = |who: &str| {
        json!({ "Policy": json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "AWS": who }, "Action": "ses:SendEmail", "Resource": arn,
        }] }).to_string() })
    };
    let path = "/identities/news%40example.com/policies/lent";
    let nobody = who.replace("alice", "nobody");
    server.ses("POST", path, policy(&nobody)).await.refused("BadRequestException");
    server.ses("POST", path, policy(&who)).await.ok();
    let mail = json!({
        "FromEmailAddress": "news@example.com", "Destination": { "ToAddresses": ["bob@example.com"] },
        "Content": { "Simple": { "Subject": { "Data": "Hi" }, "Body": { "Text": { "Data": "Hello" } } } },
    });
    server.ses_by(&alice, "POST", "/outbound-emails", mail.clone()).await.ok();

    server.iam("DeleteAccessKey", &[("UserName", "alice"), ("AccessKeyId", &alice.id)]).await.ok();
    server.iam("DeleteUserPolicy", &[("UserName", "alice"), ("PolicyName", "own")]).await.ok();
    server.iam("DeleteUser", &[("UserName", "alice")]).await.ok();
    let another = server.user_with_policy("alice", &nothing).await;
    server.ses_by(&another, "POST", "/outbound-emails", mail).await.refused("AccessDeniedException");
    let shown = server.ses("GET", "/identities/news%40example.com/policies", Value::Null).await.ok();
    assert!(!shown.text.contains(&who) && shown.text.contains("AIDA"), "{}", shown.text);
}

#[tokio::test]
async fn a_policy_may_ask_for_encryption_and_for_the_tags_of_a_pool() {
    let server = TestServer::start().await;
    let all = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
    let plain = json!({ "Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": { "Bool": { "aws:SecureTransport": "false" } } });
    let policy = json!({ "Version": "2012-10-17", "Statement": [all, plain] });
    let careful = server.user_with_policy("careful", &policy).await;
    server.ses_by(&careful, "GET", "/account", Value::Null).await.refused("AccessDeniedException");

    let pool = async |team: &str| {
        let asked = json!({ "PoolName": team, "UserPoolTags": { "team": team } });
        server.signed("CreateUserPool", asked).await.ok().text_at("UserPool.Id")
    };
    let (blue, red) = (pool("blue").await, pool("red").await);
    let of_blue = |key: &str| {
        json!({ "Effect": "Allow", "Action": "cognito-idp:*", "Resource": "*",
            "Condition": { "StringEquals": { key: "blue" } } })
    };
    let statements = json!([of_blue("aws:ResourceTag/team"), of_blue("aws:RequestTag/team")]);
    let clerk = json!({ "Version": "2012-10-17", "Statement": statements });
    let clerk = server.user_with_policy("clerk", &clerk).await;
    let describe =
        async |id: &str| server.signed_by(&clerk, "DescribeUserPool", json!({ "UserPoolId": id })).await;
    describe(&blue).await.ok();
    describe(&red).await.refused("AccessDeniedException");
    for (team, may) in [("blue", true), ("red", false)] {
        let asked = json!({ "PoolName": "more", "UserPoolTags": { "team": team } });
        let answer = server.signed_by(&clerk, "CreateUserPool", asked).await;
        assert_eq!(answer.status == 200, may, "{team}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_role_that_sends_notices_of_risks_is_in_use() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let sender = own_sender(&server, "alerts@example.com").await;
    let asked = json!({ "AccountTakeoverRiskConfiguration": {
        "Actions": { "HighAction": { "EventAction": "BLOCK", "Notify": true } },
        "NotifyConfiguration": { "SourceArn": sender["SourceArn"], "From": "alerts@example.com" },
    } });
    app.signed("SetRiskConfiguration", asked).await.ok();
    let delete = async || {
        let task =
            server.iam("DeleteServiceLinkedRole", &[("RoleName", ROLE)]).await.ok().xml("DeletionTaskId");
        server.iam("GetServiceLinkedRoleDeletionStatus", &[("DeletionTaskId", &task)]).await.ok()
    };
    let status = delete().await;
    assert_eq!(status.xml("Status"), "FAILED", "{}", status.text);
    assert!(status.text.contains(&app.pool_id), "{}", status.text);
    app.signed("SetRiskConfiguration", json!({})).await.ok();
    assert_eq!(delete().await.xml("Status"), "SUCCEEDED");
}

#[tokio::test]
async fn a_users_page_says_that_mail_to_their_address_comes_back() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let sub = app.person("gone@example.com").await;
    let browser = Browser::new(&server.url);
    let page = format!("/console/pools/{}/users/{sub}", app.pool_id);
    browser.visit(&page).await.says_not("bounced");
    let entry = json!({ "EmailAddress": "Gone@example.com", "Reason": "BOUNCE" });
    server.ses("PUT", "/suppression/addresses", entry).await.ok();
    browser.visit(&page).await.says("Mail to this address bounced");
    app.asks("gone@example.com").await.ok();
    assert!(server.mails_to("gone@example.com").await.is_empty(), "another spelling does not slip by");
}
