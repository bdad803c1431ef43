//! Outside providers of identities as administrators handle them, and who is linked to whom there.

use crate::story::{App, call, text};
use crate::support::TestServer;
use serde_json::{Value, json};

pub fn corp() -> Value {
    json!({
        "ProviderName": "Corp", "ProviderType": "OIDC",
        "ProviderDetails": {
            "client_id": "postern", "client_secret": "top-secret-of-corp", "authorize_scopes": "openid email",
            "oidc_issuer": "https://id.corp.example", "attributes_request_method": "GET",
        },
        "AttributeMapping": { "email": "email" }, "IdpIdentifiers": ["corp.example"],
    })
}

pub fn at_corp(subject: &str) -> Value {
    json!({
        "ProviderName": "Corp", "ProviderAttributeName": "Cognito_Subject", "ProviderAttributeValue": subject,
    })
}

pub fn here(username: &str) -> Value {
    json!({ "ProviderName": "Cognito", "ProviderAttributeValue": username })
}

#[tokio::test]
async fn a_provider_is_made_shown_changed_found_listed_and_removed() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let made = app.signed("CreateIdentityProvider", corp()).await.ok();
    let details = &made["IdentityProvider"]["ProviderDetails"];
    assert_eq!(details["attributes_url_add_attributes"], "false");
    assert_eq!(made["IdentityProvider"]["AttributeMapping"], json!({ "email": "email", "username": "sub" }));
    let shown = app.signed("DescribeIdentityProvider", json!({ "ProviderName": "Corp" })).await.ok();
    assert_eq!(shown, made);
    let by = json!({ "IdpIdentifier": "corp.example" });
    assert_eq!(app.signed("GetIdentityProviderByIdentifier", by.clone()).await.ok(), made);

    app.signed("CreateIdentityProvider", corp())
        .await
        .refused("DuplicateProviderException", "A provider with the name Corp already exists.");
    let mut other = corp();
    other["ProviderName"] = "Other".into();
    app.signed("CreateIdentityProvider", other.clone()).await.refused_as("DuplicateProviderException");
    other["IdpIdentifiers"] = json!([]);
    app.signed("CreateIdentityProvider", other).await.ok();

    // A secret that is left out stays; what is given replaces what was there.
    let change = json!({
        "ProviderName": "Corp", "IdpIdentifiers": ["corp.test"],
        "ProviderDetails": {
            "client_id": "postern", "authorize_scopes": "openid", "oidc_issuer": "https://id.corp.example",
            "attributes_request_method": "POST",
        },
    });
    let changed = app.signed("UpdateIdentityProvider", change).await.ok();
    let details = &changed["IdentityProvider"]["ProviderDetails"];
    assert_eq!(details["client_secret"], "top-secret-of-corp");
    assert_eq!(details["attributes_request_method"], "POST");
    assert_eq!(changed["IdentityProvider"]["AttributeMapping"], made["IdentityProvider"]["AttributeMapping"]);
    app.signed("GetIdentityProviderByIdentifier", by).await.refused_as("ResourceNotFoundException");

    let first = app.signed("ListIdentityProviders", json!({ "MaxResults": 1 })).await.ok();
    assert_eq!(text(&first, "/Providers/0/ProviderName"), "Corp");
    let next = json!({ "MaxResults": 1, "NextToken": first["NextToken"] });
    let last = app.signed("ListIdentityProviders", next).await.ok();
    assert_eq!(text(&last, "/Providers/0/ProviderName"), "Other");
    assert_eq!(last.get("NextToken"), None);

    app.signed("DeleteIdentityProvider", json!({ "ProviderName": "Corp" })).await.ok();
    for operation in ["DescribeIdentityProvider", "DeleteIdentityProvider", "UpdateIdentityProvider"] {
        app.signed(operation, json!({ "ProviderName": "Corp" }))
            .await
            .refused("ResourceNotFoundException", "Identity provider Corp does not exist.");
    }
}

