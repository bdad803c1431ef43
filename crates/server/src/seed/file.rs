//! A file of user pools, app clients, groups and users, in the API's own members. Applying it makes what is missing and
//! brings what is there to what stands in the file, as often as one likes. It removes nothing, and a password that
//! somebody has is left alone.

use super::{Administrator, text};
use crate::app::App;
use anyhow::{Context as _, Result, anyhow, ensure};
use postern_model::cognito_idp::errors::{GroupExistsException, UsernameExistsException};
use postern_model::{Error, Kind, Service, ServiceModel};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::Path;

type Members = Map<String, Value>;

/// What a file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    pools: Vec<Pool>,
}

#[derive(Debug, Deserialize)]
struct Pool {
    #[serde(rename = "PoolName")]
    name: String,
    /// The prefix of its sign-in pages.
    #[serde(rename = "Domain")]
    domain: Option<String>,
    #[serde(default)]
    clients: Vec<Client>,
    #[serde(default)]
    groups: Vec<Group>,
    #[serde(default)]
    users: Vec<User>,
    #[serde(flatten)]
    members: Members,
}

#[derive(Debug, Deserialize)]
struct Client {
    #[serde(rename = "ClientName")]
    name: String,
    #[serde(flatten)]
    members: Members,
}

#[derive(Debug, Deserialize)]
struct Group {
    #[serde(rename = "GroupName")]
    name: String,
    #[serde(flatten)]
    members: Members,
}

#[derive(Deserialize)]
struct User {
    #[serde(rename = "Username")]
    name: String,
    /// Set when the user is made.
    #[serde(rename = "Password")]
    password: Option<String>,
    #[serde(rename = "Groups", default)]
    groups: Vec<String>,
    #[serde(flatten)]
    members: Members,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A pool of the file as it is now: its name and id, and those of its app clients.
#[derive(Clone, Debug)]
pub struct Seeded {
    pub name: String,
    pub pool_id: String,
    pub clients: Vec<(String, String)>,
}

impl Seed {
    /// Reads a file in TOML or, by its name, in JSON.
    pub fn load(path: &Path) -> Result<Seed> {
        let shown = path.display();
        let text =
            std::fs::read_to_string(path).with_context(|| format!("the seed {shown} cannot be read"))?;
        Seed::parse(&text, path.extension().is_some_and(|ending| ending == "json"))
            .with_context(|| format!("the seed {shown}"))
    }

    fn parse(text: &str, is_json: bool) -> Result<Seed> {
        let seed: Seed = if is_json { serde_json::from_str(text)? } else { toml::from_str(text)? };
        for pool in &seed.pools {
            let at = format!("user pool {}", pool.name);
            known("CreateUserPool", &pool.members).with_context(|| at.clone())?;
            let clients = pool.clients.iter().map(|each| ("CreateUserPoolClient", &each.name, &each.members));
            let groups = pool.groups.iter().map(|each| ("CreateGroup", &each.name, &each.members));
            let users = pool.users.iter().map(|each| ("AdminCreateUser", &each.name, &each.members));
            for (operation, name, members) in clients.chain(groups).chain(users) {
                known(operation, members).with_context(|| format!("{at}, {name}"))?;
            }
        }
        Ok(seed)
    }

    /// Brings the server to what the file says.
    pub async fn apply(&self, app: &App) -> Result<Vec<Seeded>> {
        let administrator = Administrator::of(app);
        let mut all = Vec::new();
        for pool in &self.pools {
            let applied = administrator.apply_pool(pool).await;
            all.push(applied.with_context(|| format!("the seed's user pool {}", pool.name))?);
        }
        Ok(all)
    }
}

impl Administrator<'_> {
    async fn apply_pool(&self, pool: &Pool) -> Result<Seeded> {
        let mut members = pool.members.clone();
        members.insert("PoolName".to_owned(), pool.name.clone().into());
        let pool_id = match self.find_pool(&pool.name).await? {
            Some(pool_id) => {
                self.call("UpdateUserPool", of_pool(&pool_id, taken_by("UpdateUserPool", members))).await?;
                pool_id
            }
            None => text(&self.call("CreateUserPool", members.into()).await?["UserPool"]["Id"]),
        };
        if let Some(domain) = &pool.domain {
            self.apply_domain(&pool_id, domain).await?;
        }
        let mut clients = Vec::new();
        for client in &pool.clients {
            let id = self.apply_client(&pool_id, client).await;
            clients.push((client.name.clone(), id.with_context(|| format!("app client {}", client.name))?));
        }
        for group in &pool.groups {
            let applied = self.apply_group(&pool_id, group).await;
            applied.with_context(|| format!("group {}", group.name))?;
        }
        for user in &pool.users {
            self.apply_user(&pool_id, user).await.with_context(|| format!("user {}", user.name))?;
        }
        Ok(Seeded { name: pool.name.clone(), pool_id, clients })
    }

    async fn apply_domain(&self, pool_id: &str, domain: &str) -> Result<()> {
        let pool = self.call("DescribeUserPool", json!({ "UserPoolId": pool_id })).await?;
        match pool["UserPool"]["Domain"].as_str() {
            Some(there) => {
                ensure!(there == domain, "its domain is {there}; remove that before it can be {domain}")
            }
            None => {
                let input = json!({ "UserPoolId": pool_id, "Domain": domain });
                self.call("CreateUserPoolDomain", input).await?;
            }
        }
        Ok(())
    }

