//! The service models as data: what drives the protocols, the checks and the list of what is public.

use crate::ErrorKind;
use crate::pattern::Pattern;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, OnceLock};

/// The services whose APIs are spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    CognitoIdp,
    SesV2,
    Iam,
    Sts,
    Sns,
    /// What only this server has: its audit and its numbers.
    Postern,
}

impl Service {
    pub const ALL: [Service; 6] =
        [Service::CognitoIdp, Service::SesV2, Service::Iam, Service::Sts, Service::Sns, Service::Postern];

    /// The name that command line clients use, as in `aws cognito-idp`.
    pub const fn name(self) -> &'static str {
        match self {
            Service::CognitoIdp => "cognito-idp",
            Service::SesV2 => "sesv2",
            Service::Iam => "iam",
            Service::Sts => "sts",
            Service::Sns => "sns",
            Service::Postern => "postern",
        }
    }

    /// The name in a signature's scope and before the colon of an IAM action.
    pub const fn signing_name(self) -> &'static str {
        match self {
            Service::SesV2 => "ses",
            other => other.name(),
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// JSON 1.1: the operation in a header, one document each way (Cognito).
    Json,
    /// Form fields in, XML out (IAM, STS, SNS).
    Query,
    /// Method and path name the operation (SES v2).
    RestJson,
}

/// A service: its operations, its shapes, its errors.
pub struct ServiceModel {
    pub service: Service,
    pub protocol: Protocol,
    pub api_version: String,
    /// What stands before the dot in `X-Amz-Target`.
    pub target_prefix: Option<String>,
    pub json_version: Option<String>,
    pub xml_namespace: Option<String>,
    operations: Vec<OperationModel>,
    operation_by_name: HashMap<String, usize>,
    errors: Vec<ErrorModel>,
    shapes: Vec<ShapeModel>,
    shape_by_name: HashMap<String, ShapeRef>,
}

/// An operation of a service.
#[derive(Clone, Debug)]
pub struct OperationModel {
    pub name: String,
    pub method: String,
    /// A path with `{Member}` for its parts, `{Member+}` for the rest.
    pub uri: String,
    /// The status of an answer.
    pub status: u16,
    /// Whether it is called without a signature.
    pub public: bool,
    /// Whether its shapes are kept and it has a type. The others are only known by name and path.
    pub typed: bool,
    pub input: Option<ShapeRef>,
    pub output: Option<ShapeRef>,
    /// The XML element around an answer of the Query protocol.
    pub result_wrapper: Option<String>,
    /// Names of the shapes of the errors it may refuse with.
    pub errors: Vec<String>,
}

/// An error of a service: the name of its shape, and what goes over the wire.
#[derive(Clone, Debug, Deserialize)]
pub struct ErrorModel {
    #[serde(skip)]
    pub name: String,
    pub code: String,
    pub status: u16,
}

/// Where a shape stands in its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ShapeRef(usize);

#[derive(Debug)]
pub struct ShapeModel {
    pub name: String,
    /// Its values must never be shown.
    pub sensitive: bool,
    pub kind: Kind,
}

/// What a shape is, with the constraints on it. Lengths count characters, bytes (blobs), items or entries.
#[derive(Debug)]
pub enum Kind {
    Structure {
        members: Vec<Member>,
    },
    List {
        member: ShapeRef,
        location_name: Option<String>,
        flattened: bool,
        length: Range,
    },
    Map {
        key: ShapeRef,
        value: ShapeRef,
        flattened: bool,
        length: Range,
    },
    String {
        choices: Vec<String>,
        length: Range,
        pattern: Option<PatternModel>,
    },
    /// `integer` and `long`.
    Integer {
        range: Range,
    },
    /// `float` and `double`.
    Float {
        range: Range,
    },
    Boolean,
    Timestamp,
    Blob {
        length: Range,
    },
    /// Any JSON.
    Document,
}

/// A member of a structure.
#[derive(Debug)]
pub struct Member {
    /// Its name in documents.
    pub name: String,
    pub shape: ShapeRef,
    pub required: bool,
    pub location: Location,
    /// Its name where it travels: in the body, in the path, in the query string or in a header.
    pub location_name: String,
}

/// Where a member travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    Body,
    Uri,
    QueryString,
    Header,
    StatusCode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    pub min: Option<i64>,
    pub max: Option<i64>,
}

/// A pattern as the model writes it, compiled when it is first asked.
#[derive(Debug)]
pub struct PatternModel {
    pub text: String,
    compiled: OnceLock<Pattern>,
}

impl PatternModel {
    pub fn matches(&self, text: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| {
            Pattern::compile(&self.text)
                .expect("codegen refuses models with patterns that cannot be compiled")
        });
        compiled.matches(text)
    }
}

