//! What a code is good for, and at which doors it can be guessed (attack cases 7, 9, 11, 13 and 19).

use super::{ALICE, ATTEMPTS, BOB, BUDGET, Ended, ended, guess_and_ask_again};
use crate::story::{App, Challenge, Reply, another, call, text};
use crate::support::TestServer;
use serde_json::{Value, json};

const PASSWORD: &str = "Correct-horse-1";
/// Wrong guesses at codes of six digits that an account bears in a day.
const SHORT_BUDGET: usize = 10;

/// The doors at which a code of an account is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Door {
    SignIn,
    SignUp,
    Reset,
    Verify,
}

/// Somebody who is signed in, with a session that waits for a code.
struct Person<'a> {
    app: &'a App<'a>,
    name: &'a str,
    token: Value,
    asked: Challenge,
}

impl Person<'_> {
    async fn gives(&self, door: Door, code: &str) -> Reply {
        let (app, name) = (self.app, self.name);
        match door {
            Door::SignIn => app.answers(name, &self.asked, code).await,
            Door::SignUp => {
                app.public("ConfirmSignUp", json!({ "Username": name, "ConfirmationCode": code })).await
            }
            Door::Reset => {
                let body =
                    json!({ "Username": name, "ConfirmationCode": code, "Password": "Battery-staple-2" });
                app.public("ConfirmForgotPassword", body).await
            }
            Door::Verify => {
                let body = json!({ "AccessToken": self.token, "AttributeName": "email", "Code": code });
                call(app.server, "VerifyUserAttribute", body).await
            }
        }
    }
}

/// Asks for a code by a call, and reads it in the mail.
async fn code_of(app: &App<'_>, operation: &str, body: Value, address: &str) -> String {
    app.server.clock.advance(1);
    app.public(operation, body).await.ok();
    app.code(address).await
}

#[tokio::test]
async fn case_11_a_code_opens_its_own_door_only() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    for (name, change) in [(ALICE, None), (BOB, Some("bobs-new@example.com"))] {
        app.person(name).await;
        app.password(name, PASSWORD).await;
        let token = app.signs_in(name).await["AuthenticationResult"]["AccessToken"].clone();
        let reset = code_of(&app, "ForgotPassword", json!({ "Username": name }), name).await;
        server.clock.advance(1);
        let verify = match change {
            None => {
                let body = json!({ "AccessToken": token, "AttributeName": "email" });
                call(&server, "GetUserAttributeVerificationCode", body).await.ok();
                app.code(name).await
            }
            Some(address) => {
                let attributes = json!([{ "Name": "email", "Value": address }]);
                let body = json!({ "AccessToken": token, "UserAttributes": attributes });
                call(&server, "UpdateUserAttributes", body).await.ok();
                app.code(address).await
            }
        };
        let asked = app.asked(name).await;
        let sign_in = app.code(name).await;
        let person = Person { app: &app, name, token, asked };
        let codes = [(Door::SignIn, &sign_in), (Door::Verify, &verify), (Door::Reset, &reset)];
        for (own, code) in codes {
            for door in [Door::SignIn, Door::SignUp, Door::Reset, Door::Verify] {
                if door != own {
                    let reply = person.gives(door, code).await;
                    assert_eq!(reply.body["__type"], "CodeMismatchException", "{own:?} at {door:?}");
                }
            }
        }
        // And each its own. A name that has changed is nobody's to reset.
        for (own, code) in codes.into_iter().filter(|(own, _)| *own != Door::Reset || change.is_none()) {
            person.gives(own, code).await.ok();
        }
    }
}

#[tokio::test]
async fn case_11_the_code_of_a_sign_up_does_not_sign_in_and_the_other_way_round() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    let attributes = json!([{ "Name": "email", "Value": ALICE }]);
    let body = json!({ "Username": ALICE, "UserAttributes": attributes });
    let sign_up = code_of(&app, "SignUp", body, ALICE).await;
    let asked = app.asked(ALICE).await;
    let sign_in = app.code(ALICE).await;
    let person = Person { app: &app, name: ALICE, token: Value::Null, asked };
    person.gives(Door::SignIn, &sign_up).await.refused_as("CodeMismatchException");
    person.gives(Door::SignUp, &sign_in).await.refused_as("CodeMismatchException");
    person.gives(Door::Reset, &sign_up).await.refused_as("ExpiredCodeException");
    person.gives(Door::SignUp, &sign_up).await.ok();
    person.gives(Door::SignIn, &sign_in).await.ok();
}

/// Guesses at a door until it is shut; counts what was looked at.
async fn guesses(person: &Person<'_>, door: Door, asks: impl AsyncFn() -> Reply) -> usize {
    let mut looked_at = 0;
    for round in 0..10 {
        person.app.server.clock.advance(1);
        // A code that could not be answered any more is not sent.
        if asks().await.status != 200 {
            break;
        }
        for guess in 0..ATTEMPTS {
            // No code has a letter.
            let reply = person.gives(door, &format!("{round:03}{guess}xy")).await;
            assert_ne!(ended(&reply), Ended::SignedIn);
            looked_at += usize::from(ended(&reply) == Ended::Wrong);
        }
    }
    looked_at
}

