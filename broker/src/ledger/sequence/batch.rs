//! What the sequencer's thread does, batch by batch.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use breakglass_domain::decide::decide;
use breakglass_domain::due::due;
use breakglass_domain::folding::RefusalFolder;
use breakglass_domain::{Act, Actor, Command, Refusal, State, Time};
use breakglass_tlog::{Receipt, SignedCheckpoint};
use tokio::sync::mpsc;

use super::draft::Draft;
use super::{Appended, Order, Parts, Waiting, entry_at};
use crate::ledger::limits::BATCH_COMMANDS;
use crate::ports::{Decided, Declined, LedgerError, LedgerReader, Recorded, Recovered, Room};

/// The thread's own.
pub(super) struct Sequencer {
    parts: Parts,
    reader: Arc<dyn LedgerReader>,
    /// The state with the events of the batch at hand folded in.
    state: State,
    refusals: RefusalFolder,
    /// Entries that are in the state.
    size: u64,
    /// An append failed: the ledger has to say first what landed.
    in_doubt: bool,
    /// Bytes of torn tails that were cut and stand in no entry yet.
    cut_bytes: u64,
    /// The ledger contradicted itself: nothing is decided any more.
    halted: Option<LedgerError>,
    published: u64,
}

/// A command's fate within its batch.
enum Fate {
    /// Its events are here in the batch.
    Taken(Range<usize>),
    Declined(Declined),
}

/// A batch that is durable.
#[derive(Default)]
struct Committed {
    recorded: Vec<Recorded>,
    receipts: Vec<Receipt>,
}

