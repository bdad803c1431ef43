//! Reads the mails that the server hands over and gives each to whoever waits for it.

use anyhow::Result;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::unix::pipe::{OpenOptions, Receiver};
use tokio::sync::oneshot;

/// Digits of a sign-in code.
const CODE_DIGITS: usize = 8;

/// Who waits for mail, by address. Clones share it.
#[derive(Clone, Default)]
pub struct Mails(Arc<Mutex<HashMap<String, oneshot::Sender<String>>>>);

/// The parts of a mail that matter here.
#[derive(Deserialize)]
struct Mail<'a> {
    #[serde(borrow)]
    to: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

impl Mails {
    /// Begins to read a pipe.
    pub fn read(pipe: &Path) -> Result<Mails> {
        // Open for writing as well, so that it does not end when the server is started anew.
        let pipe = OpenOptions::new().read_write(true).open_receiver(pipe)?;
        let mails = Mails::default();
        tokio::spawn(mails.clone().hand_out(pipe));
        Ok(mails)
    }

    /// Gives the text of the next mail to an address. Ask before you cause the mail.
    pub fn expect(&self, address: &str) -> oneshot::Receiver<String> {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(address.to_owned(), sender);
        receiver
    }

    async fn hand_out(self, pipe: Receiver) {
        let mut lines = BufReader::with_capacity(1 << 16, pipe);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
            match serde_json::from_slice::<Mail>(&line) {
                Ok(mail) => {
                    let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&*mail.to);
                    if let Some(waiting) = waiting {
                        // Whoever waited may have given up.
                        let _ = waiting.send(mail.text.into_owned());
                    }
                }
                Err(fault) => eprintln!("a mail does not read: {fault}"),
            }
            line.clear();
        }
    }
}

/// Finds the code in a mail: the first run of exactly eight digits.
pub fn code(text: &str) -> Option<&str> {
    text.split(|letter: char| !letter.is_ascii_digit()).find(|run| run.len() == CODE_DIGITS)
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn a_code_is_eight_digits_and_no_more() {
        assert_eq!(code("It is 2026 and 123456789 is no code.\n\n    01234567\n"), Some("01234567"));
        assert_eq!(code("nothing at 14:03"), None);
    }
}
