//! JSON with its keys checked: a policy document that says the same thing twice is not a policy.

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A JSON value whose objects have no key twice.
#[derive(Debug)]
pub(super) enum Json {
    Text(String),
    Flag(bool),
    /// A number, as it would be written.
    Number(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
    Null,
}

/// Names the fault of a doubled key among serde's errors.
const DOUBLED_KEY: &str = "doubled key";

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Flag(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object: Vec<(String, Json)> = Vec::new();
        while let Some((key, value)) = members.next_entry::<String, Json>()? {
            if object.iter().any(|(known, _)| *known == key) {
                return Err(A::Error::custom(DOUBLED_KEY));
            }
            object.push((key, value));
        }
        Ok(Json::Object(object))
    }
}

/// Where a statement stands in its document: lines and columns count from 1, as SimulatePrincipalPolicy gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: (i64, i64),
    pub end: (i64, i64),
}

/// Finds the statements of a document that is known to be well formed.
pub(super) fn statement_spans(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let (mut line, mut column) = (1, 0);
    let (mut depth, mut listed, mut in_statement) = (0_u32, false, false);
    let (mut quoted, mut escaped, mut word) = (false, false, String::new());
    let mut start = (1, 1);
    for c in text.chars() {
        if c == '\n' {
            (line, column) = (line + 1, 0);
            continue;
        }
        column += 1;
        if quoted {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = false,
                _ => word.push(c),
            }
            continue;
        }
        match c {
            '"' => {
                quoted = true;
                word.clear();
            }
            ':' if depth == 1 => in_statement = word == "Statement",
            '[' | '{' => {
                depth += 1;
                listed |= in_statement && depth == 2 && c == '[';
                if in_statement && c == '{' && depth == if listed { 3 } else { 2 } {
                    start = (line, column);
                }
            }
            ']' | '}' => {
                if in_statement && c == '}' && depth == if listed { 3 } else { 2 } {
                    spans.push(Span { start, end: (line, column + 1) });
                }
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_found_where_they_stand() {
        let one = "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\"}}";
        assert_eq!(statement_spans(one), [Span { start: (1, 37), end: (1, 55) }]);
        let two = "{\n \"Statement\": [\n  {\"Sid\": \"}\"},\n  {\"Condition\":{}}\n ]\n}";
        assert_eq!(
            statement_spans(two),
            [Span { start: (3, 3), end: (3, 15) }, Span { start: (4, 3), end: (4, 19) }]
        );
    }

    #[test]
    fn a_key_may_not_stand_twice() {
        assert!(serde_json::from_str::<Json>(r#"{"a":{"b":1,"b":2}}"#).is_err());
        assert!(serde_json::from_str::<Json>(r#"{"a":{"b":1},"b":2}"#).is_ok());
    }
}
