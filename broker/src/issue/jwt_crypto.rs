//! `ring` behind jsonwebtoken: ES256 and nothing else.
//!
//! ES256 is the one algorithm that AWS, Google, Kubernetes and Vault all take. There is no
//! symmetric algorithm here, so a public key can never be taken for a shared secret, and `none` is
//! not an algorithm of jsonwebtoken at all.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result, new_error};
use jsonwebtoken::jwk::{EllipticCurve, ThumbprintHash};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    UnparsedPublicKey,
};

/// Bytes of an uncompressed SEC 1 point of P-256: a tag and two coordinates.
pub const POINT_BYTES: usize = 65;

/// Bytes of one coordinate.
const COORDINATE_BYTES: usize = 32;

/// What `edge` installs for the process.
pub static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory,
    verifier_factory,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(new_error(ErrorKind::InvalidAlgorithm)),
        rsa_pub_components_from_public_key: |_| Err(new_error(ErrorKind::InvalidAlgorithm)),
        ec_pub_components_from_private_key: coordinates_of_private,
        ed_pub_components_from_private_key: |_, _| Err(new_error(ErrorKind::InvalidAlgorithm)),
        compute_digest,
    },
};

/// A P-256 key that signs as RFC 7518 section 3.4 asks: `R || S`, 64 bytes.
pub struct Es256Signer {
    key: EcdsaKeyPair,
    random: SystemRandom,
}

impl Es256Signer {
    /// Takes a private key as PKCS#8 DER.
    ///
    /// # Errors
    /// `InvalidEcdsaKey` where it is not a P-256 key.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self> {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &random)
            .map_err(|_| new_error(ErrorKind::InvalidEcdsaKey))?;
        Ok(Self { key, random })
    }

    /// The public half: uncompressed SEC 1 point, 65 bytes.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        self.key.public_key().as_ref()
    }
}

impl std::fmt::Debug for Es256Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Es256Signer").finish_non_exhaustive()
    }
}

