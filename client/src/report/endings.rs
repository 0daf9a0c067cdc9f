//! Did access end when it had to, and how long after?

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{
    Span,
    lives::{Life, at, length},
    section::{Rows, Section, Topic},
};
use crate::limits::SLOWEST;

/// The slowest endings, and everything nobody knows the end of.
#[derive(Default)]
pub(super) struct Endings {
    by_ending: BTreeMap<String, u64>,
    slowest: BTreeMap<(SignedDuration, String), Life>,
    unknown: Vec<Life>,
    unknown_more: u64,
    late: u64,
    outlived: u64,
    longest_outlived: SignedDuration,
}

impl Endings {
    pub(super) fn meet(&mut self, life: &Life, span: Span) {
        if !life.ended_within(span) || life.began.is_none() {
            return;
        }
        *self.by_ending.entry(life.ending.clone()).or_default() += 1;
        if let Some(outlived) = outlived(life) {
            self.outlived += 1;
            self.longest_outlived = self.longest_outlived.max(outlived);
        }
        if !life.left.is_empty() {
            match self.unknown.len() < SLOWEST {
                true => self.unknown.push(life.clone()),
                false => self.unknown_more += 1,
            }
            return;
        }
        let took = delay(life);
        self.late += u64::from(took > SignedDuration::from_secs(1));
        self.slowest
            .insert((took, life.grant.clone()), life.clone());
        if self.slowest.len() > SLOWEST {
            self.slowest.pop_first();
        }
    }

    pub(super) fn section(self) -> Section {
        let count: u64 = self.by_ending.values().sum();
        let endings = self.by_ending.iter();
        let endings: Vec<_> = endings
            .map(|(ending, count)| format!("{ending} {count}"))
            .collect();
        let longest = self.slowest.last_key_value();
        let longest = longest.map_or(SignedDuration::ZERO, |((took, _), _)| *took);
        let unknown = self.unknown.len() as u64 + self.unknown_more;
        let mut answer = vec![format!(
            "Grants that had begun and ended: {count}{}. Each ending is an entry. From when access had to be over until \
             it was over at every target: at most {}; longer than a second: {}.",
            if endings.is_empty() {
                String::new()
            } else {
                format!(" ({})", endings.join(", "))
            },
            length(longest),
            self.late
        )];
        if unknown > 0 {
            answer.push(format!(
                "Grants of which something is left at a target, and no entry says that it is over: {unknown}."
            ));
        }
        if self.outlived > 0 {
            answer.push(format!(
                "Grants of which a copy of a credential could still be taken, by who checks nothing else: {}; at most \
                 {} longer.",
                self.outlived,
                length(self.longest_outlived)
            ));
        }
        let mut rows = Rows::default();
        for life in &self.unknown {
            rows.push(row(life, format!("not known: {}", life.left.join(" "))));
        }
        for ((took, _), life) in self.slowest.iter().rev() {
            rows.push(row(life, length(*took)));
        }
        rows.more = count - rows.kept.len() as u64;
        Section::new(
            Topic::Endings,
            "Did access end when it had to, and how long after?",
            answer,
            &[
                "grant",
                "person",
                "right",
                "how",
                "by",
                "had to end",
                "ended",
                "over at every target after",
                "a copy could be taken until",
            ],
            rows,
        )
    }
}

fn row(life: &Life, took: String) -> super::Row {
    let due = life.last_end.map_or_else(String::new, crate::time::rfc3339);
    let by = life
        .ended
        .as_ref()
        .map_or_else(String::new, |it| it.by.clone());
    life.row([
        life.grant.clone(),
        life.person.clone(),
        life.right.clone(),
        life.ending.clone(),
        by,
        due,
        at(life.ended.as_ref()),
        took,
        life.outlived_until()
            .map_or_else(String::new, crate::time::rfc3339),
    ])
}

/// From when it had to be over until nothing was left of it.
fn delay(life: &Life) -> SignedDuration {
    let recorded = life.recorded_late().unwrap_or(SignedDuration::ZERO);
    recorded.max(SignedDuration::ZERO) + life.cut_late().unwrap_or(SignedDuration::ZERO)
}

/// For how long a copy of its credential could be taken after it had ended.
fn outlived(life: &Life) -> Option<SignedDuration> {
    let (ended, until) = (life.ended.as_ref()?.at, life.outlived_until()?);
    Some(until.duration_since(ended))
}
