//! The Query protocol: form fields read into a document as the model says, answers and errors written as XML.

use percent_encoding::percent_decode;
use postern_model::{Document, Kind, OperationModel, Refusal, ServiceModel, ShapeRef, Timestamp};
use serde_json::{Map, Number};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The highest position in a list; a gap before it is filled with nulls, which the check refuses.
const POSITION_MAX: usize = 1000;
/// Fields of a request, and parts of one field's name.
const FIELDS_MAX: usize = 5000;
const PARTS_MAX: usize = 32;

/// What is wrong with a field, in the words of the service's `MalformedInput`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed(String);

impl Malformed {
    pub(super) fn words(&self) -> &str {
        &self.0
    }
}

/// Reads `a=b&c=d`: pairs in order, decoded; nothing when it is no UTF-8.
pub(super) fn pairs(text: &[u8]) -> Option<Vec<(String, String)>> {
    let decoded = |part: &[u8]| {
        let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_decode(&spaced).decode_utf8().ok().map(String::from)
    };
    let mut pairs = Vec::new();
    for pair in text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let split = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let value = pair.get(split + 1..).unwrap_or_default();
        pairs.push((decoded(&pair[..split])?, decoded(value)?));
    }
    Some(pairs)
}

/// The value of the first field of a name.
pub(super) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}

/// Fields by the parts of their names.
#[derive(Default)]
struct Field<'a> {
    value: Option<&'a str>,
    parts: BTreeMap<&'a str, Field<'a>>,
}

/// Reads an operation's input; fields that the model does not know are ignored.
pub(super) fn read(
    model: &'static ServiceModel,
    operation: &OperationModel,
    pairs: &[(String, String)],
) -> Result<Document, Malformed> {
    let mut root = Field::default();
    if pairs.len() > FIELDS_MAX {
        return Err(Malformed("Too many parameters.".to_owned()));
    }
    for (name, value) in pairs {
        if name.split('.').count() > PARTS_MAX {
            return Err(Malformed("A parameter's name has too many parts.".to_owned()));
        }
        let mut field = &mut root;
        for part in name.split('.') {
            field = field.parts.entry(without_zeros(part)).or_default();
        }
        field.value = Some(value);
    }
    match operation.input {
        Some(shape) => document(model, shape, &root),
        None => Ok(Document::Object(Map::new())),
    }
}

fn document(model: &'static ServiceModel, shape: ShapeRef, field: &Field<'_>) -> Result<Document, Malformed> {
    let described = model.shape(shape);
    let text = field.value;
    Ok(match &described.kind {
        Kind::Structure { members } => {
            let mut document = Map::new();
            for member in members {
                if let Some(part) = part(model, member.shape, field, &member.location_name) {
                    document.insert(member.name.clone(), self::document(model, member.shape, part)?);
                }
            }
            Document::Object(document)
        }
        Kind::List { member, location_name, flattened, .. } => {
            let item_name = location_name.as_deref().unwrap_or("member");
            let items = if *flattened { Some(field) } else { field.parts.get(item_name) };
            let mut list = Vec::new();
            for (at, item) in positions(items)? {
                list.resize(at, Document::Null);
                list[at - 1] = document(model, *member, item)?;
            }
            Document::Array(list)
        }
        Kind::Map { key, value, flattened, .. } => {
            let entries = if *flattened { Some(field) } else { field.parts.get("entry") };
            let mut map = Map::new();
            for (_, entry) in positions(entries)? {
                // The message attributes of SNS have names of their own for the two.
                let part = |name: &str, other: &str| entry.parts.get(name).or(entry.parts.get(other));
                let (Some(key_field), Some(value_field)) = (part("key", "Name"), part("value", "Value"))
                else {
                    return Err(Malformed("A map entry lacks its key or value.".to_owned()));
                };
                let name = document(model, *key, key_field)?;
                let name = name.as_str().unwrap_or_default().to_owned();
                map.insert(name, document(model, *value, value_field)?);
            }
            Document::Object(map)
        }
        Kind::String { .. } | Kind::Blob { .. } | Kind::Document => text.into(),
        Kind::Integer { .. } => integer(text.unwrap_or_default())?.into(),
        Kind::Float { .. } => {
            let number = text.and_then(|text| text.parse().ok()).and_then(Number::from_f64);
            number.ok_or_else(|| malformed("a number"))?.into()
        }
        Kind::Boolean => match text {
            Some("true" | "1") => true.into(),
            Some("false" | "0") => false.into(),
            _ => return Err(malformed("true or false")),
        },
        Kind::Timestamp => {
            let moment = text.and_then(Timestamp::parse_iso8601).ok_or_else(|| malformed("a time"))?;
            postern_model::Shape::write(&moment)
        }
    })
}

