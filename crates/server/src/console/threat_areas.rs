//! Threat protection, as fields and as settings.

use super::area::{Area, Facts, Saves, choices, has, is, lines, member, prose, put, text, ticked, typed};
use super::desk::{at, texts};
use super::senders::{mailbox, named, senders};
use crate::pages::console::field::{Choice, Field, Input};
use postern_model::Document;
use postern_pools::oauth::pairs::Pairs;
use serde_json::{Value, json};

/// The page that shows them.
pub const PAGE: &str = "/threats";
pub const TITLE: &str = "Threat protection";

/// The areas, in the order in which the page shows them.
pub const AREAS: [Area; 5] = [
    Area {
        name: "threat-mode",
        page: PAGE,
        title: "Enforcement",
        hint: "Whether sign-ins are watched, and whether anything is done about risky ones.",
        saves: Saves::Pool,
        fields: mode_fields,
        change: mode_change,
        saved: "Enforcement saved",
    },
    Area {
        name: "account-takeover",
        page: PAGE,
        title: "Adaptive authentication",
        hint: "What is done about a sign-in that is unlike its user's own: from a new network or device, the more so after many failures.",
        saves: Saves::Risk,
        fields: takeover_fields,
        change: takeover_change,
        saved: "Adaptive authentication saved",
    },
    Area {
        name: "risk-notices",
        page: PAGE,
        title: "Notices to users",
        hint: "Who notices come from, and what they say. Where a level of risk has notices, this is needed.",
        saves: Saves::Risk,
        fields: notice_fields,
        change: notice_change,
        saved: "Notices saved",
    },
    Area {
        name: "compromised-credentials",
        page: PAGE,
        title: "Compromised credentials",
        hint: "Passwords that attackers know.",
        saves: Saves::Risk,
        fields: known_fields,
        change: known_change,
        saved: "Compromised credentials saved",
    },
    Area {
        name: "ip-exceptions",
        page: PAGE,
        title: "IP address exceptions",
        hint: "Addresses that are never let in, and addresses that are never judged.",
        saves: Saves::Risk,
        fields: range_fields,
        change: range_change,
        saved: "IP address exceptions saved",
    },
];

const OFF: &str = "OFF";
const NOTHING: &str = "NO_ACTION";
const TAKEOVER: &str = "AccountTakeoverRiskConfiguration";
const NOTIFY: &str = "NotifyConfiguration";

/// Why a pool cannot watch, where its plan has no threat protection.
pub fn plan_gate(pool: &Document) -> Option<String> {
    let plan = match text(pool, "UserPoolTier").as_str() {
        "PLUS" => return None,
        "LITE" => "Lite",
        _ => "Essentials",
    };
    Some(format!("Threat protection needs the Plus feature plan. This pool is in the {plan} plan."))
}

fn mode_fields(facts: &Facts) -> Vec<Field> {
    let add_ons = at(&facts.pool, "UserPoolAddOns");
    let (mode, custom) = (
        text(add_ons, "AdvancedSecurityMode"),
        text(add_ons, "AdvancedSecurityAdditionalFlows.CustomAuthMode"),
    );
    let mode = if mode.is_empty() { OFF } else { mode.as_str() };
    let modes = [
        (OFF, "Off", "Nothing is remembered and nothing is judged."),
        (
            "AUDIT",
            "Audit only",
            "Sign-ins are remembered for two years and judged; nothing is done about them.",
        ),
        ("ENFORCED", "Full function", "What this page says is done as well."),
    ];
    let customs = [("", "Not judged"), ("AUDIT", "Audit only"), ("ENFORCED", "Full function")];
    vec![
        Field::new("mode", "Enforcement mode", Input::Radios(choices(&modes, |value| value == mode)))
            .api("UserPoolAddOns.AdvancedSecurityMode"),
        Field::new(
            "custom",
            "Custom authentication",
            Input::Select(customs.map(|(value, label)| Choice::new(value, label, value == custom)).into()),
        )
        .api("AdvancedSecurityAdditionalFlows.CustomAuthMode")
        .hint("Sign-ins by challenges of your own functions."),
    ]
}

fn mode_change(_: &Facts, form: &Pairs, pool: &mut Document) {
    let add_ons = member(pool, "UserPoolAddOns");
    put(add_ons, "AdvancedSecurityMode", typed(form, "mode"));
    let flows = match typed(form, "custom") {
        "" => Value::Null,
        custom => json!({ "CustomAuthMode": custom }),
    };
    put(add_ons, "AdvancedSecurityAdditionalFlows", flows);
}

/// Levels of risk: the field, its label, the API's name.
const LEVELS: [(&str, &str, &str); 3] = [
    ("low", "Low risk", "LowAction"),
    ("medium", "Medium risk", "MediumAction"),
    ("high", "High risk", "HighAction"),
];

