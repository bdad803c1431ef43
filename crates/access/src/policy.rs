//! The policy language: reading documents, matching statements, deciding. Pure rules, free of store and clock.

mod condition;
mod context;
mod document;
mod evaluate;
mod json;
mod pattern;
mod wording;

pub use context::Context;
pub use document::{Effect, Kind, Policy, PolicyFault, Principals, size};
pub use evaluate::{Decision, Layer, Named, Policies, Unmet, Verdict, evaluate};
pub use json::Span;
pub use wording::{assume_role_denial, denial_text};
