//! Entries by filter: a page through the index, where need be by reading what somebody typed, and the
//! proofs that its entries are in the ledger.
//!
//! One call never does more than a page of work. Names are found in the index. What somebody typed is
//! not: an index of words would hold as much as the ledger does, for a question that is asked a few times
//! in a year. So the index only gives the entries that hold anything typed, and these are read, at most
//! [`TEXTS_A_PAGE`] of them; then the page ends, full or not, and says where the next one begins.

use std::sync::Arc;

use breakglass_tlog::checkpoint::SignedCheckpoint;
use breakglass_tlog::proof::InclusionProof;
use breakglass_tlog::receipt::Receipt;

use super::ledger::blocking;
use super::limits::{BUNDLE, PAGE_BYTES, TEXTS_A_PAGE};
use super::{App, Error};
use crate::ports::{EntryFilter, Index, LedgerReader};

/// Entries with their places, and where the next page begins.
#[derive(Debug, Clone, Default)]
pub struct EntryPage {
    /// In the order asked for.
    pub entries: Vec<(u64, Arc<[u8]>)>,
    /// The cursor of the next page, where there may be more.
    pub more_after: Option<u64>,
    /// How many entries were read to look for what somebody typed.
    pub read: u64,
}

/// That each entry of a page is in the ledger.
#[derive(Debug)]
pub struct Proven {
    /// The head that the proofs lead to.
    pub checkpoint: Arc<SignedCheckpoint>,
    /// One for each entry, in their order.
    pub proofs: Vec<InclusionProof>,
}

impl App {
    /// A page of entries, at most `max` and at most [`PAGE_BYTES`]; it may be empty and have another
    /// behind it.
    ///
    /// # Errors
    /// [`Error::Index`]; [`Error::Ledger`] where an entry cannot be read.
    pub async fn entries(
        &self,
        filter: &EntryFilter,
        after: Option<u64>,
        max: usize,
    ) -> Result<EntryPage, Error> {
        self.entries_of(filter, after, max, TEXTS_A_PAGE).await
    }

    /// The same, where so many entries are read to look for a text.
    pub(super) async fn entries_of(
        &self,
        filter: &EntryFilter,
        after: Option<u64>,
        max: usize,
        texts: usize,
    ) -> Result<EntryPage, Error> {
        let asked = filter.clone();
        let most = match filter.text {
            Some(_) => texts,
            None => max,
        };
        let places = move |index: &dyn Index| index.entries(&asked, after, most);
        let places = self.ask_index(places).await?;
        let last = places.found.last().copied();
        let more_after = match places.found.len() == most {
            true => last,
            false => places.stopped_at,
        };
        let mut page = EntryPage {
            more_after,
            ..EntryPage::default()
        };
        let mut bytes = 0;
        let of_one_bundle = |a: &u64, b: &u64| a / BUNDLE == b / BUNDLE;
        for run in places.found.chunk_by(of_one_bundle) {
            let read = run.to_vec();
            let lines = blocking(&self.reader, move |reader| lines_at(reader, &read)).await?;
            let fits = self.with_text(filter, &lines).await?;
            for ((place, line), fits) in run.iter().zip(lines).zip(fits) {
                page.read += u64::from(filter.text.is_some());
                if !fits {
                    continue;
                }
                bytes += line.len();
                if !page.entries.is_empty() && bytes > PAGE_BYTES {
                    page.more_after = page.entries.last().map(|(place, _)| *place);
                    return Ok(page);
                }
                page.entries.push((*place, line));
                if page.entries.len() == max && last != Some(*place) {
                    page.more_after = Some(*place);
                    return Ok(page);
                }
            }
        }
        Ok(page)
    }

    /// Which of these entries hold what somebody is said to have typed, in whatever case.
    async fn with_text(
        &self,
        filter: &EntryFilter,
        lines: &[Arc<[u8]>],
    ) -> Result<Vec<bool>, Error> {
        let Some(text) = &filter.text else {
            return Ok(vec![true; lines.len()]);
        };
        let text = text.as_str().to_lowercase();
        let told = self.feed.read_back(lines.to_vec()).await?;
        let holds = |typed: &str| typed.to_lowercase().contains(&text);
        let each = told
            .iter()
            .map(|told| told.change().typed().is_some_and(holds));
        Ok(each.collect())
    }

    /// Proves each entry of a page under the newest checkpoint.
    ///
    /// # Errors
    /// [`Error::Ledger`] where the tree cannot be read.
    pub async fn prove(&self, page: &EntryPage) -> Result<Proven, Error> {
        let checkpoint = self.reader.checkpoint();
        let (head, entries) = (Arc::clone(&checkpoint), page.entries.clone());
        let proofs = blocking(&self.reader, move |reader| {
            let each = entries.into_iter().map(|(place, line)| {
                let proof = reader.prove_inclusion(place, head.size())?;
                Receipt::verify(line, proof.clone(), &head)
                    .map_err(|_| Error::Broken("an entry is not what its checkpoint says"))?;
                Ok(proof)
            });
            each.collect::<Result<Vec<_>, Error>>()
        });
        Ok(Proven {
            proofs: proofs.await?,
            checkpoint,
        })
    }
}

/// The entries at some places of one bundle, which is read once.
fn lines_at(reader: &dyn LedgerReader, places: &[u64]) -> Result<Vec<Arc<[u8]>>, Error> {
    let (Some(first), Some(last)) = (places.iter().min(), places.iter().max()) else {
        return Ok(Vec::new());
    };
    let offset = |place: &u64| usize::try_from(place - first).unwrap_or(usize::MAX);
    let lines = reader.entries(*first, offset(last) + 1)?;
    let each = places.iter().map(|place| {
        let line = lines.get(offset(place)).cloned();
        line.ok_or(Error::Broken("the index names an entry that is not there"))
    });
    each.collect()
}
