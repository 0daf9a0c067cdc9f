//! What laptops have seen of the ledger, told to a broker that has another one.

use std::sync::Arc;

use breakglass_domain::{Actor, Change, Refusal};
use breakglass_tlog::{Checkpoint, Ed25519Signer, Hash, KeyName, SignedCheckpoint};

use super::world::{ORIGIN, World, signer};
use crate::app::seen::signed_by_us;
use crate::app::{About, Error, Seen};
use crate::ledger::{Signer, entry};

fn signed(signer: &Signer, size: u64, root: Hash) -> Seen {
    let checkpoint = Checkpoint::new(ORIGIN, size, root).unwrap();
    let signed = SignedCheckpoint::sign(&checkpoint, &**signer).unwrap();
    Seen {
        size,
        note: signed.note().to_owned(),
    }
}

fn another(byte: u8) -> Hash {
    Hash::try_from([byte; 32].as_slice()).unwrap()
}

impl World {
    /// Leon approves something, and his laptop has seen this.
    async fn has_seen(&self, seen: Seen) -> Option<Refusal> {
        let leon: Actor = "leon".parse().unwrap();
        let taken = self
            .app
            .need_same_history(Some(&leon), "approve", Some(seen));
        match taken.await {
            Ok(()) => None,
            Err(Error::Refused(refusal)) => Some(refusal),
            Err(other) => panic!("{other}"),
        }
    }

    /// Refusals as they are on record, with the checkpoint of each.
    fn refused(&self) -> Vec<(String, Option<String>)> {
        let entries = self.reader().entries(0, usize::MAX).unwrap();
        let changes = entries
            .iter()
            .map(|line| entry::decode(line).unwrap().1.change);
        changes
            .filter_map(|change| match change {
                Change::Refused {
                    reason, checkpoint, ..
                } => Some((reason, checkpoint)),
                _ => None,
            })
            .collect()
    }
}

#[tokio::test]
async fn whatever_this_ledger_ever_was_may_have_been_seen() {
    let world = World::new().await;
    let mut seen = vec![world.reader().checkpoint()];
    for _ in 0..3 {
        world.open_incident().await;
        seen.push(world.reader().checkpoint());
    }
    for checkpoint in seen {
        let (size, note) = (checkpoint.size(), checkpoint.note().to_owned());
        assert_eq!(world.has_seen(Seen { size, note }).await, None, "{size}");
    }
    assert!(world.refused().is_empty());
    assert!(world.app.status().problems.is_empty());
}

#[tokio::test]
async fn a_head_of_another_history_is_refused_told_and_on_record_with_its_signature() {
    let world = World::new().await;
    let size = world.size();
    for (seen, refusal) in [
        (size, Refusal::LedgerForked { seen: size }),
        (size - 1, Refusal::LedgerForked { seen: size - 1 }),
        (1, Refusal::LedgerForked { seen: 1 }),
        (
            size + 40,
            Refusal::LedgerBehind {
                seen: size + 40,
                size: size + 3,
            },
        ),
    ] {
        let head = signed(&signer(), seen, another(5));
        let note = head.note.clone();
        assert_eq!(world.has_seen(head).await, Some(refusal.clone()));
        let on_record = (refusal.code().to_owned(), Some(note));
        assert_eq!(world.refused().last(), Some(&on_record));
        let problems = world.app.status().problems;
        let told = problems.iter().find(|it| it.starts_with("ANOTHER HISTORY"));
        let told = told.expect("everybody reads it");
        assert!(told.contains("leon") && told.contains("docs/"), "{told}");
    }
    let counts = world.app.refusal_counts();
    assert!(counts.contains(&("LEDGER_FORKED", 3)), "{counts:?}");
}

