//! Resource servers, their scopes on app clients, and the tokens that apps get for themselves.

use crate::story::{App, Reply, call, claims, text};
use crate::support::{TestServer, encoded, secret_hash};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

const ALICE: &str = "alice@example.com";

/// A pool with an API, and a confidential app that may call it.
async fn machine<'a>(server: &'a TestServer, scopes: Value) -> (App<'a>, String) {
    let mut app = App::new(server).await;
    app.signed(
        "CreateResourceServer",
        json!({
            "Identifier": "https://api.example.com", "Name": "API",
            "Scopes": [
                { "ScopeName": "read", "ScopeDescription": "Read" },
                { "ScopeName": "write", "ScopeDescription": "Write" },
            ],
        }),
    )
    .await
    .ok();
    let made = app
        .signed(
            "CreateUserPoolClient",
            json!({
                "ClientName": "machine", "GenerateSecret": true, "AllowedOAuthFlows": ["client_credentials"],
                "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthScopes": scopes,
            }),
        )
        .await
        .ok();
    app.client_id = text(&made, "/UserPoolClient/ClientId");
    (app, text(&made, "/UserPoolClient/ClientSecret"))
}

fn read_and_write() -> Value {
    json!(["https://api.example.com/read", "https://api.example.com/write"])
}

async fn token(server: &TestServer, fields: &[(&str, &str)]) -> (u16, Value) {
    let body = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>();
    let request = server
        .client
        .request("POST", "/oauth2/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(body.join("&")))
        .expect("a request");
    let answer = server.client.send(request).await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn a_resource_server_is_made_changed_listed_and_removed() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let scopes = json!([{ "ScopeName": "read", "ScopeDescription": "Read" }]);
    let asked = json!({ "Identifier": "api", "Name": "API", "Scopes": scopes });
    let made = app.signed("CreateResourceServer", asked.clone()).await.ok();
    assert_eq!(
        made["ResourceServer"],
        json!({ "UserPoolId": app.pool_id, "Identifier": "api", "Name": "API", "Scopes": scopes })
    );
    assert_eq!(app.signed("DescribeResourceServer", json!({ "Identifier": "api" })).await.ok(), made);
    app.signed("CreateResourceServer", asked)
        .await
        .refused("InvalidParameterException", &format!("api already exists in user pool {}.", app.pool_id));

    let changed =
        app.signed("UpdateResourceServer", json!({ "Identifier": "api", "Name": "New" })).await.ok();
    assert_eq!(
        changed["ResourceServer"],
        json!({ "UserPoolId": app.pool_id, "Identifier": "api", "Name": "New" })
    );
    for number in 1..25 {
        let more = json!({ "Identifier": format!("b{number:02}"), "Name": "More" });
        app.signed("CreateResourceServer", more).await.ok();
    }
    app.signed("CreateResourceServer", json!({ "Identifier": "one-too-many", "Name": "More" }))
        .await
        .refused("LimitExceededException", "A user pool can have at most 25 resource servers.");
    let first = app.signed("ListResourceServers", json!({ "MaxResults": 20 })).await.ok();
    assert_eq!(first["ResourceServers"][0]["Identifier"], "api");
    let rest = json!({ "MaxResults": 20, "NextToken": first["NextToken"] });
    let rest = app.signed("ListResourceServers", rest).await.ok();
    assert_eq!(rest["ResourceServers"].as_array().map(Vec::len), Some(5));
    assert_eq!(rest["NextToken"], Value::Null);

    app.signed("DeleteResourceServer", json!({ "Identifier": "api" })).await.ok();
    let words = "Resource server api does not exist.";
    for operation in ["DescribeResourceServer", "UpdateResourceServer", "DeleteResourceServer"] {
        app.signed(operation, json!({ "Identifier": "api", "Name": "API" }))
            .await
            .refused("ResourceNotFoundException", words);
        let nowhere = json!({ "UserPoolId": "us-east-1_Nowhere00", "Identifier": "api", "Name": "API" });
        let words = server.signed(operation, nowhere).await.refused("ResourceNotFoundException");
        assert_eq!(words, "User pool us-east-1_Nowhere00 does not exist.");
    }
}

#[tokio::test]
async fn a_resource_server_of_a_bad_shape_is_refused() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let scope = |name: &str| json!({ "ScopeName": name, "ScopeDescription": "d" });
    for (identifier, scopes) in [
        ("a b", json!([])),
        ("api", json!([scope("a/b")])),
        ("api", json!([scope("a"), scope("a")])),
        ("aws.cognito", json!([scope("signin.user.admin")])),
    ] {
        let body = json!({ "Identifier": identifier, "Name": "API", "Scopes": scopes });
        app.signed("CreateResourceServer", body).await.refused_as("InvalidParameterException");
    }
    assert_eq!(app.signed("ListResourceServers", json!({})).await.ok()["ResourceServers"], json!([]));
}

