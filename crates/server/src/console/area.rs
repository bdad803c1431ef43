//! Settings that are edited together: which fields they have, and what a form of them makes of the settings. Pure: facts
//! in, fields or a changed document out. What the settings must be, the operation says that saves them.

use super::desk::at;
use crate::pages::console::field::{Choice, Field};
use postern_model::Document;
use postern_pools::oauth::pairs::Pairs;
use serde_json::{Map, Value};

/// What a page of settings was read from.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// `UserPoolType`
    pub pool: Document,
    /// The answer of GetUserPoolMfaConfig.
    pub mfa: Document,
    /// `RiskConfigurationType`, for the pages of threat protection.
    pub risk: Document,
    /// `UserPoolClientType` without its secret.
    pub client: Document,
    /// Addresses and domains that mail can be sent as: name, and whether they are verified.
    pub identities: Vec<(String, bool)>,
    /// The pool's outside providers, by name.
    pub providers: Vec<String>,
    /// What an identity's ARN begins with.
    pub identity_arn: String,
}

/// What is saved by which operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saves {
    Pool,
    Mfa,
    Risk,
    Client,
}

/// Settings that are edited together.
pub struct Area {
    /// Its name in addresses.
    pub name: &'static str,
    /// The page of the menu that shows it.
    pub page: &'static str,
    pub title: &'static str,
    pub hint: &'static str,
    pub saves: Saves,
    pub fields: fn(&Facts) -> Vec<Field>,
    /// Puts what was typed into the settings as they are.
    pub change: fn(&Facts, &Pairs, &mut Document),
    /// What is said when it is saved.
    pub saved: &'static str,
}

/// A text at a way such as `EmailConfiguration.From`.
pub fn text(document: &Document, way: &str) -> String {
    match at(document, way) {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

pub fn is(document: &Document, way: &str) -> bool {
    at(document, way).as_bool().unwrap_or(false)
}

pub fn has(document: &Document, way: &str, value: &str) -> bool {
    at(document, way).as_array().is_some_and(|items| items.iter().any(|item| item == value))
}

/// The member of a document, made an object if it is none.
pub fn member<'a>(document: &'a mut Document, name: &str) -> &'a mut Document {
    if !document.is_object() {
        *document = Value::Object(Map::new());
    }
    let member = &mut document[name];
    if !member.is_object() {
        *member = Value::Object(Map::new());
    }
    member
}

/// Sets a member, or takes it away where there is nothing to set.
pub fn put(document: &mut Document, name: &str, value: impl Into<Value>) {
    let value = value.into();
    let is_nothing = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    if !document.is_object() {
        *document = Value::Object(Map::new());
    }
    if let Some(members) = document.as_object_mut() {
        if is_nothing {
            members.remove(name);
        } else {
            members.insert(name.to_owned(), value);
        }
    }
}

/// Sets what a pointer names, or takes it away.
pub fn put_at(document: &mut Value, pointer: &str, value: Value) {
    let mut steps: Vec<&str> = pointer.trim_start_matches('/').split('/').collect();
    let Some(last) = steps.pop() else { return };
    let is_nothing = value.is_null() || value == "";
    let mut at = document;
    for step in steps {
        if is_nothing && at.get(step).is_none() {
            return;
        }
        at = member(at, step);
    }
    put(at, last, value);
}

/// Sets a member to what was typed, and to nothing, too: what must not be empty, the operation refuses.
pub fn insist(document: &mut Document, name: &str, value: &str) {
    put(document, name, "-");
    document[name] = value.into();
}

/// A block that is sent without a mode leaves the mode as it is; sent along with OFF it would be refused.
pub fn leave_off(mfa: &mut Document) {
    if let Some(members) = mfa.as_object_mut()
        && members.get("MfaConfiguration").is_none_or(|mode| mode == "OFF")
    {
        members.remove("MfaConfiguration");
    }
}

/// What was typed into a field.
pub fn typed<'a>(form: &'a Pairs, name: &str) -> &'a str {
    form.first(name).unwrap_or_default().trim()
}

/// A text of several lines as it was typed. Browsers end lines in a way of their own: what differs from what was there
/// in nothing else stays as it was.
pub fn prose(form: &Pairs, name: &str, before: &str) -> String {
    let plain = |text: &str| text.replace("\r\n", "\n").trim().to_owned();
    let typed = plain(form.first(name).unwrap_or_default());
    if typed == plain(before) { before.to_owned() } else { typed }
}

/// A number as it was typed; what is no number goes on as text, for the API to refuse by name.
pub fn number(form: &Pairs, name: &str) -> Value {
    let text = typed(form, name);
    if text.is_empty() {
        return Value::Null;
    }
    text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from)
}

pub fn ticked(form: &Pairs, name: &str) -> Vec<String> {
    form.every(name).map(str::to_owned).collect()
}

pub fn lines(form: &Pairs, name: &str) -> Vec<String> {
    super::desk::lines(form.first(name).unwrap_or_default())
}

/// Choices of which several may hold: value, label, help.
pub fn choices(all: &[(&str, &str, &str)], is_on: impl Fn(&str) -> bool) -> Vec<Choice> {
    all.iter().map(|(value, label, help)| Choice::new(*value, *label, is_on(value)).help(*help)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_typed_takes_a_setting_away() {
        let mut pool = json!({ "EmailConfiguration": { "From": "a@b.test" } });
        put(member(&mut pool, "EmailConfiguration"), "From", "");
        assert_eq!(pool, json!({ "EmailConfiguration": {} }));
        insist(&mut pool, "PoolName", "");
        assert_eq!(pool["PoolName"], "");
        let form = Pairs::from([("days", "7"), ("bad", "seven"), ("tick", "A"), ("tick", "B")]);
        assert_eq!((number(&form, "days"), number(&form, "bad")), (json!(7), json!("seven")));
        assert_eq!(ticked(&form, "tick"), ["A", "B"]);
    }

    #[test]
    fn the_way_in_which_a_browser_ends_lines_changes_no_text() {
        let form = Pairs::from([("words", "Hello\r\n{####}\r\n")]);
        for before in ["Hello\n{####}\n", "Hello\r\n{####}", "Hello\n{####}"] {
            assert_eq!(prose(&form, "words", before), before);
        }
        assert_eq!(prose(&form, "words", "Hello {####}"), "Hello\n{####}");
    }
}
