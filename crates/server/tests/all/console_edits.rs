//! Two administrators at the same form of the console, and what the console says of what it refuses.

use crate::console::{closed, pool, sign_in};
use crate::pages::browser::Browser;
use crate::support::{TestServer, allowing};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

type Typed<'a> = &'a [(&'a str, &'a str)];

/// Two people open the same page; the first saves `hers`, and the second is told before `his` replaces it.
async fn the_later_is_told(server: &TestServer, path: &str, action: &str, hers: Typed<'_>, his: Typed<'_>) {
    let (one, other) = (Browser::new(&server.url), Browser::new(&server.url));
    let (first, second) = (one.visit(path).await, other.visit(path).await);
    server.clock.advance(1000);
    one.press(&first, action, hers).await.says("saved").says_not("Somebody else");
    let told = other.press(&second, action, his).await;
    told.says("Somebody else changed these settings").says("<title>Error: ").says_not(">Show the command<");
    // Whoever has seen the difference may go on; and who opens the form anew saves over nobody.
    server.clock.advance(1000);
    other.press(&told, action, his).await.says("saved");
    one.press(&one.visit(path).await, action, hers).await.says("saved");
}

#[tokio::test]
async fn whoever_saves_over_a_newer_change_is_told_at_every_form() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let base = format!("/console/pools/{pool_id}");

    let group = json!({ "UserPoolId": pool_id, "GroupName": "editors" });
    server.signed("CreateGroup", group.clone()).await.ok();
    let (page, edit) = (format!("{base}/groups/editors"), format!("{base}/groups/editors/edit"));
    let typed = |words| [("do", "settings"), ("description", words)];
    the_later_is_told(&server, &page, &edit, &typed("Hers"), &typed("His")).await;
    assert_eq!(server.signed("GetGroup", group).await.ok().body["Group"]["Description"], "Hers");

    let user = json!({ "UserPoolId": pool_id, "Username": "alice" });
    server.signed("AdminCreateUser", user.clone()).await.ok();
    let shown = server.signed("AdminGetUser", user).await.ok();
    let sub = shown.body["UserAttributes"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["Name"] == "sub").and_then(|one| one["Value"].as_str()));
    let edit = format!("{base}/users/{}/edit", sub.expect("a sub"));
    let typed = |line| [("attributes", line)];
    the_later_is_told(&server, &edit, &edit, &typed("given_name=Alice"), &typed("given_name=Al")).await;

    let provider = json!({
        "UserPoolId": pool_id, "ProviderName": "Company", "ProviderType": "OIDC",
        "ProviderDetails": {
            "client_id": "shop", "client_secret": "first", "authorize_scopes": "openid",
            "oidc_issuer": "https://id.example.com", "attributes_request_method": "GET",
        },
    });
    server.signed("CreateIdentityProvider", provider).await.ok();
    let edit = format!("{base}/providers/Company/edit");
    // Only the secrets differ, of which nothing is shown.
    let typed = |secret| {
        [
            ("client", "shop"),
            ("secret", secret),
            ("scopes", "openid"),
            ("issuer", "https://id.example.com"),
            ("method", "GET"),
        ]
    };
    the_later_is_told(&server, &edit, &edit, &typed("hers-4711"), &typed("his-0815")).await;
    Browser::new(&server.url).visit(&edit).await.says_not("hers-4711").says_not("his-0815");

    let api = json!({ "UserPoolId": pool_id, "Identifier": "https://api.shop.example", "Name": "Orders" });
    server.signed("CreateResourceServer", api).await.ok();
    let edit = format!("{base}/resource-servers/https%3A%2F%2Fapi.shop.example");
    let typed = |scopes| [("name", "Orders"), ("scopes", scopes)];
    the_later_is_told(&server, &edit, &edit, &typed("read=See"), &typed("write=Change")).await;

    let client = json!({ "UserPoolId": pool_id, "ClientName": "Web" });
    let client = server.signed("CreateUserPoolClient", client).await.ok().text_at("UserPoolClient.ClientId");
    let edit = format!("{base}/clients/{client}/edit/client");
    let typed = |name| [("name", name), ("flows", "ALLOW_USER_AUTH")];
    the_later_is_told(&server, &edit, &edit, &typed("Hers"), &typed("His")).await;
}

