//! The operations of IAM and STS, a file per topic, and what their answers have in common.

mod attached;
mod audit;
mod inline;
mod policies;
mod roles;
mod service_roles;
mod simulate;
mod sts;
pub(crate) mod users;

use crate::access::Access;
use crate::managed;
use crate::names::{is_policy_arn, role_arn, user_arn};
use crate::policy::{Kind, Policy};
use crate::table::Operations;
use postern_model::iam::errors::*;
use postern_model::iam::{AttachedPermissionsBoundary, PermissionsBoundaryAttachmentType, Tag};
use postern_model::{Answer, Error, ErrorKind, Service, Timestamp, front, refusal, refuse};
use postern_store::Tx;

/// What the Query services answer to a value that is well formed and still not valid.
pub(crate) fn invalid() -> ErrorKind {
    front(Service::Iam).invalid
}

pub fn iam_operations() -> Operations<Access> {
    Operations::new()
        .and(attached::operations())
        .and(inline::operations())
        .and(policies::operations())
        .and(roles::operations())
        .and(service_roles::operations())
        .and(simulate::operations())
        .and(users::operations())
}

pub fn sts_operations() -> Operations<Access> {
    sts::operations()
}

/// What only this server has.
pub fn own_operations() -> Operations<Access> {
    audit::operations()
}

/// A user or role that policies hang on.
pub(crate) struct Owner {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: OwnerKind,
    pub(crate) arn: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnerKind {
    User,
    Role,
}

impl OwnerKind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            OwnerKind::User => "user",
            OwnerKind::Role => "role",
        }
    }
}

impl Access {
    pub(crate) fn owner(&self, tx: &mut Tx<'_>, kind: OwnerKind, name: &str) -> Answer<Owner> {
        Ok(match kind {
            OwnerKind::User => {
                let user = tx.find_iam_user(name)?.ok_or_else(|| no_such(kind, name))?;
                let arn = user_arn(&self.account, &user.path, &user.name);
                Owner { id: user.id, name: user.name, kind, arn }
            }
            OwnerKind::Role => {
                let role = tx.find_iam_role(name)?.ok_or_else(|| no_such(kind, name))?;
                let arn = role_arn(&self.account, &role.path, &role.name);
                Owner { id: role.id, name: role.name, kind, arn }
            }
        })
    }

    /// The same, for a change: a service-linked role is changed by its service alone.
    pub(crate) fn owner_to_change(&self, tx: &mut Tx<'_>, kind: OwnerKind, name: &str) -> Answer<Owner> {
        let owner = self.owner(tx, kind, name)?;
        if kind == OwnerKind::Role && tx.find_iam_role(name)?.is_some_and(|role| role.service.is_some()) {
            return Err(protected(name));
        }
        Ok(owner)
    }
}

pub(crate) fn no_such(kind: OwnerKind, name: &str) -> Error {
    refusal(NoSuchEntityException, format!("The {} with name {name} cannot be found.", kind.word()))
}

pub(crate) fn protected(name: &str) -> Error {
    refusal(
        UnmodifiableEntityException,
        format!(
            "Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
        ),
    )
}

/// Refuses a document that is not a policy of this kind.
pub(crate) fn checked(document: &str, kind: Kind) -> Answer<Policy> {
    Policy::parse(document, kind)
        .map_err(|fault| refusal(MalformedPolicyDocumentException, fault.to_string()))
}

/// Refuses what is no ARN of a managed policy.
pub(crate) fn checked_arn(arn: &str) -> Answer<()> {
    match is_policy_arn(arn) {
        true => Ok(()),
        false => refuse(InvalidInputException, format!("ARN {arn} is not valid.")),
    }
}

/// Refuses a boundary that is not there, as the operation may say it.
pub(crate) fn checked_boundary(tx: &mut Tx<'_>, arn: Option<&str>, kind: ErrorKind) -> Answer<()> {
    match arn {
        Some(arn) if managed::find(tx, arn)?.is_none_or(|managed| managed.is_for_services()) => {
            refuse(kind, format!("Scope ARN: {arn} does not exist or is not attachable."))
        }
        _ => Ok(()),
    }
}

pub(crate) fn shown_boundary(arn: Option<String>) -> Option<AttachedPermissionsBoundary> {
    arn.map(|arn| AttachedPermissionsBoundary {
        permissions_boundary_type: Some(PermissionsBoundaryAttachmentType::PermissionsBoundaryPolicy),
        permissions_boundary_arn: Some(arn),
    })
}

pub(crate) fn shown_tags(tags: Vec<(String, String)>) -> Option<Vec<Tag>> {
    let tags: Vec<Tag> = tags.into_iter().map(|(key, value)| Tag { key, value }).collect();
    (!tags.is_empty()).then_some(tags)
}

/// IAM shows whole seconds.
pub(crate) fn shown_time(time: postern_store::Timestamp) -> Timestamp {
    Timestamp(time.seconds() * 1000)
}
