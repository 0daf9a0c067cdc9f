//! What the policy says it means.

use super::{parsed, person, starter_with};
use crate::id::RightId;
use crate::policy::{Policy, STARTER};

/// Two on call, one of them alone with the database; and what the rule says if nobody answers.
fn pair(approvers: &str, if_nobody_answers: &str) -> Policy {
    parsed(&format!(
        "version = 1\n\
         [people.mia]\nname = \"Mia\"\njob = \"engineer\"\n\
         [people.sam]\nname = \"Sam\"\njob = \"support\"\n\
         [rights.migrate-shop-db]\nsentence = \"change the shop database\"\n\
         risk = \"high\"\nlongest = \"30m\"\naudience = \"db\"\n\
         [[rules]]\nname = \"database\"\nwho = [\"mia\"]\nrights = [\"migrate-shop-db\"]\n\
         approvers = [{approvers}]\n{if_nobody_answers}\n\
         [duties]\nopen_incidents = [\"mia\"]\nclose_incidents = [\"mia\"]\n"
    ))
}

const SELF_GRANT: &str = "if_nobody_answers = \"self-grant\"\nself_grant_after = \"5m\"\n\
                          self_grant_longest = \"10m\"";

fn right(id: &str) -> RightId {
    id.parse().expect("a proper id")
}

fn explained(policy: &Policy, who: &str, what: &str) -> String {
    let verdict = policy.verdict(&person(who), &right(what));
    verdict.expect("both are known").explanation
}

#[test]
fn a_right_that_needs_nobody() {
    assert_eq!(
        explained(&parsed(STARTER), "mia", "deploy-shop"),
        "Mia can deploy the shop app for up to 30m; no approval needed (rule engineers-fix)."
    );
}

#[test]
fn a_right_on_somebodys_word() {
    assert_eq!(
        explained(&parsed(STARTER), "mia", "read-secrets"),
        "Mia can read production secrets for up to 15m if Founder or Leon approves (rule secrets)."
    );
    assert_eq!(
        explained(&pair("\"sam\"", ""), "mia", "migrate-shop-db"),
        "Mia can change the shop database for up to 30m if Sam approves (rule database)."
    );
}

#[test]
fn a_right_on_the_word_of_one_of_many() {
    let text = STARTER.replace(
        "\"founder\"]\nif_nobody",
        "\"founder\", \"support\"]\nif_nobody",
    );
    assert_eq!(
        explained(&parsed(&text), "leon", "read-secrets"),
        "Leon can read production secrets for up to 15m if Founder, Mia or Support approves \
         (rule secrets)."
    );
}

#[test]
fn a_right_that_may_be_begun_alone() {
    assert_eq!(
        explained(&parsed(STARTER), "mia", "migrate-shop-db"),
        "Mia can change the shop database for up to 30m if Founder or Leon approves; if nobody \
         answers within 10m they may start it alone for up to 10m (rule database)."
    );
}

#[test]
fn a_right_no_rule_gives() {
    let policy = parsed(STARTER);
    assert_eq!(
        explained(&policy, "designer", "deploy-shop"),
        "Designer cannot deploy the shop app: no rule gives it."
    );
    let verdict = policy.verdict(&person("designer"), &right("deploy-shop"));
    let verdict = verdict.expect("both are known");
    assert_eq!((verdict.rule, verdict.approvers), (None, vec![]));
}

#[test]
fn a_right_nobody_else_may_approve() {
    assert_eq!(
        explained(&pair("\"job:engineer\"", ""), "mia", "migrate-shop-db"),
        "Mia cannot change the shop database: nobody else may approve it, and nobody approves \
         their own request (rule database)."
    );
    assert_eq!(
        explained(
            &pair("\"job:engineer\"", SELF_GRANT),
            "mia",
            "migrate-shop-db"
        ),
        "Mia can change the shop database for up to 10m, alone and 5m after asking, because nobody \
         else may approve it (rule database)."
    );
}

#[test]
fn strangers_and_unknown_rights_have_no_verdict() {
    let policy = parsed(STARTER);
    assert_eq!(policy.can(&person("nobody")), None);
    assert_eq!(
        policy.verdict(&person("nobody"), &right("deploy-shop")),
        None
    );
    assert_eq!(policy.verdict(&person("mia"), &right("no-such")), None);
}

