//! Checks a document against the model: wrong types first (a [`Mismatch`]), then the constraints, all of which
//! are reported in one message in the service's words.

use crate::service::{Kind, Member, Range, ServiceModel, ShapeRef};
use crate::shape::{Blob, Document, Mismatch, Shape, Timestamp, whole};
use std::fmt;

/// At most so many violations are collected, so that a small request cannot ask for a huge message.
pub const VIOLATIONS_MAX: usize = 100;

/// A constraint that a value does not satisfy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Member names with a lower-case first letter, joined with dots; items as `names.1.member`.
    pub path: String,
    pub value: Shown,
    pub rule: Rule,
}

/// What a message shows of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    Null,
    /// The value is sensitive, or has no form that can be shown.
    Hidden,
    Text(String),
}

/// What a member must satisfy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    NotNull,
    LengthMin(i64),
    LengthMax(i64),
    ValueMin(i64),
    ValueMax(i64),
    Pattern(&'static str),
    Choices(&'static [String]),
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::NotNull => f.write_str("Member must not be null"),
            Rule::LengthMin(min) => write!(f, "Member must have length greater than or equal to {min}"),
            Rule::LengthMax(max) => write!(f, "Member must have length less than or equal to {max}"),
            Rule::ValueMin(min) => write!(f, "Member must have value greater than or equal to {min}"),
            Rule::ValueMax(max) => write!(f, "Member must have value less than or equal to {max}"),
            Rule::Pattern(pattern) => write!(f, "Member must satisfy regular expression pattern: {pattern}"),
            Rule::Choices(values) => write!(f, "Member must satisfy enum value set: [{}]", values.join(", ")),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Shown::Null => f.write_str("Value null")?,
            Shown::Hidden => f.write_str("Value")?,
            Shown::Text(text) => write!(f, "Value '{text}'")?,
        }
        write!(f, " at '{}' failed to satisfy constraint: {}", self.path, self.rule)
    }
}

/// Says what is wrong, as the services say it.
pub fn validation_message(violations: &[Violation]) -> String {
    let items: Vec<String> = violations.iter().map(Violation::to_string).collect();
    let errors = if items.len() == 1 { "error" } else { "errors" };
    format!("{} validation {errors} detected: {}", items.len(), items.join("; "))
}

/// Checks a document against a shape. Unknown members are ignored; `null` counts as absent.
pub fn check(
    model: &'static ServiceModel,
    shape: ShapeRef,
    document: &Document,
) -> Result<Vec<Violation>, Mismatch> {
    let mut walk = Walk { model, violations: Vec::new() };
    walk.value(shape, document, Place { path: &Path::Root, hidden: false })?;
    Ok(walk.violations)
}

/// The way from the document's root to a value, written out only for a message.
enum Path<'a> {
    Root,
    Member(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
    /// An entry of a map, with its key if that may be shown.
    Entry(&'a Path<'a>, Option<&'a str>),
}

impl Path<'_> {
    fn written(&self) -> String {
        match self {
            Path::Root => String::new(),
            Path::Member(Path::Root, name) => first_lower(name),
            Path::Member(parent, name) => format!("{}.{}", parent.written(), first_lower(name)),
            Path::Item(parent, at) => format!("{}.{at}.member", parent.written()),
            Path::Entry(parent, Some(key)) => format!("{}.{key}.member", parent.written()),
            Path::Entry(parent, None) => format!("{}.member", parent.written()),
        }
    }
}

fn first_lower(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// Where a value stands, and whether something around it is sensitive.
#[derive(Clone, Copy)]
struct Place<'a> {
    path: &'a Path<'a>,
    hidden: bool,
}

struct Walk {
    model: &'static ServiceModel,
    violations: Vec<Violation>,
}

