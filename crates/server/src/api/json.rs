//! JSON bodies, as JSON 1.1 and REST-JSON carry them: read with a bound on their depth, and errors beside them.

use postern_model::{Document, Refusal};
use serde_json::{Map, json};

/// How deep objects and lists may lie in each other (rule R5).
const DEPTH_MAX: usize = 32;

/// Why a body is no document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    NotJson,
    TooDeep,
    NotAnObject,
}

impl Unreadable {
    pub(super) fn words(&self) -> &'static str {
        match self {
            Unreadable::NotJson => "The request body is not valid JSON.",
            Unreadable::TooDeep => "The request body is nested too deeply.",
            Unreadable::NotAnObject => "The request body is not a JSON object.",
        }
    }
}

/// Reads a body; an empty one is an empty object.
pub(super) fn read(body: &[u8]) -> Result<Document, Unreadable> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Document::Object(Map::new()));
    }
    if depth(body) > DEPTH_MAX {
        return Err(Unreadable::TooDeep);
    }
    match serde_json::from_slice(body) {
        Ok(document @ Document::Object(_)) => Ok(document),
        Ok(_) => Err(Unreadable::NotAnObject),
        Err(_) => Err(Unreadable::NotJson),
    }
}

/// The deepest nesting outside of strings, as far as the text goes.
fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// An error's body: `__type` is for clients that look there, the header for the others.
pub(super) fn error(refusal: &Refusal) -> Document {
    json!({ "__type": refusal.kind.code, "message": refusal.message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_objects_of_bounded_depth() {
        assert_eq!(read(b""), Ok(json!({})));
        assert_eq!(read(b" \n"), Ok(json!({})));
        assert_eq!(read(br#"{"a":"[[[\"{{{"}"#), Ok(json!({ "a": "[[[\"{{{" })));
        let nested = |levels: usize| format!("{}{}", r#"{"a":"#.repeat(levels) + "1", "}".repeat(levels));
        assert!(read(nested(32).as_bytes()).is_ok());
        assert_eq!(read(nested(33).as_bytes()), Err(Unreadable::TooDeep));
        assert_eq!(read("[".repeat(60_000).as_bytes()), Err(Unreadable::TooDeep));
        for text in ["[]", "1", "null", "\"x\""] {
            assert_eq!(read(text.as_bytes()), Err(Unreadable::NotAnObject), "{text}");
        }
        for text in ["{", "{} {}", "{'a':1}", "\u{0}", "{\"a\":\"\\ud800\"}"] {
            assert_eq!(read(text.as_bytes()), Err(Unreadable::NotJson), "{text}");
        }
        assert_eq!(read(b"{\"a\":\"\xff\"}"), Err(Unreadable::NotJson));
    }
}
