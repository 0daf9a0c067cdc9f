//! One entry of every kind, frozen byte for byte. A test that fails here has found a change of the
//! format: see the rule above it. New kinds and new fields are added as new lines.

use std::collections::BTreeSet;
use std::sync::Arc;

use breakglass_domain::event::{CredentialKind, KeyPurpose};
use breakglass_domain::grant::{Handed, HandedTo, SelfGrant};
use breakglass_domain::policy::Risk;
use breakglass_domain::stream::StreamKind;
use breakglass_domain::{
    Actor, Basis, Change, Ending, Event, GrantId, GrantRef, IncidentId, KeyId, Lifetime, Line,
    Nonce, Prose, Severity, Signed, Subject, Time, Width,
};

use super::super::{decode, encode, kind};
use super::arbitrary::golden_policy;
use super::kinds::KINDS;
use super::witnesses::{had_seen_another, other_history};
use super::{drills, escalating, since, targets, witnesses};

const GOLDEN: &str = include_str!("golden.jsonl");

#[test]
fn the_bytes_of_every_kind_are_frozen() {
    let events = events();
    let lines: Vec<&str> = GOLDEN.lines().collect();
    for (index, event) in events.iter().enumerate() {
        let line = encode(index as u64, event).expect("within the limits");
        let line = str::from_utf8(&line).expect("JSON is UTF-8");
        assert_eq!(Some(&line), lines.get(index), "entry {index}");
    }
    assert_eq!(lines.len(), events.len());
}

#[test]
fn the_frozen_bytes_are_read_back() {
    for (index, (line, event)) in GOLDEN.lines().zip(events()).enumerate() {
        assert_eq!(decode(line.as_bytes()), Ok((index as u64, event)));
    }
}

#[test]
fn every_kind_is_frozen() {
    let frozen: BTreeSet<_> = events().iter().map(|event| kind(&event.change)).collect();
    assert!(frozen.iter().eq(KINDS.iter()), "{frozen:?}");
}

pub(super) fn line(text: &str) -> Line {
    Line::parse(text).expect("a line")
}

pub(super) fn at(minute: i64) -> Time {
    let three = "2026-11-23T03:00:00.000Z".parse::<Time>().expect("a time");
    three.plus(Lifetime::from_millis(minute * 60_000))
}

pub(super) fn key() -> KeyId {
    "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"
        .parse()
        .expect("43 characters")
}

pub(super) fn of() -> GrantRef {
    GrantRef {
        grant: GrantId(45),
        person: "mia".parse().expect("an id"),
        right: "migrate-shop-db".parse().expect("an id"),
        incident: IncidentId(12),
        drill: false,
    }
}

/// A night at the shop. What people do is signed.
fn events() -> Vec<Event> {
    let changes = [
        broker(),
        team(),
        incident(),
        grant(),
        targets::changes(),
        alert(),
        called(),
        fields(),
        reviews(),
        escalating::changes(),
        streams(),
        delivered(),
        witnesses::changes(),
        drills::changes(),
        handed_over(),
        succeeded(),
        witnesses::restored(),
        other_history(),
        since::changes(),
    ]
    .concat();
    let events = changes.into_iter().map(|(by, change)| {
        let by: Actor = by.parse().expect("an actor");
        let signed = by.person().map(|person| {
            let text = format!("breakglass statement v1\nby: {person}\nreason: \"x\"\n");
            Arc::new(Signed {
                text,
                key: key(),
                signature: vec![0x30, 0x06, 0x02, 0x01, 0x07, 0x02, 0x01, 0x09],
                nonce: Nonce([7; 16]),
                at: at(4),
                other_history: false,
            })
        });
        Event {
            at: at(5),
            by,
            drill: change.incident() == Some(drills::INCIDENT),
            change,
            signed,
        }
    });
    let mut events: Vec<Event> = events.collect();
    let revoked = events[22].clone();
    events.push(had_seen_another(revoked));
    let repaired = events
        .iter()
        .find(|event| kind(&event.change) == "ledger.repaired");
    events.push(Event {
        change: Change::LedgerLost {},
        ..repaired.expect("one of every kind").clone()
    });
    events
}

