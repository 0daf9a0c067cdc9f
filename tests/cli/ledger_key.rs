//! The ledger goes over to another key, and everybody who has the old one follows: laptops that were
//! away, mirrors, exports, and a reader that nobody of ours wrote.

use std::fs;
use std::path::Path;
use std::process::Command;

use breakglass_tests::Playground;

const SUCCESSIONS: &str = "successions";

fn rotates(playground: &mut Playground) -> String {
    playground.stops();
    let said = playground.glassd(&["rotate", "--of", "ledger"]);
    assert_eq!(said.code, 0, "{said}");
    let vkey = said
        .out
        .lines()
        .next()
        .unwrap()
        .trim_start_matches("ledger  ");
    playground.serves();
    vkey.to_owned()
}

fn vkey(playground: &Playground) -> String {
    playground.glassd(&["vkey"]).out.trim_end().to_owned()
}

fn python(folder: &Path, script: &Path, words: [&str; 2]) -> std::process::Output {
    let mut python = Command::new("/usr/bin/python3");
    python.current_dir(folder).arg(script).args(words);
    python.output().unwrap()
}

fn beside(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn everybody_follows_the_ledger_to_its_next_key() {
    let mut playground = Playground::begins();
    playground.opens("the worker floods");
    let restarts = ["exec", "restart-worker", "-m", "stuck", "--", "true"];
    playground.done("mia", &restarts);
    let first = vkey(&playground);
    let (mirror, before, after) = (
        playground.path("mirror"),
        playground.path("before"),
        playground.path("after"),
    );
    let text = |path: &Path| path.display().to_string();
    playground.done("founder", &["ledger", "mirror", &text(&mirror)]);
    playground.done("founder", &["ledger", "export", &text(&before)]);

    let second = rotates(&mut playground);
    assert_eq!(vkey(&playground), second);
    let third = rotates(&mut playground);
    assert!(first != second && second != third);

    // Who was away for both, follows both.
    let who = playground.done("mia", &["-o", "json", "whoami"]);
    assert_eq!(who.json()["ledger_vkey"], third.as_str());
    let context = playground.contexts().join("contexts/mia");
    let way = fs::read_to_string(context.join(SUCCESSIONS)).unwrap();
    assert_eq!(way.lines().count(), 16);
    let pinned = fs::read_to_string(context.join("context.toml")).unwrap();
    assert!(pinned.contains(&first), "what was pinned stays: {pinned}");
    playground.done("mia", &["incident", "note", "still here"]);
    // The story of a grant from before, and of one from after, by who slept and by who comes anew.
    playground.done("mia", &restarts);
    for (who, grant) in [("mia", "G-1"), ("mia", "G-2"), ("leon", "G-1")] {
        playground.done(who, &["ledger", "show", grant]);
        playground.done(who, &["ledger", "why", grant]);
    }
    let said = playground.done("mia", &["ledger", "verify"]);
    assert!(said.out.contains("handed over"), "{said}");
    // What was taken before is as good as it was.
    playground.done("mia", &["ledger", "verify", &text(&before)]);

    // A mirror that was made before goes on, and says how its keys follow each other.
    playground.done("founder", &["ledger", "mirror", &text(&mirror)]);
    assert_eq!(fs::read_to_string(mirror.join(SUCCESSIONS)).unwrap(), way);
    playground.done("founder", &["ledger", "export", &text(&after)]);
    for key in [&first, &second, &third] {
        for (folder, words) in [
            (&mirror, ["ledger", "verify", &text(&mirror), "--vkey", key]),
            (&after, ["ledger", "verify", &text(&after), "--vkey", key]),
        ] {
            let said = playground.glass("leon", &words);
            assert_eq!(said.code, 0, "{} {key}: {said}", folder.display());
        }
        let ledger = playground.data().join("ledger");
        for folder in [&mirror, &ledger] {
            let told = python(folder, &beside("verify_ledger.py"), [&text(folder), key]);
            let err = String::from_utf8_lossy(&told.stderr);
            assert!(told.status.success(), "{} {key}: {err}", folder.display());
            let out = String::from_utf8_lossy(&told.stdout);
            assert_eq!(out.matches("hands the ledger over").count(), 2, "{out}");
        }
        let told = python(&after, &after.join("verify.py"), [key, "."]);
        let err = String::from_utf8_lossy(&told.stderr);
        assert!(told.status.success(), "{key}: {err}");
    }
    // Before the rotations there is nothing to be learnt beside a copy, and nothing there.
    assert!(!before.join(SUCCESSIONS).exists());

    playground.stops();
    let said = playground.glassd(&["fsck"]);
    assert_eq!(said.code, 0, "{said}");
    assert!(
        said.out.contains("the index is what the ledger says"),
        "{said}"
    );
}

#[test]
fn it_is_one_step_and_never_without_its_hand_over() {
    let mut playground = Playground::begins();
    let busy = playground.glassd(&["rotate", "--of", "ledger"]);
    assert_eq!(busy.code, 1, "{busy}");
    assert!(busy.err.contains("systemctl stop glassd"), "{busy}");
    playground.stops();
    for more in ["--switch", "--compromised"] {
        let said = playground.glassd(&["rotate", "--of", "ledger", more]);
        assert_eq!(said.code, 2, "{said}");
        assert!(said.err.contains("in one step"), "{said}");
    }
    assert!(
        playground
            .entries_of("key.added")
            .iter()
            .all(|entry| entry["succession"].is_null())
    );
}
