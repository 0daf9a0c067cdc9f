//! A head that is signed by a key this copy does not know: made after a rotation that the copy does not have.

use std::path::{Path, PathBuf};

use breakglass_tlog::succession::from_text;
use breakglass_tlog::{LedgerKeys, Note, Succession};

use super::lost::text_of;
use crate::commands::Failure;

/// Most bytes of a file with the word of keys: of a thousand of them, half a kilobyte each.
const MOST_BYTES: u64 = 1 << 20;

/// Why a head that no known key has signed may still be of this ledger: it bears a signature in its name by
/// another key, and that one followed a known one where somebody brought their word for it. Nothing where no
/// line of it is in the ledger's name.
pub(super) fn signed_later(
    file: &Path,
    note: &str,
    successions: Option<&Path>,
    known: &LedgerKeys,
) -> Option<Failure> {
    let read = Note::parse(note).ok()?;
    let line = read
        .signatures()
        .iter()
        .find(|line| line.name == *known.name() && !known.all().any(|key| line.claims(key)))?;
    let beside = beside(file);
    let brought = successions.map_or_else(|| beside.exists().then_some(&*beside), Some);
    let Some(brought) = brought else {
        return Some(by_an_unknown_key(file, &line.key_id.to_string()));
    };
    Some(match followed(brought, known) {
        Err(failure) => failure,
        Ok((keys, next)) => match keys.verify(note) {
            Ok(head) => by_a_later_key(file, head.size(), &next),
            Err(why) => super::lost::is_none(file, &why.to_string()),
        },
    })
}

/// Where laptops, mirrors and exports keep the word of the keys.
fn beside(file: &Path) -> PathBuf {
    file.with_file_name("successions")
}

/// The keys, with those that somebody brought the word for, and the first of these.
fn followed(file: &Path, known: &LedgerKeys) -> Result<(LedgerKeys, Succession), Failure> {
    let unfit = |why: String| {
        let what = format!(
            "{} does not lead on from the keys of this copy: {why}",
            file.display()
        );
        Failure::new(what)
            .then("bring `successions` of a laptop's context, of a mirror or of an export: --successions FILE")
    };
    let text = text_of(file, MOST_BYTES)?;
    let text = text.ok_or_else(|| unfit("it is longer than the word of any keys".to_owned()))?;
    let mut keys = known.clone();
    let brought = from_text(&text).map_err(|why| unfit(why.to_string()))?;
    keys.join(brought).map_err(|why| unfit(why.to_string()))?;
    let next = keys.successions().get(known.successions().len()).cloned();
    let next = next.ok_or_else(|| unfit("it knows no later key".to_owned()))?;
    Ok((keys, next))
}

fn by_an_unknown_key(file: &Path, key_id: &str) -> Failure {
    let name = file.display();
    let what = format!(
        "{name} is signed by a key of this ledger's name with the id {key_id}, which the keys of this copy do \
         not know: it was made after a rotation that this copy does not have, or by somebody else"
    );
    Failure::new(what).then(
        "bring `successions`, which lies beside that checkpoint, to tell which: --successions FILE",
    )
}

fn by_a_later_key(file: &Path, size: u64, next: &Succession) -> Failure {
    let (name, place) = (file.display(), next.size() - 1);
    let what = format!(
        "{name}, of {size} entries, was signed after a rotation that this copy does not have: entry {place} \
         handed the ledger over to {}, and what the key before it signs from there on nobody believes",
        next.new_key()
    );
    Failure::new(what).then(
        "put back the keys and a copy of the journal from after that rotation. Where there are none: \
         docs/operating/backup.md, \"From before a rotation\"",
    )
}
