//! What breakglass costs, as ratios against a ceiling measured in the same run.
//!
//! ```text
//! cargo build --release --bins && target/release/bench
//! ```
//!
//! The ceiling is bare tonic over mutual TLS, in a process of its own, on the same cores and the
//! same loopback. What is measured, against a real `glassd`:
//!
//! | part | what |
//! |---|---|
//! | [`throughput`] | "request + issue": a low-risk right asked for with a freshly signed statement, entries durable, and an ES256 JWT back, in one round trip |
//! | [`fan_out`] | one revocation to ten thousand who watch |
//! | [`kill`] | from the close of an incident to the last process of a thousand sessions dead |
//! | [`export`] | taking the ledger away, and checking and reporting what was taken |
//! | [`proofs`] | how large credentials are with the proof that they were recorded, and how long that takes to check |
//! | [`verify`] | a whole ledger verified: a mirror by `glass`, the broker's own by `glassd fsck --deep` |
//! | [`list`] | a page of the ledger by every filter, and what a text costs |
//! | [`witness`] | one checkpoint after the other co-signed by a real `glass witness serve` |
//! | [`growth`] | whether latency, memory and start-up stay what they were while the ledger grows |
//!
//! It prints tables and never fails a build: what the numbers mean is for people
//! (docs/developing.md).

#![allow(clippy::print_stdout, reason = "a report is what this program is for")]

mod bare;
mod export;
mod fan_out;
mod growth;
mod kill;
mod list;
mod load;
mod proofs;
mod team;
mod throughput;
mod tied;
mod verify;
mod witness;

use std::error::Error;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser as _;

/// People who ask, each over a connection of their own: no person may make more than a few hundred
/// calls a second.
const PEOPLE: usize = 32;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What breakglass costs, against bare tonic in the same run; without a part: all of them
#[derive(Debug, clap::Parser)]
#[command(name = "bench")]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, clap::Subcommand)]
enum Part {
    /// Requests answered with a JWT, against an echo
    Throughput(throughput::Size),
    /// One revocation to very many who watch, against a bare fan-out
    FanOut(fan_out::Size),
    /// From the close of an incident to the last process of very many sessions dead
    Kill(kill::Size),
    /// Taking the ledger away, checking it and reporting on it
    Export(export::Size),
    /// Verifying a mirror and the broker's own ledger, against bare hashes and signatures
    Verify(verify::Size),
    /// A page of the ledger by every filter, however long it is
    List(list::Size),
    /// Checkpoints co-signed by a witness, against an HTTP round trip, a synced file and two signatures
    Witness(witness::Size),
    /// Latency, memory and start-up while the ledger grows
    Growth(growth::Size),
    /// Credentials with the proof that they were recorded: bytes, and the time to check one
    Proofs(proofs::Size),
    /// The ceiling's own process
    #[command(hide = true)]
    BareServer { folder: PathBuf },
    /// One host of `kill`: its guard and its sessions
    #[command(hide = true)]
    Host { laptops: PathBuf, target: String },
    /// A program that ends with the bench
    #[command(hide = true)]
    Tied {
        parent: i32,
        program: PathBuf,
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
}

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    if let Some(Part::Tied {
        parent,
        program,
        arguments,
    }) = arguments.part
    {
        return tied::become_it(parent, &program, &arguments);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(arguments))
}

async fn run(arguments: Arguments) -> Outcome<()> {
    match arguments.part {
        Some(Part::Throughput(size)) => throughput::report(size).await,
        Some(Part::FanOut(size)) => fan_out::report(size).await,
        Some(Part::Kill(size)) => kill::report(size).await,
        Some(Part::Export(size)) => export::report(size).await,
        Some(Part::Verify(size)) => verify::report(size).await,
        Some(Part::List(size)) => list::report(size).await,
        Some(Part::Witness(size)) => witness::report(size).await,
        Some(Part::Growth(size)) => growth::report(size).await,
        Some(Part::Proofs(size)) => proofs::report(size),
        Some(Part::BareServer { folder }) => bare::serve(&folder).await,
        Some(Part::Host { laptops, target }) => kill::guard(&laptops, &target).await,
        // It has become something else above.
        Some(Part::Tied { .. }) => Ok(()),
        None => everything().await,
    }
}

/// All parts, one after the other.
async fn everything() -> Outcome<()> {
    throughput::report(throughput::USUAL).await?;
    println!();
    fan_out::report(fan_out::USUAL).await?;
    println!();
    kill::report(kill::USUAL).await?;
    println!();
    witness::report(witness::USUAL).await?;
    println!();
    growth::report(growth::USUAL).await?;
    println!();
    export::report(export::USUAL).await?;
    println!();
    proofs::report(proofs::USUAL)?;
    println!();
    verify::report(verify::USUAL).await?;
    println!();
    list::report(list::Size::usual()).await
}
