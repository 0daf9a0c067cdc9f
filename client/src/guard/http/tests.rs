//! What proxies ask, and what they are told.

use std::sync::Arc;

use breakglass_tlog::NoteSigner as _;
use http::{HeaderMap, Request, Response};
use jiff::Timestamp;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::*;
use crate::dpop;
use crate::verify::fixtures::*;
use crate::verify::{Keys, Ledger, Newest, Origin, Verifier};

const SERVICE: &str = "https://deploy.shop.example";

/// A night with a guard that has heard of G-45.
struct Watch {
    night: Night,
    newest: Arc<Newest>,
    gate: Arc<Gate>,
    token: String,
}

impl Watch {
    fn begins() -> Self {
        Self::with(false)
    }

    fn with(demand_proof: bool) -> Self {
        let watch = Self::deaf(demand_proof);
        watch.newest.hears_live([live("G-45")]);
        watch.ticks(night());
        watch
    }

    /// One that has heard nothing yet.
    fn deaf(demand_proof: bool) -> Self {
        let mut night = Night::begins();
        let newest = Arc::new(Newest::new(ledger().verifier().clone()));
        // The gate has the verifier from here on; the night keeps one that knows nobody.
        let other = Night::begins().verifier;
        let gate = Gate {
            verifier: Arc::new(std::mem::replace(&mut night.verifier, other)),
            feed: newest.clone(),
            origin: Origin::of(SERVICE).unwrap(),
            demand_proof,
        };
        Self {
            token: night.token(),
            night,
            newest,
            gate: Arc::new(gate),
        }
    }

    fn ticks(&self, at: Timestamp) {
        self.newest.hears_tick(&signed(&tick(at, 100))).unwrap();
    }

    fn asks(&self, path: &str, headers: &[(&str, &str)]) -> Response<String> {
        self.asks_as("GET", path, headers)
    }

    fn asks_as(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response<String> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.gate.answer(&request.body(()).unwrap().into_parts().0)
    }

    fn asks_with(&self, path: &str, token: &str) -> Response<String> {
        self.asks(path, &[("authorization", &format!("Bearer {token}"))])
    }

    fn proof(&self, method: &str, url: &str) -> String {
        let token = self.token();
        dpop::proof(&self.night.laptop, method, url, &token, night()).unwrap()
    }

    /// The same each time it is asked for: a proof names it.
    fn token(&self) -> String {
        self.token.clone()
    }
}

