//! The copy that is restored is from before a rotation of the ledger's key: what is lost is signed by a key that the
//! copy does not know, and the keys that are at hand sign from behind the rotation on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use breakglass_tests::Playground;
use breakglass_tests::playground::{Output, Process, binary};

fn copied(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(done.unwrap().success());
}

fn says(said: &Output, code: i32, words: &[&str]) {
    let all = format!("{}{}", said.out, said.err);
    assert_eq!(said.code, code, "{said}");
    for word in words {
        assert!(all.contains(word), "`{word}` is not in: {said}");
    }
}

/// A team whose broker was set back to before a rotation.
struct SetBack {
    playground: Playground,
    /// The folder of keys from after it.
    keys: PathBuf,
    kept: u64,
}

impl SetBack {
    /// Mia has followed the key and seen what came after; the folder is that of before, and its keys too.
    fn begins(rotations: usize) -> Self {
        let mut playground = Playground::begins();
        playground.opens("the worker floods");
        playground.stops();
        let kept = playground.entries().len() as u64;
        let (data, copy) = (playground.data(), playground.path("a backup"));
        copied(&data, &copy);
        for _ in 0..rotations {
            playground.serves();
            for number in 0..4 {
                let text = format!("what really happened, {number}");
                playground.done("mia", &["incident", "note", &text]);
            }
            playground.stops();
            says(&playground.glassd(&["rotate", "--of", "ledger"]), 0, &[]);
        }
        playground.serves();
        playground.done("mia", &["incident", "note", "and after it"]);
        playground.stops();
        let keys = playground.path("keys of after");
        copied(&data.join("keys"), &keys);
        fs::remove_dir_all(&data).unwrap();
        copied(&copy, &data);
        fs::remove_file(data.join("ledger/checkpoint")).unwrap();
        Self {
            playground,
            keys,
            kept,
        }
    }

    fn has_the_keys_of_after(&self) {
        let keys = self.playground.data().join("keys");
        fs::remove_dir_all(&keys).unwrap();
        copied(&self.keys, &keys);
    }

    fn seen(&self, who: &str) -> PathBuf {
        let contexts = self.playground.contexts();
        contexts.join(format!("contexts/{who}/checkpoint"))
    }

    fn recovers(&self, lost: &Path, more: &[&str]) -> Output {
        let words = [
            "recover",
            "--lost",
            lost.to_str().unwrap(),
            "--operator",
            "Olaf",
        ];
        let words = [&words[..], &["-m", "the disk died"], more].concat();
        self.playground.glassd(&words)
    }

    fn python(&self) -> String {
        let data = self.playground.data();
        let vkey = fs::read_to_string(data.join("keys/ledger.vkey")).unwrap();
        let mut verify = Command::new("/usr/bin/python3");
        verify.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/verify_ledger.py"));
        let said = verify
            .arg(data.join("ledger"))
            .arg(vkey.trim())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&said.stdout).into_owned();
        let wrong = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success(), "{told}{wrong}");
        told
    }
}

#[test]
fn what_was_lost_with_a_rotation_is_marked_under_the_key_from_after_it() {
    let mut team = SetBack::begins(1);
    team.has_the_keys_of_after();
    // Nothing starts, and it is said which side is old.
    let old = "the ledger is from before its key was rotated";
    says(
        &team.playground.glassd(&["fsck"]),
        1,
        &[old, "glassd recover --lost"],
    );
    let said = team.recovers(&team.seen("mia"), &[]);
    says(
        &said,
        0,
        &[
            "marks it for ever",
            "passed what stood from entry",
            "hands the ledger over once more",
        ],
    );
    let lost = team.playground.entries_of("ledger.lost");
    assert!(!lost.is_empty());
    let mark = &team.playground.entries_of("ledger.restored")[0];
    assert_eq!(mark["kept"].as_u64(), Some(team.kept));
    // Each passed place and each lost entry may have given an id.
    let ids = mark["size"].as_u64().unwrap() - team.kept + lost.len() as u64;
    says(&said, 0, &[&format!("ids    go on {ids} behind")]);
    // Nobody knows when what is passed over was: as late as the newest of the copy, and no later.
    let newest = &team.playground.entries()[team.kept as usize - 1]["at"];
    assert!(lost.iter().all(|it| &it["at"] == newest), "{lost:?}");
    assert_eq!(
        team.playground
            .entries_of("key.added")
            .iter()
            .filter(|it| it["succession"].is_string())
            .count(),
        1
    );
    says(
        &team.playground.glassd(&["fsck", "--deep"]),
        0,
        &["the broker went on from a copy"],
    );
    assert!(team.python().contains("RESTORED from a copy"));

    team.playground.serves();
    // Leon had seen nothing of it, and was away over the rotation.
    team.playground.done("leon", &["status"]);
    says(
        &team.playground.done("leon", &["ledger", "verify"]),
        0,
        &["restored: entry"],
    );
    // Mia had, and is asked.
    says(
        &team.playground.glass("mia", &["status"]),
        86,
        &["glass ledger accept"],
    );
    // What only ends something is done all the same, also though the rotation she followed is dated anew.
    says(
        &team
            .playground
            .glass("mia", &["freeze", "support", "-m", "phone stolen"]),
        86,
        &["done all the same"],
    );
    assert_eq!(team.playground.entries_of("person.frozen").len(), 1);
    team.playground.done("mia", &["ledger", "accept", "--yes"]);
    team.playground
        .done("mia", &["incident", "note", "we lost an hour"]);
    let number = format!("G-{}", ids + 1);
    let words = ["request", "deploy-shop", "-m", "again", "--no-wait"];
    says(&team.playground.done("mia", &words), 0, &[&number]);
    team.playground.done("mia", &["ledger", "verify"]);
    let folder = team.playground.path("taken").display().to_string();
    team.playground
        .done("founder", &["ledger", "export", &folder]);
    says(
        &team
            .playground
            .done("founder", &["ledger", "verify", &folder]),
        0,
        &[],
    );
    team.playground.stops();
    says(
        &team.playground.glassd(&["rotate", "--of", "ledger"]),
        0,
        &[],
    );
    assert!(team.python().contains("RESTORED from a copy"));
}

