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
    demanded::{self, Daily},
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
    /// Refuse every certificate that does not prove that the ledger has its entry
    #[arg(long)]
    pub demand_entry: bool,
    /// With --demand-entry: a file with authorities whose certificates are daily access
    #[arg(long, value_name = "FILE", requires = "demand_entry")]
    pub daily_ca: Option<PathBuf>,
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

/// `daily`: where every other certificate has to prove that it was recorded, whose are daily access.
fn door(told: &Told, require: bool, daily: Option<&Daily>) -> Door {
    if told.kind != "open_session" {
        return match told.kind.as_str() {
            "" => Door::Shut("only PAM starts this; see deploy/ssh/pam-sshd".to_owned()),
            _ => Door::Open,
        };
    }
    let ours = match presented::ours(&told.auth_info) {
        Err(why) => return Door::Shut(why.to_string()),
        Ok(ours) => ours,
    };
    let certificates = daily.map(|daily| demanded::certificates(&told.auth_info, daily));
    let certificates = match certificates {
        Some(Err(why)) => return Door::Shut(why.to_owned()),
        Some(Ok(certificates)) => certificates,
        None => Vec::new(),
    };
    match ours {
        // Of ours by what it says, and of an authority of daily access; or the other way round.
        Some(_) if daily.is_some() && certificates.is_empty() => Door::Shut(OF_BOTH.to_owned()),
        None if !certificates.is_empty() => Door::Shut(NO_NAME.to_owned()),
        None if require => Door::Shut(
            "this host takes emergency credentials alone: glass exec RIGHT -- ssh HOST".to_owned(),
        ),
        None => Door::Open,
        Some(credential) => Door::Ask(Box::new(Login {
            credential,
            login: told.user.clone(),
            origin: address(told),
            marker: told.connection.clone(),
            certificates,
        })),
    }
}

const NO_NAME: &str = "this certificate does not say whose grant it is for, and this host takes none \
    that does not prove that it was recorded. An authority of daily access is named in the line of PAM: \
    --daily-ca FILE";

const OF_BOTH: &str = "this certificate says that it is emergency access, and is signed by an authority \
    of daily access";

const OLD_GUARD: &str = "the guard of this host was started before `glass` here was upgraded, and does \
    not ask for proofs. Somebody with daily access: systemctl restart glass-guard";

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
    let answer = match decided(args, told) {
        Door::Open => return 0,
        Door::Shut(text) => refused(text),
        Door::Ask(login) => match ask(args, &login).await {
            answer if answer.admitted && !login.certificates.is_empty() && !answer.proven => {
                refused(OLD_GUARD.to_owned())
            }
            answer => answer,
        },
    };
    if !answer.text.is_empty() {
        // pam_exec passes on each line as it is.
        printer.line(format!("glass: {}", answer.text));
    }
    if answer.admitted { 0 } else { exit::DENIED }
}

fn decided(args: &Args, told: &Told) -> Door {
    let files = args.demand_entry.then_some(args.daily_ca.as_deref());
    let daily = files.map(|file| file.map_or_else(|| Ok(Daily::new()), demanded::daily));
    match daily.transpose() {
        Ok(daily) => door(told, args.require, daily.as_ref()),
        Err(why) => Door::Shut(why),
    }
}

