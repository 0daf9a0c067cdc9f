//! Where the ledger is copied to as it grows is on record: when it begins, changes, and ends.

use std::collections::BTreeMap;

use breakglass_domain::stream::{Stream, StreamKind, WantedStream};
use breakglass_domain::{Act, Actor, Change, Event};

use crate::world::{World, line};

fn wanted(destination: &str, from: u64) -> WantedStream {
    let (kind, destination) = (StreamKind::Syslog, line(destination));
    WantedStream {
        stream: Stream { kind, destination },
        from,
        anew: false,
    }
}

fn has(world: &mut World, streams: &[(&str, WantedStream)]) -> Vec<Event> {
    let each = streams.iter();
    let streams: BTreeMap<_, _> = each
        .map(|(name, wanted)| (name.parse().unwrap(), wanted.clone()))
        .collect();
    world.broker_does(Act::NoteStreams { streams }).unwrap()
}

/// `+siem 7` where one begins with an entry, `-siem` where it ends.
fn told(events: &[Event]) -> Vec<String> {
    let each = events.iter().map(|event| match &event.change {
        Change::StreamBegan { stream, from, .. } => format!("+{stream} {from}"),
        Change::StreamEnded { stream, .. } => format!("-{stream}"),
        other => panic!("{other:?}"),
    });
    assert!(events.iter().all(|event| event.by == Actor::Broker));
    each.collect()
}

#[test]
fn each_restart_says_what_has_changed_and_nothing_else() {
    let mut world = World::empty();
    let (siem, archive) = (wanted("siem.example:6514", 7), wanted("a.example:6514", 0));
    let events = has(&mut world, &[("siem", siem.clone())]);
    assert_eq!(told(&events), ["+siem 7"]);
    assert_eq!(has(&mut world, &[("siem", siem.clone())]), []);
    let later = wanted("siem.example:6514", 90);
    assert_eq!(
        has(&mut world, &[("siem", later.clone())]),
        [],
        "it goes on where it was, which is nothing new"
    );
    let both = [("siem", siem.clone()), ("archive", archive)];
    assert_eq!(told(&has(&mut world, &both)), ["+archive 0"]);
    assert_eq!(told(&has(&mut world, &[("siem", siem)])), ["-archive"]);
    let moved = wanted("other.example:6514", 95);
    let events = has(&mut world, &[("siem", moved)]);
    assert_eq!(told(&events), ["-siem", "+siem 95"], "endings first");
    assert_eq!(told(&has(&mut world, &[])), ["-siem"]);
    assert_eq!(has(&mut world, &[]), []);
}

#[test]
fn what_is_sent_again_from_the_beginning_is_on_record() {
    let mut world = World::empty();
    let siem = wanted("siem.example:6514", 7);
    has(&mut world, &[("siem", siem.clone())]);
    let anew = WantedStream { anew: true, ..siem };
    assert_eq!(
        told(&has(&mut world, &[("siem", anew)])),
        ["-siem", "+siem 7"]
    );
}

#[test]
fn nobody_but_the_broker_says_so() {
    let mut world = World::team();
    let act = Act::NoteStreams {
        streams: BTreeMap::new(),
    };
    let refusal = world.does("founder", act).unwrap_err();
    assert_eq!(refusal.code(), "NOT_PERMITTED");
}
