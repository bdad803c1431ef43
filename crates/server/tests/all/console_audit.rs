//! Activity, roles, groups and numbers in the console, and the operations behind them.

use crate::console::{audit, closed, pool, sign_in};
use crate::pages::browser::Browser;
use crate::support::{Key, TestServer, allowing};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use postern_model::Service;
use serde_json::{Value, json};

/// Calls an operation of this server's own.
async fn own(
    server: &TestServer,
    key: Option<&Key>,
    operation: &str,
    input: Value,
) -> crate::support::Answer {
    server.client.json_to(Service::Postern, operation, &input, key).await
}

#[tokio::test]
async fn the_audit_is_read_by_an_operation_that_policies_allow() {
    let server = TestServer::start().await;
    pool(&server, "Shop").await;
    let read = own(
        &server,
        Some(&server.key),
        "ListAuditRecords",
        json!({ "Action": "cognito-idp:CreateUserPool" }),
    )
    .await
    .ok();
    let record = &read.body["Records"][0];
    assert_eq!(record["Action"], "cognito-idp:CreateUserPool");
    assert_eq!(record["Outcome"], "ok");
    assert!(record["Request"].as_str().expect("the request").contains("Shop"));
    let one = own(&server, Some(&server.key), "ListAuditRecords", json!({ "Id": record["Id"] })).await.ok();
    assert_eq!(one.body["Records"], json!([record]));

    let viewless = server.user_with_policy("mail", &allowing(&["ses:*", "cognito-idp:*"], &["*"])).await;
    for operation in ["ListAuditRecords", "GetMetrics"] {
        own(&server, Some(&viewless), operation, json!({})).await.refused("AccessDeniedException");
        own(&server, None, operation, json!({})).await.refused("MissingAuthenticationTokenException");
    }
    let reader = server.user_with_policy("reader", &allowing(&["postern:ListAuditRecords"], &["*"])).await;
    own(&server, Some(&reader), "ListAuditRecords", json!({})).await.ok();
    own(&server, Some(&reader), "GetMetrics", json!({})).await.refused("AccessDeniedException");
    own(&server, Some(&server.key), "ListAuditRecords", json!({ "NextToken": "zz" }))
        .await
        .refused("InvalidParameterException");
    own(&server, Some(&server.key), "ListAuditRecords", json!({ "MaxResults": 0 }))
        .await
        .refused("InvalidParameterException");
    own(&server, Some(&server.key), "ForgetAudit", json!({})).await.refused("UnknownOperationException");
}