#[tokio::test]
async fn the_same_head_again_fills_no_ledger() {
    let world = World::new().await;
    let head = signed(&signer(), world.size(), another(5));
    for _ in 0..30 {
        assert!(world.has_seen(head.clone()).await.is_some());
    }
    let with_it = world.refused().into_iter().filter(|(_, it)| it.is_some());
    assert_eq!(with_it.count(), 1);
    assert!(world.refused().len() <= 2, "the others are counted");
    // Another one is news.
    let head = signed(&signer(), world.size(), another(6));
    assert!(world.has_seen(head).await.is_some());
    assert!(world.refused().last().unwrap().1.is_some());
}

/// Nobody but the ledger's key can accuse it.
#[tokio::test]
async fn a_head_that_the_ledgers_key_did_not_sign_says_nothing_of_it() {
    let world = World::new().await;
    let checkpoint = world.reader().checkpoint();
    let name = KeyName::parse(ORIGIN).unwrap();
    let thief: Signer = Arc::new(Ed25519Signer::from_seed(name, &[8; 32]).unwrap());
    let size = checkpoint.size();
    let of_thief = signed(&thief, size, another(5));
    // Right but for the signature; and a signature over something else.
    let right = signed(&thief, size, checkpoint.root());
    let (text, _) = of_thief.note.split_once("\n\n").unwrap();
    let (_, line) = checkpoint.note().split_once("\n\n").unwrap();
    let spliced = Seen {
        size,
        note: format!("{text}\n\n{line}"),
    };
    for forged in [of_thief, right, spliced] {
        let refusal = world.has_seen(forged).await.expect("it is forged");
        assert_eq!(refusal, Refusal::SeenUnsigned(size));
        assert_eq!(refusal.code(), "STATEMENT_INVALID");
    }
    assert!(world.refused().iter().all(|(_, head)| head.is_none()));
    assert!(world.app.status().problems.is_empty());
}

#[tokio::test]
async fn who_enrols_may_have_seen_it_too() {
    let world = World::new().await;
    let head = signed(&signer(), 3, another(5));
    let enrolling = world.app.need_same_history(None, "enroll", Some(head));
    let refused = enrolling.await.unwrap_err();
    let Error::Refused(refusal) = refused else {
        panic!("{refused}")
    };
    assert_eq!(refusal, Refusal::LedgerForked { seen: 3 });
    let problems = world.app.status().problems;
    assert!(problems[0].contains("somebody who enrols"), "{problems:?}");
    // Nobody known was refused: it is only counted.
    assert!(world.refused().is_empty());
    let enrolling = world.app.need_same_history(None, "enroll", None).await;
    assert!(enrolling.is_ok());
}

/// Whoever has a key that was followed could else accuse this broker before everybody, for ever.
#[test]
fn a_key_that_was_followed_signs_no_head_beyond_its_turn() {
    let ours = |seed| -> Signer {
        let name = KeyName::parse(ORIGIN).unwrap();
        Arc::new(Ed25519Signer::from_seed(name, &[seed; 32]).unwrap())
    };
    let (old, new) = (ours(7), ours(8));
    let vkey = |signer: &Signer| signer.verifier().to_string();
    let about = About {
        ledger_vkeys: vec![vkey(&old), vkey(&new)],
        handed_over_at: vec![9],
        ..About::default()
    };
    let nothing = |_, _: &str| false;
    let takes = |signer, size| signed_by_us(&about, &signed(signer, size, another(3)), nothing);
    for (signer, size, is_taken) in [
        (&old, 8, true),
        (&old, 10, true),
        (&old, 11, false),
        (&old, 1_000, false),
        (&new, 10, false),
        (&new, 11, true),
        (&new, 1_000, true),
        (&ours(9), 8, false),
    ] {
        assert_eq!(takes(signer, size).is_some(), is_taken, "{size}");
    }
    // Of what is marked as lost it may have been its turn.
    let marked = |size, root: &str| size == 1_000 && root == another(3).to_string();
    let lost = signed(&old, 1_000, another(3));
    assert!(signed_by_us(&about, &lost, marked).is_some());
    let other = signed(&old, 999, another(3));
    assert!(signed_by_us(&about, &other, marked).is_none());
}
