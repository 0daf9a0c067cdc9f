//! Questions to the trees.

use std::ops::Range;

use breakglass_domain::{Grant, GrantId, Incident, IncidentId, Time};

use super::record::{GrantRecord, IncidentRecord, from_bytes};
use super::store::{By, Store, broken, posting, prefix};
use crate::ports::{EntryFilter, GrantFilter, IndexError};

/// Grants an incident names in an answer; the rest is found by asking for its grants page by page.
const GRANTS_NAMED: usize = breakglass_domain::limits::GRANTS_IN_MEMORY;

/// A walk along one posting list, forwards or backwards.
type Walk = Box<dyn Iterator<Item = Result<u64, IndexError>>>;

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
        let grants = walk(
            &self.grant_of,
            By::Incident,
            &id.to_string(),
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
        for number in matches(&self.grant_of, lists, range, false)? {
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
        let mut range = self.places(filter.since, filter.until)?;
        match cursor {
            Some(last) if filter.oldest_first => range.start = range.start.max(last + 1),
            Some(last) => range.end = range.end.min(last),
            None => {}
        }
        if range.is_empty() {
            return Ok(Vec::new());
        }
        matches(&self.entries, lists, range, filter.oldest_first)?
            .take(max)
            .collect()
    }

    /// The places of entries from `since` on and before `until`: times never go back, so they are
    /// one range.
    fn places(&self, since: Option<Time>, until: Option<Time>) -> Result<Range<u64>, IndexError> {
        let first_from = |time: Time| -> Result<u64, IndexError> {
            match self.times.range(time_key(time, 0)..).next() {
                Some(item) => number_at_end(&item.map_err(broken)?.0),
                None => Ok(u64::MAX),
            }
        };
        let start = since.map(first_from).transpose()?.unwrap_or(0);
        let end = until.map(first_from).transpose()?.unwrap_or(u64::MAX);
        Ok(start..end)
    }
}

/// Sorts as time does, also before 1970.
pub(super) fn time_key(time: Time, place: u64) -> [u8; 16] {
    let millis = time.as_millis().cast_unsigned() ^ (1 << 63);
    let mut key = [0; 16];
    key[..8].copy_from_slice(&millis.to_be_bytes());
    key[8..].copy_from_slice(&place.to_be_bytes());
    key
}

/// Numbers in every one of the lists: walks the first, which callers give as the likely shortest,
/// and looks the others up.
fn matches(
    tree: &sled::Tree,
    mut lists: Vec<(By, String)>,
    range: Range<u64>,
    oldest_first: bool,
) -> Result<Walk, IndexError> {
    if lists.is_empty() {
        return Ok(walk(tree, By::All, "", range, oldest_first));
    }
    let (by, name) = lists.remove(0);
    let tree_too = tree.clone();
    let in_others = move |number: u64| -> Result<bool, IndexError> {
        for (by, name) in &lists {
            if !tree_too
                .contains_key(posting(*by, name, number))
                .map_err(broken)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    };
    let found = walk(tree, by, &name, range, oldest_first).filter_map(move |number| match number {
        Ok(number) => in_others(number)
            .map(|all| all.then_some(number))
            .transpose(),
        Err(error) => Some(Err(error)),
    });
    Ok(Box::new(found))
}

/// One list, within a range of numbers. Ends at the first error: on a damaged page sled's iterator
/// gives the same error for ever.
fn walk(tree: &sled::Tree, by: By, name: &str, range: Range<u64>, oldest_first: bool) -> Walk {
    let start = posting(by, name, range.start);
    let end = posting(by, name, range.end);
    debug_assert!(start.starts_with(&prefix(by, name)));
    let number = |item: Result<sled::IVec, sled::Error>| {
        item.map_err(broken).and_then(|key| number_at_end(&key))
    };
    let keys = tree.range(start..end).keys();
    let mut failed = false;
    let until_error = move |item: Result<u64, IndexError>| {
        if failed {
            return None;
        }
        failed = item.is_err();
        Some(item)
    };
    if oldest_first {
        Box::new(keys.map(number).map_while(until_error))
    } else {
        Box::new(keys.rev().map(number).map_while(until_error))
    }
}

fn number_at_end(key: &[u8]) -> Result<u64, IndexError> {
    let bytes = key
        .last_chunk::<8>()
        .ok_or_else(|| IndexError("a key is too short".into()))?;
    Ok(u64::from_be_bytes(*bytes))
}
