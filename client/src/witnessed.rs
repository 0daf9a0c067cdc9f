//! Which witnesses have signed a ledger, and up to where.

use breakglass_tlog::{
    LedgerKeys, VerifierKey,
    cosigned::{check_cosigner, cosignatures},
};
use jiff::Timestamp;
use serde::Serialize;

use crate::{audit::Auditor, error::Error, time};

/// A witness that has signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cosigner {
    /// What it is called.
    pub name: String,
    /// Its verifier key.
    pub vkey: String,
    /// Entries that it has signed.
    pub size: u64,
    /// When, by its own clock, RFC 3339.
    pub at: String,
}

/// The size that a checkpoint of the ledger signs; 0 where there is none.
///
/// # Errors
/// [`Error::Unverified`] where it is no checkpoint of the ledger.
pub fn size_of(note: Option<&str>, ledger: &LedgerKeys) -> Result<u64, Error> {
    let size = note.map(|note| ledger.verify(note).map(|it| it.size()));
    size.unwrap_or(Ok(0)).map_err(|why| {
        Error::unverified(format!("what witnesses have signed does not verify: {why}"))
    })
}

/// Who has signed these checkpoints of a ledger that was read to the end: witnesses of its policy, and
/// those that are demanded. The auditor was asked for the root of each checkpoint's size.
///
/// # Errors
/// [`Error::Unverified`] where a checkpoint or a cosignature is false, witnesses have signed another
/// history, or a demanded one has not signed at all; [`Error::Usage`] for a key of another kind.
pub fn check(
    auditor: &Auditor,
    ledger: &LedgerKeys,
    notes: &[&str],
    demanded: &[VerifierKey],
) -> Result<Vec<Cosigner>, Error> {
    for key in demanded {
        let next = "give the vkey that `glass witness init` printed";
        check_cosigner(key).map_err(|why| Error::usage(why.to_string(), next))?;
    }
    let of_policy = auditor.asked_witnesses().map(|(_, keys)| keys);
    let of_policy = of_policy.into_iter().flatten();
    let parsed = of_policy.filter_map(|(_, vkey)| VerifierKey::parse(&vkey).ok());
    let mut keys: Vec<VerifierKey> = demanded.to_vec();
    for key in parsed.filter(|key| check_cosigner(key).is_ok()) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let mut best: Vec<Option<Cosigner>> = keys.iter().map(|_| None).collect();
    for note in notes {
        let (checkpoint, found) = cosignatures(note, ledger.of_note(note), &keys)
            .map_err(|why| Error::unverified(format!("what witnesses have signed: {why}")))?;
        let size = checkpoint.size();
        if auditor.has_passed(size) {
            // In a part of a ledger that is only hashed there: it cannot be compared, so it does not count.
            continue;
        }
        if auditor.root_at(size) != Some(checkpoint.root()) {
            return Err(Error::unverified(format!(
                "the ledger's key signed another history of {size} entries, and witnesses were shown it"
            )));
        }
        for one in found {
            let is_it = |key: &VerifierKey| key.key_id() == one.key_id && *key.name() == one.name;
            let Some(place) = keys.iter().position(is_it) else {
                continue;
            };
            if best[place]
                .as_ref()
                .is_none_or(|before| before.size <= size)
            {
                best[place] = Some(Cosigner {
                    name: one.name.to_string(),
                    vkey: keys[place].to_string(),
                    size,
                    at: said_at(one.seconds),
                });
            }
        }
    }
    if let Some(place) = best[..demanded.len()].iter().position(Option::is_none) {
        return Err(Error::unverified(format!(
            "the witness {} has not signed it, and is demanded",
            demanded[place].name()
        )));
    }
    Ok(best.into_iter().flatten().collect())
}

fn said_at(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok();
    let at = at.and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.map_or_else(|| format!("{seconds} s"), time::rfc3339)
}
