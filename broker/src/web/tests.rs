//! What anybody can read, and what nobody can.

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use super::limits::{CHUNK, FILES_BURST, FILES_PER_SECOND, LARGE_AT_ONCE};
use super::*;
use crate::app::tests::doubles::HeldClock;
use crate::listen::{Door, accept_plain};

/// Lets in whose connection says so.
struct Marked;

/// What marks a connection.
#[derive(Clone)]
struct Reader;

impl Readers for Marked {
    fn admit(&self, connection: &http::Extensions) -> Result<(), NotRead> {
        match connection.get::<Reader>() {
            Some(Reader) => Ok(()),
            None => Err(NotRead {
                what: "entries are for people".into(),
                next: "enrol".into(),
            }),
        }
    }
}

fn served(ledger: &std::path::Path) -> (Arc<Served>, Arc<HeldClock>) {
    let clock = Arc::new(HeldClock::at("2026-11-23T03:05:00Z"));
    let served = Served::new(
        ledger.to_owned(),
        Box::new(Marked),
        Box::new(|_| None),
        clock.clone(),
    );
    (served, clock)
}

fn site(ledger: &std::path::Path, healthy: bool) -> Router {
    routes(Site {
        discovery: Arc::new(|| r#"{"issuer":"https://glass.example"}"#.into()),
        keys: Arc::new(|| r#"{"keys":[]}"#.into()),
        healthy: Arc::new(move || healthy),
        ledger: served(ledger).0,
    })
}

async fn ask(site: &Router, path: &str) -> (StatusCode, http::HeaderMap, Vec<u8>) {
    ask_for(site, Request::get(path)).await
}

async fn ask_for(
    site: &Router,
    request: http::request::Builder,
) -> (StatusCode, http::HeaderMap, Vec<u8>) {
    let request = request.body(Body::empty()).unwrap();
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
async fn verifiers_find_the_checkpoint_and_the_hashes() {
    let folder = published();
    let site = site(folder.path(), true);
    let (_, headers, body) = ask(&site, "/checkpoint").await;
    assert!(body.starts_with(b"glass.example/ledger\n"));
    assert_eq!(headers["cache-control"], "no-cache");
    let (_, headers, body) = ask(&site, "/tile/0/000.p/1").await;
    assert_eq!(body, [7; 32]);
    assert_eq!(headers["content-type"], "application/octet-stream");
    for path in [
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
async fn entries_are_for_readers_and_for_no_shared_cache() {
    let folder = published();
    let site = site(folder.path(), true);
    for path in ["/tile/entries/000.p/1", "/tile/entries/000"] {
        let (status, headers, body) = ask(&site, path).await;
        assert_eq!(
            status,
            StatusCode::FORBIDDEN,
            "also of what is not there: {path}"
        );
        assert_eq!(body, b"entries are for people\nnext: enrol\n");
        assert_eq!(headers["cache-control"], "no-store");
    }
    let (status, headers, body) = ask_for(
        &site,
        Request::get("/tile/entries/000.p/1").extension(Reader),
    )
    .await;
    assert_eq!((status, body.as_slice()), (StatusCode::OK, &b"{}"[..]));
    assert_eq!(
        headers["cache-control"],
        "private, max-age=31536000, immutable"
    );
    let (status, ..) = ask_for(&site, Request::get("/tile/entries/000").extension(Reader)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (_, headers, _) = ask(&site, "/tile/0/000.p/1").await;
    assert_eq!(
        headers["cache-control"],
        "public, max-age=31536000, immutable"
    );
}

#[tokio::test]
async fn a_part_of_a_tile_can_be_asked_for() {
    let folder = published();
    let bytes: Vec<u8> = (0..2 * CHUNK + 5).map(|n| (n % 251) as u8).collect();
    std::fs::write(folder.path().join("tile/0/000"), &bytes).unwrap();
    let site = site(folder.path(), true);
    let part = |range: &'static str| {
        let request = Request::get("/tile/0/000").header("range", range);
        ask_for(&site, request)
    };
    let (status, headers, body) = ask(&site, "/tile/0/000").await;
    assert_eq!((status, body.as_slice()), (StatusCode::OK, &bytes[..]));
    assert_eq!(headers["accept-ranges"], "bytes");
    let (status, headers, body) = part("bytes=32-70000").await;
    assert_eq!(status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(body, bytes[32..=70_000]);
    assert_eq!(headers["content-range"], "bytes 32-70000/131077");
    assert_eq!(headers["content-length"], "69969");
    let (status, headers, body) = part("bytes=131077-").await;
    assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(headers["content-range"], "bytes */131077");
    assert_eq!(body, b"");
    let head = Request::head("/tile/0/000").header("range", "bytes=0-1");
    let (status, headers, body) = ask_for(&site, head).await;
    assert_eq!((status, body.as_slice()), (StatusCode::OK, &b""[..]));
    assert_eq!(headers["content-length"], "131077");
}

/// Somebody asks and never reads: what is large has few places, and what is small needs none.
#[tokio::test]
async fn large_files_on_their_way_are_few_and_leave_room_for_small_ones() {
    let folder = published();
    std::fs::write(folder.path().join("tile/entries/000"), vec![7; CHUNK + 1]).unwrap();
    let site = site(folder.path(), true);
    let asks = async || {
        let request = Request::get("/tile/entries/000").extension(Reader);
        let request = request.body(Body::empty()).unwrap();
        site.clone().oneshot(request).await.unwrap()
    };
    let mut unread = Vec::new();
    for _ in 0..LARGE_AT_ONCE {
        unread.push(asks().await);
    }
    assert!(
        unread
            .iter()
            .all(|answer| answer.status() == StatusCode::OK)
    );
    let one_more = asks().await;
    assert_eq!(one_more.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(one_more.headers()["retry-after"], "1");
    assert_eq!(ask(&site, "/tile/0/000.p/1").await.0, StatusCode::OK);
    unread.pop();
    assert_eq!(asks().await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_checkpoint_that_is_had_is_not_sent_again() {
    let folder = published();
    let site = site(folder.path(), true);
    let (_, headers, _) = ask(&site, "/checkpoint").await;
    let tag = headers["etag"].clone();
    let again = |tag: http::HeaderValue| {
        ask_for(
            &site,
            Request::get("/checkpoint").header("if-none-match", tag),
        )
    };
    let (status, headers, body) = again(tag.clone()).await;
    assert_eq!(
        (status, body.as_slice()),
        (StatusCode::NOT_MODIFIED, &b""[..])
    );
    assert_eq!(headers["etag"], tag);
    assert!(!headers.contains_key("content-length"));
    assert_eq!(again("\"other\"".parse().unwrap()).await.0, StatusCode::OK);
    std::fs::write(folder.path().join("checkpoint"), "a newer one").unwrap();
    let (status, _, body) = again(tag).await;
    assert_eq!(
        (status, body.as_slice()),
        (StatusCode::OK, &b"a newer one"[..])
    );
}

#[tokio::test]
async fn one_peer_gets_so_many_files_and_is_told_when_there_are_more() {
    let folder = published();
    let (served, clock) = served(folder.path());
    // What is taken of one listener is taken of both.
    let (web, grpc) = (ledger_routes(served.clone()), ledger_routes(served));
    for _ in 0..FILES_BURST / 2 {
        assert_eq!(ask(&web, "/checkpoint").await.0, StatusCode::OK);
        assert_eq!(ask(&grpc, "/tile/0/000.p/1").await.0, StatusCode::OK);
    }
    for path in ["/checkpoint", "/tile/0/000.p/1", "/tile/entries/000"] {
        let (status, headers, body) = ask(&web, path).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{path}");
        assert_eq!(headers["retry-after"], "1");
        assert!(body.starts_with(b"too many files of the ledger"));
    }
    clock.advance(1);
    let answered = async |n: u32| ask(&web, "/checkpoint").await.0 == StatusCode::OK && n > 0;
    for n in 1..=FILES_PER_SECOND {
        assert!(answered(n).await, "{n}");
    }
    assert!(!answered(1).await);
}

#[tokio::test]
async fn a_checkpoint_that_witnesses_have_signed_says_so() {
    let folder = published();
    let cosigned = Box::new(|note: &str| {
        assert_eq!(note, "glass.example/ledger\n1\n...\n");
        Some(format!("{note}and a witness\n"))
    });
    let clock = Arc::new(HeldClock::at("2026-11-23T03:05:00Z"));
    let ledger = folder.path().to_owned();
    let site = ledger_routes(Served::new(ledger, Box::new(Marked), cosigned, clock));
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
