//! `glass guard login`: the hook that PAM runs at each login over SSH (pam_exec(8)).
//!
//! Told by `PAM_TYPE`, `PAM_USER`, `PAM_RHOST`, `SSH_CONNECTION` and `SSH_AUTH_INFO_0`, which sshd
//! puts into PAM's environment right before the session opens. A login without one of our
//! certificates is none of ours and comes in untouched. For one of ours the guard is asked; where
//! there is none to ask, nobody could end the session, so it does not come in.
//!
//! What is printed on standard output stands on the login's screen (`pam_exec.so ... stdout`).

use std::{net::IpAddr, path::PathBuf};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
    time::{sleep, timeout},
};

use super::{
    doorbell::{Answer, Login},
    limits::{HOOK_TIMEOUT, KNOCK_PAUSE, MAX_RING_BYTES},
    presented,
};
use crate::{error::exit, output::Printer};

/// Let PAM ask the guard about a login over SSH; nobody types it: see `glass guard ssh --help`
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Where the guard listens
    #[arg(long, value_name = "PATH", default_value = super::SOCKET)]
    pub socket: PathBuf,
    /// Refuse every login that has no emergency credential
    #[arg(long)]
    pub require: bool,
}

/// What PAM tells the hook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    kind: String,
    user: String,
    origin: String,
    connection: String,
    auth_info: String,
}

impl Told {
    /// Reads it from the environment.
    #[must_use]
    pub fn of_process() -> Self {
        let variable = |name| {
            std::env::var_os(name)
                .map(|value| value.to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        Self {
            kind: variable("PAM_TYPE"),
            user: variable("PAM_USER"),
            origin: variable("PAM_RHOST"),
            connection: variable("SSH_CONNECTION"),
            auth_info: variable("SSH_AUTH_INFO_0"),
        }
    }
}

/// What to do about a login.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Door {
    /// It comes in untouched.
    Open,
    /// It does not come in.
    Shut(String),
    /// The guard is asked.
    Ask(Box<Login>),
}

fn door(told: &Told, require: bool) -> Door {
    if told.kind != "open_session" {
        return match told.kind.as_str() {
            "" => Door::Shut("only PAM starts this; see deploy/ssh/pam-sshd".to_owned()),
            _ => Door::Open,
        };
    }
    match presented::ours(&told.auth_info) {
        Err(why) => Door::Shut(why.to_string()),
        Ok(None) if require => Door::Shut(
            "this host takes emergency credentials alone: glass exec RIGHT -- ssh HOST".to_owned(),
        ),
        Ok(None) => Door::Open,
        Ok(Some(credential)) => Door::Ask(Box::new(Login {
            credential,
            login: told.user.clone(),
            origin: address(told),
            marker: told.connection.clone(),
        })),
    }
}

/// Where it comes from: the address of the connection. `PAM_RHOST` may be a name somebody chose for
/// it (`UseDNS`), and stands in only where sshd does not tell PAM of the connection.
fn address(told: &Told) -> String {
    let first = told.connection.split(' ').next().unwrap_or_default();
    match first.parse::<IpAddr>() {
        Ok(_) => first.to_owned(),
        Err(_) => told.origin.clone(),
    }
}

/// Decides about the login; the exit code is returned, and PAM refuses on any but 0.
pub async fn run(args: &Args, told: &Told, printer: &Printer) -> u8 {
    let answer = match door(told, args.require) {
        Door::Open => return 0,
        Door::Shut(text) => Answer {
            admitted: false,
            text,
        },
        Door::Ask(login) => ask(args, &login).await,
    };
    if !answer.text.is_empty() {
        // pam_exec passes on each line as it is.
        printer.line(format!("glass: {}", answer.text));
    }
    if answer.admitted { 0 } else { exit::DENIED }
}

async fn ask(args: &Args, login: &Login) -> Answer {
    let asked = timeout(HOOK_TIMEOUT, async {
        loop {
            // It comes back at once after a crash or an update.
            match try_to_ask(args, login).await {
                Ok(answer) => return answer,
                Err(_) => sleep(KNOCK_PAUSE).await,
            }
        }
    });
    asked.await.unwrap_or_else(|_| Answer {
        admitted: false,
        text: "the guard of this host does not answer, so nobody could end your session and \
               emergency access is refused. Somebody with daily access: systemctl status glass-guard"
            .to_owned(),
    })
}

async fn try_to_ask(args: &Args, login: &Login) -> std::io::Result<Answer> {
    let mut stream = UnixStream::connect(&args.socket).await?;
    let mut line = serde_json::to_vec(login)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut answer = String::new();
    BufReader::new(stream.take(MAX_RING_BYTES))
        .read_line(&mut answer)
        .await?;
    Ok(serde_json::from_str(&answer)?)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::output::Format;

    fn told(kind: &str, auth_info: &str) -> Told {
        Told {
            kind: kind.into(),
            user: "deploy".into(),
            origin: "10.0.0.7".into(),
            connection: "10.0.0.8 5 10.0.0.1 22".into(),
            auth_info: auth_info.into(),
        }
    }

    const OURS: &str = include_str!("fixtures/auth_info");

    #[test]
    fn daily_access_comes_in_untouched_unless_it_must_not() {
        let daily = told("open_session", "publickey ssh-ed25519 AAAA\n");
        assert_eq!(door(&daily, false), Door::Open);
        assert!(matches!(door(&daily, true), Door::Shut(_)));
        assert_eq!(door(&told("close_session", OURS), true), Door::Open);
    }

    #[test]
    fn one_of_ours_is_asked_about() {
        let Door::Ask(login) = door(&told("open_session", OURS), false) else {
            panic!("not asked");
        };
        assert_eq!(login.credential.grant, "G-45");
        assert_eq!(
            (login.login.as_str(), login.origin.as_str()),
            ("deploy", "10.0.0.8")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_guard_nobody_comes_in_who_could_not_be_ended() {
        let folder = tempfile::tempdir().unwrap();
        let args = Args {
            socket: folder.path().join("guard.sock"),
            require: false,
        };
        let said = Arc::<Mutex<Vec<u8>>>::default();
        let printer = Printer::to_buffers(Format::Text, said.clone(), Arc::default());
        let told = told("open_session", OURS);
        assert_eq!(run(&args, &told, &printer).await, exit::DENIED);
        let said = String::from_utf8(said.lock().unwrap().clone()).unwrap();
        assert!(
            said.starts_with("glass: the guard of this host does not answer"),
            "{said}"
        );
    }

    #[test]
    fn by_hand_it_does_nothing() {
        assert!(matches!(door(&Told::default(), false), Door::Shut(_)));
    }
}
