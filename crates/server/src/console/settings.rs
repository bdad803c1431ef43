//! Pages of settings: read first, edited area by area, and saved on top of what stands now.

use super::area::{Area, Facts, Saves, member, put};
use super::desk::{Answered, Change, Desk, Stopped, at, items, settings_for, text};
use super::menu::Place;
use super::pools::base;
use super::{client_areas, pool_areas, threat_areas, trigger_areas};
use crate::pages::console::field::Field;
use crate::pages::console::form::Form;
use crate::pages::console::list::{Cell, Tone};
use crate::pages::console::parts::{Button, Buttons, Fact, Facts as FactsBlock, Preview, Said};
use crate::pages::console::{Block as _, Html, part};
use axum::extract::Path;
use postern_model::cognito_idp::errors::ResourceNotFoundException;
use postern_model::{Document, Service, refusal};
use postern_store::standing::Kept;
use serde_json::json;

impl Desk {
    /// Reads what the settings of a pool, and of one of its clients, are.
    pub async fn facts(&self, pool_id: &str, client_id: Option<&str>) -> Result<Facts, Stopped> {
        let pool = self.pool(pool_id).await?;
        let mfa = self.pools("GetUserPoolMfaConfig", json!({ "UserPoolId": pool_id })).await?;
        let (client, providers) = match client_id {
            Some(client_id) => (self.client(pool_id, client_id).await?, self.providers(pool_id).await?),
            None => (Document::Null, Vec::new()),
        };
        let identity_arn = format!("arn:aws:ses:{}:{}:identity/", self.app.access.region, self.app.account);
        let (risk, identities) = (Document::Null, Vec::new());
        Ok(Facts { pool, mfa, risk, client, providers, identities, identity_arn })
    }

    /// The same, with what only some pages need.
    async fn facts_for(&self, pool_id: &str, client_id: Option<&str>, page: &str) -> Result<Facts, Stopped> {
        let mut facts = self.facts(pool_id, client_id).await?;
        if ["/methods", threat_areas::PAGE].contains(&page) {
            facts.identities = self.identities().await?;
        }
        if page == threat_areas::PAGE {
            let asked = json!({ "UserPoolId": pool_id });
            facts.risk = self.pools("DescribeRiskConfiguration", asked).await?["RiskConfiguration"].take();
        }
        Ok(facts)
    }

    /// An app client, without its secret.
    pub async fn client(&self, pool_id: &str, client_id: &str) -> Result<Document, Stopped> {
        let asked = json!({ "UserPoolId": pool_id, "ClientId": client_id });
        let mut client = self.pools("DescribeUserPoolClient", asked).await?["UserPoolClient"].take();
        if let Some(members) = client.as_object_mut() {
            let has_secret = members.remove("ClientSecret").is_some();
            members.insert("has_secret".to_owned(), has_secret.into());
        }
        Ok(client)
    }

    /// The outside providers of a pool, as far as this administrator may see them.
    async fn providers(&self, pool_id: &str) -> Result<Vec<String>, Stopped> {
        let asked = json!({ "UserPoolId": pool_id, "MaxResults": 60 });
        let listed =
            self.look(Service::CognitoIdp, "ListIdentityProviders", asked).await?.unwrap_or_default();
        let names =
            items(&listed, "Providers").iter().map(|provider| text(provider, "ProviderName").to_owned());
        Ok(names.collect())
    }

    /// The identities that mail can be sent as, as far as this administrator may see them.
    async fn identities(&self) -> Result<Vec<(String, bool)>, Stopped> {
        let answer = self.look(Service::SesV2, "ListEmailIdentities", json!({ "PageSize": 1000 })).await?;
        let listed = answer.unwrap_or_default();
        let shown = items(&listed, "EmailIdentities")
            .iter()
            .map(|identity| (text(identity, "IdentityName").to_owned(), identity["SendingEnabled"] == true));
        Ok(shown.collect())
    }
}

/// `GET …/methods`
pub async fn methods(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let lead = "What people prove who they are with.";
    page(&desk, &pool_id, "/methods", "Authentication methods", lead).await
}

/// `GET …/sign-in`
pub async fn sign_in(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    page(&desk, &pool_id, "/sign-in", "Sign-in", "How people get in, and back in.").await
}

/// `GET …/sign-up`
pub async fn sign_up(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    page(&desk, &pool_id, "/sign-up", "Sign-up", "How accounts come to be.").await
}

/// `GET …/extensions`
pub async fn extensions(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let lead = "Functions of yours that are asked on the way (Lambda triggers). Each is named by its ARN.";
    page(&desk, &pool_id, "/extensions", "Extensions", lead).await
}

/// `GET …/threats`
pub async fn threats(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let lead =
        "What is done about sign-ins that may not be their user's, and about passwords that attackers know.";
    page(&desk, &pool_id, threat_areas::PAGE, threat_areas::TITLE, lead).await
}

/// `GET …/messages`
pub async fn messages(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    page(&desk, &pool_id, "/messages", "Message templates", "What mails to people say.").await
}

