//! Whole stories, from asking to giving back.

use std::time::Duration;

use super::{
    super::fake::{FakeDesk, Said, after, refused, start},
    Scene, go, until, visit, word,
};
use crate::{
    error::{Error, exit},
    time,
};

#[tokio::test]
async fn asks_runs_renews_and_gives_back() {
    let mut scene = Scene::set();
    let desk = FakeDesk::active();
    let order = scene.order(
        "echo $GLASS_GRANT $GLASS_INCIDENT $GLASS_RIGHT $GLASS_CONTEXT $GLASS_ENDS_AT > W
         echo $(cat $GLASS_TOKEN_FILE) > W; echo $GLASS_TOKEN_FILE > W
         read line < GO; echo $(cat $GLASS_TOKEN_FILE) > W; exit 7",
    );
    let (place, printer) = (scene.place(), scene.printer());
    let (wire, sender) = (&mut scene.wire, &mut scene.go);
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        assert_eq!(
            word(wire).await,
            "G-45 INC-12 deploy-shop work 2026-11-23T03:30:00.000Z"
        );
        assert_eq!(word(wire).await, "token-1");
        let file = word(wire).await;
        let mut begun = Vec::new();
        until(|| {
            begun.extend(desk.diary());
            begun.len() == 2
        })
        .await;
        assert_eq!(begun, ["requested at 03:00", "used by sh at 03:00"]);
        desk.pass(10);
        until(|| std::fs::read(&file).unwrap() == b"token-2").await;
        go(sender).await;
        assert_eq!(word(wire).await, "token-2");
    });
    assert_eq!(ended.unwrap().code, 7);
    assert_eq!(desk.diary(), ["issued at 03:10", "given back at 03:10"]);
    assert_eq!(scene.folders(), 0);
    assert!(
        scene
            .said()
            .contains("G-45: you can deploy the shop app until"),
        "{}",
        scene.said()
    );
    assert!(!scene.said().contains("token-"), "{}", scene.said());
}

#[tokio::test]
async fn a_command_that_is_over_at_once_was_used_all_the_same() {
    let mut scene = Scene::set();
    let desk = FakeDesk::active();
    let hears = desk.hears_of_use_when();
    let order = scene.order("echo $$ > W");
    let (place, printer) = (scene.place(), scene.printer());
    let wire = &mut scene.wire;
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        let process = format!("/proc/{}", word(wire).await);
        until(|| !std::fs::exists(&process).unwrap()).await;
        hears.send(()).unwrap();
    });
    assert_eq!(ended.unwrap().code, 0);
    assert_eq!(
        desk.diary(),
        [
            "requested at 03:00",
            "used by sh at 03:00",
            "given back at 03:00"
        ]
    );
}

#[tokio::test]
async fn waits_for_the_approver_and_says_who_said_yes() {
    let mut scene = Scene::set();
    let desk = FakeDesk::waiting();
    let order = scene.order("echo $(cat $GLASS_TOKEN_FILE) > W");
    let (place, printer) = (scene.place(), scene.printer());
    let wire = &mut scene.wire;
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        until(|| !desk.held_from().is_empty()).await;
        desk.say(Said::Approved("leon"));
        assert_eq!(word(wire).await, "token-1");
    });
    assert_eq!(ended.unwrap().code, 0);
    let said = scene.said();
    assert!(
        said.contains("G-45: waiting for leon to run `glass approve G-45`"),
        "{said}"
    );
    assert!(
        said.contains("leon approved G-45: you can deploy the shop app"),
        "{said}"
    );
}

