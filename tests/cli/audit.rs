//! An auditor comes: a period is taken away, and read elsewhere, with nothing of ours.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use breakglass_tests::Playground;
use breakglass_tests::playground::Process;

use crate::golden;
use crate::main_job::typed;

/// Nights with a bit of everything, and when the second of them began.
fn two_nights() -> (Playground, String) {
    let mut playground = Playground::begins();
    playground.opens("the worker floods");
    playground.done("mia", &["request", "deploy-shop", "-m", "revert"]);
    playground.done("leon", &["incident", "close", "-m", "reverted"]);
    playground.stops();
    // Nothing of the second night has a time of the first, or of the start between.
    playground.serves();
    playground.opens("<script>alert(1)</script> | =1+1");
    let second = playground.entries_of("incident.opened")[1]["at"].clone();
    playground.done("mia", &["request", "deploy-shop", "-m", "again"]);
    let refused = playground.glass("designer", &["request", "deploy-shop", "-m", "let me"]);
    assert_eq!(refused.code, 82, "{refused}");
    let asked = ["request", "migrate-shop-db", "-m", "jobs", "--no-wait"];
    assert_eq!(playground.glass("mia", &asked).code, 81);
    playground.done("leon", &["approve", "G-3", "--yes"]);
    playground.done("leon", &["incident", "close", "INC-2", "-m", "reverted"]);
    (playground, second.as_str().unwrap().to_owned())
}

/// Plain Python, with an environment that has nothing of ours.
fn python(folder: &Path, key: &str) -> Output {
    let mut python = Command::new("/usr/bin/python3");
    python.env_clear().arg("verify.py").arg(key);
    python.current_dir(folder).output().unwrap()
}

#[test]
fn a_period_is_read_elsewhere_with_nothing_of_ours() {
    let (playground, second) = two_nights();
    let folder = playground.path("the second night");
    let words = [
        "-o",
        "json",
        "ledger",
        "export",
        "--since",
        &second,
        "--archive",
        folder.to_str().unwrap(),
    ];
    let taken = playground.done("founder", &words).json();
    let (from, to) = (
        taken["from"].as_u64().unwrap(),
        taken["to"].as_u64().unwrap(),
    );
    assert!(from > 8, "the first night is not in it: {taken}");
    assert_eq!(playground.entries_of("ledger.exported")[0]["to"], to);

    // Unpacked by other people's programs, in another place.
    let elsewhere = playground.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let archive = taken["archive"].as_str().unwrap();
    let unpacked = Command::new("tar")
        .args(["--zstd", "-xf", archive, "-C"])
        .arg(&elsewhere)
        .output()
        .unwrap();
    assert!(unpacked.status.success(), "{unpacked:?}");
    let there = elsewhere.join(format!("ledger-{from}-{to}"));
    let compared = Command::new("diff")
        .arg("-r")
        .args([&folder, &there])
        .output()
        .unwrap();
    assert!(compared.status.success(), "{compared:?}");

    let key = fs::read_to_string(there.join("vkey")).unwrap();
    let said = python(&there, key.trim());
    assert!(said.status.success(), "{said:?}");
    let told = String::from_utf8(said.stdout).unwrap();
    assert!(told.contains(&format!("entries {from} to {to}")), "{told}");
    assert!(told.contains("are hashed only"), "{told}");
    let verified = playground.done("mia", &["ledger", "verify", there.to_str().unwrap()]);
    assert!(
        verified
            .out
            .contains(&format!("entries {from} to {}.", to - 1)),
        "{verified}"
    );
    assert!(
        verified.out.contains("each proven to stand where it says"),
        "{verified}"
    );

    // The same again is the same bytes.
    let again = playground.path("again");
    let mut until = words;
    until[7] = again.to_str().unwrap();
    let newer = playground.done("founder", &until).json();
    assert!(
        newer["to"].as_u64().unwrap() > to,
        "the export itself is an entry"
    );

    // Somebody edits.
    for (name, from, to) in [
        ("entries.jsonl", "again", "never"),
        ("entries.csv", "again", "never"),
        ("before.jsonl", "engineer", "director"),
        ("keys.csv", "laptop", "tablet"),
    ] {
        let path = there.join(name);
        let text = fs::read_to_string(&path).unwrap();
        let edited = text.replacen(from, to, 1);
        assert_ne!(text, edited, "{name}");
        fs::write(&path, edited).unwrap();
        let said = python(&there, key.trim());
        assert_eq!(said.status.code(), Some(1), "{name}: {said:?}");
        for command in ["verify", "report"] {
            let said = playground.glass("mia", &["ledger", command, there.to_str().unwrap()]);
            assert_eq!((said.code, said.out.as_str()), (86, ""), "{name}: {said}");
        }
        fs::write(&path, text).unwrap();
    }
}

