//! What is carried in each kind of credential, and the bytes that never change.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use breakglass_domain::event::CredentialKind;
use breakglass_domain::{Change, Line, Subject};
use breakglass_tlog::{Ed25519Signer, KeyName, NoteSigner as _, TlogProof};
use serde_json::Value;

use super::*;
use crate::issue::tests::{
    ORIGIN, announcement, folder, jwt_issuer, line, order, recorded, witnessed,
};
use crate::issue::{JwtIssuer, key_id};
use crate::ports::Issuer as _;

/// The base point of P-256 (SEC 2 section 2.4.2), so that nothing here is by chance.
pub(in crate::issue) fn base_point() -> Vec<u8> {
    let x = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
    let y = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let hex = format!("04{x}{y}");
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn mias() -> CredentialOrder {
    CredentialOrder {
        public: base_point(),
        ..order()
    }
}

fn proven(receipt: &Receipt, order: &CredentialOrder) -> TlogProof {
    TlogProof::parse(&entry_proof(receipt, order).unwrap()).unwrap()
}

fn claims(issuer: &JwtIssuer, order: &CredentialOrder) -> (usize, Value) {
    let receipt = recorded(&announcement(order));
    let token = issuer.issue(&receipt, order).unwrap().value;
    let payload = token.split('.').nth(1).unwrap();
    let claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap());
    (token.len(), claims.unwrap())
}

/// A golden: what was written once is read by guards for years. It stands in docs/ledger-format.md.
#[test]
fn a_proof_never_changes() {
    let order = mias();
    let proof = entry_proof(&recorded(&announcement(&order)), &order).unwrap();
    insta::assert_snapshot!("tlog_proof", proof);
    let documented = include_str!("../../../../docs/ledger-format.md");
    assert!(documented.contains(&proof), "the documentation has another");
}

#[test]
fn a_proof_holds_the_entry_and_leads_to_the_ledgers_signature() {
    let order = mias();
    let receipt = recorded(&announcement(&order));
    let proof = proven(&receipt, &order);
    let entry = proof.extra.clone().unwrap();
    assert_eq!(entry, receipt.entry());
    let key = Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[7; 32]).unwrap();
    assert_eq!(proof.receipt(entry, key.verifier()).unwrap(), receipt);
}

#[test]
fn where_witnesses_had_to_sign_the_proof_is_under_what_they_signed() {
    let mut order = mias();
    let receipt = recorded(&announcement(&order));
    order.witnessed = witnessed(receipt.checkpoint().note(), &receipt);
    let note = order.witnessed.as_ref().unwrap().cosigned.note().to_owned();
    assert_ne!(note, receipt.checkpoint().note());
    let proof = proven(&receipt, &order);
    assert_eq!(proof.checkpoint, note);
    assert!(proof.to_string().contains("\n— witness.example/otto "));

    // And not where the entry is not in there.
    order.witnessed.as_mut().unwrap().inclusion.hashes.reverse();
    order.witnessed.as_mut().unwrap().inclusion.hashes.pop();
    let refused = entry_proof(&receipt, &order);
    assert!(matches!(refused, Err(IssueError::WrongReceipt)));
}

#[test]
fn a_token_that_would_be_too_long_for_headers_goes_without_and_is_as_it_was_before() {
    let (_temporary, keys) = folder();
    let issuer = jwt_issuer(&keys);
    let with_groups = |count: usize| {
        let groups =
            (0..count).map(|n| line(&format!("a-group-with-a-name-of-40-bytes-or-so-{n:02}")));
        let subject = Subject::Bearer {
            groups: groups.collect::<Vec<Line>>(),
        };
        claims(&issuer, &CredentialOrder { subject, ..mias() })
    };
    let (length, claims) = with_groups(31);
    assert!(claims["tlog_proof"].is_string(), "{length} bytes");
    assert!(length <= MOST_WITH_PROOF);
    let (length, claims) = with_groups(60);
    assert!(length <= MOST_WITH_PROOF);
    assert!(claims.get("tlog_proof").is_none() && claims["cnf"].get("jwk").is_none());
    assert_eq!(claims["groups"].as_array().unwrap().len(), 60);
}

#[test]
fn the_key_in_the_token_is_the_one_that_the_entry_names() {
    let (_temporary, keys) = folder();
    let (_, claims) = claims(&jwt_issuer(&keys), &mias());
    let coordinate = |name: &str| {
        let text = claims["cnf"]["jwk"][name].as_str().unwrap();
        URL_SAFE_NO_PAD.decode(text).unwrap()
    };
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    assert_eq!(point, base_point());
    let Change::CredentialIssued { key, kind, .. } = announcement(&mias()).change else {
        panic!("another entry");
    };
    assert_eq!((key_id(&point), CredentialKind::Jwt), (key, kind));
}