#[test]
fn two_rotations_are_passed_over_as_one_is() {
    let mut team = SetBack::begins(2);
    team.has_the_keys_of_after();
    says(
        &team.recovers(&team.seen("mia"), &[]),
        0,
        &["marks it for ever"],
    );
    says(&team.playground.glassd(&["fsck", "--deep"]), 0, &[]);
    team.python();
    team.playground.serves();
    team.playground
        .done("leon", &["incident", "note", "I was away"]);
    team.playground.done("mia", &["ledger", "accept", "--yes"]);
    team.playground.done("mia", &["ledger", "verify"]);
}

/// With the keys of before nobody who has followed would believe what is signed; so nothing is.
#[test]
fn with_the_keys_from_before_it_is_said_what_is_missing() {
    let team = SetBack::begins(1);
    let later = "was signed after a rotation that this copy does not have";
    let said = team.recovers(&team.seen("mia"), &[]);
    says(
        &said,
        1,
        &[later, "put back the keys", "From before a rotation"],
    );
    // Alone, without the word of the keys beside it.
    let alone = team.playground.path("mia.checkpoint");
    fs::copy(team.seen("mia"), &alone).unwrap();
    says(
        &team.recovers(&alone, &[]),
        1,
        &["do not know", "--successions FILE"],
    );
    let word = team.seen("mia").with_file_name("successions");
    let word = word.to_str().unwrap();
    says(
        &team.recovers(&alone, &["--successions", word]),
        1,
        &[later],
    );
    // The same in a statement.
    let note = fs::read_to_string(team.seen("mia")).unwrap();
    let lines: Vec<_> = note.lines().collect();
    let signature = lines[4].rsplit(' ').next().unwrap();
    let said = format!(
        "breakglass/v1 note\nseen: {} {} {signature}\nnonce: n\n",
        lines[1], lines[2]
    );
    fs::write(&alone, said).unwrap();
    says(
        &team.recovers(&alone, &["--successions", word]),
        1,
        &[later],
    );
    let bad = team.playground.path("bad");
    fs::write(&bad, "\u{1b}[2K".repeat(1_000_000)).unwrap();
    let said = team.recovers(&alone, &["--successions", bad.to_str().unwrap()]);
    says(&said, 1, &["longer than the word of any keys"]);
    fs::write(&bad, "nothing of the kind").unwrap();
    let said = team.recovers(&alone, &["--successions", bad.to_str().unwrap()]);
    says(&said, 1, &["does not lead on"]);
    assert!(team.playground.entries_of("ledger.restored").is_empty());
}

/// A slip of the keyboard burns no ids.
#[test]
fn a_loss_that_nobody_can_mean_is_asked_about() {
    let mut team = SetBack::begins(1);
    team.has_the_keys_of_after();
    let said = team.recovers(&team.seen("mia"), &["--losing", "1000000000000"]);
    says(&said, 2, &["--losing says 1000000000000"]);
    assert!(team.playground.entries_of("ledger.restored").is_empty());
    says(&team.recovers(&team.seen("mia"), &[]), 0, &[]);
    team.playground.serves();
}

/// Where no key signs on, this ledger ends, and another one begins that nobody can take for it.
#[test]
fn another_ledger_begins_that_nothing_of_the_old_one_is_taken_for() {
    let team = SetBack::begins(1);
    let data = team.playground.path("breakglass-2");
    let config = team.playground.path("breakglass-2.toml");
    let policy = team.playground.policy();
    let [data, config, policy] = [&data, &config, &policy].map(|path| path.to_str().unwrap());
    let mut words = vec![
        "init",
        data,
        "--config",
        config,
        "--server-name",
        "glass.example",
    ];
    words.extend([
        "--policy",
        policy,
        "--ledger-origin",
        "glass.example/ledger-2",
        "--invite",
        "founder",
    ]);
    let glassd = |words: &[&str]| {
        let mut command = team.playground.command(binary("glassd"));
        command.args(words);
        Process::spawn(command).finishes()
    };
    says(&glassd(&words), 0, &["glass enroll"]);
    let said = glassd(&["vkey", "--config", config]);
    says(&said, 0, &["glass.example/ledger-2+"]);
    let seen = team.seen("mia");
    let lost = [
        "recover",
        "--config",
        config,
        "--lost",
        seen.to_str().unwrap(),
        "--operator",
        "Olaf",
        "-m",
        "why",
    ];
    says(&glassd(&lost), 1, &["is no checkpoint of this ledger"]);
}
