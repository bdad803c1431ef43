//! Decides: an explicit deny wins, and what nobody allows is denied.

use super::context::Context;
use super::document::{Effect, Kind, Listed, Policy, PolicyFault, Principals, Statement, Who};
use super::pattern::matches_action;
use crate::caller::{Principal, root_arn, session_arn};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A policy and what it is called: an ARN when it is managed, a name when it is inline.
#[derive(Clone, Debug)]
pub struct Named {
    pub name: String,
    pub policy: Arc<Policy>,
}

impl Named {
    /// Reads a document and gives it a name.
    pub fn parse(name: &str, text: &str, kind: Kind) -> Result<Self, PolicyFault> {
        Ok(Named { name: name.to_owned(), policy: Arc::new(Policy::parse(text, kind)?) })
    }

    /// Binds the ARNs of a policy to the ids, JSON, that were noted when it was written.
    pub fn bind(&mut self, ids: &str) -> serde_json::Result<()> {
        let ids: BTreeMap<String, String> = serde_json::from_str(ids)?;
        Arc::make_mut(&mut self.policy).bind(|arn| ids.get(arn).cloned());
        Ok(())
    }
}

/// The policies that bear on one request, layer by layer: a union within a layer, an intersection across.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    pub identity: Vec<Named>,
    pub boundary: Option<Named>,
    /// Given when a role was assumed; they only take away.
    pub session: Vec<Named>,
    /// On the resource; for AssumeRole, the role's trust policy.
    pub resource: Vec<Named>,
    /// The resource policies are a trust policy: without its consent nothing is allowed.
    pub trust: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    Identity,
    Boundary,
    Session,
    Resource,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    ExplicitDeny,
    ImplicitDeny,
}

/// What was decided and which statement did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub verdict: Verdict,
    /// The layer that decided; of an implicit deny, the one that should have allowed.
    pub layer: Layer,
    /// The deciding policy; nothing for an implicit deny.
    pub policy: Option<String>,
    /// The deciding statement's place in its policy, from 0.
    pub statement: Option<usize>,
    /// Statements that would have applied, had their conditions held.
    pub unmet: Vec<Unmet>,
}

/// A condition that kept a statement from applying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    pub policy: String,
    pub statement: usize,
    pub operator: String,
    pub key: String,
}

impl Decision {
    pub fn is_allowed(&self) -> bool {
        self.verdict == Verdict::Allowed
    }

    /// Tells in a sentence what decided: for the audit, not for the caller.
    pub fn told(&self) -> String {
        let layer = match self.layer {
            Layer::Identity => "identity policy",
            Layer::Boundary => "permissions boundary",
            Layer::Session => "session policy",
            Layer::Resource => "resource policy",
        };
        let verdict = match self.verdict {
            Verdict::Allowed => "allowed",
            Verdict::ExplicitDeny => "denied",
            Verdict::ImplicitDeny => "not allowed",
        };
        let by = match (&self.policy, self.statement) {
            (Some(policy), Some(statement)) => format!("{layer} {policy}, statement {}", statement + 1),
            _ => format!("any {layer}"),
        };
        let unmet: Vec<String> = self
            .unmet
            .iter()
            .map(|unmet| format!("{} {} of {}", unmet.operator, unmet.key, unmet.policy))
            .collect();
        match unmet.is_empty() {
            true => format!("{verdict} by {by}"),
            false => format!("{verdict} by {by}; conditions that did not hold: {}", unmet.join(", ")),
        }
    }
}

/// How closely a resource policy names the caller. The order counts: the closest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Grip {
    /// Its account, which leaves the matter to the account's own policies.
    Account,
    /// Its role, which boundary and session policies still limit.
    Role,
    /// The caller itself.
    Exact,
}

/// The place of a statement that applies.
struct Hit {
    policy: String,
    statement: usize,
    grip: Grip,
}

/// One question, while it is being decided.
struct Question<'a> {
    principal: &'a Principal,
    account: &'a str,
    action: &'a str,
    resource: &'a str,
    context: &'a Context,
    unmet: Vec<Unmet>,
}

/// Decides whether a principal of an account may do an action on a resource.
pub fn evaluate(
    principal: &Principal,
    account: &str,
    action: &str,
    resource: &str,
    context: &Context,
    policies: &Policies,
) -> Decision {
    let mut question = Question { principal, account, action, resource, context, unmet: Vec::new() };
    let (verdict, layer, hit) = decide(&mut question, policies);
    let (policy, statement) = hit.map(|hit| (hit.policy, hit.statement)).unzip();
    Decision { verdict, layer, policy, statement, unmet: question.unmet }
}

