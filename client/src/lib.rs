//! `glass`: asks for a credential, uses it and gives it back.
//!
//! | module | what it knows |
//! |---|---|
//! | [`cli`], [`commands`] | what can be typed; one command a file |
//! | [`config`] | contexts, flags over environment over files |
//! | [`session`] | the open, verified connection a command works with |
//! | [`connect`], [`tls`] | TCP and TLS 1.3 beneath it, the pinned CA |
//! | [`identity`] | the key, the certificate on it |
//! | [`ephemeral`] | a key for one command |
//! | [`trust`] | what this laptop believes of the ledger |
//! | [`timeline`], [`screen`] | what happened under an incident; `glass watch` |
//! | [`output`], [`text`] | the one printer; words made safe |
//! | [`kubectl`], [`sts`], [`roots`] | what kubectl asks of a plugin; AWS's token service; public authorities |
//! | [`audit`], [`export`] | checking a whole ledger |
//! | [`report`] | an auditor's questions, answered from an export |
//! | [`story`] | one grant from asking to ending, checked, and why it was given |
//! | [`mirror`] | keeping a copy of it, as files |
//! | [`asks`] | what a request asks of one person: a yes, a call, or nothing |
//! | [`review`] | what the entries of an incident say of each grant |
//! | [`access`] | the review of access: for people, scripts, a spreadsheet, an auditor |
//! | [`agent`], [`ssh`] | the ssh-agent of a grant; how `ssh` is told of it |
//! | [`rules`] | the policy; the only file that names the domain |
//! | [`error`] | what can go wrong, the exit code, the next step |
//! | [`guard`] | what runs beside a target |
//! | [`verify`] | checking credentials: for guards, and for services that embed it |
//! | [`dpop`] | proving that this laptop holds the key of a token |
//! | [`witness`], [`witnessed`] | co-signs the checkpoints of ledgers; who has signed one |
//! | [`time`] | the only file that reads a clock |

pub mod access;
pub mod agent;
pub mod asks;
pub mod audit;
pub mod certificate;
pub mod cli;
pub mod commands;
pub mod config;
pub mod connect;
pub mod dpop;
pub mod entry;
pub mod ephemeral;
pub mod error;
pub mod evidence;
pub mod exec;
pub mod export;
pub mod files;
#[cfg(test)]
mod fixtures;
pub mod grant;
pub mod guard;
pub mod identity;
pub mod invitation;
pub mod json;
pub mod key;
mod keyboard;
pub mod kill;
pub mod kubectl;
pub mod leads;
pub mod limits;
pub mod mirror;
mod moments;
pub mod output;
mod processes;
pub mod refusal;
pub mod report;
pub mod review;
pub mod roots;
pub mod rules;
mod run;
pub mod screen;
pub mod seen;
pub mod session;
pub mod show;
pub mod spinner;
pub mod ssh;
pub mod story;
pub mod stream;
pub mod sts;
pub mod text;
pub mod time;
pub mod timeline;
pub mod tls;
pub mod trust;
pub mod verify;
pub mod view;
pub mod watching;
pub mod witness;
pub mod witnessed;

pub use run::main;
