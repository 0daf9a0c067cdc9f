//! Passwords, and what a server keeps in their place (RFC 5803, as PostgreSQL writes it).

use std::fmt;
use std::num::NonZeroU32;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{digest, hmac, pbkdf2};
use zeroize::Zeroizing;

use super::limits::{PASSWORD_BYTES, SALT_BYTES, SCRAM_ROUNDS};
use crate::ports::Entropy;

/// A password of chance. Wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// A new one: letters, digits, `-` and `_`, so that it needs no quoting in `.pgpass` or a URL.
    #[must_use]
    pub fn draw(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; PASSWORD_BYTES]);
        entropy.fill(&mut *bytes);
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes)))
    }

    /// The password itself, for the person's credential and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The same, for whoever keeps it as a credential from here on.
    #[must_use]
    pub fn into_text(self) -> Zeroizing<String> {
        self.0
    }

    /// What the server keeps: with it a log-in can be checked, and not done.
    pub(super) fn verifier(&self, entropy: &dyn Entropy) -> String {
        let mut salt = [0; SALT_BYTES];
        entropy.fill(&mut salt);
        // SASLprep (RFC 4013) changes no ASCII, and there is nothing else in it.
        verifier(self.0.as_bytes(), &salt)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// RFC 5802 section 3: `SCRAM-SHA-256$ROUNDS:SALT$StoredKey:ServerKey`.
fn verifier(password: &[u8], salt: &[u8]) -> String {
    let rounds = NonZeroU32::new(SCRAM_ROUNDS).unwrap_or(NonZeroU32::MIN);
    let mut salted = Zeroizing::new([0; digest::SHA256_OUTPUT_LEN]);
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        rounds,
        salt,
        password,
        &mut *salted,
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, &*salted);
    let client_key = hmac::sign(&key, b"Client Key");
    let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
    let server_key = hmac::sign(&key, b"Server Key");
    format!(
        "SCRAM-SHA-256${SCRAM_ROUNDS}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored_key),
        STANDARD.encode(server_key)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for (byte, value) in bytes.iter_mut().zip(0..) {
                *byte = value;
            }
        }
    }

    /// RFC 7677 section 3: its user's password and salt; the keys by an independent calculation
    /// (Python's hashlib) that also gives that section's client proof.
    #[test]
    fn the_verifier_of_rfc_7677() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        assert_eq!(
            verifier(b"pencil", &salt),
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
             WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
             wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }

    #[test]
    fn a_password_is_chance_and_does_not_show() {
        let password = Password::draw(&Counting);
        assert_eq!(password.expose(), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX");
        assert_eq!(format!("{password:?}"), "Password(..)");
        let kept = password.verifier(&Counting);
        assert!(kept.starts_with("SCRAM-SHA-256$4096:AAECAwQFBgcICQoLDA0ODw==$"));
        assert!(!kept.contains(password.expose()));
    }
}
