//! Reads policy documents, strictly: what is not understood is refused, never skipped.

use super::condition::{BadCondition, Condition};
use super::json::{Json, Span, statement_spans};
use super::pattern::{BadVariable, Pattern, Reading};
use std::collections::BTreeSet;
use std::fmt;

/// Where a policy is attached decides what may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// On a user or role: no principal, resources needed.
    Identity,
    /// Who may assume a role: principals needed, no resource.
    Trust,
    /// On a resource, such as a mail identity: both.
    Resource,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

/// A policy document, read once.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    pub(super) statements: Vec<Statement>,
    spans: Vec<Span>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    pub(super) sid: Option<String>,
    pub(super) effect: Effect,
    pub(super) principals: Who,
    pub(super) actions: Listed<String>,
    pub(super) resources: Option<Listed<(String, Pattern)>>,
    pub(super) conditions: Vec<Condition>,
}

/// `Principal`, `NotPrincipal`, or neither.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Who {
    Unsaid,
    Is(Principals),
    IsNot(Principals),
}

/// `Action` and `Resource`, or their `Not…` forms.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Listed<T> {
    In(Vec<T>),
    NotIn(Vec<T>),
}

/// Whom a statement names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Principals {
    /// `*`
    pub anyone: bool,
    /// ARNs and unique ids; an account is given as `arn:aws:iam::ACCOUNT:root`.
    pub aws: Vec<String>,
    pub services: Vec<String>,
    /// Web identity providers; nobody signs in to this API through one.
    pub federated: Vec<String>,
}

/// Why a document is no policy; its text is IAM's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyFault {
    Json,
    Syntax,
    Version,
    Words(&'static str),
    Prohibited(&'static str),
    Required(&'static str),
    Operator(String),
    Resource(String),
    Principal { kind: String, value: String },
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json => f.write_str("This policy contains invalid Json"),
            Self::Syntax => f.write_str("Syntax errors in policy."),
            Self::Version => f.write_str("Policy document must be version 2012-10-17 or greater."),
            Self::Words(words) => f.write_str(words),
            Self::Prohibited(field) => write!(f, "Has prohibited field {field}"),
            Self::Required(field) => write!(f, "Missing required field {field}"),
            Self::Operator(operator) => write!(f, "Invalid Condition type : {operator}."),
            Self::Resource(resource) => write!(f, "Resource {resource} must be in ARN format or \"*\"."),
            Self::Principal { kind, value } => {
                write!(f, "Invalid principal in policy: \"{kind}\":\"{value}\"")
            }
        }
    }
}

/// Counts a document's characters as quotas do: white space is free.
pub fn size(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

type Object = Vec<(String, Json)>;

impl Policy {
    pub fn parse(text: &str, kind: Kind) -> Result<Self, PolicyFault> {
        let json: Json = serde_json::from_str(text).map_err(|error| match error.is_data() {
            // The only fault of data, rather than of writing, is a key that stands twice.
            true => PolicyFault::Syntax,
            false => PolicyFault::Json,
        })?;
        let Json::Object(members) = json else { return Err(PolicyFault::Json) };
        let mut version = "2008-10-17".to_owned();
        let mut statements = None;
        for (name, value) in members {
            match (name.as_str(), value) {
                ("Version", Json::Text(text)) => version = text,
                ("Id", Json::Text(_)) => {}
                ("Statement", Json::Object(one)) => statements = Some(vec![Json::Object(one)]),
                ("Statement", Json::List(list)) => statements = Some(list),
                _ => return Err(PolicyFault::Syntax),
            }
        }
        let variables = match version.as_str() {
            "2012-10-17" => true,
            "2008-10-17" => false,
            _ => return Err(PolicyFault::Version),
        };
        let statements = statements
            .filter(|list| !list.is_empty())
            .ok_or(PolicyFault::Syntax)?
            .into_iter()
            .map(|json| match json {
                Json::Object(members) => statement(members, kind, variables),
                _ => Err(PolicyFault::Syntax),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let sids: Vec<&String> = statements.iter().filter_map(|statement| statement.sid.as_ref()).collect();
        if sids.iter().collect::<BTreeSet<_>>().len() < sids.len() {
            return Err(PolicyFault::Words("Statement IDs (SID) in a single policy must be unique."));
        }
        Ok(Policy { statements, spans: statement_spans(text) })
    }

    /// Where a statement stands in the document.
    pub fn span(&self, statement: usize) -> Option<Span> {
        self.spans.get(statement).copied()
    }

    /// Whom the statements name, one entry for each `Principal` or `NotPrincipal`.
    pub fn principals(&self) -> impl Iterator<Item = &Principals> {
        self.statements.iter().filter_map(|statement| match &statement.principals {
            Who::Unsaid => None,
            Who::Is(principals) | Who::IsNot(principals) => Some(principals),
        })
    }

    /// The actions that the statements write down.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().flat_map(|statement| {
            let (Listed::In(list) | Listed::NotIn(list)) = &statement.actions;
            list.iter().map(String::as_str)
        })
    }

    /// The resources that the statements write down.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().filter_map(|statement| statement.resources.as_ref()).flat_map(|resources| {
            let (Listed::In(list) | Listed::NotIn(list)) = resources;
            list.iter().map(|(text, _)| text.as_str())
        })
    }

    /// The condition keys that the statements ask for.
    pub fn condition_keys(&self) -> impl Iterator<Item = &str> {
        self.statements
            .iter()
            .flat_map(|statement| &statement.conditions)
            .map(|condition| condition.key.as_str())
    }

    /// Binds principals to what they are now: a user or role that is made anew under an old name is another.
    pub fn bind(&mut self, id_of: impl Fn(&str) -> Option<String>) {
        for statement in &mut self.statements {
            if let Who::Is(principals) | Who::IsNot(principals) = &mut statement.principals {
                for name in &mut principals.aws {
                    if let Some(id) = id_of(name) {
                        *name = id;
                    }
                }
            }
        }
    }
}

