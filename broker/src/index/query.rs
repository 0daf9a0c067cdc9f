//! Questions to the trees.

use std::ops::Range;

use breakglass_domain::{Grant, GrantId, Incident, IncidentId};

use super::postings::{Walk, blocks, matches, number_at_end, until_error};
use super::record::{GrantRecord, IncidentRecord, from_bytes};
use super::store::{By, Store, broken};
use super::times;
use crate::ports::{EntryFilter, GrantFilter, IndexError, Places};

/// Grants an incident names in an answer; the rest is found by asking for its grants page by page.
const GRANTS_NAMED: usize = breakglass_domain::limits::GRANTS_IN_MEMORY;

impl Store {
    pub(super) fn grant(&self, id: GrantId) -> Result<Option<Grant>, IndexError> {
        let Some(bytes) = self.grants.get(id.0.to_be_bytes()).map_err(broken)? else {
            return Ok(None);
        };
        from_bytes::<GrantRecord>(&bytes)?.into_grant().map(Some)
    }

    pub(super) fn incident(&self, id: IncidentId) -> Result<Option<Incident>, IndexError> {
        let Some(bytes) = self.incidents.get(id.0.to_be_bytes()).map_err(broken)? else {
            return Ok(None);
        };
        let grants = matches(
            &self.grant_of,
            vec![(By::Incident, id.to_string())],
            0..u64::MAX,
            true,
        )
        .take(GRANTS_NAMED)
        .map(|number| number.map(GrantId))
        .collect::<Result<_, _>>()?;
        from_bytes::<IncidentRecord>(&bytes)?
            .into_incident(grants)
            .map(Some)
    }

    pub(super) fn incidents(
        &self,
        before: Option<IncidentId>,
        max: usize,
    ) -> Result<Vec<Incident>, IndexError> {
        let end = before.map_or(u64::MAX, |id| id.0);
        let mut found = Vec::new();
        for item in self
            .incidents
            .range(..end.to_be_bytes())
            .keys()
            .rev()
            .take(max)
        {
            let id = IncidentId(number_at_end(&item.map_err(broken)?)?);
            found.extend(self.incident(id)?);
        }
        Ok(found)
    }

    pub(super) fn grants(
        &self,
        filter: &GrantFilter,
        before: Option<GrantId>,
        max: usize,
    ) -> Result<Vec<Grant>, IndexError> {
        let lists = [
            list(By::Incident, filter.incident.as_ref()),
            list(By::Right, filter.right.as_ref()),
            list(By::Person, filter.person.as_ref()),
        ];
        let lists = lists.into_iter().flatten().collect();
        let range = 0..before.map_or(u64::MAX, |id| id.0);
        let mut found = Vec::new();
        for number in self.numbers_of_grants(lists, range) {
            if found.len() == max {
                break;
            }
            found.extend(self.grant(GrantId(number?))?);
        }
        Ok(found)
    }

    /// Looks at `most_blocks` of them at most, so that a question which nothing answers ends as well.
    pub(super) fn entries(
        &self,
        filter: &EntryFilter,
        cursor: Option<u64>,
        max: usize,
        most_blocks: usize,
    ) -> Result<Places, IndexError> {
        let mut range = times::places(&self.times, filter.since, filter.until)?;
        match cursor {
            Some(last) if filter.oldest_first => {
                range.start = range.start.max(last.saturating_add(1));
            }
            Some(last) => range.end = range.end.min(last),
            None => {}
        }
        let lists = lists(filter);
        let mut places = Places::default();
        if lists.is_empty() {
            places.found = match filter.oldest_first {
                true => range.take(max).collect(),
                false => range.rev().take(max).collect(),
            };
            return Ok(places);
        }
        let walk = blocks(&self.entries, lists, range, filter.oldest_first);
        for (looked_at, block) in walk.enumerate() {
            if looked_at == most_blocks {
                return Ok(places);
            }
            let block = block?;
            let missing = max - places.found.len();
            places.found.extend(block.numbers.into_iter().take(missing));
            places.stopped_at = Some(block.edge);
            if places.found.len() == max {
                break;
            }
        }
        places.stopped_at = None;
        Ok(places)
    }

    /// Newest first.
    fn numbers_of_grants(&self, lists: Vec<(By, String)>, range: Range<u64>) -> Walk {
        if !lists.is_empty() {
            return matches(&self.grant_of, lists, range, false);
        }
        let (start, end) = (range.start.to_be_bytes(), range.end.to_be_bytes());
        let keys = self.grants.range(start..end).keys().rev();
        until_error(keys.map(|key| number_at_end(&key.map_err(broken)?)))
    }
}

/// The list of all that have this, where it is asked for.
fn list(by: By, of: Option<&impl ToString>) -> Option<(By, String)> {
    of.map(|it| (by, it.to_string()))
}

/// The lists an entry has to stand in; the one that is likely the shortest first.
fn lists(filter: &EntryFilter) -> Vec<(By, String)> {
    let kind = filter.kind.as_ref().map(|kind| {
        // `refused` has no dot and is a kind of its own.
        let is_whole = kind.contains('.') || kind == "refused";
        let by = if is_whole { By::Kind } else { By::Family };
        (by, kind.clone())
    });
    let lists = [
        list(By::Grant, filter.grant.as_ref()),
        list(By::Incident, filter.incident.as_ref()),
        list(By::Outcome, filter.outcome.as_ref()),
        list(By::Target, filter.target.as_ref()),
        list(By::Right, filter.right.as_ref()),
        list(By::Person, filter.person.as_ref()),
        kind,
        filter.text.as_ref().map(|_| (By::Typed, String::new())),
    ];
    lists.into_iter().flatten().collect()
}
