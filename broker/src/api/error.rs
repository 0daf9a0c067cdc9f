//! Why a call was not answered with what it asked for: what `app` says, and what only the edge
//! can see.

use crate::app;

/// One reason for one call. The text is for the caller; what is for the operator alone stays in
/// [`Error::internal`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A use case said no, or could not.
    #[error("{}", public(.0))]
    App(#[from] app::Error),
    /// The connection has no client certificate.
    #[error("this call needs a client certificate, and the connection has none")]
    NoCertificate,
    /// The certificate is not one of ours for a person, or is no longer valid.
    #[error("the client certificate is not taken: {0}")]
    Certificate(&'static str),
    /// There is no statement, or it is not one, or for another act.
    #[error("the statement is not taken: {0}")]
    Statement(String),
    /// Somebody else signed, or something else was signed.
    #[error("the signature is not by the key of this connection over this statement")]
    Signature,
    /// The statement is meant for another ledger.
    #[error("the statement is meant for another broker: it names another ledger than `{ours}`")]
    WrongBroker {
        /// Our ledger's origin.
        ours: String,
    },
    /// What a person typed cannot be taken.
    #[error("the {field} is not taken: {why}")]
    Text {
        /// Which line of the statement or field of the request.
        field: &'static str,
        /// In words.
        why: String,
    },
    /// A field that a program filled in cannot be taken.
    #[error("the field `{field}` is not taken: {why}")]
    Argument {
        /// Which.
        field: &'static str,
        /// In words.
        why: String,
    },
    /// The message is larger than any that makes sense.
    #[error("the message is not taken: it is larger than {limit} bytes")]
    TooLarge {
        /// Bytes that are taken.
        limit: usize,
    },
    /// The bytes are not the message of this call.
    #[error("the message is not taken: its bytes cannot be read as the message of this call")]
    Unreadable,
    /// The message began and did not come to its end.
    #[error("the message is not taken: it did not arrive within {seconds} seconds")]
    Late {
        /// How long was waited.
        seconds: u64,
    },
    /// One caller wants more than their share.
    #[error("too many {what}: {limit}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are taken, in words.
        limit: String,
    },
    /// Everybody together wants more than the broker can do.
    #[error("the broker has too much to do just now, and did nothing about this call")]
    Busy,
    /// No answer in time.
    #[error(
        "there was no answer within {seconds} seconds; what was asked for may still happen, look \
         before asking again"
    )]
    Slow {
        /// How long was waited.
        seconds: u64,
    },
    /// A bug of ours.
    #[error("something went wrong inside the broker, and is in its diagnostics")]
    Panicked,
    /// The broker is stopping.
    #[error("the broker is shutting down")]
    ShuttingDown,
}

impl Error {
    /// The stable word that travels as `google.rpc.ErrorInfo.reason`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::App(error) => reason(error),
            Self::NoCertificate => "NO_CERTIFICATE",
            Self::Certificate(_) => "CERTIFICATE_INVALID",
            Self::Statement(_) => "STATEMENT_INVALID",
            Self::Signature => "SIGNATURE_INVALID",
            Self::WrongBroker { .. } => "WRONG_BROKER",
            Self::Text { .. } | Self::TooLarge { .. } => "INVALID_TEXT",
            Self::Argument { .. } | Self::Unreadable | Self::Late { .. } => "INVALID_ARGUMENT",
            Self::TooMany { .. } | Self::Busy => "TOO_MANY",
            Self::Slow { .. } => "LEDGER_UNAVAILABLE",
            Self::Panicked => "INTERNAL",
            Self::ShuttingDown => "SHUTTING_DOWN",
        }
    }

    /// What to do now: a command where there is one.
    #[must_use]
    pub fn next(&self) -> String {
        let next = match self {
            Self::App(error) => return next(error),
            Self::NoCertificate => "run glass enroll with the line of an invitation",
            Self::Certificate(_) => "ask for a new invitation, then: glass enroll",
            Self::Statement(_) | Self::Signature => {
                "run the command again; if it stays so: glass doctor"
            }
            Self::WrongBroker { .. } => "see which broker this context is for: glass doctor",
            Self::Text { .. } | Self::TooLarge { .. } => "say it shorter or otherwise",
            Self::Argument { .. } | Self::Unreadable => {
                "compare the versions: glass --version and glass status"
            }
            Self::TooMany { .. } | Self::Busy => "wait a moment, then run the command again",
            Self::Slow { .. } | Self::Panicked => "glass status",
            Self::ShuttingDown | Self::Late { .. } => "run the command again in a moment",
        };
        next.to_owned()
    }

    /// What only the operator is told, where there is anything.
    #[must_use]
    pub fn internal(&self) -> Option<&app::Error> {
        use app::Error as E;
        match self {
            Self::App(
                error @ (E::Ledger(_) | E::Index(_) | E::Issue(_) | E::Database(_) | E::Broken(_)),
            ) => Some(error),
            _ => None,
        }
    }
}

/// What a caller is told of a use case's error.
fn public(error: &app::Error) -> String {
    use crate::ports::LedgerError as L;
    use app::Error as E;
    let told = match error {
        E::Refused(_)
        | E::NoSuchEntry { .. }
        | E::NoSuchSize { .. }
        | E::NoSuchRange { .. }
        | E::ShuttingDown => {
            return error.to_string();
        }
        E::Ledger(L::Full(_)) => {
            "the disk of the broker's ledger is full, so nothing new is recorded or issued; what \
             ends access still works"
        }
        E::Ledger(L::Unavailable(_)) => {
            "the broker cannot use its ledger, so nothing was issued; whether the act was recorded \
             is not known"
        }
        E::Ledger(L::Damaged(_)) => "the broker's ledger is damaged, so nothing is issued",
        E::Ledger(L::OutOfRange(_)) => "the ledger has no such entries",
        E::Index(_) => "the broker cannot look up what is over just now; what lives still works",
        E::Issue(_) => "it is recorded, but the broker could not make the credential",
        E::Database(why) => return format!("the role could not be made: {why}"),
        E::Broken(_) => "something went wrong inside the broker, and is in its diagnostics",
    };
    told.to_owned()
}

fn reason(error: &app::Error) -> &'static str {
    use crate::ports::LedgerError as L;
    use app::Error as E;
    match error {
        E::Refused(refusal) => refusal.code(),
        E::Ledger(L::Full(_)) => "LEDGER_FULL",
        E::Ledger(L::Unavailable(_) | L::Damaged(_)) => "LEDGER_UNAVAILABLE",
        E::Ledger(L::OutOfRange(_)) | E::NoSuchEntry { .. } | E::NoSuchSize { .. } => "NOT_FOUND",
        E::NoSuchRange { .. } => "INVALID_ARGUMENT",
        E::Database(_) => "TARGET_UNAVAILABLE",
        E::Index(_) | E::Issue(_) | E::Broken(_) => "INTERNAL",
        E::ShuttingDown => "SHUTTING_DOWN",
    }
}

fn next(error: &app::Error) -> String {
    use app::Error as E;
    let next = match error {
        E::Refused(refusal) => return refusal.next(),
        E::Ledger(_) => "tell whoever runs the broker: glassd check",
        E::Index(_) | E::Broken(_) => "glass status",
        E::Issue(_) => "ask again: glass credential jwt",
        E::Database(_) => "glass status",
        E::NoSuchEntry { .. } | E::NoSuchSize { .. } | E::NoSuchRange { .. } => "glass ledger list",
        E::ShuttingDown => "run the command again in a moment",
    };
    next.to_owned()
}
