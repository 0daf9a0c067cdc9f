//! Risky rights: one named approver, never oneself, and what happens when nobody answers.

use std::time::Duration;

use breakglass_domain::policy::STARTER;
use breakglass_proto::v1::{GrantBasis, GrantEnding, GrantState, WatchRequest};
use breakglass_tests::World;
use breakglass_tests::wait::soon;
use breakglass_tests::world::Ask;

use super::reason;

async fn flooded() -> World {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leon_signs_the_sentence_he_was_shown() {
    let world = flooded().await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    assert_eq!(
        request.approvers,
        ["founder", "leon"],
        "never the one who asks"
    );
    assert_eq!(
        reason(world.takes_jwt("mia", &request.id).await),
        "GRANT_WAITING"
    );
    let grant = world.approves("leon", &request.id).await.unwrap();
    assert_eq!(
        (grant.basis(), grant.approved_by.as_str()),
        (GrantBasis::Approved, "leon")
    );
    world.takes_jwt("mia", &request.id).await.unwrap();

    let started = &world.entries_of("grant.started")[0];
    assert_eq!(
        (&started["by"], &started["basis"]),
        (&"leon".into(), &"approved".into())
    );
    let signed = started["signed"]["text"].as_str().unwrap();
    assert!(signed.starts_with("breakglass/v1 approve\n"), "{signed}");
    for line in [
        "requester: mia",
        "right: migrate-shop-db",
        "sentence: change the shop database",
    ] {
        assert!(
            signed.lines().any(|signed| signed == line),
            "{line} is not in:\n{signed}"
        );
    }
    let key = world.identity("leon").await.key.id();
    assert_eq!(started["signed"]["key"], key, "with his own key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_of_a_grant_counts_from_the_yes() {
    let world = flooded().await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    world.minutes_pass(9).await;
    let grant = world.approves("leon", &request.id).await.unwrap();
    let (begins, ends) = (
        grant.begins_at.unwrap().seconds,
        grant.ends_at.unwrap().seconds,
    );
    assert_eq!(ends - begins, 600);
    assert!(begins - request.requested_at.unwrap().seconds >= 540);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_approves_their_own_request() {
    let world = flooded().await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    assert_eq!(
        reason(world.approves("mia", &request.id).await),
        "SELF_APPROVAL"
    );
    assert_eq!(world.grant(&request.id).await.state(), GrantState::Waiting);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_those_the_rule_names_may_say_yes_or_no() {
    let world = flooded().await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    for who in ["support", "designer"] {
        assert_eq!(
            reason(world.approves(who, &request.id).await),
            "NOT_APPROVER"
        );
        assert_eq!(reason(world.denies(who, &request.id).await), "NOT_APPROVER");
    }
    world.approves("founder", &request.id).await.unwrap();
    assert_eq!(
        reason(world.approves("leon", &request.id).await),
        "GRANT_ACTIVE"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rule_is_pinned_when_the_request_is_made() {
    let world = flooded().await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    let named = "rights = [\"migrate-shop-db\"]\napprovers = [\"job:engineer\", \"founder\"]";
    let changed = STARTER.replace(
        named,
        "rights = [\"migrate-shop-db\"]\napprovers = [\"support\", \"founder\"]",
    );
    assert_ne!(changed, STARTER);
    world.policy_becomes(&changed).await.unwrap();
    assert_eq!(
        reason(world.approves("support", &request.id).await),
        "NOT_APPROVER"
    );
    assert_eq!(
        reason(world.approves("leon", &request.id).await),
        "NOT_APPROVER",
        "not any more"
    );
    world.approves("founder", &request.id).await.unwrap();
    let next = world.waits_for("mia", "migrate-shop-db").await;
    world.approves("support", &next.id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_no_is_the_end_of_it_and_says_why() {
    let world = flooded().await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    let denied = world.denies("leon", &request.id).await.unwrap();
    assert_eq!(
        (denied.state(), denied.ending()),
        (GrantState::Ended, GrantEnding::Denied)
    );
    assert_eq!(
        (&*denied.ended_by, &*denied.ending_reason),
        ("leon", "not before the backup")
    );
    assert_eq!(
        reason(world.approves("founder", &request.id).await),
        "GRANT_ENDED"
    );
    assert_eq!(
        reason(world.takes_jwt("mia", &request.id).await),
        "GRANT_ENDED"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_answers_and_the_request_lapses() {
    let world = flooded().await;
    let request = world.waits_for("mia", "read-secrets").await;
    world.passes(Duration::from_secs(15 * 60 - 1)).await;
    assert_eq!(world.grant(&request.id).await.state(), GrantState::Waiting);
    world.passes(Duration::from_secs(1)).await;
    let lapsed = world.grant(&request.id).await;
    assert_eq!(
        (lapsed.state(), lapsed.ending()),
        (GrantState::Ended, GrantEnding::Lapsed)
    );
    assert_eq!(
        reason(world.approves("leon", &request.id).await),
        "GRANT_ENDED"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lapse_counts_at_its_very_moment_and_not_at_the_next_tick() {
    let world = flooded().await;
    let request = world.waits_for("mia", "read-secrets").await;
    // Nobody ticks: only the clock has moved when the yes comes in.
    world.clock().passes(Duration::from_secs(15 * 60));
    assert_eq!(
        reason(world.approves("leon", &request.id).await),
        "GRANT_ENDED"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_nobody_is_awake_the_rule_may_allow_a_shorter_loud_self_grant() {
    let world = flooded().await;
    let session = world.session("support").await;
    let mut seen = session.watch(WatchRequest::default()).await.unwrap();
    let asked = world
        .asks_for(&Ask::of("mia", "migrate-shop-db").minutes(25))
        .await
        .unwrap();
    let request = asked.grant.unwrap();
    assert_eq!(
        reason(world.grants_themselves("mia", &request.id).await),
        "SELF_GRANT_TOO_EARLY"
    );
    world.passes(Duration::from_secs(599)).await;
    assert_eq!(
        reason(world.grants_themselves("mia", &request.id).await),
        "SELF_GRANT_TOO_EARLY"
    );
    world.passes(Duration::from_secs(1)).await;
    assert_eq!(
        reason(world.grants_themselves("leon", &request.id).await),
        "NOT_YOURS"
    );
    let grant = world.grants_themselves("mia", &request.id).await.unwrap();
    assert_eq!(grant.basis(), GrantBasis::SelfGranted);
    let length = grant.ends_at.unwrap().seconds - grant.begins_at.unwrap().seconds;
    assert_eq!(length, 600, "ten minutes, whatever was asked for");

    let loud = soon("everybody is told", async {
        loop {
            let event = seen.message().await.unwrap().expect("the stream goes on");
            if event.kind == "grant.started" {
                return event;
            }
        }
    })
    .await;
    assert!(
        loud.text.starts_with("NOBODY ANSWERED: Mia began"),
        "{}",
        loud.text
    );
    assert_eq!(
        world.entries_of("grant.started")[0]["basis"],
        "self-granted"
    );
    let status = world.glass("designer", &["status"]).await;
    assert!(
        status.out.to_lowercase().contains("self-granted"),
        "{}",
        status.out
    );
    // Nobody agreed to it, so anybody on the team may end it.
    world.revokes("designer", &grant.id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_never_begun_alone() {
    let world = flooded().await;
    let request = world.waits_for("mia", "read-secrets").await;
    world.minutes_pass(14).await;
    assert_eq!(
        reason(world.grants_themselves("mia", &request.id).await),
        "SELF_GRANT_DENIED"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_founders_way_in_is_locked_until_a_call_and_a_note() {
    let world = flooded().await;
    let request = world.waits_for("founder", "revert-config").await;
    assert_eq!(request.callers, ["leon", "mia"]);
    let needed = request.still_needed.unwrap();
    assert!(needed.call && needed.note && !needed.approval);
    for who in ["founder", "support"] {
        assert_eq!(
            reason(world.records_call(who, &request.id).await),
            "NOT_CALLER"
        );
    }
    assert_eq!(
        reason(world.takes_jwt("founder", &request.id).await),
        "GRANT_WAITING"
    );
    let called = world.records_call("mia", &request.id).await.unwrap();
    assert_eq!(called.state(), GrantState::Waiting, "the note is missing");
    assert_eq!(called.calls[0].by, "mia");
    let note = [
        "incident",
        "note",
        "called Mia at 03:10, she reverts with me",
    ];
    assert_eq!(world.glass("founder", &note).await.code, 0);
    let begun = world.grant(&request.id).await;
    assert_eq!(begun.basis(), GrantBasis::Called);
    world.takes_jwt("founder", &request.id).await.unwrap();

    let kinds: Vec<_> = world
        .entries()
        .iter()
        .map(|entry| entry["kind"].clone())
        .collect();
    let story = [
        "grant.requested",
        "call.recorded",
        "incident.noted",
        "grant.started",
    ];
    let mut told = kinds.iter();
    for kind in story {
        assert!(told.any(|it| it == kind), "{kind} in its order: {kinds:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_locked_request_still_needs_is_shown_to_everybody_concerned() {
    let world = flooded().await;
    let request = [
        "request",
        "revert-config",
        "-m",
        "roll 4711 back",
        "--no-wait",
    ];
    let asked = world.glass("founder", &request).await;
    assert_eq!(asked.code, 81, "{}", asked.err);
    let needed = "still needed: a call with leon or mia, a note in INC-1";
    assert!(asked.err.contains(needed), "{}", asked.err);
    assert!(
        asked.err.contains("glass call G-1 founder"),
        "{}",
        asked.err
    );
    for screen in [&["approve"][..], &["status"], &["grants", "show", "G-1"]] {
        let seen = world.glass("mia", screen).await;
        let needs = "a call with leon or mia, a note in INC-1";
        assert!(seen.out.contains(needs), "{screen:?}: {}", seen.out);
    }
    let yes = world.glass("mia", &["approve", "G-1"]).await;
    assert_eq!(yes.code, 82);
    assert!(
        yes.err.contains("G-1 needs your call, and not your yes"),
        "{}",
        yes.err
    );
    let wrong = world.glass("mia", &["call", "G-1", "support"]).await;
    assert_eq!(wrong.code, 2, "{}", wrong.err);
    let old = world
        .glass(
            "mia",
            &[
                "call",
                "G-1",
                "founder",
                "--yes",
                "--at",
                "2020-01-01T00:00:00Z",
            ],
        )
        .await;
    assert_ne!(old.code, 0);
    assert!(old.err.contains("within the last 30m"), "{}", old.err);
    let unasked = world.glass("mia", &["call", "G-1", "founder"]).await;
    assert_eq!(unasked.code, 2, "nobody is there to say that they spoke");
    assert!(unasked.err.contains("founder asks to"), "{}", unasked.err);
    assert!(unasked.err.contains("--yes"), "{}", unasked.err);
    let call = world
        .glass("mia", &["call", "G-1", "founder", "--yes"])
        .await;
    assert_eq!(call.code, 0, "{}", call.err);
    assert!(
        call.out.contains("Still needed: a note in INC-1"),
        "{}",
        call.out
    );
    let note = world
        .glass(
            "mia",
            &["incident", "note", "the founder called, 4711 goes"],
        )
        .await;
    assert_eq!(note.code, 0, "{}", note.err);
    let begun = world.glass("founder", &["grants", "show", "G-1"]).await;
    assert!(begun.out.contains("by a call with mia"), "{}", begun.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_survives_a_restart_of_the_broker() {
    let mut world = flooded().await;
    let request = world.waits_for("founder", "revert-config").await;
    world.records_call("mia", &request.id).await.unwrap();
    world.restarts().await;
    let missing = world.grant(&request.id).await.still_needed.unwrap();
    assert!(missing.note && !missing.call);
    let note = ["incident", "note", "called Mia"];
    assert_eq!(world.glass("founder", &note).await.code, 0);
    assert_eq!(world.grant(&request.id).await.state(), GrantState::Active);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_designer_vetoes_what_was_begun_alone() {
    let mut world = flooded().await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    world.minutes_pass(11).await;
    world.grants_themselves("mia", &request.id).await.unwrap();
    let own = world.glass("mia", &["veto", &request.id, "-m", "oh"]).await;
    assert_eq!(own.code, 82, "{}", own.err);
    let seen = world.glass("support", &["status"]).await;
    assert!(seen.out.contains("glass veto G-1"), "{}", seen.out);
    let veto = ["veto", &request.id, "-m", "leon is on his way"];
    let vetoed = world.glass("designer", &veto).await;
    assert_eq!(vetoed.code, 0, "{}", vetoed.err);
    let rest = "for the rest of INC-1, mia needs an approver to change the shop database";
    assert!(vetoed.out.contains(rest), "{}", vetoed.out);
    let ended = world.grant(&request.id).await;
    assert_eq!(
        (ended.ending(), &*ended.ended_by, &*ended.ending_reason),
        (GrantEnding::Vetoed, "designer", "leon is on his way")
    );
    assert_eq!(
        reason(world.takes_jwt("mia", &request.id).await),
        "GRANT_ENDED"
    );

    let again = world.waits_for("mia", "migrate-shop-db").await;
    assert!(again.self_grant_at.is_none());
    world.restarts().await;
    world.minutes_pass(11).await;
    let alone = world.grants_themselves("mia", &again.id).await;
    assert_eq!(reason(alone), "SELF_GRANT_DENIED", "also after a restart");
    world.approves("leon", &again.id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentence_that_changed_meanwhile_is_not_signed_away() {
    let world = flooded().await;
    let session = world.session("mia").await;
    let shown = session.right("deploy-shop").await.unwrap();
    let changed = STARTER.replace(
        "deploy the shop app",
        "deploy the shop app and its database",
    );
    world.policy_becomes(&changed).await.unwrap();
    let asked = breakglass_client::session::Asked {
        right: &shown,
        incident: "INC-1",
        reason: "revert",
        length: jiff::SignedDuration::from_mins(5),
        held: false,
        credential: breakglass_proto::v1::CredentialKind::Jwt,
    };
    assert_eq!(reason(session.request(&asked).await), "SENTENCE_CHANGED");
    world.gets("mia", "deploy-shop").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_time_comes_from_whoever_gave_the_first() {
    let world = flooded().await;
    let fast = world.gets("mia", "deploy-shop").await;
    assert_eq!(
        reason(world.extends("mia", &fast.id, 30).await),
        "TOO_LONG_A_TIME"
    );
    let lasts = fast.ends_at.unwrap().seconds - fast.begins_at.unwrap().seconds;
    let more = world
        .extends("mia", &fast.id, 30 - lasts / 60)
        .await
        .unwrap();
    let length = more.ends_at.unwrap().seconds - more.begins_at.unwrap().seconds;
    assert_eq!(length, 30 * 60, "never past the right's longest");
    assert_eq!(
        reason(world.extends("mia", &fast.id, 1).await),
        "TOO_LONG_A_TIME"
    );

    let request = world.waits_for("mia", "migrate-shop-db").await;
    world.approves("leon", &request.id).await.unwrap();
    assert_eq!(
        reason(world.extends("mia", &request.id, 5).await),
        "NOT_APPROVER"
    );
    world.extends("leon", &request.id, 5).await.unwrap();
    assert_eq!(
        reason(world.extends("support", &request.id, 5).await),
        "NOT_APPROVER"
    );
}
