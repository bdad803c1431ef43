//! The domains of a pool: a prefix, and a name of one's own, each made, shown, edited and deleted; and below them the
//! resource servers.

use super::desk::{Answered, Change, Desk, Stopped, text};
use super::menu::Place;
use super::pools::base;
use super::{asked_for_name, deletion, resource_servers};
use crate::pages::console::field::{Choice, Field, Input};
use crate::pages::console::form::Form;
use crate::pages::console::list::Cell;
use crate::pages::console::parts::{Button, Buttons, Fact, Facts};
use crate::pages::console::{Block as _, Html};
use axum::extract::Path;
use postern_model::cognito_idp::errors::InvalidParameterException;
use postern_model::{Document, Service, refusal};
use postern_store::standing::Kept;
use serde_json::json;

/// A kind of domain: its word in forms, its name by itself and within a sentence, and the pool's member that holds it.
struct Kind {
    word: &'static str,
    title: &'static str,
    within: &'static str,
    member: &'static str,
}

const PREFIX: Kind =
    Kind { word: "prefix", title: "Cognito domain", within: "Cognito domain", member: "Domain" };
const CUSTOM: Kind =
    Kind { word: "custom", title: "Custom domain", within: "custom domain", member: "CustomDomain" };

/// The versions of the pages, as the Cognito console calls them.
const VERSIONS: [(i64, &str); 2] = [(2, "Managed login"), (1, "Hosted UI (classic)")];

impl Kind {
    fn is_custom(&self) -> bool {
        self.word == CUSTOM.word
    }

    /// A field's name, which no other form of the page has.
    fn field(&self, name: &str) -> String {
        format!("{}-{name}", self.word)
    }

    fn version(&self, now: i64) -> Field {
        let choices =
            VERSIONS.map(|(version, label)| Choice::new(version.to_string(), label, version == now));
        Field::new(&self.field("version"), "Branding version", Input::Radios(choices.into()))
            .api("ManagedLoginVersion")
    }

    fn certificate(&self, arn: &str) -> Field {
        Field::line(&self.field("certificate"), "ACM certificate", arn)
            .api("CustomDomainConfig.CertificateArn")
            .hint("An ARN, kept for clients that ask. The certificate itself is at the front that ends TLS.")
    }

    /// What a form asks of a domain: the settings beside its name.
    fn settings(&self, version: i64, certificate: &str) -> Vec<Field> {
        let mut fields = vec![self.version(version)];
        if self.is_custom() {
            fields.push(self.certificate(certificate));
        }
        fields
    }

    /// What the form said of them.
    fn input(&self, desk: &Desk, pool_id: &str, name: &str) -> Document {
        let mut input = json!({ "UserPoolId": pool_id, "Domain": name });
        if let Ok(version) = desk.typed(&self.field("version")).parse::<i64>() {
            input["ManagedLoginVersion"] = version.into();
        }
        if self.is_custom() {
            let arn = desk.typed(&self.field("certificate"));
            input["CustomDomainConfig"] = json!({ "CertificateArn": arn });
        }
        input
    }
}

fn page_of(pool_id: &str) -> String {
    format!("{}/domain", base(pool_id))
}

fn described_version(description: &Document) -> i64 {
    description["ManagedLoginVersion"].as_i64().unwrap_or(1)
}

/// `GET /console/pools/{pool}/domain`
pub async fn page(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let mut blocks = section(&desk, &pool, &pool_id, &PREFIX).await?;
    blocks.extend(section(&desk, &pool, &pool_id, &CUSTOM).await?);
    blocks.extend(resource_servers::table(&desk, &pool_id).await?);
    let place = Place::Pool { id: &pool_id, name: text(&pool, "Name"), page: "/domain" };
    let lead = "Names for the sign-in pages of this pool. The pages work without one, too: they find the pool by its app client.";
    desk.show(&place, "Domain", lead, blocks)
}

async fn section(desk: &Desk, pool: &Document, pool_id: &str, kind: &Kind) -> Result<Vec<Html>, Stopped> {
    let (here, name) = (page_of(pool_id), text(pool, kind.member));
    if name.is_empty() {
        let hint = match kind.is_custom() {
            true => {
                "A whole name of your own, such as login.example.com, that leads to the front of this server."
            }
            false => "A prefix of small letters, digits and hyphens.",
        };
        let field = Field::line(&kind.field("name"), kind.title, "").api("Domain").hint(hint);
        let newest = if text(pool, "UserPoolTier") == "LITE" { 1 } else { 2 };
        let fields = [vec![field], kind.settings(newest, "")].concat();
        let submit = format!("Create {}", kind.within);
        let form = Form::new(&here, &desk.csrf(), &submit, fields).with("do", kind.word).titled(kind.title);
        return Ok(vec![desk.put(form)]);
    }
    let answer = desk.pools("DescribeUserPoolDomain", json!({ "Domain": name })).await?;
    let description = &answer["DomainDescription"];
    let place = &desk.app.pools.place;
    let url = place.domain_url(name, kind.is_custom()).unwrap_or_else(|| desk.app.public_url.clone());
    let version = described_version(description);
    let words = VERSIONS.iter().find(|(each, _)| *each == version).map_or("", |(_, label)| label);
    let mut facts = vec![
        Fact::new("Domain", "Domain", vec![Cell::Code(name.to_owned())]),
        Fact::words("Sign-in pages", "", url),
        Fact::words("Branding version", "ManagedLoginVersion", words),
    ];
    if kind.is_custom() {
        let arn = text(description, "CustomDomainConfig.CertificateArn");
        let alias = text(description, "CloudFrontDistribution");
        facts.push(Fact::new(
            "ACM certificate",
            "CustomDomainConfig.CertificateArn",
            vec![Cell::Code(arn.to_owned())],
        ));
        facts.push(Fact::new("Alias target", "CloudFrontDomain", vec![Cell::Code(alias.to_owned())]));
    }
    let edit_href = Some(format!("{here}/{}/edit", kind.word));
    let facts = Facts { title: kind.title.to_owned(), hint: String::new(), facts, edit_href };
    let label = format!("Delete {}", kind.within);
    let button = Button::link(format!("{here}/{}/delete", kind.word), &label);
    Ok(vec![facts.html(), Buttons { csrf: desk.csrf(), buttons: vec![button] }.html()])
}

