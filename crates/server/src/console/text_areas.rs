//! Text messages: who they are sent as and what they say, as fields and as settings.

use super::area::{Area, Facts, Saves, member, prose, put, text, typed};
use super::desk::at;
use crate::pages::console::field::Field;
use postern_model::Document;
use postern_pools::oauth::pairs::Pairs;
use serde_json::Value;

pub const SMS: Area = Area {
    name: "sms",
    page: "/methods",
    title: "SMS",
    hint: "Who text messages to the people of this pool are sent as.",
    saves: Saves::Pool,
    fields: sms_fields,
    change: sms_change,
    saved: "SMS settings saved",
};

pub const MESSAGES: Area = Area {
    name: "text-messages",
    page: "/messages",
    title: "SMS messages",
    hint: "What text messages say.",
    saves: Saves::Pool,
    fields: message_fields,
    change: message_change,
    saved: "SMS messages saved",
};

fn sms_fields(facts: &Facts) -> Vec<Field> {
    let way = |name: &str| format!("SmsConfiguration.{name}");
    vec![
        Field::line("caller", "IAM role", text(&facts.pool, &way("SnsCallerArn")))
            .api("SmsConfiguration.SnsCallerArn")
            .hint("The ARN of a role that trusts cognito-idp.amazonaws.com and allows sns:Publish. Empty: no text messages."),
        Field::line("external", "External ID", text(&facts.pool, &way("ExternalId")))
            .api("SmsConfiguration.ExternalId")
            .hint("What the role's trust policy asks for, if it does."),
        Field::line("region", "SNS region", text(&facts.pool, &way("SnsRegion")))
            .api("SmsConfiguration.SnsRegion")
            .hint("Kept as it is; all texts leave the way that this server's configuration names."),
    ]
}

fn sms_change(_: &Facts, form: &Pairs, pool: &mut Document) {
    if typed(form, "caller").is_empty() {
        put(pool, "SmsConfiguration", Value::Null);
        return;
    }
    let sms = member(pool, "SmsConfiguration");
    put(sms, "SnsCallerArn", typed(form, "caller"));
    put(sms, "ExternalId", typed(form, "external"));
    put(sms, "SnsRegion", typed(form, "region"));
}

/// What texts say now: to verify, to sign in, to invite.
fn message_texts(pool: &Document) -> [String; 3] {
    let template = text(at(pool, "VerificationMessageTemplate"), "SmsMessage");
    let verification = if template.is_empty() { text(pool, "SmsVerificationMessage") } else { template };
    let invitation = text(pool, "AdminCreateUserConfig.InviteMessageTemplate.SMSMessage");
    [verification, text(pool, "SmsAuthenticationMessage"), invitation]
}

fn message_fields(facts: &Facts) -> Vec<Field> {
    let [verification, authentication, invitation] = message_texts(&facts.pool);
    vec![
        Field::lines("verification", "Verification message", 2, verification)
            .api("VerificationMessageTemplate.SmsMessage")
            .hint("{####} stands for the code and must be there. Empty: Cognito's own words."),
        Field::lines("authentication", "Sign-in code message", 2, authentication)
            .api("SmsAuthenticationMessage")
            .hint("The same, for codes by which somebody signs in."),
        Field::lines("invitation", "Invitation message", 2, invitation)
            .api("InviteMessageTemplate.SMSMessage")
            .hint("{username} and {####} stand for the name and the temporary password."),
    ]
}

fn message_change(facts: &Facts, form: &Pairs, pool: &mut Document) {
    let [verification, authentication, invitation] = message_texts(&facts.pool);
    put(
        member(pool, "VerificationMessageTemplate"),
        "SmsMessage",
        prose(form, "verification", &verification),
    );
    put(pool, "SmsVerificationMessage", Value::Null);
    put(pool, "SmsAuthenticationMessage", prose(form, "authentication", &authentication));
    let config = member(pool, "AdminCreateUserConfig");
    put(member(config, "InviteMessageTemplate"), "SMSMessage", prose(form, "invitation", &invitation));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changed(area: &Area, form: Pairs, before: Document) -> Document {
        let mut document = before;
        (area.change)(&Facts::default(), &form, &mut document);
        document
    }

    #[test]
    fn text_messages_need_a_role() {
        let before = json!({ "SmsConfiguration": { "SnsCallerArn": "r", "ExternalId": "e" } });
        assert_eq!(changed(&SMS, Pairs::from([("external", "e")]), before), json!({}));
        let form = Pairs::from([("caller", "r"), ("external", "e")]);
        assert_eq!(
            changed(&SMS, form, json!({})),
            json!({ "SmsConfiguration": { "SnsCallerArn": "r", "ExternalId": "e" } })
        );
    }

    #[test]
    fn texts_and_mails_keep_out_of_each_others_words() {
        let before = json!({
            "VerificationMessageTemplate": { "EmailMessage": "m {####}" },
            "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": true },
        });
        let form = Pairs::from([("verification", "v {####}"), ("invitation", "i {username} {####}")]);
        assert_eq!(
            changed(&MESSAGES, form, before),
            json!({
                "VerificationMessageTemplate": { "EmailMessage": "m {####}", "SmsMessage": "v {####}" },
                "AdminCreateUserConfig": {
                    "AllowAdminCreateUserOnly": true,
                    "InviteMessageTemplate": { "SMSMessage": "i {username} {####}" },
                },
            })
        );
    }
}
