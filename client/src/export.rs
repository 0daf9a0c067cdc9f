//! An exported ledger, or a period of one: a folder that says everything by itself.
//!
//! ```text
//! entries.jsonl    every entry, one line each, byte for byte as it is hashed
//! checkpoint       the signed tree head over everything up to the last (C2SP tlog-checkpoint)
//! witnessed        the newest tree head that enough witnesses have signed, if any (tlog-cosignature)
//! vkey             the key it is signed with (C2SP signed-note)
//! successions      how each key of the ledger followed the one before, if any did
//! export.json      which part it is
//! entries.csv      the entries as a table; keys.csv: the public keys; policies/: the policies' texts
//! verify.py        the other verifier, in one file
//! README.txt       how to check it
//! ```
//!
//! A period that does not begin with the ledger has beside them:
//!
//! ```text
//! checkpoint.start the signed tree head over everything before
//! consistency.json the proof between both (RFC 9162 section 2.1.4)
//! before.jsonl     the earlier entries that one has to know
//! before.hashes    hashes over the others: `FIRST LEVEL HASH`, 2^LEVEL entries from FIRST on
//! ```
//!
//! The last two are one sequence, in the order of the ledger: whoever pushes entries and hashes into a tree
//! arrives at the root that was signed, so each entry shown is proven to stand where it says. The rest of
//! the rules then holds without exceptions (decision 0021).

mod about;
pub mod archive;
mod bundle;
mod context;
mod derived;
mod folder;
mod holes;
mod joint;
mod readme;
mod sheet;
mod verify;
mod writer;

use std::path::Path;

use breakglass_tlog::VerifierKey;

pub use self::{
    about::About,
    bundle::{verifier, verifier_sha256},
    folder::{Folder, Piece},
    joint::Joint,
    verify::{Part, Verified, verify, verify_demanding},
    writer::{Period, Start, Writer},
};
use crate::{error::Error, files};

const ENTRIES: &str = "entries.jsonl";
const CHECKPOINT: &str = "checkpoint";
const WITNESSED: &str = "witnessed";
const VKEY: &str = "vkey";
const SUCCESSIONS: &str = "successions";
const README: &str = "README.txt";
const ABOUT: &str = "export.json";
const ENTRIES_CSV: &str = "entries.csv";
const KEYS_CSV: &str = "keys.csv";
const POLICIES: &str = "policies";
const VERIFIER: &str = "verify.py";
const CHECKPOINT_START: &str = "checkpoint.start";
const CONSISTENCY: &str = "consistency.json";
const BEFORE: &str = "before.jsonl";
const BEFORE_HASHES: &str = "before.hashes";

/// The key that lies beside an export: a hint where to begin, and no proof of anything.
///
/// # Errors
/// [`Error::Setup`] where it is not a key.
pub fn key_beside(folder: &Path) -> Result<Option<VerifierKey>, Error> {
    let path = folder.join(VKEY);
    let Some(text) = files::read_text(&path)? else {
        return Ok(None);
    };
    let key = VerifierKey::parse(text.trim_end());
    key.map(Some).map_err(|error| {
        let what = format!("{} is no verifier key: {error}", path.display());
        Error::setup(what, "give the ledger's key by hand: --vkey KEY")
    })
}
