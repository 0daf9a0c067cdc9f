//! Stories of the authority for targets, with `openssl` as the one who reads.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use breakglass_domain::{GrantId, Lifetime, Time};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::{TargetCa, TargetCertificate};
use crate::issue::Ca;
use crate::issue::keys::{KeyError, KeyFolder};
use crate::ledger::entry;
use crate::ports::{Entropy, IssueError};

const SERIAL: &str = "8f000000000000000000000000000045";

/// Chance that is not chance.
struct Same;

impl Entropy for Same {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0x42);
    }
}

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

fn now() -> Time {
    at("2026-11-23T03:05:00.250Z")
}

fn folder() -> (tempfile::TempDir, KeyFolder) {
    crate::edge::install_crypto();
    let temporary = tempfile::tempdir().unwrap();
    let keys = KeyFolder::create(&temporary.path().join("keys")).unwrap();
    (temporary, keys)
}

fn authority(keys: &KeyFolder) -> TargetCa {
    TargetCa::create(keys, "glass.example", now(), &Same).unwrap()
}

fn holder() -> Vec<u8> {
    let random = SystemRandom::new();
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, made.as_ref(), &random);
    key.unwrap().public_key().as_ref().to_vec()
}

/// Mia's, to read the cluster.
fn order<'a>(public: &'a [u8], groups: &'a [&'a str]) -> TargetCertificate<'a> {
    TargetCertificate {
        grant: GrantId(45),
        drill: false,
        public,
        common_name: "mia",
        organizations: groups,
        serial: SERIAL,
        at: now(),
        not_after: now().plus(Lifetime::from_secs(900)),
        tlog_proof: None,
    }
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

#[test]
fn a_certificate_says_who_which_groups_which_grant_and_until_when() {
    let (_temporary, keys) = folder();
    let (ca, public) = (authority(&keys), holder());
    let groups = ["shop-readers", "shop-debuggers", "nächtliche Schicht"];
    let order = order(&public, &groups);
    let made = der(&ca.make(&order).unwrap());
    let (rest, certificate) = X509Certificate::from_der(&made).unwrap();
    assert!(rest.is_empty());
    assert_eq!(
        certificate.subject().to_string(),
        "O=shop-readers, O=shop-debuggers, O=nächtliche Schicht, CN=mia"
    );
    assert_eq!(
        certificate.issuer().to_string(),
        "CN=breakglass targets of glass.example"
    );
    assert_eq!(
        certificate.raw_serial_as_string().replace(':', ""),
        format!("00{SERIAL}")
    );
    assert_eq!(
        certificate.public_key().subject_public_key.data.as_ref(),
        public
    );
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    assert_eq!(
        names.value.general_names,
        [GeneralName::URI("breakglass:grant:G-45")]
    );
    let usage = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.client_auth && !usage.server_auth && !usage.any);
    assert!(!certificate.is_ca());
    let validity = certificate.validity();
    assert_eq!(validity.not_before.timestamp(), now().as_secs() - 60);
    assert_eq!(validity.not_after.timestamp(), order.not_after.as_secs());
}

#[test]
fn a_certificate_of_a_drill_says_so_beside_its_grant() {
    let (_temporary, keys) = folder();
    let (ca, public) = (authority(&keys), holder());
    let order = TargetCertificate {
        drill: true,
        ..order(&public, &[])
    };
    let made = der(&ca.make(&order).unwrap());
    let (_, certificate) = X509Certificate::from_der(&made).unwrap();
    assert_eq!(certificate.subject().to_string(), "CN=mia");
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    assert_eq!(
        names.value.general_names,
        ["breakglass:grant:G-45", "breakglass:drill"].map(GeneralName::URI)
    );
}

#[test]
fn without_groups_it_is_only_a_name() {
    let (_temporary, keys) = folder();
    let (ca, public) = (authority(&keys), holder());
    let made = der(&ca.make(&order(&public, &[])).unwrap());
    let (_, certificate) = X509Certificate::from_der(&made).unwrap();
    assert_eq!(certificate.subject().to_string(), "CN=mia");
}

#[test]
fn a_key_or_serial_of_another_kind_is_refused() {
    let (_temporary, keys) = folder();
    let (ca, public) = (authority(&keys), holder());
    let mut short = order(&public[1..], &[]);
    assert!(matches!(ca.make(&short), Err(IssueError::Signing(_))));
    short = order(&public, &[]);
    for serial in ["", "8f", &"zz".repeat(16), &"8f".repeat(17)] {
        short.serial = serial;
        assert!(
            matches!(ca.make(&short), Err(IssueError::Signing(_))),
            "{serial}"
        );
    }
}

#[test]
fn the_authority_comes_back_the_same_and_is_never_written_over() {
    let (_temporary, keys) = folder();
    let made = authority(&keys);
    let loaded = TargetCa::load(&keys).unwrap();
    assert_eq!(made.pem(), loaded.pem());
    assert!(loaded.expires_at().unwrap() > now().plus(Lifetime::from_secs(3_600 * 24 * 3_000)));
    let public = holder();
    let made = der(&loaded.make(&order(&public, &["a"])).unwrap());
    assert!(accepts(loaded.certificate(), &made, now()));
    let again = TargetCa::create(&keys, "glass.example", now(), &Same);
    assert!(matches!(again, Err(KeyError::Exists(_))));
    // Both authorities live in one folder.
    Ca::create(&keys, "glass.example", entry::read, now(), &Same).unwrap();
}

