//! One broker as one person.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::ServerUrl;
use crate::{error::Error, files, text::plain};

/// The name of a context: a letter or digit, then up to 62 letters, digits, `-` or `_`. It is the
/// name of a folder, so nothing that means anything in a path is allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContextName(String);

impl ContextName {
    /// Takes a text as a name.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub fn parse(name: &str) -> Result<Self, Error> {
        let fits = name.len() <= 63
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if fits {
            return Ok(Self(name.to_owned()));
        }
        let shown: String = plain(name).chars().take(80).collect();
        Err(Error::usage(
            format!("`{shown}` cannot be the name of a context"),
            "use up to 63 letters, digits, - and _, beginning with a letter or digit",
        ))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContextName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ContextName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ContextName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).map_err(de::Error::custom)
    }
}

/// Names for a sentence.
pub(super) fn listed(names: &[ContextName]) -> String {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    crate::grant::listed(&names, "and")
}

/// `context.toml`: the facts of one enrolment. Version 1; fields are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContextFile {
    /// Of this file's format: 1.
    pub(super) version: u32,
    /// The broker, `https://HOST:PORT`.
    pub(super) server: ServerUrl,
    /// Who the certificate says we are.
    pub(super) person: String,
    /// What this laptop is called there.
    pub(super) device: String,
    /// The issuer of tokens.
    #[serde(default)]
    pub(super) issuer: String,
    /// The ledger's verifier key, pinned at enrolment.
    pub(super) ledger_vkey: String,
}

/// One enrolment, with where its files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// What it is called here.
    pub name: ContextName,
    /// The broker.
    pub server: ServerUrl,
    /// Who we are there.
    pub person: String,
    /// What this laptop is called there.
    pub device: String,
    /// The issuer of tokens.
    pub issuer: String,
    /// The ledger's verifier key, pinned at enrolment.
    pub ledger_vkey: String,
    /// The broker's CA, PEM.
    pub ca_file: PathBuf,
    /// Where everything else of this context is.
    pub folder: PathBuf,
}

/// The name of the file with a context's facts.
pub(super) const FILE: &str = "context.toml";

impl Context {
    /// The private key, PEM.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        Self::own_key_file(&self.folder)
    }

    /// The private key's file in the folder of a context.
    #[must_use]
    pub fn own_key_file(folder: &Path) -> PathBuf {
        folder.join("key.pem")
    }

    /// The client certificate, PEM.
    #[must_use]
    pub fn certificate_file(&self) -> PathBuf {
        self.folder.join("certificate.pem")
    }

    /// The newest checkpoint the ledger showed us, a signed note.
    #[must_use]
    pub fn checkpoint_file(&self) -> PathBuf {
        self.folder.join("checkpoint")
    }

    /// How the ledger's keys followed each other, from the pinned one on and back to the first; there where
    /// any did.
    #[must_use]
    pub fn successions_file(&self) -> PathBuf {
        self.folder.join("successions")
    }

    /// Where a failed verification saves what it saw.
    #[must_use]
    pub fn evidence_folder(&self) -> PathBuf {
        self.folder.join("evidence")
    }

    /// The pinned CA's file as enrolment writes it.
    #[must_use]
    pub fn own_ca_file(folder: &Path) -> PathBuf {
        folder.join("ca.pem")
    }

    pub(super) fn load(name: ContextName, folder: PathBuf) -> Result<Option<Self>, Error> {
        let path = folder.join(FILE);
        let Some(text) = files::read_text(&path)? else {
            return Ok(None);
        };
        let file: ContextFile = super::home::parse(&path, &text)?;
        super::home::check_version(&path, file.version)?;
        Ok(Some(Self {
            name,
            server: file.server,
            person: file.person,
            device: file.device,
            issuer: file.issuer,
            ledger_vkey: file.ledger_vkey,
            ca_file: Self::own_ca_file(&folder),
            folder,
        }))
    }

    /// Writes the facts into `folder`.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&self, folder: &Path) -> Result<(), Error> {
        let file = ContextFile {
            version: 1,
            server: self.server.clone(),
            person: self.person.clone(),
            device: self.device.clone(),
            issuer: self.issuer.clone(),
            ledger_vkey: self.ledger_vkey.clone(),
        };
        super::home::save(&folder.join(FILE), &file)
    }
}
