//! A pool's domain: the prefix, or the name of one's own, that its sign-in pages are found by.

use super::{invalid, not_yet};
use postern_model::cognito_idp::errors::FeatureUnavailableInTierException;
use postern_model::cognito_idp::{DomainDescriptionType, UserPoolTierType};
use postern_model::{Answer, DOMAIN_PATTERN, Shape, refuse};

/// Words that a prefix may not contain (Developer Guide, "Adding a domain").
const RESERVED: [&str; 3] = ["aws", "amazon", "cognito"];

/// The version of the pages when none was asked for: the classic ones.
pub const VERSION_DEFAULT: i64 = 1;

/// Judges a new name: a prefix is one label without reserved words, a custom domain is a whole name.
pub fn name(name: &str, is_custom: bool) -> Answer<()> {
    match (is_custom, name.contains('.')) {
        (true, true) if name.len() <= 63 => Ok(()),
        (true, _) => Err(invalid("Custom domain is not a valid subdomain.")),
        (false, true) => Err(invalid(format!(
            "1 validation error detected: Value at 'domain' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: {DOMAIN_PATTERN}"
        ))),
        (false, false) => match RESERVED.iter().find(|word| name.contains(*word)) {
            Some(word) => Err(invalid(format!("Domain cannot contain reserved word: {word}"))),
            None => Ok(()),
        },
    }
}

/// Reads the settings of a domain as they are stored.
pub fn read(stored: &str) -> anyhow::Result<DomainDescriptionType> {
    Ok(DomainDescriptionType::read(&serde_json::from_str(stored)?)?)
}

/// Judges what is asked for a domain of a pool in a tier.
pub fn settings(asked: &DomainDescriptionType, tier: Option<UserPoolTierType>) -> Answer<()> {
    not_yet::in_domain(asked)?;
    match asked.managed_login_version {
        None | Some(1) => Ok(()),
        Some(2) if tier == Some(UserPoolTierType::Lite) => {
            refuse(FeatureUnavailableInTierException, "Managed login is not available in the Lite tier.")
        }
        Some(2) => Ok(()),
        Some(_) => Err(invalid("ManagedLoginVersion must be 1 or 2.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_free_of_reserved_words() {
        assert!(name("shop", false).is_ok());
        for (prefix, word) in [("my-cognito", "cognito"), ("awsome", "aws"), ("amazonas", "amazon")] {
            let error = name(prefix, false).expect_err("a refusal");
            let words = format!("InvalidParameterException: Domain cannot contain reserved word: {word}");
            assert_eq!(error.to_string(), words);
        }
    }

    #[test]
    fn managed_login_is_version_two_and_not_in_the_lite_tier() {
        let version = |version| DomainDescriptionType {
            managed_login_version: Some(version),
            ..DomainDescriptionType::default()
        };
        for given in [1, 2] {
            assert!(settings(&version(given), Some(UserPoolTierType::Essentials)).is_ok());
        }
        assert!(settings(&version(1), Some(UserPoolTierType::Lite)).is_ok());
        let error = settings(&version(2), Some(UserPoolTierType::Lite)).expect_err("a refusal");
        assert_eq!(error.kind(), Some(FeatureUnavailableInTierException));
        assert!(settings(&version(3), None).is_err());
    }
}
