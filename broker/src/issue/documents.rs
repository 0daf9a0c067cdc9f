//! What targets read to check our tokens: where the keys are, and the keys.

use breakglass_domain::Time;
use serde_json::{Value, json};

use super::base64url;
use super::keys::{IssuingKey, Keyring, coordinates};

/// The discovery document (OpenID Connect Discovery 1.0 section 3) of an issuer.
///
/// There is nobody to log in at and no endpoint for it: like the one of a Kubernetes cluster, it
/// only leads to the keys.
#[must_use]
pub fn discovery(issuer: &str) -> String {
    json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/jwks.json"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": [
            "iss", "sub", "aud", "iat", "nbf", "exp", "jti", "incident", "grant", "right",
            "sentence", "groups", "cnf", "ledger",
        ],
    })
    .to_string()
}

/// The keys published at `now` as a JWK set (RFC 7517 section 5).
#[must_use]
pub fn jwks(keyring: &Keyring, now: Time) -> String {
    let keys: Vec<_> = keyring.published(now).filter_map(|key| jwk(key)).collect();
    json!({ "keys": keys }).to_string()
}

/// RFC 7517 section 4 and RFC 7518 section 6.2.1. No members beside these: Google's upload takes a
/// fixed list.
fn jwk(key: &IssuingKey) -> Option<Value> {
    let (x, y) = coordinates(key.public())?;
    Some(json!({
        "kty": "EC",
        "crv": "P-256",
        "x": base64url(x),
        "y": base64url(y),
        "use": "sig",
        "alg": "ES256",
        "kid": key.kid,
    }))
}
