//! The page behind the link in a verification mail. Opening it changes nothing; its button does.

use super::Frame;
use super::assets;

/// Where a link stands.
pub enum Link {
    /// Posts `token` to `/ses/verify`.
    Ask {
        address: String,
        token: String,
    },
    Done {
        address: String,
    },
    /// Used, too old, or never ours: all the same to whoever opens it.
    Dead,
}

/// "Confirm this email address", for `/ses/verify`.
#[derive(askama::Template)]
#[template(path = "link.html")]
pub struct VerifyAddress {
    pub frame: Frame,
    pub link: Link,
}

impl VerifyAddress {
    fn is_dead(&self) -> bool {
        matches!(self.link, Link::Dead)
    }

    fn heading(&self) -> &'static str {
        match self.link {
            Link::Ask { .. } => self.frame.words.verify_address,
            Link::Done { .. } => self.frame.words.verify_address_done,
            Link::Dead => self.frame.words.verify_address_dead,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Page;
    use crate::pages::words::Language;

    fn page(link: Link) -> String {
        VerifyAddress { frame: Frame::new(Language::English, "Postern", "localhost:9320"), link }.render()
    }

    #[test]
    fn opening_the_link_asks_before_anything_happens() {
        let html = page(Link::Ask { address: "a@example.com".to_owned(), token: "tok\"en".to_owned() });
        assert!(html.contains(r#"<form method="post" action="/ses/verify""#));
        assert!(html.contains(r#"name="token" value="tok&#34;en""#));
        assert!(html.contains("a@example.com"));
    }

    #[test]
    fn a_used_link_offers_no_button() {
        for link in [Link::Done { address: "a@example.com".to_owned() }, Link::Dead] {
            assert!(!page(link).contains("<form"));
        }
        assert!(page(Link::Dead).contains("<title>Error: This link has expired – Postern</title>"));
    }
}
