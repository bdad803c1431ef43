//! The pages of a forgotten password: whose it is, and then the code and a new one on one page.

use super::assets;
use super::code::works_for;
use super::login::{CodeError, CodeNotice, NameError, NameKind, PasswordField};
use super::words::FieldWords;
use super::{Form, Frame};

/// "Reset your password". Posts `username` to `/forgotPassword`.
#[derive(askama::Template)]
#[template(path = "login/forgot.html")]
pub struct Forgot {
    pub frame: Frame,
    pub form: Form,
    pub kind: NameKind,
    /// What was typed before.
    pub value: String,
    pub error: Option<NameError>,
    pub back_href: String,
}

impl Forgot {
    fn heading(&self) -> &'static str {
        self.frame.words.forgot_ask
    }

    fn field(&self) -> FieldWords {
        self.kind.words(self.frame.words)
    }

    fn problem(&self) -> Option<String> {
        Some(self.error?.said(self.kind, self.frame.words))
    }
}

/// "Choose a new password", by a code. Posts `code` and `password` to `/confirmforgotPassword`; the new-code button
/// posts to `/resendcode`.
#[derive(askama::Template)]
#[template(path = "login/reset.html")]
pub struct Reset {
    pub frame: Frame,
    pub form: Form,
    /// Where the code went, masked.
    pub destination: String,
    pub name: String,
    pub different_href: String,
    /// How long a code works.
    pub minutes: u64,
    pub error: Option<CodeError>,
    pub notice: Option<CodeNotice>,
    pub resend_wait_s: u64,
    pub password: PasswordField,
    /// The address that mails come from.
    pub from: Option<String>,
}

impl Reset {
    fn heading(&self) -> &'static str {
        self.frame.words.set_password
    }

    fn who(&self) -> (&'static str, &'static str) {
        self.frame.words.signing_in_as.around("name")
    }

    fn works_for(&self) -> String {
        works_for(self.frame.words, self.minutes)
    }

    /// Whether the code goes to a telephone: a masked number has no `@`.
    fn is_text(&self) -> bool {
        self.destination.starts_with('+') && !self.destination.contains('@')
    }

    fn is_wrong(&self) -> bool {
        self.error.is_some() || self.password.error.is_some()
    }

    /// Whether only a new code leads on, so that asking for one becomes the main button.
    fn needs_new(&self) -> bool {
        matches!(self.error, Some(CodeError::Spent | CodeError::Expired | CodeError::SendFailed))
    }

    fn problem(&self) -> Option<String> {
        Some(self.error?.said(self.is_text(), self.frame.words))
    }

    fn status(&self) -> Option<String> {
        let words = self.frame.words;
        Some(self.notice?.said(words, words.wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Page as _;
    use crate::pages::login::{NewPasswordError, Unsent};
    use crate::pages::words::Language;

    fn form() -> Form {
        Form { flow: "flow-1".to_owned(), csrf: "csrf-1".to_owned() }
    }

    fn reset(destination: &str, error: Option<CodeError>) -> Reset {
        Reset {
            frame: Frame::new(Language::English, "Acme", "localhost:9320"),
            form: form(),
            destination: destination.to_owned(),
            name: "alice@example.com".to_owned(),
            different_href: "/login?again".to_owned(),
            minutes: 60,
            error,
            notice: None,
            resend_wait_s: 0,
            password: PasswordField { rules: Vec::new(), error: None },
            from: Some("no-reply@example.com".to_owned()),
        }
    }

    /// Both fields are typed anew after a fault, whichever of them it is about.
    #[test]
    fn the_code_is_typed_first() {
        let wrong = PasswordField { rules: Vec::new(), error: Some(NewPasswordError::RulesUnmet) };
        for page in [reset("a***@e***", None), Reset { password: wrong, ..reset("a***@e***", None) }] {
            let html = page.render();
            let (_, field) = html.split_once("<input id=\"code\"").expect("a field for the code");
            assert!(field.split_once('>').expect("the tag ends").0.contains("autofocus"));
            assert_eq!(html.matches("autofocus").count(), 1);
            assert_eq!(
                html.contains("<title>Error: Choose a new password – Acme"),
                html.contains("aria-invalid")
            );
        }
    }

    #[test]
    fn a_code_by_text_is_spoken_of_as_such() {
        let html = reset("+*******1234", Some(CodeError::Empty)).render();
        assert!(html.contains("Enter the code from the text message.") && html.contains("phone has signal."));
        assert!(!html.contains("spam folder") && !html.contains("no-reply@example.com"));
        let html = reset("a***@e***", Some(CodeError::Empty)).render();
        assert!(html.contains("Enter the code from the email.") && html.contains("no-reply@example.com"));
    }

    #[test]
    fn where_only_a_new_code_leads_on_asking_for_it_is_the_main_button() {
        for (error, main) in [(CodeError::Expired, "Send a new code"), (CodeError::Wrong, "Save and sign in")]
        {
            let html = reset("a***@e***", Some(error)).render();
            let (_, rest) = html.split_once("<button class=\"primary\"").expect("a main button");
            assert!(rest.split_once("</button>").expect("it ends").0.ends_with(main), "{main}");
        }
    }

    #[test]
    fn every_language_asks_whose_password_it_is() {
        for language in Language::ALL {
            let page = Forgot {
                frame: Frame::new(language, "Acme", "localhost:9320"),
                form: form(),
                kind: NameKind::Email,
                value: "\"><b>".to_owned(),
                error: Some(NameError::Unsent(Unsent::TooMany { minutes: 2 })),
                back_href: "/login?again".to_owned(),
            };
            let html = page.render();
            let words = language.words();
            assert!(html.contains(words.send_code) && html.contains(&words.too_many.of(2)), "{}", words.lang);
            assert!(!html.contains("<b>"));
        }
    }
}
