//! Certificates for the targets of stories: an authority, servers on this machine, clients.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SignatureAlgorithm,
};

/// Somebody who certifies.
pub struct Papers(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, PEM.
#[derive(Debug, Clone)]
pub struct Paper {
    /// The certificate.
    pub certificate: String,
    /// PKCS#8.
    pub key: String,
}

struct Point<'a>(&'a [u8]);

impl PublicKeyData for Point<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl Papers {
    /// An authority of this name.
    ///
    /// # Panics
    /// Where the system gives no keys.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, key()).expect("an authority"))
    }

    /// Its certificate, PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// For a server on this machine.
    ///
    /// # Panics
    /// Where the system gives no keys.
    #[must_use]
    pub fn server(&self) -> Paper {
        let mut params = params("a server");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.subject_alt_names = vec![
            SanType::DnsName("localhost".try_into().expect("a name")),
            SanType::IpAddress(std::net::Ipv4Addr::LOCALHOST.into()),
        ];
        let key = key();
        Paper {
            certificate: params.signed_by(&key, &self.0).expect("a server").pem(),
            key: key.serialize_pem(),
        }
    }

    /// For a client, with a key of its own.
    ///
    /// # Panics
    /// Where the system gives no keys.
    #[must_use]
    pub fn client_with_key(&self, name: &str) -> Paper {
        let mut params = params(name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = key();
        Paper {
            certificate: params.signed_by(&key, &self.0).expect("a client").pem(),
            key: key.serialize_pem(),
        }
    }

    /// For the owner of a P-256 key, PEM.
    ///
    /// # Panics
    /// Where the point is none.
    #[must_use]
    pub fn client(&self, name: &str, point: &[u8]) -> String {
        let mut params = params(name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let signed = params.signed_by(&Point(point), &self.0);
        signed.expect("a client").pem()
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key")
}
