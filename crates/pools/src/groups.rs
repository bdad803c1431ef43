//! What a user's groups make tokens say: names by precedence, the roles, and the one that is preferred.

use crate::pool::Pool;
use anyhow::Result;
use postern_store::Tx;
use postern_store::groups::GroupRow;
use serde_json::{Map, Value};

/// Groups one user may be in (Developer Guide, "Quotas").
pub const PER_USER_MAX: i64 = 100;
/// Groups one pool may have.
pub const PER_POOL_MAX: i64 = 10_000;

/// The claims `cognito:groups`, `cognito:roles` and `cognito:preferred_role`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupClaims {
    pub groups: Vec<String>,
    pub roles: Vec<String>,
    pub preferred_role: Option<String>,
}

impl GroupClaims {
    /// Reads what tokens say of a user's groups. Pools without groups are not asked.
    pub fn of_user(tx: &mut Tx<'_>, pool: &Pool, user_id: &str) -> Result<GroupClaims> {
        if !pool.has_groups {
            return Ok(GroupClaims::default());
        }
        Ok(GroupClaims::of(tx.groups_of_user(&pool.id, user_id, "", PER_USER_MAX)?))
    }

    /// The group of the lowest precedence comes first, one without any comes last. A role is preferred when the
    /// best precedence among the groups with roles leads to it alone (API reference, `GroupType`).
    fn of(mut groups: Vec<GroupRow>) -> GroupClaims {
        groups.sort_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| one.name.cmp(&other.name)));
        let mut roles: Vec<String> = Vec::new();
        for role in groups.iter().filter_map(|group| group.role_arn.as_ref()) {
            if !roles.contains(role) {
                roles.push(role.clone());
            }
        }
        let best = groups.iter().find(|group| group.role_arn.is_some());
        let rivals = |best: &&GroupRow| {
            groups.iter().any(|group| {
                rank(group) == rank(best) && group.role_arn.is_some() && group.role_arn != best.role_arn
            })
        };
        GroupClaims {
            preferred_role: best.filter(|best| !rivals(best)).and_then(|best| best.role_arn.clone()),
            groups: groups.into_iter().map(|group| group.name).collect(),
            roles,
        }
    }

    /// Puts the groups into the claims of any token.
    pub fn write_groups(&self, claims: &mut Map<String, Value>) {
        if !self.groups.is_empty() {
            claims.insert("cognito:groups".into(), self.groups.clone().into());
        }
    }

    /// Puts the roles into the claims of an ID token.
    pub fn write_roles(&self, claims: &mut Map<String, Value>) {
        if !self.roles.is_empty() {
            claims.insert("cognito:roles".into(), self.roles.clone().into());
        }
        if let Some(role) = &self.preferred_role {
            claims.insert("cognito:preferred_role".into(), role.clone().into());
        }
    }
}

fn rank(group: &GroupRow) -> (bool, Option<i64>) {
    (group.precedence.is_none(), group.precedence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_store::Timestamp;

    fn claims(groups: &[(&str, Option<&str>, Option<i64>)]) -> GroupClaims {
        GroupClaims::of(
            groups
                .iter()
                .map(|(name, role, precedence)| GroupRow {
                    pool_id: "p".into(),
                    name: (*name).into(),
                    description: None,
                    role_arn: role.map(str::to_owned),
                    precedence: *precedence,
                    created: Timestamp::default(),
                    modified: Timestamp::default(),
                })
                .collect(),
        )
    }

    #[test]
    fn the_lowest_precedence_comes_first_and_its_role_is_preferred() {
        let claims = claims(&[
            ("readers", Some("r"), None),
            ("writers", Some("w"), Some(5)),
            ("admins", Some("a"), Some(0)),
            ("guests", None, Some(0)),
        ]);
        assert_eq!(claims.groups, ["admins", "guests", "writers", "readers"]);
        assert_eq!(claims.roles, ["a", "w", "r"]);
        assert_eq!(claims.preferred_role.as_deref(), Some("a"));
    }

    #[test]
    fn two_roles_of_one_precedence_leave_none_preferred() {
        assert_eq!(claims(&[("a", Some("x"), Some(1)), ("b", Some("y"), Some(1))]).preferred_role, None);
        assert_eq!(claims(&[("a", Some("x"), None), ("b", Some("y"), None)]).preferred_role, None);
        let same = claims(&[("a", Some("x"), Some(1)), ("b", Some("x"), Some(1))]);
        assert_eq!((same.roles.len(), same.preferred_role.as_deref()), (1, Some("x")));
        assert_eq!(claims(&[]), GroupClaims::default());
    }
}
