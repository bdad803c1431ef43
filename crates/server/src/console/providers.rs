//! Outside providers of identities: the list, a new one of each type, one with its settings, the end.

use super::area::typed;
use super::desk::{Answered, Change, Desk, Stopped, at, items, lines, text};
use super::menu::Place;
use super::pools::{base, time};
use super::{asked_for_name, deletion};
use crate::pages::console::field::{Choice, Field, Input};
use crate::pages::console::form::Form;
use crate::pages::console::list::{Cell, Table};
use crate::pages::console::parts::{Button, Buttons, Fact, Facts};
use crate::pages::console::{Block as _, part};
use axum::extract::Path;
use postern_model::cognito_idp::errors::InvalidParameterException;
use postern_model::{Document, Service, refusal};
use postern_pools::oauth::pairs::Pairs;
use postern_pools::settings::providers::SECRETS;
use serde_json::{Map, Value, json};

const PAGE: &str = "/providers";
const TITLE: &str = "Social and external providers";

/// A type of provider, and what is asked of one.
struct Kind {
    /// The API's name. A social provider is called so itself.
    name: &'static str,
    title: &'static str,
    hint: &'static str,
    details: &'static [Detail],
    /// The scopes that are asked for unless others are typed.
    scopes: &'static str,
    /// Attributes and the claims that fill them, to begin with.
    mapping: &'static str,
}

impl Kind {
    /// A social provider is called like its type, and there is one of each.
    fn is_social(&self) -> bool {
        !["OIDC", "SAML"].contains(&self.name)
    }
}

/// A member of `ProviderDetails`: its name in the form and in the API, label, hint.
struct Detail {
    field: &'static str,
    api: &'static str,
    label: &'static str,
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

const KINDS: [Kind; 6] = [
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
        ],
        scopes: "",
        mapping: "email=email",
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

fn list_of(pool_id: &str) -> String {
    format!("{}{PAGE}", base(pool_id))
}

fn page_of(pool_id: &str, name: &str) -> String {
    format!("{}/{}", list_of(pool_id), part(name))
}

fn title_of(kind: &str) -> String {
    KINDS.iter().find(|each| each.name == kind).map_or(kind, |each| each.title).to_owned()
}

fn in_pool<'a>(pool_id: &'a str, pool: &'a Document, above: &'a str, above_name: &'a str) -> Place<'a> {
    Place::InPool { id: pool_id, name: text(pool, "Name"), page: PAGE, above, above_name }
}

/// `GET …/providers`
pub async fn list(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let here = list_of(&pool_id);
    let input = desk.at_page("NextToken", json!({ "UserPoolId": pool_id, "MaxResults": 50 }));
    let answer = desk.pools("ListIdentityProviders", input).await?;
    let rows = items(&answer, "Providers").iter().map(|provider| {
        let name = text(provider, "ProviderName");
        vec![
            Cell::link(page_of(&pool_id, name), name),
            Cell::words(title_of(text(provider, "ProviderType"))),
            time(provider, "LastModifiedDate"),
        ]
    });
    let mut table = Table::new("Identity providers", vec!["Provider", "Type", "Changed"], rows.collect())
        .or_empty(
            "People can sign in with an account that they have elsewhere, such as at Google or at their company.",
            Some((format!("{here}/new"), "Add identity provider")),
            &format!("aws cognito-idp create-identity-provider --user-pool-id {pool_id} …"),
        );
    desk.turn_pages(&mut table, &here, &answer["NextToken"]);
    let mut blocks = vec![table.html()];
    if !table.rows.is_empty() {
        let button = Button::link(format!("{here}/new"), "Add identity provider").main();
        blocks.insert(0, Buttons { csrf: desk.csrf(), buttons: vec![button] }.html());
    }
    let lead = "A provider's button stands on the sign-in pages of the app clients that list it.";
    let place = Place::Pool { id: &pool_id, name: text(&pool, "Name"), page: PAGE };
    desk.show(&place, TITLE, lead, blocks)
}

/// `GET …/providers/new`: which type, and then its form.
pub async fn ask_new(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let here = list_of(&pool_id);
    let place = in_pool(&pool_id, &pool, &here, TITLE);
    let Some(kind) = KINDS.iter().find(|kind| kind.name == desk.asked("type")) else {
        let rows = KINDS.iter().map(|kind| {
            vec![Cell::link(format!("{here}/new?type={}", kind.name), kind.title), Cell::words(kind.hint)]
        });
        let table = Table::new("Types of providers", vec!["Type", "For"], rows.collect());
        return desk.show(&place, "Add identity provider", "", vec![table.html()]);
    };
    let action = format!("{here}/new?type={}", kind.name);
    let fields = fields(kind, &Document::Null);
    let form = Form::new(action, &desk.csrf(), "Add identity provider", fields).cancel(&here);
    let blocks = vec![callback(&desk, &pool_id, kind.name), desk.put(form)];
    desk.show(&place, &format!("Add {}", kind.title), kind.hint, blocks)
}

/// What the provider has to know.
fn callback(desk: &Desk, pool_id: &str, kind: &str) -> crate::pages::console::Html {
    let url = &desk.app.public_url;
    let told = match kind {
        "SAML" => vec![
            ("Assertion consumer service", "AssertionConsumerServiceURL", format!("{url}/saml2/idpresponse")),
            ("Entity ID (audience)", "EntityID", format!("urn:amazon:cognito:sp:{pool_id}")),
        ],
        _ => vec![("Redirect URI", "redirect_uri", format!("{url}/oauth2/idpresponse"))],
    };
    let facts = told
        .into_iter()
        .map(|(label, api, text)| Fact::new(label, api, vec![Cell::Copy { id: api.to_owned(), text }]));
    Facts {
        title: "At the provider".to_owned(),
        hint: "Register this there. Where the pool has a domain of its own, the same path at that domain."
            .to_owned(),
        facts: facts.collect(),
        edit_href: None,
    }
    .html()
}

fn fields(kind: &Kind, provider: &Document) -> Vec<Field> {
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
    fields.push(
        Field::lines(
            "identifiers",
            "Identifiers",
            2,
            super::desk::texts(provider, "IdpIdentifiers").join("\n"),
        )
        .api("IdpIdentifiers")
        .hint("Names by which an app can send people straight there, one a line. Optional."),
    );
    fields
}

fn line(value: impl Into<String>) -> Input {
    Input::Line { value: value.into(), kind: "text", autocomplete: "off" }
}

/// Name and value of each member, a line each.
fn pairs(document: &Document) -> String {
    let members = document.as_object().into_iter().flatten();
    let lines = members.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()));
    lines.collect::<Vec<_>>().join("\n")
}

