//! Who am I, and sessions of roles.

use super::{checked, invalid};
use crate::access::{ASSUME_ROLE, Access, Denied, Stop};
use crate::caller::{Caller, Principal, session_arn};
use crate::managed;
use crate::names::{TEMPORARY_KEY, key_id, key_secret, session_token};
use crate::policy::{Context, Kind, size};
use crate::table::Operations;
use postern_model::sts::errors::*;
use postern_model::sts::*;
use postern_model::{Answer, Error, ErrorKind, Secret, Service, front, refuse};
use postern_store::Tx;
use postern_store::access::{RoleRow, SessionRow};

/// A session of a role that a session assumed ends within the hour.
const CHAINED_MAX_S: i64 = 3_600;
const DURATION_S: i64 = 3_600;
/// Characters of all session policies together.
const SESSION_POLICY_SIZE_MAX: usize = 2_048;

pub(super) fn operations() -> Operations<Access> {
    Operations::new()
        .on(op::GetCallerIdentity, Access::get_caller_identity)
        .on(op::AssumeRole, Access::assume_role)
}

fn denied() -> ErrorKind {
    front(Service::Sts).denied
}

impl Access {
    /// Tells callers who they are; no policy can forbid it.
    pub async fn get_caller_identity(
        &self,
        caller: &Caller,
        _: GetCallerIdentityRequest,
    ) -> Answer<GetCallerIdentityResponse> {
        Ok(GetCallerIdentityResponse {
            user_id: Some(caller.principal.user_id(&caller.account)),
            account: Some(caller.account.clone()),
            arn: Some(caller.arn()),
        })
    }

    pub async fn assume_role(
        &self,
        caller: &Caller,
        request: AssumeRoleRequest,
    ) -> Answer<AssumeRoleResponse> {
        refuse_unoffered(&request)?;
        if caller.principal == Principal::Root {
            return refuse(denied(), "Roles may not be assumed by root accounts.");
        }
        if !request.role_arn.starts_with("arn:aws:iam::") {
            return refuse(invalid(), format!("{} is invalid", request.role_arn));
        }
        let (access, caller, now) = (self.clone(), caller.clone(), self.clock.now());
        self.store
            .write(move |tx| {
                let role = access.assumable(tx, &caller, &request)?;
                let duration_s = duration_s(&caller, &role, request.duration_seconds)?;
                let policies = session_policies(tx, &request)?;
                let policies_text =
                    serde_json::to_string(&policies).map_err(|cause| Error::Failed(cause.into()))?;
                let session = SessionRow {
                    key_id: key_id(TEMPORARY_KEY),
                    role_id: role.id.clone(),
                    session: request.role_session_name.clone(),
                    policies: policies_text,
                    created: now,
                    expires: now.plus_ms(duration_s * 1000),
                };
                let (secret, token) = (key_secret(), session_token());
                tx.add_iam_session(&session, &secret, &token)?;
                tx.note_iam_role_used(&role.id, now)?;
                let assumed = AssumedRoleUser {
                    assumed_role_id: format!("{}:{}", role.id, session.session),
                    arn: session_arn(&access.account, &role.name, &session.session),
                };
                let used = policies.iter().map(|(_, document)| size(document)).sum::<usize>();
                Ok(AssumeRoleResponse {
                    credentials: Some(Credentials {
                        access_key_id: session.key_id,
                        secret_access_key: Secret::new(secret),
                        session_token: Secret::new(token),
                        expiration: super::shown_time(session.expires),
                    }),
                    assumed_role_user: Some(assumed),
                    packed_policy_size: (!policies.is_empty())
                        .then(|| (used * 100).div_ceil(SESSION_POLICY_SIZE_MAX) as i64),
                    ..Default::default()
                })
            })
            .await
    }

    /// Finds a role that the caller may assume. One that is not there is denied like one that is forbidden.
    fn assumable(&self, tx: &mut Tx<'_>, caller: &Caller, request: &AssumeRoleRequest) -> Answer<RoleRow> {
        let stop = |decision| {
            let denial = Denied {
                caller_arn: caller.arn(),
                action: ASSUME_ROLE.into(),
                resource: request.role_arn.clone(),
                decision,
            };
            Stop::Denied(Box::new(denial)).refused(denied())
        };
        let Some(role) = self.role_of_arn(tx, &request.role_arn)? else { return Err(stop(None)) };
        let mut context = Context::new().with("sts:RoleSessionName", request.role_session_name.clone());
        if let Some(external_id) = &request.external_id {
            context.set("sts:ExternalId", external_id.clone());
        }
        for (key, value) in crate::names::tags(&role.tags) {
            context.set(&format!("aws:ResourceTag/{key}"), value);
        }
        let decision = self.decide_trust(tx, caller, &role, &context)?;
        match decision.is_allowed() {
            true => Ok(role),
            false => Err(stop(Some(decision))),
        }
    }
}

/// Members of the request that nothing here stands behind.
fn refuse_unoffered(request: &AssumeRoleRequest) -> Answer<()> {
    for (given, name) in [
        (request.tags.as_ref().is_some_and(|tags| !tags.is_empty()), "Tags"),
        (request.transitive_tag_keys.as_ref().is_some_and(|keys| !keys.is_empty()), "TransitiveTagKeys"),
        (request.serial_number.is_some(), "SerialNumber"),
        (request.token_code.is_some(), "TokenCode"),
        (request.source_identity.is_some(), "SourceIdentity"),
        (request.provided_contexts.as_ref().is_some_and(|contexts| !contexts.is_empty()), "ProvidedContexts"),
        (request.minimum_session_token_size.is_some(), "MinimumSessionTokenSize"),
    ] {
        if given {
            return refuse(invalid(), format!("{name} is not supported by this server."));
        }
    }
    Ok(())
}

fn duration_s(caller: &Caller, role: &RoleRow, asked: Option<i64>) -> Answer<i64> {
    let duration_s = asked.unwrap_or(DURATION_S.min(role.max_session_s));
    if duration_s > role.max_session_s {
        return refuse(
            invalid(),
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        );
    }
    if matches!(caller.principal, Principal::Session { .. }) && duration_s > CHAINED_MAX_S {
        return refuse(
            invalid(),
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        );
    }
    Ok(duration_s)
}

/// The policies that the session is limited by, as they are now.
fn session_policies(tx: &mut Tx<'_>, request: &AssumeRoleRequest) -> Answer<Vec<(String, String)>> {
    let mut policies = Vec::new();
    if let Some(document) = &request.policy {
        policies.push(("session policy".to_owned(), document.clone()));
    }
    for descriptor in request.policy_arns.iter().flatten() {
        let arn = descriptor.arn.as_deref().unwrap_or_default();
        let Some(managed) = managed::find(tx, arn)? else {
            return refuse(invalid(), format!("{arn} is invalid"));
        };
        policies.push((managed.arn, managed.document));
    }
    for (_, document) in &policies {
        checked(document, Kind::Identity)?;
    }
    let inline_size = request.policy.as_deref().map_or(0, size);
    if inline_size > SESSION_POLICY_SIZE_MAX {
        return refuse(
            PackedPolicyTooLargeException,
            format!("Session policies may have {SESSION_POLICY_SIZE_MAX} characters."),
        );
    }
    Ok(policies)
}
