//! Who is believed. Signatures here are made by `ring` from the secrets' own bytes.

use http::{HeaderName, HeaderValue};
use ring::hmac;

use super::*;

const BODY: &[u8] = b"{\"event\":{}}";

fn secrets(names: &[&str]) -> Vec<Secret> {
    let make = |name: &&str| Secret::new(format!(" {name}-0123456789abcdef\n").as_bytes()).unwrap();
    names.iter().map(make).collect()
}

fn signed(name: &str, parts: &[&[u8]]) -> String {
    let key = hmac::Key::new(
        hmac::HMAC_SHA256,
        format!("{name}-0123456789abcdef").as_bytes(),
    );
    let tag = hmac::sign(&key, &parts.concat());
    tag.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn believed(kind: SourceKind, headers: &[(&'static str, String)], names: &[&str]) -> bool {
    proven(kind, headers, names).is_ok()
}

fn proven(
    kind: SourceKind,
    headers: &[(&'static str, String)],
    names: &[&str],
) -> Result<Proven, Unproven> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        map.insert(HeaderName::from_static(name), value);
    }
    let arrived = Arrived {
        source: &"pager".parse().unwrap(),
        headers: &map,
        body: BODY,
    };
    let proven = prove(kind, &arrived, &secrets(names));
    assert!(
        has_proof(kind, &map) || proven.is_err(),
        "what proves is not overlooked"
    );
    proven
}

#[test]
fn one_of_several_signatures_by_one_of_two_secrets_is_enough() {
    let (old, new) = (signed("old", &[BODY]), signed("new", &[BODY]));
    let pagerduty = |value: String| {
        let headers = [(PAGERDUTY, value)];
        believed(SourceKind::PagerDuty, &headers, &["old", "new"])
    };
    assert!(pagerduty(format!("v1={old}")));
    assert!(pagerduty(format!("v1={new}")));
    assert!(pagerduty(format!("v1={},v1={new}", "0".repeat(64))));
    assert!(pagerduty(format!("v2=abc, v1={old}")));
    for wrong in [
        String::new(),
        "v1=".into(),
        new.clone(),
        format!("v2={new}"),
        format!("v1={}", &new[..62]),
        format!("v1={}ü", &new[..62]),
        format!("v1={new}00"),
        format!("v1={}", signed("other", &[BODY])),
        format!("v1={}", signed("new", &[b"another body"])),
        format!("{}v1={new}", "v1=00,".repeat(SIGNATURES)),
    ] {
        assert!(!pagerduty(wrong.clone()), "{wrong}");
    }
    let headers = [(PAGERDUTY, format!("v1={new}"))];
    assert!(
        !believed(SourceKind::PagerDuty, &headers, &[]),
        "no secret, no source"
    );
}

#[test]
fn a_token_is_the_secret_and_nothing_near_it() {
    let bearer = |value: &str| {
        let headers = [("authorization", value.to_owned())];
        believed(SourceKind::Alertmanager, &headers, &["old", "new"])
    };
    assert!(bearer("Bearer new-0123456789abcdef"));
    assert!(bearer("bearer old-0123456789abcdef"));
    for wrong in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer new-0123456789abcde",
        "Bearer new-0123456789abcdef\u{e4}",
        "Bearer NEW-0123456789ABCDEF",
        "Basic new-0123456789abcdef",
        "new-0123456789abcdef",
    ] {
        assert!(!bearer(wrong), "{wrong}");
    }
}

#[test]
fn grafana_signs_a_time_and_its_signature_tells_a_delivery_from_others() {
    let sent = |signature: String, time: Option<&str>| {
        let mut headers = vec![(GRAFANA, signature)];
        headers.extend(time.map(|time| (GRAFANA_TIME, time.to_owned())));
        proven(SourceKind::Grafana, &headers, &["new"])
    };
    let at = |time: &str| signed("new", &[time.as_bytes(), b":", BODY]);
    let good = sent(at("1795000000"), Some("1795000000")).unwrap();
    assert_eq!(good.signed_at, Some(Time::from_millis(1_795_000_000_000)));
    assert_eq!(good.nonce, Some(at("1795000000")));
    // Hex is hex: nobody gets a second delivery out of writing it in another way.
    let loud = sent(at("1795000000").to_uppercase(), Some("1795000000"));
    assert_eq!(loud, Ok(good));
    for (what, signature, time) in [
        ("the body alone is signed", signed("new", &[BODY]), None),
        ("the time is not sent", at("1795000000"), None),
        ("another time", at("1795000000"), Some("1795000001")),
        ("no time", at("soon"), Some("soon")),
    ] {
        assert_eq!(sent(signature, time), Err(Unproven), "{what}");
    }
}

#[test]
fn our_form_signs_the_source_the_time_and_the_nonce() {
    let (time, nonce) = ("1795000000", "0123456789abcdef");
    let head = |source: &str, time: &str, nonce: &str| {
        format!("glass-hook v1\n{source}\n{time}\n{nonce}\n").into_bytes()
    };
    let sent = |signature: &str, time: &str, nonce: &str| {
        let headers = [
            (SIGNATURE, format!("v1={signature}")),
            (TIMESTAMP, time.to_owned()),
            (NONCE, nonce.to_owned()),
        ];
        believed(SourceKind::Webhook, &headers, &["new"])
    };
    let good = signed("new", &[&head("pager", time, nonce), BODY]);
    assert!(sent(&good, time, nonce));
    assert!(!sent(&good, "1795000001", nonce));
    assert!(!sent(&good, time, "0123456789abcdeg"));
    for (source, time, nonce) in [
        ("other", time, nonce),
        ("pager", "-1", nonce),
        ("pager", "99999999999", nonce),
        ("pager", "soon", nonce),
        ("pager", time, "short"),
        ("pager", time, &*"n".repeat(DELIVERY_MAX + 1)),
    ] {
        let signature = signed("new", &[&head(source, time, nonce), BODY]);
        assert!(!sent(&signature, time, nonce), "{source} {time} {nonce}");
    }
}

#[test]
fn a_secret_is_long_enough_and_is_not_shown() {
    assert!(Secret::new(b"0123456789abcde\n\n").is_err());
    let secret = Secret::new(b"0123456789abcdef").unwrap();
    assert_eq!(format!("{secret:?}"), "Secret");
}
