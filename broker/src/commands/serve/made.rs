//! Puts the parts of a broker together. The only wiring there is.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use breakglass_domain::command::Act;
use breakglass_domain::{Lifetime, Time};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::super::stores::{DECODE, Keys, Stores, record};
use super::super::{Failure, VERSION};
use super::broker::{Core, Running};
use super::health::{Appends, Troubles};
use super::listeners::{Addresses, Doors, Listeners, Tls, grpc_ends};
use super::{grpc, housekeeping, reload};
use crate::api;
use crate::app::{About, App, Feed, Parts as AppParts, Settings as AppSettings};
use crate::config::Config;
use crate::index::SledIndex;
use crate::issue::{JwtIssuer, discovery, jwks};
use crate::jobs::Jobs;
use crate::ledger::sequence::{Observer, Parts, Sequence};
use crate::listen::{ServerCertificate, accept_plain, accept_tls};
use crate::ports::{Clock, Entropy, LedgerReader, Live, Projection};
use crate::telemetry::{CONTENT_TYPE, Telemetry};
use crate::web::{self, Site};

/// Everything but the servers.
pub(super) struct Made {
    pub(super) core: Arc<Core>,
    pub(super) index: Arc<SledIndex>,
    pub(super) live: Live,
    pub(super) reader: Arc<dyn LedgerReader>,
    telemetry: Arc<Telemetry>,
    cut_bytes: u64,
}

impl Made {
    pub(super) fn new(
        config: &Config,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        keys: Keys,
        stores: Stores,
        addresses: Addresses,
        shown: Arc<ServerCertificate>,
    ) -> Result<Self, Failure> {
        let Stores {
            ledger,
            reader,
            index,
            live,
            cut_bytes,
        } = stores;
        let about = about(config, &keys, addresses);
        let (telemetry, troubles) = (Telemetry::new(VERSION), Arc::new(Troubles::default()));
        let feed = live.read(|state| Feed::new(Arc::clone(&reader), DECODE, state));
        let observer: Arc<dyn Observer> = Arc::new(Appends {
            telemetry: telemetry.clone(),
            troubles: troubles.clone(),
        });
        let projections: Vec<Arc<dyn Projection>> =
            vec![feed.clone(), index.clone(), telemetry.clone()];
        let parts = Parts {
            ledger,
            clock: clock.clone(),
            live: live.clone(),
            projections,
            observer,
        };
        let sequence = Sequence::start(parts)?;
        let issuer = Arc::new(JwtIssuer::new(about.issuer.clone(), DECODE, keys.issuing));
        let authority = Arc::new(keys.authority);
        let wrong = (Arc::clone(&troubles), Arc::clone(&index));
        let app = App::new(AppParts {
            clock: clock.clone(),
            entropy: entropy.clone(),
            sequencer: Arc::new(sequence.clone()),
            live: live.clone(),
            index: index.clone(),
            reader: reader.clone(),
            issuer: issuer.clone(),
            authority: authority.clone(),
            feed,
            about,
            settings: settings(config),
            troubles: Box::new(move || {
                let (troubles, index) = &wrong;
                troubles.all().into_iter().chain(index.trouble()).collect()
            }),
        });
        let config = config.clone();
        let keys = keys.folder;
        let core = Core {
            config,
            clock,
            entropy,
            keys,
            authority,
            issuer,
            sequence,
            app,
            troubles,
            shown,
        };
        Ok(Self {
            core: Arc::new(core),
            index,
            live,
            reader,
            telemetry,
            cut_bytes,
        })
    }

    /// What is on record before anybody is served: a repair, the start, new keys, a changed policy.
    pub(super) async fn begin(&self) -> Result<(), Failure> {
        let sequence = &self.core.sequence;
        if self.cut_bytes > 0 {
            let bytes = self.cut_bytes;
            tracing::warn!(
                bytes,
                "a torn tail that nobody was told of was cut from the ledger"
            );
            record(
                sequence,
                Act::NoteRepair {
                    cut_bytes: self.cut_bytes,
                },
            )
            .await?;
        }
        record(
            sequence,
            Act::Start {
                version: VERSION.into(),
            },
        )
        .await?;
        // What is wrong there is told, and what was in force before goes on: a misspelt line must
        // not keep the emergency path shut when the broker is restarted at night.
        match reload::reload(&self.core).await {
            Ok(told) => tracing::info!("{told}"),
            Err(failure) => {
                tracing::error!("what was in force before the start stays in force:\n{failure}");
            }
        }
        let ring = self.core.issuer.keyring();
        if ring.active(self.core.clock.now()).is_none() {
            let what = "no issuing key signs now, so no credential could be made";
            return Err(Failure::new(what).then("glassd rotate --compromised"));
        }
        Ok(())
    }

