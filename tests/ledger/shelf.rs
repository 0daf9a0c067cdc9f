//! A ledger's lines as a broker answers questions about them, with nothing left out.

use breakglass_client::entry::Entry;
use breakglass_client::error::Error;
use breakglass_client::story::{Proven, Story, Voice, why};
use breakglass_client::time;
use breakglass_proto::v1::ListEntriesRequest;
use breakglass_tlog::LedgerKeys;

use crate::verifiers::vkey;

/// All entries, each taken for proven.
pub(crate) struct Shelf(Vec<Entry>);

impl Shelf {
    pub(crate) fn of<L: AsRef<[u8]>>(lines: &[L]) -> Self {
        let read = |line: &L| Entry::parse(line.as_ref()).unwrap();
        Self(lines.iter().map(read).collect())
    }

    /// The grants that were asked for.
    pub(crate) fn grants(&self) -> Vec<String> {
        let asked = self.0.iter().filter(|it| it.kind == "grant.requested");
        asked
            .map(|it| it.text("grant").unwrap().to_owned())
            .collect()
    }

    pub(crate) fn refusals(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(|it| it.kind == "refused")
    }

    pub(crate) fn story(&self, grant: &str) -> Story {
        now(Story::of_grant(self, grant)).unwrap()
    }

    pub(crate) fn why_refused(&self, entry: &Entry) -> why::Why {
        now(why::refused(self, entry, Voice::ToScripts)).unwrap()
    }
}

/// Nothing here waits.
pub(crate) fn now<T>(asked: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(asked)
}

impl Proven for Shelf {
    async fn entries(&self, filter: ListEntriesRequest, most: usize) -> Result<Vec<Entry>, Error> {
        let cursor: Option<u64> = filter.cursor.parse().ok();
        let mut found: Vec<_> = self
            .0
            .iter()
            .filter(|it| fits(&filter, it))
            .cloned()
            .collect();
        if !filter.oldest_first {
            found.reverse();
        }
        found.retain(|it| match cursor {
            Some(last) if filter.oldest_first => it.index > last,
            Some(last) => it.index < last,
            None => true,
        });
        found.truncate(most);
        Ok(found)
    }

    async fn size(&self) -> Result<u64, Error> {
        Ok(self.0.len() as u64)
    }

    fn keys(&self) -> LedgerKeys {
        vkey().into()
    }
}

fn fits(filter: &ListEntriesRequest, entry: &Entry) -> bool {
    let is = |wanted: &str, name: &str| wanted.is_empty() || entry.text(name) == Some(wanted);
    let kind = &filter.kind;
    let family = entry.kind.split('.').next();
    let person = &filter.person;
    let since = time::from_proto(filter.since.as_ref());
    let until = time::from_proto(filter.until.as_ref());
    let outcome = &filter.outcome;
    let came = ["basis", "ending", "how", "reason"];
    let came_out = came.iter().any(|name| entry.text(name) == Some(outcome));
    (outcome.is_empty() || came_out)
        && is(&filter.grant, "grant")
        && is(&filter.incident, "incident")
        && is(&filter.right, "right")
        && (person.is_empty() || entry.by == *person || entry.text("person") == Some(person))
        && (kind.is_empty() || entry.kind == *kind || family == Some(kind))
        && since.is_none_or(|since| entry.at >= since)
        && until.is_none_or(|until| entry.at < until)
}
