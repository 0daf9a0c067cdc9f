//! How the key of a ledger is followed to the next one.
//!
//! The broker names the entries that handed the ledger over, each with its proof. A key is believed
//! when four things hold: the key before it and it itself have signed that it follows; the entry that
//! says so is in the ledger, under a checkpoint that is signed by the key whose turn it was; that
//! checkpoint is of one history with what this laptop has seen; and the entry stands where the change is
//! said to be. So a laptop that was away for several rotations follows all of them at once, and one that
//! was enrolled after them learns who signed before. What was followed is kept in `successions`, so that
//! copies can be checked without a network.
//!
//! Where the broker went on from an older copy and its key was rotated since, the third cannot hold for who has
//! seen what is lost. Then the keys are taken in memory alone, and kept where the mark is accepted.

use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_proto::v1;
use breakglass_tlog::{
    LedgerKeys, Receipt, Succession, VerifierKey,
    succession::{SuccessionError, from_text, to_text},
};
use jiff::Timestamp;

use super::{PoisonError, Prover, Trust};
use crate::{
    entry::Entry,
    error::Error,
    evidence::{self, Evidence},
    files, time,
    verify::HandOvers,
};

/// The pinned key, and what is joined to it by a file.
///
/// # Errors
/// [`Error::Setup`] where the file is damaged.
pub(super) fn known(pinned: VerifierKey, file: &Path) -> Result<LedgerKeys, Error> {
    let mut keys = LedgerKeys::from(pinned);
    let text = files::read_text(file)?.unwrap_or_default();
    let joined = from_text(&text).and_then(|all| keys.join(all));
    joined.map_err(|why| {
        Error::setup(
            format!("{} is damaged: {why}", file.display()),
            "move the file away: the broker shows the way from the pinned key anew",
        )
    })?;
    Ok(keys)
}

/// When the ledger was handed over, as far as that is kept. It is no harm where it cannot be read: the broker shows
/// the entries at the next call.
///
/// # Errors
/// [`Error::File`].
pub(super) fn known_times(successions: &Path) -> Result<HandOvers, Error> {
    let text = files::read_text(&beside(successions))?.unwrap_or_default();
    Ok(HandOvers::from_text(&text).unwrap_or_default())
}

/// The file with the times, beside the one with the notes.
fn beside(successions: &Path) -> PathBuf {
    successions.with_file_name("handed-over")
}

/// Reads the note of an entry that hands the ledger over, and checks that the entry says the same.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read(entry: &Entry) -> Result<Option<Succession>, String> {
    let is_ledger = entry.kind == "key.added" && entry.text("purpose") == Some("ledger");
    let Some(note) = entry.text("succession") else {
        return Ok(None);
    };
    let succession = Succession::parse(note).map_err(|why| why.to_string())?;
    let new = succession.new_key();
    let is_same = is_ledger
        && entry.text("id") == Some(&new.to_string())
        && entry.text("public") == Some(&STANDARD.encode(new.public_key()));
    if !is_same {
        return Err("it names another key than the one that follows".to_owned());
    }
    if succession.size() != entry.index + 1 {
        return Err(format!(
            "it hands the ledger over after {} entries, and it is not the last of them",
            succession.size()
        ));
    }
    Ok(Some(succession))
}

/// The keys of a ledger whose newest is about to be pinned, by the entries that the broker names.
///
/// # Errors
/// [`Error::Unverified`] where an entry does not lead to that key, or its proof is false.
pub fn first(newest: &VerifierKey, receipts: &[v1::Receipt]) -> Result<LedgerKeys, Error> {
    let mut keys = LedgerKeys::from(newest.clone());
    let entries: Vec<_> = receipts.iter().map(entry_of).collect::<Result<_, _>>()?;
    let joined = keys.join(entries.into_iter().map(|(succession, _)| succession));
    joined.map_err(|why| Error::unverified(format!("the ledger's keys: {why}")))?;
    for receipt in receipts {
        Trust::verify_by(&keys, receipt)?;
    }
    match keys.newest() == newest {
        true => Ok(keys),
        false => Err(Error::unverified(format!(
            "the broker hands out the key {newest}, and its ledger was handed over to another"
        ))),
    }
}

impl Trust {
    /// Follows the ledger's key to the one that the broker says signs now, by the entries it names.
    ///
    /// # Errors
    /// [`Error::Unverified`] where that key was never handed the ledger, with saved evidence where a key
    /// was followed by two; [`Error::Unreachable`] where the proof could not be fetched.
    pub async fn follow(
        &self,
        said: &str,
        receipts: &[v1::Receipt],
        prover: &impl Prover,
    ) -> Result<(), Error> {
        let Some(offered) = self.offered(said, receipts)? else {
            return Ok(());
        };
        for receipt in &offered.proven {
            let checkpoint = receipt.checkpoint();
            self.agrees((&**checkpoint).into(), prover).await?;
        }
        let text = to_text(offered.keys.successions());
        files::write(&self.successions_file, text.as_bytes())?;
        self.has(offered);
        self.keep_times()
    }

    /// Takes the keys that the broker names, in memory alone and whatever this laptop has seen: for whoever looks
    /// whether a mark names what was lost. [`Trust::go_on`] keeps them.
    ///
    /// # Errors
    /// [`Error::Unverified`] where that key was never handed the ledger, as [`Trust::follow`].
    pub(crate) fn supposes(&self, said: &str, receipts: &[v1::Receipt]) -> Result<(), Error> {
        if let Some(offered) = self.offered(said, receipts)? {
            self.has(offered);
        }
        Ok(())
    }

