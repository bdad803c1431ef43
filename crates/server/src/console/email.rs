//! Email: who mail can be sent as and what still proves it, what the account may send, and a mail to try it.

use super::desk::{Answered, Change, Desk, at, items, text};
use super::lists::{Finds, List, Source};
use super::menu::Place;
use super::pools::{counted, time};
use super::{asked_for_name, deletion};
use crate::pages::console::field::{Choice, Field, Input};
use crate::pages::console::form::Form;
use crate::pages::console::list::{Cell, Table, Tone};
use crate::pages::console::parts::{Button, Buttons, Fact, Facts, Numbers, Said};
use crate::pages::console::{Block, Html};
use axum::extract::Path;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_mail::address::Mailbox;
use postern_model::sesv2::errors::NotFoundException;
use postern_model::{Document, Service, refusal};
use serde_json::json;

const HERE: &str = "/console/email";
/// How often a page looks at records that are awaited, in seconds.
const LOOK_EVERY_S: u32 = 5;

/// The page of an identity. Its name may be somebody's address, so it does not stand in the open in the address bar.
fn page_of(name: &str) -> String {
    format!("{HERE}/identities/{}", BASE64URL.encode(name))
}

fn named(desk: &Desk, encoded: &str) -> Result<String, super::desk::Stopped> {
    let name = BASE64URL.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| desk.stopped(refusal(NotFoundException, "There is no such identity.")))
}

/// What is said where a verified identity is needed and none is there.
pub fn no_identity() -> Html {
    Said {
        tone: Tone::Waiting,
        words: "No address or domain is verified yet.".to_owned(),
        way: Some((format!("{HERE}/new"), "Create identity".to_owned())),
    }
    .html()
}

fn status(identity: &Document) -> Cell {
    let (tone, words) = match text(identity, "VerificationStatus") {
        "SUCCESS" => (Tone::Good, "Verified"),
        "TEMPORARY_FAILURE" => (Tone::Waiting, "Verified; its records were not found at the last look"),
        "FAILED" => (Tone::Bad, "Not verified in time"),
        _ => (Tone::Waiting, "Waiting for proof"),
    };
    Cell::Status(tone, words.to_owned())
}

/// `GET /console/email`
pub async fn all(desk: Desk) -> Answered {
    let account = desk.read(Service::SesV2, "GetAccount", json!({})).await?;
    let is_out = account["ProductionAccessEnabled"] == true;
    let number = |way: &str| at(&account, way).as_f64().unwrap_or_default() as i64;
    let limit = |number: i64| if number < 0 { "no limit".to_owned() } else { counted(number) };
    let review = text(&account, "Details.ReviewDetails.Status");
    let sandbox = match (is_out, review) {
        (true, _) => Said {
            tone: Tone::Good,
            words: "Production access: mail goes to everybody.".to_owned(),
            way: None,
        },
        (false, "PENDING") => Said {
            tone: Tone::Waiting,
            words: "Sandbox. A request for production access waits for whoever runs this server.".to_owned(),
            way: None,
        },
        (false, "DENIED") => Said {
            tone: Tone::Waiting,
            words:
                "Sandbox: mail goes to verified addresses only. The request for production access was denied."
                    .to_owned(),
            way: Some((format!("{HERE}/production"), "Request production access".to_owned())),
        },
        _ => Said {
            tone: Tone::Waiting,
            words: "Sandbox: mail goes to verified addresses only, at most 200 in 24 hours and 1 a second."
                .to_owned(),
            way: Some((format!("{HERE}/production"), "Request production access".to_owned())),
        },
    };
    let numbers = Numbers {
        numbers: vec![
            (counted(number("SendQuota.SentLast24Hours")), "sent in the last 24 hours".to_owned()),
            (limit(number("SendQuota.Max24HourSend")), "may be sent in 24 hours".to_owned()),
            (limit(number("SendQuota.MaxSendRate")), "may be sent a second".to_owned()),
        ],
    };
    let list = List {
        here: HERE.to_owned(),
        caption: "Identities",
        called: ("identity", "identities"),
        columns: &["Identity", "Kind", "Status"],
        source: Source {
            service: Service::SesV2,
            operation: "ListEmailIdentities",
            input: json!({}),
            items: "EmailIdentities",
            limit: ("PageSize", 100),
            token: "NextToken",
        },
        finds: Finds::Whole,
        make: Some((format!("{HERE}/new"), "Create identity")),
        empty: "An identity is an address or a domain that mail can be sent as, once it is proved to be yours.",
        command: "aws sesv2 create-email-identity --email-identity codes@example.com".to_owned(),
        all: None,
        live_s: None,
    };
    let listed = desk.list(list, |identity| {
        let name = text(identity, "IdentityName");
        let kind = if text(identity, "IdentityType") == "EMAIL_ADDRESS" { "Email address" } else { "Domain" };
        vec![Cell::link(page_of(name), name), Cell::words(kind), status(identity)]
    });
    let buttons = vec![
        Button::link(format!("{HERE}/test"), "Send a test email"),
        Button::link(format!("{HERE}/outbox"), "Outbox"),
        Button::link(format!("{HERE}/suppressions"), "Suppression list"),
    ];
    let mut blocks = vec![sandbox.html()];
    if review == "PENDING" {
        blocks.extend(request_to_review(&desk, &account));
    }
    blocks.push(numbers.html());
    blocks.extend(listed.await?.blocks(&desk, buttons));
    desk.show(&Place::Top(HERE), "Email", "", blocks)
}

