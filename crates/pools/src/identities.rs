//! What a user's `identities` attribute says: who they are at which providers. It is shown, and written by nobody but
//! this server; the look-up from there to here is the store's table.

use crate::names::NameKind;
use crate::pool::Pool;
use crate::provider::Provider;
use crate::user::{IDENTITIES, User};
use anyhow::Result;
use postern_model::cognito_idp::IdentityProviderTypeType;
use postern_model::cognito_idp::errors::InvalidParameterException;
use postern_model::{Answer, refuse};
use postern_store::{Timestamp, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Identities that may be linked to one user (Developer Guide, "Quotas").
pub const LINKED_MAX: usize = 5;

/// Somebody at a provider, as the attribute tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    pub user_id: String,
    pub provider_name: String,
    pub provider_type: String,
    /// Of SAML providers only.
    pub issuer: Option<String>,
    /// The user was made by a sign-in there.
    pub primary: bool,
    /// Milliseconds.
    pub date_created: i64,
}

/// Refuses a new user a name that only a provider gives, `PROVIDER_SUBJECT`, so that nobody stands in the way of whom it
/// belongs to.
pub fn keep_for_providers(tx: &mut Tx<'_>, pool: &Pool, user: &User) -> Answer<()> {
    // Where an address is the name, the user name is one of our own.
    if pool.username_attributes.is_empty() {
        keep_name(tx, pool, &user.username)?;
    }
    keep_alias_for_providers(tx, pool, user)
}

/// The same for the alias that people choose themselves.
pub fn keep_alias_for_providers(tx: &mut Tx<'_>, pool: &Pool, user: &User) -> Answer<()> {
    let kind = NameKind::PreferredUsername;
    match user.attribute(kind.as_str()).filter(|_| pool.alias_attributes.contains(&kind)) {
        Some(name) => keep_name(tx, pool, name),
        None => Ok(()),
    }
}

fn keep_name(tx: &mut Tx<'_>, pool: &Pool, name: &str) -> Answer<()> {
    if !name.contains('_') {
        return Ok(());
    }
    let key = pool.name_key(name);
    let is_its = |provider: &String| {
        key.strip_prefix(&pool.name_key(provider)).is_some_and(|rest| rest.starts_with('_'))
    };
    if tx.provider_names(&pool.id)?.iter().any(is_its) {
        return refuse(
            InvalidParameterException,
            "Username cannot begin with the name of an identity provider and an underscore.",
        );
    }
    Ok(())
}

impl Identity {
    pub fn new(provider: &Provider, subject: &str, primary: bool, now: Timestamp) -> Identity {
        let is_saml = provider.kind == IdentityProviderTypeType::Saml;
        Identity {
            user_id: subject.to_owned(),
            provider_name: provider.name.clone(),
            provider_type: provider.kind.as_str().to_owned(),
            issuer: is_saml.then(|| provider.issuer().to_owned()),
            primary,
            date_created: now.ms(),
        }
    }
}

/// Reads a user's identities.
pub fn of(user: &User) -> Result<Vec<Identity>> {
    match user.attribute(IDENTITIES) {
        Some(text) => Ok(serde_json::from_str(text)?),
        None => Ok(Vec::new()),
    }
}

/// Writes a user's identities; none leaves no attribute.
pub fn put(user: &mut User, identities: &[Identity]) -> Result<()> {
    match identities {
        [] => user.attributes.remove(IDENTITIES),
        _ => user.attributes.insert(IDENTITIES.to_owned(), serde_json::to_string(identities)?),
    };
    Ok(())
}

/// The claim of an ID token, which has all but the issuer as texts (Developer Guide, "Understanding the identity token").
pub fn claim(attribute: &str) -> Value {
    let identities: Vec<Identity> = serde_json::from_str(attribute).unwrap_or_default();
    let shown = identities.iter().map(|identity| {
        json!({
            "dateCreated": identity.date_created.to_string(),
            "userId": identity.user_id,
            "providerName": identity.provider_name,
            "providerType": identity.provider_type,
            "issuer": identity.issuer,
            "primary": identity.primary.to_string(),
        })
    });
    shown.collect()
}
