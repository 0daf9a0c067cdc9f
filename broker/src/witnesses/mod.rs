//! Asks witnesses to co-sign the ledger (C2SP `tlog-witness`, as a log).
//!
//! One task beside everything else: neither the sequencer nor anybody who acts waits for it. It takes
//! the newest checkpoint, asks everybody for it at once, and is done with it when enough of them have
//! signed, or when nobody is left to wait for; then it takes the newest again. What came between is
//! never asked for, so it cannot fall behind.
//!
//! | module | what it knows |
//! |---|---|
//! | `newest` | the newest checkpoint there is, and the newest that enough have signed |
//! | `seat` | one witness: its key, where it is, when it is asked next |
//! | `ask` | one question, with the proof the witness needs |
//! | `post` | one HTTP exchange |
//! | `round` | one checkpoint, and who has signed it |
//! | `job` | the task |
//! | `kept` | the newest cosigned checkpoint on disk |
//! | `standing` | how each of them fares |

mod ask;
mod job;
mod kept;
pub mod limits;
mod newest;
mod post;
mod round;
mod seat;
mod standing;

pub use job::Asking;
pub use newest::{Committed, Newest};
pub use seat::{roster, unusable};
pub use standing::{Standings, Which};
