//! The console as an administrator, a stranger and an attacker meet it, without a script.

use crate::pages::browser::{Browser, Shown};
use crate::support::{Key, TestServer, allowing};
use postern_model::Service;
use postern_server::settings::{ConsoleDoor, Settings};
use serde_json::json;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A server whose console wants a sign-in.
pub async fn closed() -> TestServer {
    TestServer::with(|settings: &mut Settings| settings.development.open_console = false).await
}

pub async fn sign_in(server: &TestServer, key: &Key) -> (Browser, Shown) {
    let browser = Browser::new(&server.url);
    let page = browser.visit("/console").await;
    assert_eq!(page.heading(), "Sign in");
    let shown = browser.press(&page, "/console/sign-in", &[("key", &key.id), ("secret", &key.secret)]).await;
    (browser, shown)
}

pub async fn pool(server: &TestServer, name: &str) -> String {
    server.signed("CreateUserPool", json!({ "PoolName": name })).await.ok().text_at("UserPool.Id")
}

/// Reads the newest records of the audit.
pub async fn audit(server: &TestServer) -> Vec<postern_store::audit::AuditRecord> {
    let read: anyhow::Result<_> = server.app.store.read(|tx| tx.newest_audit(50)).await;
    read.expect("the audit can be read")
}

#[tokio::test]
async fn an_administrator_signs_in_with_an_access_key_and_out_again() {
    let server = closed().await;
    let (browser, shown) = sign_in(&server, &server.key).await;
    assert_eq!(shown.heading(), "User pools");
    shown.says("A user pool holds the people who sign in to your apps");
    let out = browser.press(&shown, "/console/sign-out", &[]).await;
    assert_eq!(out.heading(), "Sign in");
    assert_eq!(browser.visit("/console/pools").await.heading(), "Sign in");
}

#[tokio::test]
async fn what_is_not_an_administrators_key_does_not_open_the_console() {
    let server = closed().await;
    let wrong = "That access key isn't right, or is no longer active.";
    for (id, secret) in [("test", "Test"), ("test", ""), ("AKIANOBODY", "test"), ("", ""), ("<b>", "x")] {
        let (browser, shown) = sign_in(&server, &Key::new(id, secret)).await;
        shown.says(wrong).says_not("<b>");
        assert_eq!(browser.visit("/console/pools").await.heading(), "Sign in");
    }
    let tried = audit(&server).await;
    let refused =
        tried.iter().filter(|record| record.action == "postern:SignIn" && record.outcome == "refused");
    assert_eq!(refused.count(), 5);
    assert!(tried.iter().all(|record| !record.who.contains("NOBODY") && !record.detail.contains("test")));
}

#[tokio::test]
async fn a_session_ends_by_rest_by_age_and_with_its_key() {
    let server = closed().await;
    let (browser, _) = sign_in(&server, &server.key).await;
    server.clock.advance(29 * MINUTE_MS);
    assert_eq!(browser.visit("/console/pools").await.heading(), "User pools");
    server.clock.advance(31 * MINUTE_MS);
    assert_eq!(browser.visit("/console/pools").await.heading(), "Sign in");

    let (browser, _) = sign_in(&server, &server.key).await;
    for _ in 0..23 {
        server.clock.advance(29 * MINUTE_MS);
        browser.visit("/console/pools").await;
    }
    assert_eq!(browser.visit("/console/pools").await.heading(), "User pools");
    server.clock.advance(HOUR_MS);
    assert_eq!(browser.visit("/console/pools").await.heading(), "Sign in");

    let second = server.user_with_policy("second", &allowing(&["cognito-idp:*"], &["*"])).await;
    let (browser, shown) = sign_in(&server, &second).await;
    assert_eq!(shown.heading(), "User pools");
    let inactive = [("UserName", "second"), ("AccessKeyId", second.id.as_str()), ("Status", "Inactive")];
    server.iam("UpdateAccessKey", &inactive).await.ok();
    assert_eq!(browser.visit("/console/pools").await.heading(), "Sign in");
}

