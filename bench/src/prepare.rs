//! What the benchmark needs in the server, made through its own API: a verified sender, production access, a pool
//! that mails through it, an app client, and people.

use crate::mails::Mails;
use crate::site::{ACCOUNT, Key, Site};
use crate::wire::Connection;
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const SENDER: &str = "sign-in@postern.example";
const MAIL_PATIENCE: Duration = Duration::from_secs(10);

/// Where people sign in.
#[derive(Clone)]
pub struct Door {
    pub pool: String,
    pub client: String,
    /// A client for sign-in on the pages, and one whose refresh tokens change.
    pub web: String,
    pub rotating: String,
    /// A program that gets tokens for itself.
    pub machine: Machine,
    pub origin: String,
}

/// A client with a secret.
#[derive(Clone)]
pub struct Machine {
    pub client: String,
    pub secret: String,
}

/// What programs ask for.
pub const SCOPE: &str = "bench/read";

/// Where the pages send people back to; nobody listens there.
pub const CALLBACK: &str = "http://localhost/callback";

/// The name of the person with a number.
pub fn username(number: u32) -> String {
    format!("person{number:06}")
}

/// The address of the person with a number.
pub fn address(number: u32) -> String {
    format!("person{number:06}@people.example")
}

/// Proves the sender's address by the link in the mail to it, leaves the sandbox, makes the pool and its client.
pub async fn door(site: &Site, key: &Key, mails: &Mails) -> Result<Door> {
    let mut connection = Connection::open(site.address).await?;
    verify_sender(&mut connection, key, mails).await.context("verifying the sender")?;
    let details = json!({
        "MailType": "TRANSACTIONAL",
        "WebsiteURL": "https://postern.example",
        "ProductionAccessEnabled": true,
    });
    let granted = connection.mail_signed(key, "/v2/email/account/details", details.to_string()).await?;
    granted.good().context("asking for production access")?;

    let pool = json!({
        "PoolName": "bench",
        "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] } },
        "AutoVerifiedAttributes": ["email"],
        "EmailConfiguration": {
            "EmailSendingAccount": "DEVELOPER",
            "SourceArn": format!("arn:aws:ses:{}:{ACCOUNT}:identity/{SENDER}", key.region),
            "From": format!("Bench <{SENDER}>"),
        },
    });
    let pool =
        text(connection.call_signed(key, "CreateUserPool", pool.to_string()).await?.good()?, "/UserPool/Id")?;
    let plain = json!({
        "ExplicitAuthFlows": [
            "ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH",
        ],
    });
    let web = json!({
        "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": ["openid", "email"],
        "CallbackURLs": [CALLBACK],
    });
    let rotating = json!({
        "ExplicitAuthFlows": ["ALLOW_USER_AUTH"],
        "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": 0 },
    });
    let server = json!({
        "UserPoolId": pool, "Identifier": "bench", "Name": "bench",
        "Scopes": [{ "ScopeName": "read", "ScopeDescription": "read" }],
    });
    connection.call_signed(key, "CreateResourceServer", server.to_string()).await?.good()?;
    let machine = json!({
        "GenerateSecret": true,
        "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthScopes": [SCOPE],
    });
    let machine = made(&mut connection, key, &pool, machine).await?;
    Ok(Door {
        machine: Machine {
            client: text(machine.clone(), "/UserPoolClient/ClientId")?,
            secret: text(machine, "/UserPoolClient/ClientSecret")?,
        },
        client: client(&mut connection, key, &pool, plain).await?,
        web: client(&mut connection, key, &pool, web).await?,
        rotating: client(&mut connection, key, &pool, rotating).await?,
        origin: site.url(),
        pool,
    })
}

async fn client(connection: &mut Connection, key: &Key, pool: &str, settings: Value) -> Result<String> {
    text(made(connection, key, pool, settings).await?, "/UserPoolClient/ClientId")
}

async fn made(connection: &mut Connection, key: &Key, pool: &str, mut settings: Value) -> Result<Bytes> {
    settings["UserPoolId"] = pool.into();
    settings["ClientName"] = "bench".into();
    settings["PreventUserExistenceErrors"] = "ENABLED".into();
    connection.call_signed(key, "CreateUserPoolClient", settings.to_string()).await?.good()
}

async fn verify_sender(connection: &mut Connection, key: &Key, mails: &Mails) -> Result<()> {
    let mail = mails.expect(SENDER);
    let identity = json!({ "EmailIdentity": SENDER }).to_string();
    connection.mail_signed(key, "/v2/email/identities", identity).await?.good()?;
    let mail = tokio::time::timeout(MAIL_PATIENCE, mail).await.context("no mail came")??;
    let token = mail.split_once("/ses/verify?token=").context("the mail has no link")?.1;
    let token: String = token.chars().take_while(|letter| !letter.is_whitespace()).collect();
    let confirm = Request::post("/ses/verify")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(format!("token={token}").into())?;
    connection.send(confirm).await?.good()?;
    Ok(())
}

/// Creates people with verified addresses and no password, several at a time.
pub async fn people(site: &Site, key: &Key, door: &Door, count: u32, workers: usize) -> Result<()> {
    let next = Arc::new(AtomicU32::new(0));
    let mut creating = tokio::task::JoinSet::new();
    for _ in 0..workers {
        let mut connection = Connection::open(site.address).await?;
        let (key, door, next) = (key.clone(), door.clone(), next.clone());
        creating.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return anyhow::Ok(());
                }
                let person = json!({
                    "UserPoolId": door.pool,
                    "Username": username(number),
                    "MessageAction": "SUPPRESS",
                    "UserAttributes": [
                        { "Name": "email", "Value": address(number) },
                        { "Name": "email_verified", "Value": "true" },
                    ],
                });
                connection.call_signed(&key, "AdminCreateUser", person.to_string()).await?.good()?;
            }
        });
    }
    while let Some(done) = creating.join_next().await {
        done?.context("creating people")?;
    }
    ensure!(next.load(Ordering::Relaxed) >= count, "not everybody was created");
    Ok(())
}

/// Gives people a password.
pub async fn passwords(
    site: &Site,
    key: &Key,
    door: &Door,
    numbers: std::ops::Range<u32>,
    password: &str,
) -> Result<()> {
    let mut connection = Connection::open(site.address).await?;
    for number in numbers {
        let set = json!({
            "UserPoolId": door.pool, "Username": username(number), "Password": password, "Permanent": true,
        });
        connection.call_signed(key, "AdminSetUserPassword", set.to_string()).await?.good()?;
    }
    Ok(())
}

/// Takes a text out of an answer.
fn text(body: Bytes, pointer: &str) -> Result<String> {
    let answer: Value = serde_json::from_slice(&body)?;
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).with_context(|| format!("the answer has no {pointer}: {answer}"))
}
