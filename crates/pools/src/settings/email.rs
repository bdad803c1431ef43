//! `EmailConfiguration`: whom a pool's mail comes from, and what is said when the mail service does not agree.

use super::invalid;
use postern_mail::SenderVerdict;
use postern_mail::address::Mailbox;
use postern_model::cognito_idp::errors::NotAuthorizedException;
use postern_model::cognito_idp::{EmailConfigurationType, EmailSendingAccountType};
use postern_model::{Answer, refusal};

/// The sender that a configuration names, for the mail service to judge.
#[derive(Clone, Debug)]
pub struct Named {
    pub source_arn: String,
    pub from: Option<Mailbox>,
    pub configuration_set: Option<String>,
}

/// Fills in a configuration as the API shows it.
pub fn settled(asked: Option<EmailConfigurationType>) -> Answer<EmailConfigurationType> {
    let mut email = asked.unwrap_or_default();
    email.email_sending_account.get_or_insert(EmailSendingAccountType::CognitoDefault);
    if is_developer(&email) {
        if email.source_arn.is_none() {
            return Err(invalid("SourceArn is required when EmailSendingAccount is DEVELOPER."));
        }
    } else if email.configuration_set.is_some() {
        return Err(invalid("ConfigurationSet can be used only when EmailSendingAccount is DEVELOPER."));
    } else if email.from.is_some() && email.source_arn.is_none() {
        return Err(invalid("SourceArn is required where From is given."));
    }
    for (name, text) in [("From", &email.from), ("ReplyToEmailAddress", &email.reply_to_email_address)] {
        mailbox(name, text.as_deref())?;
    }
    Ok(email)
}

/// The pool sends with an identity of the account, through the service-linked role.
pub fn is_developer(email: &EmailConfigurationType) -> bool {
    email.email_sending_account == Some(EmailSendingAccountType::Developer)
}

/// The sender that the mail service must agree to; nothing for the default one.
pub fn named(email: &EmailConfigurationType) -> Answer<Option<Named>> {
    match &email.source_arn {
        Some(source_arn) => Ok(Some(Named {
            source_arn: source_arn.clone(),
            from: mailbox("From", email.from.as_deref())?,
            configuration_set: email.configuration_set.clone(),
        })),
        None => Ok(None),
    }
}

/// Says no to a sender in Cognito's words (messaging, "Validation on save").
pub fn accept(named: &Named, verdict: SenderVerdict) -> Answer<()> {
    match verdict {
        SenderVerdict::Verified(_) => Ok(()),
        SenderVerdict::NotVerified { region } => Err(invalid(format!(
            "Cognito received the following error from Amazon SES when attempting to send email: Email address \
             is not verified. The following identities failed the check in region {}: {}",
            region.to_uppercase(),
            named.source_arn
        ))),
        SenderVerdict::Foreign => {
            Err(refusal(NotAuthorizedException, "Email arn does not belong to your account."))
        }
        SenderVerdict::NoFrom if named.from.is_none() => {
            Err(invalid("From is required when SourceArn is the identity of a domain."))
        }
        SenderVerdict::NoFrom => Err(invalid("From does not belong to the identity that SourceArn names.")),
        SenderVerdict::Malformed => Err(invalid("SourceArn is not the ARN of an Amazon SES identity.")),
    }
}

fn mailbox(name: &str, text: Option<&str>) -> Answer<Option<Mailbox>> {
    let Some(text) = text else { return Ok(None) };
    Mailbox::parse(text)
        .map(Some)
        .map_err(|fault| invalid(format!("{name} is not an email address: {fault}.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_model::{Document, Shape};
    use serde_json::json;

    const ARN: &str = "arn:aws:ses:eu-west-2:111122223333:identity/shop.example";

    fn judged(email: Document) -> String {
        match settled(Some(Shape::read(&email).expect("a configuration"))) {
            Ok(email) => email.write().to_string(),
            Err(error) => error.to_string().replace("InvalidParameterException: ", ""),
        }
    }

    #[test]
    fn without_a_configuration_mail_comes_from_the_default_sender() {
        let email = settled(None).expect("a configuration");
        assert_eq!(email.write(), json!({"EmailSendingAccount": "COGNITO_DEFAULT"}));
        assert!(named(&email).expect("no sender").is_none());
    }

    #[test]
    fn a_configuration_is_shown_as_given() {
        let given = json!({
            "SourceArn": ARN, "From": "John Doe <no-reply@shop.example>", "ReplyToEmailAddress": "a@b.test",
            "EmailSendingAccount": "DEVELOPER", "ConfigurationSet": "set",
        });
        let email = settled(Some(Shape::read(&given).expect("a configuration"))).expect("a configuration");
        assert_eq!(email.write(), given);
        let named = named(&email).expect("a sender").expect("a sender");
        assert_eq!(named.from.expect("a mailbox").address.spelling(), "no-reply@shop.example");
    }

    #[test]
    fn a_wrong_configuration_is_refused() {
        for (email, words) in [
            (
                json!({"EmailSendingAccount": "DEVELOPER"}),
                "SourceArn is required when EmailSendingAccount is DEVELOPER.",
            ),
            (
                json!({"ConfigurationSet": "set"}),
                "ConfigurationSet can be used only when EmailSendingAccount is DEVELOPER.",
            ),
            (json!({"From": "a@b.test"}), "SourceArn is required where From is given."),
            (
                json!({"EmailSendingAccount": "DEVELOPER", "SourceArn": ARN, "From": "nobody"}),
                "From is not an email address: Missing final '@domain'.",
            ),
            (
                json!({
                    "EmailSendingAccount": "DEVELOPER", "SourceArn": ARN, "ReplyToEmailAddress": "a@b c.test",
                }),
                "ReplyToEmailAddress is not an email address: Domain contains control or whitespace.",
            ),
        ] {
            assert_eq!(judged(email), words);
        }
        let injected = json!({
            "EmailSendingAccount": "DEVELOPER", "SourceArn": ARN, "From": "A\r\nBcc: x@y.test <a@shop.example>",
        });
        assert!(judged(injected).starts_with("From is not an email address"));
    }

    #[test]
    fn the_mail_services_no_is_told_in_cognitos_words() {
        let mut sender = Named { source_arn: ARN.into(), from: None, configuration_set: None };
        let told = |sender: &Named, verdict| accept(sender, verdict).expect_err("a refusal").to_string();
        assert_eq!(
            told(&sender, SenderVerdict::NotVerified { region: "eu-west-2".into() }),
            "InvalidParameterException: Cognito received the following error from Amazon SES when attempting to \
             send email: Email address is not verified. The following identities failed the check in region \
             EU-WEST-2: arn:aws:ses:eu-west-2:111122223333:identity/shop.example"
        );
        assert_eq!(
            told(&sender, SenderVerdict::Foreign),
            "NotAuthorizedException: Email arn does not belong to your account."
        );
        assert!(told(&sender, SenderVerdict::NoFrom).contains("From is required"));
        sender.from = Some(Mailbox::parse("a@other.example").expect("a mailbox"));
        assert!(told(&sender, SenderVerdict::NoFrom).contains("From does not belong"));
        assert!(told(&sender, SenderVerdict::Malformed).contains("SourceArn is not the ARN"));
        let mailbox = sender.from.clone().expect("a mailbox");
        assert!(accept(&sender, SenderVerdict::Verified(mailbox)).is_ok());
    }
}
