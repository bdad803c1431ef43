//! From an HTTP request to the call it makes: which service, which operation, how much body; and back to a response.

use super::call::{Call, Incoming, take};
use super::error::{METHOD_NOT_ALLOWED, answered, preflight, refused};
use super::{json, query, rest};
use crate::app::{App, fresh_request_id};
use crate::source::{self, Peer};
use anyhow::anyhow;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use postern_access::sigv4;
use postern_model::{Answer, Document, Error, OperationModel, Service, ServiceModel, front, refusal, refuse};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// Bodies of calls that anybody can make (rule R5), and of those that carry a signature.
const BODY_MAX: usize = 64 * 1024;
const SIGNED_BODY_MAX: usize = 256 * 1024;
/// A raw mail of 10 MB in base64.
const MAIL_BODY_MAX: usize = 14 * 1024 * 1024;
/// Two megabytes of pictures in base64, and what else a branding says.
const PICTURES_BODY_MAX: usize = 3 * 1024 * 1024 + 512 * 1024;
const WITH_PICTURES: [&str; 3] =
    ["CreateManagedLoginBranding", "UpdateManagedLoginBranding", "SetUICustomization"];

pub fn routes() -> Router<App> {
    Router::new().route("/", any(handle)).route("/v2/email/{*path}", any(handle))
}

/// What the head of a request says about the call.
enum Lead {
    Json(&'static OperationModel),
    Rest(&'static OperationModel, BTreeMap<&'static str, String>),
    /// The body names the operation.
    Query,
}

/// A call and how its body becomes a document.
struct Made {
    call: Call,
    body: Reader,
}

enum Reader {
    Json,
    Rest(BTreeMap<&'static str, String>, Vec<(String, String)>),
    Query(Vec<(String, String)>),
}

/// What is known of a call when it is answered or refused.
struct Told {
    service: Service,
    operation: Option<&'static OperationModel>,
}

async fn handle(State(app): State<App>, request: Request) -> Response {
    let request_id = fresh_request_id();
    let began = app.clock.now();
    let (parts, body) = request.into_parts();
    let is_mail = parts.uri.path() != "/";
    let service = if is_mail { Service::SesV2 } else { Service::CognitoIdp };
    if parts.method == Method::OPTIONS {
        return preflight(service, &parts.headers, &request_id);
    }
    let mut told = Told { service, operation: None };
    let answering = answer(&app, &parts, body, &request_id, &mut told);
    let result = tokio::time::timeout(app.request_timeout(), answering).await;
    let result = result.unwrap_or_else(|_| Err(Error::Failed(anyhow!("the call took too long"))));
    let outcome = match &result {
        Ok(_) => "ok",
        Err(Error::Refused(refusal)) => refusal.kind.code,
        Err(Error::Failed(_)) => "failed",
    };
    tracing::info!(
        request_id,
        service = told.service.name(),
        operation = told.operation.map_or("", |operation| &operation.name),
        outcome,
        ms = app.clock.now().since(began),
        "call"
    );
    match (result, told.operation) {
        (Ok(output), Some(operation)) => answered(told.service, operation, &output, &request_id),
        (Ok(_), None) => refused(told.service, anyhow!("an answer without an operation").into(), &request_id),
        (Err(error), _) => refused(told.service, error, &request_id),
    }
}

async fn answer(app: &App, parts: &Parts, body: Body, request_id: &str, told: &mut Told) -> Answer<Document> {
    let lead = lead(parts, told)?;
    let trusted = &app.settings.trusted_proxies;
    let peer = parts.extensions.get::<Peer>().map_or(IpAddr::from(Ipv4Addr::UNSPECIFIED), |peer| peer.0);
    let host = source::forwarded_host(peer, &parts.headers, trusted);
    let headers = signed_headers(&parts.headers, host);
    let head = sigv4::Request {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &headers,
        body: &[],
    };
    let body = read_body(app, parts, body, &lead, told.service, &head).await?;
    let made = made(parts, lead, &body, told)?;
    let user_agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let incoming = Incoming {
        call: made.call,
        request: sigv4::Request { body: &body, ..head },
        source: source::of(peer, &parts.headers, trusted),
        is_secure: app.is_secure(peer, &parts.headers),
        user_agent,
        request_id,
    };
    take(app, &incoming, || made.read(&body)).await
}

/// Reads where a request wants to go, from its head.
fn lead(parts: &Parts, told: &mut Told) -> Answer<Lead> {
    if told.service == Service::SesV2 {
        return match rest::find(parts.method.as_str(), parts.uri.path()) {
            rest::Found::Operation(operation, members) => {
                told.operation = Some(operation);
                Ok(Lead::Rest(operation, members))
            }
            rest::Found::OtherMethod => refuse(METHOD_NOT_ALLOWED, "This path does not take this method."),
            rest::Found::Nothing => {
                refuse(front(told.service).unknown_operation, "There is no such operation.")
            }
        };
    }
    let is_get = parts.method == Method::GET && query_names_action(parts);
    if parts.method != Method::POST && !is_get {
        return refuse(METHOD_NOT_ALLOWED, "This path takes POST. It is the API of Postern.");
    }
    let Some(target) = parts.headers.get("x-amz-target") else { return Ok(Lead::Query) };
    let named = target.to_str().ok().and_then(|target| target.split_once('.'));
    let service = named.and_then(|(prefix, _)| {
        let is_its = |service: &Service| ServiceModel::of(*service).target_prefix.as_deref() == Some(prefix);
        Service::ALL.into_iter().find(is_its)
    });
    told.service = service.unwrap_or(told.service);
    let operation =
        service.zip(named).and_then(|(service, (_, name))| ServiceModel::of(service).operation(name));
    told.operation = operation;
    operation.map(Lead::Json).ok_or_else(unknown_operation)
}

fn unknown_operation() -> Error {
    refusal(front(Service::CognitoIdp).unknown_operation, "There is no such operation.")
}

fn query_names_action(parts: &Parts) -> bool {
    parts.uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("Action=")))
}

