//! The entry format: one event, one JSON object, one line.
//!
//! ```text
//! {"v":1,"index":42,"at":"2026-11-23T03:05:00.000Z","kind":"grant.ended","by":"leon",
//!  "grant":"G-45",...,"signed":{"text":...,"key":...,"signature":...,"nonce":...,"at":...}}
//! ```
//!
//! The bytes written once are what the tree hashes, so nothing ever writes an old entry again: it
//! is only read. **The rule for changing an entry:**
//!
//! 1. A field is only ever added, at the end of its kind's fields, and reading an old entry without
//!    it must mean what the old entry meant.
//! 2. Fields that are not known are ignored on reading; a reader of today reads tomorrow's entries.
//! 3. A kind is never renamed, and a field never gets another meaning or unit.
//! 4. What was accepted once is accepted for ever: limits on a text may shrink for what is written,
//!    never for what is read.
//! 5. `v` stays 1 while these rules are kept. The golden tests freeze the bytes of every kind.
//!
//! `"other_history":true` stands at the end of `signed` where what was seen is of another history, and is absent
//! from every other.
//!
//! `"drill":true` stands behind the fields of its kind in every entry that belongs to a drill, and is
//! absent from every other.
//!
//! Moments are RFC 3339 in UTC with milliseconds; lengths are whole milliseconds in fields that end
//! in `_ms`, so that replaying gives the very same state; bytes are standard base64. Characters
//! that could restyle a terminal stand as a `\u` escape, so the file can be read with any pager.

mod body;
mod fields;
mod json;
#[cfg(test)]
mod tests;

use std::ops::Not;
use std::sync::Arc;

use breakglass_domain::{Actor, Event, KeyId, Nonce, Signed, Time};
use serde::{Deserialize, Serialize};

use crate::ports::{ENTRY_MAX, LedgerError};

pub use body::kind;

/// The version of the format there is.
const VERSION: u32 = 1;

/// Why an event makes no entry, or a line is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// More than a line of the ledger can hold.
    #[error("the entry would have {len} bytes, and one entry holds at most {ENTRY_MAX}")]
    TooLong {
        /// Bytes it would have.
        len: usize,
    },
    /// The line is not an entry, or a field of it is not what it should be.
    #[error("not an entry: {0}")]
    Malformed(String),
    /// Written by a newer broker.
    #[error("entries of kind `{0}` are not known here; a newer glassd wrote it")]
    UnknownKind(String),
    /// Written by a newer broker.
    #[error("entries of version {0} are not known here; a newer glassd wrote it")]
    UnknownVersion(u32),
}

impl From<EntryError> for LedgerError {
    fn from(error: EntryError) -> Self {
        match error {
            EntryError::Malformed(_) => Self::Damaged(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// Writes an event as the bytes of entry `index`, without a newline.
///
/// # Errors
/// [`EntryError::TooLong`].
pub fn encode(index: u64, event: &Event) -> Result<Arc<[u8]>, EntryError> {
    let line = body::write(&head(index, event), &event.change, true)?;
    if line.len() <= ENTRY_MAX {
        return Ok(line.into());
    }
    // Who can do what follows from the policy's text: better left out than the policy not loaded.
    let line = body::write(&head(index, event), &event.change, false)?;
    if line.len() <= ENTRY_MAX {
        return Ok(line.into());
    }
    Err(EntryError::TooLong { len: line.len() })
}

/// Reads an entry back into its place and its event.
///
/// # Errors
/// [`EntryError`], but never [`EntryError::TooLong`].
pub fn decode(line: &[u8]) -> Result<(u64, Event), EntryError> {
    let head: HeadRead = json::read(line)?;
    if head.v != VERSION {
        return Err(EntryError::UnknownVersion(head.v));
    }
    let event = Event {
        at: head.at,
        by: head.by,
        change: body::read(&head.kind, line)?,
        signed: head.signed.map(|signed| Arc::new(signed.into())),
        drill: head.drill,
    };
    Ok((head.index, event))
}

/// [`decode`] for who speaks of the ledger only: a [`Decode`](crate::ports::Decode).
///
/// # Errors
/// [`LedgerError::Damaged`] for what is no entry, [`LedgerError::Unavailable`] for one that a newer
/// broker wrote.
pub fn read(line: &[u8]) -> Result<(u64, Event), LedgerError> {
    Ok(decode(line)?)
}

fn head(index: u64, event: &Event) -> Head<'_> {
    Head {
        v: VERSION,
        index,
        at: event.at,
        kind: kind(&event.change),
        by: &event.by,
        signed: event.signed.as_deref(),
        drill: event.drill,
    }
}

/// What every entry has around its body, for writing.
struct Head<'a> {
    v: u32,
    index: u64,
    at: Time,
    kind: &'static str,
    by: &'a Actor,
    signed: Option<&'a Signed>,
    drill: bool,
}

/// One whole entry, in the order of its fields.
#[derive(Serialize)]
struct Entry<'a, B: Serialize> {
    v: u32,
    index: u64,
    #[serde(with = "fields::shown")]
    at: Time,
    kind: &'static str,
    #[serde(serialize_with = "fields::shown::serialize")]
    by: &'a Actor,
    #[serde(flatten)]
    body: B,
    #[serde(skip_serializing_if = "Not::not")]
    drill: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<SignedFields>,
}

impl<'a, B: Serialize> Entry<'a, B> {
    fn new(head: &Head<'a>, body: B) -> Self {
        Self {
            v: head.v,
            index: head.index,
            at: head.at,
            kind: head.kind,
            by: head.by,
            body,
            drill: head.drill,
            signed: head.signed.map(SignedFields::from),
        }
    }
}

/// What every entry has around its body, for reading.
#[derive(Deserialize)]
struct HeadRead {
    v: u32,
    index: u64,
    #[serde(with = "fields::shown")]
    at: Time,
    kind: String,
    #[serde(with = "fields::shown")]
    by: Actor,
    signed: Option<SignedFields>,
    #[serde(default)]
    drill: bool,
}

/// The statement: text, key and signature are what a verifier needs; nonce and moment stand in the
/// text too, and are repeated so that a replay need not know how statements are written.
#[derive(Serialize, Deserialize)]
struct SignedFields {
    text: String,
    #[serde(with = "fields::shown")]
    key: KeyId,
    #[serde(with = "fields::base64")]
    signature: Vec<u8>,
    #[serde(with = "fields::nonce")]
    nonce: Nonce,
    #[serde(with = "fields::shown")]
    at: Time,
    #[serde(default, skip_serializing_if = "Not::not")]
    other_history: bool,
}

impl From<&Signed> for SignedFields {
    fn from(signed: &Signed) -> Self {
        Self {
            text: signed.text.clone(),
            key: signed.key.clone(),
            signature: signed.signature.clone(),
            nonce: signed.nonce,
            at: signed.at,
            other_history: signed.other_history,
        }
    }
}

impl From<SignedFields> for Signed {
    fn from(fields: SignedFields) -> Self {
        Self {
            text: fields.text,
            key: fields.key,
            signature: fields.signature,
            nonce: fields.nonce,
            at: fields.at,
            other_history: fields.other_history,
        }
    }
}
