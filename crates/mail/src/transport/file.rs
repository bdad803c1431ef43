//! Writes each mail as one line of JSON to a file or pipe, for test rigs and programs that read along.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Mutex;

use super::{Delivery, Parcel};

/// A file that mails are appended to; opened at the first mail, and again after a fault.
#[derive(Clone)]
pub struct FileSink {
    path: Arc<PathBuf>,
    file: Arc<Mutex<Option<File>>>,
}

impl FileSink {
    /// Names the file; nothing is opened yet.
    pub fn new(path: impl Into<PathBuf>) -> FileSink {
        FileSink { path: Arc::new(path.into()), file: Arc::default() }
    }

    pub(super) async fn deliver(&self, parcel: &Parcel<'_>) -> Delivery {
        match self.append(&line(parcel)).await {
            Ok(()) => Delivery::Accepted { reply: "written to the file".to_owned() },
            Err(why) => Delivery::Later { reply: format!("the file could not be written: {why}") },
        }
    }

    async fn append(&self, line: &str) -> std::io::Result<()> {
        let mut held = self.file.lock().await;
        let mut file = match held.take() {
            Some(file) => file,
            None => OpenOptions::new().create(true).append(true).open(self.path.as_path()).await?,
        };
        file.write_all(line.as_bytes()).await?;
        file.flush().await?;
        *held = Some(file);
        Ok(())
    }
}

fn line(parcel: &Parcel<'_>) -> String {
    let created = OffsetDateTime::from_unix_timestamp_nanos(i128::from(parcel.created.ms()) * 1_000_000)
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok());
    let line = json!({
        "id": parcel.id,
        "to": parcel.to.spelling(),
        "from": parcel.shown.from,
        "subject": parcel.shown.subject,
        "text": parcel.shown.text,
        "html": parcel.shown.html,
        "created": created,
    });
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use postern_store::Timestamp;

    use super::super::Shown;
    use super::*;
    use crate::address::Address;

    #[tokio::test]
    async fn each_mail_is_one_line() {
        let folder = std::env::temp_dir().join(format!("postern-file-sink-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("mails.jsonl");
        let sink = FileSink::new(&path);
        let address = Address::parse("alice@example.com").expect("an address");
        let shown =
            Shown { subject: "A\nB".to_owned(), text: Some("12345678".to_owned()), ..Shown::default() };
        let parcel = Parcel {
            id: "m-1",
            from: &address,
            to: &address,
            bytes: &[],
            shown: &shown,
            created: Timestamp::from_ms(1_700_000_000_123),
            now: Timestamp::from_ms(1_700_000_000_123),
            patience: Duration::from_secs(1),
        };
        for _ in 0..2 {
            assert!(matches!(sink.deliver(&parcel).await, Delivery::Accepted { .. }));
        }
        let text = std::fs::read_to_string(&path).expect("the file");
        assert_eq!(text.lines().count(), 2);
        let read: serde_json::Value =
            serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
        assert_eq!(read["to"], "alice@example.com");
        assert_eq!(read["created"], "2023-11-14T22:13:20.123Z");
        std::fs::remove_dir_all(&folder).expect("tidied");

        let nowhere = FileSink::new(folder.join("gone").join("mails.jsonl"));
        assert!(matches!(nowhere.deliver(&parcel).await, Delivery::Later { .. }));
    }
}
