//! The settings document of a managed login branding: which members there are, and what the pages take from it.

use super::Colour;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What pages take from the settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pub mode: Mode,
    /// By the names of the stylesheet's properties.
    pub light: BTreeMap<&'static str, Colour>,
    pub dark: BTreeMap<&'static str, Colour>,
    /// Pixels.
    pub button_radius: Option<u64>,
    pub form_radius: Option<u64>,
    /// By language; `default` is for all others.
    pub texts: BTreeMap<String, Texts>,
    pub privacy_href: Option<String>,
    pub help_href: Option<String>,
}

/// Whether one of the two modes is fixed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    Light,
    Dark,
    /// As the person's system has it.
    #[default]
    Dynamic,
}

/// An operator's own words on the first page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    pub heading: Option<String>,
    pub instructions: Option<String>,
}

/// The members of the document, as the Developer Guide shows them; `texts` and `links` are ours.
const MEMBERS: &[(&str, &[&str])] = &[
    ("categories", &["auth", "form", "global", "signUp"]),
    (
        "components",
        &[
            "alert",
            "favicon",
            "form",
            "idpButton",
            "pageBackground",
            "pageFooter",
            "pageHeader",
            "pageText",
            "phoneNumberSelector",
            "primaryButton",
            "secondaryButton",
        ],
    ),
    (
        "componentClasses",
        &[
            "buttons",
            "divider",
            "dropDown",
            "focusState",
            "idpButtons",
            "input",
            "inputDescription",
            "inputLabel",
            "link",
            "optionControls",
            "statusIndicator",
        ],
    ),
];
const TEXTS: &str = "texts";
const LINKS: &str = "links";

/// Where each of the stylesheet's colours stands in the document.
pub const COLOURS: &[(&str, &str, &str)] = &[
    ("ground", "/components/pageBackground", "/color"),
    ("surface", "/components/form", "/backgroundColor"),
    ("line", "/components/form", "/borderColor"),
    ("ink", "/components/pageText", "/bodyColor"),
    ("quiet", "/components/pageText", "/descriptionColor"),
    ("brand", "/components/primaryButton", "/defaults/backgroundColor"),
    ("brand-strong", "/components/primaryButton", "/hover/backgroundColor"),
    ("on-brand", "/components/primaryButton", "/defaults/textColor"),
    ("link", "/componentClasses/link", "/defaults/textColor"),
    ("link-strong", "/componentClasses/link", "/hover/textColor"),
    ("control", "/componentClasses/input", "/defaults/borderColor"),
    ("focus", "/componentClasses/focusState", "/borderColor"),
];

const DEPTH_MAX: usize = 12;
const RADIUS_MAX: u64 = 100;
const HEADING_MAX: usize = 80;
const INSTRUCTIONS_MAX: usize = 500;
const HREF_MAX: usize = 2048;

impl Settings {
    /// Reads a document, or says what is wrong with it. What pages do not use is let through if it has its place.
    pub fn read(document: &Value) -> Result<Settings, String> {
        let empty = Map::new();
        let root = match document {
            Value::Null => &empty,
            Value::Object(root) => root,
            _ => return Err("Settings must be an object.".into()),
        };
        for (name, value) in root {
            if name == TEXTS || name == LINKS {
                continue;
            }
            let Some((_, members)) = MEMBERS.iter().find(|(known, _)| known == name) else {
                return Err(format!("Settings has an unknown member {name}."));
            };
            let inner = value.as_object().ok_or_else(|| format!("{name} must be an object."))?;
            if let Some(unknown) = inner.keys().find(|key| !members.contains(&key.as_str())) {
                return Err(format!("{name} has an unknown member {unknown}."));
            }
        }
        well_formed(document, "Settings", 0)?;
        let mode = match document.pointer("/categories/global/colorSchemeMode").map(Value::as_str) {
            None => Mode::Dynamic,
            Some(Some("LIGHT")) => Mode::Light,
            Some(Some("DARK")) => Mode::Dark,
            Some(Some("DYNAMIC")) => Mode::Dynamic,
            Some(_) => return Err("colorSchemeMode must be LIGHT, DARK or DYNAMIC.".into()),
        };
        let colours = |mode: &str, under: [u8; 3]| -> BTreeMap<&'static str, Colour> {
            COLOURS
                .iter()
                .filter_map(|(name, before, after)| {
                    let text = document.pointer(&format!("{before}/{mode}{after}"))?.as_str()?;
                    Some((*name, colour(text, under)?))
                })
                .collect()
        };
        Ok(Settings {
            mode,
            light: colours("lightMode", [255; 3]),
            dark: colours("darkMode", [0; 3]),
            button_radius: radius(document, "/componentClasses/buttons/borderRadius")?,
            form_radius: radius(document, "/components/form/borderRadius")?,
            texts: texts(root.get(TEXTS))?,
            privacy_href: href(root.get(LINKS), "privacy")?,
            help_href: href(root.get(LINKS), "help")?,
        })
    }
}

