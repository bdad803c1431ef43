//! Lists of the console: real tables, with what to do when there is nothing in them.

use super::field::Choice;
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
    /// Words, and what can be done about them.
    Acts(String, Vec<Act>),
}

/// Something that can be done with a row: a form with one button.
#[derive(Clone, Debug)]
pub struct Act {
    pub action: String,
    pub label: &'static str,
    pub fields: Vec<(&'static str, String)>,
}

impl Cell {
    pub fn words(text: impl Into<String>) -> Cell {
        Cell::Words(text.into())
    }

    pub fn link(href: impl Into<String>, words: impl Into<String>) -> Cell {
        Cell::Link { href: href.into(), words: words.into() }
    }

    /// What it says in words; a moment says none.
    fn text(&self) -> &str {
        match self {
            Cell::Link { words, .. } | Cell::Words(words) | Cell::Status(_, words) | Cell::Acts(words, _) => {
                words
            }
            Cell::Code(text) | Cell::Copy { text, .. } => text,
            Cell::Time(_) => "",
        }
    }

    /// Tells whether it says something, be its letters small or not.
    pub fn has(&self, words: &str) -> bool {
        self.text().to_lowercase().contains(&words.to_lowercase())
    }

    /// Where it stands in the order of its column: moments and numbers, then words, then what is empty.
    pub fn rank(&self) -> (u8, i64, String) {
        if let Cell::Time(moment) = self {
            return (0, moment.0.ms(), String::new());
        }
        let text = self.text();
        match text.replace(',', "").parse() {
            Ok(number) => (0, number, String::new()),
            Err(_) => (if text.is_empty() { 2 } else { 1 }, 0, text.to_lowercase()),
        }
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
    /// By what; nothing is asked where there is one only.
    pub by: Vec<Choice>,
    /// What is sent along, so that it stays.
    pub along: Vec<(String, String)>,
}

/// How a list is looked at, and the ways to look at it otherwise.
#[derive(Clone, Debug)]
pub struct Tools {
    pub search: Option<Search>,
    /// Each filter that holds, and the list without it.
    pub chips: Vec<(String, String)>,
    /// Filters that can be chosen, and the list with them.
    pub offers: Vec<(&'static str, String)>,
    /// What is said when nothing matches.
    pub none: String,
    pub clear_href: String,
    pub refresh_href: String,
    /// Rows per page, the list with so many, and whether it has.
    pub sizes: Vec<(usize, String, bool)>,
    /// The columns that can be left out.
    pub columns: Vec<Choice>,
    pub first_column: String,
    pub action: String,
    pub along: Vec<(String, String)>,
}

/// A header cell.
#[derive(Clone, Debug)]
pub struct Head {
    pub title: &'static str,
    /// The rows are in its order: `ascending` or `descending`.
    pub order: Option<&'static str>,
    /// The list in its order.
    pub sort_href: Option<String>,
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
    pub head: Vec<Head>,
    pub rows: Vec<Vec<Cell>>,
    pub empty: Empty,
    pub tools: Option<Tools>,
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
            head: head.into_iter().map(|title| Head { title, order: None, sort_href: None }).collect(),
            rows,
            empty: Empty::default(),
            tools: None,
            first_href: None,
            next_href: None,
            count: String::new(),
            live: None,
        }
    }

    fn can_sort(&self) -> bool {
        self.head.iter().any(|each| each.sort_href.is_some())
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
