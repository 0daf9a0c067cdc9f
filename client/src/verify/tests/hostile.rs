//! Tokens that somebody made or changed to get in.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use ring::hmac;
use ring::signature::KeyPair as _;

use super::*;

#[test]
fn every_bit_counts() {
    let night = Night::begins();
    let token = night.token();
    for place in 0..token.len() {
        for bit in 0..8 {
            let mut bytes = token.clone().into_bytes();
            bytes[place] ^= 1 << bit;
            // What is no text cannot be asked about.
            let Ok(changed) = String::from_utf8(bytes) else {
                continue;
            };
            assert!(night.says(&changed).is_err(), "byte {place}, bit {bit}");
        }
    }
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    let night = Night::begins();
    let token = night.token();
    for end in 0..token.len() {
        assert!(night.says(&token[..end]).is_err(), "the first {end}");
        assert!(
            night.says(&token[end + 1..]).is_err(),
            "all but the first {end}"
        );
    }
    for changed in [
        format!("{token}="),
        format!("{token}A"),
        format!("{token}."),
        format!("{token}.AAAA"),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{token}\0"),
        token.replace('.', ".."),
        token.replacen('.', ",", 1),
        String::new(),
        "..".into(),
        ".".repeat(16_000),
    ] {
        assert!(night.says(&changed).is_err(), "{changed:?}");
    }
}

#[test]
fn a_huge_token_is_not_even_looked_at() {
    let night = Night::begins();
    let groups = vec!["g".repeat(400); 100];
    let huge = night.token_with(json!({"groups": groups}));
    assert!(huge.len() > limits::MAX_TOKEN_BYTES);
    assert_eq!(night.says(&huge), Err(Denied::TooLarge));
    assert_eq!(night.says(&"a".repeat(50 << 20)), Err(Denied::TooLarge));
    let edge = "a".repeat(limits::MAX_TOKEN_BYTES);
    assert_eq!(night.says(&edge).unwrap_err().reason(), "MALFORMED");
    // The deepest nesting that fits.
    let deep = night
        .key
        .signs_text(&night.key.header().to_string(), &"[".repeat(11_000));
    assert_eq!(night.says(&deep).unwrap_err().reason(), "MALFORMED");
}

#[test]
fn no_other_algorithm_is_spoken() {
    let night = Night::begins();
    let claims = night.claims().to_string();
    for alg in [
        json!("none"),
        json!("None"),
        json!("HS256"),
        json!("RS256"),
        json!("PS256"),
        json!("ES384"),
        json!("EdDSA"),
        json!("es256"),
        json!("ES256 "),
        json!(""),
        json!(null),
        json!(256),
        json!(["ES256"]),
    ] {
        let header = json!({"typ": "JWT", "alg": alg, "kid": "one"}).to_string();
        // Well signed all the same: it is the word that is refused.
        let denied = night
            .says(&night.key.signs_text(&header, &claims))
            .unwrap_err();
        assert!(
            ["ALGORITHM", "MALFORMED"].contains(&denied.reason()),
            "{alg}: {denied}"
        );
        let unsigned = format!("{}.{}.", base64url(&header), base64url(&claims));
        assert!(night.says(&unsigned).is_err(), "{alg}");
    }
}

/// The classic confusion: the public key as the secret of an HMAC.
#[test]
fn a_public_key_is_no_shared_secret() {
    let night = Night::begins();
    let claims = base64url(night.claims().to_string());
    let point = night.key.pair.public_key().as_ref();
    let jwk = night.key.jwk().to_string();
    for secret in [point, jwk.as_bytes()] {
        for alg in ["HS256", "ES256"] {
            let header = json!({"typ": "JWT", "alg": alg, "kid": "one"}).to_string();
            let signed = format!("{}.{claims}", base64url(header));
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            let tag = hmac::sign(&key, signed.as_bytes());
            let token = format!("{signed}.{}", base64url(tag));
            assert!(night.says(&token).is_err(), "{alg}");
        }
    }
}

