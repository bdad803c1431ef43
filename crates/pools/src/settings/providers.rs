//! What may be set on an outside provider of identities: the details that each type must have, may have, and has in any
//! case (API reference, `CreateIdentityProvider`).

use super::invalid;
use crate::auth::saml::Metadata;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_model::Answer;
use postern_model::cognito_idp::{IdentityProviderType, IdentityProviderTypeType, SchemaAttributeType};
use std::collections::BTreeMap;

/// Names by pairs: details of a provider, or attributes and the claims that fill them.
pub type Pairs = BTreeMap<String, String>;

/// Details that the store seals.
pub const SECRETS: [&str; 2] = ["client_secret", "private_key"];
/// The names by which the pool's own users are told from those of providers.
const OWN_USERS: [&str; 2] = ["COGNITO", "Cognito"];
/// The attribute that a provider's name for somebody is mapped to.
pub const USERNAME: &str = "username";
/// Where nothing else is asked for; what Meta's examples ask for.
const FACEBOOK_VERSION: &str = "v17.0";
const LENGTH_MAX: usize = 2048;
/// Bytes of metadata at most.
const METADATA_MAX: usize = 100_000;
/// A SAML provider's name for itself, kept beside its details.
pub const ENTITY_ID: &str = "entity_id";
/// What a SAML provider's metadata says, and not whoever sets it up.
const FROM_METADATA: [&str; 4] =
    ["SSORedirectBindingURI", "SLORedirectBindingURI", "ActiveEncryptionCertificate", ENTITY_ID];

/// What the details of one type of provider are.
struct Rules {
    required: &'static [&'static str],
    optional: &'static [&'static str],
    /// What the type has in any case, whatever is asked for.
    fixed: Vec<(&'static str, String)>,
}

