//! What the guard knows of the broker, and what follows from it: pure, the time is handed in.
//!
//! State, not events: a session ends when its grant is not in the newest standing. Nothing that was
//! missed while the stream was broken has to be heard later.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::{
    broker::{Live, Standing},
    limits::{
        DEFAULT_GRACE, EXPIRY_SLACK, MAX_ENDED, MAX_GRACE, MAX_SKEW, SETTLE, START_GRACE,
        TICK_TIMEOUT,
    },
};
use crate::time;

/// One moment on both clocks: one nobody can set, and the one people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Counts the time that passes.
    pub passing: Instant,
    /// This host's time of day.
    pub wall: Timestamp,
}

impl Moment {
    /// This one.
    #[must_use]
    pub fn now() -> Self {
        Self {
            passing: Instant::now(),
            wall: time::now(),
        }
    }
}

/// What is known of the broker.
#[derive(Debug, Clone)]
pub struct View {
    started: Instant,
    live: Option<BTreeMap<String, Live>>,
    /// When that was heard.
    stood: Option<Instant>,
    /// Why grants are over, as far as it was said.
    ended: BTreeMap<String, String>,
    doomed: BTreeSet<String>,
    contact: Option<Contact>,
    /// The newest time of a tick.
    ticked: Option<Timestamp>,
    grace: Duration,
}

/// When the broker was last heard of.
#[derive(Debug, Clone, Copy)]
struct Contact {
    at: Moment,
    /// What its own clock said then; the host's, where that was before this guard started.
    broker: Timestamp,
}

/// What is wrong with a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTick {
    /// It is no newer than one before it.
    #[error("the broker's tick is no newer than the one before it")]
    Stale,
    /// The clocks disagree.
    #[error("the broker's clock is {} {} this host's; at most 60s are taken", time::short(*.0), if .0.is_negative() { "behind" } else { "ahead of" })]
    Skewed(SignedDuration),
}

/// A session, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its name at the broker.
    pub id: Option<&'a str>,
    /// Its grant.
    pub grant: &'a str,
    /// When it was let in; `None` where that was before this guard started.
    pub admitted: Option<Instant>,
}

impl View {
    /// Nothing heard yet. `contact` and `grace` are what a guard before this one wrote down.
    #[must_use]
    pub fn new(now: Moment, contact: Option<Timestamp>, grace: Option<Duration>) -> Self {
        let contact = contact.map(|wall| {
            let ago = Duration::try_from(now.wall.duration_since(wall)).unwrap_or_default();
            let passing = now.passing.checked_sub(ago).unwrap_or(now.passing);
            Contact {
                at: Moment { passing, wall },
                broker: wall,
            }
        });
        Self {
            started: now.passing,
            live: None,
            stood: None,
            ended: BTreeMap::new(),
            doomed: BTreeSet::new(),
            contact,
            ticked: None,
            grace: grace.unwrap_or(DEFAULT_GRACE).min(MAX_GRACE),
        }
    }

    /// Hears a tick.
    ///
    /// # Errors
    /// [`BadTick`]; it is no contact then.
    pub fn tick(&mut self, tick: Timestamp, now: Moment) -> Result<(), BadTick> {
        if self.ticked.is_some_and(|before| tick <= before) {
            return Err(BadTick::Stale);
        }
        let ahead = tick.duration_since(now.wall);
        if ahead.abs() > MAX_SKEW {
            return Err(BadTick::Skewed(ahead));
        }
        self.ticked = Some(tick);
        self.contact = Some(Contact {
            at: now,
            broker: tick,
        });
        Ok(())
    }

    /// Hears how long access outlives the contact.
    pub fn hear_grace(&mut self, grace: Duration) {
        self.grace = grace.min(MAX_GRACE);
    }

    /// Hears whose access lives.
    pub fn stand(&mut self, standing: Standing, now: Moment) {
        for ended in standing.ended {
            self.ended.insert(ended.grant, ended.text);
        }
        self.ended
            .retain(|grant, _| !standing.live.contains_key(grant));
        while self.ended.len() > MAX_ENDED {
            self.ended.pop_first();
        }
        self.doomed = standing.doomed.into_iter().collect();
        self.live = Some(standing.live);
        self.stood = Some(now.passing);
    }

