//! HTTPS as a target speaks it to the broker's web listener: TLS 1.3 to a pinned CA, one request.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// What came.
#[derive(Debug)]
pub struct Answer {
    /// `200`.
    pub status: u16,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// The bytes.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

/// Fetches a path, trusting only this CA (PEM).
///
/// # Panics
/// Where there is no proper answer.
pub async fn get(address: SocketAddr, ca_pem: &str, path: &str) -> Answer {
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    ask(address, ca_pem, &[head.as_bytes()]).await
}

/// Sends a body, as [`get`].
///
/// # Panics
/// Where there is no proper answer.
pub async fn post(
    address: SocketAddr,
    ca_pem: &str,
    path: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Answer {
    let lines = headers.iter();
    let lines: String = lines
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-length: {length}\r\n{lines}\r\n"
    );
    ask(address, ca_pem, &[head.as_bytes(), body]).await
}

/// Sends the same body so many times over one connection; the statuses of the answers.
///
/// # Panics
/// Where the connection cannot be made.
pub async fn post_often(
    address: SocketAddr,
    ca_pem: &str,
    path: &str,
    headers: &[(String, String)],
    (body, times): (&str, usize),
) -> Vec<u16> {
    let lines = headers.iter();
    let lines: String = lines
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = body.len();
    let one = |last: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\n{last}content-length: {length}\r\n\
             {lines}\r\n{body}"
        )
    };
    let mut all = one("").repeat(times.saturating_sub(1));
    all.push_str(&one("connection: close\r\n"));
    let answers = exchange(address, ca_pem, &[all.as_bytes()]).await;
    let answers = String::from_utf8_lossy(&answers).into_owned();
    let statuses = answers.split("HTTP/1.1 ").skip(1);
    statuses
        .filter_map(|answer| answer.get(..3)?.parse().ok())
        .collect()
}

async fn ask(address: SocketAddr, ca_pem: &str, parts: &[&[u8]]) -> Answer {
    parse(&exchange(address, ca_pem, parts).await)
}

async fn exchange(address: SocketAddr, ca_pem: &str, parts: &[&[u8]]) -> Vec<u8> {
    let tcp = TcpStream::connect(address)
        .await
        .expect("the web listener answers");
    let name = ServerName::try_from("localhost").expect("a name");
    let connector = TlsConnector::from(Arc::new(trusting(ca_pem)));
    let tls = connector
        .connect(name, tcp)
        .await
        .expect("TLS with the pinned CA");
    let (mut from, mut to) = tokio::io::split(tls);
    let send = async {
        for part in parts {
            // A server that has answered already does not read the rest.
            if to.write_all(part).await.is_err() {
                return;
            }
        }
    };
    let mut answer = Vec::new();
    // A server that closes without close_notify has said all the same what it had to say: the
    // length of the body is checked below.
    let read = from.read_to_end(&mut answer);
    let _ = tokio::join!(send, read);
    answer
}

fn trusting(ca_pem: &str) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(ca_pem.as_bytes()).expect("a CA in PEM");
    roots.add(ca).expect("a CA");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("ring has TLS 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Reads an answer with all of its body.
pub(crate) fn parse(answer: &[u8]) -> Answer {
    let end = answer
        .windows(4)
        .position(|part| part == b"\r\n\r\n")
        .expect("a head");
    let head = std::str::from_utf8(&answer[..end]).expect("a head is text");
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .expect("a status");
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let body = answer[end + 4..].to_vec();
    let answer = Answer {
        status: status.parse().expect("a number"),
        headers,
        body,
    };
    if let Some(length) = answer.header("content-length") {
        assert_eq!(length, answer.body.len().to_string(), "the whole body came");
    }
    answer
}
