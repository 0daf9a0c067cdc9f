//! What `glass exec` lays for a command, laid by hand: into a folder of the story's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use breakglass_client::exec::place::{Environment, Given, Place};
use tempfile::TempDir;

use crate::playground::{Output, Process};

/// A place that is filled.
pub struct LaidOut {
    folder: TempDir,
    place: Place,
    environment: Environment,
}

impl LaidOut {
    /// Fills it.
    ///
    /// # Panics
    /// Where the credential does not fit.
    #[must_use]
    pub fn with(place: Place, given: Given<'_>) -> Self {
        let folder = tempfile::Builder::new().prefix("laid out ").tempdir();
        let mut laid = Self {
            folder: folder.expect("a folder for the story"),
            place,
            environment: Environment::default(),
        };
        laid.environment = laid.lay(given);
        laid
    }

    /// Another credential comes in place of the one before.
    ///
    /// # Panics
    /// Where a running command would have to be told something else.
    pub fn is_renewed(&mut self, given: Given<'_>) {
        assert_eq!(self.lay(given), self.environment);
    }

    /// A file in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a program with it to its end. It knows nothing else of this machine but `PATH`.
    #[must_use]
    pub fn runs(&self, program: &str, words: &[&str]) -> Output {
        Process::spawn(self.command(program, words)).finishes()
    }

    /// The same, not yet run.
    #[must_use]
    pub fn command(&self, program: &str, words: &[&str]) -> Command {
        self.over(bare(program, self.folder.path()), words)
    }

    /// A program that knew something of its own before.
    #[must_use]
    pub fn over(&self, mut command: Command, words: &[&str]) -> Command {
        command.args(words);
        self.environment.apply_to(&mut command);
        command
    }

    fn lay(&self, given: Given<'_>) -> Environment {
        let laid = self.place.lay(self.folder.path(), given);
        let laid = laid.expect("it fits");
        for file in &laid.files {
            write_private(&self.path(file.name), &file.content);
        }
        laid.environment
    }
}

/// A program that knows nothing of this machine but `PATH`, at home in a folder.
#[must_use]
pub fn bare(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("LANG", "C.UTF-8")
        .current_dir(home)
        .stdin(std::process::Stdio::null());
    command
}

fn write_private(path: &Path, content: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let beside = path.with_extension("new");
    std::fs::write(&beside, content).expect("it is written");
    std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
    std::fs::rename(&beside, path).expect("it is replaced");
}
