//! The hosts, as the bench sees them.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

use super::moment::Moment;
use super::session::KILL;
use crate::Outcome;
use crate::team::Team;

/// Longer than it may take on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(60);

/// All of them.
pub(super) struct Fleet {
    hosts: Vec<(Child, ChildStdin)>,
    said: mpsc::UnboundedReceiver<(usize, String)>,
    /// Whether each has processes of its own and sees no others.
    pub(super) is_apart: bool,
}

impl Fleet {
    /// One host for each of these targets, once its guard listens.
    pub(super) async fn start(team: &Team, targets: &[String]) -> Outcome<Self> {
        let is_apart = can_be_apart().await;
        let (say, said) = mpsc::unbounded_channel();
        let mut hosts = Vec::new();
        for target in targets {
            team.enrols_guard(target).await?;
            let mut host = host(team, target, is_apart)?;
            let out = host.stdout.take().ok_or("no output of a host")?;
            let wants = host.stdin.take().ok_or("no input of a host")?;
            let say = say.clone();
            tokio::spawn(async move {
                let mut lines = BufReader::new(out).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    let (number, what) = line.split_once(' ').unwrap_or(("0", &line));
                    // Nobody listens any more: the bench is over.
                    let _ = say.send((number.parse().unwrap_or(0), what.to_owned()));
                }
            });
            hosts.push((host, wants));
        }
        let mut fleet = Self {
            hosts,
            said,
            is_apart,
        };
        for _ in targets {
            fleet.hears("ready").await?;
        }
        Ok(fleet)
    }

    /// Has a session begin, each host in turn.
    pub(super) async fn begin(&mut self, number: usize, rest: &str) -> Outcome<()> {
        let count = self.hosts.len();
        let (_, wants) = &mut self.hosts[number % count];
        let line = format!("{number} {rest}\n");
        Ok(wants.write_all(line.as_bytes()).await?)
    }

    /// Has every host kill all that live there.
    pub(super) async fn kill(&mut self) -> Outcome<()> {
        for (_, wants) in &mut self.hosts {
            wants.write_all(format!("{KILL}\n").as_bytes()).await?;
        }
        Ok(())
    }

    /// Waits until all of these are in.
    pub(super) async fn all_are_in(&mut self, mut missing: BTreeSet<usize>) -> Outcome<()> {
        while !missing.is_empty() {
            let (number, _) = self.hears("in").await?;
            missing.remove(&number);
        }
        Ok(())
    }

    /// Waits until all of these are dead; which one was when.
    pub(super) async fn all_are_dead(
        &mut self,
        mut living: BTreeSet<usize>,
    ) -> Outcome<Vec<(usize, Moment)>> {
        let mut deaths = Vec::with_capacity(living.len());
        while !living.is_empty() {
            let (number, when) = self.hears("dead").await?;
            if living.remove(&number) {
                deaths.push((number, Moment::of_micros(when.trim().parse()?)));
            }
        }
        Ok(deaths)
    }

    /// The next thing a host says that begins with this word, and of which session. What a hook says
    /// is heard only where it lets nobody in.
    async fn hears(&mut self, word: &str) -> Outcome<(usize, String)> {
        let mut before = String::new();
        loop {
            let said = tokio::time::timeout(PATIENCE, self.said.recv()).await;
            let said = said.map_err(|_| format!("no `{word}` within {PATIENCE:?}: {before}"))?;
            let (number, what) = said.ok_or("every host is gone")?;
            if let Some(rest) = what.strip_prefix(word) {
                return Ok((number, rest.to_owned()));
            }
            if what.starts_with("dead") {
                return Err(format!("session {number} did not come in: {before}").into());
            }
            before = what;
        }
    }
}

/// In a PID namespace of its own (unshare(1)) where root starts it: its guard then reads the `/proc`
/// of one host and not of all, and whatever was started there ends with it. The first process there is
/// a shell, which takes note of the dead nobody else waits for, as every host's does.
fn host(team: &Team, target: &str, is_apart: bool) -> Outcome<Child> {
    let bench = std::env::current_exe()?;
    let mut host = if is_apart {
        let mut unshare = Command::new("unshare");
        unshare.args(APART).args(FIRST).arg(bench);
        unshare
    } else {
        Command::new(bench)
    };
    let host = host
        .arg("host")
        .arg(team.laptops())
        .arg(target)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    Ok(host.spawn()?)
}

const APART: [&str; 4] = ["--pid", "--fork", "--mount-proc", "--kill-child"];

/// Its own input is the host's: behind `&` the shell would give it none.
const FIRST: [&str; 4] = [
    "sh",
    "-c",
    "exec 3<&0; \"$@\" <&3 3<&- & exec 3<&- <&-; wait",
    "sh",
];

async fn can_be_apart() -> bool {
    let tried = Command::new("unshare")
        .args(APART)
        .arg("true")
        .output()
        .await;
    tried.is_ok_and(|tried| tried.status.success())
}
