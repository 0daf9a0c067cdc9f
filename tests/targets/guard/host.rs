//! A host: sshd with PAM and the hook in it, a guard, and people who log in.
//!
//! sshd asks PAM for the service that it is itself called: so under another name it has rules of its
//! own, and `/etc/pam.d/sshd` is left alone. It is started anew for each connection (`sshd -i`), on a
//! socket we accepted.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;

use breakglass_client::error::Error;
use breakglass_client::guard::ssh::broker::{Ending, Opening};
use breakglass_client::guard::ssh::{self, Order};
use breakglass_client::output::{Format, Printer};
use breakglass_client::verify::Ledger;
use breakglass_tests::issuer;
use breakglass_tests::playground::binary;
use breakglass_tests::skipped;
use breakglass_tests::wait::soon;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;

use super::broker::{Act, StandIn};

const SSHD: &str = "/usr/sbin/sshd";

pub(crate) struct Host {
    folder: tempfile::TempDir,
    service: Service,
    login: String,
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
    pub(crate) broker: StandIn,
    acts: tokio::sync::Mutex<mpsc::UnboundedReceiver<Act>>,
    guard: tokio::task::JoinHandle<Result<(), Error>>,
}

impl Host {
    /// One with a guard that has been told that nobody has a live grant. `None` where we are not
    /// root.
    pub(crate) async fn begins() -> Option<Self> {
        if !skipped::is_root() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let service = Service::installed(folder.path(), "");
        for key in ["host", "ca", "daily"] {
            keygen(folder.path(), &["-q", "-t", "ed25519", "-N", "", "-f", key]);
        }
        // Where its unprivileged part is locked in; a host makes it when it boots.
        fs::create_dir_all("/run/sshd").unwrap();
        fs::write(folder.path().join("sshd_config"), config(folder.path())).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (place, stopped, name) = (folder.path().to_owned(), stop.clone(), service.name());
        let accepting = std::thread::spawn(move || accept(&listener, &place, &name, &stopped));
        let (broker, acts) = StandIn::new();
        let guard = guard(folder.path(), &broker);
        let host = Self {
            login: login(),
            folder,
            service,
            address,
            stop,
            accepting: Some(accepting),
            broker,
            acts: tokio::sync::Mutex::new(acts),
            guard,
        };
        host.listens().await;
        Some(host)
    }

    /// The login everybody uses.
    pub(crate) fn login(&self) -> &str {
        &self.login
    }

    /// Somebody logs in with the first credential of this grant, and runs this.
    pub(crate) async fn logs_in(&self, grant: u32, script: &str) -> Person {
        let key = self.certified(grant);
        self.ssh(&key, &["-T"], script)
    }

    /// The same with a shell on a terminal.
    pub(crate) async fn logs_in_with_terminal(&self, grant: u32) -> Person {
        let key = self.certified(grant);
        self.ssh(&key, &["-tt"], "")
    }

    /// The same without running anything, as for a tunnel.
    pub(crate) async fn connects(&self, grant: u32) -> Person {
        let key = self.certified(grant);
        self.ssh(&key, &["-N"], "")
    }

    /// Somebody logs in with a key of their own that has been there always.
    pub(crate) async fn logs_in_daily(&self, script: &str) -> Person {
        self.ssh(&self.folder.path().join("daily"), &["-T"], script)
    }

    /// The next thing the broker is told: that a session opens.
    pub(crate) async fn opened(&mut self) -> Opening {
        match soon("a session opens", self.acts.get_mut().recv()).await {
            Some(Act::Opened(opening)) => opening,
            act => panic!("{act:?}"),
        }
    }

    /// The next thing the broker is told: that a session is over.
    pub(crate) async fn ended(&mut self) -> Ending {
        match soon("a session ends", self.acts.get_mut().recv()).await {
            Some(Act::Ended(ending)) => ending,
            act => panic!("{act:?}"),
        }
    }

    /// What the broker was told and nobody has asked for.
    pub(crate) async fn acts(&self) -> Vec<Act> {
        let mut acts = self.acts.lock().await;
        std::iter::from_fn(|| acts.try_recv().ok()).collect()
    }

