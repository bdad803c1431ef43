//! Something to try: a pool, an app client and users, made once, by the very calls that an administrator would make.

use super::{Administrator, text};
use crate::app::App;
use anyhow::{Context as _, Result};
use serde_json::json;

const POOL_NAME: &str = "demo";
const CLIENT_NAME: &str = "Demo app";

/// Where the demo app is sent back to.
pub const CALLBACK_PATH: &str = "/demo/callback";
pub const SIGNED_OUT_PATH: &str = "/demo/signed-out";

/// Signs in by code alone.
pub const ALICE: &str = "alice@example.com";
/// Has a choice: a code or this password.
pub const BOB: &str = "bob@example.com";
pub const BOBS_PASSWORD: &str = "Try-postern-1";

/// What there is to try.
#[derive(Clone, Debug)]
pub struct Demo {
    pub pool_id: String,
    pub client_id: String,
}

/// Makes what is missing; leaves alone what is there.
pub async fn demo(app: &App) -> Result<Demo> {
    make(&Administrator::of(app)).await.context("the demo could not be made")
}

async fn make(administrator: &Administrator<'_>) -> Result<Demo> {
    let pool_id = match administrator.find_pool(POOL_NAME).await? {
        Some(pool_id) => pool_id,
        None => administrator.make_pool().await?,
    };
    let client_id = match administrator.find_client(&pool_id, CLIENT_NAME).await? {
        Some(client_id) => administrator.keep_addresses(&pool_id, client_id).await?,
        None => administrator.make_client(&pool_id).await?,
    };
    Ok(Demo { pool_id, client_id })
}

impl Administrator<'_> {
    async fn make_pool(&self) -> Result<String> {
        let made = self
            .call(
                "CreateUserPool",
                json!({
                    "PoolName": POOL_NAME,
                    "UsernameAttributes": ["email"],
                    "AutoVerifiedAttributes": ["email"],
                    "UsernameConfiguration": { "CaseSensitive": false },
                    "Policies": { "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] } },
                }),
            )
            .await?;
        let pool_id = text(&made["UserPool"]["Id"]);
        for name in [ALICE, BOB] {
            self.call(
                "AdminCreateUser",
                json!({
                    "UserPoolId": pool_id,
                    "Username": name,
                    "UserAttributes": [
                        { "Name": "email", "Value": name },
                        { "Name": "email_verified", "Value": "true" },
                    ],
                    "MessageAction": "SUPPRESS",
                }),
            )
            .await?;
        }
        let password = json!({
            "UserPoolId": pool_id, "Username": BOB, "Password": BOBS_PASSWORD, "Permanent": true
        });
        self.call("AdminSetUserPassword", password).await?;
        Ok(pool_id)
    }

    async fn make_client(&self, pool_id: &str) -> Result<String> {
        let made = self
            .call(
                "CreateUserPoolClient",
                json!({
                    "UserPoolId": pool_id,
                    "ClientName": CLIENT_NAME,
                    "ExplicitAuthFlows": [
                        "ALLOW_USER_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"
                    ],
                    "PreventUserExistenceErrors": "ENABLED",
                    "SupportedIdentityProviders": ["COGNITO"],
                    "AllowedOAuthFlowsUserPoolClient": true,
                    "AllowedOAuthFlows": ["code"],
                    "AllowedOAuthScopes": ["openid", "email", "profile", "aws.cognito.signin.user.admin"],
                    "CallbackURLs": [self.address(CALLBACK_PATH)],
                    "LogoutURLs": [self.address(SIGNED_OUT_PATH)],
                }),
            )
            .await?;
        Ok(text(&made["UserPoolClient"]["ClientId"]))
    }

    /// The server may answer at another port than last time: its addresses are added to the client's.
    async fn keep_addresses(&self, pool_id: &str, client_id: String) -> Result<String> {
        let asked = json!({ "UserPoolId": pool_id, "ClientId": client_id });
        let mut client = self.call("DescribeUserPoolClient", asked).await?["UserPoolClient"].take();
        let mut changed = false;
        for (member, path) in [("CallbackURLs", CALLBACK_PATH), ("LogoutURLs", SIGNED_OUT_PATH)] {
            let address = json!(self.address(path));
            let mut known = client[member].as_array().cloned().unwrap_or_default();
            if !known.contains(&address) {
                known.insert(0, address);
                client[member] = known.into();
                changed = true;
            }
        }
        if changed {
            for shown_only in ["CreationDate", "LastModifiedDate", "ClientSecret"] {
                client.as_object_mut().and_then(|members| members.remove(shown_only));
            }
            self.call("UpdateUserPoolClient", client).await?;
        }
        Ok(client_id)
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.app.public_url)
    }
}
