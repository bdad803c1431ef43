//! How an app's sign-in pages look, read out of what its managed login branding or its classic customization says.
//! What a page makes of it (colours that can be read, addresses) is the pages' own.

mod classic;
mod picture;
mod settings;

pub use classic::classic_css;
pub use picture::{is_raster, kind_of};
pub use settings::{COLOURS, Mode, Settings, Texts, is_web_address};

use anyhow::Result;
use postern_store::Tx;
use postern_store::branding::{BrandingRow, CustomizationRow, PictureRow};
use postern_store::clients::ClientRow;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A colour without transparency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub [u8; 3]);

/// The look of an app's pages.
#[derive(Clone, Debug)]
pub struct Style {
    /// Stands in the addresses of its parts.
    pub id: String,
    pub settings: Settings,
    pub pictures: Vec<PictureRow>,
    /// The classic style, in the pages' own class names.
    pub css: String,
}

/// What is kept of a branding beside its pictures.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Stored {
    #[serde(default)]
    pub uses_cognitos_values: bool,
    #[serde(default)]
    pub settings: Option<Value>,
}

impl Style {
    /// The picture of a category for a mode; one for both modes serves where there is none of its own.
    pub fn picture(&self, categories: &[&str], mode: &str) -> Option<&PictureRow> {
        let of = |mode: &str| {
            categories.iter().find_map(|category| {
                self.pictures.iter().find(|row| row.category == *category && row.color_mode == mode)
            })
        };
        of(mode).or_else(|| of("DYNAMIC"))
    }
}

/// Reads the look of a client: its branding, else its classic style, else its pool's.
pub fn of_client(tx: &mut Tx<'_>, client: &ClientRow) -> Result<Option<Style>> {
    if let Some(row) = tx.branding_of_client(&client.id)? {
        return managed(tx, row).map(Some);
    }
    let own = tx.find_customization(&client.pool_id, &client.id)?;
    let found = match own {
        Some(own) => Some(own),
        None => tx.find_customization(&client.pool_id, ALL_CLIENTS)?,
    };
    Ok(found.map(classic))
}

/// Reads a look by what it is called in addresses.
pub fn by_id(tx: &mut Tx<'_>, id: &str) -> Result<Option<Style>> {
    match id.split_once('.') {
        Some((pool_id, client_id)) => Ok(tx.find_customization(pool_id, client_id)?.map(classic)),
        None => match tx.branding_by_id(id)? {
            Some(row) => managed(tx, row).map(Some),
            None => Ok(None),
        },
    }
}

fn managed(tx: &mut Tx<'_>, row: BrandingRow) -> Result<Style> {
    let stored: Stored = serde_json::from_str(&row.settings)?;
    // What was accepted once and is no longer understood is Postern's own look.
    let settings = Settings::read(&stored.settings.unwrap_or_default()).unwrap_or_default();
    Ok(Style { pictures: tx.pictures(&row.id)?, id: row.id, settings, css: String::new() })
}

fn classic(row: CustomizationRow) -> Style {
    let logo = row.hash.clone().map(|hash| PictureRow {
        number: 0,
        category: "FORM_LOGO".to_owned(),
        color_mode: "DYNAMIC".to_owned(),
        extension: "PNG".to_owned(),
        resource_id: None,
        hash,
    });
    Style {
        id: classic_id(&row.pool_id, &row.client_id),
        // Made for pages that know no dark mode.
        settings: Settings { mode: Mode::Light, ..Settings::default() },
        pictures: logo.into_iter().collect(),
        css: classic_css(&row.css).unwrap_or_default(),
    }
}

/// The name by which a classic style is for all clients of its pool.
pub const ALL_CLIENTS: &str = "ALL";

/// What a classic style is called in addresses.
pub fn classic_id(pool_id: &str, client_id: &str) -> String {
    format!("{pool_id}.{client_id}")
}
