//! Statements about IAM users, keys, roles and policies.

use crate::stamps::Topic;
use crate::{Purpose, Row, Timestamp, Tx, values};
use anyhow::Result;

/// An IAM user. Tags are a JSON object.
#[derive(Clone, Debug, PartialEq)]
pub struct UserRow {
    pub name: String,
    pub id: String,
    pub path: String,
    pub boundary: Option<String>,
    pub tags: String,
    pub created: Timestamp,
}

/// A role. `trust_ids` is a JSON object of the trust document's ARNs and the ids they had when it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleRow {
    pub name: String,
    pub id: String,
    pub path: String,
    pub trust: String,
    pub trust_ids: String,
    pub description: Option<String>,
    pub max_session_s: i64,
    /// Whose service-linked role it is.
    pub service: Option<String>,
    pub boundary: Option<String>,
    pub tags: String,
    pub created: Timestamp,
    pub last_used: Option<Timestamp>,
}

/// A long-term key, without its secret.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyRow {
    pub id: String,
    pub user_id: String,
    pub active: bool,
    pub created: Timestamp,
    pub last_used: Option<Timestamp>,
}

/// A managed policy of the account.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyRow {
    pub arn: String,
    pub name: String,
    pub id: String,
    pub path: String,
    pub description: Option<String>,
    pub document: String,
    pub tags: String,
    pub created: Timestamp,
}

/// A session of a role, without its secret. `policies` is a JSON list.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRow {
    pub key_id: String,
    pub role_id: String,
    pub session: String,
    pub policies: String,
    pub created: Timestamp,
    pub expires: Timestamp,
}

fn user(row: &Row<'_>) -> Result<UserRow> {
    Ok(UserRow {
        name: row.text(0)?,
        id: row.text(1)?,
        path: row.text(2)?,
        boundary: row.opt_text(3)?,
        tags: row.text(4)?,
        created: row.time(5)?,
    })
}

fn role(row: &Row<'_>) -> Result<RoleRow> {
    Ok(RoleRow {
        name: row.text(0)?,
        id: row.text(1)?,
        path: row.text(2)?,
        trust: row.text(3)?,
        trust_ids: row.text(4)?,
        description: row.opt_text(5)?,
        max_session_s: row.int(6)?,
        service: row.opt_text(7)?,
        boundary: row.opt_text(8)?,
        tags: row.text(9)?,
        created: row.time(10)?,
        last_used: row.opt_time(11)?,
    })
}

fn key(row: &Row<'_>) -> Result<KeyRow> {
    Ok(KeyRow {
        id: row.text(0)?,
        user_id: row.text(1)?,
        active: row.flag(2)?,
        created: row.time(3)?,
        last_used: row.opt_time(4)?,
    })
}

fn policy(row: &Row<'_>) -> Result<PolicyRow> {
    Ok(PolicyRow {
        arn: row.text(0)?,
        name: row.text(1)?,
        id: row.text(2)?,
        path: row.text(3)?,
        description: row.opt_text(4)?,
        document: row.text(5)?,
        tags: row.text(6)?,
        created: row.time(7)?,
    })
}

fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Users and their keys.
impl Tx<'_> {
    /// Makes changes of IAM wait for one another, so that what one has checked (a quota, that nothing hangs on a
    /// policy) still holds when it ends. They are few.
    pub fn lock_iam(&mut self) -> Result<()> {
        self.serialize(b"iam")
    }

    pub fn add_iam_user(&mut self, user: &UserRow) -> Result<bool> {
        self.restamp(Topic::Iam)?;
        let key = folded(&user.name);
        let added = self.run(
            "insert into iam_users (name_key, name, id, path, boundary, tags, created_ms)
             values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
            values![
                &key,
                &user.name,
                &user.id,
                &user.path,
                user.boundary.as_deref(),
                &user.tags,
                user.created
            ],
        )?;
        Ok(added == 1)
    }

    /// Finds a user by its name, in this very spelling: policies about its ARN know no other.
    pub fn find_iam_user(&mut self, name: &str) -> Result<Option<UserRow>> {
        self.row(
            "select name, id, path, boundary, tags, created_ms from iam_users where name_key = $1 and name = $2",
            values![&folded(name), name],
            user,
        )
    }

    pub fn find_iam_user_by_id(&mut self, id: &str) -> Result<Option<UserRow>> {
        self.row(
            "select name, id, path, boundary, tags, created_ms from iam_users where id = $1",
            values![id],
            user,
        )
    }

    pub fn iam_users(&mut self) -> Result<Vec<UserRow>> {
        self.rows("select name, id, path, boundary, tags, created_ms from iam_users", values![], user)
    }

    pub fn remove_iam_user(&mut self, id: &str) -> Result<bool> {
        self.restamp(Topic::Iam)?;
        Ok(self.run("delete from iam_users where id = $1", values![id])? == 1)
    }

    /// Adds a key and seals its secret.
    pub fn add_iam_key(&mut self, key: &KeyRow, secret: &str) -> Result<bool> {
        let sealed = self.keys().seal(Purpose::Secret, secret.as_bytes());
        let added = self.run(
            "insert into iam_keys (id, user_id, secret, active, created_ms)
             values ($1, $2, $3, $4, $5) on conflict do nothing",
            values![&key.id, &key.user_id, &sealed, key.active, key.created],
        )?;
        Ok(added == 1)
    }

    pub fn iam_keys(&mut self, user_id: &str) -> Result<Vec<KeyRow>> {
        self.rows(
            "select id, user_id, active, created_ms, last_used_ms from iam_keys
             where user_id = $1 order by created_ms, id",
            values![user_id],
            key,
        )
    }

    /// Finds a key and opens its secret.
    pub fn find_iam_key(&mut self, id: &str) -> Result<Option<(KeyRow, String)>> {
        let found = self.row(
            "select id, user_id, active, created_ms, last_used_ms, secret from iam_keys where id = $1",
            values![id],
            |row| Ok((key(row)?, row.blob(5)?)),
        )?;
        let Some((key, sealed)) = found else { return Ok(None) };
        let secret = self.keys().open(Purpose::Secret, &sealed)?;
        Ok(Some((key, String::from_utf8(secret)?)))
    }

    pub fn set_iam_key_active(&mut self, user_id: &str, id: &str, active: bool) -> Result<bool> {
        let changed = self.run(
            "update iam_keys set active = $1 where user_id = $2 and id = $3",
            values![active, user_id, id],
        )?;
        Ok(changed == 1)
    }

    pub fn note_iam_key_used(&mut self, id: &str, now: Timestamp) -> Result<()> {
        self.run("update iam_keys set last_used_ms = $1 where id = $2", values![now, id])?;
        Ok(())
    }

    pub fn remove_iam_key(&mut self, user_id: &str, id: &str) -> Result<bool> {
        Ok(self.run("delete from iam_keys where user_id = $1 and id = $2", values![user_id, id])? == 1)
    }
}

