//! Questions with every filter, against a reading of the whole ledger.

use breakglass_domain::event::CredentialKind;
use breakglass_domain::{Change, CredentialId, Event, GrantId, IncidentId, Subject, Time};

use super::super::store::{By, kind_of, names};
use super::{HOUR_MS, Nights, key, line, night, of};
use crate::ports::{EntryFilter, Index as _};

/// Every filter there is, alone and with others.
fn filters() -> Vec<EntryFilter> {
    let none = EntryFilter::default;
    let at = |entry: i64| Some(Time::from_millis(entry * 1_000));
    let mia = Some("mia".parse().unwrap());
    let restart = Some("restart-worker".parse().unwrap());
    let kind = |kind: &str| Some(kind.to_owned());
    vec![
        none(),
        EntryFilter {
            person: mia.clone(),
            ..none()
        },
        EntryFilter {
            person: Some("nobody".parse().unwrap()),
            ..none()
        },
        EntryFilter {
            kind: kind("grant"),
            person: mia,
            ..none()
        },
        EntryFilter {
            kind: kind("incident.opened"),
            since: at(255),
            until: at(257),
            ..none()
        },
        EntryFilter {
            right: restart,
            kind: kind("grant.requested"),
            since: at(300),
            ..none()
        },
        EntryFilter {
            grant: Some(GrantId(75)),
            ..none()
        },
        EntryFilter {
            outcome: Some("dropped".to_owned()),
            ..none()
        },
        EntryFilter {
            outcome: Some("approved".to_owned()),
            person: Some("leon".parse().unwrap()),
            until: at(400),
            ..none()
        },
        EntryFilter {
            outcome: Some("NOT_ALLOWED".to_owned()),
            ..none()
        },
        EntryFilter {
            target: Some("web-1".parse().unwrap()),
            ..none()
        },
        EntryFilter {
            target: Some("shop-db".parse().unwrap()),
            kind: kind("credential"),
            ..none()
        },
        EntryFilter {
            text: Some(line("anything that was typed")),
            ..none()
        },
        EntryFilter {
            text: Some(line("anything that was typed")),
            kind: kind("grant.ended"),
            ..none()
        },
        EntryFilter {
            incident: Some(IncidentId(37)),
            until: at(256),
            ..none()
        },
        EntryFilter {
            since: at(256),
            until: at(512),
            ..none()
        },
        EntryFilter {
            since: at(90_000),
            ..none()
        },
        EntryFilter {
            since: at(400),
            until: at(300),
            ..none()
        },
    ]
}

/// What an entry's own words say, without an index.
fn matches(filter: &EntryFilter, place: u64, event: &Event, kind: &str) -> bool {
    let names = names(event, kind);
    let has = |by: By, name: String| names.iter().any(|known| *known == (by, name.clone()));
    let entry_kind = filter
        .kind
        .as_ref()
        .is_none_or(|wanted| has(By::Kind, wanted.clone()) || has(By::Family, wanted.clone()));
    let at = place.cast_signed() * 1_000;
    entry_kind
        && filter
            .person
            .as_ref()
            .is_none_or(|it| has(By::Person, it.to_string()))
        && filter
            .right
            .as_ref()
            .is_none_or(|it| has(By::Right, it.to_string()))
        && filter
            .incident
            .is_none_or(|it| has(By::Incident, it.to_string()))
        && filter.grant.is_none_or(|it| has(By::Grant, it.to_string()))
        && filter
            .target
            .as_ref()
            .is_none_or(|it| has(By::Target, it.to_string()))
        && filter
            .outcome
            .as_ref()
            .is_none_or(|it| event.change.outcome() == Some(it.as_str()))
        && (filter.text.is_none() || event.change.typed().is_some())
        && filter.since.is_none_or(|since| at >= since.as_millis())
        && filter.until.is_none_or(|until| at < until.as_millis())
}

