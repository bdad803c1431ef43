//! What a notice of a risky sign-in says: the pool's own words, or ours.

use crate::messages::{Words, escape, plain};
use postern_model::Timestamp;
use postern_model::cognito_idp::NotifyEmailType;

/// What a notice tells.
pub struct Notice<'a> {
    pub app: &'a str,
    pub username: &'a str,
    pub is_blocked: bool,
    /// Where it came from; empty: not known.
    pub source: &'a str,
    pub device: &'a str,
    pub login_ms: i64,
    pub event_id: &'a str,
    pub feedback_token: &'a str,
}

impl Notice<'_> {
    /// Writes the notice; what the pool has no words for is said in ours.
    pub fn written(&self, own: Option<&NotifyEmailType>) -> Words {
        let own_html = own.and_then(|own| own.html_body.as_deref());
        let own_text = own.and_then(|own| own.text_body.as_deref());
        let html = own_html.map(|body| self.filled(body, escape));
        let text = own_text.map(|body| self.filled(body, str::to_owned));
        let (html, text) = match (html, text) {
            (Some(html), Some(text)) => (html, text),
            (Some(html), None) => (html.clone(), plain(&html)),
            (None, Some(text)) => (paragraphs(&text), text),
            (None, None) => {
                let text = self.filled(&self.default_body(), str::to_owned);
                (paragraphs(&text), text)
            }
        };
        let subject = own.map_or_else(|| self.default_subject().to_owned(), |own| own.subject.clone());
        Words { subject, text, html }
    }

    fn default_subject(&self) -> &'static str {
        match self.is_blocked {
            true => "A sign-in to your account was blocked",
            false => "An unusual sign-in to your account",
        }
    }

    fn default_body(&self) -> String {
        let what = match self.is_blocked {
            true => "A sign-in to your account at {app} was unlike those before, and was blocked.",
            false => "There was a sign-in to your account at {app} that was unlike those before.",
        };
        [
            what,
            "Time: {login-time}\r\nAddress: {ip-address}\r\nDevice: {device-name}",
            "If that was you, there is nothing to do. If it was not, change your password and tell whoever runs the \
             service.",
        ]
        .join("\r\n\r\n")
        .replace("{app}", self.app)
    }

    fn filled(&self, template: &str, shown: impl Fn(&str) -> String) -> String {
        let time = Timestamp(self.login_ms).iso8601();
        let or_unknown = |text: &'_ str| if text.is_empty() { "unknown".to_owned() } else { text.to_owned() };
        let values = [
            ("{username}", self.username.to_owned()),
            ("{ip-address}", or_unknown(self.source)),
            // Places are not known here.
            ("{city}", or_unknown("")),
            ("{country}", or_unknown("")),
            ("{login-time}", time),
            ("{device-name}", or_unknown(self.device)),
            ("{event-id}", self.event_id.to_owned()),
            ("{feedback-token}", self.feedback_token.to_owned()),
        ];
        let mut filled = String::with_capacity(template.len() + 64);
        let mut rest = template;
        while let Some(start) = rest.find('{') {
            filled.push_str(&rest[..start]);
            rest = &rest[start..];
            match values.iter().find(|(name, _)| rest.starts_with(name)) {
                Some((name, value)) => {
                    filled.push_str(&shown(value));
                    rest = &rest[name.len()..];
                }
                None => {
                    filled.push('{');
                    rest = &rest[1..];
                }
            }
        }
        filled.push_str(rest);
        filled
    }
}

/// A plain text as HTML.
fn paragraphs(text: &str) -> String {
    let lines = |part: &str| escape(part).replace("\r\n", "\n").replace('\n', "<br>");
    let parts = text.replace("\r\n", "\n");
    let parts: Vec<String> = parts.split("\n\n").map(|part| format!("<p>{}</p>", lines(part))).collect();
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTICE: Notice<'static> = Notice {
        app: "Shop",
        username: "a{ip-address}<b>",
        is_blocked: true,
        source: "192.0.2.7",
        device: "",
        login_ms: 1_767_323_045_000,
        event_id: "e-1",
        feedback_token: "t-1",
    };

    #[test]
    fn the_pools_own_words_are_filled_once_and_safely() {
        let own = NotifyEmailType {
            subject: "Blocked".into(),
            html_body: Some("<b>{username}</b> {city} {unknown} {event-id}".into()),
            text_body: None,
        };
        let words = NOTICE.written(Some(&own));
        assert_eq!(words.subject, "Blocked");
        assert_eq!(words.html, "<b>a{ip-address}&lt;b&gt;</b> unknown {unknown} e-1");
        assert_eq!(words.text, "a{ip-address}<b> unknown {unknown} e-1\r\n");
    }

    #[test]
    fn without_words_of_its_own_a_pool_says_ours() {
        let words = NOTICE.written(None);
        assert_eq!(words.subject, "A sign-in to your account was blocked");
        assert!(words.text.contains("Time: 2026-01-02T03:04:05Z\r\nAddress: 192.0.2.7\r\nDevice: unknown"));
        assert!(words.html.contains("Shop") && words.html.contains("<br>Address: 192.0.2.7"));
    }
}
