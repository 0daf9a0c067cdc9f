//! Requests that go to others when nobody answers, and that went there too early, too late, or never.

use breakglass_proto::statement::Act;
use serde_json::{Value, json};

use crate::forgery::{each_is_found, forgeries};
use crate::night::{Night, POLICY, with};
use crate::verifiers::verify;

impl Night {
    /// What the broker writes when nobody answers; Mia asked a minute and `minutes` ago.
    fn escalates(&mut self, of: &Value, minutes: i64) {
        self.escalates_but(of, minutes, json!({}));
    }

    fn escalates_but(&mut self, of: &Value, minutes: i64, but: Value) {
        self.minutes_pass(minutes);
        let body = with(of.clone(), json!({"approvers": ["dan", "eve"]}));
        self.by_broker("grant.escalated", with(body, but));
    }

    fn denies(&mut self, who: &str, of: &Value) {
        let act = Act::Deny {
            grant: of["grant"].as_str().unwrap().into(),
            reason: "no".into(),
        };
        self.ends_signed(who, act, of, "denied", "no");
    }

    /// Mia asks while Leon, whom it would be asked of first, is not there.
    fn asks_at_once(&mut self) -> Value {
        let to = json!({"at": self.minutes(0), "approvers": ["dan", "eve"]});
        let of = self.asks_but("G-1", "restore", json!({"escalation": to}));
        let body = with(of.clone(), json!({"approvers": ["dan", "eve"]}));
        self.follows("grant.escalated", "breakglass", body);
        of
    }
}

fn is_whole(night: &Night) {
    let verdicts = verify(&night.lines);
    assert_eq!(verdicts.glass, None, "glass");
    assert_eq!(verdicts.python, None, "python");
}

#[test]
fn the_first_sleeps_and_the_second_answers() {
    let mut night = Night::begins();
    let of = night.asks("G-1", "restore");
    night.escalates(&of, 4);
    night.approves_but("eve", &of, json!({}), |_| {});
    let ends_at = night.minutes(12);
    night.extends("eve", &of, 600, ends_at);
    is_whole(&night);
}

#[test]
fn the_first_answers_after_all_and_the_second_says_no_to_another() {
    let mut night = Night::begins();
    let of = night.asks("G-1", "restore");
    night.escalates(&of, 4);
    night.approves(&of);
    let other = night.asks("G-2", "restore");
    night.escalates(&other, 4);
    night.denies("eve", &other);
    is_whole(&night);
}

#[test]
fn both_sleep() {
    let mut night = Night::begins();
    let of = night.asks("G-1", "restore");
    night.escalates(&of, 4);
    night.minutes_pass(5);
    night.begins_alone(&of, json!({}));
    let other = night.asks("G-2", "restore");
    night.escalates(&other, 4);
    night.minutes_pass(60);
    night.ends(&other, "lapsed");
    is_whole(&night);
}

#[test]
fn where_nobody_is_there_it_goes_on_at_once() {
    let mut frozen = Night::begins();
    frozen.about("mia", "person.frozen", "leon");
    let of = frozen.asks_at_once();
    frozen.approves_but("eve", &of, json!({}), |_| {});
    is_whole(&frozen);
    let mut gone = Night::begins();
    gone.about("mia", "person.removed", "leon");
    let of = gone.asks_at_once();
    gone.approves_but("eve", &of, json!({}), |_| {});
    is_whole(&gone);
}

/// A broker that was down for the night asks nobody about what is over.
#[test]
fn what_lapsed_meanwhile_went_to_nobody() {
    let mut night = Night::begins();
    let of = night.asks("G-1", "restore");
    night.minutes_pass(60);
    night.ends(&of, "lapsed");
    is_whole(&night);
}

#[test]
fn nobody_answers_before_it_is_their_turn() {
    each_is_found(forgeries! {
        "a yes before", |night| {
            let of = night.asks("G-1", "restore");
            night.approves_but("eve", &of, json!({}), |_| {});
        } => "to whom G-1 has not gone yet", "eve is no approver of G-1";
        "a yes at the time it was to go, and it had not", |night| {
            let of = night.asks("G-1", "restore");
            night.minutes_pass(5);
            night.approves_but("eve", &of, json!({}), |_| {});
        } => "to whom G-1 has not gone yet", "eve is no approver of G-1";
        "a no before", |night| {
            let of = night.asks("G-1", "restore");
            night.denies("eve", &of);
        } => "G-1 ends as denied by eve, which cannot be", "G-1 cannot end as denied by eve";
        "a yes of somebody the policy lets no more", |night| {
            let of = night.asks("G-1", "restore");
            night.escalates(&of, 4);
            night.loads(&POLICY.replace("job = \"designer\"", "job = \"support\""));
            night.approves_but("eve", &of, json!({}), |_| {});
        } => "eve, who is not among the approvers of G-1", "eve is no approver of G-1";
        "one's own, when it is one's turn", |night| {
            let of = night.asks("G-1", "restore");
            night.escalates(&of, 4);
            night.approves_but("mia", &of, json!({}), |_| {});
        } => "mia approved their own request G-1", "mia approves their own G-1";
        "alone, before it went to dan and everybody", |night| {
            let of = night.asks("G-1", "restore");
            night.minutes_pass(10);
            night.begins_alone(&of, json!({}));
        } => "mia began G-1 alone before it went to dan and eve", "G-1 begins alone before everybody was asked";
    });
}

