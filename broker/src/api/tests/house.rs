//! A broker behind TLS, and clients with and without certificates.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use breakglass_proto::statement::{Act, NONCE_LEN, Statement};
use breakglass_proto::v1;
use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, SanType,
};
use ring::rand::SystemRandom;
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Server};
use tonic_types::StatusExt as _;

use crate::api::{Options, routes};
use crate::app::tests::world::{ORIGIN, Teammate, World};

pub(super) struct House {
    pub(super) world: World,
    authority: Issuer<'static, KeyPair>,
    authority_pem: String,
    address: std::net::SocketAddr,
}

impl House {
    pub(super) async fn open() -> Self {
        let options = Options {
            reflection: true,
            ..Options::default()
        };
        Self::with(World::new().await, &options).await
    }

    pub(super) async fn with(world: World, options: &Options) -> Self {
        crate::edge::install_crypto();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let authority = Issuer::new(params, key);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = acceptor(&authority, certificate.der());
        let (hand_over, accepted) = tokio::sync::mpsc::channel(16);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, hand_over) = (acceptor.clone(), hand_over.clone());
                tokio::spawn(async move { hand_over.send(acceptor.accept(tcp).await).await });
            }
        });
        let server = Server::builder().add_routes(routes(world.app.clone(), options));
        tokio::spawn(server.serve_with_incoming(ReceiverStream::new(accepted)));
        let authority_pem = certificate.pem();
        Self {
            world,
            authority,
            authority_pem,
            address,
        }
    }

    /// A connection of somebody on the team.
    pub(super) fn channel(&self, person: &str) -> Channel {
        self.channel_of(&self.world.team[person], person, "never")
    }

    /// With any key, for any name; `expires` is `never` or `soon`, in the year 2030.
    pub(super) fn channel_of(&self, who: &Teammate, person: &str, expires: &str) -> Channel {
        let pkcs8 = PrivatePkcs8KeyDer::from(who.pkcs8.as_slice());
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let uri = format!("breakglass:person:{person}");
        params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
        params.not_after = rcgen::date_time_ymd(if expires == "soon" { 2030 } else { 2090 }, 1, 1);
        let leaf = params.signed_by(&key, &self.authority).unwrap();
        self.dial(Some(Identity::from_pem(leaf.pem(), key.serialize_pem())))
    }

    /// A connection of somebody without a certificate.
    pub(super) fn stranger(&self) -> Channel {
        self.dial(None)
    }

    fn dial(&self, identity: Option<Identity>) -> Channel {
        let authority = Certificate::from_pem(&self.authority_pem);
        let tls = ClientTlsConfig::new()
            .ca_certificate(authority)
            .domain_name("localhost");
        let tls = match identity {
            Some(identity) => tls.identity(identity),
            None => tls,
        };
        let endpoint = Endpoint::from_shared(format!("https://{}", self.address)).unwrap();
        endpoint.tls_config(tls).unwrap().connect_lazy()
    }

    /// A statement, signed.
    pub(super) fn signed(&self, person: &str, act: Act) -> Option<v1::Signed> {
        static NONCES: AtomicU8 = AtomicU8::new(1);
        let text = Statement {
            origin: ORIGIN.into(),
            by: person.into(),
            at: self.world.app.now().timestamp(),
            act,
            seen: None,
            nonce: [NONCES.fetch_add(1, Ordering::Relaxed); NONCE_LEN],
        }
        .to_text();
        let pair = &self.world.team[person].pair;
        let signature = pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        let signature = signature.as_ref().to_vec();
        Some(v1::Signed { text, signature })
    }

    pub(super) fn asking(&self, reason: &str) -> v1::RequestGrantRequest {
        let act = Act::Request {
            right: "deploy-shop".into(),
            sentence: "deploy the shop app".into(),
            incident: "INC-1".into(),
            reason: reason.into(),
            length: jiff::SignedDuration::from_mins(15),
            held: true,
        };
        v1::RequestGrantRequest {
            signed: self.signed("mia", act),
            credential: v1::CredentialKind::Jwt.into(),
        }
    }
}

fn acceptor(
    authority: &Issuer<'static, KeyPair>,
    root: &rustls_pki_types::CertificateDer<'static>,
) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = params.signed_by(&key, authority).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder(roots.into()).allow_unauthenticated();
    let builder = rustls::ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13]);
    let mut config = builder
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// The stable reason of a status of ours.
pub(super) fn reason(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.unwrap_or_else(|| panic!("{status:?}")).reason
}
