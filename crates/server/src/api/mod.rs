//! The API's entrance: four services, three protocols, one way of a call.

mod call;
mod error;
mod json;
mod mask;
mod query;
mod rest;
mod route;
pub mod tables;
mod target;

pub use call::{BEYOND_MODELS, Call, look_again, perform, perform_while};
pub use mask::{MASK, masked};
pub use route::routes;
