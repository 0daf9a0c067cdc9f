//! The socket on which a login rings: one line of JSON there, one line back.
//!
//! Only root can open it (mode 0600 in a folder of 0700), and the kernel says which process rings.
//! That is the hook, which sshd's process of the login started and waits for: so the parent of who
//! rings is the session, whatever the line says.

use std::{io, path::Path};

use rustix::process::{Pid, geteuid};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{
    limits::{MAX_MARKER_BYTES, MAX_NAME_BYTES, MAX_RING_BYTES, MAX_WAITING, RING_TIMEOUT},
    presented::Presented,
};
use crate::{
    error::Error,
    processes::{self, ProcessId},
};

/// A login asks to come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// What it showed.
    pub credential: Presented,
    /// The login, `PAM_USER`.
    pub login: String,
    /// The address it comes from, `PAM_RHOST`.
    pub origin: String,
    /// `SSH_CONNECTION`.
    pub marker: String,
    /// The certificates themselves, in base64, where each has to prove that it was recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<String>,
}

/// What the guard says to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether it may come in.
    pub admitted: bool,
    /// For its screen.
    pub text: String,
    /// Whether it was seen that its certificates were recorded: a guard from before that was asked for
    /// lets in without.
    #[serde(default)]
    pub proven: bool,
}

/// A login at the door.
#[derive(Debug)]
pub(super) struct Ring {
    pub(super) login: Login,
    /// sshd's process of the login.
    pub(super) process: ProcessId,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// Listens, in place of whoever listened there before.
///
/// # Errors
/// [`Error::File`].
pub(super) fn listen(path: &Path) -> Result<UnixListener, Error> {
    let failed = |why| Error::file("listen at", path, why);
    match std::fs::remove_file(path) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(failed(why)),
        _ => {}
    }
    if let Some(folder) = path.parent() {
        crate::files::create_folder(folder)?;
    }
    crate::files::listen_privately(path).map_err(failed)
}

/// Passes on who rings, until nobody listens to us.
pub(super) async fn attend(listener: UnixListener, rings: mpsc::Sender<Ring>) {
    let room = std::sync::Arc::new(tokio::sync::Semaphore::new(MAX_WAITING));
    while let Ok(place) = room.clone().acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors for a moment: those at the door leave within seconds.
            tokio::time::sleep(RING_TIMEOUT).await;
            continue;
        };
        let rings = rings.clone();
        tokio::spawn(async move {
            // Whoever went away needs no answer.
            let _ = receive(stream, rings).await;
            drop(place);
        });
    }
}

async fn receive(mut stream: UnixStream, rings: mpsc::Sender<Ring>) -> io::Result<()> {
    let answer = match session_behind(&stream) {
        Err(why) => refused(why),
        Ok(process) => match timeout(RING_TIMEOUT, read(&mut stream)).await {
            Ok(Ok(login)) => ask(login, process, rings).await,
            _ => refused("the login's hook did not say who is there"),
        },
    };
    let mut line = serde_json::to_vec(&answer)?;
    line.push(b'\n');
    stream.write_all(&line).await
}

async fn ask(login: Login, process: ProcessId, rings: mpsc::Sender<Ring>) -> Answer {
    let (answer, answered) = oneshot::channel();
    let demanded = !login.certificates.is_empty();
    let ring = Ring {
        login,
        process,
        answer,
    };
    let gone = || refused("the guard is stopping; try again in a moment");
    match rings.send(ring).await {
        Ok(()) => {
            let answer = answered.await.unwrap_or_else(|_| gone());
            // Without its proof it is not admitted.
            Answer {
                proven: demanded && answer.admitted,
                ..answer
            }
        }
        Err(_) => gone(),
    }
}

async fn read(stream: &mut UnixStream) -> io::Result<Login> {
    let mut line = String::new();
    BufReader::new(stream.take(MAX_RING_BYTES))
        .read_line(&mut line)
        .await?;
    let mut login: Login = serde_json::from_str(&line)?;
    shorten(&mut login.login, MAX_NAME_BYTES);
    shorten(&mut login.origin, MAX_NAME_BYTES);
    shorten(&mut login.marker, MAX_MARKER_BYTES);
    Ok(login)
}

fn shorten(text: &mut String, most: usize) {
    while text.len() > most {
        text.pop();
    }
}

/// The process that started the one at the other end.
fn session_behind(stream: &UnixStream) -> Result<ProcessId, &'static str> {
    let peer = stream
        .peer_cred()
        .map_err(|_| "the kernel does not say who rings")?;
    if peer.uid() != 0 && peer.uid() != geteuid().as_raw() {
        return Err("only root may ring");
    }
    let hook = peer.pid().filter(|pid| *pid > 0).and_then(Pid::from_raw);
    let session = hook
        .and_then(processes::of)
        .and_then(|hook| hook.parent)
        .and_then(processes::of)
        .ok_or("the guard cannot see the login's process; does it run in the same container?")?;
    let me = rustix::process::getpid();
    if session.pid.is_init() || session.pid == me {
        return Err("the login's process is none that could be ended");
    }
    Ok(session.id())
}

fn refused(why: &str) -> Answer {
    Answer {
        admitted: false,
        text: why.to_owned(),
        proven: false,
    }
}
