//! When somebody may begin a request alone, as things stand.

use crate::grant::Grant;
use crate::incident::Alone;
use crate::state::State;
use crate::time::Time;

impl State {
    /// From when its holder may begin a request alone: when approvers have had their time, and where
    /// they had begun another of this right alone under the incident, as much time again since that
    /// was over. Nothing where they may not.
    #[must_use]
    pub fn alone_from(&self, grant: &Grant) -> Option<Time> {
        let from = grant.self_grant?.from;
        let of = (grant.of.person.clone(), grant.of.right.clone());
        let incident = self.incidents.get(&grant.of.incident)?;
        if incident.vetoed.contains(&of) {
            return None;
        }
        let before = incident.alone.get(&of).and_then(|it| self.over_at(it));
        let patience = from.since(grant.requested_at.plus(grant.stood_still));
        Some(before.map_or(from, |over| from.max(over.plus(patience))))
    }

    /// A grant as it stands: what was pinned, and the self-grant only where it was not vetoed, and from when
    /// it is possible; it may lapse before.
    #[must_use]
    pub fn as_it_stands(&self, grant: &Grant) -> Grant {
        let mut stands = grant.clone();
        if let Some(allowed) = &mut stands.self_grant
            && grant.is_waiting()
        {
            match self.alone_from(grant) {
                Some(from) => allowed.from = from,
                None => stands.self_grant = None,
            }
        }
        stands
    }

    /// When the last of them was over, or will be: as things stand, where one still runs.
    fn over_at(&self, alone: &Alone) -> Option<Time> {
        let running = alone
            .runs
            .iter()
            .filter_map(|id| self.grants.get(id)?.active());
        let ends = running.map(|active| active.ends_at);
        ends.chain(alone.ended_at).max()
    }
}
