//! The JWT, as a target sees it: fetched keys, a signature, claims, an end.

use std::time::Duration;

use breakglass_tests::world::{ISSUER, ORIGIN};
use breakglass_tests::{World, https, jwt};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_takes_the_token_with_nothing_but_discovery() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    let token = world.takes_jwt("mia", &grant.id).await.unwrap();

    let ca = world.ca_pem().await;
    let discovery = "/.well-known/openid-configuration";
    let found = https::get(world.web(), &ca, discovery).await;
    assert_eq!(found.status, 200);
    let found = found.json();
    assert_eq!(found["issuer"], ISSUER);
    assert_eq!(found["jwks_uri"], format!("{ISSUER}/jwks.json"));
    assert_eq!(found["id_token_signing_alg_values_supported"][0], "ES256");
    let keys = https::get(world.web(), &ca, "/jwks.json").await.json();
    let checked = jwt::check(&token.value, &keys).unwrap();
    assert_eq!(
        (&checked.header["typ"], &checked.header["alg"]),
        (&"JWT".into(), &"ES256".into())
    );

    let claims = &checked.claims;
    for (name, value) in [
        ("iss", ISSUER),
        ("sub", "mia"),
        ("aud", "https://deploy.shop.example"),
        ("jti", &token.id),
        ("incident", "INC-1"),
        ("grant", &grant.id),
        ("right", "deploy-shop"),
        ("sentence", "deploy the shop app"),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    let second = |name: &str| claims[name].as_i64().unwrap_or_else(|| panic!("{name}"));
    assert_eq!(
        second("nbf"),
        second("iat") - 60,
        "for clocks that are behind"
    );
    assert_eq!(
        second("exp"),
        grant.ends_at.unwrap().seconds,
        "a short grant's own end"
    );
    let place = usize::try_from(claims["ledger"]["index"].as_u64().unwrap()).unwrap();
    assert_eq!(claims["ledger"]["origin"], ORIGIN);
    let entry = &world.entries()[place];
    assert_eq!(
        (&entry["kind"], &entry["credential"]),
        (&"credential.issued".into(), &(*token.id).into())
    );

    let holder = world.identity("mia").await.key;
    assert_eq!(claims["cnf"]["jkt"], thumbprint(holder.public_key()));
    let expected = [
        "aud",
        "cnf",
        "exp",
        "grant",
        "iat",
        "incident",
        "iss",
        "jti",
        "ledger",
        "nbf",
        "right",
        "sentence",
        "sub",
        "tlog_proof",
    ];
    let mut names: Vec<_> = claims
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(names, expected, "every claim, and no other");
}

/// RFC 7638 section 3.
fn thumbprint(point: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as B64};
    let (x, y) = (B64.encode(&point[1..33]), B64.encode(&point[33..]));
    let json = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    B64.encode(ring::digest::digest(&ring::digest::SHA256, json.as_bytes()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_lives_fifteen_minutes_at_most_and_never_past_its_grant() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let asked = breakglass_tests::world::Ask::of("mia", "deploy-shop")
        .minutes(30)
        .with_jwt();
    let answer = world.asks_for(&asked).await.unwrap();
    let (grant, first) = (answer.grant.unwrap(), answer.credential.unwrap());
    let keys = https::get(world.web(), &world.ca_pem().await, "/jwks.json")
        .await
        .json();
    let life = |token: &str| {
        let claims = jwt::check(token, &keys).unwrap().claims;
        let second = |name: &str| claims[name].as_i64().unwrap();
        (second("exp") - second("iat"), second("exp"))
    };
    assert_eq!(life(&first.value).0, 900);
    world.minutes_pass(10).await;
    let second = world.takes_jwt("mia", &grant.id).await.unwrap();
    assert_eq!(
        (life(&second.value).0, &*second.id),
        (900, &*format!("{}.2", grant.id))
    );
    world.minutes_pass(15).await;
    let third = world.takes_jwt("mia", &grant.id).await.unwrap();
    assert_eq!(life(&third.value), (300, grant.ends_at.unwrap().seconds));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_token_is_no_token() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "restart-worker").await;
    let token = world.takes_jwt("mia", &grant.id).await.unwrap();
    let keys = https::get(world.web(), &world.ca_pem().await, "/jwks.json")
        .await
        .json();
    jwt::check(&token.value, &keys).unwrap();
    let parts: Vec<_> = token.value.split('.').collect();
    let swapped = |n: usize, part: &str| {
        let mut parts: Vec<_> = parts.clone();
        parts[n] = part;
        parts.join(".")
    };
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as B64};
    let claims = String::from_utf8(B64.decode(parts[1]).unwrap()).unwrap();
    let raised = B64.encode(claims.replace("restart-worker", "migrate-shop-db"));
    assert!(jwt::check(&swapped(1, &raised), &keys).is_err());
    let none = B64.encode(r#"{"typ":"JWT","alg":"none"}"#);
    assert!(jwt::check(&swapped(0, &none), &keys).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_web_listener_gives_what_is_public_and_nothing_else() {
    let world = World::begins().await;
    let ca = world.ca_pem().await;
    for path in [
        "/healthz",
        "/jwks.json",
        "/checkpoint",
        "/.well-known/openid-configuration",
    ] {
        assert_eq!(
            https::get(world.web(), &ca, path).await.status,
            200,
            "{path}"
        );
    }
    for path in [
        "/",
        "/tile/0/../../keys/ledger.pem",
        "/tile/0/%2e%2e/%2e%2e/keys/ledger.pem",
        "/keys/ledger.pem",
        "/journal/00000000000000000000.jsonl",
    ] {
        let answer = https::get(world.web(), &ca, path).await;
        assert!(
            [400, 404].contains(&answer.status),
            "{path}: {}",
            answer.status
        );
        assert!(
            !String::from_utf8_lossy(&answer.body).contains("PRIVATE"),
            "{path}"
        );
    }
    for path in ["/tile/entries/000", "/tile/entries/000.p/1"] {
        let answer = https::get(world.web(), &ca, path).await;
        assert_eq!(answer.status, 403, "{path}: without a certificate");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_published_checkpoint_is_signed_by_the_ledger() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let trust = world.session("mia").await.trust().key().clone();
    // Published every five seconds of the broker's own time.
    world.passes(Duration::from_secs(6)).await;
    let note = https::get(world.web(), &world.ca_pem().await, "/checkpoint").await;
    let note = String::from_utf8(note.body).unwrap();
    let checkpoint = breakglass_tlog::SignedCheckpoint::verify(&note, &trust).unwrap();
    assert_eq!(checkpoint.origin(), ORIGIN);
    assert!(checkpoint.size() <= world.entries().len() as u64);
}
