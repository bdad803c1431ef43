//! What an app asks for at `/oauth2/authorize` (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1): pure rules that take
//! its parameters apart and say no in the right place.

use super::pairs::{Pairs, Twice, query};
use super::redirect::{Back, Mode};
use super::{OPENID, SCOPES_OF_OPENID, pkce, redirect};
use crate::auth::acr::Level;
use crate::client::{Client, OWN_USERS};
use crate::pool::Pool;
use crate::settings::client::is_absolute_address;
use postern_model::cognito_idp::OAuthFlowType;
use postern_store::Timestamp;
use serde::{Deserialize, Serialize};

/// Characters of a description.
const DESCRIPTION_MAX: usize = 200;
/// Bytes of all that an app has kept for it while somebody signs in.
const KEPT_MAX: usize = 4096;
const TOO_MUCH: &str = "state, nonce and hints are longer than 4096 bytes together";
const KEPT: [&str; 7] = ["state", "nonce", "login_hint", "lang", "ui_locales", "resource", "acr_values"];

/// An authorization request in which all is as it must be.
#[derive(Clone, Serialize, Deserialize)]
pub struct AuthorizeRequest {
    pub client_id: String,
    #[serde(default)]
    pub response_type: ResponseType,
    pub redirect_uri: String,
    /// The token request must then name it, too.
    pub redirect_uri_sent: bool,
    pub scope: String,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub code_challenge: Option<String>,
    pub prompt: Prompt,
    /// The same in the words of the app, for providers.
    #[serde(default)]
    pub prompt_words: Option<String>,
    /// Seconds since the person last proved who they are, at most.
    pub max_age_s: Option<i64>,
    pub login_hint: Option<String>,
    pub lang: Option<String>,
    #[serde(default)]
    pub ui_locales: Option<String>,
    /// What the access token is to be good for (RFC 8707).
    #[serde(default)]
    pub resource: Option<String>,
    /// The levels of authentication that would be best, the best one first.
    #[serde(default)]
    pub acr_values: Option<String>,
    #[serde(default)]
    pub mode: Mode,
    /// Where the person is to sign in.
    #[serde(default)]
    pub provider: Option<Wanted>,
    /// Who is expected to be signed in: by a token that is to be verified, and then in short.
    #[serde(default)]
    pub id_token_hint: Option<String>,
    /// The person comes back as they went: no answer is wanted.
    #[serde(default)]
    pub is_errand: bool,
}

/// What an app is answered with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseType {
    #[default]
    Code,
    /// The tokens themselves, without one to refresh them (RFC 6749 §4.2): for old apps only.
    Token,
}

impl ResponseType {
    fn as_str(self) -> &'static str {
        match self {
            ResponseType::Code => "code",
            ResponseType::Token => "token",
        }
    }

    /// The flow that a client has to be allowed.
    fn flow(self) -> OAuthFlowType {
        match self {
            ResponseType::Code => OAuthFlowType::Code,
            ResponseType::Token => OAuthFlowType::Implicit,
        }
    }
}

/// Whether the person is to be asked again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prompt {
    /// Only a browser that is not signed in.
    #[default]
    IfNeeded,
    /// In no case: who is not signed in gets `login_required`.
    Never,
    Always,
}

/// An outside provider that an app sends people on to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wanted {
    Named(String),
    /// By one of its identifiers, such as the domain of an address.
    Identified(String),
}

/// Why a request stops.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// Nothing is known to be safe to redirect to, so our own page says it (rule O12).
    Page(Wrong),
    Back(Refused),
}

/// What our own page says is wrong.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A sentence about a parameter.
    Request(String),
    UnknownClient(String),
    Redirect {
        sent: String,
        allowed: Vec<String>,
    },
}

/// An error that the app is told by a redirect.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    pub redirect_uri: String,
    pub state: Option<String>,
    pub mode: Mode,
    pub error: &'static str,
    pub description: String,
}

impl From<Wrong> for Stop {
    fn from(wrong: Wrong) -> Self {
        Stop::Page(wrong)
    }
}

impl From<Twice> for Wrong {
    fn from(Twice(name): Twice) -> Self {
        Wrong::Request(format!("Parameter {name} is present more than once"))
    }
}

