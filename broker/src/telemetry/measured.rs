//! A ledger whose appends are timed.

use std::sync::Arc;

use breakglass_tlog::SignedCheckpoint;

use super::Telemetry;
use crate::ports::{Clock, Ledger, LedgerError, LedgerReader, Recovered, Room};

/// Passes everything on and measures appends.
pub struct MeasuredLedger {
    inner: Box<dyn Ledger>,
    telemetry: Arc<Telemetry>,
    clock: Arc<dyn Clock>,
}

impl MeasuredLedger {
    /// Measures this one.
    #[must_use]
    pub fn new(
        inner: Box<dyn Ledger>,
        telemetry: Arc<Telemetry>,
        clock: Arc<dyn Clock>,
    ) -> Box<dyn Ledger> {
        Box::new(Self {
            inner,
            telemetry,
            clock,
        })
    }
}

impl Ledger for MeasuredLedger {
    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn append(&mut self, entries: &[Arc<[u8]>]) -> Result<Arc<SignedCheckpoint>, LedgerError> {
        let began = self.clock.monotonic();
        let appended = self.inner.append(entries);
        let took = self.clock.monotonic().saturating_sub(began);
        self.telemetry.append_seconds.observe(took.as_secs_f64());
        match &appended {
            Ok(_) => self.telemetry.batch_entries.observe(entries.len() as f64),
            Err(_) => {
                self.telemetry.append_failures.inc();
            }
        }
        appended
    }

    fn recover(&mut self) -> Result<Recovered, LedgerError> {
        self.inner.recover()
    }

    fn room(&self) -> Room {
        self.inner.room()
    }

    fn reader(&self) -> Arc<dyn LedgerReader> {
        self.inner.reader()
    }
}
