//! A pool's passkey settings: whose passkeys they are, and what they are worth.

use super::invalid;
use postern_model::cognito_idp::errors::FeatureUnavailableInTierException;
use postern_model::cognito_idp::{UserPoolTierType, UserPoolType, WebAuthnConfigurationType as WebAuthn};
use postern_model::{Answer, refuse};

/// Judges the block and writes a relying party in one form; a block that asks for nothing is none.
pub fn settled(asked: Option<WebAuthn>) -> Answer<Option<WebAuthn>> {
    let Some(mut asked) = asked.filter(|asked| *asked != WebAuthn::default()) else { return Ok(None) };
    if let Some(id) = &mut asked.relying_party_id {
        id.make_ascii_lowercase();
        if !is_relying_party(id) {
            return Err(invalid(
                "RelyingPartyId must be a domain name that is no public suffix, or localhost.",
            ));
        }
    }
    Ok(Some(asked))
}

/// Lets a block through that the pool's tier allows.
pub fn possible(pool: &UserPoolType, set: Option<&WebAuthn>) -> Answer<()> {
    let is_second_factor = set.is_some_and(|set| set.factor_configuration.is_some());
    if is_second_factor && pool.user_pool_tier == Some(UserPoolTierType::Lite) {
        return refuse(
            FeatureUnavailableInTierException,
            "Passkey factor configuration is not available in the Lite tier.",
        );
    }
    Ok(())
}

/// Tells whether a browser would take a host as a relying party (WebAuthn §5.1.3): a name below a public suffix, no
/// address. `localhost` is for development.
fn is_relying_party(id: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    id == "localhost"
        || id.contains('.')
            && id.split('.').all(is_label)
            && !id.rsplit('.').next().is_some_and(is_number)
            && psl::domain_str(id).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_model::cognito_idp::UserVerificationType;

    fn party(id: &str) -> Option<WebAuthn> {
        Some(WebAuthn { relying_party_id: Some(id.to_owned()), ..WebAuthn::default() })
    }

    #[test]
    fn a_relying_party_is_a_host_below_a_public_suffix() {
        for id in
            ["login.example.com", "example.com", "example.co.uk", "localhost", "xn--bcher-kva.example.org"]
        {
            assert_eq!(settled(party(id)).expect("settings"), party(id), "{id}");
        }
        assert_eq!(settled(party("Login.Example.com")).expect("settings"), party("login.example.com"));
        for id in [
            "com",
            "co.uk",
            "github.io",
            "127.0.0.1",
            "[::1]",
            "https://example.com",
            "example.com:8443",
            "example.com.",
            ".example.com",
            "-a.example.com",
            "exa mple.com",
            "bücher.example.org",
        ] {
            assert!(settled(party(id)).is_err(), "{id}");
        }
    }

    #[test]
    fn a_block_that_asks_for_nothing_is_none() {
        assert_eq!(settled(Some(WebAuthn::default())).expect("settings"), None);
        assert_eq!(settled(None).expect("settings"), None);
        let required =
            WebAuthn { user_verification: Some(UserVerificationType::Required), ..WebAuthn::default() };
        assert_eq!(settled(Some(required.clone())).expect("settings"), Some(required));
    }
}
