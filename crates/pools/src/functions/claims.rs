//! What the function of PreTokenGeneration makes of a sign-in's claims: which it may add, change and suppress, and in
//! which words (Developer Guide, "Pre token generation Lambda trigger").

use serde::Deserialize;
use serde_json::{Map, Value};

/// The version of the event, which decides what may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// ID tokens, by texts.
    V1,
    /// Access tokens too, and any JSON.
    V2,
    /// The same, for tokens of apps as well.
    V3,
}

impl Version {
    /// The version in the event.
    pub fn as_str(self) -> &'static str {
        match self {
            Version::V1 => "1",
            Version::V2 => "2",
            Version::V3 => "3",
        }
    }

    /// The member of the response that is filled in.
    pub fn member(self) -> &'static str {
        match self {
            Version::V1 => "claimsOverrideDetails",
            Version::V2 | Version::V3 => "claimsAndScopeOverrideDetails",
        }
    }
}

/// Claims that are not the function's to touch; what it says about them is passed over.
const KEPT: [&str; 21] = [
    "acr",
    "amr",
    "at_hash",
    "auth_time",
    "azp",
    "client_id",
    "device_key",
    "event_id",
    "exp",
    "iat",
    "identities",
    "iss",
    "jti",
    "nbf",
    "nonce",
    "origin_jti",
    "scope",
    "sub",
    "token_use",
    "username",
    "version",
];
/// The only ones of Cognito's own that are.
const GROUPS: &str = "cognito:groups";
const ROLES: &str = "cognito:roles";
const PREFERRED_ROLE: &str = "cognito:preferred_role";
/// Claims of an ID token that stay simple.
const SIMPLE: [&str; 4] = ["address", "email_verified", "phone_number_verified", "updated_at"];

/// An answer that does not read.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Changes {
    claims_to_add_or_override: Option<Map<String, Value>>,
    claims_to_suppress: Option<Vec<String>>,
    scopes_to_add: Option<Vec<String>>,
    scopes_to_suppress: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Groups {
    groups_to_override: Option<Vec<String>>,
    iam_roles_to_override: Option<Vec<String>>,
    preferred_role: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Id,
    Access,
}

/// Applies an answer to the claims that were prepared.
pub fn apply(
    version: Version,
    response: &Value,
    id: Option<&mut Value>,
    access: &mut Value,
) -> Result<(), Unreadable> {
    let details = match &response[version.member()] {
        Value::Null => return Ok(()),
        Value::Object(details) => details,
        _ => return Err(Unreadable),
    };
    let mut id = id.and_then(Value::as_object_mut);
    let access = access.as_object_mut().ok_or(Unreadable)?;
    if let Some(groups) = details.get("groupOverrideDetails") {
        let groups: Groups = read(groups)?;
        if let Some(claims) = id.as_deref_mut() {
            put_or_remove(claims, GROUPS, list(groups.groups_to_override.as_ref()));
            put_or_remove(claims, ROLES, list(groups.iam_roles_to_override.as_ref()));
            put_or_remove(claims, PREFERRED_ROLE, groups.preferred_role.map(Value::from));
        }
        put_or_remove(access, GROUPS, list(groups.groups_to_override.as_ref()));
    }
    if version == Version::V1 {
        let changes: Changes = read(&Value::Object(details.clone()))?;
        if changes.claims_to_add_or_override.iter().flatten().any(|(_, value)| !value.is_string()) {
            return Err(Unreadable);
        }
        if let Some(claims) = id {
            change(claims, Token::Id, changes)?;
        }
        return Ok(());
    }
    let part = |name: &str| details.get(name).map_or_else(|| Ok(Changes::default()), read);
    let (of_id, of_access): (Changes, Changes) = (part("idTokenGeneration")?, part("accessTokenGeneration")?);
    if let Some(claims) = id {
        change(claims, Token::Id, of_id)?;
    }
    change_scopes(access, &of_access);
    change(access, Token::Access, of_access)
}

fn read<T: for<'a> Deserialize<'a> + Default>(value: &Value) -> Result<T, Unreadable> {
    match value {
        Value::Null => Ok(T::default()),
        value => T::deserialize(value).map_err(|_| Unreadable),
    }
}

fn list(texts: Option<&Vec<String>>) -> Option<Value> {
    texts.filter(|texts| !texts.is_empty()).map(|texts| texts.clone().into())
}

fn put_or_remove(claims: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(claims.insert(name.to_owned(), value)),
        None => drop(claims.shift_remove(name)),
    }
}

/// What is both added and suppressed is suppressed.
fn change(claims: &mut Map<String, Value>, token: Token, changes: Changes) -> Result<(), Unreadable> {
    for (name, value) in changes.claims_to_add_or_override.into_iter().flatten() {
        if !may_touch(&name, token) || name.starts_with("dev:") {
            continue;
        }
        if token == Token::Id && SIMPLE.contains(&name.as_str()) && (value.is_object() || value.is_array()) {
            return Err(Unreadable);
        }
        // Whom an access token is for may be said where nothing says it, and only what it would say anyway.
        if name == "aud" && (claims.contains_key("aud") || claims.get("client_id") != Some(&value)) {
            continue;
        }
        claims.insert(name, value);
    }
    for name in changes.claims_to_suppress.into_iter().flatten() {
        if may_touch(&name, token) && name != "aud" {
            claims.shift_remove(&name);
        }
    }
    Ok(())
}

