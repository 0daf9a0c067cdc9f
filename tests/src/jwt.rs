//! What a target does with a token: find the key by its `kid` among the published ones, check the
//! signature, look at the claims. Written against RFC 7515, 7517 and 7518 with `ring` alone, so
//! that it shares no code with the issuer.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::Value;

/// A token whose signature holds.
#[derive(Debug)]
pub struct Token {
    /// The JOSE header.
    pub header: Value,
    /// The claims.
    pub claims: Value,
}

/// Checks a token against a key set; why not, where it is not good.
///
/// # Errors
/// What a target would say.
pub fn check(token: &str, keys: &Value) -> Result<Token, String> {
    let parts: Vec<_> = token.split('.').collect();
    let [head, body, signature] = parts[..] else {
        return Err("it has not three parts".into());
    };
    let (header, claims) = (json(head)?, json(body)?);
    if header["alg"] != "ES256" {
        return Err(format!("its alg is {}", header["alg"]));
    }
    let known = keys["keys"].as_array().ok_or("no key set")?;
    let key = known.iter().find(|key| key["kid"] == header["kid"]);
    let key = key.ok_or_else(|| format!("no key {} is published", header["kid"]))?;
    let signed = format!("{head}.{body}");
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point(key)?)
        .verify(signed.as_bytes(), &bytes(signature)?)
        .map_err(|_| "the signature does not hold".to_owned())?;
    Ok(Token { header, claims })
}

/// The uncompressed point of a JWK (RFC 7518 section 6.2.1).
///
/// # Errors
/// Where it is not a P-256 key.
pub fn point(key: &Value) -> Result<Vec<u8>, String> {
    if key["kty"] != "EC" || key["crv"] != "P-256" {
        return Err("it is not a P-256 key".into());
    }
    let mut point = vec![4];
    for name in ["x", "y"] {
        let part = bytes(key[name].as_str().ok_or("a part of the point is missing")?)?;
        if part.len() != 32 {
            return Err(format!("{name} has {} bytes", part.len()));
        }
        point.extend(part);
    }
    Ok(point)
}

fn json(part: &str) -> Result<Value, String> {
    serde_json::from_slice(&bytes(part)?).map_err(|why| why.to_string())
}

fn bytes(part: &str) -> Result<Vec<u8>, String> {
    URL_SAFE_NO_PAD.decode(part).map_err(|why| why.to_string())
}
