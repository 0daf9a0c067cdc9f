//! What the policy means, in sentences.

use super::Policy;
use crate::id::{PersonId, RightId, RuleName};
use crate::time::Lifetime;

/// Whether somebody can have a right, and the rule that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The right.
    pub right: RightId,
    /// In plain language.
    pub sentence: String,
    /// The rule that gives it, if any.
    pub rule: Option<RuleName>,
    /// Who may approve; empty where none needs to.
    pub approvers: Vec<PersonId>,
    /// The longest a grant may last.
    pub longest: Lifetime,
    /// One sentence that says all of this: "Mia can deploy the shop app, at most 30m, without an
    /// approver (rule engineers-ship)."
    pub explanation: String,
}

/// What one person can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonCan {
    /// Who.
    pub person: PersonId,
    /// What people say.
    pub name: String,
    /// One verdict for each right of the policy.
    pub verdicts: Vec<Verdict>,
    /// What they can do besides, for example "open incidents".
    pub duties: Vec<&'static str>,
}

impl Policy {
    /// What the person can and cannot do; `None` for somebody the policy does not know.
    #[must_use]
    pub fn can(&self, person: &PersonId) -> Option<PersonCan> {
        let _ = person;
        None
    }

    /// One verdict; `None` where person or right is unknown.
    #[must_use]
    pub fn verdict(&self, person: &PersonId, right: &RightId) -> Option<Verdict> {
        let _ = (person, right);
        None
    }
}
