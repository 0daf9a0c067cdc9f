//! What somebody types at a question of `glass`, on a terminal of the test's own (a pseudo-terminal).

use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};

use breakglass_tests::Playground;
use breakglass_tests::wait::PATIENCE;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

const CTRL_D: &str = "\u{4}";

/// Somebody at a terminal, with one command on it.
struct Sitting {
    keyboard: OwnedFd,
    glass: Child,
    seen: String,
}

impl Sitting {
    /// Runs a command of somebody there; `ahead` is typed before it begins.
    fn down(playground: &Playground, who: &str, words: &[&str], ahead: &str) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let open = || {
            let mut options = std::fs::File::options();
            options.read(true).write(true);
            Stdio::from(options.open(name.to_str().unwrap()).unwrap())
        };
        let mut command = playground.glass_command(who, words);
        command.stdin(open()).stdout(open()).stderr(open());
        rustix::io::write(&keyboard, ahead.as_bytes()).unwrap();
        let glass = command.spawn().unwrap();
        Self {
            keyboard,
            glass,
            seen: String::new(),
        }
    }

    /// Waits for a question after what was seen so far, and types.
    fn answers(&mut self, question: &str, keys: &str) {
        let from = self.seen.len();
        while !self.seen[from..].contains(question) {
            assert!(
                self.reads(),
                "it ended without `{question}`:\n{}",
                self.seen
            );
        }
        rustix::io::write(&self.keyboard, keys.as_bytes()).unwrap();
    }

    /// Waits for the end; the exit code and all that was seen.
    fn ends(mut self) -> (i32, String) {
        while self.reads() {}
        let code = self.glass.wait().unwrap().code().unwrap();
        (code, std::mem::take(&mut self.seen))
    }

    /// Reads what comes next; `false` at the end (Linux: EIO once nobody has the terminal open).
    fn reads(&mut self) -> bool {
        let mut there = [PollFd::new(&self.keyboard, PollFlags::IN)];
        let patience = Timespec::try_from(PATIENCE).unwrap();
        let is_there = poll(&mut there, Some(&patience)).unwrap() > 0;
        assert!(is_there, "it says nothing more after:\n{}", self.seen);
        let mut bytes = [0; 4096];
        match rustix::io::read(&self.keyboard, &mut bytes) {
            Ok(length) => self.seen += &String::from_utf8_lossy(&bytes[..length]),
            Err(rustix::io::Errno::IO) => return false,
            Err(why) => panic!("{why}"),
        }
        true
    }
}

impl Drop for Sitting {
    fn drop(&mut self) {
        // Nothing is left running; one that has ended already is no trouble.
        let _ = self.glass.kill();
        let _ = self.glass.wait();
    }
}

fn asked() -> Playground {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    let words = ["request", "migrate-shop-db", "-m", "jobs", "--no-wait"];
    assert_eq!(playground.glass("mia", &words).code, 81);
    playground
}

#[test]
fn only_a_whole_yes_is_a_yes() {
    let playground = asked();
    let question = "Approve G-1? [y/N]";
    for (ahead, keys) in [
        ("", "why do you need it?\n"),
        ("", "maybe\n"),
        ("", "\n"),
        ("", CTRL_D),
        ("y\n", CTRL_D),
        ("y", "\n"),
    ] {
        let mut sitting = Sitting::down(&playground, "leon", &["approve", "G-1"], ahead);
        sitting.answers(question, keys);
        let (code, seen) = sitting.ends();
        assert_eq!(code, 0, "{keys:?}: {seen}");
        assert!(seen.contains("Not approved"), "{ahead:?} {keys:?}: {seen}");
        assert!(!seen.contains("\u{1b}[?25l"), "the cursor stays: {seen:?}");
    }
    assert_eq!(playground.entries_of("grant.started").len(), 0);
    let mut sitting = Sitting::down(&playground, "leon", &["approve", "G-1"], "");
    sitting.answers(question, "yes\n");
    let (code, seen) = sitting.ends();
    assert_eq!(code, 0, "{seen}");
    assert_eq!(playground.entries_of("grant.started").len(), 1, "{seen}");
}

#[test]
fn nobody_is_removed_by_half_a_yes() {
    let playground = Playground::begins();
    let words = ["people", "remove", "support", "-m", "left"];
    let mut sitting = Sitting::down(&playground, "founder", &words, "");
    sitting.answers("[y/N]", "perhaps yes\n");
    let (_, seen) = sitting.ends();
    assert_eq!(playground.entries_of("person.left").len(), 0, "{seen}");
    playground.done("support", &["status"]);
}

#[test]
fn a_reason_and_an_incident_are_asked_for() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    playground.opens("the shop is slow");
    let words = ["incident", "close"];
    let mut sitting = Sitting::down(&playground, "leon", &words, "");
    for (question, keys) in [
        ("[1-2]", "7\n"),
        ("[1-2]", "2\n"),
        ("Why: ", "\n"),
        ("Why: ", "reverted\n"),
    ] {
        sitting.answers(question, keys);
    }
    let (code, seen) = sitting.ends();
    assert_eq!(code, 0, "{seen}");
    let closed = &playground.entries_of("incident.closed")[0];
    assert_eq!(closed["reason"], "reverted", "{seen}");
    let second = seen
        .lines()
        .find(|line| line.trim_start().starts_with("2  "));
    let id = closed["incident"].as_str().unwrap();
    assert!(second.unwrap().contains(id), "{seen}");
}

#[test]
fn a_review_asks_three_questions_for_each_grant() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    for right in ["deploy-shop", "restart-worker"] {
        playground.done("mia", &["request", right, "-m", "revert"]);
    }
    playground.done("mia", &["incident", "close", "-m", "reverted"]);
    let mut leon = Sitting::down(&playground, "leon", &["review", "INC-1"], "");
    leon.answers("Was it needed? [1-2]", "1\n");
    leon.answers("too wide? [1-2]", "2\n");
    leon.answers("What was missing", "a rollback\n");
    leon.answers("Was it needed? [1-2]", "2\n");
    leon.answers("too wide? [1-2]", "1\n");
    leon.answers("What was missing", CTRL_D);
    let (code, seen) = leon.ends();
    assert_eq!(code, 2, "{seen}");
    assert!(seen.contains("G-1 is answered for."), "{seen}");

    // What was answered before stays.
    let mut leon = Sitting::down(&playground, "leon", &["review", "INC-1"], "");
    leon.answers("Was it needed? [1-2]", "2\n");
    leon.answers("too wide? [1-2]", "1\n");
    leon.answers("What was missing", "-\n");
    let (code, seen) = leon.ends();
    assert_eq!(code, 0, "{seen}");
    let answers = playground.entries_of("review.answered");
    let said = |at: usize, field: &str| answers[at][field].clone();
    assert_eq!(
        (said(0, "grant"), said(1, "grant")),
        ("G-1".into(), "G-2".into())
    );
    assert_eq!(
        (said(0, "needed"), said(1, "needed")),
        (true.into(), false.into())
    );
    assert_eq!(said(0, "width"), "too-wide");
    assert_eq!(said(0, "missing"), "a rollback");
    assert_eq!(answers[1].get("missing"), None);
}
