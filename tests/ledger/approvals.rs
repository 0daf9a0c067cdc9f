//! Grants that nobody, or not the right one, said yes to.

use breakglass_proto::statement::Act;
use serde_json::json;

use crate::forgery::{each_is_found, forgeries};

#[test]
fn every_yes_is_that_of_an_approver_to_that_request() {
    each_is_found(forgeries! {
        "an approval nobody signed", |night| {
            let of = night.asks("G-1", "drop-db");
            night.approves(&of);
            night.leaves_out("signed");
        } => "grant.started by leon bears no statement", "without a statement";
        "the same by the broker itself", |night| {
            let of = night.asks("G-1", "drop-db");
            night.approves(&of);
            night.leaves_out("signed");
            night.changes(night.last(), |entry| entry["by"] = json!("breakglass"));
        } => "grant.started by breakglass bears no statement", "without a statement";
        "one's own", |night| {
            let of = night.asks("G-1", "drop-db");
            night.approves_but("mia", &of, json!({}), |_| {});
        } => "mia approved their own request G-1", "mia approves their own G-1";
        "by somebody who is no approver", |night| {
            let of = night.asks("G-1", "drop-db");
            night.approves_but("eve", &of, json!({}), |_| {});
        } => "eve, who is not among the approvers of G-1", "eve is no approver of G-1";
        "by somebody else's key", |night| {
            let of = night.asks("G-1", "drop-db");
            night.approves_but("mia", &of, json!({}), |_| {});
            night.changes(night.last(), |entry| entry["by"] = json!("leon"));
        } => "leon acts with the key of mia", "not this person's statement";
        "with a word changed after signing", |night| {
            let of = night.asks("G-1", "drop-db");
            night.approves(&of);
            night.changes(night.last(), |entry| {
                let text = entry["signed"]["text"].as_str().unwrap().replace("until: 2026", "until: 2027");
                entry["signed"]["text"] = json!(text);
            });
        } => "the signature of leon does not verify", "leon's signature is not under this statement";
        "a yes to another right", |night| {
            let mut of = night.asks("G-1", "drop-db");
            of["right"] = json!("restart");
            night.approves_but("leon", &of, json!({}), |_| {});
        } => "G-1 was asked for with `right: drop-db`, and grant.started says restart", "another right";
        "a yes to another right, recorded as the right one", |night| {
            let of = night.asks("G-1", "drop-db");
            night.approves_but("leon", &of, json!({}), |act| {
                if let Act::Approve { right, .. } = act { *right = "restart".into(); }
            });
        } => "`right: restart` was signed, and drop-db recorded", "`right: restart` was signed";
        "a yes to another sentence", |night| {
            let of = night.asks("G-1", "drop-db");
            night.approves_but("leon", &of, json!({}), |act| {
                if let Act::Approve { sentence, .. } = act { *sentence = "look at it".into(); }
            });
        } => "leon said yes to `look at it`, and G-1 is to `drop the database`", "the sentence of G-1 is another";
        "a yes to somebody else's request", |night| {
            let of = night.asks("G-1", "drop-db");
            night.approves_but("leon", &of, json!({}), |act| {
                if let Act::Approve { requester, .. } = act { *requester = "eve".into(); }
            });
        } => "`person: eve` was signed, and mia recorded", "`requester: eve` was signed";
        "a second yes", |night| {
            let of = night.approved("G-1");
            night.approves(&of);
        } => "grant.started of G-1, which is active", "G-1 begins, and does not wait";
        "a yes to what nobody asked for", |night| {
            night.approves(&json!({"grant": "G-9", "person": "mia", "right": "drop-db", "incident": "INC-1"}));
        } => "G-9 was never asked for", "G-9 does not live";
        "a yes where a no was signed", |night| {
            let of = night.asks("G-1", "drop-db");
            let deny = Act::Deny { grant: "G-1".into(), reason: "no".into() };
            let body = crate::night::with(of, json!({"basis": "approved", "ends_at": night.minutes(5)}));
            night.does("leon", deny, "grant.started", body);
        } => "`deny` was signed, grant.started recorded", "`deny` was signed, and grant.started approved is recorded";
    });
}

/// As brokers let them that did not hold it yet, and then one that does.
fn two_alone(night: &mut crate::night::Night) -> (serde_json::Value, serde_json::Value) {
    night.changes(0, |entry| {
        drop(entry.as_object_mut().unwrap().remove("rules"))
    });
    let first = night.asks("G-1", "drop-db");
    let second = night.asks("G-2", "drop-db");
    night.minutes_pass(20);
    night.begins_alone(&first, json!({}));
    night.begins_alone(&second, json!({}));
    night.by_broker("broker.started", json!({"version": "0.1.0", "rules": 1}));
    (first, second)
}

