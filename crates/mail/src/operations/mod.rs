//! The operations of SES v2, one file for each topic, those of SNS, and the server's own about messages.

mod account;
mod configuration_sets;
mod identities;
mod outbox;
mod policies;
mod records;
mod send_email;
mod sns;
mod suppression;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_access::Operations;
use postern_model::sesv2::{Tag, errors};
use postern_model::{Answer, Error, refusal};

use crate::Mail;

pub(crate) use account::settle_review;
pub use sns::sns_operations;

/// Items on a page unless the caller asks for fewer or more.
const PAGE_SIZE: i64 = 100;
const PAGE_SIZE_MAX: i64 = 1000;

/// All operations of the mail service that are written.
pub fn operations() -> Operations<Mail> {
    identities::operations()
        .and(policies::operations())
        .and(configuration_sets::operations())
        .and(suppression::operations())
        .and(account::operations())
        .and(send_email::operations())
}

/// The operations of the server's own service that are about messages and mail.
pub fn own_operations() -> Operations<Mail> {
    outbox::own_operations()
        .and(account::own_operations())
        .and(records::own_operations())
        .and(suppression::own_operations())
}

fn bad_request(words: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    refusal(errors::BadRequestException, words)
}

/// Reads where a page begins: behind the name that the token carries.
fn page_start(token: Option<&str>) -> Answer<String> {
    let Some(token) = token else { return Ok(String::new()) };
    let name = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| bad_request("The specified token is invalid."))
}

/// Cuts a page out of one item more than it holds; gives the token of the next page if there is one.
fn page<T>(items: &mut Vec<T>, size: i64, name: impl Fn(&T) -> &str) -> Option<String> {
    let size = usize::try_from(size).unwrap_or(0).max(1);
    if items.len() <= size {
        return None;
    }
    items.truncate(size);
    items.last().map(|item| URL_SAFE_NO_PAD.encode(name(item)))
}

fn page_size(asked: Option<i64>) -> i64 {
    asked.unwrap_or(PAGE_SIZE).clamp(1, PAGE_SIZE_MAX)
}

/// Reads tags as pairs.
fn pairs(tags: Option<Vec<Tag>>) -> Vec<(String, String)> {
    tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
}
