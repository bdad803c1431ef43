//! Logs of a pool as an operator reads them: files of JSON lines, to which the server adds what the pool exports.

use crate::email_role::{ROLE, detach_the_roles_policy, developer_pool};
use crate::mfa::PASSWORD;
use crate::pages::browser::Browser;
use crate::story::{App, Folder, Reply, mail_settles, own_sender};
use crate::support::TestServer;
use postern_server::worker;
use serde_json::{Value, json};
use std::path::Path;

const ALICE: &str = "alice@example.com";

/// A server with a folder for log groups.
async fn server(folder: &Folder) -> TestServer {
    TestServer::with(|settings| settings.rules.log_groups = Some(folder.file("groups"))).await
}

/// A pool that sends as the address that is verified already.
async fn sender(server: &TestServer) -> Value {
    json!({ "EmailConfiguration": own_sender(server, "news@example.com").await })
}

fn arn(name: &str) -> String {
    format!("arn:aws:logs:us-east-1:123456789012:log-group:{name}")
}

fn to(source: &str, level: &str, arn: &str) -> Value {
    json!({
        "LogLevel": level, "EventSource": source, "CloudWatchLogsConfiguration": { "LogGroupArn": arn },
    })
}

async fn sets(app: &App<'_>, configurations: Value) -> Reply {
    app.signed("SetLogDeliveryConfiguration", json!({ "LogConfigurations": configurations })).await
}

/// What is in a log group once the server has had its round.
async fn lines(server: &TestServer, file: &Path) -> Vec<Value> {
    worker::log(&server.app).await;
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[tokio::test]
async fn a_mail_that_is_not_sent_stands_in_the_pools_log_and_in_no_other() {
    let folder = Folder::new();
    let server = server(&folder).await;
    let app = developer_pool(&server).await;
    let silent = App::new(&server).await;
    app.person(ALICE).await;
    let group = arn("/aws/vendedlogs/shop");
    let asked = json!([to("userNotification", "ERROR", &group)]);
    let set = sets(&app, asked.clone()).await.ok();
    assert_eq!(set["LogDeliveryConfiguration"]["LogConfigurations"], asked);
    let read = app.signed("GetLogDeliveryConfiguration", json!({})).await.ok();
    assert_eq!(read, set);
    let none = silent.signed("GetLogDeliveryConfiguration", json!({})).await.ok();
    assert_eq!(none["LogDeliveryConfiguration"]["LogConfigurations"], json!([]));

    let file = folder.file("groups/aws/vendedlogs/shop.jsonl");
    app.signs_in(ALICE).await;
    mail_settles(&server).await;
    assert!(lines(&server, &file).await.is_empty() && !file.exists(), "a mail that arrived is no error");
    detach_the_roles_policy(&server).await;
    app.asks(ALICE).await.refused_as("InvalidEmailRoleAccessPolicyException");
    let [line] = lines(&server, &file).await.try_into().expect("one line");
    let details = line["message"]["details"].as_str().expect("details");
    assert!(details.contains("ses:SendEmail") && details.contains(ROLE), "{details}");
    assert!(!line.to_string().contains(ALICE), "{line}");
    let now = server.clock.now().ms().to_string();
    assert_eq!(
        (&line["eventTimestamp"], &line["eventSource"], &line["logLevel"], &line["logSourceId"]),
        (&json!(now), &json!("USER_NOTIFICATION"), &json!("ERROR"), &json!({ "userPoolId": app.pool_id }))
    );
    assert_eq!(lines(&server, &file).await.len(), 1, "once");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(file.metadata().expect("a file").permissions().mode() & 0o077, 0);
    }

    // What is set last is all that is set.
    sets(&app, json!([])).await.ok();
    app.asks(ALICE).await.refused_as("InvalidEmailRoleAccessPolicyException");
    assert_eq!(lines(&server, &file).await.len(), 1);
}

