//! Credentials and endings that do not belong to a grant as it was asked for.

use breakglass_proto::statement::Act;
use serde_json::json;

use crate::forgery::{each_is_found, forgeries};
use crate::night::with;

#[test]
fn a_credential_is_that_of_its_grant_and_holder() {
    each_is_found(forgeries! {
        "for another right", |night| {
            let of = night.approved("G-1");
            night.issues_but("mia", &of, json!({"right": "restart"}));
        } => "G-1 was asked for with `right: drop-db`, and credential.issued says restart", "another right";
        "under another incident", |night| {
            let of = night.approved("G-1");
            night.issues_but("mia", &of, json!({"incident": "INC-99"}));
        } => "G-1 was asked for with `incident: INC-1`", "another incident";
        "for another audience", |night| {
            let of = night.approved("G-1");
            night.issues_but("mia", &of, json!({"audience": "https://vault.example"}));
        } => "the credential says `audience: https://vault.example`", "another audience than G-1";
        "for another key", |night| {
            let of = night.approved("G-1");
            let key = night.key("leon").id();
            night.issues_but("mia", &of, json!({"key": key}));
        } => "the credential says `key: ", "another key than G-1";
        "by somebody else", |night| {
            let of = night.approved("G-1");
            night.issues_but("leon", &of, json!({}));
        } => "credential.issued of G-1 is by leon, and it is of mia", "G-1 is not of leon";
        "by somebody nobody knows", |night| {
            let of = night.approved("G-1");
            night.issues_but("mallory", &of, json!({}));
        } => "mallory is not in the policy in force", "mallory is not in the policy";
        "twice by one name", |night| {
            let of = night.approved("G-1");
            night.issues(&of);
            night.issues(&of);
        } => "the credential says `credential: G-1.1`, and under G-1 it is G-1.2", "the credential is not G-1.2";
        "without an end", |night| {
            let of = night.approved("G-1");
            night.issues_but("mia", &of, json!({"expires_at": null}));
        } => "the credential.issued has no `expires_at`", "the credential.issued has no `expires_at`";
        "past the end of its grant", |night| {
            let of = night.approved("G-1");
            let but = json!({"expires_at": night.minutes(60)});
            night.issues_but("mia", &of, but);
        } => "after its grant at", "the credential outlives its grant";
        "while the request waits", |night| {
            let of = night.asks("G-1", "drop-db");
            night.issues(&of);
        } => "credential.issued of G-1, which waits", "G-1 is not active";
        "after the grant's time", |night| {
            let of = night.approved("G-1");
            night.minutes_pass(30);
            night.issues(&of);
        } => "credential.issued of G-1, whose time ran out", "G-1 is not active";
        "after the ending", |night| {
            let of = night.approved("G-1");
            night.minutes_pass(30);
            night.ends(&of, "expired");
            night.issues(&of);
        } => "G-1 has ended before", "G-1 does not live";
        "without a grant", |night| {
            night.issues(&json!({"grant": "G-9", "person": "mia", "right": "drop-db", "incident": "INC-1"}));
        } => "G-9 was never asked for", "G-9 does not live";
        "a line that two readers read differently", |night| {
            let of = night.approved("G-1");
            night.issues(&of);
            let last = night.last();
            night.lines[last] = night.lines[last].replace(r#""right":"#, r#""right":"restart","right":"#);
        } => "it has `right` twice", "a name occurs twice";
    });
}

#[test]
fn what_ends_ends_once_and_for_a_reason_that_is_there() {
    each_is_found(forgeries! {
        "twice", |night| {
            let of = night.approved("G-1");
            night.minutes_pass(30);
            night.ends(&of, "expired");
            night.ends(&of, "expired");
        } => "G-1 has ended before", "G-1 does not live";
        "expired before its time", |night| {
            let of = night.approved("G-1");
            night.ends(&of, "expired");
        } => "G-1 ends as expired by breakglass", "G-1 cannot end as expired";
        "lapsed before its time", |night| {
            let of = night.asks("G-1", "drop-db");
            night.ends(&of, "lapsed");
        } => "G-1 ends as lapsed by breakglass", "G-1 cannot end as lapsed";
        "revoked by nobody", |night| {
            let of = night.approved("G-1");
            night.ends(&of, "revoked");
        } => "grant.ended by breakglass bears no statement", "without a statement";
        "revoked by somebody without the duty", |night| {
            let of = night.approved("G-1");
            let act = Act::Revoke { grant: "G-1".into(), reason: "no".into() };
            night.ends_signed("eve", act, &of, "revoked", "no");
        } => "G-1 ends as revoked by eve", "G-1 cannot end as revoked by eve";
        "denied by somebody who is no approver", |night| {
            let of = night.asks("G-1", "drop-db");
            let act = Act::Deny { grant: "G-1".into(), reason: "no".into() };
            night.ends_signed("eve", act, &of, "denied", "no");
        } => "G-1 ends as denied by eve", "G-1 cannot end as denied by eve";
        "dropped by somebody else", |night| {
            let of = night.approved("G-1");
            let body = with(of, json!({"ending": "dropped"}));
            night.does("leon", Act::Drop { grant: "G-1".into() }, "grant.ended", body);
        } => "G-1 ends as dropped by leon", "G-1 cannot end as dropped by leon";
        "abandoned where nobody had to hold it", |night| {
            let of = night.approved("G-1");
            night.ends(&of, "abandoned");
        } => "G-1 ends as abandoned by breakglass", "G-1 cannot end as abandoned";
        "because somebody left who has not", |night| {
            let of = night.approved("G-1");
            night.ends(&of, "person-left");
        } => "no policy was loaded just then that would take mia away", "no policy was loaded";
        "because its incident closed, which has time", |night| {
            let of = night.approved("G-1");
            night.ends(&of, "incident-closed");
        } => "G-1 ends as incident-closed by breakglass", "G-1 cannot end as incident-closed";
    });
}

#[test]
fn an_incident_closes_with_all_that_is_under_it() {
    each_is_found(forgeries! {
        "and a grant lives on", |night| {
            night.approved("G-1");
            night.closes("leon", &[]);
        } => "INC-1 is closed, and G-1 under it lives on", "INC-1 is closed, and ['G-1'] live";
        "in words only", |night| {
            let (one, other) = (night.approved("G-1"), night.approved("G-2"));
            let act = Act::CloseIncident { incident: "INC-1".into(), reason: "over".into() };
            night.ends_signed("leon", act, &one, "incident-closed", "over");
            night.issues(&other);
        } => "`close-incident` was signed in entry 13, and incident.closed of INC-1 does not follow", "`close-incident` was signed before, and incident.closed did not follow";
        "by the broker itself, before its time", |night| {
            night.by_broker("incident.closed", json!({"incident": "INC-1", "reason": "it reached its longest time"}));
        } => "INC-1 is closed by the broker itself before its time ran out", "INC-1 is closed by the broker before its time";
        "by somebody without the duty", |night| {
            night.closes("eve", &[]);
        } => "to whom the policy in force does not give `close_incidents`", "eve has not the duty `close_incidents`";
        "for another reason than was signed", |night| {
            let of = night.approved("G-1");
            night.closes("leon", &[&of]);
            night.changes(night.last(), |entry| entry["reason"] = json!("whatever"));
        } => "`reason: over` was signed, and whatever recorded", "`reason: over` was signed";
        "a minute later", |night| {
            let of = night.approved("G-1");
            let act = Act::CloseIncident { incident: "INC-1".into(), reason: "over".into() };
            night.ends_signed("leon", act, &of, "incident-closed", "over");
            night.adds("incident.closed", "leon", json!({"incident": "INC-1", "reason": "over"}), None);
        } => "incident.closed of INC-1 does not follow", "incident.closed did not follow";
        "twice", |night| {
            night.closes("leon", &[]);
            night.closes("leon", &[]);
        } => "INC-1 is closed and was not open", "INC-1 is closed, and was not open";
        "and is opened again", |night| {
            night.closes("leon", &[]);
            night.opens("leon", "INC-1");
        } => "INC-1 is opened a second time", "INC-1 is opened twice";
        "and somebody asks under it", |night| {
            night.closes("leon", &[]);
            night.asks("G-1", "drop-db");
        } => "G-1 is asked for, and INC-1 is not open", "INC-1 is not open";
    });
}
