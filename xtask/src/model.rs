//! The stripped service models: how they are cut out of botocore's and laid out, one line per entry.

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

type Object = Map<String, Value>;

/// A service to generate: its botocore folder and the operations whose shapes are kept (all, if none are named).
pub struct Source {
    pub name: &'static str,
    pub keep: Option<&'static str>,
    /// Its model is ours, written by hand, and in no botocore.
    pub own: bool,
}

pub const SOURCES: [Source; 6] = [
    Source { name: "cognito-idp", keep: None, own: false },
    Source { name: "sesv2", keep: Some(include_str!("../keep/sesv2.txt")), own: false },
    Source { name: "iam", keep: Some(include_str!("../keep/iam.txt")), own: false },
    Source { name: "sts", keep: Some(include_str!("../keep/sts.txt")), own: false },
    Source { name: "sns", keep: Some(include_str!("../keep/sns.txt")), own: false },
    Source { name: "postern", keep: None, own: true },
];

/// What is taken over from a shape and from a member; other known keys are dropped, unknown ones are an error.
const SHAPE_KEPT: [&str; 13] = [
    "type",
    "required",
    "min",
    "max",
    "pattern",
    "enum",
    "sensitive",
    "document",
    "union",
    "flattened",
    "timestampFormat",
    "members",
    "member",
];
const SHAPE_DROPPED: [&str; 7] =
    ["documentation", "box", "deprecated", "deprecatedMessage", "deprecatedSince", "key", "value"];
const MEMBER_KEPT: [&str; 3] = ["shape", "location", "locationName"];
const MEMBER_DROPPED: [&str; 6] =
    ["documentation", "box", "deprecated", "deprecatedMessage", "deprecatedSince", "contextParam"];

/// Reads a service's model from an unpacked botocore and strips it.
pub fn strip(botocore: &Path, source: &Source, version: &str) -> Result<Value> {
    let full = read_botocore(botocore, source.name)?;
    let keep: Option<BTreeSet<&str>> = source.keep.map(|list| list.split_whitespace().collect());
    let kept = |name: &str| keep.as_ref().is_none_or(|list| list.contains(name));

    let all = object(&full["operations"])?;
    if let Some(unknown) = keep.iter().flatten().find(|name| !all.contains_key(**name)) {
        bail!("{}: there is no operation {unknown}", source.name);
    }

    let mut operations = Object::new();
    let mut wanted = Vec::new();
    for (name, operation) in all {
        operations.insert(name.clone(), stripped_operation(name, operation, kept(name)));
        if kept(name) {
            wanted.extend(["input", "output"].iter().filter_map(|end| operation[end]["shape"].as_str()));
        }
    }

    let every = object(&full["shapes"])?;
    let mut reached = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if reached.insert(name) {
            wanted.extend(targets(&every[name]));
        }
    }

    let mut shapes = Object::new();
    let mut errors = Object::new();
    for (name, shape) in every {
        if shape["exception"] == json!(true) {
            errors.insert(name.clone(), stripped_error(name, shape));
        } else if reached.contains(name.as_str()) {
            shapes.insert(name.clone(), stripped_shape(name, object(shape)?)?);
        }
    }

    let metadata = &full["metadata"];
    let signing_name = metadata.get("signingName").unwrap_or(&metadata["endpointPrefix"]);
    let mut stripped = Object::new();
    stripped.insert("service".to_owned(), json!(source.name));
    stripped.insert("botocore".to_owned(), json!(version));
    stripped.insert("signingName".to_owned(), signing_name.clone());
    for key in ["apiVersion", "protocol", "jsonVersion", "targetPrefix", "xmlNamespace"] {
        if let Some(value) = metadata.get(key) {
            stripped.insert(key.to_owned(), value.clone());
        }
    }
    stripped.insert("operations".to_owned(), operations.into());
    stripped.insert("errors".to_owned(), errors.into());
    stripped.insert("shapes".to_owned(), shapes.into());
    Ok(stripped.into())
}

/// Lays a stripped model out with one line per operation, error and shape.
pub fn laid_out(model: &Value) -> Result<String> {
    let mut text = String::new();
    for (key, value) in object(model)? {
        text.push_str(if text.is_empty() { "{\n" } else { ",\n" });
        match value {
            Value::Object(entries) => {
                let lines: Vec<String> =
                    entries.iter().map(|(name, entry)| format!("{}:{entry}", json!(name))).collect();
                write!(text, "{}:{{\n{}\n}}", json!(key), lines.join(",\n"))?;
            }
            _ => write!(text, "{}:{value}", json!(key))?,
        }
    }
    Ok(text + "\n}\n")
}

