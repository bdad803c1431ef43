//! Builds the bytes of a mail: headers that cannot be injected into, text and HTML in quoted-printable;
//! and takes over a raw message that a caller composed.

use mail_parser::MessageParser;
use postern_store::Timestamp;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::address::{BadAddress, Mailbox};
use crate::header::{self, Field};
use crate::transport::Shown;

/// Extra headers one message may carry, as SES allows.
pub const HEADERS_MAX: usize = 15;

/// Fields that we write ourselves or that may stand only once.
const OURS: [&str; 16] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Subject",
    "Date",
    "Message-ID",
    "Return-Path",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Language",
    "Auto-Submitted",
    "DKIM-Signature",
];

/// What one mail says, to whom, from whom.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    pub from: Mailbox,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub reply_to: Vec<Mailbox>,
    pub subject: String,
    pub text: Option<String>,
    pub html: Option<String>,
    pub language: Option<String>,
    /// Written by a program on somebody's request, so that nobody's absence notice answers it (RFC 3834).
    pub automatic: bool,
    pub headers: Vec<(String, String)>,
}

/// Why no mail can be made of this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadMessage {
    /// A header name or value that could break out of its line, or a field that is not the caller's to set.
    Header,
    Address(BadAddress),
    NoFrom,
    NoRecipient,
    Malformed,
}

impl BadMessage {
    /// Gives the sentence for the caller.
    pub fn words(self) -> &'static str {
        match self {
            BadMessage::Header => "Invalid header in the message.",
            BadMessage::Address(bad) => bad.words(),
            BadMessage::NoFrom => "Missing required header 'From'.",
            BadMessage::NoRecipient => "Missing required destination.",
            BadMessage::Malformed => "The message is malformed.",
        }
    }
}

impl From<BadAddress> for BadMessage {
    fn from(bad: BadAddress) -> Self {
        BadMessage::Address(bad)
    }
}

impl Message {
    /// Writes the mail. `id` names it and stays the same over retries, so that mailboxes can fold duplicates.
    pub fn bytes(&self, id: &str, now: Timestamp) -> Result<Vec<u8>, BadMessage> {
        self.check()?;
        let list = |boxes: &[Mailbox]| boxes.iter().map(Mailbox::header).collect::<Vec<_>>().join(", ");

        let mut head = header::line("Date", &date(now));
        head += &header::line("From", &self.from.header());
        if !self.to.is_empty() {
            head += &header::line("To", &list(&self.to));
        }
        if !self.cc.is_empty() {
            head += &header::line("Cc", &list(&self.cc));
        }
        if !self.reply_to.is_empty() {
            head += &header::line("Reply-To", &list(&self.reply_to));
        }
        head += &header::line("Subject", &header::text(&self.subject));
        head += &header::line("Message-ID", &format!("<{id}@{}>", self.from.address.domain()));
        if self.automatic {
            head += &header::line("Auto-Submitted", "auto-generated");
            head += &header::line("X-Auto-Response-Suppress", "All");
        }
        if let Some(language) = &self.language {
            head += &header::line("Content-Language", language);
        }
        for (name, value) in &self.headers {
            head += &header::line(name, &header::text(value));
        }
        head += "MIME-Version: 1.0\r\n";
        Ok((head + &self.body(id)).into_bytes())
    }

