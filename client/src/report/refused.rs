//! What was tried and refused?

use std::collections::BTreeMap;

use super::section::{Row, Rows, Section, Topic};
use crate::{entry::Entry, time};

/// Refusals of the rules, and people's no.
#[derive(Default)]
pub(super) struct Refused {
    reasons: BTreeMap<String, i64>,
    rows: Rows,
}

impl Refused {
    pub(super) fn take(&mut self, entry: &Entry) {
        let text = |name| entry.text(name).unwrap_or_default().to_owned();
        let (act, reason, why, count) = match entry.kind.as_str() {
            "refused" => (
                text("act"),
                text("reason"),
                text("text"),
                entry.number("count").unwrap_or(1),
            ),
            "grant.ended" if ["denied", "vetoed"].contains(&text("ending").as_str()) => {
                let act = format!("{} of {}", text("right"), text("person"));
                (act, text("ending"), text("reason"), 1)
            }
            _ => return,
        };
        *self.reasons.entry(reason.clone()).or_default() += count;
        self.rows.push(Row::new(
            vec![entry.index],
            [
                time::rfc3339(entry.at),
                entry.by.clone(),
                act,
                reason,
                why,
                text("incident"),
                count.to_string(),
            ],
        ));
    }

    pub(super) fn section(self) -> Section {
        let all: i64 = self.reasons.values().sum();
        let reasons = self.reasons.iter();
        let reasons: Vec<_> = reasons
            .map(|(reason, count)| format!("{reason} {count}"))
            .collect();
        let answer = match all {
            0 => "Nothing was refused.".to_owned(),
            _ => format!(
                "Tried and refused: {all} ({}), in entries: {}. Who had no certificate of this team is counted by the broker's \
                 metrics, and is not in the ledger.",
                reasons.join(", "),
                self.rows.count()
            ),
        };
        Section::new(
            Topic::Refused,
            "What was tried and refused?",
            vec![answer],
            &[
                "when",
                "who",
                "what",
                "reason",
                "as it was told",
                "incident",
                "how often",
            ],
            self.rows,
        )
    }
}