    pub(crate) async fn guard_is_killed_and_starts_again(&mut self) {
        self.guard.abort();
        let _ = (&mut self.guard).await;
        fs::remove_file(self.folder.path().join("guard.sock")).unwrap();
        self.guard = guard(self.folder.path(), &self.broker);
        self.listens().await;
    }

    /// A list that revokes the credentials of this grant.
    pub(crate) fn krl_of(&self, grant: u32) -> Vec<u8> {
        let from = u64::from(grant) << 20;
        let to = from + (1 << 20) - 1;
        fs::write(
            self.folder.path().join("revoke"),
            format!("serial: {from}-{to}\n"),
        )
        .unwrap();
        keygen(
            self.folder.path(),
            &["-q", "-k", "-f", "krl", "-s", "ca.pub", "revoke"],
        );
        fs::read(self.folder.path().join("krl")).unwrap()
    }

    async fn listens(&self) {
        let socket = self.folder.path().join("guard.sock");
        let because = "a socket tells nobody that it is bound";
        breakglass_tests::wait::until_async("the guard listens", because, async || {
            socket.exists().then_some(())
        })
        .await;
    }

    /// A key with a certificate, as the broker makes them.
    fn certified(&self, grant: u32) -> PathBuf {
        let name = format!("key-{grant}");
        let key = self.folder.path().join(&name);
        if !key.exists() {
            keygen(
                self.folder.path(),
                &["-q", "-t", "ecdsa", "-N", "", "-f", &name],
            );
            let id = format!("person=mia grant=G-{grant} incident=INC-12 credential=G-{grant}.1");
            let serial = ((u64::from(grant) << 20) + 1).to_string();
            let public = format!("{name}.pub");
            let words = [
                "-q",
                "-s",
                "ca",
                "-I",
                &id,
                "-z",
                &serial,
                "-n",
                &self.login,
                "-V",
                "-1m:+10m",
                &public,
            ];
            keygen(self.folder.path(), &words);
        }
        key
    }

    fn ssh(&self, key: &Path, flags: &[&str], script: &str) -> Person {
        let mut ssh = Command::new("ssh");
        ssh.args([
            "-F",
            "none",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "BatchMode=yes",
        ])
        .args(["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"])
        .args(["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-i"])
        .arg(key)
        .args(["-p", &self.address.port().to_string()])
        .args(flags)
        .arg(format!("{}@127.0.0.1", self.login))
        .args((!script.is_empty()).then_some(script));
        Person::comes(ssh)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.guard.abort();
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the one who accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        self.service.remove();
    }
}

/// Somebody at the other end of `ssh`.
pub(crate) struct Person {
    ssh: Child,
    hears: Option<ChildStdin>,
    says: BufReader<ChildStdout>,
}

impl Person {
    /// Starts their `ssh`.
    pub(super) fn comes(mut ssh: Command) -> Self {
        let mut ssh = ssh
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("tests/run installs openssh-client");
        Self {
            hears: ssh.stdin.take(),
            says: BufReader::new(ssh.stdout.take().unwrap()),
            ssh,
        }
    }

    /// The next line on their screen.
    pub(crate) async fn says(&mut self) -> String {
        let mut line = String::new();
        soon("a line", self.says.read_line(&mut line))
            .await
            .unwrap();
        line.trim_end().to_owned()
    }

    /// What stands on their screen up to this.
    pub(crate) async fn says_until(&mut self, what: &str) -> String {
        let mut screen = String::new();
        while !screen.contains(what) {
            let mut line = String::new();
            let read = soon(what, self.says.read_line(&mut line)).await.unwrap();
            assert!(read > 0, "no `{what}` in {screen}");
            screen.push_str(&line);
        }
        screen
    }

    /// The next line is the id of a process.
    pub(crate) async fn says_process(&mut self) -> Process {
        let line = self.says().await;
        let pid = line.parse().ok().and_then(Pid::from_raw);
        let pid = pid.unwrap_or_else(|| panic!("no process: {line}"));
        Process(pidfd_open(pid, PidfdFlags::empty()).unwrap())
    }

