//! Verifiers that cannot be, and key sets that are none.

use super::*;

#[test]
fn a_verifier_without_keys_or_with_a_slip_is_refused() {
    let key = IssuingKey::named("one");
    let jwks = set(&[&key]);
    let builder = || Verifier::builder(ISSUER, AUDIENCE);
    assert!(builder().keys(&jwks).build().is_ok());
    let says = |builder: Builder| builder.build().unwrap_err().to_string();
    assert!(says(builder()).contains("jwks.json"));
    assert!(says(builder().keys(r#"{"keys":[]}"#)).contains("no key for ES256"));
    assert!(says(builder().keys("<html>")).contains("not a JWK set"));
    assert!(says(Verifier::builder("", AUDIENCE).keys(&jwks)).contains("issuer is empty"));
    assert!(says(Verifier::builder(ISSUER, "").keys(&jwks)).contains("audience is empty"));
    assert!(says(builder().keys(&jwks).right("deploy shop")).contains("`deploy shop`"));
    let leeway = Duration::from_secs(61);
    assert_eq!(
        says(builder().keys(&jwks).leeway(leeway)),
        "the leeway is 1m at most"
    );
    let long = Duration::from_secs(3_601);
    assert!(says(builder().keys(&jwks).fresh_for(long)).ends_with("is 1h at most"));
}

#[test]
fn a_set_may_have_keys_for_somebody_else() {
    let key = IssuingKey::named("one");
    let mut for_encryption = IssuingKey::named("two").jwk();
    for_encryption["use"] = json!("enc");
    let mut bare = IssuingKey::named("three").jwk();
    bare.as_object_mut().unwrap().remove("use");
    bare.as_object_mut().unwrap().remove("alg");
    let set = json!({"keys": [
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa"},
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA", "kid": "other"},
        for_encryption, key.jwk(), bare,
    ]});
    let keys = Keys::parse(&set.to_string()).unwrap();
    let known = ["rsa", "other", "two", "one", "three"].map(|kid| keys.point(kid).is_some());
    assert_eq!(known, [false, false, false, true, true]);
}

#[test]
fn what_is_no_key_set_is_refused() {
    let good = IssuingKey::named("one").jwk();
    let with = |name: &str, value: Value| {
        let mut key = good.clone();
        key[name] = value;
        Keys::parse(&json!({"keys": [key]}).to_string())
    };
    for (name, value) in [
        ("x", json!("AAAA")),
        ("x", json!("")),
        ("y", json!(null)),
        ("kid", json!(null)),
        ("kid", json!("")),
        ("kid", json!("k".repeat(129))),
    ] {
        assert_eq!(
            with(name, value.clone()),
            Err(KeysError::Key),
            "{name}: {value}"
        );
    }
    assert_eq!(with("kid", json!(7)), Err(KeysError::Malformed));
    let parse = |value: Value| Keys::parse(&value.to_string());
    assert_eq!(parse(json!({"keys": [good, good]})), Err(KeysError::Twice));
    assert_eq!(parse(json!({})), Err(KeysError::Malformed));
    assert_eq!(parse(json!([good])), Err(KeysError::Malformed));
    let other = json!({"kty": "RSA"});
    assert_eq!(
        parse(json!({"keys": vec![other; 101]})),
        Err(KeysError::TooLarge)
    );
    assert_eq!(
        Keys::parse(&" ".repeat(65 * 1024)),
        Err(KeysError::TooLarge)
    );
}

/// A key whose point is not on the curve is only found out when it is used, and verifies nothing.
#[test]
fn a_point_off_the_curve_verifies_nothing() {
    let night = Night::begins();
    let mut key = night.key.jwk();
    key["y"] = json!(base64url([7; 32]));
    let keys = Keys::parse(&json!({"keys": [key]}).to_string()).unwrap();
    night.verifier.replace_keys(keys);
    assert_eq!(night.says(&night.token()), Err(Denied::Signature));
}

/// The key and the `jkt` of RFC 9449 section 6.1.
#[test]
fn a_thumbprint_is_the_one_the_rfc_prints() {
    let x = "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs";
    let y = "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA";
    let point = keys::point(x, y).unwrap();
    let jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    assert_eq!(thumbprint(&point).as_deref(), Some(jkt));
    assert_eq!(thumbprint(&point[1..]), None);
}

#[test]
fn nothing_secret_is_shown() {
    let night = Night::begins();
    let shown = format!("{:?}", night.verifier);
    assert!(
        shown.contains(AUDIENCE) && !shown.contains("keys"),
        "{shown}"
    );
}