/// The field of a member; a list that lies flat in its parent is under its items' name.
fn part<'f, 'a>(
    model: &'static ServiceModel,
    shape: ShapeRef,
    field: &'f Field<'a>,
    name: &str,
) -> Option<&'f Field<'a>> {
    let name = match &model.shape(shape).kind {
        Kind::List { flattened: true, location_name: Some(item), .. } => item,
        _ => name,
    };
    field.parts.get(name)
}

/// A position without leading zeros, which mean nothing; any other part as it is.
fn without_zeros(part: &str) -> &str {
    let digits = part.trim_start_matches('0');
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) { digits } else { part }
}

/// Numbered parts in order. Positions begin at 1.
fn positions<'f, 'a>(field: Option<&'f Field<'a>>) -> Result<BTreeMap<usize, &'f Field<'a>>, Malformed> {
    let mut found = BTreeMap::new();
    for (name, part) in field.into_iter().flat_map(|field| &field.parts) {
        let digits = name.bytes().all(|byte| byte.is_ascii_digit());
        let at = name.parse().ok().filter(|at| digits && (1..=POSITION_MAX).contains(at));
        let at = at.ok_or_else(|| Malformed("A list's positions must be numbers from 1.".to_owned()))?;
        found.insert(at, part);
    }
    Ok(found)
}

fn integer(text: &str) -> Result<i64, Malformed> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_whole).ok_or_else(|| malformed("an integer"))
}

fn malformed(wanted: &str) -> Malformed {
    Malformed(format!("A parameter's value is not {wanted}."))
}

/// Writes an answer.
pub(super) fn answer(
    model: &'static ServiceModel,
    operation: &OperationModel,
    output: &Document,
    request_id: &str,
) -> String {
    let mut xml = String::new();
    let (name, namespace) = (&operation.name, model.xml_namespace.as_deref().unwrap_or_default());
    let _ = write!(xml, "<{name}Response xmlns=\"{namespace}\">");
    if let (Some(wrapper), Some(shape)) = (&operation.result_wrapper, operation.output) {
        element(&mut xml, model, shape, wrapper, output);
    }
    let _ = write!(
        xml,
        "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>"
    );
    xml
}

fn element(xml: &mut String, model: &'static ServiceModel, shape: ShapeRef, name: &str, value: &Document) {
    let _ = write!(xml, "<{name}>");
    match (&model.shape(shape).kind, value) {
        (Kind::Structure { members }, Document::Object(values)) => {
            for member in members {
                if let Some(value) = values.get(&member.name).filter(|value| !value.is_null()) {
                    element(xml, model, member.shape, &member.location_name, value);
                }
            }
        }
        (Kind::List { member, location_name, .. }, Document::Array(items)) => {
            for item in items {
                element(xml, model, *member, location_name.as_deref().unwrap_or("member"), item);
            }
        }
        (Kind::Map { key, value, .. }, Document::Object(entries)) => {
            for (entry_key, entry) in entries {
                xml.push_str("<entry>");
                element(xml, model, *key, "key", &Document::String(entry_key.clone()));
                element(xml, model, *value, "value", entry);
                xml.push_str("</entry>");
            }
        }
        (Kind::Timestamp, moment) => {
            let moment = <Timestamp as postern_model::Shape>::read(moment).unwrap_or_default();
            xml.push_str(&moment.iso8601());
        }
        (_, Document::String(text)) => escape(xml, text),
        (_, other) => escape(xml, &other.to_string()),
    }
    let _ = write!(xml, "</{name}>");
}

/// Writes an error.
pub(super) fn error(namespace: &str, refusal: &Refusal, request_id: &str) -> String {
    let side = if refusal.kind.status >= 500 { "Receiver" } else { "Sender" };
    let mut xml = String::new();
    let code = refusal.kind.code;
    let _ = write!(
        xml,
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{side}</Type><Code>{code}</Code><Message>"
    );
    escape(&mut xml, &refusal.message);
    let _ = write!(xml, "</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>");
    xml
}

