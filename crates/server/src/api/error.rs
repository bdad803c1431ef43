//! How answers and refusals leave: each protocol's form, and the headers that all share.

use super::{json, query};
use crate::respond::{response, with_header};
use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ALLOW,
    RETRY_AFTER,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use postern_model::{
    Document, Error, ErrorKind, OperationModel, Protocol, Refusal, Service, ServiceModel, front,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// What browsers may read of an answer.
const EXPOSED: &str = "x-amzn-RequestId, x-amzn-ErrorType, x-amzn-ErrorMessage, Date, Retry-After";

/// What browsers may send, when they do not ask.
const SENDABLE: &str = "authorization, content-type, x-amz-target, x-amz-user-agent, x-amz-date, \
     x-amz-security-token, x-amz-content-sha256, amz-sdk-invocation-id, amz-sdk-request, cache-control";

/// A path of the API was asked by a method it does not take.
pub(super) const METHOD_NOT_ALLOWED: ErrorKind = ErrorKind { code: "MethodNotAllowedException", status: 405 };

/// Writes an answer.
pub(super) fn answered(
    service: Service,
    operation: &OperationModel,
    output: &Document,
    request_id: &str,
) -> Response {
    let model = ServiceModel::of(service);
    let text = match model.protocol {
        Protocol::Query => query::answer(model, operation, output, request_id),
        Protocol::Json | Protocol::RestJson => output.to_string(),
    };
    sent(service, operation.status, text, request_id)
}

/// Writes an error. A failure is logged here, once, under the reference that the client gets.
pub(super) fn refused(service: Service, error: Error, request_id: &str) -> Response {
    let refusal = match error {
        Error::Refused(refusal) => refusal,
        Error::Failed(cause) => {
            tracing::error!(request_id, cause = format!("{cause:#}"), "a call failed");
            Refusal::new(front(service).failed, format!("Something went wrong. Reference: {request_id}"))
        }
    };
    let model = ServiceModel::of(service);
    let text = match model.protocol {
        Protocol::Query => {
            query::error(model.xml_namespace.as_deref().unwrap_or_default(), &refusal, request_id)
        }
        Protocol::Json | Protocol::RestJson => json::error(&refusal).to_string(),
    };
    let response = sent(service, refusal.kind.status, text, request_id);
    let response = with_header(response, ERROR_TYPE, refusal.kind.code);
    let response = match refusal.retry_after_s {
        Some(seconds) => with_header(response, RETRY_AFTER, &seconds.to_string()),
        None => response,
    };
    match refusal.kind {
        METHOD_NOT_ALLOWED => with_header(response, ALLOW, methods(service)),
        _ => response,
    }
}

fn sent(service: Service, status: u16, text: impl Into<Body>, request_id: &str) -> Response {
    let content_type = match ServiceModel::of(service).protocol {
        Protocol::Json => "application/x-amz-json-1.1",
        Protocol::RestJson => "application/json",
        Protocol::Query => "text/xml",
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let response = response(status, content_type, text);
    let response = with_header(response, REQUEST_ID, request_id);
    let response = with_header(response, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    with_header(response, ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED)
}

fn methods(service: Service) -> &'static str {
    match ServiceModel::of(service).protocol {
        Protocol::RestJson => "GET, POST, PUT, DELETE, OPTIONS",
        Protocol::Json | Protocol::Query => "POST, OPTIONS",
    }
}

/// Lets browsers of any origin call: no cookie counts here, only what the call itself carries.
pub(super) fn preflight(service: Service, asked: &HeaderMap, request_id: &str) -> Response {
    let headers = asked.get(ACCESS_CONTROL_REQUEST_HEADERS).and_then(|names| names.to_str().ok());
    let response = sent(service, 200, "", request_id);
    let response = with_header(response, ACCESS_CONTROL_ALLOW_METHODS, methods(service));
    let response = with_header(response, ACCESS_CONTROL_ALLOW_HEADERS, headers.unwrap_or(SENDABLE));
    with_header(response, ACCESS_CONTROL_MAX_AGE, "172800")
}
