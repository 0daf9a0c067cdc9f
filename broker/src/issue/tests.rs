//! Stories of what is issued, and of what is not without its entry.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use breakglass_domain::event::{Actor, Change, CredentialKind};
use breakglass_domain::grant::{Active, Basis, GrantRef, Phase};
use breakglass_domain::policy::Risk;
use breakglass_domain::{
    CredentialId, Event, Grant, GrantId, IncidentId, Lifetime, Line, Subject, Time, WitnessWord,
};
use breakglass_tlog::{
    Checkpoint, CosignatureSigner, Cosigned, Ed25519Signer, Hash, KeyName, NoteSigner as _, Quorum,
    Receipt, SignedCheckpoint, StoredHashes, tree,
};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use x509_parser::prelude::*;

use super::entry_proof::entry_proof;
use super::keys::{KeyFolder, Keyring, Rotation, thumbprint};
use super::{Ca, JwtIssuer, ServerIdentity, discovery, jwks, key_id};
use crate::ledger::entry;
use crate::ports::{
    Authority, CertificateOrder, CredentialOrder, Entropy, IssueError, Issuer as _, Witnessed,
};

pub(super) const ORIGIN: &str = "glass.example/ledger";
const ISSUER: &str = "https://glass.example:7444";

/// Chance that is not chance, and never the same.
pub(super) struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

pub(super) fn entropy() -> Counting {
    Counting(AtomicU8::new(0x81))
}

pub(super) fn at(text: &str) -> Time {
    text.parse().unwrap()
}

pub(super) fn line(text: &str) -> Line {
    Line::parse(text).unwrap()
}

pub(super) fn folder() -> (tempfile::TempDir, KeyFolder) {
    crate::edge::install_crypto();
    let temporary = tempfile::tempdir().unwrap();
    let keys = KeyFolder::create(&temporary.path().join("keys")).unwrap();
    (temporary, keys)
}

pub(super) fn holder() -> Vec<u8> {
    let random = SystemRandom::new();
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random);
    key.unwrap().public_key().as_ref().to_vec()
}

/// A ledger with this event as its third entry.
pub(super) fn recorded(event: &Event) -> Receipt {
    let signer = Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[7; 32]).unwrap();
    let line = entry::encode(2, event).unwrap();
    let mut hashes = StoredHashes::new();
    [b"0".as_slice(), b"1", &line]
        .iter()
        .for_each(|entry| hashes.push(Hash::of_leaf(entry)));
    let head = Checkpoint::new(ORIGIN, 3, tree::tree_hash(3, &hashes).unwrap()).unwrap();
    let signed = Arc::new(SignedCheckpoint::sign(&head, &signer).unwrap());
    let proof = tree::prove_inclusion(2, 3, &hashes).unwrap();
    Receipt::verify(line, proof, &signed).unwrap()
}

/// Mia's grant to deploy the shop app, from five past three for fifteen minutes.
pub(super) fn grant(key: &[u8]) -> Grant {
    let from = at("2026-11-23T03:05:00.000Z");
    Grant {
        of: GrantRef {
            grant: GrantId(45),
            person: "mia".parse().unwrap(),
            right: "deploy-shop".parse().unwrap(),
            incident: IncidentId(12),
            drill: false,
        },
        sentence: line("deploy the shop app"),
        risk: Risk::Low,
        reason: line("revert the flood"),
        length: Lifetime::from_secs(900),
        rule: "engineers-ship".parse().unwrap(),
        approvers: Vec::new(),
        escalation: None,
        escalated_at: None,
        unlock: None,
        requested_at: from,
        lapses_at: from,
        self_grant: None,
        stood_still: Lifetime::ZERO,
        held: true,
        key: Some(key_id(key)),
        audience: line("https://deploy.shop.example"),
        handed: None,
        phase: Phase::Active(Active {
            basis: Basis::FastPath,
            by: Actor::Broker,
            begins_at: from,
            ends_at: from.plus(Lifetime::from_secs(900)),
        }),
        credentials: 1,
        credentials_until: None,
    }
}