fn decide(question: &mut Question<'_>, policies: &Policies) -> (Verdict, Layer, Option<Hit>) {
    let boundary = policies.boundary.as_slice();
    let layers: [(Layer, &[Named]); 4] = [
        (Layer::Identity, &policies.identity),
        (Layer::Boundary, boundary),
        (Layer::Session, &policies.session),
        (Layer::Resource, &policies.resource),
    ];
    for (layer, named) in layers {
        if let Some(hit) = question.find(Effect::Deny, layer, named) {
            return (Verdict::ExplicitDeny, layer, Some(hit));
        }
    }
    if *question.principal == Principal::Root && !policies.trust {
        return (Verdict::Allowed, Layer::Identity, None);
    }

    let on_resource = question.find(Effect::Allow, Layer::Resource, &policies.resource);
    let grip = on_resource.as_ref().map(|hit| hit.grip);
    let by_resource_alone = matches!(question.principal, Principal::Service { .. } | Principal::Anonymous);
    if grip == Some(Grip::Exact) {
        return (Verdict::Allowed, Layer::Resource, on_resource);
    }
    if by_resource_alone || (policies.trust && grip.is_none()) {
        return (Verdict::ImplicitDeny, Layer::Resource, None);
    }

    let granted = match grip {
        Some(Grip::Role) => (Layer::Resource, on_resource),
        _ => match question.find(Effect::Allow, Layer::Identity, &policies.identity) {
            None => return (Verdict::ImplicitDeny, Layer::Identity, None),
            hit => (Layer::Identity, hit),
        },
    };
    for (layer, named) in [(Layer::Boundary, boundary), (Layer::Session, &policies.session[..])] {
        if !named.is_empty() && question.find(Effect::Allow, layer, named).is_none() {
            return (Verdict::ImplicitDeny, layer, None);
        }
    }
    (Verdict::Allowed, granted.0, granted.1)
}

impl Question<'_> {
    /// Finds the statement of this effect that applies, the one that names the caller most closely.
    fn find(&mut self, effect: Effect, layer: Layer, policies: &[Named]) -> Option<Hit> {
        let mut found: Option<Hit> = None;
        for named in policies {
            for (index, statement) in named.policy.statements.iter().enumerate() {
                if statement.effect != effect {
                    continue;
                }
                if let Some(grip) = self.applies(statement, layer, &named.name, index)
                    && found.as_ref().is_none_or(|hit| hit.grip < grip)
                {
                    found = Some(Hit { policy: named.name.clone(), statement: index, grip });
                }
            }
        }
        found
    }

    fn applies(&mut self, statement: &Statement, layer: Layer, policy: &str, index: usize) -> Option<Grip> {
        let grip = match (layer, &statement.principals) {
            (Layer::Resource, Who::Unsaid) => return None,
            (Layer::Resource, Who::Is(principals)) => self.grip(principals)?,
            (Layer::Resource, Who::IsNot(principals)) => match self.grip(principals) {
                None => Grip::Exact,
                Some(_) => return None,
            },
            _ => Grip::Exact,
        };
        let named = match &statement.actions {
            Listed::In(list) => list.iter().any(|pattern| matches_action(pattern, self.action)),
            Listed::NotIn(list) => !list.iter().any(|pattern| matches_action(pattern, self.action)),
        };
        if !named || !self.covers(statement)? {
            return None;
        }
        let mut all_hold = true;
        for condition in &statement.conditions {
            // An unknown variable keeps the statement from applying, whatever the operator.
            if condition.holds(self.context) != Some(true) {
                all_hold = false;
                let unmet = Unmet {
                    policy: policy.to_owned(),
                    statement: index,
                    operator: condition.operator.clone(),
                    key: condition.key.clone(),
                };
                if !self.unmet.contains(&unmet) {
                    self.unmet.push(unmet);
                }
            }
        }
        all_hold.then_some(grip)
    }

    /// Tells whether the statement is about this resource; nothing when a variable is unknown.
    fn covers(&self, statement: &Statement) -> Option<bool> {
        let Some(resources) = &statement.resources else { return Some(true) };
        let (Listed::In(list) | Listed::NotIn(list)) = resources;
        let mut found = false;
        for (_, pattern) in list {
            found |= pattern.matches(self.resource, self.context)?;
        }
        Some(found == matches!(resources, Listed::In(_)))
    }

    fn grip(&self, named: &Principals) -> Option<Grip> {
        if named.anyone {
            return Some(Grip::Exact);
        }
        let of_account = |name: &String| *name == root_arn(self.account);
        match self.principal {
            Principal::Anonymous => None,
            Principal::Service { name, .. } => {
                named.services.iter().any(|service| service == name).then_some(Grip::Exact)
            }
            Principal::Root => named.aws.iter().any(of_account).then_some(Grip::Account),
            Principal::User { id, arn, .. } => {
                let grips = named.aws.iter().filter_map(|name| match name {
                    name if name == id || name == arn => Some(Grip::Exact),
                    name => of_account(name).then_some(Grip::Account),
                });
                grips.max()
            }
            Principal::Session { role_name, role_id, role_arn, session, .. } => {
                let session_arn = session_arn(self.account, role_name, session);
                let grips = named.aws.iter().filter_map(|name| match name {
                    name if *name == session_arn => Some(Grip::Exact),
                    name if name == role_id || name == role_arn => Some(Grip::Role),
                    name => of_account(name).then_some(Grip::Account),
                });
                grips.max()
            }
        }
    }
}

#[cfg(test)]
#[path = "evaluate_tests.rs"]
mod tests;
