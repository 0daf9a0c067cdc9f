//! What every ledger promises, tried on each of them.

use std::sync::Arc;

use super::fixtures::{fill, lines, root_of, signer, vkey, walk};
use super::{FileLedger, MemoryLedger};
use crate::ports::{ENTRY_MAX, Ledger, LedgerError, Recovered};
use breakglass_tlog::SignedCheckpoint;

/// One test a promise and a ledger.
macro_rules! every_ledger {
    ($($promise:ident),* $(,)?) => {
        mod memory {
            $(#[test] fn $promise() {
                let mut ledger = super::MemoryLedger::new(super::signer()).expect("a ledger");
                super::$promise(&mut ledger);
            })*
        }
        mod files {
            $(#[test] fn $promise() {
                let dir = tempfile::tempdir().expect("a folder");
                let made = super::FileLedger::create(dir.path(), super::signer());
                super::$promise(&mut made.expect("a ledger"));
            })*
        }
    };
}

every_ledger!(
    a_new_ledger_is_empty_and_signed,
    what_is_appended_is_read_and_proven,
    an_empty_batch_changes_nothing,
    entries_no_ledger_can_hold_are_refused_and_nothing_is_written,
    readers_see_committed_batches_only_and_whole,
    checkpoints_are_found_on_both_sides_of_any_size,
    nothing_beyond_the_newest_checkpoint_is_proven,
    reading_stops_at_the_end_and_at_the_maximum,
    recovering_what_is_well_changes_nothing,
    a_reader_of_yesterday_sees_today,
    readers_and_the_writer_do_not_wait_for_each_other,
);

fn a_new_ledger_is_empty_and_signed(ledger: &mut dyn Ledger) {
    assert_eq!(ledger.size(), 0);
    let reader = ledger.reader();
    walk(&*reader, &[], 1);
    let note = reader.checkpoint();
    let read = SignedCheckpoint::verify(note.note(), &vkey()).expect("signed by our key");
    assert_eq!(read.origin(), "shop.example/ledger");
}

fn what_is_appended_is_read_and_proven(ledger: &mut dyn Ledger) {
    // Single entries, a batch over the end of a bundle, one of a whole bundle and more.
    fill(ledger, &[1, 1, 3, 250, 7, 256, 300, 1]);
    walk(&*ledger.reader(), &lines(0, 819), 13);
}

fn an_empty_batch_changes_nothing(ledger: &mut dyn Ledger) {
    fill(ledger, &[2]);
    let before = ledger.reader().checkpoint();
    let after = ledger.append(&[]).expect("nothing to do");
    assert_eq!(before, after);
}

fn entries_no_ledger_can_hold_are_refused_and_nothing_is_written(ledger: &mut dyn Ledger) {
    let fits: Arc<[u8]> = vec![b'a'; ENTRY_MAX].into();
    let too_long = vec![b'a'; ENTRY_MAX + 1];
    for wrong in [
        &b""[..],
        b"two\nlines",
        b"{\"commit\":\"forged\"}",
        &too_long,
    ] {
        let batch = [Arc::clone(&fits), Arc::from(wrong)];
        let error = ledger.append(&batch).expect_err("refused");
        assert!(matches!(error, LedgerError::OutOfRange(_)), "{error}");
        assert_eq!(ledger.size(), 0);
    }
    ledger
        .append(&[Arc::clone(&fits)])
        .expect("as long as an entry may be");
    walk(&*ledger.reader(), &[fits], 1);
}

fn readers_see_committed_batches_only_and_whole(ledger: &mut dyn Ledger) {
    let reader = ledger.reader();
    for count in [1, 2, 300] {
        let before = reader.checkpoint().size();
        fill(ledger, &[count]);
        assert_eq!(reader.checkpoint().size(), before + count);
        assert_eq!(
            reader.entries(before, 1_000).expect("readable").len() as u64,
            count
        );
    }
}

