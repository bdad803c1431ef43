//! What a brand makes of a page: another value for some of the stylesheet's properties, each such that people can still
//! read; a logo; and an operator's own words. There is no second stylesheet.

use super::colour::{self, MARK, TEXT};
use super::{assets, words::Language};
use aws_lc_rs::digest::{SHA256, digest};
use postern_pools::branding::{Colour, Mode, Settings, Style};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const LOGOS: [&str; 2] = ["FORM_LOGO", "PAGE_HEADER_LOGO"];
const FAVICON: [&str; 1] = ["FAVICON_ICO"];
const BACKGROUND: [&str; 1] = ["PAGE_BACKGROUND"];

/// A brand as pages show it.
#[derive(Clone, Debug, Default)]
pub struct Brand {
    pub css_href: String,
    /// For light pages, and for dark ones.
    pub logo: Option<(String, String)>,
    pub icon_href: Option<String>,
    pub heading: Option<String>,
    pub instructions: Option<String>,
    pub privacy_href: Option<String>,
    pub help_href: Option<String>,
}

impl Brand {
    /// Makes a brand for people who read a language.
    pub fn of(style: &Style, language: Language) -> Brand {
        let texts = &style.settings.texts;
        let own = texts.get(language.tag()).or_else(|| texts.get("default")).cloned().unwrap_or_default();
        let logo =
            |mode| style.picture(&LOGOS, mode).map(|row| picture_href(&style.id, row.number, &row.hash));
        let light = logo("LIGHT").or_else(|| logo("DARK"));
        let dark = logo("DARK").or_else(|| light.clone());
        let (light, dark) = match style.settings.mode {
            Mode::Light => (light.clone(), light),
            Mode::Dark => (dark.clone(), dark),
            Mode::Dynamic => (light, dark),
        };
        let icon = style.picture(&FAVICON, "DYNAMIC").or_else(|| style.picture(&FAVICON, "LIGHT"));
        Brand {
            css_href: css_href(style),
            logo: light.zip(dark),
            icon_href: icon.map(|row| picture_href(&style.id, row.number, &row.hash)),
            heading: own.heading,
            instructions: own.instructions,
            privacy_href: style.settings.privacy_href.clone(),
            help_href: style.settings.help_href.clone(),
        }
    }
}

/// Where a style's properties are; another address for another content.
fn css_href(style: &Style) -> String {
    let hash = hex::encode(&digest(&SHA256, css(style).as_bytes()).as_ref()[..6]);
    format!("/brand/{}/style-{hash}.css", style.id)
}

/// Where a picture is. Its kind is told by its content type.
pub fn picture_href(id: &str, number: i64, hash: &str) -> String {
    format!("/brand/{id}/{number}-{hash}")
}

/// The stylesheet's own values in one mode, in their order.
type Palette = Vec<(&'static str, &'static str)>;

/// The values of the light mode, and those that the dark mode puts over them.
static DEFAULTS: LazyLock<(Palette, Palette)> = LazyLock::new(|| {
    let css = std::str::from_utf8(assets::CSS).expect("the stylesheet is text");
    let (light, rest) = css.split_once("@media (prefers-color-scheme: dark)").expect("it has two modes");
    (declared(light), declared(rest))
});

/// The custom properties of the first `:root` block.
fn declared(css: &'static str) -> Palette {
    let (_, block) = css.split_once(":root {").expect("properties are set on the root");
    let (block, _) = block.split_once('}').expect("a block ends");
    block
        .split(';')
        .filter_map(|declaration| declaration.trim().strip_prefix("--")?.split_once(": "))
        .collect()
}

