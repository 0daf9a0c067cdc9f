//! `verify.py`: the other verifier, in one file that needs Python alone.
//!
//! Its parts are those of `tests/`, which were written from the format's page and share nothing with this
//! program; each is tested there. Here they are only put one behind the other.

use ring::digest::{SHA256, digest};

/// What stands at its head: also what it says where it is started wrongly.
const HEAD: &str = r#"#!/usr/bin/env python3
"""Checks an export of a breakglass ledger. Needs Python 3.11 or newer, and nothing else.

    python3 verify.py KEY [FOLDER]

KEY is the ledger's verifier key as you have it from elsewhere (`vkey` in the folder is a hint). FOLDER is
the export; left out, the folder of this file. Prints what it checked, and exits 0; says what is wrong and
exits 1 where anything is.
"""
"#;

const PARTS: [&str; 5] = [
    include_str!("../../../tests/verify_kinds.py"),
    include_str!("../../../tests/verify_keys.py"),
    include_str!("../../../tests/verify_policy.py"),
    include_str!("../../../tests/verify_story.py"),
    include_str!("../../../tests/verify_export.py"),
];

/// The file.
#[must_use]
pub fn verifier() -> String {
    let mut file = HEAD.to_owned();
    for part in PARTS {
        file.push('\n');
        let mut is_import = false;
        for line in part.lines().filter(|line| !line.starts_with("#!")) {
            // What a part takes from another one is above it here.
            is_import |= line.starts_with("from verify_");
            if !is_import {
                file.push_str(line);
                file.push('\n');
            }
            is_import &=
                !line.ends_with(')') && line.contains('(') || is_import && line.starts_with(' ');
        }
    }
    file
}

/// Its SHA-256, lower-case hex: to compare with one from elsewhere, because what lies beside an export proves
/// nothing of itself.
#[must_use]
pub fn verifier_sha256() -> String {
    let hash = digest(&SHA256, verifier().as_bytes());
    hash.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_whole_and_name_no_other_file() {
        let file = verifier();
        assert!(!file.contains("verify_kinds import") && !file.contains("verify_story import"));
        for part in [
            "class Wrong",
            "class PersonKey",
            "class Rules",
            "class Story",
            "def main(",
        ] {
            assert_eq!(file.matches(part).count(), 1, "{part}");
        }
        assert!(
            !file.contains("\n    SIGNED, UNSIGNED"),
            "an import is left"
        );
        assert_eq!(verifier_sha256().len(), 64);
    }
}
