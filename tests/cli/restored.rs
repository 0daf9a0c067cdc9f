//! Yesterday's copy is restored, found out by the first laptop that had seen more, and gone on with in the
//! open: the mark stays in the ledger, and each laptop is asked by itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use breakglass_tests::Playground;
use breakglass_tests::backup::copied;
use breakglass_tests::playground::Output;
use serde_json::Value;

/// Mia has seen more than the copy that the broker is then restored from; it does not run.
fn restored() -> Playground {
    let mut playground = Playground::begins();
    playground.opens("the worker floods");
    playground.stops();
    let (data, copy) = (playground.data(), playground.path("a backup"));
    copied(&data, &copy);
    playground.serves();
    for number in 0..5 {
        let text = format!("what really happened, {number}");
        playground.done("mia", &["incident", "note", &text]);
    }
    playground.stops();
    fs::remove_dir_all(&data).unwrap();
    copied(&copy, &data);
    // By the book, what was published is not put back (docs/operating/backup.md).
    fs::remove_file(data.join("ledger/checkpoint")).unwrap();
    playground
}

fn seen(playground: &Playground, who: &str) -> String {
    let file = playground
        .contexts()
        .join(format!("contexts/{who}/checkpoint"));
    file.display().to_string()
}

fn recovers(playground: &Playground, lost: &str, more: &[&str]) -> Output {
    let words = [
        "recover",
        "--lost",
        lost,
        "--operator",
        "Olaf",
        "-m",
        "the disk died",
    ];
    playground.glassd(&[&words[..], more].concat())
}

fn says(said: &Output, code: u8, words: &[&str]) {
    let all = format!("{}{}", said.out, said.err);
    assert_eq!(said.code, i32::from(code), "{said}");
    for word in words {
        assert!(all.contains(word), "`{word}` is not in: {said}");
    }
}

#[test]
fn a_restored_copy_is_gone_on_with_in_the_open() {
    let mut playground = restored();
    let said = recovers(&playground, &seen(&playground, "mia"), &[]);
    says(&said, 0, &["marks it for ever", "glass ledger accept"]);
    let marks = playground.entries_of("ledger.restored");
    let [mark] = &marks[..] else {
        panic!("{marks:?}")
    };
    let index = mark["index"].as_u64().unwrap();
    assert_eq!(
        (mark["kept"].as_u64(), &mark["operator"]),
        (Some(index), &Value::from("Olaf"))
    );
    // Again is nothing.
    says(
        &recovers(
            &playground,
            &seen(&playground, "mia"),
            &["--kept", &index.to_string()],
        ),
        0,
        &["on record already"],
    );
    says(
        &playground.glassd(&["fsck", "--deep"]),
        0,
        &[
            "the broker went on from a copy",
            "statements, each signed by a key",
        ],
    );

    playground.serves();
    // Who had seen nothing of it goes on, and is told when they look.
    let said = playground.done("leon", &["ledger", "verify"]);
    says(&said, 0, &["restored: entry", "Olaf: the disk died"]);
    says(
        &playground.glass("leon", &["ledger", "accept"]),
        2,
        &["there is nothing to accept"],
    );
    // Who had, is found out, and nothing but their own word goes on.
    let said = playground.glass("mia", &["status"]);
    says(&said, 86, &["rewritten or forked", "glass ledger accept"]);
    says(
        &playground.glass("mia", &["ledger", "accept"]),
        2,
        &["Olaf", "the disk died", "--yes"],
    );
    for _ in 0..3 {
        says(&playground.glass("mia", &["status"]), 86, &["evidence"]);
    }
    let kept = playground.contexts().join("contexts/mia/evidence");
    assert_eq!(
        fs::read_dir(kept).unwrap().count(),
        1,
        "the same is kept once"
    );
    let said = playground.done("mia", &["ledger", "accept", "--yes"]);
    says(&said, 0, &["goes on with the ledger as it is"]);
    playground.done("mia", &["status"]);
    playground.done("mia", &["ledger", "verify"]);
    let kept = playground
        .contexts()
        .join(format!("contexts/mia/evidence/accepted-{index}"));
    for file in [
        "entry.json",
        "lost.checkpoint",
        "received.checkpoint",
        "README.txt",
    ] {
        assert!(kept.join(file).is_file(), "{file}");
    }
    let found = fs::read_dir(kept.parent().unwrap()).unwrap().count();
    assert_eq!(found, 1, "what was found before is put away in there");
    // Ids are not given a second time: the copy knew of one incident, and five entries are lost at least.
    let second = playground.opens("another one");
    let number: u64 = second.trim_start_matches("INC-").parse().unwrap();
    let lost = mark["size"].as_u64().unwrap() - index;
    assert_eq!(number, 2 + lost);
    playground.done(
        "mia",
        &["request", "deploy-shop", "-m", "why", "--incident", &second],
    );
    // So does the story of each grant, which says on which side of it that stands.
    let asked = &playground.entries_of("grant.requested")[0];
    let grant = asked["grant"].as_str().unwrap();
    let line = format!("the broker went on from a copy of {index} entries");
    for command in ["show", "why"] {
        let said = playground.done("leon", &["ledger", command, grant]);
        says(
            &said,
            0,
            &["Lost", &line, &format!("{grant} was asked for after that")],
        );
    }
    // The other verifier tells it as well, and an export, and the auditor's questions.
    let folder = playground.path("taken").display().to_string();
    playground.done("founder", &["ledger", "export", &folder]);
    let vkey = fs::read_to_string(playground.data().join("keys/ledger.vkey")).unwrap();
    let python = Command::new("/usr/bin/python3")
        .arg(format!("{folder}/verify.py"))
        .arg(vkey.trim())
        .output()
        .unwrap();
    let python = String::from_utf8(python.stdout).unwrap();
    assert!(python.contains("RESTORED from a copy"), "{python}");
    let said = playground.done(
        "founder",
        &["ledger", "report", &folder, "--only", "trouble"],
    );
    says(&said, 0, &["went on from a copy of"]);
}

