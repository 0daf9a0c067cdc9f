//! What needs no server. The rest is told against a real one: `tests/targets/postgres.rs`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use breakglass_domain::Time;

use super::*;

struct Still;

impl Clock for Still {
    fn now(&self) -> Time {
        Time::from_millis(0)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

impl Entropy for Still {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn ca() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.self_signed(&key).unwrap().pem()
}

/// A port that nobody listens at: it was ours a moment ago.
fn server(folder: &tempfile::TempDir) -> Server {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let password_file = folder.path().join("password");
    fs::write(&password_file, "secret of the broker\n").unwrap();
    fs::set_permissions(&password_file, fs::Permissions::from_mode(0o600)).unwrap();
    Server {
        host: "127.0.0.1".into(),
        port: listener.local_addr().unwrap().port(),
        database: "shop".into(),
        ca: ca().into(),
        user: "breakglass".into(),
        password_file,
        ledger: "glass.example/ledger".into(),
    }
}

fn postgres(server: Server) -> Result<Postgres, PostgresError> {
    Postgres::new(server, Arc::new(Still), Arc::new(Still))
}

#[tokio::test]
async fn a_server_that_is_away_is_unreachable_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder);
    let address = format!("127.0.0.1:{}", server.port);
    let error = postgres(server).unwrap().check(&[]).await.unwrap_err();
    assert!(
        matches!(error, PostgresError::Unreachable { .. }),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(text.contains(&address), "{text}");
    assert!(text.contains("Connection refused"), "{text}");
}

#[tokio::test]
async fn a_password_that_others_can_read_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(&folder);
    let file = server.password_file.clone();
    let postgres = postgres(server).unwrap();
    let refused = async |what: &str| {
        let text = postgres.check(&[]).await.unwrap_err().to_string();
        assert!(text.contains(what), "{text}");
        assert!(!text.contains("secret"), "{text}");
    };
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    refused(&format!("run: chmod 600 {}", file.display())).await;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&file, "\n").unwrap();
    refused("has no password of one line").await;
    fs::write(&file, "secret".repeat(1_000)).unwrap();
    refused("has no password of one line").await;
    fs::remove_file(&file).unwrap();
    refused("cannot be read").await;
}

#[test]
fn what_cannot_be_verified_is_refused_before_anything_is_connected() {
    let folder = tempfile::tempdir().unwrap();
    for (ca, why) in [
        ("", "has no certificate in it"),
        ("-----BEGIN CERTIFICATE-----\n!\n", "is not PEM"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "cannot be used",
        ),
    ] {
        let server = Server {
            ca: ca.into(),
            ..server(&folder)
        };
        let text = postgres(server).unwrap_err().to_string();
        assert!(text.contains(why), "{text}");
    }
    // The library would take it for the folder of a socket.
    for host in ["/var/run/postgresql", "", "a b"] {
        let server = Server {
            host: host.into(),
            ..server(&folder)
        };
        let text = postgres(server).unwrap_err().to_string();
        assert!(
            text.contains("neither a DNS name nor an IP address"),
            "{text}"
        );
    }
}
