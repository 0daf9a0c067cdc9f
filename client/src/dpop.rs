//! A proof that this laptop holds the key its tokens are made for: DPoP (RFC 9449 section 4.2).

use jiff::Timestamp;
use ring::digest;
use serde::Serialize;

use crate::error::Error;
use crate::key::{self, PrivateKey};
use crate::verify::{Origin, base64url};

/// Bytes of chance in a proof's `jti` (RFC 9449 section 4.2 asks for 96 bits at least).
const JTI_BYTES: usize = 16;

/// The value of the `DPoP` header of one request: `method` and `url` are the request's, `token` goes
/// beside it in `Authorization: DPoP TOKEN`. Good for one request within a minute of `now`.
///
/// The laptop's key signs statements and TLS too. A statement begins with `breakglass/v1`, TLS 1.3
/// signs behind 64 spaces (RFC 8446 section 4.4.3), and what is signed here has nothing but base64url
/// and a dot: none can be taken for another.
///
/// # Errors
/// [`Error::Usage`] where method or URL are none; [`Error::Setup`] where the system gives no
/// randomness.
pub fn proof(
    key: &PrivateKey,
    method: &str,
    url: &str,
    token: &str,
    now: Timestamp,
) -> Result<String, Error> {
    let (htm, htu) = (checked_method(method)?, checked_url(url)?);
    let (x, y) = key.public_key()[1..].split_at(32);
    let header = Header {
        typ: "dpop+jwt",
        alg: "ES256",
        jwk: Jwk {
            kty: "EC",
            crv: "P-256",
            x: base64url(x),
            y: base64url(y),
        },
    };
    let claims = Claims {
        jti: base64url(key::random::<JTI_BYTES>()?),
        htm,
        htu: &htu,
        iat: now.as_second(),
        ath: base64url(digest::digest(&digest::SHA256, token.as_bytes())),
    };
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = key.sign_fixed(signed.as_bytes())?;
    Ok(format!("{signed}.{}", base64url(signature)))
}

#[derive(Serialize)]
struct Header {
    typ: &'static str,
    alg: &'static str,
    jwk: Jwk,
}

#[derive(Serialize)]
struct Jwk {
    kty: &'static str,
    crv: &'static str,
    x: String,
    y: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    jti: String,
    htm: &'a str,
    htu: &'a str,
    iat: i64,
    ath: String,
}

fn part(value: &impl Serialize) -> String {
    // Texts and a number under names of ours: it cannot fail.
    base64url(serde_json::to_vec(value).expect("it is always valid JSON"))
}

/// A token of RFC 9110 section 9.1. Methods are compared as they are written: `get` is another one.
fn checked_method(method: &str) -> Result<&str, Error> {
    let known = http::Method::from_bytes(method.as_bytes());
    if known.is_err() || method.bytes().any(|b| b.is_ascii_lowercase()) {
        let typed = crate::text::plain(method);
        return Err(Error::usage(
            format!("`{typed}` is no method of HTTP"),
            "write it in capitals, for example GET or POST",
        ));
    }
    Ok(method)
}

/// The URL without query and fragment, with everything else as it was typed.
fn checked_url(url: &str) -> Result<String, Error> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    if Origin::of(url).is_none() {
        let typed = crate::text::plain(url);
        return Err(Error::usage(
            format!("`{typed}` is no URL of a request"),
            "write the whole of it, for example https://deploy.shop.example/deploys",
        ));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    use super::*;

    fn decoded(part: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    /// The members of RFC 9449 section 4.2, and `ath` of the token printed in its section 7.1.
    #[test]
    fn a_proof_has_the_shape_the_rfc_prints() {
        let key = PrivateKey::generate().unwrap();
        let now = "2026-11-23T03:05:00.9Z".parse().unwrap();
        let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
        let url = "https://resource.example.org/protectedresource?page=2#top";
        let proof = proof(&key, "GET", url, token, now).unwrap();
        let parts: Vec<_> = proof.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            panic!("{proof}")
        };
        let (x, y) = key.public_key()[1..].split_at(32);
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y)});
        let wanted = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk});
        assert_eq!(decoded(header), wanted);
        let mut claims = decoded(claims);
        let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
        assert_eq!(jti.as_str().unwrap().len(), 22);
        let wanted = json!({
            "htm": "GET",
            "htu": "https://resource.example.org/protectedresource",
            "iat": 1_795_403_100,
            "ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo",
        });
        assert_eq!(claims, wanted);
        assert_eq!(URL_SAFE_NO_PAD.decode(signature).unwrap().len(), 64);
        assert!(!proof.contains('='));
    }

    #[test]
    fn two_proofs_are_never_the_same() {
        let key = PrivateKey::generate().unwrap();
        let now = "2026-11-23T03:05:00Z".parse().unwrap();
        let make = || proof(&key, "GET", "https://h/", "t", now).unwrap();
        assert_ne!(make(), make());
    }

    #[test]
    fn what_is_no_request_has_no_proof() {
        let key = PrivateKey::generate().unwrap();
        let now = "2026-11-23T03:05:00Z".parse().unwrap();
        for (method, url, says) in [
            ("get", "https://h/", "`get` is no method of HTTP"),
            ("", "https://h/", "`` is no method of HTTP"),
            ("G T", "https://h/", "`G T` is no method of HTTP"),
            ("GET", "/deploys", "`/deploys` is no URL of a request"),
            ("GET", "h\u{1b}[2J", "`h\\u{1b}[2J` is no URL of a request"),
        ] {
            let error = proof(&key, method, url, "t", now).unwrap_err();
            assert_eq!((error.to_string().as_str(), error.exit_code()), (says, 2));
        }
    }
}
