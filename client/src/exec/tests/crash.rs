//! Signals to `glass`, and its sudden death.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, Command},
};

use super::{Mourner, Scene, pid, stand_in, word};

/// A `glass exec` in a process of its own.
struct Glass {
    process: Child,
    errors: Lines<BufReader<ChildStderr>>,
}

impl Glass {
    fn start(scene: &Scene, waiting: bool, script: &str) -> Self {
        let shim = stand_in();
        let mut command = Command::new(&shim.program);
        command.args(&shim.first).arg("visit").arg(scene.place());
        if waiting {
            command.arg("--waiting");
        }
        let mut process = command
            .arg("--")
            .args(scene.script(script))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let errors = BufReader::new(process.stderr.take().unwrap()).lines();
        Self { process, errors }
    }

    fn send(&self, signal: Signal) {
        let pid = Pid::from_raw(self.process.id().unwrap().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Reads on until somebody says this.
    async fn says(&mut self, what: &str) -> String {
        loop {
            let line = self.errors.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("never said: {what}"));
            if line.contains(what) {
                return line;
            }
        }
    }

    async fn code(&mut self) -> i32 {
        self.process.wait().await.unwrap().code().unwrap()
    }
}

#[tokio::test]
async fn ctrl_c_while_waiting_takes_the_request_back() {
    let scene = Scene::set();
    let mut glass = Glass::start(&scene, true, "echo ran > W");
    glass.says("waiting for leon").await;
    glass.send(Signal::INT);
    glass.says("taking G-45 back").await;
    glass.says("requested at 03:00, given back at 03:00").await;
    assert_eq!(glass.code().await, 130);
    assert_eq!(scene.folders(), 0);
}

#[tokio::test]
async fn sigterm_ends_the_command_and_gives_back() {
    for signal in [Signal::TERM, Signal::HUP] {
        let mut scene = Scene::set();
        let mut glass = Glass::start(
            &scene,
            false,
            "trap 'kill $!; exit 9' TERM; sleep 1000 & echo up > W; wait",
        );
        word(&mut scene.wire).await;
        glass.send(signal);
        glass.says("given back").await;
        assert_eq!(glass.code().await, 9);
        assert_eq!(scene.folders(), 0);
    }
}

#[tokio::test]
async fn the_first_ctrl_c_is_for_the_command_the_second_for_us() {
    let mut scene = Scene::set();
    let mut glass = Glass::start(
        &scene,
        false,
        "trap 'echo cancelled > W' INT; trap 'kill $!; exit 9' TERM
         sleep 1000 & echo up > W; wait; wait",
    );
    word(&mut scene.wire).await;
    glass.send(Signal::INT);
    assert_eq!(word(&mut scene.wire).await, "cancelled");
    glass.send(Signal::INT);
    glass.says("given back").await;
    assert_eq!(glass.code().await, 9);
}

#[tokio::test]
async fn a_third_ctrl_c_ends_the_deaf() {
    let mut scene = Scene::set();
    let mut glass = Glass::start(
        &scene,
        false,
        "trap '' INT TERM; echo $$ > W; while :; do sleep 1000; done",
    );
    let deaf = Mourner::of(pid(&mut scene.wire).await);
    glass.send(Signal::TERM);
    glass.says("again to end it at once").await;
    glass.send(Signal::INT);
    deaf.mourn().await;
    assert_eq!(glass.code().await, 128 + 9);
}

#[tokio::test]
async fn after_kill_9_the_command_ends_and_the_credential_is_wiped() {
    let mut scene = Scene::set();
    let mut glass = Glass::start(
        &scene,
        false,
        "trap '' HUP; sleep 1000 & echo $! > W; echo $$ > W; wait",
    );
    let family = [pid(&mut scene.wire).await, pid(&mut scene.wire).await].map(Mourner::of);
    assert_eq!(scene.folders(), 1);
    glass.send(Signal::KILL);
    glass.says("`glass exec` was killed").await;
    for member in family {
        member.mourn().await;
    }
    glass.says("the credential is wiped").await;
    assert_eq!(scene.folders(), 0);
}

#[tokio::test]
async fn a_keeper_started_by_hand_touches_nothing() {
    let scene = Scene::set();
    let shim = stand_in();
    let keeper = Command::new(&shim.program)
        .args(&shim.first)
        .args(["__keep", "--"])
        .arg(scene.place())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert_eq!(keeper.status.code(), Some(2));
    assert!(
        String::from_utf8(keeper.stderr)
            .unwrap()
            .contains("only `glass exec` starts this")
    );
    assert!(scene.place().exists());
}
