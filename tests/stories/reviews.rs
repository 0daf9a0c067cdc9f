//! Looking back: what happened is read from the ledger, what is owed is shown, and what is owed for
//! too long holds up what nobody has to agree to.

use breakglass_client::session::Said;
use breakglass_domain::policy::STARTER;
use breakglass_tests::World;
use breakglass_tests::world::Ask;
use serde_json::Value;

use super::reason;

fn needed() -> Said {
    Said {
        needed: true,
        width: "right",
        missing: String::new(),
    }
}

/// A night that is over: Mia deployed, support had to ask her to, a secret was never read.
async fn a_night(world: &World) -> String {
    let incident = world.opens("support", "the worker floods").await;
    let refused = world.asks_for(&Ask::of("support", "deploy-shop")).await;
    assert_eq!(reason(refused), "NOT_ALLOWED");
    let grant = world.gets("mia", "deploy-shop").await;
    world.takes_jwt("mia", &grant.id).await.unwrap();
    world.waits_for("leon", "read-secrets").await;
    world.closes("mia", &incident).await.unwrap();
    incident
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_draft_says_who_had_what_and_the_answers_pay_what_is_owed() {
    let world = World::begins().await;
    let incident = a_night(&world).await;
    let told = world.glass("designer", &["status"]).await;
    assert!(told.out.contains("1 grant to review"), "{}", told.out);

    let told = world
        .glass("designer", &["review", &incident, "-o", "json"])
        .await;
    assert_eq!(told.code, 0, "{}", told.err);
    let view: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(view["owed"], serde_json::json!(["G-1"]));
    let draft = &view["draft"];
    assert_eq!(draft["closed_by"], "mia");
    assert_eq!(draft["grants"][0]["person"], "mia");
    assert_eq!(draft["grants"][0]["used"], "not-reported");
    assert_eq!(draft["grants"][1]["basis"], Value::Null);
    assert_eq!(draft["refused"][0]["reason"], "NOT_ALLOWED");
    assert_eq!(draft["borrowed"][0]["person"], "support");
    assert_eq!(draft["borrowed"][0]["done_by"], "mia");

    let words = [
        "review",
        &incident,
        "--all",
        "--needed",
        "yes",
        "--missing",
        "a rollback",
    ];
    let told = world.glass("designer", &words).await;
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(
        told.out.contains("missing: a rollback (said designer)"),
        "{}",
        told.out
    );
    let answered = world.entries_of("review.answered");
    assert_eq!(answered.len(), 1);
    assert_eq!(answered[0]["by"], "designer");
    let status = world.session("mia").await.status().await.unwrap();
    assert_eq!(status.reviews, []);
    let leon = world.session("leon").await;
    let again = leon.answer_review(&incident, "G-1", &needed()).await;
    assert_eq!(reason(again), "NOTHING_TO_REVIEW");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_owed_too_long_holds_up_the_fast_path_also_after_a_restart() {
    let mut world = World::begins().await;
    let asking = format!("{STARTER}\n[review]\ndays = 1\n");
    world.policy_becomes(&asking).await.unwrap();
    let incident = a_night(&world).await;
    world.restarts().await;
    world.minutes_pass(24 * 60 + 1).await;
    world.opens("support", "the worker floods again").await;
    let refused = world.asks("mia", "deploy-shop").await;
    let error = refused.unwrap_err();
    assert_eq!((error.reason(), error.exit_code()), ("REVIEW_DEBT", 82));
    assert_eq!(
        error.next().as_deref(),
        Some(&*format!("glass review {incident}"))
    );
    world.waits_for("leon", "read-secrets").await;
    let mia = world.session("mia").await;
    mia.answer_review(&incident, "G-1", &needed())
        .await
        .unwrap();
    world.gets("mia", "deploy-shop").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leaving_leaves_a_receipt_also_by_a_line_less_in_the_policy() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let waits = world.waits_for("leon", "read-secrets").await;
    assert_eq!(waits.approvers, ["founder", "mia"]);
    let hers = world.gets("mia", "deploy-shop").await;
    // The founder is stopped, so with Mia nobody is left.
    world.freezes("leon", "founder").await.unwrap();
    let start = STARTER.find("[people.mia]").unwrap();
    let end = STARTER.find("[people.leon]").unwrap();
    let without = format!("{}{}", &STARTER[..start], &STARTER[end..]);
    let told = world.policy_becomes(&without).await.unwrap();
    let receipt = format!(
        "mia is out: ended 1 key, 0 enrolment tokens, {}; nobody is left to answer {} of leon",
        hers.id, waits.id
    );
    assert!(told.contains(&receipt), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_of_nothing_is_a_mistake_and_not_silence() {
    let world = World::begins().await;
    let over = a_night(&world).await;
    let open = world.opens("support", "the shop is slow").await;
    world.gets("mia", "deploy-shop").await;
    for (words, why) in [
        (
            &["review", "--grant", "G-1", "--needed", "yes"][..],
            "an answer is about the grants of one incident, and none is named",
        ),
        (
            &["review", &open, "--all", "--needed", "yes"],
            "nothing is owed of INC-2: it is open",
        ),
    ] {
        let told = world.glass("leon", words).await;
        assert_eq!(told.code, 2, "{words:?}: {}", told.out);
        assert!(told.err.contains(why), "{words:?}: {}", told.err);
    }
    assert_eq!(world.entries_of("review.answered"), Vec::<Value>::new());
    // Saying it twice of what is over is no mistake.
    for _ in 0..2 {
        let words = ["review", &over, "--all", "--needed", "yes"];
        let told = world.glass("leon", &words).await;
        assert_eq!(told.code, 0, "{}", told.err);
    }
    assert_eq!(world.entries_of("review.answered").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_that_late_answers_hold_up_is_not_opened() {
    let world = World::begins().await;
    let rights = "[\"restart-worker\", \"migrate-shop-db\"]";
    let asking = format!("{STARTER}\n[review]\ndays = 1\n\n[drills]\nrights = {rights}\n");
    world.policy_becomes(&asking).await.unwrap();
    let incident = a_night(&world).await;
    world.minutes_pass(24 * 60 + 1).await;
    let opened = world.entries_of("incident.opened").len();
    let words = ["drill", "access", "restart-worker", "--", "true"];
    let told = world.glass("mia", &words).await;
    assert_eq!(told.code, 82, "{}", told.err);
    assert!(told.err.contains("so none was opened"), "{}", told.err);
    let next = format!("glass review {incident}");
    assert!(told.err.contains(&next), "{}", told.err);
    assert_eq!(world.entries_of("incident.opened").len(), opened);
}