impl Walk {
    fn value(&mut self, shape: ShapeRef, document: &Document, place: Place<'_>) -> Result<(), Mismatch> {
        let described = self.model.shape(shape);
        let place = Place { hidden: place.hidden || described.sensitive, ..place };
        let mut broken = Vec::new();
        match &described.kind {
            Kind::Structure { members } => self.structure(members, document, place)?,
            Kind::List { member, length, .. } => {
                let items = document.as_array().ok_or(Mismatch::new("a list"))?;
                self.report(lengths(*length, items.len()), shape, document, place);
                for (item, at) in items.iter().zip(1..) {
                    let path = &Path::Item(place.path, at);
                    self.present(*member, item, Place { path, ..place }).map_err(|m| m.under(at))?;
                }
            }
            Kind::Map { key, value, length, .. } => {
                let entries = document.as_object().ok_or(Mismatch::new("a map"))?;
                self.report(lengths(*length, entries.len()), shape, document, place);
                for (name, entry) in entries.iter().filter(|(_, entry)| !entry.is_null()) {
                    self.value(*key, &Document::String(name.clone()), place)?;
                    let path = &Path::Entry(place.path, (!place.hidden).then_some(name));
                    self.value(*value, entry, Place { path, ..place }).map_err(|m| m.under(name))?;
                }
            }
            Kind::String { choices, length, pattern } => {
                let text = document.as_str().ok_or(Mismatch::new("a string"))?;
                if !choices.is_empty() && !choices.iter().any(|choice| choice == text) {
                    broken.push(Rule::Choices(choices));
                }
                if let Some(pattern) = pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
                    broken.push(Rule::Pattern(&pattern.text));
                }
                broken.extend(lengths(*length, text.chars().count()));
            }
            Kind::Integer { range } => {
                let number = whole(document).ok_or(Mismatch::new("a whole number"))?;
                broken.extend(range.min.filter(|min| number < *min).map(Rule::ValueMin));
                broken.extend(range.max.filter(|max| number > *max).map(Rule::ValueMax));
            }
            Kind::Float { range } => {
                let number = f64::read(document)?;
                broken.extend(range.min.filter(|min| number < *min as f64).map(Rule::ValueMin));
                broken.extend(range.max.filter(|max| number > *max as f64).map(Rule::ValueMax));
            }
            Kind::Boolean => drop(bool::read(document)?),
            Kind::Timestamp => drop(Timestamp::read(document)?),
            Kind::Blob { length } => broken.extend(lengths(*length, Blob::read(document)?.0.len())),
            Kind::Document => {}
        }
        self.report(broken, shape, document, place);
        Ok(())
    }

    fn structure(
        &mut self,
        members: &'static [Member],
        document: &Document,
        place: Place<'_>,
    ) -> Result<(), Mismatch> {
        let values = document.as_object().ok_or(Mismatch::new("a structure"))?;
        for member in members {
            let path = &Path::Member(place.path, &member.name);
            let value = values.get(&member.name).unwrap_or(&Document::Null);
            let place = Place { path, ..place };
            if member.required {
                self.present(member.shape, value, place)
            } else if value.is_null() {
                Ok(())
            } else {
                self.value(member.shape, value, place)
            }
            .map_err(|mismatch| mismatch.under(&member.name))?;
        }
        Ok(())
    }

    /// Checks a value that must not be null.
    fn present(&mut self, shape: ShapeRef, document: &Document, place: Place<'_>) -> Result<(), Mismatch> {
        if document.is_null() {
            self.report([Rule::NotNull], shape, document, place);
            return Ok(());
        }
        self.value(shape, document, place)
    }

    fn report(
        &mut self,
        rules: impl IntoIterator<Item = Rule>,
        shape: ShapeRef,
        document: &Document,
        place: Place<'_>,
    ) {
        for rule in rules {
            if self.violations.len() == VIOLATIONS_MAX {
                return;
            }
            let value = match document {
                Document::Null => Shown::Null,
                _ if place.hidden => Shown::Hidden,
                _ => self.shown(shape, document).map_or(Shown::Hidden, Shown::Text),
            };
            self.violations.push(Violation { path: place.path.written(), value, rule });
        }
    }

    /// Shows a value as the services do (`[a, b]`, `{key=value}`); nothing for what is sensitive or structured.
    fn shown(&self, shape: ShapeRef, document: &Document) -> Option<String> {
        let described = self.model.shape(shape);
        if described.sensitive {
            return None;
        }
        match (&described.kind, document) {
            (_, Document::Null) => Some("null".to_owned()),
            (Kind::String { .. }, Document::String(text)) => Some(text.clone()),
            (Kind::Integer { .. } | Kind::Float { .. } | Kind::Boolean, scalar) => Some(scalar.to_string()),
            (Kind::List { member, .. }, Document::Array(items)) => {
                let items = items.iter().map(|item| self.shown(*member, item));
                Some(format!("[{}]", items.collect::<Option<Vec<_>>>()?.join(", ")))
            }
            (Kind::Map { value, .. }, Document::Object(entries)) => {
                let entries =
                    entries.iter().map(|(key, entry)| Some(format!("{key}={}", self.shown(*value, entry)?)));
                Some(format!("{{{}}}", entries.collect::<Option<Vec<_>>>()?.join(", ")))
            }
            _ => None,
        }
    }
}

