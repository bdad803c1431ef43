//! Settings of the API that this server cannot honour yet. They are refused by name, never stored in silence; the
//! lists only get shorter.

use super::invalid;
use postern_model::Answer;
use postern_model::cognito_idp::*;

/// A setting by the name the API gives it, and whether it is asked for.
type NotYet<S> = (&'static str, fn(&S) -> bool);

const POOL: &[NotYet<UserPoolType>] = &[
    ("LambdaConfig with InboundFederation", |pool| {
        has(pool, |triggers| triggers.inbound_federation.is_some())
    }),
    ("SOFTWARE_TOKEN in AllowedFirstAuthFactors", |pool| allows(pool, AuthFactorType::SoftwareToken)),
    ("KeyConfiguration CUSTOMER_MANAGED_KEY", |pool| {
        pool.key_configuration.as_ref().is_some_and(|keys| {
            keys.key_type == Some(EncryptionKeyType::CustomerManagedKey) || keys.kms_key_arn.is_some()
        })
    }),
    ("DcrConfiguration", |pool| pool.dcr_configuration.is_some()),
];

const CLIENT: &[NotYet<UserPoolClientType>] = &[
    ("ALLOW_TOKEN_EXCHANGE_DELEGATION", |client| {
        permits(client, ExplicitAuthFlowsType::AllowTokenExchangeDelegation)
    }),
    ("ALLOW_TOKEN_EXCHANGE_IMPERSONATION", |client| {
        permits(client, ExplicitAuthFlowsType::AllowTokenExchangeImpersonation)
    }),
    ("AnalyticsConfiguration", |client| client.analytics_configuration.is_some()),
];

const DOMAIN: &[NotYet<DomainDescriptionType>] = &[("Routing", |domain| domain.routing.is_some())];

/// Refuses what a pool cannot be set to.
pub fn in_pool(asked: &UserPoolType) -> Answer<()> {
    refuse_first(POOL, asked)
}

/// Refuses what an app client cannot be set to.
pub fn in_client(asked: &UserPoolClientType) -> Answer<()> {
    refuse_first(CLIENT, asked)
}

/// Refuses what a domain cannot be set to.
pub fn in_domain(asked: &DomainDescriptionType) -> Answer<()> {
    refuse_first(DOMAIN, asked)
}

fn refuse_first<S>(list: &[NotYet<S>], settings: &S) -> Answer<()> {
    match list.iter().find(|(_, is_asked)| is_asked(settings)) {
        Some((name, _)) => Err(invalid(format!("{name} is not available on this server yet."))),
        None => Ok(()),
    }
}

fn has(pool: &UserPoolType, asks: fn(&LambdaConfigType) -> bool) -> bool {
    pool.lambda_config.as_ref().is_some_and(asks)
}

fn allows(pool: &UserPoolType, factor: AuthFactorType) -> bool {
    super::pool::first_factors(pool).contains(&factor)
}

fn permits(client: &UserPoolClientType, flow: ExplicitAuthFlowsType) -> bool {
    client.explicit_auth_flows.iter().flatten().any(|allowed| *allowed == flow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_model::{Document, Shape};
    use serde_json::json;

    fn refusal<S: Shape>(judge: impl Fn(&S) -> Answer<()>, settings: Document) -> Option<String> {
        judge(&S::read(&settings).expect("settings")).err().map(|error| error.to_string())
    }

    #[test]
    fn a_pool_setting_that_is_not_there_is_refused_by_name() {
        let arn = "arn:aws:lambda:us-east-1:111122223333:function:f";
        let factors =
            |factor: &str| json!({"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", factor]}});
        for (settings, name) in [
            (
                json!({"LambdaConfig": {"InboundFederation": {"LambdaVersion": "V1_0", "LambdaArn": arn}}}),
                "LambdaConfig with InboundFederation",
            ),
            (json!({"Policies": factors("SOFTWARE_TOKEN")}), "SOFTWARE_TOKEN in AllowedFirstAuthFactors"),
            (
                json!({"KeyConfiguration": {"KeyType": "CUSTOMER_MANAGED_KEY"}}),
                "KeyConfiguration CUSTOMER_MANAGED_KEY",
            ),
            (json!({"DcrConfiguration": {}}), "DcrConfiguration"),
        ] {
            let words = format!("InvalidParameterException: {name} is not available on this server yet.");
            assert_eq!(refusal(in_pool, settings), Some(words));
        }
    }

    #[test]
    fn a_setting_that_asks_for_nothing_more_is_taken() {
        let settings = json!({
            "LambdaConfig": {},
            "Policies": {
                "PasswordPolicy": {"PasswordHistorySize": 3},
                "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"]},
            },
            "AutoVerifiedAttributes": ["email", "phone_number"],
            "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email", "phone_number"]},
            "VerificationMessageTemplate": {"DefaultEmailOption": "CONFIRM_WITH_LINK"},
            "EmailConfiguration": {"EmailSendingAccount": "COGNITO_DEFAULT", "ReplyToEmailAddress": "a@b.test"},
            "UserPoolAddOns": {"AdvancedSecurityMode": "AUDIT"},
            "KeyConfiguration": {"KeyType": "AWS_OWNED_KEY"},
            "IssuerConfiguration": {"Type": "UPDATED"},
        });
        assert_eq!(refusal(in_pool, settings), None);
    }

    #[test]
    fn other_settings_that_are_not_there_are_refused_by_name() {
        let words = |name: &str| {
            Some(format!("InvalidParameterException: {name} is not available on this server yet."))
        };
        for flow in ["code", "implicit", "client_credentials"] {
            assert_eq!(refusal(in_client, json!({"AllowedOAuthFlows": [flow]})), None);
        }
        assert_eq!(
            refusal(in_client, json!({"AnalyticsConfiguration": {}})),
            words("AnalyticsConfiguration")
        );
        assert_eq!(refusal(in_domain, json!({"Routing": {}})), words("Routing"));
    }
}
