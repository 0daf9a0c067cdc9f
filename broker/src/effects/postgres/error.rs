//! Why something was not done in a PostgreSQL server.

use std::error::Error as _;

use super::limits::TEXT_CHARS;

/// Why, in one sentence for people. Never has a password in it. Whatever it is, it may be tried
/// again: each of them is mended on the other side.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostgresError {
    /// Nobody answers, or no more.
    #[error("the PostgreSQL server {server} cannot be reached: {why}")]
    Unreachable {
        /// Host and port.
        server: String,
        /// What the system said.
        why: String,
    },
    /// The server has heard it and said no.
    #[error("the PostgreSQL server {server} refused: {text} (SQLSTATE {sqlstate})")]
    Refused {
        /// Host and port.
        server: String,
        /// Five characters (PostgreSQL, appendix A).
        sqlstate: String,
        /// What the server said.
        text: String,
    },
    /// Something has to be set up differently; trying again helps only after that.
    #[error("the PostgreSQL server {server} cannot be used: {why}{}", run_it(.run))]
    Misconfigured {
        /// Host and port.
        server: String,
        /// What is wrong.
        why: String,
        /// What an administrator runs or writes, where it is known.
        run: Option<String>,
    },
}

fn run_it(run: &Option<String>) -> String {
    match run {
        Some(run) => format!("; run: {run}"),
        None => String::new(),
    }
}

/// Whom an error is about, for its sentence.
#[derive(Debug, Clone)]
pub(super) struct Whom {
    /// Host and port.
    pub(super) server: String,
    /// The database that was connected to.
    pub(super) database: String,
    /// The broker's own role.
    pub(super) user: String,
}

impl Whom {
    pub(super) fn unreachable(&self, why: impl Into<String>) -> PostgresError {
        PostgresError::Unreachable {
            server: self.server.clone(),
            why: why.into(),
        }
    }

    pub(super) fn refused(&self, sqlstate: &str, text: impl Into<String>) -> PostgresError {
        PostgresError::Refused {
            server: self.server.clone(),
            sqlstate: sqlstate.to_owned(),
            text: text.into(),
        }
    }

    pub(super) fn misconfigured(&self, why: impl Into<String>, run: &str) -> PostgresError {
        PostgresError::Misconfigured {
            server: self.server.clone(),
            why: why.into(),
            run: (!run.is_empty()).then(|| run.to_owned()),
        }
    }

    /// From what the library says.
    pub(super) fn explain(&self, error: &tokio_postgres::Error) -> PostgresError {
        match error.as_db_error() {
            Some(said) => self.explain_refusal(said),
            None => self.explain_transport(error),
        }
    }

    /// What the server said. SQLSTATEs: PostgreSQL documentation, appendix A; BG... are those of
    /// `deploy/postgres/setup.sql`, with what to run as their hint.
    fn explain_refusal(&self, said: &tokio_postgres::error::DbError) -> PostgresError {
        let (code, text) = (said.code().code(), short(said.message()));
        let (database, user) = (&self.database, &self.user);
        if code.starts_with("BG") {
            return self.misconfigured(text, &short(said.hint().unwrap_or_default()));
        }
        match code {
            // It stops, it starts, it was told to end us, the connection broke.
            "57P01" | "57P02" | "57P03" | "57P05" => self.unreachable(text),
            _ if code.starts_with("08") => self.unreachable(text),
            "28P01" => self.misconfigured(
                format!("it does not take the password of {user}"),
                &format!("psql -c '\\password {user}', and write the same into its password_file"),
            ),
            "28000" => self.misconfigured(format!("{text} (see deploy/postgres/pg_hba.conf)"), ""),
            "3D000" => self.misconfigured(format!("there is no database {database}"), ""),
            // No schema, no function, or no right to either.
            "3F000" | "42883" | "42501" if text.contains("breakglass") => self.not_set_up(),
            "42501" if text.contains("for database") => self.misconfigured(
                text,
                &format!(
                    "GRANT CONNECT ON DATABASE {} TO {};",
                    quoted(database),
                    quoted(user)
                ),
            ),
            _ => self.refused(code, text),
        }
    }

    fn not_set_up(&self) -> PostgresError {
        self.misconfigured(
            format!(
                "the database {} lacks the functions of {}, or has older ones",
                self.database, self.user
            ),
            &format!("psql -d {} -f deploy/postgres/setup.sql", self.database),
        )
    }

    fn explain_transport(&self, error: &tokio_postgres::Error) -> PostgresError {
        let text = short(&with_causes(error));
        if let Some(why) = untrusted(error) {
            return self.misconfigured(
                format!("its certificate is not the one that the policy's `ca` leads to ({why})"),
                "",
            );
        }
        if text.contains("does not support TLS") {
            return self.misconfigured("it has no TLS", "ALTER SYSTEM SET ssl = on;");
        }
        // The server asked for a password otherwise than by SCRAM over this very connection. Nothing
        // was sent.
        if text.contains("channel binding") || text.contains("authentication") {
            return self.misconfigured(
                format!(
                    "it does not ask {} for a password by SCRAM with channel binding ({text}; see \
                     deploy/postgres/pg_hba.conf)",
                    self.user
                ),
                "",
            );
        }
        self.unreachable(text)
    }
}

/// Why a certificate was not taken, where that is the reason.
fn untrusted(error: &tokio_postgres::Error) -> Option<String> {
    let io = error.source()?.downcast_ref::<std::io::Error>()?;
    match io.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(why) => Some(short(&why.to_string())),
        _ => None,
    }
}

fn with_causes(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(found) = cause {
        let said = found.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = found.source();
    }
    text
}

/// A server can say anything, at any length.
fn short(text: &str) -> String {
    text.chars().take(TEXT_CHARS).collect()
}

fn quoted(name: &str) -> String {
    postgres_protocol::escape::escape_identifier(name)
}
