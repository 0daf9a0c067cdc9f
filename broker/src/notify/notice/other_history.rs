//! What was done by somebody whose laptop had seen another history of the ledger: trouble with it, whatever it was.

use super::Notice;
use crate::app::App;
use crate::app::feed::Told;

impl Notice {
    /// It was done, and whoever did it had seen another history of the ledger.
    pub(super) fn of_other_history(&mut self, told: &Told) {
        let what = match self.title.is_empty() {
            true => told.kind(),
            false => &self.title,
        };
        self.title = format!(
            "LEDGER TROUBLE: {} has seen another history of it; what only ends something is done all the same: \
             {what}",
            told.event().by
        );
        self.fact("trouble", "another history");
        self.next = Some(format!("glass ledger show {}", told.index()));
    }
}

/// Whether its signer had seen another history, and no mark names that as lost.
pub(super) fn has_seen_another(told: &Told, app: &App) -> bool {
    let signed = told.event().signed.as_ref();
    let signed = signed.filter(|signed| signed.other_history);
    signed.is_some_and(|signed| {
        let seen = signed.seen();
        seen.is_none_or(|(size, root)| !app.is_marked_as_lost(size, root))
    })
}
