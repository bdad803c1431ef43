//! What a pool's schema asks of attributes: which must be given, which stay as they are, which are the developers'
//! alone, and which name somebody is signed up by.

use crate::story::{App, Reply, call, challenge, claims, text};
use crate::support::TestServer;
use serde_json::{Value, json};

const ALICE: &str = "alice@example.com";
const BOB: &str = "bob@example.com";
const PASSWORD: &str = "Correct-horse-9";
const INVALID: &str = "InvalidParameterException";

fn attributes(all: &[(&str, &str)]) -> Value {
    all.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect()
}

fn custom(name: &str, more: Value) -> Value {
    let mut attribute = json!({ "Name": name, "AttributeDataType": "String" });
    for (member, value) in more.as_object().into_iter().flatten() {
        attribute[member] = value.clone();
    }
    attribute
}

/// A pool whose schema has these beside the usual.
async fn with_schema<'a>(server: &'a TestServer, schema: Value) -> App<'a> {
    App::with(server, json!({ "Schema": schema }), json!({})).await
}

async fn creates(app: &App<'_>, name: &str, more: &[(&str, &str)]) -> Reply {
    let all = [&[("email", name), ("email_verified", "true")][..], more].concat();
    let body = json!({ "Username": name, "MessageAction": "SUPPRESS", "UserAttributes": attributes(&all) });
    app.signed("AdminCreateUser", body).await
}

async fn token(app: &App<'_>, name: &str) -> String {
    text(&app.signs_in(name).await, "/AuthenticationResult/AccessToken")
}

async fn sets(app: &App<'_>, token: &str, name: &str, value: &str) -> Reply {
    let body = json!({ "AccessToken": token, "UserAttributes": attributes(&[(name, value)]) });
    call(app.server, "UpdateUserAttributes", body).await
}

async fn drops(app: &App<'_>, token: &str, name: &str) -> Reply {
    let body = json!({ "AccessToken": token, "UserAttributeNames": [name] });
    call(app.server, "DeleteUserAttributes", body).await
}

async fn administrator_sets(app: &App<'_>, who: &str, name: &str, value: &str) -> Reply {
    let body = json!({ "Username": who, "UserAttributes": attributes(&[(name, value)]) });
    app.signed("AdminUpdateUserAttributes", body).await
}

/// The values that an answer shows of an attribute.
fn values(shown: &Value, name: &str) -> Vec<String> {
    let all = shown["UserAttributes"].as_array().expect("attributes");
    all.iter().filter(|one| one["Name"] == name).map(|one| text(one, "/Value")).collect()
}

async fn seen(app: &App<'_>, who: &str, name: &str) -> Vec<String> {
    values(&app.signed("AdminGetUser", json!({ "Username": who })).await.ok(), name)
}

#[tokio::test]
async fn nobody_is_given_the_sub_of_somebody_else() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let (alice, bob) = (app.person(ALICE).await, app.person(BOB).await);
    let words = "Cannot modify the non-mutable attribute sub";
    administrator_sets(&app, BOB, "sub", &alice).await.refused(INVALID, words);
    creates(&app, "carol@example.com", &[("sub", &alice)]).await.refused(INVALID, words);
    let own = token(&app, BOB).await;
    sets(&app, &own, "sub", &alice)
        .await
        .refused("NotAuthorizedException", "A client attempted to write unauthorized attribute");

    // One that was written before says nothing.
    let (pool, id) = (app.pool_id.clone(), bob.clone());
    server
        .app
        .store
        .write(move |tx| {
            let mut row = tx.user_by_id(&pool, &id)?.expect("a user");
            row.attributes = row.attributes.replacen('{', &format!("{{\"sub\":\"{alice}\","), 1);
            tx.change_user(&row)
        })
        .await
        .expect("the store answers");
    assert_eq!(seen(&app, BOB, "sub").await, std::slice::from_ref(&bob));
    let id = claims(&text(&app.signs_in(BOB).await, "/AuthenticationResult/IdToken"));
    assert_eq!(id["sub"], bob.as_str());
}

