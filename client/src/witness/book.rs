//! Takes checkpoints in, one after another for each ledger: judged, durable, and only then signed.
//!
//! The durability contract. For each ledger there is one file, `logs/HASH`. A new checkpoint is
//! written beside it (`logs/HASH.new`: open, write, `fsync`), renamed over it, and the folder synced
//! (`fsync`). Only when all three have said that they did is it signed. So whatever was signed is
//! on the disk, and:
//!
//! | it ends | is on the disk | was signed |
//! |---|---|---|
//! | while it is written beside | the one before | the one before |
//! | before or after the rename | either | the one before |
//! | after the sync, before the answer | the new one | the new one, which nobody has |
//!
//! In the last two the ledger asks again, is told the size (409), and goes on from there. A call
//! that failed may have landed: what is on the disk is read again before the next is judged.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use breakglass_tlog::{AddCheckpoint, Checkpoint, CosignatureSigner, Note, SignatureLine};

use super::answer::Refused;
use super::disk::Disk;
use super::folder::{Known, Opened};
use super::log::Log;

/// The seconds since 1970-01-01 UTC.
pub type Clock = fn() -> u64;

/// Everything a witness knows while it serves. Every method may wait for the disk.
pub struct Book {
    signer: CosignatureSigner,
    logs: BTreeMap<String, Mutex<Page>>,
    disk: Arc<dyn Disk>,
    clock: Clock,
    _opened: Opened,
}

/// One ledger.
struct Page {
    log: Log,
    file: PathBuf,
    /// A write has failed since it was read: what is on the disk is not known.
    in_doubt: bool,
}

/// What was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The ledger.
    pub origin: String,
    /// Its entries.
    pub size: u64,
    /// It goes on from what was signed before; otherwise it is the same once more.
    pub is_new: bool,
    /// The cosignature.
    pub line: SignatureLine,
}

impl Book {
    pub(super) fn new(
        signer: CosignatureSigner,
        known: Vec<Known>,
        disk: Arc<dyn Disk>,
        clock: Clock,
        opened: Opened,
    ) -> Self {
        let page = |Known { log, file }: Known| {
            let (origin, in_doubt) = (log.origin().to_owned(), false);
            let page = Page {
                log,
                file,
                in_doubt,
            };
            (origin, Mutex::new(page))
        };
        Self {
            signer,
            logs: known.into_iter().map(page).collect(),
            disk,
            clock,
            _opened: opened,
        }
    }

    /// The public half of the key that cosigns.
    #[must_use]
    pub fn vkey(&self) -> String {
        self.signer.verifier().to_string()
    }

    /// How many ledgers it knows.
    #[must_use]
    pub fn logs(&self) -> usize {
        self.logs.len()
    }

    /// Cosigns a checkpoint that goes on from the one before.
    ///
    /// # Errors
    /// [`Refused`]; nothing was signed then.
    pub fn add(&self, body: &str) -> Result<Signed, Refused> {
        let malformed = |why: &dyn std::fmt::Display| Refused::Malformed(why.to_string());
        let asked = AddCheckpoint::parse(body).map_err(|why| malformed(&why))?;
        let note = Note::parse(&asked.note).map_err(|why| malformed(&why))?;
        // Not believed yet: it says which key to believe it by.
        let claimed = Checkpoint::parse(note.text()).map_err(|why| malformed(&why))?;
        let page = self.logs.get(claimed.origin()).ok_or(Refused::UnknownLog)?;
        // Whoever panicked with it had not changed what it is before that was durable.
        let mut page = page.lock().unwrap_or_else(PoisonError::into_inner);
        self.settle(&mut page)?;
        let next = page.log.judge(&asked)?;
        let is_new = next != page.log;
        if is_new {
            self.keep(&mut page, next)?;
        }
        let line = self.signer.cosign(note.text(), (self.clock)());
        Ok(Signed {
            origin: claimed.origin().to_owned(),
            size: page.log.size(),
            is_new,
            // Only a clock beyond the year 292 277 026 596 says no.
            line: line.map_err(|_| Refused::NotKept)?,
        })
    }

    /// After a failed write: what is there is what counts.
    fn settle(&self, page: &mut Page) -> Result<(), Refused> {
        if !page.in_doubt {
            return Ok(());
        }
        let text = self.disk.read(&page.file).map_err(|_| Refused::NotKept)?;
        let log = Log::parse(&text).map_err(|_| Refused::NotKept)?;
        if log.key() != page.log.key() || log.size() < page.log.size() {
            return Err(Refused::NotKept);
        }
        page.log = log;
        page.in_doubt = false;
        Ok(())
    }

    /// Makes it durable.
    fn keep(&self, page: &mut Page, next: Log) -> Result<(), Refused> {
        page.in_doubt = true;
        write(&*self.disk, &page.file, &next).map_err(|_| Refused::NotKept)?;
        page.in_doubt = false;
        page.log = next;
        Ok(())
    }
}

/// Writes a ledger's file: durable on return.
pub(super) fn write(disk: &dyn Disk, file: &Path, log: &Log) -> std::io::Result<()> {
    let beside = file.with_extension("new");
    disk.write(&beside, log.to_string().as_bytes())?;
    disk.rename(&beside, file)?;
    // It was joined to a folder.
    disk.sync_folder(file.parent().unwrap_or(Path::new(".")))
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Book")
            .field("vkey", &self.vkey())
            .field("logs", &self.logs.len())
            .finish_non_exhaustive()
    }
}
