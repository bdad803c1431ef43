//! What became of messages, newest first. What they said is not told, and whom they are for only in part.

use postern_access::{Caller, Operations};
use postern_model::postern::errors::InvalidParameterException;
use postern_model::postern::{ListMessagesRequest, ListMessagesResponse, MessageType, op};
use postern_model::{Answer, Timestamp as Moment, refusal};
use postern_store::Timestamp;
use postern_store::mail::OutboxRow;

use crate::Mail;

/// Messages on a page unless the caller asks for fewer or more.
const PAGE: i64 = 50;

/// The operations of the server's own service that are about messages.
pub(super) fn own_operations() -> Operations<Mail> {
    Operations::new().on(op::ListMessages, Mail::list_messages)
}

impl Mail {
    /// Lists messages and what became of each.
    pub async fn list_messages(
        &self,
        _: &Caller,
        request: ListMessagesRequest,
    ) -> Answer<ListMessagesResponse> {
        let limit = request.max_results.unwrap_or(PAGE);
        let start = request.next_token.as_deref().map(start).transpose()?;
        let rows = self.store.read(move |tx| {
            let before = start.as_ref().map(|(time, id)| (*time, id.as_str()));
            tx.list_mails(before, limit)
        });
        let rows = rows.await?;
        let is_full = i64::try_from(rows.len()).is_ok_and(|count| count == limit);
        let last = rows.last().filter(|_| is_full);
        let next_token = last.map(|row| format!("{}.{}", row.created.ms(), row.id));
        Ok(ListMessagesResponse { next_token, messages: Some(rows.into_iter().map(shown).collect()) })
    }
}

/// Reads where a page begins.
fn start(token: &str) -> Answer<(Timestamp, String)> {
    let place = token.split_once('.').and_then(|(ms, id)| Some((Timestamp::from_ms(ms.parse().ok()?), id)));
    match place {
        Some((time, id)) => Ok((time, id.to_owned())),
        None => Err(refusal(InvalidParameterException, "NextToken is not one of this operation's.")),
    }
}

fn shown(row: OutboxRow) -> MessageType {
    MessageType {
        id: Some(row.id),
        purpose: Some(row.purpose),
        user_pool_id: row.pool_id,
        recipient: Some(row.recipient),
        state: Some(row.state),
        attempts: Some(row.attempts),
        next_attempt: row.next.map(|next| Moment(next.ms())),
        reply: Some(row.reply),
        not_after: Some(Moment(row.not_after.ms())),
        created: Some(Moment(row.created.ms())),
    }
}
