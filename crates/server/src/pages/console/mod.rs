//! The console's pages: a frame with the menu, and in it blocks such as a form, a table or a list of settings. A page is
//! the blocks it shows; what a block looks like stands once.

pub mod field;
pub mod form;
pub mod list;
pub mod parts;

use super::assets;
use crate::pages::moment::Moment;
use form::Notice;

/// A block's HTML, which only a block's template writes.
pub struct Html(String);

/// Blocks of a page.
pub trait Block {
    fn html(&self) -> Html;
}

impl<T: askama::Template> Block for T {
    fn html(&self) -> Html {
        Html(super::Page::render(self))
    }
}

impl std::fmt::Display for Html {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place in the menu.
#[derive(Clone)]
pub struct Item {
    pub href: String,
    pub label: &'static str,
    pub is_current: bool,
}

/// Places that belong together. The first group has no title.
#[derive(Clone)]
pub struct Group {
    pub title: &'static str,
    pub items: Vec<Item>,
}

/// What stands around every page of the console.
#[derive(Clone, Default)]
pub struct Shell {
    /// The administrator's name.
    pub who: String,
    /// The console is open to whoever sits at this machine.
    pub is_open: bool,
    /// Mail is caught, not sent.
    pub mail_caught: bool,
    pub csrf: String,
    pub menu: Vec<Group>,
    /// The pages above this one.
    pub crumbs: Vec<(String, String)>,
    pub notice: Option<Notice>,
    /// What was refused, where no form of the page says it.
    pub problem: Option<String>,
}

/// A page of the console.
#[derive(askama::Template)]
#[template(path = "console/frame.html")]
pub struct ConsolePage {
    pub shell: Shell,
    pub title: String,
    /// One sentence on what this page is for; empty for none.
    pub lead: String,
    pub blocks: Vec<Html>,
    /// Something on the page is refused: the window's title says so.
    pub wrong: bool,
}

/// Where an administrator signs in.
#[derive(askama::Template)]
#[template(path = "console/sign_in.html")]
pub struct ConsoleSignIn {
    pub host: String,
    /// Where to go afterwards, a path of the console.
    pub to: String,
    pub csrf: String,
    /// What went wrong before: with which way in, and what is said of it.
    pub said: Option<(&'static str, &'static str)>,
}

/// Where the code from a mail is typed.
#[derive(askama::Template)]
#[template(path = "console/code.html")]
pub struct ConsoleCode {
    pub host: String,
    pub to: String,
    pub csrf: String,
    /// Where the code seems to have gone.
    pub masked: String,
    pub minutes: i64,
    /// What became of the form before, in a word.
    pub said: String,
    /// Tries that are left.
    pub left: i64,
    /// Seconds until another code can be asked for; nothing where none is sent any more.
    pub again_s: Option<i64>,
    pub again_href: String,
}

/// A moment, as it stands in a cell or a setting.
pub fn moment(ms: i64) -> Moment {
    Moment(postern_store::Timestamp::from_ms(ms))
}

impl ConsolePage {
    fn window_title(&self) -> String {
        let error = if self.wrong { "Error: " } else { "" };
        format!("{error}{} – Postern console", self.title)
    }
}

impl ConsoleSignIn {
    fn window_title(&self) -> String {
        door_title("Sign in", self.said.is_some())
    }

    /// What went wrong with a way in.
    fn wrong(&self, way: &str) -> Option<&'static str> {
        self.said.filter(|(about, _)| *about == way).map(|(_, words)| words)
    }
}

impl ConsoleCode {
    fn window_title(&self) -> String {
        door_title("Check your email", self.is_wrong() || self.refused().is_some())
    }

    /// The code was not the right one.
    fn is_wrong(&self) -> bool {
        self.said == "wrong"
    }

    /// Why no other code was sent.
    fn refused(&self) -> Option<String> {
        match (self.said.as_str(), self.again_s) {
            ("wait", Some(1)) => Some("You can ask again in 1 second.".to_owned()),
            ("wait", Some(seconds)) if seconds > 0 => {
                Some(format!("You can ask again in {seconds} seconds."))
            }
            ("pace", _) => {
                Some("Too many codes were asked for. Wait a while, or sign in another way.".to_owned())
            }
            ("enough", _) => {
                Some("No more codes are sent for this sign-in. Start again for another.".to_owned())
            }
            _ => None,
        }
    }
}

fn door_title(heading: &str, is_wrong: bool) -> String {
    format!("{}{heading} – Postern console", if is_wrong { "Error: " } else { "" })
}

/// Writes a part of a path so that it stands for itself.
pub fn part(text: &str) -> String {
    postern_pools::oauth::pairs::encoded(text)
}

/// Renders any template to text.
pub fn rendered(page: &impl super::Page) -> String {
    page.render()
}
