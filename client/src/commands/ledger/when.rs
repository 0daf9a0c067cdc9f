//! Times as people give them: `--since 2d`.

use jiff::{SignedDuration, Timestamp};

use crate::time;

/// A point in time as people give it.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    Ago(SignedDuration),
    At(Timestamp),
}

impl When {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let days = text
            .strip_suffix('d')
            .and_then(|days| days.parse::<i64>().ok());
        if let Some(days) = days.filter(|days| (0..100_000).contains(days)) {
            return Ok(Self::Ago(SignedDuration::from_hours(days * 24)));
        }
        if let Ok(ago) = text.parse::<SignedDuration>() {
            return Ok(Self::Ago(ago.abs()));
        }
        let at = text
            .parse::<Timestamp>()
            .ok()
            .or_else(|| time::of_here(text));
        at.map(Self::At).ok_or_else(|| {
            "a time looks like 2d, 3h, 2026-11-23, '2026-11-23 03:00' or 2026-11-23T03:00:00Z"
                .to_owned()
        })
    }

    pub(super) fn time(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now.saturating_sub(ago).unwrap_or(Timestamp::MIN),
        }
    }

    pub(super) fn to_proto(self, now: Timestamp) -> prost_types::Timestamp {
        time::to_proto(self.time(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_give_them() {
        let now: Timestamp = "2026-11-23T03:00:00Z".parse().unwrap();
        let read = |text: &str| {
            let time = When::parse(text)?.to_proto(now);
            Ok::<_, String>(time::from_proto(Some(&time)).unwrap().to_string())
        };
        assert_eq!(read("2d").unwrap(), "2026-11-21T03:00:00Z");
        assert_eq!(read("90m").unwrap(), "2026-11-23T01:30:00Z");
        assert_eq!(
            read("2026-11-01T00:00:00Z").unwrap(),
            "2026-11-01T00:00:00Z"
        );
        for (typed, here) in [
            ("2026-11-27", "2026-11-27T00:00:00"),
            ("2026-11-27 10:00", "2026-11-27T10:00:00"),
            ("2026-11-27T10:00:30", "2026-11-27T10:00:30"),
        ] {
            assert_eq!(
                read(typed).unwrap(),
                time::of_here(here).unwrap().to_string()
            );
        }
        for wrong in ["yesterday", "2026-11-32", "10:00", ""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