fn may_touch(name: &str, token: Token) -> bool {
    if name.starts_with("cognito:") {
        return [GROUPS, ROLES, PREFERRED_ROLE].contains(&name);
    }
    !KEPT.contains(&name) && (name != "aud" || token == Token::Access)
}

fn change_scopes(claims: &mut Map<String, Value>, changes: &Changes) {
    let scope = claims.get("scope").and_then(Value::as_str).unwrap_or_default();
    let mut scopes: Vec<String> =
        scope.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    let is_scope = |scope: &str| {
        !scope.is_empty()
            && scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
            && !scope.starts_with("aws.cognito")
    };
    for added in changes.scopes_to_add.iter().flatten() {
        if is_scope(added) && !scopes.contains(added) {
            scopes.push(added.clone());
        }
    }
    scopes.retain(|scope| !changes.scopes_to_suppress.iter().flatten().any(|suppressed| suppressed == scope));
    claims.insert("scope".into(), scopes.join(" ").into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn id() -> Value {
        json!({
            "sub": "s", "email": "a@b.c", "cognito:username": "u", "cognito:groups": ["old"], "aud": "app",
            "exp": 1,
        })
    }

    fn access() -> Value {
        json!({ "sub": "s", "client_id": "app", "scope": "aws.cognito.signin.user.admin openid", "username": "u" })
    }

    fn applied(version: Version, details: Value) -> Result<(Value, Value), Unreadable> {
        let (mut id, mut access) = (id(), access());
        let mut response = json!({});
        response[version.member()] = details;
        apply(version, &response, Some(&mut id), &mut access)?;
        Ok((id, access))
    }

    #[test]
    fn an_answer_that_fills_nothing_in_changes_nothing() {
        for version in [Version::V1, Version::V2, Version::V3] {
            assert_eq!(applied(version, json!(null)), Ok((id(), access())));
            assert_eq!(applied(version, json!({})), Ok((id(), access())));
        }
    }

    #[test]
    fn the_first_version_changes_texts_of_id_tokens() {
        let details = json!({
            "claimsToAddOrOverride": { "tier": "gold", "email": "x@y.z", "both": "b" },
            "claimsToSuppress": ["both"],
        });
        let (id, changed) = applied(Version::V1, details).expect("read");
        assert_eq!((&id["tier"], &id["email"], id.get("both")), (&json!("gold"), &json!("x@y.z"), None));
        assert_eq!(changed, access());
        let number = json!({ "claimsToAddOrOverride": { "age": 7 } });
        assert_eq!(applied(Version::V1, number), Err(Unreadable));
    }

    #[test]
    fn later_versions_change_access_tokens_and_scopes() {
        let details = json!({
            "idTokenGeneration": { "claimsToAddOrOverride": { "plan": { "seats": 3 } } },
            "accessTokenGeneration": {
                "claimsToAddOrOverride": { "admin": true, "aud": "app" },
                "claimsToSuppress": ["username"],
                "scopesToAdd": ["api/read", "aws.cognito.other", "two words", "openid"],
                "scopesToSuppress": ["aws.cognito.signin.user.admin"],
            },
        });
        let (id, access) = applied(Version::V2, details).expect("read");
        assert_eq!(id["plan"]["seats"], 3);
        assert_eq!(access["scope"], "openid api/read");
        assert_eq!(
            (&access["admin"], &access["aud"], &access["username"]),
            (&json!(true), &json!("app"), &json!("u"))
        );
        let address = json!({ "idTokenGeneration": { "claimsToAddOrOverride": { "address": {} } } });
        assert_eq!(applied(Version::V2, address), Err(Unreadable));
    }

    #[test]
    fn what_a_token_proves_is_not_to_be_touched() {
        for name in KEPT.iter().chain(&["cognito:username", "cognito:other", "dev:x"]) {
            let mut add = json!({});
            add[*name] = json!("forged");
            let part = json!({ "claimsToAddOrOverride": add, "claimsToSuppress": [name] });
            let details = json!({ "idTokenGeneration": part, "accessTokenGeneration": part });
            let (id, access) = applied(Version::V2, details).expect("read");
            assert_eq!((id, access), (self::id(), self::access()), "{name}");
        }
        let audience = json!({ "claimsToAddOrOverride": { "aud": "other" } });
        let details = json!({ "idTokenGeneration": audience, "accessTokenGeneration": audience });
        assert_eq!(applied(Version::V3, details), Ok((id(), access())));
    }

    #[test]
    fn groups_are_replaced_or_removed_or_stay() {
        let with =
            |groups: Value| applied(Version::V2, json!({ "groupOverrideDetails": groups })).expect("read");
        let (id, access) = with(json!({ "groupsToOverride": ["new"], "preferredRole": "arn:r" }));
        assert_eq!((&id[GROUPS], &access[GROUPS]), (&json!(["new"]), &json!(["new"])));
        assert_eq!(id[PREFERRED_ROLE], "arn:r");
        for none in [json!(null), json!({}), json!({ "groupsToOverride": [] })] {
            assert_eq!(with(none).0.get(GROUPS), None);
        }
        assert_eq!(applied(Version::V2, json!({ "groupOverrideDetails": 1 })), Err(Unreadable));
    }
}
