//! What this laptop believes of a ledger, and the only way to make it believe more.
//!
//! The newest checkpoint ever accepted is remembered, one file a context. Whatever answer carries
//! a checkpoint is compared with it: same size means same root; another size needs a consistency
//! proof between the two. So a broker cannot show one history to this laptop and another to the
//! next, nor rewrite what this laptop has seen, without being caught at the next call.
//!
//! The key that signs them is the one that was pinned at enrolment, and whatever followed it by an entry
//! of the ledger itself: see `following`.
//!
//! Several `glass` may run at once. The file is written under a lock and only over the very
//! checkpoint the new one was compared with, so it never goes back.

mod following;
mod head;
mod restored;

use std::{
    fs::File,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use breakglass_proto::v1;
use breakglass_tlog::{
    ConsistencyProof, Hash, InclusionProof, LedgerKeys, Receipt, SignedCheckpoint, VerifierKey,
};

pub use self::following::first as first_keys;
pub(crate) use self::following::read as read_succession;
pub use self::head::Head;
pub use self::restored::{GoingOn, MARK};
use crate::{
    config::Context,
    error::Error,
    evidence::{self, Evidence},
    files, limits, time,
    verify::{HandOvers, Ledger},
};

/// Whoever can join two sizes of the ledger by a proof: the broker, or in tests a tree in memory.
pub trait Prover {
    /// A proof that the tree of size `new` begins with that of size `old`.
    ///
    /// # Errors
    /// Whatever kept the proof from coming; a refusal counts as having none.
    fn prove(
        &self,
        old: u64,
        new: u64,
    ) -> impl Future<Output = Result<ConsistencyProof, Error>> + Send;
}

/// The pinned key of a ledger, those it is joined to, and the newest checkpoint seen. Clones learn
/// together.
#[derive(Debug, Clone)]
pub struct Trust {
    keys: Arc<RwLock<LedgerKeys>>,
    handed_over: Arc<RwLock<HandOvers>>,
    successions_file: PathBuf,
    checkpoint_file: PathBuf,
    evidence_folder: PathBuf,
}

impl Trust {
    /// What a context believes.
    ///
    /// # Errors
    /// [`Error::Setup`] where the pinned key cannot be read.
    pub fn of(context: &Context) -> Result<Self, Error> {
        let key = VerifierKey::parse(&context.ledger_vkey).map_err(|error| {
            Error::setup(
                format!(
                    "the pinned ledger key of context {} is unusable: {error}",
                    context.name
                ),
                crate::key::enrol_again(),
            )
        })?;
        let successions_file = context.successions_file();
        Ok(Self {
            keys: Arc::new(RwLock::new(following::known(key, &successions_file)?)),
            handed_over: Arc::new(RwLock::new(following::known_times(&successions_file)?)),
            successions_file,
            checkpoint_file: context.checkpoint_file(),
            evidence_folder: context.evidence_folder(),
        })
    }

    /// The key that signs now, as far as is known.
    #[must_use]
    pub fn key(&self) -> VerifierKey {
        self.keys().newest().clone()
    }

    /// Every key that has signed, as far as is known.
    #[must_use]
    pub fn keys(&self) -> LedgerKeys {
        let keys = self.keys.read();
        keys.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The ledger, for whoever demands that a credential proves its entry; what is followed here is followed
    /// there.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        Ledger::learning(Arc::clone(&self.keys), Arc::clone(&self.handed_over))
    }

    /// The ledger's name, which every statement names.
    #[must_use]
    pub fn origin(&self) -> String {
        self.keys().name().to_string()
    }

    /// Checks the signature of a checkpoint.
    ///
    /// # Errors
    /// [`Error::Unverified`].
    pub fn verify_checkpoint(&self, note: &str) -> Result<Arc<SignedCheckpoint>, Error> {
        verify_checkpoint(note, &self.keys())
    }

    /// Checks that a receipt's entry is in the ledger under the checkpoint it brings.
    ///
    /// # Errors
    /// [`Error::Unverified`].
    pub fn verify_receipt(&self, receipt: &v1::Receipt) -> Result<Receipt, Error> {
        Self::verify_by(&self.keys(), receipt)
    }

    /// Like [`Trust::verify_receipt`], by a key that is about to be pinned.
    ///
    /// # Errors
    /// [`Error::Unverified`].
    pub fn verify_first(key: &VerifierKey, receipt: &v1::Receipt) -> Result<Receipt, Error> {
        Self::verify_by(&key.clone().into(), receipt)
    }

    fn verify_by(keys: &LedgerKeys, receipt: &v1::Receipt) -> Result<Receipt, Error> {
        let checkpoint = verify_checkpoint(&receipt.checkpoint, keys)?;
        let hashes = hashes(&receipt.inclusion)?;
        let proof = InclusionProof {
            index: receipt.index,
            size: checkpoint.size(),
            hashes,
        };
        Receipt::verify(receipt.entry.as_slice(), proof, &checkpoint).map_err(|error| {
            Error::unverified(format!(
                "the receipt for entry {} is false: {error}",
                receipt.index
            ))
        })
    }

    /// The newest checkpoint accepted so far.
    ///
    /// # Errors
    /// [`Error::Setup`] where the file was damaged: it is evidence, so it is not overwritten.
    pub fn remembered(&self) -> Result<Option<Arc<SignedCheckpoint>>, Error> {
        let Some(note) = files::read_text(&self.checkpoint_file)? else {
            return Ok(None);
        };
        // Any of its keys: of a history that is lost since, another one may have signed so many entries.
        let checkpoint = self.keys().verify_any(&note).or_else(|_| {
            // Another `glass` of this laptop has followed the ledger's key, and accepted what it signs.
            self.read_again();
            self.keys().verify_any(&note)
        });
        let checkpoint = checkpoint.map_err(|error| {
            Error::setup(
                format!(
                    "the remembered checkpoint {} is damaged: {error}",
                    self.checkpoint_file.display()
                ),
                "move the file away to begin again from the next answer; what was seen before \
                 can then no longer be compared",
            )
        })?;
        Ok(Some(Arc::new(checkpoint)))
    }

    /// Accepts a checkpoint where it agrees with the remembered one, and remembers the larger.
    ///
    /// # Errors
    /// [`Error::Unverified`] with saved evidence where they contradict each other;
    /// [`Error::Unreachable`] where the proof could not be fetched, and nothing is remembered.
    pub async fn accept(
        &self,
        received: &SignedCheckpoint,
        prover: &impl Prover,
    ) -> Result<(), Error> {
        for _ in 0..limits::MAX_CHECKPOINT_RACES {
            let remembered = self.remembered()?;
            if let Some(remembered) = &remembered {
                self.compare(Head::from(&**remembered), received.into(), prover)
                    .await?;
                if remembered.size() >= received.size() {
                    return Ok(());
                }
            }
            if self.replace(remembered.as_deref(), received)? {
                return Ok(());
            }
        }
        Err(Error::setup(
            format!(
                "too many `glass` write {} at once",
                self.checkpoint_file.display()
            ),
            "run it again",
        ))
    }

    /// Checks that a tree head is of one history with what is remembered, without remembering it.
    ///
    /// # Errors
    /// As [`Trust::accept`].
    pub async fn agrees(&self, received: Head<'_>, prover: &impl Prover) -> Result<(), Error> {
        match self.remembered()? {
            Some(remembered) => {
                self.compare(Head::from(&*remembered), received, prover)
                    .await
            }
            None => Ok(()),
        }
    }

    /// Whether a tree head is of one history with what is remembered, as far as the broker can prove it;
    /// nothing is remembered or saved either way.
    ///
    /// # Errors
    /// [`Error::Unreachable`] where the proof could not be fetched, [`Error::Refused`] where this caller gets none.
    pub async fn is_one_history(
        &self,
        received: Head<'_>,
        prover: &impl Prover,
    ) -> Result<bool, Error> {
        let Some(remembered) = self.remembered()? else {
            return Ok(true);
        };
        let remembered = Head::from(&*remembered);
        let (old, new) = match remembered.size <= received.size {
            true => (remembered, received),
            false => (received, remembered),
        };
        if old.size == new.size || old.size == 0 {
            return Ok(old.size == 0 || old.root == new.root);
        }
        match joined(old, new, prover).await {
            Ok(()) => Ok(true),
            Err(Apart::Passing(error)) => Err(error),
            Err(Apart::NoProof(_) | Apart::False(_)) => Ok(false),
        }
    }

    /// Checks that two heads are of one append-only history, and saves evidence where they are not.
    ///
    /// # Errors
    /// As [`Trust::accept`].
    pub(crate) async fn compare(
        &self,
        remembered: Head<'_>,
        received: Head<'_>,
        prover: &impl Prover,
    ) -> Result<(), Error> {
        let (old, new) = match remembered.size <= received.size {
            true => (remembered, received),
            false => (received, remembered),
        };
        let contradiction = |why: &str, proof: Option<&ConsistencyProof>| {
            self.contradiction(remembered, received, proof, why)
        };
        if old.size == new.size {
            return match old.root == new.root {
                true => Ok(()),
                false => Err(contradiction(
                    "two trees of the same size have other roots",
                    None,
                )),
            };
        }
        if old.size == 0 {
            return Ok(()); // everything extends the empty tree
        }
        match joined(old, new, prover).await {
            Ok(()) => Ok(()),
            Err(Apart::Passing(error)) if error.is_about_the_caller() => {
                Err(self.not_compared(remembered, received, error))
            }
            Err(Apart::Passing(error)) => Err(error),
            Err(Apart::NoProof(error)) => {
                let why = format!("the broker has no proof that one extends the other ({error})");
                Err(contradiction(&why, None))
            }
            Err(Apart::False(proof)) => {
                let why = "the proof that one extends the other is false";
                Err(contradiction(why, Some(&proof)))
            }
        }
    }

    /// The broker refused to prove anything to this caller, which may be true: they were frozen just
    /// now. It may also be a broker that has no proof. So both heads are kept, for somebody to compare
    /// whom it does answer.
    fn not_compared(&self, remembered: Head<'_>, received: Head<'_>, error: Error) -> Error {
        let Error::Refused(mut refusal) = error else {
            return error;
        };
        let evidence = Evidence {
            remembered: remembered.note,
            received: received.note,
            proof: None,
            why: "the broker refused the proof that one extends the other, because of who asked: \
                  ask it with `glass ledger verify` of somebody else",
            is_certain: false,
        };
        if let Ok(kept) = evidence::save(&self.evidence_folder, time::now(), &evidence) {
            let place = kept.place.display();
            let where_it_is = match kept.is_this {
                true => format!("both are kept in {place}"),
                false => format!("there is evidence enough of that, the oldest in {place}"),
            };
            refusal.message = format!(
                "{}; so the ledger's new head could not be compared with the one seen before, and \
                 {where_it_is}",
                refusal.message
            );
        }
        Error::Refused(refusal)
    }

    /// Checks that a copy of the ledger goes on from what this laptop has seen: the root over as many
    /// of its entries is the one that was signed then.
    ///
    /// # Errors
    /// [`Error::Unverified`] with saved evidence where it is another history.
    pub fn check_copy(
        &self,
        remembered: &SignedCheckpoint,
        copy: &SignedCheckpoint,
        root: Hash,
    ) -> Result<(), Error> {
        if root == remembered.root() {
            return Ok(());
        }
        let why = format!(
            "its first {} entries give the root {root}",
            remembered.size()
        );
        Err(self.contradiction(remembered.into(), copy.into(), None, &why))
    }

    /// What it is where two heads cannot be of one history; the evidence is saved.
    pub(crate) fn contradiction(
        &self,
        remembered: Head<'_>,
        received: Head<'_>,
        proof: Option<&ConsistencyProof>,
        why: &str,
    ) -> Error {
        let evidence = Evidence {
            remembered: remembered.note,
            received: received.note,
            proof,
            why,
            is_certain: true,
        };
        let saved = evidence::save(&self.evidence_folder, time::now(), &evidence);
        let unsaved = match &saved {
            Ok(kept) if kept.is_this => String::new(),
            Ok(_) => " (there is evidence enough of it; the oldest is named)".to_owned(),
            Err(error) => format!(" (evidence not saved: {error})"),
        };
        Error::Unverified {
            what: format!(
                "the ledger {} was rewritten or forked: {why}. Remembered: {} entries, root {}. \
                 Received: {} entries, root {}{}",
                self.origin(),
                remembered.size,
                remembered.root,
                received.size,
                received.root,
                unsaved,
            ),
            evidence: saved.ok().map(|kept| kept.place),
        }
    }

    /// Writes `new` over the very checkpoint it was compared with; false where another `glass`
    /// has meanwhile written a different one.
    fn replace(
        &self,
        compared: Option<&SignedCheckpoint>,
        new: &SignedCheckpoint,
    ) -> Result<bool, Error> {
        let _lock = self.lock()?;
        let is_still = self.still_has(compared)?;
        if is_still {
            files::write(&self.checkpoint_file, new.note().as_bytes())?;
        }
        Ok(is_still)
    }

    /// Whether the file has this very checkpoint; asked under the lock.
    fn still_has(&self, compared: Option<&SignedCheckpoint>) -> Result<bool, Error> {
        let stored = files::read_text(&self.checkpoint_file)?;
        Ok(stored.as_deref() == compared.map(SignedCheckpoint::note))
    }

    /// Held until the file is dropped, also by a crash.
    fn lock(&self) -> Result<File, Error> {
        let path = self.checkpoint_file.with_extension("lock");
        files::open_lock(&path)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|error| Error::file("lock", path, error))
    }
}

