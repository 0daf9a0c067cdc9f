//! What the ledger says before a refusal.

use std::cell::Cell;

use breakglass_proto::v1::ListEntriesRequest;
use jiff::{SignedDuration, Timestamp};

use super::{Again, words::is_numbered};
use crate::{
    entry::Entry,
    error::Error,
    story::{InForce, Proven, Voice},
    time,
};

/// How long refusals gather before they become an entry, twice over: the broker's clock may step.
const GATHERED_WITHIN: SignedDuration = SignedDuration::from_mins(2);

/// When the first of those that an entry counts may have been.
pub(super) fn began_to_gather(entry: &Entry) -> Timestamp {
    earlier(entry.at, GATHERED_WITHIN)
}

/// A time that is so much before another.
pub(super) fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// A refusal, and where what it names is looked up.
pub(super) struct Looking<'a, L> {
    ledger: &'a L,
    pub(super) entry: &'a Entry,
    /// Those that were in force while it gathered, the newest first.
    pub(super) policies: &'a [InForce],
    /// From when on it gathered.
    pub(super) since: Timestamp,
    pub(super) voice: Voice,
    found: Cell<usize>,
}

impl<'a, L: Proven> Looking<'a, L> {
    pub(super) fn at(
        ledger: &'a L,
        entry: &'a Entry,
        policies: &'a [InForce],
        voice: Voice,
    ) -> Self {
        Self {
            ledger,
            entry,
            policies,
            since: began_to_gather(entry),
            voice,
            found: Cell::new(0),
        }
    }

    /// In words why it was refused.
    pub(super) fn text(&self) -> &'a str {
        self.entry.text("text").unwrap_or_default()
    }

    /// How many entries were read.
    pub(super) fn found(&self) -> usize {
        self.found.get()
    }

    /// Every key that has signed the ledger.
    pub(super) fn keys(&self) -> breakglass_tlog::LedgerKeys {
        self.ledger.keys()
    }

    /// What the policies say of it: the newest, or one before that was still in force when it gathered.
    pub(super) fn by_policy(&self, refuses: impl Fn(&InForce) -> Again) -> Option<Again> {
        let mut each = self.policies.iter().map(refuses);
        let newest = each.next()?;
        Some(match newest {
            Again::Given(why) => each
                .find(|older| matches!(older, Again::Refused(_)))
                .unwrap_or(Again::Given(why)),
            decided => decided,
        })
    }

    /// Entries before the refusal, the newest first.
    pub(super) async fn all(
        &self,
        filter: ListEntriesRequest,
        most: usize,
    ) -> Result<Vec<Entry>, Error> {
        let filter = ListEntriesRequest {
            cursor: self.entry.index.to_string(),
            ..filter
        };
        let found = self.ledger.entries(filter, most).await?;
        self.found.set(self.found.get() + found.len());
        Ok(found)
    }

    /// The newest entry of a kind about a grant; nothing where the id is none.
    pub(super) async fn of_grant(&self, kind: &str, grant: &str) -> Result<Option<Entry>, Error> {
        if !is_numbered("G-", grant) {
            return Ok(None);
        }
        let filter = ListEntriesRequest {
            grant: grant.to_owned(),
            ..of_kind(kind)
        };
        Ok(self.all(filter, 1).await?.pop())
    }

    /// The newest entry of a kind about an incident; nothing where the id is none.
    pub(super) async fn of_incident(&self, kind: &str, id: &str) -> Result<Option<Entry>, Error> {
        if !is_numbered("INC-", id) {
            return Ok(None);
        }
        Ok(self.all(under(id, kind), 1).await?.pop())
    }

    /// The request of a grant.
    pub(super) async fn request(&self, grant: &str) -> Result<Option<Entry>, Error> {
        self.of_grant("grant.requested", grant).await
    }

    /// What was so at some time while it gathered: it had begun, and had not ended before.
    pub(super) fn was_so(&self, begins: Option<&Entry>, ends: Option<&Entry>) -> bool {
        begins.is_some() && ends.is_none_or(|ends| ends.at >= self.since)
    }

    /// What was not so at some time while it gathered.
    pub(super) fn was_not_so(&self, begins: Option<&Entry>, ends: Option<&Entry>) -> bool {
        ends.is_some() || begins.is_none_or(|begins| begins.at >= self.since)
    }
}

/// Entries of a kind.
pub(super) fn of_kind(kind: &str) -> ListEntriesRequest {
    ListEntriesRequest {
        kind: kind.to_owned(),
        ..ListEntriesRequest::default()
    }
}

/// Entries of a kind under an incident.
pub(super) fn under(incident: &str, kind: &str) -> ListEntriesRequest {
    ListEntriesRequest {
        incident: incident.to_owned(),
        ..of_kind(kind)
    }
}

/// Entries of a kind by somebody or about them.
pub(super) fn of_person(person: &str, kind: &str) -> ListEntriesRequest {
    ListEntriesRequest {
        person: person.to_owned(),
        ..of_kind(kind)
    }
}

/// Entries of a kind from a time on.
pub(super) fn from_on(since: Timestamp, kind: &str) -> ListEntriesRequest {
    ListEntriesRequest {
        since: Some(time::to_proto(since)),
        ..of_kind(kind)
    }
}
