//! An HTTP service behind nginx, with `glass guard http` beside it. nginx is Debian's, its
//! configuration is the one in `deploy/http`; what the guard hears is told by the story.

use std::net::SocketAddr;
use std::sync::Arc;

use breakglass_client::dpop;
use breakglass_client::guard::http::{Gate, serve};
use breakglass_client::key::PrivateKey;
use breakglass_client::verify::{Keys, Newest, Origin, Verifier};
use breakglass_tests::https::Answer;
use breakglass_tests::issuer::{self, Hand, ISSUER, Issuer};
use breakglass_tests::nginx::Nginx;
use breakglass_tests::wait;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const SERVICE: &str = "https://deploy.shop.example";

/// The service, its guard, and mia's laptop.
struct Shop {
    nginx: Nginx,
    issuer: Issuer,
    laptop: PrivateKey,
    clock: Hand,
    newest: Arc<Newest>,
    verifier: Arc<Verifier>,
    guard: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Shop {
    /// G-45 is live, and the broker was heard just now.
    async fn opens() -> Self {
        Self::demanding(false).await
    }

    async fn demanding(demand_proof: bool) -> Self {
        let night: Timestamp = "2026-11-23T03:05:00Z".parse().unwrap();
        let (issuer, clock) = (Issuer::named("one"), Hand::at(night));
        let hand = clock.clone();
        let verifier = Verifier::builder(ISSUER, SERVICE)
            .keys(&issuer.jwks())
            .clock(move || hand.now())
            .build()
            .unwrap();
        let verifier = Arc::new(verifier);
        let newest = Arc::new(Newest::new(issuer::vkey()));
        let gate = Arc::new(Gate {
            verifier: verifier.clone(),
            feed: newest.clone(),
            origin: Origin::of(SERVICE).unwrap(),
            demand_proof,
        });
        let (address, guard) = guarding(gate).await;
        let shop = Self {
            nginx: Nginx::begins(address),
            laptop: PrivateKey::generate().unwrap(),
            guard: Some(guard),
            issuer,
            clock,
            newest,
            verifier,
        };
        shop.newest
            .hears_live([issuer::live_grant(night + minutes(15))]);
        shop.ticks();
        shop
    }

    fn ticks(&self) {
        self.newest
            .hears_tick(&issuer::tick(self.clock.now()))
            .unwrap();
    }

    fn claims(&self) -> Value {
        issuer::claims(self.clock.now(), SERVICE, self.laptop.public_key())
    }

    fn token(&self) -> String {
        self.issuer.signs(&self.claims())
    }

    async fn asks(&self, token: &str) -> Answer {
        self.nginx
            .get("/deploys", &[("authorization", &bearer(token))])
            .await
    }
}

async fn guarding(gate: Arc<Gate>) -> (SocketAddr, (oneshot::Sender<()>, JoinHandle<()>)) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(serve(listener, gate, async {
        let _ = stopped.await;
    }));
    (address, (stop, task))
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

#[track_caller]
fn is(answer: &Answer, status: u16, reason: &str) {
    let said = answer.header("x-breakglass-reason").unwrap_or_default();
    let body = String::from_utf8_lossy(&answer.body);
    assert_eq!((answer.status, said), (status, reason), "{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_grant_gets_through_and_the_service_knows_who_it_is() {
    let shop = Shop::opens().await;
    let token = bearer(&shop.token());
    let said = [
        ("authorization", &*token),
        // What a stranger says about themselves reaches nobody.
        ("X-Breakglass-Person", "founder"),
        ("x-breakglass-right", "everything"),
        ("X_Breakglass_Person", "founder"),
        ("x-breakglass-reason", "because"),
    ];
    let answer = shop.nginx.get("/deploys?dry=yes", &said).await;
    is(&answer, 200, "");
    let wanted = "uri: /deploys?dry=yes\nperson: mia\ngrant: G-45\nincident: INC-12\n\
                  right: deploy-shop\nauthorization: \ndpop: \n";
    assert_eq!(String::from_utf8(answer.body).unwrap(), wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_not_right_is_refused_with_its_reason() {
    let shop = Shop::opens().await;
    let with = |name: &str, value: Value| {
        let mut claims = shop.claims();
        claims[name] = value;
        shop.issuer.signs(&claims)
    };
    let now = shop.clock.now().as_second();
    let unsigned = shop
        .issuer
        .signs_as(&json!({"typ": "JWT", "alg": "none"}), &shop.claims());
    for (token, reason) in [
        (with("aud", json!("https://other.shop.example")), "AUDIENCE"),
        (with("iss", json!("https://glass.evil.example")), "ISSUER"),
        (with("exp", json!(now)), "EXPIRED"),
        (with("exp", json!((now + 900).to_string())), "CLAIM"),
        (with("nbf", json!(now + 1)), "NOT_YET"),
        (with("grant", json!("G-46")), "CLAIM"),
        (Issuer::named("one").signs(&shop.claims()), "SIGNATURE"),
        (Issuer::named("two").signs(&shop.claims()), "UNKNOWN_KEY"),
        (unsigned, "ALGORITHM"),
        ("nonsense".to_owned(), "MALFORMED"),
    ] {
        let answer = shop.asks(&token).await;
        is(&answer, 401, reason);
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert!(
            challenge.contains(r#"error="invalid_token""#),
            "{challenge}"
        );
    }
    let nothing = shop.nginx.get("/deploys", &[]).await;
    is(&nothing, 401, "NO_TOKEN");
    assert_eq!(
        nothing.header("www-authenticate"),
        Some(r#"Bearer realm="breakglass""#)
    );
    is(&shop.asks(&shop.token()).await, 200, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_bit_is_refused_wherever_it_is() {
    let shop = Shop::opens().await;
    let token = shop.token();
    let mut connection = shop.nginx.connection().await;
    let mut asked = 0;
    for place in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[place] ^= 1 << (place % 6);
        // Not every byte can stand in a header; those that can must be refused.
        let Ok(changed) = String::from_utf8(changed) else {
            continue;
        };
        if changed.bytes().any(|b| b.is_ascii_control()) {
            continue;
        }
        let headers = [("authorization", &*bearer(&changed))];
        let answer = connection.asks("GET", "/deploys", &headers).await;
        assert_eq!(answer.status, 401, "byte {place}");
        asked += 1;
    }
    let length = token.len();
    assert!(asked * 3 > length * 2, "{asked} of {length} could be asked");
}

/// nginx is asked again at each request: what it let through before does not count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_grant_is_out_with_the_next_request_of_the_same_connection() {
    let shop = Shop::opens().await;
    let token = bearer(&shop.token());
    let headers = [("authorization", &*token)];
    let mut connection = shop.nginx.connection().await;
    is(&connection.asks("GET", "/deploys", &headers).await, 200, "");
    shop.newest.hears_live([]);
    is(
        &connection.asks("GET", "/deploys", &headers).await,
        401,
        "NOT_LIVE",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_not_heard_closes_the_door_after_the_grace() {
    let shop = Shop::opens().await;
    let token = shop.token();
    shop.clock.passes(minutes(1));
    is(&shop.asks(&token).await, 200, "");
    shop.clock.passes(SignedDuration::from_secs(1));
    let answer = shop.asks(&token).await;
    is(&answer, 503, "STALE");
    assert_eq!(answer.header("retry-after"), Some("2"));
    shop.ticks();
    is(&shop.asks(&token).await, 200, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_that_is_gone_closes_the_door_too() {
    let mut shop = Shop::opens().await;
    let (stop, task) = shop.guard.take().unwrap();
    stop.send(()).unwrap();
    wait::soon("the guard stops", task).await.unwrap();
    let answer = shop.asks(&shop.token()).await;
    is(&answer, 503, "");
    assert_eq!(answer.header("retry-after"), Some("2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_for_another_right_is_forbidden() {
    let shop = Shop::opens().await;
    let token = bearer(&shop.token());
    let answer = shop
        .nginx
        .get("/migrations", &[("authorization", &token)])
        .await;
    assert_eq!(answer.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guards_place_is_not_to_be_had_from_outside() {
    let shop = Shop::opens().await;
    for path in [
        "/_breakglass",
        "/_breakglass?right=x",
        "/./_breakglass",
        "/%5fbreakglass",
    ] {
        assert_eq!(shop.nginx.get(path, &[]).await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proof_goes_with_one_request_and_no_other() {
    let shop = Shop::demanding(true).await;
    let token = shop.token();
    is(&shop.asks(&token).await, 401, "NO_PROOF");
    let proof_for = |method: &str, path: &str| {
        let url = format!("{SERVICE}{path}");
        dpop::proof(&shop.laptop, method, &url, &token, shop.clock.now()).unwrap()
    };
    let scheme = format!("DPoP {token}");
    let mut connection = shop.nginx.connection().await;
    let proof = proof_for("POST", "/deploys");
    let shown = [("authorization", &*scheme), ("dpop", &*proof)];
    is(
        &connection.asks("GET", "/deploys", &shown).await,
        401,
        "PROOF",
    );
    is(
        &connection.asks("POST", "/elsewhere", &shown).await,
        401,
        "PROOF",
    );
    // Somebody who says that it was another request is not believed.
    let lied = [
        &shown[..],
        &[
            ("x-original-method", "POST"),
            ("x-forwarded-method", "POST"),
        ],
    ];
    is(
        &connection.asks("GET", "/deploys", &lied.concat()).await,
        401,
        "PROOF",
    );
    let answer = connection.asks("POST", "/deploys?x=1", &shown).await;
    is(&answer, 200, "");
    assert!(
        String::from_utf8(answer.body)
            .unwrap()
            .ends_with("authorization: \ndpop: \n")
    );
    is(
        &connection.asks("POST", "/deploys", &shown).await,
        401,
        "REPLAYED",
    );

    let thief = PrivateKey::generate().unwrap();
    let url = format!("{SERVICE}/deploys");
    let stolen = dpop::proof(&thief, "GET", &url, &token, shop.clock.now()).unwrap();
    let shown = [("authorization", &*scheme), ("dpop", &*stolen)];
    is(
        &connection.asks("GET", "/deploys", &shown).await,
        401,
        "PROOF",
    );
    let old = proof_for("GET", "/deploys");
    shop.clock.passes(SignedDuration::from_secs(61));
    shop.ticks();
    let shown = [("authorization", &*scheme), ("dpop", &*old)];
    is(
        &connection.asks("GET", "/deploys", &shown).await,
        401,
        "PROOF",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_exchanged_while_it_serves() {
    let shop = Shop::opens().await;
    let next = Issuer::named("two");
    let token = next.signs(&shop.claims());
    is(&shop.asks(&token).await, 401, "UNKNOWN_KEY");
    shop.verifier
        .replace_keys(Keys::parse(&next.jwks()).unwrap());
    is(&shop.asks(&token).await, 200, "");
    is(&shop.asks(&shop.token()).await, 401, "UNKNOWN_KEY");
}
