//! What the tests stand on: whole servers in this process, with a clock that tests move, an inbox they read through its
//! API, and a client that signs like an SDK.
#![allow(dead_code, reason = "each test takes what it needs")]

pub mod authenticator;
mod client;
pub mod filled;
mod keys;
mod lambda;
#[path = "../../../pools/src/auth/webauthn/authenticator.rs"]
pub mod passkey;
mod place;
mod provider;
#[path = "../../../pools/src/auth/saml/signer.rs"]
pub mod saml;
mod srp;
mod wire;

pub use client::{Answer, Client, Key};
pub use lambda::{Does, Lambda, answering};
use place::fresh_place;
use postern_model::Service;
use postern_server::app::App;
use postern_server::master_key::MasterKey;
use postern_server::settings::{Flags, Settings};
use postern_server::{doors, http, seed, worker};
use postern_store::{Clock, Keys, Timestamp, Tx};
pub use provider::OpenIdProvider;
use serde_json::{Value, json};
pub use srp::{DeviceSecret, SrpClient};

/// When tests begin: 2026-01-02T03:04:05Z.
pub const START: Timestamp = Timestamp::from_ms(1_767_323_045_000);

/// A server of this test alone. It ends with the test.
pub struct TestServer {
    pub app: App,
    pub clock: Clock,
    pub url: String,
    pub client: Client,
    /// The known administrator.
    pub key: Key,
}

impl TestServer {
    /// Starts a server in development mode: limits lifted, production access granted, nothing seeded.
    pub async fn start() -> TestServer {
        TestServer::with(|_| {}).await
    }

    /// Starts a server that keeps its limits.
    pub async fn strict() -> TestServer {
        TestServer::strict_with(|_| {}).await
    }

    /// The same with changed settings.
    pub async fn strict_with(change: impl FnOnce(&mut Settings)) -> TestServer {
        let mut settings = settings(&Flags { strict_limits: true, ..flags() });
        change(&mut settings);
        TestServer::node(settings, Clock::manual(START)).await
    }

