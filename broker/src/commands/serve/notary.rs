//! What the broker says to guards under its own keys: ticks, revocation lists, published keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use breakglass_domain::{GrantId, Time};
use breakglass_tlog::Ed25519Signer;
use breakglass_tlog::note::Note;

use crate::issue::ssh::{SerialRange, SshHostCa, SshUserCa, krl};
use crate::issue::{JwtIssuer, jwks};
use crate::ports::{IssueError, Notary};

/// Signs with the ledger's key, and names what the others sign.
pub(super) struct LedgerNotary {
    pub(super) key: Arc<Ed25519Signer>,
    pub(super) jwt: Arc<JwtIssuer>,
    pub(super) users: Arc<SshUserCa>,
    pub(super) hosts: Arc<SshHostCa>,
    pub(super) next_hosts: Option<Arc<SshHostCa>>,
}

impl Notary for LedgerNotary {
    fn sign(&self, text: &str) -> Result<String, IssueError> {
        let signing = |e: breakglass_tlog::note::NoteError| IssueError::Signing(e.to_string());
        Note::sign(text, &*self.key)
            .map(|note| note.to_string())
            .map_err(signing)
    }

    fn revocation_list(&self, revoked: &BTreeSet<GrantId>, version: u64, at: Time) -> Vec<u8> {
        let ranges = revoked
            .iter()
            .filter_map(|grant| SerialRange::of_grant(*grant));
        krl(&self.users, version, at, ranges)
    }

    fn published_keys(&self, now: Time) -> String {
        jwks(&self.jwt.keyring(), now)
    }

    fn host_ca(&self) -> String {
        self.hosts.public_line()
    }

    fn user_ca(&self) -> String {
        self.users.public_line()
    }

    fn next_host_ca(&self) -> Option<String> {
        Some(self.next_hosts.as_ref()?.public_line())
    }
}
