//! Making signatures.

use std::fmt;

use ring::error::KeyRejected;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::key::cosigned_message;
use super::{KeyError, KeyId, KeyName, NoteError, SignatureLine, SignatureType, VerifierKey};

/// Something that can sign notes: a key in memory, or one that never leaves a device.
pub trait NoteSigner {
    /// The public half, with the name and the id that signatures bear.
    fn verifier(&self) -> &VerifierKey;

    /// Signs a note's text; the answer is the signature without the key id.
    ///
    /// # Errors
    ///
    /// [`NoteError::SigningFailed`] if the key cannot be used just now.
    fn sign(&self, text: &str) -> Result<Vec<u8>, NoteError>;

    /// The name signatures bear.
    fn name(&self) -> &KeyName {
        self.verifier().name()
    }

    /// The id signatures bear.
    fn key_id(&self) -> KeyId {
        self.verifier().key_id()
    }
}

/// An Ed25519 key in memory (signature type `0x01`).
///
/// The caller owns the bytes the key was made from, and wipes them. The copy inside lives as long
/// as this value and is not wiped: `ring` offers no way to.
pub struct Ed25519Signer {
    verifier: VerifierKey,
    key: Ed25519KeyPair,
}

impl Ed25519Signer {
    /// Takes a private key as PKCS#8 DER, version 1 (as `openssl genpkey` writes) or 2.
    ///
    /// # Errors
    ///
    /// [`KeyError::Malformed`] if it is not an Ed25519 key.
    pub fn from_pkcs8(name: KeyName, pkcs8: &[u8]) -> Result<Self, KeyError> {
        // "Maybe unchecked": version 1 has no public key to check the private one against. Where
        // there is one, it is checked.
        Self::new(name, Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8))
    }

    /// Takes a private key as its seed (RFC 8032 section 5.1.5: the 32-byte private key).
    ///
    /// # Errors
    ///
    /// [`KeyError::Malformed`] if the key cannot be used.
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Result<Self, KeyError> {
        Self::new(name, Ed25519KeyPair::from_seed_unchecked(seed))
    }

    fn new(name: KeyName, key: Result<Ed25519KeyPair, KeyRejected>) -> Result<Self, KeyError> {
        let (verifier, key) = pair(name, SignatureType::Ed25519, key)?;
        Ok(Self { verifier, key })
    }
}

impl NoteSigner for Ed25519Signer {
    fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    fn sign(&self, text: &str) -> Result<Vec<u8>, NoteError> {
        Ok(self.key.sign(text.as_bytes()).as_ref().to_vec())
    }
}

impl fmt::Debug for Ed25519Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ed25519Signer({})", self.verifier)
    }
}

/// Both halves of a key that `ring` took.
fn pair(
    name: KeyName,
    kind: SignatureType,
    key: Result<Ed25519KeyPair, KeyRejected>,
) -> Result<(VerifierKey, Ed25519KeyPair), KeyError> {
    let key = key.map_err(|_| KeyError::Malformed("the private key was rejected"))?;
    let verifier = VerifierKey::new(name, kind, key.public_key().as_ref())?;
    Ok((verifier, key))
}

/// A witness's Ed25519 key in memory (signature type `0x04`, C2SP `tlog-cosignature`).
///
/// The same bytes never serve under two names: what is signed does not say by whom. As with
/// [`Ed25519Signer`], the copy inside is not wiped.
pub struct CosignatureSigner {
    verifier: VerifierKey,
    key: Ed25519KeyPair,
}

impl CosignatureSigner {
    /// Takes a private key as PKCS#8 DER, version 1 or 2.
    ///
    /// # Errors
    ///
    /// [`KeyError::Malformed`] if it is not an Ed25519 key.
    pub fn from_pkcs8(name: KeyName, pkcs8: &[u8]) -> Result<Self, KeyError> {
        Self::new(name, Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8))
    }

    /// Takes a private key as its seed (RFC 8032 section 5.1.5).
    ///
    /// # Errors
    ///
    /// [`KeyError::Malformed`] if the key cannot be used.
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Result<Self, KeyError> {
        Self::new(name, Ed25519KeyPair::from_seed_unchecked(seed))
    }

    fn new(name: KeyName, key: Result<Ed25519KeyPair, KeyRejected>) -> Result<Self, KeyError> {
        let (verifier, key) = pair(name, SignatureType::CosignatureV1, key)?;
        Ok(Self { verifier, key })
    }

    /// The public half, with the name and the id that cosignatures bear.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Says that, at `seconds` since 1970-01-01 UTC, the note whose text this is was the largest
    /// consistent tree the witness had seen. Whoever calls this has checked that it is, and has
    /// made it durable.
    ///
    /// # Errors
    ///
    /// [`NoteError::SigningFailed`] for a time that does not fit an `i64`.
    pub fn cosign(&self, text: &str, seconds: u64) -> Result<SignatureLine, NoteError> {
        if i64::try_from(seconds).is_err() {
            return Err(NoteError::SigningFailed("the time is too large".to_owned()));
        }
        let message = cosigned_message(text, seconds);
        let signature = self.key.sign(message.as_bytes());
        Ok(SignatureLine {
            name: self.verifier.name().clone(),
            key_id: self.verifier.key_id(),
            bytes: [&seconds.to_be_bytes(), signature.as_ref()].concat(),
        })
    }
}

impl fmt::Debug for CosignatureSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosignatureSigner({})", self.verifier)
    }
}
