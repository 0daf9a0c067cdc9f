//! How long a page of the ledger takes to list, whatever is asked for, and however long the ledger is.
//!
//! The entries are written past the rules, a thousand to a batch; the broker then makes its index of them,
//! as after an upgrade. The pages come over the network like anybody's. The ceiling is a range scan of as
//! many keys in a bare sled, in this process, with no entry behind them.

use std::time::{Duration, Instant};

use breakglass_domain::{
    Actor, Basis, Change, Ending, Event, GrantId, GrantRef, IncidentId, Lifetime, Line, Time,
};
use breakglass_proto::v1::ListEntriesRequest;
use breakglass_tests::written;

use crate::Outcome;
use crate::load::{Latencies, millis};
use crate::team::Team;

/// How far.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Size {
    /// Entries in the ledger, one ledger after the other
    #[arg(default_values_t = USUAL)]
    entries: Vec<u64>,
    /// Pages of each kind that are measured
    #[arg(long, default_value_t = 200)]
    pages: u32,
}

impl Size {
    /// Without a word about it.
    pub(crate) fn usual() -> Self {
        Self {
            entries: USUAL.to_vec(),
            pages: 200,
        }
    }
}

const USUAL: [u64; 2] = [10_000, 1_000_000];

/// People who ask in turn: none may make more than a few hundred calls a second.
const PEOPLE: usize = 8;

/// Entries on a page.
const PAGE: usize = 50;

/// Entries of one short grant: requested, started, ended.
const ENTRIES_A_GRANT: u64 = 3;

/// Each ledger in turn.
pub(crate) async fn report(size: Size) -> Outcome<()> {
    println!("pages of {PAGE} entries, one after the other; a ledger that was just indexed");
    for entries in &size.entries {
        println!();
        one(*entries, size.pages).await?;
    }
    Ok(())
}

async fn one(entries: u64, pages: u32) -> Outcome<()> {
    let mut team = Team::start(PEOPLE).await?;
    let first = team.entries().await?;
    team.stop().await?;
    let data = team.data();
    let began = Instant::now();
    let missing = entries.saturating_sub(first);
    let size = tokio::task::spawn_blocking(move || {
        let at = Time::from_timestamp(breakglass_client::time::now());
        written::behind_the_rules(&data, (0..missing).map(|number| event(number, at)))
    });
    let size = size.await??;
    let wrote = began.elapsed();
    let began = Instant::now();
    team.serve().await?;
    indexed(&team).await?;
    println!(
        "{size} entries: written in {:.1} s, read and indexed by a broker that starts in {:.1} s",
        wrote.as_secs_f64(),
        began.elapsed().as_secs_f64()
    );
    let bare = bare(team.place("bare"), size, pages)?;
    println!();
    println!("                             | p50      | p99      | of a bare scan");
    row("50 keys of a bare sled", &bare, &bare);
    for (name, filter) in questions(size) {
        let took = listed(&team, &filter, pages).await?;
        row(name, &took, &bare);
    }
    let began = Instant::now();
    let text = looked_for("nobody ever typed this");
    team.lists(text, PAGE).await?;
    println!(
        "a text that nobody typed, to the end of the ledger: {:.2} s",
        began.elapsed().as_secs_f64()
    );
    team.stop().await
}

fn row(name: &str, took: &Latencies, bare: &Latencies) {
    let (p50, p99) = (took.quantile(0.5), took.quantile(0.99));
    let ratio = p50.as_secs_f64() / bare.quantile(0.5).as_secs_f64().max(1e-9);
    let (p50, p99) = (millis(p50), millis(p99));
    println!("{name:28} | {p50:6.2}ms | {p99:6.2}ms | {ratio:.0}");
}

/// What auditors ask.
fn questions(size: u64) -> Vec<(&'static str, ListEntriesRequest)> {
    let none = ListEntriesRequest::default;
    vec![
        ("everything", none()),
        (
            "everything, from the middle",
            ListEntriesRequest {
                cursor: (size / 2).to_string(),
                ..none()
            },
        ),
        (
            "of a grant",
            ListEntriesRequest {
                grant: "G-7".into(),
                ..none()
            },
        ),
        (
            "of a person and a kind",
            ListEntriesRequest {
                person: "p1".into(),
                kind: "grant.started".into(),
                ..none()
            },
        ),
        (
            "of a rare outcome",
            ListEntriesRequest {
                outcome: "revoked".into(),
                ..none()
            },
        ),
        (
            "of what never met",
            ListEntriesRequest {
                person: "p1".into(),
                outcome: "revoked".into(),
                ..none()
            },
        ),
        ("a text, often typed", looked_for("The Worker")),
    ]
}

