//! Outside providers of identities: the list, a new one of each type, one with its settings, the end.

use super::desk::{Answered, Change, Desk, Stopped, at, text, texts};
use super::lists::{Finds, List, Source};
use super::menu::Place;
use super::pools::{base, time};
use super::provider_kinds::{KINDS, Kind, asked_for, fields, pairs};
use super::{asked_for_name, deletion};
use crate::pages::console::form::Form;
use crate::pages::console::list::{Cell, Table};
use crate::pages::console::parts::{Button, Buttons, Fact, Facts};
use crate::pages::console::{Block as _, Html, part};
use axum::extract::Path;
use postern_model::cognito_idp::errors::InvalidParameterException;
use postern_model::{Document, Service, refusal};
use postern_store::standing::Kept;
use serde_json::json;

const PAGE: &str = "/providers";
const TITLE: &str = "Social and external providers";
/// The detail that says what a SAML provider encrypts to.
const ENCRYPTS_TO: &str = "ActiveEncryptionCertificate";

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
    let list = List {
        caption: "Identity providers",
        called: ("identity provider", "identity providers"),
        columns: &["Provider", "Type", "Changed"],
        source: Source::pools("ListIdentityProviders", "Providers", json!({ "UserPoolId": pool_id })),
        finds: Finds::Whole,
        make: Some((format!("{here}/new"), "Add identity provider")),
        here,
        empty: "People can sign in with an account that they have elsewhere, such as at Google or at their company.",
        command: format!("aws cognito-idp create-identity-provider --user-pool-id {pool_id} …"),
        all: None,
        live_s: None,
    };
    let listed = desk.list(list, |provider| {
        let name = text(provider, "ProviderName");
        vec![
            Cell::link(page_of(&pool_id, name), name),
            Cell::words(title_of(text(provider, "ProviderType"))),
            time(provider, "LastModifiedDate"),
        ]
    });
    let blocks = listed.await?.blocks(&desk, Vec::new());
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
    let blocks = vec![callback(&desk, &pool_id, kind.name, None), desk.put(form)];
    desk.show(&place, &format!("Add {}", kind.title), kind.hint, blocks)
}

/// What the provider has to know.
fn callback(desk: &Desk, pool_id: &str, kind: &str, signing: Option<String>) -> Html {
    let url = &desk.app.public_url;
    let mut told = match kind {
        "SAML" => vec![
            ("Assertion consumer service", "AssertionConsumerServiceURL", format!("{url}/saml2/idpresponse")),
            ("Entity ID (audience)", "EntityID", format!("urn:amazon:cognito:sp:{pool_id}")),
            ("Single sign-out", "SingleLogoutServiceURL", format!("{url}/saml2/logout")),
        ],
        _ => vec![("Redirect URI", "redirect_uri", format!("{url}/oauth2/idpresponse"))],
    };
    told.extend(signing.map(|certificate| ("Certificate of signed requests", "Certificate", certificate)));
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
    let details = at(&provider, "ProviderDetails");
    for (detail, value) in details.as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        let asked = known.and_then(|known| known.details.iter().find(|each| each.api == detail));
        let (label, value) = match asked {
            Some(asked) => (asked.label, asked.shown(value)),
            None if detail == ENCRYPTS_TO => {
                ("Certificate to encrypt to", Cell::Copy { id: detail.clone(), text: value.to_owned() })
            }
            None => (detail.as_str(), Cell::Code(value.to_owned())),
        };
        facts.push(Fact::new(label, &format!("ProviderDetails.{detail}"), vec![value]));
    }
    let paired = |way: &str| pairs(at(&provider, way)).lines().map(str::to_owned).collect();
    for (label, way, words) in [
        ("Attribute mapping", "AttributeMapping", paired("AttributeMapping")),
        ("Levels of authentication", "AcrMapping", paired("AcrMapping")),
        ("Identifiers", "IdpIdentifiers", texts(&provider, "IdpIdentifiers")),
    ] {
        if way != "AcrMapping" || !words.is_empty() {
            facts.push(Fact::new(label, way, words.into_iter().map(Cell::Code).collect()));
        }
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
    let signing = match text(details, "RequestSigningAlgorithm") {
        "" => None,
        _ => {
            let asked = json!({ "UserPoolId": pool_id });
            let answer = desk.look(Service::CognitoIdp, "GetSigningCertificate", asked).await?;
            answer.ok().map(|answer| text(&answer, "Certificate").to_owned())
        }
    };
    let list = list_of(&pool_id);
    let place = in_pool(&pool_id, &pool, &list, TITLE);
    let blocks = vec![facts.html(), callback(&desk, &pool_id, kind, signing), buttons.html()];
    desk.show(&place, &name, "", blocks)
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
    let kept = Kept::Provider { pool_id: pool_id.clone(), name: name.clone() };
    let standing = desk.standing(kept).await?;
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
    desk.edit(standing, &fields(kind, &provider), change).await
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
