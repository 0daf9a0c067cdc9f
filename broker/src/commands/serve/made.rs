//! Puts the parts of a broker together. The only wiring there is.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use breakglass_domain::command::Act;
use breakglass_domain::limits::CLOCK_BEHIND;
use breakglass_domain::{Lifetime, StreamName, Time};
use breakglass_tlog::LedgerKeys;
use tonic::service::Routes;

use super::super::stores::{DECODE, Keys, Stores, record};
use super::super::target_keys::TargetKeys;
use super::super::{Failure, VERSION};
use super::broker::{Core, Running};
use super::databases::ConfiguredDatabases;
use super::health::{Appends, Troubles};
use super::listeners::{Addresses, Doors, Listeners, Tls, grpc_ends};
use super::notary::LedgerNotary;
use super::readers::People;
use super::streams::Begun;
use super::tasks::Tasks;
use super::witnesses::Known;
use super::{grpc, housekeeping, notices, reload, streams};
use crate::api;
use crate::app::{About, App, Feed, Parts as AppParts, Settings as AppSettings};
use crate::config::Config;
use crate::hooks::{self, Secrets};
use crate::index::SledIndex;
use crate::issue::ssh::SshIssuer;
use crate::issue::{Issuers, JwtIssuer, TargetIssuer, discovery, jwks};
use crate::jobs::{Jobs, keep_databases};
use crate::ledger::sequence::{Observer, Parts, Sequence};
use crate::listen::{ServerCertificate, accept_plain, accept_tls, peer_of};
use crate::notify::Standing;
use crate::ports::{Clock, Entropy, Ledger, LedgerReader, Live, Projection};
use crate::telemetry::{CONTENT_TYPE, Telemetry};
use crate::web::{self, Served, Site};
use crate::witnesses::{Newest, Standings};

/// Everything but the servers.
pub(super) struct Made {
    pub(super) core: Arc<Core>,
    pub(super) index: Arc<SledIndex>,
    pub(super) live: Live,
    pub(super) reader: Arc<dyn LedgerReader>,
    pub(super) standings: Vec<Arc<Standing>>,
    /// How each stream fares, in the order of their names.
    pub(super) streams: Vec<Arc<Standing>>,
    /// Where each goes on.
    pub(super) places: BTreeMap<StreamName, Begun>,
    pub(super) witnesses: Known,
    pub(super) ledger_keys: LedgerKeys,
    telemetry: Arc<Telemetry>,
    /// What puts new keys of targets on record.
    unrecorded: Vec<Act>,
    cut_bytes: u64,
}

/// What decides and records, and who hears of it.
struct Deciding {
    sequence: Sequence,
    feed: Arc<Feed>,
    telemetry: Arc<Telemetry>,
    troubles: Arc<Troubles>,
}

impl Deciding {
    fn start(
        ledger: Box<dyn Ledger>,
        live: &Live,
        (index, witnesses): (&Arc<SledIndex>, &Known),
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let (telemetry, troubles) = (Telemetry::new(VERSION), Arc::new(Troubles::default()));
        let feed = live.read(|state| Feed::new(ledger.reader(), DECODE, state));
        let observer: Arc<dyn Observer> = Arc::new(Appends {
            telemetry: telemetry.clone(),
            troubles: troubles.clone(),
        });
        let projections: Vec<Arc<dyn Projection>> = vec![
            feed.clone(),
            index.clone(),
            telemetry.clone(),
            witnesses.committed.clone(),
        ];
        let live = live.clone();
        let sequence = Sequence::start(Parts {
            ledger,
            clock,
            live,
            projections,
            observer,
        })?;
        Ok(Self {
            sequence,
            feed,
            telemetry,
            troubles,
        })
    }
}

/// Time and chance.
pub(super) type World = (Arc<dyn Clock>, Arc<dyn Entropy>);

