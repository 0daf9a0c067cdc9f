//! Moments in sentences of the broker's: it writes `2026-11-23 03:05:00 UTC`, or `03:05 UTC` of the day
//! of an entry, and whoever reads them has a clock of their own on the wall.

use jiff::{Timestamp, civil, tz::TimeZone};

use crate::time;

const UTC: &str = " UTC";

/// The sentence with each moment as this laptop's clock shows it; one without a date is of the day of
/// `of`. What is no moment stays.
#[must_use]
pub(crate) fn of_here(sentence: &str, of: Timestamp, now: Timestamp) -> String {
    let mut told = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some(place) = rest.find(UTC) {
        let (before, after) = (&rest[..place], &rest[place + UTC.len()..]);
        let ends = !after.starts_with(|c: char| c.is_alphanumeric());
        match last_moment(before, of).filter(|_| ends) {
            Some((start, at)) => {
                told.push_str(&before[..start]);
                told.push_str(&time::local(at, now));
            }
            None => {
                told.push_str(before);
                told.push_str(UTC);
            }
        }
        rest = after;
    }
    told.push_str(rest);
    told
}

/// The moment a text ends with, and where that begins.
fn last_moment(text: &str, of: Timestamp) -> Option<(usize, Timestamp)> {
    let dated = |text: &str, form: &str| civil::DateTime::strptime(form, text).ok();
    let of_day = |text: &str| {
        let clock = civil::Time::strptime("%H:%M", text).ok()?;
        let day = of.to_zoned_datetime(TimeZone::UTC).date();
        Some(day.to_datetime(clock))
    };
    let longest_first = [
        ("2026-11-23 03:05:00".len(), Some("%Y-%m-%d %H:%M:%S")),
        ("2026-11-23 03:05".len(), Some("%Y-%m-%d %H:%M")),
        ("03:05".len(), None),
    ];
    longest_first.into_iter().find_map(|(length, form)| {
        let start = text.len().checked_sub(length)?;
        let (before, moment) = (text.get(..start)?, text.get(start..)?);
        let begins = !before.ends_with(|c: char| c.is_alphanumeric() || ":-".contains(c));
        let wall = match form {
            Some(form) => dated(moment, form),
            None => of_day(moment),
        };
        let at = TimeZone::UTC.to_timestamp(wall.filter(|_| begins)?).ok()?;
        Some((start, at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(sentence: &str) -> String {
        let now = "2026-11-23T03:30:00Z".parse().unwrap();
        of_here(sentence, now, now)
    }

    /// What this laptop's clock shows then; whoever runs this may be anywhere.
    fn here(at: &str) -> String {
        let now = "2026-11-23T03:30:00Z".parse().unwrap();
        time::local(at.parse().unwrap(), now)
    }

    #[test]
    fn each_moment_is_told_as_the_clock_on_the_wall_has_it() {
        let (three, ten) = (here("2026-11-23T03:05:00Z"), here("2026-11-24T10:00:00Z"));
        assert_eq!(told("until 03:05 UTC."), format!("until {three}."));
        assert_eq!(
            told("approvers of G-1 have until 2026-11-23 03:05:00 UTC to answer"),
            format!("approvers of G-1 have until {three} to answer")
        );
        assert_eq!(
            told("from 2026-11-23 03:05 UTC until 2026-11-24 10:00 UTC"),
            format!("from {three} until {ten}")
        );
    }

    #[test]
    fn what_is_no_moment_stays() {
        for sentence in [
            "",
            " UTC",
            "times are UTC",
            "99:99 UTC",
            "13:03:05 UTC",
            "03:05 UTCs",
            "v03:05 UTC",
            "2026-13-23 03:05:00 UTC",
            "ä3:05 UTC",
            "\u{1f525} UTC, 03:05 CET",
        ] {
            assert_eq!(told(sentence), sentence);
        }
    }
}
