//! An app client's settings: what a bare client has, and what a pool allows it.

use super::{invalid, not_yet};
use crate::client::{OWN_USERS, lifetimes};
use crate::scopes::STANDARD;
use postern_model::cognito_idp::errors::{InvalidOAuthFlowException, ScopeDoesNotExistException};
use postern_model::cognito_idp::*;
use postern_model::{Answer, refuse};

const REFRESH_VALIDITY_DAYS: i64 = 30;
/// Minutes that a challenge lives.
const SESSION_VALIDITY: i64 = 3;
const ACCESS_S: std::ops::RangeInclusive<i64> = 300..=86_400;
const REFRESH_S: std::ops::RangeInclusive<i64> = 3600..=3650 * 86_400;

/// Only codes and administrators set these.
const VERIFIED_FLAGS: [&str; 2] = ["email_verified", "phone_number_verified"];
/// Schemes that make a browser run or show what the address says.
const SCHEMES_REFUSED: [&str; 5] = ["javascript", "data", "vbscript", "file", "blob"];

/// What a client's settings are judged with.
pub struct Around<'a> {
    pub pool_id: &'a str,
    pub schema: &'a [SchemaAttributeType],
    pub has_secret: bool,
    /// The scopes of the pool's resource servers.
    pub custom_scopes: &'a [String],
    /// The names of the pool's outside providers.
    pub providers: &'a [String],
    /// What the call does, as messages say it: `creating` or `updating`.
    pub doing: &'static str,
}

/// The settings of a client as they are asked for: all that is left out has its default, on an update too.
pub fn settled(mut client: UserPoolClientType, around: &Around<'_>) -> Answer<UserPoolClientType> {
    client.client_secret = None;
    empty_lists_are_absent(&mut client);
    oauth(&client, around)?;
    redirects(&client)?;
    auth_flows(&client)?;
    if client.enable_propagate_additional_user_context_data == Some(true) && !around.has_secret {
        return Err(invalid("EnablePropagateAdditionalUserContextData needs a client secret."));
    }
    not_yet::in_client(&client)?;
    attributes(&client, around)?;
    identity_providers(&client, around)?;
    client.token_validity_units = Some(units(client.token_validity_units.take()));
    if client.refresh_token_validity.is_none_or(|validity| validity == 0) {
        let unit = client.token_validity_units.as_ref().and_then(|units| units.refresh_token);
        client.refresh_token_validity = Some(REFRESH_VALIDITY_DAYS * a_day_in(unit));
    }
    client.allowed_oauth_flows_user_pool_client.get_or_insert(false);
    client.enable_token_revocation.get_or_insert(true);
    client.enable_propagate_additional_user_context_data.get_or_insert(false);
    client.auth_session_validity.get_or_insert(SESSION_VALIDITY);
    let lives = lifetimes(&client);
    let in_range = ACCESS_S.contains(&lives.access_s)
        && ACCESS_S.contains(&lives.id_s)
        && REFRESH_S.contains(&lives.refresh_s)
        && lives.refresh_s >= lives.access_s.max(lives.id_s);
    if !in_range {
        return Err(invalid("Invalid range for token validity."));
    }
    Ok(client)
}

fn a_day_in(unit: Option<TimeUnitsType>) -> i64 {
    match unit {
        Some(TimeUnitsType::Seconds) => 86_400,
        Some(TimeUnitsType::Minutes) => 1_440,
        Some(TimeUnitsType::Hours) => 24,
        _ => 1,
    }
}

/// One unit given brings the others; none stays none.
fn units(asked: Option<TokenValidityUnitsType>) -> TokenValidityUnitsType {
    match asked {
        Some(units) if units != TokenValidityUnitsType::default() => TokenValidityUnitsType {
            access_token: units.access_token.or(Some(TimeUnitsType::Hours)),
            id_token: units.id_token.or(Some(TimeUnitsType::Hours)),
            refresh_token: units.refresh_token.or(Some(TimeUnitsType::Days)),
        },
        _ => TokenValidityUnitsType::default(),
    }
}

fn empty_lists_are_absent(client: &mut UserPoolClientType) {
    for list in [
        &mut client.read_attributes,
        &mut client.write_attributes,
        &mut client.supported_identity_providers,
        &mut client.callback_urls,
        &mut client.logout_urls,
        &mut client.allowed_oauth_scopes,
    ] {
        *list = list.take().filter(|list| !list.is_empty());
    }
    client.explicit_auth_flows = client.explicit_auth_flows.take().filter(|flows| !flows.is_empty());
    client.allowed_oauth_flows = client.allowed_oauth_flows.take().filter(|flows| !flows.is_empty());
}

