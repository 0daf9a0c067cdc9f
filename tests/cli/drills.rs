//! Drills with the real programs: a good one, and each way in which one is not.

use std::process::Stdio;

use breakglass_domain::policy::STARTER;
use breakglass_tests::Playground;
use breakglass_tests::playground::{Output, Process, Rules};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::golden;

/// The starter's team may practise with the right that begins at once, and with one that Leon approves.
fn practising(approve: &str) -> Playground {
    let drills = format!(
        "\n[drills]\nrights = [\"restart-worker\", \"migrate-shop-db\"]\n[drills.budgets]\n\
         approve = \"{approve}\"\n"
    );
    Playground::with(Rules {
        policy: Some(format!("{STARTER}{drills}")),
        ..Rules::default()
    })
}

fn drill<'a>(right: &'a str, command: &[&'a str]) -> Vec<&'a str> {
    [&["drill", "access", right, "--"], command].concat()
}

/// How the newest drill went, as the ledger has it.
fn recorded(playground: &Playground) -> Value {
    let recorded = playground.entries_of("drill.recorded");
    recorded.last().expect("one is recorded").clone()
}

/// What belongs to a drill says so, and nothing else does.
fn is_marked(playground: &Playground, drills: &[&str]) {
    for entry in playground.entries() {
        let incident = entry["incident"].as_str().unwrap_or_default();
        assert_eq!(
            entry["drill"] == true,
            drills.contains(&incident),
            "{entry}"
        );
    }
    let said = playground.done("designer", &["-o", "json", "ledger", "verify"]);
    assert_eq!(said.json()["not_understood"], 0);
}

/// A drill that was not good is closed, and says why; nothing lives on.
fn was_not_good(playground: &Playground, said: &Output, why: &str) {
    assert_eq!(said.code, 1, "{said}");
    assert!(said.out.contains("was NOT GOOD"), "{said}");
    let recorded = recorded(playground);
    assert_eq!(recorded["good"], false);
    let failed = recorded["failed"].as_str().unwrap_or_default();
    assert!(failed.contains(why), "{failed}");
    let status = playground.done("mia", &["-o", "json", "status"]).json();
    assert_eq!(status["incidents"], json!([]), "it is closed");
    assert_eq!(status["active"], json!([]));
    assert_eq!(status["drills"]["overdue"], true);
    assert_eq!(status["drills"]["last"]["good"], false);
}

/// Times differ each time.
fn without_times(text: &str) -> String {
    let line = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let mut out = Vec::new();
        let mut at = 0;
        while let Some(word) = words.get(at) {
            let unit = words.get(at + 1).map(|next| next.trim_end_matches('.'));
            let is_time =
                word.parse::<f64>().is_ok() && ["ms", "s", "min"].contains(&unit.unwrap_or(""));
            out.push(if is_time { "TIME" } else { word });
            at += if is_time { 2 } else { 1 };
        }
        out.join(" ") + "\n"
    };
    text.lines().map(line).collect()
}

