//! The gRPC server around the services.

use std::future::Future;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};

use crate::listen::{AGE, FirstRequestLayer, Incoming, PING_EVERY};
use crate::telemetry::Telemetry;

/// HTTP/2 and nothing else.
pub(super) const PROTOCOLS: &[&[u8]] = &[b"h2"];

/// Calls of one connection at once: a person's laptop watches a few things and asks a few more.
const STREAMS: u32 = 256;

/// Bytes of a request's header list. Refusals travel in trailers and are far smaller.
const HEADERS_MAX: u32 = 16 * 1024;

/// Serves until `stop`, then answers what is under way.
///
/// # Errors
/// Where the server cannot go on.
pub(super) async fn serve(
    incoming: Incoming<TlsStream<TcpStream>>,
    routes: Routes,
    telemetry: Arc<Telemetry>,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    Server::builder()
        .max_concurrent_streams(STREAMS)
        .http2_max_header_list_size(HEADERS_MAX)
        .http2_keepalive_interval(Some(PING_EVERY))
        .http2_keepalive_timeout(Some(PING_EVERY))
        // Without tonic's grace, which cuts at once what the age alone asks to end: the connection
        // itself ends a little later (`listeners::grpc_ends`).
        .max_connection_age(AGE)
        .layer(FirstRequestLayer::<TlsConnectInfo<TcpConnectInfo>>::default())
        .layer(telemetry.calls_layer())
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, stop)
        .await
}
