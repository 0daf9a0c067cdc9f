//! Checking a whole ledger from its first entry, trusting nothing but its key.
//!
//! The steps are those of `docs/ledger-format.md`, "What to verify": the order of entries, the keys,
//! the statements, that words and deeds agree, the life of each grant, and at the end the tree
//! against its signed checkpoint. A kind this client does not know is hashed, its statement checked,
//! and counted as not understood.

mod acts;
mod keys;
mod lives;

use breakglass_tlog::{Frontier, Hash, SignedCheckpoint, VerifierKey};
use jiff::Timestamp;
use serde::Serialize;

use self::{acts::Acts, keys::Keys, lives::Lives};
use crate::{entry::Entry, error::Error, time};

/// What was checked, for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The ledger's name.
    pub origin: String,
    /// Entries, every one hashed into the tree.
    pub entries: u64,
    /// The root they give, base64; it is the one that was signed.
    pub root: String,
    /// Statements of people whose signature verified.
    pub statements: u64,
    /// Keys that were enrolled, also those that work no more.
    pub keys: u64,
    /// Grants that were asked for.
    pub requested: u64,
    /// Those of them that have ended.
    pub ended: u64,
    /// Those that have not: ids, in order of asking.
    pub open: Vec<String>,
    /// Grants that began without anybody's yes.
    pub self_granted: Vec<String>,
    /// Entries of kinds this client does not know.
    pub not_understood: u64,
    /// The time of the first entry, RFC 3339.
    pub first_at: Option<String>,
    /// The time of the last.
    pub last_at: Option<String>,
}

/// Reads entries one after another and keeps what the next ones are checked against.
pub struct Auditor {
    key: VerifierKey,
    tree: Frontier,
    keys: Keys,
    acts: Acts,
    lives: Lives,
    first_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
}

impl Auditor {
    /// Begins before the first entry.
    #[must_use]
    pub fn new(key: VerifierKey) -> Self {
        Self {
            acts: Acts::new(key.name().as_str()),
            key,
            tree: Frontier::new(),
            keys: Keys::default(),
            lives: Lives::default(),
            first_at: None,
            last_at: None,
        }
    }

    /// Entries read so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Checks the next entry: its exact bytes without the newline.
    ///
    /// # Errors
    /// [`Error::Unverified`] that names the entry and what is wrong with it.
    pub fn check(&mut self, line: &[u8]) -> Result<(), Error> {
        let index = self.tree.size();
        let wrong = |why: String| Error::unverified(format!("entry {index}: {why}"));
        let entry = Entry::parse(line).map_err(|why| wrong(format!("cannot be read: {why}")))?;
        self.check_order(&entry, index).map_err(wrong)?;
        self.keys.enrol(&entry).map_err(wrong)?;
        self.acts.check(&entry, &self.keys).map_err(wrong)?;
        self.lives
            .check(&entry, self.acts.current())
            .map_err(wrong)?;
        // Last, for whoever removes somebody signs with a key that works, maybe their own.
        self.keys.remove(&entry);
        self.tree.push(Hash::of_leaf(line));
        Ok(())
    }

    /// Checks that everything read is what the checkpoint signs: no more, no less, nothing else.
    ///
    /// # Errors
    /// [`Error::Unverified`].
    pub fn finish(self, checkpoint: &str) -> Result<Report, Error> {
        let signed = SignedCheckpoint::verify(checkpoint, &self.key).map_err(|error| {
            Error::unverified(format!("the checkpoint does not verify: {error}"))
        })?;
        if signed.size() != self.tree.size() {
            return Err(Error::unverified(format!(
                "the checkpoint signs {} entries, and there are {}",
                signed.size(),
                self.tree.size()
            )));
        }
        if signed.root() != self.tree.root() {
            return Err(Error::unverified(format!(
                "the entries give the root {}, and {} was signed: at least one was changed",
                self.tree.root(),
                signed.root()
            )));
        }
        Ok(self.report())
    }

    fn report(&self) -> Report {
        Report {
            origin: self.key.name().to_string(),
            entries: self.tree.size(),
            root: self.tree.root().to_string(),
            statements: self.acts.verified(),
            keys: self.keys.enrolled(),
            requested: self.lives.requested(),
            ended: self.lives.ended(),
            open: self.lives.open(),
            self_granted: self.lives.self_granted(),
            not_understood: self.acts.not_understood(),
            first_at: self.first_at.map(time::rfc3339),
            last_at: self.last_at.map(time::rfc3339),
        }
    }

    fn check_order(&mut self, entry: &Entry, index: u64) -> Result<(), String> {
        if entry.index != index {
            return Err(format!("it calls itself entry {}", entry.index));
        }
        if let Some(before) = self.last_at.filter(|before| entry.at < *before) {
            return Err(format!("its time {} lies before {before}", entry.at));
        }
        self.first_at.get_or_insert(entry.at);
        self.last_at = Some(entry.at);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
