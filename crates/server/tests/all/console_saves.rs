//! What forms of the console keep: all that nobody touched, and what was typed when something else of it was refused.

use crate::console::{closed, pool, sign_in};
use crate::pages::browser::Browser;
use crate::story::own_sender;
use crate::support::TestServer;
use serde_json::{Value, json};

async fn described(server: &TestServer, pool_id: &str) -> Value {
    let mut pool =
        server.signed("DescribeUserPool", json!({ "UserPoolId": pool_id })).await.ok().body["UserPool"]
            .clone();
    pool["LastModifiedDate"].take();
    pool
}

async fn mfa(server: &TestServer, pool_id: &str) -> Value {
    server.signed("GetUserPoolMfaConfig", json!({ "UserPoolId": pool_id })).await.ok().body.clone()
}

#[tokio::test]
async fn a_pool_is_created_for_each_kind_of_app() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server.url);
    let new = "/console/pools/new";
    for (kind, says) in [
        ("spa", "aws-amplify"),
        ("web", "SECRET_HASH"),
        ("mobile", "aws-amplify"),
        ("machine", "grant_type=client_credentials"),
    ] {
        let form = browser.visit(new).await;
        let callback = ("callbacks", "https://shop.example/back?a=1&b=$(id)");
        let made = browser.save(&form, new, &[("name", kind), ("kind", kind), callback]).await;
        made.says("User pool created").says(says);
        match kind {
            "machine" => made.says("api/access").says_not("EMAIL_OTP").says_not("authorization_code"),
            // What is pasted into a shell is one word there.
            _ => made.says("--data-urlencode 'redirect_uri=https://shop.example/back?a=1&#38;b=$(id)'"),
        };
        if kind != "machine" {
            made.says("choice-based sign-in (ALLOW_USER_AUTH)").says("a code by mail (EMAIL_OTP)");
        }
        if kind == "web" {
            made.says_not("aws-amplify").says("Hidden. Showing it is noted in the audit.");
        }
    }
}

#[tokio::test]
async fn a_form_that_nobody_touched_changes_nothing() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server.url);
    let sender = own_sender(&server, "codes@shop.example").await;
    let made = json!({
        "PoolName": "Shop",
        "UserPoolTags": { "a=b": "c", "team": "web" },
        "EmailConfiguration": {
            "EmailSendingAccount": "COGNITO_DEFAULT",
            "SourceArn": sender["SourceArn"],
            "From": "\"Shop, \\\"the\\\" best\" <codes@shop.example>",
            "ReplyToEmailAddress": "help@shop.example",
        },
        "AdminCreateUserConfig": { "InviteMessageTemplate": {
            "EmailSubject": "Come in", "EmailMessage": "Dear {username},\nyours is {####}\n",
        } },
        "VerificationMessageTemplate": { "EmailSubject": "Your code", "EmailMessage": "Dear you,\n{####}\n" },
    });
    let pool_id = server.signed("CreateUserPool", made).await.ok().text_at("UserPool.Id");
    let words = json!({ "UserPoolId": pool_id, "EmailMfaConfiguration": {
        "Subject": "Your code", "Message": "It is\n{####}\n",
    } });
    server.signed("SetUserPoolMfaConfig", words).await.ok();
    let before = (described(&server, &pool_id).await, mfa(&server, &pool_id).await);
    for area in [
        "email",
        "sms",
        "passkey",
        "password-policy",
        "mfa",
        "choice",
        "recovery",
        "sign-up",
        "verification-message",
        "invitation-message",
        "code-message",
        "text-messages",
        "general",
    ] {
        let path = format!("/console/pools/{pool_id}/edit/{area}");
        server.clock.advance(1000);
        browser.save(&browser.visit(&path).await, &path, &[]).await.says("saved");
        assert_eq!((described(&server, &pool_id).await, mfa(&server, &pool_id).await), before, "{area}");
    }

    // What is changed is changed alone.
    let path = format!("/console/pools/{pool_id}/edit/password-policy");
    browser.save(&browser.visit(&path).await, &path, &[("days", "14")]).await.says("Password policy saved");
    let policy = described(&server, &pool_id).await["Policies"]["PasswordPolicy"].clone();
    assert_eq!((&policy["TemporaryPasswordValidityDays"], &policy["MinimumLength"]), (&json!(14), &json!(8)));
}

#[tokio::test]
async fn words_that_would_make_mail_a_second_factor_are_said_to_do_so() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let browser = Browser::new(&server.url);
    let totp = json!({
        "UserPoolId": pool_id, "MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": { "Enabled": true },
    });
    server.signed("SetUserPoolMfaConfig", totp).await.ok();
    let before = mfa(&server, &pool_id).await;
    let path = format!("/console/pools/{pool_id}/edit/code-message");
    let form = browser.visit(&path).await;
    form.says("words of your own make Email message an MFA method of this pool, too");
    browser.save(&form, &path, &[]).await.says("saved");
    assert_eq!(mfa(&server, &pool_id).await, before);
}

