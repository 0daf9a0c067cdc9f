//! What a source proves itself by.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use breakglass_domain::SourceId;
use ring::hmac;

use super::limits::SECRET_MIN;

/// One secret of one source. Neither shown nor traced.
pub struct Secret {
    key: hmac::Key,
    /// What [`comparing_key`] makes of it, so that a token is compared in constant time.
    token: hmac::Tag,
}

/// A secret that anybody could guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has fewer than {SECRET_MIN} bytes; make one with: openssl rand -hex 32")]
pub struct TooShort;

impl Secret {
    /// The content of a file: white space around it does not count.
    ///
    /// # Errors
    /// [`TooShort`].
    pub fn new(content: &[u8]) -> Result<Self, TooShort> {
        let secret = content.trim_ascii();
        if secret.len() < SECRET_MIN {
            return Err(TooShort);
        }
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
            token: hmac::sign(&comparing_key(), secret),
        })
    }

    /// Whether one of these is the HMAC-SHA256 of the parts, one after another, which is made once: a
    /// stranger chooses how long the parts are and how many signatures there are.
    pub(super) fn has_signed(&self, parts: &[&[u8]], signatures: &[[u8; 32]]) -> bool {
        let mut made = hmac::Context::with_key(&self.key);
        for part in parts {
            made.update(part);
        }
        let made = made.sign();
        let is_it = |given: &[u8; 32]| {
            let given = hmac::sign(&comparing_key(), given);
            hmac::verify(&comparing_key(), made.as_ref(), given.as_ref()).is_ok()
        };
        signatures.iter().any(is_it)
    }

    /// Whether the token is the secret itself.
    pub(super) fn is(&self, token: &[u8]) -> bool {
        hmac::verify(&comparing_key(), token, self.token.as_ref()).is_ok()
    }
}

/// A key that is no secret: what is compared in constant time are hashes of the same length, whatever was
/// sent.
fn comparing_key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, b"breakglass compares")
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The secrets of every source, as of the newest reload.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Arc<RwLock<BTreeMap<SourceId, Arc<[Secret]>>>>);

impl Secrets {
    /// From here on these, and no others.
    pub fn replace(&self, secrets: BTreeMap<SourceId, Arc<[Secret]>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = secrets;
    }

    /// Those of one source, where it has any.
    #[must_use]
    pub fn of(&self, source: &SourceId) -> Option<Arc<[Secret]>> {
        let secrets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        secrets.get(source).cloned()
    }
}
