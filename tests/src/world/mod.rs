//! A broker in this process, put together as `glassd serve` does it, on a data folder that
//! `glassd init` made; with a clock that is held. The team speaks to it over real TLS through the
//! real client library.

mod audit;
mod laptop;
mod verbs;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use breakglass_broker::commands::{self, Addresses, Arguments, Broker, Failure, Printer, Running};
use breakglass_broker::config::Config;
use breakglass_domain::Time;
use breakglass_domain::policy::STARTER;
use breakglass_tlog::VerifierKey;
use clap::Parser as _;
use serde_json::Value;
use tempfile::TempDir;

pub use laptop::Told;
pub use verbs::Ask;

use crate::TEAM;
use crate::held::{HeldClock, SeededEntropy};
use crate::playground::invitations;

/// The name of every world's ledger.
pub const ORIGIN: &str = "glass.example/ledger";

/// The issuer of every world's tokens.
pub const ISSUER: &str = "https://glass.example:7444";

/// A broker, its team and its clock.
pub struct World {
    folder: TempDir,
    config: Config,
    clock: Arc<HeldClock>,
    entropy: Arc<SeededEntropy>,
    running: Option<Running>,
    /// Lines for `glass enroll` that nobody has used yet.
    invitations: Mutex<BTreeMap<String, String>>,
}

impl World {
    /// With the starter policy, and everybody enrolled.
    pub async fn begins() -> Self {
        Self::with(STARTER, "").await
    }

    /// With the starter policy, and nobody enrolled yet.
    pub async fn of_strangers() -> Self {
        Self::made(STARTER, "").await
    }

    /// With another policy.
    pub async fn with_policy(policy: &str) -> Self {
        Self::with(policy, "").await
    }

    /// With another policy, and more lines in the config file.
    ///
    /// # Panics
    /// Where the broker does not start.
    pub async fn with(policy: &str, settings: &str) -> Self {
        let world = Self::made(policy, settings).await;
        for who in invited(policy) {
            world.is_enrolled(who).await;
        }
        world
    }

    async fn made(policy: &str, settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the story");
        let file = folder.path().join("glassd.toml");
        fs::write(folder.path().join("policy.toml"), policy).expect("a policy is written");
        fs::write(&file, config_text(settings)).expect("a config is written");
        let printed = glassd(&file, &invited(policy));
        let config = Config::load(&file).expect("the config is good");
        let now = Time::from_timestamp(breakglass_client::time::now());
        let mut world = Self {
            config,
            folder,
            clock: Arc::new(HeldClock::at(now)),
            entropy: Arc::new(SeededEntropy::from_seed(20_261_123)),
            running: None,
            invitations: Mutex::new(invitations(&printed).into_iter().collect()),
        };
        world.starts().await;
        world
    }

    /// The broker starts.
    ///
    /// # Panics
    /// Where it does not.
    pub async fn starts(&mut self) {
        self.running = Some(self.start_another().await.expect("the broker starts"));
    }

    /// A broker tries to start on the same data folder.
    ///
    /// # Errors
    /// Why it did not.
    pub async fn start_another(&self) -> Result<Running, Failure> {
        Broker::start(&self.config, self.clock.clone(), self.entropy.clone()).await
    }

    /// The broker stops as on SIGTERM.
    pub async fn stops(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
    }

    /// Stops and starts.
    pub async fn restarts(&mut self) {
        self.stops().await;
        self.starts().await;
    }

