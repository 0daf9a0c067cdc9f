//! A real sshd on loopback, for one story.
//!
//! It is started anew for each connection (`sshd -i`), on a socket we accepted: so no port has to be
//! free, what it is configured with can change between two logins, and nothing is left running. It
//! runs as whoever runs the story, and people log in as that user.

use std::fs::{self, File, OpenOptions};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::wait;

/// sshd wants to be called by its full path.
const SSHD: &str = "/usr/sbin/sshd";

/// Where its unprivileged part is locked in; a host makes it when it boots, a container does not.
const PRIVILEGE_SEPARATION: &str = "/run/sshd";

/// An sshd that trusts one authority for users.
pub struct Sshd {
    folder: tempfile::TempDir,
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Sshd {
    /// Starts one with a host key of this type (`ed25519`, `ecdsa`), which trusts certificates of
    /// `user_ca` (a public key's line) for `principals`, and has revoked nothing.
    ///
    /// # Panics
    /// Where OpenSSH is not installed.
    #[must_use]
    pub fn starts(host_key: &str, user_ca: &str, principals: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        let mut keygen = Command::new("ssh-keygen");
        keygen
            .args(["-q", "-N", "", "-t", host_key, "-f"])
            .arg(path("host"));
        run(&mut keygen);
        write(&path("user_ca.pub"), format!("{user_ca}\n"));
        write(&path("principals"), format!("{}\n", principals.join("\n")));
        write(&path("revoked"), "");
        write(&path("sshd_config"), config(folder.path()));
        if rustix::process::geteuid().is_root() {
            fs::create_dir_all(PRIVILEGE_SEPARATION).expect("root can make it");
        }
        let mut check = Command::new(SSHD);
        run(check.args(["-t", "-f"]).arg(path("sshd_config")));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let address = listener.local_addr().expect("it is bound");
        let stop = Arc::new(AtomicBool::new(false));
        let (place, stopped) = (folder.path().to_owned(), Arc::clone(&stop));
        let accepting = std::thread::spawn(move || accept(&listener, &place, &stopped));
        Self {
            folder,
            address,
            stop,
            accepting: Some(accepting),
        }
    }

    /// Adds a line to its configuration, for the next login.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn is_configured(&self, line: &str) {
        // The first value counts.
        let path = self.path("sshd_config");
        let config = fs::read_to_string(&path).expect("we wrote it");
        write(&path, format!("{line}\n{config}"));
    }

    /// Its host key's line.
    ///
    /// # Panics
    /// Where it cannot be read.
    #[must_use]
    pub fn host_key(&self) -> String {
        fs::read_to_string(self.path("host.pub")).expect("ssh-keygen wrote it")
    }

    /// Shows this host certificate from the next login on.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn shows(&self, certificate: &str) {
        write(&self.path("host-cert.pub"), format!("{certificate}\n"));
    }

    /// Goes by this revocation list from the next login on.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn revokes(&self, list: &[u8]) {
        write(&self.path("revoked"), list);
    }

    /// Where it listens, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Waits until it has said something, and gives the line.
    ///
    /// # Panics
    /// Where it does not, with all it said.
    #[must_use]
    pub fn says(&self, what: &str) -> String {
        let because = "its unprivileged part hands its messages on when it comes to it";
        let said = || self.said();
        let found = || {
            said()
                .lines()
                .find(|line| line.contains(what))
                .map(str::to_owned)
        };
        wait::until(&format!("sshd says `{what}`"), because, found)
    }

    /// All it has said so far.
    #[must_use]
    pub fn said(&self) -> String {
        fs::read_to_string(self.path("said")).unwrap_or_default()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the one who accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

/// Who runs the story, and so whom people log in as.
///
/// # Panics
/// Where `id` does not say.
#[must_use]
pub fn user() -> String {
    let output = Command::new("id").arg("-un").output().expect("id is there");
    String::from_utf8(output.stdout)
        .expect("a name")
        .trim()
        .to_owned()
}

fn config(folder: &Path) -> String {
    let at = folder.display();
    format!(
        "HostKey {at}/host
HostCertificate {at}/host-cert.pub
TrustedUserCAKeys {at}/user_ca.pub
AuthorizedPrincipalsFile {at}/principals
RevokedKeys {at}/revoked
AuthorizedKeysFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
# The story's folder is below /tmp, which others may write to.
StrictModes no
PidFile none
LogLevel VERBOSE
Subsystem sftp internal-sftp
"
    )
}

fn accept(listener: &TcpListener, folder: &Path, stop: &AtomicBool) {
    let mut started: Vec<Child> = Vec::new();
    while let Ok((stream, _)) = listener.accept() {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        started.retain_mut(|child| !matches!(child.try_wait(), Ok(Some(_))));
        started.push(serve(stream, folder));
    }
    for mut child in started {
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn serve(stream: TcpStream, folder: &Path) -> Child {
    let mut options = OpenOptions::new();
    let said: File = options
        .create(true)
        .append(true)
        .open(folder.join("said"))
        .expect("our own folder");
    let stream = OwnedFd::from(stream);
    let mut sshd = Command::new(SSHD);
    sshd.args(["-i", "-e", "-f"])
        .arg(folder.join("sshd_config"));
    sshd.stdin(stream.try_clone().expect("a file descriptor"));
    sshd.stdout(Stdio::from(stream)).stderr(said);
    sshd.spawn().expect("it was tried with -t")
}

fn run(command: &mut Command) {
    let output = command.output();
    let output = output.unwrap_or_else(|why| {
        panic!("{command:?}: {why}; tests/run installs openssh-client and openssh-server")
    });
    assert!(output.status.success(), "{command:?}: {output:?}");
}

fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::write(path, content).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
}