/// What was asked for, and the two answers to it.
fn request_to_review(desk: &Desk, account: &Document) -> [Html; 2] {
    let fact = |label, api, way| Fact::words(label, api, text(account, way));
    let facts = Facts {
        title: "Request for production access".to_owned(),
        hint: String::new(),
        facts: vec![
            fact("Mail type", "MailType", "Details.MailType"),
            fact("Website URL", "WebsiteURL", "Details.WebsiteURL"),
            fact("What mail, and to whom", "UseCaseDescription", "Details.UseCaseDescription"),
        ],
        edit_href: None,
    };
    let buttons = vec![
        Button::post(format!("{HERE}/review/approve"), "Approve", &[]).main(),
        Button::link(format!("{HERE}/review/deny"), "Deny"),
    ];
    [facts.html(), Buttons { csrf: desk.csrf(), buttons }.html()]
}

/// `POST /console/email/review/approve`
pub async fn approve(desk: Desk) -> Answered {
    review(&desk, json!({ "Decision": "GRANT" }), "Production access granted", HERE).await
}

/// `GET /console/email/review/deny`
pub async fn ask_deny(desk: Desk) -> Answered {
    let reason = Field::lines("reason", "Reason", 4, "")
        .api("Reason")
        .hint("Mailed to the contact addresses of the request, if it names any.");
    let form = Form::new(format!("{HERE}/review/deny"), &desk.csrf(), "Deny", vec![reason]).cancel(HERE);
    let lead = "Mail goes to verified addresses only, until a later request is approved.";
    desk.show(&Place::Below(HERE, "Email"), "Deny production access", lead, vec![desk.put(form)])
}

/// `POST /console/email/review/deny`
pub async fn deny(desk: Desk) -> Answered {
    let mut input = json!({ "Decision": "DENY" });
    if !desk.typed("reason").is_empty() {
        input["Reason"] = desk.typed("reason").into();
    }
    review(&desk, input, "Production access denied", &format!("{HERE}/review/deny")).await
}

async fn review(desk: &Desk, input: Document, words: &str, form: &str) -> Answered {
    desk.change(Change {
        service: Service::Postern,
        operation: "ReviewProductionAccess",
        input,
        words,
        done: HERE.to_owned(),
        form: form.to_owned(),
    })
    .await
}

/// `GET /console/email/new`
pub async fn ask_new(desk: Desk) -> Answered {
    let field = Field::line("identity", "Email address or domain", "").api("EmailIdentity").hint(
        "An address gets a mail with a link to prove it. A domain is proved by DNS records, and lets you send as any address of it.",
    );
    let form = Form::new(format!("{HERE}/new"), &desk.csrf(), "Create identity", vec![field]).cancel(HERE);
    desk.show(&Place::Below(HERE, "Email"), "Create identity", "", vec![desk.put(form)])
}

