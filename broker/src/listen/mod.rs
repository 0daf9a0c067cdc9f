//! The way in: our own accept loop beneath tonic's server.
//!
//! tonic's own has one certificate for life, speaks TLS 1.2 too, and leaves a silent connection
//! open for ever. Here a connection has a place of its own in two counts for as long as it lives
//! ([`Door`]), a handshake and a first request that must come in time, and an end ([`Connection`]).

mod connection;
mod door;
mod rate;
#[cfg(test)]
mod tests;
mod tls;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;

pub use connection::{Connection, Ends, FirstRequest, FirstRequestLayer, Peer};
pub use door::{Counts, Door, Permit, peer_of};
pub use rate::{Rate, TooOften};
pub use tls::{ServerCertificate, tls_config};

/// How long a TLS handshake may take: two round trips over a bad line, and no more.
pub const HANDSHAKE: Duration = Duration::from_secs(5);

/// How long a connection may take from its handshake to its first request.
pub const FIRST_REQUEST: Duration = Duration::from_secs(10);

/// After this a connection is asked to end (HTTP/2 GOAWAY): what is under way is answered, and the
/// client dials again, sees the newest server certificate and shows its own.
pub const AGE: Duration = Duration::from_secs(3_600);

/// How long what is under way has after [`AGE`]. Watch streams go on over the next connection.
pub const AGE_GRACE: Duration = Duration::from_secs(30);

/// How long a connection without a client certificate lives where certificates are expected: an
/// enrolment is one request.
pub const ANONYMOUS_AGE: Duration = Duration::from_secs(60);

/// How often a silent HTTP/2 peer is asked whether it is there, and how long it has to say so.
pub const PING_EVERY: Duration = Duration::from_secs(20);

/// How long the loop rests when the system cannot accept (no file descriptors left): it neither
/// spins nor gives up.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Connections that have said hello and wait for the server to take them.
const WAITING: usize = 16;

/// Connections as they come, until the stream is dropped: then the listener closes.
pub type Incoming<S> = ReceiverStream<io::Result<Connection<S>>>;

/// Accepts over TLS.
#[must_use]
pub fn accept_tls(
    listener: TcpListener,
    door: Arc<Door>,
    config: Arc<ServerConfig>,
    ends: Ends,
) -> Incoming<TlsStream<TcpStream>> {
    let counts = door.counts();
    let greet = move |tcp, address| handshake(tcp, address, Arc::clone(&config), counts.clone());
    accept(listener, door, ends, greet, |stream| {
        stream.get_ref().1.peer_certificates().is_none()
    })
}

/// Accepts without TLS, for a listener on loopback.
#[must_use]
pub fn accept_plain(listener: TcpListener, door: Arc<Door>, ends: Ends) -> Incoming<TcpStream> {
    accept(listener, door, ends, |tcp, _| async { Some(tcp) }, |_| true)
}

fn accept<S, G, F>(
    listener: TcpListener,
    door: Arc<Door>,
    ends: Ends,
    greet: G,
    anonymous: fn(&S) -> bool,
) -> Incoming<S>
where
    S: Send + 'static,
    G: Fn(TcpStream, SocketAddr) -> F + Send + 'static,
    F: Future<Output = Option<S>> + Send + 'static,
{
    let (out, incoming) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        while let Some((tcp, address)) = next(&listener, &out).await {
            let Some(permit) = door.admit(address.ip()) else {
                continue;
            };
            let (greeted, out) = (greet(tcp, address), out.clone());
            tokio::spawn(async move {
                if let Some(stream) = greeted.await {
                    let ends = ends.for_peer(anonymous(&stream));
                    // An error says that the server is stopping: the connection closes.
                    let _ = out.send(Ok(Connection::new(stream, ends, permit))).await;
                }
            });
        }
    });
    ReceiverStream::new(incoming)
}

/// The next connection; `None` when nobody takes them any more.
async fn next<T>(listener: &TcpListener, out: &mpsc::Sender<T>) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            () = out.closed() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, address)) => {
                // Without it a small answer may wait for an acknowledgement; it works either way.
                let _ = tcp.set_nodelay(true);
                return Some((tcp, address));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections just now");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn handshake<S>(
    stream: S,
    address: SocketAddr,
    config: Arc<ServerConfig>,
    counts: Arc<Counts>,
) -> Option<TlsStream<S>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let shaken = tokio::time::timeout(HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await;
    // At debug, because anybody on the network can cause as many of these as they like.
    match shaken {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(error)) => tracing::debug!(%address, %error, "TLS handshake failed"),
        Err(_) => tracing::debug!(%address, "TLS handshake took too long"),
    }
    counts.handshake_failed();
    None
}