    async fn apply_client(&self, pool_id: &str, client: &Client) -> Result<String> {
        let mut members = client.members.clone();
        members.insert("ClientName".to_owned(), client.name.clone().into());
        let Some(id) = self.find_client(pool_id, &client.name).await? else {
            let made = self.call("CreateUserPoolClient", of_pool(pool_id, members)).await?;
            return Ok(text(&made["UserPoolClient"]["ClientId"]));
        };
        let mut members = taken_by("UpdateUserPoolClient", members);
        members.insert("ClientId".to_owned(), id.clone().into());
        self.call("UpdateUserPoolClient", of_pool(pool_id, members)).await?;
        Ok(id)
    }

    async fn apply_group(&self, pool_id: &str, group: &Group) -> Result<()> {
        let mut members = group.members.clone();
        members.insert("GroupName".to_owned(), group.name.clone().into());
        let input = of_pool(pool_id, members);
        match self.ask("CreateGroup", input.clone()).await {
            Err(Error::Refused(refusal)) if refusal.kind == GroupExistsException => {
                self.call("UpdateGroup", input).await?;
            }
            made => drop(made.map_err(|error| anyhow!("CreateGroup: {error}"))?),
        }
        Ok(())
    }

    async fn apply_user(&self, pool_id: &str, user: &User) -> Result<()> {
        let who = json!({ "UserPoolId": pool_id, "Username": user.name });
        let with = |member: &str, value: Value| {
            let mut input = who.clone();
            input[member] = value;
            input
        };
        let mut members = user.members.clone();
        members.entry("MessageAction").or_insert_with(|| "SUPPRESS".into());
        members.insert("Username".to_owned(), user.name.clone().into());
        match self.ask("AdminCreateUser", of_pool(pool_id, members)).await {
            Ok(_) => {
                if let Some(password) = &user.password {
                    let mut input = with("Password", password.clone().into());
                    input["Permanent"] = true.into();
                    self.call("AdminSetUserPassword", input).await?;
                }
            }
            Err(Error::Refused(refusal)) if refusal.kind == UsernameExistsException => {
                let there = self.call("AdminGetUser", who.clone()).await?;
                let changed = changed(
                    user.members.get("UserAttributes").unwrap_or(&Value::Null),
                    &there["UserAttributes"],
                );
                if !changed.is_empty() {
                    self.call("AdminUpdateUserAttributes", with("UserAttributes", changed.into())).await?;
                }
            }
            Err(error) => return Err(anyhow!("AdminCreateUser: {error}")),
        }
        for group in &user.groups {
            self.call("AdminAddUserToGroup", with("GroupName", group.clone().into())).await?;
        }
        Ok(())
    }
}

fn of_pool(pool_id: &str, mut members: Members) -> Value {
    members.insert("UserPoolId".to_owned(), pool_id.into());
    members.into()
}

/// The attributes that are not as they should be.
fn changed(wanted: &Value, there: &Value) -> Vec<Value> {
    let there: &[Value] = there.as_array().map_or(&[], Vec::as_slice);
    wanted.as_array().into_iter().flatten().filter(|each| !there.contains(each)).cloned().collect()
}

/// Refuses what an operation does not take: it would be passed over in silence.
fn known(operation: &str, members: &Members) -> Result<()> {
    match members.keys().find(|name| !takes(operation, name)) {
        Some(name) => Err(anyhow!("{operation} has no member {name}")),
        None => Ok(()),
    }
}

/// What an operation takes of the members of another.
fn taken_by(operation: &str, members: Members) -> Members {
    members.into_iter().filter(|(name, _)| takes(operation, name)).collect()
}

fn takes(operation: &str, name: &str) -> bool {
    let model = ServiceModel::of(Service::CognitoIdp);
    let input = model.operation(operation).and_then(|operation| operation.input);
    match input.map(|input| &model.shape(input).kind) {
        Some(Kind::Structure { members }) => members.iter().any(|member| member.name == name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_a_slip_is_refused_by_what_slipped() {
        for (text, said) in [
            ("[[pools]]\nPoolName = 'a'\nUsernameAttribute = ['email']", "no member UsernameAttribute"),
            (
                "[[pools]]\nPoolName = 'a'\n[[pools.clients]]\nClientName = 'b'\nSecret = true",
                "no member Secret",
            ),
            ("[[pools]]\nUsernameAttributes = ['email']", "PoolName"),
            ("[[pool]]\nPoolName = 'a'", "pool"),
        ] {
            let fault = format!("{:#}", Seed::parse(text, false).expect_err(text));
            assert!(fault.contains(said), "{fault}");
        }
    }

    #[test]
    fn only_attributes_that_differ_are_changed() {
        let attribute = |name: &str, value: &str| json!({ "Name": name, "Value": value });
        let there = json!([attribute("sub", "1"), attribute("email", "a@b.example"), attribute("name", "A")]);
        let wanted = json!([attribute("email", "a@b.example"), attribute("name", "B")]);
        assert_eq!(changed(&wanted, &there), [attribute("name", "B")]);
        assert!(changed(&Value::Null, &there).is_empty());
    }
}
