//! The pages of a sign-in: who are you, which way, the password, a new account, and good-bye.

use super::assets;
pub use super::code::{CheckCode, CodeError, CodeKind, CodeNotice, Unsent};
pub use super::factor::Factor;
use super::words::{FieldWords, Words};
use super::{Form, Frame};

/// What a pool lets people type to say who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    Email,
    Phone,
    Username,
    EmailOrPhone,
    EmailOrUsername,
    PhoneOrUsername,
    Any,
}

impl NameKind {
    pub(super) fn words(self, words: &Words) -> FieldWords {
        words.names[self as usize]
    }

    /// The `type` of the field: a narrower one only where nothing else may be typed.
    pub(super) fn input(self) -> &'static str {
        match self {
            NameKind::Email => "email",
            NameKind::Phone => "tel",
            _ => "text",
        }
    }
}

/// Why a name did not get any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    Empty,
    NotAnAddress,
    NotAPhone,
    Unsent(Unsent),
    Passkey,
    /// What was proven already is forgotten.
    TookTooLong,
}

impl NameError {
    pub(super) fn said(self, kind: NameKind, words: &Words) -> String {
        match self {
            NameError::Empty => kind.words(words).empty.to_owned(),
            NameError::NotAnAddress => words.not_an_address.to_owned(),
            NameError::NotAPhone => words.not_a_phone.to_owned(),
            NameError::Unsent(unsent) => unsent.said(words, false),
            NameError::TookTooLong => words.took_too_long_at_all.to_owned(),
            NameError::Passkey => words.passkeys.wrong.to_owned(),
        }
    }
}

/// The way to an outside provider.
pub struct ProviderLink {
    /// What people know it by.
    pub name: String,
    pub href: String,
}

/// `/login`: who are you? Posts `username` to `/login`.
#[derive(askama::Template)]
#[template(path = "login/identify.html")]
pub struct Identify {
    pub frame: Frame,
    pub form: Form,
    pub kind: NameKind,
    /// What was typed, or what the app hinted at.
    pub value: String,
    pub error: Option<NameError>,
    /// Whether the pool's own people sign in here at all.
    pub takes_names: bool,
    pub providers: Vec<ProviderLink>,
    pub sign_up_href: Option<String>,
    /// Where the script asks what to ask a passkey; nothing where passkeys do not do.
    pub passkey_options_href: Option<String>,
}

impl Identify {
    fn heading(&self) -> &str {
        let own = self.frame.brand.as_ref().and_then(|brand| brand.heading.as_deref());
        own.unwrap_or(self.frame.words.sign_in)
    }

    fn instructions(&self) -> Option<&str> {
        self.frame.brand.as_ref()?.instructions.as_deref()
    }

    fn problem(&self) -> Option<String> {
        Some(self.error?.said(self.kind, self.frame.words))
    }

    fn field(&self) -> FieldWords {
        self.kind.words(self.frame.words)
    }
}

/// "Try another way". Posts `factor` to `/login/choose`.
#[derive(askama::Template)]
#[template(path = "login/choose.html")]
pub struct Choose {
    pub frame: Frame,
    pub form: Form,
    pub name: String,
    pub different_href: String,
    pub factors: Vec<Factor>,
    /// Why a way could not be taken.
    pub error: Option<Unsent>,
    /// Back to the code that is still good.
    pub back_href: Option<String>,
}

impl Choose {
    fn has_passkey(&self) -> bool {
        self.factors.contains(&Factor::Passkey)
    }

    fn heading(&self) -> &'static str {
        self.frame.words.choose
    }

    fn who(&self) -> (&'static str, &'static str) {
        self.frame.words.signing_in_as.around("name")
    }

    fn problem(&self) -> Option<String> {
        Some(self.error?.said(self.frame.words, true))
    }
}

/// Why a password did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordError {
    Empty,
    Wrong,
    /// It was right, and the second step came too late.
    TookTooLong,
    TooMany {
        minutes: u64,
        email_instead: bool,
    },
}

/// "Enter your password". Posts `password` to `/login/password`.
#[derive(askama::Template)]
#[template(path = "login/password.html")]
pub struct Password {
    pub frame: Frame,
    pub form: Form,
    pub name: String,
    pub different_href: String,
    pub error: Option<PasswordError>,
    pub forgot_href: Option<String>,
    pub other_way_href: Option<String>,
}

