//! Going on from a copy from before a rotation of the ledger's key, with the keys from after it.
//!
//! The key whose turn it is behind the copy is gone, so no checkpoint can be signed there. The one that is at hand
//! signs from behind the rotation on, and everybody who has followed it knows from where. So the places up to there are passed
//! over, the entry that hands the ledger over stands where it has to, the mark of what is lost behind it, and all
//! of it is one batch, whose checkpoint is the first that is signed again.

use breakglass_domain::State;
use breakglass_domain::command::Act;
use breakglass_domain::limits::PASSED_OVER;
use breakglass_domain::restoring::Restoration;
use breakglass_tlog::Succession;

use crate::commands::Failure;
use crate::commands::rotate_ledger::handed_over;
use crate::commands::stores::Stores;
use crate::ledger::sequence::alone;
use crate::ports::Clock;

/// Writes it; answers where the mark stands.
///
/// # Errors
/// [`Failure`] where it is too far, or cannot be written; then nothing is.
pub(super) fn go_on(
    stores: Stores,
    clock: &dyn Clock,
    ahead: &[Succession],
    mark: Act,
) -> Result<u64, Failure> {
    let Stores {
        mut ledger,
        index,
        live,
        cut_bytes,
        ..
    } = stores;
    index.close();
    let mut state = live.read(Clone::clone);
    need_news(&state, &mark)?;
    // What is written again was before now, and nobody knows when: who reads a hand-over that is dated late
    // believes the old key for longer.
    let then = state.newest;
    let before = up_to_the_last(ledger.size(), ahead)?;
    let mut acts: Vec<_> = before.into_iter().map(|act| (then, act)).collect();
    let place = ledger.size() + acts.len() as u64;
    let now = clock.now().max(then);
    acts.push((now, mark));
    if cut_bytes > 0 {
        acts.push((now, Act::NoteRepair { cut_bytes }));
    }
    alone::record_all(&mut *ledger, &mut state, acts)?;
    ledger.publish();
    Ok(place)
}

/// The mark is written: without it nothing would say why places are passed over.
fn need_news(state: &State, mark: &Act) -> Result<(), Failure> {
    let Act::NoteRestored {
        kept,
        size,
        checkpoint,
        ..
    } = mark
    else {
        return Ok(());
    };
    let lost = Restoration::of(*kept, *size, checkpoint);
    match state.restorations.iter().any(|known| *known == lost) {
        false => Ok(()),
        true => Err(Failure::new(
            "that this history is lost is on record in the copy already, and not what came after it",
        )
        .then("bring a newer checkpoint, from after the rotation: --lost FILE")),
    }
}

/// What fills each place from a size up to the last hand-over.
fn up_to_the_last(size: u64, ahead: &[Succession]) -> Result<Vec<Act>, Failure> {
    let last = ahead.last().map_or(size, Succession::size);
    if last.saturating_sub(size) > PASSED_OVER {
        let what = format!(
            "the copy has {size} entries, and its key was rotated at {last}: more than {PASSED_OVER} places \
             would be passed over"
        );
        return Err(Failure::new(what).then(
            "bring a newer copy of the journal, or end this ledger and begin another, with another origin \
             (docs/operating/backup.md)",
        ));
    }
    let (mut next, mut acts) = (size, Vec::new());
    for over in ahead {
        let place = over.size() - 1;
        if place < next {
            let what =
                format!("the copy has {size} entries, and none of them hands it over at {place}");
            return Err(Failure::new(what)
                .then("put back the keys that belong to this copy of the journal"));
        }
        acts.extend((next..place).map(|_| Act::PassOver));
        acts.push(handed_over(over));
        next = over.size();
    }
    Ok(acts)
}

#[cfg(test)]
mod tests {
    use breakglass_tlog::{Ed25519Signer, KeyName};

    use super::*;

    fn over(size: u64, from: u8, to: u8) -> Succession {
        let signer = |seed: u8| {
            let name = KeyName::parse("glass.example/ledger").unwrap();
            Ed25519Signer::from_seed(name, &[seed; 32]).unwrap()
        };
        Succession::sign(size, &signer(from), &signer(to)).unwrap()
    }

    fn filled(size: u64, ahead: &[Succession]) -> Result<Vec<&'static str>, String> {
        let acts = up_to_the_last(size, ahead).map_err(|failure| failure.to_string())?;
        Ok(acts.iter().map(Act::name).collect())
    }

    #[test]
    fn each_hand_over_stands_where_it_has_to() {
        let (first, second) = (over(9, 1, 2), over(11, 2, 3));
        let both = [first.clone(), second];
        let all = filled(7, &both).unwrap();
        assert_eq!(all, ["pass-over", "add-key", "pass-over", "add-key"]);
        assert_eq!(
            filled(8, &both[..1]).unwrap(),
            ["add-key"],
            "nothing between"
        );
        assert!(
            filled(9, &[first])
                .unwrap_err()
                .contains("none of them hands it over at 8")
        );
        let far = over(PASSED_OVER + 9, 1, 2);
        assert!(
            filled(8, &[far])
                .unwrap_err()
                .contains("would be passed over")
        );
    }
}
