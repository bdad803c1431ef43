//! The words that the function of CustomMessage chooses for a message, and what they must hold (Developer Guide, "Custom
//! message Lambda trigger").

use crate::messages::has_link;
use serde_json::Value;

/// Where the code goes in a message, and the user's name.
pub const CODE: &str = "{####}";
pub const USERNAME: &str = "{username}";
/// Where a link goes, for pools that confirm by one; its words are the function's choice.
pub const LINK: &str = "{##Click Here##}";

const SUBJECT_MAX: usize = 140;
const EMAIL_MAX: usize = 20_000;
const SMS_MAX: usize = 140;

/// What a function chose; what it left out is the pool's affair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    pub email_subject: Option<String>,
    pub email: Option<String>,
    pub sms: Option<String>,
}

impl Chosen {
    /// Reads an answer; says what is wrong with it. A message must hold all these parts.
    pub fn read(response: &Value, parts: &[&str]) -> Result<Chosen, String> {
        let text = |name: &str, longest: usize| match &response[name] {
            Value::Null => Ok(None),
            Value::String(text) if text.is_empty() => Ok(None),
            Value::String(text) if text.chars().count() > longest => {
                Err(format!("{name} is longer than {longest} characters"))
            }
            Value::String(text) => Ok(Some(text.clone())),
            _ => Err(format!("{name} is not a text")),
        };
        let message = |name: &str, longest: usize| {
            let text = text(name, longest)?;
            match parts.iter().find(|part| text.as_ref().is_some_and(|text| !holds(text, part))) {
                Some(part) => Err(format!("{name} does not contain {part}")),
                None => Ok(text),
            }
        };
        let subject = text("emailSubject", SUBJECT_MAX)?;
        if subject.as_ref().is_some_and(|subject| subject.contains(['\r', '\n'])) {
            return Err("emailSubject is more than one line".to_owned());
        }
        Ok(Chosen {
            email_subject: subject,
            email: message("emailMessage", EMAIL_MAX)?,
            sms: message("smsMessage", SMS_MAX)?,
        })
    }
}

/// Tells whether a text has a place for a part. Where a link would do, so does the code.
fn holds(text: &str, part: &str) -> bool {
    match part {
        LINK => has_link(text) || text.contains(CODE),
        part => text.contains(part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_are_taken_as_far_as_they_are_given() {
        let read = |response: Value| Chosen::read(&response, &[CODE]);
        assert_eq!(read(json!({})), Ok(Chosen::default()));
        assert_eq!(read(json!({ "emailMessage": null, "smsMessage": "" })), Ok(Chosen::default()));
        let chosen = read(json!({ "emailSubject": "Hi", "emailMessage": "<b>{####}</b>" })).expect("words");
        assert_eq!(chosen.email.as_deref(), Some("<b>{####}</b>"));
        assert_eq!(chosen.email_subject.as_deref(), Some("Hi"));
    }

    #[test]
    fn words_without_the_code_or_too_many_are_refused() {
        let fault = |response: Value, parts: &[&str]| Chosen::read(&response, parts).expect_err("a fault");
        assert_eq!(fault(json!({ "smsMessage": "hello" }), &[CODE]), "smsMessage does not contain {####}");
        assert_eq!(
            fault(json!({ "emailMessage": "{####}" }), &[USERNAME, CODE]),
            "emailMessage does not contain {username}"
        );
        assert_eq!(fault(json!({ "emailSubject": 1 }), &[]), "emailSubject is not a text");
        assert_eq!(
            fault(json!({ "emailSubject": "a\r\nBcc: b@c.test" }), &[]),
            "emailSubject is more than one line"
        );
        assert!(fault(json!({ "smsMessage": "x".repeat(141) }), &[]).contains("longer than 140"));
        assert_eq!(
            fault(json!({ "emailMessage": "hello" }), &[LINK]),
            "emailMessage does not contain {##Click Here##}"
        );
        for good in ["{##Go##}", "{####}"] {
            assert!(Chosen::read(&json!({ "emailMessage": good }), &[LINK]).is_ok());
        }
    }
}