/// What was typed, as the operations take it. A secret that was left out stays as it is.
fn asked_for(kind: &Kind, form: &Pairs) -> Document {
    let mut details = Map::new();
    for detail in kind.details {
        let value = typed(form, detail.field);
        if !value.is_empty() {
            details.insert(detail.api.to_owned(), value.into());
        }
    }
    let mapping = lines(form.first("mapping").unwrap_or_default()).into_iter().map(|line| {
        let (name, claim) = line.split_once('=').unwrap_or((&line, ""));
        (name.trim().to_owned(), Value::from(claim.trim()))
    });
    json!({
        "ProviderDetails": details,
        "AttributeMapping": mapping.collect::<Map<_, _>>(),
        "IdpIdentifiers": lines(form.first("identifiers").unwrap_or_default()),
    })
}

/// `POST …/providers/new`
pub async fn make(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let here = list_of(&pool_id);
    let Some(kind) = KINDS.iter().find(|kind| kind.name == desk.asked("type")) else {
        return Err(desk.stopped(refusal(InvalidParameterException, "There is no such type of provider.")));
    };
    let name = if kind.is_social() { kind.name } else { desk.typed("name") };
    let mut input = asked_for(kind, desk.form());
    input["UserPoolId"] = pool_id.as_str().into();
    input["ProviderName"] = name.into();
    input["ProviderType"] = kind.name.into();
    desk.change(Change {
        service: Service::CognitoIdp,
        operation: "CreateIdentityProvider",
        input,
        words: "Identity provider added",
        done: page_of(&pool_id, name),
        form: format!("{here}/new?type={}", kind.name),
    })
    .await
}

impl Desk {
    async fn provider(&self, pool_id: &str, name: &str) -> Result<Document, Stopped> {
        let asked = json!({ "UserPoolId": pool_id, "ProviderName": name });
        Ok(self.pools("DescribeIdentityProvider", asked).await?["IdentityProvider"].take())
    }
}