fn takeover_fields(facts: &Facts) -> Vec<Field> {
    let actions = [
        (NOTHING, "Allow sign-in"),
        ("MFA_IF_CONFIGURED", "Ask for a second factor of those who have one"),
        ("MFA_REQUIRED", "Require a second factor, and block who has none"),
        ("BLOCK", "Block sign-in"),
    ];
    let set = at(&facts.risk, &format!("{TAKEOVER}.Actions")).clone();
    let fields = LEVELS.iter().flat_map(|(name, label, api)| {
        let action = text(&set, &format!("{api}.EventAction"));
        let action = if action.is_empty() { NOTHING } else { action.as_str() };
        let all = actions.map(|(value, label)| Choice::new(value, label, value == action));
        let on = is(&set, &format!("{api}.Notify"));
        [
            Field::new(name, label, Input::Select(all.into())).api(&format!("{api}.EventAction")),
            Field::check(
                &format!("{name}-notify"),
                &format!("{label}: notice"),
                "Tell the user by email",
                on,
            )
            .api(&format!("{api}.Notify")),
        ]
    });
    fields.collect()
}

fn takeover_change(_: &Facts, form: &Pairs, risk: &mut Document) {
    let actions = member(member(risk, TAKEOVER), "Actions");
    for (name, _, api) in LEVELS {
        let notify = !typed(form, &format!("{name}-notify")).is_empty();
        put(actions, api, json!({ "EventAction": typed(form, name), "Notify": notify }));
    }
}

/// Notices: the field, what they are about, the API's name.
const NOTICES: [(&str, &str, &str); 3] = [
    ("block", "Blocked sign-in", "BlockEmail"),
    ("mfa", "Second factor asked for", "MfaEmail"),
    ("allowed", "Allowed sign-in", "NoActionEmail"),
];

fn notice_fields(facts: &Facts) -> Vec<Field> {
    let notify = at(&facts.risk, &format!("{TAKEOVER}.{NOTIFY}"));
    let arn = text(notify, "SourceArn");
    let chosen = arn.split(":identity/").nth(1).unwrap_or_default().to_owned();
    let (name, address) = mailbox(&text(notify, "From"));
    let in_domain = if chosen.contains('@') { String::new() } else { address };
    let mut fields = vec![
        Field::new("identity", "FROM email address", Input::Select(senders(facts, &chosen)))
            .api("NotifyConfiguration.SourceArn")
            .hint("Verified identities are listed. Without one no notices are sent."),
        Field::line_of("email", "address", "Address in that domain", in_domain)
            .api("NotifyConfiguration.From")
            .hint("Only where a domain was chosen, such as no-reply@example.com."),
        Field::line("sender", "FROM sender name", name).hint("Optional. People see it beside the address."),
        Field::line_of("email", "reply", "REPLY-TO email address", text(notify, "ReplyTo"))
            .api("NotifyConfiguration.ReplyTo")
            .hint("Optional."),
    ];
    for (name, label, api) in NOTICES {
        let own = at(notify, api);
        fields.push(
            Field::line(&format!("{name}-subject"), &format!("{label}: subject"), text(own, "Subject"))
                .api(&format!("{api}.Subject"))
                .hint("Empty, and no message either: the server's own words."),
        );
        fields.push(
            Field::lines(&format!("{name}-html"), &format!("{label}: HTML message"), 4, text(own, "HtmlBody"))
                .api(&format!("{api}.HtmlBody"))
                .hint("{username}, {ip-address}, {device-name} and {login-time} are filled in, as are {event-id} and {feedback-token}."),
        );
        fields.push(
            Field::lines(
                &format!("{name}-text"),
                &format!("{label}: text message"),
                4,
                text(own, "TextBody"),
            )
            .api(&format!("{api}.TextBody")),
        );
    }
    fields
}

fn notice_change(facts: &Facts, form: &Pairs, risk: &mut Document) {
    let identity = typed(form, "identity");
    let takeover = member(risk, TAKEOVER);
    member(takeover, "Actions");
    if identity.is_empty() {
        put(takeover, NOTIFY, Value::Null);
        return;
    }
    let notify = member(takeover, NOTIFY);
    let address = if identity.contains('@') { identity } else { typed(form, "address") };
    let from = named(typed(form, "sender"), address);
    put(notify, "SourceArn", format!("{}{identity}", facts.identity_arn));
    put(notify, "From", from);
    put(notify, "ReplyTo", typed(form, "reply"));
    for (name, _, api) in NOTICES {
        let before = at(notify, api).clone();
        let words = |part: &str, member: &str| prose(form, &format!("{name}-{part}"), &text(&before, member));
        let mut own = json!({});
        put(&mut own, "Subject", typed(form, &format!("{name}-subject")));
        put(&mut own, "HtmlBody", words("html", "HtmlBody"));
        put(&mut own, "TextBody", words("text", "TextBody"));
        put(notify, api, if own == json!({}) { Value::Null } else { own });
    }
}

const KNOWN: &str = "CompromisedCredentialsRiskConfiguration";

