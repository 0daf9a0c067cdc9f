//! The laptops of the team: contexts, sessions, connections.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use breakglass_client::cli::Cli;
use breakglass_client::commands::{self, Seat};
use breakglass_client::config::{Context, Environment, ServerUrl, Settings};
use breakglass_client::connect::connect;
use breakglass_client::error::Error;
use breakglass_client::identity::Identity;
use breakglass_client::output::{Format, Printer};
use breakglass_client::session::Session;
use breakglass_client::tls;
use breakglass_proto::statement::{Act, Statement};
use breakglass_proto::v1;
use clap::Parser as _;
use tonic::transport::Channel;

use super::World;

/// What a `glass` in this process said.
#[derive(Debug)]
pub struct Told {
    /// Its exit code.
    pub code: u8,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl World {
    /// A session of somebody, as each `glass` opens one; they enrol where they have not yet.
    ///
    /// # Panics
    /// Where it cannot be opened.
    pub async fn session(&self, who: &str) -> Session {
        self.try_session(who)
            .await
            .unwrap_or_else(|why| panic!("{who} has no session: {why}"))
    }

    /// The same, where it may not work.
    ///
    /// # Errors
    /// What `glass` would say.
    pub async fn try_session(&self, who: &str) -> Result<Session, Error> {
        self.is_enrolled(who).await;
        Session::open(&self.settings(who), &silent()).await
    }

    /// Somebody is enrolled with the line they were given.
    ///
    /// # Panics
    /// Where it does not work.
    pub async fn is_enrolled(&self, who: &str) {
        if let Some(line) = self.invitation(who) {
            let told = self
                .glass(who, &["enroll", &line, "--device", "laptop"])
                .await;
            assert_eq!(told.code, 0, "{who} does not enrol: {}", told.err);
        }
    }

    /// Somebody got an invitation by other means.
    pub fn is_handed(&self, who: &str, line: &str) {
        self.keep_invitation(who, line.to_owned());
    }

    /// The line somebody was given and has not used.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn takes_invitation_of(&self, who: &str) -> String {
        self.invitation(who)
            .unwrap_or_else(|| panic!("{who} has no invitation"))
    }

    /// Runs a `glass` command of somebody in this process.
    ///
    /// # Panics
    /// Where the words are no command.
    pub async fn glass(&self, who: &str, words: &[&str]) -> Told {
        let all = std::iter::once("glass").chain(words.iter().copied());
        let cli = Cli::try_parse_from(all).unwrap_or_else(|why| panic!("{words:?}: {why}"));
        let (out, err) = <(Arc<Mutex<Vec<u8>>>, Arc<Mutex<Vec<u8>>>)>::default();
        let format = cli.flags.output.unwrap_or_default();
        let printer = Printer::to_buffers(format, out.clone(), err.clone());
        let settings = Settings::new(cli.flags, self.environment(who)).expect("a folder is named");
        let seat = Seat {
            settings,
            printer: printer.clone(),
        };
        let code = match commands::run(cli.command, &seat).await {
            Ok(code) => code,
            Err(error) => {
                printer.error(&error);
                error.exit_code()
            }
        };
        Told {
            code,
            out: text(&out),
            err: text(&err),
        }
    }

    /// The files of somebody's enrolment.
    ///
    /// # Panics
    /// Where they are not enrolled.
    #[must_use]
    pub fn context(&self, who: &str) -> Context {
        self.settings(who)
            .context()
            .unwrap_or_else(|why| panic!("{who}: {why}"))
    }

    /// The broker's CA, as it is pinned on a laptop.
    pub async fn ca_pem(&self) -> String {
        self.is_enrolled("mia").await;
        std::fs::read_to_string(self.context("mia").ca_file).expect("a CA file")
    }

    /// A bare connection of somebody, for calls that no `glass` would make.
    ///
    /// # Panics
    /// Where they are not enrolled or the broker does not answer.
    pub async fn channel(&self, who: &str) -> Channel {
        self.is_enrolled(who).await;
        let context = self.context(who);
        let identity = Identity::load(&context).expect("a key and a certificate");
        let ca = std::fs::read_to_string(&context.ca_file).expect("a CA file");
        let config = tls::enrolled(&ca, &identity).expect("TLS is set up");
        connect(&context.server, config)
            .await
            .expect("the broker answers")
    }

    /// The key and certificate of somebody.
    ///
    /// # Panics
    /// Where they are not enrolled.
    pub async fn identity(&self, who: &str) -> Identity {
        self.is_enrolled(who).await;
        Identity::load(&self.context(who)).expect("a key and a certificate")
    }

    /// A statement as somebody's `glass` would make it now; stories tamper with it.
    pub async fn statement(&self, who: &str, act: Act) -> Statement {
        self.is_enrolled(who).await;
        use breakglass_broker::ports::Clock as _;
        Statement {
            origin: super::ORIGIN.to_owned(),
            by: who.to_owned(),
            at: self.clock().now().timestamp(),
            act,
            seen: None,
            nonce: breakglass_client::key::random().expect("the system has chance"),
        }
    }

    /// The same, signed with their key.
    pub async fn signed(&self, who: &str, act: Act) -> v1::Signed {
        let statement = self.statement(who, act).await;
        self.identity(who)
            .await
            .key
            .sign(&statement)
            .expect("the key signs")
    }

    /// The broker's address for `glass`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.addresses().grpc.port())
    }

    /// The same, parsed.
    ///
    /// # Panics
    /// Never: it is a good URL.
    #[must_use]
    pub fn server(&self) -> ServerUrl {
        ServerUrl::parse(&self.url()).expect("a URL")
    }

    /// The folder of the contexts of all laptops.
    #[must_use]
    pub fn contexts(&self) -> PathBuf {
        self.scratch("laptops")
    }

    /// How somebody's `glass` is told where everything is.
    ///
    /// # Panics
    /// Never: the folder is named.
    #[must_use]
    pub fn settings(&self, who: &str) -> Settings {
        Settings::new(Default::default(), self.environment(who)).expect("a folder is named")
    }

    fn environment(&self, who: &str) -> Environment {
        Environment {
            config_folder: Some(self.contexts()),
            context: Some(who.to_owned()),
            // A broker that was restarted has other ports.
            server: Some(self.url()),
            ..Environment::default()
        }
    }
}

fn silent() -> Printer {
    Printer::to_buffers(Format::Text, Arc::default(), Arc::default())
}

fn text(bytes: &Mutex<Vec<u8>>) -> String {
    let bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&bytes).into_owned()
}
