//! From the hook to the report.

use std::{path::PathBuf, time::Duration};

use breakglass_tlog::NoteSigner as _;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{Mourner, Scene};
use crate::{
    error::Error,
    guard::ssh::{
        self as guard, Order,
        broker::{How, News},
        fake::{Act, FakeBroker},
    },
    verify::{Ledger, fixtures::ledger},
};

/// A login whose shell leaves somebody behind.
const LOGIN: &str = "
    $HOOK > /dev/null || { echo refused > $W; exit 254; }
    (setsid sh -c 'echo $$ > $W; exec sleep 1000' &)
    wait; sleep 1000";

struct Guard {
    broker: FakeBroker,
    acts: mpsc::UnboundedReceiver<Act>,
    task: JoinHandle<Result<(), Error>>,
}

fn order(scene: &Scene) -> Order {
    Order {
        state: scene.path("state"),
        socket: scene.path("guard.sock"),
        krl: Some(scene.path("revoked")),
        grace: None,
        ledger: Ledger::of(ledger().verifier().clone()),
    }
}

impl Guard {
    fn start(scene: &Scene) -> Self {
        let (broker, acts) = FakeBroker::new();
        Self::start_with(scene, broker, acts)
    }

    fn start_with(scene: &Scene, broker: FakeBroker, acts: mpsc::UnboundedReceiver<Act>) -> Self {
        let (order, printer) = (order(scene), scene.printer());
        let theirs = broker.clone();
        let task = tokio::spawn(async move {
            guard::run(&order, theirs, &printer, std::future::pending()).await
        });
        Self { broker, acts, task }
    }

    /// Dies as by `kill -9`.
    async fn die(self) -> (FakeBroker, mpsc::UnboundedReceiver<Act>) {
        self.task.abort();
        let _ = self.task.await;
        (self.broker, self.acts)
    }

    async fn act(&mut self) -> Act {
        self.acts.recv().await.unwrap()
    }

    async fn opened(&mut self) -> guard::broker::Opening {
        match self.act().await {
            Act::Opened(opening) => opening,
            act => panic!("{act:?}"),
        }
    }

    async fn ended(&mut self) -> guard::broker::Ending {
        match self.act().await {
            Act::Ended(ending) => ending,
            act => panic!("{act:?}"),
        }
    }
}

fn state(scene: &Scene) -> PathBuf {
    scene.path("state/sessions.json")
}

#[tokio::test]
async fn a_session_opens_and_ends_with_its_grant() {
    let mut scene = Scene::set();
    let mut guard = Guard::start(&scene);
    guard.broker.stand(&["G-45"], &[]);
    let mut login = scene.shell(LOGIN, 1);
    let left = scene.mourner().await;
    let opening = guard.opened().await;
    assert_eq!(
        (opening.grant.as_str(), opening.credential.as_str()),
        ("G-45", "G-45.1")
    );
    assert_eq!(
        (opening.login.as_str(), opening.origin.as_str()),
        ("deploy", "10.0.0.7")
    );
    assert!(!opening.late);

    guard
        .broker
        .stand(&[], &[("G-45", "leon closed INC-12: fixed")]);
    let ending = guard.ended().await;
    assert_eq!((ending.session.as_str(), ending.how), ("S-7", How::Killed));
    assert!(ending.took.is_some());
    assert!(left.is_dead());
    assert!(!login.child.wait().await.unwrap().success());
    assert!(
        scene
            .said()
            .contains("ending S-7 of mia as deploy (G-45): leon closed INC-12: fixed")
    );
}

#[tokio::test]
async fn who_leaves_by_themselves_is_reported_as_closed() {
    let scene = Scene::set();
    let mut guard = Guard::start(&scene);
    guard.broker.stand(&["G-45"], &[]);
    let mut login = scene.shell("$HOOK > /dev/null", 1);
    assert!(login.child.wait().await.unwrap().success());
    guard.opened().await;
    let ending = guard.ended().await;
    assert_eq!((ending.how, ending.took), (How::Closed, None));
}

#[tokio::test]
async fn whom_the_broker_refuses_does_not_come_in() {
    let mut scene = Scene::set();
    let mut guard = Guard::start(&scene);
    guard.broker.refusing();
    let _login = scene.shell(LOGIN, 1);
    guard.opened().await;
    assert_eq!(scene.word().await, "refused");
}

