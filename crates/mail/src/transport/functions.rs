//! Functions of the operator's own, which Cognito knows as Lambda functions: called by Lambda's Invoke API at an
//! endpoint that the configuration names, or as signed webhooks. Here stands how they are called and what their calls
//! can come to; what they are asked, and when, is the pools' affair.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use http::HeaderMap;
use postern_access::sigv4::{self, SigningKey};
use postern_model::Secret;
use postern_store::{Clock, random};
use serde_json::Value;

use super::web::{Post, Reply, Unreached, Url, Web, headers};
use super::webhook;

/// How often a call is tried that is not answered in time; a function that fails is not called again (Developer
/// Guide, "Customizing user pool workflows with Lambda triggers").
const TRIES: u32 = 3;
/// The longest answer that is read.
const ANSWER_MAX: usize = 1024 * 1024;
const JSON: &str = "application/json";

/// Where functions are, as the operator says.
#[derive(Clone)]
pub struct Settings {
    /// The base address of an Invoke API, for functions without a place of their own.
    pub invoke: Option<Url>,
    /// Signs calls of the Invoke API.
    pub key: Option<Key>,
    /// Places of functions by their names.
    pub places: BTreeMap<String, Place>,
    /// How long a function may take; Cognito's is five seconds.
    pub time_limit: Duration,
    /// Keys that codes are encrypted with for custom senders, by the ARN that `KMSKeyID` names.
    pub code_keys: BTreeMap<String, CodeKey>,
}

#[derive(Clone)]
pub struct Key {
    pub id: String,
    pub secret: Secret,
    pub region: String,
}

/// A key of 32 bytes that the operator shares with the receiver.
#[derive(Clone)]
pub struct CodeKey(pub [u8; 32]);

/// A place of one function.
#[derive(Clone)]
pub enum Place {
    /// The whole address of its invocations.
    Invoke(Url),
    Webhook {
        url: Url,
        secret: Secret,
    },
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            invoke: None,
            key: None,
            places: BTreeMap::new(),
            time_limit: Duration::from_secs(5),
            code_keys: BTreeMap::new(),
        }
    }
}

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Why a function gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// It failed, and said so in these words.
    Failed(String),
    /// It could not be called, or did not answer; with the name of the fault.
    NotInvoked(String),
    /// Its answer is no JSON.
    Unreadable,
}

/// The one who calls functions. Clones share it.
#[derive(Clone)]
pub struct Functions(Arc<Inner>);

struct Inner {
    settings: Settings,
    web: Web,
    clock: Clock,
}

impl Functions {
    pub fn new(settings: Settings, web: Web, clock: Clock) -> Functions {
        Functions(Arc::new(Inner { settings, web, clock }))
    }

    /// Tells whether it is known where a function is.
    pub fn knows(&self, arn: &str) -> bool {
        let settings = &self.0.settings;
        name_of(arn).is_some_and(|(name, _)| settings.invoke.is_some() || settings.places.contains_key(name))
    }

    /// The key that codes for a custom sender are encrypted with.
    pub fn code_key(&self, arn: &str) -> Option<&CodeKey> {
        self.0.settings.code_keys.get(arn)
    }

    /// Calls a function with an event, and waits for its answer.
    pub async fn invoke(&self, arn: &str, event: &Value) -> Result<Value, NoAnswer> {
        let Some(call) = self.call(arn) else {
            tracing::error!(function = arn, "no place is known for a function");
            return Err(NoAnswer::NotInvoked("ResourceNotFoundException".to_owned()));
        };
        let body = Bytes::from(event.to_string());
        let id = format!("msg_{}", hex::encode(random::bytes::<16>()));
        let mut tries = 0;
        loop {
            tries += 1;
            let post = Post {
                url: &call.url,
                headers: self.headers(&call, &id, &body),
                body: body.clone(),
                within: self.0.settings.time_limit,
                bytes_max: ANSWER_MAX,
            };
            match self.0.web.post(post).await {
                Ok(reply) => return read(&call.kind, &reply),
                Err(Unreached::Late | Unreached::NoConnection) if tries < TRIES => {}
                Err(unreached) => {
                    tracing::warn!(function = arn, ?unreached, tries, "a function could not be called");
                    return Err(NoAnswer::NotInvoked(words_of(unreached).to_owned()));
                }
            }
        }
    }

