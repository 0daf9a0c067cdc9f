//! Which reviews are open?

use std::collections::BTreeMap;

use super::section::{Row, Rows, Section, Topic};
use crate::{
    entry::Entry,
    limits::{MAX_OWED, REVIEWED_GRANTS},
    text::number,
    time,
};

/// Grants that began, until their incident is over; then until they are answered for.
#[derive(Default)]
pub(super) struct Reviews {
    /// Of incidents that are open: what began first, with its entry, and how many began later.
    begun: BTreeMap<String, (Vec<Owed>, u64)>,
    /// Of incidents that are over, in the order of their numbers.
    owed: BTreeMap<(u64, String), (Owed, u64, String)>,
    closed: u64,
    /// Grants that began when so many had begun that nobody can answer for them.
    beyond: u64,
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
        // Of a drill nothing is owed.
        if entry.is_drill() {
            return;
        }
        let text = |name| entry.text(name).unwrap_or_default().to_owned();
        match entry.kind.as_str() {
            "grant.started" => {
                let owed = Owed {
                    grant: text("grant"),
                    person: text("person"),
                    right: text("right"),
                    index: entry.index,
                };
                let (begun, beyond) = self.begun.entry(text("incident")).or_default();
                match begun.len() < REVIEWED_GRANTS {
                    true => begun.push(owed),
                    false => *beyond += 1,
                }
            }
            "incident.closed" => self.close(entry, is_within),
            "review.answered" => {
                let was_owed = self.owed.remove(&place(text("grant"))).is_some();
                self.answered += u64::from(was_owed);
            }
            _ => {}
        }
    }

    fn close(&mut self, entry: &Entry, is_within: bool) {
        let incident = entry.text("incident").unwrap_or_default();
        let (begun, beyond) = self.begun.remove(incident).unwrap_or_default();
        if !is_within {
            return;
        }
        self.closed += 1;
        self.due += begun.len() as u64;
        self.beyond += beyond;
        for owed in begun {
            if self.owed.len() < MAX_OWED {
                let of = (owed.clone(), entry.index, time::rfc3339(entry.at));
                self.owed.insert(place(owed.grant), of);
            }
        }
    }

    pub(super) fn section(self) -> Section {
        let is_all = self.due - self.answered == self.owed.len() as u64;
        let open = match is_all {
            true => format!("{}", self.owed.len()),
            false => format!("at least {}", self.owed.len()),
        };
        let beyond = match self.beyond {
            0 => String::new(),
            beyond => format!(
                " Beyond the first {REVIEWED_GRANTS} of an incident, for which nobody is asked: {beyond}."
            ),
        };
        let answer = format!(
            "Incidents that closed: {}. Grants that had begun under them: {}; answered for: {}; open: {open}.{beyond}",
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

fn place(grant: String) -> (u64, String) {
    (number(&grant), grant)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn entry(kind: &str, body: Value) -> Entry {
        let mut entry = json!({"v": 1, "index": 9, "kind": kind, "by": "mia",
            "at": "2026-11-23T03:00:00.000Z"});
        let fields = entry.as_object_mut().unwrap();
        fields.extend(body.as_object().unwrap().clone());
        Entry::parse(entry.to_string().as_bytes()).unwrap()
    }

    /// What is reported of one incident with so many grants, the last of them first.
    fn reported(grants: usize, more: &Value) -> Section {
        let mut reviews = Reviews::default();
        let with = |mut body: Value| {
            let fields = body.as_object_mut().unwrap();
            fields.extend(more.as_object().unwrap().clone());
            body
        };
        for number in (1..=grants).rev() {
            let started = json!({"grant": format!("G-{number}"), "incident": "INC-1",
                "person": "mia", "right": "deploy-shop"});
            reviews.take(&entry("grant.started", with(started)), true);
        }
        let closed = with(json!({"incident": "INC-1", "reason": "over"}));
        reviews.take(&entry("incident.closed", closed), true);
        reviews.section()
    }

    #[test]
    fn what_is_open_stands_in_the_order_of_its_numbers() {
        let section = reported(11, &json!({}));
        let grants: Vec<_> = section.rows.iter().map(|row| &*row.cells[0]).collect();
        assert_eq!((grants[0], grants[1], grants[9]), ("G-1", "G-2", "G-10"));
        assert!(section.answer[0].ends_with("open: 11."), "{section:#?}");
    }

    #[test]
    fn a_drill_is_no_open_review() {
        let section = reported(3, &json!({"drill": true}));
        assert_eq!(section.rows, []);
        assert!(
            section.answer[0].starts_with("Incidents that closed: 0."),
            "{section:#?}"
        );
    }

    #[test]
    fn what_nobody_can_answer_for_is_not_open() {
        let section = reported(103, &json!({}));
        let told = &section.answer[0];
        assert!(
            told.contains("under them: 100; answered for: 0; open: 100."),
            "{told}"
        );
        assert!(told.ends_with("for which nobody is asked: 3."), "{told}");
    }
}
