//! Proofs of possession.

use super::*;
use crate::dpop;

const URL: &str = "https://deploy.shop.example/deploys?dry=yes";

struct Shown {
    night: Night,
    token: String,
    access: Access,
}

impl Shown {
    fn new() -> Self {
        let night = Night::begins();
        let token = night.token();
        let access = night.says(&token).unwrap();
        Self {
            night,
            token,
            access,
        }
    }

    fn proof(&self) -> String {
        dpop::proof(&self.night.laptop, "POST", URL, &self.token, night()).unwrap()
    }

    fn says(&self, proof: &str) -> Result<(), Denied> {
        self.says_of(proof, "POST", URL)
    }

    fn says_of(&self, proof: &str, method: &str, url: &str) -> Result<(), Denied> {
        let shown = Presented { proof, method, url };
        self.night
            .verifier
            .verify_proof(&self.access, &self.token, &shown)
    }

    /// A proof that the holder signed, with whatever in it.
    fn signs(&self, header: &Value, claims: &str) -> String {
        let signed = format!("{}.{}", base64url(header.to_string()), base64url(claims));
        let signature = self.night.laptop.sign_fixed(signed.as_bytes()).unwrap();
        format!("{signed}.{}", base64url(signature))
    }

    fn header(&self) -> Value {
        let (x, y) = self.night.laptop.public_key()[1..].split_at(32);
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y)});
        json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk})
    }

    fn claims(&self) -> Value {
        let hash = ring::digest::digest(&ring::digest::SHA256, self.token.as_bytes());
        json!({
            "jti": base64url(crate::key::random::<16>().unwrap()), "htm": "POST", "htu": URL,
            "iat": night().as_second(), "ath": base64url(hash),
        })
    }
}

#[track_caller]
fn refused(answer: Result<(), Denied>, wanted: &str) {
    let denied = answer.unwrap_err();
    assert_eq!(denied.reason(), "PROOF");
    assert!(denied.to_string().contains(wanted), "{denied}");
}

#[test]
fn what_glass_makes_is_taken_once() {
    let shown = Shown::new();
    let proof = shown.proof();
    assert_eq!(shown.says(&proof), Ok(()));
    assert_eq!(shown.says(&proof), Err(Denied::Replayed));
    assert_eq!(shown.says(&shown.proof()), Ok(()), "a new one is");
}

#[test]
fn what_another_library_makes_is_taken() {
    let shown = Shown::new();
    let mut header = shown.header();
    header["jwk"]["use"] = json!("sig");
    header["jwk"]["alg"] = json!("ES256");
    header["jwk"]["kid"] = json!("mine");
    let mut claims = shown.claims();
    claims["htu"] = json!("HTTPS://Deploy.shop.example:443/%64eploys");
    claims["nonce"] = json!("n");
    assert_eq!(
        shown.says(&shown.signs(&header, &claims.to_string())),
        Ok(())
    );
}

#[test]
fn a_proof_is_for_one_method_and_one_url() {
    let shown = Shown::new();
    let proof = shown.proof();
    refused(shown.says_of(&proof, "GET", URL), "another method");
    refused(shown.says_of(&proof, "post", URL), "another method");
    for url in [
        "https://deploy.shop.example/",
        "https://deploy.shop.example/deploys/",
        "https://deploy.shop.example/Deploys",
        "http://deploy.shop.example/deploys",
        "https://deploy.shop.example:8443/deploys",
        "https://shop.example/deploys",
    ] {
        refused(shown.says_of(&proof, "POST", url), "another URL");
    }
    refused(
        shown.says_of(&proof, "POST", "/deploys"),
        "the request's URL",
    );
    assert_eq!(shown.says(&proof), Ok(()), "a refused one is not used up");
}

#[test]
fn a_proof_lives_a_minute() {
    let shown = Shown::new();
    for (offset, good) in [
        (-31, false),
        (-30, true),
        (0, true),
        (60, true),
        (61, false),
    ] {
        let proof = shown.proof();
        shown.night.clock.moves_to(night() + seconds(offset));
        assert_eq!(shown.says(&proof).is_ok(), good, "{offset}");
        if good {
            assert_eq!(shown.says(&proof), Err(Denied::Replayed), "{offset}");
        }
    }
}

