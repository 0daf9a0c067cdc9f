//! What can be counted and measured about the sequencer.

use std::time::Duration;

use crate::ports::{LedgerError, Room};

/// Hears what the sequencer does. Called from its thread: must not block.
pub trait Observer: Send + Sync {
    /// A batch is durable.
    fn appended(&self, batch: Appended) {
        let _ = batch;
    }

    /// How much room the ledger has: told at each batch, before it is decided.
    fn room(&self, room: Room) {
        let _ = room;
    }

    /// Somebody was refused for lack of room.
    fn refused_for_room(&self) {}

    /// The ledger did not take a batch, or did not recover.
    fn failed(&self, why: &LedgerError) {
        let _ = why;
    }
}

/// A batch that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Commands it answers.
    pub commands: usize,
    /// Entries it has.
    pub entries: usize,
    /// Bytes of its entries.
    pub bytes: usize,
    /// How long the ledger took.
    pub took: Duration,
}

/// Nobody listens.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}
