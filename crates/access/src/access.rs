//! Decides by the policies as they are now: collects what bears on a caller, and asks the evaluator.

use crate::caller::{Caller, Principal, root_arn};
use crate::managed;
use crate::names::{role_arn, tags};
use crate::policy::{Context, Decision, Kind, Named, Policies, assume_role_denial, denial_text, evaluate};
use anyhow::{Context as _, Result, anyhow};
use postern_model::{Error, ErrorKind, refusal};
use postern_store::access::{RoleRow, UserRow};
use postern_store::stamps::Topic;
use postern_store::{Clock, Store, Timestamp, Tx};
use std::sync::Arc;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Who may do what. Clones share everything.
#[derive(Clone)]
pub struct Access {
    pub store: Store,
    pub clock: Clock,
    pub account: Arc<str>,
    pub region: Arc<str>,
}

/// The question a call puts to the policies.
#[derive(Clone, Debug)]
pub struct Target {
    pub action: String,
    /// What policies are compared with.
    pub arn: String,
    /// What a denial names: IAM says `role NAME` for a role's ARN.
    pub shown: String,
    pub context: Context,
}

/// A no, and all that is known about why.
#[derive(Clone, Debug)]
pub struct Denied {
    pub caller_arn: String,
    pub action: String,
    /// The resource as the refusal names it.
    pub resource: String,
    /// Nothing when there was no role to ask.
    pub decision: Option<Decision>,
}

impl Denied {
    /// What the caller is told by IAM, STS, Cognito and SES's control operations.
    pub fn text(&self) -> String {
        match &self.decision {
            Some(decision) if self.action != ASSUME_ROLE => {
                denial_text(decision, &self.caller_arn, &self.action, &self.resource)
            }
            _ => assume_role_denial(&self.caller_arn, &self.resource),
        }
    }

    /// Why, for the audit.
    pub fn told(&self) -> String {
        let why = self.decision.as_ref().map_or("there is no such role".into(), Decision::told);
        format!("{} on {} by {}: {why}", self.action, self.resource, self.caller_arn)
    }
}

/// Why something was not let through.
#[derive(Debug)]
pub enum Stop {
    Denied(Box<Denied>),
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Stop {
    fn from(cause: anyhow::Error) -> Self {
        Stop::Failed(cause)
    }
}

impl Stop {
    /// Makes it an operation's error; a denial is a refusal of this kind.
    pub fn refused(self, kind: ErrorKind) -> Error {
        match self {
            Stop::Denied(denied) => refusal(kind, denied.text()),
            Stop::Failed(cause) => Error::Failed(cause),
        }
    }
}

pub(crate) const ASSUME_ROLE: &str = "sts:AssumeRole";

impl Access {
    pub fn new(store: Store, clock: Clock, account: &str, region: &str) -> Self {
        Access { store, clock, account: account.into(), region: region.into() }
    }

    /// Decides whether a caller may do an action on a resource, by the policies as they are in this unit of work.
    /// `on_resource` are the policies that hang on the resource itself.
    pub fn decide(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        action: &str,
        resource: &str,
        context: &Context,
        on_resource: Vec<Named>,
    ) -> Result<Decision> {
        let mut policies = self.policies_of(tx, &caller.principal)?;
        policies.resource = on_resource;
        let context = self.context(tx, caller, context)?;
        Ok(evaluate(&caller.principal, &caller.account, action, resource, &context, &policies))
    }

    /// Lets an action through, or says why not.
    pub fn authorize(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        action: &str,
        resource: &str,
        context: &Context,
    ) -> Result<Decision, Stop> {
        let target = Target {
            action: action.to_owned(),
            arn: resource.to_owned(),
            shown: resource.to_owned(),
            context: context.clone(),
        };
        self.authorize_target(tx, caller, &target)
    }

    /// Lets a call on its target through, or says why not.
    pub fn authorize_target(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        target: &Target,
    ) -> Result<Decision, Stop> {
        let decision = self.decide(tx, caller, &target.action, &target.arn, &target.context, Vec::new())?;
        if decision.is_allowed() {
            return Ok(decision);
        }
        Err(Stop::Denied(Box::new(Denied {
            caller_arn: caller.arn(),
            action: target.action.clone(),
            resource: target.shown.clone(),
            decision: Some(decision),
        })))
    }

    /// Decides whether a caller may assume a role: its trust policy must agree.
    pub(crate) fn decide_trust(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        role: &RoleRow,
        context: &Context,
    ) -> Result<Decision> {
        let mut policies = self.policies_of(tx, &caller.principal)?;
        policies.resource = vec![trust_policy(tx, role)?];
        policies.trust = true;
        let arn = role_arn(&self.account, &role.path, &role.name);
        let context = self.context(tx, caller, context)?;
        Ok(evaluate(&caller.principal, &caller.account, ASSUME_ROLE, &arn, &context, &policies))
    }

    /// Collects the policies of a principal: its own, its boundary, its session's.
    pub(crate) fn policies_of(&self, tx: &mut Tx<'_>, principal: &Principal) -> Result<Policies> {
        match principal {
            Principal::Anonymous | Principal::Root | Principal::Service { .. } => Ok(Policies::default()),
            Principal::User { id, .. } => {
                let boundary = user(tx, id)?.as_ref().as_ref().and_then(|user| user.boundary.clone());
                Ok(Policies {
                    identity: identity_policies(tx, id)?,
                    boundary: boundary_policy(tx, boundary.as_deref())?,
                    ..Policies::default()
                })
            }
            Principal::Session { role_id, key_id, .. } => {
                let boundary = role(tx, role_id)?.as_ref().as_ref().and_then(|role| role.boundary.clone());
                let session = match key_id {
                    Some(key_id) => session_policies(tx, key_id)?,
                    None => Vec::new(),
                };
                Ok(Policies {
                    identity: identity_policies(tx, role_id)?,
                    boundary: boundary_policy(tx, boundary.as_deref())?,
                    session,
                    ..Policies::default()
                })
            }
        }
    }

