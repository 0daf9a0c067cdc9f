//! What is said of each event, and what never is.

mod handing;

use std::sync::Arc;

use breakglass_domain::command::Act;
use breakglass_domain::event::RoleStep;
use breakglass_domain::{Actor, Change, Event, Grant, Line, Nonce, Signed};

use crate::app::feed::Told;
use crate::app::tests::world::{World, id, line};
use crate::config::notify::Occasion;
use crate::ledger::entry;
use crate::notify::courier::Span;
use crate::notify::{Notice, Subject, To};
use crate::ports::Recorded;

/// Everything that people are told of the ledger so far.
fn notices(world: &World) -> Vec<Notice> {
    let lines = world.reader().entries(0, usize::MAX).unwrap();
    let told = lines.into_iter().map(|line| {
        let (index, event) = entry::read(&line).unwrap();
        told(index, event, line)
    });
    told.filter_map(|told| Notice::of(&told, &world.app))
        .collect()
}

fn told(index: u64, event: Event, line: Arc<[u8]>) -> Told {
    let event = Arc::new(event);
    Told {
        recorded: Recorded { index, event, line },
        grant: None,
        incident: None,
        title: None,
    }
}

fn titles(world: &World) -> Vec<String> {
    notices(world).into_iter().map(|it| it.title).collect()
}

async fn acts(world: &World, person: &str, act: Act) {
    let command = world.command(person, act);
    crate::ports::Sequencer::submit(&*world.sequencer, command)
        .await
        .unwrap();
}

async fn waits(world: &World) -> Grant {
    world.request("mia", "migrate-shop-db", false).await.grant
}

#[tokio::test]
async fn a_night_is_told_in_sentences() {
    let world = World::new().await;
    assert!(titles(&world).is_empty(), "enrolling is nobody's alarm");
    let incident = world.open_incident().await;
    let request = waits(&world).await;
    let notice = notices(&world).pop().unwrap();
    assert_eq!(notice.subject, Subject::Of(Occasion::ApprovalWanted));
    assert_eq!(notice.to, To::People(request.approvers.clone()));
    assert!(!request.approvers.contains(&id("mia")));
    assert_eq!(notice.next.as_deref(), Some("glass approve G-1"));
    assert_eq!(
        notice.title,
        "mia asks to migrate the shop database (G-1): revert the config change"
    );
    acts(&world, "leon", world.approving(&request)).await;
    let grant = request.of.grant;
    let reason = line("done with it");
    acts(&world, "founder", Act::Revoke { grant, reason }).await;
    world.request("mia", "deploy-shop", false).await;
    let reason = line("reverted to 41f");
    acts(&world, "leon", Act::Close { incident, reason }).await;
    assert_eq!(
        titles(&world),
        [
            "INC-1 opened by mia, sev2: the worker is flooded",
            "mia asks to migrate the shop database (G-1): revert the config change (answered or over \
             since)",
            "mia may migrate the shop database until 2026-11-23 03:20 UTC (G-1, approved by leon)",
            "mia may no longer migrate the shop database: G-1 was revoked by founder: done with it",
            "mia may deploy the shop app until 2026-11-23 03:20 UTC (G-2, needs no approver)",
            "INC-1 closed by leon: reverted to 41f",
        ]
    );
}

#[tokio::test]
async fn who_is_asked_later_is_told_then_and_of_what() {
    let world = World::new().await;
    world.open_incident().await;
    let asked = world.request("mia", "restore-backup", false).await.grant;
    let first = notices(&world).pop().unwrap();
    assert_eq!(first.to, To::People(vec![id("leon")]), "Fay sleeps on");
    world.clock.advance(300);
    world.app.tick().await.unwrap();
    let notice = notices(&world).pop().unwrap();
    assert_eq!(notice.subject, Subject::Of(Occasion::ApprovalWanted));
    assert_eq!(notice.to, To::People(vec![id("founder")]));
    assert_eq!(
        notice.title,
        "nobody has answered mia, who asks to restore the backup (G-1): revert the config change"
    );
    assert_eq!(notice.next.as_deref(), Some("glass approve G-1"));
    acts(&world, "founder", world.approving(&asked)).await;
    let late = &titles(&world)[2];
    assert!(late.ends_with("(G-1) (answered or over since)"), "{late}");
}

