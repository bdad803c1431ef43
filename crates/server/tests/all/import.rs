//! Users come in from a file.

use crate::story::{App, call, text};
use crate::support::{Answer, TestServer, encoded};
use bytes::Bytes;
use serde_json::{Value, json};

const HEADER: &str = "name,email,email_verified,cognito:mfa_enabled,cognito:username";

/// A job that waits for its file: its id and the way to the address.
async fn job(app: &App<'_>) -> (String, String) {
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "cognito-idp.amazonaws.com" }, "Action": "sts:AssumeRole",
    }] });
    let role = [("RoleName", "logs"), ("AssumeRolePolicyDocument", &trust.to_string())];
    // It is there after the first job.
    let _ = app.server.iam("CreateRole", &role).await;
    let arn = "arn:aws:iam::123456789012:role/logs";
    let made = app
        .signed("CreateUserImportJob", json!({ "JobName": "people", "CloudWatchLogsRoleArn": arn }))
        .await
        .ok();
    assert_eq!(made["UserImportJob"]["Status"], "Created");
    let url = text(&made, "/UserImportJob/PreSignedUrl");
    let path = url.strip_prefix(app.server.app.public_url.as_str()).expect("an address here").to_owned();
    (text(&made, "/UserImportJob/JobId"), path)
}

async fn put(server: &TestServer, path: &str, file: impl Into<Bytes>) -> Answer {
    let request = server.client.request("PUT", path).body(file.into()).expect("a request");
    server.client.send(request).await
}

async fn works_off(app: &App<'_>, job: &str) -> Value {
    while app.server.app.pools.import_some().await.expect("the store answers") {}
    app.signed("DescribeUserImportJob", json!({ "JobId": job })).await.ok()["UserImportJob"].clone()
}

#[tokio::test]
async fn a_file_brings_users_who_set_a_password_first() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person("here@example.com").await;
    let header = app.signed("GetCSVHeader", json!({})).await.ok()["CSVHeader"].clone();
    assert!(header.as_array().expect("columns").contains(&json!("cognito:username")));
    let (id, path) = job(&app).await;
    let file = format!(
        "{HEADER}\r\n\"Doe, Ann\",ann@example.com,true,false,ann\r\n,bob@example.com,false,false,bob\r\n\
         Here,here@example.com,true,false,here\r\nno,columns\r\nNo,no address,true,false,x\r\n\
         Mfa,mfa@example.com,true,true,mfa\r\n"
    );
    assert_eq!(put(&server, &path, file).await.status, 200);
    let started = app.signed("StartUserImportJob", json!({ "JobId": id })).await.ok();
    assert_eq!(started["UserImportJob"]["Status"], "Pending");
    let done = works_off(&app, &id).await;
    assert_eq!(done["Status"], "Succeeded", "{done}");
    let counts = ["ImportedUsers", "SkippedUsers", "FailedUsers"].map(|name| done[name].as_i64());
    assert_eq!(counts, [Some(1), Some(1), Some(4)]);
    assert!(done["PreSignedUrl"].is_null() && done["CompletionDate"].is_number());

    let ann = app.signed("AdminGetUser", json!({ "Username": "ann@example.com" })).await.ok();
    assert_eq!(ann["UserStatus"], "RESET_REQUIRED");
    let attributes = ann["UserAttributes"].as_array().expect("attributes");
    assert!(attributes.contains(&json!({ "Name": "name", "Value": "Doe, Ann" })));
    let users = app.signed("ListUsers", json!({})).await.ok();
    assert_eq!(users["Users"].as_array().map(Vec::len), Some(2));
    // The address is worth nothing any more, and the job cannot be started again.
    assert_eq!(put(&server, &path, HEADER).await.status, 403);
    let words = "The job is Succeeded and cannot be started.";
    app.signed("StartUserImportJob", json!({ "JobId": id }))
        .await
        .refused("PreconditionNotMetException", words);
    let words = "The job is Succeeded and cannot be stopped.";
    app.signed("StopUserImportJob", json!({ "JobId": id }))
        .await
        .refused("PreconditionNotMetException", words);
}