#[test]
fn it_goes_on_when_and_to_whom_the_policy_says() {
    each_is_found(forgeries! {
        "too early", |night| {
            let of = night.asks("G-1", "restore");
            night.escalates(&of, 3);
        } => "G-1 escalates before its time", "G-1 escalates too early";
        "to somebody else", |night| {
            let of = night.asks("G-1", "restore");
            night.escalates_but(&of, 4, json!({"approvers": ["mia"]}));
        } => "G-1 escalates to mia, and was to go to dan and eve", "G-1 escalates to others than it was to";
        "twice", |night| {
            let of = night.asks("G-1", "restore");
            night.escalates(&of, 4);
            night.escalates(&of, 0);
        } => "G-1 escalates a second time", "G-1 escalates twice";
        "where its rule asks nobody later", |night| {
            let of = night.asks("G-1", "read-secrets");
            night.escalates(&of, 4);
        } => "grant.escalated of G-1, which goes to nobody else", "or goes to nobody else";
        "by somebody on the team", |night| {
            let of = night.asks("G-1", "restore");
            night.escalates(&of, 4);
            night.changes(night.last(), |entry| entry["by"] = json!("leon"));
        } => "no grant.escalated is ever by leon", "no grant.escalated is ever by leon";
        "after it began", |night| {
            let of = night.asks("G-1", "restore");
            night.approves(&of);
            night.escalates(&of, 4);
        } => "grant.escalated of G-1, which is active", "G-1 escalates, and does not wait";
        "after it lapsed", |night| {
            let of = night.asks("G-1", "restore");
            night.escalates(&of, 60);
        } => "grant.escalated of G-1, which has lapsed", "G-1 escalates, and does not wait";
        "after it ended", |night| {
            let of = night.asks("G-1", "restore");
            night.denies("leon", &of);
            night.escalates(&of, 4);
        } => "G-1 has ended before: grant.escalated", "G-1 does not live";
        "without saying to whom", |night| {
            let of = night.asks("G-1", "restore");
            night.escalates(&of, 4);
            night.leaves_out("approvers");
        } => "the grant.escalated has no `approvers`", "the grant.escalated has no `approvers`";
    });
}

#[test]
fn what_a_request_pins_is_what_the_policy_says() {
    each_is_found(forgeries! {
        "sooner", |night| {
            let to = json!({"at": night.minutes(1), "approvers": ["dan", "eve"]});
            night.asks_but("G-1", "restore", json!({"escalation": to}));
        } => "G-1 goes to dan and eve at", "G-1 goes to others at another time than the policy says";
        "later", |night| {
            let to = json!({"at": night.minutes(9), "approvers": ["dan", "eve"]});
            night.asks_but("G-1", "restore", json!({"escalation": to}));
        } => "G-1 goes to dan and eve at", "G-1 goes to others at another time than the policy says";
        "at once, and somebody was there", |night| {
            let to = json!({"at": night.minutes(0), "approvers": ["dan", "eve"]});
            night.asks_but("G-1", "restore", json!({"escalation": to}));
        } => "G-1 goes to dan and eve at", "G-1 goes to others at another time than the policy says";
        "not at once, and nobody was there", |night| {
            night.about("mia", "person.frozen", "leon");
            night.asks("G-1", "restore");
        } => "G-1 goes to dan and eve at", "G-1 goes to others at another time than the policy says";
        "to others", |night| {
            let to = json!({"at": night.minutes(5), "approvers": ["eve", "leon"]});
            night.asks_but("G-1", "restore", json!({"escalation": to}));
        } => "G-1 goes to eve and leon if nobody answers, and the policy in force says dan and eve", "G-1 goes to others than the policy says";
        "to oneself", |night| {
            let to = json!({"at": night.minutes(5), "approvers": ["mia"]});
            night.asks_but("G-1", "restore", json!({"escalation": to}));
        } => "G-1 goes to mia if nobody answers", "G-1 goes to others than the policy says";
        "to nobody", |night| {
            night.asks_but("G-1", "restore", json!({"escalation": null}));
        } => "G-1 goes to nobody else if nobody answers, and the policy in force says dan and eve", "G-1 goes to others than the policy says";
        "where the rule has none", |night| {
            let to = json!({"at": night.minutes(5), "approvers": ["dan", "eve"]});
            night.asks_but("G-1", "drop-db", json!({"escalation": to}));
        } => "G-1 goes to dan and eve if nobody answers, and the policy in force says nobody", "G-1 goes to others than the policy says";
        "in words that cannot be read", |night| {
            night.asks_but("G-1", "restore", json!({"escalation": {"at": "soon", "approvers": ["dan", "eve"]}}));
        } => "the `escalation` of the grant.requested cannot be read", "soon is no time";
    });
}
