//! How long each of several credentials lives. The plan of a running command knows one moment, the
//! earliest; this knows which credentials it stands for.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Need;

/// The ends of the credentials of one command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Freshness(BTreeMap<Need, Timestamp>);

impl Freshness {
    /// One has come, the first or in place of the one before.
    pub fn came(&mut self, need: Need, expires_at: Timestamp) {
        self.0.insert(need, expires_at);
    }

    /// When the first of them runs out; `None` where there is none.
    #[must_use]
    pub fn earliest(&self) -> Option<Timestamp> {
        self.0.values().min().copied()
    }

    /// When one of them runs out; `None` where it has not come.
    #[must_use]
    pub fn end_of(&self, need: Need) -> Option<Timestamp> {
        self.0.get(&need).copied()
    }

    /// Those that have come.
    pub fn needs(&self) -> impl Iterator<Item = Need> {
        self.0.keys().copied()
    }

    /// Which to ask for again when the plan says so. One that lives as long as the grant is left
    /// alone: a database role, for example, is made once, and made again only where the grant was
    /// extended past it.
    #[must_use]
    pub fn to_renew(&self, grant_ends_at: Timestamp) -> Vec<Need> {
        let shorter = self.0.iter().filter(|(_, end)| **end < grant_ends_at);
        shorter.map(|(need, _)| *need).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: u8) -> Timestamp {
        format!("2026-11-23T03:{minute:02}:00Z").parse().unwrap()
    }

    #[test]
    fn what_lives_as_long_as_the_grant_is_not_asked_for_again() {
        let mut fresh = Freshness::default();
        assert_eq!(fresh.earliest(), None);
        fresh.came(Need::Password, at(30));
        fresh.came(Need::Jwt, at(15));
        assert_eq!(fresh.earliest(), Some(at(15)));
        assert_eq!(fresh.to_renew(at(30)), [Need::Jwt]);
        fresh.came(Need::Jwt, at(25));
        assert_eq!(fresh.earliest(), Some(at(25)));
        assert_eq!(fresh.to_renew(at(40)), [Need::Jwt, Need::Password]);
        fresh.came(Need::Jwt, at(30));
        assert!(fresh.to_renew(at(30)).is_empty());
    }
}
