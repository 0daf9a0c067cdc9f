//! Entries by filter, each with the proof that it is in the ledger.

use breakglass_proto::v1;
use breakglass_tlog::LedgerKeys;

use super::{Session, ledger::need_progress};
use crate::{entry::Entry, error::Error, story::Proven};

/// The most the contract gives in one page with proofs.
const PROVEN_PAGE: u32 = 200;

impl Proven for Session {
    async fn entries(
        &self,
        mut filter: v1::ListEntriesRequest,
        most: usize,
    ) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        filter.proven = true;
        loop {
            let left = most - entries.len();
            filter.limit = u32::try_from(left).unwrap_or(u32::MAX).min(PROVEN_PAGE);
            let page = self.list_page(filter.clone()).await?;
            let next = page.next_cursor.clone();
            entries.extend(self.check_page(page).await?.into_iter().take(left));
            if next.is_empty() || entries.len() >= most {
                return Ok(entries);
            }
            need_progress(&filter.cursor, &next)?;
            filter.cursor = next;
        }
    }

    async fn size(&self) -> Result<u64, Error> {
        self.next_index().await
    }

    fn keys(&self) -> LedgerKeys {
        self.trust().keys()
    }
}

impl Session {
    /// Checks that each entry of a page is in the ledger, and believes its checkpoint.
    async fn check_page(&self, page: v1::ListEntriesResponse) -> Result<Vec<Entry>, Error> {
        if page.entries.is_empty() {
            return Ok(Vec::new());
        }
        if page.checkpoint.is_empty() {
            return Err(Error::broken_answer(
                "it proves no entry, as a broker older than this glass answers",
            ));
        }
        self.accept_checkpoint(&page.checkpoint).await?;
        let each = page.entries.into_iter().map(|listed| {
            let receipt = self.trust().verify_receipt(&v1::Receipt {
                index: listed.index,
                entry: listed.line,
                inclusion: listed.inclusion,
                checkpoint: page.checkpoint.clone(),
            })?;
            let entry = Entry::parse(receipt.entry()).map_err(|why| {
                Error::broken_answer(&format!("entry {} cannot be read: {why}", listed.index))
            })?;
            match entry.index == listed.index {
                true => Ok(entry),
                false => Err(Error::unverified(format!(
                    "entry {} of the ledger calls itself entry {}",
                    listed.index, entry.index
                ))),
            }
        });
        each.collect()
    }
}
