//! What a user did around their sign-ins: the time line of the audit, and, where the pool watches, whose it was said to be.

use super::desk::{Answered, Change, Desk, Stopped, items, text};
use super::lists::{Finds, List, Source};
use super::menu::Place;
use super::pools::time;
use super::users::{known_as, page_of};
use crate::pages::console::list::{Act, Cell, Table, Tone};
use crate::pages::console::parts::{Button, Buttons};
use crate::pages::console::{Block as _, Html, part};
use axum::extract::Path;
use postern_model::{Document, Service};
use serde_json::json;

/// So many stand on the user's own page.
const NEWEST: i64 = 5;

const COLUMNS: &[&str] = &["When", "What", "Outcome", "Risk", "From", "Whose it was"];
const CAPTION: &str = "Sign-in events";
const NONE: &str = "Nothing has happened since this pool is watched.";

/// The newest events of a user; nothing where the pool does not watch.
pub async fn newest(desk: &Desk, pool: &Document, pool_id: &str, sub: &str) -> Result<Vec<Html>, Stopped> {
    if ["", "OFF"].contains(&text(pool, "UserPoolAddOns.AdvancedSecurityMode")) {
        return Ok(Vec::new());
    }
    let asked = json!({ "UserPoolId": pool_id, "Username": sub, "MaxResults": NEWEST });
    Ok(match desk.look(Service::CognitoIdp, "AdminListUserAuthEvents", asked).await? {
        Ok(answer) => {
            let here = page_of(pool_id, sub);
            let rows = items(&answer, "AuthEvents").iter().map(|event| row(desk, event, &here, "user"));
            let table = Table::new(CAPTION, COLUMNS.to_vec(), rows.collect()).or_empty(NONE, None, "");
            let all = Button::link(format!("{here}/events"), "All events of this user");
            let more = Buttons { csrf: desk.csrf(), buttons: vec![all] }.html();
            vec![table.html(), more]
        }
        Err(refusal) => vec![desk.unseen(&refusal)],
    })
}

