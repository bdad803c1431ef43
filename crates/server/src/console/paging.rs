//! Pages of a list: the address bar holds where one begins, so that it can be opened again and shared.

use super::desk::Desk;
use crate::pages::console::list::Table;
use crate::pages::console::part;
use postern_model::Document;

impl Desk {
    /// Asks an operation for the page that the address bar names; `token` is the operation's own word for it.
    pub fn at_page(&self, token: &str, mut input: Document) -> Document {
        if !self.is_first_page() {
            input[token] = self.asked("after").into();
        }
        input
    }

    pub fn is_first_page(&self) -> bool {
        self.asked("after").is_empty()
    }

    /// Puts the ways to other pages below a table: to the first, which is `here`, and to the one that `next` begins.
    pub fn turn_pages(&self, table: &mut Table, here: &str, next: &Document) {
        let joint = if here.contains('?') { '&' } else { '?' };
        table.first_href = (!self.is_first_page()).then(|| here.to_owned());
        table.next_href = next.as_str().map(|token| format!("{here}{joint}after={}", part(token)));
    }
}
