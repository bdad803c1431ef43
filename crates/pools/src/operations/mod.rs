//! The operations of cognito-idp, one file per topic.

pub mod attributes;
pub mod auth;
pub mod branding;
pub mod client_secrets;
pub mod clients;
pub mod devices;
pub mod domains;
pub mod groups;
pub mod identity_providers;
pub mod import;
pub mod import_file;
pub mod logs;
pub mod mfa;
pub mod own;
pub mod passkeys;
pub mod pools;
pub mod recovery;
pub mod replicas;
pub mod resource_servers;
pub mod second_factors;
pub mod sessions;
pub mod sign_up;
pub mod terms;
pub mod threats;
pub mod tokens;
pub mod users;

use crate::Pools;
use postern_access::Operations;

/// All operations that are written.
pub fn operations() -> Operations<Pools> {
    [
        attributes::operations(),
        branding::operations(),
        client_secrets::operations(),
        clients::operations(),
        devices::operations(),
        domains::operations(),
        groups::operations(),
        identity_providers::operations(),
        import::operations(),
        logs::operations(),
        mfa::operations(),
        passkeys::operations(),
        pools::operations(),
        recovery::operations(),
        replicas::operations(),
        resource_servers::operations(),
        second_factors::operations(),
        sessions::operations(),
        sign_up::operations(),
        terms::operations(),
        threats::operations(),
        tokens::operations(),
        users::operations(),
    ]
    .into_iter()
    .fold(auth::operations(), Operations::and)
}