#[tokio::test]
async fn what_is_not_mutable_keeps_the_value_that_it_was_created_with() {
    let server = TestServer::start().await;
    let app = with_schema(&server, json!([custom("tenant", json!({ "Mutable": false }))])).await;
    let tenant = "custom:tenant";
    creates(&app, ALICE, &[(tenant, "A")]).await.ok();
    creates(&app, BOB, &[]).await.ok();
    let words = "user.custom:tenant: Attribute cannot be updated.\n";
    for (who, other) in [(ALICE, "B"), (ALICE, ""), (BOB, "B")] {
        let own = token(&app, who).await;
        sets(&app, &own, tenant, other).await.refused(INVALID, words);
        administrator_sets(&app, who, tenant, other).await.refused(INVALID, words);
    }
    let own = token(&app, ALICE).await;
    drops(&app, &own, tenant).await.refused(INVALID, words);
    let body = json!({ "Username": ALICE, "UserAttributeNames": [tenant] });
    app.signed("AdminDeleteUserAttributes", body).await.refused(INVALID, words);
    // What changes nothing is no change.
    sets(&app, &own, tenant, "A").await.ok();
    assert_eq!(seen(&app, ALICE, tenant).await, ["A"]);
    assert!(seen(&app, BOB, tenant).await.is_empty());

    // Who signs up is created, and so gives the first value.
    let given = attributes(&[("email", "carol@example.com"), (tenant, "C")]);
    app.public("SignUp", json!({ "Username": "carol@example.com", "UserAttributes": given })).await.ok();
    assert_eq!(seen(&app, "carol@example.com", tenant).await, ["C"]);
}

#[tokio::test]
async fn what_only_developers_see_is_nothing_to_users_and_apps() {
    let server = TestServer::start().await;
    let note = "dev:custom:note";
    let app = with_schema(&server, json!([custom("note", json!({ "DeveloperOnlyAttribute": true }))])).await;
    creates(&app, ALICE, &[(note, "secret")]).await.ok();
    let tokens = app.signs_in(ALICE).await;
    let own = text(&tokens, "/AuthenticationResult/AccessToken");
    let me = call(&server, "GetUser", json!({ "AccessToken": own })).await.ok();
    assert!(values(&me, note).is_empty());
    assert_eq!(values(&me, "email"), [ALICE]);
    assert_eq!(claims(&text(&tokens, "/AuthenticationResult/IdToken")).get(note), None);
    let words = "A client attempted to write unauthorized attribute";
    sets(&app, &own, note, "mine").await.refused("NotAuthorizedException", words);
    drops(&app, &own, note).await.refused("NotAuthorizedException", words);
    assert_eq!(seen(&app, ALICE, note).await, ["secret"]);

    // Nor is it told to who has yet to choose a password.
    let body = json!({
        "Username": BOB, "TemporaryPassword": PASSWORD, "MessageAction": "SUPPRESS",
        "UserAttributes": attributes(&[("email", BOB), (note, "secret")]),
    });
    app.signed("AdminCreateUser", body).await.ok();
    let parameters = json!({ "USERNAME": BOB, "PASSWORD": PASSWORD });
    let begin = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let asked = app.public("InitiateAuth", begin).await.ok();
    assert_eq!(asked["ChallengeParameters"]["userAttributes"], json!({ "email": BOB }).to_string());
}

#[tokio::test]
async fn what_a_pool_requires_is_asked_for_with_the_first_password() {
    let server = TestServer::start().await;
    // Even what never changes can be given then.
    let required = json!({ "Name": "given_name", "Required": true, "Mutable": false });
    let app = with_schema(&server, json!([required])).await;
    let words = "Attributes did not conform to the schema: given_name: The attribute is required\n";
    let body = json!({ "Username": ALICE, "UserAttributes": attributes(&[("email", ALICE)]) });
    app.public("SignUp", body.clone()).await.refused(INVALID, words);
    app.signed("AdminCreateUser", body.clone()).await.refused(INVALID, words);
    let mut with_password = body;
    with_password["TemporaryPassword"] = PASSWORD.into();
    app.signed("AdminCreateUser", with_password).await.ok();

    let parameters = json!({ "USERNAME": ALICE, "PASSWORD": PASSWORD });
    let begin = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let asked = app.public("InitiateAuth", begin).await.ok();
    let required = &asked["ChallengeParameters"]["requiredAttributes"];
    assert_eq!(required, &json!(["userAttributes.given_name"]).to_string());
    let asked = challenge(&asked);
    let answer = |name: &str| json!({ "USERNAME": ALICE, "NEW_PASSWORD": "Brand-new-1", "userAttributes.given_name": name });
    for nothing in [json!({ "USERNAME": ALICE, "NEW_PASSWORD": "Brand-new-1" }), answer("")] {
        app.replies(&asked, nothing)
            .await
            .refused(INVALID, "Invalid attributes given, given_name is missing");
    }
    app.replies(&asked, answer("Ana")).await.ok();
    assert_eq!(seen(&app, ALICE, "given_name").await, ["Ana"]);
}

