//! Whether somebody may write one more of something just now.

use crate::budget::Spending;
use crate::refusal::Refusal;

use super::case::Case;

impl Case<'_> {
    /// There is one left; asked last, so that a refusal for another reason comes first.
    pub(super) fn afford(&self, of: &Spending) -> Result<(), Refusal> {
        match self.state.budgets.again_at(of, self.at) {
            None => Ok(()),
            Some(again_at) => Err(Refusal::TooOften {
                budget: of.budget(),
                again_at,
            }),
        }
    }
}
