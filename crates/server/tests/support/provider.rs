//! An OpenID provider of a test's own, which says whatever the test wants it to say.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_pools::oauth::pairs::Pairs;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::net::TcpListener;

/// The provider. It ends with the test.
#[derive(Clone)]
pub struct OpenIdProvider {
    pub url: String,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    key: EcdsaKeyPair,
    /// Signs instead of the key that is published.
    other_key: Option<EcdsaKeyPair>,
    header: Value,
    claims: Value,
    user_info: Value,
    status: u16,
    asked: Vec<(String, Pairs, HeaderMap)>,
}

impl OpenIdProvider {
    pub async fn start() -> OpenIdProvider {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Arc::new(Mutex::new(Inner {
            key: fresh_key(),
            other_key: None,
            header: json!({ "alg": "ES256", "kid": "k1" }),
            claims: json!({}),
            user_info: json!({}),
            status: 200,
            asked: Vec::new(),
        }));
        let provider = OpenIdProvider { url, inner };
        let router = Router::new().fallback(answered).with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    /// What the next ID tokens say.
    pub fn says(&self, claims: Value) {
        self.inner().claims = claims;
    }

    /// What the next ID tokens say of themselves.
    pub fn heads(&self, header: Value) {
        self.inner().header = header;
    }

    pub fn tells(&self, user_info: Value) {
        self.inner().user_info = user_info;
    }

    /// The status of the token endpoint.
    pub fn fails(&self, status: u16) {
        self.inner().status = status;
    }

    /// Has somebody else sign; or the provider, by a new key that it publishes.
    pub fn changes_key(&self, is_published: bool) {
        match is_published {
            true => self.inner().key = fresh_key(),
            false => self.inner().other_key = Some(fresh_key()),
        }
    }

    /// What came to an endpoint last, in its query or body.
    pub fn asked(&self, path: &str) -> Option<(Pairs, HeaderMap)> {
        let inner = self.inner();
        let (_, pairs, headers) = inner.asked.iter().rev().find(|(asked, ..)| asked == path)?;
        Some((pairs.clone(), headers.clone()))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no test panics while it holds this")
    }
}

fn fresh_key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key")
}

impl Inner {
    fn token(&self) -> String {
        let part = |value: &Value| BASE64URL.encode(value.to_string());
        let signed = format!("{}.{}", part(&self.header), part(&self.claims));
        let key = self.other_key.as_ref().unwrap_or(&self.key);
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", BASE64URL.encode(signature.as_ref()))
    }

    fn keys(&self) -> Value {
        let public = self.key.public_key().as_ref();
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "kid": self.header["kid"],
            "x": BASE64URL.encode(&public[1..33]), "y": BASE64URL.encode(&public[33..]),
        }] })
    }
}

async fn answered(
    State(provider): State<OpenIdProvider>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut inner = provider.inner();
    let body = String::from_utf8(body.to_vec()).expect("UTF-8");
    let text = if body.is_empty() { uri.query().unwrap_or_default().to_owned() } else { body };
    inner.asked.push((uri.path().to_owned(), Pairs::parse(&text).expect("UTF-8"), headers));
    let url = &provider.url;
    let answer = match uri.path() {
        "/.well-known/openid-configuration" => json!({
            "issuer": url, "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"), "userinfo_endpoint": format!("{url}/me"),
            "jwks_uri": format!("{url}/keys"),
        }),
        "/token" if inner.status != 200 => {
            return StatusCode::from_u16(inner.status).expect("a status").into_response();
        }
        "/token" => json!({ "id_token": inner.token(), "access_token": "at-1", "token_type": "Bearer" }),
        "/me" => inner.user_info.clone(),
        "/keys" => inner.keys(),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    answer.to_string().into_response()
}