    /// Types.
    pub(crate) async fn hears(&mut self, text: &str) {
        let hears = self.hears.as_mut().unwrap();
        hears.write_all(text.as_bytes()).await.unwrap();
    }

    /// Their `ssh` ends; its exit code.
    pub(crate) async fn is_out(&mut self) -> Option<i32> {
        let mut rest = Vec::new();
        let _ = soon("the screen ends", self.says.read_to_end(&mut rest)).await;
        soon("ssh ends", self.ssh.wait()).await.unwrap().code()
    }
}

pub(crate) struct Process(OwnedFd);

impl Process {
    pub(crate) fn is_dead(&self) {
        let now = Timespec::default();
        let came = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&now)).unwrap();
        assert!(came > 0, "it lives");
    }
}

fn guard(folder: &Path, broker: &StandIn) -> tokio::task::JoinHandle<Result<(), Error>> {
    let order = Order {
        state: folder.join("state"),
        socket: folder.join("guard.sock"),
        krl: Some(folder.join("revoked")),
        grace: None,
        ledger: Ledger::of(issuer::vkey()),
    };
    let broker = broker.clone();
    tokio::spawn(async move {
        let printer = Printer::new(Format::Text);
        ssh::run(&order, broker, &printer, std::future::pending()).await
    })
}

/// PAM's rules for our sshd alone.
pub(super) struct Service(PathBuf);

impl Service {
    pub(super) fn installed(folder: &Path, words: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let path = format!(
            "/etc/pam.d/sshd-breakglass-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let hook = format!(
            "account  required  pam_permit.so\n\
             session  requisite  pam_exec.so quiet stdout {} guard login --socket {} {words}\n",
            binary("glass").display(),
            folder.join("guard.sock").display(),
        );
        fs::write(&path, hook).unwrap();
        Self(path.into())
    }

    pub(super) fn name(&self) -> String {
        let name = self.0.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    pub(super) fn remove(&self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// An account with a shell that is not root's, so that sshd gives up its rights for it; or root.
pub(super) fn login() -> String {
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let found = accounts.lines().find_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        let shell = fields.get(6)?.rsplit('/').next()?;
        let usable = fields.get(2) != Some(&"0") && ["sh", "bash", "dash"].contains(&shell);
        usable.then(|| fields.first().copied())?
    });
    found.unwrap_or("root").to_owned()
}

pub(super) fn config(folder: &Path) -> String {
    let at = folder.display();
    format!(
        "HostKey {at}/host
TrustedUserCAKeys {at}/ca.pub
RevokedKeys {at}/revoked
AuthorizedKeysFile {at}/daily.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM yes
ExposeAuthInfo yes
# The folder is below /tmp, which others may write to.
StrictModes no
PidFile none
"
    )
}

pub(super) fn accept(listener: &TcpListener, folder: &Path, name: &str, stop: &AtomicBool) {
    let mut started: Vec<std::process::Child> = Vec::new();
    while let Ok((stream, _)) = listener.accept() {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let said = File::options()
            .create(true)
            .append(true)
            .open(folder.join("said"))
            .unwrap();
        let stream = OwnedFd::from(stream);
        let mut sshd = std::process::Command::new(SSHD);
        sshd.arg0(format!("/usr/sbin/{name}"))
            .args(["-i", "-e", "-f"])
            .arg(folder.join("sshd_config"))
            .stdin(stream.try_clone().unwrap())
            .stdout(Stdio::from(stream))
            .stderr(said);
        started.push(sshd.spawn().expect("tests/run installs openssh-server"));
    }
    for mut child in started {
        let _ = child.kill();
        let _ = child.wait();
    }
}

pub(super) fn keygen(folder: &Path, words: &[&str]) {
    let made = std::process::Command::new("ssh-keygen")
        .args(words)
        .current_dir(folder)
        .output()
        .expect("tests/run installs openssh-client");
    assert!(made.status.success(), "{made:?}");
}
