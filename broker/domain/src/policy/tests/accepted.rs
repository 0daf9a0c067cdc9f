//! What must be accepted, now and for ever: old policies stand in the ledger.

use proptest::prelude::*;

use super::{parsed, person, starter_with};
use crate::limits::{INCIDENT_LONGEST, LAPSES_AFTER, LENGTH_MAX, LENGTH_MIN};
use crate::policy::limits::INCIDENT_MAX;
use crate::policy::{Duties, IfNobodyAnswers, Policy, Risk, STARTER, Selector};
use crate::time::Lifetime;

const ALONE: &str = "version = 1\n[people.mia]\nname = \"Mia\"\njob = \"engineer\"\n";

#[test]
fn the_starter_is_a_policy_without_warnings() {
    let policy = parsed(STARTER);
    assert_eq!(policy.warnings(), Vec::<String>::new());
    let ids: Vec<_> = policy.people.keys().map(|id| id.as_str()).collect();
    assert_eq!(ids, ["designer", "founder", "leon", "mia", "support"]);
    let rights: Vec<_> = policy.rights.iter().collect();
    let low = rights.iter().filter(|(_, right)| right.risk == Risk::Low);
    let low: Vec<_> = low.map(|(id, _)| id.as_str()).collect();
    assert_eq!(low, ["deploy-shop", "restart-worker", "revert-config"]);
    assert_eq!(policy.incident_longest, Lifetime::from_secs(8 * 3_600));
}

#[test]
fn the_database_rule_of_the_starter_reads_as_written() {
    let policy = parsed(STARTER);
    let right = "migrate-shop-db".parse().expect("a proper id");
    let rule = policy
        .rule_for(&person("mia"), &right)
        .expect("a rule for it");
    assert_eq!(rule.name.as_str(), "database");
    assert_eq!(rule.approvers.len(), 2);
    assert_eq!(rule.approvers[1], Selector::Person(person("founder")));
    assert_eq!(rule.lapses_after, Lifetime::from_secs(900));
    let ten_minutes = Lifetime::from_secs(600);
    assert_eq!(
        rule.if_nobody_answers,
        IfNobodyAnswers::SelfGrant {
            after: ten_minutes,
            longest: ten_minutes
        }
    );
}

#[test]
fn somebody_alone_may_have_nothing() {
    let policy = parsed(ALONE);
    assert_eq!(policy.people[&person("mia")].contact, None);
    assert_eq!(policy.duties, Duties::default());
    assert_eq!(policy.incident_longest, INCIDENT_LONGEST);
    assert!(policy.rights.is_empty() && policy.rules.is_empty());
}

#[test]
fn a_rule_that_says_no_more_denies_after_the_usual_wait() {
    let policy = parsed(STARTER);
    let rule = policy.rules.last().expect("the founder's rule");
    assert_eq!(rule.lapses_after, LAPSES_AFTER);
    assert_eq!(rule.if_nobody_answers, IfNobodyAnswers::Deny);
}

#[test]
fn the_text_is_kept_as_it_was() {
    let windows = format!("\u{FEFF}{}", STARTER.replace('\n', "\r\n"));
    let policy = parsed(&windows);
    assert_eq!(&*policy.text, windows);
    assert_eq!(policy.people, parsed(STARTER).people);
    assert_eq!(policy.rules, parsed(STARTER).rules);
}

#[test]
fn toml_may_be_written_in_any_of_its_ways() {
    let policy = parsed(
        "version = 1\npeople.mia = { name = 'Mia', job = \"Bereitschaft \u{e4}\" }\n\
         people.\"leon\".name = \"\"\"Leon\"\"\"\npeople.leon.job = 'x'\n\
         rights.ship = { sentence = 'ship', risk = 'low', longest = '1h30m', audience = 'ship' }\n\
         rules = [{ name = 'r', who = ['job:Bereitschaft \u{e4}'], rights = ['ship'], \
         approvers = [], }]\nduties.invite = [\n\t'leon', # who else\n]\n",
    );
    let ship = "ship".parse().expect("a proper id");
    assert_eq!(policy.rights[&ship].longest, Lifetime::from_secs(5_400));
    assert!(policy.rule_for(&person("mia"), &ship).is_some());
    assert!(policy.rule_for(&person("leon"), &ship).is_none());
    assert!(policy.selects(&policy.duties.invite, &person("leon")));
}

#[test]
fn lengths_may_touch_their_limits() {
    for (written, length) in [
        ("1s", LENGTH_MIN),
        ("12h", LENGTH_MAX),
        ("1h 30m", Lifetime::from_secs(5_400)),
        ("90 minutes", Lifetime::from_secs(5_400)),
        ("0.5h", Lifetime::from_secs(1_800)),
        ("01:02:03", Lifetime::from_secs(3_723)),
    ] {
        let text = format!(
            "{ALONE}[rights.x]\nsentence = \"do x\"\nrisk = \"high\"\naudience = \"x\"\n\
             longest = \"{written}\"\n"
        );
        let right = "x".parse().expect("a proper id");
        assert_eq!(parsed(&text).rights[&right].longest, length, "{written}");
    }
    let day = starter_with("longest = \"8h\"", "longest = \"24h\"");
    assert_eq!(parsed(&day).incident_longest, INCIDENT_MAX);
}

proptest! {
    #[test]
    fn any_team_with_proper_names_is_accepted(
        jobs in proptest::collection::btree_map("[a-z0-9][a-z0-9._-]{0,20}", "[A-Za-z ]{0,20}[a-z]", 1..12),
        longest in 1u32..=43_200,
        low in any::<bool>(),
    ) {
        let mut text = format!(
            "version = 1\n[rights.do-it]\nsentence = \"do it\"\naudience = \"it\"\n\
             risk = \"{}\"\nlongest = \"{longest}s\"\n",
            if low { "low" } else { "high" },
        );
        let mut people = 0;
        for (id, job) in jobs.iter().filter(|(id, _)| *id != "breakglass") {
            let job = job.trim();
            text += &format!("[people.{id:?}]\nname = {id:?}\njob = {job:?}\n");
            text += &format!(
                "[[rules]]\nname = \"r-{people}\"\nwho = [{id:?}, \"job:{job}\"]\n\
                 rights = [\"do-it\"]\napprovers = [\"job:{job}\"]\n"
            );
            people += 1;
        }
        prop_assume!(people > 0);
        let policy = Policy::parse("policy.toml", &text);
        let policy = policy.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(policy.people.len(), people);
        prop_assert_eq!(policy.rules.len(), people);
        for id in policy.people.keys() {
            let can = policy.can(id).expect("a known person");
            prop_assert_eq!(can.verdicts[0].longest, Lifetime::from_secs(longest));
            prop_assert!(can.verdicts[0].rule.is_some());
            prop_assert!(!can.verdicts[0].approvers.contains(id));
        }
        let told = policy.describe();
        prop_assert_eq!(told.matches("do it").count(), people);
        let _ = policy.warnings();
    }
}
