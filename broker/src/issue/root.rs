//! What the X.509 authorities share (RFC 5280): a root in the key folder, and how a certificate is
//! filled in.
//!
//! Every serial, name, usage and validity is set here: rcgen's defaults run to the year 4096, and
//! take the serial from the key, so that a renewed certificate would repeat it.

use std::time::{Duration, SystemTime};

use breakglass_domain::{Lifetime, Time};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData,
    SanType, SerialNumber,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use zeroize::Zeroizing;

use super::jwt_crypto::POINT_BYTES;
use super::keys::{KeyError, KeyFolder, pem};
use crate::ports::{Entropy, IssueError};

/// How long an authority lives: it is pinned on laptops and targets, so it outlives the hardware.
const LIFE: Lifetime = days(3_650);

/// How far the start of what is ours lies back, for laptops whose clock is behind.
pub(super) const BACK_DATED: Lifetime = Lifetime::from_secs(3_600);

/// Bytes of a serial number: RFC 5280 section 4.1.2.2 allows 20.
pub(super) const SERIAL_BYTES: usize = 16;

pub(super) const fn days(count: u32) -> Lifetime {
    Lifetime::from_secs(count * 24 * 3_600)
}

/// Where an authority is in the key folder.
pub(super) struct Files {
    /// The private key.
    pub(super) key: &'static str,
    /// The certificate.
    pub(super) certificate: &'static str,
}

/// A self-signed authority.
pub(super) struct Root {
    issuer: rcgen::Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Root {
    /// Makes one, and keeps it in the folder.
    pub(super) fn create(
        folder: &KeyFolder,
        files: &Files,
        name: &str,
        now: Time,
        entropy: &dyn Entropy,
    ) -> Result<Self, KeyError> {
        let failed = |e: rcgen::Error| folder.unusable(files.key, e.to_string());
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let mut params = authority_params(name);
        params.serial_number = Some(SerialNumber::from_slice(&serial(entropy)));
        set_validity(&mut params, now.minus(BACK_DATED), now.plus(LIFE));
        let certificate = params.self_signed(&key).map_err(failed)?;
        folder.write_new_key(files.key, &Zeroizing::new(key.serialize_der()))?;
        folder.write_new(files.certificate, certificate.pem().as_bytes())?;
        let certificate = certificate.der().clone();
        Ok(Self {
            issuer: rcgen::Issuer::new(params, key),
            certificate,
        })
    }

    /// Loads it.
    pub(super) fn load(folder: &KeyFolder, files: &Files) -> Result<Self, KeyError> {
        let pkcs8 = folder.read_key(files.key)?;
        let pkcs8 = PrivatePkcs8KeyDer::from(&pkcs8[..]);
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_ECDSA_P256_SHA256)
            .map_err(|_| folder.unusable(files.key, "it is not a P-256 key"))?;
        let unfit = |why: String| folder.unusable(files.certificate, why);
        let certificate = CertificateDer::from_pem_slice(&folder.read(files.certificate)?)
            .map_err(|_| unfit("it is not a certificate in PEM".to_owned()))?;
        let (name, point) = subject(&certificate)
            .ok_or_else(|| unfit("it is not an authority's certificate".to_owned()))?;
        if point != key.public_key_raw() {
            return Err(unfit(format!("it is not of the key in {}", files.key)));
        }
        let issuer = rcgen::Issuer::new(authority_params(&name), key);
        Ok(Self {
            issuer,
            certificate,
        })
    }

    pub(super) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// RFC 7468 section 5.
    pub(super) fn pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate).to_string()
    }

    /// When its own certificate expires; `None` where that cannot be read.
    pub(super) fn expires_at(&self) -> Option<Time> {
        let (_, parsed) = X509Certificate::from_der(&self.certificate).ok()?;
        let seconds = parsed.validity().not_after.timestamp();
        Some(Time::from_millis(seconds.checked_mul(1_000)?))
    }

    /// For what rcgen cannot write by itself.
    pub(super) fn key(&self) -> &KeyPair {
        self.issuer.key()
    }

    /// Signs a certificate for the owner of a key.
    pub(super) fn sign(
        &self,
        params: &CertificateParams,
        key: &impl PublicKeyData,
    ) -> Result<Certificate, IssueError> {
        params.signed_by(key, &self.issuer).map_err(signing)
    }
}

/// A public key somebody else has the private half of.
pub(super) struct HolderKey<'a>(&'a [u8]);

impl<'a> HolderKey<'a> {
    pub(super) fn new(point: &'a [u8]) -> Result<Self, IssueError> {
        match point {
            [4, ..] if point.len() == POINT_BYTES => Ok(Self(point)),
            _ => Err(IssueError::Signing(
                "the holder's key is not of P-256".into(),
            )),
        }
    }
}

impl PublicKeyData for HolderKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = called(name);
    // It certifies people and servers, never another authority.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// What is no authority, for one use.
pub(super) fn leaf_params(
    subject: DistinguishedName,
    alternatives: Vec<SanType>,
    usage: ExtendedKeyUsagePurpose,
) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    params.subject_alt_names = alternatives;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    params
}

pub(super) fn called(name: &str) -> DistinguishedName {
    let mut called = DistinguishedName::new();
    called.push(DnType::CommonName, name);
    called
}

pub(super) fn uri(text: String) -> Result<SanType, IssueError> {
    Ok(SanType::URI(text.try_into().map_err(signing)?))
}

pub(super) fn set_validity(params: &mut CertificateParams, from: Time, until: Time) {
    params.not_before = system_time(from).into();
    params.not_after = system_time(until).into();
}

/// X.509 counts whole seconds.
fn system_time(at: Time) -> SystemTime {
    let seconds = u64::try_from(at.as_secs()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// One by chance.
pub(super) fn serial(entropy: &dyn Entropy) -> [u8; SERIAL_BYTES] {
    let mut serial = [0; SERIAL_BYTES];
    entropy.fill(&mut serial);
    serial
}

/// The one an entry announced, in hex.
pub(super) fn announced_serial(hex: &str) -> Result<SerialNumber, IssueError> {
    let bytes = bytes_of(hex)
        .ok_or_else(|| IssueError::Signing("the serial is not 16 bytes of hex".into()))?;
    Ok(SerialNumber::from_slice(&bytes))
}

fn bytes_of(hex: &str) -> Option<[u8; SERIAL_BYTES]> {
    if hex.len() != 2 * SERIAL_BYTES || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let number = u128::from_str_radix(hex, 16).ok()?;
    Some(number.to_be_bytes())
}

/// An authority's common name and public point.
fn subject(certificate: &CertificateDer<'_>) -> Option<(String, Vec<u8>)> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let name = parsed
        .subject()
        .iter_common_name()
        .next()?
        .as_str()
        .ok()?
        .to_owned();
    let point = parsed.public_key().subject_public_key.data.to_vec();
    parsed.is_ca().then_some((name, point))
}

pub(super) fn signing(error: rcgen::Error) -> IssueError {
    IssueError::Signing(error.to_string())
}