impl Password {
    fn heading(&self) -> &'static str {
        self.frame.words.enter_password
    }

    fn who(&self) -> (&'static str, &'static str) {
        self.frame.words.signing_in_as.around("name")
    }

    fn problem(&self) -> Option<String> {
        let words = self.frame.words;
        Some(match self.error? {
            PasswordError::Empty => words.password_empty.to_owned(),
            PasswordError::Wrong => words.password_wrong.to_owned(),
            PasswordError::TookTooLong => words.took_too_long.to_owned(),
            PasswordError::TooMany { minutes, email_instead: true } => words.too_many_or_email.of(minutes),
            PasswordError::TooMany { minutes, .. } => words.too_many.of(minutes),
        })
    }
}

/// One demand of a pool's password policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordRule {
    Length(u64),
    Uppercase,
    Lowercase,
    Number,
    Symbol,
}

impl PasswordRule {
    pub(super) fn label(self, words: &Words) -> String {
        match self {
            PasswordRule::Length(least) => words.rule_length.of(least),
            PasswordRule::Uppercase => words.rule_upper.to_owned(),
            PasswordRule::Lowercase => words.rule_lower.to_owned(),
            PasswordRule::Number => words.rule_number.to_owned(),
            PasswordRule::Symbol => words.rule_symbol.to_owned(),
        }
    }

    /// The regular expression by which the page's script ticks the rule; the server judges.
    pub(super) fn pattern(self) -> String {
        match self {
            PasswordRule::Length(least) => format!("^[^]{{{least},}}$"),
            PasswordRule::Uppercase => "[A-Z]".to_owned(),
            PasswordRule::Lowercase => "[a-z]".to_owned(),
            PasswordRule::Number => "[0-9]".to_owned(),
            PasswordRule::Symbol => r##"[\^$*.[\]{}()?"!@#%&/\\,><':;|_~`=+\-]|\S \S"##.to_owned(),
        }
    }
}

/// What is wrong with a password that somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewPasswordError {
    Empty,
    RulesUnmet,
    Reused,
}

/// A field for a password that somebody wants; posts `password`.
#[derive(Clone, Debug)]
pub struct PasswordField {
    pub rules: Vec<PasswordRule>,
    pub error: Option<NewPasswordError>,
}

impl PasswordField {
    pub(super) fn problem(&self, words: &Words) -> Option<&'static str> {
        Some(match self.error? {
            NewPasswordError::Empty => words.password_empty,
            NewPasswordError::RulesUnmet => words.rules_unmet,
            NewPasswordError::Reused => words.password_reused,
        })
    }
}

/// What is wrong with an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldError {
    Empty,
    Wrong,
}

/// A field for a user attribute; posts its value under the attribute's name.
#[derive(Clone)]
pub struct Field {
    /// As in the pool's schema: `email`, `given_name`, `custom:team`; or `username`.
    pub attribute: String,
    pub value: String,
    pub error: Option<FieldError>,
}

impl Field {
    fn label<'a>(&'a self, words: &Words) -> &'a str {
        let own = self.attribute.strip_prefix("custom:").unwrap_or(&self.attribute);
        words.attribute(&self.attribute).map_or(own, |known| known.label)
    }

    fn id(&self) -> String {
        self.attribute.replace(':', "-")
    }

    fn problem(&self, words: &Words) -> Option<String> {
        Some(match (self.error?, self.attribute.as_str()) {
            (FieldError::Empty, name) => match words.attribute(name) {
                Some(known) => known.empty.to_owned(),
                None => words.attribute_empty.with("label", self.label(words)),
            },
            (FieldError::Wrong, "email") => words.not_an_address.to_owned(),
            (FieldError::Wrong, "phone_number") => words.not_a_phone.to_owned(),
            (FieldError::Wrong, _) => words.attribute_wrong.to_owned(),
        })
    }

    fn input(&self) -> &'static str {
        match self.attribute.as_str() {
            "email" => "email",
            "phone_number" => "tel",
            "birthdate" => "date",
            "picture" | "profile" | "website" => "url",
            _ => "text",
        }
    }

    /// The purpose of the field for autofill (HTML, "Autofill"; WCAG 1.3.5).
    fn autocomplete(&self) -> &'static str {
        match self.attribute.as_str() {
            "email" => "email",
            "username" => "username",
            "phone_number" => "tel",
            "name" => "name",
            "given_name" => "given-name",
            "family_name" => "family-name",
            "middle_name" => "additional-name",
            "nickname" | "preferred_username" => "nickname",
            "birthdate" => "bday",
            "gender" => "sex",
            "address" => "street-address",
            "locale" => "language",
            "picture" => "photo",
            "website" | "profile" => "url",
            _ => "on",
        }
    }

    /// Whether a keyboard should offer capitals and a spelling check.
    fn is_prose(&self) -> bool {
        self.input() == "text"
            && !matches!(self.attribute.as_str(), "username" | "preferred_username" | "locale")
    }
}

