//! Who can do what.

use std::collections::BTreeMap;
use std::sync::Arc;

use breakglass_domain::policy::PersonCan;
use breakglass_domain::{PersonId, Policy, Refusal, RightId, TargetId, Time};

use super::{App, Error};
use crate::ports::{EntryFilter, Index};

/// The lines of the authorities that SSH host certificates come from; people believe both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCas {
    /// The present one.
    pub present: String,
    /// The one that is to follow it, where there is one.
    pub next: Option<String>,
}

/// The rules in force, and where they stand in the ledger.
#[derive(Debug, Clone)]
pub struct InForce {
    /// The rules.
    pub policy: Arc<Policy>,
    /// SHA-256 of the text, lower-case hex.
    pub sha256: String,
    /// When they were loaded.
    pub loaded_at: Time,
    /// The entry that loaded them.
    pub entry: u64,
}

/// Where rights lead.
#[derive(Debug, Clone)]
pub struct Ways {
    /// The rules in force.
    pub policy: Arc<Policy>,
    /// The authorities that SSH host certificates come from.
    pub host_cas: HostCas,
    /// The hosts that can show one now, and until when.
    pub certified: BTreeMap<TargetId, Time>,
}

impl App {
    /// The policy in force.
    ///
    /// # Errors
    /// [`Error::Index`] where its entry cannot be looked up.
    pub async fn policy(&self) -> Result<InForce, Error> {
        let loaded = EntryFilter {
            kind: Some("policy.loaded".to_owned()),
            ..EntryFilter::default()
        };
        let entry = move |index: &dyn Index| index.entries(&loaded, None, 1);
        let entry = self.ask_index(entry).await?.first().copied();
        let (policy, sha256, loaded_at) = self.live.read(|state| {
            let policy = Arc::clone(&state.policy);
            (policy, state.policy_sha256.clone(), state.policy_loaded_at)
        });
        Ok(InForce {
            policy,
            sha256,
            loaded_at,
            entry: entry.unwrap_or_default(),
        })
    }

    /// Where rights lead, and what is known of the hosts there.
    #[must_use]
    pub fn ways(&self) -> Ways {
        let now = self.clock.now();
        self.live.read(|state| {
            let hosts = state.targets.hosts.keys();
            let certified = hosts
                .filter_map(|target| Some((target.clone(), state.certified_until(target, now)?)));
            Ways {
                policy: Arc::clone(&state.policy),
                host_cas: self.host_cas(),
                certified: certified.collect(),
            }
        })
    }

    /// The lines of the authorities that SSH host certificates come from: the present one, and the
    /// one that is to follow it.
    fn host_cas(&self) -> HostCas {
        HostCas {
            present: self.notary.host_ca(),
            next: self.notary.next_host_ca(),
        }
    }

    /// What somebody can do: every right, or one.
    ///
    /// # Errors
    /// [`Error::Refused`] where the policy knows no such person or right.
    pub fn can(&self, person: &PersonId, right: Option<&RightId>) -> Result<PersonCan, Error> {
        let policy = self.live.read(|state| Arc::clone(&state.policy));
        let can = policy.can(person);
        let mut can = can.ok_or_else(|| Refusal::UnknownPerson(person.clone()))?;
        if let Some(right) = right {
            let verdict = policy.verdict(person, right);
            can.verdicts = vec![verdict.ok_or_else(|| Refusal::UnknownRight(right.clone()))?];
        }
        Ok(can)
    }

    /// Why somebody could not begin a right now that no approver is needed for, and what to do: late
    /// reviews.
    #[must_use]
    pub fn held_up(&self, person: &PersonId, right: &RightId) -> Option<Refusal> {
        let now = self.now();
        self.live.read(|state| state.held_up(person, right, now))
    }
}
