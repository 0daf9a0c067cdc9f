//! A target, its broker and a laptop, for tests here and of guards.

pub(crate) mod entry;

use std::sync::{Arc, Mutex};

use breakglass_proto::tick::{Tick, hash_of_ids};
use breakglass_tlog::{Ed25519Signer, KeyName, Note, NoteSigner as _};
use jiff::{SignedDuration, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::*;
use crate::key::PrivateKey;

pub(crate) const ISSUER: &str = "https://glass.example:7444";
pub(crate) const AUDIENCE: &str = "https://deploy.shop.example";
pub(crate) const ORIGIN: &str = "glass.example/ledger";

/// 03:05 at night.
pub(crate) fn night() -> Timestamp {
    "2026-11-23T03:05:00Z".parse().unwrap()
}

pub(crate) fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub(crate) struct Clock(Arc<Mutex<Timestamp>>);

impl Clock {
    pub(crate) fn at(time: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(time)))
    }

    pub(crate) fn moves_to(&self, time: Timestamp) {
        *self.0.lock().unwrap() = time;
    }

    pub(crate) fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// What the broker signs tokens with.
pub(crate) struct IssuingKey {
    pub(crate) kid: &'static str,
    pub(crate) pair: EcdsaKeyPair,
}

impl IssuingKey {
    pub(crate) fn named(kid: &'static str) -> Self {
        let (signing, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let made = EcdsaKeyPair::generate_pkcs8(signing, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(signing, made.as_ref(), &random).unwrap();
        Self { kid, pair }
    }

    pub(crate) fn jwk(&self) -> Value {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid,
            "x": base64url(x), "y": base64url(y),
        })
    }

    pub(crate) fn header(&self) -> Value {
        json!({"typ": "JWT", "alg": "ES256", "kid": self.kid})
    }

    pub(crate) fn signs(&self, claims: &Value) -> String {
        self.signs_text(&self.header().to_string(), &claims.to_string())
    }

    pub(crate) fn signs_text(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", base64url(header), base64url(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        format!("{signed}.{}", base64url(signature.unwrap()))
    }
}

pub(crate) fn set(keys: &[&IssuingKey]) -> String {
    json!({"keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()}).to_string()
}

/// A target, its broker, and mia's laptop.
pub(crate) struct Night {
    pub(crate) key: IssuingKey,
    pub(crate) laptop: PrivateKey,
    pub(crate) clock: Clock,
    pub(crate) verifier: Verifier,
}

impl Night {
    pub(crate) fn begins() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(change: impl FnOnce(Builder) -> Builder) -> Self {
        let (key, clock) = (IssuingKey::named("one"), Clock::at(night()));
        let hand = clock.clone();
        let builder = Verifier::builder(ISSUER, AUDIENCE)
            .keys(&set(&[&key]))
            .clock(move || hand.now());
        let verifier = change(builder).build().unwrap();
        let laptop = PrivateKey::generate().unwrap();
        Self {
            key,
            laptop,
            clock,
            verifier,
        }
    }

    /// As the broker writes them.
    pub(crate) fn claims(&self) -> Value {
        let now = night().as_second();
        json!({
            "iss": ISSUER,
            "sub": "mia",
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now - 60,
            "exp": now + 900,
            "jti": "G-45.1",
            "incident": "INC-12",
            "grant": "G-45",
            "right": "deploy-shop",
            "sentence": "deploy the shop app",
            "cnf": {"jkt": thumbprint(self.laptop.public_key()).unwrap()},
            "ledger": {"origin": ORIGIN, "index": 41},
        })
    }

    pub(crate) fn token(&self) -> String {
        self.key.signs(&self.claims())
    }

    /// A token with some claims changed; `null` takes one away.
    pub(crate) fn token_with(&self, changes: Value) -> String {
        let mut claims = self.claims();
        for (name, value) in changes.as_object().unwrap() {
            let all = claims.as_object_mut().unwrap();
            match value {
                Value::Null => drop(all.remove(name)),
                value => drop(all.insert(name.clone(), value.clone())),
            }
        }
        self.key.signs(&claims)
    }

    pub(crate) fn says(&self, token: &str) -> Result<Access, Denied> {
        self.verifier.verify(token)
    }
}

pub(crate) fn ledger() -> Ed25519Signer {
    ledger_named(ORIGIN)
}

pub(crate) fn ledger_named(name: &str) -> Ed25519Signer {
    Ed25519Signer::from_seed(KeyName::parse(name).unwrap(), &[7; 32]).unwrap()
}

pub(crate) fn tick(at: Timestamp, size: u64) -> Tick {
    Tick {
        origin: ORIGIN.into(),
        at,
        size,
        root: [u8::try_from(size % 251).unwrap(); 32],
        incidents: hash_of_ids(["INC-12"]),
        grants: hash_of_ids(["G-45"]),
    }
}

pub(crate) fn signed(tick: &Tick) -> String {
    Note::sign(&tick.encode().unwrap(), &ledger())
        .unwrap()
        .to_string()
}

pub(crate) fn verified(at: Timestamp, size: u64) -> SignedTick {
    SignedTick::verify(&signed(&tick(at, size)), ledger().verifier()).unwrap()
}

pub(crate) fn live(grant: &str) -> (Name, Live) {
    let name = |text: &str| Name::parse(text).unwrap();
    let live = Live {
        person: name("mia"),
        right: name("deploy-shop"),
        incident: name("INC-12"),
        ends_at: night() + seconds(900),
    };
    (name(grant), live)
}
