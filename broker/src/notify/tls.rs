//! TLS to a destination: its authorities, and who the broker is there.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::courier::Failed;
use super::limits::CONNECT;
use super::roots;

/// A client certificate with what leads to its authority, and its key.
pub(super) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// A way to speak TLS with one host.
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Tls {
    /// With these authorities, and with the protocols that are spoken inside of it.
    pub(super) fn new(
        host: &str,
        ca_file: Option<&Path>,
        identity: Option<Identity>,
        protocols: &[&[u8]],
    ) -> Result<Self, Failed> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| Failed(format!("{host} is no name of a host")))?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(roots::read(ca_file)?);
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|why| Failed(why.to_string()))?
            .with_root_certificates(roots);
        let mut config = match identity {
            None => config.with_no_client_auth(),
            Some((chain, key)) => config
                .with_client_auth_cert(chain, key)
                .map_err(|why| Failed(format!("the client certificate and its key: {why}")))?,
        };
        config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
        Ok(Self {
            config: Arc::new(config),
            name,
        })
    }

    /// Shakes hands; `shown` is what the host is called in a failure.
    pub(super) async fn shake(
        &self,
        tcp: TcpStream,
        shown: &str,
    ) -> Result<TlsStream<TcpStream>, Failed> {
        let connector = TlsConnector::from(self.config.clone());
        let shaking = tokio::time::timeout(CONNECT, connector.connect(self.name.clone(), tcp));
        let late = |_| Failed(format!("{shown} does not answer in TLS"));
        let stream = shaking.await.map_err(late)?;
        stream.map_err(|why| Failed(format!("TLS with {shown}: {why}")))
    }
}
