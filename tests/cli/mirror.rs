//! A mirror on another host: kept by cron, checked as it comes.

use std::fs;
use std::path::{Path, PathBuf};

use breakglass_tests::Playground;
use breakglass_tests::backup::copied;
use breakglass_tests::playground::mode_of;

/// A night that is published, and where its mirror will be.
fn night() -> (Playground, PathBuf) {
    let playground = Playground::begins();
    let incident = playground.opens("the worker floods");
    playground.done("mia", &["exec", "deploy-shop", "-m", "why", "--", "true"]);
    playground.done("leon", &["incident", "close", &incident, "-m", "over"]);
    playground.published();
    let mirror = playground.path("a mirror");
    (playground, mirror)
}

fn mirrors(playground: &Playground, who: &str, mirror: &Path, words: &[&str]) -> u64 {
    let folder = mirror.to_str().unwrap();
    let words = [&["-o", "json", "ledger", "mirror", folder], words].concat();
    playground.done(who, &words).json()["new"].as_u64().unwrap()
}

fn python(playground: &Playground, mirror: &Path) -> std::process::Output {
    let vkey = fs::read_to_string(mirror.join("vkey")).unwrap();
    let mut python = playground.command("/usr/bin/python3".into());
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/verify_ledger.py"));
    python.arg(mirror).arg(vkey.trim_end()).output().unwrap()
}

/// The files of the newest tiles of the broker, in which a byte is changed on the disk it serves from.
fn tampered(playground: &Playground, kind: &str) -> PathBuf {
    let size = playground.published();
    let path = playground
        .data()
        .join(format!("ledger/tile/{kind}/000.p/{size}"));
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_mirror_is_kept_up_to_date_and_both_verifiers_read_it() {
    let (playground, mirror) = night();
    let first = mirrors(&playground, "designer", &mirror, &[]);
    assert_eq!(first, playground.entries().len() as u64);
    assert_eq!(mirrors(&playground, "designer", &mirror, &[]), 0);
    assert_eq!(mode_of(&mirror) & 0o777, 0o700, "it says who did what");
    playground.done("mia", &["incident", "open", "another"]);
    playground.published();
    assert_eq!(mirrors(&playground, "designer", &mirror, &[]), 1);
    assert_eq!(mirrors(&playground, "designer", &mirror, &["--recheck"]), 0);
    assert!(
        playground.entries_of("ledger.exported").is_empty(),
        "a mirror is kept every few minutes, and is no entry"
    );

    let folder = mirror.to_str().unwrap();
    let said = playground.done("designer", &["ledger", "verify", folder]);
    assert!(said.out.contains("is whole"), "{said}");
    assert!(
        said.out.contains("are those this laptop has seen"),
        "{said}"
    );
    playground.done("designer", &["ledger", "verify", "--from", folder]);
    let said = python(&playground, &mirror);
    let out = String::from_utf8(said.stdout).unwrap();
    assert!(said.status.success(), "{out}");
    assert!(
        out.contains("1 checkpoints") && out.contains("all hold"),
        "{out}"
    );

    // A mirror in which somebody changed what was said.
    let bundle = fs::read_dir(mirror.join("tile/entries/000.p")).unwrap();
    for path in bundle.map(|file| file.unwrap().path()) {
        let text = fs::read(&path).unwrap();
        let at = text.windows(7).position(|word| word == b"another");
        let Some(at) = at else { continue };
        fs::write(&path, [&text[..at], b"nothing", &text[at + 7..]].concat()).unwrap();
    }
    let said = playground.glass("designer", &["ledger", "verify", folder]);
    assert_eq!(said.code, 86, "{said}");
    assert!(!python(&playground, &mirror).status.success());
    let said = playground.done("designer", &["ledger", "mirror", "--recheck", folder]);
    assert!(
        said.err.contains("was damaged") && said.err.contains("is mended"),
        "{said}"
    );
    playground.done("designer", &["ledger", "verify", folder]);
}

#[test]
fn cron_hears_nothing_while_all_is_well() {
    let (mut playground, mirror) = night();
    let folder = mirror.to_str().unwrap();
    let quiet = ["ledger", "mirror", "-q", folder];
    for _ in 0..2 {
        let said = playground.done("designer", &quiet);
        assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""), "{said}");
    }
    let said = playground.done("designer", &["ledger", "mirror", folder]);
    assert!(said.out.contains("none of them new"), "{said}");
    playground.stops();
    let said = playground.glass("designer", &quiet);
    assert_eq!(said.code, 84, "{said}");
    assert!(!said.err.is_empty());
}

#[test]
fn a_byte_that_is_changed_where_the_broker_serves_it_is_found_and_not_kept() {
    for kind in ["entries", "0"] {
        let (playground, mirror) = night();
        let before = mirrors(&playground, "designer", &mirror, &[]);
        playground.done("mia", &["incident", "open", "another"]);
        let path = tampered(&playground, kind);
        let folder = mirror.to_str().unwrap();
        let said = playground.glass("designer", &["ledger", "mirror", "-q", folder]);
        assert_eq!((said.code, said.out.as_str()), (86, ""), "{kind}: {said}");
        assert!(said.err.contains("VERIFICATION FAILED"), "{said}");
        // The bundle does not hold; the hash tiles do not give the root.
        assert!(said.err.contains("served, do"), "{said}");
        let kept = fs::read_to_string(mirror.join("checkpoint")).unwrap();
        assert_eq!(kept.lines().nth(1), Some(before.to_string().as_str()));
        playground.done("designer", &["ledger", "verify", folder]);
        // Mended on the host: the next run goes on.
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(mirrors(&playground, "designer", &mirror, &[]), 1);
    }
}

/// The broker is put back to before what the mirror holds, and goes on otherwise.
#[test]
fn a_ledger_that_was_rewritten_does_not_reach_the_mirror() {
    let (mut playground, mirror) = night();
    playground.stops();
    let (data, before) = (playground.data(), playground.path("a backup"));
    copied(&data, &before);
    playground.serves();
    playground.done("mia", &["incident", "open", "what really happened"]);
    playground.published();
    mirrors(&playground, "designer", &mirror, &[]);
    playground.stops();
    fs::remove_dir_all(&data).unwrap();
    copied(&before, &data);
    playground.serves();
    playground.done("leon", &["incident", "open", "what is to be believed"]);
    playground.done("leon", &["incident", "open", "and more"]);
    playground.published();
    let kept = || fs::read(mirror.join("checkpoint")).unwrap();
    let held = kept();
    let folder = mirror.to_str().unwrap();
    // Leon's laptop was away meanwhile, as far as the broker can tell: the mirror itself knows better.
    for who in ["designer", "leon"] {
        let said = playground.glass(who, &["ledger", "mirror", "-q", folder]);
        assert_eq!(said.code, 86, "{who}: {said}");
        let evidence = playground
            .contexts()
            .join(format!("contexts/{who}/evidence"));
        assert!(
            said.err.contains(evidence.to_str().unwrap()),
            "{who}: {said}"
        );
        assert_eq!(kept(), held);
    }
}

#[test]
fn a_folder_with_something_else_in_it_is_left_alone() {
    let (playground, _) = night();
    let said = playground.glass("designer", &["ledger", "mirror", "."]);
    assert_eq!(said.code, 2, "{said}");
    assert!(said.err.contains("it is no mirror"), "{said}");
    assert!(!playground.path(".lock").exists());
}
