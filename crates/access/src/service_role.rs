//! Roles that services assume: service-linked ones, born when a service first needs them and assumed by that service
//! alone; and those of the account that trust a service.

use crate::access::{ASSUME_ROLE, Access, Denied, Stop};
use crate::caller::{Caller, Principal};
use crate::managed::EMAIL_ROLE_POLICY;
use crate::names::{ROLE_ID, named_by, role_arn, unique_id};
use crate::policy::Context;
use anyhow::Result;
use postern_store::access::RoleRow;
use postern_store::stamps::Topic;
use postern_store::{Timestamp, Tx};
use serde_json::json;
use std::sync::atomic::{AtomicI64, Ordering};

/// The service that sends a user pool's mail.
pub const EMAIL_SERVICE: &str = "email.cognito-idp.amazonaws.com";

/// The service that user pools are: it assumes the roles that pools name.
pub const IDP_SERVICE: &str = "cognito-idp.amazonaws.com";

/// The action a caller needs for a service-linked role to be made on its behalf.
const CREATE: &str = "iam:CreateServiceLinkedRole";

/// How long a note of a role's last use stands, so that not every mail writes one.
const NOTE_EVERY_MS: i64 = 15 * 60 * 1000;

/// What a service's role is called and may do.
pub(crate) struct ServiceRole {
    pub(crate) service: &'static str,
    pub(crate) name: &'static str,
    pub(crate) policy_arn: &'static str,
}

const ROLES: &[ServiceRole] = &[ServiceRole {
    service: EMAIL_SERVICE,
    name: "AWSServiceRoleForAmazonCognitoIdpEmailService",
    policy_arn: EMAIL_ROLE_POLICY,
}];

pub(crate) fn of_service(service: &str) -> Option<&'static ServiceRole> {
    ROLES.iter().find(|role| role.service == service)
}

impl ServiceRole {
    pub(crate) fn path(&self) -> String {
        format!("/aws-service-role/{}/", self.service)
    }

    pub(crate) fn arn(&self, account: &str) -> String {
        role_arn(account, &self.path(), self.name)
    }

    /// Makes the role; nothing if it is there already.
    pub(crate) fn create(
        &self,
        tx: &mut Tx<'_>,
        description: Option<String>,
        now: Timestamp,
    ) -> Result<Option<RoleRow>> {
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"Service": self.service},
                "Action": "sts:AssumeRole",
            }],
        });
        let role = RoleRow {
            name: self.name.into(),
            id: unique_id(ROLE_ID),
            path: self.path(),
            trust: trust.to_string(),
            trust_ids: "{}".into(),
            description,
            max_session_s: 3600,
            service: Some(self.service.into()),
            boundary: None,
            tags: "{}".into(),
            created: now,
            last_used: None,
        };
        if !tx.add_iam_role(&role)? {
            return Ok(None);
        }
        tx.attach_policy(&role.id, self.policy_arn, now)?;
        Ok(Some(role))
    }
}

impl Access {
    /// Makes a service's role if it is not there. Only then the caller needs `iam:CreateServiceLinkedRole`.
    pub fn ensure_service_linked_role(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        service: &'static str,
    ) -> Result<(), Stop> {
        let Some(role) = of_service(service) else {
            return Err(Stop::Failed(anyhow::anyhow!("{service} has no service-linked role")));
        };
        // Held until the caller's unit of work ends: the role is not deleted while a pool begins to use it.
        tx.lock_iam()?;
        if tx.find_iam_role(role.name)?.is_some() {
            return Ok(());
        }
        let context = Context::new().with("iam:AWSServiceName", service);
        self.authorize(tx, caller, CREATE, &role.arn(&self.account), &context)?;
        role.create(tx, None, self.clock.now())?;
        Ok(())
    }

