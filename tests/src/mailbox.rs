//! A real mail server on this machine: aiosmtpd, as `tests/run` installed it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::moto::tools;
use crate::papers::Paper;
use crate::playground::Process;

/// What the broker is there.
pub const USER: &str = "glass";

/// Its password.
pub const PASSWORD: &str = "mail-hunter2-mail";

/// It takes mail in until it is dropped.
pub struct Mailbox {
    port: u16,
    process: Process,
}

impl Mailbox {
    /// With `starttls` or `tls`; its papers are laid into a folder.
    ///
    /// # Panics
    /// Where it is not installed, or does not start.
    #[must_use]
    pub fn begins(mode: &str, paper: &Paper, folder: &Path) -> Self {
        let (certificate, key) = (folder.join("mail.crt"), folder.join("mail.key"));
        std::fs::write(&certificate, &paper.certificate).expect("it is written");
        std::fs::write(&key, &paper.key).expect("it is written");
        let python = tools().join("python/bin/python3");
        assert!(
            python.is_file(),
            "{} is missing; install it with: tests/run",
            python.display()
        );
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/mail_server.py");
        let mut command = Command::new(python);
        command.arg(script).arg(mode).arg(certificate).arg(key);
        command.args([USER, PASSWORD]);
        let mut process = Process::spawn(command);
        let line = process.says("listening");
        let port = line
            .split_whitespace()
            .last()
            .and_then(|it| it.parse().ok());
        Self {
            port: port.expect("it says where"),
            process,
        }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next message that it takes.
    ///
    /// # Panics
    /// Where none comes in time.
    pub fn takes(&mut self) -> Value {
        let line = tokio::task::block_in_place(|| self.process.says("\"from\""));
        serde_json::from_str(&line).expect("it says JSON")
    }
}
