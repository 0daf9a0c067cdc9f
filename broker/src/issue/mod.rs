//! Makes what targets and the broker itself accept as proof: JWTs, X.509 certificates, and the keys
//! behind them. One kind a file.
//!
//! Whatever lets somebody in is made only against a [`Receipt`] whose
//! entry announces exactly it: no entry, no credential.

mod dispatch;
mod documents;
mod entry_proof;
mod jwt;
pub mod jwt_crypto;
pub mod keys;
mod root;
pub mod ssh;
mod subject;
mod targets;
#[cfg(test)]
mod tests;
mod x509;

pub use dispatch::Issuers;
pub use documents::{discovery, jwks};
pub use jwt::JwtIssuer;
pub use targets::{TargetCa, TargetCertificate, TargetIssuer};
pub use x509::{Ca, ServerIdentity};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use breakglass_domain::{Change, Event, KeyId, Lifetime, WitnessWord};
use breakglass_tlog::Receipt;
use ring::digest;

use crate::ports::{CredentialOrder, Decode, IssueError, Witnessed};

/// How far the start of a credential lies before its making: a target whose clock is behind by so much
/// still takes it. The end does not move.
const BACK_DATED: Lifetime = Lifetime::from_secs(60);

/// base64url without padding (RFC 4648 section 5), as JOSE writes everything.
fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The name of a person's key: base64url SHA-256 of its uncompressed SEC 1 point.
#[must_use]
pub fn key_id(point: &[u8]) -> KeyId {
    let hash = base64url(digest::digest(&digest::SHA256, point).as_ref());
    // 32 bytes are 43 characters of base64url, and that is all a key's id asks for.
    hash.parse().expect("a SHA-256 in base64url")
}

/// What the receipt's entry says, where it stands where the receipt says it does.
fn announced(decode: Decode, receipt: &Receipt) -> Result<Event, IssueError> {
    match decode(receipt.entry()) {
        Ok((index, event)) if index == receipt.index() => Ok(event),
        _ => Err(IssueError::WrongReceipt),
    }
}

/// Where the entry says that it needs witnesses, enough of them have signed a checkpoint with it in it.
fn is_witnessed(word: Option<WitnessWord>, receipt: &Receipt, order: &CredentialOrder) -> bool {
    let covers = |it: &Witnessed| {
        let signed = &it.cosigned;
        signed.size() > receipt.index()
            && signed.checkpoint().origin() == receipt.checkpoint().origin()
    };
    word != Some(WitnessWord::Needed) || order.witnessed.as_ref().is_some_and(covers)
}

/// Everything a credential will say must stand in the entry.
///
/// # Errors
/// [`IssueError::WrongReceipt`] where it does not.
pub fn demand_announced(
    decode: Decode,
    receipt: &Receipt,
    order: &CredentialOrder,
) -> Result<(), IssueError> {
    let event = announced(decode, receipt)?;
    let Change::CredentialIssued {
        of,
        credential,
        kind,
        audience,
        expires_at,
        key,
        subject,
        witnesses,
    } = &event.change
    else {
        return Err(IssueError::WrongReceipt);
    };
    let same = event.at == order.at
        && *of == order.grant.of
        && *credential == order.id
        && *kind == order.subject.kind()
        && *subject == order.subject
        && *audience == order.grant.audience
        && *expires_at == order.expires_at
        && *key == key_id(&order.public)
        && is_witnessed(*witnesses, receipt, order);
    if same {
        Ok(())
    } else {
        Err(IssueError::WrongReceipt)
    }
}
