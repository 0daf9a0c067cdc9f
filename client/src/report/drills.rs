//! What was practised?

use super::section::{Row, Rows, Section, Topic};
use crate::{entry::Entry, time};

/// Entries of drills, and incidents that were opened for one.
#[derive(Default)]
pub(super) struct Drills(Rows);

impl Drills {
    pub(super) fn take(&mut self, entry: &Entry) {
        // All entries of a drill are marked; these two say that it began, and how it went.
        let opens = entry.kind == "incident.opened" && entry.body.contains_key("drill");
        if !opens && !entry.kind.starts_with("drill.") {
            return;
        }
        let text = |name| entry.text(name).unwrap_or_default().to_owned();
        let good = entry.body.get("good").and_then(serde_json::Value::as_bool);
        let how = match good {
            Some(true) => "good".to_owned(),
            Some(false) => format!("not good {}", text("failed")).trim_end().to_owned(),
            None => text("title"),
        };
        let cells = [
            time::rfc3339(entry.at),
            entry.kind.clone(),
            entry.by.clone(),
            text("incident"),
            how,
        ];
        self.0.push(Row::new(vec![entry.index], cells));
    }

    pub(super) fn section(self) -> Section {
        let answer = match self.0.count() {
            0 => "No drill is in the ledger.".to_owned(),
            count => format!("Entries of drills: {count}."),
        };
        Section::new(
            Topic::Drills,
            "What was practised?",
            vec![answer],
            &["when", "kind", "by", "incident", "how"],
            self.0,
        )
    }
}
