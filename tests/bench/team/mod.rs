//! A real `glassd` in a process of its own, and people who ask it for grants.

mod person;
mod policy;

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use breakglass_client::config::{Context, ContextName, Home};
use breakglass_proto::v1;
use breakglass_proto::v1::watch_service_client::WatchServiceClient;
use jiff::SignedDuration;
use tokio::process::{Child, Command};
use tonic::transport::Channel;

use crate::Outcome;
use crate::load::{Call, Latencies, in_turn, millis};
use crate::tied::tied;
pub(crate) use person::Person;
pub(crate) use policy::policy_of;
pub(crate) use policy::{A_MOMENT, A_SECOND, A_WHILE, RESTART, SHELL};

/// Bytes of a grant's first three entries and their commit.
const GRANT_BYTES: usize = 2_600;

/// Writes that are measured, one after the other.
const SYNCS: usize = 1_000;

/// The broker and everybody who asks.
pub(crate) struct Team {
    broker: Option<Child>,
    folder: tempfile::TempDir,
    people: Vec<Arc<Person>>,
    incident: String,
    /// Whose turn it is to ask.
    turn: AtomicUsize,
}

impl Team {
    /// A fresh broker, so many people enrolled, one incident open.
    pub(crate) async fn start(people: usize) -> Outcome<Self> {
        Self::with_targets(people, &[]).await
    }

    /// The same with these targets, and a right that leads to all of them.
    pub(crate) async fn with_targets(people: usize, targets: &[String]) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let names: Vec<String> = (0..people).map(|number| format!("p{number}")).collect();
        let policy = folder.path().join("policy.toml");
        fs::write(&policy, policy_of(&names, targets))?;
        let invitations = init(folder.path(), &policy, &names).await?;
        let mut team = Self {
            broker: None,
            folder,
            people: Vec::new(),
            incident: String::new(),
            turn: AtomicUsize::new(0),
        };
        team.serve().await?;
        for (name, line) in names.iter().zip(&invitations) {
            team.enroll(name, line).await?;
            let person = Person::connect(team.context(name)?).await?;
            team.people.push(Arc::new(person));
        }
        team.incident = team.people[0].opens_an_incident().await?;
        Ok(team)
    }

    /// One address may enrol a hundred at once and then ten a second: the bench waits its turn.
    async fn enroll(&self, name: &str, line: &str) -> Outcome<()> {
        loop {
            let glass = self
                .glass()
                .args(["--context", name, "enroll", line])
                .output()
                .await?;
            match told(&glass, "glass enroll") {
                Err(error) if error.to_string().contains("too many calls") => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                outcome => return outcome.map(drop),
            }
        }
    }

    /// Starts the broker on the folder; answers how long it took until it answered.
    pub(crate) async fn serve(&mut self) -> Outcome<Duration> {
        let began = Instant::now();
        let out = fs::File::create(self.folder.path().join("glassd.out"))?;
        let mut broker = tied(&binary("glassd")?)?
            .args(["serve", "--config"])
            .arg(self.config())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(out)
            .kill_on_drop(true)
            .spawn()?;
        let port = fs::read_to_string(self.folder.path().join("port"))?;
        loop {
            if tokio::net::TcpStream::connect(format!("127.0.0.1:{port}"))
                .await
                .is_ok()
            {
                break;
            }
            if let Some(status) = broker.try_wait()? {
                let said = fs::read_to_string(self.folder.path().join("glassd.out"))?;
                return Err(format!("glassd ended ({status}): {said}").into());
            }
            tokio::task::yield_now().await;
        }
        self.broker = Some(broker);
        Ok(began.elapsed())
    }

    /// Ends the broker cleanly.
    pub(crate) async fn stop(&mut self) -> Outcome<()> {
        if let Some(mut broker) = self.broker.take() {
            let id = broker.id().and_then(|id| i32::try_from(id).ok());
            let process = id
                .and_then(rustix::process::Pid::from_raw)
                .ok_or("no broker")?;
            rustix::process::kill_process(process, rustix::process::Signal::TERM)?;
            broker.wait().await?;
        }
        Ok(())
    }

    /// Request + issue for so long, by everybody in turn.
    pub(crate) fn request(&self, length: SignedDuration) -> Outcome<Call> {
        let incident = self.incident.clone();
        Ok(in_turn(self.people.clone(), move |person: Arc<Person>| {
            let incident = incident.clone();
            async move {
                person.ask(&RESTART, &incident, length).await?;
                Ok(())
            }
        }))
    }

    /// Who watches, on so many connections, those of one person after those of the other.
    pub(crate) async fn watching(
        &self,
        connections: usize,
    ) -> Outcome<Vec<WatchServiceClient<Channel>>> {
        let mut clients = Vec::with_capacity(connections);
        for number in 0..connections {
            let person = &self.people[number % self.people.len()];
            clients.push(WatchServiceClient::new(person.another_connection().await?));
        }
        Ok(clients)
    }

    /// Somebody who asks, and somebody else, where there is one, who ends.
    pub(crate) fn two(&self) -> (&Person, &Person) {
        (&self.people[0], &self.people[self.people.len() - 1])
    }

    /// One of them, in turn.
    pub(crate) fn person(&self, number: usize) -> Arc<Person> {
        Arc::clone(&self.people[number % self.people.len()])
    }

    /// Enrols the guard of a target as a context that is called as the target is.
    pub(crate) async fn enrols_guard(&self, target: &str) -> Outcome<()> {
        let line = self.people[0].invites_guard(target).await?;
        self.enroll(target, &line).await
    }

    /// The folder of everybody's contexts.
    pub(crate) fn laptops(&self) -> PathBuf {
        self.folder.path().join("glass")
    }

    /// The open incident.
    pub(crate) fn incident(&self) -> &str {
        &self.incident
    }

    /// Resident memory of the broker, in MiB.
    pub(crate) fn memory(&self) -> Outcome<f64> {
        let id = self
            .broker
            .as_ref()
            .and_then(Child::id)
            .ok_or("no broker")?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .ok_or("no VmRSS")?;
        let kib: f64 = line.split_whitespace().nth(1).ok_or("no VmRSS")?.parse()?;
        Ok(kib / 1_024.0)
    }

    /// Number of entries in the ledger.
    pub(crate) async fn entries(&self) -> Outcome<u64> {
        self.people[0].entries().await
    }

    /// Somebody lists a page of the ledger; the next one does so the next time.
    pub(crate) async fn lists(&self, filter: v1::ListEntriesRequest, most: usize) -> Outcome<()> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let person = &self.people[turn % self.people.len()];
        person.lists(filter, most).await
    }

    /// The broker's data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("broker")
    }

    /// Somebody reads who can do what, and who used it last.
    pub(crate) async fn reviews_access(&self) -> Outcome<()> {
        self.people[0].reviews_access().await
    }

    /// What one write of a grant's entries and its `fdatasync` takes on the broker's disk, with nothing
    /// else going on: no durable grant is faster.
    pub(crate) fn written_and_synced(&self) -> Outcome<String> {
        let mut file = fs::File::create(self.folder.path().join("synced"))?;
        let mut took = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            let began = Instant::now();
            file.write_all(&[b'x'; GRANT_BYTES])?;
            file.sync_data()?;
            took.push(began.elapsed());
        }
        let took = Latencies::from(took);
        let (p50, p99) = (millis(took.quantile(0.5)), millis(took.quantile(0.99)));
        Ok(format!(
            "{GRANT_BYTES} bytes written and synced, alone: p50 {p50:.2} ms, p99 {p99:.2} ms"
        ))
    }

    /// How much was written, and what the broker weighs then.
    pub(crate) async fn report(&self) -> Outcome<String> {
        let (entries, memory) = (self.entries().await?, self.memory()?);
        Ok(format!(
            "{entries} entries in the ledger; the broker has {memory:.0} MiB resident"
        ))
    }

    /// A folder for what a part makes; it is gone with the team.
    pub(crate) fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command to its end with the first person's laptop; how long it took, and its largest
    /// resident memory in MiB, looked at every few milliseconds.
    pub(crate) async fn run(&self, program: &Path, words: &[&str]) -> Outcome<(Duration, f64)> {
        let words: Vec<_> = words.iter().map(Into::into).collect();
        measured(program, &self.laptops(), &words).await
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("broker/glassd.toml")
    }

    fn glass(&self) -> Command {
        let mut glass = Command::new(binary("glass").unwrap_or_else(|_| "glass".into()));
        glass
            .env("GLASS_CONFIG_DIR", self.laptops())
            .stdin(Stdio::null());
        glass
    }

    fn context(&self, name: &str) -> Outcome<Context> {
        let home = Home::find(Some(&self.laptops()))?;
        Ok(home.context(&ContextName::parse(name)?)?)
    }
}

