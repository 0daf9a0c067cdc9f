//! Did people approve who have left since?

use std::collections::BTreeMap;

use super::section::{Row, Rows, Section, Topic};
use crate::{entry::Entry, limits::MAX_LIFE_ENTRIES, time};

/// What each said yes to, and who is gone.
#[derive(Default)]
pub(super) struct Approvals {
    given: BTreeMap<String, (u64, Vec<u64>)>,
    gone: BTreeMap<String, (u64, String)>,
    count: u64,
}

impl Approvals {
    pub(super) fn take(&mut self, entry: &Entry, is_within: bool) {
        let is_yes = match entry.kind.as_str() {
            "grant.started" => entry.text("basis") == Some("approved"),
            "grant.approved" | "call.recorded" => true,
            _ => false,
        };
        if is_yes && is_within {
            let given = self.given.entry(entry.by.clone()).or_default();
            given.0 += 1;
            if given.1.len() < MAX_LIFE_ENTRIES {
                given.1.push(entry.index);
            }
            self.count += 1;
        }
        let person = entry.text("person").unwrap_or_default();
        match entry.kind.as_str() {
            "person.removed" => {
                let of = (entry.index, time::rfc3339(entry.at));
                self.gone.insert(person.to_owned(), of);
            }
            "person.enrolled" => drop(self.gone.remove(person)),
            _ => {}
        }
    }

    pub(super) fn section(self) -> Section {
        let mut rows = Rows::default();
        let mut of_gone = 0;
        for (person, (count, entries)) in self.given {
            let Some((removed, when)) = self.gone.get(&person) else {
                continue;
            };
            of_gone += count;
            let entries = std::iter::once(*removed).chain(entries).collect();
            rows.push(Row::new(entries, [person, when.clone(), count.to_string()]));
        }
        let answer = format!(
            "Approvals and calls: {}; by people who have left since, as far as this export goes: {of_gone}. \
             None is by anybody who had left before: such an entry would not have verified.",
            self.count
        );
        Section::new(
            Topic::Approvals,
            "Did people approve who have left since?",
            vec![answer],
            &["who", "left", "how often they agreed"],
            rows,
        )
    }
}
