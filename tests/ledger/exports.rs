//! Periods of a ledger, as they lie in a folder: what `glass` writes both verifiers accept, alone and
//! offline; and whatever is changed in it, both find.

use std::fs;
use std::path::Path;
use std::process::Command;

use breakglass_client::export::{self, Joint, Period, Start, Writer};
use breakglass_domain::Act;
use breakglass_proto::statement::Act as Said;
use breakglass_tlog::tree::prove_consistency;
use breakglass_tlog::{Frontier, Hash, SignedCheckpoint, StoredHashes};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use crate::house::{House, id, line};
use crate::night::POLICY;
use crate::reviews::answers;
use crate::steps::{Step, about_incident, asks, written};
use crate::verifiers::{head, vkey};

/// Entries `from` up to `to` of a ledger, taken away.
pub(crate) fn take<L: AsRef<[u8]>>(
    folder: &Path,
    lines: &[L],
    from: usize,
    to: usize,
) -> Result<(), String> {
    let hashes = lines.iter().map(|line| Hash::of_leaf(line.as_ref()));
    let hashes: StoredHashes = hashes.collect();
    let note = |size: usize| {
        let mut tree = Frontier::new();
        let lines = lines[..size].iter();
        lines.for_each(|line| tree.push(Hash::of_leaf(line.as_ref())));
        head(&tree)
    };
    let start = (from > 0).then(|| Start {
        checkpoint: SignedCheckpoint::verify(&note(from), &vkey()).unwrap(),
        proof: Joint(prove_consistency(from as u64, to as u64, &hashes).unwrap()),
    });
    let period = Period {
        since: (from > 0).then(|| at(&lines[from])),
        until: Some(at(&lines[to - 1])),
        start,
        cosigned: None,
    };
    let mut writer = Writer::begin(folder, vkey(), period).unwrap();
    for line in &lines[..to] {
        let read = writer.entry(line.as_ref());
        read.map_err(|error| error.to_string())?;
    }
    let done = writer.finish(&note(to));
    done.map(drop).map_err(|error| error.to_string())
}

pub(crate) fn at(line: &impl AsRef<[u8]>) -> jiff::Timestamp {
    let entry: Value = serde_json::from_slice(line.as_ref()).unwrap();
    entry["at"].as_str().unwrap().parse().unwrap()
}

/// Where no act is cut in two: a batch has one time.
pub(crate) fn seams<L: AsRef<[u8]>>(lines: &[L]) -> Vec<usize> {
    let inner = 1..lines.len();
    inner
        .filter(|place| at(&lines[place - 1]) < at(&lines[*place]))
        .collect()
}

/// The one file in the export itself, as an auditor runs it.
fn python(folder: &Path) -> Result<String, String> {
    let told = Command::new("/usr/bin/python3")
        .arg(folder.join("verify.py"))
        .arg(vkey().to_string())
        .output()
        .unwrap();
    match told.status.success() {
        true => Ok(String::from_utf8(told.stdout).unwrap()),
        false => Err(String::from_utf8(told.stderr).unwrap()),
    }
}

fn glass(folder: &Path) -> Result<export::Verified, String> {
    export::verify(folder, vkey(), 0).map_err(|error| {
        assert_eq!(error.exit_code(), 86, "{error}");
        error.to_string()
    })
}

/// A ledger in which everything happens, the same each time.
pub(crate) fn ledger(runner: &mut TestRunner) -> Vec<std::sync::Arc<[u8]>> {
    let list = vec(any::<Step>(), 1_000)
        .new_tree(runner)
        .unwrap()
        .current();
    written(&list).lines
}

#[test]
fn any_period_of_any_ledger_verifies_alone() {
    let mut runner = TestRunner::deterministic();
    let mut hidden = 0;
    for round in 0..12 {
        let lines = ledger(&mut runner);
        let seams = seams(&lines);
        let (from, to) = (
            seams[seams.len() * (round % 9 + 1) / 12],
            seams[seams.len() - 1 - round % 5],
        );
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("export");
        take(&folder, &lines, from, to).unwrap_or_else(|why| panic!("{from} to {to}: {why}"));
        let verified = glass(&folder).unwrap_or_else(|why| panic!("{from} to {to}: {why}"));
        let told = python(&folder).unwrap_or_else(|why| panic!("{from} to {to}: {why}"));
        let part = verified.part.unwrap();
        assert_eq!([part.from, part.to], [from as u64, to as u64]);
        assert_eq!(verified.is_end_shown, Some(true));
        assert_eq!(verified.is_verifier_ours, Some(true));
        let counts = format!(
            "{} are here and proven to stand where they say, {} are hashed only",
            part.shown_before, part.hashed_before
        );
        assert!(told.contains(&counts), "{told}");
        hidden += part.hashed_before;
    }
    assert!(hidden > 1_000, "what is over is not taken along: {hidden}");
}