/// A first password must be replaced. Posts `password` and the fields to `/login/new-password`.
#[derive(askama::Template)]
#[template(path = "login/new_password.html")]
pub struct NewPassword {
    pub frame: Frame,
    pub form: Form,
    pub name: String,
    pub different_href: String,
    /// Required attributes that this person does not have yet.
    pub fields: Vec<Field>,
    pub password: PasswordField,
}

impl NewPassword {
    fn heading(&self) -> &'static str {
        self.frame.words.set_password
    }

    fn who(&self) -> (&'static str, &'static str) {
        self.frame.words.signing_in_as.around("name")
    }

    /// The first field that is wrong, or else the first one: where the focus goes.
    fn focus(&self) -> usize {
        self.fields.iter().position(|field| field.error.is_some()).unwrap_or(self.fields.len())
    }

    fn wrong(&self) -> bool {
        self.password.error.is_some() || self.fields.iter().any(|field| field.error.is_some())
    }
}

/// "Create an account". Posts the fields, and `password` where there is one, to `/signup`.
#[derive(askama::Template)]
#[template(path = "login/sign_up.html")]
pub struct SignUp {
    pub frame: Frame,
    pub form: Form,
    /// What the pool requires, email first.
    pub fields: Vec<Field>,
    pub password: Option<PasswordField>,
    /// Where the same page asks for a password too.
    pub use_password_href: Option<String>,
    /// What is agreed to: where the terms of use and the privacy policy are.
    pub terms: Option<(String, String)>,
    pub error: Option<SignUpError>,
    pub sign_in_href: String,
    /// Whether who signs up may be offered a passkey.
    pub asks_for_passkeys: bool,
}

/// What is wrong with a new account as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignUpError {
    Refused,
    Unsent(Unsent),
}

impl SignUp {
    fn heading(&self) -> &'static str {
        self.frame.words.create_account
    }

    fn problem(&self) -> Option<String> {
        let words = self.frame.words;
        Some(match self.error? {
            SignUpError::Refused => words.sign_up_refused.to_owned(),
            SignUpError::Unsent(unsent) => unsent.said(words, false),
        })
    }

    /// The first field that is wrong, or else the first one: where the focus goes.
    fn focus(&self) -> usize {
        let password_wrong = self.password.as_ref().is_some_and(|password| password.error.is_some());
        let first = if password_wrong { self.fields.len() } else { 0 };
        self.fields.iter().position(|field| field.error.is_some()).unwrap_or(first)
    }

    fn wrong(&self) -> bool {
        let password = self.password.as_ref().is_some_and(|password| password.error.is_some());
        self.error.is_some() || password || self.fields.iter().any(|field| field.error.is_some())
    }
}

/// "Do you want to sign out?" Posts the parameters of the request to `/logout/confirm`.
#[derive(askama::Template)]
#[template(path = "login/sign_out.html")]
pub struct SignOut {
    pub frame: Frame,
    pub csrf: String,
    pub parameters: Vec<(String, String)>,
}

impl SignOut {
    fn heading(&self) -> &'static str {
        self.frame.words.sign_out_ask
    }
}

/// An answer to an app that the browser posts; by itself where scripts run.
#[derive(askama::Template)]
#[template(path = "login/post_back.html")]
pub struct PostBack {
    pub frame: Frame,
    pub address: String,
    pub parameters: Vec<(&'static str, String)>,
}

impl PostBack {
    fn heading(&self) -> String {
        self.frame.words.back_to.with("app", &self.frame.app)
    }
}

/// On the way to an app, or to a page of ours outside of the form that was pressed.
#[derive(askama::Template)]
#[template(path = "login/onward.html")]
pub struct Onward {
    pub frame: Frame,
    pub href: String,
}

impl Onward {
    fn heading(&self) -> String {
        self.frame.words.back_to.with("app", &self.frame.app)
    }
}

/// "You're signed out".
#[derive(askama::Template)]
#[template(path = "login/signed_out.html")]
pub struct SignedOut {
    pub frame: Frame,
    pub sign_in_href: Option<String>,
}

impl SignedOut {
    fn heading(&self) -> &'static str {
        self.frame.words.signed_out
    }
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
