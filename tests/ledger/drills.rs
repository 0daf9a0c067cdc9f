//! Drills: what belongs to one is marked and nothing else is; one unlocks little; how it went is said once,
//! by who walked it.

use breakglass_domain::drill::{Outcome, Recent, Step, StepTime};
use breakglass_domain::{Act, Lifetime, Refusal};
use breakglass_proto::statement::Act as Said;
use serde_json::{Value, json};

use crate::forgery::{each_is_found, forgeries};
use crate::house::{House, line};
use crate::night::{Night, POLICY, with};
use crate::verifiers::verify;

/// How long each step may take by the policy of the night, in milliseconds.
const BUDGETS: [(&str, i64); 9] = [
    ("open", 5_000),
    ("ask", 5_000),
    ("approve", 120_000),
    ("credential", 5_000),
    ("use", 60_000),
    ("close", 5_000),
    ("kill", 10_000),
    ("ended", 5_000),
    ("verify", 30_000),
];

impl Night {
    /// Somebody opens the drill `INC-2`, with some fields of the entry otherwise.
    fn opens_drill_but(&mut self, who: &str, but: Value) {
        let act = Said::OpenDrill {
            title: "the monthly one".into(),
        };
        let body = json!({"incident": "INC-2", "severity": "sev3", "title": "the monthly one",
            "closes_at": self.minutes(60), "drill": true});
        self.does(who, act, "incident.opened", with(body, but));
    }

    /// Mia opens it.
    fn opens_drill(&mut self) {
        self.opens_drill_but("mia", json!({}));
    }

    /// Mia asks under it; the grant, marked.
    fn asks_in_drill(&mut self, grant: &str, right: &str) -> Value {
        self.asks_in_drill_but(grant, right, json!({}))
    }

    fn asks_in_drill_but(&mut self, grant: &str, right: &str, but: Value) -> Value {
        let body = json!({"drill": true, "lapses_at": self.minutes(30)});
        let of = self.asks_under("INC-2", (grant, right), with(body, but));
        with(of, json!({"drill": true}))
    }

    /// A drill with a credential, until it is to be closed.
    pub(crate) fn walks(&mut self) -> Value {
        self.opens_drill();
        let of = self.asks_in_drill("G-1", "restart");
        self.begins_at_once(&of, json!({}));
        self.issues(&of);
        of
    }

    /// Somebody closes it, with what lives under it.
    fn closes_drill(&mut self, who: &str, under: Option<&Value>) {
        let act = Said::CloseIncident {
            incident: "INC-2".into(),
            reason: "over".into(),
        };
        let closed = json!({"incident": "INC-2", "reason": "over", "drill": true});
        let ended = json!({"ending": "incident-closed", "reason": "over"});
        match under {
            None => self.does(who, act, "incident.closed", closed),
            Some(of) => {
                self.does(who, act, "grant.ended", with(of.clone(), ended));
                self.follows("incident.closed", who, closed);
            }
        }
    }

    /// The whole of one, closed by Mia.
    fn is_walked(&mut self) {
        let of = self.walks();
        self.closes_drill("mia", Some(&of));
    }

    /// Somebody says how it went, with what they sign and some fields of the entry.
    fn records(&mut self, who: &str, (good, failed): (bool, &str), steps: &[Timed], but: Value) {
        let each = steps
            .iter()
            .map(|(step, took, of)| format!("{step} {took}/{of}"));
        let act = Said::RecordDrill {
            incident: "INC-2".into(),
            good,
            steps: each.collect::<Vec<_>>().join(", "),
            failed: failed.into(),
        };
        let written = steps
            .iter()
            .map(|(step, took, of)| json!({"step": step, "took_ms": took, "budget_ms": of}));
        let mut body = json!({"incident": "INC-2", "good": good,
            "steps": written.collect::<Vec<_>>(), "drill": true});
        if !failed.is_empty() {
            body["failed"] = json!(failed);
        }
        self.does(who, act, "drill.recorded", with(body, but));
    }

    /// Mia says that it was good.
    fn was_good(&mut self) {
        self.records("mia", (true, ""), &good(), json!({}));
    }
}

