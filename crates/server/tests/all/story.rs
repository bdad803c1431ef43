//! The words in which tests tell their stories: a pool with an app, people, their challenges and their mail.

use crate::support::{Answer, TestServer};
use postern_store::Place;
use serde_json::{Value, json};
use std::ops::Deref;
use std::path::PathBuf;

/// What came back, with the two ways to go on: it was good, or it was refused with these words.
pub struct Reply(Answer);

impl Deref for Reply {
    type Target = Answer;

    fn deref(&self) -> &Answer {
        &self.0
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Reply(answer)
    }
}

impl Reply {
    /// The answer's document, which must be a good one.
    #[track_caller]
    pub fn ok(self) -> Value {
        self.0.ok().body
    }

    /// Checks that it was refused, and with which words.
    #[track_caller]
    pub fn refused(self, kind: &str, words: &str) {
        assert_eq!(self.0.refused(kind), words);
    }

    /// Checks that it was refused in this way, whatever the words.
    #[track_caller]
    pub fn refused_as(self, kind: &str) {
        self.0.refused(kind);
    }
}

/// Calls a public operation as nobody in particular.
pub async fn call(server: &TestServer, operation: &str, body: Value) -> Reply {
    server.api(operation, body).await.into()
}

/// Waits until every mail that was accepted has been delivered.
pub async fn mail_settles(server: &TestServer) {
    while server.app.store.read(|tx| tx.next_mail()).await.expect("the store answers").is_some() {
        tokio::task::yield_now().await;
    }
}

/// Gives the newest mail to an address once it is there.
pub async fn newest_mail(server: &TestServer, address: &str) -> Value {
    mail_settles(server).await;
    server.mails_to(address).await.into_iter().next().expect("a mail")
}

/// An `EmailConfiguration` with a sender that SES has verified.
pub async fn own_sender(server: &TestServer, address: &str) -> Value {
    server.ses("POST", "/identities", json!({ "EmailIdentity": address })).await.ok();
    let mail = newest_mail(server, address).await;
    let words = text(&mail, "/text");
    let token = words.split("token=").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a link");
    server.app.mail.confirm_address(token).await.expect("the store answers").expect("the link is good");
    json!({
        "EmailSendingAccount": "DEVELOPER",
        "SourceArn": format!("arn:aws:ses:us-east-1:{}:identity/{address}", server.app.account),
        "From": format!("Acme <{address}>"),
    })
}

/// A folder with a database file, which goes away with the test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        let name = format!("postern-story-{}", hex::encode(postern_store::random::bytes::<8>()));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a temporary folder can be made");
        Folder(path)
    }

    pub fn place(&self) -> Place {
        Place::File(self.0.join("postern.db"))
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// All bytes of the database as they lie on the disk.
    pub fn bytes(&self) -> Vec<u8> {
        let files = ["postern.db", "postern.db-wal"];
        files.iter().flat_map(|name| std::fs::read(self.0.join(name)).unwrap_or_default()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

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
        let made = server.signed("CreateUserPool", settings).await.ok().body;
        let pool_id = text(&made, "/UserPool/Id");
        let mut settings = json!({
            "UserPoolId": pool_id,
            "ClientName": "app",
            "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_PASSWORD_AUTH"],
        });
        merge(&mut settings, client);
        let made = server.signed("CreateUserPoolClient", settings).await.ok().body;
        App { server, pool_id, client_id: text(&made, "/UserPoolClient/ClientId") }
    }

    /// The same pool seen from another node.
    pub fn on<'b>(&self, server: &'b TestServer) -> App<'b> {
        App { server, pool_id: self.pool_id.clone(), client_id: self.client_id.clone() }
    }

    /// One more app client of this pool.
    pub async fn second_client(&self) -> App<'a> {
        let made = self
            .signed(
                "CreateUserPoolClient",
                json!({ "ClientName": "other", "ExplicitAuthFlows": ["ALLOW_USER_AUTH"] }),
            )
            .await
            .ok();
        App {
            client_id: text(&made, "/UserPoolClient/ClientId"),
            pool_id: self.pool_id.clone(),
            server: self.server,
        }
    }

    /// Calls an administrator's operation on this pool.
    pub async fn signed(&self, operation: &str, mut body: Value) -> Reply {
        body["UserPoolId"] = self.pool_id.clone().into();
        self.server.signed(operation, body).await.into()
    }

    /// Calls a public operation as this app.
    pub async fn public(&self, operation: &str, mut body: Value) -> Reply {
        body["ClientId"] = self.client_id.clone().into();
        self.server.api(operation, body).await.into()
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
        // Mails are in order of time, so no two are asked for in the same moment.
        self.server.clock.advance(1);
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
        self.public(
            "InitiateAuth",
            json!({ "AuthFlow": "USER_AUTH", "AuthParameters": { "USERNAME": name } }),
        )
        .await
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
        code_in(&newest_mail(self.server, email).await)
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

/// Reads a token's claims without checking anything.
pub fn claims(token: &str) -> Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).expect("a token has three parts");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).expect("base64");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn merge(into: &mut Value, from: Value) {
    let Value::Object(from) = from else { return };
    for (name, value) in from {
        into[name] = value;
    }
}
