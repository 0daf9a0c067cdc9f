//! What is said of a request that goes to others when nobody answers.

use breakglass_domain::{Escalation, GrantRef, PersonId};

use super::Told;

impl Told<'_> {
    /// Whom it goes to next, where it goes to somebody.
    pub(super) fn with_escalation(&self, asked: String, escalation: Option<&Escalation>) -> String {
        match escalation {
            Some(next) if next.at > self.at => format!(
                "{asked} If nobody answers, it goes to {} as well at {}.",
                self.words.names(&next.to),
                self.clock(next.at)
            ),
            _ => asked,
        }
    }

    pub(super) fn escalated(&self, of: &GrantRef, to: &[PersonId]) -> String {
        let asked_at = self.words.grant.map(|grant| grant.requested_at);
        if asked_at == Some(self.at) {
            return format!(
                "Nobody else is there to answer {}'s request {}, so {} can approve it ({}).",
                self.words.name(&of.person),
                of.grant,
                self.words.names(to),
                of.incident
            );
        }
        format!(
            "Nobody answered {}'s request {}, so {} can approve it too ({}).",
            self.words.name(&of.person),
            of.grant,
            self.words.names(to),
            of.incident
        )
    }
}
