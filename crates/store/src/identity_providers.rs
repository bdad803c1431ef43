//! Statements about outside providers of identities, and about who is who there.

use crate::{Purpose, Row, Timestamp, Tx, values};
use anyhow::Result;

/// A provider's row: its settings as JSON text, what of them is secret apart.
#[derive(Clone)]
pub struct ProviderRow {
    pub pool_id: String,
    pub name: String,
    pub config: String,
    /// JSON text; sealed where it is kept.
    pub secrets: String,
    pub created: Timestamp,
    pub modified: Timestamp,
}

/// Somebody at a provider: known by issuer and subject, and by nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideIdentity {
    pub provider: String,
    pub issuer: String,
    pub subject: String,
}

/// What a pool's SAML requests are signed by.
#[derive(Clone)]
pub struct RequestKeyRow {
    /// PKCS #8; sealed where it is kept.
    pub private_key: Vec<u8>,
    /// X.509, DER.
    pub certificate: Vec<u8>,
    pub created: Timestamp,
}

macro_rules! select_provider {
    ($rest:literal) => {
        concat!(
            "select pool_id, name, config, secrets, created_ms, modified_ms from identity_providers ",
            $rest
        )
    };
}

impl Tx<'_> {
    /// Adds a provider; false when there is one of that name.
    pub fn add_provider(&mut self, provider: &ProviderRow) -> Result<bool> {
        let sealed = self.keys.seal(Purpose::Secret, provider.secrets.as_bytes());
        let added = self.run(
            "insert into identity_providers (pool_id, name, config, secrets, created_ms, modified_ms) \
             values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
            values![
                &provider.pool_id,
                &provider.name,
                &provider.config,
                &sealed,
                provider.created,
                provider.modified
            ],
        )?;
        Ok(added == 1)
    }

    pub fn find_provider(&mut self, pool_id: &str, name: &str) -> Result<Option<ProviderRow>> {
        let keys = self.keys.clone();
        self.row(select_provider!("where pool_id = $1 and name = $2"), values![pool_id, name], |row| {
            provider(&keys, row)
        })
    }

    pub fn change_provider(&mut self, provider: &ProviderRow) -> Result<bool> {
        let sealed = self.keys.seal(Purpose::Secret, provider.secrets.as_bytes());
        let changed = self.run(
            "update identity_providers set config = $1, secrets = $2, modified_ms = $3 \
             where pool_id = $4 and name = $5",
            values![&provider.config, &sealed, provider.modified, &provider.pool_id, &provider.name],
        )?;
        Ok(changed == 1)
    }

    /// Removes a provider and its identifiers. Who is who there stays known: the same issuer may come back.
    pub fn delete_provider(&mut self, pool_id: &str, name: &str) -> Result<bool> {
        self.drop_provider_identifiers(pool_id, name)?;
        let gone = self
            .run("delete from identity_providers where pool_id = $1 and name = $2", values![pool_id, name])?;
        Ok(gone == 1)
    }

    /// Lists a pool's providers by name, from behind `after`.
    pub fn list_providers(&mut self, pool_id: &str, after: &str, limit: i64) -> Result<Vec<ProviderRow>> {
        let keys = self.keys.clone();
        self.rows(
            select_provider!("where pool_id = $1 and name > $2 order by name limit $3"),
            values![pool_id, after, limit],
            |row| provider(&keys, row),
        )
    }

    /// The names of all providers of a pool, in their order.
    pub fn provider_names(&mut self, pool_id: &str) -> Result<Vec<String>> {
        self.rows(
            "select name from identity_providers where pool_id = $1 order by name",
            values![pool_id],
            |row| row.text(0),
        )
    }

    /// Gives a provider one more name; false when another one has it.
    pub fn add_provider_identifier(&mut self, pool_id: &str, identifier: &str, name: &str) -> Result<bool> {
        self.run(
            "insert into identity_provider_identifiers (pool_id, identifier, provider) values ($1, $2, $3) \
             on conflict do nothing",
            values![pool_id, identifier, name],
        )?;
        Ok(self.provider_identified(pool_id, identifier)?.as_deref() == Some(name))
    }

    pub fn drop_provider_identifiers(&mut self, pool_id: &str, name: &str) -> Result<()> {
        self.run(
            "delete from identity_provider_identifiers where pool_id = $1 and provider = $2",
            values![pool_id, name],
        )?;
        Ok(())
    }

    /// The name of the provider that has an identifier.
    pub fn provider_identified(&mut self, pool_id: &str, identifier: &str) -> Result<Option<String>> {
        self.row(
            "select provider from identity_provider_identifiers where pool_id = $1 and identifier = $2",
            values![pool_id, identifier],
            |row| row.text(0),
        )
    }

    /// Says who somebody at a provider is; false when that is somebody else already.
    pub fn add_outside_identity(
        &mut self,
        pool_id: &str,
        identity: &OutsideIdentity,
        user_id: &str,
    ) -> Result<bool> {
        let added = self.run(
            "insert into outside_identities (pool_id, provider, issuer, subject, user_id) \
             values ($1, $2, $3, $4, $5) on conflict do nothing",
            values![pool_id, &identity.provider, &identity.issuer, &identity.subject, user_id],
        )?;
        Ok(added == 1)
    }

    /// The id of the user that somebody at a provider is.
    pub fn user_of_outside(&mut self, pool_id: &str, identity: &OutsideIdentity) -> Result<Option<String>> {
        self.row(
            "select user_id from outside_identities \
             where pool_id = $1 and provider = $2 and issuer = $3 and subject = $4",
            values![pool_id, &identity.provider, &identity.issuer, &identity.subject],
            |row| row.text(0),
        )
    }

    /// Whom an issuer means by a name: the pools, their providers and users.
    pub fn users_of_outside(&mut self, issuer: &str, subject: &str) -> Result<Vec<(String, String, String)>> {
        self.rows(
            "select pool_id, provider, user_id from outside_identities where issuer = $1 and subject = $2",
            values![issuer, subject],
            |row| Ok((row.text(0)?, row.text(1)?, row.text(2)?)),
        )
    }

    pub fn find_request_key(&mut self, pool_id: &str) -> Result<Option<RequestKeyRow>> {
        let keys = self.keys.clone();
        self.row(
            "select private_key, certificate, created_ms from request_keys where pool_id = $1",
            values![pool_id],
            |row| {
                Ok(RequestKeyRow {
                    private_key: keys.open(Purpose::PrivateKey, &row.blob(0)?)?,
                    certificate: row.blob(1)?,
                    created: row.time(2)?,
                })
            },
        )
    }

    /// Gives a pool its key, unless it has one.
    pub fn add_request_key(&mut self, pool_id: &str, key: &RequestKeyRow) -> Result<()> {
        let sealed = self.keys.seal(Purpose::PrivateKey, &key.private_key);
        self.run(
            "insert into request_keys (pool_id, private_key, certificate, created_ms) values ($1, $2, $3, $4) \
             on conflict do nothing",
            values![pool_id, &sealed, &key.certificate, key.created],
        )?;
        Ok(())
    }

    /// Notes that an assertion was used; true for one caller only.
    pub fn use_assertion(&mut self, assertion_mac: &[u8; 32], expires: Timestamp) -> Result<bool> {
        let noted = self.run(
            "insert into assertions_used (assertion_mac, expires_ms) values ($1, $2) on conflict do nothing",
            values![assertion_mac, expires],
        )?;
        Ok(noted == 1)
    }

    pub fn drop_outside_identity(&mut self, pool_id: &str, identity: &OutsideIdentity) -> Result<bool> {
        let gone = self.run(
            "delete from outside_identities \
             where pool_id = $1 and provider = $2 and issuer = $3 and subject = $4",
            values![pool_id, &identity.provider, &identity.issuer, &identity.subject],
        )?;
        Ok(gone == 1)
    }
}

fn provider(keys: &crate::Keys, row: &Row<'_>) -> Result<ProviderRow> {
    Ok(ProviderRow {
        pool_id: row.text(0)?,
        name: row.text(1)?,
        config: row.text(2)?,
        secrets: String::from_utf8(keys.open(Purpose::Secret, &row.blob(3)?)?)?,
        created: row.time(4)?,
        modified: row.time(5)?,
    })
}
