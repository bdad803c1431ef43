//! Who vouched for somebody that came from an outside provider: kept for as long as they are signed in in a browser.

use crate::auth::acr::Level;
use crate::auth::saml::logout::Session;
use serde::{Deserialize, Serialize};

/// Who vouched for somebody, and what of its word is kept for as long as they are signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vouched {
    pub provider: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
}
