//! The keys that verify notes (C2SP `signed-note`, "Signatures" and "Verifier keys").

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ring::signature::{ED25519, UnparsedPublicKey};

use super::{KEY_ID_BYTES, NoteError, SignatureLine};
use crate::hash::sha256;

/// Bytes in an Ed25519 public key (RFC 8032).
const ED25519_KEY_BYTES: usize = 32;
/// Bytes in an ML-DSA-44 public key (FIPS 204, table 2).
const ML_DSA_44_KEY_BYTES: usize = 1_312;
/// Bytes in the timestamp in front of a cosignature (C2SP `tlog-cosignature`).
const TIMESTAMP_BYTES: usize = 8;

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A name must not be empty and has no spaces, control characters or plus signs.
    #[error("a key name must not be empty and has no spaces, control characters or plus signs")]
    Name,
    /// The text is not a verifier key, or the key is not one of its type.
    #[error("not a usable key: {0}")]
    Malformed(&'static str),
    /// The id in a verifier key is not the one its name and key give: it was altered.
    #[error("the key id does not belong to this name and key")]
    WrongId,
}

/// The name of a key, such as `example.com/ledger`; that of a ledger's key is its origin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(Arc<str>);

impl KeyName {
    /// Takes a text as a key name.
    ///
    /// # Errors
    ///
    /// [`KeyError::Name`] if it is empty or has Unicode spaces, `+` or control characters.
    pub fn parse(name: &str) -> Result<Self, KeyError> {
        let unfit = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if name.is_empty() || name.contains(unfit) {
            return Err(KeyError::Name);
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The short id of a key. It finds a key among those one trusts, and is no proof of anything.
///
/// Shown as eight lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KEY_ID_BYTES]);

impl KeyId {
    /// The id the specification recommends: the first four bytes of SHA-256 of name, newline,
    /// type and public key.
    #[must_use]
    pub fn of(name: &KeyName, kind: SignatureType, public_key: &[u8]) -> Self {
        let digest = sha256(&[name.as_str().as_bytes(), b"\n", &[kind.byte()], public_key]);
        let [a, b, c, d, ..] = digest;
        Self([a, b, c, d])
    }

    /// Takes four bytes, big-endian, as an id.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; KEY_ID_BYTES]) -> Self {
        Self(bytes)
    }

    /// The four bytes, big-endian.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_ID_BYTES] {
        &self.0
    }

    fn parse_hex(hex: &str) -> Result<Self, KeyError> {
        let is_hex = hex.len() == 2 * KEY_ID_BYTES && hex.bytes().all(|b| b.is_ascii_hexdigit());
        match u32::from_str_radix(hex, 16) {
            Ok(id) if is_hex => Ok(Self(id.to_be_bytes())),
            _ => Err(KeyError::Malformed("the id is not eight hex digits")),
        }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

/// What algorithm a key is for (signed-note, "Signature types").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureType {
    /// `0x01`: Ed25519 over the text.
    Ed25519,
    /// `0x04`: Ed25519 over the text and a time, by a witness (C2SP `tlog-cosignature`).
    CosignatureV1,
    /// `0x06`: ML-DSA-44 over a tree head and a time, by a witness (C2SP `tlog-cosignature`). Known
    /// by its name; nothing here can make or verify one.
    MlDsa44Cosignature,
    /// A type that is assigned or may come to be, and that we cannot verify.
    Unknown(u8),
}

impl SignatureType {
    /// The type an identifier byte stands for.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Self {
        match byte {
            0x01 => Self::Ed25519,
            0x04 => Self::CosignatureV1,
            0x06 => Self::MlDsa44Cosignature,
            other => Self::Unknown(other),
        }
    }

    /// The identifier byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
            Self::MlDsa44Cosignature => 0x06,
            Self::Unknown(byte) => byte,
        }
    }
}

/// A public key under a name: what one configures in order to trust a ledger or a witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    key_id: KeyId,
    kind: SignatureType,
    public_key: Vec<u8>,
}

