//! The outbox: each message on its way, what became of it, and what the other side said.

use super::desk::{Answered, Desk, at, items, text};
use super::menu::Place;
use super::pools::{counted, time};
use crate::pages::console::Block as _;
use crate::pages::console::list::{Cell, Table, Tone};
use postern_model::{Document, Service};
use serde_json::json;

const HERE: &str = "/console/email/outbox";
/// How often the newest page is looked at again, in seconds.
const LOOK_EVERY_S: u32 = 5;

fn state(message: &Document) -> Cell {
    let (tone, words) = match text(message, "State") {
        "sent" => (Tone::Good, "Sent"),
        "waiting" => (Tone::Waiting, "Waiting"),
        "expired" => (Tone::Bad, "Given up: it would have come too late"),
        "suppressed" => (Tone::Plain, "Not sent: the address is suppressed"),
        "dropped" => (Tone::Plain, "Not sent: nobody has that name"),
        _ => (Tone::Bad, "Refused"),
    };
    Cell::Status(tone, words.to_owned())
}

/// `GET /console/email/outbox`
pub async fn list(desk: Desk) -> Answered {
    let input = desk.at_page("NextToken", json!({ "MaxResults": 50 }));
    let listed = desk.read(Service::Postern, "ListMessages", input).await?;
    let rows = items(&listed, "Messages").iter().map(|message| {
        vec![
            Cell::words(text(message, "Purpose")),
            Cell::words(text(message, "Recipient")),
            state(message),
            Cell::words(counted(at(message, "Attempts").as_i64().unwrap_or_default())),
            Cell::words(text(message, "Reply")),
            time(message, "Created"),
        ]
    });
    let head = vec!["Message", "To", "State", "Attempts", "Answer", "Accepted"];
    let mut table = Table::new("Messages", head, rows.collect()).or_empty(
        "Nothing was sent yet.",
        Some(("/console/email/test".to_owned(), "Send a test email")),
        "",
    );
    desk.turn_pages(&mut table, HERE, &listed["NextToken"]);
    if desk.is_first_page() {
        table.live = Some(desk.live(LOOK_EVERY_S));
    }
    let lead = "Mails and text messages of the last seven days. A message is tried again while it is of use, and what it said is forgotten once it is sent.";
    desk.show(&Place::Below("/console/email", "Email"), "Outbox", lead, vec![table.html()])
}