#[tokio::test]
async fn a_client_takes_the_providers_that_its_pool_has() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let wanted = json!({ "ClientName": "web", "SupportedIdentityProviders": ["COGNITO", "Corp"] });
    app.signed("CreateUserPoolClient", wanted.clone()).await.refused(
        "InvalidParameterException",
        &format!("The provider Corp does not exist for User Pool {}.", app.pool_id),
    );
    app.signed("CreateIdentityProvider", corp()).await.ok();
    let made = app.signed("CreateUserPoolClient", wanted).await.ok();
    assert_eq!(made["UserPoolClient"]["SupportedIdentityProviders"], json!(["COGNITO", "Corp"]));
    // A provider of another pool is none of this one's.
    let elsewhere = App::new(&server).await;
    let wanted = json!({ "ClientName": "web", "SupportedIdentityProviders": ["Corp"] });
    elsewhere.signed("CreateUserPoolClient", wanted).await.refused_as("InvalidParameterException");
}

#[tokio::test]
async fn a_providers_secret_is_not_on_the_disk() {
    let folder = crate::story::Folder::new();
    let server = TestServer::with(|settings| settings.place = folder.place()).await;
    let app = App::new(&server).await;
    app.signed("CreateIdentityProvider", corp()).await.ok();
    let bytes = folder.bytes();
    let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has("id.corp.example"), "the provider is on the disk");
    assert!(!has("top-secret-of-corp"));
}

#[tokio::test]
async fn a_user_is_linked_by_what_the_provider_knows_them_by_and_by_nothing_else() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.signed("CreateIdentityProvider", corp()).await.ok();
    for name in ["alice@example.com", "bob@example.com"] {
        app.signed("AdminCreateUser", json!({ "Username": name, "MessageAction": "SUPPRESS" })).await.ok();
    }
    let link = |source: Value, to: &str| json!({ "SourceUser": source, "DestinationUser": here(to) });
    let by_email = json!({
        "ProviderName": "Corp", "ProviderAttributeName": "email",
        "ProviderAttributeValue": "alice@example.com",
    });
    let linking = "AdminLinkProviderForUser";
    app.signed(linking, link(by_email, "alice@example.com")).await.refused_as("InvalidParameterException");
    app.signed(linking, link(at_corp("a-1"), "nobody@example.com")).await.refused_as("UserNotFoundException");
    app.signed(linking, link(here("bob@example.com"), "alice@example.com"))
        .await
        .refused_as("InvalidParameterException");

    app.signed(linking, link(at_corp("a-1"), "alice@example.com")).await.ok();
    app.signed(linking, link(at_corp("a-1"), "alice@example.com"))
        .await
        .refused("InvalidParameterException", "SourceUser is already linked to DestinationUser");
    app.signed(linking, link(at_corp("a-1"), "bob@example.com"))
        .await
        .refused_as("InvalidParameterException");
    let alice = json!({ "Username": "alice@example.com" });
    let identities = |user: &Value| -> Value {
        let attributes = user["UserAttributes"].as_array().expect("attributes");
        let found = attributes.iter().find(|attribute| attribute["Name"] == "identities");
        found.map_or(Value::Null, |found| {
            serde_json::from_str(found["Value"].as_str().expect("a text")).expect("JSON")
        })
    };
    let known = identities(&app.signed("AdminGetUser", alice.clone()).await.ok());
    assert_eq!(known[0]["userId"], "a-1");
    assert_eq!((&known[0]["providerName"], &known[0]["primary"]), (&json!("Corp"), &json!(false)));
    // Nobody writes it.
    let written = json!({
        "Username": "bob@example.com", "UserAttributes": [{ "Name": "identities", "Value": "[]" }],
    });
    app.signed("AdminUpdateUserAttributes", written).await.refused_as("InvalidParameterException");

    for number in 2..=5 {
        app.signed(linking, link(at_corp(&format!("a-{number}")), "alice@example.com")).await.ok();
    }
    app.signed(linking, link(at_corp("a-6"), "alice@example.com")).await.refused_as("LimitExceededException");

    let unlink = json!({ "User": at_corp("a-1") });
    app.signed("AdminDisableProviderForUser", unlink.clone()).await.ok();
    app.signed("AdminDisableProviderForUser", unlink).await.refused_as("UserNotFoundException");
    let known = identities(&app.signed("AdminGetUser", alice).await.ok());
    assert_eq!(known.as_array().map(Vec::len), Some(4));
    app.signed(linking, link(at_corp("a-1"), "bob@example.com")).await.ok();
    // Somebody else of that name signs up later: nothing of the one who is gone is theirs.
    app.signed("AdminDeleteUser", json!({ "Username": "bob@example.com" })).await.ok();
    app.signed("AdminCreateUser", json!({ "Username": "bob@example.com", "MessageAction": "SUPPRESS" }))
        .await
        .ok();
    app.signed("AdminDisableProviderForUser", json!({ "User": at_corp("a-1") }))
        .await
        .refused_as("UserNotFoundException");
}