#[tokio::test]
async fn says_whom_it_goes_to_next_and_that_it_went() {
    let mut scene = Scene::set();
    let desk = FakeDesk::waiting();
    desk.escalates(5, "founder");
    let order = scene.order("echo $(cat $GLASS_TOKEN_FILE) > W");
    let (place, printer) = (scene.place(), scene.printer());
    let wire = &mut scene.wire;
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        until(|| !desk.held_from().is_empty()).await;
        desk.pass(5);
        desk.say(Said::Escalated("founder"));
        desk.say(Said::Approved("founder"));
        assert_eq!(word(wire).await, "token-1");
    });
    assert_eq!(ended.unwrap().code, 0);
    let said = scene.said();
    let first = "G-45: waiting for leon to run `glass approve G-45`; it goes to founder too at ";
    assert!(said.contains(first), "{said}");
    let then = "G-45: waiting for leon or founder to run `glass approve G-45`; it lapses at ";
    assert!(said.contains(then), "{said}");
    assert!(said.contains("founder approved G-45: you can"), "{said}");
}

#[tokio::test]
async fn a_no_is_82_and_runs_nothing() {
    let scene = Scene::set();
    let desk = FakeDesk::waiting();
    desk.say(Said::Denied("leon", "the worker is fine"));
    let order = scene.order("echo ran > W");
    let why = visit(&desk, &order, &scene.place(), &scene.printer())
        .await
        .unwrap_err();
    assert_eq!(why.exit_code(), exit::DENIED);
    assert_eq!(why.to_string(), "leon denied G-45: the worker is fine");
    assert_eq!(desk.diary(), ["requested at 03:00"], "nothing to give back");
    assert_eq!(scene.folders(), 0);
}

#[tokio::test]
async fn not_waiting_is_81_and_leaves_no_request_behind() {
    let scene = Scene::set();
    let desk = FakeDesk::waiting();
    let mut order = scene.order("echo ran > W");
    order.no_wait = true;
    let why = visit(&desk, &order, &scene.place(), &scene.printer())
        .await
        .unwrap_err();
    assert_eq!(why.exit_code(), exit::WAITING);
    assert!(
        why.to_string().contains("G-45 needs a yes from leon"),
        "{why}"
    );
    assert_eq!(desk.diary(), ["requested at 03:00", "given back at 03:00"]);
}

#[tokio::test]
async fn nobody_answers_and_the_flag_says_so_beforehand() {
    let mut scene = Scene::set();
    let desk = FakeDesk::waiting();
    desk.answer_self_grant(Err(refused("SELF_GRANT_TOO_EARLY")));
    let mut order = scene.order("echo ran > W");
    order.self_grant_if_nobody = true;
    let (place, printer) = (scene.place(), scene.printer());
    let wire = &mut scene.wire;
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        until(|| !desk.held_from().is_empty()).await;
        desk.pass(9);
        desk.pass(1);
        until(|| {
            desk.diary()
                .iter()
                .any(|line| line == "self-granted at 03:10")
        })
        .await;
        // The broker's clock was a little behind; later it agrees.
        desk.pass(1);
        assert_eq!(word(wire).await, "ran");
    });
    assert_eq!(ended.unwrap().code, 0);
    assert!(
        scene.said().contains("SELF-GRANTED: nobody answered"),
        "{}",
        scene.said()
    );
}

#[tokio::test]
async fn a_self_grant_that_cannot_be_is_said_at_once() {
    let scene = Scene::set();
    let desk = FakeDesk::waiting();
    desk.allows_no_self_grant();
    let mut order = scene.order("echo ran > W");
    order.self_grant_if_nobody = true;
    let (place, printer) = (scene.place(), scene.printer());
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        until(|| !desk.held_from().is_empty()).await;
        desk.say(Said::Denied("leon", "no"));
    });
    assert_eq!(ended.unwrap_err().exit_code(), exit::DENIED);
    let said = scene.said();
    assert!(
        said.contains("`--self-grant` cannot work here: the rule of G-45 does not allow it"),
        "{said}"
    );
}

