//! Asks the evaluator what it would decide: the same engine that decides real calls.

use super::{OwnerKind, invalid};
use crate::access::Access;
use crate::caller::{Caller, Principal};
use crate::names::{named_by, role_arn};
use crate::policy::{Context, Decision, Kind, Layer, Named, Policies, Verdict, evaluate};
use crate::table::Operations;
use crate::target::policy_name;
use postern_model::iam::errors::*;
use postern_model::iam::*;
use postern_model::{Answer, refusal, refuse};
use postern_store::Tx;

/// Results on a page unless the caller asks for fewer or more.
const PAGE: i64 = 100;

pub(super) fn operations() -> Operations<Access> {
    Operations::new().on(op::SimulatePrincipalPolicy, Access::simulate_principal_policy)
}

impl Access {
    pub async fn simulate_principal_policy(
        &self,
        caller: &Caller,
        request: SimulatePrincipalPolicyRequest,
    ) -> Answer<SimulatePolicyResponse> {
        refuse_unoffered(&request)?;
        let (access, caller) = (self.clone(), caller.clone());
        self.store
            .read(move |tx| {
                let (principal, kind) = access.simulated(tx, &request.policy_source_arn)?;
                let mut policies = access.policies_of(tx, &principal)?;
                for (name, document) in numbered("PolicyInputList", request.policy_input_list.as_deref()) {
                    policies.identity.push(given(&name, document, Kind::Identity)?);
                }
                let boundary = request.permissions_boundary_policy_input_list.as_deref();
                for (name, document) in numbered("PermissionsBoundaryPolicyInputList", boundary) {
                    policies.boundary = Some(given(&name, document, Kind::Identity)?);
                }
                if let Some(document) = &request.resource_policy {
                    policies.resource = vec![given("ResourcePolicy", document, Kind::Resource)?];
                }
                let as_caller = caller.acting_as(principal.clone());
                // The simulated principal's own facts first; what the request says about them counts.
                let mut context = access.context(tx, &as_caller, &Context::new())?;
                context.extend(&given_context(request.context_entries.as_deref()));
                let everything = ["*".to_owned()];
                let resources = request.resource_arns.as_deref().filter(|list| !list.is_empty());
                let mut results = Vec::new();
                for action in &request.action_names {
                    for resource in resources.unwrap_or(&everything) {
                        let decision =
                            evaluate(&principal, &access.account, action, resource, &context, &policies);
                        let within = policies.boundary.as_ref().map(|boundary| {
                            let alone = Policies { identity: vec![boundary.clone()], ..Policies::default() };
                            evaluate(&principal, &access.account, action, resource, &context, &alone)
                                .is_allowed()
                        });
                        results.push(shown(action, resource, decision, within, (&policies, &context, kind)));
                    }
                }
                let (results, marker) = page(results, request.marker.as_deref(), request.max_items)?;
                Ok(SimulatePolicyResponse {
                    evaluation_results: Some(results),
                    is_truncated: Some(marker.is_some()),
                    marker,
                })
            })
            .await
    }

    fn simulated(&self, tx: &mut Tx<'_>, arn: &str) -> Answer<(Principal, OwnerKind)> {
        if let Some(name) = named_by(arn, &self.account, "user") {
            let owner = self.owner(tx, OwnerKind::User, name)?;
            if owner.arn == arn {
                let principal = Principal::User { name: owner.name, id: owner.id, arn: owner.arn };
                return Ok((principal, OwnerKind::User));
            }
        }
        if let Some(name) = named_by(arn, &self.account, "role") {
            let role = super::roles::role(tx, name)?;
            let role_arn = role_arn(&self.account, &role.path, &role.name);
            if role_arn == arn {
                let session = "simulation".to_owned();
                let principal = Principal::Session {
                    role_name: role.name,
                    role_id: role.id,
                    role_arn,
                    session,
                    key_id: None,
                };
                return Ok((principal, OwnerKind::Role));
            }
        }
        refuse(InvalidInputException, "Invalid ARN:  Could not be parsed!")
    }
}

/// Cuts a page out of the results; the marker is how many came before it.
fn page(
    mut results: Vec<EvaluationResult>,
    marker: Option<&str>,
    max_items: Option<i64>,
) -> Answer<(Vec<EvaluationResult>, Option<String>)> {
    let Ok(start) = marker.map_or(Ok(0), str::parse::<usize>) else {
        return refuse(InvalidInputException, "The marker is not one of this operation's.");
    };
    let take = usize::try_from(max_items.unwrap_or(PAGE)).unwrap_or(usize::MAX);
    let end = start.saturating_add(take);
    let next = (end < results.len()).then(|| end.to_string());
    results.truncate(end);
    Ok((results.split_off(start.min(results.len())), next))
}