#[test]
fn a_veto_holds_and_is_somebody_elses() {
    each_is_found(forgeries! {
        "one's own", |night| {
            let of = night.asks("G-1", "drop-db");
            night.vetoes("mia", &of);
        } => "G-1 ends as vetoed by mia", "G-1 cannot end as vetoed by mia";
        "of what an approver agreed to", |night| {
            let of = night.approved("G-1");
            night.vetoes("eve", &of);
        } => "G-1 ends as vetoed by eve", "G-1 cannot end as vetoed by eve";
        "of what cannot be begun alone", |night| {
            let of = night.asks("G-1", "read-secrets");
            night.vetoes("eve", &of);
        } => "G-1 ends as vetoed by eve", "G-1 cannot end as vetoed by eve";
        "nobody signed it", |night| {
            let of = night.asks("G-1", "drop-db");
            night.vetoes("eve", &of);
            night.leaves_out("signed");
        } => "bears no statement", "without a statement";
        "a self-grant after it", |night| {
            let first = night.asks("G-1", "drop-db");
            let second = night.asks("G-2", "drop-db");
            night.minutes_pass(20);
            night.vetoes("eve", &first);
            night.begins_alone(&second, json!({}));
        } => "mia began G-2 alone, and that was vetoed", "G-2 begins alone, and that was vetoed";
        "a request after it that allows one", |night| {
            let of = night.asks("G-1", "drop-db");
            night.vetoes("eve", &of);
            night.asks("G-2", "drop-db");
        } => "G-2 allows a self-grant that was vetoed", "G-2 allows a self-grant that was vetoed";
        "another one that runs goes on after it", |night| {
            let (first, second) = two_alone(night);
            night.vetoes("eve", &first);
            night.issues(&second);
        } => "G-2 lives on, which mia began alone, and that was vetoed", "['G-2'] lives on, and was vetoed";
        "something waits that is ended with it", |night| {
            let first = night.asks("G-1", "drop-db");
            let second = night.asks("G-2", "drop-db");
            night.vetoes("eve", &first);
            let ended = json!({"ending": "vetoed", "reason": "wait"});
            night.follows("grant.ended", "eve", crate::night::with(second, ended));
        } => "G-2 ends as vetoed by eve", "G-2 cannot end as vetoed by eve";
        "another right ends with it", |night| {
            let first = night.asks("G-1", "drop-db");
            let other = night.asks("G-2", "restore");
            night.minutes_pass(20);
            night.begins_alone(&first, json!({}));
            night.vetoes("eve", &first);
            let ended = json!({"ending": "vetoed", "reason": "wait"});
            night.follows("grant.ended", "eve", crate::night::with(other, ended));
        } => "bears no statement", "without a statement";
        "the others end for another reason", |night| {
            let (first, second) = two_alone(night);
            night.vetoes("eve", &first);
            let ended = json!({"ending": "vetoed", "reason": "because"});
            night.follows("grant.ended", "eve", crate::night::with(second, ended));
        } => "was signed for another reason", "a veto for another reason was signed";
        "it lives on after it", |night| {
            let of = night.asks("G-1", "drop-db");
            night.minutes_pass(20);
            night.begins_alone(&of, json!({}));
            night.vetoes("eve", &of);
            night.issues(&of);
        } => "G-1 has ended before", "G-1 does not live";
    });
}

#[test]
fn without_a_yes_only_low_risks_begin_and_self_grants_the_rule_allows() {
    each_is_found(forgeries! {
        "the fast path where somebody has to say yes", |night| {
            let of = night.asks("G-1", "drop-db");
            night.begins_at_once(&of, json!({}));
        } => "G-1 began without a yes, and needed one", "G-1 needs a yes";
        "the fast path without anybody asking just then", |night| {
            let of = night.asks("G-1", "restart");
            night.minutes_pass(1);
            night.begins_at_once(&of, json!({}));
        } => "G-1 began without anybody asking just then", "nobody asked for G-1 just then";
        "a self-grant that the rule does not allow", |night| {
            let of = night.asks("G-1", "read-secrets");
            night.minutes_pass(20);
            night.begins_alone(&of, json!({}));
        } => "its rule allows no self-grant", "G-1 allows no self-grant";
        "a self-grant before approvers had their time", |night| {
            let of = night.asks("G-1", "drop-db");
            night.begins_alone(&of, json!({}));
        } => "before approvers had their time", "G-1 begins alone too early";
        "a self-grant of somebody else's request", |night| {
            let of = night.asks("G-1", "drop-db");
            night.minutes_pass(20);
            night.begins_alone(&of, json!({}));
            let act = Act::SelfGrant {
                grant: "G-1".into(), incident: "INC-1".into(), right: "drop-db".into(), sentence: "drop the database".into(),
            };
            let signed = night.signs_as("leon", act, crate::night::ORIGIN, "leon");
            night.changes(night.last(), |entry| { entry["by"] = json!("leon"); entry["signed"] = signed; });
        } => "leon began G-1 of mia as a self-grant", "G-1 allows no self-grant";
        "a second self-grant while one runs", |night| {
            let first = night.asks("G-1", "drop-db");
            let second = night.asks("G-2", "drop-db");
            night.minutes_pass(20);
            night.begins_alone(&first, json!({}));
            night.begins_alone(&second, json!({}));
        } => "mia began G-2 alone, and G-1 runs, which they began alone too", "G-2 begins alone, and so did ['G-1']";
        "the same, and a broker that takes back what it holds", |night| {
            let first = night.asks("G-1", "drop-db");
            let second = night.asks("G-2", "drop-db");
            night.minutes_pass(20);
            night.begins_alone(&first, json!({}));
            night.by_broker("broker.started", json!({"version": "0.1.0"}));
            night.begins_alone(&second, json!({}));
        } => "mia began G-2 alone, and G-1 runs, which they began alone too", "G-2 begins alone, and so did ['G-1']";
        "another way to begin", |night| {
            let of = night.asks("G-1", "drop-db");
            let body = crate::night::with(of, json!({"basis": "luck", "ends_at": night.minutes(5)}));
            night.by_broker("grant.started", body);
        } => "grant.started by breakglass bears no statement", "grant.started luck by breakglass without a statement";
    });
}