#[tokio::test]
async fn what_cannot_be_emptied_is_not_said_to_be_saved() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let browser = Browser::new(&server.url);
    let base = format!("/console/pools/{pool_id}");
    let path = format!("{base}/edit/general");
    let refused = browser.save(&browser.visit(&path).await, &path, &[("name", "")]).await;
    refused.says("id=\"name-error\"").says_not("Pool settings saved");

    let client = json!({ "UserPoolId": pool_id, "ClientName": "Web" });
    let client = server.signed("CreateUserPoolClient", client).await.ok().text_at("UserPoolClient.ClientId");
    let path = format!("{base}/clients/{client}/edit/client");
    let refused = browser.save(&browser.visit(&path).await, &path, &[("name", "")]).await;
    refused.says("id=\"name-error\"").says_not("App client saved");

    let path = format!("{base}/edit/passkey");
    browser.save(&browser.visit(&path).await, &path, &[("rp", "shop.example")]).await.says("saved");
    let refused = browser.save(&browser.visit(&path).await, &path, &[("rp", "")]).await;
    refused.says("id=\"rp-error\"").says_not("Passkey settings saved");

    let group = json!({ "UserPoolId": pool_id, "GroupName": "editors" });
    let mut made = group.clone();
    made["Description"] = "They edit".into();
    made["Precedence"] = 3.into();
    server.signed("CreateGroup", made).await.ok();
    let (page, edit) = (format!("{base}/groups/editors"), format!("{base}/groups/editors/edit"));
    let refused = browser.save(&browser.visit(&page).await, &edit, &[("precedence", "")]).await;
    refused.says("id=\"precedence-error\"").says_not("Group saved");
    browser.save(&browser.visit(&page).await, &edit, &[("description", "")]).await.says("Group saved");
    let group = server.signed("GetGroup", group).await.ok().body["Group"].clone();
    assert_eq!((group.get("Description"), &group["Precedence"]), (None, &json!(3)));
}

#[tokio::test]
async fn a_refused_client_still_gets_its_secret() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let browser = Browser::new(&server.url);
    let new = format!("/console/pools/{pool_id}/clients/new");
    let typed = [("name", "Web"), ("has-secret", "yes"), ("callbacks", "http://shop.example/x")];
    let refused = browser.save(&browser.visit(&new).await, &new, &typed).await;
    refused.says("id=\"callbacks-error\"");
    let made = browser.save(&refused, &new, &[("callbacks", "https://shop.example/x")]).await;
    made.says("App client created").says("Show client secret");
}

#[tokio::test]
async fn who_comes_from_a_provider_can_be_edited() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let browser = Browser::new(&server.url);
    let provider = json!({
        "UserPoolId": pool_id, "ProviderName": "Company", "ProviderType": "OIDC",
        "ProviderDetails": {
            "client_id": "shop", "client_secret": "s", "authorize_scopes": "openid",
            "oidc_issuer": "https://id.example.com", "attributes_request_method": "GET",
        },
    });
    server.signed("CreateIdentityProvider", provider).await.ok();
    let user = json!({
        "UserPoolId": pool_id, "Username": "alice",
        "UserAttributes": [{ "Name": "given_name", "Value": "Alice" }],
    });
    server.signed("AdminCreateUser", user).await.ok();
    let link = json!({
        "UserPoolId": pool_id,
        "DestinationUser": { "ProviderName": "Cognito", "ProviderAttributeValue": "alice" },
        "SourceUser": {
            "ProviderName": "Company", "ProviderAttributeName": "Cognito_Subject", "ProviderAttributeValue": "a-1",
        },
    });
    server.signed("AdminLinkProviderForUser", link).await.ok();
    let asked = json!({ "UserPoolId": pool_id, "Username": "alice" });
    let shown = server.signed("AdminGetUser", asked.clone()).await.ok().body.clone();
    assert!(shown.to_string().contains("identities"));
    let attributes = shown["UserAttributes"].as_array().expect("a list");
    let sub = attributes.iter().find(|one| one["Name"] == "sub").and_then(|one| one["Value"].as_str());
    let path = format!("/console/pools/{pool_id}/users/{}/edit", sub.expect("a sub"));
    browser.save(&browser.visit(&path).await, &path, &[]).await.says("User attributes saved");
    let form = browser.visit(&path).await;
    form.says_not("identities=");
    let typed = [("attributes", "given_name=Al\nfamily_name=Smith")];
    browser.save(&form, &path, &typed).await.says("User attributes saved").says("Smith");
}

