//! Connections: accepted, bounded in number, in the size of their headers and in patience, and ended without loss.

use crate::patience::{TimelyBody, TimelyStream};
use crate::source::{self, Peer};
use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use postern_mail::transport::Network;
use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower_service::Service as _;

/// Bytes of a request's line and headers.
const HEADERS_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 100;
/// What requests under way get when the server ends.
const FAREWELL: Duration = Duration::from_millis(700);
/// A pause after a failure to accept, such as too many open files.
const BREATHER: Duration = Duration::from_millis(50);

/// What connections may take, and how they are protected.
#[derive(Clone)]
pub struct Limits {
    pub connections: usize,
    /// Of these from one source, unless it is a proxy that speaks for many.
    pub per_source: usize,
    pub proxies: Vec<Network>,
    /// A client's time to send the headers of its next request, and what bodies and answers get before they must move.
    pub patience: Duration,
    /// TLS ends here; without it, before the server or nowhere.
    pub tls: Option<TlsAcceptor>,
}

/// Binds the addresses. The first must succeed; others may not exist on this machine.
pub async fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    for (at, address) in addresses.iter().enumerate() {
        let mut address = *address;
        // Port 0 means any, and the same one for all.
        if address.port() == 0
            && let Some(first) = listeners.first()
        {
            address.set_port(first.local_addr()?.port());
        }
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(listener),
            Err(fault) if at > 0 => tracing::debug!(%address, %fault, "not listening there"),
            Err(fault) => return Err(fault).context(address),
        }
    }
    Ok(listeners)
}

/// Serves until told to stop; requests under way get a moment to end.
pub async fn serve(
    listeners: Vec<TcpListener>,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let permits = Arc::new(Semaphore::new(limits.connections.max(1)));
    let graceful = GracefulShutdown::new();
    let (accepted, mut connections) = mpsc::channel(64);
    let acceptors: Vec<_> = listeners
        .into_iter()
        .map(|listener| tokio::spawn(accept(listener, permits.clone(), accepted.clone())))
        .collect();
    let sources = Arc::new(Sources::default());
    tokio::pin!(stop);
    loop {
        let (stream, peer, permit) = tokio::select! {
            () = &mut stop => break,
            Some(connection) = connections.recv() => connection,
        };
        // Who holds too many gets no more; the others never notice.
        let Some(place) = sources.enter(peer.ip(), &limits) else { continue };
        let router = router.clone();
        let patience = limits.patience;
        let service = service_fn(move |request: http::Request<Incoming>| {
            let mut request = request.map(|body| Body::new(TimelyBody::new(body, patience)));
            request.extensions_mut().insert(Peer(SocketAddr::ip(&peer)));
            let mut router = router.clone();
            async move { router.call(request).await }
        });
        let stream = TimelyStream::new(stream, patience);
        let (tls, watcher) = (limits.tls.clone(), graceful.watcher());
        tokio::spawn(async move {
            let ended = match tls {
                None => watcher.watch(speak(stream, service, patience)).await.map_err(anyhow::Error::from),
                Some(tls) => match timeout(patience, tls.accept(stream)).await {
                    Ok(Ok(stream)) => {
                        watcher.watch(speak(stream, service, patience)).await.map_err(anyhow::Error::from)
                    }
                    Ok(Err(fault)) => Err(fault.into()),
                    Err(late) => Err(late.into()),
                },
            };
            // A client that breaks its connection off is no fault of ours.
            if let Err(fault) = ended {
                tracing::debug!(%fault, "connection ended early");
            }
            drop((permit, place));
        });
    }
    for acceptor in acceptors {
        acceptor.abort();
    }
    let _ = timeout(FAREWELL, graceful.shutdown()).await;
}

/// Speaks HTTP with one client.
fn speak<I, S>(stream: I, service: S, patience: Duration) -> http1::Connection<TokioIo<I>, S>
where
    I: AsyncRead + AsyncWrite + Unpin + 'static,
    S: hyper::service::HttpService<Incoming, ResBody = Body>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADERS_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
}

/// How many connections each source holds.
#[derive(Default)]
struct Sources(Mutex<HashMap<IpAddr, usize>>);

impl Sources {
    /// Takes a place for a connection, if its source may have another.
    fn enter(self: &Arc<Self>, peer: IpAddr, limits: &Limits) -> Option<Held> {
        if limits.proxies.iter().any(|network| network.contains(source::unfolded(peer))) {
            return Some(Held(None));
        }
        let bucket = source::bucket(peer);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(bucket).or_default();
        if *count >= limits.per_source {
            return None;
        }
        *count += 1;
        Some(Held(Some((self.clone(), bucket))))
    }
}

/// A source's place, given back at the end of the connection.
struct Held(Option<(Arc<Sources>, IpAddr)>);

impl Drop for Held {
    fn drop(&mut self) {
        let Some((sources, bucket)) = &self.0 else { return };
        let mut held = sources.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(bucket) {
            *count -= 1;
            if *count == 0 {
                held.remove(bucket);
            }
        }
    }
}

type Connection = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: TcpListener, permits: Arc<Semaphore>, accepted: mpsc::Sender<Connection>) {
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let _ = stream.set_nodelay(true);
                if accepted.send((stream, peer, permit)).await.is_err() {
                    return;
                }
            }
            Err(fault) => {
                tracing::warn!(%fault, "a connection could not be accepted");
                let _ = timeout(BREATHER, accepted.closed()).await;
            }
        }
    }
}
