//! An app of the field in Rust: the AWS SDK against a server of one's own, and nothing in between. The tests are in
//! `tests/`; this part is what they share: where the server is, and its inbox.

pub mod browser;

use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::config::retry::RetryConfig;
use aws_sdk_cognitoidentityprovider::config::{BehaviorVersion, Builder, Config, Credentials, Region};
use serde::Deserialize;

/// A mail of the local inbox, as its API tells it.
#[derive(Deserialize)]
pub struct Mail {
    pub code: Option<String>,
}

/// Where the server is, or another fact that the test command tells.
pub fn environment(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run scripts/test, which starts the server"))
}

fn config() -> Builder {
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(environment("POSTERN_URL"))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
}

/// What an app has: no keys at all.
pub fn app() -> Client {
    Client::from_conf(config().build())
}

/// Who holds this key, right or wrong.
pub fn administrator(id: &str, secret: &str) -> Client {
    let key = Credentials::new(id, secret, None, None, "test");
    Client::from_conf(config().credentials_provider(key).build())
}

/// Waits for the newest code sent to the address.
pub fn code_for(address: &str) -> String {
    let url = environment("POSTERN_URL");
    let answer = minreq::get(format!("{url}/inbox/api/messages?to={address}&wait=20"))
        .with_timeout(30)
        .send()
        .expect("the inbox answers");
    let mails: Vec<Mail> = answer.json().expect("the inbox speaks JSON");
    mails.into_iter().next().and_then(|mail| mail.code).expect("a code was sent")
}
