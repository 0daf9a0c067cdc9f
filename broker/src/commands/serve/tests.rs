//! A broker that runs: what it serves, what it takes up, and how it ends.

mod ledger_key;
mod rotating;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use breakglass_domain::command::Act;
use breakglass_domain::event::KeyPurpose;
use breakglass_domain::{Change, Lifetime, Time};
use clap::Parser as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::stores::record;
use super::super::{Arguments, Printer, run};
use super::*;
use crate::config::Settings;
use crate::issue::keys::{Keyring, Rotation};
use crate::ports::Clock;

/// A clock that moves only when it is told to.
struct Held(Mutex<Time>);

impl Held {
    fn pass(&self, time: Lifetime) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.plus(time);
    }

    fn is_set_back(&self, by: Lifetime) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = Time::from_millis(now.as_millis() - by.as_millis());
    }
}

impl Clock for Held {
    fn now(&self) -> Time {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.now().as_millis().unsigned_abs())
    }
}

/// A broker in a folder of its own.
struct World {
    folder: tempfile::TempDir,
    clock: Arc<Held>,
}

impl World {
    /// Makes one; not for inside a runtime.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("glass");
        let words = ["glassd", "init", data.to_str().unwrap()];
        let mut printer = Printer::to(std::io::sink(), std::io::sink());
        run(&Arguments::try_parse_from(words).unwrap(), &mut printer).unwrap();
        let clock = Arc::new(Held(Mutex::new(SystemClock::start().now())));
        Self { folder, clock }
    }

    fn config(&self) -> Config {
        let mut config = Config::load(&self.folder.path().join("glass")).unwrap();
        let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = config.settings.clone();
        config.settings = Settings {
            listen: any,
            web_listen: any,
            metrics_listen: any,
            ..settings
        };
        config
    }

    async fn start(&self) -> Running {
        let entropy = Arc::new(SystemEntropy::open().unwrap());
        Broker::start(&self.config(), self.clock.clone(), entropy)
            .await
            .unwrap()
    }

    async fn refuses(&self) -> Failure {
        let entropy = Arc::new(SystemEntropy::open().unwrap());
        let started = Broker::start(&self.config(), self.clock.clone(), entropy).await;
        started.err().unwrap()
    }

    fn write_policy(&self, change: impl FnOnce(&str) -> String) {
        let file = self.config().policy_file;
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, change(&text)).unwrap();
    }
}

/// Runs a story on two threads.
fn story<F: Future<Output = ()>>(tell: impl FnOnce(World) -> F) {
    let world = World::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(tell(world));
}

fn kinds(running: &Running) -> Vec<Change> {
    let reader = &running.reader;
    let lines = reader.entries(0, 1_000).unwrap();
    lines
        .iter()
        .map(|line| crate::ledger::entry::read(line).unwrap().1.change)
        .collect()
}

async fn dial(running: &Running) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots
        .add(running.core.authority.certificate().clone())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let tcp = TcpStream::connect(running.addresses().web).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .unwrap()
}

