//! The inbox for people: the list and one mail opened, with forms that work without script.

use crate::app::{App, fresh_request_id};
use crate::pages::inbox::{BODY_POLICY, CodeState, INBOX_POLICY, Inbox, Message, MessageList, Row, Tab};
use crate::pages::moment::Moment;
use crate::pages::problem::{Problem, Trouble};
use crate::pages::words::Language;
use crate::pages::{Frame, Page as _};
use crate::respond::{page, page_under, with_header};
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{LOCATION, X_FRAME_OPTIONS};
use axum::response::Response;
use axum::routing::{get, post};
use postern_mail::address::{Address, Mailbox};
use postern_mail::text::{Encoding, size};
use postern_mail::{Body, Caught, Draft, INBOX_MAX, Sender, message};
use postern_store::{Keys, Purpose, Timestamp};
use serde::Deserialize;

/// Links of a mail that become buttons.
const LINKS_MAX: usize = 5;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/inbox", get(all))
        .route("/inbox/list", get(list))
        .route("/inbox/clear", post(clear))
        .route("/inbox/test", post(send_test))
        .route("/inbox/newest", get(newest))
        .route("/inbox/{id}", get(one))
        .route("/inbox/{id}/body", get(body))
        .route("/inbox/{id}/delete", post(delete))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    view: String,
    #[serde(default)]
    open: String,
}

#[derive(Deserialize)]
struct Signed {
    #[serde(default)]
    csrf: String,
}

async fn all(State(app): State<App>, Query(asked): Query<Asked>) -> Response {
    let shown = list_of(&app, &asked.q, None).await;
    shown.map_or_else(failed, |list| show(Inbox { list, message: None, tab: Tab::default() }))
}

async fn list(State(app): State<App>, Query(asked): Query<Asked>) -> Response {
    let open = Some(asked.open).filter(|open| !open.is_empty());
    let shown = list_of(&app, &asked.q, open).await;
    shown.map_or_else(failed, |list| page_under(INBOX_POLICY, StatusCode::OK, list.render()))
}

async fn one(State(app): State<App>, Path(id): Path<String>, Query(asked): Query<Asked>) -> Response {
    let mail = match app.mail.open_in_inbox(&id).await {
        Ok(Some(mail)) => mail,
        Ok(None) => return missing(),
        Err(cause) => return failed(cause),
    };
    match list_of(&app, &asked.q, Some(id)).await {
        Ok(list) => {
            show(Inbox { list, message: Some(opened(&mail, app.clock.now())), tab: Tab::parse(&asked.view) })
        }
        Err(cause) => failed(cause),
    }
}

#[derive(Deserialize)]
struct Whose {
    to: String,
}

/// Leads to the newest mail to somebody, whichever that is when it is asked for.
async fn newest(State(app): State<App>, Query(whose): Query<Whose>) -> Response {
    let mails = match app.mail.inbox(None, INBOX_MAX).await {
        Ok(mails) => mails,
        Err(cause) => return failed(cause),
    };
    let to = whose.to.trim();
    let found = mails.iter().find(|mail| mail.letter.to().eq_ignore_ascii_case(to));
    found.map_or_else(missing, |mail| lead_to(&format!("/inbox/{}", mail.id)))
}

/// A mail's own HTML, under a policy that lets it do nothing.
async fn body(State(app): State<App>, Path(id): Path<String>) -> Response {
    match app.mail.open_in_inbox(&id).await {
        Ok(Some(mail)) => match mail.shown().html {
            Some(html) => {
                let response = page_under(BODY_POLICY, StatusCode::OK, html);
                with_header(response, X_FRAME_OPTIONS, "SAMEORIGIN")
            }
            None => missing(),
        },
        Ok(None) => missing(),
        Err(cause) => failed(cause),
    }
}

async fn delete(State(app): State<App>, Path(id): Path<String>, Form(form): Form<Signed>) -> Response {
    if !is_ours(&app, &form) {
        return missing();
    }
    app.mail.delete_from_inbox(&id).await.map_or_else(failed, |_| back())
}

async fn clear(State(app): State<App>, Form(form): Form<Signed>) -> Response {
    if !is_ours(&app, &form) {
        return missing();
    }
    app.mail.clear_inbox().await.map_or_else(failed, |_| back())
}

/// Sends a mail from the house to somebody, the way every mail goes.
async fn send_test(State(app): State<App>, Form(form): Form<Signed>) -> Response {
    if !is_ours(&app, &form) {
        return missing();
    }
    let (mail, now) = (app.mail.clone(), app.clock.now());
    let sent = app.store.write(move |tx| {
        let to = Address::parse("test@example.com").map_err(|fault| anyhow::anyhow!(fault.words()))?;
        let message = message::Message {
            from: mail.settings().default_sender.clone(),
            to: vec![Mailbox { name: None, address: to }],
            subject: "A test email".to_owned(),
            text: Some("It works: mail is caught here instead of being sent.\n".to_owned()),
            language: Some("en".to_owned()),
            html: None,
            automatic: true,
            cc: Vec::new(),
            reply_to: Vec::new(),
            headers: Vec::new(),
        };
        let queued = mail.send(tx, &Sender::House, &Draft::new(message, "Test email"), now);
        queued.map(drop).map_err(|unsent| anyhow::anyhow!("{}", unsent.words()))
    });
    sent.await.map_or_else(failed, |()| back())
}

