//! `[drills]`.

use super::{parsed, refused, starter_with};
use crate::drill::Step;
use crate::time::Lifetime;

const RULES: &str = "[incidents]\n";

fn with(drills: &str) -> String {
    starter_with(RULES, &format!("[drills]\n{drills}\n{RULES}"))
}

#[test]
fn a_drill_unlocks_what_is_listed_and_each_step_has_its_time() {
    let policy = parsed(&with(
        "rights = [\"restart-worker\"]\n[drills.budgets]\napprove = \"2m\"",
    ));
    let drills = policy.drills.as_ref().expect("it has them");
    assert_eq!(drills.within, Lifetime::from_secs(30 * 24 * 3_600));
    assert_eq!(drills.budget(Step::Approve), Lifetime::from_secs(120));
    assert_eq!(drills.budget(Step::Use), Lifetime::from_secs(60));
    assert!(policy.drills_unlock(&"restart-worker".parse().expect("an id")));
    assert!(!policy.drills_unlock(&"deploy-shop".parse().expect("an id")));
    let told = policy.describe();
    assert!(
        told.ends_with("A drill unlocks restart-worker, and nothing else.\n"),
        "{told}"
    );
}

#[test]
fn without_the_section_there_are_no_drills() {
    let policy = parsed(crate::policy::STARTER);
    assert_eq!(policy.drills, None);
    assert!(!policy.drills_unlock(&"restart-worker".parse().expect("an id")));
}

/// What each mistake is told as, and what to write instead.
#[test]
fn mistakes_are_told_with_their_fix() {
    for (drills, what, fix) in [
        (
            "days = 7",
            "`drills` has no `rights`",
            "add `rights = [\"deploy-shop\"]`",
        ),
        (
            "rights = []",
            "`rights` of `drills` is empty",
            "name a right that leads to a target where nothing can break",
        ),
        (
            "rights = [\"restart-woker\"]",
            "`drills` gives the right `restart-woker`, which is not defined",
            "did you mean `restart-worker`?",
        ),
        (
            "rights = [\"restart-worker\"]\ndays = 0",
            "`days` of `drills` is 0",
            "write a number from 1 to 365: `days = 30`",
        ),
        (
            "rights = [\"restart-worker\"]\ndays = \"30\"",
            "`days` of `drills` holds a text where a number belongs",
            "write it like `days = 30`",
        ),
        (
            "rights = [\"restart-worker\"]\nday = 30",
            "`drills` has no field `day`",
            "did you mean `days`?",
        ),
        (
            "rights = [\"restart-worker\"]\n[drills.budgets]\naprove = \"2m\"",
            "`budgets` of `drills` has no field `aprove`",
            "did you mean `approve`?",
        ),
        (
            "rights = [\"restart-worker\"]\n[drills.budgets]\napprove = \"2h\"",
            "`approve` of `budgets` of `drills` is 2h, and at most 1h is allowed",
            "a drill closes by itself then",
        ),
        (
            "rights = [\"restart-worker\"]\nbudgets = \"2m\"",
            "`budgets` of `drills` is a text, not a table",
            "write its name in brackets",
        ),
    ] {
        let drawn = refused(&with(drills)).to_string();
        assert!(drawn.contains(what), "{what}\nis not in\n{drawn}");
        assert!(drawn.contains(fix), "{fix}\nis not in\n{drawn}");
    }
}