impl VerifierKey {
    /// Makes a key from its parts; the id is computed.
    ///
    /// # Errors
    ///
    /// [`KeyError::Malformed`] if the public key does not have the length its type asks for.
    pub fn new(name: KeyName, kind: SignatureType, public_key: &[u8]) -> Result<Self, KeyError> {
        let fits = match kind {
            SignatureType::Ed25519 | SignatureType::CosignatureV1 => {
                public_key.len() == ED25519_KEY_BYTES
            }
            SignatureType::MlDsa44Cosignature => public_key.len() == ML_DSA_44_KEY_BYTES,
            SignatureType::Unknown(_) => !public_key.is_empty(),
        };
        if !fits {
            return Err(KeyError::Malformed("the public key has the wrong length"));
        }
        let key_id = KeyId::of(&name, kind, public_key);
        Ok(Self {
            name,
            key_id,
            kind,
            public_key: public_key.to_vec(),
        })
    }

    /// Reads a verifier key: `name+id+base64(type || public key)`, what `Display` writes.
    ///
    /// A key of unknown type is read, with the id it came with (types may have their own rule for
    /// ids), and verifies nothing.
    ///
    /// # Errors
    ///
    /// [`KeyError`], in particular [`KeyError::WrongId`] if the parts contradict each other.
    pub fn parse(vkey: &str) -> Result<Self, KeyError> {
        // Base64 may have plus signs of its own; neither name nor id has any.
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Malformed("expected name+id+key"));
        };
        let (name, key_id) = (KeyName::parse(name)?, KeyId::parse_hex(id)?);
        let key = BASE64
            .decode(key)
            .map_err(|_| KeyError::Malformed("the key is not base64"))?;
        let (kind, public_key) = key
            .split_first()
            .ok_or(KeyError::Malformed("the key has no type"))?;
        let read = Self::new(name, SignatureType::from_byte(*kind), public_key)?;
        match read.kind {
            SignatureType::Unknown(_) => Ok(Self { key_id, ..read }),
            _ if read.key_id == key_id => Ok(read),
            _ => Err(KeyError::WrongId),
        }
    }

    /// The name signatures by this key bear.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id signatures by this key bear.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The algorithm.
    #[must_use]
    pub fn kind(&self) -> SignatureType {
        self.kind
    }

    /// The public key, in the form its algorithm gives it.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Checks that this key made the signature over `text`.
    ///
    /// # Errors
    ///
    /// [`NoteError::NotSigned`] if the line bears another name or id, [`NoteError::BadSignature`]
    /// if it is wrong or the algorithm is unknown.
    pub fn verify(&self, text: &str, line: &SignatureLine) -> Result<(), NoteError> {
        let (name, key_id) = (self.name.clone(), self.key_id);
        if !line.claims(self) {
            return Err(NoteError::NotSigned { name, key_id });
        }
        let right = match self.kind {
            SignatureType::Ed25519 => self.made(text.as_bytes(), &line.bytes),
            SignatureType::CosignatureV1 => self.made_cosignature(text, &line.bytes),
            SignatureType::MlDsa44Cosignature | SignatureType::Unknown(_) => false,
        };
        if right {
            Ok(())
        } else {
            Err(NoteError::BadSignature { name, key_id })
        }
    }

    fn made_cosignature(&self, text: &str, bytes: &[u8]) -> bool {
        cosignature(bytes).is_some_and(|(seconds, signature)| {
            self.made(cosigned_message(text, seconds).as_bytes(), signature)
        })
    }

    fn made(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public_key)
            .verify(message, signature)
            .is_ok()
    }
}

/// Writes `name+id+base64(type || public key)`.
impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.kind.byte()], self.public_key.as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, self.key_id, BASE64.encode(key))
    }
}

impl SignatureLine {
    /// When a witness says it signed, in seconds since 1970-01-01 UTC.
    ///
    /// Only meaningful for a line that a [`SignatureType::CosignatureV1`] key has verified; `None`
    /// if the line cannot be such a signature.
    #[must_use]
    pub fn cosigned_at(&self) -> Option<u64> {
        cosignature(&self.bytes).map(|(seconds, _)| seconds)
    }
}

/// Takes a cosignature apart: its time in seconds, which must fit an `i64`, and the signature.
fn cosignature(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (seconds, signature) = bytes.split_first_chunk::<TIMESTAMP_BYTES>()?;
    let seconds = u64::from_be_bytes(*seconds);
    i64::try_from(seconds)
        .is_ok()
        .then_some((seconds, signature))
}

/// What a witness signs (tlog-cosignature, "Ed25519 signed message").
pub(super) fn cosigned_message(text: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}
