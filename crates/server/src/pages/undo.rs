//! The page behind the link in a notice to an old address. Opening it changes nothing; its button does. The notice is
//! in English, and so is the page.

use super::Frame;
use super::assets;
use postern_pools::address_change::Undo;

/// "Keep your address", for `/account/undo`.
#[derive(askama::Template)]
#[template(path = "undo.html")]
pub struct UndoChange {
    pub frame: Frame,
    pub undo: Undo,
    pub token: String,
}

impl UndoChange {
    fn is_dead(&self) -> bool {
        self.undo == Undo::Dead
    }

    fn heading(&self) -> &'static str {
        match self.undo {
            Undo::Ready { .. } => "Keep your address",
            Undo::Done { .. } => "Your address is back",
            Undo::Dead => self.frame.words.verify_address_dead,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Page;
    use crate::pages::words::Language;

    fn page(undo: Undo) -> String {
        let frame = Frame::new(Language::English, "Postern", "localhost:9320");
        UndoChange { frame, undo, token: "tok\"en".to_owned() }.render()
    }

    #[test]
    fn opening_the_link_asks_before_anything_happens() {
        let html = page(Undo::Ready { address: "a***@e***".to_owned() });
        assert!(html.contains(r#"<form method="post" action="/account/undo""#));
        assert!(html.contains(r#"name="token" value="tok&#34;en""#));
        for undo in [Undo::Done { address: "a***@e***".to_owned() }, Undo::Dead] {
            assert!(!page(undo).contains("<form"));
        }
    }
}
