//! Which language a person reads: what the address asks for, what was chosen before, what the browser says, English.

use super::cookies::Cookies;
use super::visit::Visit;
use crate::pages::words::Language;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::response::Response;

/// The cookie that remembers a choice.
const COOKIE: &str = "lang";
const YEAR_S: i64 = 31_536_000;

/// What was chosen before, or what the browser says.
pub fn known(cookies: &Cookies, headers: &HeaderMap) -> Language {
    let accepted = || headers.get(ACCEPT_LANGUAGE)?.to_str().ok().and_then(Language::accepted);
    cookies.get(COOKIE).and_then(Language::parse).or_else(accepted).unwrap_or_default()
}

impl Visit {
    pub fn language(&self) -> Language {
        self.language_asked().unwrap_or_else(|| known(&self.cookies, &self.headers))
    }

    fn language_asked(&self) -> Option<Language> {
        let by_app = || self.query.first("ui_locales").and_then(Language::first);
        self.query.first("lang").and_then(Language::parse).or_else(by_app)
    }

    /// Remembers a language that the address asks for.
    pub fn keep_language(&self, response: Response) -> Response {
        match self.language_asked() {
            Some(language) => self.cookies.set(COOKIE, language.tag(), YEAR_S).on(response),
            None => response,
        }
    }
}
