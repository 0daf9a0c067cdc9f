//! Restarts: the same answers, also without the index; and one broker only.

use std::fs;

use breakglass_tests::World;
use serde_json::Value;

use super::reason;

/// What everybody is answered, as scripts see it, with what may differ taken out.
async fn answers(world: &World) -> Vec<Value> {
    let mut all = Vec::new();
    for words in [
        &["-o", "json", "grants", "--all"][..],
        &["-o", "json", "incident", "list", "--all"],
        &["-o", "json", "incident", "show", "INC-1"],
        &["-o", "json", "grants", "show", "G-1"],
        &["-o", "json", "people", "list"],
        &["-o", "json", "can", "mia"],
        &["-o", "json", "policy", "show"],
    ] {
        let told = world.glass("designer", words).await;
        assert_eq!(told.code, 0, "{words:?}: {}", told.err);
        all.push(serde_json::from_str(&told.out).expect("JSON"));
    }
    for kind in ["grant", "incident", "person"] {
        let words = [
            "-o", "json", "ledger", "list", "--kind", kind, "--limit", "1000",
        ];
        all.push(Value::String(world.glass("designer", &words).await.out));
    }
    all
}

async fn a_night(world: &World) {
    let incident = world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    world.takes_jwt("mia", &grant.id).await.unwrap();
    let request = world.waits_for("mia", "migrate-shop-db").await;
    world.approves("leon", &request.id).await.unwrap();
    let denied = world.waits_for("leon", "read-secrets").await;
    world.denies("mia", &denied.id).await.unwrap();
    assert_eq!(
        reason(world.asks("support", "deploy-shop").await),
        "NOT_ALLOWED"
    );
    world.minutes_pass(3).await;
    world.closes("leon", &incident).await.unwrap();
    world.opens("mia", "mails are late").await;
    world.gets("mia", "restart-worker").await;
    world.waits_for("mia", "read-secrets").await;
    world.freezes("founder", "support").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_and_without_the_index_the_answers_are_the_same() {
    let mut world = World::begins().await;
    a_night(&world).await;
    let before = answers(&world).await;
    world.restarts().await;
    assert_eq!(answers(&world).await, before, "after a restart");
    world.stops().await;
    fs::remove_dir_all(world.config().index_dir()).unwrap();
    world.starts().await;
    assert_eq!(answers(&world).await, before, "without the index");
    world.gets("mia", "deploy-shop").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_index_is_made_again() {
    let mut world = World::begins().await;
    a_night(&world).await;
    let before = answers(&world).await;
    world.stops().await;
    for file in fs::read_dir(world.config().index_dir()).unwrap() {
        let file = file.unwrap().path();
        if file.is_file() {
            let length = fs::metadata(&file).unwrap().len();
            fs::OpenOptions::new()
                .write(true)
                .open(&file)
                .unwrap()
                .set_len(length / 2)
                .unwrap();
        }
    }
    world.starts().await;
    assert_eq!(answers(&world).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grants_outlive_a_restart_and_end_in_time() {
    let mut world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    world.restarts().await;
    world.takes_jwt("mia", &grant.id).await.unwrap();
    world.approves("leon", &request.id).await.unwrap();
    world.stops().await;
    world
        .clock()
        .passes(std::time::Duration::from_secs(11 * 60));
    world.starts().await;
    world.minutes_pass(0).await;
    let ended = world.entries_of("grant.ended");
    assert_eq!(ended.len(), 2, "both were over while the broker was down");
    assert!(ended.iter().all(|entry| entry["ending"] == "expired"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_brokers_on_one_data_folder_are_one_too_many() {
    let mut world = World::begins().await;
    let size = world.entries().len();
    let refused = world.start_another().await.unwrap_err();
    assert!(refused.to_string().contains("another glassd"), "{refused}");
    assert_eq!(world.entries().len(), size, "it wrote nothing");
    world.opens("support", "the worker floods").await;
    world.restarts().await;
    world.gets("mia", "deploy-shop").await;
}
