//! Rules that ask others when those they ask first do not answer.

use super::{parsed, person, refused, starter_with, told};
use crate::policy::{Policy, STARTER};
use crate::time::Lifetime;

/// The starter's rule about secrets, with more in it.
fn secrets(more: &str) -> String {
    let rule = "if_nobody_answers = \"deny\"";
    starter_with(rule, &format!("{rule}\n{more}"))
}

const LATER: &str = "escalate_after = \"5m\"\nthen_approvers = [\"support\"]";

fn explained(policy: &Policy, who: &str, right: &str) -> String {
    let right = right.parse().expect("an id");
    let verdict = policy.verdict(&person(who), &right);
    verdict.expect("both are known").explanation
}

#[test]
fn it_says_who_is_asked_after_how_long() {
    let policy = parsed(&secrets(LATER));
    let escalates = policy.rules[2].escalates.clone().expect("it does");
    assert_eq!(escalates.after, Lifetime::from_secs(300));
    assert_eq!(
        policy.then_approvers(&policy.rules[2], &person("mia")),
        [person("support")]
    );
    assert_eq!(
        explained(&policy, "mia", "read-secrets"),
        "Mia can read production secrets for up to 15m if Founder or Leon approves, or Support after \
         5m without an answer (rule secrets)."
    );
    assert_eq!(policy.warnings(), [""; 0]);
}

#[test]
fn it_says_who_begins_alone_when_neither_answers() {
    let rule = "self_grant_after = \"10m\"";
    let policy = parsed(&starter_with(rule, &format!("{rule}\n{LATER}")));
    assert_eq!(
        explained(&policy, "mia", "migrate-shop-db"),
        "Mia can change the shop database for up to 30m if Founder or Leon approves, or Support after \
         5m without an answer; if nobody answers within 10m Mia may start it alone for up to 10m (rule \
         database)."
    );
}

#[test]
fn it_says_it_of_a_call_too() {
    let rule = "approvers = []\ncall = [\"job:engineer\"]";
    let with = format!("approvers = [\"support\"]\ncall = [\"job:engineer\"]\n{LATER}");
    let with = with.replace(
        "then_approvers = [\"support\"]",
        "then_approvers = [\"designer\"]",
    );
    let policy = parsed(&starter_with(rule, &with));
    assert_eq!(
        explained(&policy, "founder", "restart-worker"),
        "Founder can restart the background worker for up to 15m if Support approves, or Designer after \
         5m without an answer, after a call with Leon or Mia and a note in the incident (rule \
         founder-unlock)."
    );
}

/// Leon is the only engineer who is asked first: his own requests go to the founder at once.
#[test]
fn where_nobody_else_is_asked_first_the_others_are_at_once() {
    let text = secrets("escalate_after = \"5m\"\nthen_approvers = [\"founder\"]");
    let rule = "rights = [\"read-secrets\"]\napprovers = [\"job:engineer\", \"founder\"]";
    assert!(text.contains(rule));
    let text = text.replace(rule, "rights = [\"read-secrets\"]\napprovers = [\"leon\"]");
    let policy = parsed(&text);
    assert_eq!(
        explained(&policy, "leon", "read-secrets"),
        "Leon can read production secrets for up to 15m if Founder approves (rule secrets)."
    );
    assert_eq!(policy.warnings(), [""; 0], "somebody can approve for Leon");
}

#[test]
fn nobody_is_given_a_second_turn() {
    let both = "escalate_after = \"5m\"\nthen_approvers = [\"founder\", \"support\"]";
    let policy = parsed(&secrets(both));
    assert_eq!(
        policy.then_approvers(&policy.rules[2], &person("mia")),
        [person("support")]
    );
}

#[test]
fn one_without_the_other_means_nothing() {
    let piece = "if_nobody_answers = \"deny\"";
    told(
        piece,
        "escalate_after = \"5m\"",
        r#"
error: rule `secrets` has `escalate_after`, and no `then_approvers`
   --> policy.toml:LINE:18
    |
LINE | escalate_after = "5m"
    |                  ^^^^ nothing without `then_approvers`
    |
    = help: add `then_approvers = ["founder"]`, or remove it
"#
        .replace("LINE", &line_of(piece))
        .as_str(),
    );
    let only = refused(&secrets("then_approvers = [\"support\"]")).to_string();
    assert!(
        only.contains("has `then_approvers`, and no `escalate_after`"),
        "{only}"
    );
    assert!(
        only.contains("add `escalate_after = \"5m\"`, or remove it"),
        "{only}"
    );
}

fn line_of(piece: &str) -> String {
    let before = STARTER.split(piece).next().expect("split gives one");
    (before.lines().count() + 1).to_string()
}

#[test]
fn who_is_asked_later_needs_time() {
    let late = |after: &str| {
        let later = LATER.replace("5m", after);
        refused(&secrets(&later)).to_string()
    };
    let lapsed = late("15m");
    assert!(
        lapsed
            .contains("`escalate_after` of rule `secrets` is 15m, and a request lapses after 15m"),
        "{lapsed}"
    );
    assert!(lapsed.contains("must be less than 15m"), "{lapsed}");
    parsed(&secrets(&LATER.replace("5m", "14m 59s")));
    let rule = "self_grant_after = \"10m\"";
    let later = LATER.replace("5m", "10m");
    let alone = refused(&starter_with(rule, &format!("{rule}\n{later}"))).to_string();
    assert!(
        alone.contains(
            "`escalate_after` of rule `database` is 10m, and a self-grant is possible after 10m"
        ),
        "{alone}"
    );
}

#[test]
fn it_adds_somebody_to_somebody() {
    let nobody = refused(&secrets(
        "escalate_after = \"5m\"\nthen_approvers = [\"founder\", \"mia\"]",
    ));
    let nobody = nobody.to_string();
    assert!(
        nobody.contains(
            "`then_approvers` of rule `secrets` adds nobody: all of them are asked from the beginning"
        ),
        "{nobody}"
    );
    let empty = refused(&secrets("escalate_after = \"5m\"\nthen_approvers = []")).to_string();
    assert!(
        empty.contains("`then_approvers` of rule `secrets` is empty, so nobody is asked later"),
        "{empty}"
    );
    let first = "rights = [\"deploy-shop\", \"revert-config\", \"restart-worker\"]\napprovers = []";
    let unasked = refused(&starter_with(first, &format!("{first}\n{LATER}"))).to_string();
    assert!(
        unasked.contains("rule `engineers-fix` asks nobody first, so nobody is asked after them"),
        "{unasked}"
    );
}

#[test]
fn a_slip_is_named_once() {
    let later = LATER.replace("support", "suport");
    let unknown = refused(&secrets(&later)).to_string();
    assert!(unknown.contains("did you mean `support`?"), "{unknown}");
    assert!(!unknown.contains("adds nobody"), "{unknown}");
    let wrong = refused(&secrets(&LATER.replace("\"5m\"", "5"))).to_string();
    assert!(
        wrong.contains("holds a number where a text belongs"),
        "{wrong}"
    );
}
