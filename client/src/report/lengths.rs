//! Which grants were long?

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{
    Row, Span,
    lives::{Life, at, length},
    section::{Rows, Section, Topic},
};
use crate::{limits::SLOWEST, time};

/// Those that lasted beyond what was asked for or allowed, and the longest.
#[derive(Default)]
pub(super) struct Lengths {
    findings: Rows,
    longest: BTreeMap<(SignedDuration, String), Life>,
    extended: u64,
    over: u64,
    alone: u64,
}

impl Lengths {
    pub(super) fn meet(&mut self, life: &Life, span: Span) {
        if !life.began_within(span) {
            return;
        }
        let lasted = life.lasted();
        let asked = SignedDuration::from_millis(life.length_ms);
        let is_extended = !life.extended.is_empty();
        let is_over = lasted.is_some_and(|lasted| lasted > asked + SignedDuration::from_secs(1));
        let is_alone = life.basis == "self-granted";
        self.extended += u64::from(is_extended);
        self.over += u64::from(is_over);
        self.alone += u64::from(is_alone);
        let why = [
            (is_extended, "extended"),
            (is_over, "longer than asked for"),
            (is_alone, "nobody agreed"),
        ];
        let why: Vec<_> = why
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, why)| *why)
            .collect();
        if !why.is_empty() {
            self.findings.push(row(life, &why.join(", ")));
        } else if let Some(lasted) = lasted {
            self.longest
                .insert((lasted, life.grant.clone()), life.clone());
            if self.longest.len() > SLOWEST {
                self.longest.pop_first();
            }
        }
    }

    pub(super) fn section(self) -> Section {
        let answer = format!(
            "Extended: {}. Longer than was asked for: {}. Begun without anybody's yes: {}. The longest of \
             the others follow. None lasted longer than its rule allows: such an entry would not have verified.",
            self.extended, self.over, self.alone
        );
        let mut rows = self.findings;
        for life in self.longest.values().rev() {
            rows.push(row(life, "among the longest"));
        }
        Section::new(
            Topic::Lengths,
            "Which grants were long?",
            vec![answer],
            &[
                "grant",
                "person",
                "right",
                "why it is here",
                "asked for",
                "lasted",
                "began",
                "ended",
                "extended by",
            ],
            rows,
        )
    }
}

fn row(life: &Life, why: &str) -> Row {
    let extended: Vec<_> = life.extended.iter().map(|word| word.by.as_str()).collect();
    life.row([
        life.grant.clone(),
        life.person.clone(),
        life.right.clone(),
        why.to_owned(),
        time::short(SignedDuration::from_millis(life.length_ms)),
        life.lasted().map_or_else(|| "not over".to_owned(), length),
        at(life.began.as_ref()),
        at(life.ended.as_ref()),
        extended.join(" "),
    ])
}
