//! One question to one witness: will you sign this?

use std::sync::Arc;

use breakglass_tlog::add_checkpoint::{SIZE_TYPE, parse_size};
use breakglass_tlog::{AddCheckpoint, Note, SignatureLine, SignedCheckpoint, VerifierKey};

use super::limits::TRIES;
use super::post::{Door, Said};
use crate::app::{About, App};

/// Why it did not. Texts are ours: what a witness says besides its codes is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failed {
    /// It is not there, or says something else; may pass.
    #[error("{0}")]
    Away(String),
    /// Whoever runs it has not told it of the key that signs this ledger now: it believes nobody else's word for it.
    #[error("it answers {status}: it {knows}. On its machine, while it is stopped: {command}")]
    Untold {
        /// What it answered.
        status: u16,
        /// By what it knows the ledger.
        knows: &'static str,
        /// What to type there.
        command: String,
    },
    /// It has signed more entries of this ledger than there are here.
    #[error(
        "it has signed {signed} entries of this ledger, and there are {here} here: an older copy of \
         the ledger was put in its place, or two brokers write it"
    )]
    Ahead {
        /// What it has signed.
        signed: u64,
        /// What there is.
        here: u64,
    },
    /// What it has signed is not how this ledger begins.
    #[error(
        "it has signed another history of this ledger, which does not go on as it does here: compare \
         with what others keep before anybody relies on either"
    )]
    Fork,
}

impl Failed {
    /// Whether it is of the ledger, and not of the witness or the way to it.
    pub(super) fn is_of_the_ledger(&self) -> bool {
        !matches!(self, Self::Away(_) | Self::Untold { .. })
    }
}

/// A question.
pub(super) struct Question {
    pub(super) app: Arc<App>,
    pub(super) door: Arc<Door>,
    pub(super) key: VerifierKey,
    /// What the witness is thought to have signed last.
    pub(super) known: u64,
    pub(super) checkpoint: Arc<SignedCheckpoint>,
}

impl Question {
    /// Asks, again where the witness says that it is elsewhere.
    pub(super) async fn ask(&self) -> Result<SignatureLine, Failed> {
        let here = self.checkpoint.size();
        let mut old = self.known;
        for _ in 0..TRIES {
            if old > here {
                return Err(Failed::Ahead { signed: old, here });
            }
            let body = self.body(old).await?;
            let said = self.door.post(body).await.map_err(Failed::Away)?;
            match said.status {
                200 => return self.signature(&said),
                409 => old = self.elsewhere(&said, old)?,
                // What it has signed is no beginning of what there is: the proof is ours and right.
                422 => return Err(Failed::Fork),
                403 | 404 => return Err(untold(said.status, self.app.about())),
                _ => return Err(refused(&said)),
            }
        }
        Err(Failed::Away("it says another size each time".to_owned()))
    }

    async fn body(&self, old: u64) -> Result<String, Failed> {
        let size = self.checkpoint.size();
        let proof = match old {
            0 => Vec::new(),
            old => {
                let grown = self.app.prove_consistency(old, size).await;
                let unread =
                    |_| Failed::Away("its proof cannot be read from the ledger".to_owned());
                grown.map_err(unread)?.proof.hashes
            }
        };
        let note = self.checkpoint.note().to_owned();
        Ok(AddCheckpoint { old, proof, note }.to_string())
    }

    /// The line that this witness's key made; others are ignored, as the specification asks.
    fn signature(&self, said: &Said) -> Result<SignatureLine, Failed> {
        let none =
            || Failed::Away("it answers without a cosignature of the key in the policy".to_owned());
        let text = note_text(&self.checkpoint).ok_or_else(none)?;
        let lines = said.body.lines().map(SignatureLine::parse);
        let own = lines
            .filter_map(Result::ok)
            .find(|line| line.claims(&self.key));
        let own = own.ok_or_else(none)?;
        match self.key.verify(&text, &own) {
            Ok(()) => Ok(own),
            Err(_) => Err(Failed::Away("its cosignature does not verify".to_owned())),
        }
    }

    fn elsewhere(&self, said: &Said, old: u64) -> Result<u64, Failed> {
        let size = parse_size(&said.body).filter(|_| said.content_type.starts_with(SIZE_TYPE));
        match size {
            // It is where we thought, and still says no: what it has there is something else.
            Some(size) if size == old && size == self.checkpoint.size() => Err(Failed::Fork),
            Some(size) if size != old => Ok(size),
            _ => Err(refused(said)),
        }
    }
}

/// The witness goes on from one key to the next by the word of both, and whoever runs it brings that
/// ([decision 26](../../../docs/decisions/0026-what-a-lost-head-and-a-followed-key-may-still-do.md)).
fn untold(status: u16, about: &About) -> Failed {
    let vkey = &about.ledger_vkey;
    let add = format!("glass witness add-log '{vkey}' --dir DIR");
    let (knows, command) = match (status, about.ledger_vkeys.len()) {
        (404, _) => ("does not know this ledger", add),
        (_, 0 | 1) => (
            "knows this ledger by a key that never signed it, so that it is of another one",
            add,
        ),
        _ => (
            "knows this ledger by a key that another has followed",
            format!(
                "{add} --successions FILE (keys/ledger.successions of this broker, or a laptop's)"
            ),
        ),
    };
    Failed::Untold {
        status,
        knows,
        command,
    }
}

fn refused(said: &Said) -> Failed {
    let why = match said.status {
        429 => ": it is asked too often",
        500..=599 => ": it cannot keep what it would sign, or is not well",
        _ => "",
    };
    Failed::Away(format!("it answers {}{why}", said.status))
}

/// What was signed: the text of the note.
pub(super) fn note_text(checkpoint: &SignedCheckpoint) -> Option<String> {
    let note = Note::parse(checkpoint.note()).ok()?;
    Some(note.text().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_runs_a_witness_is_told_what_to_type() {
        let mut about = About {
            ledger_vkey: "glass.example/ledger+01020304+AQcH".into(),
            ledger_vkeys: vec!["glass.example/ledger+01020304+AQcH".into()],
            ..About::default()
        };
        let unknown = untold(404, &about).to_string();
        let add = "glass witness add-log 'glass.example/ledger+01020304+AQcH' --dir DIR";
        assert!(unknown.ends_with(add), "{unknown}");
        let other = untold(403, &about).to_string();
        assert!(
            other.contains("never signed it") && other.ends_with(add),
            "{other}"
        );
        about.ledger_vkeys.insert(0, "the one before".into());
        let rotated = untold(403, &about);
        let told = rotated.to_string();
        assert!(told.contains("another has followed"), "{told}");
        assert!(
            told.contains(&format!("{add} --successions FILE")),
            "{told}"
        );
        assert!(!rotated.is_of_the_ledger(), "the ledger is well");
    }
}
