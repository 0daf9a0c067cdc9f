//! Compact JWS (RFC 7515 section 7.1), signed with ES256 (RFC 7518 section 3.4), and nothing else of
//! JOSE: there is no list of algorithms to choose from, so there is nothing to confuse.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::de::DeserializeOwned;

/// The one algorithm.
pub(crate) const ES256: &str = "ES256";

/// The three parts of a compact JWS, decoded and not believed.
pub(super) struct Parts<'a> {
    /// What the signature is over.
    signed: &'a str,
    header: Vec<u8>,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    /// Takes it apart; what is wrong with it. The caller has looked at its length.
    ///
    /// The alphabet is strict: no padding, no white space, and the bits that are left over in a last
    /// character are 0. So no two texts are the same token.
    pub(super) fn of(compact: &'a str) -> Result<Self, &'static str> {
        let (signed, signature) = compact.rsplit_once('.').ok_or("it has not three parts")?;
        let (header, payload) = signed.split_once('.').ok_or("it has not three parts")?;
        if payload.contains('.') {
            return Err("it has not three parts");
        }
        Ok(Self {
            signed,
            header: bytes(header)?,
            payload: bytes(payload)?,
            signature: bytes(signature)?,
        })
    }

    /// The header, as its reader wants it.
    pub(super) fn header<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.header).ok()
    }

    /// The payload, once `point` (65 bytes) is seen to have signed it; `None` where it has not.
    pub(super) fn payload_signed_by(&self, point: &[u8]) -> Option<&[u8]> {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(self.signed.as_bytes(), &self.signature)
            .ok()?;
        Some(&self.payload)
    }
}

fn bytes(part: &str) -> Result<Vec<u8>, &'static str> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| "a part of it is not base64url")
}

/// base64url without padding (RFC 4648 section 5), as JOSE writes everything.
pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Exactly 32 bytes of base64url.
pub(crate) fn decode32(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}
