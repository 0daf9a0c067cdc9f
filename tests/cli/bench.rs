//! Each part of the bench runs to its end, with tiny numbers; what it measures is for people to read.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::Duration;

use breakglass_tests::playground::{Process, binary};
use breakglass_tests::wait;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};

/// A ledger is written in hundreds of batches, each durable: on a slow disk that takes its time.
const PATIENCE: Duration = Duration::from_secs(300);

fn prints(words: &str, told: &[&str]) {
    let mut bench = Command::new(binary("bench"));
    bench.args(words.split(' '));
    let said = Process::spawn(bench).finishes_within(PATIENCE);
    assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
    for told in told {
        assert!(said.out.contains(told), "no `{told}`:\n{}", said.out);
    }
    assert!(!said.out.contains("NaN"), "{}", said.out);
}

#[test]
fn throughput() {
    let words = "throughput --millis 50 --rounds 1 --people 2";
    prints(words, &["       64 |", "entries in the ledger"]);
}

#[test]
fn fan_out() {
    let words = "fan-out --watchers 20 --connections 2 --rounds 2";
    prints(words, &["to 20 watchers on 2 connections", "ratio"]);
}

#[test]
fn kill() {
    let words = "kill --sessions 4 --guards 2 --rounds 1 --deaf 2";
    prints(
        words,
        &[
            "over 4 sessions on 2 hosts",
            "its end on record",
            "bare: SIGKILL",
        ],
    );
}

#[test]
fn growth() {
    let words = "growth 20 --first 10 --millis 50 --people 2";
    prints(words, &["start-up with"]);
}

#[test]
fn export() {
    let told = [
        "glass ledger export",
        "glass ledger report",
        "python3 verify.py",
    ];
    prints("export 20 --people 2", &told);
}

#[test]
fn verify() {
    let told = [
        "a ledger of 40",
        "bare, all threads",
        "glass ledger verify",
        "glassd fsck --deep",
    ];
    prints("verify 400", &told);
}

#[test]
fn list() {
    let told = [
        "2000 entries: written in",
        "50 keys of a bare sled",
        "of what never met",
        "to the end of the ledger",
    ];
    prints("list 2000 --pages 3", &told);
}

#[test]
fn nothing_outlives_a_bench_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Command::new(binary("bench"));
    bench.args(["throughput", "--millis", "600000", "--people", "2"]);
    bench.env("TMPDIR", folder.path());
    let bench = Process::spawn(bench);
    let because = "starting its broker and its ceiling is no word of the bench";
    let started = wait::until("both run", because, || {
        let children = children_of(bench.id());
        let both = ["glassd", "bench"].map(|name| children.get(name).copied());
        both.into_iter().collect::<Option<Vec<Pid>>>()
    });
    let held = |pid: &Pid| pidfd_open(*pid, PidfdFlags::empty()).unwrap();
    let held: Vec<_> = started.iter().map(held).collect();
    bench.signal(Signal::KILL);
    for process in &held {
        assert!(ends(process), "it outlives the bench");
    }
    assert_eq!(bench.finishes().code, 137);
}

/// The living children of a process, by the names of their programs.
fn children_of(parent: u32) -> BTreeMap<String, Pid> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let child = |entry: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let (pid, rest) = stat.split_once(" (")?;
        let (name, rest) = rest.rsplit_once(") ")?;
        let is_child = rest.split(' ').nth(1)? == parent.to_string();
        let pid = Pid::from_raw(pid.parse().ok()?)?;
        is_child.then(|| (name.to_owned(), pid))
    };
    entries.filter_map(child).collect()
}

/// Waits for the end of a process.
fn ends(process: &OwnedFd) -> bool {
    let patience = Timespec::try_from(wait::PATIENCE).unwrap();
    poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&patience)).unwrap() == 1
}
