//! Calls by HTTP to addresses that operators name: functions, webhooks, services. They go to the open Internet only,
//! unless a network is listed; the address that was checked is the one that is called; redirects are answers like any
//! other; time and size are limited (rule H4).

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
pub use http::HeaderMap;
use http::header::{CONTENT_LENGTH, HOST, USER_AGENT};
use http::uri::Scheme;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::network::{Network, is_public};

/// The one who calls. Clones share it.
#[derive(Clone)]
pub struct Web(Arc<Inner>);

struct Inner {
    /// Made for the first call that wants it: reading the list of authorities takes longer than all else at the start.
    tls: OnceCell<Arc<rustls::ClientConfig>>,
    /// Networks that may be called though they are not public.
    listed: Vec<Network>,
    /// A PEM file with an authority to trust beside the system's, if it is there.
    also_trusted: Option<PathBuf>,
}

/// An address that can be called: `http(s)://host[:port]/path[?query]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    uri: Uri,
    host: String,
    port: u16,
    is_tls: bool,
}

/// What is posted.
pub struct Post<'a> {
    pub url: &'a Url,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// How long the whole may take.
    pub within: Duration,
    /// The longest answer that is read.
    pub bytes_max: usize,
}

/// What is asked for.
pub struct Get<'a> {
    pub url: &'a Url,
    pub headers: HeaderMap,
    /// How long the whole may take.
    pub within: Duration,
    /// The longest answer that is read.
    pub bytes_max: usize,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why nothing came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreached {
    /// The name leads to an address that may not be called.
    Forbidden,
    /// The name leads nowhere, or nobody answers there.
    NoConnection,
    /// Somebody answers who cannot prove to be the one that was called.
    NotProven,
    Late,
    /// The answer is longer than what is read, or breaks off.
    Unreadable,
}

impl Unreached {
    /// The same in words.
    pub fn words(self) -> &'static str {
        match self {
            Unreached::Forbidden => "it may not be called",
            Unreached::NoConnection => "nobody answers",
            Unreached::NotProven => "its certificate is not trusted",
            Unreached::Late => "it does not answer in time",
            Unreached::Unreadable => "its answer cannot be read",
        }
    }
}