#[test]
fn a_good_drill_with_an_approver() {
    let playground = practising("5m");
    let probe = playground.script("canary", "echo \"drill $GLASS_DRILL $GLASS_INCIDENT\"");
    let words = drill("migrate-shop-db", &[probe.to_str().unwrap()]);
    let mut glass = playground.spawns("mia", &words);
    let waits = glass.says("waiting for");
    assert!(waits.starts_with("DRILL: G-1"), "{waits}");
    let listed = playground.done("leon", &["approve"]);
    assert!(listed.out.contains("DRILL INC-1"), "{listed}");
    let yes = playground.done("leon", &["approve", "G-1", "--yes"]);
    assert!(yes.out.starts_with("DRILL G-1: mia can"), "{yes}");
    let said = glass.finishes();
    assert_eq!(said.code, 0, "{said}");
    assert!(said.out.contains("drill 1 INC-1"), "{said}");
    assert!(
        said.out.contains("DRILL INC-1 was good: 9 steps in"),
        "{said}"
    );
    let recorded = recorded(&playground);
    assert_eq!(
        (&recorded["good"], &recorded["by"]),
        (&json!(true), &json!("mia"))
    );
    let steps = recorded["steps"].as_array().unwrap();
    let names: Vec<_> = steps
        .iter()
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "open",
            "ask",
            "approve",
            "credential",
            "use",
            "close",
            "kill",
            "ended",
            "verify"
        ]
    );
    assert_eq!(steps[2]["budget_ms"], 300_000);
    is_marked(&playground, &["INC-1"]);
    // It closed what it opened, and nobody owes anything.
    assert_eq!(
        playground.entries_of("grant.ended")[0]["ending"],
        "incident-closed"
    );
    let status = playground
        .done("designer", &["-o", "json", "status"])
        .json();
    assert_eq!(
        (&status["incidents"], &status["reviews"]),
        (&json!([]), &json!([]))
    );
    let drills = &status["drills"];
    assert_eq!(drills["overdue"], false);
    assert_eq!(drills["last_good"]["incident"], "INC-1");
    assert_eq!(drills["last_good"]["by"], "mia");
    assert_eq!(drills["last_good"]["days_ago"], 0);
}

#[test]
fn an_approver_who_sleeps() {
    let playground = practising("1s");
    let said = playground.glass("mia", &drill("migrate-shop-db", &["true"]));
    was_not_good(
        &playground,
        &said,
        "`approve`: nobody answered G-1 within 1s",
    );
    is_marked(&playground, &["INC-1"]);
    let status = playground.done("mia", &["status"]);
    assert!(status.out.contains("No good drill yet"), "{status}");
}

#[test]
fn a_command_that_fails() {
    let playground = practising("5m");
    let said = playground.glass("mia", &drill("restart-worker", &["sh", "-c", "exit 7"]));
    was_not_good(&playground, &said, "`use`: the command ended with 7");
    is_marked(&playground, &["INC-1"]);
}

#[test]
fn somebody_who_says_no() {
    let playground = practising("5m");
    let mut glass = playground.spawns("mia", &drill("migrate-shop-db", &["true"]));
    glass.says("waiting for");
    playground.done("leon", &["deny", "G-1", "-m", "not during the sale"]);
    let said = glass.finishes();
    was_not_good(&playground, &said, "not during the sale");
}

#[test]
fn ctrl_c_while_it_waits_and_while_it_runs() {
    let playground = practising("5m");
    let glass = |words: &[&str]| {
        let mut glass = playground.glass_command("mia", words);
        glass.stdin(Stdio::null());
        Process::spawn(glass)
    };
    let mut waits = glass(&drill("migrate-shop-db", &["true"]));
    waits.says("waiting for");
    waits.signal(Signal::INT);
    was_not_good(
        &playground,
        &waits.finishes(),
        "it was stopped in `approve`",
    );
    let mut runs = glass(&drill(
        "restart-worker",
        &["sh", "-c", "echo begun; sleep 1000"],
    ));
    runs.says("begun");
    runs.signal(Signal::TERM);
    was_not_good(&playground, &runs.finishes(), "it was stopped in `use`");
    is_marked(&playground, &["INC-1", "INC-2"]);
}

#[test]
fn a_drill_that_somebody_else_closes() {
    let playground = practising("5m");
    let mut glass = playground.spawns("mia", &drill("migrate-shop-db", &["true"]));
    glass.says("waiting for");
    playground.done("leon", &["incident", "close", "INC-1", "-m", "not now"]);
    was_not_good(&playground, &glass.finishes(), "`approve`");
    is_marked(&playground, &["INC-1"]);
}

