//! Stories of who gets in, and who does not.

use std::sync::{Mutex, PoisonError};

use breakglass_domain::{Lifetime, Time};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::client::Resumption;
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_rustls::TlsConnector;
use tokio_stream::StreamExt as _;
use tonic::transport::server::Connected as _;
use tower::{Layer as _, Service as _, service_fn};

use super::*;
use crate::ports::Clock;

const YEAR: Lifetime = Lifetime::from_secs(365 * 86_400);

/// A clock that moves only when it is told to.
struct Held(Mutex<Time>);

impl Clock for Held {
    fn now(&self) -> Time {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

fn now() -> Time {
    Time::from_millis(1_795_403_100_000)
}

/// Somebody who hands out certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

/// A certificate with its key.
struct Papers {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

fn validity(params: &mut CertificateParams, until: Time) {
    let system = |at: Time| {
        std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(at.as_secs().try_into().unwrap())
    };
    params.not_before = system(now().minus(YEAR)).into();
    params.not_after = system(until).into();
}

impl Authority {
    fn new() -> Self {
        crate::edge::install_crypto();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        validity(&mut params, now().plus(YEAR));
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    fn papers(&self, usage: ExtendedKeyUsagePurpose, until: Time) -> Papers {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::DnsName("glass.example".try_into().unwrap())];
        params.extended_key_usages = vec![usage];
        validity(&mut params, until);
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Papers {
            chain: vec![certificate],
            key: key.serialize_der(),
        }
    }

    fn person(&self) -> Papers {
        self.papers(ExtendedKeyUsagePurpose::ClientAuth, now().plus(YEAR))
    }

    fn server(&self, clock: &Arc<Held>) -> Arc<ServerConfig> {
        let papers = self.papers(ExtendedKeyUsagePurpose::ServerAuth, now().plus(YEAR));
        let key = PrivatePkcs8KeyDer::from(papers.key).into();
        let shown = ServerCertificate::new(papers.chain, key).unwrap();
        Arc::new(tls_config(shown, &self.certificate, &[b"h2"], clock.clone()).unwrap())
    }

    fn client(&self, papers: Option<Papers>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let config = ClientConfig::builder_with_details(
            Arc::new(rustls::crypto::ring::default_provider()),
            Arc::new(tls_time()),
        )
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(roots);
        let mut config = match papers {
            None => config.with_no_client_auth(),
            Some(papers) => config
                .with_client_auth_cert(papers.chain, PrivatePkcs8KeyDer::from(papers.key).into())
                .unwrap(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }
}

/// The client's time: the same as the story's.
fn tls_time() -> impl rustls::time_provider::TimeProvider {
    #[derive(Debug)]
    struct Now;
    impl rustls::time_provider::TimeProvider for Now {
        fn current_time(&self) -> Option<rustls_pki_types::UnixTime> {
            let seconds = Duration::from_secs(now().as_secs().try_into().ok()?);
            Some(rustls_pki_types::UnixTime::since_unix_epoch(seconds))
        }
    }
    Now
}

fn clock() -> Arc<Held> {
    Arc::new(Held(Mutex::new(now())))
}

/// Both sides of a handshake; the client's side sends one byte so that it sees what the server said.
async fn meet(
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
) -> Option<(
    TlsStream<DuplexStream>,
    tokio_rustls::client::TlsStream<DuplexStream>,
)> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let name = ServerName::try_from("glass.example").unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let counts = Arc::new(Counts::default());
    let (accepted, connected) = tokio::join!(
        handshake(near, address, server, counts),
        TlsConnector::from(client).connect(name, far),
    );
    Some((accepted?, connected.ok()?))
}

#[tokio::test]
async fn a_person_with_our_certificate_is_known_and_one_without_is_nobody() {
    let (ours, clock) = (Authority::new(), clock());
    let server = ours.server(&clock);
    let papers = ours.person();
    let shown = papers.chain[0].clone();
    let (stream, _client) = meet(Arc::clone(&server), Arc::new(ours.client(Some(papers))))
        .await
        .unwrap();
    assert_eq!(stream.connect_info().peer_certs().unwrap()[0], shown);
    let (stream, _client) = meet(server, Arc::new(ours.client(None))).await.unwrap();
    assert!(stream.connect_info().peer_certs().is_none());
}

#[tokio::test]
async fn a_certificate_from_elsewhere_fails_the_handshake() {
    let (ours, clock) = (Authority::new(), clock());
    let foreign = Authority::new().person();
    assert!(
        meet(ours.server(&clock), Arc::new(ours.client(Some(foreign))))
            .await
            .is_none()
    );
}

#[tokio::test]
async fn a_servers_certificate_is_nobodys() {
    let (ours, clock) = (Authority::new(), clock());
    let server = ours.papers(ExtendedKeyUsagePurpose::ServerAuth, now().plus(YEAR));
    assert!(
        meet(ours.server(&clock), Arc::new(ours.client(Some(server))))
            .await
            .is_none()
    );
}

#[tokio::test]
async fn a_certificate_expires_by_the_brokers_clock() {
    let (ours, clock) = (Authority::new(), clock());
    let server = ours.server(&clock);
    let hour = Lifetime::from_secs(3_600);
    let client = |papers: &Papers| {
        let papers = Papers {
            chain: papers.chain.clone(),
            key: papers.key.clone(),
        };
        Arc::new(ours.client(Some(papers)))
    };
    let papers = ours.papers(ExtendedKeyUsagePurpose::ClientAuth, now().plus(hour));
    assert!(meet(Arc::clone(&server), client(&papers)).await.is_some());
    *clock.0.lock().unwrap() = now().plus(hour).plus(Lifetime::from_secs(1));
    assert!(meet(server, client(&papers)).await.is_none());
}

/// A resumed session would skip the look at the certificate.
#[tokio::test]
async fn no_session_is_ever_resumed() {
    let (ours, clock) = (Authority::new(), clock());
    let server = ours.server(&clock);
    let mut client = ours.client(Some(ours.person()));
    client.resumption = Resumption::in_memory_sessions(8);
    let client = Arc::new(client);
    for _ in 0..3 {
        let (mut near, mut far) = meet(Arc::clone(&server), Arc::clone(&client))
            .await
            .unwrap();
        // Tickets would travel with the first data.
        near.write_all(b"x").await.unwrap();
        far.read_exact(&mut [0; 1]).await.unwrap();
        assert_eq!(near.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(far.get_ref().1.tls13_tickets_received(), 0);
    }
}

#[tokio::test]
async fn nothing_older_than_tls_1_3_is_spoken() {
    let (ours, clock) = (Authority::new(), clock());
    let server = ours.server(&clock);
    let mut roots = RootCertStore::empty();
    roots.add(ours.certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let old = ClientConfig::builder_with_details(provider, Arc::new(tls_time()))
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    assert!(meet(server, Arc::new(old)).await.is_none());
}

#[tokio::test]
async fn the_servers_certificate_can_be_replaced_while_it_serves() {
    let (ours, clock) = (Authority::new(), clock());
    let papers = |authority: &Authority| {
        let papers = authority.papers(ExtendedKeyUsagePurpose::ServerAuth, now().plus(YEAR));
        (papers.chain, PrivatePkcs8KeyDer::from(papers.key).into())
    };
    let (chain, key) = papers(&ours);
    let shown = ServerCertificate::new(chain, key).unwrap();
    let server = tls_config(Arc::clone(&shown), &ours.certificate, &[b"h2"], clock).unwrap();
    let (server, client) = (Arc::new(server), Arc::new(ours.client(None)));
    let (_, first) = meet(Arc::clone(&server), Arc::clone(&client))
        .await
        .unwrap();
    let (chain, key) = papers(&ours);
    let next = chain[0].clone();
    shown.replace(chain, key).unwrap();
    let (_, second) = meet(server, client).await.unwrap();
    let seen = |stream: &tokio_rustls::client::TlsStream<DuplexStream>| {
        stream.get_ref().1.peer_certificates().unwrap()[0].clone()
    };
    assert_ne!(seen(&first), next);
    assert_eq!(seen(&second), next);
}

#[tokio::test(start_paused = true)]
async fn somebody_who_says_nothing_is_cut_in_the_handshake() {
    let (ours, clock) = (Authority::new(), clock());
    let (near, _far) = tokio::io::duplex(1_024);
    let (began, counts) = (tokio::time::Instant::now(), Arc::new(Counts::default()));
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    assert!(
        handshake(near, address, ours.server(&clock), counts.clone())
            .await
            .is_none()
    );
    assert_eq!(began.elapsed(), HANDSHAKE);
    assert_eq!(counts.handshakes_failed(), 1);
}

fn ends() -> Ends {
    Ends {
        first_request: FIRST_REQUEST,
        age: AGE + AGE_GRACE,
        anonymous_age: ANONYMOUS_AGE,
    }
}

fn permit() -> Permit {
    Door::new(1, 1).admit([127, 0, 0, 1].into()).unwrap()
}

/// The service that stands behind every connection here.
async fn ask(connection: &Connection<DuplexStream>) {
    let mut request = http::Request::new(());
    request.extensions_mut().insert(connection.connect_info());
    let inner = service_fn(|_: http::Request<()>| async { Ok::<_, std::convert::Infallible>(()) });
    FirstRequestLayer::<()>::default()
        .layer(inner)
        .call(request)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_request_is_closed() {
    let (near, mut far) = tokio::io::duplex(1_024);
    let mut connection = Connection::new(near, ends().for_peer(false), permit());
    let began = tokio::time::Instant::now();
    // It is not enough to send something.
    far.write_all(b"PRI * HTTP/2.0").await.unwrap();
    let mut read = [0; 14];
    connection.read_exact(&mut read).await.unwrap();
    let error = connection.read(&mut read).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(began.elapsed(), FIRST_REQUEST);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_asked_ends_at_its_age() {
    for (anonymous, age) in [(false, AGE + AGE_GRACE), (true, ANONYMOUS_AGE)] {
        let (near, _far) = tokio::io::duplex(1_024);
        let mut connection = Connection::new(near, ends().for_peer(anonymous), permit());
        ask(&connection).await;
        let began = tokio::time::Instant::now();
        let error = connection.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed(), age);
    }
}

#[tokio::test]
async fn a_peer_gets_so_many_connections_and_a_new_one_when_one_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let door = Door::new(2, 9);
    let mut incoming = accept_plain(listener, Arc::clone(&door), ends());
    let mut clients = Vec::new();
    let mut inside = Vec::new();
    for _ in 0..2 {
        clients.push(TcpStream::connect(address).await.unwrap());
        inside.push(incoming.next().await.unwrap().unwrap());
    }
    let mut third = TcpStream::connect(address).await.unwrap();
    assert_eq!(
        third.read(&mut [0; 1]).await.unwrap_or(0),
        0,
        "closed without a word"
    );
    assert_eq!(door.counts().turned_away(), 1);
    inside.pop();
    clients.push(TcpStream::connect(address).await.unwrap());
    assert!(incoming.next().await.unwrap().is_ok());
}

#[tokio::test]
async fn nothing_listens_after_the_server_let_go() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = accept_plain(listener, Door::new(1, 1), ends());
    drop(incoming);
    // The loop is another task: give it its turn until it has let go of the port.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
