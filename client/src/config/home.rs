//! The folder of all contexts, and the file beside them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy as _;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Context, ContextName};
use crate::{error::Error, files, output::Format};

/// The folder of all contexts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home(PathBuf);

/// `config.toml`: what is usual on this laptop. Version 1; fields are only ever added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HomeFile {
    /// Of this file's format: 1.
    pub version: u32,
    /// The context in use where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextName>,
    /// How to print where nothing says so: `text` or `json`.
    #[serde(skip_serializing_if = "Option::is_none", with = "output_word", default)]
    pub output: Option<Format>,
}

impl Home {
    /// The folder named, else `glass` in the XDG config folder.
    ///
    /// # Errors
    /// [`Error::Setup`] where there is neither.
    pub fn find(named: Option<&Path>) -> Result<Self, Error> {
        if let Some(folder) = named {
            return Ok(Self(folder.to_owned()));
        }
        let strategy = etcetera::choose_base_strategy().map_err(|_| {
            Error::setup(
                "there is no home folder to keep settings in",
                "set GLASS_CONFIG_DIR to a folder of your own",
            )
        })?;
        Ok(Self(strategy.config_dir().join("glass")))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the files of a context are, or will be.
    #[must_use]
    pub fn context_folder(&self, name: &ContextName) -> PathBuf {
        self.0.join("contexts").join(name.as_str())
    }

    /// What is usual on this laptop; the defaults where nothing was ever said.
    ///
    /// # Errors
    /// [`Error::Setup`] where the file has mistakes, [`Error::File`] where it cannot be read.
    pub fn file(&self) -> Result<HomeFile, Error> {
        let path = self.0.join("config.toml");
        let Some(text) = files::read_text(&path)? else {
            return Ok(HomeFile::default());
        };
        let file: HomeFile = parse(&path, &text)?;
        check_version(&path, file.version)?;
        Ok(file)
    }

    /// Uses a context from now on.
    ///
    /// # Errors
    /// As [`Home::file`], and [`Error::File`] where it cannot be written.
    pub fn use_context(&self, name: &ContextName) -> Result<(), Error> {
        let file = HomeFile {
            version: 1,
            context: Some(name.clone()),
            ..self.file()?
        };
        files::create_folder(&self.0)?;
        save(&self.0.join("config.toml"), &file)
    }

    /// The names of all contexts, in order.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn names(&self) -> Result<Vec<ContextName>, Error> {
        let folder = self.0.join("contexts");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::file("read", folder, error)),
        };
        // What has no proper name, such as an enrolment cut short, is not a context.
        let mut names: Vec<_> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.path().join(super::context::FILE).is_file())
            .filter_map(|entry| ContextName::parse(entry.file_name().to_str()?).ok())
            .collect();
        names.sort();
        Ok(names)
    }

    /// One context.
    ///
    /// # Errors
    /// [`Error::Setup`] where there is none of that name or its file has mistakes.
    pub fn context(&self, name: &ContextName) -> Result<Context, Error> {
        let found = Context::load(name.clone(), self.context_folder(name))?;
        if let Some(context) = found {
            return Ok(context);
        }
        match self.names()?.as_slice() {
            [] => Err(super::not_enrolled()),
            names => Err(Error::setup(
                format!(
                    "there is no context `{name}`; there are {}",
                    super::context::listed(names)
                ),
                "see them with `glass context list`",
            )),
        }
    }
}

/// Reads TOML; a mistake is shown with its line.
pub(super) fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, Error> {
    toml::from_str(text).map_err(|error| {
        Error::setup(
            format!(
                "{} has a mistake: {}",
                path.display(),
                error.to_string().trim_end()
            ),
            "correct the file, or take the line out",
        )
    })
}

pub(super) fn check_version(path: &Path, version: u32) -> Result<(), Error> {
    if version == 1 {
        return Ok(());
    }
    Err(Error::setup(
        format!(
            "{} is of version {version}; this glass knows version 1",
            path.display()
        ),
        "use the `glass` that wrote it, or enrol again",
    ))
}

pub(super) fn save<T: Serialize>(path: &Path, value: &T) -> Result<(), Error> {
    let json = serde_json::to_value(value).expect("our settings are plain values");
    files::write(path, flat_toml(&json).as_bytes())
}

/// Writes a flat table of texts and numbers as TOML. A JSON string is a TOML basic string: both
/// escape with the same backslashes (TOML 1.0, "String"), except that DEL must be escaped too.
fn flat_toml(value: &serde_json::Value) -> String {
    let fields = value.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| format!("{name} = {value}\n").replace('\u{7f}', "\\u007f"))
        .collect()
}

/// `text` or `json`.
mod output_word {
    use clap::ValueEnum as _;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use crate::output::Format;

    pub(super) fn serialize<S: Serializer>(
        format: &Option<Format>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match format {
            Some(format) => serializer.serialize_str(format.word()),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Format>, D::Error> {
        let word = String::deserialize(deserializer)?;
        let format = Format::from_str(&word, false).ok();
        match format.filter(|format| format.is_usual()) {
            Some(format) => Ok(Some(format)),
            None => Err(de::Error::custom("text or json")),
        }
    }
}
