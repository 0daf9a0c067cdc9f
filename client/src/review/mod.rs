//! The first draft of a review: what the entries of an incident say of each grant.
//!
//! Nobody writes it and nothing keeps it. It is read from the ledger each time, so it cannot say
//! anything else than the ledger does, and whoever has a copy can read it again.

mod borrowed;
mod draft;
mod grants;
mod kills;
mod say;

pub use self::{
    borrowed::Borrowed,
    draft::{Draft, Refused},
    grants::{Answered, Grant, Used},
    kills::Kill,
    say::say,
};