#[tokio::test]
async fn the_audit_is_read_page_by_page_without_gap_or_repetition() {
    let server = TestServer::start().await;
    for round in 0..7 {
        pool(&server, &format!("Pool {round}")).await;
        server.clock.advance(1000);
    }
    let mut names = Vec::new();
    let mut token = Value::Null;
    loop {
        let mut input = json!({ "Action": "cognito-idp:CreateUserPool", "MaxResults": 3 });
        if !token.is_null() {
            input["NextToken"] = token;
        }
        let page = own(&server, Some(&server.key), "ListAuditRecords", input).await.ok();
        let records = page.body["Records"].as_array().expect("records").clone();
        assert!(records.len() <= 3);
        names.extend(records.iter().map(|record| record["Request"].as_str().unwrap_or_default().to_owned()));
        token = page.body["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    let wanted: Vec<String> =
        (0..7).rev().map(|round| format!("{{\"PoolName\":\"Pool {round}\"}}")).collect();
    assert_eq!(names, wanted);
}

#[tokio::test]
async fn the_audit_keeps_no_secret_of_a_call() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let user = json!({
        "UserPoolId": pool_id, "Username": "alice", "TemporaryPassword": "First-Time-1",
        "UserAttributes": [{ "Name": "email", "Value": "alice@example.com" }],
    });
    server.signed("AdminCreateUser", user).await.ok();
    let told =
        own(&server, Some(&server.key), "ListAuditRecords", json!({ "MaxResults": 500 })).await.ok().text;
    assert!(told.contains("AdminCreateUser") && told.contains(&pool_id));
    for secret in ["First-Time-1", "alice"] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[tokio::test]
async fn activity_opens_to_the_request_as_a_command_and_to_the_reason() {
    let server = closed().await;
    let pool_id = pool(&server, "Shop").await;
    let viewer = server.user_with_policy("viewer", &allowing(&["cognito-idp:Describe*"], &["*"])).await;
    server
        .signed_by(&viewer, "DeleteUserPool", json!({ "UserPoolId": pool_id }))
        .await
        .refused("AccessDeniedException");
    let (browser, _) = sign_in(&server, &server.key).await;
    let page = browser.visit("/console/activity?by=Action&q=cognito-idp%3ADelete").await;
    page.says("AccessDeniedException").says("user/viewer").says_not("CreateUserPool");
    let record = browser.visit(&page.link("cognito-idp:DeleteUserPool")).await;
    record.says("aws cognito-idp delete-user-pool").says(&pool_id).says("not allowed by any identity policy");
    browser
        .visit("/console/activity?q=nothing-like-it")
        .await
        .says("No records match “Action begins with: nothing");

    let (browser, shown) = sign_in(&server, &viewer).await;
    assert_eq!(shown.status, 403);
    let page = browser.visit("/console/activity").await;
    assert_eq!(page.heading(), "You may not see this");
    page.says("postern:ListAuditRecords").says_not("CreateUserPool");
}

#[tokio::test]
async fn numbers_are_counted_once_and_are_the_same_for_people_and_for_prometheus() {
    let server = TestServer::start().await;
    for _ in 0..3 {
        pool(&server, "Shop").await;
    }
    // Linked twice: what was counted is not counted again.
    for _ in 0..2 {
        let linked: anyhow::Result<u64> = server.app.store.write(|tx| tx.link_audit()).await;
        linked.expect("linked");
    }
    let metrics = own(&server, Some(&server.key), "GetMetrics", json!({})).await.ok();
    let of = |list: &str| -> i64 {
        let counts = metrics.body[list].as_array().expect("counts").clone();
        let of = counts
            .iter()
            .filter(|count| count["Action"] == "cognito-idp:CreateUserPool" && count["Outcome"] == "ok");
        of.map(|count| count["Count"].as_i64().unwrap_or_default()).sum()
    };
    assert_eq!((of("Counts"), of("Totals")), (3, 3));

    let scrape = async |credentials: Option<&str>| {
        let mut request = server.client.request("GET", "/metrics");
        if let Some(credentials) = credentials {
            request = request.header("authorization", format!("Basic {}", STANDARD.encode(credentials)));
        }
        server.client.send(request.body(Bytes::new()).expect("a request")).await
    };
    let text = scrape(Some("test:test")).await.ok().text;
    assert!(
        text.contains("postern_events_total{action=\"cognito-idp:CreateUserPool\",outcome=\"ok\"} 3"),
        "{text}"
    );
    assert_eq!(scrape(None).await.status, 401);
    assert_eq!(scrape(Some("test:wrong")).await.status, 401);
    let viewless = server.user_with_policy("mail", &allowing(&["ses:*"], &["*"])).await;
    assert_eq!(scrape(Some(&format!("{}:{}", viewless.id, viewless.secret))).await.status, 403);

    Browser::new(&server.url)
        .visit("/console/metrics")
        .await
        .says("signed API calls")
        .says("None failed in the last 24 hours.");
}

#[tokio::test]
async fn a_persons_time_line_tells_each_step_and_why_it_failed() {
    let server = TestServer::with(|settings| settings.development.demo = true).await;
    let demo = server.demo().await;
    let begun = server
        .api(
            "InitiateAuth",
            json!({
                "ClientId": demo.client_id, "AuthFlow": "USER_AUTH",
                "AuthParameters": { "USERNAME": "alice@example.com", "PREFERRED_CHALLENGE": "EMAIL_OTP" },
            }),
        )
        .await
        .ok();
    let answer = json!({
        "ClientId": demo.client_id, "ChallengeName": "EMAIL_OTP", "Session": begun.text_at("Session"),
        "ChallengeResponses": { "USERNAME": "alice@example.com", "EMAIL_OTP_CODE": "00000000" },
    });
    server.api("RespondToAuthChallenge", answer).await.refused("CodeMismatchException");
    let listed = server
        .signed("ListUsers", json!({ "UserPoolId": demo.pool_id, "Filter": "email = \"alice@example.com\"" }))
        .await
        .ok();
    let sub = listed.body["Users"][0]["Attributes"][0]["Value"].as_str().expect("a sub").to_owned();
    let page = Browser::new(&server.url).visit(&format!("/console/pools/{}/users/{sub}", demo.pool_id)).await;
    page.says("Time line").says("wrong code").says("SendCode").says("There is no password");
}

#[tokio::test]
async fn a_group_is_made_filled_and_deleted() {
    let server = TestServer::start().await;
    let pool_id = pool(&server, "Shop").await;
    let user = json!({ "UserPoolId": pool_id, "Username": "alice", "MessageAction": "SUPPRESS", "TemporaryPassword": "First-Time-1" });
    server.signed("AdminCreateUser", user).await.ok();
    let base = format!("/console/pools/{pool_id}/groups");
    let browser = Browser::new(&server.url);
    let page = browser.visit(&format!("{base}/new")).await;
    let refused =
        browser.press(&page, &format!("{base}/new"), &[("name", "editors"), ("precedence", "-1")]).await;
    refused.says("id=\"precedence-error\"");
    let made =
        browser.press(&refused, &format!("{base}/new"), &[("name", "editors"), ("precedence", "1")]).await;
    made.says("Group created");
    let page = browser.visit(&format!("{base}/editors")).await;
    let nobody = browser.press(&page, &format!("{base}/editors/members"), &[("user", "bob")]).await;
    nobody.says("User does not exist.");
    let added = browser.press(&nobody, &format!("{base}/editors/members"), &[("user", "alice")]).await;
    added.says("User added to group").says(">alice</a>");
    let gone = format!("{base}/editors/delete");
    let page = browser.visit(&gone).await;
    browser.press(&page, &gone, &[("confirm", "editors")]).await.says("Group deleted");
    server
        .signed("GetGroup", json!({ "UserPoolId": pool_id, "GroupName": "editors" }))
        .await
        .refused("ResourceNotFoundException");
}

#[tokio::test]
async fn the_role_that_sends_shows_its_trust_and_whether_it_may() {
    let server = TestServer::start().await;
    server
        .iam("CreateServiceLinkedRole", &[("AWSServiceName", "email.cognito-idp.amazonaws.com")])
        .await
        .ok();
    server.ses("POST", "/identities", json!({ "EmailIdentity": "codes@shop.example" })).await.ok();
    let browser = Browser::new(&server.url);
    let list = browser.visit("/console/roles").await;
    let name = "AWSServiceRoleForAmazonCognitoIdpEmailService";
    let page = browser.visit(&list.link(name)).await;
    page.says("email.cognito-idp.amazonaws.com").says("ses:SendEmail").says("Not yet");
    let arn = "arn%3Aaws%3Ases%3Aus-east-1%3A123456789012%3Aidentity%2Fcodes%40shop.example";
    let asked = browser.visit(&format!("/console/roles/{name}?identity={arn}")).await;
    asked.says("Yes, it may.").says("AmazonCognitoIdpEmailServiceRolePolicy decides.");
    let noted = audit(&server).await;
    assert!(noted.iter().any(|record| record.action == "iam:SimulatePrincipalPolicy"));
}

#[tokio::test]
async fn who_may_operate_looks_after_people_and_changes_no_settings() {
    let server = closed().await;
    let pool_id = pool(&server, "Shop").await;
    server.iam("CreateUser", &[("UserName", "operator")]).await.ok();
    let policy = [("UserName", "operator"), ("PolicyArn", "arn:aws:iam::aws:policy/PosternOperatorAccess")];
    server.iam("AttachUserPolicy", &policy).await.ok();
    let made = server.iam("CreateAccessKey", &[("UserName", "operator")]).await.ok();
    let key = Key::new(&made.xml("AccessKeyId"), &made.xml("SecretAccessKey"));
    let (browser, shown) = sign_in(&server, &key).await;
    shown.says("Shop");
    let users = format!("/console/pools/{pool_id}/users/new");
    let page = browser.visit(&users).await;
    let asked = [("username", "alice"), ("email", "alice@example.com"), ("password", "First-Time-1")];
    browser.press(&page, &users, &asked).await.says("User created");
    assert_eq!(browser.visit("/console/activity").await.heading(), "Activity");
    let settings = format!("/console/pools/{pool_id}/edit/general");
    let page = browser.visit(&settings).await;
    let refused = browser.press(&page, &settings, &[("name", "Mine"), ("tier", "ESSENTIALS")]).await;
    refused.says("is not authorized to perform: cognito-idp:UpdateUserPool");
    server
        .client
        .form(Service::Iam, "CreateAccessKey", &[("UserName", "test")], Some(&key))
        .await
        .refused("AccessDenied");
}

#[tokio::test]
async fn a_page_that_keeps_itself_up_to_date_does_not_fill_the_audit() {
    let server = closed().await;
    let (browser, _) = sign_in(&server, &server.key).await;
    let page = browser.visit("/console/activity").await;
    let (_, rest) = page.html.split_once("data-watch=\"").expect("the page looks again");
    let watch = rest.split_once('"').expect("an attribute ends").0.to_owned();
    let reads = async || {
        let records = audit(&server).await;
        records.iter().filter(|record| record.action == "postern:ListAuditRecords").count()
    };
    let before = reads().await;
    let again = async |browser: &Browser, path: &str, watch: &str| {
        browser.send("GET", path, "", &[("x-postern-watch", watch)]).await
    };
    for _ in 0..5 {
        server.clock.advance(10_000);
        again(&browser, "/console/activity", &watch).await.says("Calls and sign-ins");
    }
    assert_eq!(reads().await, before);
    // The right is this page's, this session's, and good for an hour; anything else is another reading.
    let (stranger, _) = sign_in(&server, &server.key).await;
    again(&stranger, "/console/activity", &watch).await.says("Calls and sign-ins");
    again(&browser, "/console/activity", &format!("9{watch}")).await.says("Calls and sign-ins");
    let outbox = again(&browser, "/console/email/outbox", &watch).await;
    assert_eq!((outbox.status, reads().await), (200, before + 2));
    for _ in 0..3 {
        server.clock.advance(20 * 60_000);
        browser.visit("/console/pools").await;
    }
    again(&browser, "/console/activity", &watch).await.says("Calls and sign-ins");
    assert_eq!(reads().await, before + 3);
    // Who may no longer read is refused, and that is in the audit.
    let reader = server.user_with_policy("reader", &allowing(&["postern:ListAuditRecords"], &["*"])).await;
    let (browser, _) = sign_in(&server, &reader).await;
    let page = browser.visit("/console/activity").await;
    let (_, rest) = page.html.split_once("data-watch=\"").expect("the page looks again");
    let watch = rest.split_once('"').expect("an attribute ends").0.to_owned();
    server.iam("DeleteUserPolicy", &[("UserName", "reader"), ("PolicyName", "own")]).await.ok();
    let refused = again(&browser, "/console/activity", &watch).await;
    assert_eq!(refused.status, 403);
    assert!(audit(&server).await.iter().any(|record| record.outcome == "AccessDeniedException"));
}

#[tokio::test]
async fn how_long_calls_took_and_codes_until_their_use_is_counted_for_people_and_for_prometheus() {
    let server = TestServer::with(|settings| settings.development.demo = true).await;
    let demo = server.demo().await;
    let begun = server
        .api(
            "InitiateAuth",
            json!({
                "ClientId": demo.client_id, "AuthFlow": "USER_AUTH",
                "AuthParameters": { "USERNAME": "alice@example.com", "PREFERRED_CHALLENGE": "EMAIL_OTP" },
            }),
        )
        .await
        .ok();
    let code = server.mails_to("alice@example.com").await[0]["code"].as_str().expect("a code").to_owned();
    let answer = |code: &str| {
        json!({
            "ClientId": demo.client_id, "ChallengeName": "EMAIL_OTP", "Session": begun.text_at("Session"),
            "ChallengeResponses": { "USERNAME": "alice@example.com", "EMAIL_OTP_CODE": code },
        })
    };
    server.clock.advance(12_000);
    // A wrong code was not used.
    server.api("RespondToAuthChallenge", answer("00000000")).await.refused("CodeMismatchException");
    server.api("RespondToAuthChallenge", answer(&code)).await.ok();
    let add = async || {
        let (gathered, now) = (server.app.store.timings().take(), server.app.clock.now());
        let added: anyhow::Result<()> =
            server.app.store.write(move |tx| tx.add_timings(&gathered, now)).await;
        added.expect("added");
    };
    // Added twice: what was taken is not taken again.
    add().await;
    add().await;
    let metrics = own(&server, Some(&server.key), "GetMetrics", json!({})).await.ok();
    let of = |list: &str, name: &str| -> Vec<Value> {
        let all = metrics.body[list].as_array().expect("durations").iter();
        all.filter(|duration| duration["Name"] == name).cloned().collect()
    };
    for list in ["Durations", "DurationTotals"] {
        let used = of(list, "EMAIL_OTP");
        assert_eq!(used.len(), 1, "{used:?}");
        assert_eq!((&used[0]["UpToMilliseconds"], &used[0]["Count"]), (&json!(15_000), &json!(1)));
        assert_eq!(used[0]["TotalMilliseconds"], 12_000);
        let answered = of(list, "cognito-idp:RespondToAuthChallenge");
        assert_eq!(answered.iter().filter_map(|duration| duration["Count"].as_i64()).sum::<i64>(), 2);
    }
    let page = Browser::new(&server.url).visit("/console/metrics").await;
    page.says("From a code's sending to its use").says("Half took up to 15 s");
    page.says("cognito-idp:RespondToAuthChallenge").says("<th scope=\"col\">How long</th>");
    let basic = format!("Basic {}", STANDARD.encode("test:test"));
    let shown = Browser::new(&server.url).send("GET", "/metrics", "", &[("authorization", &basic)]).await;
    shown.says("# TYPE postern_code_use_seconds histogram");
    shown.says("postern_code_use_seconds_bucket{kind=\"EMAIL_OTP\",le=\"10\"} 0");
    shown.says("postern_code_use_seconds_bucket{kind=\"EMAIL_OTP\",le=\"15\"} 1");
    shown.says("postern_code_use_seconds_sum{kind=\"EMAIL_OTP\"} 12\n");
    shown.says("postern_call_duration_seconds_count{call=\"cognito-idp:RespondToAuthChallenge\"} 2\n");
    shown.says_not("alice");
}
