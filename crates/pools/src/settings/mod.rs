//! What may be set on a pool, its app clients and its domain: defaults, limits and conflicts. Rules only; the
//! operations bring what is stored.

pub mod client;
pub mod domain;
pub mod email;
pub mod functions;
pub mod logs;
pub mod mfa;
pub mod not_yet;
pub mod passkeys;
pub mod pool;
pub mod providers;
pub mod risk;
pub mod schema;
pub mod sms;

use postern_model::cognito_idp::errors::InvalidParameterException;
use postern_model::{Answer, Error, Shape, refusal};
use std::borrow::Cow;

/// Reads the members that a request shares by name with the settings it asks for, and no others.
pub fn asked<S: Shape>(request: &impl Shape) -> Answer<S> {
    S::read(&request.write()).map_err(|mismatch| Error::Failed(mismatch.into()))
}

pub(crate) fn invalid(words: impl Into<Cow<'static, str>>) -> Error {
    refusal(InvalidParameterException, words)
}
