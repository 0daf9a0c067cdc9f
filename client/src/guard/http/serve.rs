//! HTTP/1 for the proxy. On hyper itself, with its timer: `axum::serve` sets none, and half a header
//! would hold a connection for ever.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::gate::Gate;

/// Connections at once: a proxy has one for each request under way. One more waits in the kernel.
const CONNECTIONS: usize = 512;

/// How long a header may take, and how long a connection may be silent between two requests.
const HEADER: Duration = Duration::from_secs(30);

/// How old a connection gets; then it is asked to end after its answer.
const AGE: Duration = Duration::from_secs(300);

/// How long it has for that: an answer takes a millisecond, and its reader is on this machine.
const AGE_GRACE: Duration = Duration::from_secs(5);

/// Fields of a header: what the request had, and what the proxy adds.
const FIELDS: usize = 100;

/// Bytes of a header: a token of 16 KiB, a proof of 8 KiB, and cookies.
const HEADER_BYTES: usize = 48 * 1024;

/// What waits before the next connection is taken where the system gives none.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers proxies until `stop`, then what is under way.
pub async fn serve(listener: TcpListener, gate: Arc<Gate>, stop: impl Future<Output = ()>) {
    let (places, mut open) = (Arc::new(Semaphore::new(CONNECTIONS)), JoinSet::new());
    let (told, _) = tokio::sync::watch::channel(false);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            (stream, place) = accept(&listener, &places) => {
                let ends = told.subscribe();
                open.spawn(connection(stream, Arc::clone(&gate), ends, place));
            }
            Some(_) = open.join_next() => {}
        }
    }
    drop(listener);
    told.send_replace(true);
    while open.join_next().await.is_some() {}
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    // The semaphore is never closed.
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .expect("it is open");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            // No file descriptors left, or a connection that was gone before it was taken.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn connection(
    stream: TcpStream,
    gate: Arc<Gate>,
    mut ends: tokio::sync::watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    let service = service_fn(|request: Request<Incoming>| {
        let (head, _body) = request.into_parts();
        let answer = gate.answer(&head);
        async { Ok::<_, Infallible>(answer) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .max_headers(FIELDS)
        .max_header_size(HEADER_BYTES)
        .max_buf_size(2 * HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    tokio::select! {
        _ = &mut serving => return,
        _ = ends.wait_for(|told| *told) => {}
        () = tokio::time::sleep(AGE) => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(AGE_GRACE, serving).await;
}
