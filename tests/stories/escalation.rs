//! Nobody is awake: the first approver sleeps, then the second, and what then.

use breakglass_domain::policy::STARTER;
use breakglass_proto::v1::{Grant, GrantBasis, GrantEnding, GrantState, WatchRequest};
use breakglass_tests::World;
use breakglass_tests::wait::soon;
use serde_json::Value;

use super::reason;

const MIGRATE: &str = "migrate-shop-db";
const SECRETS: &str = "read-secrets";

/// The starter, where both risky rights are asked of engineers first, and of the founder five minutes
/// later.
fn policy() -> String {
    let asked = "approvers = [\"job:engineer\", \"founder\"]";
    let first = "approvers = [\"job:engineer\"]\nescalate_after = \"5m\"\nthen_approvers = \
                 [\"founder\"]";
    assert_eq!(STARTER.matches(asked).count(), 2);
    STARTER.replace(asked, first)
}

async fn flooded() -> World {
    let world = World::with_policy(&policy()).await;
    world.opens("support", "the worker floods").await;
    world
}

async fn says(world: &World, who: &str, words: &[&str]) -> String {
    let told = world.glass(who, words).await;
    format!("{}{}", told.out, told.err)
}

fn to_whom(grant: &Grant) -> Vec<&str> {
    grant.approvers.iter().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leon_sleeps_and_the_founder_answers() {
    let world = flooded().await;
    let request = world.waits_for("mia", MIGRATE).await;
    assert_eq!(to_whom(&request), ["leon"]);
    assert_eq!(request.escalation.as_ref().unwrap().approvers, ["founder"]);

    // The founder is told from when on, and is not among those it waits for.
    let early = world.approves("founder", &request.id).await;
    assert_eq!(reason(early), "APPROVAL_TOO_EARLY");
    let early = world.denies("founder", &request.id).await;
    assert_eq!(reason(early), "APPROVAL_TOO_EARLY");
    let looks = says(&world, "founder", &["approve", &request.id]).await;
    assert!(
        looks.contains("G-1 waits for leon for now, and goes to founder too at "),
        "{looks}"
    );
    let nothing = says(&world, "founder", &["approve"]).await;
    assert!(nothing.contains("Nothing waits for you."), "{nothing}");
    let coming = "G-1 waits for leon, and goes to founder too at ";
    assert!(nothing.contains(coming), "{nothing}");
    let status = says(&world, "designer", &["status"]).await;
    assert!(status.contains("waits for leon, then founder"), "{status}");
    let session = world.session("designer").await;
    let mut seen = session.watch(WatchRequest::default()).await.unwrap();

    world.minutes_pass(5).await;
    let told = soon("everybody who watches is told", async {
        loop {
            let event = seen.message().await.unwrap().expect("the stream goes on");
            if event.kind == "grant.escalated" {
                return event.text;
            }
        }
    });
    assert_eq!(
        told.await,
        "Nobody answered Mia's request G-1, so Founder can approve it too (INC-1)."
    );
    let mine = says(&world, "founder", &["approve"]).await;
    assert!(mine.contains("waits for leon or founder"), "{mine}");
    let grant = world.approves("founder", &request.id).await.unwrap();
    assert_eq!(
        (grant.basis(), grant.approved_by.as_str()),
        (GrantBasis::Approved, "founder")
    );
    world.takes_jwt("mia", &request.id).await.unwrap();

    let escalated = &world.entries_of("grant.escalated")[0];
    assert_eq!(escalated["by"], "breakglass");
    assert_eq!(escalated["approvers"], serde_json::json!(["founder"]));
    assert!(
        escalated["signed"].is_null(),
        "the house does it, not a person"
    );
    let timeline = says(&world, "support", &["incident", "show", "INC-1"]).await;
    assert!(
        timeline.contains("Nobody answered Mia's request G-1"),
        "{timeline}"
    );
    world.closes("mia", "INC-1").await.unwrap();
    let review = says(&world, "support", &["review", "INC-1"]).await;
    assert!(
        review.contains("escalated  to founder after 5m: nobody had answered"),
        "{review}"
    );
    let whole = world.glass("designer", &["ledger", "verify"]).await;
    assert_eq!(whole.code, 0, "{}", whole.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sleep_and_the_rule_denies() {
    let world = flooded().await;
    let request = world.waits_for("mia", SECRETS).await;
    world.minutes_pass(5).await;
    world.minutes_pass(10).await;
    let lapsed = world.grant(&request.id).await;
    assert_eq!(lapsed.ending(), GrantEnding::Lapsed);
    assert_eq!(world.entries_of("grant.escalated").len(), 1);
    let late = world.approves("founder", &request.id).await;
    assert_eq!(reason(late), "GRANT_ENDED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sleep_and_mia_begins_alone_until_somebody_wakes_up() {
    let world = flooded().await;
    let request = world.waits_for("mia", MIGRATE).await;
    world.minutes_pass(5).await;
    let early = world.grants_themselves("mia", &request.id).await;
    assert_eq!(reason(early), "SELF_GRANT_TOO_EARLY");
    world.minutes_pass(5).await;
    let grant = world.grants_themselves("mia", &request.id).await.unwrap();
    assert_eq!(grant.basis(), GrantBasis::SelfGranted);
    let vetoed = world
        .glass("designer", &["veto", "G-1", "-m", "call me"])
        .await;
    assert_eq!(vetoed.code, 0, "{}", vetoed.err);
    assert_eq!(world.grant("G-1").await.ending(), GrantEnding::Vetoed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_answer_at_once_and_one_of_them_was_first() {
    let world = flooded().await;
    let request = world.waits_for("mia", MIGRATE).await;
    world.minutes_pass(5).await;
    let (yes, no) = tokio::join!(
        world.approves("founder", &request.id),
        world.denies("leon", &request.id)
    );
    let grant = world.grant(&request.id).await;
    match (yes, no) {
        (Ok(_), Err(no)) => {
            assert_eq!(no.reason(), "GRANT_ACTIVE");
            assert_eq!(grant.state(), GrantState::Active);
        }
        (Err(yes), Ok(_)) => {
            assert_eq!(yes.reason(), "GRANT_ENDED");
            assert_eq!(grant.ending(), GrantEnding::Denied);
        }
        both => panic!("one answer counts: {both:?}"),
    }
    let answers = |entry: &&Value| entry["grant"] == "G-1" && entry["signed"].is_object();
    let entries = world.entries();
    assert_eq!(
        entries.iter().filter(answers).count(),
        2,
        "the question and one answer"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_incident_closes_while_it_waits() {
    let world = flooded().await;
    let request = world.waits_for("mia", MIGRATE).await;
    world.closes("leon", "INC-1").await.unwrap();
    world.minutes_pass(5).await;
    assert_eq!(world.entries_of("grant.escalated").len(), 0);
    let late = world.approves("founder", &request.id).await;
    assert_eq!(reason(late), "GRANT_ENDED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_in_between_changes_nothing() {
    let mut world = flooded().await;
    let request = world.waits_for("mia", MIGRATE).await;
    world.minutes_pass(4).await;
    world.restarts().await;
    let early = world.approves("founder", &request.id).await;
    assert_eq!(reason(early), "APPROVAL_TOO_EARLY");
    world.stops().await;
    world.clock().passes(std::time::Duration::from_secs(60));
    std::fs::remove_dir_all(world.config().index_dir()).unwrap();
    world.starts().await;
    world.approves("founder", &request.id).await.unwrap();
    assert_eq!(world.entries_of("grant.escalated").len(), 1);
    world.restarts().await;
    let escalation = world.grant(&request.id).await.escalation.unwrap();
    assert!(escalation.escalated_at.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_yes_at_the_very_moment_needs_no_tick() {
    let world = flooded().await;
    let request = world.waits_for("mia", MIGRATE).await;
    world.clock().passes(std::time::Duration::from_secs(299));
    let early = world.approves("founder", &request.id).await;
    assert_eq!(reason(early), "APPROVAL_TOO_EARLY");
    // Nobody ticks: only the clock has moved when the yes comes in.
    world.clock().passes(std::time::Duration::from_secs(1));
    world.approves("founder", &request.id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_leon_is_frozen_the_founder_is_asked_at_once() {
    let world = flooded().await;
    world.freezes("founder", "leon").await.unwrap();
    let request = world.waits_for("mia", MIGRATE).await;
    assert_eq!(to_whom(&request), ["leon", "founder"]);
    world.approves("founder", &request.id).await.unwrap();
    let told = says(&world, "support", &["incident", "show", "INC-1"]).await;
    assert!(
        told.contains("Nobody else is there to answer Mia's request G-1"),
        "{told}"
    );
}
