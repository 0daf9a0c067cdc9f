//! What callers of the sequencer can rely on.

mod world;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use breakglass_domain::{Act, Change, Lifetime, Refusal};
use proptest::prelude::*;

use super::alone;
use crate::ledger::fixtures::signer;
use crate::ledger::{MemoryLedger, entry};
use crate::ports::{Clock as _, Decided, Declined, Ledger as _, LedgerError, Room, Sequencer as _};
use world::{Fate, World, broker, held};

const TICK: Act = Act::Tick;

#[tokio::test]
async fn what_is_answered_is_recorded_proven_and_applied() {
    let world = World::new().await;
    let decided = world.does(world.open("mia")).await;
    let [recorded] = decided.recorded.as_slice() else {
        panic!("one entry: {decided:?}");
    };
    let [receipt] = decided.receipts.as_slice() else {
        panic!("one receipt: {decided:?}");
    };
    assert_eq!(receipt.index(), recorded.index);
    assert_eq!(receipt.entry(), &*recorded.line);
    assert_eq!(receipt.checkpoint().size(), recorded.index + 1);
    assert!(matches!(
        recorded.event.change,
        Change::IncidentOpened { .. }
    ));
    assert!(world.live.read(|live| live.incidents.len() == 1));
    world.check();
}

#[tokio::test]
async fn who_waits_while_the_disk_works_shares_the_next_batch() {
    let world = World::new().await;
    world.does(world.open("mia")).await;
    held(&world.knobs.batches).clear();
    let commands: Vec<_> = (0..40).map(|_| world.request("mia", 1)).collect();
    let gate = held(&world.knobs.gate);
    let mut waiting: Vec<_> = commands
        .into_iter()
        .map(|c| world.sequence.submit(c))
        .collect();
    // Each is in the queue once it was polled; the first append waits at the gate.
    waiting.iter_mut().for_each(sent);
    drop(gate);
    for one in waiting {
        assert_eq!(
            one.await.expect("decided").recorded.len(),
            2,
            "requested and started"
        );
    }
    let batches = held(&world.knobs.batches).clone();
    assert!(
        batches.len() < 40 && batches.iter().sum::<usize>() == 80,
        "{batches:?}"
    );
    world.check();
}

/// Polls a submission once, so that its command is in the queue.
fn sent<T>(submission: &mut Pin<Box<dyn Future<Output = T> + Send + '_>>) {
    let poll = submission
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(poll, Poll::Pending), "answered before the disk");
}

#[tokio::test]
async fn a_command_sees_what_those_before_it_in_the_batch_did() {
    let world = World::new().await;
    world.does(world.open("mia")).await;
    let commands = [
        world.request("mia", 1),
        world.close("leon", 1),
        world.request("mia", 1),
    ];
    let gate = held(&world.knobs.gate);
    // The first holds the thread at the gate; the others are one batch.
    let mut first = world.sequence.submit(world.open("leon"));
    sent(&mut first);
    let mut waiting: Vec<_> = commands
        .into_iter()
        .map(|c| world.sequence.submit(c))
        .collect();
    waiting.iter_mut().for_each(sent);
    drop(gate);
    let mut told = Vec::new();
    for one in waiting {
        told.push(one.await);
    }
    first.await.expect("opened");
    let Ok([requested, closed]): Result<[Decided; 2], _> = told
        .drain(..2)
        .collect::<Result<Vec<_>, _>>()
        .expect("decided")
        .try_into()
    else {
        panic!("two answers");
    };
    assert_eq!(requested.recorded.len(), 2);
    let kinds: Vec<_> = closed
        .recorded
        .iter()
        .map(|one| &one.event.change)
        .collect();
    assert!(
        matches!(
            kinds.as_slice(),
            [Change::GrantEnded { .. }, Change::IncidentClosed { .. }]
        ),
        "{kinds:?}"
    );
    let late = told.remove(0).expect_err("closed");
    assert!(
        matches!(late, Declined::Refused(Refusal::IncidentClosed(_))),
        "{late}"
    );
    world.check();
}

#[tokio::test]
async fn a_batch_that_fails_leaves_no_trace_and_everybody_is_told() {
    let world = World::new().await;
    for fate in [Fate::Fails, Fate::Tears] {
        world.fate(&[fate]);
        let error = world.submit(world.open("mia")).await.expect_err("failed");
        assert!(
            matches!(error, Declined::Ledger(LedgerError::Unavailable(_))),
            "{error}"
        );
        assert!(world.live.read(|live| live.incidents.is_empty()));
        world.check();
    }
    let decided = world.does(world.open("mia")).await;
    let Change::IncidentOpened { incident, .. } = &decided.recorded[0].event.change else {
        panic!("opened: {decided:?}");
    };
    assert_eq!(incident.to_string(), "INC-1", "the number was not used up");
    assert_eq!(
        world.kinds().last().map(String::as_str),
        Some("incident.opened")
    );
    assert!(
        world.kinds().contains(&"ledger.repaired".to_owned()),
        "the torn bytes are told"
    );
    assert_eq!(held(&world.listener.failures).len(), 2);
    world.check();
}

