//! Something to try: a pool, an app client and users, made once, by the very calls that an administrator would make.

use crate::api::{Call, perform};
use crate::app::App;
use anyhow::{Context as _, Result, anyhow};
use postern_access::Caller;
use postern_model::{Document, Service};
use serde_json::{Value, json};

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

struct Administrator<'a> {
    app: &'a App,
    caller: Caller,
}

/// Makes what is missing; leaves alone what is there.
pub async fn demo(app: &App) -> Result<Demo> {
    let administrator = Administrator { app, caller: app.own_caller() };
    let pool_id = match administrator.find_pool().await? {
        Some(pool_id) => pool_id,
        None => administrator.make_pool().await?,
    };
    let client_id = match administrator.find_client(&pool_id).await? {
        Some(client_id) => administrator.keep_addresses(&pool_id, client_id).await?,
        None => administrator.make_client(&pool_id).await?,
    };
    Ok(Demo { pool_id, client_id })
}

impl Administrator<'_> {
    async fn call(&self, operation: &str, input: Value) -> Result<Document> {
        let call =
            Call::find(Service::CognitoIdp, operation).context("seeds call operations of the model")?;
        let answer = perform(self.app, &self.caller, call, &input).await;
        answer.map_err(|error| anyhow!("the demo could not be made: {operation}: {error}"))
    }

    /// The first of a list whose `member` is `name`, through all its pages.
    async fn find(
        &self,
        operation: &str,
        mut input: Value,
        list: &str,
        (member, name): (&str, &str),
    ) -> Result<Option<Value>> {
        input["MaxResults"] = 20.into();
        loop {
            let mut page = self.call(operation, input.clone()).await?;
            let items = page[list].as_array_mut().map(std::mem::take).unwrap_or_default();
            if let Some(found) = items.into_iter().find(|item| item[member] == name) {
                return Ok(Some(found));
            }
            match page["NextToken"].take() {
                Value::Null => return Ok(None),
                token => input["NextToken"] = token,
            }
        }
    }

    async fn find_pool(&self) -> Result<Option<String>> {
        let pool = self.find("ListUserPools", json!({}), "UserPools", ("Name", POOL_NAME)).await?;
        Ok(pool.map(|pool| text(&pool["Id"])))
    }

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

    async fn find_client(&self, pool_id: &str) -> Result<Option<String>> {
        let of_pool = json!({ "UserPoolId": pool_id });
        let named = ("ClientName", CLIENT_NAME);
        let client = self.find("ListUserPoolClients", of_pool, "UserPoolClients", named).await?;
        Ok(client.map(|client| text(&client["ClientId"])))
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

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
