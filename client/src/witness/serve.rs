//! Connections of a witness: HTTP/1.1, over TLS where it has a certificate.
//!
//! Without TLS nothing is given away and nothing can be forged: checkpoints are public, and what
//! comes back is signed. Somebody in between could only keep answers from arriving.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{Method, Request, Response, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::{ServerConfig, crypto::ring};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::answer::{Answer, Refused};
use super::book::Book;
use super::limits::{
    AGE, BODY, BODY_BYTES, CONNECTIONS, GRACE, HANDSHAKE, HEADER, PER_PEER, WARN_EVERY,
};
use super::pace::{Pace, network};
use crate::{error::Error, files, output::Printer, text::plain, time};

/// Where a checkpoint is sent.
const PATH: &str = "/add-checkpoint";

/// What waits before the next connection is taken where the system gives none.
const PAUSE: Duration = Duration::from_millis(100);

/// A witness that serves.
pub struct Server {
    book: Arc<Book>,
    tls: Option<TlsAcceptor>,
    printer: Printer,
    pace: Mutex<Pace>,
    /// When it was last said that a proof does not hold.
    warned: Mutex<Option<Duration>>,
    peers: Mutex<HashMap<IpAddr, usize>>,
    uptime: Box<dyn Fn() -> Duration + Send + Sync>,
}

/// A connection's place among those of its address.
struct Place {
    server: Arc<Server>,
    peer: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut peers = self.server.peers();
        if let Some(count) = peers.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                peers.remove(&self.peer);
            }
        }
    }
}

impl Server {
    /// One that has not begun.
    #[must_use]
    pub fn new(book: Book, tls: Option<ServerConfig>, printer: Printer) -> Arc<Self> {
        Arc::new(Self {
            book: Arc::new(book),
            tls: tls.map(|tls| TlsAcceptor::from(Arc::new(tls))),
            printer,
            pace: Mutex::default(),
            warned: Mutex::default(),
            peers: Mutex::default(),
            uptime: Box::new(time::stopwatch()),
        })
    }