/// What the auditor and the founder read.
#[test]
fn an_audit_as_it_is_read() {
    let (playground, second) = two_nights();
    let folder = playground.path("taken");
    let mut transcript = String::new();
    let place = folder.display().to_string();
    let mut types = |who: &str, words: &[&str]| {
        let words: Vec<_> = words
            .iter()
            .map(|word| word.replace("DIR", &place))
            .collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        transcript.push_str(&typed(&playground, who, &words).replace(&second, "SECOND"));
    };
    types("support", &["ledger", "export", "DIR"]);
    types("founder", &["ledger", "export", "--since", &second, "DIR"]);
    types("founder", &["ledger", "export", "DIR"]);
    types("designer", &["ledger", "verify", "DIR"]);
    for question in [
        "population",
        "refused",
        "approvals",
        "changes",
        "drills",
        "reviews",
    ] {
        types("designer", &["ledger", "report", "DIR", "--only", question]);
    }
    let path = folder.join("policies/entry-6.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("deploy", "delete", 1)).unwrap();
    types("designer", &["ledger", "verify", "DIR"]);
    types("designer", &["ledger", "report", "DIR"]);
    let transcript = transcript
        .replace(&place, "DIR")
        .replace("PLAYGROUND/taken", "DIR");
    golden::holds("transcripts/audit.txt", &transcript);
}

#[test]
fn a_period_that_is_over_ends_where_it_ends() {
    let (playground, second) = two_nights();
    let folder = playground.path("the first night");
    let words = [
        "-o",
        "json",
        "ledger",
        "export",
        "--until",
        &second,
        folder.to_str().unwrap(),
    ];
    let taken = playground.done("founder", &words).json();
    assert_eq!(taken["from"], 0);
    let verified = playground
        .done(
            "mia",
            &["-o", "json", "ledger", "verify", folder.to_str().unwrap()],
        )
        .json();
    assert_eq!(verified["is_end_shown"], true);
    let lines = fs::read_to_string(folder.join("entries.jsonl")).unwrap();
    let after = lines
        .lines()
        .filter(|line| line.contains("\"INC-2\""))
        .count();
    assert_eq!(
        after, 1,
        "the entry that shows that nothing is missing, and no other"
    );
    // Between both: not the least of it is in there.
    let nothing = playground.glass(
        "founder",
        &[
            "ledger", "export", "--since", &second, "--until", &second, "x",
        ],
    );
    assert_eq!(nothing.code, 2, "{nothing}");
    let nothing = playground.glass(
        "founder",
        &["ledger", "export", "--since", "2099-01-01", "x"],
    );
    assert_eq!(nothing.code, 2, "{nothing}");
    assert!(!playground.path("x").exists());
}

#[test]
fn the_report_is_the_same_from_the_broker_and_from_a_folder() {
    let (playground, second) = two_nights();
    let folder = playground.path("taken");
    let temporary = playground.path("temporary");
    fs::create_dir(&temporary).unwrap();
    let words = ["-o", "json", "ledger", "report", "--since", &second];
    let mut glass = playground.glass_command("designer", &words);
    let online = Process::spawn({
        glass.env("TMPDIR", &temporary);
        glass
    })
    .finishes();
    assert_eq!(online.code, 0, "{online}");
    let online = online.json();
    assert_eq!(
        fs::read_dir(&temporary).unwrap().count(),
        0,
        "what was read from the broker is gone"
    );
    playground.done(
        "founder",
        &[
            "ledger",
            "export",
            "--since",
            &second,
            folder.to_str().unwrap(),
        ],
    );
    let offline = playground
        .done(
            "designer",
            &["-o", "json", "ledger", "report", folder.to_str().unwrap()],
        )
        .json();
    let answer = |report: &serde_json::Value, topic: &str| {
        let sections = report["sections"].as_array().unwrap();
        sections
            .iter()
            .find(|section| section["topic"] == topic)
            .unwrap()
            .clone()
    };
    for topic in [
        "population",
        "sample",
        "endings",
        "refused",
        "approvals",
        "lengths",
        "changes",
        "trouble",
        "drills",
        "reviews",
    ] {
        assert_eq!(answer(&online, topic), answer(&offline, topic), "{topic}");
    }
    let refused = answer(&online, "refused");
    assert_eq!(refused["rows"][0]["cells"][1], "designer", "{refused}");
    let drawn = answer(&online, "sample")["rows"].as_array().unwrap().len();
    assert_eq!(drawn, 2, "G-2 and G-3 began in it, and G-1 before");
    let html = playground.done(
        "designer",
        &["ledger", "report", "--as", "html", folder.to_str().unwrap()],
    );
    assert!(
        html.out.starts_with("<!doctype html>") && !html.out.contains("<script"),
        "{html}"
    );
    let one = playground.done(
        "designer",
        &[
            "ledger",
            "report",
            "--only",
            "reviews",
            folder.to_str().unwrap(),
        ],
    );
    assert_eq!(one.out.matches("\n## ").count(), 1, "{one}");
    let wider = playground.glass(
        "designer",
        &[
            "ledger",
            "report",
            "--since",
            "2020-01-01",
            folder.to_str().unwrap(),
        ],
    );
    assert_eq!(wider.code, 2, "{wider}");
}
