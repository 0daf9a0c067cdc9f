//! "Request + issue" against an echo.

use std::time::Duration;

use crate::bare::Bare;
use crate::load::{self, Measured};
use crate::team::Team;
use crate::{Outcome, PEOPLE};

/// Calls in flight at once.
const IN_FLIGHT: [usize; 3] = [1, 16, 64];

/// How long.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Size {
    /// Milliseconds of each round, echo and grant in turn
    #[arg(long, default_value_t = USUAL.millis)]
    millis: u64,
    /// Rounds of each measurement
    #[arg(long, default_value_t = USUAL.rounds)]
    rounds: usize,
    /// People who ask, and connections of the echo
    #[arg(long, default_value_t = USUAL.people)]
    people: usize,
}

pub(crate) const USUAL: Size = Size {
    millis: 2_000,
    rounds: 3,
    people: PEOPLE,
};

/// Echo and grant in turn, so that a drift of the machine meets both.
pub(crate) async fn report(size: Size) -> Outcome<()> {
    let (each, rounds) = (Duration::from_millis(size.millis), size.rounds);
    let bare = Bare::start().await?;
    let team = Team::start(size.people).await?;
    let (bare_call, grant_call) = (bare.echo(size.people).await?, team.request()?);
    println!("request + issue against a bare tonic echo, mutual TLS, {rounds} rounds of {each:?}");
    println!();
    println!("in flight | echo/s  p50     p99     | grant/s p50     p99     | rate  p50 ratio");
    for in_flight in IN_FLIGHT {
        let (mut bare, mut grants) = (Measured::default(), Measured::default());
        for _ in 0..rounds {
            bare.add(load::run(in_flight, each, &bare_call).await?);
            grants.add(load::run(in_flight, each, &grant_call).await?);
        }
        println!(
            "{in_flight:9} | {bare} | {grants} | {:5.2} {:5.1}x",
            grants.rate() / bare.rate(),
            grants.quantile(0.5).as_secs_f64() / bare.quantile(0.5).as_secs_f64(),
        );
    }
    println!();
    println!("{}", team.report().await?);
    Ok(())
}