fn lengths(range: Range, length: usize) -> impl Iterator<Item = Rule> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let short = range.min.filter(|min| length < *min).map(Rule::LengthMin);
    let long = range.max.filter(|max| length > *max).map(Rule::LengthMax);
    short.into_iter().chain(long)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Service;
    use serde_json::json;

    fn checked(service: Service, shape: &str, document: Document) -> Result<String, Mismatch> {
        let model = ServiceModel::of(service);
        let shape = model.shape_named(shape).expect("the table names shapes of the model");
        check(model, shape, &document).map(|violations| validation_message(&violations))
    }

    #[test]
    fn violations_are_told_in_the_words_of_the_service() {
        use Service::{CognitoIdp, Iam, SesV2};
        let user = |more: Document| {
            let mut user = json!({"UserPoolId": "eu-west-1_aB3", "Username": "alice"});
            let members = user.as_object_mut().expect("an object");
            members.extend(more.as_object().expect("an object").clone());
            user
        };
        let table = [
            (
                CognitoIdp,
                "InitiateAuthRequest",
                json!({"ClientId": "1example23456789", "AuthFlow": "NO_SUCH_FLOW"}),
                "1 validation error detected: Value 'NO_SUCH_FLOW' at 'authFlow' failed to satisfy constraint: \
                 Member must satisfy enum value set: [USER_SRP_AUTH, REFRESH_TOKEN_AUTH, REFRESH_TOKEN, CUSTOM_AUTH, \
                 ADMIN_NO_SRP_AUTH, USER_PASSWORD_AUTH, ADMIN_USER_PASSWORD_AUTH, USER_AUTH]",
            ),
            (
                CognitoIdp,
                "VerifySoftwareTokenRequest",
                json!({"UserCode": "Aaaa"}),
                "2 validation errors detected: Value at 'userCode' failed to satisfy constraint: Member must satisfy \
                 regular expression pattern: [0-9]+; Value at 'userCode' failed to satisfy constraint: Member must \
                 have length greater than or equal to 6",
            ),
            (
                CognitoIdp,
                "AdminGetUserRequest",
                json!({"UserPoolId": null}),
                "2 validation errors detected: Value null at 'userPoolId' failed to satisfy constraint: Member must \
                 not be null; Value null at 'username' failed to satisfy constraint: Member must not be null",
            ),
            (
                CognitoIdp,
                "AdminGetUserRequest",
                json!({"UserPoolId": "eu-west-1", "Username": "alice"}),
                "1 validation error detected: Value 'eu-west-1' at 'userPoolId' failed to satisfy constraint: Member \
                 must satisfy regular expression pattern: [\\w-]+_[0-9a-zA-Z]+",
            ),
            (
                CognitoIdp,
                "AdminCreateUserRequest",
                user(
                    json!({"UserAttributes": [{"Name": "email", "Value": "a@example.com"}, {"Name": "a".repeat(33)}]}),
                ),
                "1 validation error detected: Value 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' at \
                 'userAttributes.2.member.name' failed to satisfy constraint: Member must have length less than or \
                 equal to 32",
            ),
            (
                CognitoIdp,
                "AdminCreateUserRequest",
                user(json!({"DesiredDeliveryMediums": ["EMAIL", "PIGEON"]})),
                "1 validation error detected: Value 'PIGEON' at 'desiredDeliveryMediums.2.member' failed to satisfy \
                 constraint: Member must satisfy enum value set: [SMS, EMAIL]",
            ),
            (
                CognitoIdp,
                "ListUsersRequest",
                json!({"UserPoolId": "eu-west-1_aB3", "Limit": 61}),
                "1 validation error detected: Value '61' at 'limit' failed to satisfy constraint: Member must have \
                 value less than or equal to 60",
            ),
            (
                CognitoIdp,
                "CreateUserPoolRequest",
                json!({"PoolName": "a", "Policies": {"PasswordPolicy": {"MinimumLength": 5}}}),
                "1 validation error detected: Value '5' at 'policies.passwordPolicy.minimumLength' failed to satisfy \
                 constraint: Member must have value greater than or equal to 6",
            ),
            (
                CognitoIdp,
                "ConfirmSignUpRequest",
                json!({"ClientId": "1example23456789", "Username": "two words", "ConfirmationCode": "123456"}),
                "1 validation error detected: Value at 'username' failed to satisfy constraint: Member must satisfy \
                 regular expression pattern: [\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]+",
            ),
            (
                Iam,
                "GetRoleRequest",
                json!({"RoleName": "no/slash"}),
                "1 validation error detected: Value 'no/slash' at 'roleName' failed to satisfy constraint: Member \
                 must satisfy regular expression pattern: [\\w+=,.@-]+",
            ),
            (
                SesV2,
                "GetEmailIdentityRequest",
                json!({"EmailIdentity": ""}),
                "1 validation error detected: Value '' at 'emailIdentity' failed to satisfy constraint: Member must \
                 have length greater than or equal to 1",
            ),
        ];
        for (service, shape, document, words) in table {
            assert_eq!(checked(service, shape, document.clone()).as_deref(), Ok(words), "{shape} {document}");
        }
    }

    #[test]
    fn a_good_request_has_no_violations() {
        let good = json!({
            "UserPoolId": "eu-west-1_aB3",
            "Username": "grün@example.com",
            "UserAttributes": [{"Name": "email", "Value": "gr\u{fc}n@example.com"}],
            "ClientMetadata": {"from": "test"},
            "Unheard": [1, 2, 3]
        });
        let model = ServiceModel::of(Service::CognitoIdp);
        let shape = model.shape_named("AdminCreateUserRequest").expect("modelled");
        assert_eq!(check(model, shape, &good), Ok(vec![]));
    }

    #[test]
    fn a_wrong_type_is_told_before_any_violation() {
        let table = [
            (json!([]), ""),
            (json!({"UserPoolId": 7}), "UserPoolId"),
            (json!({"Username": {}}), "Username"),
            (json!({"UserAttributes": {"Name": "email"}}), "UserAttributes"),
            (json!({"UserAttributes": [{}, {"Name": 1}]}), "UserAttributes.2.Name"),
            (json!({"ClientMetadata": {"from": false}}), "ClientMetadata.from"),
            (json!({"ForceAliasCreation": "true"}), "ForceAliasCreation"),
        ];
        for (document, path) in table {
            let mismatch = checked(Service::CognitoIdp, "AdminCreateUserRequest", document.clone());
            let mismatch = mismatch.expect_err("not of the right type");
            assert_eq!(mismatch.path.join("."), path, "{document}");
        }
    }

    #[test]
    fn sensitive_values_are_not_echoed_even_inside_maps() {
        let secret = "s3cret ".repeat(600);
        let document = json!({
            "ClientId": "1example23456789",
            "Username": secret, "Password": secret, "SecretHash": secret,
            "UserAttributes": [{"Name": "email", "Value": secret}],
            "UserContextData": {"IpAddress": secret}
        });
        let words = checked(Service::CognitoIdp, "SignUpRequest", document).expect("of the right types");
        assert!(words.starts_with("7 validation errors"), "{words}");
        assert!(!words.contains("s3cret"), "{words}");
    }

    #[test]
    fn a_small_request_cannot_ask_for_a_huge_message() {
        let attributes = vec![json!({"Name": ""}); 5_000];
        let document =
            json!({"UserPoolId": "eu-west-1_aB3", "Username": "alice", "UserAttributes": attributes});
        let words =
            checked(Service::CognitoIdp, "AdminCreateUserRequest", document).expect("of the right types");
        assert!(words.starts_with(&format!("{VIOLATIONS_MAX} validation errors")), "{words}");
    }
}
