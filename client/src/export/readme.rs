//! `README.txt`: for whoever holds an export in ten years.

use super::{About, bundle};

/// The text.
pub(super) fn text(about: &About) -> String {
    let (from, to) = (about.from, about.to);
    let span = match (&about.since, &about.until) {
        (None, None) => format!("Entries {from} to {to} (one past the last): all there were."),
        (since, until) => format!(
            "Entries {from} to {to} (one past the last): all from {} to {}, and those that were\n\
             written together with them.",
            since.as_deref().unwrap_or("the beginning"),
            until.as_deref().unwrap_or("the newest there was")
        ),
    };
    let before = match from {
        0 => "",
        _ => BEFORE,
    };
    format!(
        "The breakglass ledger {origin}.\n{span}\n\n{FILES}{before}\n{HOW}\n\
         SHA-256 of verify.py as it was written here, which proves nothing by standing here:\n\n  {hash}\n",
        origin = about.origin,
        hash = bundle::verifier_sha256(),
    )
}

const FILES: &str = "\
WHAT IS HERE

entries.jsonl    every entry, one JSON object a line, byte for byte as it is hashed
checkpoint       the signed tree head over everything up to the last of them
witnessed        if it is there: the newest such head that witnesses have signed as well
vkey             the key it is signed with: a hint. Compare it with one you got elsewhere
successions      if it is there: how each key of the ledger followed the one before; KEY below
                 may be any of them
export.json      which part of the ledger this is
entries.csv      the same entries as a table, for spreadsheets; text cells that would begin a
                 formula have an apostrophe in front
keys.csv         every public key that was given to a person, a guard or the broker
policies/        every policy that was in force, named by the entry that loaded it
verify.py        a verifier in one file of plain Python
";

const BEFORE: &str = "\
checkpoint.start the signed tree head over everything before the first entry
consistency.json the proof that the one at the end extends it (RFC 9162, section 2.1.4)
before.jsonl     earlier entries that one has to know: policies, people and keys, and the whole
                 story of every incident that was open or is named here
before.hashes    one hash for each run of earlier entries that are not here: FIRST LEVEL HASH is
                 over 2^LEVEL entries from FIRST on
";

const HOW: &str = "\
HOW TO CHECK IT, OFFLINE

  python3 verify.py KEY            with Python 3.11 or newer and nothing else
  glass ledger verify . --vkey KEY with breakglass
  glass ledger report .            the answers to an auditor's questions, after checking

KEY is the ledger's verifier key, one line of text, from somebody who had it before there was
anything to hide: the broker's host (keys/ledger.vkey), any enrolled laptop, an earlier audit.

Both check that every entry is here and unchanged, under the signed heads; every signature of every
person; that what was recorded is what was signed, and what the policy in force allowed; and that
the tables, the keys and the policies here are those of the entries. Edit anything but this file and
see.

WHAT IT DOES NOT PROVE

- That this is the only history: whoever has the ledger's key can sign another. Compare the heads
  with one that somebody else kept.
- That nothing of importance is among the entries before the period that are hashed only. Whoever
  needs that takes the ledger from its beginning: glass ledger export DIR.
- Anything about verify.py and this file. Take verify.py from an export of your own, or from the
  release, or compare its SHA-256.

Without our programs: the tree is RFC 6962 (SHA-256 of 0x00 and the line without its newline), the
heads are C2SP tlog-checkpoint, the key C2SP signed-note. Each `signed` in an entry is ECDSA P-256
with SHA-256 over its `text`, by the key that the `person.enrolled` entry of the same `key` gives in
`public`.
";
