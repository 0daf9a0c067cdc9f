//! What a guard hears, and for how long it is let in.

use std::sync::Arc;
use std::time::Duration;

use breakglass_client::config::{Environment, Settings};
use breakglass_client::guard::attend::{Attended as _, Attending, News, Post};
use breakglass_client::output::{Format, Printer};
use breakglass_domain::policy::STARTER;
use breakglass_tests::World;
use breakglass_tests::backup::copied;
use breakglass_tests::wait::soon;

use crate::reason;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Where the right to deploy leads.
const TARGET: &str = "\n[targets.deploy-web]\nkind = \"http\"\n\
                      address = \"https://deploy.shop.example\"\ngrace = \"2m\"\n";

/// A target whose guard is enrolled.
async fn guarded() -> World {
    let world = World::with_policy(&format!("{STARTER}{TARGET}")).await;
    let founder = world.session("founder").await;
    let invited = founder.invite_target("deploy-web").await.unwrap();
    let enroll = ["enroll", &invited.enrolment];
    let told = world.glass("deploy-web", &enroll).await;
    assert_eq!(told.code, 0, "{}", told.err);
    world
}

fn post(world: &World) -> Post {
    let printer = Printer::to_buffers(Format::Text, Arc::default(), Arc::default());
    Post::of(&world.settings("deploy-web"), &printer).unwrap()
}

/// A guard that goes on running while the broker moves: it reads in its context where that is.
fn lasting_post(world: &World) -> Post {
    let printer = Printer::to_buffers(Format::Text, Arc::default(), Arc::default());
    let environment = Environment {
        config_folder: Some(world.contexts()),
        context: Some("deploy-web".into()),
        ..Environment::default()
    };
    let settings = Settings::new(Default::default(), environment).unwrap();
    Post::of(&settings, &printer).unwrap()
}

/// Its context says where the broker is now.
fn finds(world: &World) {
    let context = world.context("deploy-web");
    context.save(&context.folder).unwrap();
}

