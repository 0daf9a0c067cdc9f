//! The review of access, for a schedule: one reading of the policy, the people and what happened last.

use std::collections::BTreeMap;
use std::sync::Arc;

use breakglass_domain::access_review::{AccessReview, Asked, Roster};
use breakglass_domain::{Change, Lifetime, PersonId, Policy, Time};
use breakglass_tlog::checkpoint::SignedCheckpoint;

use super::feed::Told;
use super::ledger::read_page;
use super::{App, Error};
use crate::ports::{EntryFilter, Index};

/// A reading, and what it was made from.
#[derive(Debug, Clone)]
pub struct AccessRead {
    /// What was read.
    pub review: AccessReview,
    /// When, by the broker's clock.
    pub at: Time,
    /// For whom.
    pub by: PersonId,
    /// What was not used for so long counts as not used.
    pub within: Lifetime,
    /// The time of the ledger's first entry.
    pub ledger_since: Time,
    /// The entry that loaded the policy in force.
    pub policy_entry: u64,
    /// SHA-256 of its text, lower-case hex.
    pub policy_sha256: String,
    /// When it was loaded.
    pub policy_loaded_at: Time,
    /// Covers everything the reading says.
    pub checkpoint: Arc<SignedCheckpoint>,
}

impl App {
    /// Reads who can do what today, what of it nobody uses, and who is named and gone. It takes as
    /// many look-ups as there are people, rights and rights that a rule gives somebody; how long the
    /// ledger is does not matter. It is no entry: everybody on the team can read all of it anyway.
    ///
    /// # Errors
    /// [`Error::Index`] where the index cannot be asked; [`Error::Ledger`] where the first entry
    /// cannot be read.
    pub async fn review_access(
        &self,
        by: &PersonId,
        within: Lifetime,
    ) -> Result<AccessRead, Error> {
        loop {
            let read = self.read_access(by, within).await?;
            // Another policy came in force while the index was asked: what was read is of both.
            if self.live.read(|state| state.policy_loaded_at) == read.policy_loaded_at {
                return Ok(read);
            }
        }
    }

    async fn read_access(&self, by: &PersonId, within: Lifetime) -> Result<AccessRead, Error> {
        let at = self.clock.now();
        let ledger_since = self.ledger_since().await?.unwrap_or(at);
        let roster = self.live.read(Roster::of);
        let targets = roster.policy.targets.keys();
        let attended = targets.filter(|id| self.attendance.has(id)).cloned();
        let attended = attended.collect();
        let lasts = roster.lasts();
        let so_long_ago = at.minus(within);
        let loaded = EntryFilter {
            kind: Some("policy.loaded".to_owned()),
            ..EntryFilter::default()
        };
        let looked_up = move |index: &dyn Index| {
            let mut marks = BTreeMap::new();
            for last in lasts {
                if let Some(mark) = index.last(&last)? {
                    marks.insert(last, mark);
                }
            }
            let policy_entry = index.entries(&loaded, None, 1)?.first().copied();
            let before = EntryFilter {
                until: Some(so_long_ago),
                ..loaded
            };
            let before = index.entries(&before, None, 1)?.first().copied();
            Ok((marks, policy_entry.unwrap_or_default(), before))
        };
        let (marks, policy_entry, before) = self.ask_index(looked_up).await?;
        let asked = Asked {
            within,
            now: at,
            ledger_since,
            before: match before {
                Some(entry) => self.policy_of(entry).await?,
                None => None,
            },
            attended,
        };
        Ok(AccessRead {
            review: AccessReview::read(&roster, &marks, &asked),
            at,
            by: by.clone(),
            within,
            ledger_since,
            policy_entry,
            policy_sha256: roster.policy_sha256,
            policy_loaded_at: roster.policy_loaded_at,
            // Taken last, so that it covers whatever was read before.
            checkpoint: self.reader.checkpoint(),
        })
    }

    /// The time of the first entry; nothing where there is none.
    async fn ledger_since(&self) -> Result<Option<Time>, Error> {
        let first = self.read_one(0).await?;
        Ok(first.map(|told| told.event().at))
    }

    /// The policy that an entry loaded.
    async fn policy_of(&self, entry: u64) -> Result<Option<Arc<Policy>>, Error> {
        let told = self.read_one(entry).await?;
        Ok(told.and_then(|told| match told.change() {
            Change::PolicyLoaded { policy, .. } => Some(Arc::clone(policy)),
            _ => None,
        }))
    }

    async fn read_one(&self, entry: u64) -> Result<Option<Arc<Told>>, Error> {
        let one = read_page(&self.reader, entry, 1).await?;
        let lines = one.into_iter().map(|(_, line)| line);
        Ok(self.feed.read_back(lines.collect()).await?.pop())
    }
}
