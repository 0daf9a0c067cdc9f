//! Checking one story by the rules of a whole ledger.
//!
//! The entries stand apart; that each is in the ledger was proven by whoever read it. What is checked is
//! what [`Auditor`] checks, but for the tree, and for answers owed about incidents that are not told of.

use breakglass_tlog::LedgerKeys;
use jiff::Timestamp;

use super::Auditor;
use crate::entry::Entry;

/// Reads the entries of a story in their order.
pub struct Teller(Auditor);

impl Teller {
    /// Begins before the first; whether answers that are owed are told of as well, with every policy from
    /// the first of them on.
    #[must_use]
    pub fn new(keys: LedgerKeys, knows_debts: bool) -> Self {
        let counts_from = if knows_debts { 0 } else { u64::MAX };
        let mut auditor = Auditor::new(keys).of_part_from(counts_from);
        auditor.witnesses.know_no_roots();
        Self(auditor)
    }

    /// Checks the next entry.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&mut self, entry: &Entry) -> Result<(), String> {
        self.0.check_order(entry, entry.index)?;
        self.0.take(entry)
    }

    /// Takes an entry of another story, for the answers that are owed; nothing of it is checked.
    pub fn hear_of(&mut self, entry: &Entry) {
        let policies = &self.0.policies;
        // One that cannot be is that other story's matter.
        let _elsewhere = self.0.reviews.take(entry, |_| false, policies);
    }

    /// When an incident closes by itself that is open at a time.
    #[must_use]
    pub fn closes_at(&self, incident: &str, at: Timestamp) -> Option<Timestamp> {
        self.0.incidents.closes_at(incident, at).ok()
    }

    /// For how long a live request has stood still, in milliseconds: nobody could be told of it.
    #[must_use]
    pub fn stood_still(&self, grant: &str) -> i64 {
        let found = self.0.lives.live.get(grant);
        found.map_or(0, |grant| grant.stood_still)
    }

    /// Checks that nothing is missing at the end; gives how many signatures were checked.
    ///
    /// # Errors
    /// What is missing.
    pub fn finish(mut self) -> Result<u64, String> {
        self.0.settle(self.0.last_at.unwrap_or(Timestamp::MAX))?;
        self.0.lives.need_whole()?;
        Ok(self.0.statements.verified())
    }
}
