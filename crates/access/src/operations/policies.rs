//! Managed policies: the account's own, and those that are shipped.

use super::{checked, checked_arn, shown_tags, shown_time};
use crate::Caller;
use crate::access::Access;
use crate::managed::{self, Managed};
use crate::names::{POLICY_ID, Page, policy_arn, tags_text, unique_id, url_encoded};
use crate::policy::{Kind, size};
use crate::table::Operations;
use postern_model::iam::errors::*;
use postern_model::iam::*;
use postern_model::shape::Nothing;
use postern_model::{Answer, refusal, refuse};
use postern_store::Tx;
use postern_store::access::PolicyRow;

const POLICIES_MAX: usize = 1_500;
const POLICY_SIZE_MAX: usize = 6_144;

/// The only version so far: a policy's document does not change.
const VERSION: &str = "v1";

pub(super) fn operations() -> Operations<Access> {
    Operations::new()
        .on(op::CreatePolicy, Access::create_policy)
        .on(op::GetPolicy, Access::get_policy)
        .on(op::GetPolicyVersion, Access::get_policy_version)
        .on(op::ListPolicies, Access::list_policies)
        .on(op::ListPolicyVersions, Access::list_policy_versions)
        .on(op::DeletePolicy, Access::delete_policy)
}

impl Access {
    pub async fn create_policy(
        &self,
        _: &Caller,
        request: CreatePolicyRequest,
    ) -> Answer<CreatePolicyResponse> {
        let (account, now) = (self.account.clone(), self.clock.now());
        self.store
            .write(move |tx| {
                tx.lock_iam()?;
                let request = request.clone();
                checked(&request.policy_document, Kind::Identity)?;
                if size(&request.policy_document) > POLICY_SIZE_MAX {
                    return refuse(
                        LimitExceededException,
                        format!("Cannot exceed quota for PolicySize: {POLICY_SIZE_MAX}"),
                    );
                }
                if tx.iam_policies()?.len() >= POLICIES_MAX {
                    return refuse(
                        LimitExceededException,
                        format!("Cannot exceed quota for PoliciesPerAccount: {POLICIES_MAX}"),
                    );
                }
                let path = request.path.unwrap_or_else(|| "/".into());
                let policy = PolicyRow {
                    arn: policy_arn(&account, &path, &request.policy_name),
                    name: request.policy_name,
                    id: unique_id(POLICY_ID),
                    path,
                    description: request.description,
                    document: request.policy_document,
                    tags: tags_text(request.tags)?,
                    created: now,
                };
                if !tx.add_iam_policy(&policy)? {
                    return refuse(
                        EntityAlreadyExistsException,
                        format!(
                            "A policy called {} already exists. Duplicate names are not allowed.",
                            policy.name
                        ),
                    );
                }
                let policy = managed_policy(tx, &policy.arn)?;
                Ok(CreatePolicyResponse { policy: Some(shown(tx, policy)?) })
            })
            .await
    }

    pub async fn get_policy(&self, _: &Caller, request: GetPolicyRequest) -> Answer<GetPolicyResponse> {
        self.store
            .read(move |tx| {
                let policy = managed_policy(tx, &request.policy_arn)?;
                Ok(GetPolicyResponse { policy: Some(shown(tx, policy)?) })
            })
            .await
    }

    pub async fn get_policy_version(
        &self,
        _: &Caller,
        request: GetPolicyVersionRequest,
    ) -> Answer<GetPolicyVersionResponse> {
        self.store
            .read(move |tx| {
                let policy = managed_policy(tx, &request.policy_arn)?;
                if request.version_id != VERSION {
                    return refuse(
                        NoSuchEntityException,
                        format!(
                            "Policy {} version {} does not exist or is not attachable.",
                            policy.arn, request.version_id
                        ),
                    );
                }
                let version =
                    PolicyVersion { document: Some(url_encoded(&policy.document)), ..version(&policy) };
                Ok(GetPolicyVersionResponse { policy_version: Some(version) })
            })
            .await
    }