#[tokio::test]
async fn while_the_broker_is_away_a_live_grant_comes_in_and_is_reported_later() {
    let mut scene = Scene::set();
    let mut guard = Guard::start(&scene);
    guard.broker.stand(&["G-45"], &[]);
    // One that was let in shows that the standing has been heard.
    let first = scene.shell(LOGIN, 1);
    scene.mourner().await;
    guard.opened().await;
    guard.broker.reachable(false);
    let _second = scene.shell(LOGIN, 2);
    let left = scene.mourner().await;
    assert!(!left.is_dead());

    guard.broker.reachable(true);
    let opening = guard.opened().await;
    assert!(opening.late);
    guard.broker.stand(&[], &[]);
    for _ in 0..2 {
        assert_eq!(guard.ended().await.how, How::Killed);
    }
    assert!(left.is_dead());
    drop(first);
}

#[tokio::test]
async fn a_login_whose_answer_was_lost_is_told_again_as_the_same() {
    let mut scene = Scene::set();
    let mut guard = Guard::start(&scene);
    guard.broker.stand(&["G-45"], &[]);
    let first = scene.shell(LOGIN, 1);
    scene.mourner().await;
    let before = guard.opened().await;
    guard.broker.loses_answers(true);
    let _second = scene.shell(LOGIN, 2);
    let left = scene.mourner().await;
    let lost = guard.opened().await;
    guard.broker.loses_answers(false);
    let again = guard.opened().await;
    assert!(again.late && again.once.is_some());
    assert_eq!(again.once, lost.once);
    assert_ne!(lost.once, before.once, "each login has its own");
    guard.broker.stand(&[], &[]);
    let mut killed = 0;
    while killed < 2 {
        match guard.act().await {
            Act::Ended(ending) => {
                assert_eq!(ending.how, How::Killed);
                killed += 1;
            }
            // More than one answer was lost.
            Act::Opened(again) => assert_eq!(again.once, lost.once),
            act @ Act::Refused(_) => panic!("{act:?}"),
        }
    }
    assert!(left.is_dead());
    drop(first);
}

#[tokio::test]
async fn who_was_kept_out_because_no_answer_came_is_said_to_be() {
    let mut scene = Scene::set();
    let mut guard = Guard::start(&scene);
    guard.broker.stand(&["G-9"], &[]);
    guard.broker.loses_answers(true);
    let _login = scene.shell(LOGIN, 1);
    assert_eq!(scene.word().await, "refused");
    let asked = guard.opened().await;
    guard.broker.loses_answers(false);
    // Also by the next guard: it is written down.
    let (broker, acts) = guard.die().await;
    let mut guard = Guard::start_with(&scene, broker, acts);
    loop {
        match guard.act().await {
            Act::Refused(once) => break assert_eq!(Some(once), asked.once),
            Act::Opened(again) => assert_eq!(again.once, asked.once),
            act @ Act::Ended(_) => panic!("{act:?}"),
        }
    }
}

#[tokio::test]
async fn without_the_broker_everything_ends_after_the_grace() {
    let mut scene = Scene::set();
    let mut guard = Guard::start(&scene);
    guard.broker.grace(Duration::from_secs(90));
    guard.broker.stand(&["G-45"], &[]);
    let mut login = scene.shell(LOGIN, 1);
    let left = scene.mourner().await;
    guard.opened().await;
    guard.broker.reachable(false);
    // Nothing else is under way, so the clock jumps to the end of the grace.
    tokio::time::pause();
    login.child.wait().await.unwrap();
    tokio::time::resume();
    let said = scene.said();
    assert!(
        said.contains("the broker cannot be reached since"),
        "{said}"
    );
    assert!(said.contains("(grace 1m30s)"), "{said}");
    guard.broker.reachable(true);
    assert_eq!(guard.ended().await.how, How::Killed);
    assert!(left.is_dead());
}

#[tokio::test]
async fn a_guard_that_was_killed_goes_on_where_it_was() {
    let mut scene = Scene::set();
    let mut guard = Guard::start(&scene);
    guard.broker.stand(&["G-45"], &[]);
    let _login = scene.shell(LOGIN, 1);
    let left = scene.mourner().await;
    guard.opened().await;

    let (broker, acts) = guard.die().await;
    assert!(!left.is_dead(), "sessions outlive the guard");
    let mut guard = Guard::start_with(&scene, broker, acts);
    guard.broker.stand(&[], &[("G-45", "revoked")]);
    let ending = guard.ended().await;
    assert_eq!((ending.session.as_str(), ending.how), ("S-7", How::Killed));
    assert!(left.is_dead());
}