fn broker() -> Vec<(&'static str, Change)> {
    let id = "shop.example/ledger+01020304+AQcH".to_owned();
    let changes = [
        Change::BrokerStarted {
            version: "0.1.0".into(),
            rules: 0,
        },
        Change::KeyAdded {
            purpose: KeyPurpose::Ledger,
            id: id.clone(),
            public: id.clone(),
            succession: None,
        },
        Change::KeyRetired {
            purpose: KeyPurpose::Issuing,
            id,
        },
        golden_policy(),
        Change::LedgerRepaired { cut_bytes: 512 },
    ];
    changes.map(|change| ("breakglass", change)).to_vec()
}

fn team() -> Vec<(&'static str, Change)> {
    let mia = || "mia".parse().expect("an id");
    let token = || "ab".repeat(32).parse().expect("64 digits");
    vec![
        (
            "founder",
            Change::PersonInvited {
                person: mia(),
                token: token(),
                expires_at: at(60),
            },
        ),
        (
            "mia",
            Change::PersonEnrolled {
                person: mia(),
                token: token(),
                key: key(),
                public: vec![4; 65],
                device: line("Mia's laptop"),
                serial: "0a".repeat(16),
                certificate_expires_at: at(90),
            },
        ),
        (
            "mia",
            Change::CertificateRenewed {
                person: mia(),
                key: key(),
                serial: "0b".repeat(16),
                certificate_expires_at: at(120),
            },
        ),
        (
            "leon",
            Change::PersonFrozen {
                person: mia(),
                reason: line("laptop stolen"),
            },
        ),
        (
            "founder",
            Change::PersonUnfrozen {
                person: mia(),
                reason: line("found again"),
            },
        ),
        (
            "founder",
            Change::PersonRemoved {
                person: mia(),
                reason: line("left the team"),
            },
        ),
        ("leon", Change::LedgerExported { from: 0, to: 42 }),
    ]
}

/// The founder's path.
fn called() -> Vec<(&'static str, Change)> {
    let of = || GrantRef {
        grant: GrantId(46),
        person: "founder".parse().expect("an id"),
        right: "read-secrets".parse().expect("an id"),
        incident: IncidentId(12),
        drill: false,
    };
    let people = |ids: &[&str]| ids.iter().map(|id| id.parse().expect("an id")).collect();
    vec![
        (
            "founder",
            Change::GrantRequested {
                of: of(),
                sentence: line("read the shop's secrets"),
                risk: Risk::High,
                reason: line("rotate the payment key"),
                length: Lifetime::from_secs(900),
                rule: "founder".parse().expect("an id"),
                approvers: people(&[]),
                lapses_at: at(20),
                self_grant: None,
                held: true,
                key: Some(key()),
                audience: line("https://vault.shop.example"),
                call: people(&["leon", "mia"]),
                escalation: None,
                handed: None,
            },
        ),
        (
            "mia",
            Change::CallRecorded {
                of: of(),
                spoke_at: at(3),
            },
        ),
        (
            "leon",
            Change::GrantApproved {
                of: of(),
                until: at(35),
            },
        ),
        (
            "breakglass",
            Change::GrantStarted {
                of: of(),
                basis: Basis::Called,
                ends_at: at(20),
                alone_before: 0,
            },
        ),
        (
            "designer",
            Change::GrantEnded {
                of: of(),
                ending: Ending::Vetoed,
                reason: Some(line("wait for leon")),
                to: None,
            },
        ),
    ]
}