fn known_fields(facts: &Facts) -> Vec<Field> {
    let known = at(&facts.risk, KNOWN);
    let blocks = text(known, "Actions.EventAction") == "BLOCK";
    let actions = [
        (NOTHING, "Allow sign-in", "The event says so, and nothing is done."),
        ("BLOCK", "Block sign-in", "The user must choose another password, by the way of a forgotten one."),
    ];
    let occasions = [
        ("SIGN_IN", "Sign-in", "Where the password is sent; with SRP it cannot be looked at."),
        ("SIGN_UP", "Sign-up", "Refused in any case."),
        ("PASSWORD_CHANGE", "Password change", "Refused in any case."),
    ];
    let all = texts(known, "EventFilter").is_empty();
    vec![
        Field::new(
            "action",
            "With such a password",
            Input::Radios(choices(&actions, |value| (value == "BLOCK") == blocks)),
        )
        .api("CompromisedCredentialsRiskConfiguration.EventAction"),
        Field::new(
            "events",
            "Occasions",
            Input::Checks(choices(&occasions, |value| all || has(known, "EventFilter", value))),
        )
        .api("CompromisedCredentialsRiskConfiguration.EventFilter"),
    ]
}

fn known_change(_: &Facts, form: &Pairs, risk: &mut Document) {
    let known = member(risk, KNOWN);
    put(known, "Actions", json!({ "EventAction": typed(form, "action") }));
    let occasions = ticked(form, "events");
    put(known, "EventFilter", if occasions.is_empty() { Value::Null } else { json!(occasions) });
}

const RANGES: &str = "RiskExceptionConfiguration";

fn range_fields(facts: &Facts) -> Vec<Field> {
    let set = at(&facts.risk, RANGES);
    let listed = |name: &str| texts(set, name).join("\n");
    vec![
        Field::lines("blocked", "Always-block IP addresses", 4, listed("BlockedIPRangeList"))
            .api("BlockedIPRangeList")
            .hint("One range a line, such as 192.0.2.0/24 or 2001:db8::/32."),
        Field::lines("skipped", "Always-allow IP addresses", 4, listed("SkippedIPRangeList"))
            .api("SkippedIPRangeList")
            .hint("Sign-ins from here are never risky. Passwords are asked for all the same."),
    ]
}

fn range_change(_: &Facts, form: &Pairs, risk: &mut Document) {
    let listed = |name: &str| {
        let ranges = lines(form, name);
        if ranges.is_empty() { Value::Null } else { json!(ranges) }
    };
    let mut set = json!({});
    put(&mut set, "BlockedIPRangeList", listed("blocked"));
    put(&mut set, "SkippedIPRangeList", listed("skipped"));
    put(risk, RANGES, if set == json!({}) { Value::Null } else { set });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(name: &str) -> &'static Area {
        AREAS.iter().find(|area| area.name == name).expect("an area")
    }

    fn changed(name: &str, form: Pairs, before: Document) -> Document {
        let facts = Facts { identity_arn: "arn:identity/".to_owned(), ..Facts::default() };
        let mut document = before;
        (area(name).change)(&facts, &form, &mut document);
        document
    }

    #[test]
    fn each_area_leaves_the_others_alone() {
        let before = json!({
            TAKEOVER: { "Actions": {}, NOTIFY: { "SourceArn": "a" } },
            RANGES: { "BlockedIPRangeList": ["192.0.2.0/24"] },
        });
        let form = Pairs::from([
            ("low", NOTHING),
            ("medium", "MFA_REQUIRED"),
            ("high", "BLOCK"),
            ("high-notify", "yes"),
        ]);
        let does = |action: &str, notify: bool| json!({ "EventAction": action, "Notify": notify });
        assert_eq!(
            changed("account-takeover", form, before.clone()),
            json!({
                TAKEOVER: {
                    "Actions": {
                        "LowAction": does(NOTHING, false), "MediumAction": does("MFA_REQUIRED", false),
                        "HighAction": does("BLOCK", true),
                    },
                    NOTIFY: { "SourceArn": "a" },
                },
                RANGES: { "BlockedIPRangeList": ["192.0.2.0/24"] },
            })
        );
        let none = changed("ip-exceptions", Pairs::from([("blocked", ""), ("skipped", " ")]), before.clone());
        assert_eq!(none, json!({ TAKEOVER: before[TAKEOVER] }));
        let silent = changed("risk-notices", Pairs::from([("identity", "")]), before);
        assert_eq!(silent[TAKEOVER], json!({ "Actions": {} }));
    }

    #[test]
    fn a_notice_without_words_has_the_servers_own() {
        let form = Pairs::from([
            ("identity", "shop.example"),
            ("address", "no-reply@shop.example"),
            ("sender", "Shop"),
            ("block-subject", "Blocked"),
            ("block-text", "{ip-address}"),
        ]);
        assert_eq!(
            changed("risk-notices", form, json!({}))[TAKEOVER][NOTIFY],
            json!({
                "SourceArn": "arn:identity/shop.example", "From": "Shop <no-reply@shop.example>",
                "BlockEmail": { "Subject": "Blocked", "TextBody": "{ip-address}" },
            })
        );
    }

    #[test]
    fn the_plan_is_said_before_it_is_chosen() {
        assert_eq!(plan_gate(&json!({ "UserPoolTier": "PLUS" })), None);
        let lite = plan_gate(&json!({ "UserPoolTier": "LITE" })).expect("words");
        assert!(lite.contains("Plus") && lite.contains("Lite"));
    }
}