/// Changes one file of an export.
type Tamper = fn(&Path);

fn edit(folder: &Path, name: &str, change: impl FnOnce(String) -> String) {
    let path = folder.join(name);
    let before = fs::read_to_string(&path).unwrap();
    let after = change(before.clone());
    assert_ne!(before, after, "{name} was not changed");
    fs::write(path, after).unwrap();
}

/// The lines of a file, changed.
fn relined(folder: &Path, name: &str, change: impl FnOnce(&mut Vec<String>)) {
    edit(folder, name, |text| {
        let mut lines = text.split_inclusive('\n').map(ToOwned::to_owned).collect();
        change(&mut lines);
        lines.concat()
    });
}

/// A character of a base64 text becomes another.
fn twisted(text: &str, place: usize) -> String {
    let other = if &text[place..=place] == "A" {
        "B"
    } else {
        "A"
    };
    format!("{}{other}{}", &text[..place], &text[place + 1..])
}

fn a_policy(folder: &Path) -> std::path::PathBuf {
    let mut found = fs::read_dir(folder.join("policies")).unwrap();
    found.next().unwrap().unwrap().path()
}

const TAMPERINGS: &[(&str, Tamper)] = &[
    ("a byte of an entry", |f| {
        edit(f, "entries.jsonl", |text| {
            text.replacen("\"v\":1", "\"v\": 1", 1)
        })
    }),
    ("a word of an entry", |f| {
        edit(f, "entries.jsonl", |text| {
            text.replacen("\"by\":\"", "\"by\":\"x", 1)
        })
    }),
    ("an entry removed", |f| {
        relined(f, "entries.jsonl", |lines| drop(lines.remove(1)))
    }),
    ("two entries swapped", |f| {
        relined(f, "entries.jsonl", |lines| lines.swap(1, 2))
    }),
    ("the newest cut off", |f| {
        relined(f, "entries.jsonl", |lines| drop(lines.pop()))
    }),
    ("the newest torn", |f| {
        edit(f, "entries.jsonl", |text| text[..text.len() - 5].to_owned())
    }),
    ("an entry twice", |f| {
        relined(f, "entries.jsonl", |lines| lines.push(lines[0].clone()))
    }),
    ("an earlier entry changed", |f| {
        edit(f, "before.jsonl", |text| {
            text.replacen("\"v\":1", "\"v\": 1", 1)
        })
    }),
    ("an earlier entry removed", |f| {
        relined(f, "before.jsonl", |lines| drop(lines.remove(2)))
    }),
    ("the last earlier entry removed", |f| {
        relined(f, "before.jsonl", |lines| drop(lines.pop()))
    }),
    ("a hash changed", |f| {
        relined(f, "before.hashes", |lines| {
            let place = lines[0].rfind(' ').unwrap() + 3;
            lines[0] = twisted(&lines[0], place);
        })
    }),
    ("a hash removed", |f| {
        relined(f, "before.hashes", |lines| drop(lines.remove(0)))
    }),
    ("a hash more", |f| {
        relined(f, "before.hashes", |lines| lines.push(lines[0].clone()))
    }),
    ("a hash of another level", |f| {
        relined(f, "before.hashes", |lines| {
            let mut parts = lines[0].splitn(3, ' ');
            let (place, level) = (parts.next().unwrap(), parts.next().unwrap());
            let other = (level.parse::<u8>().unwrap() + 1) % 63;
            lines[0] = format!("{place} {other} {}", parts.next().unwrap());
        })
    }),
    ("a proof changed", |f| {
        edit(f, "consistency.json", |text| {
            let place = text
                .find("[\n")
                .map(|at| text[at..].find('"').unwrap() + at + 3)
                .unwrap();
            twisted(&text, place)
        })
    }),
    ("a proof of other sizes", |f| {
        edit(f, "consistency.json", |text| {
            text.replacen("\"new\": ", "\"new\": 1", 1)
        })
    }),
    ("no proof", |f| {
        fs::remove_file(f.join("consistency.json")).unwrap()
    }),
    ("the checkpoint changed", |f| {
        edit(f, "checkpoint", |text| text.replacen('\n', "\n1", 1))
    }),
    ("the first checkpoint changed", |f| {
        edit(f, "checkpoint.start", |text| text.replacen('\n', "\n1", 1))
    }),
    ("the first checkpoint for the last", |f| {
        fs::copy(f.join("checkpoint.start"), f.join("checkpoint"))
            .map(drop)
            .unwrap()
    }),
    ("another part is told", |f| {
        edit(f, "export.json", |text| {
            text.replacen("\"from\": ", "\"from\": 1", 1)
        })
    }),
    ("an earlier beginning is told", |f| {
        edit(f, "export.json", |text| {
            text.replacen("\"since\": \"20", "\"since\": \"19", 1)
        })
    }),
    ("no beginning is told", |f| {
        edit(f, "export.json", |text| {
            let line = text
                .lines()
                .find(|line| line.contains("since"))
                .unwrap()
                .to_owned();
            text.replace(&line, "  \"since\": null,")
        })
    }),
    ("nothing is told", |f| {
        fs::remove_file(f.join("export.json")).unwrap()
    }),
    ("the table changed", |f| {
        relined(f, "entries.csv", |lines| {
            lines[2] = lines[2].replacen("20", "19", 1)
        })
    }),
    ("a row less", |f| {
        relined(f, "entries.csv", |lines| drop(lines.pop()))
    }),
    ("a row more", |f| {
        relined(f, "entries.csv", |lines| lines.push(lines[1].clone()))
    }),
    ("no table", |f| {
        fs::remove_file(f.join("entries.csv")).unwrap()
    }),
    ("a key changed", |f| {
        relined(f, "keys.csv", |lines| {
            let place = lines[1].len() - 12;
            lines[1] = twisted(&lines[1], place);
        })
    }),
    ("a key removed", |f| {
        relined(f, "keys.csv", |lines| drop(lines.remove(1)))
    }),
    ("a policy changed", |f| {
        let path = a_policy(f);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replacen("deploy", "destroy", 1)).unwrap();
    }),
    ("a policy removed", |f| {
        fs::remove_file(a_policy(f)).unwrap()
    }),
    ("a policy more", |f| {
        fs::write(f.join("policies/entry-9999.toml"), "[people]").unwrap()
    }),
];