#[test]
fn a_token_cannot_bring_its_own_key() {
    let (night, forger) = (Night::begins(), IssuingKey::named("one"));
    for (name, value) in [
        ("jwk", forger.jwk()),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("anything", json!(1)),
    ] {
        let mut header = night.key.header();
        header[name] = value;
        let claims = night.claims().to_string();
        for key in [&forger, &night.key] {
            let token = key.signs_text(&header.to_string(), &claims);
            assert_eq!(
                night.says(&token).unwrap_err().reason(),
                "MALFORMED",
                "{name}"
            );
        }
    }
}

#[test]
fn a_header_that_is_not_ours_is_refused() {
    let night = Night::begins();
    let claims = night.claims().to_string();
    for header in [
        json!({"alg": "ES256", "kid": "one"}),
        json!({"typ": "JWT", "alg": "ES256"}),
        json!({"typ": "jwt", "alg": "ES256", "kid": "one"}),
        json!({"typ": "dpop+jwt", "alg": "ES256", "kid": "one"}),
        json!({"typ": "JWT", "alg": "ES256", "kid": 1}),
        json!({"typ": "JWT", "alg": "ES256", "kid": ["one"]}),
        json!([]),
        json!("ES256"),
    ] {
        let token = night.key.signs_text(&header.to_string(), &claims);
        assert!(night.says(&token).is_err(), "{header}");
    }
    for kid in ["two", "", "ONE", "one ", "../one", "' OR 1=1"] {
        let header = json!({"typ": "JWT", "alg": "ES256", "kid": kid}).to_string();
        let token = night.key.signs_text(&header, &claims);
        assert_eq!(night.says(&token), Err(Denied::UnknownKey), "{kid}");
    }
}

#[test]
fn every_claim_is_demanded() {
    let night = Night::begins();
    for name in [
        "iss", "sub", "aud", "iat", "nbf", "exp", "jti", "incident", "grant", "right", "sentence",
        "cnf", "ledger",
    ] {
        let token = night.token_with(json!({name: null}));
        assert_eq!(night.says(&token), Err(Denied::Claim(name)));
    }
}

/// CVE-2026-25537 of jsonwebtoken 9: a text counted as "no such claim".
#[test]
fn times_are_whole_numbers() {
    let night_ = Night::begins();
    let end = night().as_second() + 900;
    for name in ["exp", "nbf", "iat"] {
        for value in [
            json!(end.to_string()),
            json!("9999999999"),
            json!(""),
            json!(true),
            json!([end]),
            json!({"s": end}),
            json!(1.5),
            json!(9e30),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(i64::MAX),
        ] {
            let denied = night_
                .says(&night_.token_with(json!({name: value})))
                .unwrap_err();
            assert_eq!(denied, Denied::Claim(name), "{name}: {value}");
        }
    }
    for name in ["exp", "nbf"] {
        let claims = night_.claims().to_string();
        let number = night_.claims()[name].to_string();
        let text = claims.replacen(
            &format!("\"{name}\":{number}"),
            &format!("\"{name}\":null"),
            1,
        );
        let token = night_
            .key
            .signs_text(&night_.key.header().to_string(), &text);
        assert_eq!(night_.says(&token), Err(Denied::Claim(name)));
    }
}

#[test]
fn what_a_claim_says_has_its_form() {
    let night = Night::begins();
    for (changes, claim) in [
        (json!({"sub": "mia\r\nX-Admin: yes"}), "sub"),
        (json!({"sub": ""}), "sub"),
        (json!({"sub": "m\u{e9}a"}), "sub"),
        (json!({"sub": "a".repeat(65)}), "sub"),
        (json!({"sub": ["mia"]}), "sub"),
        (json!({"right": "deploy shop"}), "right"),
        (json!({"incident": "INC-12\u{0}"}), "incident"),
        (json!({"jti": "G-46.1"}), "jti"),
        (json!({"jti": "G-45"}), "jti"),
        (json!({"jti": "G-45."}), "jti"),
        (json!({"jti": "G-45.1.1"}), "jti"),
        (json!({"sentence": "deploy\u{1b}[2J"}), "sentence"),
        (json!({"sentence": ""}), "sentence"),
        (json!({"sentence": "x".repeat(501)}), "sentence"),
        (json!({"cnf": {"jkt": "short"}}), "cnf"),
        (json!({"groups": ["a\nb"]}), "groups"),
        (json!({"groups": vec!["g"; 101]}), "groups"),
    ] {
        assert_eq!(
            night.says(&night.token_with(changes)),
            Err(Denied::Claim(claim))
        );
    }
    for changes in [
        json!({"aud": [AUDIENCE]}),
        json!({"aud": [AUDIENCE, "https://other.example"]}),
        json!({"cnf": {}}),
        json!({"cnf": {"jkt": 1}}),
        json!({"cnf": "jkt"}),
        json!({"ledger": {"origin": ORIGIN}}),
        json!({"ledger": {"origin": ORIGIN, "index": "41"}}),
        json!({"ledger": {"origin": ORIGIN, "index": -1}}),
        json!({"groups": "shop-readers"}),
    ] {
        let token = night.token_with(changes.clone());
        assert!(night.says(&token).is_err(), "{changes}");
    }
}