/// The mark as a file, for hosts whose own certificate reads no entries.
#[test]
fn a_mark_is_accepted_from_a_file() {
    let mut playground = restored();
    says(
        &recovers(&playground, &seen(&playground, "mia"), &[]),
        0,
        &[],
    );
    let index = playground.entries_of("ledger.restored")[0]["index"].to_string();
    playground.serves();
    let shown = playground.done("leon", &["ledger", "show", &index, "-o", "json"]);
    let file = playground.path("mark.json");
    fs::write(&file, &shown.out).unwrap();
    let file = file.display().to_string();
    // What is no such file, was changed, or is another entry.
    let other = playground.done("leon", &["ledger", "show", "0", "-o", "json"]);
    let changed = shown.out.replace("the disk died", "the disk lived");
    for (text, code, word) in [
        ("nothing", 2, "is no mark with its proof"),
        ("{}", 2, "it has no `line`"),
        (other.out.as_str(), 2, "is no mark of a restored ledger"),
        (changed.as_str(), 86, "is false"),
    ] {
        let wrong = playground.path("wrong.json");
        fs::write(&wrong, text).unwrap();
        let said = playground.glass(
            "mia",
            &[
                "ledger",
                "accept",
                "--yes",
                "--receipt",
                wrong.to_str().unwrap(),
            ],
        );
        says(&said, code, &[word]);
    }
    playground.done("mia", &["ledger", "accept", "--yes", "--receipt", &file]);
    playground.done("mia", &["incident", "note", "we lost an hour"]);
    says(
        &playground.glass("mia", &["ledger", "accept", "--yes", "--receipt", &file]),
        2,
        &["already"],
    );
}

