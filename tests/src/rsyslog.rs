//! rsyslog, from Debian's packages, with the file that `docs/operating/siem.md` shows. It is killed and
//! removed when its story is over.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::papers::Papers;
use crate::playground::{Ports, Process};
use crate::wait::until;

/// Where Debian's package has it.
const PROGRAM: &str = "/usr/sbin/rsyslogd";

/// How it is spoken with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// TCP alone.
    Tcp,
    /// TLS by OpenSSL, and it wants to see a client certificate.
    Openssl,
    /// TLS by GnuTLS, with no certificate of a client.
    Gnutls,
}

/// A collector of syslog.
pub struct Rsyslog {
    ports: Ports,
    speaks: Speaks,
    papers: Papers,
    process: Option<Process>,
    // Last, so that it has ended before its folder goes.
    folder: TempDir,
}

impl Rsyslog {
    /// It listens.
    ///
    /// # Panics
    /// Where Debian's packages are not installed, or it does not start.
    #[must_use]
    pub fn begins(speaks: Speaks) -> Self {
        let folder = tempfile::Builder::new().prefix("glass-rsyslog").tempdir();
        let mut it = Self {
            ports: Ports::reserve(),
            speaks,
            papers: Papers::of("whoever certifies here"),
            process: None,
            folder: folder.expect("a folder for the collector"),
        };
        it.lays_papers();
        it.lays_config();
        it.starts();
        it
    }

    /// The lines of `[stream.NAME]` that lead here.
    #[must_use]
    pub fn stream(&self, name: &str, more: &str) -> String {
        let (port, at) = (self.ports.grpc, |name: &str| self.at(name));
        let way = match self.speaks {
            Speaks::Tcp => "tls = false".to_owned(),
            Speaks::Gnutls => format!("ca_file = {:?}", at("ca.pem")),
            Speaks::Openssl => format!(
                "ca_file = {:?}\ncertificate_file = {:?}\nkey_file = {:?}",
                at("ca.pem"),
                at("broker.pem"),
                at("broker.key")
            ),
        };
        format!(
            "[stream.{name}]\nkind = \"syslog\"\naddress = \"localhost:{port}\"\n\
             allow_private = true\n{way}\n{more}\n"
        )
    }

    /// It is killed with `kill -9`.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn is_killed(&mut self) {
        self.ends(Signal::KILL);
    }

    /// It ends as a service manager ends it.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn stops(&mut self) {
        self.ends(Signal::TERM);
    }

    fn ends(&mut self, signal: Signal) {
        let process = self.process.take().expect("it runs");
        process.signal(signal);
        let _ = process.finishes();
        let _ = fs::remove_file(self.at("pid"));
    }

    /// It starts, and listens.
    ///
    /// # Panics
    /// Where it does not.
    pub fn starts(&mut self) {
        let mut command = Command::new(PROGRAM);
        command.arg("-n").arg("-f").arg(self.at("rsyslog.conf"));
        command.arg("-i").arg(self.at("pid"));
        self.process = Some(Process::spawn(command));
        let address = ("127.0.0.1", self.ports.grpc);
        until("rsyslog listens", "it tells nobody", || {
            std::net::TcpStream::connect(address).ok()
        });
    }

    /// What it has written so far: whole lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.at("ledger.jsonl")).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn lays_papers(&self) {
        let (ours, theirs) = (self.papers.server(), self.papers.client_with_key("broker"));
        for (name, text) in [
            ("ca.pem", &self.papers.pem()),
            ("logs.pem", &ours.certificate),
            ("logs.key", &ours.key),
            ("broker.pem", &theirs.certificate),
            ("broker.key", &theirs.key),
        ] {
            fs::write(self.at(name), text).expect("a paper is laid");
        }
        private(&self.at("broker.key"));
    }

    /// The sample, in which only addresses, paths and the driver are changed.
    fn lays_config(&self) {
        let sample =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/monitoring/rsyslog.conf");
        let mut text = fs::read_to_string(sample).expect("the sample is there");
        let at = |name: &str| self.at(name).display().to_string();
        let tls = "streamDriver.name=\"ossl\" streamDriver.mode=\"1\" streamDriver.authMode=\"x509/certvalid\"";
        let driver = match self.speaks {
            Speaks::Openssl => tls,
            Speaks::Tcp => "",
            Speaks::Gnutls => {
                "streamDriver.name=\"gtls\" streamDriver.mode=\"1\" streamDriver.authMode=\"anon\""
            }
        };
        let here = format!("port=\"{}\" address=\"127.0.0.1\"", self.ports.grpc);
        for (from, to) in [
            ("/etc/rsyslog.d/breakglass-ca.pem", at("ca.pem").as_str()),
            ("/etc/rsyslog.d/logs.pem", &at("logs.pem")),
            ("/etc/rsyslog.d/logs.key", &at("logs.key")),
            ("/var/log/breakglass/ledger.jsonl", &at("ledger.jsonl")),
            ("port=\"6514\"", &here),
            (tls, driver),
        ] {
            assert!(text.contains(from), "the sample has {from}");
            text = text.replace(from, to);
        }
        fs::write(self.at("rsyslog.conf"), text).expect("a config is laid");
    }
}

fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(path, mode).expect("it is ours");
}
