//! The policy and the issuing keys again, while the broker runs.

use breakglass_domain::Change;

use super::super::Failure;
use super::super::stores::{load_policy, read_policy, record, record_issuing_key};
use super::broker::Core;
use super::health::Where;
use super::{hooks, hosts};
use crate::issue::keys::Keyring;

/// Takes up the policy and new keys; what became of each, a line each. What fails leaves in force what was.
///
/// # Errors
/// [`Failure`] with every line of the policy that is wrong, or what is wrong with the keys.
pub(super) async fn reload(core: &Core) -> Result<String, Failure> {
    // Both are tried, whatever becomes of the first: a broken key must not keep somebody in who was
    // taken out of the policy.
    let policy = note(core, Where::Policy, load(core).await);
    let keys = note(core, Where::Keys, take_up_keys(core).await);
    let hooks = note(core, Where::Hooks, hooks::take_up(core));
    let hosts = hosts::take_up(core).await;
    let told = [Some(policy?), Some(keys?), hooks?, hosts];
    Ok(told.into_iter().flatten().collect::<Vec<_>>().join("\n"))
}

/// What is wrong is shown to everybody until it is right again.
fn note<T>(core: &Core, place: Where, done: Result<T, Failure>) -> Result<T, Failure> {
    match &done {
        Ok(_) => core.troubles.clear(place),
        Err(_) => core.troubles.set(place, told(place)),
    }
    done
}

/// In a sentence that names no line: everybody reads it, and the operator has the tracing.
fn told(place: Where) -> String {
    let what = match place {
        Where::Policy => "the policy file has a mistake, so the rules from before are in force",
        Where::Hooks => {
            "secrets of alert sources cannot be read, so those from before prove them, or none at all"
        }
        _ => "the issuing keys cannot be read, so those from before sign",
    };
    format!("{what}; on the broker's host: glassd check, then glassd reload")
}

/// Puts new issuing keys on record, then signs with them in their turn.
async fn take_up_keys(core: &Core) -> Result<String, Failure> {
    let mut keyring = Keyring::load(&core.keys)?;
    let new: Vec<_> = keyring
        .keys()
        .filter(|key| key.entry.is_none())
        .cloned()
        .collect();
    for key in &new {
        keyring = record_issuing_key(&core.sequence, &core.keys, key).await?;
        tracing::info!(kid = %key.kid, from = %key.signs_from, "a new issuing key is on record");
    }
    core.issuer.replace_keyring(keyring);
    Ok(match new.len() {
        0 => "the issuing keys are the same".into(),
        1 => "1 new issuing key".into(),
        count => format!("{count} new issuing keys"),
    })
}

/// Puts the policy of the file into force.
pub(super) async fn load(core: &Core) -> Result<String, Failure> {
    let policy = read_policy(&core.config.policy_file)?;
    for warning in policy.warnings() {
        tracing::warn!(%warning, "the policy allows something that may be meant otherwise");
    }
    let before = core.app.works();
    let decided = record(&core.sequence, load_policy(policy)).await?;
    let entry = decided.recorded.first().map(|recorded| recorded.index);
    let ended = decided
        .recorded
        .iter()
        .filter(|recorded| matches!(recorded.event.change, Change::GrantEnded { .. }));
    let told = match (entry, ended.count()) {
        (None, _) => "the policy is the same".into(),
        (Some(entry), 0) => format!("the policy is in force (entry {entry})"),
        (Some(entry), 1) => {
            format!("the policy is in force (entry {entry}) and ended 1 request or grant")
        }
        (Some(entry), ended) => {
            format!("the policy is in force (entry {entry}) and ended {ended} requests and grants")
        }
    };
    let mut told = vec![told];
    told.extend(core.app.receipts(&before, &decided.recorded));
    Ok(told.join("\n"))
}
