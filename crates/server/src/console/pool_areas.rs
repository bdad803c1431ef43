//! The settings of a user pool, area by area, in the words of the Cognito console.

use super::area::{
    Area, Facts, Saves, choices, has, is, leave_off, lines, member, number, put, text, ticked, typed,
};
use super::desk::at;
use super::{message_areas, text_areas};
use crate::pages::console::field::{Choice, Field, Input};
use postern_model::Document;
use postern_pools::oauth::pairs::Pairs;
use serde_json::{Map, Value, json};

/// The areas, in the order in which pages show them.
pub const AREAS: [Area; 13] = [
    Area {
        name: "email",
        page: "/methods",
        title: "Email",
        hint: "Who mails to the people of this pool come from.",
        saves: Saves::Pool,
        fields: email_fields,
        change: email_change,
        saved: "Email settings saved",
    },
    text_areas::SMS,
    Area {
        name: "passkey",
        page: "/methods",
        title: "Passkey",
        hint: "Signing in with a fingerprint, a face or a screen lock.",
        saves: Saves::Mfa,
        fields: passkey_fields,
        change: passkey_change,
        saved: "Passkey settings saved",
    },
    Area {
        name: "password-policy",
        page: "/methods",
        title: "Password policy",
        hint: "What a password must be, where people have one.",
        saves: Saves::Pool,
        fields: password_fields,
        change: password_change,
        saved: "Password policy saved",
    },
    Area {
        name: "mfa",
        page: "/methods",
        title: "Multi-factor authentication",
        hint: "A second proof after the first one.",
        saves: Saves::Mfa,
        fields: mfa_fields,
        change: mfa_change,
        saved: "Multi-factor settings saved",
    },
    Area {
        name: "choice",
        page: "/sign-in",
        title: "Options for choice-based sign-in",
        hint: "The ways in that a person can choose from, through app clients that allow choice-based sign-in.",
        saves: Saves::Pool,
        fields: choice_fields,
        change: choice_change,
        saved: "Options for choice-based sign-in saved",
    },
    Area {
        name: "recovery",
        page: "/sign-in",
        title: "User account recovery",
        hint: "Where the code goes when somebody forgot their password.",
        saves: Saves::Pool,
        fields: recovery_fields,
        change: recovery_change,
        saved: "Account recovery saved",
    },
    Area {
        name: "sign-up",
        page: "/sign-up",
        title: "Self-service sign-up",
        hint: "Whether people make their own accounts, and what they prove when they do.",
        saves: Saves::Pool,
        fields: sign_up_fields,
        change: sign_up_change,
        saved: "Sign-up settings saved",
    },
    Area {
        name: "verification-message",
        page: "/messages",
        title: "Verification message",
        hint: "What people get when they sign up, prove an address or reset a password.",
        saves: Saves::Pool,
        fields: message_areas::verification_fields,
        change: message_areas::verification_change,
        saved: "Verification message saved",
    },
    Area {
        name: "invitation-message",
        page: "/messages",
        title: "Invitation message",
        hint: "What people get when an administrator creates their account.",
        saves: Saves::Pool,
        fields: message_areas::invitation_fields,
        change: message_areas::invitation_change,
        saved: "Invitation message saved",
    },
    Area {
        name: "code-message",
        page: "/messages",
        title: "Sign-in code message",
        hint: "What brings a code by which somebody signs in.",
        saves: Saves::Mfa,
        fields: message_areas::code_fields,
        change: message_areas::code_change,
        saved: "Sign-in code message saved",
    },
    text_areas::MESSAGES,
    Area {
        name: "general",
        page: "/settings",
        title: "Pool settings",
        hint: "",
        saves: Saves::Pool,
        fields: general_fields,
        change: general_change,
        saved: "Pool settings saved",
    },
];

const DEVELOPER: &str = "DEVELOPER";
const DEFAULT: &str = "COGNITO_DEFAULT";