pub(super) fn order() -> CredentialOrder {
    let public = holder();
    let grant = grant(&public);
    CredentialOrder {
        id: CredentialId {
            grant: grant.of.grant,
            number: 1,
        },
        at: at("2026-11-23T03:05:00.250Z"),
        expires_at: at("2026-11-23T03:20:00.000Z"),
        public,
        grant,
        subject: Subject::Bearer { groups: Vec::new() },
        witnessed: None,
    }
}

pub(super) fn announcement(order: &CredentialOrder) -> Event {
    announcement_of(CredentialKind::Jwt, order)
}

pub(super) fn announcement_of(kind: CredentialKind, order: &CredentialOrder) -> Event {
    Event {
        at: order.at,
        by: Actor::Person(order.grant.of.person.clone()),
        change: Change::CredentialIssued {
            of: order.grant.of.clone(),
            credential: order.id,
            kind,
            subject: order.subject.clone(),
            audience: order.grant.audience.clone(),
            expires_at: order.expires_at,
            key: key_id(&order.public),
            witnesses: None,
        },
        signed: None,
        drill: false,
    }
}

/// A ring of one key that the ledger names.
fn ring(keys: &KeyFolder) -> Keyring {
    let ring = Keyring::create(keys, at("2026-11-01T00:00:00.000Z")).unwrap();
    let kid = ring.keys().next().unwrap().kid.clone();
    Keyring::recorded(keys, &kid, 1).unwrap()
}

pub(super) fn jwt_issuer(keys: &KeyFolder) -> JwtIssuer {
    let ring = ring(keys);
    JwtIssuer::new(ISSUER.into(), entry::read, ring)
}