/// As the broker's listener judges (`listen/tls.rs`): rustls, with one root.
fn accepts(root: &CertificateDer<'static>, shown: &CertificateDer<'_>, at: Time) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .unwrap();
    let seconds = Duration::from_secs(at.as_secs().try_into().unwrap());
    let judged = verifier.verify_client_cert(shown, &[], UnixTime::since_unix_epoch(seconds));
    judged.is_ok()
}

#[test]
fn the_broker_takes_no_certificate_of_a_target_and_targets_none_of_a_laptop() {
    let (_temporary, keys) = folder();
    let targets = authority(&keys);
    let laptops = Ca::create(&keys, "glass.example", entry::read, now(), &Same).unwrap();
    let public = holder();
    let made = der(&targets.make(&order(&public, &["shop-readers"])).unwrap());
    assert!(accepts(targets.certificate(), &made, now()));
    assert!(!accepts(laptops.certificate(), &made, now()));
    let server = laptops
        .server_identity(&["glass.example".into()], now(), &Same)
        .unwrap();
    assert!(!accepts(targets.certificate(), &server.chain[0], now()));
    // Nor before its time or after it.
    let (early, late) = (Lifetime::from_secs(62), Lifetime::from_secs(901));
    assert!(!accepts(targets.certificate(), &made, now().minus(early)));
    assert!(!accepts(targets.certificate(), &made, now().plus(late)));
}

/// What `openssl` says, and whether it was content.
fn openssl(words: &[&str], files: &[&Path]) -> (bool, String) {
    let said = Command::new("openssl")
        .args(words)
        .args(files)
        .output()
        .expect("openssl is installed");
    let text = [said.stdout, said.stderr].concat();
    (
        said.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn openssl_reads_it_verifies_it_and_notices_a_changed_bit() {
    let (temporary, keys) = folder();
    let (ca, public) = (authority(&keys), holder());
    let order = TargetCertificate {
        tlog_proof: Some("c2sp.org/tlog-proof@v1\nindex 0\n\n"),
        ..order(&public, &["shop-readers", "b"])
    };
    let made = ca.make(&order).unwrap();
    let file = |name: &str, text: &str| -> PathBuf {
        let path = temporary.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let leaf = file("leaf.crt", &made);
    let root = file("root.crt", &ca.pem());
    let moment = now().as_secs().to_string();
    let mut words = vec!["verify", "-x509_strict", "-purpose", "sslclient"];
    words.extend(["-attime", &moment, "-CAfile", root.to_str().unwrap()]);
    let (good, said) = openssl(&words, &[&leaf]);
    assert!(good, "{said}");

    let (_, said) = openssl(&["x509", "-noout", "-text", "-in"], &[&leaf]);
    for line in [
        "Subject: O = shop-readers, O = b, CN = mia",
        "Issuer: CN = breakglass targets of glass.example",
        "Signature Algorithm: ecdsa-with-SHA256",
        "NIST CURVE: P-256",
        "CA:FALSE",
        "TLS Web Client Authentication",
        "URI:breakglass:grant:G-45",
        "Not Before: Nov 23 03:04:00 2026 GMT",
        "Not After : Nov 23 03:20:00 2026 GMT",
        &format!("{OID}: \n"),
        "c2sp.org/tlog-proof@v1",
    ] {
        assert!(said.contains(line), "{line} in {said}");
    }

    let (_other, other_keys) = folder();
    let other = file("other.crt", &authority(&other_keys).pem());
    *words.last_mut().unwrap() = other.to_str().unwrap();
    assert!(!openssl(&words, &[&leaf]).0, "another authority's");
    *words.last_mut().unwrap() = root.to_str().unwrap();
    let mut bytes = der(&made).to_vec();
    let place = bytes.windows(3).position(|three| three == b"mia").unwrap();
    bytes[place] ^= 0b100;
    let changed = super::pem("CERTIFICATE", &bytes);
    let changed = file("changed.crt", &changed);
    assert!(!openssl(&words, &[&changed]).0, "iia is not mia");
}

/// A golden, and what others make of it: guards and libraries read it for years.
#[test]
fn the_proof_is_an_extension_that_nobody_has_to_know() {
    let (_temporary, keys) = folder();
    let (ca, public) = (authority(&keys), holder());
    let proof = "c2sp.org/tlog-proof@v1\nindex 0\n\n— x\n".repeat(60);
    let order = TargetCertificate {
        tlog_proof: Some(&proof),
        ..order(&public, &["shop-readers"])
    };
    let made = der(&ca.make(&order).unwrap());
    let (_, certificate) = X509Certificate::from_der(&made).unwrap();
    let carried = certificate
        .extensions()
        .iter()
        .find(|it| it.oid.to_id_string() == OID)
        .unwrap();
    assert!(!carried.critical);
    let head = [0x0c, 0x82, 0x08, 0xe8];
    assert_eq!(carried.value[..4], head, "a UTF8String of 2280 bytes");
    assert_eq!(&carried.value[4..], proof.as_bytes());
    let oid = carried.oid.as_bytes();
    let frozen = "2a864886f7140 1be40937a81e924839c7d81f17e818b7882b84a81d1cb0486eba25c";
    let hex: String = oid.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, frozen.replace(' ', ""));
    assert!(accepts(ca.certificate(), &made, now()));
}

const OID: &str = "1.2.840.113556.1.8000.2554.29860.52861.30974.17912.40010.3433860.14340444";
