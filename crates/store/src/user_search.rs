//! Statements that list users by what a filter names. Each goes along one index, in the order of the values searched,
//! and a page begins where the last one ended: none reads more rows than it gives.

use crate::users::{UserRow, select_user, user};
use crate::{Tx, values};
use anyhow::Result;

/// Attributes that have no column of their own and can be searched.
const INDEXED: [&str; 4] = ["name", "given_name", "family_name", "preferred_username"];
/// Characters of a value that are searched; longer than any filter.
const VALUE_LENGTH: usize = 250;

/// What a filter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Searched {
    Username,
    Sub,
    Email,
    PhoneNumber,
    Status,
    Name,
    GivenName,
    FamilyName,
    PreferredUsername,
}

/// Which users a list gives.
#[derive(Clone, Debug)]
pub enum UserSearch {
    All,
    /// Those whose value is this one, or begins with it. Values are in the form in which they are compared.
    By {
        searched: Searched,
        value: String,
        prefix: bool,
    },
    Enabled(bool),
    Nobody,
}

/// Where a page of a list ended: the value searched and the user's id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserKey {
    pub value: String,
    pub id: String,
}

impl Searched {
    /// The attribute that stands in the table of values.
    fn indexed(self) -> Option<&'static str> {
        Some(match self {
            Searched::Name => INDEXED[0],
            Searched::GivenName => INDEXED[1],
            Searched::FamilyName => INDEXED[2],
            Searched::PreferredUsername => INDEXED[3],
            _ => return None,
        })
    }

    fn statement(self) -> &'static str {
        match self {
            Searched::Username => select_user!(
                "where pool_id = $1 and (username, id) > ($2, $3) and username <= $4 \
                 order by username, id limit $5"
            ),
            Searched::Sub => {
                select_user!("where pool_id = $1 and id >= $2 and id <> $3 and id <= $4 order by id limit $5")
            }
            Searched::Email => select_user!(
                "where pool_id = $1 and (email_key, id) > ($2, $3) and email_key <= $4 \
                 order by email_key, id limit $5"
            ),
            Searched::PhoneNumber => select_user!(
                "where pool_id = $1 and (phone_key, id) > ($2, $3) and phone_key <= $4 \
                 order by phone_key, id limit $5"
            ),
            Searched::Status => select_user!(
                "where pool_id = $1 and (status, id) > ($2, $3) and status <= $4 \
                 order by status, id limit $5"
            ),
            _ => select_user!(
                "join user_search s on s.pool_id = u.pool_id and s.user_id = u.id \
                 where s.pool_id = $1 and s.attribute = $2 and (s.value, s.user_id) > ($3, $4) \
                 and s.value <= $5 order by s.value, s.user_id limit $6"
            ),
        }
    }

    fn value(self, user: &UserRow) -> Result<String> {
        Ok(match self {
            Searched::Username => user.username.clone(),
            Searched::Sub => user.id.clone(),
            Searched::Email => user.email_key.clone().unwrap_or_default(),
            Searched::PhoneNumber => user.phone_key.clone().unwrap_or_default(),
            Searched::Status => user.status.clone(),
            _ => {
                let attribute = self.indexed().unwrap_or_default();
                let all = indexed_values(user)?;
                all.into_iter()
                    .find(|(name, _)| *name == attribute)
                    .map(|(_, value)| value)
                    .unwrap_or_default()
            }
        })
    }
}

impl UserSearch {
    /// The key behind which the list goes on after this user.
    pub fn key(&self, user: &UserRow) -> Result<UserKey> {
        let value = match self {
            UserSearch::By { searched, .. } => searched.value(user)?,
            UserSearch::All | UserSearch::Enabled(_) | UserSearch::Nobody => String::new(),
        };
        Ok(UserKey { value, id: user.id.clone() })
    }
}

const ALL: &str = select_user!("where pool_id = $1 and id > $2 order by id limit $3");
const ENABLED: &str = select_user!("where pool_id = $1 and enabled = $2 and id > $3 order by id limit $4");

