//! What a thief makes who has the broker's issuing keys, and not the ledger's: whatever they like, in the
//! broker's own forms. Written against the specifications with `ring` alone, so that it shares no code with
//! what checks it.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

/// The broker's key for tokens.
pub struct TokenKey(EcdsaKeyPair);

impl TokenKey {
    /// Takes the one that signs, out of the broker's folder of keys.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn taken(keys: &Path) -> Self {
        let files = std::fs::read_dir(keys).expect("the folder of keys");
        let file = files
            .filter_map(|file| Some(file.ok()?.path()))
            .find(|path| path.extension().is_some_and(|it| it == "pem") && is_issuing(path))
            .expect("a broker has a key for tokens");
        let pkcs8 = pkcs8(&file);
        let pair = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            pkcs8.secret_pkcs8_der(),
            &SystemRandom::new(),
        );
        Self(pair.expect("a key of P-256"))
    }

    /// A token like this one, with other claims, and a good signature.
    ///
    /// # Panics
    /// Where that is no token.
    #[must_use]
    pub fn signs(&self, like: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut parts = like.split('.');
        let (header, claims) = parts.next().zip(parts.next()).expect("a token");
        let claims = URL_SAFE_NO_PAD.decode(claims).expect("claims");
        let mut claims: Value = serde_json::from_slice(&claims).expect("claims are JSON");
        change(&mut claims);
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        let signed = format!("{header}.{claims}");
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.expect("there is chance"));
        format!("{signed}.{signature}")
    }
}

fn is_issuing(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("issuing-")
}

fn pkcs8(file: &Path) -> PrivatePkcs8KeyDer<'static> {
    PrivatePkcs8KeyDer::from_pem_file(file).expect("a key in PEM")
}

/// The broker's key for users of SSH.
pub struct UserKey(Ed25519KeyPair);

/// The fields of a certificate for a key of P-256, as PROTOCOL.certkeys of OpenSSH has them.
#[derive(Debug, Clone)]
pub struct SshCertificate {
    /// The uncompressed point.
    pub point: Vec<u8>,
    /// Its number.
    pub serial: u64,
    /// What sshd writes down.
    pub key_id: String,
    /// As whom.
    pub principals: Vec<Vec<u8>>,
    /// Until when, in seconds.
    pub valid_before: u64,
    /// Names and data.
    pub critical_options: Vec<(Vec<u8>, Vec<u8>)>,
    /// Names and data.
    pub extensions: Vec<(Vec<u8>, Vec<u8>)>,
    nonce: Vec<u8>,
    valid_after: u64,
    authority: Vec<u8>,
}

/// The name of such a certificate.
const ALGORITHM: &str = "ecdsa-sha2-nistp256-cert-v01@openssh.com";

impl UserKey {
    /// Takes it out of the broker's folder of keys.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn taken(keys: &Path) -> Self {
        let pkcs8 = pkcs8(&keys.join("ssh-user.pem"));
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8.secret_pkcs8_der());
        Self(pair.expect("a key of Ed25519"))
    }

    /// A certificate like this line, with other fields, and a good signature.
    #[must_use]
    pub fn signs(&self, like: &str, change: impl FnOnce(&mut SshCertificate)) -> String {
        let mut certificate = SshCertificate::read(like);
        change(&mut certificate);
        let mut whole = certificate.to_be_signed();
        let signature = self.0.sign(&whole);
        let mut inner = Vec::new();
        string(&mut inner, b"ssh-ed25519");
        string(&mut inner, signature.as_ref());
        string(&mut whole, &inner);
        format!("{ALGORITHM} {}", STANDARD.encode(whole))
    }
}

impl SshCertificate {
    /// Reads a line of one.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    pub fn read(line: &str) -> Self {
        let encoded = line.split(' ').nth(1).expect("two words");
        let blob = STANDARD.decode(encoded.trim()).expect("base64");
        let mut rest = blob.as_slice();
        assert_eq!(take(&mut rest), ALGORITHM.as_bytes());
        let nonce = take(&mut rest).to_vec();
        assert_eq!(take(&mut rest), b"nistp256");
        let point = take(&mut rest).to_vec();
        let serial = u64::from_be_bytes(fixed(&mut rest));
        assert_eq!(u32::from_be_bytes(fixed(&mut rest)), 1, "for a person");
        let key_id = String::from_utf8(take(&mut rest).to_vec()).expect("text");
        let principals = all(take(&mut rest));
        let valid_after = u64::from_be_bytes(fixed(&mut rest));
        let valid_before = u64::from_be_bytes(fixed(&mut rest));
        let critical_options = pairs(take(&mut rest));
        let extensions = pairs(take(&mut rest));
        assert_eq!(take(&mut rest), b"", "reserved");
        let authority = take(&mut rest).to_vec();
        Self {
            point,
            serial,
            key_id,
            principals,
            valid_before,
            critical_options,
            extensions,
            nonce,
            valid_after,
            authority,
        }
    }

    /// Takes the proof out.
    pub fn forgets_its_proof(&mut self) {
        self.extensions
            .retain(|(name, _)| name != b"tlog-proof@breakglass.dev");
    }

    fn to_be_signed(&self) -> Vec<u8> {
        let mut out = Vec::new();
        string(&mut out, ALGORITHM.as_bytes());
        string(&mut out, &self.nonce);
        string(&mut out, b"nistp256");
        string(&mut out, &self.point);
        out.extend(self.serial.to_be_bytes());
        out.extend(1_u32.to_be_bytes());
        string(&mut out, self.key_id.as_bytes());
        string(&mut out, &packed(self.principals.iter()));
        out.extend(self.valid_after.to_be_bytes());
        out.extend(self.valid_before.to_be_bytes());
        for options in [&self.critical_options, &self.extensions] {
            let flat = options.iter().flat_map(|(name, data)| [name, data]);
            string(&mut out, &packed(flat));
        }
        string(&mut out, b"");
        string(&mut out, &self.authority);
        out
    }
}

/// RFC 4251 section 5: `string`.
fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u32::try_from(bytes.len()).expect("short").to_be_bytes());
    out.extend(bytes);
}

fn packed<'a>(strings: impl Iterator<Item = &'a Vec<u8>>) -> Vec<u8> {
    strings.fold(Vec::new(), |mut out, bytes| {
        string(&mut out, bytes);
        out
    })
}

fn fixed<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (taken, after) = rest.split_first_chunk().expect("long enough");
    *rest = after;
    *taken
}

fn take<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let length = u32::from_be_bytes(fixed(rest));
    let (taken, after) = rest.split_at(usize::try_from(length).expect("short"));
    *rest = after;
    taken
}

fn all(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        found.push(take(&mut bytes).to_vec());
    }
    found
}

fn pairs(bytes: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let flat = all(bytes);
    let pairs = flat.chunks_exact(2);
    pairs
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect()
}
