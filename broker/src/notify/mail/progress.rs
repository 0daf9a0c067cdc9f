//! Who got a notice, and who was put off how often: in memory, so that after a restart everybody is tried
//! anew.

use std::collections::{BTreeMap, BTreeSet};

use lettre::Address;

use super::super::limits::{MAIL_TRIES, TELLINGS_REMEMBERED};

/// What became of the newest notices, and of addresses over all notices.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// At most [`TELLINGS_REMEMBERED`], the one that was tried last behind.
    tellings: Vec<Telling>,
    /// How many times in a row, whichever notices these were.
    put_off: BTreeMap<Address, u32>,
}

#[derive(Debug, Default)]
struct Telling {
    notice: String,
    stands: Stands,
    took: BTreeSet<Address>,
    passed: BTreeSet<Address>,
}

/// How far a notice is; what is least needed is forgotten first.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stands {
    #[default]
    UnderWay,
    /// It is to be tried again.
    Waits,
    /// Nothing is owed, unless that cannot be remembered on the disk.
    Told,
}

impl Progress {
    /// A notice is told, for the first time or again. Of addresses that nothing is sent to any more
    /// nothing is remembered.
    pub(super) fn begins(&mut self, notice: &str, everybody: &BTreeSet<Address>) {
        self.put_off
            .retain(|address, _| everybody.contains(address));
        let mut telling = match self.tellings.iter().position(|it| it.notice == notice) {
            Some(place) => self.tellings.remove(place),
            None => Telling {
                notice: notice.to_owned(),
                ..Telling::default()
            },
        };
        telling.stands = Stands::UnderWay;
        if self.tellings.len() >= TELLINGS_REMEMBERED {
            let stand = |stands| self.tellings.iter().position(|it| it.stands == stands);
            let least = stand(Stands::Told).or_else(|| stand(Stands::Waits));
            self.tellings.remove(least.unwrap_or(0));
        }
        self.tellings.push(telling);
    }

    /// A try of a notice is over, and whether it is told.
    pub(super) fn ends(&mut self, notice: &str, is_told: bool) {
        if let Some(telling) = self.telling(notice) {
            telling.stands = match is_told {
                true => Stands::Told,
                false => Stands::Waits,
            };
        }
    }

    /// Whether the notice is still to be sent there. For as long as nobody has it, nobody is passed over.
    pub(super) fn is_due(&self, notice: &str, address: &Address) -> bool {
        let is_done = |it: &Telling| {
            it.took.contains(address) || (!it.took.is_empty() && it.passed.contains(address))
        };
        let mut tellings = self.tellings.iter();
        !tellings.any(|it| it.notice == notice && is_done(it))
    }

    /// How many took the notice.
    pub(super) fn count(&self, notice: &str) -> usize {
        let telling = self.tellings.iter().find(|it| it.notice == notice);
        telling.map_or(0, |it| it.took.len())
    }

    /// It took the notice.
    pub(super) fn takes(&mut self, notice: &str, address: &Address) {
        self.put_off.remove(address);
        if let Some(telling) = self.telling(notice) {
            telling.took.insert(address.clone());
        }
    }

    /// Whether it has been put off so often that no notice waits for it.
    pub(super) fn is_known_to_wait(&self, address: &Address) -> bool {
        let times = self.put_off.get(address);
        times.is_some_and(|times| *times >= MAIL_TRIES)
    }

    /// It is to be asked again later, which counts as so many tries; whether that is often enough by now
    /// for the notice to go on without it.
    pub(super) fn puts_off(&mut self, notice: &str, address: &Address, times: u32) -> bool {
        let in_all = self.put_off.entry(address.clone()).or_default();
        *in_all = in_all.saturating_add(times);
        let is_enough = *in_all >= MAIL_TRIES;
        if let Some(telling) = self.telling(notice).filter(|_| is_enough) {
            telling.passed.insert(address.clone());
        }
        is_enough
    }

