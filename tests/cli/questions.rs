//! What somebody types at a question of `glass`.

use breakglass_tests::Playground;

use crate::sitting::{CTRL_D, Sitting};

fn asked() -> Playground {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    let words = ["request", "migrate-shop-db", "-m", "jobs", "--no-wait"];
    assert_eq!(playground.glass("mia", &words).code, 81);
    playground
}

#[test]
fn only_a_whole_yes_is_a_yes() {
    let playground = asked();
    let question = "Approve G-1? [y/N]";
    for (ahead, keys) in [
        ("", "why do you need it?\n"),
        ("", "maybe\n"),
        ("", "\n"),
        ("", CTRL_D),
        ("y\n", CTRL_D),
        ("y", "\n"),
    ] {
        let mut sitting = Sitting::down(&playground, "leon", &["approve", "G-1"], ahead);
        sitting.answers(question, keys);
        let (code, seen) = sitting.ends();
        assert_eq!(code, 0, "{keys:?}: {seen}");
        assert!(seen.contains("Not approved"), "{ahead:?} {keys:?}: {seen}");
        assert!(!seen.contains("\u{1b}[?25l"), "the cursor stays: {seen:?}");
    }
    assert_eq!(playground.entries_of("grant.started").len(), 0);
    let mut sitting = Sitting::down(&playground, "leon", &["approve", "G-1"], "");
    sitting.answers(question, "yes\n");
    let (code, seen) = sitting.ends();
    assert_eq!(code, 0, "{seen}");
    assert_eq!(playground.entries_of("grant.started").len(), 1, "{seen}");
}

#[test]
fn nobody_is_removed_by_half_a_yes() {
    let playground = Playground::begins();
    let words = ["people", "remove", "support", "-m", "left"];
    let mut sitting = Sitting::down(&playground, "founder", &words, "");
    sitting.answers("[y/N]", "perhaps yes\n");
    let (_, seen) = sitting.ends();
    assert_eq!(playground.entries_of("person.left").len(), 0, "{seen}");
    playground.done("support", &["status"]);
}

#[test]
fn a_reason_and_an_incident_are_asked_for() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    playground.opens("the shop is slow");
    let words = ["incident", "close"];
    let mut sitting = Sitting::down(&playground, "leon", &words, "");
    for (question, keys) in [
        ("[1-2]", "7\n"),
        ("[1-2]", "2\n"),
        ("Why: ", "\n"),
        ("Why: ", "reverted\n"),
    ] {
        sitting.answers(question, keys);
    }
    let (code, seen) = sitting.ends();
    assert_eq!(code, 0, "{seen}");
    let closed = &playground.entries_of("incident.closed")[0];
    assert_eq!(closed["reason"], "reverted", "{seen}");
    let second = seen
        .lines()
        .find(|line| line.trim_start().starts_with("2  "));
    let id = closed["incident"].as_str().unwrap();
    assert!(second.unwrap().contains(id), "{seen}");
}

#[test]
fn what_waits_is_answered_one_after_the_other() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    for (right, why) in [
        ("migrate-shop-db", "drop the bad index"),
        ("read-secrets", "the key of the mail service"),
        ("read-secrets", "the key of the shop"),
    ] {
        let asked = playground.glass("mia", &["request", right, "-m", why, "--no-wait"]);
        assert_eq!(asked.code, 81, "{asked}");
    }
    let mut sitting = Sitting::down(&playground, "leon", &["approve"], "y\ny\ny\n");
    sitting.answers("G-1: yes, no or skip? [y/n/S]", "\n");
    sitting.answers("G-2: yes, no or skip? [y/n/S]", "n\n");
    sitting.answers("Why: ", "use the backup\n");
    sitting.answers("G-3: yes, no or skip? [y/n/S]", "y\n");
    let (code, seen) = sitting.ends();
    assert_eq!(code, 0, "{seen}");
    assert!(
        seen.contains("G-1 still waits."),
        "what was typed ahead is no answer: {seen}"
    );
    assert!(seen.contains("  rule       "), "{seen}");
    let started = playground.entries_of("grant.started");
    assert_eq!(
        (started.len(), &started[0]["grant"]),
        (1, &"G-3".into()),
        "{seen}"
    );
    let ended = playground.entries_of("grant.ended");
    assert_eq!(ended[0]["reason"], "use the backup", "{seen}");
    // A script is asked nothing, and told what there is.
    let said = playground.done("leon", &["approve"]);
    assert!(
        said.out.contains("G-1") && !said.out.contains("G-2"),
        "{said}"
    );
}

#[test]
fn a_review_asks_three_questions_for_each_grant() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    for right in ["deploy-shop", "restart-worker"] {
        playground.done("mia", &["request", right, "-m", "revert"]);
    }
    playground.done("mia", &["incident", "close", "-m", "reverted"]);
    let mut leon = Sitting::down(&playground, "leon", &["review", "INC-1"], "");
    leon.answers("Was it needed? [y/n]", "perhaps\n");
    leon.answers("Was it needed? [y/n]", "y\n");
    leon.answers("too wide? [y/N]", "y\n");
    leon.answers("What was missing? [Enter: nothing]", "a rollback\n");
    leon.answers("The same for the other one? [y/N]", "\n");
    leon.answers("Was it needed? [y/n]", "n\n");
    leon.answers("too wide? [y/N]", "\n");
    leon.answers("What was missing?", CTRL_D);
    let (code, seen) = leon.ends();
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("y or n; Ctrl-D stops"), "{seen}");
    assert!(seen.contains("G-1 is answered for."), "{seen}");
    assert!(
        seen.contains("stopped: 1 grant still to be answered"),
        "{seen}"
    );

    // What was answered before stays.
    let mut leon = Sitting::down(&playground, "leon", &["review", "INC-1"], "");
    leon.answers("Was it needed? [y/n]", "no\n");
    leon.answers("too wide? [y/N]", "n\n");
    leon.answers("What was missing?", "\n");
    let (code, seen) = leon.ends();
    assert_eq!(code, 0, "{seen}");
    let answers = playground.entries_of("review.answered");
    let said = |at: usize, field: &str| answers[at][field].clone();
    assert_eq!(
        (said(0, "grant"), said(1, "grant")),
        ("G-1".into(), "G-2".into())
    );
    assert_eq!(
        (said(0, "needed"), said(1, "needed")),
        (true.into(), false.into())
    );
    assert_eq!(said(0, "width"), "too-wide");
    assert_eq!(said(0, "missing"), "a rollback");
    assert_eq!(answers[1].get("missing"), None);
}

#[test]
fn the_same_is_said_of_all_others_at_once() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    for right in ["deploy-shop", "restart-worker", "revert-config"] {
        playground.done("mia", &["request", right, "-m", "revert"]);
    }
    playground.done("mia", &["incident", "close", "-m", "reverted"]);
    let mut leon = Sitting::down(&playground, "leon", &["review", "INC-1"], "");
    leon.answers("Was it needed? [y/n]", "y\n");
    leon.answers("too wide? [y/N]", "\n");
    leon.answers("What was missing?", "\n");
    leon.answers("The same for the other 2? [y/N]", "y\n");
    let (code, seen) = leon.ends();
    assert_eq!(code, 0, "{seen}");
    let answers = playground.entries_of("review.answered");
    assert_eq!(answers.len(), 3, "{seen}");
    assert!(answers.iter().all(|it| it["needed"] == true), "{answers:?}");
}
