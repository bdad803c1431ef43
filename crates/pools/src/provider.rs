//! An outside provider of identities as the rules see it: its settings, with what of them is secret.

use crate::auth::acr::Mapping;
use crate::settings::providers::{ENTITY_ID, Pairs, SECRETS};
use anyhow::{Context as _, Result};
use postern_model::cognito_idp::{IdentityProviderType, IdentityProviderTypeType};
use postern_model::{Shape, shape};
use postern_store::identity_providers::{OutsideIdentity, ProviderRow};
use postern_store::{Timestamp, Tx};

/// A provider of a pool.
#[derive(Clone)]
pub struct Provider {
    pub pool_id: String,
    pub name: String,
    pub kind: IdentityProviderTypeType,
    /// `ProviderDetails`, secrets included.
    pub details: Pairs,
    /// Attributes, and the claims that fill them.
    pub mapping: Pairs,
    pub identifiers: Vec<String>,
    /// What it calls levels of authentication.
    pub levels: Mapping,
    pub created: Timestamp,
    pub modified: Timestamp,
}

impl Provider {
    pub fn find(tx: &mut Tx<'_>, pool_id: &str, name: &str) -> Result<Option<Provider>> {
        tx.find_provider(pool_id, name)?.map(Provider::from_row).transpose()
    }

    /// All providers of a pool, in the order of their names.
    pub fn all(tx: &mut Tx<'_>, pool_id: &str) -> Result<Vec<Provider>> {
        tx.list_providers(pool_id, "", i64::MAX)?.into_iter().map(Provider::from_row).collect()
    }

    pub fn from_row(row: ProviderRow) -> Result<Provider> {
        let config = IdentityProviderType::read(&serde_json::from_str(&row.config)?)
            .ok()
            .with_context(|| format!("the settings of provider {} cannot be read", row.name))?;
        let secrets: Pairs = serde_json::from_str(&row.secrets)?;
        let mut details = config.provider_details.unwrap_or_default();
        details.extend(secrets);
        Ok(Provider {
            pool_id: row.pool_id,
            name: row.name,
            kind: config.provider_type.context("a provider has a type")?,
            details,
            levels: Mapping::of(config.acr_mapping.as_ref()),
            mapping: config.attribute_mapping.unwrap_or_default(),
            identifiers: config.idp_identifiers.unwrap_or_default(),
            created: row.created,
            modified: row.modified,
        })
    }

    pub fn to_row(&self) -> Result<ProviderRow> {
        let (secrets, open): (Pairs, Pairs) =
            self.details.clone().into_iter().partition(|(key, _)| SECRETS.contains(&key.as_str()));
        let config = IdentityProviderType {
            provider_type: Some(self.kind),
            provider_details: Some(open),
            attribute_mapping: Some(self.mapping.clone()),
            idp_identifiers: Some(self.identifiers.clone()),
            acr_mapping: self.levels.shown(),
            ..IdentityProviderType::default()
        };
        Ok(ProviderRow {
            pool_id: self.pool_id.clone(),
            name: self.name.clone(),
            config: config.write().to_string(),
            secrets: serde_json::to_string(&secrets)?,
            created: self.created,
            modified: self.modified,
        })
    }

    /// What the API shows. A private key is given to nobody any more; the entity id stands in the metadata.
    pub fn shown(&self) -> IdentityProviderType {
        let shown =
            self.details.iter().filter(|(key, _)| !["private_key", ENTITY_ID].contains(&key.as_str()));
        IdentityProviderType {
            user_pool_id: Some(self.pool_id.clone()),
            provider_name: Some(self.name.clone()),
            provider_type: Some(self.kind),
            provider_details: Some(shown.map(|(key, value)| (key.clone(), value.clone())).collect()),
            attribute_mapping: Some(self.mapping.clone()).filter(|mapping| !mapping.is_empty()),
            idp_identifiers: Some(self.identifiers.clone()).filter(|list| !list.is_empty()),
            acr_mapping: self.levels.shown(),
            last_modified_date: Some(shape::Timestamp(self.modified.ms())),
            creation_date: Some(shape::Timestamp(self.created.ms())),
        }
    }

    pub fn detail(&self, key: &str) -> Option<&str> {
        self.details.get(key).map(String::as_str)
    }

    /// Who vouches for the provider's subjects: two issuers may know different people by one name (rule H3).
    pub fn issuer(&self) -> &str {
        match self.kind {
            IdentityProviderTypeType::Facebook => "https://www.facebook.com",
            IdentityProviderTypeType::LoginWithAmazon => "https://www.amazon.com",
            IdentityProviderTypeType::Saml => self.detail(ENTITY_ID).unwrap_or_default(),
            _ => self.detail("oidc_issuer").unwrap_or_default().trim_end_matches('/'),
        }
    }

    /// Somebody there.
    pub fn identity(&self, subject: &str) -> OutsideIdentity {
        OutsideIdentity {
            provider: self.name.clone(),
            issuer: self.issuer().to_owned(),
            subject: subject.to_owned(),
        }
    }
}
