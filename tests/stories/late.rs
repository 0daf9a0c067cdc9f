//! What somebody is told who comes too late, whose answerers are gone, or whose inviter is.

use breakglass_proto::v1::GrantEnding;
use breakglass_tests::World;

async fn flooded() -> World {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    for who in ["founder", "leon"] {
        world.is_enrolled(who).await;
    }
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_yes_is_no_mistake_and_a_late_no_is_told_how_to_end_it() {
    let world = flooded().await;
    let asked = world.waits_for("mia", "read-secrets").await;
    world.approves("founder", &asked.id).await.unwrap();
    let yes = world.glass("leon", &["approve", &asked.id, "--yes"]).await;
    assert_eq!(yes.code, 0, "{}", yes.err);
    assert!(
        yes.out.contains("founder said yes to G-1 already"),
        "{}",
        yes.out
    );
    let no = world
        .glass("leon", &["deny", &asked.id, "-m", "not now"])
        .await;
    assert_eq!(no.code, 1);
    assert!(
        no.err.contains("founder said yes to G-1 already"),
        "{}",
        no.err
    );
    assert!(no.err.contains("glass revoke G-1"), "{}", no.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approver_who_is_late_reads_who_ended_it_and_why() {
    let world = flooded().await;
    let asked = world.waits_for("mia", "read-secrets").await;
    world.denies("founder", &asked.id).await.unwrap();
    for words in [
        &["approve", "G-1", "--yes"][..],
        &["deny", "G-1", "-m", "not now"],
        &["revoke", "G-1", "-m", "not now"],
    ] {
        let late = world.glass("leon", words).await;
        assert_eq!(late.code, 83, "{words:?}");
        assert!(
            late.err.contains("founder denied G-1"),
            "{words:?}: {}",
            late.err
        );
        assert!(!late.err.contains("RIGHT"), "{words:?}: {}", late.err);
    }
    // The request is fetched, and is over before the yes is signed: the broker says it.
    let asked = world.waits_for("mia", "read-secrets").await;
    world.closes("leon", "INC-1").await.unwrap();
    let late = world.session("founder").await.approve(&asked).await;
    let late = late.unwrap_err();
    assert!(
        late.to_string()
            .starts_with("leon closed INC-1, which ended G-2"),
        "{late}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_did_not_get_what_two_were_to_have_reads_who_did() {
    let world = flooded().await;
    let asked = world.waits_for("mia", "read-secrets").await;
    let old = world.approves("founder", &asked.id).await.unwrap();
    let leons = world.hands_over("mia", &old.id, "leon").await.unwrap();
    let founders = world.hands_over("mia", &old.id, "founder").await.unwrap();
    world.approves("founder", &leons.id).await.unwrap();
    let lapsed = world.grant(&founders.id).await;
    assert_eq!(lapsed.ending(), GrantEnding::Lapsed);
    assert_eq!(lapsed.ending_reason, "G-1 went to leon, as G-2");
    let shown = world
        .glass("founder", &["grants", "show", &founders.id])
        .await;
    let told = "G-3 is not handed over any more: G-1 went to leon, as G-2";
    assert!(shown.out.contains(told), "{}", shown.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_answerers_are_gone_says_so_to_everybody() {
    let world = flooded().await;
    let asked = world.waits_for("mia", "read-secrets").await;
    let shows = async |who: &'static str| world.glass(who, &["grants"]).await.out;
    assert!(shows("mia").await.contains("waits for founder or leon"));
    world.freezes("leon", "founder").await.unwrap();
    let told = shows("mia").await;
    assert!(told.contains("waits for founder (gone) or leon"), "{told}");
    let frozen = world
        .glass("leon", &["freeze", "leon", "-m", "stolen"])
        .await;
    assert_eq!(frozen.code, 0, "{}", frozen.err);
    let told = shows("mia").await;
    let nobody =
        "waits for founder (gone) or leon (gone); nobody can answer: drop it and ask again";
    assert!(told.contains(nobody), "{told}");
    let shown = world
        .glass("support", &["grants", "show", &asked.id])
        .await
        .out;
    assert!(shown.contains("nobody can answer"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receipts_of_a_removal_and_a_freeze_name_the_invitations_that_work_no_more() {
    let world = flooded().await;
    for whom in ["mia", "designer"] {
        let made = world.glass("founder", &["people", "invite", whom]).await;
        assert_eq!(made.code, 0, "{}", made.err);
    }
    let asked = world.waits_for("mia", "read-secrets").await;
    world.freezes("founder", "leon").await.unwrap();
    let words = ["freeze", "founder", "-m", "stolen"];
    world.is_enrolled("mia").await;
    let told = world.glass("mia", &words).await;
    assert_eq!(told.code, 0, "{}", told.err);
    let made = "2 invitations made by founder no longer work: designer, mia";
    assert!(told.out.contains(made), "{}", told.out);
    let waits = format!(
        "{} of mia waits, and nobody is left who can answer it",
        asked.id
    );
    assert!(told.out.contains(&waits), "{}", told.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_called_by_a_name_that_no_id_has() {
    let world = flooded().await;
    world
        .glass("mia", &["request", "deploy-shop", "-m", "revert"])
        .await;
    let told = world.glass("mia", &["handover", "G-1", "Leon"]).await;
    assert_eq!(told.code, 2);
    assert!(
        told.err.contains("there is no person `Leon`"),
        "{}",
        told.err
    );
    assert!(
        told.err.contains("ids are lower-case: leon"),
        "{}",
        told.err
    );
}