#[test]
fn a_drill_that_somebody_ends_for_a_real_fire_says_so_on_record() {
    let playground = practising("5m");
    let words = drill("restart-worker", &["sh", "-c", "echo begun; sleep 1000"]);
    let mut glass = playground.spawns("mia", &words);
    glass.says("begun");
    playground.done(
        "leon",
        &["incident", "close", "INC-1", "-m", "real fire, stop"],
    );
    let said = glass.finishes();
    was_not_good(
        &playground,
        &said,
        "`use`: leon closed INC-1, which ended G-1: real fire, stop",
    );
    assert!(!said.err.contains("still open"), "{said}");
}

#[test]
fn a_broker_that_is_away_for_a_moment_is_asked_again_to_close() {
    let mut playground = practising("5m");
    let words = drill("restart-worker", &["sh", "-c", "echo begun; read line"]);
    let mut glass = playground.glass_command("mia", &words);
    glass.stdin(Stdio::piped());
    let mut glass = Process::spawn(glass);
    glass.says("begun");
    playground.is_killed();
    glass.hears("go on\n");
    glass.says("DRILL use");
    playground.serves();
    let said = glass.finishes();
    assert!(said.out.contains("DRILL INC-1 was"), "{said}");
    assert!(
        said.out.contains("How it went stands in the ledger"),
        "{said}"
    );
    assert_eq!(playground.entries_of("incident.closed").len(), 1, "{said}");
    assert_eq!(playground.entries_of("drill.recorded").len(), 1, "{said}");
}

#[test]
fn a_drill_is_marked_on_every_receipt_and_owes_no_review() {
    let playground = practising("5m");
    playground.done("mia", &drill("restart-worker", &["true"]));
    let listed = playground.done("leon", &["incident", "list", "--all"]);
    assert!(listed.out.contains("DRILL INC-1"), "{listed}");
    let review = playground.done("leon", &["review", "INC-1"]);
    assert!(review.out.starts_with("DRILL INC-1"), "{review}");
    let owed = "review     nothing is owed: it is a drill";
    assert!(review.out.contains(owed), "{review}");
    let answer = ["review", "INC-1", "--grant", "G-1", "--needed", "yes"];
    let said = playground.glass("leon", &answer);
    assert_eq!(said.code, 2, "{said}");
    assert!(
        said.err.contains("nothing is owed of INC-1: it is a drill"),
        "{said}"
    );
    let mut glass = playground.spawns("mia", &drill("migrate-shop-db", &["true"]));
    glass.says("waiting for");
    let denied = playground.done("leon", &["deny", "G-2", "-m", "not now"]);
    assert!(denied.out.starts_with("DRILL G-2 is denied"), "{denied}");
    let _ = glass.finishes();
    let mut glass = playground.spawns("mia", &drill("migrate-shop-db", &["true"]));
    glass.says("waiting for");
    let closed = playground.done(
        "leon",
        &["incident", "close", "--incident", "INC-3", "-m", "no"],
    );
    assert!(
        closed.out.starts_with("DRILL INC-3 is closed.\n"),
        "{closed}"
    );
    assert!(
        closed.out.contains("  DRILL G-3  mia no longer asks"),
        "{closed}"
    );
    let _ = glass.finishes();
}

#[test]
fn a_drill_beside_a_real_incident_is_never_taken_for_it() {
    let playground = practising("5m");
    let mut glass = playground.spawns("mia", &drill("migrate-shop-db", &["true"]));
    glass.says("waiting for");
    // Only the drill is open: nobody is led into it.
    let said = playground.glass("leon", &["request", "restart-worker", "-m", "why"]);
    assert_eq!(said.code, 80, "{said}");
    assert!(said.err.contains("INC-1 is a drill"), "{said}");
    // And it unlocks nothing real, also where it is named.
    let named = ["request", "deploy-shop", "--incident", "INC-1", "-m", "why"];
    let said = playground.glass("leon", &[&["-o", "json"], &named[..]].concat());
    assert_eq!((said.code, &*said.reason()), (82, "DRILL_RIGHT"), "{said}");
    // A real one opens beside it, and is what is meant.
    assert_eq!(playground.opens("the worker floods"), "INC-2");
    let asked = ["-o", "json", "request", "restart-worker", "-m", "restart"];
    let real = playground.done("leon", &asked).json();
    assert_eq!(real["incident"], "INC-2");
    assert_eq!(real["drill"], Value::Null);
    let status = playground.done("designer", &["status"]);
    assert!(status.out.contains("DRILL INC-1"), "{status}");
    assert!(status.out.starts_with("INC-2  sev2"), "{status}");
    // The end of the drill is not the end of the real one.
    playground.done("leon", &["approve", "G-1", "--yes"]);
    assert_eq!(glass.finishes().code, 0);
    let status = playground
        .done("designer", &["-o", "json", "status"])
        .json();
    assert_eq!(status["incidents"][0]["id"], "INC-2");
    assert_eq!(status["active"][0]["id"], "G-2");
    is_marked(&playground, &["INC-1"]);
}

