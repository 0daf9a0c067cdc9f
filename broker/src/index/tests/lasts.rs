//! What happened last, against a reading of the whole ledger, and after a damaged folder.

use std::collections::BTreeMap;

use breakglass_domain::Change;
use breakglass_domain::last::{Last, Mark};

use super::{Nights, SledIndex, line, night};
use crate::index::compare;
use crate::ledger::entry;
use crate::ports::{Index as _, Ledger as _, Recorded};

fn lasts(entries: &[Recorded]) -> BTreeMap<Last, Mark> {
    let mut lasts = BTreeMap::new();
    for recorded in entries {
        let (at, entry) = (recorded.event.at, recorded.index);
        for last in Last::of(&recorded.event) {
            lasts.insert(last, Mark { at, entry });
        }
    }
    lasts
}

fn is_as_told(index: &SledIndex, entries: &[Recorded]) {
    let told = lasts(entries);
    assert!(told.len() >= 6, "{told:?}");
    for (last, mark) in told {
        assert_eq!(index.last(&last).unwrap(), Some(mark), "{last:?}");
    }
}

#[tokio::test]
async fn the_newest_of_each_is_found_also_after_a_restart() {
    let mut nights = Nights::new("glass.example/ledger");
    let mut entries = Vec::new();
    for number in 0..60 {
        entries.extend(nights.write(night(number + 1, number * 2 + 1)));
    }
    let removed = Change::PersonRemoved {
        person: "leon".parse().unwrap(),
        reason: line("last day"),
    };
    entries.extend(nights.write(vec![("mia", removed)]));
    let index = nights.open();
    index.caught_up(nights.size).await.unwrap();
    is_as_told(&index, &entries);
    // Asked for a grant, and had no credential of it.
    let unused = Last::Used("leon".parse().unwrap(), "restart-worker".parse().unwrap());
    assert_eq!(index.last(&unused).unwrap(), None);
    // What somebody is a prefix of is somebody else's.
    let nobody = Last::Acted("mi".parse().unwrap());
    assert_eq!(index.last(&nobody).unwrap(), None);
    drop(index);

    entries.extend(nights.write(night(61, 121)));
    let index = nights.open();
    index.caught_up(nights.size).await.unwrap();
    is_as_told(&index, &entries);
}

#[tokio::test]
async fn one_that_was_changed_is_found_by_fsck() {
    let mut nights = Nights::new("glass.example/ledger");
    nights.write(night(1, 1));
    let index = nights.open();
    index.caught_up(nights.size).await.unwrap();
    let found = index.store.lasts.first().unwrap();
    let (key, mut mark) = found.expect("a record");
    mark[7] ^= 1;
    index.store.lasts.insert(key, mark).unwrap();
    drop(index);
    let scratch = nights.folder.path().join("scratch");
    let reader = nights.ledger.reader();
    let differences = compare(&nights.at(), &scratch, &reader, entry::read, &nights.sealer);
    assert_eq!(
        differences.unwrap(),
        ["tree `lasts` differs from the ledger at its record 0"]
    );
}
