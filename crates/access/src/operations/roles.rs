//! Roles and their trust policies.

use super::{
    OwnerKind, checked, checked_boundary, no_such, protected, shown_boundary, shown_tags, shown_time,
};
use crate::Caller;
use crate::access::Access;
use crate::names::{Page, ROLE_ID, role_arn, tags, tags_text, unique_id, url_encoded};
use crate::policy::{Kind, size};
use crate::table::Operations;
use postern_model::iam::errors::*;
use postern_model::iam::*;
use postern_model::shape::Nothing;
use postern_model::{Answer, Error, refusal, refuse};
use postern_store::Tx;
use postern_store::access::RoleRow;

const ROLES_MAX: usize = 1_000;
const TRUST_SIZE_MAX: usize = 2_048;

pub(super) fn operations() -> Operations<Access> {
    Operations::new()
        .on(op::CreateRole, Access::create_role)
        .on(op::GetRole, Access::get_role)
        .on(op::ListRoles, Access::list_roles)
        .on(op::DeleteRole, Access::delete_role)
        .on(op::UpdateAssumeRolePolicy, Access::update_assume_role_policy)
        .on(op::ListInstanceProfilesForRole, Access::list_instance_profiles_for_role)
}

impl Access {
    pub async fn create_role(&self, _: &Caller, request: CreateRoleRequest) -> Answer<CreateRoleResponse> {
        let (access, now) = (self.clone(), self.clock.now());
        self.store
            .write(move |tx| {
                tx.lock_iam()?;
                let request = request.clone();
                let trust_ids = access.checked_trust(tx, &request.assume_role_policy_document)?;
                checked_boundary(tx, request.permissions_boundary.as_deref(), InvalidInputException)?;
                if tx.iam_roles()?.len() >= ROLES_MAX {
                    return refuse(
                        LimitExceededException,
                        format!("Cannot exceed quota for RolesPerAccount: {ROLES_MAX}"),
                    );
                }
                let role = RoleRow {
                    name: request.role_name,
                    id: unique_id(ROLE_ID),
                    path: request.path.unwrap_or_else(|| "/".into()),
                    trust: request.assume_role_policy_document,
                    trust_ids,
                    description: request.description,
                    max_session_s: request.max_session_duration.unwrap_or(3600),
                    service: None,
                    boundary: request.permissions_boundary,
                    tags: tags_text(request.tags)?,
                    created: now,
                    last_used: None,
                };
                if !tx.add_iam_role(&role)? {
                    return refuse(
                        EntityAlreadyExistsException,
                        format!("Role with name {} already exists.", role.name),
                    );
                }
                Ok(CreateRoleResponse { role: access.shown_role(tx, role)? })
            })
            .await
    }

    pub async fn get_role(&self, _: &Caller, request: GetRoleRequest) -> Answer<GetRoleResponse> {
        let access = self.clone();
        self.store
            .read(move |tx| {
                let role = role(tx, &request.role_name)?;
                let last_used = RoleLastUsed {
                    last_used_date: role.last_used.map(shown_time),
                    region: role.last_used.map(|_| access.region.to_string()),
                };
                let role = Role { role_last_used: Some(last_used), ..access.shown_role(tx, role)? };
                Ok(GetRoleResponse { role })
            })
            .await
    }

    pub async fn list_roles(&self, _: &Caller, request: ListRolesRequest) -> Answer<ListRolesResponse> {
        let access = self.clone();
        self.store
            .read(move |tx| {
                let mut roles = tx.iam_roles()?;
                let prefix = request.path_prefix.as_deref().unwrap_or("/");
                roles.retain(|role| role.path.starts_with(prefix));
                let page = Page::of(roles, |role| &role.name, request.marker.as_deref(), request.max_items);
                let is_truncated = page.is_truncated();
                let mut shown = Vec::new();
                for role in page.items {
                    let role = access.shown_role(tx, role)?;
                    shown.push(Role { tags: None, permissions_boundary: None, ..role });
                }
                Ok(ListRolesResponse { roles: shown, is_truncated, marker: page.marker })
            })
            .await
    }

