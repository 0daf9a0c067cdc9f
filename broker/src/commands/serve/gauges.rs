//! What is read at each scrape.

use breakglass_domain::State;
use breakglass_domain::event::RoleStep;
use breakglass_domain::targets::Role;

use super::listeners::Doors;
use super::made::Made;
use crate::ports::Index as _;
use crate::telemetry::{Gauge, Labelled};

impl Made {
    /// All of it.
    pub(super) fn gauges(&self, doors: &Doors) -> Vec<Gauge> {
        let mut gauges = self.of_the_state();
        gauges.extend(self.of_targets());
        gauges.extend(self.of_the_ledger());
        gauges.extend(self.of_witnesses());
        gauges.extend(of_connections(doors));
        gauges.extend(self.of_drills());
        let clock = self.core.clock.clone();
        let started = clock.monotonic();
        gauges.push(Gauge::of(
            "uptime_seconds",
            "Time since the start",
            move || clock.monotonic().saturating_sub(started).as_secs_f64(),
        ));
        gauges
    }

    fn live(&self, look: fn(&State) -> usize) -> impl Fn() -> f64 + Send + Sync + use<> {
        let live = self.live.clone();
        move || live.read(look) as f64
    }

    fn of_the_state(&self) -> Vec<Gauge> {
        let live = |look| self.live(look);
        let app = self.core.app.clone();
        vec![
            Gauge::of("live_grants", "Grants that are active", live(active)),
            Gauge::of(
                "waiting_requests",
                "Requests that wait for an approver",
                live(waiting),
            ),
            Gauge::of(
                "open_incidents",
                "Incidents that are open, without drills",
                live(|s| s.incidents.values().filter(|it| !it.drill).count()),
            ),
            Gauge::of("frozen_people", "People who are frozen", live(frozen)),
            Gauge::of("watchers", "Streams that follow what happens", move || {
                app.watchers() as f64
            }),
        ]
    }

    fn of_targets(&self) -> Vec<Gauge> {
        let (live, app) = (|look| self.live(look), self.core.app.clone());
        vec![
            Gauge::of(
                "sessions",
                "Sessions at targets that are open, or whose end nobody has seen",
                live(|state| state.targets.sessions.len()),
            ),
            Gauge::of(
                "unconfirmed_sessions",
                "Sessions whose grant is over and whose guard has not said that they are",
                live(unconfirmed),
            ),
            Gauge::of(
                "database_roles",
                "Roles of grants that are in databases, or may be",
                live(|state| state.targets.roles.len()),
            ),
            Gauge::of(
                "database_roles_stuck",
                "Roles that could not be dropped yet",
                live(stuck),
            ),
            Gauge::of(
                "databases_down",
                "Databases that the broker cannot use",
                move || app.databases_down() as f64,
            ),
        ]
    }

    fn of_drills(&self) -> [Gauge; 2] {
        let (last, overdue) = (self.core.app.clone(), self.core.app.clone());
        [
            Gauge::of(
                "last_good_drill_timestamp_seconds",
                "When the last good drill was recorded; nothing where none was",
                move || last.last_good_drill().map_or(0.0, |at| at.as_secs() as f64),
            ),
            Gauge::of(
                "drill_overdue",
                "Whether the last good drill is older than the policy wants it",
                move || f64::from(u8::from(overdue.drill_is_overdue())),
            ),
        ]
    }

    /// Of strangers nothing is written down, so this is all there is to see of them.
    pub(super) fn refused(&self) -> Labelled {
        let app = self.core.app.clone();
        Labelled::total(
            "calls_refused",
            "Calls and deliveries that were refused since the start, those of strangers too",
            "reason",
            move || {
                let counts = app.refusal_counts().into_iter();
                counts
                    .map(|(reason, count)| (reason.to_owned(), count as f64))
                    .collect()
            },
        )
    }

    fn of_the_ledger(&self) -> Vec<Gauge> {
        let (size, index, reader) = (self.reader.clone(), self.index.clone(), self.reader.clone());
        vec![
            Gauge::of("ledger_size", "Entries in the ledger", move || {
                size.checkpoint().size() as f64
            }),
            Gauge::of(
                "index_lag_entries",
                "Entries the index has not applied yet",
                move || {
                    reader
                        .checkpoint()
                        .size()
                        .saturating_sub(index.applied_up_to()) as f64
                },
            ),
        ]
    }
}

fn of_connections(doors: &Doors) -> Vec<Gauge> {
    let (door, counts) = (doors.grpc.clone(), doors.grpc.counts());
    let (away, failed) = (counts.clone(), counts.clone());
    vec![
        Gauge::of("connections", "Connections to gRPC", move || {
            door.inside() as f64
        }),
        Gauge::total(
            "connections_admitted",
            "Connections to gRPC that were let in",
            move || counts.admitted() as f64,
        ),
        Gauge::total(
            "connections_turned_away",
            "Connections to gRPC beyond a limit",
            move || away.turned_away() as f64,
        ),
        Gauge::total(
            "tls_handshakes_failed",
            "TLS handshakes to gRPC that failed",
            move || failed.handshakes_failed() as f64,
        ),
    ]
}

fn active(state: &State) -> usize {
    state
        .grants
        .values()
        .filter(|grant| grant.active().is_some())
        .count()
}

fn waiting(state: &State) -> usize {
    state
        .grants
        .values()
        .filter(|grant| grant.is_waiting())
        .count()
}

fn unconfirmed(state: &State) -> usize {
    let sessions = state.targets.sessions.values();
    sessions.filter(|session| session.unconfirmed).count()
}

fn stuck(state: &State) -> usize {
    let failed = |role: &&Role| matches!(role.failed, Some((RoleStep::Drop, _)));
    state.targets.roles.values().filter(failed).count()
}

fn frozen(state: &State) -> usize {
    state
        .members
        .values()
        .filter(|member| member.frozen.is_some())
        .count()
}
