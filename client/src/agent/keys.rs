//! The key of one `glass exec`, the certificate on it, and giving both up.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};

use super::wire::{Reader, Wire};
use crate::{ephemeral::POINT_BYTES, error::Error};

/// RFC 5656 section 3.1.
const ALGORITHM: &str = "ecdsa-sha2-nistp256";
const CURVE: &str = "nistp256";

/// PROTOCOL.certkeys, "ECDSA certificate".
const CERTIFICATE: &str = "ecdsa-sha2-nistp256-cert-v01@openssh.com";

/// A P-256 key that was made here for one `glass exec` and is written nowhere.
///
/// `ring` offers no way to wipe the memory it had a key in; the memory of this process is what
/// protects it, and the key opens nothing once its certificate is over.
pub struct LoginKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl LoginKey {
    /// Makes a new one.
    ///
    /// # Errors
    /// [`Error::Setup`] where the system gives no randomness.
    pub fn generate() -> Result<Self, Error> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::generate_pkcs8(algorithm, &random)
            .ok()
            .and_then(|made| EcdsaKeyPair::from_pkcs8(algorithm, made.as_ref(), &random).ok());
        match pair {
            Some(pair) => Ok(Self { pair, random }),
            None => Err(Error::setup(
                "the system gives no randomness",
                "check that /dev/urandom can be read",
            )),
        }
    }

    /// What the certificate is asked for: the uncompressed point, 65 bytes (SEC 1 section 2.3.3).
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// A signature as SSH writes it (RFC 5656 section 3.1.2); `None` where the system gives no
    /// randomness.
    fn sign(&self, data: &[u8]) -> Option<Vec<u8>> {
        let signature = self.pair.sign(&self.random, data).ok()?;
        // R and S, 32 bytes each.
        let (r, s) = signature.as_ref().split_at_checked(32)?;
        let numbers = Wire::default().mpint(r).mpint(s).done();
        Some(Wire::default().string(ALGORITHM).string(numbers).done())
    }

    /// The public key as SSH writes it (RFC 5656 section 3.1).
    fn bare(&self) -> Vec<u8> {
        let wire = Wire::default().string(ALGORITHM).string(CURVE);
        wire.string(self.public_key()).done()
    }
}

impl fmt::Debug for LoginKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginKey").finish_non_exhaustive()
    }
}

/// What the agent holds, until it gives it up.
pub(super) struct Keys(Mutex<Option<Held>>);

struct Held {
    key: LoginKey,
    certificate: Vec<u8>,
}

impl Keys {
    /// A key and the line the broker answered with.
    ///
    /// # Errors
    /// [`Error::Setup`] where the line is no certificate for this key.
    pub(super) fn new(key: LoginKey, certificate: &str) -> Result<Self, Error> {
        let certificate = certificate_for(key.public_key(), certificate)?;
        Ok(Self(Mutex::new(Some(Held { key, certificate }))))
    }

    /// The same key with a newer certificate. Without a key there is nothing to renew.
    ///
    /// # Errors
    /// As [`Keys::new`]; the one before then still stands.
    pub(super) fn renew(&self, certificate: &str) -> Result<(), Error> {
        if let Some(held) = &mut *self.lock() {
            held.certificate = certificate_for(held.key.public_key(), certificate)?;
        }
        Ok(())
    }

    /// Drops both. Nothing is signed from here on, whoever is still connected.
    pub(super) fn give_up(&self) {
        *self.lock() = None;
    }

    /// What is shown to those who ask; nothing after the end.
    pub(super) fn certificate(&self) -> Option<Vec<u8>> {
        self.lock().as_ref().map(|held| held.certificate.clone())
    }

    /// Signs with the key a client names, by itself or by a certificate on it. An older certificate
    /// will do: a client may have listed it just before it was renewed.
    pub(super) fn sign(&self, named: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let held = self.lock();
        let key = &held.as_ref()?.key;
        let is_ours = named == key.bare() || point_of(named) == Some(key.public_key());
        is_ours.then(|| key.sign(data)).flatten()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The point of a public key's line, `ecdsa-sha2-nistp256 AAAA... comment`; `None` where it is none.
#[must_use]
pub fn point_of_line(line: &str) -> Option<Vec<u8>> {
    let mut words = line.split_ascii_whitespace();
    words.next().filter(|algorithm| *algorithm == ALGORITHM)?;
    let blob = STANDARD.decode(words.next()?).ok()?;
    let mut reader = Reader::new(&blob);
    let named = (reader.string()?, reader.string()?);
    let point = reader.string()?;
    let is_ours = named == (ALGORITHM.as_bytes(), CURVE.as_bytes()) && reader.is_done();
    (is_ours && point.len() == POINT_BYTES).then(|| point.to_vec())
}

/// The line of a certificate for this point, of nothing but its algorithm and base64: what a file
/// that `ssh` reads may hold.
///
/// # Errors
/// [`Error::Unverified`] where it is none, or for another key.
pub fn certificate_line(point: &[u8], line: &str) -> Result<String, Error> {
    let blob = certificate_for(point, line)?;
    Ok(format!("{CERTIFICATE} {}", STANDARD.encode(blob)))
}

/// The certificate's bytes from its line, `ecdsa-sha2-nistp256-cert-v01@openssh.com AAAA...`.
fn certificate_for(point: &[u8], line: &str) -> Result<Vec<u8>, Error> {
    let wrong = || Error::broken_answer("it has no SSH certificate for this key");
    let mut words = line.split_ascii_whitespace();
    let named = words.next().zip(words.next());
    let (_, encoded) = named
        .filter(|(algorithm, _)| *algorithm == CERTIFICATE)
        .ok_or_else(wrong)?;
    let blob = STANDARD.decode(encoded).map_err(|_| wrong())?;
    match point_of(&blob) {
        Some(certified) if certified == point => Ok(blob),
        _ => Err(wrong()),
    }
}

/// The point of a certificate: it stands behind the algorithm, the nonce and the curve.
fn point_of(certificate: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(certificate);
    let algorithm = reader.string()?;
    let (_nonce, curve) = (reader.string()?, reader.string()?);
    let ours = algorithm == CERTIFICATE.as_bytes() && curve == CURVE.as_bytes();
    reader.string().filter(|_| ours)
}
