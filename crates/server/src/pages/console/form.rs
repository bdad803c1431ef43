//! Forms of the console, and what is said after one was sent: saved, or the API's refusal beside the field it names.

use super::field::{Field, Input};

/// What is said above a page about the form that was sent before it.
#[derive(Clone, Debug, Default)]
pub struct Notice {
    /// What was done.
    pub words: String,
    /// The same by the AWS command line.
    pub commands: String,
    /// The same as requests.
    pub requests: String,
    /// A secret that is shown this once: what it is, and itself.
    pub secret: Option<(String, String)>,
}

/// Somebody else changed what this form was filled with.
#[derive(Clone, Debug)]
pub struct Clash {
    /// Setting, as it is now, as it was typed.
    pub rows: Vec<(String, String, String)>,
}

/// A form.
#[derive(askama::Template)]
#[template(path = "console/form.html")]
pub struct Form {
    pub title: String,
    pub action: String,
    pub csrf: String,
    pub fields: Vec<Field>,
    /// Fields that are sent along unseen.
    pub hidden: Vec<(String, String)>,
    pub submit: String,
    /// A second button: its name, and what it says.
    pub second: Option<(String, String)>,
    pub cancel_href: String,
    /// What is refused and belongs to no field.
    pub problem: Option<String>,
    pub clash: Option<Clash>,
    /// The button destroys something.
    pub is_danger: bool,
    /// Files are among the fields.
    pub has_files: bool,
}

impl Form {
    pub fn new(action: impl Into<String>, csrf: &str, submit: &str, fields: Vec<Field>) -> Form {
        Form {
            title: String::new(),
            action: action.into(),
            csrf: csrf.to_owned(),
            fields,
            hidden: Vec::new(),
            submit: submit.to_owned(),
            second: None,
            cancel_href: String::new(),
            problem: None,
            clash: None,
            is_danger: false,
            has_files: false,
        }
    }

    #[must_use]
    pub fn titled(mut self, title: &str) -> Form {
        self.title = title.to_owned();
        self
    }

