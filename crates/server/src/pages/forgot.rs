//! The pages of a forgotten password: whose it is, and then the code and a new one on one page.

use super::assets;
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

    /// Whether the code goes to a telephone: a masked number has no `@`.
    fn is_text(&self) -> bool {
        self.destination.starts_with('+') && !self.destination.contains('@')
    }

    /// The code has the focus, unless only the password is wrong.
    fn is_about_password(&self) -> bool {
        self.error.is_none() && self.password.error.is_some()
    }

    fn is_wrong(&self) -> bool {
        self.error.is_some() || self.password.error.is_some()
    }

    /// Whether only a new code leads on, so that asking for one becomes the main button.
    fn needs_new(&self) -> bool {
        matches!(self.error, Some(CodeError::Expired | CodeError::SendFailed))
    }

    fn problem(&self) -> Option<String> {
        Some(self.error?.said(self.is_text(), self.frame.words))
    }

    fn status(&self) -> Option<String> {
        let words = self.frame.words;
        Some(self.notice?.said(words, words.wait))
    }
}
