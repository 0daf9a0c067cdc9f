//! Self-grants of which everybody could be told in time, and those that came too soon: after a broker that was
//! away, after a late escalation, and one after the other.

use breakglass_client::story::{Voice, why};
use serde_json::{Value, json};

use crate::forgery::{each_is_found, forgeries};
use crate::night::{Night, with};
use crate::shelf::Shelf;
use crate::verifiers::verify;

impl Night {
    /// A broker starts that holds so many rules, so many minutes later.
    fn broker_is_back(&mut self, minutes: i64, rules: u32) {
        self.minutes_pass(minutes - 1);
        self.by_broker(
            "broker.started",
            json!({"version": "0.1.0", "rules": rules}),
        );
    }

    fn goes_on(&mut self, of: &Value) {
        let body = with(of.clone(), json!({"approvers": ["dan", "eve"]}));
        self.follows("grant.escalated", "breakglass", body);
    }

    /// Mia has begun one alone, and it is over.
    fn was_alone(&mut self) {
        let of = self.asks("G-1", "drop-db");
        self.minutes_pass(9);
        self.begins_alone(&of, json!({}));
        self.minutes_pass(9);
        self.ends(&of, "expired");
    }
}

fn is_whole(night: &Night) {
    let verdicts = verify(&night.lines);
    assert_eq!(verdicts.glass, None, "glass");
    assert_eq!(verdicts.python, None, "python");
}

#[test]
fn after_a_broker_was_away_everybody_has_their_time_anew() {
    let mut night = Night::begins();
    let of = night.asks("G-1", "restore");
    night.broker_is_back(12, 2);
    night.goes_on(&of);
    night.minutes_pass(9);
    night.begins_alone(&of, json!({}));
    is_whole(&night);
    let mut lapsed = Night::begins();
    let of = lapsed.asks("G-1", "drop-db");
    lapsed.broker_is_back(50, 2);
    lapsed.minutes_pass(49);
    lapsed.approves(&of);
    is_whole(&lapsed);
}

#[test]
fn a_second_one_begins_when_everybody_had_their_time_again() {
    let mut night = Night::begins();
    night.was_alone();
    let again = night.asks("G-2", "drop-db");
    night.minutes_pass(9);
    night.begins_alone(&again, json!({"alone_before": 1}));
    is_whole(&night);
}

#[test]
fn what_brokers_wrote_that_did_not_hold_it_stays_true() {
    let mut night = Night::begins();
    night.changes(0, |entry| entry["rules"] = json!(1));
    let of = night.asks("G-1", "restore");
    night.broker_is_back(12, 1);
    night.goes_on(&of);
    night.begins_alone(&of, json!({}));
    let again = night.asks("G-2", "drop-db");
    let third = night.asks("G-3", "drop-db");
    night.minutes_pass(9);
    night.begins_alone(&again, json!({}));
    night.minutes_pass(9);
    night.ends(&again, "expired");
    night.begins_alone(&third, json!({}));
    is_whole(&night);
}

#[test]
fn nobody_begins_alone_before_everybody_could_answer() {
    each_is_found(forgeries! {
        "the moment the broker is back", |night| {
            let of = night.asks("G-1", "restore");
            night.broker_is_back(12, 2);
            night.goes_on(&of);
            night.begins_alone(&of, json!({}));
        } => "mia began G-1 alone before approvers had their time", "G-1 begins alone too early";
        "the same where it goes to nobody else", |night| {
            let of = night.asks("G-1", "drop-db");
            night.broker_is_back(12, 2);
            night.minutes_pass(8);
            night.begins_alone(&of, json!({}));
        } => "mia began G-1 alone before approvers had their time", "G-1 begins alone too early";
        "the moment it was asked of others, late", |night| {
            let of = night.asks("G-1", "restore");
            night.minutes_pass(11);
            night.by_broker("grant.escalated", with(of.clone(), json!({"approvers": ["dan", "eve"]})));
            night.minutes_pass(3);
            night.begins_alone(&of, json!({}));
        } => "mia began G-1 alone before approvers had their time", "G-1 begins alone too early";
        "over before its time, which began anew", |night| {
            let of = night.asks("G-1", "drop-db");
            night.broker_is_back(12, 2);
            night.minutes_pass(49);
            night.ends(&of, "lapsed");
        } => "G-1 ends as lapsed by breakglass, which cannot be", "G-1 cannot end as lapsed by breakglass";
    });
}