    #[must_use]
    pub fn cancel(mut self, href: impl Into<String>) -> Form {
        self.cancel_href = href.into();
        self
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Form {
        self.hidden.push((name.to_owned(), value.into()));
        self
    }

    /// Says a refusal beside the field that it names, or above the form.
    pub fn refuse(&mut self, kind: &str, message: &str) {
        match place(&self.fields, kind, message) {
            Some(at) => self.fields[at].error = Some(message.to_owned()),
            None => self.problem = Some(message.to_owned()),
        }
    }

    fn is_wrong(&self, field: &Field) -> bool {
        field.error.is_some()
    }

    /// The field that gets the focus: the first wrong one.
    fn focus(&self) -> Option<&str> {
        self.fields.iter().find(|field| field.error.is_some()).map(|field| field.name.as_str())
    }

    fn has_focus(&self, field: &Field) -> bool {
        self.focus() == Some(field.name.as_str())
    }
}

/// Refusals that name no setting, and the setting that they are about.
const ABOUT: [(&str, &str); 15] = [
    ("UserNotFoundException", "Username"),
    ("UsernameExistsException", "Username"),
    ("AliasExistsException", "Username"),
    ("InvalidPasswordException", "Password"),
    ("PasswordHistoryPolicyViolationException", "Password"),
    ("GroupExistsException", "GroupName"),
    ("ScopeDoesNotExistException", "AllowedOAuthScopes"),
    ("InvalidOAuthFlowException", "AllowedOAuthFlows"),
    ("AlreadyExistsException", "EmailIdentity"),
    ("DuplicateProviderException", "ProviderName"),
    ("FeatureUnavailableInTierException", "UserPoolTier"),
    ("FeatureUnavailableInTierException", "AdvancedSecurityMode"),
    ("BadRequestException", "EmailIdentity"),
    ("BadRequestException", "EmailAddress"),
    ("BadRequestException", "ToAddresses"),
];

/// Words of refusals that name no setting either.
const SAID: [(&str, &str); 5] = [
    ("turn off MFA and configure", "MfaConfiguration"),
    ("as an auth factor if MFA is enabled", "MfaConfiguration"),
    ("as an auth factor if MFA is enabled", "AllowedFirstAuthFactors"),
    ("are required when MFA is required/optional", "SoftwareTokenMfaConfiguration"),
    ("Username should be", "Username"),
];

/// A refusal quotes what was typed only if that is no short word that could stand there by chance.
const QUOTED_MIN: usize = 6;

/// Finds the field that a refusal names: by the path in a constraint's message, by the first name of a setting in its
/// words, by what it quotes of what was typed, or by its kind.
fn place(fields: &[Field], kind: &str, message: &str) -> Option<usize> {
    let last = |api: &str| api.rsplit('.').next().unwrap_or(api).to_owned();
    let by_path = message.split(" at '").skip(1).find_map(|rest| {
        let path = rest.split('\'').next()?;
        fields.iter().position(|field| {
            !field.api.is_empty() && path.split('.').any(|step| step.eq_ignore_ascii_case(&last(&field.api)))
        })
    });
    let called = |api: &str| fields.iter().position(|field| last(&field.api) == api);
    let by_name = || {
        let mut words = message.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|it| !it.is_empty());
        words.find_map(called)
    };
    let by_words =
        || SAID.iter().filter(|(words, _)| message.contains(words)).find_map(|(_, api)| called(api));
    let by_kind = || ABOUT.iter().filter(|(known, _)| *known == kind).find_map(|(_, api)| called(api));
    let by_value = || {
        let is_quoted = |line: &String| {
            line.len() >= QUOTED_MIN && message.contains(line)
                || !line.is_empty()
                    && (message.starts_with(&format!("{line} ")) || message.ends_with(&format!(": {line}")))
        };
        let quotes = |field: &Field| {
            if !matches!(field.input, Input::Line { .. } | Input::Lines { .. }) {
                return None;
            }
            let lines = field.words().into_iter().map(|line| line.trim().to_owned());
            lines.filter(is_quoted).map(|line| line.len()).max()
        };
        let quoted = fields.iter().enumerate().filter_map(|(at, field)| Some((quotes(field)?, at)));
        quoted.max_by_key(|(length, _)| *length).map(|(_, at)| at)
    };
    by_path.or_else(by_words).or_else(by_name).or_else(by_value).or_else(by_kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_stands_beside_the_field_it_names() {
        let fields = vec![
            Field::line("name", "Name", "").api("PoolName"),
            Field::lines("callbacks", "Callback URLs", 3, "http://a.example/x").api("CallbackURLs"),
            Field::line("from", "FROM", "").api("EmailConfiguration.From"),
            Field::line("user", "User", "").api("Username"),
            Field::line("token", "Token endpoint", "").api("ProviderDetails.token_url"),
            Field::lines("logouts", "Sign-out URLs", 3, "nope").api("LogoutURLs"),
            Field::lines("custom", "Custom scopes", 3, "x/y"),
            Field::new("scopes", "Scopes", Input::Checks(Vec::new())).api("AllowedOAuthScopes"),
        ];
        let cases = [
            (
                "InvalidParameterException",
                "1 validation error detected: Value '' at 'poolName' failed to satisfy constraint",
                Some(0),
            ),
            (
                "InvalidParameterException",
                "1 validation error detected: Value 'x' at 'callbackURLs.1.member' failed to satisfy",
                Some(1),
            ),
            (
                "InvalidParameterException",
                "From is required when SourceArn is the identity of a domain.",
                Some(2),
            ),
            ("UsernameExistsException", "User account already exists", Some(3)),
            ("InvalidParameterException", "http://a.example/x cannot use the HTTP protocol.", Some(1)),
            ("InvalidParameterException", "token_url must be an HTTPS address.", Some(4)),
            ("LimitExceededException", "Too much.", None),
            ("InvalidParameterException", "nope is not an absolute address.", Some(5)),
            ("ScopeDoesNotExistException", "Invalid scope requested: x/y", Some(6)),
            ("ScopeDoesNotExistException", "Invalid scope requested: read", Some(7)),
            ("InvalidParameterException", "Username should be a phone number.", Some(3)),
            ("InvalidParameterException", "PoolName is required when From is given.", Some(0)),
            // A word that only begins like a setting names none.
            ("InvalidParameterException", "Fromage is not on offer.", None),
        ];
        for (kind, message, at) in cases {
            assert_eq!(place(&fields, kind, message), at, "{message}");
        }
    }
}
