//! One session on a host: what sshd would start, as processes of its own.

use std::path::Path;
use std::process::Stdio;

use breakglass_client::guard::ssh::doorbell::Login;
use breakglass_client::guard::ssh::presented::Presented;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::moment::Moment;
use crate::Outcome;

/// What each of them is.
pub(super) const PROCESSES: &str = "three processes (a login, its shell, a command)";

/// `sh` stands for sshd's process of the login: it has the guard asked before anything else, and
/// leaves when its session is dead. The shell has another name, as a shell has.
const SCRIPT: &str = "\
    \"$1\" hook \"$2\" \"$3\" 2>&1 || exit 1
    echo in
    if [ \"$5\" = deaf ]; then \"$4\" -c 'trap \"\" HUP TERM; while :; do sleep 1000; done' &
    else \"$4\" -c 'sleep 1000 & wait' & fi
    wait";

/// As the bench names one to a host: `NUMBER deaf|plain PERSON GRANT INCIDENT`.
pub(super) struct Wanted {
    number: usize,
    is_deaf: bool,
    login: Login,
}

impl Wanted {
    pub(super) fn parse(line: &str) -> Outcome<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let [number, ears, person, grant, incident] = words[..] else {
            return Err(format!("`{line}` is no session").into());
        };
        let number = number.parse()?;
        let login = Login {
            credential: Presented {
                person: person.to_owned(),
                grant: grant.to_owned(),
                incident: incident.to_owned(),
                credential: format!("{grant}.1"),
                serial: 1,
            },
            login: "deploy".to_owned(),
            origin: "10.0.0.7".to_owned(),
            marker: format!("10.0.0.7 {number} 10.0.0.1 22"),
        };
        let is_deaf = ears == "deaf";
        Ok(Self {
            number,
            is_deaf,
            login,
        })
    }

    /// Starts it, and says on standard output when it is in, and when the last of its processes is
    /// dead: they share the writing end of one pipe, which nobody else has, so the kernel closes it
    /// then and not before.
    pub(super) fn begin(&self, socket: &Path, shell: &Path) -> Outcome<u32> {
        let mut login = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "sh"])
            .arg(std::env::current_exe()?)
            .arg(socket)
            .arg(serde_json::to_string(&self.login)?)
            .arg(shell)
            .arg(if self.is_deaf { "deaf" } else { "plain" })
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("SSH_CONNECTION", &self.login.marker)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let process = login.id().ok_or("it is over already")?;
        let out = login.stdout.take().ok_or("no output of a session")?;
        let number = self.number;
        tokio::spawn(async move {
            let mut said = BufReader::new(out).lines();
            while let Ok(Some(line)) = said.next_line().await {
                println!("{number} {line}");
            }
            println!("{number} dead {}", Moment::now().to_micros());
            login.wait().await
        });
        Ok(process)
    }
}
