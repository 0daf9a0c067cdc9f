//! `export.json`: which part of the ledger an export is.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ABOUT;
use crate::{error::Error, files, time};

/// What this version writes.
const FORMAT: &str = "breakglass-export/v1";

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    format: String,
    /// The ledger's name.
    pub origin: String,
    /// The first entry.
    pub from: u64,
    /// One past the last.
    pub to: u64,
    /// Everything that is not before this time is in it, RFC 3339; nothing where it begins with the ledger.
    pub since: Option<String>,
    /// Everything before this time; nothing where it goes to the newest entry there was.
    pub until: Option<String>,
}

impl About {
    /// Of entries `from` up to `to`.
    pub(super) fn new(
        origin: String,
        [from, to]: [u64; 2],
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            origin,
            from,
            to,
            since: since.map(time::rfc3339),
            until: until.map(time::rfc3339),
        }
    }

    /// What an export says of itself; one of an older `glass` says nothing.
    ///
    /// # Errors
    /// [`Error::Unverified`] where it cannot be read.
    pub fn of(folder: &Path) -> Result<Option<Self>, Error> {
        let text = files::read_text(&folder.join(ABOUT))?;
        text.as_deref().map(Self::parse).transpose()
    }

    pub(super) fn text(&self) -> String {
        // Strings and numbers can always be written.
        let json = serde_json::to_string_pretty(self).unwrap_or_default();
        format!("{json}\n")
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |why: String| Error::unverified(format!("export.json: {why}"));
        let about: Self = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        match about.format.as_str() {
            FORMAT => Ok(about),
            other => Err(wrong(format!(
                "the format is `{other}`; this glass knows {FORMAT}"
            ))),
        }
    }

    /// When the period begins.
    ///
    /// # Errors
    /// [`Error::Unverified`] where it is no time.
    pub fn since_time(&self) -> Result<Option<Timestamp>, Error> {
        read("since", self.since.as_deref())
    }

    /// When it ends.
    ///
    /// # Errors
    /// [`Error::Unverified`] where it is no time.
    pub fn until_time(&self) -> Result<Option<Timestamp>, Error> {
        read("until", self.until.as_deref())
    }
}

fn read(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Error> {
    let read = text.map(str::parse).transpose();
    read.map_err(|_| Error::unverified(format!("export.json: `{name}` is no time")))
}
