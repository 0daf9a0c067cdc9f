//! The internal certificate authority (X.509, RFC 5280): ECDSA P-256 throughout.
//!
//! Every serial, name, usage and validity is set here: rcgen's defaults run to the year 4096, and
//! take the serial from the key, so that a renewed certificate would repeat it.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use breakglass_domain::event::Change;
use breakglass_domain::{Actor, Event, Lifetime, Time};
use breakglass_tlog::Receipt;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SerialNumber,
};
use ring::digest;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use zeroize::Zeroizing;

use super::jwt_crypto::POINT_BYTES;
use super::keys::{KeyError, KeyFolder, pem};
use super::{announced, base64url, key_id};
use crate::ports::{Authority, CertificateOrder, Decode, Entropy, IssueError};

const KEY: &str = "authority.pem";
const CERTIFICATE: &str = "authority.crt";

/// How long the authority lives: it is pinned on every laptop, so it outlives the hardware.
const CA_LIFE: Lifetime = days(3_650);

/// How long a server certificate lives; the broker makes the next one at two thirds of it.
const SERVER_LIFE: Lifetime = days(30);

/// How far a server certificate's start lies back, for laptops whose clock is behind.
const BACK_DATED: Lifetime = Lifetime::from_secs(3_600);

/// Bytes of a serial number: RFC 5280 section 4.1.2.2 allows 20.
const SERIAL_BYTES: usize = 16;

const fn days(count: u32) -> Lifetime {
    Lifetime::from_secs(count * 24 * 3_600)
}

/// The authority that client and server certificates come from.
pub struct Ca {
    issuer: rcgen::Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    decode: Decode,
}

/// What the broker shows to those who connect.
pub struct ServerIdentity {
    /// The server's certificate, then the authority's.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key; it is made for each certificate and never written to disk.
    pub key: PrivateKeyDer<'static>,
    /// When to make the next one: at two thirds of its life.
    pub renew_at: Time,
    /// When it expires.
    pub expires_at: Time,
}

impl std::fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerIdentity")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Ca {
    /// Makes the authority of a new broker; `name` tells it from others of its kind.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::Exists`] where there is one already.
    pub fn create(
        folder: &KeyFolder,
        name: &str,
        decode: Decode,
        now: Time,
        entropy: &dyn Entropy,
    ) -> Result<Self, KeyError> {
        let failed = |e: rcgen::Error| folder.unusable(KEY, e.to_string());
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let mut params = authority_params(&format!("breakglass authority of {name}"));
        params.serial_number = Some(SerialNumber::from_slice(&serial(entropy)));
        set_validity(&mut params, now.minus(BACK_DATED), now.plus(CA_LIFE));
        let certificate = params.self_signed(&key).map_err(failed)?;
        folder.write_new_key(KEY, &Zeroizing::new(key.serialize_der()))?;
        folder.write_new(CERTIFICATE, certificate.pem().as_bytes())?;
        let certificate = certificate.der().clone();
        Ok(Self {
            issuer: rcgen::Issuer::new(params, key),
            certificate,
            decode,
        })
    }

    /// Loads the authority.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load(folder: &KeyFolder, decode: Decode) -> Result<Self, KeyError> {
        let pkcs8 = folder.read_key(KEY)?;
        let pkcs8 = PrivatePkcs8KeyDer::from(&pkcs8[..]);
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_ECDSA_P256_SHA256)
            .map_err(|_| folder.unusable(KEY, "it is not a P-256 key"))?;
        let certificate = CertificateDer::from_pem_slice(&folder.read(CERTIFICATE)?)
            .map_err(|_| folder.unusable(CERTIFICATE, "it is not a certificate in PEM"))?;
        let (name, point) = subject(&certificate)
            .ok_or_else(|| folder.unusable(CERTIFICATE, "it is not an authority's certificate"))?;
        if point != key.public_key_raw() {
            return Err(folder.unusable(CERTIFICATE, format!("it is not of the key in {KEY}")));
        }
        let issuer = rcgen::Issuer::new(authority_params(&name), key);
        Ok(Self {
            issuer,
            certificate,
            decode,
        })
    }

    /// The authority's own certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The same in PEM (RFC 7468 section 5).
    #[must_use]
    pub fn pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate).to_string()
    }

    /// When the authority's own certificate expires; `None` where that cannot be read.
    #[must_use]
    pub fn expires_at(&self) -> Option<Time> {
        let (_, parsed) = X509Certificate::from_der(&self.certificate).ok()?;
        let seconds = parsed.validity().not_after.timestamp();
        Some(Time::from_millis(seconds.checked_mul(1_000)?))
    }

    /// What an enrolment line pins: base64url SHA-256 of the certificate.
    #[must_use]
    pub fn pin(&self) -> String {
        base64url(digest::digest(&digest::SHA256, &self.certificate).as_ref())
    }

    /// Makes a server certificate with a fresh key for these names and addresses.
    ///
    /// # Errors
    /// [`IssueError::Signing`] where a name is not one a certificate can hold.
    pub fn server_identity(
        &self,
        names: &[String],
        now: Time,
        entropy: &dyn Entropy,
    ) -> Result<ServerIdentity, IssueError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(signing)?;
        let alternatives = names.iter().map(|name| server_name(name));
        let expires_at = now.plus(SERVER_LIFE);
        let mut params = leaf_params(
            names.first().map_or("breakglass", String::as_str),
            alternatives.collect::<Result<_, _>>()?,
            ExtendedKeyUsagePurpose::ServerAuth,
        );
        params.serial_number = Some(SerialNumber::from_slice(&serial(entropy)));
        set_validity(&mut params, now.minus(BACK_DATED), expires_at);
        let leaf = params.signed_by(&key, &self.issuer).map_err(signing)?;
        Ok(ServerIdentity {
            chain: vec![leaf.der().clone(), self.certificate.clone()],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            renew_at: now.plus(Lifetime::from_millis(SERVER_LIFE.as_millis() / 3 * 2)),
            expires_at,
        })
    }
}

