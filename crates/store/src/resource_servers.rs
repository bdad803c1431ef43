//! Statements about resource servers: the APIs that tokens are for, each with its scopes.

use crate::{Row, Tx, values};
use anyhow::Result;

/// A resource server's row: its scopes as JSON text.
#[derive(Clone, Debug)]
pub struct ResourceServerRow {
    pub pool_id: String,
    pub identifier: String,
    pub name: String,
    pub scopes: String,
}

impl Tx<'_> {
    /// Adds a resource server; false when there is one of that identifier.
    pub fn add_resource_server(&mut self, server: &ResourceServerRow) -> Result<bool> {
        let added = self.run(
            "insert into resource_servers (pool_id, identifier, name, scopes) values ($1, $2, $3, $4) \
             on conflict do nothing",
            values![&server.pool_id, &server.identifier, &server.name, &server.scopes],
        )?;
        Ok(added == 1)
    }

    pub fn find_resource_server(
        &mut self,
        pool_id: &str,
        identifier: &str,
    ) -> Result<Option<ResourceServerRow>> {
        self.row(
            "select pool_id, identifier, name, scopes from resource_servers \
             where pool_id = $1 and identifier = $2",
            values![pool_id, identifier],
            server,
        )
    }

    pub fn change_resource_server(&mut self, server: &ResourceServerRow) -> Result<bool> {
        let changed = self.run(
            "update resource_servers set name = $1, scopes = $2 where pool_id = $3 and identifier = $4",
            values![&server.name, &server.scopes, &server.pool_id, &server.identifier],
        )?;
        Ok(changed == 1)
    }

    pub fn delete_resource_server(&mut self, pool_id: &str, identifier: &str) -> Result<bool> {
        let gone = self.run(
            "delete from resource_servers where pool_id = $1 and identifier = $2",
            values![pool_id, identifier],
        )?;
        Ok(gone == 1)
    }

    /// Lists a pool's resource servers by identifier, from behind `after`.
    pub fn list_resource_servers(
        &mut self,
        pool_id: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<ResourceServerRow>> {
        self.rows(
            "select pool_id, identifier, name, scopes from resource_servers \
             where pool_id = $1 and identifier > $2 order by identifier limit $3",
            values![pool_id, after, limit],
            server,
        )
    }
}

fn server(row: &Row<'_>) -> Result<ResourceServerRow> {
    Ok(ResourceServerRow {
        pool_id: row.text(0)?,
        identifier: row.text(1)?,
        name: row.text(2)?,
        scopes: row.text(3)?,
    })
}
