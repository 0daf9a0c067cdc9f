//! A broker that was away and is back with another history.

use breakglass_tlog::{
    Checkpoint, SignedCheckpoint, StoredHashes,
    tree::{prove_consistency, tree_hash},
};

use super::*;
use crate::verify::fixtures::{ORIGIN, live};

const SEEN: &[&str] = &["a", "b", "c", "d", "e", "f"];
/// An older copy of it, which has gone on.
const GREW: &[&str] = &["a", "b", "c", "D", "E", "F", "G", "H"];

/// A broker with this ledger, which proves what it can.
struct Broker(StoredHashes);

impl Broker {
    fn of(lines: &[&str]) -> Self {
        let leaves = lines.iter().map(|line| Hash::of_leaf(line.as_bytes()));
        Self(leaves.collect())
    }

    fn tick(&self, after: i64, size: u64) -> String {
        let root = tree_hash(size, &self.0).unwrap();
        signed(&Tick {
            root: *root.as_bytes(),
            ..tick(night() + seconds(after), size)
        })
    }

    fn head(&self, size: u64) -> SignedCheckpoint {
        let root = tree_hash(size, &self.0).unwrap();
        let head = Checkpoint::new(ORIGIN, size, root).unwrap();
        SignedCheckpoint::sign(&head, &ledger()).unwrap()
    }
}

impl Prover for Broker {
    async fn prove(&self, old: u64, new: u64) -> Result<ConsistencyProof, Error> {
        prove_consistency(old, new, &self.0)
            .map_err(|error| Error::usage(error.to_string(), String::new()))
    }
}

fn is_loud(result: Result<(), Error>) {
    let error = result.unwrap_err();
    assert!(error.to_string().contains("rewritten or forked"), "{error}");
    assert!(error.to_string().contains("started anew"), "{error}");
    assert_eq!(error.exit_code(), 86);
}

#[tokio::test]
async fn a_copy_that_grew_past_what_was_heard_is_found_by_the_last_tick() {
    let folder = tempfile::tempdir().unwrap();
    let ticks = ticks(folder.path());
    let (before, after) = (Broker::of(SEEN), Broker::of(GREW));
    // The file is older than the copy, so that nothing but the last tick can tell.
    ticks.remember(&before.head(3), &before).await.unwrap();
    let note = before.tick(0, 6);
    ticks.demand_agreement(&note, &before).await.unwrap();
    ticks.hear(Some(vec![live("G-45")]), &note).unwrap();
    let stood = ticks.newest().standing().unwrap();

    is_loud(ticks.demand_agreement(&after.tick(2, 8), &after).await);
    let saved = evidence(folder.path());
    assert_eq!(saved.len(), 1);
    let read = |name: &str| std::fs::read_to_string(saved[0].join(name)).unwrap();
    assert_eq!(read("remembered.tick"), note);
    assert_eq!(read("received.tick"), after.tick(2, 8));

    // It does not pass by itself, whatever comes.
    for broker in [&after, &before] {
        let note = broker.tick(4, 6);
        is_loud(ticks.demand_agreement(&note, broker).await);
        is_loud(ticks.hear(Some(Vec::new()), &note).map(drop));
        is_loud(ticks.remember(&broker.head(6), broker).await);
    }
    is_loud(ticks.demand_one_history());
    assert_eq!(ticks.newest().standing().unwrap(), stood);
    assert_eq!(evidence(folder.path()).len(), 1);
}

#[tokio::test]
async fn what_was_written_down_outlives_the_guard() {
    let folder = tempfile::tempdir().unwrap();
    let (before, after) = (Broker::of(SEEN), Broker::of(GREW));
    let first = ticks(folder.path());
    first.remember(&before.head(2), &before).await.unwrap();
    first.remember(&before.head(6), &before).await.unwrap();

    let again = ticks(folder.path());
    is_loud(again.demand_agreement(&after.tick(2, 8), &after).await);
    let next = ticks(folder.path());
    is_loud(next.remember(&after.head(8), &after).await);
    is_loud(next.hear(None, &after.tick(4, 8)).map(drop));
}

#[tokio::test]
async fn a_broker_that_is_behind_the_file_fills_no_disk() {
    let folder = tempfile::tempdir().unwrap();
    let ticks = ticks(folder.path());
    let (before, behind) = (Broker::of(SEEN), Broker::of(&SEEN[..4]));
    ticks.remember(&before.head(6), &before).await.unwrap();
    for after in 0..5 {
        is_loud(
            ticks
                .demand_agreement(&behind.tick(after, 4), &behind)
                .await,
        );
    }
    assert_eq!(evidence(folder.path()).len(), 1);
}

#[tokio::test]
async fn an_honest_broker_comes_back_as_often_as_it_likes() {
    let folder = tempfile::tempdir().unwrap();
    let ticks = ticks(folder.path());
    let broker = Broker::of(SEEN);
    for (after, size) in [(0, 1), (2, 4), (4, 4), (6, 6)] {
        let note = broker.tick(after, size);
        ticks.demand_agreement(&note, &broker).await.unwrap();
        ticks.remember(&broker.head(size), &broker).await.unwrap();
        assert!(ticks.hear(None, &note).unwrap().is_some());
        assert_eq!(ticks.size(), size);
    }
    // One of before is no contact, and no lie.
    let note = broker.tick(2, 4);
    ticks.demand_agreement(&note, &broker).await.unwrap();
    assert!(ticks.hear(None, &note).unwrap().is_none());
    assert!(evidence(folder.path()).is_empty());
}
