//! A database, as libpq and everything built on it looks for it ("Environment Variables", "The
//! Password File" in the manual's chapter on libpq).

use std::path::{Path, PathBuf};

use super::{Given, Laid, Need, Unfit, address::Address};

const PASSWORDS: &str = "pgpass";
const AUTHORITY: &str = "postgres-ca.crt";
const SERVICES: &str = "pg_service.conf";

/// The one service in that file.
const SERVICE: &str = "glass";

const CERTIFICATE: &str = "postgres.crt";
const KEY: &str = "postgres.key";

/// Variables of libpq that would lead elsewhere, bring another secret or loosen a check: a service
/// file's values win over the environment, and `PGPASSWORD` over the password file.
const REMOVED: [&str; 12] = [
    "PGPASSWORD",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGHOSTADDR",
    "PGREQUIRESSL",
    "PGREQUIREAUTH",
    "PGSSLCERTMODE",
    "PGSSLCRL",
    "PGSSLCRLDIR",
    "PGSSLSNI",
    "PGREQUIREPEER",
    "PGTARGETSESSIONATTRS",
];

/// A database and the way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgres {
    /// The server. Its certificate has to be for this host.
    pub address: Address,
    /// The database to begin with, if the policy names one.
    pub database: Option<String>,
    /// Whose certificates the server shows.
    pub trust: Trust,
    /// How one gets in.
    pub way: Way,
}

/// The authority of the server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// This one, PEM.
    Authority(String),
    /// The public ones in this file of the system's.
    System(PathBuf),
}

/// How one gets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// A role made for the grant, with a password.
    Role,
    /// A client certificate for a fixed role, which it names.
    Certificate,
}

impl Postgres {
    pub(super) fn need(&self) -> Need {
        match self.way {
            Way::Role => Need::Password,
            Way::Certificate => Need::X509,
        }
    }

    pub(super) fn lay(&self, folder: &Path, given: Given<'_>) -> Result<Laid, Unfit> {
        let mut laid = Laid::default();
        let authority = match &self.trust {
            Trust::Authority(pem) => laid.file(folder, AUTHORITY, pem),
            Trust::System(bundle) => bundle.into(),
        };
        laid.set("PGHOST", &self.address.host);
        laid.set("PGPORT", self.address.port.to_string());
        if let Some(database) = &self.database {
            laid.set("PGDATABASE", database);
        }
        laid.set("PGSSLMODE", "verify-full");
        laid.set("PGSSLROOTCERT", authority);
        // Where there is a Kerberos ticket libpq would try its encryption first, and then no
        // certificate is looked at.
        laid.set("PGGSSENCMODE", "disable");
        laid.environment.removed.extend(REMOVED);
        match (&self.way, given) {
            (Way::Role, Given::Password { role, password }) => {
                let line = password_line(&self.address, role, password)?;
                let path = laid.file(folder, PASSWORDS, line);
                laid.set("PGUSER", role);
                laid.set("PGPASSFILE", path);
                // A grant that is extended gets another role, and the variables of a command that
                // runs cannot change. What libpq finds in a service file wins over them, and it
                // looks there for each connection.
                let service = format!("[{SERVICE}]\nuser={role}\n");
                let path = laid.file(folder, SERVICES, service);
                laid.set("PGSERVICEFILE", path);
                laid.set("PGSERVICE", SERVICE);
                laid.set("PGCHANNELBINDING", "require");
                // A certificate of the person's own is not for this server.
                laid.environment.removed.extend(["PGSSLCERT", "PGSSLKEY"]);
            }
            (Way::Certificate, Given::X509 { chain, key, login }) => {
                let certificate = laid.file(folder, CERTIFICATE, chain);
                let key = laid.file(folder, KEY, key);
                laid.set("PGUSER", login);
                laid.set("PGSSLCERT", certificate);
                laid.set("PGSSLKEY", key);
                // Both are about passwords, and there is none.
                let passwords = ["PGCHANNELBINDING", "PGPASSFILE"];
                laid.environment.removed.extend(passwords);
            }
            _ => return Err(Unfit::kind("this database")),
        }
        Ok(laid)
    }
}

/// A line of the password file, for any database of the server: `psql` can go from one to another,
/// and what the role may do there is the server's to say.
///
/// # Errors
/// Where a line cannot hold it.
fn password_line(address: &Address, role: &str, password: &str) -> Result<String, Unfit> {
    if [role, password]
        .iter()
        .any(|text| text.contains(['\n', '\r', '\0']))
    {
        return Err(Unfit(
            "the database's password has a line break, and a password file cannot hold one".into(),
        ));
    }
    let (host, port) = (escaped(&address.host), address.port);
    let (role, password) = (escaped(role), escaped(password));
    Ok(format!("{host}:{port}:*:{role}:{password}\n"))
}

/// `:` and `\` within a field take a backslash.
fn escaped(field: &str) -> String {
    field.replace('\\', "\\\\").replace(':', "\\:")
}