impl Url {
    pub fn parse(text: &str) -> Result<Url> {
        let uri: Uri = text.parse().with_context(|| format!("{text} is not a URL"))?;
        let is_tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => anyhow::bail!("{text} must begin with http:// or https://"),
        };
        let authority = uri.authority().with_context(|| format!("{text} names no host"))?;
        ensure!(!authority.as_str().contains('@'), "{text} must not hold a user name or password");
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        ensure!(!host.is_empty(), "{text} names no host");
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Url { uri, host, port, is_tls })
    }

    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    pub fn path(&self) -> &str {
        self.uri.path()
    }

    pub fn query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }

    /// The value of the `Host` header.
    pub fn authority(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

impl Web {
    /// Opens the way out to public addresses and to what is listed.
    pub fn open(listed: Vec<Network>) -> Web {
        Web::open_trusting(listed, None)
    }

    /// The same, trusting an authority beside the system's, if its PEM file is there.
    pub fn open_trusting(listed: Vec<Network>, authority: Option<PathBuf>) -> Web {
        Web(Arc::new(Inner { tls: OnceCell::new(), listed, also_trusted: authority }))
    }

    /// Posts, and reads the whole answer.
    pub async fn post(&self, post: Post<'_>) -> Result<Reply, Unreached> {
        let within = post.within;
        timeout(within, self.send(Method::POST, post)).await.unwrap_or(Err(Unreached::Late))
    }

    /// Asks, and reads the whole answer.
    pub async fn get(&self, get: Get<'_>) -> Result<Reply, Unreached> {
        let Get { url, headers, within, bytes_max } = get;
        let bare = Post { url, headers, body: Bytes::new(), within, bytes_max };
        timeout(within, self.send(Method::GET, bare)).await.unwrap_or(Err(Unreached::Late))
    }

    /// The certificate by which a host proves itself, in DER.
    pub async fn certificate(&self, url: &Url, within: Duration) -> Result<Vec<u8>, Unreached> {
        let shown = async {
            let stream = self.connect(url).await?;
            let stream = self.encrypt(url, stream).await?;
            let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            shown.map(|certificate| certificate.to_vec()).ok_or(Unreached::NotProven)
        };
        timeout(within, shown).await.unwrap_or(Err(Unreached::Late))
    }

    async fn encrypt(&self, url: &Url, stream: TcpStream) -> Result<TlsStream<TcpStream>, Unreached> {
        let name = ServerName::try_from(url.host.clone()).map_err(|_| Unreached::NotProven)?;
        let connector = TlsConnector::from(self.tls().await?);
        connector.connect(name, stream).await.map_err(|_| Unreached::NotProven)
    }

    async fn send(&self, method: Method, post: Post<'_>) -> Result<Reply, Unreached> {
        let stream = self.connect(post.url).await?;
        if !post.url.is_tls {
            return exchange(stream, method, post).await;
        }
        let stream = self.encrypt(post.url, stream).await?;
        exchange(stream, method, post).await
    }

    async fn tls(&self) -> Result<Arc<rustls::ClientConfig>, Unreached> {
        let also = self.0.also_trusted.clone();
        let read = || spawn_blocking(move || trusting_the_system(also.as_deref()));
        let made = self.0.tls.get_or_try_init(async || match read().await {
            Ok(Ok(tls)) => Ok(Arc::new(tls)),
            Ok(Err(_)) | Err(_) => Err(Unreached::NotProven),
        });
        made.await.cloned()
    }

    /// Connects to the first address that answers, if all that the name leads to may be called. No name is looked
    /// up a second time: what was checked is what is called.
    async fn connect(&self, url: &Url) -> Result<TcpStream, Unreached> {
        let found = lookup_host((url.host.as_str(), url.port)).await.map_err(|_| Unreached::NoConnection)?;
        let found: Vec<SocketAddr> = found.collect();
        if found.iter().any(|address| !self.may_call(address.ip())) {
            return Err(Unreached::Forbidden);
        }
        for address in found {
            if let Ok(stream) = TcpStream::connect(address).await {
                return Ok(stream);
            }
        }
        Err(Unreached::NoConnection)
    }

    fn may_call(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.0.listed.iter().any(|network| network.contains(address))
    }
}

/// TLS that trusts the system's list of certificate authorities, and those in a file.
fn trusting_the_system(also: Option<&Path>) -> Result<rustls::ClientConfig, rustls::Error> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in rustls_native_certs::load_native_certs().certs {
        // A root that rustls does not understand vouches for nobody.
        let _ = roots.add(certificate);
    }
    let also = also.and_then(|path| CertificateDer::pem_file_iter(path).ok());
    for certificate in also.into_iter().flatten().flatten() {
        let _ = roots.add(certificate);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

async fn exchange<S>(stream: S, method: Method, post: Post<'_>) -> Result<Reply, Unreached>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|_| Unreached::NoConnection)?;
    // It ends with the exchange, or when this call is given up and the sender goes away.
    let driver = tokio::spawn(connection);
    let path = post.url.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::new(Full::new(post.body.clone()));
    let has_body = method == Method::POST;
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().map_err(|_| Unreached::Unreadable)?;
    *request.headers_mut() = post.headers;
    let headers = request.headers_mut();
    if let Ok(host) = HeaderValue::from_str(post.url.authority()) {
        headers.insert(HOST, host);
    }
    if has_body {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(post.body.len()));
    }
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static("postern"));
    let result = async {
        let response = sender.send_request(request).await.map_err(|_| Unreached::NoConnection)?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, post.bytes_max).collect().await;
        let body = body.map_err(|_| Unreached::Unreadable)?.to_bytes();
        Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body })
    }
    .await;
    driver.abort();
    result
}