#[tokio::test]
async fn who_typed_the_same_is_told_as_well_and_loses_nothing() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let path = format!("/console/pools/{pool_id}/edit/general");
    let typed = [("name", "Store"), ("tier", "ESSENTIALS")];
    the_later_is_told(&server, &path, &path, &typed, &typed).await;
}

#[tokio::test]
async fn a_resource_server_is_created_changed_and_deleted() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let browser = Browser::new(&server.url);
    let base = format!("/console/pools/{pool_id}");
    browser.visit(&format!("{base}/domain")).await.says("Create resource server");
    let new = format!("{base}/resource-servers/new");
    let form = browser.visit(&new).await;
    let refused = browser.press(&form, &new, &[("identifier", "two words"), ("name", "Orders")]).await;
    refused.says("value=\"two words\"").says("identifier-error");
    let typed = [("identifier", "orders"), ("name", "Orders"), ("scopes", "read=See orders\nwrite")];
    let made = browser.press(&refused, &new, &typed).await;
    made.says("Resource server created").says("read, write");
    let asked = json!({ "UserPoolId": pool_id, "Identifier": "orders" });
    let scopes =
        server.signed("DescribeResourceServer", asked.clone()).await.ok().body["ResourceServer"]["Scopes"]
            .clone();
    assert_eq!(
        scopes,
        json!([
            { "ScopeName": "read", "ScopeDescription": "See orders" },
            { "ScopeName": "write", "ScopeDescription": "write" },
        ])
    );
    let delete = format!("{base}/resource-servers/orders/delete");
    let form = browser.visit(&delete).await;
    browser.press(&form, &delete, &[("confirm", "orders")]).await.says("Type Orders to confirm.");
    browser.press(&form, &delete, &[("confirm", "Orders")]).await.says("Resource server deleted");
    server.signed("DescribeResourceServer", asked).await.refused("ResourceNotFoundException");
    assert_eq!(browser.visit(&format!("{base}/resource-servers/orders")).await.status, 404);
}

#[tokio::test]
async fn a_prefix_and_a_name_of_ones_own_are_made_edited_and_deleted() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let browser = Browser::new(&server.url);
    let here = format!("/console/pools/{pool_id}/domain");
    let arn = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012";
    let own = [("do", "custom"), ("custom-name", "login.shop.test"), ("custom-version", "2")];
    let page = browser.visit(&here).await;
    let refused = browser.press(&page, &here, &own).await;
    refused.says("id=\"custom-certificate-error\"").says("value=\"login.shop.test\"");
    let typed = [own[0], own[1], own[2], ("custom-certificate", arn)];
    let made = browser.press(&refused, &here, &typed).await;
    made.says("Domain created")
        .says("http://login.shop.test:")
        .says(arn)
        .says("Alias target")
        .says("Managed login");
    let prefix = [("do", "prefix"), ("prefix-name", "shop"), ("prefix-version", "1")];
    let both = browser.press(&made, &here, &prefix).await;
    both.says("Hosted UI (classic)").says("Delete custom domain").says("Delete Cognito domain");

    let edit = format!("{here}/custom/edit");
    let other = arn.replace("12345678-", "87654321-");
    let typed = |version| [("custom-version", version), ("custom-certificate", other.as_str())];
    the_later_is_told(&server, &edit, &edit, &typed("1"), &typed("2")).await;
    let shown = server.signed("DescribeUserPoolDomain", json!({ "Domain": "login.shop.test" })).await.ok();
    assert_eq!(shown.text_at("DomainDescription.CustomDomainConfig.CertificateArn"), other);

    // Asked first, by its name.
    let delete = format!("{here}/custom/delete");
    let form = browser.visit(&browser.visit(&here).await.link("Delete custom domain")).await;
    let kept = browser.press(&form, &delete, &[("confirm", "login")]).await;
    kept.says("Type login.shop.test to confirm.");
    let page = browser.press(&kept, &delete, &[("confirm", "login.shop.test")]).await;
    page.says("Domain deleted").says("Create custom domain").says("Delete Cognito domain");
    assert_eq!(browser.visit(&edit).await.status, 400);
}