impl Sequencer {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            reader: parts.ledger.reader(),
            state: parts.live.read(State::clone),
            refusals: RefusalFolder::default(),
            size: parts.ledger.size(),
            in_doubt: false,
            cut_bytes: 0,
            halted: None,
            published: 0,
            parts,
        }
    }

    /// Serves until it is stopped or nobody is left to send.
    pub(super) fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut waiting = VecDeque::new();
        loop {
            if waiting.is_empty() {
                match orders.blocking_recv() {
                    Some(order) => receive(order, &mut waiting, &mut orders),
                    None => break,
                }
            }
            while waiting.len() < BATCH_COMMANDS
                && let Ok(order) = orders.try_recv()
            {
                receive(order, &mut waiting, &mut orders);
            }
            if !waiting.is_empty() {
                self.batch(&mut waiting);
            }
        }
        self.finish();
    }

    /// Decides and commits as many of those who wait as fit one batch, and answers them.
    fn batch(&mut self, waiting: &mut VecDeque<Waiting>) {
        if let Err(error) = self.settle() {
            let all = waiting.drain(..);
            all.for_each(|one| answer(one, Err(error.clone().into())));
            return;
        }
        let (now, room) = (self.parts.clock.now(), self.parts.ledger.room());
        self.parts.observer.room(room);
        let mut draft = Draft::new(self.size);
        if let Err(error) = self.begin(&mut draft, now, room) {
            tracing::error!(%error, "what time brought about could not be recorded");
        }
        let mut decided = Vec::new();
        while !draft.is_full()
            && decided.len() < BATCH_COMMANDS
            && let Some(one) = waiting.pop_front()
        {
            let fate = self.decide(&mut draft, &one.command, now, room);
            decided.push((one, fate));
        }
        let ticked = decided.iter().any(|(one, _)| one.command.act == Act::Tick);
        match self.commit(&draft, decided.len()) {
            Ok(committed) => tell(decided, &committed),
            Err(error) => self.fail(decided, waiting, &error),
        }
        if ticked {
            self.parts.ledger.make_room();
            self.publish();
        }
    }

    /// After a failure: finds out what is durable, and goes on from there.
    fn settle(&mut self) -> Result<(), LedgerError> {
        if let Some(error) = &self.halted {
            return Err(error.clone());
        }
        if !self.in_doubt {
            return Ok(());
        }
        let recovered = self.parts.ledger.recover();
        let Recovered { landed, cut_bytes } =
            recovered.inspect_err(|error| self.parts.observer.failed(error))?;
        self.in_doubt = false;
        self.cut_bytes += cut_bytes;
        tracing::warn!(landed = landed.len(), cut_bytes, "the ledger has recovered");
        let folded = self.fold_in(landed);
        folded.inspect_err(|error| self.halt(error))
    }

    /// Entries that landed although the ledger said otherwise are facts like any other.
    fn fold_in(&mut self, lines: Vec<Arc<[u8]>>) -> Result<(), LedgerError> {
        if lines.is_empty() {
            return Ok(());
        }
        let mut recorded = Vec::new();
        for (index, line) in (self.size..).zip(lines) {
            let event = Arc::new(entry_at(index, &line)?);
            self.state.apply(&event);
            recorded.push(Recorded { index, event, line });
        }
        self.apply(&recorded, &self.reader.checkpoint());
        Ok(())
    }

    /// What comes before any command: a repair to be told, what is due, refusals to be counted.
    fn begin(&mut self, draft: &mut Draft, now: Time, room: Room) -> Result<(), LedgerError> {
        draft.take(due(&self.state, now), &mut self.state)?;
        if self.cut_bytes > 0 {
            let cut_bytes = self.cut_bytes;
            self.note(draft, broker(Act::NoteRepair { cut_bytes }), now)?;
        }
        if room == Room::Plenty {
            for counted in self.refusals.due(now) {
                self.note(draft, counted, now)?;
            }
        }
        Ok(())
    }

    fn decide(&mut self, draft: &mut Draft, command: &Command, now: Time, room: Room) -> Fate {
        if room == Room::EndingsOnly && !fits_anyway(&command.act) {
            self.parts.observer.refused_for_room();
            let full = LedgerError::Full("only endings are still written; make room".into());
            return Fate::Declined(full.into());
        }
        match decide(&self.state, command, now) {
            Ok(events) => match draft.take(events, &mut self.state) {
                Ok(places) => Fate::Taken(places),
                Err(error) => Fate::Declined(LedgerError::from(error).into()),
            },
            Err(refusal) => {
                // What is told in other words is put on record by whoever tells it.
                if room == Room::Plenty && refusal.is_whole() {
                    self.note_refusal(draft, command, &refusal, now);
                }
                Fate::Declined(refusal.into())
            }
        }
    }

    /// A refusal to somebody known is an entry, folded when it repeats.
    fn note_refusal(&mut self, draft: &mut Draft, asked: &Command, refusal: &Refusal, now: Time) {
        let policy = &self.state.policy;
        let known = match &asked.by {
            Actor::Person(person) => policy.people.contains_key(person),
            // It has proven that it is the source before the rules were asked.
            Actor::Source(_) => true,
            Actor::Broker | Actor::Target(_) => false,
        };
        if !known {
            return;
        }
        let text = refusal.to_string();
        let (act, reason) = (asked.act.name(), refusal.code());
        let incident = asked.act.incident(&self.state);
        let counted = self
            .refusals
            .note(now, &asked.by, act, reason, &text, incident);
        let noted = counted.map_or(Ok(()), |counted| self.note(draft, counted, now));
        if let Err(error) = noted {
            tracing::error!(%error, "a refusal could not be recorded");
        }
    }

    /// Adds what the broker notes by itself.
    fn note(&mut self, draft: &mut Draft, note: Command, now: Time) -> Result<(), LedgerError> {
        match decide(&self.state, &note, now) {
            Ok(events) => draft
                .take(events, &mut self.state)
                .map(drop)
                .map_err(Into::into),
            Err(refusal) => Err(LedgerError::Unavailable(refusal.to_string())),
        }
    }

    /// Makes the batch durable, proven and applied.
    fn commit(&mut self, draft: &Draft, commands: usize) -> Result<Committed, LedgerError> {
        if draft.lines.is_empty() {
            return Ok(Committed::default());
        }
        let started = self.parts.clock.monotonic();
        let checkpoint = self
            .parts
            .ledger
            .append(&draft.lines)
            .inspect_err(|error| {
                self.in_doubt = true;
                self.parts.observer.failed(error);
            })?;
        self.parts.observer.appended(Appended {
            commands,
            entries: draft.lines.len(),
            bytes: draft.bytes,
            took: self.parts.clock.monotonic().saturating_sub(started),
        });
        let receipts = self.prove(draft, &checkpoint);
        let receipts = receipts.inspect_err(|error| self.halt(error))?;
        let recorded = recorded(draft);
        self.apply(&recorded, &checkpoint);
        self.cut_bytes = 0;
        Ok(Committed { recorded, receipts })
    }

    /// One receipt for each entry: the broker proves its own ledger before anybody relies on it.
    fn prove(
        &self,
        draft: &Draft,
        checkpoint: &Arc<SignedCheckpoint>,
    ) -> Result<Vec<Receipt>, LedgerError> {
        let places = (draft.first()..).zip(&draft.lines);
        let receipts = places.map(|(index, line)| {
            let proof = self.reader.prove_inclusion(index, checkpoint.size())?;
            let receipt = Receipt::verify(Arc::clone(line), proof, checkpoint);
            receipt.map_err(|e| {
                LedgerError::Damaged(format!(
                    "entry {index} cannot be proven: {e}; run: glassd fsck"
                ))
            })
        });
        receipts.collect()
    }

    /// Everybody learns of what is durable.
    fn apply(&mut self, recorded: &[Recorded], checkpoint: &Arc<SignedCheckpoint>) {
        self.size += recorded.len() as u64;
        self.parts
            .live
            .apply(recorded.iter().map(|one| &*one.event));
        for projection in &self.parts.projections {
            projection.committed(recorded, checkpoint);
        }
    }

    /// The batch is not, or not known to be, in the ledger: back to what is.
    fn fail(
        &mut self,
        decided: Vec<(Waiting, Fate)>,
        waiting: &mut VecDeque<Waiting>,
        error: &LedgerError,
    ) {
        tracing::error!(%error, commands = decided.len(), "a batch could not be recorded");
        self.state = self.parts.live.read(State::clone);
        let full = matches!(error, LedgerError::Full(_));
        for (mut one, _) in decided.into_iter().rev() {
            if full && !one.retried {
                one.retried = true;
                waiting.push_front(one);
            } else {
                answer(one, Err(error.clone().into()));
            }
        }
    }

    fn halt(&mut self, error: &LedgerError) {
        tracing::error!(%error, "the ledger contradicts itself; nothing is decided any more");
        self.halted = Some(error.clone());
    }

    fn publish(&mut self) {
        if self.size > self.published {
            self.parts.ledger.publish();
            self.published = self.size;
        }
    }

    /// Records the refusals counted so far, and lays the ledger out.
    fn finish(mut self) {
        if self.settle().is_err() {
            return;
        }
        let now = self.parts.clock.now();
        let mut draft = Draft::new(self.size);
        for counted in self.refusals.flush() {
            if let Err(error) = self.note(&mut draft, counted, now) {
                tracing::error!(%error, "refusals could not be recorded");
            }
        }
        if let Err(error) = self.commit(&draft, 0) {
            tracing::error!(%error, "the last refusals could not be recorded");
        }
        self.publish();
    }
}

