//! Questions to the ledger: entries, proofs, checkpoints.

use std::collections::BTreeMap;
use std::sync::Arc;

use breakglass_tlog::checkpoint::SignedCheckpoint;
use breakglass_tlog::receipt::Receipt;

use super::{App, EntryPage, Error};
use crate::ports::{Around, LedgerError, LedgerReader};

/// A proof that the ledger only grew.
#[derive(Debug, Clone)]
pub struct Grown {
    /// The proof itself.
    pub proof: breakglass_tlog::proof::ConsistencyProof,
    /// The signed checkpoint of the newer size, where it is the newest.
    pub checkpoint: Option<Arc<SignedCheckpoint>>,
}

impl App {
    /// The newest signed checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> Arc<SignedCheckpoint> {
        self.reader.checkpoint()
    }

    /// The checkpoints that were signed around a size.
    ///
    /// # Errors
    /// [`Error::NoSuchEntry`] beyond the newest; [`Error::Ledger`] where they cannot be read.
    pub async fn checkpoints_around(&self, around: u64) -> Result<Around, Error> {
        let size = self.reader.checkpoint().size();
        if around > size {
            let index = around - 1;
            return Err(Error::NoSuchEntry { index, size });
        }
        blocking(&self.reader, move |reader| {
            Ok(reader.checkpoints_around(around)?)
        })
        .await
    }

    /// One entry, with proof.
    ///
    /// # Errors
    /// [`Error::NoSuchEntry`]; [`Error::Ledger`] where it cannot be read.
    pub async fn entry(&self, index: u64) -> Result<Receipt, Error> {
        let checkpoint = self.reader.checkpoint();
        let size = checkpoint.size();
        if index >= size {
            return Err(Error::NoSuchEntry { index, size });
        }
        blocking(&self.reader, move |reader| {
            let entry = reader.entries(index, 1)?.pop();
            let entry = entry.ok_or(Error::Broken("the ledger ends before its checkpoint"))?;
            let proof = reader.prove_inclusion(index, size)?;
            Receipt::verify(entry, proof, &checkpoint)
                .map_err(|_| Error::Broken("an entry is not what its checkpoint says"))
        })
        .await
    }

    /// The entries that handed the ledger over from one key to the next, oldest first, with proof.
    ///
    /// # Errors
    /// As [`App::entry`].
    pub async fn ledger_keys(&self) -> Result<Vec<Receipt>, Error> {
        let mut receipts = Vec::new();
        for place in &self.about.handed_over_at {
            receipts.push(self.entry(*place).await?);
        }
        Ok(receipts)
    }

    /// One sentence for people about each entry of a page, the same that a follower reads.
    ///
    /// # Errors
    /// [`Error::Index`]; [`Error::Ledger`] where an entry cannot be read.
    pub async fn told(&self, page: &EntryPage) -> Result<Vec<String>, Error> {
        let lines = page.entries.iter().map(|(_, line)| Arc::clone(line));
        let told = self.feed.read_back(lines.collect()).await?;
        // Most of a page is about a few grants, and each is looked up once.
        let mut grants = BTreeMap::new();
        let mut sentences = Vec::with_capacity(told.len());
        for told in told {
            let grant = match told.change().grant().map(|of| of.grant) {
                None => None,
                Some(id) => match grants.get(&id) {
                    Some(known) => Option::clone(known),
                    None => {
                        let grant = self.grant_of(&told).await?;
                        grants.insert(id, grant.clone());
                        grant
                    }
                },
            };
            sentences.push(self.sentence(&told, grant.as_ref()));
        }
        Ok(sentences)
    }

    /// RFC 9162 section 2.1.4 consistency proof between two sizes; 0 means the newest.
    ///
    /// # Errors
    /// [`Error::NoSuchSize`] beyond the newest, [`Error::NoSuchRange`] where the older one is
    /// newer; [`Error::Ledger`].
    pub async fn prove_consistency(&self, old: u64, new: u64) -> Result<Grown, Error> {
        let newest = self.reader.checkpoint();
        let size = newest.size();
        let to = if new == 0 { size } else { new };
        if to > size {
            return Err(Error::NoSuchSize { asked: to, size });
        }
        if old > to {
            return Err(Error::NoSuchRange { from: old, to });
        }
        let proof = blocking(&self.reader, move |reader| {
            Ok(reader.prove_consistency(old, to)?)
        });
        Ok(Grown {
            proof: proof.await?,
            checkpoint: (new == 0).then_some(newest),
        })
    }
}

/// Entries from `from` on with their places, at most `max`.
pub(super) async fn read_page(
    reader: &Arc<dyn LedgerReader>,
    from: u64,
    max: usize,
) -> Result<Vec<(u64, Arc<[u8]>)>, Error> {
    let lines = blocking(reader, move |reader| Ok(reader.entries(from, max)?)).await?;
    Ok((from..).zip(lines).collect())
}

/// Reading waits for a disk, so never on a thread that answers others.
pub(super) async fn blocking<T: Send + 'static>(
    reader: &Arc<dyn LedgerReader>,
    read: impl FnOnce(&dyn LedgerReader) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let reader = Arc::clone(reader);
    let done = tokio::task::spawn_blocking(move || read(&*reader)).await;
    done.unwrap_or_else(|_| {
        let ended = LedgerError::Unavailable("reading was broken off".to_owned());
        Err(Error::Ledger(ended))
    })
}
