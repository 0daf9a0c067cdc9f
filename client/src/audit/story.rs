//! Checking one story by the rules of a whole ledger.
//!
//! The entries stand apart; that each is in the ledger was proven by whoever read it. What is checked is
//! what [`Auditor`] checks, but for the tree, and for answers owed about incidents that are not told.

use breakglass_tlog::VerifierKey;
use jiff::Timestamp;

use super::Auditor;
use crate::entry::Entry;

/// Reads the entries of a story in their order.
pub struct Teller(Auditor);

impl Teller {
    /// Begins before the first.
    #[must_use]
    pub fn new(key: VerifierKey) -> Self {
        let mut auditor = Auditor::new(key).of_part_from(u64::MAX);
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

    /// When an incident closes by itself that is open at a time.
    #[must_use]
    pub fn closes_at(&self, incident: &str, at: Timestamp) -> Option<Timestamp> {
        self.0.incidents.closes_at(incident, at).ok()
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