#[test]
fn a_script_reads_one_json_value_whatever_the_command_says() {
    let playground = practising("5m");
    let words = [
        &["-o", "json"],
        &drill("restart-worker", &["echo", "hello"])[..],
    ]
    .concat();
    let said = playground.done("mia", &words);
    let view = said.json();
    assert_eq!(
        (&view["good"], &view["failed"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(view["incident"], "INC-1");
    assert_eq!(view["steps"].as_array().unwrap().len(), 9);
    assert!(view["recorded"].is_u64(), "{view}");
    assert!(said.err.contains("hello"), "{said}");
}

#[test]
fn what_cannot_be_walked_opens_nothing() {
    let playground = practising("5m");
    for (words, code, why) in [
        (vec!["drill", "access"], 2, "a drill uses what it is given"),
        (
            drill("restart-worker", &["no-such-program"]),
            2,
            "no program",
        ),
        (vec!["drill", "access", "--", "true"], 2, "several rights"),
        (drill("deploy-shop", &["true"]), 82, "no drill unlock"),
    ] {
        let said = playground.glass("mia", &words);
        assert_eq!(said.code, code, "{words:?}: {said}");
        assert!(said.err.contains(why), "{words:?}: {said}");
    }
    let said = playground.glass("designer", &drill("restart-worker", &["true"]));
    assert_eq!(said.code, 82, "{said}");
    let title = "x".repeat(501);
    let long = [
        "drill",
        "access",
        "restart-worker",
        "-m",
        &title,
        "--",
        "true",
    ];
    let said = playground.glass("mia", &long);
    assert_eq!(said.code, 2, "{said}");
    assert_eq!(
        playground.entries_of("incident.opened"),
        Vec::<Value>::new()
    );
}

#[test]
fn without_a_policy_for_it_there_are_no_drills() {
    let playground = Playground::begins();
    let words = [&["-o", "json"], &drill("restart-worker", &["true"])[..]].concat();
    let said = playground.glass("mia", &words);
    assert_eq!((said.code, &*said.reason()), (1, "NO_DRILLS"), "{said}");
    let status = playground.done("mia", &["-o", "json", "status"]).json();
    assert_eq!(status["drills"], Value::Null);
}

#[test]
fn a_drill_as_it_is_read() {
    let playground = practising("5m");
    let mut transcript = String::new();
    for (who, words) in [
        ("mia", vec!["drill", "access"]),
        ("mia", drill("deploy-shop", &["true"])),
        (
            "mia",
            vec![
                "drill",
                "access",
                "restart-worker",
                "-m",
                "the monthly one",
                "--",
                "true",
            ],
        ),
        ("designer", vec!["status"]),
        ("designer", vec!["incident", "show", "INC-1"]),
        ("mia", drill("restart-worker", &["false"])),
        ("designer", vec!["status"]),
        ("designer", vec!["ledger", "list", "--incident", "INC-2"]),
    ] {
        transcript.push_str(&crate::main_job::typed(&playground, who, &words));
    }
    golden::holds("transcripts/drill.txt", &without_times(&transcript));
}
