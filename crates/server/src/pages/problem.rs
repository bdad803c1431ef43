//! Pages for when a sign-in cannot go on: mostly the app's mistake, so they explain it to its developer.

use super::Frame;
use super::assets;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    UnknownApp {
        client_id: String,
    },
    RedirectRefused {
        sent: String,
        /// The registered addresses; shown in development mode only.
        allowed: Option<Vec<String>>,
    },
    /// The request lacks something, such as `Required parameter redirect_uri is not present`.
    BadRequest {
        why: String,
    },
    Expired {
        /// Restarts the same request, when it is still known.
        back_href: Option<String>,
    },
    CookiesBlocked {
        /// Begins the same request anew, when it is still known.
        retry_href: Option<String>,
    },
    TooMany {
        minutes: u64,
    },
    /// The sign-in is too risky for its pool.
    Blocked {
        back_href: String,
    },
    NotFound,
    Fault,
}

/// A page that says what happened and what to do next.
#[derive(askama::Template)]
#[template(path = "problem.html")]
pub struct Problem {
    pub frame: Frame,
    pub trouble: Trouble,
    /// A short reference that the operator finds in the log.
    pub reference: String,
}

impl Problem {
    fn heading(&self) -> &'static str {
        let words = self.frame.words;
        match self.trouble {
            Trouble::UnknownApp { .. } => words.unknown_app,
            Trouble::RedirectRefused { .. } => words.address_refused,
            Trouble::BadRequest { .. } => words.request_wrong,
            Trouble::Expired { .. } => words.page_expired,
            Trouble::CookiesBlocked { .. } => words.cookies_blocked,
            Trouble::TooMany { .. } => words.slow_down,
            Trouble::Blocked { .. } => words.sign_in_blocked,
            Trouble::NotFound => words.not_found,
            Trouble::Fault => words.fault,
        }
    }

    fn advice(&self) -> String {
        let words = self.frame.words;
        match self.trouble {
            Trouble::UnknownApp { .. } => words.unknown_app_more.to_owned(),
            Trouble::RedirectRefused { .. } => words.address_refused_more.to_owned(),
            Trouble::BadRequest { .. } => words.request_wrong_more.to_owned(),
            Trouble::Expired { back_href: Some(_) } => words.page_expired_more.to_owned(),
            Trouble::Expired { back_href: None } => words.page_expired_start.to_owned(),
            Trouble::CookiesBlocked { .. } => words.cookies_blocked_more.to_owned(),
            Trouble::TooMany { minutes } => words.wait.of(minutes),
            Trouble::Blocked { .. } => words.sign_in_blocked_more.to_owned(),
            Trouble::NotFound => words.not_found_more.to_owned(),
            Trouble::Fault => words.fault_more.with("reference", &self.reference),
        }
    }

    /// The one way on, where there is one.
    fn way(&self) -> Option<(&str, String)> {
        let words = self.frame.words;
        match &self.trouble {
            Trouble::Expired { back_href: Some(href) } => {
                Some((href, words.back_to.with("app", &self.frame.app)))
            }
            Trouble::Blocked { back_href } => Some((back_href, words.back_to.with("app", &self.frame.app))),
            Trouble::CookiesBlocked { retry_href: Some(href) } => Some((href, words.try_again.to_owned())),
            _ => None,
        }
    }

    /// The code that a developer can look up.
    fn code(&self) -> &'static str {
        match self.trouble {
            Trouble::UnknownApp { .. } => "invalid_client",
            Trouble::RedirectRefused { .. } => "redirect_mismatch",
            Trouble::BadRequest { .. } => "invalid_request",
            Trouble::Expired { .. } => "flow_expired",
            Trouble::CookiesBlocked { .. } => "cookies_blocked",
            Trouble::TooMany { .. } => "too_many_requests",
            Trouble::Blocked { .. } => "sign_in_blocked",
            Trouble::NotFound => "not_found",
            Trouble::Fault => "server_error",
        }
    }
}

/// An allowed address beside the one that was sent: where they part, and where they meet again.
#[derive(Debug, PartialEq, Eq)]
struct Compared<'a> {
    before: &'a str,
    allowed: &'a str,
    sent: &'a str,
    after: &'a str,
}

