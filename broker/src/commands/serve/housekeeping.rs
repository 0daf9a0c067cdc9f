//! What the broker does for itself, now and then: its certificate, its old keys.

use std::time::Duration;

use breakglass_domain::Time;
use breakglass_domain::command::Act;
use breakglass_domain::event::KeyPurpose;

use super::super::Failure;
use super::super::stores::record;
use super::broker::Core;
use super::health::Where;
use super::listeners::server_identity;
use crate::issue::keys::{Keyring, Status};

/// How often it is looked whether something is due: what is due has days of room.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Looks until the broker stops.
pub(super) async fn run(core: std::sync::Arc<Core>, mut renew_at: Time) {
    let mut stopping = core.app.stopping();
    loop {
        tokio::select! {
            () = stopping.told() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        renew_at = look(&core, renew_at).await;
    }
}

/// Looks once; answers when the certificate is next due. What fails is tried at the next look.
pub(super) async fn look(core: &Core, renew_at: Time) -> Time {
    let mut renew_at = renew_at;
    if core.clock.now() >= renew_at {
        match renew(core) {
            Ok(next) => {
                core.troubles.clear(Where::Certificate);
                tracing::info!(%next, "the server certificate was renewed");
                renew_at = next;
            }
            Err(error) => {
                core.troubles.set(
                    Where::Certificate,
                    "the server certificate cannot be renewed",
                );
                tracing::error!(%error, "the server certificate cannot be renewed");
            }
        }
    }
    if let Err(error) = retire_keys(core).await {
        tracing::warn!(%error, "an old issuing key cannot be retired yet");
    }
    renew_at
}

/// Shows a fresh certificate from the next handshake on.
fn renew(core: &Core) -> Result<Time, Failure> {
    let identity = server_identity(&core.config, &core.authority, &*core.clock, &*core.entropy)?;
    let next = identity.renew_at;
    core.shown
        .replace(identity.chain, identity.key)
        .map_err(|e| Failure::new(format!("the new certificate cannot be shown: {e}")))?;
    Ok(next)
}

/// Puts on record that keys no longer sign nor are published, then forgets them.
async fn retire_keys(core: &Core) -> Result<(), Failure> {
    let (ring, now) = (core.issuer.keyring(), core.clock.now());
    let retired = ring
        .keys()
        .filter(|key| ring.status(key, now) == Status::Retired);
    for key in retired {
        let act = Act::RetireKey {
            purpose: KeyPurpose::Issuing,
            id: key.kid.clone(),
        };
        record(&core.sequence, act).await?;
        core.issuer
            .replace_keyring(Keyring::forget(&core.keys, &key.kid)?);
        tracing::info!(kid = %key.kid, "an old issuing key is retired");
    }
    Ok(())
}
