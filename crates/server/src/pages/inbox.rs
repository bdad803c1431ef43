//! The local inbox of development mode: the list of caught mails, and one of them opened. Says how a mail's own HTML
//! may be shown.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::assets;
use super::moment::Moment;

/// The Content-Security-Policy of `/inbox/{id}/body`, which answers with a mail's HTML as it is: even opened by
/// itself it runs nothing, loads nothing and belongs to no origin.
pub const BODY_POLICY: &str =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";

/// The Content-Security-Policy of the inbox's pages, which frame such a body.
pub const INBOX_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
     connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A mail in the list.
pub struct Row {
    pub id: String,
    pub to: String,
    pub subject: String,
    /// Why it was sent: `Sign-in code`.
    pub kind: String,
    pub code: Option<String>,
    pub created: Moment,
    pub seen: bool,
}

/// What a mail's code can still do.
#[derive(Clone, Copy, Debug)]
pub enum CodeState {
    Works { until: Moment },
    Used,
    Expired,
}

/// Which face of a mail is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    #[default]
    Html,
    Text,
    Source,
    Headers,
}

impl Tab {
    const ALL: [Tab; 4] = [Tab::Html, Tab::Text, Tab::Source, Tab::Headers];

    /// Reads the `view` of a query; anything unknown shows the HTML.
    pub fn parse(view: &str) -> Tab {
        Tab::ALL.into_iter().find(|tab| tab.name() == view).unwrap_or_default()
    }

    fn name(self) -> &'static str {
        match self {
            Tab::Html => "html",
            Tab::Text => "text",
            Tab::Source => "source",
            Tab::Headers => "headers",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Tab::Html => "HTML",
            Tab::Text => "Text",
            Tab::Source => "Source",
            Tab::Headers => "Headers",
        }
    }
}

/// A mail, opened.
pub struct Message {
    pub id: String,
    pub from: String,
    pub to: String,
    pub subject: String,
    pub kind: String,
    pub code: Option<String>,
    pub code_state: Option<CodeState>,
    pub created: Moment,
    /// What else is known: user, app client, pool, flow.
    pub facts: Vec<(String, String)>,
    /// Links that the mail carries, offered as buttons.
    pub links: Vec<String>,
    pub text: String,
    /// Whether `/inbox/{id}/body` has HTML to show.
    pub has_html: bool,
    pub headers: Vec<(String, String)>,
    pub source: String,
}

/// The list, as it stands in the page and as a script fetches it anew from `/inbox/list?q=…&open=…`.
#[derive(askama::Template)]
#[template(path = "inbox/list.html")]
pub struct MessageList {
    /// Newest first.
    pub rows: Vec<Row>,
    /// What was searched for; empty for all.
    pub query: String,
    /// The id of the mail that is open.
    pub open: Option<String>,
    /// Where an app's sign-in begins, for somebody who has no mail yet.
    pub sign_in_href: Option<String>,
    /// Where the button that sends a test mail posts `csrf`.
    pub test_action: Option<String>,
    pub csrf: String,
}

/// `/inbox` and `/inbox/{id}`. Posts `csrf` to `/inbox/clear` and `/inbox/{id}/delete`.
#[derive(askama::Template)]
#[template(path = "inbox/inbox.html")]
pub struct Inbox {
    pub list: MessageList,
    pub message: Option<Message>,
    pub tab: Tab,
}

const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}

impl Message {
    fn path(&self) -> String {
        format!("/inbox/{}", encoded(&self.id))
    }

    /// All mails to the same address.
    fn only_href(&self) -> String {
        format!("/inbox?q={}", encoded(&self.to))
    }

    /// Whichever mail to it is the newest when it is opened.
    fn newest_href(&self) -> String {
        format!("/inbox/newest?to={}", encoded(&self.to))
    }
}

impl MessageList {
    /// The address of a mail, within the search.
    fn href(&self, id: &str) -> String {
        let id = encoded(id);
        match self.query.as_str() {
            "" => format!("/inbox/{id}"),
            query => format!("/inbox/{id}?q={}", encoded(query)),
        }
    }

    fn is_open(&self, id: &str) -> bool {
        self.open.as_deref() == Some(id)
    }

    /// Where the script fetches this very list.
    fn source(&self) -> String {
        format!("/inbox/list?q={}&open={}", encoded(&self.query), encoded(self.open.as_deref().unwrap_or("")))
    }
}

impl Inbox {
    fn title(&self) -> String {
        match &self.message {
            Some(message) => format!("{} – Inbox", message.subject),
            None => "Inbox – Postern".to_owned(),
        }
    }

    fn tab_href(&self, message: &Message, tab: Tab) -> String {
        format!("{}?view={}&q={}", message.path(), tab.name(), encoded(&self.list.query))
    }