fn incident() -> Vec<(&'static str, Change)> {
    let incident = IncidentId(12);
    vec![
        (
            "mia",
            Change::IncidentOpened {
                incident,
                severity: Severity::Sev2,
                title: line("worker flooded after a config change — “50x”"),
                closes_at: at(480),
                source: None,
                alert: None,
                delivery: None,
                said_at: None,
            },
        ),
        (
            "support",
            Change::IncidentNoted {
                incident,
                text: Prose::parse("customers see 502\nsince 02:58 \\o/").expect("a note"),
            },
        ),
        (
            "breakglass",
            Change::IncidentWarned {
                incident,
                closes_at: at(480),
            },
        ),
        (
            "breakglass",
            Change::IncidentClosed {
                incident,
                reason: line("it is over"),
            },
        ),
    ]
}

/// Mia hands over to Leon, and the founder says yes.
fn handed_over() -> Vec<(&'static str, Change)> {
    let new = || GrantRef {
        grant: GrantId(46),
        person: "leon".parse().expect("an id"),
        ..of()
    };
    let started = Change::GrantStarted {
        of: new(),
        basis: Basis::Approved,
        ends_at: at(20),
        alone_before: 0,
    };
    let requested = Change::GrantRequested {
        of: new(),
        sentence: line("change the shop's database"),
        risk: Risk::High,
        reason: line("I have to sleep"),
        length: Lifetime::from_millis(600_000),
        rule: "database".parse().expect("a name"),
        approvers: vec!["founder".parse().expect("an id")],
        lapses_at: at(20),
        self_grant: None,
        held: false,
        key: None,
        audience: line("https://db.shop.example"),
        call: Vec::new(),
        escalation: None,
        handed: Some(Handed {
            from: GrantId(45),
            since: at(5),
            until: at(20),
        }),
    };
    let ended = Change::GrantEnded {
        of: of(),
        ending: Ending::HandedOver,
        reason: None,
        to: Some(HandedTo {
            grant: GrantId(46),
            person: "leon".parse().expect("an id"),
        }),
    };
    vec![
        ("mia", requested),
        ("founder", started),
        ("breakglass", ended),
    ]
}

/// Fields that were added later.
fn fields() -> Vec<(&'static str, Change)> {
    let refused = Change::Refused {
        act: "request".into(),
        reason: "NOT_ALLOWED".into(),
        text: "no rule lets designer migrate the shop database".into(),
        count: 1,
        incident: Some(IncidentId(12)),
        checkpoint: None,
    };
    vec![("designer", refused)]
}

fn streams() -> Vec<(&'static str, Change)> {
    let (stream, kind) = ("siem".parse().expect("a name"), StreamKind::Syslog);
    let began = Change::StreamBegan {
        stream,
        kind,
        destination: line("siem.shop.example:6514"),
        from: 41,
    };
    let ended = Change::StreamEnded {
        stream: "lake".parse().expect("a name"),
        kind: StreamKind::Ocsf,
    };
    vec![("breakglass", began), ("breakglass", ended)]
}

fn reviews() -> Vec<(&'static str, Change)> {
    let answered = |needed, width, missing| Change::ReviewAnswered {
        of: of(),
        needed,
        width,
        missing,
    };
    let missing = line("a rollback without the database");
    vec![
        ("leon", answered(true, Width::TooWide, Some(missing))),
        ("support", answered(false, Width::Right, None)),
    ]
}

