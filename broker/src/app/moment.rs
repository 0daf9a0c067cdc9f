//! What holds at one moment, as guards are told it: the tick, the revocation list, the keys.

use std::collections::BTreeSet;

use breakglass_domain::policy::access::TargetKind;
use breakglass_domain::{GrantId, IncidentId, State, TargetId, Time};

use super::{App, Error};

/// What a tick says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Time,
    /// Entries in the ledger.
    pub size: u64,
    /// The tree's root over them.
    pub root: [u8; 32],
    /// Open incidents.
    pub incidents: Vec<IncidentId>,
    /// Live grants that lead to the target it is for.
    pub grants: Vec<GrantId>,
}

impl App {
    /// What holds now for a target.
    #[must_use]
    pub fn moment(&self, target: &TargetId) -> Moment {
        let at = self.clock.now();
        let checkpoint = self.reader.checkpoint();
        let (incidents, grants) = self.live.read(|state| {
            let incidents = state.incidents.keys().copied().collect();
            let grants = state.live_at(target, at);
            (incidents, grants.map(|grant| grant.of.grant).collect())
        });
        Moment {
            at,
            size: checkpoint.size(),
            root: *checkpoint.checkpoint().root().as_bytes(),
            incidents,
            grants,
        }
    }

    /// A text as a signed note by the ledger key.
    ///
    /// # Errors
    /// [`Error::Issue`] where the key does not sign.
    pub fn notarize(&self, text: &str) -> Result<String, Error> {
        Ok(self.notary.sign(text)?)
    }

    /// Grants whose SSH certificates are revoked, for a target of kind `ssh`.
    #[must_use]
    pub fn revoked_at(&self, target: &TargetId) -> Option<BTreeSet<GrantId>> {
        let now = self.clock.now();
        self.live.read(|state| {
            let kind = state.policy.targets.get(target)?.kind;
            (kind == TargetKind::Ssh).then(|| state.targets.revoked_logins(now))
        })
    }

    /// The revocation list that names them.
    #[must_use]
    pub fn revocation_list(&self, revoked: &BTreeSet<GrantId>) -> Vec<u8> {
        let (version, now) = (self.reader.checkpoint().size(), self.clock.now());
        self.notary.revocation_list(revoked, version, now)
    }

    /// The keys that JWTs are signed with, for a target of kind `http`.
    #[must_use]
    pub fn published_keys(&self, target: &TargetId) -> Option<String> {
        let is_it = self.kind(target)? == TargetKind::Http;
        is_it.then(|| self.notary.published_keys(self.clock.now()))
    }

    /// The authority that certificates of people come from, for a target of kind `ssh`.
    #[must_use]
    pub fn user_ca(&self, target: &TargetId) -> Option<String> {
        let is_it = self.kind(target)? == TargetKind::Ssh;
        is_it.then(|| self.notary.user_ca())
    }

    fn kind(&self, target: &TargetId) -> Option<TargetKind> {
        let target = |state: &State| Some(state.policy.targets.get(target)?.kind);
        self.live.read(target)
    }
}
