//! The settings of an app client, area by area: flows as plain sentences, addresses, how long tokens live.

use super::area::{Area, Facts, Saves, choices, has, insist, is, lines, number, put, text, ticked, typed};
use super::desk::{at, texts};
use crate::pages::console::field::{Choice, Field, Input};
use postern_model::Document;
use postern_pools::oauth::pairs::Pairs;
use serde_json::{Value, json};

pub const AREAS: [Area; 3] = [
    Area {
        name: "client",
        page: "/clients",
        title: "App client information",
        hint: "How apps may sign people in through this client.",
        saves: Saves::Client,
        fields: client_fields,
        change: client_change,
        saved: "App client saved",
    },
    Area {
        name: "pages",
        page: "/clients",
        title: "Managed login pages",
        hint: "Where the sign-in pages send people back to, and what the app may ask for.",
        saves: Saves::Client,
        fields: pages_fields,
        change: pages_change,
        saved: "Managed login pages saved",
    },
    Area {
        name: "tokens",
        page: "/clients",
        title: "Sessions and tokens",
        hint: "How long things last.",
        saves: Saves::Client,
        fields: token_fields,
        change: token_change,
        saved: "Sessions and tokens saved",
    },
];

/// Flows as sentences.
pub const FLOWS: [(&str, &str, &str); 6] = [
    (
        "ALLOW_USER_AUTH",
        "Choice-based sign-in (ALLOW_USER_AUTH)",
        "People choose how: a code by email, a passkey, a password. The app asks which ways there are.",
    ),
    (
        "ALLOW_USER_SRP_AUTH",
        "Secure remote password (ALLOW_USER_SRP_AUTH)",
        "The app proves a password without sending it.",
    ),
    (
        "ALLOW_USER_PASSWORD_AUTH",
        "Username and password (ALLOW_USER_PASSWORD_AUTH)",
        "The app sends the password. For migrating users and for tests.",
    ),
    (
        "ALLOW_ADMIN_USER_PASSWORD_AUTH",
        "Server-side administrative sign-in (ALLOW_ADMIN_USER_PASSWORD_AUTH)",
        "A server with administrator's keys sends the password.",
    ),
    (
        "ALLOW_CUSTOM_AUTH",
        "Sign-in by your own challenges (ALLOW_CUSTOM_AUTH)",
        "Your triggers decide what is asked.",
    ),
    (
        "ALLOW_REFRESH_TOKEN_AUTH",
        "New tokens from refresh tokens (ALLOW_REFRESH_TOKEN_AUTH)",
        "People stay signed in until the refresh token ends.",
    ),
];

fn client_fields(facts: &Facts) -> Vec<Field> {
    let client = &facts.client;
    vec![
        Field::line("name", "App client name", text(client, "ClientName")).api("ClientName"),
        Field::new(
            "flows",
            "Authentication flows",
            Input::Checks(choices(&FLOWS, |flow| has(client, "ExplicitAuthFlows", flow))),
        )
        .api("ExplicitAuthFlows"),
        Field::check(
            "hide",
            "Prevent user existence errors",
            "Answers never tell whether an account exists",
            text(client, "PreventUserExistenceErrors") != "LEGACY",
        )
        .api("PreventUserExistenceErrors"),
    ]
}

fn client_change(facts: &Facts, form: &Pairs, client: &mut Document) {
    insist(client, "ClientName", typed(form, "name"));
    let mut flows = ticked(form, "flows");
    // Flows that have no sentence here stay.
    let known = |flow: &String| FLOWS.iter().any(|(name, _, _)| name == flow);
    flows.extend(texts(&facts.client, "ExplicitAuthFlows").into_iter().filter(|flow| !known(flow)));
    put(client, "ExplicitAuthFlows", flows);
    let hides = if typed(form, "hide").is_empty() { "LEGACY" } else { "ENABLED" };
    put(client, "PreventUserExistenceErrors", hides);
}

const SCOPES: [(&str, &str, &str); 5] = [
    ("openid", "openid", "Who signed in."),
    ("email", "email", "Their email address."),
    ("phone", "phone", "Their phone number."),
    ("profile", "profile", "Their other attributes."),
    (
        "aws.cognito.signin.user.admin",
        "aws.cognito.signin.user.admin",
        "Changing their own account by the API.",
    ),
];

