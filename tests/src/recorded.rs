//! A receipt without a broker around it: a ledger of one entry, for stories about one credential.

use std::sync::Arc;

use breakglass_broker::issue::key_id;
use breakglass_broker::ledger::entry;
use breakglass_broker::ports::CredentialOrder;
use breakglass_domain::grant::{Active, Basis, Phase};
use breakglass_domain::policy::Risk;
use breakglass_domain::{
    Actor, Change, CredentialId, Event, Grant, GrantRef, IncidentId, Line, Subject, Time,
};
use breakglass_tlog::{
    Checkpoint, Ed25519Signer, Hash, KeyName, Receipt, SignedCheckpoint, StoredHashes, tree,
};

const ORIGIN: &str = "glass.example/ledger";

/// Records an event as the first entry, and proves it.
///
/// # Panics
/// Where no entry can say it.
#[must_use]
pub fn receipt(event: &Event) -> Receipt {
    let name = KeyName::parse(ORIGIN).expect("a name");
    let signer = Ed25519Signer::from_seed(name, &[7; 32]).expect("a seed is a key");
    let line = entry::encode(0, event).expect("it can be written");
    let mut hashes = StoredHashes::new();
    hashes.push(Hash::of_leaf(&line));
    let root = tree::tree_hash(1, &hashes).expect("a tree of one");
    let head = Checkpoint::new(ORIGIN, 1, root).expect("a head");
    let signed = SignedCheckpoint::sign(&head, &signer).expect("our own key signs");
    let proof = tree::prove_inclusion(0, 1, &hashes).expect("it is in there");
    Receipt::verify(line, proof, &Arc::new(signed)).expect("it was proven")
}

/// What the broker makes for mia under this grant of hers, from `at` to `expires_at`.
///
/// # Panics
/// Never: the texts are lines and ids.
#[must_use]
pub fn order(
    id: CredentialId,
    (at, expires_at): (Time, Time),
    public: &[u8],
    subject: Subject,
) -> CredentialOrder {
    CredentialOrder {
        id,
        grant: grant(id, at, expires_at),
        at,
        expires_at,
        public: public.to_vec(),
        subject,
        witnessed: None,
    }
}

/// The event that announces it.
#[must_use]
pub fn announced(order: &CredentialOrder) -> Event {
    Event {
        at: order.at,
        by: Actor::Person(order.grant.of.person.clone()),
        change: Change::CredentialIssued {
            of: order.grant.of.clone(),
            credential: order.id,
            kind: order.subject.kind(),
            audience: order.grant.audience.clone(),
            expires_at: order.expires_at,
            key: key_id(&order.public),
            subject: order.subject.clone(),
            witnesses: None,
        },
        signed: None,
        drill: false,
    }
}

/// Mia's grant to open a shell.
fn grant(id: CredentialId, begins_at: Time, ends_at: Time) -> Grant {
    let line = |text| Line::parse(text).expect("a line");
    let right = "shell-web".parse().expect("an id");
    Grant {
        of: GrantRef {
            grant: id.grant,
            person: "mia".parse().expect("an id"),
            right,
            incident: IncidentId(12),
            drill: false,
        },
        sentence: line("open a shell on the web servers"),
        risk: Risk::High,
        reason: line("the worker floods"),
        length: ends_at.since(begins_at),
        rule: "engineers-shell".parse().expect("an id"),
        approvers: Vec::new(),
        escalation: None,
        escalated_at: None,
        unlock: None,
        requested_at: begins_at,
        lapses_at: ends_at,
        self_grant: None,
        stood_still: breakglass_domain::Lifetime::ZERO,
        held: true,
        key: Some(key_id(b"mia's enrolled key")),
        audience: line("right:shell-web"),
        handed: None,
        phase: Phase::Active(Active {
            basis: Basis::Approved,
            by: Actor::Person("leon".parse().expect("an id")),
            begins_at,
            ends_at,
        }),
        credentials: 1,
        credentials_until: None,
    }
}
