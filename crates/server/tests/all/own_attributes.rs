//! People change, remove and verify their own attributes. Attack cases 46 to 48.

use crate::story::{App, another, call, challenge, newest_mail, text};
use crate::support::{TestServer, encoded};
use bytes::Bytes;
use serde_json::{Value, json};

const ALICE: &str = "alice@example.com";
const NEW: &str = "new@example.org";
const BOB: &str = "bob@example.com";
const PASSWORD: &str = "Correct-horse-9";

/// Somebody who is signed in.
struct Person<'a> {
    app: &'a App<'a>,
    token: String,
}

impl<'a> Person<'a> {
    async fn new(app: &'a App<'a>, email: &str) -> Person<'a> {
        app.person(email).await;
        Person { app, token: text(&app.signs_in(email).await, "/AuthenticationResult/AccessToken") }
    }

    async fn asks(&self, operation: &str, mut body: Value) -> crate::story::Reply {
        // No two mails of one moment.
        self.app.server.clock.advance(1000);
        body["AccessToken"] = self.token.clone().into();
        call(self.app.server, operation, body).await
    }

    async fn changes(&self, name: &str, value: &str) -> crate::story::Reply {
        self.asks("UpdateUserAttributes", json!({ "UserAttributes": [{ "Name": name, "Value": value }] }))
            .await
    }

    async fn verifies(&self, code: &str) -> crate::story::Reply {
        self.asks("VerifyUserAttribute", json!({ "AttributeName": "email", "Code": code })).await
    }

    async fn has(&self, name: &str) -> Option<String> {
        let me = self.asks("GetUser", json!({})).await.ok();
        let all = me["UserAttributes"].as_array().expect("attributes").clone();
        all.iter().find(|one| one["Name"] == name).map(|one| text(one, "/Value"))
    }
}

async fn undo(server: &TestServer, link: &str, press: bool) -> (u16, String) {
    let path =
        link.split_once("/account/").map(|(_, rest)| format!("/account/{rest}")).expect("a link of ours");
    let request = if press {
        let token = path.split_once("token=").expect("a token").1;
        server
            .client
            .request("POST", "/account/undo")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(format!("token={}", encoded(token))))
    } else {
        server.client.request("GET", &path).body(Bytes::new())
    };
    let answer = server.client.send(request.expect("a request")).await;
    (answer.status, answer.text)
}

fn link_in(mail: &Value) -> String {
    let body = text(mail, "/text");
    let start = body.find("http").expect("a link");
    body[start..].split_whitespace().next().expect("a link").to_owned()
}

#[tokio::test]
async fn what_is_no_address_changes_at_once_and_an_empty_value_removes() {
    let server = TestServer::start().await;
    let app = App::with(&server, json!({}), json!({ "ReadAttributes": ["email", "name", "nickname"] })).await;
    let alice = Person::new(&app, ALICE).await;
    let answer = alice.changes("name", "Alice").await.ok();
    assert_eq!(answer, json!({ "CodeDeliveryDetailsList": [] }));
    assert_eq!(alice.has("name").await.as_deref(), Some("Alice"));
    alice.changes("name", "").await.ok();
    assert_eq!(alice.has("name").await, None);
    alice.changes("nickname", "Al").await.ok();
    let gone = json!({ "UserAttributeNames": ["nickname"] });
    assert_eq!(alice.asks("DeleteUserAttributes", gone).await.ok(), json!({}));
    assert_eq!(alice.has("nickname").await, None);

    alice.changes("custom:none", "x").await.refused(
        "InvalidParameterException",
        "Attributes did not conform to the schema: custom:none: Attribute does not exist in the schema.\n",
    );
    alice.asks("DeleteUserAttributes", json!({ "UserAttributeNames": ["custom:none"] })).await.refused(
        "InvalidParameterException",
        "Invalid user attributes: user.custom:none: Attribute does not exist in the schema.\n",
    );
    alice.asks("DeleteUserAttributes", json!({ "UserAttributeNames": ["email"] })).await.refused(
        "InvalidParameterException",
        "Invalid user attributes: email: Required attribute cannot be deleted.",
    );
    alice.changes("email", "").await.refused_as("InvalidParameterException");
    alice
        .changes("email", "no address")
        .await
        .refused("InvalidParameterException", "Invalid email address format.");
    for operation in ["UpdateUserAttributes", "DeleteUserAttributes", "GetUserAttributeVerificationCode"] {
        let body = json!({
            "AccessToken": "not.a.token", "UserAttributes": [], "UserAttributeNames": [], "AttributeName": "email",
        });
        call(&server, operation, body).await.refused("NotAuthorizedException", "Invalid Access Token");
    }
    app.signed("AdminDisableUser", json!({ "Username": ALICE })).await.ok();
    alice.changes("name", "x").await.refused("NotAuthorizedException", "Access Token has been revoked");
}

