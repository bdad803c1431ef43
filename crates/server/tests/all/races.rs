//! What may happen once happens once, however many ask for it in the same moment on two nodes that share a store. Also
//! that what has ended on one node has ended on the other (attack cases 58 and 65).

use crate::mfa;
use crate::story::{App, Challenge, call, challenge, newest_mail, text};
use crate::support::passkey::{Attested, Ceremony, Passkey};
use crate::support::{Answer, Client, TestServer, encoded};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const ALICE: &str = "alice@example.com";
const PASSWORD: &str = "Correct-horse-1";
const MANY: usize = 12;

/// Two nodes, by turns.
struct Nodes<'a>(&'a TestServer, &'a TestServer);

impl Nodes<'_> {
    fn client(&self, number: usize) -> Client {
        let server = if number.is_multiple_of(2) { self.0 } else { self.1 };
        Client::new(&server.url, server.clock.clone())
    }

    /// Sends a call so often, all in one moment.
    async fn at_once(&self, operation: &'static str, body: impl Fn(usize) -> Value) -> Vec<Answer> {
        let (mut running, start) = (JoinSet::new(), Arc::new(Barrier::new(MANY)));
        for number in 0..MANY {
            let (client, body, start) = (self.client(number), body(number), start.clone());
            running.spawn(async move {
                start.wait().await;
                (number, client.json(operation, &body, None).await)
            });
        }
        let mut answers = running.join_all().await;
        answers.sort_by_key(|(number, _)| *number);
        for (_, answer) in &answers {
            assert!(answer.status == 200 || answer.status == 400, "{}", answer.text);
        }
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    /// The same; gives the number of the only one that succeeded.
    async fn won_by_one(&self, operation: &'static str, body: impl Fn(usize) -> Value) -> usize {
        let answers = self.at_once(operation, body).await;
        let winners: Vec<usize> = (0..MANY).filter(|number| answers[*number].status == 200).collect();
        assert_eq!(winners.len(), 1, "{answers:?}");
        winners[0]
    }
}