fn pages_fields(facts: &Facts) -> Vec<Field> {
    let client = &facts.client;
    let list = |name: &str| texts(client, name).join("\n");
    let own_scopes: Vec<String> = texts(client, "AllowedOAuthScopes")
        .into_iter()
        .filter(|scope| SCOPES.iter().all(|(name, _, _)| name != scope))
        .collect();
    vec![
        Field::lines("callbacks", "Allowed callback URLs", 4, list("CallbackURLs"))
            .api("CallbackURLs")
            .hint("One a line. The app must send exactly one of these: scheme, port and slash included."),
        Field::lines("logouts", "Allowed sign-out URLs", 3, list("LogoutURLs"))
            .api("LogoutURLs")
            .hint("One a line. Optional."),
        Field::new(
            "grants",
            "OAuth 2.0 grant types",
            Input::Checks(choices(
                &[
                    ("code", "Authorization code grant", "The way for apps with people in front of them."),
                    ("implicit", "Implicit grant", "Tokens in the address. For old apps only."),
                    ("client_credentials", "Client credentials", "For machines; needs a client secret."),
                ],
                |flow| has(client, "AllowedOAuthFlows", flow),
            )),
        )
        .api("AllowedOAuthFlows"),
        Field::new(
            "scopes",
            "OpenID Connect scopes",
            Input::Checks(choices(&SCOPES, |scope| has(client, "AllowedOAuthScopes", scope))),
        )
        .api("AllowedOAuthScopes"),
        Field::lines("custom", "Custom scopes", 2, own_scopes.join("\n"))
            .hint("One a line, as resource-server/scope. Optional."),
        Field::new(
            "providers",
            "Identity providers",
            Input::Checks(
                [("COGNITO", "Users of this pool")]
                    .into_iter()
                    .chain(facts.providers.iter().map(|name| (name.as_str(), name.as_str())))
                    .map(|(name, label)| {
                        Choice::new(name, label, has(client, "SupportedIdentityProviders", name))
                    })
                    .collect(),
            ),
        )
        .api("SupportedIdentityProviders"),
    ]
}

fn pages_change(facts: &Facts, form: &Pairs, client: &mut Document) {
    put(client, "CallbackURLs", lines(form, "callbacks"));
    put(client, "LogoutURLs", lines(form, "logouts"));
    let grants = ticked(form, "grants");
    put(client, "AllowedOAuthFlowsUserPoolClient", !grants.is_empty());
    put(client, "AllowedOAuthFlows", grants);
    let mut scopes = ticked(form, "scopes");
    scopes.extend(lines(form, "custom"));
    put(client, "AllowedOAuthScopes", scopes);
    let mut providers = ticked(form, "providers");
    // One that was not there to choose stays as it is.
    let others = texts(&facts.client, "SupportedIdentityProviders");
    providers.extend(others.into_iter().filter(|name| name != "COGNITO" && !facts.providers.contains(name)));
    put(client, "SupportedIdentityProviders", providers);
    let default = text(&facts.client, "DefaultRedirectURI");
    if !lines(form, "callbacks").contains(&default) {
        put(client, "DefaultRedirectURI", Value::Null);
    }
}

const UNITS: [(&str, &str); 4] =
    [("seconds", "seconds"), ("minutes", "minutes"), ("hours", "hours"), ("days", "days")];

/// A token, its member, its default unit, and what it is called.
const TOKENS: [(&str, &str, &str, &str); 3] = [
    ("RefreshToken", "RefreshTokenValidity", "days", "Refresh token"),
    ("AccessToken", "AccessTokenValidity", "hours", "Access token"),
    ("IdToken", "IdTokenValidity", "hours", "ID token"),
];

