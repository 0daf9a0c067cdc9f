//! Questions to the ledger.

use std::sync::Arc;

use breakglass_proto::v1::{self, ledger_service_client::LedgerServiceClient};
use breakglass_tlog::{ConsistencyProof, SignedCheckpoint};
use tonic::{Streaming, transport::Channel};

use super::Session;
use crate::{
    entry::Entry,
    error::Error,
    trust::{self, Prover},
};

impl Session {
    /// The newest checkpoint, checked and believed.
    ///
    /// # Errors
    /// [`Error::Unverified`], [`Error::Unreachable`].
    pub async fn checkpoint(&self) -> Result<String, Error> {
        Ok(self.heads().await?.0)
    }

    /// The same, and the newest checkpoint that enough witnesses have signed, which is checked by whoever
    /// reads the ledger; nothing where there is none.
    ///
    /// # Errors
    /// As [`Session::checkpoint`].
    pub async fn heads(&self) -> Result<(String, Option<String>), Error> {
        let request = v1::GetCheckpointRequest::default();
        let answer = self.answer(self.ledger().get_checkpoint(request).await)?;
        self.accept_checkpoint(&answer.checkpoint).await?;
        let cosigned = Some(answer.cosigned).filter(|note| !note.is_empty());
        Ok((answer.checkpoint, cosigned))
    }

    /// The newest checkpoint, as a guard may ask for it: beside a proof. Its signature is checked, and whether
    /// it is of one history with what was seen is not.
    ///
    /// # Errors
    /// As [`Session::checkpoint`].
    pub(crate) async fn newest_head(&self) -> Result<Arc<SignedCheckpoint>, Error> {
        let request = v1::ProveConsistencyRequest::default();
        let answer = self.answer(self.ledger().prove_consistency(request).await)?;
        self.by_its_key(|trust| trust.verify_checkpoint(&answer.checkpoint))
            .await
    }

    /// The checkpoints that were signed around a size above 0, the one before it first; each is checked
    /// and of one history with what this laptop has seen.
    ///
    /// # Errors
    /// As [`Session::checkpoint`].
    pub async fn checkpoints_around(&self, around_size: u64) -> Result<[String; 2], Error> {
        let request = v1::GetCheckpointRequest { around_size };
        let answer = self.answer(self.ledger().get_checkpoint(request).await)?;
        self.accept_checkpoint(&answer.before).await?;
        self.accept_checkpoint(&answer.checkpoint).await?;
        Ok([answer.before, answer.checkpoint])
    }

    /// The place the next entry will take, so that what happens from now on can be followed without
    /// a gap.
    ///
    /// # Errors
    /// As [`Session::checkpoint`].
    pub async fn next_index(&self) -> Result<u64, Error> {
        let note = self.checkpoint().await?;
        self.trust()
            .verify_checkpoint(&note)
            .map(|checkpoint| checkpoint.size())
    }

    /// One entry with its receipt, checked and believed.
    ///
    /// # Errors
    /// [`Error::Unverified`], [`Error::Refused`] where there is no such entry.
    pub async fn entry(&self, index: u64) -> Result<v1::Receipt, Error> {
        let (receipt, entry) = self.entry_alone(index).await?;
        self.compare_seen([&entry]).await?;
        Ok(receipt)
    }

    /// The same, but for what its signer had seen: to be shown before that is compared.
    ///
    /// # Errors
    /// As [`Session::entry`].
    pub(crate) async fn entry_alone(&self, index: u64) -> Result<(v1::Receipt, Entry), Error> {
        let request = v1::GetEntryRequest { index };
        let answer = self.answer(self.ledger().get_entry(request).await)?;
        let entry = self.accept_alone(answer.receipt.as_ref()).await?;
        if entry.index != index {
            let what = format!("entry {index} was asked for and {} came", entry.index);
            return Err(Error::unverified(what));
        }
        let receipt = answer.receipt;
        let receipt = receipt.ok_or_else(|| Error::broken_answer("it has no receipt"))?;
        Ok((receipt, entry))
    }

    /// One entry with its receipt, which is checked by itself and neither compared with what this laptop has
    /// seen nor believed: for whoever looks why the two do not agree.
    ///
    /// # Errors
    /// [`Error::Unverified`], [`Error::Refused`] where there is no such entry.
    pub async fn receipt(&self, index: u64) -> Result<breakglass_tlog::Receipt, Error> {
        let request = v1::GetEntryRequest { index };
        let answer = self.answer(self.ledger().get_entry(request).await)?;
        let receipt = answer.receipt.as_ref();
        let receipt = receipt.ok_or_else(|| Error::broken_answer("it has no receipt"))?;
        if receipt.index != index {
            let what = format!("entry {index} was asked for and {} came", receipt.index);
            return Err(Error::unverified(what));
        }
        self.trust().verify_receipt(receipt)
    }