/// Members of the request that nothing here stands behind.
fn refuse_unoffered(request: &SimulatePrincipalPolicyRequest) -> Answer<()> {
    let caller_is_source = request.caller_arn.as_ref().is_none_or(|arn| *arn == request.policy_source_arn);
    for (given, name) in [
        (request.policy_exclusion_list.as_ref().is_some_and(|list| !list.is_empty()), "PolicyExclusionList"),
        (request.resource_owner.is_some(), "ResourceOwner"),
        (request.resource_handling_option.is_some(), "ResourceHandlingOption"),
        (!caller_is_source, "CallerArn of somebody else"),
    ] {
        if given {
            return refuse(invalid(), format!("{name} is not supported by this server."));
        }
    }
    Ok(())
}

fn numbered<'a>(
    list: &'a str,
    documents: Option<&'a [String]>,
) -> impl Iterator<Item = (String, &'a String)> {
    let documents = documents.unwrap_or_default().iter();
    (1..).zip(documents).map(move |(number, document)| (format!("{list}.{number}"), document))
}

/// Reads a policy that stands in the request.
fn given(name: &str, document: &str, kind: Kind) -> Answer<Named> {
    Named::parse(name, document, kind).map_err(|fault| refusal(InvalidInputException, fault.to_string()))
}

fn given_context(entries: Option<&[ContextEntry]>) -> Context {
    let mut context = Context::new();
    for entry in entries.unwrap_or_default() {
        let name = entry.context_key_name.as_deref().unwrap_or_default();
        let values = entry.context_key_values.clone().unwrap_or_default();
        let is_list = entry.context_key_type.is_some_and(|kind| kind.as_str().ends_with("List"));
        match <[String; 1]>::try_from(values) {
            Ok([value]) if !is_list => context.set(name, value),
            Ok([value]) => context.set_many(name, vec![value]),
            Err(values) => context.set_many(name, values),
        }
    }
    context
}

fn shown(
    action: &str,
    resource: &str,
    decision: Decision,
    within_boundary: Option<bool>,
    (policies, context, kind): (&Policies, &Context, OwnerKind),
) -> EvaluationResult {
    let all = || {
        let layers = [&policies.identity, &policies.session, &policies.resource];
        layers.into_iter().flatten().chain(&policies.boundary)
    };
    let deciding = decision.policy.as_ref().and_then(|name| all().find(|named| named.name == *name));
    let matched =
        deciding.zip(decision.statement).map(|(named, index)| statement(named, index, decision.layer, kind));
    let mut missing: Vec<String> = all()
        .flat_map(|named| named.policy.condition_keys())
        .filter(|key| !context.has(key))
        .map(str::to_owned)
        .collect();
    missing.sort();
    missing.dedup();
    let boundary = within_boundary
        .map(|allowed| PermissionsBoundaryDecisionDetail { allowed_by_permissions_boundary: Some(allowed) });
    EvaluationResult {
        eval_action_name: action.to_owned(),
        eval_resource_name: Some(resource.to_owned()),
        eval_decision: match decision.verdict {
            Verdict::Allowed => PolicyEvaluationDecisionType::Allowed,
            Verdict::ExplicitDeny => PolicyEvaluationDecisionType::ExplicitDeny,
            Verdict::ImplicitDeny => PolicyEvaluationDecisionType::ImplicitDeny,
        },
        matched_statements: Some(matched.into_iter().collect()),
        missing_context_values: Some(missing),
        permissions_boundary_decision_detail: boundary,
        ..Default::default()
    }
}

fn statement(named: &Named, index: usize, layer: Layer, kind: OwnerKind) -> Statement {
    let source = match (layer, kind) {
        (Layer::Resource, _) => PolicySourceType::Resource,
        _ if named.name.starts_with("arn:aws:iam::aws:") => PolicySourceType::AwsManaged,
        _ if named.name.starts_with("arn:") => PolicySourceType::UserManaged,
        (_, OwnerKind::User) => PolicySourceType::User,
        (_, OwnerKind::Role) => PolicySourceType::Role,
    };
    let position = |(line, column)| Position { line: Some(line), column: Some(column) };
    let span = named.policy.span(index);
    Statement {
        source_policy_id: Some(policy_name(&named.name).to_owned()),
        source_policy_type: Some(source),
        start_position: span.map(|span| position(span.start)),
        end_position: span.map(|span| position(span.end)),
    }
}
