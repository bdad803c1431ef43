//! The suppression list: addresses that nothing is sent to, since they bounced or complained.

use super::desk::{Answered, Change, Desk, Stopped, text};
use super::lists::{By, Finds, List, Source};
use super::menu::Place;
use super::pools::time;
use crate::pages::console::Block as _;
use crate::pages::console::field::{Choice, Field, Input};
use crate::pages::console::form::Form;
use crate::pages::console::list::Cell;
use crate::pages::console::parts::{Button, Buttons, Fact, Facts};
use axum::extract::Path;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_model::sesv2::errors::NotFoundException;
use postern_model::{Service, refusal};
use serde_json::json;

const EMAIL: &str = "/console/email";
const HERE: &str = "/console/email/suppressions";

/// The page of an address, which does not stand in the open in the address bar.
fn page_of(address: &str) -> String {
    format!("{HERE}/{}", BASE64URL.encode(address))
}

fn named(desk: &Desk, encoded: &str) -> Result<String, Stopped> {
    let name = BASE64URL.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| desk.stopped(refusal(NotFoundException, "There is no such address on the list.")))
}

fn why(reason: &str) -> &'static str {
    match reason {
        "BOUNCE" => "Mail to it bounced",
        _ => "Its owner complained",
    }
}

/// `GET /console/email/suppressions`
pub async fn list(desk: Desk) -> Answered {
    let list = List {
        here: HERE.to_owned(),
        caption: "Suppressed addresses",
        called: ("address", "addresses"),
        columns: &["Address", "Why", "Since"],
        source: Source {
            service: Service::SesV2,
            operation: "ListSuppressedDestinations",
            input: json!({}),
            items: "SuppressedDestinationSummaries",
            limit: ("PageSize", 100),
            token: "NextToken",
        },
        finds: Finds::By(By {
            typed: &[],
            label: "",
            offers: &[
                ("reason", "BOUNCE", "Mail to it bounced"),
                ("reason", "COMPLAINT", "Its owner complained"),
            ],
            several: false,
            ask: |input, _, reason| input["Reasons"] = json!([reason]),
        }),
        make: Some((format!("{HERE}/new"), "Add address")),
        empty: "No address is suppressed. Add those that mail bounces from, and those whose owners do not want it.",
        command: "aws sesv2 put-suppressed-destination --email-address gone@example.com --reason BOUNCE"
            .to_owned(),
        all: None,
        live_s: None,
    };
    let listed = desk.list(list, |one| {
        let address = text(one, "EmailAddress");
        vec![
            Cell::link(page_of(address), address),
            Cell::words(why(text(one, "Reason"))),
            time(one, "LastUpdateTime"),
        ]
    });
    let blocks = listed.await?.blocks(&desk, Vec::new());
    let lead = "Mail to these addresses is accepted and not sent, so that the sender keeps its good name.";
    desk.show(&Place::Below(EMAIL, "Email"), "Suppression list", lead, blocks)
}

/// `GET /console/email/suppressions/new`
pub async fn ask_new(desk: Desk) -> Answered {
    let reasons = [("BOUNCE", "Mail to it bounces"), ("COMPLAINT", "Its owner does not want mail")];
    let reasons = reasons.map(|(value, label)| Choice::new(value, label, value == "BOUNCE"));
    let fields = vec![
        Field::line_of("email", "address", "Email address", "").api("EmailAddress"),
        Field::new("reason", "Why", Input::Radios(reasons.into())).api("Reason"),
    ];
    let form = Form::new(format!("{HERE}/new"), &desk.csrf(), "Add address", fields).cancel(HERE);
    desk.show(&Place::Below(HERE, "Suppression list"), "Add address", "", vec![desk.put(form)])
}

/// `POST /console/email/suppressions/new`
pub async fn put(desk: Desk) -> Answered {
    desk.change(Change {
        service: Service::SesV2,
        operation: "PutSuppressedDestination",
        input: json!({ "EmailAddress": desk.typed("address"), "Reason": desk.typed("reason") }),
        words: "Address added",
        done: HERE.to_owned(),
        form: format!("{HERE}/new"),
    })
    .await
}

/// `GET /console/email/suppressions/{address}`
pub async fn one(Path(encoded): Path<String>, desk: Desk) -> Answered {
    let address = named(&desk, &encoded)?;
    let asked = json!({ "EmailAddress": address });
    let found = desk.read(Service::SesV2, "GetSuppressedDestination", asked).await?;
    let facts = vec![
        Fact::words("Why", "Reason", why(text(&found, "SuppressedDestination.Reason"))),
        Fact::new("Since", "LastUpdateTime", vec![time(&found, "SuppressedDestination.LastUpdateTime")]),
    ];
    let facts = Facts { title: "Suppressed address".to_owned(), hint: String::new(), facts, edit_href: None };
    let button = Button::post(format!("{}/delete", page_of(&address)), "Take off the list", &[]);
    let buttons = Buttons { csrf: desk.csrf(), buttons: vec![button] };
    let blocks = vec![facts.html(), buttons.html()];
    desk.show(&Place::Below(HERE, "Suppression list"), &address, "", blocks)
}

/// `POST /console/email/suppressions/{address}/delete`
pub async fn take_off(Path(encoded): Path<String>, desk: Desk) -> Answered {
    let address = named(&desk, &encoded)?;
    desk.change(Change {
        service: Service::SesV2,
        operation: "DeleteSuppressedDestination",
        form: page_of(&address),
        input: json!({ "EmailAddress": address }),
        words: "Address taken off the list",
        done: HERE.to_owned(),
    })
    .await
}