/// `GET …/settings`
pub async fn general(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    page(&desk, &pool_id, "/settings", "Settings", "").await
}

async fn page(desk: &Desk, pool_id: &str, page: &str, title: &str, lead: &str) -> Answered {
    let facts = desk.facts_for(pool_id, None, page).await?;
    let base = base(pool_id);
    let mut blocks = Vec::new();
    if page == "/extensions" && !super::trigger_test::set(&facts.pool).is_empty() {
        let button = Button::link(super::trigger_test::page_of(pool_id), "Test a function");
        blocks.push(Buttons { csrf: desk.csrf(), buttons: vec![button] }.html());
    }
    if page == threat_areas::PAGE {
        blocks.extend(plan_gate(&facts, &base));
    }
    for area in areas_of_pools().filter(|area| area.page == page) {
        let fields = (area.fields)(&facts);
        blocks.push(read_view(area, &fields, &format!("{base}/edit/{}", area.name)));
        if page == "/messages" {
            blocks.extend(preview(area, &fields));
        }
    }
    if page == "/settings" {
        let button = Button::link(format!("{base}/delete"), "Delete user pool");
        blocks.push(Buttons { csrf: desk.csrf(), buttons: vec![button] }.html());
    }
    let place = Place::Pool { id: pool_id, name: text(&facts.pool, "Name"), page };
    desk.show(&place, title, lead, blocks)
}

/// Settings as they are read.
pub fn read_view(area: &Area, fields: &[Field], edit: &str) -> Html {
    let facts = fields.iter().map(|field| {
        let values = field.words().into_iter().map(Cell::Words).collect();
        Fact::new(&field.label, &field.api, values)
    });
    FactsBlock {
        title: area.title.to_owned(),
        hint: area.hint.to_owned(),
        facts: facts.collect(),
        edit_href: Some(edit.to_owned()),
    }
    .html()
}

/// What a template makes, with an example filled in.
fn preview(area: &Area, fields: &[Field]) -> Option<Html> {
    let words = |name: &str| {
        let field = fields.iter().find(|field| field.name == name)?;
        let text = field.words().join("\n");
        (!text.is_empty()).then(|| filled(&text))
    };
    let text = words("message")?;
    let title = format!("{}, as it will read", area.title);
    Some(Preview { title, subject: words("subject").unwrap_or_default(), text }.html())
}

fn filled(template: &str) -> String {
    template.replace("{####}", "12345678").replace("{username}", "alice@example.com")
}

/// Says that a pool's plan has no threat protection, and where another plan is chosen.
fn plan_gate(facts: &Facts, base: &str) -> Option<Html> {
    let words = threat_areas::plan_gate(&facts.pool)?;
    let way = Some((format!("{base}/edit/general"), "Change the feature plan".to_owned()));
    Some(Said { tone: Tone::Waiting, words, way }.html())
}

/// Every area of a pool's settings.
fn areas_of_pools() -> impl Iterator<Item = &'static Area> + Clone {
    pool_areas::AREAS.iter().chain(&trigger_areas::AREAS).chain(&threat_areas::AREAS)
}

/// `GET …/edit/{area}`
pub async fn edit(Path((pool_id, name)): Path<(String, String)>, desk: Desk) -> Answered {
    let area = desk.area(areas_of_pools(), &name)?;
    let base = base(&pool_id);
    let place = format!("{base}{}", area.page);
    form(&desk, &pool_id, None, area, &format!("{base}/edit/{name}"), &place).await
}

/// `GET …/clients/{client}/edit/{area}`
pub async fn edit_client(
    Path((pool_id, client_id, name)): Path<(String, String, String)>,
    desk: Desk,
) -> Answered {
    let area = desk.area(client_areas::AREAS.iter(), &name)?;
    let client = format!("{}/clients/{}", base(&pool_id), part(&client_id));
    form(&desk, &pool_id, Some(&client_id), area, &format!("{client}/edit/{name}"), &client).await
}

impl Desk {
    fn area(
        &self,
        mut areas: impl Iterator<Item = &'static Area>,
        name: &str,
    ) -> Result<&'static Area, Stopped> {
        areas.find(|area| area.name == name).ok_or_else(|| {
            self.stopped(refusal(ResourceNotFoundException, format!("There are no settings named {name}.")))
        })
    }
}

async fn form(
    desk: &Desk,
    pool_id: &str,
    client_id: Option<&str>,
    area: &Area,
    action: &str,
    back: &str,
) -> Answered {
    let facts = desk.facts_for(pool_id, client_id, area.page).await?;
    let fields = (area.fields)(&facts);
    let shown = Form::new(action, &desk.csrf(), "Save changes", fields).cancel(back);
    let name = text(&facts.pool, "Name");
    let above = match client_id {
        Some(_) => text(&facts.client, "ClientName"),
        None => page_title(area.page),
    };
    let place = Place::InPool { id: pool_id, name, page: area.page, above: back, above_name: above };
    let mut blocks = vec![desk.put_edit(shown)];
    if ["email", "risk-notices"].contains(&area.name)
        && facts.identities.iter().all(|(_, is_verified)| !is_verified)
    {
        blocks.insert(0, super::email::no_identity());
    }
    blocks.splice(0..0, wants(area.name, &facts.pool, &base(pool_id)));
    if area.name == "threat-mode" {
        blocks.splice(0..0, plan_gate(&facts, &base(pool_id)));
    }
    desk.show(&place, &format!("Edit {}", lower_first(area.title)), area.hint, blocks)
}

