//! The pages of passkeys: use yours, and have one from now on.

use super::assets;
use super::{Form, Frame};

/// "Use your passkey". Posts `credential` to `/login/passkey`.
#[derive(askama::Template)]
#[template(path = "login/passkey.html")]
pub struct UsePasskey {
    pub frame: Frame,
    pub form: Form,
    pub name: String,
    pub different_href: String,
    /// Where the script learns what to ask.
    pub options_href: String,
    /// The one that was used did not open.
    pub wrong: bool,
    pub other_way_href: Option<String>,
}

impl UsePasskey {
    fn is_wrong(&self) -> bool {
        self.wrong
    }

    fn heading(&self) -> &'static str {
        self.frame.words.passkeys.heading
    }

    fn who(&self) -> (&'static str, &'static str) {
        self.frame.words.signing_in_as.around("name")
    }
}

/// The offer of a passkey. Posts `credential`, or `later`, to `/passkeys/add`.
#[derive(askama::Template)]
#[template(path = "login/add_passkey.html")]
pub struct AddPasskey {
    pub frame: Frame,
    pub form: Form,
    /// Where the script learns what to ask.
    pub options_href: String,
    /// What the browser made could not be saved.
    pub wrong: bool,
}

impl AddPasskey {
    fn is_wrong(&self) -> bool {
        self.wrong
    }

    fn title(&self) -> &'static str {
        self.frame.words.passkeys.add_heading
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Page;
    use crate::pages::words::Language;

    #[test]
    fn a_passkey_page_is_of_use_with_and_without_script() {
        let page = UsePasskey {
            frame: Frame::new(Language::English, "Acme", "localhost:9320"),
            form: Form { flow: "flow-1".to_owned(), csrf: "csrf-1".to_owned() },
            name: "alice@example.com".to_owned(),
            different_href: "/login?other".to_owned(),
            options_href: "/login/passkey/options?flow=flow-1".to_owned(),
            wrong: true,
            other_way_href: Some("/login/choose".to_owned()),
        };
        let html = page.render();
        assert!(html.contains("<title>Error: Use your passkey – Acme</title>"));
        assert!(html.contains("hidden data-passkey-only") && html.contains("data-passkey-not>"));
        assert!(html.contains("<a href=\"/login/choose\">"));
        assert!(html.contains(assets::passkey_script_path()));
    }
}
