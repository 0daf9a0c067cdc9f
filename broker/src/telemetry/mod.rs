//! What the broker says of itself: tracing to standard error, and metrics for Prometheus.
//!
//! Neither ever has a secret in it, nor what a person typed: no reasons, titles, notes, contacts,
//! names of laptops. Ids of people, rights, incidents and grants may stand in tracing; labels of
//! metrics come from lists of ours, so nobody outside can make new ones.

mod calls;
mod diagnostics;
mod gauges;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use breakglass_domain::event::Change;
use breakglass_tlog::SignedCheckpoint;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::ports::{Projection, Recorded};

pub use calls::{Calls, CallsLayer};
pub use diagnostics::trace_to_stderr;
pub use gauges::{Gauge, Kind, Labelled};

/// The content type of [`Telemetry::metrics`] (OpenMetrics 1.0).
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is counted.
pub struct Telemetry {
    registry: Mutex<Registry>,
    grants: Family<Outcome, Counter>,
    credentials: Family<Kinds, Counter>,
    refusals: Family<Reason, Counter>,
    other_histories: Counter,
    entries: Counter,
    calls: Calls,
    append_seconds: Histogram,
    batch_entries: Histogram,
    append_failures: Counter,
    full_refusals: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kinds {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: String,
}

impl Telemetry {
    /// Counts from nothing; `version` is the broker's.
    #[must_use]
    pub fn new(version: &str) -> Arc<Self> {
        let telemetry = Self {
            registry: Mutex::new(Registry::with_prefix("breakglass")),
            grants: Family::default(),
            credentials: Family::default(),
            refusals: Family::default(),
            other_histories: Counter::default(),
            entries: Counter::default(),
            calls: Calls::default(),
            // From 0.1 ms (no disk is faster) to 3 s (something is broken), each twice the last.
            append_seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 16)),
            batch_entries: Histogram::new(exponential_buckets(1.0, 2.0, 11)),
            append_failures: Counter::default(),
            full_refusals: Counter::default(),
        };
        telemetry.register(version);
        Arc::new(telemetry)
    }

    fn register(&self, version: &str) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let grants = self.grants.clone();
        registry.register(
            "grants",
            "Requests and grants by what became of them",
            grants,
        );
        let credentials = self.credentials.clone();
        registry.register("credentials", "Credentials issued", credentials);
        let refusals = self.refusals.clone();
        registry.register("refusals", "Refusals of known people, by reason", refusals);
        registry.register(
            "other_history_acts",
            "Acts that only ended something, by laptops that had seen another history of the ledger",
            self.other_histories.clone(),
        );
        registry.register(
            "ledger_entries",
            "Entries appended since the start",
            self.entries.clone(),
        );
        registry.register(
            "grpc_requests",
            "Calls by method and code",
            self.calls.0.clone(),
        );
        registry.register_with_unit(
            "ledger_append",
            "Time to make a batch durable",
            Unit::Seconds,
            self.append_seconds.clone(),
        );
        let batches = self.batch_entries.clone();
        registry.register("ledger_batch_entries", "Entries of one commit", batches);
        let failures = self.append_failures.clone();
        registry.register("ledger_append_failures", "Commits that failed", failures);
        let full = self.full_refusals.clone();
        registry.register(
            "ledger_full_refusals",
            "Acts refused because the disk is nearly full",
            full,
        );
        let build = Info::new([("version", version.to_owned())]);
        registry.register("build", "The broker's version", build);
    }

    /// Reads these at each scrape.
    pub fn watch(&self, gauges: Vec<Gauge>) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register_collector(Box::new(gauges::Gauges(gauges)));
    }

    /// Reads these at each scrape, too.
    pub fn watch_labelled(&self, numbers: Vec<Labelled>) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register_collector(Box::new(gauges::AllLabelled(numbers)));
    }

    /// Everything, as text; see [`CONTENT_TYPE`].
    #[must_use]
    pub fn metrics(&self) -> String {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut written = String::new();
        // Writing to a string fails only where a metric says so, and none of ours does.
        let _ = text::encode(&mut written, &registry);
        written
    }

    /// Counts the calls of a gRPC server.
    #[must_use]
    pub fn calls_layer(&self) -> CallsLayer {
        CallsLayer::new(self.calls.clone())
    }

    /// A batch became durable.
    pub fn appended(&self, entries: usize, took: Duration) {
        self.append_seconds.observe(took.as_secs_f64());
        self.batch_entries.observe(entries as f64);
    }

    /// The ledger did not take a batch.
    pub fn append_failed(&self) {
        self.append_failures.inc();
    }

    /// Somebody was refused because the disk is nearly full.
    pub fn refused_for_room(&self) {
        self.full_refusals.inc();
    }

    /// What is done in a drill is not counted among what is done in earnest: it wakes nobody.
    fn count(&self, recorded: &Recorded) {
        let signed = recorded.event.signed.as_ref();
        if signed.is_some_and(|signed| signed.other_history) {
            self.other_histories.inc();
        }
        let is_refusal = matches!(recorded.event.change, Change::Refused { .. });
        if recorded.event.drill && !is_refusal {
            return;
        }
        let outcome = match &recorded.event.change {
            Change::GrantRequested { .. } => "requested",
            Change::GrantEscalated { .. } => "escalated",
            Change::GrantStarted { basis, .. } => basis.as_str(),
            Change::GrantEnded { ending, .. } => ending.as_str(),
            Change::CredentialIssued { kind, .. } => {
                self.credentials
                    .get_or_create(&Kinds {
                        kind: kind.as_str(),
                    })
                    .inc();
                return;
            }
            Change::Refused { reason, count, .. } => {
                let refused = Reason {
                    reason: reason.clone(),
                };
                self.refusals
                    .get_or_create(&refused)
                    .inc_by(u64::from(*count));
                return;
            }
            _ => return,
        };
        self.grants.get_or_create(&Outcome { outcome }).inc();
    }
}

impl Projection for Telemetry {
    fn committed(&self, batch: &[Recorded], _: &Arc<SignedCheckpoint>) {
        self.entries.inc_by(batch.len() as u64);
        batch.iter().for_each(|recorded| self.count(recorded));
    }
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
