//! Export: a copy of the ledger is recorded first, then sent.

use std::sync::Arc;

use breakglass_domain::command::Act;
use breakglass_tlog::checkpoint::SignedCheckpoint;

use super::ledger::read_page;
use super::limits::{EXPORT_PAGE, PAGE_BYTES};
use super::{App, Caller, Error};
use crate::ports::LedgerReader;

/// A copy that is being taken.
pub struct Export {
    /// The checkpoint that covers it; where the whole ledger was asked for, exactly.
    pub checkpoint: Arc<SignedCheckpoint>,
    reader: Arc<dyn LedgerReader>,
    next: u64,
    to: u64,
}

impl App {
    /// Records that the caller takes entries `from` up to `to` away; 0 means up to the newest.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules; [`Error::Ledger`]; [`Error::NoSuchEntry`] and
    /// [`Error::NoSuchRange`] for places that are not there.
    pub async fn export(&self, caller: &Caller, from: u64, to: u64) -> Result<Export, Error> {
        // Taken before the export's own entry is written, so that it covers just what is sent.
        let checkpoint = self.reader.checkpoint();
        let size = checkpoint.size();
        let to = if to == 0 { size } else { to };
        if to > size {
            return Err(Error::NoSuchEntry {
                index: to - 1,
                size,
            });
        }
        if from > to {
            return Err(Error::NoSuchRange { from, to });
        }
        self.submit(caller.command(Act::Export { from, to }))
            .await?;
        Ok(Export {
            checkpoint,
            reader: Arc::clone(&self.reader),
            next: from,
            to,
        })
    }
}

impl Export {
    /// The next entries with their places, oldest first, at most [`PAGE_BYTES`]; none at the end.
    ///
    /// # Errors
    /// [`Error::Ledger`] where they cannot be read.
    pub async fn next_page(&mut self) -> Result<Vec<(u64, Arc<[u8]>)>, Error> {
        let left = usize::try_from(self.to - self.next).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(Vec::new());
        }
        let max = left.min(EXPORT_PAGE);
        let mut page = read_page(&self.reader, self.next, max).await?;
        let mut bytes = 0;
        let fitting = page.iter().take_while(|(_, line)| {
            bytes += line.len();
            bytes <= PAGE_BYTES
        });
        let fitting = fitting.count().max(1);
        page.truncate(fitting);
        let Some((last, _)) = page.last() else {
            return Err(Error::Broken("the ledger ends before its checkpoint"));
        };
        self.next = last + 1;
        Ok(page)
    }
}
