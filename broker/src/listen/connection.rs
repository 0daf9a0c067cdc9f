//! One connection: its place at the door, and when it ends.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Request;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;
use tonic::transport::server::Connected;
use tower::{Layer, Service};

use super::Permit;

/// When a connection ends, whatever its peer does.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// Without a first request, so long after it was opened.
    pub first_request: Duration,
    /// At the latest, so long after it was opened.
    pub age: Duration,
    /// The same for a peer that shows no certificate.
    pub anonymous_age: Duration,
}

impl Ends {
    /// Those of one peer.
    #[must_use]
    pub(super) fn for_peer(self, anonymous: bool) -> Self {
        let age = if anonymous {
            self.anonymous_age
        } else {
            self.age
        };
        Self { age, ..self }
    }
}

/// A stream that ends in time and gives its place back when it does.
///
/// The server must be wrapped in [`FirstRequestLayer`], which says that a request came.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    asked: Arc<AtomicBool>,
    first_request: Option<Pin<Box<Sleep>>>,
    end: Pin<Box<Sleep>>,
    _permit: Permit,
}

impl<S> Connection<S> {
    /// Counts time from here.
    pub(super) fn new(stream: S, ends: Ends, permit: Permit) -> Self {
        Self {
            stream,
            asked: Arc::default(),
            first_request: Some(Box::pin(tokio::time::sleep(ends.first_request))),
            end: Box::pin(tokio::time::sleep(ends.age)),
            _permit: permit,
        }
    }

    /// An error once its time is over; before that the task is woken when it is. Asked for on the way
    /// out as well: a server whose peer does not read waits in a write and reads no more.
    fn need_time(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.poll_over(cx) {
            Some(why) => Err(io::Error::new(io::ErrorKind::TimedOut, why)),
            None => Ok(()),
        }
    }

    fn poll_over(&mut self, cx: &mut Context<'_>) -> Option<&'static str> {
        if self.end.as_mut().poll(cx).is_ready() {
            return Some("the connection has reached its age");
        }
        let waiting = self.first_request.as_mut()?;
        if self.asked.load(Ordering::Relaxed) {
            self.first_request = None;
        } else if waiting.as_mut().poll(cx).is_ready() {
            return Some("no request came in time");
        }
        None
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.need_time(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.need_time(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.need_time(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.need_time(cx)?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.need_time(cx)?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl<S: Connected> Connected for Connection<S> {
    type ConnectInfo = Peer<S::ConnectInfo>;

    fn connect_info(&self) -> Self::ConnectInfo {
        Peer {
            info: self.stream.connect_info(),
            asked: Arc::clone(&self.asked),
        }
    }
}

/// Who is on the other side, as [`FirstRequestLayer`] finds it in a request's extensions.
#[derive(Debug, Clone)]
pub struct Peer<I> {
    info: I,
    asked: Arc<AtomicBool>,
}

/// Tells a connection that a request came, and puts what tonic knows of the peer where
/// `Request::peer_certs` and `Request::remote_addr` look for it.
#[derive(Debug)]
pub struct FirstRequestLayer<I>(std::marker::PhantomData<fn() -> I>);

impl<I> Default for FirstRequestLayer<I> {
    fn default() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<I> Clone for FirstRequestLayer<I> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<I, T> Layer<T> for FirstRequestLayer<I> {
    type Service = FirstRequest<I, T>;

    fn layer(&self, inner: T) -> Self::Service {
        FirstRequest {
            inner,
            peer: std::marker::PhantomData,
        }
    }
}

/// What [`FirstRequestLayer`] makes of a service.
#[derive(Debug)]
pub struct FirstRequest<I, T> {
    inner: T,
    peer: std::marker::PhantomData<fn() -> I>,
}

impl<I, T: Clone> Clone for FirstRequest<I, T> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            peer: std::marker::PhantomData,
        }
    }
}

impl<I, T, B> Service<Request<B>> for FirstRequest<I, T>
where
    I: Clone + Send + Sync + 'static,
    T: Service<Request<B>>,
{
    type Response = T::Response;
    type Error = T::Error;
    type Future = T::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if let Some(peer) = request.extensions_mut().remove::<Peer<I>>() {
            peer.asked.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(peer.info);
        }
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::listen::Door;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_never_reads_is_let_go_too() {
        let door = Door::new(1, 1);
        let permit = door.admit([127, 0, 0, 1].into()).unwrap();
        let (_deaf, stream) = tokio::io::duplex(64);
        let ends = Ends {
            first_request: Duration::from_secs(10),
            age: Duration::from_secs(60),
            anonymous_age: Duration::from_secs(60),
        };
        let mut connection = Connection::new(stream, ends, permit);
        connection.asked.store(true, Ordering::Relaxed);
        let begun = tokio::time::Instant::now();
        let error = connection.write_all(&[7; 1_000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), 60);
        drop(connection);
        assert_eq!(door.inside(), 0);
    }
}
