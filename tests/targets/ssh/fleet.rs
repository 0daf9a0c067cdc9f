//! A broker's keys, a host that trusts them, and somebody who logs in.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use breakglass_broker::edge::{SystemClock, SystemEntropy};
use breakglass_broker::issue::keys::KeyFolder;
use breakglass_broker::issue::ssh::{
    HostCertificate, SerialRange, SshHostCa, SshIssuer, SshUserCa, krl,
};
use breakglass_broker::ledger::entry;
use breakglass_broker::ports::{Clock as _, CredentialOrder, Issuer as _};
use breakglass_client::agent::{Agent, LoginKey};
use breakglass_client::ssh::{Address, Call, HostCa};
use breakglass_domain::{CredentialId, GrantId, Lifetime, Line, Subject, Time};
use breakglass_tests::recorded::{announced, order, receipt};
use breakglass_tests::sshd::{Sshd, user};
use tokio::process::Command;

/// As what the certificates let people in.
const PRINCIPALS: &[&str] = &["deploy"];

/// The first credential of the 45th grant.
pub(super) const SERIAL: u64 = (45 << 20) + 1;

pub(super) const MINUTE: Lifetime = Lifetime::from_secs(60);

/// A broker's keys, and a host that trusts them.
pub(super) struct Fleet {
    pub(super) keys: tempfile::TempDir,
    pub(super) users: Arc<SshUserCa>,
    pub(super) hosts: SshHostCa,
    pub(super) sshd: Sshd,
}

impl Fleet {
    pub(super) fn begins() -> Self {
        Self::with_host_key("ed25519")
    }

