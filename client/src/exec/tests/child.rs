//! Processes, their groups and their ends.

use std::future::{pending, ready};

use nix::unistd::{getpgid, getpgrp, getsid};
use rustix::process::Signal;

use super::{
    super::{
        child::{Launch, Over, Running},
        place::Environment,
    },
    Mourner, Scene, pid, stand_in, word,
};

fn start(scene: &Scene, script: &str) -> Running {
    let command = scene.script(script).map(Into::into);
    let launch = Launch {
        command: &command,
        environment: &Environment::default(),
        keeper: None,
        aside: false,
    };
    Running::start(&stand_in(), &launch).unwrap()
}

async fn runs_out(mut running: Running) -> Over {
    let status = running.exited().await.unwrap();
    running.clear_up(status).await
}

#[tokio::test]
async fn code_and_signal_are_passed_on() {
    let scene = Scene::set();
    assert_eq!(runs_out(start(&scene, "exit 7")).await.code, 7);
    assert_eq!(
        runs_out(start(&scene, "kill -TERM $$")).await.code,
        128 + 15
    );
    assert_eq!(runs_out(start(&scene, "kill -KILL $$")).await.code, 128 + 9);
}

#[tokio::test]
async fn a_command_that_cannot_be_run_says_so_as_shells_do() {
    let _scene = Scene::set();
    let launch = |program: &str| {
        let command = [program.into()];
        let launch = Launch {
            command: &command,
            environment: &Environment::default(),
            keeper: None,
            aside: false,
        };
        Running::start(&stand_in(), &launch).unwrap()
    };
    assert_eq!(runs_out(launch("/no/such/program")).await.code, 127);
    assert_eq!(runs_out(launch("/etc/passwd")).await.code, 126);
}

#[tokio::test]
async fn it_leads_a_group_of_its_own_in_our_session() {
    let mut scene = Scene::set();
    let running = start(&scene, "echo $$ > W; exec sleep 1000");
    let leader = pid(&mut scene.wire).await;
    assert_eq!(running.group(), leader);
    // Not by `rustix`: where the session's leader is outside of our PID namespace its id is 0.
    let leader = nix::unistd::Pid::from_raw(leader.as_raw_nonzero().get());
    assert_eq!(getpgid(Some(leader)), Ok(leader));
    assert_ne!(getpgrp(), leader);
    assert_eq!(getsid(Some(leader)), getsid(None));
    running.end(pending()).await.unwrap();
}

#[tokio::test]
async fn the_end_reaches_children_and_those_who_left() {
    let mut scene = Scene::set();
    let running = start(
        &scene,
        "sleep 1000 & echo $! > W
         setsid sh -c 'echo $$ > W; exec sleep 1000' &
         (setsid sh -c 'echo $$ > W; exec sleep 1000' &)
         wait",
    );
    let mut family = Vec::new();
    for _ in 0..3 {
        family.push(Mourner::of(pid(&mut scene.wire).await));
    }
    let over = running.end(pending()).await.unwrap();
    assert_eq!((over.code, over.survivors), (128 + 15, vec![]));
    for member in family {
        member.mourn().await;
    }
}

#[tokio::test]
async fn it_may_tidy_up_after_sigterm() {
    let mut scene = Scene::set();
    let running = start(
        &scene,
        "trap 'echo saved > W; kill $!; exit 3' TERM; sleep 1000 & echo up > W; wait",
    );
    assert_eq!(word(&mut scene.wire).await, "up");
    let over = running.end(pending()).await.unwrap();
    assert_eq!(over.code, 3);
    assert_eq!(word(&mut scene.wire).await, "saved");
}

#[tokio::test]
async fn a_stopped_command_is_woken_to_hear_its_end() {
    let mut scene = Scene::set();
    let running = start(
        &scene,
        "trap 'exit 3' TERM; echo $$ > W; kill -STOP $$; sleep 1000 & wait",
    );
    pid(&mut scene.wire).await;
    let over = running.end(pending()).await.unwrap();
    assert_eq!(over.code, 3);
}

#[tokio::test]
async fn who_ignores_sigterm_is_killed_at_a_second_word() {
    let mut scene = Scene::set();
    let running = start(
        &scene,
        "trap '' TERM HUP
         setsid sh -c 'echo $$ > W; while :; do sleep 1000; done' &
         echo up > W; while :; do sleep 1000; done",
    );
    let (one, other) = (word(&mut scene.wire).await, word(&mut scene.wire).await);
    let deaf: i32 = one.parse().or_else(|_| other.parse()).unwrap();
    let deaf = Mourner::of(rustix::process::Pid::from_raw(deaf).unwrap());
    let over = running.end(ready(())).await.unwrap();
    assert_eq!((over.code, over.survivors), (128 + 9, vec![]));
    deaf.mourn().await;
}

#[tokio::test]
async fn who_ignores_sigterm_is_killed_after_the_grace() {
    let mut scene = Scene::set();
    let running = start(
        &scene,
        "trap '' TERM HUP; echo $$ > W; while :; do sleep 1000; done",
    );
    let deaf = Mourner::of(pid(&mut scene.wire).await);
    // Nothing else is under way, so the clock jumps to the end of the grace.
    tokio::time::pause();
    let over = running.end(pending()).await.unwrap();
    assert_eq!(over.code, 128 + 9);
    deaf.mourn().await;
}

#[tokio::test]
async fn what_it_leaves_behind_ends_with_it() {
    let mut scene = Scene::set();
    let mut running = start(
        &scene,
        "(setsid sh -c 'echo $$ > W; exec sleep 1000' &)
         read line < GO; exit 4",
    );
    let left = Mourner::of(pid(&mut scene.wire).await);
    super::go(&mut scene.go).await;
    let status = running.exited().await.unwrap();
    let members = running.left_behind();
    assert_eq!(members.len(), 1, "{members:?}");
    let over = running.clear_up(status).await;
    assert_eq!((over.code, over.survivors), (4, vec![]));
    left.mourn().await;
}

#[tokio::test]
async fn signals_are_passed_on_to_the_group() {
    let mut scene = Scene::set();
    let running = start(
        &scene,
        "trap 'echo cancelled > W; kill $!; exit 5' INT; sleep 1000 & echo up > W; wait",
    );
    word(&mut scene.wire).await;
    running.pass_on(Signal::INT);
    assert_eq!(word(&mut scene.wire).await, "cancelled");
    assert_eq!(runs_out(running).await.code, 5);
}
