//! Handing over, as the auditor wrote it down.

use breakglass_domain::grant;
use breakglass_domain::{Actor, Change, Ending, Event, GrantId, PersonId, Time};

use super::{Asked, Auditor, Record};

/// Where a request comes from.
pub(super) struct Handed {
    pub(super) from: GrantId,
    pub(super) by: PersonId,
    pub(super) since: Time,
    until: Time,
}

impl Auditor {
    /// By the holder of an active grant, for somebody else who can use it and has nothing of the kind.
    pub(super) fn handed(&self, event: &Event, handed: &grant::Handed) -> Handed {
        let Change::GrantRequested {
            of,
            lapses_at,
            self_grant,
            held,
            key,
            ..
        } = &event.change
        else {
            unreachable!()
        };
        let by = event.by.person().expect("a person hands over").clone();
        let other = &self.grants[&handed.from];
        let begun = other.begun.as_ref().expect("it had begun");
        assert!(other.ended.is_none() && event.at < begun.ends_at);
        assert!(other.asked.person == by && of.person != by);
        assert_eq!(
            (&other.asked.right, other.asked.incident),
            (&of.right, of.incident)
        );
        assert!(handed.until <= begun.ends_at && *lapses_at <= begun.ends_at);
        let since = other.handed.as_ref().map_or(begun.at, |it| it.since);
        assert_eq!(handed.since, since);
        assert!(self_grant.is_none() && !held && key.is_none());
        assert!(self.keys.values().any(|whose| *whose == of.person));
        let vetoed = (of.incident, of.person.clone(), of.right.clone());
        assert!(!self.vetoed.contains(&vetoed));
        let same = |it: &&Record| {
            (&it.asked.person, &it.asked.right, it.asked.incident)
                == (&of.person, &of.right, of.incident)
        };
        assert_eq!(self.live().filter(same).count(), 0, "nothing of the kind");
        Handed {
            from: handed.from,
            by,
            since,
            until: handed.until,
        }
    }

    /// It lives until the new one begins, and the new one is over when it would have been.
    pub(super) fn end_of_other(&self, handed: &Handed, event: &Event) -> Time {
        let other = &self.grants[&handed.from];
        let begun = other.begun.as_ref().unwrap();
        assert!(
            other.ended.is_none() && event.at < begun.ends_at,
            "{event:?}"
        );
        begun.ends_at.min(handed.until)
    }

    /// The very next event after the beginning is the end of the other, and only that.
    pub(super) fn swaps(&mut self, event: &Event) {
        let ending = match &event.change {
            Change::GrantEnded {
                of,
                ending: Ending::HandedOver,
                to,
                ..
            } => Some((of.grant, to.as_ref().unwrap().grant)),
            _ => None,
        };
        assert_eq!(self.swap.take(), ending, "{event:?}");
        if ending.is_some() {
            assert_eq!(event.by, Actor::Broker);
            assert_eq!(self.newest, Some(event.at), "at the same moment");
        }
    }

    pub(super) fn has_key(&self, asked: &Asked) {
        match &asked.key {
            Some(key) => assert_eq!(self.keys.get(key), Some(&asked.person)),
            None => assert!(self.keys.values().any(|whose| *whose == asked.person)),
        }
    }

    pub(super) fn waits_for_a_live_one(&self, record: &Record) {
        if let (Some(handed), None) = (&record.handed, &record.begun) {
            assert!(self.grants[&handed.from].ended.is_none(), "{}", handed.from);
        }
    }
}
