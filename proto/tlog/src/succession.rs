//! One key of a ledger after another.
//!
//! A ledger keeps its name for ever, and its key not always. A **succession** is a signed note (C2SP
//! `signed-note`) in which one key says that another signs from a size of the ledger on, and that
//! other key says so, too:
//!
//! ```text
//! breakglass.dev/succession/v1
//! example.com/ledger
//! 4161
//! example.com/ledger+1a2b3c4d+AQ...
//! example.com/ledger+5e6f7081+AQ...
//!
//! — example.com/ledger Gis8TQ...
//! — example.com/ledger Xm9wgQ...
//! ```
//!
//! The lines are: what this is, the ledger's name, a size in decimal, the old key and the new one.
//! Checkpoints over at most so many entries are signed by the old key, larger ones by the new one.
//! No checkpoint reads like it: the second line of a checkpoint is a number.
//!
//! Both signatures are needed. So whoever trusts the old key may trust the new one from there on, and
//! whoever was given the new one first may trust the old one up to there.

use std::{fmt, sync::Arc};

use crate::{
    SignedCheckpoint,
    checkpoint::CheckpointError,
    decimal::parse_decimal,
    limits::{MAX_SUCCESSIONS, MAX_TREE_SIZE},
    note::{KeyError, KeyName, Note, NoteError, NoteSigner, SignatureType, VerifierKey},
};

/// The first line, which sets it apart from everything else that a ledger's key signs.
pub const DOMAIN: &str = "breakglass.dev/succession/v1";

/// Lines of one: the text, a blank line, and two signatures.
const LINES: usize = 8;

/// Says that one key of a ledger follows another from a size on; both have signed it.
///
/// The only ways to have one are [`Succession::parse`], which verifies both signatures, and
/// [`Succession::sign`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Succession {
    size: u64,
    old: VerifierKey,
    new: VerifierKey,
    note: Arc<str>,
}

/// Why a key does not follow another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SuccessionError {
    /// The text is no succession, or the parts do not make one.
    #[error("not a succession of keys: {0}")]
    Malformed(&'static str),
    /// One of the two keys cannot be read.
    #[error("a key in the succession: {0}")]
    Key(#[from] KeyError),
    /// One of the two has not signed it.
    #[error("the succession: {0}")]
    Note(#[from] NoteError),
    /// It begins at a key nobody here knows, and ends at one.
    #[error("the key {new} is said to follow {old}, and neither is a known key of this ledger")]
    Unconnected {
        /// The old key.
        old: String,
        /// The new one.
        new: String,
    },
    /// What is said here cannot be true together with what is known.
    #[error("{0}")]
    Contradicts(String),
}

impl Succession {
    /// Says, as both keys, that `new` signs checkpoints over more than `size` entries.
    ///
    /// # Errors
    ///
    /// [`SuccessionError`] where the keys have other names, are the same, or do not work.
    pub fn sign(
        size: u64,
        old: &(impl NoteSigner + ?Sized),
        new: &(impl NoteSigner + ?Sized),
    ) -> Result<Self, SuccessionError> {
        let (name, before, after) = (old.name(), old.verifier(), new.verifier());
        let text = format!("{DOMAIN}\n{name}\n{size}\n{before}\n{after}\n");
        let mut note = Note::sign(&text, old)?;
        for line in Note::sign(&text, new)?.signatures() {
            note.add_signature(line.clone())?;
        }
        Self::parse(&note.to_string())
    }

    /// Reads one, and checks that both keys have signed it.
    ///
    /// # Errors
    ///
    /// [`SuccessionError`].
    pub fn parse(text: &str) -> Result<Self, SuccessionError> {
        let malformed = SuccessionError::Malformed;
        let note = Note::parse(text)?;
        let lines: Vec<&str> = note.text().lines().collect();
        let [DOMAIN, name, size, old, new] = lines[..] else {
            return Err(malformed("it has other lines than one"));
        };
        let size = parse_decimal(size).filter(|size| (1..=MAX_TREE_SIZE).contains(size));
        let size = size.ok_or(malformed("its size is no size of a ledger"))?;
        let (old, new) = (ledger_key(old, name)?, ledger_key(new, name)?);
        if old.public_key() == new.public_key() || old.key_id() == new.key_id() {
            return Err(malformed("a key cannot follow itself"));
        }
        let [first, second] = note.signatures() else {
            return Err(malformed("it has not just the two signatures"));
        };
        old.verify(note.text(), first)?;
        new.verify(note.text(), second)?;
        let (size, note) = (size, text.into());
        Ok(Self {
            size,
            old,
            new,
            note,
        })
    }

    /// Checkpoints over more entries than these are signed by the new key.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The key before.
    #[must_use]
    pub fn old(&self) -> &VerifierKey {
        &self.old
    }

    /// The key after.
    #[must_use]
    pub fn new_key(&self) -> &VerifierKey {
        &self.new
    }

    /// The whole note.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }

    /// Whether it says the same, whoever made the signatures.
    fn says_what(&self, other: &Self) -> bool {
        (self.size, &self.old, &self.new) == (other.size, &other.old, &other.new)
    }
}

/// Writes the note.
impl fmt::Display for Succession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.note)
    }
}