#[tokio::test]
async fn what_landed_after_all_is_a_fact_before_anything_else() {
    let world = World::new().await;
    let opening = world.open("mia");
    world.fate(&[Fate::Lands]);
    world
        .submit(opening.clone())
        .await
        .expect_err("it is not known yet whether it landed");
    assert!(world.live.read(|live| live.incidents.is_empty()));
    // The same statement again: it was used.
    let error = world.submit(opening).await.expect_err("replayed");
    assert!(
        matches!(error, Declined::Refused(Refusal::StatementReplayed)),
        "{error}"
    );
    assert!(world.live.read(|live| live.incidents.len() == 1));
    world.does(world.request("mia", 1)).await;
    world.check();
}

#[tokio::test]
async fn on_a_full_disk_endings_go_through_and_nothing_starts() {
    let world = World::new().await;
    world.does(world.open("mia")).await;
    world.does(world.request("mia", 1)).await;
    world.fate(&[Fate::Fills]);
    let error = world
        .submit(world.request("mia", 1))
        .await
        .expect_err("full");
    assert!(
        matches!(error, Declined::Ledger(LedgerError::Full(_))),
        "{error}"
    );
    world.does(world.give_back("mia", 1)).await;
    // Refusals are not worth the reserve.
    let before = world.kinds().len();
    world
        .submit(world.give_back("leon", 1))
        .await
        .expect_err("not his");
    assert_eq!(world.kinds().len(), before);
    world.does(world.close("leon", 1)).await;
    assert_eq!(*held(&world.listener.room), Some(Room::EndingsOnly));
    let refused = world.listener.refused_for_room.load(Ordering::SeqCst);
    assert_eq!(refused, 1, "endings are none");
    *held(&world.knobs.endings_only) = false;
    world.does(world.open("mia")).await;
    assert_eq!(*held(&world.listener.room), Some(Room::Plenty));
    world.check();
}

#[tokio::test]
async fn space_that_somebody_made_is_seen_though_nothing_was_written_since() {
    let world = World::new().await;
    world.does(world.open("mia")).await;
    world.fate(&[Fate::Fills]);
    world.does(world.close("leon", 1)).await;
    // Everything there is has been laid out, and nothing comes after it.
    world.does(broker(TICK)).await;
    world.submit(world.open("mia")).await.expect_err("full");
    *held(&world.knobs.freed) = true;
    world.does(broker(TICK)).await;
    world.does(world.open("mia")).await;
    world.check();
}

#[tokio::test]
async fn an_ending_that_met_the_full_disk_is_tried_again_at_once() {
    let world = World::new().await;
    world.does(world.open("mia")).await;
    world.fate(&[Fate::Fills]);
    let decided = world.does(world.close("leon", 1)).await;
    assert_eq!(decided.recorded.len(), 1);
    world.check();
}

#[tokio::test]
async fn a_ledger_that_cannot_prove_its_entries_decides_nothing_more() {
    let world = World::new().await;
    *held(&world.knobs.lies) = true;
    let error = world
        .submit(world.open("mia"))
        .await
        .expect_err("not proven");
    assert!(
        matches!(error, Declined::Ledger(LedgerError::Damaged(_))),
        "{error}"
    );
    *held(&world.knobs.lies) = false;
    let error = world.submit(world.open("mia")).await.expect_err("halted");
    assert!(
        matches!(error, Declined::Ledger(LedgerError::Damaged(_))),
        "{error}"
    );
    assert!(world.live.read(|live| live.incidents.is_empty()));
}

