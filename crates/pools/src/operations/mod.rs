//! The operations of cognito-idp, one file per topic.

pub mod auth;
pub mod clients;
pub mod domains;
pub mod mfa;
pub mod pools;
pub mod sign_up;
pub mod tokens;
pub mod users;

use crate::Pools;
use postern_access::Operations;

/// All operations that are written.
pub fn operations() -> Operations<Pools> {
    [
        clients::operations(),
        domains::operations(),
        mfa::operations(),
        pools::operations(),
        sign_up::operations(),
        tokens::operations(),
        users::operations(),
    ]
    .into_iter()
    .fold(auth::operations(), Operations::and)
}