    pub async fn list_policies(
        &self,
        _: &Caller,
        request: ListPoliciesRequest,
    ) -> Answer<ListPoliciesResponse> {
        self.store
            .read(move |tx| {
                let scope = request.scope.unwrap_or(PolicyScopeType::All);
                let mut policies = Vec::new();
                if scope != PolicyScopeType::Local {
                    policies.extend(managed::shipped());
                }
                if scope != PolicyScopeType::Aws {
                    policies.extend(managed::of_the_account(tx)?);
                }
                let prefix = request.path_prefix.as_deref().unwrap_or("/");
                let mut listed = Vec::new();
                for policy in policies.into_iter().filter(|policy| policy.path.starts_with(prefix)) {
                    // Lists leave out descriptions and tags.
                    let policy = Policy { description: None, tags: None, ..shown(tx, policy)? };
                    let attached = policy.attachment_count > Some(0);
                    let bounds = policy.permissions_boundary_usage_count > Some(0);
                    let is_used = match request.policy_usage_filter {
                        None => attached || bounds,
                        Some(PolicyUsageType::PermissionsPolicy) => attached,
                        Some(PolicyUsageType::PermissionsBoundary) => bounds,
                    };
                    let only_used =
                        request.only_attached == Some(true) || request.policy_usage_filter.is_some();
                    if is_used || !only_used {
                        listed.push(policy);
                    }
                }
                let name = |policy: &Policy| -> String { policy.policy_name.clone().unwrap_or_default() };
                let named: Vec<(String, Policy)> =
                    listed.into_iter().map(|policy| (name(&policy), policy)).collect();
                let page = Page::of(named, |(name, _)| name, request.marker.as_deref(), request.max_items);
                let is_truncated = page.is_truncated();
                Ok(ListPoliciesResponse {
                    policies: Some(page.items.into_iter().map(|(_, policy)| policy).collect()),
                    is_truncated,
                    marker: page.marker,
                })
            })
            .await
    }

    pub async fn list_policy_versions(
        &self,
        _: &Caller,
        request: ListPolicyVersionsRequest,
    ) -> Answer<ListPolicyVersionsResponse> {
        self.store
            .read(move |tx| {
                let policy = managed_policy(tx, &request.policy_arn)?;
                let versions = match request.marker {
                    None => vec![version(&policy)],
                    Some(_) => Vec::new(),
                };
                Ok(ListPolicyVersionsResponse {
                    versions: Some(versions),
                    is_truncated: Some(false),
                    marker: None,
                })
            })
            .await
    }

    pub async fn delete_policy(&self, _: &Caller, request: DeletePolicyRequest) -> Answer<Nothing> {
        self.store
            .write(move |tx| {
                tx.lock_iam()?;
                let policy = managed_policy(tx, &request.policy_arn)?;
                if policy.shipped {
                    return refuse(
                        InvalidInputException,
                        format!("Policy {} is read-only and cannot be deleted.", policy.arn),
                    );
                }
                if tx.attachments_of(&policy.arn)? + tx.boundaries_of(&policy.arn)? > 0 {
                    return refuse(DeleteConflictException, "Cannot delete a policy attached to entities.");
                }
                tx.remove_iam_policy(&policy.arn)?;
                Ok(Nothing {})
            })
            .await
    }
}

fn managed_policy(tx: &mut Tx<'_>, arn: &str) -> Answer<Managed> {
    checked_arn(arn)?;
    managed::find(tx, arn)?
        .ok_or_else(|| refusal(NoSuchEntityException, format!("Policy {arn} was not found.")))
}

fn version(policy: &Managed) -> PolicyVersion {
    PolicyVersion {
        document: None,
        version_id: Some(VERSION.into()),
        is_default_version: Some(true),
        create_date: Some(shown_time(policy.created)),
    }
}

fn shown(tx: &mut Tx<'_>, policy: Managed) -> Answer<Policy> {
    Ok(Policy {
        attachment_count: Some(tx.attachments_of(&policy.arn)?),
        permissions_boundary_usage_count: Some(tx.boundaries_of(&policy.arn)?),
        is_attachable: Some(true),
        policy_name: Some(policy.name),
        policy_id: Some(policy.id),
        arn: Some(policy.arn),
        path: Some(policy.path),
        default_version_id: Some(VERSION.into()),
        description: policy.description,
        create_date: Some(shown_time(policy.created)),
        update_date: Some(shown_time(policy.created)),
        tags: shown_tags(policy.tags),
    })
}
