//! The real `glassd` and `glass`, as processes, in a folder of their own with a space in its path,
//! on ports nobody else has. Everything ends and is removed when the playground is dropped.

mod output;
mod ports;
mod process;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub use output::Output;
pub(crate) use output::invitations;
pub use ports::Ports;
pub use process::{Process, binary};

use crate::TEAM;
use crate::wait;
use crate::world::entries_in;

/// How a playground differs from the usual one.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Another policy than the starter.
    pub policy: Option<String>,
    /// More lines of the config file.
    pub settings: String,
    /// Where the data folder is, in place of `broker` in the playground's folder.
    pub data: Option<PathBuf>,
    /// Words before `glassd serve`, for example a shell that sets a limit.
    pub through: Vec<String>,
}

/// A broker and five laptops.
pub struct Playground {
    folder: TempDir,
    ports: Ports,
    rules: Rules,
    glassd: Option<Process>,
}

impl Playground {
    /// The usual one.
    #[must_use]
    pub fn begins() -> Self {
        Self::with(Rules::default())
    }

    /// One with more lines in its config.
    #[must_use]
    pub fn with_settings(settings: &str) -> Self {
        Self::with(Rules {
            settings: settings.to_owned(),
            ..Rules::default()
        })
    }

    /// Another one. Everybody in [`TEAM`] whom the policy knows is enrolled.
    ///
    /// # Panics
    /// Where the broker does not start or somebody does not enrol.
    #[must_use]
    pub fn with(rules: Rules) -> Self {
        let mut playground = Self::empty(rules);
        let words = playground.team_to_invite();
        let made = playground.glassd(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(made.code, 0, "glassd init: {made}");
        playground.serves();
        for (who, line) in made.invitations() {
            playground.enrols(&who, &line);
        }
        playground
    }

    /// Only a folder, a config and perhaps a policy: nothing is made, nothing runs.
    ///
    /// # Panics
    /// Where the folder cannot be made.
    #[must_use]
    pub fn empty(rules: Rules) -> Self {
        let folder = tempfile::Builder::new().prefix("glass at three").tempdir();
        let folder = folder.expect("a folder for the story");
        let ports = Ports::reserve();
        let playground = Self {
            folder,
            ports,
            rules,
            glassd: None,
        };
        fs::create_dir(playground.path("home")).expect("a home is made");
        fs::create_dir(playground.path("the broker")).expect("a folder for the broker");
        fs::write(playground.config(), playground.config_text()).expect("a config is written");
        if let Some(policy) = &playground.rules.policy {
            fs::write(playground.policy(), policy).expect("a policy is written");
        }
        playground
    }

    /// A file in the playground's folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its ports.
    #[must_use]
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// The broker's config file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.path("the broker/glassd.toml")
    }

    /// The broker's policy file.
    #[must_use]
    pub fn policy(&self) -> PathBuf {
        self.path("the broker/policy.toml")
    }