#[tokio::test]
async fn a_client_writes_only_what_it_may() {
    let server = TestServer::start().await;
    let app = App::with(&server, json!({}), json!({ "WriteAttributes": ["email", "name"] })).await;
    let alice = Person::new(&app, ALICE).await;
    let words = "A client attempted to write unauthorized attribute";
    alice.changes("name", "Alice").await.ok();
    alice.changes("nickname", "Al").await.refused("NotAuthorizedException", words);
    alice
        .asks("DeleteUserAttributes", json!({ "UserAttributeNames": ["nickname"] }))
        .await
        .refused("NotAuthorizedException", words);
}

#[tokio::test]
async fn case_46_a_new_address_waits_for_its_code_and_the_old_one_can_take_it_back() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let alice = Person::new(&app, ALICE).await;
    let answer = alice.changes("email", NEW).await.ok();
    assert_eq!(
        answer["CodeDeliveryDetailsList"],
        json!([{ "Destination": "n***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email" }])
    );
    // Until then the old address rules.
    assert_eq!(alice.has("email").await.as_deref(), Some(ALICE));
    assert_eq!(alice.has("email_verified").await.as_deref(), Some("true"));
    let link = link_in(&newest_mail(&server, ALICE).await);
    let code = app.code(NEW).await;
    assert_eq!(code.len(), 6);
    app.signs_in(ALICE).await;
    let asked = app.asks(NEW).await.ok();
    assert_eq!(asked["ChallengeName"], "EMAIL_OTP");
    assert_ne!(text(&newest_mail(&server, NEW).await, "/purpose"), "Sign-in code");

    let other = text(&app.signs_in(ALICE).await, "/AuthenticationResult/AccessToken");
    let words = "Invalid verification code provided, please try again.";
    alice.verifies(&another(&code)).await.refused("CodeMismatchException", words);
    assert_eq!(alice.verifies(&code).await.ok(), json!({}));
    assert_eq!(alice.has("email").await.as_deref(), Some(NEW));
    // Other sign-ins have ended; this one goes on.
    call(&server, "GetUser", json!({ "AccessToken": other }))
        .await
        .refused("NotAuthorizedException", "Access Token has been revoked");
    app.signs_in(NEW).await;
    alice
        .verifies(&code)
        .await
        .refused("ExpiredCodeException", "Invalid code provided, please request a code again.");

    // Looking at the link changes nothing; pressing the button does, once.
    let (status, page) = undo(&server, &link, false).await;
    assert!(status == 200 && page.contains("a***@e***") && page.contains("<form"), "{page}");
    assert_eq!(alice.has("email").await.as_deref(), Some(NEW));
    let (status, page) = undo(&server, &link, true).await;
    assert!(status == 200 && page.contains("Your address is back"), "{page}");
    alice.asks("GetUser", json!({})).await.refused("NotAuthorizedException", "Access Token has been revoked");
    let again = text(&app.signs_in(ALICE).await, "/AuthenticationResult/AccessToken");
    let me = call(&server, "GetUser", json!({ "AccessToken": again })).await.ok();
    assert!(
        me["UserAttributes"]
            .as_array()
            .expect("attributes")
            .contains(&json!({ "Name": "email", "Value": ALICE }))
    );
    assert_eq!(undo(&server, &link, true).await.0, 404);
    assert_eq!(undo(&server, &link, false).await.0, 404);
}