/// Sees to it that colours are colours wherever they stand, and that nothing is nested without end.
fn well_formed(value: &Value, name: &str, depth: usize) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err("Settings is nested too deeply.".into());
    }
    match value {
        Value::Object(members) => {
            members.iter().try_for_each(|(name, value)| well_formed(value, name, depth + 1))
        }
        Value::Array(items) => items.iter().try_for_each(|item| well_formed(item, name, depth + 1)),
        Value::String(text) if name == "color" || name.ends_with("Color") => match colour(text, [255; 3]) {
            Some(_) => Ok(()),
            None => Err(format!("{name} must be a colour in hexadecimal, like 0f1b2aff.")),
        },
        _ => Ok(()),
    }
}

/// Reads `rrggbb` or `rrggbbaa`, laid on what is under it.
fn colour(text: &str, under: [u8; 3]) -> Option<Colour> {
    if !matches!(text.len(), 6 | 8) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    let (red, green, blue) = (byte(0)?, byte(2)?, byte(4)?);
    let alpha = u32::from(if text.len() == 8 { byte(6)? } else { 255 });
    let laid = |above: u8, below: u8| {
        let mixed = (u32::from(above) * alpha + u32::from(below) * (255 - alpha) + 127) / 255;
        u8::try_from(mixed).unwrap_or(u8::MAX)
    };
    Some(Colour([laid(red, under[0]), laid(green, under[1]), laid(blue, under[2])]))
}

fn radius(document: &Value, pointer: &str) -> Result<Option<u64>, String> {
    let Some(value) = document.pointer(pointer) else { return Ok(None) };
    match value.as_f64() {
        Some(pixels) if (0.0..=RADIUS_MAX as f64).contains(&pixels) => Ok(Some(pixels.round() as u64)),
        _ => Err(format!("borderRadius must be a number from 0 to {RADIUS_MAX}.")),
    }
}

fn texts(given: Option<&Value>) -> Result<BTreeMap<String, Texts>, String> {
    let Some(given) = given else { return Ok(BTreeMap::new()) };
    let languages = given.as_object().ok_or("texts must be an object of languages.")?;
    let text = |words: &Map<String, Value>, name: &str, longest: usize| match words.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if (1..=longest).contains(&text.chars().count()) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{name} must be a text of at most {longest} characters.")),
    };
    languages
        .iter()
        .map(|(language, words)| {
            let words = words.as_object().ok_or_else(|| format!("texts.{language} must be an object."))?;
            if let Some(unknown) =
                words.keys().find(|key| !["heading", "instructions"].contains(&key.as_str()))
            {
                return Err(format!("texts.{language} has an unknown member {unknown}."));
            }
            let heading = text(words, "heading", HEADING_MAX)?;
            let instructions = text(words, "instructions", INSTRUCTIONS_MAX)?;
            Ok((language.clone(), Texts { heading, instructions }))
        })
        .collect()
}

