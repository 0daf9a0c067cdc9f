//! Alerts that no source told of, and what nobody confirmed.

use breakglass_proto::statement::Act;
use serde_json::{Value, json};

use crate::forgery::{each_is_found, forgeries};
use crate::night::{Night, POLICY, with};
use crate::verifiers::verify;

impl Night {
    /// The pager opens `INC-2`.
    pub(crate) fn rings(&mut self, but: Value) {
        let closes_at = self.minutes(480);
        let opened = json!({"incident": "INC-2", "severity": "sev1", "title": "the queue is full",
            "closes_at": closes_at, "source": "pager", "alert": "queue"});
        self.adds("incident.opened", "source:pager", with(opened, but), None);
    }

    fn pager(&mut self, kind: &str, minutes: i64) {
        let closes_at = self.minutes(minutes);
        let body = json!({"incident": "INC-2", "closes_at": closes_at});
        self.adds(kind, "source:pager", body, None);
    }

    fn holds(&mut self, who: &str, incident: &str) {
        let (incident, reason) = (incident.to_owned(), "not over".to_owned());
        let body = json!({"incident": incident, "reason": reason});
        let act = Act::HoldIncident { incident, reason };
        self.does(who, act, "incident.held", body);
    }
}

#[test]
fn only_its_own_source_speaks_for_an_alert() {
    each_is_found(forgeries! {
        "a source the policy does not have", |night| {
            night.rings(json!({}));
            night.changes(night.last(), |entry| entry["by"] = json!("source:other"));
            night.changes(night.last(), |entry| entry["source"] = json!("other"));
        } => "source:other is not in the policy", "source:other is not in the policy";
        "in the name of another source", |night| {
            night.rings(json!({"source": "other"}));
        } => "names another source, or no alert", "names another source, or no alert";
        "for no alert", |night| {
            night.rings(json!({"alert": null}));
        } => "names another source, or no alert", "names another source, or no alert";
        "a person's incident that a source closes soon", |night| {
            let body = json!({"incident": "INC-1", "closes_at": night.minutes(5)});
            night.adds("incident.resolved", "source:pager", body, None);
        } => "source:pager speaks of INC-1, which it did not open", "source:pager did not open INC-1";
        "a second incident for the same alert", |night| {
            night.rings(json!({}));
            night.rings(json!({"incident": "INC-3"}));
        } => "INC-3 is opened for an alert that has an open incident", "the alert of INC-3 has an open incident";
        "a source that adds a note", |night| {
            night.rings(json!({}));
            night.adds("incident.noted", "source:pager", json!({"incident": "INC-2", "text": "all good"}), None);
        } => "no incident.noted is ever by source:pager", "no incident.noted is ever by source:pager";
        "a person that resolves an alert", |night| {
            night.rings(json!({}));
            let body = json!({"incident": "INC-2", "closes_at": night.minutes(5)});
            night.adds("incident.resolved", "mia", body, None);
        } => "no incident.resolved is ever by mia", "no incident.resolved is ever by mia";
    });
}

#[test]
fn an_alert_cuts_nobody_off() {
    each_is_found(forgeries! {
        "no grace", |night| {
            night.rings(json!({}));
            night.pager("incident.resolved", 4);
        } => "INC-2 is to close at", "closes too early or too late";
        "later than it would have closed", |night| {
            night.rings(json!({}));
            night.pager("incident.resolved", 600);
        } => "INC-2 is to close at", "closes too early or too late";
        "twice", |night| {
            night.rings(json!({}));
            night.pager("incident.resolved", 5);
            night.pager("incident.resolved", 5);
        } => "the alert of INC-2 is resolved a second time", "INC-2 is resolved twice";
        "what somebody holds", |night| {
            night.rings(json!({}));
            night.holds("mia", "INC-2");
            night.pager("incident.resolved", 5);
        } => "INC-2 is to close at", "closes too early or too late";
        "again without having been resolved", |night| {
            night.rings(json!({}));
            night.pager("incident.refired", 479);
        } => "the alert of INC-2 fires again and was never resolved", "INC-2 was not resolved";
        "a hold that nobody signed", |night| {
            night.rings(json!({}));
            night.adds("incident.held", "mia", json!({"incident": "INC-2", "reason": "x"}), None);
        } => "incident.held by mia bears no statement of theirs", "incident.held by mia without a statement";
        "a hold by somebody who may not", |night| {
            night.rings(json!({}));
            night.holds("eve", "INC-2");
        } => "does not give `open_incidents`", "eve has not the duty `open_incidents`";
        "a hold of what no alert opened", |night| {
            night.holds("mia", "INC-1");
        } => "INC-1 is held, and no alert opened it", "no alert opened INC-1";
    });
}

