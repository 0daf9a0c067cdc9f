//! Tells people what happens, where they are: signed webhooks, Slack, e-mail. And sends every entry to
//! whoever archives them ([`stream`]).
//!
//! A [`Courier`] follows the ledger for each destination and never holds anybody up; a [`Notifier`]
//! says what a destination is told, and a [`Channel`] gets it there. What is no entry, because the
//! ledger cannot be written, a [`Herald`] tells from memory. `docs/operating/notices.md` is for who
//! sets it up.
//!
//! No notice has a secret in it: notices are made of fields that are named here one by one.

mod address;
mod channel;
pub mod courier;
mod dial;
mod herald;
pub mod limits;
mod mail;
mod notice;
mod notifier;
mod post;
mod roots;
mod secret;
mod slack;
pub mod stream;
#[cfg(test)]
mod tests;
mod tls;
mod webhook;

pub use channel::{Channel, Contacts, Setting};
pub use courier::{Courier, Failed, Outlet, Place, Standing};
pub use dial::connect;
pub use herald::{Herald, Trouble};
pub use notice::{Notice, Subject, To};
pub use notifier::{Lane, Notifier};
pub use roots::read as authorities;
pub use stream::Streamer;