fn grant() -> Vec<(&'static str, Change)> {
    let requested = |approvers: &[&str], self_grant| Change::GrantRequested {
        of: of(),
        sentence: line("change the shop's database"),
        risk: Risk::High,
        reason: line("revert the migration"),
        length: Lifetime::from_millis(900_000),
        rule: "database".parse().expect("a name"),
        approvers: approvers
            .iter()
            .map(|id| id.parse().expect("an id"))
            .collect(),
        lapses_at: at(20),
        self_grant,
        held: true,
        key: Some(key()),
        audience: line("https://db.shop.example"),
        call: Vec::new(),
        escalation: None,
        handed: None,
    };
    let alone = SelfGrant {
        from: at(15),
        longest: Lifetime::from_millis(600_000),
    };
    let credential = "G-45.1".parse().expect("an id");
    let audience = line("https://db.shop.example");
    let kind = CredentialKind::Jwt;
    let ended = |ending, reason| Change::GrantEnded {
        of: of(),
        ending,
        reason,
        to: None,
    };
    vec![
        ("mia", requested(&["founder", "leon"], Some(alone))),
        ("mia", requested(&[], None)),
        (
            "leon",
            Change::GrantStarted {
                of: of(),
                basis: Basis::Approved,
                ends_at: at(20),
                alone_before: 0,
            },
        ),
        (
            "mia",
            Change::GrantExtended {
                of: of(),
                ends_at: at(25),
                reason: line("slow"),
            },
        ),
        (
            "breakglass",
            Change::CredentialIssued {
                of: of(),
                credential,
                kind,
                audience,
                expires_at: at(20),
                key: key(),
                subject: Subject::Bearer { groups: Vec::new() },
                witnesses: None,
            },
        ),
        (
            "mia",
            Change::GrantUsed {
                of: of(),
                program: line("psql"),
            },
        ),
        (
            "founder",
            ended(Ending::Revoked, Some(line("wrong database"))),
        ),
        ("breakglass", ended(Ending::Expired, None)),
        (
            "mia",
            Change::Refused {
                act: "request".into(),
                reason: "NO_OPEN_INCIDENT".into(),
                text: "no incident is open".into(),
                count: 3,
                incident: None,
                checkpoint: None,
            },
        ),
    ]
}

fn alert() -> Vec<(&'static str, Change)> {
    let incident = IncidentId(13);
    vec![
        (
            "source:alertmanager",
            Change::IncidentOpened {
                incident,
                severity: Severity::Sev1,
                title: line("checkout answers 502"),
                closes_at: at(480),
                source: Some("alertmanager".parse().expect("an id")),
                alert: Some(line(r#"{}:{alertname="Checkout502"}"#)),
                delivery: None,
                said_at: None,
            },
        ),
        (
            "source:alertmanager",
            Change::IncidentResolved {
                incident,
                closes_at: at(15),
                delivery: None,
                said_at: None,
            },
        ),
        (
            "source:alertmanager",
            Change::IncidentRefired {
                incident,
                closes_at: at(480),
                delivery: None,
                said_at: None,
            },
        ),
        (
            "mia",
            Change::IncidentHeld {
                incident,
                reason: line("the queue is still full"),
            },
        ),
    ]
}

/// By which delivery a source said it.
fn delivered() -> Vec<(&'static str, Change)> {
    let incident = IncidentId(14);
    let delivery = |id: &str| Some(line(id));
    vec![
        (
            "source:pagerduty",
            Change::IncidentOpened {
                incident,
                severity: Severity::Sev1,
                title: line("checkout is down"),
                closes_at: at(480),
                source: Some("pagerduty".parse().expect("an id")),
                alert: Some(line("PGR0VU2")),
                delivery: delivery("01CHTB2X9WBFSSRPQRR1N1M61P"),
                said_at: None,
            },
        ),
        (
            "source:pagerduty",
            Change::IncidentResolved {
                incident,
                closes_at: at(15),
                delivery: delivery("01CHTB5P9WBFSSRPQRR1N1M62Q"),
                said_at: None,
            },
        ),
        (
            "source:pagerduty",
            Change::IncidentRefired {
                incident,
                closes_at: at(480),
                delivery: delivery("01CHTB6Q9WBFSSRPQRR1N1M63R"),
                said_at: None,
            },
        ),
    ]
}

/// The ledger itself goes over to another key; what both have signed is the note of `tlog`'s own golden.
fn succeeded() -> Vec<(&'static str, Change)> {
    let key = "example.com/ledger+edb3e1ea+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU";
    let change = Change::KeyAdded {
        purpose: KeyPurpose::Ledger,
        id: key.to_owned(),
        public: "gTl3Dqh9F19Wo1Rmw0x+zMuNipG07jeiXfYPW4/Js5Q=".to_owned(),
        succession: Some("breakglass.dev/succession/v1\nexample.com/ledger\n4161\n".to_owned()),
    };
    vec![("breakglass", change)]
}
