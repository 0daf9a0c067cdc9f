//! Drills: what belongs to one says so and nothing else does, and how each went is recorded once, by who
//! walked it, when it is over.

use std::collections::HashMap;

use serde_json::Value;

use super::{policies::Policies, targets::Targets};
use crate::entry::Entry;

/// How old a drill gets at most, in milliseconds, whatever the policy says of incidents.
const LONGEST: i64 = 3_600_000;

/// What nothing is worse than: nothing is broken.
const SEVERITY: &str = "sev3";

/// Every drill there was.
#[derive(Default)]
pub(super) struct Drills(HashMap<String, Drill>);

struct Drill {
    by: String,
    issued: bool,
    recorded: bool,
}

/// What is known beside when a drill is recorded.
pub(super) struct Around<'a> {
    pub(super) policies: &'a Policies,
    /// Whether it is still open.
    pub(super) is_open: bool,
    pub(super) targets: &'a Targets,
}

impl Drills {
    /// An entry is marked where it belongs to a drill, and nowhere else.
    pub(super) fn check_mark(&self, entry: &Entry) -> Result<(), String> {
        let incident = entry.text("incident").unwrap_or_default();
        let opens = entry.kind == "incident.opened";
        let is_drill = self.0.contains_key(incident);
        if entry.kind == "drill.recorded" && !entry.is_drill() && !is_drill {
            return Err(format!("{} of {incident}, which is no drill", entry.kind));
        }
        match (entry.is_drill(), is_drill) {
            // Whether it is one is said by what was signed.
            (_, false) if opens => Ok(()),
            (false, true) => Err(format!(
                "{} of {incident}, which is a drill, is not marked as one",
                entry.kind
            )),
            (true, false) => Err(format!(
                "{} is marked as of a drill, and belongs to none",
                entry.kind
            )),
            _ => Ok(()),
        }
    }

    /// Who opened a drill closes it, whatever duties they have.
    pub(super) fn is_walked_by(&self, incident: &str, person: &str) -> bool {
        let drill = self.0.get(incident);
        drill.is_some_and(|drill| drill.by == person)
    }

    /// The longest an incident that is opened may last, in milliseconds.
    pub(super) fn longest(entry: &Entry, policies: &Policies) -> i64 {
        let longest = policies.incident_longest();
        match entry.is_drill() {
            true => longest.min(LONGEST),
            false => longest,
        }
    }

    /// Checks and folds.
    pub(super) fn take(&mut self, entry: &Entry, around: &Around<'_>) -> Result<(), String> {
        if !entry.is_drill() {
            return Ok(());
        }
        let id = entry.text("incident").unwrap_or_default();
        match entry.kind.as_str() {
            "incident.opened" => self.begin(entry, id, around.policies),
            "credential.issued" => {
                if let Some(drill) = self.0.get_mut(id) {
                    drill.issued = true;
                }
                Ok(())
            }
            "drill.recorded" => self.record(entry, id, around),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, entry: &Entry, id: &str, policies: &Policies) -> Result<(), String> {
        if policies.drill_budgets().is_none() {
            return Err(format!("{id} is a drill, and the policy in force has none"));
        }
        if entry.text("severity") != Some(SEVERITY) {
            return Err(format!("{id} is a drill, and not a {SEVERITY}"));
        }
        let drill = Drill {
            by: entry.by.clone(),
            issued: false,
            recorded: false,
        };
        self.0.insert(id.to_owned(), drill);
        Ok(())
    }

    fn record(&mut self, entry: &Entry, id: &str, around: &Around<'_>) -> Result<(), String> {
        let drill = self.0.get_mut(id);
        let drill = drill.ok_or_else(|| format!("{id} is recorded, and is no drill"))?;
        if drill.by != entry.by {
            let (by, walked_by) = (&entry.by, &drill.by);
            return Err(format!(
                "{id} is recorded by {by}, and was walked by {walked_by}"
            ));
        }
        if around.is_open {
            return Err(format!("{id} is recorded, and is still open"));
        }
        if drill.recorded {
            return Err(format!("{id} is recorded a second time"));
        }
        drill.recorded = true;
        let steps = read_steps(entry);
        need_order(id, &steps, around.policies)?;
        match (entry.body["good"] == true, entry.text("failed")) {
            (true, None) => need_good(id, &steps, drill.issued, around),
            (false, Some(_)) => Ok(()),
            (true, Some(_)) => Err(format!("{id} is recorded as good, and something failed")),
            (false, None) => Err(format!("{id} is recorded as not good, and nothing failed")),
        }
    }
}

/// One step of an entry: its name, how long it took, and how long it may take.
type Timed<'a> = (&'a str, i64, i64);

fn read_steps(entry: &Entry) -> Vec<Timed<'_>> {
    let steps = entry.body.get("steps").and_then(Value::as_array);
    let steps = steps.into_iter().flatten();
    let read = steps.map(|step| {
        let number = |name: &str| step[name].as_i64().unwrap_or(i64::MAX);
        let name = step["step"].as_str().unwrap_or_default();
        (name, number("took_ms"), number("budget_ms"))
    });
    read.collect()
}

/// As a statement has them: `open 14/5000, ask 21/5000`.
pub(super) fn steps_line(entry: &Entry) -> String {
    let steps = read_steps(entry);
    let steps = steps.iter();
    let each = steps.map(|(name, took, budget)| format!("{name} {took}/{budget}"));
    each.collect::<Vec<_>>().join(", ")
}

fn need_order(id: &str, steps: &[Timed<'_>], policies: &Policies) -> Result<(), String> {
    let mut known = policies.drill_steps().into_iter();
    match steps.iter().find(|(name, ..)| !known.any(|it| it == *name)) {
        None => Ok(()),
        Some((name, ..)) => Err(format!(
            "{id} is recorded with the step `{name}` where it does not belong"
        )),
    }
}

fn need_good(
    id: &str,
    steps: &[Timed<'_>],
    issued: bool,
    around: &Around<'_>,
) -> Result<(), String> {
    let budgets = around.policies.drill_budgets();
    let budgets =
        budgets.ok_or_else(|| format!("{id} is recorded as good, and the policy has no drills"))?;
    for (step, budget) in &budgets {
        let taken = steps.iter().find(|(name, ..)| name == step);
        match taken {
            Some((_, took, said)) if said == budget && took <= budget => {}
            Some((_, took, said)) => {
                return Err(format!(
                    "{id} is recorded as good, and `{step}` took {took} of {said} ms, where the \
                     policy gives {budget}"
                ));
            }
            None => {
                return Err(format!(
                    "{id} is recorded as good, and `{step}` was not walked"
                ));
            }
        }
    }
    if !issued {
        return Err(format!(
            "{id} is recorded as good, and no credential was issued"
        ));
    }
    match around.targets.left_under(id) {
        None => Ok(()),
        Some(left) => Err(format!("{id} is recorded as good, and {left} is not over")),
    }
}
