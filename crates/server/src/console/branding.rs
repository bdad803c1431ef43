//! Managed login branding: the look of an app's sign-in pages, edited beside the real pages. A preview renders them with
//! what was typed and not saved yet, from the same templates and by the same rules for colours.

use super::area::{number, put_at};
use super::branding_pages::{check_code, identify};
use super::desk::{Answered, Change, Desk, Stopped, found, items, text};
use super::lists::{Finds, List, Source};
use super::menu::Place;
use super::note::Note;
use super::pools::base;
use super::{asked_for_name, deletion};
use crate::pages::brand::{self, Brand};
use crate::pages::console::field::{Choice, Field, Input};
use crate::pages::console::form::Form;
use crate::pages::console::list::Cell;
use crate::pages::console::parts::{Button, Buttons};
use crate::pages::console::{Block as _, Html, part};
use crate::pages::words::Language;
use crate::pages::{Form as PageForm, Frame, Page as _, colour};
use crate::respond::{PAGE_POLICY, page_under, response};
use axum::extract::Path;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use postern_model::cognito_idp::errors::InvalidParameterException;
use postern_model::{Document, Error, Service, refusal};
use postern_pools::branding::{self, COLOURS, Mode, Settings, Style};
use postern_pools::oauth::pairs::Pairs;
use postern_store::standing::Kept;
use serde_json::{Value, json};

const PAGE: &str = "/branding";
const TITLE: &str = "Managed login";
/// What the pictures of a branding may hold together.
pub const PICTURES_MAX: usize = 2 * 1024 * 1024;

/// The colours that are asked for here: the stylesheet's name, and how people call it.
const ASKED: [(&str, &str); 6] = [
    ("ground", "Page background"),
    ("surface", "Form background"),
    ("ink", "Text"),
    ("brand", "Button"),
    ("on-brand", "Button text"),
    ("link", "Link"),
];
/// The two modes: in fields, in the document, in the names of pictures.
const MODES: [(&str, &str, &str); 2] = [("light", "lightMode", "LIGHT"), ("dark", "darkMode", "DARK")];
const SCHEMES: [(&str, &str); 3] =
    [("DYNAMIC", "As each person's system has it"), ("LIGHT", "Always light"), ("DARK", "Always dark")];
/// Where other settings stand in the document: field, pointer.
const SCHEME: &str = "/categories/global/colorSchemeMode";
const BUTTONS: &str = "/componentClasses/buttons/borderRadius";
const CARD: &str = "/components/form/borderRadius";
const WORDS: [(&str, &str); 4] = [
    ("heading", "/texts/default/heading"),
    ("instructions", "/texts/default/instructions"),
    ("privacy", "/links/privacy"),
    ("help", "/links/help"),
];

/// Where a colour stands in the document.
fn colour_at(name: &str, mode: &str) -> String {
    let found = COLOURS.iter().find(|(known, _, _)| *known == name);
    found.map(|(_, before, after)| format!("{before}/{mode}{after}")).unwrap_or_default()
}

fn list_of(pool_id: &str) -> String {
    format!("{}{PAGE}", base(pool_id))
}

fn page_of(pool_id: &str, client_id: &str) -> String {
    format!("{}/{}", list_of(pool_id), part(client_id))
}

/// A pointer as the names in the form say it.
fn api(pointer: &str) -> String {
    format!("Settings{}", pointer.replace('/', "."))
}

/// `GET …/branding`
pub async fn list(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let here = list_of(&pool_id);
    let list = List {
        here,
        caption: "App clients",
        called: ("app client", "app clients"),
        columns: &["Name", "Client ID"],
        source: Source::pools("ListUserPoolClients", "UserPoolClients", json!({ "UserPoolId": pool_id })),
        finds: Finds::Whole,
        make: Some((format!("{}/clients/new", base(&pool_id)), "Create app client")),
        empty: "Each app client has sign-in pages with a look of their own. There is no app client yet.",
        command: format!(
            "aws cognito-idp create-user-pool-client --user-pool-id {pool_id} --client-name my-app"
        ),
        all: None,
        live_s: None,
    };
    let listed = desk.list(list, |client| {
        let id = text(client, "ClientId");
        vec![Cell::link(page_of(&pool_id, id), text(client, "ClientName")), Cell::Code(id.to_owned())]
    });
    let blocks = listed.await?.blocks(&desk, Vec::new());
    let place = Place::Pool { id: &pool_id, name: text(&pool, "Name"), page: PAGE };
    let lead = "The look of the sign-in pages, app by app: colours, a logo, words of your own.";
    desk.show(&place, TITLE, lead, blocks)
}

