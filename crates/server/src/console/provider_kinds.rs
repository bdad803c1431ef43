//! The types of outside providers, and what is asked of each: the fields of its form, and what of a form its operations take.

use super::area::typed;
use super::desk::{at, lines, text, texts};
use crate::pages::console::field::{Choice, Field, Input};
use crate::pages::console::list::Cell;
use postern_model::Document;
use postern_pools::oauth::pairs::Pairs;
use serde_json::{Map, Value, json};

/// A type of provider, and what is asked of one.
pub struct Kind {
    /// The API's name. A social provider is called so itself.
    pub name: &'static str,
    pub title: &'static str,
    pub hint: &'static str,
    pub details: &'static [Detail],
    /// The scopes that are asked for unless others are typed.
    scopes: &'static str,
    /// Attributes and the claims that fill them, to begin with.
    mapping: &'static str,
}

impl Kind {
    /// A social provider is called like its type, and there is one of each.
    pub fn is_social(&self) -> bool {
        !["OIDC", "SAML"].contains(&self.name)
    }

    /// Its ID tokens say how somebody was authenticated.
    fn has_levels(&self) -> bool {
        self.name == "OIDC"
    }
}

/// A member of `ProviderDetails`: its name in the form and in the API, label, hint.
pub struct Detail {
    field: &'static str,
    pub api: &'static str,
    pub label: &'static str,
    hint: &'static str,
    asked: Asked,
}

#[derive(Clone, Copy)]
enum Asked {
    Line,
    Scopes,
    Secret,
    Method,
    Text,
    /// Said by one word or the other, of which an empty one is left out.
    Tick {
        on: &'static str,
        off: &'static str,
    },
}

const TRUE: Asked = Asked::Tick { on: "true", off: "" };

impl Detail {
    /// Tells whether a value ticks it. Where nothing is said, what is left out stands.
    fn is_on(&self, value: &str) -> bool {
        matches!(self.asked, Asked::Tick { on, off } if value == on || (value.is_empty() && !off.is_empty()))
    }

    /// A value as it is read.
    pub fn shown(&self, value: &str) -> Cell {
        match self.asked {
            Asked::Secret => Cell::words("Set"),
            Asked::Tick { .. } => Cell::words(if self.is_on(value) { "Yes" } else { "No" }),
            _ => Cell::Code(value.to_owned()),
        }
    }
}

const fn detail(
    field: &'static str,
    api: &'static str,
    label: &'static str,
    hint: &'static str,
    asked: Asked,
) -> Detail {
    Detail { field, api, label, hint, asked }
}

const CLIENT: Detail =
    detail("client", "client_id", "Client ID", "As the provider calls this pool.", Asked::Line);
const SECRET: Detail = detail("secret", "client_secret", "Client secret", "", Asked::Secret);
const SCOPES: Detail = detail("scopes", "authorize_scopes", "Authorized scopes", "", Asked::Scopes);
const MAIL: &str = "email=email";
const PUBLISHED: &str =
    "Empty: the one that it publishes. This, the other endpoint and the keys go together.";