/// Writes a style's properties as CSS.
pub fn css(style: &Style) -> String {
    let settings = &style.settings;
    let (light, dark) = &*DEFAULTS;
    let light_own = values(light, &settings.light);
    let whole_dark = whole(light, dark);
    let dark_own = values(&whole_dark, &settings.dark);
    let mut shape: Vec<(String, String)> = Vec::new();
    shape.extend(settings.button_radius.map(|pixels| ("round".to_owned(), format!("{pixels}px"))));
    shape.extend(settings.form_radius.map(|pixels| ("card-round".to_owned(), format!("{pixels}px"))));
    let fixed = |scheme: &str, all: &Palette, own: &[(String, String)]| {
        let mut all: Vec<(String, String)> =
            all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        all.retain(|(name, _)| {
            name != "sans" && name != "mono" && !own.iter().any(|(other, _)| other == name)
        });
        all.extend_from_slice(own);
        all.retain(|(name, _)| !shape.iter().any(|(other, _)| other == name));
        all.extend_from_slice(&shape);
        format!(":root{{color-scheme:{scheme};{}}}\n", written(&all))
    };
    let mut out = match settings.mode {
        Mode::Light => fixed("light", light, &light_own),
        Mode::Dark => fixed("dark", &whole_dark, &dark_own),
        Mode::Dynamic => {
            let own: Vec<_> = light_own.into_iter().chain(shape.iter().cloned()).collect();
            format!(
                ":root{{{}}}\n@media (prefers-color-scheme: dark){{:root{{{}}}}}\n",
                written(&own),
                written(&dark_own)
            )
        }
    };
    if let Some(row) = style.picture(&BACKGROUND, "LIGHT") {
        let href = picture_href(&style.id, row.number, &row.hash);
        out.push_str(&format!(".door{{background-image:url({href});background-size:cover}}\n"));
    }
    out.push_str(&plate(style, light, &whole_dark));
    out.push_str(&style.css);
    out
}

/// The ground of the other mode behind a logo that was made for that one alone.
fn plate(style: &Style, light: &Palette, dark: &Palette) -> String {
    let has = |mode| style.picture(&LOGOS, mode).is_some();
    let own = &style.settings;
    let (colours, defaults, at) = match (has("LIGHT"), has("DARK"), own.mode) {
        (true, false, Mode::Dynamic) => (&own.light, light, "@media (prefers-color-scheme: dark)"),
        (true, false, Mode::Dark) => (&own.light, light, "@media all"),
        (false, true, Mode::Dynamic) => (&own.dark, dark, "@media (prefers-color-scheme: light)"),
        (false, true, Mode::Light) => (&own.dark, dark, "@media all"),
        _ => return String::new(),
    };
    let default =
        || defaults.iter().find(|(name, _)| *name == "surface").map(|(_, value)| (*value).to_owned());
    let surface = colours.get("surface").map(|colour| colour::text(*colour)).or_else(default);
    let surface = surface.unwrap_or_default();
    format!("{at}{{.brand img{{background:{surface};padding:.5rem .75rem;border-radius:var(--round)}}}}\n")
}

/// The values of the dark mode, over those of the light one.
fn whole(light: &Palette, dark: &Palette) -> Palette {
    let mut whole = light.clone();
    whole.retain(|(name, _)| !dark.iter().any(|(other, _)| other == name));
    whole.extend(dark.iter().copied());
    whole
}

/// A colour that pages do not show as it was asked for, because it could not be read where it stands.
#[derive(Debug, PartialEq, Eq)]
pub struct Adjusted {
    pub mode: &'static str,
    /// The stylesheet's name of it.
    pub name: &'static str,
    pub asked: String,
    pub shown: String,
}

/// The colours of a brand that pages show in another shade.
pub fn adjusted(settings: &Settings) -> Vec<Adjusted> {
    let (light, dark) = &*DEFAULTS;
    let mut all = Vec::new();
    for (mode, defaults, given) in
        [("light", light.clone(), &settings.light), ("dark", whole(light, dark), &settings.dark)]
    {
        let own = values(&defaults, given);
        for (name, asked) in given {
            let shown = own.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            let default =
                || defaults.iter().find(|(known, _)| known == name).map(|(_, value)| (*value).to_owned());
            let (asked, shown) = (colour::text(*asked), shown.or_else(default).unwrap_or_default());
            if colour::parse(&shown) != colour::parse(&asked) {
                all.push(Adjusted { mode, name, asked, shown });
            }
        }
    }
    all
}

fn written(values: &[(String, String)]) -> String {
    let values: Vec<String> = values.iter().map(|(name, value)| format!("--{name}:{value}")).collect();
    values.join(";")
}

