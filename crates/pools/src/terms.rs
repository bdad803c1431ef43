//! The documents that an app points people to before they make an account: terms of use and privacy policy.

use anyhow::{Context as _, Result};
use postern_store::Tx;
use postern_store::terms::TermsRow;
use std::collections::BTreeMap;

/// The names that a document can have.
const TERMS_OF_USE: &str = "terms-of-use";
const PRIVACY_POLICY: &str = "privacy-policy";
/// The language that stands for all that have no link of their own.
pub const DEFAULT: &str = "cognito:default";

/// Where a document is, by language as Cognito names them.
pub type Links = BTreeMap<String, String>;

/// Both documents of an app; one alone is not shown.
#[derive(Clone, Debug)]
pub struct Terms {
    pub terms_of_use: Links,
    pub privacy_policy: Links,
}

/// Reads both documents of a client, if it has both.
pub fn of_client(tx: &mut Tx<'_>, client_id: &str) -> Result<Option<Terms>> {
    let rows = tx.terms_of_client(client_id)?;
    let named = |name: &str| rows.iter().find(|row| row.name == name).map(links).transpose();
    Ok(named(TERMS_OF_USE)?
        .zip(named(PRIVACY_POLICY)?)
        .map(|(terms_of_use, privacy_policy)| Terms { terms_of_use, privacy_policy }))
}

/// The link for who reads a language.
pub fn link<'a>(links: &'a Links, language: &str) -> Option<&'a str> {
    links.get(language).or_else(|| links.get(DEFAULT)).map(String::as_str)
}

/// The links of a document as they are kept.
pub fn links(row: &TermsRow) -> Result<Links> {
    serde_json::from_str(&row.links).with_context(|| format!("the links of terms {} cannot be read", row.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_without_a_link_of_its_own_has_the_default() {
        let links = [(DEFAULT, "https://a.example/"), ("cognito:german", "https://a.example/de")];
        let links = links.map(|(language, link)| (language.to_owned(), link.to_owned())).into();
        assert_eq!(link(&links, "cognito:german"), Some("https://a.example/de"));
        assert_eq!(link(&links, "cognito:french"), Some("https://a.example/"));
    }
}
