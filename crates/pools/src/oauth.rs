//! OAuth 2.0 and OpenID Connect: what an app asks for, the codes it gets, and the tokens it changes them into. Pages
//! and HTTP stand elsewhere; what is said here is said in the errors of RFC 6749.

pub mod authorize;
pub mod browser;
mod client_credentials;
pub mod code;
mod implicit;
pub mod logout;
pub mod pairs;
pub mod pkce;
pub mod redirect;
pub mod token;
pub mod user_info;

use postern_access::Caller;
use postern_model::{Answer, ErrorKind};
use postern_store::Tx;

use crate::Pools;

/// The errors of OAuth, with the status of the endpoints that answer in JSON (RFC 6749 §5.2, RFC 6750 §3.1).
pub mod errors {
    use postern_model::ErrorKind;

    const fn kind(code: &'static str, status: u16) -> ErrorKind {
        ErrorKind { code, status }
    }

    pub const INVALID_REQUEST: ErrorKind = kind("invalid_request", 400);
    pub const INVALID_CLIENT: ErrorKind = kind("invalid_client", 400);
    pub const INVALID_GRANT: ErrorKind = kind("invalid_grant", 400);
    pub const INVALID_SCOPE: ErrorKind = kind("invalid_scope", 400);
    pub const UNAUTHORIZED_CLIENT: ErrorKind = kind("unauthorized_client", 400);
    pub const UNSUPPORTED_GRANT_TYPE: ErrorKind = kind("unsupported_grant_type", 400);
    pub const UNSUPPORTED_TOKEN_TYPE: ErrorKind = kind("unsupported_token_type", 400);
    pub const INVALID_TARGET: ErrorKind = kind("invalid_target", 400);
    pub const INVALID_TOKEN: ErrorKind = kind("invalid_token", 401);
    pub const INSUFFICIENT_SCOPE: ErrorKind = kind("insufficient_scope", 403);
    pub const TEMPORARILY_UNAVAILABLE: ErrorKind = kind("temporarily_unavailable", 503);
    pub const SERVER_ERROR: ErrorKind = kind("server_error", 500);
}

/// The scopes that are not a resource server's own.
pub const OPENID: &str = "openid";
const SCOPES_OF_OPENID: [&str; 3] = ["email", "phone", "profile"];

impl Pools {
    /// Runs a unit of work of a sign-in that happens on the pages. Why a mail was refused is kept in the audit.
    pub async fn page_unit<T: Send + 'static>(
        &self,
        caller: &Caller,
        unit: impl FnMut(&mut Tx<'_>) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        self.sign_in_unit(caller, unit).await
    }
}

/// Tells whether an error is one that OAuth's own endpoints speak of.
fn is_ours(kind: ErrorKind) -> bool {
    use errors::*;
    [
        INVALID_REQUEST,
        INVALID_CLIENT,
        INVALID_GRANT,
        INVALID_SCOPE,
        UNAUTHORIZED_CLIENT,
        UNSUPPORTED_GRANT_TYPE,
        UNSUPPORTED_TOKEN_TYPE,
        INVALID_TARGET,
        INVALID_TOKEN,
        INSUFFICIENT_SCOPE,
        TEMPORARILY_UNAVAILABLE,
    ]
    .contains(&kind)
}
