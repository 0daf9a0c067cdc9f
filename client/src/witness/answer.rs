//! What a witness says, in the words and codes of C2SP `tlog-witness`.

use breakglass_tlog::{SignatureLine, add_checkpoint::SIZE_TYPE};

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// Why a checkpoint was not signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The request is none, or contradicts itself.
    Malformed(String),
    /// No such ledger.
    UnknownLog,
    /// The ledger's key did not sign it.
    NotSigned,
    /// It does not go on from the newest that was signed here, which has so many entries.
    Conflict(u64),
    /// Another checkpoint of this size was signed before: the ledger has two histories.
    Fork(u64),
    /// The proof does not hold.
    Unproven,
    /// The same address asks too often.
    TooOften,
    /// What would be signed could not be made durable, so it was not signed.
    NotKept,
}

const PLAIN: &str = "text/plain; charset=utf-8";

impl Answer {
    /// A text for people.
    #[must_use]
    pub fn plain(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            content_type: PLAIN,
            body: body.into(),
        }
    }
}

impl From<SignatureLine> for Answer {
    fn from(line: SignatureLine) -> Self {
        Self::plain(200, format!("{line}\n"))
    }
}

impl From<&Refused> for Answer {
    fn from(refused: &Refused) -> Self {
        match refused {
            Refused::Malformed(why) => Self::plain(400, format!("{why}\n")),
            Refused::UnknownLog => Self::plain(404, "this witness does not know that log\n"),
            Refused::NotSigned => {
                Self::plain(403, "the checkpoint is not signed by the key of that log\n")
            }
            Refused::Conflict(size) | Refused::Fork(size) => Self {
                status: 409,
                content_type: SIZE_TYPE,
                body: format!("{size}\n"),
            },
            Refused::Unproven => Self::plain(
                422,
                "the proof does not show that this goes on from what was cosigned\n",
            ),
            Refused::TooOften => Self::plain(429, "too many requests; try again in a second\n"),
            Refused::NotKept => Self::plain(
                500,
                "what would be signed could not be made durable, so it was not signed\n",
            ),
        }
    }
}