#[tokio::test]
async fn a_password_that_was_taken_away_does_not_sign_in() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let name = "carol@example.com";
    app.signed("AdminCreateUser", json!({ "Username": name, "MessageAction": "SUPPRESS" })).await.ok();
    let password = json!({ "Username": name, "Password": "Correct-horse-7", "Permanent": true });
    app.signed("AdminSetUserPassword", password).await.ok();
    let sign_in = json!({
        "ClientId": app.client_id, "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": name, "PASSWORD": "Correct-horse-7" },
    });
    call(&server, "InitiateAuth", sign_in.clone()).await.ok();
    app.signed("AdminDisableProviderForUser", json!({ "User": here(name) })).await.ok();
    call(&server, "InitiateAuth", sign_in).await.refused_as("NotAuthorizedException");
}

#[tokio::test]
async fn nobody_takes_a_name_that_a_provider_gives() {
    const KEPT: &str = "Username cannot begin with the name of an identity provider and an underscore.";
    let server = TestServer::start().await;
    let names = json!({ "UsernameAttributes": null, "AliasAttributes": ["preferred_username"] });
    let app = App::with(&server, names, json!({})).await;
    let signs_up = |name: &str, more: Value| {
        let mut attributes = vec![json!({ "Name": "email", "Value": "ana@example.com" })];
        attributes.extend(more.as_array().expect("a list").iter().cloned());
        app.public(
            "SignUp",
            json!({ "Username": name, "Password": "Long-Enough-9", "UserAttributes": attributes }),
        )
    };
    // As long as there is no such provider, the names are names like others.
    signs_up("corp_1", json!([])).await.ok();
    app.signed("CreateIdentityProvider", corp()).await.ok();
    for name in ["Corp_2", "corp_2", "CORP_", "Corp_ana@corp.example"] {
        signs_up(name, json!([])).await.refused("InvalidParameterException", KEPT);
        app.signed("AdminCreateUser", json!({ "Username": name, "TemporaryPassword": "Long-Enough-9" }))
            .await
            .refused("InvalidParameterException", KEPT);
    }
    for name in ["Corp", "Corp2", "Corporation_2", "my_Corp_2", "Corp-2"] {
        signs_up(name, json!([])).await.ok();
    }
    // Nor as the name that people choose for themselves.
    let alias = json!([{ "Name": "preferred_username", "Value": "Corp_3" }]);
    signs_up("ana", alias.clone()).await.refused("InvalidParameterException", KEPT);
    signs_up("ana", json!([])).await.ok();
    app.signed("AdminUpdateUserAttributes", json!({ "Username": "ana", "UserAttributes": alias }))
        .await
        .refused("InvalidParameterException", KEPT);
    // Who was there before goes on.
    let name = json!([{ "Name": "name", "Value": "One" }]);
    app.signed("AdminUpdateUserAttributes", json!({ "Username": "corp_1", "UserAttributes": name }))
        .await
        .ok();

    // Where addresses are the names, nobody's user name is their own choice.
    let app = App::new(&server).await;
    app.signed("CreateIdentityProvider", corp()).await.ok();
    app.person("corp_2@example.com").await;
}