    /// Answers until `stop`, then what is under way.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, stop: impl Future<Output = ()>) {
        let (places, mut open) = (Arc::new(Semaphore::new(CONNECTIONS)), JoinSet::new());
        let (told, _) = watch::channel(false);
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                (stream, peer, permit) = accept(&listener, &places) => {
                    // Who has too many is let go without a word.
                    if let Some(place) = self.place(peer) {
                        let (server, ends) = (Arc::clone(&self), told.subscribe());
                        open.spawn(server.connection(stream, ends, (place, permit)));
                    }
                }
                Some(_) = open.join_next() => {}
            }
        }
        drop(listener);
        told.send_replace(true);
        while open.join_next().await.is_some() {}
    }

    fn peers(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(self: &Arc<Self>, peer: SocketAddr) -> Option<Place> {
        let peer = network(peer.ip());
        let mut peers = self.peers();
        let count = peers.entry(peer).or_default();
        if *count >= PER_PEER {
            return None;
        }
        *count += 1;
        let server = Arc::clone(self);
        Some(Place { server, peer })
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        ends: watch::Receiver<bool>,
        (place, _permit): (Place, OwnedSemaphorePermit),
    ) {
        // Small answers at once; where the system will not, they come a little later.
        let _ = stream.set_nodelay(true);
        match &self.tls {
            None => self.answers(stream, place.peer, ends).await,
            Some(tls) => {
                let shaken = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await;
                if let Ok(Ok(stream)) = shaken {
                    self.answers(stream, place.peer, ends).await;
                }
            }
        }
    }

    async fn answers(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send,
        peer: IpAddr,
        mut ends: watch::Receiver<bool>,
    ) {
        let service = service_fn(|request: Request<Incoming>| async move {
            let answer = self.answer(request, peer).await;
            Ok::<_, Infallible>(in_http(answer))
        });
        let serving = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(serving);
        tokio::select! {
            _ = &mut serving => return,
            _ = ends.wait_for(|told| *told) => {}
            () = tokio::time::sleep(AGE) => {}
        }
        serving.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(GRACE, serving).await;
    }

    async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Answer {
        if request.uri().path() != PATH {
            return Answer::plain(404, "there is nothing here but POST /add-checkpoint\n");
        }
        if request.method() != Method::POST {
            return Answer::plain(405, "checkpoints are sent by POST\n");
        }
        if !self.takes(peer) {
            return Answer::from(&Refused::TooOften);
        }
        if request.body().size_hint().lower() > BODY_BYTES as u64 {
            return Answer::plain(413, "the request is too long\n");
        }
        let reading = Limited::new(request.into_body(), BODY_BYTES).collect();
        let body = match tokio::time::timeout(BODY, reading).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => return Answer::plain(413, "the request is too long\n"),
            Err(_) => return Answer::plain(408, "the request took too long\n"),
        };
        let book = Arc::clone(&self.book);
        // It waits for the disk.
        let added = tokio::task::spawn_blocking(move || {
            let body = std::str::from_utf8(&body)
                .map_err(|_| Refused::Malformed("the request is not text in UTF-8".to_owned()))?;
            book.add(body)
        });
        match added.await {
            Ok(Ok(signed)) => {
                // Anybody can send the newest one again.
                if signed.is_new {
                    let (origin, size) = (plain(&signed.origin), signed.size);
                    self.printer.note(format!("cosigned {origin} at {size}"));
                }
                Answer::from(signed.line)
            }
            Ok(Err(refused)) => {
                self.tell(&refused);
                Answer::from(&refused)
            }
            // Only where a thread fell.
            Err(_) => Answer::from(&Refused::NotKept),
        }
    }

    fn takes(&self, peer: IpAddr) -> bool {
        let now = (self.uptime)();
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.takes(peer, now)
    }

    /// Once in [`WARN_EVERY`].
    fn may_warn(&self) -> bool {
        let now = (self.uptime)();
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let due = warned.is_none_or(|at| now.saturating_sub(at) >= WARN_EVERY);
        if due {
            *warned = Some(now);
        }
        due
    }

    /// What its operator should see: what is a sign of a ledger with two histories, or of this disk.
    /// Nothing else, so that strangers cannot fill the journal.
    fn tell(&self, refused: &Refused) {
        match refused {
            Refused::Fork(size) => self.printer.warn(format!(
                "a ledger signed two different checkpoints of {size} entries: it has two histories"
            )),
            // Anybody can send a checkpoint with a proof of nothing.
            Refused::Unproven if self.may_warn() => self.printer.warn(
                "a signed checkpoint came without a proof that it goes on from what was cosigned: \
                 somebody plays with this witness, or the ledger has two histories. Said once a \
                 minute at most",
            ),
            Refused::NotKept => self.printer.warn(
                "what would be signed cannot be made durable, so nothing is signed: see to the disk",
            ),
            _ => {}
        }
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    // The semaphore is never closed.
    let permit = Arc::clone(places)
        .acquire_owned()
        .await
        .expect("it is open");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            // No file descriptors left, or a connection that was gone before it was taken.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

fn in_http(answer: Answer) -> Response<String> {
    let built = Response::builder()
        .status(answer.status)
        .header(header::CONTENT_TYPE, answer.content_type)
        .header(header::CACHE_CONTROL, "no-store")
        .body(answer.body);
    // The codes and types are those of `answer`.
    built.expect("an answer of ours is one")
}

/// TLS with a certificate and its key, both PEM.
///
/// # Errors
/// [`Error::Setup`] where they cannot be used.
pub fn tls(certificate: &Path, key: &Path) -> Result<ServerConfig, Error> {
    let unusable = |file: &Path, why: &dyn std::fmt::Display| {
        Error::setup(
            format!("{} cannot be used for TLS: {why}", file.display()),
            "give --tls-certificate and --tls-key as PEM, the chain first certificate first",
        )
    };
    let pem = files::read(certificate)?.unwrap_or_default();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|why| unusable(certificate, &why))?;
    let pem = files::read(key)?.map(zeroize::Zeroizing::new);
    let private = PrivateKeyDer::from_pem_slice(&pem.unwrap_or_default());
    let private = private.map_err(|why| unusable(key, &why))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|why| unusable(certificate, &why))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|why| unusable(certificate, &why))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
