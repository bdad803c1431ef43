//! Activity: what was called and who signed in, from the audit, newest first; each record opens to all that is known of it.

use super::command;
use super::curl;
use super::desk::{Answered, Desk, items, text};
use super::lists::{By, Finds, List, Source};
use super::menu::Place;
use super::outcomes::tone;
use super::pools::time;
use crate::api::Call;
use crate::pages::console::list::Cell;
use crate::pages::console::parts::{Fact, Facts, Snippet, Snippets};
use crate::pages::console::{Block, part};
use axum::extract::Path;
use postern_model::postern::errors::InvalidParameterException;
use postern_model::{Document, Service, refusal};
use serde_json::json;

const HERE: &str = "/console/activity";
/// How often the newest page is looked at again, in seconds.
const LOOK_EVERY_S: u32 = 10;

/// What records are found by: the parameter of the operation, and how people call it.
const BY: [(&str, &str); 5] = [
    ("Action", "Action begins with"),
    ("Who", "Who, in full"),
    ("Outcome", "Outcome"),
    ("Resource", "Pool or app client"),
    ("RequestId", "Request ID"),
];

fn outcome(record: &Document) -> Cell {
    let outcome = text(record, "Outcome");
    Cell::Status(tone(outcome), outcome.to_owned())
}

/// `GET /console/activity`
pub async fn list(desk: Desk) -> Answered {
    let list = List {
        here: HERE.to_owned(),
        caption: "Calls and sign-ins",
        called: ("record", "records"),
        columns: &["Action", "Outcome", "Who", "When"],
        source: Source {
            service: Service::Postern,
            operation: "ListAuditRecords",
            input: json!({}),
            items: "Records",
            limit: ("MaxResults", 100),
            token: "NextToken",
        },
        finds: Finds::By(By {
            typed: &BY,
            label: "Find records",
            offers: &[("Outcome", "AccessDeniedException", "Denied"), ("Outcome", "signed in", "Signed in")],
            several: true,
            ask: |input, by, value| input[by] = value.into(),
        }),
        make: None,
        empty: "Nothing has happened yet.",
        command: String::new(),
        all: None,
        live_s: Some(LOOK_EVERY_S),
    };
    let listed = desk.list(list, |record| {
        vec![
            Cell::link(format!("{HERE}/{}", part(text(record, "Id"))), text(record, "Action")),
            outcome(record),
            Cell::words(text(record, "Who")),
            time(record, "Time"),
        ]
    });
    let blocks = listed.await?.blocks(&desk, Vec::new());
    let lead = "What was asked of this server, and how it ended. Codes, passwords, tokens and addresses are not kept.";
    desk.show(&Place::Top(HERE), "Activity", lead, blocks)
}

/// `GET /console/activity/{id}`
pub async fn one(Path(id): Path<String>, desk: Desk) -> Answered {
    let answer = desk.read(Service::Postern, "ListAuditRecords", json!({ "Id": id })).await?;
    let Some(record) = items(&answer, "Records").first() else {
        return Err(desk.stopped(refusal(InvalidParameterException, "There is no such record.")));
    };
    let fact = |label: &str, name: &str| {
        let value = text(record, name);
        let values = if value.is_empty() { Vec::new() } else { vec![Cell::Code(value.to_owned())] };
        Fact::new(label, name, values)
    };
    let facts = vec![
        Fact::new("Outcome", "Outcome", vec![outcome(record)]),
        Fact::new("When", "Time", vec![time(record, "Time")]),
        fact("Who", "Who"),
        fact("On what", "Resource"),
        fact("From where", "Source"),
        fact("Reason", "Detail"),
        fact("Request ID", "RequestId"),
    ];
    let facts = Facts { title: "Record".to_owned(), hint: String::new(), facts, edit_href: None };
    let mut blocks = vec![facts.html()];
    if let Some((call, request)) = asked(record) {
        let snippet = |id: &str, title: &str, text: String| Snippet {
            id: id.to_owned(),
            title: title.to_owned(),
            text,
        };
        let snippets = vec![
            snippet("as-request", "Request", command::request(call, &request)),
            snippet("as-command", "As AWS CLI", command::command(call, &request)),
            snippet(
                "as-curl",
                "As cURL",
                curl::curl(call, &request, &desk.app.public_url, &desk.app.access.region),
            ),
        ];
        let hint =
            "What must not be kept stands as ***. cURL signs by the key that your shell holds.".to_owned();
        blocks.push(Snippets { title: "What was asked".to_owned(), hint, snippets }.html());
    }
    desk.show(&Place::Below(HERE, "Activity"), text(record, "Action"), "", blocks)
}

/// The call of a record, and what was asked in it, where that was kept.
fn asked(record: &Document) -> Option<(Call, Document)> {
    let (service, operation) = text(record, "Action").split_once(':')?;
    let service = Service::ALL.into_iter().find(|each| each.signing_name() == service)?;
    let request = serde_json::from_str(text(record, "Request")).ok()?;
    Some((Call::find(service, operation)?, request))
}
