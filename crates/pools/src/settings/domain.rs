//! A pool's domain: the prefix its sign-in pages are found by.

use super::{invalid, not_yet};
use postern_model::cognito_idp::errors::FeatureUnavailableInTierException;
use postern_model::cognito_idp::{DomainDescriptionType, UserPoolTierType};
use postern_model::{Answer, refuse};

/// Words that a prefix may not contain (Developer Guide, "Adding a domain").
const RESERVED: [&str; 3] = ["aws", "amazon", "cognito"];

/// The version of the pages when none was asked for: the classic ones.
pub const VERSION_DEFAULT: i64 = 1;

/// Judges a new prefix.
pub fn prefix(name: &str) -> Answer<()> {
    match RESERVED.iter().find(|word| name.contains(*word)) {
        Some(word) => Err(invalid(format!("Domain cannot contain reserved word: {word}"))),
        None => Ok(()),
    }
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
        assert!(prefix("shop").is_ok());
        for (name, word) in [("my-cognito", "cognito"), ("awsome", "aws"), ("amazonas", "amazon")] {
            let error = prefix(name).expect_err("a refusal");
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
