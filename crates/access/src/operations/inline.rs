//! Inline policies of users and roles.

use super::{Owner, OwnerKind, checked};
use crate::Caller;
use crate::access::Access;
use crate::names::{Page, url_encoded};
use crate::policy::{Kind, size};
use crate::table::Operations;
use postern_model::iam::errors::*;
use postern_model::iam::*;
use postern_model::shape::Nothing;
use postern_model::{Answer, Error, refusal, refuse};
use postern_store::Tx;

const USER_SIZE_MAX: usize = 2_048;
const ROLE_SIZE_MAX: usize = 10_240;

pub(super) fn operations() -> Operations<Access> {
    Operations::new()
        .on(op::PutRolePolicy, Access::put_role_policy)
        .on(op::GetRolePolicy, Access::get_role_policy)
        .on(op::ListRolePolicies, Access::list_role_policies)
        .on(op::DeleteRolePolicy, Access::delete_role_policy)
        .on(op::PutUserPolicy, Access::put_user_policy)
        .on(op::GetUserPolicy, Access::get_user_policy)
        .on(op::ListUserPolicies, Access::list_user_policies)
        .on(op::DeleteUserPolicy, Access::delete_user_policy)
}

impl Access {
    pub async fn put_role_policy(&self, _: &Caller, request: PutRolePolicyRequest) -> Answer<Nothing> {
        self.put_inline(OwnerKind::Role, request.role_name, request.policy_name, request.policy_document)
            .await
    }

    pub async fn put_user_policy(&self, _: &Caller, request: PutUserPolicyRequest) -> Answer<Nothing> {
        self.put_inline(OwnerKind::User, request.user_name, request.policy_name, request.policy_document)
            .await
    }

    pub async fn get_role_policy(
        &self,
        _: &Caller,
        request: GetRolePolicyRequest,
    ) -> Answer<GetRolePolicyResponse> {
        let (owner, policy_name, policy_document) =
            self.get_inline(OwnerKind::Role, request.role_name, request.policy_name).await?;
        Ok(GetRolePolicyResponse { role_name: owner.name, policy_name, policy_document })
    }

    pub async fn get_user_policy(
        &self,
        _: &Caller,
        request: GetUserPolicyRequest,
    ) -> Answer<GetUserPolicyResponse> {
        let (owner, policy_name, policy_document) =
            self.get_inline(OwnerKind::User, request.user_name, request.policy_name).await?;
        Ok(GetUserPolicyResponse { user_name: owner.name, policy_name, policy_document })
    }

    pub async fn list_role_policies(
        &self,
        _: &Caller,
        request: ListRolePoliciesRequest,
    ) -> Answer<ListRolePoliciesResponse> {
        let names = self.inline_names(OwnerKind::Role, request.role_name).await?;
        let page = Page::of(names, |name| name, request.marker.as_deref(), request.max_items);
        let is_truncated = page.is_truncated();
        Ok(ListRolePoliciesResponse { policy_names: page.items, is_truncated, marker: page.marker })
    }

    pub async fn list_user_policies(
        &self,
        _: &Caller,
        request: ListUserPoliciesRequest,
    ) -> Answer<ListUserPoliciesResponse> {
        let names = self.inline_names(OwnerKind::User, request.user_name).await?;
        let page = Page::of(names, |name| name, request.marker.as_deref(), request.max_items);
        let is_truncated = page.is_truncated();
        Ok(ListUserPoliciesResponse { policy_names: page.items, is_truncated, marker: page.marker })
    }

    pub async fn delete_role_policy(&self, _: &Caller, request: DeleteRolePolicyRequest) -> Answer<Nothing> {
        self.delete_inline(OwnerKind::Role, request.role_name, request.policy_name).await
    }

    pub async fn delete_user_policy(&self, _: &Caller, request: DeleteUserPolicyRequest) -> Answer<Nothing> {
        self.delete_inline(OwnerKind::User, request.user_name, request.policy_name).await
    }

    async fn put_inline(
        &self,
        kind: OwnerKind,
        owner: String,
        policy_name: String,
        document: String,
    ) -> Answer<Nothing> {
        let access = self.clone();
        self.store
            .write(move |tx| {
                tx.lock_iam()?;
                let owner = access.owner_to_change(tx, kind, &owner)?;
                checked(&document, Kind::Identity)?;
                let others = tx.inline_policies(&owner.id)?.into_iter();
                let others = others.filter(|(name, _)| !name.eq_ignore_ascii_case(&policy_name));
                let total = others.map(|(_, document)| size(&document)).sum::<usize>() + size(&document);
                let total_max = match kind {
                    OwnerKind::User => USER_SIZE_MAX,
                    OwnerKind::Role => ROLE_SIZE_MAX,
                };
                if total > total_max {
                    return refuse(
                        LimitExceededException,
                        format!(
                            "Maximum policy size of {total_max} bytes exceeded for {} {}",
                            kind.word(),
                            owner.name
                        ),
                    );
                }
                tx.put_inline_policy(&owner.id, &policy_name, &document)?;
                Ok(Nothing {})
            })
            .await
    }

    async fn get_inline(
        &self,
        kind: OwnerKind,
        owner: String,
        policy_name: String,
    ) -> Answer<(Owner, String, String)> {
        let access = self.clone();
        self.store
            .read(move |tx| {
                let owner = access.owner(tx, kind, &owner)?;
                let document = inline(tx, &owner, &policy_name)?;
                Ok((owner, policy_name.clone(), url_encoded(&document)))
            })
            .await
    }

    async fn inline_names(&self, kind: OwnerKind, owner: String) -> Answer<Vec<String>> {
        let access = self.clone();
        self.store
            .read(move |tx| {
                let owner = access.owner(tx, kind, &owner)?;
                Ok(tx.inline_policies(&owner.id)?.into_iter().map(|(name, _)| name).collect())
            })
            .await
    }

    async fn delete_inline(&self, kind: OwnerKind, owner: String, policy_name: String) -> Answer<Nothing> {
        let access = self.clone();
        self.store
            .write(move |tx| {
                tx.lock_iam()?;
                let owner = access.owner_to_change(tx, kind, &owner)?;
                match tx.remove_inline_policy(&owner.id, &policy_name)? {
                    true => Ok(Nothing {}),
                    false => Err(no_such_policy(kind, &policy_name)),
                }
            })
            .await
    }
}

fn inline(tx: &mut Tx<'_>, owner: &Owner, policy_name: &str) -> Answer<String> {
    let found = tx.inline_policies(&owner.id)?.into_iter().find(|(name, _)| name == policy_name);
    found.map(|(_, document)| document).ok_or_else(|| no_such_policy(owner.kind, policy_name))
}

fn no_such_policy(kind: OwnerKind, name: &str) -> Error {
    refusal(NoSuchEntityException, format!("The {} policy with name {name} cannot be found.", kind.word()))
}
