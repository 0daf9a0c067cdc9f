//! Keeps so many calls in flight for so long, and keeps every latency.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::Outcome;

/// One call, again and again.
pub(crate) type Call =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Outcome<()>> + Send>> + Send + Sync>;

/// A call that uses each of the clients in turn.
pub(crate) fn in_turn<C, F>(clients: Vec<C>, call: impl Fn(C) -> F + Send + Sync + 'static) -> Call
where
    C: Clone + Send + Sync + 'static,
    F: Future<Output = Outcome<()>> + Send + 'static,
{
    let turn = AtomicUsize::new(0);
    Arc::new(move || {
        let number = turn.fetch_add(1, Ordering::Relaxed);
        Box::pin(call(clients[number % clients.len()].clone()))
    })
}

/// How long each of many things took, shortest first.
#[derive(Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl From<Vec<Duration>> for Latencies {
    fn from(mut latencies: Vec<Duration>) -> Self {
        latencies.sort_unstable();
        Self(latencies)
    }
}

impl Latencies {
    /// Some more.
    pub(crate) fn add(&mut self, others: Self) {
        self.0.extend(others.0);
        self.0.sort_unstable();
    }

    /// What this share of them stayed under.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        self.0.get(at).copied().unwrap_or_default()
    }
}

/// The middle one, the 99th of a hundred, the last.
impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = [0.5, 0.99, 1.0].map(|share| millis(self.quantile(share)));
        let cells = cells.map(|millis| format!("{millis:6.1}ms"));
        f.write_str(&cells.join(" | "))
    }
}

/// In milliseconds.
pub(crate) fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1_000.0
}

/// Latencies of all calls, and how long they took together.
pub(crate) struct Measured {
    latencies: Latencies,
    took: Duration,
}

impl Measured {
    /// Nothing yet.
    pub(crate) const fn new() -> Self {
        Self {
            latencies: Latencies(Vec::new()),
            took: Duration::ZERO,
        }
    }

    /// One more round.
    pub(crate) fn add(&mut self, round: Self) {
        self.latencies.add(round.latencies);
        self.took += round.took;
    }

    /// Calls a second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.0.len() as f64 / self.took.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// The latency that this share of calls stayed under.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        self.latencies.quantile(share)
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99) = (millis(self.quantile(0.5)), millis(self.quantile(0.99)));
        write!(f, "{:7.0} {p50:6.2}ms {p99:6.2}ms", self.rate())
    }
}

/// Keeps calling until the time is over. The first error ends it.
pub(crate) async fn run(in_flight: usize, each: Duration, call: &Call) -> Outcome<Measured> {
    let began = Instant::now();
    let mut workers = Vec::new();
    for _ in 0..in_flight {
        let call = Arc::clone(call);
        workers.push(tokio::spawn(async move {
            let mut latencies = Vec::new();
            while began.elapsed() < each {
                let asked = Instant::now();
                call().await?;
                latencies.push(asked.elapsed());
            }
            Outcome::Ok(latencies)
        }));
    }
    let mut latencies = Vec::new();
    for worker in workers {
        latencies.extend(worker.await??);
    }
    Ok(Measured {
        latencies: latencies.into(),
        took: began.elapsed(),
    })
}