/// What a brand's colours come to in one mode: those that differ from the stylesheet's own. Grounds are as they are
/// asked for; all that stands on them gets the nearest shade that can be read there.
fn values(defaults: &Palette, given: &BTreeMap<&'static str, Colour>) -> Vec<(String, String)> {
    if given.is_empty() {
        return Vec::new();
    }
    let default = |name: &str| {
        let value = defaults.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        value.and_then(colour::parse).unwrap_or(Colour([128; 3]))
    };
    let asked = |name: &str| given.get(name).copied();
    let mut own: Vec<(&str, Colour)> = Vec::new();
    let ground = asked("ground").unwrap_or_else(|| default("ground"));
    let surface = asked("surface").unwrap_or_else(|| default("surface"));
    let behind = [ground, surface];
    let ink = colour::readable(asked("ink").unwrap_or_else(|| default("ink")), &behind, TEXT);
    let sunken = match asked("surface") {
        Some(surface) => colour::mixed(surface, ink, 2),
        None => default("sunken"),
    };
    let grounds = [ground, surface, sunken];
    let on = |name: &str, else_name: &str, against: &[Colour], ratio: f64| {
        let wanted = asked(name).or_else(|| asked(else_name)).unwrap_or_else(|| default(else_name));
        colour::readable(wanted, against, ratio)
    };
    let brand = on("brand", "brand", &[surface], MARK);
    let strong = match (asked("brand-strong"), asked("brand")) {
        (Some(strong), _) => colour::readable(strong, &[surface], MARK),
        (None, Some(_)) => colour::readable(colour::mixed(brand, ink, 8), &[surface], MARK),
        (None, None) => default("brand-strong"),
    };
    // Black or white can be read on any colour; a button under the pointer must suit what is written on it at rest.
    let on_brand = on("on-brand", "on-brand", &[brand], TEXT);
    let strong = colour::readable(strong, &[on_brand], TEXT);
    own.push(("ground", ground));
    own.push(("surface", surface));
    own.push(("sunken", sunken));
    own.push(("ink", colour::readable(ink, &grounds, TEXT)));
    own.push(("quiet", on("quiet", "quiet", &grounds, TEXT)));
    own.push(("line", asked("line").unwrap_or_else(|| default("line"))));
    own.push(("control", on("control", "control", &[surface], MARK)));
    own.push(("brand", brand));
    own.push(("brand-strong", strong));
    own.push(("on-brand", on_brand));
    own.push(("link", on("link", "brand", &grounds, TEXT)));
    own.push(("link-strong", colour::readable(asked("link-strong").unwrap_or(strong), &grounds, TEXT)));
    own.push(("focus", on("focus", "brand", &[ground, surface], MARK)));
    own.push(("wrong", colour::readable(default("wrong"), &[surface, default("wrong-ground")], TEXT)));
    own.push(("good", colour::readable(default("good"), &[surface, default("good-ground")], TEXT)));
    own.into_iter()
        .map(|(name, colour)| (name.to_owned(), colour::text(colour)))
        .filter(|(name, value)| !defaults.iter().any(|(known, default)| known == name && default == value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_store::branding::PictureRow;
    use serde_json::{Value, json};

    fn style(settings: &Value) -> Style {
        let settings = Settings::read(settings).expect("settings");
        Style { id: "b".into(), settings, pictures: Vec::new(), css: String::new() }
    }

    fn property(css: &str, name: &str) -> Option<Colour> {
        let (_, rest) = css.split_once(&format!("--{name}:"))?;
        colour::parse(rest.split([';', '}']).next()?)
    }

    #[test]
    fn without_colours_nothing_is_overruled() {
        assert_eq!(css(&style(&json!({}))), ":root{}\n@media (prefers-color-scheme: dark){:root{}}\n");
    }

    #[test]
    fn colours_that_cannot_be_read_are_not_taken_as_they_are() {
        // Yellow buttons with white words on a white card, grey words on grey.
        let css = css(&style(&json!({ "components": {
            "pageBackground": { "lightMode": { "color": "808080ff" } },
            "pageText": { "lightMode": { "bodyColor": "888888ff" } },
            "primaryButton": { "lightMode": { "defaults": {
                "backgroundColor": "ffee00ff", "textColor": "ffffffff"
            } } },
        } })));
        let of = |name: &str| property(&css, name).unwrap_or_else(|| panic!("no {name} in {css}"));
        assert_eq!(of("ground"), Colour([128; 3]));
        assert!(colour::contrast(of("ink"), of("ground")) >= TEXT);
        assert!(colour::contrast(of("on-brand"), of("brand")) >= TEXT);
        assert!(colour::contrast(of("on-brand"), of("brand-strong")) >= TEXT);
        assert!(colour::contrast(of("brand"), Colour([255, 254, 251])) >= MARK);
        assert!(colour::contrast(of("link"), Colour([255, 254, 251])) >= TEXT);
    }

    #[test]
    fn a_fixed_mode_is_the_same_whatever_the_system_says() {
        let light = css(&style(&json!({ "categories": { "global": { "colorSchemeMode": "LIGHT" } } })));
        assert!(light.starts_with(":root{color-scheme:light;") && !light.contains("@media"), "{light}");
        assert!(light.contains("--ground:#f3f1ec") && light.contains("--shadow:"));
        let dark = css(&style(&json!({ "categories": { "global": { "colorSchemeMode": "DARK" } } })));
        assert!(dark.contains("color-scheme:dark") && dark.contains("--ground:#141918"), "{dark}");
    }

    #[test]
    fn a_logo_is_shown_in_the_mode_that_it_is_for_or_on_its_ground() {
        let shown = |mode: &str, logos: &[&str]| {
            let mut style = style(&json!({ "categories": { "global": { "colorSchemeMode": mode } } }));
            style.pictures = logos
                .iter()
                .map(|mode| PictureRow {
                    number: 0,
                    category: "FORM_LOGO".to_owned(),
                    color_mode: (*mode).to_owned(),
                    extension: "PNG".to_owned(),
                    resource_id: None,
                    hash: (*mode).to_owned(),
                })
                .collect();
            let (light, dark) = Brand::of(&style, Language::English).logo.expect("a logo");
            let plate = css(&style).lines().find(|line| line.contains(".brand img")).map(str::to_owned);
            (light, dark, plate.unwrap_or_default())
        };
        let both = ["LIGHT", "DARK"];
        let (light, dark, plate) = shown("LIGHT", &both);
        assert!(light.ends_with("-LIGHT") && dark == light && plate.is_empty());
        let (light, dark, plate) = shown("DARK", &both);
        assert!(light.ends_with("-DARK") && dark == light && plate.is_empty());
        let (light, dark, plate) = shown("DYNAMIC", &both);
        assert!(light.ends_with("-LIGHT") && dark.ends_with("-DARK") && plate.is_empty());
        let (_, dark, plate) = shown("DYNAMIC", &["LIGHT"]);
        assert!(dark.ends_with("-LIGHT"));
        assert!(
            plate.starts_with("@media (prefers-color-scheme: dark){.brand img{background:#fffefb;"),
            "{plate}"
        );
        assert!(shown("DYNAMIC", &["DYNAMIC"]).2.is_empty());
        assert!(shown("DARK", &["LIGHT"]).2.starts_with("@media all{"));
    }

    #[test]
    fn what_is_shown_in_another_shade_is_told() {
        let settings = |button: &str, words: &str| {
            let defaults = json!({ "backgroundColor": button, "textColor": words });
            let document =
                json!({ "components": { "primaryButton": { "darkMode": { "defaults": defaults } } } });
            Settings::read(&document).expect("settings")
        };
        assert_eq!(adjusted(&settings("103030ff", "ffffffff")).len(), 1);
        let told = adjusted(&settings("ffd200ff", "ffffffff"));
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].mode, told[0].name, told[0].asked.as_str()), ("dark", "on-brand", "#ffffff"));
        assert!(adjusted(&settings("ffd200ff", "000000ff")).is_empty());
    }

    #[test]
    fn shape_is_set_by_pixels() {
        let css = css(&style(&json!({
            "components": { "form": { "borderRadius": 3 } },
            "componentClasses": { "buttons": { "borderRadius": 0 } },
        })));
        assert!(css.contains("--round:0px") && css.contains("--card-round:3px"), "{css}");
    }
}
