//! AWS keeps what it gave: the closing does not say less than that.

use breakglass_tests::Playground;
use breakglass_tests::playground::Rules;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::policy;

const ROLE: &str = "arn:aws:iam::123456789012:role/shop-deploy";

/// Mia may deploy with AWS without anybody's yes.
fn night() -> Playground {
    let ways = format!(
        "[rights.deploy-aws]\nsentence = \"deploy with AWS\"\nrisk = \"low\"\nlongest = \"30m\"\n\
         audience = \"aws:shop-deploy\"\n[rights.deploy-aws.aws]\nrole_arn = \"{ROLE}\"\n"
    );
    let playground = Playground::with(Rules {
        policy: Some(policy("\"deploy-aws\"", &ways)),
        ..Rules::default()
    });
    playground.opens("the worker floods");
    playground
}

/// A grant with a token under it, and when the token ends.
fn has_a_token(playground: &Playground, right: &str) -> (String, Timestamp) {
    let asked = playground.done("mia", &["-o", "json", "request", right, "-m", "roll back"]);
    let grant = asked.json()["id"].as_str().unwrap().to_owned();
    let words = ["-o", "json", "credential", "jwt", "--grant", &grant];
    let token = playground.done("mia", &words).json();
    (grant, time(&token["expires_at"]))
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn a_closing_says_how_long_aws_may_keep_a_session() {
    let playground = night();
    has_a_token(&playground, "deploy-shop");
    let (grant, token_ends) = has_a_token(&playground, "deploy-aws");
    let words = ["-o", "json", "incident", "close", "-m", "done"];
    let closed = playground.done("leon", &words);
    let kept = closed.json()["kept"].clone();
    assert_eq!(kept.as_array().unwrap().len(), 1, "{closed}");
    assert_eq!(
        (&kept[0]["grant"], &kept[0]["role_arn"]),
        (&grant.into(), &ROLE.into())
    );
    // The token can be traded until it ends, and what it is traded for lives an hour.
    let expires_by = token_ends + SignedDuration::from_hours(1);
    assert_eq!(time(&kept[0]["expires_by"]), expires_by, "{closed}");
}

#[test]
fn nobody_reads_that_it_was_revoked() {
    let playground = night();
    let (grant, _) = has_a_token(&playground, "deploy-aws");
    let closed = playground.done("leon", &["incident", "close", "-m", "done"]);
    let line = format!("  {grant}: what AWS may have given mia for it, {ROLE}, expires by ");
    assert!(closed.out.contains(&line), "{closed}");
    assert!(!closed.out.contains("revoked"), "{closed}");
}
