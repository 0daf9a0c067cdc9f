//! The agent's socket: who may ask, how much, how often.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use super::keys::{Keys, LoginKey};
use super::protocol;
use crate::{error::Error, files};

/// Bytes of the longest message. A login's is about 1 KiB, and `session-bind@openssh.com` carries a
/// host's RSA certificate, about 4 KiB; OpenSSH's own limit is 256 KiB.
pub(super) const MAX_MESSAGE: usize = 32 * 1024;

/// Connections at a time: `ansible --forks 50` and some more. Others wait in the socket's queue.
pub(super) const MAX_CONNECTIONS: usize = 64;

/// How long a connection may be silent: `ssh` keeps it while somebody answers its questions.
const SILENCE: Duration = Duration::from_secs(300);

/// The pause after a connection could not be taken (no file descriptors): `ssh` asks again by itself.
const PAUSE: Duration = Duration::from_millis(100);

/// An agent that listens until it is dropped; then the key is gone, and so is the socket.
pub struct Agent {
    path: PathBuf,
    keys: Arc<Keys>,
    listening: JoinHandle<()>,
}

impl Agent {
    /// Listens at `path`. Needs tokio's runtime.
    ///
    /// # Errors
    /// [`Error::Setup`] where the line is no certificate for this key, [`Error::File`].
    pub fn start(path: PathBuf, key: LoginKey, certificate: &str) -> Result<Self, Error> {
        let owner = rustix::process::geteuid().as_raw();
        Self::start_for(owner, path, key, certificate)
    }

    /// The same for a user of this number.
    pub(super) fn start_for(
        owner: u32,
        path: PathBuf,
        key: LoginKey,
        certificate: &str,
    ) -> Result<Self, Error> {
        let keys = Arc::new(Keys::new(key, certificate)?);
        let listener = files::listen_privately(&path);
        let listener = listener.map_err(|why| Error::file("create", &path, why))?;
        let listening = tokio::spawn(listen(listener, owner, Arc::clone(&keys)));
        Ok(Self {
            path,
            keys,
            listening,
        })
    }

    /// Where it is: what `SSH_AUTH_SOCK` or `IdentityAgent` names.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Shows a newer certificate on the same key from here on.
    ///
    /// # Errors
    /// [`Error::Setup`] where it is none for this key; the one before then still stands.
    pub fn renew(&self, certificate: &str) -> Result<(), Error> {
        self.keys.renew(certificate)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.keys.give_up();
        self.listening.abort();
        // Its folder is wiped as well; one that is gone already is fine.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Agent");
        shown.field("path", &self.path).finish_non_exhaustive()
    }
}

/// Takes connections for ever; dropped, it drops them all.
async fn listen(listener: UnixListener, owner: u32, keys: Arc<Keys>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut talking = JoinSet::new();
    // The semaphore is never closed.
    while let Ok(place) = Arc::clone(&room).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) if is_of(owner, &stream) => {
                let keys = Arc::clone(&keys);
                talking.spawn(async move {
                    // An error is the end of this connection, and of nothing else.
                    let _ = talk(stream, &keys).await;
                    drop(place);
                });
            }
            Ok(_stranger) => {}
            Err(_) => sleep(PAUSE).await,
        }
        while talking.try_join_next().is_some() {}
    }
}

/// Whether the process at the other end ran as this user when it connected (`SO_PEERCRED`).
fn is_of(owner: u32, stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == owner)
}

async fn talk(mut stream: UnixStream, keys: &Keys) -> io::Result<()> {
    loop {
        let message = timeout(SILENCE, receive(&mut stream)).await??;
        let answer = protocol::answer(&message, keys);
        // A certificate is a few KiB.
        let length = u32::try_from(answer.len()).map_err(io::Error::other)?;
        let answer = [&length.to_be_bytes(), answer.as_slice()].concat();
        timeout(SILENCE, stream.write_all(&answer)).await??;
    }
}

/// One message without its length.
async fn receive(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let length = usize::try_from(stream.read_u32().await?).map_err(io::Error::other)?;
    if !(1..=MAX_MESSAGE).contains(&length) {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await?;
    Ok(message)
}
