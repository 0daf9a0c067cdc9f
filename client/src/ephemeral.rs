//! A key for one command: made in memory, certified under one grant, gone with the command.
//!
//! What a target accepts is never bound to the laptop's own key: that one signs a person's acts, and
//! no tool gets to see it.

use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use zeroize::Zeroizing;

use crate::{
    error::Error,
    key::{key_id, no_randomness, pkcs8_pem},
};

/// Bytes of a public key: uncompressed point (SEC 1 section 2.3.3).
pub const POINT_BYTES: usize = 65;

/// An ECDSA P-256 key.
///
/// Its bytes are wiped when it is dropped; what `ring` copied while it made it is not, for which
/// `ring` offers no way.
pub struct EphemeralKey {
    pkcs8: Zeroizing<Vec<u8>>,
    point: [u8; POINT_BYTES],
}

impl EphemeralKey {
    /// Makes a new one.
    ///
    /// # Errors
    /// [`Error::Setup`] where the system gives no randomness.
    pub fn generate() -> Result<Self, Error> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let made = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| no_randomness())?;
        let pkcs8 = Zeroizing::new(made.as_ref().to_vec());
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8, &random);
        let point = pair
            .ok()
            .and_then(|pair| pair.public_key().as_ref().try_into().ok());
        match point {
            Some(point) => Ok(Self { pkcs8, point }),
            None => Err(Error::setup("a new key could not be made", "try again")),
        }
    }

    /// The public half, as the broker is asked to certify it.
    #[must_use]
    pub fn point(&self) -> &[u8; POINT_BYTES] {
        &self.point
    }

    /// The name of the key in entries.
    #[must_use]
    pub fn id(&self) -> String {
        key_id(&self.point)
    }

    /// PKCS#8, for who signs with it in memory.
    #[must_use]
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// PKCS#8 in PEM, for tools that want a file: libpq, kubectl.
    #[must_use]
    pub fn pem(&self) -> Zeroizing<String> {
        pkcs8_pem(&self.pkcs8)
    }
}

impl std::fmt::Debug for EphemeralKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EphemeralKey({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn each_is_another_and_none_shows_itself() {
        let (one, other) = (
            EphemeralKey::generate().unwrap(),
            EphemeralKey::generate().unwrap(),
        );
        assert_ne!(one.point(), other.point());
        assert_eq!(one.point()[0], 4, "uncompressed");
        assert_eq!(format!("{one:?}"), format!("EphemeralKey({})", one.id()));
    }

    #[test]
    fn openssl_reads_the_file_and_finds_the_same_public_half() {
        let key = EphemeralKey::generate().unwrap();
        let mut openssl = Command::new("openssl")
            .args(["pkey", "-pubout", "-outform", "DER"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("openssl is installed");
        let mut stdin = openssl.stdin.take().unwrap();
        stdin.write_all(key.pem().as_bytes()).unwrap();
        drop(stdin);
        let said = openssl.wait_with_output().unwrap();
        assert!(said.stdout.ends_with(key.point()), "{said:?}");
    }
}
