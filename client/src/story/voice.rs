//! How times and lengths are said: to people as on their wall, to scripts in UTC.

use jiff::{SignedDuration, Timestamp};

use crate::{entry::Entry, time};

/// To whom it is said.
#[derive(Debug, Clone, Copy)]
pub enum Voice {
    /// To somebody, now.
    ToPeople(Timestamp),
    /// To a program.
    ToScripts,
}

impl Voice {
    /// A time.
    #[must_use]
    pub fn at(self, at: Timestamp) -> String {
        match self {
            Self::ToPeople(now) => time::local(at, now),
            Self::ToScripts => time::rfc3339(at),
        }
    }

    /// A time of an entry's field.
    pub(super) fn time_of(self, entry: &Entry, name: &str) -> String {
        let at = entry.time(name);
        at.map_or_else(|| "no time".to_owned(), |at| self.at(at))
    }
}

/// So many milliseconds, in few words.
pub(super) fn length(millis: i64) -> String {
    time::short(SignedDuration::from_millis(millis))
}
