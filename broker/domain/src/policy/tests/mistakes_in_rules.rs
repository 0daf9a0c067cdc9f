//! Typical slips in rules, and exactly what their author reads.

use super::told;

#[test]
fn a_right_nobody_defined() {
    told(
        "[\"migrate-shop-db\"]",
        "[\"migrate-shop-bd\"]",
        r#"
error: rule `database` gives the right `migrate-shop-bd`, which is not defined
   --> policy.toml:113:11
    |
113 | rights = ["migrate-shop-bd"]
    |           ^^^^^^^^^^^^^^^^^ not in `rights`
    |
    = help: did you mean `migrate-shop-db`?
"#,
    );
}

#[test]
fn approvers_are_never_left_out() {
    told(
        "approvers = []\n",
        "",
        r#"
error: rule `engineers-fix` has no `approvers`
   --> policy.toml:103:1
    |
103 | [[rules]]
    | ^^^^^^^^^ `approvers` is missing
    |
    = help: add `approvers = ["founder"]`
"#,
    );
}

#[test]
fn a_high_risk_needs_an_approver() {
    told(
        "rights = [\"deploy-shop\", \"revert-config\"",
        "rights = [\"deploy-shop\", \"read-secrets\"",
        r#"
error: rule `engineers-fix` asks nobody, and `read-secrets` is a high risk
   --> policy.toml:107:13
    |
107 | approvers = []
    |             ^^ nobody approves
    |
    = help: name who may approve, for example `approvers = ["founder"]`
"#,
    );
}

#[test]
fn a_person_nobody_knows_and_a_job_without_its_prefix() {
    told(
        "who = [\"founder\"]",
        "who = [\"fonder\", \"engineer\", \"job:design\"]",
        r#"
error: `who` of rule `founder-unlock` names `fonder`, which the policy does not know
   --> policy.toml:131:8
    |
131 | who = ["fonder", "engineer", "job:design"]
    |        ^^^^^^^^ not in `people`
    |
    = help: did you mean `founder`?

error: `who` of rule `founder-unlock` names `engineer`, which the policy does not know
   --> policy.toml:131:18
    |
131 | who = ["fonder", "engineer", "job:design"]
    |                  ^^^^^^^^^^ not in `people`
    |
    = help: did you mean `job:engineer`?

error: `who` of rule `founder-unlock` names `job:design`, which the policy does not know
   --> policy.toml:131:30
    |
131 | who = ["fonder", "engineer", "job:design"]
    |                              ^^^^^^^^^^^^ nobody has this job
    |
    = help: did you mean `job:designer`?
"#,
    );
}

#[test]
fn a_rule_for_nobody() {
    told(
        "who = [\"founder\"]",
        "who = []",
        r#"
error: `who` of rule `founder-unlock` is empty, so the rule gives nothing
   --> policy.toml:131:7
    |
131 | who = []
    |       ^^ empty
    |
    = help: name people, or remove the rule
"#,
    );
}

#[test]
fn a_self_grant_says_when() {
    told(
        "self_grant_after = \"10m\"\n",
        "",
        r#"
error: rule `database` has no `self_grant_after`
   --> policy.toml:110:1
    |
110 | [[rules]]
    | ^^^^^^^^^ `self_grant_after` is missing
    |
    = help: add `self_grant_after = "10m"`
"#,
    );
}

#[test]
fn a_self_grant_comes_before_the_request_lapses() {
    told(
        "self_grant_after = \"10m\"",
        "self_grant_after = \"15m\"",
        r#"
error: `self_grant_after` of rule `database` is 15m, and a request lapses after 15m
   --> policy.toml:117:20
    |
117 | self_grant_after = "15m"
    |                    ^^^^^ must be less than 15m
    |
    = help: write less, or a longer `lapses_after`: a self-grant needs a request that still waits
"#,
    );
}

#[test]
fn a_self_grant_is_shorter_than_an_approved_one() {
    told(
        "self_grant_longest = \"10m\"",
        "self_grant_longest = \"30m\"",
        r#"
error: a self-grant of 30m is not shorter than `migrate-shop-db` with an approver
   --> policy.toml:118:22
    |
118 | self_grant_longest = "30m"
    |                      ^^^^^ must be less than 30m
    |
    = help: write less: what somebody begins alone is to be over sooner
"#,
    );
}

#[test]
fn leftovers_of_a_self_grant() {
    told(
        "if_nobody_answers = \"self-grant\"\n",
        "",
        r#"
error: `self_grant_after` of rule `database` has no effect: the rule allows no self-grant
   --> policy.toml:116:20
    |
116 | self_grant_after = "10m"
    |                    ^^^^^ has no effect
    |
    = help: remove it, or add `if_nobody_answers = "self-grant"`

error: `self_grant_longest` of rule `database` has no effect: the rule allows no self-grant
   --> policy.toml:117:22
    |
117 | self_grant_longest = "10m"
    |                      ^^^^^ has no effect
    |
    = help: remove it, or add `if_nobody_answers = "self-grant"`
"#,
    );
}

#[test]
fn an_answer_that_is_none() {
    told(
        "if_nobody_answers = \"self-grant\"",
        "if_nobody_answers = \"selfgrant\"",
        r#"
error: `if_nobody_answers` of rule `database` is `selfgrant`
   --> policy.toml:116:21
    |
116 | if_nobody_answers = "selfgrant"
    |                     ^^^^^^^^^^^ not an answer
    |
    = help: did you mean `self-grant`?
"#,
    );
}

#[test]
fn nobody_is_asked_and_does_not_answer() {
    told(
        "approvers = []",
        "approvers = []\nif_nobody_answers = \"self-grant\"\nself_grant_after = \"5m\"\nself_grant_longest = \"5m\"",
        r#"
error: rule `engineers-fix` asks nobody, so there is no answer to wait for
   --> policy.toml:108:21
    |
108 | if_nobody_answers = "self-grant"
    |                     ^^^^^^^^^^^^ has no effect
    |
    = help: remove it, or name approvers
"#,
    );
}

#[test]
fn two_rules_with_one_name() {
    told(
        "name = \"secrets\"",
        "name = \"database\"",
        r#"
error: two rules are called `database`
   --> policy.toml:122:8
    |
122 | name = "database"
    |        ^^^^^^^^^^ a rule above is called so
    |
    = help: give this one another name
"#,
    );
}