/// `POST /console/email/new`
pub async fn make(desk: Desk) -> Answered {
    let name = desk.typed("identity").to_owned();
    let words = if name.contains('@') {
        "Identity created. Open the link in the mail to prove it."
    } else {
        "Identity created. Publish its records to prove it."
    };
    desk.change(Change {
        service: Service::SesV2,
        operation: "CreateEmailIdentity",
        input: json!({ "EmailIdentity": name }),
        words,
        done: page_of(&name),
        form: format!("{HERE}/new"),
    })
    .await
}

/// `GET /console/email/identities/{name}`
pub async fn one(Path(encoded): Path<String>, desk: Desk) -> Answered {
    let name = named(&desk, &encoded)?;
    let identity = desk.read(Service::SesV2, "GetEmailIdentity", json!({ "EmailIdentity": name })).await?;
    let is_domain = text(&identity, "IdentityType") == "DOMAIN";
    let is_verified = text(&identity, "VerificationStatus") == "SUCCESS";
    let mail_from = text(&identity, "MailFromAttributes.MailFromDomain");
    let mail_from_status = text(&identity, "MailFromAttributes.MailFromDomainStatus");
    let asked = json!({ "EmailIdentity": name });
    let records = desk.look(Service::Postern, "ListIdentityRecords", asked).await?;
    let mut facts = vec![
        Fact::new("Status", "VerificationStatus", vec![status(&identity)]),
        Fact::words(
            "May send",
            "VerifiedForSendingStatus",
            if identity["VerifiedForSendingStatus"] == true { "Yes" } else { "No" },
        ),
    ];
    if is_domain {
        facts.push(Fact::new(
            "Last look at its records",
            "LastCheckedTimestamp",
            vec![time(&identity, "VerificationInfo.LastCheckedTimestamp")],
        ));
        let error = text(&identity, "VerificationInfo.ErrorType");
        if !error.is_empty() {
            facts.push(Fact::words("What that look found", "ErrorType", look_words(error)));
        }
    }
    if !mail_from.is_empty() {
        facts.push(Fact::words("MAIL FROM domain", "MailFromDomain", mail_from));
        facts.push(Fact::new("Its status", "MailFromDomainStatus", vec![mail_from_state(mail_from_status)]));
    }
    let facts = Facts { title: "Identity".to_owned(), hint: String::new(), facts, edit_href: None };
    let mut blocks = vec![facts.html()];
    let awaited = is_domain && !is_verified || mail_from_status == "PENDING";
    match &records {
        Ok(answer) if items(answer, "Records").is_empty() => {}
        Ok(answer) => blocks.push(records_to_publish(&desk, items(answer, "Records"), awaited)),
        Err(refusal) => blocks.push(desk.unseen(refusal)),
    }
    if !is_domain && !is_verified {
        blocks.push(
            Said {
                tone: Tone::Waiting,
                words: "A mail with a link went to this address. Opening it proves the address; it works for 24 hours.".to_owned(),
                way: desk.app.settings.development.inbox.then(|| ("/inbox".to_owned(), "Open the inbox".to_owned())),
            }
            .html(),
        );
    }
    let mut buttons = Vec::new();
    if is_domain || !mail_from.is_empty() {
        let here = page_of(&name);
        if desk.app.mail.settings().publishes_records {
            buttons.push(Button::post(format!("{here}/publish"), "Publish these records here", &[]));
        }
        buttons.push(Button::post(format!("{here}/check"), "Check now", &[]));
    }
    buttons.push(Button::link(format!("{HERE}/test?from={encoded}"), "Send a test email"));
    buttons.push(Button::link(format!("{}/delete", page_of(&name)), "Delete identity"));
    blocks.push(Buttons { csrf: desk.csrf(), buttons }.html());
    desk.show(&Place::Below(HERE, "Email"), &name, "", blocks)
}