/// What is heard until this is.
async fn hears(stream: &mut impl Attending, is_it: impl Fn(&News) -> bool) -> News {
    loop {
        let news = soon("the guard hears", stream.next()).await.unwrap();
        if is_it(&news) {
            return news;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_hears_who_may_be_in_and_why_no_longer() {
    let world = guarded().await;
    let post = post(&world);
    assert_eq!(post.target(), "deploy-web");
    let mut stream = post.attend().await.unwrap();
    let first = soon("the first message", stream.next()).await.unwrap();
    assert_eq!(first.grace, Some(Duration::from_secs(120)));
    assert!(first.tick.is_some() && first.jwks.is_some() && first.krl.is_none());
    assert!(first.standing.unwrap().live.is_empty());

    world.opens("support", "the worker is flooded").await;
    let grant = world.gets("mia", "deploy-shop").await.id;
    let is_live = |news: &News| {
        let standing = news.standing.as_ref();
        standing.is_some_and(|standing| standing.live.contains_key(&grant))
    };
    let news = hears(&mut stream, is_live).await;
    assert!(news.jwks.is_none(), "only what has changed is said");
    assert_eq!(news.standing.unwrap().live[&grant].person, "mia");

    world.revokes("founder", &grant).await.unwrap();
    let news = hears(&mut stream, |news| news.standing.is_some()).await;
    let standing = news.standing.unwrap();
    assert!(standing.live.is_empty());
    assert_eq!(standing.ended[0].grant, grant);
    assert!(
        standing.ended[0].text.contains("Founder revoked"),
        "{standing:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_due_is_renewed_under_the_open_stream() {
    let world = guarded().await;
    world.clock().passes(DAY * 21);
    let post = post(&world);
    let mut stream = post.attend().await.unwrap();
    // What is said first is said again on the stream that the new certificate opens.
    for _ in 0..2 {
        let first = hears(&mut stream, |news| news.jwks.is_some()).await;
        assert!(first.standing.is_some());
    }
    let renewed = world.entries_of("target.renewed");
    assert_eq!(renewed.len(), 1, "{renewed:?}");
    assert_eq!(renewed[0]["by"], "target:deploy-web");
    let before = post.session().unwrap();
    let alive = before.identity().certificate.expires_at;
    assert!(alive > before.now() + jiff::SignedDuration::from_hours(24 * 29));
    // The clock is held, and a tick of the same moment is no news.
    world.clock().passes(Duration::from_secs(2));
    hears(&mut stream, |news| news.tick.is_some()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_leaves_the_policy_hears_nothing_more() {
    let world = guarded().await;
    let post = post(&world);
    let mut stream = post.attend().await.unwrap();
    soon("the first message", stream.next()).await.unwrap();
    world.policy_becomes(STARTER).await.unwrap();
    let refused = loop {
        if let Err(refused) = soon("the stream ends", stream.next()).await {
            break refused;
        }
    };
    assert_eq!(refused.reason(), "UNKNOWN_TARGET");
    assert_eq!(reason(post.attend().await.map(drop)), "UNKNOWN_TARGET");
}

async fn writes(world: &World, who: &str, incident: &str, count: usize) {
    let session = world.session(who).await;
    for number in 0..count {
        let text = format!("{who} was here, {number}");
        session.note_incident(incident, &text).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_put_back_and_grew_is_not_heard_again() {
    let mut world = guarded().await;
    let incident = world.opens("support", "the worker is flooded").await;
    world.stops().await;
    let (data, before) = (world.data().to_owned(), world.scratch("a backup"));
    copied(&data, &before);
    world.starts().await;

    finds(&world);
    let guard = lasting_post(&world);
    let mut stream = guard.attend().await.unwrap();
    soon("the first message", stream.next()).await.unwrap();
    // What the guard hears last is more than it wrote down, and the copy has no less than that.
    writes(&world, "leon", &incident, 3).await;
    world.clock().passes(Duration::from_secs(2));
    hears(&mut stream, |news| news.tick.is_some()).await;
    drop(stream);
    world.stops().await;
    std::fs::remove_dir_all(&data).unwrap();
    copied(&before, &data);
    world.starts().await;
    writes(&world, "mia", &incident, 12).await;
    world.clock().passes(Duration::from_secs(2));

    finds(&world);
    let mut stream = guard.attend().await.unwrap();
    let lie = soon("the first message", stream.next()).await.unwrap_err();
    assert_eq!(lie.reason(), "VERIFICATION_FAILED", "{lie}");
    assert!(lie.to_string().contains("rewritten or forked"), "{lie}");
    drop(stream);
    for _ in 0..3 {
        assert_eq!(
            reason(guard.attend().await.map(drop)),
            "VERIFICATION_FAILED"
        );
    }
    let kept = world.context("deploy-web").evidence_folder();
    assert_eq!(std::fs::read_dir(kept).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_that_is_started_anew_remembers_how_far_the_ledger_was() {
    let world = guarded().await;
    let incident = world.opens("support", "the worker is flooded").await;
    writes(&world, "leon", &incident, 3).await;
    let written = || {
        let file = world.context("deploy-web").checkpoint_file();
        let note = std::fs::read_to_string(file).unwrap();
        note.lines().nth(1).unwrap().parse::<usize>().unwrap()
    };
    assert!(written() < world.entries().len());
    let mut stream = post(&world).attend().await.unwrap();
    soon("the first message", stream.next()).await.unwrap();
    assert_eq!(written(), world.entries().len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_guards_nothing() {
    let world = guarded().await;
    world.is_enrolled("mia").await;
    let told = world
        .glass("mia", &["guard", "http", "--audience", "https://x.example"])
        .await;
    assert_eq!(told.code, 1, "{}", told.err);
    assert!(told.err.contains("mia's, and a guard has one of its own"));
    assert!(told.err.contains("glass targets invite"), "{}", told.err);
}
