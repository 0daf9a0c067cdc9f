//! The messages of draft-miller-ssh-agent that are answered: list and sign.

use super::keys::Keys;
use super::wire::{Reader, Wire};

/// Section 5.1 of the draft: `SSH_AGENT_FAILURE`.
pub(super) const FAILURE: u8 = 5;

/// `SSH_AGENTC_REQUEST_IDENTITIES`.
pub(super) const REQUEST_IDENTITIES: u8 = 11;

/// `SSH_AGENT_IDENTITIES_ANSWER`.
pub(super) const IDENTITIES_ANSWER: u8 = 12;

/// `SSH_AGENTC_SIGN_REQUEST`.
pub(super) const SIGN_REQUEST: u8 = 13;

/// `SSH_AGENT_SIGN_RESPONSE`.
pub(super) const SIGN_RESPONSE: u8 = 14;

/// What `ssh-add -l` shows behind the certificate.
const COMMENT: &str = "glass";

/// The answer to one message, both without their length.
///
/// Adding, removing, locking, smart cards and extensions are all a failure, as the draft asks of an
/// agent that does not have them; `ssh` goes on without `session-bind@openssh.com`.
pub(super) fn answer(message: &[u8], keys: &Keys) -> Vec<u8> {
    understood(message, keys).unwrap_or_else(|| vec![FAILURE])
}

fn understood(message: &[u8], keys: &Keys) -> Option<Vec<u8>> {
    let mut reader = Reader::new(message);
    match reader.byte()? {
        REQUEST_IDENTITIES if reader.is_done() => Some(identities(keys)),
        SIGN_REQUEST => {
            let (key, data) = (reader.string()?, reader.string()?);
            // They choose among RSA's hashes; ECDSA on P-256 has one.
            let _flags = reader.u32()?;
            let signature = reader.is_done().then(|| keys.sign(key, data))??;
            let wire = Wire::default().byte(SIGN_RESPONSE);
            Some(wire.string(signature).done())
        }
        _ => None,
    }
}

fn identities(keys: &Keys) -> Vec<u8> {
    let wire = Wire::default().byte(IDENTITIES_ANSWER);
    let wire = match keys.certificate() {
        Some(certificate) => wire.u32(1).string(certificate).string(COMMENT),
        None => wire.u32(0),
    };
    wire.done()
}
