//! How long a client may take: to send a body, and to read an answer. Each gets a moment, and more of it for what has
//! already gone over, so that a large body is no slow one and a byte now and then keeps nothing open.

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// Bytes a second that nobody is slower than.
const SLOWEST: u64 = 16 * 1024;

/// A moment that grows with what has gone over.
struct Leash {
    end: Pin<Box<Sleep>>,
}

impl Leash {
    #[expect(clippy::disallowed_methods, reason = "the end is waited for beside the client, never alone")]
    fn new(patience: Duration) -> Leash {
        Leash { end: Box::pin(tokio::time::sleep(patience)) }
    }

    fn moved(&mut self, bytes: usize) {
        let more = Duration::from_micros(bytes as u64 * 1_000_000 / SLOWEST);
        let end = self.end.deadline() + more;
        self.end.as_mut().reset(end);
    }

    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.end.as_mut().poll(cx).is_ready()
    }
}

/// A request's body that must come in time.
pub struct TimelyBody {
    body: Incoming,
    leash: Leash,
}

impl TimelyBody {
    pub fn new(body: Incoming, patience: Duration) -> TimelyBody {
        TimelyBody { body, leash: Leash::new(patience) }
    }
}

impl Body for TimelyBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending if self.leash.is_over(cx) => {
                Poll::Ready(Some(Err("the body came too slowly".into())))
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(frame) => {
                if let Some(Ok(frame)) = &frame {
                    self.leash.moved(frame.data_ref().map_or(0, Bytes::len));
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection whose client must read what it asked for.
pub struct TimelyStream {
    stream: TcpStream,
    patience: Duration,
    /// Since the client stopped reading, until all that waits is written.
    waiting: Option<Leash>,
}

impl TimelyStream {
    pub fn new(stream: TcpStream, patience: Duration) -> TimelyStream {
        TimelyStream { stream, patience, waiting: None }
    }

    fn judge(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => {
                if let Some(leash) = &mut self.waiting {
                    leash.moved(*bytes);
                }
            }
            Poll::Pending => {
                let patience = self.patience;
                if self.waiting.get_or_insert_with(|| Leash::new(patience)).is_over(cx) {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
            }
            Poll::Ready(Err(_)) => {}
        }
        written
    }
}

impl AsyncRead for TimelyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for TimelyStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.judge(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Asked for when all that waited is written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.waiting = None;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
