//! Roles: whom they trust, what they may do, when they were last used, and whether a pool may send by its role.

use super::desk::{Answered, Desk, items, text};
use super::lists::{Finds, List, Source};
use super::menu::Place;
use super::pools::time;
use crate::pages::console::field::{Choice, Field, Input};
use crate::pages::console::list::{Cell, Table, Tone};
use crate::pages::console::parts::{Fact, Facts, Said, Snippet, Snippets};
use crate::pages::console::{Block, Html, part};
use axum::extract::Path;
use postern_model::{Document, Service};
use postern_pools::oauth::pairs::decoded;
use serde_json::json;

const HERE: &str = "/console/roles";

/// `GET /console/roles`
pub async fn list(desk: Desk) -> Answered {
    let list = List {
        here: HERE.to_owned(),
        caption: "Roles",
        called: ("role", "roles"),
        columns: &["Role", "Kind", "Created"],
        source: Source {
            service: Service::Iam,
            operation: "ListRoles",
            input: json!({}),
            items: "Roles",
            limit: ("MaxItems", 1000),
            token: "Marker",
        },
        finds: Finds::Whole,
        make: None,
        empty: "A role is what a service or a program acts as. The one that sends the mail of user pools is made when the first pool gets a sender of its own.",
        command: "aws iam create-service-linked-role --aws-service-name email.cognito-idp.amazonaws.com"
            .to_owned(),
        all: None,
        live_s: None,
    };
    let listed = desk.list(list, |role| {
        let name = text(role, "RoleName");
        let kind = if text(role, "Path").starts_with("/aws-service-role/") {
            "Service-linked"
        } else {
            "Of this account"
        };
        vec![Cell::link(format!("{HERE}/{}", part(name)), name), Cell::words(kind), time(role, "CreateDate")]
    });
    let blocks = listed.await?.blocks(&desk, Vec::new());
    desk.show(&Place::Top(HERE), "Roles", "", blocks)
}

/// A policy document as people read it. IAM gives trust policies URL-encoded.
fn pretty(document: &str) -> String {
    let plain = decoded(document).unwrap_or_else(|| document.to_owned());
    let parsed: Result<Document, _> = serde_json::from_str(&plain);
    parsed.ok().and_then(|document| serde_json::to_string_pretty(&document).ok()).unwrap_or(plain)
}

/// `GET /console/roles/{role}`
pub async fn one(Path(name): Path<String>, desk: Desk) -> Answered {
    let answer = desk.read(Service::Iam, "GetRole", json!({ "RoleName": name })).await?;
    let role = &answer["Role"];
    let facts = vec![
        Fact::new(
            "ARN",
            "Arn",
            vec![Cell::Copy { id: "arn".to_owned(), text: text(role, "Arn").to_owned() }],
        ),
        Fact::words("Description", "Description", text(role, "Description")),
        Fact::new("Created", "CreateDate", vec![time(role, "CreateDate")]),
        Fact::new(
            "Last used",
            "RoleLastUsed",
            vec![match role["RoleLastUsed"]["LastUsedDate"].is_null() {
                true => Cell::words("Not yet"),
                false => time(role, "RoleLastUsed.LastUsedDate"),
            }],
        ),
    ];
    let mut snippets = vec![Snippet {
        id: "trust".to_owned(),
        title: "Trust: who may act as this role".to_owned(),
        text: pretty(text(role, "AssumeRolePolicyDocument")),
    }];
    let attached = desk.read(Service::Iam, "ListAttachedRolePolicies", json!({ "RoleName": name })).await?;
    for policy in items(&attached, "AttachedPolicies") {
        let arn = text(policy, "PolicyArn");
        let version = desk
            .look(Service::Iam, "GetPolicyVersion", json!({ "PolicyArn": arn, "VersionId": "v1" }))
            .await?;
        snippets.push(Snippet {
            id: format!("policy-{}", snippets.len()),
            title: format!("Permissions: {}", text(policy, "PolicyName")),
            text: match version {
                Ok(version) => pretty(text(&version, "PolicyVersion.Document")),
                Err(refusal) => refusal.message.into_owned(),
            },
        });
    }
    let inline = desk.read(Service::Iam, "ListRolePolicies", json!({ "RoleName": name })).await?;
    for policy in super::desk::texts(&inline, "PolicyNames") {
        let asked = json!({ "RoleName": name, "PolicyName": policy });
        let document = desk.read(Service::Iam, "GetRolePolicy", asked).await?;
        snippets.push(Snippet {
            id: format!("policy-{}", snippets.len()),
            title: format!("Permissions: {policy}"),
            text: pretty(text(&document, "PolicyDocument")),
        });
    }
    let mut blocks = vec![
        Facts { title: "Role".to_owned(), hint: String::new(), facts, edit_href: None }.html(),
        Snippets { title: "Policies".to_owned(), hint: String::new(), snippets }.html(),
    ];
    blocks.extend(simulator(&desk, &name, text(role, "Arn")).await?);
    blocks.push(uses(&desk, &name).await?);
    desk.show(&Place::Below(HERE, "Roles"), &name, "", blocks)
}