#[tokio::test]
async fn a_self_grant_is_loud() {
    let world = World::new().await;
    world.open_incident().await;
    let request = waits(&world).await;
    world.clock.advance(601);
    let alone = Act::SelfGrant {
        grant: request.of.grant,
        incident: request.of.incident,
        right: request.of.right.clone(),
        sentence: request.sentence.clone(),
    };
    acts(&world, "mia", alone).await;
    let notice = notices(&world).pop().unwrap();
    assert_eq!(notice.subject, Subject::Of(Occasion::SelfGranted));
    assert!(notice.loud);
    assert!(
        notice
            .title
            .starts_with("SELF-GRANT: nobody answered, and mia began alone")
    );
    assert_eq!(notice.next.as_deref(), Some("glass veto G-1 -m WHY"));
}

#[tokio::test]
async fn who_is_to_be_called_hears_of_it_where_nobody_is_asked_to_approve() {
    let world = World::new().await;
    world.open_incident().await;
    let request = waits(&world).await;
    let newest = world
        .reader()
        .entries(0, usize::MAX)
        .unwrap()
        .pop()
        .unwrap();
    let (index, mut event) = entry::read(&newest).unwrap();
    let Change::GrantRequested {
        approvers, call, ..
    } = &mut event.change
    else {
        panic!("the newest entry is the request");
    };
    approvers.clear();
    call.push(id("leon"));
    let notice = Notice::of(&told(index, event, newest), &world.app).unwrap();
    assert_eq!(notice.to, To::People(vec![id("leon")]));
    assert_eq!(notice.next.as_deref(), Some("glass call G-1 mia"));
    assert!(
        notice.title.ends_with("; it needs a call and a note"),
        "{}",
        notice.title
    );
    let ended = Event {
        at: crate::ports::Clock::now(&*world.clock),
        by: Actor::Person(id("leon")),
        change: Change::GrantEnded {
            of: request.of,
            ending: breakglass_domain::Ending::Vetoed,
            reason: Some(line("wait for me")),
            to: None,
        },
        signed: None,
        drill: false,
    };
    let vetoed = Notice::of(&told(9, ended, Arc::from(&b"{}"[..])), &world.app).unwrap();
    assert_eq!(vetoed.subject, Subject::Of(Occasion::GrantRevoked));
    assert_eq!(
        vetoed.title,
        "G-1 was vetoed by leon, mia is not to migrate the shop database: wait for me"
    );
}

#[tokio::test]
async fn what_an_alert_does_to_its_incident_is_told_and_how_to_keep_it_open() {
    let world = World::new().await;
    let (source, leon) = (
        Actor::Source("pager".parse().unwrap()),
        Actor::Person(id("leon")),
    );
    let said = |by: &Actor, change| {
        let event = Event {
            at: crate::ports::Clock::now(&*world.clock),
            by: by.clone(),
            change,
            signed: None,
            drill: false,
        };
        Notice::of(&told(9, event, Arc::from(&b"{}"[..])), &world.app).unwrap()
    };
    let incident = "INC-4".parse().unwrap();
    let closes_at = "2026-11-23T03:20:00Z".parse().unwrap();
    let over = Change::IncidentResolved {
        incident,
        closes_at,
        delivery: None,
        said_at: None,
    };
    let over = said(&source, over);
    let again = Change::IncidentRefired {
        incident,
        closes_at,
        delivery: None,
        said_at: None,
    };
    let again = said(&source, again);
    let reason = Line::recorded("the queue\n\u{1b}[2Jis full");
    let held = said(&leon, Change::IncidentHeld { incident, reason });
    assert_eq!(over.subject, Subject::Of(Occasion::IncidentResolved));
    assert_eq!(
        over.title,
        "INC-4 closes at 2026-11-23 03:20 UTC: its alert is over, says source:pager"
    );
    assert_eq!(
        over.next.as_deref(),
        Some("glass incident hold INC-4 -m WHY")
    );
    assert_eq!(again.subject, Subject::Of(Occasion::IncidentRefired));
    assert_eq!(
        again.title,
        "INC-4 stays open, until 2026-11-23 03:20 UTC: its alert fires again, says source:pager"
    );
    assert_eq!(held.subject, Subject::Of(Occasion::IncidentHeld));
    assert_eq!(
        held.title,
        "INC-4 is held open by leon: the queue\u{fffd}\u{fffd}[2Jis full"
    );
    assert!(!held.title.contains(|c: char| c.is_control()));
}

