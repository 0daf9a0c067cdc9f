//! Sends every entry of the ledger to whoever archives it: in order, at least once, none left out.
//!
//! A [`Streamer`] is an outlet without patience: its [`Courier`](super::Courier) reads from the
//! ledger what it missed, however long a destination was away. Syslog has no answer; what counts as one
//! stands above `collector`. `docs/operating/siem.md` is for who sets it up.

mod about;
mod batch;
mod collector;
mod ocsf;
mod syslog;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::courier::{Failed, Outlet, Span};
use super::limits::BATCH_ENTRIES;
use super::post::Target;
use super::{secret, webhook};
use crate::app::feed::Told;
use crate::config::notify::Where;
use crate::config::stream::{Sink, Stream};
use crate::ports::{Clock, Later};
use batch::Batch;
use breakglass_domain::Time;
use collector::Collector;

/// What is posted.
const JSON: &str = "application/json; charset=utf-8";

/// What a stream is made with, beside its destination.
#[derive(Clone)]
pub struct Setting {
    /// The private folder of secrets.
    pub keys_dir: PathBuf,
    /// The folder of the config file.
    pub config_dir: PathBuf,
    /// The ledger's name.
    pub ledger: String,
    /// What this host calls itself.
    pub host: String,
}

/// One destination. Files are read at each delivery.
pub struct Streamer {
    stream: Stream,
    setting: Setting,
    clock: Arc<dyn Clock>,
}

impl Streamer {
    /// Nothing is read or looked up yet.
    #[must_use]
    pub fn new(stream: Stream, setting: Setting, clock: Arc<dyn Clock>) -> Self {
        Self {
            stream,
            setting,
            clock,
        }
    }

    /// Reads what it needs and looks its host up, and sends nothing; says where it would go.
    ///
    /// # Errors
    /// [`Failed`] says what is in the way.
    pub async fn check(&self) -> Result<String, Failed> {
        let (shown, addresses) = match &self.stream.sink {
            Sink::Syslog(_) => {
                let collector = self.collector()?;
                (collector.shown(), collector.host().addresses().await?)
            }
            Sink::Ocsf { .. } => {
                let (target, _) = self.target()?;
                (target.shown(), target.host().addresses().await?)
            }
        };
        Ok(format!("{shown} at {}", addresses[0].ip()))
    }

    /// Sends one event that says that it is a test; says who took it.
    ///
    /// # Errors
    /// [`Failed`]; may be tried again.
    pub async fn test(&self, name: &str, now: Time) -> Result<String, Failed> {
        match &self.stream.sink {
            Sink::Syslog(syslog) => {
                let message = syslog::test(name, &self.origin(syslog.enterprise_number), now);
                self.collector()?.take(&message).await
            }
            Sink::Ocsf { .. } => {
                let event = ocsf::test(name, &self.setting.ledger, now);
                let id = format!("test-{}", now.as_millis());
                self.post(&id, &ocsf::body([event])).await
            }
        }
    }

    async fn send(&self, batch: &Batch) -> Result<String, Failed> {
        match &self.stream.sink {
            Sink::Syslog(syslog) => {
                let origin = self.origin(syslog.enterprise_number);
                let frames: Vec<u8> = batch
                    .entries()
                    .flat_map(|told| syslog::frame(told, &origin))
                    .collect();
                self.collector()?.take(&frames).await
            }
            Sink::Ocsf { .. } => {
                let ledger = &self.setting.ledger;
                let events = batch.entries().map(|told| ocsf::event(told, ledger));
                self.post(&batch.id(), &ocsf::body(events)).await
            }
        }
    }

    async fn post(&self, id: &str, body: &[u8]) -> Result<String, Failed> {
        let (target, secret) = self.target()?;
        let headers = webhook::signed(id, JSON, body, &secret, self.clock.now())?;
        let answer = target.post(headers, body.to_vec()).await?;
        Ok(format!("{} answered {}", target.shown(), answer.status))
    }

    fn origin(&self, enterprise_number: u32) -> syslog::Origin<'_> {
        syslog::Origin {
            host: &self.setting.host,
            ledger: &self.setting.ledger,
            enterprise_number,
        }
    }

    fn collector(&self) -> Result<Collector, Failed> {
        let Sink::Syslog(syslog) = &self.stream.sink else {
            return Err(Failed("it takes no syslog".into()));
        };
        let identity = match &syslog.identity {
            None => None,
            Some((certificate, key)) => {
                let chain = super::roots::read_chain(&self.setting.config_dir.join(certificate))?;
                Some((chain, secret::read_key(&self.of_keys(key))?))
            }
        };
        let ca_file = self.ca_file();
        Collector::new(
            syslog,
            self.stream.allow_private,
            ca_file.as_deref(),
            identity,
        )
    }

    /// Where a POST goes, and what it is signed with.
    fn target(&self) -> Result<(Target, Zeroizing<String>), Failed> {
        let Sink::Ocsf { url, secret_file } = &self.stream.sink else {
            return Err(Failed("it takes no webhooks".into()));
        };
        let secret = secret::read(&self.of_keys(secret_file))?;
        webhook::key(&secret)?;
        let url = match url {
            Where::Url(url) => Zeroizing::new(url.clone()),
            Where::File(file) => secret::read(&self.of_keys(file))?,
        };
        let ca_file = self.ca_file();
        let target = Target::new(&url, self.stream.allow_private, ca_file.as_deref())?;
        Ok((target, secret))
    }

    fn of_keys(&self, file: &Path) -> PathBuf {
        self.setting.keys_dir.join(file)
    }

    fn ca_file(&self) -> Option<PathBuf> {
        let file = self.stream.ca_file.as_ref();
        file.map(|file| self.setting.config_dir.join(file))
    }
}

impl Outlet for Streamer {
    type Parcel = Batch;

    fn parcel(&self, told: &Arc<Told>) -> Option<Batch> {
        Some(Batch::of(told))
    }

    fn most(&self) -> u64 {
        BATCH_ENTRIES
    }

    fn joins(&self, batch: &mut Batch, told: &Arc<Told>) -> bool {
        batch.joins(told)
    }

    /// Never: it has no patience to lose.
    fn folded(&self, _span: &Span) -> Option<Batch> {
        None
    }

    fn deliver<'a>(&'a self, batch: &'a Batch) -> Later<'a, Result<(), Failed>> {
        Box::pin(async { self.send(batch).await.map(drop) })
    }
}
