//! What is answered afterwards: once, for a grant that began, when its incident is over. And what is
//! owed: while answers are late, nothing begins without a yes, but under a `sev1`.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::{bounds::later, policies::Policies};
use crate::{
    entry::Entry,
    limits::{REVIEWED_GRANTS, REVIEWED_INCIDENTS},
};

/// Grants that began and are not answered for, and what of them counts.
#[derive(Default)]
pub(super) struct Reviews {
    /// Each with the person, right and incident it is of.
    begun: HashMap<String, [String; 3]>,
    /// The first of them under each open incident.
    under: HashMap<String, BTreeSet<String>>,
    /// The newest closed incidents that owe answers: when each closed, and of which grants.
    owed: HashMap<String, (Timestamp, BTreeSet<String>)>,
    /// Since when the policy has asked for answers without a pause.
    asked_since: Option<Timestamp>,
    /// Where the part of a ledger begins that is checked: what is owed from before it is not known as a
    /// whole, so it does not count.
    counts_from: u64,
}

impl Reviews {
    /// What is owed counts from this entry on.
    pub(super) fn count_from(&mut self, index: u64) {
        self.counts_from = index;
    }

    /// A grant that begins on the fast path does so while no answer is late; `severity` is that of its
    /// incident.
    pub(super) fn need_paid(
        &self,
        entry: &Entry,
        severity: Option<&str>,
        policies: &Policies,
    ) -> Result<(), String> {
        let on_fast_path =
            entry.kind == "grant.started" && entry.text("basis") == Some("fast-path");
        let (Some(within), Some(since)) = (policies.review_within(), self.asked_since) else {
            return Ok(());
        };
        let is_before = entry.index < self.counts_from;
        if is_before || !on_fast_path || severity == Some("sev1") {
            return Ok(());
        }
        let is_late = |closed_at: Timestamp| later(closed_at.max(since), within) <= entry.at;
        let late = self.owed.iter().filter(|(_, (at, _))| is_late(*at));
        match late.min_by_key(|(id, _)| in_order(id)) {
            None => Ok(()),
            Some((incident, _)) => Err(format!(
                "{} began without a yes while answers about {incident} were late",
                entry.text("grant").unwrap_or_default()
            )),
        }
    }

    /// Checks and folds; `is_open` says whether an incident is.
    pub(super) fn take(
        &mut self,
        entry: &Entry,
        is_open: impl Fn(&str) -> bool,
        policies: &Policies,
    ) -> Result<(), String> {
        let text = |name| entry.text(name).unwrap_or_default().to_owned();
        let (id, of) = (text("grant"), ["person", "right", "incident"].map(text));
        match entry.kind.as_str() {
            "policy.loaded" => {
                let since = self.asked_since.unwrap_or(entry.at);
                self.asked_since = policies.review_within().map(|_| since);
                Ok(())
            }
            "incident.closed" => {
                self.close(&of[2], entry);
                Ok(())
            }
            // Nothing was broken in a drill, so nobody is asked about it.
            "grant.started" if entry.is_drill() => Ok(()),
            "grant.started" => {
                let under = self.under.entry(of[2].clone()).or_default();
                if under.len() < REVIEWED_GRANTS {
                    under.insert(id.clone());
                }
                self.begun.insert(id, of);
                Ok(())
            }
            "review.answered" if is_open(&of[2]) => {
                Err(format!("{id} is reviewed, and {} is open", of[2]))
            }
            "review.answered" => match self.begun.remove(&id) {
                Some(begun) if begun == of => {
                    self.pay(&of[2], &id);
                    Ok(())
                }
                Some(_) => Err(format!(
                    "{id} is reviewed as somebody else's, or as of something else"
                )),
                None => Err(format!(
                    "{id} is reviewed, and it never began or was reviewed before"
                )),
            },
            _ => Ok(()),
        }
    }

    fn close(&mut self, incident: &str, entry: &Entry) {
        let Some(grants) = self.under.remove(incident) else {
            return;
        };
        if entry.index < self.counts_from {
            return;
        }
        self.owed.insert(incident.to_owned(), (entry.at, grants));
        if self.owed.len() > REVIEWED_INCIDENTS {
            let of = |(id, (at, _)): &(&String, &(Timestamp, BTreeSet<String>))| {
                let (length, id) = in_order(id);
                (*at, length, id.to_owned())
            };
            let oldest = self.owed.iter().min_by_key(of).map(|(id, _)| id.clone());
            oldest.and_then(|id| self.owed.remove(&id));
        }
    }

    fn pay(&mut self, incident: &str, grant: &str) {
        let Some((_, grants)) = self.owed.get_mut(incident) else {
            return;
        };
        grants.remove(grant);
        if grants.is_empty() {
            self.owed.remove(incident);
        }
    }
}

/// `INC-9` before `INC-10`.
fn in_order(id: &str) -> (usize, &str) {
    (id.len(), id)
}
