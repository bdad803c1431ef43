//! Who may do what: signatures, users, roles and policies, and the table that leads a call to its method.

mod access;
mod administrator;
mod authenticate;
mod bound;
mod caller;
mod fault;
mod managed;
mod names;
mod operations;
pub mod policy;
mod service_role;
pub mod sigv4;
mod table;
mod target;

pub use access::{Access, Denied, Stop, Target};
pub use administrator::Role;
pub use authenticate::Unproved;
pub use caller::{Caller, Principal};
pub use fault::{Dialect, SignatureFault};
pub use operations::{iam_operations, own_operations, sts_operations};
pub use policy::{Context, Decision, Verdict};
pub use service_role::{EMAIL_SERVICE, IDP_SERVICE};
pub use table::{Operations, Running};
