//! The index tells the same as the ledger, whatever happens to it.
#![cfg(test)]

mod lasts;
mod questions;
mod seal;
mod snapshots;

use std::path::Path;
use std::sync::Arc;

use breakglass_domain::event::CredentialKind;
use breakglass_domain::grant::Phase;
use breakglass_domain::policy::Risk;
use breakglass_domain::{
    Actor, Basis, Change, CredentialId, Ending, Event, GrantId, GrantRef, IncidentId, KeyId,
    Lifetime, Line, Prose, Severity, State, Time,
};
use breakglass_tlog::note::{Ed25519Signer, KeyName, NoteSigner as _};

use super::{Opened, Sealer, SledIndex, compare};
use crate::ledger::sequence::replay;
use crate::ledger::{MemoryLedger, entry};
use crate::ports::{EntryFilter, GrantFilter, Index, Ledger, Projection, Recorded};

const HOUR_MS: i64 = 3_600_000;

/// A ledger that tells of some nights, and an index folder.
struct Nights {
    ledger: MemoryLedger,
    sealer: Sealer,
    folder: tempfile::TempDir,
    size: u64,
}

impl Nights {
    fn new(origin: &str) -> Self {
        Self::with_key(origin, 7)
    }

    fn with_key(origin: &str, seed: u8) -> Self {
        let name = KeyName::parse(origin).unwrap();
        let signer = Arc::new(Ed25519Signer::from_seed(name, &[seed; 32]).unwrap());
        Self {
            ledger: MemoryLedger::new(signer.clone()).unwrap(),
            sealer: Sealer::new(signer.clone(), signer.verifier().clone().into()),
            folder: tempfile::tempdir().unwrap(),
            size: 0,
        }
    }

    fn at(&self) -> std::path::PathBuf {
        self.folder.path().join("index")
    }

    fn write(&mut self, changes: Vec<(&str, Change)>) -> Vec<Recorded> {
        let mut recorded = Vec::new();
        for (by, change) in changes {
            let index = self.size + recorded.len() as u64;
            let at = Time::from_millis(index.cast_signed() * 1_000);
            let by: Actor = by.parse().unwrap();
            let event = Event {
                at,
                by,
                change,
                signed: None,
                drill: false,
            };
            let line = entry::encode(index, &event).unwrap();
            recorded.push(Recorded {
                index,
                event: Arc::new(event),
                line,
            });
        }
        let lines: Vec<_> = recorded.iter().map(|it| Arc::clone(&it.line)).collect();
        self.ledger.append(&lines).unwrap();
        self.size += lines.len() as u64;
        recorded
    }

    fn open(&self) -> SledIndex {
        self.open_at(&self.at())
    }

    fn open_at(&self, at: &Path) -> SledIndex {
        let opened = self.opens_at(at);
        opened.start(self.ledger.reader(), entry::read).unwrap()
    }

    fn opens_at(&self, at: &Path) -> Opened {
        SledIndex::open(at, &*self.ledger.reader(), self.sealer.clone()).unwrap()
    }

    /// What a start finds in the folder at `at`: where it begins to read, the state that it decides
    /// from, and why the folder was thrown away.
    fn starts_at(&self, at: &Path) -> (u64, State, Option<String>) {
        let opened = self.opens_at(at);
        let (up_to, state) = (opened.up_to, opened.state.clone());
        let state = replay(&*self.ledger.reader(), up_to, state).unwrap();
        (up_to, state, opened.rebuilt_because)
    }

    /// What the ledger says, whatever the index does.
    fn told_by_the_ledger(&self) -> State {
        replay(&*self.ledger.reader(), 0, State::default()).unwrap()
    }
}

fn line(text: &str) -> Line {
    Line::parse(text).unwrap()
}

fn of(grant: u64, person: &str, right: &str, incident: u64) -> GrantRef {
    GrantRef {
        grant: GrantId(grant),
        person: person.parse().unwrap(),
        right: right.parse().unwrap(),
        incident: IncidentId(incident),
        drill: false,
    }
}

fn opened(incident: u64) -> Change {
    Change::IncidentOpened {
        incident: IncidentId(incident),
        severity: Severity::Sev2,
        title: line("the worker is flooded"),
        closes_at: Time::from_millis(8 * HOUR_MS),
        source: None,
        alert: None,
        delivery: None,
        said_at: None,
    }
}

fn key() -> KeyId {
    "A".repeat(43).parse().unwrap()
}

