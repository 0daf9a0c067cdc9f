//! Host keys that were left for the broker that runs: on record, then certified.

use super::super::Failure;
use super::super::hosts::{HostKey, Hosts};
use super::super::stores::record;
use super::broker::Core;

/// Certifies what was left; answers a few words where there was something.
pub(super) async fn take_up(core: &Core) -> Option<String> {
    let hosts = Hosts::of(&core.config);
    let asked = match hosts.asked() {
        Ok(asked) => asked,
        Err(failure) => {
            tracing::warn!(%failure, "host keys cannot be looked for");
            return Some(failure.to_string());
        }
    };
    let mut told = Vec::new();
    for key in asked {
        let target = &key.target;
        told.push(match certify(core, &hosts, &key).await {
            Ok(()) => format!("the host key of {target} is certified"),
            Err(failure) => {
                tracing::warn!(%target, %failure, "a host key is not certified");
                format!("the host key of {target} is not certified: {failure}")
            }
        });
        // Also where it cannot be: whoever asked is told, and asks again.
        if let Err(failure) = hosts.answered(target) {
            tracing::warn!(%failure, "a host key that was answered cannot be removed");
        }
    }
    (!told.is_empty()).then(|| told.join("; "))
}

async fn certify(core: &Core, hosts: &Hosts, key: &HostKey) -> Result<(), Failure> {
    let ways = core.app.ways();
    let act = key.act(&ways.policy, core.clock.now(), &*core.entropy)?;
    let decided = record(&core.sequence, act).await?;
    let certificate = key.certificate(&core.hosts, &decided, core.entropy.clone())?;
    hosts.keep(&key.target, &certificate)
}
