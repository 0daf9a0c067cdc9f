//! Whole ledgers, before two verifiers that share nothing: the client's audit, and
//! `verify_ledger.py`, which was written from the format's page alone.
//!
//! What a broker of ours writes both accept; each forgery, signed with the ledger's own key, both
//! find, and say which entry is wrong and why.

// clippy.toml allows it in tests; clippy takes only functions with #[test] for one, not their helpers.
#![allow(clippy::unwrap_used)]

mod alerts;
mod approvals;
mod asking;
mod bounds;
mod copies;
mod credentials;
mod debts;
mod drills;
mod escalating;
mod exports;
mod forgery;
mod generated;
mod handing;
mod heads;
mod honest;
mod house;
mod night;
mod people;
mod policies;
mod refusing;
mod reports;
mod restored;
mod reviews;
mod rules;
mod shelf;
mod signatures;
mod statements;
mod steps;
mod streams;
mod successions;
mod targets;
mod telling;
mod timing;
mod unlocking;
mod verbs;
mod verifiers;
mod witnesses;
