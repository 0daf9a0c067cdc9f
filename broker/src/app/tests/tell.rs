//! One plain sentence for each event.

use breakglass_domain::command::Act;
use breakglass_domain::drill::{Step, StepTime};
use breakglass_domain::{Actor, Change, GrantId, Lifetime, Prose, Severity};

use super::world::{World, id, line};
use crate::app::WatchFilter;
use crate::app::tell::{Words, tell};
use crate::ports::EntryFilter;

async fn told(world: &World, from: u64) -> Vec<String> {
    let mut watch = world.app.watch(Some(from), WatchFilter::default()).unwrap();
    let mut sentences = Vec::new();
    for _ in from..world.size() {
        sentences.push(watch.next().await.unwrap().text);
    }
    sentences
}

async fn act(world: &World, person: &str, act: Act) {
    world
        .app
        .act_on_grant(world.command(person, act))
        .await
        .unwrap();
}

#[test]
fn a_held_incident_stays_open_when_its_alert_is_over() {
    let policy = breakglass_domain::Policy::nothing();
    let said = |held| {
        let words = Words {
            policy: &policy,
            grant: None,
            held,
        };
        let event = breakglass_domain::Event {
            at: "2026-11-23T03:05:00Z".parse().unwrap(),
            by: Actor::Source("pager".parse().unwrap()),
            change: Change::IncidentResolved {
                incident: breakglass_domain::IncidentId(1),
                closes_at: "2026-11-23T11:05:00Z".parse().unwrap(),
                delivery: None,
            },
            signed: None,
            drill: false,
        };
        crate::app::tell::tell(&event, &words)
    };
    let closes = said(false);
    assert!(closes.contains("it closes at 11:05 UTC"), "{closes}");
    assert!(closes.contains("glass incident hold INC-1"), "{closes}");
    let stays = said(true);
    assert!(
        stays.contains("stays open until 11:05 UTC all the same: it is held"),
        "{stays}"
    );
    assert!(!stays.contains("incident hold"), "{stays}");
}

#[test]
fn a_drill_says_so_before_anything_else() {
    let policy = breakglass_domain::Policy::nothing();
    let words = Words {
        policy: &policy,
        grant: None,
        held: false,
    };
    let said = |change| {
        let event = breakglass_domain::Event {
            at: "2026-11-23T03:05:00Z".parse().unwrap(),
            by: Actor::Person(id("mia")),
            change,
            signed: None,
            drill: true,
        };
        tell(&event, &words)
    };
    let incident = "INC-4".parse().unwrap();
    assert_eq!(
        said(Change::IncidentOpened {
            incident,
            severity: Severity::Sev3,
            title: line("the monthly one"),
            closes_at: "2026-11-23T04:05:00Z".parse().unwrap(),
            source: None,
            alert: None,
            delivery: None,
        }),
        "DRILL: mia opened INC-4 (sev3): the monthly one."
    );
    let recorded = |took, failed: Option<&str>| Change::DrillRecorded {
        incident,
        good: failed.is_none(),
        steps: vec![StepTime {
            step: Step::Open,
            took: Lifetime::from_millis(took),
            budget: Lifetime::from_secs(5),
        }],
        failed: failed.map(line),
    };
    assert_eq!(
        said(recorded(1_500, None)),
        "DRILL: mia walked INC-4, and it was good: 1 steps in 1.500 s."
    );
    assert_eq!(
        said(recorded(14, Some("nobody answered"))),
        "DRILL: mia walked INC-4, and it was NOT GOOD: nobody answered."
    );
}

#[tokio::test]
async fn a_night_in_sentences() {
    let world = World::new().await;
    let from = world.size();
    let incident = world.open_incident().await;
    let text = Prose::parse("config 118\n\nfloods the worker").unwrap();
    let note = world.command("designer", Act::Note { incident, text });
    world.app.note(note).await.unwrap();
    world.request("mia", "deploy-shop", false).await;
    world
        .app
        .report_use(&world.caller("mia"), GrantId(1), line("kubectl"))
        .await
        .unwrap();
    let (grant, reason) = (GrantId(1), line("slow build"));
    let by = Lifetime::from_secs(300);
    act(&world, "mia", Act::Extend { grant, by, reason }).await;
    act(&world, "mia", Act::Drop { grant }).await;
    world.request("mia", "migrate-shop-db", false).await;
    let (grant, reason) = (GrantId(2), line("use the replica!"));
    act(&world, "leon", Act::Deny { grant, reason }).await;
    let reason = line("reverted");
    world
        .app
        .close(world.command("leon", Act::Close { incident, reason }))
        .await
        .unwrap();
    assert_eq!(
        told(&world, from).await,
        [
            "Mia opened INC-1 (sev2): the worker is flooded.",
            "Dana on INC-1: config 118 / floods the worker.",
            "Mia asks to deploy the shop app for 15m (G-1, INC-1): revert the config change.",
            "G-1 began, no approval needed: Mia can deploy the shop app until 03:20 UTC (INC-1).",
            "Mia received credential G-1.1 for https://deploy.shop.example, valid until 03:20 UTC \
             (INC-1).",
            "Mia used G-1 with kubectl (INC-1).",
            "Mia extended G-1: Mia can deploy the shop app until 03:25 UTC: slow build.",
            "Mia gave G-1 back (INC-1).",
            "Mia asks to migrate the shop database for 15m (G-2, INC-1): revert the config change. \
             Fay or Leon can approve it.",
            "Leon denied G-2 to Mia: use the replica!",
            "Leon closed INC-1: reverted.",
        ]
    );
}