impl Authority for Ca {
    fn certify(&self, receipt: &Receipt, order: &CertificateOrder) -> Result<String, IssueError> {
        demand_announced(&announced(self.decode, receipt)?, order)?;
        let (name, uri) = named(&order.holder)?;
        let mut params = leaf_params(
            &name,
            vec![SanType::URI(uri.try_into().map_err(signing)?)],
            ExtendedKeyUsagePurpose::ClientAuth,
        );
        let serial = bytes_of(&order.serial)
            .ok_or_else(|| IssueError::Signing("the serial is not 16 bytes of hex".into()))?;
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        set_validity(&mut params, order.not_before, order.not_after);
        let holder = HolderKey::new(&order.public)?;
        Ok(params
            .signed_by(&holder, &self.issuer)
            .map_err(signing)?
            .pem())
    }
}

impl std::fmt::Debug for Ca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ca")
            .field("pin", &self.pin())
            .finish_non_exhaustive()
    }
}

/// Common name, and the URI by which the broker knows whose it is.
fn named(holder: &Actor) -> Result<(String, String), IssueError> {
    match holder {
        Actor::Person(person) => Ok((person.to_string(), format!("breakglass:person:{person}"))),
        Actor::Target(target) => Ok((target.to_string(), format!("breakglass:target:{target}"))),
        Actor::Broker => Err(IssueError::WrongReceipt),
    }
}

/// The entry must name the holder, the key, the serial and the end; nothing else decides them.
fn demand_announced(event: &Event, order: &CertificateOrder) -> Result<(), IssueError> {
    let (holder, key, serial, expires_at) = match &event.change {
        Change::PersonEnrolled {
            person,
            key,
            serial,
            certificate_expires_at,
            public,
            ..
        } if *public == order.public => (person.into(), key, serial, certificate_expires_at),
        Change::CertificateRenewed {
            person,
            key,
            serial,
            certificate_expires_at,
        } => (person.into(), key, serial, certificate_expires_at),
        Change::TargetEnrolled {
            target,
            key,
            serial,
            certificate_expires_at,
            public,
            ..
        } if *public == order.public => (target.into(), key, serial, certificate_expires_at),
        Change::TargetRenewed {
            target,
            key,
            serial,
            certificate_expires_at,
        } => (Actor::from(target), key, serial, certificate_expires_at),
        _ => return Err(IssueError::WrongReceipt),
    };
    let same = holder == order.holder
        && *key == key_id(&order.public)
        && *serial == order.serial
        && *expires_at == order.not_after
        && order.not_before <= event.at;
    if same {
        Ok(())
    } else {
        Err(IssueError::WrongReceipt)
    }
}

/// A public key somebody else has the private half of.
struct HolderKey<'a>(&'a [u8]);

impl<'a> HolderKey<'a> {
    fn new(point: &'a [u8]) -> Result<Self, IssueError> {
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

fn leaf_params(
    name: &str,
    alternatives: Vec<SanType>,
    usage: ExtendedKeyUsagePurpose,
) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = called(name);
    params.subject_alt_names = alternatives;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    params
}

fn called(name: &str) -> DistinguishedName {
    let mut called = DistinguishedName::new();
    called.push(DnType::CommonName, name);
    called
}

fn set_validity(params: &mut CertificateParams, from: Time, until: Time) {
    params.not_before = system_time(from).into();
    params.not_after = system_time(until).into();
}

/// X.509 counts whole seconds.
fn system_time(at: Time) -> SystemTime {
    let seconds = u64::try_from(at.as_secs()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn server_name(name: &str) -> Result<SanType, IssueError> {
    match name.parse::<IpAddr>() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => Ok(SanType::DnsName(name.try_into().map_err(signing)?)),
    }
}

fn serial(entropy: &dyn Entropy) -> [u8; SERIAL_BYTES] {
    let mut serial = [0; SERIAL_BYTES];
    entropy.fill(&mut serial);
    serial
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

fn signing(error: rcgen::Error) -> IssueError {
    IssueError::Signing(error.to_string())
}
