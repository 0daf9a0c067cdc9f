//! Each grant from asking until nothing of it is left at any target.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Row, Span};
use crate::{entry::Entry, limits::MAX_LIFE_ENTRIES, time};

/// Somebody's word on a grant.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) at: Timestamp,
    pub(super) by: String,
}

/// One grant.
#[derive(Debug, Clone, Default)]
pub(super) struct Life {
    pub(super) grant: String,
    pub(super) person: String,
    pub(super) right: String,
    pub(super) incident: String,
    pub(super) reason: String,
    pub(super) asked: Option<Word>,
    /// How long was asked for, in milliseconds.
    pub(super) length_ms: i64,
    /// Who said yes, and whose call it was.
    pub(super) agreed: Vec<Word>,
    pub(super) began: Option<Word>,
    /// On what: `approved`, `fast-path`.
    pub(super) basis: String,
    /// When it had to be over: as it began, and as it is now.
    pub(super) first_end: Option<Timestamp>,
    pub(super) last_end: Option<Timestamp>,
    pub(super) extended: Vec<Word>,
    pub(super) ended: Option<Word>,
    /// `expired`, `dropped`.
    pub(super) ending: String,
    /// Until when the last credential is valid that nobody can take back.
    pub(super) copies_until: Option<Timestamp>,
    /// Sessions and roles that are still there.
    pub(super) left: Vec<String>,
    /// When the last of them went.
    pub(super) last_gone: Option<Word>,
    /// Its entries, up to a limit.
    pub(super) entries: Vec<u64>,
}

impl Life {
    fn take(&mut self, entry: &Entry) {
        if self.entries.len() < MAX_LIFE_ENTRIES {
            self.entries.push(entry.index);
        }
        let text = |name| entry.text(name).unwrap_or_default().to_owned();
        let word = Word {
            at: entry.at,
            by: entry.by.clone(),
        };
        match entry.kind.as_str() {
            "grant.requested" => {
                (self.person, self.right, self.incident) =
                    (text("person"), text("right"), text("incident"));
                (self.grant, self.reason) = (text("grant"), text("reason"));
                self.length_ms = entry.number("length_ms").unwrap_or_default();
                self.asked = Some(word);
            }
            "grant.approved" | "call.recorded" => self.agreed.push(word),
            "grant.started" => {
                self.basis = text("basis");
                if self.basis == "approved" {
                    self.agreed.push(word.clone());
                }
                self.began = Some(word);
                (self.first_end, self.last_end) = (entry.time("ends_at"), entry.time("ends_at"));
            }
            "grant.extended" => {
                self.last_end = entry.time("ends_at");
                self.extended.push(word);
            }
            // Certificates of SSH are on a revocation list and roles are dropped; these two last.
            "credential.issued" if lasts(entry.text("credential_kind")) => {
                self.copies_until = self.copies_until.max(entry.time("expires_at"));
            }
            "grant.ended" => {
                self.ending = text("ending");
                self.ended = Some(word);
            }
            "session.opened" => self.left.push(text("session")),
            "role.created" => self
                .left
                .push(format!("{} in {}", text("role"), text("target"))),
            "session.ended" => self.gone(&text("session"), word),
            "role.dropped" => self.gone(&format!("{} in {}", text("role"), text("target")), word),
            _ => {}
        }
    }

    fn gone(&mut self, what: &str, word: Word) {
        self.left.retain(|left| left != what);
        self.last_gone = Some(word);
    }

    fn is_over(&self) -> bool {
        self.ended.is_some() && self.left.is_empty()
    }

    /// How late its ending was recorded: after the end it had, where nothing else ended it.
    pub(super) fn recorded_late(&self) -> Option<SignedDuration> {
        let (ended, due) = (self.ended.as_ref()?, self.last_end?);
        (self.ending == "expired").then(|| ended.at.duration_since(due))
    }

    /// How long after its ending the last session or role was over.
    pub(super) fn cut_late(&self) -> Option<SignedDuration> {
        let (ended, gone) = (self.ended.as_ref()?, self.last_gone.as_ref()?);
        Some(gone.at.duration_since(ended.at).max(SignedDuration::ZERO))
    }

    /// Until when a copy of its credential could be taken after it had ended, by who checks nothing else.
    pub(super) fn outlived_until(&self) -> Option<Timestamp> {
        let ended = self.ended.as_ref()?.at;
        self.copies_until.filter(|until| *until > ended)
    }

    /// How long it was active.
    pub(super) fn lasted(&self) -> Option<SignedDuration> {
        Some(
            self.ended
                .as_ref()?
                .at
                .duration_since(self.began.as_ref()?.at),
        )
    }

    pub(super) fn began_within(&self, span: Span) -> bool {
        self.began.as_ref().is_some_and(|began| span.has(began.at))
    }

    pub(super) fn ended_within(&self, span: Span) -> bool {
        self.ended.as_ref().is_some_and(|ended| span.has(ended.at))
    }

    pub(super) fn row<const N: usize>(&self, cells: [String; N]) -> Row {
        Row::new(self.entries.clone(), cells)
    }
}

/// Whether a kind of credential cannot be taken back.
fn lasts(kind: Option<&str>) -> bool {
    matches!(kind, Some("jwt" | "x509"))
}

/// A time, or nothing.
pub(super) fn at(word: Option<&Word>) -> String {
    word.map_or_else(String::new, |word| time::rfc3339(word.at))
}

/// A length with its milliseconds, because most of them are some.
pub(super) fn length(length: SignedDuration) -> String {
    match length.as_millis() {
        millis @ ..10_000 => format!("{millis} ms"),
        _ => time::short(length),
    }
}

/// Those that are not over.
#[derive(Default)]
pub(super) struct Lives(BTreeMap<String, Life>);

impl Lives {
    /// Takes the next entry; a life that it ends is answered.
    pub(super) fn take(&mut self, entry: &Entry) -> Option<Life> {
        let grant = entry.text("grant")?;
        match entry.kind.as_str() {
            "refused" | "review.answered" => return None,
            "grant.requested" => drop(self.0.insert(grant.to_owned(), Life::default())),
            _ => {}
        }
        let life = self.0.get_mut(grant)?;
        life.take(entry);
        match life.is_over() {
            true => self.0.remove(grant),
            false => None,
        }
    }

    /// Those that are not over at the end.
    pub(super) fn left(self) -> impl Iterator<Item = Life> {
        self.0.into_values()
    }
}