impl Refused {
    /// What the app is told, with who tells it (RFC 9207).
    pub fn back(self, issuer: &str) -> Back {
        let mut parameters = vec![("error_description", self.description), ("error", self.error.to_owned())];
        parameters.extend(self.state.map(|state| ("state", state)));
        parameters.push(("iss", issuer.to_owned()));
        Back { address: self.redirect_uri, parameters, mode: self.mode }
    }
}

/// The client that a request names.
pub fn client_id(pairs: &Pairs) -> Result<&str, Wrong> {
    required(pairs, "client_id")
}

/// A parameter that has to be there, once.
pub fn required<'a>(pairs: &'a Pairs, name: &str) -> Result<&'a str, Wrong> {
    pairs.once(name)?.ok_or_else(|| Wrong::Request(format!("Required parameter {name} is not present")))
}

/// Takes a request of a client apart.
pub fn parse(pairs: &Pairs, client: &Client, pkce_required: bool) -> Result<AuthorizeRequest, Stop> {
    let sent = pairs.once("redirect_uri").map_err(Wrong::from)?;
    let redirect_uri = redirect_uri(sent, client)?;
    // Should the state itself be doubled, there is none to give back.
    let state = pairs.once("state").unwrap_or_default().map(str::to_owned);
    // Errors travel as the answer would, even the one about how it should travel.
    let asks_for_tokens = pairs
        .first("response_type")
        .is_some_and(|types| types.split(' ').any(|one| ["token", "id_token"].contains(&one)));
    let mode = match pairs.once("response_mode") {
        Ok(Some("form_post")) => Mode::FormPost,
        Ok(Some("fragment")) => Mode::Fragment,
        _ if asks_for_tokens => Mode::Fragment,
        _ => Mode::Query,
    };
    let asked = Asked { pairs, client, redirect_uri_sent: sent.is_some(), pkce_required, mode };
    asked.read(&redirect_uri, state.clone()).map_err(|No(error, description)| {
        Stop::Back(Refused { redirect_uri, state, mode, error, description })
    })
}

/// Reads what a page for people who are signed in is opened with: the client, and where they come back to.
pub fn errand(pairs: &Pairs, client: &Client) -> Result<AuthorizeRequest, Wrong> {
    let text = |name: &str| Ok::<_, Wrong>(pairs.once(name)?.map(str::to_owned));
    let sent = pairs.once("redirect_uri")?;
    let request = AuthorizeRequest {
        client_id: client.id.clone(),
        response_type: ResponseType::Code,
        redirect_uri: redirect_uri(sent, client)?,
        redirect_uri_sent: sent.is_some(),
        scope: String::new(),
        state: text("state")?,
        nonce: None,
        code_challenge: None,
        prompt: Prompt::IfNeeded,
        prompt_words: None,
        max_age_s: None,
        login_hint: text("login_hint")?,
        lang: text("lang")?,
        ui_locales: text("ui_locales")?,
        resource: None,
        acr_values: None,
        mode: Mode::Query,
        provider: None,
        id_token_hint: None,
        is_errand: true,
    };
    match is_much(pairs) {
        true => Err(Wrong::Request(TOO_MUCH.to_owned())),
        false => Ok(request),
    }
}

/// Tells whether an app wants more kept for it than is.
fn is_much(pairs: &Pairs) -> bool {
    KEPT.iter().filter_map(|name| pairs.first(name)).map(str::len).sum::<usize>() > KEPT_MAX
}

fn redirect_uri(sent: Option<&str>, client: &Client) -> Result<String, Wrong> {
    let registered = client.config.callback_urls.clone().unwrap_or_default();
    match sent {
        Some(sent) if redirect::is_registered(sent, &registered) => Ok(sent.to_owned()),
        Some(sent) => Err(Wrong::Redirect { sent: sent.to_owned(), allowed: registered }),
        None => match (&client.config.default_redirect_uri, registered.as_slice()) {
            (Some(default), _) => Ok(default.clone()),
            (None, [only]) => Ok(only.clone()),
            _ => Err(Wrong::Request("Required parameter redirect_uri is not present".into())),
        },
    }
}

/// An error and its description.
struct No(&'static str, String);

impl From<Twice> for No {
    fn from(Twice(name): Twice) -> Self {
        No("invalid_request", format!("{name} is present more than once"))
    }
}

fn no<T>(error: &'static str, description: impl Into<String>) -> Result<T, No> {
    Err(No(error, description.into()))
}

struct Asked<'a> {
    pairs: &'a Pairs,
    client: &'a Client,
    redirect_uri_sent: bool,
    pkce_required: bool,
    mode: Mode,
}