impl<'a> Compared<'a> {
    fn new(sent: &'a str, allowed: &'a str) -> Compared<'a> {
        let same = |(one, other): &((usize, char), (usize, char))| one.1 == other.1;
        let head: usize = sent
            .char_indices()
            .zip(allowed.char_indices())
            .take_while(same)
            .map(|((_, letter), _)| letter.len_utf8())
            .sum();
        let tail: usize = sent[head..]
            .chars()
            .rev()
            .zip(allowed[head..].chars().rev())
            .take_while(|(one, other)| one == other)
            .map(|(letter, _)| letter.len_utf8())
            .sum();
        Compared {
            before: &allowed[..head],
            allowed: &allowed[head..allowed.len() - tail],
            sent: &sent[head..sent.len() - tail],
            after: &allowed[allowed.len() - tail..],
        }
    }

    /// How much differs, so that the likeliest meant address comes first.
    fn distance(&self) -> usize {
        self.allowed.chars().count() + self.sent.chars().count()
    }

    /// Names the usual mistakes.
    fn hint(&self) -> Option<&'static str> {
        let only_in_one =
            |text| (self.allowed, self.sent) == (text, "") || (self.allowed, self.sent) == ("", text);
        let is_port = |text: &str| text.trim_start_matches(':').bytes().all(|byte| byte.is_ascii_digit());
        let in_host = self.before.matches('/').count() == 2;
        if only_in_one("/") {
            Some("Only a slash differs.")
        } else if self.before == "http" && only_in_one("s") {
            Some("One is http, the other https.")
        } else if in_host
            && is_port(self.allowed)
            && is_port(self.sent)
            && self.before.matches(':').count() <= 2
        {
            Some("Only the port differs.")
        } else if self.allowed.eq_ignore_ascii_case(self.sent) {
            Some("Only capital letters differ.")
        } else {
            None
        }
    }
}

impl Problem {
    fn comparisons(&self) -> Option<Vec<Compared<'_>>> {
        let Trouble::RedirectRefused { sent, allowed: Some(allowed) } = &self.trouble else { return None };
        let mut compared: Vec<_> = allowed.iter().map(|one| Compared::new(sent, one)).collect();
        compared.sort_by_key(Compared::distance);
        Some(compared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Page;
    use crate::pages::words::Language;

    fn page(trouble: Trouble) -> Problem {
        let frame = Frame::new(Language::English, "Acme", "localhost:9320");
        Problem { frame, trouble, reference: "7f3a91c2".to_owned() }
    }

    #[test]
    fn the_differing_part_is_found() {
        let cases = [
            ("http://localhost:3000/cb", "http://localhost:3000/cb/", Some("Only a slash differs.")),
            ("http://app.example/cb", "https://app.example/cb", Some("One is http, the other https.")),
            ("http://localhost:3000/cb", "http://localhost:5173/cb", Some("Only the port differs.")),
            ("http://localhost/cb", "http://localhost:5173/cb", Some("Only the port differs.")),
            ("http://localhost/CB", "http://localhost/cb", Some("Only capital letters differ.")),
            ("http://localhost/1", "http://localhost/2", None),
            ("https://evil.example/", "https://app.example/cb", None),
        ];
        for (sent, allowed, hint) in cases {
            let compared = Compared::new(sent, allowed);
            assert_eq!(compared.hint(), hint, "{sent} {allowed}");
            assert_eq!(format!("{}{}{}", compared.before, compared.allowed, compared.after), allowed);
            assert_eq!(format!("{}{}{}", compared.before, compared.sent, compared.after), sent);
        }
    }

    #[test]
    fn differing_letters_of_many_bytes_are_not_cut() {
        let compared = Compared::new("https://ä.example/", "https://å.example/");
        assert_eq!((compared.sent, compared.allowed), ("ä", "å"));
    }

    #[test]
    fn the_nearest_allowed_address_comes_first() {
        let allowed = vec!["https://app.example/other".to_owned(), "http://localhost:3000/cb/".to_owned()];
        let page = page(Trouble::RedirectRefused {
            sent: "http://localhost:3000/cb".to_owned(),
            allowed: Some(allowed),
        });
        let first = &page.comparisons().expect("addresses are shown")[0];
        assert_eq!(first.hint(), Some("Only a slash differs."));
        assert!(page.render().contains("<mark>/</mark>"));
    }

    #[test]
    fn allowed_addresses_stay_unsaid_outside_development() {
        let sent = "https://evil.example/\"><script>".to_owned();
        let html = page(Trouble::RedirectRefused { sent, allowed: None }).render();
        assert!(!html.contains("Allowed"));
        assert!(!html.contains("\"><script>"));
        assert!(html.contains("&#34;&#62;&#60;script&#62;"));
    }

    #[test]
    fn every_trouble_says_what_to_do_and_carries_its_reference() {
        let troubles = [
            Trouble::UnknownApp { client_id: "abc".to_owned() },
            Trouble::BadRequest { why: "Required parameter client_id is not present".to_owned() },
            Trouble::Expired { back_href: Some("/oauth2/authorize?client_id=abc".to_owned()) },
            Trouble::Expired { back_href: None },
            Trouble::CookiesBlocked { retry_href: Some("/login".to_owned()) },
            Trouble::TooMany { minutes: 4 },
            Trouble::NotFound,
            Trouble::Fault,
        ];
        for trouble in troubles {
            let page = page(trouble);
            let html = page.render();
            assert!(html.contains("7f3a91c2") && html.contains(page.code()), "{:?}", page.trouble);
            assert!(html.contains("<title>Error: "), "{:?}", page.trouble);
            assert_eq!(html.matches("<h1>").count(), 1, "{:?}", page.trouble);
        }
        let known = page(Trouble::Expired { back_href: Some("/again".to_owned()) }).render();
        assert!(known.contains(r#"<a class="primary" href="/again">Back to Acme</a>"#));
    }
}
