//! The words in which tests tell their stories: a pool with an app, people, their challenges and their mail.

use crate::support::{Reply, TestServer};
use serde_json::{Value, json};

/// A pool where people sign in by mailed code or by password, and its app.
pub struct App<'a> {
    pub server: &'a TestServer,
    pub pool_id: String,
    pub client_id: String,
}

/// A question that waits for somebody's answer.
#[derive(Clone)]
pub struct Challenge {
    pub name: String,
    pub session: String,
}

impl<'a> App<'a> {
    /// A pool with e-mail addresses as names, and a public app client.
    pub async fn new(server: &'a TestServer) -> App<'a> {
        App::with(server, json!({}), json!({})).await
    }

    /// The same with more pool and client settings.
    pub async fn with(server: &'a TestServer, pool: Value, client: Value) -> App<'a> {
        let mut settings = json!({
            "PoolName": "people",
            "UsernameAttributes": ["email"],
            "UsernameConfiguration": { "CaseSensitive": false },
            "AutoVerifiedAttributes": ["email"],
            "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] } },
        });
        merge(&mut settings, pool);
        let made = server.signed("cognito-idp", "CreateUserPool", settings).await.ok();
        let pool_id = text(&made, "/UserPool/Id");
        let mut settings = json!({
            "UserPoolId": pool_id,
            "ClientName": "app",
            "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_PASSWORD_AUTH"],
        });
        merge(&mut settings, client);
        let made = server.signed("cognito-idp", "CreateUserPoolClient", settings).await.ok();
        App { server, pool_id, client_id: text(&made, "/UserPoolClient/ClientId") }
    }

    /// The same pool seen from another node.
    pub fn on<'b>(&self, server: &'b TestServer) -> App<'b> {
        App { server, pool_id: self.pool_id.clone(), client_id: self.client_id.clone() }
    }

    /// One more app client of this pool.
    pub async fn second_client(&self) -> App<'a> {
        let made = self
            .signed("CreateUserPoolClient", json!({ "ClientName": "other", "ExplicitAuthFlows": ["ALLOW_USER_AUTH"] }))
            .await
            .ok();
        App { client_id: text(&made, "/UserPoolClient/ClientId"), pool_id: self.pool_id.clone(), server: self.server }
    }

    /// Calls an administrator's operation on this pool.
    pub async fn signed(&self, operation: &str, mut body: Value) -> Reply {
        body["UserPoolId"] = self.pool_id.clone().into();
        self.server.signed("cognito-idp", operation, body).await
    }

    /// Calls a public operation as this app.
    pub async fn public(&self, operation: &str, mut body: Value) -> Reply {
        body["ClientId"] = self.client_id.clone().into();
        self.server.api(operation, body).await
    }

    /// Adds somebody who signs in by codes and has no password.
    pub async fn person(&self, email: &str) -> String {
        let made = self
            .signed(
                "AdminCreateUser",
                json!({
                    "Username": email,
                    "MessageAction": "SUPPRESS",
                    "UserAttributes": [
                        { "Name": "email", "Value": email },
                        { "Name": "email_verified", "Value": "true" },
                    ],
                }),
            )
            .await
            .ok();
        text(&made, "/User/Username")
    }

    /// Gives somebody a password of their own.
    pub async fn password(&self, email: &str, password: &str) {
        let body = json!({ "Username": email, "Password": password, "Permanent": true });
        self.signed("AdminSetUserPassword", body).await.ok();
    }

    /// Asks for a code.
    pub async fn asks(&self, name: &str) -> Reply {
        self.public(
            "InitiateAuth",
            json!({
                "AuthFlow": "USER_AUTH",
                "AuthParameters": { "USERNAME": name, "PREFERRED_CHALLENGE": "EMAIL_OTP" },
            }),
        )
        .await
    }

    /// Asks for a code and gets as far as the challenge.
    pub async fn asked(&self, name: &str) -> Challenge {
        challenge(&self.asks(name).await.ok())
    }

    /// Begins without saying how.
    pub async fn begins(&self, name: &str) -> Reply {
        self.public("InitiateAuth", json!({ "AuthFlow": "USER_AUTH", "AuthParameters": { "USERNAME": name } })).await
    }

    /// Answers a challenge with a code.
    pub async fn answers(&self, name: &str, challenge: &Challenge, code: &str) -> Reply {
        self.replies(challenge, json!({ "USERNAME": name, "EMAIL_OTP_CODE": code })).await
    }

    /// Answers a challenge with whatever is given.
    pub async fn replies(&self, challenge: &Challenge, responses: Value) -> Reply {
        self.public(
            "RespondToAuthChallenge",
            json!({
                "ChallengeName": challenge.name,
                "Session": challenge.session,
                "ChallengeResponses": responses,
            }),
        )
        .await
    }

    /// Reads the code in the newest mail to an address, waiting for the mail if it is still on its way.
    pub async fn code(&self, email: &str) -> String {
        code_in(&self.server.newest_mail(email).await)
    }

    /// Signs somebody in by code.
    pub async fn signs_in(&self, email: &str) -> Value {
        let challenge = self.asked(email).await;
        let code = self.code(email).await;
        self.answers(email, &challenge, &code).await.ok()
    }
}

/// Reads the challenge in an answer.
pub fn challenge(answer: &Value) -> Challenge {
    Challenge { name: text(answer, "/ChallengeName"), session: text(answer, "/Session") }
}

/// Reads the code that a mail carries.
pub fn code_in(mail: &Value) -> String {
    text(mail, "/code")
}

/// Gives a code that is surely not this one.
pub fn another(code: &str) -> String {
    let last = code.chars().last().and_then(|digit| digit.to_digit(10)).expect("a code ends in a digit");
    format!("{}{}", &code[..code.len() - 1], (last + 1) % 10)
}

/// Reads a text that must be there.
pub fn text(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer).and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => panic!("{pointer} is not a text in {value}"),
    }
}

fn merge(into: &mut Value, from: Value) {
    let Value::Object(from) = from else { return };
    for (name, value) in from {
        into[name] = value;
    }
}
