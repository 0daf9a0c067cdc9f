//! The secret of an invitation: drawn here, handed over once, known to the ledger by its hash
//! alone.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use breakglass_domain::TokenHash;
use ring::digest::{SHA256, digest};
use zeroize::{Zeroize as _, Zeroizing};

use super::limits::TOKEN_BYTES;
use crate::ports::Entropy;

/// A secret and its hash. Says only the hash in `Debug`.
pub struct Token {
    secret: Zeroizing<String>,
    hash: TokenHash,
}

impl Token {
    /// Draws a new one: [`TOKEN_BYTES`] of chance, written in base64url.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; TOKEN_BYTES];
        entropy.fill(&mut bytes);
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes));
        bytes.zeroize();
        let hash = hash(&secret);
        Self { secret, hash }
    }

    /// What the ledger holds.
    #[must_use]
    pub fn hash(&self) -> &TokenHash {
        &self.hash
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

/// SHA-256 of a secret's text, lower-case hex.
#[must_use]
pub fn hash(secret: &str) -> TokenHash {
    let text = hex(digest(&SHA256, secret.as_bytes()).as_ref());
    text.parse()
        .expect("SHA-256 in hex is 64 lower-case hexadecimal digits")
}

/// The whole argument of `glass enroll`: where the broker is, the authority it must prove itself
/// with, and the secret.
#[must_use]
pub fn invitation(url: &str, authority_pin: &str, token: &Token) -> Zeroizing<String> {
    Zeroizing::new(format!("{url}#{authority_pin}.{}", *token.secret))
}

/// Whether two texts are the same, in a time that says nothing of where they differ.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    let differences = one
        .bytes()
        .zip(other.bytes())
        .fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && differences == 0
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;

    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn an_invitation_names_broker_authority_and_secret() {
        let token = Token::draw(&Sevens);
        let text = invitation("https://glass.example:7443", "PIN", &token);
        assert_eq!(
            *text,
            "https://glass.example:7443#PIN.BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH"
        );
        assert_eq!(hash("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH"), *token.hash());
        assert!(
            !format!("{token:?}").contains("BwcH"),
            "a secret is never shown"
        );
    }

    #[test]
    fn the_hash_is_sha_256_in_hex() {
        // FIPS 180-2 appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash("abc").as_str(), abc);
        assert!(same(abc, abc));
        assert!(!same(abc, &abc[1..]) && !same("", "a") && !same("ab", "ac"));
    }
}
