//! Grants that last longer than they may.

use breakglass_proto::statement::Act;
use serde_json::json;

use crate::forgery::{each_is_found, forgeries};

#[test]
fn no_grant_lasts_longer_than_asked_agreed_allowed_or_its_incident() {
    each_is_found(forgeries! {
        "the fast path for ten years", |night| {
            let of = night.asks("G-1", "restart");
            night.begins_at_once(&of, json!({"ends_at": "2036-11-23T02:20:00.000Z"}));
        } => "G-1 is to end at 2036-11-23T02:20:00Z, and may last until", "G-1 lasts longer than it may";
        "a yes to longer than was asked for", |night| {
            let of = night.asks("G-1", "drop-db");
            let but = json!({"ends_at": night.minutes(25)});
            let latest = night.minutes(60).parse().unwrap();
            night.approves_but("leon", &of, but, |act| {
                if let Act::Approve { until, .. } = act { *until = latest; }
            });
        } => "and may last until", "G-1 lasts longer than it may";
        "an end after the one agreed to", |night| {
            let of = night.asks("G-1", "drop-db");
            let but = json!({"ends_at": night.minutes(9)});
            let latest = night.minutes(5).parse().unwrap();
            night.approves_but("leon", &of, but, |act| {
                if let Act::Approve { until, .. } = act { *until = latest; }
            });
        } => "yes was said until", "G-1 lasts longer than it may";
        "no end at all", |night| {
            let of = night.asks("G-1", "drop-db");
            night.approves_but("leon", &of, json!({"ends_at": null}), |_| {});
        } => "the grant.started has no `ends_at`", "the grant.started has no `ends_at`";
        "an end that is no time", |night| {
            let of = night.asks("G-1", "drop-db");
            night.approves_but("leon", &of, json!({"ends_at": "later"}), |_| {});
        } => "the `ends_at` of the grant.started cannot be read", "later is no time";
        "a self-grant for longer than the rule allows", |night| {
            let of = night.asks("G-1", "drop-db");
            night.minutes_pass(10);
            let but = json!({"ends_at": night.minutes(11)});
            night.begins_alone(&of, but);
        } => "and may last until", "G-1 lasts longer than it may";
        "a yes after the request lapsed", |night| {
            let of = night.asks("G-1", "drop-db");
            night.minutes_pass(60);
            night.approves(&of);
        } => "G-1 begins after it lapsed", "G-1 begins, and does not wait";
        "a request that waits longer than its incident", |night| {
            let but = json!({"lapses_at": night.minutes(600)});
            night.asks_but("G-1", "drop-db", but);
        } => "G-1 is to wait longer than its incident lasts", "G-1 waits longer than its incident lasts";
        "a request after the incident's time", |night| {
            night.minutes_pass(480);
            night.asks("G-1", "drop-db");
        } => "the time of INC-1 ran out", "INC-1 is not open";
        "an incident that lasts longer than the policy allows", |night| {
            night.opens("leon", "INC-2");
            let later = night.minutes(2_000);
            night.changes(night.last(), |entry| entry["closes_at"] = json!(later));
        } => "INC-2 is to close at", "INC-2 lasts longer than the policy allows";
    });
}

#[test]
fn more_time_is_what_was_signed_by_who_may() {
    each_is_found(forgeries! {
        "ten years on a minute's word", |night| {
            let of = night.approved("G-1");
            night.extends("leon", &of, 60, "2036-11-23T02:20:00.000Z".into());
        } => "G-1 is extended to 2036-11-23T02:20:00Z, and may last until", "G-1 lasts longer than it may";
        "more than the policy allows", |night| {
            let of = night.approved("G-1");
            let ends_at = night.minutes(40);
            night.extends("leon", &of, 36_000, ends_at);
        } => "and may last until", "G-1 lasts longer than it may";
        "the holder alone where somebody else said yes", |night| {
            let of = night.approved("G-1");
            let ends_at = night.minutes(15);
            night.extends("mia", &of, 600, ends_at);
        } => "mia extended G-1 alone, which somebody else approved", "mia may not extend G-1";
        "somebody who is no approver", |night| {
            let of = night.approved("G-1");
            let ends_at = night.minutes(15);
            night.extends("eve", &of, 600, ends_at);
        } => "eve, who is not among the approvers of G-1", "eve may not extend G-1";
        "somebody else on the fast path", |night| {
            let of = night.asks("G-1", "restart");
            night.begins_at_once(&of, json!({}));
            let ends_at = night.minutes(10);
            night.extends("leon", &of, 120, ends_at);
        } => "leon extended G-1 of mia", "leon may not extend G-1";
        "a self-grant past its shorter time", |night| {
            let of = night.asks("G-1", "drop-db");
            night.minutes_pass(10);
            night.begins_alone(&of, json!({}));
            let ends_at = night.minutes(12);
            night.extends("mia", &of, 600, ends_at);
        } => "and may last until", "G-1 lasts longer than it may";
        "what is over", |night| {
            let of = night.approved("G-1");
            night.minutes_pass(30);
            let ends_at = night.minutes(5);
            night.extends("leon", &of, 3_000, ends_at);
        } => "grant.extended of G-1, whose time ran out", "G-1 is not active";
        "what waits", |night| {
            let of = night.asks("G-1", "drop-db");
            let ends_at = night.minutes(5);
            night.extends("leon", &of, 300, ends_at);
        } => "grant.extended of G-1, which waits", "G-1 is not active";
    });
}