impl Asked<'_> {
    fn read(&self, redirect_uri: &str, state: Option<String>) -> Result<AuthorizeRequest, No> {
        let text = |name: &str| Ok::<_, No>(self.pairs.once(name)?.map(str::to_owned));
        text("state")?;
        if is_much(self.pairs) {
            return no("invalid_request", TOO_MUCH);
        }
        let response_type = self.response_type()?;
        self.unsupported(response_type)?;
        let code_challenge = match response_type {
            ResponseType::Code => self.code_challenge()?,
            // There is no code that could be intercepted.
            ResponseType::Token => None,
        };
        Ok(AuthorizeRequest {
            client_id: self.client.id.clone(),
            response_type,
            redirect_uri: redirect_uri.to_owned(),
            redirect_uri_sent: self.redirect_uri_sent,
            scope: self.scope()?,
            state,
            nonce: text("nonce")?,
            code_challenge,
            prompt: self.prompt()?,
            prompt_words: text("prompt")?,
            max_age_s: self.max_age()?,
            login_hint: text("login_hint")?,
            lang: text("lang")?,
            ui_locales: text("ui_locales")?,
            resource: self.resource()?,
            acr_values: text("acr_values")?,
            mode: self.mode,
            provider: self.provider()?,
            id_token_hint: text("id_token_hint")?,
            is_errand: false,
        })
    }

    fn response_type(&self) -> Result<ResponseType, No> {
        let response_type = match self.pairs.once("response_type")? {
            Some("code") => ResponseType::Code,
            Some("token") => ResponseType::Token,
            Some(_) => return no("unsupported_response_type", "response_type must be code or token"),
            None => return no("invalid_request", "response_type must be provided"),
        };
        let config = &self.client.config;
        if config.allowed_oauth_flows_user_pool_client != Some(true) {
            return no("unauthorized_client", "AllowedOAuthFlowsUserPoolClient is not set for this client");
        }
        let flow = response_type.flow();
        if !config.allowed_oauth_flows.iter().flatten().any(|allowed| *allowed == flow) {
            let description = format!("AllowedOAuthFlows of this client does not have {}", flow.as_str());
            return no("unauthorized_client", description);
        }
        Ok(response_type)
    }

    /// What is not done here is refused rather than passed over.
    fn unsupported(&self, response_type: ResponseType) -> Result<(), No> {
        let once = |name| self.pairs.once(name);
        if once("request")?.is_some() {
            return no("request_not_supported", "request objects are not supported");
        }
        if once("request_uri")?.is_some() {
            return no("request_uri_not_supported", "request objects are not supported");
        }
        match (once("response_mode")?, response_type) {
            // Tokens in a query end in logs and in the addresses that sites tell one another (rule O4).
            (Some("query"), ResponseType::Token) => {
                no("invalid_request", "response_mode cannot be query for tokens")
            }
            (None | Some("query" | "fragment" | "form_post"), _) => Ok(()),
            (Some(_), _) => no("invalid_request", "response_mode must be query, fragment or form_post"),
        }
    }

    /// Where the person is to sign in: at a provider of this client's, if one is named, or if there is only one.
    fn provider(&self) -> Result<Option<Wanted>, No> {
        let name = self.pairs.once("identity_provider")?;
        let identifier = self.pairs.once("idp_identifier")?;
        match (name, identifier) {
            (Some(_), Some(_)) => {
                no("invalid_request", "identity_provider and idp_identifier exclude each other")
            }
            (Some(name), None) if !self.client.supports(Some(name).filter(|name| *name != OWN_USERS)) => no(
                "invalid_request",
                "identity_provider is not among SupportedIdentityProviders of this client",
            ),
            (Some(OWN_USERS), None) => Ok(None),
            (Some(name), None) => Ok(Some(Wanted::Named(name.to_owned()))),
            (None, Some(identifier)) => Ok(Some(Wanted::Identified(identifier.to_owned()))),
            (None, None) => {
                match (self.client.supports(None), self.client.providers().collect::<Vec<_>>().as_slice()) {
                    (false, [only]) => Ok(Some(Wanted::Named((*only).to_owned()))),
                    _ => Ok(None),
                }
            }
        }
    }

    /// The scopes asked for, each once, in their order; all of the client's where none is asked for.
    fn scope(&self) -> Result<String, No> {
        let allowed = self.client.config.allowed_oauth_scopes.as_deref().unwrap_or_default();
        let asked: Vec<&str> = match self.pairs.once("scope")? {
            Some(scope) => scope.split(' ').filter(|scope| !scope.is_empty()).collect(),
            None => allowed.iter().map(String::as_str).collect(),
        };
        let mut granted: Vec<&str> = Vec::new();
        for scope in asked {
            if !allowed.iter().any(|one| one == scope) {
                return no("invalid_scope", "a scope is not among AllowedOAuthScopes of this client");
            }
            if !granted.contains(&scope) {
                granted.push(scope);
            }
        }
        if granted.is_empty() {
            return no("invalid_scope", "this client has no scopes");
        }
        if !granted.contains(&OPENID) && granted.iter().any(|scope| SCOPES_OF_OPENID.contains(scope)) {
            return no("invalid_scope", "email, phone and profile need the scope openid");
        }
        Ok(granted.join(" "))
    }

    fn code_challenge(&self) -> Result<Option<String>, No> {
        let challenge = self.pairs.once("code_challenge")?;
        match (challenge, self.pairs.once("code_challenge_method")?) {
            (Some(challenge), Some("S256")) if pkce::is_challenge(challenge) => {
                Ok(Some(challenge.to_owned()))
            }
            (Some(_), Some("S256")) => no("invalid_request", "code_challenge is not a SHA-256 in base64url"),
            (Some(_), Some(_)) => no("invalid_request", "code_challenge_method must be S256"),
            (Some(_), None) => no("invalid_request", "code_challenge_method must be provided"),
            (None, Some(_)) => no("invalid_request", "code_challenge must be provided"),
            // Double quotes may not stand in a description (RFC 6749 §4.1.2.1).
            (None, None) if !self.client.has_secret() && self.pkce_required => no(
                "invalid_request",
                "code_challenge must be provided: clients without a secret need PKCE \
                 unless the server is set to oauth.pkce = 'optional'",
            ),
            (None, None) => Ok(None),
        }
    }

    fn prompt(&self) -> Result<Prompt, No> {
        let Some(text) = self.pairs.once("prompt")? else { return Ok(Prompt::IfNeeded) };
        let asked: Vec<&str> = text.split(' ').filter(|prompt| !prompt.is_empty()).collect();
        if asked.iter().any(|prompt| !["none", "login", "select_account", "consent"].contains(prompt)) {
            return no("invalid_request", "prompt must be none, login, select_account or consent");
        }
        match asked.as_slice() {
            ["none"] => Ok(Prompt::Never),
            asked if asked.contains(&"none") => no("invalid_request", "prompt=none must be alone"),
            asked if asked.iter().any(|prompt| *prompt != "consent") => Ok(Prompt::Always),
            // There is no consent page for a pool's own apps.
            _ => Ok(Prompt::IfNeeded),
        }
    }

    fn resource(&self) -> Result<Option<String>, No> {
        match self.pairs.once("resource") {
            Ok(Some(resource)) if is_absolute_address(resource) => Ok(Some(resource.to_owned())),
            Ok(None) => Ok(None),
            Ok(Some(_)) => no(
                "invalid_target",
                "resource must be an absolute address without a fragment, and https unless it is on this machine",
            ),
            Err(Twice(_)) => no("invalid_target", "tokens are bound to one resource only"),
        }
    }

    fn max_age(&self) -> Result<Option<i64>, No> {
        let Some(text) = self.pairs.once("max_age")? else { return Ok(None) };
        match text.parse::<u32>() {
            Ok(seconds) => Ok(Some(i64::from(seconds))),
            Err(_) => no("invalid_request", "max_age must be a number of seconds"),
        }
    }
}

