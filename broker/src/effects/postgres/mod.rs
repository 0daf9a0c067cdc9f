//! A role in a PostgreSQL server for as long as a grant lives.
//!
//! | file | what |
//! |---|---|
//! | `check` | whether an administrator has set everything up |
//! | `connect` | the broker's own connection: TLS, SCRAM, time-outs |
//! | `role` | makes a role, ends its sessions, hands over what it owns, drops it |
//! | `certificate` | ends the sessions of a client certificate |
//! | `scram` | passwords, and what a server keeps of them |
//! | `name` | names and the comment of a role |
//!
//! What the broker may do there is set up by `deploy/postgres/setup.sql`, whose functions do the part
//! that needs rights; nothing of it is done by a superuser.

mod certificate;
mod check;
mod connect;
mod error;
mod limits;
mod name;
mod role;
mod scram;
#[cfg(test)]
mod tests;

pub use error::PostgresError;
pub use name::{GroupRole, NameError, Purpose, RoleName};
pub use role::{Cut, Dropped, NewRole, RoleThere};
pub use scram::Password;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::connect::Session;
use self::error::Whom;
use self::limits::{CLEANING_AT_ONCE, URGENT_AT_ONCE};
use crate::ports::{Clock, Entropy};

/// Where a server is, and who the broker is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// A DNS name or an IP address; its certificate has to be for it.
    pub host: String,
    /// Usually 5432.
    pub port: u16,
    /// The database with the functions of `setup.sql`.
    pub database: String,
    /// The CA of its certificate, PEM.
    pub ca: Arc<str>,
    /// The broker's own role.
    pub user: String,
    /// A file of mode 0600 with its password, one line.
    pub password_file: PathBuf,
    /// The origin of the broker's ledger. Roles are marked with it: two brokers that share a server
    /// leave each other's alone.
    pub ledger: String,
}

impl Server {
    fn whom(&self, database: &str) -> Whom {
        Whom {
            server: match self.host.contains(':') {
                true => format!("[{}]:{}", self.host, self.port),
                false => format!("{}:{}", self.host, self.port),
            },
            database: database.to_owned(),
            user: self.user.clone(),
        }
    }
}

/// The broker as administrator of the roles of grants in one server.
///
/// Nothing is kept open: a connection takes milliseconds, and one that is kept would be the one that
/// is broken at three in the morning.
pub struct Postgres {
    server: Server,
    tls: MakeRustlsConnect,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    urgent: Semaphore,
    cleaning: Semaphore,
}

impl Postgres {
    /// For one server; nothing is connected yet.
    ///
    /// # Errors
    /// [`PostgresError::Misconfigured`] where the CA cannot be used.
    pub fn new(
        server: Server,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, PostgresError> {
        // The library takes a path for the folder of a socket, where there is no TLS.
        if rustls_pki_types::ServerName::try_from(server.host.as_str()).is_err() {
            let why = format!("`{}` is neither a DNS name nor an IP address", server.host);
            return Err(server.whom(&server.database).misconfigured(why, ""));
        }
        Ok(Self {
            tls: connect::tls(&server)?,
            server,
            clock,
            entropy,
            urgent: Semaphore::new(URGENT_AT_ONCE),
            cleaning: Semaphore::new(CLEANING_AT_ONCE),
        })
    }

    async fn connect(&self) -> Result<Session, PostgresError> {
        self.connect_to(&self.server.database).await
    }

    async fn connect_to(&self, database: &str) -> Result<Session, PostgresError> {
        Session::open(&self.server, &self.tls, database).await
    }

    async fn urgent(&self) -> SemaphorePermit<'_> {
        admitted(&self.urgent).await
    }

    async fn cleaning(&self) -> SemaphorePermit<'_> {
        admitted(&self.cleaning).await
    }
}

async fn admitted(gate: &Semaphore) -> SemaphorePermit<'_> {
    gate.acquire().await.expect("it is never closed")
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
