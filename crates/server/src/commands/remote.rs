//! A running server, asked through its own API and inbox: what the verbs do that look at it and change it.

use crate::local_tls;
use anyhow::{Context as _, Result, anyhow, bail};
use clap::{Args, ValueEnum};
use postern_access::sigv4::{self, SigningKey};
use postern_mail::transport::Network;
use postern_mail::transport::web::{Get, HeaderMap, Post, Reply, Unreached, Url, Web};
use postern_store::Clock;
use serde_json::{Value, json};
use std::fmt;
use std::io::Write as _;
use std::time::Duration;

/// Variables that name a server, as the AWS SDKs read them; the first that is set counts.
const ENV_URLS: [&str; 2] = ["AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", "AWS_ENDPOINT_URL"];
const DEFAULT_URL: &str = "http://localhost:9320";
const DEFAULT_REGION: &str = "us-east-1";
const CALL_TIME: Duration = Duration::from_secs(30);
const BYTES_MAX: usize = 16 << 20;
/// Items of a list that are asked for at once.
const PAGE: u32 = 60;

/// Which server is meant, and how it is told about.
#[derive(Args)]
pub(super) struct RemoteArgs {
    /// The running server [default: $AWS_ENDPOINT_URL, else http://localhost:9320]
    #[arg(long, value_name = "URL", value_parser = |text: &str| Url::parse(text))]
    url: Option<Url>,
    /// How to print
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    Text,
    Json,
}

/// Why a verb failed, where the exit code tells.
#[derive(Debug)]
pub(super) enum Fault {
    /// What was named, or waited for, is not there.
    NotFound(String),
    /// The server does not answer.
    NoServer(String),
}

impl Fault {
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Fault::NotFound(_) => 3,
            Fault::NoServer(_) => 4,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Fault::NotFound(text) | Fault::NoServer(text)) = self;
        f.write_str(text)
    }
}

impl std::error::Error for Fault {}

/// A running server, and the key to ask it with.
pub(super) struct Remote {
    pub url: String,
    pub region: String,
    pub key_id: String,
    pub secret: String,
    web: Web,
    clock: Clock,
}

impl Remote {
    /// Takes the key from the environment. A server on this machine may be one in development mode, whose key is known.
    pub(super) fn open(args: &RemoteArgs) -> Result<Remote> {
        Remote::at(args.url.as_ref())
    }

    /// The same for a verb that prints in ways of its own.
    pub(super) fn at(url: Option<&Url>) -> Result<Remote> {
        let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let url = match url {
            Some(url) => url.to_string(),
            None => ENV_URLS.iter().find_map(|name| env(name)).unwrap_or_else(|| DEFAULT_URL.to_owned()),
        };
        let is_here = ["http://localhost", "http://127.0.0.1", "http://[::1]", "https://localhost"]
            .iter()
            .any(|here| {
                url.strip_prefix(here).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
            });
        let known = |name: &str| env(name).or_else(|| is_here.then(|| "test".to_owned()));
        let (Some(key_id), Some(secret)) = (known("AWS_ACCESS_KEY_ID"), known("AWS_SECRET_ACCESS_KEY"))
        else {
            bail!("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to an access key of {url}");
        };
        let anywhere = ["0.0.0.0/0", "::/0"].into_iter().map(Network::parse).collect::<Result<Vec<_>>>()?;
        Ok(Remote {
            url: url.trim_end_matches('/').to_owned(),
            region: env("AWS_REGION")
                .or_else(|| env("AWS_DEFAULT_REGION"))
                .unwrap_or_else(|| DEFAULT_REGION.to_owned()),
            key_id,
            secret,
            web: Web::open_trusting(anywhere, local_tls::authority().ok()),
            clock: Clock::system(),
        })
    }