fn oauth(client: &UserPoolClientType, around: &Around<'_>) -> Answer<()> {
    let flows = client.allowed_oauth_flows.as_deref().unwrap_or_default();
    if flows.contains(&OAuthFlowType::ClientCredentials) {
        if flows.iter().any(|flow| *flow != OAuthFlowType::ClientCredentials) {
            return refuse(
                InvalidOAuthFlowException,
                "client_credentials flow can not be selected along with code flow or implicit flow.",
            );
        }
        if !around.has_secret {
            return refuse(
                InvalidOAuthFlowException,
                "client_credentials flow can not be selected if client does not have a client secret.",
            );
        }
    } else if !flows.is_empty() && client.callback_urls.is_none() {
        return Err(invalid("CallbackURLs are required for the code and implicit flows."));
    }
    for scope in client.allowed_oauth_scopes.iter().flatten() {
        if !STANDARD.contains(&scope.as_str()) && !around.custom_scopes.contains(scope) {
            return refuse(ScopeDoesNotExistException, format!("Invalid scope requested: {scope}"));
        }
    }
    let lacks = flows.is_empty() || client.allowed_oauth_scopes.is_none();
    if client.allowed_oauth_flows_user_pool_client == Some(true) && lacks {
        return refuse(
            InvalidOAuthFlowException,
            "AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth \
             flows.",
        );
    }
    Ok(())
}

fn redirects(client: &UserPoolClientType) -> Answer<()> {
    for url in client.callback_urls.iter().chain(&client.logout_urls).flatten() {
        redirect(url)?;
    }
    match &client.default_redirect_uri {
        Some(url) if !client.callback_urls.iter().flatten().any(|callback| callback == url) => {
            Err(invalid("DefaultRedirectURI must be one of the CallbackURLs."))
        }
        _ => Ok(()),
    }
}

/// An address that a browser is sent back to: absolute, without a fragment, by TLS unless it is this machine
/// (Developer Guide, "App client settings"; RFC 8252 for an app's own schemes).
fn redirect(url: &str) -> Answer<()> {
    let not_absolute = || invalid(format!("{url} is not an absolute address."));
    let (scheme, rest) = url.split_once(':').ok_or_else(not_absolute)?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let scheme = scheme.to_ascii_lowercase();
    if !is_scheme || rest.is_empty() || SCHEMES_REFUSED.contains(&scheme.as_str()) {
        return Err(not_absolute());
    }
    if url.contains(['#', '\\']) || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(invalid(format!("{url} cannot have a fragment, a backslash or a space.")));
    }
    if !["http", "https"].contains(&scheme.as_str()) {
        return Ok(());
    }
    let authority = rest.strip_prefix("//").ok_or_else(not_absolute)?;
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(literal) => literal.split_once(']').map(|(host, _)| host).unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    if host.is_empty() || authority.contains('@') {
        return Err(not_absolute());
    }
    if scheme == "http" && !["localhost", "127.0.0.1", "::1"].contains(&host) {
        return Err(invalid(format!("{url} cannot use the HTTP protocol.")));
    }
    Ok(())
}

/// Tells whether a text is an address that a browser can safely be sent to, or that names something on the web.
pub fn is_absolute_address(text: &str) -> bool {
    redirect(text).is_ok()
}

fn auth_flows(client: &UserPoolClientType) -> Answer<()> {
    let flows = client.explicit_auth_flows.as_deref().unwrap_or_default();
    let of_old = flows.iter().filter(|flow| !flow.as_str().starts_with("ALLOW_")).count();
    if of_old > 0 && of_old < flows.len() {
        return Err(invalid(
            "ExplicitAuthFlows cannot mix names that begin with ALLOW_ with names that do not.",
        ));
    }
    let rotates = client.refresh_token_rotation.as_ref();
    if rotates.is_some_and(|rotation| rotation.feature == FeatureType::Enabled)
        && flows.contains(&ExplicitAuthFlowsType::AllowRefreshTokenAuth)
    {
        return Err(invalid(
            "Refresh token rotation cannot be enabled together with ALLOW_REFRESH_TOKEN_AUTH.",
        ));
    }
    Ok(())
}

fn attributes(client: &UserPoolClientType, around: &Around<'_>) -> Answer<()> {
    let in_schema = |name: &str| {
        // What only developers see, no client sees.
        !name.starts_with("dev:") && around.schema.iter().any(|known| known.name.as_deref() == Some(name))
    };
    if client.read_attributes.iter().flatten().any(|name| !in_schema(name)) {
        let words = format!("Invalid read attributes specified while {} a client", around.doing);
        return Err(invalid(words));
    }
    if let Some(writable) = &client.write_attributes {
        let may_be =
            |name: &String| in_schema(name) && name != "sub" && !VERIFIED_FLAGS.contains(&name.as_str());
        let mut required = around
            .schema
            .iter()
            .filter(|known| known.required == Some(true))
            .filter_map(|known| known.name.as_ref())
            .filter(|name| *name != "sub");
        if !writable.iter().all(may_be) || !required.all(|name| writable.contains(name)) {
            let words = format!("Invalid write attributes specified while {} a client", around.doing);
            return Err(invalid(words));
        }
    }
    Ok(())
}

