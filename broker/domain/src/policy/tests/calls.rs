//! Rules that ask for a call.

use super::{parsed, person};
use crate::policy::{Policy, STARTER};

/// The starter, with another way in for the founder.
fn founder(approvers: &str, call: &str) -> String {
    let from = "approvers = []\ncall = [\"job:engineer\"]";
    assert!(STARTER.contains(from));
    STARTER.replace(from, &format!("approvers = [{approvers}]\n{call}"))
}

fn explained(text: &str) -> String {
    let right = "restart-worker".parse().expect("an id");
    let verdict = parsed(text).verdict(&person("founder"), &right);
    verdict.expect("both are known").explanation
}

fn refused(text: &str) -> String {
    let error = Policy::parse("policy.toml", text).expect_err("it means nothing");
    error.to_string()
}

#[test]
fn it_says_with_whom() {
    assert_eq!(
        explained(STARTER),
        "Founder can restart the background worker for up to 15m after a call with Leon or Mia \
         and a note in the incident (rule founder-unlock)."
    );
    assert_eq!(
        explained(&founder("\"support\"", "call = [\"mia\"]")),
        "Founder can restart the background worker for up to 15m if Support approves, after a \
         call with Mia and a note in the incident (rule founder-unlock)."
    );
}

#[test]
fn it_says_where_there_is_nobody() {
    let alone = founder("", "call = [\"founder\"]");
    assert_eq!(
        explained(&alone),
        "Founder cannot restart the background worker: it needs a call, and nobody else could \
         have it (rule founder-unlock)."
    );
    let warnings = parsed(&alone).warnings();
    assert_eq!(
        warnings,
        [
            "rule founder-unlock: nobody but Founder could have the call that Founder needs, so \
             every request is refused"
        ]
    );
    let unheard = founder("\"founder\"", "call = [\"mia\"]");
    assert!(explained(&unheard).contains("nobody else may approve it"));
}

#[test]
fn a_high_risk_may_go_by_a_call_alone() {
    let from = "rights = [\"revert-config\", \"restart-worker\"]\napprovers = []";
    let risky = STARTER.replace(from, "rights = [\"read-secrets\"]\napprovers = []");
    assert_ne!(risky, STARTER);
    parsed(&risky);
    let silent = risky.replace("\ncall = [\"job:engineer\"]", "");
    assert!(refused(&silent).contains("asks nobody, and `read-secrets` is a high risk"));
}

#[test]
fn what_means_nothing_is_refused() {
    let empty = refused(&founder("", "call = []"));
    assert!(
        empty.contains("`call` of rule `founder-unlock` is empty, so no call would do"),
        "{empty}"
    );
    let unknown = refused(&founder("", "call = [\"job:engineers\"]"));
    assert!(
        unknown.contains("which the policy does not know"),
        "{unknown}"
    );
    let alone = "call = [\"mia\"]\nif_nobody_answers = \"self-grant\"\n\
                 self_grant_after = \"5m\"\nself_grant_longest = \"5m\"";
    let both = refused(&founder("\"mia\"", alone));
    assert!(
        both.contains("rule `founder-unlock` asks for a call, and allows to begin alone"),
        "{both}"
    );
    parsed(&founder(
        "",
        "call = [\"mia\"]\nif_nobody_answers = \"deny\"",
    ));
}
