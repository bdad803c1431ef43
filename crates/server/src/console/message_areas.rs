//! What mails to people say: the templates of a pool, as fields and as settings.

use super::area::{Facts, leave_off, member, put, text, typed};
use super::desk::at;
use crate::pages::console::field::Field;
use postern_model::Document;
use postern_pools::oauth::pairs::Pairs;
use serde_json::Value;

fn message_fields(
    subject: String,
    subject_api: &str,
    body: String,
    body_api: &str,
    hint: &str,
) -> Vec<Field> {
    vec![
        Field::line("subject", "Subject", subject).api(subject_api),
        Field::lines("message", "Message", 8, body).api(body_api).hint(hint),
    ]
}

pub fn verification_fields(facts: &Facts) -> Vec<Field> {
    let template = at(&facts.pool, "VerificationMessageTemplate");
    let or = |name: &str, old: &str| {
        let new = text(template, name);
        if new.is_empty() { text(&facts.pool, old) } else { new }
    };
    message_fields(
        or("EmailSubject", "EmailVerificationSubject"),
        "VerificationMessageTemplate.EmailSubject",
        or("EmailMessage", "EmailVerificationMessage"),
        "VerificationMessageTemplate.EmailMessage",
        "{####} stands for the code and must be there. Empty: Cognito's own words.",
    )
}

pub fn verification_change(_: &Facts, form: &Pairs, pool: &mut Document) {
    let template = member(pool, "VerificationMessageTemplate");
    put(template, "EmailSubject", typed(form, "subject"));
    put(template, "EmailMessage", typed(form, "message"));
    put(pool, "EmailVerificationSubject", Value::Null);
    put(pool, "EmailVerificationMessage", Value::Null);
}

pub fn invitation_fields(facts: &Facts) -> Vec<Field> {
    let template = at(&facts.pool, "AdminCreateUserConfig.InviteMessageTemplate");
    message_fields(
        text(template, "EmailSubject"),
        "InviteMessageTemplate.EmailSubject",
        text(template, "EmailMessage"),
        "InviteMessageTemplate.EmailMessage",
        "{username} and {####} stand for the name and the temporary password. Empty: Cognito's own words.",
    )
}

pub fn invitation_change(_: &Facts, form: &Pairs, pool: &mut Document) {
    let config = member(pool, "AdminCreateUserConfig");
    put(config, "UnusedAccountValidityDays", Value::Null);
    let template = member(config, "InviteMessageTemplate");
    put(template, "EmailSubject", typed(form, "subject"));
    put(template, "EmailMessage", typed(form, "message"));
}

pub fn code_fields(facts: &Facts) -> Vec<Field> {
    let block = at(&facts.mfa, "EmailMfaConfiguration");
    message_fields(
        text(block, "Subject"),
        "EmailMfaConfiguration.Subject",
        text(block, "Message"),
        "EmailMfaConfiguration.Message",
        "{####} stands for the code and must be there. Empty: Cognito's own words.",
    )
}

pub fn code_change(_: &Facts, form: &Pairs, mfa: &mut Document) {
    leave_off(mfa);
    let block = member(mfa, "EmailMfaConfiguration");
    put(block, "Subject", typed(form, "subject"));
    put(block, "Message", typed(form, "message"));
}
