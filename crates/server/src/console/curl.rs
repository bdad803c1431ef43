//! A change as cURL makes it: by each of the protocols that the services speak, signed by cURL itself with the key that
//! the shell holds.

use super::command::{quoted, without_secrets};
use crate::api::Call;
use postern_model::{Document, Kind, Location, Protocol, ServiceModel, ShapeRef, Timestamp};
use postern_pools::oauth::pairs::encoded;
use serde_json::{Map, Value};

/// Writes the call for a server at an address.
pub fn curl(call: Call, input: &Document, url: &str, region: &str) -> String {
    let model = ServiceModel::of(call.service);
    let input = without_secrets(call, input);
    let url = url.trim_end_matches('/');
    let mut words = Vec::new();
    let (address, data) = match model.protocol {
        Protocol::Json => {
            let version = model.json_version.as_deref().unwrap_or("1.1");
            words.push(format!("-H 'content-type: application/x-amz-json-{version}'"));
            let prefix = model.target_prefix.as_deref().unwrap_or_default();
            words.push(format!("-H 'x-amz-target: {prefix}.{}'", call.operation.name));
            (format!("{url}/"), Some(input.to_string()))
        }
        Protocol::Query => {
            let mut fields = vec![
                ("Action".to_owned(), call.operation.name.clone()),
                ("Version".to_owned(), model.api_version.clone()),
            ];
            if let Some(shape) = call.operation.input {
                flat(model, shape, "", &input, &mut fields);
            }
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
            words.push("-H 'content-type: application/x-www-form-urlencoded'".to_owned());
            (format!("{url}/"), Some(fields.join("&")))
        }
        Protocol::RestJson => {
            if call.operation.method != "GET" {
                words.push(format!("-X {}", call.operation.method));
            }
            let (path, body) = rest(model, call, &input);
            let data = (!body.is_empty()).then(|| Value::Object(body).to_string());
            if data.is_some() {
                words.push("-H 'content-type: application/json'".to_owned());
            }
            (format!("{url}{path}"), data)
        }
    };
    words.extend(data.map(|data| format!("-d {}", quoted(&data))));
    words.push(format!("--aws-sigv4 aws:amz:{region}:{}", call.service.signing_name()));
    words.push("--user \"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY\"".to_owned());
    format!("curl {} \\\n    {}", quoted(&address), words.join(" \\\n    "))
}

/// Path, query string and body of a REST call.
fn rest(model: &'static ServiceModel, call: Call, input: &Document) -> (String, Map<String, Value>) {
    let mut path = call.operation.uri.clone();
    let (mut query, mut body) = (Vec::new(), Map::new());
    let members = match call.operation.input.map(|shape| &model.shape(shape).kind) {
        Some(Kind::Structure { members }) => members.as_slice(),
        _ => &[],
    };
    for member in members {
        let Some(value) = input.get(&member.name).filter(|value| !value.is_null()) else { continue };
        let name = &member.location_name;
        match member.location {
            Location::Uri => {
                for place in [format!("{{{name}}}"), format!("{{{name}+}}")] {
                    path = path.replace(&place, &encoded(&word(value)));
                }
            }
            Location::QueryString => match value {
                Value::Array(items) => {
                    query.extend(items.iter().map(|item| format!("{name}={}", encoded(&word(item)))));
                }
                value => query.push(format!("{name}={}", encoded(&word(value)))),
            },
            Location::Body => {
                body.insert(name.clone(), value.clone());
            }
            Location::Header | Location::StatusCode => {}
        }
    }
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    (path, body)
}

