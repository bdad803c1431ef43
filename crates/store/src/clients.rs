//! Statements about app clients.

use crate::pools::fresh_version;
use crate::{Purpose, Row, Timestamp, Tx, values};
use anyhow::Result;

/// An app client's row: its settings as JSON text, its secret apart.
#[derive(Clone)]
pub struct ClientRow {
    pub id: String,
    pub pool_id: String,
    pub name: String,
    pub config: String,
    pub secret: Option<String>,
    pub created: Timestamp,
    pub modified: Timestamp,
}

impl Tx<'_> {
    pub fn add_client(&mut self, client: &ClientRow) -> Result<bool> {
        let sealed = client.secret.as_ref().map(|secret| self.keys.seal(Purpose::Secret, secret.as_bytes()));
        let added = self.run(
            "insert into app_clients \
             (id, pool_id, version, name, config, secret, created_ms, modified_ms) \
             values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
            values![
                &client.id,
                &client.pool_id,
                fresh_version(),
                &client.name,
                &client.config,
                sealed.as_ref(),
                client.created,
                client.modified
            ],
        )?;
        Ok(added == 1)
    }

    /// The version of a client's row, by which parsed forms of it are known.
    pub fn client_version(&mut self, client_id: &str) -> Result<Option<i64>> {
        self.row("select version from app_clients where id = $1", values![client_id], |row| row.int(0))
    }

    pub fn find_client(&mut self, client_id: &str) -> Result<Option<ClientRow>> {
        let keys = self.keys.clone();
        self.row(
            "select id, pool_id, name, config, secret, created_ms, modified_ms \
             from app_clients where id = $1",
            values![client_id],
            |row| client(&keys, row),
        )
    }

    pub fn change_client(&mut self, client: &ClientRow) -> Result<bool> {
        let changed = self.run(
            "update app_clients set version = $1, name = $2, config = $3, modified_ms = $4 \
             where pool_id = $5 and id = $6",
            values![
                fresh_version(),
                &client.name,
                &client.config,
                client.modified,
                &client.pool_id,
                &client.id
            ],
        )?;
        Ok(changed == 1)
    }

    /// Removes a client and what was begun with it; false when it is gone.
    pub fn delete_client(&mut self, pool_id: &str, client_id: &str) -> Result<bool> {
        let gone =
            self.run("delete from app_clients where pool_id = $1 and id = $2", values![pool_id, client_id])?;
        Ok(gone == 1)
    }

    /// Lists a pool's clients by id, from behind `after`.
    pub fn list_clients(&mut self, pool_id: &str, after: &str, limit: i64) -> Result<Vec<ClientRow>> {
        let keys = self.keys.clone();
        self.rows(
            "select id, pool_id, name, config, secret, created_ms, modified_ms \
             from app_clients where pool_id = $1 and id > $2 order by id limit $3",
            values![pool_id, after, limit],
            |row| client(&keys, row),
        )
    }
}

fn client(keys: &crate::Keys, row: &Row<'_>) -> Result<ClientRow> {
    let secret = match row.opt_blob(4)? {
        Some(sealed) => Some(String::from_utf8(keys.open(Purpose::Secret, &sealed)?)?),
        None => None,
    };
    Ok(ClientRow {
        id: row.text(0)?,
        pool_id: row.text(1)?,
        name: row.text(2)?,
        config: row.text(3)?,
        secret,
        created: row.time(5)?,
        modified: row.time(6)?,
    })
}