#[tokio::test]
async fn a_planted_session_is_of_no_use() {
    let server = closed().await;
    let browser = Browser::new(&server.url);
    let page = browser.visit("/console").await;
    let planted = "A".repeat(43);
    let fields = [("csrf", page.field("csrf")), ("key", "test".to_owned()), ("secret", "test".to_owned())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    // Without the cookie that the form is bound to, as from another site, nothing is signed in.
    let stranger = Browser::new(&server.url);
    let shown = stranger.post("/console/sign-in", &fields, &[]).await;
    assert_eq!(shown.status, 403);
    let cookie = [("cookie", format!("postern-console={planted}"))];
    let cookie: Vec<(&str, &str)> = cookie.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let shown = stranger.send("GET", "/console/pools", "", &cookie).await;
    assert_eq!(shown.status, 303);
}

#[tokio::test]
async fn a_form_from_another_site_changes_nothing() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server.url);
    let page = browser.visit("/console/pools/new").await;
    let own = page.field("csrf");
    let fields = |csrf: &str| {
        vec![
            ("csrf".to_owned(), csrf.to_owned()),
            ("name".to_owned(), "Evil".to_owned()),
            ("kind".to_owned(), "spa".to_owned()),
            ("names".to_owned(), "email".to_owned()),
        ]
    };
    let stranger = Browser::new(&server.url);
    let foreign = stranger.visit("/console/pools/new").await.field("csrf");
    let cases: [(&str, &[(&str, &str)]); 5] = [
        ("", &[]),
        (&foreign, &[]),
        (&own, &[("origin", "http://evil.example")]),
        (&own, &[("sec-fetch-site", "cross-site")]),
        (&own, &[("sec-fetch-site", "same-site")]),
    ];
    for (csrf, headers) in cases {
        let fields = fields(csrf);
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(browser.post("/console/pools/new", &fields, headers).await.status, 403, "{headers:?}");
    }
    browser.visit("/console/pools").await.says_not("Evil");
    let fields = fields(&own);
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(browser.post("/console/pools/new", &fields, &[]).await.status, 303);
    browser.visit("/console/pools").await.says("Evil");
}

#[tokio::test]
async fn the_open_console_answers_under_this_machines_names_only() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server.url);
    browser.visit("/console/pools").await.says("Whoever sits at this machine is test here.");
    let rebound = browser.send("GET", "/console/pools", "", &[("host", "evil.example:9320")]).await;
    assert_eq!(rebound.status, 404);
    rebound.says_not("User pools");
}

#[tokio::test]
async fn a_console_with_an_address_of_its_own_is_nowhere_else() {
    let server = TestServer::with(|settings| {
        settings.development.open_console = false;
        let listen = vec!["127.0.0.1:0".parse().expect("an address")];
        settings.console = ConsoleDoor::Own { listen, url: "https://console.example.com".to_owned() };
    })
    .await;
    let nothing = server.client.get("/console/sign-in").await;
    assert_eq!(nothing.status, 404);

    let listeners =
        postern_server::http::bind(&["127.0.0.1:0".parse().expect("an address")]).await.expect("a port");
    let port = listeners[0].local_addr().expect("an address").port();
    let router = postern_server::doors::console_router(&server.app);
    let ending = server.app.clone();
    tokio::spawn(postern_server::http::serve(
        listeners,
        router,
        server.app.connection_limits(),
        async move { ending.ended().await },
    ));
    let browser = Browser::new(&format!("http://127.0.0.1:{port}"));
    let page = browser.open("/console/sign-in").await;
    page.says("console.example.com");
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("__Host-postern-console-door=") && cookie.contains("Secure"), "{cookie}");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains("Domain"),
        "{cookie}"
    );
    // The API is not there.
    assert_eq!(browser.open("/oauth2/authorize").await.status, 404);
    assert_eq!(browser.post("/", &[], &[]).await.status, 405);
}

