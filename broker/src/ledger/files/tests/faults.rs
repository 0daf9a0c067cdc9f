//! Every call fails: cleanly, although it landed, torn, and for good. After each the one checker
//! walks the whole ledger: the root matches, every acknowledged entry is there, and nothing else
//! but whole batches that landed.

use std::sync::Arc;

use super::sim::{Cut, How, Sim};
use super::{create, open, open_and_walk};
use crate::ledger::FileLedger;
use crate::ledger::fixtures::{root_of, walk};
use crate::ports::{Ledger, LedgerError};

/// Sizes of batches that fill tiles, end one within a batch, and begin segments.
const BATCHES: [usize; 6] = [1, 100, 160, 1, 100, 1];

/// What was promised to callers.
#[derive(Default)]
struct Promised {
    /// Durable, in order.
    acknowledged: Vec<Arc<[u8]>>,
    /// In the ledger or not, but whole: the batch that was being appended when all stopped.
    in_doubt: Vec<Arc<[u8]>>,
}

impl Promised {
    /// The ledger has what it must have; answers what that is.
    fn check(&mut self, ledger: &FileLedger) -> &[Arc<[u8]>] {
        let size = usize::try_from(ledger.size()).expect("it fits memory");
        if size > self.acknowledged.len() {
            self.acknowledged.append(&mut self.in_doubt);
        }
        walk(&*ledger.reader(), &self.acknowledged, 90);
        &self.acknowledged
    }
}

/// A day of the ledger: it is made, filled, published now and then. Where an append fails it
/// recovers, or the machine has stopped.
fn day(sim: &Sim, promised: &mut Promised) -> Result<FileLedger, LedgerError> {
    let mut ledger = match create(sim) {
        Ok(ledger) => ledger,
        // What a failed creation left is no ledger yet, or an empty one.
        Err(_) => create(sim).or_else(|_| open(sim).map(|(ledger, _)| ledger))?,
    };
    for (number, count) in BATCHES.into_iter().enumerate() {
        let entry = |i| Arc::from(format!("{{\"batch\":{number},\"entry\":{i}}}").into_bytes());
        let batch: Vec<Arc<[u8]>> = (0..count).map(entry).collect();
        promised.in_doubt.clone_from(&batch);
        if ledger.append(&batch).is_ok() {
            promised.acknowledged.append(&mut promised.in_doubt);
        } else {
            let landed = recover(&mut ledger)?;
            assert!(
                landed.is_empty() || landed == batch,
                "a batch landed in part"
            );
            promised.acknowledged.extend(landed);
            promised.in_doubt.clear();
        }
        if number % 2 == 1 {
            ledger.publish();
        }
    }
    Ok(ledger)
}

/// As the sequencer does: it tries again with the next batch.
fn recover(ledger: &mut FileLedger) -> Result<Vec<Arc<[u8]>>, LedgerError> {
    let recovered = ledger.recover().or_else(|_| ledger.recover())?;
    Ok(recovered.landed)
}

/// The calls of a day on which nothing fails.
fn calls() -> Vec<String> {
    let sim = Sim::default();
    let mut promised = Promised::default();
    let ledger = day(&sim, &mut promised).expect("a good day");
    promised.check(&ledger);
    assert_eq!(promised.acknowledged.len(), BATCHES.iter().sum::<usize>());
    sim.calls()
}

#[test]
fn the_day_has_every_kind_of_call() {
    let calls = calls();
    for call in [
        "write", "sync", "create", "rename", "open", "make", "allocate", "remove",
    ] {
        assert!(
            calls.iter().any(|one| one.starts_with(call)),
            "no {call} among {calls:#?}"
        );
    }
    let begun = calls
        .iter()
        .filter(|one| one.starts_with("rename") && one.contains("journal"));
    assert!(begun.count() > 2, "no segments: {calls:#?}");
    assert!(
        calls.iter().any(|one| one.contains("tile/entries/001")),
        "no tiles: {calls:#?}"
    );
}

#[test]
fn a_call_that_fails_loses_and_invents_nothing() {
    each_call_fails_once(How::Clean);
}

#[test]
fn a_call_that_fails_although_it_landed_loses_and_invents_nothing() {
    each_call_fails_once(How::Landed);
}

#[test]
fn a_call_that_is_half_done_loses_and_invents_nothing() {
    each_call_fails_once(How::Torn);
}

fn each_call_fails_once(how: How) {
    for (number, call) in calls().iter().enumerate() {
        let sim = Sim::default();
        sim.fail(number, how);
        let mut promised = Promised::default();
        let ledger = day(&sim, &mut promised)
            .unwrap_or_else(|error| panic!("{how:?} at {number}, {call}: {error}"));
        promised.check(&ledger);
        drop(ledger);
        // The same after a kill and after a power cut, whatever that leaves.
        let root = root_of(&promised.acknowledged);
        let other = Cut::ALL[number % Cut::ALL.len()];
        let disks = [
            sim.after_kill(),
            sim.after_power_cut(Cut::Lost, false),
            sim.after_power_cut(other, number % 2 == 0),
        ];
        for disk in disks {
            let (ledger, _) = open(&disk)
                .unwrap_or_else(|error| panic!("{how:?} at {number}, {call}, then: {error}"));
            assert_eq!(
                ledger.reader().checkpoint().root(),
                root,
                "{how:?} at {number}, {call}"
            );
        }
    }
}