#[tokio::test]
async fn a_line_waits_for_its_file_and_two_servers_write_it_once() {
    let folder = Folder::new();
    let (one, two) = TestServer::two_nodes_with(|settings| {
        settings.rules.log_groups = Some(folder.file("groups"));
    })
    .await;
    let app = developer_pool(&one).await;
    app.person(ALICE).await;
    sets(&app, json!([to("userNotification", "ERROR", &arn("shop"))])).await.ok();
    detach_the_roles_policy(&one).await;
    // The file cannot be made: something else has the folder's name.
    std::fs::write(folder.file("groups"), "").expect("in the way");
    for _ in 0..3 {
        app.asks(ALICE).await.refused_as("InvalidEmailRoleAccessPolicyException");
    }
    let file = folder.file("groups/shop.jsonl");
    assert!(lines(&one, &file).await.is_empty());
    std::fs::remove_file(folder.file("groups")).expect("out of the way");
    assert!(lines(&two, &file).await.is_empty(), "the other has taken them");
    one.clock.advance(61_000);
    tokio::join!(worker::log(&one.app), worker::log(&two.app));
    assert_eq!(lines(&one, &file).await.len(), 3);
}

#[tokio::test]
async fn a_log_group_that_cannot_be_written_holds_up_no_other_and_its_lines_end_in_time() {
    let folder = Folder::new();
    let server = server(&folder).await;
    let (one, other) =
        (developer_pool(&server).await, App::with(&server, sender(&server).await, json!({})).await);
    for (app, group) in [(&one, "a/broken"), (&other, "b/whole")] {
        app.person(ALICE).await;
        sets(app, json!([to("userNotification", "ERROR", &arn(group))])).await.ok();
    }
    detach_the_roles_policy(&server).await;
    std::fs::create_dir_all(folder.file("groups")).expect("a folder");
    std::fs::write(folder.file("groups/a"), "").expect("in the way");
    for app in [&one, &other] {
        app.asks(ALICE).await.refused_as("InvalidEmailRoleAccessPolicyException");
    }
    assert_eq!(lines(&server, &folder.file("groups/b/whole.jsonl")).await.len(), 1);
    assert!(lines(&server, &folder.file("groups/a/broken.jsonl")).await.is_empty());
    // A week later nobody writes it any more.
    server.clock.advance(8 * 86_400_000);
    worker::round(&server.app).await;
    std::fs::remove_file(folder.file("groups/a")).expect("out of the way");
    assert!(lines(&server, &folder.file("groups/a/broken.jsonl")).await.is_empty());
}

