//! A PostgreSQL server from Debian's package, as a shop would have it: TLS, the shop's two databases
//! and roles, and what `deploy/postgres` says. It is killed and removed when the last story that uses
//! it is over, also where that story fails.

mod certificates;
mod running;

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use breakglass_broker::effects::postgres as effect;
use tempfile::TempDir;

pub use certificates::ClientCertificate;
use certificates::{TestCa, demand_closed_file};
use running::{Running, User};

use crate::playground::{Output, Ports, Process};
use crate::wait::until;

/// Where Debian's package has its programs.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// The broker's own role, and its password.
const BROKER: (&str, &str) = ("breakglass", "the broker's own password");

/// The origin of the broker's ledger.
pub const LEDGER: &str = "glass.example/ledger";

/// What the shop has before anybody thinks of breakglass. `shop_owner` is what every shop has: somebody
/// whose tables these are. `leon` has an account of his own.
const SHOP: &str = "
    CREATE ROLE shop_owner; CREATE ROLE shop_migrator; CREATE ROLE shop_reader LOGIN;
    CREATE ROLE leon LOGIN;
    CREATE TABLE customers (name text); INSERT INTO customers VALUES ('a customer');
    ALTER TABLE customers OWNER TO shop_owner;
    GRANT SELECT ON customers TO shop_migrator, shop_reader;
    GRANT CREATE ON DATABASE shop TO shop_migrator;
    GRANT CREATE ON SCHEMA public TO shop_migrator;";

/// A server, with the databases `shop` and `stock`.
pub struct Server {
    ports: Ports,
    ca: TestCa,
    clients: TestCa,
    running: Mutex<Option<Running>>,
    // Last, so that the server has ended before its folder goes.
    folder: TempDir,
}

/// One server for all stories of this process that run at the same time.
static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());

