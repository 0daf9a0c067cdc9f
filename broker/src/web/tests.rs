//! What anybody can read, and what nobody can.

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use super::*;
use crate::listen::{Door, accept_plain};

fn site(ledger: &std::path::Path, healthy: bool) -> Router {
    routes(Site {
        discovery: Arc::new(|| r#"{"issuer":"https://glass.example"}"#.into()),
        keys: Arc::new(|| r#"{"keys":[]}"#.into()),
        healthy: Arc::new(move || healthy),
        ledger: ledger.to_owned(),
        cosigned: Arc::new(|_| None),
    })
}

async fn ask(site: &Router, path: &str) -> (StatusCode, http::HeaderMap, Vec<u8>) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let (parts, body) = site.clone().oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    (parts.status, parts.headers, body.to_vec())
}

fn published() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    for dir in ["tile/0/000.p", "tile/entries/000.p"] {
        std::fs::create_dir_all(at(dir)).unwrap();
    }
    std::fs::write(at("checkpoint"), "glass.example/ledger\n1\n...\n").unwrap();
    std::fs::write(at("tile/0/000.p/1"), [7; 32]).unwrap();
    std::fs::write(at("tile/entries/000.p/1"), "{}").unwrap();
    std::fs::write(at("secret"), "secret").unwrap();
    folder
}

#[tokio::test]
async fn targets_find_the_keys_and_may_keep_them_for_a_while() {
    let folder = published();
    let site = site(folder.path(), true);
    let (status, headers, body) = ask(&site, "/.well-known/openid-configuration").await;
    assert_eq!(
        (status, headers["content-type"].as_bytes()),
        (StatusCode::OK, &b"application/json"[..])
    );
    assert_eq!(body, br#"{"issuer":"https://glass.example"}"#);
    let (_, headers, body) = ask(&site, "/jwks.json").await;
    assert_eq!(headers["cache-control"], "public, max-age=300");
    assert_eq!(body, br#"{"keys":[]}"#);
}

#[tokio::test]
async fn verifiers_find_the_checkpoint_and_the_hashes_but_no_entries() {
    let folder = published();
    let site = site(folder.path(), true);
    let (_, headers, body) = ask(&site, "/checkpoint").await;
    assert!(body.starts_with(b"glass.example/ledger\n"));
    assert_eq!(headers["cache-control"], "no-cache");
    let (_, headers, body) = ask(&site, "/tile/0/000.p/1").await;
    assert_eq!(body, [7; 32]);
    assert_eq!(headers["content-type"], "application/octet-stream");
    for path in [
        "/tile/entries/000.p/1",
        "/tile/0/000.p/2",
        "/tile/0/000.p/01",
        "/tile/../secret",
        "/tile/%2e%2e/secret",
        "/tile/0/..%2f..%2fsecret",
        "/secret",
        "/",
    ] {
        assert_eq!(ask(&site, path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_checkpoint_that_witnesses_have_signed_says_so() {
    let folder = published();
    let cosigned: Cosigned = Arc::new(|note| {
        assert_eq!(note, "glass.example/ledger\n1\n...\n");
        Some(format!("{note}and a witness\n"))
    });
    let site = routes(Site {
        discovery: Arc::new(String::new),
        keys: Arc::new(String::new),
        healthy: Arc::new(|| true),
        ledger: folder.path().to_owned(),
        cosigned,
    });
    let (status, headers, body) = ask(&site, "/checkpoint").await;
    assert_eq!(
        (status, headers["cache-control"].as_bytes()),
        (StatusCode::OK, &b"no-cache"[..])
    );
    assert!(body.ends_with(b"and a witness\n"));
}

#[tokio::test]
async fn health_is_a_word_and_a_code() {
    let folder = published();
    assert_eq!(ask(&site(folder.path(), true), "/healthz").await.2, b"ok\n");
    let (status, _, _) = ask(&site(folder.path(), false), "/healthz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn every_answer_is_hardened_and_requests_are_small() {
    let folder = published();
    let site = site(folder.path(), true);
    for path in ["/jwks.json", "/nothing"] {
        let (_, headers, _) = ask(&site, path).await;
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(
            headers["content-security-policy"]
                .to_str()
                .unwrap()
                .contains("default-src 'none'")
        );
    }
    let post = Request::post("/jwks.json").body(Body::empty()).unwrap();
    let refused = site.clone().oneshot(post).await.unwrap();
    assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
    let request = Request::get("/jwks.json").header("content-length", "2000");
    let big = request.body(Body::from(vec![0; 2_000])).unwrap();
    assert_eq!(
        site.oneshot(big).await.unwrap().status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test]
async fn metrics_are_served_over_http_1_and_stop_when_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = accept_plain(listener, Door::new(9, 9), ends());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let page: Page = Arc::new(|| "a 1\n# EOF\n".into());
    let serving = tokio::spawn(serve_plain(
        incoming,
        metrics_routes(page, "text/plain"),
        async {
            let _ = stopped.await;
        },
    ));
    let mut client = TcpStream::connect(address).await.unwrap();
    client
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = vec![0; 17];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 200 OK\r\n");
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}