#[test]
fn a_member_that_stands_twice_is_refused() {
    let night = Night::begins();
    let (header, claims) = (night.key.header().to_string(), night.claims().to_string());
    for (name, value) in [
        ("exp", "9999999999"),
        ("aud", "\"https://deploy.shop.example\""),
        ("sub", "\"founder\""),
        ("cnf", "{\"jkt\":\"x\"}"),
        ("\\u0065xp", "9999999999"),
    ] {
        let front = claims.replacen('{', &format!("{{\"{name}\":{value},"), 1);
        let back = format!("{},\"{name}\":{value}}}", &claims[..claims.len() - 1]);
        for twice in [front, back] {
            let token = night.key.signs_text(&header, &twice);
            assert!(night.says(&token).is_err(), "{twice}");
        }
    }
    let twice = header.replacen('{', r#"{"alg":"ES256","#, 1);
    assert!(night.says(&night.key.signs_text(&twice, &claims)).is_err());
}

#[test]
fn signatures_of_a_strange_form_are_refused() {
    let night = Night::begins();
    let token = night.token();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let good = URL_SAFE_NO_PAD.decode(signature).unwrap();
    for bytes in [
        vec![],
        vec![0; 64],
        vec![0xff; 64],
        good[..63].to_vec(),
        [&good[..], &[0]].concat(),
        [&good[32..], &good[..32]].concat(),
        // "Psychic signatures" (CVE-2022-21449): r and s of nothing, or the order of the curve.
        [vec![0; 32], good[32..].to_vec()].concat(),
        [good[..32].to_vec(), vec![0; 32]].concat(),
    ] {
        let changed = format!("{signed}.{}", base64url(&bytes));
        assert_eq!(night.says(&changed), Err(Denied::Signature), "{bytes:?}");
    }
}

proptest! {
    /// Whatever comes, it is refused, and nothing falls over.
    #[test]
    fn nonsense_is_refused(text in "\\PC{0,200}", parts in prop::collection::vec(".*", 0..5)) {
        let night = Night::begins();
        prop_assert!(night.says(&text).is_err());
        let joined = parts.iter().map(base64url).collect::<Vec<_>>().join(".");
        prop_assert!(night.says(&joined).is_err());
    }

    /// Parts of two good tokens make no third one.
    #[test]
    fn spliced_tokens_are_refused(cut in 0_usize..2_000, other_cut in 0_usize..2_000) {
        let night = Night::begins();
        let (first, second) = (night.token(), night.token_with(json!({"sub": "leon"})));
        let spliced = format!(
            "{}{}",
            &first[..cut.min(first.len())],
            &second[other_cut.min(second.len())..]
        );
        let is_whole = spliced == first || spliced == second;
        prop_assert_eq!(night.says(&spliced).is_ok(), is_whole);
    }

    /// A well-signed payload that is anything but ours is refused too.
    #[test]
    fn signed_nonsense_is_refused(payload in "\\PC{0,300}") {
        let night = Night::begins();
        let header = night.key.header().to_string();
        prop_assert!(night.says(&night.key.signs_text(&header, &payload)).is_err());
    }
}