#[tokio::test]
async fn what_is_of_a_drill_says_so_first_and_is_never_loud() {
    let world = World::new().await;
    world.open_incident().await;
    let mut of = waits(&world).await.of;
    of.drill = true;
    let said = |change| {
        let event = Event {
            at: crate::ports::Clock::now(&*world.clock),
            by: Actor::Person(id("mia")),
            change,
            signed: None,
            drill: true,
        };
        Notice::of(&told(9, event, Arc::from(&b"{}"[..])), &world.app).unwrap()
    };
    let alone = said(Change::GrantStarted {
        of,
        basis: breakglass_domain::Basis::SelfGranted,
        ends_at: "2026-11-23T03:20:00Z".parse().unwrap(),
        alone_before: 0,
    });
    assert!(
        alone.title.starts_with("DRILL: SELF-GRANT: "),
        "{}",
        alone.title
    );
    assert!(!alone.loud);
    let body = crate::notify::webhook::body(&alone, "glass.example/ledger");
    let event: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(event["type"], "breakglass.drill.grant.self-granted");
    assert_eq!(event["data"]["drill"], "true");
    let recorded = |failed: Option<&str>| {
        said(Change::DrillRecorded {
            incident: "INC-4".parse().unwrap(),
            good: failed.is_none(),
            steps: Vec::new(),
            failed: failed.map(line),
        })
    };
    let good = recorded(None);
    assert_eq!(good.subject, Subject::Of(Occasion::DrillRecorded));
    assert_eq!(good.title, "DRILL: INC-4, walked by mia, was good");
    assert_eq!(
        recorded(Some("nobody answered")).title,
        "DRILL: INC-4, walked by mia, was NOT GOOD: nobody answered"
    );
}

#[tokio::test]
async fn a_kill_that_is_not_confirmed_and_a_role_that_stays_are_told() {
    let world = World::new().await;
    world.open_incident().await;
    let of = waits(&world).await.of;
    let at = crate::ports::Clock::now(&*world.clock);
    let said = |change| {
        let event = Event {
            at,
            by: Actor::Broker,
            change,
            signed: None,
            drill: false,
        };
        Notice::of(&told(9, event, Arc::from(&b"{}"[..])), &world.app)
    };
    let kill = said(Change::SessionUnconfirmed {
        of: of.clone(),
        session: "S-7".parse().unwrap(),
        target: "shop-host".parse().unwrap(),
    });
    let kill = kill.unwrap();
    assert_eq!(kill.subject.as_str(), "session.unconfirmed");
    assert!(
        kill.title.contains("mia's session S-7 at shop-host"),
        "{}",
        kill.title
    );
    let role = |step| Change::RoleFailed {
        of: of.clone(),
        target: "shop-db".parse().unwrap(),
        role: Line::recorded("glass_g1\n\u{1b}[2J\u{202e}\u{3164}"),
        step,
        text: "password is hunter2".into(),
    };
    assert_eq!(said(role(RoleStep::Create)), None, "its requester is told");
    let stuck = said(role(RoleStep::Drop)).unwrap();
    assert_eq!(stuck.subject, Subject::Of(Occasion::RoleStuck));
    let all = format!("{stuck:?}");
    assert!(
        !all.contains("hunter2"),
        "what a server says stays here: {all}"
    );
    let control = |text: &str| text.chars().any(breakglass_domain::text::hides);
    assert!(!control(&stuck.title), "{:?}", stuck.title);
    assert!(
        stuck
            .facts
            .iter()
            .all(|(_, value)| !control(value.as_str().unwrap_or_default()))
    );
}

