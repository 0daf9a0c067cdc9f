//! What breakglass costs, as ratios against a ceiling measured in the same run.
//!
//! ```text
//! cargo build --release --bins && target/release/bench
//! ```
//!
//! The ceiling is a bare tonic echo over mutual TLS, in a process of its own, on the same cores and
//! the same loopback. The measured thing is "request + issue": a low-risk right asked for with a
//! freshly signed statement, entries durable, and an ES256 JWT back, in one round trip to a real
//! `glassd`. It prints a table and never fails a build: what the numbers mean is for people.

#![allow(clippy::print_stdout, reason = "a report is what this program is for")]

mod echo;
mod growth;
mod load;
mod team;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use load::Measured;
use team::Team;

/// Calls in flight at once.
const IN_FLIGHT: [usize; 3] = [1, 16, 64];

/// People who ask, each over a connection of their own: no person may make more than a few hundred
/// calls a second. The echo has as many connections.
const PEOPLE: usize = 32;

/// Rounds of each measurement, echo and grant in turn, so that a drift of the machine meets both.
const ROUNDS: usize = 3;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match words
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["echo-server", folder] => runtime.block_on(echo::serve(&PathBuf::from(folder))),
        ["growth", grants] => runtime.block_on(growth::report(grants.parse()?)),
        ["growth"] => runtime.block_on(growth::report(100_000)),
        [] => runtime.block_on(throughput(Duration::from_secs(4))),
        ["quick"] => runtime.block_on(throughput(Duration::from_millis(500))),
        _ => Err("usage: bench [quick | growth [GRANTS]]".into()),
    }
}

async fn throughput(each: Duration) -> Outcome<()> {
    let echo = echo::Echo::start().await?;
    let team = Team::start(PEOPLE).await?;
    let (bare_call, grant_call) = (echo.call(PEOPLE).await?, team.request()?);
    println!("request + issue against a bare tonic echo, mutual TLS, {ROUNDS} rounds of {each:?}");
    println!();
    println!("in flight | echo/s  p50     p99     | grant/s p50     p99     | rate  p50 ratio");
    for in_flight in IN_FLIGHT {
        let (mut bare, mut grants) = (Measured::default(), Measured::default());
        for _ in 0..ROUNDS {
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
