//! Dialling the broker, somebody else, and nobody.

use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::{fixtures, tls};

/// A server with the fixtures' certificate that accepts TLS and then says nothing.
async fn server(alpn: &[&[u8]]) -> ServerUrl {
    let chain = [fixtures::SERVER_CERTIFICATE, fixtures::CA_CERTIFICATE];
    let chain = chain.map(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap());
    let key = PrivateKeyDer::from_pem_slice(fixtures::SERVER_KEY.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.to_vec(), key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((tcp, _)) = listener.accept().await {
            let accepted = TlsAcceptor::from(Arc::new(config.clone()))
                .accept(tcp)
                .await;
            open.extend(accepted);
        }
    });
    ServerUrl::parse(&format!("https://127.0.0.1:{port}")).unwrap()
}

fn pinning(ca: &str) -> (ClientConfig, tls::Pinned) {
    let ca = CertificateDer::from_pem_slice(ca.as_bytes()).unwrap();
    let pinned = tls::Pinned::default();
    (
        tls::enrolling(tls::Pin::of(&ca), Arc::clone(&pinned)),
        pinned,
    )
}

#[tokio::test]
async fn the_pinned_broker_is_reached_and_its_ca_kept() {
    let (config, pinned) = pinning(fixtures::CA_CERTIFICATE);
    connect(&server(&[b"h2"]).await, config).await.unwrap();
    assert!(pinned.get().is_some());
}

#[tokio::test]
async fn somebody_else_is_a_failed_verification() {
    let (config, pinned) = pinning(fixtures::OTHER_CA_CERTIFICATE);
    let error = connect(&server(&[b"h2"]).await, config).await.unwrap_err();
    assert_eq!(error.exit_code(), 86, "{error}");
    assert!(pinned.get().is_none());
}

#[tokio::test]
async fn a_name_the_certificate_does_not_bear_is_said() {
    let (config, _) = pinning(fixtures::CA_CERTIFICATE);
    let server = server(&[b"h2"]).await;
    let server = ServerUrl::parse(&format!("https://127.0.0.2:{}", server.port())).unwrap();
    let error = connect(&server, config).await.unwrap_err();
    // 127.0.0.2 may not be dialled everywhere; where it is, the name is what is wrong.
    let text = error.to_string();
    assert!(
        text.contains("is not for `127.0.0.2`") || error.exit_code() == 84,
        "{text}"
    );
}

#[tokio::test]
async fn another_protocol_and_nobody_are_unreachable() {
    let (config, _) = pinning(fixtures::CA_CERTIFICATE);
    let error = connect(&server(&[]).await, config.clone())
        .await
        .unwrap_err();
    assert_eq!(error.exit_code(), 84);
    assert!(
        error.to_string().contains("is this the gRPC port?"),
        "{error}"
    );

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let nobody = ServerUrl::parse(&format!("https://127.0.0.1:{port}")).unwrap();
    let error = connect(&nobody, config).await.unwrap_err();
    assert_eq!(error.exit_code(), 84);
    assert!(error.to_string().contains("cannot be reached: "), "{error}");
    assert!(error.next().unwrap().contains(&format!("port {port}")));
}

#[test]
fn an_alert_after_the_handshake_is_about_the_certificate() {
    let server = ServerUrl::parse("https://glass.example").unwrap();
    for (alert, is_ours) in [
        (AlertDescription::CertificateExpired, true),
        (AlertDescription::UnknownCA, true),
        (AlertDescription::DecryptError, true),
        (AlertDescription::InternalError, false),
    ] {
        // As h2 hands it on.
        let text = format!("connection error: {}", TlsError::AlertReceived(alert));
        let error = of_transport(&server, &io::Error::other(text));
        assert_eq!(error.exit_code(), if is_ours { 1 } else { 84 }, "{error}");
        assert_eq!(
            error.to_string().contains("certificate"),
            is_ours,
            "{error}"
        );
    }
}

#[test]
fn a_certificate_that_is_not_valid_now_is_first_of_all_a_matter_of_clocks() {
    let server = ServerUrl::parse("https://glass.example").unwrap();
    let next = |alert| {
        let told = TlsError::AlertReceived(alert);
        let error = of_transport(&server, &io::Error::other(told));
        error.next().unwrap().to_owned()
    };
    let next_of_expired = next(AlertDescription::CertificateExpired);
    assert!(next_of_expired.starts_with("check this laptop's clock first"));
    assert!(
        next_of_expired.contains("glass enroll"),
        "{next_of_expired}"
    );
    assert!(!next(AlertDescription::UnknownCA).contains("clock"));
}

#[test]
fn a_connection_cut_after_the_handshake_may_be_about_the_certificate() {
    let server = ServerUrl::parse("https://glass.example").unwrap();
    for (kind, may_be) in [
        (io::ErrorKind::BrokenPipe, true),
        (io::ErrorKind::ConnectionReset, true),
        (io::ErrorKind::TimedOut, false),
    ] {
        let error = perhaps_not_taken(of_transport(&server, &io::Error::from(kind)));
        assert_eq!(error.exit_code(), 84);
        let next = error.next().unwrap();
        assert_eq!(next.contains("this laptop's certificate"), may_be, "{next}");
    }
}

#[tokio::test]
async fn a_broker_that_does_not_take_the_certificate_is_told_apart_from_a_broken_one() {
    use rustls::{RootCertStore, server::WebPkiClientVerifier};
    let pem = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(pem(fixtures::OTHER_CA_CERTIFICATE)).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
    let key = PrivateKeyDer::from_pem_slice(fixtures::SERVER_KEY.as_bytes()).unwrap();
    let chain = [fixtures::SERVER_CERTIFICATE, fixtures::CA_CERTIFICATE].map(pem);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(chain.to_vec(), key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let _ = TlsAcceptor::from(Arc::new(config.clone()))
                .accept(tcp)
                .await;
        }
    });
    let server = ServerUrl::parse(&format!("https://127.0.0.1:{port}")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key_file = folder.path().join("key.pem");
    std::fs::write(&key_file, fixtures::CLIENT_KEY).unwrap();
    let identity = crate::identity::Identity {
        key: key::PrivateKey::load(&key_file).unwrap(),
        certificate: crate::certificate::Certificate::from_pem(fixtures::CLIENT_CERTIFICATE)
            .unwrap(),
    };
    let config = tls::enrolled(fixtures::CA_CERTIFICATE, &identity).unwrap();
    let error = match connect(&server, config).await {
        Err(error) => error,
        Ok(channel) => {
            use breakglass_proto::v1;
            let mut client = v1::identity_service_client::IdentityServiceClient::new(channel);
            let status = client.who_am_i(v1::WhoAmIRequest {}).await.unwrap_err();
            perhaps_not_taken(crate::refusal::explain(&server, &status))
        }
    };
    let told = format!("{error}; {}", error.next().unwrap());
    assert!(told.contains("this laptop's certificate"), "{told}");
}

#[test]
fn a_certificate_of_another_time_is_told_in_words() {
    let server = ServerUrl::parse("https://glass.example").unwrap();
    let at = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let error = TlsError::InvalidCertificate(CertificateError::ExpiredContext {
        time: at(1_795_000_000),
        not_after: at(1_790_000_000),
    });
    let told = of_tls(&server, &error).to_string();
    assert!(told.contains("it expired at 2026-09-21T14:13:20"), "{told}");
    assert!(!told.contains("UNIX"), "{told}");
}
