//! fsck finds every kind of damage, names the place, and finds nothing in a ledger that is well.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use breakglass_domain::grant::SelfGrant;
use breakglass_domain::policy::{Risk, STARTER};
use breakglass_domain::{
    Actor, Basis, Change, CredentialKind, Ending, Event, GrantId, GrantRef, IncidentId, Lifetime,
    Line, Nonce, Policy, SessionId, Severity, Subject, Time,
};

use super::{Remedy, Report, fsck};
use crate::ledger::FileLedger;
use crate::ledger::entry::encode;
use crate::ledger::fixtures::{signer, signer_of, vkey};
use crate::ports::{Clock, Ledger, LedgerError};

struct Still;

impl Clock for Still {
    fn now(&self) -> Time {
        Time::from_millis(0)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

fn check(dir: &Path) -> Report {
    fsck(dir, &vkey().into(), &Still, &mut |_| ()).expect("it can be read")
}

fn line(text: &str) -> Line {
    Line::parse(text).expect("a line")
}

fn of(grant: u64) -> GrantRef {
    GrantRef {
        grant: GrantId(grant),
        person: "mia".parse().expect("an id"),
        right: "deploy-shop".parse().expect("an id"),
        incident: IncidentId(1),
        drill: false,
    }
}

fn opened() -> Change {
    Change::IncidentOpened {
        incident: IncidentId(1),
        severity: Severity::Sev2,
        title: line("flooded"),
        closes_at: Time::from_millis(1 << 40),
        source: None,
        alert: None,
        delivery: None,
        said_at: None,
    }
}

fn closed() -> Change {
    let (incident, reason) = (IncidentId(1), line("reverted"));
    Change::IncidentClosed { incident, reason }
}

fn requested(grant: u64) -> Change {
    Change::GrantRequested {
        of: of(grant),
        sentence: line("deploy the shop app"),
        risk: Risk::Low,
        reason: line("revert"),
        length: Lifetime::from_secs(60),
        rule: "engineers-ship".parse().expect("a name"),
        approvers: Vec::new(),
        lapses_at: Time::from_millis(1 << 40),
        self_grant: None::<SelfGrant>,
        held: false,
        key: Some("k".repeat(43).parse().expect("43 characters")),
        audience: line("https://deploy.shop.example"),
        call: Vec::new(),
        escalation: None,
        handed: None,
    }
}

fn started(grant: u64) -> Change {
    let (basis, ends_at) = (Basis::FastPath, Time::from_millis(1 << 40));
    Change::GrantStarted {
        of: of(grant),
        basis,
        ends_at,
        alone_before: 0,
    }
}

fn ended(grant: u64) -> Change {
    let (ending, reason) = (Ending::Dropped, None);
    Change::GrantEnded {
        of: of(grant),
        ending,
        reason,
        to: None,
    }
}

/// A ledger of these changes, so many a batch, at moments one second apart.
fn ledger_of(dir: &Path, changes: &[Change], batch: usize) -> FileLedger {
    let mut ledger = FileLedger::create(dir, signer()).expect("a ledger");
    for changes in changes.chunks(batch) {
        let entries = (ledger.size()..).zip(changes).map(|(index, change)| {
            let event = Event {
                at: Time::from_millis(index as i64 * 1_000),
                by: Actor::Broker,
                change: change.clone(),
                signed: None,
                drill: false,
            };
            encode(index, &event).expect("short")
        });
        let entries: Vec<_> = entries.collect();
        ledger.append(&entries).expect("appended");
    }
    ledger
}

/// A night with 400 grants, published.
fn night(dir: &Path) -> u64 {
    let mut changes = vec![opened()];
    for grant in 1..=400 {
        changes.extend([requested(grant), started(grant), ended(grant)]);
    }
    changes.push(closed());
    let mut ledger = ledger_of(dir, &changes, 10);
    ledger.publish();
    ledger.size()
}

#[test]
fn a_ledger_that_is_well_is_told_in_numbers() {
    let dir = tempfile::tempdir().expect("a folder");
    let size = night(dir.path());
    let mut heard = Vec::new();
    let report = fsck(dir.path(), &vkey().into(), &Still, &mut |entries| {
        heard.push(entries)
    });
    let report = report.expect("it can be read");
    assert!(report.is_well(), "{:?}", report.damage);
    assert_eq!(report.notes, Vec::<String>::new());
    assert_eq!(
        (report.entries, report.commits),
        (size, size.div_ceil(10) + 1)
    );
    // Four full bundles and tiles, and what is partial: a bundle and two tiles.
    assert_eq!((report.segments, report.tiles), (1, 4 + 4 + 3));
    assert_eq!(report.published, Some(size));
    assert_eq!(heard, [size]);
    assert!(report.state.grants.is_empty() && report.state.next_grant == GrantId(401));
}

#[test]
fn an_open_ledger_can_be_checked() {
    let dir = tempfile::tempdir().expect("a folder");
    let _ledger = ledger_of(dir.path(), &[opened()], 1);
    assert!(check(dir.path()).is_well());
}

#[test]
fn every_altered_byte_of_the_journal_is_found() {
    let dir = tempfile::tempdir().expect("a folder");
    drop(ledger_of(
        dir.path(),
        &[opened(), requested(1), ended(1)],
        1,
    ));
    assert!(check(dir.path()).is_well());
    let path = dir.path().join("journal/00000000000000000000.jsonl");
    let well = fs::read(&path).expect("read");
    for at in (0..well.len()).step_by(7) {
        let mut wrong = well.clone();
        wrong[at] ^= 1;
        fs::write(&path, &wrong).expect("written");
        let report = check(dir.path());
        let told = !report.damage.is_empty() || !report.notes.is_empty();
        assert!(told, "byte {at}: {report:?}");
    }
}

#[test]
fn an_altered_entry_is_named_with_its_line() {
    let dir = tempfile::tempdir().expect("a folder");
    night(dir.path());
    let path = dir.path().join("journal/00000000000000000000.jsonl");
    let text = fs::read_to_string(&path).expect("read");
    let wrong = text.replacen(
        "\"G-7\",\"person\":\"mia\"",
        "\"G-7\",\"person\":\"eve\"",
        1,
    );
    fs::write(&path, wrong).expect("written");
    let report = check(dir.path());
    let [damage, ..] = report.damage.as_slice() else {
        panic!("damage: {report:?}");
    };
    assert_eq!(
        (damage.line, damage.remedy),
        (Some(23), Remedy::RestoreJournal)
    );
    assert!(
        damage
            .to_string()
            .ends_with("lines 13 to 23 is not what was committed"),
        "{damage}"
    );
    assert_eq!(report.notes, ["nothing after entry 10 was checked"]);
}

#[test]
fn another_key_is_found_out() {
    let dir = tempfile::tempdir().expect("a folder");
    drop(ledger_of(dir.path(), &[opened()], 1));
    let other = signer_of("shop.example/ledger", 8);
    let report = fsck(
        dir.path(),
        &other.verifier().clone().into(),
        &Still,
        &mut |_| (),
    )
    .expect("readable");
    assert!(
        !report.is_well() && report.damage[0].line == Some(1),
        "{:?}",
        report.damage
    );
}

#[test]
fn tiles_and_the_published_checkpoint_are_compared() {
    let dir = tempfile::tempdir().expect("a folder");
    night(dir.path());
    let files = [
        "tile/0/001",
        "tile/entries/002",
        "tile/0/004.p/178",
        "tile/1/000.p/4",
        "checkpoint",
    ];
    for name in files {
        let path = dir.path().join(name);
        let well = fs::read(&path).expect(name);
        let mut wrong = well.clone();
        wrong[3] ^= 1;
        fs::write(&path, wrong).expect("written");
        let report = check(dir.path());
        let damage = report
            .damage
            .first()
            .unwrap_or_else(|| panic!("{name} was altered"));
        assert_eq!((&damage.file, damage.remedy), (&path, Remedy::RemakeTiles));
        fs::write(&path, well).expect("written");
    }
    fs::remove_file(dir.path().join("tile/0/000")).expect("removed");
    let report = check(dir.path());
    assert!(
        report.damage[0].what.contains("cannot be read"),
        "{:?}",
        report.damage
    );
    // The remedy works.
    fs::remove_dir_all(dir.path().join("tile")).expect("removed");
    fs::remove_file(dir.path().join("checkpoint")).expect("removed");
    let (mut ledger, _) = FileLedger::open(dir.path(), signer()).expect("opens");
    ledger.publish();
    drop(ledger);
    let report = check(dir.path());
    assert!(report.is_well(), "{:?}", report.damage);
}

#[test]
fn a_journal_shorter_than_what_was_published_is_damage() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut ledger = ledger_of(dir.path(), &[opened(), requested(1)], 1);
    ledger.publish();
    drop(ledger);
    let path = dir.path().join("journal/00000000000000000000.jsonl");
    let text = fs::read_to_string(&path).expect("read");
    let kept: String = text.split_inclusive('\n').take(3).collect();
    fs::write(&path, kept).expect("written");
    let report = check(dir.path());
    let told = report.damage[0].to_string();
    assert!(
        told.contains("2 entries were published, and the journal ends after 1"),
        "{told}"
    );
}

#[test]
fn a_torn_tail_is_a_note_for_the_next_start() {
    let dir = tempfile::tempdir().expect("a folder");
    drop(ledger_of(dir.path(), &[opened()], 1));
    let path = dir.path().join("journal/00000000000000000000.jsonl");
    let mut bytes = fs::read(&path).expect("read");
    bytes.extend_from_slice(b"{\"v\":1,");
    fs::write(&path, bytes).expect("written");
    let report = check(dir.path());
    assert!(report.is_well());
    assert_eq!(report.torn_bytes, 7);
    assert!(
        report.notes[0].contains("7 bytes after the last commit"),
        "{:?}",
        report.notes
    );
}

/// What nobody can reconcile is told, until a mark names it.
#[test]
fn heads_of_another_history_are_told_until_a_mark_names_them() {
    let told = |changes: &[Change]| {
        let dir = tempfile::tempdir().expect("a folder");
        drop(ledger_of(dir.path(), changes, 1));
        let report = check(dir.path());
        assert!(report.is_well(), "{:?}", report.damage);
        report.notes.join("\n")
    };
    let refused = |size: u64| Change::Refused {
        act: "note".into(),
        reason: "LEDGER_BEHIND".into(),
        text: "this laptop has seen more".into(),
        count: 1,
        incident: None,
        checkpoint: Some(format!("shop.example/ledger\n{size}\nAAAA\n\nsigned\n")),
    };
    let marked = Change::LedgerRestored {
        kept: 1,
        size: 30,
        checkpoint: "shop.example/ledger\n30\nBBBB\n".into(),
        operator: line("Olaf"),
        reason: line("the disk died"),
    };
    let other = "ANOTHER HISTORY, signed by the same key, was seen on laptops, and no mark names it: entries";
    let all = [opened(), refused(20), refused(90)];
    assert!(
        told(&all).contains(&format!("{other} 1 2.")),
        "{}",
        told(&all)
    );
    let all = [opened(), refused(20), refused(90), marked.clone()];
    assert!(
        told(&all).contains(&format!("{other} 2.")),
        "{}",
        told(&all)
    );
    let all = [opened(), refused(20), marked];
    assert!(!told(&all).contains("ANOTHER HISTORY"), "{}", told(&all));
}

/// A policy under which `deploy-shop` leads to a host.
fn leads_to_a_host() -> Change {
    let host = "[targets.web-1]\nkind = \"ssh\"\naddress = \"web-1.shop.example\"\n";
    let way = "ssh = { targets = [\"web-1\"], principals = [\"deploy\"] }\n";
    let right = "[rights.deploy-shop]\n";
    assert!(STARTER.contains(right));
    let text = STARTER.replace(right, &format!("{right}{way}")) + host;
    let policy = Policy::parse("policy.toml", &text).unwrap_or_else(|why| panic!("{why}"));
    Change::PolicyLoaded {
        sha256: sha256_of(&text),
        policy: Arc::new(policy),
    }
}

fn sha256_of(text: &str) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    hash.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn came_in(let_in_at: Option<Time>) -> Change {
    Change::SessionOpened {
        of: of(1),
        session: SessionId(1),
        target: "web-1".parse().expect("an id"),
        credential: "G-1.1".parse().expect("an id"),
        login: line("deploy"),
        origin: String::new(),
        once: Some(Nonce([7; 16])),
        let_in_at,
    }
}

#[test]
fn who_came_in_during_an_outage_is_no_damage_though_the_grant_is_over() {
    let issued = Change::CredentialIssued {
        of: of(1),
        credential: "G-1.1".parse().expect("an id"),
        kind: CredentialKind::Jwt,
        audience: line("https://deploy.shop.example"),
        expires_at: Time::from_millis(1 << 40),
        key: "k".repeat(43).parse().expect("43 characters"),
        subject: Subject::Bearer { groups: Vec::new() },
        witnesses: None,
    };
    let before = [
        leads_to_a_host(),
        opened(),
        requested(1),
        started(1),
        issued,
        ended(1),
    ];
    for (at, well) in [(Some(Time::from_millis(4_000)), true), (None, false)] {
        let dir = tempfile::tempdir().expect("a folder");
        let mut changes = before.to_vec();
        changes.push(came_in(at));
        drop(ledger_of(dir.path(), &changes, 1));
        let report = check(dir.path());
        assert_eq!(report.is_well(), well, "{report:?}");
    }
}

#[test]
fn what_cannot_have_happened_is_found_though_it_is_signed() {
    let stories: [(&[Change], &str); 8] = [
        (
            &[opened(), requested(1), ended(1), ended(1)],
            "G-1 is over, or never was",
        ),
        (
            &[opened(), requested(1), ended(1), started(1)],
            "G-1 is over, or never was",
        ),
        (&[opened(), started(1)], "G-1 is over, or never was"),
        (
            &[opened(), requested(1), requested(1)],
            "G-1 is asked for again",
        ),
        (&[requested(1)], "INC-1 is not open"),
        (
            &[opened(), requested(1), started(1), closed()],
            "G-1 has not ended",
        ),
        (&[opened(), closed(), closed()], "INC-1 is not open"),
        (&[opened(), opened()], "INC-1 is opened again"),
    ];
    for (changes, told) in stories {
        let dir = tempfile::tempdir().expect("a folder");
        drop(ledger_of(dir.path(), changes, 1));
        let report = check(dir.path());
        let last = report
            .damage
            .last()
            .unwrap_or_else(|| panic!("not found: {told}"));
        assert!(last.what.contains(told), "{last}");
        assert_eq!(last.line, Some(changes.len() as u64 * 2));
    }
}

#[test]
fn entries_out_of_place_or_out_of_time_are_found() {
    let event = |at| Event {
        at: Time::from_millis(at),
        by: Actor::Broker,
        change: Change::LedgerRepaired { cut_bytes: 1 },
        signed: None,
        drill: false,
    };
    let entries = [(0, 5_000), (1, 4_000), (7, 5_000)];
    let lines = entries.map(|(index, at)| encode(index, &event(at)).expect("short"));
    let garbage: Arc<[u8]> = b"not JSON".as_slice().into();
    let dir = tempfile::tempdir().expect("a folder");
    let mut ledger = FileLedger::create(dir.path(), signer()).expect("a ledger");
    ledger
        .append(&[&lines[..], &[garbage]].concat())
        .expect("appended");
    let report = check(dir.path());
    let found: Vec<_> = report
        .damage
        .iter()
        .map(|one| (one.line, one.what.as_str()))
        .collect();
    let [(Some(3), time), (Some(4), place), (Some(5), json)] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert!(time.contains("after one from"), "{time}");
    assert!(place.contains("entry 2 says that it is entry 7"), "{place}");
    assert!(json.contains("not an entry"), "{json}");
}

#[test]
fn a_folder_without_a_ledger_is_said_to_have_none() {
    let dir = tempfile::tempdir().expect("a folder");
    let error = fsck(dir.path(), &vkey().into(), &Still, &mut |_| ())
        .map(drop)
        .expect_err("none");
    assert!(matches!(&error, LedgerError::Unavailable(told) if told.contains("glassd init")));
}

mod deep;
