//! What a credential carries to prove that it was recorded: a C2SP `tlog-proof` whose extra data is the
//! entry that announced it, byte for byte.
//!
//! So who has the ledger's public key can check, without a network, that a credential was written
//! down before it was made: an issuing key that was stolen makes none of these.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use breakglass_tlog::{Receipt, TlogProof};

use crate::ports::{CredentialOrder, IssueError, Witnessed};

/// Most bytes of a JWT that carries its proof. nginx, Apache and gunicorn take 8 KiB in a line of a
/// header (`large_client_header_buffers`, `LimitRequestFieldSize`, `limit_request_field_size`); this
/// leaves room for its name and its scheme, and for a DPoP proof in all 16 KiB that Node.js takes.
pub(super) const MOST_WITH_PROOF: usize = 7 * 1024;

/// The proof for this entry, under the checkpoint that witnesses have signed, where they had to.
///
/// # Errors
/// [`IssueError::WrongReceipt`] where the entry is not in what they signed.
pub(super) fn entry_proof(
    receipt: &Receipt,
    order: &CredentialOrder,
) -> Result<String, IssueError> {
    let mut proof = match &order.witnessed {
        Some(witnessed) => TlogProof::from(&under(witnessed, receipt)?),
        None => TlogProof::from(receipt),
    };
    proof.extra = Some(receipt.entry().to_vec());
    Ok(proof.to_string())
}

fn under(witnessed: &Witnessed, receipt: &Receipt) -> Result<Receipt, IssueError> {
    let Witnessed {
        cosigned,
        inclusion,
    } = witnessed;
    let checkpoint = Arc::new(cosigned.checkpoint().clone());
    Receipt::verify(receipt.shared_entry(), inclusion.clone(), &checkpoint)
        .map_err(|_| IssueError::WrongReceipt)
}