impl AuthorizeRequest {
    /// Tells whether a person who proved who they are at `auth` needs not be asked again.
    pub fn is_content_with(&self, auth: Timestamp, now: Timestamp) -> bool {
        // No age at all is as good as asking again (OpenID Connect Core §3.1.2.1).
        let is_young = |max_age_s| max_age_s > 0 && now.seconds() - auth.seconds() <= max_age_s;
        self.prompt != Prompt::Always && self.max_age_s.is_none_or(is_young)
    }

    /// The levels of authentication that it asks for, the best one first.
    pub fn levels(&self, pool: &Pool) -> Vec<Level> {
        let names = pool.levels.as_ref().zip(self.acr_values.as_deref());
        names.map(|(names, asked)| names.read(asked)).unwrap_or_default()
    }

    /// The same request once more, as a path. A person who has just signed in is not asked again; the name that
    /// was hinted at is not repeated in an address.
    pub fn href(&self, is_signed_in: bool) -> String {
        if self.is_errand {
            return self.errand_href(is_signed_in);
        }
        let max_age = self.max_age_s.filter(|_| !is_signed_in).map(|seconds| seconds.to_string());
        let mut pairs = vec![
            ("response_type", self.response_type.as_str()),
            ("client_id", self.client_id.as_str()),
            ("scope", &self.scope),
        ];
        pairs.extend(self.redirect_uri_sent.then_some(("redirect_uri", self.redirect_uri.as_str())));
        pairs.extend(self.state.as_deref().map(|state| ("state", state)));
        pairs.extend(self.nonce.as_deref().map(|nonce| ("nonce", nonce)));
        if let Some(challenge) = &self.code_challenge {
            pairs.extend([("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")]);
        }
        let prompt = self.prompt_words.as_deref().filter(|_| !is_signed_in);
        pairs.extend(prompt.map(|words| ("prompt", words)));
        pairs.extend(max_age.as_deref().map(|max_age| ("max_age", max_age)));
        pairs.extend(self.lang.as_deref().map(|lang| ("lang", lang)));
        pairs.extend(self.ui_locales.as_deref().map(|locales| ("ui_locales", locales)));
        pairs.extend(self.resource.as_deref().map(|resource| ("resource", resource)));
        pairs.extend(self.acr_values.as_deref().map(|values| ("acr_values", values)));
        pairs.extend(self.id_token_hint.as_deref().map(|hint| ("id_token_hint", hint)));
        pairs.extend(self.provider.as_ref().filter(|_| !is_signed_in).map(|provider| match provider {
            Wanted::Named(name) => ("identity_provider", name.as_str()),
            Wanted::Identified(identifier) => ("idp_identifier", identifier.as_str()),
        }));
        pairs.extend(match (self.mode, self.response_type) {
            (Mode::FormPost, _) => Some(("response_mode", "form_post")),
            (Mode::Fragment, ResponseType::Code) => Some(("response_mode", "fragment")),
            (Mode::Query | Mode::Fragment, _) => None,
        });
        format!("/oauth2/authorize?{}", query(&pairs))
    }