#[test]
fn a_token_says_who_what_why_until_when_and_where_it_is_recorded() {
    let (_temporary, keys) = folder();
    let (issuer, order) = (jwt_issuer(&keys), order());
    let credential = issuer
        .issue(&recorded(&announcement(&order)), &order)
        .unwrap();
    let parts: Vec<&str> = credential.value.split('.').collect();
    let json = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let kid = &issuer.keyring().active(order.at).unwrap().kid.clone();
    assert_eq!(
        json(parts[0]),
        format!(r#"{{"typ":"JWT","alg":"ES256","kid":"{kid}"}}"#)
    );
    let jkt = thumbprint(&order.public).unwrap();
    let (x, y) = order.public[1..].split_at(32);
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    let proof = entry_proof(&recorded(&announcement(&order)), &order).unwrap();
    let expected = [
        r#"{"iss":"https://glass.example:7444","sub":"mia","aud":"https://deploy.shop.example","#,
        r#""iat":1795403100,"nbf":1795403040,"exp":1795404000,"jti":"G-45.1","#,
        r#""incident":"INC-12","grant":"G-45","right":"deploy-shop","#,
        r#""sentence":"deploy the shop app","#,
        &format!(
            r#""cnf":{{"jkt":"{jkt}","jwk":{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}}},"#
        ),
        r#""ledger":{"origin":"glass.example/ledger","index":2},"#,
        &format!(r#""tlog_proof":{}}}"#, Value::from(proof)),
    ];
    assert_eq!(json(parts[1]), expected.concat());
    assert_eq!(credential.not_before, at("2026-11-23T03:04:00.250Z"));
    assert_eq!(
        credential.expires_at, order.expires_at,
        "back-dating does not move the end"
    );
    assert_eq!(format!("{credential:?}"), "Credential { .. }");
}

#[test]
fn a_token_of_a_drill_says_so_and_its_entry_did_before() {
    let (_temporary, keys) = folder();
    let (issuer, real) = (jwt_issuer(&keys), order());
    let mut order = order();
    order.grant.of.drill = true;
    let announced = Event {
        drill: true,
        ..announcement(&order)
    };
    let credential = issuer.issue(&recorded(&announced), &order).unwrap();
    let claims = credential.value.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["drill"], true);
    // Announced in earnest, or the other way round: nothing is made.
    let in_earnest = recorded(&announcement(&real));
    assert!(issuer.issue(&in_earnest, &order).is_err());
    assert!(issuer.issue(&recorded(&announced), &real).is_err());
}

#[test]
fn a_target_that_reads_the_published_keys_accepts_the_token() {
    let (_temporary, keys) = folder();
    let (issuer, order) = (jwt_issuer(&keys), order());
    let credential = issuer
        .issue(&recorded(&announcement(&order)), &order)
        .unwrap();
    let set: JwkSet = serde_json::from_str(&jwks(&issuer.keyring(), order.at)).unwrap();
    let header = jsonwebtoken::decode_header(credential.value.as_bytes()).unwrap();
    let key = set.find(&header.kid.unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&["https://deploy.shop.example"]);
    validation.set_issuer(&[ISSUER]);
    // The story's time is its own; the golden test looks at the times.
    validation.validate_exp = false;
    let key = DecodingKey::from_jwk(key).unwrap();
    let read = decode::<Value>(credential.value.as_bytes(), &key, &validation).unwrap();
    assert_eq!(read.claims["sub"], "mia");
}

/// One change to an order.
type Change1<T> = fn(&mut T);

#[test]
fn nothing_is_signed_that_its_entry_does_not_say() {
    let (_temporary, keys) = folder();
    let (issuer, order) = (jwt_issuer(&keys), order());
    let receipt = recorded(&announcement(&order));
    let changes: [(&str, Change1<CredentialOrder>); 7] = [
        ("another id", |order| order.id.number = 2),
        ("later", |order| {
            order.at = order.at.plus(Lifetime::from_secs(1))
        }),
        ("longer", |order| {
            order.expires_at = order.expires_at.plus(Lifetime::from_secs(1))
        }),
        ("somebody else", |order| {
            order.grant.of.person = "leon".parse().unwrap()
        }),
        ("another right", |order| {
            order.grant.of.right = "billing".parse().unwrap()
        }),
        ("another target", |order| {
            order.grant.audience = line("https://bank.example")
        }),
        ("another key", |order| order.public = holder()),
    ];
    for (what, change) in changes {
        let mut changed = order.clone();
        change(&mut changed);
        let refused = issuer.issue(&receipt, &changed);
        assert!(matches!(refused, Err(IssueError::WrongReceipt)), "{what}");
    }
    let mut started = announcement(&order);
    started.change = Change::BrokerStarted {
        version: "1".into(),
        rules: 0,
    };
    let refused = issuer.issue(&recorded(&started), &order);
    assert!(
        matches!(refused, Err(IssueError::WrongReceipt)),
        "an entry of another kind"
    );
}

/// A witness has signed this, and that is how the receipt's entry would be in it.
pub(super) fn witnessed(note: &str, receipt: &Receipt) -> Option<Witnessed> {
    let name = KeyName::parse("witness.example/otto").unwrap();
    let witness = CosignatureSigner::from_seed(name, &[9; 32]).unwrap();
    let text = note.rsplit_once("\n\n").unwrap().0;
    let line = witness.cosign(&format!("{text}\n"), 1).unwrap();
    let quorum = Quorum::new(1, vec![witness.verifier().clone()]).unwrap();
    let origin = KeyName::parse(text.lines().next().unwrap()).unwrap();
    let ledger = Ed25519Signer::from_seed(origin, &[7; 32]).unwrap();
    let signed = Cosigned::verify(&format!("{note}{line}\n"), ledger.verifier(), &quorum);
    Some(Witnessed {
        cosigned: Arc::new(signed.unwrap()),
        inclusion: receipt.proof().clone(),
    })
}

#[test]
fn what_needs_witnesses_is_made_only_when_they_have_signed_its_entry() {
    let (_temporary, keys) = folder();
    let (issuer, mut order) = (jwt_issuer(&keys), order());
    let mut needing = announcement(&order);
    if let Change::CredentialIssued { witnesses, .. } = &mut needing.change {
        *witnesses = Some(WitnessWord::Needed);
    }
    let receipt = recorded(&needing);
    let before = Checkpoint::new(ORIGIN, receipt.index(), Hash::of_leaf(b"before")).unwrap();
    let of = |origin: &str, head: &Checkpoint| {
        let key = Ed25519Signer::from_seed(KeyName::parse(origin).unwrap(), &[7; 32]).unwrap();
        SignedCheckpoint::sign(head, &key)
            .unwrap()
            .note()
            .to_owned()
    };
    let forked = Checkpoint::new(ORIGIN, 3, Hash::of_leaf(b"fork")).unwrap();
    let by_witness = |note: &str| witnessed(note, &receipt);
    let elsewhere = Checkpoint::new("b/ledger", 99, Hash::of_leaf(b"else")).unwrap();
    for (what, signed) in [
        ("nobody", None),
        ("what was before it", by_witness(&of(ORIGIN, &before))),
        ("another ledger", by_witness(&of("b/ledger", &elsewhere))),
        ("a history without it", by_witness(&of(ORIGIN, &forked))),
    ] {
        order.witnessed = signed;
        let refused = issuer.issue(&receipt, &order);
        assert!(matches!(refused, Err(IssueError::WrongReceipt)), "{what}");
    }
    order.witnessed = by_witness(receipt.checkpoint().note());
    issuer.issue(&receipt, &order).unwrap();
}

#[test]
fn after_a_rotation_the_new_key_signs_in_its_turn() {
    let (_temporary, keys) = folder();
    let (issuer, order) = (jwt_issuer(&keys), order());
    let kid = |order: &CredentialOrder| {
        let credential = issuer
            .issue(&recorded(&announcement(order)), order)
            .unwrap();
        jsonwebtoken::decode_header(credential.value.as_bytes())
            .unwrap()
            .kid
            .unwrap()
    };
    let first = kid(&order);
    let after = Rotation::After(Lifetime::from_secs(600));
    let next = Keyring::rotate(&keys, order.at, after).unwrap();
    let kid_of_next = next.keys().last().unwrap().kid.clone();
    let next = Keyring::recorded(&keys, &kid_of_next, 9).unwrap();
    issuer.replace_keyring(next);
    assert_eq!(kid(&order), first, "published, not yet signing");
    let mut later = order.clone();
    later.at = order.at.plus(Lifetime::from_secs(600));
    assert_ne!(kid(&later), first);
    let published = |now| jwks(&issuer.keyring(), now).matches("\"kid\"").count();
    assert_eq!(published(order.at), 2);
    assert_eq!(published(later.at.plus(Lifetime::from_secs(3_600))), 1);
}

#[test]
fn the_discovery_document_leads_to_the_keys() {
    let document: Value = serde_json::from_str(&discovery(ISSUER)).unwrap();
    assert_eq!(document["issuer"], ISSUER);
    assert_eq!(document["jwks_uri"], "https://glass.example:7444/jwks.json");
    assert_eq!(
        document["id_token_signing_alg_values_supported"],
        json!(["ES256"])
    );
}

#[test]
fn a_published_key_has_these_members_and_no_others() {
    let (_temporary, keys) = folder();
    let now = at("2026-11-23T03:05:00.000Z");
    let ring = ring(&keys);
    let set: Value = serde_json::from_str(&jwks(&ring, now)).unwrap();
    let key = set["keys"][0].as_object().unwrap();
    let mut members: Vec<&str> = key.keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
}

const SERIAL: &str = "8f000000000000000000000000000001";

fn enrolment(public: &[u8]) -> (Event, CertificateOrder) {
    let now = at("2026-11-23T03:05:00.000Z");
    let expires_at = now.plus(Lifetime::from_secs(30 * 86_400));
    let change = Change::PersonEnrolled {
        person: "mia".parse().unwrap(),
        token: "0".repeat(64).parse().unwrap(),
        key: key_id(public),
        public: public.to_vec(),
        device: line("mia's laptop"),
        serial: SERIAL.into(),
        certificate_expires_at: expires_at,
    };
    let order = CertificateOrder {
        holder: "mia".parse().unwrap(),
        public: public.to_vec(),
        serial: SERIAL.into(),
        not_before: now.minus(Lifetime::from_secs(300)),
        not_after: expires_at,
    };
    (
        Event {
            at: now,
            by: Actor::Broker,
            change,
            signed: None,
            drill: false,
        },
        order,
    )
}

fn authority(keys: &KeyFolder) -> Ca {
    let now = at("2026-11-01T00:00:00.000Z");
    Ca::create(keys, "glass.example", entry::read, now, &entropy()).unwrap()
}

#[test]
fn a_client_certificate_says_who_and_until_when_and_nothing_the_person_chose() {
    let (_temporary, keys) = folder();
    let (ca, public) = (authority(&keys), holder());
    let (event, order) = enrolment(&public);
    let pem = ca.certify(&recorded(&event), &order).unwrap();
    let (_, pem) = parse_x509_pem(pem.as_bytes()).unwrap();
    let certificate = pem.parse_x509().unwrap();
    assert_eq!(certificate.subject().to_string(), "CN=mia");
    assert_eq!(
        certificate.issuer().to_string(),
        "CN=breakglass authority of glass.example"
    );
    assert_eq!(
        certificate.raw_serial_as_string().replace(':', ""),
        format!("00{SERIAL}")
    );
    assert_eq!(
        certificate.public_key().subject_public_key.data.as_ref(),
        public
    );
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    assert_eq!(
        names.value.general_names,
        [GeneralName::URI("breakglass:person:mia")]
    );
    let usage = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.client_auth && !usage.server_auth && !usage.any);
    assert!(!certificate.is_ca());
    let validity = certificate.validity();
    assert_eq!(validity.not_before.timestamp(), order.not_before.as_secs());
    assert_eq!(validity.not_after.timestamp(), order.not_after.as_secs());
}

