//! The real programs as people and scripts use them.

// clippy.toml allows it in tests; clippy takes only functions with #[test] for one, not their helpers.
#![allow(clippy::unwrap_used)]

mod access_review;
mod asking;
mod audit;
mod bench;
mod breaking;
mod broker;
mod drills;
mod escalation;
mod exec;
mod exit_codes;
mod forks;
mod founders_path;
mod golden;
mod gossip;
mod handover;
mod help;
mod json;
mod laptop;
mod ledger_key;
mod main_job;
mod mirror;
mod questions;
mod restored;
mod restored_keys;
mod scripts;
mod served;
mod sitting;
mod timeline;
mod watch;
mod witnesses;
