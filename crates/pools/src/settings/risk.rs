//! `RiskConfiguration`: what a pool does about threats, checked as a whole.

use super::{email, invalid};
use postern_mail::transport::Network;
use postern_model::Answer;
use postern_model::cognito_idp::*;

/// What links in notices would need and is not there.
const NOT_YET: [&str; 2] = ["{one-click-link-valid}", "{one-click-link-invalid}"];

/// Checks what is asked for, and gives the sender of notices for the mail service to judge.
pub fn checked(asked: &SetRiskConfigurationRequest) -> Answer<Option<email::Named>> {
    let exceptions = asked.risk_exception_configuration.clone().unwrap_or_default();
    for range in
        [exceptions.blocked_ip_range_list, exceptions.skipped_ip_range_list].into_iter().flatten().flatten()
    {
        if Network::parse(&range).is_err() {
            return Err(invalid(format!("{range} is not an IP address range.")));
        }
    }
    let Some(takeover) = &asked.account_takeover_risk_configuration else { return Ok(None) };
    let actions =
        [&takeover.actions.low_action, &takeover.actions.medium_action, &takeover.actions.high_action];
    let Some(notify) = &takeover.notify_configuration else {
        return match actions.into_iter().flatten().any(|action| action.notify) {
            true => Err(invalid("NotifyConfiguration is required where an action has Notify.")),
            false => Ok(None),
        };
    };
    for mail in [&notify.block_email, &notify.no_action_email, &notify.mfa_email].into_iter().flatten() {
        let bodies = [&mail.html_body, &mail.text_body].into_iter().flatten();
        for word in NOT_YET {
            if bodies.clone().any(|body| body.contains(word)) {
                return Err(invalid(format!("{word} is not available on this server yet.")));
            }
        }
    }
    let sender = EmailConfigurationType {
        source_arn: Some(notify.source_arn.clone()),
        from: notify.from.clone(),
        reply_to_email_address: notify.reply_to.clone(),
        email_sending_account: Some(EmailSendingAccountType::Developer),
        configuration_set: None,
    };
    email::named(&email::settled(Some(sender))?)
}

/// The parts of a configuration that one is judged by.
#[derive(Clone, Debug, Default)]
pub struct Risks {
    pub config: RiskConfigurationType,
    pub blocked: Vec<Network>,
    pub skipped: Vec<Network>,
}

impl Risks {
    pub fn of(config: RiskConfigurationType) -> Risks {
        let exceptions = config.risk_exception_configuration.clone().unwrap_or_default();
        let read = |list: Option<Vec<String>>| {
            list.into_iter().flatten().filter_map(|range| Network::parse(&range).ok()).collect()
        };
        Risks {
            blocked: read(exceptions.blocked_ip_range_list),
            skipped: read(exceptions.skipped_ip_range_list),
            config,
        }
    }

    /// Whether a password that attackers know is refused at an occasion. All occasions are meant where none is named.
    pub fn blocks_known_passwords_at(&self, occasion: EventFilterType) -> bool {
        self.config.compromised_credentials_risk_configuration.as_ref().is_some_and(|known| {
            let is_meant =
                known.event_filter.as_ref().is_none_or(|only| only.is_empty() || only.contains(&occasion));
            is_meant && known.actions.event_action == CompromisedCredentialsEventActionType::Block
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_model::Shape;
    use serde_json::{Value, json};

    fn judged(mut config: Value) -> Result<Option<String>, String> {
        config["UserPoolId"] = "us-east-1_a".into();
        let asked = SetRiskConfigurationRequest::read(&config).expect("a request");
        let sender = checked(&asked).map_err(|error| error.to_string())?;
        Ok(sender.map(|sender| sender.source_arn))
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        const ARN: &str = "arn:aws:ses:us-east-1:111122223333:identity/no-reply@shop.example";
        let takeover = |notify: Value| {
            json!({ "AccountTakeoverRiskConfiguration": {
                "Actions": { "HighAction": { "Notify": true, "EventAction": "BLOCK" } },
                "NotifyConfiguration": notify,
            } })
        };
        let words = |words: &str| Err(format!("InvalidParameterException: {words}"));
        assert_eq!(judged(json!({})), Ok(None));
        assert_eq!(judged(takeover(json!({ "SourceArn": ARN }))), Ok(Some(ARN.to_owned())));
        let mut silent = takeover(Value::Null);
        silent["AccountTakeoverRiskConfiguration"]
            .as_object_mut()
            .expect("members")
            .remove("NotifyConfiguration");
        assert_eq!(judged(silent), words("NotifyConfiguration is required where an action has Notify."));
        let linked = json!({
            "SourceArn": ARN,
            "BlockEmail": { "Subject": "Blocked", "HtmlBody": "<a href='{one-click-link-valid}'>Me</a>" },
        });
        assert_eq!(
            judged(takeover(linked)),
            words("{one-click-link-valid} is not available on this server yet.")
        );
        let range = json!({ "RiskExceptionConfiguration": { "BlockedIPRangeList": ["10.0.0.0/33"] } });
        assert_eq!(judged(range), words("10.0.0.0/33 is not an IP address range."));
    }

    #[test]
    fn an_occasion_is_meant_where_it_is_named_or_none_is() {
        let blocks = |known: Value| {
            let config = json!({ "CompromisedCredentialsRiskConfiguration": known });
            let config = RiskConfigurationType::read(&config).expect("a configuration");
            Risks::of(config).blocks_known_passwords_at(EventFilterType::SignIn)
        };
        assert!(blocks(json!({ "Actions": { "EventAction": "BLOCK" } })));
        assert!(blocks(json!({ "Actions": { "EventAction": "BLOCK" }, "EventFilter": ["SIGN_IN"] })));
        assert!(!blocks(json!({ "Actions": { "EventAction": "BLOCK" }, "EventFilter": ["SIGN_UP"] })));
        assert!(!blocks(json!({ "Actions": { "EventAction": "NO_ACTION" } })));
    }
}