    /// The broker's data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.rules
            .data
            .clone()
            .unwrap_or_else(|| self.path("the broker/data"))
    }

    /// The folder of all contexts.
    #[must_use]
    pub fn contexts(&self) -> PathBuf {
        self.path("laptops")
    }

    /// Every entry on disk, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<Value> {
        entries_in(&self.data().join("ledger"))
    }

    /// Entries of one kind.
    #[must_use]
    pub fn entries_of(&self, kind: &str) -> Vec<Value> {
        self.entries()
            .into_iter()
            .filter(|entry| entry["kind"] == kind)
            .collect()
    }

    /// Runs a `glassd` command to its end.
    pub fn glassd(&self, words: &[&str]) -> Output {
        Process::spawn(self.glassd_command(words)).finishes()
    }

    /// `glassd` with its config named, not yet run.
    pub fn glassd_command(&self, words: &[&str]) -> Command {
        let mut command = self.command(binary("glassd"));
        command.args(words).arg("--config").arg(self.config());
        command
    }

    /// The broker starts, and answers.
    ///
    /// # Panics
    /// Where it does not.
    pub fn serves(&mut self) {
        let mut glassd = self.tries_to_serve();
        glassd.says("serving");
        self.glassd = Some(glassd);
    }

    /// A broker starts, and perhaps does not get far.
    #[must_use]
    pub fn tries_to_serve(&self) -> Process {
        let mut command = match self.rules.through.as_slice() {
            [] => self.command(binary("glassd")),
            [program, words @ ..] => {
                let mut command = self.command(PathBuf::from(program));
                command.args(words).arg(binary("glassd"));
                command
            }
        };
        command.arg("serve").arg("--config").arg(self.config());
        Process::spawn(command)
    }

    /// The broker that runs.
    ///
    /// # Panics
    /// Where none does.
    pub fn broker(&mut self) -> &mut Process {
        self.glassd.as_mut().expect("a broker runs")
    }

    /// The broker ends as a service manager ends it; what it said.
    ///
    /// # Panics
    /// Where it does not end well.
    pub fn stops(&mut self) -> Output {
        let glassd = self.glassd.take().expect("a broker runs");
        glassd.signal(rustix::process::Signal::TERM);
        let said = glassd.finishes();
        assert_eq!(said.code, 0, "glassd serve: {said}");
        said
    }

    /// The broker is killed with `kill -9`.
    ///
    /// # Panics
    /// Where none runs.
    pub fn is_killed(&mut self) {
        let glassd = self.glassd.take().expect("a broker runs");
        glassd.signal(rustix::process::Signal::KILL);
        let _ = glassd.finishes();
    }

    /// Runs a `glass` command of somebody to its end, with nobody at a terminal.
    pub fn glass(&self, who: &str, words: &[&str]) -> Output {
        self.spawns(who, words).finishes()
    }

    /// The same; it has to work.
    ///
    /// # Panics
    /// Where it exits otherwise than with 0.
    pub fn done(&self, who: &str, words: &[&str]) -> Output {
        let said = self.glass(who, words);
        assert_eq!(said.code, 0, "glass {}: {said}", words.join(" "));
        said
    }

    /// Starts a `glass` command of somebody.
    #[must_use]
    pub fn spawns(&self, who: &str, words: &[&str]) -> Process {
        Process::spawn(self.glass_command(who, words))
    }

    /// A `glass` command of somebody, not yet run.
    #[must_use]
    pub fn glass_command(&self, who: &str, words: &[&str]) -> Command {
        let mut command = self.command(binary("glass"));
        command.env("GLASS_CONTEXT", who).args(words);
        command
    }

    /// Opens an incident as support; its id.
    pub fn opens(&self, title: &str) -> String {
        self.done("support", &["incident", "open", title]);
        let incidents = self
            .done("support", &["-o", "json", "incident", "list"])
            .json();
        incidents[0]["id"].as_str().expect("an id").to_owned()
    }

    /// Waits until all there is has been published as files; how many entries.
    ///
    /// # Panics
    /// Where that does not happen.
    pub fn published(&self) -> u64 {
        let entries = self.entries().len() as u64;
        let path = self.data().join("ledger/checkpoint");
        wait::until("the ledger is published", "it is not", || {
            let note = fs::read_to_string(&path).ok()?;
            let size: u64 = note.lines().nth(1)?.parse().ok()?;
            (size >= entries).then_some(size)
        })
    }

    /// A laptop is enrolled with a line.
    ///
    /// # Panics
    /// Where it does not work.
    pub fn enrols(&self, who: &str, line: &str) {
        self.done(who, &["enroll", line, "--device", "laptop"]);
    }

    /// A program of ours or of the system with a clean environment, and nobody at a terminal.
    #[must_use]
    pub fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("TZ", "UTC")
            .env("LANG", "C.UTF-8")
            .env("GLASS_CONFIG_DIR", self.contexts())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Makes a program of a shell script; its path.
    ///
    /// # Panics
    /// Where it cannot be written.
    #[must_use]
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is a program");
        path
    }

    fn team_to_invite(&self) -> Vec<String> {
        let policy = self
            .rules
            .policy
            .as_deref()
            .unwrap_or(breakglass_domain::policy::STARTER);
        let people = TEAM
            .into_iter()
            .filter(|who| policy.contains(&format!("[people.{who}]")));
        let invited = people.flat_map(|who| ["--invite".to_owned(), who.to_owned()]);
        std::iter::once("init".to_owned()).chain(invited).collect()
    }

    fn config_text(&self) -> String {
        let Ports { grpc, web, metrics } = self.ports;
        format!(
            "data_dir = {:?}\nlisten = \"127.0.0.1:{grpc}\"\nweb_listen = \"127.0.0.1:{web}\"\n\
             metrics_listen = \"127.0.0.1:{metrics}\"\n{}\n",
            self.data().to_string_lossy(),
            self.rules.settings
        )
    }
}

/// Whether a folder is one of this user's alone.
///
/// # Panics
/// Where it is not there.
#[must_use]
pub fn mode_of(path: &Path) -> u32 {
    fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o777
}