impl Desk {
    /// The branding of an app client, if it has one of its own.
    async fn branding(&self, pool_id: &str, client_id: &str) -> Result<Option<Document>, Stopped> {
        let asked = json!({ "UserPoolId": pool_id, "ClientId": client_id });
        let found = self.look(Service::CognitoIdp, "DescribeManagedLoginBrandingByClient", asked).await?;
        match found {
            Ok(mut answer) => Ok(Some(answer["ManagedLoginBranding"].take())),
            Err(refusal) if refusal.kind.code == "ResourceNotFoundException" => Ok(None),
            Err(refusal) => Err(self.stopped(Error::Refused(refusal))),
        }
    }
}

/// The settings of a branding as fields.
fn fields(settings: &Value) -> Vec<Field> {
    let text_at = |pointer: &str| match settings.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let scheme = text_at(SCHEME);
    let schemes = SCHEMES.map(|(value, label)| {
        Choice::new(value, label, scheme == value || scheme.is_empty() && value == "DYNAMIC")
    });
    let mut fields =
        vec![Field::new("scheme", "Light and dark", Input::Select(schemes.into())).api(&api(SCHEME))];
    for (mode, member, _) in MODES {
        for (name, label) in ASKED {
            let pointer = colour_at(name, member);
            let value = text_at(&pointer);
            let value =
                if value.is_empty() { value } else { format!("#{}", value.get(..6).unwrap_or(&value)) };
            let mut field = Field::line(&format!("{mode}-{name}"), &format!("{label}, {mode}"), value)
                .api(&api(&pointer));
            if name == "ground" {
                field = field.hint("Like #1d6b62. Empty: Postern's own.");
            }
            fields.push(field);
        }
    }
    let radius = |name: &str, label: &str, pointer: &str| {
        Field::line_of("number", name, label, text_at(pointer))
            .api(&api(pointer))
            .hint("Pixels, from 0 to 100.")
    };
    fields.push(radius("buttons", "Rounding of buttons and fields", BUTTONS));
    fields.push(radius("card", "Rounding of the form", CARD));
    let labels = ["Heading", "Instructions", "Privacy policy", "Help"];
    let hints = [
        "In place of \"Sign in\", in every language.",
        "Below the heading.",
        "An https address, linked below the form.",
        "An https address, linked below the form.",
    ];
    for ((name, pointer), (label, hint)) in WORDS.into_iter().zip(labels.into_iter().zip(hints)) {
        fields.push(Field::line(name, label, text_at(pointer)).api(&api(pointer)).hint(hint));
    }
    fields
}

/// Puts what was typed into the settings as they are. Fails with the words for a colour that is none.
fn changed(settings: &Value, typed: &Pairs) -> Result<Value, String> {
    let mut document = if settings.is_object() { settings.clone() } else { json!({}) };
    let of = |name: &str| typed.first(name).unwrap_or_default().trim().to_owned();
    let scheme = of("scheme");
    // Where nothing was said, the system's mode is what there is.
    let is_said = scheme != "DYNAMIC" || document.pointer(SCHEME).is_some();
    put_at(&mut document, SCHEME, if is_said { scheme.into() } else { Value::Null });
    for (mode, member, _) in MODES {
        for (name, label) in ASKED {
            let given = of(&format!("{mode}-{name}"));
            let pointer = colour_at(name, member);
            let before = document.pointer(&pointer).and_then(Value::as_str).unwrap_or_default();
            let value = match (given.is_empty(), colour::parse(&given)) {
                (true, _) => Value::Null,
                // The form does not show how far a colour lets through what is behind it.
                (false, Some(_)) if given.get(1..) == before.get(..6) => before.into(),
                (false, Some(colour)) => format!("{}ff", colour::text(colour).trim_start_matches('#')).into(),
                (false, None) => {
                    return Err(format!("{label}, {mode}: {given} is not a colour like #1d6b62."));
                }
            };
            put_at(&mut document, &pointer, value);
        }
    }
    for (name, pointer) in [("buttons", BUTTONS), ("card", CARD)] {
        put_at(&mut document, pointer, number(typed, name));
    }
    for (name, pointer) in WORDS {
        put_at(&mut document, pointer, of(name).into());
    }
    if document.pointer("/texts/default") == Some(&json!({})) {
        put_at(&mut document, "/texts/default", Value::Null);
    }
    Ok(document)
}