/// Now and then a host is certified, a role announced, and somebody refused.
fn at_targets(night: u64) -> Vec<(&'static str, Change)> {
    let grant = GrantId(night * 2 + 1);
    let role = Change::CredentialIssued {
        of: of(grant.0, "mia", "deploy-shop", night + 1),
        credential: CredentialId { grant, number: 2 },
        kind: CredentialKind::Postgres,
        subject: Subject::Role {
            target: "shop-db".parse().unwrap(),
            role: line("bg_g_1"),
            member_of: line("shop_owner"),
        },
        audience: line("https://db.shop.example"),
        expires_at: Time::from_millis(HOUR_MS),
        key: key(),
        witnesses: None,
    };
    let refused = Change::Refused {
        act: "request".to_owned(),
        reason: "NOT_ALLOWED".to_owned(),
        text: "no rule lets eve deploy the shop app".to_owned(),
        count: 1,
        incident: None,
        checkpoint: None,
    };
    let certified = Change::HostCertified {
        target: "web-1".parse().unwrap(),
        host: line("web-1.shop.example"),
        key: "SHA256:x".into(),
        serial: "0b".into(),
        expires_at: Time::from_millis(HOUR_MS),
    };
    match night % 3 {
        0 => vec![("mia", role)],
        1 => vec![("eve", refused)],
        _ => vec![("breakglass", certified)],
    }
}

#[tokio::test]
async fn every_question_is_answered_as_by_reading_the_whole_ledger() {
    let mut nights = Nights::new("glass.example/ledger");
    let mut entries = Vec::new();
    for night_number in 0..110 {
        entries.extend(nights.write(night(night_number + 1, night_number * 2 + 1)));
        entries.extend(nights.write(at_targets(night_number)));
    }
    let index = nights.open();
    index.caught_up(nights.size).await.unwrap();
    for filter in filters() {
        let all: Vec<u64> = entries
            .iter()
            .filter(|it| matches(&filter, it.index, &it.event, kind_of(&it.line).unwrap()))
            .map(|it| it.index)
            .collect();
        for cursor in [
            None,
            Some(0),
            Some(255),
            Some(256),
            Some(700),
            Some(u64::MAX - 1),
        ] {
            let after = |place: &&u64| cursor.is_none_or(|last| **place > last);
            let before = |place: &&u64| cursor.is_none_or(|last| **place < last);
            let newest_first = index.entries(&filter, cursor, 50).unwrap().found;
            let wanted: Vec<u64> = all.iter().rev().filter(before).take(50).copied().collect();
            assert_eq!(newest_first, wanted, "{filter:?} before {cursor:?}");
            let forwards = EntryFilter {
                oldest_first: true,
                ..filter.clone()
            };
            let oldest_first = index.entries(&forwards, cursor, 50).unwrap().found;
            let wanted: Vec<u64> = all.iter().filter(after).take(50).copied().collect();
            assert_eq!(oldest_first, wanted, "{filter:?} after {cursor:?}");
        }
    }
}

/// A question that nothing answers is not looked for through a whole history in one call.
#[tokio::test]
async fn a_question_looks_at_so_many_blocks_and_goes_on_from_there() {
    let mut nights = Nights::new("glass.example/ledger");
    for night_number in 0..300 {
        nights.write(night(night_number + 1, night_number * 2 + 1));
    }
    let index = nights.open();
    index.caught_up(nights.size).await.unwrap();
    let filter = EntryFilter {
        person: Some("leon".parse().unwrap()),
        kind: Some("grant.requested".to_owned()),
        until: Some(Time::from_millis(900_000)),
        ..EntryFilter::default()
    };
    for oldest_first in [false, true] {
        let filter = EntryFilter {
            oldest_first,
            ..filter.clone()
        };
        let whole = index.entries(&filter, None, 1_000).unwrap();
        assert_eq!(whole.stopped_at, None, "few blocks are looked at at once");
        let (mut found, mut cursor, mut calls) = (Vec::new(), None, 0);
        loop {
            let part = index.store.entries(&filter, cursor, 1_000, 1).unwrap();
            found.extend(part.found);
            calls += 1;
            cursor = part.stopped_at;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, whole.found, "oldest first: {oldest_first}");
        assert_eq!(calls, 4, "900 entries are in four blocks");
    }
}
