//! Who is nobody here: no certificate, one of another authority, or not a word.

use std::sync::Arc;
use std::time::{Duration, Instant};

use breakglass_client::{connect, tls};
use breakglass_proto::v1::WhoAmIRequest;
use breakglass_proto::v1::identity_service_client::IdentityServiceClient;
use breakglass_tests::World;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls_pki_types::pem::PemObject as _;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use tonic_types::StatusExt as _;

use super::reason_of;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_certificate_nothing_but_enrolment_answers() {
    let world = World::of_strangers().await;
    let line = world.takes_invitation_of("mia");
    let pin = breakglass_client::invitation::Invitation::parse(&line)
        .unwrap()
        .pin;
    let config = tls::enrolling(pin, Default::default());
    let channel = connect::connect(&world.server(), config).await.unwrap();
    let refused = IdentityServiceClient::new(channel.clone())
        .who_am_i(WhoAmIRequest {})
        .await
        .unwrap_err();
    assert_eq!(reason_of(&refused), "NO_CERTIFICATE");
    let mut status =
        breakglass_proto::v1::status_service_client::StatusServiceClient::new(channel.clone());
    let refused = status
        .get_status(breakglass_proto::v1::GetStatusRequest {})
        .await
        .unwrap_err();
    assert_eq!(reason_of(&refused), "NO_CERTIFICATE");
    let mut watch = breakglass_proto::v1::watch_service_client::WatchServiceClient::new(channel);
    let refused = watch
        .watch(breakglass_proto::v1::WatchRequest::default())
        .await
        .unwrap_err();
    assert_eq!(reason_of(&refused), "NO_CERTIFICATE");
    assert!(
        world.entries_of("refused").is_empty(),
        "strangers write nothing into the ledger"
    );
    let metrics = world.broker().telemetry().metrics();
    let counted = "breakglass_calls_refused_total{reason=\"NO_CERTIFICATE\"} 3";
    assert!(metrics.contains(counted), "{metrics}");
}

/// A certificate that says it is Mia's, by an authority of somebody's own.
fn forged() -> (
    rustls_pki_types::CertificateDer<'static>,
    rustls_pki_types::PrivateKeyDer<'static>,
) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(Vec::<String>::new()).unwrap();
    leaf.subject_alt_names = vec![SanType::URI("breakglass:person:mia".try_into().unwrap())];
    leaf.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    (leaf.der().clone(), key.into())
}