/// Makes a header of texts; one that cannot stand in a request is left out.
pub fn headers<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> HeaderMap {
    pairs
        .into_iter()
        .filter_map(|(name, value)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    const SECOND: Duration = Duration::from_secs(1);

    fn web(listed: &[&str]) -> Web {
        Web::open(listed.iter().map(|text| Network::parse(text).expect("a network")).collect())
    }

    async fn call(web: &Web, url: &str, within: Duration, bytes_max: usize) -> Result<Reply, Unreached> {
        let url = Url::parse(url).expect("a URL");
        let body = Bytes::from_static(b"hello");
        web.post(Post { url: &url, headers: HeaderMap::new(), body, within, bytes_max }).await
    }

    /// Somebody who gives every caller this answer, or none.
    async fn answering(answer: Option<&'static str>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut heard = [0; 1024];
                    let _ = stream.read(&mut heard).await;
                    match answer {
                        Some(answer) => drop(stream.write_all(answer.as_bytes()).await),
                        None => std::future::pending().await,
                    }
                });
            }
        });
        port
    }

    #[tokio::test]
    async fn what_is_not_public_is_not_called_unless_it_is_listed() {
        let port = answering(Some("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")).await;
        let nothing_listed = web(&[]);
        for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "0"]
        {
            let url = format!("http://{host}:{port}/");
            let answer = call(&nothing_listed, &url, SECOND, 100).await.err();
            assert!(
                matches!(answer, Some(Unreached::Forbidden | Unreached::NoConnection)),
                "{host} {answer:?}"
            );
        }
        let metadata = call(&nothing_listed, "http://169.254.169.254/latest/meta-data", SECOND, 100).await;
        assert_eq!(metadata.err(), Some(Unreached::Forbidden));

        let reply = call(&web(&["127.0.0.0/8"]), &format!("http://127.0.0.1:{port}/"), SECOND, 100).await;
        assert_eq!(&reply.expect("an answer").body[..], b"hi");
        let other = call(&web(&["10.0.0.0/8"]), &format!("http://127.0.0.1:{port}/"), SECOND, 100).await;
        assert_eq!(other.err(), Some(Unreached::Forbidden));
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_is_not_followed() {
        let answer = "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n";
        let port = answering(Some(answer)).await;
        let reply = call(&web(&["127.0.0.1"]), &format!("http://127.0.0.1:{port}/"), SECOND, 100).await;
        assert_eq!(reply.expect("an answer").status, 302);
    }

    #[tokio::test]
    async fn an_answer_has_its_time_and_its_size() {
        let listed = web(&["127.0.0.1"]);
        let silent = answering(None).await;
        let late =
            call(&listed, &format!("http://127.0.0.1:{silent}/"), Duration::from_millis(50), 100).await;
        assert_eq!(late.err(), Some(Unreached::Late));
        let long = answering(Some("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789")).await;
        let cut = call(&listed, &format!("http://127.0.0.1:{long}/"), SECOND, 9).await;
        assert_eq!(cut.err(), Some(Unreached::Unreadable));
        let broken = answering(Some("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01")).await;
        let cut = call(&listed, &format!("http://127.0.0.1:{broken}/"), SECOND, 100).await;
        assert_eq!(cut.err(), Some(Unreached::Unreadable));
    }

    #[test]
    fn a_url_is_whole_and_holds_no_password() {
        for url in ["https://hooks.example.com/a?b=c", "http://[::1]:9000/", "http://127.0.0.1:1/x"] {
            assert!(Url::parse(url).is_ok(), "{url}");
        }
        for fault in
            ["hooks.example.com", "ftp://a.example", "https://user:pass@a.example/", "/path", "http:///x"]
        {
            assert!(Url::parse(fault).is_err(), "{fault}");
        }
    }
}
