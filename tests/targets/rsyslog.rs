//! What a real collector of syslog writes down of a night: every entry, in order, whoever falls.

use std::fs;
use std::path::Path;

use breakglass_domain::policy::STARTER;
use breakglass_tests::playground::{Playground, Process, Rules};
use breakglass_tests::rsyslog::{Rsyslog, Speaks};
use breakglass_tests::wait::until;
use serde_json::Value;

/// The lines of a ledger, byte for byte.
fn entries(data: &Path) -> Vec<String> {
    let folder = fs::read_dir(data.join("ledger/journal")).unwrap();
    let mut files: Vec<_> = folder.map(|it| it.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|it| it == "jsonl"));
    files.sort();
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    let lines: Vec<_> = texts
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let is_entry = |line: &String| !line.starts_with("{\"commit\":");
    lines.into_iter().filter(is_entry).collect()
}

/// Each entry from the first on, as it stands in the ledger, at least once; and what comes again goes on
/// from there. How many lines were sent more than once.
fn is_complete(rsyslog: &Rsyslog, night: &Playground) -> usize {
    let entries = entries(&night.data());
    until("it has them all", "rsyslog tells nobody", || {
        let last = entries.last().unwrap();
        rsyslog.lines().contains(last).then_some(())
    });
    let (mut next, mut before, mut again) = (0, None, 0);
    for line in rsyslog.lines() {
        let entry: Value = serde_json::from_str(&line).unwrap();
        let index = usize::try_from(entry["index"].as_u64().unwrap()).unwrap();
        assert_eq!(line, entries[index], "byte for byte");
        assert!(index <= next, "entry {next} is left out before {index}");
        let goes_on = before.is_none_or(|before| index == before + 1);
        assert!(
            goes_on || index < next,
            "a batch that comes again is in order"
        );
        again += usize::from(index < next);
        next = next.max(index + 1);
        before = Some(index);
    }
    assert_eq!(next, entries.len());
    again
}

fn notes(night: &Playground, from: usize, count: usize) {
    for number in from..from + count {
        let text = format!("note {number}: the wörker floods");
        night.done("mia", &["incident", "note", &text]);
    }
}

/// The collector is stopped and killed, the broker is killed, and what happens goes on meanwhile.
fn a_night_with_falls(speaks: Speaks) {
    let mut rsyslog = Rsyslog::begins(speaks);
    let mut night = Playground::with(Rules {
        policy: Some(STARTER.to_owned() + &"# what nobody reads\n".repeat(800)),
        settings: rsyslog.stream("siem", "from = 0"),
        ..Rules::default()
    });
    let longest = entries(&night.data()).into_iter().map(|it| it.len()).max();
    assert!(
        longest > Some(20_000),
        "longer than rsyslog takes by itself"
    );
    night.opens("the worker floods");
    notes(&night, 0, 5);
    rsyslog.is_killed();
    notes(&night, 5, 3);
    night.is_killed();
    night.serves();
    notes(&night, 8, 2);
    rsyslog.starts();
    is_complete(&rsyslog, &night);
    rsyslog.stops();
    notes(&night, 10, 3);
    rsyslog.starts();
    notes(&night, 13, 2);
    night.is_killed();
    night.serves();
    is_complete(&rsyslog, &night);
    // While entries are on their way.
    for round in 0..3 {
        let writing: Vec<_> = (0..3)
            .map(|number| {
                let text = format!("round {round}, note {number}");
                night.spawns("leon", &["incident", "note", &text])
            })
            .collect();
        rsyslog.is_killed();
        for said in writing.into_iter().map(Process::finishes) {
            assert_eq!(said.code, 0, "{said}");
        }
        rsyslog.starts();
    }
    is_complete(&rsyslog, &night);
    let began = night.entries_of("stream.began");
    assert_eq!(began.len(), 1, "a restart is nothing new: {began:?}");
    assert_eq!(began[0]["stream_kind"], "syslog");
    assert_eq!(began[0]["from"], 0);
}

#[test]
fn every_entry_is_written_down_over_tls_whoever_falls() {
    a_night_with_falls(Speaks::Openssl);
}

#[test]
fn every_entry_is_written_down_over_tcp_whoever_falls() {
    a_night_with_falls(Speaks::Tcp);
}

#[test]
fn a_collector_that_does_not_close_tls_is_believed_only_where_the_operator_says_so() {
    let rsyslog = Rsyslog::begins(Speaks::Gnutls);
    let strict = rsyslog.stream("strict", "from = 0");
    let lax = rsyslog.stream("lax", "from = 0\nrequire_close_notify = false");
    let night = Playground::with_settings(&(strict + &lax));
    let said = night.glassd(&["stream-test", "lax"]);
    assert_eq!(said.code, 0, "{said}");
    let said = night.glassd(&["stream-test", "strict"]);
    assert_eq!(said.code, 1, "{said}");
    assert!(said.err.contains("without the close_notify"), "{said}");
    let lines = rsyslog.lines();
    assert!(lines.iter().any(|line| line.contains("the stream lax of")));
}
