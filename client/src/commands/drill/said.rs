//! What is said of a drill: each step as it is taken, and how it went.

use breakglass_proto::v1;
use serde_json::json;

use super::{
    pace::{Taken, shown},
    walk::Walked,
};
use crate::{commands::Seat, error::Error, text::plain};

/// That it is open, and for what.
pub(super) fn opened(seat: &Seat, opened: &v1::Incident, right: &v1::Verdict) {
    seat.printer.note(format!(
        "DRILL {}: nothing is broken. It is walked to {}",
        opened.id,
        plain(&right.sentence)
    ));
}

/// One step.
pub(super) fn step(seat: &Seat, taken: &Taken) {
    let (took, budget) = (shown(taken.took_ms), shown(taken.budget_ms));
    let line = format!("DRILL {:<11}{took} of {budget}", taken.step);
    match taken.is_slow() {
        false => seat.printer.note(line),
        true => seat.printer.warn(format!("{line}: SLOW")),
    }
}

/// What failed.
pub(super) fn failed(seat: &Seat, why: &str) {
    seat.printer.warn(format!("DRILL failed: {why}"));
}

/// That it could not be closed, and how it is.
pub(super) fn still_open(seat: &Seat, incident: &str) {
    seat.printer.warn(format!(
        "{incident} is still open: glass incident close {incident} -m \"the drill is over\""
    ));
}

/// That nobody will find it in the ledger how it went.
pub(super) fn not_recorded(seat: &Seat, incident: &str, why: &Error) {
    seat.printer
        .warn(format!("how {incident} went is not on record: {why}"));
}

/// How it went.
pub(super) fn outcome(seat: &Seat, walked: &Walked) {
    let Walked {
        incident,
        right,
        good,
        failed,
        steps,
        kills,
        recorded,
        ..
    } = walked;
    let view = json!({
        "incident": incident,
        "right": right,
        "good": good,
        "failed": failed,
        "steps": steps,
        "kills": kills,
        "recorded": recorded,
    });
    seat.printer.answer(&view, |printer| {
        let took = shown(steps.iter().map(|step| step.took_ms).sum());
        match failed {
            None => printer.good(format!(
                "DRILL {incident} was good: {} steps in {took}.",
                steps.len()
            )),
            Some(why) => printer.bad(format!("DRILL {incident} was NOT GOOD: {why}")),
        }
        let row = |step: &Taken| {
            vec![
                step.step.to_owned(),
                shown(step.took_ms),
                shown(step.budget_ms),
                if step.is_slow() { "SLOW" } else { "" }.to_owned(),
            ]
        };
        let rows: Vec<_> = steps.iter().map(row).collect();
        printer.table(&["STEP", "TOOK", "BUDGET", ""], &rows);
        for kill in kills {
            printer.line(format!("  {}", kill.sentence()));
        }
        if let Some(index) = recorded {
            printer.aside(format!(
                "How it went stands in the ledger: glass ledger show {index}"
            ));
        }
    });
}