async fn page(running: &Running, path: &str) -> String {
    let mut stream = dial(running).await;
    let asked = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The server may close without a word of TLS; what it said before is whole.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

fn certificate(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

#[test]
fn it_serves_what_targets_and_verifiers_need() {
    story(|world| async move {
        let running = world.start().await;
        let port = running.addresses().web.port();
        let discovery = page(&running, "/.well-known/openid-configuration").await;
        assert!(discovery.contains(&format!("\"issuer\":\"https://localhost:{port}\"")));
        assert!(
            page(&running, "/jwks.json")
                .await
                .contains("\"alg\":\"ES256\"")
        );
        assert!(page(&running, "/healthz").await.ends_with("ok\n"));
        let metrics = running.telemetry().metrics();
        assert!(metrics.contains("breakglass_ledger_size"), "{metrics}");
        running.shutdown().await;
    });
}

#[test]
fn it_comes_back_with_what_it_had_and_says_so_once() {
    story(|world| async move {
        world.start().await.shutdown().await;
        let running = world.start().await;
        let kinds = kinds(&running);
        let started = |change: &&Change| matches!(change, Change::BrokerStarted { .. });
        let loaded = |change: &&Change| matches!(change, Change::PolicyLoaded { .. });
        let added = |change: &&Change| matches!(change, Change::KeyAdded { .. });
        assert_eq!(kinds.iter().filter(started).count(), 2);
        assert_eq!(
            kinds.iter().filter(loaded).count(),
            1,
            "the same text is no new policy"
        );
        assert_eq!(kinds.iter().filter(added).count(), 6);
        running.shutdown().await;
    });
}

/// What targets trust, as it stands in the ledger.
fn trusted(running: &Running) -> Vec<(KeyPurpose, String)> {
    let for_targets = [
        KeyPurpose::SshUser,
        KeyPurpose::SshHost,
        KeyPurpose::Targets,
    ];
    let added = |change| match change {
        Change::KeyAdded { purpose, id, .. } => Some((purpose, id)),
        _ => None,
    };
    let added = kinds(running).into_iter().filter_map(added);
    added.filter(|(it, _)| for_targets.contains(it)).collect()
}

#[test]
fn a_broker_from_before_it_had_keys_for_targets_makes_them_once_and_puts_them_on_record() {
    story(|world| async move {
        let running = world.start().await;
        // As if they had never been.
        for (purpose, id) in trusted(&running) {
            let act = Act::RetireKey { purpose, id };
            record(&running.core.sequence, act).await.unwrap();
        }
        running.shutdown().await;
        let keys = world.config().keys_dir;
        for file in ["ssh-user.pem", "ssh-host.pem", "targets.pem", "targets.crt"] {
            std::fs::remove_file(keys.join(file)).unwrap();
        }
        for _ in 0..2 {
            let running = world.start().await;
            let trusted = trusted(&running);
            assert_eq!(trusted.len(), 6, "{trusted:?}");
            assert!((0..3).all(|of| trusted[of].0 == trusted[of + 3].0));
            assert!((0..3).all(|of| trusted[of].1 != trusted[of + 3].1));
            running.shutdown().await;
        }
    });
}

#[test]
fn a_key_for_targets_that_is_another_than_the_one_on_record_or_gone_is_told_at_the_start() {
    story(|world| async move {
        let keys = world.config().keys_dir;
        let (file, other) = (keys.join("ssh-user.pem"), keys.join("ssh-host.pem"));
        let right = std::fs::read(&file).unwrap();
        std::fs::copy(other, &file).unwrap();
        let refused = world.refuses().await;
        assert!(
            refused
                .to_string()
                .contains("the one for `ssh-user` is SHA256:"),
            "{refused}"
        );
        let next = refused.next().unwrap();
        assert!(
            next.starts_with("put ssh-user.pem back from the backup of the keys."),
            "{next}"
        );
        assert!(
            next.ends_with("glassd rotate --of ssh-user --compromised"),
            "{next}"
        );
        std::fs::remove_file(&file).unwrap();
        let refused = world.refuses().await;
        assert!(
            refused.to_string().contains("is not in the folder of keys"),
            "{refused}"
        );
        assert!(!file.exists(), "no other is made");
        std::fs::write(&file, right).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&file, private).unwrap();
        world.start().await.shutdown().await;
    });
}

#[test]
fn a_changed_policy_is_taken_up_at_the_start_and_on_reload() {
    story(|world| async move {
        world.write_policy(|text| format!("{text}\n# changed while it was off\n"));
        let running = world.start().await;
        assert_eq!(
            running.reload().await.unwrap(),
            "the policy is the same\nthe issuing keys are the same"
        );
        world.write_policy(|text| format!("{text}\n# and while it runs\n"));
        let told = running.reload().await.unwrap();
        assert!(told.starts_with("the policy is in force (entry "), "{told}");
        let loaded = |change: &&Change| matches!(change, Change::PolicyLoaded { .. });
        assert_eq!(kinds(&running).iter().filter(loaded).count(), 3);
        running.shutdown().await;
    });
}

#[test]
fn a_bad_policy_leaves_the_old_one_in_force_and_everybody_knows() {
    story(|world| async move {
        let running = world.start().await;
        let right = std::fs::read_to_string(world.config().policy_file).unwrap();
        world.write_policy(|text| text.replace("[people.mia]", "[people.mia"));
        let error = running.reload().await.unwrap_err().to_string();
        assert!(error.contains("policy.toml:"), "{error}");
        let troubles = running.core.troubles.all();
        assert!(
            troubles[0].contains("the rules from before are in force"),
            "{troubles:?}"
        );
        running.shutdown().await;
        // At night a misspelt line does not keep the emergency path shut.
        let running = world.start().await;
        assert_eq!(running.core.troubles.all().len(), 1);
        std::fs::write(world.config().policy_file, right).unwrap();
        running.reload().await.unwrap();
        assert!(running.core.troubles.all().is_empty());
        running.shutdown().await;
    });
}

#[test]
fn a_new_issuing_key_is_on_record_before_it_is_published_and_retired_when_it_is_over() {
    story(|world| async move {
        let running = world.start().await;
        let core = running.core.clone();
        let first = core
            .issuer
            .keyring()
            .active(world.clock.now())
            .unwrap()
            .kid
            .clone();
        let after = Rotation::After(Lifetime::from_secs(600));
        Keyring::rotate(&core.keys, world.clock.now(), after).unwrap();
        let keys_of = |text: &str| text.matches("\"kid\"").count();
        assert_eq!(keys_of(&page(&running, "/jwks.json").await), 1);
        let told = running.reload().await.unwrap();
        assert!(told.ends_with("1 new issuing key"), "{told}");
        assert_eq!(keys_of(&page(&running, "/jwks.json").await), 2);

        world.clock.pass(Lifetime::from_secs(3_600));
        let soon = world.clock.now().plus(Lifetime::from_secs(60));
        housekeeping::look(&core, soon).await;
        let retired = kinds(&running)
            .into_iter()
            .filter_map(|change| match change {
                Change::KeyRetired { id, .. } => Some(id),
                _ => None,
            });
        assert_eq!(retired.collect::<Vec<_>>(), [first.as_str()]);
        assert_eq!(keys_of(&page(&running, "/jwks.json").await), 1);
        assert_ne!(
            core.issuer.keyring().active(world.clock.now()).unwrap().kid,
            first
        );
        running.shutdown().await;
    });
}

#[test]
fn a_clock_set_back_before_the_first_key_does_not_keep_it_from_starting() {
    story(|world| async move {
        world.clock.is_set_back(Lifetime::from_secs(3_600));
        let running = world.start().await;
        let ring = running.core.issuer.keyring();
        assert!(ring.active(world.clock.now()).is_none());
        let from = ring.awaited(world.clock.now()).unwrap();
        running.shutdown().await;
        world.clock.pass(from.since(world.clock.now()));
        let running = world.start().await;
        let ring = running.core.issuer.keyring();
        assert!(ring.active(world.clock.now()).is_some());
        assert_eq!(ring.awaited(world.clock.now()), None);
        running.shutdown().await;
    });
}

#[test]
fn the_server_certificate_is_renewed_while_it_serves() {
    story(|world| async move {
        let running = world.start().await;
        let first = certificate(&dial(&running).await);
        let due = world.clock.now().plus(Lifetime::from_secs(20 * 86_400));
        assert_eq!(housekeeping::look(&running.core, due).await, due, "not yet");
        assert_eq!(certificate(&dial(&running).await), first);
        let due = world.clock.now();
        let next = housekeeping::look(&running.core, due).await;
        assert_eq!(next.since(due), Lifetime::from_secs(20 * 86_400));
        assert_ne!(certificate(&dial(&running).await), first);
        running.shutdown().await;
    });
}

#[test]
fn a_held_connection_does_not_keep_it_from_stopping() {
    story(|world| async move {
        let running = world.start().await;
        let mut idle = dial(&running).await;
        idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await
            .unwrap();
        idle.read_exact(&mut [0; 15]).await.unwrap();
        running.shutdown().await;
        let mut rest = Vec::new();
        let _ = idle.read_to_end(&mut rest).await;
        assert!(
            String::from_utf8(rest).unwrap().ends_with("ok\n"),
            "it was answered first"
        );
    });
}

#[test]
fn what_became_of_a_reload_is_left_for_whoever_asked() {
    story(|world| async move {
        let config = world.config();
        let read = || Reloaded::read(&config).unwrap();
        tell(&config, 1, Ok("the policy is the same".into()));
        assert!(read().ok && read().number == 1);
        tell(&config, 2, Err(Failure::new("policy.toml:3: what?")));
        assert_eq!(
            (read().ok, read().text.as_str()),
            (false, "policy.toml:3: what?")
        );
    });
}
