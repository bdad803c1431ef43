//! The functions that a pool asks (Lambda triggers), as fields and as settings.

use super::area::{Area, Facts, Saves, member, put, text, typed};
use crate::pages::console::field::{Choice, Field, Input};
use postern_model::Document;
use postern_pools::oauth::pairs::Pairs;
use serde_json::{Value, json};

/// A trigger: its name in the API, its name in the Cognito console, and when it is asked.
pub type Trigger = (&'static str, &'static str, &'static str);

const SIGN_UP: [Trigger; 3] = [
    ("PreSignUp", "Pre sign-up", "Before an account is made. It may refuse it, or confirm it at once."),
    ("PostConfirmation", "Post confirmation", "After an account was confirmed, or a password reset."),
    (
        "UserMigration",
        "Migrate user",
        "When somebody unknown signs in or forgot a password. It may bring the account along.",
    ),
];
const AUTHENTICATION: [Trigger; 2] = [
    ("PreAuthentication", "Pre authentication", "Before somebody is asked for a proof. It may refuse."),
    ("PostAuthentication", "Post authentication", "After somebody has signed in."),
];
const TOKENS: Trigger =
    ("PreTokenGeneration", "Pre token generation", "Before tokens are signed. It may change what they say.");
const CUSTOM: [Trigger; 3] = [
    (
        "DefineAuthChallenge",
        "Define auth challenge",
        "Says which challenge comes next, or that it is enough.",
    ),
    ("CreateAuthChallenge", "Create auth challenge", "Makes the question of a challenge."),
    ("VerifyAuthChallengeResponse", "Verify auth challenge response", "Says whether an answer is right."),
];
const WORDS: [Trigger; 1] =
    [("CustomMessage", "Custom message", "Before a message is sent. It may give it other words.")];
/// Functions that are set with a version.
const SENDERS: [Trigger; 2] = [
    ("CustomEmailSender", "Custom email sender", "Sends mails in place of the email provider."),
    ("CustomSMSSender", "Custom SMS sender", "Sends text messages in place of the SMS provider."),
];

const PAGE: &str = "/extensions";

/// Every trigger, in the order in which the page shows them.
pub fn all() -> impl Iterator<Item = &'static Trigger> {
    let last = AUTHENTICATION.iter().chain([&TOKENS]).chain(&CUSTOM).chain(&WORDS).chain(&SENDERS);
    SIGN_UP.iter().chain(last)
}

/// The areas, in the order in which the page shows them.
pub const AREAS: [Area; 4] = [
    Area {
        name: "sign-up-triggers",
        page: PAGE,
        title: "Sign-up triggers",
        hint: "Functions that are asked when accounts come to be.",
        saves: Saves::Pool,
        fields: |facts| functions(facts, &SIGN_UP),
        change: |_, form, pool| set(form, pool, &SIGN_UP),
        saved: "Sign-up triggers saved",
    },
    Area {
        name: "authentication-triggers",
        page: PAGE,
        title: "Authentication triggers",
        hint: "Functions that are asked when people sign in.",
        saves: Saves::Pool,
        fields: authentication_fields,
        change: authentication_change,
        saved: "Authentication triggers saved",
    },
    Area {
        name: "custom-authentication-triggers",
        page: PAGE,
        title: "Custom authentication triggers",
        hint: "Functions that ask questions of their own, for app clients that allow custom authentication. It takes all three.",
        saves: Saves::Pool,
        fields: |facts| functions(facts, &CUSTOM),
        change: |_, form, pool| set(form, pool, &CUSTOM),
        saved: "Custom authentication triggers saved",
    },
    Area {
        name: "message-triggers",
        page: PAGE,
        title: "Messaging triggers",
        hint: "Functions that word messages, or send them.",
        saves: Saves::Pool,
        fields: message_fields,
        change: message_change,
        saved: "Messaging triggers saved",
    },
];

fn function(name: &str, label: &str, api: &str, arn: String, hint: &str) -> Field {
    Field::line(name, label, arn).api(api).hint(hint)
}

fn functions(facts: &Facts, triggers: &[Trigger]) -> Vec<Field> {
    let field = |(name, label, hint): &Trigger| {
        let way = format!("LambdaConfig.{name}");
        function(name, label, &way, text(&facts.pool, &way), hint)
    };
    triggers.iter().map(field).collect()
}