#[test]
fn a_person_has_a_verdict_for_each_right_and_their_duties() {
    let can = parsed(STARTER).can(&person("support")).expect("known");
    assert_eq!((can.name.as_str(), can.verdicts.len()), ("Support", 5));
    assert_eq!(can.duties, ["open incidents"]);
    let can = parsed(STARTER).can(&person("founder")).expect("known");
    assert_eq!(can.duties.len(), crate::policy::Duties::FIELDS.len());
}

#[test]
fn the_whole_policy_in_sentences() {
    let told = pair("\"sam\"", SELF_GRANT).describe();
    let expected = "\
Everybody named here can read everything and add notes.

Mia (mia, engineer)
  Mia can change the shop database for up to 30m if Sam approves; if nobody answers within 5m they \
may start it alone for up to 10m (rule database).
  Mia can also open incidents and close incidents.

Sam (sam, support)
  Sam cannot change the shop database: no rule gives it.
  Sam has no duties besides.
";
    assert_eq!(told, expected, "{told}");
}

#[test]
fn a_policy_is_warned_of_people_with_nobody_to_ask() {
    assert_eq!(
        pair("\"mia\"", "").warnings(),
        ["rule database: nobody but Mia could approve for Mia, so every request lapses"]
    );
    assert_eq!(
        pair("\"mia\"", SELF_GRANT).warnings(),
        [
            "rule database: nobody but Mia could approve for Mia, so the only way is alone, 5m \
             after asking"
        ]
    );
    assert_eq!(pair("\"sam\"", "").warnings(), Vec::<String>::new());
}

#[test]
fn a_policy_is_warned_of_a_job_with_a_slip() {
    let text = starter_with(
        "job = \"engineer\"\ncontact = \"leon",
        "job = \"enginer\"\ncontact = \"leon",
    );
    let warnings = parsed(&text).warnings();
    let slip = "nothing is given to leon's job `enginer`; did you mean `engineer`?";
    assert!(
        warnings.iter().any(|warning| warning == slip),
        "{warnings:?}"
    );
}

#[test]
fn a_policy_is_warned_of_rights_nobody_has() {
    let text = starter_with(", \"restart-worker\"]\napprovers = []", "]\napprovers = []");
    let text = text.replace(
        "[\"revert-config\", \"restart-worker\"]",
        "[\"revert-config\"]",
    );
    assert_eq!(
        parsed(&text).warnings(),
        ["nobody can restart the background worker: no rule gives `restart-worker`"]
    );
}

#[test]
fn a_policy_is_warned_of_rules_that_do_not_decide() {
    let more = "[[rules]]\nname = \"everybody\"\nwho = [\"mia\", \"support\"]\n\
                rights = [\"deploy-shop\"]\napprovers = [\"founder\"]\n\
                [[rules]]\nname = \"too-late\"\nwho = [\"leon\"]\n\
                rights = [\"deploy-shop\", \"revert-config\"]\napprovers = [\"mia\"]\n[duties]\n";
    assert_eq!(
        parsed(&starter_with("[duties]\n", more)).warnings(),
        [
            "rule everybody does not decide about deploy-shop for mia: rule engineers-fix stands \
             above it and does",
            "rule too-late never decides: rules above it give the same people the same rights",
        ]
    );
}

#[test]
fn a_policy_is_warned_of_incidents_nobody_can_open_or_close() {
    let text = STARTER.replace(
        "_incidents = [\"job:engineer\", \"founder\"",
        "_incidents = [",
    );
    let text = text.replace("[, ", "[");
    let text = text.replace("[\"support\"]", "[]");
    assert_eq!(
        parsed(&text).warnings(),
        [
            "nobody can open incidents, and without an open one nothing is granted \
             (`open_incidents` in `[duties]`)",
            "nobody can close incidents, so each stays open for 8h (`close_incidents` in \
             `[duties]`)",
        ]
    );
}

#[test]
fn a_policy_is_warned_of_what_looks_alike() {
    let text = starter_with("name = \"Leon\"", "name = \"mia\"");
    let text = text.replace("https://db.shop.example", "https://deploy.shop.example");
    assert_eq!(
        parsed(&text).warnings(),
        [
            "`migrate-shop-db` is a high risk and has the audience of `deploy-shop`: a target that \
             does not look at the claim `right` takes the one for the other",
            "leon and mia have the same name, and sentences cannot tell them apart",
        ]
    );
}
