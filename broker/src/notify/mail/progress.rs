//! Who got a notice, and who was put off how often: in memory, so that after a restart everybody is tried
//! anew.

use std::collections::{BTreeMap, BTreeSet};

use lettre::Address;

use super::super::limits::{MAIL_TRIES, TOLD_AT_ONCE};

/// What became of the newest notices, and of addresses over all notices.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// At most [`TOLD_AT_ONCE`], the one that was tried last behind.
    tellings: Vec<Telling>,
    /// How many times in a row, whichever notices these were.
    put_off: BTreeMap<Address, u32>,
}

#[derive(Debug, Default)]
struct Telling {
    notice: String,
    took: BTreeSet<Address>,
    passed: BTreeSet<Address>,
}

impl Progress {
    /// A notice is told, for the first time or again. Of addresses that nothing is sent to any more
    /// nothing is remembered.
    pub(super) fn begins(&mut self, notice: &str, everybody: &BTreeSet<Address>) {
        self.put_off
            .retain(|address, _| everybody.contains(address));
        let telling = match self.tellings.iter().position(|it| it.notice == notice) {
            Some(place) => self.tellings.remove(place),
            None => Telling {
                notice: notice.to_owned(),
                ..Telling::default()
            },
        };
        if self.tellings.len() >= TOLD_AT_ONCE {
            self.tellings.remove(0);
        }
        self.tellings.push(telling);
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

    #[test]
    fn two_notices_are_told_at_once_and_no_more_is_remembered() {
        let (mut progress, ops) = (Progress::default(), address("ops"));
        progress.begins("17", &everybody());
        progress.takes("17", &ops);
        progress.begins("trouble", &everybody());
        progress.takes("trouble", &ops);
        progress.begins("17", &everybody());
        assert!(!progress.is_due("17", &ops) && !progress.is_due("trouble", &ops));
        tries(&mut progress, "18", 1);
        progress.begins("19", &BTreeSet::from([address("ops")]));
        assert_eq!(progress.tellings.len(), TOLD_AT_ONCE);
        assert!(
            progress.put_off.is_empty(),
            "whoever is told no more is forgotten"
        );
    }
}
