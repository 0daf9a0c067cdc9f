//! The live state comes back from a snapshot as it was.

use std::sync::Arc;

use breakglass_domain::grant::Handed;
use breakglass_domain::played::Played;
use breakglass_domain::policy::STARTER;
use breakglass_domain::stream::StreamKind;
use breakglass_domain::targets::Over;
use breakglass_domain::{
    Change, Event, GrantId, GrantRef, IncidentId, Nonce, Policy, Prose, SessionId, Signed, State,
    Time,
};

use super::super::snapshot;
use super::{HOUR_MS, Nights, key, line, night, of, opened, requested, started};
use crate::ports::Ledger as _;

/// A drill that is over and recorded, and one that goes on with somebody in at its target.
fn drills() -> Vec<(&'static str, Change)> {
    let of = GrantRef {
        drill: true,
        ..of(9, "mia", "deploy-shop", 9)
    };
    let came_in = Change::SessionOpened {
        of: of.clone(),
        session: SessionId(5),
        target: "web-1".parse().unwrap(),
        credential: "G-9.1".parse().unwrap(),
        login: line("deploy"),
        origin: String::new(),
        once: None,
        let_in_at: None,
    };
    let reason = line("the drill is over");
    let recorded = Change::DrillRecorded {
        incident: IncidentId(8),
        good: true,
        steps: Vec::new(),
        failed: None,
    };
    let incident = IncidentId(8);
    vec![
        ("mia", opened(8)),
        ("mia", Change::IncidentClosed { incident, reason }),
        ("mia", recorded),
        ("mia", opened(9)),
        ("mia", requested(of.clone())),
        ("leon", started(of)),
        ("target:web-1", came_in),
    ]
}

