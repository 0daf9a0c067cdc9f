//! Why a use case did not do what was asked.

use breakglass_domain::Refusal;

use crate::ports::{DatabaseError, Declined, IndexError, IssueError, LedgerError};

/// What a caller can act on. Texts of the inside stay inside: only `api/status.rs` makes answers.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The ledger could not be written or read, so nothing was issued.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What is over cannot be looked up now.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// It is recorded, but the credential or certificate could not be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// It is recorded, but a database did not do it.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The ledger has no such entry.
    #[error("the ledger has {size} entries, and {index} is beyond them")]
    NoSuchEntry {
        /// The place that was asked for.
        index: u64,
        /// Entries there are.
        size: u64,
    },
    /// The ledger is not as long as that.
    #[error("the ledger has {size} entries, and {asked} were asked for")]
    NoSuchSize {
        /// The entries that were asked for.
        asked: u64,
        /// Entries there are.
        size: u64,
    },
    /// A range of entries that ends before it begins.
    #[error("the range of entries ends ({to}) before it begins ({from})")]
    NoSuchRange {
        /// Its beginning.
        from: u64,
        /// Its end.
        to: u64,
    },
    /// Something of ours did not do what its contract says; the text is for the operator.
    #[error("broken inside: {0}")]
    Broken(&'static str),
    /// The broker is stopping.
    #[error("the broker is shutting down")]
    ShuttingDown,
}

impl From<Declined> for Error {
    fn from(declined: Declined) -> Self {
        match declined {
            Declined::Refused(refusal) => Self::Refused(refusal),
            Declined::Ledger(error) => Self::Ledger(error),
            Declined::ShuttingDown => Self::ShuttingDown,
        }
    }
}