/// The broker goes on from the copy, and its ledger's key is rotated before those who had seen more are back.
#[test]
fn a_loss_is_accepted_after_the_ledgers_key_was_rotated() {
    let mut playground = restored();
    let said = recovers(&playground, &seen(&playground, "mia"), &[]);
    says(&said, 0, &[]);
    let said = playground.glassd(&["rotate", "--of", "ledger"]);
    says(&said, 0, &[]);
    let index = playground.entries_of("ledger.restored")[0]["index"].to_string();
    playground.serves();
    let (mia, before) = (
        playground.contexts().join("contexts/mia"),
        playground.path("mia, before"),
    );
    copied(&mia, &before);
    // Who had seen nothing of what is lost was away over all of it, and follows.
    playground.done("leon", &["status"]);
    playground.done("leon", &["ledger", "verify"]);

    says(
        &playground.glass("mia", &["status"]),
        86,
        &["rewritten or forked", "glass ledger accept"],
    );
    says(
        &playground.glass("mia", &["ledger", "accept"]),
        2,
        &["the disk died", "--yes"],
    );
    assert!(!mia.join("successions").exists(), "asking keeps nothing");
    playground.done("mia", &["ledger", "accept", "--yes"]);
    playground.done("mia", &["incident", "note", "we lost an hour"]);
    playground.done("mia", &["ledger", "verify"]);
    says(
        &playground.glass("mia", &["ledger", "accept", "--yes"]),
        2,
        &["nothing to accept"],
    );

    // The same from a file, which brings how the keys follow each other.
    fs::remove_dir_all(&mia).unwrap();
    copied(&before, &mia);
    let shown = playground.done("leon", &["ledger", "show", &index, "-o", "json"]);
    let file = playground.path("mark.json");
    let accepts = ["ledger", "accept", "--yes", "--receipt"];
    let accepts = [&accepts[..], &[file.to_str().unwrap()]].concat();
    let mut without = shown.json();
    let successions = without["successions"].take();
    assert!(successions.as_str().unwrap().contains("succession/v1"));
    fs::write(&file, without.to_string()).unwrap();
    says(
        &playground.glass("mia", &accepts),
        86,
        &["the ledger's key was rotated", "glass ledger accept"],
    );
    without["successions"] = "a stranger's".into();
    fs::write(&file, without.to_string()).unwrap();
    says(
        &playground.glass("mia", &accepts),
        86,
        &["the keys that the file brings"],
    );
    assert!(!mia.join("successions").exists());
    fs::write(&file, &shown.out).unwrap();
    playground.done("mia", &accepts);
    playground.done("mia", &["incident", "note", "and again"]);
    playground.done("mia", &["ledger", "verify"]);

    // Enrolling anew makes no laptop forget.
    fs::remove_dir_all(&mia).unwrap();
    copied(&before, &mia);
    let invited = playground.done("founder", &["-o", "json", "people", "invite", "mia"]);
    let line = invited.json()["enrolment"].as_str().unwrap().to_owned();
    let words = ["enroll", &line, "--device", "laptop", "--replace"];
    says(&playground.glass("mia", &words), 86, &["another history"]);
    says(&playground.glass("mia", &["status"]), 86, &["rewritten"]);
    playground.done("mia", &["ledger", "accept", "--yes"]);
    playground.done("mia", &["status"]);
}

/// The restored broker was started, and had more entries than what is lost, before anybody noticed.
#[test]
fn a_broker_that_went_on_for_a_while_says_how_much_the_copy_had() {
    let mut playground = restored();
    let kept = playground.entries().len();
    playground.serves();
    for number in 0..9 {
        playground.done(
            "leon",
            &["incident", "note", &format!("what came after, {number}")],
        );
    }
    says(&playground.glass("mia", &["status"]), 86, &[]);
    let lost = seen(&playground, "mia");
    says(
        &recovers(&playground, &lost, &[]),
        1,
        &["the broker runs", "systemctl stop glassd"],
    );
    playground.stops();
    let starts = format!("started at entry 0, {kept}");
    let said = recovers(&playground, &lost, &[]);
    says(&said, 1, &["how many the copy had cannot be seen"]);
    assert!(
        said.err.contains(&format!("{kept}; the first")),
        "{starts}: {said}"
    );
    says(
        &recovers(&playground, &lost, &["--kept", "100000"]),
        2,
        &["more than both begin with"],
    );
    says(
        &recovers(&playground, &lost, &["--kept", &kept.to_string()]),
        0,
        &["marks it for ever"],
    );
    playground.serves();
    playground.done("mia", &["ledger", "accept", "--yes"]);
    playground.done("mia", &["ledger", "verify"]);
}

