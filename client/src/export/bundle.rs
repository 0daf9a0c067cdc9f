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

/// Each by its name, behind all that it takes from.
const PARTS: [(&str, &str); 12] = [
    ("kinds", include_str!("../../../tests/verify_kinds.py")),
    ("keys", include_str!("../../../tests/verify_keys.py")),
    (
        "successions",
        include_str!("../../../tests/verify_successions.py"),
    ),
    ("heads", include_str!("../../../tests/verify_heads.py")),
    ("debts", include_str!("../../../tests/verify_debts.py")),
    ("policy", include_str!("../../../tests/verify_policy.py")),
    (
        "witnesses",
        include_str!("../../../tests/verify_witnesses.py"),
    ),
    (
        "restored",
        include_str!("../../../tests/verify_restored.py"),
    ),
    (
        "handovers",
        include_str!("../../../tests/verify_handovers.py"),
    ),
    ("alone", include_str!("../../../tests/verify_alone.py")),
    ("story", include_str!("../../../tests/verify_story.py")),
    ("export", include_str!("../../../tests/verify_export.py")),
];

/// The file.
#[must_use]
pub fn verifier() -> String {
    let mut file = HEAD.to_owned();
    for (_, part) in PARTS {
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
        assert!(!file.contains("\nfrom verify_") && !file.contains("\nimport verify_"));
        for (place, (name, text)) in PARTS.into_iter().enumerate() {
            let taken = text
                .lines()
                .filter_map(|it| it.strip_prefix("from verify_"));
            for from in taken.filter_map(|it| it.split(' ').next()) {
                let before = &PARTS[..place];
                assert!(
                    before.iter().any(|(part, _)| *part == from),
                    "{name} takes from {from}"
                );
            }
        }
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
