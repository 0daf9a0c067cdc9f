//! The ceiling: bare tonic over mutual TLS 1.3 on ring, in a process of its own as the broker is.
//! It answers as much as it is asked, and tells everybody as much as they are told, and does nothing
//! else; but for a second ceiling, which has the signatures of a request and of a JWT.

mod echo;
mod fan_out;

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use breakglass_proto::v1::enroll_service_client::EnrollServiceClient;
use breakglass_proto::v1::enroll_service_server::EnrollServiceServer;
use breakglass_proto::v1::watch_service_client::WatchServiceClient;
use breakglass_proto::v1::watch_service_server::WatchServiceServer;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::Outcome;
use crate::load::Call;
use crate::tied::tied;
use echo::Echo;
use fan_out::Fan;

/// A running bare server in another process.
pub(crate) struct Bare {
    _child: Child,
    folder: tempfile::TempDir,
    url: String,
}

impl Bare {
    pub(crate) async fn start() -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        make_certificates(folder.path())?;
        let mut child = tied(&std::env::current_exe()?)?
            .arg("bare-server")
            .arg(folder.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let out = child.stdout.take().ok_or("no output of the bare server")?;
        let url = BufReader::new(out)
            .lines()
            .next_line()
            .await?
            .ok_or("no bare server")?;
        Ok(Self {
            _child: child,
            folder,
            url,
        })
    }

    /// An echo over so many connections in turn.
    pub(crate) async fn echo(&self, connections: usize) -> Outcome<Call> {
        let channels = self.channels(connections).await?;
        let clients = channels.into_iter().map(EnrollServiceClient::new);
        Ok(echo::call(clients.collect()))
    }

    /// The same, with the signatures of a request and of a JWT.
    pub(crate) async fn signed_echo(&self, connections: usize) -> Outcome<Call> {
        let channels = self.channels(connections).await?;
        let clients = channels.into_iter().map(EnrollServiceClient::new);
        echo::signed_call(clients.collect())
    }

    /// Who watches, on connections of their own; and who gives them something to see.
    pub(crate) async fn watching(
        &self,
        connections: usize,
    ) -> Outcome<(Vec<WatchServiceClient<Channel>>, fan_out::Bell)> {
        let bell = fan_out::Bell::new(self.channel().await?);
        let channels = self.channels(connections).await?;
        let clients = channels.into_iter().map(WatchServiceClient::new);
        Ok((clients.collect(), bell))
    }

    async fn channels(&self, connections: usize) -> Outcome<Vec<Channel>> {
        let mut channels = Vec::with_capacity(connections);
        for _ in 0..connections {
            channels.push(self.channel().await?);
        }
        Ok(channels)
    }

    async fn channel(&self) -> Outcome<Channel> {
        let read = |name: &str| std::fs::read(self.folder.path().join(name));
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(read("ca.pem")?))
            .identity(Identity::from_pem(read("client.pem")?, read("client.key")?))
            .domain_name("localhost");
        Ok(Endpoint::from_shared(self.url.clone())?
            .tls_config(tls)?
            .connect()
            .await?)
    }
}

/// The other process.
pub(crate) async fn serve(folder: &Path) -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("https://{}", listener.local_addr()?);
    let acceptor = TlsAcceptor::from(Arc::new(tls(folder)?));
    let (ready, incoming) = tokio::sync::mpsc::channel(16);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (acceptor, ready) = (acceptor.clone(), ready.clone());
            tokio::spawn(async move { ready.send(greet(&acceptor, tcp).await).await });
        }
    });
    let fan = Fan::default();
    tonic::transport::Server::builder()
        .add_service(EnrollServiceServer::new(Echo::beside(fan.clone())?))
        .add_service(WatchServiceServer::new(fan))
        .serve_with_incoming(ReceiverStream::new(incoming))
        .await?;
    Ok(())
}

async fn greet(
    acceptor: &TlsAcceptor,
    tcp: TcpStream,
) -> std::io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
    tcp.set_nodelay(true)?;
    acceptor.accept(tcp).await
}

fn tls(folder: &Path) -> Outcome<rustls::ServerConfig> {
    use rustls::pki_types::pem::PemObject as _;
    let certificate =
        |name: &str| rustls::pki_types::CertificateDer::from_pem_file(folder.join(name));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate("ca.pem")?)?;
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots),
        Arc::clone(&provider),
    );
    let key = rustls::pki_types::PrivateKeyDer::from_pem_file(folder.join("server.key"))?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier.build()?)
        .with_single_cert(vec![certificate("server.pem")?], key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

fn make_certificates(folder: &Path) -> Outcome<()> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    std::fs::write(folder.join("ca.pem"), ca.pem())?;
    for (name, hosts) in [("server", vec!["localhost".to_owned()]), ("client", vec![])] {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(hosts)?.signed_by(&key, &ca)?;
        std::fs::write(folder.join(format!("{name}.pem")), certificate.pem())?;
        std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem())?;
    }
    Ok(())
}