#[tokio::test]
async fn who_may_only_view_changes_nothing_by_any_door() {
    let server = closed().await;
    let pool_id = pool(&server, "Shop").await;
    server.iam("CreateUser", &[("UserName", "viewer")]).await.ok();
    let policy = [("UserName", "viewer"), ("PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess")];
    server.iam("AttachUserPolicy", &policy).await.ok();
    let made = server.iam("CreateAccessKey", &[("UserName", "viewer")]).await.ok();
    let key = Key::new(&made.xml("AccessKeyId"), &made.xml("SecretAccessKey"));
    let (browser, shown) = sign_in(&server, &key).await;
    shown.says("Shop");
    let denied = "is not authorized to perform";
    let at = |path: &str| format!("/console/pools/{pool_id}{path}");

    let page = browser.visit(&at("/edit/general")).await;
    let refused =
        browser.press(&page, &at("/edit/general"), &[("name", "Mine"), ("tier", "ESSENTIALS")]).await;
    refused.says(denied).says("cognito-idp:UpdateUserPool");
    let page = browser.visit("/console/pools/new").await;
    let asked = [("name", "Mine"), ("kind", "spa"), ("names", "email")];
    browser.press(&page, "/console/pools/new", &asked).await.says(denied);
    let page = browser.visit(&at("/users/new")).await;
    browser.press(&page, &at("/users/new"), &[("email", "a@b.test")]).await.says(denied);
    let page = browser.visit("/console/email/new").await;
    browser.press(&page, "/console/email/new", &[("identity", "a@b.test")]).await.says(denied);
    let page = browser.visit(&at("/delete")).await;
    browser.press(&page, &at("/delete"), &[("confirm", "Shop")]).await.says(denied);

    let described = server.signed("DescribeUserPool", json!({ "UserPoolId": pool_id })).await.ok();
    assert_eq!(described.text_at("UserPool.Name"), "Shop");
    server
        .signed_by(&key, "DeleteUserPool", json!({ "UserPoolId": pool_id }))
        .await
        .refused("AccessDeniedException");
    assert!(audit(&server).await.iter().any(|record| record.outcome == "AccessDeniedException"
        && record.who.ends_with("user/viewer")
        && record.action == "cognito-idp:UpdateUserPool"));
}

#[tokio::test]
async fn who_may_see_nothing_is_told_so() {
    let server = closed().await;
    let key = server.user_with_policy("mail", &allowing(&["ses:*"], &["*"])).await;
    let (browser, shown) = sign_in(&server, &key).await;
    assert_eq!((shown.status, shown.heading()), (403, "You may not see this".to_owned()));
    shown.says("cognito-idp:ListUserPools");
    assert_eq!(browser.visit("/console/email").await.heading(), "Email");
}

#[tokio::test]
async fn a_new_pool_is_made_by_three_questions_and_a_refusal_stands_beside_its_field() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server.url);
    let page = browser.visit("/console/pools/new").await;
    let asked = [
        ("name", "Shop + Co"),
        ("kind", "spa"),
        ("names", "email"),
        ("callbacks", "http://shop.example/callback"),
    ];
    let refused = browser.press(&page, "/console/pools/new", &asked).await;
    refused.says("Error: Create user pool").says("Shop + Co");
    let beside = "id=\"callbacks-error\" role=\"alert\">";
    refused.says(beside);
    // Nothing half-made is left.
    browser.visit("/console/pools").await.says_not("Shop");

    let asked = [asked[0], asked[1], asked[2], ("callbacks", "https://shop.example/callback")];
    let made = browser.press(&refused, "/console/pools/new", &asked).await;
    made.says("User pool created")
        .says("aws cognito-idp create-user-pool")
        .says("View login page")
        .says("Quick start");
    browser.visit("/console/pools").await.says("Shop + Co");
}

