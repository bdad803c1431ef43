//! Names, ids and ARNs of IAM, and how lists of them are given page by page.

use postern_model::iam::Tag;
use postern_model::iam::errors::InvalidInputException;
use postern_model::{Answer, refuse};
use postern_store::random;
use serde_json::{Map, Value};

const ID_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(crate) const USER_ID: &str = "AIDA";
pub(crate) const ROLE_ID: &str = "AROA";
pub(crate) const POLICY_ID: &str = "ANPA";
pub(crate) const LONG_TERM_KEY: &str = "AKIA";
pub(crate) const TEMPORARY_KEY: &str = "ASIA";

/// Items of a list when the caller does not say how many.
const PAGE: i64 = 100;

/// An id that is never given twice: four letters for the kind and 17 more.
pub(crate) fn unique_id(kind: &str) -> String {
    format!("{kind}{}", random::text(ID_ALPHABET, 17))
}

pub(crate) fn key_id(kind: &str) -> String {
    format!("{kind}{}", random::text(ID_ALPHABET, 16))
}

pub(crate) fn key_secret() -> String {
    random::text(SECRET_ALPHABET, 40)
}

/// A session's token: nothing but chance, 384 bits of it.
pub(crate) fn session_token() -> String {
    random::text(SECRET_ALPHABET, 64)
}

pub(crate) fn user_arn(account: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:user{path}{name}")
}

pub(crate) fn role_arn(account: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:role{path}{name}")
}

pub(crate) fn policy_arn(account: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:policy{path}{name}")
}

/// Whether an ARN is one of a managed policy: of an account, or of those that are shipped.
pub(crate) fn is_policy_arn(arn: &str) -> bool {
    let owned = arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(":policy/"));
    owned.is_some_and(|(owner, name)| {
        let is_account = owner.len() == 12 && owner.bytes().all(|byte| byte.is_ascii_digit());
        (owner == "aws" || is_account) && !name.is_empty()
    })
}

/// The last part of an ARN or path: the entity's name.
pub(crate) fn last_part(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The name of the role or user of this account that an ARN is about; `kind` is `role` or `user`.
pub(crate) fn named_by<'a>(arn: &'a str, account: &str, kind: &str) -> Option<&'a str> {
    let rest = arn.strip_prefix("arn:aws:iam::")?.strip_prefix(account)?.strip_prefix(':')?;
    let path = rest.strip_prefix(kind)?;
    let name = path.strip_prefix('/').map(last_part)?;
    (!name.is_empty()).then_some(name)
}

/// Documents travel URL-encoded inside answers (RFC 3986, a space is `%20`).
pub(crate) fn url_encoded(document: &str) -> String {
    percent_encoding::percent_encode(document.as_bytes(), crate::sigv4::ENCODED).to_string()
}

/// Tags as they are kept: one JSON object. Keys differ by more than case.
pub(crate) fn tags_text(tags: Option<Vec<Tag>>) -> Answer<String> {
    let mut kept = Map::new();
    for tag in tags.into_iter().flatten() {
        if kept.keys().any(|key: &String| key.eq_ignore_ascii_case(&tag.key)) {
            return refuse(
                InvalidInputException,
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            );
        }
        kept.insert(tag.key, Value::String(tag.value));
    }
    Ok(Value::Object(kept).to_string())
}

pub(crate) fn tags(text: &str) -> Vec<(String, String)> {
    let Ok(Value::Object(tags)) = serde_json::from_str(text) else { return Vec::new() };
    let pairs = tags.into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())));
    pairs.collect()
}

/// One page of a list, ordered by name without regard to case.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) marker: Option<String>,
}

impl<T> Page<T> {
    /// Takes the items after the marker, which is the name of the last item of the page before.
    pub(crate) fn of(
        mut items: Vec<T>,
        name: impl Fn(&T) -> &str,
        marker: Option<&str>,
        max_items: Option<i64>,
    ) -> Self {
        let order = |name: &str| (name.to_ascii_lowercase(), name.to_owned());
        items.sort_by_key(|item| order(name(item)));
        if let Some(marker) = marker.map(order) {
            items.retain(|item| order(name(item)) > marker);
        }
        let take = usize::try_from(max_items.unwrap_or(PAGE).max(1)).unwrap_or(usize::MAX);
        let more = items.len() > take;
        items.truncate(take);
        let marker = items.last().filter(|_| more).map(|item| name(item).to_owned());
        Page { items, marker }
    }

    pub(crate) fn is_truncated(&self) -> Option<bool> {
        Some(self.marker.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_without_gap_or_overlap() {
        let all = || vec!["b".to_owned(), "A".into(), "c".into(), "D".into()];
        let (mut marker, mut seen) = (None::<String>, Vec::new());
        loop {
            let page = Page::of(all(), |name| name, marker.as_deref(), Some(3));
            seen.extend(page.items);
            marker = page.marker;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(seen, ["A", "b", "c", "D"]);
    }

    #[test]
    fn an_arn_names_an_entity_of_its_own_kind_and_account() {
        let arn = role_arn("123456789012", "/a/b/", "c");
        assert_eq!(named_by(&arn, "123456789012", "role"), Some("c"));
        assert_eq!(named_by(&arn, "123456789012", "user"), None);
        assert_eq!(named_by(&arn, "210987654321", "role"), None);
        assert_eq!(named_by("arn:aws:iam::123456789012:role/", "123456789012", "role"), None);
    }

    #[test]
    fn a_managed_policy_is_somebodys_and_has_a_name() {
        for (arn, good) in [
            ("arn:aws:iam::123456789012:policy/p", true),
            ("arn:aws:iam::aws:policy/service-role/p", true),
            ("arn:aws:iam::123456789012:user/p", false),
            ("arn:aws:iam::1234:policy/p", false),
            ("arn:aws:iam::123456789012:policy/", false),
            ("arn:aws:s3:::bucket/policy/p", false),
        ] {
            assert_eq!(is_policy_arn(arn), good, "{arn}");
        }
    }

    #[test]
    fn ids_have_the_form_that_clients_check() {
        assert_eq!(unique_id(USER_ID).len(), 21);
        assert_eq!(key_id(LONG_TERM_KEY).len(), 20);
        assert_eq!(key_secret().len(), 40);
    }
}