macro_rules! loaded {
    ($service:ident, $file:literal) => {{
        static MODEL: LazyLock<ServiceModel> =
            LazyLock::new(|| ServiceModel::parse(Service::$service, include_str!($file)));
        &MODEL
    }};
}

impl ServiceModel {
    /// The model of a service, parsed when it is first asked for.
    pub fn of(service: Service) -> &'static ServiceModel {
        match service {
            Service::CognitoIdp => loaded!(CognitoIdp, "../models/cognito-idp.json"),
            Service::SesV2 => loaded!(SesV2, "../models/sesv2.json"),
            Service::Iam => loaded!(Iam, "../models/iam.json"),
            Service::Sts => loaded!(Sts, "../models/sts.json"),
            Service::Sns => loaded!(Sns, "../models/sns.json"),
            Service::Postern => loaded!(Postern, "../models/postern.json"),
        }
    }

    pub fn operations(&self) -> &[OperationModel] {
        &self.operations
    }

    pub fn operation(&self, name: &str) -> Option<&OperationModel> {
        self.operation_by_name.get(name).map(|at| &self.operations[*at])
    }

    pub fn shape(&self, shape: ShapeRef) -> &ShapeModel {
        &self.shapes[shape.0]
    }

    pub fn shape_named(&self, name: &str) -> Option<ShapeRef> {
        self.shape_by_name.get(name).copied()
    }

    pub fn errors(&self) -> &[ErrorModel] {
        &self.errors
    }

    /// Whether an operation may refuse with a kind: those that its model lists.
    pub fn lists(&self, operation: &OperationModel, kind: ErrorKind) -> bool {
        let mut listed = self.errors.iter().filter(|error| operation.errors.contains(&error.name));
        listed.any(|error| error.code == kind.code && error.status == kind.status)
    }

    fn parse(service: Service, text: &'static str) -> Self {
        let raw: RawModel<'static> = serde_json::from_str(text).expect("codegen writes readable models");
        assert_eq!(raw.signing_name, service.signing_name(), "{service} is signed under another name");

        let names = raw.shapes.keys().enumerate();
        let shape_by_name: HashMap<String, ShapeRef> =
            names.map(|(at, name)| (name.clone(), ShapeRef(at))).collect();
        let shapes = raw.shapes.into_iter().map(|(name, shape)| {
            let shape: RawShape = serde_json::from_value(shape).expect("codegen writes readable shapes");
            shape.into_model(name, &shape_by_name)
        });
        let shapes = shapes.collect();
        let errors = raw.errors.into_iter().map(|(name, error)| {
            let error: ErrorModel = serde_json::from_value(error).expect("codegen writes readable errors");
            ErrorModel { name, ..error }
        });
        let errors = errors.collect();
        let operations = raw.operations.into_iter().map(|(name, operation)| {
            let raw: RawOperation =
                serde_json::from_value(operation).expect("codegen writes readable operations");
            raw.into_model(name, &shape_by_name)
        });
        let operations: Vec<OperationModel> = operations.collect();
        let named = operations.iter().enumerate();
        ServiceModel {
            service,
            protocol: raw.protocol,
            api_version: raw.api_version,
            target_prefix: raw.target_prefix,
            json_version: raw.json_version,
            xml_namespace: raw.xml_namespace,
            operation_by_name: named.map(|(at, operation)| (operation.name.clone(), at)).collect(),
            operations,
            errors,
            shapes,
            shape_by_name,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawModel<'a> {
    signing_name: &'a str,
    api_version: String,
    protocol: Protocol,
    json_version: Option<String>,
    target_prefix: Option<String>,
    xml_namespace: Option<String>,
    operations: Map<String, Value>,
    errors: Map<String, Value>,
    shapes: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawOperation {
    method: String,
    uri: String,
    status: Option<u16>,
    #[serde(default)]
    public: bool,
    #[serde(default)]
    typed: bool,
    input: Option<String>,
    output: Option<String>,
    result_wrapper: Option<String>,
    #[serde(default)]
    errors: Vec<String>,
}

impl RawOperation {
    fn into_model(self, name: String, shapes: &HashMap<String, ShapeRef>) -> OperationModel {
        OperationModel {
            name,
            method: self.method,
            uri: self.uri,
            status: self.status.unwrap_or(200),
            public: self.public,
            typed: self.typed,
            input: self.input.map(|shape| shapes[&shape]),
            output: self.output.map(|shape| shapes[&shape]),
            result_wrapper: self.result_wrapper,
            errors: self.errors,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawShape {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    members: Map<String, Value>,
    #[serde(default)]
    required: Vec<String>,
    member: Option<RawTarget>,
    key: Option<RawTarget>,
    value: Option<RawTarget>,
    min: Option<f64>,
    max: Option<f64>,
    pattern: Option<String>,
    #[serde(default, rename = "enum")]
    choices: Vec<String>,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    document: bool,
    #[serde(default)]
    flattened: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawTarget {
    shape: String,
    location: Option<String>,
    location_name: Option<String>,
}

impl RawShape {
    fn into_model(self, name: String, shapes: &HashMap<String, ShapeRef>) -> ShapeModel {
        let range = Range { min: self.min.map(|min| min as i64), max: self.max.map(|max| max as i64) };
        let flattened = self.flattened;
        let target = |target: Option<RawTarget>| {
            let target = target.expect("lists and maps of the models name what they hold");
            (shapes[&target.shape], target.location_name)
        };
        let kind = match self.kind.as_str() {
            "structure" if self.document => Kind::Document,
            "structure" => {
                let members = self.members.into_iter().map(|(name, member)| {
                    let member: RawTarget =
                        serde_json::from_value(member).expect("codegen writes readable members");
                    Member {
                        required: self.required.contains(&name),
                        shape: shapes[&member.shape],
                        location: location(member.location.as_deref()),
                        location_name: member.location_name.unwrap_or_else(|| name.clone()),
                        name,
                    }
                });
                Kind::Structure { members: members.collect() }
            }
            "list" => {
                let (member, location_name) = target(self.member);
                Kind::List { member, location_name, flattened, length: range }
            }
            "map" => {
                Kind::Map { key: target(self.key).0, value: target(self.value).0, flattened, length: range }
            }
            "string" => {
                let pattern = self.pattern.map(|text| PatternModel { text, compiled: OnceLock::new() });
                Kind::String { choices: self.choices, length: range, pattern }
            }
            "integer" | "long" => Kind::Integer { range },
            "float" | "double" => Kind::Float { range },
            "boolean" => Kind::Boolean,
            "timestamp" => Kind::Timestamp,
            "blob" => Kind::Blob { length: range },
            other => unreachable!("codegen writes no shape of type {other}"),
        };
        ShapeModel { name, sensitive: self.sensitive, kind }
    }
}

fn location(name: Option<&str>) -> Location {
    match name {
        None => Location::Body,
        Some("uri") => Location::Uri,
        Some("querystring") => Location::QueryString,
        Some("header") => Location::Header,
        Some("statusCode") => Location::StatusCode,
        Some(other) => unreachable!("codegen lets no location {other} pass"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_operations_are_known_and_a_made_up_one_is_not() {
        let counts = [
            (Service::CognitoIdp, 141),
            (Service::SesV2, 116),
            (Service::Iam, 180),
            (Service::Sts, 11),
            (Service::Sns, 42),
        ];
        for (service, count) in counts {
            let model = ServiceModel::of(service);
            assert_eq!(model.operations().len(), count, "{service}");
            assert!(model.operation("InventUser").is_none());
        }
    }

    #[test]
    fn a_third_of_cognito_is_public_and_the_administration_is_not() {
        let model = ServiceModel::of(Service::CognitoIdp);
        assert_eq!(model.operations().iter().filter(|operation| operation.public).count(), 35);
        assert!(model.operation("InitiateAuth").expect("modelled").public);
        assert!(!model.operation("AdminInitiateAuth").expect("modelled").public);
    }

    #[test]
    fn operations_without_a_type_are_known_by_name_and_path_only() {
        let model = ServiceModel::of(Service::SesV2);
        let written = model.operation("GetEmailIdentity").expect("modelled");
        assert!(written.typed && written.input.is_some());
        assert_eq!(written.uri, "/v2/email/identities/{EmailIdentity}");
        let unwritten = model.operation("GetDedicatedIp").expect("modelled");
        assert!(!unwritten.typed && unwritten.input.is_none());
        assert_eq!(unwritten.uri, "/v2/email/dedicated-ips/{IP}");
    }

    #[test]
    fn an_operation_lists_its_errors_and_no_others() {
        use crate::cognito_idp::errors;
        let model = ServiceModel::of(Service::CognitoIdp);
        let operation = model.operation("CreateGroup").expect("modelled");
        assert!(model.lists(operation, errors::GroupExistsException));
        assert!(!model.lists(operation, errors::CodeMismatchException));
    }

    #[test]
    fn all_patterns_can_be_matched() {
        for service in Service::ALL {
            for shape in &ServiceModel::of(service).shapes {
                if let Kind::String { pattern: Some(pattern), .. } = &shape.kind {
                    pattern.matches("x");
                }
            }
        }
    }
}