    fn call(&self, arn: &str) -> Option<Call> {
        let settings = &self.0.settings;
        let (name, qualifier) = name_of(arn)?;
        match settings.places.get(name) {
            Some(Place::Webhook { url, secret }) => {
                Some(Call { url: url.clone(), kind: Kind::Webhook(secret.clone()) })
            }
            Some(Place::Invoke(url)) => Some(Call { url: url.clone(), kind: Kind::Invoke }),
            None => {
                let base = settings.invoke.as_ref()?.to_string();
                let qualifier = qualifier.map(|qualifier| format!("?Qualifier={qualifier}"));
                let url = format!(
                    "{}/2015-03-31/functions/{name}/invocations{}",
                    base.trim_end_matches('/'),
                    qualifier.unwrap_or_default()
                );
                Some(Call { url: Url::parse(&url).ok()?, kind: Kind::Invoke })
            }
        }
    }

    fn headers(&self, call: &Call, id: &str, body: &[u8]) -> HeaderMap {
        let now = self.0.clock.now();
        let mut all = match &call.kind {
            Kind::Webhook(secret) => webhook::signature(secret.reveal().as_bytes(), id, now, body),
            Kind::Invoke => self.signed(call, body),
        };
        all.extend(headers([("content-type", JSON)]));
        all
    }

    fn signed(&self, call: &Call, body: &[u8]) -> HeaderMap {
        let Some(key) = &self.0.settings.key else { return HeaderMap::new() };
        let request = sigv4::Request {
            method: "POST",
            path: call.url.path(),
            query: call.url.query(),
            headers: &[("content-type", JSON), ("host", call.url.authority())],
            body,
        };
        let key = SigningKey {
            access_key_id: &key.id,
            secret: key.secret.reveal(),
            region: &key.region,
            service: "lambda",
        };
        match sigv4::signature(&request, key, self.0.clock.now()) {
            Ok(signed) => headers(signed.iter().map(|(name, value)| (*name, value.as_str()))),
            // Both headers that are signed stand there, so this cannot be; whoever is called refuses what is bare.
            Err(_) => HeaderMap::new(),
        }
    }
}

struct Call {
    url: Url,
    kind: Kind,
}

enum Kind {
    Invoke,
    Webhook(Secret),
}

/// Reads the name and the qualifier in `arn:aws:lambda:region:account:function:name[:qualifier]`.
pub fn name_of(arn: &str) -> Option<(&str, Option<&str>)> {
    let mut parts = arn.split(':');
    let is_function = parts.next() == Some("arn")
        && parts.next().is_some()
        && parts.next() == Some("lambda")
        && parts.next().is_some()
        && parts.next().is_some()
        && parts.next() == Some("function");
    let is_word = |text: &&str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let name = parts.next().filter(is_word).filter(|_| is_function)?;
    let qualifier = match parts.next() {
        // `$LATEST` is what is called without a qualifier.
        Some("$LATEST") | None => None,
        Some(qualifier) => Some(Some(qualifier).filter(is_word)?),
    };
    parts.next().is_none().then_some((name, qualifier))
}

fn words_of(unreached: Unreached) -> &'static str {
    match unreached {
        Unreached::Late => "Socket timeout while invoking Lambda function",
        Unreached::Unreadable => "ResponseSizeTooLarge",
        Unreached::Forbidden | Unreached::NoConnection | Unreached::NotProven => "ServiceException",
    }
}

fn read(kind: &Kind, reply: &Reply) -> Result<Value, NoAnswer> {
    let body: Option<Value> = serde_json::from_slice(&reply.body).ok();
    let failure = body.as_ref().and_then(error_message);
    match (reply.status, kind) {
        (200..300, _) => {
            let has_failed = reply.headers.contains_key("x-amz-function-error");
            match (body, failure) {
                (_, Some(words)) => Err(NoAnswer::Failed(words)),
                (_, None) if has_failed => Err(NoAnswer::Failed(String::new())),
                (Some(answer), None) => Ok(answer),
                (None, None) => Err(NoAnswer::Unreadable),
            }
        }
        (400..500, Kind::Webhook(_)) if failure.is_some() => {
            Err(NoAnswer::Failed(failure.unwrap_or_default()))
        }
        (status, _) => {
            tracing::warn!(status, "a function could not be invoked");
            Err(NoAnswer::NotInvoked(error_name(reply, body.as_ref())))
        }
    }
}