#[tokio::test]
async fn a_self_grant_that_a_veto_forbids_is_told_by_the_veto() {
    let scene = Scene::set();
    let desk = FakeDesk::waiting();
    desk.vetoed_one_before();
    let mut order = scene.order("echo ran > W");
    order.self_grant_if_nobody = true;
    let (place, printer) = (scene.place(), scene.printer());
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        until(|| !desk.held_from().is_empty()).await;
        desk.say(Said::Denied("leon", "no"));
    });
    assert_eq!(ended.unwrap_err().exit_code(), exit::DENIED);
    let said = scene.said();
    let why = "`--self-grant` cannot work here: support vetoed G-21: for the rest of INC-12, mia needs an \
               approver to deploy the shop app";
    assert!(said.contains(why), "{said}");
    assert!(!said.contains("the rule of"), "{said}");
}

#[tokio::test]
async fn a_broker_that_was_away_gives_everybody_their_time_and_who_waits_waits_for_it() {
    let mut scene = Scene::set();
    let desk = FakeDesk::waiting();
    let mut order = scene.order("echo ran > W");
    order.self_grant_if_nobody = true;
    let (place, printer) = (scene.place(), scene.printer());
    let wire = &mut scene.wire;
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        until(|| !desk.held_from().is_empty()).await;
        desk.gives_time_until(22);
        desk.pass(1);
        desk.go_away();
        desk.come_back();
        until(|| desk.looks() > 0).await;
        for _ in 0..21 {
            desk.pass(1);
            tokio::task::yield_now().await;
        }
        assert_eq!(word(wire).await, "ran");
    });
    assert_eq!(ended.unwrap().code, 0);
    let alone = |line: &String| line.starts_with("self-granted");
    let tried: Vec<_> = desk.diary().into_iter().filter(alone).collect();
    assert_eq!(tried, ["self-granted at 03:22"]);
}

/// Each line that says that it waits, but for the first.
fn told_of_waiting(scene: &Scene) -> Vec<String> {
    let said = scene.said();
    let lines = said.lines().filter(|line| line.contains("waiting for"));
    lines.skip(1).map(str::to_owned).collect()
}

#[tokio::test]
async fn who_waits_is_told_the_times_that_count_when_the_broker_is_back() {
    let scene = Scene::set();
    let desk = FakeDesk::waiting();
    desk.escalates(5, "designer");
    let order = scene.order("echo ran > W");
    let (place, printer) = (scene.place(), scene.printer());
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        until(|| !desk.held_from().is_empty()).await;
        desk.go_away();
        until(|| scene.said().contains("trying again")).await;
        // It went to the designer while the line was broken; and what follows is told once.
        desk.gives_time_until(22);
        desk.say(Said::Escalated("designer"));
        desk.come_back();
        until(|| !told_of_waiting(&scene).is_empty()).await;
        desk.pass(1);
        desk.say(Said::Denied("leon", "no"));
    });
    assert_eq!(ended.unwrap_err().exit_code(), exit::DENIED);
    let told = told_of_waiting(&scene);
    let lapses = time::local_and_relative(after(27), start());
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].contains(&format!("it lapses at {lapses}")),
        "{told:#?}"
    );
    assert!(told[0].contains("designer"), "{told:#?}");
    assert!(!told[0].contains("goes to"), "{told:#?}");
}

#[tokio::test]
async fn a_lapse_that_moves_is_told() {
    let scene = Scene::set();
    let desk = FakeDesk::waiting();
    desk.allows_no_self_grant();
    let order = scene.order("echo ran > W");
    let (place, printer) = (scene.place(), scene.printer());
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        until(|| !desk.held_from().is_empty()).await;
        desk.gives_time_until(22);
        desk.allows_no_self_grant();
        desk.pass(1);
        until(|| !told_of_waiting(&scene).is_empty()).await;
        desk.say(Said::Denied("leon", "no"));
    });
    assert_eq!(ended.unwrap_err().exit_code(), exit::DENIED);
    let told = told_of_waiting(&scene);
    let lapses = time::local_and_relative(after(27), after(1));
    assert!(
        told[0].contains(&format!("it lapses at {lapses}")),
        "{told:#?}"
    );
}

