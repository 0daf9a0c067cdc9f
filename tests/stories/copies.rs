//! What nobody can take back is told wherever access ends: a token that was copied lives on.

use breakglass_tests::World;

const COPY: &str = "a copy of mia's credential may be taken until ";

/// Mia has a token; somebody ends her access with these words.
async fn ended_by(who: &str, words: &[&str]) -> String {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    world.takes_jwt("mia", &grant.id).await.unwrap();
    world.is_enrolled("leon").await;
    let told = world.glass(who, words).await;
    assert_eq!(told.code, 0, "{}", told.err);
    told.out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copied_token_is_told_of_wherever_access_ends() {
    for (who, words) in [
        (
            "founder",
            &["people", "remove", "mia", "-m", "why", "--yes"][..],
        ),
        ("leon", &["freeze", "mia", "-m", "why"]),
        ("leon", &["revoke", "G-1", "-m", "why"]),
        ("mia", &["handover", "G-1", "leon"]),
        ("leon", &["incident", "close", "-m", "why"]),
    ] {
        let told = ended_by(who, words).await;
        assert!(told.contains(COPY), "{words:?}: {told}");
        assert!(told.contains(", by who checks nothing else"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closing_tells_also_of_what_had_ended_before() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    world.takes_jwt("mia", &grant.id).await.unwrap();
    world.drops("mia", &grant.id).await.unwrap();
    let told = world
        .glass("leon", &["incident", "close", "-m", "it is over"])
        .await;
    assert!(
        told.out.contains("no access was live under it"),
        "{}",
        told.out
    );
    assert!(told.out.contains(COPY), "{}", told.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_copy_lives_nothing_is_said_of_one() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    world.gets("mia", "deploy-shop").await;
    let none = world.gets("mia", "revert-config").await;
    let issued = world.gets("mia", "restart-worker").await;
    world.takes_jwt("mia", &issued.id).await.unwrap();
    let words = ["revoke", &none.id, "-m", "why"];
    let told = world.glass("leon", &words).await;
    assert!(!told.out.contains("a copy of"), "{}", told.out);
    // When the token is over, so is its copy.
    world.minutes_pass(20).await;
    let words = ["incident", "close", "-m", "it is over"];
    let told = world.glass("leon", &words).await;
    assert!(!told.out.contains("a copy of"), "{}", told.out);
}