#[tokio::test]
async fn too_few_witnesses_are_trouble_with_the_ledger() {
    let world = World::new().await;
    let event = Event {
        at: crate::ports::Clock::now(&*world.clock),
        by: Actor::Broker,
        change: Change::LedgerUnwitnessed { witnessed: 7 },
        signed: None,
        drill: false,
    };
    let lost = Notice::of(&told(9, event, Arc::from(&b"{}"[..])), &world.app).unwrap();
    assert_eq!(lost.subject, Subject::Of(Occasion::LedgerTrouble));
    assert!(
        lost.title.contains("too few witnesses sign it"),
        "{}",
        lost.title
    );
    assert_eq!(lost.next.as_deref(), Some("glass status"));
}

#[tokio::test]
async fn a_ledger_that_lost_its_end_is_trouble_and_says_what_is_lost() {
    let world = World::new().await;
    let event = Event {
        at: crate::ports::Clock::now(&*world.clock),
        by: Actor::Broker,
        change: Change::LedgerRestored {
            kept: 640,
            size: 655,
            checkpoint: "a signed note".into(),
            operator: Line::recorded("Olaf \u{1b}[2K"),
            reason: Line::recorded("the disk died"),
        },
        signed: None,
        drill: false,
    };
    let lost = Notice::of(&told(9, event, Arc::from(&b"{}"[..])), &world.app).unwrap();
    assert_eq!(lost.subject, Subject::Of(Occasion::LedgerTrouble));
    for word in ["entries 640 to 654", "Olaf \u{FFFD}[2K", "the disk died"] {
        assert!(lost.title.contains(word), "{}", lost.title);
    }
    assert_eq!(lost.next.as_deref(), Some("glass ledger accept"));
}

#[tokio::test]
async fn another_history_is_trouble_with_the_ledger_and_a_refusal_is_none() {
    let world = World::new().await;
    let refused = |checkpoint: Option<&str>| {
        let event = Event {
            at: crate::ports::Clock::now(&*world.clock),
            by: Actor::Person(id("leon")),
            change: Change::Refused {
                act: "approve".into(),
                reason: "LEDGER_FORKED".into(),
                text: "this laptop has seen \u{1b}[2K another history".into(),
                count: 1,
                incident: None,
                checkpoint: checkpoint.map(str::to_owned),
            },
            signed: None,
            drill: false,
        };
        Notice::of(&told(9, event, Arc::from(&b"{}"[..])), &world.app)
    };
    let told = refused(Some("a note")).unwrap();
    assert_eq!(told.subject, Subject::Of(Occasion::LedgerTrouble));
    let begins = "LEDGER TROUBLE: leon has seen another history of it";
    assert!(told.title.starts_with(begins), "{}", told.title);
    assert!(!told.title.contains('\u{1b}'), "{:?}", told.title);
    assert_eq!(
        told.next.as_deref(),
        Some("glass ledger list --kind refused")
    );
    assert!(refused(None).is_none());
}

#[tokio::test]
async fn what_is_done_all_the_same_is_trouble_unless_a_mark_names_what_was_seen() {
    let world = World::new().await;
    let told = |kept: u64| {
        let signed = Signed {
            text: "breakglass/v1 freeze\nseen: 20 cm9vdA== c2ln\nnonce: 7\n".into(),
            key: "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"
                .parse()
                .unwrap(),
            signature: vec![1],
            nonce: Nonce([7; 16]),
            at: crate::ports::Clock::now(&*world.clock),
            other_history: kept > 0,
        };
        let event = Event {
            at: crate::ports::Clock::now(&*world.clock),
            by: Actor::Person(id("leon")),
            change: Change::PersonFrozen {
                person: id("mia"),
                reason: Line::recorded("stolen \u{1b}[2K"),
            },
            signed: Some(Arc::new(signed)),
            drill: false,
        };
        let line = entry::encode(9, &event).unwrap();
        Notice::of(&told(9, event, line), &world.app)
    };
    assert!(told(0).is_none(), "who freezes is no trouble by itself");
    let trouble = told(1).unwrap();
    assert_eq!(trouble.subject, Subject::Of(Occasion::LedgerTrouble));
    let title = &trouble.title;
    assert!(title.contains("leon has seen another history"), "{title}");
    assert!(title.contains("all the same: person.frozen"), "{title}");
    assert_eq!(trouble.next.as_deref(), Some("glass ledger show 9"));
    let mark = Change::LedgerRestored {
        kept: 10,
        size: 30,
        checkpoint: "glass.example/ledger\n30\nAAAA\n".into(),
        operator: Line::recorded("Olaf"),
        reason: Line::recorded("the disk died"),
    };
    let at = crate::ports::Clock::now(&*world.clock);
    world.live.apply(&[Event {
        at,
        by: Actor::Broker,
        change: mark,
        signed: None,
        drill: false,
    }]);
    assert!(told(1).is_none(), "a known loss is no alarm");
}