/// `GET …/branding/{client}`
pub async fn one(Path((pool_id, client_id)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let client = desk.client(&pool_id, &client_id).await?;
    let branding = desk.branding(&pool_id, &client_id).await?;
    let settings = settings_of(branding.as_ref());
    let (here, list) = (page_of(&pool_id, &client_id), list_of(&pool_id));
    let shown = match desk.note.draft() {
        Some(typed) => changed(&settings, &typed).unwrap_or_else(|_| settings.clone()),
        None => settings.clone(),
    };
    let mut blocks = vec![previews(&desk, &here, &shown)];
    let mut form = Form::new(&here, &desk.csrf(), "Save changes", fields(&settings)).cancel(&list);
    form.second = Some(("preview".to_owned(), "Preview".to_owned()));
    blocks.push(desk.put_edit(form.titled("Look").with("do", "look")));
    let picture = |name: &str, label: &str| {
        Field::new(name, label, Input::File { accept: "image/png,image/jpeg,image/webp" })
    };
    let logos = vec![
        picture("logo-light", "Logo for light pages").api("Assets").hint(
            "PNG, JPEG or WEBP, about 48 pixels high. It serves dark pages, too, unless they have their own.",
        ),
        picture("logo-dark", "Logo for dark pages").api("Assets"),
    ];
    let mut form = Form::new(format!("{here}/logo"), &desk.csrf(), "Upload", logos);
    form.has_files = true;
    blocks.push(desk.put(form.titled("Logo").with("do", "logo")));
    if branding.is_some() {
        let mut buttons = Vec::new();
        if !items_of(branding.as_ref()).is_empty() {
            buttons.push(Button::post(format!("{here}/logo/delete"), "Remove the logo", &[]));
        }
        buttons.push(Button::link(format!("{here}/delete"), "Back to Postern's own look"));
        blocks.push(Buttons { csrf: desk.csrf(), buttons }.html());
    }
    let place = Place::InPool {
        id: &pool_id,
        name: text(&pool, "Name"),
        page: PAGE,
        above: &list,
        above_name: TITLE,
    };
    let policy = format!("{PAGE_POLICY}; frame-src 'self'");
    desk.show_under(&policy, &place, text(&client, "ClientName"), "", blocks)
}

fn settings_of(branding: Option<&Document>) -> Value {
    branding
        .map(|branding| branding["Settings"].clone())
        .filter(Value::is_object)
        .unwrap_or_else(|| json!({}))
}

fn items_of(branding: Option<&Document>) -> Vec<Document> {
    branding.map(|branding| items(branding, "Assets").to_vec()).unwrap_or_default()
}

/// Says which colours could not be read as they were asked for, and what pages show instead.
fn adjusted(settings: &Value) -> Vec<String> {
    let Ok(settings) = Settings::read(settings) else { return Vec::new() };
    let said = brand::adjusted(&settings).into_iter().map(|it| {
        let label = ASKED.iter().find(|(name, _)| *name == it.name).map_or(it.name, |(_, label)| label);
        format!(
            "{label}, {}: {} could not be read where it stands. The pages show {} instead.",
            it.mode, it.asked, it.shown
        )
    });
    said.collect()
}

/// A page as it will look.
struct Preview {
    label: String,
    href: String,
    /// How wide a window it is shown in.
    size: &'static str,
}

#[derive(askama::Template)]
#[template(path = "console/previews.html")]
struct Previews {
    /// What is to be known about colours.
    notes: Vec<String>,
    previews: Vec<Preview>,
}

fn previews(desk: &Desk, here: &str, settings: &Value) -> Html {
    let scheme = settings.pointer(SCHEME).and_then(Value::as_str).unwrap_or("DYNAMIC").to_owned();
    let note = part(desk.asked("note"));
    let modes = MODES.iter().filter(|(_, _, fixed)| scheme == "DYNAMIC" || scheme == *fixed);
    let previews = modes.flat_map(|(mode, _, _)| {
        let note = note.clone();
        [
            ("sign-in", "Sign in", "phone"),
            ("code", "Check your email", "phone"),
            ("sign-in", "Sign in", "desk"),
        ]
        .map(move |(page, label, size)| Preview {
            label: format!("{label}, {mode}, {}", if size == "phone" { "on a phone" } else { "on a desk" }),
            href: format!("{here}/page?show={page}&mode={mode}&note={note}"),
            size,
        })
    });
    Previews { notes: adjusted(settings), previews: previews.collect() }.html()
}

/// `POST …/branding/{client}`: saves, or shows what was typed without saving it.
pub async fn save(Path((pool_id, client_id)): Path<(String, String)>, desk: Desk) -> Answered {
    let here = page_of(&pool_id, &client_id);
    let standing = desk.standing(Kept::Branding { client_id: client_id.clone() }).await?;
    let branding = desk.branding(&pool_id, &client_id).await?;
    let settings = settings_of(branding.as_ref());
    let document = match changed(&settings, desk.form()) {
        Ok(document) => document,
        Err(words) => return desk.back(&here, refusal(InvalidParameterException, words)).await,
    };
    let now = fields(&settings);
    if !desk.typed("preview").is_empty() {
        // What could not be saved cannot be shown either.
        if let Err(words) = Settings::read(&document) {
            return desk.back(&here, refusal(InvalidParameterException, words)).await;
        }
        return match desk.overtaken(&now, &here).await? {
            Some(told) => Ok(told),
            None => desk.go(&here, &Note::drafted(desk.form())).await,
        };
    }
    let (operation, mut input) = put(&pool_id, &client_id, branding.as_ref());
    input["Settings"] = document;
    let change = Change {
        service: Service::CognitoIdp,
        operation,
        input,
        words: "Branding saved",
        done: here.clone(),
        form: here,
    };
    desk.edit(standing, &now, change).await
}

/// The operation that changes a branding, or makes it.
fn put(pool_id: &str, client_id: &str, branding: Option<&Document>) -> (&'static str, Document) {
    match branding {
        Some(branding) => (
            "UpdateManagedLoginBranding",
            json!({ "UserPoolId": pool_id, "ManagedLoginBrandingId": text(branding, "ManagedLoginBrandingId") }),
        ),
        None => ("CreateManagedLoginBranding", json!({ "UserPoolId": pool_id, "ClientId": client_id })),
    }
}

/// `POST …/branding/{client}/logo`
pub async fn upload(Path((pool_id, client_id)): Path<(String, String)>, desk: Desk) -> Answered {
    let here = page_of(&pool_id, &client_id);
    let branding = desk.branding(&pool_id, &client_id).await?;
    let given = MODES.iter().filter_map(|(mode, _, name)| {
        let bytes = desk.file(&format!("logo-{mode}")).filter(|bytes| !bytes.is_empty())?;
        Some((*name, bytes))
    });
    let given: Vec<(&str, &Bytes)> = given.collect();
    if given.is_empty() {
        return desk.back(&here, refusal(InvalidParameterException, "Choose a picture.")).await;
    }
    let mut assets = items_of(branding.as_ref());
    for (mode, bytes) in given {
        let Some((extension, _)) = branding::kind_of(bytes) else {
            let words = "The picture must be a PNG, JPEG or WEBP.";
            return desk.back(&here, refusal(InvalidParameterException, words)).await;
        };
        assets.retain(|asset| asset["Category"] != "FORM_LOGO" || asset["ColorMode"] != mode);
        assets.push(json!({
            "Category": "FORM_LOGO", "ColorMode": mode, "Extension": extension, "Bytes": STANDARD.encode(bytes),
        }));
    }
    put_assets(&desk, &pool_id, &client_id, branding.as_ref(), assets, "Logo saved").await
}

/// `POST …/branding/{client}/logo/delete`
pub async fn drop_logo(Path((pool_id, client_id)): Path<(String, String)>, desk: Desk) -> Answered {
    let branding = desk.branding(&pool_id, &client_id).await?;
    let mut assets = items_of(branding.as_ref());
    assets.retain(|asset| asset["Category"] != "FORM_LOGO");
    put_assets(&desk, &pool_id, &client_id, branding.as_ref(), assets, "Logo removed").await
}

async fn put_assets(
    desk: &Desk,
    pool_id: &str,
    client_id: &str,
    branding: Option<&Document>,
    assets: Vec<Document>,
    words: &str,
) -> Answered {
    let here = page_of(pool_id, client_id);
    let (operation, mut input) = put(pool_id, client_id, branding);
    input["Assets"] = assets.into();
    let call = found(Service::CognitoIdp, operation);
    match desk.call(call, &input).await {
        // The command would be as long as the pictures.
        Ok(_) => desk.go(&here, &Note::done(words)).await,
        Err(error) => desk.back(&here, error).await,
    }
}

/// `GET …/branding/{client}/delete`
pub async fn ask_delete(Path((pool_id, client_id)): Path<(String, String)>, desk: Desk) -> Answered {
    let (pool, client) = (desk.pool(&pool_id).await?, desk.client(&pool_id, &client_id).await?);
    let (here, name) = (page_of(&pool_id, &client_id), text(&client, "ClientName"));
    let form = deletion(&desk, "branding", name, &format!("{here}/delete"), &here);
    let place =
        Place::InPool { id: &pool_id, name: text(&pool, "Name"), page: PAGE, above: &here, above_name: name };
    let lead = "Colours, words and logos of this app client's pages are gone. The pages have Postern's own look then.";
    desk.show(&place, "Delete branding", lead, vec![form])
}

/// `POST …/branding/{client}/delete`
pub async fn delete(Path((pool_id, client_id)): Path<(String, String)>, desk: Desk) -> Answered {
    let here = page_of(&pool_id, &client_id);
    let client = desk.client(&pool_id, &client_id).await?;
    if let Err(error) = asked_for_name(desk.typed("confirm"), text(&client, "ClientName")) {
        return desk.back(&format!("{here}/delete"), error).await;
    }
    let branding = desk.branding(&pool_id, &client_id).await?.unwrap_or_default();
    let id = text(&branding, "ManagedLoginBrandingId").to_owned();
    desk.change(Change {
        service: Service::CognitoIdp,
        operation: "DeleteManagedLoginBranding",
        input: json!({ "UserPoolId": pool_id, "ManagedLoginBrandingId": id }),
        words: "The pages have Postern's own look again",
        done: here.clone(),
        form: here,
    })
    .await
}

impl Desk {
    /// The look of an app client in one mode, with what was typed and is not saved yet.
    async fn previewed(&self, pool_id: &str, client_id: &str) -> Result<Style, Stopped> {
        let branding = self.branding(pool_id, client_id).await?;
        let stored = settings_of(branding.as_ref());
        let document = match self.note.draft() {
            Some(typed) => changed(&stored, &typed).unwrap_or(stored),
            None => stored,
        };
        let mut settings = Settings::read(&document).unwrap_or_default();
        settings.mode = if self.asked("mode") == "dark" { Mode::Dark } else { Mode::Light };
        let id =
            branding.as_ref().map(|it| text(it, "ManagedLoginBrandingId").to_owned()).unwrap_or_default();
        let asked = id.clone();
        let kept: anyhow::Result<Option<Style>> =
            self.app.store.read(move |tx| branding::by_id(tx, &asked)).await;
        let kept = kept.map_err(|cause| self.stopped(Error::Failed(cause)))?;
        let pictures = kept.map(|style| style.pictures).unwrap_or_default();
        Ok(Style { id, settings, pictures, css: String::new() })
    }
}

/// `GET …/branding/{client}/style.css`
pub async fn sheet(Path((pool_id, client_id)): Path<(String, String)>, desk: Desk) -> Answered {
    let style = desk.previewed(&pool_id, &client_id).await?;
    Ok(response(StatusCode::OK, "text/css; charset=utf-8", brand::css(&style)))
}

/// `GET …/branding/{client}/page`: a sign-in page as it will look, to be shown within the console and nowhere else.
pub async fn page(Path((pool_id, client_id)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let client = desk.client(&pool_id, &client_id).await?;
    let style = desk.previewed(&pool_id, &client_id).await?;
    let (is_dark, note) = (style.settings.mode == Mode::Dark, part(desk.asked("note")));
    let mut brand = Brand::of(&style, Language::English);
    let mode = if is_dark { "dark" } else { "light" };
    brand.css_href = format!("{}/style.css?mode={mode}&note={note}", page_of(&pool_id, &client_id));
    // The mode is fixed here, whatever the system says.
    brand.logo =
        brand.logo.map(|(light, dark)| if is_dark { (dark.clone(), dark) } else { (light.clone(), light) });
    let host = desk.app.public_host().to_owned();
    let frame =
        Frame { brand: Some(brand), ..Frame::new(Language::English, text(&client, "ClientName"), &host) };
    let form = PageForm { flow: String::new(), csrf: String::new() };
    let html = match desk.asked("show") {
        "code" => check_code(frame, form).render(),
        _ => identify(frame, form, &pool, &client).render(),
    };
    let policy = PAGE_POLICY
        .replace("frame-ancestors 'none'", "frame-ancestors 'self'")
        .replace("script-src 'self'", "script-src 'none'");
    Ok(page_under(&policy, StatusCode::OK, html))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_goes_on_top_of_what_is_there() {
        let before = json!({
            "components": { "pageBackground": { "lightMode": { "color": "ffffffff" }, "image": { "enabled": true } } },
            "texts": { "default": { "heading": "Old" }, "de": { "heading": "Alt" } },
        });
        let typed = Pairs::from([
            ("scheme", "DYNAMIC"),
            ("light-ground", ""),
            ("light-brand", "#FD0"),
            ("dark-link", "#00ff00"),
            ("card", "4"),
            ("heading", ""),
            ("privacy", "https://shop.example/privacy"),
        ]);
        let after = changed(&before, &typed).expect("colours");
        assert_eq!(
            after,
            json!({
                "components": {
                    "pageBackground": { "lightMode": {}, "image": { "enabled": true } },
                    "primaryButton": { "lightMode": { "defaults": { "backgroundColor": "ffdd00ff" } } },
                    "form": { "borderRadius": 4 },
                },
                "componentClasses": { "link": { "darkMode": { "defaults": { "textColor": "00ff00ff" } } } },
                "texts": { "de": { "heading": "Alt" } },
                "links": { "privacy": "https://shop.example/privacy" },
            })
        );
        assert!(Settings::read(&after).is_ok());
        // Nothing typed changes nothing.
        assert_eq!(changed(&json!({}), &Pairs::from([("scheme", "DYNAMIC")])), Ok(json!({})));
    }

    #[test]
    fn fields_are_filled_with_what_they_would_save() {
        let settings = json!({
            "categories": { "global": { "colorSchemeMode": "DARK" } },
            "components": { "primaryButton": { "darkMode": { "defaults": { "backgroundColor": "0a0b0cff" } } } },
        });
        let typed: Vec<(String, String)> = fields(&settings)
            .iter()
            .map(|field| match &field.input {
                Input::Select(choices) => {
                    choices.iter().find(|it| it.on).map(|it| it.value.clone()).unwrap_or_default()
                }
                _ => field.words().join(""),
            })
            .zip(fields(&settings))
            .map(|(value, field)| (field.name, value))
            .collect();
        assert_eq!(changed(&settings, &Pairs::from_iter(typed)), Ok(settings));
    }

    #[test]
    fn a_colour_that_is_none_is_named() {
        let words =
            changed(&json!({}), &Pairs::from([("light-on-brand", "reddish")])).expect_err("no colour");
        assert_eq!(words, "Button text, light: reddish is not a colour like #1d6b62.");
    }
}
