//! One kept-alive HTTP/1.1 connection to the server, and the signature of calls that need one.

use crate::site::Key;
use anyhow::{Context as _, Result};
use aws_lc_rs::{digest, hmac};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::net::TcpStream;

pub const JSON_1_1: &str = "application/x-amz-json-1.1";
const TARGET: &str = "x-amz-target";
const COGNITO: &str = "AWSCognitoIdentityProviderService";

/// A connection that carries one call at a time.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // How a connection ends shows in the call that it carries.
            let _ = connection.await;
        });
        Ok(Connection { sender, host: HeaderValue::from_str(&address.to_string())? })
    }

    /// Sends any request; the host is filled in.
    pub async fn send(&mut self, mut request: Request<Full<Bytes>>) -> Result<Answer> {
        request.headers_mut().insert(HOST, self.host.clone());
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let (parts, body) = response.into_parts();
        Ok(Answer { status: parts.status, headers: parts.headers, body: body.collect().await?.to_bytes() })
    }

    pub async fn get(&mut self, path: &str) -> Result<Answer> {
        self.send(Request::builder().uri(path).body(Full::default())?).await
    }

    /// Calls a public operation of the user pools.
    pub async fn call(&mut self, target: &HeaderValue, body: String) -> Result<Answer> {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/")
            .header(CONTENT_TYPE, HeaderValue::from_static(JSON_1_1))
            .header(TARGET, target)
            .body(Full::from(body))?;
        self.send(request).await
    }

    /// Calls an operation of the user pools as an administrator.
    pub async fn call_signed(&mut self, key: &Key, operation: &str, body: String) -> Result<Answer> {
        let target = cognito(operation)?;
        self.signed(key, "cognito-idp", "/", Some(target), body).await
    }

    /// Calls an operation of the mail service as an administrator.
    pub async fn mail_signed(&mut self, key: &Key, path: &str, body: String) -> Result<Answer> {
        self.signed(key, "ses", path, None, body).await
    }

    async fn signed(
        &mut self,
        key: &Key,
        service: &str,
        path: &str,
        target: Option<HeaderValue>,
        body: String,
    ) -> Result<Answer> {
        let now = OffsetDateTime::now_utc();
        let moment = now.format(format_description!("[year][month][day]T[hour][minute][second]Z"))?;
        let mut signed = vec![("host", self.host.to_str()?), ("x-amz-date", moment.as_str())];
        if let Some(target) = &target {
            signed.push((TARGET, target.to_str()?));
        }
        let authorization = authorization(key, service, path, &moment, &signed, body.as_bytes());
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(CONTENT_TYPE, if target.is_some() { JSON_1_1 } else { "application/json" })
            .header("x-amz-date", &moment)
            .header(AUTHORIZATION, authorization);
        if let Some(target) = target {
            request = request.header(TARGET, target);
        }
        self.send(request.body(Full::from(body))?).await
    }
}

impl Answer {
    /// Gives the body of an answer that must be good.
    pub fn good(self) -> Result<Bytes> {
        let said = String::from_utf8_lossy(&self.body);
        anyhow::ensure!(self.status.is_success(), "{}: {said}", self.status);
        Ok(self.body)
    }
}

/// The target header of a user pools operation.
pub fn cognito(operation: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(&format!("{COGNITO}.{operation}")).context("an operation's name is plain ASCII")
}

/// Signature Version 4 of a POST without a query; the headers come in the order of their names.
fn authorization(
    key: &Key,
    service: &str,
    path: &str,
    moment: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> String {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let canonical = format!("POST\n{path}\n\n{lines}\n{names}\n{}", sha256(body));
    let day = &moment[..8];
    let scope = format!("{day}/{}/{service}/aws4_request", key.region);
    let text = format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let mut derived = format!("AWS4{}", key.secret).into_bytes();
    for part in [day, &key.region, service, "aws4_request", &text] {
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &derived), part.as_bytes());
        derived = mac.as_ref().to_vec();
    }
    format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
        key.id,
        hex::encode(derived)
    )
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value is what botocore's own signer gives for the same request.
    #[test]
    fn a_signature_is_what_the_sdk_makes_it() {
        let key = Key { id: "AKIDEXAMPLE".into(), secret: "SECRET".into(), region: "us-east-1".into() };
        let headers = [("host", "127.0.0.1:9320"), ("x-amz-date", "20260102T030405Z"), (TARGET, "S.Op")];
        let header = authorization(&key, "cognito-idp", "/", "20260102T030405Z", &headers, b"{}");
        let (start, signature) = header.split_once("Signature=").expect("a signature");
        assert_eq!(
            start,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/cognito-idp/aws4_request, \
             SignedHeaders=host;x-amz-date;x-amz-target, "
        );
        assert_eq!(signature, "48e7f22cb917103a76d2d11e65bf9b7afbc395663724544cc4809b6d2d468f92");
    }
}
