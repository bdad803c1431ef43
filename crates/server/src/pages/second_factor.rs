//! The pages of a second factor: the code of an authenticator, the choice of a way, and setting one up.

use super::assets;
use super::code::Unsent;
use super::words::Words;
use super::{Form, Frame};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use qrcode::{Color, EcLevel, QrCode};

/// What is wrong with a code, or with asking for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticatorError {
    Empty,
    Wrong,
    Used,
    Unsent(Unsent),
}

impl AuthenticatorError {
    fn words(self, words: &Words, has_other_way: bool) -> String {
        match self {
            AuthenticatorError::Empty => words.authenticator_empty.to_owned(),
            AuthenticatorError::Wrong => words.authenticator_wrong.to_owned(),
            AuthenticatorError::Used => words.authenticator_used.to_owned(),
            AuthenticatorError::Unsent(unsent) => unsent.said(words, has_other_way),
        }
    }
}

/// "Enter your authenticator code". Posts `code` to `/login/authenticator`.
#[derive(askama::Template)]
#[template(path = "login/authenticator.html")]
pub struct Authenticator {
    pub frame: Frame,
    pub form: Form,
    pub name: String,
    pub different_href: String,
    pub error: Option<AuthenticatorError>,
    pub other_way_href: Option<String>,
}

impl Authenticator {
    fn heading(&self) -> &'static str {
        self.frame.words.authenticator
    }

    fn who(&self) -> (&'static str, &'static str) {
        self.frame.words.signing_in_as.around("name")
    }

    fn problem(&self) -> Option<String> {
        self.error.map(|error| error.words(self.frame.words, self.other_way_href.is_some()))
    }
}

/// A way to give a second proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondWay {
    Authenticator,
    Text,
    Email,
}

impl SecondWay {
    /// The name of the factor, as the API has it and the form posts it.
    fn value(self) -> &'static str {
        match self {
            SecondWay::Authenticator => "SOFTWARE_TOKEN_MFA",
            SecondWay::Text => "SMS_MFA",
            SecondWay::Email => "EMAIL_OTP",
        }
    }

    fn label(self, words: &Words) -> &'static str {
        match self {
            SecondWay::Authenticator => words.choose_authenticator,
            SecondWay::Text => words.choose_text,
            SecondWay::Email => words.choose_email,
        }
    }

    fn help(self, words: &Words) -> &'static str {
        match self {
            SecondWay::Authenticator => words.choose_authenticator_help,
            SecondWay::Text => words.choose_text_help,
            SecondWay::Email => words.choose_mail_help,
        }
    }
}

/// "Choose a second step". Posts `factor` to `/login/second`.
#[derive(askama::Template)]
#[template(path = "login/choose_second.html")]
pub struct ChooseSecond {
    pub frame: Frame,
    pub form: Form,
    pub name: String,
    pub different_href: String,
    pub ways: Vec<SecondWay>,
    pub error: Option<AuthenticatorError>,
    /// Back to the way that was asked for.
    pub back_href: Option<String>,
}

impl ChooseSecond {
    fn heading(&self) -> &'static str {
        self.frame.words.choose_second
    }

    fn who(&self) -> (&'static str, &'static str) {
        self.frame.words.signing_in_as.around("name")
    }

    fn problem(&self) -> Option<String> {
        self.error.map(|error| error.words(self.frame.words, self.ways.len() > 1))
    }
}

/// A seed that waits for an authenticator, as it is shown to one.
pub struct NewAuthenticator {
    /// In groups of four, to be typed.
    pub key: String,
    /// `otpauth://…`, which some devices open in their own authenticator.
    pub href: String,
    /// The same as the modules of a QR code: an SVG path, and how wide the code is.
    pub path: String,
    pub width: usize,
}

/// Modules of quiet around a QR code (ISO/IEC 18004 §6.3.8).
const QUIET: usize = 4;

