//! What is no torn tail stops the ledger, and names the place.

use super::sim::Sim;
use super::{DIR, create, newest_segment, open, open_and_walk, place};
use crate::ledger::files::disk::Disk as _;
use crate::ledger::fixtures::{fill, lines, signer_of};
use crate::ledger::{FileLedger, files::shape::Shape};
use crate::ports::{Ledger, LedgerError};

fn filled(batches: &[u64]) -> Sim {
    let sim = Sim::default();
    let mut ledger = create(&sim).expect("a ledger");
    fill(&mut ledger, batches);
    sim
}

/// The ledger does not open, says that it is damaged, and what it says has these words.
fn refuses(sim: &Sim, words: &[&str]) {
    let error = open(sim).map(drop).expect_err("damaged");
    assert!(matches!(error, LedgerError::Damaged(_)), "{error}");
    let told = error.to_string();
    for word in words {
        assert!(told.contains(word), "{told:?} does not say {word:?}");
    }
}

#[test]
fn an_altered_entry_before_the_last_batch_is_named() {
    let sim = filled(&[1, 1, 1]);
    let path = newest_segment(&sim);
    sim.tamper(&path, |bytes| {
        let text = String::from_utf8(bytes.clone()).expect("text");
        *bytes = text.replace("\"entry\":1", "\"entry\":7").into_bytes();
    });
    refuses(
        &sim,
        &["00000000000000000000.jsonl", "line 5", "lines 4 to 5"],
    );
}

#[test]
fn a_hole_before_the_last_batch_is_named() {
    let sim = filled(&[1, 1, 1]);
    sim.tamper(&newest_segment(&sim), |bytes| {
        let second = bytes
            .windows(9)
            .position(|part| part == b"\"entry\":1")
            .expect("there");
        bytes[second..second + 40].fill(0);
    });
    refuses(
        &sim,
        &["00000000000000000000.jsonl", "line 6", "of entries 2 to 3"],
    );
}

#[test]
fn a_line_taken_out_is_named() {
    let sim = filled(&[1, 1, 1]);
    sim.tamper(&newest_segment(&sim), |bytes| {
        let text = String::from_utf8(bytes.clone()).expect("text");
        let kept = text.lines().filter(|line| !line.contains("\"entry\":1"));
        *bytes = kept
            .flat_map(|line| [line, "\n"])
            .collect::<String>()
            .into_bytes();
    });
    refuses(
        &sim,
        &[
            "line 4",
            "the commit is of entries 1 to 2, the lines are 1 to 1",
        ],
    );
}

#[test]
fn a_journal_without_its_first_line_is_damaged() {
    let sim = filled(&[1]);
    sim.tamper(&newest_segment(&sim), |bytes| bytes[0] = b'x');
    refuses(&sim, &["00000000000000000000.jsonl"]);
}

#[test]
fn a_missing_segment_is_named() {
    let sim = filled(&[100, 100, 100, 100, 5]);
    let firsts = place(&sim).segments().expect("listed");
    assert_eq!(firsts, [0, 100, 200, 300, 400]);
    let missing = sim.copy();
    missing.remove(&place(&sim).segment(300)).expect("removed");
    refuses(&missing, &["00000000000000000400.jsonl", "300 comes next"]);
    let missing = sim.copy();
    missing.remove(&place(&sim).segment(0)).expect("removed");
    refuses(&missing, &["entries before 100 are missing"]);
}

#[test]
fn a_torn_segment_before_the_last_is_damage() {
    let sim = filled(&[100, 100, 100, 5]);
    sim.tamper(&place(&sim).segment(200), |bytes| {
        bytes.truncate(bytes.len() - 1)
    });
    refuses(&sim, &["00000000000000000200.jsonl", "not committed"]);
}

#[test]
fn a_journal_shorter_than_what_was_published_is_damage() {
    let sim = Sim::default();
    let mut ledger = create(&sim).expect("a ledger");
    fill(&mut ledger, &[1, 1]);
    let before = sim.read(&newest_segment(&sim)).expect("read").len();
    fill(&mut ledger, &[1]);
    ledger.publish();
    sim.tamper(&newest_segment(&sim), |bytes| bytes.truncate(before));
    refuses(
        &sim,
        &[
            "/data/ledger/journal:",
            "3 entries were published, and the journal ends after 2",
        ],
    );
}

