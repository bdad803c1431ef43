//! What is made at the start, by the very calls that an administrator would make: something to try, or what a file says.

mod demo;
mod file;

pub use demo::{ALICE, BOB, BOBS_PASSWORD, CALLBACK_PATH, Demo, SIGNED_OUT_PATH, demo};
pub use file::{Seed, Seeded};

use crate::api::{Call, perform};
use crate::app::App;
use anyhow::{Context as _, Result, anyhow};
use postern_access::Caller;
use postern_model::{Answer, Document, Service};
use serde_json::{Value, json};

/// Pools or clients that are listed at once.
const PAGE: u32 = 20;

struct Administrator<'a> {
    app: &'a App,
    caller: Caller,
}

impl Administrator<'_> {
    fn of(app: &App) -> Administrator<'_> {
        Administrator { app, caller: app.own_caller() }
    }

    async fn ask(&self, operation: &str, input: Value) -> Answer<Document> {
        let call =
            Call::find(Service::CognitoIdp, operation).context("seeds call operations of the model")?;
        perform(self.app, &self.caller, call, &input).await
    }

    async fn call(&self, operation: &str, input: Value) -> Result<Document> {
        self.ask(operation, input).await.map_err(|error| anyhow!("{operation}: {error}"))
    }

    /// The first of a list whose `member` is `name`, through all its pages.
    async fn find(
        &self,
        operation: &str,
        mut input: Value,
        list: &str,
        (member, name): (&str, &str),
    ) -> Result<Option<Value>> {
        input["MaxResults"] = PAGE.into();
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

    async fn find_pool(&self, name: &str) -> Result<Option<String>> {
        let pool = self.find("ListUserPools", json!({}), "UserPools", ("Name", name)).await?;
        Ok(pool.map(|pool| text(&pool["Id"])))
    }

    async fn find_client(&self, pool_id: &str, name: &str) -> Result<Option<String>> {
        let of_pool = json!({ "UserPoolId": pool_id });
        let client =
            self.find("ListUserPoolClients", of_pool, "UserPoolClients", ("ClientName", name)).await?;
        Ok(client.map(|client| text(&client["ClientId"])))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
