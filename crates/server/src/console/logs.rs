//! Log streaming: which of a pool's events are written to which log group.

use super::desk::{Answered, Change, Desk, Stopped, at, items, text};
use super::menu::Place;
use super::pools::base;
use crate::pages::console::Block as _;
use crate::pages::console::field::Field;
use crate::pages::console::form::Form;
use crate::pages::console::list::Tone;
use crate::pages::console::parts::{Fact, Facts, Said};
use axum::extract::Path;
use postern_model::{Document, Service};
use postern_store::standing::Kept;
use serde_json::{Value, json};

/// What can be exported: its name in the API, its level, what it is called, and what it holds.
const SOURCES: [(&str, &str, &str, &str); 2] = [
    (
        "userNotification",
        "ERROR",
        "Message delivery errors",
        "Mails and texts that did not reach people, and why.",
    ),
    (
        "userAuthEvents",
        "INFO",
        "User activity",
        "Sign-ins, sign-ups and changes of passwords as threat protection remembers them. In the Plus tier only.",
    ),
];
const TITLE: &str = "Log streaming";

fn page_of(pool_id: &str) -> String {
    format!("{}/logs", base(pool_id))
}

/// What is set: the ARN of each source's log group, or nothing.
async fn groups(desk: &Desk, pool_id: &str) -> Result<[String; 2], Stopped> {
    let answer = desk.pools("GetLogDeliveryConfiguration", json!({ "UserPoolId": pool_id })).await?;
    let set = items(at(&answer, "LogDeliveryConfiguration"), "LogConfigurations");
    Ok(SOURCES.map(|(source, ..)| {
        let one = set.iter().find(|one| text(one, "EventSource") == source);
        one.map(|one| text(one, "CloudWatchLogsConfiguration.LogGroupArn").to_owned()).unwrap_or_default()
    }))
}

fn fields(groups: &[String; 2]) -> Vec<Field> {
    let field = |((source, _, label, hint), arn): (&(&str, &str, &str, &str), &String)| {
        let hint = format!("{hint} The ARN of a log group; empty: not exported.");
        Field::line(source, label, arn.as_str()).api(source).hint(&hint)
    };
    SOURCES.iter().zip(groups).map(field).collect()
}

/// `GET /console/pools/{pool}/logs`
pub async fn page(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let groups = groups(&desk, &pool_id).await?;
    let fact = |((source, level, label, _), arn): (&(&str, &str, &str, &str), &String)| {
        let said = if arn.is_empty() { "Not exported".to_owned() } else { format!("{arn} ({level})") };
        Fact::words(label, source, said)
    };
    let facts = Facts {
        title: "Exported events".to_owned(),
        hint: "A log group is a file of JSON lines on the server: /aws/vendedlogs/shop is aws/vendedlogs/shop.jsonl in \
               its folder of log groups."
            .to_owned(),
        facts: SOURCES.iter().zip(&groups).map(fact).collect(),
        edit_href: Some(format!("{}/edit", page_of(&pool_id))),
    };
    let mut blocks = vec![facts.html()];
    if desk.app.pools.rules.log_groups.is_none() {
        let words = "This server keeps no log groups, so nothing can be exported. Set log_groups in its configuration, or \
                     start it with --log-groups DIR.";
        blocks.insert(0, Said { tone: Tone::Waiting, words: words.to_owned(), way: None }.html());
    }
    let place = Place::Pool { id: &pool_id, name: text(&pool, "Name"), page: "/logs" };
    let lead =
        "What happens in this pool, written where the programs of your company that read logs find it.";
    desk.show(&place, TITLE, lead, blocks)
}

/// `GET /console/pools/{pool}/logs/edit`
pub async fn ask_edit(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let here = page_of(&pool_id);
    let fields = fields(&groups(&desk, &pool_id).await?);
    let form = Form::new(format!("{here}/edit"), &desk.csrf(), "Save changes", fields).cancel(&here);
    let place = Place::InPool {
        id: &pool_id,
        name: text(&pool, "Name"),
        page: "/logs",
        above: &here,
        above_name: TITLE,
    };
    desk.show(&place, "Edit log streaming", "", vec![desk.put_edit(form)])
}

/// `POST /console/pools/{pool}/logs/edit`
pub async fn save(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let standing = desk.standing(Kept::LogDeliveries { pool_id: pool_id.clone() }).await?;
    let now = fields(&groups(&desk, &pool_id).await?);
    let here = page_of(&pool_id);
    let change = Change {
        service: Service::CognitoIdp,
        operation: "SetLogDeliveryConfiguration",
        input: json!({ "UserPoolId": pool_id, "LogConfigurations": configurations(&desk) }),
        words: "Log streaming saved",
        done: here.clone(),
        form: format!("{here}/edit"),
    };
    desk.edit(standing, &now, change).await
}

fn configurations(desk: &Desk) -> Vec<Document> {
    let typed = SOURCES.iter().filter(|(source, ..)| !desk.typed(source).is_empty());
    let one = |(source, level, ..): &(&str, &str, &str, &str)| -> Value {
        let group = json!({ "LogGroupArn": desk.typed(source) });
        json!({ "LogLevel": level, "EventSource": source, "CloudWatchLogsConfiguration": group })
    };
    typed.map(one).collect()
}
