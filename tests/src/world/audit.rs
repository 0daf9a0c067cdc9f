//! However a story went, its ledger is one that `glass ledger verify` accepts.

use std::fs;
use std::path::Path;

use breakglass_client::audit::Auditor;
use breakglass_tlog::VerifierKey;
use serde_json::Value;

/// Audits the journal in a ledger's folder up to its last commit.
///
/// # Panics
/// Where the audit finds something.
pub(super) fn audit(ledger: &Path, key: VerifierKey) {
    let mut auditor = Auditor::new(key);
    let mut commits = Vec::new();
    for line in lines(ledger) {
        let value: Value = serde_json::from_slice(&line).expect("JSON");
        match value["commit"].as_str() {
            Some(note) => commits.push((auditor.size(), note.to_owned())),
            None => auditor.check(&line).unwrap_or_else(|why| {
                panic!("the story's ledger does not verify: {why}");
            }),
        }
    }
    // What is being written while we read has no commit yet.
    let whole = commits.pop().filter(|(size, _)| *size == auditor.size());
    if let Some((_, note)) = whole {
        let report = auditor.finish(&note).expect("the checkpoint is of it");
        assert_eq!(report.not_understood, 0, "glass knows every kind there is");
    }
}

/// Whole lines of all files, in order.
fn lines(ledger: &Path) -> Vec<Vec<u8>> {
    let mut files: Vec<_> = fs::read_dir(ledger.join("journal"))
        .expect("a journal")
        .map(|file| file.expect("a file of the journal").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"))
        .collect();
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        let bytes = fs::read(file).expect("the journal is read");
        let whole = bytes.split_inclusive(|byte| *byte == b'\n');
        let whole = whole.filter_map(|line| line.strip_suffix(b"\n"));
        lines.extend(whole.map(<[u8]>::to_vec));
    }
    lines
}
