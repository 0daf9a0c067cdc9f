//! When did recording fail?

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_proto::statement::Seen;
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
    /// Heads of other histories that laptops had seen: entries, and the root.
    heads: Vec<(u64, String)>,
    /// What is marked as lost: entries that were kept, and the head of the rest.
    lost: Vec<(u64, u64, String)>,
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
        if let Some(signed) = entry.signed.as_ref().filter(|_| entry.has_seen_another()) {
            let seen = Seen::in_text(&signed.text).ok().flatten();
            self.heads
                .extend(seen.map(|it| (it.size, STANDARD.encode(it.root))));
            let what = format!(
                "{}: done all the same, though their laptop had seen another history",
                entry.by
            );
            let cells = [time::rfc3339(entry.at), entry.kind.clone(), what];
            return self.rows.push(Row::new(vec![entry.index], cells));
        }
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
                let kept = u64::try_from(number("kept")).unwrap_or_default();
                let head = head_of(text("checkpoint"));
                self.lost
                    .extend(head.map(|(size, root)| (kept, size, root)));
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
                self.heads.extend(head_of(text("checkpoint")));
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
        let is_lost = |(size, root): &&(u64, String)| {
            let mut lost = self.lost.iter();
            !lost.any(|(kept, of, head)| match size == of {
                true => root == head,
                false => kept < size && size < of,
            })
        };
        let other_histories = self.heads.iter().filter(is_lost).count();
        if other_histories > 0 {
            answer.push(format!(
                "LAPTOPS HAD SEEN ANOTHER HISTORY of this ledger, signed by its key: {} heads. Ask who set the broker \
                 back, or who showed it.",
                other_histories
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

/// Size and root of a checkpoint (C2SP tlog-checkpoint): its second and third line.
fn head_of(note: &str) -> Option<(u64, String)> {
    let mut lines = note.lines().skip(1);
    Some((lines.next()?.parse().ok()?, lines.next()?.to_owned()))
}
