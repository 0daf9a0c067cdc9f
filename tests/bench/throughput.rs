//! "Request + issue" against an echo.

use std::time::Duration;

use crate::bare::Bare;
use crate::load::{self, Measured};
use crate::team::{A_SECOND, Team};
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

/// Echo, signed echo and grant in turn, so that a drift of the machine meets all.
pub(crate) async fn report(size: Size) -> Outcome<()> {
    let (each, rounds) = (Duration::from_millis(size.millis), size.rounds);
    let bare = Bare::start().await?;
    let team = Team::start(size.people).await?;
    let calls = [
        bare.echo(size.people).await?,
        bare.signed_echo(size.people).await?,
        team.request(A_SECOND)?,
    ];
    println!("request + issue against a bare tonic echo, mutual TLS, {rounds} rounds of {each:?}");
    println!(
        "(\"signed\": the echo with a P-256 signature made and checked, and one made as for a JWT)"
    );
    println!();
    println!(
        "in flight | echo/s  p50     p99     | signed/s p50    p99     | grant/s p50     p99     \
         | rate  p50 ratio | of signed"
    );
    for in_flight in IN_FLIGHT {
        let mut measured = [const { Measured::new() }; 3];
        for _ in 0..rounds {
            for (sum, call) in measured.iter_mut().zip(&calls) {
                sum.add(load::run(in_flight, each, call).await?);
            }
        }
        let [echo, signed, grants] = measured;
        println!(
            "{in_flight:9} | {echo} | {signed} | {grants} | {:5.2} {:9.1}x | {:5.2} {:5.1}x",
            grants.rate() / echo.rate(),
            p50(&grants) / p50(&echo),
            grants.rate() / signed.rate(),
            p50(&grants) / p50(&signed),
        );
    }
    println!();
    println!("{}", team.written_and_synced()?);
    println!("{}", team.report().await?);
    Ok(())
}

fn p50(measured: &Measured) -> f64 {
    measured.quantile(0.5).as_secs_f64()
}