/// A key that can sign for the ledger of this name.
fn ledger_key(vkey: &str, name: &str) -> Result<VerifierKey, SuccessionError> {
    let key = VerifierKey::parse(vkey)?;
    // The one way to write it: what is signed is compared as text.
    if key.to_string() != vkey || key.kind() != SignatureType::Ed25519 {
        return Err(SuccessionError::Malformed("a key that signs no ledger"));
    }
    match key.name().as_str() == name {
        true => Ok(key),
        false => Err(SuccessionError::Malformed("a key of another ledger")),
    }
}

/// The keys of one ledger, in the order in which they signed: each checkpoint is by just one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerKeys {
    oldest: VerifierKey,
    successions: Vec<Succession>,
}

impl From<VerifierKey> for LedgerKeys {
    /// The one key somebody trusts; what follows it and what it followed is learnt by
    /// [`LedgerKeys::join`].
    fn from(key: VerifierKey) -> Self {
        Self {
            oldest: key,
            successions: Vec::new(),
        }
    }
}

impl LedgerKeys {
    /// The ledger's name.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        self.oldest.name()
    }

    /// The first key that is known.
    #[must_use]
    pub fn oldest(&self) -> &VerifierKey {
        &self.oldest
    }

    /// The last key that is known: what signs now, as far as anybody here was told.
    #[must_use]
    pub fn newest(&self) -> &VerifierKey {
        self.successions.last().map_or(&self.oldest, |it| &it.new)
    }

    /// Every key, in order.
    pub fn all(&self) -> impl Iterator<Item = &VerifierKey> {
        let later = self.successions.iter().map(|it| &it.new);
        std::iter::once(&self.oldest).chain(later)
    }

    /// How each followed the one before, in order.
    #[must_use]
    pub fn successions(&self) -> &[Succession] {
        &self.successions
    }

    /// The key that signs checkpoints over so many entries.
    #[must_use]
    pub fn at(&self, size: u64) -> &VerifierKey {
        let past = self.successions.partition_point(|it| it.size < size);
        match past.checked_sub(1) {
            Some(last) => &self.successions[last].new,
            None => &self.oldest,
        }
    }

    /// The key that has to have signed this checkpoint, by the size it says; for a text that says none
    /// any will do, because none can have signed it.
    #[must_use]
    pub fn of_note(&self, note: &str) -> &VerifierKey {
        let size = note.lines().nth(1).and_then(parse_decimal);
        self.at(size.unwrap_or(u64::MAX))
    }

    /// Reads a checkpoint, and checks that it is signed by the key that signs so many entries.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`].
    pub fn verify(&self, note: &str) -> Result<SignedCheckpoint, CheckpointError> {
        SignedCheckpoint::verify(note, self.of_note(note))
    }

    /// Reads a checkpoint that an entry at a place brings: signed by the key whose turn it is, as far as keys
    /// were known there. Whoever stole a key signs nothing beyond its turn by that.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`].
    pub fn verify_at(&self, note: &str, place: u64) -> Result<SignedCheckpoint, CheckpointError> {
        let size = note.lines().nth(1).and_then(parse_decimal);
        let newest = place.saturating_add(1);
        SignedCheckpoint::verify(note, self.at(size.unwrap_or(newest).min(newest)))
    }

    /// Reads a checkpoint of a history that may be another: signed by any of the keys, because whose turn it was
    /// there nobody knows.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`], of the key whose turn it would have been here.
    pub fn verify_any(&self, note: &str) -> Result<SignedCheckpoint, CheckpointError> {
        let signed = |key| SignedCheckpoint::verify(note, key).ok();
        match self.all().find_map(signed) {
            Some(checkpoint) => Ok(checkpoint),
            None => self.verify(note),
        }
    }

    /// Takes more keys, each of which follows a known one or is followed by one, in any order. Answers
    /// how many were not known.
    ///
    /// # Errors
    ///
    /// [`SuccessionError::Unconnected`], [`SuccessionError::Contradicts`]; nothing is taken then.
    pub fn join(
        &mut self,
        successions: impl IntoIterator<Item = Succession>,
    ) -> Result<usize, SuccessionError> {
        let mut grown = self.clone();
        let mut left: Vec<Succession> = successions.into_iter().collect();
        loop {
            let before = left.len();
            let mut apart = Vec::new();
            for one in left {
                if let Some(one) = grown.take(one)? {
                    apart.push(one);
                }
            }
            left = apart;
            match left.first() {
                None => break,
                Some(one) if left.len() == before => {
                    return Err(SuccessionError::Unconnected {
                        old: one.old.to_string(),
                        new: one.new.to_string(),
                    });
                }
                Some(_) => {}
            }
        }
        let new = grown.successions.len() - self.successions.len();
        *self = grown;
        Ok(new)
    }

    /// Takes one where it fits; gives it back where it joins nothing yet.
    fn take(&mut self, one: Succession) -> Result<Option<Succession>, SuccessionError> {
        if self.successions.iter().any(|it| it.says_what(&one)) {
            return Ok(None);
        }
        let contradicts = |why: &str| {
            let Succession { size, old, new, .. } = &one;
            SuccessionError::Contradicts(format!(
                "the key {new} is said to follow {old} after {size} entries, and {why}"
            ))
        };
        if self.successions.iter().any(|it| it.old == one.old) {
            return Err(contradicts("another one followed it"));
        }
        if self.successions.iter().any(|it| it.new == one.new) {
            return Err(contradicts("it followed another one"));
        }
        if one.old.name() != self.name() {
            return Err(contradicts("it is of another ledger"));
        }
        let is_taken = |key: &VerifierKey| {
            let same = |it: &VerifierKey| {
                it.public_key() == key.public_key() || it.key_id() == key.key_id()
            };
            self.all().any(same)
        };
        if one.old == *self.newest() {
            let last = self.successions.last().map_or(0, |it| it.size);
            if one.size <= last {
                return Err(contradicts("that one began only later"));
            }
            if is_taken(&one.new) {
                return Err(contradicts("it has signed before"));
            }
            self.successions.push(one);
            return self.check_length();
        }
        if one.new == self.oldest {
            let first = self.successions.first();
            if first.is_some_and(|it| it.size <= one.size) {
                return Err(contradicts("it was followed before that"));
            }
            if is_taken(&one.old) {
                return Err(contradicts("that one signs later"));
            }
            self.oldest = one.old.clone();
            self.successions.insert(0, one);
            return self.check_length();
        }
        Ok(Some(one))
    }

    fn check_length(&self) -> Result<Option<Succession>, SuccessionError> {
        match self.successions.len() <= MAX_SUCCESSIONS {
            true => Ok(None),
            false => Err(SuccessionError::Malformed("there are too many keys")),
        }
    }
}

/// Reads successions, one note directly behind the other, as [`to_text`] writes them.
///
/// # Errors
///
/// [`SuccessionError`].
pub fn from_text(text: &str) -> Result<Vec<Succession>, SuccessionError> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    if lines.len() > LINES * MAX_SUCCESSIONS {
        return Err(SuccessionError::Malformed("there are too many keys"));
    }
    let notes = lines.chunks(LINES);
    notes
        .map(|note| Succession::parse(&note.concat()))
        .collect()
}

/// Writes successions, one note directly behind the other: eight lines each.
#[must_use]
pub fn to_text(successions: &[Succession]) -> String {
    successions.iter().map(Succession::note).collect()
}