#[tokio::test]
async fn case_46_a_change_taken_back_in_time_never_happens() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let alice = Person::new(&app, ALICE).await;
    alice.changes("email", NEW).await.ok();
    let code = app.code(NEW).await;
    let link = link_in(&newest_mail(&server, ALICE).await);
    assert_eq!(undo(&server, &link, true).await.0, 200);
    let token = text(&app.signs_in(ALICE).await, "/AuthenticationResult/AccessToken");
    let again = Person { app: &app, token };
    again
        .verifies(&code)
        .await
        .refused("ExpiredCodeException", "Invalid code provided, please request a code again.");
    // A week later a link is worth nothing.
    again.changes("email", NEW).await.ok();
    let late = link_in(&newest_mail(&server, ALICE).await);
    server.clock.advance(7 * 86_400_000);
    assert_eq!(undo(&server, &late, true).await.0, 404);
}

#[tokio::test]
async fn a_code_is_sent_again_to_the_address_that_waits() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let alice = Person::new(&app, ALICE).await;
    let asks = json!({ "AttributeName": "email" });
    let sent = alice.asks("GetUserAttributeVerificationCode", asks.clone()).await.ok();
    assert_eq!(
        sent["CodeDeliveryDetails"],
        json!({ "Destination": "a***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email" })
    );
    alice.verifies(&app.code(ALICE).await).await.ok();
    alice.changes("email", NEW).await.ok();
    let first = app.code(NEW).await;
    let sent = alice.asks("GetUserAttributeVerificationCode", asks).await.ok();
    assert_eq!(sent["CodeDeliveryDetails"]["Destination"], "n***@e***");
    assert_ne!(app.code(NEW).await, first);
    // The one before is good as well.
    alice.verifies(&first).await.ok();
    assert_eq!(alice.has("email").await.as_deref(), Some(NEW));

    alice.changes("email", ALICE).await.ok();
    let code = app.code(ALICE).await;
    server.clock.advance(86_400_000);
    let token = text(&app.signs_in(NEW).await, "/AuthenticationResult/AccessToken");
    let later = Person { app: &app, token };
    later
        .verifies(&code)
        .await
        .refused("ExpiredCodeException", "Invalid code provided, please request a code again.");
    for (name, words) in [
        ("nickname", "Invalid attribute name. Only phone_number and email can be verified."),
        ("phone_number", "The user has no phone_number to verify."),
    ] {
        let body = json!({ "AttributeName": name });
        later
            .asks("GetUserAttributeVerificationCode", body)
            .await
            .refused("InvalidParameterException", words);
    }
}

#[tokio::test]
async fn a_code_of_one_person_is_no_use_to_another_and_guessing_ends() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let alice = Person::new(&app, ALICE).await;
    let bob = Person::new(&app, BOB).await;
    alice.changes("email", NEW).await.ok();
    let code = app.code(NEW).await;
    bob.verifies(&code)
        .await
        .refused("ExpiredCodeException", "Invalid code provided, please request a code again.");
    for _ in 0..5 {
        alice.verifies(&another(&code)).await.refused_as("CodeMismatchException");
    }
    alice.verifies(&code).await.refused_as("ExpiredCodeException");
    for _ in 0..4 {
        alice.verifies(&code).await.refused_as("ExpiredCodeException");
    }
    alice
        .verifies(&code)
        .await
        .refused("LimitExceededException", "Attempt limit exceeded, please try after some time.");
}

#[tokio::test]
async fn an_address_that_somebody_has_is_theirs() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let alice = Person::new(&app, ALICE).await;
    app.person(BOB).await;
    // Asking does not tell that there is an account.
    alice.changes("email", BOB).await.ok();
    let code = app.code(BOB).await;
    alice.verifies(&code).await.refused("AliasExistsException", "An account with the email already exists.");
    assert_eq!(alice.has("email").await.as_deref(), Some(ALICE));
    app.signs_in(BOB).await;
}