fn statement(members: Object, kind: Kind, variables: bool) -> Result<Statement, PolicyFault> {
    let (mut sid, mut effect, mut actions, mut resources) = (None, None, None, None);
    let (mut principals, mut conditions) = (Who::Unsaid, Vec::new());
    for (name, value) in members {
        match name.as_str() {
            "Sid" => sid = Some(text(value)?),
            "Effect" => {
                effect = Some(match text(value)?.as_str() {
                    "Allow" => Effect::Allow,
                    "Deny" => Effect::Deny,
                    _ => return Err(PolicyFault::Syntax),
                });
            }
            "Action" | "NotAction" if actions.is_some() => return Err(PolicyFault::Syntax),
            "Action" => actions = Some(Listed::In(texts(value)?)),
            "NotAction" => actions = Some(Listed::NotIn(texts(value)?)),
            "Resource" | "NotResource" if resources.is_some() => return Err(PolicyFault::Syntax),
            "Resource" => resources = Some(Listed::In(texts(value)?)),
            "NotResource" => resources = Some(Listed::NotIn(texts(value)?)),
            "Principal" | "NotPrincipal" if principals != Who::Unsaid => return Err(PolicyFault::Syntax),
            "Principal" => principals = Who::Is(principal(value, kind)?),
            "NotPrincipal" => principals = Who::IsNot(principal(value, kind)?),
            "Condition" => conditions = condition_block(value, variables)?,
            _ => return Err(PolicyFault::Syntax),
        }
    }
    if kind == Kind::Identity
        && sid.as_ref().is_some_and(|sid| !sid.bytes().all(|b| b.is_ascii_alphanumeric()))
    {
        return Err(PolicyFault::Words(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular \
             expression [0-9A-Za-z]*",
        ));
    }
    // An empty Sid says nothing.
    let sid = sid.filter(|sid| !sid.is_empty());
    let effect = effect.ok_or(PolicyFault::Syntax)?;
    let actions = checked_actions(actions, kind)?;
    let resources = checked_resources(resources, kind, variables)?;
    match (kind, &principals) {
        (Kind::Identity, Who::Is(_) | Who::IsNot(_)) => {
            return Err(PolicyFault::Words("Policy document should not specify a principal."));
        }
        (Kind::Trust, Who::IsNot(_)) => return Err(PolicyFault::Prohibited("NotPrincipal")),
        (Kind::Trust | Kind::Resource, Who::Unsaid) => return Err(PolicyFault::Required("Principal")),
        _ => {}
    }
    Ok(Statement { sid, effect, principals, actions, resources, conditions })
}

