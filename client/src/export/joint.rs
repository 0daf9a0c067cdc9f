//! `consistency.json`: the proof that the checkpoint at the end extends the one before the period.

use breakglass_tlog::{ConsistencyProof, Hash, SignedCheckpoint};
use serde_json::{Value, json};

use crate::error::Error;

/// The proof between the two checkpoints of an export (RFC 9162 section 2.1.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joint(pub ConsistencyProof);

impl Joint {
    pub(super) fn text(&self) -> String {
        let hashes: Vec<_> = self.0.hashes.iter().map(ToString::to_string).collect();
        let json = json!({"old": self.0.old, "new": self.0.new, "hashes": hashes});
        format!("{json:#}\n")
    }

    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let read = || {
            let json: Value = serde_json::from_str(text).ok()?;
            let hashes = json["hashes"].as_array()?.iter();
            let hashes = hashes.map(|hash| Hash::from_base64(hash.as_str()?).ok());
            Some(Self(ConsistencyProof {
                old: json["old"].as_u64()?,
                new: json["new"].as_u64()?,
                hashes: hashes.collect::<Option<_>>()?,
            }))
        };
        read().ok_or_else(|| Error::unverified("consistency.json is no consistency proof"))
    }

    pub(super) fn verify(
        &self,
        start: &SignedCheckpoint,
        end: &SignedCheckpoint,
    ) -> Result<(), Error> {
        let wrong = |why: String| Err(Error::unverified(format!("consistency.json: {why}")));
        if [self.0.old, self.0.new] != [start.size(), end.size()] {
            return wrong("it is between other sizes than those of the checkpoints".to_owned());
        }
        if self.0.old == 0 {
            return wrong("nothing stands before the first entry".to_owned());
        }
        match self.0.verify(&start.root(), &end.root()) {
            Ok(()) => Ok(()),
            Err(error) => wrong(error.to_string()),
        }
    }
}
