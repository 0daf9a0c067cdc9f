//! AWS as moto stands in for it, on this machine.

use std::path::PathBuf;
use std::process::Command;

use crate::playground::Process;

/// It serves until it is dropped.
pub struct Moto {
    url: String,
    _process: Process,
}

impl Moto {
    /// In the clear, as the AWS CLI takes it for a test.
    #[must_use]
    pub fn begins() -> Self {
        Self::with(&[])
    }

    /// With more words on its command line.
    ///
    /// # Panics
    /// Where it is not installed, or does not start.
    #[must_use]
    pub fn with(words: &[&str]) -> Self {
        let mut process = start("moto_server", words);
        let line = process.says("Running on");
        let url = line.split_whitespace().last().expect("it says where");
        Self {
            url: url.to_owned(),
            _process: process,
        }
    }

    /// As a proxy that stands in for every name of AWS: for calls that cannot be told another one.
    ///
    /// # Panics
    /// Where it is not installed, or does not start.
    #[must_use]
    pub fn proxy() -> Self {
        let mut process = start("moto_proxy", &[]);
        let line = process.says("Serving HTTP Proxy on");
        let address = line.split_whitespace().find(|word| word.contains(':'));
        Self {
            url: format!("http://{}", address.expect("it says where")),
            _process: process,
        }
    }

    /// The authority of what the proxy shows for AWS.
    ///
    /// # Panics
    /// Where it is not installed.
    #[must_use]
    pub fn proxy_authority() -> PathBuf {
        let libraries = std::fs::read_dir(tools().join("python/lib")).expect("it is installed");
        let of_moto = "site-packages/moto/moto_proxy/ca.crt";
        libraries
            .filter_map(|entry| Some(entry.ok()?.path().join(of_moto)))
            .find(|path| path.is_file())
            .expect("moto has a proxy")
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn start(program: &str, words: &[&str]) -> Process {
    let program = tools().join("python/bin").join(program);
    assert!(
        program.is_file(),
        "{} is missing; install it with: tests/run",
        program.display()
    );
    let mut command = Command::new(program);
    // Else it says where it is only when it has much to say.
    command.env("PYTHONUNBUFFERED", "1");
    command.args(["-H", "127.0.0.1", "-p", "0"]).args(words);
    Process::spawn(command)
}

/// What `tests/run` installed.
///
/// # Panics
/// Never within a test: that is a program in a folder.
#[must_use]
pub fn tools() -> PathBuf {
    let named = std::env::var_os("GLASS_TEST_TOOLS").map(PathBuf::from);
    named.unwrap_or_else(|| {
        let this = std::env::current_exe().expect("a test is a program");
        // target/PROFILE/deps/targets-0123
        let target = this.ancestors().nth(3).expect("it is in target");
        target.join("test-tools")
    })
}