/// Fields of the Query protocol, as its services read them.
fn flat(
    model: &'static ServiceModel,
    shape: ShapeRef,
    name: &str,
    value: &Value,
    fields: &mut Vec<(String, String)>,
) {
    let below = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match (&model.shape(shape).kind, value) {
        (Kind::Structure { members }, Value::Object(values)) => {
            for member in members {
                if let Some(value) = values.get(&member.name).filter(|value| !value.is_null()) {
                    flat(model, member.shape, &below(&member.location_name), value, fields);
                }
            }
        }
        (Kind::List { member, location_name, flattened, .. }, Value::Array(items)) => {
            let item_name = location_name.as_deref().unwrap_or("member");
            for (number, item) in (1..).zip(items) {
                let name = match flattened {
                    // A list that lies flat is called like its items.
                    true => match name.rsplit_once('.') {
                        Some((above, _)) if location_name.is_some() => {
                            format!("{above}.{item_name}.{number}")
                        }
                        None if location_name.is_some() => format!("{item_name}.{number}"),
                        _ => format!("{name}.{number}"),
                    },
                    false => format!("{}.{number}", below(item_name)),
                };
                flat(model, *member, &name, item, fields);
            }
        }
        (Kind::Map { key, value: kind, flattened, .. }, Value::Object(values)) => {
            for (number, (key_text, value)) in (1..).zip(values) {
                let entry =
                    if *flattened { below(&number.to_string()) } else { below(&format!("entry.{number}")) };
                flat(model, *key, &format!("{entry}.key"), &Value::from(key_text.as_str()), fields);
                flat(model, *kind, &format!("{entry}.value"), value, fields);
            }
        }
        (Kind::Timestamp, Value::Number(seconds)) => {
            let ms = (seconds.as_f64().unwrap_or_default() * 1000.0) as i64;
            fields.push((name.to_owned(), Timestamp(ms).iso8601()));
        }
        (_, value) => fields.push((name.to_owned(), word(value))),
    }
}

/// A value as one word.
fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_model::Service;
    use serde_json::json;

    fn of(service: Service, operation: &str, input: &Value) -> String {
        let call = Call::find(service, operation).expect("an operation");
        curl(call, input, "http://localhost:9320", "us-east-1")
    }

    #[test]
    fn each_protocol_is_written_as_its_services_read_it() {
        let json =
            of(Service::CognitoIdp, "CreateGroup", &json!({ "GroupName": "o'neill", "UserPoolId": "p_1" }));
        assert!(json.starts_with("curl http://localhost:9320/ \\\n"), "{json}");
        assert!(json.contains("-H 'x-amz-target: AWSCognitoIdentityProviderService.CreateGroup'"), "{json}");
        assert!(json.contains(r#""GroupName":"o'\''neill""#), "{json}");
        assert!(json.contains("--aws-sigv4 aws:amz:us-east-1:cognito-idp"), "{json}");

        let tags = json!({ "UserName": "a b", "Tags": [{ "Key": "team", "Value": "x&y" }] });
        let query = of(Service::Iam, "CreateUser", &tags);
        assert!(query.contains("Action=CreateUser&Version=2010-05-08&UserName=a%20b"), "{query}");
        assert!(query.contains("Tags.member.1.Key=team&Tags.member.1.Value=x%26y"), "{query}");

        let rest = of(Service::SesV2, "GetEmailIdentity", &json!({ "EmailIdentity": "a@b.test" }));
        assert!(rest.starts_with("curl 'http://localhost:9320/v2/email/identities/a%40b.test'"), "{rest}");
        assert!(!rest.contains("-X") && !rest.contains("-d"), "{rest}");
        let rest = of(Service::SesV2, "ListEmailIdentities", &json!({ "PageSize": 10 }));
        assert!(rest.contains("PageSize") && rest.contains("10"), "{rest}");
    }

    #[test]
    fn no_secret_is_written() {
        let input = json!({ "UserPoolId": "p_1", "Username": "alice", "Password": "Secret-1" });
        let text = of(Service::CognitoIdp, "AdminSetUserPassword", &input);
        assert!(!text.contains("Secret-1") && text.contains("***"), "{text}");
        assert!(text.contains("$AWS_SECRET_ACCESS_KEY"), "{text}");
    }
}
