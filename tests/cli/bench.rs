//! Each part of the bench runs to its end, with tiny numbers; what it measures is for people to read.

use std::process::Command;

use breakglass_tests::playground::{Process, binary};

fn prints(words: &str, told: &[&str]) {
    let mut bench = Command::new(binary("bench"));
    bench.args(words.split(' '));
    let said = Process::spawn(bench).finishes();
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
