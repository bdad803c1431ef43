//! An outside provider of identities as the rules see it: its settings, with what of them is secret.

use crate::auth::acr::Mapping;
use crate::settings::providers::{ENTITY_ID, Pairs, SECRETS};
use anyhow::{Context as _, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_model::cognito_idp::{IdentityProviderType, IdentityProviderTypeType};
use postern_model::{Shape, shape};
use postern_store::identity_providers::{OutsideIdentity, ProviderRow, RequestKeyRow};
use postern_store::{Timestamp, Tx};
use serde::{Deserialize, Serialize};

/// A key that a provider encrypts to.
#[derive(Clone, Serialize, Deserialize)]
pub struct EncryptionKey {
    /// PKCS #8, Base64.
    private_key: String,
    /// X.509, DER, Base64.
    pub certificate: String,
}

impl EncryptionKey {
    pub fn of(made: &RequestKeyRow) -> EncryptionKey {
        EncryptionKey {
            private_key: STANDARD.encode(&made.private_key),
            certificate: STANDARD.encode(&made.certificate),
        }
    }
}

/// What of a provider is kept sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    #[serde(flatten)]
    details: Pairs,
    #[serde(rename = ".encryption", default, skip_serializing_if = "Option::is_none")]
    encryption: Option<EncryptionKey>,
}

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
    /// What its assertions are encrypted to; kept once it was made, since providers are told of it by hand.
    pub encryption: Option<EncryptionKey>,
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
        let sealed: Sealed = serde_json::from_str(&row.secrets)?;
        let mut details = config.provider_details.unwrap_or_default();
        details.extend(sealed.details);
        Ok(Provider {
            pool_id: row.pool_id,
            name: row.name,
            kind: config.provider_type.context("a provider has a type")?,
            details,
            encryption: sealed.encryption,
            levels: Mapping::of(config.acr_mapping.as_ref()),
            mapping: config.attribute_mapping.unwrap_or_default(),
            identifiers: config.idp_identifiers.unwrap_or_default(),
            created: row.created,
            modified: row.modified,
        })
    }

    pub fn to_row(&self) -> Result<ProviderRow> {
        let (details, open): (Pairs, Pairs) =
            self.details.clone().into_iter().partition(|(key, _)| SECRETS.contains(&key.as_str()));
        let sealed = Sealed { details, encryption: self.encryption.clone() };
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
            secrets: serde_json::to_string(&sealed)?,
            created: self.created,
            modified: self.modified,
        })
    }

    /// What the API shows. A private key is given to nobody any more; the entity id stands in the metadata.
    pub fn shown(&self) -> IdentityProviderType {
        let shown =
            self.details.iter().filter(|(key, _)| !["private_key", ENTITY_ID].contains(&key.as_str()));
        let mut details: Pairs = shown.map(|(key, value)| (key.clone(), value.clone())).collect();
        if let Some(key) = self.encryption.as_ref().filter(|_| self.says("EncryptedResponses")) {
            details.insert("ActiveEncryptionCertificate".to_owned(), key.certificate.clone());
        }
        IdentityProviderType {
            user_pool_id: Some(self.pool_id.clone()),
            provider_name: Some(self.name.clone()),
            provider_type: Some(self.kind),
            provider_details: Some(details),
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

    /// Tells whether a detail that is true or false is true.
    pub fn says(&self, key: &str) -> bool {
        self.detail(key) == Some("true")
    }

    /// What its assertions open with (PKCS #8), where they have to be encrypted.
    pub fn opening_key(&self) -> Result<Option<Vec<u8>>> {
        if !self.says("EncryptedResponses") {
            return Ok(None);
        }
        let key = self.encryption.as_ref().context("a provider that encrypts has a key")?;
        Ok(Some(STANDARD.decode(&key.private_key)?))
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
