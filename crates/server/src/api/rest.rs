//! REST-JSON: the operation found by method and path, its input gathered from path, query string and body.

use super::json::{self, Unreadable};
use percent_encoding::percent_decode_str;
use postern_model::{Document, Kind, Location, OperationModel, Service, ServiceModel, Timestamp};
use serde_json::Map;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// An operation with its path taken apart.
struct Way {
    method: &'static str,
    parts: Vec<Part>,
    operation: &'static OperationModel,
}

enum Part {
    Word(&'static str),
    Member(&'static str),
}

/// What a method and path lead to.
pub(super) enum Found {
    Operation(&'static OperationModel, BTreeMap<&'static str, String>),
    /// The path is known, and takes other methods.
    OtherMethod,
    Nothing,
}

/// Ways that the model no longer names, and that clients older than it take.
const EARLIER: [(&str, &str, &str); 2] = [
    ("GET", "/v2/email/identities", "ListEmailIdentities"),
    ("GET", "/v2/email/configuration-sets", "ListConfigurationSets"),
];

/// Ways of SES, those with more words before those with fewer, so that a word wins over a member.
static WAYS: LazyLock<Vec<Way>> = LazyLock::new(|| {
    let model = ServiceModel::of(Service::SesV2);
    let now = model
        .operations()
        .iter()
        .map(|operation| (operation.method.as_str(), operation.uri.as_str(), operation));
    let earlier =
        EARLIER.iter().filter_map(|(method, uri, name)| Some((*method, *uri, model.operation(name)?)));
    let mut ways: Vec<Way> = now
        .chain(earlier)
        .map(|(method, uri, operation)| {
            let uri = uri.split('?').next().unwrap_or_default();
            let parts = uri.trim_matches('/').split('/').map(|part| {
                match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                    Some(member) => Part::Member(member.trim_end_matches('+')),
                    None => Part::Word(part),
                }
            });
            Way { method, parts: parts.collect(), operation }
        })
        .collect();
    ways.sort_by_key(|way| way.parts.iter().filter(|part| matches!(part, Part::Member(_))).count());
    ways
});

/// Finds the operation of a raw path.
pub(super) fn find(method: &str, path: &str) -> Found {
    let sent: Vec<&str> = path.trim_matches('/').split('/').collect();
    let mut known = false;
    for way in WAYS.iter() {
        if let Some(members) = matched(&way.parts, &sent) {
            if way.method == method {
                return Found::Operation(way.operation, members);
            }
            known = true;
        }
    }
    if known { Found::OtherMethod } else { Found::Nothing }
}

fn matched(parts: &[Part], sent: &[&str]) -> Option<BTreeMap<&'static str, String>> {
    if parts.len() != sent.len() {
        return None;
    }
    let mut members = BTreeMap::new();
    for (part, sent) in parts.iter().zip(sent) {
        let sent = percent_decode_str(sent).decode_utf8().ok()?;
        match part {
            Part::Word(word) if *word == sent => {}
            Part::Member(name) if !sent.is_empty() => {
                members.insert(*name, sent.into_owned());
            }
            Part::Word(_) | Part::Member(_) => return None,
        }
    }
    Some(members)
}

/// Gathers an operation's input. What travels in path and query string is not taken from the body.
pub(super) fn read(
    operation: &OperationModel,
    path: &BTreeMap<&'static str, String>,
    query: &[(String, String)],
    body: &[u8],
) -> Result<Document, Unreadable> {
    let model = ServiceModel::of(Service::SesV2);
    let Document::Object(sent) = json::read(body)? else { return Err(Unreadable::NotAnObject) };
    let members = match operation.input.map(|shape| &model.shape(shape).kind) {
        Some(Kind::Structure { members }) => members.as_slice(),
        _ => &[],
    };
    let mut document = Map::new();
    let mut sent = sent;
    for member in members {
        let in_query = || {
            let named = query.iter().filter(|(name, _)| *name == member.location_name);
            let texts: Vec<&str> = named.map(|(_, text)| text.as_str()).collect();
            from_query(&model.shape(member.shape).kind, &texts)
        };
        let value = match member.location {
            Location::Uri => path.get(member.location_name.as_str()).map(|text| text.as_str().into()),
            Location::QueryString => in_query(),
            // What is in the body now was in the query string once.
            Location::Body => sent.remove(&member.location_name).or_else(in_query),
            Location::Header | Location::StatusCode => None,
        };
        if let Some(value) = value {
            document.insert(member.name.clone(), value);
        }
    }
    Ok(Document::Object(document))
}