    pub(super) fn serve(
        self,
        listeners: Listeners,
        tls: Tls,
        addresses: Addresses,
        renew_at: Time,
    ) -> Running {
        let Self {
            core,
            index,
            telemetry,
            ..
        } = &self;
        let doors = Doors::new(&core.config.settings);
        telemetry.watch(self.gauges(&doors));
        let (stop, stopped) = watch::channel(false);
        let mut servers = JoinSet::new();
        let options = api::Options {
            reflection: core.config.settings.reflection,
            ..Default::default()
        };
        let routes = api::routes(core.app.clone(), &options);
        let incoming = accept_tls(listeners.grpc, doors.grpc, tls.grpc, grpc_ends());
        let serving = grpc::serve(incoming, routes, telemetry.clone(), told(stopped.clone()));
        servers.spawn(named("gRPC", serving));
        let incoming = accept_tls(listeners.web, doors.web, tls.web, web::ends());
        let serving = web::serve(incoming, web::routes(site(core)), told(stopped.clone()));
        servers.spawn(named("HTTPS", serving));
        let incoming = accept_plain(listeners.metrics, doors.metrics, web::ends());
        let (page, page_of) = (telemetry.clone(), CONTENT_TYPE);
        let routes = web::metrics_routes(Arc::new(move || page.metrics()), page_of);
        servers.spawn(named(
            "metrics",
            web::serve_plain(incoming, routes, told(stopped)),
        ));
        let publishing = core.sequence.clone();
        let jobs = Jobs::new(core.app.clone(), Box::new(move || publish(&publishing)));
        let tasks = vec![
            tokio::spawn(jobs.run()),
            tokio::spawn(housekeeping::run(core.clone(), renew_at)),
        ];
        let (core, index, telemetry) = (core.clone(), index.clone(), telemetry.clone());
        Running {
            core,
            addresses,
            index,
            reader: self.reader.clone(),
            telemetry,
            stop,
            servers,
            tasks,
        }
    }
}

/// The sequencer lays the ledger out whenever it is asked what time has brought about.
fn publish(sequence: &Sequence) {
    let sequence = sequence.clone();
    tokio::spawn(async move {
        // What fails is tried again at the next publication, and told by the sequencer.
        let _ = record(&sequence, Act::Tick).await;
    });
}

fn about(config: &Config, keys: &Keys, addresses: Addresses) -> About {
    About {
        version: VERSION.into(),
        origin: config.ledger_origin(),
        ledger_vkey: keys.vkey(),
        issuer: config.issuer(addresses.web.port()),
        url: config.public_url(addresses.grpc.port()),
        authority_pin: keys.authority.pin(),
    }
}

fn settings(config: &Config) -> AppSettings {
    let chosen = &config.settings;
    AppSettings {
        hold_grace: Duration::from_secs(chosen.hold_grace_seconds.count().into()),
        // At most 365 days, which is far below what 32 bits of seconds hold.
        certificate_life: Lifetime::from_secs(chosen.client_certificate_days.count() * 86_400),
    }
}

fn site(core: &Arc<Core>) -> Site {
    let document: Arc<str> = discovery(core.issuer.issuer()).into();
    let (issuer, clock, troubles) = (
        core.issuer.clone(),
        core.clock.clone(),
        core.troubles.clone(),
    );
    Site {
        discovery: Arc::new(move || document.to_string()),
        keys: Arc::new(move || jwks(&issuer.keyring(), clock.now())),
        healthy: Arc::new(move || troubles.can_record()),
        ledger: core.config.ledger_dir(),
    }
}

/// Answers when the broker stops.
async fn told(mut stop: watch::Receiver<bool>) {
    // An error says that nobody can tell any more, which is the end as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn named(
    name: &'static str,
    serving: impl Future<Output = Result<(), tonic::transport::Error>>,
) -> &'static str {
    if let Err(error) = serving.await {
        tracing::error!(%error, listener = name, "a server ended");
    }
    name
}
