//! What the bodies say: a source's JSON becomes an alert, or a reason.

mod groups;
mod pagerduty;
mod signed;

use breakglass_domain::policy::SourceKind;
use breakglass_domain::{Delivery, Line};

use super::text;
use crate::app::Alarm;

/// What one delivery says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// An alert fires, or is over.
    Alarm(Alarm),
    /// Something that is known and changes nothing here.
    Nothing(&'static str),
}

/// A delivery, and how it is told from its repetition, where the body says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) said: Said,
    pub(super) delivery: Option<Delivery>,
}

/// Why a body says nothing that is understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unread {
    /// Not what this kind of source sends.
    #[error("the body is not what {kind} sends: {why}")]
    Malformed {
        /// Which kind.
        kind: SourceKind,
        /// In a few words.
        why: String,
    },
    /// It is, and says something that is not known here.
    #[error("{what} `{word}` is not known here; {known} are")]
    Unknown {
        /// What has to be known.
        what: &'static str,
        /// What it is.
        word: Line,
        /// What is known.
        known: &'static str,
    },
}

/// Reads one body.
pub(super) fn read(kind: SourceKind, body: &[u8]) -> Result<Read, Unread> {
    match kind {
        SourceKind::Alertmanager | SourceKind::Grafana => groups::read(kind, body),
        SourceKind::PagerDuty => pagerduty::read(body),
        SourceKind::Webhook => signed::read(body),
    }
}

/// JSON of a kind; serde_json refuses what is nested deeper than 128.
fn parsed<'b, T: serde::Deserialize<'b>>(kind: SourceKind, body: &'b [u8]) -> Result<T, Unread> {
    serde_json::from_slice(body).map_err(|error| malformed(kind, &error.to_string()))
}

fn malformed(kind: SourceKind, why: &str) -> Unread {
    let why = text::title(why).map_or_else(String::new, |why| why.to_string());
    Unread::Malformed { kind, why }
}

fn unknown(what: &'static str, word: &str, known: &'static str) -> Unread {
    let word = text::word(word).unwrap_or_else(|| Line::recorded("(nothing)"));
    Unread::Unknown { what, word, known }
}

/// The key of an alert, which every alert must have.
fn key(kind: SourceKind, field: &str, given: &str) -> Result<Line, Unread> {
    text::key(given).ok_or_else(|| malformed(kind, &format!("`{field}` is empty")))
}

/// A title, whatever there is.
fn titled<'t>(candidates: impl IntoIterator<Item = Option<&'t str>>) -> Line {
    let mut candidates = candidates.into_iter().flatten();
    let title = candidates.find_map(text::title);
    title.unwrap_or_else(|| Line::recorded("an alert without a title"))
}

#[cfg(test)]
mod tests;