#[track_caller]
fn is(answer: &Response<String>, status: u16, reason: &str) {
    let said = answer
        .headers()
        .get(names::REASON)
        .map(|said| said.to_str().unwrap());
    let said = (answer.status().as_u16(), said.unwrap_or_default());
    assert_eq!(said, (status, reason), "{}", answer.body());
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[test]
fn a_good_token_passes_and_the_service_is_told_who_comes() {
    let watch = Watch::begins();
    let answer = watch.asks_with("/check", &watch.token());
    is(&answer, 200, "");
    for (name, value) in [
        ("x-breakglass-person", "mia"),
        ("x-breakglass-grant", "G-45"),
        ("x-breakglass-incident", "INC-12"),
        ("x-breakglass-right", "deploy-shop"),
        ("x-breakglass-drill", "no"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(text(answer.headers(), name), value, "{name}");
    }
    assert_eq!(answer.body(), "");
}

#[test]
fn what_is_no_token_is_told_how_to_get_one() {
    let watch = Watch::begins();
    let answer = watch.asks("/check", &[]);
    is(&answer, 401, "NO_TOKEN");
    let challenge = text(answer.headers(), "www-authenticate");
    assert_eq!(challenge, r#"Bearer realm="breakglass""#);
    assert!(answer.body().contains("glass exec"));
    is(
        &watch.asks("/check", &[("authorization", "Basic bWlhOng=")]),
        401,
        "NO_TOKEN",
    );
    is(
        &watch.asks("/check", &[("authorization", "Bearer")]),
        401,
        "HEADER",
    );
    is(
        &watch.asks("/check", &[("authorization", "Bearer ")]),
        401,
        "MALFORMED",
    );
    let token = format!("Bearer {}", watch.token());
    let twice = [("authorization", &*token), ("authorization", &*token)];
    is(&watch.asks("/check", &twice), 401, "HEADER");
    is(
        &watch.asks("/check", &[("authorization", &token.to_uppercase())]),
        401,
        "MALFORMED",
    );
    let lower = token.replace("Bearer", "bearer");
    is(&watch.asks("/check", &[("authorization", &lower)]), 200, "");
}

#[test]
fn a_refused_token_has_a_challenge_a_word_and_a_sentence() {
    let watch = Watch::begins();
    let other = watch
        .night
        .token_with(json!({"aud": "https://other.example"}));
    let answer = watch.asks_with("/check", &other);
    is(&answer, 401, "AUDIENCE");
    let challenge = text(answer.headers(), "www-authenticate");
    let wanted = r#"Bearer realm="breakglass", error="invalid_token", error_description="#;
    assert!(challenge.starts_with(wanted), "{challenge}");
    assert!(
        answer
            .body()
            .starts_with("AUDIENCE: the token is for another audience")
    );
    let header = format!("Bearer {other}");
    let json = [("authorization", &*header), ("accept", "application/json")];
    let answer = watch.asks("/check", &json);
    let body: serde_json::Value = serde_json::from_str(answer.body()).unwrap();
    assert_eq!(body["reason"], "AUDIENCE");
    assert_eq!(text(answer.headers(), "content-type"), "application/json");
}

#[test]
fn another_right_is_forbidden_and_not_unknown() {
    let watch = Watch::begins();
    is(
        &watch.asks_with("/check?right=deploy-shop", &watch.token()),
        200,
        "",
    );
    is(
        &watch.asks_with("/check?right=x&right=deploy-shop", &watch.token()),
        200,
        "",
    );
    let answer = watch.asks_with("/check?right=migrate-shop-db", &watch.token());
    is(&answer, 403, "RIGHT");
    assert!(text(answer.headers(), "www-authenticate").contains("insufficient_scope"));
}

#[test]
fn a_slip_in_the_proxys_configuration_opens_nothing() {
    let watch = Watch::begins();
    for query in [
        "rights=deploy-shop",
        "right=",
        "right",
        "",
        "right=deploy-shop&x=1",
    ] {
        let answer = watch.asks_with(&format!("/check?{query}"), &watch.token());
        is(&answer, 500, "QUERY");
    }
    for path in [
        "/",
        "/chec",
        "/checked",
        "/Check",
        "//check",
        "/healthz/x",
        "/check%2Fx",
    ] {
        is(&watch.asks_with(path, &watch.token()), 404, "NOT_FOUND");
    }
}

#[test]
fn a_path_a_stranger_chose_is_never_the_guards_own() {
    let watch = Watch::begins();
    is(&watch.asks("/check/healthz", &[]), 401, "NO_TOKEN");
    is(&watch.asks("/check/../healthz", &[]), 401, "NO_TOKEN");
    is(
        &watch.asks_with("/check/?right=anything", &watch.token()),
        200,
        "",
    );
}

#[test]
fn a_grant_that_ended_is_felt_with_the_next_request() {
    let watch = Watch::begins();
    is(&watch.asks_with("/check", &watch.token()), 200, "");
    watch.newest.hears_live([]);
    is(&watch.asks_with("/check", &watch.token()), 401, "NOT_LIVE");
}

#[test]
fn a_guard_that_hears_nothing_lets_nobody_in() {
    let watch = Watch::begins();
    is(&watch.asks("/healthz", &[]), 200, "");
    watch.night.clock.moves_to(night() + seconds(61));
    let answer = watch.asks_with("/check", &watch.token());
    is(&answer, 503, "STALE");
    assert_eq!(text(answer.headers(), "retry-after"), "2");
    is(&watch.asks("/healthz", &[]), 503, "STALE");
    is(&watch.asks_with("/check", "x"), 401, "MALFORMED");
    watch.ticks(night() + seconds(60));
    is(&watch.asks_with("/check", &watch.token()), 200, "");

    let deaf = Watch::deaf(false);
    is(&deaf.asks_with("/check", &deaf.night.token()), 503, "STALE");
    is(&deaf.asks_with("/check", "x"), 401, "MALFORMED");
    is(&deaf.asks("/healthz", &[]), 503, "STALE");
}

#[test]
fn a_proof_is_checked_against_what_the_proxy_says() {
    let watch = Watch::with(true);
    let token = format!("DPoP {}", watch.token());
    let url = format!("{SERVICE}/deploys?x=1");
    for [method, path] in [
        ["x-original-method", "x-original-uri"],
        ["x-forwarded-method", "x-forwarded-uri"],
    ] {
        let proof = watch.proof("POST", &url);
        let shown = [
            ("authorization", &*token),
            ("dpop", &*proof),
            (method, "POST"),
            (path, "/deploys?x=1"),
        ];
        is(&watch.asks("/check", &shown), 200, "");
        is(&watch.asks("/check", &shown), 401, "REPLAYED");
        let proof = watch.proof("POST", &url);
        let mut other = shown;
        other[1].1 = &proof;
        other[2].1 = "DELETE";
        let answer = watch.asks("/check", &other);
        is(&answer, 401, "PROOF");
        let challenge = text(answer.headers(), "www-authenticate");
        assert!(challenge.starts_with(r#"DPoP algs="ES256", error="invalid_dpop_proof""#));
    }
}

#[test]
fn envoy_asks_with_the_request_itself() {
    let watch = Watch::with(true);
    let token = format!("DPoP {}", watch.token());
    let proof = watch.proof("POST", &format!("{SERVICE}/deploys"));
    // What a stranger writes into headers means nothing there.
    let shown = [
        ("authorization", &*token),
        ("dpop", &*proof),
        ("x-original-method", "GET"),
        ("x-forwarded-uri", "/other"),
    ];
    is(
        &watch.asks_as("GET", "/check/deploys", &shown),
        401,
        "PROOF",
    );
    is(&watch.asks_as("POST", "/check/other", &shown), 401, "PROOF");
    is(
        &watch.asks_as("POST", "/check/deploys?x=1", &shown),
        200,
        "",
    );
}

#[test]
fn method_and_path_must_be_told_once_and_wholly() {
    let watch = Watch::with(true);
    let token = format!("DPoP {}", watch.token());
    let proof = watch.proof("POST", &format!("{SERVICE}/deploys"));
    let (m, u) = ("x-original-method", "x-original-uri");
    for said in [
        &[][..],
        &[(m, "POST")],
        &[(u, "/deploys")],
        &[(m, "POST"), (u, "/deploys"), (m, "POST")],
        &[(m, "POST"), (u, "/deploys"), ("x-forwarded-method", "POST")],
        &[(m, "POST"), (u, "deploys")],
        &[(m, "POST"), (u, "")],
    ] {
        let shown = [&[("authorization", &*token), ("dpop", &*proof)], said].concat();
        is(&watch.asks("/check", &shown), 401, "PROOF");
    }
}

#[test]
fn where_a_proof_is_demanded_a_token_alone_is_not_enough() {
    let watch = Watch::with(true);
    let answer = watch.asks_with("/check", &watch.token());
    is(&answer, 401, "NO_PROOF");
    assert!(text(answer.headers(), "www-authenticate").starts_with("DPoP "));
    let token = format!("DPoP {}", watch.token());
    is(
        &watch.asks("/check", &[("authorization", &token)]),
        401,
        "NO_PROOF",
    );
    let proof = watch.proof("GET", SERVICE);
    let twice = [
        ("authorization", &*token),
        ("dpop", &*proof),
        ("dpop", &*proof),
    ];
    is(&watch.asks("/check", &twice), 401, "PROOF");
    // Where none is demanded, one that is shown must hold all the same.
    let watch = Watch::begins();
    let token = format!("DPoP {}", watch.token());
    is(
        &watch.asks("/check", &[("authorization", &token), ("dpop", "x")]),
        401,
        "PROOF",
    );
}

fn args(words: &[&str]) -> Args {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }
    let words = [&["guard", "--audience", AUDIENCE], words].concat();
    <Line as clap::Parser>::parse_from(words).args
}

#[tokio::test]
async fn only_loopback_is_listened_on_unless_it_is_said() {
    assert!(args(&["--listen", "127.0.0.1:0"]).listener().await.is_ok());
    let error = args(&["--listen", "0.0.0.0:0"])
        .listener()
        .await
        .unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.next().unwrap().contains("--listen-anywhere"));
    let said = ["--listen", "0.0.0.0:0", "--listen-anywhere"];
    assert!(args(&said).listener().await.is_ok());
}

#[test]
fn what_was_typed_is_checked() {
    let feed = Arc::new(Newest::new(ledger().verifier().clone()));
    let gate = |words: &[&str]| {
        args(words).gate(
            ISSUER,
            crate::verify::Ledger::of(ledger().verifier().clone()),
            feed.clone(),
        )
    };
    assert_eq!(gate(&[]).unwrap().origin.as_str(), AUDIENCE);
    assert_eq!(gate(&["--url", "mia"]).unwrap_err().exit_code(), 2);
    assert_eq!(gate(&["--right", "two words"]).unwrap_err().exit_code(), 2);
    let idle = gate(&["--witness", OTTO]).unwrap_err();
    assert!(idle.next().unwrap().contains("--demand-entry"), "{idle}");
    assert!(gate(&["--demand-entry", "--witness", OTTO]).is_ok());
    let error = args(&[])
        .gate(
            "",
            crate::verify::Ledger::of(ledger().verifier().clone()),
            feed.clone(),
        )
        .unwrap_err();
    assert!(error.to_string().contains("the issuer is empty"), "{error}");
}

#[test]
fn before_the_broker_was_heard_nothing_is_said_about_a_token() {
    let watch = Watch::begins();
    let gate = args(&[])
        .gate(
            ISSUER,
            crate::verify::Ledger::of(ledger().verifier().clone()),
            watch.newest.clone(),
        )
        .unwrap();
    let bearer = format!("Bearer {}", watch.token);
    let ask = |gate: &Gate| {
        let request = Request::get("/check").header("authorization", &bearer);
        gate.answer(&request.body(()).unwrap().into_parts().0)
    };
    assert_eq!(ask(&gate).status(), 503);
    let key = IssuingKey::named("one");
    let keys = Keys::parse(&set(&[&key])).unwrap();
    gate.verifier.replace_keys(keys);
    assert_ne!(ask(&gate).headers()[names::REASON], "STALE");
}

const OTTO: &str = "witness.example/otto+73b0cf55+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY";

#[test]
fn a_guard_that_demands_entries_tells_the_proxy_why_not() {
    let night_ = Night::begins();
    let newest = Arc::new(Newest::new(ledger().verifier().clone()));
    newest.hears_live([live("G-45")]);
    newest.hears_tick(&signed(&tick(night(), 100))).unwrap();
    let gate = |demanding: bool| {
        let hand = night_.clock.clone();
        let builder = Verifier::builder(ISSUER, AUDIENCE)
            .keys(&set(&[&night_.key]))
            .clock(move || hand.now());
        let ours = Ledger::of(ledger().verifier().clone());
        let builder = if demanding {
            builder.demand_entry(ours)
        } else {
            builder
        };
        Gate {
            verifier: Arc::new(builder.build().unwrap()),
            feed: newest.clone(),
            origin: Origin::of(SERVICE).unwrap(),
            demand_proof: false,
        }
    };
    let ask = |gate: &Gate, token: &str| {
        let request = Request::get("/check").header("authorization", format!("Bearer {token}"));
        let answer = gate.answer(&request.body(()).unwrap().into_parts().0);
        let reason = answer.headers().get(names::REASON);
        let reason = reason.map(|reason| reason.to_str().unwrap().to_owned());
        (answer.status().as_u16(), reason.unwrap_or_default())
    };
    let (token, proven) = (night_.token(), night_.proven_token());
    let copied = night_.proven_claims(&entry::proof("{}").to_string());
    let copied = night_.key.signs(&copied);
    assert_eq!(ask(&gate(true), &proven), (200, String::new()));
    assert_eq!(ask(&gate(true), &token), (401, "NO_ENTRY".to_owned()));
    assert_eq!(ask(&gate(true), &copied), (401, "ENTRY".to_owned()));
    assert_eq!(ask(&gate(false), &token), (200, String::new()));
    assert_eq!(ask(&gate(false), &copied), (200, String::new()));
}

#[test]
fn the_grace_is_the_policys_of_now() {
    let watch = Watch::begins();
    let verifier = &watch.gate.verifier;
    verifier.replace_fresh_for(std::time::Duration::from_secs(120));
    assert_eq!(verifier.fresh_for().as_secs(), 120);
    verifier.replace_fresh_for(std::time::Duration::from_secs(86_400));
    assert_eq!(verifier.fresh_for().as_secs(), 3_600, "the policy's limit");
}

/// A guard that serves, until it is told to stop.
async fn serving(watch: &Watch) -> (std::net::SocketAddr, oneshot::Sender<()>, Serving) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async {
        let _ = stopped.await;
    };
    let task = tokio::spawn(serve(listener, Arc::clone(&watch.gate), stopped));
    (address, stop, task)
}

type Serving = tokio::task::JoinHandle<()>;

async fn reads_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn it_speaks_http_and_stops_when_told() {
    let watch = Watch::begins();
    let (address, stop, task) = serving(&watch).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    let mut proxy = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /check HTTP/1.0\r\nhost: guard\r\nauthorization: Bearer {}\r\ncontent-length: 5\r\n\r\nabc",
        watch.token()
    );
    proxy.write_all(request.as_bytes()).await.unwrap();
    let answer = reads_to_end(&mut proxy).await;
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    assert!(answer.contains("x-breakglass-person: mia\r\n"), "{answer}");
    stop.send(()).unwrap();
    task.await.unwrap();
    assert_eq!(
        idle.read(&mut [0; 1]).await.unwrap_or(0),
        0,
        "nobody is kept waiting"
    );
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_header_has_limits() {
    let watch = Watch::begins();
    let (address, _stop, _task) = serving(&watch).await;
    for header in [
        format!("x: {}\r\n", "y".repeat(60_000)),
        (0..101).map(|n| format!("x-{n}: y\r\n")).collect(),
    ] {
        let mut proxy = TcpStream::connect(address).await.unwrap();
        let request = format!("GET /check HTTP/1.1\r\nhost: guard\r\n{header}\r\n");
        // It may have answered and closed before all of it is written.
        let _ = proxy.write_all(request.as_bytes()).await;
        let mut answer = vec![0; 12];
        proxy.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 431");
    }
}

/// With time that stands still until everybody waits.
#[tokio::test(start_paused = true)]
async fn half_a_header_does_not_hold_a_connection() {
    let watch = Watch::begins();
    let (address, _stop, _task) = serving(&watch).await;
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /check HTTP/1.1\r\nhost: gu")
        .await
        .unwrap();
    let began = tokio::time::Instant::now();
    assert_eq!(slow.read(&mut [0; 64]).await.unwrap_or(0), 0, "closed");
    assert!(began.elapsed().as_secs() <= 31, "{:?}", began.elapsed());
}

#[test]
fn a_gate_shows_no_keys() {
    let shown = format!("{:?}", Watch::begins().gate);
    assert!(shown.contains(SERVICE), "{shown}");
}