fn requested(of: GrantRef) -> Change {
    Change::GrantRequested {
        of,
        sentence: line("deploy the shop app"),
        risk: Risk::Low,
        reason: line("revert the flooded worker"),
        length: Lifetime::from_secs(900),
        rule: "engineers-ship".parse().unwrap(),
        approvers: vec!["leon".parse().unwrap()],
        lapses_at: Time::from_millis(HOUR_MS),
        self_grant: None,
        held: true,
        key: Some(key()),
        audience: line("https://deploy.shop.example"),
        call: Vec::new(),
        escalation: None,
        handed: None,
    }
}

fn started(of: GrantRef) -> Change {
    let ends_at = Time::from_millis(HOUR_MS);
    Change::GrantStarted {
        of,
        basis: Basis::Approved,
        ends_at,
        alone_before: 0,
    }
}

fn ended(of: GrantRef, ending: Ending) -> Change {
    Change::GrantEnded {
        of,
        ending,
        reason: Some(line("done")),
        to: None,
    }
}

/// One night: an incident, a note, two grants, one of them over.
fn night(incident: u64, first: u64) -> Vec<(&'static str, Change)> {
    let (mia, leon) = (
        of(first, "mia", "deploy-shop", incident),
        of(first + 1, "leon", "restart-worker", incident),
    );
    let text = Prose::parse("users report\nslow pages").unwrap();
    let credential = CredentialId {
        grant: mia.grant,
        number: 1,
    };
    vec![
        ("support", opened(incident)),
        (
            "support",
            Change::IncidentNoted {
                incident: IncidentId(incident),
                text,
            },
        ),
        ("mia", requested(mia.clone())),
        ("leon", started(mia.clone())),
        (
            "mia",
            Change::CredentialIssued {
                of: mia.clone(),
                credential,
                kind: CredentialKind::Jwt,
                subject: breakglass_domain::Subject::Bearer { groups: Vec::new() },
                audience: line("https://deploy.shop.example"),
                expires_at: Time::from_millis(HOUR_MS),
                key: key(),
                witnesses: None,
            },
        ),
        ("leon", requested(leon)),
        ("mia", ended(mia, Ending::Dropped)),
    ]
}

fn places(index: &SledIndex, filter: EntryFilter) -> Vec<u64> {
    index
        .entries(
            &EntryFilter {
                oldest_first: true,
                ..filter
            },
            None,
            100,
        )
        .unwrap()
        .found
}

#[tokio::test]
async fn what_is_over_is_found_by_every_name_it_has() {
    let mut nights = Nights::new("glass.example/ledger");
    nights.write(night(1, 1));
    nights.write(night(2, 3));
    let index = nights.open();
    index.caught_up(14).await.unwrap();

    let mia = index.grant(GrantId(1)).unwrap().unwrap();
    assert!(matches!(&mia.phase, Phase::Ended(over) if over.ending == Ending::Dropped));
    assert_eq!(mia.credentials, 1);
    assert!(index.grant(GrantId(2)).unwrap().unwrap().is_waiting());
    assert_eq!(index.grant(GrantId(99)).unwrap(), None);
    let incident = index.incident(IncidentId(2)).unwrap().unwrap();
    assert_eq!(incident.grants, [GrantId(3), GrantId(4)]);
    assert_eq!(incident.notes[0].text.as_str(), "users report\nslow pages");

    let by_person = EntryFilter {
        person: Some("leon".parse().unwrap()),
        ..Default::default()
    };
    assert_eq!(
        places(&index, by_person.clone()),
        [3, 5, 10, 12],
        "acted or concerned"
    );
    let of_grant = EntryFilter {
        grant: Some(GrantId(3)),
        ..Default::default()
    };
    assert_eq!(places(&index, of_grant), [9, 10, 11, 13]);
    let both = EntryFilter {
        incident: Some(IncidentId(1)),
        ..by_person
    };
    assert_eq!(places(&index, both), [3, 5]);
    let kind = |kind: &str| EntryFilter {
        kind: Some(kind.into()),
        ..Default::default()
    };
    assert_eq!(places(&index, kind("grant.ended")), [6, 13]);
    assert_eq!(places(&index, kind("incident")), [0, 1, 7, 8]);
    let hours = EntryFilter {
        since: Some(Time::from_millis(2_000)),
        until: Some(Time::from_millis(5_000)),
        ..Default::default()
    };
    assert_eq!(places(&index, hours), [2, 3, 4], "until is not included");
}

