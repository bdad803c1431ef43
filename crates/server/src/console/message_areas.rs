//! What mails to people say: the templates of a pool, as fields and as settings.

use super::area::{Facts, choices, leave_off, member, prose, put, text, typed};
use super::desk::at;
use crate::pages::console::field::{Field, Input};
use postern_model::Document;
use postern_pools::oauth::pairs::Pairs;
use serde_json::Value;

const BY_CODE: &str = "CONFIRM_WITH_CODE";
const BY_LINK: &str = "CONFIRM_WITH_LINK";

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

/// A part of the verification message, from where it stands now or where it stood once.
fn verification(facts: &Facts, name: &str, old: &str) -> String {
    let new = text(at(&facts.pool, "VerificationMessageTemplate"), name);
    if new.is_empty() { text(&facts.pool, old) } else { new }
}

pub fn verification_fields(facts: &Facts) -> Vec<Field> {
    let template = at(&facts.pool, "VerificationMessageTemplate");
    let by_link = text(template, "DefaultEmailOption") == BY_LINK;
    let ways = [
        (BY_CODE, "Code", "People type it in."),
        (BY_LINK, "Link", "People press it. For sign-up and proving an address."),
    ];
    let way = Field::new(
        "way",
        "Verification by",
        Input::Radios(choices(&ways, |value| (value == BY_LINK) == by_link)),
    );
    let mut fields = vec![way.api("VerificationMessageTemplate.DefaultEmailOption")];
    fields.extend(code_words(facts));
    fields.extend([
        Field::line("link-subject", "Subject of mails with a link", text(template, "EmailSubjectByLink"))
            .api("VerificationMessageTemplate.EmailSubjectByLink"),
        Field::lines("link-message", "Message with a link", 8, text(template, "EmailMessageByLink"))
            .api("VerificationMessageTemplate.EmailMessageByLink")
            .hint("{##Verify email##} stands for the link, with its words. Empty: Cognito's own words."),
    ]);
    fields
}

fn code_words(facts: &Facts) -> Vec<Field> {
    message_fields(
        verification(facts, "EmailSubject", "EmailVerificationSubject"),
        "VerificationMessageTemplate.EmailSubject",
        verification(facts, "EmailMessage", "EmailVerificationMessage"),
        "VerificationMessageTemplate.EmailMessage",
        "{####} stands for the code and must be there. Empty: Cognito's own words.",
    )
}

pub fn verification_change(facts: &Facts, form: &Pairs, pool: &mut Document) {
    let before = verification(facts, "EmailMessage", "EmailVerificationMessage");
    let template = member(pool, "VerificationMessageTemplate");
    let before_by_link = text(template, "EmailMessageByLink");
    put(template, "DefaultEmailOption", typed(form, "way"));
    put(template, "EmailSubject", typed(form, "subject"));
    put(template, "EmailMessage", prose(form, "message", &before));
    put(template, "EmailSubjectByLink", typed(form, "link-subject"));
    put(template, "EmailMessageByLink", prose(form, "link-message", &before_by_link));
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
    let template = member(config, "InviteMessageTemplate");
    let before = text(template, "EmailMessage");
    put(template, "EmailSubject", typed(form, "subject"));
    put(template, "EmailMessage", prose(form, "message", &before));
}

pub fn code_fields(facts: &Facts) -> Vec<Field> {
    let block = at(&facts.mfa, "EmailMfaConfiguration");
    let makes_a_factor =
        ["OPTIONAL", "ON"].contains(&text(&facts.mfa, "MfaConfiguration").as_str()) && !block.is_object();
    message_fields(
        text(block, "Subject"),
        "EmailMfaConfiguration.Subject",
        text(block, "Message"),
        "EmailMfaConfiguration.Message",
        if makes_a_factor {
            "{####} stands for the code and must be there. Saved here, words of your own make Email message an MFA \
             method of this pool, too: Cognito keeps both in one setting."
        } else {
            "{####} stands for the code and must be there. Empty: Cognito's own words."
        },
    )
}

pub fn code_change(_: &Facts, form: &Pairs, mfa: &mut Document) {
    leave_off(mfa);
    let before = text(mfa, "EmailMfaConfiguration.Message");
    let (subject, message) = (typed(form, "subject"), prose(form, "message", &before));
    // Where nothing was said and nothing is, there is nothing to keep.
    if subject.is_empty() && message.is_empty() && !at(mfa, "EmailMfaConfiguration").is_object() {
        return;
    }
    let block = member(mfa, "EmailMfaConfiguration");
    put(block, "Subject", subject);
    put(block, "Message", message);
}