fn checked_actions(actions: Option<Listed<String>>, kind: Kind) -> Result<Listed<String>, PolicyFault> {
    let actions = actions.ok_or(PolicyFault::Words("Policy statement must contain actions."))?;
    let (Listed::In(list) | Listed::NotIn(list)) = &actions;
    if list.is_empty() {
        return Err(PolicyFault::Words("Policy statement must contain actions."));
    }
    for action in list {
        let vendor = action.split_once(':').map(|(vendor, _)| vendor);
        if kind == Kind::Trust && !vendor.is_some_and(|vendor| vendor.eq_ignore_ascii_case("sts")) {
            return Err(PolicyFault::Words("AssumeRole policy may only specify STS AssumeRole actions."));
        }
        let vendor_is_name = |vendor: &str| {
            !vendor.is_empty() && vendor.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if action != "*" && !vendor.is_some_and(vendor_is_name) {
            return Err(PolicyFault::Words(
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
            ));
        }
    }
    Ok(actions)
}

fn checked_resources(
    resources: Option<Listed<String>>,
    kind: Kind,
    variables: bool,
) -> Result<Option<Listed<(String, Pattern)>>, PolicyFault> {
    let Some(resources) = resources else {
        return match kind {
            Kind::Trust => Ok(None),
            _ => Err(PolicyFault::Words("Policy statement must contain resources.")),
        };
    };
    if kind == Kind::Trust {
        return Err(PolicyFault::Prohibited(match resources {
            Listed::In(_) => "Resource",
            Listed::NotIn(_) => "NotResource",
        }));
    }
    let read = |list: Vec<String>| -> Result<Vec<(String, Pattern)>, PolicyFault> {
        if list.is_empty() {
            return Err(PolicyFault::Words("Policy statement must contain resources."));
        }
        list.into_iter()
            .map(|resource| {
                if resource != "*" && !resource.starts_with("arn:") {
                    return Err(PolicyFault::Resource(resource));
                }
                let pattern = Pattern::parse(&resource, Reading::Wild, variables)
                    .map_err(|BadVariable| PolicyFault::Syntax)?;
                Ok((resource, pattern))
            })
            .collect()
    };
    Ok(Some(match resources {
        Listed::In(list) => Listed::In(read(list)?),
        Listed::NotIn(list) => Listed::NotIn(read(list)?),
    }))
}

fn condition_block(value: Json, variables: bool) -> Result<Vec<Condition>, PolicyFault> {
    let Json::Object(operators) = value else { return Err(PolicyFault::Syntax) };
    let mut conditions = Vec::new();
    for (operator, keys) in operators {
        let Json::Object(keys) = keys else { return Err(PolicyFault::Syntax) };
        for (key, values) in keys {
            if !key.contains(':') {
                return Err(PolicyFault::Words(
                    "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
                ));
            }
            let condition = Condition::parse(&operator, &key, &scalars(values)?, variables);
            conditions.push(condition.map_err(|fault| match fault {
                BadCondition::Operator => PolicyFault::Operator(operator.clone()),
                BadCondition::Variable => PolicyFault::Syntax,
            })?);
        }
    }
    Ok(conditions)
}

fn principal(value: Json, kind: Kind) -> Result<Principals, PolicyFault> {
    let mut principals = Principals::default();
    let members = match value {
        Json::Text(text) if text == "*" => {
            principals.anyone = true;
            return Ok(principals);
        }
        Json::Text(value) => return Err(PolicyFault::Principal { kind: "STAR".into(), value }),
        Json::Object(members) if !members.is_empty() => members,
        _ => return Err(PolicyFault::Syntax),
    };
    for (name, value) in members {
        for value in texts(value)? {
            match name.as_str() {
                "AWS" if value == "*" => principals.anyone = true,
                "AWS" if is_account(&value) => principals.aws.push(format!("arn:aws:iam::{value}:root")),
                "AWS" if is_entity(&value) => principals.aws.push(value),
                "Service" if is_service(&value) => principals.services.push(value),
                "Federated" if kind == Kind::Trust && !value.contains(['*', '?']) => {
                    principals.federated.push(value);
                }
                "AWS" | "Federated" => return Err(PolicyFault::Principal { kind: name, value }),
                "Service" => return Err(PolicyFault::Principal { kind: "SERVICE".into(), value }),
                _ => return Err(PolicyFault::Syntax),
            }
        }
    }
    Ok(principals)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// An ARN of an account, user, role or role session, or a unique id. Wildcards name nobody here.
fn is_entity(text: &str) -> bool {
    if text.contains(['*', '?']) {
        return false;
    }
    if is_unique_id(text) {
        return true;
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", "aws", service, "", account, rest] = parts[..] else { return false };
    let named = |prefix: &str| rest.strip_prefix(prefix).is_some_and(|name| !name.is_empty());
    is_account(account)
        && match service {
            "iam" => rest == "root" || named("user/") || named("role/"),
            "sts" => rest.strip_prefix("assumed-role/").is_some_and(|rest| {
                rest.split_once('/').is_some_and(|(role, session)| !role.is_empty() && !session.is_empty())
            }),
            _ => false,
        }
}

fn is_unique_id(text: &str) -> bool {
    text.len() == 21
        && (text.starts_with("AIDA") || text.starts_with("AROA"))
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn is_service(text: &str) -> bool {
    text.strip_suffix(".amazonaws.com").is_some_and(|name| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
    })
}

fn text(value: Json) -> Result<String, PolicyFault> {
    match value {
        Json::Text(text) => Ok(text),
        _ => Err(PolicyFault::Syntax),
    }
}

fn texts(value: Json) -> Result<Vec<String>, PolicyFault> {
    match value {
        Json::List(list) => list.into_iter().map(text).collect(),
        one => Ok(vec![text(one)?]),
    }
}

/// Condition values may be numbers and flags too.
fn scalars(value: Json) -> Result<Vec<String>, PolicyFault> {
    let scalar = |value: Json| match value {
        Json::Text(text) | Json::Number(text) => Ok(text),
        Json::Flag(flag) => Ok(flag.to_string()),
        Json::List(_) | Json::Object(_) | Json::Null => Err(PolicyFault::Syntax),
    };
    match value {
        Json::List(list) => list.into_iter().map(scalar).collect(),
        one => Ok(vec![scalar(one)?]),
    }
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