    /// The faces this mail has.
    fn tabs(&self, message: &Message) -> impl Iterator<Item = Tab> {
        let has_html = message.has_html;
        Tab::ALL.into_iter().filter(move |tab| has_html || *tab != Tab::Html)
    }

    /// The face to show: a mail without HTML shows its text instead.
    fn face(&self, message: &Message) -> Tab {
        if self.tab == Tab::Html && !message.has_html { Tab::Text } else { self.tab }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Page;
    use postern_store::Timestamp;

    fn moment() -> Moment {
        Moment(Timestamp::from_ms(1_767_323_045_000))
    }

    fn row(id: &str) -> Row {
        Row {
            id: id.to_owned(),
            to: "alice@example.com".to_owned(),
            subject: "Your <b>code</b>".to_owned(),
            kind: "Sign-in code".to_owned(),
            code: Some("12345678".to_owned()),
            created: moment(),
            seen: false,
        }
    }

    fn list(rows: Vec<Row>) -> MessageList {
        MessageList {
            rows,
            query: String::new(),
            open: None,
            sign_in_href: Some("/login/demo".to_owned()),
            test_action: Some("/inbox/test".to_owned()),
            csrf: "csrf-1".to_owned(),
        }
    }

    fn message() -> Message {
        Message {
            id: "m1".to_owned(),
            from: "no-reply@example.com".to_owned(),
            to: "alice@example.com".to_owned(),
            subject: "Your <b>code</b>".to_owned(),
            kind: "Sign-in code".to_owned(),
            code: Some("12345678".to_owned()),
            code_state: Some(CodeState::Used),
            created: moment(),
            facts: vec![("App client".to_owned(), "demo".to_owned())],
            links: vec!["javascript:alert(1)".to_owned()],
            text: "<script>text</script>".to_owned(),
            has_html: true,
            headers: vec![("Subject".to_owned(), "Your <b>code</b>".to_owned())],
            source: "Subject: <x>".to_owned(),
        }
    }

    #[test]
    fn an_empty_inbox_says_how_to_fill_it() {
        let html = Inbox { list: list(Vec::new()), message: None, tab: Tab::Html }.render();
        assert!(html.contains("No mail yet. Sign in to an app, or send a test email."));
        assert!(html.contains(r#"href="/login/demo""#) && html.contains(r#"action="/inbox/test""#));
        assert!(!html.contains("/inbox/clear"));
    }

    #[test]
    fn a_search_without_a_find_offers_the_whole_list() {
        let list = MessageList { query: "no<body>@example.com".to_owned(), ..list(Vec::new()) };
        let html = list.render();
        assert!(html.contains("No mail matches") && html.contains("no&#60;body&#62;@example.com"));
        assert!(html.contains(r#"<a href="/inbox">"#));
    }

    #[test]
    fn a_mail_shows_its_code_to_copy_and_nothing_of_its_markup() {
        let page = Inbox { list: list(vec![row("m1")]), message: Some(message()), tab: Tab::Html };
        let html = page.render();
        assert!(html.contains(r#"<strong id="code" class="code">12345678</strong>"#));
        assert!(html.contains(r#"data-copy="code""#) && html.contains("Used"));
        assert!(html.contains(r#"<iframe sandbox src="/inbox/m1/body""#));
        assert!(!html.contains("<b>code</b>"));
        for tab in [Tab::Text, Tab::Source, Tab::Headers] {
            let html = Inbox { list: list(vec![row("m1")]), message: Some(message()), tab }.render();
            assert!(!html.contains("<script>text") && !html.contains("<b>code</b>") && !html.contains("<x>"));
            assert!(!html.contains("<iframe"));
        }
    }

    #[test]
    fn only_web_links_become_buttons() {
        let page = |link: &str| {
            let message = Message { links: vec![link.to_owned()], ..message() };
            Inbox { list: list(vec![row("m1")]), message: Some(message), tab: Tab::Text }.render()
        };
        assert!(!page("javascript:alert(1)").contains("javascript:"));
        assert!(page("http://localhost:9320/ses/verify?token=1").contains("Open the link"));
    }

    #[test]
    fn ids_and_searches_are_encoded_in_addresses() {
        let list = MessageList { query: "a&b=c".to_owned(), ..list(vec![row("x/../y")]) };
        assert!(list.render().contains("/inbox/x%2F..%2Fy?q=a%26b%3Dc"));
    }

    #[test]
    fn an_unknown_view_is_the_html() {
        assert_eq!(Tab::parse("headers"), Tab::Headers);
        assert_eq!(Tab::parse("nonsense"), Tab::Html);
    }
}
