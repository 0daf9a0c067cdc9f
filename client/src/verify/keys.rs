//! The broker's public keys: a JWK set (RFC 7517 section 5).

use std::collections::BTreeMap;

use ring::digest;
use serde::Deserialize;

use super::jws::{ES256, base64url, decode32};
use super::limits;

/// Bytes of an uncompressed SEC 1 point of P-256: a tag and two coordinates.
const POINT_BYTES: usize = 65;

/// Keys by their id. Only keys of P-256 that sign are in it; a set may have others, for somebody
/// else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keys(BTreeMap<String, [u8; POINT_BYTES]>);

/// Why a text is no key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Longer than [`limits::MAX_KEYS_BYTES`], or more keys than [`limits::MAX_KEYS`].
    #[error("the key set has more than 64 KiB or more than 100 keys")]
    TooLarge,
    /// Not JSON, or not a JWK set.
    #[error("the text is not a JWK set (RFC 7517): fetch it from the issuer's /jwks.json")]
    Malformed,
    /// A P-256 key in it cannot be read, or has no id.
    #[error("a P-256 key of the set has no proper `kid`, `x` and `y`")]
    Key,
    /// Two keys with one id.
    #[error("two keys of the set have the same `kid`")]
    Twice,
}

/// As it is written; what is not needed is not looked at.
#[derive(Deserialize)]
struct Set {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    kid: Option<String>,
    #[serde(rename = "use")]
    used_for: Option<String>,
    alg: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// Reads the text of a JWK set.
    ///
    /// # Errors
    /// [`KeysError`]. A set without a key for ES256 is a set, and trusts nobody.
    pub fn parse(jwks: &str) -> Result<Self, KeysError> {
        if jwks.len() > limits::MAX_KEYS_BYTES {
            return Err(KeysError::TooLarge);
        }
        let set: Set = serde_json::from_str(jwks).map_err(|_| KeysError::Malformed)?;
        if set.keys.len() > limits::MAX_KEYS {
            return Err(KeysError::TooLarge);
        }
        let mut keys = BTreeMap::new();
        for key in set.keys.iter().filter(|key| key.is_ours()) {
            let (kid, point) = key.read().ok_or(KeysError::Key)?;
            if keys.insert(kid, point).is_some() {
                return Err(KeysError::Twice);
            }
        }
        Ok(Self(keys))
    }

    /// Whether nobody is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn point(&self, kid: &str) -> Option<&[u8; POINT_BYTES]> {
        self.0.get(kid)
    }
}

impl Jwk {
    /// RFC 7517 sections 4.1, 4.2, 4.4; RFC 7518 section 6.2.1.1.
    fn is_ours(&self) -> bool {
        let is = |member: &Option<String>, wanted: &str| {
            member.as_deref().is_none_or(|member| member == wanted)
        };
        let p256 = self.kty == "EC" && self.crv.as_deref() == Some("P-256");
        p256 && is(&self.used_for, "sig") && is(&self.alg, ES256)
    }

    fn read(&self) -> Option<(String, [u8; POINT_BYTES])> {
        let kid = self.kid.clone()?;
        let sized = (1..=limits::MAX_KID_BYTES).contains(&kid.len());
        let point = point(self.x.as_deref()?, self.y.as_deref()?)?;
        sized.then_some((kid, point))
    }
}

/// The uncompressed point of two coordinates in base64url (RFC 7518 sections 6.2.1.2, 6.2.1.3).
/// Whether it is on the curve is seen when it verifies: ring refuses others.
pub(super) fn point(x: &str, y: &str) -> Option<[u8; POINT_BYTES]> {
    let mut point = [4; POINT_BYTES];
    point[1..33].copy_from_slice(&decode32(x)?);
    point[33..].copy_from_slice(&decode32(y)?);
    Some(point)
}

/// The thumbprint of a P-256 key (RFC 7638 section 3.1, members of RFC 7518 section 6.2.1), base64url
/// SHA-256: what `cnf.jkt` of a token names. `None` where it is not an uncompressed point.
#[must_use]
pub fn thumbprint(point: &[u8]) -> Option<String> {
    let [4, rest @ ..] = point else { return None };
    if rest.len() != POINT_BYTES - 1 {
        return None;
    }
    let (x, y) = rest.split_at(rest.len() / 2);
    let (x, y) = (base64url(x), base64url(y));
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    Some(base64url(digest::digest(
        &digest::SHA256,
        canonical.as_bytes(),
    )))
}
