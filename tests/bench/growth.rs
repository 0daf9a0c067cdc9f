//! Whether latency, memory and start-up stay what they were while the ledger grows.

use std::time::{Duration, Instant};

use crate::team::{A_MOMENT, Team};
use crate::{Outcome, PEOPLE, load};

/// How far.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Size {
    /// Grants after which the last look is taken
    #[arg(default_value_t = USUAL.grants)]
    grants: u64,
    /// Grants after which the first look is taken
    #[arg(long, default_value_t = USUAL.first)]
    first: u64,
    /// Milliseconds that each look measures
    #[arg(long, default_value_t = USUAL.millis)]
    millis: u64,
    /// People who ask
    #[arg(long, default_value_t = USUAL.people)]
    people: usize,
}

pub(crate) const USUAL: Size = Size {
    grants: 10_000,
    first: 1_000,
    millis: 2_000,
    // At the fastest, each still has less than the 256 live grants that one person may have.
    people: 3 * PEOPLE,
};

/// Entries that a short grant leaves: requested, started, issued, ended.
const ENTRIES_A_GRANT: u64 = 4;

/// Looks after the first grants, after ten times as many and so on; then restarts the broker.
pub(crate) async fn report(size: Size) -> Outcome<()> {
    let (grants, each) = (size.grants, Duration::from_millis(size.millis));
    let mut team = Team::start(size.people).await?;
    println!("16 in flight while the ledger grows");
    println!();
    println!("grants so far | entries | p50     p99     | resident | review access");
    look(&team, size.first, each).await?;
    let mut next = size.first * 10;
    while next < grants {
        look(&team, next, each).await?;
        next *= 10;
    }
    look(&team, grants, each).await?;
    let entries = team.entries().await?;
    team.stop().await?;
    let took = team.serve().await?;
    println!();
    println!(
        "start-up with {entries} entries: {:.2} s until it answers",
        took.as_secs_f64()
    );
    team.stop().await
}

/// Grows until so many grants were asked for, in runs of a length: whoever asks may have 256 at once.
pub(crate) async fn grow(team: &Team, grants: u64, run: Duration) -> Outcome<()> {
    let call = team.request(A_MOMENT)?;
    let began = Instant::now();
    while team.entries().await? < grants * ENTRIES_A_GRANT {
        load::run(64, run, &call).await?;
        if began.elapsed() > Duration::from_secs(1_800) {
            return Err("half an hour was not enough".into());
        }
    }
    Ok(())
}

async fn look(team: &Team, grants: u64, each: Duration) -> Outcome<()> {
    grow(team, grants, each.min(Duration::from_secs(1))).await?;
    let call = team.request(A_MOMENT)?;
    let measured = load::run(16, each, &call).await?;
    let (entries, memory) = (team.entries().await?, team.memory()?);
    let (p50, p99) = (measured.quantile(0.5), measured.quantile(0.99));
    let (p50, p99) = (load::millis(p50), load::millis(p99));
    let began = Instant::now();
    team.reviews_access().await?;
    let read = load::millis(began.elapsed());
    println!(
        "{grants:13} | {entries:7} | {p50:5.2}ms {p99:6.2}ms | {memory:4.0} MiB | {read:.1}ms"
    );
    Ok(())
}