fn token_fields(facts: &Facts) -> Vec<Field> {
    let client = &facts.client;
    let mut fields = vec![
        Field::line_of(
            "number",
            "session",
            "Minutes to finish a sign-in",
            text(client, "AuthSessionValidity"),
        )
        .api("AuthSessionValidity")
        .hint("A code works as long: 3 to 15 minutes."),
    ];
    for (token, member, unit, label) in TOKENS {
        let chosen = text(client, &format!("TokenValidityUnits.{token}"));
        let chosen = if chosen.is_empty() { unit.to_owned() } else { chosen };
        let units = UNITS.map(|(value, label)| Choice::new(value, label, value == chosen));
        fields.push(
            Field::line_of("number", member, &format!("{label} lasts"), text(client, member))
                .api(member)
                .hint("Empty: the default."),
        );
        let name = format!("{token}-unit");
        fields.push(Field::new(&name, &format!("{label}: unit"), Input::Select(units.into())));
    }
    fields.push(
        Field::check(
            "revoke",
            "Token revocation",
            "Refresh tokens can be revoked, and what came of them with them",
            is(client, "EnableTokenRevocation"),
        )
        .api("EnableTokenRevocation"),
    );
    let rotates = text(client, "RefreshTokenRotation.Feature") == "ENABLED";
    fields.push(
        Field::check("rotate", "Refresh token rotation", "Each use gives a new refresh token", rotates)
            .api("RefreshTokenRotation")
            .hint("Not together with ALLOW_REFRESH_TOKEN_AUTH."),
    );
    fields
}

fn token_change(facts: &Facts, form: &Pairs, client: &mut Document) {
    put(client, "AuthSessionValidity", number(form, "session"));
    let mut units = serde_json::Map::new();
    for (token, member, _, _) in TOKENS {
        put(client, member, number(form, member));
        if !typed(form, member).is_empty() {
            units.insert(token.to_owned(), typed(form, &format!("{token}-unit")).into());
        }
    }
    let had_units = at(&facts.client, "TokenValidityUnits").as_object().is_some_and(|had| !had.is_empty());
    let has_default = units
        .iter()
        .all(|(token, unit)| TOKENS.iter().any(|(name, _, default, _)| name == token && unit == default));
    let units = if has_default && !had_units { Value::Null } else { Value::Object(units) };
    put(client, "TokenValidityUnits", units);
    put(client, "EnableTokenRevocation", !typed(form, "revoke").is_empty());
    let before = at(&facts.client, "RefreshTokenRotation");
    put(
        client,
        "RefreshTokenRotation",
        match (typed(form, "rotate").is_empty(), before.is_object()) {
            (true, false) => Value::Null,
            (true, true) => json!({ "Feature": "DISABLED" }),
            (false, true) if before["Feature"] == "ENABLED" => before.clone(),
            (false, _) => json!({ "Feature": "ENABLED", "RetryGracePeriodSeconds": 0 }),
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_without_a_sentence_are_kept() {
        let client = json!({ "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_OTHER"] });
        let facts = Facts { client: client.clone(), ..Facts::default() };
        let form = Pairs::from([("name", "Web"), ("flows", "ALLOW_REFRESH_TOKEN_AUTH"), ("hide", "yes")]);
        let mut changed = client;
        client_change(&facts, &form, &mut changed);
        assert_eq!(changed["ExplicitAuthFlows"], json!(["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_OTHER"]));
        assert_eq!(changed["PreventUserExistenceErrors"], "ENABLED");
    }

    #[test]
    fn addresses_are_one_a_line() {
        let form = Pairs::from([
            ("callbacks", " https://a.example/x \r\n\r\nhttp://localhost:3000\n"),
            ("grants", "code"),
            ("scopes", "openid"),
            ("custom", "api/read"),
            ("providers", "COGNITO"),
        ]);
        let mut client = json!({ "DefaultRedirectURI": "https://gone.example" });
        pages_change(&Facts { client: client.clone(), ..Facts::default() }, &form, &mut client);
        assert_eq!(client["CallbackURLs"], json!(["https://a.example/x", "http://localhost:3000"]));
        assert_eq!(client["AllowedOAuthScopes"], json!(["openid", "api/read"]));
        assert_eq!(client["AllowedOAuthFlowsUserPoolClient"], json!(true));
        assert_eq!(client.get("DefaultRedirectURI"), None);
    }
}
