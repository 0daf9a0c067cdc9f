//! HTTP: what targets and verifiers read without being known to us.
//!
//! `/.well-known/openid-configuration` and `/jwks.json` let a target check our tokens, `/checkpoint`
//! and `/tile/...` let anybody check our ledger (C2SP tlog-tiles; the entries themselves, in
//! `/tile/entries/...`, are for people with a certificate), `/healthz` says whether the broker can
//! record. Metrics are on a listener of their own.
//!
//! Served by tonic's server and not by `axum::serve`, which in 0.8 installs no timer: half a request
//! header would hold a connection for ever.

mod file;
pub mod limits;
mod pages;
mod tiles;

use std::future::Future;
use std::sync::Arc;

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
use limits::{AGE, ANSWER, BODY_MAX, HEADERS_MAX, STREAMS};

pub use tiles::{Cosigned, NotRead, Readers, Served};

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
    /// The ledger as files.
    pub ledger: Arc<Served>,
}

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
    let ledger = tiles::routes(site.ledger.clone());
    guarded(pages::routes(site).merge(ledger))
}

/// The ledger as files alone, to stand beside the calls of the gRPC listener: whoever reaches the
/// broker with `glass` can mirror it, without another port.
pub fn ledger_routes(ledger: Arc<Served>) -> Router {
    hardened(tiles::routes(ledger))
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

/// What is not there is said in our words.
fn guarded(routes: Router) -> Router {
    hardened(routes.fallback(pages::nothing_here))
}

/// Every answer says how little a browser may do with it; every request is small.
fn hardened(routes: Router) -> Router {
    let says = |name: &'static str, value: &'static str| {
        SetResponseHeaderLayer::overriding(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    routes.layer(
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
