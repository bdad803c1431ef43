//! What the APIs say: the service models as data and as types, the checks they ask for, and the two ways
//! an operation can say no. No clock, no store, no network.

mod check;
mod error;
mod front;
mod pattern;
mod service;
pub mod shape;

#[rustfmt::skip]
pub mod cognito_idp;
#[rustfmt::skip]
pub mod iam;
#[rustfmt::skip]
pub mod postern;
#[rustfmt::skip]
pub mod sesv2;
#[rustfmt::skip]
pub mod sns;
#[rustfmt::skip]
pub mod sts;

#[cfg(test)]
mod tests;

pub use check::{Rule, Shown, VIOLATIONS_MAX, Violation, check, validation_message};
pub use error::{Answer, Error, ErrorKind, Refusal, refusal, refuse};
pub use front::{Front, front};
pub use pattern::DOMAIN_PATTERN;
pub use service::{
    Kind, Location, Member, OperationModel, Protocol, Service, ServiceModel, ShapeModel, ShapeRef,
};
pub use shape::{Blob, Document, Mismatch, Operation, Secret, Secrets, Shape, Timestamp};
