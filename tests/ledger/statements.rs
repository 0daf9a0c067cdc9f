//! Statements that say something else, or were meant for another time or place.

use breakglass_proto::statement::Act;
use serde_json::json;

use crate::forgery::{each_is_found, forgeries};
use crate::night::ORIGIN;

fn open() -> Act {
    Act::OpenIncident {
        severity: "sev2".into(),
        title: "the worker floods".into(),
    }
}

#[test]
fn a_statement_counts_once_here_and_now() {
    each_is_found(forgeries! {
        "an old one", |night| {
            let at = "2025-01-01T00:00:00Z".parse().unwrap();
            let signed = night.signs_at("mia", open(), ORIGIN, "mia", at);
            night.opens("mia", "INC-2");
            night.changes(night.last(), |entry| entry["signed"] = signed);
        } => "the statement was signed at 2025-01-01T00:00:00Z, and taken at", "the statement is not fresh";
        "one from long after", |night| {
            let of = night.approved("G-1");
            let act = Act::Drop { grant: "G-1".into() };
            let at = "2027-01-01T00:00:00Z".parse().unwrap();
            let signed = night.signs_at("mia", act, ORIGIN, "mia", at);
            let body = crate::night::with(of, json!({"ending": "dropped"}));
            night.adds("grant.ended", "mia", body, Some(signed));
        } => "the statement was signed at 2027-01-01T00:00:00Z, and taken at", "the statement is from long after";
        "one that was used", |night| {
            let before: serde_json::Value = serde_json::from_str(&night.lines[night.last()]).unwrap();
            night.opens("mia", "INC-2");
            night.changes(night.last(), |entry| entry["signed"] = before["signed"].clone());
        } => "the statement was used before", "the statement was used before";
        "a note, played again when the clock was set back", |night| {
            night.does_note("eve", "it is the worker");
            let before: serde_json::Value = serde_json::from_str(&night.lines[night.last()]).unwrap();
            night.minutes_pass(20);
            night.does_note("leon", "no, it is the queue");
            night.does_note("eve", "it is the worker");
            night.changes(night.last(), |entry| entry["signed"] = before["signed"].clone());
        } => "the statement was used before", "the statement was used before";
        "a freeze that was lifted, played again when the clock was set back", |night| {
            night.about("leon", "person.frozen", "eve");
            let before: serde_json::Value = serde_json::from_str(&night.lines[night.last()]).unwrap();
            night.about("leon", "person.unfrozen", "eve");
            night.minutes_pass(20);
            night.about("leon", "person.frozen", "eve");
            night.changes(night.last(), |entry| entry["signed"] = before["signed"].clone());
        } => "the statement was used before", "the statement was used before";
        "one for another ledger", |night| {
            let signed = night.signs_as("mia", open(), "other.example/ledger", "mia");
            night.opens("mia", "INC-2");
            night.changes(night.last(), |entry| entry["signed"] = signed);
        } => "the statement is meant for the ledger `other.example/ledger`", "a statement for another ledger";
        "one that names nobody", |night| {
            let signed = night.signs_as("mia", open(), ORIGIN, "");
            night.opens("mia", "INC-2");
            night.changes(night.last(), |entry| entry["signed"] = signed);
        } => "mia acts on a statement of ``", "not this person's statement";
        "one for another act", |night| {
            night.opens("mia", "INC-2");
            night.changes(night.last(), |entry| entry["kind"] = json!("incident.noted"));
            night.changes(night.last(), |entry| entry["text"] = json!("look"));
        } => "`open-incident` was signed, incident.noted recorded", "`open-incident` was signed, and incident.noted is recorded";
        "one whose nonce is repeated wrongly", |night| {
            night.opens("mia", "INC-2");
            night.changes(night.last(), |entry| entry["signed"]["nonce"] = json!("AAAAAAAAAAAAAAAAAAAAAA"));
        } => "the statement's nonce is repeated wrongly", "nonce or time are repeated wrongly";
        "one whose time is repeated wrongly", |night| {
            night.opens("mia", "INC-2");
            night.changes(night.last(), |entry| entry["signed"]["at"] = json!("2026-11-23T02:00:00.000Z"));
        } => "the statement's time is repeated wrongly", "nonce or time are repeated wrongly";
    });
}

#[test]
fn words_and_deeds_agree() {
    each_is_found(forgeries! {
        "a request for another right", |night| {
            night.asks("G-1", "drop-db");
            night.changes(night.last(), |entry| entry["right"] = json!("read-secrets"));
        } => "`right: drop-db` was signed, and read-secrets recorded", "`right: drop-db` was signed";
        "a request for longer", |night| {
            night.asks_but("G-1", "drop-db", json!({"length_ms": 601_000}));
        } => "`length_ms` was signed as 600000, and 601000 recorded", "`for: 600` was signed, and 601000 is recorded";
        "a request that is held and was not to be", |night| {
            night.asks_but("G-1", "drop-db", json!({"held": true}));
        } => "`held` was signed as false, and true recorded", "`held: no` was signed, and True is recorded";
        "a request without its words", |night| {
            night.asks_but("G-1", "drop-db", json!({"sentence": null, "reason": null}));
        } => "the grant.requested has no `sentence`", "the grant.requested has no `sentence`";
        "a request in somebody else's name", |night| {
            night.asks_but("G-1", "drop-db", json!({"person": "leon"}));
        } => "mia asks for G-1 in the name of leon", "in another's name";
        "a request by the same name", |night| {
            night.asks("G-1", "drop-db");
            night.asks("G-1", "drop-db");
        } => "G-1 is asked for a second time", "G-1 is asked for twice";
        "an incident that is worse", |night| {
            night.opens("mia", "INC-2");
            night.changes(night.last(), |entry| entry["severity"] = json!("sev1"));
        } => "`severity: sev2` was signed, and sev1 recorded", "`severity: sev2` was signed, and sev1 is recorded";
        "a note that says something else", |night| {
            night.does_note("eve", "it is the worker");
            night.changes(night.last(), |entry| entry["text"] = json!("it was mia"));
        } => "`text: it is the worker` was signed, and it was mia recorded", "`text: it is the worker` was signed";
        "a freeze of somebody else", |night| {
            night.about("leon", "person.frozen", "eve");
            night.changes(night.last(), |entry| entry["person"] = json!("mia"));
        } => "`person: eve` was signed, and mia recorded", "`person: eve` was signed, and mia is recorded";
        "a note nobody signed", |night| {
            night.does_note("eve", "it is the worker");
            night.leaves_out("signed");
        } => "incident.noted by eve bears no statement of theirs", "incident.noted by eve without a statement";
        "time that goes back", |night| {
            night.does_note("eve", "it is the worker");
            night.changes(night.last(), |entry| entry["at"] = json!("2026-11-23T01:00:00.000Z"));
        } => "lies before", "time goes back";
        "a place that is not the next", |night| {
            night.does_note("eve", "it is the worker");
            night.changes(night.last(), |entry| entry["index"] = json!(99));
        } => "it calls itself entry 99", "not the next entry";
    });
}
