//! From the close of an incident to the death of the last process of the last session: hosts with
//! real guards and real processes, who attend a real broker.

mod fleet;
mod host;
mod moment;
mod session;

use std::collections::BTreeSet;
use std::time::Duration;

use breakglass_client::entry::Entry;
use breakglass_proto::v1::FollowEntriesResponse;
use serde_json::Value;
use tokio::task::JoinSet;
use tonic::Streaming;

use crate::Outcome;
use crate::load::Latencies;
use crate::team::{SHELL, Team};
use fleet::Fleet;
pub(crate) use host::guard;
use moment::Moment;

/// How large.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Size {
    /// Live sessions, one for each grant
    #[arg(long, default_value_t = USUAL.sessions)]
    sessions: usize,
    /// Hosts with a guard, which share them
    #[arg(long, default_value_t = USUAL.guards)]
    guards: usize,
    /// Incidents that are closed, one after the other
    #[arg(long, default_value_t = USUAL.rounds)]
    rounds: usize,
    /// One session in so many ignores SIGHUP and SIGTERM; 0 for none
    #[arg(long, default_value_t = USUAL.deaf)]
    deaf: usize,
}

pub(crate) const USUAL: Size = Size {
    sessions: 1_000,
    guards: 10,
    rounds: 3,
    deaf: 10,
};

/// Grants of one person at once: the broker allows 256.
const GRANTS_OF_ONE: usize = 100;

/// Longer than it may take on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(60);

/// Closes incidents under which so many sessions are open.
pub(crate) async fn report(size: Size) -> Outcome<()> {
    let people = size.sessions.div_ceil(GRANTS_OF_ONE).max(1);
    let hosts: Vec<String> = (0..size.guards)
        .map(|number| format!("web-{number}"))
        .collect();
    let team = Team::with_targets(people, &hosts).await?;
    let mut fleet = Fleet::start(&team, &hosts).await?;
    announce(size);
    if !fleet.is_apart {
        println!("(without root the hosts share one /proc, and each guard reads all of it)");
    }
    println!();
    let mut measured = Measured::default();
    for number in 0..size.rounds {
        measured.bare.add(bare(&mut fleet, size.sessions).await?);
        round(&team, &mut fleet, size, number, &mut measured).await?;
    }
    println!("                               | p50      | p99      | last");
    println!("bare: SIGKILL to as many       | {}", measured.bare);
    println!("from the closing's submission");
    println!("  answered                     | {}", measured.answered);
    println!("  last process dead            | {}", measured.dead);
    println!("  where they hear signals      | {}", measured.hearing);
    println!("  its end on record            | {}", measured.recorded);
    println!("from the guard's hearing of it");
    println!("  last process dead            | {}", measured.took);
    Ok(())
}

/// What it took.
#[derive(Default)]
struct Measured {
    bare: Latencies,
    answered: Latencies,
    dead: Latencies,
    hearing: Latencies,
    recorded: Latencies,
    took: Latencies,
}

fn announce(size: Size) {
    let Size {
        sessions,
        guards,
        rounds,
        deaf,
    } = size;
    println!(
        "{rounds} incidents, each closed over {sessions} sessions on {guards} hosts; a session is {}",
        session::PROCESSES
    );
    if deaf > 0 {
        println!("one in {deaf} ignores SIGHUP and SIGTERM and has to be killed");
    }
}

/// The ceiling: the same processes, which every host kills at once without looking for anybody.
async fn bare(fleet: &mut Fleet, sessions: usize) -> Outcome<Latencies> {
    for number in 0..sessions {
        fleet.begin(number, "bare -").await?;
    }
    let all: BTreeSet<usize> = (0..sessions).collect();
    fleet.all_are_in(all.clone()).await?;
    let began = Moment::now();
    fleet.kill().await?;
    let deaths = fleet.all_are_dead(all).await?;
    let took = deaths.into_iter().map(|(_, at)| began.until(at));
    Ok(took.collect::<Vec<_>>().into())
}

async fn round(
    team: &Team,
    fleet: &mut Fleet,
    size: Size,
    number: usize,
    measured: &mut Measured,
) -> Outcome<()> {
    let is_deaf = |number: usize| size.deaf > 0 && number.is_multiple_of(size.deaf);
    let closer = team.person(number);
    let incident = closer.opens_an_incident().await?;
    for (number, certificate) in certificates(team, &incident, size.sessions).await? {
        let ears = if is_deaf(number) { "deaf" } else { "plain" };
        fleet
            .begin(number, &format!("{ears} {certificate}"))
            .await?;
    }
    let all: BTreeSet<usize> = (0..size.sessions).collect();
    fleet.all_are_in(all.clone()).await?;
    let entries = closer.follows_the_ledger().await?;
    let began = Moment::now();
    let (answered, deaths, recorded) = tokio::try_join!(
        async {
            closer.closes(&incident).await?;
            Ok(began.until(Moment::now()))
        },
        fleet.all_are_dead(all),
        ends_on_record(entries, size.sessions, began),
    )?;
    let took = |deaths: &mut dyn Iterator<Item = &(usize, Moment)>| -> Latencies {
        deaths
            .map(|(_, at)| began.until(*at))
            .collect::<Vec<_>>()
            .into()
    };
    measured.answered.add(vec![answered].into());
    measured.dead.add(took(&mut deaths.iter()));
    measured.hearing.add(took(
        &mut deaths.iter().filter(|(number, _)| !is_deaf(*number)),
    ));
    let (recorded, took): (Vec<_>, Vec<_>) = recorded.into_iter().unzip();
    measured.recorded.add(recorded.into());
    measured.took.add(took.into());
    Ok(())
}

/// A grant and an SSH certificate for each session; people ask beside each other.
async fn certificates(team: &Team, incident: &str, count: usize) -> Outcome<Vec<(usize, String)>> {
    let mut people = JoinSet::new();
    let numbers: Vec<usize> = (0..count).collect();
    for (person, numbers) in numbers.chunks(GRANTS_OF_ONE).enumerate() {
        let (person, numbers) = (team.person(person), numbers.to_vec());
        let incident = incident.to_owned();
        people.spawn(async move {
            let mut certificates = Vec::with_capacity(numbers.len());
            for number in numbers {
                certificates.push((number, person.logs_in(&SHELL, &incident).await?));
            }
            Outcome::Ok(certificates)
        });
    }
    let mut all = Vec::with_capacity(count);
    while let Some(certificates) = people.join_next().await {
        all.extend(certificates??);
    }
    Ok(all)
}

/// When each end of a session was told as an entry, and how long it took the guard.
async fn ends_on_record(
    mut entries: Streaming<FollowEntriesResponse>,
    sessions: usize,
    began: Moment,
) -> Outcome<Vec<(Duration, Duration)>> {
    let mut ends = Vec::with_capacity(sessions);
    while ends.len() < sessions {
        let next = tokio::time::timeout(PATIENCE, entries.message()).await??;
        let entry = next.and_then(|next| next.entry).ok_or("the ledger ended")?;
        let entry = Entry::parse(&entry.line)?;
        match entry.kind.as_str() {
            "session.ended" => {
                let took = entry.body.get("took_ms").and_then(Value::as_u64);
                let by_itself = || format!("a session ended by itself: {:?}", entry.body);
                let took = took.ok_or_else(by_itself)?;
                ends.push((began.until(Moment::now()), Duration::from_millis(took)));
            }
            "session.unconfirmed" => return Err("the end of a session was not confirmed".into()),
            _ => {}
        }
    }
    Ok(ends)
}