    /// Entries by filter, up to `most`, page by page. What their signers had seen of the ledger is held
    /// against what this laptop knows, the newest of it.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Unverified`].
    pub async fn list_entries(
        &self,
        request: v1::ListEntriesRequest,
        most: usize,
    ) -> Result<Vec<v1::Entry>, Error> {
        let entries = self.list_entries_alone(request, most).await?;
        self.compare_listed(&entries).await?;
        Ok(entries)
    }

    /// What the signers of these had seen of the ledger is held against what this laptop knows.
    ///
    /// # Errors
    /// [`Error::Unverified`], [`Error::Unreachable`].
    pub(crate) async fn compare_listed(&self, entries: &[v1::Entry]) -> Result<(), Error> {
        let read = entries.iter().filter_map(|it| Entry::parse(&it.line).ok());
        self.compare_seen(&read.collect::<Vec<_>>()).await
    }

    /// The same list, but for what their signers had seen: to be shown before that is compared.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub(crate) async fn list_entries_alone(
        &self,
        request: v1::ListEntriesRequest,
        most: usize,
    ) -> Result<Vec<v1::Entry>, Error> {
        let listed = self.list_entries_telling(request, most, |_, _| {}).await?;
        Ok(listed.entries)
    }

    /// The same; `tell` hears after each page how many entries were read to look for a text, in all, and
    /// where the next page goes on.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn list_entries_telling(
        &self,
        mut request: v1::ListEntriesRequest,
        most: usize,
        mut tell: impl FnMut(u64, &str),
    ) -> Result<Listed, Error> {
        let mut listed = Listed::default();
        let mut read = 0;
        loop {
            let left = most - listed.entries.len();
            request.limit = u32::try_from(left).unwrap_or(u32::MAX).min(ENTRIES_PAGE);
            let page = self.list_page(request.clone()).await?;
            listed.entries.extend(page.entries.into_iter().take(left));
            read += page.read;
            listed.has_more = !page.next_cursor.is_empty();
            if !listed.has_more || listed.entries.len() >= most {
                return Ok(listed);
            }
            need_progress(&request.cursor, &page.next_cursor)?;
            request.cursor = page.next_cursor;
            tell(read, &request.cursor);
        }
    }

    /// One page of entries, as it came.
    pub(super) async fn list_page(
        &self,
        request: v1::ListEntriesRequest,
    ) -> Result<v1::ListEntriesResponse, Error> {
        self.answer(self.ledger().list_entries(request).await)
    }

    /// Entries as they are appended, from an entry on.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Unreachable`].
    pub async fn follow(
        &self,
        from_index: Option<u64>,
    ) -> Result<Streaming<v1::FollowEntriesResponse>, Error> {
        let request = v1::FollowEntriesRequest { from_index };
        self.answer(self.ledger().follow_entries(request).await)
    }

    /// A copy of the ledger up to a size, which the ledger records; 0 means up to the newest.
    ///
    /// # Errors
    /// [`Error::Refused`] where the policy gives no leave.
    pub async fn export(
        &self,
        to_index: u64,
    ) -> Result<Streaming<v1::ExportEntriesResponse>, Error> {
        let request = v1::ExportEntriesRequest {
            from_index: 0,
            to_index,
        };
        self.answer(self.ledger().export_entries(request).await)
    }

    fn ledger(&self) -> LedgerServiceClient<Channel> {
        LedgerServiceClient::new(self.channel()).max_decoding_message_size(super::LARGEST)
    }
}

impl Prover for Session {
    async fn prove(&self, old: u64, new: u64) -> Result<ConsistencyProof, Error> {
        let request = v1::ProveConsistencyRequest {
            old_size: old,
            new_size: new,
        };
        let answer = self.answer(self.ledger().prove_consistency(request).await)?;
        Ok(ConsistencyProof {
            old,
            new,
            hashes: trust::hashes(&answer.hashes)?,
        })
    }
}

/// Entries, and whether there are more.
#[derive(Debug, Default)]
pub struct Listed {
    /// In the order asked for.
    pub entries: Vec<v1::Entry>,
    /// Whether there may be others behind them.
    pub has_more: bool,
}

/// A page that goes on where it began would be asked for without an end.
pub(super) fn need_progress(cursor: &str, next: &str) -> Result<(), Error> {
    match cursor == next {
        false => Ok(()),
        true => Err(Error::broken_answer("its next page begins where it began")),
    }
}

/// The most the contract gives in one page.
const ENTRIES_PAGE: u32 = 1000;
