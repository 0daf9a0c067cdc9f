//! One session on a host: what sshd would start, as processes of its own.

use std::collections::HashSet;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::moment::Moment;
use crate::Outcome;
use crate::team::binary;

/// What each of them is.
pub(super) const PROCESSES: &str = "three processes (a login, its shell, a command)";

/// `sh` stands for sshd's process of the login: it runs the hook before anything else, as PAM does,
/// and leaves when its session is dead. The shell has another name, as a shell has.
const SCRIPT: &str = "\
    [ \"$4\" = bare ] || \"$1\" guard login --socket \"$2\" 2>&1 || exit 1
    unset SSH_AUTH_INFO_0 PAM_TYPE PAM_USER PAM_RHOST
    echo in
    if [ \"$4\" = deaf ]; then \"$3\" -c 'trap \"\" HUP TERM; while :; do sleep 1000; done' &
    else \"$3\" -c 'sleep 1000 & wait' & fi
    wait";

/// What a host is told where it is to kill all that live, without asking and without its guard.
pub(super) const KILL: &str = "kill";

/// The sessions that live, each of them a process group.
#[derive(Clone, Default)]
pub(super) struct Living(Arc<Mutex<HashSet<Pid>>>);

impl Living {
    /// One signal to each.
    pub(super) fn kill(&self) {
        for login in self.lock().iter() {
            // Gone is as good; until it is waited for, nobody else has its id.
            let _ = kill_process_group(*login, Signal::KILL);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Pid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As the bench names one to a host: `NUMBER deaf|plain CERTIFICATE`, or `NUMBER bare -` for one that
/// the guard does not hear of.
pub(super) struct Wanted {
    number: usize,
    ears: String,
    certificate: String,
}

impl Wanted {
    pub(super) fn parse(line: &str) -> Outcome<Self> {
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some(number), Some(ears), Some(certificate)) => Ok(Self {
                number: number.parse()?,
                ears: ears.to_owned(),
                certificate: certificate.to_owned(),
            }),
            _ => Err(format!("`{line}` is no session").into()),
        }
    }

    /// Starts it, and says on standard output when it is in, and when the last of its processes is
    /// dead: they share the writing end of one pipe, which nobody else has, so the kernel closes it
    /// then and not before.
    pub(super) fn begin(&self, socket: &Path, shell: &Path, living: &Living) -> Outcome<()> {
        let mut login = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "sh"])
            .arg(binary("glass")?)
            .args([socket, shell])
            .arg(&self.ears)
            .env_clear()
            .envs([("PATH", "/usr/bin:/bin"), ("PAM_TYPE", "open_session")])
            .envs([("PAM_USER", "deploy"), ("PAM_RHOST", "10.0.0.7")])
            .env(
                "SSH_CONNECTION",
                format!("10.0.0.7 {} 10.0.0.1 22", self.number),
            )
            .env(
                "SSH_AUTH_INFO_0",
                format!("publickey {}\n", self.certificate),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let id = login.id().and_then(|id| i32::try_from(id).ok());
        let id = id.and_then(Pid::from_raw).ok_or("it is over already")?;
        living.lock().insert(id);
        let living = living.clone();
        let out = login.stdout.take().ok_or("no output of a session")?;
        let number = self.number;
        tokio::spawn(async move {
            let mut said = BufReader::new(out).lines();
            while let Ok(Some(line)) = said.next_line().await {
                println!("{number} {line}");
            }
            println!("{number} dead {}", Moment::now().to_micros());
            living.lock().remove(&id);
            login.wait().await
        });
        Ok(())
    }
}
