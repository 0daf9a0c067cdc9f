//! Is the population complete?

use std::collections::BTreeMap;

use super::section::{Row, Rows, Section, Topic};
use crate::entry::Entry;

/// How many of each kind: how often, the first and the last.
#[derive(Default)]
pub(super) struct Population {
    kinds: BTreeMap<String, (u64, u64, u64)>,
    count: u64,
    span: Option<(u64, u64)>,
}

impl Population {
    pub(super) fn take(&mut self, entry: &Entry) {
        let what = ["basis", "ending"].iter().find_map(|name| entry.text(name));
        let of_grant = entry.kind.starts_with("grant.");
        let name = match what.filter(|_| of_grant) {
            Some(what) => format!("{} {what}", entry.kind),
            None => entry.kind.clone(),
        };
        let kind = self.kinds.entry(name).or_insert((0, entry.index, 0));
        (kind.0, kind.2) = (kind.0 + 1, entry.index);
        self.count += 1;
        self.span = Some((self.span.map_or(entry.index, |span| span.0), entry.index));
    }

    pub(super) fn section(self) -> Section {
        let of = |name: &str| -> u64 {
            let kinds = self.kinds.iter();
            let of_kind = kinds.filter(|(kind, _)| kind.split(' ').next() == Some(name));
            of_kind.map(|(_, (count, ..))| count).sum()
        };
        let answer = match self.span {
            None => "No entry is of this time.".to_owned(),
            Some((first, last)) => format!(
                "Entries: {}, from {first} to {last} without a gap: indexes count up by one, and the root over them \
                 is the one that was signed. Grants asked for: {}, begun: {}, ended: {}. Entries of refusals: {}.",
                self.count,
                of("grant.requested"),
                of("grant.started"),
                of("grant.ended"),
                of("refused"),
            ),
        };
        let mut rows = Rows::default();
        for (kind, (count, first, last)) in self.kinds {
            let entries = if first == last {
                vec![first]
            } else {
                vec![first, last]
            };
            rows.push(Row::new(entries, [kind, count.to_string()]));
        }
        Section::new(
            Topic::Population,
            "Is the population complete?",
            vec![answer],
            &["kind", "how often"],
            rows,
        )
    }
}
