//! Administrators that are made from outside, before there is anybody to make them, and the roles they can have.

use crate::access::Access;
use crate::managed;
use crate::operations::users;
use anyhow::{Result, anyhow};

/// What an administrator may do: a managed policy each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sees everything, changes nothing.
    View,
    /// Sees everything and looks after people.
    Operate,
    /// May do everything.
    Own,
}

impl Role {
    fn policy(self) -> &'static str {
        match self {
            Role::View => managed::READ_ONLY_ACCESS,
            Role::Operate => managed::OPERATOR_ACCESS,
            Role::Own => managed::ADMINISTRATOR_ACCESS,
        }
    }
}

impl Access {
    /// Makes an administrator: a user with a key, and a role's policy. Does nothing to what is there already. Gives the
    /// user's id.
    pub async fn seed_administrator(
        &self,
        name: &str,
        role: Role,
        key_id: &str,
        secret: &str,
    ) -> Result<String> {
        let now = self.clock.now();
        let (name, key_id, secret) = (name.to_owned(), key_id.to_owned(), secret.to_owned());
        self.store
            .write(move |tx| -> Result<String> {
                tx.lock_iam()?;
                let user = match tx.find_iam_user(&name)? {
                    Some(user) => user,
                    None => {
                        let user = users::new_user(&name, "/", now);
                        if !tx.add_iam_user(&user)? {
                            return Err(anyhow!("a user of nearly the same name as {name} is there already"));
                        }
                        tx.attach_policy(&user.id, role.policy(), now)?;
                        user
                    }
                };
                let key = users::new_key(&key_id, &user.id, now);
                tx.add_iam_key(&key, &secret)?;
                Ok(user.id)
            })
            .await
    }
}
