//! Which checkpoints are believed.

use std::sync::Arc;

use breakglass_tlog::SignedCheckpoint;
use breakglass_tlog::cosigned::{Cosigned, CosignedError};

use super::Ledger;
use crate::verify::Denied;

impl Ledger {
    /// The one place where it is decided whether a checkpoint is this ledger's. How old it is does not
    /// matter: what was in the ledger once is in it for ever.
    pub(super) fn judge(&self, note: &str) -> Result<Arc<SignedCheckpoint>, Denied> {
        let keys = self.keys();
        let Some(quorum) = &self.quorum else {
            let checkpoint = keys.verify(note);
            let checkpoint = checkpoint.map_err(|_| Denied::Entry(NOT_OURS))?;
            return Ok(Arc::new(checkpoint));
        };
        match Cosigned::verify(note, keys.of_note(note), quorum) {
            Ok(cosigned) => Ok(Arc::new(cosigned.checkpoint().clone())),
            Err(CosignedError::TooFew { .. }) => Err(Denied::Entry(
                "too few of the witnesses have signed its checkpoint",
            )),
            Err(CosignedError::Cosignature(_)) => Err(Denied::Entry(
                "what stands there as signed by a witness is not",
            )),
            Err(_) => Err(Denied::Entry(NOT_OURS)),
        }
    }
}

const NOT_OURS: &str = "its checkpoint is not signed by the ledger trusted here";