/// What choices of a form need that is not there yet, and where it is set up.
fn wants(area: &str, pool: &Document, base: &str) -> Vec<Html> {
    let mail = match area {
        "choice" => "Codes by mail come from the server's own sender, up to 50 a day, until you set one up.",
        "mfa" => "Email message needs a sender. Set one up.",
        _ => return Vec::new(),
    };
    let said = |words: &str, edit: &str, label: &str| {
        let way = Some((format!("{base}/edit/{edit}"), label.to_owned()));
        Said { tone: Tone::Waiting, words: words.to_owned(), way }.html()
    };
    let mut wants = Vec::new();
    if text(pool, "EmailConfiguration.EmailSendingAccount") != "DEVELOPER" {
        wants.push(said(mail, "email", "Set up a sender"));
    }
    if !at(pool, "SmsConfiguration").is_object() {
        wants.push(said("Codes by text message need a role to send as.", "sms", "Set up SMS"));
    }
    wants
}

fn page_title(page: &str) -> &'static str {
    match page {
        "/methods" => "Authentication methods",
        "/sign-in" => "Sign-in",
        "/sign-up" => "Sign-up",
        "/extensions" => "Extensions",
        "/messages" => "Message templates",
        threat_areas::PAGE => threat_areas::TITLE,
        _ => "Settings",
    }
}

/// Begins a title as a word in a sentence, unless it is a short form.
fn lower_first(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

/// `POST …/edit/{area}`
pub async fn save(Path((pool_id, name)): Path<(String, String)>, desk: Desk) -> Answered {
    let area = desk.area(areas_of_pools(), &name)?;
    let base = base(&pool_id);
    let done = format!("{base}{}", area.page);
    keep(&desk, &pool_id, None, area, &format!("{base}/edit/{name}"), &done).await
}

/// `POST …/clients/{client}/edit/{area}`
pub async fn save_client(
    Path((pool_id, client_id, name)): Path<(String, String, String)>,
    desk: Desk,
) -> Answered {
    let area = desk.area(client_areas::AREAS.iter(), &name)?;
    let client = format!("{}/clients/{}", base(&pool_id), part(&client_id));
    keep(&desk, &pool_id, Some(&client_id), area, &format!("{client}/edit/{name}"), &client).await
}

/// Saves an area on top of the settings as they stand now.
async fn keep(
    desk: &Desk,
    pool_id: &str,
    client_id: Option<&str>,
    area: &Area,
    form: &str,
    done: &str,
) -> Answered {
    let kept = match (client_id, area.saves) {
        (Some(id), _) => Kept::Client { id: id.to_owned() },
        (None, Saves::Risk) => Kept::Risk { pool_id: pool_id.to_owned() },
        (None, _) => Kept::Pool { id: pool_id.to_owned() },
    };
    let standing = desk.standing(kept).await?;
    let facts = desk.facts_for(pool_id, client_id, area.page).await?;
    let now = (area.fields)(&facts);
    let (operation, before) = match area.saves {
        Saves::Pool => ("UpdateUserPool", &facts.pool),
        Saves::Mfa => ("SetUserPoolMfaConfig", &facts.mfa),
        Saves::Risk => ("SetRiskConfiguration", &facts.risk),
        Saves::Client => ("UpdateUserPoolClient", &facts.client),
    };
    let mut input = settings_for(Service::CognitoIdp, operation, before);
    if area.saves == Saves::Pool {
        // The password policy has this setting now; both together contradict.
        put(member(&mut input, "AdminCreateUserConfig"), "UnusedAccountValidityDays", Document::Null);
    }
    (area.change)(&facts, desk.form(), &mut input);
    input["UserPoolId"] = pool_id.into();
    if let Some(client_id) = client_id {
        input["ClientId"] = client_id.into();
    }
    let change = Change {
        service: Service::CognitoIdp,
        operation,
        input,
        words: area.saved,
        done: done.to_owned(),
        form: form.to_owned(),
    };
    desk.edit(standing, &now, change).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_area_has_a_name_of_its_own_and_fields_that_the_api_can_refuse() {
        let areas = areas_of_pools().chain(&client_areas::AREAS);
        let mut names: Vec<&str> = areas.clone().map(|area| area.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), areas.clone().count());
        for area in areas {
            assert!(
                (area.fields)(&Facts::default()).iter().any(|field| !field.api.is_empty()),
                "{}",
                area.name
            );
        }
    }

    #[test]
    fn a_preview_shows_an_example() {
        assert_eq!(filled("Hello {username}, {####}"), "Hello alice@example.com, 12345678");
    }
}
