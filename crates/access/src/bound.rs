//! Policies that are bound to whom their ARNs meant when they were written: a user or role that is made anew under an old
//! name is another.

use crate::access::Access;
use crate::names::{named_by, role_arn, user_arn};
use crate::policy::Policy;
use anyhow::Result;
use postern_store::Tx;
use std::collections::BTreeMap;

impl Access {
    /// Notes whom a policy's ARNs mean today, as JSON; or gives back one that means nobody. Those of other accounts may
    /// mean somebody there.
    pub fn ids_of(
        &self,
        tx: &mut Tx<'_>,
        policy: &Policy,
        others_may: bool,
    ) -> Result<Result<String, String>> {
        let foreign = |name: &str| {
            others_may && name.split(':').nth(4).is_some_and(|account| account != &*self.account)
        };
        let mut ids = BTreeMap::new();
        for name in policy.principals().flat_map(|principals| &principals.aws) {
            if name.starts_with("arn:aws:sts:") || name.ends_with(":root") || foreign(name) {
                continue;
            }
            match self.id_of(tx, name)? {
                Some(id) if id == *name => {}
                Some(id) => {
                    ids.insert(name.clone(), id);
                }
                None => return Ok(Err(name.clone())),
            }
        }
        Ok(Ok(serde_json::to_string(&ids)?))
    }

    /// The unique id that an ARN, or an id itself, has today.
    fn id_of(&self, tx: &mut Tx<'_>, name: &str) -> Result<Option<String>> {
        if !name.starts_with("arn:") {
            let known = tx.find_iam_user_by_id(name)?.is_some() || tx.find_iam_role_by_id(name)?.is_some();
            return Ok(known.then(|| name.to_owned()));
        }
        if let Some(user) = named_by(name, &self.account, "user") {
            let user = tx.find_iam_user(user)?;
            return Ok(user
                .filter(|user| user_arn(&self.account, &user.path, &user.name) == name)
                .map(|user| user.id));
        }
        if let Some(role) = named_by(name, &self.account, "role") {
            let role = tx.find_iam_role(role)?;
            return Ok(role
                .filter(|role| role_arn(&self.account, &role.path, &role.name) == name)
                .map(|role| role.id));
        }
        Ok(None)
    }

    /// A policy's text as it is shown: whoever is gone stands there by the id that nobody else will have.
    pub fn shown_bound(&self, tx: &mut Tx<'_>, text: &str, ids: &str) -> Result<String> {
        let ids: BTreeMap<String, String> = serde_json::from_str(ids)?;
        let mut shown = text.to_owned();
        for (arn, id) in ids {
            if self.id_of(tx, &arn)?.as_ref() != Some(&id) {
                shown = shown.replace(&format!("\"{arn}\""), &format!("\"{id}\""));
            }
        }
        Ok(shown)
    }
}
