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
//! | [`error`] | what can go wrong, the exit code, the next step |
//! | [`time`] | the only file that reads a clock |

pub mod certificate;
pub mod config;
pub mod connect;
pub mod entry;
pub mod error;
pub mod evidence;
pub mod exec;
pub mod files;
#[cfg(test)]
mod fixtures;
pub mod grant;
pub mod identity;
pub mod key;
pub mod limits;
pub mod output;
pub mod refusal;
pub mod session;
pub mod spinner;
pub mod text;
pub mod time;
pub mod tls;
pub mod trust;
