//! The task that asks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use breakglass_domain::WitnessId;
use breakglass_domain::policy::Witnesses;
use breakglass_tlog::cosigned::{Cosigned, Quorum};
use breakglass_tlog::{Hash, LedgerKeys, SignatureLine, SignedCheckpoint};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::ask::{Failed, Question};
use super::kept::Kept;
use super::limits::{LOOK, LOST_AFTER};
use super::newest::{Committed, Newest};
use super::round::Round;
use super::seat::{self, Seat};
use super::standing::Standings;
use crate::app::App;
use crate::config::{WitnessAddress, WitnessName};
use crate::ports::Witnesses as _;

/// Asks the witnesses of the policy for each new checkpoint.
pub struct Asking {
    /// The use cases.
    pub app: Arc<App>,
    /// The ledger's keys, of which no witness may have one.
    pub ledger: LedgerKeys,
    /// Where they are.
    pub addresses: BTreeMap<WitnessName, WitnessAddress>,
    /// What paths of the config are relative to.
    pub config_dir: PathBuf,
    /// Where the newest cosigned checkpoint is kept.
    pub ledger_dir: PathBuf,
    /// Hears of every commit.
    pub committed: Arc<Committed>,
    /// Knows what they have signed.
    pub newest: Arc<Newest>,
    /// Knows how they fare.
    pub standings: Arc<Standings>,
}

/// What an answer is about.
struct Heard {
    witness: WitnessId,
    checkpoint: Arc<SignedCheckpoint>,
    said: Result<SignatureLine, Failed>,
}

/// Those of one policy.
struct Bench {
    asked: Witnesses,
    quorum: Quorum,
    seats: Vec<Seat>,
    round: Round,
    asking: JoinSet<Heard>,
    /// Since when what is newest is not signed by enough of them.
    uncovered_since: Option<Instant>,
}

impl Asking {
    /// Asks until the broker stops.
    pub async fn run(self) {
        let mut stopping = self.app.stopping();
        tokio::select! {
            () = stopping.told() => {}
            () = self.ask_all() => {}
        }
    }

    /// Never answers.
    async fn ask_all(&self) {
        let mut committed = self.committed.subscribe();
        loop {
            match self.app.asked_witnesses() {
                Some(asked) => self.serve(asked, &mut committed).await,
                None => {
                    self.newest.set(None);
                    self.standings.are([]);
                    // A policy that names some is an entry. The sender is held here.
                    let _ = committed.changed().await;
                }
            }
        }
    }