async fn list_of(app: &App, query: &str, open: Option<String>) -> anyhow::Result<MessageList> {
    let mails = app.mail.inbox(None, INBOX_MAX).await?;
    let wanted = query.trim().to_lowercase();
    let rows = mails.iter().filter(|mail| matches(mail, &wanted)).map(|mail| Row {
        id: mail.id.clone(),
        to: mail.letter.to(),
        subject: mail.shown().subject,
        kind: mail.letter.purpose.clone(),
        code: mail.letter.code.clone(),
        created: Moment(mail.created),
        seen: mail.seen,
    });
    Ok(MessageList {
        rows: rows.collect(),
        query: query.to_owned(),
        open,
        sign_in_href: app.settings.development.demo.then(|| crate::login::DEMO_PATH.to_owned()),
        test_action: Some("/inbox/test".to_owned()),
        csrf: csrf(app.store.keys()),
    })
}

fn matches(mail: &Caught, wanted: &str) -> bool {
    let shown = mail.shown();
    let texts = [Some(mail.letter.to()), Some(shown.subject), shown.text, mail.letter.code.clone()];
    wanted.is_empty() || texts.into_iter().flatten().any(|text| text.to_lowercase().contains(wanted))
}

/// Begins a fact's name as a sentence begins.
fn titled(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn opened(mail: &Caught, now: Timestamp) -> Message {
    let shown = mail.shown();
    let source = mail.source();
    let text = shown.text.unwrap_or_default();
    let links =
        text.split_whitespace().filter(|word| word.starts_with("http://") || word.starts_with("https://"));
    Message {
        id: mail.id.clone(),
        from: shown.from,
        to: mail.letter.to(),
        subject: shown.subject,
        kind: mail.letter.purpose.clone(),
        code: mail.letter.code.clone(),
        code_state: mail.letter.expires_ms.filter(|_| mail.letter.code.is_some()).map(|ms| {
            let until = Timestamp::from_ms(ms);
            match mail.used {
                true => CodeState::Used,
                false if now < until => CodeState::Works { until: Moment(until) },
                false => CodeState::Expired,
            }
        }),
        created: Moment(mail.created),
        facts: facts(mail),
        links: links.take(LINKS_MAX).map(str::to_owned).collect(),
        has_html: shown.html.is_some(),
        headers: headers(&source),
        text,
        source,
    }
}

/// What is known about a message; of a text also what it costs to send.
fn facts(mail: &Caught) -> Vec<(String, String)> {
    let mut facts: Vec<(String, String)> =
        mail.letter.facts.iter().map(|(name, value)| (titled(name), value.clone())).collect();
    if let Body::Text(text) = &mail.letter.body {
        let size = size(&text.text);
        let alphabet = match size.encoding {
            Encoding::Gsm7 => "GSM 7-bit",
            Encoding::Ucs2 => "UCS-2",
        };
        facts.push(("Parts".to_owned(), format!("{} ({alphabet})", size.parts)));
    }
    facts
}

/// The header fields of a message, unfolded (RFC 5322 §2.2.3).
fn headers(source: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in source.lines().take_while(|line| !line.is_empty()) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.to_owned(), value.trim().to_owned()));
        }
    }
    fields
}

/// The inbox knows no sessions; its forms carry what only its own pages can read.
fn csrf(keys: &Keys) -> String {
    hex::encode(&keys.mac(Purpose::Handle, &[b"inbox forms"])[..16])
}

fn is_ours(app: &App, form: &Signed) -> bool {
    let own = csrf(app.store.keys());
    aws_lc_rs::constant_time::verify_slices_are_equal(own.as_bytes(), form.csrf.as_bytes()).is_ok()
}

fn show(inbox: Inbox) -> Response {
    page_under(INBOX_POLICY, StatusCode::OK, inbox.render())
}

fn back() -> Response {
    lead_to("/inbox")
}

fn lead_to(path: &str) -> Response {
    with_header(page(StatusCode::SEE_OTHER, String::new()), LOCATION, path)
}

fn missing() -> Response {
    problem(StatusCode::NOT_FOUND, Trouble::NotFound, String::new())
}

fn failed(cause: anyhow::Error) -> Response {
    let reference = fresh_request_id();
    tracing::error!(reference, cause = format!("{cause:#}"), "the inbox could not be shown");
    problem(StatusCode::INTERNAL_SERVER_ERROR, Trouble::Fault, reference)
}

fn problem(status: StatusCode, trouble: Trouble, reference: String) -> Response {
    let frame = Frame::new(Language::English, "Inbox", "localhost");
    page(status, Problem { frame, trouble, reference }.render())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_headers_are_one_field_each() {
        let source = "From: a@example.com\r\nSubject: one\r\n two\r\n\r\nBody: not a header\r\n";
        let fields = [("From", "a@example.com"), ("Subject", "one two")];
        assert_eq!(headers(source), fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
