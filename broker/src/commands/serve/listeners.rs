//! The ports, taken before anything is recorded.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::net::TcpListener;

use super::super::Failure;
use crate::config::{Config, Settings};
use crate::issue::{Ca, ServerIdentity};
use crate::listen::{
    AGE, AGE_GRACE, ANONYMOUS_AGE, Door, Ends, FIRST_REQUEST, ServerCertificate, tls_config,
};
use crate::ports::Clock;
use crate::web;

/// Where a broker listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// gRPC over TLS.
    pub grpc: SocketAddr,
    /// HTTPS.
    pub web: SocketAddr,
    /// Metrics, plain.
    pub metrics: SocketAddr,
}

/// The three listeners.
pub(super) struct Listeners {
    pub(super) grpc: TcpListener,
    pub(super) web: TcpListener,
    pub(super) metrics: TcpListener,
}

impl Listeners {
    /// Takes the ports of the config; port 0 takes any.
    ///
    /// # Errors
    /// [`Failure`] naming the address and the setting.
    pub(super) async fn bind(settings: &Settings) -> Result<Self, Failure> {
        Ok(Self {
            grpc: bind("listen", settings.listen).await?,
            web: bind("web_listen", settings.web_listen).await?,
            metrics: bind("metrics_listen", settings.metrics_listen).await?,
        })
    }

    /// Where they are.
    ///
    /// # Errors
    /// [`Failure`] where the system does not say.
    pub(super) fn addresses(&self) -> Result<Addresses, Failure> {
        let of = |listener: &TcpListener| {
            listener
                .local_addr()
                .map_err(|e| Failure::new(format!("a listener has no address: {e}")))
        };
        Ok(Addresses {
            grpc: of(&self.grpc)?,
            web: of(&self.web)?,
            metrics: of(&self.metrics)?,
        })
    }
}

async fn bind(setting: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .map_err(|error| cannot_bind(setting, address, &error))
}

/// Why a port cannot be had, and what to do.
pub(in crate::commands) fn cannot_bind(
    setting: &str,
    address: SocketAddr,
    error: &std::io::Error,
) -> Failure {
    use std::io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
    let port = address.port();
    let (what, next) = match error.kind() {
        AddrInUse => (
            format!("port {port} is in use already ({setting} = \"{address}\")"),
            format!("see who has it: ss -ltnp 'sport = :{port}'; or choose another `{setting}`"),
        ),
        AddrNotAvailable => (
            format!("this host has no address {} ({setting})", address.ip()),
            format!("see which it has: ip address; then correct `{setting}`"),
        ),
        PermissionDenied => (
            format!("this user may not listen on {address} ({setting})"),
            format!("choose a port above 1023 for `{setting}`"),
        ),
        _ => (
            format!("cannot listen on {address} ({setting}): {error}"),
            String::new(),
        ),
    };
    let failure = Failure::new(what);
    if next.is_empty() {
        failure
    } else {
        failure.then(next)
    }
}

/// When connections end on the gRPC listener.
pub(super) fn grpc_ends() -> Ends {
    Ends {
        first_request: FIRST_REQUEST,
        age: AGE + AGE_GRACE,
        anonymous_age: ANONYMOUS_AGE,
    }
}

/// The doors of the three listeners: each has its own counts, so that none fills another.
pub(super) struct Doors {
    pub(super) grpc: Arc<Door>,
    pub(super) web: Arc<Door>,
    pub(super) metrics: Arc<Door>,
}

impl Doors {
    pub(super) fn new(settings: &Settings) -> Self {
        let (per_peer, total) = (
            settings.connections_per_peer.get(),
            settings.connections_total.get(),
        );
        let door = || Door::new(per_peer, total);
        Self {
            grpc: door(),
            web: door(),
            metrics: door(),
        }
    }
}

/// TLS of the two listeners that have it, and the certificate that both show.
pub(super) struct Tls {
    pub(super) shown: Arc<ServerCertificate>,
    pub(super) grpc: Arc<ServerConfig>,
    pub(super) web: Arc<ServerConfig>,
}

impl Tls {
    /// Shows `identity` at first.
    ///
    /// # Errors
    /// [`Failure`] where TLS cannot be set up with it.
    pub(super) fn new(
        authority: &Ca,
        identity: ServerIdentity,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let failed = |e: rustls::Error| Failure::new(format!("TLS cannot be set up: {e}"));
        let shown = ServerCertificate::new(identity.chain, identity.key).map_err(failed)?;
        let config = |protocols: &[&[u8]]| {
            let clock = Arc::clone(clock);
            tls_config(
                Arc::clone(&shown),
                authority.certificate(),
                protocols,
                clock,
            )
            .map(Arc::new)
            .map_err(failed)
        };
        Ok(Self {
            grpc: config(super::grpc::PROTOCOLS)?,
            web: config(web::PROTOCOLS)?,
            shown,
        })
    }
}

/// The certificate for the names in the config.
pub(super) fn server_identity(
    config: &Config,
    authority: &Ca,
    clock: &dyn Clock,
    entropy: &dyn crate::ports::Entropy,
) -> Result<ServerIdentity, Failure> {
    let names: Vec<_> = config
        .settings
        .server_names
        .iter()
        .map(ToString::to_string)
        .collect();
    Ok(authority.server_identity(&names, clock.now(), entropy)?)
}