fn identity_providers(client: &UserPoolClientType, around: &Around<'_>) -> Answer<()> {
    let is_known = |name: &String| name == OWN_USERS || around.providers.contains(name);
    match client.supported_identity_providers.iter().flatten().find(|name| !is_known(name)) {
        Some(name) => {
            Err(invalid(format!("The provider {name} does not exist for User Pool {}.", around.pool_id)))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::schema;
    use postern_model::{Document, Shape};
    use serde_json::json;

    fn judge(settings: Document, has_secret: bool) -> Answer<UserPoolClientType> {
        let asked = json!([
            {"Name": "email", "Required": true}, {"Name": "plan", "AttributeDataType": "String"},
            {"Name": "note", "AttributeDataType": "String", "DeveloperOnlyAttribute": true},
        ]);
        let schema = schema::created(Shape::read(&asked).expect("a schema")).expect("a schema");
        let around = Around {
            pool_id: "us-east-1_a",
            schema: &schema,
            has_secret,
            custom_scopes: &["api/read".to_owned()],
            providers: &["Google".to_owned()],
            doing: "creating",
        };
        settled(Shape::read(&settings).expect("settings"), &around)
    }

    fn shown(settings: Document) -> Document {
        judge(settings, false).expect("a client").write()
    }

    fn refused(settings: Document) -> String {
        let error = judge(settings, false).expect_err("a refusal");
        error.to_string().replace("InvalidParameterException: ", "")
    }

    #[test]
    fn a_bare_client_has_the_documented_defaults_and_no_lists() {
        let bare = json!({
            "RefreshTokenValidity": 30, "TokenValidityUnits": {}, "AllowedOAuthFlowsUserPoolClient": false,
            "EnableTokenRevocation": true, "EnablePropagateAdditionalUserContextData": false,
            "AuthSessionValidity": 3,
        });
        assert_eq!(shown(json!({})), bare);
        let empty = json!({
            "ExplicitAuthFlows": [], "ReadAttributes": [], "WriteAttributes": [], "CallbackURLs": [],
            "LogoutURLs": [], "AllowedOAuthFlows": [], "AllowedOAuthScopes": [],
            "SupportedIdentityProviders": [], "RefreshTokenValidity": 0, "TokenValidityUnits": {},
        });
        assert_eq!(shown(empty), bare);
    }

    #[test]
    fn a_refresh_token_lives_thirty_days_where_nothing_is_said_in_whatever_unit() {
        for (unit, validity) in [("seconds", 2_592_000), ("minutes", 43_200), ("hours", 720), ("days", 30)] {
            let units = json!({ "RefreshToken": unit });
            for said in [
                json!({ "TokenValidityUnits": units }),
                json!({ "RefreshTokenValidity": 0, "TokenValidityUnits": units }),
            ] {
                let client = shown(said);
                assert_eq!(client["RefreshTokenValidity"], json!(validity));
                assert_eq!(client["TokenValidityUnits"]["RefreshToken"], json!(unit));
            }
        }
    }

    #[test]
    fn one_unit_brings_the_others() {
        let client =
            shown(json!({"AccessTokenValidity": 10, "TokenValidityUnits": {"AccessToken": "minutes"}}));
        assert_eq!(
            client["TokenValidityUnits"],
            json!({"AccessToken": "minutes", "IdToken": "hours", "RefreshToken": "days"})
        );
        assert_eq!(client["AccessTokenValidity"], json!(10));
        assert_eq!(client.get("IdTokenValidity"), None);
    }

    #[test]
    fn token_lifetimes_have_their_ranges_in_any_unit() {
        let with = |token: &str, amount: i64, unit: &str| {
            let (validity, name) = (format!("{token}Validity"), token);
            judge(json!({validity: amount, "TokenValidityUnits": {name: unit}}), false)
        };
        for (token, amount, unit, fits) in [
            ("AccessToken", 5, "minutes", true),
            ("AccessToken", 299, "seconds", false),
            ("AccessToken", 24, "hours", true),
            ("AccessToken", 2, "days", false),
            ("IdToken", 300, "seconds", true),
            ("IdToken", 25, "hours", false),
            ("RefreshToken", 60, "minutes", true),
            ("RefreshToken", 59, "minutes", false),
            ("RefreshToken", 3650, "days", true),
            ("RefreshToken", 3651, "days", false),
        ] {
            let answer = with(token, amount, unit);
            assert_eq!(answer.is_ok(), fits, "{token} {amount} {unit}");
        }
        let shorter_than_access = json!({
            "AccessTokenValidity": 2, "RefreshTokenValidity": 1,
            "TokenValidityUnits": {"RefreshToken": "hours"},
        });
        assert_eq!(refused(shorter_than_access), "Invalid range for token validity.");
    }

    #[test]
    fn a_client_for_sign_in_on_the_pages_is_taken_as_given() {
        let given = json!({
            "ExplicitAuthFlows": ["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            "CallbackURLs": ["https://shop.example/back?x=1", "http://localhost:3000/", "com.shop.app:/back"],
            "LogoutURLs": ["http://127.0.0.1:9320/demo"],
            "DefaultRedirectURI": "http://localhost:3000/",
            "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": ["code"],
            "AllowedOAuthScopes": ["openid", "email"], "SupportedIdentityProviders": ["COGNITO"],
            "ReadAttributes": ["email", "email_verified", "custom:plan"],
            "WriteAttributes": ["email", "custom:plan"],
            "PreventUserExistenceErrors": "ENABLED",
        });
        let client = shown(given.clone());
        for (name, value) in given.as_object().expect("a structure") {
            assert_eq!(&client[name], value);
        }
    }

    #[test]
    fn wrong_settings_are_refused_in_the_services_words() {
        let back = json!(["https://a.test/"]);
        for (settings, words) in [
            (
                json!({"AllowedOAuthFlows": ["client_credentials", "code"]}),
                "InvalidOAuthFlowException: client_credentials flow can not be selected along with code flow or \
                 implicit flow.",
            ),
            (
                json!({"AllowedOAuthFlows": ["client_credentials"]}),
                "InvalidOAuthFlowException: client_credentials flow can not be selected if client does not have \
                 a client secret.",
            ),
            (
                json!({"AllowedOAuthFlows": ["code", "implicit"]}),
                "CallbackURLs are required for the code and implicit flows.",
            ),
            (
                json!({"AllowedOAuthFlowsUserPoolClient": true}),
                "InvalidOAuthFlowException: AllowedOAuthFlows and AllowedOAuthScopes are required if user pool \
                 client is allowed to use OAuth flows.",
            ),
            (
                json!({"AllowedOAuthScopes": ["openid", "shop/read"]}),
                "ScopeDoesNotExistException: Invalid scope requested: shop/read",
            ),
            (
                json!({"DefaultRedirectURI": "https://a.test/x", "CallbackURLs": back}),
                "DefaultRedirectURI must be one of the CallbackURLs.",
            ),
            (
                json!({"SupportedIdentityProviders": ["COGNITO", "Facebook"]}),
                "The provider Facebook does not exist for User Pool us-east-1_a.",
            ),
            (
                json!({"ReadAttributes": ["custom:none"]}),
                "Invalid read attributes specified while creating a client",
            ),
            (
                json!({"ReadAttributes": ["dev:custom:note"]}),
                "Invalid read attributes specified while creating a client",
            ),
            (
                json!({"WriteAttributes": ["email", "email_verified"]}),
                "Invalid write attributes specified while creating a client",
            ),
            (
                json!({"WriteAttributes": ["custom:plan"]}),
                "Invalid write attributes specified while creating a client",
            ),
            (
                json!({"ExplicitAuthFlows": ["ALLOW_USER_AUTH", "USER_PASSWORD_AUTH"]}),
                "ExplicitAuthFlows cannot mix names that begin with ALLOW_ with names that do not.",
            ),
            (
                json!({
                    "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
                    "RefreshTokenRotation": {"Feature": "ENABLED"},
                }),
                "Refresh token rotation cannot be enabled together with ALLOW_REFRESH_TOKEN_AUTH.",
            ),
            (
                json!({"EnablePropagateAdditionalUserContextData": true}),
                "EnablePropagateAdditionalUserContextData needs a client secret.",
            ),
        ] {
            assert_eq!(refused(settings), words);
        }
        assert!(judge(json!({"AllowedOAuthFlows": ["client_credentials"]}), true).is_ok());
    }

    #[test]
    fn an_address_to_come_back_to_is_absolute_and_safe() {
        for (url, taken) in [
            ("https://a.test", true),
            ("http://[::1]:8080/x", true),
            ("myapp://callback", true),
            ("http://a.test/", false),
            ("http://localhost.evil.test/", false),
            ("https://user@a.test/", false),
            ("https://a.test/#x", false),
            ("https:a.test", false),
            ("https://", false),
            ("//a.test", false),
            ("/back", false),
            ("javascript:alert(1)", false),
            ("JavaScript:alert(1)", false),
            ("data:text/html,x", false),
            ("https:\\\\a.test", false),
        ] {
            assert_eq!(redirect(url).is_ok(), taken, "{url}");
        }
        let error = redirect("http://a.test/").expect_err("a refusal").to_string();
        assert_eq!(error, "InvalidParameterException: http://a.test/ cannot use the HTTP protocol.");
    }
}
