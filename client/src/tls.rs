//! TLS 1.3 to a broker whose CA is pinned; ring is the provider, given by hand.

use std::sync::{Arc, OnceLock};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest;
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error as TlsError,
    RootCertStore, SignatureScheme,
    client::{
        Resumption, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring as provider},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _};

use crate::{error::Error, identity::Identity};

/// Bytes of a SHA-256.
pub const PIN_BYTES: usize = 32;

/// What TLS offers and demands above it: HTTP/2 (RFC 9113 section 3.2).
const ALPN: &[u8] = b"h2";

/// The SHA-256 of a CA certificate's DER, as an enrolment line carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin([u8; PIN_BYTES]);

impl Pin {
    /// The pin of a certificate.
    #[must_use]
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        let digest = digest::digest(&digest::SHA256, certificate);
        let mut bytes = [0; PIN_BYTES];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }

    /// Reads base64url without padding; `None` for anything else than 32 bytes of it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

/// TLS for somebody enrolled: the CA from its file, the certificate of the identity.
///
/// # Errors
/// [`Error::Setup`] where the CA file is missing or not a certificate, or the key does not fit.
pub fn enrolled(ca_pem: &str, identity: &Identity) -> Result<ClientConfig, Error> {
    let ca = CertificateDer::from_pem_slice(ca_pem.as_bytes()).map_err(|_| unusable_ca())?;
    let mut roots = RootCertStore::empty();
    roots.add(ca).map_err(|_| unusable_ca())?;
    let chain = vec![identity.certificate.der().clone()];
    let config = builder()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, identity.key.to_tls())
        .map_err(|error| {
            Error::setup(
                format!("the key cannot be used for TLS: {error}"),
                "run: glass doctor",
            )
        })?;
    Ok(finish(config))
}

/// TLS for somebody who enrols: the CA is the one in the server's chain that has the pin, and is
/// kept in `pinned` for the time after.
#[must_use]
pub fn enrolling(pin: Pin, pinned: Pinned) -> ClientConfig {
    let verifier = PinVerifier {
        pin,
        pinned,
        provider: Arc::new(provider::default_provider()),
    };
    let config = builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    finish(config)
}

/// The CA certificate a `PinVerifier` has accepted.
pub type Pinned = Arc<OnceLock<CertificateDer<'static>>>;

fn builder() -> ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("ring has TLS 1.3 cipher suites")
}

fn finish(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![ALPN.to_vec()];
    // The broker hands out no tickets: a resumed session would skip its look at the certificate.
    config.resumption = Resumption::disabled();
    config
}

fn unusable_ca() -> Error {
    Error::setup(
        "the CA file is not a certificate in PEM",
        "unset GLASS_CA_FILE, or enrol again with `glass enroll ... --replace`",
    )
}

/// Accepts a chain only where one certificate in it hashes to the pin, and then only what webpki
/// accepts with that certificate as the one root: signatures, validity, host name, usage.
#[derive(Debug)]
struct PinVerifier {
    pin: Pin,
    pinned: Pinned,
    provider: Arc<CryptoProvider>,
}

impl PinVerifier {
    fn root(&self, chain: &[CertificateDer<'_>]) -> Result<CertificateDer<'static>, TlsError> {
        // A pin is no secret, so it need not be compared in constant time.
        let root = chain
            .iter()
            .find(|certificate| Pin::of(certificate) == self.pin);
        let unknown = TlsError::InvalidCertificate(CertificateError::UnknownIssuer);
        root.map(|root| root.clone().into_owned()).ok_or(unknown)
    }
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let root = self.root(intermediates)?;
        let mut roots = RootCertStore::empty();
        roots.add(root.clone())?;
        let webpki =
            WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&self.provider))
                .build()
                .map_err(|error| TlsError::General(error.to_string()))?;
        let verified = webpki.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        // Every connection of one enrolment has the same pin, so the first is as good as any.
        let _ = self.pinned.set(root);
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(TlsError::General("only TLS 1.3 is spoken".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn certificate(pem: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    }

    /// What the verifier says of the fixture's server with these certificates sent along, asked
    /// for under `name`.
    fn verify(pin: Pin, sent: &[&str], name: &str) -> (Result<(), TlsError>, Pinned) {
        let pinned = Pinned::default();
        let provider = Arc::new(provider::default_provider());
        let verifier = PinVerifier {
            pin,
            pinned: pinned.clone(),
            provider,
        };
        let chain: Vec<_> = sent.iter().map(|pem| certificate(pem)).collect();
        // 2030-01-01: within the fixtures' hundred years.
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_893_456_000));
        let verified = verifier.verify_server_cert(
            &certificate(fixtures::SERVER_CERTIFICATE),
            &chain,
            &ServerName::try_from(name).unwrap(),
            &[],
            now,
        );
        (verified.map(|_| ()), pinned)
    }

    #[test]
    fn the_pinned_ca_is_accepted_and_kept() {
        let ca = certificate(fixtures::CA_CERTIFICATE);
        let (verified, pinned) = verify(Pin::of(&ca), &[fixtures::CA_CERTIFICATE], "glass.example");
        verified.unwrap();
        assert_eq!(pinned.get(), Some(&ca));
        assert!(
            verify(Pin::of(&ca), &[fixtures::CA_CERTIFICATE], "127.0.0.1")
                .0
                .is_ok()
        );
    }

    #[test]
    fn another_ca_another_name_or_no_ca_is_refused() {
        let ours = Pin::of(&certificate(fixtures::CA_CERTIFICATE));
        let other = Pin::of(&certificate(fixtures::OTHER_CA_CERTIFICATE));
        for (pin, sent, name) in [
            (other, &[fixtures::CA_CERTIFICATE][..], "glass.example"),
            // The pinned one is sent along, but did not sign the server's.
            (
                other,
                &[fixtures::OTHER_CA_CERTIFICATE, fixtures::CA_CERTIFICATE],
                "glass.example",
            ),
            (ours, &[], "glass.example"),
            (ours, &[fixtures::CA_CERTIFICATE], "evil.example"),
        ] {
            let (verified, pinned) = verify(pin, sent, name);
            assert!(verified.is_err(), "{name}");
            assert!(pinned.get().is_none());
        }
    }

    #[test]
    fn pins_are_the_hash_in_base64url() {
        let pin = Pin::of(&certificate(fixtures::CA_CERTIFICATE));
        let text = URL_SAFE_NO_PAD.encode(pin.0);
        assert_eq!(Pin::parse(&text), Some(pin));
        assert_eq!(Pin::parse(&format!("{text}=")), None);
        assert_eq!(Pin::parse("AAAA"), None);
        assert_eq!(Pin::parse(""), None);
    }
}