impl Server {
    /// The server that stories share: each uses roles of its own.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return server;
        }
        let server = Arc::new(Self::start());
        *shared = Arc::downgrade(&server);
        server
    }

    /// One that may be stopped, or set up wrongly.
    ///
    /// # Panics
    /// Where Debian's package is not installed, or the server does not start.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("glass-pg").tempdir();
        let folder = folder.expect("a folder for the server");
        let server = Self {
            ports: Ports::reserve(),
            ca: TestCa::new("the shop's CA"),
            clients: TestCa::new("breakglass targets"),
            running: Mutex::new(None),
            folder,
        };
        server.give_to_postgres(server.folder.path());
        server.makes_cluster();
        server.starts();
        server.sets_up();
        server
    }

    /// It starts, and answers.
    ///
    /// # Panics
    /// Where it does not.
    pub fn starts(&self) {
        let mut postgres = User::postgres().command(&Path::new(PROGRAMS).join("postgres"));
        postgres.arg("-D").arg(self.path("data"));
        let said = fs::File::options()
            .append(true)
            .create(true)
            .open(self.path("log"));
        postgres.stderr(said.expect("a file for what it says"));
        *self.running() = Some(Running::start(postgres));
        until("the server answers", "postgres tells nobody", || {
            let mut ready = Command::new(Path::new(PROGRAMS).join("pg_isready"));
            ready.arg("-q").arg("-h").arg(self.folder.path());
            ready.arg("-p").arg(self.port().to_string());
            ready
                .status()
                .expect("pg_isready runs")
                .success()
                .then_some(())
        });
    }

    /// It stops, as with `pg_ctl stop -m immediate`.
    pub fn stops(&self) {
        drop(self.running().take());
    }

    /// Its TCP port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.ports.grpc
    }

    /// Everything it has said so far. With `log_statement = all` that is a lot.
    ///
    /// # Panics
    /// Where there is no such file.
    #[must_use]
    pub fn said(&self) -> String {
        let said = fs::read(self.path("log")).expect("it has said something");
        String::from_utf8_lossy(&said).into_owned()
    }

    /// What the broker knows of it.
    #[must_use]
    pub fn for_broker(&self) -> effect::Server {
        effect::Server {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: self.port(),
            database: "shop".into(),
            ca: self.ca.pem().into(),
            user: BROKER.0.into(),
            password_file: self.path("password"),
            ledger: LEDGER.into(),
        }
    }

    /// What the administrator's `psql` says, unaligned and without headers.
    ///
    /// # Panics
    /// Where the SQL fails.
    pub fn admin(&self, database: &str, sql: &str) -> String {
        let mut psql = self.psql(database);
        psql.env("PGHOST", self.folder.path())
            .env("PGUSER", "postgres");
        psql.env_remove("PGHOSTADDR").args(["-c", sql]);
        let said = Process::spawn(psql).finishes();
        assert_eq!(said.code, 0, "{sql}: {said}");
        said.out.trim_end().to_owned()
    }

    /// `psql` over TLS, with nobody logged in yet.
    #[must_use]
    pub fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new(Path::new(PROGRAMS).join("psql"));
        psql.env_clear()
            .env("PGHOST", "localhost")
            .env("PGHOSTADDR", "127.0.0.1")
            .env("PGPORT", self.port().to_string())
            .env("PGDATABASE", database)
            .env("PGSSLMODE", "verify-full")
            .env("PGSSLROOTCERT", self.path("server-ca.crt"))
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"])
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        psql
    }

    /// The same for somebody with a password: SCRAM bound to the TLS connection, and nothing else.
    #[must_use]
    pub fn psql_as(&self, database: &str, user: &str, password: &str) -> Command {
        let mut psql = self.psql(database);
        psql.env("PGUSER", user)
            .env("PGPASSWORD", password)
            .env("PGCHANNELBINDING", "require");
        psql
    }

    /// The broker's own role runs SQL.
    #[must_use]
    pub fn as_broker(&self, database: &str, sql: &str) -> Output {
        let mut psql = self.psql_as(database, BROKER.0, BROKER.1);
        psql.args(["-c", sql]);
        Process::spawn(psql).finishes()
    }

    /// A client certificate of the authority that the server trusts.
    #[must_use]
    pub fn client_certificate(
        &self,
        who: &str,
        organization: &str,
        serial: u128,
    ) -> ClientCertificate {
        self.clients
            .client(self.folder.path(), who, organization, serial)
    }

    /// The same of another authority with the same name.
    #[must_use]
    pub fn forged_certificate(&self, who: &str, organization: &str) -> ClientCertificate {
        let other = TestCa::new("breakglass targets");
        other.client(self.folder.path(), who, organization, 666)
    }

    /// Another file of the server's folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A CA that this server has nothing to do with, PEM.
    #[must_use]
    pub fn another_ca() -> String {
        TestCa::new("another CA").pem()
    }

    /// It starts again, and listens on another address of this machine, too.
    ///
    /// # Panics
    /// Where it does not.
    pub fn listens_also_on(&self, address: &str) {
        let addresses = format!("ALTER SYSTEM SET listen_addresses = '127.0.0.1,{address}'");
        self.admin("postgres", &addresses);
        self.stops();
        self.starts();
    }

    /// The lines of `pg_hba.conf` are others, from now on.
    ///
    /// # Panics
    /// Where they cannot be written.
    pub fn lets_in(&self, lines: &str) {
        let lines = format!("local all postgres trust\n{lines}\n");
        fs::write(self.path("data/pg_hba.conf"), lines).expect("pg_hba.conf is written");
        self.admin("postgres", "SELECT pg_reload_conf()");
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn makes_cluster(&self) {
        let mut initdb = User::postgres().command(&Path::new(PROGRAMS).join("initdb"));
        initdb.arg("-D").arg(self.path("data"));
        initdb.args([
            "--no-sync",
            "--no-instructions",
            "--auth=reject",
            "-U",
            "postgres",
        ]);
        initdb.args(["--locale=C.UTF-8", "--encoding=UTF8"]);
        let made = Process::spawn(initdb).finishes();
        assert_eq!(made.code, 0, "initdb: {made}");
        let (certificate, key) = self.ca.server();
        self.writes("server-ca.crt", &self.ca.pem());
        self.writes("data/server.crt", &certificate);
        self.writes("data/server.key", &key);
        demand_closed_file(&self.path("data/server.key"));
        self.writes("data/breakglass-targets.crt", &self.clients.pem());
        self.writes("data/postgresql.conf", &self.settings());
        self.writes("data/pg_hba.conf", &hba());
        self.writes("data/pg_ident.conf", &deployed("pg_ident.conf"));
        self.writes("password", &format!("{}\n", BROKER.1));
        fs::set_permissions(self.path("password"), fs::Permissions::from_mode(0o600))
            .expect("a mode is set");
    }

    fn settings(&self) -> String {
        format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{}'\n\
             ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\n\
             ssl_ca_file = 'breakglass-targets.crt'\npassword_encryption = scram-sha-256\n\
             fsync = off\nshared_buffers = 16MB\nmax_connections = 60\nautovacuum = off\n\
             log_statement = all\nlog_connections = on\nlog_min_duration_statement = 0\n\
             log_line_prefix = '%p %u '\n",
            self.port(),
            self.folder.path().display()
        )
    }

    fn sets_up(&self) {
        self.admin("postgres", "CREATE DATABASE shop");
        self.admin("postgres", "CREATE DATABASE stock");
        self.admin("shop", SHOP);
        self.admin("stock", "GRANT CREATE ON SCHEMA public TO shop_migrator");
        self.runs_setup("shop");
        let (broker, password) = BROKER;
        self.admin(
            "shop",
            &format!(
                "ALTER ROLE {broker} PASSWORD '{}';
                 GRANT shop_migrator, shop_reader TO breakglass_owner WITH ADMIN OPTION",
                password.replace('\'', "''")
            ),
        );
    }

    /// The administrator runs what is shipped.
    ///
    /// # Panics
    /// Where it fails.
    pub fn runs_setup(&self, database: &str) {
        let mut psql = self.psql(database);
        psql.env("PGHOST", self.folder.path())
            .env("PGUSER", "postgres");
        psql.env_remove("PGHOSTADDR")
            .arg("-f")
            .arg(deployed_path("setup.sql"));
        let said = Process::spawn(psql).finishes();
        assert_eq!(said.code, 0, "setup.sql: {said}");
        assert_eq!(said.err, "", "setup.sql has nothing to say");
    }

    fn writes(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap_or_else(|why| panic!("{name}: {why}"));
        if name.starts_with("data/") {
            self.give_to_postgres(&self.path(name));
        }
    }

    fn give_to_postgres(&self, path: &Path) {
        if let Some((uid, gid)) = User::postgres().ids() {
            chown(path, Some(uid), Some(gid)).expect("root may give files away");
        }
    }
}

/// A file of `deploy/postgres`.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn deployed(name: &str) -> String {
    fs::read_to_string(deployed_path(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
}

fn deployed_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../deploy/postgres")
        .join(name)
}

/// The lines that are shipped, with this machine as the broker's, and one for the second database.
#[must_use]
pub fn hba() -> String {
    let lines = deployed("pg_hba.conf").replace("192.0.2.10/32", "127.0.0.1/32");
    format!("local all postgres trust\n{lines}\nhostssl stock +shop_migrator all scram-sha-256\n")
}
