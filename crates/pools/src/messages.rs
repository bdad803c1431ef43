//! What mails and text messages say: the pool's own templates where it has them, Cognito's default sentence and a few
//! lines of help where it has not, in the language of the page that caused the mail. Only text made here; sending is the
//! mail crate's.

mod translations;
mod words;

pub use words::{Catalogue, ENGLISH};
use words::{Mail, mail};

/// Why a mail is sent. Each has its template, its default text and its name in the inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    SignIn,
    SignUp,
    ResendCode,
    Invitation,
    /// An invitation for somebody who signs in by codes and has no password.
    InvitationWithoutPassword,
    VerifyAttribute,
    /// The same, for an address that was just changed.
    UpdateAttribute,
    ForgotPassword,
    /// Somebody signed up with an address that has an account.
    AccountExists,
    /// Too many wrong codes were tried; said once a day.
    GuessesUsedUp,
    /// An address is being changed or was removed; its link takes that back.
    AddressChange,
    /// The same of a telephone number.
    NumberChange,
    /// A second factor was added, or put in the place of another (rule F6).
    SecondFactorAdded,
    SecondFactorRemoved,
    PasskeyAdded,
    PasskeyRemoved,
}

impl Occasion {
    /// The occasion in the words of the inbox and the log.
    pub fn title(self) -> &'static str {
        match self {
            Occasion::SignIn => "Sign-in code",
            Occasion::SignUp | Occasion::ResendCode => "Confirm sign-up",
            Occasion::Invitation | Occasion::InvitationWithoutPassword => "Invitation",
            Occasion::VerifyAttribute | Occasion::UpdateAttribute => "Verify address",
            Occasion::ForgotPassword => "Reset password",
            Occasion::AccountExists => "You already have an account",
            Occasion::GuessesUsedUp => "Wrong codes",
            Occasion::AddressChange => "Address change",
            Occasion::NumberChange => "Number change",
            Occasion::SecondFactorAdded | Occasion::SecondFactorRemoved => "Sign-in changed",
            Occasion::PasskeyAdded => "Passkey added",
            Occasion::PasskeyRemoved => "Passkey removed",
        }
    }

    /// The occasion as functions that choose words are told it; nothing where the words are the house's own.
    pub fn trigger(self) -> Option<&'static str> {
        match self {
            Occasion::SignIn => Some("Authentication"),
            Occasion::SignUp | Occasion::AccountExists => Some("SignUp"),
            Occasion::ResendCode => Some("ResendCode"),
            Occasion::Invitation | Occasion::InvitationWithoutPassword => Some("AdminCreateUser"),
            Occasion::VerifyAttribute => Some("VerifyUserAttribute"),
            Occasion::UpdateAttribute => Some("UpdateUserAttribute"),
            Occasion::ForgotPassword => Some("ForgotPassword"),
            Occasion::GuessesUsedUp
            | Occasion::AddressChange
            | Occasion::NumberChange
            | Occasion::SecondFactorAdded
            | Occasion::SecondFactorRemoved
            | Occasion::PasskeyAdded
            | Occasion::PasskeyRemoved => None,
        }
    }

    /// What a mail of the occasion says by itself. Those that only calls of the API cause are in English.
    fn default_mail(self, is_by_link: bool, words: &Catalogue) -> Mail {
        match self {
            _ if is_by_link && self.confirms() => words.link,
            Occasion::SignIn => words.sign_in,
            Occasion::SignUp
            | Occasion::ResendCode
            | Occasion::VerifyAttribute
            | Occasion::UpdateAttribute
            | Occasion::ForgotPassword => words.verification,
            Occasion::AccountExists => words.account_exists,
            Occasion::GuessesUsedUp => words.guesses_used_up,
            Occasion::SecondFactorAdded => words.second_factor_added,
            Occasion::PasskeyAdded => words.passkey_added,
            Occasion::Invitation => mail(
                "Your temporary password",
                "Your username is {username} and temporary password is {####}.",
            ),
            Occasion::InvitationWithoutPassword => mail("Your new account", "Your username is {username}."),
            Occasion::SecondFactorRemoved => mail(
                "A second step was taken away from your sign-in",
                "A second step was taken away from the sign-in of your account. If that was not you, tell those \
                 who run this service.",
            ),
            Occasion::AddressChange => mail(
                "The email address of your account is changing",
                "Somebody who is signed in to your account asked to change or remove this email address. If that was \
                 not you, open this link to keep it and to sign everybody out:",
            ),
            Occasion::NumberChange => mail(
                "The telephone number of your account is changing",
                "Somebody who is signed in to your account asked to change or remove its telephone number. If that \
                 was not you, open this link to keep it and to sign everybody out:",
            ),
            Occasion::PasskeyRemoved => mail(
                "A passkey was removed from your account",
                "A passkey was removed from your account and no longer signs in. If it wasn't you, sign in and check \
                 your account, and tell whoever runs the service.",
            ),
        }
    }

    /// The language that a mail of the occasion is in.
    fn words(self, words: &'static Catalogue) -> &'static Catalogue {
        match self {
            Occasion::Invitation
            | Occasion::InvitationWithoutPassword
            | Occasion::SecondFactorRemoved
            | Occasion::AddressChange
            | Occasion::NumberChange
            | Occasion::PasskeyRemoved => &ENGLISH,
            _ => words,
        }
    }

    /// Whether the message confirms a sign-up, which a link can do in the place of a code.
    pub fn confirms(self) -> bool {
        matches!(self, Occasion::SignUp | Occasion::ResendCode)
    }

    /// Whether somebody sits before a page that waits for the message. What goes out in its place, so that a page tells
    /// nobody who has an account, travels alike.
    pub fn is_awaited(self) -> bool {
        matches!(
            self,
            Occasion::SignIn
                | Occasion::SignUp
                | Occasion::ResendCode
                | Occasion::AccountExists
                | Occasion::VerifyAttribute
                | Occasion::UpdateAttribute
                | Occasion::ForgotPassword
        )
    }

    /// Whether the message carries what takes a change back.
    pub fn undoes(self) -> bool {
        matches!(self, Occasion::AddressChange | Occasion::NumberChange)
    }

    /// What a code of the occasion is good for.
    fn purpose(self, words: &Catalogue) -> &'static str {
        match self {
            Occasion::SignUp | Occasion::ResendCode => words.to_confirm_account,
            Occasion::VerifyAttribute | Occasion::UpdateAttribute => words.to_confirm_address,
            Occasion::ForgotPassword => words.to_set_password,
            _ => words.to_sign_in,
        }
    }
}