/// The words of a function that failed: what Lambda's runtimes write instead of an answer.
fn error_message(body: &Value) -> Option<String> {
    let body = body.as_object()?;
    if body.contains_key("response") {
        return None;
    }
    Some(body.get("errorMessage")?.as_str().unwrap_or_default().to_owned())
}

/// The name of an error of the Invoke API, as far as it is one.
fn error_name(reply: &Reply, body: Option<&Value>) -> String {
    let in_header = reply.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let in_body = body.and_then(|body| body.get("__type").or_else(|| body.get("Type"))?.as_str());
    let name = in_header.or(in_body).unwrap_or_default();
    let name = name.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default();
    let is_name = !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_name { name.to_owned() } else { "ServiceException".to_owned() }
}

/// Reads a shared key: 32 bytes, in hex.
pub fn code_key(text: &str) -> Result<CodeKey> {
    let bytes = hex::decode(text.trim())?;
    ensure!(bytes.len() == 32, "a key for codes has 32 bytes, in hex");
    let mut key = [0; 32];
    key.copy_from_slice(&bytes);
    Ok(CodeKey(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reply(status: u16, pairs: &[(&str, &str)], body: &str) -> Reply {
        Reply { status, headers: headers(pairs.iter().copied()), body: Bytes::from(body.to_owned()) }
    }

    #[test]
    fn a_function_is_named_by_its_arn() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:pre-sign-up";
        assert_eq!(name_of(arn), Some(("pre-sign-up", None)));
        assert_eq!(name_of(&format!("{arn}:live")), Some(("pre-sign-up", Some("live"))));
        assert_eq!(name_of(&format!("{arn}:$LATEST")), Some(("pre-sign-up", None)));
        for other in [
            "pre-sign-up",
            "arn:aws:sns:us-east-1:1:function:x",
            "arn:aws:lambda:us-east-1:1:function:",
            "arn:aws:lambda:us-east-1:1:function:../x",
            "arn:aws:lambda:us-east-1:1:function:x:y:z",
            "arn:aws:lambda:us-east-1:1:function:x:a/b",
        ] {
            assert_eq!(name_of(other), None, "{other}");
        }
    }

    #[test]
    fn what_a_call_comes_to_is_told_apart() {
        let failed = |words: &str| Err(NoAnswer::Failed(words.into()));
        let not_invoked = |name: &str| Err(NoAnswer::NotInvoked(name.into()));
        let function_error = [("x-amz-function-error", "Unhandled")];
        for (reply, expected) in [
            (reply(200, &[], r#"{"response":{}}"#), Ok(json!({"response": {}}))),
            (reply(200, &function_error, r#"{"errorMessage":"No.","errorType":"Error"}"#), failed("No.")),
            // Local runtimes leave the header out.
            (reply(200, &[], r#"{"errorMessage":"No.","errorType":"Error"}"#), failed("No.")),
            (reply(200, &function_error, "?"), failed("")),
            (reply(200, &[], "?"), Err(NoAnswer::Unreadable)),
            (
                reply(403, &[("x-amzn-errortype", "AccessDeniedException:http://x")], "{}"),
                not_invoked("AccessDeniedException"),
            ),
            (
                reply(404, &[], r#"{"__type":"a#ResourceNotFoundException"}"#),
                not_invoked("ResourceNotFoundException"),
            ),
            (reply(500, &[("x-amzn-errortype", "<b>")], ""), not_invoked("ServiceException")),
            (reply(302, &[("location", "http://169.254.169.254/")], ""), not_invoked("ServiceException")),
            (reply(400, &[], r#"{"errorMessage":"No."}"#), not_invoked("ServiceException")),
        ] {
            assert_eq!(read(&Kind::Invoke, &reply), expected);
        }
        let webhook = Kind::Webhook(Secret::new("s"));
        assert_eq!(read(&webhook, &reply(400, &[], r#"{"errorMessage":"No."}"#)), failed("No."));
        assert_eq!(read(&webhook, &reply(400, &[], "")), not_invoked("ServiceException"));
    }
}