/// Reads texts of a query string; what does not fit its type stays a text, which the check refuses.
fn from_query(kind: &Kind, texts: &[&str]) -> Option<Document> {
    let first = *texts.first()?;
    Some(match kind {
        Kind::List { .. } => texts.iter().copied().map(Document::from).collect::<Vec<_>>().into(),
        Kind::Integer { .. } => first.parse::<i64>().map_or_else(|_| first.into(), Document::from),
        Kind::Boolean => first.parse::<bool>().map_or_else(|_| first.into(), Document::from),
        Kind::Timestamp => match Timestamp::parse_iso8601(first) {
            Some(moment) => postern_model::Shape::write(&moment),
            None => first.into(),
        },
        _ => first.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(method: &str, path: &str, query: &str, body: &str) -> Option<(String, Document)> {
        let Found::Operation(operation, members) = find(method, path) else { return None };
        let query = super::super::query::pairs(query.as_bytes()).expect("fields");
        let input = read(operation, &members, &query, body.as_bytes()).expect("a body");
        Some((operation.name.clone(), input))
    }

    #[test]
    fn requests_lead_to_operations_with_their_input() {
        let table = [
            (
                ("GET", "/v2/email/identities/user%40example.com", "", ""),
                ("GetEmailIdentity", json!({ "EmailIdentity": "user@example.com" })),
            ),
            (
                ("POST", "/v2/email/list-identities", "", r#"{"PageSize":5}"#),
                ("ListEmailIdentities", json!({ "PageSize": 5 })),
            ),
            (
                ("GET", "/v2/email/identities", "PageSize=5&NextToken=a%3D", ""),
                ("ListEmailIdentities", json!({ "NextToken": "a=", "PageSize": 5 })),
            ),
            (
                ("GET", "/v2/email/identities/", "PageSize=five", ""),
                ("ListEmailIdentities", json!({ "PageSize": "five" })),
            ),
            (
                ("GET", "/v2/email/suppression/addresses", "Reason=BOUNCE&Reason=COMPLAINT", ""),
                ("ListSuppressedDestinations", json!({ "Reasons": ["BOUNCE", "COMPLAINT"] })),
            ),
            (
                ("POST", "/v2/email/identities", "", r#"{"EmailIdentity":"example.com","Unheard":1}"#),
                ("CreateEmailIdentity", json!({ "EmailIdentity": "example.com" })),
            ),
            (
                ("DELETE", "/v2/email/identities/a%2Fb", "", r#"{"EmailIdentity":"other"}"#),
                ("DeleteEmailIdentity", json!({ "EmailIdentity": "a/b" })),
            ),
        ];
        for ((method, path, query, body), (operation, input)) in table {
            let found = found(method, path, query, body).expect(path);
            assert_eq!(found, (operation.to_owned(), input), "{method} {path}");
        }
    }

    #[test]
    fn what_leads_nowhere_is_told_from_what_takes_another_method() {
        assert!(matches!(find("GET", "/v2/email/nowhere"), Found::Nothing));
        assert!(matches!(find("GET", "/v2/email/identities/a/b/c/d"), Found::Nothing));
        assert!(matches!(find("GET", "/v2/email/identities/%ff"), Found::Nothing));
        assert!(matches!(find("PATCH", "/v2/email/identities"), Found::OtherMethod));
    }
}
