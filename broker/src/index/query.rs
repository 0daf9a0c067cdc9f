//! Questions to the trees.

use std::ops::Range;

use breakglass_domain::{Grant, GrantId, Incident, IncidentId};

use super::postings::{Walk, matches, number_at_end, until_error};
use super::record::{GrantRecord, IncidentRecord, from_bytes};
use super::store::{By, Store, broken};
use super::times;
use crate::ports::{EntryFilter, GrantFilter, IndexError};

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
        let mut lists = Vec::new();
        lists.extend(filter.incident.map(|it| (By::Incident, it.to_string())));
        lists.extend(filter.right.as_ref().map(|it| (By::Right, it.to_string())));
        lists.extend(
            filter
                .person
                .as_ref()
                .map(|it| (By::Person, it.to_string())),
        );
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

    pub(super) fn entries(
        &self,
        filter: &EntryFilter,
        cursor: Option<u64>,
        max: usize,
    ) -> Result<Vec<u64>, IndexError> {
        let mut lists = Vec::new();
        lists.extend(filter.grant.map(|it| (By::Grant, it.to_string())));
        lists.extend(filter.incident.map(|it| (By::Incident, it.to_string())));
        lists.extend(filter.right.as_ref().map(|it| (By::Right, it.to_string())));
        lists.extend(
            filter
                .person
                .as_ref()
                .map(|it| (By::Person, it.to_string())),
        );
        lists.extend(filter.kind.as_ref().map(|kind| {
            let by = if kind.contains('.') {
                By::Kind
            } else {
                By::Family
            };
            // `refused` has no dot and is a kind of its own.
            if kind == "refused" {
                (By::Kind, kind.clone())
            } else {
                (by, kind.clone())
            }
        }));
        let mut range = times::places(&self.times, filter.since, filter.until)?;
        match cursor {
            Some(last) if filter.oldest_first => range.start = range.start.max(last + 1),
            Some(last) => range.end = range.end.min(last),
            None => {}
        }
        let found: Walk = match (lists.is_empty(), filter.oldest_first) {
            (true, true) => Box::new(range.map(Ok)),
            (true, false) => Box::new(range.rev().map(Ok)),
            (false, oldest_first) => matches(&self.entries, lists, range, oldest_first),
        };
        found.take(max).collect()
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
