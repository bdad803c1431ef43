//! The first administrator, made before there is anybody to make one.

use crate::access::Access;
use crate::managed;
use crate::operations::users;
use anyhow::{Result, anyhow};

impl Access {
    /// Makes the first administrator: a user with a key and full access. Does nothing to what is there already.
    pub async fn seed_administrator(&self, name: &str, key_id: &str, secret: &str) -> Result<()> {
        let now = self.clock.now();
        let (name, key_id, secret) = (name.to_owned(), key_id.to_owned(), secret.to_owned());
        self.store
            .write(move |tx| -> Result<()> {
                tx.lock_iam()?;
                let user = match tx.find_iam_user(&name)? {
                    Some(user) => user,
                    None => {
                        let user = users::new_user(&name, "/", now);
                        if !tx.add_iam_user(&user)? {
                            return Err(anyhow!("a user of nearly the same name as {name} is there already"));
                        }
                        tx.attach_policy(&user.id, managed::ADMINISTRATOR_ACCESS, now)?;
                        user
                    }
                };
                let key = users::new_key(&key_id, &user.id, now);
                tx.add_iam_key(&key, &secret)?;
                Ok(())
            })
            .await
    }
}
