//! What is done with the access.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use super::{
    place::ssh::{KNOWN_HOSTS, SOCKET},
    shim::find_program,
};
use crate::{
    error::Error,
    ssh::{Address, Call},
};

/// What is done with it.
#[derive(Debug, Clone)]
pub enum Task {
    /// A command is run.
    Run(Vec<OsString>),
    /// `ssh` is run, told of the agent and of the host's authority.
    Ssh(Hop),
    /// Nothing is run: the agent is there for others until the grant ends.
    Agent {
        /// Where another name for its socket is wanted.
        link: Option<PathBuf>,
    },
}

/// One login by `ssh`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Where.
    pub address: Address,
    /// As whom.
    pub login: String,
    /// Whether it can show a certificate of the fleet's authority.
    pub is_known: bool,
    /// What was typed for ssh itself.
    pub options: Vec<OsString>,
    /// What to run there; a shell where empty.
    pub command: Vec<OsString>,
}

impl Task {
    /// Nobody is woken for a command that cannot run.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is no such program.
    pub fn check(&self) -> Result<(), Error> {
        let (program, next) = match self {
            Self::Run(command) => (
                first(command),
                "check its name: glass exec RIGHT -- PROGRAM ARGUMENTS...",
            ),
            Self::Ssh(_) => (
                OsStr::new("ssh"),
                "install OpenSSH's client (on Debian: openssh-client)",
            ),
            Self::Agent { .. } => return Ok(()),
        };
        let search = std::env::var_os("PATH");
        if find_program(program, search.as_deref()).is_some() {
            return Ok(());
        }
        let name = OsStr::to_string_lossy(program);
        if name.contains('/') && Path::new(program).is_file() {
            return Err(Error::usage(
                format!("`{name}` is a file that cannot be run; nobody was asked for anything"),
                format!("make it a program: chmod +x {name}"),
            ));
        }
        Err(Error::usage(
            format!("there is no program `{name}` to run; nobody was asked for anything"),
            next,
        ))
    }

    /// Program and arguments, for a private folder; nothing where nothing is run.
    ///
    /// # Errors
    /// [`Error::Setup`] where a path in it cannot be told to `ssh`.
    pub(super) fn command(&self, folder: &Path) -> Result<Option<Vec<OsString>>, Error> {
        match self {
            Self::Run(command) => Ok(Some(command.clone())),
            Self::Ssh(hop) => {
                let (agent, known_hosts) = (folder.join(SOCKET), folder.join(KNOWN_HOSTS));
                let call = Call {
                    agent: &agent,
                    address: &hop.address,
                    login: &hop.login,
                    known_hosts: hop.is_known.then_some(known_hosts.as_path()),
                    options: &hop.options,
                    command: &hop.command,
                };
                let mut command = vec![OsString::from("ssh")];
                command.extend(call.arguments()?);
                Ok(Some(command))
            }
            Self::Agent { .. } => Ok(None),
        }
    }

    /// The program's name without its folder: arguments and paths may hold secrets.
    pub(super) fn name(&self) -> String {
        let program = match self {
            Self::Run(command) => first(command),
            Self::Ssh(_) => OsStr::new("ssh"),
            Self::Agent { .. } => OsStr::new("glass agent"),
        };
        let name = Path::new(program).file_name().unwrap_or(program);
        name.to_string_lossy().into_owned()
    }
}

fn first(command: &[OsString]) -> &OsStr {
    command.first().map(OsString::as_os_str).unwrap_or_default()
}