#[test]
fn what_was_missed_is_counted_and_says_where_to_look() {
    let at = |text: &str| text.parse().unwrap();
    let span = Span {
        count: 312,
        loud: 2,
        first: 100,
        since: at("2026-11-23T03:05:00Z"),
        last: 900,
        until: at("2026-11-23T11:00:00Z"),
    };
    let notice = Notice::missed(&span);
    assert_eq!(
        notice.title,
        "You missed 312 notices from 2026-11-23 03:05 UTC to 2026-11-23 11:00 UTC, self-grants among \
         them: 2"
    );
    let next = "glass ledger list --since 2026-11-23T03:05:00.000Z";
    assert_eq!(notice.next.as_deref(), Some(next));
    assert!(notice.loud);
    assert!(!Notice::missed(&Span { loud: 0, ..span }).loud);
}

fn fact<'a>(notice: &'a Notice, name: &str) -> Option<&'a serde_json::Value> {
    let found = notice.facts.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| value)
}

/// Whoever reads one at three in the morning has nothing else in front of them.
#[tokio::test]
async fn a_notice_about_a_request_names_everything_there_is_to_know_of_it() {
    let world = World::new().await;
    world.open_incident().await;
    let asked = world.request("mia", "restore-backup", false).await.grant;
    let wanted = notices(&world).pop().unwrap();
    assert_eq!(fact(&wanted, "then_approvers").unwrap()[0], "founder");
    assert!(fact(&wanted, "escalates_at").is_some());
    let grant = asked.of.grant;
    let reason = line("not before the copy is there");
    acts(&world, "leon", Act::Deny { grant, reason }).await;
    let denied = notices(&world).pop().unwrap();
    assert_eq!(denied.subject, Subject::Of(Occasion::ApprovalDenied));
    assert_eq!(
        denied.title,
        "leon denied mia to restore the backup (G-1): not before the copy is there"
    );
    assert_eq!(denied.to, To::People(vec![id("mia")]));
    for notice in [&wanted, &denied] {
        for (name, value) in [
            ("incident", "INC-1"),
            ("title", "the worker is flooded"),
            ("grant", "G-1"),
            ("person", "mia"),
            ("right", "restore-backup"),
        ] {
            assert_eq!(fact(notice, name).unwrap(), value, "{notice:?}");
        }
        assert!(notice.next.is_some(), "{notice:?}");
    }
}

#[tokio::test]
async fn what_closed_is_still_called_what_it_was() {
    let world = World::new().await;
    let incident = world.open_incident().await;
    let reason = line("reverted");
    let mut follows = world.app.newest();
    acts(&world, "leon", Act::Close { incident, reason }).await;
    let told = follows.next().await.unwrap();
    let closed = Notice::of(&told, &world.app).unwrap();
    assert_eq!(fact(&closed, "title").unwrap(), "the worker is flooded");
}

#[tokio::test]
async fn a_second_self_grant_is_told_as_such() {
    let world = World::new().await;
    world.open_incident().await;
    let of = waits(&world).await.of;
    let event = Event {
        at: crate::ports::Clock::now(&*world.clock),
        by: Actor::Person(id("mia")),
        change: Change::GrantStarted {
            of,
            basis: breakglass_domain::Basis::SelfGranted,
            ends_at: "2026-11-23T03:20:00Z".parse().unwrap(),
            alone_before: 2,
        },
        signed: None,
        drill: false,
    };
    let notice = Notice::of(&told(9, event, Arc::from(&b"{}"[..])), &world.app).unwrap();
    let end = ", for the 3rd time under INC-1";
    assert!(notice.title.ends_with(end), "{}", notice.title);
}
