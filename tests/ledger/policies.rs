//! What the policy in force does not give.

use serde_json::json;

use crate::forgery::{each_is_found, forgeries};
use crate::night::POLICY;

#[test]
fn what_is_asked_for_is_what_the_policy_gives() {
    each_is_found(forgeries! {
        "approvers from nowhere", |night| {
            night.asks_but("G-1", "drop-db", json!({"approvers": ["eve"]}));
        } => "G-1 is asked for with `approvers: eve`, and the policy in force says leon", "the policy says `approvers: ['leon']`";
        "oneself among them", |night| {
            night.asks_but("G-1", "drop-db", json!({"approvers": ["leon", "mia"]}));
        } => "`approvers: leon, mia`", "the policy says `approvers: ['leon']`";
        "nobody to ask", |night| {
            night.asks_but("G-1", "drop-db", json!({"approvers": []}));
        } => "`approvers: nobody`", "the policy says `approvers: ['leon']`";
        "a high risk called low", |night| {
            night.asks_but("G-1", "drop-db", json!({"risk": "low"}));
        } => "`risk: low`, and the policy in force says high", "the policy says `risk: high`";
        "another rule", |night| {
            night.asks_but("G-1", "drop-db", json!({"rule": "alone"}));
        } => "`rule: alone`, and the policy in force says database", "the policy says `rule: database`";
        "another audience", |night| {
            night.asks_but("G-1", "drop-db", json!({"audience": "https://vault.example"}));
        } => "`audience: https://vault.example`", "the policy says `audience: https://db.example`";
        "another key than the one that signed", |night| {
            let key = night.key("leon").id();
            night.asks_but("G-1", "drop-db", json!({"key": key}));
        } => "G-1 is bound to another key than the one that signed", "for another's key";
        "a self-grant where the rule has none", |night| {
            let alone = json!({"from": night.minutes(10), "longest_ms": 600_000});
            night.asks_but("G-1", "read-secrets", json!({"self_grant": alone}));
        } => "G-1 allows a self-grant that the policy in force does not", "G-1 allows a self-grant that the policy does not";
        "a self-grant at once", |night| {
            let alone = json!({"from": night.minutes(1), "longest_ms": 600_000});
            night.asks_but("G-1", "drop-db", json!({"self_grant": alone}));
        } => "G-1 allows a self-grant that the policy in force does not", "G-1 allows a self-grant that the policy does not";
        "a right the person is not given", |night| {
            night.loads(&POLICY.replace(r#"rights = ["drop-db"]"#, r#"rights = ["read-secrets"]"#));
            night.asks("G-1", "drop-db");
        } => "the policy in force does not give mia the right drop-db", "the policy does not give mia drop-db";
        "before any policy", |night| {
            *night = crate::night::Night::before();
            night.enrols("mia");
            night.opens("mia", "INC-1");
        } => "to whom the policy in force does not give `open_incidents`", "mia has not the duty `open_incidents`";
    });
}

#[test]
fn what_a_policy_takes_away_is_gone_with_it() {
    each_is_found(forgeries! {
        "a policy with another hash", |night| {
            night.loads(POLICY);
            night.changes(night.last(), |entry| entry["text"] = json!(POLICY.replace("30m", "12h")));
        } => "the policy's text has another hash", "the policy has another hash";
        "a policy that cannot be read", |night| {
            night.loads("version = 1\n[people");
        } => "the policy cannot be read: this is not TOML", "it cannot be read";
        "a grant that it does not give lives on", |night| {
            night.approved("G-1");
            night.loads(&POLICY.replace(r#"rights = ["drop-db"]"#, r#"rights = ["read-secrets"]"#));
            night.does_note("leon", "look");
        } => "G-1 lives on, and the policy loaded before does not give it any more", "G-1 lives on, and the policy does not give it";
        "somebody it does not name keeps a key", |night| {
            let start = POLICY.find("[people.eve]").unwrap();
            let end = POLICY.find("[targets.web-1]").unwrap();
            night.loads(&format!("{}{}", &POLICY[..start], &POLICY[end..]));
            night.does_note("leon", "look");
        } => "eve is not removed, and the policy loaded before does not name them any more", "eve is not removed, and not in the policy";
        "a fast path where the only one to ask is the holder", |night| {
            night.loads(&POLICY.replacen("approvers = []", "approvers = [\"mia\"]", 1));
            let of = night.asks("G-1", "restart");
            night.begins_at_once(&of, json!({}));
        } => "G-1 began without a yes, and needed one", "G-1 needs a yes";
        "a yes under another rule", |night| {
            let of = night.asks("G-1", "drop-db");
            night.loads(&POLICY.replace(r#"name = "database""#, r#"name = "database-2""#));
            night.approves(&of);
        } => "G-1 was asked for under the rule database", "the policy does not give G-1 any more";
        "an incident by somebody without the duty", |night| {
            night.opens("eve", "INC-2");
        } => "incident.opened is by eve, to whom the policy in force does not give `open_incidents`", "eve has not the duty `open_incidents`";
        "an invitation of somebody it does not name", |night| {
            night.invites("mallory");
        } => "mallory is invited and not in the policy", "mallory is not in the policy";
        "a copy for somebody without the duty", |night| {
            night.adds("ledger.exported", "eve", json!({"from": 0, "to": 9}), None);
        } => "does not give `export_ledger`", "eve has not the duty `export_ledger`";
        "a policy by somebody on the team", |night| {
            night.loads(POLICY);
            night.changes(night.last(), |entry| entry["by"] = json!("leon"));
        } => "no policy.loaded is ever by leon", "no policy.loaded is ever by leon";
    });
}
