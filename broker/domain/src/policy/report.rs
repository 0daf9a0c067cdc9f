//! Errors that show the line, a caret, and the fix.

use std::fmt;

/// Why a text is not a policy: one or more problems, each drawn under its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    rendered: String,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rendered)
    }
}

impl std::error::Error for PolicyError {}
