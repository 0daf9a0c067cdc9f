//! A copy of a ledger, as it lies in a folder: changed, cut, mixed up, or with another key.

use std::fs;

use breakglass_client::audit::Auditor;
use breakglass_client::export::{self, Period, Writer};
use breakglass_tlog::{Ed25519Signer, KeyName, NoteSigner as _};

use crate::night::{Night, ORIGIN};
use crate::verifiers::{glass, lay_out, lay_out_tiles, python, vkey};

fn complaint(folder: &std::path::Path) -> String {
    let error = export::verify(folder, vkey(), 0).unwrap_err();
    assert_eq!(error.exit_code(), 86);
    error.to_string()
}

#[test]
fn an_export_says_everything_by_itself_and_is_never_mixed() {
    let folder = tempfile::tempdir().unwrap();
    let (here, place) = (folder.path(), folder.path().join("export"));
    let night = Night::begins();
    lay_out(here, &night.lines);
    let note = fs::read_to_string(here.join("checkpoint")).unwrap();
    let mut writer = Writer::begin(&place, vkey(), Period::default()).unwrap();
    for line in &night.lines {
        writer.entry(line.as_bytes()).unwrap();
    }
    let report = writer.finish(&note).unwrap();
    let verified = export::verify(&place, vkey(), 3).unwrap();
    assert_eq!(verified.report, report);
    assert_eq!(export::key_beside(&place).unwrap(), Some(vkey()));
    assert!(
        Writer::begin(&place, vkey(), Period::default()).is_err(),
        "it is never mixed"
    );

    // The root that was asked for is that of the first entries; of more than there are is none.
    let mut auditor = Auditor::new(vkey()).asking_root_at(3);
    for line in &night.lines[..3] {
        assert_eq!(auditor.root_at(3), None);
        auditor.check(line.as_bytes()).unwrap();
    }
    assert_eq!(verified.root, auditor.root_at(3));
    let longer = export::verify(&place, vkey(), 1_000).unwrap();
    assert_eq!(longer.root, None);
}

#[test]
fn a_changed_missing_or_cut_line_is_found() {
    let night = Night::begins();
    let tampered = |tamper: fn(String) -> String| {
        let folder = tempfile::tempdir().unwrap();
        lay_out(folder.path(), &night.lines);
        let path = folder.path().join("entries.jsonl");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, tamper(text)).unwrap();
        complaint(folder.path())
    };
    let changed = tampered(|text| text.replace("0.1.0", "0.1.1"));
    assert!(changed.contains("at least one was changed"), "{changed}");
    let missing = tampered(|text| {
        text.lines()
            .map(|line| format!("{line}\n"))
            .skip(1)
            .collect()
    });
    assert!(
        missing.starts_with("entry 0: it calls itself entry 1"),
        "{missing}"
    );
    let short = tampered(|text| {
        let end = text.trim_end().rfind('\n').unwrap();
        text[..=end].to_owned()
    });
    assert!(
        short.contains("signs 9 entries, and there are 8"),
        "{short}"
    );
    let cut = tampered(|text| text.trim_end().to_owned());
    assert!(cut.contains("cut short"), "{cut}");
}

/// A folder of tiles as it is, and after something was done to it, as both see it.
fn mirror(lines: &[String], tamper: impl FnOnce(&std::path::Path)) -> [Result<(), String>; 2] {
    let folder = tempfile::tempdir().unwrap();
    lay_out_tiles(folder.path(), lines);
    tamper(folder.path());
    [glass(folder.path()), python(folder.path())]
}

#[test]
fn a_mirror_is_read_by_both_and_what_was_changed_in_it_is_found() {
    let lines = Night::begins().lines;
    assert_eq!(mirror(&lines, |_| ()), [Ok(()), Ok(())]);
    let size = lines.len();
    let (entries, hashes) = (
        format!("tile/entries/000.p/{size}"),
        format!("tile/0/000.p/{size}"),
    );
    let last_byte = |path: std::path::PathBuf| {
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let cut = |path: std::path::PathBuf| {
        let bytes = fs::read(&path).unwrap();
        fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
    };
    for name in [&entries, &hashes] {
        for found in [
            mirror(&lines, |folder| last_byte(folder.join(name))),
            mirror(&lines, |folder| cut(folder.join(name))),
            mirror(&lines, |folder| fs::remove_file(folder.join(name)).unwrap()),
        ] {
            assert!(found.iter().all(Result::is_err), "{name}: {found:?}");
        }
    }
    // An entry that was left out, with a bundle and hashes that agree with each other.
    let shorter = mirror(&lines, |folder| {
        let note = fs::read(folder.join("checkpoint")).unwrap();
        fs::remove_dir_all(folder.join("tile")).unwrap();
        lay_out_tiles(folder, &[&lines[..3], &lines[4..]].concat());
        fs::write(folder.join("checkpoint"), note).unwrap();
    });
    assert!(shorter.iter().all(Result::is_err), "{shorter:?}");
    // Signed anew by whoever has the key: what the entries say is checked all the same.
    let mut forged = lines.clone();
    forged[size - 1] = forged[size - 1].replace("\"index\":", "\"indeks\":");
    let found = mirror(&forged, |_| ());
    assert!(found.iter().all(Result::is_err), "{found:?}");
}

#[test]
fn what_is_no_copy_or_of_another_key_is_no_copy() {
    let folder = tempfile::tempdir().unwrap();
    lay_out(folder.path(), &Night::begins().lines);
    let other = Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[1; 32]).unwrap();
    let error = export::verify(folder.path(), other.verifier().clone(), 0).unwrap_err();
    assert!(error.to_string().contains("does not verify"), "{error}");
    fs::remove_file(folder.path().join("checkpoint")).unwrap();
    let error = export::verify(folder.path(), vkey(), 0).unwrap_err();
    assert!(error.to_string().contains("not a whole export"), "{error}");

    // Nothing is no ledger either.
    let nowhere = python(&folder.path().join("nowhere")).unwrap_err();
    assert!(nowhere.contains("there is no journal"), "{nowhere}");
}

/// The page shows a ledger to try a verifier on, of the key that these tests sign with.
#[test]
fn the_ledger_of_the_documentation_verifies() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/ledger-format.md");
    let page = fs::read_to_string(page).unwrap();
    let lines: Vec<_> = page
        .lines()
        .filter(|line| line.starts_with(r#"{"commit":"#) || line.starts_with(r#"{"v":1,"#))
        .collect();
    assert_eq!(lines.len(), 6);
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("journal")).unwrap();
    let journal = folder.path().join(format!("journal/{:020}.jsonl", 0));
    fs::write(journal, format!("{}\n", lines.join("\n"))).unwrap();
    python(folder.path()).unwrap();
    let mut auditor = Auditor::new(vkey());
    for line in lines.iter().filter(|line| line.starts_with(r#"{"v":1,"#)) {
        auditor.check(line.as_bytes()).unwrap();
    }
}
