//! What of a call's input may be shown or kept: all but what hides.

use super::call::Call;
use postern_model::{Document, Kind, ServiceModel, ShapeModel, ShapeRef};
use serde_json::Value;

/// What stands in place of what hides.
pub const MASK: &str = "***";

/// A request of this length at most is kept in the audit.
const KEPT_MAX: usize = 4096;

/// The input of a call with all hidden whose shape hides, or whose text does.
pub fn masked(
    call: Call,
    input: &Document,
    hides: fn(&ShapeModel) -> bool,
    hides_text: fn(&str) -> bool,
) -> Document {
    let model = ServiceModel::of(call.service);
    match call.operation.input {
        Some(shape) => walk(model, shape, input, hides, hides_text),
        None => Value::Null,
    }
}

fn walk(
    model: &'static ServiceModel,
    shape: ShapeRef,
    value: &Value,
    hides: fn(&ShapeModel) -> bool,
    hides_text: fn(&str) -> bool,
) -> Value {
    let shape = model.shape(shape);
    if hides(shape) && !value.is_null() {
        return Value::from(MASK);
    }
    match (&shape.kind, value) {
        (Kind::Structure { members }, Value::Object(values)) => {
            // What the model does not know is not shown.
            let known = members.iter().filter_map(|member| {
                let value = values.get(&member.name)?;
                Some((member.name.clone(), walk(model, member.shape, value, hides, hides_text)))
            });
            Value::Object(known.collect())
        }
        (Kind::List { member, .. }, Value::Array(items)) => {
            items.iter().map(|item| walk(model, *member, item, hides, hides_text)).collect()
        }
        (Kind::Map { value: member, .. }, Value::Object(values)) => {
            let shown = values
                .iter()
                .map(|(name, value)| (name.clone(), walk(model, *member, value, hides, hides_text)));
            Value::Object(shown.collect())
        }
        (_, Value::String(text)) if hides_text(text) => Value::from(MASK),
        _ => value.clone(),
    }
}

/// What the audit keeps of an input: nothing that the model calls sensitive but the ids of app clients, no address, and
/// no message; nothing of a provider's details, which have secrets among them, nobody's name at one,
/// and nothing of what a device's secret is proven against.
pub fn for_audit(call: Call, input: &Document) -> String {
    const MESSAGES: [&str; 4] = ["RawMessage", "MessageData", "Message", "EmailContent"];
    const SECRETS: [&str; 3] =
        ["ProviderDetailsType", "ProviderUserIdentifierType", "DeviceSecretVerifierConfigType"];
    let hides = |shape: &ShapeModel| {
        shape.sensitive && shape.name != "ClientIdType"
            || MESSAGES.contains(&shape.name.as_str())
            || SECRETS.contains(&shape.name.as_str())
            || matches!(shape.kind, Kind::Blob { .. })
    };
    let text = masked(call, input, hides, |text| text.contains('@')).to_string();
    if text.len() <= KEPT_MAX { text } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_model::Service;
    use serde_json::json;

    #[test]
    fn the_audit_keeps_no_name_address_or_password() {
        let call = Call::find(Service::CognitoIdp, "AdminCreateUser").expect("an operation");
        let input = json!({
            "UserPoolId": "us-east-1_A", "Username": "alice", "TemporaryPassword": "Secret-1",
            "UserAttributes": [{ "Name": "email", "Value": "alice@example.com" }],
            "ClientMetadata": { "note": "bob@example.com" }, "Unknown": "x",
        });
        let kept = for_audit(call, &input);
        assert!(kept.contains("us-east-1_A"), "{kept}");
        for secret in ["alice", "Secret-1", "bob@", "Unknown"] {
            assert!(!kept.contains(secret), "{secret} is in {kept}");
        }
        let call = Call::find(Service::CognitoIdp, "CreateIdentityProvider").expect("an operation");
        let input = json!({
            "UserPoolId": "us-east-1_A", "ProviderName": "Corp", "ProviderType": "OIDC",
            "ProviderDetails": { "client_id": "app-1", "client_secret": "Secret-2" },
        });
        let kept = for_audit(call, &input);
        assert!(kept.contains("Corp") && !kept.contains("Secret-2"), "{kept}");
        let call = Call::find(Service::SesV2, "SendEmail").expect("an operation");
        let input = json!({
            "FromEmailAddress": "a@b.test",
            "Destination": { "ToAddresses": ["c@d.test"] },
            "Content": { "Simple": { "Subject": { "Data": "Your code 12345678" }, "Body": {} } },
        });
        let kept = for_audit(call, &input);
        assert!(!kept.contains('@') && !kept.contains("12345678"), "{kept}");
    }
}
