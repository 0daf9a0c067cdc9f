//! Every entry reaches whoever archives it: in order, at least once, and nobody waits for them.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_domain::policy::STARTER;
use breakglass_tests::World;
use breakglass_tests::moto::tools;
use breakglass_tests::playground::{Output, Process, binary};
use breakglass_tests::receiver::{Answer, Posted, Receiver};
use breakglass_tests::wait::{until, until_async};
use breakglass_tests::world::ORIGIN;
use ring::hmac;
use serde_json::Value;

/// What the events of these stories are signed with.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn stream(receiver: &Receiver, secret: &tempfile::TempDir, more: &str) -> String {
    let (address, file) = (receiver.address(), secret.path().join("secret"));
    fs::write(&file, SECRET).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&file, private).unwrap();
    format!(
        "[stream.lake]\nkind = \"ocsf\"\nurl = \"http://{address}/in?token=XyZ\"\n\
         secret_file = {file:?}\nallow_private = true\n{more}\n"
    )
}

fn events(posted: &Posted) -> Vec<Value> {
    posted.json().as_array().unwrap().clone()
}

fn places(posted: &[Posted]) -> Vec<u64> {
    let all = posted.iter().flat_map(events);
    all.map(|it| it["metadata"]["sequence"].as_u64().unwrap())
        .collect()
}

/// Everything that was taken, once the newest entry was.
async fn has_everything(world: &World, receiver: &Receiver) -> Vec<Posted> {
    let size = world.entries().len() as u64;
    until_async("all is taken", "batches are as they come", async || {
        let mut taken = receiver.told();
        taken.retain(|it| it.taken);
        places(&taken).contains(&(size - 1)).then_some(taken)
    })
    .await
}

