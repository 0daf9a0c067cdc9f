//! nginx with the real `glass guard http`, attending the real broker.

use std::net::SocketAddr;

use breakglass_domain::policy::STARTER;
use breakglass_tests::Playground;
use breakglass_tests::backup::copied;
use breakglass_tests::https::Answer;
use breakglass_tests::nginx::Nginx;
use breakglass_tests::playground::{Ports, Process, Rules};
use breakglass_tests::stolen::TokenKey;
use breakglass_tests::wait::until_async;
use rustix::process::Signal;
use serde_json::{Value, json};

const SERVICE: &str = "https://deploy.shop.example";

const TARGET: &str = "\n[targets.deploy-web]\nkind = \"http\"\n\
                      address = \"https://deploy.shop.example\"\ngrace = \"1s\"\n";

/// A service behind nginx, and what guards it.
struct Shop {
    nginx: Nginx,
    // In this order: the guard ends before its broker goes.
    guard: Option<Process>,
    more: Vec<&'static str>,
    address: SocketAddr,
    playground: Playground,
}

impl Shop {
    fn opens() -> Self {
        Self::with(&[])
    }

    /// Its guard has these words more.
    fn with(more: &[&'static str]) -> Self {
        let playground = Playground::with(Rules {
            policy: Some(format!("{STARTER}{TARGET}")),
            ..Rules::default()
        });
        let invite = ["-o", "json", "targets", "invite", "deploy-web"];
        let invited = playground.done("founder", &invite).json();
        playground.enrols("deploy-web", invited["enrolment"].as_str().unwrap());
        let address = SocketAddr::from(([127, 0, 0, 1], Ports::reserve().web));
        playground.opens("the worker is flooded");
        let mut shop = Self {
            nginx: Nginx::begins(address),
            guard: None,
            more: more.to_vec(),
            address,
            playground,
        };
        shop.guard_starts();
        shop.guard().says("the broker is heard");
        shop
    }

    fn guard_starts(&mut self) {
        let listen = self.address.to_string();
        let words = ["guard", "http", "--audience", SERVICE, "--listen", &listen];
        let words = [&words, &self.more[..]].concat();
        let mut guard = self.playground.spawns("deploy-web", &words);
        guard.says("the guard of deploy-web listens on");
        self.guard = Some(guard);
    }

    fn guard(&mut self) -> &mut Process {
        self.guard.as_mut().unwrap()
    }

    /// Mia has a grant, and a token under it.
    fn asks(&self) -> (String, String) {
        let words = ["-o", "json", "request", "deploy-shop", "-m", "revert it"];
        let grant = self.playground.done("mia", &words).json();
        let grant = grant["id"].as_str().unwrap().to_owned();
        let token = self
            .playground
            .done("mia", &["credential", "jwt", "--grant", &grant]);
        (grant, format!("Bearer {}", token.out.trim()))
    }

    async fn get(&self, bearer: &str) -> Answer {
        self.nginx
            .get("/deploys", &[("authorization", bearer)])
            .await
    }

    /// Asks until this is the answer.
    async fn answers(&self, bearer: &str, status: u16, reason: &str) {
        let because = "nobody tells when the guard has heard";
        until_async(&format!("{status} {reason}"), because, async || {
            let answer = self.get(bearer).await;
            let said = answer.header("x-breakglass-reason").unwrap_or_default();
            ((answer.status, said) == (status, reason)).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_opens_the_service_until_its_grant_is_over() {
    let mut shop = Shop::opens();
    let (grant, bearer) = shop.asks();
    shop.answers(&bearer, 200, "").await;
    let body = String::from_utf8(shop.get(&bearer).await.body).unwrap();
    assert!(
        body.contains(&format!("person: mia\ngrant: {grant}\n")),
        "{body}"
    );
    let (other, others) = shop.asks();
    shop.answers(&others, 200, "").await;

    shop.playground.done("mia", &["drop", &grant]);
    shop.answers(&bearer, 401, "NOT_LIVE").await;
    assert_eq!(shop.get(&others).await.status, 200, "{other} lives on");

    let guard = shop.guard.take().unwrap();
    guard.signal(Signal::TERM);
    assert_eq!(guard.finishes().code, 0);
    assert_eq!(shop.get(&others).await.status, 503, "nobody decides");
}

/// The grant in it is live, and the broker's own key has signed it: all that is missing is the entry.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_a_stolen_key_made_without_an_entry_opens_nothing_where_entries_are_demanded()
{
    let shop = Shop::with(&["--demand-entry"]);
    let (_, mias) = shop.asks();
    shop.answers(&mias, 200, "").await;
    let token = mias.strip_prefix("Bearer ").unwrap();
    assert!(token.len() < 7 * 1024, "{} bytes", token.len());

    let thief = TokenKey::taken(&shop.playground.data().join("keys"));
    let forged = |change: &dyn Fn(&mut Value)| format!("Bearer {}", thief.signs(token, change));
    let bare = forged(&|claims| drop(claims.as_object_mut().unwrap().remove("tlog_proof")));
    shop.answers(&bare, 401, "NO_ENTRY").await;
    let challenge = shop.get(&bare).await;
    let challenge = challenge.header("www-authenticate").unwrap_or_default();
    assert!(
        challenge.contains("carries no proof that it was recorded"),
        "{challenge}"
    );
    let founders = forged(&|claims| claims["sub"] = json!("founder"));
    shop.answers(&founders, 401, "ENTRY").await;
    let for_days = forged(&|claims| claims["exp"] = json!(4_000_000_000_u32));
    shop.answers(&for_days, 401, "ENTRY").await;
    shop.answers(&mias, 200, "").await;

    // Without the demand the key alone is enough: that is what it is for.
    let trusting = Shop::opens();
    let (_, mias) = trusting.asks();
    trusting.answers(&mias, 200, "").await;
    let thief = TokenKey::taken(&trusting.playground.data().join("keys"));
    let token = mias.strip_prefix("Bearer ").unwrap();
    let bare = thief.signs(token, |claims| {
        drop(claims.as_object_mut().unwrap().remove("tlog_proof"))
    });
    trusting.answers(&format!("Bearer {bare}"), 200, "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_broker_the_door_shuts_and_it_opens_again() {
    let mut shop = Shop::opens();
    let (_, bearer) = shop.asks();
    shop.answers(&bearer, 200, "").await;
    shop.playground.stops();
    shop.answers(&bearer, 503, "STALE").await;
    // A guard that starts now has nothing to go by.
    drop(shop.guard.take());
    shop.guard_starts();
    shop.answers(&bearer, 503, "STALE").await;

    shop.playground.serves();
    shop.answers(&bearer, 200, "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_went_back_is_loud_and_lets_nobody_in() {
    let mut shop = Shop::opens();
    let (_, bearer) = shop.asks();
    shop.answers(&bearer, 200, "").await;
    let (data, backup) = (shop.playground.data(), shop.playground.path("a backup"));
    shop.playground.stops();
    copied(&data, &backup);
    shop.playground.serves();
    for number in 0..5 {
        let note = format!("what really happened, {number}");
        shop.playground.done("mia", &["incident", "note", &note]);
    }
    shop.answers(&bearer, 200, "").await;
    // The guard has heard a tick of what really happened.
    let (_, newest) = shop.asks();
    shop.answers(&newest, 200, "").await;

    shop.playground.stops();
    std::fs::remove_dir_all(&data).unwrap();
    copied(&backup, &data);
    shop.playground.serves();
    shop.guard().says("VERIFICATION FAILED");
    let said = shop
        .guard()
        .says("the ledger localhost/ledger was rewritten or forked");
    assert!(
        said.contains("no proof that one extends the other"),
        "{said}"
    );
    let evidence = shop.playground.contexts();
    let evidence = evidence.join("contexts/deploy-web/evidence");
    let next = shop.guard().says("The evidence is in");
    assert!(next.contains(evidence.to_str().unwrap()), "{next}");
    let saved = std::fs::read_dir(&evidence).unwrap().next().unwrap();
    for file in ["remembered.tick", "received.tick", "README.txt"] {
        assert!(
            saved.as_ref().unwrap().path().join(file).is_file(),
            "{file}"
        );
    }
    shop.answers(&bearer, 503, "STALE").await;
}
