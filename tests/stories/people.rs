//! Who leaves, is removed or frozen has no access at the next call, and their grants end.

use breakglass_domain::policy::STARTER;
use breakglass_proto::v1::identity_service_client::IdentityServiceClient;
use breakglass_proto::v1::{self, GrantEnding, WatchRequest};
use breakglass_tests::World;
use breakglass_tests::wait::soon;

use super::{reason, reason_of};

/// The starter policy without Mia.
fn without_mia() -> String {
    let start = STARTER.find("[people.mia]").unwrap();
    let end = STARTER.find("[people.leon]").unwrap();
    format!("{}{}", &STARTER[..start], &STARTER[end..])
}

/// Mia has something and an open connection that was good a moment ago.
async fn mia_at_work() -> (
    World,
    v1::Grant,
    IdentityServiceClient<tonic::transport::Channel>,
) {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    let mut open = IdentityServiceClient::new(world.channel("mia").await);
    open.who_am_i(v1::WhoAmIRequest {}).await.unwrap();
    (world, grant, open)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_less_in_the_policy_cuts_access_at_the_next_call() {
    let (world, grant, mut open) = mia_at_work().await;
    let told = world.policy_becomes(&without_mia()).await.unwrap();
    assert!(told.contains("ended 1"), "{told}");
    let refused = open.who_am_i(v1::WhoAmIRequest {}).await.unwrap_err();
    assert_eq!(
        reason_of(&refused),
        "NOT_ENROLLED",
        "also on a connection that is open"
    );
    assert_eq!(
        world.grant(&grant.id).await.ending(),
        GrantEnding::PersonLeft
    );
    let refused = world.try_session("mia").await;
    assert_eq!(reason(refused), "NOT_ENROLLED");
    // Coming back into the policy is not coming back in: keys have ended.
    world.policy_becomes(STARTER).await.unwrap();
    assert_eq!(reason(world.try_session("mia").await), "NOT_ENROLLED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removing_somebody_ends_keys_and_grants() {
    let (world, grant, mut open) = mia_at_work().await;
    let founder = world.session("founder").await;
    let removed = founder.remove("mia", "last day").await.unwrap();
    assert_eq!((removed.ended.len(), removed.keys), (1, 1));
    assert_eq!(removed.ended[0].id, grant.id);
    let refused = open.who_am_i(v1::WhoAmIRequest {}).await.unwrap_err();
    assert_eq!(reason_of(&refused), "NOT_ENROLLED");
    let endings = world.entries_of("grant.ended");
    assert_eq!(endings[0]["ending"], "person-left");
    // Still in the policy: a new invitation lets her in again, with another key.
    let invited = founder.invite("mia").await.unwrap();
    std::fs::remove_dir_all(world.context("mia").folder).unwrap();
    world.is_handed("mia", &invited.enrolment);
    world.gets("mia", "deploy-shop").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_frozen_can_do_nothing_until_somebody_else_lifts_it() {
    let (world, grant, mut open) = mia_at_work().await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    assert_eq!(
        reason(world.freezes("support", "mia").await),
        "NOT_PERMITTED"
    );
    let ended = world.freezes("leon", "mia").await.unwrap();
    assert_eq!(ended.len(), 2);
    let refused = open.who_am_i(v1::WhoAmIRequest {}).await.unwrap_err();
    assert_eq!(reason_of(&refused), "PERSON_FROZEN");
    for id in [&grant.id, &request.id] {
        assert_eq!(world.grant(id).await.ending(), GrantEnding::PersonFrozen);
    }
    assert_eq!(
        reason(world.freezes("leon", "mia").await),
        "PERSON_FROZEN",
        "she is already"
    );
    let lifted = world
        .glass("mia", &["freeze", "mia", "--lift", "-m", "it is fine"])
        .await;
    assert_eq!(lifted.code, 82, "{}", lifted.err);
    world
        .session("founder")
        .await
        .unfreeze("mia", "new laptop")
        .await
        .unwrap();
    open.who_am_i(v1::WhoAmIRequest {}).await.unwrap();
    assert_eq!(
        reason(world.takes_jwt("mia", &grant.id).await),
        "GRANT_ENDED",
        "not again"
    );
    assert_eq!(
        reason(world.session("leon").await.unfreeze("mia", "why").await),
        "NOT_FROZEN"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_streams_of_somebody_who_left_end_too() {
    let (world, grant, _) = mia_at_work().await;
    let session = world.session("mia").await;
    let mut watch = session.watch(WatchRequest::default()).await.unwrap();
    let mut held = session.hold(&grant.id, 0).await.unwrap();
    world.freezes("leon", "mia").await.unwrap();
    let refused = soon("the watch ends", async {
        loop {
            match watch.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it ends without a word"),
                Err(status) => return reason_of(&status),
            }
        }
    })
    .await;
    assert_eq!(refused, "PERSON_FROZEN");
    let mut last = String::new();
    while let Ok(Some(news)) = soon("the hold ends", held.message()).await {
        last = news.text;
    }
    assert!(
        last.contains("laptop stolen"),
        "the last words say why: {last}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_taken_away_ends_what_it_gave() {
    let (world, grant, _) = mia_at_work().await;
    let less = STARTER.replace(
        "rights = [\"deploy-shop\", \"revert-config\", \"restart-worker\"]",
        "rights = [\"revert-config\", \"restart-worker\"]",
    );
    let told = world.policy_becomes(&less).await.unwrap();
    assert!(told.contains("ended 1"), "{told}");
    assert_eq!(
        reason(world.takes_jwt("mia", &grant.id).await),
        "GRANT_ENDED"
    );
    assert_eq!(
        reason(world.asks("mia", "deploy-shop").await),
        "NOT_ALLOWED"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_with_a_mistake_leaves_the_old_one_in_force() {
    let (world, grant, _) = mia_at_work().await;
    let loaded = world.entries_of("policy.loaded").len();
    let wrong = STARTER.replace("who = [\"job:engineer\"]", "hwo = [\"job:engineer\"]");
    let why = world.policy_becomes(&wrong).await.unwrap_err().to_string();
    assert!(why.contains("hwo") && why.contains('^'), "{why}");
    assert_eq!(world.entries_of("policy.loaded").len(), loaded);
    world.takes_jwt("mia", &grant.id).await.unwrap();
    let status = world.glass("designer", &["status"]).await;
    assert!(
        status.out.contains("policy file has a mistake"),
        "{}",
        status.out
    );
    world.policy_becomes(STARTER).await.unwrap();
    let status = world.glass("designer", &["status"]).await;
    assert!(!status.out.contains("mistake"), "{}", status.out);
}

/// The founder removes somebody; what is printed.
async fn removes(world: &World, person: &str) -> (String, String) {
    let words = ["people", "remove", person, "-m", "why", "--yes"];
    let told = world.glass("founder", &words).await;
    assert_eq!(told.code, 0, "{}", told.err);
    (told.out, told.err)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_says_that_the_policy_still_names_them() {
    let (world, _, _) = mia_at_work().await;
    let (told, warned) = removes(&world, "mia").await;
    assert!(told.starts_with("mia is out.\n"), "{told}");
    assert!(told.contains("The policy still names mia"), "{told}");
    assert!(told.contains("  G-1  mia can no longer deploy"), "{told}");
    assert!(!warned.contains("may invite"), "{warned}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_removes_themselves_reads_what_ended_and_that_nobody_is_left_to_invite() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    world.asks("founder", "restart-worker").await.unwrap();
    let (told, warned) = removes(&world, "founder").await;
    assert!(
        told.starts_with("founder is out, and so is this laptop.\n"),
        "{told}"
    );
    assert!(
        told.contains("Ended: 1 key, 0 enrolment tokens, 1 grant"),
        "{told}"
    );
    assert!(
        told.contains("  G-1  founder no longer asks to restart"),
        "{told}"
    );
    assert!(
        warned.contains("nobody else who is there may invite people"),
        "{warned}"
    );
    let how = "while the broker is stopped: systemctl stop glassd, then glassd invite PERSON";
    assert!(warned.contains(how), "{warned}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_only_asked_for_is_not_called_access_when_they_are_frozen() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    world.waits_for("mia", "read-secrets").await;
    let told = world.glass("leon", &["freeze", "mia", "-m", "why"]).await;
    assert!(
        told.out.contains("G-1  mia no longer asks to read"),
        "{}",
        told.out
    );
    world.waits_for("leon", "read-secrets").await;
    let words = ["revoke", "G-2", "-m", "why"];
    let told = world.glass("founder", &words).await;
    let line = "G-2 is revoked: leon no longer asks to read production secrets.";
    assert!(told.out.contains(line), "{}", told.out);
}
