//! The real broker, the real guard, a real sshd with PAM, and people with certificates of the broker.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use breakglass_client::agent::{Agent, LoginKey};
use breakglass_client::config::{Environment, Flags, Settings};
use breakglass_client::output::{Format, Printer};
use breakglass_client::session::Session;
use breakglass_domain::policy::STARTER;
use breakglass_proto::v1::CredentialKind;
use breakglass_tests::Playground;
use breakglass_tests::playground::{Process, Rules};
use breakglass_tests::{skipped, wait};
use rustix::process::Signal;
use serde_json::Value;
use tokio::process::Command;

use super::host::{Person, Service, accept, config, keygen, login};

/// Mia and Leon may go in at web-1; at web-2 too, by another right.
const WAYS: &str = r#"
[targets.web-1]
kind = "ssh"
address = "127.0.0.1:PORT"
grace = "GRACE"
[targets.web-2]
kind = "ssh"
address = "web-2.shop.example"
[rights.shell-web]
sentence = "open a shell on the first web server"
risk = "low"
longest = "30m"
ssh = { targets = ["web-1"], principals = ["LOGIN"] }
[rights.shell-other]
sentence = "open a shell on the second web server"
risk = "low"
longest = "30m"
ssh = { targets = ["web-2"], principals = ["LOGIN"] }
[[rules]]
name = "shell"
who = ["job:engineer"]
rights = ["shell-web", "shell-other"]
approvers = []
[drills]
rights = ["shell-web"]
"#;

/// web-1, whose guard attends.
pub(super) struct Fleet {
    folder: tempfile::TempDir,
    service: Service,
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
    // In this order: the guard ends before its broker goes.
    guard: Option<Process>,
    pub(super) playground: Playground,
}

/// A grant, and an agent with a certificate under it.
pub(super) struct Way {
    pub(super) grant: String,
    pub(super) certificate: String,
    agent: Agent,
}

impl Fleet {
    /// One whose target has this grace, and an open incident. `None` where we are not root.
    pub(super) fn begins(grace: &str) -> Option<Self> {
        Self::with(grace, false)
    }

    /// One that takes no certificate that does not prove that it was recorded, but of `daily`.
    pub(super) fn demanding(grace: &str) -> Option<Self> {
        Self::with(grace, true)
    }

    fn with(grace: &str, demanding: bool) -> Option<Self> {
        if !skipped::is_root() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ways = WAYS
            .replace("PORT", &address.port().to_string())
            .replace("GRACE", grace)
            .replace("LOGIN", &login());
        let playground = Playground::with(Rules {
            policy: Some(format!("{STARTER}{ways}")),
            ..Rules::default()
        });
        let service = {
            let daily = folder.path().join("daily-ca.pub");
            let words = format!("--demand-entry --daily-ca {}", daily.display());
            Service::installed(folder.path(), if demanding { &words } else { "" })
        };
        is_set_up(folder.path(), &playground);
        let stop = Arc::new(AtomicBool::new(false));
        let (place, stopped, name) = (folder.path().to_owned(), stop.clone(), service.name());
        let accepting = std::thread::spawn(move || accept(&listener, &place, &name, &stopped));
        let mut fleet = Self {
            folder,
            service,
            address,
            stop,
            accepting: Some(accepting),
            guard: None,
            playground,
        };
        fleet.guard_enrols();
        fleet.guard_starts();
        fleet.playground.opens("the worker is flooded");
        Some(fleet)
    }

    fn guard_enrols(&self) {
        let invite = ["-o", "json", "targets", "invite", "web-1"];
        let invited = self.playground.done("founder", &invite).json();
        let line = invited["enrolment"].as_str().unwrap();
        self.playground.enrols("web-1", line);
    }

    /// The guard runs, and attends.
    pub(super) fn guard_starts(&mut self) {
        let path = |name: &str| self.path(name).to_str().unwrap().to_owned();
        let words = [
            "guard",
            "ssh",
            "--krl",
            &path("revoked"),
            "--state",
            &path("state"),
            "--socket",
            &path("guard.sock"),
        ];
        let mut guard = self.playground.spawns("web-1", &words);
        guard.says("the guard of web-1 begins");
        self.guard = Some(guard);
        self.guard_attends();
    }

    /// The broker knows that the guard attends.
    pub(super) fn guard_attends(&self) {
        let because = "attending is no entry";
        wait::until("the guard attends", because, || {
            self.target()["attended"].as_bool().filter(|is| *is)
        });
    }

    /// The guard is killed with `kill -9`.
    pub(super) fn guard_is_killed(&mut self) {
        let guard = self.guard.take().unwrap();
        guard.signal(Signal::KILL);
        let _ = guard.finishes();
        std::fs::remove_file(self.path("guard.sock")).unwrap();
    }

    /// The guard that runs.
    pub(super) fn guard(&mut self) -> &mut Process {
        self.guard.as_mut().unwrap()
    }

    /// web-1, as `glass targets list` tells of it.
    pub(super) fn target(&self) -> Value {
        let list = ["-o", "json", "targets", "list"];
        let targets = self.playground.done("mia", &list).json();
        let mut targets = targets.as_array().unwrap().iter();
        targets.find(|it| it["id"] == "web-1").unwrap().clone()
    }