#[tokio::test]
async fn many_lines_are_worked_off_in_turns_and_a_job_can_be_stopped() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let (id, path) = job(&app).await;
    let lines: Vec<String> = (0..250)
        .map(|number| format!("Person {number},p{number}@example.com,true,false,p{number}"))
        .collect();
    let file = format!("{HEADER}\n{}\n", lines.join("\n"));
    put(&server, &path, file.clone()).await.ok();
    app.signed("StartUserImportJob", json!({ "JobId": id })).await.ok();
    for (operation, body) in [
        ("DeleteUserPool", json!({})),
        (
            "AddCustomAttributes",
            json!({ "CustomAttributes": [{ "Name": "x", "AttributeDataType": "String" }] }),
        ),
    ] {
        app.signed(operation, body).await.refused_as("UserImportInProgressException");
    }
    let done = works_off(&app, &id).await;
    assert_eq!((&done["Status"], &done["ImportedUsers"]), (&json!("Succeeded"), &json!(250)));
    let (again, path) = job(&app).await;
    put(&server, &path, file).await.ok();
    app.signed("StartUserImportJob", json!({ "JobId": again })).await.ok();
    app.signed("StopUserImportJob", json!({ "JobId": again })).await.ok();
    let stopped = works_off(&app, &again).await;
    assert_eq!(stopped["Status"], "Stopped");

    let listed = app.signed("ListUserImportJobs", json!({ "MaxResults": 1 })).await.ok();
    let rest = json!({ "MaxResults": 1, "PaginationToken": listed["PaginationToken"] });
    let rest = app.signed("ListUserImportJobs", rest).await.ok();
    let mut both = [text(&listed["UserImportJobs"][0], "/JobId"), text(&rest["UserImportJobs"][0], "/JobId")];
    let mut expected = [id, again];
    both.sort();
    expected.sort();
    assert_eq!(both, expected);
    assert_eq!(rest["PaginationToken"], Value::Null);
}

#[tokio::test]
async fn a_job_takes_only_its_file_and_only_in_time() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let (id, path) = job(&app).await;
    let words = "No file has been uploaded for the job.";
    app.signed("StartUserImportJob", json!({ "JobId": id }))
        .await
        .refused("PreconditionNotMetException", words);
    let wrong = format!("/import/{id}?token={}", encoded("guess"));
    assert_eq!(put(&server, &wrong, HEADER).await.status, 403);
    assert_eq!(put(&server, &format!("/import/{id}"), HEADER).await.status, 403);
    for file in ["", "name,shoe_size,cognito:username\n", "name\n", "cognito:username\n\"open"] {
        assert_eq!(put(&server, &path, file).await.status, 400, "{file:?}");
    }
    assert_eq!(put(&server, &path, vec![b'a', 0xFF]).await.status, 400);
    put(&server, &path, HEADER).await.ok();
    server.clock.advance(15 * 60_000);
    assert_eq!(put(&server, &path, HEADER).await.status, 403);
    // Nobody starts it within a day.
    server.clock.advance(86_400_000);
    assert_eq!(works_off(&app, &id).await["Status"], "Expired");

    let other = App::new(&server).await;
    for operation in ["DescribeUserImportJob", "StartUserImportJob", "StopUserImportJob"] {
        other
            .signed(operation, json!({ "JobId": id }))
            .await
            .refused("ResourceNotFoundException", &format!("Import job {id} does not exist."));
    }
    let body = json!({ "JobName": "x", "CloudWatchLogsRoleArn": "arn:aws:iam::123456789012:role/nobody" });
    app.signed("CreateUserImportJob", body)
        .await
        .refused("InvalidParameterException", "The role nobody does not exist.");
    let nowhere = json!({ "UserPoolId": "us-east-1_Nowhere00" });
    call(&server, "GetUser", json!({ "AccessToken": "x" })).await.refused_as("NotAuthorizedException");
    server.signed("GetCSVHeader", nowhere).await.refused("ResourceNotFoundException");
}
