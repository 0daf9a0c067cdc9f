//! One revocation to very many who watch.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use breakglass_proto::v1::watch_service_client::WatchServiceClient;
use breakglass_proto::v1::{WatchRequest, WatchResponse};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tonic::transport::Channel;

use crate::Outcome;
use crate::bare::Bare;
use crate::load::{Latencies, millis};
use crate::team::{A_WHILE, RESTART, Team};

/// Streams of one person: the broker allows 300.
const STREAMS_OF_ONE: usize = 250;

/// Longer than it may take on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(60);

/// How large.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Size {
    /// Streams that are told
    #[arg(long, default_value_t = USUAL.watchers)]
    watchers: usize,
    /// Connections they are on
    #[arg(long, default_value_t = USUAL.connections)]
    connections: usize,
    /// Revocations measured, and as many bare messages
    #[arg(long, default_value_t = USUAL.rounds)]
    rounds: usize,
}

pub(crate) const USUAL: Size = Size {
    watchers: 10_000,
    connections: 100,
    rounds: 12,
};

/// Bare before and after, so that a drift of the machine meets both.
pub(crate) async fn report(size: Size) -> Outcome<()> {
    let Size {
        watchers,
        connections,
        rounds,
    } = size;
    let team = Team::start(watchers.div_ceil(STREAMS_OF_ONE).min(connections)).await?;
    let server = Bare::start().await?;
    println!(
        "one revocation to {watchers} watchers on {connections} connections, mutual TLS, \
         {rounds} rounds; from the act's submission"
    );
    println!();
    let bytes = bytes_of_one(&team).await?;
    let mut bare = bare_rounds(&server, size, bytes, rounds.div_ceil(2)).await?;
    let ours = our_rounds(&team, size).await?;
    bare.add(bare_rounds(&server, size, bytes, rounds / 2).await?);
    println!("            | bytes | answered | p50      | p99      | last     | slowest last");
    println!("bare tonic  | {bytes:5} | {bare}");
    println!("breakglass  | {bytes:5} | {ours}");
    println!(
        "            |  ratio           | {:7.2}x | {:7.2}x | {:7.2}x |",
        ratio(ours.all.quantile(0.5), bare.all.quantile(0.5)),
        ratio(ours.all.quantile(0.99), bare.all.quantile(0.99)),
        ratio(ours.last.quantile(0.5), bare.last.quantile(0.5)),
    );
    println!();
    println!(
        "answered and last are the middle one of the rounds; the last of ours heard it {:.1} ms \
         after the answer",
        millis(ours.last.quantile(0.5)) - millis(ours.answered.quantile(0.5))
    );
    Ok(())
}

fn ratio(ours: Duration, bare: Duration) -> f64 {
    ours.as_secs_f64() / bare.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// What some rounds took.
#[derive(Default)]
struct Rounds {
    /// From the submission to the answer.
    answered: Latencies,
    /// To each who was told.
    all: Latencies,
    /// To the last of each round.
    last: Latencies,
}

impl Rounds {
    fn add(&mut self, other: Self) {
        self.answered.add(other.answered);
        self.all.add(other.all);
        self.last.add(other.last);
    }

    fn note(&mut self, answered: Duration, told: Vec<Duration>) {
        self.answered.add(vec![answered].into());
        let last = told.iter().max().copied().unwrap_or_default();
        self.last.add(vec![last].into());
        self.all.add(told.into());
    }
}

impl std::fmt::Display for Rounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cells = [
            self.answered.quantile(0.5),
            self.all.quantile(0.5),
            self.all.quantile(0.99),
            self.last.quantile(0.5),
            self.last.quantile(1.0),
        ];
        let cells = cells.map(|took| format!("{:6.1}ms", millis(took)));
        f.write_str(&cells.join(" | "))
    }
}

