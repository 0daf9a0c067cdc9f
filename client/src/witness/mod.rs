//! A witness: a small server that co-signs the checkpoints of ledgers (C2SP `tlog-witness`).
//!
//! For each ledger it knows it remembers one thing, the newest checkpoint it has signed, and signs
//! another only where that goes on from it. What it remembers is durable before it answers, so that
//! no crash makes it sign two histories. It knows ledgers by their key and nothing else, and asks
//! nobody who sends a checkpoint who they are: the ledger's signature is all there is to know.
//!
//! | module | what it knows |
//! |---|---|
//! | `log` | one ledger, and whether what is offered goes on from it |
//! | `disk` | the system calls, so that tests can break each of them |
//! | `folder` | the key, the ledgers, one writer |
//! | `book` | takes a request in, persists, signs |
//! | `answer` | how that reads in HTTP |
//! | `pace` | how often one address may ask |
//! | `serve` | connections |

mod answer;
mod book;
mod disk;
mod folder;
mod limits;
mod log;
mod pace;
mod serve;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Refused};
pub use book::{Book, Clock, Signed};
pub use folder::{Folder, Known};
pub use serve::{Server, tls};