/// What the operator brings is looked at, and a laptop that nobody brought stays a fork until it is.
#[test]
fn what_is_brought_has_to_be_of_this_ledger_and_lost() {
    let mut playground = restored();
    let lost = seen(&playground, "mia");
    let bad = playground.path("bad");
    for text in ["", "nothing of the kind", &"x".repeat(10_000_000)] {
        fs::write(&bad, text).unwrap();
        says(
            &recovers(&playground, bad.to_str().unwrap(), &[]),
            1,
            &["is no checkpoint of this ledger", "bring the file"],
        );
    }
    let changed = fs::read_to_string(&lost).unwrap().replacen('\n', "\n1", 1);
    fs::write(&bad, changed).unwrap();
    says(
        &recovers(&playground, bad.to_str().unwrap(), &[]),
        1,
        &["is no checkpoint of this ledger"],
    );
    says(
        &recovers(&playground, "/nowhere", &[]),
        1,
        &["cannot be read"],
    );
    let own = seen(&playground, "designer");
    says(
        &recovers(&playground, &own, &[]),
        1,
        &["is a head of this ledger as it is"],
    );
    let hostile = [
        "recover",
        "--lost",
        &lost,
        "--operator",
        "Ol\u{1b}[2Kaf",
        "-m",
        "why",
    ];
    says(
        &playground.glassd(&hostile),
        2,
        &["the operator cannot be taken"],
    );
    assert!(playground.entries_of("ledger.restored").is_empty());
    // Of two the newer one counts. Without it, mia is not named.
    let older = playground.path("older");
    fs::write(&older, fs::read_to_string(&own).unwrap()).unwrap();
    let words = [
        "recover",
        "--lost",
        older.to_str().unwrap(),
        "--lost",
        &lost,
        "--operator",
        "Olaf",
        "-m",
        "why",
    ];
    says(&playground.glassd(&words), 0, &["marks it for ever"]);
    playground.serves();
    playground.done("mia", &["ledger", "accept", "--yes"]);
}

/// The operator starts the copy first, and sees only then what is missing: what laptops showed meanwhile is
/// told as another history until it is marked, and as nothing after that.
#[test]
fn a_copy_that_was_started_too_early_is_asked_about_and_what_is_marked_is_no_alarm() {
    let mut playground = restored();
    let kept = playground.entries().len();
    playground.serves();
    let said = playground.glass("mia", &["incident", "note", "I saw more"]);
    says(&said, 86, &["rewritten or forked"]);
    let refused = playground.entries_of("refused");
    let place = refused.last().expect("it is on record")["index"].clone();
    assert!(refused.last().unwrap()["checkpoint"].is_string());
    let alarm =
        format!("ANOTHER HISTORY, signed by the same key, was seen on laptops: entries {place}");
    playground.stops();
    let told = python(&playground, &playground.data().join("ledger"));
    assert!(told.lines().any(|line| line == alarm), "{told}");

    // It has published since, and nobody but the operator knows what the copy had.
    let lost = seen(&playground, "mia");
    let said = recovers(&playground, &lost, &[]);
    says(
        &said,
        1,
        &["cannot be seen", "--kept", "was started at entry"],
    );
    assert!(playground.entries_of("ledger.restored").is_empty());
    let said = recovers(&playground, &lost, &["--kept", &kept.to_string()]);
    says(&said, 0, &["marks it for ever"]);

    playground.serves();
    playground.done("leon", &["ledger", "list", "--kind", "refused"]);
    let verified = playground.done("leon", &["ledger", "verify"]);
    assert!(!verified.out.contains("ANOTHER HISTORY"), "{verified}");
    let folder = playground.path("taken").display().to_string();
    playground.done("founder", &["ledger", "export", &folder]);
    let report = playground.done(
        "founder",
        &["ledger", "report", &folder, "--only", "trouble"],
    );
    assert!(!report.out.contains("ANOTHER HISTORY"), "{report}");
    let vkey = fs::read_to_string(playground.data().join("keys/ledger.vkey")).unwrap();
    let mut verify = Command::new("/usr/bin/python3");
    verify.arg(format!("{folder}/verify.py")).arg(vkey.trim());
    playground.stops();
    for told in [
        python(&playground, &playground.data().join("ledger")),
        holds(verify),
    ] {
        assert!(told.contains("RESTORED from a copy"), "{told}");
        assert!(!told.contains("ANOTHER HISTORY"), "{told}");
    }
}

fn python(playground: &Playground, ledger: &Path) -> String {
    let vkey = fs::read_to_string(playground.data().join("keys/ledger.vkey")).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/verify_ledger.py");
    let mut verify = Command::new("/usr/bin/python3");
    verify.arg(script).arg(ledger).arg(vkey.trim());
    holds(verify)
}

fn holds(mut verify: Command) -> String {
    let said = verify.output().unwrap();
    let told = String::from_utf8_lossy(&said.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{told}{wrong}");
    told
}
