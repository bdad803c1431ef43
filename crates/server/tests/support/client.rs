//! A client as SDKs are: it signs, sends, and reads what comes back.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use postern_model::{Protocol, Service, ServiceModel};
use postern_store::Clock;
use serde_json::Value;
use std::time::{Duration, UNIX_EPOCH};

/// An access key.
#[derive(Clone)]
pub struct Key {
    pub id: String,
    pub secret: String,
    pub token: Option<String>,
}

impl Key {
    pub fn new(id: &str, secret: &str) -> Key {
        Key { id: id.to_owned(), secret: secret.to_owned(), token: None }
    }
}

pub struct Client {
    url: String,
    clock: Clock,
    http: HttpClient<HttpConnector, Full<Bytes>>,
}

/// What came back: the body as JSON where it is some.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    pub body: Value,
}

impl Answer {
    /// The answer itself, which must be a good one.
    #[track_caller]
    pub fn ok(self) -> Answer {
        assert!(self.status < 400, "{} {}", self.status, self.text);
        self
    }

    /// The words of a refusal, which must be of this kind.
    #[track_caller]
    pub fn refused(self, kind: &str) -> String {
        assert!(self.status >= 400, "not refused with {kind}: {}", self.text);
        if self.text.starts_with("<ErrorResponse") {
            assert_eq!(self.xml("Code"), kind, "{}", self.text);
            return self.xml("Message");
        }
        assert_eq!(self.body["__type"], kind, "{}", self.text);
        assert_eq!(self.header("x-amzn-errortype"), kind);
        self.body["message"].as_str().expect("a message").to_owned()
    }

    /// A text of a JSON answer, by the way to it: `UserPool.Id`.
    #[track_caller]
    pub fn text_at(&self, way: &str) -> String {
        let found = way.split('.').fold(&self.body, |value, name| &value[name]);
        found.as_str().unwrap_or_else(|| panic!("no {way} in {}", self.text)).to_owned()
    }

    /// The text of the first XML element of a name.
    #[track_caller]
    pub fn xml(&self, name: &str) -> String {
        let found = self
            .text
            .split_once(&format!("<{name}>"))
            .and_then(|(_, rest)| rest.split_once(&format!("</{name}>")))
            .map(|(text, _)| text);
        let found = found.unwrap_or_else(|| panic!("no {name} in {}", self.text));
        found.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Client {
    pub fn new(url: &str, clock: Clock) -> Client {
        Client { url: url.to_owned(), clock, http: HttpClient::builder(TokioExecutor::new()).build_http() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path).body(Bytes::new()).expect("a request")).await
    }

    /// Posts JSON without a signature, as a program beside the server does.
    pub async fn post(&self, path: &str, body: &str) -> Answer {
        let request = self.request("POST", path).header("content-type", "application/json");
        self.send(request.body(Bytes::from(body.to_owned())).expect("a request")).await
    }

    /// JSON 1.1, to Cognito.
    pub async fn json(&self, operation: &str, input: &Value, key: Option<&Key>) -> Answer {
        self.try_json(operation, input, key).await.expect("the server answers")
    }

    /// The same, where the server may die before it answers.
    pub async fn try_json(&self, operation: &str, input: &Value, key: Option<&Key>) -> Option<Answer> {
        self.try_json_to(Service::CognitoIdp, operation, input, key).await
    }

    /// JSON 1.1, to any service that speaks it.
    pub async fn json_to(
        &self,
        service: Service,
        operation: &str,
        input: &Value,
        key: Option<&Key>,
    ) -> Answer {
        self.try_json_to(service, operation, input, key).await.expect("the server answers")
    }

    async fn try_json_to(
        &self,
        service: Service,
        operation: &str,
        input: &Value,
        key: Option<&Key>,
    ) -> Option<Answer> {
        let prefix = ServiceModel::of(service).target_prefix.as_deref().unwrap_or_default();
        let request = self
            .request("POST", "/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("{prefix}.{operation}"));
        let mut request = request.body(Bytes::from(input.to_string())).expect("a request");
        if let Some(key) = key {
            self.sign(&mut request, service.signing_name(), key);
        }
        self.try_send(request).await
    }

    /// Calls any operation of any service with a document.
    pub async fn call(&self, service: Service, operation: &str, input: &Value, key: Option<&Key>) -> Answer {
        let model = ServiceModel::of(service);
        let known = model.operation(operation).unwrap_or_else(|| panic!("{operation} is no operation"));
        match model.protocol {
            Protocol::Json => self.json_to(service, operation, input, key).await,
            Protocol::Query => {
                let fields = super::wire::fields(model, known, input);
                let fields: Vec<(&str, &str)> =
                    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                self.form(service, operation, &fields, key).await
            }
            Protocol::RestJson => {
                let (path, body) = super::wire::path_and_body(model, known, input);
                self.rest(&known.method, &path, body, key).await
            }
        }
    }

    /// Query.
    pub async fn form(
        &self,
        service: Service,
        action: &str,
        parameters: &[(&str, &str)],
        key: Option<&Key>,
    ) -> Answer {
        let version = &ServiceModel::of(service).api_version;
        let fields = [("Action", action), ("Version", version)];
        let fields =
            fields.iter().chain(parameters).map(|(name, value)| format!("{name}={}", super::encoded(value)));
        let body = fields.collect::<Vec<_>>().join("&");
        let request = self
            .request("POST", "/")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .body(Bytes::from(body));
        self.send_signed(request.expect("a request"), service, key).await
    }

    /// REST-JSON.
    pub async fn rest(&self, method: &str, path: &str, body: String, key: Option<&Key>) -> Answer {
        let request = self.request(method, path).header("content-type", "application/json");
        let request = request.body(Bytes::from(body)).expect("a request");
        self.send_signed(request, Service::SesV2, key).await
    }

    pub async fn send_signed(
        &self,
        mut request: Request<Bytes>,
        service: Service,
        key: Option<&Key>,
    ) -> Answer {
        if let Some(key) = key {
            self.sign(&mut request, service.signing_name(), key);
        }
        self.send(request).await
    }

    /// Signs a request as it stands, at the time of the clock.
    pub fn sign(&self, request: &mut Request<Bytes>, service: &str, key: &Key) {
        let identity = Credentials::new(&key.id, &key.secret, key.token.clone(), None, "tests").into();
        let now = UNIX_EPOCH + Duration::from_millis(self.clock.now().ms().unsigned_abs());
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name(service)
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .expect("parameters")
            .into();
        let uri = request.uri().to_string();
        let headers =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().expect("text")));
        let signable = SignableRequest::new(
            request.method().as_str(),
            uri,
            headers,
            SignableBody::Bytes(request.body()),
        );
        let signed = sign(signable.expect("signable"), &parameters).expect("signed");
        signed.into_parts().0.apply_to_request_http1x(request);
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Bytes>) -> Answer {
        self.try_send(request).await.expect("the server answers")
    }

    /// The same; nothing where no whole answer came.
    pub async fn try_send(&self, request: Request<Bytes>) -> Option<Answer> {
        let response = self.http.request(request.map(Full::new)).await.ok()?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.ok()?.to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let body = serde_json::from_str(&text).unwrap_or_default();
        Some(Answer { status: parts.status.as_u16(), headers: parts.headers, text, body })
    }

    pub fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let host = self.url.trim_start_matches("http://");
        Request::builder().method(method).uri(format!("{}{path}", self.url)).header("host", host)
    }
}
