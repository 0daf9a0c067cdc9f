//! A connection of the broker's own role: TLS with a verified name, SCRAM bound to that TLS.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use tokio_postgres::config::{ChannelBinding, Config, SslMode};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};
use tokio_postgres_rustls::MakeRustlsConnect;
use zeroize::Zeroizing;

use super::Server;
use super::error::{PostgresError, Whom};
use super::limits::{ANSWER, CONNECT, LOCK, PASSWORD_FILE_BYTES, SILENCE, STATEMENT};

/// Permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Only TLS 1.3, only `ring`, only the CA of the policy's target; the server's name is checked.
pub(super) fn tls(server: &Server) -> Result<MakeRustlsConnect, PostgresError> {
    let whom = server.whom(&server.database);
    let wrong =
        |why: String| whom.misconfigured(format!("`ca` of its target in the policy {why}"), "");
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(server.ca.as_bytes()) {
        let certificate = certificate.map_err(|_| wrong("is not PEM".into()))?;
        roots
            .add(certificate)
            .map_err(|e| wrong(format!("has a certificate that cannot be used: {e}")))?;
    }
    if roots.is_empty() {
        return Err(wrong("has no certificate in it".into()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| whom.unreachable(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // Each connection sees the certificate that its password is bound to.
    config.resumption = Resumption::disabled();
    Ok(MakeRustlsConnect::new(config))
}

/// An open connection. It ends when this is dropped.
pub(super) struct Session {
    client: Client,
    whom: Whom,
}

impl Session {
    /// Connects to one database. The password is read again each time, so that it can be changed.
    pub(super) async fn open(
        server: &Server,
        tls: &MakeRustlsConnect,
        database: &str,
    ) -> Result<Self, PostgresError> {
        let whom = server.whom(database);
        let password = password(&server.password_file, &whom).await?;
        let config = config(server, database, &password);
        let connecting = within(CONNECT, &whom, config.connect(tls.clone()));
        let (client, connection) = connecting.await?;
        tokio::spawn(async move {
            if let Err(e) = connection.await {
                tracing::debug!(error = %e, "a connection to PostgreSQL ended");
            }
        });
        Ok(Self { client, whom })
    }

    /// One statement with parameters.
    pub(super) async fn query(
        &self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, PostgresError> {
        within(ANSWER, &self.whom, self.client.query_typed(sql, parameters)).await
    }

    /// Statements that take no parameters (DDL): names in them are escaped.
    pub(super) async fn run(&self, sql: &str) -> Result<(), PostgresError> {
        within(ANSWER, &self.whom, self.client.batch_execute(sql)).await
    }

    /// A column of a row; a server may answer anything.
    pub(super) fn column<'a, T: tokio_postgres::types::FromSql<'a>>(
        &self,
        row: &'a Row,
        at: usize,
    ) -> Result<T, PostgresError> {
        row.try_get(at).map_err(|e| self.whom.explain(&e))
    }

    /// Whom errors are about.
    pub(super) fn whom(&self) -> &Whom {
        &self.whom
    }
}

async fn within<T>(
    limit: Duration,
    whom: &Whom,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, PostgresError> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer.map_err(|e| whom.explain(&e)),
        Err(_) => Err(whom.unreachable(format!("no answer within {} s", limit.as_secs()))),
    }
}

/// The library keeps a copy of the password in its own memory while it connects, and does not wipe it.
fn config(server: &Server, database: &str, password: &[u8]) -> Config {
    let mut config = Config::new();
    config
        .host(&server.host)
        .port(server.port)
        .dbname(database)
        .user(&server.user)
        .password(password)
        .application_name("glassd")
        .ssl_mode(SslMode::Require)
        .channel_binding(ChannelBinding::Require)
        .connect_timeout(CONNECT)
        .tcp_user_timeout(SILENCE)
        .options(settings());
    config
}

/// Sent with the first packet, so no default of the role or the database comes before it. Names are
/// looked up in `pg_catalog` only: in other schemas everybody could have put what they like.
fn settings() -> String {
    format!(
        "-c search_path=pg_catalog -c statement_timeout={} -c lock_timeout={} \
         -c idle_in_transaction_session_timeout={}",
        STATEMENT.as_millis(),
        LOCK.as_millis(),
        STATEMENT.as_millis()
    )
}

async fn password(path: &Path, whom: &Whom) -> Result<Zeroizing<Vec<u8>>, PostgresError> {
    let (path, whom) = (path.to_owned(), whom.clone());
    let reading = tokio::task::spawn_blocking(move || read_password(&path, &whom));
    reading.await.expect("reading a file does not panic")
}

fn read_password(path: &Path, whom: &Whom) -> Result<Zeroizing<Vec<u8>>, PostgresError> {
    let shown = path.display();
    let unreadable =
        |e| whom.misconfigured(format!("its password_file {shown} cannot be read: {e}"), "");
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    let mode = metadata.mode() & 0o7777;
    if mode & OTHERS != 0 {
        let why = format!("its password_file {shown} has mode {mode:04o}, so others can read it");
        return Err(whom.misconfigured(why, &format!("chmod 600 {shown}")));
    }
    // Sized first: a vector that grows leaves copies of its content behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(PASSWORD_FILE_BYTES as usize + 1));
    file.take(PASSWORD_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    while bytes.last().is_some_and(|last| b"\r\n".contains(last)) {
        bytes.pop();
    }
    if bytes.is_empty() || bytes.len() as u64 > PASSWORD_FILE_BYTES {
        let why = format!("its password_file {shown} has no password of one line in it");
        return Err(whom.misconfigured(why, ""));
    }
    Ok(bytes)
}
