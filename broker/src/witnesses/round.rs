//! One checkpoint, and who has signed it.

use std::collections::BTreeMap;
use std::sync::Arc;

use breakglass_domain::WitnessId;
use breakglass_tlog::cosigned::{Cosigned, Quorum};
use breakglass_tlog::{LedgerKeys, SignatureLine, SignedCheckpoint};

/// One checkpoint, and the cosignatures that came for it, each verified.
pub(super) struct Round {
    checkpoint: Arc<SignedCheckpoint>,
    lines: BTreeMap<WitnessId, SignatureLine>,
}

impl Round {
    pub(super) fn of(checkpoint: Arc<SignedCheckpoint>) -> Self {
        Self {
            checkpoint,
            lines: BTreeMap::new(),
        }
    }

    pub(super) fn checkpoint(&self) -> &Arc<SignedCheckpoint> {
        &self.checkpoint
    }

    pub(super) fn size(&self) -> u64 {
        self.checkpoint.size()
    }

    pub(super) fn has(&self, witness: &WitnessId) -> bool {
        self.lines.contains_key(witness)
    }

    pub(super) fn count(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn add(&mut self, witness: WitnessId, line: SignatureLine) {
        self.lines.insert(witness, line);
    }

    /// The checkpoint with all of them, where they are enough.
    pub(super) fn cosigned(&self, ledger: &LedgerKeys, quorum: &Quorum) -> Option<Cosigned> {
        let mut note = self.checkpoint.note().to_owned();
        for line in self.lines.values() {
            note.push_str(&format!("{line}\n"));
        }
        Cosigned::verify(&note, ledger.of_note(&note), quorum).ok()
    }
}
