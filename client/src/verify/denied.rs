//! Why somebody does not get in: a sentence for people, a word for programs.

use jiff::{SignedDuration, Timestamp};

use super::access::Name;
use crate::time::short;

/// Why a token was not taken. Nothing that a stranger sent is part of it, so it can be shown as it
/// is; what is named was signed by the broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// Longer than [`limits::MAX_TOKEN_BYTES`](super::limits::MAX_TOKEN_BYTES).
    #[error("the token is longer than 16 KiB")]
    TooLarge,
    /// No compact JWS with the header and claims of this broker.
    #[error("this is not a token of breakglass: {0}")]
    Malformed(&'static str),
    /// Signed with anything but ES256, or not at all.
    #[error("the token is not signed with ES256, the only algorithm taken here")]
    Algorithm,
    /// No published key has the id in the token.
    #[error("the token is signed by a key that is not among the broker's published keys")]
    UnknownKey,
    /// The signature is wrong: the token was changed or made by somebody else.
    #[error("the signature of the token is wrong: it was changed, or the broker did not make it")]
    Signature,
    /// A claim is missing, ill-typed or out of range.
    #[error("the token has no proper claim `{0}`")]
    Claim(&'static str),
    /// Of another broker.
    #[error("the token is from another issuer than the one trusted here")]
    Issuer,
    /// For another target.
    #[error("the token is for another audience than this service")]
    Audience,
    /// Before its time.
    #[error("the token is good from {from} only; compare the clocks")]
    NotYet {
        /// The first moment.
        from: Timestamp,
    },
    /// After its time.
    #[error("the token ended at {at}; take a new one under the same grant")]
    Expired {
        /// The first moment it was over.
        at: Timestamp,
    },
    /// Good, and for something else.
    #[error("the token is for the right {right}, which opens nothing here")]
    Right {
        /// The right it is for.
        right: Name,
    },
    /// The grant is not among the live ones that lead here: dropped, revoked, over, its incident closed, or of
    /// another target. Which of them a guard is not told.
    #[error(
        "{grant} is not among the grants that open this target now: it was given back, revoked, has run out, \
         its incident was closed, or its right leads to another target: glass grants show {grant}"
    )]
    NotLive {
        /// The grant.
        grant: Name,
    },
    /// The grant is newer than what was heard from the broker.
    #[error("{grant} is newer than what was heard from the broker here; try again in a moment")]
    NotHeard {
        /// The grant.
        grant: Name,
    },
    /// The broker has not been heard for too long, so nobody can say which grants are live.
    #[error("{}", stale(*.age))]
    Stale {
        /// How long ago; nothing where it was never heard; less than nothing where its clock is
        /// ahead.
        age: Option<SignedDuration>,
    },
    /// No proof of possession where one is demanded.
    #[error("a proof of possession (DPoP) is demanded here: glass credential dpop METHOD URL")]
    NoProof,
    /// The proof of possession does not hold.
    #[error("the proof of possession does not hold: {0}")]
    Proof(&'static str),
    /// The proof was used before.
    #[error("the proof of possession was used before; make a new one for each request")]
    Replayed,
    /// More proofs in a minute than are remembered.
    #[error("more proofs came than can be remembered; try again in a minute")]
    TooManyProofs,
    /// No proof that it was recorded where one is demanded.
    #[error(
        "it carries no proof that it was recorded in the ledger, and one is demanded here; take a \
         new credential under the same grant, from a broker that makes them with one"
    )]
    NoEntry,
    /// The proof that it was recorded does not hold, or is about something else.
    #[error("the proof that it was recorded in the ledger does not hold: {0}")]
    Entry(&'static str),
}

impl Denied {
    /// A stable word for programs; never changes its meaning.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge => "TOO_LARGE",
            Self::Malformed(_) => "MALFORMED",
            Self::Algorithm => "ALGORITHM",
            Self::UnknownKey => "UNKNOWN_KEY",
            Self::Signature => "SIGNATURE",
            Self::Claim(_) => "CLAIM",
            Self::Issuer => "ISSUER",
            Self::Audience => "AUDIENCE",
            Self::NotYet { .. } => "NOT_YET",
            Self::Expired { .. } => "EXPIRED",
            Self::Right { .. } => "RIGHT",
            Self::NotLive { .. } => "NOT_LIVE",
            Self::NotHeard { .. } => "NOT_HEARD",
            Self::Stale { .. } => "STALE",
            Self::NoProof => "NO_PROOF",
            Self::Proof(_) => "PROOF",
            Self::Replayed => "REPLAYED",
            Self::TooManyProofs => "TOO_MANY_PROOFS",
            Self::NoEntry => "NO_ENTRY",
            Self::Entry(_) => "ENTRY",
        }
    }

    /// Every word of [`Denied::reason`], for documentation and its test.
    pub const REASONS: [&'static str; 20] = [
        "TOO_LARGE",
        "MALFORMED",
        "ALGORITHM",
        "UNKNOWN_KEY",
        "SIGNATURE",
        "CLAIM",
        "ISSUER",
        "AUDIENCE",
        "NOT_YET",
        "EXPIRED",
        "RIGHT",
        "NOT_LIVE",
        "NOT_HEARD",
        "STALE",
        "NO_PROOF",
        "PROOF",
        "REPLAYED",
        "TOO_MANY_PROOFS",
        "NO_ENTRY",
        "ENTRY",
    ];

    /// Whether the same request may be taken a moment later, with nothing changed by its sender.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Stale { .. } | Self::NotHeard { .. } | Self::TooManyProofs
        )
    }
}

fn stale(age: Option<SignedDuration>) -> String {
    match age {
        None => "the broker has not been heard here yet, so nobody is let in".to_owned(),
        Some(age) if age.is_negative() => format!(
            "the broker's clock is {} ahead of this machine's, so nobody is let in; compare them",
            short(age)
        ),
        Some(age) => format!(
            "the broker was last heard here {} ago, so nobody is let in",
            short(age)
        ),
    }
}