    /// Assumes a service's role on behalf of a resource, as its trust policy allows, for one call. The session
    /// has no key; its policies are read anew each time it is asked for something.
    pub fn assume_role_for_service(
        &self,
        tx: &mut Tx<'_>,
        service: &'static str,
        source_arn: &str,
        session: &str,
    ) -> Result<Caller, Stop> {
        let as_service = self.service_caller(service, source_arn);
        let Some(known) = of_service(service) else {
            return Err(Stop::Failed(anyhow::anyhow!("{service} has no service-linked role")));
        };
        let denied = |decision| {
            Stop::Denied(Box::new(Denied {
                caller_arn: as_service.arn(),
                action: ASSUME_ROLE.into(),
                resource: known.arn(&self.account),
                decision,
            }))
        };
        let role = tx.recalled(Topic::Iam, "service role", known.name, |tx| tx.find_iam_role(known.name))?;
        let Some(role) = role.as_ref() else { return Err(denied(None)) };
        let decision = self.decide_trust(tx, &as_service, role, &Context::new())?;
        if !decision.is_allowed() {
            return Err(denied(Some(decision)));
        }
        Ok(as_service.acting_as(Principal::Session {
            role_arn: role_arn(&self.account, &role.path, &role.name),
            role_name: role.name.clone(),
            role_id: role.id.clone(),
            session: session.to_owned(),
            key_id: None,
        }))
    }

    /// Assumes a role of the account on behalf of a resource, for one call, as its trust policy allows the service: with
    /// the external id that the resource's owner was given.
    pub fn assume_role_as_service(
        &self,
        tx: &mut Tx<'_>,
        (service, source_arn): (&'static str, &str),
        arn: &str,
        external_id: Option<&str>,
        session: &str,
    ) -> Result<Caller, Stop> {
        let as_service = self.service_caller(service, source_arn);
        let denied = |decision| {
            Stop::Denied(Box::new(Denied {
                caller_arn: as_service.arn(),
                action: ASSUME_ROLE.into(),
                resource: arn.to_owned(),
                decision,
            }))
        };
        let Some(role) = self.role_of_arn(tx, arn)? else { return Err(denied(None)) };
        let mut context = Context::new().with("sts:RoleSessionName", session.to_owned());
        if let Some(external_id) = external_id {
            context.set("sts:ExternalId", external_id.to_owned());
        }
        let decision = self.decide_trust(tx, &as_service, &role, &context)?;
        if !decision.is_allowed() {
            return Err(denied(Some(decision)));
        }
        Ok(as_service.acting_as(Principal::Session {
            role_arn: arn.to_owned(),
            role_name: role.name,
            role_id: role.id,
            session: session.to_owned(),
            key_id: None,
        }))
    }

    /// Finds the role of this account that an ARN names, path included.
    pub(crate) fn role_of_arn(&self, tx: &mut Tx<'_>, arn: &str) -> Result<Option<RoleRow>> {
        let Some(name) = named_by(arn, &self.account, "role") else { return Ok(None) };
        let role = tx.find_iam_role(name)?;
        Ok(role.filter(|role| role_arn(&self.account, &role.path, &role.name) == arn))
    }

    /// One of our services as a caller, on behalf of a resource.
    pub fn service_caller(&self, service: &'static str, source_arn: &str) -> Caller {
        Caller {
            principal: Principal::Service { name: service, source_arn: source_arn.to_owned() },
            account: self.account.to_string(),
            region: self.region.to_string(),
            source: None,
            is_secure: true,
            user_agent: service.to_owned(),
            request_id: String::new(),
        }
    }

    /// Notes that a role was used, at most every quarter of an hour. For units of work that write.
    pub fn note_role_used(&self, tx: &mut Tx<'_>, session: &Caller) -> Result<()> {
        let Principal::Session { role_id, .. } = &session.principal else { return Ok(()) };
        let now = self.clock.now();
        let noted = tx.recalled(Topic::Iam, "role's last use", role_id, |tx| {
            let role = tx.find_iam_role_by_id(role_id)?;
            anyhow::Ok(AtomicI64::new(role.and_then(|role| role.last_used).map_or(i64::MIN, Timestamp::ms)))
        })?;
        if now.ms().saturating_sub(noted.load(Ordering::Relaxed)) > NOTE_EVERY_MS {
            tx.note_iam_role_used(role_id, now)?;
            tx.after_commit(move || noted.store(now.ms(), Ordering::Relaxed));
        }
        Ok(())
    }
}