    /// Refuses what could write a header of its own.
    pub fn check(&self) -> Result<(), BadMessage> {
        let unsafe_text = |text: &str| text.chars().any(header::is_unsafe);
        let names = [&self.from].into_iter().chain(&self.to).chain(&self.cc).chain(&self.reply_to);
        let bad_name = names.filter_map(|mailbox| mailbox.name.as_deref()).any(unsafe_text);
        let bad_language = self.language.as_deref().is_some_and(|language| {
            language.is_empty() || !language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        });
        let bad_header = |(name, value): &(String, String)| {
            name.is_empty()
                || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
                || OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name))
                || unsafe_text(value)
        };
        if bad_name || bad_language || unsafe_text(&self.subject) || self.headers.iter().any(bad_header) {
            return Err(BadMessage::Header);
        }
        Ok(())
    }

    /// Gives what a reader sees.
    pub fn shown(&self) -> Shown {
        Shown {
            from: self.from.header(),
            subject: self.subject.clone(),
            text: self.text.clone(),
            html: self.html.clone(),
        }
    }

    fn body(&self, id: &str) -> String {
        let part = |kind: &str, content: &str| {
            format!(
                "Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}",
                quoted_printable(content)
            )
        };
        match (&self.text, &self.html) {
            (Some(text), Some(html)) => {
                // Quoted-printable never leaves `=_` in a line, so the boundary cannot occur in a part.
                let mark = format!("=_{id}");
                let (text, html) = (part("plain", text), part("html", html));
                format!(
                    "Content-Type: multipart/alternative;\r\n boundary=\"{mark}\"\r\n\r\n\
                     --{mark}\r\n{text}\r\n--{mark}\r\n{html}\r\n--{mark}--\r\n"
                )
            }
            (None, Some(html)) => part("html", html),
            (text, None) => part("plain", text.as_deref().unwrap_or_default()),
        }
    }
}

/// A message that the caller composed, with the parts SES reads from it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Raw {
    pub from: Mailbox,
    /// Who its header says sent it for whoever it is from.
    #[serde(default)]
    pub sender: Option<Mailbox>,
    /// The recipients named in its headers, Bcc included.
    pub recipients: Vec<Mailbox>,
    /// Values of the `X-SES-…` fields, which are read and removed.
    pub directives: Vec<(String, String)>,
    #[serde(with = "as_base64")]
    bytes: Vec<u8>,
}

