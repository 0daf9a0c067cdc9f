//! What real targets accept, and what they no longer accept: other people's servers, from Debian's
//! packages.

// clippy.toml allows it in tests; clippy takes only functions with #[test] for one, not their helpers.
#![allow(clippy::unwrap_used)]

mod access;
mod alertmanager;
mod aws;
mod guard;
mod http;
mod kubernetes;
mod mirror;
mod night;
mod postgres;
mod rsyslog;
mod senders;
mod shop;
mod ssh;
mod tmux;