#[tokio::test]
async fn whoever_presses_a_button_after_the_session_ended_comes_back_to_its_page() {
    let server = closed().await;
    let pool_id = pool(&server, "Shop").await;
    let (browser, _) = sign_in(&server, &server.key).await;
    let group = json!({ "UserPoolId": pool_id, "GroupName": "editors" });
    server.signed("CreateGroup", group).await.ok();
    let page = format!("/console/pools/{pool_id}/groups/editors");
    let form = browser.visit(&page).await;
    server.clock.advance(31 * 60_000);
    let members = format!("{page}/members");
    let from = format!("{}{page}", server.url);
    let out = browser.post(&members, &[("csrf", &form.field("csrf"))], &[("referer", &from)]).await;
    let door = browser.follow(out).await;
    assert_eq!(door.heading(), "Sign in");
    let fields = [("key", server.key.id.as_str()), ("secret", server.key.secret.as_str())];
    assert_eq!(browser.press(&door, "/console/sign-in", &fields).await.heading(), "editors");

    // Where there is no page, a page says so.
    for path in ["/console/nowhere", &members] {
        let shown = browser.open(path).await;
        assert_eq!(shown.status, 404);
        assert!(shown.header("content-type").starts_with("text/html"), "{path}");
    }
    assert_eq!(browser.visit("/console/").await.heading(), "User pools");
}

#[tokio::test]
async fn what_stands_in_the_way_is_said_with_the_way_there() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let browser = Browser::new(&server.url);
    let base = format!("/console/pools/{pool_id}");
    browser.visit(&base).await.says("the server's own brings up to 50 mails a day");
    for (area, words) in [
        ("choice", "Codes by mail come from the server's own sender"),
        ("mfa", "Email message needs a sender."),
    ] {
        let form = browser.visit(&format!("{base}/edit/{area}")).await;
        form.says(words);
        assert_eq!(form.link("Set up a sender"), format!("{base}/edit/email"));
        assert_eq!(form.link("Set up SMS"), format!("{base}/edit/sms"));
    }
    let domain = json!({ "UserPoolId": pool_id, "Domain": "shop" });
    server.signed("CreateUserPoolDomain", domain).await.ok();
    let refused = browser.visit(&format!("{base}/delete")).await;
    refused.says("This pool has the domain shop, and can be deleted once that is gone.");
    let shown = browser.visit("/console/pools/us-east-1_000000000").await;
    assert_eq!(
        (shown.status, shown.link("Try again")),
        (404, "/console/pools/us-east-1_000000000".to_owned())
    );
}

#[tokio::test]
async fn people_prove_their_address_by_a_link_where_the_pool_says_so() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let browser = Browser::new(&server.url);
    let path = format!("/console/pools/{pool_id}/edit/verification-message");
    let words = "Welcome.\n{##Prove it##}";
    let typed = [("way", "CONFIRM_WITH_LINK"), ("link-subject", "Welcome"), ("link-message", words)];
    browser.save(&browser.visit(&path).await, &path, &typed).await.says("Verification message saved");
    let template = described(&server, &pool_id).await["VerificationMessageTemplate"].clone();
    assert_eq!(
        template,
        json!({
            "DefaultEmailOption": "CONFIRM_WITH_LINK", "EmailSubjectByLink": "Welcome", "EmailMessageByLink": words,
        })
    );
    browser.save(&browser.visit(&path).await, &path, &[]).await.says("Verification message saved");
    assert_eq!(described(&server, &pool_id).await["VerificationMessageTemplate"], template);
}

#[tokio::test]
async fn a_password_is_reset_by_a_button() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let browser = Browser::new(&server.url);
    let attributes = json!([
        { "Name": "email", "Value": "alice@example.com" },
        { "Name": "email_verified", "Value": "true" },
        { "Name": "phone_number", "Value": "+12065550100" },
    ]);
    let user = json!({
        "UserPoolId": pool_id, "Username": "alice", "MessageAction": "SUPPRESS", "UserAttributes": attributes,
    });
    server.signed("AdminCreateUser", user).await.ok();
    let password = json!({
        "UserPoolId": pool_id, "Username": "alice", "Password": "Correct-Horse-1", "Permanent": true,
    });
    server.signed("AdminSetUserPassword", password).await.ok();
    let page = browser.visit(&format!("/console/pools/{pool_id}/users")).await.link("alice@example.com");
    let act = format!("{page}/act");
    let shown = browser.press(&browser.visit(&page).await, &act, &[("action", "verify-phone")]).await;
    shown.says("Phone marked as verified").says_not("Mark phone as verified");
    browser
        .press(&shown, &act, &[("action", "reset")])
        .await
        .says("Password reset")
        .says("Must reset password");
    assert_eq!(server.mails_to("alice@example.com").await.len(), 1);
}