    /// Calls a signed operation of cognito-idp.
    pub(super) async fn call(&self, operation: &str, input: &Value) -> Result<Value> {
        let url = Url::parse(&self.url)?;
        let body = serde_json::to_vec(input)?;
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        let mut headers = vec![
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("host", url.authority().to_owned()),
            ("x-amz-target", target),
        ];
        let signed: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let request = sigv4::Request {
            method: "POST",
            path: url.path(),
            query: url.query(),
            headers: &signed,
            body: &body,
        };
        let key = SigningKey {
            access_key_id: &self.key_id,
            secret: &self.secret,
            region: &self.region,
            service: "cognito-idp",
        };
        let signature = sigv4::signature(&request, key, self.clock.now());
        headers.extend(signature.map_err(|fault| anyhow!("the call cannot be signed: {fault:?}"))?);
        headers.retain(|(name, _)| *name != "host");
        let headers = header_map(&headers)?;
        let post = Post { url: &url, headers, body: body.into(), within: CALL_TIME, bytes_max: BYTES_MAX };
        let reply = self.web.post(post).await.map_err(|unreached| self.no_server(unreached))?;
        let answer: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        if reply.status == 200 {
            return Ok(answer);
        }
        let kind = answer["__type"].as_str().unwrap_or("UnknownError");
        let kind = kind.rsplit('#').next().unwrap_or(kind);
        let message =
            ["message", "Message"].iter().find_map(|name| answer[*name].as_str()).unwrap_or_default();
        let words = format!("{operation}: {kind}: {message}");
        match kind {
            "ResourceNotFoundException" | "UserNotFoundException" => Err(Fault::NotFound(words).into()),
            _ => Err(anyhow!(words)),
        }
    }

    /// The whole of a list that comes in pages.
    pub(super) async fn all(&self, operation: &str, mut input: Value, list: &str) -> Result<Vec<Value>> {
        input["MaxResults"] = PAGE.into();
        let mut found = Vec::new();
        loop {
            let mut page = self.call(operation, &input).await?;
            found.extend(page[list].as_array_mut().map(std::mem::take).unwrap_or_default());
            match page["NextToken"].take() {
                Value::Null => return Ok(found),
                token => input["NextToken"] = token,
            }
        }
    }

    /// Asks for a path of the server that is not an operation.
    pub(super) async fn get(&self, path: &str, within: Duration) -> Result<Reply> {
        let url = Url::parse(&format!("{}{path}", self.url))?;
        let get = Get { url: &url, headers: HeaderMap::new(), within, bytes_max: BYTES_MAX };
        Ok(self.web.get(get).await.map_err(|unreached| self.no_server(unreached))?)
    }

    fn no_server(&self, unreached: Unreached) -> Fault {
        let why = unreached.words();
        Fault::NoServer(format!(
            "{}: {why}. Start it with: postern serve, or name another with --url",
            self.url
        ))
    }
}

fn header_map(pairs: &[(&str, String)]) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.insert(
            name.parse::<axum::http::HeaderName>().context("a header's name")?,
            value.parse().context("a header's value")?,
        );
    }
    Ok(map)
}

/// Prints data, a line each in text and one document in JSON. Who reads may have gone away.
pub(super) fn print(output: Output, data: &Value, line: impl Fn(&Value) -> String) {
    let text = match (output, data) {
        (Output::Json, data) => format!("{data:#}\n"),
        (Output::Text, Value::Array(items)) => items.iter().map(|item| line(item) + "\n").collect(),
        (Output::Text, item) => line(item) + "\n",
    };
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// A member of a document as text.
pub(super) fn text<'a>(document: &'a Value, member: &str) -> &'a str {
    document[member].as_str().unwrap_or_default()
}

/// The pool of an id or a name, or the only one.
pub(super) async fn pool_id(remote: &Remote, named: Option<&str>) -> Result<String> {
    let pools = remote.all("ListUserPools", json!({}), "UserPools").await?;
    let is_meant =
        |pool: &&Value| named.is_none_or(|named| text(pool, "Id") == named || text(pool, "Name") == named);
    let mut meant = pools.iter().filter(is_meant);
    match (meant.next(), meant.next(), named) {
        (Some(pool), None, _) => Ok(text(pool, "Id").to_owned()),
        (Some(_), Some(_), _) => bail!("there are several such user pools: name one by its id with --pool"),
        (None, _, Some(named)) => Err(Fault::NotFound(format!("there is no user pool {named}")).into()),
        (None, _, None) => Err(Fault::NotFound("there is no user pool".to_owned()).into()),
    }
}