impl Made {
    /// Puts everything together; nobody is served yet.
    ///
    /// # Errors
    /// [`Failure`] where the system gives no threads.
    pub(super) fn new(
        config: &Config,
        (clock, entropy): World,
        (keys, (target_keys, unrecorded)): (Keys, (TargetKeys, Vec<Act>)),
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
        let (standings, streams) = (notices::standings(config), streams::standings(config));
        let witnesses = Known::new(&*reader);
        let deciding = Deciding::start(ledger, &live, (&index, &witnesses), clock.clone())?;
        let Deciding {
            sequence,
            feed,
            telemetry,
            troubles,
        } = deciding;
        let issuer = Arc::new(JwtIssuer::new(about.issuer.clone(), DECODE, keys.issuing));
        let world = (clock.clone(), entropy.clone());
        let ledger_keys = keys.ledger_keys;
        let (authority, ledger_key) = (Arc::new(keys.authority), keys.ledger.clone());
        let app = App::new(AppParts {
            clock: clock.clone(),
            entropy: entropy.clone(),
            sequencer: Arc::new(sequence.clone()),
            live: live.clone(),
            index: index.clone(),
            reader: reader.clone(),
            issuer: Arc::new(issuers(&issuer, &target_keys, &entropy)),
            databases: Arc::new(ConfiguredDatabases::new(config, live.clone(), world)),
            notary: Arc::new(LedgerNotary {
                key: ledger_key,
                jwt: issuer.clone(),
                users: target_keys.users.clone(),
                hosts: target_keys.hosts.clone(),
                next_hosts: target_keys.next.hosts.clone(),
            }),
            authority: authority.clone(),
            witnesses: witnesses.newest.clone(),
            feed,
            about,
            settings: settings(config),
            troubles: all_of(
                troubles.clone(),
                index.clone(),
                (
                    standings.clone(),
                    witnesses.standings.clone(),
                    clock.clone(),
                ),
                (streams.clone(), reader.clone()),
            ),
        });
        let (config, keys) = (config.clone(), keys.folder);
        let core = Core {
            config,
            clock,
            entropy,
            keys,
            authority,
            issuer,
            hosts: target_keys.for_hosts(),
            secrets: Secrets::default(),
            sequence,
            app,
            troubles,
            shown,
            addresses,
        };
        Ok(Self {
            core: Arc::new(core),
            index,
            live,
            reader,
            standings,
            streams,
            places: BTreeMap::new(),
            witnesses,
            ledger_keys,
            telemetry,
            unrecorded,
            cut_bytes,
        })
    }

    /// What is on record before anybody is served: a repair, the start, new keys, a changed policy.
    pub(super) async fn begin(&mut self) -> Result<(), Failure> {
        self.find_places();
        let sequence = &self.core.sequence;
        self.warn_of_the_clock();
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
        self.record_streams().await?;
        for act in &self.unrecorded {
            record(sequence, act.clone()).await?;
        }
        // What is wrong there is told, and what was in force before goes on: a misspelt line must
        // not keep the emergency path shut when the broker is restarted at night.
        match reload::reload(&self.core).await {
            Ok(told) => tracing::info!("{told}"),
            Err(failure) => {
                tracing::error!("what was in force before the start stays in force:\n{failure}");
            }
        }
        self.demand_signing()
    }

    /// A key that signs, or will once a clock that is behind has caught up: until then nothing is
    /// issued, and what runs can still be ended.
    fn demand_signing(&self) -> Result<(), Failure> {
        let (ring, now) = (self.core.issuer.keyring(), self.core.clock.now());
        if let Some(from) = ring.awaited(now) {
            tracing::warn!(
                %now,
                %from,
                "this host's clock is behind the making of the issuing key: nothing is issued \
                 until then; set the clock"
            );
            return Ok(());
        }
        if ring.active(now).is_none() {
            let what = "no issuing key signs now, so no credential could be made";
            return Err(Failure::new(what).then("glassd rotate --compromised"));
        }
        Ok(())
    }

    /// It starts all the same: what runs can still be ended, and nothing begins before the time comes.
    fn warn_of_the_clock(&self) {
        let (now, newest) = (self.core.clock.now(), self.live.read(|state| state.newest));
        if newest.since(now) > CLOCK_BEHIND {
            tracing::warn!(
                %now,
                %newest,
                "this host's clock is behind the newest entry: nothing is granted or issued until \
                 then; set the clock"
            );
        }
    }

    /// Serves, and does what is due by itself, until it is told to stop.
    pub(super) fn serve(mut self, listeners: Listeners, tls: Tls, renew_at: Time) -> Running {
        let mut tasks = Tasks::new();
        self.spawn_servers(&mut tasks, listeners, tls);
        self.spawn_streams(&mut tasks);
        let core = &self.core;
        let publishing = core.sequence.clone();
        let jobs = Jobs::new(core.app.clone(), Box::new(move || publish(&publishing)));
        tasks.spawn("what is due by itself", jobs.run());
        self.spawn_notices(&mut tasks);
        self.spawn_witnesses(&mut tasks);
        tasks.spawn("keeping databases", keep_databases(core.app.clone()));
        tasks.spawn("housekeeping", housekeeping::run(core.clone(), renew_at));
        let Self {
            core,
            index,
            reader,
            telemetry,
            ..
        } = self;
        Running {
            core,
            index,
            reader,
            telemetry,
            tasks,
        }
    }