fn nothing_beyond_the_newest_checkpoint_is_proven(ledger: &mut dyn Ledger) {
    fill(ledger, &[5]);
    let reader = ledger.reader();
    for (index, size) in [(0, 6), (5, 5), (9, 5), (u64::MAX, u64::MAX)] {
        let error = reader
            .prove_inclusion(index, size)
            .expect_err("out of range");
        assert!(matches!(error, LedgerError::OutOfRange(_)), "{error}");
    }
    for (old, new) in [(0, 6), (4, 3), (u64::MAX, 5), (0, u64::MAX)] {
        let error = reader
            .prove_consistency(old, new)
            .expect_err("out of range");
        assert!(matches!(error, LedgerError::OutOfRange(_)), "{error}");
    }
    for size in 1..=5 {
        let proof = reader.prove_inclusion(0, size).expect("an older tree");
        let first = breakglass_tlog::Hash::of_leaf(&lines(0, 1)[0]);
        proof
            .verify(&first, &root_of(&lines(0, size)))
            .expect("proven");
    }
}

fn checkpoints_are_found_on_both_sides_of_any_size(ledger: &mut dyn Ledger) {
    let reader = ledger.reader();
    let nothing = reader.checkpoints_around(0).expect("of nothing, too");
    assert_eq!(nothing.before, nothing.after);
    let mut signed = vec![nothing.after];
    let mut sizes = vec![0];
    // More than a segment has room for, so that some lie in older ones.
    for count in [3, 1, 4_000, 200, 5_000, 2] {
        fill(ledger, &[count]);
        signed.push(reader.checkpoint().note().to_owned());
        sizes.push(reader.checkpoint().size());
    }
    for size in [
        0, 1, 2, 3, 4, 5, 4_003, 4_004, 4_005, 4_204, 9_000, 9_204, 9_205, 9_206,
    ] {
        let around = reader.checkpoints_around(size).expect("committed");
        let after = sizes.partition_point(|it| *it < size);
        let before = sizes.partition_point(|it| *it <= size) - 1;
        assert_eq!(around.before, signed[before], "before {size}");
        assert_eq!(around.after, signed[after], "after {size}");
    }
    for beyond in [9_207, u64::MAX] {
        let error = reader.checkpoints_around(beyond).expect_err("beyond");
        assert!(matches!(error, LedgerError::OutOfRange(_)), "{error}");
    }
}

fn reading_stops_at_the_end_and_at_the_maximum(ledger: &mut dyn Ledger) {
    fill(ledger, &[256, 256, 88]);
    let reader = ledger.reader();
    for (from, max, count) in [
        (0, 0, 0),
        (0, 1, 1),
        (255, 2, 2),
        (250, 300, 300),
        (599, 9, 1),
        (600, 9, 0),
    ] {
        let found = reader.entries(from, max).expect("readable");
        assert_eq!(found, lines(from, count), "{max} from {from}");
    }
    assert!(
        reader
            .entries(u64::MAX, 5)
            .expect("nothing there")
            .is_empty()
    );
}

fn recovering_what_is_well_changes_nothing(ledger: &mut dyn Ledger) {
    fill(ledger, &[3]);
    assert_eq!(ledger.recover().expect("well"), Recovered::default());
    fill(ledger, &[1]);
    walk(&*ledger.reader(), &lines(0, 4), 1);
}

fn a_reader_of_yesterday_sees_today(ledger: &mut dyn Ledger) {
    let reader = ledger.reader();
    fill(ledger, &[700]);
    walk(&*reader, &lines(0, 700), 50);
}

fn readers_and_the_writer_do_not_wait_for_each_other(ledger: &mut dyn Ledger) {
    let reader = ledger.reader();
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut seen = 0;
            while seen < 1_000 {
                let checkpoint = reader.checkpoint();
                seen = checkpoint.size();
                if let Some(last) = seen.checked_sub(1) {
                    let proof = reader.prove_inclusion(last, seen).expect("provable");
                    let line = reader.entries(last, 1).expect("readable").remove(0);
                    let leaf = breakglass_tlog::Hash::of_leaf(&line);
                    proof
                        .verify(&leaf, &checkpoint.root())
                        .expect("one moment's ledger");
                }
            }
        });
        fill(ledger, &[20; 50]);
        looking.join().expect("saw everything");
    });
}
