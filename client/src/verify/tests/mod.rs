//! What gets in and, at greater length, what does not.

mod hostile;
mod live;
mod proofs;
mod setup;
mod tokens;

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::*;
use crate::key::PrivateKey;

const ISSUER: &str = "https://glass.example:7444";
const AUDIENCE: &str = "https://deploy.shop.example";
const ORIGIN: &str = "glass.example/ledger";

/// 03:05 at night.
fn night() -> Timestamp {
    "2026-11-23T03:05:00Z".parse().unwrap()
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

/// A clock that stands still until it is moved.
#[derive(Clone)]
struct Clock(Arc<Mutex<Timestamp>>);

impl Clock {
    fn at(time: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(time)))
    }

    fn moves_to(&self, time: Timestamp) {
        *self.0.lock().unwrap() = time;
    }

    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// What the broker signs tokens with.
struct IssuingKey {
    kid: &'static str,
    pair: EcdsaKeyPair,
}

impl IssuingKey {
    fn named(kid: &'static str) -> Self {
        let (signing, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let made = EcdsaKeyPair::generate_pkcs8(signing, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(signing, made.as_ref(), &random).unwrap();
        Self { kid, pair }
    }

    fn jwk(&self) -> Value {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid,
            "x": base64url(x), "y": base64url(y),
        })
    }

    fn header(&self) -> Value {
        json!({"typ": "JWT", "alg": "ES256", "kid": self.kid})
    }

    fn signs(&self, claims: &Value) -> String {
        self.signs_text(&self.header().to_string(), &claims.to_string())
    }

    fn signs_text(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", base64url(header), base64url(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        format!("{signed}.{}", base64url(signature.unwrap()))
    }
}

fn set(keys: &[&IssuingKey]) -> String {
    json!({"keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()}).to_string()
}

/// A target, its broker, and mia's laptop.
struct Night {
    key: IssuingKey,
    laptop: PrivateKey,
    clock: Clock,
    verifier: Verifier,
}

impl Night {
    fn begins() -> Self {
        Self::with(|builder| builder)
    }

    fn with(change: impl FnOnce(Builder) -> Builder) -> Self {
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
    fn claims(&self) -> Value {
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

    fn token(&self) -> String {
        self.key.signs(&self.claims())
    }

    /// A token with some claims changed; `null` takes one away.
    fn token_with(&self, changes: Value) -> String {
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

    fn says(&self, token: &str) -> Result<Access, Denied> {
        self.verifier.verify(token)
    }
}
