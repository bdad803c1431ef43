//! The page behind the link that confirms a new account. Opening it changes nothing; its button does.

use super::Frame;
use super::assets;

/// Where a link stands.
pub enum Link {
    /// Posts what the link says to `/confirmUser`.
    Ask { client_id: String, user_name: String, code: String },
    Confirmed {
        /// The app's front page.
        app_href: Option<String>,
    },
    /// Used, too old, or never ours: all the same to whoever opens it.
    Dead { app_href: Option<String> },
}

/// "Confirm your account", for `/confirmUser`.
#[derive(askama::Template)]
#[template(path = "login/confirm_link.html")]
pub struct ConfirmAccount {
    pub frame: Frame,
    pub link: Link,
}

impl ConfirmAccount {
    fn is_dead(&self) -> bool {
        matches!(self.link, Link::Dead { .. })
    }

    fn heading(&self) -> &'static str {
        let words = self.frame.words;
        match self.link {
            Link::Ask { .. } => words.confirm_account,
            Link::Confirmed { .. } => words.links.confirmed,
            Link::Dead { .. } => words.verify_address_dead,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Page;
    use crate::pages::words::Language;

    fn page(link: Link) -> String {
        ConfirmAccount { frame: Frame::new(Language::English, "Acme", "localhost:9320"), link }.render()
    }

    #[test]
    fn opening_the_link_asks_before_anything_happens() {
        let html = page(Link::Ask {
            client_id: "abc".to_owned(),
            user_name: "al\"ice".to_owned(),
            code: "123456".to_owned(),
        });
        assert!(html.contains(r#"<form method="post" action="/confirmUser""#));
        assert!(html.contains(r#"name="user_name" value="al&#34;ice""#));
        assert!(html.contains(r#"name="confirmation_code" value="123456""#));
    }

    #[test]
    fn an_answer_offers_no_button_and_leads_to_the_app_where_it_is_known() {
        let app_href = Some("https://app.example/".to_owned());
        for link in [Link::Confirmed { app_href: app_href.clone() }, Link::Dead { app_href }] {
            let html = page(link);
            assert!(!html.contains("<form"));
            assert!(html.contains(r#"<a class="primary" href="https://app.example/""#), "{html}");
        }
        assert!(!page(Link::Confirmed { app_href: None }).contains("class=\"primary\""));
        let dead = page(Link::Dead { app_href: None });
        assert!(dead.contains("<title>Error: This link has expired – Acme</title>"));
    }
}
