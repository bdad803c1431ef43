//! Lists of the console: real tables, with what to do when there is nothing in them.

use crate::pages::moment::Moment;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Waiting,
    Bad,
    Plain,
}

impl Tone {
    pub fn class(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Waiting => "waiting",
            Tone::Bad => "bad",
            Tone::Plain => "plain",
        }
    }
}

/// What stands in a table's cell.
#[derive(Clone, Debug)]
pub enum Cell {
    Link {
        href: String,
        words: String,
    },
    Words(String),
    /// Ids and the like.
    Code(String),
    /// The same, to be copied.
    Copy {
        id: String,
        text: String,
    },
    Time(Moment),
    Status(Tone, String),
}

impl Cell {
    pub fn words(text: impl Into<String>) -> Cell {
        Cell::Words(text.into())
    }

    pub fn link(href: impl Into<String>, words: impl Into<String>) -> Cell {
        Cell::Link { href: href.into(), words: words.into() }
    }
}

/// What a list says when nothing is in it.
#[derive(Clone, Debug, Default)]
pub struct Empty {
    pub words: String,
    /// The one button: where to, and what it says.
    pub button: Option<(String, String)>,
    /// The same on the command line.
    pub command: String,
}

/// A search above a list: a GET form.
#[derive(Clone, Debug)]
pub struct Search {
    pub action: String,
    pub label: String,
    pub value: String,
    /// What else can be chosen: a name, a label, and choices.
    pub choices: Vec<(String, String, Vec<super::field::Choice>)>,
}

/// A table that a script keeps up to date: where it fetches it anew, by what right, and how often, in seconds.
#[derive(Clone, Debug)]
pub struct Live {
    pub href: String,
    pub watch: String,
    pub every_s: u32,
}

/// A table.
#[derive(askama::Template)]
#[template(path = "console/table.html")]
pub struct Table {
    pub caption: String,
    pub hint: String,
    pub head: Vec<&'static str>,
    pub rows: Vec<Vec<Cell>>,
    pub empty: Empty,
    pub search: Option<Search>,
    /// What was searched for was not found.
    pub clear_href: Option<String>,
    pub first_href: Option<String>,
    pub next_href: Option<String>,
    /// Below the table, such as "About 1,000,000 users".
    pub count: String,
    pub live: Option<Live>,
}

impl Table {
    pub fn new(caption: &str, head: Vec<&'static str>, rows: Vec<Vec<Cell>>) -> Table {
        Table {
            caption: caption.to_owned(),
            hint: String::new(),
            head,
            rows,
            empty: Empty::default(),
            search: None,
            clear_href: None,
            first_href: None,
            next_href: None,
            count: String::new(),
            live: None,
        }
    }

    #[must_use]
    pub fn or_empty(mut self, words: &str, button: Option<(String, &str)>, command: &str) -> Table {
        self.empty = Empty {
            words: words.to_owned(),
            button: button.map(|(href, label)| (href, label.to_owned())),
            command: command.to_owned(),
        };
        self
    }
}
