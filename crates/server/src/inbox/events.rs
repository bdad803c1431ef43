//! News of the inbox as they happen, as server-sent events: one for each caught mail, with its id and address.

use crate::app::App;
use crate::respond::response;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use hyper::body::Frame;
use serde_json::json;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How often a quiet connection is shown to be alive, and a broken one noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);

pub fn routes() -> Router<App> {
    Router::new().route("/inbox/events", get(events))
}

async fn events(State(app): State<App>) -> Response {
    let (sender, receiver) = mpsc::channel(16);
    let mut watch = app.mail.watch_inbox();
    tokio::spawn(async move {
        let mut text = ": hello\n\n".to_owned();
        while sender.send(Bytes::from(text)).await.is_ok() {
            text = tokio::select! {
                () = app.ended() => return,
                () = sender.closed() => return,
                caught = timeout(HEARTBEAT, watch.recv()) => match caught {
                    Err(_) => ": still here\n\n".to_owned(),
                    Ok(Ok(mail)) => {
                        let data = json!({ "id": mail.id, "to": mail.letter.to() });
                        format!("data: {data}\n\n")
                    }
                    // Some were missed: whoever listens looks at the list anyway.
                    Ok(Err(RecvError::Lagged(_))) => "data: {}\n\n".to_owned(),
                    Ok(Err(RecvError::Closed)) => return,
                },
            };
        }
    });
    response(StatusCode::OK, "text/event-stream", Body::new(Pieces(receiver)))
}

/// A body whose pieces come through a channel.
struct Pieces(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}
