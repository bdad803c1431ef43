//! Smaller blocks: settings as they are read, buttons, what is missing, snippets, plots.

use super::Html;
use super::list::{Cell, Live, Tone};
use crate::pages::assets;
use crate::pages::moment::Moment;

/// A setting as it stands: label, the API's name, values.
#[derive(Clone, Debug)]
pub struct Fact {
    pub label: String,
    pub api: String,
    pub values: Vec<Cell>,
}

impl Fact {
    pub fn new(label: &str, api: &str, values: Vec<Cell>) -> Fact {
        Fact { label: label.to_owned(), api: api.to_owned(), values }
    }

    pub fn words(label: &str, api: &str, text: impl Into<String>) -> Fact {
        Fact::new(label, api, vec![Cell::Words(text.into())])
    }
}

/// Settings that belong together, to be read; Edit leads to their form.
#[derive(askama::Template)]
#[template(path = "console/facts.html")]
pub struct Facts {
    pub title: String,
    pub hint: String,
    pub facts: Vec<Fact>,
    /// Where it is edited, and the words for those who only hear the link.
    pub edit_href: Option<String>,
}

/// A button: a link, or a form of its own.
#[derive(Clone, Debug)]
pub struct Button {
    pub href: String,
    pub label: String,
    pub is_main: bool,
    /// Posts, with these fields.
    pub post: Option<Vec<(String, String)>>,
    pub opens_app: bool,
}

impl Button {
    pub fn link(href: impl Into<String>, label: &str) -> Button {
        Button { href: href.into(), label: label.to_owned(), is_main: false, post: None, opens_app: false }
    }

    pub fn post(href: impl Into<String>, label: &str, fields: &[(&str, &str)]) -> Button {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Button { post: Some(fields), ..Button::link(href, label) }
    }

    #[must_use]
    pub fn main(mut self) -> Button {
        self.is_main = true;
        self
    }
}

/// Buttons in a row.
#[derive(askama::Template)]
#[template(path = "console/buttons.html")]
pub struct Buttons {
    pub csrf: String,
    pub buttons: Vec<Button>,
}

/// A passkey of whoever is signed in.
pub struct PasskeyLine {
    /// What the form that removes it sends.
    pub id: String,
    pub name: String,
    pub created: Moment,
    pub used: Option<Moment>,
}

/// One's own passkeys, and the way to another.
#[derive(askama::Template)]
#[template(path = "console/add_passkey.html")]
pub struct Passkeys {
    pub csrf: String,
    pub rows: Vec<PasskeyLine>,
    pub may_change: bool,
}

/// A step towards something that works: done, or what is missing and the way to it.
#[derive(Clone, Debug)]
pub struct Step {
    pub is_done: bool,
    pub words: String,
    pub way: Option<(String, String)>,
}

/// What is still missing.
#[derive(askama::Template)]
#[template(path = "console/steps.html")]
pub struct Steps {
    pub title: String,
    pub steps: Vec<Step>,
}

/// A text to be copied.
#[derive(Clone, Debug)]
pub struct Snippet {
    pub id: String,
    pub title: String,
    pub text: String,
}

/// Texts to be copied, each behind its title.
#[derive(askama::Template)]
#[template(path = "console/snippets.html")]
pub struct Snippets {
    pub title: String,
    pub hint: String,
    pub snippets: Vec<Snippet>,
}

/// A sentence that stands for itself.
#[derive(askama::Template)]
#[template(path = "console/said.html")]
pub struct Said {
    pub tone: Tone,
    pub words: String,
    pub way: Option<(String, String)>,
}

/// Blocks that a script keeps up to date together, as long as there is something to wait for.
#[derive(askama::Template)]
#[template(path = "console/watched.html")]
pub struct Watched {
    pub live: Option<Live>,
    pub blocks: Vec<Html>,
}

/// A message as it will look.
#[derive(askama::Template)]
#[template(path = "console/preview.html")]
pub struct Preview {
    pub title: String,
    pub subject: String,
    pub text: String,
}

/// Numbers in a row: value, what it counts.
#[derive(askama::Template)]
#[template(path = "console/numbers.html")]
pub struct Numbers {
    pub numbers: Vec<(String, String)>,
}

/// Bars side by side, over time or over how long things took, drawn as SVG with a table for those who listen.
#[derive(askama::Template)]
#[template(path = "console/plot.html")]
pub struct Plot {
    pub id: String,
    pub title: String,
    /// What is to be known beside how many there are; empty for nothing.
    pub hint: String,
    /// What the bars' labels are: "When".
    pub head: &'static str,
    /// Label and value of each bar.
    pub bars: Vec<(String, u64)>,
}

impl Plot {
    const HEIGHT: u64 = 96;

    fn most(&self) -> u64 {
        self.bars.iter().map(|(_, value)| *value).max().unwrap_or(0).max(1)
    }

    fn sum(&self) -> u64 {
        self.bars.iter().map(|(_, value)| *value).sum()
    }

    /// The labels at both ends.
    fn ends(&self) -> Option<(&str, &str)> {
        let (first, last) = (self.bars.first()?, self.bars.last()?);
        Some((&first.0, &last.0))
    }

    /// Left edge, top, width and height of each bar, in a picture of 480 by [`Plot::HEIGHT`].
    fn rects(&self) -> Vec<(u64, u64, u64, u64)> {
        let wide = 480 / (self.bars.len() as u64).max(1);
        let heights = self.bars.iter().map(|(_, value)| value * Plot::HEIGHT / self.most());
        (0..)
            .zip(heights)
            .map(|(at, tall)| (at * wide, Plot::HEIGHT - tall, wide.saturating_sub(2), tall))
            .collect()
    }
}
