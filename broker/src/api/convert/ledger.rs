//! Entries and proofs.

use breakglass_proto::v1;
use breakglass_tlog::Hash;
use breakglass_tlog::receipt::Receipt;

use crate::app::Grown;

/// An entry with the proof that it is written.
pub(in crate::api) fn receipt(receipt: &Receipt) -> v1::Receipt {
    v1::Receipt {
        index: receipt.index(),
        entry: receipt.entry().to_vec(),
        inclusion: hashes(&receipt.proof().hashes),
        checkpoint: receipt.checkpoint().note().to_owned(),
    }
}

/// An entry as it was written.
pub(in crate::api) fn entry(index: u64, line: &[u8]) -> v1::Entry {
    v1::Entry {
        index,
        line: line.to_vec(),
        text: String::new(),
        inclusion: Vec::new(),
    }
}

/// A proof that the ledger only grew.
pub(in crate::api) fn consistency(grown: &Grown) -> v1::ProveConsistencyResponse {
    let checkpoint = grown.checkpoint.as_ref();
    v1::ProveConsistencyResponse {
        hashes: hashes(&grown.proof.hashes),
        checkpoint: checkpoint
            .map(|newest| newest.note().to_owned())
            .unwrap_or_default(),
    }
}

/// 32 bytes each.
pub(in crate::api) fn hashes(hashes: &[Hash]) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.as_bytes().to_vec()).collect()
}
