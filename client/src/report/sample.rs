//! Twenty-five grants, chosen so that nobody could choose them.

use std::collections::BTreeMap;

use breakglass_tlog::Hash;
use ring::digest::{SHA256, digest};

use super::{
    Span,
    lives::{Life, at},
    section::{Rows, Section, Topic},
};
use crate::limits::SAMPLE_SIZE;

/// The grants with the smallest hashes so far.
pub(super) struct Sample {
    seed: Hash,
    chosen: BTreeMap<[u8; 32], Life>,
    population: u64,
}

impl Sample {
    /// Whoever has the same export draws the same sample, and whoever wrote the ledger could not know it
    /// before its last entry was written.
    pub(super) fn seeded(seed: Hash) -> Self {
        Self {
            seed,
            chosen: BTreeMap::new(),
            population: 0,
        }
    }

    pub(super) fn meet(&mut self, life: &Life, span: Span) {
        if !life.began_within(span) {
            return;
        }
        self.population += 1;
        let seeded = [self.seed.as_bytes().as_slice(), life.grant.as_bytes()].concat();
        let mut place = [0; 32];
        place.copy_from_slice(digest(&SHA256, &seeded).as_ref());
        self.chosen.insert(place, life.clone());
        if self.chosen.len() > SAMPLE_SIZE {
            self.chosen.pop_last();
        }
    }

    pub(super) fn section(self) -> Section {
        let mut rows = Rows::default();
        let count = self.chosen.len();
        for life in self.chosen.into_values() {
            let agreed: Vec<_> = life.agreed.iter().map(|word| word.by.as_str()).collect();
            let ending = match &life.ended {
                Some(ended) => format!("{} by {}", life.ending, ended.by),
                None => "not over".to_owned(),
            };
            rows.push(
                life.row([
                    life.grant.clone(),
                    life.person.clone(),
                    life.right.clone(),
                    life.incident.clone(),
                    life.reason.clone(),
                    format!("{} {}", life.basis, agreed.join(" "))
                        .trim_end()
                        .to_owned(),
                    at(life.began.as_ref()),
                    at(life.ended.as_ref()),
                    ending,
                ]),
            );
        }
        let answer = format!(
            "Grants: {count} of the {} that began. Drawn by the ledger itself: of each grant the SHA-256 of the \
             root's 32 bytes ({}) and its id, and the {SAMPLE_SIZE} smallest, in their order. Whoever has the \
             same export draws the same.",
            self.population, self.seed
        );
        Section::new(
            Topic::Sample,
            "Twenty-five grants from asking to ending: who asked, who agreed, how did it end?",
            vec![answer],
            &[
                "grant",
                "person",
                "right",
                "incident",
                "reason",
                "on whose word",
                "began",
                "ended",
                "how",
            ],
            rows,
        )
    }
}