/// A template of the pool's own; the parts that are missing fall back to the defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template {
    pub subject: Option<String>,
    pub body: Option<String>,
}

/// What goes into a mail.
pub struct Facts<'a> {
    pub occasion: Occasion,
    pub template: &'a Template,
    pub app: &'a str,
    pub code: Option<&'a str>,
    /// The link that the mail carries in the place of a code.
    pub link: Option<&'a str>,
    pub username: &'a str,
    pub valid_minutes: i64,
    /// The request's User-Agent, reduced to known words before it is shown.
    pub user_agent: &'a str,
    pub asked_at: &'a str,
    /// The language of the page that causes it.
    pub words: &'static Catalogue,
}

/// A mail's words.
#[derive(Debug, PartialEq)]
pub struct Words {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Renders a mail.
pub fn render(facts: &Facts<'_>) -> Words {
    // A subject of ours over the pool's own words is in no other language than those may be.
    let words = if facts.template.body.is_some() { &ENGLISH } else { facts.occasion.words(facts.words) };
    let standard = facts.occasion.default_mail(facts.link.is_some(), words);
    let subject = facts.template.subject.clone().unwrap_or_else(|| standard.subject.to_owned());
    match &facts.template.body {
        Some(body) => {
            let username = escape(facts.username);
            let (in_html, in_text) = match facts.link.map(escape) {
                Some(href) => (
                    linked(body, |words| format!("<a href=\"{href}\">{words}</a>")),
                    // Where links cannot be followed by their words, they stand behind them.
                    linked(body, |words| format!("{words} {href}")),
                ),
                None => (body.clone(), body.clone()),
            };
            let html = fill(&in_html, facts.code, &username);
            Words { subject, text: plain(&fill(&in_text, facts.code, &username)), html }
        }
        None => default_words(facts, words, standard.sentence, subject),
    }
}

fn default_words(facts: &Facts<'_>, words: &Catalogue, sentence: &str, subject: String) -> Words {
    let mut text = fill(sentence, facts.code, facts.username);
    let mut html = format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <meta name=\"supported-color-schemes\" content=\"light dark\"></head>\
         <body style=\"margin:0;padding:24px;font-family:system-ui,-apple-system,'Segoe UI',sans-serif;\
         font-size:16px;line-height:1.5\"><div style=\"max-width:480px;margin:0 auto\"><p>",
        words.lang
    );
    html.push_str(&fill(&escape(sentence), facts.code, &escape(facts.username)));
    html.push_str("</p>");
    if let Some(link) = facts.link {
        text.push_str(&format!("\r\n\r\n{link}\r\n"));
        html.push_str(&format!("<p style=\"margin:24px 0\"><a href=\"{0}\">{0}</a></p>", escape(link)));
    } else if let Some(code) = facts.code.filter(|_| facts.occasion != Occasion::InvitationWithoutPassword) {
        text.push_str(&format!("\r\n\r\n    {code}\r\n"));
        html.push_str(&format!(
            "<p style=\"margin:24px 0;font:700 32px/1.2 ui-monospace,Menlo,Consolas,monospace;\
             letter-spacing:.08em\">{}</p>",
            escape(code)
        ));
    }
    let time = words.lasting(facts.valid_minutes);
    let with = |sentence: &str| sentence.replace("{time}", &time).replace("{app}", facts.app);
    let mut lines = Vec::new();
    if facts.link.is_some() {
        lines.push(with(words.link_works));
        lines.push(asked(facts, words));
        lines.push(match facts.occasion.confirms() {
            true => with(words.link_confirms),
            false => "If you made the change yourself, there is nothing to do.".to_owned(),
        });
    } else if facts.code.is_some() && facts.occasion != Occasion::Invitation {
        lines.push(with(facts.occasion.purpose(words)));
        lines.push(asked(facts, words));
        lines.push(words.ignore_code.to_owned());
    } else if facts.occasion == Occasion::Invitation {
        lines.push(format!("Sign in to {} with it within {time} and choose your own password.", facts.app));
    } else if facts.occasion == Occasion::InvitationWithoutPassword {
        lines.push(format!(
            "To sign in to {}, enter it there; we then mail you a code. You need no password.",
            facts.app
        ));
    }
    for line in &lines {
        text.push_str("\r\n\r\n");
        text.push_str(line);
        html.push_str(&format!("<p>{}</p>", escape(line)));
    }
    text.push_str("\r\n");
    html.push_str("</div></body></html>");
    Words { subject, text, html }
}

