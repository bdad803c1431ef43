//! Statements about the look of sign-in pages. Whoever changes it draws new versions for the clients that it is for, so
//! that parsed clients are read again.

use crate::pools::fresh_version;
use crate::{Row, Timestamp, Tx, values};
use anyhow::Result;

/// A managed login branding's row.
#[derive(Clone, Debug)]
pub struct BrandingRow {
    pub id: String,
    pub pool_id: String,
    pub client_id: String,
    pub settings: String,
    pub created: Timestamp,
    pub modified: Timestamp,
}

/// A picture of a branding, without its bytes.
#[derive(Clone, Debug)]
pub struct PictureRow {
    pub number: i64,
    pub category: String,
    pub color_mode: String,
    pub extension: String,
    pub resource_id: Option<String>,
    pub hash: String,
}

/// The classic style of a client, or of a pool.
#[derive(Clone, Debug)]
pub struct CustomizationRow {
    pub pool_id: String,
    pub client_id: String,
    pub css: String,
    /// Of the picture, where there is one.
    pub hash: Option<String>,
    pub created: Timestamp,
    pub modified: Timestamp,
}

fn branding(row: &Row<'_>) -> Result<BrandingRow> {
    Ok(BrandingRow {
        id: row.text(0)?,
        pool_id: row.text(1)?,
        client_id: row.text(2)?,
        settings: row.text(3)?,
        created: row.time(4)?,
        modified: row.time(5)?,
    })
}

impl Tx<'_> {
    /// Adds a branding; false when the client has one.
    pub fn add_branding(&mut self, branding: &BrandingRow) -> Result<bool> {
        let added = self.run(
            "insert into login_brandings (id, pool_id, client_id, settings, created_ms, modified_ms) \
             values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
            values![
                &branding.id,
                &branding.pool_id,
                &branding.client_id,
                &branding.settings,
                branding.created,
                branding.modified
            ],
        )?;
        self.touch_client(&branding.client_id)?;
        Ok(added == 1)
    }

    pub fn find_branding(&mut self, pool_id: &str, id: &str) -> Result<Option<BrandingRow>> {
        self.row(
            "select id, pool_id, client_id, settings, created_ms, modified_ms \
             from login_brandings where pool_id = $1 and id = $2",
            values![pool_id, id],
            branding,
        )
    }

    /// The branding that an address names; ids are drawn, and tell nothing of a pool.
    pub fn branding_by_id(&mut self, id: &str) -> Result<Option<BrandingRow>> {
        self.row(
            "select id, pool_id, client_id, settings, created_ms, modified_ms \
             from login_brandings where id = $1",
            values![id],
            branding,
        )
    }

    pub fn branding_of_client(&mut self, client_id: &str) -> Result<Option<BrandingRow>> {
        self.row(
            "select id, pool_id, client_id, settings, created_ms, modified_ms \
             from login_brandings where client_id = $1",
            values![client_id],
            branding,
        )
    }

    pub fn count_brandings(&mut self, pool_id: &str) -> Result<i64> {
        let count =
            self.row("select count(*) from login_brandings where pool_id = $1", values![pool_id], |row| {
                row.int(0)
            })?;
        Ok(count.unwrap_or(0))
    }

    pub fn change_branding(&mut self, branding: &BrandingRow) -> Result<bool> {
        let changed = self.run(
            "update login_brandings set settings = $1, modified_ms = $2 where pool_id = $3 and id = $4",
            values![&branding.settings, branding.modified, &branding.pool_id, &branding.id],
        )?;
        self.touch_client(&branding.client_id)?;
        Ok(changed == 1)
    }

    pub fn delete_branding(&mut self, branding: &BrandingRow) -> Result<bool> {
        let gone = self.run(
            "delete from login_brandings where pool_id = $1 and id = $2",
            values![&branding.pool_id, &branding.id],
        )?;
        self.touch_client(&branding.client_id)?;
        Ok(gone == 1)
    }

    /// Replaces the pictures of a branding.
    pub fn put_pictures(&mut self, branding_id: &str, pictures: &[(PictureRow, &[u8])]) -> Result<()> {
        self.run("delete from login_pictures where branding_id = $1", values![branding_id])?;
        for (picture, bytes) in pictures {
            self.run(
                "insert into login_pictures \
                 (branding_id, number, category, color_mode, extension, resource_id, hash, bytes) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
                values![
                    branding_id,
                    picture.number,
                    &picture.category,
                    &picture.color_mode,
                    &picture.extension,
                    picture.resource_id.as_deref(),
                    &picture.hash,
                    *bytes
                ],
            )?;
        }
        Ok(())
    }

    /// The pictures of a branding, in the order in which they were given.
    pub fn pictures(&mut self, branding_id: &str) -> Result<Vec<PictureRow>> {
        self.rows(
            "select number, category, color_mode, extension, resource_id, hash \
             from login_pictures where branding_id = $1 order by number",
            values![branding_id],
            |row| {
                Ok(PictureRow {
                    number: row.int(0)?,
                    category: row.text(1)?,
                    color_mode: row.text(2)?,
                    extension: row.text(3)?,
                    resource_id: row.opt_text(4)?,
                    hash: row.text(5)?,
                })
            },
        )
    }

    pub fn picture_bytes(&mut self, branding_id: &str, number: i64) -> Result<Option<Vec<u8>>> {
        self.row(
            "select bytes from login_pictures where branding_id = $1 and number = $2",
            values![branding_id, number],
            |row| row.blob(0),
        )
    }

    /// Sets the classic style of a client, or of a pool; a picture stays unless another is given.
    pub fn put_customization(&mut self, row: &CustomizationRow, picture: Option<&[u8]>) -> Result<()> {
        self.run(
            "insert into ui_customizations (pool_id, client_id, css, created_ms, modified_ms) \
             values ($1, $2, $3, $4, $5) on conflict (pool_id, client_id) do update \
             set css = excluded.css, modified_ms = excluded.modified_ms",
            values![&row.pool_id, &row.client_id, &row.css, row.created, row.modified],
        )?;
        if let Some(picture) = picture {
            self.run(
                "update ui_customizations set hash = $1, picture = $2 where pool_id = $3 and client_id = $4",
                values![row.hash.as_deref(), picture, &row.pool_id, &row.client_id],
            )?;
        }
        match row.client_id.as_str() {
            "ALL" => self.touch_clients_of_pool(&row.pool_id),
            client_id => self.touch_client(client_id),
        }
    }

    pub fn find_customization(&mut self, pool_id: &str, client_id: &str) -> Result<Option<CustomizationRow>> {
        self.row(
            "select pool_id, client_id, css, hash, created_ms, modified_ms \
             from ui_customizations where pool_id = $1 and client_id = $2",
            values![pool_id, client_id],
            |row| {
                Ok(CustomizationRow {
                    pool_id: row.text(0)?,
                    client_id: row.text(1)?,
                    css: row.text(2)?,
                    hash: row.opt_text(3)?,
                    created: row.time(4)?,
                    modified: row.time(5)?,
                })
            },
        )
    }

    pub fn customization_picture(&mut self, pool_id: &str, client_id: &str) -> Result<Option<Vec<u8>>> {
        let found = self.row(
            "select picture from ui_customizations where pool_id = $1 and client_id = $2",
            values![pool_id, client_id],
            |row| row.opt_blob(0),
        )?;
        Ok(found.flatten())
    }

    fn touch_clients_of_pool(&mut self, pool_id: &str) -> Result<()> {
        self.run(
            "update app_clients set version = $1 where pool_id = $2",
            values![fresh_version(), pool_id],
        )?;
        Ok(())
    }
}