#[test]
fn nobody_is_certified_whom_the_ledger_does_not_name() {
    let (_temporary, keys) = folder();
    let (ca, public) = (authority(&keys), holder());
    let (event, order) = enrolment(&public);
    let receipt = recorded(&event);
    let changes: [(&str, Change1<CertificateOrder>); 5] = [
        ("somebody else", |order| {
            order.holder = "founder".parse().unwrap()
        }),
        ("another key", |order| order.public = holder()),
        ("another serial", |order| order.serial = "7f".repeat(16)),
        ("longer", |order| {
            order.not_after = order.not_after.plus(Lifetime::from_secs(1))
        }),
        ("not yet", |order| order.not_before = order.not_after),
    ];
    for (what, change) in changes {
        let mut changed = order.clone();
        change(&mut changed);
        let refused = ca.certify(&receipt, &changed);
        assert!(matches!(refused, Err(IssueError::WrongReceipt)), "{what}");
    }
}

#[test]
fn the_authority_comes_back_the_same_and_renews() {
    let (_temporary, keys) = folder();
    let made = authority(&keys);
    let loaded = Ca::load(&keys, entry::read).unwrap();
    assert_eq!(made.pin(), loaded.pin());
    let public = holder();
    let (mut event, order) = enrolment(&public);
    event.change = Change::CertificateRenewed {
        person: order.holder.person().unwrap().clone(),
        key: key_id(&public),
        serial: order.serial.clone(),
        certificate_expires_at: order.not_after,
    };
    let pem = loaded.certify(&recorded(&event), &order).unwrap();
    let (_, pem) = parse_x509_pem(pem.as_bytes()).unwrap();
    let certificate = pem.parse_x509().unwrap();
    let (_, authority) = X509Certificate::from_der(made.certificate()).unwrap();
    assert_eq!(certificate.issuer(), authority.subject());
    assert!(key_identifier(&authority).is_some());
    assert_eq!(key_identifier(&certificate), key_identifier(&authority));
}