/// Operations that need no signature though the model does not say so (API reference, `GetClientToken`).
const UNSIGNED: [&str; 1] = ["GetClientToken"];

fn stripped_operation(name: &str, operation: &Value, kept: bool) -> Value {
    let mut stripped = Object::new();
    stripped.insert("method".to_owned(), operation["http"]["method"].clone());
    stripped.insert("uri".to_owned(), operation["http"]["requestUri"].clone());
    if let Some(code) = operation["http"].get("responseCode") {
        stripped.insert("status".to_owned(), code.clone());
    }
    let without_signature =
        operation["auth"].as_array().is_some_and(|ways| ways.contains(&json!("smithy.api#noAuth")));
    if operation["authtype"] == json!("none") || without_signature || UNSIGNED.contains(&name) {
        stripped.insert("public".to_owned(), json!(true));
    }
    if !kept {
        return stripped.into();
    }
    stripped.insert("typed".to_owned(), json!(true));
    for end in ["input", "output"] {
        if let Some(shape) = operation[end].get("shape") {
            stripped.insert(end.to_owned(), shape.clone());
        }
    }
    if let Some(wrapper) = operation["output"].get("resultWrapper") {
        stripped.insert("resultWrapper".to_owned(), wrapper.clone());
    }
    let errors = operation["errors"].as_array().into_iter().flatten();
    stripped.insert("errors".to_owned(), errors.map(|error| error["shape"].clone()).collect());
    stripped.into()
}

/// Code and status of an error. Where the model gives none: the shape's name; 500 for faults of ours, else 400.
fn stripped_error(name: &str, shape: &Value) -> Value {
    let fallback = if shape["fault"] == json!(true) { 500 } else { 400 };
    let code = shape["error"]["code"].as_str().unwrap_or(name);
    let status = shape["error"]["httpStatusCode"].as_u64().unwrap_or(fallback);
    json!({"code": code, "status": status})
}

fn stripped_shape(name: &str, shape: &Object) -> Result<Value> {
    let mut stripped = Object::new();
    for (key, value) in shape {
        match key.as_str() {
            "members" => {
                let mut members = Object::new();
                for (member, target) in object(value)? {
                    members.insert(member.clone(), stripped_target(name, target)?);
                }
                stripped.insert(key.clone(), members.into());
            }
            "member" | "key" | "value" => {
                stripped.insert(key.clone(), stripped_target(name, value)?);
            }
            kept if SHAPE_KEPT.contains(&kept) => {
                stripped.insert(key.clone(), value.clone());
            }
            dropped if SHAPE_DROPPED.contains(&dropped) => {}
            unknown => bail!("shape {name} has the key {unknown}, which nothing here understands"),
        }
    }
    Ok(stripped.into())
}

fn stripped_target(name: &str, target: &Value) -> Result<Value> {
    let mut stripped = Object::new();
    for (key, value) in object(target)? {
        if MEMBER_KEPT.contains(&key.as_str()) {
            stripped.insert(key.clone(), value.clone());
        } else if !MEMBER_DROPPED.contains(&key.as_str()) {
            bail!("a member of {name} has the key {key}, which nothing here understands");
        }
    }
    Ok(stripped.into())
}

/// The shapes that a shape names.
pub fn targets(shape: &Value) -> Vec<&str> {
    let members = shape["members"].as_object().into_iter().flat_map(|members| members.values());
    let ends = ["member", "key", "value"].into_iter().map(|end| &shape[end]);
    members.chain(ends).filter_map(|target| target["shape"].as_str()).collect()
}

pub fn object(value: &Value) -> Result<&Object> {
    value.as_object().context("expected a JSON object")
}

/// Reads the newest version of a service's description, gzipped or not.
fn read_botocore(botocore: &Path, service: &str) -> Result<Value> {
    let folder = botocore.join("data").join(service);
    let versions = std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let versions: BTreeSet<_> = versions.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    let newest = versions.last().with_context(|| format!("{} is empty", folder.display()))?;
    let plain = newest.join("service-2.json");
    let text = if plain.exists() {
        std::fs::read(&plain)?
    } else {
        let output = Command::new("gzip").arg("-dc").arg(newest.join("service-2.json.gz")).output()?;
        anyhow::ensure!(output.status.success(), "gzip could not unpack the model of {service}");
        output.stdout
    };
    Ok(serde_json::from_slice(&text)?)
}