/// Roles and their sessions.
impl Tx<'_> {
    pub fn add_iam_role(&mut self, role: &RoleRow) -> Result<bool> {
        self.restamp(Topic::Iam)?;
        let key = folded(&role.name);
        let added = self.run(
            "insert into iam_roles (name_key, name, id, path, trust, trust_ids, description, max_session_s, service,
                                    boundary, tags, created_ms)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing",
            values![
                &key,
                &role.name,
                &role.id,
                &role.path,
                &role.trust,
                &role.trust_ids,
                role.description.as_deref(),
                role.max_session_s,
                role.service.as_deref(),
                role.boundary.as_deref(),
                &role.tags,
                role.created
            ],
        )?;
        Ok(added == 1)
    }

    /// Finds a role by its name, in this very spelling.
    pub fn find_iam_role(&mut self, name: &str) -> Result<Option<RoleRow>> {
        self.row(
            "select name, id, path, trust, trust_ids, description, max_session_s, service, boundary, tags,
                    created_ms, last_used_ms
             from iam_roles where name_key = $1 and name = $2",
            values![&folded(name), name],
            role,
        )
    }

    pub fn find_iam_role_by_id(&mut self, id: &str) -> Result<Option<RoleRow>> {
        self.row(
            "select name, id, path, trust, trust_ids, description, max_session_s, service, boundary, tags,
                    created_ms, last_used_ms
             from iam_roles where id = $1",
            values![id],
            role,
        )
    }

    pub fn iam_roles(&mut self) -> Result<Vec<RoleRow>> {
        self.rows(
            "select name, id, path, trust, trust_ids, description, max_session_s, service, boundary, tags,
                    created_ms, last_used_ms
             from iam_roles",
            values![],
            role,
        )
    }

    pub fn set_iam_role_trust(&mut self, id: &str, trust: &str, trust_ids: &str) -> Result<()> {
        self.restamp(Topic::Iam)?;
        self.run(
            "update iam_roles set trust = $1, trust_ids = $2 where id = $3",
            values![trust, trust_ids, id],
        )?;
        Ok(())
    }

    pub fn note_iam_role_used(&mut self, id: &str, now: Timestamp) -> Result<()> {
        self.run("update iam_roles set last_used_ms = $1 where id = $2", values![now, id])?;
        Ok(())
    }

    pub fn remove_iam_role(&mut self, id: &str) -> Result<bool> {
        self.restamp(Topic::Iam)?;
        Ok(self.run("delete from iam_roles where id = $1", values![id])? == 1)
    }

    /// Adds a session: its secret is sealed, its token only recognised.
    pub fn add_iam_session(&mut self, session: &SessionRow, secret: &str, token: &str) -> Result<()> {
        let sealed = self.keys().seal(Purpose::Secret, secret.as_bytes());
        let mac = self.keys().mac(Purpose::Token, &[token.as_bytes()]);
        self.run(
            "insert into iam_sessions (key_id, role_id, session, secret, token_mac, policies, created_ms, expires_ms)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            values![
                &session.key_id,
                &session.role_id,
                &session.session,
                &sealed,
                &mac,
                &session.policies,
                session.created,
                session.expires
            ],
        )?;
        Ok(())
    }

    pub fn find_iam_session(&mut self, key_id: &str) -> Result<Option<SessionRow>> {
        self.row(
            "select key_id, role_id, session, policies, created_ms, expires_ms from iam_sessions where key_id = $1",
            values![key_id],
            |row| {
                Ok(SessionRow {
                    key_id: row.text(0)?,
                    role_id: row.text(1)?,
                    session: row.text(2)?,
                    policies: row.text(3)?,
                    created: row.time(4)?,
                    expires: row.time(5)?,
                })
            },
        )
    }

    /// Gives a session's secret, if the token is the one that goes with it.
    pub fn iam_session_secret(&mut self, key_id: &str, token: &str) -> Result<Option<String>> {
        let found = self.row(
            "select secret, token_mac from iam_sessions where key_id = $1",
            values![key_id],
            |row| Ok((row.blob(0)?, row.blob(1)?)),
        )?;
        let Some((sealed, mac)) = found else { return Ok(None) };
        if !self.keys().mac_matches(Purpose::Token, &[token.as_bytes()], &mac) {
            return Ok(None);
        }
        Ok(Some(String::from_utf8(self.keys().open(Purpose::Secret, &sealed)?)?))
    }

    /// Notes how the deletion of a role ended; an earlier note on the same role keeps its id, which is given back.
    pub fn note_iam_role_deletion(
        &mut self,
        id: &str,
        role_id: &str,
        usage: &str,
        now: Timestamp,
    ) -> Result<String> {
        let kept = self.row(
            "insert into iam_role_deletions (id, role_id, usage, ended_ms) values ($1, $2, $3, $4)
             on conflict (role_id) do update set usage = excluded.usage, ended_ms = excluded.ended_ms
             returning id",
            values![id, role_id, usage, now],
            |row| row.text(0),
        )?;
        Ok(kept.unwrap_or_else(|| id.to_owned()))
    }

    /// What still used the role when its deletion ended; an empty list: it was deleted.
    pub fn find_iam_role_deletion(&mut self, id: &str) -> Result<Option<String>> {
        self.row("select usage from iam_role_deletions where id = $1", values![id], |row| row.text(0))
    }
}

