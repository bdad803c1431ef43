//! What a call to IAM is about: the action, the ARN it is decided on, and the condition keys it brings.

use crate::access::{Access, Target};
use crate::caller::{Caller, Principal};
use crate::names::{last_part, policy_arn, role_arn, tags, user_arn};
use crate::policy::Context;
use crate::service_role;
use anyhow::Result;
use postern_model::Document;
use postern_store::Tx;

impl Access {
    /// Says what a call to IAM is about. Calls to STS are not: GetCallerIdentity is always allowed, and AssumeRole
    /// decides for itself, by the role's trust policy.
    pub fn iam_target(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        operation: &str,
        input: &Document,
    ) -> Result<Target> {
        let text = |name: &str| input.get(name).and_then(Document::as_str);
        let mut context = Context::new();
        let (arn, shown) = self.subject(tx, caller, operation, input, &mut context)?;
        if let Some(arn) = text("PolicyArn").filter(|_| operation.contains("tach")) {
            context.set("iam:PolicyARN", arn);
        }
        if let Some(arn) = text("PermissionsBoundary") {
            context.set("iam:PermissionsBoundary", arn);
        }
        if let Some(service) = text("AWSServiceName") {
            context.set("iam:AWSServiceName", service);
        }
        let mut tag_keys = Vec::new();
        for tag in input.get("Tags").and_then(Document::as_array).into_iter().flatten() {
            let part = |name: &str| tag.get(name).and_then(Document::as_str);
            if let (Some(key), Some(value)) = (part("Key"), part("Value")) {
                context.set(&format!("aws:RequestTag/{key}"), value);
                tag_keys.push(key.to_owned());
            }
        }
        context.set_many("aws:TagKeys", tag_keys);
        Ok(Target { action: format!("iam:{operation}"), arn, shown, context })
    }

    fn subject(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        operation: &str,
        input: &Document,
        context: &mut Context,
    ) -> Result<(String, String)> {
        let account = &self.account;
        let text = |name: &str| input.get(name).and_then(Document::as_str);
        let path = text("Path").unwrap_or("/");
        let as_it_is = |arn: String| (arn.clone(), arn);
        if let Some(service) = text("AWSServiceName") {
            let known = service_role::of_service(service).map(|role| role.arn(account));
            let unknown = || role_arn(account, &format!("/aws-service-role/{service}/"), "*");
            return Ok(as_it_is(known.unwrap_or_else(unknown)));
        }
        if let Some(name) = text("RoleName") {
            let role = tx.find_iam_role(name)?;
            resource_tags(context, role.as_ref().map(|role| role.tags.as_str()));
            let path = role.as_ref().map_or(path, |role| &role.path);
            return Ok((role_arn(account, path, name), format!("role {name}")));
        }
        if let Some(task) = text("DeletionTaskId") {
            let role = task
                .strip_prefix("task")
                .and_then(|rest| rest.rsplit_once('/'))
                .map_or("/", |(role, _)| role);
            return Ok(as_it_is(format!("arn:aws:iam::{account}:role{role}")));
        }
        if let Some(arn) = text("PolicySourceArn") {
            return Ok(as_it_is(arn.to_owned()));
        }
        let own = match (&caller.principal, operation) {
            (Principal::User { name, .. }, "GetUser" | "CreateAccessKey" | "ListAccessKeys") => {
                Some(name.as_str())
            }
            (Principal::User { name, .. }, "UpdateAccessKey" | "DeleteAccessKey") => Some(name.as_str()),
            _ => None,
        };
        if let Some(name) = text("UserName").or(own) {
            let user = tx.find_iam_user(name)?;
            resource_tags(context, user.as_ref().map(|user| user.tags.as_str()));
            let path = user.as_ref().map_or(path, |user| &user.path);
            return Ok((user_arn(account, path, name), format!("user {name}")));
        }
        if let Some(arn) = text("PolicyArn") {
            return Ok((arn.to_owned(), format!("policy {arn}")));
        }
        if let Some(name) = text("PolicyName") {
            return Ok((policy_arn(account, path, name), format!("policy {name}")));
        }
        let prefix = text("PathPrefix").unwrap_or("/");
        Ok(match operation {
            "ListRoles" => as_it_is(role_arn(account, prefix, "")),
            "ListUsers" => as_it_is(user_arn(account, prefix, "")),
            "ListPolicies" => (policy_arn(account, prefix, ""), format!("policy path {prefix}")),
            _ => ("*".into(), "*".into()),
        })
    }
}

fn resource_tags(context: &mut Context, text: Option<&str>) {
    for (key, value) in tags(text.unwrap_or_default()) {
        context.set(&format!("aws:ResourceTag/{key}"), value.clone());
        context.set(&format!("iam:ResourceTag/{key}"), value);
    }
}

/// The name a managed policy's ARN ends in.
pub(crate) fn policy_name(arn: &str) -> &str {
    last_part(arn)
}
