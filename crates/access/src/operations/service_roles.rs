//! Service-linked roles as a caller sees them: made, deleted by a task, and the task asked how it went.

use super::roles::{role, taken};
use crate::Caller;
use crate::access::Access;
use crate::names::url_encoded;
use crate::service_role::of_service;
use crate::table::Operations;
use postern_model::iam::errors::*;
use postern_model::iam::*;
use postern_model::{Answer, Error, refuse};
use postern_store::random;
use serde_json::json;

pub(super) fn operations() -> Operations<Access> {
    Operations::new()
        .on(op::CreateServiceLinkedRole, Access::create_service_linked_role)
        .on(op::DeleteServiceLinkedRole, Access::delete_service_linked_role)
        .on(op::GetServiceLinkedRoleDeletionStatus, Access::get_service_linked_role_deletion_status)
}

impl Access {
    pub async fn create_service_linked_role(
        &self,
        _: &Caller,
        request: CreateServiceLinkedRoleRequest,
    ) -> Answer<CreateServiceLinkedRoleResponse> {
        let service = request.aws_service_name;
        let Some(known) = of_service(&service) else {
            return refuse(InvalidInputException, format!("Invalid Service Name: {service}"));
        };
        if request.custom_suffix.is_some() {
            return refuse(InvalidInputException, format!("Custom suffix is not allowed for {service}"));
        }
        let (access, now, description) = (self.clone(), self.clock.now(), request.description);
        self.store
            .write(move |tx| {
                tx.lock_iam()?;
                let Some(role) = known.create(tx, description.clone(), now)? else {
                    return Err(taken(known.name));
                };
                // This answer alone shows lists of one element (recorded).
                let trust = json!({
                    "Version": "2012-10-17",
                    "Statement": [{
                        "Effect": "Allow",
                        "Action": ["sts:AssumeRole"],
                        "Principal": {"Service": [known.service]},
                    }],
                });
                let role = Role {
                    assume_role_policy_document: Some(url_encoded(&trust.to_string())),
                    ..access.shown_role(tx, role)?
                };
                Ok(CreateServiceLinkedRoleResponse { role: Some(role) })
            })
            .await
    }

    /// Deletes the role unless it is in use. How that went is what the task tells; asking again tries again.
    pub async fn delete_service_linked_role(
        &self,
        _: &Caller,
        request: DeleteServiceLinkedRoleRequest,
    ) -> Answer<DeleteServiceLinkedRoleResponse> {
        let (access, now) = (self.clone(), self.clock.now());
        self.store
            .write(move |tx| {
                tx.lock_iam()?;
                let role = role(tx, &request.role_name)?;
                let Some(service) = role.service.as_deref() else {
                    return refuse(
                        NoSuchEntityException,
                        format!("There is no service-linked role with name {}.", role.name),
                    );
                };
                // The one service that has a role sends user pools' mail.
                let pools = tx.pools_using_email_role()?.into_iter();
                let usage: Vec<String> = pools
                    .map(|id| {
                        format!("arn:aws:cognito-idp:{}:{}:userpool/{id}", access.region, access.account)
                    })
                    .collect();
                let bytes = uuid::Builder::from_random_bytes(random::bytes()).into_uuid();
                let task = format!("task/aws-service-role/{service}/{}/{bytes}", role.name);
                let usage_text =
                    serde_json::to_string(&usage).map_err(|cause| Error::Failed(cause.into()))?;
                let task = tx.note_iam_role_deletion(&task, &role.id, &usage_text, now)?;
                if usage.is_empty() {
                    tx.remove_policies_of(&role.id)?;
                    tx.remove_iam_role(&role.id)?;
                }
                Ok(DeleteServiceLinkedRoleResponse { deletion_task_id: task })
            })
            .await
    }

    pub async fn get_service_linked_role_deletion_status(
        &self,
        _: &Caller,
        request: GetServiceLinkedRoleDeletionStatusRequest,
    ) -> Answer<GetServiceLinkedRoleDeletionStatusResponse> {
        let id = request.deletion_task_id;
        let parts: Vec<&str> = id.split('/').collect();
        let well_formed = matches!(parts[..], ["task", "aws-service-role", service, role, uuid]
            if !service.is_empty() && !role.is_empty() && uuid::Uuid::try_parse(uuid).is_ok());
        if !well_formed {
            return refuse(InvalidInputException, "Invalid task id");
        }
        let region = self.region.to_string();
        self.store
            .read(move |tx| {
                let Some(usage) = tx.find_iam_role_deletion(&id)? else {
                    return refuse(NoSuchEntityException, "Cannot find deletion status for given id.");
                };
                let resources: Vec<String> =
                    serde_json::from_str(&usage).map_err(|cause| Error::Failed(cause.into()))?;
                if resources.is_empty() {
                    return Ok(GetServiceLinkedRoleDeletionStatusResponse {
                        status: DeletionTaskStatusType::Succeeded,
                        reason: None,
                    });
                }
                let usage = RoleUsageType { region: Some(region.clone()), resources: Some(resources) };
                let reason = DeletionTaskFailureReasonType {
                    reason: Some("The role is in use: user pools send their mail through it.".into()),
                    role_usage_list: Some(vec![usage]),
                };
                Ok(GetServiceLinkedRoleDeletionStatusResponse {
                    status: DeletionTaskStatusType::Failed,
                    reason: Some(reason),
                })
            })
            .await
    }
}