fn rules(kind: IdentityProviderTypeType, details: &Pairs) -> Rules {
    use IdentityProviderTypeType::*;
    const APP: &[&str] = &["client_id", "client_secret", "authorize_scopes"];
    let fixed = |pairs: &[(&'static str, &str)]| pairs.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
    match kind {
        Oidc => Rules {
            required: &["client_id", "authorize_scopes", "oidc_issuer", "attributes_request_method"],
            optional: &["client_secret", "authorize_url", "token_url", "attributes_url", "jwks_uri", "pkce"],
            fixed: fixed(&[("attributes_url_add_attributes", "false")]),
        },
        Google => Rules {
            required: APP,
            optional: &[],
            fixed: fixed(&[
                ("attributes_url", "https://people.googleapis.com/v1/people/me?personFields="),
                ("attributes_url_add_attributes", "true"),
                ("authorize_url", "https://accounts.google.com/o/oauth2/v2/auth"),
                ("oidc_issuer", "https://accounts.google.com"),
                ("token_request_method", "POST"),
                ("token_url", "https://www.googleapis.com/oauth2/v4/token"),
            ]),
        },
        LoginWithAmazon => Rules {
            required: APP,
            optional: &[],
            fixed: fixed(&[
                ("attributes_url", "https://api.amazon.com/user/profile"),
                ("attributes_url_add_attributes", "false"),
                ("authorize_url", "https://www.amazon.com/ap/oa"),
                ("token_request_method", "POST"),
                ("token_url", "https://api.amazon.com/auth/o2/token"),
            ]),
        },
        SignInWithApple => Rules {
            required: &["client_id", "team_id", "key_id", "private_key", "authorize_scopes"],
            optional: &[],
            fixed: fixed(&[
                ("attributes_url_add_attributes", "false"),
                ("authorize_url", "https://appleid.apple.com/auth/authorize"),
                ("oidc_issuer", "https://appleid.apple.com"),
                ("token_request_method", "POST"),
                ("token_url", "https://appleid.apple.com/auth/token"),
            ]),
        },
        Facebook => {
            let version = details.get("api_version").map_or(FACEBOOK_VERSION, String::as_str);
            Rules {
                required: APP,
                optional: &["api_version"],
                fixed: vec![
                    ("attributes_url", format!("https://graph.facebook.com/{version}/me?fields=")),
                    ("attributes_url_add_attributes", "true".to_owned()),
                    ("authorize_url", format!("https://www.facebook.com/{version}/dialog/oauth")),
                    ("token_request_method", "GET".to_owned()),
                    ("token_url", format!("https://graph.facebook.com/{version}/oauth/access_token")),
                ],
            }
        }
        Saml => Rules {
            required: &[],
            optional: &[
                "MetadataURL",
                "MetadataFile",
                "IDPInit",
                "IDPSignout",
                "EncryptedResponses",
                "RequestSigningAlgorithm",
            ],
            fixed: Vec::new(),
        },
    }
}

/// The settings of a provider as they are asked for, with what its type adds to them. What is at its `MetadataURL` was
/// fetched beforehand.
pub fn settled(
    mut asked: IdentityProviderType,
    schema: &[SchemaAttributeType],
    fetched: Option<&str>,
) -> Answer<IdentityProviderType> {
    let Some(kind) = asked.provider_type else { return Err(invalid("ProviderType is missing.")) };
    name(kind, asked.provider_name.as_deref().unwrap_or_default())?;
    let details = settled_details(kind, asked.provider_details.take().unwrap_or_default(), fetched)?;
    asked.provider_details = Some(details);
    let mapping = settled_mapping(kind, asked.attribute_mapping.take().unwrap_or_default(), schema)?;
    asked.attribute_mapping = Some(mapping).filter(|mapping| !mapping.is_empty());
    asked.acr_mapping = settled_levels(kind, asked.acr_mapping.take().unwrap_or_default())?;
    asked.idp_identifiers = asked.idp_identifiers.take().filter(|list| !list.is_empty());
    Ok(asked)
}

/// A social provider is called like its type, and there is one of each.
fn name(kind: IdentityProviderTypeType, name: &str) -> Answer<()> {
    use IdentityProviderTypeType::*;
    let is_social = !matches!(kind, Oidc | Saml);
    if OWN_USERS.contains(&name) || (is_social && name != kind.as_str()) {
        let kind = kind.as_str();
        return Err(invalid(format!("The provider name {name} is not valid for a provider of type {kind}.")));
    }
    Ok(())
}

fn settled_details(
    kind: IdentityProviderTypeType,
    mut details: Pairs,
    fetched: Option<&str>,
) -> Answer<Pairs> {
    if kind == IdentityProviderTypeType::Saml {
        // What the metadata says comes back from those who read it first.
        details.retain(|key, _| !FROM_METADATA.contains(&key.as_str()));
    }
    let Rules { required, optional, fixed } = rules(kind, &details);
    let of_type = kind.as_str();
    let mut settled: Pairs = fixed.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    for (key, value) in details {
        let value = value.trim().to_owned();
        let longest = if key == "MetadataFile" { METADATA_MAX } else { LENGTH_MAX };
        if value.len() > longest {
            return Err(invalid(format!("{key} in ProviderDetails is too long.")));
        }
        if let Some((_, stands)) = fixed.iter().find(|(fixed, _)| *fixed == key) {
            // What the service adds comes back from those who read it first.
            if *stands != value {
                return Err(invalid(format!("{key} of a {of_type} provider is {stands}.")));
            }
        } else if required.contains(&key.as_str()) || optional.contains(&key.as_str()) {
            if !value.is_empty() {
                settled.insert(key, value);
            }
        } else {
            return Err(invalid(format!("{key} is not a key of ProviderDetails of a {of_type} provider.")));
        }
    }
    if let Some(missing) = required.iter().find(|key| !settled.contains_key(**key)) {
        return Err(invalid(format!("ProviderDetails of a {of_type} provider must have {missing}.")));
    }
    match kind {
        IdentityProviderTypeType::Oidc => oidc(&settled)?,
        IdentityProviderTypeType::Facebook => facebook(&settled)?,
        IdentityProviderTypeType::Saml => saml(&mut settled, fetched)?,
        IdentityProviderTypeType::SignInWithApple if apple_key(&settled["private_key"]).is_none() => {
            return Err(invalid("private_key must be a P-256 key in PKCS #8."));
        }
        _ => {}
    }
    Ok(settled)
}

fn oidc(details: &Pairs) -> Answer<()> {
    for key in ["oidc_issuer", "authorize_url", "token_url", "attributes_url", "jwks_uri"] {
        if details.get(key).is_some_and(|url| !is_web_address(url)) {
            return Err(invalid(format!("{key} must be an HTTPS address.")));
        }
    }
    let is =
        |key: &str, values: [&str; 2]| details.get(key).is_none_or(|value| values.contains(&value.as_str()));
    if !is("attributes_request_method", ["GET", "POST"]) {
        return Err(invalid("attributes_request_method must be GET or POST."));
    }
    if !is("pkce", ["true", "false"]) {
        return Err(invalid("pkce must be true or false."));
    }
    if !details["authorize_scopes"].split_whitespace().any(|scope| scope == "openid") {
        return Err(invalid("authorize_scopes must include openid."));
    }
    let given = ["authorize_url", "token_url", "jwks_uri"].iter().filter(|key| details.contains_key(**key));
    if ![0, 3].contains(&given.count()) {
        return Err(invalid("authorize_url, token_url and jwks_uri are given together, or not at all."));
    }
    Ok(())
}

/// Takes from the metadata what is shown of it.
fn saml(details: &mut Pairs, fetched: Option<&str>) -> Answer<()> {
    let text = match (details.get("MetadataFile"), details.get("MetadataURL")) {
        (Some(file), None) => Some(file.as_str()),
        (None, Some(url)) if !is_web_address(url) => {
            return Err(invalid("MetadataURL must be an HTTPS address."));
        }
        (None, Some(_)) => fetched,
        _ => {
            let words = "ProviderDetails of a SAML provider must have either MetadataFile or MetadataURL.";
            return Err(invalid(words));
        }
    };
    for key in ["IDPInit", "IDPSignout", "EncryptedResponses"] {
        if details.get(key).is_some_and(|value| !["true", "false"].contains(&value.as_str())) {
            return Err(invalid(format!("{key} must be true or false.")));
        }
    }
    if details.get("RequestSigningAlgorithm").is_some_and(|algorithm| algorithm != "rsa-sha256") {
        return Err(invalid("RequestSigningAlgorithm must be rsa-sha256."));
    }
    let Some(metadata) = text.and_then(Metadata::read) else {
        return Err(invalid(
            "The metadata must be of an identity provider, with its entityID, a certificate that it signs with, and \
             a SingleSignOnService with the HTTP-Redirect binding.",
        ));
    };
    if !is_web_address(&metadata.sign_in) {
        return Err(invalid("SingleSignOnService must be at an HTTPS address."));
    }
    if metadata.sign_out.as_deref().is_some_and(|sign_out| !is_web_address(sign_out)) {
        return Err(invalid("SingleLogoutService must be at an HTTPS address."));
    }
    if details.get("IDPSignout").is_some_and(|says| says == "true") && metadata.sign_out.is_none() {
        return Err(invalid(
            "IDPSignout needs metadata with a SingleLogoutService with the HTTP-Redirect binding.",
        ));
    }
    details.insert("SSORedirectBindingURI".to_owned(), metadata.sign_in);
    details.extend(metadata.sign_out.map(|sign_out| ("SLORedirectBindingURI".to_owned(), sign_out)));
    details.insert(ENTITY_ID.to_owned(), metadata.entity_id);
    Ok(())
}

fn facebook(details: &Pairs) -> Answer<()> {
    let Some(version) = details.get("api_version") else { return Ok(()) };
    let is_version = version.strip_prefix('v').is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    });
    if is_version { Ok(()) } else { Err(invalid("api_version must be a version such as v17.0.")) }
}