    fn spawn_servers(&self, tasks: &mut Tasks, listeners: Listeners, tls: Tls) {
        let Self {
            core, telemetry, ..
        } = self;
        let settings = &core.config.settings;
        let doors = Doors::new(settings);
        telemetry.watch(self.gauges(&doors));
        telemetry.watch_labelled(notices::counted(&self.standings, &self.reader));
        telemetry.watch_labelled(streams::counted(&self.streams, &self.reader, &core.clock));
        telemetry.watch_labelled(self.witnesses.counted());
        telemetry.watch_labelled(vec![self.refused()]);

        let options = api::Options {
            reflection: settings.reflection,
            ..Default::default()
        };
        let served = served(core, &self.witnesses.newest);
        let calls = api::routes(core.app.clone(), &options).into_axum_router();
        let routes = Routes::from(calls.merge(web::ledger_routes(served.clone())));
        let incoming = accept_tls(listeners.grpc, doors.grpc, tls.grpc, grpc_ends());
        let serving = grpc::serve(incoming, routes, telemetry.clone(), tasks.told());
        tasks.spawn("the gRPC server", ended(serving));

        let incoming = accept_tls(listeners.web, doors.web, tls.web, web::ends());
        let hooks = hooks::routes(core.app.clone(), core.secrets.clone(), peer_of);
        let routes = web::routes(site(core, served)).merge(hooks);
        let serving = web::serve(incoming, routes, tasks.told());
        tasks.spawn("the HTTPS server", ended(serving));

        let page = telemetry.clone();
        let routes = web::metrics_routes(Arc::new(move || page.metrics()), CONTENT_TYPE);
        let incoming = accept_plain(listeners.metrics, doors.metrics, web::ends());
        let serving = web::serve_plain(incoming, routes, tasks.told());
        tasks.spawn("the metrics server", ended(serving));
    }
}

/// One for each kind of credential.
fn issuers(jwt: &Arc<JwtIssuer>, keys: &TargetKeys, entropy: &Arc<dyn Entropy>) -> Issuers {
    Issuers {
        jwt: jwt.clone(),
        ssh: SshIssuer::new(keys.users.clone(), DECODE, entropy.clone()),
        targets: TargetIssuer::new(keys.certificates.clone(), DECODE),
    }
}

/// Everything that is wrong, for `glass status`.
fn all_of(
    troubles: Arc<Troubles>,
    index: Arc<SledIndex>,
    (standings, witnesses, clock): (Vec<Arc<Standing>>, Arc<Standings>, Arc<dyn Clock>),
    (streams, reader): (Vec<Arc<Standing>>, Arc<dyn LedgerReader>),
) -> Box<dyn Fn() -> Vec<String> + Send + Sync> {
    Box::new(move || {
        let all = troubles.all().into_iter().chain(index.trouble());
        all.chain(notices::problems(&standings, &*clock))
            .chain(streams::problems(&streams, &*clock, &*reader))
            .chain(witnesses.problems(clock.monotonic()))
            .collect()
    })
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
        ledger_vkeys: keys.ledger_keys.all().map(ToString::to_string).collect(),
        handed_over_at: keys.handed_over_at(),
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
        ..AppSettings::default()
    }
}

/// The ledger as files, for both listeners that have TLS.
fn served(core: &Arc<Core>, witnessed: &Arc<Newest>) -> Arc<Served> {
    let witnessed = witnessed.clone();
    let readers = Box::new(People(core.app.clone()));
    let cosigned = Box::new(move |note: &str| witnessed.with_signatures(note));
    Served::new(
        core.config.ledger_dir(),
        readers,
        cosigned,
        core.clock.clone(),
    )
}

fn site(core: &Arc<Core>, ledger: Arc<Served>) -> Site {
    let document: Arc<str> = discovery(core.issuer.issuer()).into();
    let (issuer, clock) = (core.issuer.clone(), core.clock.clone());
    let (troubles, app) = (core.troubles.clone(), core.app.clone());
    Site {
        discovery: Arc::new(move || document.to_string()),
        keys: Arc::new(move || jwks(&issuer.keyring(), clock.now())),
        healthy: Arc::new(move || troubles.can_record() && app.clock_has_caught_up()),
        ledger,
    }
}

/// Traces why a server ended.
async fn ended(serving: impl Future<Output = Result<(), tonic::transport::Error>>) {
    if let Err(error) = serving.await {
        tracing::error!(%error, "a server ended");
    }
}