#[tokio::test]
async fn an_app_gets_a_token_for_the_scopes_it_has() {
    let server = TestServer::start().await;
    let (app, secret) = machine(&server, read_and_write()).await;
    let asks = |more: &'static [(&'static str, &'static str)], secret: String| {
        let (server, id) = (&server, app.client_id.clone());
        async move {
            let mut fields = vec![
                ("grant_type", "client_credentials"),
                ("client_id", id.as_str()),
                ("client_secret", secret.as_str()),
            ];
            fields.extend(more);
            token(server, &fields).await
        }
    };
    let (status, answer) = asks(&[], secret.clone()).await;
    assert_eq!((status, &answer["token_type"], &answer["expires_in"]), (200, &json!("Bearer"), &json!(3600)));
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(3));
    let mut claims = claims(&text(&answer, "/access_token"));
    let now = server.clock.now().seconds();
    assert!(claims["jti"].is_string());
    claims["jti"] = Value::Null;
    assert_eq!(
        claims,
        json!({
            "sub": app.client_id, "client_id": app.client_id, "token_use": "access", "version": 2,
            "scope": "https://api.example.com/read https://api.example.com/write",
            "iss": format!("{}/{}", server.app.public_url, app.pool_id),
            "auth_time": now, "iat": now, "exp": now + 3600, "jti": null,
        })
    );
    // It stands for nobody.
    call(&server, "GetUser", json!({ "AccessToken": answer["access_token"] }))
        .await
        .refused("NotAuthorizedException", "Access Token does not have required scopes");

    let (_, answer) = asks(&[("scope", "https://api.example.com/write")], secret.clone()).await;
    let one = crate::story::claims(&text(&answer, "/access_token"));
    assert_eq!(one["scope"], "https://api.example.com/write");
    let no = |error: &str| (400, json!({ "error": error }));
    for scope in ["openid", "https://api.example.com/delete", "aws.cognito.signin.user.admin"] {
        let fields: &'static [(&str, &str)] = Box::leak(Box::new([("scope", scope)]));
        assert_eq!(asks(fields, secret.clone()).await, no("invalid_scope"), "{scope}");
    }
    assert_eq!(asks(&[], "wrong".into()).await, no("invalid_client"));
    let public = token(&server, &[("grant_type", "client_credentials"), ("client_id", &app.client_id)]).await;
    assert_eq!(public, no("invalid_client"));
    let person = app.second_client().await;
    let fields = [("grant_type", "client_credentials"), ("client_id", person.client_id.as_str())];
    assert_eq!(token(&server, &fields).await, no("unauthorized_client"));
}

#[tokio::test]
async fn a_scope_that_is_deleted_is_left_out() {
    let server = TestServer::start().await;
    let (app, secret) = machine(&server, read_and_write()).await;
    let kept = json!({
        "Identifier": "https://api.example.com", "Name": "API",
        "Scopes": [{ "ScopeName": "read", "ScopeDescription": "Read" }],
    });
    app.signed("UpdateResourceServer", kept).await.ok();
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", app.client_id.as_str()),
        ("client_secret", secret.as_str()),
        ("scope", "https://api.example.com/write https://api.example.com/read"),
    ];
    let (_, answer) = token(&server, &fields).await;
    assert_eq!(claims(&text(&answer, "/access_token"))["scope"], "https://api.example.com/read");
    // The API that it is for is named by an address, or not at all.
    for (resource, status) in [
        ("https://api.example.com", 200),
        ("https://api.example.com#read", 400),
        ("not an address", 400),
        ("javascript:alert(1)", 400),
    ] {
        let fields = [&fields[..3], &[("resource", resource)]].concat();
        let (told, answer) = token(&server, &fields).await;
        assert_eq!(told, status, "{answer}");
        match status {
            200 => assert_eq!(claims(&text(&answer, "/access_token"))["aud"], resource),
            _ => assert_eq!(answer["error"], "invalid_target"),
        }
    }
    app.signed("DeleteResourceServer", json!({ "Identifier": "https://api.example.com" })).await.ok();
    assert_eq!(token(&server, &fields[..3]).await, (400, json!({ "error": "invalid_scope" })));
}

