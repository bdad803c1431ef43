//! `SmsConfiguration`: the role by which a pool's text messages are sent, and what is said when it does not do.

use super::invalid;
use postern_mail::texting::Untexted;
use postern_model::cognito_idp::errors::{
    CodeDeliveryFailureException, InvalidSmsRoleAccessPolicyException,
    InvalidSmsRoleTrustRelationshipException, LimitExceededException,
};
use postern_model::cognito_idp::{SmsConfigurationType, UserPoolType};
use postern_model::{Answer, Error, Refusal, refusal};

/// Fills in a configuration as the API shows it; one whose role is the empty text takes it away.
pub fn settled(asked: Option<SmsConfigurationType>) -> Answer<Option<SmsConfigurationType>> {
    let Some(sms) = asked else { return Ok(None) };
    if sms.eums_sms.is_some() {
        return Err(invalid("EumsSms is not available on this server yet."));
    }
    match sms.sns_caller_arn.as_deref() {
        None => Err(invalid("SnsCallerArn is required in SmsConfiguration.")),
        Some("") => Ok(None),
        Some(_) => Ok(Some(sms)),
    }
}

/// Tells whether text messages can leave a pool: by a role, or by a function that sends them.
pub fn can_leave(pool: &UserPoolType) -> bool {
    let functions = pool.lambda_config.as_ref();
    pool.sms_configuration.is_some()
        || functions.is_some_and(|functions| functions.custom_sms_sender.is_some())
}

/// What is said of text messages that cannot be sent, beside Cognito's words.
pub const NOT_SET_UP: &str = "SMS configuration is required for the user pool to send text messages.";
pub const NOT_TO_COUNTRY: &str = "Text messages are not sent to this country.";
const NO_CARRIER: &str = "This server has no way to send text messages.";
const TOO_LONG: &str = "The text message is too long.";

/// Tells whether a refusal is about a text message, rather than a mail, that could not be sent.
pub fn is_about_text(refused: &Refusal) -> bool {
    [InvalidSmsRoleAccessPolicyException, InvalidSmsRoleTrustRelationshipException].contains(&refused.kind)
        || [NOT_SET_UP, NOT_TO_COUNTRY, NO_CARRIER, TOO_LONG].contains(&&*refused.message)
}

/// Says no in Cognito's words (Developer Guide, "SMS message settings"); the reason is for the audit.
pub fn refused(untexted: Untexted) -> Error {
    match untexted {
        Untexted::NoRole(denied) => refusal(
            InvalidSmsRoleTrustRelationshipException,
            "Role does not have a trust relationship allowing Cognito to assume the role",
        )
        .because(denied.told()),
        Untexted::Denied(denied) => {
            refusal(InvalidSmsRoleAccessPolicyException, "Role does not have permission to publish with SNS")
                // The resource is a number, which the audit does not name.
                .because(denied.decision.as_ref().map_or_else(String::new, |decision| decision.told()))
        }
        Untexted::NoCarrier => refusal(CodeDeliveryFailureException, NO_CARRIER),
        Untexted::SpendLimit => {
            refusal(LimitExceededException, "Attempt limit exceeded, please try after some time.")
                .because("the month's limit for text messages is reached")
        }
        Untexted::TooLong => refusal(CodeDeliveryFailureException, TOO_LONG),
        Untexted::Failed(cause) => cause.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_model::{Shape, shape::Document};
    use serde_json::json;

    fn judged(sms: Document) -> String {
        match settled(Some(SmsConfigurationType::read(&sms).expect("a configuration"))) {
            Ok(sms) => sms.map_or_else(|| "none".to_owned(), |sms| sms.write().to_string()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_role_is_needed_and_the_empty_one_takes_the_configuration_away() {
        let given = json!({"SnsCallerArn": "arn:aws:iam::123456789012:role/sms", "ExternalId": "x"});
        assert_eq!(judged(given.clone()), given.to_string());
        assert_eq!(judged(json!({"SnsCallerArn": ""})), "none");
        assert!(judged(json!({})).contains("SnsCallerArn is required"));
        let eums = json!({"EumsSms": {"CallerArn": "arn:aws:iam::123456789012:role/sms"}});
        assert!(judged(eums).contains("EumsSms is not available"));
    }
}
