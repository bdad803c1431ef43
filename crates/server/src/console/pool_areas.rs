//! The settings of a user pool, area by area, in the words of the Cognito console.

use super::area::{
    Area, Facts, Saves, choices, has, insist, is, leave_off, lines, member, number, put, text, ticked, typed,
};
use super::desk::at;
use super::{message_areas, senders, text_areas};
use crate::pages::console::field::{Choice, Field, Input};
use postern_model::Document;
use postern_pools::oauth::pairs::Pairs;
use serde_json::{Map, Value, json};

/// The areas, in the order in which pages show them.
pub const AREAS: [Area; 13] = [
    senders::EMAIL,
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

fn passkey_change(facts: &Facts, form: &Pairs, mfa: &mut Document) {
    leave_off(mfa);
    let domain = typed(form, "rp");
    if domain.is_empty() {
        let is_asked = typed(form, "verification") == "required";
        if !is_asked && text(&facts.mfa, "WebAuthnConfiguration.RelyingPartyId").is_empty() {
            put(mfa, "WebAuthnConfiguration", Value::Null);
            return;
        }
    }
    let passkey = member(mfa, "WebAuthnConfiguration");
    insist(passkey, "RelyingPartyId", domain);
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
        // Without MFA the block only says the words of codes by which people sign in.
        "EMAIL" => mode != "OFF" && at(mfa, "EmailMfaConfiguration").is_object(),
        _ => at(mfa, "SmsMfaConfiguration").is_object(),
    };
    let block_of_mail = at(mfa, "EmailMfaConfiguration").as_object();
    let hint = if block_of_mail.is_some_and(|block| !block.is_empty()) {
        "With MFA, the words of the sign-in code message are kept only together with Email message."
    } else {
        ""
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
        .api("SoftwareTokenMfaConfiguration")
        .hint(hint),
    ]
}

fn mfa_change(facts: &Facts, form: &Pairs, mfa: &mut Document) {
    put(mfa, "MfaConfiguration", typed(form, "mode"));
    let wanted = ticked(form, "methods");
    let wants = |name: &str| wanted.iter().any(|each| each == name);
    if wanted.is_empty() && typed(form, "mode") == "OFF" {
        leave_off(mfa);
        if mfa.get("MfaConfiguration").is_none() {
            // It was off before: what else the setting says stays.
            return;
        }
    }
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
    put(pool, "AutoVerifiedAttributes", ticked(form, "verify"));
    put(
        member(pool, "UserAttributeUpdateSettings"),
        "AttributesRequireVerificationBeforeUpdate",
        ticked(form, "keep"),
    );
}

/// The tags of a pool: as a line of the form, name, value.
fn tags(pool: &Document) -> Vec<(String, String, Value)> {
    let all = at(pool, "UserPoolTags").as_object().into_iter().flatten();
    all.map(|(name, value)| {
        (format!("{name}={}", value.as_str().unwrap_or_default()), name.clone(), value.clone())
    })
    .collect()
}

fn general_fields(facts: &Facts) -> Vec<Field> {
    let pool = &facts.pool;
    let tags: Vec<String> = tags(pool).into_iter().map(|(line, _, _)| line).collect();
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
        insist(pool, "PoolName", typed(form, "name"));
    }
    let protection = if typed(form, "protected").is_empty() { "INACTIVE" } else { "ACTIVE" };
    put(pool, "DeletionProtection", protection);
    put(pool, "UserPoolTier", typed(form, "tier"));
    let before = tags(&facts.pool);
    let tags = lines(form, "tags").into_iter().map(|line| {
        // A name may hold the sign that ends it here: a line that was there stands for the tag that it was.
        if let Some((_, name, value)) = before.iter().find(|(known, _, _)| *known == line) {
            return (name.clone(), value.clone());
        }
        match line.split_once('=') {
            Some((name, value)) => (name.trim().to_owned(), Value::from(value.trim())),
            None => (line, Value::from("")),
        }
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
    fn a_form_that_changes_nothing_changes_no_setting() {
        let pool = json!({
            "Name": "Shop",
            "DeletionProtection": "ACTIVE",
            "UserPoolTier": "ESSENTIALS",
            "UserPoolTags": { "a=b": "c", "team": "web" },
        });
        let facts = Facts { pool: pool.clone(), ..Facts::default() };
        let form = Pairs::from([
            ("name", "Shop"),
            ("protected", "yes"),
            ("tier", "ESSENTIALS"),
            ("tags", "a=b=c\r\nteam=web"),
        ]);
        assert_eq!(changed("general", &facts, form, pool.clone()), pool);
    }
}