pub const KINDS: [Kind; 6] = [
    Kind {
        name: "OIDC",
        title: "OpenID Connect (OIDC)",
        hint: "Any provider that publishes an OpenID configuration: another pool, a company's sign-in.",
        details: &[
            CLIENT,
            SECRET,
            SCOPES,
            detail("issuer", "oidc_issuer", "Issuer URL", "Its address, without /.well-known.", Asked::Line),
            detail("method", "attributes_request_method", "Attributes request method", "", Asked::Method),
            detail(
                "pkce",
                "pkce",
                "Proof key (PKCE)",
                "A code that was caught on its way here is of no use to others.",
                Asked::Tick { on: "true", off: "false" },
            ),
            detail("authorize", "authorize_url", "Authorization endpoint", PUBLISHED, Asked::Line),
            detail("token", "token_url", "Token endpoint", PUBLISHED, Asked::Line),
            detail("keys", "jwks_uri", "Keys (JWKS)", PUBLISHED, Asked::Line),
            detail(
                "attributes",
                "attributes_url",
                "UserInfo endpoint",
                "Empty: the one that it publishes, if any.",
                Asked::Line,
            ),
        ],
        scopes: "openid email profile",
        mapping: MAIL,
    },
    Kind {
        name: "SAML",
        title: "SAML",
        hint: "A company's sign-in that speaks SAML 2.0. Its metadata by address, or as a file's content.",
        details: &[
            detail(
                "metadata-url",
                "MetadataURL",
                "Metadata URL",
                "It is read when this is saved.",
                Asked::Line,
            ),
            detail("metadata", "MetadataFile", "Metadata", "In place of an address.", Asked::Text),
            detail(
                "begins",
                "IDPInit",
                "Sign-in from the provider",
                "Also takes answers that no sign-in here asked for; their RelayState says for which app.",
                TRUE,
            ),
            detail(
                "sign-out",
                "IDPSignout",
                "Sign out together",
                "Signing out here ends the session there, and the other way round. Its metadata must say where.",
                TRUE,
            ),
            detail(
                "signed",
                "RequestSigningAlgorithm",
                "Signed requests",
                "Requests are signed by the pool's key, whose certificate this provider's page shows.",
                Asked::Tick { on: "rsa-sha256", off: "" },
            ),
            detail(
                "encrypted",
                "EncryptedResponses",
                "Encrypted assertions",
                "Takes no others. The certificate to encrypt to is on this provider's page once this is saved.",
                TRUE,
            ),
        ],
        scopes: "",
        mapping: MAIL,
    },
    Kind {
        name: "Google",
        title: "Google",
        hint: "",
        details: &[CLIENT, SECRET, SCOPES],
        scopes: "openid email profile",
        mapping: MAIL,
    },
    Kind {
        name: "SignInWithApple",
        title: "Sign in with Apple",
        hint: "",
        details: &[
            detail("client", "client_id", "Services ID", "", Asked::Line),
            detail("team", "team_id", "Team ID", "", Asked::Line),
            detail("key", "key_id", "Key ID", "", Asked::Line),
            detail("private", "private_key", "Private key", "The content of the .p8 file.", Asked::Secret),
            SCOPES,
        ],
        scopes: "email name",
        mapping: MAIL,
    },
    Kind {
        name: "LoginWithAmazon",
        title: "Login with Amazon",
        hint: "",
        details: &[CLIENT, SECRET, SCOPES],
        scopes: "profile",
        mapping: MAIL,
    },
    Kind {
        name: "Facebook",
        title: "Facebook",
        hint: "",
        details: &[
            detail("client", "client_id", "App ID", "", Asked::Line),
            detail("secret", "client_secret", "App secret", "", Asked::Secret),
            SCOPES,
            detail("version", "api_version", "API version", "Such as v17.0. Optional.", Asked::Line),
        ],
        scopes: "public_profile,email",
        mapping: MAIL,
    },
];

pub fn fields(kind: &Kind, provider: &Document) -> Vec<Field> {
    let is_new = provider.is_null();
    let details = at(provider, "ProviderDetails");
    let mut fields = Vec::new();
    if is_new && !kind.is_social() {
        fields.push(
            Field::line("name", "Provider name", "")
                .api("ProviderName")
                .hint("It stands in the names of the people who come from there, and cannot be changed."),
        );
    }
    for detail in kind.details {
        let now = text(details, detail.api);
        let hint = match detail.asked {
            Asked::Secret if !is_new => "Empty: the one that is there stays.",
            _ => detail.hint,
        };
        let input = match detail.asked {
            Asked::Secret => Input::Secret,
            Asked::Method => {
                Input::Select(["GET", "POST"].map(|method| Choice::new(method, method, method == now)).into())
            }
            Asked::Text => Input::Lines { value: now.to_owned(), rows: 6 },
            Asked::Tick { .. } => Input::Check { on: detail.is_on(now), words: "Yes".to_owned() },
            Asked::Scopes if is_new => line(kind.scopes),
            Asked::Scopes | Asked::Line => line(now),
        };
        let api = format!("ProviderDetails.{}", detail.api);
        let mut field = Field::new(detail.field, detail.label, input).api(&api).hint(hint);
        if matches!(detail.asked, Asked::Secret) {
            field = field.unseen(at(provider, "LastModifiedDate").to_string());
        }
        fields.push(field);
    }
    let mapping = match is_new {
        true => kind.mapping.to_owned(),
        false => pairs(at(provider, "AttributeMapping")),
    };
    fields.push(
        Field::lines("mapping", "Attribute mapping", 4, mapping)
            .api("AttributeMapping")
            .hint("One attribute=claim a line: the user's attribute, and what the provider calls it."),
    );
    if kind.has_levels() {
        fields.push(
            Field::lines("levels", "Levels of authentication", 4, pairs(at(provider, "AcrMapping")))
                .api("AcrMapping")
                .hint(
                    "One level=value a line, Level1 to Level4: what the provider calls it (acr). Empty: what people \
                     prove there counts for no level.",
                ),
        );
    }
    fields.push(
        Field::lines("identifiers", "Identifiers", 2, texts(provider, "IdpIdentifiers").join("\n"))
            .api("IdpIdentifiers")
            .hint("Names by which an app can send people straight there, one a line. Optional."),
    );
    fields
}

