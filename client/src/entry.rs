//! A ledger entry as it stands in the ledger: one JSON object on one line.

use breakglass_proto::v1;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{error::Error, json};

/// An entry, read. Fields this client does not know are kept in [`body`](Self::body).
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Entry {
    /// Of the entry's format: 1.
    pub v: u32,
    /// Its place.
    pub index: u64,
    /// When.
    pub at: Timestamp,
    /// What happened, for example `grant.started`.
    pub kind: String,
    /// Who: a person's id, or `breakglass`.
    pub by: String,
    /// What was signed, where a person acted.
    #[serde(default)]
    pub signed: Option<SignedAct>,
    /// Everything else.
    #[serde(flatten)]
    pub body: Map<String, Value>,
}

/// The statement behind an entry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SignedAct {
    /// The text.
    pub text: String,
    /// The key it was signed with, see [`crate::key::key_id`].
    pub key: String,
    /// ECDSA, DER, standard base64.
    pub signature: String,
    /// The statement's nonce, repeated from its text.
    #[serde(default)]
    pub nonce: Option<String>,
    /// The statement's time, repeated from its text.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// Where it is there, `true`: the head that was seen is of another history.
    #[serde(default)]
    pub other_history: Option<bool>,
}

impl Entry {
    /// Reads an entry.
    ///
    /// # Errors
    /// The reason in words.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        let fields = json::read(line)?;
        let entry: Self = serde_json::from_value(fields).map_err(|error| error.to_string())?;
        match entry.v {
            1 => Ok(entry),
            v => Err(format!("it is of version {v}; this glass knows version 1")),
        }
    }

    /// A whole number of the body.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        self.body.get(name).and_then(Value::as_i64)
    }

    /// Whether it says that its signer had seen another history of the ledger.
    #[must_use]
    pub fn has_seen_another(&self) -> bool {
        let signed = self.signed.as_ref();
        signed.is_some_and(|signed| signed.other_history == Some(true))
    }

    /// Whether it says that it belongs to a drill.
    #[must_use]
    pub fn is_drill(&self) -> bool {
        self.body.get("drill") == Some(&Value::Bool(true))
    }

    /// A text of the body.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// A time of the body.
    #[must_use]
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        self.text(name).and_then(|text| text.parse().ok())
    }

    /// Checks that the entry records what this person just signed.
    ///
    /// # Errors
    /// [`Error::Unverified`] where it records anything else.
    pub fn check_signed(&self, person: &str, key: &str, signed: &v1::Signed) -> Result<(), Error> {
        let recorded = self.signed.as_ref();
        let is_ours = recorded.is_some_and(|act| act.text == signed.text && act.key == key);
        if is_ours && self.by == person {
            return Ok(());
        }
        Err(self.not_what_we_asked())
    }

    /// Checks that the entry is of a kind, by a person, about a grant.
    ///
    /// # Errors
    /// [`Error::Unverified`] where it is another.
    pub fn check_grant(&self, kind: &str, person: &str, grant: &str) -> Result<(), Error> {
        if self.kind == kind && self.by == person && self.text("grant") == Some(grant) {
            return Ok(());
        }
        Err(self.not_what_we_asked())
    }

    fn not_what_we_asked(&self) -> Error {
        Error::unverified(format!(
            "entry {} of the ledger ({} by {}) does not say what was asked for",
            self.index, self.kind, self.by
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"v":1,"index":42,"at":"2026-11-23T03:05:00.000Z","kind":"grant.dropped",
        "by":"mia","grant":"G-45","signed":{"text":"T","key":"K","signature":"S"},"later":[1]}"#;

    fn entry() -> Entry {
        Entry::parse(LINE.as_bytes()).unwrap()
    }

    #[test]
    fn unknown_fields_are_kept() {
        assert_eq!(entry().text("grant"), Some("G-45"));
        assert!(entry().body.contains_key("later"));
        assert!(!entry().body.contains_key("signed"));
    }

    #[test]
    fn only_what_was_signed_counts() {
        let signed = |text: &str| v1::Signed {
            text: text.into(),
            signature: vec![],
        };
        assert!(entry().check_signed("mia", "K", &signed("T")).is_ok());
        for (person, key, text) in [("leon", "K", "T"), ("mia", "L", "T"), ("mia", "K", "U")] {
            let error = entry()
                .check_signed(person, key, &signed(text))
                .unwrap_err();
            assert_eq!(error.exit_code(), 86);
        }
        assert!(entry().check_grant("grant.dropped", "mia", "G-45").is_ok());
        assert!(entry().check_grant("grant.dropped", "mia", "G-4").is_err());
    }

    #[test]
    fn what_is_no_entry_is_said() {
        assert!(Entry::parse(b"{}").unwrap_err().contains("missing field"));
        let later = LINE.replace("\"v\":1", "\"v\":2");
        assert!(
            Entry::parse(later.as_bytes())
                .unwrap_err()
                .contains("version 2")
        );
        assert!(Entry::parse(b"\xff").is_err());
    }
}
