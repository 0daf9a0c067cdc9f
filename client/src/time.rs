//! The only file that reads a clock: this laptop's, and through it the broker's.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// The time of this laptop's clock.
#[must_use]
#[allow(clippy::disallowed_methods)] // the one place
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The broker's clock as seen from here: what it said, carried on by a clock nobody can set.
#[derive(Debug, Clone, Copy)]
pub struct BrokerClock {
    said: Timestamp,
    heard: Instant,
    skew: SignedDuration,
}

impl BrokerClock {
    /// Takes the time the broker gave in an answer that took `round_trip`; half of that is
    /// assumed to be the way back.
    #[must_use]
    pub fn set(said: Timestamp, round_trip: Duration) -> Self {
        let back = SignedDuration::try_from(round_trip / 2).unwrap_or_default();
        let said = said.saturating_add(back).unwrap_or(said);
        Self {
            said,
            heard: Instant::now(),
            skew: said.duration_since(now()),
        }
    }

    /// The broker's time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.heard.elapsed()).unwrap_or_default();
        self.said.saturating_add(passed).unwrap_or(self.said)
    }

    /// How far the broker's clock was ahead of this laptop's when it was heard.
    #[must_use]
    pub fn skew(&self) -> SignedDuration {
        self.skew
    }
}

/// Measures how long something took, for [`BrokerClock::set`].
pub fn stopwatch() -> impl Fn() -> Duration {
    let started = Instant::now();
    move || started.elapsed()
}

/// A time of the contract; `None` where it is not set or out of range.
#[must_use]
pub fn from_proto(time: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
    time.and_then(|time| Timestamp::new(time.seconds, time.nanos).ok())
}

/// A date, or a date and time, without a zone: as this laptop's clock on the wall shows it.
#[must_use]
pub fn of_here(text: &str) -> Option<Timestamp> {
    let wall: jiff::civil::DateTime = text.parse().ok()?;
    TimeZone::system()
        .to_ambiguous_timestamp(wall)
        .compatible()
        .ok()
}

/// The last moment at which this laptop's clock on the wall showed a time of day.
#[must_use]
pub fn last(clock: jiff::civil::Time, now: Timestamp) -> Timestamp {
    let today = now.to_zoned_datetime(TimeZone::system());
    let of_day = |date: jiff::civil::Date| {
        let wall = date.to_datetime(clock);
        let zoned = TimeZone::system().to_ambiguous_timestamp(wall);
        zoned.compatible().ok().filter(|at| *at <= now)
    };
    let yesterday = today.date().yesterday().ok();
    of_day(today.date())
        .or_else(|| yesterday.and_then(of_day))
        .unwrap_or(now)
}

/// A time for the contract.
#[must_use]
pub fn to_proto(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: time.as_second(),
        nanos: time.subsec_nanosecond(),
    }
}

/// A length of the contract; `None` where it is not set or out of range.
#[must_use]
pub fn length_from_proto(length: Option<&prost_types::Duration>) -> Option<SignedDuration> {
    length.map(|length| SignedDuration::from_secs(length.seconds))
}

/// RFC 3339, UTC, to the millisecond: how times stand in JSON.
#[must_use]
pub fn rfc3339(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// [`rfc3339`], where serde makes JSON of it.
///
/// # Errors
/// Those of the serializer.
pub fn in_json<S: serde::Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&rfc3339(*time))
}

/// The same of one that may not be known: `null`.
///
/// # Errors
/// Those of the serializer.
pub fn in_json_if_known<S: serde::Serializer>(
    time: &Option<Timestamp>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => in_json(time, to),
        None => to.serialize_none(),
    }
}

/// A length in few words: `45s`, `15m`, `1h30m`, `2d4h`.
#[must_use]
pub fn short(length: SignedDuration) -> String {
    let seconds = length.as_secs().unsigned_abs();
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes, rest) {
        (0, 0, 0, s) => format!("{s}s"),
        (0, 0, m, s) if m < 5 && s > 0 => format!("{m}m{s}s"),
        (0, 0, m, _) => format!("{m}m"),
        (0, h, 0, _) => format!("{h}h"),
        (0, h, m, _) => format!("{h}h{m}m"),
        (d, 0, _, _) => format!("{d}d"),
        (d, h, _, _) => format!("{d}d{h}h"),
    }
}

/// How far away a time is, to the nearest of the smallest unit shown: `in 14m`, `3m ago`, `now`.
/// What was asked for 15 minutes is over `in 15m`, though a moment of them has passed.
#[must_use]
pub fn relative(time: Timestamp, now: Timestamp) -> String {
    let away = rounded(time.duration_since(now));
    match away.as_secs() {
        0 => "now".to_owned(),
        1.. => format!("in {}", short(away)),
        _ => format!("{} ago", short(away)),
    }
}