    /// Starts a server with changed settings.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> TestServer {
        let mut settings = settings(&flags());
        change(&mut settings);
        TestServer::node(settings, Clock::manual(START)).await
    }

    /// Starts a server at a moment, with changed settings.
    pub async fn at(now: Timestamp, change: impl FnOnce(&mut Settings)) -> TestServer {
        let mut settings = settings(&flags());
        change(&mut settings);
        TestServer::node(settings, Clock::manual(now)).await
    }

    /// Starts two servers on the same data, known under one address; they share the clock.
    pub async fn two_nodes() -> (TestServer, TestServer) {
        TestServer::two_nodes_with(|_| {}).await
    }

    /// The same with changed settings.
    pub async fn two_nodes_with(change: impl FnOnce(&mut Settings)) -> (TestServer, TestServer) {
        let mut settings = settings(&flags());
        change(&mut settings);
        settings.place = fresh_place(true);
        settings.master_key = MasterKey::Text(Keys::fresh_text());
        let clock = Clock::manual(START);
        let one = TestServer::node(settings.clone(), clock.clone()).await;
        settings.public_url = Some(one.url.clone());
        let two = TestServer::node(settings, clock).await;
        (one, two)
    }

    /// Starts a server by these settings.
    pub async fn node(settings: Settings, clock: Clock) -> TestServer {
        let listeners = http::bind(&settings.listen).await.expect("a free port");
        let port = listeners[0].local_addr().expect("a bound address").port();
        let url = settings.public_url.clone().unwrap_or_else(|| format!("http://localhost:{port}"));
        let (app, mails) = App::open(settings, clock.clone(), url).await.expect("the server opens");
        // Housekeeping is a test's own to do: a slow machine would have it come in between.
        worker::carry(&app, mails);
        let stop = app.clone();
        let served = http::serve(listeners, doors::router(&app), app.connection_limits(), async move {
            stop.ended().await;
        });
        tokio::spawn(served);
        let url = format!("http://localhost:{port}");
        let client = Client::new(&url, clock.clone());
        TestServer { app, clock, url, client, key: Key::new("test", "test") }
    }

    /// Makes the demo pool, client and users.
    pub async fn demo(&self) -> seed::Demo {
        seed::demo(&self.app).await.expect("the demo can be made")
    }

    /// Calls an operation of cognito-idp without a signature.
    pub async fn api(&self, operation: &str, input: Value) -> Answer {
        self.client.json(operation, &input, None).await
    }

    /// Calls a signed operation of cognito-idp as the administrator.
    pub async fn signed(&self, operation: &str, input: Value) -> Answer {
        self.client.json(operation, &input, Some(&self.key)).await
    }

    /// The same with somebody else's key.
    pub async fn signed_by(&self, key: &Key, operation: &str, input: Value) -> Answer {
        self.client.json(operation, &input, Some(key)).await
    }

    /// Calls IAM as the administrator, with parameters as form fields.
    pub async fn iam(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.client.form(Service::Iam, action, parameters, Some(&self.key)).await
    }

    pub async fn sts(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.client.form(Service::Sts, action, parameters, Some(&self.key)).await
    }

    /// Calls SES v2 as the administrator: a path below `/v2/email`.
    pub async fn ses(&self, method: &str, path: &str, input: Value) -> Answer {
        self.ses_by(&self.key, method, path, input).await
    }

    pub async fn ses_by(&self, key: &Key, method: &str, path: &str, input: Value) -> Answer {
        let body = if input.is_null() { String::new() } else { input.to_string() };
        self.client.rest(method, &format!("/v2/email{path}"), body, Some(key)).await
    }

    /// Makes an IAM user with one inline policy, and its key.
    pub async fn user_with_policy(&self, name: &str, policy: &Value) -> Key {
        self.iam("CreateUser", &[("UserName", name)]).await.ok();
        let text = policy.to_string();
        let parameters = [("UserName", name), ("PolicyName", "own"), ("PolicyDocument", &text)];
        self.iam("PutUserPolicy", &parameters).await.ok();
        let made = self.iam("CreateAccessKey", &[("UserName", name)]).await.ok();
        Key::new(&made.xml("AccessKeyId"), &made.xml("SecretAccessKey"))
    }

    /// The mails an address has got, newest first, once all that was accepted so far has had its first attempt: what
    /// is not in it was not sent.
    pub async fn mails_to(&self, address: &str) -> Vec<Value> {
        while self.app.store.read(waits_for_its_first_attempt).await.expect("the store answers") {
            tokio::task::yield_now().await;
        }
        self.mails(&format!("to={}", encoded(address))).await
    }

    /// Waits for a mail that nobody has read yet, and gives the newest.
    pub async fn wait_mail(&self, address: &str) -> Value {
        let mails = self.mails(&format!("to={}&wait=10", encoded(address))).await;
        mails.into_iter().next().expect("a mail")
    }

    async fn mails(&self, query: &str) -> Vec<Value> {
        let answer = self.client.get(&format!("/inbox/api/messages?{query}")).await.ok();
        answer.body.as_array().expect("a list").clone()
    }

    /// Ends the server as a signal does.
    pub fn end(&self) {
        self.app.ending.send_replace(true);
    }
}

/// Whether a message has never been tried yet.
fn waits_for_its_first_attempt(tx: &mut Tx<'_>) -> anyhow::Result<bool> {
    let mails = tx.list_mails(None, 1000)?;
    Ok(mails.iter().any(|mail| mail.next.is_some() && mail.reply.is_empty()))
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.end();
    }
}

fn flags() -> Flags {
    Flags { port: Some(0), ephemeral: true, ..Flags::default() }
}

fn settings(flags: &Flags) -> Settings {
    let mut settings = Settings::development(flags).expect("development settings");
    settings.place = fresh_place(false);
    settings.key_source = keys::shared_keys();
    settings.development.demo = false;
    settings
}

pub fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// What an app with a secret proves it by: `SECRET_HASH` for a name.
pub fn secret_hash(secret: &str, name: &str, client_id: &str) -> String {
    use base64::Engine as _;
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&key, format!("{name}{client_id}").as_bytes());
    base64::engine::general_purpose::STANDARD.encode(tag)
}

/// A policy that allows these actions on these resources.
pub fn allowing(actions: &[&str], resources: &[&str]) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": resources }]
    })
}