    /// Somebody has a grant, and a certificate under it.
    pub(super) async fn asks(&self, who: &str, right: &str) -> Way {
        let words = [
            "-o",
            "json",
            "request",
            right,
            "-m",
            "the worker is flooded",
        ];
        let grant = self.playground.done(who, &words).json();
        let grant = grant["id"].as_str().unwrap().to_owned();
        let key = LoginKey::generate().unwrap();
        let session = self.session(who).await;
        let issued = session.issue_as(&grant, CredentialKind::SshCertificate, key.public_key());
        let certificate = issued.await.unwrap().value;
        let agent = self.path(&format!("agent-{grant}"));
        let agent = Agent::start(agent, key, &certificate).unwrap();
        let certificate = certificate.to_string();
        Way {
            grant,
            certificate,
            agent,
        }
    }

    /// Somebody has a certificate of their own making, on their own key.
    pub(super) fn forges(&self, name: &str, make: impl FnOnce(&[u8]) -> String) -> Way {
        let key = LoginKey::generate().unwrap();
        let certificate = make(key.public_key());
        let agent = Agent::start(self.path(&format!("agent-{name}")), key, &certificate).unwrap();
        Way {
            grant: String::new(),
            certificate,
            agent,
        }
    }

    /// Somebody logs in with a daily key, or with one that this authority of daily access has certified.
    pub(super) fn logs_in_daily(&self, authority: Option<&str>, script: &str) -> Person {
        let key = self.path(if authority.is_some() {
            "certified"
        } else {
            "daily"
        });
        if let Some(authority) = authority {
            let principal = login();
            let words = [
                "-q",
                "-s",
                authority,
                "-I",
                "mia",
                "-n",
                &principal,
                "certified.pub",
            ];
            keygen(self.folder.path(), &words);
        }
        let mut ssh = self.ssh();
        ssh.args(["-o", "IdentityAgent=none", "-o", "IdentitiesOnly=yes", "-i"]);
        ssh.arg(key)
            .arg(format!("{}@127.0.0.1", login()))
            .arg(script);
        Person::comes(ssh)
    }

    /// The broker's keys, for a thief.
    pub(super) fn keys(&self) -> PathBuf {
        self.playground.data().join("keys")
    }

    /// How a script logs in, with the agent it was given.
    pub(super) fn way_in(&self) -> String {
        format!(
            "ssh -F none -T -o BatchMode=yes -o StrictHostKeyChecking=no -o LogLevel=ERROR \
             -o UserKnownHostsFile=/dev/null -p {} {}@127.0.0.1",
            self.address.port(),
            login()
        )
    }

    /// Somebody logs in and runs this.
    pub(super) fn logs_in(&self, way: &Way, script: &str) -> Person {
        let mut ssh = self.ssh();
        ssh.arg("-o")
            .arg(format!("IdentityAgent={}", way.agent.path().display()))
            .arg(format!("{}@127.0.0.1", login()))
            .arg(script);
        Person::comes(ssh)
    }

    fn ssh(&self) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-T", "-o", "BatchMode=yes"])
            .args(["-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"])
            .args(["-o", "UserKnownHostsFile=/dev/null"])
            .args(["-p", &self.address.port().to_string()]);
        ssh
    }

    /// What `glass doctor` says on this host, with an sshd on its path that has our settings.
    pub(super) fn doctor(&self) -> Vec<Value> {
        let (bin, config) = (self.path("bin"), self.path("sshd_config"));
        std::fs::create_dir_all(&bin).unwrap();
        let script = format!(
            "#!/bin/sh\nexec /usr/sbin/sshd \"$@\" -f {}\n",
            config.display()
        );
        let shim = bin.join("sshd");
        std::fs::write(&shim, script).unwrap();
        std::fs::set_permissions(&shim, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut doctor = self
            .playground
            .glass_command("web-1", &["-o", "json", "doctor"]);
        doctor.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        let said = Process::spawn(doctor).finishes().json();
        said.as_array().unwrap().clone()
    }

    /// Waits for so many entries of a kind, and gives them.
    pub(super) fn records(&self, kind: &str, count: usize) -> Vec<Value> {
        let because = "the ledger is a file";
        let entries = || Some(self.playground.entries_of(kind));
        wait::until(&format!("{count} entries {kind}"), because, || {
            entries().filter(|entries| entries.len() >= count)
        })
    }

    /// sshd takes certificates of this authority from now on.
    pub(super) fn trusts(&self, authority: &str) {
        std::fs::write(self.path("ca.pub"), format!("{authority}\n")).unwrap();
    }

    /// The list that sshd goes by.
    pub(super) fn revoked(&self) -> Vec<u8> {
        std::fs::read(self.path("revoked")).unwrap_or_default()
    }

    async fn session(&self, who: &str) -> Session {
        let environment = Environment {
            config_folder: Some(self.playground.contexts()),
            context: Some(who.to_owned()),
            ..Environment::default()
        };
        let settings = Settings::new(Flags::default(), environment).unwrap();
        let opened = Session::open(&settings, &Printer::new(Format::Text)).await;
        opened.unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the one who accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        self.service.remove();
    }
}

/// What a host needs: its own key, the broker's authority, a list to go by.
fn is_set_up(folder: &Path, playground: &Playground) {
    for key in ["host", "daily-ca", "another-ca", "daily", "certified"] {
        keygen(folder, &["-q", "-t", "ed25519", "-N", "", "-f", key]);
    }
    let authorities = playground.glassd(&["ssh-ca"]).out;
    let users = authorities.lines().next().unwrap();
    let of = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let trusted = format!("{users}\n{}{}", of("daily-ca.pub"), of("another-ca.pub"));
    std::fs::write(folder.join("ca.pub"), trusted).unwrap();
    std::fs::write(folder.join("revoked"), "").unwrap();
    // Where its unprivileged part is locked in; a host makes it when it boots.
    std::fs::create_dir_all("/run/sshd").unwrap();
    std::fs::write(folder.join("sshd_config"), config(folder)).unwrap();
}