fn refused(text: String) -> Answer {
    Answer {
        admitted: false,
        text,
        proven: false,
    }
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
    asked.await.unwrap_or_else(|_| {
        refused(
            "the guard of this host does not answer, so nobody could end your session and \
             emergency access is refused. Somebody with daily access: systemctl status glass-guard"
                .to_owned(),
        )
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

    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;
    use crate::output::Format;
    use crate::verify::recorded::certificate::Certificate;

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
        assert_eq!(door(&daily, false, None), Door::Open);
        assert!(matches!(door(&daily, true, None), Door::Shut(_)));
        assert_eq!(door(&told("close_session", OURS), true, None), Door::Open);
    }

    #[test]
    fn one_of_ours_is_asked_about() {
        let Door::Ask(login) = door(&told("open_session", OURS), false, None) else {
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
            demand_entry: false,
            daily_ca: None,
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

    /// The one who made it.
    fn authority() -> Vec<u8> {
        let blob = OURS.split(' ').nth(2).unwrap().trim();
        let blob = STANDARD.decode(blob).unwrap();
        Certificate::parse(&blob).unwrap().authority.to_vec()
    }

    #[test]
    fn where_entries_are_demanded_every_certificate_goes_to_the_guard_or_nowhere() {
        let ours = told("open_session", OURS);
        let Door::Ask(login) = door(&ours, false, Some(&Daily::new())) else {
            panic!("not asked");
        };
        assert_eq!(login.certificates.len(), 1);
        assert!(OURS.contains(&login.certificates[0]));
        // A plain key is daily access as ever: no authority can make one.
        let plain = told("open_session", "publickey ssh-ed25519 AAAA\n");
        assert_eq!(door(&plain, false, Some(&Daily::new())), Door::Open);
        // What cannot be read comes in nowhere, nor does what is of two kinds at once.
        for (shown, daily, says) in [
            (
                "publickey ssh-ed25519-cert-v01@openssh.com AAAA",
                Daily::new(),
                "cannot be read",
            ),
            (
                "publickey ssh-new-cert-v02@openssh.com AAAA",
                Daily::new(),
                "cannot be read",
            ),
            (
                OURS,
                vec![authority()],
                "is signed by an authority of daily access",
            ),
        ] {
            let Door::Shut(why) = door(&told("open_session", shown), false, Some(&daily)) else {
                panic!("{shown}");
            };
            assert!(why.contains(says), "{why}");
        }
    }

    #[tokio::test]
    async fn an_older_guard_that_does_not_ask_for_the_proof_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let args = Args {
            socket: folder.path().join("guard.sock"),
            require: false,
            demand_entry: true,
            daily_ca: None,
        };
        let listener = tokio::net::UnixListener::bind(&args.socket).unwrap();
        let guard = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            let answer = br#"{"admitted":true,"text":"emergency access under INC-12"}"#;
            stream.write_all(answer).await.unwrap();
        });
        let said = Arc::<Mutex<Vec<u8>>>::default();
        let printer = Printer::to_buffers(Format::Text, said.clone(), Arc::default());
        let told = told("open_session", OURS);
        assert_eq!(run(&args, &told, &printer).await, exit::DENIED);
        guard.await.unwrap();
        let said = String::from_utf8(said.lock().unwrap().clone()).unwrap();
        assert!(said.contains("systemctl restart glass-guard"), "{said}");
    }

    #[tokio::test]
    async fn a_file_of_authorities_that_is_none_shuts_the_door() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("daily.pub");
        let args = Args {
            socket: folder.path().join("guard.sock"),
            require: false,
            demand_entry: true,
            daily_ca: Some(file.clone()),
        };
        let plain = told("open_session", "publickey ssh-ed25519 AAAA\n");
        let shut = |says: &str| {
            let Door::Shut(why) = decided(&args, &plain) else {
                panic!("open: {says}");
            };
            assert!(why.contains(says), "{why}");
        };
        shut("of --daily-ca cannot be read");
        std::fs::write(&file, "# ours\n\nssh-ed25519\n").unwrap();
        shut("is no public key like");
        std::fs::write(&file, "#".repeat(65 * 1024)).unwrap();
        shut("more than 64 KiB");
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
        shut("more than 64 KiB");
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, "# ours\n\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5 mia\n").unwrap();
        assert_eq!(decided(&args, &plain), Door::Open);
    }

    #[test]
    fn by_hand_it_does_nothing() {
        assert!(matches!(door(&Told::default(), false, None), Door::Shut(_)));
    }
}
