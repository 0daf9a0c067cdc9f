//! What is believed of a broker, and what is kept of one that cannot be believed.

mod rewritten;

use std::path::Path;

use breakglass_proto::{tick::Tick, v1};
use breakglass_tlog::{ConsistencyProof, Hash, NoteSigner as _};

use super::{news, news::Standing, ticks::Ticks};
use crate::{
    config::{Context, ContextName, ServerUrl},
    error::Error,
    trust::{Prover, Trust},
    verify::fixtures::{ledger, night, seconds, signed, tick},
};

/// Ticks of the ledger that the host in this folder is pinned to.
fn ticks(folder: &Path) -> Ticks {
    Ticks::new(Trust::of(&context(folder)).unwrap())
}

fn context(folder: &Path) -> Context {
    Context {
        name: ContextName::parse("web-1").unwrap(),
        server: ServerUrl::parse("https://glass.example").unwrap(),
        person: "target:web-1".into(),
        device: "web-1".into(),
        issuer: "https://glass.example:7444".into(),
        ledger_vkey: ledger().verifier().to_string(),
        ca_file: folder.join("ca.pem"),
        folder: folder.to_owned(),
    }
}

fn evidence(folder: &Path) -> Vec<std::path::PathBuf> {
    let saved = std::fs::read_dir(folder.join("evidence"));
    let saved = saved.into_iter().flatten();
    saved.map(|place| place.unwrap().path()).collect()
}

#[test]
fn only_a_newer_tick_is_contact() {
    let folder = tempfile::tempdir().unwrap();
    let ticks = ticks(folder.path());
    let hears = |at, size| {
        ticks
            .hear(None, &signed(&tick(at, size)))
            .map(|new| new.is_some())
    };
    assert!(hears(night(), 100).unwrap());
    assert!(
        !hears(night(), 100).unwrap(),
        "the same one is relayed again"
    );
    assert!(!hears(night() - seconds(1), 100).unwrap());
    assert!(hears(night() + seconds(2), 101).unwrap());
    assert!(evidence(folder.path()).is_empty());
}

#[test]
fn a_ledger_that_went_back_is_loud_and_its_two_heads_are_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let ticks = ticks(folder.path());
    let (before, after) = (signed(&tick(night(), 100)), tick(night() + seconds(2), 99));
    ticks.hear(None, &before).unwrap();
    let error = ticks.hear(None, &signed(&after)).unwrap_err();
    assert!(error.to_string().contains("rewritten or forked"), "{error}");
    assert_eq!(error.exit_code(), 86);
    let saved = evidence(folder.path());
    assert_eq!(saved.len(), 1);
    let read = |name: &str| std::fs::read_to_string(saved[0].join(name)).unwrap();
    assert_eq!(read("remembered.tick"), before);
    assert_eq!(read("received.tick"), signed(&after));
    assert!(read("README.txt").contains("received.tick"));
    assert!(error.next().unwrap().contains(saved[0].to_str().unwrap()));

    // Whoever goes on lying fills no disk, and the place is named again.
    let forked = Tick {
        root: [9; 32],
        ..tick(night() + seconds(4), 100)
    };
    let error = ticks.hear(None, &signed(&forked)).unwrap_err();
    assert!(error.next().unwrap().contains(saved[0].to_str().unwrap()));
    assert_eq!(evidence(folder.path()).len(), 1);
    // A ledger that was rewritten can grow: that is no reason to believe it again.
    let longer = signed(&tick(night() + seconds(6), 101));
    let error = ticks.hear(None, &longer).unwrap_err();
    assert!(error.to_string().contains("rewritten or forked"), "{error}");
}

#[test]
fn what_the_pinned_key_did_not_sign_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let ticks = ticks(folder.path());
    let good = signed(&tick(night(), 100));
    for wrong in [good.replace("100", "101"), String::new()] {
        let error = ticks.hear(None, &wrong).unwrap_err();
        assert!(matches!(error, Error::Unverified { .. }), "{error}");
    }
    let heard = ticks.hear(None, &good).unwrap();
    assert!(heard.is_some(), "who cannot sign it keeps nobody from it");
    assert!(evidence(folder.path()).is_empty());
}

/// Has no proof of anything.
struct NoProof;

impl Prover for NoProof {
    async fn prove(&self, old: u64, new: u64) -> Result<ConsistencyProof, Error> {
        let hashes = vec![Hash::from_bytes([7; 32])];
        Ok(ConsistencyProof { old, new, hashes })
    }
}

#[tokio::test]
async fn a_guard_that_starts_again_goes_by_what_it_has_seen_before() {
    let folder = tempfile::tempdir().unwrap();
    let ticks = ticks(folder.path());
    let note = signed(&tick(night(), 100));
    ticks.hear(None, &note).unwrap().unwrap();
    ticks.demand_agreement(&note, &NoProof).await.unwrap();

    let origin = ledger().verifier().name().to_string();
    let seen = breakglass_tlog::Checkpoint::new(&origin, 40, Hash::from_bytes([3; 32])).unwrap();
    let seen = breakglass_tlog::SignedCheckpoint::sign(&seen, &ledger()).unwrap();
    std::fs::write(folder.path().join("checkpoint"), seen.note()).unwrap();
    let agreement = ticks.demand_agreement(&note, &NoProof).await;
    let error = agreement.unwrap_err();
    assert!(error.to_string().contains("rewritten or forked"), "{error}");
    let saved = evidence(folder.path()).remove(0);
    assert!(saved.join("remembered.checkpoint").exists());
    assert!(saved.join("received.tick").exists());
    assert!(saved.join("consistency-proof.txt").exists());
}

fn live(grant: &str, ends: bool) -> v1::LiveGrant {
    v1::LiveGrant {
        grant: grant.into(),
        person: "mia".into(),
        right: "shell-web".into(),
        incident: "INC-12".into(),
        ends_at: ends.then(|| crate::time::to_proto(night())),
    }
}

#[test]
fn a_standing_is_read_whole_or_not_at_all() {
    let standing = v1::Standing {
        live: vec![live("G-45", true)],
        ended: vec![v1::EndedGrant {
            grant: "G-44".into(),
            text: "leon closed INC-12: fixed".into(),
            at: None,
        }],
        grace: Some(prost_types::Duration {
            seconds: 120,
            nanos: 0,
        }),
        doomed: vec!["S-7".into()],
    };
    assert_eq!(news::grace(&standing).unwrap().as_secs(), 120);
    let read = Standing::of(standing).unwrap();
    assert_eq!(read.live["G-45"].ends_at, night());
    assert_eq!(read.ended[0].text, "leon closed INC-12: fixed");
    assert_eq!(read.names().unwrap()[0].0.as_str(), "G-45");

    let endless = v1::Standing {
        live: vec![live("G-45", true), live("G-46", false)],
        ..v1::Standing::default()
    };
    assert!(Standing::of(endless).is_err());
    let nameless = v1::Standing {
        live: vec![live("G 45", true)],
        ..v1::Standing::default()
    };
    assert!(Standing::of(nameless).unwrap().names().is_err());
}