mod as_base64 {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Raw {
    /// Reads a raw message: CRLF everywhere, one From, no Bcc, no `X-SES-…`, Date and Message-ID to be ours.
    pub fn parse(raw: &[u8]) -> Result<Raw, BadMessage> {
        let message = with_crlf(raw).ok_or(BadMessage::Malformed)?;
        let (fields, body) = header::split(&message).ok_or(BadMessage::Malformed)?;

        for once in &OURS[..12] {
            if fields.iter().filter(|field| field.is(once)).count() > 1 {
                return Err(BadMessage::Header);
            }
        }
        let value = |name: &str| fields.iter().find(|field| field.is(name)).map(Field::value);
        let from = Mailbox::parse(&value("From").ok_or(BadMessage::NoFrom)?)?;
        let sender = value("Sender").map(|sender| Mailbox::parse(&sender)).transpose()?;
        let mut recipients = Vec::new();
        for name in ["To", "Cc", "Bcc"] {
            recipients.extend(mailboxes(&value(name).unwrap_or_default())?);
        }

        let is_directive = |field: &Field<'_>| starts_with_ignoring_case(field.name, "X-SES-");
        let directives = fields
            .iter()
            .filter(|field| is_directive(field))
            .map(|field| (field.name.to_owned(), field.value()));
        let directives = directives.collect();
        let mut bytes = Vec::with_capacity(message.len());
        for field in &fields {
            let replaced = ["Bcc", "Date", "Message-ID", "Return-Path"].iter().any(|name| field.is(name));
            if !replaced && !is_directive(field) {
                bytes.extend_from_slice(field.raw);
            }
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        Ok(Raw { from, sender, recipients, directives, bytes })
    }

    /// Gives what a reader sees.
    pub fn shown(&self) -> Shown {
        let parsed = MessageParser::default().parse(&self.bytes);
        let body = |part: Option<std::borrow::Cow<'_, str>>| part.map(|text| text.into_owned());
        Shown {
            from: self.from.header(),
            subject: parsed.as_ref().and_then(|mail| mail.subject()).unwrap_or_default().to_owned(),
            text: body(parsed.as_ref().and_then(|mail| mail.body_text(0))),
            html: body(parsed.as_ref().and_then(|mail| mail.body_html(0))),
        }
    }

    /// Writes the mail with its own Date and Message-ID.
    pub fn bytes(&self, id: &str, now: Timestamp) -> Vec<u8> {
        let mut head = header::line("Date", &date(now));
        head += &header::line("Message-ID", &format!("<{id}@{}>", self.from.address.domain()));
        [head.as_bytes(), &self.bytes].concat()
    }
}

/// Reads a comma-separated list of mailboxes; an empty text is an empty list.
pub fn mailboxes(list: &str) -> Result<Vec<Mailbox>, BadAddress> {
    let mut found = Vec::new();
    let (mut quoted, mut escaped, mut start) = (false, false, 0);
    for (at, c) in list.char_indices().chain([(list.len(), ',')]) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted || at == list.len() => {
                let one = list[start..at].trim_matches(|c| matches!(c, ' ' | '\t'));
                if !one.is_empty() {
                    found.push(Mailbox::parse(one)?);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    Ok(found)
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// Gives every line a CRLF end; nothing for a message that holds NUL.
fn with_crlf(raw: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(raw.len() + raw.len() / 40 + 2);
    let mut rest = raw.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            0 => return None,
            b'\r' => {
                rest.next_if_eq(&b'\n');
                out.extend_from_slice(b"\r\n");
            }
            b'\n' => out.extend_from_slice(b"\r\n"),
            byte => out.push(byte),
        }
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    Some(out)
}

fn date(now: Timestamp) -> String {
    OffsetDateTime::from_unix_timestamp(now.seconds())
        .ok()
        .and_then(|moment| moment.format(&Rfc2822).ok())
        .expect("the clock stands within the years that a mail can name")
}

/// Encodes text for any relay: lines of at most 76 characters with soft breaks, RFC 2045 §6.7.
fn quoted_printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 20);
    for line in text.replace("\r\n", "\n").split('\n') {
        let bytes = line.as_bytes();
        let mut column = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            let last = at + 1 == bytes.len();
            let plain = (33..=126).contains(&byte) && byte != b'=' || matches!(byte, b' ' | b'\t') && !last;
            let room = if last { 76 } else { 75 };
            if column + if plain { 1 } else { 3 } > room {
                out.push_str("=\r\n");
                column = 0;
            }
            // A dot at a line's start, like a space at its end, does not survive every relay.
            if plain && !(column == 0 && byte == b'.') {
                out.push(char::from(byte));
                column += 1;
            } else {
                out.push_str(&format!("={byte:02X}"));
                column += 3;
            }
        }
        out.push_str("\r\n");
    }
    if text.ends_with('\n') {
        out.truncate(out.len() - 2);
    }
    out
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);

    fn message() -> Message {
        Message {
            from: Mailbox::parse("José 東京 <no-reply@shop.example>").expect("from"),
            to: mailboxes("alice@example.com").expect("to"),
            cc: Vec::new(),
            reply_to: mailboxes("help@shop.example").expect("reply to"),
            subject: "Ihr Anmeldecode für Läden".to_owned(),
            text: Some("Code: 12345678\n.\nÜber alles  \n".to_owned()),
            html: Some(format!("<p style=\"color:red\">{}</p>", "lang ".repeat(60))),
            language: Some("de".to_owned()),
            automatic: true,
            headers: vec![("X-Trace".to_owned(), "abc".to_owned())],
        }
    }