/// A step, how long it took, and how long it may take.
type Timed = (&'static str, i64, i64);

fn good() -> Vec<Timed> {
    let each = BUDGETS.iter();
    each.map(|(step, budget)| (*step, 14, *budget)).collect()
}

fn slow(step: usize, took: i64, budget: i64) -> Vec<Timed> {
    let mut steps = good();
    (steps[step].1, steps[step].2) = (took, budget);
    steps
}

/// Somebody says how a drill went that can be recorded, or any, in one of several ways.
pub(crate) fn records(house: &mut House, much: u8) -> Result<(), Refusal> {
    let recent = &house.state.drills.recent;
    let ready = |drill: &&Recent| drill.closed && drill.issued && !drill.recorded;
    let mut ready = recent.iter().filter(|(_, drill)| ready(drill));
    let Some((incident, drill)) = ready.next_back().or(recent.iter().next_back()) else {
        return Ok(());
    };
    let (incident, who) = (*incident, drill.by.to_string());
    let good = much.is_multiple_of(2);
    let policy = house.state.policy.clone();
    let budget = |step: &Step| {
        let drills = policy.drills.as_ref();
        drills.map_or(Lifetime::from_secs(1), |drills| drills.budget(*step))
    };
    let walked = if good {
        Step::ALL.len()
    } else {
        usize::from(much) % 9
    };
    let steps: Vec<_> = Step::ALL[..walked]
        .iter()
        .map(|step| StepTime {
            step: *step,
            took: Lifetime::from_millis(i64::from(much)),
            budget: budget(step),
        })
        .collect();
    let failed = (!good).then(|| "nobody \"answered\" \\".to_owned());
    let each = steps.iter().map(|it| {
        let (took, budget) = (it.took.as_millis(), it.budget.as_millis());
        format!("{} {took}/{budget}", it.step)
    });
    let said = Said::RecordDrill {
        incident: incident.to_string(),
        good,
        steps: each.collect::<Vec<_>>().join(", "),
        failed: failed.clone().unwrap_or_default(),
    };
    let outcome = Outcome {
        good,
        steps,
        failed: failed.map(|failed| line(&failed)),
    };
    house.does(&who, said, Act::RecordDrill { incident, outcome })
}

fn is_whole(write: impl FnOnce(&mut Night)) {
    let mut night = Night::begins();
    write(&mut night);
    let verdicts = verify(&night.lines);
    assert_eq!((verdicts.glass, verdicts.python), (None, None));
}

#[test]
fn a_good_drill_beside_a_real_incident() {
    is_whole(|night| {
        night.is_walked();
        night.was_good();
        let of = night.approved("G-2");
        night.closes("leon", &[&of]);
    });
}

#[test]
fn a_drill_that_was_not_good() {
    is_whole(|night| {
        night.opens_drill();
        let of = night.asks_in_drill("G-1", "drop-db");
        night.closes_drill("mia", Some(&of));
        night.records("mia", (false, "nobody answered"), &good()[..2], json!({}));
    });
}

/// Nobody answers for the grants of a drill, so nothing is late because of it.
#[test]
fn a_drill_holds_up_no_fast_path() {
    let policy = format!("{POLICY}[review]\ndays = 1\n");
    is_whole(|night| {
        night.loads(&policy);
        night.is_walked();
        night.closes("leon", &[]);
        night.minutes_pass(2 * 24 * 60);
        night.opens("mia", "INC-3");
        let of = night.asks_under("INC-3", ("G-2", "restart"), json!({}));
        night.begins_at_once(&of, json!({}));
    });
}

/// Whoever walks a drill closes it.
#[test]
fn who_walks_a_drill_needs_no_duty_to_close_it() {
    let no_duty = "close_incidents = [\"leon\"]";
    let policy = POLICY.replace("close_incidents = [\"job:engineer\"]", no_duty);
    is_whole(|night| {
        night.loads(&policy);
        night.is_walked();
        night.was_good();
    });
}

#[test]
fn what_belongs_to_a_drill_is_marked_and_nothing_else_is() {
    each_is_found(forgeries! {
        "a drill opened as if in earnest", |night| {
            night.opens_drill_but("mia", json!({"drill": null}));
        } => "`open-drill` was signed, incident.opened recorded", "an incident is marked otherwise";
        "an incident that is made a drill of", |night| {
            night.opens("mia", "INC-2");
            night.changes(night.last(), |entry| entry["drill"] = json!(true));
        } => "`open-incident` was signed, incident.opened of a drill recorded", "an incident is marked otherwise";
        "a drill that an alert opens", |night| {
            let body = json!({"incident": "INC-2", "severity": "sev3", "title": "flood", "source": "pager",
                "alert": "flood", "closes_at": night.minutes(60), "drill": true});
            night.adds("incident.opened", "source:pager", body, None);
        } => "bears no statement", "without a statement";
        "a request of a drill that is not marked", |night| {
            night.opens_drill();
            night.asks_in_drill_but("G-1", "restart", json!({"drill": null}));
        } => "grant.requested of INC-2, which is a drill, is not marked", "grant.requested is not marked as its incident is";
        "a beginning of a drill that is not marked", |night| {
            night.opens_drill();
            let of = night.asks_in_drill("G-1", "restart");
            night.begins_at_once(&of, json!({"drill": null}));
        } => "grant.started of INC-2", "is not marked as its incident is";
        "a credential of a drill that is not marked", |night| {
            night.opens_drill();
            let of = night.asks_in_drill("G-1", "restart");
            night.begins_at_once(&of, json!({}));
            night.issues_but("mia", &of, json!({"drill": null}));
        } => "credential.issued of INC-2", "is not marked as its incident is";
        "a closing of a drill that is not marked", |night| {
            night.opens_drill();
            night.closes_drill("mia", None);
            night.changes(night.last(), |entry| drop(entry.as_object_mut().unwrap().remove("drill")));
        } => "incident.closed of INC-2", "is not marked as its incident is";
        "a request in earnest that is marked", |night| {
            night.asks_but("G-1", "restart", json!({"drill": true}));
        } => "grant.requested is marked as of a drill, and belongs to none", "is not marked as its incident is";
        "a refusal of a drill that is not marked", |night| {
            night.opens_drill();
            let body = json!({"act": "request", "reason": "NOT_ALLOWED", "text": "no", "count": 1, "incident": "INC-2"});
            night.adds("refused", "eve", body, None);
        } => "refused of INC-2", "is not marked as its incident is";
        "a mark that is no mark", |night| {
            night.opens_drill_but("mia", json!({"drill": false}));
        } => "the `drill` of the incident.opened is not `true`", "`drill` is not `true`";
    });
}

#[test]
fn a_drill_unlocks_little_and_is_short() {
    each_is_found(forgeries! {
        "a right that no drill unlocks", |night| {
            night.opens_drill();
            night.asks_in_drill("G-1", "read-secrets");
        } => "G-1 is of a drill, and the policy in force lets none unlock read-secrets", "the policy does not give mia read-secrets";
        "a beginning after the list was cut", |night| {
            night.opens_drill();
            let of = night.asks_in_drill("G-1", "drop-db");
            night.loads(&POLICY.replace("rights = [\"restart\", \"drop-db\"]", "rights = [\"restart\"]"));
            night.approves(&of);
        } => "G-1 lives on, and the policy loaded before does not give it", "G-1 lives on";
        "a drill under a policy that has none", |night| {
            let (real, _) = POLICY.split_once("[drills]").unwrap();
            night.loads(real);
            night.opens_drill();
        } => "INC-2 is a drill, and the policy in force has none", "INC-2 is a drill, and the policy has none";
        "a drill that calls itself worse than it is", |night| {
            night.opens_drill_but("mia", json!({"severity": "sev1"}));
        } => "INC-2 is a drill, and not a sev3", "INC-2 is a drill, and not a sev3";
        "a drill of a whole day", |night| {
            let closes_at = night.minutes(61);
            night.opens_drill_but("mia", json!({"closes_at": closes_at}));
        } => "INC-2 is to close at", "INC-2 lasts longer";
        "a drill by who may open nothing", |night| {
            night.opens_drill_but("eve", json!({}));
        } => "to whom the policy in force does not give `open_incidents`", "has not the duty `open_incidents`";
        "a real incident closed by who opened it, without the duty", |night| {
            night.loads(&POLICY.replace("close_incidents = [\"job:engineer\"]", "close_incidents = [\"leon\"]"));
            night.closes("mia", &[]);
        } => "does not give `close_incidents`", "has not the duty `close_incidents`";
        "a review of a drill's grant", |night| {
            night.is_walked();
            let of = json!({"grant": "G-1", "person": "mia", "right": "restart", "incident": "INC-2", "drill": true});
            let act = Said::AnswerReview { incident: "INC-2".into(), grant: "G-1".into(), needed: true,
                width: "right".into(), missing: String::new() };
            night.does("eve", act, "review.answered", with(of, json!({"needed": true, "width": "right"})));
        } => "G-1 is reviewed, and it never began", "G-1 is reviewed, and never began";
    });
}

#[test]
fn how_a_drill_went_is_said_once_by_who_walked_it_when_it_is_over() {
    each_is_found(forgeries! {
        "a drill recorded by nobody", |night| {
            night.is_walked();
            let steps: Vec<_> = good().iter().map(|(step, took, of)| json!({"step": step, "took_ms": took, "budget_ms": of})).collect();
            let body = json!({"incident": "INC-2", "good": true, "steps": steps, "drill": true});
            night.adds("drill.recorded", "mia", body, None);
        } => "drill.recorded by mia bears no statement", "without a statement";
        "a drill recorded by the broker", |night| {
            night.is_walked();
            night.by_broker("drill.recorded", json!({"incident": "INC-2", "good": true, "steps": [], "drill": true}));
        } => "no drill.recorded is ever by breakglass", "by breakglass without a statement";
        "a drill recorded by another", |night| {
            night.is_walked();
            night.records("leon", (true, ""), &good(), json!({}));
        } => "INC-2 is recorded by leon, and was walked by mia", "INC-2 was walked by mia";
        "a drill recorded while it is open", |night| {
            night.walks();
            night.was_good();
        } => "INC-2 is recorded, and is still open", "INC-2 is recorded, and still open";
        "a drill recorded twice", |night| {
            night.is_walked();
            night.was_good();
            night.was_good();
        } => "INC-2 is recorded a second time", "INC-2 is recorded a second time";
        "a real incident recorded as a drill", |night| {
            night.opens("mia", "INC-2");
            night.records("mia", (true, ""), &good(), json!({}));
        } => "drill.recorded is marked as of a drill, and belongs to none", "is not marked as its incident is";
        "the same without the mark", |night| {
            night.opens("mia", "INC-2");
            night.records("mia", (true, ""), &good(), json!({"drill": null}));
        } => "drill.recorded of INC-2, which is no drill", "drill.recorded of INC-2, which is no drill";
    });
}

#[test]
fn a_drill_is_good_only_where_it_was() {
    each_is_found(forgeries! {
        "good where not good was signed", |night| {
            night.is_walked();
            night.records("mia", (false, "slow"), &good(), json!({"good": true, "failed": null}));
        } => "`failed: slow` was signed", "`good: no` was signed";
        "another time than was signed", |night| {
            night.is_walked();
            night.was_good();
            night.changes(night.last(), |entry| entry["steps"][0]["took_ms"] = json!(13));
        } => "`steps` was signed as open 14/5000", "`steps: open 14/5000";
        "something failed that nobody named", |night| {
            night.is_walked();
            night.records("mia", (false, ""), &good(), json!({"failed": "the kill"}));
        } => "nothing was signed as `failed`", "`failed: ` was signed";
        "good, and something failed", |night| {
            night.is_walked();
            night.records("mia", (true, "the kill"), &good(), json!({}));
        } => "INC-2 is recorded as good, and something failed", "INC-2 is good, and something failed";
        "not good, and nothing failed", |night| {
            night.is_walked();
            night.records("mia", (false, ""), &good(), json!({}));
        } => "INC-2 is recorded as not good, and nothing failed", "or the other way round";
        "a step that took too long", |night| {
            night.is_walked();
            night.records("mia", (true, ""), &slow(2, 120_001, 120_000), json!({}));
        } => "`approve` took 120001 of 120000 ms", "INC-2 is good, and not its step `approve`";
        "a budget of one's own", |night| {
            night.is_walked();
            night.records("mia", (true, ""), &slow(2, 120_001, 300_000), json!({}));
        } => "where the policy gives 120000", "INC-2 is good, and not its step `approve`";
        "a step that was not walked", |night| {
            night.is_walked();
            night.records("mia", (true, ""), &good()[..8], json!({}));
        } => "`verify` was not walked", "INC-2 is good, and not its step `verify`";
        "steps in another order", |night| {
            night.is_walked();
            let mut steps = good();
            steps.swap(0, 1);
            night.records("mia", (true, ""), &steps, json!({}));
        } => "with the step `open` where it does not belong", "the steps of INC-2 are not in their order";
        "good without a credential", |night| {
            night.opens_drill();
            night.closes_drill("mia", None);
            night.was_good();
        } => "INC-2 is recorded as good, and no credential was issued", "INC-2 is good, and no credential was issued";
        "good while somebody is in", |night| {
            night.guard_enrols("web-1");
            let of = night.walks();
            let body = json!({"session": "S-1", "target": "web-1", "credential": "G-1.1", "login": "deploy"});
            night.adds("session.opened", "target:web-1", with(of.clone(), body), None);
            night.closes_drill("mia", Some(&of));
            night.was_good();
        } => "INC-2 is recorded as good, and S-1 is not over", "INC-2 is good, and ['S-1'] is not over";
    });
}