/// Policies, inline and managed.
impl Tx<'_> {
    pub fn put_inline_policy(&mut self, owner_id: &str, name: &str, document: &str) -> Result<()> {
        self.restamp(Topic::Iam)?;
        self.run(
            "insert into iam_inline_policies (owner_id, name_key, name, document) values ($1, $2, $3, $4)
             on conflict (owner_id, name_key) do update set name = excluded.name, document = excluded.document",
            values![owner_id, &folded(name), name, document],
        )?;
        Ok(())
    }

    /// Lists an owner's inline policies: name and document.
    pub fn inline_policies(&mut self, owner_id: &str) -> Result<Vec<(String, String)>> {
        let mut policies = self.rows(
            "select name, document from iam_inline_policies where owner_id = $1",
            values![owner_id],
            |row| Ok((row.text(0)?, row.text(1)?)),
        )?;
        policies.sort();
        Ok(policies)
    }

    pub fn remove_inline_policy(&mut self, owner_id: &str, name: &str) -> Result<bool> {
        self.restamp(Topic::Iam)?;
        let removed = self.run(
            "delete from iam_inline_policies where owner_id = $1 and name = $2",
            values![owner_id, name],
        )?;
        Ok(removed == 1)
    }

    pub fn attach_policy(&mut self, owner_id: &str, policy_arn: &str, now: Timestamp) -> Result<()> {
        self.restamp(Topic::Iam)?;
        self.run(
            "insert into iam_attachments (owner_id, policy_arn, created_ms) values ($1, $2, $3)
             on conflict do nothing",
            values![owner_id, policy_arn, now],
        )?;
        Ok(())
    }

    /// Lists the ARNs of the managed policies attached to an owner.
    pub fn attached_policies(&mut self, owner_id: &str) -> Result<Vec<String>> {
        let mut arns = self.rows(
            "select policy_arn from iam_attachments where owner_id = $1",
            values![owner_id],
            |row| row.text(0),
        )?;
        arns.sort();
        Ok(arns)
    }

    pub fn detach_policy(&mut self, owner_id: &str, policy_arn: &str) -> Result<bool> {
        self.restamp(Topic::Iam)?;
        let removed = self.run(
            "delete from iam_attachments where owner_id = $1 and policy_arn = $2",
            values![owner_id, policy_arn],
        )?;
        Ok(removed == 1)
    }

    /// Removes every policy of an owner, as when a service-linked role goes.
    pub fn remove_policies_of(&mut self, owner_id: &str) -> Result<()> {
        self.restamp(Topic::Iam)?;
        self.run("delete from iam_inline_policies where owner_id = $1", values![owner_id])?;
        self.run("delete from iam_attachments where owner_id = $1", values![owner_id])?;
        Ok(())
    }

    /// Counts to how many users and roles a managed policy is attached.
    pub fn attachments_of(&mut self, policy_arn: &str) -> Result<i64> {
        let count = self.row(
            "select count(*) from iam_attachments where policy_arn = $1",
            values![policy_arn],
            |row| row.int(0),
        )?;
        Ok(count.unwrap_or(0))
    }

    /// Counts for how many users and roles a managed policy is the boundary.
    pub fn boundaries_of(&mut self, policy_arn: &str) -> Result<i64> {
        let count = self.row(
            "select (select count(*) from iam_users where boundary = $1)
                  + (select count(*) from iam_roles where boundary = $2)",
            values![policy_arn, policy_arn],
            |row| row.int(0),
        )?;
        Ok(count.unwrap_or(0))
    }

    pub fn add_iam_policy(&mut self, policy: &PolicyRow) -> Result<bool> {
        self.restamp(Topic::Iam)?;
        let added = self.run(
            "insert into iam_policies (arn, name_key, name, id, path, description, document, tags, created_ms)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing",
            values![
                &policy.arn,
                &folded(&policy.name),
                &policy.name,
                &policy.id,
                &policy.path,
                policy.description.as_deref(),
                &policy.document,
                &policy.tags,
                policy.created
            ],
        )?;
        Ok(added == 1)
    }

    pub fn find_iam_policy(&mut self, arn: &str) -> Result<Option<PolicyRow>> {
        self.row(
            "select arn, name, id, path, description, document, tags, created_ms from iam_policies where arn = $1",
            values![arn],
            policy,
        )
    }

    pub fn iam_policies(&mut self) -> Result<Vec<PolicyRow>> {
        self.rows(
            "select arn, name, id, path, description, document, tags, created_ms from iam_policies",
            values![],
            policy,
        )
    }

    pub fn remove_iam_policy(&mut self, arn: &str) -> Result<bool> {
        self.restamp(Topic::Iam)?;
        Ok(self.run("delete from iam_policies where arn = $1", values![arn])? == 1)
    }
}
