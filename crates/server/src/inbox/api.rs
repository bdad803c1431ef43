//! The inbox for programs: list, wait for the next, one, delete. Messages are JSON with `id`, `to`, `from`, `subject`,
//! `text`, `html`, `code`, `created` (ISO 8601, UTC), `medium`, `parts` (of a text message), `purpose`, `facts` and
//! `read`, newest first.

use crate::app::App;
use crate::respond::json;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use postern_mail::address::Address;
use postern_mail::text::size;
use postern_mail::{Body, Caught, INBOX_MAX};
use postern_model::Timestamp;
use postern_pools::names::is_phone_number;
use serde::Deserialize;
use serde_json::{Value, json as value};
use std::time::Duration;
use tokio::time::timeout;

/// The longest wait of one request.
const WAIT_MAX_S: f64 = 60.0;
/// How long a mail may be under way from its sign-in to the inbox.
const UNDER_WAY: Duration = Duration::from_millis(300);

pub fn routes() -> Router<App> {
    Router::new()
        .route("/inbox/api/messages", get(list).delete(clear))
        .route("/inbox/api/messages/{id}", get(one).delete(delete))
        .route("/inbox/api/replies", post(reply))
}

#[derive(Deserialize)]
struct Asked {
    /// Only what this address or number got.
    to: Option<String>,
    /// Seconds to wait for something new: newer than `after` or, without it, not read by anybody yet.
    wait: Option<f64>,
    /// Only what came after the message of this id.
    after: Option<String>,
}

/// Whose messages are asked for.
enum Recipient {
    Mailbox(Address),
    Telephone(String),
}

impl Recipient {
    /// Reads an address, or a number. A `+` that was not encoded came as a space.
    fn parse(text: &str) -> Result<Recipient, &'static str> {
        let number = text.strip_prefix(' ').map_or_else(|| text.to_owned(), |rest| format!("+{rest}"));
        if is_phone_number(&number) {
            return Ok(Recipient::Telephone(number));
        }
        Address::parse(text).map(Recipient::Mailbox).map_err(|fault| fault.words())
    }
}

/// Lists messages. With `wait` it answers as soon as there is a new one; when the time is up, with what is there.
async fn list(State(app): State<App>, Query(asked): Query<Asked>) -> Response {
    let to = match asked.to.as_deref().map(Recipient::parse).transpose() {
        Ok(to) => to,
        Err(words) => return problem(StatusCode::BAD_REQUEST, words),
    };
    let wait = asked.wait.filter(|wait| wait.is_finite()).unwrap_or(0.0).clamp(0.0, WAIT_MAX_S);
    // Followed from before the first look, so that nothing slips between.
    let mut watch = app.mail.watch_inbox();
    let find = async || -> anyhow::Result<Vec<Caught>> {
        let found = match &to {
            Some(Recipient::Mailbox(address)) => app.mail.inbox_of(address, INBOX_MAX).await?,
            Some(Recipient::Telephone(number)) => app.mail.inbox_of_number(number, INBOX_MAX).await?,
            None => app.mail.inbox(None, INBOX_MAX).await?,
        };
        Ok(match &asked.after {
            Some(after) => found.into_iter().take_while(|mail| mail.id != *after).collect(),
            None => found,
        })
    };
    // A mail under way may be the one that is waited for: it is given a moment.
    let settled =
        async || -> anyhow::Result<bool> { Ok(app.store.read(|tx| tx.next_mail()).await?.is_none()) };
    let is_new = |mails: &[Caught]| match asked.after {
        Some(_) => !mails.is_empty(),
        None => mails.iter().any(|mail| !mail.seen),
    };
    let waiting = async {
        let mut patience = UNDER_WAY;
        loop {
            let is_settled = patience.is_zero() || settled().await?;
            let found = find().await?;
            let is_new = is_new(&found);
            if is_new && is_settled {
                return Ok(found);
            }
            // Lagging behind is no harm: the next look finds everything.
            let news = async {
                if !is_new {
                    let _ = watch.recv().await;
                } else if timeout(patience, watch.recv()).await.is_err() {
                    patience = Duration::ZERO;
                }
            };
            tokio::select! {
                () = news => {}
                () = app.ended() => return Ok(found),
            }
        }
    };
    let found = match timeout(Duration::from_secs_f64(wait), waiting).await {
        Ok(found) => found,
        Err(_) => find().await,
    };
    let found = match found {
        Ok(found) => found,
        Err(cause) => return failed(&cause),
    };
    if wait > 0.0 {
        // Handed out: the next wait is for another one.
        for mail in found.iter().filter(|mail| !mail.seen) {
            if let Err(cause) = app.mail.open_in_inbox(&mail.id).await {
                return failed(&cause);
            }
        }
    }
    json(StatusCode::OK, &found.iter().map(shown).collect())
}

/// What a telephone texts back.
#[derive(Deserialize)]
struct Texted {
    from: String,
    text: String,
}

/// Takes in a text that somebody sends back: `STOP` opts the number out.
async fn reply(State(app): State<App>, body: Bytes) -> Response {
    let Ok(Texted { from, text }) = serde_json::from_slice(&body) else {
        return problem(StatusCode::BAD_REQUEST, "A reply is JSON with from and text.");
    };
    if !is_phone_number(&from) {
        return problem(StatusCode::BAD_REQUEST, "from is not a phone number.");
    }
    match app.mail.text_came_in(&from, &text).await {
        Ok(opted_out) => json(StatusCode::OK, &value!({ "optedOut": opted_out })),
        Err(cause) => failed(&cause),
    }
}

async fn one(State(app): State<App>, Path(id): Path<String>) -> Response {
    match app.mail.open_in_inbox(&id).await {
        Ok(Some(mail)) => json(StatusCode::OK, &shown(&mail)),
        Ok(None) => problem(StatusCode::NOT_FOUND, "There is no such message."),
        Err(cause) => failed(&cause),
    }
}

async fn delete(State(app): State<App>, Path(id): Path<String>) -> Response {
    match app.mail.delete_from_inbox(&id).await {
        Ok(true) => json(StatusCode::OK, &value!({ "deleted": 1 })),
        Ok(false) => problem(StatusCode::NOT_FOUND, "There is no such message."),
        Err(cause) => failed(&cause),
    }
}

async fn clear(State(app): State<App>) -> Response {
    match app.mail.clear_inbox().await {
        Ok(count) => json(StatusCode::OK, &value!({ "deleted": count })),
        Err(cause) => failed(&cause),
    }
}

fn shown(mail: &Caught) -> Value {
    let shown = mail.shown();
    value!({
        "id": mail.id,
        "to": mail.letter.to(),
        "from": shown.from,
        "subject": shown.subject,
        "text": shown.text,
        "html": shown.html,
        "code": mail.letter.code,
        "created": Timestamp(mail.created.ms()).iso8601(),
        "medium": match &mail.letter.body {
            Body::Mail { .. } => "EMAIL",
            Body::Text(_) => "SMS",
        },
        "parts": match &mail.letter.body {
            Body::Mail { .. } => None,
            Body::Text(text) => Some(size(&text.text).parts),
        },
        "purpose": mail.letter.purpose,
        "facts": mail.letter.facts,
        "read": mail.seen,
        "used": mail.used,
    })
}

fn problem(status: StatusCode, words: &str) -> Response {
    json(status, &value!({ "message": words }))
}

fn failed(cause: &anyhow::Error) -> Response {
    tracing::error!(cause = format!("{cause:#}"), "the inbox could not be read");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong.")
}
