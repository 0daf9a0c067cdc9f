//! The keys that OpenSSH certificates are signed with: Ed25519, one for people and one for hosts, so
//! that nothing signed for a host can ever log somebody in.

use std::fmt;
use std::marker::PhantomData;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use zeroize::Zeroizing;

use super::wire::Wire;
use crate::issue::keys::{KeyError, KeyFolder};

/// RFC 8709 section 4.
pub(super) const ED25519: &str = "ssh-ed25519";

/// What an authority certifies; each has a key of its own.
pub trait Certifies {
    /// The file its key is in.
    const FILE: &'static str;
    /// The file of the key that is to follow it.
    const NEXT: &'static str;
    /// What stands behind its public key.
    const COMMENT: &'static str;
}

/// People who log in.
#[derive(Debug)]
pub enum Users {}

/// Hosts they log in to.
#[derive(Debug)]
pub enum Hosts {}

impl Certifies for Users {
    const FILE: &'static str = "ssh-user.pem";
    const NEXT: &'static str = "ssh-user.next.pem";
    const COMMENT: &'static str = "breakglass-user-ca";
}

impl Certifies for Hosts {
    const FILE: &'static str = "ssh-host.pem";
    const NEXT: &'static str = "ssh-host.next.pem";
    const COMMENT: &'static str = "breakglass-host-ca";
}

/// What sshd knows by `TrustedUserCAKeys`.
pub type SshUserCa = SshCa<Users>;

/// What ssh knows by `@cert-authority` in its known hosts.
pub type SshHostCa = SshCa<Hosts>;

/// An OpenSSH certificate authority.
pub struct SshCa<Of> {
    pair: Ed25519KeyPair,
    certifies: PhantomData<fn() -> Of>,
}

impl<Of: Certifies> SshCa<Of> {
    /// Makes the authority of a new broker.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::Exists`] where there is one already.
    pub fn create(folder: &KeyFolder) -> Result<Self, KeyError> {
        Self::create_in(folder, Of::FILE)
    }

    /// Makes the one that is to follow.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::Exists`] where there is one already.
    pub fn create_next(folder: &KeyFolder) -> Result<Self, KeyError> {
        Self::create_in(folder, Of::NEXT)
    }

    /// The one that is to follow, where there is one.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load_next(folder: &KeyFolder) -> Result<Option<Self>, KeyError> {
        match folder.read_key(Of::NEXT) {
            Ok(pkcs8) => Self::from_pkcs8(folder, Of::NEXT, &pkcs8).map(Some),
            Err(KeyError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// From now on it is the next one that signs; the one before is gone.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn promote_next(folder: &KeyFolder) -> Result<(), KeyError> {
        folder.put_in_place(Of::NEXT, Of::FILE)
    }

    fn create_in(folder: &KeyFolder, file: &str) -> Result<Self, KeyError> {
        let failed = |_| folder.unusable(file, "the system gave no randomness");
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(failed)?;
        let pkcs8 = Zeroizing::new(pkcs8.as_ref().to_vec());
        folder.write_new_key(file, &pkcs8)?;
        Self::from_pkcs8(folder, file, &pkcs8)
    }

    /// Loads the authority.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load(folder: &KeyFolder) -> Result<Self, KeyError> {
        Self::from_pkcs8(folder, Of::FILE, &folder.read_key(Of::FILE)?)
    }

    /// Loads the authority, or makes it where the broker was made before it had one.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load_or_create(folder: &KeyFolder) -> Result<Self, KeyError> {
        match Self::load(folder) {
            Err(KeyError::Missing(_)) => Self::create(folder),
            loaded => loaded,
        }
    }

    /// The public key as OpenSSH's files hold it (sshd(8), "AUTHORIZED_KEYS FILE FORMAT"), without a
    /// line end: `ssh-ed25519 AAAA... breakglass-user-ca`.
    #[must_use]
    pub fn public_line(&self) -> String {
        let key = STANDARD.encode(self.public_key());
        format!("{ED25519} {key} {}", Of::COMMENT)
    }

    /// The public key as `ssh-keygen -l` names it: `SHA256:` and base64 without padding.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.public_key())
    }

    /// The public key on the wire (RFC 8709 section 4).
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        let key = self.pair.public_key();
        Wire::default().string(ED25519).string(key).done()
    }

    /// A signature on the wire (RFC 8709 section 6).
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = self.pair.sign(message);
        Wire::default().string(ED25519).string(signature).done()
    }

    fn from_pkcs8(folder: &KeyFolder, file: &str, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8)
            .map_err(|_| folder.unusable(file, "it is not an Ed25519 key"))?;
        Ok(Self {
            pair,
            certifies: PhantomData,
        })
    }

    /// For golden bytes, which need a key that never changes.
    #[cfg(test)]
    pub(super) fn from_seed(seed: &[u8; 32]) -> Self {
        Self {
            pair: Ed25519KeyPair::from_seed_unchecked(seed).unwrap(),
            certifies: PhantomData,
        }
    }
}

/// Of a public key on the wire.
pub(super) fn fingerprint(key: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, key);
    format!("SHA256:{}", STANDARD_NO_PAD.encode(hash))
}

impl<Of: Certifies> fmt::Debug for SshCa<Of> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SshCa({} {})", Of::COMMENT, self.fingerprint())
    }
}