/// The key's identifier in an authority's certificate, the authority's in a leaf.
fn key_identifier(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    certificate
        .iter_extensions()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                Some(id.key_identifier.as_ref()?.0.to_vec())
            }
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
            _ => None,
        })
}

#[test]
fn a_server_certificate_is_for_its_names_and_is_renewed_in_time() {
    let (_temporary, keys) = folder();
    let ca = authority(&keys);
    let now = at("2026-11-23T03:05:00.000Z");
    let names = [
        "glass.example".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    let ServerIdentity {
        chain,
        renew_at,
        expires_at,
        ..
    } = ca.server_identity(&names, now, &entropy()).unwrap();
    let (_, leaf) = X509Certificate::from_der(&chain[0]).unwrap();
    assert_eq!(
        leaf.subject_alternative_name()
            .unwrap()
            .unwrap()
            .value
            .general_names
            .len(),
        3
    );
    assert_eq!(
        chain[1],
        *ca.certificate(),
        "who enrols finds the pinned one in the chain"
    );
    assert_eq!(expires_at.since(now), Lifetime::from_secs(30 * 86_400));
    assert_eq!(renew_at.since(now), Lifetime::from_secs(20 * 86_400));
    assert!(
        ca.server_identity(&["not a name é".to_owned()], now, &entropy())
            .is_err()
    );
}
