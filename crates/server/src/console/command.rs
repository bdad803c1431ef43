//! A change as others make it: by the AWS command line, and as a request. What the model calls sensitive is masked.

use crate::api::{Call, MASK, masked};
use postern_model::{Document, Kind, ServiceModel};
use serde_json::Value;

/// Writes the call as a command. Members that are simple become plain words, others JSON.
pub fn command(call: Call, input: &Document) -> String {
    let mut text = format!("aws {} {}", call.service.name(), kebab(&call.operation.name));
    for (name, value) in without_secrets(call, input).as_object().into_iter().flatten() {
        let flag = kebab(name);
        let word = match value {
            Value::Null => continue,
            Value::Bool(true) => format!("--{flag}"),
            Value::Bool(false) => format!("--no-{flag}"),
            Value::String(text) => format!("--{flag} {}", quoted(text)),
            Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_string) => {
                let words: Vec<String> = items.iter().filter_map(Value::as_str).map(quoted).collect();
                format!("--{flag} {}", words.join(" "))
            }
            other => format!("--{flag} {}", quoted(&other.to_string())),
        };
        text.push_str(" \\\n    ");
        text.push_str(&word);
    }
    text
}

/// Writes the call as a request's document.
pub fn request(call: Call, input: &Document) -> String {
    let body = serde_json::to_string_pretty(&without_secrets(call, input)).unwrap_or_default();
    format!("{}:{}\n{body}", call.service.name(), call.operation.name)
}

/// Shapes that are secrets wherever they stand. The model calls names and addresses sensitive, too; the console shows
/// those to the administrator who has just typed them.
const SECRETS: [&str; 7] = [
    "PasswordType",
    "SecretHash",
    "ClientSecretType",
    "TokenModelType",
    "SessionType",
    "SoftwareTokenMFAUserCodeType",
    "PrivateKey",
];

pub fn without_secrets(call: Call, input: &Document) -> Document {
    let mut shown = masked(call, input, |shape| SECRETS.contains(&shape.name.as_str()), |_| false);
    // The details of a provider are a map, of which these are secret.
    for name in postern_pools::settings::providers::SECRETS {
        if let Some(secret) = shown.pointer_mut(&format!("/ProviderDetails/{name}")) {
            *secret = Value::from(MASK);
        }
    }
    shown
}

/// Keeps of a described thing what an operation takes: the settings as they are, ready to be changed and sent back.
pub fn settings_for(call: Call, described: &Document) -> Document {
    let model = ServiceModel::of(call.service);
    let members = call.operation.input.map(|shape| &model.shape(shape).kind);
    let (Some(Kind::Structure { members }), Some(values)) = (members, described.as_object()) else {
        return described.clone();
    };
    let kept = values.iter().filter(|(name, _)| members.iter().any(|member| member.name == **name));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// Writes a name as the AWS command line does.
fn kebab(name: &str) -> String {
    // "CallbackURLs" ends in a plural of capitals, which stays together.
    let letters: Vec<char> = name.chars().collect();
    let plural_from = match letters.split_last() {
        Some(('s', before)) => {
            let capitals = before.iter().rev().take_while(|letter| letter.is_ascii_uppercase()).count();
            if capitals >= 2 { before.len() - capitals } else { letters.len() }
        }
        _ => letters.len(),
    };
    let mut out = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(at + 1);
        let begins_word = letter.is_ascii_uppercase()
            && at <= plural_from
            && before.is_some_and(|before| {
                !before.is_ascii_uppercase()
                    || at < plural_from && after.is_some_and(|after| after.is_ascii_lowercase())
            });
        if begins_word {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// Quotes a word for a shell, where it needs that.
pub fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+,=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_model::Service;
    use serde_json::json;

    fn call(operation: &str) -> Call {
        Call::find(Service::CognitoIdp, operation).expect("an operation")
    }

    #[test]
    fn names_are_those_of_the_command_line() {
        for (name, flag) in [
            ("UserPoolId", "user-pool-id"),
            ("CallbackURLs", "callback-urls"),
            ("LogoutURLs", "logout-urls"),
            ("DefaultRedirectURI", "default-redirect-uri"),
            ("AllowedOAuthFlowsUserPoolClient", "allowed-o-auth-flows-user-pool-client"),
            ("AdminSetUserMFAPreference", "admin-set-user-mfa-preference"),
            ("SetUserPoolMfaConfig", "set-user-pool-mfa-config"),
            ("SMSMfaSettings", "sms-mfa-settings"),
        ] {
            assert_eq!(kebab(name), flag);
        }
    }

    #[test]
    fn a_command_can_be_pasted_and_tells_no_password() {
        let input = json!({
            "UserPoolId": "us-east-1_A", "Username": "o'neill", "Password": "Secret-1", "Permanent": true
        });
        let text = command(call("AdminSetUserPassword"), &input);
        assert!(text.starts_with("aws cognito-idp admin-set-user-password \\\n"), "{text}");
        assert!(text.contains("--user-pool-id us-east-1_A") && text.contains(r"--username 'o'\''neill'"));
        assert!(text.contains("--permanent") && text.contains("--password '***'"));
        assert!(
            !text.contains("Secret-1") && !request(call("AdminSetUserPassword"), &input).contains("Secret-1")
        );
    }

    #[test]
    fn what_is_only_shown_is_not_sent_back() {
        let pool = json!({ "Id": "x", "CreationDate": 1, "DeletionProtection": "ACTIVE", "Arn": "a" });
        let kept = settings_for(call("UpdateUserPool"), &pool);
        assert_eq!(kept, json!({ "DeletionProtection": "ACTIVE" }));
    }
}