/// Splits `Name <address>` into name and address.
pub fn mailbox(from: &str) -> (String, String) {
    match from.split_once('<') {
        Some((name, rest)) => {
            (name.trim().trim_matches('"').to_owned(), rest.trim_end_matches('>').trim().to_owned())
        }
        None => (String::new(), from.trim().to_owned()),
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
            .hint("Verified identities are listed. New ones are made under Email, in the menu."),
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
    let sender = typed(form, "sender").replace('"', "");
    let from = match (address, sender.as_str()) {
        ("", _) => String::new(),
        (address, "") => address.to_owned(),
        (address, sender) => format!("{} <{address}>", phrase(sender)),
    };
    let arn = if identity.is_empty() { String::new() } else { format!("{}{identity}", facts.identity_arn) };
    put(email, "SourceArn", if own { arn } else { String::new() });
    put(email, "From", if own { from } else { String::new() });
    put(email, "ReplyToEmailAddress", if own { typed(form, "reply") } else { "" });
    if !own {
        put(email, "ConfigurationSet", Value::Null);
    }
}

/// A sender's name as it stands before an address: quoted where it holds more than words (RFC 5322 §3.2.3).
pub fn phrase(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || " !#$%&'*+-/=?^_`{|}~".contains(c);
    if name.chars().all(is_plain) { name.to_owned() } else { format!("\"{}\"", name.replace('\\', "")) }
}

fn passkey_fields(facts: &Facts) -> Vec<Field> {
    let passkey = at(&facts.mfa, "WebAuthnConfiguration");
    let wanted = text(passkey, "UserVerification");
    vec![
        Field::line("rp", "Domain for passkeys", text(passkey, "RelyingPartyId"))
            .api("WebAuthnConfiguration.RelyingPartyId")
            .hint("The domain of the pages that people sign in at. Passkeys made for one domain work for no other."),
        Field::new(
            "verification",
            "User verification",
            Input::Radios(choices(
                &[
                    ("preferred", "Preferred", "Ask for a fingerprint, face or PIN where the device has it."),
                    ("required", "Required", "Refuse devices that cannot ask."),
                ],
                |value| value == wanted || wanted.is_empty() && value == "preferred",
            )),
        )
        .api("WebAuthnConfiguration.UserVerification"),
    ]
}

fn passkey_change(_: &Facts, form: &Pairs, mfa: &mut Document) {
    leave_off(mfa);
    let domain = typed(form, "rp");
    if domain.is_empty() {
        put(mfa, "WebAuthnConfiguration", Value::Null);
        return;
    }
    let passkey = member(mfa, "WebAuthnConfiguration");
    put(passkey, "RelyingPartyId", domain);
    put(passkey, "UserVerification", typed(form, "verification"));
}

const KINDS: [(&str, &str, &str); 4] = [
    ("RequireLowercase", "A lower-case letter", ""),
    ("RequireUppercase", "An upper-case letter", ""),
    ("RequireNumbers", "A number", ""),
    ("RequireSymbols", "A symbol", ""),
];

fn password_fields(facts: &Facts) -> Vec<Field> {
    let policy = at(&facts.pool, "Policies.PasswordPolicy");
    vec![
        Field::line_of("number", "length", "Minimum length", text(policy, "MinimumLength"))
            .api("PasswordPolicy.MinimumLength")
            .hint("6 to 99 characters."),
        Field::new("kinds", "Must contain", Input::Checks(choices(&KINDS, |kind| is(policy, kind)))),
        Field::line_of(
            "number",
            "days",
            "Days that a temporary password works",
            text(policy, "TemporaryPasswordValidityDays"),
        )
        .api("PasswordPolicy.TemporaryPasswordValidityDays"),
        Field::line_of(
            "number",
            "history",
            "Earlier passwords that may not be used again",
            text(policy, "PasswordHistorySize"),
        )
        .api("PasswordPolicy.PasswordHistorySize")
        .hint("Empty for none."),
    ]
}

fn password_change(_: &Facts, form: &Pairs, pool: &mut Document) {
    let policy = member(member(pool, "Policies"), "PasswordPolicy");
    put(policy, "MinimumLength", number(form, "length"));
    let wanted = ticked(form, "kinds");
    for (kind, _, _) in KINDS {
        put(policy, kind, wanted.iter().any(|name| name == kind));
    }
    put(policy, "TemporaryPasswordValidityDays", number(form, "days"));
    put(policy, "PasswordHistorySize", number(form, "history"));
}

fn mfa_fields(facts: &Facts) -> Vec<Field> {
    let mfa = &facts.mfa;
    let mode = text(mfa, "MfaConfiguration");
    let block = |name: &str| match name {
        "SOFTWARE_TOKEN" => is(mfa, "SoftwareTokenMfaConfiguration.Enabled"),
        "EMAIL" => at(mfa, "EmailMfaConfiguration").is_object(),
        _ => at(mfa, "SmsMfaConfiguration").is_object(),
    };
    vec![
        Field::new(
            "mode",
            "MFA enforcement",
            Input::Radios(choices(
                &[
                    ("OFF", "No MFA", "One proof is enough."),
                    ("OPTIONAL", "Optional MFA", "People can set it up for themselves."),
                    ("ON", "Require MFA", "Everybody needs it. Codes are no first factor then."),
                ],
                |value| value == mode || mode.is_empty() && value == "OFF",
            )),
        )
        .api("MfaConfiguration"),
        Field::new(
            "methods",
            "MFA methods",
            Input::Checks(choices(
                &[
                    ("SOFTWARE_TOKEN", "Authenticator apps", "Codes that an app on the phone makes."),
                    ("EMAIL", "Email message", "Needs a sender of your own."),
                    ("SMS", "SMS message", ""),
                ],
                block,
            )),
        )
        .api("SoftwareTokenMfaConfiguration"),
    ]
}

fn mfa_change(facts: &Facts, form: &Pairs, mfa: &mut Document) {
    put(mfa, "MfaConfiguration", typed(form, "mode"));
    let wanted = ticked(form, "methods");
    let wants = |name: &str| wanted.iter().any(|each| each == name);
    put(
        mfa,
        "SoftwareTokenMfaConfiguration",
        if wants("SOFTWARE_TOKEN") { json!({ "Enabled": true }) } else { Value::Null },
    );
    for (method, name) in [("EMAIL", "EmailMfaConfiguration"), ("SMS", "SmsMfaConfiguration")] {
        if !wants(method) {
            put(mfa, name, Value::Null);
        } else if !at(mfa, name).is_object() {
            let block = match (method, at(&facts.pool, "SmsConfiguration")) {
                ("SMS", sms) if sms.is_object() => json!({ "SmsConfiguration": sms }),
                _ => Value::Object(Map::new()),
            };
            put(mfa, name, block);
        }
    }
}

fn choice_fields(facts: &Facts) -> Vec<Field> {
    let allowed = |factor: &str| has(&facts.pool, "Policies.SignInPolicy.AllowedFirstAuthFactors", factor);
    vec![
        Field::new(
            "factors",
            "Available choices",
            Input::Checks(choices(
                &[
                    ("PASSWORD", "Password", "What people know."),
                    ("EMAIL_OTP", "Email message one-time password", "A code by mail. Needs a sender."),
                    ("SMS_OTP", "SMS message one-time password", "A code by text message."),
                    ("WEB_AUTHN", "Passkey", "A fingerprint, a face or a screen lock."),
                ],
                allowed,
            )),
        )
        .api("AllowedFirstAuthFactors"),
    ]
}

fn choice_change(_: &Facts, form: &Pairs, pool: &mut Document) {
    let policy = member(member(pool, "Policies"), "SignInPolicy");
    put(policy, "AllowedFirstAuthFactors", ticked(form, "factors"));
}

/// Recovery mechanisms by the word of their choice, in order of priority.
const RECOVERY: [(&str, &str, &[&str]); 5] = [
    ("email", "Email only", &["verified_email"]),
    ("phone", "SMS only", &["verified_phone_number"]),
    ("email-phone", "Email if available, otherwise SMS", &["verified_email", "verified_phone_number"]),
    ("phone-email", "SMS if available, otherwise email", &["verified_phone_number", "verified_email"]),
    ("admin", "None: administrators set passwords", &["admin_only"]),
];

fn recovery_fields(facts: &Facts) -> Vec<Field> {
    let mechanisms = at(&facts.pool, "AccountRecoverySetting.RecoveryMechanisms").as_array();
    let mut names: Vec<(i64, &str)> = mechanisms
        .into_iter()
        .flatten()
        .map(|one| (one["Priority"].as_i64().unwrap_or_default(), one["Name"].as_str().unwrap_or_default()))
        .collect();
    names.sort_unstable();
    let names: Vec<&str> = names.into_iter().map(|(_, name)| name).collect();
    let options = RECOVERY.iter().map(|(word, label, by)| Choice::new(*word, *label, names == *by));
    vec![
        Field::new("recovery", "Recovery message", Input::Radios(options.collect()))
            .api("AccountRecoverySetting"),
    ]
}

fn recovery_change(_: &Facts, form: &Pairs, pool: &mut Document) {
    let Some((_, _, by)) = RECOVERY.iter().find(|(word, _, _)| *word == typed(form, "recovery")) else {
        return;
    };
    let mechanisms: Vec<Value> = (1..)
        .zip(*by)
        .map(|(priority, name): (i64, _)| json!({ "Name": name, "Priority": priority }))
        .collect();
    put(pool, "AccountRecoverySetting", json!({ "RecoveryMechanisms": mechanisms }));
}

const PROVED: [(&str, &str, &str); 2] =
    [("email", "Email address", ""), ("phone_number", "Phone number", "")];

fn sign_up_fields(facts: &Facts) -> Vec<Field> {
    let pool = &facts.pool;
    let updates = "UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate";
    vec![
        Field::check(
            "self",
            "Self-registration",
            "People can create their own accounts",
            !is(pool, "AdminCreateUserConfig.AllowAdminCreateUserOnly"),
        )
        .api("AllowAdminCreateUserOnly"),
        Field::new(
            "verify",
            "Verify by a code",
            Input::Checks(choices(&PROVED, |name| has(pool, "AutoVerifiedAttributes", name))),
        )
        .api("AutoVerifiedAttributes")
        .hint("An account is confirmed once the code came back."),
        Field::new(
            "keep",
            "Keep the old value until the new one is verified",
            Input::Checks(choices(&PROVED, |name| has(pool, updates, name))),
        )
        .api("AttributesRequireVerificationBeforeUpdate"),
    ]
}

fn sign_up_change(_: &Facts, form: &Pairs, pool: &mut Document) {
    let only_admins = typed(form, "self").is_empty();
    put(member(pool, "AdminCreateUserConfig"), "AllowAdminCreateUserOnly", only_admins);
    // The password policy has this setting now; both together contradict.
    put(member(pool, "AdminCreateUserConfig"), "UnusedAccountValidityDays", Value::Null);
    put(pool, "AutoVerifiedAttributes", ticked(form, "verify"));
    put(
        member(pool, "UserAttributeUpdateSettings"),
        "AttributesRequireVerificationBeforeUpdate",
        ticked(form, "keep"),
    );
}

fn general_fields(facts: &Facts) -> Vec<Field> {
    let pool = &facts.pool;
    let tags = at(pool, "UserPoolTags").as_object();
    let tags: Vec<String> = tags
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    let tier = text(pool, "UserPoolTier");
    vec![
        Field::line("name", "Name", text(pool, "Name")).api("PoolName"),
        Field::check(
            "protected",
            "Deletion protection",
            "This pool cannot be deleted",
            text(pool, "DeletionProtection") == "ACTIVE",
        )
        .api("DeletionProtection"),
        Field::new(
            "tier",
            "Feature plan",
            Input::Select(
                [("LITE", "Lite"), ("ESSENTIALS", "Essentials"), ("PLUS", "Plus")]
                    .map(|(value, label)| Choice::new(value, label, value == tier))
                    .into(),
            ),
        )
        .api("UserPoolTier"),
        Field::lines("tags", "Tags", 4, tags.join("\n")).api("UserPoolTags").hint("One name=value a line."),
    ]
}

fn general_change(facts: &Facts, form: &Pairs, pool: &mut Document) {
    if typed(form, "name") != text(&facts.pool, "Name") {
        put(pool, "PoolName", typed(form, "name"));
    }
    let protection = if typed(form, "protected").is_empty() { "INACTIVE" } else { "ACTIVE" };
    put(pool, "DeletionProtection", protection);
    put(pool, "UserPoolTier", typed(form, "tier"));
    let tags = lines(form, "tags").into_iter().map(|line| match line.split_once('=') {
        Some((name, value)) => (name.trim().to_owned(), Value::from(value.trim())),
        None => (line, Value::from("")),
    });
    put(pool, "UserPoolTags", Value::Object(tags.collect()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(name: &str) -> &'static Area {
        AREAS.iter().find(|area| area.name == name).expect("an area")
    }

    fn changed(name: &str, facts: &Facts, form: Pairs, before: Document) -> Document {
        let mut document = before;
        (area(name).change)(facts, &form, &mut document);
        document
    }

    #[test]
    fn the_walk_of_the_story_makes_the_settings_it_should() {
        let facts = Facts {
            identities: vec![("codes@shop.example".to_owned(), true), ("shop.test".to_owned(), false)],
            identity_arn: "arn:aws:ses:us-east-1:1:identity/".to_owned(),
            ..Facts::default()
        };
        let form = Pairs::from([
            ("account", "DEVELOPER"),
            ("identity", "codes@shop.example"),
            ("sender", "Shop, Inc."),
        ]);
        assert_eq!(
            changed("email", &facts, form, json!({})),
            json!({ "EmailConfiguration": {
                "EmailSendingAccount": "DEVELOPER",
                "SourceArn": "arn:aws:ses:us-east-1:1:identity/codes@shop.example",
                "From": "\"Shop, Inc.\" <codes@shop.example>",
            } })
        );
        let form = Pairs::from([("factors", "PASSWORD"), ("factors", "EMAIL_OTP")]);
        let before = json!({ "Policies": { "PasswordPolicy": { "MinimumLength": 8 } } });
        assert_eq!(
            changed("choice", &facts, form, before),
            json!({ "Policies": {
                "PasswordPolicy": { "MinimumLength": 8 },
                "SignInPolicy": { "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] },
            } })
        );
    }

    #[test]
    fn only_verified_identities_are_offered() {
        let identities = vec![("a@shop.example".to_owned(), true), ("shop.test".to_owned(), false)];
        let fields = email_fields(&Facts { identities, ..Facts::default() });
        let Input::Select(choices) = &fields[1].input else { panic!("a list") };
        let names: Vec<&str> = choices.iter().map(|choice| choice.value.as_str()).collect();
        assert_eq!(names, ["", "a@shop.example"]);
    }

    #[test]
    fn a_form_that_changes_nothing_changes_no_setting() {
        let pool = json!({
            "Name": "Shop",
            "DeletionProtection": "ACTIVE",
            "UserPoolTier": "ESSENTIALS",
            "UserPoolTags": { "team": "web" },
        });
        let facts = Facts { pool: pool.clone(), ..Facts::default() };
        let form = Pairs::from([
            ("name", "Shop"),
            ("protected", "yes"),
            ("tier", "ESSENTIALS"),
            ("tags", "team=web"),
        ]);
        assert_eq!(changed("general", &facts, form, pool.clone()), pool);
    }
}