#[test]
fn a_machine_that_loses_power_at_any_call_keeps_what_was_acknowledged() {
    each_call_is_the_last(|sim| {
        vec![
            sim.after_power_cut(Cut::Lost, false),
            sim.after_power_cut(Cut::Lost, true),
            sim.after_power_cut(Cut::Kept, false),
        ]
    });
}

#[test]
fn a_write_torn_by_a_power_cut_leaves_no_trace() {
    each_call_is_the_last(|sim| {
        vec![
            sim.after_power_cut(Cut::FirstHalf, true),
            sim.after_power_cut(Cut::SecondHalf, true),
        ]
    });
}

#[test]
fn a_process_killed_at_any_call_keeps_what_was_acknowledged() {
    each_call_is_the_last(|sim| vec![sim.after_kill()]);
}

fn each_call_is_the_last(left: impl Fn(&Sim) -> Vec<Sim>) {
    for (number, call) in calls().iter().enumerate() {
        let sim = Sim::default();
        sim.fail(number, How::Stop);
        let mut promised = Promised::default();
        // Near the end only what needs no answer may fail.
        let _ = day(&sim, &mut promised).map(drop);
        for disk in left(&sim) {
            let mut promised = Promised {
                acknowledged: promised.acknowledged.clone(),
                in_doubt: promised.in_doubt.clone(),
            };
            let mut ledger = match open(&disk) {
                Ok((ledger, _)) => ledger,
                // It stopped while it was made: there is no ledger yet, and one can be made.
                Err(error) if promised.acknowledged.is_empty() => {
                    create(&disk).unwrap_or_else(|_| panic!("at {number}, {call}: {error}"))
                }
                Err(error) => panic!("at {number}, {call}: {error}"),
            };
            promised.check(&ledger);
            // What it shows now it shows after a power cut right away.
            let (shown, _) = open(&disk.after_power_cut(Cut::Lost, false))
                .unwrap_or_else(|error| panic!("at {number}, {call}, then: {error}"));
            assert_eq!(shown.size(), ledger.size(), "at {number}, {call}");
            drop(shown);
            // It goes on from there, and what follows survives a power cut.
            let next: Arc<[u8]> = b"{\"next\":true}".as_slice().into();
            ledger.append(&[Arc::clone(&next)]).expect("appended");
            promised.acknowledged.push(next);
            drop(ledger);
            let (ledger, _) = open(&disk.after_power_cut(Cut::Lost, false)).expect("opens");
            let root = ledger.reader().checkpoint().root();
            assert_eq!(root, root_of(&promised.acknowledged), "at {number}, {call}");
        }
    }
}

#[test]
fn nothing_is_appended_before_it_has_recovered() {
    let sim = Sim::default();
    let mut ledger = create(&sim).expect("a ledger");
    let batch = [Arc::from(b"one".as_slice())];
    sim.fail(sim.calls().len(), How::Clean);
    ledger.append(&batch).expect_err("the write fails");
    let error = ledger
        .append(&batch)
        .expect_err("not before it has recovered");
    assert!(
        error.to_string().contains("has not recovered from"),
        "{error}"
    );
    assert!(ledger.recover().expect("recovers").landed.is_empty());
    ledger.append(&batch).expect("appended");
    walk(&*ledger.reader(), &batch, 1);
}

#[test]
fn a_sync_that_fails_is_not_believed_although_the_bytes_can_be_read() {
    let sim = Sim::default();
    let mut ledger = create(&sim).expect("a ledger");
    let batch = [Arc::from(b"one".as_slice())];
    sim.fail(sim.calls().len() + 1, How::Clean);
    ledger.append(&batch).expect_err("the sync fails");
    let recovered = ledger.recover().expect("recovers");
    assert_eq!(
        recovered.landed, batch,
        "the batch is whole, and is written again"
    );
    drop(ledger);
    open_and_walk(&sim.after_power_cut(Cut::Lost, false), &batch);
}

#[test]
fn a_disk_that_became_read_only_is_told_and_forgiven() {
    let sim = Sim::default();
    let mut ledger = create(&sim).expect("a ledger");
    let batch = [Arc::from(b"one".as_slice())];
    sim.set_read_only(true);
    let error = ledger.append(&batch).expect_err("read-only");
    assert!(error.to_string().contains("read-only"), "{error}");
    ledger.recover().expect_err("still read-only");
    let error = open(&sim).map(drop).expect_err("not to be written");
    assert!(matches!(&error, LedgerError::Unavailable(told) if told.contains("read-only")));
    sim.set_read_only(false);
    assert!(ledger.recover().expect("writable again").landed.is_empty());
    ledger.append(&batch).expect("appended");
    walk(&*ledger.reader(), &batch, 1);
}
