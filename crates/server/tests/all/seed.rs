//! A file that an app's repository carries: what it says is there after each start, and nothing twice.

use crate::support::TestServer;
use postern_server::seed::{Seed, Seeded};
use serde_json::{Value, json};

const FILE: &str = r#"
[[pools]]
PoolName = "shop"
Domain = "shop"
UsernameAttributes = ["email"]
AutoVerifiedAttributes = ["email"]
Policies.SignInPolicy.AllowedFirstAuthFactors = ["PASSWORD", "EMAIL_OTP"]

[[pools.groups]]
GroupName = "editors"
Description = "who may write"

[[pools.clients]]
ClientName = "web"
ExplicitAuthFlows = ["ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]

[[pools.users]]
Username = "noor@example.com"
Password = "Correct-Horse-7"
Groups = ["editors"]
UserAttributes = [
    { Name = "email", Value = "noor@example.com" },
    { Name = "email_verified", Value = "true" },
    { Name = "name", Value = "Noor" },
]
"#;

/// Applies a text as a file, as a start does.
async fn applied(server: &TestServer, text: &str) -> Result<Vec<Seeded>, String> {
    let path = std::env::temp_dir().join(format!(
        "postern-seed-{}.toml",
        postern_store::random::bytes::<8>().map(|byte| format!("{byte:02x}")).concat()
    ));
    std::fs::write(&path, text).expect("a file");
    let seed = Seed::load(&path);
    std::fs::remove_file(&path).expect("tidied up");
    let all = match seed {
        Ok(seed) => seed.apply(&server.app).await,
        Err(fault) => Err(fault),
    };
    all.map_err(|fault| format!("{fault:#}"))
}

async fn asked(server: &TestServer, operation: &str, input: Value) -> Value {
    server.signed(operation, input).await.ok().body
}

async fn signs_in(server: &TestServer, client: &str, password: &str) -> bool {
    let input = json!({
        "ClientId": client,
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": "noor@example.com", "PASSWORD": password },
    });
    server.api("InitiateAuth", input).await.body["AuthenticationResult"]["IdToken"].is_string()
}

#[tokio::test]
async fn a_seed_is_applied_again_and_again_and_doubles_nothing() {
    let server = TestServer::start().await;
    let first = applied(&server, FILE).await.expect("applied");
    let pool = first[0].pool_id.clone();
    let client = first[0].clients[0].1.clone();
    assert_eq!((first[0].name.as_str(), first[0].clients[0].0.as_str()), ("shop", "web"));
    assert!(signs_in(&server, &client, "Correct-Horse-7").await);
    let pool_now = asked(&server, "DescribeUserPool", json!({ "UserPoolId": pool })).await;
    assert_eq!(pool_now["UserPool"]["Domain"], "shop");

    // She chooses another password; a new start leaves it to her.
    let chosen = json!({ "UserPoolId": pool, "Username": "noor@example.com", "Password": "Battery-Staple-8", "Permanent": true });
    asked(&server, "AdminSetUserPassword", chosen).await;
    let again = applied(&server, FILE).await.expect("applied again");
    assert_eq!((&again[0].pool_id, &again[0].clients[0].1), (&pool, &client));
    assert!(signs_in(&server, &client, "Battery-Staple-8").await);

    // The file changes, and what is there with it.
    let changed = FILE.replace("\"Noor\"", "\"Noor B.\"").replace("who may write", "writers").replace(
        "ClientName = \"web\"",
        "ClientName = \"web\"\nAccessTokenValidity = 5\nTokenValidityUnits.AccessToken = \"minutes\"",
    );
    applied(&server, &changed).await.expect("applied once more");
    let user =
        asked(&server, "AdminGetUser", json!({ "UserPoolId": pool, "Username": "noor@example.com" })).await;
    let name =
        user["UserAttributes"].as_array().and_then(|all| all.iter().find(|each| each["Name"] == "name"));
    assert_eq!(name.map(|name| &name["Value"]), Some(&json!("Noor B.")));
    let app =
        asked(&server, "DescribeUserPoolClient", json!({ "UserPoolId": pool, "ClientId": client })).await;
    assert_eq!(app["UserPoolClient"]["AccessTokenValidity"], 5);
    let group = asked(&server, "GetGroup", json!({ "UserPoolId": pool, "GroupName": "editors" })).await;
    assert_eq!(group["Group"]["Description"], "writers");

    let pools = asked(&server, "ListUserPools", json!({ "MaxResults": 60 })).await;
    assert_eq!(pools["UserPools"].as_array().map(Vec::len), Some(1));
    for (operation, list) in
        [("ListUsers", "Users"), ("ListGroups", "Groups"), ("ListUserPoolClients", "UserPoolClients")]
    {
        let listed = asked(&server, operation, json!({ "UserPoolId": pool })).await;
        assert_eq!(listed[list].as_array().map(Vec::len), Some(1), "{operation}");
    }
    let members = json!({ "UserPoolId": pool, "GroupName": "editors" });
    let members = asked(&server, "ListUsersInGroup", members).await;
    assert_eq!(members["Users"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_seed_that_cannot_be_says_where_and_why() {
    let server = TestServer::start().await;
    let slip = applied(&server, &FILE.replace("Description", "Describtion")).await.expect_err("a slip");
    assert!(slip.contains("user pool shop, editors: CreateGroup has no member Describtion"), "{slip}");
    assert_eq!(asked(&server, "ListUserPools", json!({ "MaxResults": 1 })).await["UserPools"], json!([]));
    let refused =
        applied(&server, &FILE.replace("ALLOW_USER_AUTH", "ALLOW_ANYBODY")).await.expect_err("refused");
    assert!(refused.contains("app client web: CreateUserPoolClient: InvalidParameterException"), "{refused}");
    let elsewhere = FILE.replace("Domain = \"shop\"", "Domain = \"store\"");
    applied(&server, FILE).await.expect("the first stands");
    let moved = applied(&server, &elsewhere).await.expect_err("a pool has one domain");
    assert!(moved.contains("its domain is shop"), "{moved}");
}
