//! Properties that hold for every operation of every service, tried with documents made from the models.

use crate::service::{Kind, ServiceModel, ShapeRef};
use crate::{Document, Mismatch, Service, Shape, check, validation_message};
use proptest::prelude::*;
use serde_json::json;
use std::fmt::Debug;

pub(crate) type RoundTrip = fn(&Document) -> Result<Document, Mismatch>;

/// An operation's name, with what reads and writes its input and its output.
pub(crate) type RoundTrips = (&'static str, RoundTrip, RoundTrip);

/// Reads a document and writes it again; what is written must read as the same.
pub(crate) fn round_trip<T: Shape + Debug + PartialEq>(document: &Document) -> Result<Document, Mismatch> {
    let value = T::read(document)?;
    let written = value.write();
    assert_eq!(T::read(&written), Ok(value), "{written}");
    Ok(written)
}

const SERVICES: [(Service, &[RoundTrips]); 6] = [
    (Service::CognitoIdp, crate::cognito_idp::op::ROUND_TRIPS),
    (Service::SesV2, crate::sesv2::op::ROUND_TRIPS),
    (Service::Iam, crate::iam::op::ROUND_TRIPS),
    (Service::Sts, crate::sts::op::ROUND_TRIPS),
    (Service::Postern, crate::postern::op::ROUND_TRIPS),
    (Service::Sns, crate::sns::op::ROUND_TRIPS),
];

/// Both ends of every typed operation.
fn ends() -> Vec<(&'static ServiceModel, ShapeRef, RoundTrip)> {
    let mut ends = Vec::new();
    for (service, operations) in SERVICES {
        let model = ServiceModel::of(service);
        for (name, input, output) in operations {
            let operation = model.operation(name).expect("types are made of the model");
            ends.extend(operation.input.map(|shape| (model, shape, *input)));
            ends.extend(operation.output.map(|shape| (model, shape, *output)));
        }
    }
    ends
}

/// Decisions, drawn from bytes so that a failing case shrinks; zero when they are used up.
struct Dice {
    bytes: std::vec::IntoIter<u8>,
    /// One value in so many is of any type whatever; none, if absent.
    wild: Option<u8>,
}

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        usize::from(self.bytes.next().unwrap_or(0)) % sides
    }

    fn text(&mut self) -> String {
        const LETTERS: [char; 12] = ['a', 'Z', '7', '_', ' ', '@', '\n', '\0', 'ü', '\u{2028}', '漢', '😀'];
        let length = self.below(9);
        (0..length).map(|_| LETTERS[self.below(LETTERS.len())]).collect()
    }

    fn document(&mut self, model: &ServiceModel, shape: ShapeRef, depth: usize) -> Document {
        if let Some(wild) = self.wild
            && self.below(usize::from(wild)) == 1
        {
            return self.wild_document(depth);
        }
        match &model.shape(shape).kind {
            Kind::Structure { members } => {
                let mut values = serde_json::Map::new();
                for member in members {
                    if member.required || (depth < 6 && self.below(3) > 0) {
                        values.insert(member.name.clone(), self.document(model, member.shape, depth + 1));
                    }
                }
                Document::Object(values)
            }
            Kind::List { member, .. } => {
                let length = self.below(4);
                (0..length).map(|_| self.document(model, *member, depth + 1)).collect()
            }
            Kind::Map { value, .. } => {
                let length = self.below(4);
                let entries = (0..length).map(|_| (self.text(), self.document(model, *value, depth + 1)));
                Document::Object(entries.collect())
            }
            Kind::String { choices, .. } if !choices.is_empty() => json!(choices[self.below(choices.len())]),
            Kind::String { .. } => json!(self.text()),
            Kind::Integer { .. } => json!(self.below(256) as i64 - 3),
            Kind::Float { .. } => json!(self.below(256) as f64 / 4.0),
            Kind::Boolean => json!(self.below(2) == 1),
            Kind::Timestamp => json!(1_700_000_000 + self.below(256)),
            Kind::Blob { .. } => json!(["", "AA==", "AAEC"][self.below(3)]),
            Kind::Document => json!({ "any": self.wild_document(depth) }),
        }
    }

    fn wild_document(&mut self, depth: usize) -> Document {
        match self.below(if depth < 8 { 11 } else { 9 }) {
            0 => json!({}),
            1 => Document::Null,
            2 => json!(true),
            3 => json!(-1),
            4 => json!(1.5),
            5 => json!(u64::MAX),
            6 => json!(1e300),
            7 => json!([]),
            8 => json!(self.text()),
            9 => json!([self.wild_document(depth + 1), self.wild_document(depth + 1)]),
            _ => json!({ self.text(): self.wild_document(depth + 1) }),
        }
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn what_is_read_is_written_the_same(bytes in bytes()) {
        for (model, shape, round_trip) in ends() {
            let document = Dice { bytes: bytes.clone().into_iter(), wild: None }.document(model, shape, 0);
            let written = round_trip(&document);
            prop_assert_eq!(written.as_ref(), Ok(&document), "{}", &model.shape(shape).name);
            prop_assert!(check(model, shape, &document).is_ok());
        }
    }

    #[test]
    fn what_passes_the_checks_can_be_read(bytes in bytes(), wild in 2u8..60) {
        for (model, shape, round_trip) in ends() {
            let mut dice = Dice { bytes: bytes.clone().into_iter(), wild: Some(wild) };
            let document = dice.document(model, shape, 0);
            if let Ok(violations) = check(model, shape, &document) {
                if violations.is_empty() {
                    prop_assert!(round_trip(&document).is_ok(), "{} {}", &model.shape(shape).name, &document);
                } else {
                    prop_assert!(validation_message(&violations).contains(" validation error"));
                }
            }
        }
    }
}

#[test]
fn every_typed_operation_of_the_models_has_a_type_and_no_other_has() {
    for (service, operations) in SERVICES {
        let typed = ServiceModel::of(service).operations().iter().filter(|operation| operation.typed);
        let typed: Vec<&str> = typed.map(|operation| operation.name.as_str()).collect();
        let types: Vec<&str> = operations.iter().map(|(name, ..)| *name).collect();
        assert_eq!(typed, types, "{service}");
    }
}

#[test]
fn errors_of_the_models_travel_with_their_codes_and_statuses() {
    let table = [
        (crate::cognito_idp::errors::UserNotFoundException, "UserNotFoundException", 400),
        (crate::cognito_idp::errors::InternalErrorException, "InternalErrorException", 500),
        (crate::iam::errors::NoSuchEntityException, "NoSuchEntity", 404),
        (crate::sesv2::errors::TooManyRequestsException, "TooManyRequestsException", 429),
        (crate::sts::errors::MalformedPolicyDocumentException, "MalformedPolicyDocument", 400),
    ];
    for (kind, code, status) in table {
        assert_eq!((kind.code, kind.status), (code, status));
    }
}
