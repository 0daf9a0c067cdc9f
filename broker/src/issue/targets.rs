//! The authority whose certificates targets accept: ECDSA P-256, and not the one of laptops. Who
//! holds what is issued here can use a target, and can never speak to the broker with it.

use breakglass_domain::{GrantId, Time};
use rcgen::{CustomExtension, ExtendedKeyUsagePurpose};
use rustls_pki_types::CertificateDer;

use super::keys::{KeyError, KeyFolder, pem};
use super::root::{
    Files, HolderKey, Root, announced_serial, called, leaf_params, set_validity, uri,
};
use super::{BACK_DATED, subject};
use crate::ports::{Entropy, IssueError};

mod issuer;

pub use issuer::TargetIssuer;

const FILES: Files = Files {
    key: TargetCa::FILE,
    certificate: "targets.crt",
};

/// The one that is to follow it.
const NEXT: Files = Files {
    key: "targets.next.pem",
    certificate: "targets.next.crt",
};

/// The extension that holds the proof that the certificate was recorded: the UUID
/// `74a4ce7d-78fe-45f8-9c4a-346584dad15c` below the arc that takes UUIDs in parts. Below 2.25 it would be one
/// number of 128 bits, and Go, and so Kubernetes, reads no certificate with such a one.
const TLOG_PROOF: [u64; 14] = [
    1, 2, 840, 113_556, 1, 8000, 2554, 29_860, 52_861, 30_974, 17_912, 40_010, 3_433_860,
    14_340_444,
];

/// The authority for targets.
pub struct TargetCa(Root);

/// What a certificate for a target says; all of it stands in the entry that announced it.
#[derive(Debug, Clone)]
pub struct TargetCertificate<'a> {
    /// The grant it is made under; an audit name, no target has to read it.
    pub grant: GrantId,
    /// Whether that is of a drill; an audit name too.
    pub drill: bool,
    /// The holder's public key: uncompressed SEC 1 point, 65 bytes.
    pub public: &'a [u8],
    /// Whom the target takes the holder for: a person, or a role.
    pub common_name: &'a str,
    /// Groups, as Kubernetes reads them.
    pub organizations: &'a [&'a str],
    /// Lower-case hex, 16 bytes.
    pub serial: &'a str,
    /// When the broker decided it.
    pub at: Time,
    /// Until when.
    pub not_after: Time,
    /// That it was recorded: a C2SP `tlog-proof`.
    pub tlog_proof: Option<&'a str>,
}

impl TargetCa {
    /// The file its key is in.
    pub const FILE: &'static str = "targets.pem";

    /// Makes the authority of a new broker; `name` tells it from others of its kind.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::Exists`] where there is one already.
    pub fn create(
        folder: &KeyFolder,
        name: &str,
        now: Time,
        entropy: &dyn Entropy,
    ) -> Result<Self, KeyError> {
        let name = format!("breakglass targets of {name}");
        Root::create(folder, &FILES, &name, now, entropy).map(Self)
    }

    /// Makes the one that is to follow; its name has the day, so that a target tells them apart.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::Exists`] where there is one already.
    pub fn create_next(
        folder: &KeyFolder,
        name: &str,
        now: Time,
        entropy: &dyn Entropy,
    ) -> Result<Self, KeyError> {
        let name = format!("breakglass targets of {name} {now}");
        Root::create(folder, &NEXT, &name, now, entropy).map(Self)
    }

    /// The one that is to follow, where there is one.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load_next(folder: &KeyFolder) -> Result<Option<Self>, KeyError> {
        match Root::load(folder, &NEXT) {
            Ok(root) => Ok(Some(Self(root))),
            Err(KeyError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// From now on it is the next one that signs; the one before is gone.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn promote_next(folder: &KeyFolder) -> Result<(), KeyError> {
        // The certificate first: see `mend`.
        folder.put_in_place(NEXT.certificate, FILES.certificate)?;
        folder.put_in_place(NEXT.key, FILES.key)
    }

    /// Goes on where making or putting the next one in place was broken off: then there is its key,
    /// and its certificate was not written yet, or is in place already.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn mend(folder: &KeyFolder) -> Result<(), KeyError> {
        let is_there = |file: &str| folder.path().join(file).exists();
        if !is_there(NEXT.key) || is_there(NEXT.certificate) {
            return Ok(());
        }
        let next = Files {
            key: NEXT.key,
            certificate: FILES.certificate,
        };
        match Root::load(folder, &next) {
            Ok(_) => folder.put_in_place(NEXT.key, FILES.key),
            Err(_) => folder.remove(NEXT.key),
        }
    }

    /// Removes the one that was to follow.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn remove_next(folder: &KeyFolder) -> Result<(), KeyError> {
        folder.remove(NEXT.certificate)?;
        folder.remove(NEXT.key)
    }

    /// Loads the authority.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load(folder: &KeyFolder) -> Result<Self, KeyError> {
        Root::load(folder, &FILES).map(Self)
    }

    /// Loads the authority, or makes it where the broker was made before it had one.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load_or_create(
        folder: &KeyFolder,
        name: &str,
        now: Time,
        entropy: &dyn Entropy,
    ) -> Result<Self, KeyError> {
        match Self::load(folder) {
            Err(KeyError::Missing(_)) => Self::create(folder, name, now, entropy),
            loaded => loaded,
        }
    }

    /// Its own certificate: what a target is given to trust.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        self.0.certificate()
    }

    /// The same in PEM (RFC 7468 section 5).
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// When its own certificate expires; `None` where that cannot be read.
    #[must_use]
    pub fn expires_at(&self) -> Option<Time> {
        self.0.expires_at()
    }

    /// Makes a client certificate, in PEM. It does not look for an entry: only whoever has checked
    /// the receipt may call it, so it is not for the outside.
    ///
    /// # Errors
    /// [`IssueError::Signing`].
    pub(super) fn make(&self, order: &TargetCertificate<'_>) -> Result<String, IssueError> {
        let mut names = vec![uri(format!("breakglass:grant:{}", order.grant))?];
        if order.drill {
            names.push(uri("breakglass:drill".to_owned())?);
        }
        let mut params = leaf_params(
            called(order.common_name),
            names,
            ExtendedKeyUsagePurpose::ClientAuth,
        );
        params.serial_number = Some(announced_serial(order.serial)?);
        set_validity(&mut params, order.at.minus(BACK_DATED), order.not_after);
        params
            .custom_extensions
            .extend(order.tlog_proof.map(recorded));
        let signed = self.0.sign(&params, &HolderKey::new(order.public)?)?;
        let (organizations, name) = (order.organizations, order.common_name);
        let der = subject::renamed(signed.der(), organizations, name, self.0.key())?;
        Ok(pem("CERTIFICATE", &der).to_string())
    }
}

/// Not critical, so whoever does not know it goes on without it (RFC 5280 section 4.2). Its value is a
/// `UTF8String`.
fn recorded(tlog_proof: &str) -> CustomExtension {
    let value = subject::der(subject::UTF8, &[tlog_proof.as_bytes()]);
    CustomExtension::from_oid_content(&TLOG_PROOF, value)
}

impl std::fmt::Debug for TargetCa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TargetCa")
    }
}

#[cfg(test)]
mod tests;