fn line(value: impl Into<String>) -> Input {
    Input::Line { value: value.into(), kind: "text", autocomplete: "off" }
}

/// Name and value of each member, a line each.
pub fn pairs(document: &Document) -> String {
    let members = document.as_object().into_iter().flatten();
    let lines = members.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()));
    lines.collect::<Vec<_>>().join("\n")
}

/// What was typed, as the operations take it. A secret that was left out stays as it is.
pub fn asked_for(kind: &Kind, form: &Pairs) -> Document {
    let mut details = Map::new();
    for detail in kind.details {
        let typed = typed(form, detail.field);
        let value = match detail.asked {
            Asked::Tick { off, .. } if typed.is_empty() => off,
            Asked::Tick { on, .. } => on,
            _ => typed,
        };
        if !value.is_empty() {
            details.insert(detail.api.to_owned(), value.into());
        }
    }
    let mut asked = json!({
        "ProviderDetails": details,
        "AttributeMapping": paired(form, "mapping"),
        "IdpIdentifiers": lines(form.first("identifiers").unwrap_or_default()),
    });
    if kind.has_levels() {
        asked["AcrMapping"] = paired(form, "levels").into();
    }
    asked
}

/// The pairs that were typed into a field, one a line.
fn paired(form: &Pairs, field: &str) -> Map<String, Value> {
    let pairs = lines(form.first(field).unwrap_or_default()).into_iter().map(|line| {
        let (name, value) = line.split_once('=').unwrap_or((&line, ""));
        (name.trim().to_owned(), Value::from(value.trim()))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_asks_for_what_the_operation_takes() {
        let kind = &KINDS[0];
        let form = Pairs::from([
            ("client", "c"),
            ("secret", ""),
            ("scopes", "openid"),
            ("mapping", "email=email\ngiven_name = first"),
            ("levels", "Level2=strong"),
        ]);
        assert_eq!(
            asked_for(kind, &form),
            json!({
                "ProviderDetails": { "client_id": "c", "authorize_scopes": "openid", "pkce": "false" },
                "AttributeMapping": { "email": "email", "given_name": "first" },
                "IdpIdentifiers": [],
                "AcrMapping": { "Level2": "strong" },
            })
        );
    }

    /// The form's details, as they were filled in, are what was there.
    #[test]
    fn a_form_that_nobody_touched_changes_nothing() {
        let oidc = json!({
            "client_id": "c", "authorize_scopes": "openid", "oidc_issuer": "https://a.example",
            "attributes_request_method": "POST", "pkce": "false", "authorize_url": "https://a.example/a",
            "token_url": "https://a.example/t", "jwks_uri": "https://a.example/k",
            "attributes_url": "https://a.example/u",
        });
        let saml = json!({
            "MetadataURL": "https://a.example/m", "IDPInit": "true", "IDPSignout": "true",
            "EncryptedResponses": "true", "RequestSigningAlgorithm": "rsa-sha256",
        });
        for (name, details) in [("OIDC", oidc), ("SAML", saml)] {
            let kind = KINDS.iter().find(|kind| kind.name == name).expect("a kind");
            let sent: Pairs = fields(kind, &json!({ "ProviderDetails": details }))
                .into_iter()
                .filter_map(|field| match &field.input {
                    Input::Check { on, .. } => on.then(|| (field.name.clone(), "yes".to_owned())),
                    _ => Some((field.name.clone(), field.words().join("\n"))),
                })
                .collect();
            assert_eq!(asked_for(kind, &sent)["ProviderDetails"], details);
        }
    }

    #[test]
    fn no_secret_is_filled_into_a_form() {
        let provider = json!({ "ProviderDetails": { "client_secret": "s3cret", "private_key": "k3y" } });
        for kind in &KINDS {
            let said: Vec<String> = fields(kind, &provider).iter().flat_map(Field::words).collect();
            assert!(said.iter().all(|words| !words.contains("s3cret") && !words.contains("k3y")), "{said:?}");
        }
    }
}