/// "May this pool send?": asks the policies about sending as an identity, and shows the statement that decides.
async fn simulator(desk: &Desk, name: &str, arn: &str) -> Result<Vec<Html>, super::desk::Stopped> {
    let listed = desk.look(Service::SesV2, "ListEmailIdentities", json!({ "PageSize": 1000 })).await?;
    let listed = listed.unwrap_or_default();
    let base = format!("arn:aws:ses:{}:{}:identity/", desk.app.access.region, desk.app.account);
    let asked = desk.asked("identity").to_owned();
    let choices: Vec<Choice> = items(&listed, "EmailIdentities")
        .iter()
        .map(|identity| format!("{base}{}", text(identity, "IdentityName")))
        .map(|identity| Choice::new(&identity, &identity, identity == asked))
        .collect();
    let mut blocks = Vec::new();
    if choices.is_empty() {
        return Ok(blocks);
    }
    let field = Field::new("identity", "May this role send as …", Input::Select(choices));
    blocks.push(Asking { action: format!("{HERE}/{}", part(name)), field }.html());
    if asked.is_empty() {
        return Ok(blocks);
    }
    let input = json!({ "PolicySourceArn": arn, "ActionNames": ["ses:SendEmail"], "ResourceArns": [asked] });
    let answer = match desk.look(Service::Iam, "SimulatePrincipalPolicy", input).await? {
        Ok(answer) => answer,
        Err(refusal) => {
            blocks.push(Said { tone: Tone::Bad, words: refusal.message.into_owned(), way: None }.html());
            return Ok(blocks);
        }
    };
    for result in items(&answer, "EvaluationResults") {
        let statement = items(result, "MatchedStatements").first();
        let because = statement.map(|statement| {
            let line = statement["StartPosition"]["Line"].as_i64().unwrap_or_default();
            format!(" The statement at line {line} of {} decides.", text(statement, "SourcePolicyId"))
        });
        let because = because.unwrap_or_else(|| " No statement allows it.".to_owned());
        let (tone, words) = match text(result, "EvalDecision") {
            "allowed" => (Tone::Good, "Yes, it may."),
            "explicitDeny" => (Tone::Bad, "No: it is denied."),
            _ => (Tone::Bad, "No."),
        };
        blocks.push(Said { tone, words: format!("{words}{because}"), way: None }.html());
    }
    Ok(blocks)
}

/// A question that changes nothing: its form asks by GET.
#[derive(askama::Template)]
#[template(path = "console/asking.html")]
struct Asking {
    action: String,
    field: Field,
}

/// Who used the role, when, from the audit.
async fn uses(desk: &Desk, name: &str) -> Result<Html, super::desk::Stopped> {
    let asked = json!({ "Action": "sts:AssumeRole", "Resource": name, "MaxResults": 20 });
    let answer = desk.look(Service::Postern, "ListAuditRecords", asked).await?.unwrap_or_default();
    let rows = items(&answer, "Records").iter().map(|record| {
        vec![Cell::words(text(record, "Who")), Cell::words(text(record, "Outcome")), time(record, "Time")]
    });
    let table = Table::new("Who used it", vec!["Who", "Outcome", "When"], rows.collect());
    Ok(table
        .or_empty(
            "The audit has no use of this role by name. User pools use theirs for each mail; see Last used.",
            None,
            "",
        )
        .html())
}