#[tokio::test]
async fn where_an_address_is_no_way_in_it_changes_at_once_unless_the_pool_says_otherwise() {
    let server = TestServer::start().await;
    let names_only = json!({
        "UsernameAttributes": null, "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD"] } },
    });
    for waits in [false, true] {
        let mut pool = names_only.clone();
        if waits {
            pool["UserAttributeUpdateSettings"] =
                json!({ "AttributesRequireVerificationBeforeUpdate": ["email"] });
        }
        let app = App::with(&server, pool, json!({})).await;
        let attributes = [("email", ALICE), ("email_verified", "true")]
            .map(|(name, value)| json!({ "Name": name, "Value": value }));
        let made = json!({ "Username": "alice", "MessageAction": "SUPPRESS", "UserAttributes": attributes });
        app.signed("AdminCreateUser", made).await.ok();
        app.password("alice", PASSWORD).await;
        let signed_in = app
            .public(
                "InitiateAuth",
                json!({
                    "AuthFlow": "USER_PASSWORD_AUTH",
                    "AuthParameters": { "USERNAME": "alice", "PASSWORD": PASSWORD },
                }),
            )
            .await
            .ok();
        let alice = Person { app: &app, token: text(&signed_in, "/AuthenticationResult/AccessToken") };
        let address = format!("{}{NEW}", if waits { "a" } else { "b" });
        let sent = alice.changes("email", &address).await.ok();
        assert_eq!(sent["CodeDeliveryDetailsList"].as_array().map(Vec::len), Some(1));
        let old = text(&newest_mail(&server, ALICE).await, "/purpose");
        assert_eq!(old, "Address change");
        let expected = if waits { (ALICE, "true") } else { (address.as_str(), "false") };
        assert_eq!(alice.has("email").await.as_deref(), Some(expected.0));
        assert_eq!(alice.has("email_verified").await.as_deref(), Some(expected.1));
        let code = app.code(&address).await;
        alice.verifies(&code).await.ok();
        assert_eq!(alice.has("email").await.as_deref(), Some(address.as_str()));
        assert_eq!(alice.has("email_verified").await.as_deref(), Some("true"));
    }
}

#[tokio::test]
async fn case_47_nobody_verifies_their_own_address_by_saying_so() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let alice = Person::new(&app, ALICE).await;
    let words = "A client attempted to write unauthorized attribute";
    for flag in ["email_verified", "phone_number_verified"] {
        alice.changes(flag, "true").await.refused("NotAuthorizedException", words);
        alice
            .asks("DeleteUserAttributes", json!({ "UserAttributeNames": [flag] }))
            .await
            .refused("NotAuthorizedException", words);
    }
    let both = [("email", NEW), ("email_verified", "true")]
        .map(|(name, value)| json!({ "Name": name, "Value": value }));
    alice
        .asks("UpdateUserAttributes", json!({ "UserAttributes": both }))
        .await
        .refused("NotAuthorizedException", words);
    assert_eq!(alice.has("email").await.as_deref(), Some(ALICE));
    app.public(
        "SignUp",
        json!({
            "Username": NEW, "Password": PASSWORD,
            "UserAttributes": [{ "Name": "email_verified", "Value": "true" }],
        }),
    )
    .await
    .refused("NotAuthorizedException", words);
    // One that looks like it is only what it is.
    app.signed(
        "AddCustomAttributes",
        json!({ "CustomAttributes": [{ "Name": "email_verified", "AttributeDataType": "String" }] }),
    )
    .await
    .ok();
    app.signed(
        "AdminUpdateUserAttributes",
        json!({ "Username": ALICE, "UserAttributes": [{ "Name": "email_verified", "Value": "false" }] }),
    )
    .await
    .ok();
    alice.changes("custom:email_verified", "true").await.ok();
    assert_eq!(alice.has("email_verified").await.as_deref(), Some("false"));
}