/// `GET …/users/{user}/events`
pub async fn list(Path((pool_id, sub)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let user = desk.pools("AdminGetUser", json!({ "UserPoolId": pool_id, "Username": sub })).await?;
    let here = page_of(&pool_id, &sub);
    let asked = json!({ "UserPoolId": pool_id, "Username": sub });
    let list = List {
        here: format!("{here}/events"),
        caption: CAPTION,
        called: ("event", "events"),
        columns: COLUMNS,
        source: Source::pools("AdminListUserAuthEvents", "AuthEvents", asked),
        finds: Finds::Nothing,
        make: None,
        empty: NONE,
        command: format!(
            "aws cognito-idp admin-list-user-auth-events --user-pool-id {pool_id} --username {sub}"
        ),
        all: None,
        live_s: None,
    };
    let listed = desk.list(list, |event| row(&desk, event, &here, "events")).await?;
    let known_as = known_as(&user);
    let place = Place::InPool {
        id: &pool_id,
        name: text(&pool, "Name"),
        page: "/users",
        above: &here,
        above_name: &known_as,
    };
    desk.show(&place, CAPTION, "Kept for two years.", listed.blocks(&desk, Vec::new()))
}

/// `POST …/users/{user}/events`
pub async fn feedback(Path((pool_id, sub)): Path<(String, String)>, desk: Desk) -> Answered {
    let here = page_of(&pool_id, &sub);
    let back = if desk.typed("from") == "events" { format!("{here}/events") } else { here };
    let input = json!({
        "UserPoolId": pool_id, "Username": sub, "EventId": desk.typed("event"), "FeedbackValue": desk.typed("value"),
    });
    desk.change(Change {
        service: Service::CognitoIdp,
        operation: "AdminUpdateAuthEventFeedback",
        input,
        words: "Noted. Later sign-ins of this user are judged by it.",
        done: back.clone(),
        form: back,
    })
    .await
}

fn row(desk: &Desk, event: &Document, here: &str, from: &str) -> Vec<Cell> {
    vec![
        time(event, "CreationDate"),
        Cell::words(kind(text(event, "EventType"))),
        outcome(event),
        Cell::words(risk(event)),
        Cell::words(place(event)),
        whose(desk, event, here, from),
    ]
}

fn kind(name: &str) -> &str {
    match name {
        "SignIn" => "Sign-in",
        "SignUp" => "Sign-up",
        "ForgotPassword" => "Forgotten password",
        "PasswordChange" => "Password change",
        "ResendCode" => "New code",
        other => other,
    }
}

fn outcome(event: &Document) -> Cell {
    let blocked = text(event, "EventRisk.RiskDecision") == "Block";
    let (tone, words) = match text(event, "EventResponse") {
        "Pass" => (Tone::Good, "Passed"),
        "Fail" if blocked => (Tone::Bad, "Blocked"),
        "Fail" => (Tone::Bad, "Failed"),
        _ => (Tone::Waiting, "Not ended"),
    };
    Cell::Status(tone, words.to_owned())
}

fn risk(event: &Document) -> String {
    let known = event["EventRisk"]["CompromisedCredentialsDetected"] == true;
    let known = known.then_some("known password");
    let level = Some(text(event, "EventRisk.RiskLevel")).filter(|level| !level.is_empty());
    let all: Vec<&str> = level.into_iter().chain(known).collect();
    if all.is_empty() { "None".to_owned() } else { all.join(", ") }
}

fn place(event: &Document) -> String {
    let said = ["IpAddress", "DeviceName"].map(|name| text(event, &format!("EventContextData.{name}")));
    let said: Vec<&str> = said.into_iter().filter(|said| !said.is_empty()).collect();
    said.join(", ")
}

/// What was said of an event, and what else can be said.
fn whose(desk: &Desk, event: &Document, here: &str, from: &str) -> Cell {
    let feedback = &event["EventFeedback"];
    let by = if text(feedback, "Provider") == "User" { "the user" } else { "an administrator" };
    let said = text(feedback, "FeedbackValue");
    let words = match said {
        "Valid" => format!("The user's, says {by}"),
        "Invalid" => format!("Not the user's, says {by}"),
        _ => String::new(),
    };
    let both = [("Valid", "This was the user"), ("Invalid", "This was not the user")];
    let acts = both.into_iter().filter(|(value, _)| *value != said).map(|(value, label)| Act {
        action: format!("{here}/events"),
        label,
        fields: vec![
            ("csrf", desk.csrf()),
            ("event", text(event, "EventId").to_owned()),
            ("value", value.to_owned()),
            ("from", from.to_owned()),
        ],
    });
    Cell::Acts(words, acts.collect())
}

/// The user's last sign-ins and what became of them, from the audit.
pub async fn timeline(desk: &Desk, sub: &str) -> Result<Html, Stopped> {
    let asked = json!({ "Who": format!("user {sub}"), "MaxResults": 20 });
    let answer = match desk.look(Service::Postern, "ListAuditRecords", asked).await? {
        Ok(answer) => answer,
        Err(refusal) => {
            return Ok(desk.unseen(&refusal));
        }
    };
    let rows = items(&answer, "Records").iter().map(|record| {
        let outcome = text(record, "Outcome");
        let detail = text(record, "Detail");
        let words = if detail.is_empty() { outcome.to_owned() } else { format!("{outcome}: {detail}") };
        let href = format!("/console/activity/{}", part(text(record, "Id")));
        vec![
            Cell::link(href, text(record, "Action")),
            Cell::words(words),
            Cell::words(text(record, "Source")),
            time(record, "Time"),
        ]
    });
    let table = Table::new("Time line", vec!["Step", "Outcome", "From", "When"], rows.collect());
    Ok(table.or_empty("This user has not tried to sign in yet.", None, "").html())
}
