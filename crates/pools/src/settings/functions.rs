//! What may be set as a pool's functions (`LambdaConfig`).

use super::invalid;
use postern_model::cognito_idp::errors::FeatureUnavailableInTierException;
use postern_model::cognito_idp::{LambdaConfigType, PreTokenGenerationLambdaVersionType, UserPoolTierType};
use postern_model::{Answer, refuse};

/// Refuses functions that contradict one another, or that the pool's tier does not have.
pub fn accept(config: &LambdaConfigType, tier: Option<UserPoolTierType>) -> Answer<()> {
    let versioned = config.pre_token_generation_config.as_ref();
    if let (Some(versioned), Some(plain)) = (versioned, &config.pre_token_generation)
        && versioned.lambda_arn != *plain
    {
        return Err(invalid(
            "PreTokenGeneration and the LambdaArn of PreTokenGenerationConfig must be the same function.",
        ));
    }
    let is_first = versioned
        .is_none_or(|versioned| versioned.lambda_version == PreTokenGenerationLambdaVersionType::V10);
    if !is_first && tier == Some(UserPoolTierType::Lite) {
        return refuse(
            FeatureUnavailableInTierException,
            "Of the versions of PreTokenGeneration only V1_0 is available in the Lite tier.",
        );
    }
    let sends = config.custom_email_sender.is_some() || config.custom_sms_sender.is_some();
    if sends && config.kms_key_id.is_none() {
        return Err(invalid("KMSKeyID is required for CustomEmailSender and CustomSMSSender."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_model::Shape;
    use serde_json::{Value, json};

    fn judged(config: Value, tier: UserPoolTierType) -> Option<String> {
        let config = LambdaConfigType::read(&config).expect("settings");
        accept(&config, Some(tier)).err().map(|error| error.to_string())
    }

    #[test]
    fn functions_agree_with_one_another_and_with_the_tier() {
        let version = |version: &str| json!({ "PreTokenGenerationConfig": { "LambdaVersion": version, "LambdaArn": "a" } });
        let mut both = version("V2_0");
        both["PreTokenGeneration"] = "a".into();
        let essentials = UserPoolTierType::Essentials;
        for (good, tier) in [
            (json!({}), UserPoolTierType::Lite),
            (both.clone(), essentials),
            (version("V1_0"), UserPoolTierType::Lite),
            (version("V3_0"), UserPoolTierType::Plus),
        ] {
            assert_eq!(judged(good, tier), None);
        }
        both["PreTokenGeneration"] = "b".into();
        let fault = judged(both, essentials).expect("a refusal");
        assert!(fault.starts_with("InvalidParameterException"), "{fault}");
        let fault = judged(version("V2_0"), UserPoolTierType::Lite).expect("a refusal");
        assert!(fault.starts_with("FeatureUnavailableInTierException"), "{fault}");
        let sender = json!({ "CustomEmailSender": { "LambdaVersion": "V1_0", "LambdaArn": "a" } });
        let fault = judged(sender, essentials).expect("a refusal");
        assert!(fault.contains("KMSKeyID"), "{fault}");
    }
}