/// Runs a command to its end, as the first person of these laptops where it asks for one; how long it took,
/// and its largest resident memory in MiB, looked at every few milliseconds.
pub(crate) async fn measured(
    program: &Path,
    laptops: &Path,
    words: &[OsString],
) -> Outcome<(Duration, f64)> {
    let began = Instant::now();
    let mut child = Command::new(program)
        .env("GLASS_CONFIG_DIR", laptops)
        .env("GLASS_CONTEXT", "p0")
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let id = child.id().ok_or("it has ended")?;
    let mut peak = 0.0;
    while child.try_wait()?.is_none() {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        peak = kib.unwrap_or(peak);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed();
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    told(&child.wait_with_output().await?, &words.join(" "))?;
    Ok((took, peak / 1_024.0))
}

/// Makes the broker; answers the enrolment line of each person.
pub(crate) async fn init(folder: &Path, policy: &Path, names: &[String]) -> Outcome<Vec<String>> {
    let ports: Vec<u16> = free_ports()?;
    fs::write(folder.join("port"), ports[0].to_string())?;
    let mut glassd = Command::new(binary("glassd")?);
    glassd
        .arg("init")
        .arg(folder.join("broker"))
        .arg("--policy")
        .arg(policy);
    for (flag, port) in ["--listen", "--web-listen", "--metrics-listen"]
        .iter()
        .zip(&ports)
    {
        glassd.arg(flag).arg(format!("127.0.0.1:{port}"));
    }
    for name in names {
        glassd.arg("--invite").arg(name);
    }
    let made = glassd.output().await?;
    let said = told(&made, "glassd init")?;
    let lines = said.split('\'').filter(|part| part.starts_with("https://"));
    Ok(lines.map(str::to_owned).collect())
}

fn free_ports() -> Outcome<Vec<u16>> {
    let listeners = (0..3)
        .map(|_| std::net::TcpListener::bind("127.0.0.1:0"))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(listeners
        .iter()
        .map(|it| it.local_addr().map(|at| at.port()))
        .collect::<Result<_, _>>()?)
}

/// One that nobody listens on just now.
pub(crate) fn free_port() -> Outcome<u16> {
    Ok(free_ports()?[0])
}

/// What a command said, where it was well.
pub(crate) fn told(output: &std::process::Output, what: &str) -> Outcome<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{what}: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// A binary beside this one.
pub(crate) fn binary(name: &str) -> Outcome<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if path.exists() {
        return Ok(path);
    }
    Err(format!(
        "there is no {}; build it: cargo build --release --bins",
        path.display()
    )
    .into())
}