async fn trusting_with(
    world: &World,
    certificate: Option<(
        rustls_pki_types::CertificateDer<'static>,
        rustls_pki_types::PrivateKeyDer<'static>,
    )>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    let ca = world.ca_pem().await;
    roots
        .add(rustls_pki_types::CertificateDer::from_pem_slice(ca.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match certificate {
        Some((leaf, key)) => builder.with_client_auth_cert(vec![leaf], key).unwrap(),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_authority_ends_the_handshake() {
    let world = World::begins().await;
    let config = trusting_with(&world, Some(forged()), &[&rustls::version::TLS13]).await;
    // The client may believe for a moment that it is in: TLS 1.3 tells it with the first read.
    let refused = match connect::connect(&world.server(), config).await {
        Err(_) => return,
        Ok(channel) => {
            IdentityServiceClient::new(channel)
                .who_am_i(WhoAmIRequest {})
                .await
        }
    };
    let refused = refused.unwrap_err();
    assert!(
        refused.get_details_error_info().is_none(),
        "nobody answered: {refused}"
    );
}

/// Opens TLS with a config of one's own; what the server says first.
async fn greeted(world: &World, config: rustls::ClientConfig) -> Result<usize, std::io::Error> {
    let tcp = TcpStream::connect(world.addresses().grpc).await?;
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(name, tcp).await?;
    stream.read(&mut [0; 64]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_tls_1_3_is_spoken_and_no_tickets_are_handed_out() {
    let world = World::begins().await;
    let old = trusting_with(&world, None, &[&rustls::version::TLS12]).await;
    assert!(greeted(&world, old).await.is_err(), "TLS 1.2 is not spoken");

    #[derive(Debug, Default)]
    struct Tickets(std::sync::atomic::AtomicUsize);
    impl rustls::client::ClientSessionStore for Tickets {
        fn set_kx_hint(&self, _: rustls_pki_types::ServerName<'static>, _: rustls::NamedGroup) {}
        fn kx_hint(&self, _: &rustls_pki_types::ServerName<'_>) -> Option<rustls::NamedGroup> {
            None
        }
        fn set_tls12_session(
            &self,
            _: rustls_pki_types::ServerName<'static>,
            _: rustls::client::Tls12ClientSessionValue,
        ) {
        }
        fn tls12_session(
            &self,
            _: &rustls_pki_types::ServerName<'_>,
        ) -> Option<rustls::client::Tls12ClientSessionValue> {
            None
        }
        fn remove_tls12_session(&self, _: &rustls_pki_types::ServerName<'static>) {}
        fn insert_tls13_ticket(
            &self,
            _: rustls_pki_types::ServerName<'static>,
            _: rustls::client::Tls13ClientSessionValue,
        ) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
        fn take_tls13_ticket(
            &self,
            _: &rustls_pki_types::ServerName<'static>,
        ) -> Option<rustls::client::Tls13ClientSessionValue> {
            None
        }
    }
    let tickets = Arc::new(Tickets::default());
    let mut config = trusting_with(&world, None, &[&rustls::version::TLS13]).await;
    config.resumption = rustls::client::Resumption::store(tickets.clone());
    // Reads the server's settings, which come after any ticket would.
    assert!(greeted(&world, config).await.unwrap() > 0);
    assert_eq!(tickets.0.load(std::sync::atomic::Ordering::SeqCst), 0);
}

/// How long a connection lives that never says anything.
async fn silent(address: std::net::SocketAddr) -> Duration {
    let began = Instant::now();
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(20), tcp.read(&mut [0; 64])).await;
    assert!(read.is_ok(), "a silent connection is still open");
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_nothing_is_sent_away() {
    let world = World::begins().await;
    let addresses = world.addresses();
    let config = trusting_with(&world, None, &[&rustls::version::TLS13]).await;
    let without_a_request = async {
        let tcp = TcpStream::connect(addresses.grpc).await.unwrap();
        let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, tcp).await.unwrap();
        let (began, mut all) = (Instant::now(), Vec::new());
        let read =
            tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut all)).await;
        assert!(read.is_ok(), "a connection without a request is still open");
        began.elapsed()
    };
    let (grpc, web, greeted) = tokio::join!(
        silent(addresses.grpc),
        silent(addresses.web),
        without_a_request
    );
    for (what, lived) in [
        ("before TLS", grpc),
        ("before TLS, web", web),
        ("after TLS", greeted),
    ] {
        assert!(lived < Duration::from_secs(16), "{what}: {lived:?}");
    }
    world.session("mia").await.status().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_has_only_so_many_connections() {
    let policy = breakglass_domain::policy::STARTER;
    let world = World::with(policy, "connections_per_peer = 8").await;
    world.session("mia").await;
    let mut open = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let mut tcp = TcpStream::connect(world.addresses().grpc).await.unwrap();
        open.spawn(async move { tcp.read(&mut [0; 1]).await });
    }
    // Those that are one too many are closed at once; the others when they said nothing for 5 seconds.
    let turned_away = async {
        for _ in 0..12 {
            open.join_next().await.unwrap().unwrap().unwrap_or(0);
        }
    };
    let at_once = tokio::time::timeout(Duration::from_secs(4), turned_away).await;
    assert!(at_once.is_ok(), "fewer than 12 of 20 were turned away");
    drop(open);
    let because = "the broker frees a place when the system tells it that a peer has gone";
    breakglass_tests::wait::until_async("there is room again", because, async || {
        world.try_session("mia").await.ok()
    })
    .await;
}