/// Renders a text message: the pool's own words, or the default ones; nothing is added to either.
pub fn text_message(
    occasion: Occasion,
    template: Option<&str>,
    code: Option<&str>,
    username: &str,
) -> String {
    let sentence = match (template, occasion) {
        (Some(template), _) => template.to_owned(),
        (None, Occasion::AccountExists) => {
            "You already have an account with this number. To get in, sign in instead of signing up."
                .to_owned()
        }
        (None, Occasion::NumberChange) => {
            "Somebody signed in to your account is changing this number. Not you? Keep it: {####} ".to_owned()
        }
        (None, occasion) => format!("{} ", occasion.default_mail(false, &ENGLISH).sentence),
    };
    fill(&sentence, code, username)
}

/// Puts a link in the place of each `{##words##}`; `{####}` has no words and is the code's place.
fn linked(template: &str, link: impl Fn(&str) -> String) -> String {
    let mut linked = String::with_capacity(template.len() + 128);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{##") {
        let Some((words, after)) = after.split_once("##}") else { break };
        linked.push_str(before);
        match words {
            "" => linked.push_str("{####}"),
            words => linked.push_str(&link(words)),
        }
        rest = after;
    }
    linked.push_str(rest);
    linked
}

/// Tells whether a template has a place for a link.
pub fn has_link(template: &str) -> bool {
    linked(template, |_| String::new()) != template
}

