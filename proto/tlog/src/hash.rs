//! The SHA-256 hashes of a Merkle tree (RFC 6962 section 2.1).

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ring::digest::{Context, SHA256};

/// Bytes in a hash.
pub const HASH_BYTES: usize = 32;

/// First byte of what a leaf hash covers; keeps a leaf from being read as a node (RFC 6962 2.1).
const LEAF_PREFIX: u8 = 0;
/// First byte of what a node hash covers.
const NODE_PREFIX: u8 = 1;

/// One hash of the tree: a leaf, an inner node, or a root.
///
/// Shown as standard base64 with padding (44 characters), as checkpoints write it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; HASH_BYTES]);

/// The bytes or the text given are not a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a hash: expected 32 bytes, or their standard base64 of 44 characters")]
pub struct HashError;

impl Hash {
    /// The root of the tree without leaves: SHA-256 of no bytes (RFC 6962 section 2.1).
    pub const EMPTY_TREE: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
        0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
        0xb8, 0x55,
    ]);

    /// The hash of one entry: SHA-256 of `0x00` and its bytes (RFC 6962 section 2.1).
    #[must_use]
    pub fn of_leaf(entry: &[u8]) -> Self {
        Self(sha256(&[&[LEAF_PREFIX], entry]))
    }

    /// The hash of an inner node: SHA-256 of `0x01`, left and right (RFC 6962 section 2.1).
    #[must_use]
    pub fn of_node(left: &Self, right: &Self) -> Self {
        Self(sha256(&[&[NODE_PREFIX], &left.0, &right.0]))
    }

    /// Takes 32 bytes as a hash, for reading one back from storage or from the wire.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }

    /// Reads standard base64 with padding, the form [`Display`](fmt::Display) writes.
    ///
    /// # Errors
    ///
    /// [`HashError`] unless the text is the one canonical base64 of exactly 32 bytes.
    pub fn from_base64(text: &str) -> Result<Self, HashError> {
        // Two bytes more than needed, which is the decoder's own estimate for 44 characters.
        let mut buffer = [0; HASH_BYTES + 2];
        let length = BASE64
            .decode_slice(text, &mut buffer)
            .map_err(|_| HashError)?;
        Self::try_from(buffer.get(..length).unwrap_or_default())
    }
}

impl TryFrom<&[u8]> for Hash {
    type Error = HashError;

    fn try_from(bytes: &[u8]) -> Result<Self, HashError> {
        bytes.try_into().map(Self).map_err(|_| HashError)
    }
}

impl AsRef<[u8]> for Hash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// SHA-256 of the parts, one after another.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; HASH_BYTES] {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut out = [0; HASH_BYTES];
    out.copy_from_slice(context.finish().as_ref());
    out
}
