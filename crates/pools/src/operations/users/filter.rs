//! The `Filter` of ListUsers.

use postern_model::cognito_idp::errors::InvalidParameterException;
use postern_model::{Answer, refusal, refuse};
use postern_store::user_search::{Searched, UserSearch, search_value};

/// Reads a `Filter`: one `attribute op "value"`, where op is `=` or `^=` (API reference, ListUsers). Only user names
/// mind case.
pub fn search(filter: &str) -> Answer<UserSearch> {
    let filter = filter.trim();
    if filter.is_empty() {
        return Ok(UserSearch::All);
    }
    let (name, value, prefix) = parse_filter(filter)
        .ok_or_else(|| refusal(InvalidParameterException, "Error while parsing filter"))?;
    let (searched, value) = match name.as_str() {
        "username" => (Searched::Username, value),
        "sub" => (Searched::Sub, value.to_ascii_lowercase()),
        "email" => (Searched::Email, crate::names::name_key(&value, false)),
        "phone_number" => (Searched::PhoneNumber, value),
        "name" => (Searched::Name, search_value(&value)),
        "given_name" => (Searched::GivenName, search_value(&value)),
        "family_name" => (Searched::FamilyName, search_value(&value)),
        "preferred_username" => (Searched::PreferredUsername, search_value(&value)),
        "cognito:user_status" => (Searched::Status, value.to_ascii_uppercase()),
        "status" => return Ok(by_status(&value.to_ascii_lowercase(), prefix)),
        other => {
            return refuse(InvalidParameterException, format!("Invalid search attribute: {other}"));
        }
    };
    Ok(UserSearch::By { searched, value, prefix })
}

/// Which users have one of the two words that begins with the value, or is it.
fn by_status(value: &str, prefix: bool) -> UserSearch {
    let is_meant = |word: &str| if prefix { word.starts_with(value) } else { word == value };
    match (is_meant("enabled"), is_meant("disabled")) {
        (true, true) => UserSearch::All,
        (false, false) => UserSearch::Nobody,
        (enabled, _) => UserSearch::Enabled(enabled),
    }
}

fn parse_filter(filter: &str) -> Option<(String, String, bool)> {
    let (name, rest) = match filter.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => filter.split_at(filter.find(['=', '^', ' '])?),
    };
    let rest = rest.trim_start();
    let (prefix, rest) = match rest.strip_prefix("^=") {
        Some(rest) => (true, rest),
        None => (false, rest.strip_prefix('=')?),
    };
    let quoted = rest.trim().strip_prefix('"')?.strip_suffix('"')?;
    let mut value = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => value.push(characters.next()?),
            '"' => return None,
            other => value.push(other),
        }
    }
    Some((name.trim().to_owned(), value, prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_one_comparison() {
        let parsed =
            |filter| parse_filter(filter).map(|(name, value, prefix)| format!("{name}|{value}|{prefix}"));
        for (filter, expected) in [
            (r#"email = "a@b.c""#, Some("email|a@b.c|false")),
            (r#"email="a@b.c""#, Some("email|a@b.c|false")),
            (r#""family_name" ^= "Ma\"r""#, Some("family_name|Ma\"r|true")),
            (r#"cognito:user_status = "CONFIRMED""#, Some("cognito:user_status|CONFIRMED|false")),
            (r#"email = a@b.c"#, None),
            (r#"email"#, None),
            (r#"email > "x""#, None),
            (r#"email = "x" and name = "y""#, None),
        ] {
            assert_eq!(parsed(filter).as_deref(), expected, "{filter}");
        }
    }
}
