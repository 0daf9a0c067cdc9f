//! Questions with every filter, against a reading of the whole ledger.

use breakglass_domain::{Event, GrantId, IncidentId, Time};

use super::super::store::{By, kind_of, names};
use super::{Nights, night};
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
        && filter.since.is_none_or(|since| at >= since.as_millis())
        && filter.until.is_none_or(|until| at < until.as_millis())
}

#[tokio::test]
async fn every_question_is_answered_as_by_reading_the_whole_ledger() {
    let mut nights = Nights::new("glass.example/ledger");
    let mut entries = Vec::new();
    for night_number in 0..110 {
        entries.extend(nights.write(night(night_number + 1, night_number * 2 + 1)));
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
            let newest_first = index.entries(&filter, cursor, 50).unwrap();
            let wanted: Vec<u64> = all.iter().rev().filter(before).take(50).copied().collect();
            assert_eq!(newest_first, wanted, "{filter:?} before {cursor:?}");
            let forwards = EntryFilter {
                oldest_first: true,
                ..filter.clone()
            };
            let oldest_first = index.entries(&forwards, cursor, 50).unwrap();
            let wanted: Vec<u64> = all.iter().filter(after).take(50).copied().collect();
            assert_eq!(oldest_first, wanted, "{filter:?} after {cursor:?}");
        }
    }
}