#[test]
fn a_snapshot_restores_the_very_same_state() {
    let mut nights = Nights::new("glass.example/ledger");
    nights.write(night(1, 1));
    let index = nights.opens_at(&nights.at());
    let policy = Arc::new(Policy::parse("policy.toml", STARTER).unwrap());
    let loaded = Change::PolicyLoaded {
        policy,
        sha256: "ab".repeat(32),
    };
    let enrolled = Change::PersonEnrolled {
        person: "mia".parse().unwrap(),
        token: "cd".repeat(32).parse().unwrap(),
        key: key(),
        public: vec![4; 65],
        device: line("mia's laptop"),
        serial: "0a".into(),
        certificate_expires_at: Time::from_millis(9 * HOUR_MS),
    };
    let invited = Change::PersonInvited {
        person: "leon".parse().unwrap(),
        token: "ef".repeat(32).parse().unwrap(),
        expires_at: Time::from_millis(5 * HOUR_MS),
    };
    // Withdrawn by the freeze.
    let invited_by_leon = Change::PersonInvited {
        person: "mia".parse().unwrap(),
        token: "ab".repeat(32).parse().unwrap(),
        expires_at: Time::from_millis(5 * HOUR_MS),
    };
    let frozen = Change::PersonFrozen {
        person: "leon".parse().unwrap(),
        reason: line("lost it"),
    };
    let mut changes = vec![
        ("breakglass", loaded),
        ("mia", enrolled),
        ("mia", invited),
        ("leon", invited_by_leon),
        ("mia", frozen),
    ];
    changes.extend(night(1, 1));
    let certified = Change::HostCertified {
        target: "web-1".parse().unwrap(),
        host: line("web-1.shop.example"),
        key: "SHA256:x".into(),
        serial: "0b".into(),
        expires_at: Time::from_millis(9 * HOUR_MS),
    };
    changes.push(("breakglass", certified));
    let noted = Change::IncidentNoted {
        incident: IncidentId(1),
        text: Prose::parse("two customers wrote").unwrap(),
    };
    changes.push(("mia", noted));
    changes.push(("mia", requested(of(3, "mia", "deploy-shop", 1))));
    changes.push(("leon", started(of(3, "mia", "deploy-shop", 1))));
    let came_in = Change::SessionOpened {
        of: of(3, "mia", "deploy-shop", 1),
        session: SessionId(4),
        target: "web-1".parse().unwrap(),
        credential: "G-3.1".parse().unwrap(),
        login: line("deploy"),
        origin: String::new(),
        once: Some(Nonce([7; 16])),
        let_in_at: None,
    };
    changes.push(("target:web-1", came_in));
    // It waits to be handed over.
    let mut handed = requested(of(8, "leon", "deploy-shop", 1));
    if let Change::GrantRequested { handed, key, .. } = &mut handed {
        *key = None;
        *handed = Some(Handed {
            from: GrantId(3),
            since: Time::from_millis(HOUR_MS / 4),
            until: Time::from_millis(HOUR_MS),
        });
    }
    changes.push(("mia", handed));
    // An incident that is over owes an answer, and one that is open will.
    changes.extend(night(2, 5));
    let reason = line("over");
    let closed = Change::IncidentClosed {
        incident: IncidentId(2),
        reason,
    };
    changes.push(("leon", closed));
    let began = Change::StreamBegan {
        stream: "siem".parse().unwrap(),
        kind: StreamKind::Ocsf,
        destination: line("siem.example:443"),
        from: 2,
    };
    changes.push(("breakglass", began));
    let lost = Change::LedgerRestored {
        kept: 2,
        size: 9,
        checkpoint: "glass.example/ledger\n9\nAA=\n\n".into(),
        operator: line("Olaf"),
        reason: line("the disk died"),
    };
    changes.push(("breakglass", lost));
    // An alert source delivers, and delivers again.
    changes.push((
        "breakglass",
        Change::BrokerStarted {
            version: "0.1.0".into(),
            rules: 0,
        },
    ));
    let (source, alert) = ("pager".parse().unwrap(), line("queue"));
    let mut rung = opened(7);
    if let Change::IncidentOpened {
        source: by,
        alert: of,
        delivery,
        said_at,
        ..
    } = &mut rung
    {
        (*by, *of, *delivery) = (Some(source), Some(alert), Some(line("d-1")));
        *said_at = Some(Time::from_millis(HOUR_MS / 3));
    }
    changes.push(("source:pager", rung));
    changes.extend(drills());
    let mut state = State::default();
    for (number, (by, change)) in changes.into_iter().enumerate() {
        let nonce = Nonce([u8::try_from(number).unwrap(); 16]);
        let at = Time::from_millis(HOUR_MS / 2);
        let signed = Signed {
            text: "t".into(),
            key: key(),
            signature: vec![1],
            nonce,
            at,
            other_history: false,
        };
        let by = by.parse().unwrap();
        state.apply(&Event {
            at,
            by,
            drill: change.incident() >= Some(IncidentId(8)),
            change,
            signed: Some(Arc::new(signed)),
        });
    }
    assert!(state.grants[&GrantId(8)].handed.is_some());
    assert!(state.grants.len() == 5 && !state.deadlines.is_empty() && !state.openings.is_empty());
    assert!(state.budgets.len() > 2);
    assert_eq!(state.targets.hosts.len(), 1);
    assert!(state.drills.recent.len() == 2 && state.drills.last_good.is_some());
    assert_eq!(
        (state.reviews.begun.len(), state.reviews.owed.len()),
        (1, 1)
    );
    assert!(state.reviews.asked_since.is_none());
    assert_eq!(state.streams.0.len(), 1);
    let deliveries = &state.deliveries;
    assert_eq!((deliveries.taken.len(), deliveries.changed.len()), (1, 1));
    assert_eq!(deliveries.said.len(), 1);
    assert!(deliveries.started_at.is_some());
    assert!(state.played.kept().count() >= 2);
    let played = state.played.kept().collect::<Vec<_>>();
    state.played = Played::restored(played, Some(Time::from_millis(HOUR_MS / 3)));
    let over = Over {
        of: of(2, "mia", "deploy-shop", 1),
        credentials: 3,
        at: Time::from_millis(HOUR_MS),
    };
    state.targets.over.insert(GrantId(2), over);
    let state = state.reindexed();
    assert!(state.targets.sessions[&SessionId(5)].of.drill);
    assert!(state.targets.once.len() == 1 && state.targets.over_at.len() == 1);
    let reader = nights.ledger.reader();
    let taken = (nights.size, &state);
    snapshot::save(&index.store, &nights.sealer, &*reader, taken).unwrap();
    let found = snapshot::load(&index.store, &nights.sealer, &*reader);
    assert_eq!(found.unwrap(), (nights.size, state));
}