#[tokio::test]
async fn who_waits_is_told_anew_when_nobody_is_left() {
    let scene = Scene::set();
    let desk = FakeDesk::waiting();
    let order = scene.order("echo ran > W");
    let (place, printer) = (scene.place(), scene.printer());
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        until(|| !desk.held_from().is_empty()).await;
        desk.say(Said::Gone("leon"));
        until(|| {
            scene
                .said()
                .contains("G-45 waits for leon (gone), and nobody can answer")
        })
        .await;
        desk.say(Said::Denied("leon", "no"));
    });
    assert_eq!(ended.unwrap_err().exit_code(), exit::DENIED);
}

#[tokio::test]
async fn nobody_answers_and_nobody_sits_there_so_it_goes_on_waiting() {
    let scene = Scene::set();
    let desk = FakeDesk::waiting();
    let order = scene.order("echo ran > W");
    let (place, printer) = (scene.place(), scene.printer());
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        until(|| !desk.held_from().is_empty()).await;
        desk.pass(10);
        until(|| {
            scene
                .said()
                .contains("to begin it yourself: glass self-grant G-45")
        })
        .await;
        desk.say(Said::Denied("leon", "no"));
    });
    assert_eq!(ended.unwrap_err().exit_code(), exit::DENIED);
}

#[tokio::test]
async fn when_the_incident_closes_the_command_ends_with_83() {
    let mut scene = Scene::set();
    let desk = FakeDesk::active();
    let order = scene.order("trap 'echo bye > W; exit 0' TERM; sleep 1000 & echo up > W; wait");
    let (place, printer) = (scene.place(), scene.printer());
    let wire = &mut scene.wire;
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        assert_eq!(word(wire).await, "up");
        desk.say(Said::Closed("leon", "worker reverted"));
        assert_eq!(word(wire).await, "bye");
    });
    assert_eq!(ended.unwrap().code, exit::ENDED);
    let said = scene.said();
    assert!(
        said.contains("leon closed INC-12, which ended G-45: worker reverted"),
        "{said}"
    );
    assert!(
        said.contains("you can no longer deploy the shop app: ending `sh`"),
        "{said}"
    );
    assert!(
        !desk
            .diary()
            .iter()
            .any(|line| line.starts_with("given back"))
    );
    assert_eq!(scene.folders(), 0);
}

#[tokio::test]
async fn warns_takes_more_time_and_warns_again() {
    let mut scene = Scene::set();
    let desk = FakeDesk::active();
    let order = scene.order("echo up > W; read line < GO");
    let (place, printer) = (scene.place(), scene.printer());
    let (said, wire, sender) = (scene.said.clone(), &mut scene.wire, &mut scene.go);
    let count = |what: &str| {
        String::from_utf8(said.lock().unwrap().clone())
            .unwrap()
            .matches(what)
            .count()
    };
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        word(wire).await;
        desk.pass(25);
        until(|| count("your access ends in 5m") >= 1).await;
        desk.say(Said::ExtendedTo(jiff::SignedDuration::from_mins(40)));
        until(|| count("G-45 now ends at") >= 1).await;
        desk.pass(10);
        until(|| count("your access ends in 5m") >= 2).await;
        desk.pass(4);
        until(|| count("your access ends in 1m") >= 1).await;
        go(sender).await;
    });
    assert_eq!(ended.unwrap().code, 0);
}

#[tokio::test]
async fn without_the_broker_it_runs_until_the_known_end() {
    let mut scene = Scene::set();
    let desk = FakeDesk::active();
    let order = scene.order("echo up > W; exec sleep 1000");
    let (place, printer) = (scene.place(), scene.printer());
    let (said, wire) = (scene.said.clone(), &mut scene.wire);
    let heard = |what: &str| {
        String::from_utf8(said.lock().unwrap().clone())
            .unwrap()
            .matches(what)
            .count()
    };
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        word(wire).await;
        desk.go_away();
        until(|| heard("the broker does not answer") >= 1).await;
        // From here on nobody wakes it but its own timer.
        tokio::time::pause();
        desk.pass(29);
        while heard("your access ends in 1m") == 0 {
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        desk.pass(1);
    });
    assert_eq!(ended.unwrap().code, exit::ENDED);
    let said = scene.said();
    assert!(said.contains("the time of G-45 ran out"), "{said}");
    assert_eq!(said.matches("The command goes on").count(), 1, "{said}");
    assert_eq!(
        said.matches("is not renewed").count(),
        0,
        "one reason is enough: {said}"
    );
}