    /// When the broker was last heard of, on this host's clock.
    #[must_use]
    pub fn contact(&self) -> Option<Timestamp> {
        self.contact.map(|contact| contact.at.wall)
    }

    /// The grace that counts now.
    #[must_use]
    pub fn grace(&self) -> Duration {
        self.grace
    }

    /// Whether a tick is as fresh as it ought to be.
    #[must_use]
    pub fn is_fresh(&self, now: Moment) -> bool {
        self.ticked.is_some()
            && self
                .contact
                .is_some_and(|contact| now.passing < contact.at.passing + TICK_TIMEOUT)
    }

    /// When access ends for want of contact. A guard that has just started gets a little time.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        let outlives = self.grace.max(TICK_TIMEOUT);
        let start = self.started + START_GRACE;
        match self.contact {
            None => start,
            Some(contact) if self.ticked.is_some() => contact.at.passing + outlives,
            Some(contact) => start.max(contact.at.passing + outlives),
        }
    }

    /// Whether the broker is out of reach for longer than the grace, in words.
    #[must_use]
    pub fn lost(&self, now: Moment) -> Option<String> {
        if now.passing < self.deadline() {
            return None;
        }
        let grace = time::short(SignedDuration::try_from(self.grace).unwrap_or_default());
        Some(match self.contact {
            Some(contact) => format!(
                "the broker cannot be reached since {} (grace {grace}), so emergency access is over",
                time::rfc3339(contact.at.wall)
            ),
            None => "the broker cannot be reached, so there is no emergency access".to_owned(),
        })
    }

    /// Why this session has to end now, in words; `None` while it may go on.
    #[must_use]
    pub fn verdict(&self, session: Seen<'_>, now: Moment) -> Option<String> {
        if let Some(why) = self.lost(now) {
            return Some(why);
        }
        let live = self.live.as_ref()?;
        let grant = session.grant;
        let Some(live) = live.get(grant) else {
            if let Some(text) = self.ended.get(grant) {
                return Some(text.clone());
            }
            let known = self.is_fresh(now) || self.stood >= session.admitted;
            let settled = now.passing >= self.settled(session);
            return (known && settled).then(|| format!("grant {grant} is over"));
        };
        if session.id.is_some_and(|id| self.doomed.contains(id)) {
            return Some(format!(
                "the broker holds this session under {grant} for over"
            ));
        }
        let end = live.ends_at.saturating_add(EXPIRY_SLACK).ok()?;
        (self.broker_time(now) >= end).then(|| {
            let at = time::rfc3339(live.ends_at);
            format!("grant {grant} under {} has expired at {at}", live.incident)
        })
    }

    /// Why a grant is over, where the broker has said so: none ever lives again.
    #[must_use]
    pub fn over(&self, grant: &str) -> Option<&str> {
        self.ended.get(grant).map(String::as_str)
    }

    /// The sessions here that the broker wants to be over.
    pub fn doomed(&self) -> impl Iterator<Item = &str> {
        self.doomed.iter().map(String::as_str)
    }

    /// The broker has heard of the end of one of them.
    pub fn mourned(&mut self, id: &str) {
        self.doomed.remove(id);
    }

    /// Whether a login that the broker cannot be asked about may come in all the same.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn let_in_unasked(&self, grant: &str, now: Moment) -> Result<(), String> {
        if let Some(why) = self.lost(now) {
            return Err(why);
        }
        let live = self.live.as_ref().and_then(|live| live.get(grant));
        match live {
            Some(live) if self.broker_time(now) < live.ends_at => Ok(()),
            _ => Err(format!(
                "the broker cannot be reached to ask about grant {grant}; try again"
            )),
        }
    }

    /// When something may have to end next though nothing is heard.
    #[must_use]
    pub fn next_look<'a>(
        &self,
        sessions: impl Iterator<Item = Seen<'a>>,
        now: Moment,
    ) -> Option<Instant> {
        let ends = sessions.map(|session| self.end_of(session, now));
        let end = ends.min()?;
        Some(end.min(self.deadline()))
    }

    fn end_of(&self, session: Seen<'_>, now: Moment) -> Instant {
        let live = self.live.as_ref();
        match live.map(|live| live.get(session.grant)) {
            None => self.deadline(),
            // Once settled, only news can change the verdict.
            Some(None) if now.passing < self.settled(session) => self.settled(session),
            Some(None) => self.deadline(),
            Some(Some(live)) => {
                let end = live.ends_at.saturating_add(EXPIRY_SLACK);
                let left = end
                    .unwrap_or(Timestamp::MAX)
                    .duration_since(self.broker_time(now));
                let left = Duration::try_from(left).unwrap_or_default();
                // Far ends are looked at again long before.
                now.passing + left.min(MAX_GRACE)
            }
        }
    }

    /// From when on being missing from the standing counts.
    fn settled(&self, session: Seen<'_>) -> Instant {
        session.admitted.map_or(self.started, |at| at + SETTLE)
    }

    /// The broker's time, carried on from its last tick.
    fn broker_time(&self, now: Moment) -> Timestamp {
        match self.contact {
            None => now.wall,
            Some(contact) => {
                let passed = now.passing.saturating_duration_since(contact.at.passing);
                let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
                contact
                    .broker
                    .saturating_add(passed)
                    .unwrap_or(Timestamp::MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::ssh::broker::EndedGrant;

    const SECOND: Duration = Duration::from_secs(1);

    fn start() -> Moment {
        Moment {
            passing: Instant::now() + Duration::from_secs(10_000),
            wall: "2026-11-23T03:05:00Z".parse().unwrap(),
        }
    }

    fn after(moment: Moment, secs: u64) -> Moment {
        Moment {
            passing: moment.passing + Duration::from_secs(secs),
            wall: moment.wall + Duration::from_secs(secs),
        }
    }

    fn standing(live: &[(&str, u64)], ended: &[(&str, &str)]) -> Standing {
        let live = live.iter().map(|(grant, secs)| {
            let live = Live {
                person: "mia".into(),
                right: "shell-web".into(),
                incident: "INC-12".into(),
                ends_at: after(start(), *secs).wall,
            };
            ((*grant).to_owned(), live)
        });
        let ended = ended.iter().map(|(grant, text)| EndedGrant {
            grant: (*grant).to_owned(),
            text: (*text).to_owned(),
        });
        Standing {
            live: live.collect(),
            ended: ended.collect(),
            doomed: vec!["S-9".to_owned()],
        }
    }

    fn old(grant: &str) -> Seen<'_> {
        Seen {
            id: None,
            grant,
            admitted: None,
        }
    }

    fn attended(now: Moment) -> View {
        let mut view = View::new(now, None, None);
        view.tick(now.wall, now).unwrap();
        view.stand(standing(&[("G-45", 600)], &[]), now);
        view
    }

    #[test]
    fn a_session_ends_when_its_grant_is_not_in_the_newest_standing() {
        let now = start();
        let mut view = attended(now);
        assert_eq!(view.verdict(old("G-45"), now), None);
        assert_eq!(
            view.verdict(old("G-44"), now).unwrap(),
            "grant G-44 is over"
        );
        view.stand(standing(&[], &[("G-45", "leon closed INC-12: fixed")]), now);
        let why = view.verdict(old("G-45"), now).unwrap();
        assert_eq!(why, "leon closed INC-12: fixed");
    }

    #[test]
    fn a_session_the_broker_holds_for_over_ends_though_its_grant_lives() {
        let now = start();
        let mut view = attended(now);
        let doomed = Seen {
            id: Some("S-9"),
            ..old("G-45")
        };
        assert!(view.verdict(doomed, now).is_some());
        view.mourned("S-9");
        assert_eq!(view.verdict(doomed, now), None);
    }

    #[test]
    fn the_standing_that_names_a_new_grant_may_be_on_its_way() {
        let now = start();
        let mut view = attended(now);
        let new = Seen {
            id: None,
            grant: "G-46",
            admitted: Some(now.passing),
        };
        assert_eq!(view.verdict(new, now), None);
        assert_eq!(
            view.next_look([new].into_iter(), now),
            Some(now.passing + SETTLE)
        );
        let later = after(now, 1);
        assert!(view.verdict(new, later).is_some());
        // But not where the broker says that it is over.
        view.stand(standing(&[], &[("G-46", "revoked")]), now);
        assert_eq!(view.verdict(new, now).unwrap(), "revoked");
    }

    #[test]
    fn an_old_standing_says_nothing_of_who_came_after_it_while_the_stream_is_broken() {
        let now = start();
        let view = attended(now);
        let later = after(now, 20);
        let new = Seen {
            id: None,
            grant: "G-46",
            admitted: Some(later.passing),
        };
        let settled = after(now, 22);
        assert_eq!(view.verdict(new, settled), None);
        let look = view.next_look([new].into_iter(), settled);
        assert_eq!(look, Some(now.passing + DEFAULT_GRACE), "no busy loop");
    }

    #[test]
    fn a_grant_runs_out_by_the_brokers_clock_though_nobody_says_so() {
        let now = start();
        let mut view = View::new(now, None, None);
        let ahead = now.wall + Duration::from_secs(30);
        view.tick(ahead, now).unwrap();
        view.stand(standing(&[("G-45", 50)], &[]), now);
        assert_eq!(
            view.verdict(old("G-45"), after(now, 20)),
            None,
            "a second of slack"
        );
        let look = view.next_look([old("G-45")].into_iter(), now);
        assert_eq!(look, Some(now.passing + 21 * SECOND));
        let why = view.verdict(old("G-45"), after(now, 21)).unwrap();
        assert!(
            why.contains("has expired at 2026-11-23T03:05:50.000Z"),
            "{why}"
        );
    }

    #[test]
    fn access_outlives_the_contact_for_the_grace_and_no_longer() {
        let now = start();
        let mut view = attended(now);
        view.hear_grace(Duration::from_secs(120));
        assert_eq!(view.verdict(old("G-45"), after(now, 119)), None);
        assert_eq!(view.let_in_unasked("G-45", after(now, 119)), Ok(()));
        assert!(view.let_in_unasked("G-46", after(now, 119)).is_err());
        let gone = after(now, 120);
        let why = view.verdict(old("G-45"), gone).unwrap();
        assert!(
            why.starts_with(
                "the broker cannot be reached since 2026-11-23T03:05:00.000Z (grace 2m)"
            ),
            "{why}"
        );
        assert_eq!(view.let_in_unasked("G-45", gone), Err(why));
        view.tick(gone.wall, gone).unwrap();
        assert_eq!(view.verdict(old("G-45"), gone), None);
    }

    #[test]
    fn no_grace_at_all_still_takes_a_late_tick() {
        let now = start();
        let mut view = attended(now);
        view.hear_grace(Duration::ZERO);
        assert_eq!(view.verdict(old("G-45"), after(now, 5)), None);
        assert!(view.is_fresh(after(now, 5)));
        assert!(view.verdict(old("G-45"), after(now, 6)).is_some());
    }

    #[test]
    fn only_a_tick_that_goes_forward_and_fits_the_clock_is_contact() {
        let now = start();
        let mut view = attended(now);
        let later = after(now, 30);
        assert_eq!(view.tick(now.wall, later), Err(BadTick::Stale));
        let wild = later.wall + Duration::from_secs(61);
        let skewed = view.tick(wild, later).unwrap_err();
        assert_eq!(
            skewed.to_string(),
            "the broker's clock is 1m1s ahead of this host's; at most 60s are taken"
        );
        assert!(view.verdict(old("G-45"), after(now, 60)).is_some());
    }

    #[test]
    fn a_restart_does_not_begin_the_grace_again() {
        let now = start();
        let before = now.wall - Duration::from_secs(55);
        let view = View::new(now, Some(before), Some(Duration::from_secs(60)));
        assert_eq!(
            view.verdict(old("G-45"), after(now, 9)),
            None,
            "time to connect"
        );
        assert!(view.verdict(old("G-45"), after(now, 10)).is_some());
        assert!(
            view.let_in_unasked("G-45", now).is_err(),
            "nothing heard yet"
        );
        let clock_went_back = now.wall + Duration::from_secs(500);
        let view = View::new(now, Some(clock_went_back), None);
        assert!(view.verdict(old("G-45"), after(now, 60)).is_some());
    }
}
