//! Verbs that look at and change a running server: its state, user pools, app clients and users.

use super::remote::{Output, Remote, RemoteArgs, pool_id, print, text};
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use postern_mail::transport::web::Url;
use serde_json::{Value, json};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(super) struct StatusArgs {
    /// Id or name of the user pool that -o env names [default: the only one]
    #[arg(long, value_name = "POOL")]
    pool: Option<String>,
    /// The same as -o env
    #[arg(long, hide = true, conflicts_with = "output")]
    env: bool,
    /// The running server [default: $AWS_ENDPOINT_URL, else http://localhost:9320]
    #[arg(long, value_name = "URL", value_parser = |text: &str| Url::parse(text))]
    url: Option<Url>,
    /// How to print; env: lines that a shell can source
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    output: StatusOutput,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StatusOutput {
    Text,
    Json,
    Env,
}

#[derive(Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Args)]
pub(super) struct ListClientsArgs {
    /// Id or name of the user pool [default: the only one]
    #[arg(long, value_name = "POOL")]
    pool: Option<String>,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Args)]
pub(super) struct CreateClientArgs {
    /// Name of the app
    name: String,
    /// Id or name of the user pool [default: the only one]
    #[arg(long, value_name = "POOL")]
    pool: Option<String>,
    /// Where people are sent back to after signing in on the pages; may be given again
    #[arg(long, value_name = "URL")]
    callback: Vec<String>,
    /// Where people are sent back to after signing out; may be given again
    #[arg(long, value_name = "URL")]
    logout: Vec<String>,
    /// Make a client secret, for apps that run on a server
    #[arg(long)]
    secret: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Args)]
pub(super) struct AddUserArgs {
    /// User name, or the address or number where the pool signs in by these
    name: String,
    /// Id or name of the user pool [default: the only one]
    #[arg(long, value_name = "POOL")]
    pool: Option<String>,
    /// Address, taken as verified
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Telephone number, taken as verified
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    /// Send an invitation
    #[arg(long)]
    invite: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// Tells whether the server is ready, and what there is to sign in to.
pub(super) async fn status(args: &StatusArgs) -> Result<()> {
    let remote = Remote::at(args.url.as_ref())?;
    if args.env || args.output == StatusOutput::Env {
        return environment(&remote, args.pool.as_deref()).await;
    }
    let output = if args.output == StatusOutput::Json { Output::Json } else { Output::Text };
    let ready = remote.get("/readyz", PATIENCE).await?;
    let said: Value = serde_json::from_slice(&ready.body).unwrap_or_default();
    if ready.status != 200 {
        bail!("{}: {}", remote.url, said["status"].as_str().unwrap_or("it is not a Postern server"));
    }
    let pools = remote.all("ListUserPools", json!({}), "UserPools").await?;
    let state = json!({ "Url": remote.url, "Status": said["status"], "UserPools": pools });
    print(output, &state, |state| {
        let pools = state["UserPools"].as_array().into_iter().flatten();
        let lines: String = pools.map(|pool| format!("\n  {}", named(pool, "Id", "Name"))).collect();
        format!("{}  {}{lines}", text(state, "Url"), text(state, "Status"))
    });
    Ok(())
}

/// Lines for a shell: where the server is, the key, the pool and its first app client.
async fn environment(remote: &Remote, pool: Option<&str>) -> Result<()> {
    let pool = pool_id(remote, pool).await?;
    let clients = clients_of(remote, &pool).await?;
    let lines = [
        ("AWS_ENDPOINT_URL", remote.url.as_str()),
        ("AWS_DEFAULT_REGION", &remote.region),
        ("AWS_ACCESS_KEY_ID", &remote.key_id),
        ("AWS_SECRET_ACCESS_KEY", &remote.secret),
        ("USER_POOL_ID", &pool),
        ("USER_POOL_CLIENT_ID", clients.first().map_or("", |client| text(client, "ClientId"))),
    ];
    for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        println!("export {name}='{}'", value.replace('\'', r"'\''"));
    }
    Ok(())
}

pub(super) async fn list_pools(args: &ListArgs) -> Result<()> {
    let remote = Remote::open(&args.remote)?;
    let pools = remote.all("ListUserPools", json!({}), "UserPools").await?;
    print(args.remote.output, &pools.into(), |pool| named(pool, "Id", "Name"));
    Ok(())
}

pub(super) async fn list_clients(args: &ListClientsArgs) -> Result<()> {
    let remote = Remote::open(&args.remote)?;
    let pool = pool_id(&remote, args.pool.as_deref()).await?;
    let clients = clients_of(&remote, &pool).await?;
    print(args.remote.output, &clients.into(), |client| named(client, "ClientId", "ClientName"));
    Ok(())
}

/// Makes an app client for choice-based sign-in, with the code grant where it names addresses.
pub(super) async fn create_client(args: &CreateClientArgs) -> Result<()> {
    let remote = Remote::open(&args.remote)?;
    let pool = pool_id(&remote, args.pool.as_deref()).await?;
    let mut input = json!({
        "UserPoolId": pool,
        "ClientName": args.name,
        "GenerateSecret": args.secret,
        "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        "PreventUserExistenceErrors": "ENABLED",
        "SupportedIdentityProviders": ["COGNITO"],
    });
    if !args.callback.is_empty() {
        input["CallbackURLs"] = args.callback.clone().into();
        input["AllowedOAuthFlowsUserPoolClient"] = true.into();
        input["AllowedOAuthFlows"] = json!(["code"]);
        input["AllowedOAuthScopes"] = json!(["openid", "email", "profile"]);
    }
    if !args.logout.is_empty() {
        input["LogoutURLs"] = args.logout.clone().into();
    }
    let made = remote.call("CreateUserPoolClient", &input).await?;
    print(args.remote.output, &made["UserPoolClient"], |client| match client["ClientSecret"].as_str() {
        Some(secret) => format!("{}  {secret}", text(client, "ClientId")),
        None => text(client, "ClientId").to_owned(),
    });
    Ok(())
}

pub(super) async fn add_user(args: &AddUserArgs) -> Result<()> {
    let remote = Remote::open(&args.remote)?;
    let pool = pool_id(&remote, args.pool.as_deref()).await?;
    let given = |name: &str, value: &Option<String>| {
        let value = value.clone()?;
        Some([
            json!({ "Name": name, "Value": value }),
            json!({ "Name": format!("{name}_verified"), "Value": "true" }),
        ])
    };
    let is_address = args.email.is_none() && args.phone.is_none() && args.name.contains('@');
    let email = if is_address { Some(args.name.clone()) } else { args.email.clone() };
    let attributes: Vec<Value> = [given("email", &email), given("phone_number", &args.phone)]
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    let mut input = json!({ "UserPoolId": pool, "Username": args.name, "UserAttributes": attributes });
    if !args.invite {
        input["MessageAction"] = "SUPPRESS".into();
    }
    let made = remote.call("AdminCreateUser", &input).await?;
    print(args.remote.output, &made["User"], |user| named(user, "Username", "UserStatus"));
    Ok(())
}

async fn clients_of(remote: &Remote, pool: &str) -> Result<Vec<Value>> {
    remote.all("ListUserPoolClients", json!({ "UserPoolId": pool }), "UserPoolClients").await
}

fn named(item: &Value, id: &str, name: &str) -> String {
    format!("{}  {}", text(item, id), text(item, name))
}