#[test]
fn a_proof_is_by_the_holder_and_for_this_token() {
    let shown = Shown::new();
    let thief = PrivateKey::generate().unwrap();
    let stolen = dpop::proof(&thief, "POST", URL, &shown.token, night()).unwrap();
    refused(shown.says(&stolen), "another key");
    // The holder's key in the header, the thief's signature under it.
    let (signed, _) = shown
        .proof()
        .rsplit_once('.')
        .map(|(a, b)| (a.to_owned(), b.len()))
        .unwrap();
    let forged = format!(
        "{signed}.{}",
        base64url(thief.sign_fixed(signed.as_bytes()).unwrap())
    );
    refused(shown.says(&forged), "signature");
    let other = dpop::proof(&shown.night.laptop, "POST", URL, "another", night()).unwrap();
    refused(shown.says(&other), "another token");
}

#[test]
fn every_bit_of_a_proof_counts() {
    let shown = Shown::new();
    let proof = shown.proof();
    for place in 0..proof.len() {
        for bit in 0..7 {
            let mut bytes = proof.clone().into_bytes();
            bytes[place] ^= 1 << bit;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(shown.says(&changed).is_err(), "byte {place}, bit {bit}");
        }
    }
    assert_eq!(shown.says(&proof), Ok(()));
}

#[test]
fn no_other_header_is_taken() {
    let shown = Shown::new();
    let claims = shown.claims().to_string();
    let mut private = shown.header();
    private["jwk"]["d"] = json!("AAAA");
    for (pointer, value) in [
        ("/alg", json!("none")),
        ("/alg", json!("HS256")),
        ("/alg", json!("RS256")),
        ("/typ", json!("JWT")),
        ("/jwk", json!(null)),
        ("/jwk", json!({"kty": "oct", "k": "AAAA"})),
        ("/jwk/kty", json!("OKP")),
        ("/jwk/crv", json!("P-384")),
        ("/jwk/x", json!("AAAA")),
        ("/jwk/x", json!(base64url([0; 32]))),
    ] {
        let mut header = shown.header();
        *header.pointer_mut(pointer).unwrap() = value;
        assert!(
            shown.says(&shown.signs(&header, &claims)).is_err(),
            "{header}"
        );
    }
    let mut critical = shown.header();
    critical["crit"] = json!(["exp"]);
    for header in [private, critical, json!({}), json!(7)] {
        assert!(
            shown.says(&shown.signs(&header, &claims)).is_err(),
            "{header}"
        );
    }
    // A token is no proof of itself.
    refused(shown.says(&shown.token), "header");
    assert_eq!(shown.says(&shown.signs(&shown.header(), &claims)), Ok(()));
}

#[test]
fn every_claim_of_a_proof_is_demanded_and_typed() {
    let shown = Shown::new();
    let header = shown.header();
    for name in ["jti", "htm", "htu", "iat", "ath"] {
        let mut claims = shown.claims();
        claims.as_object_mut().unwrap().remove(name);
        refused(
            shown.says(&shown.signs(&header, &claims.to_string())),
            "a claim",
        );
    }
    for (name, value) in [
        ("iat", json!(night().as_second().to_string())),
        ("iat", json!(1.5)),
        ("iat", json!(i64::MAX)),
        ("jti", json!("")),
        ("jti", json!("j".repeat(129))),
        ("jti", json!(7)),
        ("ath", json!("")),
        ("ath", json!("AAAA")),
        ("htm", json!(["POST"])),
        ("htu", json!("https://mia@deploy.shop.example/deploys")),
    ] {
        let mut claims = shown.claims();
        claims[name] = value;
        let answer = shown.says(&shown.signs(&header, &claims.to_string()));
        assert_eq!(answer.unwrap_err().reason(), "PROOF", "{claims}");
    }
    let claims = shown
        .claims()
        .to_string()
        .replacen('{', r#"{"jti":"x","#, 1);
    refused(shown.says(&shown.signs(&header, &claims)), "a claim");
    refused(shown.says(&"a".repeat(8_193)), "8 KiB");
}

/// What the laptop's key signs for a proof is never a statement, nor the other way round.
#[test]
fn a_proof_is_no_statement() {
    let proof = Shown::new().proof();
    let (signed, _) = proof.rsplit_once('.').unwrap();
    assert!(breakglass_proto::statement::Statement::parse(signed).is_err());
    assert!(
        !signed.contains([' ', '/', '\n']),
        "as every statement does"
    );
}