/// Reads a private key as Apple gives it: PKCS #8, in PEM, with or without its first and last line.
pub fn apple_key(text: &str) -> Option<EcdsaKeyPair> {
    let lines = text.replace("\\n", "\n");
    let body: String = lines
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    let der = STANDARD.decode(body).ok()?;
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).ok()
}

/// An address of the web, by TLS unless it is this machine.
pub fn is_web_address(text: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme))
        && super::client::is_absolute_address(text)
}

/// The name under which a type of provider knows somebody: what `username` is mapped to.
pub fn subject_claim(kind: IdentityProviderTypeType) -> Option<&'static str> {
    use IdentityProviderTypeType::*;
    match kind {
        Oidc | Google | SignInWithApple => Some("sub"),
        Facebook => Some("id"),
        LoginWithAmazon => Some("user_id"),
        Saml => None,
    }
}

fn settled_mapping(
    kind: IdentityProviderTypeType,
    mut mapping: Pairs,
    schema: &[SchemaAttributeType],
) -> Answer<Pairs> {
    for (attribute, claim) in &mapping {
        let is_known = schema.iter().any(|known| known.name.as_deref() == Some(attribute));
        if attribute != USERNAME && (!is_known || attribute == "sub") {
            return Err(invalid(format!("Attribute mapping has {attribute}, which is not in the schema.")));
        }
        if claim.is_empty() || claim.chars().count() > LENGTH_MAX {
            return Err(invalid(format!("Attribute mapping of {attribute} names no claim.")));
        }
    }
    let subject = subject_claim(kind);
    match (mapping.get(USERNAME), subject) {
        (Some(claim), Some(subject)) if claim != subject => {
            let of_type = kind.as_str();
            return Err(invalid(format!(
                "username of a {of_type} provider can be mapped to {subject} only."
            )));
        }
        (Some(_), None) => {
            return Err(invalid("username of a SAML provider is the NameID and cannot be mapped."));
        }
        (None, Some(subject)) => {
            mapping.insert(USERNAME.to_owned(), subject.to_owned());
        }
        _ => {}
    }
    Ok(mapping)
}

