//! What is true is accepted by both verifiers, also what few brokers will ever write.

use breakglass_proto::statement::{Act, NONCE_LEN, Statement};
use serde_json::json;

use crate::night::{Night, ORIGIN, POLICY, with};
use crate::verifiers::verify;

fn is_whole(night: &Night) {
    let verdicts = verify(&night.lines);
    assert_eq!(verdicts.glass, None, "glass");
    assert_eq!(verdicts.python, None, "python");
}

#[test]
fn a_night_from_the_first_request_to_the_closing() {
    let mut night = Night::begins();
    let database = night.approved("G-1");
    night.issues(&database);
    night.by_person("grant.used", &database, json!({"program": "psql"}));
    let ends_at = night.minutes(15);
    night.extends("leon", &database, 600, ends_at);
    let restart = night.asks("G-2", "restart");
    night.begins_at_once(&restart, json!({}));
    night.issues(&restart);
    let secrets = night.asks("G-3", "read-secrets");
    night.does_note("eve", "two customers wrote");
    night.closes("leon", &[&database, &restart, &secrets]);
    is_whole(&night);
}

#[test]
fn a_self_grant_when_nobody_answers() {
    let mut night = Night::begins();
    let of = night.asks("G-1", "drop-db");
    night.minutes_pass(10);
    night.begins_alone(&of, json!({}));
    night.issues(&of);
    night.minutes_pass(10);
    night.ends(&of, "expired");
    is_whole(&night);
}

#[test]
fn a_self_grant_that_is_vetoed_and_a_request_after_it() {
    let mut night = Night::begins();
    let of = night.asks("G-1", "drop-db");
    night.minutes_pass(10);
    night.begins_alone(&of, json!({}));
    night.vetoes("eve", &of);
    let of = night.asks_but("G-2", "drop-db", json!({"self_grant": null}));
    night.approves(&of);
    is_whole(&night);
}

/// What was written before brokers held it stays true: more of a right alone than one, and a veto that
/// left the other. A broker that holds it ends both.
#[test]
fn several_self_grants_of_a_ledger_before_and_a_veto_after_it() {
    let mut night = Night::begins();
    night.changes(0, |entry| {
        drop(entry.as_object_mut().unwrap().remove("rules"))
    });
    let of = ["G-1", "G-2", "G-3"].map(|grant| night.asks(grant, "drop-db"));
    night.minutes_pass(10);
    for of in &of {
        night.begins_alone(of, json!({}));
    }
    night.vetoes("eve", &of[0]);
    night.issues(&of[1]);
    is_whole(&night);
    night.by_broker("broker.started", json!({"version": "0.1.0", "rules": 1}));
    night.vetoes("leon", &of[1]);
    let ended = json!({"ending": "vetoed", "reason": "wait"});
    night.follows("grant.ended", "leon", with(of[2].clone(), ended));
    is_whole(&night);
}

#[test]
fn freezes_and_removals_end_what_people_have() {
    let mut night = Night::begins();
    let of = night.approved("G-1");
    let freeze = Act::Freeze {
        person: "mia".into(),
        reason: "stolen".into(),
    };
    night.ends_signed("leon", freeze, &of, "person-frozen", "stolen");
    let frozen = json!({"person": "mia", "reason": "stolen"});
    night.follows("person.frozen", "leon", frozen);
    night.about("leon", "person.unfrozen", "mia");
    night.about("leon", "person.removed", "mia");
    night.forgets_key("mia");
    night.enrols("mia");
    night.approved("G-2");
    is_whole(&night);
}

/// The broker removes, with nobody's signature, whom the policy does not name any more.
#[test]
fn a_policy_takes_people_and_their_grants_away() {
    let mut night = Night::begins();
    let of = night.approved("G-1");
    let start = POLICY.find("[people.mia]").unwrap();
    let end = POLICY.find("[people.leon]").unwrap();
    night.loads(&format!("{}{}", &POLICY[..start], &POLICY[end..]));
    let why = json!({"ending": "person-left", "reason": "no longer in the policy"});
    night.follows("grant.ended", "breakglass", with(of, why));
    let removed = json!({"person": "mia", "reason": "no longer in the policy"});
    night.follows("person.removed", "breakglass", removed);
    night.loads(POLICY);
    is_whole(&night);
}

/// Ledgers hold enrolments of laptops that named the ledger and the person.
#[test]
fn who_enrols_may_name_ledger_and_person() {
    let mut night = Night::begins();
    let token = night.invites("mia");
    night.forgets_key("mia");
    night.redeems_as("mia", &token, ORIGIN, "mia");
    is_whole(&night);
}

/// A nonce is its signer's own: nobody can use up somebody else's.
#[test]
fn two_people_may_have_drawn_the_same_nonce() {
    let mut night = Night::begins();
    for who in ["mia", "leon"] {
        let act = Act::Note {
            incident: "INC-1".into(),
            text: "it is the worker".into(),
        };
        let statement = Statement {
            origin: ORIGIN.into(),
            by: who.into(),
            at: night.minutes(0).parse().unwrap(),
            act,
            seen: None,
            nonce: [7; NONCE_LEN],
        };
        let signed = night.signs_statement(who, &statement);
        let body = json!({"incident": "INC-1", "text": "it is the worker"});
        night.adds("incident.noted", who, body, Some(signed));
    }
    is_whole(&night);
}

#[test]
fn what_a_newer_broker_writes_is_passed_over() {
    let mut night = Night::begins();
    night.by_broker(
        "moon.landed",
        json!({"incident": 7, "grant": [1], "person": {}}),
    );
    night.does_note("mia", "look at the moon");
    night.changes(night.last(), |entry| entry["later"] = json!({"a": [1]}));
    let of = night.approved("G-1");
    night.ends(&of, "eclipsed");
    is_whole(&night);
}

/// The clock of a broker was wrong: what only ends something is taken all the same.
#[test]
fn an_ending_may_be_signed_by_another_clock() {
    let mut night = Night::begins();
    let of = night.approved("G-1");
    let act = Act::Drop {
        grant: "G-1".into(),
    };
    let at = "2026-11-22T02:00:00Z".parse().unwrap();
    let signed = night.signs_at("mia", act, ORIGIN, "mia", at);
    let dropped = with(of, json!({"ending": "dropped"}));
    night.adds("grant.ended", "mia", dropped, Some(signed));
    is_whole(&night);
}
