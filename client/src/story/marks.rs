//! On which side of a loss a grant stands, where the broker went on from an older copy (decision 25).

use breakglass_proto::v1::ListEntriesRequest;
use breakglass_tlog::LedgerKeys;
use jiff::Timestamp;
use serde::Serialize;

use super::{Proven, Voice, Wrong};
use crate::{audit::Restored, entry::Entry, error::Error, limits::STORY_ENTRIES};

/// The marks of a ledger, the oldest first.
pub(super) async fn all(ledger: &impl Proven) -> Result<Vec<Entry>, Error> {
    let filter = ListEntriesRequest {
        kind: "ledger.restored".to_owned(),
        oldest_first: true,
        ..ListEntriesRequest::default()
    };
    ledger.entries(filter, STORY_ENTRIES).await
}

/// A mark, and where a grant stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    lost: Restored,
    at: Timestamp,
    stands: Stands,
}

/// A mark as scripts read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MarkView {
    /// Its entry.
    pub entry: u64,
    /// When it was written, RFC 3339.
    pub at: String,
    /// Entries that both histories begin with.
    pub kept: u64,
    /// Entries of the newest known head of the lost history.
    pub size: u64,
    /// Whether a part of the grant's story may be among what is lost.
    pub may_lack: bool,
    /// In words.
    pub text: String,
}

/// Of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// Asked for in what was kept, and not over there.
    LivedOn,
    /// Over in what was kept.
    OverBefore,
    /// Asked for behind what was kept, before the mark was written.
    Between,
    /// Asked for behind the mark.
    Behind,
}

impl Mark {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(
        entry: &Entry,
        keys: &LedgerKeys,
        (asked, ended): (u64, Option<u64>),
    ) -> Result<Self, Wrong> {
        let lost = Restored::read(entry, keys).map_err(|why| Wrong {
            entry: Some(entry.index),
            why,
        })?;
        let stands = match asked {
            asked if asked > entry.index => Stands::Behind,
            asked if asked >= lost.kept => Stands::Between,
            _ if ended.is_some_and(|ended| ended < lost.kept) => Stands::OverBefore,
            _ => Stands::LivedOn,
        };
        Ok(Self {
            at: entry.at,
            lost,
            stands,
        })
    }

    /// Whether a part of the grant's story may be among what is lost.
    fn may_lack(&self) -> bool {
        matches!(self.stands, Stands::LivedOn | Stands::OverBefore)
    }

    /// In one line: which entry, when, what was lost, and what that means for the grant.
    #[must_use]
    pub fn words(&self, grant: &str, voice: Voice) -> String {
        let Restored {
            entry, kept, size, ..
        } = &self.lost;
        let so = match self.stands {
            Stands::LivedOn => format!(
                "{grant} was asked for before that and was not over: a part of its story may be among what \
                 is lost"
            ),
            Stands::OverBefore => format!(
                "{grant} was over before that: of its story only what came after its end may be among what \
                 is lost, as an answer of a review or the end of a session"
            ),
            Stands::Between => format!(
                "{grant} was asked for behind what was kept, before this was on record: what is lost may \
                 have had another grant of that number"
            ),
            Stands::Behind => format!(
                "{grant} was asked for after that, under a number behind every one that these entries can have \
                 given"
            ),
        };
        format!(
            "entry {entry}, {}: the broker went on from a copy of {kept} entries, and entries {kept} to {} of \
             before are lost. {so}",
            voice.at(self.at),
            size.saturating_sub(1)
        )
    }

    /// As scripts read it.
    #[must_use]
    pub fn view(&self, grant: &str, voice: Voice) -> MarkView {
        MarkView {
            entry: self.lost.entry,
            at: self.lost.at.clone(),
            kept: self.lost.kept,
            size: self.lost.size,
            may_lack: self.may_lack(),
            text: self.words(grant, voice),
        }
    }
}