#[test]
fn an_alert_alone_unlocks_little() {
    each_is_found(forgeries! {
        "a high risk that nobody confirmed", |night| {
            night.rings(json!({}));
            night.asks_under("INC-2", ("G-1", "drop-db"), json!({}));
        } => "nobody has confirmed INC-2", "nobody has confirmed INC-2";
        "a note of somebody who may not open incidents", |night| {
            night.rings(json!({}));
            let (incident, text) = ("INC-2".to_owned(), "I see it too".to_owned());
            let body = json!({"incident": incident, "text": text});
            night.does("eve", Act::Note { incident, text }, "incident.noted", body);
            night.asks_under("INC-2", ("G-1", "drop-db"), json!({}));
        } => "nobody has confirmed INC-2", "nobody has confirmed INC-2";
        "a low risk that the source does not unlock", |night| {
            night.loads(&POLICY.replace("grace = \"5m\"", "rights = []"));
            night.rings(json!({}));
            night.asks_under("INC-2", ("G-1", "restart"), json!({}));
        } => "the alert source pager alone does not unlock restart", "nobody has confirmed INC-2";
    });
}

#[test]
fn a_delivery_counts_once() {
    each_is_found(forgeries! {
        "one that opens and resolves", |night| {
            night.rings(json!({"delivery": "d-1"}));
            let closes_at = night.minutes(5);
            let body = json!({"incident": "INC-2", "closes_at": closes_at, "delivery": "d-1"});
            night.adds("incident.resolved", "source:pager", body, None);
        } => "source:pager delivers d-1 a second time", "source:pager delivers d-1 a second time";
        "one that is played again once its incident is closed", |night| {
            night.rings(json!({"delivery": "d-1"}));
            night.minutes_pass(100);
            let (incident, reason) = ("INC-2".to_owned(), "over".to_owned());
            let body = json!({"incident": incident, "reason": reason});
            night.does("mia", Act::CloseIncident { incident, reason }, "incident.closed", body);
            night.rings(json!({"incident": "INC-3", "delivery": "d-1"}));
        } => "source:pager delivers d-1 a second time", "source:pager delivers d-1 a second time";
        "one of a person", |night| {
            night.opens("mia", "INC-2");
            night.changes(night.last(), |entry| entry["delivery"] = json!("d-1"));
        } => "mia delivers d-1, and is no alert source", "mia delivers d-1, and is no alert source";
        "one that is older than what was taken before", |night| {
            let (now, before) = (night.minutes(-1), night.minutes(-2));
            night.rings(json!({"delivery": "d-1", "said_at": now}));
            let closes_at = night.minutes(5);
            let body = json!({"incident": "INC-2", "closes_at": closes_at, "delivery": "d-2", "said_at": before});
            night.adds("incident.resolved", "source:pager", body, None);
        } => "something newer was taken before", "is older than what was taken before";
        "one that is no text", |night| {
            night.rings(json!({"delivery": 1}));
        } => "the `delivery` of the incident.opened cannot be read", "is no alert source";
    });
}

/// The broker remembers it for as long as it would be taken.
#[test]
fn long_after_an_id_may_come_again() {
    let mut night = Night::begins();
    night.rings(json!({"delivery": "d-1"}));
    night.minutes_pass(120);
    let closes_at = night.minutes(5);
    let body = json!({"incident": "INC-2", "closes_at": closes_at, "delivery": "d-1"});
    night.adds("incident.resolved", "source:pager", body, None);
    let verdicts = verify(&night.lines);
    assert_eq!((verdicts.glass, verdicts.python), (None, None));
}