async fn bare_rounds(server: &Bare, size: Size, bytes: usize, rounds: usize) -> Outcome<Rounds> {
    let (clients, mut bell) = server.watching(size.connections).await?;
    let mut watchers = Watchers::open(clients, size.watchers).await?;
    let mut measured = Rounds::default();
    for _ in 0..rounds {
        let began = Instant::now();
        let index = bell.ring(bytes).await?;
        let answered = began.elapsed();
        measured.note(answered, watchers.told(index, began).await?);
    }
    Ok(measured)
}

async fn our_rounds(team: &Team, size: Size) -> Outcome<Rounds> {
    let clients = team.watching(size.connections).await?;
    let mut watchers = Watchers::open(clients, size.watchers).await?;
    let (holder, revoker) = team.two();
    let mut measured = Rounds::default();
    for _ in 0..size.rounds {
        let grant = holder.ask(&RESTART, team.incident(), A_WHILE).await?;
        // The beginning is told too, and is not what is measured.
        let begun = team.entries().await? - 1;
        watchers.told(begun, Instant::now()).await?;
        let began = Instant::now();
        let index = revoker.revoke(&grant).await?;
        let answered = began.elapsed();
        measured.note(answered, watchers.told(index, began).await?);
    }
    Ok(measured)
}

/// Bytes of the message that tells of a revocation.
async fn bytes_of_one(team: &Team) -> Outcome<usize> {
    let mut watching = team.watching(1).await?;
    let mut stream = watching[0]
        .watch(WatchRequest::default())
        .await?
        .into_inner();
    let (holder, revoker) = team.two();
    let grant = holder.ask(&RESTART, team.incident(), A_WHILE).await?;
    let index = revoker.revoke(&grant).await?;
    while let Some(told) = stream.message().await? {
        if told.index == index {
            return Ok(told.encoded_len());
        }
    }
    Err("the stream ended".into())
}

/// Who watches, and when each of them was told what.
struct Watchers {
    streams: JoinSet<()>,
    told: mpsc::UnboundedReceiver<Outcome<(u64, Instant)>>,
    /// What was heard while something else was waited for.
    heard: BTreeMap<u64, Vec<Instant>>,
}

impl Watchers {
    async fn open(clients: Vec<WatchServiceClient<Channel>>, count: usize) -> Outcome<Self> {
        let (tell, told) = mpsc::unbounded_channel();
        let mut streams = JoinSet::new();
        for number in 0..count {
            let mut client = clients[number % clients.len()].clone();
            let mut stream = client.watch(WatchRequest::default()).await?.into_inner();
            let tell = tell.clone();
            streams.spawn(async move {
                loop {
                    let message = stream.message().await;
                    let at = Instant::now();
                    let heard = heard(message).map(|index| (index, at));
                    let is_over = heard.is_err();
                    if tell.send(heard).is_err() || is_over {
                        return;
                    }
                }
            });
        }
        let heard = BTreeMap::new();
        Ok(Self {
            streams,
            told,
            heard,
        })
    }

    /// How long after `began` each of them was told of this entry; waits for the last.
    async fn told(&mut self, index: u64, began: Instant) -> Outcome<Vec<Duration>> {
        let all = self.streams.len();
        let hearing = async {
            while self.heard.get(&index).map_or(0, Vec::len) < all {
                let (index, at) = self.told.recv().await.ok_or("nobody watches")??;
                self.heard.entry(index).or_default().push(at);
            }
            Outcome::Ok(())
        };
        tokio::time::timeout(PATIENCE, hearing).await??;
        let at = self.heard.remove(&index).unwrap_or_default();
        self.heard.retain(|other, _| *other > index);
        Ok(at.into_iter().map(|at| at.duration_since(began)).collect())
    }
}

fn heard(message: Result<Option<WatchResponse>, tonic::Status>) -> Outcome<u64> {
    match message? {
        Some(told) => Ok(told.index),
        None => Err("a stream ended".into()),
    }
}
