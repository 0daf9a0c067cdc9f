//! Who changed policies, people and keys?

use super::section::{Row, Rows, Section, Topic};
use crate::{entry::Entry, time};

/// Every such entry; renewals of a certificate change nothing.
#[derive(Default)]
pub(super) struct Changes {
    rows: Rows,
    policies: u64,
    by_operator: u64,
}

impl Changes {
    pub(super) fn take(&mut self, entry: &Entry) {
        let text = |name| entry.text(name).unwrap_or_default();
        let what = match entry.kind.as_str() {
            "policy.loaded" => {
                self.policies += 1;
                format!("the policy with SHA-256 {}", text("sha256"))
            }
            "key.added" | "key.retired" => format!("{} key {}", text("purpose"), text("id")),
            "person.enrolled" | "target.enrolled" => {
                format!("key {} on {}", text("key"), text("device"))
            }
            kind if kind.starts_with("person.") || kind.starts_with("target.") => {
                if kind == "target.renewed" {
                    return;
                }
                text("reason").to_owned()
            }
            _ => return,
        };
        self.by_operator += u64::from(entry.by == "breakglass");
        let whom = [text("person"), text("target")].concat();
        let cells = [
            time::rfc3339(entry.at),
            entry.kind.clone(),
            entry.by.clone(),
            whom,
            what,
        ];
        self.rows.push(Row::new(vec![entry.index], cells));
    }

    pub(super) fn section(self) -> Section {
        let answer = format!(
            "Changes: {}, policies among them: {}. By the broker or its operator on its host (`breakglass`), whom no \
             statement names: {}; who they were stands where the policy file is kept, and in that host's own records.",
            self.rows.count(),
            self.policies,
            self.by_operator
        );
        Section::new(
            Topic::Changes,
            "Who changed policies, people and keys?",
            vec![answer],
            &["when", "kind", "by", "whom", "what"],
            self.rows,
        )
    }
}
