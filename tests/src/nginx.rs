//! nginx from Debian, set up as `deploy/http/nginx.conf` says, or with a folder to serve; and requests to it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::https::{Answer, parse};
use crate::playground::{Ports, Process};
use crate::wait;

/// A service behind nginx, or a folder. The service is another server of the same nginx: it answers with
/// the headers that reached it, a line each.
pub struct Nginx {
    address: SocketAddr,
    // In this order: the program ends before its folder goes.
    _process: Process,
    _folder: TempDir,
}

impl Nginx {
    /// Starts it, asking the guard at this address.
    ///
    /// # Panics
    /// Where it is not installed or does not start.
    #[must_use]
    pub fn begins(guard: SocketAddr) -> Self {
        Self::with(|folder, address| config_text(folder, address, guard))
    }

    /// Starts it, serving the files of a folder and nothing else.
    ///
    /// # Panics
    /// Where it is not installed or does not start.
    #[must_use]
    pub fn serves(files: &Path) -> Self {
        Self::with(|folder, address| {
            let server = format!("server {{ listen {address};\nroot {files:?};\n}}\n");
            whole_config(folder, &server)
        })
    }

    fn with(config_text: impl FnOnce(&Path, SocketAddr) -> String) -> Self {
        let folder = tempfile::Builder::new().prefix("nginx").tempdir();
        let folder = folder.expect("a folder for nginx");
        let address = SocketAddr::from(([127, 0, 0, 1], Ports::reserve().web));
        let config = folder.path().join("nginx.conf");
        let text = config_text(folder.path(), address);
        fs::write(&config, text).expect("a config is written");
        let mut run = Command::new("/usr/sbin/nginx");
        run.args(["-e", "stderr", "-p"]).arg(folder.path());
        run.arg("-c").arg(&config).stdin(Stdio::null());
        let process = Process::spawn(run);
        wait::until("nginx listens", "it does not say so", || {
            std::net::TcpStream::connect(address).ok()
        });
        Self {
            address,
            _process: process,
            _folder: folder,
        }
    }

    /// One request over a connection of its own.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.connection().await.asks("GET", path, headers).await
    }

    /// A connection that is kept.
    ///
    /// # Panics
    /// Where nginx is gone.
    pub async fn connection(&self) -> Connection {
        let stream = TcpStream::connect(self.address).await;
        Connection(stream.expect("nginx listens"))
    }
}

/// A connection to nginx, for one request after another.
pub struct Connection(TcpStream);

impl Connection {
    /// Asks, and reads the whole answer.
    ///
    /// # Panics
    /// Where there is no proper one.
    pub async fn asks(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let lines = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        let lines: String = lines.collect();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: deploy.shop.example\r\n{lines}\r\n");
        self.0
            .write_all(head.as_bytes())
            .await
            .expect("nginx reads");
        let (mut answer, mut part) = (Vec::new(), [0; 4096]);
        while !is_whole(&answer) {
            let read = self.0.read(&mut part).await.expect("nginx answers");
            assert_ne!(
                read,
                0,
                "the connection ended: {}",
                String::from_utf8_lossy(&answer)
            );
            answer.extend_from_slice(&part[..read]);
        }
        parse(&answer)
    }
}

/// Whether a head and as much of a body as it says have come; every answer here says how much.
fn is_whole(answer: &[u8]) -> bool {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let Some((head, body)) = end.and_then(|end| answer.split_at_checked(end + 4)) else {
        return false;
    };
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.and_then(|n| n.parse().ok()).expect("a length");
    body.len() >= length
}

fn config_text(folder: &Path, address: SocketAddr, guard: SocketAddr) -> String {
    let service = folder.join("service.sock");
    let snippet = fs::read_to_string(deployed("nginx.conf")).expect("deploy/http/nginx.conf");
    let snippet = snippet
        .replace("127.0.0.1:9470", &guard.to_string())
        .replace(
            "http://127.0.0.1:8080",
            &format!("http://unix:{}", service.display()),
        );
    assert!(!snippet.contains("http://127.0.0.1:8080") && snippet.contains(&guard.to_string()));
    let place = place_for_one_right(guard, &service);
    let servers = format!(
        "server {{ listen {address};\n{snippet}\n{place}\n}}\n\
         server {{ listen unix:{};\n{SERVICE}\n}}\n",
        service.display()
    );
    whole_config(folder, &servers)
}

/// A config around these servers, whose files are all in this folder.
fn whole_config(folder: &Path, servers: &str) -> String {
    let folder = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("    {name}_temp_path {folder}/{name};\n"))
        .collect();
    // One process, so that it ends when it is told to; several would outlive their parent.
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nevents {{}}\nhttp {{\n{temporary}\
         \x20   access_log off;\n{servers}}}\n"
    )
}

/// A place for one right, as `docs/targets/http.md` says that one is made.
fn place_for_one_right(guard: SocketAddr, service: &Path) -> String {
    format!(
        "location = /_breakglass_migrations {{\n    internal;\n    \
         proxy_pass http://{guard}/check?right=migrate-shop-db;\n    \
         proxy_pass_request_body off;\n    proxy_set_header Content-Length \"\";\n}}\n\
         location /migrations {{\n    auth_request /_breakglass_migrations;\n    \
         proxy_pass http://unix:{};\n}}\n",
        service.display()
    )
}

/// What reached the service.
const SERVICE: &str = r#"
    default_type text/plain;
    return 200 "uri: $request_uri\nperson: $http_x_breakglass_person\ngrant: $http_x_breakglass_grant\nincident: $http_x_breakglass_incident\nright: $http_x_breakglass_right\nauthorization: $http_authorization\ndpop: $http_dpop\n";
"#;

fn deployed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../deploy/http")
        .join(name)
}
