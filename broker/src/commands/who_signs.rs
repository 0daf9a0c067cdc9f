//! Who signs the ledger: its entries say it, and so does the folder of keys. Both have to say the same.

use breakglass_domain::event::{Change, KeyPurpose};
use breakglass_tlog::{LedgerKeys, Succession};

use super::Failure;
use super::stores::DECODE;
use super::target_keys::key_entries;
use crate::ports::{Index, LedgerReader};

/// Where the very last entry hands the ledger over, the keys at hand are from after it: the commit over
/// it is the last that the old key signs, so nothing else would tell that key that its time is over.
///
/// # Errors
/// [`Failure`] where they are from before.
pub(super) fn demand_newest(keys: &LedgerKeys, reader: &dyn LedgerReader) -> Result<(), Failure> {
    let Some(last) = reader.checkpoint().size().checked_sub(1) else {
        return Ok(());
    };
    for line in reader.entries(last, 1)? {
        let Change::KeyAdded {
            succession: Some(note),
            id,
            ..
        } = DECODE(&line)?.1.change
        else {
            continue;
        };
        if keys.successions().iter().all(|known| known.note() != note) {
            let what = format!(
                "entry {last} hands the ledger over to the key {id}, and the folder of keys is from before \
                 that"
            );
            return Err(Failure::new(what).then("put back the keys from after the rotation"));
        }
    }
    Ok(())
}

/// The keys in the folder are those that the ledger was handed over to.
///
/// # Errors
/// [`Failure`] as [`agree`].
pub(super) fn as_recorded(
    keys: &LedgerKeys,
    reader: &dyn LedgerReader,
    index: &dyn Index,
) -> Result<(), Failure> {
    agree(keys, &recorded(reader, index)?)
}

/// How the keys in the folder follow on from those that the ledger was handed over to: nothing where they are the
/// same, and more where the ledger is a copy from before a rotation.
///
/// # Errors
/// [`Failure`] as [`agree`], of everything else.
pub(super) fn ahead_of<'a>(
    keys: &'a LedgerKeys,
    reader: &dyn LedgerReader,
    index: &dyn Index,
) -> Result<&'a [Succession], Failure> {
    let recorded = recorded(reader, index)?;
    let known = keys.successions();
    match known.split_at_checked(recorded.len()) {
        Some((same, ahead)) if same.iter().map(Succession::note).eq(&recorded) => Ok(ahead),
        _ => agree(keys, &recorded).map(|()| &known[..0]),
    }
}

/// The notes by which entries hand the ledger over, oldest first.
fn recorded(reader: &dyn LedgerReader, index: &dyn Index) -> Result<Vec<String>, Failure> {
    let mut recorded = Vec::new();
    for change in key_entries(reader, index)? {
        if let Change::KeyAdded {
            purpose: KeyPurpose::Ledger,
            succession: Some(note),
            ..
        } = change
        {
            recorded.push(note);
        }
    }
    Ok(recorded)
}

/// The ledger was handed over by just the notes that stand beside the keys; `recorded` has those of its
/// entries, oldest first.
///
/// # Errors
/// [`Failure`] where they differ: it says which of the two is from before the other.
pub(super) fn agree(keys: &LedgerKeys, recorded: &[String]) -> Result<(), Failure> {
    let known = keys.successions();
    let same = known
        .iter()
        .zip(recorded)
        .take_while(|(known, note)| known.note() == *note);
    let same = same.count();
    match (known.get(same), recorded.get(same)) {
        (None, None) => Ok(()),
        (Some(next), None) => Err(ledger_is_older(next)),
        (None, Some(_)) => Err(keys_are_older(known.len(), recorded.len())),
        (Some(known), Some(recorded)) => Err(they_are_apart(known, recorded)),
    }
}

fn ledger_is_older(next: &Succession) -> Failure {
    let (new, place) = (next.new_key(), next.size() - 1);
    let what = format!(
        "the ledger is from before its key was rotated, and the folder of keys from after it: the key {new} \
         was handed the ledger over by entry {place}, which this copy does not have"
    );
    Failure::new(what).then(
        "put back a copy of the journal from after that rotation. Where there is none, mark what is lost: \
         glassd recover --lost CHECKPOINT (docs/operating/backup.md, \"From before a rotation\")",
    )
}

fn keys_are_older(known: usize, recorded: usize) -> Failure {
    let what = format!(
        "the ledger was handed over {recorded} times, and keys/ledger.successions has {known} of them"
    );
    Failure::new(what).then(
        "put that file back from the backup of the keys, or as `successions` from a mirror, an export or the \
         context of a laptop",
    )
}

fn they_are_apart(known: &Succession, recorded: &str) -> Failure {
    let named = match Succession::parse(recorded) {
        Ok(it) => format!("{} by entry {}", it.new_key(), it.size() - 1),
        Err(why) => format!("nobody who can be read: {why}"),
    };
    let what = format!(
        "keys/ledger.successions hands the ledger over to {} by entry {}, and its entries hand it over to \
         {named}: keys and ledger are of two histories",
        known.new_key(),
        known.size() - 1
    );
    Failure::new(what).then(
        "start nothing; compare both with `successions` of a mirror, an export or the contexts of laptops, \
         and put back what they have",
    )
}

#[cfg(test)]
mod tests {
    use breakglass_tlog::{Ed25519Signer, KeyName, NoteSigner as _};

    use super::*;

    fn signer(seed: u8) -> Ed25519Signer {
        let name = KeyName::parse("glass.example/ledger").unwrap();
        Ed25519Signer::from_seed(name, &[seed; 32]).unwrap()
    }

    fn over(size: u64, from: u8, to: u8) -> Succession {
        Succession::sign(size, &signer(from), &signer(to)).unwrap()
    }

    fn said(known: &[Succession], recorded: &[Succession]) -> Option<String> {
        let mut keys = LedgerKeys::from(signer(1).verifier().clone());
        keys.join(known.to_vec()).unwrap();
        let recorded: Vec<String> = recorded.iter().map(|it| it.note().to_owned()).collect();
        let failure = agree(&keys, &recorded).err()?;
        Some(format!("{failure} -> {}", failure.next().unwrap()))
    }

    #[test]
    fn the_side_that_is_from_before_the_other_is_named() {
        let (first, second, other) = (over(9, 1, 2), over(20, 2, 3), over(20, 2, 4));
        let all = [first.clone(), second.clone()];
        assert_eq!(said(&all, &all), None);
        assert_eq!(said(&[], &[]), None);
        let older_ledger = said(&all, &all[..1]).unwrap();
        assert!(
            older_ledger.contains("the ledger is from before")
                && older_ledger.contains("by entry 19"),
            "{older_ledger}"
        );
        assert!(
            older_ledger.contains("put back a copy of the journal"),
            "{older_ledger}"
        );
        let older_keys = said(&all[..1], &all).unwrap();
        assert!(
            older_keys.contains("handed over 2 times, and keys/ledger.successions has 1"),
            "{older_keys}"
        );
        let apart = said(&[first.clone(), other], &[first, second]).unwrap();
        assert!(apart.contains("of two histories"), "{apart}");
    }
}
