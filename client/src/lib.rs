//! `glass`: asks for a credential, uses it and gives it back.
//!
//! | module | what it knows |
//! |---|---|
//! | [`cli`], [`commands`] | what can be typed; one command a file |
//! | [`config`] | contexts, flags over environment over files |
//! | [`session`] | the open, verified connection a command works with |
//! | [`connect`], [`tls`] | TCP and TLS 1.3 beneath it, the pinned CA |
//! | [`identity`] | the key, the certificate on it |
//! | [`trust`] | what this laptop believes of the ledger |
//! | [`output`], [`text`] | the one printer; words made safe |
//! | [`audit`], [`export`] | checking a whole ledger |
//! | [`error`] | what can go wrong, the exit code, the next step |
//! | [`time`] | the only file that reads a clock |

pub mod audit;
pub mod certificate;
pub mod cli;
pub mod commands;
pub mod config;
pub mod connect;
pub mod entry;
pub mod error;
pub mod evidence;
pub mod exec;
pub mod export;
pub mod files;
#[cfg(test)]
mod fixtures;
pub mod grant;
pub mod identity;
pub mod invitation;
pub mod key;
mod keyboard;
pub mod limits;
pub mod output;
pub mod refusal;
mod run;
pub mod session;
pub mod show;
pub mod spinner;
pub mod stream;
pub mod text;
pub mod time;
pub mod tls;
pub mod trust;
pub mod view;
pub mod watching;

pub use run::main;
