//! Where the tools of a target look for its credential. One kind of place a file, each pure: told
//! the folder and the credential, it answers with files and variables.
//!
//! One right can have several places, fed by several credentials. A credential is put again each
//! time it is renewed: the same files, each replaced whole, and the same variables, because the
//! environment of a command that runs cannot be changed. They are wiped with the folder.

use std::{ffi::OsString, io, path::Path};

use zeroize::Zeroizing;

pub mod address;
pub mod aws;
pub mod aws_cache;
pub mod fresh;
pub mod kubernetes;
mod of_right;
pub mod postgres;
pub mod ssh;
pub mod token;

#[cfg(test)]
mod tests;

use super::folder::Folder;
use crate::error::Error;

/// What a place needs of the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// A JWT.
    Jwt,
    /// A certificate on the key made for this command.
    X509,
    /// A database role of its own, with its password.
    Password,
    /// An SSH certificate on the key made for this command; it goes to the agent.
    Ssh,
}

/// A credential in the form in which places write it.
#[derive(Clone, Copy)]
pub enum Given<'a> {
    /// Compact JWS.
    Jwt(&'a str),
    /// A certificate and its key, both PEM.
    X509 {
        /// The certificate first, then its authorities, if any.
        chain: &'a str,
        /// PKCS#8.
        key: &'a str,
        /// The name it is for: a person, or a database's role.
        login: &'a str,
    },
    /// For a database.
    Password {
        /// The role made for this grant.
        role: &'a str,
        /// Its password.
        password: &'a str,
    },
    /// The agent has it.
    Ssh,
}

/// One place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file with a JWT.
    Token,
    /// A database.
    Postgres(postgres::Postgres),
    /// A cluster.
    Kubernetes(kubernetes::Kubernetes),
    /// A role of AWS.
    Aws(aws::Aws),
    /// Hosts, through an agent.
    Ssh(ssh::Ssh),
}

/// All places of one right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement(Vec<Place>);

/// What is laid into the folder for one credential, and what the command is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Laid {
    /// In the order to write them: what names another file comes after it.
    pub files: Vec<LaidFile>,
    /// The same each time.
    pub environment: Environment,
}

/// One file.
#[derive(Clone, PartialEq, Eq)]
pub struct LaidFile {
    /// Its name within the folder.
    pub name: &'static str,
    /// Its whole content.
    pub content: Zeroizing<String>,
}

/// How the command's environment differs from ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// What is set.
    pub set: Vec<(String, OsString)>,
    /// What is taken away, because it would win over what is set or lead the secret elsewhere.
    pub removed: Vec<&'static str>,
}

/// Why a credential cannot be laid where its tool looks for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

impl Place {
    /// The credential that feeds it.
    #[must_use]
    pub fn need(&self) -> Need {
        match self {
            Self::Token | Self::Aws(_) => Need::Jwt,
            Self::Postgres(place) => place.need(),
            Self::Kubernetes(place) => place.need(),
            Self::Ssh(_) => Need::Ssh,
        }
    }

    /// What to write into `folder`, and what to tell the command.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn lay(&self, folder: &Path, given: Given<'_>) -> Result<Laid, Unfit> {
        match self {
            Self::Token => token::lay(folder, given),
            Self::Postgres(place) => place.lay(folder, given),
            Self::Kubernetes(place) => place.lay(folder, given),
            Self::Aws(place) => place.lay(folder, given),
            Self::Ssh(place) => match given {
                Given::Ssh => Ok(place.lay(folder)),
                _ => Err(Unfit::kind("an agent")),
            },
        }
    }
}

impl Default for Placement {
    fn default() -> Self {
        Self(vec![Place::Token])
    }
}

impl Placement {
    /// These places.
    #[must_use]
    pub fn new(places: Vec<Place>) -> Self {
        Self(places)
    }

    /// Every credential to ask for, each once.
    #[must_use]
    pub fn needs(&self) -> Vec<Need> {
        let mut needs: Vec<_> = self.0.iter().map(Place::need).collect();
        needs.sort_unstable();
        needs.dedup();
        needs
    }

    /// Puts one credential into every place it feeds, over the one before.
    ///
    /// # Errors
    /// What does not fit, and what the system says; the file it is about is then still the old one.
    pub(super) fn put(&self, folder: &Folder, given: Given<'_>) -> Result<Environment, Error> {
        let mut environment = Environment::default();
        for place in self.0.iter().filter(|place| place.need() == given.feeds()) {
            let laid = place.lay(&folder.path(), given).map_err(|why| {
                Error::setup(why.to_string(), "see what the right says: glass can")
            })?;
            for file in &laid.files {
                folder
                    .put(file.name, file.content.as_bytes())
                    .map_err(|why| Error::file("write", folder.path().join(file.name), why))?;
            }
            environment.extend(laid.environment);
        }
        Ok(environment)
    }

    /// Removes what the command's own tools kept elsewhere of what they were given; the folder is
    /// wiped by who made it.
    ///
    /// # Errors
    /// What the system says; the rest is removed all the same.
    pub(super) fn forget(&self, home: &Path) -> io::Result<()> {
        let mut failed = Ok(());
        for place in &self.0 {
            if let Place::Aws(aws) = place {
                let forgotten = aws_cache::forget(home, &aws.session_name);
                failed = failed.and(forgotten.map(drop));
            }
        }
        failed
    }
}

impl Given<'_> {
    /// What it is an answer to.
    #[must_use]
    pub fn feeds(self) -> Need {
        match self {
            Self::Jwt(_) => Need::Jwt,
            Self::X509 { .. } => Need::X509,
            Self::Password { .. } => Need::Password,
            Self::Ssh => Need::Ssh,
        }
    }
}

impl Laid {
    /// One more file, and where it will be.
    fn file(&mut self, folder: &Path, name: &'static str, content: impl Into<String>) -> OsString {
        let content = Zeroizing::new(content.into());
        self.files.push(LaidFile { name, content });
        folder.join(name).into()
    }

    fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.set(name, value);
    }
}

impl Environment {
    /// One more variable.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.set.push((name.to_owned(), value.into()));
    }

    /// What another place says.
    pub fn extend(&mut self, other: Self) {
        self.set.extend(other.set);
        self.removed.extend(other.removed);
    }

    /// Changes the environment a command is to get. What is set wins over what is taken away.
    pub fn apply_to(&self, command: &mut std::process::Command) {
        for name in &self.removed {
            command.env_remove(name);
        }
        command.envs(self.set.iter().map(|(name, value)| (name, value)));
    }
}

impl Unfit {
    /// The broker sent another kind of credential than this place was to get.
    fn kind(place: &str) -> Self {
        Self(format!(
            "the credential that came is not of the kind {place} takes"
        ))
    }
}

impl std::fmt::Debug for LaidFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LaidFile({}, {} bytes)", self.name, self.content.len())
    }
}

impl std::fmt::Debug for Given<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Given({:?})", self.feeds())
    }
}
