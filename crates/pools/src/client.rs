//! An app client as the rules see it: its settings read once for each version of its row.

use crate::branding::{self, Style};
use crate::terms::{self, Terms};
use crate::user::IDENTITIES;
use anyhow::{Context, Result};
use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_model::cognito_idp::{
    ExplicitAuthFlowsType, FeatureType, PreventUserExistenceErrorTypes, TimeUnitsType, UserPoolClientType,
};
use postern_model::shape::Shape;
use postern_store::Tx;
use postern_store::clients::{ClientRow, ClientSecretRow};
use std::sync::Arc;

/// The pool's own users, as an identity provider.
pub const OWN_USERS: &str = "COGNITO";

/// How long tokens live, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    pub id_s: i64,
    pub access_s: i64,
    pub refresh_s: i64,
}

impl Lifetimes {
    /// How long any token of a sign-in lives that cannot be refreshed.
    pub fn longest_s(self) -> i64 {
        self.id_s.max(self.access_s)
    }
}

/// An app client and what its settings decide.
#[derive(Clone)]
pub struct Client {
    pub id: String,
    pub pool_id: String,
    pub name: String,
    /// Any of them proves the client; a public one has none.
    pub secrets: Vec<String>,
    /// What the API shows, without the secret.
    pub config: UserPoolClientType,
    pub flows: Vec<ExplicitAuthFlowsType>,
    /// Unknown accounts are answered like known ones (`PreventUserExistenceErrors`).
    pub hides_existence: bool,
    /// Life of a challenge, and of the codes of a sign-in.
    pub session_ms: i64,
    pub lifetimes: Lifetimes,
    pub revocable: bool,
    /// How long a browser stays signed in by this client.
    pub sso_ms: i64,
    /// Seconds for which a rotated refresh token still works; nothing when rotation is off.
    pub rotation_grace_s: Option<i64>,
    /// How its sign-in pages look, where not like Postern's own.
    pub style: Option<Style>,
    /// What people are pointed to before they make an account.
    pub terms: Option<Terms>,
}

impl Client {
    /// Finds a client of any pool.
    pub fn find(tx: &mut Tx<'_>, client_id: &str) -> Result<Option<Arc<Client>>> {
        let Some(version) = tx.client_version(client_id)? else { return Ok(None) };
        tx.cached("client", client_id, version, |tx| match tx.find_client(client_id)? {
            Some(row) => {
                let secrets = tx.client_secrets(client_id)?;
                let sso_ms = tx.sso_minutes(client_id)?.unwrap_or_default() * 60_000;
                let style = branding::of_client(tx, &row)?;
                let terms = terms::of_client(tx, client_id)?;
                Client::parse(row, secrets).map(|client| Some(Client { sso_ms, style, terms, ..client }))
            }
            None => Ok(None),
        })
    }

    fn parse(row: ClientRow, secrets: Vec<ClientSecretRow>) -> Result<Client> {
        let config = UserPoolClientType::read(&serde_json::from_str(&row.config)?)
            .ok()
            .with_context(|| format!("the settings of app client {} cannot be read", row.id))?;
        let rotation = config.refresh_token_rotation.clone();
        Ok(Client {
            flows: config.explicit_auth_flows.clone().unwrap_or_else(|| DEFAULT_FLOWS.to_vec()),
            // Unset means LEGACY on the wire; hiding is the safe default and the compatible one is named.
            hides_existence: config.prevent_user_existence_errors
                != Some(PreventUserExistenceErrorTypes::Legacy),
            session_ms: config.auth_session_validity.unwrap_or(3) * 60_000,
            lifetimes: lifetimes(&config),
            revocable: config.enable_token_revocation.unwrap_or(true),
            sso_ms: 0,
            rotation_grace_s: rotation
                .filter(|rotation| rotation.feature == FeatureType::Enabled)
                .map(|rotation| rotation.retry_grace_period_seconds.unwrap_or(0)),
            style: None,
            terms: None,
            id: row.id,
            pool_id: row.pool_id,
            name: row.name,
            secrets: secrets.into_iter().map(|secret| secret.secret).collect(),
            config,
        })
    }

    /// What stands for a client where an administrator acts on a pool: no flow, no secret, the usual lifetimes.
    pub fn none(pool_id: &str) -> Client {
        let config = UserPoolClientType::default();
        Client {
            id: String::new(),
            pool_id: pool_id.to_owned(),
            name: String::new(),
            secrets: Vec::new(),
            flows: Vec::new(),
            hides_existence: true,
            session_ms: 3 * 60_000,
            lifetimes: lifetimes(&config),
            revocable: true,
            sso_ms: 0,
            rotation_grace_s: None,
            style: None,
            terms: None,
            config,
        }
    }

