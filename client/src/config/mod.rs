//! Settings: what was typed, then the environment, then the files, then the default.
//!
//! ```text
//! ~/.config/glass/                 or $GLASS_CONFIG_DIR; folders 0700, files 0600
//!   config.toml                    the context in use, the usual output
//!   contexts/NAME/context.toml     one broker as one person: where, who, what is pinned
//!   contexts/NAME/ca.pem           the broker's CA, pinned at enrolment
//!   contexts/NAME/key.pem          the private key, made here; never leaves
//!   contexts/NAME/certificate.pem  renewed by itself
//!   contexts/NAME/checkpoint       the newest the ledger showed us
//!   contexts/NAME/evidence/        what a failed verification saved
//! ```

mod context;
mod home;
mod server;

use std::path::PathBuf;

pub use context::{Context, ContextName};
pub use home::{Home, HomeFile};
pub use server::ServerUrl;

use crate::{error::Error, output::Format};

/// Flags that every command takes.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Common options")]
pub struct Flags {
    /// Which enrolment to use, see `glass context list` [env: GLASS_CONTEXT]
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,

    /// The broker, in place of the context's [env: GLASS_SERVER]
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,

    /// `json` for scripts: one JSON value, times in UTC [env: GLASS_OUTPUT]
    #[arg(short, long, global = true, value_name = "FORMAT")]
    pub output: Option<Format>,
}

/// What the environment says; an empty variable says nothing.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `GLASS_CONFIG_DIR`.
    pub config_folder: Option<PathBuf>,
    /// `GLASS_CONTEXT`.
    pub context: Option<String>,
    /// `GLASS_SERVER`.
    pub server: Option<String>,
    /// `GLASS_CA_FILE`.
    pub ca_file: Option<PathBuf>,
    /// `GLASS_INCIDENT`.
    pub incident: Option<String>,
    /// `GLASS_OUTPUT`.
    pub output: Option<String>,
}

impl Environment {
    /// Reads the environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let path = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        Self {
            config_folder: path("GLASS_CONFIG_DIR"),
            context: text("GLASS_CONTEXT"),
            server: text("GLASS_SERVER"),
            ca_file: path("GLASS_CA_FILE"),
            incident: text("GLASS_INCIDENT"),
            output: text("GLASS_OUTPUT"),
        }
    }

    fn format(&self) -> Result<Option<Format>, Error> {
        use clap::ValueEnum as _;
        let Some(word) = &self.output else {
            return Ok(None);
        };
        Format::from_str(word, false).map(Some).map_err(|_| {
            Error::usage(
                format!("GLASS_OUTPUT is `{word}`, which is no output"),
                "set it to text or json",
            )
        })
    }
}

/// Everything a command needs to know of how it was called.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder of all contexts.
    pub home: Home,
    flags: Flags,
    environment: Environment,
}

impl Settings {
    /// Puts flags over the environment; files are read when they are needed.
    ///
    /// # Errors
    /// [`Error::Setup`] where there is no folder to keep settings in.
    pub fn new(flags: Flags, environment: Environment) -> Result<Self, Error> {
        let home = Home::find(environment.config_folder.as_deref())?;
        Ok(Self {
            home,
            flags,
            environment,
        })
    }

    /// How to print.
    ///
    /// # Errors
    /// [`Error::Usage`] for a `GLASS_OUTPUT` that is none, or what [`Home::file`] says.
    pub fn format(&self) -> Result<Format, Error> {
        if let Some(format) = self.flags.output {
            return Ok(format);
        }
        if let Some(format) = self.environment.format()? {
            return Ok(format);
        }
        Ok(self.home.file()?.output.unwrap_or_default())
    }

    /// The name of the context to use, if one is chosen anywhere or there is only one.
    ///
    /// # Errors
    /// [`Error::Usage`] for a name that cannot be one, [`Error::Setup`] where none is chosen.
    pub fn context_name(&self) -> Result<ContextName, Error> {
        if let Some(name) = self.named_context() {
            return ContextName::parse(name);
        }
        if let Some(name) = self.home.file()?.context {
            return Ok(name);
        }
        match self.home.names()?.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(not_enrolled()),
            several => Err(Error::setup(
                format!(
                    "no context is in use; there are {}",
                    context::listed(several)
                ),
                "choose one: glass context use NAME, or --context NAME for one command",
            )),
        }
    }

    /// The name a new enrolment gets: what was typed, else `default`.
    ///
    /// # Errors
    /// [`Error::Usage`] for a name that cannot be one.
    pub fn new_context_name(&self) -> Result<ContextName, Error> {
        ContextName::parse(self.named_context().unwrap_or("default"))
    }

    /// The name that was typed or stands in the environment.
    #[must_use]
    pub fn named_context(&self) -> Option<&str> {
        let typed = self.flags.context.as_deref();
        typed.or(self.environment.context.as_deref())
    }

    /// The context to use, with server and CA replaced where flag or environment say so.
    ///
    /// # Errors
    /// As [`Settings::context_name`] and [`Home::context`].
    pub fn context(&self) -> Result<Context, Error> {
        let mut context = self.home.context(&self.context_name()?)?;
        if let Some(url) = self
            .flags
            .server
            .as_ref()
            .or(self.environment.server.as_ref())
        {
            context.server = ServerUrl::parse(url)?;
        }
        if let Some(path) = &self.environment.ca_file {
            context.ca_file.clone_from(path);
        }
        Ok(context)
    }

    /// Who names another broker than the one this laptop is enrolled with: what to look at first where
    /// it does not answer, or does not take us.
    #[must_use]
    pub fn named_elsewhere(&self) -> Option<String> {
        let named_by = match self.flags.server {
            Some(_) => "--server",
            None => "GLASS_SERVER",
        };
        let used = self.context().ok()?;
        let enrolled = self.home.context(&used.name).ok()?.server;
        (used.server != enrolled).then(|| {
            format!("{named_by} names another broker than the one of this enrolment, {enrolled}")
        })
    }

    /// The incident to act under: the command's own flag, else `GLASS_INCIDENT`.
    ///
    /// # Errors
    /// [`Error::Usage`] for what cannot be an id.
    pub fn incident(&self, flag: Option<&str>) -> Result<Option<String>, Error> {
        let chosen = flag.or(self.environment.incident.as_deref());
        chosen.map(crate::text::incident_id).transpose()
    }
}

/// What to say on a laptop without any context.
fn not_enrolled() -> Error {
    Error::setup(
        "this laptop is not enrolled with any broker",
        "ask somebody who may invite to run `glass people invite YOU`, then run the \
         `glass enroll ...` line it prints",
    )
}

#[cfg(test)]
mod tests;