impl Tx<'_> {
    /// Lists users that a search finds, from behind a key; up to `limit` of them.
    pub fn list_users(
        &mut self,
        pool_id: &str,
        search: &UserSearch,
        after: &UserKey,
        limit: i64,
    ) -> Result<Vec<UserRow>> {
        let (searched, value, prefix) = match search {
            UserSearch::All => return self.rows(ALL, values![pool_id, &after.id, limit], user),
            UserSearch::Enabled(enabled) => {
                return self.rows(ENABLED, values![pool_id, *enabled, &after.id, limit], user);
            }
            UserSearch::Nobody => return Ok(Vec::new()),
            UserSearch::By { searched, value, prefix } => (*searched, value, *prefix),
        };
        // No text sorts behind this one and still begins with the value.
        let last = if prefix { format!("{value}\u{10FFFF}") } else { value.clone() };
        let first = if after.id.is_empty() { value } else { &after.value };
        match searched.indexed() {
            Some(attribute) => self.rows(
                searched.statement(),
                values![pool_id, attribute, first, &after.id, &last, limit],
                user,
            ),
            None => self.rows(searched.statement(), values![pool_id, first, &after.id, &last, limit], user),
        }
    }

    /// Writes the values that a user is searched by.
    pub(crate) fn add_search_values(&mut self, user: &UserRow) -> Result<()> {
        for (attribute, value) in indexed_values(user)? {
            self.run(
                "insert into user_search (pool_id, attribute, value, user_id) values ($1, $2, $3, $4) \
                 on conflict do nothing",
                values![&user.pool_id, attribute, &value, &user.id],
            )?;
        }
        Ok(())
    }

    /// Writes them anew.
    pub(crate) fn renew_search_values(&mut self, user: &UserRow) -> Result<()> {
        self.run(
            "delete from user_search where pool_id = $1 and user_id = $2",
            values![&user.pool_id, &user.id],
        )?;
        self.add_search_values(user)
    }
}

/// The form in which attributes are compared.
pub fn search_value(text: &str) -> String {
    text.to_lowercase().chars().take(VALUE_LENGTH).collect()
}

fn indexed_values(user: &UserRow) -> Result<Vec<(&'static str, String)>> {
    let attributes: serde_json::Value = serde_json::from_str(&user.attributes)?;
    let value = |name: &str| attributes.get(name)?.as_str().filter(|text| !text.is_empty()).map(search_value);
    Ok(INDEXED.into_iter().filter_map(|name| Some((name, value(name)?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keys, Place, Store};

    const ALL_SEARCHED: [Searched; 9] = [
        Searched::Username,
        Searched::Sub,
        Searched::Email,
        Searched::PhoneNumber,
        Searched::Status,
        Searched::Name,
        Searched::GivenName,
        Searched::FamilyName,
        Searched::PreferredUsername,
    ];

    #[tokio::test]
    async fn no_filter_reads_rows_that_it_does_not_give() {
        let store = Store::open(&Place::Memory, Keys::new(&[[1; 32]]).expect("a key")).expect("a store");
        let plans: Result<Vec<(String, String)>> = store
            .read(|tx| {
                let statements = ALL_SEARCHED.map(Searched::statement).into_iter().chain([ALL, ENABLED]);
                let mut plans = Vec::new();
                for sql in statements {
                    let explain: &'static str =
                        Box::leak(format!("explain query plan {sql}").into_boxed_str());
                    let wanted = sql.matches('$').count();
                    let values: Vec<_> = (0..wanted).map(|_| crate::Value::from("x")).collect();
                    let plan = tx.rows(explain, &values, |row| row.text(3))?;
                    plans.push((sql.to_owned(), plan.join("; ")));
                }
                Ok(plans)
            })
            .await;
        for (sql, plan) in plans.expect("plans") {
            assert!(
                plan.contains("SEARCH") && !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
                "{sql}: {plan}"
            );
        }
    }
}