#[tokio::test]
async fn case_46_a_first_password_brings_no_other_address() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let person = json!({
        "Username": ALICE, "TemporaryPassword": PASSWORD, "MessageAction": "SUPPRESS",
        "UserAttributes": [{ "Name": "email", "Value": ALICE }, { "Name": "email_verified", "Value": "true" }],
    });
    app.signed("AdminCreateUser", person).await.ok();
    let parameters = json!({ "USERNAME": ALICE, "PASSWORD": PASSWORD });
    let begin = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let asked = challenge(&app.public("InitiateAuth", begin).await.ok());
    let answer = |attribute: &str, value: &str| json!({ "USERNAME": ALICE, "NEW_PASSWORD": "Brand-new-1", format!("userAttributes.{attribute}"): value });
    app.replies(&asked, answer("email", NEW))
        .await
        .refused("NotAuthorizedException", "Cannot modify an already provided email");
    app.replies(&asked, answer("email_verified", "true"))
        .await
        .refused("NotAuthorizedException", "A client attempted to write unauthorized attribute");
    // Clients that send back what they were told get on.
    app.replies(&asked, answer("email", ALICE)).await.ok();
    let user = app.signed("AdminGetUser", json!({ "Username": ALICE })).await.ok();
    let attributes = user["UserAttributes"].as_array().expect("attributes");
    assert!(attributes.contains(&json!({ "Name": "email_verified", "Value": "true" })), "{user}");
    assert!(server.mails_to(NEW).await.is_empty());
}

#[tokio::test]
async fn case_48_who_signed_up_with_somebody_elses_address_loses_it() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    // The attacker signs up with a password of their own and never sees the code.
    app.public("SignUp", json!({ "Username": ALICE, "Password": PASSWORD })).await.ok();
    // Alice comes later and signs in by code.
    let challenge = challenge(&app.asks(ALICE).await.ok());
    let code = app.code(ALICE).await;
    app.answers(ALICE, &challenge, &code).await.ok();
    app.public(
        "InitiateAuth",
        json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": { "USERNAME": ALICE, "PASSWORD": PASSWORD } }),
    )
    .await
    .refused("NotAuthorizedException", "Incorrect username or password.");
}

#[tokio::test]
async fn an_administrator_who_changes_an_address_has_it_verified_by_code() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let alice = Person::new(&app, ALICE).await;
    let body = json!({ "Username": ALICE, "UserAttributes": [{ "Name": "email", "Value": NEW }] });
    app.signed("AdminUpdateUserAttributes", body).await.ok();
    assert_eq!(alice.has("email").await.as_deref(), Some(NEW));
    assert_eq!(alice.has("email_verified").await.as_deref(), Some("false"));
    alice.verifies(&app.code(NEW).await).await.ok();
    assert_eq!(alice.has("email_verified").await.as_deref(), Some("true"));
    // Given as verified, nothing is sent.
    let both = [("email", BOB), ("email_verified", "true")]
        .map(|(name, value)| json!({ "Name": name, "Value": value }));
    app.signed("AdminUpdateUserAttributes", json!({ "Username": NEW, "UserAttributes": both })).await.ok();
    crate::story::mail_settles(&server).await;
    assert!(server.mails_to(BOB).await.is_empty());
}