fn set(form: &Pairs, pool: &mut Document, triggers: &[Trigger]) {
    let config = member(pool, "LambdaConfig");
    for (name, _, _) in triggers {
        put(config, name, typed(form, name));
    }
}

/// Sets a function with its version, or takes it away.
fn set_versioned(config: &mut Document, name: &str, version: &str, arn: &str) {
    let value =
        if arn.is_empty() { Value::Null } else { json!({ "LambdaVersion": version, "LambdaArn": arn }) };
    put(config, name, value);
}

fn authentication_fields(facts: &Facts) -> Vec<Field> {
    let mut fields = functions(facts, &AUTHENTICATION);
    let versioned = text(&facts.pool, "LambdaConfig.PreTokenGenerationConfig.LambdaArn");
    let arn = match versioned.is_empty() {
        true => text(&facts.pool, "LambdaConfig.PreTokenGeneration"),
        false => versioned,
    };
    let version = text(&facts.pool, "LambdaConfig.PreTokenGenerationConfig.LambdaVersion");
    fields.push(function(
        TOKENS.0,
        TOKENS.1,
        "LambdaConfig.PreTokenGenerationConfig.LambdaArn",
        arn,
        TOKENS.2,
    ));
    let versions = [
        ("V1_0", "Basic features: the ID token"),
        ("V2_0", "Basic features and access token customization for people"),
        ("V3_0", "Basic features and access token customization for people and machines"),
    ];
    let chosen = |value: &str| value == version || version.is_empty() && value == "V1_0";
    let versions = versions.map(|(value, label)| Choice::new(value, label, chosen(value)));
    fields.push(
        Field::new("version", "Trigger event version", Input::Select(versions.into()))
            .api("LambdaConfig.PreTokenGenerationConfig.LambdaVersion"),
    );
    fields
}

fn authentication_change(_: &Facts, form: &Pairs, pool: &mut Document) {
    set(form, pool, &AUTHENTICATION);
    let config = member(pool, "LambdaConfig");
    put(config, "PreTokenGeneration", Value::Null);
    set_versioned(
        config,
        "PreTokenGenerationConfig",
        typed(form, "version"),
        typed(form, "PreTokenGeneration"),
    );
}

fn message_fields(facts: &Facts) -> Vec<Field> {
    let mut fields = functions(facts, &WORDS);
    fields.extend(SENDERS.iter().map(|(name, label, hint)| {
        let way = format!("LambdaConfig.{name}.LambdaArn");
        function(name, label, &way, text(&facts.pool, &way), hint)
    }));
    fields.push(
        Field::line("KMSKeyID", "KMS key", text(&facts.pool, "LambdaConfig.KMSKeyID"))
            .api("LambdaConfig.KMSKeyID")
            .hint("The ARN of the key that senders get codes encrypted under. Only they need one."),
    );
    fields
}

fn message_change(_: &Facts, form: &Pairs, pool: &mut Document) {
    set(form, pool, &WORDS);
    let config = member(pool, "LambdaConfig");
    for (name, _, _) in SENDERS {
        set_versioned(config, name, "V1_0", typed(form, name));
    }
    put(config, "KMSKeyID", typed(form, "KMSKeyID"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(name: &str, form: Pairs, before: Document) -> Document {
        let area = AREAS.iter().find(|area| area.name == name).expect("an area");
        let mut document = before;
        (area.change)(&Facts::default(), &form, &mut document);
        document
    }

    #[test]
    fn an_area_sets_its_triggers_and_leaves_the_others() {
        let before =
            json!({ "LambdaConfig": { "PreSignUp": "a", "PreTokenGeneration": "t", "CustomMessage": "m" } });
        let form =
            Pairs::from([("PreTokenGeneration", "t"), ("version", "V2_0"), ("PostAuthentication", "p")]);
        assert_eq!(
            changed("authentication-triggers", form, before),
            json!({ "LambdaConfig": {
                "PreSignUp": "a",
                "CustomMessage": "m",
                "PostAuthentication": "p",
                "PreTokenGenerationConfig": { "LambdaVersion": "V2_0", "LambdaArn": "t" },
            } })
        );
        let senders = json!({ "LambdaConfig": { "CustomEmailSender": { "LambdaVersion": "V1_0", "LambdaArn": "s" }, "KMSKeyID": "k" } });
        assert_eq!(
            changed("message-triggers", Pairs::from([("KMSKeyID", "")]), senders),
            json!({ "LambdaConfig": {} })
        );
    }
}