/// Why two checkpoints could not be joined.
enum Apart {
    /// Nobody answered, or this laptop may not ask any more (frozen meanwhile, by itself or by
    /// others): that says nothing about the ledger. The checkpoint is not accepted either.
    Passing(Error),
    /// The broker declined to prove it.
    NoProof(Error),
    /// What it sent proves nothing, or something else than was asked.
    False(ConsistencyProof),
}

/// Asks for the proof that the newer tree begins with the older one, and checks it.
async fn joined(old: Head<'_>, new: Head<'_>, prover: &impl Prover) -> Result<(), Apart> {
    let proof = prover.prove(old.size, new.size).await;
    let proof = proof.map_err(
        |error| match error.is_passing() || error.is_about_the_caller() {
            true => Apart::Passing(error),
            false => Apart::NoProof(error),
        },
    )?;
    let asked = proof.old == old.size && proof.new == new.size;
    match proof.verify(&old.root, &new.root) {
        Ok(()) if asked => Ok(()),
        _ => Err(Apart::False(proof)),
    }
}

fn verify_checkpoint(note: &str, keys: &LedgerKeys) -> Result<Arc<SignedCheckpoint>, Error> {
    keys.verify(note).map(Arc::new).map_err(|error| {
        Error::unverified(format!(
            "a checkpoint from the broker does not verify: {error}"
        ))
    })
}

/// Hashes of the contract.
///
/// # Errors
/// [`Error::Unverified`] where one has not 32 bytes.
pub fn hashes(bytes: &[Vec<u8>]) -> Result<Vec<Hash>, Error> {
    let hashes = bytes
        .iter()
        .map(|hash| Hash::try_from(hash.as_slice()))
        .collect::<Result<_, _>>();
    hashes.map_err(|_| Error::unverified("a proof from the broker has a hash that is none"))
}

#[cfg(test)]
mod tests;