async fn tokens(app: &App<'_>, name: &str) -> Value {
    app.signs_in(name).await["AuthenticationResult"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_up_is_confirmed_once() {
    let (one, two) = TestServer::two_nodes().await;
    let app = App::new(&one).await;
    let attributes = json!([{ "Name": "email", "Value": ALICE }]);
    app.public("SignUp", json!({ "Username": ALICE, "UserAttributes": attributes })).await.ok();
    let code = app.code(ALICE).await;
    let body = json!({ "ClientId": app.client_id, "Username": ALICE, "ConfirmationCode": code });
    Nodes(&one, &two).won_by_one("ConfirmSignUp", |_| body.clone()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_new_passwords_for_one_code_one_is_taken() {
    let (one, two) = TestServer::two_nodes().await;
    let app = App::new(&one).await;
    app.person(ALICE).await;
    app.password(ALICE, PASSWORD).await;
    app.public("ForgotPassword", json!({ "Username": ALICE })).await.ok();
    let code = app.code(ALICE).await;
    let password = |number: usize| format!("Battery-staple-{number}");
    let nodes = Nodes(&one, &two);
    let winner = nodes.won_by_one("ConfirmForgotPassword", |number| {
        json!({
            "ClientId": app.client_id, "Username": ALICE, "ConfirmationCode": code, "Password": password(number),
        })
    });
    let winner = winner.await;
    for number in [winner, (winner + 1) % MANY] {
        let parameters = json!({ "USERNAME": ALICE, "PASSWORD": password(number) });
        let body = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
        let reply = app.on(&two).public("InitiateAuth", body).await;
        assert_eq!(reply.status == 200, number == winner, "{}", reply.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_password_is_chosen_once() {
    let (one, two) = TestServer::two_nodes().await;
    let app = App::new(&one).await;
    let person = json!({
        "Username": ALICE, "TemporaryPassword": PASSWORD, "MessageAction": "SUPPRESS",
        "UserAttributes": [{ "Name": "email", "Value": ALICE }],
    });
    app.signed("AdminCreateUser", person).await.ok();
    let parameters = json!({ "USERNAME": ALICE, "PASSWORD": PASSWORD });
    let begin = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters });
    let asked = challenge(&app.public("InitiateAuth", begin).await.ok());
    let nodes = Nodes(&one, &two);
    nodes
        .won_by_one("RespondToAuthChallenge", |number| {
            let responses = json!({ "USERNAME": ALICE, "NEW_PASSWORD": format!("Battery-staple-{number}") });
            answer_to(&app, &asked, responses)
        })
        .await;
}

fn answer_to(app: &App<'_>, asked: &Challenge, responses: Value) -> Value {
    json!({
        "ClientId": app.client_id, "ChallengeName": asked.name, "Session": asked.session,
        "ChallengeResponses": responses,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_changed_once_and_taken_back_once() {
    let (one, two) = TestServer::two_nodes().await;
    let app = App::new(&one).await;
    app.person(ALICE).await;
    let token = tokens(&app, ALICE).await["AccessToken"].clone();
    one.clock.advance(1_000);
    let attributes = json!([{ "Name": "email", "Value": "new@example.org" }]);
    call(&one, "UpdateUserAttributes", json!({ "AccessToken": token, "UserAttributes": attributes }))
        .await
        .ok();
    let link = text(&newest_mail(&one, ALICE).await, "/text");
    let link = link.split_once("token=").expect("a link").1.split_whitespace().next().expect("a token");
    let code = app.code("new@example.org").await;
    let body = json!({ "AccessToken": token, "AttributeName": "email", "Code": code });
    let nodes = Nodes(&one, &two);
    nodes.won_by_one("VerifyUserAttribute", |_| body.clone()).await;

    let (mut running, start) = (JoinSet::new(), Arc::new(Barrier::new(MANY)));
    for number in 0..MANY {
        let (client, start) = (nodes.client(number), start.clone());
        let form = Bytes::from(format!("token={}", encoded(link)));
        let request = client
            .request("POST", "/account/undo")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .expect("a request");
        running.spawn(async move {
            start.wait().await;
            client.send(request).await.status
        });
    }
    let mut statuses = running.join_all().await;
    statuses.sort_unstable();
    let mut expected = vec![404; MANY];
    expected[0] = 200;
    assert_eq!(statuses, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passkey_is_registered_once() {
    let (one, two) = TestServer::two_nodes().await;
    let factors = json!({ "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP", "WEB_AUTHN"] });
    let app = App::with(&one, json!({ "Policies": { "SignInPolicy": factors } }), json!({})).await;
    let party = json!({ "RelyingPartyId": "localhost", "UserVerification": "preferred" });
    app.signed("SetUserPoolMfaConfig", json!({ "WebAuthnConfiguration": party })).await.ok();
    app.person(ALICE).await;
    let token = tokens(&app, ALICE).await["AccessToken"].clone();
    let options = call(&one, "StartWebAuthnRegistration", json!({ "AccessToken": token })).await.ok();
    let options = &options["CredentialCreationOptions"];
    let handle = BASE64URL.decode(text(options, "/user/id")).expect("base64url");
    let ceremony = Ceremony::create(&text(options, "/challenge"), "localhost");
    // Each a passkey of its own, over one challenge.
    let credentials: Vec<Value> = (0..MANY)
        .map(|_| {
            let passkey = Passkey { user_handle: Some(handle.clone()), ..Passkey::fresh() };
            passkey.registers(&ceremony, Attested::No)
        })
        .collect();
    let nodes = Nodes(&one, &two);
    nodes
        .won_by_one(
            "CompleteWebAuthnRegistration",
            |number| json!({ "AccessToken": token, "Credential": credentials[number] }),
        )
        .await;
    let list = call(&two, "ListWebAuthnCredentials", json!({ "AccessToken": token })).await.ok();
    assert_eq!(list["Credentials"].as_array().map(Vec::len), Some(1), "{list}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_of_an_authenticator_signs_in_once_on_two_nodes() {
    let (one, two) = TestServer::two_nodes().await;
    let app = mfa::pool(&one, "OPTIONAL").await;
    let authenticator = mfa::sets_up(&app, &mfa::access_token(&app, ALICE).await).await;
    let code = authenticator.next_code(&one);
    let mut asked = Vec::new();
    for _ in 0..MANY {
        asked.push(challenge(&mfa::begins(&app, ALICE).await.ok()));
    }
    Nodes(&one, &two)
        .won_by_one("RespondToAuthChallenge", |number| {
            let responses = json!({ "USERNAME": ALICE, "SOFTWARE_TOKEN_MFA_CODE": code });
            answer_to(&app, &asked[number], responses)
        })
        .await;
}

/// A client that rotates refresh tokens, with some seconds of grace for retries.
async fn rotating(server: &TestServer, grace_s: i64) -> App<'_> {
    let rotation = json!({
        "ExplicitAuthFlows": ["ALLOW_USER_AUTH"],
        "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": grace_s },
    });
    App::with(server, json!({}), rotation).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_65_a_stolen_refresh_token_that_is_raced_ends_its_family() {
    let (one, two) = TestServer::two_nodes().await;
    let app = rotating(&one, 0).await;
    app.person(ALICE).await;
    let first = tokens(&app, ALICE).await;
    let refresh = |token: &Value| json!({ "ClientId": app.client_id, "RefreshToken": token });
    let nodes = Nodes(&one, &two);
    let answers = nodes.at_once("GetTokensFromRefreshToken", |_| refresh(&first["RefreshToken"])).await;
    let good: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(good.len(), 1, "{answers:?}");
    // Somebody else had it, so nobody keeps anything: neither the one that was first, nor what it was exchanged for.
    let second = good[0].body["AuthenticationResult"].clone();
    for server in [&one, &two] {
        call(server, "GetTokensFromRefreshToken", refresh(&second["RefreshToken"]))
            .await
            .refused_as("NotAuthorizedException");
        for token in [&first["AccessToken"], &second["AccessToken"]] {
            call(server, "GetUser", json!({ "AccessToken": token }))
                .await
                .refused("NotAuthorizedException", "Access Token has been revoked");
        }
    }
    // The owner signs in again.
    tokens(&app, ALICE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_65_a_client_that_retries_within_its_grace_goes_on() {
    let (one, two) = TestServer::two_nodes().await;
    let app = rotating(&one, 10).await;
    app.person(ALICE).await;
    let first = tokens(&app, ALICE).await;
    let refresh = |token: &Value| json!({ "ClientId": app.client_id, "RefreshToken": token });
    let nodes = Nodes(&one, &two);
    let answers = nodes.at_once("GetTokensFromRefreshToken", |_| refresh(&first["RefreshToken"])).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    // What the retries got works, until the old one comes back too late.
    let last = answers[MANY - 1].body["AuthenticationResult"]["RefreshToken"].clone();
    let next = call(&two, "GetTokensFromRefreshToken", refresh(&last)).await.ok();
    one.clock.advance(11_000);
    call(&one, "GetTokensFromRefreshToken", refresh(&first["RefreshToken"]))
        .await
        .refused_as("RefreshTokenReuseException");
    let newest = &next["AuthenticationResult"]["RefreshToken"];
    call(&two, "GetTokensFromRefreshToken", refresh(newest)).await.refused_as("NotAuthorizedException");
    // Another client gets nothing for a token, in time or not.
    let mine = tokens(&app, ALICE).await;
    let other = rotating(&one, 10).await;
    let foreign = json!({ "ClientId": other.client_id, "RefreshToken": mine["RefreshToken"] });
    call(&one, "GetTokensFromRefreshToken", foreign).await.refused_as("NotAuthorizedException");
    call(&one, "RevokeToken", json!({ "ClientId": app.client_id, "Token": mine["RefreshToken"] })).await.ok();
    call(&two, "GetTokensFromRefreshToken", refresh(&mine["RefreshToken"]))
        .await
        .refused("NotAuthorizedException", "Refresh Token has been revoked");
}

#[tokio::test]
async fn case_58_what_ends_on_one_node_has_ended_on_the_other() {
    let (one, two) = TestServer::two_nodes().await;
    let app = App::new(&one).await;
    let there = app.on(&two);
    app.person(ALICE).await;
    let mut password = PASSWORD.to_owned();
    app.password(ALICE, &password).await;
    for (number, ending) in [
        "AdminSetUserPassword",
        "ChangePassword",
        "ConfirmForgotPassword",
        "GlobalSignOut",
        "AdminUserGlobalSignOut",
        "AdminResetUserPassword",
        "AdminSetUserPassword",
        "AdminDisableUser",
        "AdminEnableUser",
        "AdminDeleteUser",
    ]
    .into_iter()
    .enumerate()
    {
        one.clock.advance(1_000);
        if ending == "AdminEnableUser" {
            app.signed(ending, json!({ "Username": ALICE })).await.ok();
            continue;
        }
        let was_reset = number == 6;
        let (mine, kept) = match was_reset {
            false => (tokens(&app, ALICE).await, tokens(&app, ALICE).await),
            true => (json!({}), json!({})),
        };
        one.clock.advance(1_000);
        let next = format!("Battery-staple-{number}");
        match ending {
            "AdminSetUserPassword" => {
                let body = json!({ "Username": ALICE, "Password": next, "Permanent": true });
                there.signed(ending, body).await.ok();
            }
            "ChangePassword" => {
                let body = json!({
                    "AccessToken": mine["AccessToken"], "PreviousPassword": password, "ProposedPassword": next,
                });
                call(&two, ending, body).await.ok();
            }
            "ConfirmForgotPassword" => {
                app.public("ForgotPassword", json!({ "Username": ALICE })).await.ok();
                let body =
                    json!({ "Username": ALICE, "ConfirmationCode": app.code(ALICE).await, "Password": next });
                there.public(ending, body).await.ok();
            }
            "GlobalSignOut" => {
                drop(call(&two, ending, json!({ "AccessToken": mine["AccessToken"] })).await.ok())
            }
            _ => drop(there.signed(ending, json!({ "Username": ALICE })).await.ok()),
        }
        password = next;
        if was_reset {
            continue;
        }
        let used = call(&one, "GetUser", json!({ "AccessToken": kept["AccessToken"] })).await;
        assert_eq!(used.status, 400, "{ending}: {}", used.text);
        let refreshed =
            app.public("GetTokensFromRefreshToken", json!({ "RefreshToken": kept["RefreshToken"] }));
        assert_eq!(refreshed.await.body["__type"], "NotAuthorizedException", "{ending}");
    }
}
