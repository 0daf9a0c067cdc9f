//! The private key of this laptop: ECDSA P-256, made here, never sent anywhere.

use std::path::Path;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use breakglass_proto::{statement::Statement, v1};
use ring::{
    digest,
    rand::{SecureRandom as _, SystemRandom},
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING,
        EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
    },
};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _};
use zeroize::Zeroizing;

use crate::{error::Error, files};

/// A P-256 key pair.
///
/// The PKCS#8 bytes are wiped when it is dropped; the copy inside `ring` is not, for which `ring`
/// offers no way.
pub struct PrivateKey {
    pkcs8: Zeroizing<Vec<u8>>,
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl PrivateKey {
    /// Makes a new one.
    ///
    /// # Errors
    /// [`Error::Setup`] where the system gives no randomness.
    pub fn generate() -> Result<Self, Error> {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)
            .map_err(|_| no_randomness())?;
        Self::from_pkcs8(Zeroizing::new(pkcs8.as_ref().to_vec()))
            .ok_or_else(|| Error::setup("a new key could not be made", "try again"))
    }

    /// Reads one from a PEM file.
    ///
    /// # Errors
    /// [`Error::Setup`] where there is none or it is not a P-256 key in PKCS#8.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let pem = files::read(path)?.map(Zeroizing::new).ok_or_else(|| {
            Error::setup(
                format!("the key {} is missing", path.display()),
                enrol_again(),
            )
        })?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).ok();
        der.and_then(|der| Self::from_pkcs8(Zeroizing::new(der.secret_pkcs8_der().to_vec())))
            .ok_or_else(|| {
                Error::setup(
                    format!("{} is not a P-256 key in PKCS#8 PEM", path.display()),
                    enrol_again(),
                )
            })
    }

    /// Writes it to a PEM file of mode 0600 (RFC 7468 section 10).
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        files::write(path, pkcs8_pem(&self.pkcs8).as_bytes())
    }

    /// The public key: uncompressed point, 65 bytes (SEC 1 section 2.3.3).
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// The name of the key in entries and statements, see [`key_id`].
    #[must_use]
    pub fn id(&self) -> String {
        key_id(self.public_key())
    }

    /// Signs a statement: ECDSA with SHA-256 over its text, DER.
    ///
    /// # Errors
    /// [`Error::Setup`] where the system gives no randomness.
    pub fn sign(&self, statement: &Statement) -> Result<v1::Signed, Error> {
        let text = statement.to_text();
        let signature = self
            .pair
            .sign(&self.random, text.as_bytes())
            .map_err(|_| no_randomness())?;
        Ok(v1::Signed {
            text,
            signature: signature.as_ref().to_vec(),
        })
    }

    /// Signs as JOSE does (RFC 7518 section 3.4): ECDSA with SHA-256, `R || S`, 64 bytes.
    ///
    /// # Errors
    /// [`Error::Setup`] where the system gives no randomness.
    pub fn sign_fixed(&self, message: &[u8]) -> Result<[u8; 64], Error> {
        // ring ties a pair to one encoding of signatures: the same key once more for the other.
        let alike = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let signature = EcdsaKeyPair::from_pkcs8(alike, &self.pkcs8, &self.random)
            .map_err(|_| no_randomness())?
            .sign(&self.random, message)
            .map_err(|_| no_randomness())?;
        signature.as_ref().try_into().map_err(|_| no_randomness())
    }

    /// The key for TLS.
    #[must_use]
    pub fn to_tls(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.pkcs8.to_vec()).into()
    }

    fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Option<Self> {
        let random = SystemRandom::new();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8, &random).ok()?;
        Some(Self {
            pkcs8,
            pair,
            random,
        })
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey({})", self.id())
    }
}

/// The name of a public key: SHA-256 of its uncompressed point, base64url without padding.
#[must_use]
pub fn key_id(point: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, point))
}

/// Whether a statement's text was signed with the key of this point: ECDSA P-256 with SHA-256, DER.
#[must_use]
pub fn verify_statement(point: &[u8], text: &str, signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
        .verify(text.as_bytes(), signature)
        .is_ok()
}

/// A private key as tools read it from a file (RFC 7468 section 10).
pub(crate) fn pkcs8_pem(pkcs8: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(pkcs8));
    // Sized first: a String that grows leaves copies behind.
    let mut pem = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 64));
    pem.push_str("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = tail;
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem
}

/// Bytes nobody can guess.
///
/// # Errors
/// [`Error::Setup`] where the system gives none.
pub fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| no_randomness())?;
    Ok(bytes)
}

pub(crate) fn no_randomness() -> Error {
    Error::setup(
        "the system gives no randomness",
        "check that /dev/urandom can be read",
    )
}

/// What to do where this laptop's identity cannot be used any more.
#[must_use]
pub fn enrol_again() -> String {
    "ask somebody who may invite to run `glass people invite YOU`, then run the `glass enroll ...` \
     line it prints, with `--replace`"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use breakglass_proto::statement::Act;

    use super::*;

    #[test]
    fn a_key_survives_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let key = PrivateKey::generate().unwrap();
        key.save(&path).unwrap();
        assert_eq!(
            PrivateKey::load(&path).unwrap().public_key(),
            key.public_key()
        );
        assert_eq!(files::mode(&path), Some(0o600));
        assert_eq!(key.public_key().len(), 65);
        assert_eq!(key.id().len(), 43);
    }

    #[test]
    fn what_is_signed_verifies_and_nothing_else() {
        let key = PrivateKey::generate().unwrap();
        let statement = Statement {
            origin: "glass.example/ledger".into(),
            by: "mia".into(),
            at: "2026-11-23T03:05:00Z".parse().unwrap(),
            act: Act::Drop {
                grant: "G-45".into(),
            },
            seen: None,
            nonce: random().unwrap(),
        };
        let signed = key.sign(&statement).unwrap();
        assert_eq!(Statement::parse(&signed.text), Ok(statement));
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.public_key());
        assert!(
            public
                .verify(signed.text.as_bytes(), &signed.signature)
                .is_ok()
        );
        assert!(public.verify(b"something else", &signed.signature).is_err());
    }

    #[test]
    fn secrets_are_not_shown() {
        let key = PrivateKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), format!("PrivateKey({})", key.id()));
    }

    #[test]
    fn a_damaged_key_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        assert!(
            PrivateKey::load(&path)
                .unwrap_err()
                .to_string()
                .contains("is missing")
        );
        std::fs::write(
            &path,
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        )
        .unwrap();
        let error = PrivateKey::load(&path).unwrap_err();
        assert!(error.to_string().contains("not a P-256 key"));
        assert!(error.next().unwrap().contains("glass enroll"));
    }
}