    /// Adds to what a call knows about itself what we know about its caller; ours counts.
    pub(crate) fn context(&self, tx: &mut Tx<'_>, caller: &Caller, given: &Context) -> Result<Context> {
        let now = self.clock.now();
        let mut context = given.clone();
        context.set("aws:CurrentTime", iso(now));
        context.set("aws:EpochTime", now.seconds().to_string());
        context.set("aws:RequestedRegion", caller.region.clone());
        context.set("aws:PrincipalAccount", caller.account.clone());
        context.set("aws:userid", caller.principal.user_id(&caller.account));
        context.set("aws:ViaAWSService", "false");
        context.set("aws:SecureTransport", caller.is_secure.to_string());
        if let Some(source) = caller.source {
            context.set("aws:SourceIp", source.to_string());
        }
        if !caller.user_agent.is_empty() {
            context.set("aws:UserAgent", caller.user_agent.clone());
        }
        let is_service = matches!(caller.principal, Principal::Service { .. });
        context.set("aws:PrincipalIsAWSService", is_service.to_string());
        let mut of_principal = String::new();
        match &caller.principal {
            Principal::Anonymous => context.set("aws:PrincipalType", "Anonymous"),
            Principal::Root => {
                context.set("aws:PrincipalType", "Account");
                context.set("aws:PrincipalArn", root_arn(&caller.account));
            }
            Principal::User { name, id, arn } => {
                context.set("aws:PrincipalType", "User");
                context.set("aws:PrincipalArn", arn.clone());
                context.set("aws:username", name.clone());
                of_principal =
                    user(tx, id)?.as_ref().as_ref().map(|user| user.tags.clone()).unwrap_or_default();
            }
            Principal::Session { role_id, role_arn, key_id, .. } => {
                context.set("aws:PrincipalType", "AssumedRole");
                context.set("aws:PrincipalArn", role_arn.clone());
                of_principal =
                    role(tx, role_id)?.as_ref().as_ref().map(|role| role.tags.clone()).unwrap_or_default();
                if let Some(key_id) = key_id
                    && let Some(session) = tx.find_iam_session(key_id)?
                {
                    context.set("aws:TokenIssueTime", iso(session.created));
                }
            }
            Principal::Service { name, source_arn } => {
                context.set("aws:PrincipalServiceName", *name);
                context.set("aws:SourceArn", source_arn.clone());
                context.set("aws:SourceAccount", caller.account.clone());
            }
        }
        for (key, value) in tags(&of_principal) {
            context.set(&format!("aws:PrincipalTag/{key}"), value);
        }
        Ok(context)
    }
}

pub(crate) fn iso(moment: Timestamp) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(moment.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(&Rfc3339).unwrap_or_default()
}

/// A user as IAM stands now, read once for each state of IAM.
fn user(tx: &mut Tx<'_>, id: &str) -> Result<Arc<Option<UserRow>>> {
    tx.recalled(Topic::Iam, "IAM user", id, |tx| tx.find_iam_user_by_id(id))
}

/// A role as IAM stands now; its last use is not kept up.
fn role(tx: &mut Tx<'_>, id: &str) -> Result<Arc<Option<RoleRow>>> {
    tx.recalled(Topic::Iam, "IAM role", id, |tx| tx.find_iam_role_by_id(id))
}

/// A role's trust policy, its principals bound to the users and roles they named when it was written.
fn trust_policy(tx: &mut Tx<'_>, role: &RoleRow) -> Result<Named> {
    let named = tx.recalled(Topic::Iam, "trust policy", &role.id, |_| {
        let mut named = stored(&role.name, &role.trust, Kind::Trust)?;
        named.bind(&role.trust_ids)?;
        anyhow::Ok(named)
    })?;
    Ok(Named::clone(&named))
}

fn identity_policies(tx: &mut Tx<'_>, owner_id: &str) -> Result<Vec<Named>> {
    let policies = tx.recalled(Topic::Iam, "identity policies", owner_id, |tx| {
        let mut policies = Vec::new();
        for (name, document) in tx.inline_policies(owner_id)? {
            policies.push(stored(&name, &document, Kind::Identity)?);
        }
        for arn in tx.attached_policies(owner_id)? {
            let managed =
                managed::find(tx, &arn)?.with_context(|| format!("{arn} is attached and is not there"))?;
            policies.push(stored(&arn, &managed.document, Kind::Identity)?);
        }
        anyhow::Ok(policies)
    })?;
    Ok(policies.to_vec())
}

fn boundary_policy(tx: &mut Tx<'_>, arn: Option<&str>) -> Result<Option<Named>> {
    let Some(arn) = arn else { return Ok(None) };
    let managed = managed::find(tx, arn)?.with_context(|| format!("{arn} is a boundary and is not there"))?;
    stored(arn, &managed.document, Kind::Identity).map(Some)
}

fn session_policies(tx: &mut Tx<'_>, key_id: &str) -> Result<Vec<Named>> {
    let Some(session) = tx.find_iam_session(key_id)? else { return Ok(Vec::new()) };
    let policies: Vec<(String, String)> = serde_json::from_str(&session.policies)?;
    policies.iter().map(|(name, document)| stored(name, document, Kind::Identity)).collect()
}

/// Reads a policy that was checked when it was stored.
pub(crate) fn stored(name: &str, document: &str, kind: Kind) -> Result<Named> {
    Named::parse(name, document, kind).map_err(|fault| anyhow!("policy {name} cannot be read: {fault}"))
}
