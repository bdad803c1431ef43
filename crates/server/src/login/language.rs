//! Which language a person reads: what the address asks for, what was chosen before, what the browser says, English.

use super::visit::Visit;
use crate::pages::words::Language;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::response::Response;

/// The cookie that remembers a choice.
const COOKIE: &str = "lang";
const YEAR_S: i64 = 31_536_000;

impl Visit {
    pub fn language(&self) -> Language {
        let accepted = || self.headers.get(ACCEPT_LANGUAGE)?.to_str().ok().and_then(Language::accepted);
        self.language_asked()
            .or_else(|| self.cookies.get(COOKIE).and_then(Language::parse))
            .or_else(accepted)
            .unwrap_or_default()
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