/// To the nearest of the unit that [`short`] ends with: seconds, minutes, or hours beside days.
fn rounded(length: SignedDuration) -> SignedDuration {
    const DAY: i64 = 86_400;
    let nearest = |unit: i64| {
        let millis = length.as_millis();
        let unit = i128::from(unit) * 1_000;
        let units = (millis + millis.signum() * unit / 2) / unit;
        i64::try_from(units * unit / 1_000).unwrap_or_default()
    };
    let seconds = match nearest(1).abs() {
        0..300 => nearest(1),
        300..DAY => nearest(60),
        _ => nearest(3_600),
    };
    SignedDuration::from_secs(seconds)
}

/// The time on this laptop's wall: `14:05` on the same day, else with the date.
#[must_use]
pub fn local(time: Timestamp, now: Timestamp) -> String {
    in_zone(time, now, &TimeZone::system())
}

/// The same to the second, without a date: for what changes as one looks.
#[must_use]
pub fn clock(time: Timestamp) -> String {
    let here = time.to_zoned_datetime(TimeZone::system());
    here.strftime("%H:%M:%S").to_string()
}

/// Both: `14:05 (in 14m)`.
#[must_use]
pub fn local_and_relative(time: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", local(time, now), relative(time, now))
}

fn in_zone(time: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (time, today) = (
        time.to_zoned_datetime(zone.clone()),
        now.to_zoned_datetime(zone.clone()),
    );
    let form = if time.date() == today.date() {
        "%H:%M"
    } else if time.year() == today.year() {
        "%d %b %H:%M"
    } else {
        "%d %b %Y %H:%M"
    };
    time.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn in_json_each_time_has_as_many_digits() {
        #[derive(serde::Serialize)]
        struct Told {
            #[serde(serialize_with = "in_json")]
            at: Timestamp,
            #[serde(serialize_with = "in_json_if_known")]
            until: Option<Timestamp>,
        }
        let told = |text: &str, until| {
            let (at, until) = (at(text), until);
            serde_json::to_string(&Told { at, until }).unwrap()
        };
        assert_eq!(
            told("2026-11-23T01:26:08.96Z", None),
            r#"{"at":"2026-11-23T01:26:08.960Z","until":null}"#
        );
        let until = Some(at("2026-11-23T01:26:08Z"));
        let said = told("2026-11-23T01:26:08.1234Z", until);
        assert!(
            said.contains("08.123Z") && said.contains("08.000Z"),
            "{said}"
        );
    }

    #[test]
    fn lengths_are_short() {
        for (seconds, text) in [
            (0, "0s"),
            (45, "45s"),
            (61, "1m1s"),
            (900, "15m"),
            (3_599, "59m"),
            (3_600, "1h"),
            (5_400, "1h30m"),
            (187_200, "2d4h"),
            (-90, "1m30s"),
        ] {
            assert_eq!(short(SignedDuration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn times_are_told_by_the_distance() {
        let now = at("2026-11-23T03:05:00Z");
        assert_eq!(relative(at("2026-11-23T03:20:00Z"), now), "in 15m");
        assert_eq!(relative(at("2026-11-23T03:02:00Z"), now), "3m ago");
        assert_eq!(relative(now, now), "now");
        for (time, text) in [
            ("2026-11-23T03:19:59.900Z", "in 15m"),
            ("2026-11-23T03:19:29Z", "in 14m"),
            ("2026-11-23T03:09:59.600Z", "in 5m"),
            ("2026-11-23T03:09:58Z", "in 4m58s"),
            ("2026-11-23T11:04:59.900Z", "in 8h"),
            ("2026-12-23T03:04:59Z", "in 30d"),
            ("2026-11-23T02:49:50Z", "15m ago"),
            ("2026-11-23T03:04:59.800Z", "now"),
        ] {
            assert_eq!(relative(at(time), now), text);
        }
    }

    #[test]
    fn only_another_day_shows_its_date() {
        let now = at("2026-11-23T03:05:00Z");
        let utc = TimeZone::UTC;
        assert_eq!(in_zone(at("2026-11-23T14:05:00Z"), now, &utc), "14:05");
        assert_eq!(
            in_zone(at("2026-11-22T14:05:00Z"), now, &utc),
            "22 Nov 14:05"
        );
        assert_eq!(
            in_zone(at("2025-11-22T14:05:00Z"), now, &utc),
            "22 Nov 2025 14:05"
        );
    }

    #[test]
    fn times_survive_the_wire_and_nonsense_does_not() {
        let time = at("2026-11-23T03:05:00.123Z");
        assert_eq!(from_proto(Some(&to_proto(time))), Some(time));
        assert_eq!(from_proto(None), None);
        let wild = prost_types::Timestamp {
            seconds: i64::MAX,
            nanos: -1,
        };
        assert_eq!(from_proto(Some(&wild)), None);
    }

    #[test]
    fn the_brokers_clock_runs_on_from_what_it_said() {
        let clock = BrokerClock::set(at("2030-01-01T00:00:00Z"), Duration::from_secs(2));
        let later = clock.now().duration_since(at("2030-01-01T00:00:01Z"));
        assert!(
            !later.is_negative() && later < SignedDuration::from_secs(30),
            "{later}"
        );
        assert!(clock.skew() > SignedDuration::from_hours(24));
    }
}
