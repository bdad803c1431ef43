//! Users come in from a file.

use crate::story::{App, call, text};
use crate::support::{Answer, SrpClient, TestServer, encoded};
use bytes::Bytes;
use serde_json::{Value, json};

const HEADER: &str = "name,email,email_verified,cognito:mfa_enabled,cognito:username";

/// A job that waits for its file: its id and the way to the address.
async fn job(app: &App<'_>) -> (String, String) {
    job_with(app, json!({})).await
}

/// The same with more said of it.
async fn job_with(app: &App<'_>, more: Value) -> (String, String) {
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "cognito-idp.amazonaws.com" }, "Action": "sts:AssumeRole",
    }] });
    let role = [("RoleName", "logs"), ("AssumeRolePolicyDocument", &trust.to_string())];
    // It is there after the first job.
    let _ = app.server.iam("CreateRole", &role).await;
    let arn = "arn:aws:iam::123456789012:role/logs";
    let mut asked = json!({ "JobName": "people", "CloudWatchLogsRoleArn": arn });
    for (name, value) in more.as_object().into_iter().flatten() {
        asked[name] = value.clone();
    }
    let made = app.signed("CreateUserImportJob", asked).await.ok();
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

const OLD: &str = "Correct-horse-1";
/// Hashes of that password, made by python's bcrypt, argon2-cffi, passlib and Django.
const HASHES: [(&str, &str); 5] = [
    ("BCRYPT", "$2b$06$xvqeqYFX6Amt5EgWw0IUDuu54XDHk76r23rvX3M8TK3mqqFyQikeO"),
    (
        "ARGON2ID",
        "\"$argon2id$v=19$m=4096,t=3,p=4$KkzwwKZGt/ASuw5s5Z5nYQ$wfj7n8dhZD8kQGt7f0R/oj0ideGBX99fmf7pntkCCfw\"",
    ),
    (
        "SCRYPT",
        "\"$scrypt$ln=12,r=8,p=1$Y0wJQSgl5Jwzxhjj/F8LQQ$WTvYl+g2NHhMVOH3XG5quSUTv1xDqGU01n3JouSXoMw\"",
    ),
    (
        "PBKDF2_SHA256",
        "$pbkdf2-sha256$29000$GqN0rlXK.V8rZWyN8X5PSQ$Qa2M7rnkz5biCIYrhczu2a5XwUaw7fZ/sektDQjIZ7s",
    ),
    (
        "PBKDF2_SHA256",
        "pbkdf2_sha256$20000$saltOfDjango22chars123$mGBAO3Y1ILjafxnu0HbWegOiH9hE60P/22iNTQdFVqA=",
    ),
];
const WITH_HASH: &str = "email,email_verified,cognito:mfa_enabled,cognito:username,cognito:password_hash";

/// Somebody comes from a file with the hash of their password; gives the job.
pub async fn comes_with_hash(app: &App<'_>, name: &str, algorithm: &str, hash: &str) -> Value {
    let (id, path) = job_with(app, json!({ "PasswordHashingAlgorithm": algorithm })).await;
    let file = format!("{WITH_HASH}\n{name},true,false,{name},{hash}\n");
    put(app.server, &path, file).await.ok();
    app.signed("StartUserImportJob", json!({ "JobId": id })).await.ok();
    works_off(app, &id).await
}

async fn signs_in(app: &App<'_>, name: &str, password: &str) -> crate::story::Reply {
    let parameters = json!({ "USERNAME": name, "PASSWORD": password });
    let body = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    app.public("InitiateAuth", body).await
}

async fn proves(app: &App<'_>, name: &str, password: &str) -> crate::story::Reply {
    let client = SrpClient::new();
    let parameters = json!({ "USERNAME": name, "SRP_A": client.value });
    let body = json!({ "AuthFlow": "USER_SRP_AUTH", "AuthParameters": parameters });
    let asked = app.public("InitiateAuth", body).await.ok();
    let now = app.server.clock.now();
    let proof = client.proves(&app.pool_id, &asked["ChallengeParameters"], password, now);
    app.public(
        "RespondToAuthChallenge",
        json!({ "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": proof }),
    )
    .await
}

#[tokio::test]
async fn users_keep_the_passwords_whose_hashes_come_along() {
    let server = TestServer::start().await;
    let flows = json!(["ALLOW_USER_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH"]);
    let app = App::with(&server, json!({}), json!({ "ExplicitAuthFlows": flows })).await;
    let no = ("NotAuthorizedException", "Incorrect username or password.");
    for (number, (algorithm, hash)) in HASHES.into_iter().enumerate() {
        let name = format!("p{number}@example.com");
        let done = comes_with_hash(&app, &name, algorithm, hash).await;
        assert_eq!(
            (&done["ImportedUsers"], &done["PasswordHashingAlgorithm"]),
            (&json!(1), &json!(algorithm))
        );
        let user = app.signed("AdminGetUser", json!({ "Username": name })).await.ok();
        assert_eq!(user["UserStatus"], "CONFIRMED");

        // SRP needs what is made of a password when it is first given; until then no proof is right.
        proves(&app, &name, OLD).await.refused(no.0, no.1);
        signs_in(&app, &name, "Correct-horse-2").await.refused(no.0, no.1);
        signs_in(&app, &name, OLD).await.ok();
        proves(&app, &name, OLD).await.ok();
        signs_in(&app, &name, OLD).await.ok();
        signs_in(&app, &name, "Correct-horse-2").await.refused(no.0, no.1);
    }
    // What is kept is ours by now: nothing of theirs lies in the store.
    let pool_id = app.pool_id.clone();
    let kept: anyhow::Result<Vec<String>> = server
        .app
        .store
        .read(move |tx| {
            let names = (0..HASHES.len()).map(|number| format!("p{number}@example.com"));
            names
                .map(|name| {
                    let user = tx.user_by_name(&pool_id, &name)?.expect("a user");
                    Ok(user.password.expect("a password"))
                })
                .collect()
        })
        .await;
    for hash in kept.expect("the store answers") {
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    }
}

#[tokio::test]
async fn a_bad_hash_fails_its_line_and_a_missing_one_asks_for_a_reset() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let (id, path) = job_with(&app, json!({ "PasswordHashingAlgorithm": "BCRYPT" })).await;
    let good = HASHES[0].1;
    let costly = good.replace("$06$", "$31$");
    let file = format!(
        "{WITH_HASH}\nann@example.com,true,false,ann,{good}\nben@example.com,true,false,ben,\n\
         cat@example.com,true,false,cat,{}\ndan@example.com,true,false,dan,{costly}\n\
         eve@example.com,true,false,eve,Correct-horse-1\n",
        HASHES[3].1
    );
    put(&server, &path, file).await.ok();
    app.signed("StartUserImportJob", json!({ "JobId": id })).await.ok();
    let done = works_off(&app, &id).await;
    assert_eq!((&done["ImportedUsers"], &done["FailedUsers"]), (&json!(2), &json!(3)), "{done}");
    let ben = app.signed("AdminGetUser", json!({ "Username": "ben@example.com" })).await.ok();
    assert_eq!(ben["UserStatus"], "RESET_REQUIRED");
    for name in ["cat", "dan", "eve"] {
        let body = json!({ "Username": format!("{name}@example.com") });
        app.signed("AdminGetUser", body).await.refused_as("UserNotFoundException");
    }

    // Without an algorithm there is no such column.
    let (_, path) = job(&app).await;
    assert_eq!(put(&server, &path, format!("{WITH_HASH}\n")).await.status, 400);
}
