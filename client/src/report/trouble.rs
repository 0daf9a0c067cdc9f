//! When did recording fail?

use jiff::{SignedDuration, Timestamp};

use super::section::{Row, Rows, Section, Topic};
use crate::{entry::Entry, time};

/// Repairs, starts, what failed at targets, other histories that laptops had seen, and the longest silence.
#[derive(Default)]
pub(super) struct Trouble {
    rows: Rows,
    repairs: u64,
    restored: u64,
    starts: u64,
    failures: u64,
    other_histories: u64,
    last: Option<(u64, Timestamp)>,
    silence: Option<(SignedDuration, u64)>,
}

impl Trouble {
    pub(super) fn take(&mut self, entry: &Entry) {
        if let Some((index, at)) = self.last {
            let silent = (entry.at.duration_since(at), index);
            self.silence = self.silence.max(Some(silent));
        }
        self.last = Some((entry.index, entry.at));
        let text = |name| entry.text(name).unwrap_or_default();
        let what = match entry.kind.as_str() {
            "ledger.repaired" => {
                self.repairs += 1;
                let cut = entry.number("cut_bytes").unwrap_or_default();
                format!("{cut} bytes that nobody was told of were cut off after a crash")
            }
            "ledger.restored" => {
                self.restored += 1;
                let number = |name| entry.number(name).unwrap_or_default();
                format!(
                    "went on from a copy of {} entries; of before, entries up to {} are lost, says {}: {}",
                    number("kept"),
                    number("size") - 1,
                    text("operator"),
                    text("reason")
                )
            }
            "broker.started" => {
                self.starts += 1;
                format!("version {}", text("version"))
            }
            "role.failed" => {
                self.failures += 1;
                format!(
                    "{} of {} in {}: {}",
                    text("step"),
                    text("role"),
                    text("target"),
                    text("text")
                )
            }
            "session.unconfirmed" => {
                self.failures += 1;
                format!(
                    "{} in {} after {} was over",
                    text("session"),
                    text("target"),
                    text("grant")
                )
            }
            "refused" if entry.text("checkpoint").is_some() => {
                self.other_histories += 1;
                format!("{}: {}", entry.by, text("text"))
            }
            _ => return,
        };
        let cells = [time::rfc3339(entry.at), entry.kind.clone(), what];
        self.rows.push(Row::new(vec![entry.index], cells));
    }

    pub(super) fn section(mut self) -> Section {
        let mut answer = vec![format!(
            "Cut back after a crash: {}. Starts of the broker: {}. Failed or not confirmed at a target: {}. While the ledger could not be written nothing was issued.",
            self.repairs, self.starts, self.failures
        )];
        if self.restored > 0 {
            answer.push(format!(
                "Went on from an older copy, so that entries are lost: {}.",
                self.restored
            ));
        }
        if self.other_histories > 0 {
            answer.push(format!(
                "LAPTOPS HAD SEEN ANOTHER HISTORY of this ledger, signed by its key: {} heads. Ask who set the broker \
                 back, or who showed it.",
                self.other_histories
            ));
        }
        if let Some((silence, index)) = self.silence {
            answer.push(format!(
                "The longest time without an entry was {}, after entry {index}.",
                time::short(silence)
            ));
        }
        let rows = std::mem::take(&mut self.rows);
        Section::new(
            Topic::Trouble,
            "When did recording fail?",
            answer,
            &["when", "kind", "what"],
            rows,
        )
    }
}