impl NewAuthenticator {
    /// Prepares a seed for an account of an issuer (Google Authenticator's "Key URI Format").
    pub fn new(seed: &str, issuer: &str, account: &str) -> Self {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let href = format!(
            "otpauth://totp/{}?secret={seed}&issuer={}&algorithm=SHA1&digits=6&period=30",
            encoded(account),
            encoded(issuer)
        );
        let (path, width) = drawn(&href);
        let groups: Vec<&str> =
            seed.as_bytes().chunks(4).filter_map(|group| std::str::from_utf8(group).ok()).collect();
        NewAuthenticator { key: groups.join(" "), href, path, width }
    }
}

/// Draws a text as a QR code, one stroke for each run of dark modules. A text too long for one is not drawn.
fn drawn(text: &str) -> (String, usize) {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else { return (String::new(), 0) };
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let run = row[x..].iter().take_while(|color| **color == Color::Dark).count();
            if run > 0 {
                path.push_str(&format!("M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET));
            }
            x += run + 1;
        }
    }
    (path, width + 2 * QUIET)
}

/// Why an address was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailError {
    Empty,
    NotAnAddress,
}

/// "Set up a second step". Posts `code` to `/login/set-up`, or `email` to `/login/set-up-email`.
#[derive(askama::Template)]
#[template(path = "login/set_up.html")]
pub struct SetUp {
    pub frame: Frame,
    pub form: Form,
    pub name: String,
    pub different_href: String,
    pub authenticator: Option<NewAuthenticator>,
    /// Where a seed that was forgotten is drawn anew.
    pub again_href: String,
    pub error: Option<AuthenticatorError>,
    pub offers_email: bool,
    /// What was typed.
    pub email: String,
    pub email_error: Option<EmailError>,
}

/// The field that the focus goes to: the first one that is wrong, or else the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Focus {
    Code,
    Email,
}

impl SetUp {
    fn heading(&self) -> &'static str {
        self.frame.words.set_up
    }

    fn who(&self) -> (&'static str, &'static str) {
        self.frame.words.signing_in_as.around("name")
    }

    fn wrong(&self) -> bool {
        self.error.is_some() || self.email_error.is_some() || self.is_gone()
    }

    /// Whether the seed was forgotten before an authenticator had it.
    fn is_gone(&self) -> bool {
        self.authenticator.as_ref().is_some_and(|new| new.key.is_empty())
    }

    fn focus(&self) -> Focus {
        let takes_code = self.authenticator.is_some() && !self.is_gone();
        let is_about_email = self.email_error.is_some() && self.error.is_none();
        if takes_code && !is_about_email { Focus::Code } else { Focus::Email }
    }

    fn problem(&self) -> Option<String> {
        self.error.map(|error| error.words(self.frame.words, false))
    }

    fn email_problem(&self) -> Option<&'static str> {
        let words = self.frame.words;
        self.email_error.map(|error| match error {
            EmailError::Empty => words.names[0].empty,
            EmailError::NotAnAddress => words.not_an_address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Page as _;
    use crate::pages::words::Language;

    #[test]
    fn the_focus_goes_to_the_field_that_is_wrong() {
        let page = |has_key: bool, error, email_error| {
            SetUp {
                frame: Frame::new(Language::English, "Acme", "localhost:9320"),
                form: Form { flow: "flow-1".to_owned(), csrf: "csrf-1".to_owned() },
                name: "alice".to_owned(),
                different_href: "/login?other".to_owned(),
                authenticator: has_key.then(|| NewAuthenticator::new("JBSWY3DPEHPK3PXP", "Acme", "alice")),
                again_href: "/login?other".to_owned(),
                error,
                offers_email: true,
                email: String::new(),
                email_error,
            }
            .render()
        };
        let empty = Some(EmailError::Empty);
        for (html, id) in [
            (page(true, None, None), "code"),
            (page(true, Some(AuthenticatorError::Wrong), None), "code"),
            (page(true, None, empty), "email"),
            (page(false, None, None), "email"),
        ] {
            assert_eq!(html.matches("autofocus").count(), 1, "{id}");
            let (_, field) = html.split_once(&format!("<input id=\"{id}\"")).expect("a field");
            assert!(field.split_once('>').expect("the tag ends").0.contains("autofocus"), "{id}");
        }
    }
}
