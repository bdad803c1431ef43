//! The ways to sign in that a page lets people choose from.

use super::words::Words;

/// A way to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Factor {
    /// `EMAIL_OTP`
    EmailCode { destination: String },
    /// `SMS_OTP`
    TextCode { destination: String },
    /// `PASSWORD`
    Password,
    /// `WEB_AUTHN`; shown where the browser can.
    Passkey,
}

impl Factor {
    /// The name of the challenge, as the API has it and the form posts it.
    pub(super) fn value(&self) -> &'static str {
        match self {
            Factor::EmailCode { .. } => "EMAIL_OTP",
            Factor::TextCode { .. } => "SMS_OTP",
            Factor::Password => "PASSWORD",
            Factor::Passkey => "WEB_AUTHN",
        }
    }

    pub(super) fn label(&self, words: &Words) -> &'static str {
        match self {
            Factor::EmailCode { .. } => words.choose_email,
            Factor::TextCode { .. } => words.choose_text,
            Factor::Password => words.choose_password,
            Factor::Passkey => words.passkeys.choose,
        }
    }

    pub(super) fn help(&self, words: &Words) -> String {
        match self {
            Factor::EmailCode { destination } | Factor::TextCode { destination }
                if destination.is_empty() =>
            {
                String::new()
            }
            Factor::EmailCode { destination } | Factor::TextCode { destination } => {
                words.choose_email_help.with("destination", destination)
            }
            Factor::Password => words.choose_password_help.to_owned(),
            Factor::Passkey => words.passkeys.choose_help.to_owned(),
        }
    }
}
