//! Statements about groups and their members.

use crate::users::{UserRow, select_user, user};
use crate::{Row, Timestamp, Tx, values};
use anyhow::Result;

/// A group's row.
#[derive(Clone, Debug)]
pub struct GroupRow {
    pub pool_id: String,
    pub name: String,
    pub description: Option<String>,
    pub role_arn: Option<String>,
    /// The lowest comes first; nothing comes last.
    pub precedence: Option<i64>,
    pub created: Timestamp,
    pub modified: Timestamp,
}

macro_rules! select_group {
    ($rest:literal) => {
        concat!(
            "select pool_id, name, description, role_arn, precedence, created_ms, modified_ms from user_groups ",
            $rest
        )
    };
}

impl Tx<'_> {
    /// Adds a group; false when there is one of that name.
    pub fn add_group(&mut self, group: &GroupRow) -> Result<bool> {
        let added = self.run(
            "insert into user_groups (pool_id, name, description, role_arn, precedence, created_ms, modified_ms) \
             values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
            values![
                &group.pool_id,
                &group.name,
                group.description.as_ref(),
                group.role_arn.as_ref(),
                group.precedence,
                group.created,
                group.modified
            ],
        )?;
        Ok(added == 1)
    }

    pub fn find_group(&mut self, pool_id: &str, name: &str) -> Result<Option<GroupRow>> {
        self.row(select_group!("where pool_id = $1 and name = $2"), values![pool_id, name], group)
    }

    pub fn change_group(&mut self, group: &GroupRow) -> Result<bool> {
        let changed = self.run(
            "update user_groups set description = $1, role_arn = $2, precedence = $3, modified_ms = $4 \
             where pool_id = $5 and name = $6",
            values![
                group.description.as_ref(),
                group.role_arn.as_ref(),
                group.precedence,
                group.modified,
                &group.pool_id,
                &group.name
            ],
        )?;
        Ok(changed == 1)
    }

    /// Removes a group, and with it who was in it; false when it is gone.
    pub fn delete_group(&mut self, pool_id: &str, name: &str) -> Result<bool> {
        let gone =
            self.run("delete from user_groups where pool_id = $1 and name = $2", values![pool_id, name])?;
        Ok(gone == 1)
    }

    /// Lists a pool's groups by name, from behind `after`.
    pub fn list_groups(&mut self, pool_id: &str, after: &str, limit: i64) -> Result<Vec<GroupRow>> {
        self.rows(
            select_group!("where pool_id = $1 and name > $2 order by name limit $3"),
            values![pool_id, after, limit],
            group,
        )
    }

    pub fn count_groups(&mut self, pool_id: &str) -> Result<i64> {
        let count =
            self.row("select count(*) from user_groups where pool_id = $1", values![pool_id], |row| {
                row.int(0)
            })?;
        Ok(count.unwrap_or(0))
    }

    /// Tells whether a pool has any group at all.
    pub fn has_groups(&mut self, pool_id: &str) -> Result<bool> {
        let found =
            self.row("select 1 from user_groups where pool_id = $1 limit 1", values![pool_id], |_| Ok(()))?;
        Ok(found.is_some())
    }

    /// Puts a user into a group; false when it was in it already.
    pub fn add_member(&mut self, pool_id: &str, user_id: &str, group_name: &str) -> Result<bool> {
        let added = self.run(
            "insert into group_members (pool_id, user_id, group_name) values ($1, $2, $3) \
             on conflict do nothing",
            values![pool_id, user_id, group_name],
        )?;
        Ok(added == 1)
    }

    pub fn remove_member(&mut self, pool_id: &str, user_id: &str, group_name: &str) -> Result<bool> {
        let gone = self.run(
            "delete from group_members where pool_id = $1 and user_id = $2 and group_name = $3",
            values![pool_id, user_id, group_name],
        )?;
        Ok(gone == 1)
    }

    /// The groups that a user is in, by name, from behind `after`.
    pub fn groups_of_user(
        &mut self,
        pool_id: &str,
        user_id: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<GroupRow>> {
        self.rows(
            "select g.pool_id, g.name, g.description, g.role_arn, g.precedence, g.created_ms, g.modified_ms \
             from group_members m join user_groups g on g.pool_id = m.pool_id and g.name = m.group_name \
             where m.pool_id = $1 and m.user_id = $2 and m.group_name > $3 order by m.group_name limit $4",
            values![pool_id, user_id, after, limit],
            group,
        )
    }

    /// The users in a group, by id, from behind `after`.
    pub fn users_in_group(
        &mut self,
        pool_id: &str,
        group_name: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<UserRow>> {
        self.rows(
            select_user!(
                "where pool_id = $1 and id in (select user_id from group_members where pool_id = $2 \
                 and group_name = $3 and user_id > $4 order by user_id limit $5) order by id"
            ),
            values![pool_id, pool_id, group_name, after, limit],
            user,
        )
    }
}

fn group(row: &Row<'_>) -> Result<GroupRow> {
    Ok(GroupRow {
        pool_id: row.text(0)?,
        name: row.text(1)?,
        description: row.opt_text(2)?,
        role_arn: row.opt_text(3)?,
        precedence: row.opt_int(4)?,
        created: row.time(5)?,
        modified: row.time(6)?,
    })
}