#[tokio::test]
async fn stopping_answers_what_was_accepted_and_lets_nobody_else_in() {
    let world = World::new().await;
    let gate = held(&world.knobs.gate);
    let mut opening = world.sequence.submit(world.open("mia"));
    sent(&mut opening);
    let mut stopping = Box::pin(world.sequence.stop());
    assert!(
        stopping
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    drop(gate);
    opening.await.expect("accepted before");
    stopping.await;
    let error = world.submit(world.open("mia")).await.expect_err("too late");
    assert!(matches!(error, Declined::ShuttingDown), "{error}");
    let size = world.reader.checkpoint().size();
    assert_eq!(
        world.knobs.published.load(Ordering::SeqCst),
        size,
        "laid out at the end"
    );
    world.sequence.ended().await;
    world.check();
}

#[tokio::test]
async fn refusals_to_people_we_know_are_entries_and_repeats_are_counted() {
    let world = World::new().await;
    for _ in 0..20 {
        world
            .submit(world.request("mia", 9))
            .await
            .expect_err("no such incident");
    }
    let refused = |world: &World| {
        world
            .kinds()
            .iter()
            .filter(|kind| *kind == "refused")
            .count()
    };
    assert_eq!(refused(&world), 1);
    world.wait(Lifetime::from_secs(61));
    world.does(broker(TICK)).await;
    assert_eq!(refused(&world), 2, "nineteen more in one entry");
    let last = held(&world.listener.heard)
        .last()
        .expect("heard")
        .event
        .change
        .clone();
    assert!(
        matches!(last, Change::Refused { count: 19, .. }),
        "{last:?}"
    );
    // Nobody outside can fill the disk.
    let mut stranger = world.request("mia", 9);
    stranger.by = breakglass_domain::Actor::Person("mallory".parse().expect("an id"));
    world.submit(stranger).await.expect_err("not in the policy");
    assert_eq!(refused(&world), 2);
    world.check();
}

#[tokio::test]
async fn counted_refusals_are_entries_at_the_end() {
    let world = World::new().await;
    for _ in 0..3 {
        world
            .submit(world.request("mia", 9))
            .await
            .expect_err("no such incident");
    }
    world.sequence.stop().await;
    assert_eq!(
        world
            .kinds()
            .iter()
            .filter(|kind| *kind == "refused")
            .count(),
        2
    );
    world.check();
}

#[tokio::test]
async fn what_time_has_ended_is_over_before_a_command_is_decided() {
    let world = World::new().await;
    world.does(world.open("mia")).await;
    world.does(world.request("mia", 1)).await;
    world.wait(Lifetime::from_secs(600));
    let error = world
        .submit(world.give_back("mia", 1))
        .await
        .expect_err("expired");
    assert!(matches!(error, Declined::Refused(_)), "{error}");
    assert!(world.kinds().contains(&"grant.ended".to_owned()));
    world.check();
}

#[tokio::test]
async fn a_tick_lays_out_what_is_new() {
    let world = World::new().await;
    let published = || world.knobs.published.load(Ordering::SeqCst);
    assert_eq!(published(), 0);
    let decided = world.does(broker(TICK)).await;
    assert!(decided.recorded.is_empty(), "nothing was due");
    // The answer does not wait for it; the next one comes after.
    world.does(broker(TICK)).await;
    assert_eq!(published(), world.reader.checkpoint().size());
}

#[tokio::test]
async fn measures_are_told() {
    let world = World::new().await;
    let decided = world.does(world.open("mia")).await;
    let last = *held(&world.listener.appended).last().expect("measured");
    assert_eq!((last.commands, last.entries), (1, 1));
    assert_eq!(last.bytes, decided.recorded[0].line.len());
}

/// Something a team does, on a disk that may fail.
fn a_step() -> impl Strategy<Value = (u8, u64, Fate)> {
    let fates = [Fate::Well, Fate::Fails, Fate::Tears, Fate::Lands];
    (0..6_u8, 1..4_u64, prop::sample::select(fates.to_vec()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever fails: every answer was true, and the live state is the fold of the ledger.
    #[test]
    fn the_live_state_is_the_fold_of_the_ledger(steps in prop::collection::vec(a_step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let world = World::new().await;
            let mut answered: Vec<Arc<[u8]>> = Vec::new();
            for (what, number, fate) in steps {
                world.fate(&[fate]);
                let person = if number % 2 == 0 { "mia" } else { "leon" };
                let command = match what {
                    0 => world.open(person),
                    1 | 2 => world.request(person, number),
                    3 => world.close(person, number),
                    4 => world.give_back(person, number),
                    _ => {
                        world.wait(Lifetime::from_secs(200));
                        broker(TICK)
                    }
                };
                if let Ok(decided) = world.submit(command).await {
                    answered.extend(decided.recorded.iter().map(|one| Arc::clone(&one.line)));
                }
            }
            held(&world.knobs.fates).clear();
            world.does(broker(TICK)).await;
            world.check();
            let lines = world.reader.entries(0, 100_000).expect("readable");
            assert!(answered.iter().all(|line| lines.contains(line)), "an answer was not true");
        });
    }
}

#[tokio::test]
async fn what_is_due_stands_in_a_batch_before_an_entry_that_has_one_of_its_own() {
    let world = World::new().await;
    world.does(world.open("mia")).await;
    world.sequence.stop().await;
    let mut ledger = MemoryLedger::new(signer()).expect("a ledger");
    let lines = world.reader.entries(0, 1_000).expect("read");
    ledger.append(&lines).expect("appended");
    let mut state = world.live.read(Clone::clone);
    let later = world.clock.now().plus(Lifetime::from_secs(30 * 86_400));
    let before = alone::settle(&mut ledger, &mut state, later, 12).expect("written");
    let version = "0.1.0".to_owned();
    alone::record(&mut ledger, &mut state, later, Act::Start { version }).expect("written");
    let kinds: Vec<_> = ledger
        .reader()
        .entries(lines.len() as u64, 9)
        .expect("read");
    let kinds: Vec<_> = kinds
        .iter()
        .map(|line| entry::kind(&entry::read(line).expect("an entry").1.change))
        .collect();
    assert!(kinds.contains(&"incident.closed"), "{kinds:?}");
    assert_eq!(
        kinds[kinds.len() - 2..],
        ["ledger.repaired", "broker.started"]
    );
    assert_eq!(ledger.size(), before + 1);
    assert_eq!(state.incidents.len(), 0);
    let around = ledger.reader().checkpoints_around(before).expect("signed");
    assert_eq!(around.before, around.after, "a checkpoint of its own");
}