/// As a receiver checks it, with what the documentation says and nothing else.
fn is_signed(posted: &Posted) -> bool {
    let key = STANDARD
        .decode(SECRET.trim_start_matches("whsec_"))
        .unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let header = |name: &str| posted.headers[name].as_str();
    let start = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp"));
    let text = [start.as_bytes(), &posted.body].concat();
    let signature = header("webhook-signature").strip_prefix("v1,").unwrap();
    hmac::verify(&key, &text, &STANDARD.decode(signature).unwrap()).is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_night_is_sent_whole_and_signed_and_is_what_the_schema_says() {
    let (receiver, secret) = (Receiver::begins().await, tempfile::tempdir().unwrap());
    let world = World::with(STARTER, &stream(&receiver, &secret, "from = 0")).await;
    let incident = world.opens("support", "the wörker floods").await;
    world.gets("mia", "deploy-shop").await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    world.asks("designer", "deploy-shop").await.unwrap_err();
    world.approves("leon", &request.id).await.unwrap();
    world.takes_jwt("mia", &request.id).await.unwrap();
    world.closes("leon", &incident).await.unwrap();

    let taken = has_everything(&world, &receiver).await;
    let entries = world.entries();
    let all: Vec<u64> = (0..entries.len() as u64).collect();
    assert_eq!(
        places(&taken),
        all,
        "in order, each once where nothing fails"
    );
    for posted in &taken {
        assert!(is_signed(posted));
        assert_eq!(posted.path, "/in?token=XyZ");
        assert_eq!(
            posted.headers["content-type"],
            "application/json; charset=utf-8"
        );
        let told = places(std::slice::from_ref(posted));
        let id = format!("{}-{}", told[0], told.last().unwrap());
        assert_eq!(posted.headers["webhook-id"], id);
    }
    for event in taken.iter().flat_map(events) {
        let place = usize::try_from(event["metadata"]["sequence"].as_u64().unwrap()).unwrap();
        let raw: Value = serde_json::from_str(event["raw_data"].as_str().unwrap()).unwrap();
        assert_eq!(raw, entries[place]);
    }
    let began = &world.entries_of("stream.began")[0];
    assert_eq!(began["destination"], receiver.address().to_string());
    assert!(!began.to_string().contains("XyZ"), "a path may be a secret");
    demand_schema(&taken);
}

/// By the published schema, in somebody else's program; and so is each kind of entry there is.
fn demand_schema(taken: &[Posted]) {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("told.jsonl");
    let bodies: Vec<_> = taken
        .iter()
        .map(|it| String::from_utf8_lossy(&it.body))
        .collect();
    fs::write(&told, bodies.join("\n")).unwrap();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let golden = root.join("../broker/src/notify/stream/tests/golden.jsonl");
    for file in [told, golden] {
        let mut command = Command::new(tools().join("python/bin/python3"));
        command.arg(root.join("check_ocsf.py")).arg(file);
        let said = tokio::task::block_in_place(|| Process::spawn(command).finishes());
        assert_eq!(said.code, 0, "{said}");
        assert!(said.out.contains("events are of OCSF 1.5.0"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_taken_comes_again_and_nobody_waits_for_it() {
    let (receiver, secret) = (Receiver::begins().await, tempfile::tempdir().unwrap());
    receiver.answers([Answer::Says(500, "trouble"), Answer::HangsUp]);
    let mut world = World::with(STARTER, &stream(&receiver, &secret, "from = 0")).await;
    world.opens("support", "the worker floods").await;
    receiver.is_tried(3).await;
    // It takes what comes, and the broker is gone before it hears so.
    receiver.always(Answer::Hangs);
    let tried = receiver.told().len();
    world.gets("mia", "deploy-shop").await;
    receiver.is_tried(tried + 1).await;
    world.stops().await;
    receiver.always(Answer::Takes);
    world.starts().await;
    world.gets("mia", "restart-worker").await;
    let taken = has_everything(&world, &receiver).await;
    let places = places(&taken);
    let all: Vec<u64> = (0..world.entries().len() as u64).collect();
    assert_eq!(places, all, "nothing is left out, and each in its turn");
    assert_eq!(world.entries_of("stream.began").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_away_for_a_week_is_sent_everything_and_others_waited_for_nothing() {
    let (receiver, secret) = (Receiver::begins().await, tempfile::tempdir().unwrap());
    receiver.always(Answer::Says(503, ""));
    let world = World::with(STARTER, &stream(&receiver, &secret, "from = 0")).await;
    receiver.is_tried(1).await;
    for _ in 0..3 {
        let incident = world.opens("mia", "the worker floods").await;
        world.gets("mia", "deploy-shop").await;
        world.closes("leon", &incident).await.unwrap();
        world.clock().passes(Duration::from_secs(2 * 86_400));
    }
    let metrics = world.broker().telemetry().metrics();
    let number = |name: &str| -> f64 {
        let start = format!("breakglass_stream_{name}{{stream=\"lake\"}} ");
        let value = metrics.lines().find_map(|line| line.strip_prefix(&start));
        value
            .unwrap_or_else(|| panic!("no {name} in {metrics}"))
            .parse()
            .unwrap()
    };
    assert!(number("lag_entries") >= world.entries().len() as f64);
    assert!(number("lag_seconds") >= 6.0 * 86_400.0);
    assert!(number("batches_failed_total") >= 1.0);
    let status = world.glass("leon", &["status"]).await.out;
    assert!(
        status.contains("Entries to the stream `lake` have not got through"),
        "{status}"
    );
    assert!(status.contains("answers 503"), "{status}");

    receiver.always(Answer::Takes);
    let taken = has_everything(&world, &receiver).await;
    let all: Vec<u64> = (0..world.entries().len() as u64).collect();
    assert_eq!(places(&taken), all, "nothing is folded");
    until(
        "it has caught up",
        "an answer is counted after it was given",
        || {
            let metrics = world.broker().telemetry().metrics();
            let lag = "breakglass_stream_lag_seconds{stream=\"lake\"} 0.0";
            metrics.contains(lag).then_some(())
        },
    );
    let status = world.glass("leon", &["status"]).await.out;
    assert!(!status.contains("lake"), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_stream_begins_now_and_its_beginning_and_end_are_entries() {
    let (receiver, secret) = (Receiver::begins().await, tempfile::tempdir().unwrap());
    let mut world = World::with(STARTER, "").await;
    let before = world.entries().len() as u64;
    world.stops().await;
    let settings = stream(&receiver, &secret, "");
    world.settings_become(&settings);
    world.starts().await;
    let taken = has_everything(&world, &receiver).await;
    assert_eq!(places(&taken)[0], before, "and the beginning is among it");
    let began = &world.entries_of("stream.began")[0];
    assert_eq!(began["from"], before);
    assert_eq!(began["by"], "breakglass");

    // Out of the config, and in again: it goes on where it was.
    world.stops().await;
    let (place, size) = (
        world.data().join("stream/lake.place"),
        world.entries().len(),
    );
    world.settings_become("");
    world.starts().await;
    let ended: Vec<_> = world.entries_of("stream.ended");
    assert_eq!((ended.len(), &ended[0]["stream"]), (1, &"lake".into()));
    world.stops().await;
    world.settings_become(&settings);
    world.starts().await;
    let taken = has_everything(&world, &receiver).await;
    let all: Vec<u64> = (before..world.entries().len() as u64).collect();
    // What was taken just before the stop may come once more: at least once.
    let mut seen = BTreeSet::new();
    let mut first = places(&taken);
    first.retain(|place| seen.insert(*place));
    assert_eq!(first, all, "in order, with what happened in between");
    assert_eq!(world.entries_of("stream.began")[1]["from"], size);

    // A place that is no place: nothing is sent, which is said and on record, and the broker runs.
    world.stops().await;
    fs::write(&place, "{\"next\":").unwrap();
    world.starts().await;
    let status = world.glass("mia", &["status"]).await.out;
    assert!(
        status.contains("The stream `lake` stands still"),
        "{status}"
    );
    assert_eq!(world.entries_of("stream.ended").len(), 2);
    world.stops().await;
    fs::remove_file(&place).unwrap();
    world.starts().await;
    let taken = has_everything(&world, &receiver).await;
    let told: BTreeSet<_> = places(&taken).into_iter().collect();
    assert!(told.contains(&(world.entries().len() as u64 - 1)));
    assert_eq!(world.entries_of("stream.began").len(), 3);

    // A place beyond the ledger is of a backup that was restored: it begins anew, and that is on record.
    world.stops().await;
    let size = world.entries().len() as u64;
    let beyond = serde_json::json!({"ledger": ORIGIN, "next": size + 1});
    fs::write(&place, format!("{beyond}\n")).unwrap();
    world.starts().await;
    let taken = has_everything(&world, &receiver).await;
    let told: BTreeSet<_> = places(&taken).into_iter().collect();
    assert!(
        told.contains(&size),
        "what this start wrote is not left out"
    );
    assert_eq!(world.entries_of("stream.began")[3]["from"], size);
}

fn glassd(world: &World, words: &[&str]) -> Output {
    let mut command = Command::new(binary("glassd"));
    command
        .args(words)
        .arg("--config")
        .arg(&world.config().file);
    tokio::task::block_in_place(|| Process::spawn(command).finishes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_tries_a_stream_and_is_told_what_happened() {
    let (receiver, secret) = (Receiver::begins().await, tempfile::tempdir().unwrap());
    let world = World::with(STARTER, &stream(&receiver, &secret, "from = 0")).await;
    has_everything(&world, &receiver).await;
    let (address, taken) = (receiver.address(), receiver.told().len());
    let said = glassd(&world, &["stream-test", "lake"]);
    assert_eq!(said.code, 0, "{said}");
    assert_eq!(
        said.out,
        format!("a test event went to `lake`: {address} answered 200\n")
    );
    let told = receiver.takes(taken + 1).await;
    let test = &events(&told[taken])[0];
    assert_eq!(test["metadata"]["event_code"], "stream.test");
    demand_schema(&told);

    receiver.always(Answer::Leads("http://elsewhere/"));
    let said = glassd(&world, &["stream-test", "lake"]);
    assert_eq!(said.code, 1, "{said}");
    assert!(
        said.err.contains("a redirect") && said.err.contains("next:"),
        "{said}"
    );
    assert!(!said.err.contains("XyZ"), "a path may be a secret: {said}");
    let said = glassd(&world, &["stream-test", "siem"]);
    assert_eq!(said.code, 2, "{said}");
    assert!(said.err.contains("it has: lake"), "{said}");
    let said = glassd(&world, &["check"]);
    let wanted = format!("ok   stream.lake    {address} at 127.0.0.1\n");
    assert!(said.out.contains(&wanted), "{said}");
}