#[test]
fn a_journal_put_in_another_s_place_is_damage() {
    let sim = filled(&[2]);
    let other = Sim::default();
    let mut ledger = create(&other).expect("a ledger");
    ledger.append(&lines(100, 1)).expect("appended");
    ledger.publish();
    let published = other.read(&place(&other).checkpoint()).expect("read");
    sim.create(&place(&sim).checkpoint(), &published)
        .expect("put there");
    refuses(
        &sim,
        &["the first 1 entries are not those that were published"],
    );
}

#[test]
fn a_ledger_of_another_key_is_not_opened() {
    let sim = filled(&[2]);
    for other in [
        signer_of("shop.example/ledger", 8),
        signer_of("other.example/ledger", 7),
    ] {
        let shape = Shape {
            inline: true,
            ..Shape::default()
        };
        let keys = other.verifier().clone().into();
        let error = FileLedger::open_in(place(&sim), (other, keys), shape, None).map(drop);
        let error = error.expect_err("not ours");
        assert!(error.to_string().contains("not ours"), "{error}");
    }
    open_and_walk(&sim, &lines(0, 2));
}

#[test]
fn tiles_that_are_gone_or_wrong_are_made_again() {
    let sim = filled(&[300, 300, 300, 300, 300, 300, 5]);
    let tiles: Vec<_> = sim
        .files()
        .into_iter()
        .filter(|path| path.starts_with(DIR))
        .collect();
    let tiles = tiles
        .into_iter()
        .filter(|path| path.to_string_lossy().contains("/tile/0/"));
    for tile in tiles.collect::<Vec<_>>() {
        let gone = sim.copy();
        gone.remove(&tile).expect("removed");
        let wrong = sim.copy();
        wrong.tamper(&tile, |bytes| bytes[17] ^= 1);
        let short = sim.copy();
        short.tamper(&tile, |bytes| bytes.truncate(64));
        for disk in [gone, wrong, short] {
            // Those the start relies on; others are found by a proof or by fsck.
            drop(open_and_walk_or_told(&disk));
        }
    }
}

/// Either all is well again, or reading says which file is not.
fn open_and_walk_or_told(sim: &Sim) -> FileLedger {
    let (ledger, _) = open(sim).expect("the journal is whole");
    let reader = ledger.reader();
    match reader.entries(0, 2_000) {
        Ok(found) => assert_eq!(found, lines(0, 1_805)),
        Err(error) => assert!(error.to_string().contains("tile/"), "{error}"),
    }
    ledger
}

#[test]
fn without_any_tile_everything_comes_back() {
    let sim = filled(&[300, 300, 300, 300, 300, 300, 5]);
    sim.remove(&place(&sim).dir.join("tile")).expect("removed");
    drop(open_and_walk(&sim, &lines(0, 1_805)));
    open_and_walk(&sim, &lines(0, 1_805));
}

#[test]
fn a_bundle_that_was_altered_is_not_served() {
    let sim = filled(&[300, 300, 300, 300, 300, 300, 5]);
    let path = place(&sim).dir.join("tile/entries/000");
    sim.tamper(&path, |bytes| bytes[9] ^= 1);
    let (ledger, _) = open(&sim).expect("the start does not need it");
    let error = ledger.reader().entries(3, 1).expect_err("altered");
    assert!(matches!(&error, LedgerError::Damaged(told) if told.contains("tile/entries/000")));
}

#[test]
fn a_folder_without_a_ledger_says_how_to_make_one() {
    let error = open(&Sim::default()).map(drop).expect_err("nothing there");
    assert!(error.to_string().contains("glassd init"), "{error}");
}

#[test]
fn a_second_ledger_is_not_made_over_the_first() {
    let sim = filled(&[1]);
    let error = create(&sim).map(drop).expect_err("there is one");
    assert!(
        error.to_string().contains("has a ledger already"),
        "{error}"
    );
    open_and_walk(&sim, &lines(0, 1));
}
