//! A question, its answer, and the entries the answer stands on.

use serde::Serialize;

use crate::limits::MAX_FINDINGS;

/// The questions, by the word that picks one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// Is the population complete?
    Population,
    /// Twenty-five grants from asking to ending.
    Sample,
    /// Did access end when it had to?
    Endings,
    /// What was tried and refused?
    Refused,
    /// Did people approve who have left since?
    Approvals,
    /// Which grants were long?
    Lengths,
    /// Who changed policies, people and keys?
    Changes,
    /// When did recording fail?
    Trouble,
    /// What was practised?
    Drills,
    /// Which reviews are open?
    Reviews,
}

/// One question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Which.
    pub topic: Topic,
    /// The question.
    pub question: &'static str,
    /// The answer in sentences.
    pub answer: Vec<String>,
    /// What the cells of a row are called.
    pub columns: &'static [&'static str],
    /// What it stands on.
    pub rows: Vec<Row>,
    /// How many rows more there are.
    pub more: u64,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The entries it stands on, the first of them first.
    pub entries: Vec<u64>,
    /// One for each column; words people typed are not escaped yet.
    pub cells: Vec<String>,
}

impl Row {
    pub(super) fn new<const N: usize>(entries: Vec<u64>, cells: [String; N]) -> Self {
        Self {
            entries,
            cells: cells.into(),
        }
    }

    /// Its entries, for people.
    pub(super) fn places(&self) -> String {
        let places: Vec<_> = self.entries.iter().map(u64::to_string).collect();
        places.join(" ")
    }
}

/// Rows up to a limit, and how many more there were.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    pub(super) kept: Vec<Row>,
    pub(super) more: u64,
}

impl Rows {
    pub(super) fn push(&mut self, row: Row) {
        match self.kept.len() < MAX_FINDINGS {
            true => self.kept.push(row),
            false => self.more += 1,
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.kept.len() as u64 + self.more
    }
}

impl Section {
    pub(super) fn new(
        topic: Topic,
        question: &'static str,
        answer: Vec<String>,
        columns: &'static [&'static str],
        rows: Rows,
    ) -> Self {
        Self {
            topic,
            question,
            answer,
            columns,
            rows: rows.kept,
            more: rows.more,
        }
    }
}
