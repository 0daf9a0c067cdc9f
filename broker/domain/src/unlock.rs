//! The founder's path: what a request waits for whose rule asks for a call.

use crate::id::PersonId;
use crate::time::Time;

/// Who may record the call, and what is on record so far. Each person is kept once in each list, so
/// none grows past the team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlock {
    /// Whose call counts, pinned when it was asked for; never the requester, never empty.
    pub callers: Vec<PersonId>,
    /// Calls on record.
    pub calls: Vec<Call>,
    /// Approvers who said yes, where the rule names some.
    pub yes: Vec<Yes>,
    /// The requester and callers who added a note to the incident since it was asked for.
    pub noted: Vec<PersonId>,
}

/// An engineer signed that they spoke with the requester.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The engineer.
    pub by: PersonId,
    /// When they spoke, by the clock they signed by.
    pub spoke_at: Time,
    /// When it was recorded.
    pub at: Time,
}

/// An approver said yes to a request that waits for more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Yes {
    /// The approver.
    pub by: PersonId,
    /// The latest end they agreed to.
    pub until: Time,
}

/// What is still needed before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// An approver's yes.
    pub approval: bool,
    /// A call with one of the callers.
    pub call: bool,
    /// A note by the requester, or by a caller whose call is on record.
    pub note: bool,
}

impl Missing {
    /// Whether nothing is.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        !(self.approval || self.call || self.note)
    }
}

impl Unlock {
    /// Nothing on record yet.
    #[must_use]
    pub fn new(callers: Vec<PersonId>) -> Self {
        Self {
            callers,
            calls: Vec::new(),
            yes: Vec::new(),
            noted: Vec::new(),
        }
    }

    /// What is still needed by a requester; `asks` says whether an approver's yes is.
    #[must_use]
    pub fn missing(&self, requester: &PersonId, asks: bool) -> Missing {
        let has_noted = |person: &PersonId| self.noted.contains(person);
        let called = self.calls.iter().map(|call| &call.by);
        Missing {
            approval: asks && self.yes.is_empty(),
            call: self.calls.is_empty(),
            note: !has_noted(requester) && !called.into_iter().any(has_noted),
        }
    }

    /// The same record with only those calls and yeses that count.
    #[must_use]
    pub fn counting(
        mut self,
        caller: impl Fn(&PersonId) -> bool,
        approver: impl Fn(&Yes) -> bool,
    ) -> Self {
        self.calls.retain(|call| caller(&call.by));
        self.yes.retain(approver);
        self
    }

    /// Whether a note by this person counts: the requester's, and those of whoever may record the call.
    pub(crate) fn takes_notes_of(&self, person: &PersonId, requester: &PersonId) -> bool {
        person == requester || self.callers.contains(person)
    }

    /// A yes takes the place of an earlier one by the same person, which had run out.
    pub(crate) fn add_yes(&mut self, yes: Yes) {
        self.yes.retain(|before| before.by != yes.by);
        self.yes.push(yes);
    }

    pub(crate) fn add_note(&mut self, by: &PersonId, requester: &PersonId) {
        if self.takes_notes_of(by, requester) && !self.noted.contains(by) {
            self.noted.push(by.clone());
        }
    }

    /// The word of somebody who is stopped or gone counts no more, also not when they are back.
    pub(crate) fn forget(&mut self, person: &PersonId) {
        self.calls.retain(|call| call.by != *person);
        self.yes.retain(|yes| yes.by != *person);
    }
}