impl signature::Signer<Vec<u8>> for Es256Signer {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        let signed = self.key.sign(&self.random, message);
        signed
            .map(|bytes| bytes.as_ref().to_vec())
            .map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for Es256Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

struct Es256Verifier {
    point: Vec<u8>,
}

impl signature::Verifier<Vec<u8>> for Es256Verifier {
    fn verify(
        &self,
        message: &[u8],
        signature: &Vec<u8>,
    ) -> std::result::Result<(), signature::Error> {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.point)
            .verify(message, signature)
            .map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Es256Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

fn signer_factory(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    demand_es256(*algorithm, key.family())?;
    Ok(Box::new(Es256Signer::from_pkcs8(key.as_bytes())?))
}

fn verifier_factory(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    demand_es256(*algorithm, key.family())?;
    let point = key.try_get_as_bytes()?.to_vec();
    Ok(Box::new(Es256Verifier { point }))
}

fn demand_es256(algorithm: Algorithm, family: AlgorithmFamily) -> Result<()> {
    match (algorithm, family) {
        (Algorithm::ES256, AlgorithmFamily::Ec) => Ok(()),
        _ => Err(new_error(ErrorKind::InvalidAlgorithm)),
    }
}

fn coordinates_of_private(
    pkcs8: &[u8],
    algorithm: Algorithm,
) -> Result<(EllipticCurve, Vec<u8>, Vec<u8>)> {
    demand_es256(algorithm, AlgorithmFamily::Ec)?;
    let signer = Es256Signer::from_pkcs8(pkcs8)?;
    // `public` is a tag of one byte and two coordinates: ring made it.
    let (x, y) = signer.public()[1..].split_at(COORDINATE_BYTES);
    Ok((EllipticCurve::P256, x.to_vec(), y.to_vec()))
}

fn compute_digest(data: &[u8], hash: ThumbprintHash) -> Result<Vec<u8>> {
    match hash {
        ThumbprintHash::SHA256 => Ok(digest::digest(&digest::SHA256, data).as_ref().to_vec()),
        _ => Err(new_error(ErrorKind::InvalidAlgorithm)),
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::Jwk;
    use jsonwebtoken::{Header, Validation, decode, encode};
    use serde_json::{Value, json};

    use super::*;

    fn key() -> Vec<u8> {
        crate::edge::install_crypto();
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        made.unwrap().as_ref().to_vec()
    }

    fn public(pkcs8: &[u8]) -> DecodingKey {
        DecodingKey::from_ec_der(Es256Signer::from_pkcs8(pkcs8).unwrap().public())
    }

    /// Without times that depend on the clock.
    fn validation() -> Validation {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_required_spec_claims::<&str>(&[]);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation
    }

    #[test]
    fn what_one_half_signs_the_other_verifies_and_nothing_else() {
        let pkcs8 = key();
        let claims = json!({"sub": "mia"});
        let token = encode(
            &Header::new(Algorithm::ES256),
            &claims,
            &EncodingKey::from_ec_der(&pkcs8),
        )
        .unwrap();
        let read = decode::<Value>(&token, &public(&pkcs8), &validation()).unwrap();
        assert_eq!(read.claims, claims);
        assert!(decode::<Value>(&token, &public(&key()), &validation()).is_err());
        let forged = token.replacen("eyJzdWIi", "eyJzdWJi", 1);
        assert!(decode::<Value>(&forged, &public(&pkcs8), &validation()).is_err());
    }

    #[test]
    fn a_key_publishes_itself_as_a_jwk() {
        let pkcs8 = key();
        let encoding = EncodingKey::from_ec_der(&pkcs8);
        let jwk = Jwk::from_encoding_key(&encoding, Algorithm::ES256).unwrap();
        let again = DecodingKey::from_jwk(&jwk).unwrap();
        let token = encode(&Header::new(Algorithm::ES256), &json!({}), &encoding).unwrap();
        assert!(decode::<Value>(&token, &again, &validation()).is_ok());
    }

    /// CVE-2026-25537 of jsonwebtoken 9: a text counted as "no such claim".
    #[test]
    fn times_written_as_text_are_refused() {
        let pkcs8 = key();
        for claims in [
            json!({"exp": "9999999999"}),
            json!({"nbf": "1", "exp": 9_999_999_999_u64}),
        ] {
            let token = encode(
                &Header::new(Algorithm::ES256),
                &claims,
                &EncodingKey::from_ec_der(&pkcs8),
            )
            .unwrap();
            let mut strict = validation();
            strict.validate_exp = true;
            strict.validate_nbf = true;
            assert!(
                decode::<Value>(&token, &public(&pkcs8), &strict).is_err(),
                "{claims}"
            );
        }
    }

    #[test]
    fn no_other_algorithm_is_spoken() {
        let pkcs8 = key();
        let point = Es256Signer::from_pkcs8(&pkcs8).unwrap().public().to_vec();
        for (algorithm, key) in [
            // The classic confusion: the public key as a shared secret.
            (Algorithm::HS256, EncodingKey::from_secret(&point)),
            (Algorithm::ES384, EncodingKey::from_ec_der(&pkcs8)),
            (Algorithm::EdDSA, EncodingKey::from_ed_der(&pkcs8)),
            (Algorithm::RS256, EncodingKey::from_rsa_der(&pkcs8)),
        ] {
            let made = encode(&Header::new(algorithm), &json!({}), &key);
            assert!(made.is_err(), "{algorithm:?}");
        }
        assert!(verifier_factory(&Algorithm::HS256, &DecodingKey::from_secret(&point)).is_err());
        let header = r#"{"alg":"HS256","typ":"JWT"}"#;
        let forged = format!("{}.e30.AAAA", crate::issue::base64url(header.as_bytes()));
        assert!(decode::<Value>(&forged, &public(&pkcs8), &validation()).is_err());
    }
}
