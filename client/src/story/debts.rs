//! Which answers about earlier incidents were owed when a grant began on the fast path.

use breakglass_proto::v1::ListEntriesRequest;

use super::{InForce, Proven, gather::Gathering};
use crate::{
    entry::Entry,
    error::Error,
    limits::{STORY_DEBTS, STORY_ENTRIES},
};

/// What tells of them.
pub(super) struct Debts {
    /// Grants that began under incidents that closed before, the closings, and the answers.
    pub(super) entries: Vec<Entry>,
    /// How many incidents that are.
    pub(super) incidents: usize,
    /// Whether there are others, closed earlier.
    pub(super) has_more: bool,
}

impl<L: Proven> Gathering<'_, L> {
    /// Of the incidents that closed last before a grant began at once; nothing where the policy asks for no
    /// review.
    pub(super) async fn debts(&mut self, grant: &str) -> Result<Option<Debts>, Error> {
        let begins = |entry: &&Entry| {
            entry.text("grant") == Some(grant) && entry.text("basis") == Some("fast-path")
        };
        let Some(began) = self.entries.values().find(begins).map(|it| it.index) else {
            return Ok(None);
        };
        let before = self.entries.range(..began).rev();
        let policy = before.filter_map(|(_, entry)| InForce::read(entry)).next();
        let asks = policy.is_some_and(|it| it.rules.review_within().is_some());
        if !asks {
            return Ok(None);
        }
        let closed = of_kind("incident.closed", began);
        let mut closed = self.ledger.entries(closed, STORY_DEBTS + 1).await?;
        let has_more = closed.len() > STORY_DEBTS;
        closed.truncate(STORY_DEBTS);
        let mut debts = Debts {
            entries: Vec::new(),
            incidents: closed.len(),
            has_more,
        };
        for closed in &closed {
            let incident = closed.text("incident").unwrap_or_default();
            for kind in ["grant.started", "review.answered"] {
                let filter = ListEntriesRequest {
                    incident: incident.to_owned(),
                    kind: kind.to_owned(),
                    oldest_first: true,
                    ..ListEntriesRequest::default()
                };
                let found = self.ledger.entries(filter, STORY_ENTRIES).await?;
                debts.entries.extend(found);
            }
        }
        if let Some(oldest) = closed.last() {
            self.all_policies_between(oldest.index, began).await?;
        }
        debts.entries.extend(closed);
        // What is told whole is heard anyway.
        debts
            .entries
            .retain(|it| !self.entries.contains_key(&it.index));
        debts.entries.sort_by_key(|entry| entry.index);
        Ok(Some(debts))
    }

    /// Since when answers are asked for without a pause takes all of them.
    async fn all_policies_between(&mut self, from: u64, to: u64) -> Result<(), Error> {
        let loaded = of_kind("policy.loaded", to);
        let loaded = self.ledger.entries(loaded, STORY_ENTRIES).await?;
        let mut is_enough = false;
        let needed = loaded.into_iter().take_while(|it| {
            // The one in force at the beginning is needed too.
            !std::mem::replace(&mut is_enough, it.index < from)
        });
        let needed: Vec<_> = needed.collect();
        self.add(needed)
    }
}

/// Entries of a kind before a place, the newest first.
fn of_kind(kind: &str, before: u64) -> ListEntriesRequest {
    ListEntriesRequest {
        kind: kind.to_owned(),
        cursor: before.to_string(),
        ..ListEntriesRequest::default()
    }
}
