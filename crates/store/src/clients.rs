//! Statements about app clients and their secrets.

use crate::pools::fresh_version;
use crate::{Purpose, Row, Timestamp, Tx, values};
use anyhow::Result;

/// An app client's row: its settings as JSON text, its secrets apart.
#[derive(Clone)]
pub struct ClientRow {
    pub id: String,
    pub pool_id: String,
    pub name: String,
    pub config: String,
    pub created: Timestamp,
    pub modified: Timestamp,
}

/// One secret of an app client.
#[derive(Clone)]
pub struct ClientSecretRow {
    pub id: String,
    pub secret: String,
    pub created: Timestamp,
}

impl Tx<'_> {
    pub fn add_client(&mut self, client: &ClientRow) -> Result<bool> {
        let added = self.run(
            "insert into app_clients \
             (id, pool_id, version, name, config, created_ms, modified_ms) \
             values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
            values![
                &client.id,
                &client.pool_id,
                fresh_version(),
                &client.name,
                &client.config,
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
        self.row(
            "select id, pool_id, name, config, created_ms, modified_ms from app_clients where id = $1",
            values![client_id],
            client,
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
        self.remove_risk_configuration(pool_id, client_id)?;
        Ok(gone == 1)
    }

    pub fn count_clients(&mut self, pool_id: &str) -> Result<i64> {
        let count =
            self.row("select count(*) from app_clients where pool_id = $1", values![pool_id], |row| {
                row.int(0)
            })?;
        Ok(count.unwrap_or(0))
    }

    /// Lists a pool's clients by id, from behind `after`.
    pub fn list_clients(&mut self, pool_id: &str, after: &str, limit: i64) -> Result<Vec<ClientRow>> {
        self.rows(
            "select id, pool_id, name, config, created_ms, modified_ms \
             from app_clients where pool_id = $1 and id > $2 order by id limit $3",
            values![pool_id, after, limit],
            client,
        )
    }

    /// A client's secrets, the oldest first.
    pub fn client_secrets(&mut self, client_id: &str) -> Result<Vec<ClientSecretRow>> {
        let keys = self.keys.clone();
        self.rows(
            "select id, secret, created_ms from client_secrets where client_id = $1 order by created_ms, id",
            values![client_id],
            |row| {
                Ok(ClientSecretRow {
                    id: row.text(0)?,
                    secret: String::from_utf8(keys.open(Purpose::Secret, &row.blob(1)?)?)?,
                    created: row.time(2)?,
                })
            },
        )
    }

    /// Gives a client one more secret; false when it has one of that id.
    pub fn add_client_secret(&mut self, client_id: &str, secret: &ClientSecretRow) -> Result<bool> {
        let sealed = self.keys.seal(Purpose::Secret, secret.secret.as_bytes());
        let added = self.run(
            "insert into client_secrets (client_id, id, secret, created_ms) values ($1, $2, $3, $4) \
             on conflict do nothing",
            values![client_id, &secret.id, &sealed, secret.created],
        )?;
        self.touch_client(client_id)?;
        Ok(added == 1)
    }

    /// Takes one secret of a client away; false when it is gone.
    pub fn delete_client_secret(&mut self, client_id: &str, id: &str) -> Result<bool> {
        let gone =
            self.run("delete from client_secrets where client_id = $1 and id = $2", values![client_id, id])?;
        self.touch_client(client_id)?;
        Ok(gone == 1)
    }

    /// Minutes for which a browser stays signed in by a client.
    pub fn sso_minutes(&mut self, client_id: &str) -> Result<Option<i64>> {
        self.row("select sso_minutes from app_clients where id = $1", values![client_id], |row| row.int(0))
    }

    pub fn set_sso_minutes(&mut self, client_id: &str, minutes: i64) -> Result<()> {
        self.run("update app_clients set sso_minutes = $1 where id = $2", values![minutes, client_id])?;
        self.touch_client(client_id)
    }

    /// Draws a client's version anew, because something changed that its parsed form knows of.
    pub(crate) fn touch_client(&mut self, client_id: &str) -> Result<()> {
        self.run("update app_clients set version = $1 where id = $2", values![fresh_version(), client_id])?;
        Ok(())
    }
}

fn client(row: &Row<'_>) -> Result<ClientRow> {
    Ok(ClientRow {
        id: row.text(0)?,
        pool_id: row.text(1)?,
        name: row.text(2)?,
        config: row.text(3)?,
        created: row.time(4)?,
        modified: row.time(5)?,
    })
}
