//! Documents as the protocols carry them: form fields for Query, a path and a body for REST.

use super::encoded;
use postern_model::{Kind, Location, Member, OperationModel, ServiceModel, ShapeRef};
use serde_json::{Map, Value};

fn members(model: &'static ServiceModel, shape: Option<ShapeRef>) -> &'static [Member] {
    match shape.map(|shape| &model.shape(shape).kind) {
        Some(Kind::Structure { members }) => members,
        _ => &[],
    }
}

/// The fields of a Query request.
pub fn fields(
    model: &'static ServiceModel,
    operation: &OperationModel,
    input: &Value,
) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    if let Some(shape) = operation.input {
        write(model, shape, String::new(), input, &mut fields);
    }
    fields
}

fn write(
    model: &'static ServiceModel,
    shape: ShapeRef,
    name: String,
    value: &Value,
    fields: &mut Vec<(String, String)>,
) {
    let inside = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match (&model.shape(shape).kind, value) {
        (Kind::Structure { .. }, Value::Object(given)) => {
            let members = members(model, Some(shape));
            for (name, value) in given {
                let member = members.iter().find(|member| member.name == *name).expect("a member");
                write(model, member.shape, inside(&member.location_name), value, fields);
            }
        }
        (Kind::List { member, location_name, .. }, Value::Array(items)) => {
            let item = location_name.as_deref().unwrap_or("member");
            for (number, value) in (1..).zip(items) {
                write(model, *member, inside(&format!("{item}.{number}")), value, fields);
            }
        }
        (Kind::Map { value: shape, .. }, Value::Object(entries)) => {
            for (number, (key, value)) in (1..).zip(entries) {
                fields.push((inside(&format!("entry.{number}.key")), key.clone()));
                write(model, *shape, inside(&format!("entry.{number}.value")), value, fields);
            }
        }
        (_, value) => fields.push((name, plain(value))),
    }
}

/// The path and the body of a REST request.
pub fn path_and_body(
    model: &'static ServiceModel,
    operation: &OperationModel,
    input: &Value,
) -> (String, String) {
    let (mut path, mut query, mut body) = (operation.uri.clone(), Vec::new(), Map::new());
    for (name, value) in input.as_object().expect("an object") {
        let known = members(model, operation.input).iter().find(|member| member.name == *name);
        let member = known.unwrap_or_else(|| panic!("{} has no {name}", operation.name));
        match member.location {
            Location::Uri => {
                path = path.replace(&format!("{{{}}}", member.location_name), &encoded(&plain(value)));
            }
            Location::QueryString => {
                query.push(format!("{}={}", member.location_name, encoded(&plain(value))))
            }
            _ => {
                body.insert(member.location_name.clone(), value.clone());
            }
        }
    }
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    let body = if operation.method == "GET" { String::new() } else { Value::Object(body).to_string() };
    (path, body)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
