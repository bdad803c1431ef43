//! What mails and text messages say: the pool's own templates where it has them, Cognito's default sentence and a few
//! lines of help where it has not. Only text made here; sending is the mail crate's.

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

    fn default_subject(self, is_by_link: bool) -> &'static str {
        match self {
            _ if is_by_link && self.confirms() => "Your verification link",
            Occasion::SignIn => "Your authentication code",
            Occasion::SignUp
            | Occasion::ResendCode
            | Occasion::VerifyAttribute
            | Occasion::UpdateAttribute
            | Occasion::ForgotPassword => "Your verification code",
            Occasion::Invitation => "Your temporary password",
            Occasion::InvitationWithoutPassword => "Your new account",
            Occasion::AccountExists => "You already have an account",
            Occasion::GuessesUsedUp => "Wrong codes were tried for your account",
            Occasion::AddressChange => "The email address of your account is changing",
            Occasion::NumberChange => "The telephone number of your account is changing",
            Occasion::SecondFactorAdded => "A second step was added to your sign-in",
            Occasion::SecondFactorRemoved => "A second step was taken away from your sign-in",
            Occasion::PasskeyAdded => "A passkey was added to your account",
            Occasion::PasskeyRemoved => "A passkey was removed from your account",
        }
    }

    fn default_sentence(self, is_by_link: bool) -> &'static str {
        match self {
            _ if is_by_link && self.confirms() => "Please click the link below to verify your email address.",
            Occasion::SignIn => "Your authentication code is {####}.",
            Occasion::SignUp
            | Occasion::ResendCode
            | Occasion::VerifyAttribute
            | Occasion::UpdateAttribute
            | Occasion::ForgotPassword => "Your verification code is {####}.",
            Occasion::Invitation => "Your username is {username} and temporary password is {####}.",
            Occasion::InvitationWithoutPassword => "Your username is {username}.",
            Occasion::AccountExists => {
                "You already have an account with this address. To get in, sign in instead of signing up."
            }
            Occasion::SecondFactorAdded => {
                "A second step was added to the sign-in of your account. If that was not you, tell those who run \
                 this service."
            }
            Occasion::SecondFactorRemoved => {
                "A second step was taken away from the sign-in of your account. If that was not you, tell those \
                 who run this service."
            }
            Occasion::GuessesUsedUp => {
                "Somebody tried several wrong sign-in codes for your account today. No new codes are sent for \
                 now. Nobody got in with them."
            }
            Occasion::AddressChange => {
                "Somebody who is signed in to your account asked to change or remove this email address. If that was \
                 not you, open this link to keep it and to sign everybody out:"
            }
            Occasion::NumberChange => {
                "Somebody who is signed in to your account asked to change or remove its telephone number. If that was \
                 not you, open this link to keep it and to sign everybody out:"
            }
            Occasion::PasskeyAdded => {
                "A passkey was added to your account. Whoever holds it can sign in as you. If it wasn't you, sign in and \
                 remove it, and tell whoever runs the service."
            }
            Occasion::PasskeyRemoved => {
                "A passkey was removed from your account and no longer signs in. If it wasn't you, sign in and check \
                 your account, and tell whoever runs the service."
            }
        }
    }

    /// Whether the message confirms a sign-up, which a link can do in the place of a code.
    pub fn confirms(self) -> bool {
        matches!(self, Occasion::SignUp | Occasion::ResendCode)
    }

    /// Whether the message carries what takes a change back.
    pub fn undoes(self) -> bool {
        matches!(self, Occasion::AddressChange | Occasion::NumberChange)
    }

    /// The words for what the code does, in "only to …".
    fn action(self) -> &'static str {
        match self {
            Occasion::SignIn => "sign in to",
            Occasion::SignUp | Occasion::ResendCode => "confirm your new account at",
            Occasion::VerifyAttribute | Occasion::UpdateAttribute => "confirm this address at",
            Occasion::ForgotPassword => "set a new password at",
            _ => "use",
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
    let subject = facts.template.subject.clone();
    let subject = subject.unwrap_or_else(|| facts.occasion.default_subject(facts.link.is_some()).to_owned());
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
        None => default_words(facts, subject),
    }
}

fn default_words(facts: &Facts<'_>, subject: String) -> Words {
    let sentence = facts.occasion.default_sentence(facts.link.is_some());
    let mut text = fill(sentence, facts.code, facts.username);
    let mut html = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <meta name=\"supported-color-schemes\" content=\"light dark\"></head>\
         <body style=\"margin:0;padding:24px;font-family:system-ui,-apple-system,'Segoe UI',sans-serif;\
         font-size:16px;line-height:1.5\"><div style=\"max-width:480px;margin:0 auto\"><p>",
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
    let mut lines = Vec::new();
    if facts.link.is_some() {
        lines.push(format!("The link works for {}, once.", lasting(facts.valid_minutes)));
        lines.push(format!("Asked for at {}{}.", facts.asked_at, from_browser(facts.user_agent)));
        lines.push(match facts.occasion.confirms() {
            true => {
                format!(
                    "It confirms your new account at {}. If you didn't ask for it, ignore this email.",
                    facts.app
                )
            }
            false => "If you made the change yourself, there is nothing to do.".to_owned(),
        });
    } else if facts.code.is_some() && facts.occasion != Occasion::Invitation {
        lines.push(format!(
            "It works for {}, only to {} {}.",
            lasting(facts.valid_minutes),
            facts.occasion.action(),
            facts.app
        ));
        lines.push(format!("Asked for at {}{}.", facts.asked_at, from_browser(facts.user_agent)));
        lines.push(
            "If you didn't ask for this, ignore this email. Nobody can sign in without the code, and nobody from \
             us will ask you for it."
                .to_owned(),
        );
    } else if facts.occasion == Occasion::Invitation {
        lines.push(format!(
            "Sign in to {} with it within {} and choose your own password.",
            facts.app,
            lasting(facts.valid_minutes)
        ));
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
        (None, occasion) => format!("{} ", occasion.default_sentence(false)),
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

fn lasting(minutes: i64) -> String {
    match minutes {
        1 => "1 minute".into(),
        minutes if minutes < 120 => format!("{minutes} minutes"),
        minutes if minutes < 48 * 60 => format!("{} hours", minutes / 60),
        minutes => format!("{} days", minutes / (24 * 60)),
    }
}

/// Names the kind of browser in known words only: what a request says of itself is not repeated.
fn from_browser(user_agent: &str) -> String {
    match device_words(user_agent) {
        words if words.is_empty() => words,
        words => format!(" from {words}"),
    }
}

/// Names the browser and the system that a User-Agent speaks of, in known words; nothing for others.
pub fn device_words(user_agent: &str) -> String {
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
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
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
fn plain(html: &str) -> String {
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