    fn telling(&mut self, notice: &str) -> Option<&mut Telling> {
        self.tellings.iter_mut().find(|it| it.notice == notice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(name: &str) -> Address {
        format!("{name}@shop.example").parse().unwrap()
    }

    fn everybody() -> BTreeSet<Address> {
        BTreeSet::from(["full", "ops"].map(address))
    }

    /// So many tries of a notice, each of which `full` puts off.
    fn tries(progress: &mut Progress, notice: &str, count: u32) -> Vec<bool> {
        let one = |_| {
            progress.begins(notice, &everybody());
            progress.puts_off(notice, &address("full"), 1)
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn who_is_slow_twice_is_waited_for_no_more() {
        let (mut progress, full) = (Progress::default(), address("full"));
        progress.begins("1", &everybody());
        assert!(!progress.puts_off("1", &full, MAIL_TRIES / 2));
        assert!(!progress.is_known_to_wait(&full));
        assert!(progress.puts_off("1", &full, MAIL_TRIES / 2));
        assert!(progress.is_known_to_wait(&full));
        progress.takes("1", &full);
        assert!(!progress.is_known_to_wait(&full), "it took one");
    }

    #[test]
    fn who_is_put_off_too_often_is_tried_once_a_notice_until_it_takes_one() {
        let (mut progress, full) = (Progress::default(), address("full"));
        let told = tries(&mut progress, "1", MAIL_TRIES - 1);
        assert!(!told.contains(&true), "{told:?}");
        progress.takes("1", &address("ops"));
        assert!(progress.is_due("1", &full) && !progress.is_due("1", &address("ops")));
        assert_eq!(tries(&mut progress, "1", 1), [true]);
        assert!(!progress.is_due("1", &full), "it goes on without it");

        progress.begins("2", &everybody());
        assert!(progress.is_due("2", &full), "each notice asks it again");
        assert_eq!(tries(&mut progress, "2", 1), [true], "once");
        progress.begins("3", &everybody());
        progress.takes("3", &full);
        assert_eq!(
            tries(&mut progress, "4", 1),
            [false],
            "it is waited for again"
        );
    }

    #[test]
    fn nobody_is_passed_over_while_nobody_has_it() {
        let (mut progress, full) = (Progress::default(), address("full"));
        tries(&mut progress, "1", MAIL_TRIES + 5);
        assert!(progress.is_due("1", &full));
        assert_eq!(progress.count("1"), 0);
        progress.takes("1", &address("ops"));
        assert!(!progress.is_due("1", &full));
        assert_eq!(progress.count("1"), 1);
    }

    /// One mailbox hangs for a minute, and urgent notices come meanwhile: nobody gets the first one twice.
    #[test]
    fn what_is_under_way_or_waits_is_not_forgotten_for_what_was_told() {
        let (mut progress, ops) = (Progress::default(), address("ops"));
        for (first, stands) in [("17", Stands::UnderWay), ("18", Stands::Waits)] {
            progress.begins(first, &everybody());
            progress.takes(first, &ops);
            if stands == Stands::Waits {
                progress.ends(first, false);
            }
            for urgent in 100..200 {
                let urgent = format!("{first}, {urgent}");
                progress.begins(&urgent, &everybody());
                progress.takes(&urgent, &ops);
                progress.ends(&urgent, true);
                assert!(
                    !progress.is_due(&urgent, &ops),
                    "told, and not forgotten yet"
                );
            }
            assert!(!progress.is_due(first, &ops), "{stands:?}");
            assert_eq!(progress.count(first), 1, "{stands:?}");
        }
    }

    #[test]
    fn two_notices_are_told_at_once_and_no_more_is_remembered() {
        let (mut progress, ops) = (Progress::default(), address("ops"));
        progress.begins("17", &everybody());
        progress.takes("17", &ops);
        progress.begins("trouble", &everybody());
        progress.takes("trouble", &ops);
        progress.begins("17", &everybody());
        assert!(!progress.is_due("17", &ops) && !progress.is_due("trouble", &ops));
        for notice in 18..40 {
            tries(&mut progress, &notice.to_string(), 1);
        }
        progress.begins("40", &BTreeSet::from([address("ops")]));
        assert_eq!(progress.tellings.len(), TELLINGS_REMEMBERED);
        assert!(
            progress.put_off.is_empty(),
            "whoever is told no more is forgotten"
        );
    }
}