fn href(links: Option<&Value>, name: &str) -> Result<Option<String>, String> {
    let Some(links) = links else { return Ok(None) };
    let links = links.as_object().ok_or("links must be an object.")?;
    if let Some(unknown) = links.keys().find(|key| !["privacy", "help"].contains(&key.as_str())) {
        return Err(format!("links has an unknown member {unknown}."));
    }
    match links.get(name) {
        None => Ok(None),
        Some(Value::String(href)) if is_web_address(href) => Ok(Some(href.clone())),
        Some(_) => Err(format!("links.{name} must be an https address.")),
    }
}

/// Tells whether a page may link there: an address of the web, with TLS.
pub fn is_web_address(href: &str) -> bool {
    href.len() <= HREF_MAX
        && href.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && href.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_pages_use_is_taken_from_its_place() {
        let settings = Settings::read(&json!({
            "categories": { "global": { "colorSchemeMode": "LIGHT", "spacingDensity": "REGULAR" } },
            "components": {
                "pageBackground": { "lightMode": { "color": "102030ff" }, "darkMode": { "color": "ffffff00" } },
                "form": { "borderRadius": 8.0, "lightMode": { "backgroundColor": "ffffff80" } },
            },
            "componentClasses": { "buttons": { "borderRadius": 4 } },
            "texts": { "de": { "heading": "Willkommen" }, "default": { "instructions": "Use your work address." } },
            "links": { "privacy": "https://shop.example/privacy" },
        }))
        .expect("settings");
        assert_eq!(settings.mode, Mode::Light);
        assert_eq!(settings.light["ground"], Colour([0x10, 0x20, 0x30]));
        assert_eq!(settings.dark["ground"], Colour([0, 0, 0]));
        assert_eq!(settings.light["surface"], Colour([255; 3]));
        assert_eq!((settings.button_radius, settings.form_radius), (Some(4), Some(8)));
        assert_eq!(settings.texts["de"].heading.as_deref(), Some("Willkommen"));
        assert_eq!(settings.privacy_href.as_deref(), Some("https://shop.example/privacy"));
        assert_eq!(Settings::read(&json!({})), Ok(Settings::default()));
        assert_eq!(Settings::read(&Value::Null), Ok(Settings::default()));
    }

    #[test]
    fn what_has_no_place_or_no_sense_is_refused_by_name() {
        let mut deep = json!(1);
        for _ in 0..20 {
            deep = json!({ "x": deep });
        }
        for (document, words) in [
            (json!([]), "Settings must be an object."),
            (json!({ "colours": {} }), "Settings has an unknown member colours."),
            (json!({ "components": { "script": {} } }), "components has an unknown member script."),
            (json!({ "components": [] }), "components must be an object."),
            (json!({ "components": { "alert": deep } }), "Settings is nested too deeply."),
            (
                json!({ "components": { "alert": { "lightMode": { "borderColor": "red;}" } } } }),
                "borderColor must be a colour in hexadecimal, like 0f1b2aff.",
            ),
            (
                json!({ "categories": { "global": { "colorSchemeMode": "BLUE" } } }),
                "colorSchemeMode must be LIGHT, DARK or DYNAMIC.",
            ),
            (
                json!({ "componentClasses": { "buttons": { "borderRadius": 101 } } }),
                "borderRadius must be a number from 0 to 100.",
            ),
            (json!({ "links": { "help": "javascript:alert(1)" } }), "links.help must be an https address."),
            (json!({ "links": { "home": "https://a.example" } }), "links has an unknown member home."),
            (json!({ "texts": { "en": { "footer": "x" } } }), "texts.en has an unknown member footer."),
            (
                json!({ "texts": { "en": { "heading": "x".repeat(81) } } }),
                "heading must be a text of at most 80 characters.",
            ),
        ] {
            assert_eq!(Settings::read(&document), Err(words.to_owned()));
        }
    }
}
