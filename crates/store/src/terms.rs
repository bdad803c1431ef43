//! Statements about the documents that apps point people to. Whoever changes one draws a new version for its client, so
//! that parsed clients are read again.

use crate::{Row, Timestamp, Tx, values};
use anyhow::Result;

/// A document's row.
#[derive(Clone, Debug)]
pub struct TermsRow {
    pub id: String,
    pub pool_id: String,
    pub client_id: String,
    pub name: String,
    /// JSON: where it is, by language.
    pub links: String,
    pub created: Timestamp,
    pub modified: Timestamp,
}

impl Tx<'_> {
    /// Adds a document; false when the client has one of that name.
    pub fn add_terms(&mut self, terms: &TermsRow) -> Result<bool> {
        let added = self.run(
            "insert into terms (id, pool_id, client_id, name, links, created_ms, modified_ms) \
             values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
            values![
                &terms.id,
                &terms.pool_id,
                &terms.client_id,
                &terms.name,
                &terms.links,
                terms.created,
                terms.modified
            ],
        )?;
        self.touch_client(&terms.client_id)?;
        Ok(added == 1)
    }

    pub fn find_terms(&mut self, pool_id: &str, id: &str) -> Result<Option<TermsRow>> {
        self.row(
            "select id, pool_id, client_id, name, links, created_ms, modified_ms from terms \
             where pool_id = $1 and id = $2",
            values![pool_id, id],
            terms,
        )
    }

    /// The documents of a client, by name.
    pub fn terms_of_client(&mut self, client_id: &str) -> Result<Vec<TermsRow>> {
        self.rows(
            "select id, pool_id, client_id, name, links, created_ms, modified_ms from terms \
             where client_id = $1 order by name",
            values![client_id],
            terms,
        )
    }

    /// Lists the documents of a pool by id, from behind `after`.
    pub fn list_terms(&mut self, pool_id: &str, after: &str, limit: i64) -> Result<Vec<TermsRow>> {
        self.rows(
            "select id, pool_id, client_id, name, links, created_ms, modified_ms from terms \
             where pool_id = $1 and id > $2 order by id limit $3",
            values![pool_id, after, limit],
            terms,
        )
    }

    pub fn change_terms(&mut self, terms: &TermsRow) -> Result<bool> {
        let changed = self.run(
            "update terms set name = $1, links = $2, modified_ms = $3 where pool_id = $4 and id = $5",
            values![&terms.name, &terms.links, terms.modified, &terms.pool_id, &terms.id],
        )?;
        self.touch_client(&terms.client_id)?;
        Ok(changed == 1)
    }

    pub fn delete_terms(&mut self, terms: &TermsRow) -> Result<bool> {
        let gone =
            self.run("delete from terms where pool_id = $1 and id = $2", values![&terms.pool_id, &terms.id])?;
        self.touch_client(&terms.client_id)?;
        Ok(gone == 1)
    }
}

fn terms(row: &Row<'_>) -> Result<TermsRow> {
    Ok(TermsRow {
        id: row.text(0)?,
        pool_id: row.text(1)?,
        client_id: row.text(2)?,
        name: row.text(3)?,
        links: row.text(4)?,
        created: row.time(5)?,
        modified: row.time(6)?,
    })
}