/// Puts the code and the name in their places; both are literal, never template language.
fn fill(template: &str, code: Option<&str>, username: &str) -> String {
    let mut filled = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        filled.push_str(&rest[..start]);
        rest = &rest[start..];
        if let Some(after) = rest.strip_prefix("{####}") {
            filled.push_str(code.unwrap_or_default());
            rest = after;
        } else if let Some(after) = rest.strip_prefix("{username}") {
            filled.push_str(username);
            rest = after;
        } else {
            filled.push('{');
            rest = &rest[1..];
        }
    }
    filled.push_str(rest);
    filled
}

/// When the mail was asked for, and by what kind of browser: in known words only, since what a request says of itself is
/// not repeated.
fn asked(facts: &Facts<'_>, words: &Catalogue) -> String {
    match device(facts.user_agent, words.browser_on) {
        browser if browser.is_empty() => words.asked_at.replace("{at}", facts.asked_at),
        browser => words.asked_from.replace("{at}", facts.asked_at).replace("{browser}", &browser),
    }
}

/// Names the browser and the system that a User-Agent speaks of, in known words; nothing for others.
pub fn device_words(user_agent: &str) -> String {
    device(user_agent, ENGLISH.browser_on)
}

fn device(user_agent: &str, both: &str) -> String {
    let named = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    let browser = named(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = named(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => both.replace("{browser}", browser).replace("{system}", system),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => String::new(),
    }
}

/// Escapes text for HTML.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Gives the text of an HTML body, for the plain part: tags out, entities back, breaks kept.
pub(crate) fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        let Some(end) = rest.find('>') else { break };
        let tag = rest[1..end].trim_start_matches('/').to_ascii_lowercase();
        if ["br", "p", "div", "tr", "li", "h1", "h2", "h3"]
            .iter()
            .any(|name| tag == *name || tag.starts_with(&format!("{name} ")))
        {
            text.push_str("\r\n");
        }
        rest = &rest[end + 1..];
    }
    if !rest.starts_with('<') {
        text.push_str(rest);
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&")
        .trim()
        .to_owned()
        + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts<'a>(occasion: Occasion, template: &'a Template, username: &'a str) -> Facts<'a> {
        Facts {
            occasion,
            template,
            app: "Acme",
            code: Some("01234567"),
            link: None,
            username,
            valid_minutes: 3,
            user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
            asked_at: "14:03 UTC",
            words: &ENGLISH,
        }
    }

    #[test]
    fn a_text_message_is_the_default_sentence_or_the_pools_own() {
        let text = |occasion, template| text_message(occasion, template, Some("123456"), "alice");
        assert_eq!(text(Occasion::SignIn, None), "Your authentication code is 123456. ");
        assert_eq!(text(Occasion::SignUp, None), "Your verification code is 123456. ");
        let invitation = "Your username is alice and temporary password is 123456. ";
        assert_eq!(text(Occasion::Invitation, None), invitation);
        assert_eq!(text(Occasion::SignIn, Some("{####} for {username}")), "123456 for alice");
    }

    #[test]
    fn a_code_mail_begins_with_the_default_sentence_and_says_what_the_code_is_for() {
        let words = render(&facts(Occasion::SignIn, &Template::default(), "alice"));
        assert!(words.text.starts_with("Your authentication code is 01234567."));
        assert!(words.text.contains("\r\n    01234567\r\n"));
        for part in [
            "It works for 3 minutes, only to sign in to Acme.",
            "Asked for at 14:03 UTC from Firefox on Linux.",
            "nobody from us will ask you for it",
        ] {
            assert!(words.text.contains(part), "{part}");
        }
        assert!(words.html.contains(">01234567</p>") && !words.html.contains("http"));
        assert!(!words.subject.contains("01234567"));
    }

    #[test]
    fn a_mail_is_in_the_language_of_its_page_unless_the_pool_has_words_of_its_own() {
        let template = Template::default();
        let german = |occasion| Facts { words: Catalogue::of("de"), ..facts(occasion, &template, "alice") };
        let mail = render(&german(Occasion::SignIn));
        assert_eq!(mail.subject, "Ihr Anmeldecode");
        assert!(mail.html.starts_with("<!doctype html><html lang=\"de\">"));
        for part in [
            "Ihr Anmeldecode ist 01234567.",
            "Er gilt 3 Minuten, nur um sich bei Acme anzumelden.",
            "Angefordert um 14:03 UTC von Firefox unter Linux.",
        ] {
            assert!(mail.text.contains(part), "{part}");
        }
        let body = Template { body: Some("Code {####}".into()), ..Template::default() };
        let own = render(&Facts { template: &body, ..german(Occasion::SignIn) });
        assert_eq!((own.subject.as_str(), own.html.as_str()), ("Your authentication code", "Code 01234567"));
        assert_eq!(render(&german(Occasion::Invitation)).subject, "Your temporary password");
    }

    #[test]
    fn the_pools_own_template_wins() {
        let template = Template {
            subject: Some("Hello".into()),
            body: Some("<p>Dear {username},</p><p>code {####}, again {####}, not {this}.</p>".into()),
        };
        let words = render(&facts(Occasion::SignIn, &template, "<b>alice</b>"));
        assert_eq!(words.subject, "Hello");
        assert_eq!(
            words.html,
            "<p>Dear &lt;b&gt;alice&lt;/b&gt;,</p><p>code 01234567, again 01234567, not {this}.</p>"
        );
        assert!(words.text.contains("Dear <b>alice</b>,") && words.text.contains("code 01234567"));
    }

    #[test]
    fn a_name_that_looks_like_a_template_is_only_a_name() {
        let template = Template { body: Some("{username} {####}".into()), ..Template::default() };
        let words = render(&facts(Occasion::Invitation, &template, "{####}"));
        assert_eq!(words.html, "{####} 01234567");
    }

    #[test]
    fn a_link_stands_where_the_template_has_words_for_it() {
        let template = Template {
            subject: None,
            body: Some("<p>Welcome! {##Confirm & go##}, {username}. {####}{##</p>".into()),
        };
        let link = "https://auth.example.com/confirmUser?client_id=a&user_name=b&confirmation_code=123456";
        let mut facts = facts(Occasion::SignUp, &template, "{##x##}");
        facts.link = Some(link);
        let words = render(&facts);
        assert_eq!(words.subject, "Your verification link");
        let href = link.replace('&', "&amp;");
        assert_eq!(
            words.html,
            format!("<p>Welcome! <a href=\"{href}\">Confirm & go</a>, {{##x##}}. 01234567{{##</p>")
        );
        assert!(words.text.contains(&format!("Confirm & go {link}, ")), "{}", words.text);
    }

    #[test]
    fn the_place_of_a_code_is_no_place_for_a_link() {
        assert!(!has_link("{####}") && !has_link("{## {####"));
        assert!(has_link("{####} {##Go##}"));
        assert_eq!(linked("{####} {##Go##} {##", |words| words.to_uppercase()), "{####} GO {##");
    }

    #[test]
    fn a_mail_with_a_link_has_no_code_and_says_what_the_link_does() {
        let template = Template::default();
        let mut facts = facts(Occasion::ResendCode, &template, "alice");
        facts.link = Some("https://auth.example.com/confirmUser?a=1&b=2");
        let words = render(&facts);
        assert!(words.text.starts_with("Please click the link below to verify your email address."));
        assert!(words.text.contains("https://auth.example.com/confirmUser?a=1&b=2"));
        assert!(words.html.contains("<a href=\"https://auth.example.com/confirmUser?a=1&amp;b=2\">"));
        assert!(words.text.contains("It confirms your new account at Acme."));
        assert!(!words.text.contains("01234567") && !words.html.contains("01234567"));
    }

    #[test]
    fn a_user_agent_is_never_repeated() {
        let mut facts = facts(Occasion::SignIn, &Template { subject: None, body: None }, "alice");
        facts.user_agent = "<script>alert(1)</script> pay at evil.test";
        let words = render(&facts);
        assert!(!words.html.contains("evil") && !words.text.contains("evil"));
    }
}