    /// The broker that runs.
    ///
    /// # Panics
    /// Where none does.
    #[must_use]
    pub fn broker(&self) -> &Running {
        self.running.as_ref().expect("a broker runs")
    }

    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.broker().addresses()
    }

    /// The web listener.
    #[must_use]
    pub fn web(&self) -> SocketAddr {
        self.addresses().web
    }

    /// The held clock.
    #[must_use]
    pub fn clock(&self) -> &HeldClock {
        &self.clock
    }

    /// Time passes, and the broker does what is due.
    ///
    /// # Panics
    /// Where it cannot.
    pub async fn passes(&self, length: Duration) {
        self.clock.passes(length);
        self.broker()
            .app()
            .tick()
            .await
            .expect("what is due is done");
    }

    /// Minutes pass.
    pub async fn minutes_pass(&self, minutes: u64) {
        self.passes(Duration::from_secs(minutes * 60)).await;
    }

    /// The policy file is changed, and the broker told to load it.
    ///
    /// # Errors
    /// What is wrong with it; the old one stays in force.
    pub async fn policy_becomes(&self, text: &str) -> Result<String, Failure> {
        fs::write(&self.config.policy_file, text).expect("the policy is written");
        self.broker().reload().await
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.config.data_dir
    }

    /// The config.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Other lines in the config file; for the next start.
    ///
    /// # Panics
    /// Where it is no config.
    pub fn settings_become(&mut self, settings: &str) {
        let file = self.config.file.clone();
        fs::write(&file, config_text(settings)).expect("a config is written");
        self.config = Config::load(&file).expect("the config is good");
    }

    /// A folder of the story's own.
    #[must_use]
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Every entry on disk, oldest first, read from the journal as an auditor with a copy would.
    #[must_use]
    pub fn entries(&self) -> Vec<Value> {
        entries_in(&self.config.ledger_dir())
    }

    /// The kinds of all entries from a place on.
    #[must_use]
    pub fn kinds_from(&self, place: usize) -> Vec<String> {
        let entries = self.entries();
        let kind = |entry: &Value| entry["kind"].as_str().unwrap_or_default().to_owned();
        entries[place.min(entries.len())..]
            .iter()
            .map(kind)
            .collect()
    }

    /// Entries of one kind.
    #[must_use]
    pub fn entries_of(&self, kind: &str) -> Vec<Value> {
        self.entries()
            .into_iter()
            .filter(|entry| entry["kind"] == kind)
            .collect()
    }

    fn invitation(&self, who: &str) -> Option<String> {
        let mut lines = self
            .invitations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let line = lines.remove(who)?;
        // Made before the broker had a port.
        let port = self.addresses().grpc.port();
        Some(line.replacen(":0#", &format!(":{port}#"), 1))
    }

    fn keep_invitation(&self, who: &str, line: String) {
        let mut lines = self
            .invitations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        lines.insert(who.to_owned(), line);
    }
}

/// Every story ends with an audit of what it left.
impl Drop for World {
    fn drop(&mut self) {
        // A story that failed has said so already.
        if std::thread::panicking() {
            return;
        }
        let vkey = fs::read_to_string(self.config.data_dir.join("keys/ledger.vkey"));
        let key = VerifierKey::parse(vkey.expect("the ledger's key").trim());
        audit::audit(&self.config.ledger_dir(), key.expect("a verifier key"));
    }
}

/// The entries of a ledger's folder, oldest first.
///
/// # Panics
/// Where a line is no JSON.
#[must_use]
pub fn entries_in(ledger: &Path) -> Vec<Value> {
    let mut files: Vec<_> = fs::read_dir(ledger.join("journal"))
        .expect("a journal")
        .map(|file| file.expect("a file of the journal").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"))
        .collect();
    files.sort();
    let mut entries = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).expect("the journal is text");
        // What is being written while we read has no newline yet, or no commit: it is not there.
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let lines = whole
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        entries.extend(lines.filter(|entry: &Value| entry["commit"].is_null()));
    }
    entries
}

fn config_text(settings: &str) -> String {
    format!(
        "data_dir = \"data\"\nlisten = \"127.0.0.1:0\"\nweb_listen = \"127.0.0.1:0\"\n\
         metrics_listen = \"127.0.0.1:0\"\nledger_origin = \"{ORIGIN}\"\nissuer = \"{ISSUER}\"\n\
         {settings}\n"
    )
}

fn invited(policy: &str) -> Vec<&'static str> {
    TEAM.into_iter()
        .filter(|who| policy.contains(&format!("[people.{who}]")))
        .collect()
}

/// Runs `glassd init`; what it prints. On a thread of its own: it makes a runtime of its own.
fn glassd(config: &Path, people: &[&str]) -> String {
    let mut words = vec![
        "glassd".into(),
        "init".into(),
        "--config".into(),
        config.into(),
    ];
    for person in people {
        words.extend([std::ffi::OsString::from("--invite"), (*person).into()]);
    }
    let arguments = Arguments::try_parse_from(words).expect("the command is understood");
    let (out, err) = (Page::default(), Page::default());
    let pages = (out.clone(), err.clone());
    let done =
        std::thread::spawn(move || commands::run(&arguments, &mut Printer::to(pages.0, pages.1)));
    done.join()
        .expect("no panic")
        .unwrap_or_else(|why| panic!("{why:?}: {}", err.text()));
    out.text()
}

/// Something to write on that two can look at.
#[derive(Debug, Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