    /// Back to where an errand began; or to it once more.
    fn errand_href(&self, is_done: bool) -> String {
        let state = self.state.as_deref().map(|state| ("state", state));
        match state {
            Some(state) if is_done => return redirect::with(&self.redirect_uri, &[state]),
            None if is_done => return self.redirect_uri.clone(),
            _ => {}
        }
        let mut pairs = vec![("client_id", self.client_id.as_str())];
        pairs.extend(self.redirect_uri_sent.then_some(("redirect_uri", self.redirect_uri.as_str())));
        pairs.extend(state);
        format!("/passkeys/add?{}", query(&pairs))
    }

    /// Whether the answer is a code that the address itself carries, so that no page and no signature is needed.
    pub fn takes_code_by_address(&self) -> bool {
        self.response_type == ResponseType::Code && self.mode != Mode::FormPost && !self.is_errand
    }

    /// An error about this request, for the app.
    pub fn refused(&self, error: &'static str, description: &str) -> Refused {
        Refused {
            redirect_uri: self.redirect_uri.clone(),
            state: self.state.clone(),
            mode: self.mode,
            error,
            description: describing(description),
        }
    }
}

/// Somebody else's words, in the letters that a description may have (RFC 6749 §4.1.2.1).
fn describing(text: &str) -> String {
    let may_be = |c: &char| matches!(c, ' '..='~') && !['"', '\\'].contains(c);
    text.chars().filter(may_be).take(DESCRIPTION_MAX).collect()
}

#[cfg(test)]
#[path = "authorize_tests.rs"]
mod tests;