/// Escapes text; characters that XML 1.0 cannot carry become replacement characters.
fn escape(xml: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\r' => xml.push_str("&#13;"),
            '\t' | '\n' => xml.push(letter),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => xml.push('\u{fffd}'),
            letter => xml.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_model::{ErrorKind, Service};
    use serde_json::json;

    fn read_iam(operation: &str, body: &str) -> Result<Document, Malformed> {
        let model = ServiceModel::of(Service::Iam);
        let operation = model.operation(operation).expect("the table names operations of the model");
        read(model, operation, &pairs(body.as_bytes()).expect("fields"))
    }

    #[test]
    fn fields_become_the_documents_that_the_model_describes() {
        let table = [
            ("GetRole", "Action=GetRole&Version=2010-05-08&RoleName=a%2Bb+c", json!({ "RoleName": "a+b c" })),
            ("ListRoles", "MaxItems=%2B007", json!({ "MaxItems": 7 })),
            (
                "CreateUser",
                "UserName=u&Tags.member.1.Key=a&Tags.member.1.Value=1&Tags.member.02.Key=b&Tags.member.2.Value=",
                json!({ "UserName": "u", "Tags": [{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "" }] }),
            ),
            (
                "SimulatePrincipalPolicy",
                "ActionNames.member.3=c&ActionNames.member.1=a",
                json!({ "ActionNames": ["a", null, "c"] }),
            ),
            ("SimulatePrincipalPolicy", "ActionNames=", json!({ "ActionNames": [] })),
            ("ListPolicies", "OnlyAttached=1", json!({ "OnlyAttached": true })),
            ("ListPolicies", "Unheard.of.member.1=x", json!({})),
        ];
        for (operation, body, document) in table {
            assert_eq!(read_iam(operation, body).expect(body), document, "{body}");
        }
    }

    #[test]
    fn malformed_fields_are_refused() {
        let long = format!("A{}=x", ".a".repeat(40));
        let many = "A=1&".repeat(FIELDS_MAX + 1);
        let table = [
            ("ListRoles", "MaxItems=1.5"),
            ("ListRoles", "MaxItems=+7+"),
            ("ListRoles", "MaxItems="),
            ("ListRoles", "MaxItems=1e3"),
            ("ListPolicies", "OnlyAttached=TRUE"),
            ("SimulatePrincipalPolicy", "ActionNames.member.0=a"),
            ("SimulatePrincipalPolicy", "ActionNames.member.x=a"),
            ("SimulatePrincipalPolicy", "ActionNames.member.999999999=a"),
            ("GetRole", &long),
            ("GetRole", &many),
        ];
        for (operation, body) in table {
            assert!(read_iam(operation, body).is_err(), "{body:.60}");
        }
        assert_eq!(pairs(b"a=%ff"), None);
        assert_eq!(pairs(b"a&=b&&").map(|pairs| pairs.len()), Some(2));
    }

    #[test]
    fn answers_are_written_as_the_model_describes() {
        let model = ServiceModel::of(Service::Iam);
        let operation = model.operation("ListUsers").expect("modelled");
        let output = json!({
            "Users": [{
                "Path": "/", "UserName": "a<b>&\"c\u{1}", "UserId": "AIDA", "Arn": "arn",
                "CreateDate": 1_767_323_045
            }],
            "IsTruncated": false
        });
        assert_eq!(
            answer(model, operation, &output, "id-1"),
            "<ListUsersResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListUsersResult><Users><member>\
             <Path>/</Path><UserName>a&lt;b&gt;&amp;&quot;c\u{fffd}</UserName><UserId>AIDA</UserId><Arn>arn</Arn>\
             <CreateDate>2026-01-02T03:04:05Z</CreateDate></member></Users><IsTruncated>false</IsTruncated>\
             </ListUsersResult><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></ListUsersResponse>"
        );
        let operation = model.operation("DeleteUser").expect("modelled");
        assert!(!answer(model, operation, &json!({}), "id-1").contains("Result>"));
    }

    #[test]
    fn errors_say_whose_fault_it_is() {
        let refusal = |status| {
            Refusal::new(
                ErrorKind { code: "NoSuchEntity", status },
                "The role with name <x> cannot be found.",
            )
        };
        let xml = error("ns", &refusal(404), "id-1");
        assert!(
            xml.contains("<Type>Sender</Type><Code>NoSuchEntity</Code><Message>The role with name &lt;x&gt;")
        );
        assert!(error("ns", &refusal(500), "id-1").contains("<Type>Receiver</Type>"));
    }
}
