//! Connections: accepted, bounded in number, in the size of their headers and in patience, and ended without loss.

use crate::source::Peer;
use anyhow::{Context as _, Result};
use axum::Router;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tower_service::Service as _;

/// A client's time to send the headers of its next request.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of a request's line and headers.
const HEADERS_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 100;
/// What requests under way get when the server ends.
const FAREWELL: Duration = Duration::from_millis(700);
/// A pause after a failure to accept, such as too many open files.
const BREATHER: Duration = Duration::from_millis(50);

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
    connections_max: usize,
    stop: impl Future<Output = ()>,
) {
    let permits = Arc::new(Semaphore::new(connections_max.max(1)));
    let graceful = GracefulShutdown::new();
    let (accepted, mut connections) = mpsc::channel(64);
    let acceptors: Vec<_> = listeners
        .into_iter()
        .map(|listener| tokio::spawn(accept(listener, permits.clone(), accepted.clone())))
        .collect();
    tokio::pin!(stop);
    loop {
        let (stream, peer, permit) = tokio::select! {
            () = &mut stop => break,
            Some(connection) = connections.recv() => connection,
        };
        let router = router.clone();
        let service = service_fn(move |mut request: http::Request<Incoming>| {
            request.extensions_mut().insert(Peer(SocketAddr::ip(&peer)));
            let mut router = router.clone();
            async move { router.call(request).await }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS_TIMEOUT)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEADERS_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A client that breaks its connection off is no fault of ours.
            if let Err(fault) = connection.await {
                tracing::debug!(%fault, "connection ended early");
            }
            drop(permit);
        });
    }
    for acceptor in acceptors {
        acceptor.abort();
    }
    let _ = tokio::time::timeout(FAREWELL, graceful.shutdown()).await;
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
                let _ = tokio::time::timeout(BREATHER, accepted.closed()).await;
            }
        }
    }
}