/// Finds the operation, if the body has to say it.
fn made(parts: &Parts, lead: Lead, body: &Bytes, told: &mut Told) -> Answer<Made> {
    let undecodable = |service| refusal(front(service).unreadable, "The parameters are not valid UTF-8.");
    let in_query = query::pairs(parts.uri.query().unwrap_or_default().as_bytes());
    match lead {
        Lead::Json(operation) => {
            Ok(Made { call: Call { service: told.service, operation }, body: Reader::Json })
        }
        Lead::Rest(operation, members) => {
            let in_query = in_query.ok_or_else(|| undecodable(Service::SesV2))?;
            let call = Call { service: Service::SesV2, operation };
            Ok(Made { call, body: Reader::Rest(members, in_query) })
        }
        Lead::Query => {
            let mut pairs = in_query.ok_or_else(|| undecodable(Service::Iam))?;
            pairs.extend(query::pairs(body).ok_or_else(|| undecodable(Service::Iam))?);
            let Some(action) = query::value(&pairs, "Action") else { return Err(unknown_operation()) };
            let version = query::value(&pairs, "Version").unwrap_or_default();
            let service = [Service::Iam, Service::Sts, Service::Sns]
                .into_iter()
                .find(|service| ServiceModel::of(*service).api_version == version);
            told.service = service.unwrap_or(Service::Iam);
            let call = service.and_then(|service| Call::find(service, action));
            told.operation = call.map(|call| call.operation);
            let call = call.ok_or_else(|| {
                refusal(
                    front(told.service).unknown_operation,
                    format!("Could not find operation {action} for version {version}"),
                )
            })?;
            Ok(Made { call, body: Reader::Query(pairs) })
        }
    }
}

impl Made {
    fn read(&self, body: &[u8]) -> Answer<Document> {
        let kind = front(self.call.service).unreadable;
        match &self.body {
            Reader::Json => json::read(body).map_err(|fault| refusal(kind, fault.words())),
            Reader::Rest(members, in_query) => rest::read(self.call.operation, members, in_query, body)
                .map_err(|fault| refusal(kind, fault.words())),
            Reader::Query(pairs) => {
                query::read(ServiceModel::of(self.call.service), self.call.operation, pairs)
                    .map_err(|fault| refusal(kind, fault.words().to_owned()))
            }
        }
    }
}

/// Reads a body as far as its call may have one. Few large ones are read at a time, and none of a stranger's, who is refused
/// without it.
async fn read_body(
    app: &App,
    parts: &Parts,
    body: Body,
    lead: &Lead,
    service: Service,
    head: &sigv4::Request<'_>,
) -> Answer<Bytes> {
    let is_signed = parts.headers.contains_key(AUTHORIZATION);
    let most = match lead {
        Lead::Json(operation) if operation.public || !is_signed => BODY_MAX,
        Lead::Rest(operation, _) if is_signed && operation.name == "SendEmail" => MAIL_BODY_MAX,
        Lead::Json(operation) if WITH_PICTURES.contains(&operation.name.as_str()) => PICTURES_BODY_MAX,
        _ if is_signed => SIGNED_BODY_MAX,
        _ => BODY_MAX,
    };
    let too_large = || refusal(front(service).too_large, format!("The body is larger than {most} bytes."));
    let announced = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > most) {
        return Err(too_large());
    }
    let is_large = most > SIGNED_BODY_MAX && announced.is_none_or(|length| length > SIGNED_BODY_MAX);
    if is_large && !app.access.knows_key(head).await? {
        return Ok(Bytes::new());
    }
    let _permit = match is_large {
        true => Some(app.large_bodies.acquire().await.map_err(|closed| Error::Failed(closed.into()))?),
        false => None,
    };
    let patience = if is_large { app.request_timeout() } else { SMALL_BODY_PATIENCE };
    match tokio::time::timeout(patience, Limited::new(body, most).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(fault)) if fault.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => refuse(front(service).unreadable, "The body could not be read."),
        Err(_) => refuse(front(service).unreadable, "The body did not arrive in time."),
    }
}

/// A client's time to send a body that fits into a few packets.
const SMALL_BODY_PATIENCE: Duration = Duration::from_secs(10);

/// The headers as they were signed: behind a proxy, with the host that the client spoke to.
fn signed_headers<'a>(headers: &'a HeaderMap, host: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    headers
        .iter()
        .filter_map(|(name, value)| {
            let value = match host {
                Some(host) if name == HOST => host,
                _ => value.to_str().ok()?,
            };
            Some((name.as_str(), value))
        })
        .collect()
}
