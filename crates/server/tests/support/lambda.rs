//! A place where functions live, as Lambda would run them: it speaks the Invoke API, keeps what it was asked, and does
//! with each call what the test says.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use postern_mail::transport::web::Url;
use postern_server::settings::Settings;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::TcpListener;

/// What a function does with an event.
pub enum Does {
    Answers(Value),
    /// It throws an error with this message.
    Throws(&'static str),
    /// It takes longer than anybody waits.
    Sleeps,
    /// Something answers that is no function.
    Says(u16, &'static [(&'static str, &'static str)], &'static str),
}

/// A call as it came in.
#[derive(Clone)]
pub struct Called {
    pub function: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub event: Value,
}

type Handler = Arc<dyn Fn(Value) -> Does + Send + Sync>;

/// The place. It ends with the test.
#[derive(Clone)]
pub struct Lambda {
    pub url: String,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    handlers: Mutex<HashMap<String, Handler>>,
    calls: Mutex<Vec<Called>>,
}

impl Lambda {
    pub async fn start() -> Lambda {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Arc::new(Inner::default());
        let router = Router::new().fallback(invoked).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Lambda { url, inner }
    }

    /// Lets a server find its functions here, and wait for them for a moment only.
    pub fn serve(&self, settings: &mut Settings) {
        settings.functions.invoke = Some(Url::parse(&self.url).expect("a URL"));
        settings.functions.time_limit = Duration::from_millis(300);
    }

    pub fn arn(&self, function: &str) -> String {
        format!("arn:aws:lambda:us-east-1:123456789012:function:{function}")
    }

    /// Says what a function does. One that nobody speaks of gives each event back as it is.
    pub fn on(&self, function: &str, does: impl Fn(Value) -> Does + Send + Sync + 'static) {
        lock(&self.inner.handlers).insert(function.to_owned(), Arc::new(does));
    }

    /// Has a function fill its response in with these members.
    pub fn fills(&self, function: &str, members: Value) {
        self.on(function, move |event| answering(event, &members));
    }

    /// The events a function got so far.
    pub fn events(&self, function: &str) -> Vec<Value> {
        self.calls().into_iter().filter(|call| call.function == function).map(|call| call.event).collect()
    }

    /// The sources of all events so far, in order.
    pub fn sources(&self) -> Vec<String> {
        let source = |call: Called| call.event["triggerSource"].as_str().unwrap_or_default().to_owned();
        self.calls().into_iter().map(source).collect()
    }

    pub fn calls(&self) -> Vec<Called> {
        lock(&self.inner.calls).clone()
    }

    pub fn forget(&self) {
        lock(&self.inner.calls).clear();
    }
}

/// An event with members of its response filled in.
pub fn answering(mut event: Value, members: &Value) -> Does {
    for (name, value) in members.as_object().into_iter().flatten() {
        event["response"][name] = value.clone();
    }
    Does::Answers(event)
}

async fn invoked(
    State(inner): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    let name = path.strip_prefix("/2015-03-31/functions/").and_then(|rest| rest.strip_suffix("/invocations"));
    let function = name.or(path.strip_prefix("/hooks/")).unwrap_or_default().to_owned();
    if function.is_empty() || method != Method::POST {
        return StatusCode::NOT_FOUND.into_response();
    }
    let event: Value = serde_json::from_slice(&body).expect("an event");
    let called = Called { function: function.clone(), path, headers, body, event: event.clone() };
    lock(&inner.calls).push(called);
    let handler = lock(&inner.handlers).get(&function).cloned();
    match handler.map_or_else(|| Does::Answers(event.clone()), |handler| handler(event.clone())) {
        Does::Answers(answer) => answer.to_string().into_response(),
        Does::Throws(message) => {
            let error = json!({ "errorType": "Error", "errorMessage": message, "trace": [] });
            ([("x-amz-function-error", "Unhandled")], error.to_string()).into_response()
        }
        Does::Sleeps => std::future::pending().await,
        Does::Says(status, headers, body) => {
            let status = StatusCode::from_u16(status).expect("a status");
            let mut response = (status, body).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(*name, value.parse().expect("a header value"));
            }
            response
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test panics while it holds this")
}
