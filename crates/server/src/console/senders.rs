//! Whom mails come from: the sender of a pool as fields and as a setting, and how a name and an address stand together.

use super::area::{Area, Facts, Saves, choices, member, put, text, typed};
use super::desk::at;
use crate::pages::console::field::{Choice, Field, Input};
use postern_model::Document;
use postern_pools::oauth::pairs::Pairs;
use serde_json::Value;

pub const EMAIL: Area = Area {
    name: "email",
    page: "/methods",
    title: "Email",
    hint: "Who mails to the people of this pool come from.",
    saves: Saves::Pool,
    fields: email_fields,
    change: email_change,
    saved: "Email settings saved",
};

const DEVELOPER: &str = "DEVELOPER";
const DEFAULT: &str = "COGNITO_DEFAULT";

/// Splits `Name <address>` into name and address.
pub fn mailbox(from: &str) -> (String, String) {
    let Some((name, rest)) = from.rsplit_once('<') else { return (String::new(), from.trim().to_owned()) };
    let (name, address) = (name.trim(), rest.trim_end_matches('>').trim().to_owned());
    let Some(quoted) = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) else {
        return (name.to_owned(), address);
    };
    let (mut plain, mut letters) = (String::new(), quoted.chars());
    while let Some(letter) = letters.next() {
        plain.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    (plain, address)
}

/// Puts name and address together again; nothing without an address.
pub fn named(name: &str, address: &str) -> String {
    match (name, address) {
        (_, "") => String::new(),
        ("", address) => address.to_owned(),
        (name, address) => format!("{} <{address}>", phrase(name)),
    }
}

/// The identities that mail can be sent as, to choose from; the one that is chosen stays, whatever became of it.
pub fn senders(facts: &Facts, chosen: &str) -> Vec<Choice> {
    let mut identities = vec![Choice::new("", "Choose a verified address or domain", chosen.is_empty())];
    for (identity, _) in facts.identities.iter().filter(|(_, is_verified)| *is_verified) {
        let label =
            if identity.contains('@') { identity.clone() } else { format!("{identity} (any address of it)") };
        identities.push(Choice::new(identity, label, identity == chosen));
    }
    if !chosen.is_empty() && identities.iter().all(|choice| choice.value != chosen) {
        identities.push(Choice::new(chosen, format!("{chosen} (not verified)"), true));
    }
    identities
}

fn email_fields(facts: &Facts) -> Vec<Field> {
    let email = at(&facts.pool, "EmailConfiguration");
    let own = text(email, "EmailSendingAccount") == DEVELOPER;
    let arn = text(email, "SourceArn");
    let chosen = arn.split(":identity/").nth(1).unwrap_or_default().to_owned();
    let (name, address) = mailbox(&text(email, "From"));
    let identities = senders(facts, &chosen);
    let in_domain = if chosen.contains('@') { String::new() } else { address };
    vec![
        Field::new(
            "account",
            "Email provider",
            Input::Radios(choices(
                &[
                    (DEVELOPER, "Send email with Amazon SES", "From an address that is yours. For production."),
                    (DEFAULT, "Send email with the server's own sender", "A few mails a day, to begin with."),
                ],
                |value| (value == DEVELOPER) == own,
            )),
        )
        .api("EmailConfiguration.EmailSendingAccount"),
        Field::new("identity", "FROM email address", Input::Select(identities))
            .api("EmailConfiguration.SourceArn")
            .hint("Verified identities are listed. New ones are made under Email, in the menu. The server's own sender needs none."),
        Field::line_of("email", "address", "Address in that domain", in_domain)
            .api("EmailConfiguration.From")
            .hint("Only where a domain was chosen, such as no-reply@example.com. Phones offer to fill in a code only when its domain is the site's."),
        Field::line("sender", "FROM sender name", name).hint("Optional. People see it beside the address."),
        Field::line_of("email", "reply", "REPLY-TO email address", text(email, "ReplyToEmailAddress"))
            .api("EmailConfiguration.ReplyToEmailAddress")
            .hint("Optional."),
    ]
}

fn email_change(facts: &Facts, form: &Pairs, pool: &mut Document) {
    let email = member(pool, "EmailConfiguration");
    let own = typed(form, "account") == DEVELOPER;
    put(email, "EmailSendingAccount", typed(form, "account"));
    let identity = typed(form, "identity");
    let address = if identity.contains('@') { identity } else { typed(form, "address") };
    let arn = if identity.is_empty() { String::new() } else { format!("{}{identity}", facts.identity_arn) };
    put(email, "SourceArn", arn);
    put(email, "From", named(typed(form, "sender"), address));
    put(email, "ReplyToEmailAddress", typed(form, "reply"));
    // Only mail that is sent with SES goes through a configuration set.
    if !own {
        put(email, "ConfigurationSet", Value::Null);
    }
}

/// A sender's name as it stands before an address: quoted where it holds more than words (RFC 5322 §3.2.3).
fn phrase(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || " !#$%&'*+-/=?^_`{|}~".contains(c);
    if name.chars().all(is_plain) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('\\', r"\\").replace('"', r#"\""#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_an_address_stay_what_they_are() {
        for from in [
            "a@shop.example",
            "Shop <a@shop.example>",
            "\"Shop, Inc.\" <a@shop.example>",
            r#""Shop, \"the\" best" <a@shop.example>"#,
            r#""a\\b <c>" <a@shop.example>"#,
        ] {
            let (name, address) = mailbox(from);
            assert_eq!((named(&name, &address).as_str(), address.as_str()), (from, "a@shop.example"));
        }
        assert_eq!(named("Shop", ""), "");
    }

    #[test]
    fn only_verified_identities_are_offered() {
        let identities = vec![("a@shop.example".to_owned(), true), ("shop.test".to_owned(), false)];
        let fields = email_fields(&Facts { identities, ..Facts::default() });
        let Input::Select(choices) = &fields[1].input else { panic!("a list") };
        let names: Vec<&str> = choices.iter().map(|choice| choice.value.as_str()).collect();
        assert_eq!(names, ["", "a@shop.example"]);
    }
}
