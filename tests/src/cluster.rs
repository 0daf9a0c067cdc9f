//! A stand-in for a Kubernetes API server: TLS, and as much of the API as `kubectl get pods` asks
//! for. It remembers how everybody said who they are.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use crate::papers::Papers;

/// One request.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `/api/v1/namespaces/shop/pods`, without a query.
    pub path: String,
    /// The bearer token.
    pub token: Option<String>,
    /// The client's certificate; TLS has checked it.
    pub certificate: Option<CertificateDer<'static>>,
}

/// Who may come in.
type Judge = Box<dyn Fn(&Seen) -> bool + Send + Sync>;

/// The stand-in. It serves until the story ends.
pub struct Cluster {
    address: SocketAddr,
    authority: String,
    inside: Arc<Inside>,
}

struct Inside {
    config: Arc<ServerConfig>,
    judge: Judge,
    seen: Mutex<Vec<Seen>>,
}

impl Cluster {
    /// One that lets in whom `judge` does, by a token or by a certificate of `clients`.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn begins(clients: &Papers, judge: impl Fn(&Seen) -> bool + Send + Sync + 'static) -> Self {
        Self::with_client_ca(&clients.pem(), judge)
    }

    /// The same, with the authority of client certificates as a file would have it, PEM.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn with_client_ca(
        clients: &str,
        judge: impl Fn(&Seen) -> bool + Send + Sync + 'static,
    ) -> Self {
        let papers = Papers::of("the cluster");
        let inside = Arc::new(Inside {
            config: Arc::new(config(&papers, clients)),
            judge: Box::new(judge),
            seen: Mutex::default(),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = Arc::clone(&inside);
        // The thread ends with the process: it waits for somebody who may still come.
        std::thread::spawn(move || {
            for tcp in listener.incoming().map_while(Result::ok) {
                let inside = Arc::clone(&serving);
                std::thread::spawn(move || inside.answers(tcp));
            }
        });
        Self {
            address,
            authority: papers.pem(),
            inside,
        }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The authority of its certificate, PEM.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whoever asked for pods since this was last looked at; `kubectl` asks for other things first,
    /// and not each time for the same.
    ///
    /// # Panics
    /// Where nobody did.
    #[must_use]
    pub fn asked_for_pods(&self) -> Seen {
        let mut seen = self.inside.seen();
        let found = seen.iter().rfind(|seen| seen.path.ends_with("/pods"));
        let found = found.cloned().expect("somebody asked for pods");
        seen.clear();
        found
    }
}

impl Inside {
    fn seen(&self) -> std::sync::MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One request, one answer; whoever leaves early is not missed.
    fn answers(&self, tcp: TcpStream) {
        let connection = ServerConnection::new(Arc::clone(&self.config)).expect("a configuration");
        let mut tls = BufReader::new(StreamOwned::new(connection, tcp));
        let Some((path, token)) = request(&mut tls) else {
            return;
        };
        let certificates = tls.get_ref().conn.peer_certificates();
        let seen = Seen {
            path,
            token,
            certificate: certificates.map(|chain| chain[0].clone().into_owned()),
        };
        let (status, body) = match (self.judge)(&seen) {
            true => answer_to(&seen.path),
            false => ("401 Unauthorized", status_of(401, "Unauthorized")),
        };
        self.seen().push(seen);
        let body = body.to_string();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        );
        let tls = tls.get_mut();
        let _ = tls.write_all(answer.as_bytes()).and_then(|()| tls.flush());
        tls.conn.send_close_notify();
        let _ = tls.flush();
    }
}

/// The path and the token of a request.
fn request(from: &mut impl std::io::BufRead) -> Option<(String, Option<String>)> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        // Longer heads are not of kubectl.
        from.by_ref().take(16_384).read_line(&mut line).ok()?;
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let path = head.first()?.split(' ').nth(1)?;
    let path = path.split('?').next()?.to_owned();
    let token = head.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let token = value.strip_prefix("Bearer ")?;
        name.eq_ignore_ascii_case("authorization")
            .then(|| token.to_owned())
    });
    Some((path, token))
}

fn answer_to(path: &str) -> (&'static str, Value) {
    let body = match path {
        "/version" => json!({ "major": "1", "minor": "29", "gitVersion": "v1.29.0" }),
        "/api" => json!({ "kind": "APIVersions", "versions": ["v1"] }),
        "/apis" => json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [] }),
        "/api/v1" => json!({
            "kind": "APIResourceList",
            "groupVersion": "v1",
            "resources": [{
                "name": "pods",
                "singularName": "pod",
                "namespaced": true,
                "kind": "Pod",
                "verbs": ["get", "list"],
            }],
        }),
        path if path.starts_with("/api/v1/namespaces/") && path.ends_with("/pods") => json!({
            "kind": "PodList",
            "apiVersion": "v1",
            "metadata": {},
            "items": [{
                "kind": "Pod",
                "apiVersion": "v1",
                "metadata": { "name": "worker-1", "namespace": "shop" },
                "spec": {},
                "status": {},
            }],
        }),
        _ => return ("404 Not Found", status_of(404, "NotFound")),
    };
    ("200 OK", body)
}

fn status_of(code: u16, reason: &str) -> Value {
    json!({
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "message": reason,
        "code": code,
    })
}

fn config(papers: &Papers, clients: &str) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(der(clients)).expect("an authority");
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()
            .expect("it can judge");
    let server = papers.server();
    let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes()).expect("a key");
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("ring has TLS 1.3")
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![der(&server.certificate)], key)
        .expect("a server's certificate")
}
