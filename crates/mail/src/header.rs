//! Header fields as text: safe values, encoded words (RFC 2047), folding, and taking a raw message apart.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Characters of a header line before it should be folded, RFC 5322 §2.1.1.
const LINE_MAX: usize = 76;
/// Characters of one unbroken word that may still stand as it is; a line must stay under 998 octets.
const WORD_MAX: usize = 400;
/// UTF-8 octets in one encoded word, so that it stays under 75 characters with its frame.
const WORD_BYTES: usize = 45;

/// Whether a character may never stand in a header: controls, line and paragraph separators, and the
/// marks that turn the direction of writing.
pub fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Gives free text (a subject) in the form a header line can hold.
pub fn text(value: &str) -> String {
    let plain = value.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    if plain && !value.contains("=?") && value.split(' ').all(|word| word.len() < WORD_MAX) {
        value.to_owned()
    } else {
        words(value)
    }
}

/// Gives a display name: as it is, quoted, or in encoded words.
pub fn phrase(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~ ".contains(c);
    if name.contains("=?") || !name.is_ascii() {
        words(name)
    } else if name.chars().all(plain) && !name.starts_with(' ') && !name.ends_with(' ') {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

fn words(value: &str) -> String {
    let mut words = Vec::new();
    let mut start = 0;
    while start < value.len() {
        let mut end = value.len().min(start + WORD_BYTES);
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(&value[start..end])));
        start = end;
    }
    words.join(" ")
}

/// Decodes encoded words in UTF-8, US-ASCII and Latin-1; what it cannot read stays as it stands.
pub fn decode_words(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    let mut after_word = false;
    while let Some(start) = rest.find("=?") {
        let (before, tail) = rest.split_at(start);
        let word = encoded_word(tail);
        // Space between two encoded words belongs to neither, RFC 2047 §6.2.
        if !(after_word && word.is_some() && before.trim().is_empty()) {
            decoded.push_str(before);
        }
        after_word = word.is_some();
        let (word, length) = word.unwrap_or(("=?".to_owned(), 2));
        decoded.push_str(&word);
        rest = &tail[length..];
    }
    decoded.push_str(rest);
    decoded
}

fn encoded_word(tail: &str) -> Option<(String, usize)> {
    let mut parts = tail[2..].splitn(3, '?');
    let (charset, encoding) = (parts.next()?, parts.next()?);
    let content = parts.next()?;
    let content = &content[..content.find("?=")?];
    let bytes = match encoding {
        "B" | "b" => STANDARD.decode(content).ok()?,
        "Q" | "q" => dequote(content)?,
        _ => return None,
    };
    let word = match charset.to_ascii_lowercase().as_str() {
        "utf-8" | "us-ascii" => String::from_utf8(bytes).ok()?,
        "iso-8859-1" => bytes.iter().map(|&byte| char::from(byte)).collect(),
        _ => return None,
    };
    Some((word, 2 + charset.len() + 1 + encoding.len() + 1 + content.len() + 2))
}

fn dequote(content: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = content.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'_' => bytes.push(b' '),
            b'=' => {
                let pair = [rest.next()?, rest.next()?];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?);
            }
            byte => bytes.push(byte),
        }
    }
    Some(bytes)
}

/// Writes one field, folded at spaces, with its line end.
pub fn line(name: &str, value: &str) -> String {
    let mut out = format!("{name}:");
    let mut column = out.len();
    for (place, word) in value.split(' ').enumerate() {
        if place > 0 && column + 1 + word.len() > LINE_MAX && !word.is_empty() {
            out.push_str("\r\n");
            column = 0;
        }
        out.push(' ');
        out.push_str(word);
        column += 1 + word.len();
    }
    out.push_str("\r\n");
    out
}

/// One field of a raw message: its name, and its bytes as they stand, line ends included.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    pub name: &'a str,
    pub raw: &'a [u8],
}

impl<'a> Field<'a> {
    /// Whether this is the field of that name; names know no case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// What stands behind the colon, unfolded and trimmed.
    pub fn value(&self) -> String {
        let behind = &self.raw[(self.name.len() + 1).min(self.raw.len())..];
        String::from_utf8_lossy(behind).replace("\r\n", "").trim().to_owned()
    }
}

/// Takes a message with CRLF line ends apart into fields and body; nothing if its head is malformed.
pub fn split(message: &[u8]) -> Option<(Vec<Field<'_>>, &[u8])> {
    let mut fields: Vec<Field<'_>> = Vec::new();
    let mut start = 0;
    loop {
        if message[start..].is_empty() {
            return Some((fields, &message[start..]));
        }
        if message[start..].starts_with(b"\r\n") {
            return Some((fields, &message[start + 2..]));
        }
        let mut end = start;
        loop {
            end += line_length(&message[end..])?;
            if !matches!(message.get(end), Some(b' ' | b'\t')) {
                break;
            }
        }
        let raw = &message[start..end];
        let colon = raw.iter().position(|&byte| byte == b':')?;
        let name = std::str::from_utf8(&raw[..colon]).ok()?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        fields.push(Field { name, raw });
        start = end;
    }
}

fn line_length(rest: &[u8]) -> Option<usize> {
    rest.windows(2).position(|pair| pair == b"\r\n").map(|at| at + 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_text_stays_and_other_text_is_encoded() {
        assert_eq!(text("Your code"), "Your code");
        assert_eq!(text("Grüße"), "=?utf-8?B?R3LDvMOfZQ==?=");
        assert_eq!(text("=?x"), "=?utf-8?B?PT94?=");
        assert_eq!(phrase("Doe, Jane"), "\"Doe, Jane\"");
        assert_eq!(phrase("Jane"), "Jane");
    }

    #[test]
    fn long_lines_are_folded_at_spaces() {
        let folded = line("Subject", "word ".repeat(40).trim_end());
        assert!(folded.split("\r\n").all(|line| line.len() <= 78));
        let (fields, _) = split(folded.as_bytes()).expect("a field");
        assert_eq!(fields[0].value(), "word ".repeat(40).trim_end());
    }

    #[test]
    fn a_message_comes_apart_into_fields_and_body() {
        let (fields, body) = split(b"From: a\r\nTo: b\r\n\tc\r\n\r\nbody").expect("a message");
        assert_eq!(fields.len(), 2);
        assert!(fields[1].is("to"));
        assert_eq!(fields[1].value(), "b\tc");
        assert_eq!(body, b"body");
        assert!(split(b"no colon\r\n\r\n").is_none());
        assert!(split(b"From: cut").is_none());
    }

    proptest! {
        #[test]
        fn encoded_words_come_back(value in "[a-zA-Zäöü東京 ,]{0,120}") {
            prop_assert_eq!(decode_words(&words(&value)), value);
        }

        #[test]
        fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), value in ".{0,100}") {
            let _ = split(&bytes);
            let _ = decode_words(&value);
        }
    }
}