    pub async fn delete_role(&self, _: &Caller, request: DeleteRoleRequest) -> Answer<Nothing> {
        self.store
            .write(move |tx| {
                tx.lock_iam()?;
                let role = role(tx, &request.role_name)?;
                if role.service.is_some() {
                    return Err(protected(&role.name));
                }
                if !tx.attached_policies(&role.id)?.is_empty() {
                    return refuse(
                        DeleteConflictException,
                        "Cannot delete entity, must detach all policies first.",
                    );
                }
                if !tx.inline_policies(&role.id)?.is_empty() {
                    return refuse(
                        DeleteConflictException,
                        "Cannot delete entity, must delete policies first.",
                    );
                }
                tx.remove_iam_role(&role.id)?;
                Ok(Nothing {})
            })
            .await
    }

    pub async fn update_assume_role_policy(
        &self,
        _: &Caller,
        request: UpdateAssumeRolePolicyRequest,
    ) -> Answer<Nothing> {
        let access = self.clone();
        self.store
            .write(move |tx| {
                tx.lock_iam()?;
                let role = role(tx, &request.role_name)?;
                if role.service.is_some() {
                    return Err(protected(&role.name));
                }
                let trust_ids = access.checked_trust(tx, &request.policy_document)?;
                tx.set_iam_role_trust(&role.id, &request.policy_document, &trust_ids)?;
                Ok(Nothing {})
            })
            .await
    }

    /// Answers with an empty list: there are no instances here. Terraform asks before it deletes a role.
    pub async fn list_instance_profiles_for_role(
        &self,
        _: &Caller,
        request: ListInstanceProfilesForRoleRequest,
    ) -> Answer<ListInstanceProfilesForRoleResponse> {
        self.store
            .read(move |tx| {
                role(tx, &request.role_name)?;
                Ok(ListInstanceProfilesForRoleResponse { is_truncated: Some(false), ..Default::default() })
            })
            .await
    }

    /// Checks a trust policy and notes whom its ARNs mean today: a user made anew under an old name is another.
    fn checked_trust(&self, tx: &mut Tx<'_>, document: &str) -> Answer<String> {
        let policy = checked(document, Kind::Trust)?;
        if size(document) > TRUST_SIZE_MAX {
            return refuse(
                LimitExceededException,
                format!("Cannot exceed quota for ACLSizePerRole: {TRUST_SIZE_MAX}"),
            );
        }
        self.ids_of(tx, &policy, false)?.map_err(|name| {
            let words = format!("Invalid principal in policy: \"AWS\":\"{name}\"");
            refusal(MalformedPolicyDocumentException, words)
        })
    }

    pub(super) fn shown_role(&self, tx: &mut Tx<'_>, role: RoleRow) -> Answer<Role> {
        let trust = self.shown_bound(tx, &role.trust, &role.trust_ids)?;
        Ok(Role {
            arn: role_arn(&self.account, &role.path, &role.name),
            path: role.path,
            role_name: role.name,
            role_id: role.id,
            create_date: shown_time(role.created),
            assume_role_policy_document: Some(url_encoded(&trust)),
            description: role.description,
            max_session_duration: Some(role.max_session_s),
            permissions_boundary: shown_boundary(role.boundary),
            tags: shown_tags(tags(&role.tags)),
            role_last_used: None,
            source_role_template: None,
        })
    }
}

pub(super) fn role(tx: &mut Tx<'_>, name: &str) -> Answer<RoleRow> {
    tx.find_iam_role(name)?.ok_or_else(|| no_such(OwnerKind::Role, name))
}

/// The refusal of what the service role's own service alone may do.
pub(super) fn taken(name: &str) -> Error {
    refusal(
        InvalidInputException,
        format!("Service role name {name} has been taken in this account, please try a different suffix."),
    )
}