    pub(super) fn with_host_key(kind: &str) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let folder = KeyFolder::create(&keys.path().join("keys")).unwrap();
        let users = Arc::new(SshUserCa::create(&folder).unwrap());
        let hosts = SshHostCa::create(&folder).unwrap();
        let sshd = Sshd::starts(kind, &users.public_line(), PRINCIPALS);
        let fleet = Self {
            keys,
            users,
            hosts,
            sshd,
        };
        fleet
            .sshd
            .shows(&fleet.certifies(&fleet.hosts, "127.0.0.1", MINUTE));
        fleet
    }

    /// A certificate for the host's key.
    pub(super) fn certifies(&self, ca: &SshHostCa, address: &str, life: Lifetime) -> String {
        let host = HostCertificate {
            public_line: &self.sshd.host_key(),
            serial: 1,
            key_id: "target=web-1",
            address,
            valid_after: now().minus(Lifetime::from_secs(120)),
            valid_before: now().plus(life),
        };
        ca.certify_host(&host, &entropy()).unwrap()
    }

    /// Somebody with a certificate that this changes.
    pub(super) fn mia(&self, change: impl FnOnce(&mut Login<'_>)) -> Mia {
        let key = LoginKey::generate().unwrap();
        let certificate = self.issues(&key, change);
        self.mia_with(key, &certificate)
    }

    pub(super) fn mia_with(&self, key: LoginKey, certificate: &str) -> Mia {
        let folder = tempfile::tempdir().unwrap();
        let agent = Agent::start(folder.path().join("agent.sock"), key, certificate).unwrap();
        let host_ca = HostCa::parse(&self.hosts.public_line()).unwrap();
        let address = Address::parse(&format!("127.0.0.1:{}", self.sshd.port())).unwrap();
        std::fs::write(
            folder.path().join("known_hosts"),
            host_ca.known_hosts(&address),
        )
        .unwrap();
        std::fs::write(folder.path().join("ssh_config"), "").unwrap();
        Mia {
            folder,
            agent,
            address,
        }
    }

    /// A certificate on this key that is good but for the change.
    pub(super) fn issues(&self, key: &LoginKey, change: impl FnOnce(&mut Login<'_>)) -> String {
        let mut login = Login::good();
        change(&mut login);
        login.is_issued(&self.users, key)
    }

    /// The list of what is revoked, as the broker publishes it.
    pub(super) fn revokes(&self, grants: &[u64]) -> Vec<u8> {
        let ranges = grants
            .iter()
            .filter_map(|grant| SerialRange::of_grant(GrantId(*grant)));
        krl(&self.users, 1, now(), ranges)
    }
}

/// Somebody with an agent and a configuration of their own.
pub(super) struct Mia {
    pub(super) folder: tempfile::TempDir,
    pub(super) agent: Agent,
    pub(super) address: Address,
}

impl Mia {
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What `glass ssh` will do: ssh with our arguments.
    pub(super) async fn runs(&self, options: &[&str], command: &[&str]) -> Output {
        let config = self.path("ssh_config");
        let mut all: Vec<OsString> = vec!["-F".into(), config.into(), "-v".into()];
        all.extend(options.iter().map(OsString::from));
        let command: Vec<OsString> = command.iter().map(OsString::from).collect();
        let (login, known_hosts) = (user(), self.path("known_hosts"));
        let call = Call {
            agent: self.agent.path(),
            address: &self.address,
            login: &login,
            known_hosts: Some(&known_hosts),
            options: &all,
            command: &command,
        };
        let mut ssh = Command::new("ssh");
        ssh.args(call.arguments().unwrap());
        Output::of(ssh).await
    }

    pub(super) async fn logs_in(&self) -> Output {
        self.runs(&[], &["echo", "hello"]).await
    }
}

#[derive(Debug)]
pub(super) struct Output {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Output {
    pub(super) async fn of(mut command: Command) -> Self {
        command
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true);
        let output = command.output().await.unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub(super) fn is_let_in(&self, sshd: &Sshd) {
        let let_in = self.code == 0 && self.out == "hello\n";
        assert!(let_in, "{}\n{}", self.err, sshd.said());
    }

    #[track_caller]
    pub(super) fn is_refused(&self, why: &str, sshd: &Sshd) {
        let refused = self.code == 255 && self.err.contains("Permission denied (publickey)");
        assert!(refused, "{why}: {}\n{}", self.err, sshd.said());
    }
}

pub(super) fn now() -> Time {
    SystemClock::start().now()
}

pub(super) fn entropy() -> SystemEntropy {
    SystemEntropy::open().unwrap()
}

/// What a right gives, as far as these stories change it.
pub(super) struct Login<'a> {
    pub(super) id: CredentialId,
    pub(super) principals: &'a [&'a str],
    pub(super) extensions: &'a [&'a str],
    pub(super) source_addresses: &'a [&'a str],
    /// The certificate begins a minute before.
    pub(super) at: Time,
    pub(super) expires_at: Time,
}

impl Login<'_> {
    pub(super) fn good() -> Self {
        Self {
            id: CredentialId {
                grant: GrantId(45),
                number: 1,
            },
            principals: PRINCIPALS,
            extensions: &["permit-pty"],
            source_addresses: &[],
            at: now(),
            expires_at: now().plus(MINUTE),
        }
    }

    /// The certificate on this key, made the way the broker makes it: recorded, then issued.
    pub(super) fn is_issued(&self, ca: &Arc<SshUserCa>, key: &LoginKey) -> String {
        let order = self.order(key.public_key());
        let issuer = SshIssuer::new(Arc::clone(ca), entry::read, Arc::new(entropy()));
        let issued = issuer.issue(&receipt(&announced(&order)), &order).unwrap();
        issued.value.to_string()
    }

    fn order(&self, public: &[u8]) -> CredentialOrder {
        let lines = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| Line::parse(text).unwrap())
                .collect()
        };
        let subject = Subject::Login {
            serial: self.id.serial(),
            principals: self
                .principals
                .iter()
                .map(|it| it.parse().unwrap())
                .collect(),
            extensions: self
                .extensions
                .iter()
                .map(|it| it.parse().unwrap())
                .collect(),
            source_addresses: lines(self.source_addresses),
        };
        order(self.id, (self.at, self.expires_at), public, subject)
    }
}
