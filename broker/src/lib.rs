//! glassd: issues short-lived credentials against an open incident, and records every grant first.
//!
//! A request enters at `api`, is parsed into domain words, `app` asks `domain` to decide, the event
//! is appended to the ledger, which answers with a receipt, the projections apply it, `issue` makes
//! the credential only against the receipt, and `api` answers. See `docs/architecture.md`.

pub mod api;
pub mod app;
pub mod commands;
pub mod config;
pub mod edge;
pub mod effects;
pub mod hooks;
pub mod index;
pub mod issue;
pub mod jobs;
pub mod ledger;
pub mod listen;
pub mod notify;
pub mod ports;
pub mod telemetry;
pub mod web;
pub mod witnesses;