#[tokio::test]
async fn markup_in_any_stored_field_is_text_on_every_page() {
    let server = TestServer::start().await;
    let evil = "<script>alert(1)</script>";
    let made = server
        .signed(
            "CreateUserPool",
            json!({
                "PoolName": "Pool-b",
                "AutoVerifiedAttributes": ["email"],
                "UserPoolTags": { "t": evil },
                "VerificationMessageTemplate": {
                    "EmailSubject": format!("{evil} subject"), "EmailMessage": format!("{evil} {{####}}")
                },
            }),
        )
        .await
        .ok();
    let pool_id = made.text_at("UserPool.Id");
    let client = json!({
        "UserPoolId": pool_id, "ClientName": "client-b", "CallbackURLs": ["https://a.example/?x=\"><script>alert(1)"],
        "AllowedOAuthFlows": ["code"], "AllowedOAuthScopes": ["openid"], "AllowedOAuthFlowsUserPoolClient": true,
    });
    let client_id =
        server.signed("CreateUserPoolClient", client).await.ok().text_at("UserPoolClient.ClientId");
    let user = json!({
        "UserPoolId": pool_id, "Username": "<script>alert(2)</script>",
        "UserAttributes": [
            { "Name": "email", "Value": "a@b.test" }, { "Name": "name", "Value": format!("{evil}\"'") }
        ],
        "MessageAction": "SUPPRESS", "TemporaryPassword": "First-Time-1",
    });
    let made = server.signed("AdminCreateUser", user).await.ok();
    let attributes = made.body["User"]["Attributes"].as_array().expect("attributes").clone();
    let sub = attributes.iter().find(|one| one["Name"] == "sub").expect("a sub")["Value"]
        .as_str()
        .expect("text")
        .to_owned();
    let browser = Browser::new(&server.url);
    let base = format!("/console/pools/{pool_id}");
    let paths = [
        "/console/pools".to_owned(),
        base.clone(),
        format!("{base}/methods"),
        format!("{base}/sign-in"),
        format!("{base}/sign-up"),
        format!("{base}/messages"),
        format!("{base}/settings"),
        format!("{base}/edit/general"),
        format!("{base}/edit/verification-message"),
        format!("{base}/clients"),
        format!("{base}/clients/{client_id}"),
        format!("{base}/clients/{client_id}/edit/pages"),
        format!("{base}/users"),
        format!("{base}/users?by=email&q=%3Cscript%3Ealert(3)%3C/script%3E"),
        format!("{base}/users/{sub}"),
        format!("{base}/users/{sub}/edit"),
        format!("{base}/users/{sub}/delete"),
        format!("{base}/domain"),
    ];
    for path in &paths {
        let page = browser.visit(path).await;
        assert_eq!(page.status, 200, "{path}");
        page.says_not("<script>alert").says_not("\"><script");
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
    }
    browser
        .visit(&format!("{base}/messages"))
        .await
        .says("&#60;script&#62;alert(1)&#60;/script&#62; 12345678");
}

#[tokio::test]
async fn the_later_of_two_saves_is_told_what_the_earlier_changed() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let path = format!("/console/pools/{pool_id}/edit/password-policy");
    let (one, other) = (Browser::new(&server.url), Browser::new(&server.url));
    let (hers, his) = (one.visit(&path).await, other.visit(&path).await);
    one.press(&hers, &path, &[("length", "12"), ("kinds", "RequireNumbers"), ("days", "7")])
        .await
        .says("Password policy saved");
    let late =
        other.press(&his, &path, &[("length", "10"), ("kinds", "RequireNumbers"), ("days", "7")]).await;
    late.says("Somebody else changed these settings").says("<td>12</td><td>10</td>").says("value=\"10\"");
    let kept = server.signed("DescribeUserPool", json!({ "UserPoolId": pool_id })).await.ok();
    assert_eq!(kept.body["UserPool"]["Policies"]["PasswordPolicy"]["MinimumLength"], 12);
    // Whoever has seen the difference may go on.
    let again =
        other.press(&late, &path, &[("length", "10"), ("kinds", "RequireNumbers"), ("days", "7")]).await;
    again.says("Password policy saved");
    // What was saved in another area stays.
    let other_area = format!("/console/pools/{pool_id}/edit/general");
    let page = one.visit(&other_area).await;
    one.press(&page, &other_area, &[("name", "Shop"), ("tier", "ESSENTIALS"), ("tags", "team=web")])
        .await
        .says("Pool settings saved");
    let kept = server.signed("DescribeUserPool", json!({ "UserPoolId": pool_id })).await.ok();
    assert_eq!(kept.body["UserPool"]["Policies"]["PasswordPolicy"]["MinimumLength"], 10);
    assert_eq!(kept.body["UserPool"]["UserPoolTags"]["team"], "web");
}