#[tokio::test]
async fn whom_it_goes_to_next_is_told_and_that_it_went() {
    let world = World::new().await;
    let from = world.size();
    world.open_incident().await;
    world.request("mia", "restore-backup", false).await;
    world.clock.advance(300);
    world.app.tick().await.unwrap();
    let reason = line("leon is ill");
    let person = id("leon");
    let freeze = world.command("leon", Act::Freeze { person, reason });
    world.app.freeze(freeze).await.unwrap();
    world.request("mia", "restore-backup", false).await;
    let told = told(&world, from).await;
    assert_eq!(
        [&told[1], &told[2], &told[4], &told[5]],
        [
            "Mia asks to restore the backup for 15m (G-1, INC-1): revert the config change. Leon can \
             approve it. If nobody answers, it goes to Fay as well at 03:10 UTC.",
            "Nobody answered Mia's request G-1, so Fay can approve it too (INC-1).",
            "Mia asks to restore the backup for 15m (G-2, INC-1): revert the config change. Leon can \
             approve it.",
            "Nobody else is there to answer Mia's request G-2, so Fay can approve it (INC-1).",
        ]
    );
}

#[tokio::test]
async fn the_past_is_told_in_the_words_of_who_was_there() {
    let world = World::new().await;
    world.open_incident().await;
    world.request("mia", "deploy-shop", false).await;
    act(&world, "mia", Act::Drop { grant: GrantId(1) }).await;
    let there = told(&world, 0).await;
    let filter = EntryFilter {
        oldest_first: true,
        ..EntryFilter::default()
    };
    let page = world.app.entries(&filter, None, 100).await.unwrap();
    assert_eq!(world.app.told(&page).await.unwrap(), there);
}

#[tokio::test]
async fn a_self_grant_is_loud() {
    let world = World::new().await;
    world.open_incident().await;
    let asked = world.request("mia", "migrate-shop-db", false).await.grant;
    world.clock.advance(10 * 60);
    let from = world.size();
    let alone = Act::SelfGrant {
        grant: GrantId(1),
        incident: asked.of.incident,
        right: asked.of.right,
        sentence: asked.sentence,
    };
    act(&world, "mia", alone).await;
    let told = told(&world, from).await;
    assert_eq!(
        told[0],
        "NOBODY ANSWERED: Mia began G-1 alone, and Mia can migrate the shop database until 03:25 \
         UTC (INC-1). Anybody can end it: glass veto G-1"
    );
}

#[tokio::test]
async fn people_come_and_go_in_sentences() {
    let world = World::new().await;
    assert_eq!(
        told(&world, 0).await[..3],
        [
            "A new policy is in force: 4 people, 3 rights.",
            "The broker invited Dana; the invitation works until 2026-11-24 03:05 UTC.",
            "Dana enrolled the laptop laptop.",
        ]
    );
    let from = world.size();
    let freeze = |person: &str| Act::Freeze {
        person: id(person),
        reason: line("stolen"),
    };
    world
        .app
        .freeze(world.command("leon", freeze("leon")))
        .await
        .unwrap();
    world
        .app
        .freeze(world.command("mia", freeze("designer")))
        .await
        .unwrap();
    world
        .app
        .note_refusal(
            &Actor::Person(id("leon")),
            "approve",
            "PERSON_FROZEN",
            "leon is frozen",
        )
        .await;
    world
        .app
        .export(&world.caller("founder"), 0, 9)
        .await
        .unwrap();
    assert_eq!(
        told(&world, from).await,
        [
            "Leon froze their own access: stolen.",
            "Mia froze Dana: stolen.",
            "Leon was refused (approve): leon is frozen.",
            "Fay took a copy of the ledger: entries 0 up to 9.",
        ]
    );
}

#[tokio::test]
async fn somebody_else_goes_on() {
    let world = World::new().await;
    world.open_incident().await;
    let asked = world.request("mia", "deploy-shop", false).await.grant;
    let handing = Act::HandOver {
        grant: GrantId(1),
        to: id("leon"),
        incident: asked.of.incident,
        right: asked.of.right.clone(),
        sentence: asked.sentence.clone(),
        reason: line("I have to sleep"),
        until: asked.active().unwrap().ends_at,
    };
    let from = world.size();
    act(&world, "mia", handing.clone()).await;
    assert_eq!(
        told(&world, from).await,
        [
            "Mia hands G-1 over to Leon, who is to deploy the shop app until 03:20 UTC (G-2, INC-1): \
             I have to sleep.",
            "G-2 began, no approval needed: Leon can deploy the shop app until 03:20 UTC (INC-1).",
            "G-1 ended, and Leon has G-2 instead, handed over: Mia can no longer deploy the shop app.",
        ]
    );
    act(&world, "leon", Act::Drop { grant: GrantId(2) }).await;
    world.request("mia", "deploy-shop", false).await;
    world.asks_the_founder("deploy-shop").await;
    let Act::HandOver { until, .. } = &handing else {
        unreachable!()
    };
    let until = *until;
    let again = Act::HandOver {
        grant: GrantId(3),
        to: id("leon"),
        incident: asked.of.incident,
        right: asked.of.right,
        sentence: asked.sentence,
        reason: line("I have to sleep"),
        until,
    };
    act(&world, "mia", again).await;
    let from = world.size();
    act(&world, "mia", Act::Drop { grant: GrantId(3) }).await;
    assert_eq!(
        told(&world, from).await,
        [
            "Mia gave G-3 back (INC-1).",
            "G-4 was not handed over to Leon, and lapsed: G-3 is over: given back.",
        ]
    );
    let over = world.app.grant(GrantId(1)).await.unwrap();
    assert_eq!(over.of.person, id("mia"));
}