#[tokio::test]
async fn case_7_no_door_is_unlimited() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    app.password(ALICE, PASSWORD).await;
    let token = app.signs_in(ALICE).await["AuthenticationResult"]["AccessToken"].clone();
    let asked = Challenge { name: String::new(), session: String::new() };
    let person = Person { app: &app, name: ALICE, token: token.clone(), asked };
    let resets = async || app.public("ForgotPassword", json!({ "Username": ALICE })).await;
    assert_eq!(guesses(&person, Door::Reset, resets).await, SHORT_BUDGET);
    let verifies = async || {
        let body = json!({ "AccessToken": token, "AttributeName": "email" });
        call(&server, "GetUserAttributeVerificationCode", body).await
    };
    assert_eq!(guesses(&person, Door::Verify, verifies).await, SHORT_BUDGET);
    // Signing in has a budget of its own, which is all there once the code of today's sign-in has lapsed.
    server.clock.advance(180_000);
    assert_eq!(guess_and_ask_again(&app, 20, |_| Vec::new()).await, BUDGET);
}

#[tokio::test]
async fn case_9_a_password_works_when_strangers_used_up_the_guesses() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    app.person(ALICE).await;
    app.password(ALICE, PASSWORD).await;
    assert_eq!(guess_and_ask_again(&app, 12, |_| Vec::new()).await, BUDGET);
    let parameters = json!({ "USERNAME": ALICE, "PASSWORD": PASSWORD });
    let body = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    app.public("InitiateAuth", body).await.ok();
    // Nor do wrong codes keep anybody from a new password.
    let reset = code_of(&app, "ForgotPassword", json!({ "Username": ALICE }), ALICE).await;
    let body = json!({ "Username": ALICE, "ConfirmationCode": reset, "Password": "Battery-staple-2" });
    app.public("ConfirmForgotPassword", body).await.ok();
}

#[tokio::test]
async fn case_13_of_the_codes_of_a_sign_up_the_newest_two_are_good() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    for (name, good) in [("a@example.com", 1), ("b@example.com", 2)] {
        let attributes = json!([{ "Name": "email", "Value": name }]);
        let body = json!({ "Username": name, "UserAttributes": attributes });
        let mut codes = vec![code_of(&app, "SignUp", body, name).await];
        for _ in 0..2 {
            let body = json!({ "Username": name });
            codes.push(code_of(&app, "ResendConfirmationCode", body, name).await);
        }
        let confirm = |code: &str| json!({ "Username": name, "ConfirmationCode": code });
        app.public("ConfirmSignUp", confirm(&codes[0])).await.refused_as("CodeMismatchException");
        app.public("ConfirmSignUp", confirm(&codes[good])).await.ok();
    }
    // Asking again gives no attempts back.
    let name = "c@example.com";
    let attributes = json!([{ "Name": "email", "Value": name }]);
    let body = json!({ "Username": name, "UserAttributes": attributes });
    let code = code_of(&app, "SignUp", body, name).await;
    let confirm = |code: &str| json!({ "Username": name, "ConfirmationCode": code });
    for _ in 0..ATTEMPTS - 1 {
        app.public("ConfirmSignUp", confirm(&another(&code))).await.refused_as("CodeMismatchException");
    }
    let newer = code_of(&app, "ResendConfirmationCode", json!({ "Username": name }), name).await;
    app.public("ConfirmSignUp", confirm(&another(&newer))).await.refused_as("CodeMismatchException");
    for code in [&code, &newer] {
        app.public("ConfirmSignUp", confirm(code)).await.refused_as("ExpiredCodeException");
    }
    // A third code begins anew.
    let last = code_of(&app, "ResendConfirmationCode", json!({ "Username": name }), name).await;
    app.public("ConfirmSignUp", confirm(&newer)).await.refused_as("CodeMismatchException");
    app.public("ConfirmSignUp", confirm(&last)).await.ok();
}

#[tokio::test]
async fn case_19_there_is_no_code_that_always_works() {
    let server = TestServer::start().await;
    let app = App::new(&server).await;
    for number in 0..50 {
        let name = format!("person{number}@example.com");
        app.person(&name).await;
        let asked = app.asked(&name).await;
        let sent = app.code(&name).await;
        for code in ["000000", "123456", "424242", "00000000"] {
            if code != sent {
                app.answers(&name, &asked, code).await.refused_as("CodeMismatchException");
            }
        }
    }
    // What tells how the server is says nothing of codes for tests, for there are none.
    let health = server.client.get("/readyz").await.ok();
    assert!(!health.text.contains("test"), "{}", health.text);
    assert_eq!(text(&health.body, "/status"), "ready");
}
