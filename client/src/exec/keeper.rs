//! A second pair of eyes: ends the command and wipes its folder when `glass` itself is killed.
//!
//! `glass exec` starts `glass __keep FOLDER` before the first credential is written, and holds the
//! other end of its standard input. Over it goes one line, the command's process group, and at an
//! ordinary end a second one, `DONE`. If the pipe closes without that, `glass` has died: the
//! keeper sends SIGTERM to the group, SIGKILL after the grace, and wipes the folder. The broker
//! does its part alone: the hold stream is gone, so it ends the grant after its own grace.

use std::{
    io,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use rustix::process::{Pid, Signal};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::unix::pipe,
    process::{Child, ChildStdin},
    time::{Instant, sleep},
};

use super::{
    family::Family,
    folder::Folder,
    limits::{FORCE_PAUSE, GRACE},
    place::aws_cache,
    shim::{KEEP, Shim},
    terminal::own_group,
};
use crate::{error::Error, output::Printer, processes::as_pid};

/// What `glass` says when it has done everything itself.
const DONE: &str = "done";

/// The longest line read: a process id or [`DONE`], and nobody else writes here.
const MAX_LINE: u64 = 32;

/// The running keeper, as `glass exec` holds it.
#[derive(Debug)]
pub(super) struct Keeper {
    process: Child,
    line: ChildStdin,
}

impl Keeper {
    /// Starts one for this folder. It stays in the background and out of reach of Ctrl-C.
    ///
    /// # Errors
    /// What the system says.
    /// `aws_session` is whose keys the AWS CLI may keep elsewhere.
    pub(super) fn start(
        shim: &Shim,
        folder: &Folder,
        aws_session: Option<&str>,
    ) -> io::Result<Self> {
        let mut command = shim.command(KEEP);
        if let Some(session) = aws_session {
            command.arg(format!("--aws-session={session}"));
        }
        let mut process = command
            .arg("--")
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()?;
        let line = process
            .stdin
            .take()
            .ok_or_else(|| io::Error::other("no pipe"))?;
        Ok(Self { process, line })
    }

    /// Its process, which is no part of the command's family.
    pub(super) fn pid(&self) -> Option<Pid> {
        self.process
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
    }

    /// Tells it whom to end.
    pub(super) async fn watch_over(&mut self, group: Pid) -> io::Result<()> {
        self.line
            .write_all(format!("{}\n", group.as_raw_nonzero()).as_bytes())
            .await
    }

    /// Tells it that all is done, and waits until it is gone.
    pub(super) async fn dismiss(mut self) -> io::Result<()> {
        let told = self.line.write_all(format!("{DONE}\n").as_bytes()).await;
        drop(self.line);
        self.process.wait().await.and(told)
    }
}

/// `glass __keep`: what [`keep`] needs.
#[derive(Debug, clap::Args)]
pub struct Keep {
    /// Whose keys to remove from the cache of the AWS CLI.
    #[arg(long)]
    pub aws_session: Option<String>,
    /// The folder to wipe.
    #[arg(last = true, required = true)]
    pub folder: PathBuf,
}

/// Waits for the end of `glass exec`, and cleans up if that was sudden.
///
/// # Errors
/// [`Error::Usage`] where standard input is not the pipe of a `glass exec`.
pub async fn keep(order: &Keep, printer: &Printer) -> Result<(), Error> {
    let pipe = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .and_then(pipe::Receiver::from_owned_fd);
    let pipe = pipe.map_err(|_| {
        Error::usage(
            "only `glass exec` starts this",
            "glass exec RIGHT -- PROGRAM ARGUMENTS...",
        )
    })?;
    watch(order, pipe, printer).await;
    Ok(())
}

async fn watch(order: &Keep, pipe: pipe::Receiver, printer: &Printer) {
    let mut lines = BufReader::new(pipe.take(MAX_LINE * 2)).lines();
    let mut group = None;
    while let Ok(Some(line)) = lines.next_line().await {
        if line == DONE {
            return;
        }
        group = as_pid(&line);
    }
    // Who is process 1's group or our own cannot be meant.
    if let Some(group) = group.filter(|group| !group.is_init() && Some(*group) != own_group()) {
        printer.loud("`glass exec` was killed: ending the command it ran");
        end(&Family::new(group, Vec::new())).await;
    }
    match wipe(&order.folder).await {
        Ok(()) => printer.loud("the credential is wiped; the broker ends the grant by itself"),
        Err(why) if why.kind() == io::ErrorKind::NotFound => {}
        Err(why) => printer.loud(format!("cannot wipe {}: {why}", order.folder.display())),
    }
    if let (Some(session), Some(home)) = (&order.aws_session, std::env::var_os("HOME"))
        && let Err(why) = aws_cache::forget(Path::new(&home), session)
    {
        printer.loud(format!(
            "cannot remove what the AWS CLI kept in ~/.aws/cli/cache: {why}"
        ));
    }
}

/// The lock of a dying process goes at some moment of its dying, maybe after its pipe.
async fn wipe(folder: &Path) -> io::Result<()> {
    let deadline = Instant::now() + GRACE;
    loop {
        match Folder::open_abandoned(folder) {
            Err(why) if why.kind() == io::ErrorKind::WouldBlock && Instant::now() < deadline => {
                sleep(FORCE_PAUSE).await;
            }
            opened => return opened?.wipe(),
        }
    }
}

/// The command is not our child, so there is no event to wait for: look again in short steps.
async fn end(family: &Family) {
    let deadline = Instant::now() + GRACE;
    family.signal(Signal::TERM);
    family.signal(Signal::CONT);
    while !family.alive().is_empty() && Instant::now() < deadline {
        sleep(FORCE_PAUSE).await;
    }
    if !family.alive().is_empty() {
        family.signal(Signal::KILL);
    }
}
