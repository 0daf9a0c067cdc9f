//! Whether latency, memory and start-up stay what they were while the ledger grows.

use std::time::{Duration, Instant};

use crate::team::Team;
use crate::{Outcome, PEOPLE, load};

/// Grants after which the first look is taken.
const FIRST: u64 = 1_000;

/// How long each look measures.
const LOOK: Duration = Duration::from_secs(3);

/// Entries that a grant of a second leaves: requested, started, issued, ended.
const ENTRIES_A_GRANT: u64 = 4;

/// Looks after a thousand grants, and after so many; then restarts the broker.
pub(crate) async fn report(grants: u64) -> Outcome<()> {
    let mut team = Team::start(PEOPLE).await?;
    println!("grants so far | entries | p50     p99     | resident");
    look(&team, FIRST).await?;
    let mut next = FIRST * 10;
    while next < grants {
        look(&team, next).await?;
        next *= 10;
    }
    look(&team, grants).await?;
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

async fn look(team: &Team, grants: u64) -> Outcome<()> {
    let call = team.request()?;
    let began = Instant::now();
    while team.entries().await? < grants * ENTRIES_A_GRANT {
        load::run(64, Duration::from_secs(1), &call).await?;
        if began.elapsed() > Duration::from_secs(1_800) {
            return Err("half an hour was not enough".into());
        }
    }
    let measured = load::run(16, LOOK, &call).await?;
    let (entries, memory) = (team.entries().await?, team.memory()?);
    let millis = |share| measured.quantile(share).as_secs_f64() * 1_000.0;
    let (p50, p99) = (millis(0.5), millis(0.99));
    println!("{grants:13} | {entries:7} | {p50:5.2}ms {p99:6.2}ms | {memory:.0} MiB");
    Ok(())
}
