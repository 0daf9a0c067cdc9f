//! The sequencer: one thread that owns the ledger and decides everything, in order.
//!
//! It takes what is waiting, decides each command against the state with the events of the same
//! batch already folded in, appends the batch with one write and one signed checkpoint, verifies a
//! receipt for each entry, applies the events, tells the projections, and wakes the callers. While
//! it waits for the disk the next batch gathers, so many callers share one `fdatasync`.
//!
//! Nobody hears of anything before it is durable. If the ledger fails, everybody in the batch is
//! told so, the state goes back to what is durable, and before the next batch the ledger says what
//! landed after all: that is folded in first. A full disk is tried once more with endings alone.

pub mod alone;
mod batch;
mod draft;
mod observe;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use breakglass_domain::{Command, State};
use tokio::sync::{mpsc, oneshot, watch};

use super::entry;
use super::limits::{QUEUE, REPLAY_ENTRIES};
use crate::ports::{
    Clock, Decided, Declined, Later, Ledger, LedgerError, LedgerReader, Live, Projection, Sequencer,
};

pub use observe::{Appended, Observer, Unobserved};

/// What the sequencer works with.
pub struct Parts {
    /// The ledger; nobody else writes to it.
    pub ledger: Box<dyn Ledger>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The state, restored up to the ledger's size ([`replay`]).
    pub live: Live,
    /// Who hears of committed batches, in this order.
    pub projections: Vec<Arc<dyn Projection>>,
    /// Who counts and measures.
    pub observer: Arc<dyn Observer>,
}

/// The handle: clones send to the same thread.
#[derive(Clone)]
pub struct Sequence {
    orders: mpsc::Sender<Order>,
    ended: watch::Receiver<()>,
}

/// What is sent to the thread.
enum Order {
    Decide(Box<Waiting>),
    Stop,
}

/// A command and whoever waits for its answer.
struct Waiting {
    command: Command,
    answer: oneshot::Sender<Result<Decided, Declined>>,
    /// It was in a batch that did not fit on the disk.
    retried: bool,
}

impl Sequence {
    /// Starts the thread. It ends after [`Sequence::stop`], or when every handle is gone.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`] where the system gives no thread.
    pub fn start(parts: Parts) -> Result<Self, LedgerError> {
        let (orders, received) = mpsc::channel(QUEUE);
        let (ending, ended) = watch::channel(());
        let sequencer = batch::Sequencer::new(parts);
        let run = move || {
            // Dropped at the end of the thread, however it ends.
            let _ending = ending;
            sequencer.run(received);
        };
        let thread = std::thread::Builder::new().name("sequencer".into());
        thread
            .spawn(run)
            .map_err(|e| LedgerError::Unavailable(format!("no thread for the sequencer: {e}")))?;
        Ok(Self { orders, ended })
    }

    /// Answers everything accepted so far, lays the ledger out for copying, and ends the thread.
    /// Later commands are declined with [`Declined::ShuttingDown`].
    pub async fn stop(&self) {
        // An error means that it has ended already.
        let _ = self.orders.send(Order::Stop).await;
        self.ended().await;
    }

    /// Waits until the thread has ended. Without [`Sequence::stop`] before, that is a fault: the
    /// broker can decide nothing any more.
    pub async fn ended(&self) {
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

impl Sequencer for Sequence {
    fn submit(&self, command: Command) -> Later<'_, Result<Decided, Declined>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let waiting = Waiting {
                command,
                answer,
                retried: false,
            };
            let order = Order::Decide(Box::new(waiting));
            let sent = self.orders.send(order).await;
            sent.map_err(|_| Declined::ShuttingDown)?;
            answered.await.unwrap_or_else(|_| Err(fallen()))
        })
    }
}

/// For commands that were accepted by a thread that then fell.
fn fallen() -> Declined {
    let told = "the sequencer has fallen; whether this was recorded is known after a restart";
    LedgerError::Unavailable(told.into()).into()
}

/// Restores the state at start: folds the entries from `from` on into a snapshot taken there.
///
/// # Errors
/// [`LedgerError`] where an entry cannot be read.
pub fn replay(
    reader: &dyn LedgerReader,
    from: u64,
    mut state: State,
) -> Result<State, LedgerError> {
    let mut next = from;
    loop {
        let lines = reader.entries(next, REPLAY_ENTRIES)?;
        if lines.is_empty() {
            return Ok(state);
        }
        for line in lines {
            state.apply(&entry_at(next, &line)?);
            next += 1;
        }
    }
}

/// Reads an entry that must be at this place.
fn entry_at(place: u64, line: &[u8]) -> Result<breakglass_domain::Event, LedgerError> {
    let (index, event) = entry::read(line)?;
    if index == place {
        return Ok(event);
    }
    Err(LedgerError::Damaged(format!(
        "entry {place} says that it is entry {index}"
    )))
}