fn mail_from_state(status: &str) -> Cell {
    let (tone, words) = match status {
        "SUCCESS" => (Tone::Good, "Its MX record stands"),
        "TEMPORARY_FAILURE" => (Tone::Waiting, "Its MX record was not found at the last look"),
        "FAILED" => (Tone::Bad, "Not found in time, or there is another MX record beside it"),
        _ => (Tone::Waiting, "Waiting for its MX record"),
    };
    Cell::Status(tone, words.to_owned())
}

/// The records of an identity and what the last look found of each; looked up again by the page while they are awaited.
fn records_to_publish(desk: &Desk, records: &[Document], awaited: bool) -> Html {
    let rows = records.iter().zip(1..).map(|(record, row)| {
        let copied = |what: &str, member: &str| Cell::Copy {
            id: format!("{what}-{row}"),
            text: text(record, member).to_owned(),
        };
        let state = match text(record, "State") {
            "" => Cell::Status(Tone::Plain, "Not looked for yet".to_owned()),
            "FOUND" => Cell::Status(Tone::Good, "Found".to_owned()),
            wrong => Cell::Status(Tone::Waiting, look_words(wrong).to_owned()),
        };
        vec![
            Cell::words(format!("{} {}", text(record, "Type"), text(record, "Purpose"))),
            copied("name", "Name"),
            copied("value", "Value"),
            state,
        ]
    });
    let columns = vec!["Record", "Name", "Value", "State"];
    let mut table = Table::new("DNS records to publish", columns, rows.collect());
    table.hint = "Publish these where the domain's records are kept. They are looked for every few seconds at first, and less often later.".to_owned();
    if awaited {
        table.live = Some(desk.live(LOOK_EVERY_S));
    }
    table.html()
}

/// `POST /console/email/identities/{name}/check`
pub async fn check(Path(encoded): Path<String>, desk: Desk) -> Answered {
    on_records(&desk, &encoded, "CheckIdentity", "Looked at its records").await
}

/// `POST /console/email/identities/{name}/publish`
pub async fn publish(Path(encoded): Path<String>, desk: Desk) -> Answered {
    on_records(&desk, &encoded, "PublishIdentityRecords", "Records published on this server").await
}

async fn on_records(desk: &Desk, encoded: &str, operation: &str, words: &str) -> Answered {
    let name = named(desk, encoded)?;
    let page = page_of(&name);
    desk.change(Change {
        service: Service::Postern,
        operation,
        input: json!({ "EmailIdentity": name }),
        words,
        done: page.clone(),
        form: page,
    })
    .await
}

fn look_words(error: &str) -> &'static str {
    match error {
        "HOST_NOT_FOUND" => "There is no record of that name yet.",
        "TYPE_NOT_FOUND" => "The name is there, and has no record of this type.",
        "INVALID_VALUE" => "The record is there, and says something else.",
        _ => "The name servers could not be asked.",
    }
}

/// `GET /console/email/identities/{name}/delete`
pub async fn ask_delete(Path(encoded): Path<String>, desk: Desk) -> Answered {
    let name = named(&desk, &encoded)?;
    let here = page_of(&name);
    let form = deletion(&desk, "identity", &name, &format!("{here}/delete"), &here);
    let lead = "Nothing can be sent as it any more. Pools that do will fail to send.";
    desk.show(&Place::Below(&here, &name), "Delete identity", lead, vec![form])
}

/// `POST /console/email/identities/{name}/delete`
pub async fn delete(Path(encoded): Path<String>, desk: Desk) -> Answered {
    let name = named(&desk, &encoded)?;
    let form = format!("{}/delete", page_of(&name));
    if let Err(error) = asked_for_name(desk.typed("confirm"), &name) {
        return desk.back(&form, error).await;
    }
    let (input, done) = (json!({ "EmailIdentity": name }), HERE.to_owned());
    let change = Change {
        service: Service::SesV2,
        operation: "DeleteEmailIdentity",
        input,
        words: "Identity deleted",
        done,
        form,
    };
    desk.change(change).await
}

