//! Users brought in from a file, in the console without a script.

use crate::console::{closed, pool, sign_in};
use crate::pages::browser::{Browser, Shown};
use crate::support::{TestServer, allowing};
use serde_json::{Value, json};

/// Presses a form's button as a browser does that brings a file along.
async fn press_with_file(
    browser: &Browser,
    page: &Shown,
    action: &str,
    fields: &[(&str, &str)],
    file: &str,
) -> Shown {
    let mut body = String::new();
    let hidden = page.hidden(action);
    let all =
        hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(fields.iter().copied());
    for (name, value) in all {
        body.push_str(&format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    body.push_str("--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"users.csv\"\r\n");
    body.push_str(&format!("Content-Type: text/csv\r\n\r\n{file}\r\n--XX--\r\n"));
    let headers = [("content-type", "multipart/form-data; boundary=XX"), ("sec-fetch-site", "same-origin")];
    let shown = browser.send("POST", action, &body, &headers).await;
    browser.follow(shown).await
}

async fn worked_off(server: &TestServer) {
    while server.app.pools.import_some().await.expect("the store answers") {}
}

#[tokio::test]
async fn people_come_in_from_a_file_and_each_line_that_does_not_says_why() {
    let server = TestServer::start().await;
    let made =
        json!({ "PoolName": "Shop", "UsernameAttributes": ["email"], "AutoVerifiedAttributes": ["email"] });
    let pool_id = server.signed("CreateUserPool", made).await.ok().text_at("UserPool.Id");
    let browser = Browser::new(&server.url);
    let list = format!("/console/pools/{pool_id}/users/imports");
    browser.visit(&format!("/console/pools/{pool_id}/users")).await.says(&list);
    browser.visit(&list).await.says("People who are elsewhere already");
    let new = format!("{list}/new");
    let form = browser.visit(&new).await;
    form.says("cognito:username").says("enctype=\"multipart/form-data\"").says("Create a new role");

    // What cannot be read is said at the form, and leaves no job behind.
    let named = [("name", "First"), ("hashing", ""), ("role", "")];
    for (file, fault) in [
        ("", "Choose a CSV file."),
        ("cognito:username,colour\nann,red", "The header has a column that the user pool does not have."),
        ("cognito:username,email\n\"ann", "A quoted value does not end."),
    ] {
        let refused = press_with_file(&browser, &form, &new, &named, file).await;
        refused.says(fault).says("value=\"First\"").says("<title>Error: ");
    }
    browser.visit(&list).await.says("People who are elsewhere already");

    let file = "cognito:username,email,email_verified,cognito:mfa_enabled\n\
        ann,ann@example.com,true,false\nbob,bob@example.com,false,false\n\
        cat,cat@example.com,true,true\nann,ann@example.com,true,false\ndan,dan@example.com,true\n";
    let started = press_with_file(&browser, &form, &new, &named, file).await;
    started.says("Import started").says("aws cognito-idp create-user-import-job").says("data-live");
    worked_off(&server).await;
    let done = browser.visit(&started.path).await;
    done.says(">Done<").says("<dd>1</dd><dt>imported</dt>").says("<dd>1</dd><dt>skipped</dt>");
    done.says("<dd>3</dd><dt>failed</dt>").says_not("data-live");
    done.says("Line 3").says("It has no verified address of a kind that the pool verifies.");
    done.says("Line 4").says("MFA cannot be enabled by an import.");
    done.says("Line 6").says("It has not as many values as the header.").says_not("bob@example.com");
    browser.visit(&format!("/console/pools/{pool_id}/users")).await.says("ann@example.com").says_not("cat@");
    // The role is there now, and is chosen.
    browser.visit(&new).await.says("Cognito-UserImport-Role").says_not("Create a new role");
}

#[tokio::test]
async fn a_file_comes_through_the_console_only_from_its_own_form() {
    let server = closed().await;
    let pool_id = pool(&server, "Shop").await;
    let new = format!("/console/pools/{pool_id}/users/imports/new");
    let (browser, _) = sign_in(&server, &server.key).await;
    let form = browser.visit(&new).await;
    let file = "cognito:username\nann\n";
    let foreign = [("csrf", "x"), ("name", "Evil")];
    let page = Shown { html: form.html.replace("name=\"csrf\"", "name=\"not\""), ..form.clone() };
    assert_eq!(press_with_file(&browser, &page, &new, &foreign, file).await.status, 403);
    // Another kind of form is none here, and files go nowhere else.
    let fields = [("csrf", form.field("csrf")), ("name", "Evil".to_owned())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(browser.post(&new, &fields, &[]).await.status, 400);
    let other = format!("/console/pools/{pool_id}/groups/new");
    let page = browser.visit(&other).await;
    assert_eq!(press_with_file(&browser, &page, &other, &[("name", "g")], file).await.status, 400);
    let jobs = json!({ "UserPoolId": pool_id, "MaxResults": 10 });
    assert_eq!(server.signed("ListUserImportJobs", jobs).await.ok().body["UserImportJobs"], json!([]));

    // Who may only view imports nobody.
    let read =
        allowing(&["cognito-idp:Describe*", "cognito-idp:Get*", "cognito-idp:List*", "iam:List*"], &["*"]);
    let viewer = server.user_with_policy("viewer", &read).await;
    let (browser, _) = sign_in(&server, &viewer).await;
    let form = browser.visit(&new).await;
    let refused = press_with_file(
        &browser,
        &form,
        &new,
        &[("name", "Mine"), ("role", "arn:aws:iam::123456789012:role/none")],
        file,
    )
    .await;
    refused.says("is not authorized to perform: cognito-idp:CreateUserImportJob");
}

#[tokio::test]
async fn the_faults_of_an_import_are_those_of_its_own_pool() {
    let server = TestServer::start().await;
    let (one, other) = (pool(&server, "One").await, pool(&server, "Other").await);
    server.iam("CreateRole", &[("RoleName", "logs"), ("AssumeRolePolicyDocument", r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cognito-idp.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#)]).await.ok();
    let job = json!({ "UserPoolId": one, "JobName": "Mine", "CloudWatchLogsRoleArn": "arn:aws:iam::123456789012:role/logs" });
    let job_id = server.signed("CreateUserImportJob", job).await.ok().text_at("UserImportJob.JobId");
    let faults = async |pool_id: &str| {
        let input: Value = json!({ "UserPoolId": pool_id, "JobId": job_id });
        server
            .client
            .json_to(postern_model::Service::Postern, "ListImportFaults", &input, Some(&server.key))
            .await
    };
    assert_eq!(faults(&one).await.ok().body["Faults"], json!([]));
    faults(&other).await.refused("ResourceNotFoundException");
}
