//! Which reviews are open?

use std::collections::BTreeMap;

use super::section::{Row, Rows, Section, Topic};
use crate::{entry::Entry, limits::MAX_OWED, time};

/// Grants that began, until their incident is over; then until they are answered for.
#[derive(Default)]
pub(super) struct Reviews {
    /// Of incidents that are open: what began, with its entry.
    begun: BTreeMap<String, Vec<Owed>>,
    owed: BTreeMap<String, (Owed, u64, String)>,
    closed: u64,
    due: u64,
    answered: u64,
}

#[derive(Clone)]
struct Owed {
    grant: String,
    person: String,
    right: String,
    index: u64,
}

impl Reviews {
    pub(super) fn take(&mut self, entry: &Entry, is_within: bool) {
        let text = |name| entry.text(name).unwrap_or_default().to_owned();
        match entry.kind.as_str() {
            "grant.started" => {
                let owed = Owed {
                    grant: text("grant"),
                    person: text("person"),
                    right: text("right"),
                    index: entry.index,
                };
                self.begun.entry(text("incident")).or_default().push(owed);
            }
            "incident.closed" => self.close(entry, is_within),
            "review.answered" => {
                let was_owed = self.owed.remove(&text("grant")).is_some();
                self.answered += u64::from(was_owed);
            }
            _ => {}
        }
    }

    fn close(&mut self, entry: &Entry, is_within: bool) {
        let incident = entry.text("incident").unwrap_or_default();
        let begun = self.begun.remove(incident).unwrap_or_default();
        if !is_within {
            return;
        }
        self.closed += 1;
        self.due += begun.len() as u64;
        for owed in begun {
            if self.owed.len() < MAX_OWED {
                let of = (owed.clone(), entry.index, time::rfc3339(entry.at));
                self.owed.insert(owed.grant, of);
            }
        }
    }

    pub(super) fn section(self) -> Section {
        let is_all = self.due - self.answered == self.owed.len() as u64;
        let open = match is_all {
            true => format!("{}", self.owed.len()),
            false => format!("at least {}", self.owed.len()),
        };
        let answer = format!(
            "Incidents that closed: {}. Grants that had begun under them: {}; answered for: {}; open: {open}.",
            self.closed, self.due, self.answered
        );
        let mut rows = Rows::default();
        for (owed, closed, when) in self.owed.into_values() {
            let cells = [owed.grant, owed.person, owed.right, when];
            rows.push(Row::new(vec![owed.index, closed], cells));
        }
        Section::new(
            Topic::Reviews,
            "Which reviews are open?",
            vec![answer],
            &["grant", "person", "right", "incident closed"],
            rows,
        )
    }
}
