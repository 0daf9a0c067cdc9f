//! What is owed about incidents that are over, and what does not begin meanwhile.

use breakglass_domain::{Act, Refusal};
use serde_json::json;

use crate::forgery::{each_is_found, forgeries};
use crate::house::{House, line};
use crate::night::{Night, POLICY};
use crate::reviews::answers;
use crate::steps::{about_incident, asks};

const HOUR: i64 = 3_600_000;

fn asking() -> String {
    format!("{POLICY}[review]\ndays = 1\n")
}

impl Night {
    /// Mia begins at once under another incident, which can wait.
    fn begins_at_once_under_another(&mut self) {
        self.opens("mia", "INC-2");
        let of = self.asks_under("INC-2", ("G-2", "restart"), json!({}));
        self.begins_at_once(&of, json!({}));
    }
}

impl House {
    /// Mia restarts under an incident of hers, which is closed then.
    pub(crate) fn has_a_night(&mut self) {
        about_incident(self, "mia", 0, 7).unwrap();
        asks(self, "mia", 0, 10).unwrap();
        about_incident(self, "mia", 0, 8).unwrap();
    }
}

#[test]
fn nothing_begins_without_a_yes_while_answers_are_late() {
    each_is_found(forgeries! {
        "a fast path a day after", |night| {
            night.loads(&asking());
            let of = night.approved("G-1");
            night.closes("leon", &[&of]);
            night.minutes_pass(24 * 60);
            night.begins_at_once_under_another();
        } => "G-2 began without a yes while answers about INC-1 were late", "answers about INC-1 are late";
        "a policy that asks again, and asked before", |night| {
            night.loads(&asking());
            let of = night.approved("G-1");
            night.closes("leon", &[&of]);
            night.minutes_pass(24 * 60);
            night.loads(&asking().replace("\"Mia\"", "\"Mia M.\""));
            night.begins_at_once_under_another();
        } => "G-2 began without a yes while answers about INC-1 were late", "answers about INC-1 are late";
        "a debt from before the policy asked", |night| {
            let of = night.approved("G-1");
            night.closes("leon", &[&of]);
            night.loads(&asking());
            night.minutes_pass(24 * 60);
            night.begins_at_once_under_another();
        } => "G-2 began without a yes while answers about INC-1 were late", "answers about INC-1 are late";
    });
}

#[test]
fn a_sev1_and_an_approver_wait_for_nothing_and_an_answer_pays() {
    let mut house = House::burning();
    house.loads(&asking());
    house.has_a_night();
    house.passes(25 * HOUR);
    about_incident(&mut house, "mia", 0, 7).unwrap();
    let late = asks(&mut house, "mia", 0, 10).unwrap_err();
    assert!(matches!(late, Refusal::ReviewDebt { .. }), "{late}");
    asks(&mut house, "mia", 1, 10).expect("somebody has to say yes to it");
    let worst = Act::Fire {
        key: line("queue"),
        title: line("the queue is full"),
        words: vec![line("page")],
        delivery: None,
    };
    house.source_says("pager", worst).unwrap();
    asks(&mut house, "mia", 0, 12).expect("under a sev1");
    answers(&mut house, "eve", 1).unwrap();
    asks(&mut house, "mia", 0, 10).expect("nothing is owed");
    house.is_whole();
}

#[test]
fn old_debts_count_from_when_the_policy_asks_and_not_while_it_does_not() {
    let mut house = House::burning();
    house.has_a_night();
    house.passes(100 * HOUR);
    house.loads(&asking());
    about_incident(&mut house, "mia", 0, 7).unwrap();
    asks(&mut house, "mia", 0, 10).expect("a day from now");
    house.passes(25 * HOUR);
    house.loads(POLICY);
    about_incident(&mut house, "mia", 0, 7).unwrap();
    asks(&mut house, "mia", 0, 10).expect("nobody asks");
    house.loads(&asking());
    asks(&mut house, "mia", 0, 10).expect("a day from now");
    house.is_whole();
}

/// As many as the broker counts: what falls out is owed no more.
#[test]
fn the_oldest_of_many_debts_falls_out() {
    let mut house = House::burning();
    house.loads(&asking().replace("days = 1", "days = 9"));
    for _ in 0..202 {
        house.has_a_night();
        house.passes(HOUR);
    }
    house.passes(9 * 24 * HOUR);
    about_incident(&mut house, "mia", 0, 7).unwrap();
    let mut answered = 0;
    while let Err(refusal) = asks(&mut house, "mia", 0, 10) {
        assert!(matches!(refusal, Refusal::ReviewDebt { .. }), "{refusal}");
        answers(&mut house, "eve", 1).unwrap();
        answered += 1;
    }
    assert_eq!(answered, 200, "the first two are owed no more");
    house.is_whole();
}
