//! The front door: who is let in, what is refused before an operation runs, and how each protocol says so.

use crate::support::{Key, TestServer, allowing};
use bytes::Bytes;
use postern_model::Service;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn signed_operations_want_a_signature_and_say_so_in_each_protocol() {
    let server = TestServer::start().await;
    let pools = server.api("ListUserPools", json!({ "MaxResults": 1 })).await;
    assert_eq!(pools.status, 400);
    assert_eq!(pools.refused("MissingAuthenticationTokenException"), "Missing Authentication Token");
    let users = server.client.form(Service::Iam, "ListUsers", &[], None).await;
    assert_eq!(users.status, 403);
    assert_eq!(users.refused("MissingAuthenticationToken"), "Request is missing Authentication Token");
    let account = server.client.rest("GET", "/v2/email/account", String::new(), None).await;
    assert_eq!(account.status, 403);
    account.refused("MissingAuthenticationTokenException");

    server.signed("ListUserPools", json!({ "MaxResults": 1 })).await.ok();
    server.iam("ListUsers", &[]).await.ok();
    server.ses("GET", "/account", Value::Null).await.ok();
    assert_eq!(server.sts("GetCallerIdentity", &[]).await.ok().xml("Account"), "123456789012");
}

#[tokio::test]
async fn every_operation_of_the_models_that_is_not_public_refuses_the_unsigned() {
    let server = TestServer::start().await;
    for operation in postern_model::ServiceModel::of(Service::CognitoIdp).operations() {
        let answer = server.api(&operation.name, json!({})).await;
        assert!(answer.status < 500, "{}: {}", operation.name, answer.text);
        let missing = answer.body["__type"] == "MissingAuthenticationTokenException";
        assert_eq!(missing, !operation.public, "{}: {}", operation.name, answer.text);
    }
}

#[tokio::test]
async fn wrong_keys_get_nowhere() {
    let server = TestServer::start().await;
    let input = || json!({ "MaxResults": 1 });
    let unknown = server.signed_by(&Key::new("nobody", "test"), "ListUserPools", input()).await;
    assert_eq!(
        unknown.refused("UnrecognizedClientException"),
        "The security token included in the request is invalid."
    );
    let wrong = server.signed_by(&Key::new("test", "wrong"), "ListUserPools", input()).await;
    assert!(wrong.refused("InvalidSignatureException").starts_with("The request signature we calculated"));
    let iam = server.client.form(Service::Iam, "ListUsers", &[], Some(&Key::new("test", "wrong"))).await;
    assert_eq!(iam.status, 403);
    iam.refused("SignatureDoesNotMatch");
    let ses = server.ses_by(&Key::new("nobody", "x"), "GET", "/account", Value::Null).await;
    assert_eq!(ses.status, 403);
    ses.refused("UnrecognizedClientException");
}