#[tokio::test]
async fn what_a_pool_requires_is_changed_and_never_emptied() {
    let server = TestServer::start().await;
    let app =
        with_schema(&server, json!([{ "Name": "given_name", "Required": true, "Mutable": true }])).await;
    creates(&app, ALICE, &[("given_name", "Ana")]).await.ok();
    let own = token(&app, ALICE).await;
    let words = "Invalid user attributes: given_name: Required attribute cannot be deleted.";
    sets(&app, &own, "given_name", "").await.refused(INVALID, words);
    administrator_sets(&app, ALICE, "given_name", "").await.refused(INVALID, words);
    drops(&app, &own, "given_name").await.refused(INVALID, words);
    sets(&app, &own, "given_name", "Anna").await.ok();
    assert_eq!(seen(&app, ALICE, "given_name").await, ["Anna"]);
}

#[tokio::test]
async fn a_value_that_is_left_out_removes_nothing() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    creates(&app, ALICE, &[("picture", "https://shop.example/ana.png")]).await.ok();
    let own = token(&app, ALICE).await;
    let words = "Attribute value for picture must not be null";
    for nothing in [json!([{ "Name": "picture" }]), json!([{ "Name": "picture", "Value": null }])] {
        let body = json!({ "AccessToken": own, "UserAttributes": nothing });
        call(&server, "UpdateUserAttributes", body).await.refused(INVALID, words);
        let body = json!({ "Username": ALICE, "UserAttributes": nothing });
        app.signed("AdminUpdateUserAttributes", body).await.refused(INVALID, words);
    }
    assert_eq!(seen(&app, ALICE, "picture").await, ["https://shop.example/ana.png"]);
    administrator_sets(&app, ALICE, "phone_number", "0664 123")
        .await
        .refused(INVALID, "Invalid phone number format.");
}

#[tokio::test]
async fn a_name_is_of_the_kind_that_the_pool_signs_in_by() {
    let server = TestServer::start().await;
    let signs_up = async |app: &App<'_>, name: &str| {
        app.public("SignUp", json!({ "Username": name, "Password": PASSWORD })).await
    };
    let aliases = json!({ "UsernameAttributes": null, "AliasAttributes": ["email", "phone_number"] });
    let app = App::with(&server, aliases, json!({})).await;
    for (name, kind) in [(ALICE, "email"), ("+15555550123", "phone number")] {
        let words =
            format!("Username cannot be of {kind} format, since user pool is configured for {kind} alias.");
        signs_up(&app, name).await.refused(INVALID, &words);
    }
    signs_up(&app, "alice").await.ok();
    for (kinds, words) in [
        (json!(["email", "phone_number"]), "Username should be either an email or a phone number."),
        (json!(["email"]), "Username should be an email."),
        (json!(["phone_number"]), "Username should be a phone number."),
    ] {
        let app = App::with(&server, json!({ "UsernameAttributes": kinds }), json!({})).await;
        signs_up(&app, "alice").await.refused(INVALID, words);
    }
}

#[tokio::test]
async fn an_account_is_signed_up_by_the_address_that_was_given_as_its_name() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let words = "Username and email must be the same.";
    for other in [BOB, ""] {
        let body = json!({ "Username": ALICE, "UserAttributes": attributes(&[("email", other)]) });
        app.public("SignUp", body.clone()).await.refused(INVALID, words);
        app.signed("AdminCreateUser", body).await.refused(INVALID, words);
    }
    assert!(server.mails_to(BOB).await.is_empty());
    // Case is no difference where names mind none.
    let body = json!({ "Username": ALICE, "UserAttributes": attributes(&[("email", "Alice@Example.com")]) });
    app.public("SignUp", body).await.ok();
    app.public("ResendConfirmationCode", json!({ "Username": ALICE })).await.ok();
}
