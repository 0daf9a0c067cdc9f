//! Moments and lengths, as the rules know them.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

/// A moment in UTC, to the millisecond: what an entry holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(Timestamp);

impl Time {
    /// The millisecond a timestamp falls in.
    #[must_use]
    pub fn from_timestamp(at: Timestamp) -> Self {
        Self::from_millis(at.as_millisecond())
    }

    /// Milliseconds since 1970-01-01T00:00:00Z; outside of jiff's range (years -9999 to 9999) the
    /// nearest moment inside.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        let nearest = if millis < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        };
        Self(Timestamp::from_millisecond(millis).unwrap_or(nearest))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down (RFC 7519 NumericDate).
    #[must_use]
    pub fn as_secs(self) -> i64 {
        self.as_millis().div_euclid(1_000)
    }

    /// For the edges that speak jiff.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        self.0
    }

    /// Later by `length`; never past what a timestamp can hold.
    #[must_use]
    pub fn plus(self, length: Lifetime) -> Self {
        Self::from_millis(self.as_millis().saturating_add(length.as_millis()))
    }

    /// Earlier by `length`.
    #[must_use]
    pub fn minus(self, length: Lifetime) -> Self {
        Self::from_millis(self.as_millis().saturating_sub(length.as_millis()))
    }

    /// The time from `earlier` to this; zero where it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Lifetime {
        Lifetime::from_millis(self.as_millis().saturating_sub(earlier.as_millis()))
    }
}

/// RFC 3339, UTC, always three decimals: `2026-11-23T03:05:00.000Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Time {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::from_timestamp)
    }
}

/// A length of time, to the millisecond, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lifetime {
    millis: i64,
}

impl Lifetime {
    /// Nothing.
    pub const ZERO: Self = Self { millis: 0 };

    /// So many seconds; at most what milliseconds can count.
    #[must_use]
    pub const fn from_secs(secs: u32) -> Self {
        Self {
            millis: secs as i64 * 1_000,
        }
    }

    /// So many milliseconds; a negative number is nothing.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self {
            millis: if millis < 0 { 0 } else { millis },
        }
    }

    /// `None` for a negative length.
    #[must_use]
    pub fn from_duration(length: SignedDuration) -> Option<Self> {
        let millis = i64::try_from(length.as_millis()).ok()?;
        (millis >= 0).then_some(Self { millis })
    }

    /// In milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.millis
    }

    /// In whole seconds, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.millis / 1_000
    }
}

/// As people say it: `15m`, `1h 30m`, `45s`.
impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.as_secs();
        let parts = [(secs / 3_600, "h"), (secs / 60 % 60, "m"), (secs % 60, "s")];
        let mut written = false;
        for (number, unit) in parts {
            if number > 0 {
                write!(f, "{}{number}{unit}", if written { " " } else { "" })?;
                written = true;
            }
        }
        if written { Ok(()) } else { f.write_str("0s") }
    }
}