    /// The same by their notes alone, of those that signed before a ledger had so many entries: for whoever has a
    /// mark in a file, without the broker. Of notes, both signatures are checked.
    ///
    /// # Errors
    /// Why they do not follow the keys that are known.
    pub(crate) fn supposes_noted(&self, text: &str, size: u64) -> Result<(), SuccessionError> {
        let mut keys = self.keys();
        let noted = from_text(text)?;
        keys.join(noted.into_iter().filter(|it| it.size() < size))?;
        self.has_keys(keys);
        Ok(())
    }

    fn has(&self, offered: Offered) {
        self.has_keys(offered.keys);
        let times = self.handed_over.write();
        let mut times = times.unwrap_or_else(PoisonError::into_inner);
        times.extend(offered.times.iter());
    }

    /// Writes down when the ledger was handed over.
    ///
    /// # Errors
    /// [`Error::File`].
    pub(super) fn keep_times(&self) -> Result<(), Error> {
        let times = self.handed_over.read();
        let text = times.unwrap_or_else(PoisonError::into_inner).to_text();
        files::write(&beside(&self.successions_file), text.as_bytes())
    }

    fn has_keys(&self, keys: LedgerKeys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// The keys with those that the broker names, and the entries that hand the ledger over, each proven by
    /// itself; nothing where all are known.
    fn offered(&self, said: &str, receipts: &[v1::Receipt]) -> Result<Option<Offered>, Error> {
        let before = self.keys();
        let mut keys = before.clone();
        let entries = receipts.iter().map(entry_of);
        let entries: Vec<_> = entries.collect::<Result<_, _>>()?;
        let times = entries.iter().map(|(over, at)| (over.size(), *at));
        let times: HandOvers = times.collect();
        let joined = keys.join(entries.into_iter().map(|(succession, _)| succession));
        joined.map_err(|why| self.not_followed(&before, receipts, &why))?;
        let now = keys.newest().to_string();
        if now != said {
            let pinned = before.newest();
            return Err(Error::unverified(format!(
                "the broker's ledger has the key {said}; this laptop is pinned to {pinned}, and no entry \
                 hands the ledger over from that to this"
            )));
        }
        if keys == before && self.knows(&times) {
            return Ok(None);
        }
        let proven = receipts.iter().map(|it| Self::verify_by(&keys, it));
        let proven = proven.collect::<Result<_, _>>()?;
        Ok(Some(Offered {
            keys,
            proven,
            times,
        }))
    }

    /// Whether it is known when each was: the first that was heard stands, also where a restored broker dates it anew.
    fn knows(&self, times: &HandOvers) -> bool {
        let known = self.handed_over.read();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        times.iter().all(|(size, _)| known.at(size).is_some())
    }

    /// Reads what another `glass` of this laptop, or this one before, has followed since.
    pub(crate) fn read_again(&self) {
        let oldest = self.keys().oldest().clone();
        if let Ok(times) = known_times(&self.successions_file) {
            let now = self.handed_over.write();
            let mut now = now.unwrap_or_else(PoisonError::into_inner);
            now.extend(times.iter());
        }
        if let Ok(keys) = known(oldest, &self.successions_file) {
            let mut now = self.keys.write().unwrap_or_else(PoisonError::into_inner);
            if keys.successions().len() > now.successions().len() {
                *now = keys;
            }
        }
    }

    fn not_followed(
        &self,
        known: &LedgerKeys,
        receipts: &[v1::Receipt],
        why: &SuccessionError,
    ) -> Error {
        let what = format!(
            "the broker hands the ledger {} over to a key that cannot follow the one this laptop is \
             pinned to: {why}",
            known.name()
        );
        let offered = receipts.iter().filter_map(|receipt| entry_of(receipt).ok());
        let offered = offered.map(|(succession, _)| succession);
        let contradicts = |one: &Succession| {
            let same = |it: &&Succession| it.old() == one.old() || it.new_key() == one.new_key();
            let before = known.successions().iter().find(same)?;
            (before.note() != one.note()).then(|| (before.note().to_owned(), one.note().to_owned()))
        };
        let mut pairs = offered.filter_map(|one| contradicts(&one));
        let Some((remembered, received)) = pairs.next() else {
            return Error::unverified(what);
        };
        let evidence = Evidence {
            remembered: &remembered,
            received: &received,
            proof: None,
            why: &what,
            is_certain: true,
        };
        let kept = evidence::save(&self.evidence_folder, time::now(), &evidence).ok();
        let evidence = kept.map(|kept| kept.place);
        Error::Unverified { what, evidence }
    }
}

/// What a broker names of its ledger's keys.
struct Offered {
    keys: LedgerKeys,
    /// The entries that hand it over.
    proven: Vec<Receipt>,
    times: HandOvers,
}

/// The succession in an entry that the broker names, and when; its proof is checked by who has the keys for it.
fn entry_of(receipt: &v1::Receipt) -> Result<(Succession, Timestamp), Error> {
    let index = receipt.index;
    let no = |why: String| {
        Error::unverified(format!(
            "the broker says that entry {index} hands the ledger over to another key: {why}"
        ))
    };
    let entry = Entry::parse(&receipt.entry).map_err(|why| no(why.to_string()))?;
    if entry.index != index {
        return Err(no(format!("it calls itself entry {}", entry.index)));
    }
    let succession = read(&entry).map_err(no)?;
    let succession = succession.ok_or_else(|| no(format!("it is `{}`", entry.kind)))?;
    Ok((succession, entry.at))
}

#[cfg(test)]
mod tests;