    #[test]
    fn another_parser_reads_what_was_written() {
        let bytes = message().bytes("m-1", NOW).expect("a mail");
        let read = MessageParser::default().parse(&bytes).expect("a message");
        assert_eq!(read.subject(), Some("Ihr Anmeldecode für Läden"));
        assert_eq!(read.from().and_then(|from| from.first()).and_then(|from| from.name()), Some("José 東京"));
        assert_eq!(read.message_id(), Some("m-1@shop.example"));
        assert_eq!(
            read.body_text(0).expect("text").replace("\r\n", "\n"),
            "Code: 12345678\n.\nÜber alles  \n"
        );
        assert_eq!(
            read.body_html(0).expect("html").trim_end(),
            format!("<p style=\"color:red\">{}</p>", "lang ".repeat(60))
        );
        let text = String::from_utf8(bytes).expect("ASCII");
        assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 78));
        assert!(text.contains("\r\nAuto-Submitted: auto-generated\r\n"));
        assert!(text.starts_with("Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nFrom: "));
    }

    #[test]
    fn nothing_breaks_out_of_a_header() {
        let attempts: [fn(&mut Message); 6] = [
            |m| m.subject = "Hi\r\nBcc: x@y.test".to_owned(),
            |m| m.subject = "Hi\u{2028}there".to_owned(),
            |m| m.from.name = Some("A\nB".to_owned()),
            |m| m.headers = vec![("X-A".to_owned(), "b\r\nc".to_owned())],
            |m| m.headers = vec![("X A:".to_owned(), "b".to_owned())],
            |m| m.headers = vec![("bcc".to_owned(), "x@y.test".to_owned())],
        ];
        for attempt in attempts {
            let mut message = message();
            attempt(&mut message);
            assert_eq!(message.bytes("m-1", NOW), Err(BadMessage::Header));
        }
    }

    #[test]
    fn a_raw_message_is_taken_over_without_its_private_fields() {
        let raw =
            b"From: Shop <a@shop.example>\nTo: \"B, C\" <b@x.test>, c@x.test\nBcc: d@x.test\nDate: old\n\
            Message-ID: <old@old>\nX-SES-CONFIGURATION-SET: main\nSubject: Hi\n\nBody\n";
        let read = Raw::parse(raw).expect("a message");
        assert_eq!(read.from.address.spelling(), "a@shop.example");
        assert_eq!(read.recipients.len(), 3);
        assert_eq!(read.directives, [("X-SES-CONFIGURATION-SET".to_owned(), "main".to_owned())]);
        let text = String::from_utf8(read.bytes("m-2", NOW)).expect("text");
        assert!(text.contains("Message-ID: <m-2@shop.example>\r\n") && text.ends_with("\r\n\r\nBody\r\n"));
        assert!(!text.contains("d@x.test") && !text.contains("old") && !text.contains("X-SES"));
    }

    #[test]
    fn a_raw_message_with_two_senders_or_none_is_refused() {
        assert_eq!(Raw::parse(b"To: a@b.test\n\nx").err(), Some(BadMessage::NoFrom));
        assert_eq!(Raw::parse(b"From: a@b.test\nFrom: c@d.test\n\nx").err(), Some(BadMessage::Header));
        let twice = b"From: a@b.test\nContent-Type: text/plain\nContent-Type: text/html\n\nx";
        assert_eq!(Raw::parse(twice).err(), Some(BadMessage::Header));
        assert!(Raw::parse(b"From: a@b.test, c@d.test\n\nx").is_err());
        assert_eq!(Raw::parse(b"no header at all\n\nx").err(), Some(BadMessage::Malformed));
    }

    proptest! {
        #[test]
        fn every_text_survives_the_encoding(text in "[ -~äß東\n\t.=]{0,300}") {
            let encoded = quoted_printable(&text);
            prop_assert!(encoded.is_ascii() && encoded.split("\r\n").all(|line| line.len() <= 76 && !line.starts_with('.')));
            let mail = format!("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{encoded}");
            let read = MessageParser::default().parse(mail.as_bytes()).expect("a message");
            let body = read.body_text(0).map(|body| body.replace("\r\n", "\n")).unwrap_or_default();
            prop_assert_eq!(body.trim_end_matches('\n'), text.trim_end_matches('\n'));
        }

        #[test]
        fn raw_reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), list in ".{0,100}") {
            let _ = Raw::parse(&bytes);
            let _ = mailboxes(&list);
        }
    }
}