#[tokio::test]
async fn pages_follow_on_without_gap_or_repeat() {
    let mut nights = Nights::new("glass.example/ledger");
    for night_number in 0..300 {
        nights.write(night(night_number + 1, night_number * 2 + 1));
    }
    let index = nights.open();
    index.caught_up(nights.size).await.unwrap();
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = index.entries(&EntryFilter::default(), cursor, 17).unwrap();
        let page = page.found;
        let Some(last) = page.last() else { break };
        cursor = Some(*last);
        seen.extend(page);
    }
    assert_eq!(seen, (0..nights.size).rev().collect::<Vec<_>>());

    let filter = GrantFilter {
        person: Some("mia".parse().unwrap()),
        ..Default::default()
    };
    let mut grants = Vec::new();
    let mut before = None;
    loop {
        let page = index.grants(&filter, before, 7).unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.of.grant);
        grants.extend(page.into_iter().map(|grant| grant.of.grant.0));
    }
    assert_eq!(
        grants,
        (0..300)
            .rev()
            .map(|night| night * 2 + 1)
            .collect::<Vec<_>>()
    );
    let incidents = index.incidents(Some(IncidentId(30)), 2).unwrap();
    assert_eq!(
        incidents.iter().map(|it| it.id.0).collect::<Vec<_>>(),
        [29, 28]
    );
}

#[tokio::test]
async fn deleting_the_folder_gives_the_same_answers() {
    let mut nights = Nights::new("glass.example/ledger");
    nights.write(night(1, 1));
    let index = nights.open();
    let live = nights.write(night(2, 3));
    index.committed(&live, &nights.ledger.reader().checkpoint());
    index.caught_up(14).await.unwrap();
    drop(index);
    let scratch = nights.folder.path().join("scratch");
    let differences = compare(
        &nights.at(),
        &scratch,
        &nights.ledger.reader(),
        entry::read,
        &nights.sealer,
    );
    assert_eq!(differences.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn applying_again_after_a_crash_changes_nothing() {
    let mut nights = Nights::new("glass.example/ledger");
    nights.write(night(1, 1));
    nights.open().close();
    // The snapshot is of seven entries; what follows is applied and then, as after a kill, again.
    nights.write(night(2, 3));
    let opened = nights.opens_at(&nights.at());
    assert_eq!(opened.up_to, 7);
    let mut state = opened.state.clone();
    let events: Vec<_> = nights.ledger.reader().entries(7, 100).unwrap();
    for round in 0..2 {
        let mut changes = super::changes::Changes::new(&opened.store);
        let mut again = state.clone();
        for line in &events {
            let (index, event) = entry::read(line).unwrap();
            let (event, line) = (Arc::new(event), Arc::clone(line));
            changes
                .note(&mut again, &Recorded { index, event, line })
                .unwrap();
        }
        changes.write(&opened.store).unwrap();
        if round == 1 {
            state = again;
        }
    }
    assert_eq!(state.next_grant, GrantId(5));
    drop(opened);
    let scratch = nights.folder.path().join("scratch");
    let differences = compare(
        &nights.at(),
        &scratch,
        &nights.ledger.reader(),
        entry::read,
        &nights.sealer,
    );
    assert_eq!(differences.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_batch_that_was_missed_is_read_from_the_ledger() {
    let mut nights = Nights::new("glass.example/ledger");
    let index = nights.open();
    drop(nights.write(night(1, 1)));
    let second = nights.write(night(2, 3));
    index.committed(&second, &nights.ledger.reader().checkpoint());
    index.caught_up(14).await.unwrap();
    assert_eq!(
        index
            .entries(&EntryFilter::default(), None, 100)
            .unwrap()
            .found
            .len(),
        14
    );
}

#[tokio::test]
async fn an_index_of_another_ledger_or_a_damaged_one_is_built_again() {
    let mut nights = Nights::new("glass.example/ledger");
    nights.write(night(1, 1));
    nights.open().close();

    let mut other = Nights::new("other.example/ledger");
    other.write(night(1, 1));
    let opened = other.opens_at(&nights.at());
    assert!(
        opened
            .rebuilt_because
            .as_ref()
            .is_some_and(|why| why.contains("ledger"))
    );
    assert_eq!(opened.up_to, 0);

    let behind = Nights::new("other.example/ledger");
    other.open_at(&nights.at()).close();
    let opened = behind.opens_at(&nights.at());
    assert!(
        opened
            .rebuilt_because
            .as_ref()
            .is_some_and(|why| why.contains("7 entries")),
        "ahead of it"
    );
    drop(opened);

    // Cut short, the file makes sled 0.34 panic; what comes back must still answer.
    let file = nights.at().join("db");
    let length = std::fs::metadata(&file).unwrap().len();
    let cut = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
    cut.set_len(length / 3).unwrap();
    let index = nights.open();
    index.caught_up(7).await.unwrap();
    assert_eq!(
        index
            .entries(&EntryFilter::default(), None, 100)
            .unwrap()
            .found
            .len(),
        7
    );
}