#[tokio::test]
async fn a_signature_covers_the_body_and_lives_for_a_quarter_of_an_hour() {
    let server = TestServer::start().await;
    let signed = || {
        let mut request = server
            .client
            .request("POST", "/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", "AWSCognitoIdentityProviderService.ListUserPools")
            .body(Bytes::from(r#"{"MaxResults":1}"#))
            .expect("a request");
        server.client.sign(&mut request, "cognito-idp", &server.key);
        request
    };
    server.client.send(signed()).await.ok();
    let changed = signed().map(|_| Bytes::from(r#"{"MaxResults":2}"#));
    server.client.send(changed).await.refused("InvalidSignatureException");

    let old = signed();
    server.clock.advance(15 * 60_000 + 1_000);
    let words = server.client.send(old).await.refused("InvalidSignatureException");
    assert!(words.starts_with("Signature expired: 20260102T030405Z is now earlier than"), "{words}");
    let early = signed();
    server.clock.advance(-(15 * 60_000 + 1_000));
    let words = server.client.send(early).await.refused("InvalidSignatureException");
    assert!(words.starts_with("Signature not yet current"), "{words}");
}

#[tokio::test]
async fn a_key_for_one_service_does_not_open_another() {
    let server = TestServer::start().await;
    let mut request = server
        .client
        .request("POST", "/")
        .header("x-amz-target", "AWSCognitoIdentityProviderService.ListUserPools")
        .body(Bytes::from(r#"{"MaxResults":1}"#))
        .expect("a request");
    server.client.sign(&mut request, "iam", &server.key);
    let words = server.client.send(request).await.refused("InvalidSignatureException");
    assert_eq!(words, "Credential should be scoped to correct service: 'cognito-idp'.");
}

#[tokio::test]
async fn policies_decide_before_the_model_is_asked() {
    let server = TestServer::start().await;
    let pool = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Aaaaaaaaa";
    let key = server.user_with_policy("paul", &allowing(&["cognito-idp:DescribeUserPool"], &[pool])).await;
    let ask =
        async |pool: &str| server.signed_by(&key, "DescribeUserPool", json!({ "UserPoolId": pool })).await;
    assert_eq!(
        ask("us-east-1_Bbbbbbbbb").await.refused("AccessDeniedException"),
        "User: arn:aws:iam::123456789012:user/paul is not authorized to perform: cognito-idp:DescribeUserPool on \
         resource: arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Bbbbbbbbb because no \
         identity-based policy allows the cognito-idp:DescribeUserPool action"
    );
    // Allowed, so it is found out that the pool is not there.
    ask("us-east-1_Aaaaaaaaa").await.refused("ResourceNotFoundException");
    // Neither allowed nor valid: the policies speak first.
    ask("nonsense").await.refused("AccessDeniedException");
    let valid = server.signed("DescribeUserPool", json!({ "UserPoolId": "nonsense" })).await;
    let words = valid.refused("InvalidParameterException");
    assert!(words.starts_with("1 validation error detected: Value 'nonsense' at 'userPoolId'"), "{words}");
}

#[tokio::test]
async fn signed_calls_and_their_refusals_are_in_the_audit() {
    let server = TestServer::start().await;
    let key = server.user_with_policy("paul", &allowing(&["iam:GetRole"], &["*"])).await;
    server.signed("ListUserPools", json!({ "MaxResults": 1 })).await.ok();
    server
        .signed_by(&key, "ListUserPools", json!({ "MaxResults": 1 }))
        .await
        .refused("AccessDeniedException");
    server.signed_by(&Key::new("test", "wrong"), "ListUserPools", json!({})).await;
    server.signed_by(&Key::new("nobody", "wrong"), "ListUserPools", json!({})).await;
    let records = server.app.store.read(|tx| tx.newest_audit(20)).await.expect("the audit");
    let pools: Vec<_> =
        records.iter().filter(|record| record.action == "cognito-idp:ListUserPools").collect();
    let mut outcomes: Vec<_> =
        pools.iter().map(|record| (record.who.as_str(), record.outcome.as_str())).collect();
    outcomes.sort_unstable();
    assert_eq!(
        outcomes,
        [
            ("arn:aws:iam::123456789012:user/paul", "AccessDeniedException"),
            ("arn:aws:iam::123456789012:user/test", "ok"),
            ("unproved, with access key test", "InvalidSignatureException"),
        ]
    );
    assert!(pools.iter().all(|record| record.request_id.len() == 36 && !record.source.is_empty()));
}

#[tokio::test]
async fn unknown_operations_are_told_from_unwritten_ones() {
    let server = TestServer::start().await;
    server.signed("InventUser", json!({})).await.refused("UnknownOperationException");
    let words = server.iam("InventUser", &[]).await.refused("InvalidAction");
    assert_eq!(words, "Could not find operation InventUser for version 2010-05-08");
    let nowhere = server.ses("GET", "/nowhere", Value::Null).await;
    assert_eq!(nowhere.status, 404);
    nowhere.refused("UnknownOperationException");
    let words = server.iam("ListGroups", &[]).await.refused("InvalidAction");
    assert_eq!(words, "ListGroups is not available on this server yet.");

    let bare = server.client.request("POST", "/").body(Bytes::from_static(b"hello")).expect("a request");
    server.client.send(bare).await.refused("UnknownOperationException");
    let other = server.client.request("POST", "/").header("x-amz-target", "DynamoDB_20120810.ListTables");
    let other = other.body(Bytes::new()).expect("a request");
    server.client.send(other).await.refused("UnknownOperationException");
}

#[tokio::test]
async fn bodies_are_bounded_in_size_and_depth() {
    let server = TestServer::start().await;
    let long = json!({ "ClientId": "x".repeat(65 * 1024), "AuthFlow": "USER_AUTH" });
    let answer = server.api("InitiateAuth", long).await;
    assert_eq!(answer.status, 413);
    answer.refused("RequestEntityTooLargeException");
    let deep = (0..40).fold(json!(1), |inner, _| json!({ "a": inner }));
    server.api("InitiateAuth", deep).await.refused("SerializationException");
    for body in ["{", "[]", "\"x\"", "{\"ClientId\": 7}", "{\"ClientId\": \"\\ud800\"}"] {
        let request = server
            .client
            .request("POST", "/")
            .header("x-amz-target", "AWSCognitoIdentityProviderService.InitiateAuth")
            .body(Bytes::from_static(body.as_bytes()));
        let answer = server.client.send(request.expect("a request")).await;
        assert_eq!(answer.status, 400, "{body}");
        answer.refused("SerializationException");
    }
    // A chunked body says nothing about its length, and is cut off all the same.
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).await.expect("connected");
    let head = "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\
                x-amz-target: AWSCognitoIdentityProviderService.InitiateAuth\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let chunk = format!("{:x}\r\n{}\r\n", 60_000, " ".repeat(60_000));
    for _ in 0..2 {
        stream.write_all(chunk.as_bytes()).await.expect("sent");
    }
    let mut said = String::new();
    let _ = stream.read_to_string(&mut said).await;
    assert!(said.starts_with("HTTP/1.1 413"), "{said}");
}

#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    let server = TestServer::start().await;
    let few = (0..150).map(|at| format!("x-{at}: y\r\n")).collect::<String>();
    let long = format!("x-long: {}\r\n", "y".repeat(20 * 1024));
    for flood in [few, long] {
        let mut stream =
            TcpStream::connect(server.url.trim_start_matches("http://")).await.expect("connected");
        let request = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{flood}\r\n");
        let _ = stream.write_all(request.as_bytes()).await;
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said).await;
        let said = String::from_utf8_lossy(&said);
        assert!(said.starts_with("HTTP/1.1 4"), "{said}");
    }
}

#[tokio::test]
async fn browsers_of_any_origin_may_call_and_read_errors() {
    let server = TestServer::start().await;
    let asked =
        "content-type,x-amz-target,x-amz-user-agent,cache-control,amz-sdk-invocation-id,amz-sdk-request";
    for path in ["/", "/v2/email/account"] {
        let preflight = server
            .client
            .request("OPTIONS", path)
            .header("origin", "http://localhost:3000")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", asked)
            .body(Bytes::new());
        let answer = server.client.send(preflight.expect("a request")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("access-control-allow-headers"), asked);
        assert!(answer.header("access-control-allow-methods").contains("POST"));
        assert_eq!(answer.header("access-control-max-age"), "172800");
    }
    let error = server.api("InitiateAuth", json!({})).await;
    assert_eq!(error.header("access-control-allow-origin"), "*");
    assert!(error.header("access-control-expose-headers").contains("x-amzn-ErrorType"));
    // Pages and the inbox are not for other origins.
    let inbox = server.client.get("/inbox/api/messages").await;
    assert_eq!(inbox.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn every_answer_of_the_api_has_an_id_of_its_own() {
    let server = TestServer::start().await;
    let answers = [
        server.api("InitiateAuth", json!({})).await,
        server.api("InventUser", json!({})).await,
        server.signed("ListUserPools", json!({ "MaxResults": 1 })).await,
        server.iam("ListUsers", &[]).await,
        server.iam("GetRole", &[("RoleName", "nobody")]).await,
        server.ses("GET", "/account", Value::Null).await,
        server.ses("PATCH", "/account", Value::Null).await,
        server.client.get("/").await,
    ];
    let mut ids: Vec<&str> = answers.iter().map(|answer| answer.header("x-amzn-requestid")).collect();
    assert!(ids.iter().all(|id| id.len() == 36), "{ids:?}");
    assert_eq!(answers[4].xml("RequestId"), ids[4]);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), answers.len());
    assert_eq!(answers.last().map(|answer| answer.status), Some(405));
}

#[tokio::test]
async fn one_source_without_a_signature_is_held_to_its_pace() {
    let server = TestServer::strict().await;
    let ask = async || server.api("GetUser", json!({ "AccessToken": "x" })).await;
    let mut throttled = None;
    for _ in 0..200 {
        let answer = ask().await;
        if answer.body["__type"] == "TooManyRequestsException" {
            throttled = Some(answer);
            break;
        }
    }
    let throttled = throttled.expect("throttled in the end");
    assert_eq!(throttled.header("retry-after"), "1");
    server.clock.advance(60_000);
    assert_ne!(ask().await.body["__type"], "TooManyRequestsException");
    // Who signs is not held up by who does not.
    server.signed("ListUserPools", json!({ "MaxResults": 1 })).await.ok();
}

#[tokio::test]
async fn the_server_says_whether_it_can_work() {
    let server = TestServer::start().await;
    server.client.get("/healthz").await.ok();
    assert_eq!(server.client.get("/readyz").await.ok().body["status"], "ready");
    let nothing = server.client.get("/nothing/here").await;
    assert_eq!((nothing.status, nothing.body["message"].is_string()), (404, true));
}