    /// Asks those of one policy; answers when there is another.
    async fn serve(
        &self,
        asked: Witnesses,
        committed: &mut watch::Receiver<Arc<SignedCheckpoint>>,
    ) {
        let Some(mut bench) = self.bench(&asked, committed).await else {
            let _ = committed.changed().await;
            return;
        };
        while self.app.asked_witnesses().as_ref() == Some(&bench.asked) {
            let newest = Arc::clone(&committed.borrow_and_update());
            self.look_whether_lost(&mut bench, &newest).await;
            bench.next_round(newest);
            self.ask_who_is_due(&mut bench);
            let wake = bench.next_due().unwrap_or(Instant::now() + LOOK);
            tokio::select! {
                Some(heard) = bench.asking.join_next() => {
                    match heard {
                        Ok(heard) => self.hear(&mut bench, heard).await,
                        // A task fell, and nobody knows whose: all of them begin anew.
                        Err(_) => return,
                    }
                }
                _ = committed.changed() => {}
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    async fn bench(
        &self,
        asked: &Witnesses,
        committed: &watch::Receiver<Arc<SignedCheckpoint>>,
    ) -> Option<Bench> {
        let (quorum, keys) = seat::roster(asked)
            .inspect_err(|why| tracing::error!(%why, "no witness is asked"))
            .ok()?;
        let (seats, shut) = seat::seats(&keys, &self.addresses, &self.config_dir);
        self.standings.are(keys.into_keys());
        for (id, why) in shut {
            self.standings.cannot(&id, self.app.monotonic(), why, true);
        }
        let newest = Arc::clone(&committed.borrow());
        self.newest.set(self.kept(&quorum, &newest).await);
        Some(Bench {
            asked: asked.clone(),
            quorum,
            seats,
            round: Round::of(newest),
            asking: JoinSet::new(),
            uncovered_since: None,
        })
    }

    /// What was kept, where enough witnesses of this policy have signed it and it is how this ledger
    /// begins.
    async fn kept(&self, quorum: &Quorum, newest: &SignedCheckpoint) -> Option<Arc<Cosigned>> {
        let kept = Kept::in_folder(&self.ledger_dir);
        let read = tokio::task::spawn_blocking(move || kept.read()).await;
        let note = match read {
            Ok(Ok(note)) => note?,
            Ok(Err(error)) => {
                tracing::warn!(%error, "what witnesses have signed cannot be read; they are asked again");
                return None;
            }
            Err(_) => return None,
        };
        let cosigned = Cosigned::verify(&note, self.ledger.of_note(&note), quorum).ok()?;
        match self.begins_with(&cosigned, newest).await {
            true => Some(Arc::new(cosigned)),
            false => {
                tracing::error!(
                    signed = cosigned.size(),
                    "witnesses have signed something that is not how this ledger begins: was an older \
                     copy of it put in its place?"
                );
                None
            }
        }
    }

    async fn begins_with(&self, cosigned: &Cosigned, newest: &SignedCheckpoint) -> bool {
        let (old, new) = (cosigned.size(), newest.size());
        if old == 0 || new == 0 {
            return cosigned.checkpoint().root() == Hash::EMPTY_TREE;
        }
        let grown = self.app.prove_consistency(old, new).await;
        let roots = (cosigned.checkpoint().root(), newest.root());
        grown.is_ok_and(|grown| grown.proof.verify(&roots.0, &roots.1).is_ok())
    }

    fn ask_who_is_due(&self, bench: &mut Bench) {
        let now = Instant::now();
        let Bench {
            seats,
            round,
            asking,
            ..
        } = bench;
        let due = |seat: &&mut Seat| !seat.is_asked && seat.due() <= now && !round.has(&seat.id);
        for seat in seats.iter_mut().filter(due) {
            seat.is_asked = true;
            let (witness, checkpoint) = (seat.id.clone(), Arc::clone(round.checkpoint()));
            let question = Question {
                app: Arc::clone(&self.app),
                door: Arc::clone(&seat.door),
                key: seat.key.clone(),
                known: seat.known,
                checkpoint: Arc::clone(&checkpoint),
            };
            asking.spawn(async move {
                let said = question.ask().await;
                Heard {
                    witness,
                    checkpoint,
                    said,
                }
            });
        }
    }

    async fn hear(&self, bench: &mut Bench, heard: Heard) {
        let Heard {
            witness,
            checkpoint,
            said,
        } = heard;
        let Some(seat) = bench.seats.iter_mut().find(|seat| seat.id == witness) else {
            return;
        };
        seat.is_asked = false;
        match said {
            Ok(line) => {
                seat.signed(checkpoint.size());
                self.standings.signed(&witness, checkpoint.size());
                if checkpoint.size() == bench.round.size() {
                    bench.round.add(witness, line);
                    self.take(bench).await;
                }
            }
            Err(why) => {
                seat.failed();
                self.standings.failed(&witness, self.app.monotonic(), &why);
            }
        }
    }

    /// Keeps the checkpoint of this round, where enough have signed it.
    async fn take(&self, bench: &mut Bench) {
        // A round of the policy before is over with it.
        if self.app.asked_witnesses().as_ref() != Some(&bench.asked) {
            return;
        }
        let Some(cosigned) = bench.round.cosigned(&self.ledger, &bench.quorum) else {
            return;
        };
        let (kept, note) = (
            Kept::in_folder(&self.ledger_dir),
            cosigned.note().to_owned(),
        );
        let written = tokio::task::spawn_blocking(move || kept.write(&note)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "what witnesses have signed cannot be kept on the disk");
        }
        let cosigned = Arc::new(cosigned);
        self.newest.set(Some(Arc::clone(&cosigned)));
        bench.uncovered_since = None;
        self.note_that_they_sign_again(&cosigned).await;
    }

    async fn note_that_they_sign_again(&self, cosigned: &Cosigned) {
        if self.app.unwitnessed_since().is_none() {
            return;
        }
        tracing::info!(size = cosigned.size(), "enough witnesses sign again");
        if let Err(error) = self.app.note_witnessed(cosigned).await {
            tracing::error!(%error, "that witnesses sign again cannot be recorded; trying again");
        }
    }

    /// Where too few sign for too long, that is an entry. What fails is tried at the next look.
    async fn look_whether_lost(&self, bench: &mut Bench, newest: &SignedCheckpoint) {
        if newest.size() <= self.newest.size() {
            bench.uncovered_since = None;
            if let Some(cosigned) = self.newest.newest() {
                self.note_that_they_sign_again(&cosigned).await;
            }
            return;
        }
        let since = *bench.uncovered_since.get_or_insert_with(Instant::now);
        if since.elapsed() < LOST_AFTER || self.app.unwitnessed_since().is_some() {
            return;
        }
        tracing::error!(
            witnessed = self.newest.size(),
            entries = newest.size(),
            "too few witnesses sign the ledger"
        );
        if let Err(error) = self.app.note_unwitnessed().await {
            tracing::error!(%error, "that too few witnesses sign cannot be recorded; trying again");
        }
    }
}

impl Bench {
    /// Goes on to the newest checkpoint, where this one is done with: enough have signed it, or nobody
    /// is left to wait for.
    fn next_round(&mut self, newest: Arc<SignedCheckpoint>) {
        let now = Instant::now();
        let waits = |seat: &Seat| seat.is_asked || (!self.round.has(&seat.id) && !seat.rests(now));
        let is_over = self.round.count() >= self.quorum.need() || !self.seats.iter().any(waits);
        if is_over && newest.size() > self.round.size() {
            self.round = Round::of(newest);
        }
    }

    /// When somebody may be asked next who has not signed this.
    fn next_due(&self) -> Option<Instant> {
        let soon = Instant::now() + LOOK;
        let free = self.seats.iter().filter(|seat| !seat.is_asked);
        let free = free.filter(|seat| !self.round.has(&seat.id));
        free.map(Seat::due).min().map(|due| due.min(soon))
    }
}
