//! Job control, on a terminal of the test's own (a pseudo-terminal) with a real shell in it.

use std::{
    ffi::OsString,
    os::{fd::OwnedFd, unix::process::CommandExt as _},
    path::Path,
    process::Stdio,
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    stdio::{dup2_stderr, dup2_stdin, dup2_stdout},
    termios::{LocalModes, tcgetattr, tcgetpgrp},
};
use tokio::process::{Child, Command};

use super::{Scene, stand_in, until, word};

const CTRL_C: &str = "\u{3}";
const CTRL_Z: &str = "\u{1a}";

/// A terminal with a shell in it, and its keyboard.
struct Window {
    keyboard: OwnedFd,
    shell: Child,
}

impl Window {
    /// Opens one with an interactive shell.
    fn open() -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let pts = ptsname(&keyboard, Vec::new())
            .unwrap()
            .into_string()
            .unwrap();
        let stand_in = stand_in();
        let shell = Command::new(&stand_in.program)
            .args(&stand_in.first)
            .args(["window", &pts, "--", "sh", "-i"])
            .env("PS1", "$ ")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { keyboard, shell }
    }

    /// Waits until the shell has the terminal, or has given it away. What is typed in between may
    /// be lost: the kernel flushes the line at Ctrl-Z, as it should.
    async fn shell_in_front(&self, is_so: bool) {
        let shell = self.shell.id().map(u32::cast_signed);
        let front = || {
            tcgetpgrp(&self.keyboard)
                .ok()
                .map(|pid| pid.as_raw_nonzero().get())
        };
        until(|| (front() == shell) == is_so).await;
    }

    fn type_in(&self, keys: &str) {
        assert_eq!(
            rustix::io::write(&self.keyboard, keys.as_bytes()).unwrap(),
            keys.len()
        );
    }

    /// Types the line that runs a script under `glass exec`.
    fn run(&self, scene: &Scene, script: &str, after: &str) {
        let glass = stand_in();
        let [sh, c, script] = scene.script(script);
        assert!(!script.contains('\''), "it is quoted so");
        self.type_in(&format!(
            "{} {} visit {} -- {sh} {c} '{script}'{after}\n",
            std::env::current_exe().unwrap().display(),
            glass.first.join(&OsString::from(" ")).display(),
            scene.place().display(),
        ));
    }

    /// Whether the terminal is as a shell's user expects it: echoing, and line by line.
    fn is_sane(&self) -> bool {
        let modes = tcgetattr(&self.keyboard).unwrap().local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    async fn close(mut self) {
        self.shell_in_front(true).await;
        self.type_in("exit\n");
        self.shell.wait().await.unwrap();
    }
}

/// The inside of [`Window::open`].
pub(super) fn become_on(pts: &Path, command: &[OsString]) -> ! {
    rustix::process::setsid().unwrap();
    // The first terminal a session's leader opens becomes the session's own.
    let tty = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(pts)
        .unwrap();
    dup2_stdin(&tty).unwrap();
    dup2_stdout(&tty).unwrap();
    dup2_stderr(&tty).unwrap();
    panic!(
        "{}",
        std::process::Command::new(&command[0])
            .args(&command[1..])
            .exec()
    );
}

#[tokio::test]
async fn the_command_reads_the_keyboard_and_the_shell_gets_it_back() {
    let mut scene = Scene::set();
    let window = Window::open();
    window.run(
        &scene,
        "echo up > W; read line; echo got $line > W; exit 4",
        "",
    );
    assert_eq!(word(&mut scene.wire).await, "up");
    window.type_in("hello\n");
    assert_eq!(word(&mut scene.wire).await, "got hello");
    let done = scene.script("echo shell $? > W");
    window.shell_in_front(true).await;
    window.type_in(&format!("{}\n", done[2]));
    assert_eq!(word(&mut scene.wire).await, "shell 4");
    window.close().await;
    assert_eq!(scene.folders(), 0);
}

#[tokio::test]
async fn ctrl_c_is_the_commands_own_affair() {
    let mut scene = Scene::set();
    let window = Window::open();
    let script = "trap \"echo cancelled > W\" INT; echo up > W
        read line || read line || read line; echo got $line > W";
    window.run(&scene, &script.replace('\n', ";"), "");
    assert_eq!(word(&mut scene.wire).await, "up");
    for _ in 0..2 {
        window.type_in(CTRL_C);
        assert_eq!(word(&mut scene.wire).await, "cancelled");
    }
    window.type_in("on\n");
    assert_eq!(word(&mut scene.wire).await, "got on");
    window.close().await;
}

#[tokio::test]
async fn ctrl_z_brings_the_shell_back_and_fg_the_command() {
    let mut scene = Scene::set();
    let window = Window::open();
    let script = "echo up > W; while :; do read line || continue; echo got $line > W;
        if [ $line = bye ]; then exit; fi; done";
    window.run(&scene, &script.replace('\n', " "), "");
    assert_eq!(word(&mut scene.wire).await, "up");
    for turn in ["one", "two"] {
        window.type_in(CTRL_Z);
        window.shell_in_front(true).await;
        let shell = scene.script(&format!("echo shell {turn} > W"));
        window.type_in(&format!("{}\n", shell[2]));
        assert_eq!(word(&mut scene.wire).await, format!("shell {turn}"));
        window.type_in("fg\n");
        window.shell_in_front(false).await;
        window.type_in("back\n");
        assert_eq!(word(&mut scene.wire).await, "got back");
    }
    window.type_in("bye\n");
    assert_eq!(word(&mut scene.wire).await, "got bye");
    window.close().await;
    assert_eq!(scene.folders(), 0);
}

#[tokio::test]
async fn started_in_the_background_it_waits_for_fg_to_read() {
    let mut scene = Scene::set();
    let window = Window::open();
    window.run(
        &scene,
        "echo up > W; until read line; do :; done; echo got $line > W",
        " &",
    );
    assert_eq!(word(&mut scene.wire).await, "up");
    window.type_in("fg\n");
    window.type_in("hello\n");
    assert_eq!(word(&mut scene.wire).await, "got hello");
    window.close().await;
}

#[tokio::test]
async fn a_terminal_left_raw_by_the_killed_is_put_right() {
    let mut scene = Scene::set();
    let window = Window::open();
    window.run(
        &scene,
        "stty raw -echo; echo raw > W; read line < GO; kill -9 $$",
        "",
    );
    assert_eq!(word(&mut scene.wire).await, "raw");
    assert!(!window.is_sane());
    super::go(&mut scene.go).await;
    let done = scene.script("echo shell $? > W");
    window.shell_in_front(true).await;
    window.type_in(&format!("{}\n", done[2]));
    assert_eq!(word(&mut scene.wire).await, "shell 137");
    assert!(window.is_sane());
    window.close().await;
}

#[tokio::test]
async fn the_other_end_of_a_pipe_keeps_the_keyboard() {
    let mut scene = Scene::set();
    let window = Window::open();
    let reader = scene.script(" | (read word; read line < /dev/tty; echo $word $line > W)");
    window.run(
        &scene,
        "echo up > W; echo answer; read line < GO",
        &reader[2],
    );
    assert_eq!(word(&mut scene.wire).await, "up");
    super::go(&mut scene.go).await;
    window.type_in("typed\n");
    assert!(word(&mut scene.wire).await.ends_with("typed"));
    window.close().await;
}