/// What a provider calls levels of authentication: its ID token has to say it, and each word means one level.
fn settled_levels(kind: IdentityProviderTypeType, mapping: Pairs) -> Answer<Option<Pairs>> {
    if mapping.is_empty() {
        return Ok(None);
    }
    if kind != IdentityProviderTypeType::Oidc {
        return Err(invalid("AcrMapping can be set on OIDC identity providers only."));
    }
    let mut values: Vec<&String> = mapping.values().collect();
    values.sort_unstable();
    values.dedup();
    if values.len() != mapping.len() {
        return Err(invalid("AcrMapping has one value for two levels."));
    }
    Ok(Some(mapping))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::schema;
    use postern_model::Shape;
    use serde_json::{Value, json};

    fn judge(settings: Value) -> Result<Value, String> {
        let schema = schema::created(Vec::new()).expect("a schema");
        let asked = Shape::read(&settings).expect("settings");
        settled(asked, &schema, None)
            .map(|provider| provider.write())
            .map_err(|no| no.to_string().replace("InvalidParameterException: ", ""))
    }

    fn oidc_with(changes: Value) -> Result<Value, String> {
        let mut details = json!({
            "client_id": "c", "client_secret": "s", "authorize_scopes": "openid email",
            "oidc_issuer": "https://id.example.com", "attributes_request_method": "GET",
        });
        for (key, value) in changes.as_object().expect("an object") {
            match value.is_null() {
                true => details.as_object_mut().expect("an object").remove(key),
                false => details.as_object_mut().expect("an object").insert(key.clone(), value.clone()),
            };
        }
        judge(json!({ "ProviderName": "Corp", "ProviderType": "OIDC", "ProviderDetails": details }))
    }

    #[test]
    fn each_type_adds_what_it_has_in_any_case() {
        let google = judge(json!({
            "ProviderName": "Google", "ProviderType": "Google", "AttributeMapping": { "email": "email" },
            "ProviderDetails": { "client_id": "c", "client_secret": "s", "authorize_scopes": "openid email" },
        }))
        .expect("a provider");
        assert_eq!(google["ProviderDetails"]["token_url"], "https://www.googleapis.com/oauth2/v4/token");
        assert_eq!(google["AttributeMapping"], json!({ "email": "email", "username": "sub" }));
        // What was read can be written again.
        assert_eq!(judge(google.clone()), Ok(google));
        let facebook = judge(json!({
            "ProviderName": "Facebook", "ProviderType": "Facebook",
            "ProviderDetails": {
                "client_id": "c", "client_secret": "s", "authorize_scopes": "email", "api_version": "v20.0",
            },
        }))
        .expect("a provider");
        assert_eq!(
            facebook["ProviderDetails"]["token_url"],
            "https://graph.facebook.com/v20.0/oauth/access_token"
        );
        assert_eq!(facebook["AttributeMapping"], json!({ "username": "id" }));
        assert_eq!(
            oidc_with(json!({})).expect("a provider")["AttributeMapping"],
            json!({ "username": "sub" })
        );
    }

    #[test]
    fn details_that_do_not_fit_are_refused_by_name() {
        for (change, words) in [
            (json!({ "client_id": null }), "ProviderDetails of a OIDC provider must have client_id."),
            (json!({ "secret": "x" }), "secret is not a key of ProviderDetails of a OIDC provider."),
            (json!({ "oidc_issuer": "http://id.example.com" }), "oidc_issuer must be an HTTPS address."),
            (json!({ "oidc_issuer": "ftp://id.example.com" }), "oidc_issuer must be an HTTPS address."),
            (json!({ "attributes_request_method": "PUT" }), "attributes_request_method must be GET or POST."),
            (json!({ "authorize_scopes": "email" }), "authorize_scopes must include openid."),
            (
                json!({ "token_url": "https://id.example.com/t" }),
                "authorize_url, token_url and jwks_uri are given together, or not at all.",
            ),
            (
                json!({ "attributes_url_add_attributes": "true" }),
                "attributes_url_add_attributes of a OIDC provider is false.",
            ),
        ] {
            assert_eq!(oidc_with(change).err().as_deref(), Some(words));
        }
        for name in ["COGNITO", "Cognito"] {
            let no = judge(json!({ "ProviderName": name, "ProviderType": "OIDC", "ProviderDetails": {} }));
            assert!(no.expect_err("a refusal").contains("is not valid"));
        }
        let no = judge(json!({ "ProviderName": "Mine", "ProviderType": "Google", "ProviderDetails": {} }));
        assert!(no.expect_err("a refusal").contains("is not valid"));
    }

    #[test]
    fn only_attributes_of_the_schema_are_mapped_and_the_name_is_the_subject() {
        let with = |mapping: Value| {
            judge(json!({
                "ProviderName": "Google", "ProviderType": "Google", "AttributeMapping": mapping,
                "ProviderDetails": { "client_id": "c", "client_secret": "s", "authorize_scopes": "openid" },
            }))
        };
        assert!(with(json!({ "given_name": "given_name" })).is_ok());
        for mapping in [json!({ "custom:x": "x" }), json!({ "sub": "sub" }), json!({ "username": "email" })] {
            assert!(with(mapping.clone()).is_err(), "{mapping}");
        }
    }
}