#[tokio::test]
async fn a_client_has_only_scopes_that_there_are() {
    let server = TestServer::start().await;
    let (app, _) = machine(&server, read_and_write()).await;
    let settings = |flows: Value, secret: bool, scope: &str| {
        json!({
            "ClientName": "more", "GenerateSecret": secret, "AllowedOAuthFlows": flows,
            "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthScopes": [scope],
            "CallbackURLs": ["https://app.example.com/back"],
        })
    };
    let make = |flows: Value, secret: bool, scope: &'static str| {
        let (app, body) = (&app, settings(flows, secret, scope));
        async move { app.signed("CreateUserPoolClient", body).await }
    };
    let machine = json!(["client_credentials"]);
    make(machine.clone(), true, "https://api.example.com/read").await.ok();
    make(machine.clone(), true, "https://api.example.com/delete")
        .await
        .refused("ScopeDoesNotExistException", "Invalid scope requested: https://api.example.com/delete");
    make(json!(["code", "client_credentials"]), true, "https://api.example.com/read").await.refused(
        "InvalidOAuthFlowException",
        "client_credentials flow can not be selected along with code flow or implicit flow.",
    );
    make(machine, false, "https://api.example.com/read").await.refused(
        "InvalidOAuthFlowException",
        "client_credentials flow can not be selected if client does not have a client secret.",
    );
    // Another pool's scopes are none here.
    let other = App::new(&server).await;
    other
        .signed("CreateUserPoolClient", settings(json!(["code"]), false, "https://api.example.com/read"))
        .await
        .refused("ScopeDoesNotExistException", "Invalid scope requested: https://api.example.com/read");
}

#[tokio::test]
async fn an_sdk_gets_a_client_token_too() {
    let server = TestServer::start().await;
    let (app, secret) = machine(&server, read_and_write()).await;
    let asks = |secret: String, scopes: Value| {
        let app = &app;
        async move { app.public("GetClientToken", json!({ "Secret": secret, "Scopes": scopes })).await }
    };
    let answer = asks(secret.clone(), json!(["https://api.example.com/read"])).await.ok();
    let result = &answer["ClientAuthenticationResult"];
    assert_eq!((&result["ExpiresIn"], &result["TokenType"]), (&json!(3600), &json!("Bearer")));
    let claims = claims(&text(result, "/AccessToken"));
    assert_eq!(claims["scope"], "https://api.example.com/read");
    // SDKs sign it, since their model does not say that they need not.
    let body = json!({ "ClientId": app.client_id, "Secret": secret });
    server.signed("GetClientToken", body).await.ok();

    let wrong = "w".repeat(30);
    asks(wrong, json!([]))
        .await
        .refused("NotAuthorizedException", &format!("Unable to verify secret for client {}", app.client_id));
    asks(secret.clone(), json!(["openid"]))
        .await
        .refused("InvalidParameterException", "Invalid scope requested.");
    let nobody = json!({ "ClientId": "nobody", "Secret": secret });
    let reply: Reply = server.api("GetClientToken", nobody).await.into();
    reply.refused("ResourceNotFoundException", "User pool client nobody does not exist.");
    let person = app
        .signed("CreateUserPoolClient", json!({ "ClientName": "person", "GenerateSecret": true }))
        .await
        .ok();
    let body = json!({
        "ClientId": text(&person, "/UserPoolClient/ClientId"),
        "Secret": text(&person, "/UserPoolClient/ClientSecret"),
    });
    let reply: Reply = server.api("GetClientToken", body).await.into();
    reply.refused("NotAuthorizedException", "Client is not enabled for the client_credentials flow.");
}

