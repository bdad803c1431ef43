//! Every page as a struct with the fields it shows and a template beside it (`templates/`). Pages decide nothing: who
//! serves them says what state they are in. Forms work without script; `assets/` only makes them pleasanter.

pub mod assets;
pub mod brand;
pub mod code;
pub mod colour;
pub mod confirm_link;
pub mod console;
pub mod demo;
pub mod factor;
pub mod forgot;
pub mod inbox;
pub mod language;
pub mod links;
pub mod login;
pub mod moment;
pub mod passkey;
pub mod problem;
pub mod second_factor;
pub mod undo;
pub mod words;

use brand::Brand;
use words::{Language, Words};

/// What can be shown.
pub trait Page {
    /// Writes the page's HTML, every value escaped.
    fn render(&self) -> String;
}

impl<T: askama::Template> Page for T {
    fn render(&self) -> String {
        askama::Template::render(self).expect("writing into memory does not fail")
    }
}

/// What stands around the question on a card: whose sign-in this is, and where.
#[derive(Clone)]
pub struct Frame {
    pub words: &'static Words,
    /// The app's name. Empty where it is not known.
    pub app: String,
    /// The host people see in the address bar, shown so that a relay can be noticed.
    pub host: String,
    /// Where caught mail can be read; in development mode only.
    pub inbox_href: Option<String>,
    /// What the app's own rules say against going on.
    pub said: Option<String>,
    /// This page in another language, but for the language's tag at the end; nothing where it cannot be shown again.
    pub language_href: Option<String>,
    pub brand: Option<Brand>,
}

impl Frame {
    pub fn new(language: Language, app: &str, host: &str) -> Frame {
        Frame {
            words: language.words(),
            app: app.to_owned(),
            host: host.to_owned(),
            inbox_href: None,
            said: None,
            language_href: None,
            brand: None,
        }
    }

    /// The catalogues of all languages.
    fn languages(&self) -> impl Iterator<Item = &'static Words> {
        Language::ALL.into_iter().map(Language::words)
    }

    /// A brand's logo, for light pages and for dark ones.
    fn logo(&self) -> Option<(&str, &str)> {
        let (light, dark) = self.brand.as_ref()?.logo.as_ref()?;
        Some((light, dark))
    }

    /// Writes `what this page asks – app`, with `Error: ` before it when something is wrong.
    pub fn title(&self, page: &str, wrong: bool) -> String {
        let form = if wrong || self.said.is_some() { self.words.title_wrong } else { self.words.title };
        let app = if self.app.is_empty() { &self.host } else { &self.app };
        form.replace("{page}", page.trim_end_matches('.')).replace("{app}", app)
    }
}

/// The hidden fields that tie a form to its sign-in and its browser.
#[derive(Clone)]
pub struct Form {
    pub flow: String,
    pub csrf: String,
}