/// `POST /console/pools/{pool}/domain`
pub async fn make(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let kind = if desk.typed("do") == CUSTOM.word { &CUSTOM } else { &PREFIX };
    let input = kind.input(&desk, &pool_id, desk.typed(&kind.field("name")));
    desk.change(change(&pool_id, "CreateUserPoolDomain", input, "Domain created")).await
}

/// `GET /console/pools/{pool}/domain/{kind}/delete`
pub async fn ask_delete(Path((pool_id, word)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let here = page_of(&pool_id);
    let (kind, name, _) = described(&desk, &pool, &word).await?;
    let action = format!("{here}/{}/delete", kind.word);
    let form = deletion(&desk, kind.within, &name, &action, &here);
    let place = Place::InPool {
        id: &pool_id,
        name: text(&pool, "Name"),
        page: "/domain",
        above: &here,
        above_name: "Domain",
    };
    let lead = "The sign-in pages are gone from this address at once, for every app that sends people there.";
    desk.show(&place, &format!("Delete {}", kind.within), lead, vec![form])
}

/// `POST /console/pools/{pool}/domain/{kind}/delete`
pub async fn delete(Path((pool_id, word)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let (kind, name, _) = described(&desk, &pool, &word).await?;
    let form = format!("{}/{}/delete", page_of(&pool_id), kind.word);
    if let Err(error) = asked_for_name(desk.typed("confirm"), &name) {
        return desk.back(&form, error).await;
    }
    let input = json!({ "UserPoolId": pool_id, "Domain": name });
    let change = change(&pool_id, "DeleteUserPoolDomain", input, "Domain deleted");
    desk.change(Change { form, ..change }).await
}

fn change<'a>(pool_id: &str, operation: &'a str, input: Document, words: &'a str) -> Change<'a> {
    let page = page_of(pool_id);
    Change { service: Service::CognitoIdp, operation, input, words, done: page.clone(), form: page }
}

/// A domain that is there: its kind, its name, and the fields of its form as they stand.
async fn described(
    desk: &Desk,
    pool: &Document,
    word: &str,
) -> Result<(&'static Kind, String, Vec<Field>), Stopped> {
    let kind = if word == CUSTOM.word { &CUSTOM } else { &PREFIX };
    let name = text(pool, kind.member);
    if name.is_empty() {
        return Err(desk.stopped(refusal(InvalidParameterException, "The pool has no such domain.")));
    }
    let described = desk.pools("DescribeUserPoolDomain", json!({ "Domain": name })).await?;
    let description = &described["DomainDescription"];
    let certificate = text(description, "CustomDomainConfig.CertificateArn");
    Ok((kind, name.to_owned(), kind.settings(described_version(description), certificate)))
}

/// `GET /console/pools/{pool}/domain/{kind}/edit`
pub async fn ask_edit(Path((pool_id, word)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let here = page_of(&pool_id);
    let (kind, name, fields) = described(&desk, &pool, &word).await?;
    let action = format!("{here}/{}/edit", kind.word);
    let form = Form::new(action, &desk.csrf(), "Save changes", fields).cancel(&here);
    let place = Place::InPool {
        id: &pool_id,
        name: text(&pool, "Name"),
        page: "/domain",
        above: &here,
        above_name: "Domain",
    };
    let title = format!("Edit {}", kind.within);
    desk.show(&place, &title, &name, vec![desk.put_edit(form)])
}

/// `POST /console/pools/{pool}/domain/{kind}/edit`
pub async fn save(Path((pool_id, word)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let (_, name, _) = described(&desk, &pool, &word).await?;
    let standing = desk.standing(Kept::Domain { name }).await?;
    let (kind, name, now) = described(&desk, &pool, &word).await?;
    let input = kind.input(&desk, &pool_id, &name);
    let mut change = change(&pool_id, "UpdateUserPoolDomain", input, "Domain saved");
    change.form = format!("{}/{}/edit", page_of(&pool_id), kind.word);
    desk.edit(standing, &now, change).await
}