#[tokio::test]
async fn somebody_frozen_hears_it_from_the_renewal_at_the_latest() {
    let mut scene = Scene::set();
    let desk = FakeDesk::active();
    desk.refuse_to_issue(refused("PERSON_FROZEN"));
    let order = scene.order("echo up > W; exec sleep 1000");
    let (place, printer) = (scene.place(), scene.printer());
    let wire = &mut scene.wire;
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        word(wire).await;
        desk.pass(10);
    });
    assert_eq!(ended.unwrap().code, exit::ENDED);
    assert!(
        scene.said().contains("the broker says PERSON_FROZEN"),
        "{}",
        scene.said()
    );
}

#[tokio::test]
async fn a_broker_that_lies_is_86_and_the_command_ends() {
    let mut scene = Scene::set();
    let desk = FakeDesk::active();
    desk.refuse_to_issue(Error::unverified("the ledger was rewritten"));
    let order = scene.order("echo up > W; exec sleep 1000");
    let (place, printer) = (scene.place(), scene.printer());
    let wire = &mut scene.wire;
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        word(wire).await;
        desk.pass(10);
    });
    assert_eq!(ended.unwrap_err().exit_code(), exit::UNVERIFIED);
    assert!(
        scene.said().contains("cannot be trusted: ending `sh`"),
        "{}",
        scene.said()
    );
    assert_eq!(scene.folders(), 0);
}

#[tokio::test]
async fn nobody_is_asked_for_a_program_that_is_not_there() {
    let scene = Scene::set();
    let desk = FakeDesk::active();
    let order = super::super::fake::order(&["no-such-program"]);
    let why = visit(&desk, &order, &scene.place(), &scene.printer())
        .await
        .unwrap_err();
    assert_eq!(why.exit_code(), exit::USAGE);
    assert!(desk.diary().is_empty());
}

#[tokio::test]
async fn a_credential_refused_after_the_yes_gives_the_grant_back() {
    let scene = Scene::set();
    let desk = FakeDesk::waiting();
    desk.refuse_to_issue(refused("LEDGER_UNAVAILABLE"));
    let order = scene.order("echo ran > W");
    let (place, printer) = (scene.place(), scene.printer());
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        until(|| !desk.held_from().is_empty()).await;
        desk.say(Said::Approved("leon"));
    });
    let why = ended.unwrap_err();
    assert_eq!(why.exit_code(), exit::LEDGER_REFUSED);
    assert_eq!(
        desk.diary(),
        [
            "requested at 03:00",
            "issued at 03:00",
            "given back at 03:00"
        ]
    );
}

#[tokio::test]
async fn a_broker_that_stays_away_is_not_waited_for_beyond_the_lapse() {
    let scene = Scene::set();
    let desk = FakeDesk::waiting();
    let order = scene.order("echo ran > W");
    let (place, printer) = (scene.place(), scene.printer());
    let (ended, ()) = tokio::join!(visit(&desk, &order, &place, &printer), async {
        until(|| !desk.held_from().is_empty()).await;
        desk.go_away();
        until(|| {
            scene
                .said()
                .contains("the broker does not answer; trying again")
        })
        .await;
        // From here on nobody wakes it but its own timer.
        tokio::time::pause();
        desk.pass(17);
    });
    assert_eq!(ended.unwrap_err().exit_code(), exit::UNREACHABLE);
}
