//! A brand's stylesheet and pictures, from our own origin. Their addresses carry a hash of their content, so browsers may
//! keep them for ever.

use super::problem;
use super::visit::Visit;
use crate::pages::brand::{Brand, css};
use crate::pages::problem::Trouble;
use crate::pages::words::Language;
use crate::respond::{response, with_header};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use axum::response::Response;
use postern_model::Answer;
use postern_pools::branding::{self, Style};
use postern_store::Tx;

/// A file of a brand.
enum File {
    Css(String),
    Picture { bytes: Vec<u8>, content_type: &'static str },
}

/// `GET /brand/{id}/{file}`
pub async fn file(visit: Visit) -> Response {
    let Some((id, name)) = visit.path.strip_prefix("/brand/").and_then(|rest| rest.split_once('/')) else {
        return problem::page(&visit, "", Trouble::NotFound);
    };
    let (id, name) = (id.to_owned(), name.to_owned());
    let found = visit
        .app
        .store
        .read(move |tx| match name.starts_with("style-") {
            true => sheet(tx, &id, &name),
            false => picture(tx, &id, &name),
        })
        .await;
    let response = match found {
        Ok(Some(File::Css(css))) => response(StatusCode::OK, "text/css; charset=utf-8", css),
        Ok(Some(File::Picture { bytes, content_type })) => response(StatusCode::OK, content_type, bytes),
        Ok(None) => return problem::page(&visit, "", Trouble::NotFound),
        Err(cause) => return problem::failed(&visit, &cause),
    };
    let response = with_header(response, CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox");
    with_header(response, CACHE_CONTROL, "public, max-age=31536000, immutable")
}

/// The stylesheet of a style, if it is still the one that the address names.
fn sheet(tx: &mut Tx<'_>, id: &str, name: &str) -> Answer<Option<File>> {
    let style = branding::by_id(tx, id)?;
    let is_named = |style: &Style| Brand::of(style, Language::English).css_href.ends_with(name);
    Ok(style.filter(is_named).map(|style| File::Css(css(&style))))
}

fn picture(tx: &mut Tx<'_>, id: &str, name: &str) -> Answer<Option<File>> {
    let Some((number, hash)) = name.split_once('-') else { return Ok(None) };
    let Ok(number) = number.parse::<i64>() else { return Ok(None) };
    let bytes = match id.split_once('.') {
        Some((pool_id, client_id)) => match tx.find_customization(pool_id, client_id)? {
            Some(row) if row.hash.as_deref() == Some(hash) && number == 0 => {
                tx.customization_picture(pool_id, client_id)?
            }
            _ => None,
        },
        None => match tx.pictures(id)?.iter().any(|row| row.number == number && row.hash == hash) {
            true => tx.picture_bytes(id, number)?,
            false => None,
        },
    };
    Ok(bytes.and_then(|bytes| {
        let (_, content_type) = branding::kind_of(&bytes)?;
        Some(File::Picture { bytes, content_type })
    }))
}