#[test]
fn whatever_is_changed_both_find() {
    let mut runner = TestRunner::deterministic();
    let lines = ledger(&mut runner);
    let seams = seams(&lines);
    let place = tempfile::tempdir().unwrap();
    let whole = place.path().join("export");
    take(
        &whole,
        &lines,
        seams[seams.len() / 2],
        seams[seams.len() - 2],
    )
    .unwrap();
    let mut missed = Vec::new();
    for (count, (name, tamper)) in TAMPERINGS.iter().enumerate() {
        let copy = place.path().join(count.to_string());
        let copied = Command::new("cp").arg("-r").args([&whole, &copy]).status();
        assert!(copied.unwrap().success());
        tamper(&copy);
        for (who, told) in [
            ("glass", glass(&copy).err()),
            ("python", python(&copy).err()),
        ] {
            match told {
                None => missed.push(format!("{name}: {who} accepts it")),
                Some(told) if told.contains("Traceback") => missed.push(format!("{name}: {told}")),
                Some(_) => {}
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    glass(&whole).unwrap();
    python(&whole).unwrap();
}

/// A checkpoint that the same key signed, over other entries.
#[test]
fn a_checkpoint_of_another_history_is_found() {
    let mut runner = TestRunner::deterministic();
    let (lines, others) = (ledger(&mut runner), ledger(&mut runner));
    let seams = seams(&lines);
    let (from, to) = (seams[seams.len() / 2], seams[seams.len() - 2]);
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("export");
    take(&folder, &lines, from, to).unwrap();
    let mut tree = Frontier::new();
    let others = others.iter().cycle().take(to);
    others.for_each(|line| tree.push(Hash::of_leaf(line)));
    fs::write(folder.join("checkpoint"), head(&tree)).unwrap();
    glass(&folder).unwrap_err();
    python(&folder).unwrap_err();
}

/// What witnesses have signed comes along, and is of this history or is found.
#[test]
fn what_witnesses_signed_of_another_history_is_found() {
    let mut runner = TestRunner::deterministic();
    let (lines, others) = (ledger(&mut runner), ledger(&mut runner));
    let seams = seams(&lines);
    let (from, to) = (seams[seams.len() / 2], seams[seams.len() - 2]);
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("export");
    take(&folder, &lines, from, to).unwrap();
    let witnessed = |lines: &[std::sync::Arc<[u8]>], size: usize| {
        let mut tree = Frontier::new();
        let lines = lines.iter().cycle().take(size);
        lines.for_each(|line| tree.push(Hash::of_leaf(line)));
        fs::write(folder.join("witnessed"), head(&tree)).unwrap();
        (glass(&folder).map(drop), python(&folder).map(drop))
    };
    for size in [from, from + 1, to - 1, to] {
        assert_eq!(witnessed(&lines, size), (Ok(()), Ok(())), "{size}");
        let (glass, python) = witnessed(&others, size);
        glass.unwrap_err();
        let told = python.unwrap_err();
        assert!(told.contains("it is of another history"), "{told}");
    }
    let (glass, python) = witnessed(&lines, to + 1);
    glass.unwrap_err();
    python.unwrap_err();
}

/// Whoever takes a period cannot leave out of it what it needs, nor begin it later than it says.
#[test]
fn a_period_that_begins_too_late_is_no_period() {
    let mut runner = TestRunner::deterministic();
    let lines = ledger(&mut runner);
    let seams = seams(&lines);
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("export");
    take(&folder, &lines, seams[20], seams[40]).unwrap();
    let earlier = at(&lines[seams[10]]).to_string();
    edit(&folder, "export.json", |text| {
        let line = text
            .lines()
            .find(|line| line.contains("since"))
            .unwrap()
            .to_owned();
        let time: jiff::Timestamp = earlier.parse().unwrap();
        text.replace(&line, &format!("  \"since\": \"{time:.3}\","))
    });
    let told = glass(&folder).unwrap_err();
    assert!(told.contains("stands before the period"), "{told}");
    let told = python(&folder).unwrap_err();
    assert!(
        told.contains("does not prove where the period begins"),
        "{told}"
    );
}

/// What the format of before this had: it verifies as it did.
#[test]
fn an_export_of_an_older_glass_verifies() {
    let mut runner = TestRunner::deterministic();
    let lines = ledger(&mut runner);
    let place = tempfile::tempdir().unwrap();
    crate::verifiers::lay_out(place.path(), &lines);
    let verified = glass(place.path()).unwrap();
    assert_eq!((verified.part, verified.is_verifier_ours), (None, None));
    fs::write(place.path().join("verify.py"), export::verifier()).unwrap();
    python(place.path()).unwrap();
    assert_eq!(glass(place.path()).unwrap().is_verifier_ours, Some(true));
    edit(place.path(), "verify.py", |text| {
        text.replacen("sys.exit(", "sys.exit(0 and ", 2)
    });
    assert_eq!(glass(place.path()).unwrap().is_verifier_ours, Some(false));
}

/// Debts fall out when there are many, and a period does not show all of them: what it shows of an old one
/// proves nothing about what is owed.
#[test]
fn what_was_owed_before_a_period_does_not_count_in_it() {
    let mut house = House::burning();
    house.loads(&format!("{POLICY}[review]\ndays = 9\n"));
    about_incident(&mut house, "mia", 0, 7).unwrap();
    asks(&mut house, "mia", 0, 10).unwrap();
    // A freeze ends the grant: this incident is told in each later period.
    let (person, reason) = ("mia".to_owned(), "stolen".to_owned());
    let act = Act::Freeze {
        person: id("mia"),
        reason: line("stolen"),
    };
    house
        .does("leon", Said::Freeze { person, reason }, act)
        .unwrap();
    let (person, reason) = ("mia".to_owned(), "found".to_owned());
    let act = Act::Unfreeze {
        person: id("mia"),
        reason: line("found"),
    };
    house.passes(600_000);
    house
        .does("leon", Said::Unfreeze { person, reason }, act)
        .unwrap();
    about_incident(&mut house, "mia", 0, 8).unwrap();
    for _ in 0..201 {
        house.passes(600_000);
        house.has_a_night();
    }
    house.passes(600_000);
    for _ in 0..200 {
        answers(&mut house, "eve", 1).unwrap();
    }
    house.passes(20 * 24 * 3_600_000);
    let from = house.lines.len();
    about_incident(&mut house, "mia", 0, 7).unwrap();
    asks(&mut house, "mia", 0, 10)
        .expect("the first one fell out, and the others are answered for");
    house.is_whole();
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("export");
    take(&folder, &house.lines, from, house.lines.len()).unwrap();
    let shown = fs::read_to_string(folder.join("before.jsonl")).unwrap();
    assert!(shown.contains("\"INC-1\"") && !shown.contains("\"INC-9\""));
    glass(&folder).unwrap();
    python(&folder).unwrap();
}

/// Nothing of the period says a word about it, and somebody may hold a grant under it.
#[test]
fn an_incident_that_is_open_comes_along_though_nothing_happens_in_it() {
    let mut house = House::burning();
    house.passes(60_000);
    about_incident(&mut house, "mia", 0, 7).unwrap();
    asks(&mut house, "mia", 0, 10).unwrap();
    house.passes(60_000);
    let from = house.lines.len();
    house.loads(&format!("{POLICY}# the same, and a remark\n"));
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("export");
    take(&folder, &house.lines, from, house.lines.len()).unwrap();
    let shown = fs::read_to_string(folder.join("before.jsonl")).unwrap();
    assert!(shown.contains("\"INC-1\"") && shown.contains("grant.started"));
    assert_eq!(glass(&folder).unwrap().report.open, ["G-1"]);
    python(&folder).unwrap();
}