    /// The outside providers by which people may sign in.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        let listed = self.config.supported_identity_providers.iter().flatten().map(String::as_str);
        listed.filter(|name| *name != OWN_USERS)
    }

    /// Tells whether people may sign in by a provider, or by the pool's own ways. Where nothing is set, only by those.
    pub fn supports(&self, provider: Option<&str>) -> bool {
        let listed = self.config.supported_identity_providers.as_deref().unwrap_or_default();
        match provider {
            None => listed.is_empty() || listed.iter().any(|name| name == OWN_USERS),
            Some(provider) => self.providers().any(|name| name == provider),
        }
    }

    /// Tells whether the app is believed about where its people are (`EnablePropagateAdditionalUserContextData`).
    pub fn passes_context_on(&self) -> bool {
        self.has_secret() && self.config.enable_propagate_additional_user_context_data == Some(true)
    }

    pub fn has_secret(&self) -> bool {
        !self.secrets.is_empty()
    }

    pub fn allows(&self, flow: ExplicitAuthFlowsType) -> bool {
        self.flows.contains(&flow)
    }

    /// Tells whether tokens and self-service may show an attribute; without a list, all are readable but for what only
    /// developers see. Who somebody is elsewhere is in no list, and always shown.
    pub fn can_read(&self, attribute: &str) -> bool {
        attribute == IDENTITIES || is_listed(self.config.read_attributes.as_deref(), attribute)
    }

    /// Tells whether self-service may write an attribute.
    pub fn can_write(&self, attribute: &str) -> bool {
        is_listed(self.config.write_attributes.as_deref(), attribute)
    }

    /// Checks `SECRET_HASH`: `Base64(HMAC-SHA256(secret, username + client id))`, over any of the names that
    /// the caller may have meant.
    pub fn secret_hash_matches(&self, hash: &str, names: &[&str]) -> bool {
        let Ok(hash) = STANDARD.decode(hash) else { return false };
        self.secrets.iter().fold(false, |found, secret| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            names.iter().fold(found, |found, name| {
                let expected = hmac::sign(&key, [name.as_bytes(), self.id.as_bytes()].concat().as_slice());
                found | constant_time::verify_slices_are_equal(expected.as_ref(), &hash).is_ok()
            })
        })
    }

    /// Compares a presented client secret in constant time.
    pub fn secret_matches(&self, presented: &str) -> bool {
        self.secrets.iter().fold(false, |found, secret| {
            found | constant_time::verify_slices_are_equal(secret.as_bytes(), presented.as_bytes()).is_ok()
        })
    }
}

/// Tells whether a client's list names an attribute; none is a list of all. What only developers see, no list names.
fn is_listed(list: Option<&[String]>, attribute: &str) -> bool {
    let names_all = list.is_none_or(<[String]>::is_empty);
    !attribute.starts_with("dev:")
        && (names_all || list.is_some_and(|list| list.iter().any(|name| name == attribute)))
}

/// What an app client may do when `ExplicitAuthFlows` was never set.
const DEFAULT_FLOWS: [ExplicitAuthFlowsType; 3] = [
    ExplicitAuthFlowsType::AllowRefreshTokenAuth,
    ExplicitAuthFlowsType::AllowUserSrpAuth,
    ExplicitAuthFlowsType::AllowCustomAuth,
];

/// Reads token lifetimes with their units; defaults are an hour, an hour and 30 days.
pub fn lifetimes(config: &UserPoolClientType) -> Lifetimes {
    let units = config.token_validity_units.clone().unwrap_or_default();
    Lifetimes {
        id_s: seconds(config.id_token_validity, units.id_token, TimeUnitsType::Hours, 1),
        access_s: seconds(config.access_token_validity, units.access_token, TimeUnitsType::Hours, 1),
        refresh_s: seconds(config.refresh_token_validity, units.refresh_token, TimeUnitsType::Days, 30),
    }
}

fn seconds(amount: Option<i64>, unit: Option<TimeUnitsType>, usual: TimeUnitsType, default: i64) -> i64 {
    let amount = amount.filter(|amount| *amount > 0).unwrap_or(default);
    amount
        * match unit.unwrap_or(usual) {
            TimeUnitsType::Seconds => 1,
            TimeUnitsType::Minutes => 60,
            TimeUnitsType::Hours => 3600,
            TimeUnitsType::Days => 86_400,
        }
}
