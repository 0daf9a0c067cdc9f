//! Handing over: Mia has to sleep, and somebody else goes on.

use std::sync::Arc;
use std::time::Duration;

use breakglass_client::guard::attend::{Attended as _, Attending as _, Post};
use breakglass_client::output::{Format, Printer};
use breakglass_domain::policy::STARTER;
use breakglass_proto::v1::{Grant, GrantBasis, GrantEnding, GrantState};
use breakglass_tests::World;
use breakglass_tests::wait::soon;

use super::reason;

/// Mia is no approver of Leon's secrets: the founder alone is.
async fn flooded() -> World {
    let rule = "rights = [\"read-secrets\"]\napprovers = [\"job:engineer\", \"founder\"]";
    assert!(STARTER.contains(rule));
    let alone = rule.replace("\"job:engineer\", ", "");
    let world = World::with_policy(&STARTER.replace(rule, &alone)).await;
    world.opens("support", "the worker floods").await;
    world
}

/// Mia can do it for ten minutes, on the founder's yes where one is needed.
async fn busy(world: &World, right: &str) -> Grant {
    let asked = world.asks("mia", right).await.unwrap();
    match asked.state() {
        GrantState::Waiting => world.approves("founder", &asked.id).await.unwrap(),
        _ => asked,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leon_goes_on_and_mia_can_no_longer() {
    let world = flooded().await;
    let old = busy(&world, "deploy-shop").await;
    world.minutes_pass(4).await;
    let before = world.entries().len();
    world.is_enrolled("leon").await;
    let new = world.hands_over("mia", &old.id, "leon").await.unwrap();
    assert_eq!(
        (new.id.as_str(), new.person.as_str(), new.basis()),
        ("G-2", "leon", GrantBasis::FastPath)
    );
    assert_eq!(new.ends_at, old.ends_at, "the original end");
    assert_eq!(
        (new.from_grant.as_str(), new.from_person.as_str()),
        ("G-1", "mia")
    );
    let kinds = world.kinds_from(before);
    let kinds: Vec<_> = kinds.iter().filter(|it| it.starts_with("grant")).collect();
    assert_eq!(kinds, ["grant.requested", "grant.started", "grant.ended"]);
    let ended = world.grant("G-1").await;
    assert_eq!(ended.ending(), GrantEnding::HandedOver);
    assert_eq!(
        (ended.to_grant.as_str(), ended.to_person.as_str()),
        ("G-2", "leon")
    );
    world.takes_jwt("leon", "G-2").await.unwrap();
    assert_eq!(reason(world.takes_jwt("mia", "G-1").await), "GRANT_ENDED");
    let issued = &world.entries_of("credential.issued")[0];
    assert_eq!(issued["key"], world.identity("leon").await.key.id());
    let requested = &world.entries_of("grant.requested")[1];
    assert_eq!(
        (&requested["by"], &requested["from"]),
        (&"mia".into(), &"G-1".into())
    );
    let signed = requested["signed"]["text"].as_str().unwrap();
    for line in [
        "breakglass/v1 handover",
        "grant: G-1",
        "to: leon",
        "sentence: deploy the shop app",
    ] {
        assert!(signed.lines().any(|it| it == line), "{line}:\n{signed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_an_approver_says_yes_by_handing_over() {
    let world = flooded().await;
    let old = busy(&world, "migrate-shop-db").await;
    world.is_enrolled("leon").await;
    let new = world.hands_over("mia", &old.id, "leon").await.unwrap();
    assert_eq!(
        (new.basis(), new.approved_by.as_str()),
        (GrantBasis::Approved, "mia")
    );
    assert_eq!(new.ends_at, old.ends_at);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn else_it_waits_and_is_swapped_when_somebody_agrees() {
    let world = flooded().await;
    let old = busy(&world, "read-secrets").await;
    world.is_enrolled("leon").await;
    let new = world.hands_over("mia", &old.id, "leon").await.unwrap();
    assert_eq!(new.state(), GrantState::Waiting);
    assert_eq!(new.approvers, ["founder"], "never Leon");
    world.takes_jwt("mia", &old.id).await.unwrap();
    world.minutes_pass(3).await;
    assert_eq!(
        reason(world.approves("leon", &new.id).await),
        "SELF_APPROVAL"
    );
    // The founder's glass checks that Mia signed what it shows.
    let founder = world.session("founder").await;
    founder.check_request(&new).await.unwrap();
    let mut lie = new.clone();
    lie.until = None;
    assert_eq!(
        founder.check_request(&lie).await.unwrap_err().exit_code(),
        86
    );
    let begun = world.approves("founder", &new.id).await.unwrap();
    assert_eq!(begun.state(), GrantState::Active);
    assert_eq!(begun.ends_at, old.ends_at);
    assert_eq!(world.grant(&old.id).await.ending(), GrantEnding::HandedOver);
    let (started, ended) = (
        world.entries_of("grant.started").pop().unwrap(),
        world.entries_of("grant.ended").pop().unwrap(),
    );
    assert_eq!(started["at"], ended["at"], "at the same moment");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_over_with_the_old_one_and_says_why() {
    let world = flooded().await;
    let old = busy(&world, "read-secrets").await;
    world.is_enrolled("leon").await;
    let new = world.hands_over("mia", &old.id, "leon").await.unwrap();
    world.drops("mia", &old.id).await.unwrap();
    let lapsed = world.grant(&new.id).await;
    assert_eq!(
        (lapsed.ending(), lapsed.ending_reason.as_str()),
        (GrantEnding::Lapsed, "G-1 is over: given back")
    );
    let again = busy(&world, "read-secrets").await;
    let new = world.hands_over("mia", &again.id, "leon").await.unwrap();
    world.minutes_pass(10).await;
    let ends = [&again.id, &new.id].map(String::as_str);
    let mut endings = Vec::new();
    for grant in ends {
        endings.push(world.grant(grant).await.ending());
    }
    assert_eq!(endings, [GrantEnding::Expired, GrantEnding::Lapsed]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_incident_closes_over_both() {
    let world = flooded().await;
    let old = busy(&world, "read-secrets").await;
    world.is_enrolled("leon").await;
    let new = world.hands_over("mia", &old.id, "leon").await.unwrap();
    let closed = world.closes("leon", &old.incident).await.unwrap();
    assert_eq!(closed.ended.len(), 2);
    for grant in [&old.id, &new.id] {
        let ended = world.grant(grant).await;
        assert_eq!(ended.ending(), GrantEnding::IncidentClosed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handed_on_again_it_ends_when_the_first_would_have() {
    let world = flooded().await;
    let first = busy(&world, "deploy-shop").await;
    world.is_enrolled("leon").await;
    world.hands_over("mia", "G-1", "leon").await.unwrap();
    world.minutes_pass(5).await;
    let third = world.hands_over("leon", "G-2", "mia").await.unwrap();
    assert_eq!((third.id.as_str(), third.ends_at), ("G-3", first.ends_at));
    world.minutes_pass(5).await;
    assert_eq!(world.grant("G-3").await.ending(), GrantEnding::Expired);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_by_handing_over_what_no_rule_gives_them() {
    let world = flooded().await;
    busy(&world, "deploy-shop").await;
    world.is_enrolled("support").await;
    let hands = |to: &'static str| world.hands_over("mia", "G-1", to);
    assert_eq!(reason(hands("support").await), "NOT_ALLOWED");
    assert_eq!(reason(hands("nobody").await), "UNKNOWN_PERSON");
    assert_eq!(reason(hands("mia").await), "NOTHING_TO_HAND_OVER");
    world.gets("leon", "deploy-shop").await;
    assert_eq!(reason(hands("leon").await), "NOTHING_TO_HAND_OVER");
    world.drops("leon", "G-2").await.unwrap();
    world.freezes("founder", "leon").await.unwrap();
    assert_eq!(reason(hands("leon").await), "PERSON_FROZEN");
    let not_hers = world.hands_over("founder", "G-1", "leon").await;
    assert_eq!(reason(not_hers), "NOT_YOURS");
    assert_eq!(world.grant("G-1").await.state(), GrantState::Active);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_hears_of_both_at_once() {
    let target = "\n[targets.deploy-web]\nkind = \"http\"\n\
                  address = \"https://deploy.shop.example\"\ngrace = \"2m\"\n";
    let world = World::with_policy(&format!("{STARTER}{target}")).await;
    let founder = world.session("founder").await;
    let invited = founder.invite_target("deploy-web").await.unwrap();
    let told = world
        .glass("deploy-web", &["enroll", &invited.enrolment])
        .await;
    assert_eq!(told.code, 0, "{}", told.err);
    let printer = Printer::to_buffers(Format::Text, Arc::default(), Arc::default());
    let post = Post::of(&world.settings("deploy-web"), &printer).unwrap();
    world.opens("support", "the worker floods").await;
    busy(&world, "deploy-shop").await;
    world.is_enrolled("leon").await;
    let mut stream = post.attend().await.unwrap();
    world.hands_over("mia", "G-1", "leon").await.unwrap();
    let mut lives: Vec<Vec<String>> = Vec::new();
    while lives.last().is_none_or(|live| *live != ["G-2"]) {
        let news = soon("the guard hears", stream.next()).await.unwrap();
        let standing = news.standing.iter();
        lives.extend(standing.map(|it| it.live.keys().cloned().collect()));
        if let Some(ended) = news.standing.iter().flat_map(|it| &it.ended).next() {
            assert!(
                ended.text.contains("Leon has G-2 instead, handed over"),
                "{}",
                ended.text
            );
        }
    }
    assert!(
        lives.iter().all(|live| !live.is_empty()),
        "no gap: {lives:?}"
    );
    world.clock().passes(Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leon_should_know_is_told_where_he_looks() {
    let world = flooded().await;
    busy(&world, "deploy-shop").await;
    world.is_enrolled("leon").await;
    let words = ["handover", "G-1", "leon", "-m", "index half built"];
    assert_eq!(world.glass("mia", &words).await.code, 0);
    let told = world.glass("leon", &["status"]).await;
    let yours = "G-2 is yours, from mia's G-1: index half built";
    assert!(told.out.contains(yours), "{}", told.out);
    let told = world.glass("mia", &["status"]).await;
    assert!(!told.out.contains("is yours"), "{}", told.out);
    let told = world.glass("leon", &["grants"]).await;
    assert!(told.out.contains("nobody needed, from G-1"), "{}", told.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_waits_mia_sees_whom_it_goes_to_and_who_asked() {
    let world = flooded().await;
    busy(&world, "read-secrets").await;
    world.is_enrolled("leon").await;
    let words = ["handover", "G-1", "leon", "-m", "half done"];
    let told = world.glass("mia", &words).await;
    assert_eq!(told.code, 0, "{}", told.err);
    let told = world.glass("mia", &["grants", "show", "G-1"]).await;
    let goes = "goes       over to leon as G-2, which waits for founder";
    assert!(told.out.contains(goes), "{}", told.out);
    let words = ["grants", "show", "G-1", "-o", "json"];
    let told = world.glass("mia", &words).await;
    let view: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(
        (&view["id"], &view["handing"]["id"]),
        (&"G-1".into(), &"G-2".into())
    );
    let told = world.glass("mia", &["grants", "show", "G-2"]).await;
    assert!(told.out.contains("  asked by   mia"), "{}", told.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_yes_tells_what_is_left_of_the_old_one() {
    let world = flooded().await;
    let old = busy(&world, "read-secrets").await;
    world.takes_jwt("mia", &old.id).await.unwrap();
    world.is_enrolled("leon").await;
    world.hands_over("mia", &old.id, "leon").await.unwrap();
    let yes = world.glass("founder", &["approve", "G-2", "--yes"]).await;
    assert_eq!(yes.code, 0, "{}", yes.err);
    let copy = "G-1: a copy of mia's credential may be taken until";
    assert!(yes.out.contains(copy), "{}", yes.out);
}