#[tokio::test]
async fn a_report_survives_the_guard() {
    let scene = Scene::set();
    let mut guard = Guard::start(&scene);
    guard.broker.stand(&["G-45"], &[]);
    let mut login = scene.shell("$HOOK > /dev/null; exec cat", 1);
    guard.opened().await;
    login.child.wait().await.unwrap();
    guard.broker.reachable(false);
    let (broker, acts) = guard.die().await;
    assert!(
        std::fs::read_to_string(state(&scene))
            .unwrap()
            .contains("S-7")
    );
    broker.reachable(true);
    let mut guard = Guard::start_with(&scene, broker, acts);
    assert_eq!(guard.ended().await.session, "S-7");
}

#[tokio::test]
async fn a_session_whose_beginning_was_lost_on_the_way_is_reported_as_gone() {
    let scene = Scene::set();
    let mut guard = Guard::start(&scene);
    guard.broker.stand(&["G-45"], &[]);
    guard.broker.dooms("S-3");
    let ending = guard.ended().await;
    assert_eq!((ending.session.as_str(), ending.how), ("S-3", How::Gone));
}

#[tokio::test]
async fn a_login_waits_for_a_guard_that_is_being_restarted() {
    let mut scene = Scene::set();
    let _login = scene.shell(&format!("echo up > $W\n{LOGIN}"), 1);
    assert_eq!(scene.word().await, "up");
    let mut guard = Guard::start(&scene);
    guard.broker.stand(&["G-45"], &[]);
    guard.opened().await;
    let left = scene.mourner().await;
    guard.broker.stand(&[], &[]);
    guard.ended().await;
    assert!(left.is_dead());
}

#[tokio::test]
async fn the_list_of_revoked_certificates_is_put_in_place() {
    let scene = Scene::set();
    let mut guard = Guard::start(&scene);
    let mut krl = b"SSHKRL\n\0\0\0\0\x01".to_vec();
    krl.extend([0; 24]);
    guard.broker.stand(&["G-45"], &[]);
    // It stays: its own end would be told at any time.
    let _login = scene.shell("$HOOK > /dev/null; exec sleep 1000", 1);
    guard.opened().await;
    guard.broker.say(News {
        krl: Some(krl.clone()),
        ..News::default()
    });
    while std::fs::read(scene.path("revoked")).unwrap() != krl {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn nobody_waits_for_the_list_to_be_written_to_end() {
    let mut scene = Scene::set();
    // As a disk that does not answer: whoever reads waits until somebody writes.
    let disk = scene.path("revoked");
    mknodat(CWD, &disk, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let mut guard = Guard::start(&scene);
    guard.broker.stand(&["G-45"], &[]);
    let _login = scene.shell(LOGIN, 1);
    let left = scene.mourner().await;
    guard.opened().await;
    let mut krl = b"SSHKRL\n\0\0\0\0\x01".to_vec();
    krl.extend([0; 24]);
    guard.broker.say(News {
        krl: Some(krl),
        ..News::default()
    });
    guard.broker.stand(&[], &[("G-45", "revoked")]);
    assert_eq!(guard.ended().await.how, How::Killed);
    assert!(left.is_dead());
    // It answers, so that the one who waits can end.
    drop(std::fs::OpenOptions::new().write(true).open(&disk).unwrap());
}

#[tokio::test]
async fn whose_grant_is_known_to_be_over_is_refused_without_asking_anybody() {
    let mut scene = Scene::set();
    let mut guard = Guard::start(&scene);
    guard.broker.stand(&["G-45"], &[]);
    let _first = scene.shell(LOGIN, 1);
    let left = scene.mourner().await;
    guard.opened().await;
    guard
        .broker
        .stand(&[], &[("G-45", "leon closed INC-12: fixed")]);
    guard.ended().await;
    assert!(left.is_dead());
    // sshd has not read the list yet, say, and takes the certificate once more.
    let _late = scene.shell(LOGIN, 2);
    assert_eq!(scene.word().await, "refused");
    assert!(guard.acts.try_recv().is_err(), "the broker was asked");
}

#[tokio::test]
async fn mourning_is_for_the_dead() {
    let scene = Scene::set();
    let mut login = scene.shell("exec sleep 1000", 1);
    let mourner = Mourner::of(i32::try_from(login.child.id().unwrap()).unwrap());
    assert!(!mourner.is_dead());
    login.child.kill().await.unwrap();
    assert!(mourner.is_dead());
}
