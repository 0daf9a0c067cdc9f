//! Who is calling: from the certificate of the connection to somebody the policy knows, at each
//! call.

use breakglass_domain::{Actor, KeyId, Time};
use http::Extensions;
use ring::digest::{SHA256, digest};
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::error::Error;
use super::limits::POINT_LEN;
use crate::app::{Caller, Guard};

/// How a certificate names its person, in a URI of the subject alternative names.
const PERSON_URI: &str = "breakglass:person:";

/// How it names the target that its holder guards.
const TARGET_URI: &str = "breakglass:target:";

/// id-ecPublicKey (RFC 5480 section 2.1.1) and secp256r1 (section 2.1.1.1).
const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";

/// Whom a certificate is for.
#[derive(Debug, Clone)]
pub enum Who {
    /// A person.
    Person(Caller),
    /// The guard of a target.
    Guard(Guard),
}

/// Who the connection's certificate is for, where it has one of ours and that is valid at `now`.
/// Whether they are let in is another question: [`App::admit`](crate::app::App::admit).
///
/// # Errors
/// [`Error::NoCertificate`], [`Error::Certificate`].
pub fn of_connection(extensions: &Extensions, now: Time) -> Result<Who, Error> {
    let info = extensions.get::<TlsConnectInfo<TcpConnectInfo>>();
    let chain = info.and_then(TlsConnectInfo::peer_certs);
    let leaf = chain.as_deref().and_then(|chain| chain.first());
    let who = read(leaf.ok_or(Error::NoCertificate)?)?;
    let expires_at = match &who {
        Who::Person(caller) => caller.certificate_expires_at,
        Who::Guard(guard) => guard.certificate_expires_at,
    };
    if now > expires_at {
        return Err(Error::Certificate("it has expired"));
    }
    Ok(who)
}

/// Where the connection comes from.
pub(super) fn address(extensions: &Extensions) -> Option<std::net::IpAddr> {
    let info = extensions.get::<TlsConnectInfo<TcpConnectInfo>>()?;
    info.get_ref().remote_addr().map(|address| address.ip())
}

/// The handshake has checked the chain; this only reads. That the start lies ahead is not asked: we
/// made it, and a broker whose clock was set back still takes what ends access.
fn read(der: &[u8]) -> Result<Who, Error> {
    let parsed = X509Certificate::from_der(der);
    let (_, certificate) = parsed.map_err(|_| Error::Certificate("it cannot be read"))?;
    let public = point(&certificate).ok_or(Error::Certificate("its key is not on P-256"))?;
    let expires = certificate.validity().not_after.timestamp();
    let (key, certificate_expires_at) = (
        key_id(&public),
        Time::from_millis(expires.saturating_mul(1_000)),
    );
    match holder(&certificate) {
        Some(Actor::Person(person)) => Ok(Who::Person(Caller {
            person,
            key,
            public,
            certificate_expires_at,
        })),
        Some(Actor::Target(target)) => Ok(Who::Guard(Guard {
            target,
            key,
            public,
            certificate_expires_at,
        })),
        _ => Err(Error::Certificate("it names no person and no target")),
    }
}

/// base64url SHA-256 of an uncompressed point.
pub(super) fn key_id(public: &[u8]) -> KeyId {
    let text = URL_SAFE_NO_PAD.encode(digest(&SHA256, public));
    text.parse().expect("SHA-256 in base64url is 43 characters")
}

/// The one person or target a certificate names.
fn holder(certificate: &X509Certificate<'_>) -> Option<Actor> {
    let names = certificate.subject_alternative_name().ok()??;
    let mut holders = names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some(uri),
            _ => None,
        });
    let uri = holders.next()?;
    let holder = match (uri.strip_prefix(PERSON_URI), uri.strip_prefix(TARGET_URI)) {
        (Some(person), _) => Actor::Person(person.parse().ok()?),
        (_, Some(target)) => Actor::Target(target.parse().ok()?),
        _ => return None,
    };
    holders.next().is_none().then_some(holder)
}

fn point(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    let key = certificate.public_key();
    let curve = key.algorithm.parameters.as_ref()?.as_oid().ok()?;
    let point = &*key.subject_public_key.data;
    let is_ours = key.algorithm.algorithm.to_id_string() == EC_PUBLIC_KEY
        && curve.to_id_string() == P256
        && point.len() == POINT_LEN;
    is_ours.then(|| point.to_vec())
}