#[tokio::test]
async fn an_alias_moves_to_who_proves_it_if_they_say_so() {
    let server = TestServer::start().await;
    let pool = json!({ "UsernameAttributes": null, "AliasAttributes": ["email"] });
    let app = App::with(&server, pool, json!({})).await;
    let verified =
        json!([{ "Name": "email", "Value": ALICE }, { "Name": "email_verified", "Value": "true" }]);
    let make = |name: &'static str, force: bool| {
        let (app, attributes) = (&app, verified.clone());
        async move {
            let body = json!({
                "Username": name, "MessageAction": "SUPPRESS", "UserAttributes": attributes,
                "ForceAliasCreation": force,
            });
            app.signed("AdminCreateUser", body).await
        }
    };
    let who =
        || async { text(&app.signed("AdminGetUser", json!({ "Username": ALICE })).await.ok(), "/Username") };
    let is_verified = |name: &'static str| {
        let app = &app;
        async move {
            let user = app.signed("AdminGetUser", json!({ "Username": name })).await.ok();
            let all = user["UserAttributes"].as_array().expect("attributes").clone();
            all.contains(&json!({ "Name": "email_verified", "Value": "true" }))
        }
    };
    make("first", true).await.ok();
    make("second", false).await.refused("UsernameExistsException", "User account already exists");
    assert_eq!(who().await, "first");
    make("second", true).await.ok();
    assert_eq!(who().await, "second");
    assert!(!is_verified("first").await && is_verified("second").await);

    // At sign-up it takes the code that went to the mailbox.
    let signs_up = json!({
        "Username": "third", "Password": PASSWORD, "UserAttributes": [{ "Name": "email", "Value": ALICE }],
    });
    app.public("SignUp", signs_up).await.ok();
    let code = app.code(ALICE).await;
    app.public("ConfirmSignUp", json!({ "Username": "third", "ConfirmationCode": code }))
        .await
        .refused("AliasExistsException", "An account with the email already exists.");
    assert_eq!(who().await, "second");
    let forced = json!({ "Username": "third", "ConfirmationCode": code, "ForceAliasCreation": true });
    app.public("ConfirmSignUp", forced).await.ok();
    assert_eq!(who().await, "third");
    assert!(!is_verified("second").await && is_verified("third").await);
}

#[tokio::test]
async fn an_address_is_told_once_an_hour_and_its_link_takes_back_all() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let alice = Person::new(&app, ALICE).await;
    let notices = || async {
        crate::story::mail_settles(&server).await;
        let mails = server.mails_to(ALICE).await;
        mails.iter().filter(|mail| mail["purpose"] == "Address change").count()
    };
    for number in 0..5 {
        alice.changes("email", &format!("new{number}@example.org")).await.ok();
    }
    assert_eq!(notices().await, 1);
    let link = link_in(&newest_mail(&server, ALICE).await);
    let code = app.code("new4@example.org").await;
    assert_eq!(undo(&server, &link, true).await.0, 200);
    let token = text(&app.signs_in(ALICE).await, "/AuthenticationResult/AccessToken");
    let again = Person { app: &app, token };
    again.verifies(&code).await.refused_as("ExpiredCodeException");
    again.changes("email", NEW).await.ok();
    assert_eq!(notices().await, 2);
    server.clock.advance(3_600_000);
    let token = text(&app.signs_in(ALICE).await, "/AuthenticationResult/AccessToken");
    Person { app: &app, token }.changes("email", NEW).await.ok();
    assert_eq!(notices().await, 3);
}

#[tokio::test]
async fn an_old_sign_in_leads_no_codes_elsewhere() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let alice = Person::new(&app, ALICE).await;
    alice.changes("phone_number", "+15555550123").await.ok();
    server.clock.advance(6 * 60_000);
    let words = "Sign in again to change how you sign in.";
    alice.changes("email", NEW).await.refused("NotAuthorizedException", words);
    alice.changes("phone_number", "+15555550124").await.refused("NotAuthorizedException", words);
    let names = json!({ "UserAttributeNames": ["phone_number"] });
    alice.asks("DeleteUserAttributes", names).await.refused("NotAuthorizedException", words);
    assert!(server.mails_to(NEW).await.is_empty());
    // What leads no codes anywhere is changed as ever, and so is all of it after a fresh sign-in.
    alice.changes("name", "Alice").await.ok();
    alice.changes("email", ALICE).await.ok();
    let token = text(&app.signs_in(ALICE).await, "/AuthenticationResult/AccessToken");
    Person { app: &app, token }.changes("email", NEW).await.ok();
}
