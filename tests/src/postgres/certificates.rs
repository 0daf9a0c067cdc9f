//! The certificates of a shop: its server's, and those of people.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SerialNumber,
};

/// An authority of a story.
pub(super) struct TestCa {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl TestCa {
    pub(super) fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = named(name, None);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let pem = parameters.self_signed(&key).expect("a certificate").pem();
        Self {
            issuer: Issuer::new(parameters, key),
            pem,
        }
    }

    pub(super) fn pem(&self) -> String {
        self.pem.clone()
    }

    /// A certificate for this machine, and its key.
    pub(super) fn server(&self) -> (String, String) {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut parameters = CertificateParams::new(names).expect("names");
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&parameters)
    }

    pub(super) fn client(
        &self,
        folder: &Path,
        who: &str,
        organization: &str,
        serial: u128,
    ) -> ClientCertificate {
        let mut parameters = named(who, Some(organization));
        parameters.serial_number = Some(SerialNumber::from_slice(&serial.to_be_bytes()));
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let (certificate, key) = self.sign(&parameters);
        let place = folder.join(format!("client-{who}-{serial:x}"));
        let (crt, pem) = (place.with_extension("crt"), place.with_extension("pem"));
        fs::write(&crt, certificate).expect("a certificate is written");
        fs::write(&pem, key).expect("a key is written");
        demand_closed_file(&pem);
        ClientCertificate {
            certificate: crt,
            key: pem,
        }
    }

    fn sign(&self, parameters: &CertificateParams) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let signed = parameters.signed_by(&key, &self.issuer);
        (signed.expect("a certificate").pem(), key.serialize_pem())
    }
}

/// A client certificate and its key, as files.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    certificate: PathBuf,
    key: PathBuf,
}

impl ClientCertificate {
    /// `psql` shows it.
    pub fn shown_by(&self, psql: &mut Command, user: &str) {
        psql.env("PGUSER", user)
            .env("PGSSLCERT", &self.certificate)
            .env("PGSSLKEY", &self.key);
    }
}

/// The organization first: RFC 2253 writes a name backwards, so the common name leads in what
/// PostgreSQL compares.
fn named(name: &str, organization: Option<&str>) -> CertificateParams {
    let mut parameters = CertificateParams::new(Vec::new()).expect("no names");
    parameters.distinguished_name = DistinguishedName::new();
    let whole = &mut parameters.distinguished_name;
    if let Some(organization) = organization {
        whole.push(DnType::OrganizationName, organization);
    }
    whole.push(DnType::CommonName, name);
    parameters
}

/// PostgreSQL and its clients take no key that others can read.
pub(super) fn demand_closed_file(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a mode is set");
}