fn looked_for(text: &str) -> ListEntriesRequest {
    ListEntriesRequest {
        text: text.into(),
        ..ListEntriesRequest::default()
    }
}

async fn listed(team: &Team, filter: &ListEntriesRequest, pages: u32) -> Outcome<Latencies> {
    let mut took = Vec::new();
    for _ in 0..pages {
        let began = Instant::now();
        team.lists(filter.clone(), PAGE).await?;
        took.push(began.elapsed());
    }
    Ok(Latencies::from(took))
}

/// Until the index has everything; a broker answers questions meanwhile that do not need it.
async fn indexed(team: &Team) -> Outcome<()> {
    let began = Instant::now();
    while let Err(error) = team.lists(ListEntriesRequest::default(), 1).await {
        if began.elapsed() > Duration::from_secs(3_600) {
            return Err(error);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// As many keys, and scans of a page of them, the newest first, from all over.
fn bare(place: std::path::PathBuf, size: u64, pages: u32) -> Outcome<Latencies> {
    let db = sled::Config::new()
        .path(place)
        .mode(sled::Mode::LowSpace)
        .cache_capacity(32 * 1024 * 1024)
        .open()?;
    for number in 0..size {
        db.insert(number.to_be_bytes(), &[b'x'; 32])?;
    }
    db.flush()?;
    let mut took = Vec::new();
    for page in 0..u64::from(pages) {
        // The golden ratio's steps: they spread evenly, however many there are.
        let from = page * 618_033_989 % 1_000_000_000 * size / 1_000_000_000;
        let began = Instant::now();
        let mut found = 0_usize;
        for item in db.range(..from.to_be_bytes()).rev().take(PAGE) {
            found += item?.1.len();
        }
        std::hint::black_box(found);
        took.push(began.elapsed());
    }
    Ok(Latencies::from(took))
}

/// Short grants one after the other: asked for, begun, ended. Every thousandth is revoked.
fn event(number: u64, at: Time) -> Event {
    let (grant, step) = (number / ENTRIES_A_GRANT + 1, number % ENTRIES_A_GRANT);
    let of = GrantRef {
        grant: GrantId(grant),
        person: id(if grant.is_multiple_of(2) { "p0" } else { "p1" }),
        right: id("restart-worker"),
        incident: IncidentId(1),
        drill: false,
    };
    let by = Actor::Person(of.person.clone());
    let (by, change) = match step {
        0 => (by, asked(of, at)),
        1 => (
            Actor::Broker,
            Change::GrantStarted {
                of,
                basis: Basis::FastPath,
                ends_at: at.plus(Lifetime::from_secs(60)),
                alone_before: 0,
            },
        ),
        // Of an even grant: the other person never has one.
        _ if grant.is_multiple_of(1_000) => (Actor::Broker, ended(of, Ending::Revoked)),
        _ => (by, ended(of, Ending::Dropped)),
    };
    Event {
        at,
        by,
        change,
        signed: None,
        drill: false,
    }
}

fn asked(of: GrantRef, at: Time) -> Change {
    Change::GrantRequested {
        of,
        sentence: line("restart the worker"),
        risk: breakglass_domain::policy::Risk::Low,
        reason: line("the worker is flooded again"),
        length: Lifetime::from_secs(60),
        rule: id("alone"),
        approvers: Vec::new(),
        lapses_at: at.plus(Lifetime::from_secs(900)),
        self_grant: None,
        held: false,
        key: Some(id(&"A".repeat(43))),
        audience: line("https://worker.example"),
        call: Vec::new(),
        escalation: None,
        handed: None,
    }
}

fn ended(of: GrantRef, ending: Ending) -> Change {
    Change::GrantEnded {
        of,
        ending,
        reason: None,
        to: None,
    }
}

fn line(text: &str) -> Line {
    Line::recorded(text)
}

/// An id that stands above.
fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("it is one")
}