/// Puts a command with those who wait; a stop lets nobody else in.
fn receive(order: Order, waiting: &mut VecDeque<Waiting>, orders: &mut mpsc::Receiver<Order>) {
    match order {
        Order::Decide(one) => waiting.push_back(*one),
        Order::Stop => orders.close(),
    }
}

/// Answers everybody in a batch that is durable.
fn tell(decided: Vec<(Waiting, Fate)>, committed: &Committed) {
    for (one, fate) in decided {
        let told = match fate {
            Fate::Declined(declined) => Err(declined),
            Fate::Taken(places) => Ok(Decided {
                recorded: committed.recorded[places.clone()].to_vec(),
                receipts: committed.receipts[places].to_vec(),
            }),
        };
        answer(one, told);
    }
}

/// A caller that has gone away does not need the answer; what was decided stands.
fn answer(one: Waiting, told: Result<Decided, Declined>) {
    let _ = one.answer.send(told);
}

fn recorded(draft: &Draft) -> Vec<Recorded> {
    let places = (draft.first()..).zip(draft.events.iter().zip(&draft.lines));
    let recorded = places.map(|(index, (event, line))| Recorded {
        index,
        event: Arc::clone(event),
        line: Arc::clone(line),
    });
    recorded.collect()
}

/// What is written even if the disk is nearly full: endings, and what the broker needs to start.
fn fits_anyway(act: &Act) -> bool {
    let broker = matches!(
        act,
        Act::Start { .. }
            | Act::LoadPolicy { .. }
            | Act::RetireKey { .. }
            | Act::NoteRepair { .. }
            | Act::NoteStreams { .. }
    );
    broker || act.ends()
}

fn broker(act: Act) -> Command {
    Command {
        by: Actor::Broker,
        signed: None,
        act,
    }
}