/// `GET …/providers/{provider}`
pub async fn one(Path((pool_id, name)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let provider = desk.provider(&pool_id, &name).await?;
    let here = page_of(&pool_id, &name);
    let kind = text(&provider, "ProviderType");
    let mut facts = vec![Fact::words("Type", "ProviderType", title_of(kind))];
    let known = KINDS.iter().find(|each| each.name == kind);
    for (detail, value) in at(&provider, "ProviderDetails").as_object().into_iter().flatten() {
        let asked = known.and_then(|known| known.details.iter().find(|each| each.api == detail));
        let label = asked.map_or(detail.as_str(), |asked| asked.label);
        let value = match SECRETS.contains(&detail.as_str()) {
            true => Cell::words("Set"),
            false => Cell::Code(value.as_str().unwrap_or_default().to_owned()),
        };
        facts.push(Fact::new(label, &format!("ProviderDetails.{detail}"), vec![value]));
    }
    let said = |way: &str, words: Vec<String>| (way.to_owned(), words);
    let mapping = pairs(at(&provider, "AttributeMapping")).lines().map(str::to_owned).collect();
    for (way, words) in [
        said("AttributeMapping", mapping),
        said("IdpIdentifiers", super::desk::texts(&provider, "IdpIdentifiers")),
    ] {
        let label = if way == "AttributeMapping" { "Attribute mapping" } else { "Identifiers" };
        facts.push(Fact::new(label, &way, words.into_iter().map(Cell::Code).collect()));
    }
    let facts = Facts {
        title: "Settings".to_owned(),
        hint: String::new(),
        facts,
        edit_href: known.map(|_| format!("{here}/edit")),
    };
    let clients = Button::link(format!("{}/clients", base(&pool_id)), "App clients");
    let delete = Button::link(format!("{here}/delete"), "Delete identity provider");
    let buttons = Buttons { csrf: desk.csrf(), buttons: vec![clients, delete] };
    let list = list_of(&pool_id);
    let place = in_pool(&pool_id, &pool, &list, TITLE);
    desk.show(&place, &name, "", vec![facts.html(), callback(&desk, &pool_id, kind), buttons.html()])
}

/// `GET …/providers/{provider}/edit`
pub async fn ask_edit(Path((pool_id, name)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let provider = desk.provider(&pool_id, &name).await?;
    let here = page_of(&pool_id, &name);
    let kind = desk.kind(&provider)?;
    let form = Form::new(format!("{here}/edit"), &desk.csrf(), "Save changes", fields(kind, &provider));
    let place = in_pool(&pool_id, &pool, &here, &name);
    desk.show(&place, &format!("Edit {name}"), "", vec![desk.put_edit(form.cancel(&here))])
}

/// `POST …/providers/{provider}/edit`
pub async fn save(Path((pool_id, name)): Path<(String, String)>, desk: Desk) -> Answered {
    let provider = desk.provider(&pool_id, &name).await?;
    let here = page_of(&pool_id, &name);
    let kind = desk.kind(&provider)?;
    let mut input = asked_for(kind, desk.form());
    input["UserPoolId"] = pool_id.as_str().into();
    input["ProviderName"] = name.as_str().into();
    let change = Change {
        service: Service::CognitoIdp,
        operation: "UpdateIdentityProvider",
        input,
        words: "Identity provider saved",
        form: format!("{here}/edit"),
        done: here,
    };
    desk.edit(&fields(kind, &provider), change).await
}

impl Desk {
    fn kind(&self, provider: &Document) -> Result<&'static Kind, Stopped> {
        let kind = KINDS.iter().find(|kind| kind.name == text(provider, "ProviderType"));
        kind.ok_or_else(|| {
            self.stopped(refusal(
                InvalidParameterException,
                "This type of provider is changed by the API only.",
            ))
        })
    }
}

/// `GET …/providers/{provider}/delete`
pub async fn ask_delete(Path((pool_id, name)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let here = page_of(&pool_id, &name);
    let form = deletion(&desk, "identity provider", &name, &format!("{here}/delete"), &here);
    let place = in_pool(&pool_id, &pool, &here, &name);
    let lead = "Nobody gets in by it any more. The accounts of those who did stay.";
    desk.show(&place, "Delete identity provider", lead, vec![form])
}

/// `POST …/providers/{provider}/delete`
pub async fn delete(Path((pool_id, name)): Path<(String, String)>, desk: Desk) -> Answered {
    let form = format!("{}/delete", page_of(&pool_id, &name));
    if let Err(error) = asked_for_name(desk.typed("confirm"), &name) {
        return desk.back(&form, error).await;
    }
    desk.change(Change {
        service: Service::CognitoIdp,
        operation: "DeleteIdentityProvider",
        input: json!({ "UserPoolId": pool_id, "ProviderName": name }),
        words: "Identity provider deleted",
        done: list_of(&pool_id),
        form,
    })
    .await
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
        ]);
        assert_eq!(
            asked_for(kind, &form),
            json!({
                "ProviderDetails": { "client_id": "c", "authorize_scopes": "openid" },
                "AttributeMapping": { "email": "email", "given_name": "first" },
                "IdpIdentifiers": [],
            })
        );
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
