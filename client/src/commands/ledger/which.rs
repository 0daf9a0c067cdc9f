//! What of the ledger is meant: an entry by its place, or a grant by its id.

use crate::{error::Error, text};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Which {
    /// Its place, counted from 0.
    Entry(u64),
    /// `G-45`.
    Grant(String),
}

impl Which {
    /// Reads what was typed.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub(super) fn parse(typed: &str) -> Result<Self, Error> {
        let typed = typed.trim();
        if !typed.is_empty() && typed.bytes().all(|b| b.is_ascii_digit()) {
            return typed.parse().map(Self::Entry).map_err(|_| {
                Error::usage(
                    "no ledger has so many entries",
                    "see them: glass ledger list",
                )
            });
        }
        text::grant_id(typed).map(Self::Grant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_an_entry_and_a_grant_has_its_letter() {
        assert_eq!(Which::parse(" 42 ").unwrap(), Which::Entry(42));
        assert_eq!(Which::parse("g-45").unwrap(), Which::Grant("G-45".into()));
        for typed in [
            "",
            "G-",
            "INC-1",
            "-1",
            "4.2",
            "99999999999999999999999",
            "G-\u{1b}[2J",
        ] {
            assert_eq!(Which::parse(typed).unwrap_err().exit_code(), 2, "{typed:?}");
        }
    }
}
