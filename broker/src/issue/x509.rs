//! The internal certificate authority: ECDSA P-256 throughout. It certifies people's keys and the
//! broker's own names; what targets accept comes from another one, see [`targets`](super::targets).

use std::net::IpAddr;

use breakglass_domain::event::Change;
use breakglass_domain::{Actor, Event, Lifetime, Time};
use breakglass_tlog::Receipt;
use rcgen::{ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P256_SHA256, SanType, SerialNumber};
use ring::digest;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::keys::{KeyError, KeyFolder};
use super::root::{
    BACK_DATED, Files, HolderKey, Root, announced_serial, called, days, leaf_params, serial,
    set_validity, signing, uri,
};
use super::{announced, base64url, key_id};
use crate::ports::{Authority, CertificateOrder, Decode, Entropy, IssueError};

const FILES: Files = Files {
    key: "authority.pem",
    certificate: "authority.crt",
};

/// How long a server certificate lives; the broker makes the next one at two thirds of it.
const SERVER_LIFE: Lifetime = days(30);

/// The authority that client and server certificates come from.
pub struct Ca {
    root: Root,
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
        let name = format!("breakglass authority of {name}");
        let root = Root::create(folder, &FILES, &name, now, entropy)?;
        Ok(Self { root, decode })
    }

    /// Loads the authority.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load(folder: &KeyFolder, decode: Decode) -> Result<Self, KeyError> {
        let root = Root::load(folder, &FILES)?;
        Ok(Self { root, decode })
    }

    /// The authority's own certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        self.root.certificate()
    }

    /// The same in PEM (RFC 7468 section 5).
    #[must_use]
    pub fn pem(&self) -> String {
        self.root.pem()
    }

    /// When the authority's own certificate expires; `None` where that cannot be read.
    #[must_use]
    pub fn expires_at(&self) -> Option<Time> {
        self.root.expires_at()
    }

    /// What an enrolment line pins: base64url SHA-256 of the certificate.
    #[must_use]
    pub fn pin(&self) -> String {
        base64url(digest::digest(&digest::SHA256, self.certificate()).as_ref())
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
            called(names.first().map_or("breakglass", String::as_str)),
            alternatives.collect::<Result<_, _>>()?,
            ExtendedKeyUsagePurpose::ServerAuth,
        );
        params.serial_number = Some(SerialNumber::from_slice(&serial(entropy)));
        set_validity(&mut params, now.minus(BACK_DATED), expires_at);
        let leaf = self.root.sign(&params, &key)?;
        Ok(ServerIdentity {
            chain: vec![leaf.der().clone(), self.certificate().clone()],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            renew_at: now.plus(Lifetime::from_millis(SERVER_LIFE.as_millis() / 3 * 2)),
            expires_at,
        })
    }
}

impl Authority for Ca {
    fn certify(&self, receipt: &Receipt, order: &CertificateOrder) -> Result<String, IssueError> {
        demand_announced(&announced(self.decode, receipt)?, order)?;
        let (name, names) = named(&order.holder)?;
        let mut params = leaf_params(
            called(&name),
            vec![uri(names)?],
            ExtendedKeyUsagePurpose::ClientAuth,
        );
        params.serial_number = Some(announced_serial(&order.serial)?);
        set_validity(&mut params, order.not_before, order.not_after);
        let holder = HolderKey::new(&order.public)?;
        Ok(self.root.sign(&params, &holder)?.pem())
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
        Actor::Broker | Actor::Source(_) => Err(IssueError::WrongReceipt),
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

fn server_name(name: &str) -> Result<SanType, IssueError> {
    match name.parse::<IpAddr>() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => Ok(SanType::DnsName(name.try_into().map_err(signing)?)),
    }
}