#[tokio::test]
async fn either_of_two_secrets_proves_a_client() {
    let server = TestServer::start().await;
    let (app, first) = machine(&server, read_and_write()).await;
    let works = |secret: String| {
        let app = &app;
        async move {
            let fields = [
                ("grant_type", "client_credentials"),
                ("client_id", app.client_id.as_str()),
                ("client_secret", secret.as_str()),
            ];
            token(app.server, &fields).await.0 == 200
        }
    };
    let client = json!({ "ClientId": app.client_id });
    let listed = app.signed("ListUserPoolClientSecrets", client.clone()).await.ok();
    let old_id = text(&listed, "/ClientSecrets/0/ClientSecretId");
    assert!(old_id.starts_with(&format!("{}--", app.client_id)), "{old_id}");
    assert_eq!(listed["ClientSecrets"][0]["ClientSecretValue"], Value::Null);
    app.signed("DeleteUserPoolClientSecret", json!({ "ClientId": app.client_id, "ClientSecretId": old_id }))
        .await
        .refused("InvalidParameterException", "The last secret of a client cannot be deleted.");

    server.clock.advance(1000);
    let added = app.signed("AddUserPoolClientSecret", client.clone()).await.ok();
    let second = text(&added, "/ClientSecretDescriptor/ClientSecretValue");
    assert!(works(first.clone()).await && works(second.clone()).await && !works("x".repeat(52)).await);
    app.signed("AddUserPoolClientSecret", client.clone())
        .await
        .refused("LimitExceededException", "Client secrets cannot exceed limit of 2 secrets.");
    let listed = app.signed("ListUserPoolClientSecrets", client.clone()).await.ok();
    assert_eq!(listed["ClientSecrets"].as_array().map(Vec::len), Some(2));

    let gone = json!({ "ClientId": app.client_id, "ClientSecretId": old_id });
    app.signed("DeleteUserPoolClientSecret", gone.clone()).await.ok();
    assert!(!works(first).await && works(second.clone()).await);
    app.signed("DeleteUserPoolClientSecret", gone)
        .await
        .refused("ResourceNotFoundException", &format!("Client secret {old_id} does not exist."));
    let shown = app.signed("DescribeUserPoolClient", client).await.ok();
    assert_eq!(shown["UserPoolClient"]["ClientSecret"], json!(second));

    let own = "my_own_secret+of_24_or_more";
    let added = json!({ "ClientId": app.client_id, "ClientSecret": own });
    app.signed("AddUserPoolClientSecret", added).await.ok();
    assert!(works(own.to_owned()).await);
    // In a header it may be encoded for a form, or not at all, as most programs send it.
    for sent in [own.to_owned(), own.replace('+', "%2B")] {
        let request = server
            .client
            .request("POST", "/oauth2/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .header(
                "authorization",
                format!("Basic {}", STANDARD.encode(format!("{}:{sent}", app.client_id))),
            )
            .body(Bytes::from_static(b"grant_type=client_credentials"))
            .expect("a request");
        assert_eq!(server.client.send(request).await.status, 200, "{sent}");
    }
    for operation in ["AddUserPoolClientSecret", "ListUserPoolClientSecrets", "DeleteUserPoolClientSecret"] {
        let nobody = json!({ "ClientId": "nobody", "ClientSecretId": "x" });
        app.signed(operation, nobody)
            .await
            .refused("ResourceNotFoundException", "User pool client nobody does not exist.");
    }
    let public = app.second_client().await;
    public
        .signed("AddUserPoolClientSecret", json!({ "ClientId": public.client_id }))
        .await
        .refused_as("InvalidParameterException");
}

#[tokio::test]
async fn a_secret_hash_over_either_secret_is_taken() {
    let server = TestServer::start().await;
    let app = App::with(&server, json!({}), json!({ "GenerateSecret": true })).await;
    app.person(ALICE).await;
    let shown = app.signed("DescribeUserPoolClient", json!({ "ClientId": app.client_id })).await.ok();
    let first = text(&shown, "/UserPoolClient/ClientSecret");
    let added = app.signed("AddUserPoolClientSecret", json!({ "ClientId": app.client_id })).await.ok();
    let second = text(&added, "/ClientSecretDescriptor/ClientSecretValue");
    let begins = |secret: String| {
        let app = &app;
        async move {
            let hash = secret_hash(&secret, ALICE, &app.client_id);
            let parameters = json!({ "USERNAME": ALICE, "SECRET_HASH": hash });
            app.public("InitiateAuth", json!({ "AuthFlow": "USER_AUTH", "AuthParameters": parameters })).await
        }
    };
    begins(first).await.ok();
    begins(second).await.ok();
    begins("x".repeat(52)).await.refused(
        "NotAuthorizedException",
        &format!("Unable to verify secret hash for client {}", app.client_id),
    );
}
