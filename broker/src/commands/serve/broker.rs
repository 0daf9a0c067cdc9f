//! Starts a broker, in order, and takes it apart again.

use std::sync::Arc;
use std::time::Duration;

use super::super::Failure;
use super::super::stores::{Keys, Stores};
use super::super::target_keys::TargetKeys;
use super::super::who_signs;
use super::health::Troubles;
use super::listeners::{Addresses, Listeners, Tls, server_identity};
use super::made::Made;
use super::reload;
use super::tasks::Tasks;
use crate::app::App;
use crate::config::Config;
use crate::edge::install_crypto;
use crate::hooks::Secrets;
use crate::index::SledIndex;
use crate::issue::keys::KeyFolder;
use crate::issue::ssh::SshHostCa;
use crate::issue::{Ca, JwtIssuer};
use crate::ledger::sequence::Sequence;
use crate::listen::ServerCertificate;
use crate::ports::{Clock, Entropy, LedgerReader};
use crate::telemetry::Telemetry;

/// How long answers that are under way have at the end: below the 90 s a service manager waits.
const DRAIN: Duration = Duration::from_secs(20);

/// Starts brokers.
#[derive(Debug)]
pub struct Broker;

/// What reloads and housekeeping work with.
pub(super) struct Core {
    pub(super) config: Config,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) keys: KeyFolder,
    pub(super) authority: Arc<Ca>,
    pub(super) issuer: Arc<JwtIssuer>,
    pub(super) hosts: Arc<SshHostCa>,
    pub(super) secrets: Secrets,
    pub(super) sequence: Sequence,
    pub(super) app: Arc<App>,
    pub(super) troubles: Arc<Troubles>,
    pub(super) shown: Arc<ServerCertificate>,
    pub(super) addresses: Addresses,
}

/// A broker that serves. Drop it only after [`Running::shutdown`].
pub struct Running {
    pub(super) core: Arc<Core>,
    pub(super) index: Arc<SledIndex>,
    pub(super) reader: Arc<dyn LedgerReader>,
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) tasks: Tasks,
}

impl Broker {
    /// Opens everything, takes the ports, puts the start on record, and serves.
    ///
    /// # Errors
    /// [`Failure`] says what is wrong and what to do; nothing is left running then.
    pub async fn start(
        config: &Config,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Running, Failure> {
        install_crypto();
        let keys = Keys::to_write(config)?;
        // First, because it is also the lock that keeps a second broker out.
        let (opening, signing) = (config.clone(), keys.signing());
        let stores = blocking(move || Stores::open(&opening, signing)).await??;
        let (world, past) = ((&*clock, &*entropy), (&*stores.reader, &*stores.index as _));
        let target_keys = TargetKeys::as_recorded(&keys.folder, config, world, past).await?;
        who_signs::as_recorded(&keys.ledger_keys, past.0, past.1)?;
        let listeners = Listeners::bind(&config.settings).await?;
        let addresses = listeners.addresses()?;
        let identity = server_identity(config, &keys.authority, &*clock, &*entropy)?;
        let renew_at = identity.renew_at;
        let tls = Tls::new(&keys.authority, identity, &clock)?;

        let (world, shown) = ((clock, entropy), tls.shown.clone());
        let mut made = Made::new(config, world, (keys, target_keys), stores, addresses, shown)?;
        if let Err(failure) = made.begin().await {
            made.core.sequence.stop().await;
            return Err(failure);
        }
        Ok(made.serve(listeners, tls, renew_at))
    }
}

/// Work that blocks, on a thread for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Failure::new(format!("a thread of the broker fell: {e}")))
}

impl Running {
    /// Where it listens; with the real ports where the config has 0.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.core.addresses
    }

    /// The use cases, for tests that look inside.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.core.app
    }

    /// What is written.
    #[must_use]
    pub fn reader(&self) -> &Arc<dyn LedgerReader> {
        &self.reader
    }

    /// What is counted.
    #[must_use]
    pub fn telemetry(&self) -> &Arc<Telemetry> {
        &self.telemetry
    }

    /// Loads the policy and the issuing keys again; answers what is in force now.
    ///
    /// # Errors
    /// [`Failure`] says what is wrong; what was in force stays.
    pub async fn reload(&self) -> Result<String, Failure> {
        reload::reload(&self.core).await
    }

    /// Answers when something has ended that the broker cannot do without. Safe to cancel.
    pub async fn fallen(&self) -> String {
        tokio::select! {
            () = self.core.sequence.ended() => {
                "the sequencer has ended, so nothing can be decided any more".into()
            }
            name = self.tasks.fallen() => format!("{name} has ended by itself"),
        }
    }

    /// Takes no more, answers what was accepted, ends streams, lays the ledger out, closes the index.
    pub async fn shutdown(self) {
        self.core.app.stop();
        self.tasks.stop(DRAIN).await;
        self.core.app.flush_refusals().await;
        self.core.sequence.stop().await;
        let index = self.index;
        if let Err(error) = blocking(move || index.close()).await {
            tracing::warn!(%error, "the index is closed the hard way and made again where needed");
        }
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("addresses", &self.core.addresses)
            .finish_non_exhaustive()
    }
}
