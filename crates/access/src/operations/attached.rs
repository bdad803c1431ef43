//! Managed policies attached to users and roles.

use super::{OwnerKind, checked_arn};
use crate::Caller;
use crate::access::Access;
use crate::managed;
use crate::names::Page;
use crate::table::Operations;
use postern_model::iam::errors::*;
use postern_model::iam::*;
use postern_model::shape::Nothing;
use postern_model::{Answer, refuse};

/// Managed policies on one user or role.
const ATTACHED_MAX: usize = 10;

pub(super) fn operations() -> Operations<Access> {
    Operations::new()
        .on(op::AttachRolePolicy, Access::attach_role_policy)
        .on(op::DetachRolePolicy, Access::detach_role_policy)
        .on(op::ListAttachedRolePolicies, Access::list_attached_role_policies)
        .on(op::AttachUserPolicy, Access::attach_user_policy)
        .on(op::DetachUserPolicy, Access::detach_user_policy)
        .on(op::ListAttachedUserPolicies, Access::list_attached_user_policies)
}

impl Access {
    pub async fn attach_role_policy(&self, _: &Caller, request: AttachRolePolicyRequest) -> Answer<Nothing> {
        self.attach(OwnerKind::Role, request.role_name, request.policy_arn).await
    }

    pub async fn attach_user_policy(&self, _: &Caller, request: AttachUserPolicyRequest) -> Answer<Nothing> {
        self.attach(OwnerKind::User, request.user_name, request.policy_arn).await
    }

    pub async fn detach_role_policy(&self, _: &Caller, request: DetachRolePolicyRequest) -> Answer<Nothing> {
        self.detach(OwnerKind::Role, request.role_name, request.policy_arn).await
    }

    pub async fn detach_user_policy(&self, _: &Caller, request: DetachUserPolicyRequest) -> Answer<Nothing> {
        self.detach(OwnerKind::User, request.user_name, request.policy_arn).await
    }

    pub async fn list_attached_role_policies(
        &self,
        _: &Caller,
        request: ListAttachedRolePoliciesRequest,
    ) -> Answer<ListAttachedRolePoliciesResponse> {
        let policies = self.attached(OwnerKind::Role, request.role_name, request.path_prefix).await?;
        let page = Page::of(policies, policy_name, request.marker.as_deref(), request.max_items);
        let is_truncated = page.is_truncated();
        Ok(ListAttachedRolePoliciesResponse {
            attached_policies: Some(page.items),
            is_truncated,
            marker: page.marker,
        })
    }

    pub async fn list_attached_user_policies(
        &self,
        _: &Caller,
        request: ListAttachedUserPoliciesRequest,
    ) -> Answer<ListAttachedUserPoliciesResponse> {
        let policies = self.attached(OwnerKind::User, request.user_name, request.path_prefix).await?;
        let page = Page::of(policies, policy_name, request.marker.as_deref(), request.max_items);
        let is_truncated = page.is_truncated();
        Ok(ListAttachedUserPoliciesResponse {
            attached_policies: Some(page.items),
            is_truncated,
            marker: page.marker,
        })
    }

    async fn attach(&self, kind: OwnerKind, owner: String, policy_arn: String) -> Answer<Nothing> {
        let (access, now) = (self.clone(), self.clock.now());
        self.store
            .write(move |tx| {
                tx.lock_iam()?;
                let owner = access.owner_to_change(tx, kind, &owner)?;
                checked_arn(&policy_arn)?;
                let Some(policy) = managed::find(tx, &policy_arn)? else {
                    return refuse(
                        NoSuchEntityException,
                        format!("Policy {policy_arn} does not exist or is not attachable."),
                    );
                };
                if policy.is_for_services() {
                    return refuse(
                        PolicyNotAttachableException,
                        match kind {
                            OwnerKind::Role => "Cannot attach a Service Role Policy to a Customer Role.",
                            OwnerKind::User => "Cannot attach a Service Role Policy to a User.",
                        },
                    );
                }
                let attached = tx.attached_policies(&owner.id)?;
                if !attached.contains(&policy_arn) && attached.len() >= ATTACHED_MAX {
                    let quota = match kind {
                        OwnerKind::Role => "PoliciesPerRole",
                        OwnerKind::User => "PoliciesPerUser",
                    };
                    return refuse(
                        LimitExceededException,
                        format!("Cannot exceed quota for {quota}: {ATTACHED_MAX}"),
                    );
                }
                tx.attach_policy(&owner.id, &policy_arn, now)?;
                Ok(Nothing {})
            })
            .await
    }

    async fn detach(&self, kind: OwnerKind, owner: String, policy_arn: String) -> Answer<Nothing> {
        let access = self.clone();
        self.store
            .write(move |tx| {
                tx.lock_iam()?;
                let owner = access.owner_to_change(tx, kind, &owner)?;
                checked_arn(&policy_arn)?;
                match tx.detach_policy(&owner.id, &policy_arn)? {
                    true => Ok(Nothing {}),
                    false => refuse(NoSuchEntityException, format!("Policy {policy_arn} was not found.")),
                }
            })
            .await
    }

    async fn attached(
        &self,
        kind: OwnerKind,
        owner: String,
        path_prefix: Option<String>,
    ) -> Answer<Vec<AttachedPolicy>> {
        let access = self.clone();
        self.store
            .read(move |tx| {
                let owner = access.owner(tx, kind, &owner)?;
                let prefix = path_prefix.as_deref().unwrap_or("/");
                let mut policies = Vec::new();
                for arn in tx.attached_policies(&owner.id)? {
                    if let Some(policy) =
                        managed::find(tx, &arn)?.filter(|policy| policy.path.starts_with(prefix))
                    {
                        policies.push(AttachedPolicy {
                            policy_name: Some(policy.name),
                            policy_arn: Some(policy.arn),
                        });
                    }
                }
                Ok(policies)
            })
            .await
    }
}

fn policy_name(policy: &AttachedPolicy) -> &str {
    policy.policy_name.as_deref().unwrap_or_default()
}