/// `GET /console/email/production`
pub async fn ask_production(desk: Desk) -> Answered {
    let account = desk.read(Service::SesV2, "GetAccount", json!({})).await?;
    let kinds = [
        ("TRANSACTIONAL", "Transactional", "One mail to one person for something they did: codes are."),
        ("MARKETING", "Marketing", "The same mail to many."),
    ];
    let chosen = text(&account, "Details.MailType");
    let kinds = kinds.map(|(value, label, help)| {
        Choice::new(value, label, value == chosen || chosen.is_empty() && value == "TRANSACTIONAL").help(help)
    });
    let fields = vec![
        Field::new("kind", "Mail type", Input::Radios(kinds.into())).api("MailType"),
        Field::line_of("url", "site", "Website URL", text(&account, "Details.WebsiteURL")).api("WebsiteURL"),
        Field::lines(
            "use",
            "What mail do you send, and to whom?",
            4,
            text(&account, "Details.UseCaseDescription"),
        )
        .api("UseCaseDescription"),
    ];
    let form = Form::new(format!("{HERE}/production"), &desk.csrf(), "Submit request", fields).cancel(HERE);
    let lead = "In the sandbox mail goes to verified addresses only. The operator of this server grants the way out.";
    desk.show(&Place::Below(HERE, "Email"), "Request production access", lead, vec![desk.put(form)])
}

/// `POST /console/email/production`
pub async fn request_production(desk: Desk) -> Answered {
    let mut input = json!({
        "MailType": desk.typed("kind"),
        "WebsiteURL": desk.typed("site"),
        "ProductionAccessEnabled": true,
    });
    if !desk.typed("use").is_empty() {
        input["UseCaseDescription"] = desk.typed("use").into();
    }
    desk.change(Change {
        service: Service::SesV2,
        operation: "PutAccountDetails",
        input,
        words: "Production access requested",
        done: HERE.to_owned(),
        form: format!("{HERE}/production"),
    })
    .await
}

/// `GET /console/email/test`
pub async fn ask_test(desk: Desk) -> Answered {
    let listed = desk.read(Service::SesV2, "ListEmailIdentities", json!({ "PageSize": 1000 })).await?;
    let from = BASE64URL
        .decode(desk.asked("from"))
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default();
    let verified =
        items(&listed, "EmailIdentities").iter().filter(|identity| identity["SendingEnabled"] == true);
    let choices: Vec<Choice> = verified
        .map(|identity| {
            let name = text(identity, "IdentityName");
            let address = if name.contains('@') { name.to_owned() } else { format!("test@{name}") };
            Choice::new(&address, &address, name == from)
        })
        .collect();
    let mut blocks = Vec::new();
    if choices.is_empty() {
        blocks.push(no_identity());
    } else {
        let fields = vec![
            Field::new("from", "From", Input::Select(choices)).api("FromEmailAddress"),
            Field::line_of("email", "to", "To", "")
                .api("ToAddresses")
                .hint("In the sandbox, a verified address."),
        ];
        let form = Form::new(format!("{HERE}/test"), &desk.csrf(), "Send a test email", fields).cancel(HERE);
        blocks.push(desk.put(form));
    }
    desk.show(&Place::Below(HERE, "Email"), "Send a test email", "", blocks)
}

/// `POST /console/email/test`
pub async fn send_test(desk: Desk) -> Answered {
    let to = desk.typed("to").to_owned();
    let input = json!({
        "FromEmailAddress": desk.typed("from"),
        "Destination": { "ToAddresses": [to] },
        "Content": { "Simple": {
            "Subject": { "Data": "A test email" },
            "Body": { "Text": { "Data": "It works: this server can send mail to you.\n" } },
        } },
    });
    let masked = Mailbox::parse(&to).map_or_else(|_| "***".to_owned(), |mailbox| mailbox.address.masked());
    desk.change(Change {
        service: Service::SesV2,
        operation: "SendEmail",
        input,
        words: &format!("Test email on its way to {masked}"),
        done: HERE.to_owned(),
        form: format!("{HERE}/test"),
    })
    .await
}