#[test]
fn one_after_the_other_is_counted_and_waits() {
    each_is_found(forgeries! {
        "at once after the last", |night| {
            let early = night.asks("G-2", "drop-db");
            night.was_alone();
            night.begins_alone(&early, json!({"alone_before": 1}));
        } => "mia began G-2 alone before everybody had their time again", "G-2 begins alone, and it is too soon after the last";
        "and not counted", |night| {
            night.was_alone();
            let again = night.asks("G-2", "drop-db");
            night.minutes_pass(9);
            night.begins_alone(&again, json!({}));
        } => "G-2 says that 0 were begun alone before it, and 1 were", "G-2 says that 0 were begun alone before it, and 1 were";
        "counted, and there was none", |night| {
            let of = night.asks("G-1", "drop-db");
            night.minutes_pass(9);
            night.begins_alone(&of, json!({"alone_before": 3}));
        } => "G-1 says that 3 were begun alone before it, and 0 were", "G-1 says that 3 were begun alone before it, and 0 were";
        "counted, and it was not begun alone", |night| {
            let of = night.asks("G-1", "drop-db");
            night.approves_but("leon", &of, json!({"alone_before": 1}), |_| {});
        } => "G-1 says that 1 were begun alone before it, and 0 were", "G-1 says that 1 were begun alone before it, and 0 were";
        "in no number", |night| {
            let of = night.asks("G-1", "drop-db");
            night.minutes_pass(9);
            night.begins_alone(&of, json!({"alone_before": "often"}));
        } => "the `alone_before` of the grant.started cannot be read", "`alone_before` is no number";
    });
}

/// All reasons, a line each.
fn because(why: why::Why) -> String {
    let each = why.decisions.into_iter().flat_map(|it| it.because);
    each.collect::<Vec<_>>().join("\n")
}

fn refused(night: &mut Night, (who, reason): (&str, &str), text: &str) -> why::Why {
    let body = json!({"act": "self-grant", "reason": reason, "count": 1, "text": text});
    night.adds("refused", who, body, None);
    let shelf = Shelf::of(&night.lines);
    let newest = shelf.refusals().last().unwrap();
    shelf.why_refused(newest)
}

#[test]
fn why_says_from_when_on_it_counted() {
    let mut night = Night::begins();
    let of = night.asks("G-1", "drop-db");
    night.broker_is_back(12, 2);
    let back = night.last();
    night.minutes_pass(2);
    let text = "approvers of G-1 have until 2026-11-23 03:26:00 UTC to answer";
    let early = refused(&mut night, ("mia", "SELF_GRANT_TOO_EARLY"), text);
    assert_eq!(early.follows, Some(true), "{early:?}");
    let moved = format!(", which entry {back} made later than it says");
    let told = because(early);
    assert!(told.contains(&moved), "{told}");
    night.minutes_pass(9);
    night.begins_alone(&of, json!({}));
    night.minutes_pass(9);
    night.ends(&of, "expired");
    let again = night.asks("G-2", "drop-db");
    night.minutes_pass(9);
    night.begins_alone(&again, json!({"alone_before": 1}));
    let shelf = Shelf::of(&night.lines);
    let story = shelf.story("G-1");
    assert_eq!(story.wrong, None);
    let told = because(why::granted(&story, Voice::ToScripts));
    let later = ", and 12m later because nobody could be told of it before, and it was ";
    assert!(told.contains(later), "{told}");
    let story = shelf.story("G-2");
    assert_eq!(story.wrong, None);
    let told = because(why::granted(&story, Voice::ToScripts));
    assert!(told.contains("1 had been begun alone before it"), "{told}");
}

#[test]
fn why_holds_a_broker_to_the_time_that_counted() {
    let early = |night: &mut Night, grant: &str| {
        let text = format!("approvers of {grant} have until 2026-11-23 09:26:00 UTC to answer");
        refused(night, ("mia", "SELF_GRANT_TOO_EARLY"), &text)
    };
    let over = |night: &mut Night, grant: &str| {
        refused(night, ("leon", "GRANT_ENDED"), &format!("{grant} is over"))
    };
    // After the last, as long again; and no longer.
    let mut night = Night::begins();
    night.asks("G-2", "drop-db");
    night.was_alone();
    night.minutes_pass(4);
    assert_eq!(early(&mut night, "G-2").follows, Some(true));
    night.minutes_pass(9);
    assert_eq!(early(&mut night, "G-2").follows, Some(false));
    // A request that waits anew lapses so much later.
    let mut night = Night::begins();
    night.asks("G-1", "drop-db");
    night.broker_is_back(50, 2);
    night.minutes_pass(30);
    assert_eq!(over(&mut night, "G-1").follows, Some(false));
    night.minutes_pass(90);
    assert_eq!(over(&mut night, "G-1").follows, Some(true));
    assert_eq!(early(&mut night, "G-1").follows, Some(false));
}
