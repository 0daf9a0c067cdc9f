//! HTTP: what targets and verifiers read without being known to us.
//!
//! `/.well-known/openid-configuration` and `/jwks.json` let a target check our tokens, `/checkpoint`
//! and `/tile/...` let anybody check our ledger (C2SP tlog-tiles; entries themselves are for people
//! with a certificate, over gRPC), `/healthz` says whether the broker can record. Metrics are on a
//! listener of their own.
//!
//! Served by tonic's server and not by `axum::serve`, which in 0.8 installs no timer: half a request
//! header would hold a connection for ever.

mod pages;
mod tiles;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::{HeaderName, HeaderValue};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::{Connected, TcpConnectInfo, TlsConnectInfo};
use tower::ServiceBuilder;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::listen::{AGE_GRACE, Ends, FIRST_REQUEST, FirstRequestLayer, Incoming, PING_EVERY};

/// What HTTPS connections are asked to end after: a target asks for keys every few minutes.
const AGE: Duration = Duration::from_secs(300);

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// Streams of one HTTP/2 connection at once: a verifier that fetches tiles.
const STREAMS: u32 = 64;

/// Bytes of a request's body: every request here is a GET.
const BODY_MAX: usize = 1_024;

/// Bytes of a request's header list.
const HEADERS_MAX: u32 = 16 * 1024;

/// Protocols offered over TLS (RFC 7301), best first.
pub const PROTOCOLS: &[&[u8]] = &[b"h2", b"http/1.1"];

/// A page that is made when it is asked for. Must not block.
pub type Page = Arc<dyn Fn() -> String + Send + Sync>;

/// What is served over HTTPS.
#[derive(Clone)]
pub struct Site {
    /// The discovery document, JSON.
    pub discovery: Page,
    /// The key set, JSON.
    pub keys: Page,
    /// Whether the broker can record and answer. Must not block.
    pub healthy: Arc<dyn Fn() -> bool + Send + Sync>,
    /// The folder with the published `checkpoint` and `tile`.
    pub ledger: PathBuf,
    /// The published checkpoint, given as it stands there, with the signatures of witnesses; nothing
    /// where it has none. Must not block.
    pub cosigned: Cosigned,
}

/// See [`Site::cosigned`].
pub type Cosigned = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// When connections end here.
#[must_use]
pub fn ends() -> Ends {
    let age = AGE + AGE_GRACE;
    Ends {
        first_request: FIRST_REQUEST,
        age,
        anonymous_age: age,
    }
}

/// The routes of the HTTPS listener.
pub fn routes(site: Site) -> Router {
    guarded(pages::routes(site.clone()).merge(tiles::routes(site)))
}

/// The routes of the metrics listener.
pub fn metrics_routes(metrics: Page, content_type: &'static str) -> Router {
    guarded(pages::metrics(metrics, content_type))
}

/// Serves over TLS until `stop`, then answers what is under way.
///
/// # Errors
/// Where the server cannot go on.
pub async fn serve(
    incoming: Incoming<TlsStream<TcpStream>>,
    routes: Router,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    serve_over::<_, TlsConnectInfo<TcpConnectInfo>>(incoming, routes, stop).await
}

/// Serves without TLS until `stop`, then answers what is under way.
///
/// # Errors
/// Where the server cannot go on.
pub async fn serve_plain(
    incoming: Incoming<TcpStream>,
    routes: Router,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    serve_over::<_, TcpConnectInfo>(incoming, routes, stop).await
}

async fn serve_over<S, I>(
    incoming: Incoming<S>,
    routes: Router,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    S: Connected<ConnectInfo = I>,
    I: Clone + Send + Sync + 'static,
{
    Server::builder()
        .accept_http1(true)
        .timeout(ANSWER)
        .max_concurrent_streams(STREAMS)
        .http2_max_header_list_size(HEADERS_MAX)
        .http2_keepalive_interval(Some(PING_EVERY))
        // Without tonic's grace, which cuts at once what the age alone asks to end: the connection
        // itself ends a little later (`ends`).
        .max_connection_age(AGE)
        .layer(FirstRequestLayer::<I>::default())
        .add_routes(Routes::from(routes))
        .serve_with_incoming_shutdown(incoming, stop)
        .await
}

/// Every answer says how little a browser may do with it; every request is small.
fn guarded(routes: Router) -> Router {
    let says = |name: &'static str, value: &'static str| {
        SetResponseHeaderLayer::overriding(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    routes.fallback(pages::nothing_here).layer(
        ServiceBuilder::new()
            .layer(says(
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ))
            .layer(says("x-content-type-options", "nosniff"))
            .layer(says("referrer-policy", "no-referrer"))
            .layer(RequestBodyLimitLayer::new(BODY_MAX)),
    )
}

#[cfg(test)]
mod tests;