#[tokio::test]
async fn what_a_button_is_refused_stands_above_the_page() {
    let server = closed().await;
    let pool_id = pool(&server, "Shop").await;
    server.signed("AdminCreateUser", json!({ "UserPoolId": pool_id, "Username": "alice" })).await.ok();
    let read = allowing(&["cognito-idp:Describe*", "cognito-idp:List*", "cognito-idp:AdminGet*"], &["*"]);
    let viewer = server.user_with_policy("viewer", &read).await;
    let (browser, _) = sign_in(&server, &viewer).await;
    let users = browser.visit(&format!("/console/pools/{pool_id}/users")).await;
    let user = users.link("alice");
    let page = browser.visit(&user).await;
    let denied = browser.press(&page, &format!("{user}/act"), &[("action", "disable")]).await;
    denied.says("role=\"alert\"").says("is not authorized to perform: cognito-idp:AdminDisableUser");
    // What a form says itself is not said twice.
    let form = format!("{user}/edit");
    let page = browser.visit(&form).await;
    let denied = browser.press(&page, &form, &[("attributes", "given_name=Al")]).await;
    assert_eq!(denied.html.matches("role=\"alert\"").count(), 1, "{}", denied.html);
}

/// How many of those who save at the same moment are saved, and how many told. All have opened the form before.
async fn at_once(
    server: &TestServer,
    path: &str,
    action: &str,
    typed: impl Fn(usize) -> Vec<(&'static str, String)>,
) {
    const MANY: usize = 6;
    let mut opened = Vec::new();
    for _ in 0..MANY {
        let browser = Browser::new(&server.url);
        let page = browser.visit(path).await;
        opened.push((browser, page));
    }
    let (mut running, start) = (JoinSet::new(), Arc::new(Barrier::new(MANY)));
    for (at, (browser, page)) in opened.into_iter().enumerate() {
        let (start, action, fields) = (start.clone(), action.to_owned(), typed(at));
        running.spawn(async move {
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            start.wait().await;
            browser.press(&page, &action, &fields).await.html
        });
    }
    let answers = running.join_all().await;
    let told = |words: &str| answers.iter().filter(|html| html.contains(words)).count();
    assert_eq!((told(" saved"), told("Somebody else changed these settings")), (1, MANY - 1), "{path}");
    // Who is told sees what they would replace.
    assert_eq!(told("As you typed it"), MANY - 1, "{path}");
}

#[tokio::test]
async fn of_those_who_save_in_the_same_moment_one_is_saved_and_the_others_are_told() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let base = format!("/console/pools/{pool_id}");
    let general = format!("{base}/edit/general");
    at_once(&server, &general, &general, |at| {
        vec![("name", format!("Shop {at}")), ("tier", "ESSENTIALS".to_owned())]
    })
    .await;

    server.signed("CreateGroup", json!({ "UserPoolId": pool_id, "GroupName": "editors" })).await.ok();
    let group = format!("{base}/groups/editors");
    at_once(&server, &group, &format!("{group}/edit"), |at| {
        vec![("do", "settings".to_owned()), ("description", format!("Editor {at}"))]
    })
    .await;

    let user = json!({ "UserPoolId": pool_id, "Username": "alice" });
    let made = server.signed("AdminCreateUser", user).await.ok();
    let edit =
        format!("{base}/users/{}/edit", made.body["User"]["Attributes"][0]["Value"].as_str().expect("a sub"));
    at_once(&server, &edit, &edit, |at| vec![("attributes", format!("given_name=Alice {at}"))]).await;

    let api = json!({ "UserPoolId": pool_id, "Identifier": "orders", "Name": "Orders" });
    server.signed("CreateResourceServer", api).await.ok();
    let edit = format!("{base}/resource-servers/orders");
    // Until one of them was told by the write itself, and not when the form was read.
    for round in 0..20 {
        at_once(&server, &edit, &edit, |at| vec![("name", format!("Orders {round} {at}"))]).await;
        let noted = crate::console::audit(&server).await;
        if noted.iter().any(|record| record.outcome == "overtaken") {
            return;
        }
    }
    panic!("nobody was overtaken between reading and writing");
}