#[tokio::test]
async fn what_people_do_stands_in_the_log_of_a_pool_that_watches() {
    let folder = Folder::new();
    let server = server(&folder).await;
    let watches = json!({ "UserPoolTier": "PLUS", "UserPoolAddOns": { "AdvancedSecurityMode": "AUDIT" } });
    let flows = json!({ "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"] });
    let app = App::with(&server, watches, flows).await;
    app.person(ALICE).await;
    app.password(ALICE, PASSWORD).await;
    let file = folder.file("groups/people.jsonl");
    let gives = async |name: &str, password: &str| {
        let parameters = json!({ "USERNAME": name, "PASSWORD": password });
        let begin = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
        app.public("InitiateAuth", begin).await
    };
    gives(ALICE, PASSWORD).await.ok();
    assert!(lines(&server, &file).await.is_empty(), "nothing is exported yet");

    sets(&app, json!([to("userAuthEvents", "INFO", &arn("people"))])).await.ok();
    gives(ALICE, "not this one, 1").await.refused_as("NotAuthorizedException");
    gives("nobody@example.com", PASSWORD).await.refused_as("NotAuthorizedException");
    gives(ALICE, PASSWORD).await.ok();
    let written = lines(&server, &file).await;
    let said = |line: &Value| {
        let message = &line["message"];
        let text = |name: &str| message[name].as_str().expect("text").to_owned();
        (text("eventType"), text("eventResponse"), !text("userSub").is_empty())
    };
    let mut said: Vec<_> = written.iter().map(said).collect();
    said.sort();
    let sign_in = |response: &str, is_somebody| ("SignIn".to_owned(), response.to_owned(), is_somebody);
    assert_eq!(said, [sign_in("Fail", false), sign_in("Fail", true), sign_in("Pass", true)]);
    let text = format!("{written:?}");
    assert!(text.contains(&app.client_id) && text.contains(&app.pool_id));
    for secret in [PASSWORD, "not this one", "nobody@example.com"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[tokio::test]
async fn the_console_sets_where_a_log_goes_and_says_what_is_wrong_beside_the_field() {
    let folder = Folder::new();
    let server = server(&folder).await;
    let app = App::new(&server).await;
    let (one, other) = (Browser::new(&server.url), Browser::new(&server.url));
    let here = format!("/console/pools/{}/logs", app.pool_id);
    one.visit(&here).await.says("Not exported");
    let path = format!("{here}/edit");
    let (hers, his) = (one.visit(&path).await, other.visit(&path).await);
    let shop = arn("/aws/vendedlogs/shop");
    one.press(&hers, &path, &[("userNotification", shop.as_str())])
        .await
        .says("Log streaming saved")
        .says(&shop)
        .says("set-log-delivery-configuration");
    let late = other.press(&his, &path, &[("userNotification", "")]).await;
    late.says("Somebody else changed these settings").says(&shop);
    let read = app.signed("GetLogDeliveryConfiguration", json!({})).await.ok();
    assert_eq!(
        read["LogDeliveryConfiguration"]["LogConfigurations"],
        json!([to("userNotification", "ERROR", &shop)])
    );
    let again = one.visit(&path).await;
    one.press(&again, &path, &[("userAuthEvents", shop.as_str())])
        .await
        .says("Exporting userAuthEvents is available in the Plus tier only.")
        .says("aria-invalid");

    let without = TestServer::start().await;
    let app = App::new(&without).await;
    let page = Browser::new(&without.url).visit(&format!("/console/pools/{}/logs", app.pool_id)).await;
    page.says("This server keeps no log groups");
}

#[tokio::test]
async fn what_cannot_be_exported_is_refused_and_changes_nothing() {
    let folder = Folder::new();
    let server = server(&folder).await;
    let app = App::new(&server).await;
    let good = to("userNotification", "ERROR", &arn("shop"));
    sets(&app, json!([good])).await.ok();
    let bucket = json!({
        "LogLevel": "ERROR", "EventSource": "userNotification", "S3Configuration": { "BucketArn": "arn:aws:s3:::logs" },
    });
    for (configurations, words) in [
        (
            json!([to("userNotification", "INFO", &arn("x"))]),
            "userNotification can only be exported with LogLevel ERROR.",
        ),
        (
            json!([good, to("userNotification", "ERROR", &arn("y"))]),
            "userNotification can be exported to one place only.",
        ),
        (
            json!([{ "LogLevel": "ERROR", "EventSource": "userNotification" }]),
            "userNotification needs the LogGroupArn of a CloudWatchLogsConfiguration.",
        ),
        (
            json!([bucket]),
            "S3Configuration and FirehoseConfiguration are not available on this server: name a log group.",
        ),
        (
            json!([to("userNotification", "ERROR", "arn:aws:logs:us-east-1:999999999999:log-group:x")]),
            "arn:aws:logs:us-east-1:999999999999:log-group:x is no log group of this account and region.",
        ),
    ] {
        sets(&app, configurations).await.refused("InvalidParameterException", words);
    }
    let elsewhere = json!({ "UserPoolId": "us-east-1_Nowhere00", "LogConfigurations": [] });
    server.signed("SetLogDeliveryConfiguration", elsewhere).await.refused("ResourceNotFoundException");
    let read = app.signed("GetLogDeliveryConfiguration", json!({})).await.ok();
    assert_eq!(read["LogDeliveryConfiguration"]["LogConfigurations"], json!([good]));

    let without = TestServer::start().await;
    let app = App::new(&without).await;
    sets(&app, json!([good])).await.refused(
        "InvalidParameterException",
        "This server keeps no log groups: log_groups is not set in its configuration.",
    );
}
