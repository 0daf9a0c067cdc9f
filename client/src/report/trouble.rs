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
    /// Acts that were done although their signer's laptop had seen another history.
    done_all_the_same: u64,
    /// Places that are passed over (`ledger.lost`).
    passed_over: u64,
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
            self.done_all_the_same += 1;
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
            "ledger.lost" => {
                // Up to some thousands, and each says the same: its mark has the row.
                self.passed_over += 1;
                return;
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
        if self.passed_over > 0 {
            answer.push(format!(
                "Places passed over, because the key whose turn it was there is gone: {}.",
                self.passed_over
            ));
        }
        if self.done_all_the_same > 0 {
            answer.push(format!(
                "Acts that were done all the same, though the laptop of who did them had seen another history: {}.",
                self.done_all_the_same
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(entries: &[Value]) -> Section {
        let mut trouble = Trouble::default();
        for (index, entry) in entries.iter().enumerate() {
            let mut line = json!({"v": 1, "index": index, "at": "2026-11-23T03:00:00.000Z", "by": "breakglass"});
            for (name, value) in entry.as_object().unwrap() {
                line[name] = value.clone();
            }
            trouble.take(&Entry::parse(line.to_string().as_bytes()).unwrap());
        }
        trouble.section()
    }

    #[test]
    fn what_was_done_all_the_same_and_what_was_passed_over_are_counted() {
        let signed = json!({"text": "x", "key": "k", "signature": "s"});
        let mut apart = signed.clone();
        apart["other_history"] = json!(true);
        let calm = json!({"kind": "incident.closed", "by": "mia", "signed": signed});
        let ends = json!({"kind": "incident.closed", "by": "mia", "signed": apart});
        let lost = json!({"kind": "ledger.lost"});

        let section = told(&[calm.clone(), ends, lost.clone(), lost]);
        let answer = section.answer.join("\n");
        for said in [
            "had seen another history: 1.",
            "Places passed over, because the key whose turn it was there is gone: 2.",
        ] {
            assert!(answer.contains(said), "{answer}");
        }
        assert_eq!(
            section.rows.len(),
            1,
            "a row for the act, and none for each place"
        );

        let answer = told(&[calm]).answer.join("\n");
        assert!(
            !answer.contains("all the same") && !answer.contains("passed over"),
            "{answer}"
        );
    }
}