#[tokio::test]
async fn a_secret_is_shown_once_asked_for_to_one_session_only() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let client = json!({ "UserPoolId": pool_id, "ClientName": "web", "GenerateSecret": true });
    let made = server.signed("CreateUserPoolClient", client).await.ok();
    let (client_id, secret) =
        (made.text_at("UserPoolClient.ClientId"), made.text_at("UserPoolClient.ClientSecret"));
    let here = format!("/console/pools/{pool_id}/clients/{client_id}");
    let browser = Browser::new(&server.url);
    let page = browser.visit(&here).await;
    page.says_not(&secret).says("Hidden");
    let sent = browser.press_once(&page, &format!("{here}/secret"), &[]).await;
    let to = sent.leads_to().expect("a redirect");
    assert!(!to.contains(&secret));
    browser.visit(&to).await.says(&secret);
    Browser::new(&server.url).visit(&to).await.says_not(&secret);
    browser.visit(&here).await.says_not(&secret);
    let noted = audit(&server).await;
    assert!(noted.iter().any(|record| record.action == "cognito-idp:DescribeUserPoolClient"));
    assert!(noted.iter().all(|record| !record.detail.contains(&secret)));
}

#[tokio::test]
async fn a_password_is_nowhere_after_it_was_refused() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let user = json!({ "UserPoolId": pool_id, "Username": "alice", "MessageAction": "SUPPRESS", "TemporaryPassword": "First-Time-1" });
    let made = server.signed("AdminCreateUser", user).await.ok();
    let sub = made.body["User"]["Attributes"][0]["Value"].as_str().expect("a sub").to_owned();
    let here = format!("/console/pools/{pool_id}/users/{sub}/password");
    let browser = Browser::new(&server.url);
    let page = browser.visit(&here).await;
    let refused = browser.press(&page, &here, &[("password", "weakling")]).await;
    refused.says("id=\"password-error\"").says_not("weakling");
    let set = browser.press(&refused, &here, &[("password", "Strong-Enough-7"), ("temporary", "yes")]).await;
    set.says("Password set").says("--password '***'").says_not("Strong-Enough-7");
    let sso = server.client.form(Service::Sts, "GetCallerIdentity", &[], Some(&server.key)).await;
    assert_eq!(sso.status, 200);
}

#[tokio::test]
async fn a_pool_is_deleted_by_its_typed_name_only_and_never_while_protected() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let path = format!("/console/pools/{pool_id}/delete");
    let browser = Browser::new(&server.url);
    let page = browser.visit(&path).await;
    let refused = browser.press(&page, &path, &[("confirm", "shop")]).await;
    refused.says("Type Shop to confirm.");
    let protect = json!({ "UserPoolId": pool_id, "DeletionProtection": "ACTIVE" });
    server.signed("UpdateUserPool", protect).await.ok();
    browser.visit(&path).await.says("Deletion protection is on").says_not("name=\"confirm\"");
    let open = json!({ "UserPoolId": pool_id, "DeletionProtection": "INACTIVE" });
    server.signed("UpdateUserPool", open).await.ok();
    let page = browser.visit(&path).await;
    browser.press(&page, &path, &[("confirm", "Shop")]).await.says("User pool deleted");
    server
        .signed("DescribeUserPool", json!({ "UserPoolId": pool_id }))
        .await
        .refused("ResourceNotFoundException");
}
