//! What a pool's log says of messages that did not reach people (Developer Guide, "Exporting logs from Amazon Cognito user
//! pools").

use anyhow::Result;
use postern_store::log_lines::LogSource;
use postern_store::{Timestamp, Tx};
use serde_json::json;

/// Writes to a pool's log, where it has one, that a message was not delivered. The details name nobody.
pub fn log_undelivered(tx: &mut Tx<'_>, pool_id: &str, details: &str, now: Timestamp) -> Result<()> {
    let line = json!({
        "eventTimestamp": now.ms().to_string(),
        "eventSource": "USER_NOTIFICATION",
        "logLevel": "ERROR",
        "message": { "details": details },
        "logSourceId": { "userPoolId": pool_id },
    });
    tx.add_log_line(pool_id, LogSource::UserNotification, &line.to_string(), now)
}
