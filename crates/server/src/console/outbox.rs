//! The outbox: each message on its way, what became of it, and what the other side said.

use super::desk::{Answered, Desk, at, text};
use super::lists::{Finds, List, Source};
use super::menu::Place;
use super::pools::{counted, time};
use crate::pages::console::list::{Cell, Tone};
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
        "unknown" => (Tone::Bad, "Unknown: the relay got it and did not say whether it took it"),
        "suppressed" => (Tone::Plain, "Not sent: the address is suppressed"),
        "dropped" => (Tone::Plain, "Not sent: nobody has that name"),
        _ => (Tone::Bad, "Refused"),
    };
    Cell::Status(tone, words.to_owned())
}

/// `GET /console/email/outbox`
pub async fn list(desk: Desk) -> Answered {
    let list = List {
        here: HERE.to_owned(),
        caption: "Messages",
        called: ("message", "messages"),
        columns: &["Message", "To", "State", "Attempts", "Answer", "Accepted"],
        source: Source {
            service: Service::Postern,
            operation: "ListMessages",
            input: json!({}),
            items: "Messages",
            limit: ("MaxResults", 100),
            token: "NextToken",
        },
        finds: Finds::Nothing,
        make: Some(("/console/email/test".to_owned(), "Send a test email")),
        empty: "Nothing was sent yet.",
        command: "aws sesv2 send-email …".to_owned(),
        all: None,
        live_s: Some(LOOK_EVERY_S),
    };
    let listed = desk.list(list, |message| {
        vec![
            Cell::words(text(message, "Purpose")),
            Cell::words(text(message, "Recipient")),
            state(message),
            Cell::words(counted(at(message, "Attempts").as_i64().unwrap_or_default())),
            Cell::words(text(message, "Reply")),
            time(message, "Created"),
        ]
    });
    let blocks = listed.await?.blocks(&desk, Vec::new());
    let lead = "Mails and text messages of the last seven days. A message is tried again while it is of use, and what it said is forgotten once it is sent.";
    desk.show(&Place::Below("/console/email", "Email"), "Outbox", lead, blocks)
}
