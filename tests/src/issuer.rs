//! A stand-in for the broker as a target sees it: keys, tokens, ticks. Written against the RFCs with
//! `ring` alone, so that it shares no code with what checks them.

use std::sync::{Arc, Mutex, PoisonError};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use breakglass_client::verify::{Live, Name};
use breakglass_proto::tick::{Tick, hash_of_ids};
use breakglass_tlog::{Ed25519Signer, KeyName, Note, NoteSigner as _, VerifierKey};
use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

/// `iss`.
pub const ISSUER: &str = "https://glass.example:7444";

/// The ledger.
pub const ORIGIN: &str = "glass.example/ledger";

/// Issues what it is told to, right or wrong.
pub struct Issuer {
    kid: String,
    pair: EcdsaKeyPair,
}

impl Issuer {
    /// One with a key of this name.
    ///
    /// # Panics
    /// Where there is no chance.
    #[must_use]
    pub fn named(kid: &str) -> Self {
        let (signing, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let made = EcdsaKeyPair::generate_pkcs8(signing, &random).expect("there is chance");
        let pair = EcdsaKeyPair::from_pkcs8(signing, made.as_ref(), &random).expect("a key");
        let kid = kid.to_owned();
        Self { kid, pair }
    }

    /// What it publishes.
    #[must_use]
    pub fn jwks(&self) -> String {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        let key = json!({
            "kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y),
            "use": "sig", "alg": "ES256", "kid": self.kid,
        });
        json!({"keys": [key]}).to_string()
    }

    /// A token with these claims.
    #[must_use]
    pub fn signs(&self, claims: &Value) -> String {
        self.signs_as(
            &json!({"typ": "JWT", "alg": "ES256", "kid": self.kid}),
            claims,
        )
    }

    /// A token with another header.
    ///
    /// # Panics
    /// Where there is no chance.
    #[must_use]
    pub fn signs_as(&self, header: &Value, claims: &Value) -> String {
        let (header, claims) = (header.to_string(), claims.to_string());
        let signed = format!("{}.{}", base64url(header), base64url(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        format!(
            "{signed}.{}",
            base64url(signature.expect("there is chance"))
        )
    }
}

/// mia's token under G-45, made at `at` for the key `holder` (65 bytes), as the broker writes it.
#[must_use]
pub fn claims(at: Timestamp, audience: &str, holder: &[u8]) -> Value {
    let (x, y) = holder[1..].split_at(32);
    let (x, y) = (base64url(x), base64url(y));
    let key = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    let at = at.as_second();
    json!({
        "iss": ISSUER, "sub": "mia", "aud": audience, "iat": at, "nbf": at - 60, "exp": at + 900,
        "jti": "G-45.1", "incident": "INC-12", "grant": "G-45", "right": "deploy-shop",
        "sentence": "deploy the shop app",
        "cnf": {"jkt": base64url(digest(&SHA256, key.as_bytes()))},
        "ledger": {"origin": ORIGIN, "index": 41},
    })
}

/// G-45 as it is live.
///
/// # Panics
/// Never: the names are ids.
#[must_use]
pub fn live_grant(ends_at: Timestamp) -> (Name, Live) {
    let name = |text| Name::parse(text).expect("an id");
    let live = Live {
        person: name("mia"),
        right: name("deploy-shop"),
        incident: name("INC-12"),
        ends_at,
    };
    (name("G-45"), live)
}

fn ledger() -> Ed25519Signer {
    let name = KeyName::parse(ORIGIN).expect("a name");
    Ed25519Signer::from_seed(name, &[7; 32]).expect("a key")
}

/// The key ticks are signed with.
#[must_use]
pub fn vkey() -> VerifierKey {
    ledger().verifier().clone()
}

/// A tick of this moment.
///
/// # Panics
/// Never: it is a proper one.
#[must_use]
pub fn tick(at: Timestamp) -> String {
    let tick = Tick {
        origin: ORIGIN.into(),
        at,
        size: 100,
        root: [7; 32],
        incidents: hash_of_ids(["INC-12"]),
        grants: hash_of_ids(["G-45"]),
    };
    let text = tick.encode().expect("a tick");
    Note::sign(&text, &ledger()).expect("a note").to_string()
}

/// A clock of a target that stands still until it is moved.
#[derive(Clone)]
pub struct Hand(Arc<Mutex<Timestamp>>);

impl Hand {
    /// Stands at this time.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(time)))
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets time pass.
    pub fn passes(&self, length: SignedDuration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += length;
    }
}

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
