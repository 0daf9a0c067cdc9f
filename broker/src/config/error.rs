//! What is wrong with a config file, and where.

use std::io;
use std::path::{Path, PathBuf};

/// Why there is no config.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("the config file {} cannot be read: {source}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It says something it may not.
    #[error("{}:{line}:{column}: {message}{drawn}", file.display())]
    Wrong {
        /// Which.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The column in characters, counted from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// The line, and a caret beneath.
        drawn: String,
    },
}

impl ConfigError {
    /// With the place that toml names.
    pub(super) fn wrong(file: &Path, text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        let before = text.get(..at).unwrap_or_default();
        let begins = before.rfind('\n').map_or(0, |newline| newline + 1);
        let shown = text[begins..].lines().next().unwrap_or_default();
        let column = text[begins..at].chars().count() + 1;
        let line = before.matches('\n').count() + 1;
        let margin = line.to_string().len();
        let drawn = format!(
            "\n{:margin$} |\n{line} | {}\n{:margin$} | {:>column$}",
            "",
            printable(shown),
            "",
            "^"
        );
        let message = printable(error.message());
        Self::Wrong {
            file: file.to_owned(),
            line,
            column,
            message,
            drawn,
        }
    }

    /// A file whose list of names is empty.
    pub(super) fn nameless(file: &Path) -> Self {
        Self::Wrong {
            file: file.to_owned(),
            line: 1,
            column: 1,
            message: "`server_names` names nothing; give at least one name of this host".into(),
            drawn: String::new(),
        }
    }
}

/// A file may hold anything; a terminal is shown only what it cannot be restyled by.
fn printable(text: &str) -> String {
    let plain = |c| {
        if breakglass_domain::text::restyles(c) {
            '\u{FFFD}'
        } else {
            c
        }
    };
    text.chars().map(plain).collect()
}
