//! The signatures in plain Python say what `ring` says, also of what is no signature.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::json;

/// Order of P-256's base point (SEC 2, section 2.4.2), and of Ed25519's (RFC 8032, section 5.1).
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const ED_ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

struct Case {
    curve: &'static str,
    name: String,
    key: Vec<u8>,
    text: Vec<u8>,
    signature: Vec<u8>,
}

impl Case {
    fn holds(&self) -> bool {
        let algorithm: &dyn VerificationAlgorithm = match self.curve {
            "p256" => &ECDSA_P256_SHA256_ASN1,
            _ => &ED25519,
        };
        let key = UnparsedPublicKey::new(algorithm, &self.key);
        key.verify(&self.text, &self.signature).is_ok()
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = (0..hex.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// A sequence of two integers as DER has it; `extra` zeros before each that it should not have.
fn der(r: &[u8], s: &[u8], extra: usize) -> Vec<u8> {
    let integer = |value: &[u8]| {
        let start = value.iter().position(|byte| *byte != 0);
        let mut value = value[start.unwrap_or(value.len() - 1)..].to_vec();
        if value[0] >= 0x80 {
            value.insert(0, 0);
        }
        value.splice(0..0, vec![0; extra]);
        [vec![2, value.len() as u8], value].concat()
    };
    let inner = [integer(r), integer(s)].concat();
    [vec![0x30, inner.len() as u8], inner].concat()
}

/// The two numbers of a signature.
fn numbers(signature: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let first = 4 + usize::from(signature[3]);
    (
        signature[4..first].to_vec(),
        signature[first + 2..].to_vec(),
    )
}

/// `order - number`, big-endian: the other signature that the same equation takes.
fn negated(number: &[u8]) -> Vec<u8> {
    let order = bytes(ORDER);
    let number = &number[number.len().saturating_sub(32)..];
    let number = [vec![0; 32 - number.len()], number.to_vec()].concat();
    let (mut out, mut borrow) = (vec![0; 32], 0);
    for at in (0..32).rev() {
        let left = i32::from(order[at]) - i32::from(number[at]) - borrow;
        borrow = i32::from(left < 0);
        out[at] = (left + 256 * borrow) as u8;
    }
    out
}

fn of_people(cases: &mut Vec<Case>) {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    for round in 0..12 {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        let key = pair.public_key().as_ref().to_vec();
        let text = format!("breakglass/v1 note {round}").into_bytes();
        let signature = pair.sign(&random, &text).unwrap().as_ref().to_vec();
        let mut add = |name: &str, key: &[u8], text: &[u8], signature: Vec<u8>| {
            cases.push(Case {
                curve: "p256",
                name: format!("{name} {round}"),
                key: key.to_vec(),
                text: text.to_vec(),
                signature,
            });
        };
        let (r, s) = numbers(&signature);
        let (zero, order) = (vec![0], bytes(ORDER));
        add("right", &key, &text, signature.clone());
        add("other text", &key, b"other", signature.clone());
        add("the other s", &key, &text, der(&r, &negated(&s), 0));
        add("r is zero", &key, &text, der(&zero, &s, 0));
        add("s is zero", &key, &text, der(&r, &zero, 0));
        add("r is the order", &key, &text, der(&order, &s, 0));
        add("s is the order", &key, &text, der(&r, &order, 0));
        add("longer numbers", &key, &text, der(&r, &s, 1));
        add(
            "a byte behind",
            &key,
            &text,
            [signature.clone(), vec![0]].concat(),
        );
        add("nothing", &key, &text, Vec::new());
        add(
            "half",
            &key,
            &text,
            signature[..signature.len() / 2].to_vec(),
        );
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1 << (round % 8);
            add(&format!("byte {at}"), &key, &text, changed);
        }
        let mut off = key.clone();
        off[64] ^= 1;
        add("no point", &off, &text, signature.clone());
        let compressed = [vec![2 + (key[64] & 1)], key[1..33].to_vec()].concat();
        add("a compressed point", &compressed, &text, signature.clone());
        add("a short key", &key[..64], &text, signature);
    }
}

fn of_ledgers(cases: &mut Vec<Case>) {
    for round in 0..4_u8 {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[round; 32]).unwrap();
        let key = pair.public_key().as_ref().to_vec();
        let text = vec![round; 40];
        let signature = pair.sign(&text).as_ref().to_vec();
        let mut add = |name: &str, key: &[u8], text: &[u8], signature: Vec<u8>| {
            cases.push(Case {
                curve: "ed25519",
                name: format!("{name} {round}"),
                key: key.to_vec(),
                text: text.to_vec(),
                signature,
            });
        };
        add("right", &key, &text, signature.clone());
        add("other text", &key, b"other", signature.clone());
        add("short", &key, &text, signature[..63].to_vec());
        for at in (0..64).step_by(3) {
            let mut changed = signature.clone();
            changed[at] ^= 1 << (round % 8);
            add(&format!("byte {at}"), &key, &text, changed);
        }
        // RFC 8032, section 5.1.7: S is below the order, or there would be another signature.
        let (mut larger, mut carry) = (signature.clone(), 0_u16);
        for (at, byte) in bytes(ED_ORDER).into_iter().enumerate() {
            let sum = u16::from(signature[32 + at]) + u16::from(byte) + carry;
            (larger[32 + at], carry) = (sum as u8, sum >> 8);
        }
        add("S and the order", &key, &text, larger);
        add("no point", &[0xff; 32], &text, signature);
    }
}

const PYTHON: &str = r#"
import base64, json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from verify_keys import PersonKey, ed_has_signed
for line in sys.stdin:
    case = {name: base64.b64decode(text) for name, text in json.loads(line).items() if name != "curve"}
    try:
        key, signature, text = case["key"], case["signature"], case["text"]
        is_p256 = json.loads(line)["curve"] == "p256"
        holds = PersonKey(key).has_signed(signature, text) if is_p256 else ed_has_signed(key, signature, text)
    except ValueError:
        holds = False
    print("yes" if holds else "no")
"#;

#[test]
fn plain_python_and_ring_agree() {
    let mut cases = Vec::new();
    of_people(&mut cases);
    of_ledgers(&mut cases);
    let mut python = Command::new("/usr/bin/python3")
        .args(["-c", PYTHON, env!("CARGO_MANIFEST_DIR")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = python.stdin.take().unwrap();
    let lines: String = cases
        .iter()
        .map(|case| {
            let [key, text, signature] =
                [&case.key, &case.text, &case.signature].map(|bytes| STANDARD.encode(bytes));
            let line =
                json!({"curve": case.curve, "key": key, "text": text, "signature": signature});
            format!("{line}\n")
        })
        .collect();
    let writing = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    let told = python.wait_with_output().unwrap();
    writing.join().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let verdicts: Vec<_> = told.lines().collect();
    assert_eq!(verdicts.len(), cases.len());
    let mut right = 0;
    for (case, verdict) in cases.iter().zip(verdicts) {
        let holds = case.holds();
        right += u32::from(holds);
        assert_eq!(verdict == "yes", holds, "{}: {}", case.curve, case.name);
    }
    assert!(right >= 28, "what is right is taken: {right}");
}
